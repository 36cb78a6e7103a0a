//! How to snapshot-test what your own application says to Redis, and what it is answered, without a server.
//!
//! The application here is a rate limiter. It talks through a [`Connection`]; in production that is a socket, here it is
//! a client of a [`World`], a rotom in the same process with a clock of its own: a window of a minute passes at once,
//! and the answer is the same on every machine. Every byte both ways goes into a transcript, and the transcript into
//! a snapshot, to be reviewed when it changes. In a test of yours:
//!
//! ```text
//! [dev-dependencies]
//! insta = "1"
//! rotom-core = { git = "…" }
//! rotom-io-sim = { git = "…" }
//! ```
//!
//! `cargo run -p rotom-sim-tests --example snapshot_application` prints the transcript; `cargo test` checks it.

use rotom_core::{Config, Host};
use rotom_io_sim::{Delivery, Peer, World};
use std::fmt::Write;
use std::time::Duration;

/// What the application needs of a connection.
trait Connection {
    /// Sends one request, and returns the whole reply as it stands on the wire.
    fn ask(&mut self, words: &[&str]) -> String;
}

/// The application: lets everybody in so many times a minute.
struct RateLimiter<C> {
    connection: C,
    per_minute: u32,
}

impl<C: Connection> RateLimiter<C> {
    fn admits(&mut self, visitor: &str) -> bool {
        let key = format!("visits:{visitor}");
        let visits = self.connection.ask(&["INCR", &key]);
        if visits == ":1\r\n" {
            self.connection.ask(&["EXPIRE", &key, "60"]);
        }
        let count = visits.trim_start_matches(':').trim_end().parse().unwrap_or(u32::MAX);
        count <= self.per_minute
    }
}

/// A connection to a rotom in this process that writes down what passes.
struct Recorded {
    world: World,
    peer: Peer,
    transcript: String,
}

impl Recorded {
    /// `delivery` says into which pieces everything is cut on its way: an application must not notice.
    fn connect(delivery: Delivery) -> Recorded {
        let mut world = World::new(Config::default(), Host::default(), delivery, 1);
        let peer = world.connect();
        Recorded { world, peer, transcript: String::new() }
    }
}

impl Connection for Recorded {
    fn ask(&mut self, words: &[&str]) -> String {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            let _ = write!(request, "${}\r\n{word}\r\n", word.len());
        }
        self.world.send(self.peer, request.as_bytes());
        let reply = String::from_utf8_lossy(&self.world.receive(self.peer)).into_owned();
        let _ = writeln!(self.transcript, "> {}\n< {}", request.escape_debug(), reply.escape_debug());
        reply
    }
}

/// Three visits where two are allowed, and one more after a minute.
fn transcript(delivery: Delivery) -> String {
    let mut limiter = RateLimiter { connection: Recorded::connect(delivery), per_minute: 2 };
    let mut admitted: Vec<bool> = (0..3).map(|_| limiter.admits("ada")).collect();
    limiter.connection.world.advance(Duration::from_secs(61));
    admitted.push(limiter.admits("ada"));
    let _ = writeln!(limiter.connection.transcript, "admitted: {admitted:?}");
    limiter.connection.transcript
}

fn main() {
    print!("{}", transcript(Delivery::Whole));
}

#[test]
fn the_rate_limiter_says_what_it_has_always_said() {
    insta::assert_snapshot!(transcript(Delivery::Whole), @r"
    > *2\r\n$4\r\nINCR\r\n$10\r\nvisits:ada\r\n
    < :1\r\n
    > *3\r\n$6\r\nEXPIRE\r\n$10\r\nvisits:ada\r\n$2\r\n60\r\n
    < :1\r\n
    > *2\r\n$4\r\nINCR\r\n$10\r\nvisits:ada\r\n
    < :2\r\n
    > *2\r\n$4\r\nINCR\r\n$10\r\nvisits:ada\r\n
    < :3\r\n
    > *2\r\n$4\r\nINCR\r\n$10\r\nvisits:ada\r\n
    < :1\r\n
    > *3\r\n$6\r\nEXPIRE\r\n$10\r\nvisits:ada\r\n$2\r\n60\r\n
    < :1\r\n
    admitted: [true, true, false, true]
    ");
    assert_eq!(transcript(Delivery::Bytes), transcript(Delivery::Whole));
    assert_eq!(transcript(Delivery::Random), transcript(Delivery::Whole));
}
