//! What clients notice of a server that saves.
//!
//! Some millions of small keys and four large collections are under a load at a fixed rate, half of it writes, while the
//! server does nothing else, while it saves with BGSAVE, and while it rewrites its log. Latencies count from when a
//! command was due. A server that forks has its child on the same core, as all that a server does is on that core.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::contest::{Contest, Contestant};
use crate::footprint;
use crate::load::{self, tell};
use crate::open_loop::{Latencies, OpenLoop};
use crate::options::Options;
use crate::report::{Report, Table, with_commas};
use crate::support::client::{Client, Reply, encode};
use crate::support::random::Random;
use crate::support::server::{Server, info_field};

/// The collections.
const COLLECTIONS: [&str; 4] = ["big:hash", "big:set", "big:zset", "big:list"];

/// Elements the loader sends in one command.
const FILL_COMMAND_ELEMENTS: u64 = 100;

/// How far from the end of the list the load goes: finding the middle takes long, with every server.
const LIST_REACH: u64 = 1000;

/// How often it is looked whether a save has ended.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// How long a save may take.
const SAVE_DURATION_MAX: Duration = Duration::from_secs(300);

/// A way to save, and what a server has to be told for it.
struct Way {
    order: &'static str,
    directives: &'static [&'static str],
    /// What INFO says of it: that it is under way or will be, how it went, and what a child had to copy.
    running: &'static [&'static str],
    status: &'static str,
    copied: &'static str,
}

const WAYS: [Way; 2] = [
    Way {
        order: "BGSAVE",
        directives: &["--appendonly", "no"],
        running: &["rdb_bgsave_in_progress"],
        status: "rdb_last_bgsave_status",
        copied: "rdb_last_cow_size",
    },
    Way {
        order: "BGREWRITEAOF",
        directives: &["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0"],
        running: &["aof_rewrite_in_progress", "aof_rewrite_scheduled"],
        status: "aof_last_bgrewrite_status",
        copied: "aof_last_cow_size",
    },
];

/// What was seen of a server.
struct Outcome {
    latencies: Latencies,
    duration: Duration,
    /// The longest turn, or the fork of a server that forks and does not say how long its turns are.
    longest_turn_ms: Option<f64>,
    /// What it had resident before, and what more at most, with what a child had to copy.
    resident_bytes: u64,
    extra_bytes: u64,
}

/// Latencies without a save and with each kind of it.
pub fn saves(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let header = [
        "",
        "seconds",
        "p50 ms",
        "p99 ms",
        "p99.9 ms",
        "longest ms",
        "turn or fork ms",
        "resident MB",
        "extra MB",
    ];
    let mut table = Table::new(
        format!(
            "Saving {} small keys and 4 collections of {} under {} commands/s",
            with_commas(options.saved_keys as f64),
            with_commas(options.elements as f64),
            with_commas(options.rate as f64)
        ),
        header.map(String::from).to_vec(),
    );
    for way in WAYS {
        for contestant in contest.stores() {
            let name = &contestant.name;
            let failed = |reason| format!("{name}: {reason}");
            eprintln!("saves: filling {name} for {}", way.order);
            let server = contest.start_with(contestant, way.directives)?;
            fill(&server, options).map_err(failed)?;
            let is_known = tell(&server, &format!("COMMAND INFO {}", way.order))? != unknown();
            for order in [None, Some(way.order)] {
                let alone = if way.directives.contains(&"yes") { "with a log" } else { "without a log" };
                let case = format!("{name}, {}", order.unwrap_or(alone));
                eprintln!("saves: {case}");
                if order.is_some() && !is_known {
                    eprintln!("{name} does not know {}: going on without it", way.order);
                    continue;
                }
                let outcome = measure(&server, order.map(|_| &way), options).map_err(failed)?;
                show(&case, contestant, &outcome, &mut table, report)?;
            }
        }
    }
    report.table(table);
    Ok(())
}

fn unknown() -> Reply {
    Reply::Array(vec![Reply::Null])
}

fn show(
    case: &str,
    contestant: &Contestant,
    outcome: &Outcome,
    table: &mut Table,
    report: &mut Report,
) -> Result<(), String> {
    let ms = |share| outcome.latencies.quantile_ms(share);
    let megabytes = |bytes| bytes as f64 / 1e6;
    let figures = [
        ("seconds", outcome.duration.as_secs_f64(), 2),
        ("p50_ms", ms(0.5), 3),
        ("p99_ms", ms(0.99), 3),
        ("p999_ms", ms(0.999), 2),
        ("longest_ms", ms(1.0), 2),
        ("turn_or_fork_ms", outcome.longest_turn_ms.unwrap_or(f64::NAN), 2),
        ("resident_megabytes", megabytes(outcome.resident_bytes), 0),
        ("extra_megabytes", megabytes(outcome.extra_bytes), 0),
    ];
    let mut row = vec![case.to_owned()];
    for (metric, value, digits) in figures {
        if value.is_nan() {
            row.push("not known".into());
            continue;
        }
        report.figure("saves", case, &contestant.name, metric, value)?;
        row.push(format!("{value:.digits$}"));
    }
    table.row(row);
    Ok(())
}

