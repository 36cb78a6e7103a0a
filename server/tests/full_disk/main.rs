//! A disk that is full: writes are refused, reads go on, and nothing that was answered is lost.
//!
//! The disk is a tmpfs of a few megabytes. To mount it takes root, or a system that gives users a namespace of their
//! own (`unprivileged_userns_clone`, and no restriction of it by AppArmor); in a container, CAP_SYS_ADMIN. This is a
//! program without a harness because a namespace of users is entered before there is a second thread.

#![deny(unsafe_code)]

mod small_disk;
#[path = "../support/mod.rs"]
mod support;

use std::fs;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use small_disk::{SmallDisk, enter_namespace};
use support::client::{Client, Reply};
use support::directory::TempDirectory;
use support::server::{Invocation, Server, info_field};
use support::{PATIENCE, server_binary, wait_for, wait_until};

/// The size of a disk.
const ROOM_BYTES: usize = 4 << 20;

/// What is left on it when it is called almost full.
const LEFT_BYTES: usize = 300 << 10;

/// The size of a value.
const VALUE_BYTES: usize = 1000;

/// Keys that are set before the disk is filled.
const KEYS: usize = 200;

/// How long a write is waited for that may be answered late.
const PROBE_PATIENCE: Duration = Duration::from_millis(100);

