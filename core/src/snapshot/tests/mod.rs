//! Snapshots against what the databases held when they began.

mod plain;

use self::plain::{Contents, Plain, contents, decode};
use super::{Budget, Snapshot};
use crate::Config;
use crate::dataset::{Dataset, Expiry, Keys, Limits};
use crate::keyspace::{Database, HashKey, NewValue, UnixMillis};
use crate::value::hash::Hash;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, End, List, StringRef, ValueType};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

const HASH_KEY: HashKey = HashKey([17, 4]);

const DATABASES: usize = 3;

/// Longer than what is copied, and than what is written at once.
const STRING_LENS: [usize; 4] = [3, 300, 6_000, 90_000];

/// `many` of something, or `few` where an interpreter runs the tests.
const fn scaled(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

#[derive(Clone, Copy, Debug)]
struct Name {
    database: usize,
    key: u8,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Set(Name, usize, Option<i64>),
    Append(Name),
    SetExpiry(Name, Option<i64>),
    Read(Name),
    /// Add so many elements from a number on.
    Add(Name, ValueType, u16, u16),
    /// Remove so many elements from a number on.
    Remove(Name, u16, u16),
    /// Take elements out at random, or at the ends.
    Pop(Name, u8),
    /// Change elements in place.
    Change(Name, u16, u16),
    /// To another encoding.
    Convert(Name),
    Delete(Name),
    Unlink(Name),
    Rename(Name, u8),
    Move(Name, usize),
    Copy(Name, u8),
    Store(Name, ValueType),
    Swap(usize, usize),
    Flush(usize, bool),
    Expire(i64),
    Free(u8),
    /// A step of the snapshot.
    Advance(u8, u16),
}

fn name() -> impl Strategy<Value = Name> {
    // Few keys with much that happens to them, and some more.
    (0..DATABASES, prop_oneof![0..12_u8, any::<u8>()]).prop_map(|(database, key)| Name { database, key })
}

fn collection_type() -> impl Strategy<Value = ValueType> {
    prop::sample::select(vec![ValueType::List, ValueType::Set, ValueType::SortedSet, ValueType::Hash])
}

fn step() -> impl Strategy<Value = Step> {
    let expiry = || proptest::option::of(0..1000_i64);
    let number = || 0..scaled(1000, 40) as u16;
    prop_oneof![
        20 => (name(), 0..STRING_LENS.len(), expiry()).prop_map(|(name, len, at)| Step::Set(name, len, at)),
        5 => name().prop_map(Step::Append),
        5 => (name(), expiry()).prop_map(|(name, at)| Step::SetExpiry(name, at)),
        5 => name().prop_map(Step::Read),
        30 => (name(), collection_type(), number(), 1..scaled(300, 20) as u16)
            .prop_map(|(name, kind, from, count)| Step::Add(name, kind, from, count)),
        10 => (name(), number(), 1..100_u16).prop_map(|(name, from, count)| Step::Remove(name, from, count)),
        10 => (name(), 1..60_u8).prop_map(|(name, count)| Step::Pop(name, count)),
        10 => (name(), number(), 1..30_u16).prop_map(|(name, from, count)| Step::Change(name, from, count)),
        2 => name().prop_map(Step::Convert),
        5 => name().prop_map(Step::Delete),
        5 => name().prop_map(Step::Unlink),
        8 => (name(), 0..12_u8).prop_map(|(name, to)| Step::Rename(name, to)),
        5 => (name(), 0..DATABASES).prop_map(|(name, to)| Step::Move(name, to)),
        5 => (name(), any::<u8>()).prop_map(|(name, to)| Step::Copy(name, to)),
        3 => (name(), collection_type()).prop_map(|(name, kind)| Step::Store(name, kind)),
        3 => (0..DATABASES, 0..DATABASES).prop_map(|(a, b)| Step::Swap(a, b)),
        1 => (0..DATABASES, any::<bool>()).prop_map(|(database, later)| Step::Flush(database, later)),
        2 => (0..300_i64).prop_map(Step::Expire),
        5 => any::<u8>().prop_map(Step::Free),
        40 => (1..60_u8, 1..5000_u16).prop_map(|(elements, bytes)| Step::Advance(elements, bytes)),
    ]
}

fn new_dataset(class_max: u8) -> Dataset {
    let mut config = Config::default();
    config.databases = DATABASES;
    let mut dataset = Dataset::new(&config, HASH_KEY);
    for database in dataset.databases_mut() {
        *database = Database::with_class_max(HASH_KEY, class_max);
    }
    dataset.limits.list.fill = 5;
    dataset.limits.list.compress_depth = 1;
    dataset.limits.list.packed_threshold_bytes = 2000;
    dataset.limits.hash.listpack_entries_max = 6;
    dataset.limits.set.listpack_entries_max = 6;
    dataset.limits.set.intset_entries_max = 20;
    dataset.limits.sorted_set.listpack_entries_max = 6;
    dataset
}

fn key_of(key: u8) -> Vec<u8> {
    format!("key:{key}").into_bytes()
}

/// An element: integers, texts, and now and then a long one.
fn element_of(number: u16) -> Vec<u8> {
    let mut text = number.to_string().into_bytes();
    if !number.is_multiple_of(3) {
        text.extend_from_slice(b" of them");
        text.resize(text.len() + usize::from(number % 251 == 1) * 3000, b'.');
    }
    text
}

fn new_collection(kind: ValueType) -> Collection {
    match kind {
        ValueType::List => Collection::List(List::new()),
        ValueType::Set => Collection::Set(Set::new_intset()),
        ValueType::SortedSet => Collection::SortedSet(SortedSet::new()),
        _ => Collection::Hash(Hash::new()),
    }
}

/// Adds elements, or changes those that are there.
fn add(limits: &Limits, collection: &mut Collection, from: u16, count: u16, value: u16) {
    for number in from..from.saturating_add(count) {
        let element = element_of(number);
        match collection {
            Collection::List(list) => {
                let end = if number % 2 == 0 { End::Head } else { End::Tail };
                list.grow_for(element.len(), 1, limits.list);
                list.push(end, element.as_slice().into());
                if number % 500 == 7 {
                    list.grow_for(70_000, 1, limits.list);
                    list.push(end, (&Bytes::from(vec![b'-'; 70_000])).into());
                }
            }
            Collection::Set(set) => {
                let _ = set.add(element.as_slice(), &limits.set, HASH_KEY);
            }
            Collection::SortedSet(set) => {
                let score = f64::from(number / 3 + value);
                set.set(element.as_slice(), score, &limits.sorted_set, HASH_KEY);
            }
            Collection::Hash(hash) => {
                let value = StringRef::Int(i64::from(number) * i64::from(value + 1));
                hash.set(element.as_slice(), value, &limits.hash, HASH_KEY);
            }
        }
    }
}

fn remove(limits: &Limits, collection: &mut Collection, from: u16, count: u16) {
    if let Collection::List(list) = collection {
        drop(list.remove_range(usize::from(from), usize::from(count)));
        list.shrink(limits.list);
        return;
    }
    for number in from..from.saturating_add(count) {
        let element = element_of(number);
        match collection {
            Collection::List(_) => {}
            Collection::Set(set) => {
                let _ = set.remove(element.as_slice());
            }
            Collection::SortedSet(set) => {
                let _ = set.remove(element.as_slice());
            }
            Collection::Hash(hash) => {
                let _ = hash.remove(element.as_slice());
            }
        }
    }
}

fn pop(limits: &Limits, collection: &mut Collection, count: u8) {
    for number in 0..count {
        let mut random = || u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        match collection {
            Collection::List(list) => {
                let _ = list.pop(if number % 2 == 0 { End::Head } else { End::Tail });
            }
            Collection::Set(set) => {
                let _ = set.pop(&mut random, |_| ());
            }
            Collection::SortedSet(set) => {
                let _ = set.pop_first(|_, _| ());
            }
            Collection::Hash(_) => {}
        }
    }
    if let Collection::SortedSet(set) = collection {
        set.remove_ranks(3..usize::from(count), &mut |_, _| ());
    }
    if let Collection::List(list) = collection {
        list.shrink(limits.list);
    }
}

fn change(limits: &Limits, collection: &mut Collection, from: u16, count: u16) {
    let Collection::List(list) = collection else {
        // Only what is there.
        let mut copy = collection.clone();
        remove(limits, &mut copy, from, count);
        if copy.len() + usize::from(count) == collection.len() {
            add(limits, collection, from, count, 7);
        }
        return;
    };
    for index in (0..list.len()).skip(usize::from(from)).take(usize::from(count)) {
        list.grow_for(6, 0, limits.list);
        list.replace(index, b"change".as_slice().into());
    }
    list.insert_beside(0, true, b"inserted".as_slice().into());
    list.shrink(limits.list);
}

fn convert(limits: &Limits, collection: &mut Collection) {
    match collection {
        Collection::Set(set) => {
            let mut limits = limits.set;
            limits.intset_entries_max = usize::MAX;
            set.turn_into_intset(&limits);
        }
        Collection::SortedSet(set) => {
            let mut limits = limits.sorted_set;
            limits.listpack_entries_max = usize::MAX;
            set.turn_into_listpack(&limits);
        }
        _ => {}
    }
}

/// Changes a collection that is there, and removes the key if nothing is left.
fn with_collection(dataset: &mut Dataset, name: Name, f: impl FnOnce(&Limits, &mut Collection)) {
    let key = key_of(name.key);
    let limits = dataset.limits;
    let mut keys = Keys { dataset, database: name.database, no_touch: false };
    let Some(mut found) = keys.write(&key) else { return };
    let Some(collection) = found.collection_mut() else { return };
    f(&limits, collection);
    if collection.len() == 0 {
        keys.remove(&key);
    }
}

fn apply(dataset: &mut Dataset, step: Step) {
    let at = |dataset: &Dataset, millis: i64| UnixMillis(dataset.now.0 + millis);
    match step {
        Step::Set(name, len, millis) => {
            let expiry = millis.map_or(Expiry::Keep, |millis| Expiry::At(at(dataset, millis)));
            let value = vec![b'a' + name.key % 26; STRING_LENS[len]];
            keys(dataset, name).set(&key_of(name.key), NewValue::parse(&value), expiry);
        }
        Step::Append(name) => {
            if let Some(mut found) = keys(dataset, name).write(&key_of(name.key))
                && found.entry().value_type() == ValueType::String
            {
                found.append(b", and more");
            }
        }
        Step::SetExpiry(name, millis) => {
            let expiry = millis.map(|millis| at(dataset, millis));
            if let Some(mut found) = keys(dataset, name).write(&key_of(name.key)) {
                found.set_expiry(expiry);
            }
        }
        Step::Read(name) => {
            // Stamps are in the snapshot as they are when it comes to the key.
            let mut keys = Keys { dataset, database: name.database, no_touch: true };
            if let Some(mut found) = keys.read_handle(&key_of(name.key)) {
                let _ = found.shared_bytes();
            }
        }
        Step::Add(name, kind, from, count) => {
            let key = key_of(name.key);
            if keys(dataset, name).peek(&key).is_none() {
                let mut collection = new_collection(kind);
                add(&dataset.limits, &mut collection, from, count, 0);
                let collection = NewValue::Collection(collection);
                keys(dataset, name).insert(&key, collection, None);
            } else {
                with_collection(dataset, name, |limits, it| add(limits, it, from, count, 1));
            }
        }
        Step::Remove(name, from, count) => {
            with_collection(dataset, name, |limits, it| remove(limits, it, from, count));
        }
        Step::Pop(name, count) => with_collection(dataset, name, |limits, it| pop(limits, it, count)),
        Step::Change(name, from, count) => {
            with_collection(dataset, name, |limits, it| change(limits, it, from, count));
        }
        Step::Convert(name) => with_collection(dataset, name, convert),
        Step::Delete(name) => drop(keys(dataset, name).remove(&key_of(name.key))),
        Step::Unlink(name) => {
            keys(dataset, name).discard(&key_of(name.key));
        }
        Step::Rename(name, to) => {
            let mut keys = keys(dataset, name);
            if let Some(entry) = keys.remove(&key_of(name.key)) {
                keys.discard(&key_of(to));
                keys.insert_entry(entry.rename(&key_of(to)));
            }
        }
        Step::Move(name, to) => {
            let key = key_of(name.key);
            if keys(dataset, Name { database: to, ..name }).peek(&key).is_none()
                && let Some(entry) = keys(dataset, name).remove(&key)
            {
                keys(dataset, Name { database: to, ..name }).insert_entry(entry);
            }
        }
        Step::Copy(name, to) => {
            let mut keys = keys(dataset, name);
            if let Some(copy) = keys.peek(&key_of(name.key)).map(|it| it.copy_as(&key_of(to), it.expiry())) {
                keys.remove(&key_of(to));
                keys.insert_entry(copy);
            }
        }
        Step::Store(name, kind) => {
            let mut collection = new_collection(kind);
            add(&dataset.limits, &mut collection, 0, 40, 3);
            keys(dataset, name).store(&key_of(name.key), collection);
        }
        Step::Swap(a, b) => dataset.swap(a, b),
        Step::Flush(database, later) => {
            dataset.flush(database, later);
        }
        Step::Expire(millis) => {
            dataset.now.0 += millis;
            for database in 0..DATABASES {
                let _ = dataset.expire(database, &mut 0, 50, 500);
            }
        }
        Step::Free(count) => {
            dataset.free_slice(usize::from(count));
        }
        Step::Advance(..) => unreachable!("that is the caller's"),
    }
}

fn keys(dataset: &mut Dataset, name: Name) -> Keys<'_> {
    Keys { dataset, database: name.database, no_touch: true }
}

