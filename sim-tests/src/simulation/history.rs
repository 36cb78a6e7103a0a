//! [`History`]: what was executed, as far as it changed data, and how much of it somebody may rely on.
//!
//! A server that starts from what a crash has left has the data after the first so many *units* of the history. A unit
//! is what an execution did, a transaction as a whole; or a key that was removed because its time was over.

use super::follower::Follower;
use crate::model::{Rebuilt, Seen};
use rotom_core::Config;
use rotom_core::time::{Monotonic, Now};

/// One unit.
#[derive(Clone, Debug)]
struct Unit {
    now: Now,
    /// Which of the model's executions it is part of.
    moment: u64,
    effects: Vec<u8>,
}

impl Unit {
    /// The time at which another server does the same, later: the calendar is as it was.
    fn at(&self, now: Now) -> Now {
        Now { wall: self.now.wall, ..now }
    }
}

/// What was executed.
#[derive(Clone, Debug)]
pub(super) struct History {
    units: Vec<Unit>,
    data: Rebuilt,
    /// So many units somebody has seen the outcome of.
    seen: usize,
    /// So many units the server has already started with.
    loaded: usize,
}

impl History {
    /// Nothing was executed, in a server with these directives.
    pub fn new(directives: &[(String, Vec<String>)]) -> Result<History, String> {
        Ok(History { units: Vec::new(), data: Rebuilt::new(directives)?, seen: 0, loaded: 0 })
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// The data after all units.
    pub fn data(&self) -> &Rebuilt {
        &self.data
    }

    /// Adds what an execution did, or what the server did of its own accord.
    pub fn add(&mut self, now: Now, moment: u64, effects: &[u8]) -> Result<(), String> {
        for effects in self.data.cut(effects, now.wall.millis())? {
            self.data.apply(&effects)?;
            self.units.push(Unit { now, moment, effects });
        }
        Ok(())
    }

    /// Somebody has seen what an execution came to, who relies on it, and on all before it, if it changed data or told
    /// of them.
    pub fn see(&mut self, Seen { moment, tells_of_data }: Seen) {
        let count = self.units.partition_point(|unit| unit.moment <= moment);
        let is_own = count > 0 && self.units[count - 1].moment == moment;
        if is_own || tells_of_data {
            self.seen = self.seen.max(count);
        }
    }

    /// The effects of each unit.
    #[cfg(test)]
    pub fn effects(&self) -> impl Iterator<Item = &[u8]> {
        self.units.iter().map(|unit| unit.effects.as_slice())
    }

    /// Somebody relies on so many units.
    #[cfg(test)]
    pub fn rely_on(&mut self, count: usize) {
        self.seen = count;
    }

    /// How many units somebody has seen the outcome of.
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// How many units the server has already started with.
    pub fn loaded(&self) -> usize {
        self.loaded
    }

    /// How many units had been executed at a time.
    pub fn executed_by(&self, time: Monotonic) -> usize {
        self.units.partition_point(|unit| unit.now.monotonic <= time)
    }

    /// After how many units the data had this digest, as it is at this time: none, or some in order, counted from
    /// `from`. Keys past their expiry count for nothing.
    pub fn prefixes_with(&self, digest: u64, from: usize, config: &Config, now: Now) -> Vec<usize> {
        let mut follower = Follower::new(config, now);
        let mut found = Vec::new();
        for count in 0..=self.units.len() {
            if count > 0 {
                let unit = &self.units[count - 1];
                follower.follow(unit.at(now), &unit.effects);
            }
            if count >= from && follower.digest(now) == digest {
                found.push(count);
            }
        }
        found
    }

    /// The data after so many units.
    pub fn data_after(&self, count: usize) -> Result<Rebuilt, String> {
        let mut data = self.data.emptied();
        self.units[..count].iter().try_for_each(|unit| data.apply(&unit.effects))?;
        Ok(data)
    }

    /// Which of some numbers of units, after which the data are the same but for keys past their expiry, leads nearest
    /// to these keys; the greatest of those that do.
    pub fn nearest(&self, counts: &[usize], keys: &[(usize, Vec<u8>)]) -> Result<usize, String> {
        let mut data = self.data.emptied();
        let mut nearest = (usize::MAX, 0);
        for count in 0..=self.units.len() {
            if count > 0 {
                data.apply(&self.units[count - 1].effects)?;
            }
            if counts.binary_search(&count).is_ok() {
                let (common, others) = data.common(keys);
                let distance = keys.len() - common + others;
                if distance <= nearest.0 {
                    nearest = (distance, count);
                }
            }
        }
        Ok(nearest.1)
    }

    /// Leaves out keys past their expiry that are not there. Whether they were not loaded or have been removed since is not
    /// known; in the latter case that is not durable yet, and a clock that goes back may bring them back after a crash.
    pub fn leave_out(&mut self, keys: &[(usize, Vec<u8>)], now: Now) -> Result<(), String> {
        let effects = self.data.removals_to(keys);
        if effects.is_empty() {
            return Ok(());
        }
        self.data.apply(&effects)?;
        self.units.push(Unit { now, moment: 0, effects });
        Ok(())
    }

    /// A server that has done all units.
    pub fn follower(&self, config: &Config, now: Now) -> Follower {
        let mut follower = Follower::new(config, now);
        self.units.iter().for_each(|unit| follower.follow(unit.at(now), &unit.effects));
        follower
    }

    /// The server was started with so many units: the others never were. The first `sure` of them are durable.
    pub fn rewind(&mut self, count: usize, sure: usize) -> Result<(), String> {
        self.data = self.data_after(count)?;
        self.units.truncate(count);
        // The model counts executions anew.
        self.units.iter_mut().for_each(|unit| unit.moment = 0);
        (self.seen, self.loaded) = (sure, sure);
        Ok(())
    }
}
