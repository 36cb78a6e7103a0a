//! epoll.

use super::check;
use std::io;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// An epoll instance.
#[derive(Debug)]
pub(crate) struct Epoll {
    descriptor: OwnedFd,
}

/// What a descriptor is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest(u32);

impl Interest {
    /// Nothing (errors are reported all the same).
    pub const NONE: Interest = Interest(0);
    /// Input, reported for as long as there is some.
    pub const INPUT_LEVEL: Interest = Interest(libc::EPOLLIN as u32);
    /// New input, once each time some arrives, and the end of it.
    pub const INPUT_EDGE: Interest = Interest((libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLET) as u32);
    /// As `INPUT_EDGE`, and room for output, once each time a socket that was full has some.
    pub const BOTH_EDGE: Interest = Interest(Interest::INPUT_EDGE.0 | libc::EPOLLOUT as u32);
}

/// What is the matter with a descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Readiness(u32);

impl Readiness {
    /// There is something to read: input, its end, or an error.
    #[inline]
    pub fn is_readable(self) -> bool {
        const BITS: u32 = (libc::EPOLLIN | libc::EPOLLRDHUP | libc::EPOLLHUP | libc::EPOLLERR) as u32;
        self.0 & BITS != 0
    }

    /// There is room for output.
    #[inline]
    pub fn is_writable(self) -> bool {
        self.0 & libc::EPOLLOUT as u32 != 0
    }

    /// The peer sends nothing more.
    #[inline]
    pub fn is_half_closed(self) -> bool {
        self.0 & libc::EPOLLRDHUP as u32 != 0
    }

    /// Nothing goes in either direction any more.
    #[inline]
    pub fn is_broken(self) -> bool {
        self.0 & (libc::EPOLLHUP | libc::EPOLLERR) as u32 != 0
    }
}

/// Room for what one wait reports.
pub(crate) struct Events {
    buffer: Box<[libc::epoll_event]>,
    len: usize,
}

impl Events {
    /// Room for so many events.
    pub fn with_capacity(count: usize) -> Events {
        Events { buffer: vec![libc::epoll_event { events: 0, u64: 0 }; count].into_boxed_slice(), len: 0 }
    }

    /// How many events the last wait reported.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// One of them: the token the descriptor was added with, and its state.
    #[inline]
    pub fn at(&self, index: usize) -> (u64, Readiness) {
        let event = self.buffer[..self.len][index];
        (event.u64, Readiness(event.events))
    }
}

impl Epoll {
    /// A new instance that watches nothing.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: the call takes no pointers.
        let raw = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor is new and nobody else's.
        Ok(Epoll { descriptor: unsafe { OwnedFd::from_raw_fd(raw) } })
    }

    /// Watches a descriptor. It stops being watched when it is closed.
    pub fn add(&self, descriptor: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_ADD, descriptor, token, interest)
    }

    /// Watches a descriptor for something else.
    pub fn modify(&self, descriptor: &impl AsFd, token: u64, interest: Interest) -> io::Result<()> {
        self.control(libc::EPOLL_CTL_MOD, descriptor, token, interest)
    }

    /// What is ready; if that is nothing and the caller `may_sleep`, waits until something is. A signal ends the wait
    /// early, with no events.
    #[inline]
    pub fn wait(&self, events: &mut Events, may_sleep: bool) -> io::Result<()> {
        events.len = 0;
        let timeout_ms = if may_sleep { -1 } else { 0 };
        let capacity = i32::try_from(events.buffer.len()).unwrap_or(i32::MAX);
        // SAFETY: `buffer` is initialised memory for at least `capacity` events and outlives the call.
        let count = unsafe {
            libc::epoll_wait(self.descriptor.as_raw_fd(), events.buffer.as_mut_ptr(), capacity, timeout_ms)
        };
        match check(count) {
            Ok(count) => {
                events.len = count as usize;
                Ok(())
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn control(
        &self,
        operation: libc::c_int,
        descriptor: &impl AsFd,
        token: u64,
        interest: Interest,
    ) -> io::Result<()> {
        let mut event = libc::epoll_event { events: interest.0, u64: token };
        let raw = descriptor.as_fd().as_raw_fd();
        // SAFETY: `event` outlives the call, which only reads it.
        check(unsafe { libc::epoll_ctl(self.descriptor.as_raw_fd(), operation, raw, &raw mut event) })?;
        Ok(())
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Events").field("len", &self.len).finish_non_exhaustive()
    }
}
