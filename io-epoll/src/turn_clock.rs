//! How long turns take. Wall time costs one read of the clock per turn; processor time, which a preempted turn
//! does not inflate, costs system calls and is measured only where it matters: after a turn that looked long.

use crate::sys;
use rotom_core::time::Monotonic;

/// A turn beyond this many microseconds of wall time makes the next ones worth measuring exactly.
const LONG_TURN_US: u64 = 500;

/// So many turns are then measured in processor time.
const ARMED_TURNS: u32 = 1000;

/// Measures each turn.
#[derive(Debug, Default)]
pub(crate) struct TurnClock {
    began: Monotonic,
    /// Processor time at the beginning of the turn, if it is measured.
    began_cpu_us: Option<u64>,
    armed_turns: u32,
}

impl TurnClock {
    /// A turn begins.
    #[inline]
    pub fn begin(&mut self, now: Monotonic) {
        self.began = now;
        self.began_cpu_us = if self.armed_turns > 0 { Some(sys::thread_cpu_us()) } else { None };
    }

    /// It has ended; returns how many microseconds it took: of processor time while that is measured, else of
    /// wall time, which is never less.
    #[inline]
    pub fn end(&mut self, now: Monotonic) -> u64 {
        let wall_us = now.since_us(self.began);
        let took_us = match self.began_cpu_us {
            Some(began) => {
                self.armed_turns -= 1;
                sys::thread_cpu_us().saturating_sub(began).min(wall_us)
            }
            None => wall_us,
        };
        if wall_us > LONG_TURN_US {
            self.armed_turns = ARMED_TURNS;
        }
        took_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_turn_arms_the_exact_measure() {
        let mut clock = TurnClock::default();
        clock.begin(Monotonic(1_000));
        assert_eq!(clock.end(Monotonic(1_400)), 400);
        clock.begin(Monotonic(2_000));
        assert_eq!(clock.end(Monotonic(12_000)), 10_000);
        // Ten seconds of wall time in which this thread has done next to nothing.
        clock.begin(Monotonic(20_000));
        assert!(clock.end(Monotonic(10_020_000)) < 1_000_000);
        assert_eq!(clock.armed_turns, ARMED_TURNS);
        for _ in 0..ARMED_TURNS {
            clock.begin(Monotonic(0));
            clock.end(Monotonic(0));
        }
        clock.begin(Monotonic(0));
        assert_eq!(clock.end(Monotonic(300)), 300);
    }
}
