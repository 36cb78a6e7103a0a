//! What is written is read again, in any pieces; what was written by others is read; what is damaged is refused.

mod damaged;
mod historic;
mod whole;

use super::read::{Item, LoadOptions, Loaded, Next, RdbError, Reader, Reason};
use crate::Config;
use crate::dataset::{Dataset, Limits};
use crate::keyspace::{Entry, HashKey};
use crate::value::hash::Hash;
use crate::value::quicklist::Quicklist;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, End, List, NewValue, StringRef};
use proptest::collection::vec;
use proptest::prelude::*;

const HASH_KEY: HashKey = HashKey([17, 4]);

/// Limits that small examples exceed.
fn limits() -> Limits {
    let mut limits = Limits::default();
    limits.list.fill = 5;
    limits.list.compress_depth = 1;
    limits.list.packed_threshold_bytes = 200;
    limits.hash.listpack_entries_max = 6;
    limits.set.listpack_entries_max = 6;
    limits.set.intset_entries_max = 10;
    limits.sorted_set.listpack_entries_max = 6;
    limits
}

fn options() -> LoadOptions {
    LoadOptions { checksum: true, limits: limits(), hash_key: HASH_KEY }
}

/// A value in the making.
#[derive(Clone, Debug)]
enum Sample {
    String(Vec<u8>),
    List(Vec<Vec<u8>>),
    Set(Vec<Vec<u8>>),
    SortedSet(Vec<(Vec<u8>, f64)>),
    Hash(Vec<(Vec<u8>, Vec<u8>)>),
}

/// Texts of all kinds: numbers, short ones, compressible and incompressible ones.
fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        any::<i8>().prop_map(|number| number.to_string().into_bytes()),
        any::<i64>().prop_map(|number| number.to_string().into_bytes()),
        vec(any::<u8>(), 0..30),
        (any::<u8>(), 0..400_usize).prop_map(|(byte, len)| vec![byte; len]),
        vec(any::<u8>(), 200..300),
    ]
}

fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        (-100..100_i32).prop_map(f64::from),
        any::<f64>().prop_filter("no score is NaN", |score| !score.is_nan()),
        Just(f64::INFINITY),
        Just(f64::NEG_INFINITY),
    ]
}

fn sample() -> impl Strategy<Value = Sample> {
    prop_oneof![
        text().prop_map(Sample::String),
        vec(text(), 1..40).prop_map(Sample::List),
        vec(text(), 1..20).prop_map(Sample::Set),
        vec((-300..300_i32).prop_map(|number| number.to_string().into_bytes()), 1..20).prop_map(Sample::Set),
        vec((text(), score()), 1..20).prop_map(Sample::SortedSet),
        vec((text(), text()), 1..20).prop_map(Sample::Hash),
    ]
}

impl Sample {
    fn entry(&self, key: &[u8]) -> Entry {
        let limits = limits();
        let value = match self {
            Sample::String(text) => NewValue::parse(text),
            Sample::List(elements) => {
                let mut list = Quicklist::new(limits.list);
                elements.iter().for_each(|it| list.push(End::Tail, StringRef::Bytes(it).into()));
                collection(Collection::List(List::from_quicklist(list, limits.list)))
            }
            Sample::Set(members) => {
                let mut set = Set::for_member(&members[0], members.len(), &limits.set, HASH_KEY);
                for member in members {
                    set.add(&member[..], &limits.set, HASH_KEY);
                }
                collection(Collection::Set(set))
            }
            Sample::SortedSet(members) => {
                let mut set = SortedSet::new();
                for (member, score) in members {
                    set.set(&member[..], *score, &limits.sorted_set, HASH_KEY);
                }
                collection(Collection::SortedSet(set))
            }
            Sample::Hash(fields) => {
                let mut hash = Hash::new();
                for (field, value) in fields {
                    hash.set(&field[..], StringRef::Bytes(value), &limits.hash, HASH_KEY);
                }
                collection(Collection::Hash(hash))
            }
        };
        Entry::new(key, value, None, 0)
    }
}

fn collection(collection: Collection) -> NewValue<'static> {
    NewValue::Collection(collection)
}

fn entry_of(loaded: Loaded) -> Entry {
    Entry::new(&loaded.key, loaded.value, loaded.expiry, 0)
}

/// What entries with equal values in equal encodings have in common.
fn described(entry: &Entry) -> (Vec<u8>, &'static str) {
    let mut record = Vec::new();
    entry.value().describe(&mut record);
    (record, entry.as_ref().encoding_name())
}

fn empty_dataset() -> Dataset {
    let mut config = Config::default();
    config.databases = 4;
    let mut dataset = Dataset::new(&config, HASH_KEY);
    dataset.limits = limits();
    dataset
}

/// Reads a file in pieces of these lengths, over and over.
fn read(file: &[u8], pieces: &[usize]) -> Result<Vec<Item>, RdbError> {
    let mut reader = Reader::new(options());
    let mut rest = file;
    let mut pieces = pieces.iter().cycle();
    let mut items = Vec::new();
    loop {
        match reader.next()? {
            Next::Item(item) => items.push(item),
            Next::Pause => {}
            Next::Hungry if rest.is_empty() || reader.is_done() => {
                reader.finish()?;
                let (offset, reason) = (reader.offset(), Reason::Trailing);
                return if offset == file.len() as u64 {
                    Ok(items)
                } else {
                    Err(RdbError { offset, reason })
                };
            }
            Next::Hungry => {
                let len = pieces.next().copied().unwrap_or(usize::MAX).clamp(1, rest.len());
                let (piece, after) = rest.split_at(len);
                reader.feed(piece);
                rest = after;
            }
        }
    }
}
