//! What must hold when a server has started from what a crash has left of its files.
//!
//! * Its data are those after some prefix of the history, transactions whole.
//! * Nothing is missing that somebody may rely on: under `always` whatever any client has seen; under `everysec`, on a
//!   disk that works, what is older than a second and the time the disk takes; and whatever it had started with before.
//! * Without a log, its data are those at the instant of a save, and that of the last save that has ended well or a later
//!   one; but nothing whose time was over.
//! * It starts, unless the disk has lost or changed what was durable, or does not give it; and if data are damaged, it
//!   does not start with anything else.

use super::judge::{Judge, clock};
use super::outcome::Oracle;
use crate::model::Model;
use rotom_core::time::{Monotonic, Now};
use rotom_core::{Config, Core};
use std::time::Duration;

/// Under `everysec` the log is synced so often.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// What a server logs when it has started.
const READY: &str = "Ready to accept connections";

/// Pieces of disk work one after another until something that was executed is durable: the write before, its own, and
/// the sync before and its own, each with a turn of the server between.
const PIECES_OF_WORK: u64 = 6;

/// What the configuration promises of the time before a crash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Whatever anybody has seen is durable.
    Always,
    /// Whatever is older than a second is durable, if the disk does its work.
    EverySecond,
    /// Nothing.
    No,
}

impl Policy {
    /// What directives promise.
    pub fn of(directives: &[(String, Vec<String>)]) -> Policy {
        let words = directives.iter().rev().find(|(name, _)| name == "appendfsync").map(|(_, words)| words);
        match words.and_then(|words| words.first()).map(String::as_str) {
            Some("always") => Policy::Always,
            Some("no") => Policy::No,
            _ => Policy::EverySecond,
        }
    }
}

/// What has gone wrong with a disk until now, as far as a recovery depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Damage {
    /// What was durable has changed, or cannot be read.
    pub is_lossy: bool,
    /// Work has failed, or took longer than it should.
    pub is_late: bool,
    /// A server has started from what the system still had in memory after a sync had failed, and nothing was written
    /// anew since.
    pub is_doubtful: bool,
}

