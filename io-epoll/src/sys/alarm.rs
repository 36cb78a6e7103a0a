//! A timerfd: how the next deadline ends the loop's sleep.
//!
//! A wait with a timeout would set a timer up and take it down again each time the loop sleeps, which is after
//! nearly every request of an unhurried client. The next deadline seldom changes, so it is set once and for all waits
//! until it comes. It is exact to the microsecond, too.

use super::check;
use rotom_core::time::Monotonic;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Ends a wait on the epoll instance that watches it, at the time it is set to.
///
/// It is watched for edges and never read: to set it anew clears it.
#[derive(Debug)]
pub(crate) struct Alarm {
    descriptor: OwnedFd,
    /// When it goes off, if it has not yet.
    time: Option<Monotonic>,
}

impl Alarm {
    /// One that is not set.
    pub fn new() -> io::Result<Alarm> {
        // SAFETY: the call takes no pointers.
        let raw = check(unsafe {
            libc::timerfd_create(libc::CLOCK_MONOTONIC, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK)
        })?;
        // SAFETY: the descriptor is new and nobody else's.
        Ok(Alarm { descriptor: unsafe { OwnedFd::from_raw_fd(raw) }, time: None })
    }

    /// Has it go off at `deadline`, or earlier where it is set to an earlier time already: to wake up once for
    /// nothing is cheaper than to set it whenever a deadline is put off.
    #[inline]
    pub fn set_by(&mut self, deadline: Monotonic) -> io::Result<()> {
        match self.time {
            Some(time) if time <= deadline => Ok(()),
            _ => self.set(deadline),
        }
    }

    #[cold]
    fn set(&mut self, deadline: Monotonic) -> io::Result<()> {
        // A time of zero would unset it.
        let us = deadline.0.max(1);
        let value = libc::timespec {
            tv_sec: libc::time_t::try_from(us / 1_000_000).unwrap_or(libc::time_t::MAX),
            tv_nsec: (us % 1_000_000 * 1_000) as libc::c_long,
        };
        let never = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        let setting = libc::itimerspec { it_interval: never, it_value: value };
        // SAFETY: `setting` outlives the call, which only reads it; no old setting is asked for.
        check(unsafe {
            libc::timerfd_settime(
                self.descriptor.as_raw_fd(),
                libc::TFD_TIMER_ABSTIME,
                &raw const setting,
                std::ptr::null_mut(),
            )
        })?;
        self.time = Some(deadline);
        Ok(())
    }

    /// It has gone off.
    pub fn note_gone_off(&mut self) {
        self.time = None;
    }
}

impl AsFd for Alarm {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}
