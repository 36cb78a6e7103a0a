//! The keyspace from outside: as large as it gets in a test, and the same in every process.

use rotom_core::keyspace::{Database, HashKey, NewValue, UnixMillis};
use rotom_core::value::{StringRef, ValueRef};
use std::collections::BTreeSet;

const HASH_KEY: HashKey = HashKey([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);

const KEYS: u64 = 100_000;

fn key_of(number: u64) -> Vec<u8> {
    format!("user:{number}:name").into_bytes()
}

/// Every third key expires, a second after the one before it.
fn expiry_of(number: u64) -> Option<UnixMillis> {
    number.is_multiple_of(3).then_some(UnixMillis(number as i64 * 1000))
}

fn filled() -> Database {
    let mut database = Database::new(HASH_KEY);
    for number in 0..KEYS {
        let key = key_of(number);
        let value = NewValue::Int(number as i64);
        database.insert(database.key(&key), value, expiry_of(number), 0);
    }
    database
}

fn number_of(value: ValueRef<'_>) -> u64 {
    match value {
        ValueRef::String(StringRef::Int(number)) => number as u64,
        other => panic!("{other:?} is no number"),
    }
}

/// Keys in the order a scan shows them, and the cursors on the way.
fn scanned(database: &Database) -> (Vec<Vec<u8>>, Vec<u64>) {
    let (mut keys, mut cursors) = (Vec::new(), vec![0]);
    loop {
        let cursor = database.scan(cursors[cursors.len() - 1], &mut |entry| keys.push(entry.key().to_vec()));
        if cursor == 0 {
            return (keys, cursors);
        }
        cursors.push(cursor);
    }
}

#[test]
fn a_large_database_grows_expires_and_shrinks() {
    let mut database = filled();
    assert_eq!((database.len(), database.expires_len()), (100_000, 33_334));
    assert!(database.bytes_of_table() < 14 * database.len(), "{:?}", database.stats());
    for number in 0..KEYS {
        let key = key_of(number);
        let entry = database.find(database.key(&key)).expect("it was inserted");
        assert_eq!(
            (entry.key(), number_of(entry.value()), entry.expiry()),
            (&key[..], number, expiry_of(number))
        );
    }
    assert!(database.find(database.key(b"user:100000:name")).is_none());

    let now = UnixMillis(50_000_000);
    let (mut cursor, mut expired, mut slices) = (0, BTreeSet::new(), 0);
    loop {
        let progress = database.expire_cycle(&mut cursor, now, 10, 2_000, &mut |entry| {
            assert!(expired.insert(number_of(entry.value())));
        });
        slices += 1;
        if progress.finished {
            break;
        }
    }
    assert_eq!(expired, (0..=50_000).step_by(3).collect());
    assert!(slices > 10);
    assert_eq!(database.expires_len(), 33_334 - expired.len());

    for number in (0..KEYS).filter(|number| !expired.contains(number)) {
        let key = key_of(number);
        let occupied = database.find_mut(database.key(&key)).expect("it has not expired");
        assert_eq!(number_of(occupied.remove().value()), number);
    }
    assert_eq!((database.len(), database.expires_len()), (0, 0));
    assert!(database.bytes_of_table() < 4_096, "{:?}", database.stats());
}

#[test]
fn equal_histories_make_equal_tables() {
    let (first, second) = (filled(), filled());
    assert_eq!(first.stats(), second.stats());
    assert_eq!(scanned(&first), scanned(&second));
    let listed = |database: &Database| database.iter().map(|entry| entry.key().to_vec()).collect::<Vec<_>>();
    assert_eq!(listed(&first), listed(&second));
}

#[test]
fn another_hash_key_makes_another_order() {
    let small = |hash_key| {
        let mut database = Database::new(hash_key);
        for number in 0..100 {
            let key = key_of(number);
            database.insert(database.key(&key), NewValue::Int(0), None, 0);
        }
        scanned(&database).0
    };
    let (first, second) = (small(HASH_KEY), small(HashKey([1, 2])));
    assert_ne!(first, second);
    assert_eq!(first.into_iter().collect::<BTreeSet<_>>(), second.into_iter().collect());
}
