//! Disk work: what each piece does when all goes well, and every way in which it fails.
//!
//! The faults are those of the system calls, as the production driver meets them. That driver goes on after an
//! interrupted or a short call; here either may also be how the work ends, which its contract allows.

use super::directory::{InodeId, canonical};
use super::inode::Inode;
use super::{Disk, FILE_BYTES_MAX};
use crate::fault::{FaultKind, Site, operation, operation_of_name};
use rotom_core::disk::{DiskCompletion, DiskError, DiskKind, DiskOp, DiskOutput, FileId, Lane};
use std::io;
use std::time::Duration;

/// The longest a slow disk takes for one piece of work.
pub const SLOW_US_MAX: u64 = 10_000_000;

/// How much of a write goes out before it fails.
const APPEND_CUT: Site = Site::named("disk-append-cut");
/// How long slow work takes.
const SLOW: Site = Site::named("disk-slow");

/// Work that was asked for and has not come to its end.
#[derive(Debug)]
pub(super) struct Queued {
    pub op: DiskOp,
    /// What the runner was at when it was asked for.
    pub cause: u64,
    /// What the faults know it by.
    pub key: u64,
    /// The same in its parts.
    pub attempt: Attempt,
}

/// One try of an operation, as the faults know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub operation: u64,
    pub occurrence: u64,
}

impl Disk {
    /// Puts work into its lane, where [`finish`](Disk::finish) does it. Tells how long that takes once it is
    /// the work's turn; no time at all on a disk that is not slow.
    pub fn submit(&mut self, op: DiskOp) -> Duration {
        // Counted on a quiet disk too: where a crash finds the work is drawn for each piece by itself.
        let attempt = self.count_attempt("submit", op.lane as u64, self.cause);
        let key = operation(&[attempt.operation, attempt.occurrence]);
        let mut delay_us = 0;
        if self.faults.happens(FaultKind::SlowDisk, attempt.operation, attempt.occurrence) {
            delay_us = 1 + self.faults.draw(SLOW, attempt.operation, attempt.occurrence, SLOW_US_MAX);
        }
        let lane = op.lane;
        self.lanes[lane as usize].push_back(Queued { op, cause: self.cause, key, attempt });
        if !self.is_quiet {
            self.end_at_submission(lane, attempt);
        }
        Duration::from_micros(delay_us)
    }

    /// Does the oldest work of a lane. Nothing comes of it when the process ends instead of hearing of it: then
    /// [`end_due`](Disk::end_due) says so.
    pub fn finish(&mut self, lane: Lane) -> Option<DiskCompletion> {
        let queued = self.lanes[lane as usize].pop_front()?;
        let attempt = queued.attempt;
        let completion = self.execute(queued);
        let is_heard = self.is_quiet || !self.ends_after(attempt);
        is_heard.then_some(completion)
    }

    /// How much work waits in a lane.
    #[must_use]
    pub fn waiting(&self, lane: Lane) -> usize {
        self.lanes[lane as usize].len()
    }

    /// Carries out one piece of work at once.
    ///
    /// # Panics
    ///
    /// If other work of its lane is waiting: it would be overtaken.
    pub fn perform(&mut self, op: DiskOp) -> DiskCompletion {
        assert_eq!(self.waiting(op.lane), 0, "work in one lane is done in order");
        let attempt = Attempt { operation: 0, occurrence: 0 };
        self.execute(Queued { op, cause: self.cause, key: 0, attempt })
    }

    pub(super) fn execute(&mut self, queued: Queued) -> DiskCompletion {
        let Queued { op, cause, .. } = queued;
        let outcome = match op.kind {
            DiskKind::Append { file, data } => self.append(file, data, cause),
            DiskKind::ReadFile { name, len_bytes_max } => {
                let read = self.read_file(&canonical(&name), len_bytes_max, cause);
                read.map(DiskOutput::Buffer).map_err(|errno| errno.failure(0, None))
            }
            kind => self.change(kind, cause).map_err(|errno| errno.failure(0, None)),
        };
        DiskCompletion { id: op.id, outcome }
    }

