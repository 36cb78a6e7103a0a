//! Files in memory, with everything that goes wrong with files.
//!
//! The disk keeps two distinctions that a program forgets at its peril. Names are apart from *inodes*, the files
//! they lead to; and the *live* state, which every process sees, is apart from the *durable* one, which a power
//! loss leaves. A disk without faults does all it is asked, and a power loss then leaves the durable state and
//! nothing else. Each fault adds one way to differ from that; which ones happen is for [`Faults`] to say.
//!
//! # The fault model
//!
//! 1. A write changes the live image. What it touches is dirty by pages of 4 KiB, and reaches the medium by
//!    sectors of 512 bytes.
//! 2. A power loss finds each dirty page old; with `write-back` new; with `torn-page` new in some sectors; with
//!    `torn-sector` there is garbage in sectors that hold nothing promised by a sync.
//! 3. A file's length is separate from its data. With `size-first` a power loss leaves any length between the
//!    smallest and the greatest since the last sync: too short for the pages that are there, or too long, with
//!    zeros where no page is.
//! 4. [`write_back`](Disk::write_back) makes dirty pages of any file durable in any order (`write-back`), and
//!    lengths (`size-first`).
//! 5. `Sync` makes data and length durable, and not the name.
//! 6. A name is created, changed or removed durably once its directory is synced. Until then a power loss undoes
//!    it; with `dir-prefix` the first few pending changes of a directory stay; with `dir-subset` any of them
//!    does, though none without the earlier changes of the same names. So is a directory's own name, in the one
//!    above it; without it, what is in the directory is gone.
//! 7. A rename is atomic, also between directories. It makes no data durable.
//! 8. A failed `Sync` (`sync-error`, `enospc-sync`) leaves its pages clean and their durable image old. It is
//!    told once; the next `Sync` succeeds, and does not bring them back. `evict` lets a process see what there
//!    is. A directory's failed sync loses nothing; its changes stay pending.
//! 9. A page that background write-back fails to write (`late-sync-error`) is lost likewise, and the next `Sync`
//!    of the file tells, whatever becomes of its other pages.
//! 10. Without space a write stops short and fails (`enospc-append`, or [`set_space_left`](Disk::set_space_left)),
//!     no name can be created (`enospc-create`), and written pages are lost at a sync (`enospc-sync`). Space
//!     comes back when files are cut or removed.
//! 11. A file that could not be read once (`eio-read`) never can be again. `bit-rot` flips a bit of the durable
//!     image for good: it shows after a power loss, or when the page leaves the cache, unless the page is
//!     written again.
//! 12. Anything may be interrupted (`interrupted`), a write may go out in part (`short-write`, `eio-write`), a
//!     read may end early (`short-read`).
//! 13. [`kill`](Disk::kill) keeps the live state, [`lose_power`](Disk::lose_power) applies rules 2 to 6. Either
//!     finds the work in flight not begun, done in part or done, lane by lane; and it may come again at any
//!     time.
//!     A process can be made to end at a piece of work of its own: before it is begun (`crash-before-disk`), within it
//!     (`crash-during-disk`) or when it is done and nobody has heard (`crash-after-disk`).
//! 14. An open file outlives its name, and follows it through a rename.
//!
//! What an operation's fate depends on is the seed, the operation's *cause* ([`set_cause`](Disk::set_cause)), the
//! file it is about, known by its first name, and how often the same was tried; not on work with other files.

mod crash;
mod directory;
mod inode;
mod perform;

pub use crash::Crash;
pub use inode::{PAGE_BYTES, SECTOR_BYTES};
pub use perform::SLOW_US_MAX;

use crate::fault::Faults;
use crash::EndOfWork;
use directory::{Directory, InodeId, canonical, directory_of};
use inode::Inode;
use perform::Queued;
use rotom_core::disk::{FileId, Lane};
use std::collections::{BTreeMap, VecDeque};

/// The longest a file can be.
pub const FILE_BYTES_MAX: u64 = 1 << 32;

