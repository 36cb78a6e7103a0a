//! What was not synced may appear after a power loss in every way the rules allow, and in no other. The rules are
//! written here a second time, as a judge who sees only what was done and what came of it.

use crate::support::*;
use proptest::prelude::*;
use rotom_core::disk::FileId;
use rotom_io_sim::disk::{Disk, PAGE_BYTES, SECTOR_BYTES};
use rotom_io_sim::fault::{ALWAYS, FaultKind};
use std::collections::{BTreeMap, BTreeSet};

/// What is done to a file.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    /// To how many thousandths of its length.
    Truncate(usize),
    Sync,
    WriteBack,
    PowerLoss,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop_oneof![1..200_usize, 1..9_000_usize].prop_map(Step::Append),
        2 => (0..1_300_usize).prop_map(Step::Truncate),
        1 => Just(Step::Sync),
        2 => Just(Step::WriteBack),
        2 => Just(Step::PowerLoss),
    ]
}

/// The rates of the faults that decide what a power loss leaves of a file.
#[derive(Clone, Debug)]
struct Rates {
    write_back: u32,
    torn_page: u32,
    torn_sector: u32,
    size_first: u32,
}

fn rates() -> impl Strategy<Value = Rates> {
    let rate = || prop_oneof![Just(0), Just(HALF), Just(ALWAYS)];
    (rate(), rate(), prop_oneof![Just(0), Just(HALF / 5)], rate()).prop_map(
        |(write_back, torn_page, torn_sector, size_first)| Rates {
            write_back,
            torn_page,
            torn_sector,
            size_first,
        },
    )
}

/// Judges what a power loss leaves of one file.
struct Judge {
    rates: Rates,
    /// Every content since the last sync, and at it.
    contents: Vec<Vec<u8>>,
    /// How many bytes of the last sync no truncation has touched.
    synced_bytes: usize,
}

impl Judge {
    fn last(&self) -> &Vec<u8> {
        self.contents.last().unwrap()
    }

    fn check(&self, found: &[u8]) -> Result<(), TestCaseError> {
        let lengths = self.contents.iter().map(Vec::len);
        let (low, high) = (lengths.clone().min().unwrap(), lengths.max().unwrap());
        prop_assert!((low..=high).contains(&found.len()), "{} bytes, not {low} to {high}", found.len());
        prop_assert!(found.starts_with(&self.contents[0][..self.synced_bytes]), "synced bytes are lost");
        let Rates { write_back, torn_page, torn_sector, size_first } = self.rates;
        if size_first == 0 {
            prop_assert_eq!(found.len(), self.contents[0].len());
        }
        // Pages are whole unless they are torn or garbled.
        let unit_bytes = if torn_page == 0 && torn_sector == 0 { PAGE_BYTES } else { SECTOR_BYTES };
        let is_old = write_back == 0 && torn_page == 0;
        let possible = if is_old { &self.contents[..1] } else { &self.contents[..] };
        for (index, unit) in found.chunks(unit_bytes).enumerate() {
            let start = index * unit_bytes;
            let is_known = possible.iter().any(|content| comes_from(unit, content, start));
            let may_be_garbage = torn_sector > 0 && start >= self.synced_bytes;
            prop_assert!(is_known || may_be_garbage, "what stands at {start} was never there");
        }
        Ok(())
    }
}

