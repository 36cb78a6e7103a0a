//! Bytes in and out over real sockets: pipelines, values of every size, slow readers, half-closed connections,
//! floods.

mod support;

use rotom_core::Config;
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use support::{Client, Running, bind_free_port, command, on};

/// Bytes that differ from place to place, so that a shifted or repeated piece does not go unnoticed.
fn pattern(len: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as u8
    };
    (0..len).map(|_| next()).collect()
}

#[test]
fn a_long_pipeline_is_answered_in_order() {
    const COUNT: usize = 20_000;
    let server = Running::start();
    let mut client = server.connect();
    let mut pipeline = Vec::new();
    for number in 0..COUNT {
        let (key, value) = (format!("key:{}", number % 100), format!("value:{number}"));
        pipeline.extend(command(&[b"SET", key.as_bytes(), value.as_bytes()]));
        pipeline.extend(command(&[b"GET", key.as_bytes()]));
    }
    let mut writer = client.socket.try_clone().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(&pipeline).unwrap());
        for number in 0..COUNT {
            assert_eq!(client.reply(), b"+OK");
            assert_eq!(client.reply(), format!("value:{number}").as_bytes());
        }
    });
}

#[test]
fn many_connections_at_once_each_get_their_own_replies() {
    const CLIENTS: usize = 400;
    const ROUNDS: usize = 5;
    let server = Running::start();
    let mut clients: Vec<_> = (0..CLIENTS).map(|_| server.connect()).collect();
    for round in 0..ROUNDS {
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(format!("ECHO {round}-{number}\r\n").as_bytes());
        }
        for (number, client) in clients.iter_mut().enumerate() {
            assert_eq!(client.reply(), format!("{round}-{number}").as_bytes());
        }
        // Some leave, others come: their slots are used again.
        for number in (round..CLIENTS).step_by(7) {
            clients[number] = server.connect();
        }
    }
}

#[test]
fn a_request_may_arrive_byte_by_byte() {
    let server = Running::start();
    let mut client = server.connect();
    for byte in command(&[b"SET", b"key", b"value"]) {
        client.send(&[byte]);
    }
    assert_eq!(client.reply(), b"+OK");
    assert_eq!(client.ask("GET key"), b"value");
}

#[test]
fn values_of_every_size_come_back_as_they_went() {
    let server = Running::start();
    let mut client = server.connect();
    for len in [0, 1, 4_095, 16_383, 16_384, 32_768, 49_152, 65_537, 1_000_000, 20_000_000] {
        let value = pattern(len);
        let request = command(&[b"SET", b"key", &value]);
        let mut writer = client.socket.try_clone().unwrap();
        // What follows the value must not be taken for a part of it.
        let request = [request, command(&[b"STRLEN", b"key"])].concat();
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(&request).unwrap());
            assert_eq!(client.reply(), b"+OK");
            assert_eq!(client.reply(), format!(":{len}").as_bytes());
        });
        assert!(client.ask("GET key") == value, "{len} bytes");
    }
}

#[test]
fn a_slow_reader_gets_everything_and_holds_up_nobody() {
    const LEN: usize = 3_000_000;
    const COUNT: usize = 10;
    let server = Running::start();
    let mut slow = server.connect();
    let value = pattern(LEN);
    slow.send(&command(&[b"SET", b"big", &value]));
    assert_eq!(slow.reply(), b"+OK");
    slow.send(&command(&[b"GET", b"big"]).repeat(COUNT));
    // Far more than any socket buffer, and nobody reads it yet.
    let mut other = server.connect();
    for _ in 0..100 {
        assert_eq!(other.ask("PING"), b"+PONG");
    }
    // The server does not read from it now, and must remember that there is something.
    slow.send(b"PING\r\n");
    for _ in 0..100 {
        assert_eq!(other.ask("PING"), b"+PONG");
    }
    for _ in 0..COUNT {
        assert!(slow.reply() == value);
    }
    assert_eq!(slow.reply(), b"+PONG");
    assert_eq!(slow.ask("PING"), b"+PONG");
}

#[test]
fn a_half_closed_connection_gets_all_its_replies() {
    const COUNT: usize = 40;
    let server = Running::start();
    let mut client = server.connect();
    let value = pattern(500_000);
    client.send(&command(&[b"SET", b"big", &value]));
    assert_eq!(client.reply(), b"+OK");
    // More than the core lets a client be owed, so that its input has to wait meanwhile.
    client.send(&command(&[b"GET", b"big"]).repeat(COUNT));
    client.send(b"ECHO last\r\n");
    client.socket.shutdown(Shutdown::Write).unwrap();
    for _ in 0..COUNT {
        assert!(client.reply() == value);
    }
    assert_eq!(client.reply(), b"last");
    client.expect_end();
}

