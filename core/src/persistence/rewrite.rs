//! Writing the append-only file anew: a base that is the data at one instant, and a file for what comes after it.
//!
//! The order on disk is what makes it safe. The new file for increments is durable under its name before the manifest
//! mentions it; the old one is durable before the new one is written to; the base is durable under its name before the
//! manifest mentions that; and only then is anything removed. A crash between any two steps finds a manifest whose
//! files are all there.
//!
//! Where there is no log that could go on — none yet, or one that was lost — the new files come together: what is
//! propagated meanwhile waits in memory, and the manifest is written once, with both.

use super::Persistence;
use super::sequence::Sequence;
use super::snapshot_file::{Purpose, SnapshotFile};
use crate::aof::{BaseFormat, Manifest, Sealer};
use crate::dataset::Dataset;
use crate::disk::{DiskCompletion, DiskKind, FileId, Lane};
use crate::server::{LogLevel, Server};
use crate::time::Monotonic;
use std::time::Duration;

/// How long the server waits before it tries again to write a log that it has to have.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// So many failures in a row make rewrites that nobody has asked for rarer.
const FAILURES_IN_A_ROW_MAX: u64 = 3;

/// How long they then wait, for each further failure twice as long, and never longer than the second of these.
const FAILED_WAIT_MINUTES: (u64, u64) = (1, 60);

/// A rewrite under way.
#[derive(Debug)]
pub(crate) struct Rewrite {
    stage: Stage,
    /// The file for increments that it brings, if there is to be a log.
    incr: Option<NewIncrement>,
    /// The manifest as it will be when this stage is over.
    next: Manifest,
    /// Whether the manifest mentions the file for increments from the beginning.
    publishes_first: bool,
    format: BaseFormat,
    base_bytes: u64,
    pub started: Monotonic,
}

/// A file for what is written from some moment on.
#[derive(Clone, Copy, Debug)]
struct NewIncrement {
    file: FileId,
    sequence: u64,
    len_bytes: u64,
}

#[derive(Debug)]
enum Stage {
    /// The file for increments is made, and published if there is a log that goes on.
    Preparing(Sequence),
    /// It is there; the next end of a turn switches to it and takes the snapshot.
    Ready,
    /// The base is being written.
    Base(Box<SnapshotFile>),
    /// The base gets its name, the manifest mentions it.
    Publishing(Sequence),
    /// What nobody needs any more is removed.
    Cleaning(Sequence),
}

/// How a rewrite ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// The manifest has the new base.
    Done,
    /// It failed, and everything is as before.
    Failed(String),
}

/// What is known of rewrites.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RewriteFigures {
    /// One was asked for, and begins when what is under way has ended.
    pub is_scheduled: bool,
    pub count: u64,
    pub failures_in_a_row: u64,
    pub last_seconds: Option<u64>,
    /// What all files had together when the last one had ended.
    pub base_bytes: u64,
    /// When the last one has failed, if it has. When it is tried again depends on what has come of the log since.
    failed_at: Option<Monotonic>,
    /// Numbers that were given to files, whether or not a manifest mentions them.
    taken_base: u64,
    taken_increment: u64,
}

impl Rewrite {
    /// Keys walked, and of how many, while the base is written.
    pub fn keys(&self) -> Option<(usize, usize)> {
        match &self.stage {
            Stage::Base(base) => Some(base.keys()),
            _ => None,
        }
    }

    /// Whether the data are frozen for it.
    pub fn is_writing(&self) -> bool {
        matches!(self.stage, Stage::Base(_))
    }

    /// Whether there is something to do at once, while a save is being written or not.
    pub fn wants_turn(&self, is_saving: bool) -> bool {
        match &self.stage {
            Stage::Ready => !is_saving,
            Stage::Base(base) => base.wants_turn(),
            _ => false,
        }
    }

    /// Whether there will be a log when it has ended, and not only a base.
    pub fn brings_log(&self) -> bool {
        self.incr.is_some()
    }
}