/// Whether these bytes are those of `content` at `start`, and zeros from where it ends or was cut.
fn comes_from(unit: &[u8], content: &[u8], start: usize) -> bool {
    let content = &content[start.min(content.len())..];
    let same = unit.iter().zip(content).take_while(|(one, other)| one == other).count();
    unit[same..].iter().all(|&byte| byte == 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn a_file_has_only_what_was_written(
        seed: u64, rates in rates(), steps in prop::collection::vec(step(), 1..40)
    ) {
        let mut disk = disk(seed, &[
            (FaultKind::WriteBack, rates.write_back),
            (FaultKind::TornPage, rates.torn_page),
            (FaultKind::TornSector, rates.torn_sector),
            (FaultKind::SizeFirst, rates.size_first),
        ]);
        disk.write("f", b"");
        done(&mut disk, [open(FILE, "f")]);
        let mut judge = Judge { rates, contents: vec![Vec::new()], synced_bytes: 0 };
        for (number, step) in steps.iter().enumerate() {
            let mut content = judge.last().clone();
            match *step {
                Step::Append(len_bytes) => {
                    let data = vec![number as u8 + 1; len_bytes];
                    done(&mut disk, [append(FILE, &data)]);
                    content.extend(data);
                    judge.contents.push(content);
                }
                Step::Truncate(thousandths) => {
                    let len_bytes = content.len() * thousandths / 1_000;
                    done(&mut disk, [truncate(FILE, len_bytes)]);
                    content.resize(len_bytes, 0);
                    judge.synced_bytes = judge.synced_bytes.min(len_bytes);
                    judge.contents.push(content);
                }
                Step::Sync => {
                    done(&mut disk, [sync(FILE)]);
                    prop_assert_eq!(disk.durable("f"), Some(judge.last().clone()));
                    judge.synced_bytes = content.len();
                    judge.contents = vec![content];
                }
                Step::WriteBack => disk.write_back(number as u64),
                Step::PowerLoss => {
                    disk.lose_power(number as u64);
                    let found = disk.read("f").unwrap().to_vec();
                    judge.check(&found)?;
                    prop_assert_eq!(disk.durable("f"), Some(found.clone()));
                    judge.synced_bytes = found.len();
                    judge.contents = vec![found];
                    done(&mut disk, [open(FILE, "f")]);
                }
            }
            if !matches!(step, Step::PowerLoss) {
                prop_assert_eq!(disk.read("f"), Some(&judge.last()[..]));
            }
        }
    }
}

/// What is done to names. Each created file has its own content, by which it is known.
#[derive(Clone, Copy, Debug)]
enum Change {
    Create(&'static str, u8),
    Rename(&'static str, &'static str),
    Remove(&'static str),
}

type Names = BTreeMap<String, u8>;

impl Change {
    fn names(self) -> Vec<&'static str> {
        match self {
            Change::Create(name, _) | Change::Remove(name) => vec![name],
            Change::Rename(from, to) => vec![from, to],
        }
    }

    fn directories(self) -> Vec<&'static str> {
        self.names().into_iter().map(|name| name.split_once('/').unwrap().0).collect()
    }

    fn judge(self, names: &mut Names) {
        match self {
            Change::Create(name, content) => {
                names.insert(name.into(), content);
            }
            Change::Rename(from, to) => {
                let content = names.remove(from).unwrap();
                names.insert(to.into(), content);
            }
            Change::Remove(name) => {
                names.remove(name).unwrap();
            }
        }
    }

    fn perform(self, disk: &mut Disk) {
        match self {
            Change::Create(name, content) => {
                let file = FileId(content.into());
                done(disk, [create(file, name), append(file, &[content]), sync(file)]);
            }
            Change::Rename(from, to) => done(disk, [rename(from, to)]),
            Change::Remove(name) => done(disk, [remove(name)]),
        }
    }
}

/// Within each directory and between them: creating, replacing, moving, removing, and a name used again.
const CHANGES: [Change; 7] = [
    Change::Create("a/x", 3),
    Change::Rename("a/x", "a/1"),
    Change::Create("b/y", 4),
    Change::Rename("a/1", "b/2"),
    Change::Remove("b/y"),
    Change::Create("a/1", 5),
    Change::Create("b/y", 6),
];

fn before() -> Names {
    [("a/1".into(), 1), ("b/2".into(), 2)].into()
}

/// The names after each set of changes that fulfils `is_allowed`.
fn allowed(is_allowed: impl Fn(&[bool]) -> bool) -> BTreeSet<Names> {
    let mut all = BTreeSet::new();
    for bits in 0..1_u32 << CHANGES.len() {
        let chosen: Vec<bool> = (0..CHANGES.len()).map(|index| bits >> index & 1 == 1).collect();
        if is_allowed(&chosen) {
            let mut names = before();
            for (change, _) in CHANGES.iter().zip(&chosen).filter(|&(_, &chosen)| chosen) {
                change.judge(&mut names);
            }
            all.insert(names);
        }
    }
    all
}

/// Whether of all changes that share something, the chosen ones are the first.
fn are_first(chosen: &[bool], shared: impl Fn(Change) -> Vec<&'static str>) -> bool {
    let mut ended = BTreeSet::new();
    CHANGES.iter().zip(chosen).all(|(&change, &chosen)| {
        if !chosen {
            ended.extend(shared(change));
        }
        !chosen || shared(change).iter().all(|what| !ended.contains(what))
    })
}

/// The names that power losses leave, over many seeds.
fn found(kind: FaultKind, per_million: u32) -> BTreeSet<Names> {
    let found = (0..3_000).map(|seed| {
        let mut disk = disk(seed, &[(kind, per_million)]);
        for (name, content) in before() {
            disk.write(&name, &[content]);
        }
        for change in CHANGES {
            change.perform(&mut disk);
        }
        disk.lose_power(1);
        disk.names().map(|name| (name.to_owned(), disk.read(name).unwrap()[0])).collect()
    });
    found.collect()
}

#[test]
fn directories_keep_every_prefix_of_their_changes_and_nothing_else() {
    let expected = allowed(|chosen| are_first(chosen, Change::directories));
    assert_eq!(found(FaultKind::DirPrefix, ALWAYS), expected);
    assert!(expected.len() > 5);
}

#[test]
fn weak_directories_keep_any_changes_in_the_order_of_each_name() {
    let expected = allowed(|chosen| are_first(chosen, Change::names));
    assert_eq!(found(FaultKind::DirSubset, ALWAYS), expected);
    assert!(expected.len() > 10);
}

#[test]
fn without_faults_no_change_outlives_a_power_loss() {
    assert_eq!(found(FaultKind::DirSubset, 0), [before()].into());
}
