//! RDB files: SAVE, BGSAVE and the points of `save`.
//!
//! A file is written beside the old one, made durable, and only then takes its name.

use super::Persistence;
use super::sequence::Sequence;
use super::snapshot_file::{Purpose, SnapshotFile};
use crate::dataset::Dataset;
use crate::disk::{DiskCompletion, DiskError, DiskKind, Lane};
use crate::net::ConnId;
use crate::server::{LogLevel, Server};
use crate::time::Monotonic;
use std::time::Duration;

/// How long the points of `save` wait after a save that failed.
pub const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Saving, and what is known of it.
#[derive(Debug)]
pub(crate) struct Save {
    run: Option<Run>,
    /// One begins when what is under way has ended.
    pub is_scheduled: bool,
    /// Clients that wait for the one that begins next.
    asking: Vec<ConnId>,
    /// When one last ended well: in seconds since 1970, and by the clock that never goes back.
    pub last_at: u64,
    last: Monotonic,
    last_try: Monotonic,
    pub last_is_ok: bool,
    pub last_seconds: Option<u64>,
    pub count: u64,
}

/// A save under way.
#[derive(Debug)]
struct Run {
    stage: Stage,
    started: Monotonic,
    /// Changes that are in it.
    changes: u64,
    /// Clients that wait for it.
    waiting: Vec<ConnId>,
}

#[derive(Debug)]
enum Stage {
    /// The file is written.
    Writing(Box<SnapshotFile>),
    /// It takes the old one's name.
    Naming(Sequence),
}

/// How a save has ended, and whom to tell.
#[derive(Debug)]
pub(crate) struct Saved {
    pub clients: Vec<ConnId>,
    pub is_ok: bool,
}

impl Save {
    /// There was none. `server` has just started.
    pub fn new(server: &Server) -> Save {
        Save {
            run: None,
            is_scheduled: false,
            asking: Vec::new(),
            last_at: server.now.wall.seconds(),
            last: server.now.monotonic,
            last_try: Monotonic(0),
            last_is_ok: true,
            last_seconds: None,
            count: 0,
        }
    }

    /// Since when one is under way.
    pub fn since(&self) -> Option<Monotonic> {
        self.run.as_ref().map(|run| run.started)
    }

    /// Whether one is under way, or begins as soon as it can.
    pub fn is_wanted(&self) -> bool {
        self.run.is_some() || self.is_scheduled
    }

    /// Whether the data are frozen for one.
    pub fn is_writing(&self) -> bool {
        self.file().is_some()
    }

    /// Keys that were written, and all.
    pub fn keys(&self) -> Option<(usize, usize)> {
        self.file().map(SnapshotFile::keys)
    }

    /// Whether there is something to do at once.
    pub fn wants_turn(&self) -> bool {
        self.file().is_some_and(SnapshotFile::wants_turn)
    }

    fn file(&self) -> Option<&SnapshotFile> {
        match &self.run {
            Some(Run { stage: Stage::Writing(file), .. }) => Some(file),
            _ => None,
        }
    }

    /// Whether one of the points of `save` is reached.
    fn is_due(&self, server: &Server, changes: u64) -> bool {
        let now = server.now.monotonic;
        let may_try = self.last_is_ok || now.since_us(self.last_try) > RETRY_AFTER.as_micros() as u64;
        may_try
            && server.config.save.iter().any(|point| {
                changes >= point.changes && now.since_us(self.last) > point.seconds.saturating_mul(1_000_000)
            })
    }
}

impl Persistence {
    /// Begins a save if somebody wants one, or enough has changed. `is_free` if the data are not frozen for something
    /// else.
    pub(super) fn begin_save_if_due(&mut self, server: &mut Server, dataset: &mut Dataset, is_free: bool) {
        let save = &mut self.save;
        save.is_scheduled |= std::mem::take(&mut server.durability.wants_save);
        save.asking.append(&mut server.durability.save_askers);
        save.is_scheduled |= !save.asking.is_empty();
        if save.run.is_some() || !is_free {
            return;
        }
        let changes = dataset.stats.changes;
        if !save.is_scheduled {
            if !save.is_due(server, changes) {
                return;
            }
            server.log(LogLevel::Notice, format!("{changes} changes since the last save. Saving..."));
        }
        save.is_scheduled = false;
        save.last_try = server.now.monotonic;
        let name = format!("temp-{}.rdb", server.host.pid);
        let file = SnapshotFile::begin(server, dataset, name, Purpose::Dump);
        server.log(LogLevel::Notice, "Background saving started");
        save.run = Some(Run {
            stage: Stage::Writing(Box::new(file)),
            started: server.now.monotonic,
            changes,
            waiting: std::mem::take(&mut save.asking),
        });
    }

    /// Does what a save has to do at the end of a turn.
    pub(super) fn step_save(&mut self, server: &mut Server, dataset: &mut Dataset) {
        if let Some(Run { stage: Stage::Writing(file), .. }) = &mut self.save.run {
            file.step(server, dataset);
        }
    }

    /// Takes a completion if it belongs to the save. Tells how that ended, once it has.
    pub(super) fn advance_save(
        &mut self,
        server: &mut Server,
        dataset: &mut Dataset,
        completion: &mut Option<DiskCompletion>,
    ) -> Option<Saved> {
        let run = self.save.run.as_mut()?;
        let outcome = match &mut run.stage {
            Stage::Writing(file) => file.advance(server, completion)?,
            Stage::Naming(steps) => steps.advance(server, completion)?,
        };
        if let (Ok(()), Stage::Writing(file)) = (&outcome, &run.stage) {
            let (from, to) = (file.name().to_owned(), server.config.dbfilename.clone());
            let steps = Sequence::new(Lane::Snapshot)
                .then(DiskKind::Rename { from, to })
                .then(DiskKind::SyncDir { name: String::new() });
            run.stage = Stage::Naming(steps.begin(server));
            return None;
        }
        Some(self.end_save(server, dataset, outcome))
    }

    fn end_save(
        &mut self,
        server: &mut Server,
        dataset: &mut Dataset,
        outcome: Result<(), DiskError>,
    ) -> Saved {
        let save = &mut self.save;
        let now = server.now;
        let Some(run) = save.run.take() else { return Saved { clients: Vec::new(), is_ok: false } };
        save.last_seconds = Some(now.monotonic.since_us(run.started) / 1_000_000);
        save.last_is_ok = outcome.is_ok();
        match outcome {
            Ok(()) => {
                dataset.stats.changes = dataset.stats.changes.saturating_sub(run.changes);
                save.last = now.monotonic;
                save.last_at = now.wall.seconds();
                save.count += 1;
                server.log(LogLevel::Notice, "Background saving terminated with success");
            }
            Err(error) => {
                if let Stage::Writing(file) = run.stage {
                    file.abandon(server, dataset);
                }
                server.log(LogLevel::Warning, format!("Background saving error: {}", error.message));
            }
        }
        Saved { clients: run.waiting, is_ok: save.last_is_ok }
    }
}
