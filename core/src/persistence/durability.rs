//! What everybody else sees of persistence, and what commands ask of it.
//!
//! Commands do not know the machines. They read what is here, which is as it was at the end of the last turn, and
//! leave wishes, which are granted at the end of this one.

use super::reload::ReloadWish;
use crate::error::CommandError;
use crate::net::ConnId;
use crate::time::{Monotonic, Now};
use std::collections::VecDeque;

/// What is known of persistence outside of it.
#[derive(Debug)]
pub struct Durability {
    /// Nothing here keeps any command from running.
    pub is_calm: bool,
    /// Data is being loaded, so that most commands are refused.
    pub loading: Option<LoadingFigures>,
    /// The log is being made, so that commands wait.
    pub is_beginning: bool,
    /// What is on disk is loaded again, so that whatever command waits.
    pub is_reloading: bool,
    /// So much waits for the disk that commands that write have to wait.
    pub is_backed_up: bool,
    /// Why commands that write are refused.
    pub refusal: Option<CommandError>,
    /// Whether the server keeps anything at all.
    pub is_kept: bool,
    /// The server ends as soon as what it keeps is durable.
    pub exit: Option<Exit>,
    /// A client has asked for a save.
    pub wants_save: bool,
    /// Clients that wait for a save.
    pub(crate) save_askers: Vec<ConnId>,
    /// Clients have asked for what is on disk to be loaded again.
    pub reloads: VecDeque<ReloadWish>,
    /// RDB files.
    pub save: SaveFigures,
    /// A client has asked for a rewrite.
    pub wants_rewrite: bool,
    /// The append-only file.
    pub log: LogFigures,
}

/// How the server is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// With this status.
    pub status: i32,
    /// Not before the data are in an RDB file.
    pub saves: bool,
    /// Even if that fails.
    pub is_forced: bool,
    /// Who is told if it fails.
    pub asker: Option<ConnId>,
}

/// RDB files in figures.
#[derive(Clone, Copy, Debug)]
pub struct SaveFigures {
    /// One is being written since then.
    pub since: Option<Monotonic>,
    /// One begins when what is under way has ended.
    pub is_scheduled: bool,
    /// When the last one ended well, in seconds since 1970.
    pub last_at: u64,
    /// Whether the last one did.
    pub last_is_ok: bool,
    /// How long it took.
    pub last_seconds: Option<u64>,
    /// How many have ended well.
    pub count: u64,
    /// Keys that were loaded from a file at the start, and those whose time was over.
    pub loaded_keys: (u64, u64),
}

impl Default for SaveFigures {
    fn default() -> SaveFigures {
        SaveFigures {
            since: None,
            is_scheduled: false,
            last_at: 0,
            last_is_ok: true,
            last_seconds: None,
            count: 0,
            loaded_keys: (0, 0),
        }
    }
}

/// How far loading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadingFigures {
    /// When it began.
    pub started: Monotonic,
    /// In seconds since 1970.
    pub started_at: u64,
    /// Of the files that were opened so far, in bytes.
    pub total_bytes: u64,
    /// Read so far.
    pub loaded_bytes: u64,
}

/// The append-only file in figures.
#[derive(Clone, Debug)]
pub struct LogFigures {
    /// Whether there is one.
    pub is_on: bool,
    /// A rewrite is under way since then.
    pub rewrite_since: Option<Monotonic>,
    /// A rewrite begins when what is under way has ended.
    pub is_rewrite_scheduled: bool,
    /// Keys of the snapshot under way that were written, and all.
    pub snapshot_keys: Option<(usize, usize)>,
    /// Rewrites that were begun.
    pub rewrites: u64,
    /// How many of the last ones have failed, without one in between that has not.
    pub rewrite_failures: u64,
    /// How long the last one took.
    pub last_rewrite_seconds: Option<u64>,
    /// Whether it ended well.
    pub last_rewrite_is_ok: bool,
    /// Whether the last write did.
    pub last_write_is_ok: bool,
    /// All files together, in bytes.
    pub current_bytes: u64,
    /// The same after the last rewrite.
    pub base_bytes: u64,
    /// What was not written yet.
    pub buffer_bytes: usize,
    /// Whether a sync is under way.
    pub is_syncing: bool,
    /// Turns that ended with so much waiting for the disk that clients had to.
    pub delayed: u64,
    /// What was cut off the end of the log when it was loaded.
    pub cut_bytes: u64,
}

impl Durability {
    /// Of a server that starts now.
    #[must_use]
    pub fn new(now: Now) -> Durability {
        Durability {
            is_calm: true,
            loading: None,
            is_beginning: false,
            is_reloading: false,
            is_backed_up: false,
            refusal: None,
            is_kept: false,
            exit: None,
            wants_save: false,
            save_askers: Vec::new(),
            reloads: VecDeque::new(),
            save: SaveFigures { last_at: now.wall.seconds(), ..SaveFigures::default() },
            wants_rewrite: false,
            log: LogFigures::default(),
        }
    }

    /// A client wants what is on disk to be loaded again. Whatever command comes next waits until that is done.
    pub fn ask_for_reload(&mut self, wish: ReloadWish) {
        self.reloads.push_back(wish);
        (self.is_reloading, self.is_calm) = (true, false);
    }
}

impl Default for LogFigures {
    fn default() -> LogFigures {
        LogFigures {
            is_on: false,
            rewrite_since: None,
            is_rewrite_scheduled: false,
            snapshot_keys: None,
            rewrites: 0,
            rewrite_failures: 0,
            last_rewrite_seconds: None,
            last_rewrite_is_ok: true,
            last_write_is_ok: true,
            current_bytes: 0,
            base_bytes: 0,
            buffer_bytes: 0,
            is_syncing: false,
            delayed: 0,
            cut_bytes: 0,
        }
    }
}
