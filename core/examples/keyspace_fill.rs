//! Measures how much memory the keyspace's table takes per key while it grows.
//!
//! `cargo run --release -p rotom-core --example keyspace_fill [KEYS]` prints a line every few percent from a
//! quarter of `KEYS` (2,000,000) on, and the average over the last doubling.

#![expect(clippy::disallowed_methods, reason = "a measurement is told what to measure on its command line")]

use rotom_core::keyspace::{Database, HashKey, NewValue};

fn main() {
    let keys_max: u64 = std::env::args().nth(1).and_then(|keys| keys.parse().ok()).unwrap_or(2_000_000);
    let mut database = Database::new(HashKey([1, 2]));
    let mut samples = Vec::new();
    println!("{:>9} {:>6} {:>9} {:>7} {:>7} {:>9}", "keys", "depth", "segments", "fill %", "over %", "B/key");
    for number in 0..keys_max {
        let key = format!("key:{number:012}");
        database.insert(database.key(key.as_bytes()), NewValue::Int(0), None, 0);
        let count = number + 1;
        if count >= keys_max / 2 && count % (keys_max / 1000).max(1) == 0 {
            samples.push(database.bytes_of_table() as f64 / count as f64);
        }
        if count >= keys_max / 4 && count % (keys_max / 40).max(1) == 0 {
            let stats = database.stats();
            println!(
                "{count:>9} {:>3}-{:<2} {:>9} {:>7.1} {:>7.1} {:>9.2}",
                stats.depth_min,
                stats.depth_max,
                stats.segments,
                100.0 * stats.len as f64 / stats.slots as f64,
                100.0 * stats.overflowed as f64 / stats.len as f64,
                stats.bytes as f64 / count as f64,
            );
        }
    }
    let average = samples.iter().sum::<f64>() / samples.len() as f64;
    let worst = samples.iter().copied().fold(0.0, f64::max);
    println!(
        "from {} to {keys_max} keys: {average:.2} bytes of table per key, at most {worst:.2}",
        keys_max / 2
    );
}