/// Writes what is left of a snapshot.
fn finish(mut snapshot: Snapshot<Plain>, dataset: &mut Dataset, mut out: Vec<u8>) -> Contents {
    while !snapshot.step(dataset, &mut out, Budget { elements: 100, bytes: 10_000 }).is_done {}
    assert!(dataset.databases_mut().iter_mut().all(|database| database.table_mut().saver().is_none()));
    while dataset.free_slice(1000) {}
    decode(&out)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(200, 1) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever commands do between two steps, the snapshot has what there was at its beginning.
    #[test]
    fn a_snapshot_is_what_there_was_when_it_began(
        before in vec(step(), 0..scaled(300, 20)),
        aborted in vec(step(), 0..scaled(100, 20)),
        during in vec(step(), 0..scaled(300, 20)),
        class_max in 0..3_u8,
    ) {
        let mut dataset = new_dataset(class_max);
        for step in before {
            if !matches!(step, Step::Advance(..)) {
                apply(&mut dataset, step);
            }
        }
        if !aborted.is_empty() {
            // Another one, which is given up.
            let mut snapshot = Snapshot::<Plain>::begin(&mut dataset);
            for step in aborted {
                if let Step::Advance(elements, bytes) = step {
                    let budget = Budget { elements: elements.into(), bytes: bytes.into() };
                    snapshot.step(&mut dataset, &mut Vec::new(), budget);
                } else {
                    apply(&mut dataset, step);
                }
            }
            let before = contents(&dataset);
            snapshot.abort(&mut dataset);
            prop_assert_eq!(contents(&dataset), before);
        }

        let original = contents(&dataset);
        let mut snapshot = Snapshot::<Plain>::begin(&mut dataset);
        let mut out = Vec::new();
        for step in during {
            if let Step::Advance(elements, bytes) = step {
                let budget = Budget { elements: elements.into(), bytes: bytes.into() };
                let len = out.len();
                let progress = snapshot.step(&mut dataset, &mut out, budget);
                prop_assert!(out.len() - len < usize::from(bytes) + 20_000);
                prop_assert_eq!(progress.keys_total, original.len());
            } else {
                apply(&mut dataset, step);
            }
        }
        let expected = contents(&dataset);
        prop_assert_eq!(finish(snapshot, &mut dataset, out), original);
        prop_assert_eq!(contents(&dataset), expected);
        dataset.databases_mut().iter().for_each(Database::verify);
    }
}

