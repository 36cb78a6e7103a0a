//! The append-only file, as it is written: what commands propagate is sealed into a batch each turn, appended, and
//! synced as `appendfsync` says.
//!
//! Batches are numbered over all files and never go back, so that a number says what a reply depends on. One append is
//! under way at a time; what comes meanwhile goes out with the next one, so that a slow disk makes for larger groups
//! and not for longer queues.
//!
//! Files follow each other. The next one is written to only when the last one is durable as a whole: what a power
//! loss leaves of two files is never the second without the end of the first.

use crate::aof::{Sealer, append_timestamp};
use crate::config::FsyncPolicy;
use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, DiskOutput, FileId, Lane};
use crate::server::{LogLevel, Server};
use crate::time::{Monotonic, Wall};
use std::collections::VecDeque;
use std::time::Duration;

/// Bytes that wait for the disk beyond which clients that write are held back.
pub const LOG_QUEUE_BYTES_MAX: usize = 64 << 20;

/// How often the file is synced under `everysec`.
pub const SYNC_EVERY: Duration = Duration::from_secs(1);

/// How long a write that failed waits until it is tried again.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A batch. The greater number is the later one; 0 comes before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Batch(pub u64);

/// Whether what is written can be trusted to arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// All is well.
    Good,
    /// A write failed and waits to be tried again; what the disk has is whole.
    WriteFailed(String),
    /// What the disk has is not known: only a whole new file makes it good.
    Lost(String),
}

/// The files that are written to, and how far that has come.
#[derive(Debug, Default)]
pub(crate) struct LogWriter {
    /// The one that is written, and behind it the one that will be. None while the log is off.
    targets: VecDeque<Target>,
    append: Option<Append>,
    sync: Option<Flight>,
    truncate: Option<DiskId>,
    /// The last batch that was sealed, that a file has, and that is durable.
    sealed: Batch,
    written: Batch,
    durable: Batch,
    health: Option<Trouble>,
    next_sync: Monotonic,
    /// The server waits for everything to be durable.
    is_hurried: bool,
    /// Memory for the next batches.
    spare: Vec<u8>,
    in_flight_bytes: usize,
    /// The length of the files before these that are still part of the log.
    closed_bytes: u64,
    /// The second that the last batch was stamped with.
    stamped_second: Option<i64>,
}

/// A file, open for appending.
#[derive(Debug)]
struct Target {
    file: FileId,
    sealer: Sealer,
    /// Whether it may be written: it is part of what would be loaded.
    is_published: bool,
    /// Sealed batches that were not handed to the disk.
    queue: Vec<u8>,
    queued: Batch,
    /// Its length, up to the last whole batch that was written.
    len_bytes: u64,
    /// How much of that is known to be durable.
    synced_bytes: u64,
    /// Whether it has anything that was not synced.
    is_dirty: bool,
    /// The last batch before its first.
    base: Batch,
}

/// Batches on their way.
#[derive(Clone, Copy, Debug)]
struct Flight {
    id: DiskId,
    up_to: Batch,
    /// How long the file is with them.
    len_bytes: u64,
}

#[derive(Clone, Copy, Debug)]
struct Append {
    flight: Flight,
    len_bytes: usize,
}

#[derive(Debug)]
struct Trouble {
    health: Health,
    retry_at: Monotonic,
}

