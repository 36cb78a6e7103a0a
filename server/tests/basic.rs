//! The real binary over a real socket: what a client library does all day.

#![deny(unsafe_code)]

mod support;

use support::client::{Client, Reply, encode};
use support::server::{Server, info_field};
use support::wait_until;

#[test]
fn a_session_as_in_redis_cli() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.ask("PING"), Reply::Simple("PONG".into()));
    assert_eq!(client.ask("PING hello"), Reply::bulk("hello"));
    assert_eq!(client.ask("SET greeting hello"), Reply::ok());
    assert_eq!(client.ask("GET greeting"), Reply::bulk("hello"));
    assert_eq!(client.ask("GET nothing"), Reply::Null);
    assert_eq!(client.ask("APPEND greeting ,world"), Reply::Integer(11));
    assert_eq!(client.ask("INCRBY counter 41"), Reply::Integer(41));
    assert_eq!(client.ask("INCR counter"), Reply::Integer(42));
    let not_an_integer = "ERR value is not an integer or out of range";
    assert_eq!(client.ask("INCR greeting"), Reply::Error(not_an_integer.into()));
    assert_eq!(client.ask("EXPIRE counter 100"), Reply::Integer(1));
    assert_eq!(client.ask("TTL counter"), Reply::Integer(100));
    assert_eq!(client.ask("DEL greeting counter nothing"), Reply::Integer(2));
    assert_eq!(client.ask("DBSIZE"), Reply::Integer(0));
    let unknown = "ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b' ";
    assert_eq!(client.ask("NOSUCH a b"), Reply::Error(unknown.into()));
}

#[test]
fn inline_commands_work_as_typed_into_netcat() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_raw(b"SET key \"two words\\n\"\r\nGET key\n\r\nPING\r\n").unwrap();
    assert_eq!(client.read_reply().unwrap(), Reply::ok());
    assert_eq!(client.read_reply().unwrap(), Reply::bulk("two words\n"));
    assert_eq!(client.read_reply().unwrap(), Reply::Simple("PONG".into()));
}

#[test]
fn a_command_may_arrive_byte_by_byte() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let mut request = Vec::new();
    encode(&["SET", "key", "value"], &mut request);
    encode(&["GET", "key"], &mut request);
    for byte in request {
        client.send_raw(&[byte]).unwrap();
    }
    assert_eq!(client.read_reply().unwrap(), Reply::ok());
    assert_eq!(client.read_reply().unwrap(), Reply::bulk("value"));
}

#[test]
fn ten_thousand_commands_in_one_pipeline() {
    const COMMANDS: i64 = 10_000;
    let server = Server::start(&[]);
    let mut client = server.connect();
    let mut request = Vec::new();
    for _ in 0..COMMANDS {
        encode(&["INCR", "counter"], &mut request);
    }
    client.send_raw(&request).unwrap();
    for expected in 1..=COMMANDS {
        assert_eq!(client.read_reply().unwrap(), Reply::Integer(expected));
    }
}

#[test]
fn replies_come_even_when_the_client_half_closes_after_its_requests() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_raw(b"PING\r\nECHO bye\r\n").unwrap();
    assert_eq!(client.read_reply().unwrap(), Reply::Simple("PONG".into()));
    client.finish_sending().unwrap();
    assert_eq!(client.read_until_closed().unwrap(), b"$3\r\nbye\r\n");
}

#[test]
fn quit_answers_and_closes() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.send_raw(b"QUIT\r\nSET after quit\r\n").unwrap();
    assert_eq!(client.read_until_closed().unwrap(), b"+OK\r\n");
    assert_eq!(server.connect().ask("EXISTS after"), Reply::Integer(0));
}

#[test]
fn reset_brings_a_connection_back_to_its_start() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    assert_eq!(client.ask("SELECT 3"), Reply::ok());
    assert_eq!(client.ask("SET here 1"), Reply::ok());
    assert_eq!(client.ask("CLIENT SETNAME someone"), Reply::ok());
    assert_eq!(client.ask("RESET"), Reply::Simple("RESET".into()));
    assert_eq!(client.ask("EXISTS here"), Reply::Integer(0));
    assert_eq!(client.ask("CLIENT GETNAME"), Reply::Null);
}

