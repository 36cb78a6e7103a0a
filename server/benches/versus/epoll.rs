//! epoll for the floor server and the load: the three calls and nothing else.

#![allow(unsafe_code, reason = "system calls through libc; each block says why it is sound")]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// How many events one wait returns at most.
const EVENTS_MAX: usize = 1024;

/// Level-triggered interest in readable descriptors, and what became ready.
#[derive(Debug)]
pub struct Epoll {
    descriptor: OwnedFd,
    events: Vec<libc::epoll_event>,
}

impl Epoll {
    /// A new set without members.
    pub fn new() -> io::Result<Epoll> {
        // SAFETY: plain system call with integer arguments.
        let raw = check(unsafe { libc::epoll_create1(libc::EPOLL_CLOEXEC) })?;
        // SAFETY: the descriptor was just created and nobody else owns it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        Ok(Epoll { descriptor, events: vec![libc::epoll_event { events: 0, u64: 0 }; EVENTS_MAX] })
    }

    /// Reports `token` whenever `member` can be read, or was closed. Closing it takes it out again.
    pub fn add(&self, member: &impl AsRawFd, token: u64) -> io::Result<()> {
        let mut event = libc::epoll_event { events: libc::EPOLLIN as u32, u64: token };
        // SAFETY: both descriptors are open as long as they are borrowed, and `event` lives through the call.
        let result = unsafe {
            libc::epoll_ctl(
                self.descriptor.as_raw_fd(),
                libc::EPOLL_CTL_ADD,
                member.as_raw_fd(),
                &raw mut event,
            )
        };
        check(result).map(drop)
    }

    /// Waits until something is ready; returns the tokens.
    pub fn wait(&mut self) -> io::Result<impl Iterator<Item = u64>> {
        const FOREVER: libc::c_int = -1;
        self.wait_ms(FOREVER)
    }

    /// The same, but no longer than so many seconds; nothing is returned then.
    pub fn wait_seconds(&mut self, patience_seconds: u16) -> io::Result<impl Iterator<Item = u64>> {
        self.wait_ms(libc::c_int::from(patience_seconds) * 1000)
    }

    /// The tokens of what is ready now.
    pub fn look(&mut self) -> io::Result<impl Iterator<Item = u64>> {
        self.wait_ms(0)
    }

    fn wait_ms(&mut self, patience_ms: libc::c_int) -> io::Result<impl Iterator<Item = u64>> {
        // SAFETY: `events` has room for EVENTS_MAX entries and lives through the call, which writes no more.
        let result = unsafe {
            libc::epoll_wait(
                self.descriptor.as_raw_fd(),
                self.events.as_mut_ptr(),
                EVENTS_MAX as libc::c_int,
                patience_ms,
            )
        };
        let ready = usize::try_from(check(result)?).unwrap_or(0);
        Ok(self.events[..ready].iter().map(|event| event.u64))
    }
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
