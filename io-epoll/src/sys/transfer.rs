//! Reading from and writing to a socket.
//!
//! The C library makes of each of these calls a point at which the thread can be cancelled, and pays four locked
//! instructions per request for that. Nobody cancels this thread, so the kernel is called past it.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::ptr;

/// Reads what is there, at most as much as there is space for. None at all is the end of the input.
///
/// # Errors
/// As `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when there is nothing yet.
#[inline]
pub(crate) fn receive(socket: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    // SAFETY: the kernel writes at most `space.len()` bytes to `space`, which outlives the call. No address is asked
    // for.
    check_len(unsafe {
        libc::syscall(
            libc::SYS_recvfrom,
            socket.as_raw_fd(),
            space.as_mut_ptr(),
            space.len(),
            0,
            ptr::null_mut::<libc::sockaddr>(),
            ptr::null_mut::<libc::socklen_t>(),
        )
    })
}

/// Writes as many of the bytes as there is room for.
///
/// # Errors
/// As `send(2)`, without a signal for a broken connection; [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no
/// room.
#[inline]
pub(crate) fn send(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    // SAFETY: the kernel only reads `bytes`, which outlives the call. No address is given.
    check_len(unsafe {
        libc::syscall(
            libc::SYS_sendto,
            socket.as_raw_fd(),
            bytes.as_ptr(),
            bytes.len(),
            libc::MSG_NOSIGNAL,
            ptr::null::<libc::sockaddr>(),
            0 as libc::socklen_t,
        )
    })
}

#[inline]
fn check_len(result: libc::c_long) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