#[test]
fn hello_switches_to_resp3_and_back() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let greeting = client.ask("HELLO 3");
    assert!(matches!(greeting, Reply::Map(_)), "{greeting:?}");
    assert_eq!(greeting.field("server"), Some(&Reply::bulk("redis")));
    assert_eq!(greeting.field("proto"), Some(&Reply::Integer(3)));
    assert_eq!(greeting.field("mode"), Some(&Reply::bulk("standalone")));
    assert_eq!(greeting.field("role"), Some(&Reply::bulk("master")));
    assert!(matches!(client.ask("CONFIG GET port"), Reply::Map(_)));
    let greeting = client.ask("HELLO 2");
    assert!(matches!(greeting, Reply::Array(_)), "{greeting:?}");
    assert_eq!(greeting.field("proto"), Some(&Reply::Integer(2)));
    let refusal = "NOPROTO unsupported protocol version";
    assert_eq!(client.ask("HELLO 4"), Reply::Error(refusal.into()));
}

#[test]
fn client_list_shows_every_connection() {
    let server = Server::start(&[]);
    let mut first = server.connect();
    let second = server.connect();
    assert_eq!(first.ask("CLIENT SETNAME first"), Reply::ok());
    let addresses = [first.local_port(), second.local_port()].map(|port| format!(" addr=127.0.0.1:{port} "));
    // The second connection has said nothing yet: it is listed once the server has accepted it.
    wait_until("both are listed", || {
        let list = first.ask("CLIENT LIST").text();
        addresses.iter().all(|address| list.contains(address))
    });
    let list = first.ask("CLIENT LIST").text();
    let line = list.lines().find(|line| line.contains(&addresses[0])).unwrap();
    assert!(line.starts_with("id="), "{line}");
    assert!(line.contains(" name=first "), "{line}");
    assert!(line.contains(" cmd=client|list "), "{line}");
    drop(second);
    wait_until("the closed one is gone", || !first.ask("CLIENT LIST").text().contains(&addresses[1]));
}

#[test]
fn info_names_the_version_and_counts() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.ask("SET key value");
    client.ask("GET key");
    client.ask("GET missing");
    let info = client.ask("INFO");
    let field = |name| info_field(&info, name).unwrap_or_else(|| panic!("INFO lacks {name}"));
    assert!(field("redis_version").starts_with("7."), "{}", field("redis_version"));
    assert_eq!(field("tcp_port"), server.port.to_string());
    assert_eq!(field("process_id"), server.process.pid().to_string());
    assert_eq!(field("connected_clients"), "1");
    assert_eq!(field("keyspace_hits"), "1");
    assert_eq!(field("keyspace_misses"), "1");
    assert_eq!(field("db0"), "keys=1,expires=0,avg_ttl=0");
    assert!(field("used_memory").parse::<u64>().unwrap() > 0);
    assert!(field("used_memory_rss").parse::<u64>().unwrap() > 0);
}

#[test]
fn five_hundred_connections_take_turns() {
    const CONNECTIONS: usize = 500;
    const ROUNDS: i64 = 4;
    let server = Server::start(&[]);
    let mut clients: Vec<Client> = (0..CONNECTIONS).map(|_| server.connect()).collect();
    for round in 1..=ROUNDS {
        // All send before the first reads, so the server has every one of them in hand at a time.
        for (number, client) in clients.iter_mut().enumerate() {
            client.send(&["INCR", &format!("key:{number}")]).unwrap();
            client.send(&["INCR", "all"]).unwrap();
        }
        let mut totals = Vec::new();
        for client in &mut clients {
            assert_eq!(client.read_reply().unwrap(), Reply::Integer(round));
            let Reply::Integer(total) = client.read_reply().unwrap() else { panic!("INCR answers a number") };
            totals.push(total);
        }
        totals.sort_unstable();
        let past = (round - 1) * CONNECTIONS as i64;
        assert!(totals.into_iter().eq(past + 1..=past + CONNECTIONS as i64), "every increment counts once");
    }
}

#[test]
fn a_value_of_64_megabytes_makes_the_round_trip() {
    const LEN_BYTES: usize = 64 << 20;
    let server = Server::start(&[]);
    let mut client = server.connect();
    let value: Vec<u8> =
        (0..LEN_BYTES as u32).map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    assert_eq!(client.call(&[b"SET", b"large".as_slice(), &value]), Reply::ok());
    assert_eq!(client.ask("STRLEN large"), Reply::Integer(LEN_BYTES as i64));
    let Reply::Bulk(returned) = client.ask("GET large") else { panic!("GET answers the value") };
    assert!(returned == value, "the value came back changed");
    assert_eq!(client.ask("DEL large"), Reply::Integer(1));
}
