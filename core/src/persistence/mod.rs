//! What makes data outlive the process: the append-only file, snapshots, and loading them.
//!
//! The engine is a set of state machines that ask for disk work and hear of its end; [`Core`] goes on serving in
//! between. Their order within a turn is the contract: a turn's effects are sealed into a batch, a rewrite that is
//! ready switches files exactly there, and only then is it decided which replies may be seen.

mod durability;
mod files;
mod held;
mod loading;
mod log;
mod reading;
mod reload;
mod rewrite;
mod save;
mod sequence;
mod snapshot_file;
#[cfg(test)]
mod tests;

pub use durability::{Durability, Exit, LoadingFigures, LogFigures, SaveFigures};
pub(crate) use held::{Held, Waiting};
pub use log::LOG_QUEUE_BYTES_MAX;
pub use reload::{ReloadSource, ReloadWish};

use crate::aof::Manifest;
use crate::config::FsyncPolicy;
use crate::core::Core;
use crate::dataset::Dataset;
use crate::disk::DiskCompletion;
use crate::error::CommandError;
use crate::net::NetEffect;
use crate::server::{LogLevel, Server};
use crate::time::Monotonic;
use files::Files;
use loading::Loading;
use log::{Health, LogWriter};
use reload::Reload;
use rewrite::{Rewrite, RewriteFigures};
use save::{Save, Saved};

/// Why writes are refused after a save that failed.
const UNSAVED: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. \
                       Commands that may modify the data set are disabled, because this instance is configured to report \
                       errors during writes if RDB snapshotting fails (stop-writes-on-bgsave-error option). Please check \
                       the Redis logs for details about the RDB error.";

/// The machines.
#[derive(Debug)]
pub(crate) struct Persistence {
    /// Whether the server keeps anything at all: it was told to [recover](Core::recover).
    is_durable: bool,
    /// Whether the last turn had something to do for it.
    had_work: bool,
    log: LogWriter,
    waiting: Waiting,
    loading: Option<Box<Loading>>,
    files: Files,
    manifest: Manifest,
    rewrite: Option<Rewrite>,
    rewrites: RewriteFigures,
    save: Save,
    reload: Option<Reload>,
    /// What the files have that are not written to any more.
    older_bytes: u64,
    /// Turns that ended with too much waiting for the disk.
    delayed: u64,
    /// What loading has cut off.
    cut_bytes: u64,
    /// Keys that loading has found in an RDB file, and those whose time was over.
    loaded_keys: (u64, u64),
}

impl Persistence {
    /// Nothing kept, and nothing under way.
    pub fn new(server: &Server) -> Persistence {
        Persistence {
            is_durable: false,
            had_work: false,
            log: LogWriter::default(),
            waiting: Waiting::default(),
            loading: None,
            files: Files::new(&server.config),
            manifest: Manifest::default(),
            rewrite: None,
            rewrites: RewriteFigures::default(),
            save: Save::new(server),
            reload: None,
            older_bytes: 0,
            delayed: 0,
            cut_bytes: 0,
            loaded_keys: (0, 0),
        }
    }

    /// Whether clients have to wait until data is loaded.
    #[inline]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// Whether the data are to stay as they are but for what is loaded.
    #[inline]
    pub fn rests(&self) -> bool {
        self.loading.is_some() || self.reload.is_some()
    }

    /// When there is something to do although nothing happens.
    pub fn next_deadline(&self, server: &Server) -> Monotonic {
        if !self.is_durable {
            return Monotonic::NEVER;
        }
        let wants_turn = self.loading.as_ref().is_some_and(|loading| loading.wants_turn())
            || self.rewrite.as_ref().is_some_and(|rewrite| rewrite.wants_turn(self.save.is_writing()))
            || self.save.wants_turn()
            || self.reload.is_none() && !server.durability.reloads.is_empty();
        if wants_turn {
            return Monotonic(0);
        }
        let is_loading = self.loading.as_ref().is_some_and(|loading| !loading.is_beginning());
        let rewrite = if is_loading || self.is_reloading() || self.rewrite.is_some() {
            Monotonic::NEVER
        } else {
            self.next_rewrite(server)
        };
        self.log.next_deadline(server.config.appendfsync).min(rewrite)
    }

