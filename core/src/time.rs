//! Time as a parameter. The driver reads its clocks once per turn and hands both readings to every event;
//! nothing in the core ever asks what time it is.

use std::ops::{Add, Sub};
use std::time::Duration;

/// A reading of a clock that never goes back, in microseconds since an origin the driver chose.
///
/// Deadlines of timeouts are measured on it, so that a jump of the wall clock neither fires nor starves them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Monotonic(pub u64);

/// A reading of the calendar clock, in microseconds since the Unix epoch. It may jump both ways.
///
/// Expiry times of keys are absolute and measured on it, as in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub u64);

/// Both clocks, read once per turn by the driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The clock that never goes back.
    pub monotonic: Monotonic,
    /// The calendar clock.
    pub wall: Wall,
}

impl Monotonic {
    /// A deadline later than any other.
    pub const NEVER: Monotonic = Monotonic(u64::MAX);

    /// Microseconds from `earlier` to here; zero when `earlier` is not earlier.
    #[must_use]
    pub fn since_us(self, earlier: Monotonic) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Monotonic {
    type Output = Monotonic;

    fn add(self, duration: Duration) -> Monotonic {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        Monotonic(self.0.saturating_add(us))
    }
}

impl Sub for Monotonic {
    type Output = Duration;

    fn sub(self, earlier: Monotonic) -> Duration {
        Duration::from_micros(self.since_us(earlier))
    }
}

impl Wall {
    /// Whole seconds since the epoch.
    #[must_use]
    pub fn seconds(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Whole milliseconds since the epoch: the unit of every stored expiry.
    #[must_use]
    pub fn millis(self) -> i64 {
        // A u64 of microseconds divided by 1,000 is below 2^54.
        (self.0 / 1_000) as i64
    }
}
