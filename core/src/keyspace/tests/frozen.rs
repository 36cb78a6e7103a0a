//! Frozen tables against a copy from the beginning.

use super::table::{Probe, hash_of, key_of};
use super::*;
use crate::keyspace::frozen::{Saved, Saver};
use crate::keyspace::table::Table;
use crate::value::StringRef;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, Sender, channel};

/// What the table held, by key: numbers and expiries.
type Map = BTreeMap<Vec<u8>, (i64, Option<i64>)>;

/// Writes keys of twelve bytes with their numbers and expiries; sends on what it has to keep.
#[derive(Debug)]
struct Recorder {
    saved: Saved,
    kept: Sender<(Table<Probe>, Recorder)>,
}

impl Saver<Probe> for Recorder {
    fn save(&mut self, Probe(entry): &mut Probe, _: bool) {
        let StringRef::Int(number) = entry.value().as_string().expect("a number") else { panic!("a number") };
        self.saved.add(|bytes| {
            bytes.extend_from_slice(entry.key());
            bytes.extend_from_slice(&number.to_le_bytes());
            bytes.extend_from_slice(&entry.expiry().map_or(-1, |at| at.0).to_le_bytes());
        });
    }

    fn saved_mut(&mut self) -> &mut Saved {
        &mut self.saved
    }

    fn id(&self) -> u64 {
        0
    }

    fn note_key(&mut self, _: &[u8]) {}

    fn keep(mut self: Box<Self>, table: Table<Probe>) -> Option<Box<dyn Saver<Probe>>> {
        let recorder = Recorder { saved: std::mem::take(&mut self.saved), kept: self.kept.clone() };
        let _ = self.kept.send((table, recorder));
        Some(self)
    }
}

/// A snapshot of one table.
struct Walk {
    number: u32,
    position: Option<u64>,
    kept: Receiver<(Table<Probe>, Recorder)>,
    /// The table that is walked instead, once the original has been emptied or dropped.
    orphan: Option<Table<Probe>>,
    taken: Map,
}

impl Walk {
    fn begin(table: &mut Table<Probe>, number: u32) -> Walk {
        let (sender, kept) = channel();
        table.freeze(number, Box::new(Recorder { saved: Saved::default(), kept: sender }));
        Walk { number, position: Some(0), kept, orphan: None, taken: Map::new() }
    }

