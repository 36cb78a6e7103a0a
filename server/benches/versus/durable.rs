//! What a log costs while it is written, and how long it takes to load one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use crate::contest::Contest;
use crate::load::{self, Load, Work, tell};
use crate::options::Options;
use crate::report::{Report, Table, median, with_commas};
use crate::support::client::encode;
use crate::support::directory::TempDirectory;
use crate::throughput::{record, table, take_turns};

/// By how many times fewer requests are enough when each of them is synced.
const SYNC_COST: u64 = 10;

/// Keys of each kind of collection in a log that is loaded.
const LOADED_COLLECTIONS: u64 = 10_000;

/// Where a log has its files.
const LOG_DIRECTORY: &str = "appendonlydir";

/// SET of one key without a log and with one.
pub fn writing(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let mut durable = None;
    let many = Work::Test("set".into());
    let one_by_one = load::set_again_and_again(options.data_bytes);
    for (case, sync, work, pipeline, cost) in [
        ("P=50 without a log", None, &many, 50, 1),
        ("P=50 everysec", Some("everysec"), &many, 50, 1),
        ("P=1 without a log", None, &one_by_one, 1, SYNC_COST),
        ("P=1 always", Some("always"), &one_by_one, 1, SYNC_COST),
    ] {
        let log = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--appendfsync"];
        let directives = sync.map_or_else(Vec::new, |sync| [&log[..], &[sync]].concat());
        let servers = contest.start_stores(&directives)?;
        let load = Load {
            work: work.clone(),
            pipeline,
            clients: options.clients,
            requests: options.requests.div_ceil(cost),
            data_bytes: options.data_bytes,
            keyspace: None,
        };
        let outcomes = take_turns(contest, &servers, &load, options.rounds, |_| Ok(()))?;
        let table = durable.get_or_insert_with(|| table("SET and its durability", &servers));
        record("durable", case, &outcomes, table, report)?;
    }
    if let Some(table) = durable {
        report.table(table);
    }
    Ok(())
}

/// Starting on a log of so many commands.
pub fn loading(
    commands: u64,
    contest: &Contest,
    options: &Options,
    report: &mut Report,
) -> Result<(), String> {
    let broken = |error: io::Error| format!("the log cannot be written: {error}");
    let template = TempDirectory::new().map_err(broken)?;
    let log_bytes = write_log(&template.path().join(LOG_DIRECTORY), commands).map_err(broken)?;
    let stores: Vec<_> = contest.stores().collect();
    let mut seconds = vec![Vec::new(); stores.len()];
    let mut cpu_us = vec![Vec::new(); stores.len()];
    let mut sizes = Vec::new();
    for round in 1..=options.rounds {
        eprintln!("loading: {commands} commands: round {round}/{}", options.rounds);
        for (index, contestant) in stores.iter().enumerate() {
            let directory = TempDirectory::new().map_err(broken)?;
            copy(&template.path().join(LOG_DIRECTORY), &directory.path().join(LOG_DIRECTORY))
                .map_err(broken)?;
            let since = Instant::now();
            let server = contest.start_in(directory, contestant, &["--appendonly", "yes"])?;
            seconds[index].push(since.elapsed().as_secs_f64());
            cpu_us[index].push(load::cpu_nanoseconds(&server)? as f64 / 1000.0 / commands as f64);
            sizes.push(tell(&server, "DBSIZE")?);
        }
    }
    if sizes.iter().any(|size| *size != sizes[0]) {
        return Err(format!("loading: the servers do not have the same keys: {sizes:?}"));
    }
    let title = format!(
        "Loading a log of {} commands, {} MB",
        with_commas(commands as f64),
        with_commas(log_bytes as f64 / 1e6)
    );
    let header = ["", "seconds", "× seconds", "CPU µs per command"];
    let mut table = Table::new(title, header.map(String::from).to_vec());
    let first = median(seconds[0].iter().copied());
    for ((contestant, seconds), cpu_us) in stores.iter().zip(&seconds).zip(&cpu_us) {
        let (seconds, cpu_us) = (median(seconds.iter().copied()), median(cpu_us.iter().copied()));
        let case = format!("{commands} commands");
        report.figure("loading", &case, &contestant.name, "seconds", seconds)?;
        report.figure("loading", &case, &contestant.name, "cpu_us_per_command", cpu_us)?;
        table.row(vec![
            contestant.name.clone(),
            format!("{seconds:.2}"),
            format!("{:.2}", seconds / first),
            format!("{cpu_us:.3}"),
        ]);
    }
    report.table(table);
    Ok(())
}

/// Writes a log as Redis would: six of ten commands set a key, the others add to small collections. Answers its size.
fn write_log(directory: &Path, commands: u64) -> io::Result<u64> {
    fs::create_dir(directory)?;
    fs::write(directory.join("appendonly.aof.manifest"), "file appendonly.aof.1.incr.aof seq 1 type i\n")?;
    let path = directory.join("appendonly.aof.1.incr.aof");
    let mut file = BufWriter::new(File::create(&path)?);
    let mut bytes = Vec::new();
    encode(&["SELECT", "0"], &mut bytes);
    for number in 0..commands {
        let collection = number / 10 % LOADED_COLLECTIONS;
        let element = format!("element:{number}");
        match number % 10 {
            0 => encode(&["HSET", &format!("hash:{collection}"), &element, "value"], &mut bytes),
            1 => encode(&["RPUSH", &format!("list:{collection}"), &element], &mut bytes),
            2 => encode(&["SADD", &format!("set:{collection}"), &element], &mut bytes),
            3 => {
                encode(&["ZADD", &format!("zset:{collection}"), &number.to_string(), &element], &mut bytes);
            }
            _ => load::write_set(number, format!("v{number:07}").as_bytes(), &mut bytes),
        }
        file.write_all(&bytes)?;
        bytes.clear();
    }
    file.into_inner()?.sync_all()?;
    Ok(fs::metadata(path)?.len())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}
