//! Histories, and what is made of a crash, with a log that the test itself writes in the server's place.

use super::super::follower::Follower;
use super::super::history::History;
use super::super::recovery::Policy;
use super::*;
use crate::simulation::{Profile, draw};
use rotom_core::aof::{End, Item, LogReader, Sealer};
use rotom_core::disk::{DiskId, DiskKind, DiskOp, FileId, Lane};
use rotom_core::time::{Now, Wall};
use rotom_io_sim::disk::Disk;

const LOG: &str = "log";
const FILE: FileId = FileId(1);
const HALF: u32 = 500_000;

fn scenario(seed: u64, steps: usize) -> Scenario {
    let mut scenario = draw(Profile::find("calm").unwrap(), seed);
    scenario.settings.checks_prefixes = true;
    scenario.settings.plays_twice = false;
    scenario.steps.truncate(steps);
    scenario
}

#[test]
fn after_every_execution_all_effects_together_lead_to_the_data() {
    let mut units = 0;
    for seed in 1..=30 {
        let scenario = scenario(seed, 150);
        let mut run = Run::new(&scenario, Watch::Nothing).unwrap();
        run.play();
        assert_eq!(run.judge.failure, None, "seed {seed}");
        units += run.judge.history.as_ref().unwrap().len();
    }
    assert!(units > 3_000, "{units} units");
}

fn work(disk: &mut Disk, kind: DiskKind) {
    disk.perform(DiskOp { id: DiskId(1), lane: Lane::Log, kind }).outcome.unwrap();
}

/// What a power loss leaves of a log with these units, and how many of them were durable.
fn torn_log(history: &History, seed: u64) -> (Vec<u8>, usize) {
    let mut faults = Faults::new(seed);
    for kind in [FaultKind::WriteBack, FaultKind::TornPage, FaultKind::TornSector, FaultKind::SizeFirst] {
        faults.set_rate(kind, HALF);
    }
    let mut disk = Disk::new(faults);
    let mut sealer = Sealer::new(1, 0);
    let mut batch = Vec::new();
    sealer.seal(b"", 0, &mut batch);
    work(&mut disk, DiskKind::Create { file: FILE, name: LOG.to_owned(), mode: 0o644 });
    work(&mut disk, DiskKind::Append { file: FILE, data: batch });
    work(&mut disk, DiskKind::Sync { file: FILE });
    work(&mut disk, DiskKind::SyncDir { name: String::new() });
    let (mut durable, mut synced_bytes) = (0, 0);
    let (sync_every, end) = (1 + seed as usize % 60, history.len().saturating_sub(seed as usize % 20));
    for (index, effects) in history.effects().take(end).enumerate() {
        if index % sync_every == 0 {
            work(&mut disk, DiskKind::Sync { file: FILE });
            (durable, synced_bytes) = (index, sealer.offset_bytes());
        }
        let mut batch = Vec::new();
        sealer.seal(effects, synced_bytes, &mut batch);
        work(&mut disk, DiskKind::Append { file: FILE, data: batch });
    }
    disk.lose_power(1);
    (disk.read(LOG).unwrap().to_vec(), durable)
}

/// The commands of a log up to where it can be trusted, batch by batch.
fn batches(log: &[u8]) -> Vec<Vec<u8>> {
    let mut reader = LogReader::new(Some(1), 0);
    reader.feed(log);
    let mut batches = Vec::new();
    while let Some(item) = reader.next_item() {
        match item {
            Item::Batch(_) => batches.push(Vec::new()),
            Item::Command { args, .. } => {
                let batch = batches.last_mut().expect("commands are in batches");
                batch.extend_from_slice(format!("*{}\r\n", args.len()).as_bytes());
                for arg in args.iter() {
                    batch.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
                    batch.extend_from_slice(arg);
                    batch.extend_from_slice(b"\r\n");
                }
            }
            Item::Annotation { .. } | Item::BatchEnd => {}
        }
    }
    let end = reader.finish();
    assert!(!matches!(end, End::Corrupt { .. }), "nothing durable was damaged: {end:?}");
    // The first one is empty, and says whose the file is.
    batches.drain(..batches.len().min(1));
    batches
}

/// A server that has done these, at a time when nothing has expired.
fn started(config: &Config, batches: &[Vec<u8>], now: Now) -> Follower {
    let mut server = Follower::new(config, now);
    batches.iter().for_each(|batch| server.follow(Now { wall: Wall(0), ..now }, batch));
    server
}

/// Plays a scenario, lets a server start with what `log` makes of the history, and judges it.
fn judged<'a>(
    run: &mut Run<'a>,
    start: impl FnOnce(&History, &Config, Now) -> (Follower, usize),
) -> Option<Failure> {
    run.play();
    assert_eq!(run.judge.failure, None);
    let now = run.world.clock().now();
    let history = run.judge.history.as_mut().unwrap();
    let (mut server, durable) = start(history, &run.config, now);
    history.rely_on(durable);
    run.judge.policy = Policy::Always;
    // It starts from a log, whatever the scenario's server would start from.
    run.judge.saves = None;
    run.judge.crashed(&run.config, now);
    let core = server.core(now);
    run.judge.recovered(core, &run.config, Damage::default(), now);
    run.judge.failure.clone()
}

#[test]
fn whatever_a_power_loss_leaves_of_a_log_is_a_prefix_with_all_that_was_durable() {
    let mut lost = 0;
    for seed in 1..=30 {
        let scenario = scenario(seed, 100);
        let mut run = Run::new(&scenario, Watch::Nothing).unwrap();
        let mut expected = 0;
        let failure = judged(&mut run, |history, config, now| {
            let (log, durable) = torn_log(history, seed);
            let batches = batches(&log);
            assert!(batches.len() >= durable, "seed {seed}");
            expected = batches.len();
            lost += history.len() - batches.len();
            (started(config, &batches, now), durable)
        });
        assert_eq!(failure, None, "seed {seed}");
        let history = run.judge.history.as_ref().unwrap();
        assert!(history.len() >= expected, "seed {seed}: the greatest prefix with these data is taken");
        // The model goes on with the same data.
        run.judge.model.compare(history.data()).unwrap();
    }
    assert!(lost > 100, "{lost} units were lost");
}

#[test]
fn a_unit_that_somebody_relies_on_must_not_be_lost() {
    let scenario = scenario(3, 100);
    let mut run = Run::new(&scenario, Watch::Nothing).unwrap();
    let failure = judged(&mut run, |history, config, now| {
        let units: Vec<Vec<u8>> = history.effects().map(<[u8]>::to_vec).collect();
        (started(config, &units[..units.len() / 2], now), units.len())
    });
    assert_eq!(failure.unwrap().oracle, Oracle::Durability);
}

#[test]
fn data_to_which_no_prefix_leads_are_noticed() {
    let scenario = scenario(3, 100);
    let mut run = Run::new(&scenario, Watch::Nothing).unwrap();
    let failure = judged(&mut run, |history, config, now| {
        let mut units: Vec<Vec<u8>> = history.effects().map(<[u8]>::to_vec).collect();
        let last = units.len() - 1;
        units[last] = b"*3\r\n$3\r\nSET\r\n$3\r\nnew\r\n$1\r\n1\r\n".to_vec();
        (started(config, &units, now), 0)
    });
    assert_eq!(failure.unwrap().oracle, Oracle::Recovery);
}
