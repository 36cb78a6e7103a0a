//! SIGTERM and SIGINT ask for a shutdown; SIGHUP and SIGPIPE mean nothing here.

use super::{Wake, check};
use rotom_core::StopSignal;
use std::io;
use std::sync::atomic::{AtomicI32, Ordering};

/// The eventfd a handler writes to; -1 while there is none.
static WAKE_DESCRIPTOR: AtomicI32 = AtomicI32::new(-1);

/// The last signal that came and was not taken yet; 0 for none.
static PENDING: AtomicI32 = AtomicI32::new(0);

/// The first signal that asked for a shutdown; 0 for none.
static FIRST: AtomicI32 = AtomicI32::new(0);

/// Installs the handlers. The loop they wake must live until the process ends, or nobody listens.
pub(crate) fn install_signal_handlers(wake: &Wake) -> io::Result<()> {
    WAKE_DESCRIPTOR.store(wake.descriptor(), Ordering::SeqCst);
    handle(libc::SIGTERM, on_shutdown_signal as *const () as libc::sighandler_t)?;
    handle(libc::SIGINT, on_shutdown_signal as *const () as libc::sighandler_t)?;
    handle(libc::SIGHUP, libc::SIG_IGN)?;
    handle(libc::SIGPIPE, libc::SIG_IGN)
}

/// A signal that has asked for a shutdown since the last call, and its name.
pub(crate) fn take_shutdown_signal() -> Option<(StopSignal, &'static str)> {
    if PENDING.load(Ordering::Relaxed) == 0 {
        return None;
    }
    match PENDING.swap(0, Ordering::SeqCst) {
        libc::SIGINT => Some((StopSignal::Interrupt, "SIGINT")),
        libc::SIGTERM => Some((StopSignal::Terminate, "SIGTERM")),
        _ => None,
    }
}

fn handle(signal: libc::c_int, handler: libc::sighandler_t) -> io::Result<()> {
    // SAFETY: a zeroed sigaction is a valid one: no flags, an empty mask, the default action.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler;
    action.sa_flags = libc::SA_RESTART;
    // SAFETY: `action` outlives the call; the handler only does what a handler may.
    check(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) })?;
    Ok(())
}

/// Runs between any two instructions of the process, so it touches atomics and makes system calls only.
///
/// Someone who presses Ctrl-C while a shutdown is under way means it: as in Redis, the process ends at once.
extern "C" fn on_shutdown_signal(signal: libc::c_int) {
    // SAFETY: the location of `errno` of this thread; the interrupted code must find it as it left it.
    let errno = unsafe { *libc::__errno_location() };
    let is_first = FIRST.compare_exchange(0, signal, Ordering::SeqCst, Ordering::SeqCst).is_ok();
    if !is_first && signal == libc::SIGINT {
        const TEXT: &[u8] = b"You insist... exiting now.\n";
        // SAFETY: both calls are async-signal-safe, and the buffer is static.
        unsafe {
            libc::write(libc::STDERR_FILENO, TEXT.as_ptr().cast(), TEXT.len());
            libc::_exit(1);
        }
    }
    PENDING.store(signal, Ordering::SeqCst);
    let one = 1_u64.to_ne_bytes();
    // SAFETY: `write` is async-signal-safe, the buffer outlives it, and a stale descriptor only makes it fail.
    unsafe {
        libc::write(WAKE_DESCRIPTOR.load(Ordering::SeqCst), one.as_ptr().cast(), one.len());
        *libc::__errno_location() = errno;
    }
}
