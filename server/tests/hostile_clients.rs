//! Clients that break the rules, on purpose or not: each gets what Redis would give it, none takes more memory
//! than it sent, and the others never notice.

#![deny(unsafe_code)]

mod support;

use std::io::ErrorKind;
use std::time::Duration;

use support::client::{Client, Reply, encode};
use support::server::Server;
use support::wait_until;

/// What the server may grow by on behalf of one client that misbehaves but sends little.
const SMALL_GROWTH_BYTES_MAX: u64 = 1 << 20;

/// What the server may grow by on behalf of one client that does not read its replies.
const UNREAD_GROWTH_BYTES_MAX: u64 = 64 << 20;

/// How long a send may make no progress before the server counts as not taking any more.
const SEND_PATIENCE: Duration = Duration::from_millis(500);

/// Sends `bytes` on a connection of their own and fails unless the server answers exactly `expected` and hangs
/// up.
#[track_caller]
fn assert_cut_off(server: &Server, bytes: &[u8], expected: &str) {
    let mut client = server.connect();
    client.send_raw(bytes).unwrap();
    let said = client.read_until_closed().unwrap();
    let start = &bytes[..bytes.len().min(60)];
    assert_eq!(String::from_utf8_lossy(&said), expected, "in answer to {}", start.escape_ascii());
}

/// Fails unless the server takes `commands` PINGs from another client, which also means that it has seen all
/// that was sent to it before.
#[track_caller]
fn assert_others_are_served(server: &Server, commands: usize) {
    let mut client = server.connect();
    for _ in 0..commands {
        assert_eq!(client.ask("PING"), Reply::Simple("PONG".into()));
    }
}

#[test]
fn garbage_is_survived() {
    let server = Server::start(&[]);
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    for first in [b'*', b'$', b'+', b'\r', b'\n', 0, 0xff, b'"'] {
        for _ in 0..8 {
            let mut bytes = vec![first];
            bytes.extend((0..4096).map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            }));
            let mut client = server.connect();
            // The server may hang up in the middle of it.
            let _ = client.send_raw(&bytes);
            let _ = client.finish_sending();
            client.read_until_closed().expect("the server hangs up on a client that has finished");
        }
    }
    server.assert_serves();
}

#[test]
fn violations_of_the_protocol_are_named_and_end_the_connection() {
    let server = Server::start(&[]);
    for (bytes, expected) in [
        (&b"*abc\r\n"[..], "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*2147483648\r\n", "-ERR Protocol error: invalid multibulk length\r\n"),
        (b"*1\r\n!3\r\n", "-ERR Protocol error: expected '$', got '!'\r\n"),
        (b"*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n"),
        (b"SET k \"open\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n"),
        (b"PING\r\n*1\r\n!\r\n", "+PONG\r\n-ERR Protocol error: expected '$', got '!'\r\n"),
    ] {
        assert_cut_off(&server, bytes, expected);
    }
    server.assert_serves();
}

#[test]
fn an_http_request_is_cut_off() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_raw(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\nSET a 1\r\n").unwrap();
    client.read_until_closed().unwrap();
    assert_eq!(server.connect().ask("EXISTS a"), Reply::Integer(0));
}

