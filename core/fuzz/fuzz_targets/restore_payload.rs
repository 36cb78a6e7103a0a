//! What RESTORE takes of a value is a value: it is dumped, and comes back as the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::dataset::Limits;
use rotom_core::keyspace::{Entry, HashKey};
use rotom_core::rdb::encode::Options;
use rotom_core::rdb::{LoadOptions, payload};

fuzz_target!(|data: &[u8]| {
    let _ = payload::verify(data);
    let options = LoadOptions { checksum: true, limits: Limits::default(), hash_key: HashKey([1, 2]) };
    let Ok(value) = payload::decode(data, &options) else { return };
    let entry = Entry::new(b"key", value, None, 0);
    let mut dumped = Vec::new();
    payload::encode(&mut dumped, entry.value(), Options::default());
    let value = payload::decode(payload::verify(&dumped).expect("it was just sealed"), &options);
    let again = Entry::new(b"key", value.expect("it was just written"), None, 0);
    let describe = |entry: &Entry| {
        let mut record = Vec::new();
        entry.value().describe(&mut record);
        record
    };
    assert_eq!(describe(&again), describe(&entry));
});