    /// Work that carries no buffer of the core's.
    fn change(&mut self, kind: DiskKind, cause: u64) -> Result<DiskOutput, Errno> {
        match kind {
            DiskKind::Create { file, name, mode: _ } => {
                let name = canonical(&name);
                if self.directory.find(&name).is_some() {
                    return Err(Errno::Exists);
                }
                let id = self.create(&name, cause)?;
                self.open_as(file, id);
            }
            DiskKind::OpenAppend { file, name } => {
                let id = self.open_or_create(&canonical(&name), cause)?;
                return Ok(self.open_as(file, id));
            }
            DiskKind::OpenRead { file, name } => {
                let id = self.directory.find(&canonical(&name)).ok_or(Errno::NotFound)?;
                let attempt = self.attempt("open", self.inodes[&id].identity, cause);
                self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
                return Ok(self.open_as(file, id));
            }
            DiskKind::ReadAt { file, offset_bytes, len_bytes } => {
                let id = *self.open.get(&file).ok_or(Errno::NotOpen)?;
                let content = self.content(id, cause)?;
                let start = bounded(offset_bytes).min(content.len());
                let end = start.saturating_add(len_bytes).min(content.len());
                return Ok(DiskOutput::Buffer(content[start..end].to_vec()));
            }
            DiskKind::CreateDir { name, mode: _ } => {
                let name = canonical(&name);
                if self.directory.is_taken(&name) {
                    return Err(Errno::Exists);
                }
                let attempt = self.attempt("create-dir", operation_of_name(&name), cause);
                self.fail(attempt, &CREATE_FAILURES)?;
                let id = self.new_inode(&name);
                self.directory.add_directory(&name, id);
            }
            DiskKind::List { name } => {
                let name = canonical(&name);
                let attempt = self.attempt("list", operation_of_name(&name), cause);
                self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
                return self.directory.list(&name).map(DiskOutput::Names).ok_or(Errno::NotFound);
            }
            DiskKind::Sync { file } => self.sync(file, cause)?,
            DiskKind::Truncate { file, len_bytes } => self.truncate(file, len_bytes, cause)?,
            // As with the production driver, closing what is not open is no error.
            DiskKind::Close { file } => {
                self.open.remove(&file);
                self.collect();
            }
            DiskKind::Rename { from, to } => self.rename(&canonical(&from), &canonical(&to), cause)?,
            DiskKind::Remove { name } => self.remove(&canonical(&name), cause)?,
            DiskKind::SyncDir { name } => {
                let name = canonical(&name);
                let attempt = self.attempt("sync-dir", operation_of_name(&name), cause);
                self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
                // Changes of names that were not made durable stay pending: they may yet be.
                self.fail(attempt, &[(FaultKind::SyncError, Errno::Io)])?;
                self.directory.sync(&name);
                self.collect();
            }
            DiskKind::Append { .. } | DiskKind::ReadFile { .. } => unreachable!("handled by the caller"),
        }
        Ok(DiskOutput::Done)
    }

    fn append(&mut self, file: FileId, data: Vec<u8>, cause: u64) -> Result<DiskOutput, DiskError> {
        let Some(inode) = self.inode_of(file) else { return Err(Errno::NotOpen.failure(0, Some(data))) };
        let identity = inode.identity;
        let room_bytes = FILE_BYTES_MAX.saturating_sub(inode.live().len() as u64);
        let attempt = self.attempt("append", identity, cause);
        let mut len_bytes = data.len();
        let mut error = None;
        let mut shorten = |to: usize, errno| {
            if to < len_bytes {
                (len_bytes, error) = (to, Some(errno));
            }
        };
        // In no case is there anything to fail at if there is nothing to write.
        if !data.is_empty() {
            if let Err(errno) = self.fail(attempt, &APPEND_FAILURES) {
                let cut =
                    self.faults.draw(APPEND_CUT, attempt.operation, attempt.occurrence, data.len() as u64);
                shorten(cut as usize, errno);
            }
            shorten(bounded(room_bytes), Errno::TooLarge);
            shorten(self.space_left().map_or(usize::MAX, bounded), Errno::NoSpace);
        }
        self.used_bytes += len_bytes as u64;
        if let Some(inode) = self.inode_of(file) {
            inode.append(&data[..len_bytes]);
        }
        match error {
            None => Ok(DiskOutput::Buffer(data)),
            Some(errno) => Err(errno.failure(len_bytes as u64, Some(data))),
        }
    }

