//! What holds for any work on several files, whatever the faults do: what was promised is kept, the seed alone
//! decides, and taking work out changes nothing for other work.

use crate::support::*;
use proptest::prelude::*;
use rotom_core::disk::{DiskError, DiskKind, DiskOutput, FileId};
use rotom_io_sim::disk::Disk;
use rotom_io_sim::fault::{FaultKind, Faults};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// Work comes in two groups, each with its own files; what is done to the whole disk belongs to neither.
const GROUPS: usize = 2;

/// Names of a group, and handles.
const NAMES: usize = 3;
const HANDLES: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Work {
        group: usize,
        work: Work,
    },
    WriteBack,
    Kill,
    /// With work in flight.
    PowerLoss(Vec<(usize, Work)>),
}

/// One piece of disk work. Names and handles are numbers within the group.
#[derive(Clone, Debug)]
enum Work {
    Create(usize, usize),
    Open(usize, usize),
    Append(usize, usize),
    Sync(usize),
    Truncate(usize, usize),
    Close(usize),
    Read(usize),
    Rename(usize, usize),
    Remove(usize),
    SyncDir,
}

fn work() -> impl Strategy<Value = Work> {
    let (name, handle) = (0..NAMES, 0..HANDLES);
    let len = prop_oneof![1..40_usize, 1..9_000_usize];
    prop_oneof![
        2 => (handle.clone(), name.clone()).prop_map(|(handle, name)| Work::Create(handle, name)),
        3 => (handle.clone(), name.clone()).prop_map(|(handle, name)| Work::Open(handle, name)),
        8 => (handle.clone(), len).prop_map(|(handle, len)| Work::Append(handle, len)),
        4 => handle.clone().prop_map(Work::Sync),
        1 => (handle.clone(), 0..9_000_usize).prop_map(|(handle, len)| Work::Truncate(handle, len)),
        1 => handle.prop_map(Work::Close),
        1 => name.clone().prop_map(Work::Read),
        2 => (name.clone(), name.clone()).prop_map(|(from, to)| Work::Rename(from, to)),
        1 => name.prop_map(Work::Remove),
        3 => Just(Work::SyncDir),
    ]
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let in_group = || (0..GROUPS, work());
    let step = prop_oneof![
        20 => in_group().prop_map(|(group, work)| Step::Work { group, work }),
        2 => Just(Step::WriteBack),
        1 => Just(Step::Kill),
        2 => prop::collection::vec(in_group(), 0..3).prop_map(Step::PowerLoss),
    ];
    prop::collection::vec(step, 1..60)
}

/// A directory of one group, or of both.
fn directory(group: usize, is_shared: bool) -> String {
    if is_shared { String::new() } else { format!("group-{group}") }
}

fn name_of(group: usize, name: usize, is_shared: bool) -> String {
    format!("{}/{group}.{name}", directory(group, is_shared)).trim_start_matches('/').to_owned()
}

/// The piece of work as the core would ask for it. What is appended tells where it comes from.
fn kind_of(step: usize, group: usize, work: &Work, is_shared: bool) -> DiskKind {
    let name = |name: usize| name_of(group, name, is_shared);
    let file = |handle: usize| FileId((group * HANDLES + handle) as u32);
    match *work {
        Work::Create(handle, at) => create(file(handle), &name(at)),
        Work::Open(handle, at) => open(file(handle), &name(at)),
        Work::Append(handle, len) => append(file(handle), &vec![step as u8 + 1; len]),
        Work::Sync(handle) => sync(file(handle)),
        Work::Truncate(handle, len) => truncate(file(handle), len),
        Work::Close(handle) => close(file(handle)),
        Work::Read(at) => read_file(&name(at)),
        Work::Rename(from, to) => rename(&name(from), &name(to)),
        Work::Remove(at) => remove(&name(at)),
        Work::SyncDir => sync_dir(&directory(group, is_shared)),
    }
}

