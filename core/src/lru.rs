//! The 24-bit stamp each entry carries: when it was last used (LRU), or how often (LFU). Which of the two is
//! decided by `maxmemory-policy`; `OBJECT IDLETIME` and `OBJECT FREQ` read it.

use crate::time::Wall;

/// Bits of a stamp.
const STAMP_MASK: u32 = (1 << 24) - 1;

/// A stamp that seems to be nearly a whole round of the clock old, less at most so many seconds, lies ahead instead: the
/// calendar was set back. A month.
const AHEAD_SECONDS_MAX: u32 = 30 * 86_400;

/// The counter a new entry starts with under LFU, so that it is not the first to go.
const LFU_INIT: u32 = 5;

/// Makes stamps. Refreshed once per turn.
#[derive(Clone, Copy, Debug, Default)]
pub struct AccessClock {
    is_lfu: bool,
    log_factor: u32,
    decay_minutes: u32,
    seconds: u32,
    minutes: u32,
    random: u64,
}

impl AccessClock {
    /// Sets what kind of stamps to make: LFU's `lfu-log-factor` and `lfu-decay-time`, or LRU.
    pub fn configure(&mut self, is_lfu: bool, log_factor: u32, decay_minutes: u32) {
        self.is_lfu = is_lfu;
        self.log_factor = log_factor;
        self.decay_minutes = decay_minutes;
    }

    /// Moves the clock to this turn's wall time, with a fresh random word for LFU's counter.
    pub fn advance(&mut self, now: Wall, random: u64) {
        self.seconds = now.seconds() as u32 & STAMP_MASK;
        self.minutes = (now.seconds() / 60) as u32 & 0xffff;
        self.random = random | 1;
    }

    /// Whether the clock has to move to make stamps for this instant.
    #[must_use]
    #[inline]
    pub fn is_stale(&self, now: Wall) -> bool {
        self.seconds != now.seconds() as u32 & STAMP_MASK
    }

    /// Whether stamps count uses.
    #[must_use]
    pub fn is_lfu(&self) -> bool {
        self.is_lfu
    }

    /// The stamp of a new entry.
    #[must_use]
    #[inline]
    pub fn fresh(&self) -> u32 {
        if self.is_lfu { self.minutes << 8 | LFU_INIT } else { self.seconds }
    }

    /// The stamp of an entry that was last used so many seconds ago; none where uses are counted. Nobody can tell
    /// a time that is too long from one to come: it is cut.
    #[must_use]
    pub fn stamp_of_idle(&self, seconds: u64) -> Option<u32> {
        let seconds = seconds.min(u64::from(STAMP_MASK - AHEAD_SECONDS_MAX)) as u32;
        (!self.is_lfu).then(|| self.seconds.wrapping_sub(seconds) & STAMP_MASK)
    }

    /// The stamp of an entry that has this logarithmic counter now; none where uses are dated.
    #[must_use]
    pub fn stamp_of_frequency(&self, counter: u8) -> Option<u32> {
        self.is_lfu.then(|| self.minutes << 8 | u32::from(counter))
    }

    /// The stamp of an entry that is used now.
    #[must_use]
    #[inline]
    pub fn touched(&mut self, stamp: u32) -> u32 {
        if self.is_lfu { self.counted(stamp) } else { self.seconds }
    }

    /// Whole seconds since an LRU stamp was made; 0 when the calendar has gone back since.
    #[must_use]
    pub fn idle_seconds(&self, stamp: u32) -> u64 {
        let seconds = self.seconds.wrapping_sub(stamp) & STAMP_MASK;
        if seconds > STAMP_MASK - AHEAD_SECONDS_MAX { 0 } else { u64::from(seconds) }
    }

    /// The logarithmic counter of an LFU stamp, decayed to now.
    #[must_use]
    pub fn frequency(&self, stamp: u32) -> u32 {
        let counter = stamp & 0xff;
        let elapsed = self.minutes.wrapping_sub(stamp >> 8) & 0xffff;
        let periods = elapsed.checked_div(self.decay_minutes).unwrap_or(0);
        counter.saturating_sub(periods)
    }

    #[cold]
    fn counted(&mut self, stamp: u32) -> u32 {
        let mut counter = self.frequency(stamp);
        if counter < 255 {
            // One in (counter − init) · factor + 1 uses counts.
            let base = u64::from(counter.saturating_sub(LFU_INIT));
            let odds = base * u64::from(self.log_factor) + 1;
            if self.next_random().is_multiple_of(odds) {
                counter += 1;
            }
        }
        self.minutes << 8 | counter
    }

    /// xorshift: successive draws within one turn.
    fn next_random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_time_wraps_with_the_stamp() {
        let mut clock = AccessClock::default();
        clock.advance(Wall(5_000_000), 1);
        assert_eq!(clock.idle_seconds(3), 2);
        assert_eq!(clock.idle_seconds(STAMP_MASK), 6);
    }

    #[test]
    fn stamps_say_what_they_were_made_of() {
        let mut clock = AccessClock::default();
        clock.advance(Wall(5_000_000), 1);
        let idle =
            |clock: &AccessClock, seconds| clock.stamp_of_idle(seconds).map(|it| clock.idle_seconds(it));
        assert_eq!(idle(&clock, 1000), Some(1000));
        assert_eq!(idle(&clock, u64::MAX), Some(u64::from(STAMP_MASK - AHEAD_SECONDS_MAX)));
        assert_eq!(clock.stamp_of_frequency(7), None);
        clock.configure(true, 10, 1);
        assert_eq!(clock.stamp_of_frequency(7).map(|it| clock.frequency(it)), Some(7));
        assert_eq!(idle(&clock, 1000), None);
    }

    #[test]
    fn frequency_grows_and_decays() {
        let mut clock = AccessClock::default();
        clock.configure(true, 0, 1);
        clock.advance(Wall(60_000_000), 7);
        let stamp = clock.fresh();
        assert_eq!(clock.frequency(stamp), 5);
        let stamp = clock.touched(stamp);
        assert_eq!(clock.frequency(stamp), 6);
        clock.advance(Wall(4 * 60_000_000), 7);
        assert_eq!(clock.frequency(stamp), 3);
    }
}
