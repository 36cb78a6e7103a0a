//! `DEBUG RELOAD` and `DEBUG LOADAOF`: what is on disk takes the place of what is in memory, while everybody waits.

use super::Persistence;
use super::reading::Role;
use super::rewrite::Rewrite;
use crate::core::Core;
use crate::net::ConnId;
use crate::server::LogLevel;

/// What a client has asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReloadWish {
    /// Who is told when it is done.
    pub asker: ConnId,
    /// What is loaded.
    pub source: ReloadSource,
}

/// What is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReloadSource {
    /// The file of `dbfilename`.
    Dump {
        /// It is written first.
        saves: bool,
        /// What is in memory goes first.
        flushes: bool,
        /// Keys that are there already are replaced.
        merges: bool,
    },
    /// The append-only file.
    Log,
}

/// A wish that is being granted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reload {
    pub wish: ReloadWish,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Whatever is under way has to end first.
    Waiting,
    /// The file is written.
    Saving,
    /// It is complete.
    Saved,
    /// It is read.
    Loading,
}

impl Reload {
    /// Whether keys that are there already are replaced.
    pub fn merges(&self) -> bool {
        matches!(self.wish.source, ReloadSource::Dump { merges: true, .. })
    }
}

impl Core {
    /// Takes the next step, once what it waits for has ended.
    pub(super) fn step_reload(&mut self) {
        let Core { server, persistence, .. } = self;
        if persistence.reload.is_none()
            && let Some(wish) = server.durability.reloads.pop_front()
        {
            persistence.reload = Some(Reload { wish, stage: Stage::Waiting });
        }
        let is_idle = persistence.rewrite.is_none() && !persistence.save.is_wanted();
        let has_written = persistence.log.backlog_bytes() == 0;
        let Some(reload) = &mut persistence.reload else { return };
        match (reload.stage, reload.wish.source) {
            (Stage::Waiting, ReloadSource::Dump { saves: true, .. }) if is_idle => {
                reload.stage = Stage::Saving;
                server.durability.wants_save = true;
            }
            (Stage::Waiting, ReloadSource::Dump { saves: false, flushes, .. }) if is_idle => {
                self.begin_reload(flushes);
            }
            (Stage::Saved, ReloadSource::Dump { flushes, .. }) => self.begin_reload(flushes),
            (Stage::Waiting, ReloadSource::Log) if is_idle && has_written => self.begin_reload(true),
            _ => {}
        }
    }

    /// Forgets what is in memory, if that is wanted, and begins to load.
    fn begin_reload(&mut self, flushes: bool) {
        if flushes {
            // No command follows by which they would hear of it.
            self.dataset.log.watches.mention_all();
            self.dataset.settle_touched();
            for database in 0..self.dataset.database_count() {
                self.dataset.flush(database, true);
            }
        }
        let Some(reload) = &mut self.persistence.reload else { return };
        reload.stage = Stage::Loading;
        let role = (reload.wish.source != ReloadSource::Log).then_some(Role::Dump);
        self.begin_loading(role);
    }

    /// A save has ended: perhaps the one that was waited for.
    pub(super) fn reload_saved(&mut self, is_ok: bool) {
        let Some(reload) = self.persistence.reload.as_mut().filter(|it| it.stage == Stage::Saving) else {
            return;
        };
        reload.stage = Stage::Saved;
        if !is_ok {
            self.end_reload(Err("ERR".to_owned()));
        }
    }

    /// It has ended so.
    pub(super) fn end_reload(&mut self, outcome: Result<(), String>) {
        let Some(Reload { wish: ReloadWish { asker, source }, .. }) = self.persistence.reload.take() else {
            return;
        };
        if outcome.is_ok() {
            let from = if source == ReloadSource::Log { "DEBUG LOADAOF" } else { "DEBUG RELOAD" };
            self.server.log(LogLevel::Warning, format!("DB reloaded by {from}"));
        }
        self.answer(asker, outcome);
    }
}

impl Persistence {
    /// Whether a rewrite or a save of the server's own accord has to wait.
    pub(super) fn is_reloading(&self) -> bool {
        self.reload.is_some()
    }

    /// Whether an RDB file is loaded again.
    pub(super) fn is_reloading_dump(&self) -> bool {
        self.reload.is_some_and(|reload| reload.wish.source != ReloadSource::Log)
    }

    /// Whether the data are frozen for a rewrite.
    pub(super) fn is_rewrite_writing(&self) -> bool {
        self.rewrite.as_ref().is_some_and(Rewrite::is_writing)
    }
}
