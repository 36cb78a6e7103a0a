//! Tables whose elements have the hashes we choose.

#![expect(unsafe_code, reason = "an element that hashes as the test wants")]

use super::*;
use crate::keyspace::element::Element;
use crate::keyspace::table::Table;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// An element whose key begins with its hash.
#[repr(transparent)]
pub struct Probe(pub Entry);

// SAFETY: transparent over an entry, to which everything is passed on.
unsafe impl Element for Probe {
    type Key<'k> = &'k [u8];

    fn key(&self) -> &[u8] {
        self.0.key()
    }

    fn has_key(&self, key: &[u8]) -> bool {
        self.0.key() == key
    }

    fn hash(&self, _: HashKey) -> u64 {
        hash_of(self.0.key())
    }

    fn expiry(&self) -> Option<UnixMillis> {
        self.0.expiry()
    }

    fn has_expiry(&self) -> bool {
        self.0.has_expiry()
    }

    fn prefetch(&self) {
        self.0.prefetch();
    }

    fn tag(&self) -> u16 {
        self.0.tag()
    }

    fn set_tag(&mut self, tag: u16) {
        self.0.set_tag(tag);
    }
}

pub fn key_of(hash: u64, number: u32) -> Vec<u8> {
    [&hash.to_be_bytes()[..], &number.to_be_bytes()].concat()
}

pub fn hash_of(key: &[u8]) -> u64 {
    u64::from_be_bytes(*key.first_chunk().expect("keys are made by `key_of`"))
}

fn insert(table: &mut Table<Probe>, key: &[u8]) {
    table.insert(hash_of(key), Probe(Entry::new(key, NewValue::Int(0), None, 0)));
}

fn remove(table: &mut Table<Probe>, key: &[u8]) {
    let probe = table.find_mut(hash_of(key), key).expect("it is there").remove();
    assert_eq!(probe.key(), key);
}

fn find_all(table: &Table<Probe>, keys: &[Vec<u8>]) {
    table.verify();
    assert_eq!(table.len(), keys.len());
    assert!(keys.iter().all(|key| table.find(hash_of(key), key).is_some_and(|probe| probe.key() == key)));
}

/// Hashes that agree in their first `depth` bits.
fn similar_keys(depth: u32, count: u64) -> Vec<Vec<u8>> {
    let prefix = 0xdead_beef_0bad_cafe & !(u64::MAX >> depth);
    let spread = |number: u64| number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (0..count).map(|number| key_of(prefix | spread(number) >> depth, number as u32)).collect()
}

#[test]
fn similar_hashes_make_deep_directories_and_move_the_window() {
    let depths: &[u32] = if cfg!(miri) { &[6] } else { &[0, 5, 6, 7, 8, 12, 13, 14, 15] };
    for &depth in depths {
        let keys = similar_keys(depth, scaled(600, 60) as u64);
        let mut table = Table::with_class_max(HASH_KEY, 0);
        keys.iter().for_each(|key| insert(&mut table, key));
        find_all(&table, &keys);
        let stats = table.stats();
        assert!(stats.depth_max > depth, "{stats:?}");
        assert!(stats.directory_len == 1 << stats.depth_max);

        let mut seen = 0;
        let mut cursor = 0;
        loop {
            cursor = table.scan(cursor, &mut |_| seen += 1);
            if cursor == 0 {
                break;
            }
        }
        assert_eq!(seen, keys.len());
        assert_eq!(table.iter().count(), keys.len());
        assert!(table.random(&mut || 3).is_some());

        let (gone, kept) = keys.split_at(keys.len() - 10);
        gone.iter().for_each(|key| remove(&mut table, key));
        find_all(&table, kept);
        // Merging moves the window back.
        for _ in 0..40 {
            let mut cursor = 0;
            let _ = table.expire_cycle(&mut cursor, UnixMillis(0), usize::MAX, usize::MAX, &mut |_| ());
        }
        find_all(&table, kept);
        assert_eq!(table.stats().segments, 1);
        keys[..20].iter().for_each(|key| insert(&mut table, key));
        table.verify();
    }
}

#[test]
fn one_home_overflows_into_four_buckets_and_then_the_table_grows() {
    // The same first 40 bits: only the rest of the hash, which chooses nothing, tells them apart.
    let keys: Vec<_> = (0..35).map(|number| key_of(0x1234_5678_9a00_0000 | number, number as u32)).collect();
    let mut table = Table::new(HASH_KEY);
    keys.iter().for_each(|key| insert(&mut table, key));
    find_all(&table, &keys);
    for gone in 0..keys.len() {
        remove(&mut table, &keys[gone]);
        find_all(&table, &keys[gone + 1..]);
    }
    assert_eq!(table.bytes(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(60, 1) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Clumps of hashes, so that buckets overflow and segments of different depths are neighbours.
    #[test]
    fn clumped_hashes_do_what_a_map_does(
        clumps in vec((any::<u64>(), 4..16_u32), 1..8),
        steps in vec((any::<usize>(), any::<u64>(), any::<bool>()), 0..scaled(3000, 80)),
        class_max in 0..4_u8,
    ) {
        let mut table = Table::with_class_max(HASH_KEY, class_max);
        let mut keys: BTreeMap<(u64, usize), Vec<u8>> = BTreeMap::new();
        for (number, (choice, noise, is_removal)) in steps.into_iter().enumerate() {
            if is_removal && choice % 3 == 0 {
                if let Some((_, key)) = keys.pop_first() {
                    remove(&mut table, &key);
                }
            } else {
                let (centre, width) = clumps[choice % clumps.len()];
                let hash = centre ^ noise & (u64::MAX >> width);
                let key = key_of(hash, number as u32);
                insert(&mut table, &key);
                keys.insert((noise, number), key);
            }
        }
        let keys: Vec<_> = keys.into_values().collect();
        find_all(&table, &keys);
    }
}
