//! Databases against a map, through random commands.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

type Map = BTreeMap<Vec<u8>, (Vec<u8>, Option<i64>)>;

#[derive(Clone, Debug)]
enum Step {
    /// Insert, or overwrite as SET does.
    Set(u16, Vec<u8>, Option<i64>),
    SetValue(u16, Vec<u8>),
    SetExpiry(u16, Option<i64>),
    Append(u16, Vec<u8>),
    Remove(u16),
    Rename(u16, u16),
    /// Remove so many keys, smallest first.
    RemoveMany(u16),
    Expire(i64, usize, usize),
    Flush,
}

fn key_of(number: u16) -> Vec<u8> {
    // Some keys are long.
    let mut key = format!("key:{number}").into_bytes();
    key.resize(key.len() + if number.is_multiple_of(61) { 300 } else { 0 }, b'.');
    key
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(0..1000_i64)
}

fn step(keys: u16) -> impl Strategy<Value = Step> {
    let key = move || 0..keys;
    let value = || vec(any::<u8>(), 0..40);
    prop_oneof![
        60 => (key(), value(), expiry()).prop_map(|(key, value, expiry)| Step::Set(key, value, expiry)),
        5 => (key(), value()).prop_map(|(key, value)| Step::SetValue(key, value)),
        10 => (key(), expiry()).prop_map(|(key, expiry)| Step::SetExpiry(key, expiry)),
        5 => (key(), value()).prop_map(|(key, value)| Step::Append(key, value)),
        20 => key().prop_map(Step::Remove),
        5 => (key(), key()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (0..keys).prop_map(Step::RemoveMany),
        1 => (0..1000_i64, 1..50_usize, 1..500_usize).prop_map(|(now, segments, entries)| {
            Step::Expire(now, segments, entries)
        }),
        1 => Just(Step::Flush),
    ]
}

fn value_of(entry: EntryRef<'_>) -> Vec<u8> {
    let string = entry.value().as_string().unwrap();
    string.to_vec()
}

fn check(database: &Database, map: &Map) {
    database.verify();
    assert_eq!(database.len(), map.len());
    assert_eq!(database.expires_len(), map.values().filter(|(_, expiry)| expiry.is_some()).count());
    for (key, (value, expiry)) in map {
        let entry = database.find(database.key(key)).expect("the map has it");
        assert_eq!((&value_of(entry), entry.expiry().map(|at| at.0)), (value, *expiry));
    }
    let listed: Vec<&[u8]> = database.iter().map(EntryRef::key).collect();
    assert_eq!(listed.len(), map.len());
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), map.keys().map(Vec::as_slice).collect());
    assert_eq!(map.is_empty(), database.bytes_of_table() == 0);
}

fn remove(database: &mut Database, key: &[u8]) -> Option<(Vec<u8>, Option<i64>)> {
    let entry = database.find_mut(database.key(key))?.remove();
    assert_eq!(entry.key(), key);
    Some((value_of(entry.as_ref()), entry.expiry().map(|at| at.0)))
}