impl Persistence {
    /// Begins a rewrite if one was asked for, is needed, or has become worth it.
    pub(super) fn begin_rewrite_if_due(&mut self, server: &mut Server) {
        if std::mem::take(&mut server.durability.wants_rewrite) {
            self.rewrites.is_scheduled = true;
        }
        if self.rewrite.is_some() || server.durability.exit.is_some() {
            return;
        }
        let now = server.now.monotonic;
        if self.rewrites.is_scheduled || self.next_rewrite(server) <= now {
            if !self.rewrites.is_scheduled && self.log.is_on() && !self.log.is_lost() {
                let text = format!(
                    "Starting automatic rewriting of AOF on {}% growth",
                    self.growth_percent().unwrap_or(0)
                );
                server.log(LogLevel::Notice, text);
            }
            self.rewrites.is_scheduled = false;
            // Where there is a log that is whole, it goes on with the new file at once.
            self.begin_rewrite(server, self.log.is_on() && !self.log.is_lost());
        }
    }

    /// When a rewrite begins that nobody asks for.
    pub(super) fn next_rewrite(&self, server: &Server) -> Monotonic {
        let config = &server.config;
        let is_needed = config.appendonly && !self.log.is_on() || self.log.is_lost();
        let is_worth_it = self.log.is_on()
            && config.auto_aof_rewrite_percentage > 0
            && self.current_bytes() > config.auto_aof_rewrite_min_size
            && self.growth_percent().is_none_or(|percent| percent >= config.auto_aof_rewrite_percentage);
        if is_needed {
            self.rewrites.retry_at(RETRY_AFTER)
        } else if self.rewrites.is_scheduled || is_worth_it {
            self.rewrites.retry_at(self.rewrites.wait_after_failures())
        } else {
            Monotonic::NEVER
        }
    }

    /// By how much the log has grown since the last rewrite; nothing when it had nothing then.
    fn growth_percent(&self) -> Option<u64> {
        let base_bytes = self.rewrites.base_bytes;
        let grown = self.current_bytes().saturating_sub(base_bytes);
        (u128::from(grown) * 100).checked_div(u128::from(base_bytes)).map(|percent| percent as u64)
    }

    /// Begins a rewrite. Where everything there is in memory would be loaded from the files that the manifest has, it
    /// `publishes_first`: the new file for increments is mentioned before there is a base.
    pub(super) fn begin_rewrite(&mut self, server: &mut Server, publishes_first: bool) {
        let mut next = self.manifest.clone();
        let files = &self.files;
        let mut steps = Sequence::new(Lane::Control).make_directory(files.directory());
        let mut incr = None;
        if server.config.appendonly {
            let info = next.next_increment(files.names(), self.rewrites.taken_increment);
            self.rewrites.taken_increment = info.sequence;
            // It begins with an empty batch: from then on a reader knows that what is not sealed was not written here.
            let mut head = Vec::new();
            if server.config.aof_checksum {
                Sealer::new(info.sequence, 0).seal(b"", 0, &mut head);
            }
            let (file, path) = (server.new_file(), files.path(&info.name));
            incr = Some(NewIncrement { file, sequence: info.sequence, len_bytes: head.len() as u64 });
            next.add_increment(info);
            steps = steps
                .try_to(DiskKind::Remove { name: path.clone() })
                .then(DiskKind::Create { file, name: path, mode: 0o644 })
                .then(DiskKind::Append { file, data: head });
            if !mutant!(Mutant::IncrNotDurableBeforeManifest) {
                steps = steps
                    .then(DiskKind::Sync { file })
                    .then(DiskKind::SyncDir { name: files.directory().to_owned() });
            }
            if publishes_first {
                steps = files.write_manifest(server, steps, &next);
            }
        }
        self.rewrites.count += 1;
        self.rewrite = Some(Rewrite {
            stage: Stage::Preparing(steps.begin(server)),
            incr,
            next,
            publishes_first,
            format: if server.config.aof_use_rdb_preamble { BaseFormat::Rdb } else { BaseFormat::Commands },
            base_bytes: 0,
            started: server.now.monotonic,
        });
    }

