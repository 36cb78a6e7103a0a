//! Measures snapshots: how long steps take, what writes cost meanwhile, and how much memory that takes.
//!
//! `cargo run --release -p rotom-core --example snapshot_pace [KEYS] [COMMANDS]` fills a database with `KEYS` (1,000,000)
//! strings, then one with large collections, and takes a snapshot of each: alone, and with `COMMANDS` (500) random
//! writes before each step.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a measurement reads the clock, and its command line"
)]

use rotom_core::Config;
use rotom_core::dataset::{Dataset, Expiry, Keys};
use rotom_core::keyspace::{EntryRef, HashKey, NewValue};
use rotom_core::snapshot::{Budget, Format, Head, Snapshot};
use rotom_core::value::hash::{Hash, HashLimits};
use rotom_core::value::quicklist::NodeRef;
use rotom_core::value::{Collection, End, List, ListLimits, StringRef, ValueRef};
use std::time::Instant;

/// Fields of each large hash.
const FIELDS: u64 = 100_000;

/// Lengths and bytes: what a file format is at least.
#[derive(Debug)]
struct Bare;

impl Format for Bare {
    fn select(out: &mut Vec<u8>, database: usize, _: Option<(usize, usize)>) {
        out.push(database as u8);
    }

    fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, _: bool) {
        write(out, StringRef::Bytes(entry.key()));
        match entry.value() {
            ValueRef::String(string) => write(out, string),
            collection @ ValueRef::Collection(_) => collection.describe(out),
        }
    }

    fn head(out: &mut Vec<u8>, head: &Head) {
        write(out, StringRef::Bytes(&head.key));
    }

    fn node(out: &mut Vec<u8>, _: &[u8], node: NodeRef<'_>, _: bool) {
        match node {
            NodeRef::Packed(bytes) | NodeRef::Compressed { bytes, .. } => write(out, StringRef::Bytes(bytes)),
            NodeRef::Plain(bytes) => write(out, StringRef::Bytes(bytes)),
        }
    }

    fn plain_head(out: &mut Vec<u8>, _: &[u8], len: usize) {
        out.extend_from_slice(&len.to_le_bytes());
    }

    fn field(out: &mut Vec<u8>, _: &[u8], field: StringRef<'_>, value: StringRef<'_>, _: bool) {
        write(out, field);
        write(out, value);
    }

    fn member(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, _: bool) {
        write(out, member);
    }

    fn scored(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, score: f64, _: bool) {
        write(out, member);
        out.extend_from_slice(&score.to_le_bytes());
    }
}

fn write(out: &mut Vec<u8>, string: StringRef<'_>) {
    string.with_bytes(|bytes| {
        out.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        out.extend_from_slice(bytes);
    });
}

/// How often everything is done. All runs do the same, so that of each step and each write the shortest time is what
/// it takes when nothing else runs.
const RUNS: usize = 4;

/// What the runs of something have seen.
#[derive(Default)]
struct Seen {
    begin: Shortest,
    steps: Shortest,
    writes: Shortest,
    waiting_bytes_max: usize,
    bytes: usize,
}

/// Times of what is done in order, the shortest of all runs.
#[derive(Default)]
struct Shortest {
    nanos: Vec<u128>,
    at: usize,
}

impl Shortest {
    fn time<R>(&mut self, run: impl FnOnce() -> R) -> R {
        let before = Instant::now();
        let result = run();
        let nanos = before.elapsed().as_nanos();
        match self.nanos.get_mut(self.at) {
            Some(shortest) => *shortest = nanos.min(*shortest),
            None => self.nanos.push(nanos),
        }
        self.at += 1;
        result
    }

    fn sum_micros(&self) -> f64 {
        self.nanos.iter().sum::<u128>() as f64 / 1e3
    }

    fn mean_micros(&self) -> f64 {
        self.sum_micros() / self.nanos.len().max(1) as f64
    }

    fn max_micros(&self) -> f64 {
        self.nanos.iter().max().map_or(0.0, |&nanos| nanos as f64 / 1e3)
    }
}

impl Seen {
    fn print(&self, title: &str) {
        println!(
            "{title:<34} begin {:>5.1} us | {:>5} steps, {:>5.0} us, at most {:>5.0} | {:>4.0} MB at {:>4.0} MB/s \
             | writes {:>5.3} us, at most {:>5.0} | waiting at most {:>5.2} MB",
            self.begin.max_micros(),
            self.steps.nanos.len(),
            self.steps.mean_micros(),
            self.steps.max_micros(),
            self.bytes as f64 / 1e6,
            self.bytes as f64 / self.steps.sum_micros(),
            self.writes.mean_micros(),
            self.writes.max_micros(),
            self.waiting_bytes_max as f64 / 1e6,
        );
    }
}

