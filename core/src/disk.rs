//! Disk work as data. The core asks for it with [`Core::poll_disk`](crate::Core::poll_disk) and hears of its
//! end through [`Core::handle_disk`](crate::Core::handle_disk); between the two it goes on serving.
//!
//! Work on one [`Lane`] is done in the order it was asked for; lanes run beside each other. Buffers travel with
//! the work and come back with the completion, so that the core can use them again. Names are relative to the
//! directory the server works in, unless they start with `/`.

use std::io;

/// A queue of disk work. FIFO within, concurrent across.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lane {
    /// The append-only log: what replies wait for.
    Log,
    /// Snapshots and rewrites: large, and never in anybody's way.
    Snapshot,
    /// Small files: the configuration.
    Control,
}

impl Lane {
    /// Every lane there is.
    pub const ALL: [Lane; 3] = [Lane::Log, Lane::Snapshot, Lane::Control];
}

/// Names one piece of disk work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DiskId(pub u64);

/// Names an open file between the core and the driver. The core chooses the number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// One piece of disk work.
#[derive(Debug)]
pub struct DiskOp {
    /// Comes back with the completion.
    pub id: DiskId,
    /// The queue it belongs to.
    pub lane: Lane,
    /// What to do.
    pub kind: DiskKind,
}

/// What to do on disk.
#[derive(Debug)]
pub enum DiskKind {
    /// Create `name` for writing, empty, with these permission bits; fails if it exists.
    Create {
        /// The handle later work uses.
        file: FileId,
        /// The file's name.
        name: String,
        /// Permission bits, as in `0o644`.
        mode: u32,
    },
    /// Open `name` for appending, creating it if it is missing. Tells its length.
    OpenAppend {
        /// The handle later work uses.
        file: FileId,
        /// The file's name.
        name: String,
    },
    /// Open `name` for reading. Tells its length.
    OpenRead {
        /// The handle later work uses.
        file: FileId,
        /// The file's name.
        name: String,
    },
    /// Read a piece of a file; it is shorter than asked for only where the file ends.
    ReadAt {
        /// Where from.
        file: FileId,
        /// Where it begins.
        offset_bytes: u64,
        /// Its length.
        len_bytes: usize,
    },
    /// Append the whole buffer. A short write is an error that says how much went out.
    Append {
        /// Where to.
        file: FileId,
        /// What. Comes back, whatever happened.
        data: Vec<u8>,
    },
    /// Make the file's data and size durable (`fdatasync`).
    Sync {
        /// Which.
        file: FileId,
    },
    /// Cut the file to this many bytes.
    Truncate {
        /// Which.
        file: FileId,
        /// To how many bytes.
        len_bytes: u64,
    },
    /// Close the file.
    Close {
        /// Which.
        file: FileId,
    },
    /// Read a whole file of at most `len_bytes_max` bytes.
    ReadFile {
        /// The file's name.
        name: String,
        /// Larger files are an error.
        len_bytes_max: u64,
    },
    /// Rename, replacing what stands at `to`.
    Rename {
        /// The old name.
        from: String,
        /// The new name.
        to: String,
    },
    /// Remove a name.
    Remove {
        /// The file's name.
        name: String,
    },
    /// Make a directory, with these permission bits; fails if the name is taken.
    CreateDir {
        /// The directory's name.
        name: String,
        /// Permission bits, as in `0o755`.
        mode: u32,
    },
    /// List the files in a directory.
    List {
        /// The directory's name.
        name: String,
    },
    /// Make the names in a directory durable (`fsync` on it).
    SyncDir {
        /// The directory's name.
        name: String,
    },
}

/// How a piece of disk work ended.
#[derive(Debug)]
pub struct DiskCompletion {
    /// Of which work.
    pub id: DiskId,
    /// Its outcome.
    pub outcome: Result<DiskOutput, DiskError>,
}

/// What successful disk work gives back.
#[derive(Debug, PartialEq, Eq)]
pub enum DiskOutput {
    /// Nothing beyond having been done.
    Done,
    /// The buffer of an `Append`, or what a `ReadFile` or `ReadAt` has read.
    Buffer(Vec<u8>),
    /// A file was opened that has so many bytes.
    Opened {
        /// Its length.
        len_bytes: u64,
    },
    /// The names of the files in a directory, directories left out, in order.
    Names(Vec<String>),
}

/// Why disk work failed.
#[derive(Debug, PartialEq, Eq)]
pub struct DiskError {
    /// The kind of failure.
    pub kind: io::ErrorKind,
    /// The system's words, as `strerror` gives them: `No space left on device`.
    pub message: String,
    /// How many bytes of an `Append` went out before it failed.
    pub written_bytes: u64,
    /// The buffer of an `Append`.
    pub buffer: Option<Vec<u8>>,
}
