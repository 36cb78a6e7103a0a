//! Lists, transactions, watched keys and clients that wait, all at once: random scenarios over few keys, and some made
//! by hand. The model follows whoever is served.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rotom_io_sim::FaultKind;
use rotom_sim_tests::shrink::shrink;
use rotom_sim_tests::simulation::text::{Broken, ScenarioFile};
use rotom_sim_tests::simulation::{Action, Scenario, Settings, Step, Watch, run};
use rotom_sim_tests::workload::Request;

/// What clients ask for. A `K` stands for a key, `V` for an element, `N` for a small number, `T` for a timeout, `E` for an
/// end of a list, `I` for the number of a client.
const REQUESTS: &[&str] = &[
    "LPUSH K V",
    "LPUSH K V V V",
    "RPUSH K V",
    "RPUSH K V V",
    "RPUSH K V",
    "LPUSHX K V",
    "RPUSHX K V V",
    "LPOP K",
    "RPOP K",
    "LPOP K N",
    "RPOP K N",
    "LLEN K",
    "LINDEX K N",
    "LSET K N V",
    "LINSERT K BEFORE V V",
    "LINSERT K AFTER V V",
    "LRANGE K 0 -1",
    "LRANGE K N N",
    "LTRIM K N N",
    "LTRIM K 0 -1",
    "LREM K N V",
    "LPOS K V",
    "LPOS K V RANK N COUNT N MAXLEN N",
    "LMOVE K K E E",
    "RPOPLPUSH K K",
    "LMPOP 2 K K E COUNT 2",
    "LMPOP 1 K E",
    "BLPOP K T",
    "BLPOP K K T",
    "BRPOP K K T",
    "BLMOVE K K E E T",
    "BLMOVE K K E E T",
    "BRPOPLPUSH K K T",
    "BLMPOP T 2 K K E COUNT 2",
    "BLMPOP T 1 K E",
    "SET K V",
    "SET K V PX 20",
    "SET K V PXAT 1",
    "GET K",
    "APPEND K V",
    "DEL K",
    "UNLINK K K",
    "EXISTS K",
    "TYPE K",
    "OBJECT ENCODING K",
    "OBJECT REFCOUNT K",
    "DEBUG OBJECT K",
    "EXPIRE K 100",
    "PEXPIRE K 5",
    "PEXPIREAT K 1",
    "PERSIST K",
    "PTTL K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K REPLACE",
    "COPY K K DB 1",
    "MOVE K 1",
    "MOVE K 0",
    "SELECT 0",
    "SELECT 0",
    "SELECT 1",
    "SWAPDB 0 1",
    "SWAPDB 1 1",
    "FLUSHDB",
    "FLUSHALL",
    "DBSIZE",
    "SCAN 0",
    "SCAN 0 TYPE list",
    "KEYS *",
    "RANDOMKEY",
    "MULTI",
    "MULTI",
    "MULTI",
    "MULTI x",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC",
    "EXEC x",
    "DISCARD",
    "WATCH K",
    "WATCH K K",
    "WATCH K",
    "UNWATCH",
    "RESET",
    "NOSUCH",
    "LPUSH K",
    "CLIENT LIST",
    "CLIENT INFO",
    "CLIENT UNBLOCK I",
    "CLIENT UNBLOCK I ERROR",
    "CLIENT UNBLOCK I TIMEOUT",
    "CLIENT KILL ID I",
    "CLIENT REPLY ON",
    "CLIENT REPLY OFF",
    "CLIENT REPLY SKIP",
    "CLIENT NO-TOUCH ON",
    "CLIENT PAUSE 5 WRITE",
    "CLIENT PAUSE 3",
    "CLIENT UNPAUSE",
    "HELLO 3",
    "HELLO 2",
    "PING",
    "QUIT",
    "INFO clients",
    "INFO commandstats errorstats stats keyspace",
    "CONFIG SET list-max-listpack-size 4",
    "CONFIG SET list-max-listpack-size -1",
    "CONFIG SET timeout 1",
    "CONFIG SET timeout 0",
    "CONFIG RESETSTAT",
    "CONFIG REWRITE",
    "COMMAND GETKEYS LMPOP 2 K K E",
    "COMMAND GETKEYSANDFLAGS BLMPOP 0 2 K K E",
    "COMMAND INFO blpop lmove watch exec",
    "DEBUG SLEEP 0.004",
    "DEBUG DIGEST",
    "DEBUG SET-ACTIVE-EXPIRE 0",
    "DEBUG SET-ACTIVE-EXPIRE 1",
    "MSET K V K V",
    "GETSET K V",
    "GETDEL K",
    "GETEX K PX 100",
    "GETEX K PERSIST",
    "SETRANGE K 1 V",
    "STRLEN K",
    "MGET K K",
    "LCS K K",
    "INCR K",
    "TOUCH K K",
    "CONFIG SET requirepass secret",
    "CONFIG SET requirepass S",
    "AUTH secret",
    "AUTH secret",
    "CLIENT SETNAME V",
    "CLIENT UNBLOCK x",
    "BLPOP K x",
    "LPOP K x",
];