const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Keys with large values.
const LARGE: u64 = 20_000;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 3
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|it| it.parse::<u64>().expect("a number"));
    let keys = arguments.next().unwrap_or(1_000_000);
    let commands = arguments.next().unwrap_or(500);

    let strings = || {
        let mut dataset = Dataset::new(&Config::default(), HashKey([3, 4]));
        (0..keys).for_each(|number| set(&mut dataset, number, number));
        dataset
    };
    let overwrite = |dataset: &mut Dataset, random: u64| set(dataset, random % keys, random);
    let add = |dataset: &mut Dataset, random: u64| set(dataset, keys + random % (keys * 4), random);
    time_writes(strings, commands, overwrite, "no snapshot, SET of keys there are");
    time_writes(strings, commands, add, "no snapshot, SET of other keys");
    run(strings, 0, overwrite, "strings, no writes");
    run(strings, commands, overwrite, "strings, SET of keys there are");
    run(strings, commands, add, "strings, SET of other keys");

    let count = (keys / FIELDS).max(1);
    let hashes = || {
        let mut dataset = Dataset::new(&Config::default(), HashKey([3, 4]));
        for number in 0..count {
            let mut hash = Hash::new();
            (0..FIELDS).for_each(|field| set_field(&mut hash, field, field));
            let collection = NewValue::Collection(Collection::Hash(hash));
            let mut keys = Keys { dataset: &mut dataset, database: 0, no_touch: false };
            keys.insert(&key_of(number), collection, None);
        }
        dataset
    };
    let overwrite = |dataset: &mut Dataset, random: u64| {
        with_hash(dataset, random % count, |hash| set_field(hash, random / count % FIELDS, random));
    };
    let add = |dataset: &mut Dataset, random: u64| {
        with_hash(dataset, random % count, |hash| set_field(hash, random / count % (9 * FIELDS), random));
    };
    time_writes(hashes, commands, overwrite, "no snapshot, HSET of fields there are");
    time_writes(hashes, commands, add, "no snapshot, HSET of other fields");
    run(hashes, 0, overwrite, "hashes, no writes");
    run(hashes, commands, overwrite, "hashes, HSET of fields there are");
    run(hashes, commands, add, "hashes, HSET of other fields");

    // What a rebuilt segment costs at worst: values as long as are copied or as have most to copy.
    let long = |dataset: &mut Dataset, number: u64| {
        let value = NewValue::Bytes(&[b'x'; 4000]);
        Keys { dataset, database: 0, no_touch: false }.set(&key_of(number), value, Expiry::Clear);
    };
    let long_strings = || {
        let mut dataset = Dataset::new(&Config::default(), HashKey([3, 4]));
        (0..LARGE).for_each(|number| long(&mut dataset, number));
        dataset
    };
    let add_long = |dataset: &mut Dataset, random: u64| long(dataset, LARGE + random % (LARGE * 4));
    run(long_strings, commands / 10, add_long, "strings of 4,000 bytes, SET of others");
    let lists = || {
        let mut dataset = Dataset::new(&Config::default(), HashKey([3, 4]));
        let limits = ListLimits::default();
        for number in 0..LARGE {
            let mut list = List::new();
            for _ in 0..150 {
                list.grow_for(100, 1, limits);
                list.push(End::Tail, [b'x'; 100].as_slice().into());
            }
            let list = NewValue::Collection(Collection::List(list));
            let mut keys = Keys { dataset: &mut dataset, database: 0, no_touch: false };
            keys.insert(&key_of(number), list, None);
        }
        dataset
    };
    let add = |dataset: &mut Dataset, random: u64| set(dataset, LARGE + random % (LARGE * 4), random);
    run(lists, commands / 10, add, "lists of 15,000 bytes, SET of others");
}

fn key_of(number: u64) -> Vec<u8> {
    format!("key:{number:012}").into_bytes()
}

fn set(dataset: &mut Dataset, key: u64, number: u64) {
    let value = [b'x'; 32].map(|byte| byte ^ number as u8 & 7);
    Keys { dataset, database: 0, no_touch: false }.set(&key_of(key), NewValue::Bytes(&value), Expiry::Clear);
}

fn set_field(hash: &mut Hash, field: u64, number: u64) {
    let value = [b'x'; 32].map(|byte| byte ^ number as u8 & 7);
    hash.set(key_of(field).as_slice(), StringRef::Bytes(&value), &HashLimits::default(), HashKey([3, 4]));
}

fn with_hash(dataset: &mut Dataset, key: u64, change: impl FnOnce(&mut Hash)) {
    let mut keys = Keys { dataset, database: 0, no_touch: false };
    if let Some(mut found) = keys.write(&key_of(key))
        && let Some(Collection::Hash(hash)) = found.collection_mut()
    {
        change(hash);
    }
}

fn time_writes(dataset: impl Fn() -> Dataset, commands: u64, write: impl Fn(&mut Dataset, u64), title: &str) {
    let mut seen = Seen::default();
    for _ in 0..RUNS {
        let (mut dataset, mut random) = (dataset(), Random(SEED));
        seen.writes.at = 0;
        for _ in 0..commands * 200 {
            let random = random.next();
            seen.writes.time(|| write(&mut dataset, random));
        }
    }
    seen.print(title);
}

fn run(dataset: impl Fn() -> Dataset, commands: u64, write: impl Fn(&mut Dataset, u64), title: &str) {
    let mut seen = Seen::default();
    let mut out = Vec::with_capacity(4 << 20);
    for _ in 0..RUNS {
        let (mut dataset, mut random) = (dataset(), Random(SEED));
        (seen.begin.at, seen.steps.at, seen.writes.at, seen.bytes) = (0, 0, 0, 0);
        let mut snapshot = seen.begin.time(|| Snapshot::<Bare>::begin(&mut dataset));
        loop {
            for _ in 0..commands {
                let random = random.next();
                seen.writes.time(|| write(&mut dataset, random));
            }
            out.clear();
            let progress = seen.steps.time(|| snapshot.step(&mut dataset, &mut out, Budget::default()));
            seen.bytes += out.len();
            seen.waiting_bytes_max = seen.waiting_bytes_max.max(progress.waiting_bytes);
            if progress.is_done {
                break;
            }
        }
    }
    seen.print(title);
}