type Scenario = (&'static str, fn());

const SCENARIOS: [Scenario; 5] = [
    ("writes_are_refused_until_there_is_room_under_everysec", || refuse_and_go_on("everysec")),
    ("writes_are_refused_until_there_is_room_under_no", || refuse_and_go_on("no")),
    ("writes_are_refused_until_there_is_room_under_always", || refuse_and_go_on("always")),
    ("a_server_killed_on_a_full_disk_has_lost_nothing", killed_while_full),
    ("a_rewrite_without_room_leaves_everything_as_it_was", rewrite_without_room),
];

fn main() -> ExitCode {
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    if let Err(error) = enter_namespace() {
        eprintln!("cannot mount small disks: {error}; run this as root, or allow users their own namespaces");
        return ExitCode::FAILURE;
    }
    for (name, run) in SCENARIOS {
        if is_wanted(name) {
            // A panic ends the program with its message and its status.
            run();
            println!("{name}: ok");
        }
    }
    ExitCode::SUCCESS
}

/// A server on a small disk, and what it was given.
struct Fixture {
    disk: SmallDisk,
    policy: &'static str,
    /// Keys up to this number were set.
    keys: usize,
}

impl Fixture {
    fn new(policy: &'static str) -> (Fixture, Server) {
        let disk = SmallDisk::new(ROOM_BYTES).expect("a tmpfs can be mounted");
        fs::create_dir(disk.path().join("data")).expect("it is empty");
        let fixture = Fixture { disk, policy, keys: 0 };
        let server = fixture.start().expect("there is room");
        (fixture, server)
    }

    fn start(&self) -> Result<Server, String> {
        let log = ["--appendonly", "yes", "--auto-aof-rewrite-percentage", "0", "--appendfsync", self.policy];
        // A base takes as much room as its values have.
        let log = [&log[..], &["--rdbcompression", "no"]].concat();
        Server::launch_in(
            TempDirectory::lent(self.disk.path().join("data")),
            &server_binary(),
            |directory, port| Invocation::usual(directory, port, &log),
        )
    }

    /// Sets so many further keys.
    fn set(&mut self, client: &mut Client, keys: usize) {
        for number in self.keys..self.keys + keys {
            assert_eq!(set(client, number).expect("an answer"), Reply::ok(), "key {number}");
        }
        self.keys += keys;
    }

    /// Kills the server and looks at what its successor has.
    fn assert_survives(&self, server: Server) {
        server.kill();
        let server = self.start().unwrap_or_else(|reason| panic!("{reason}"));
        self.assert_complete(&server);
    }

    fn assert_complete(&self, server: &Server) {
        let mut client = server.connect();
        for number in 0..self.keys {
            assert_eq!(client.call(&["GET", &key(number)]), Reply::bulk(value(number)), "key {number}");
        }
        assert_eq!(client.ask("EXISTS refused"), Reply::Integer(0));
        let left = file_names(&self.disk.path().join("data"));
        assert!(!left.iter().any(|name| name.contains("temp-")), "{left:?}");
    }
}

fn refuse_and_go_on(policy: &'static str) {
    let (mut fixture, mut server) = Fixture::new(policy);
    fixture.set(&mut server.connect(), KEYS);
    fixture.disk.fill(LEFT_BYTES).unwrap();
    let stop = &AtomicBool::new(false);
    let is_serving = thread::scope(|scope| {
        let (connection, first) = (server.connect(), fixture.keys);
        let writer = scope.spawn(move || write_until_refused(connection, first, stop));
        let is_serving = wait_for_failure(&mut server);
        if is_serving {
            let mut client = server.connect();
            let refusal = client.ask("SET refused 1").text();
            assert!(
                refusal.starts_with("MISCONF ") && refusal.contains("No space left on device"),
                "{refusal}"
            );
            assert_eq!(client.ask("ECHO 1"), Reply::bulk("1"));
            // Under `always` a read may have seen what is not durable, and is answered when that is.
            if policy != "always" {
                assert_eq!(client.call(&["GET", &key(7)]), Reply::bulk(value(7)));
            }
        }
        stop.store(true, Ordering::SeqCst);
        fixture.disk.free().unwrap();
        fixture.keys = writer.join().expect("the writer fails by itself");
        is_serving
    });
    if !is_serving {
        // Redis ends under `always`.
        fixture.assert_survives(server);
        return;
    }
    let mut client = server.connect();
    wait_until("writes are taken again", || client.ask("SET probe 1") == Reply::ok());
    assert_eq!(client.call(&["GET", &key(7)]), Reply::bulk(value(7)));
    fixture.set(&mut client, 50);
    wait_for_field(&mut client, "aof_buffer_length", "0");
    assert_eq!(field(&mut client, "aof_last_write_status"), "ok");
    fixture.assert_survives(server);
}

fn killed_while_full() {
    let (mut fixture, mut server) = Fixture::new("always");
    fixture.set(&mut server.connect(), KEYS);
    fixture.disk.fill(LEFT_BYTES).unwrap();
    let stop = &AtomicBool::new(false);
    thread::scope(|scope| {
        let (connection, first) = (server.connect(), fixture.keys);
        let writer = scope.spawn(move || write_until_refused(connection, first, stop));
        wait_for_failure(&mut server);
        server.kill();
        fixture.keys = writer.join().expect("the writer fails by itself");
    });
    // Whether it serves without room is its own affair, but not what it serves.
    if let Ok(server) = fixture.start() {
        fixture.assert_complete(&server);
    }
    fixture.disk.free().unwrap();
    let server = fixture.start().unwrap_or_else(|reason| panic!("{reason}"));
    fixture.assert_complete(&server);
    fixture.set(&mut server.connect(), 50);
    fixture.assert_survives(server);
}

fn rewrite_without_room() {
    let (mut fixture, server) = Fixture::new("everysec");
    let mut client = server.connect();
    fixture.set(&mut client, ROOM_BYTES / 3 / VALUE_BYTES);
    wait_for_field(&mut client, "aof_buffer_length", "0");
    fixture.disk.fill(LEFT_BYTES).unwrap();
    assert!(matches!(client.ask("BGREWRITEAOF"), Reply::Simple(_)));
    wait_for_field(&mut client, "aof_last_bgrewrite_status", "err");
    wait_for_field(&mut client, "aof_rewrite_in_progress", "0");
    wait_until("writes are taken", || client.ask("SET probe 1") == Reply::ok());
    fixture.set(&mut client, 50);
    fixture.disk.free().unwrap();
    wait_until("a rewrite ends well", || {
        // One that failed may still be tried again by itself.
        client.ask("BGREWRITEAOF");
        wait_for(PATIENCE, || field(&mut client, "aof_rewrite_in_progress") == "0");
        field(&mut client, "aof_last_bgrewrite_status") == "ok"
    });
    fixture.set(&mut client, 50);
    wait_for_field(&mut client, "aof_buffer_length", "0");
    fixture.assert_survives(server);
}

/// Sets keys from `first` on until one is refused, the server is gone, or `stop`. Answers how many keys there are.
fn write_until_refused(mut client: Client, first: usize, stop: &AtomicBool) -> usize {
    let mut number = first;
    while !stop.load(Ordering::SeqCst) {
        match set(&mut client, number) {
            Ok(Reply::Error(text)) if text.starts_with("MISCONF ") => break,
            Ok(reply) => assert_eq!(reply, Reply::ok(), "key {number}"),
            Err(_) => break,
        }
        number += 1;
    }
    number
}

/// Waits until the server has noticed that the disk is full; says whether it goes on.
fn wait_for_failure(server: &mut Server) -> bool {
    let is_rotom = info_field(&server.connect().ask("INFO server"), "rotom_version").is_some();
    let probe = |server: &Server| {
        let mut client = Client::connect(&server.address)?;
        // Under `always` what is written before the server notices is not answered before there is room.
        client.limit_reply_time(PROBE_PATIENCE)?;
        client.try_call(&["SET", "probe", "0"])
    };
    let mut has_ended = false;
    wait_until("the server notices", || {
        has_ended = server.process.exit_status().is_some();
        has_ended || probe(server).is_ok_and(|reply| reply.text().starts_with("MISCONF "))
    });
    assert!(!(is_rotom && has_ended), "it is to wait for room, and has ended");
    !has_ended
}

fn wait_for_field(client: &mut Client, name: &str, value: &str) {
    wait_until(&format!("{name} is {value}"), || field(client, name) == value);
}

fn field(client: &mut Client, name: &str) -> String {
    info_field(&client.ask("INFO persistence"), name).unwrap_or_else(|| panic!("INFO has no {name}"))
}

fn set(client: &mut Client, number: usize) -> io::Result<Reply> {
    client.try_call(&["SET", &key(number), &value(number)])
}

fn key(number: usize) -> String {
    format!("key:{number}")
}

fn value(number: usize) -> String {
    format!("{number:0VALUE_BYTES$}")
}

/// Of all files below a directory.
fn file_names(directory: &Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).expect("it can be read") {
        let entry = entry.expect("it can be read");
        if entry.path().is_dir() {
            names.extend(file_names(&entry.path()));
        }
        names.push(entry.file_name().to_string_lossy().into_owned());
    }
    names
}