#[test]
fn half_a_command_holds_nobody_up() {
    let server = Server::start(&[]);
    let mut half = server.connect();
    half.send_raw(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nva").unwrap();
    assert_others_are_served(&server, 100);
    half.send_raw(b"lue\r\n").unwrap();
    assert_eq!(half.read_reply().unwrap(), Reply::ok());
}

#[test]
fn half_a_command_does_not_keep_an_idle_client_alive() {
    let server = Server::start(&["--timeout", "1"]);
    let mut half = server.connect();
    half.send_raw(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nva").unwrap();
    assert_eq!(half.read_until_closed().unwrap(), b"");
    server.assert_serves();
}

#[test]
fn a_claim_beyond_the_longest_bulk_is_refused() {
    let server = Server::start(&[]);
    let before = settled_bytes(&server);
    assert_cut_off(
        &server,
        b"*2\r\n$3\r\nGET\r\n$1000000000\r\n",
        "-ERR Protocol error: invalid bulk length\r\n",
    );
    assert_eq!(server.connect().ask("CONFIG SET proto-max-bulk-len 1gb"), Reply::ok());
    let mut allowed = server.connect();
    allowed.send_raw(b"*2\r\n$3\r\nGET\r\n$1000000000\r\n").unwrap();
    assert_others_are_served(&server, 10);
    assert_grew_less_than(&server, before, SMALL_GROWTH_BYTES_MAX);
}

#[test]
fn a_claim_costs_no_memory() {
    let server = Server::start(&[]);
    let before = settled_bytes(&server);
    let mut claimant = server.connect();
    claimant.send_raw(b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$500000000\r\n").unwrap();
    claimant.send_raw(&[b'x'; 100]).unwrap();
    assert_others_are_served(&server, 10);
    assert_grew_less_than(&server, before, SMALL_GROWTH_BYTES_MAX);
    let mut claimant = server.connect();
    claimant.send_raw(b"*1000000\r\n").unwrap();
    assert_others_are_served(&server, 10);
    assert_grew_less_than(&server, before, SMALL_GROWTH_BYTES_MAX);
}

#[test]
fn unread_large_replies_do_not_pile_up() {
    check_unread_replies(1 << 20, 1000);
}

#[test]
fn unread_small_replies_do_not_pile_up() {
    check_unread_replies(8 << 10, 30_000);
}

/// A client asks `count` times for a value of `value_len_bytes` and does not read. The server must neither
/// grow with the replies nor stop serving others, and when the client reads after all, every reply is there.
fn check_unread_replies(value_len_bytes: usize, count: usize) {
    let server = Server::start(&[]);
    let value = vec![b'v'; value_len_bytes];
    assert_eq!(server.connect().call(&[b"SET", b"big".as_slice(), &value]), Reply::ok());
    let before = settled_bytes(&server);
    let mut request = Vec::new();
    for _ in 0..count {
        encode(&["GET", "big"], &mut request);
    }
    let mut silent = server.connect();
    silent.limit_send_time(SEND_PATIENCE).unwrap();
    let mut sent = silent.send_while_taken(&request);
    assert_others_are_served(&server, 100);
    assert_grew_less_than(&server, before, UNREAD_GROWTH_BYTES_MAX);
    server.assert_does_not_spin();

    let request_len_bytes = request.len() / count;
    let mut reply = vec![0; format!("${value_len_bytes}\r\n").len() + value_len_bytes + 2];
    let mut received = 0;
    while received < count {
        while received < sent / request_len_bytes {
            silent.read_exact(&mut reply).unwrap();
            assert!(reply.starts_with(b"$") && reply.ends_with(b"v\r\n"), "a reply came out of step");
            received += 1;
        }
        sent += silent.send_while_taken(&request[sent..]);
    }
    assert_eq!(silent.ask("PING"), Reply::Simple("PONG".into()));
}

#[test]
fn an_endless_line_is_cut_off() {
    let server = Server::start(&[]);
    let line = vec![b'a'; 64 * 1024 + 1];
    assert_cut_off(&server, &line, "-ERR Protocol error: too big inline request\r\n");
    let mut count = vec![b'*'];
    count.resize(64 * 1024 + 1, b'1');
    assert_cut_off(&server, &count, "-ERR Protocol error: too big mbulk count string\r\n");
    server.assert_serves();
}

#[test]
fn before_authentication_requests_are_small() {
    let server = Server::start(&["--requirepass", "secret"]);
    assert_cut_off(&server, b"*11\r\n", "-ERR Protocol error: unauthenticated multibulk length\r\n");
    assert_cut_off(&server, b"*1\r\n$16385\r\n", "-ERR Protocol error: unauthenticated bulk length\r\n");
    let mut client = server.connect();
    let refusal = Reply::Error("NOAUTH Authentication required.".into());
    assert_eq!(client.ask("EXISTS a b c d e f g h i"), refusal);
    let wrong = "WRONGPASS invalid username-password pair or user is disabled.";
    assert_eq!(client.ask("AUTH wrong"), Reply::Error(wrong.into()));
    assert_eq!(client.ask("AUTH secret"), Reply::ok());
    assert_eq!(client.ask("EXISTS a b c d e f g h i j k l"), Reply::Integer(0));
    let long = "x".repeat(16385);
    assert_eq!(client.call(&["ECHO", &long]), Reply::bulk(&long));
}

#[test]
fn a_client_too_many_is_told_so() {
    let server = Server::start(&["--maxclients", "3"]);
    let mut clients: Vec<Client> = Vec::new();
    // The connection that saw the server come up may still be on its way out.
    wait_until("three clients are in", || {
        let mut client = server.connect();
        if matches!(client.try_call(&["PING"]), Ok(Reply::Simple(_))) {
            clients.push(client);
        }
        clients.len() == 3
    });
    let said = server.connect().read_until_closed().unwrap();
    assert_eq!(String::from_utf8_lossy(&said), "-ERR max number of clients reached\r\n");
    for client in &mut clients {
        assert_eq!(client.ask("PING"), Reply::Simple("PONG".into()));
    }
    clients.pop();
    wait_until("the freed place is taken", || {
        matches!(server.connect().try_call(&["PING"]), Ok(Reply::Simple(_)))
    });
}

#[test]
fn a_request_beyond_the_query_buffer_limit_ends_the_connection() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut client = server.connect();
    let value = vec![b'x'; 4 << 20];
    if let Err(error) = client.send(&[b"SET", b"k".as_slice(), &value]) {
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{error}");
    }
    assert_eq!(client.read_until_closed().unwrap(), b"");
    assert_eq!(server.connect().ask("EXISTS k"), Reply::Integer(0));
}

/// The server's resident memory once it has served a client and done what it does at first use.
fn settled_bytes(server: &Server) -> u64 {
    assert_others_are_served(server, 10);
    server.process.resident_bytes()
}

#[track_caller]
fn assert_grew_less_than(server: &Server, before: u64, growth_bytes_max: u64) {
    let grown = server.process.resident_bytes().saturating_sub(before);
    assert!(grown < growth_bytes_max, "the server grew by {grown} bytes");
}