#[test]
fn an_end_that_comes_with_the_last_bytes_is_seen() {
    let server = bind_free_port(|port| on(&["127.0.0.1"], port));
    // All of it is there before the server looks for the first time.
    let mut client = Client::new(TcpStream::connect(server.local_addresses()[0]).unwrap());
    client.send(b"PING\r\n");
    client.socket.shutdown(Shutdown::Write).unwrap();
    let _running = Running::serve(server, Config::default());
    assert_eq!(client.reply(), b"+PONG");
    client.expect_end();
}

#[test]
fn commands_sent_before_a_reset_are_run() {
    let server = Running::start();
    let mut leaver = server.connect();
    leaver.send(b"PING\r\n");
    // Once the reply is there, unread, closing the socket resets the connection.
    leaver.socket.peek(&mut [0]).unwrap();
    leaver.send(&command(&[b"SET", b"last", b"words"]));
    drop(leaver);
    let mut other = server.connect();
    let deadline = std::time::Instant::now() + support::PATIENCE;
    while other.ask("GET last") != b"words" {
        assert!(std::time::Instant::now() < deadline, "the command was lost");
    }
}

#[test]
fn a_connection_that_is_to_end_is_answered_first() {
    let server = Running::start();
    let mut client = server.connect();
    let value = pattern(5_000_000);
    client.send(&command(&[b"SET", b"big", &value]));
    assert_eq!(client.reply(), b"+OK");
    client.send(b"GET big\r\nQUIT\r\n");
    assert!(client.reply() == value);
    assert_eq!(client.reply(), b"+OK");
    client.expect_end();

    let mut client = server.connect();
    client.send(b"PING\r\n*1\r\n$nonsense\r\n");
    assert_eq!(client.reply(), b"+PONG");
    assert_eq!(client.reply(), b"-ERR Protocol error: invalid bulk length");
    client.expect_end();
}

/// Sends pipelines as fast as they are taken, until told to stop.
fn flood(socket: TcpStream, stop: &AtomicBool, replies: &AtomicUsize) {
    let request = b"SET flood aaaaaaaaaaaaaaaa\r\n".repeat(2_000);
    let mut writer = socket.try_clone().unwrap();
    let mut reader = socket;
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                writer.write_all(&request).unwrap();
            }
            writer.shutdown(Shutdown::Write).unwrap();
        });
        let mut space = vec![0; 1 << 20];
        loop {
            match reader.read(&mut space).unwrap() {
                0 => break,
                len => replies.fetch_add(len / 5, Ordering::Relaxed),
            };
        }
    });
}

#[test]
fn a_flood_starves_nobody() {
    let server = Running::start();
    let (stop, replies) = (AtomicBool::new(false), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let socket = server.connect().socket;
            scope.spawn(|| flood(socket, &stop, &replies));
        }
        let mut quiet = server.connect();
        let stops_at_the_end = StopAtTheEnd(&stop);
        // The floods end only when all of these were answered in the midst of them.
        for _ in 0..50 {
            let before = replies.load(Ordering::Relaxed);
            assert_eq!(quiet.ask("PING"), b"+PONG");
            while replies.load(Ordering::Relaxed) == before {
                std::thread::yield_now();
            }
        }
        drop(stops_at_the_end);
    });
}

/// Ends a flood even when the test fails, so that it does fail rather than hang.
struct StopAtTheEnd<'a>(&'a AtomicBool);

impl Drop for StopAtTheEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn those_beyond_maxclients_are_told_so() {
    let server = Running::start_with(&[("maxclients", "2")]);
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.ask("PING"), b"+PONG");
    assert_eq!(second.ask("PING"), b"+PONG");
    let mut third = server.connect();
    assert_eq!(third.reply(), b"-ERR max number of clients reached");
    third.expect_end();
    first.send(b"QUIT\r\n");
    assert_eq!(first.reply(), b"+OK");
    first.expect_end();
    // The server closed its end before the client saw that, so there is room now.
    let mut fourth = server.connect();
    assert_eq!(fourth.ask("PING"), b"+PONG");
    // Room for the shutdown at the end of this test.
    drop(second);
    wait_for_room(&mut fourth);
}

fn wait_for_room(client: &mut Client) {
    let deadline = std::time::Instant::now() + support::PATIENCE;
    while !String::from_utf8_lossy(&client.ask("INFO clients")).contains("connected_clients:1") {
        assert!(std::time::Instant::now() < deadline, "the connection was not forgotten");
    }
}

#[test]
fn the_core_hears_of_time_and_of_the_process() {
    let server = Running::start();
    let mut client = server.connect();
    assert_eq!(client.ask("SET key value PX 20"), b"+OK");
    let deadline = std::time::Instant::now() + support::PATIENCE;
    // Nobody looks the key up: it goes because the core is woken by its own deadline.
    while client.ask("DBSIZE") != b":0" {
        assert!(std::time::Instant::now() < deadline, "the key was not expired");
    }
    let info = String::from_utf8(client.ask("INFO memory")).unwrap();
    let rss =
        info.lines().find_map(|line| line.strip_prefix("used_memory_rss:")).expect("INFO has the figure");
    assert!(rss.parse::<u64>().unwrap() > 1_000_000, "{rss}");
    assert_eq!(server.stop(), 0);
}
