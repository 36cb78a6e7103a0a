//! Every fault of the network, alone: what it does, and that it does it.

use rotom_core::time::Now;
use rotom_core::{Config, Host};
use rotom_io_sim::{Conditions, Delivery, End, FaultKind, Faults, Peer, Witness, World};
use std::collections::BTreeSet;
use std::time::Duration;

/// Keeps what happened.
#[derive(Default)]
struct Notes {
    accepted: Vec<Peer>,
    reads: Vec<(Peer, usize)>,
    executed: Vec<Peer>,
    received: Vec<u8>,
    receives: Vec<(u64, usize)>,
    ended: Vec<End>,
}

impl Witness for Notes {
    fn accepted(&mut self, _: Now, peer: Peer, _: &str) {
        self.accepted.push(peer);
    }

    fn read(&mut self, _: Now, peer: Peer, bytes: &[u8]) {
        self.reads.push((peer, bytes.len()));
    }

    fn executed(&mut self, _: Now, peer: Peer, _: &[u8]) {
        self.executed.push(peer);
    }

    fn received(&mut self, now: Now, _: Peer, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
        self.receives.push((now.monotonic.0, bytes.len()));
    }

    fn ended(&mut self, _: Now, _: Peer, end: End) {
        self.ended.push(end);
    }
}