/// Scenarios that are played to make a failing one small.
const SHRINKING_RUNS_MAX: u32 = 2_000;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];
const ELEMENTS: [&str; 5] = ["x", "y", "7", "-300", "L"];
const TIMEOUTS: [&str; 6] = ["0", "0", "0.003", "0.01", "0.5", "-1"];

fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from[rng.random_range(0..from.len())]
}

fn request(rng: &mut ChaCha8Rng) -> Request {
    let text = pick(rng, REQUESTS);
    let words = text.split(' ').map(|word| match word {
        "K" => pick(rng, &KEYS).to_owned(),
        "V" => match pick(rng, &ELEMENTS) {
            "L" => "long".repeat(rng.random_range(0..600)),
            element => element.to_owned(),
        },
        "N" => rng.random_range(-3..4).to_string(),
        "T" => pick(rng, &TIMEOUTS).to_owned(),
        "E" => pick(rng, &["LEFT", "RIGHT"]).to_owned(),
        "S" => String::new(),
        "I" => rng.random_range(1..12).to_string(),
        word => word.to_owned(),
    });
    Request::Command(words.map(String::into_bytes).collect())
}

fn scenario(seed: u64) -> Scenario {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut settings = Settings::default();
    settings.set("config.enable-debug-command", "yes").unwrap();
    settings.set("digest-every", "50").unwrap();
    settings.set("has-config-file", "true").unwrap();
    if seed.is_multiple_of(3) {
        settings.set("read-len-max", "5").unwrap();
    }
    if seed.is_multiple_of(2) {
        settings.set("latency-us", "300").unwrap();
        settings.set("jitter-us", "400").unwrap();
    }
    let mut faults = std::collections::BTreeMap::new();
    if seed.is_multiple_of(5) {
        faults.insert(FaultKind::PartialRead, 200_000);
        faults.insert(FaultKind::PartialWrite, 200_000);
    }
    if seed.is_multiple_of(7) {
        faults.insert(FaultKind::Reset, 5_000);
    }
    let clients = rng.random_range(2..6);
    let steps = (1..=150)
        .map(|id| {
            let action = match rng.random_range(0..40) {
                0 => Action::Close,
                _ => Action::Send((0..rng.random_range(1..5)).map(|_| request(&mut rng)).collect()),
            };
            let after_us = match rng.random_range(0..60) {
                0 => rng.random_range(0..2_500_000),
                1..20 => rng.random_range(0..5_000),
                _ => 0,
            };
            Step { id, after_us, client: rng.random_range(0..clients), action }
        })
        .collect();
    Scenario { profile: "waiting".to_owned(), seed, settings, faults, steps }
}

#[test]
fn random_scenarios() {
    let (first, count) = match std::env::var("WAITING_SEEDS") {
        Ok(text) => {
            let (first, count) = text.split_once('+').expect("first+count");
            (first.parse().unwrap(), count.parse().unwrap())
        }
        Err(_) => (1, 60),
    };
    let mut sites: Vec<String> = Vec::new();
    let mut report = String::new();
    for seed in first..first + count {
        let scenario = scenario(seed);
        let Some(failure) = run(&scenario, Watch::Nothing).failure else { continue };
        if sites.contains(&failure.site) {
            continue;
        }
        sites.push(failure.site.clone());
        let play = |scenario: &Scenario| run(scenario, Watch::Nothing).failure;
        let shrunk = shrink(&scenario, &failure, play, SHRINKING_RUNS_MAX, |_| ());
        let failure = &shrunk.failure;
        let broken = Some(Broken::of(failure));
        let file = ScenarioFile { notes: Vec::new(), scenario: shrunk.scenario, broken };
        report += &format!("seed {seed}: {}: {}\n{file}\n", failure.site, failure.text);
    }
    assert!(sites.is_empty(), "{report}");
}
