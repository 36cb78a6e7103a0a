//! What servers hold in memory, and how long their turns get while they grow.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::contest::Contest;
use crate::load::{self, tell};
use crate::options::Options;
use crate::report::{Report, Table, with_commas};
use crate::support::client::{Address, encode};
use crate::support::server::Server;

/// How often resident memory is looked at until it stays the same.
const SETTLE_INTERVAL: Duration = Duration::from_millis(100);

/// What two looks at settled memory may differ by.
const SETTLE_TOLERANCE_BYTES: u64 = 64 * 1024;

/// The longest wait for memory to settle: some servers give buffers back only after seconds.
const SETTLE_DURATION_MAX: Duration = Duration::from_secs(15);

/// What INFO calls a bound of the histogram of turns, before the bound itself.
const TURN_BOUND_FIELD: &str = "turn_us_le_";

/// A kind of key and value: its name and how the key of that number is set.
type MemoryCase = (&'static str, fn(u64, &mut Vec<u8>));

/// 16-byte keys, with values as small caches have them.
const MEMORY_CASES: [MemoryCase; 4] = [
    ("string", |number, out| load::write_set(number, format!("v{number:07}").as_bytes(), out)),
    ("string_ttl", |number, out| {
        let (key, value) = (format!("key:{number:012}"), format!("v{number:07}"));
        encode(&["SET", &key, &value, "EX", "100000"], out);
    }),
    ("string_int", |number, out| load::write_set(number, (number * 977).to_string().as_bytes(), out)),
    ("string_100", |number, out| load::write_set(number, format!("{number:0100}").as_bytes(), out)),
];

/// Resident bytes per key.
pub fn memory(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let keys = options.memory_keys;
    let mut table =
        per_store_table(contest, &format!("Resident bytes per key, {} keys", with_commas(keys as f64)));
    for (case, write) in MEMORY_CASES {
        eprintln!("memory: {case}");
        let mut per_key = Vec::new();
        for contestant in contest.stores() {
            let server = contest.start(contestant)?;
            let before = settled_bytes(&server, options.settle_looks);
            load::fill(&server, keys, write).map_err(|reason| format!("{}: {reason}", contestant.name))?;
            let bytes =
                settled_bytes(&server, options.settle_looks).saturating_sub(before) as f64 / keys as f64;
            report.figure("memory", case, &contestant.name, "bytes_per_key", bytes)?;
            per_key.push(bytes);
        }
        table.row(per_store_row(case, &per_key));
    }
    report.table(table);
    Ok(())
}

/// Resident bytes per connection that has sent one command and then fell silent.
pub fn idle(
    connections: u64,
    contest: &Contest,
    options: &Options,
    report: &mut Report,
) -> Result<(), String> {
    let case = format!("{} connections", with_commas(connections as f64));
    let mut table = per_store_table(contest, "Resident bytes per idle connection");
    let mut per_connection = Vec::new();
    for contestant in contest.stores() {
        eprintln!("idle: {case} to {}", contestant.name);
        let server = contest.start(contestant)?;
        let before = settled_bytes(&server, options.settle_looks);
        let clients: Vec<TcpStream> = (0..connections)
            .map(|_| greet(&server))
            .collect::<Result<_, _>>()
            .map_err(|reason| format!("{}: {reason}", contestant.name))?;
        let bytes =
            settled_bytes(&server, options.settle_looks).saturating_sub(before) as f64 / clients.len() as f64;
        report.figure("idle", &case, &contestant.name, "bytes_per_connection", bytes)?;
        per_connection.push(bytes);
    }
    table.row(per_store_row(&case, &per_connection));
    report.table(table);
    Ok(())
}

/// A connection that has been served once; without the buffers of a `Client`, for there are thousands.
fn greet(server: &Server) -> Result<TcpStream, String> {
    let Address::Tcp(address) = server.address else { return Err("not a TCP server".into()) };
    let greet = || {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        stream.write_all(b"*1\r\n$4\r\nPING\r\n")?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply)?;
        if reply == *b"+PONG\r\n" { Ok(stream) } else { Err(std::io::Error::other("no PONG")) }
    };
    greet().map_err(|error| format!("a connection was not served: {error}"))
}

