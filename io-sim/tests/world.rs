//! The world keeps the contract between core and driver, whatever the pieces.

use rotom_core::{Config, Host};
use rotom_io_sim::{Delivery, Peer, World};
use std::time::Duration;

const DELIVERIES: [(Delivery, u64); 5] = [
    (Delivery::Whole, 0),
    (Delivery::Bytes, 0),
    (Delivery::Random, 1),
    (Delivery::Random, 2),
    (Delivery::Random, 3),
];

fn config(directives: &[(&str, &str)]) -> Config {
    let mut config = Config::default();
    for (name, value) in directives {
        config.set_from_file(name, &[value.as_bytes().to_vec()]).unwrap();
    }
    config
}

fn world(delivery: Delivery, seed: u64) -> World {
    World::new(config(&[("enable-debug-command", "yes")]), Host::default(), delivery, seed)
}

fn ask(world: &mut World, peer: Peer, request: &str) -> String {
    world.send(peer, request.as_bytes());
    String::from_utf8(world.receive(peer)).unwrap()
}

#[test]
fn a_pipeline_is_answered_alike_in_all_pieces() {
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let peer = world.connect();
        let replies =
            ask(&mut world, peer, "SET k 1\r\nINCR k\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nNOPE\r\nPING\r\n");
        let expected = "+OK\r\n:2\r\n$1\r\n2\r\n\
            -ERR unknown command 'NOPE', with args beginning with: \r\n+PONG\r\n";
        assert_eq!(replies, expected, "{delivery:?} {seed}");
    }
}

#[test]
fn large_strings_go_in_and_out_whole() {
    let value = "v".repeat(300_000);
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let peer = world.connect();
        let set = format!("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n${}\r\n{value}\r\nPING\r\n", value.len());
        assert_eq!(ask(&mut world, peer, &set), "+OK\r\n+PONG\r\n", "{delivery:?} {seed}");
        let get = ask(&mut world, peer, "GET k\r\n");
        assert!(get == format!("${}\r\n{value}\r\n", value.len()), "{delivery:?} {seed}");
    }
}

/// Far more output than the core keeps before it stops reading: input pauses and goes on.
#[test]
fn a_flood_of_replies_pauses_the_input_and_loses_nothing() {
    let value = "v".repeat(50_000);
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let peer = world.connect();
        ask(&mut world, peer, &format!("SET k {value}\r\n"));
        let count = 60;
        let replies = ask(&mut world, peer, &"GET k\r\n".repeat(count));
        assert_eq!(
            replies.len(),
            count * format!("${}\r\n{value}\r\n", value.len()).len(),
            "{delivery:?} {seed}"
        );
    }
}

#[test]
fn clients_and_server_can_close() {
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let (leaving, staying) = (world.connect(), world.connect());
        assert_eq!(
            ask(&mut world, leaving, "PING\r\nQUIT\r\nPING\r\n"),
            "+PONG\r\n+OK\r\n",
            "{delivery:?} {seed}"
        );
        assert!(world.is_closed(leaving) && !world.is_closed(staying));
        // What is sent into the void is lost.
        assert_eq!(ask(&mut world, leaving, "PING\r\n"), "");
        world.close(staying);
        assert!(world.is_closed(staying));
        // Both are gone for the server, too.
        let last = world.connect();
        let clients = ask(&mut world, last, "CLIENT LIST\r\n");
        assert_eq!(clients.matches(" addr=").count(), 1, "{clients}");
    }
}

#[test]
fn who_is_refused_learns_why() {
    let mut world = World::new(config(&[("maxclients", "1")]), Host::default(), Delivery::Whole, 0);
    let (first, second) = (world.connect(), world.connect());
    assert_eq!(world.receive(second), b"-ERR max number of clients reached\r\n");
    assert!(world.is_closed(second) && !world.is_closed(first));
    world.close(first);
    let third = world.connect();
    assert_eq!(ask(&mut world, third, "PING\r\n"), "+PONG\r\n");
}