    fn step(&mut self, table: &mut Table<Probe>, homes: usize) {
        if let Ok((mut orphan, recorder)) = self.kept.try_recv()
            && self.orphan.is_none()
            && self.position.is_some()
        {
            orphan.freeze(self.number, Box::new(recorder));
            self.orphan = Some(orphan);
        }
        let table = self.orphan.as_mut().unwrap_or(table);
        for _ in 0..homes {
            if let Some(position) = self.position {
                self.position = table.save_home(position, false);
            }
        }
        let saved = std::mem::take(table.saver().expect("it is frozen").saved_mut());
        assert_eq!(saved.bytes_len(), 28 * saved.len());
        let saved = saved.into_chunks().collect::<Vec<_>>().concat();
        for record in saved.chunks(28) {
            let number = |at: usize| i64::from_le_bytes(*record[at..].first_chunk().expect("a number"));
            let expiry = (number(20) >= 0).then(|| number(20));
            let before = self.taken.insert(record[..12].to_vec(), (number(12), expiry));
            assert!(before.is_none(), "nothing is saved twice");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Insert(u64, Option<i64>),
    Change(usize),
    Expiry(usize, Option<i64>),
    Touch(usize),
    Remove(usize),
    RemoveMany(usize),
    Pop(u64),
    Expire(i64),
    Empty,
    Walk(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let expiry = || proptest::option::of(0..1000_i64);
    prop_oneof![
        60 => (any::<u64>(), expiry()).prop_map(|(noise, expiry)| Step::Insert(noise, expiry)),
        15 => any::<usize>().prop_map(Step::Change),
        10 => (any::<usize>(), expiry()).prop_map(|(choice, expiry)| Step::Expiry(choice, expiry)),
        5 => any::<usize>().prop_map(Step::Touch),
        20 => any::<usize>().prop_map(Step::Remove),
        2 => (0..300_usize).prop_map(Step::RemoveMany),
        5 => any::<u64>().prop_map(Step::Pop),
        1 => (0..200_i64).prop_map(Step::Expire),
        20 => (0..20_usize).prop_map(Step::Walk),
    ]
}

fn nth(map: &Map, choice: usize) -> Option<Vec<u8>> {
    map.keys().nth(choice.checked_rem(map.len())?).cloned()
}

fn remove(table: &mut Table<Probe>, map: &mut Map, key: &[u8]) {
    table.find_mut(hash_of(key), key).expect("it is there").remove();
    map.remove(key);
}

fn apply(table: &mut Table<Probe>, map: &mut Map, number: u32, step: Step) {
    match step {
        Step::Insert(noise, expiry) => {
            // Clumps, so that buckets overflow and segments have different depths.
            let clump = [0, 0x1234_5678_9abc_def0, 0xfff0_0000_0000_0000][(noise % 3) as usize];
            let hash = clump ^ noise.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (noise % 7);
            let key = key_of(hash, number);
            let entry = Entry::new(&key, NewValue::Int(i64::from(number)), expiry.map(UnixMillis), 0);
            table.insert(hash, Probe(entry));
            map.insert(key, (i64::from(number), expiry));
        }
        Step::Change(choice) => {
            let Some(key) = nth(map, choice) else { return };
            let mut found = table.find_mut(hash_of(&key), &key).expect("it is there");
            found.change_value(|Probe(entry)| entry.set_value(NewValue::Int(-1)));
            map.get_mut(&key).expect("it is there").0 = -1;
        }
        Step::Expiry(choice, expiry) => {
            let Some(key) = nth(map, choice) else { return };
            let mut found = table.find_mut(hash_of(&key), &key).expect("it is there");
            found.change(|Probe(entry)| entry.set_expiry(expiry.map(UnixMillis)));
            map.get_mut(&key).expect("it is there").1 = expiry;
        }
        Step::Touch(choice) => {
            let Some(key) = nth(map, choice) else { return };
            let mut found = table.find_mut(hash_of(&key), &key).expect("it is there");
            found.touch(|Probe(entry)| entry.set_lru(number));
        }
        Step::Remove(choice) => {
            let Some(key) = nth(map, choice) else { return };
            remove(table, map, &key);
        }
        Step::RemoveMany(count) => {
            for key in map.keys().take(count).cloned().collect::<Vec<_>>() {
                remove(table, map, &key);
            }
        }
        Step::Pop(random) => {
            if let Some(Probe(entry)) = table.pop_random(&mut || random) {
                map.remove(entry.key());
            }
        }
        Step::Expire(now) => {
            let mut cursor = 0;
            let _ = table.expire_cycle(&mut cursor, UnixMillis(now), 9, 200, &mut |Probe(entry)| {
                map.remove(entry.key());
            });
        }
        Step::Empty => {
            drop(table.take());
            map.clear();
        }
        Step::Walk(_) => unreachable!("that is the caller's"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(150, 1) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    /// Whatever happens between two steps of the walk, the snapshot has what was there at its beginning.
    #[test]
    fn a_frozen_table_is_saved_as_it_was(
        before in vec(step(), 0..scaled(1500, 60)),
        during in vec(step(), 0..scaled(1500, 60)),
        class_max in 0..3_u8,
        abandoned in any::<bool>(),
        emptied_after in proptest::option::of(0..scaled(1000, 40)),
    ) {
        let mut table = Table::with_class_max(HASH_KEY, class_max);
        let mut map = Map::new();
        let mut number = 0;
        if abandoned {
            // Leaves marks of another snapshot behind.
            table.freeze(7, Box::new(Recorder { saved: Saved::default(), kept: channel().0 }));
        }
        for step in before {
            number += 1;
            match step {
                Step::Walk(_) if table.saver().is_some() => drop(table.save_home(u64::from(number) << 50, true)),
                Step::Walk(_) => {}
                step => apply(&mut table, &mut map, number, step),
            }
        }
        let original = map.clone();
        let mut walk = Walk::begin(&mut table, 8);
        for (index, step) in during.into_iter().enumerate() {
            number += 1;
            if emptied_after == Some(index) {
                apply(&mut table, &mut map, number, Step::Empty);
            }
            match step {
                Step::Walk(homes) => walk.step(&mut table, homes),
                step => apply(&mut table, &mut map, number, step),
            }
        }
        table.verify();
        prop_assert_eq!(table.len(), map.len());
        while walk.position.is_some() {
            walk.step(&mut table, 5);
        }
        walk.step(&mut table, 0);
        prop_assert_eq!(walk.taken, original);
        table.thaw();
    }
}

#[test]
fn a_table_that_is_dropped_goes_to_the_snapshot() {
    let (mut table, mut map) = (Table::with_class_max(HASH_KEY, 0), Map::new());
    for number in 0..scaled(2000, 60) as u32 {
        apply(&mut table, &mut map, number, Step::Insert(u64::from(number), None));
    }
    let original = map.clone();
    let mut walk = Walk::begin(&mut table, 1);
    walk.step(&mut table, 20);
    apply(&mut table, &mut map, 3000, Step::RemoveMany(50));
    drop(table);
    let mut other = Table::new(HASH_KEY);
    while walk.position.is_some() {
        walk.step(&mut other, 9);
    }
    assert_eq!(walk.taken, original);
}

#[test]
fn only_what_a_home_holds_is_saved_early() {
    let (mut table, mut map) = (Table::new(HASH_KEY), Map::new());
    for number in 0..scaled(20_000, 60) as u32 {
        apply(&mut table, &mut map, number, Step::Insert(u64::from(number), None));
    }
    let walk = Walk::begin(&mut table, 1);
    apply(&mut table, &mut map, 0, Step::Touch(0));
    assert_eq!(table.saver().expect("it is frozen").saved_mut().len(), 0);
    apply(&mut table, &mut map, 0, Step::Change(0));
    let saved = table.saver().expect("it is frozen").saved_mut().len();
    assert!((1..=40).contains(&saved), "{saved}");
    apply(&mut table, &mut map, 0, Step::Change(0));
    assert_eq!(table.saver().expect("it is frozen").saved_mut().len(), saved);
    drop(walk);
}
