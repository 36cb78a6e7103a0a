//! Reading from and writing to a socket.
//!
//! The C library makes of each of these calls a point at which the thread can be cancelled, and pays four locked
//! instructions per request for that. Nobody cancels this thread, so the kernel is called past it: where we know how,
//! with the instruction itself.

use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;

/// Reads what is there, at most as much as there is space for. None at all is the end of the input.
///
/// # Errors
/// As `recv(2)`; [`WouldBlock`](io::ErrorKind::WouldBlock) when there is nothing yet.
#[inline]
pub(crate) fn receive(socket: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    let arguments = [raw(socket), space.as_mut_ptr().expose_provenance(), space.len(), 0];
    // SAFETY: the kernel writes at most `space.len()` bytes to `space`, which outlives the call. No address is asked
    // for.
    unsafe { call(libc::SYS_recvfrom, arguments) }
}

/// Writes as many of the bytes as there is room for.
///
/// # Errors
/// As `send(2)`, without a signal for a broken connection; [`WouldBlock`](io::ErrorKind::WouldBlock) when there is no
/// room.
#[inline]
pub(crate) fn send(socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let arguments =
        [raw(socket), bytes.as_ptr().expose_provenance(), bytes.len(), libc::MSG_NOSIGNAL as usize];
    // SAFETY: the kernel only reads `bytes`, which outlives the call. No address is given.
    unsafe { call(libc::SYS_sendto, arguments) }
}

fn raw(socket: &TcpStream) -> usize {
    // A descriptor is never negative.
    socket.as_raw_fd() as usize
}

/// A system call with these arguments, and two more that are zero.
///
/// # Safety
/// As the call itself.
#[cfg(target_arch = "x86_64")]
#[inline]
unsafe fn call(number: libc::c_long, arguments: [usize; 4]) -> io::Result<usize> {
    let result: isize;
    // SAFETY: this is how Linux is called on this processor: it keeps all other registers, and the caller answers for
    // what it does to memory.
    unsafe {
        std::arch::asm!(
            "syscall",
            inlateout("rax") number as isize => result,
            in("rdi") arguments[0],
            in("rsi") arguments[1],
            in("rdx") arguments[2],
            in("r10") arguments[3],
            in("r8") 0,
            in("r9") 0,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    usize::try_from(result).map_err(|_| io::Error::from_raw_os_error(-result as i32))
}

/// A system call with these arguments, and two more that are zero.
///
/// # Safety
/// As the call itself.
#[cfg(not(target_arch = "x86_64"))]
#[inline]
unsafe fn call(number: libc::c_long, [first, second, third, fourth]: [usize; 4]) -> io::Result<usize> {
    // SAFETY: the caller answers for it.
    let result = unsafe { libc::syscall(number, first, second, third, fourth, 0_usize, 0_usize) };
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}
