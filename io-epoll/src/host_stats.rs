//! Figures about the process for INFO, refreshed now and then: often enough to be true, too seldom to cost.

use crate::options::AllocatorFigures;
use crate::sys;
use rotom_core::HostStats;
use rotom_core::time::Monotonic;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Figures are at most so old, in microseconds, when there was work meanwhile.
const REFRESH_INTERVAL_US: u64 = 100_000;

/// `/proc/self/statm` is seven numbers; this is room for more than their digits.
const STATM_BYTES_MAX: usize = 256;

/// Takes the figures.
#[derive(Debug)]
pub(crate) struct HostSampler {
    allocator: fn() -> AllocatorFigures,
    /// `None` where there is no such file; the figure then stays 0.
    statm: Option<File>,
    page_size_bytes: u64,
    next: Monotonic,
    has_worked: bool,
}

impl HostSampler {
    /// A sampler that takes its first sample as soon as it is asked.
    pub fn new(allocator: fn() -> AllocatorFigures) -> HostSampler {
        HostSampler {
            allocator,
            statm: File::open("/proc/self/statm").ok(),
            page_size_bytes: sys::page_size_bytes(),
            next: Monotonic(0),
            has_worked: true,
        }
    }

    /// Something happened that may have changed the figures.
    #[inline]
    pub fn note_work(&mut self) {
        self.has_worked = true;
    }

    /// Fresh figures, if the old ones are too old and anything happened since.
    #[inline]
    pub fn sample_if_due(&mut self, now: Monotonic) -> Option<HostStats> {
        if now < self.next || !self.has_worked {
            return None;
        }
        self.next = Monotonic(now.0 + REFRESH_INTERVAL_US);
        self.has_worked = false;
        Some(self.sample())
    }

    #[cold]
    fn sample(&self) -> HostStats {
        let allocator = (self.allocator)();
        let cpu = sys::cpu_times();
        HostStats {
            allocated_bytes: allocator.allocated_bytes,
            active_bytes: allocator.active_bytes,
            resident_bytes: allocator.resident_bytes,
            rss_bytes: self.resident_pages().unwrap_or(0) * self.page_size_bytes,
            cpu_user_us: cpu.as_ref().map_or(0, |cpu| cpu.user_us),
            cpu_system_us: cpu.as_ref().map_or(0, |cpu| cpu.system_us),
        }
    }

    fn resident_pages(&self) -> Option<u64> {
        let mut text = [0; STATM_BYTES_MAX];
        let len = self.statm.as_ref()?.read_at(&mut text, 0).ok()?;
        let text = std::str::from_utf8(&text[..len]).ok()?;
        text.split(' ').nth(1)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_taken_after_work_and_not_too_often() {
        let figures = || AllocatorFigures { allocated_bytes: 1, active_bytes: 2, resident_bytes: 3 };
        let mut sampler = HostSampler::new(figures);
        let stats = sampler.sample_if_due(Monotonic(5)).expect("the first sample is always due");
        assert_eq!((stats.allocated_bytes, stats.active_bytes, stats.resident_bytes), (1, 2, 3));
        assert!(stats.rss_bytes > 100_000);
        assert!(stats.cpu_user_us + stats.cpu_system_us > 0);
        assert!(sampler.sample_if_due(Monotonic(5 + REFRESH_INTERVAL_US)).is_none());
        sampler.note_work();
        assert!(sampler.sample_if_due(Monotonic(6)).is_none());
        assert!(sampler.sample_if_due(Monotonic(5 + REFRESH_INTERVAL_US)).is_some());
    }
}
