//! A directory of its own for every server, gone when the test is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

static NEXT: AtomicU32 = AtomicU32::new(0);

/// A new, empty directory that is removed on drop.
#[derive(Debug)]
pub struct TempDirectory {
    path: PathBuf,
    is_lent: bool,
}

impl TempDirectory {
    /// Creates one below the system's temporary directory. Its path is short: a Unix socket's must be.
    pub fn new() -> io::Result<TempDirectory> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("rotom-{}-{number}", std::process::id()));
        fs::create_dir(&path)?;
        Ok(TempDirectory { path, is_lent: false })
    }

    /// One that is there already, and that somebody else removes.
    pub fn lent(path: PathBuf) -> TempDirectory {
        TempDirectory { path, is_lent: true }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for TempDirectory {
    fn drop(&mut self) {
        if self.is_lent {
            return;
        }
        // What cannot be removed is litter in a temporary directory, no reason to fail.
        let _ = fs::remove_dir_all(&self.path);
    }
}
