//! That each mark can be reached, so that a site cannot move away from what it is to count.

use super::*;
use crate::disk::DiskKind;
use crate::persistence::LOG_QUEUE_BYTES_MAX;
use crate::stage::Stage;
use crate::time::Wall;

/// Each brings about a few situations.
const SCENARIOS: [fn(&mut Stage); 13] = [
    pieces,
    large_arguments,
    odd_requests,
    output,
    output_limits,
    connections,
    lost_connections,
    pauses,
    expiry,
    growing_and_shrinking,
    values,
    rewriting,
    logging,
];

#[test]
fn every_mark_is_reached() {
    let mut counts = [0; COUNT];
    let _ = take();
    for scenario in SCENARIOS {
        scenario(&mut Stage::new());
        for (sum, count) in counts.iter_mut().zip(take()) {
            *sum += count;
        }
    }
    let missed: Vec<&str> =
        Mark::ALL.into_iter().filter(|mark| counts[*mark as usize] == 0).map(Mark::name).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn an_idle_server_reaches_nothing() {
    let _ = take();
    let mut stage = Stage::new();
    assert_eq!(stage.say("PING\r\n"), "+PONG ");
    stage.pass(10_000);
    stage.say("");
    assert_eq!(take(), [0; COUNT]);
}

#[test]
fn names_are_distinct_and_those_of_the_variants() {
    for (place, mark) in Mark::ALL.into_iter().enumerate() {
        assert_eq!(mark as usize, place);
        let words = mark.name().split('-').map(|word| word[..1].to_uppercase() + &word[1..]);
        assert_eq!(words.collect::<String>(), format!("{mark:?}"));
        assert!(mark.story().ends_with('.'));
        // Everything is also in what has all of it; a few are asked of nobody.
        assert!(mark.profiles().is_empty() || mark.profiles().contains(&Profile::Everything));
    }
}

#[test]
fn taking_begins_anew() {
    let _ = take();
    reach(Mark::BatchFull);
    reach(Mark::BatchFull);
    assert_eq!(take()[Mark::BatchFull as usize], 2);
    assert_eq!(take(), [0; COUNT]);
}

fn pieces(stage: &mut Stage) {
    for request in ["*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n", "ECHO hi\r\n"] {
        for cut in 1..request.len() {
            stage.say(&request[..cut]);
            assert_eq!(stage.say(&request[cut..]), "$2 hi ");
        }
    }
    stage.send(b"PING\r\n");
    assert_eq!(stage.say("PING\r\n"), "+PONG +PONG ");
}

fn large_arguments(stage: &mut Stage) {
    let header = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n";
    stage.say(header);
    for len in [40_000, 2] {
        let space = stage.core.input_buffer(stage.conn).expect("it is arriving");
        space[..len].fill(b'x');
        stage.core.handle_filled(stage.now, stage.conn, len);
    }
    assert_eq!(stage.say(""), "+OK ");
    stage.say("CLIENT PAUSE 100 WRITE\r\n");
    stage.say(header);
    stage.say(&("y".repeat(40_000) + "\r\n"));
    stage.pass(100);
    assert_eq!(stage.say(""), "+OK ");
}

fn odd_requests(stage: &mut Stage) {
    stage.say("ECHO 'a b'\r\n");
    stage.say(&"PING\r\n".repeat(20));
    for end in ["PING\r\n*1\r\n!\r\n", "QUIT\r\nPING\r\n", "POST / HTTP/1.1\r\n"] {
        stage.say(end);
        stage.connect();
    }
    stage.say("CONFIG SET client-query-buffer-limit 1mb\r\n*2\r\n$4\r\nECHO\r\n$2000000\r\n");
    stage.say(&"x".repeat(1_100_000));
}

fn output(stage: &mut Stage) {
    stage.send(b"ECHO hello\r\n");
    assert_eq!(stage.read_at_most(4) + &stage.read(), "$5 hello ");
    stage.send(b"SETRANGE k 20000 x\r\nGET k\r\n");
    stage.read_at_most(100);
    stage.read();
    let word = "w".repeat(10_000);
    stage.say(&format!("ECHO {word}\r\nECHO {word}\r\n"));
    stage.send(b"SETRANGE k 1048576 x\r\nGET k\r\nPING\r\n");
    stage.read_at_most(1_000_000);
    stage.say("");
    assert_eq!(stage.say(""), "");
    assert_eq!(stage.say("CLIENT REPLY SKIP\r\nNOSUCH\r\nPING\r\n"), "+PONG ");
}

fn output_limits(stage: &mut Stage) {
    stage.say("CONFIG SET client-output-buffer-limit 'normal 0 100 1'\r\nSETRANGE k 200 x\r\n");
    for is_forgiven in [true, false] {
        stage.send(b"GET k\r\n");
        for _ in 0..4 {
            stage.pass(500);
            stage.core.finish_turn(stage.now);
            if is_forgiven {
                stage.read();
            }
        }
    }
    stage.connect();
    stage.say("CONFIG SET client-output-buffer-limit 'normal 100 0 0'\r\n");
    stage.say("GET k\r\n");
}

fn connections(stage: &mut Stage) {
    let first = stage.conn;
    stage.connect();
    stage.send(b"PING\r\n");
    stage.conn = first;
    assert_eq!(stage.say("CLIENT KILL ID 2\r\n"), ":1 ");
    stage.connect();
    stage.send(b"QUIT\r\n");
    stage.core.finish_turn(stage.now);
    stage.conn = first;
    stage.say("CONFIG SET maxclients 1 timeout 1\r\n");
    assert!(stage.try_connect().is_err());
    for _ in 0..3 {
        stage.pass(1000);
        stage.core.finish_turn(stage.now);
    }
}

fn lost_connections(stage: &mut Stage) {
    stage.send(b"PING\r\n*1\r\n");
    let gone = stage.conn;
    stage.core.handle_closed(stage.now, gone);
    stage.connect();
    stage.core.handle_written(stage.now, gone, 1);
}

fn pauses(stage: &mut Stage) {
    stage.say("CLIENT PAUSE 100 WRITE\r\nGET k\r\nSET k v\r\nGET k\r\n");
    stage.pass(100);
    assert_eq!(stage.say(""), "+OK $1 v ");
    stage.say("CLIENT PAUSE 100 WRITE\r\nCLIENT UNPAUSE\r\nDEBUG SLEEP 0.1\r\nPING\r\n");
    stage.pass(100);
    assert_eq!(stage.say(""), "+OK +OK +OK +PONG ");
}

fn expiry(stage: &mut Stage) {
    let set: String = ["a", "b", "c", "d"].iter().map(|key| format!("SET {key} v PX 10\r\n")).collect();
    for command in ["GET a", "APPEND a w", "SET a w", "SET a w KEEPTTL", "SCAN 0", "RANDOMKEY"] {
        stage.say(&format!("FLUSHALL\r\n{set}"));
        stage.pass(20);
        stage.say(&format!("{command}\r\n"));
    }
    stage.say("SET k v\r\nEXPIREAT k 1\r\n");
    stage.say(&format!("FLUSHALL\r\n{set}CLIENT PAUSE 1000 WRITE\r\n"));
    stage.pass(20);
    stage.say("GET a\r\nCLIENT UNPAUSE\r\n");
    stage.say(&(0..5000).map(|key| format!("SET {key} v PX 10\r\n")).collect::<String>());
    stage.pass(1000);
    for _ in 0..10 {
        stage.say("");
    }
    assert_eq!(stage.say("DBSIZE\r\n"), ":0 ");
    stage.now.wall = Wall(stage.now.wall.0 - 1_000_000);
    stage.say("");
}

fn growing_and_shrinking(stage: &mut Stage) {
    const KEYS: usize = 20_000;
    const STEP: usize = 100;
    let mut cursor = "0".to_owned();
    let mut scan = |stage: &mut Stage| {
        let reply = stage.say(&format!("SCAN {cursor}\r\n"));
        cursor = reply.split_whitespace().nth(2).expect("the cursor comes first").to_owned();
    };
    for word in ["SET {} v\r\n", "DEL {}\r\n"] {
        for start in (0..KEYS).step_by(STEP) {
            let requests = (start..start + STEP).map(|key| word.replace("{}", &key.to_string()));
            stage.say(&requests.collect::<String>());
            scan(stage);
        }
    }
    stage.say(&format!("DEBUG POPULATE {KEYS}\r\nFLUSHALL ASYNC\r\n"));
}

fn values(stage: &mut Stage) {
    stage.say("SET k 12345\r\nSET k 54321\r\n");
    stage.say(&format!("SET k {}\r\n", "long".repeat(20)));
    for change in ["SETRANGE k 0 y", "SET k short"] {
        stage.say("SETRANGE k 20000 x\r\n");
        stage.say(&format!("GET k\r\n{change}\r\n"));
    }
}

fn rewriting(stage: &mut Stage) {
    stage.send(b"CONFIG REWRITE\r\n");
    let gone = stage.conn;
    stage.connect();
    stage.send(b"CONFIG REWRITE\r\n");
    stage.core.handle_closed(stage.now, gone);
    stage.disk.put("/rotom.conf", b"");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    stage.settle();
    assert_eq!(stage.read(), "-ERR Rewriting config file: No space left on device ");
}

fn logging(stage: &mut Stage) {
    *stage = Stage::with_log(&[("appendfsync", "always")]);
    assert_eq!(stage.ask("SET k 1\r\n"), "+OK ");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Append { .. }), 5));
    stage.ask("SET k 2\r\n");
    stage.ask("SET k 3\r\n");
    stage.disk.fails = Some((|kind| matches!(kind, DiskKind::Sync { .. }), 0));
    stage.pass(2_000);
    stage.settle();
    stage.disk.fails = None;
    stage.pass(2_000);
    stage.settle();
    let names = stage.disk.names();
    let log = names.iter().rfind(|name| name.ends_with(".incr.aof")).expect("there is a log").to_string();
    let torn = [stage.disk.content(&log).expect("it was written anew"), b"#CRC:"].concat();
    stage.disk.put(&log, &torn);
    stage.restart_halfway();
    stage.settle();
    assert_eq!(stage.exit_status, None);
    let value = "x".repeat(LOG_QUEUE_BYTES_MAX / 16);
    for key in 0..17 {
        stage
            .send(format!("*3\r\n$3\r\nSET\r\n$2\r\n{key:02}\r\n${}\r\n{value}\r\n", value.len()).as_bytes());
    }
    stage.core.finish_turn(stage.now);
    stage.send(b"SET k v\r\n");
    stage.settle();
    stage.restart_halfway();
    for _ in 0..20 {
        stage.step();
    }
    stage.say("GET k\r\n");
}