/// A disk. Directories exist once they are made, or as soon as a name mentions them; relative names are those in the directory that the
/// server works in, and absolute ones are others.
#[derive(Debug)]
pub struct Disk {
    directory: Directory,
    inodes: BTreeMap<InodeId, Inode>,
    next_inode: u64,
    open: BTreeMap<FileId, InodeId>,
    lanes: [VecDeque<Queued>; Lane::ALL.len()],
    faults: Faults,
    /// Whether no fault can happen: what the fast path asks.
    is_quiet: bool,
    cause: u64,
    /// Where the process is to end, once it is to.
    end: Option<EndOfWork>,
    /// How often each operation was tried.
    tries: BTreeMap<u64, u64>,
    /// How many files each name has been given to.
    births: BTreeMap<u64, u64>,
    capacity_bytes: Option<u64>,
    used_bytes: u64,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk::new(Faults::none())
    }
}

impl Disk {
    /// An empty disk with these faults.
    #[must_use]
    pub fn new(faults: Faults) -> Disk {
        Disk {
            directory: Directory::default(),
            inodes: BTreeMap::new(),
            next_inode: 0,
            open: BTreeMap::new(),
            lanes: Default::default(),
            is_quiet: faults.is_quiet(),
            faults,
            cause: 0,
            end: None,
            tries: BTreeMap::new(),
            births: BTreeMap::new(),
            capacity_bytes: None,
            used_bytes: 0,
        }
    }

    /// Other faults from here on; their counts are the ones that go on.
    pub fn set_faults(&mut self, faults: Faults) {
        self.is_quiet = faults.is_quiet();
        self.faults = faults;
    }

    /// The faults, with the counts of what has happened.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Nothing more goes wrong, and there is space without limit. What has gone wrong stays so: a file that
    /// cannot be read, rot, lost pages, an error that nobody has been told of.
    pub fn heal(&mut self) {
        self.faults.heal();
        self.is_quiet = true;
        self.end = None;
        self.capacity_bytes = None;
    }

    /// What the runner is at: work asked for from here on depends on it. A runner that numbers the steps of its
    /// schedule can take steps out without changing what becomes of the others.
    pub fn set_cause(&mut self, cause: u64) {
        self.cause = cause;
    }

    /// Limits what can still be written; files that shrink or go give space back.
    pub fn set_space_left(&mut self, left_bytes: Option<u64>) {
        self.capacity_bytes = left_bytes.map(|left| self.used_bytes.saturating_add(left));
    }

    /// How much can still be written, if that is limited.
    #[must_use]
    pub fn space_left(&self) -> Option<u64> {
        self.capacity_bytes.map(|capacity| capacity.saturating_sub(self.used_bytes))
    }

    /// How many bytes all files have that have a name or are open.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.used_bytes
    }

    /// What a process reads under a name.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<&[u8]> {
        let id = self.directory.find(&canonical(name))?;
        self.inodes.get(&id).map(Inode::live)
    }

    /// What a power loss leaves under a name when nothing further happens to reach the medium.
    #[must_use]
    pub fn durable(&self, name: &str) -> Option<Vec<u8>> {
        let id = self.directory.find_durable(&canonical(name))?;
        self.inodes.get(&id).map(Inode::durable)
    }

    /// The names processes see, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directory.names()
    }

    /// The names a power loss leaves when nothing further reaches the medium, in order.
    pub fn durable_names(&self) -> impl Iterator<Item = &str> {
        self.directory.durable_names()
    }

    /// Takes a file away if it is there, durably, as an operator would before the server starts.
    pub fn put_away(&mut self, name: &str) {
        let name = canonical(name);
        if self.directory.find(&name).is_some() {
            self.directory.remove(&name);
        }
        self.directory.sync(directory_of(&name));
        self.collect();
    }

    /// Puts a new file there, durably, as an operator would before the server starts.
    pub fn write(&mut self, name: &str, data: &[u8]) {
        let name = canonical(name);
        let id = self.add_file(&name);
        if let Some(inode) = self.inodes.get_mut(&id) {
            inode.append(data);
            inode.write_all();
            inode.promise();
        }
        self.used_bytes += data.len() as u64;
        self.directory.sync(directory_of(&name));
        self.collect();
    }

    /// Frees files that no name leads to, now or after a power loss, and nobody has open. The space of files
    /// that are kept for a power loss alone counts as free: a file system short of it would settle its journal.
    fn collect(&mut self) {
        let mut seen = self.directory.live_inodes();
        seen.extend(self.open.values());
        let kept = self.directory.possible_inodes();
        self.inodes.retain(|id, _| seen.contains(id) || kept.contains(id));
        self.used_bytes = seen.iter().map(|id| self.inodes[id].live().len() as u64).sum();
    }
}