    /// Whether there is anything to do or to show at the end of a turn.
    #[inline]
    fn has_work(&mut self, server: &Server, changes: u64) -> bool {
        let had_work = self.had_work;
        self.had_work = self.is_durable
            && (server.config.appendonly
                || server.durability.wants_rewrite
                || server.durability.exit.is_some()
                || server.durability.wants_save
                || !server.durability.save_askers.is_empty()
                || changes > 0 && !server.config.save.is_empty()
                || self.save.is_wanted()
                || self.log.is_on()
                || !server.durability.reloads.is_empty()
                || self.reload.is_some()
                || self.rewrite.is_some()
                || self.loading.is_some());
        self.had_work || had_work
    }

    /// All files together.
    fn current_bytes(&self) -> u64 {
        self.older_bytes + self.log.len_bytes()
    }

    /// Ends the log when the configuration wants none any more.
    fn follow_config(&mut self, server: &mut Server, dataset: &mut Dataset) {
        let wants_log = server.config.appendonly;
        if wants_log || !self.log.is_on() && self.rewrite.as_ref().is_none_or(|it| !it.brings_log()) {
            return;
        }
        if self.rewrite.is_some() {
            let ended = self.fail_rewrite(server, dataset, "the append only file was turned off");
            self.end_rewrite(server, ended);
        }
        server.log(LogLevel::Notice, "AOF was disabled");
        self.rewrites.is_scheduled = false;
        self.log.close(server);
        dataset.log.feed_file(false);
    }

    /// Leaves when all that is kept is durable, or cannot be made so.
    fn end_if_due(&mut self, server: &mut Server) {
        let Some(exit) = server.durability.exit else { return };
        if exit.saves {
            // Its end is heard of in `end_with_save`.
            if !self.save.is_wanted() {
                server.durability.wants_save = true;
            }
            return;
        }
        if self.log.is_on() && !self.log.is_durable() && *self.log.health() == Health::Good {
            self.log.hurry();
            return;
        }
        if let Health::WriteFailed(reason) | Health::Lost(reason) = self.log.health() {
            let text = format!("The append only file is not complete: {reason}. Leaving all the same.");
            server.log(LogLevel::Warning, text);
        }
        server.durability.exit = None;
        server.log(LogLevel::Warning, "rotom is now ready to exit, bye bye...");
        server.net(NetEffect::Exit(exit.status));
    }

    /// Shows what there is to be known.
    fn report(&mut self, server: &mut Server) {
        let refusal = match self.log.health() {
            Health::Good => None,
            _ if mutant!(Mutant::WriteAfterDiskError) => None,
            Health::WriteFailed(reason) | Health::Lost(reason) => {
                let text = format!("MISCONF Errors writing to the AOF file: {reason}");
                Some(CommandError::Text(text.into()))
            }
        };
        let is_unsaved = !self.save.last_is_ok
            && server.config.stop_writes_on_bgsave_error
            && !server.config.save.is_empty();
        let last_write_is_ok = refusal.is_none();
        let refusal = refusal.or_else(|| is_unsaved.then(|| CommandError::text_of(UNSAVED)));
        let is_backed_up = self.log.is_backed_up();
        let seen = &mut server.durability;
        // Whoever was held back may go on as soon as nothing speaks against it.
        let held_before = seen.is_beginning || seen.is_backed_up || seen.is_reloading;
        seen.is_reloading = self.reload.is_some() || !seen.reloads.is_empty();
        seen.is_beginning = self.loading.as_ref().is_some_and(|loading| loading.is_silent());
        let is_told = !seen.is_beginning && !seen.is_reloading;
        seen.loading = self.loading.as_ref().filter(|_| is_told).map(|loading| loading.figures());
        seen.is_backed_up = is_backed_up;
        seen.refusal = refusal;
        server.resume_postponed |=
            held_before && !(seen.is_beginning || seen.is_backed_up || seen.is_reloading);
        seen.is_calm = seen.loading.is_none()
            && !seen.is_beginning
            && !seen.is_reloading
            && !seen.is_backed_up
            && seen.exit.is_none()
            && seen.refusal.is_none();
        seen.save = SaveFigures {
            since: self.save.since(),
            is_scheduled: self.save.is_scheduled,
            last_at: self.save.last_at,
            last_is_ok: self.save.last_is_ok,
            last_seconds: self.save.last_seconds,
            count: self.save.count,
            loaded_keys: self.loaded_keys,
        };
        seen.log = LogFigures {
            is_on: self.log.is_on(),
            rewrite_since: self.rewrite.as_ref().map(|rewrite| rewrite.started),
            is_rewrite_scheduled: self.rewrites.is_scheduled,
            snapshot_keys: self.rewrite.as_ref().and_then(Rewrite::keys).or_else(|| self.save.keys()),
            rewrites: self.rewrites.count,
            rewrite_failures: self.rewrites.failures_in_a_row,
            last_rewrite_seconds: self.rewrites.last_seconds,
            last_rewrite_is_ok: self.rewrites.failures_in_a_row == 0,
            last_write_is_ok,
            current_bytes: self.current_bytes(),
            base_bytes: self.rewrites.base_bytes,
            buffer_bytes: self.log.backlog_bytes(),
            is_syncing: self.log.is_syncing(),
            delayed: self.delayed,
            cut_bytes: self.cut_bytes,
        };
    }
}

