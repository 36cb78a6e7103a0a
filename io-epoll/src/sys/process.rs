//! What the process may use and has used.

use super::check;
use std::io;

/// The limits on open descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OpenFiles {
    /// What holds now.
    pub soft: u64,
    /// How far an ordinary process may raise it.
    pub hard: u64,
}

/// Processor time used so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CpuTimes {
    /// In user mode, in microseconds.
    pub user_us: u64,
    /// In the kernel, in microseconds.
    pub system_us: u64,
}

/// The limits on open descriptors.
pub(crate) fn open_files() -> io::Result<OpenFiles> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is ours and outlives the call.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    Ok(OpenFiles { soft: limit.rlim_cur, hard: limit.rlim_max })
}

/// Changes the limits on open descriptors.
pub(crate) fn set_open_files(files: OpenFiles) -> io::Result<()> {
    let limit = libc::rlimit { rlim_cur: files.soft, rlim_max: files.hard };
    // SAFETY: `limit` outlives the call, which only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(())
}

/// Processor time the process has used.
pub(crate) fn cpu_times() -> io::Result<CpuTimes> {
    // SAFETY: a zeroed rusage is a valid one; it consists of integers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: `usage` is ours and outlives the call.
    check(unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) })?;
    Ok(CpuTimes { user_us: in_us(usage.ru_utime), system_us: in_us(usage.ru_stime) })
}

/// Bytes in a page of memory.
pub(crate) fn page_size_bytes() -> u64 {
    // SAFETY: the call takes no pointers.
    let size = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    // Linux always knows; 4096 is what the architectures we build for use.
    u64::try_from(size).unwrap_or(4096)
}

fn in_us(time: libc::timeval) -> u64 {
    // Time used is never negative.
    time.tv_sec as u64 * 1_000_000 + time.tv_usec as u64
}