/// A world in which one kind of fault always happens.
fn world(kind: FaultKind, seed: u64, conditions: Conditions) -> World {
    let mut world = World::new(Config::default(), Host::default(), Delivery::Whole, seed);
    let mut faults = Faults::new(seed);
    faults.set_rate(kind, 1_000_000);
    world.set_conditions(conditions, faults);
    world.observe();
    world
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn reads_get_any_part_and_nothing_is_lost() {
    let mut lens = BTreeSet::new();
    for seed in 0..200 {
        let (mut world, mut notes) =
            (world(FaultKind::PartialRead, seed, Conditions::default()), Notes::default());
        let peer = world.dial(1, &mut notes);
        world.post_as(peer, b"PING\r\nECHO hello\r\n", 2, &mut notes);
        world.run_for(MINUTE, &mut notes);
        assert_eq!(notes.received, b"+PONG\r\n$5\r\nhello\r\n");
        assert_eq!(notes.reads.iter().map(|(_, len)| len).sum::<usize>(), 18);
        lens.insert(notes.reads[0].1);
    }
    assert_eq!(lens.len(), 17, "a read ends at every byte but the last, which is no fault: {lens:?}");
}

#[test]
fn writes_get_rid_of_any_part_and_nothing_is_lost() {
    let mut lens = BTreeSet::new();
    for seed in 0..200 {
        let (mut world, mut notes) =
            (world(FaultKind::PartialWrite, seed, Conditions::default()), Notes::default());
        let peer = world.dial(1, &mut notes);
        world.post_as(peer, b"PING\r\nECHO hello\r\n", 2, &mut notes);
        world.run_for(MINUTE, &mut notes);
        assert_eq!(notes.received, b"+PONG\r\n$5\r\nhello\r\n");
        lens.insert(notes.receives[0].1);
    }
    assert_eq!(lens.len(), 17, "{lens:?}");
}

#[test]
fn a_reset_cuts_a_message_anywhere_and_loses_the_answer() {
    let mut executed = BTreeSet::new();
    for seed in 0..100 {
        let (mut world, mut notes) = (world(FaultKind::Reset, seed, Conditions::default()), Notes::default());
        let peer = world.dial(1, &mut notes);
        world.post_as(peer, b"SET a 1\r\nSET b 2\r\nSET c 3\r\n", 2, &mut notes);
        world.run_for(MINUTE, &mut notes);
        assert_eq!(notes.ended, [End::Reset]);
        assert!(world.is_closed(peer));
        executed.insert(notes.executed.len());
    }
    assert_eq!(executed, BTreeSet::from([0, 1, 2, 3]));
}

#[test]
fn a_client_may_leave_right_behind_its_request() {
    let (mut world, mut notes) = (world(FaultKind::HalfClose, 1, Conditions::default()), Notes::default());
    let peer = world.dial(1, &mut notes);
    world.post_as(peer, b"SET a 1\r\n", 2, &mut notes);
    world.run_for(MINUTE, &mut notes);
    assert_eq!((notes.executed.len(), notes.ended), (1, vec![End::ByClient]));
}

#[test]
fn a_slow_reader_leaves_the_output_with_the_server() {
    let conditions = Conditions { window_bytes: 100, slow_read_us: 1_000_000, ..Conditions::default() };
    let (mut world, mut notes) = (world(FaultKind::SlowReader, 1, conditions), Notes::default());
    let peer = world.dial(1, &mut notes);
    let value = "v".repeat(3_000);
    world.post_as(peer, format!("ECHO {value}\r\n").as_bytes(), 2, &mut notes);
    world.rest(&mut notes);
    assert!(notes.received.len() <= 100 && world.untaken_len(peer) <= 100);
    world.run_for(10 * MINUTE, &mut notes);
    assert_eq!(notes.received, format!("$3000\r\n{value}\r\n").as_bytes());
    assert!(notes.receives.windows(2).any(|pair| pair[1].0 > pair[0].0), "it took time");
}

#[test]
fn a_delayed_message_is_overtaken_by_another_connections() {
    let mut orders = BTreeSet::new();
    for seed in 0..50 {
        let (mut world, mut notes) = (world(FaultKind::Delay, seed, Conditions::default()), Notes::default());
        let (one, two) = (world.dial(1, &mut notes), world.dial(2, &mut notes));
        world.post_as(one, b"SET a 1\r\n", 3, &mut notes);
        world.post_as(two, b"SET a 2\r\n", 4, &mut notes);
        world.run_for(MINUTE, &mut notes);
        orders.insert(notes.executed);
    }
    assert_eq!(orders.len(), 2);
}

#[test]
fn what_arrives_at_one_instant_is_seen_in_any_order() {
    let mut orders = BTreeSet::new();
    for seed in 0..100 {
        let (mut world, mut notes) =
            (world(FaultKind::Reorder, seed, Conditions::default()), Notes::default());
        let peers: Vec<Peer> = (1..=3).map(|operation| world.dial(operation, &mut notes)).collect();
        for (peer, operation) in peers.iter().zip(4..) {
            world.post_as(*peer, b"SET a 1\r\n", operation, &mut notes);
        }
        world.rest(&mut notes);
        orders.insert(notes.executed);
    }
    assert_eq!(orders.len(), 6);
}

#[test]
fn a_server_that_cannot_accept_tries_again() {
    let mut world = World::new(Config::default(), Host::default(), Delivery::Whole, 1);
    let mut faults = Faults::new(1);
    faults.set_rate(FaultKind::AcceptError, 700_000);
    world.set_conditions(Conditions::default(), faults);
    let mut notes = Notes::default();
    let peers: Vec<Peer> = (1..=20).map(|operation| world.dial(operation, &mut notes)).collect();
    world.rest(&mut notes);
    assert!(notes.accepted.len() < 20);
    world.run_for(MINUTE, &mut notes);
    assert_eq!(notes.accepted, peers);
}

#[test]
fn some_clients_do_not_get_through() {
    let (mut world, mut notes) =
        (world(FaultKind::ConnectRefused, 1, Conditions::default()), Notes::default());
    let peer = world.dial(1, &mut notes);
    world.run_for(MINUTE, &mut notes);
    assert!(notes.accepted.is_empty() && world.is_closed(peer));
}

/// What a seed decides, it decides alike every time; and the fate of one message does not hang on another's.
#[test]
fn a_seed_is_one_history_and_an_operation_has_one_fate() {
    let play = |seed: u64, with_another: bool| {
        let conditions = Conditions { latency_us: 100, jitter_us: 1_000, ..Conditions::default() };
        let (mut world, mut notes) = (world(FaultKind::PartialRead, seed, conditions), Notes::default());
        let (one, two) = (world.dial(1, &mut notes), world.dial(2, &mut notes));
        if with_another {
            world.post_as(two, b"ECHO something-else\r\n", 3, &mut notes);
        }
        world.post_as(one, b"ECHO hello\r\n", 4, &mut notes);
        world.run_for(MINUTE, &mut notes);
        let reads: Vec<usize> =
            notes.reads.iter().filter(|(peer, _)| *peer == one).map(|(_, len)| *len).collect();
        (world.trace(), reads)
    };
    for seed in 0..20 {
        assert_eq!(play(seed, true), play(seed, true));
        assert_ne!(play(seed, true).0, play(seed + 1, true).0);
        assert_eq!(play(seed, true).1, play(seed, false).1);
    }
}
