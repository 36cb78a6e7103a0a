//! What the tests of the disk share.

use rotom_core::disk::{DiskError, DiskId, DiskKind, DiskOp, DiskOutput, FileId, Lane};
use rotom_io_sim::disk::Disk;
use rotom_io_sim::fault::{FaultKind, Faults};
use std::io::ErrorKind;

/// Half of the times something could happen.
pub const HALF: u32 = 500_000;

pub const FILE: FileId = FileId(1);

/// A disk on which these faults happen at these rates.
pub fn disk(seed: u64, rates: &[(FaultKind, u32)]) -> Disk {
    Disk::new(faults(seed, rates))
}

pub fn faults(seed: u64, rates: &[(FaultKind, u32)]) -> Faults {
    let mut faults = Faults::new(seed);
    for &(kind, per_million) in rates {
        faults.set_rate(kind, per_million);
    }
    faults
}

pub fn op(kind: DiskKind) -> DiskOp {
    DiskOp { id: DiskId(7), lane: Lane::Log, kind }
}

/// Carries out one piece of work.
pub fn run(disk: &mut Disk, kind: DiskKind) -> Result<DiskOutput, DiskError> {
    let completion = disk.perform(op(kind));
    assert_eq!(completion.id, DiskId(7));
    completion.outcome
}

/// Carries out work that has to succeed.
pub fn done(disk: &mut Disk, kinds: impl IntoIterator<Item = DiskKind>) {
    for kind in kinds {
        let text = format!("{kind:?}");
        run(disk, kind).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    }
}

/// How work fails that has to.
pub fn failure(disk: &mut Disk, kind: DiskKind) -> DiskError {
    run(disk, kind).expect_err("the work should fail")
}

/// The kind that an input/output error has.
pub fn io_error() -> ErrorKind {
    std::io::Error::from_raw_os_error(5).kind()
}

pub fn create(file: FileId, name: &str) -> DiskKind {
    DiskKind::Create { file, name: name.into(), mode: 0o644 }
}

pub fn open(file: FileId, name: &str) -> DiskKind {
    DiskKind::OpenAppend { file, name: name.into() }
}

pub fn append(file: FileId, data: &[u8]) -> DiskKind {
    DiskKind::Append { file, data: data.into() }
}

pub fn sync(file: FileId) -> DiskKind {
    DiskKind::Sync { file }
}

pub fn truncate(file: FileId, len_bytes: usize) -> DiskKind {
    DiskKind::Truncate { file, len_bytes: len_bytes as u64 }
}

pub fn close(file: FileId) -> DiskKind {
    DiskKind::Close { file }
}

pub fn rename(from: &str, to: &str) -> DiskKind {
    DiskKind::Rename { from: from.into(), to: to.into() }
}

pub fn remove(name: &str) -> DiskKind {
    DiskKind::Remove { name: name.into() }
}

pub fn sync_dir(name: &str) -> DiskKind {
    DiskKind::SyncDir { name: name.into() }
}

pub fn read_file(name: &str) -> DiskKind {
    DiskKind::ReadFile { name: name.into(), len_bytes_max: 1 << 30 }
}
