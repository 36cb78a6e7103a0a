//! What a pipelined request costs the core, without the kernel: nanoseconds from the bytes read to the bytes to be
//! written, for the requests that benchmarks send.
//!
//! `cargo run --release -p rotom-core --example request_speed -- [PIPELINE [PART_OF_A_NAME]]`

use rotom_core::net::{Accept, ConnId};
use rotom_core::time::{Monotonic, Now, Wall};
use rotom_core::{Config, Core, Host, Input};
use std::hint::black_box;
use std::io::IoSlice;

/// Connections that ask in every turn.
const CONNECTIONS: usize = 16;

/// Requests of one measurement.
const REQUESTS: usize = 200_000;

/// Measurements, of which the best is shown.
const MEASUREMENTS: usize = 15;

/// Length of the list that elements are popped from: more than all measurements take.
const POPPED_LIST_LEN: usize = REQUESTS * (MEASUREMENTS + 1) + CONNECTIONS * 1_000;

/// A name, what is asked once before, and what is measured.
const CASES: [(&str, &str, &str); 14] = [
    ("SET", "", "SET key:__rand_int__ xxx"),
    ("GET", "SET key:__rand_int__ xxx", "GET key:__rand_int__"),
    ("INCR", "", "INCR counter:__rand_int__"),
    ("LPUSH", "", "LPUSH mylist xxx"),
    ("RPUSH", "", "RPUSH mylist xxx"),
    ("LPOP", "RPUSH mylist", "LPOP mylist"),
    ("RPOP", "RPUSH mylist", "RPOP mylist"),
    ("SADD", "", "SADD myset element:__rand_int__"),
    ("SPOP", "SADD myset element:__rand_int__", "SPOP myset"),
    ("HSET", "", "HSET myhash element:__rand_int__ xxx"),
    ("ZADD", "", "ZADD myzset 0 element:__rand_int__"),
    ("ZPOPMIN", "ZADD myzset 0 element:__rand_int__", "ZPOPMIN myzset"),
    ("PING", "", "PING"),
    ("LRANGE", "RPUSH mylist", "LRANGE mylist 0 99"),
];

fn main() {
    let arguments = arguments();
    let pipeline = arguments.first().map_or(50, |word| word.parse().expect("a pipeline is a number"));
    let part = arguments.get(1).map_or("", String::as_str);
    for (name, before, request) in CASES {
        if name.contains(part) {
            println!("{:6.1} ns  {name}", Bench::new(before).best_nanoseconds(request, pipeline));
        }
    }
}

/// A core with its connections.
struct Bench {
    core: Core,
    now: Now,
    conns: Vec<ConnId>,
}

impl Bench {
    fn new(before: &str) -> Bench {
        let now = Now { monotonic: Monotonic(1_000_000), wall: Wall(1_700_000_000_000_000) };
        let mut core = Core::new(Config::default(), Host::default(), 7, now);
        let accept = Accept {
            peer: "127.0.0.1:50000".into(),
            local: "127.0.0.1:6379".into(),
            descriptor: 8,
            is_local: true,
            is_unix: false,
        };
        let conns = (0..CONNECTIONS)
            .map(|_| core.handle_accept(now, accept.clone()).expect("there is room"))
            .collect();
        let mut bench = Bench { core, now, conns };
        if before == "RPUSH mylist" {
            let push = encode(&format!("{before}{}", " xxx".repeat(100)));
            (0..POPPED_LIST_LEN / 100).for_each(|_| bench.turn(&push));
        } else if !before.is_empty() {
            bench.turn(&encode(before));
        }
        bench
    }

    fn best_nanoseconds(&mut self, request: &str, pipeline: usize) -> f64 {
        let input = encode(request).repeat(pipeline);
        let per_turn = CONNECTIONS * pipeline;
        let turns = REQUESTS.div_ceil(per_turn);
        let mut best = f64::INFINITY;
        for _ in 0..MEASUREMENTS {
            let elapsed = nanoseconds(|| (0..turns).for_each(|_| self.turn(black_box(&input))));
            best = best.min(elapsed / (turns * per_turn) as f64);
        }
        best
    }

    /// One turn in which every connection sends this and takes its replies.
    fn turn(&mut self, bytes: &[u8]) {
        let Bench { core, now, conns } = self;
        now.monotonic.0 += 100;
        let input =
            |index: usize| Input { conn: conns[index], bytes, reading: rotom_core::net::Reading::Continue };
        let mut inputs: [Input<'_>; CONNECTIONS] = std::array::from_fn(input);
        core.handle_inputs(*now, &mut inputs);
        core.finish_turn(*now);
        while let Some(conn) = core.poll_writable() {
            let mut slices = [IoSlice::new(&[]); 16];
            let count = core.output(conn, &mut slices);
            let len = slices[..count].iter().map(|slice| black_box(slice).len()).sum();
            core.handle_written(*now, conn, len);
        }
    }
}

fn encode(request: &str) -> Vec<u8> {
    let words: Vec<&str> = request.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len());
    words.iter().for_each(|word| bytes += &format!("${}\r\n{word}\r\n", word.len()));
    bytes.into_bytes()
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this measures; it is no part of the core"
)]
fn nanoseconds(run: impl FnOnce()) -> f64 {
    let start = std::time::Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e9
}

#[expect(clippy::disallowed_methods, reason = "this measures; it is no part of the core")]
fn arguments() -> Vec<String> {
    std::env::args().skip(1).collect()
}
