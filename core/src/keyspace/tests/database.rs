//! Databases: cursors, samples, expiry, memory.

use super::*;
use rand::{Rng, SeedableRng};
use std::collections::{BTreeMap, BTreeSet};

fn key_of(number: usize) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn insert(database: &mut Database, number: usize) {
    let key = key_of(number);
    database.insert(database.key(&key), NewValue::Int(number as i64), None, 0);
}

fn remove(database: &mut Database, number: usize) {
    let key = key_of(number);
    database.find_mut(database.key(&key)).expect("it is there").remove();
}

fn random_numbers(seed: u64) -> impl FnMut() -> u64 {
    let mut generator = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
    move || generator.next_u64()
}

/// Scans while `change` is called between two calls, and checks that each key below `stable` is seen.
fn scan_while(database: &mut Database, stable: usize, mut change: impl FnMut(&mut Database, usize)) {
    let mut seen = BTreeSet::new();
    let (mut cursor, mut calls) = (0, 0);
    loop {
        cursor = database.scan(cursor, &mut |entry| {
            seen.insert(entry.key().to_vec());
        });
        if cursor == 0 {
            break;
        }
        calls += 1;
        change(database, calls);
    }
    database.verify();
    for number in 0..stable {
        assert!(seen.contains(&key_of(number)), "key {number} was there all along");
    }
}

#[test]
fn an_undisturbed_scan_shows_each_entry_once() {
    for (class_max, count) in [(0, 1), (0, scaled(3000, 100)), (9, scaled(30_000, 100))] {
        let mut database = Database::with_class_max(HASH_KEY, class_max);
        (0..count).for_each(|number| insert(&mut database, number));
        let mut seen = BTreeMap::new();
        let mut cursor = 0;
        loop {
            let mut shown = 0;
            cursor = database.scan(cursor, &mut |entry| {
                *seen.entry(entry.key().to_vec()).or_insert(0) += 1;
                shown += 1;
            });
            assert!(shown <= 35, "a call shows a home bucket and its overflow");
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), count);
        assert!(seen.values().all(|&times| times == 1));
    }
}

#[test]
fn a_scan_misses_nothing_while_the_table_grows() {
    let stable = scaled(500, 60);
    let mut database = Database::with_class_max(HASH_KEY, 1);
    (0..stable).for_each(|number| insert(&mut database, number));
    scan_while(&mut database, stable, |database, calls| {
        // Growing for ever would outrun the scan.
        if calls <= stable {
            (0..10).for_each(|offset| insert(database, stable + calls * 10 + offset));
        }
    });
    assert!(database.len() >= 5 * stable);
}

#[test]
fn a_scan_misses_nothing_while_the_table_shrinks() {
    let (stable, all) = (scaled(500, 40), scaled(10_000, 200));
    let mut database = Database::with_class_max(HASH_KEY, 1);
    (0..all).for_each(|number| insert(&mut database, number));
    let mut next = all;
    scan_while(&mut database, stable, |database, _| {
        for _ in 0..12 {
            if next > stable {
                next -= 1;
                remove(database, next);
            }
        }
    });
    assert_eq!(database.len(), stable);
}

#[test]
fn a_scan_misses_nothing_while_the_table_breathes() {
    let (stable, wave) = (scaled(300, 20), scaled(2000, 60));
    let mut database = Database::with_class_max(HASH_KEY, 2);
    (0..stable).for_each(|number| insert(&mut database, number));
    scan_while(&mut database, stable, |database, calls| {
        if calls < scaled(60, 6) {
            let numbers = stable..stable + wave;
            if calls % 2 == 1 {
                numbers.for_each(|number| insert(database, number));
            } else {
                numbers.for_each(|number| remove(database, number));
            }
        }
    });
}

#[test]
fn any_cursor_is_valid() {
    let mut database = Database::with_class_max(HASH_KEY, 0);
    assert_eq!(database.scan(12_345, &mut |_| panic!("there is nothing")), 0);
    (0..200).for_each(|number| insert(&mut database, number));
    for cursor in [1, 2, 3, u64::MAX, u64::MAX - 1, 1 << 63, 0x5555_5555_5555_5555] {
        let mut cursor = cursor;
        let mut calls = 0;
        loop {
            cursor = database.scan(cursor, &mut |_| ());
            calls += 1;
            if cursor == 0 {
                break;
            }
        }
        assert!(calls <= 2 * 200);
    }
}

#[test]
fn cursors_of_small_tables_are_short() {
    let mut database = Database::new(HASH_KEY);
    (0..scaled(10_000, 100)).for_each(|number| insert(&mut database, number));
    let mut cursor = 0;
    loop {
        cursor = database.scan(cursor, &mut |_| ());
        assert!(cursor < 1 << 20);
        if cursor == 0 {
            break;
        }
    }
}