    /// Does what a rewrite has to do at the end of a turn, when the turn's effects are sealed.
    pub(super) fn step_rewrite(&mut self, server: &mut Server, dataset: &mut Dataset) {
        let Some(rewrite) = &mut self.rewrite else { return };
        match &mut rewrite.stage {
            // There is one snapshot at a time.
            Stage::Ready if self.save.is_writing() => {}
            Stage::Ready => {
                // Everything up to here is in the base, everything from here on in the new file.
                if let Some(NewIncrement { file, sequence, len_bytes }) = rewrite.incr {
                    self.log.switch(file, sequence, len_bytes, rewrite.publishes_first);
                    dataset.log.feed_file(true);
                }
                let name = self.files.path(&self.files.names().new_base());
                let purpose = match rewrite.format {
                    BaseFormat::Rdb => Purpose::RdbBase,
                    BaseFormat::Commands => Purpose::CommandBase,
                };
                let base = SnapshotFile::begin(server, dataset, name, purpose);
                rewrite.stage = Stage::Base(Box::new(base));
                server.log(LogLevel::Notice, "Background append only file rewriting started");
            }
            Stage::Base(base) => base.step(server, dataset),
            _ => {}
        }
    }

    /// Takes a completion if it belongs to the rewrite. Tells how that ended, once it has.
    pub(super) fn advance_rewrite(
        &mut self,
        server: &mut Server,
        dataset: &mut Dataset,
        completion: &mut Option<DiskCompletion>,
    ) -> Option<Ended> {
        let rewrite = self.rewrite.as_mut()?;
        let outcome = match &mut rewrite.stage {
            Stage::Preparing(steps) | Stage::Publishing(steps) | Stage::Cleaning(steps) => {
                steps.advance(server, completion)?
            }
            Stage::Base(base) => base.advance(server, completion)?,
            Stage::Ready => return None,
        };
        match outcome {
            Ok(()) => self.next_stage(server, dataset),
            Err(error) => Some(self.fail_rewrite(server, dataset, &error.message)),
        }
    }

    fn next_stage(&mut self, server: &mut Server, dataset: &mut Dataset) -> Option<Ended> {
        let rewrite = self.rewrite.as_mut()?;
        match &mut rewrite.stage {
            Stage::Preparing(_) => {
                if rewrite.publishes_first {
                    self.manifest = rewrite.next.clone();
                }
                rewrite.stage = Stage::Ready;
                None
            }
            Stage::Base(base) => {
                if rewrite.incr.is_some() && !self.log.can_publish() {
                    // The new file was lost as well: what is in it is not known.
                    return Some(self.fail_rewrite(
                        server,
                        dataset,
                        "the append only file was lost meanwhile",
                    ));
                }
                let taken = self.rewrites.taken_base;
                let info = rewrite.next.next_base(self.files.names(), rewrite.format, taken);
                self.rewrites.taken_base = info.sequence;
                let mut steps = Sequence::new(Lane::Snapshot)
                    .then(DiskKind::Rename { from: base.name().to_owned(), to: self.files.path(&info.name) });
                let first_kept = rewrite.incr.map_or(u64::MAX, |incr| incr.sequence);
                rewrite.next.replace_base(info, first_kept);
                if !mutant!(Mutant::DirectoryNotSynced) {
                    steps = steps.then(DiskKind::SyncDir { name: self.files.directory().to_owned() });
                }
                rewrite.base_bytes = base.written_bytes();
                if mutant!(Mutant::HistoryRemovedTooEarly) {
                    for old in rewrite.next.history() {
                        steps = steps.try_to(DiskKind::Remove { name: self.files.path(&old.name) });
                    }
                }
                let steps = self.files.write_manifest(server, steps, &rewrite.next);
                rewrite.stage = Stage::Publishing(steps.begin(server));
                None
            }
            Stage::Publishing(_) => {
                if rewrite.incr.is_some() && !self.log.can_publish() {
                    return Some(self.fail_rewrite(
                        server,
                        dataset,
                        "the append only file was lost meanwhile",
                    ));
                }
                self.manifest = rewrite.next.clone();
                self.older_bytes = rewrite.base_bytes;
                if rewrite.incr.is_some() {
                    for file in self.log.publish() {
                        server.disk(Lane::Log, DiskKind::Close { file });
                    }
                }
                let mut steps = Sequence::new(Lane::Snapshot);
                for old in self.manifest.take_history() {
                    steps = steps.try_to(DiskKind::Remove { name: self.files.path(&old.name) });
                }
                let steps = self.files.write_manifest(server, steps, &self.manifest);
                rewrite.stage = Stage::Cleaning(steps.begin(server));
                None
            }
            // The data was safe before; that a file could not be removed is told next time.
            Stage::Cleaning(_) => Some(Ended::Done),
            Stage::Ready => None,
        }
    }