/// Growth from nothing by pipelined SETs: the rate, the cost, the slowest batch as a client sees it, and the
/// server's own histogram of its turns where it keeps one, as rotom must.
pub fn growth(keys: u64, contest: &Contest, report: &mut Report) -> Result<(), String> {
    let case = format!("{} keys", with_commas(keys as f64));
    let header = ["", "keys/s", "CPU µs per key", "p99.9 batch ms", "slowest batch ms", "longest turn ms"];
    let title = format!("Growth to {case}, batches of 50 SETs one after the other");
    let mut table = Table::new(title, header.map(String::from).to_vec());
    let mut histograms = Vec::new();
    for contestant in contest.stores() {
        eprintln!("growth: {case} into {}", contestant.name);
        let server = contest.start(contestant)?;
        let (start, before_ns) = (Instant::now(), load::cpu_nanoseconds(&server)?);
        let mut batches =
            load::fill_timed(&server, keys, |number, out| load::write_set(number, b"xxx", out))?;
        let keys_per_second = keys as f64 / start.elapsed().as_secs_f64();
        let cpu_us = (load::cpu_nanoseconds(&server)? - before_ns) as f64 / 1000.0 / keys as f64;
        batches.sort_unstable();
        let batch_ms = |share: f64| {
            let rank = (batches.len() as f64 * share) as usize;
            batches[rank.min(batches.len() - 1)].as_secs_f64() * 1000.0
        };
        let turns = turns(&server)?;
        let longest_turn_ms = turns.longest_us.map(|longest_us| longest_us as f64 / 1000.0);
        for (metric, value) in [
            ("keys_per_second", Some(keys_per_second)),
            ("cpu_us_per_key", Some(cpu_us)),
            ("batch_ms_p999", Some(batch_ms(0.999))),
            ("batch_ms_max", Some(batch_ms(1.0))),
            ("turn_ms_max", longest_turn_ms),
        ] {
            if let Some(value) = value {
                report.figure("growth", &case, &contestant.name, metric, value)?;
            }
        }
        table.row(vec![
            contestant.name.clone(),
            with_commas(keys_per_second),
            format!("{cpu_us:.3}"),
            format!("{:.2}", batch_ms(0.999)),
            format!("{:.2}", batch_ms(1.0)),
            longest_turn_ms.map_or_else(|| "not known".into(), |longest| format!("{longest:.2}")),
        ]);
        histograms.push((contestant.name.clone(), turns));
    }
    report.table(table);
    if histograms[0].1.longest_us.is_none() || histograms[0].1.counts.is_empty() {
        return Err(format!("growth: INFO of {} has no histogram of turns", histograms[0].0));
    }
    for (name, turns) in histograms.into_iter().filter(|(_, turns)| !turns.counts.is_empty()) {
        let mut table = Table::new(format!("Turns of {name} meanwhile"), vec!["µs".into(), "turns".into()]);
        for (bound, count) in turns.counts {
            table.row(vec![format!("≤ {bound}"), with_commas(count as f64)]);
        }
        report.table(table);
    }
    Ok(())
}

/// The histogram of turns as INFO shows it; empty for a server without one.
pub struct Turns {
    /// The longest turn.
    pub longest_us: Option<u64>,
    counts: Vec<(String, u64)>,
}

/// Asks for the turns since the start, or since the statistics were reset.
pub fn turns(server: &Server) -> Result<Turns, String> {
    let info = tell(server, "INFO turns")?.text();
    let mut turns = Turns { longest_us: None, counts: Vec::new() };
    for (name, value) in info.lines().filter_map(|line| line.trim_end().split_once(':')) {
        let number = || value.parse().map_err(|_| format!("INFO turns: {name} is {value}"));
        if let Some(bound) = name.strip_prefix(TURN_BOUND_FIELD) {
            turns.counts.push((bound.to_owned(), number()?));
        } else if name == "turn_us_max" {
            turns.longest_us = Some(number()?);
        }
    }
    Ok(turns)
}

/// Resident memory once it has stayed the same for a while.
pub fn settled_bytes(server: &Server, looks: usize) -> u64 {
    let deadline = Instant::now() + SETTLE_DURATION_MAX;
    let mut last = server.process.resident_bytes();
    let mut agreeing = 0;
    while agreeing < looks && Instant::now() < deadline {
        std::thread::sleep(SETTLE_INTERVAL);
        let now = server.process.resident_bytes();
        agreeing = if now.abs_diff(last) <= SETTLE_TOLERANCE_BYTES { agreeing + 1 } else { 0 };
        last = now;
    }
    last
}

/// An empty table with a column for each server that keeps what it is given, and its ratio to the first.
pub fn per_store_table(contest: &Contest, title: &str) -> Table {
    let mut header = vec![String::new()];
    for (index, contestant) in contest.stores().enumerate() {
        header.push(contestant.name.clone());
        if index > 0 {
            header.push("×".into());
        }
    }
    Table::new(title, header)
}

/// The values, each but the first with its ratio to the first.
pub fn per_store_row(case: &str, values: &[f64]) -> Vec<String> {
    let mut row = vec![case.to_owned()];
    for (index, value) in values.iter().enumerate() {
        row.push(format!("{value:.1}"));
        if index > 0 {
            row.push(format!("{:.2}", value / values[0]));
        }
    }
    row
}
