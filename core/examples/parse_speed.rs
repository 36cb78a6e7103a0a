//! How fast requests are parsed and replies encoded: nanoseconds per command, for streams as benchmarks send them.
//!
//! `cargo run --release -p rotom-core --example parse_speed`

use rotom_core::resp::{ArgRange, ChunkPool, Limits, Parsed, Reply, RequestParser};
use std::hint::black_box;

/// Commands in one input, as with `redis-benchmark -P 50`.
const PIPELINE: usize = 50;

/// How often each input is parsed in one measurement.
const ROUNDS: u32 = 20_000;

/// Measurements, of which the best is shown.
const MEASUREMENTS: u32 = 9;

fn main() {
    for (name, words) in [
        ("PING", &["PING"][..]),
        ("GET key:000000000012", &["GET", "key:000000000012"]),
        ("SET key:000000000012 xxx", &["SET", "key:000000000012", "xxx"]),
        ("SET key:000000000012 100 bytes", &["SET", "key:000000000012", &"v".repeat(100)]),
        ("SET key:000000000012 5000 bytes", &["SET", "key:000000000012", &"v".repeat(5000)]),
        ("HSET with 10 arguments", &["HSET", "key", "f1", "v1", "f2", "v2", "f3", "v3", "f4", "v4"]),
    ] {
        println!("{:6.2} ns  {name}", parse_nanoseconds(words));
    }
    println!("{:6.2} ns  reply: +OK", encode_nanoseconds(Reply::ok));
    println!("{:6.2} ns  reply: 3-byte bulk", encode_nanoseconds(|reply| reply.bulk(black_box(b"xxx"))));
    println!(
        "{:6.2} ns  reply: 100-byte bulk",
        encode_nanoseconds(|reply| reply.bulk(black_box(&[b'x'; 100])))
    );
    println!("{:6.2} ns  reply: integer", encode_nanoseconds(|reply| reply.integer(black_box(123_456))));
}

fn parse_nanoseconds(words: &[&str]) -> f64 {
    let mut command = format!("*{}\r\n", words.len());
    for word in words {
        command += &format!("${}\r\n{word}\r\n", word.len());
    }
    let input = command.repeat(PIPELINE).into_bytes();
    let limits = Limits::default();
    let mut parser = RequestParser::new();
    let mut args: Vec<ArgRange> = Vec::new();
    best(|| {
        let mut at = 0;
        while at < input.len() {
            // As the core does: a command at a time, its arguments where the last ones were.
            args.clear();
            let Parsed::Complete { consumed } = parser.parse(black_box(&input[at..]), &limits, &mut args)
            else {
                panic!("the input consists of complete requests");
            };
            black_box(&args);
            at += consumed;
        }
    })
}

fn encode_nanoseconds(write: impl Fn(&mut Reply)) -> f64 {
    let mut pool = ChunkPool::new();
    let mut reply = Reply::new();
    best(|| {
        for _ in 0..PIPELINE {
            reply.ensure_chunk(&mut pool);
            write(black_box(&mut reply));
        }
        reply.advance(reply.len(), &mut pool);
    })
}

/// Nanoseconds per command of a round of [`PIPELINE`] commands.
fn best(mut round: impl FnMut()) -> f64 {
    (0..MEASUREMENTS)
        .map(|_| {
            let start = clock();
            for _ in 0..ROUNDS {
                round();
            }
            start.elapsed().as_secs_f64() * 1e9 / f64::from(ROUNDS) / PIPELINE as f64
        })
        .fold(f64::INFINITY, f64::min)
}

#[expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this measures; it is no part of the core"
)]
fn clock() -> std::time::Instant {
    std::time::Instant::now()
}
