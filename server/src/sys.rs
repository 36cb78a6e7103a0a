//! System calls the binary makes itself.

#![allow(unsafe_code, reason = "system calls")]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
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
pub(crate) fn notify(address: &OsStr, message: &str) -> io::Result<()> {
    let socket = UnixDatagram::unbound()?;
    let address = match address.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(address)?,
    };
    socket.send_to_addr(message.as_bytes(), &address)?;
    Ok(())
}

/// What the local clock shows. The month counts from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LocalTime {
    pub year: i64,
    pub month: usize,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

/// An instant, in seconds since 1970, on the local clock.
pub(crate) fn local_time(since_1970_seconds: u64) -> LocalTime {
    let seconds = libc::time_t::try_from(since_1970_seconds).unwrap_or(0);
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are to live values of the right types; `tm` may be all zeros, which is what it stays if
    // the call fails, as it does for a year that does not fit.
    let parts = unsafe {
        libc::localtime_r(&raw const seconds, parts.as_mut_ptr());
        parts.assume_init()
    };
    // The library keeps each part within its range.
    let small = |part: libc::c_int| u8::try_from(part).unwrap_or(0);
    LocalTime {
        year: 1900 + i64::from(parts.tm_year),
        month: usize::from(small(parts.tm_mon)),
        day: small(parts.tm_mday),
        hour: small(parts.tm_hour),
        minute: small(parts.tm_min),
        second: small(parts.tm_sec),
    }
}

/// The system's words for an error, without the number that the standard library adds.
pub(crate) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match (error.raw_os_error(), text.rsplit_once(" (os error ")) {
        (Some(_), Some((words, _))) => words.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_is_told_at_an_abstract_address() {
        let name = format!("rotom-notify-{}", std::process::id());
        let inbox = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        notify(OsStr::new(&format!("@{name}")), "READY=1\n").unwrap();
        let mut message = [0; 64];
        let len_bytes = inbox.recv(&mut message).unwrap();
        assert_eq!(&message[..len_bytes], b"READY=1\n");
        assert!(notify(OsStr::new("/nonexistent/notify"), "").is_err());
    }

    #[test]
    fn reasons_have_no_numbers() {
        assert_eq!(reason(&io::Error::from_raw_os_error(libc::ENOENT)), "No such file or directory");
        assert_eq!(reason(&io::Error::other("something else")), "something else");
    }

    #[test]
    fn the_machine_is_described() {
        assert!(os_name().starts_with("Linux "), "{}", os_name());
        assert!(memory_bytes() > 1 << 20);
        assert_ne!(random_seed().unwrap(), random_seed().unwrap());
    }
}