/// What the disk decides by itself; when it crashes, the schedule says.
fn disk_kinds() -> impl Iterator<Item = FaultKind> {
    let all = FaultKind::ALL.iter().copied();
    let disk = all.skip_while(|&kind| kind != FaultKind::ShortWrite);
    // Where processes end is a story of its own.
    disk.take_while(|&kind| kind != FaultKind::CrashPower)
}

/// A seed, and a rate for each fault; many are off.
fn some_faults() -> impl Strategy<Value = Faults> {
    let rate = prop_oneof![3 => Just(0), 2 => 0..100_000_u32, 1 => Just(HALF)];
    (any::<u64>(), prop::collection::vec(rate, FaultKind::COUNT)).prop_map(|(seed, rates)| {
        let mut faults = Faults::new(seed);
        for kind in disk_kinds() {
            faults.set_rate(kind, rates[kind as usize]);
        }
        faults
    })
}

/// What is known of the disk by what it has answered.
#[derive(Default)]
struct Promises {
    files: Vec<File>,
    live: BTreeMap<String, usize>,
    /// Names that nothing was done to since their directory was synced, and what they led to.
    certain: BTreeMap<String, Option<usize>>,
    open: BTreeMap<FileId, usize>,
}

#[derive(Default)]
struct File {
    content: Vec<u8>,
    promised_bytes: usize,
    /// A sync has failed: no later one vouches for anything.
    is_doubtful: bool,
}

impl Promises {
    /// Takes note of work that was done, or failed.
    fn note(&mut self, kind: &DiskKind, outcome: &Result<DiskOutput, DiskError>) {
        match (kind, outcome) {
            (DiskKind::Create { file, name, .. } | DiskKind::OpenAppend { file, name }, Ok(_)) => {
                let index = self.live.get(name).copied().unwrap_or_else(|| {
                    self.files.push(File::default());
                    self.live.insert(name.clone(), self.files.len() - 1);
                    self.certain.remove(name);
                    self.files.len() - 1
                });
                self.open.insert(*file, index);
            }
            (DiskKind::Append { file, data }, outcome) => {
                let Some(file) = self.open.get(file) else { return };
                let len = outcome.as_ref().map_or_else(|error| error.written_bytes as usize, |_| data.len());
                self.files[*file].content.extend_from_slice(&data[..len]);
            }
            (DiskKind::Sync { file }, outcome) => {
                let Some(file) = self.open.get(file).map(|&index| &mut self.files[index]) else { return };
                match outcome {
                    Ok(_) if !file.is_doubtful => file.promised_bytes = file.content.len(),
                    Err(error) if error.kind != ErrorKind::Interrupted => file.is_doubtful = true,
                    _ => {}
                }
            }
            (DiskKind::Truncate { file, len_bytes }, Ok(_)) => {
                let file = &mut self.files[self.open[file]];
                file.content.resize(*len_bytes as usize, 0);
                file.promised_bytes = file.promised_bytes.min(*len_bytes as usize);
            }
            (DiskKind::Close { file }, _) => {
                self.open.remove(file);
            }
            (DiskKind::Rename { from, to }, Ok(_)) if from != to => {
                let index = self.live.remove(from).unwrap();
                self.live.insert(to.clone(), index);
                self.doubt(kind);
            }
            (DiskKind::Remove { name }, Ok(_)) => {
                self.live.remove(name);
                self.doubt(kind);
            }
            (DiskKind::SyncDir { name: directory }, Ok(_)) => {
                for name in all_names() {
                    if name.starts_with(directory) {
                        self.certain.insert(name.clone(), self.live.get(&name).copied());
                    }
                }
            }
            _ => {}
        }
    }