    /// Gives up, and leaves everything as it was: a file for increments that the manifest mentions stays in use.
    pub(super) fn fail_rewrite(&mut self, server: &mut Server, dataset: &mut Dataset, reason: &str) -> Ended {
        let Some(rewrite) = self.rewrite.take() else { return Ended::Done };
        match rewrite.stage {
            Stage::Base(base) => base.abandon(server, dataset),
            // What it was for is done.
            Stage::Cleaning(_) => return Ended::Done,
            Stage::Preparing(_) | Stage::Ready => {
                if let Some(incr) = rewrite.incr {
                    server.disk(Lane::Control, DiskKind::Close { file: incr.file });
                }
            }
            Stage::Publishing(_) => {}
        }
        if !rewrite.publishes_first {
            self.log.drop_newest();
            dataset.log.feed_file(self.log.is_on());
        }
        Ended::Failed(reason.to_owned())
    }

    /// Takes note of how a rewrite has ended.
    pub(super) fn end_rewrite(&mut self, server: &mut Server, ended: Ended) {
        let now = server.now.monotonic;
        if let Some(rewrite) = self.rewrite.take() {
            self.rewrites.last_seconds = Some(now.since_us(rewrite.started) / 1_000_000);
        }
        match ended {
            Ended::Done => {
                self.rewrites.failures_in_a_row = 0;
                self.rewrites.failed_at = None;
                self.rewrites.base_bytes = self.current_bytes();
                server.log(LogLevel::Notice, "Background AOF rewrite finished successfully");
            }
            Ended::Failed(reason) => {
                self.rewrites.failures_in_a_row += 1;
                self.rewrites.failed_at = Some(now);
                server.log(
                    LogLevel::Warning,
                    format!("Background AOF rewrite terminated with error: {reason}"),
                );
            }
        }
    }
}

impl RewriteFigures {
    /// When one is tried again that has to wait so long after a failure; at once if there was none.
    fn retry_at(&self, wait: Duration) -> Monotonic {
        self.failed_at.map_or(Monotonic(0), |failed_at| failed_at + wait)
    }

    /// How long rewrites wait that are only worth it.
    fn wait_after_failures(&self) -> Duration {
        let (minutes, minutes_max) = FAILED_WAIT_MINUTES;
        match self.failures_in_a_row.checked_sub(FAILURES_IN_A_ROW_MAX) {
            None => RETRY_AFTER,
            Some(further) => {
                let minutes =
                    minutes.checked_shl(u32::try_from(further).unwrap_or(u32::MAX)).unwrap_or(minutes_max);
                Duration::from_secs(60 * minutes.min(minutes_max))
            }
        }
    }
}