#[test]
fn time_passes_only_when_told_to() {
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let (one, two) = (world.connect(), world.connect());
        assert_eq!(ask(&mut world, one, "SET k v PX 100\r\nCLIENT PAUSE 50 ALL\r\n"), "+OK\r\n+OK\r\n");
        assert_eq!(ask(&mut world, two, "PTTL k\r\n"), "");
        world.advance(Duration::from_millis(49));
        assert_eq!(world.receive(two), b"");
        world.advance(Duration::from_millis(1));
        assert_eq!(world.receive(two), b":50\r\n", "{delivery:?} {seed}");
        world.advance(Duration::from_millis(49));
        assert_eq!(ask(&mut world, one, "PTTL k\r\n"), ":1\r\n");
        world.advance(Duration::from_millis(2));
        assert_eq!(ask(&mut world, one, "PTTL k\r\n"), ":-2\r\n");
    }
}

/// Output that was only partly out when the server froze follows once it thaws, whoever it is for.
#[test]
fn sleeping_delays_output_and_loses_none() {
    let value = "v".repeat(3_000);
    for seed in 0..50 {
        let mut world = world(Delivery::Random, seed);
        let peers = [world.connect(), world.connect(), world.connect()];
        let echo = format!("ECHO {value}\r\n");
        world.post(peers[0], format!("{echo}DEBUG SLEEP 0.1\r\nPING\r\n").as_bytes());
        world.post(peers[1], echo.as_bytes());
        let mut replies = peers.map(|_| String::new());
        replies[2] = ask(&mut world, peers[2], "PING\r\n");
        world.advance(Duration::from_millis(100));
        for (reply, peer) in replies.iter_mut().zip(peers) {
            reply.push_str(std::str::from_utf8(&world.receive(peer)).unwrap());
        }
        let echoed = format!("$3000\r\n{value}\r\n");
        assert_eq!(replies, [format!("{echoed}+OK\r\n+PONG\r\n"), echoed, "+PONG\r\n".into()], "seed {seed}");
    }
}

/// Requests of several clients that arrive in one turn are answered one by one.
#[test]
fn inputs_of_several_clients_arrive_together() {
    for (delivery, seed) in DELIVERIES {
        let mut world = world(delivery, seed);
        let peers: Vec<Peer> = (0..20).map(|_| world.connect()).collect();
        for &peer in &peers {
            world.post(peer, b"INCR k\r\nINCR k\r\n");
        }
        let last = world.connect();
        assert_eq!(ask(&mut world, last, "GET k\r\n"), "$2\r\n40\r\n", "{delivery:?} {seed}");
        let mut numbers: Vec<u32> = Vec::new();
        for &peer in &peers {
            let replies = String::from_utf8(world.receive(peer)).unwrap();
            numbers.extend(replies.lines().map(|line| line[1..].parse::<u32>().unwrap()));
        }
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(1..=40), "{delivery:?} {seed}");
    }
}

#[test]
fn the_disk_is_in_memory() {
    let file = "/etc/rotom.conf";
    let host = Host { config_file: file.to_owned(), ..Host::default() };
    let mut world = World::new(Config::default(), host, Delivery::Random, 1);
    world.disk().write(file, b"# First line.\n");
    let peer = world.connect();
    assert_eq!(ask(&mut world, peer, "CONFIG SET timeout 77\r\nCONFIG REWRITE\r\n"), "+OK\r\n+OK\r\n");
    let text = String::from_utf8(world.disk().read(file).unwrap().to_vec()).unwrap();
    assert!(text.starts_with("# First line.\n") && text.contains("\ntimeout 77\n"), "{text}");
}

#[test]
fn shutting_down_closes_everybody() {
    let mut world = world(Delivery::Whole, 0);
    let (one, two) = (world.connect(), world.connect());
    assert_eq!(ask(&mut world, one, "SHUTDOWN NOSAVE\r\n"), "");
    assert_eq!(world.exit_status(), Some(0));
    assert!(world.is_closed(one) && world.is_closed(two));
    assert_eq!(ask(&mut world, two, "PING\r\n"), "");
    let late = world.connect();
    assert!(world.is_closed(late));
}

/// One seed, one course of events.
#[test]
fn the_seed_decides_everything() {
    let play = |seed| {
        let mut world = world(Delivery::Random, seed);
        let peer = world.connect();
        let mut seen = ask(&mut world, peer, &"SET k v\r\nRANDOMKEY\r\nINCR n\r\n".repeat(20));
        world.advance(Duration::from_secs(3));
        seen.push_str(&ask(&mut world, peer, "INFO server\r\nINFO stats\r\n"));
        seen
    };
    assert_eq!(play(5), play(5));
    assert_ne!(play(5), play(6));
}
