//! How long turns take: in processor time, so that a turn is not blamed for what another process did meanwhile,
//! at the price of one system call now and then.
//!
//! Wall time is never less than processor time and costs next to nothing to read, so it does for short turns.
//! The thread's processor time is read after a long turn, and otherwise once the turns since the last reading
//! add up to one. What it has advanced since that reading is never less than what the last turn used, and more
//! by the turns before it at most, which were short.

use crate::sys;
use rotom_core::time::Monotonic;

/// Microseconds of turns from one reading of the processor time to the next. A reading may take half a
/// microsecond, so this is a quarter of a percent; and a turn is overstated by no more than this.
const READING_INTERVAL_US: u64 = 200;

/// Measures each turn. It must be used by one thread only.
#[derive(Debug, Default)]
pub(crate) struct TurnClock {
    began: Monotonic,
    /// Processor time at the last reading.
    cpu_us: u64,
    /// Wall time of the turns since then.
    since_reading_us: u64,
}

impl TurnClock {
    /// A turn begins.
    #[inline]
    pub fn begin(&mut self, now: Monotonic) {
        self.began = now;
    }

    /// It has ended; returns how many microseconds it took, never too few.
    #[inline]
    pub fn end(&mut self, now: Monotonic) -> u64 {
        let wall_us = now.since_us(self.began);
        self.since_reading_us += wall_us;
        if self.since_reading_us < READING_INTERVAL_US {
            return wall_us;
        }
        self.since_reading_us = 0;
        let before_us = std::mem::replace(&mut self.cpu_us, sys::thread_cpu_us());
        wall_us.min(self.cpu_us.saturating_sub(before_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_turns_take_their_wall_time() {
        let mut clock = TurnClock::default();
        clock.begin(Monotonic(1_000));
        assert_eq!(clock.end(Monotonic(1_000)), 0);
        clock.begin(Monotonic(2_000));
        assert_eq!(clock.end(Monotonic(2_150)), 150);
        assert_eq!(clock.cpu_us, 0);
    }

    #[test]
    fn a_long_turn_is_not_blamed_for_time_it_did_not_use() {
        let mut clock = TurnClock::default();
        clock.begin(Monotonic(0));
        clock.end(Monotonic(READING_INTERVAL_US));
        assert!(clock.cpu_us > 0);
        // Ten seconds of wall time, in which this thread has done next to nothing.
        clock.begin(Monotonic(1_000));
        assert!(clock.end(Monotonic(10_001_000)) < 1_000_000);
    }

    #[test]
    fn a_long_turn_is_blamed_for_time_it_used() {
        let mut clock = TurnClock::default();
        clock.begin(Monotonic(0));
        clock.end(Monotonic(READING_INTERVAL_US));
        let end_us = sys::thread_cpu_us() + 2_000;
        while sys::thread_cpu_us() < end_us {}
        clock.begin(Monotonic(1_000));
        assert!(clock.end(Monotonic(10_001_000)) >= 2_000);
    }
}
