//! The clocks. Reading the first two costs no system call (the kernel's vDSO answers); the third does.

use rotom_core::time::{Monotonic, Now, Wall};

/// Both clocks, as every event carries them.
#[inline]
pub fn now() -> Now {
    Now { monotonic: monotonic(), wall: Wall(read_us(libc::CLOCK_REALTIME)) }
}

/// How old what is known of the calendar may be, in microseconds: a jump of it is noticed that much later.
const CALENDAR_AGE_US_MAX: u64 = 1_000;

/// Both clocks for one reading a turn: what lies between them changes when somebody sets the calendar, and is looked at
/// a thousand times a second.
#[derive(Debug)]
pub(crate) struct Clocks {
    /// The calendar's lead over the other one, in microseconds; wraps around.
    lead_us: u64,
    read_at: Monotonic,
}

impl Clocks {
    /// Clocks that have just been read.
    pub fn new() -> Clocks {
        let Now { monotonic, wall } = now();
        Clocks { lead_us: wall.0.wrapping_sub(monotonic.0), read_at: monotonic }
    }

    /// Both clocks.
    #[inline]
    pub fn now(&mut self) -> Now {
        let monotonic = monotonic();
        if monotonic.since_us(self.read_at) >= CALENDAR_AGE_US_MAX {
            *self = Clocks::new();
        }
        Now { monotonic, wall: Wall(self.lead_us.wrapping_add(monotonic.0)) }
    }
}

/// The clock that never goes back.
#[inline]
pub(crate) fn monotonic() -> Monotonic {
    Monotonic(read_us(libc::CLOCK_MONOTONIC))
}

/// Processor time this thread has used, in microseconds.
pub(crate) fn thread_cpu_us() -> u64 {
    read_us(libc::CLOCK_THREAD_CPUTIME_ID)
}

#[inline]
fn read_us(clock: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec of ours that outlives the call. The three clocks above exist on every Linux
    // this crate builds for, so the call cannot fail; if it did, `time` would read as zero.
    unsafe { libc::clock_gettime(clock, &raw mut time) };
    // A clock before 1970 reads as 1970.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    seconds * 1_000_000 + time.tv_nsec as u64 / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_the_calendar_is_not_old() {
        let mut clocks = Clocks::new();
        // As if the calendar had been set by five seconds since.
        clocks.lead_us = clocks.lead_us.wrapping_sub(5_000_000);
        while monotonic().since_us(clocks.read_at) < CALENDAR_AGE_US_MAX {}
        let told = clocks.now().wall;
        assert!(read_us(libc::CLOCK_REALTIME).abs_diff(told.0) < 4_000_000);
    }

    #[test]
    fn clocks_advance() {
        let (before, cpu_before) = (now(), thread_cpu_us());
        // Reading the clocks is work enough to move them.
        while thread_cpu_us() == cpu_before || monotonic() == before.monotonic {}
        let after = now();
        assert!(after.monotonic > before.monotonic);
        assert!(after.wall.seconds() > 1_500_000_000);
    }
}