/// Puts everything there, the keys and the elements under their numbers.
fn fill(server: &Server, options: &Options) -> Result<(), String> {
    load::fill(server, options.saved_keys, |number, out| {
        load::write_set(number, format!("v{number:07}").as_bytes(), out);
    })?;
    for key in COLLECTIONS {
        load::fill_collections(server, options.elements.div_ceil(FILL_COMMAND_ELEMENTS), |command, out| {
            let mut words = vec![adding(key).to_owned(), key.to_owned()];
            let first = command * FILL_COMMAND_ELEMENTS;
            for number in first..options.elements.min(first + FILL_COMMAND_ELEMENTS) {
                match key {
                    "big:hash" => words.extend([element(number), format!("value:{number:08}")]),
                    "big:zset" => words.extend([number.to_string(), element(number)]),
                    _ => words.push(element(number)),
                }
            }
            encode(&words, out);
        })?;
    }
    Ok(())
}

fn adding(key: &str) -> &'static str {
    match key {
        "big:hash" => "HSET",
        "big:set" => "SADD",
        "big:zset" => "ZADD",
        _ => "RPUSH",
    }
}

fn element(number: u64) -> String {
    format!("element:{number:08}")
}

/// Loads the server for a while, or while it saves.
fn measure(server: &Server, way: Option<&Way>, options: &Options) -> Result<Outcome, String> {
    let broken = |error: std::io::Error| error.to_string();
    let mut load = OpenLoop::connect(server, options.clients).map_err(broken)?;
    let mut random = Random::new(1, 0);
    let resident_bytes = server.process.resident_bytes();
    server.process.forget_peak().map_err(broken)?;
    tell(server, "CONFIG RESETSTAT")?;
    let is_over = &AtomicBool::new(false);
    let least = Duration::from_secs(options.seconds);
    let (latencies, duration) = thread::scope(|scope| {
        let since = Instant::now();
        let save = way.map(|way| {
            scope.spawn(move || {
                let ended = save(server, way);
                is_over.store(true, Ordering::SeqCst);
                ended.map(|()| since.elapsed())
            })
        });
        let goes_on = |elapsed| match way {
            Some(_) => !is_over.load(Ordering::SeqCst),
            None => elapsed < least,
        };
        let latencies = load.run(options.rate, |out| write_command(options, &mut random, out), goes_on)?;
        let duration = save.map_or(Ok(least), |save| save.join().expect("it fails by itself"))?;
        Ok::<_, String>((latencies, duration))
    })?;
    let peak_bytes = server.process.peak_resident_bytes();
    let persistence = tell(server, "INFO persistence")?;
    let copied_bytes = way.and_then(|way| info_field(&persistence, way.copied)?.parse().ok()).unwrap_or(0);
    let longest_turn_us = match footprint::turns(server)?.longest_us {
        Some(longest_us) => Some(longest_us as f64),
        // How long the last fork took, of which RESETSTAT says nothing: so only when there was one.
        None => {
            way.and_then(|_| info_field(&tell(server, "INFO stats").ok()?, "latest_fork_usec")?.parse().ok())
        }
    };
    Ok(Outcome {
        latencies,
        duration,
        longest_turn_ms: longest_turn_us.map(|longest_us| longest_us / 1000.0),
        resident_bytes,
        extra_bytes: peak_bytes.saturating_sub(resident_bytes) + copied_bytes,
    })
}

/// Has the server save, and waits until it has.
fn save(server: &Server, way: &Way) -> Result<(), String> {
    let broken = |error: std::io::Error| format!("{}: {error}", way.order);
    let mut client = Client::connect(&server.address).map_err(broken)?;
    if let Reply::Error(text) = client.try_call(&[way.order]).map_err(broken)? {
        return Err(format!("{}: {text}", way.order));
    }
    let deadline = Instant::now() + SAVE_DURATION_MAX;
    loop {
        let info = client.try_call(&["INFO", "persistence"]).map_err(broken)?;
        let field = |name: &str| info_field(&info, name).unwrap_or_default();
        if way.running.iter().all(|name| field(name) == "0") {
            let status = field(way.status);
            return if status == "ok" { Ok(()) } else { Err(format!("{} went {status}", way.order)) };
        }
        if Instant::now() > deadline {
            return Err(format!("{} does not end", way.order));
        }
        thread::sleep(LOOK_INTERVAL);
    }
}

/// Half are writes; half go to small keys, the others to the collections. Nothing grows.
fn write_command(options: &Options, random: &mut Random, out: &mut Vec<u8>) {
    let is_write = random.one_in(2);
    if random.one_in(2) {
        let number = random.below(options.saved_keys);
        if is_write {
            load::write_set(number, b"changed!", out);
        } else {
            encode(&["GET", &format!("key:{number:012}")], out);
        }
        return;
    }
    let element = element(random.below(options.elements));
    let score = random.below(options.elements).to_string();
    let index = format!("-{}", 1 + random.below(LIST_REACH.min(options.elements)));
    let key = COLLECTIONS[random.below(COLLECTIONS.len() as u64) as usize];
    match (key, is_write) {
        ("big:hash", true) => encode(&["HSET", key, &element, "changed-value!"], out),
        ("big:hash", false) => encode(&["HGET", key, &element], out),
        ("big:set", true) => encode(&[if random.one_in(2) { "SREM" } else { "SADD" }, key, &element], out),
        ("big:set", false) => encode(&["SISMEMBER", key, &element], out),
        ("big:zset", true) => encode(&["ZADD", key, &score, &element], out),
        ("big:zset", false) => encode(&["ZSCORE", key, &element], out),
        (_, true) => encode(&["LSET", key, &index, &element], out),
        (_, false) => encode(&["LINDEX", key, &index], out),
    }
}
