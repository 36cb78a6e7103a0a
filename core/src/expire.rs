//! Removing keys whose time has come, of the server's own accord.
//!
//! Redis samples keys at random and stops when a quarter of its time is used. The keyspace here knows each
//! segment's earliest expiry, so a pass walks segments in order, skips those with nothing due, and removes
//! exactly what is due. The core reads no clock, so the bound on time is a bound on work: each tick of the
//! server's `hz` earns credit, and each turn spends at most a slice of it.

use crate::dataset::Dataset;
use crate::stats::Stats;

/// Entries looked at per second at effort 1: about a quarter of a core, as Redis' 25 percent.
pub const ENTRIES_PER_SECOND: usize = 1_500_000;

/// Further entries per second for each step of `active-expire-effort`.
pub const ENTRIES_PER_SECOND_PER_EFFORT: usize = 200_000;

/// Entries looked at in one turn, at most: well below a millisecond.
pub const ENTRIES_PER_TURN: usize = 2_000;

/// Segments looked at in one turn, at most.
pub const SEGMENTS_PER_TURN: usize = 1_024;

/// Segments looked at between two ticks, at most.
pub const SEGMENTS_PER_TICK: usize = 8_192;

/// Where the walk stands, and what it may still spend before the next tick.
#[derive(Debug, Default)]
pub(crate) struct ActiveExpire {
    database: usize,
    cursor: u64,
    entries_credit: usize,
    segments_credit: usize,
    /// Databases that have been passed since the last tick.
    databases_passed: usize,
}

impl ActiveExpire {
    /// Earns what may be spent until the next tick.
    pub fn earn(&mut self, hz: u32, effort: u32) {
        let extra = effort.saturating_sub(1) as usize * ENTRIES_PER_SECOND_PER_EFFORT;
        self.entries_credit = (ENTRIES_PER_SECOND + extra) / hz.max(1) as usize;
        self.segments_credit = SEGMENTS_PER_TICK;
        self.databases_passed = 0;
    }

    /// Whether there is work that may still be done before the next tick.
    pub fn has_credit(&self) -> bool {
        self.entries_credit > 0 && self.segments_credit > 0
    }

    /// Walks one slice.
    pub fn step(&mut self, dataset: &mut Dataset, stats: &mut Stats) {
        let mut entries_left = ENTRIES_PER_TURN.min(self.entries_credit);
        let mut segments_left = SEGMENTS_PER_TURN.min(self.segments_credit);
        self.entries_credit -= entries_left;
        self.segments_credit -= segments_left;
        while entries_left > 0 && segments_left > 0 {
            let progress = dataset.expire(self.database, &mut self.cursor, segments_left, entries_left);
            entries_left = entries_left.saturating_sub(progress.entries);
            segments_left = segments_left.saturating_sub(progress.segments);
            if !progress.finished {
                sometimes!(Mark::ExpiryCutShort, entries_left == 0);
                break;
            }
            self.cursor = 0;
            self.database += 1;
            if self.database >= dataset.database_count() {
                self.database = 0;
            }
            self.databases_passed += 1;
            if self.databases_passed >= dataset.database_count() {
                stats.expire_cycles += 1;
                self.entries_credit = 0;
                return;
            }
        }
    }
}