impl LogWriter {
    /// Whether there is a log.
    #[inline]
    pub fn is_on(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Writes into a file from here on that has so many bytes of whole batches and is part of what would be loaded.
    pub fn open(&mut self, file: FileId, sequence: u64, len_bytes: u64) {
        self.targets.push_back(Target::new(file, sequence, len_bytes, true, self.sealed));
    }

    /// Writes into another file from the next batch on. One that is not part of what would be loaded yet waits until
    /// it is [published](Self::publish), and so does one after a file that cannot be completed any more.
    pub fn switch(&mut self, file: FileId, sequence: u64, len_bytes: u64, is_published: bool) {
        let is_published = is_published && !self.is_lost();
        self.stamped_second = None;
        self.targets.push_back(Target::new(file, sequence, len_bytes, is_published, self.sealed));
    }

    /// Forgets the newest file, which was never published. What it was to get is in the data, and in the next base.
    pub fn drop_newest(&mut self) {
        if self.targets.back().is_some_and(|target| !target.is_published) {
            self.targets.pop_back();
        }
    }

    /// Everything up to the switch to the newest file is durable by other means: what was written before it is of no
    /// account any more. Returns the files that are not written to any more.
    pub fn publish(&mut self) -> Vec<FileId> {
        let Some(mut newest) = self.targets.pop_back() else { return Vec::new() };
        let old: Vec<FileId> = self.targets.drain(..).map(|target| target.file).collect();
        newest.is_published = true;
        self.written = self.written.max(newest.base);
        self.durable = self.durable.max(newest.base);
        self.targets.push_back(newest);
        if !old.is_empty() {
            // What is on its way to the old files counts no more, nor does what went wrong there.
            self.append = None;
            self.sync = None;
            self.truncate = None;
            self.in_flight_bytes = 0;
        }
        self.health = None;
        self.closed_bytes = 0;
        old
    }

    /// Whether the newest file can be published: it is not itself the one that was lost.
    pub fn can_publish(&self) -> bool {
        self.targets.len() > 1 || !self.is_lost()
    }

    /// Ends the log: what there is still to be written is, and nothing is waited for.
    pub fn close(&mut self, server: &mut Server) {
        let is_whole = self.health.is_none() && self.truncate.is_none();
        for target in self.targets.drain(..) {
            let file = target.file;
            if is_whole && target.is_published && !target.queue.is_empty() {
                server.disk(Lane::Log, DiskKind::Append { file, data: target.queue });
            }
            server.disk(Lane::Log, DiskKind::Sync { file });
            server.disk(Lane::Log, DiskKind::Close { file });
        }
        let sealed = self.sealed;
        *self = LogWriter { sealed, written: sealed, durable: sealed, ..LogWriter::default() };
    }

    /// Whether what is sealed is promised: there is a log that would be loaded.
    #[inline]
    pub fn is_binding(&self) -> bool {
        self.targets.front().is_some_and(|target| target.is_published)
    }

    /// Syncs as soon as possible, whatever the policy.
    pub fn hurry(&mut self) {
        self.is_hurried = true;
    }

    /// Seals a turn's effects into a batch. `wall` is noted in front of it when it is given.
    pub fn seal(&mut self, effects: &[u8], wall: Option<Wall>, has_checksum: bool) {
        let Some(target) = self.targets.back_mut() else { return };
        self.sealed.0 += 1;
        target.queued = self.sealed;
        if target.queue.capacity() == 0 {
            target.queue = std::mem::take(&mut self.spare);
        }
        let second = wall.map(|wall| wall.seconds() as i64);
        let mut stamped = Vec::new();
        let batch = match second {
            Some(second) if self.stamped_second != Some(second) => {
                self.stamped_second = Some(second);
                append_timestamp(second, &mut stamped);
                stamped.extend_from_slice(effects);
                &stamped
            }
            _ => effects,
        };
        target.seal(batch, has_checksum);
    }

    /// The last batch that was sealed.
    #[inline]
    pub fn sealed(&self) -> Batch {
        self.sealed
    }

    /// The last batch that is durable.
    #[inline]
    pub fn durable(&self) -> Batch {
        self.durable
    }

    /// Whether everything is durable.
    #[inline]
    pub fn is_durable(&self) -> bool {
        self.durable == self.sealed
    }

    /// Bytes that wait for the disk.
    pub fn backlog_bytes(&self) -> usize {
        self.in_flight_bytes + self.targets.iter().map(|target| target.queue.len()).sum::<usize>()
    }

    /// Whether clients that write are to wait for the disk.
    #[inline]
    pub fn is_backed_up(&self) -> bool {
        self.is_on() && self.backlog_bytes() > LOG_QUEUE_BYTES_MAX
    }

    /// The length of the files that were written to since the last base.
    pub fn len_bytes(&self) -> u64 {
        self.closed_bytes + self.targets.iter().map(|target| target.len_bytes).sum::<u64>()
    }

    /// Whether writing can be trusted.
    pub fn health(&self) -> &Health {
        self.health.as_ref().map_or(&Health::Good, |trouble| &trouble.health)
    }

    /// Whether all that helps is a new file.
    pub fn is_lost(&self) -> bool {
        matches!(self.health(), Health::Lost(_))
    }

    /// Whether a sync is under way.
    pub fn is_syncing(&self) -> bool {
        self.sync.is_some()
    }

    /// When there is something to do although nothing happens.
    pub fn next_deadline(&self, policy: FsyncPolicy) -> Monotonic {
        match &self.health {
            // While the next try is under way, or what has to come before it, there is nothing to wait for but the disk.
            Some(Trouble { health: Health::WriteFailed(_), retry_at })
                if self.truncate.is_none()
                    && self.append.is_none()
                    && !(policy == FsyncPolicy::Always && self.sync.is_some()) =>
            {
                *retry_at
            }
            Some(_) => Monotonic::NEVER,
            None if policy == FsyncPolicy::EverySecond
                && self.written > self.durable
                && self.sync.is_none()
                && self.truncate.is_none() =>
            {
                self.next_sync
            }
            None => Monotonic::NEVER,
        }
    }

    /// Asks the disk for what can be done next.
    pub fn pump(&mut self, server: &mut Server) {
        if self.targets.is_empty() || self.is_lost() || self.truncate.is_some() {
            return;
        }
        let now = server.now.monotonic;
        let policy = server.config.appendfsync;
        // Under `always` batches gather while the group before them is being synced.
        let is_gathering = policy == FsyncPolicy::Always && self.sync.is_some();
        let may_append = !is_gathering && self.health.as_ref().is_none_or(|trouble| trouble.retry_at <= now);
        let front = &mut self.targets[0];
        if may_append && self.append.is_none() && front.is_published && !front.queue.is_empty() {
            let data = std::mem::take(&mut front.queue);
            let (file, up_to, len_bytes) = (front.file, front.queued, data.len());
            self.in_flight_bytes = len_bytes;
            let id = server.disk(Lane::Log, DiskKind::Append { file, data });
            let flight = Flight { id, up_to, len_bytes: front.len_bytes + len_bytes as u64 };
            self.append = Some(Append { flight, len_bytes });
        }
        self.sync_if_due(server, policy, now);
    }

    fn sync_if_due(&mut self, server: &mut Server, policy: FsyncPolicy, now: Monotonic) {
        if self.sync.is_some() {
            return;
        }
        let front = &self.targets[0];
        let has_successor = self.targets.len() > 1;
        // What is on its way will have been written when a sync that is asked for now begins.
        let (up_to, len_bytes) = self
            .append
            .map_or((self.written, front.len_bytes), |append| (append.flight.up_to, append.flight.len_bytes));
        let is_ended = has_successor && front.queue.is_empty() && self.append.is_none();
        if is_ended && (!front.is_dirty || mutant!(Mutant::OldIncrUnsyncedAtSwitch)) {
            return self.go_on(server);
        }
        let is_due = match policy {
            FsyncPolicy::Always => up_to > self.durable,
            FsyncPolicy::EverySecond => self.written > self.durable && now >= self.next_sync,
            FsyncPolicy::No => false,
        } || self.is_hurried && up_to > self.durable;
        if is_due || is_ended {
            let id = server.disk(Lane::Log, DiskKind::Sync { file: front.file });
            self.sync = Some(Flight { id, up_to, len_bytes });
            self.next_sync = now + SYNC_EVERY;
            if mutant!(Mutant::DurableWhenAskedFor) {
                self.durable = up_to;
            }
        }
    }

    /// Goes on with the next file: the one before it is durable.
    fn go_on(&mut self, server: &mut Server) {
        if let Some(target) = self.targets.pop_front() {
            server.disk(Lane::Log, DiskKind::Close { file: target.file });
            self.closed_bytes += target.len_bytes;
            self.pump(server);
        }
    }

    /// Takes a completion if it belongs to the log.
    pub fn advance(&mut self, server: &mut Server, completion: &mut Option<DiskCompletion>) {
        let Some(id) = completion.as_ref().map(|completion| completion.id) else { return };
        if self.append.is_some_and(|append| append.flight.id == id) {
            let outcome = completion.take().map(|completion| completion.outcome);
            self.appended(server, outcome);
        } else if self.sync.is_some_and(|sync| sync.id == id) {
            let outcome = completion.take().map(|completion| completion.outcome);
            self.synced(server, outcome);
        } else if self.truncate == Some(id) {
            self.truncate = None;
            if let Some(Err(error)) = completion.take().map(|completion| completion.outcome) {
                self.lose(server, &error.message);
            }
        }
    }

    fn appended(&mut self, server: &mut Server, outcome: Option<Result<DiskOutput, DiskError>>) {
        let (Some(append), Some(outcome)) = (self.append.take(), outcome) else { return };
        self.in_flight_bytes = 0;
        match outcome {
            Ok(output) => {
                let Some(front) = self.targets.front_mut() else { return };
                front.len_bytes += append.len_bytes as u64;
                front.is_dirty = true;
                self.written = append.flight.up_to;
                if let DiskOutput::Buffer(mut buffer) = output {
                    buffer.clear();
                    self.spare = buffer;
                }
                if self.health.take().is_some() {
                    server
                        .log(LogLevel::Warning, "AOF write error looks solved. The server can write again.");
                }
            }
            Err(_) if mutant!(Mutant::FailedAppendForgotten) => self.written = append.flight.up_to,
            Err(error) => self.append_failed(server, error),
        }
    }

    /// Puts back what was not written, and cuts off what was written of it.
    fn append_failed(&mut self, server: &mut Server, error: DiskError) {
        let is_lost = self.is_lost();
        let Some(front) = self.targets.front_mut() else { return };
        let mut data = error.buffer.unwrap_or_default();
        data.extend_from_slice(&front.queue);
        front.queue = data;
        let text = format!("Error writing to the AOF file: {}", error.message);
        server.log(LogLevel::Warning, text);
        let retry_at = server.now.monotonic + RETRY_AFTER;
        if !is_lost {
            self.health = Some(Trouble { health: Health::WriteFailed(error.message.clone()), retry_at });
        }
        if error.written_bytes > 0 && !mutant!(Mutant::ShortWriteNotRolledBack) {
            sometimes!(Mark::ShortLogWriteRolledBack);
            let kind = DiskKind::Truncate { file: front.file, len_bytes: front.len_bytes };
            self.truncate = Some(server.disk(Lane::Log, kind));
        }
    }

    fn synced(&mut self, server: &mut Server, outcome: Option<Result<DiskOutput, DiskError>>) {
        let (Some(sync), Some(outcome)) = (self.sync.take(), outcome) else { return };
        match outcome {
            Ok(_) => {
                // An append that failed in front of it has written nothing that counts.
                let up_to = sync.up_to.min(self.written);
                if up_to > self.durable {
                    self.durable = up_to;
                }
                if let Some(front) = self.targets.front_mut() {
                    front.is_dirty = self.durable < self.written;
                    front.synced_bytes = front.synced_bytes.max(sync.len_bytes.min(front.len_bytes));
                }
            }
            // An interrupted sync has not been tried.
            Err(error)
                if error.kind == std::io::ErrorKind::Interrupted || mutant!(Mutant::SyncErrorForgotten) =>
            {
                self.next_sync = server.now.monotonic;
            }
            Err(error) => self.lose(server, &error.message),
        }
    }

    /// Nobody knows what the disk has of the file: pages that could not be written may count as clean by now, so that
    /// the next sync would succeed without them.
    fn lose(&mut self, server: &mut Server, reason: &str) {
        sometimes!(Mark::LogLost);
        server.log(
            LogLevel::Warning,
            format!("Fail to fsync the AOF file: {reason}. It has to be written anew."),
        );
        self.health =
            Some(Trouble { health: Health::Lost(reason.to_owned()), retry_at: server.now.monotonic });
        // The file that would have followed can only follow a whole one.
        for target in self.targets.iter_mut().skip(1) {
            target.is_published = false;
        }
    }
}

impl Target {
    fn new(file: FileId, sequence: u64, len_bytes: u64, is_published: bool, base: Batch) -> Target {
        Target {
            file,
            sealer: Sealer::new(sequence, len_bytes),
            is_published,
            queue: Vec::new(),
            queued: base,
            len_bytes,
            synced_bytes: len_bytes,
            is_dirty: false,
            base,
        }
    }

    fn seal(&mut self, batch: &[u8], has_checksum: bool) {
        if has_checksum {
            self.sealer.seal(batch, self.synced_bytes, &mut self.queue);
        } else {
            self.sealer.pass_by(batch, &mut self.queue);
        }
    }
}
