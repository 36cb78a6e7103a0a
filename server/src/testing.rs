//! What several unit tests need.

use std::path::{Path, PathBuf};
use std::{env, fs, process};

/// A directory that is removed with its guard.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// Makes a directory that no other test of this binary uses, if they give other names.
    pub(crate) fn new(name: &str) -> Directory {
        let path = env::temp_dir().join(format!("rotom-{}-{name}", process::id()));
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}
