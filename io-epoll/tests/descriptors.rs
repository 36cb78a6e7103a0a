//! Running out of descriptors. In a binary of its own, for the limit is the whole process'.

mod support;

use rotom_core::Config;
use std::collections::BTreeSet;
use std::io::Read as _;
use std::net::TcpStream;
use std::time::Duration;
use support::{Client, Running, bind_free_port, is_timeout, on};

/// Turns a server may take in [`SILENCE`]: what its timers need, and far below what a loop that spins takes.
const TURNS_MAX: u64 = 100;

/// How long those without a descriptor are seen to wait.
const SILENCE: Duration = Duration::from_millis(300);

/// Changes the limit on open descriptors; returns the one before.
fn set_limit(count: u64) -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is ours and outlives the call.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    let before = std::mem::replace(&mut limit.rlim_cur, count);
    // SAFETY: `limit` outlives the call, which only reads it.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    before
}

/// The limit under which this process can open so many more descriptors.
fn limit_for(more: usize) -> u64 {
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.unwrap().file_name();
    let names: Vec<_> = std::fs::read_dir("/proc/self/fd").unwrap().map(name).collect();
    let numbers = names.iter().map(|name| name.to_str().unwrap().parse::<u64>().unwrap());
    // The folder's own descriptor was among them and is closed again.
    let open: BTreeSet<u64> = numbers.filter(|number| is_open(*number)).collect();
    let last = (0..).filter(|number| !open.contains(number)).nth(more - 1);
    last.expect("numbers do not run out") + 1
}

fn is_open(number: u64) -> bool {
    std::fs::symlink_metadata(format!("/proc/self/fd/{number}")).is_ok()
}

fn turns(client: &mut Client) -> u64 {
    let info = String::from_utf8(client.ask("INFO turns")).unwrap();
    let count = |line: &str| line.strip_prefix("turn_us_")?.split_once(':')?.1.parse::<u64>().ok();
    let buckets =
        info.lines().filter(|line| line.starts_with("turn_us_le_") || line.starts_with("turn_us_gt_"));
    let turns = buckets.filter_map(count).sum();
    assert!(turns > 0, "{info}");
    turns
}

fn expect_silence(client: &mut Client) {
    client.socket.set_read_timeout(Some(SILENCE)).unwrap();
    let error = client.socket.read(&mut [0]).expect_err("there is no descriptor for this connection");
    assert!(is_timeout(&error), "{error}");
    client.socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
}

#[test]
fn those_who_are_connected_are_served_and_others_wait() {
    let bound = bind_free_port(|port| on(&["127.0.0.1"], port));
    let address = bound.local_addresses()[0];
    // The clients' ends are open before the limit falls; of the server's, two fit under it.
    let mut clients: Vec<_> = (0..4).map(|_| Client::new(TcpStream::connect(address).unwrap())).collect();
    let before = set_limit(limit_for(2));
    let running = Running::serve(bound, Config::default());
    let [first, second, third, fourth] = &mut clients[..] else { unreachable!("there are four") };
    assert_eq!(first.ask("PING"), b"+PONG");
    assert_eq!(second.ask("PING"), b"+PONG");

    // The third has asked and waits, the connected go on, and the loop sleeps.
    third.send(b"PING\r\n");
    let turns_before = turns(first);
    expect_silence(third);
    let turns_taken = turns(first) - turns_before;
    assert!(turns_taken < TURNS_MAX, "{turns_taken} turns");
    assert_eq!(second.ask("PING"), b"+PONG");

    // One leaves, and the next gets its place, though not the one after.
    assert_eq!(first.ask("QUIT"), b"+OK");
    first.expect_end();
    assert_eq!(third.reply(), b"+PONG");
    fourth.send(b"PING\r\n");
    expect_silence(fourth);

    // With room for all, all are served.
    set_limit(before);
    assert_eq!(fourth.reply(), b"+PONG");
    assert_eq!(running.stop(), 0);
}