impl Judge<'_> {
    /// Of what the server has when it is started again, this much is durable whatever becomes of the rest: nobody can tell
    /// that from what the system merely had in memory, because a sync has failed before. Without a doubt, all that was
    /// promised is.
    pub fn doubt(&mut self, is_doubtful: bool, damage: Damage, now: Now) {
        if self.has_rewritten {
            self.sure = None;
        }
        if is_doubtful && self.sure.is_none() {
            let since = self.recovering.as_ref().map_or(now.monotonic, |recovering| recovering.since);
            self.sure = Some(self.required(since, damage));
        }
    }

    /// What the server has started with is durable, or it is not known whether it is.
    pub fn trust(&mut self, is_doubtful: bool) {
        if !is_doubtful {
            self.sure = None;
        }
    }

    /// The server has crashed, and starts from what is left.
    pub fn crashed(&mut self, config: &Config, now: Now) {
        self.note(now, None, || "the server is started again".to_owned());
        match Model::new(&self.settings.directives, clock(now)) {
            Ok(model) => self.model = model,
            Err(text) => self.fail(now, Oracle::Semantics, "configuration", text),
        }
        self.model.begin_loading();
        self.limit(config);
        let since = self.recovering.as_ref().map_or(now.monotonic, |recovering| recovering.since);
        (self.disk_has_failed, self.has_rewritten) = (false, false);
        self.snapshots.forget();
        self.forget_troubles();
        // What a recovery did that was itself cut off counts for nothing.
        self.recovering =
            Some(Recovering { since, effects: Vec::new(), is_ready: false, last_words: String::new() });
    }

    /// Whether the server says that it has started.
    pub fn has_started(&self) -> bool {
        self.recovering.as_ref().is_none_or(Recovering::is_ready)
    }

    /// The server has started, or has left.
    pub fn recovered(&mut self, core: &Core, config: &Config, damage: Damage, now: Now) {
        let Some(recovering) = self.recovering.take() else { return };
        if let Err((oracle, site, text)) = self.judge_recovery(&recovering, core, config, damage, now) {
            self.fail(now, oracle, site, text);
        }
    }

    /// The server has left instead of starting.
    pub fn refused_to_start(&mut self, damage: Damage, now: Now) {
        let last_words = self.recovering.take().map(|recovering| recovering.last_words).unwrap_or_default();
        self.note(now, None, || "the server does not start".to_owned());
        if !damage.is_lossy && !damage.is_doubtful {
            let text = format!("although the disk has kept what it promised: {last_words}");
            self.fail(now, Oracle::FailClosed, "refuses to start", text);
        }
    }

    fn judge_recovery(
        &mut self,
        recovering: &Recovering,
        core: &Core,
        config: &Config,
        damage: Damage,
        now: Now,
    ) -> Result<(), (Oracle, &'static str, String)> {
        let wrong = |text| (Oracle::Recovery, "recovered data", text);
        let history = self.history.as_ref().ok_or_else(|| wrong("there is no history".to_owned()))?;
        let required = self.required(recovering.since, damage);
        let digest = core.digest();
        let total = history.len();
        let mut found = history.prefixes_with(digest, required, config, now);
        if let Some(saves) = &self.saves {
            found.retain(|count| saves.units.contains(count));
        }
        if found.is_empty() {
            let Some(&count) = history.prefixes_with(digest, 0, config, now).last() else {
                let text =
                    format!("the data are those after no prefix of {total} units; {required} must be there");
                return Err(wrong(text));
            };
            let text = format!("{count} of {total} units are there, and {required} must be");
            return Err((Oracle::Durability, "lost", text));
        }
        let keys = core.keys();
        let count = history.nearest(&found, &keys).map_err(wrong)?;
        self.note(now, None, || format!("it has {count} of {total} units; {required} must be there"));
        // The units before it that made no difference may not have been loaded: they were about what has expired, and a
        // clock that goes back may show that.
        let sure = (required..count).rev().take_while(|it| found.binary_search(it).is_ok()).last();
        let span = (sure.unwrap_or(count), count);
        self.adopt(span, core, &keys, config, now).map_err(wrong)?;
        for (now, effects) in &recovering.effects {
            self.take_background(*now, effects);
        }
        Ok(())
    }

    /// How many units must have survived a crash at this time.
    fn required(&self, crash: Monotonic, damage: Damage) -> usize {
        let Some(history) = &self.history else { return 0 };
        if damage.is_lossy {
            return 0;
        }
        if let Some(saves) = &self.saves {
            return saves.required();
        }
        if damage.is_doubtful {
            return self.sure.unwrap_or(0);
        }
        let promised = match self.policy {
            Policy::Always => history.seen(),
            Policy::EverySecond if !damage.is_late => {
                let work = Duration::from_micros(PIECES_OF_WORK * self.settings.disk_us);
                let old_us = u64::try_from((SYNC_EVERY + work).as_micros()).unwrap_or(u64::MAX);
                crash.0.checked_sub(old_us).map_or(0, |time| history.executed_by(Monotonic(time)))
            }
            Policy::EverySecond | Policy::No => 0,
        };
        promised.max(history.loaded())
    }

    /// Goes on with the data after so many units: the others never were. So many of them are sure to be durable.
    fn adopt(
        &mut self,
        (sure, count): (usize, usize),
        core: &Core,
        keys: &[(usize, Vec<u8>)],
        config: &Config,
        now: Now,
    ) -> Result<(), String> {
        let Some(history) = &mut self.history else { return Ok(()) };
        history.rewind(count, sure)?;
        if let Some(saves) = &mut self.saves {
            saves.rewind(count);
        }
        history.leave_out(keys, now)?;
        // Signs of zeros are no part of what was promised: commands that are read again lose them where the large set
        // they lead to is a small one at first.
        let zeros = core.negative_zeros();
        self.loaded_moment = self.model.moment();
        self.model.end_loading(clock(now), history.data(), &zeros);
        self.follower = history.follower(config, now);
        Ok(())
    }
}

/// A recovery under way.
#[derive(Debug)]
pub(super) struct Recovering {
    /// When the crash was; the first one, if there were several.
    since: Monotonic,
    /// What the server did of its own accord since it was started.
    pub effects: Vec<(Now, Vec<u8>)>,
    is_ready: bool,
    /// What it logged last.
    last_words: String,
}

impl Recovering {
    /// Whether the server says that it has started.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// The server has logged something.
    pub fn hear(&mut self, line: &str) {
        self.is_ready |= line == READY;
        line.clone_into(&mut self.last_words);
    }
}
