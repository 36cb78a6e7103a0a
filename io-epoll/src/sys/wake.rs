//! An eventfd: how other threads and signal handlers end the loop's sleep.

use super::check;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Ends a wait on the epoll instance that watches it.
///
/// It is watched for edges and never read: every write is a new edge, and the counter behind it does not
/// overflow in the lifetime of a process that adds one at a time.
#[derive(Debug)]
pub(crate) struct Wake {
    file: File,
}

impl Wake {
    /// A new one.
    pub fn new() -> io::Result<Wake> {
        // SAFETY: the call takes no pointers.
        let raw = check(unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) })?;
        // SAFETY: the descriptor is new and nobody else's.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(Wake { file: File::from(descriptor) })
    }

    /// Ends the wait, or the next one if nobody waits.
    pub fn wake(&self) {
        // It can only fail when the counter is full, and then there is an edge already.
        let _ = (&self.file).write(&1_u64.to_ne_bytes());
    }

    /// The descriptor, for a signal handler.
    pub fn descriptor(&self) -> RawFd {
        self.file.as_raw_fd()
    }
}

impl AsFd for Wake {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}