#[test]
fn random_entries_are_uniform() {
    for (class_max, count, samples) in [(0, 10, 20_000), (0, 1000, 300_000), (9, 3000, 300_000)] {
        let (count, samples) = (scaled(count, 10), scaled(samples, 200));
        let mut database = Database::with_class_max(HASH_KEY, class_max);
        (0..count).for_each(|number| insert(&mut database, number));
        let mut times = BTreeMap::new();
        let mut random = random_numbers(1);
        for _ in 0..samples {
            let entry = database.random(&mut random).expect("there are entries");
            *times.entry(entry.key().to_vec()).or_insert(0.0) += 1.0;
        }
        assert_eq!(times.len(), count, "each is reached");
        // The sum of squared deviations follows chi-square with count - 1 degrees of freedom: mean count - 1,
        // deviation sqrt(2 count).
        let expected = samples as f64 / count as f64;
        let deviation: f64 = times.values().map(|n: &f64| (n - expected).powi(2) / expected).sum();
        assert!(deviation < count as f64 + 6.0 * (2.0 * count as f64).sqrt(), "{deviation} for {count}");
    }
}

#[test]
fn random_finds_the_last_entries_of_a_table_that_was_large() {
    let all = scaled(5000, 120);
    let mut database = Database::with_class_max(HASH_KEY, 0);
    assert!(database.random(&mut || panic!("there is nothing to choose")).is_none());
    (0..all).for_each(|number| insert(&mut database, number));
    (2..all).for_each(|number| remove(&mut database, number));
    let mut random = random_numbers(2);
    let found: BTreeSet<_> = (0..scaled(200, 30))
        .map(|_| database.random(&mut random).expect("two are left").key().to_vec())
        .collect();
    assert_eq!(found, [key_of(0), key_of(1)].into());
}

#[test]
fn an_expiry_cycle_passes_over_segments_with_nothing_due() {
    let count = scaled(5000, 200);
    let mut database = Database::with_class_max(HASH_KEY, 1);
    for number in 0..count {
        let key = key_of(number);
        let expiry = (number % 2 == 0).then_some(UnixMillis(1000));
        database.insert(database.key(&key), NewValue::Int(0), expiry, 0);
    }
    let key = key_of(0);
    database.find_mut(database.key(&key)).expect("it is there").set_expiry(Some(UnixMillis(10)));
    let mut expired = Vec::new();
    let mut cycle = |now| {
        let mut cursor = 0;
        let progress =
            database.expire_cycle(&mut cursor, UnixMillis(now), usize::MAX, usize::MAX, &mut |entry| {
                expired.push(entry.key().to_vec());
            });
        assert!(progress.finished);
        (progress.entries, std::mem::take(&mut expired))
    };
    assert_eq!(cycle(9), (0, vec![]));
    let (entries, expired) = cycle(10);
    assert_eq!(expired, [key_of(0)]);
    assert!(entries <= 200, "one segment was looked at, not all: {entries}");
    assert_eq!(cycle(999), (0, vec![]), "its earliest expiry is known anew");
    assert_eq!(cycle(1000).1.len(), count / 2 - 1);
    assert_eq!(database.expires_len(), 0);
    database.verify();
}

#[test]
fn memory_is_counted_and_given_back() {
    let count = scaled(20_000, 300);
    let mut database = Database::new(HASH_KEY);
    assert_eq!(database.bytes_of_table(), 0);
    insert(&mut database, 0);
    assert!(database.bytes_of_table() <= 600, "a small database is small");
    (1..count).for_each(|number| insert(&mut database, number));
    let stats = database.stats();
    assert_eq!((stats.len, stats.bytes), (count, database.bytes_of_table()));
    if !cfg!(miri) {
        assert!(stats.bytes < 16 * count, "{stats:?}");
    }
    (100..count).for_each(|number| remove(&mut database, number));
    database.verify();
    assert!(database.bytes_of_table() < 8 * 1024, "{:?}", database.stats());
    (0..100).for_each(|number| remove(&mut database, number));
    assert_eq!(database.bytes_of_table(), 0);
}

#[test]
fn expiring_gives_memory_back() {
    let count = scaled(50_000, 200);
    let mut database = Database::new(HASH_KEY);
    for number in 0..count {
        let key = key_of(number);
        database.insert(database.key(&key), NewValue::Int(0), Some(UnixMillis(5)), 0);
    }
    for _ in 0..10 {
        let mut cursor = 0;
        let _ = database.expire_cycle(&mut cursor, UnixMillis(5), usize::MAX, usize::MAX, &mut drop);
    }
    assert_eq!((database.len(), database.bytes_of_table()), (0, 0));
}

#[test]
fn a_discarded_database_is_freed_entry_by_entry() {
    let count = scaled(5000, 200);
    let mut database = Database::new(HASH_KEY);
    (0..count).for_each(|number| insert(&mut database, number));
    let mut discarded = database.take();
    assert_eq!((database.len(), database.bytes_of_table(), discarded.len()), (0, 0, count));
    insert(&mut database, 0);
    let mut freed = BTreeSet::new();
    for left in (0..count).rev() {
        let entry = discarded.pop().unwrap();
        assert!(freed.insert(entry.key().to_vec()));
        assert_eq!(discarded.len(), left);
    }
    assert!(discarded.pop().is_none() && discarded.is_empty());
    drop(database.take());
}