    fn truncate(&mut self, file: FileId, len_bytes: u64, cause: u64) -> Result<(), Errno> {
        let identity = self.inode_of(file).ok_or(Errno::NotOpen)?.identity;
        let attempt = self.attempt("truncate", identity, cause);
        self.fail(attempt, &CHANGE_FAILURES)?;
        if len_bytes > FILE_BYTES_MAX {
            return Err(Errno::TooLarge);
        }
        let inode = self.inode_of(file).ok_or(Errno::NotOpen)?;
        let old_bytes = inode.live().len() as u64;
        inode.truncate(len_bytes as usize);
        self.used_bytes = self.used_bytes - old_bytes + len_bytes;
        Ok(())
    }

    fn sync(&mut self, file: FileId, cause: u64) -> Result<(), Errno> {
        let identity = self.inode_of(file).ok_or(Errno::NotOpen)?.identity;
        let attempt = self.attempt("sync", identity, cause);
        self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
        let failure = self.fail(attempt, &SYNC_FAILURES);
        let inode = self.inode_of(file).ok_or(Errno::NotOpen)?;
        let is_told_late = std::mem::take(&mut inode.error_is_unreported);
        if failure.is_err() {
            inode.lose_pages(&inode.dirty_pages());
            return failure;
        }
        inode.write_all();
        // What is still dirty is written all the same, but nothing is promised: earlier pages are lost.
        if is_told_late {
            return Err(Errno::Io);
        }
        inode.promise();
        Ok(())
    }

    fn read_file(&mut self, name: &str, len_bytes_max: u64, cause: u64) -> Result<Vec<u8>, Errno> {
        let id = self.directory.find(name).ok_or(Errno::NotFound)?;
        let content = self.content(id, cause)?;
        if content.len() as u64 > len_bytes_max { Err(Errno::TooLarge) } else { Ok(content.to_vec()) }
    }

    /// What a file holds, if it can be read.
    fn content(&mut self, id: InodeId, cause: u64) -> Result<&[u8], Errno> {
        let identity = self.inodes[&id].identity;
        let attempt = self.attempt("read", identity, cause);
        self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
        let failure = self.fail(attempt, &[(FaultKind::EioRead, Errno::Io)]);
        let is_short = self.fail(attempt, &[(FaultKind::ShortRead, Errno::EndsEarly)]);
        let inode = self.inodes.get_mut(&id).ok_or(Errno::NotFound)?;
        inode.unreadable |= failure.is_err();
        if inode.unreadable {
            return Err(Errno::Io);
        }
        is_short?;
        Ok(inode.live())
    }

    fn open_or_create(&mut self, name: &str, cause: u64) -> Result<InodeId, Errno> {
        let Some(id) = self.directory.find(name) else { return self.create(name, cause) };
        let attempt = self.attempt("open", self.inodes[&id].identity, cause);
        self.fail(attempt, &[(FaultKind::Interrupted, Errno::Interrupted)])?;
        Ok(id)
    }

    fn create(&mut self, name: &str, cause: u64) -> Result<InodeId, Errno> {
        let attempt = self.attempt("create", operation_of_name(name), cause);
        self.fail(attempt, &CREATE_FAILURES)?;
        if self.space_left() == Some(0) {
            return Err(Errno::NoSpace);
        }
        Ok(self.add_file(name))
    }

    fn rename(&mut self, from: &str, to: &str, cause: u64) -> Result<(), Errno> {
        let attempt =
            self.attempt("rename", operation(&[operation_of_name(from), operation_of_name(to)]), cause);
        self.directory.find(from).ok_or(Errno::NotFound)?;
        self.fail(attempt, &CREATE_FAILURES)?;
        self.fail(attempt, &CHANGE_FAILURES)?;
        self.directory.rename(from, to);
        self.collect();
        Ok(())
    }

    fn remove(&mut self, name: &str, cause: u64) -> Result<(), Errno> {
        self.directory.find(name).ok_or(Errno::NotFound)?;
        let attempt = self.attempt("remove", operation_of_name(name), cause);
        self.fail(attempt, &CHANGE_FAILURES)?;
        self.directory.remove(name);
        self.collect();
        Ok(())
    }

    /// A new file under a name, taking it from whatever had it.
    pub(super) fn add_file(&mut self, name: &str) -> InodeId {
        let id = self.new_inode(name);
        self.directory.add(name, id);
        id
    }