    /// Takes note of work that may or may not have been done.
    fn doubt(&mut self, kind: &DiskKind) {
        let names = match kind {
            DiskKind::Create { name, .. } | DiskKind::OpenAppend { name, .. } | DiskKind::Remove { name } => {
                vec![name]
            }
            DiskKind::Rename { from, to } => vec![from, to],
            DiskKind::Truncate { file, len_bytes } => {
                if let Some(&file) = self.open.get(file) {
                    let promised_bytes = &mut self.files[file].promised_bytes;
                    *promised_bytes = (*promised_bytes).min(*len_bytes as usize);
                }
                return;
            }
            _ => return,
        };
        for name in names {
            self.certain.remove(name);
        }
    }

    /// Judges what a power loss has left, and goes on from there.
    fn check(&mut self, disk: &Disk) -> Result<(), TestCaseError> {
        for (name, certain) in &self.certain {
            match certain {
                None => prop_assert_eq!(disk.read(name), None, "{} was removed", name),
                Some(index) => {
                    let file = &self.files[*index];
                    let promised = &file.content[..file.promised_bytes];
                    let found = disk.read(name);
                    prop_assert!(found.is_some_and(|found| found.starts_with(promised)), "{name} lost bytes");
                }
            }
        }
        *self = Promises::default();
        for name in all_names() {
            if let Some(content) = disk.read(&name) {
                let (content, promised_bytes) = (content.to_vec(), content.len());
                self.live.insert(name.clone(), self.files.len());
                self.files.push(File { content, promised_bytes, is_doubtful: false });
            }
            self.certain.insert(name.clone(), self.live.get(&name).copied());
        }
        Ok(())
    }
}

fn all_names() -> impl Iterator<Item = String> {
    (0..GROUPS * NAMES).map(|number| name_of(number / NAMES, number % NAMES, false))
}

/// How a schedule is run.
#[derive(Clone, Copy, Debug)]
struct Setting {
    /// Whether all files are in one directory.
    is_shared: bool,
    /// Whether the disk is told which step it is.
    tells_cause: bool,
}

