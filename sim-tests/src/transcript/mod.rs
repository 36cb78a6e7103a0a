//! Transcripts: what clients say and what Redis answers, as text a person can read and edit.
//!
//! `corpus/README.md` describes the format for whoever writes one. Here it is read ([`parse`]), played against
//! a server behind [`Stage`](play::Stage) ([`play`], [`replay`]), and written from a real Redis ([`record`]).

pub mod expect;
pub mod parse;
pub mod play;
pub mod record;
pub mod replay;
pub mod text;

use std::path::{Path, PathBuf};

/// The directory of all transcripts.
#[must_use]
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/transcripts")
}

/// Every transcript below `path`, or `path` itself when it is a file; in the order of their names.
///
/// # Panics
/// When a directory cannot be read.
#[must_use]
pub fn files(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = std::fs::read_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut entries: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    let mut found = Vec::new();
    for entry in entries {
        if entry.is_dir() {
            found.extend(files(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "resp") {
            found.push(entry);
        }
    }
    found
}
