//! A snapshot on its way into a file: slices are made as fast as the disk takes them, and never more than a few ahead.

use super::sequence::Sequence;
use crate::aof::Commands;
use crate::commands::connection::REDIS_VERSION;
use crate::dataset::Dataset;
use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, FileId, Lane};
use crate::rdb::{Preamble, Rdb, Writer};
use crate::server::Server;
use crate::snapshot::{Budget, Format, Progress, Snapshot};
use std::collections::VecDeque;

/// Bytes that are made before they are handed to the disk.
const SLICE_BYTES: usize = 64 << 10;

/// Bytes on their way to the disk beyond which no more are made.
pub const SNAPSHOT_IN_FLIGHT_BYTES_MAX: usize = 4 << 20;

/// What a snapshot is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The base of a log, as commands.
    CommandBase,
    /// The base of a log, in the RDB format.
    RdbBase,
    /// A file of its own.
    Dump,
}

/// A snapshot in whatever format.
trait Walk: std::fmt::Debug + Send {
    fn keys_total(&self) -> usize;
    fn step(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>) -> Progress;
    fn abort(self: Box<Self>, dataset: &mut Dataset);
}

impl<F: Format> Walk for Snapshot<F> {
    fn keys_total(&self) -> usize {
        Snapshot::keys_total(self)
    }

    fn step(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>) -> Progress {
        Snapshot::step(self, dataset, out, Budget::default())
    }

    fn abort(self: Box<Self>, dataset: &mut Dataset) {
        Snapshot::abort(*self, dataset);
    }
}

/// A snapshot that is being written.
#[derive(Debug)]
pub(crate) struct SnapshotFile {
    /// What is still to be walked; none once all was.
    snapshot: Option<Box<dyn Walk>>,
    file: FileId,
    name: String,
    created: Option<DiskId>,
    is_created: bool,
    slice: Vec<u8>,
    /// What frames it, in the RDB format.
    frame: Option<Writer>,
    appends: VecDeque<(DiskId, usize)>,
    in_flight_bytes: usize,
    spare: Vec<Vec<u8>>,
    /// Makes durable what was written.
    end: Option<Sequence>,
    written_bytes: u64,
    keys_done: usize,
    keys_total: usize,
}

impl SnapshotFile {
    /// Begins to write the data as it is now into a new file of this name.
    pub fn begin(server: &mut Server, dataset: &mut Dataset, name: String, purpose: Purpose) -> Self {
        let file = server.new_file();
        // What a crash has left under this name is nobody's.
        server.disk(Lane::Snapshot, DiskKind::Remove { name: name.clone() });
        let created = server.disk(Lane::Snapshot, DiskKind::Create { file, name: name.clone(), mode: 0o644 });
        let snapshot: Box<dyn Walk> = match purpose {
            Purpose::CommandBase => Box::new(Snapshot::<Commands>::begin(dataset)),
            _ if server.config.rdbcompression => Box::new(Snapshot::<Rdb<true>>::begin(dataset)),
            _ => Box::new(Snapshot::<Rdb<false>>::begin(dataset)),
        };
        let mut slice = Vec::new();
        let frame = (purpose != Purpose::CommandBase).then(|| {
            let frame = Writer::new(server.config.rdbchecksum);
            let preamble = Preamble {
                version: REDIS_VERSION,
                created_seconds: server.now.wall.seconds(),
                used_memory_bytes: server.host_stats.allocated_bytes,
                is_aof_base: purpose == Purpose::RdbBase,
            };
            frame.begin(&mut slice, &preamble);
            frame
        });
        SnapshotFile {
            keys_total: snapshot.keys_total(),
            snapshot: Some(snapshot),
            file,
            name,
            created: Some(created),
            is_created: false,
            slice,
            frame,
            appends: VecDeque::new(),
            in_flight_bytes: 0,
            spare: Vec::new(),
            end: None,
            written_bytes: 0,
            keys_done: 0,
        }
    }

    /// The name it has while it is written.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many keys have been walked, and of how many.
    pub fn keys(&self) -> (usize, usize) {
        (self.keys_done, self.keys_total)
    }

    /// How long the file is so far.
    pub fn written_bytes(&self) -> u64 {
        self.written_bytes
    }

    /// Whether there is something to do at once.
    pub fn wants_turn(&self) -> bool {
        self.is_created && self.snapshot.is_some() && self.in_flight_bytes < SNAPSHOT_IN_FLIGHT_BYTES_MAX
    }

    /// Makes the next slice, if the disk keeps up.
    pub fn step(&mut self, server: &mut Server, dataset: &mut Dataset) {
        if !self.wants_turn() {
            return;
        }
        let Some(snapshot) = &mut self.snapshot else { return };
        let progress = snapshot.step(dataset, &mut self.slice);
        self.keys_done = progress.keys_done;
        if progress.is_done {
            self.snapshot = None;
        }
        if self.slice.len() >= SLICE_BYTES || progress.is_done {
            match self.frame.take() {
                Some(frame) if progress.is_done => frame.end(&mut self.slice),
                Some(mut frame) => {
                    frame.sent(&self.slice);
                    self.frame = Some(frame);
                }
                None => {}
            }
            let next = self.spare.pop().unwrap_or_default();
            let data = std::mem::replace(&mut self.slice, next);
            let len_bytes = data.len();
            self.in_flight_bytes += len_bytes;
            let id = server.disk(Lane::Snapshot, DiskKind::Append { file: self.file, data });
            self.appends.push_back((id, len_bytes));
        }
    }

    /// Takes a completion if it belongs to the file. Tells how it ended, once it has: with a file that is durable
    /// under a name that is not.
    pub fn advance(
        &mut self,
        server: &mut Server,
        completion: &mut Option<DiskCompletion>,
    ) -> Option<Result<(), DiskError>> {
        if let Some(end) = &mut self.end {
            return end.advance(server, completion);
        }
        let id = completion.as_ref()?.id;
        if self.created == Some(id) {
            self.created = None;
            if let Err(error) = completion.take()?.outcome {
                return Some(Err(error));
            }
            self.is_created = true;
            return None;
        }
        if self.appends.front().is_none_or(|&(awaited, _)| awaited != id) {
            return None;
        }
        let (_, len_bytes) = self.appends.pop_front()?;
        self.in_flight_bytes -= len_bytes;
        match completion.take()?.outcome {
            Err(error) => return Some(Err(error)),
            Ok(crate::disk::DiskOutput::Buffer(mut buffer)) => {
                buffer.clear();
                self.spare.push(buffer);
            }
            Ok(_) => {}
        }
        self.written_bytes += len_bytes as u64;
        if self.snapshot.is_none() && self.appends.is_empty() {
            let end = Sequence::new(Lane::Snapshot)
                .then(DiskKind::Sync { file: self.file })
                .then(DiskKind::Close { file: self.file });
            self.end = Some(end.begin(server));
        }
        None
    }

    /// Gives up: the data is let go, the file removed.
    pub fn abandon(self, server: &mut Server, dataset: &mut Dataset) {
        if let Some(snapshot) = self.snapshot {
            snapshot.abort(dataset);
        }
        server.disk(Lane::Snapshot, DiskKind::Close { file: self.file });
        server.disk(Lane::Snapshot, DiskKind::Remove { name: self.name });
    }
}
