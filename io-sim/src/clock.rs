//! Virtual time. It passes only when it is told to.

use rotom_core::time::{Monotonic, Now, Wall};
use std::time::Duration;

/// Where the monotonic clock of a new world stands: it has been running for a while, as a real one has.
pub const MONOTONIC_START: Monotonic = Monotonic(3_600_000_000);

/// Where the calendar clock of a new world stands: 2027-01-15 08:00:00.5 UTC.
pub const WALL_START: Wall = Wall(1_800_000_000_500_000);

/// Both clocks of a world.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Now,
}

impl Default for Clock {
    fn default() -> Clock {
        Clock { now: Now { monotonic: MONOTONIC_START, wall: WALL_START } }
    }
}

impl Clock {
    /// What both clocks show.
    #[must_use]
    pub fn now(&self) -> Now {
        self.now
    }

    /// Lets time pass on both clocks.
    pub fn advance(&mut self, time: Duration) {
        let us = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.now.monotonic = self.now.monotonic + time;
        self.now.wall = Wall(self.now.wall.0.saturating_add(us));
    }

    /// Sets the calendar clock, as an operator or NTP would; the monotonic one goes on.
    pub fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
    }
}