    fn new_inode(&mut self, name: &str) -> InodeId {
        let key = operation_of_name(name);
        let births = self.births.entry(key).or_default();
        *births += 1;
        let identity = operation(&[key, *births]);
        let id = InodeId(self.next_inode);
        self.next_inode += 1;
        self.inodes.insert(id, Inode::new(identity));
        id
    }

    /// Opens a file under a handle. As with the production driver, what the handle stood for is closed.
    fn open_as(&mut self, file: FileId, id: InodeId) -> DiskOutput {
        if self.open.insert(file, id).is_some() {
            self.collect();
        }
        DiskOutput::Opened { len_bytes: self.inodes[&id].live().len() as u64 }
    }

    pub(super) fn inode_of(&mut self, file: FileId) -> Option<&mut Inode> {
        self.inodes.get_mut(self.open.get(&file)?)
    }

    /// A try of an operation on `subject`. A disk on which nothing happens does not count them.
    fn attempt(&mut self, what: &str, subject: u64, cause: u64) -> Attempt {
        if self.is_quiet {
            return Attempt { operation: 0, occurrence: 0 };
        }
        self.count_attempt(what, subject, cause)
    }

    fn count_attempt(&mut self, what: &str, subject: u64, cause: u64) -> Attempt {
        let operation = operation(&[cause, operation_of_name(what), subject]);
        let tries = self.tries.entry(operation).or_default();
        *tries += 1;
        Attempt { operation, occurrence: *tries - 1 }
    }

    /// The first of these failures that happens.
    fn fail(&mut self, attempt: Attempt, failures: &[(FaultKind, Errno)]) -> Result<(), Errno> {
        if self.is_quiet {
            return Ok(());
        }
        for &(kind, errno) in failures {
            if self.faults.happens(kind, attempt.operation, attempt.occurrence) {
                return Err(errno);
            }
        }
        Ok(())
    }
}

const APPEND_FAILURES: [(FaultKind, Errno); 4] = [
    (FaultKind::Interrupted, Errno::Interrupted),
    (FaultKind::EioWrite, Errno::Io),
    (FaultKind::EnospcAppend, Errno::NoSpace),
    (FaultKind::ShortWrite, Errno::WritesNothing),
];
const CHANGE_FAILURES: [(FaultKind, Errno); 2] =
    [(FaultKind::Interrupted, Errno::Interrupted), (FaultKind::EioWrite, Errno::Io)];
const CREATE_FAILURES: [(FaultKind, Errno); 2] =
    [(FaultKind::Interrupted, Errno::Interrupted), (FaultKind::EnospcCreate, Errno::NoSpace)];
const SYNC_FAILURES: [(FaultKind, Errno); 2] =
    [(FaultKind::SyncError, Errno::Io), (FaultKind::EnospcSync, Errno::NoSpace)];

/// Why work fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Errno {
    NotFound,
    Exists,
    NotOpen,
    Interrupted,
    NoSpace,
    TooLarge,
    Io,
    WritesNothing,
    EndsEarly,
}

impl Errno {
    /// The error as the production driver tells it.
    fn failure(self, written_bytes: u64, buffer: Option<Vec<u8>>) -> DiskError {
        let (kind, message) = match self {
            Errno::NotFound => (io::ErrorKind::NotFound, "No such file or directory"),
            Errno::Exists => (io::ErrorKind::AlreadyExists, "File exists"),
            Errno::NotOpen => (io::ErrorKind::InvalidInput, "file is not open"),
            Errno::Interrupted => (io::ErrorKind::Interrupted, "Interrupted system call"),
            Errno::NoSpace => (io::ErrorKind::StorageFull, "No space left on device"),
            Errno::TooLarge => (io::ErrorKind::FileTooLarge, "File too large"),
            // Its kind has no name that could be written down.
            Errno::Io => (io::Error::from_raw_os_error(EIO).kind(), "Input/output error"),
            Errno::WritesNothing => (io::ErrorKind::WriteZero, "write zero"),
            Errno::EndsEarly => (io::ErrorKind::UnexpectedEof, "unexpected end of file"),
        };
        DiskError { kind, message: message.to_owned(), written_bytes, buffer }
    }
}

/// The number of an input/output error on Linux.
const EIO: i32 = 5;

/// A length that fits into memory, or the greatest that does.
fn bounded(len_bytes: u64) -> usize {
    usize::try_from(len_bytes).unwrap_or(usize::MAX)
}
