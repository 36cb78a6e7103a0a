//! The system calls std has no word for: what a child does between fork and exec, signals, and limits.

#![allow(unsafe_code, reason = "system calls through libc; each block says why it is sound")]

use std::io;
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// What a child sets up for itself before it runs its program.
#[derive(Clone, Copy, Debug, Default)]
pub struct ChildSetup {
    /// The one core it may run on.
    pub cpu: Option<usize>,
    /// The most descriptors it may have open, soft and hard.
    pub open_files_max: Option<u64>,
}

/// Makes `command`'s child die with the thread that starts it, and apply `setup`.
pub fn prepare(command: &mut Command, setup: ChildSetup) {
    let prepare_child = move || {
        // SAFETY: plain system call with integer arguments.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) })?;
        if let Some(cpu) = setup.cpu {
            run_on(cpu)?;
        }
        if let Some(open_files_max) = setup.open_files_max {
            let limit = libc::rlimit { rlim_cur: open_files_max, rlim_max: open_files_max };
            // SAFETY: `limit` lives through the call, which only reads it.
            check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only async-signal-safe calls are allowed: the closure makes system calls
    // on values it owns, allocates nothing and takes no lock.
    unsafe { command.pre_exec(prepare_child) };
}

/// Restricts the calling thread, and what it starts from now on, to one core.
pub fn run_on(cpu: usize) -> io::Result<()> {
    // SAFETY: an all-zero `cpu_set_t` is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    if cpu >= libc::CPU_SETSIZE as usize {
        return Err(io::Error::from(io::ErrorKind::InvalidInput));
    }
    // SAFETY: `cpu` is within the set, as just checked.
    unsafe { libc::CPU_SET(cpu, &mut set) };
    // SAFETY: `set` lives through the call, which reads as many bytes as it has.
    check(unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) })
}

/// The cores the calling thread may run on.
pub fn cpus_allowed() -> io::Result<Vec<usize>> {
    // SAFETY: an all-zero `cpu_set_t` is the empty set.
    let mut set: libc::cpu_set_t = unsafe { mem::zeroed() };
    // SAFETY: `set` lives through the call, which writes at most as many bytes as it has.
    check(unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) })?;
    // SAFETY: every index asked for is below CPU_SETSIZE.
    Ok((0..libc::CPU_SETSIZE as usize).filter(|&cpu| unsafe { libc::CPU_ISSET(cpu, &set) }).collect())
}

/// Raises the number of descriptors this process may open as far as it is allowed to; returns that number.
pub fn raise_open_files_limit() -> io::Result<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` lives through the call, which fills it.
    check(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) })?;
    limit.rlim_cur = limit.rlim_max;
    // SAFETY: `limit` lives through the call, which only reads it.
    check(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) })?;
    Ok(limit.rlim_cur)
}

/// Sets the soft limit of open descriptors of another, running process.
pub fn limit_open_files_of(pid: u32, open_files_max: u64) -> io::Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    let pid = pid.cast_signed();
    // SAFETY: `limit` lives through the call, which fills it; no new limit is given.
    check(unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, std::ptr::null(), &raw mut limit) })?;
    limit.rlim_cur = open_files_max;
    // SAFETY: `limit` lives through the call, which only reads it; the old limit is not asked for.
    check(unsafe { libc::prlimit(pid, libc::RLIMIT_NOFILE, &raw const limit, std::ptr::null_mut()) })
}

/// Sends `signal` to the process `pid`.
pub fn signal(pid: u32, signal: i32) -> io::Result<()> {
    // SAFETY: plain system call with integer arguments.
    check(unsafe { libc::kill(pid.cast_signed(), signal) })
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