/// Does steps to a dataset in which key 0 of database 0 is a large hash, while a snapshot is taken
/// of it. Nothing is freed meanwhile.
#[track_caller]
fn check(steps: &[Step]) {
    let mut dataset = new_dataset(0);
    let large = Name { database: 0, key: 0 };
    for key in 0..30 {
        apply(&mut dataset, Step::Set(Name { key, ..large }, 0, None));
    }
    apply(&mut dataset, Step::Delete(large));
    apply(&mut dataset, Step::Add(large, ValueType::Hash, 0, scaled(1000, 60) as u16));
    let original = contents(&dataset);
    let snapshot = Snapshot::<Plain>::begin(&mut dataset);
    for &step in steps {
        apply(&mut dataset, step);
    }
    assert_eq!(finish(snapshot, &mut dataset, Vec::new()), original);
}

#[test]
fn collections_are_found_wherever_they_went() {
    let large = Name { database: 0, key: 0 };
    let moved = Name { database: 1, key: 0 };
    let touched = Step::Change(large, 0, 5);
    check(&[]);
    check(&[Step::Flush(0, true)]);
    check(&[touched, Step::Flush(0, true)]);
    check(&[touched, Step::Delete(large)]);
    check(&[touched, Step::Unlink(large), Step::Add(large, ValueType::Hash, 0, 50)]);
    check(&[touched, Step::Rename(large, 1), Step::Rename(Name { key: 1, ..large }, 2)]);
    check(&[touched, Step::Rename(large, 1), Step::Copy(Name { key: 1, ..large }, 0)]);
    check(&[touched, Step::Copy(large, 9), Step::Delete(Name { key: 9, ..large })]);
    check(&[touched, Step::Move(large, 1), Step::Swap(0, 2), Step::Swap(1, 2)]);
    check(&[touched, Step::Swap(0, 1), Step::Rename(moved, 5), Step::Swap(0, 1), Step::Flush(0, true)]);
    // Into a database that was flushed before, and is flushed again.
    check(&[Step::Flush(1, true), touched, Step::Move(large, 1), Step::Flush(1, true)]);
    check(&[
        touched,
        Step::Flush(1, false),
        Step::Move(large, 1),
        Step::Flush(1, true),
        Step::Flush(1, true),
    ]);
}

#[test]
fn what_is_overwritten_is_not_kept_longer_than_it_is_needed() {
    let mut dataset = new_dataset(0);
    let large = Name { database: 0, key: 0 };
    apply(&mut dataset, Step::Add(large, ValueType::Hash, 0, scaled(1000, 60) as u16));
    let mut snapshot = Snapshot::<Plain>::begin(&mut dataset);
    apply(&mut dataset, Step::Flush(0, true));
    assert_eq!(dataset.lazyfree_pending(), 0);
    let mut out = Vec::new();
    while !snapshot.step(&mut dataset, &mut out, Budget::default()).is_done {}
    assert!(dataset.lazyfree_pending() > 0);
    while dataset.free_slice(1000) {}
    assert_eq!(decode(&out).len(), 1);
}
