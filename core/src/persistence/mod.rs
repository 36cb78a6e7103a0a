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
mod rewrite;
mod sequence;
mod snapshot_file;
#[cfg(test)]
mod tests;

pub use durability::{Durability, LoadingFigures, LogFigures};
pub(crate) use held::{Held, Waiting};
pub use log::LOG_QUEUE_BYTES_MAX;

use crate::aof::Manifest;
use crate::config::{Config, FsyncPolicy};
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
use rewrite::{Rewrite, RewriteFigures};

/// The machines.
#[derive(Debug)]
pub(crate) struct Persistence {
    /// Whether the server keeps anything at all: it was told to [recover](Core::recover).
    is_durable: bool,
    log: LogWriter,
    waiting: Waiting,
    loading: Option<Box<Loading>>,
    files: Files,
    manifest: Manifest,
    rewrite: Option<Rewrite>,
    rewrites: RewriteFigures,
    /// What the files have that are not written to any more.
    older_bytes: u64,
    /// Turns that ended with too much waiting for the disk.
    delayed: u64,
    /// What loading has cut off.
    cut_bytes: u64,
}

impl Persistence {
    /// Nothing kept, and nothing under way.
    pub fn new(config: &Config) -> Persistence {
        Persistence {
            is_durable: false,
            log: LogWriter::default(),
            waiting: Waiting::default(),
            loading: None,
            files: Files::new(config),
            manifest: Manifest::default(),
            rewrite: None,
            rewrites: RewriteFigures::default(),
            older_bytes: 0,
            delayed: 0,
            cut_bytes: 0,
        }
    }

    /// Whether clients have to wait until data is loaded.
    #[inline]
    pub fn is_loading(&self) -> bool {
        self.loading.is_some()
    }

    /// When there is something to do although nothing happens.
    pub fn next_deadline(&self, server: &Server) -> Monotonic {
        if !self.is_durable {
            return Monotonic::NEVER;
        }
        let wants_turn = self.loading.as_ref().is_some_and(|loading| loading.wants_turn())
            || self.rewrite.as_ref().is_some_and(Rewrite::wants_turn);
        if wants_turn {
            return Monotonic(0);
        }
        let is_loading = self.loading.as_ref().is_some_and(|loading| !loading.is_beginning());
        let rewrite =
            if is_loading || self.rewrite.is_some() { Monotonic::NEVER } else { self.next_rewrite(server) };
        self.log.next_deadline(server.config.appendfsync).min(rewrite)
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
        let Some(status) = server.durability.exit_status else { return };
        if self.log.is_on() && !self.log.is_durable() && *self.log.health() == Health::Good {
            self.log.hurry();
            return;
        }
        if let Health::WriteFailed(reason) | Health::Lost(reason) = self.log.health() {
            let text = format!("The append only file is not complete: {reason}. Leaving all the same.");
            server.log(LogLevel::Warning, text);
        }
        server.durability.exit_status = None;
        server.log(LogLevel::Warning, "rotom is now ready to exit, bye bye...");
        server.net(NetEffect::Exit(status));
    }

    /// Shows what there is to be known.
    fn report(&mut self, server: &mut Server) {
        let refusal = match self.log.health() {
            Health::Good => None,
            Health::WriteFailed(reason) | Health::Lost(reason) => {
                let text = format!("MISCONF Errors writing to the AOF file: {reason}");
                Some(CommandError::Text(text.into()))
            }
        };
        let is_backed_up = self.log.is_backed_up();
        self.delayed += u64::from(is_backed_up);
        let seen = &mut server.durability;
        // Whoever was held back may go on as soon as nothing speaks against it.
        let held_before = seen.is_beginning || seen.is_backed_up;
        seen.is_beginning = self.loading.as_ref().is_some_and(|loading| loading.is_beginning());
        seen.loading = self.loading.as_ref().filter(|_| !seen.is_beginning).map(|loading| loading.figures());
        seen.is_backed_up = is_backed_up;
        seen.refusal = refusal;
        server.resume_postponed |= held_before && !(seen.is_beginning || seen.is_backed_up);
        seen.is_calm = seen.loading.is_none()
            && !seen.is_beginning
            && !seen.is_backed_up
            && seen.exit_status.is_none()
            && seen.refusal.is_none();
        seen.log = LogFigures {
            is_on: self.log.is_on(),
            rewrite_since: self.rewrite.as_ref().map(|rewrite| rewrite.started),
            is_rewrite_scheduled: self.rewrites.is_scheduled,
            snapshot_keys: self.rewrite.as_ref().and_then(Rewrite::keys),
            rewrites: self.rewrites.count,
            rewrite_failures: self.rewrites.failures_in_a_row,
            last_rewrite_seconds: self.rewrites.last_seconds,
            last_rewrite_is_ok: self.rewrites.failures_in_a_row == 0,
            last_write_is_ok: seen.refusal.is_none(),
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
        if !self.persistence.is_durable {
            return;
        }
        let Core { server, dataset, persistence, .. } = self;
        if !persistence.is_loading() {
            persistence.follow_config(server, dataset);
        }
        if persistence.log.is_on() {
            let wall = server.config.aof_timestamp_enabled.then_some(server.now.wall);
            let has_checksum = server.config.aof_checksum;
            dataset.log.show_file(|effects| persistence.log.seal(effects, wall, has_checksum));
        }
        if !persistence.is_loading() {
            persistence.begin_rewrite_if_due(server);
        }
        persistence.step_rewrite(server, dataset);
        self.step_loading();
        let Core { server, persistence, .. } = self;
        persistence.end_if_due(server);
        persistence.log.pump(server);
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
        self.advance_loading(completion);
    }
}
