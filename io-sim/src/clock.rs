//! Virtual time. It passes only when it is told to.
//!
//! What can go wrong with clocks, and how it shows here:
//!
//! * the calendar clock is set, by an operator or by NTP, in either direction: [`jump`](Clock::jump);
//! * it runs faster or slower than the monotonic one: [`drift`](Clock::drift);
//! * the process stands still for a long while, in a suspended machine or under a debugger: time then
//!   [`advances`](Clock::advance) in one step, and everything that was due meanwhile is due at once.
//!
//! The monotonic clock never goes back, and never stands still between two moments at which something happens.

use rotom_core::time::{Monotonic, Now, Wall};
use std::time::Duration;

/// Where the monotonic clock of a new world stands: it has been running for a while, as a real one has.
pub const MONOTONIC_START: Monotonic = Monotonic(3_600_000_000);

/// Where the calendar clock of a new world stands: 2027-01-15 08:00:00.5 UTC.
pub const WALL_START: Wall = Wall(1_800_000_000_500_000);

/// The calendar clock never comes closer to 1970 than this.
const WALL_MIN_US: u64 = 1_000_000_000_000_000;

const MILLION: i64 = 1_000_000;

/// Both clocks of a world.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    now: Now,
    drift_ppm: i64,
    /// What the drift has earned and not shown yet, in millionths of a microsecond.
    drift_carried: i64,
}

impl Default for Clock {
    fn default() -> Clock {
        let now = Now { monotonic: MONOTONIC_START, wall: WALL_START };
        Clock { now, drift_ppm: 0, drift_carried: 0 }
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
        let us = i64::try_from(time.as_micros()).unwrap_or(i64::MAX);
        let drifted = self.drift_carried + us.saturating_mul(self.drift_ppm);
        self.drift_carried = drifted % MILLION;
        self.now.monotonic = self.now.monotonic + time;
        self.shift_wall(us.saturating_add(drifted / MILLION));
    }

    /// Sets the calendar clock, as an operator or NTP would; the monotonic one goes on.
    pub fn set_wall(&mut self, wall: Wall) {
        self.now.wall = wall;
    }

    /// Moves the calendar clock by so many microseconds, in either direction.
    pub fn jump(&mut self, us: i64) {
        self.shift_wall(us);
    }

    /// From here on the calendar clock runs faster than the monotonic one by so many millionths, or slower.
    pub fn drift(&mut self, ppm: i32) {
        self.drift_ppm = i64::from(ppm);
    }

    fn shift_wall(&mut self, us: i64) {
        self.now.wall = Wall(self.now.wall.0.saturating_add_signed(us).max(WALL_MIN_US));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_calendar_jumps_both_ways_and_the_monotonic_clock_does_not() {
        let mut clock = Clock::default();
        clock.jump(-5_000_000);
        assert_eq!(clock.now().wall, Wall(WALL_START.0 - 5_000_000));
        clock.jump(7_000_000);
        assert_eq!(clock.now().wall, Wall(WALL_START.0 + 2_000_000));
        clock.jump(i64::MIN);
        assert_eq!(clock.now().wall, Wall(WALL_MIN_US));
        assert_eq!(clock.now().monotonic, MONOTONIC_START);
    }

    #[test]
    fn drift_adds_up_over_short_steps() {
        let mut clock = Clock::default();
        clock.drift(-300);
        for _ in 0..10_000 {
            clock.advance(Duration::from_micros(7));
        }
        assert_eq!(clock.now().monotonic.0, MONOTONIC_START.0 + 70_000);
        assert_eq!(clock.now().wall.0, WALL_START.0 + 70_000 - 21);
    }
}