/// What came of the steps that are not left out, as seen by one group.
fn trace(
    faults: &Faults,
    steps: &[Step],
    left_out: Option<usize>,
    seen: usize,
    setting: Setting,
) -> Vec<String> {
    let Setting { is_shared, tells_cause } = setting;
    let mut disk = Disk::new(faults.clone());
    let mut trace = Vec::new();
    for (number, step) in steps.iter().enumerate().filter(|(number, _)| Some(*number) != left_out) {
        disk.set_cause(if tells_cause { number as u64 } else { 0 });
        match step {
            Step::Work { group, work } => {
                let outcome = run(&mut disk, kind_of(number, *group, work, is_shared));
                if *group == seen {
                    trace.push(format!("{number} {outcome:?}"));
                }
            }
            Step::WriteBack => disk.write_back(number as u64),
            Step::Kill => disk.kill(number as u64),
            Step::PowerLoss(in_flight) => {
                for (group, work) in in_flight {
                    disk.submit(op(kind_of(number, *group, work, is_shared)));
                }
                disk.lose_power(number as u64);
            }
        }
        for name in (0..NAMES).map(|name| name_of(seen, name, is_shared)) {
            trace.push(format!("{number} {name} {:?} {:?}", disk.read(&name), disk.durable(&name)));
        }
    }
    trace
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_synced_under_a_synced_name_survives_every_crash(mut faults in some_faults(), steps in steps()) {
        // Neither is a crash: a medium that fails, and one that forgets.
        faults.set_rate(FaultKind::BitRot, 0);
        let loses_cache = faults.rate(FaultKind::Evict) > 0;
        let mut disk = Disk::new(faults);
        let mut promises = Promises::default();
        for (number, step) in steps.iter().enumerate() {
            let event = number as u64;
            disk.set_cause(event);
            match step {
                Step::Work { group, work } => {
                    let outcome = run(&mut disk, kind_of(number, *group, work, false));
                    promises.note(&kind_of(number, *group, work, false), &outcome);
                }
                Step::WriteBack => disk.write_back(event),
                Step::Kill => {
                    disk.kill(event);
                    promises.open.clear();
                }
                Step::PowerLoss(in_flight) => {
                    for (group, work) in in_flight {
                        disk.submit(op(kind_of(number, *group, work, false)));
                        promises.doubt(&kind_of(number, *group, work, false));
                    }
                    disk.lose_power(event);
                    promises.check(&disk)?;
                }
            }
            prop_assert!(disk.names().eq(promises.live.keys()));
            for (name, &index) in &promises.live {
                let content = &promises.files[index].content;
                prop_assert!(loses_cache || disk.read(name) == Some(content), "{name} reads otherwise");
            }
        }
    }

    #[test]
    fn the_outcome_is_a_function_of_the_seed(faults in some_faults(), steps in steps()) {
        let setting = Setting { is_shared: true, tells_cause: true };
        prop_assert_eq!(trace(&faults, &steps, None, 0, setting), trace(&faults, &steps, None, 0, setting));
    }

    #[test]
    fn work_on_one_file_does_not_change_the_fate_of_another(
        mut faults in some_faults(), steps in steps(), choice: prop::sample::Index,
        is_shared: bool, tells_cause: bool
    ) {
        let setting = Setting { is_shared, tells_cause };
        if is_shared {
            // In one directory a prefix ends somewhere: if it is at what was left out, it ends elsewhere.
            faults.set_rate(FaultKind::DirPrefix, 0);
        }
        // Where work in flight is interrupted in a lane is likewise a matter of all work in it.
        let steps: Vec<_> = steps
            .into_iter()
            .map(|step| if let Step::PowerLoss(_) = step { Step::PowerLoss(Vec::new()) } else { step })
            .collect();
        let unrelated: Vec<usize> = (0..steps.len())
            .filter(|&number| match &steps[number] {
                Step::Work { group: 1, work: Work::SyncDir } => !is_shared,
                Step::Work { group, .. } => *group == 1,
                _ => false,
            })
            .collect();
        prop_assume!(!unrelated.is_empty());
        let left_out = *choice.get(&unrelated);
        let whole = trace(&faults, &steps, None, 0, setting);
        let rest = trace(&faults, &steps, Some(left_out), 0, setting);
        let own = format!("{left_out} ");
        let whole: Vec<_> = whole.into_iter().filter(|line| !line.starts_with(&own)).collect();
        prop_assert_eq!(whole, rest);
    }
}

/// Every fault of the disk comes about in ordinary work, and other seeds mean other fates.
#[test]
fn every_fault_happens_somewhere() {
    let mut counts: BTreeMap<FaultKind, u64> = disk_kinds().map(|kind| (kind, 0)).collect();
    let mut traces = Vec::new();
    for seed in 0..40 {
        let mut faults = Faults::new(seed);
        for kind in disk_kinds() {
            faults.set_rate(kind, 100_000);
        }
        let mut disk = Disk::new(faults);
        let mut outcomes = Vec::new();
        for number in 0..40 {
            disk.set_cause(number);
            let name = format!("{}", number % 3);
            for kind in [open(FILE, &name), append(FILE, &[1; 5_000]), sync(FILE), read_file(&name)] {
                disk.submit(op(kind));
                outcomes.extend(disk.finish(rotom_core::disk::Lane::Log).map(|done| done.outcome.is_ok()));
            }
            let _ = run(&mut disk, rename(&name, "r"));
            let _ = run(&mut disk, append(FILE, &[2; 10_000]));
            let _ = run(&mut disk, sync_dir("."));
            disk.write_back(number);
            if number % 10 == 9 {
                let _ = run(&mut disk, append(FILE, &[2; 10_000]));
                let _ = run(&mut disk, remove("r"));
                disk.lose_power(number);
            }
        }
        for (&kind, count) in &mut counts {
            *count += disk.faults().count(kind);
        }
        traces.push(outcomes);
    }
    assert!(counts.values().all(|&count| count > 0), "{counts:?}");
    traces.sort();
    traces.dedup();
    assert!(traces.len() > 35);
}