impl Core {
    /// What of the turn is to outlive the process is on its way, and what may be told is told.
    pub(crate) fn persist(&mut self) {
        if !self.persistence.has_work(&self.server, self.dataset.stats.changes) {
            return;
        }
        let Core { server, dataset, persistence, .. } = self;
        if !persistence.is_loading() {
            persistence.follow_config(server, dataset);
        }
        if mutant!(Mutant::SwitchedBeforeSealed) {
            persistence.step_rewrite(server, dataset);
        }
        if persistence.log.is_on() {
            let wall = server.config.aof_timestamp_enabled.then_some(server.now.wall);
            let has_checksum = server.config.aof_checksum;
            dataset.log.show_file(|effects| persistence.log.seal(effects, wall, has_checksum));
        }
        if !persistence.is_loading() && !persistence.is_reloading() {
            persistence.begin_rewrite_if_due(server);
        }
        persistence.step_rewrite(server, dataset);
        persistence.end_if_due(server);
        self.step_reload();
        let Core { server, dataset, persistence, .. } = self;
        if !persistence.is_loading() {
            let is_free = !persistence.is_rewrite_writing();
            persistence.begin_save_if_due(server, dataset, is_free);
        }
        persistence.step_save(server, dataset);
        self.step_loading();
        let Core { server, persistence, .. } = self;
        persistence.log.pump(server);
        persistence.delayed += u64::from(persistence.log.is_backed_up());
        persistence.report(server);
        if self.persistence.log.is_binding() && self.server.config.appendfsync == FsyncPolicy::Always {
            self.hold_replies();
            self.release_replies();
        } else {
            self.release_all_replies();
        }
    }

    /// Gives finished disk work to the machine that asked for it.
    pub(crate) fn advance_persistence(&mut self, completion: &mut Option<DiskCompletion>) {
        let Core { server, dataset, persistence, .. } = self;
        persistence.log.advance(server, completion);
        if let Some(ended) = persistence.advance_rewrite(server, dataset, completion) {
            persistence.end_rewrite(server, ended);
        }
        if let Some(saved) = persistence.advance_save(server, dataset, completion) {
            self.end_with_save(&saved);
        }
        self.advance_loading(completion);
    }

    /// Tells those who waited for a save how it has ended, and lets the server end if it was to.
    fn end_with_save(&mut self, saved: &Saved) {
        // What they have sent behind it may be run at once, and depends on how it has ended.
        let Core { server, persistence, .. } = self;
        persistence.report(server);
        for &conn in &saved.clients {
            self.answer(conn, if saved.is_ok { Ok(()) } else { Err("ERR".to_owned()) });
        }
        self.reload_saved(saved.is_ok);
        if let Some(exit) = self.server.durability.exit.as_mut().filter(|exit| exit.saves) {
            exit.saves = false;
            if !saved.is_ok && !exit.is_forced {
                let asker = exit.asker;
                self.server.durability.exit = None;
                self.server.log(LogLevel::Warning, "Error trying to save the DB, can't exit.");
                if let Some(conn) = asker {
                    self.answer(conn, Err("ERR Errors trying to SHUTDOWN. Check logs.".to_owned()));
                }
            }
        }
    }
}