fn apply(database: &mut Database, map: &mut Map, step: Step) {
    match step {
        Step::Set(number, value, expiry) => {
            let key = key_of(number);
            let hashed = database.key(&key);
            let at = expiry.map(UnixMillis);
            match database.find_mut(hashed) {
                Some(mut occupied) => {
                    assert!(map.contains_key(&key));
                    occupied.replace(NewValue::parse(&value), at);
                    assert_eq!(occupied.entry().expiry(), at);
                }
                None => {
                    assert!(!map.contains_key(&key));
                    database.insert(hashed, NewValue::parse(&value), at, 1);
                }
            }
            map.insert(key, (value, expiry));
        }
        Step::SetValue(number, value) => {
            let key = key_of(number);
            if let Some(mut occupied) = database.find_mut(database.key(&key)) {
                occupied.set_value(NewValue::parse(&value));
                occupied.set_lru(9);
                assert_eq!(occupied.into_entry().lru(), 9);
                map.get_mut(&key).expect("the database had it").0 = value;
            }
        }
        Step::SetExpiry(number, expiry) => {
            let key = key_of(number);
            if let Some(mut occupied) = database.find_mut(database.key(&key)) {
                occupied.set_expiry(expiry.map(UnixMillis));
                map.get_mut(&key).expect("the database had it").1 = expiry;
            }
        }
        Step::Append(number, bytes) => {
            let key = key_of(number);
            if let Some(mut occupied) = database.find_mut(database.key(&key)) {
                let value = &mut map.get_mut(&key).expect("the database had it").0;
                value.extend_from_slice(&bytes);
                assert_eq!(occupied.append(&bytes), value.len());
            }
        }
        Step::Remove(number) => {
            let key = key_of(number);
            assert_eq!(remove(database, &key), map.remove(&key));
        }
        Step::Rename(from, to) => {
            let (from, to) = (key_of(from), key_of(to));
            let Some(occupied) = database.find_mut(database.key(&from)) else { return };
            let entry = occupied.remove();
            if let Some(target) = database.find_mut(database.key(&to)) {
                target.remove();
            }
            let hash = database.key(&to).hash;
            database.insert_entry(hash, entry.rename(&to));
            let moved = map.remove(&from).expect("the database had it");
            map.insert(to, moved);
        }
        Step::RemoveMany(count) => {
            for _ in 0..count {
                let Some((key, expected)) = map.pop_first() else { break };
                assert_eq!(remove(database, &key), Some(expected));
            }
        }
        Step::Expire(now, segments_max, entries_max) => expire(database, map, now, segments_max, entries_max),
        Step::Flush => {
            let mut discarded = database.take();
            assert_eq!(discarded.len(), map.len());
            while let Some(entry) = discarded.pop() {
                assert!(map.remove(entry.key()).is_some());
            }
            assert!(map.is_empty());
        }
    }
}

/// Runs a whole cycle in slices.
fn expire(database: &mut Database, map: &mut Map, now: i64, segments_max: usize, entries_max: usize) {
    let mut cursor = 0;
    let mut expired = BTreeMap::new();
    loop {
        let progress =
            database.expire_cycle(&mut cursor, UnixMillis(now), segments_max, entries_max, &mut |entry| {
                let at = entry.expiry().expect("only what has an expiry expires").0;
                assert!(expired.insert(entry.key().to_vec(), at).is_none());
            });
        assert!(progress.segments <= segments_max);
        if progress.finished {
            break;
        }
        assert!(progress.segments == segments_max || progress.entries >= entries_max);
    }
    assert_eq!(cursor, 0);
    let due = map.extract_if(.., |_, (_, expiry)| expiry.is_some_and(|at| at <= now));
    let due: BTreeMap<_, _> = due.map(|(key, (_, expiry))| (key, expiry.expect("it was due"))).collect();
    assert_eq!(expired, due);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(60, 1) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// The smallest segments: many splits and merges.
    #[test]
    fn small_segments_do_what_a_map_does(steps in vec(step(scaled(2000, 80) as u16), 0..scaled(4000, 120))) {
        let mut database = Database::with_class_max(HASH_KEY, 0);
        let mut map = Map::new();
        for (number, step) in steps.into_iter().enumerate() {
            apply(&mut database, &mut map, step);
            if number % scaled(200, 60) == 0 {
                check(&database, &map);
            }
        }
        check(&database, &map);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(20, 1) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Segments as they are.
    #[test]
    fn full_sized_segments_do_what_a_map_does(
        steps in vec(step(scaled(20_000, 60) as u16), 0..scaled(20_000, 100)),
    ) {
        let mut database = Database::new(HASH_KEY);
        let mut map = Map::new();
        for (number, step) in steps.into_iter().enumerate() {
            if matches!(step, Step::Flush) && number % 3 != 0 {
                continue;
            }
            apply(&mut database, &mut map, step);
        }
        check(&database, &map);
    }
}
