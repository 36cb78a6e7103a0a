//! System calls the binary makes itself.

#![allow(unsafe_code, reason = "system calls")]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Eight random bytes of the kernel's.
pub(crate) fn random_seed() -> io::Result<u64> {
    let mut seed = [0_u8; 8];
    // SAFETY: the buffer is as long as is said.
    let got = unsafe { libc::getrandom(seed.as_mut_ptr().cast(), seed.len(), 0) };
    if got == seed.len() as isize { Ok(u64::from_ne_bytes(seed)) } else { Err(io::Error::last_os_error()) }
}

/// Splits off from the terminal: the parent exits, the child leads a session of its own with `/dev/null` for input
/// and output. To be called before any thread is started.
pub(crate) fn daemonize() -> io::Result<()> {
    // SAFETY: no other thread exists that could hold a lock.
    match unsafe { libc::fork() } {
        -1 => return Err(io::Error::last_os_error()),
        0 => {}
        _ => std::process::exit(0),
    }
    // SAFETY: no arguments.
    unsafe { libc::setsid() };
    let null = OwnedFd::from(File::options().read(true).write(true).open("/dev/null")?);
    for standard in 0..=2 {
        // SAFETY: both descriptors are open.
        unsafe { libc::dup2(null.as_raw_fd(), standard) };
    }
    Ok(())
}

/// Stops the process until its supervisor lets it go on, as upstart's `expect stop` wants.
pub(crate) fn stop_for_supervisor() {
    // SAFETY: no memory is involved.
    unsafe { libc::raise(libc::SIGSTOP) };
}

/// The operating system, as INFO shows it.
pub(crate) fn os_name() -> String {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {} {}", read("ostype").trim(), read("osrelease").trim(), std::env::consts::ARCH)
}

/// Memory of the machine; 0 if the kernel does not say.
pub(crate) fn memory_bytes() -> u64 {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB"));
    total.and_then(|kilobytes| kilobytes.parse::<u64>().ok()).map_or(0, |kilobytes| kilobytes * 1024)
}

/// Sends a message to the service manager at `address`, a path or, with a leading `@`, an abstract name.
pub(crate) fn notify(address: &str, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    let address = match address.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}
