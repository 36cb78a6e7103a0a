//! Sockets: what is done once per listener or per connection.

use super::check;
use std::io;
use std::mem::size_of;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// How soon a silent peer is asked whether it is still there, and given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct KeepAlive {
    /// Silence after which to ask, in seconds; 0 never asks.
    pub idle_s: u32,
}

/// Unanswered probes after which a connection is given up; Redis' figure.
const KEEP_ALIVE_PROBES: libc::c_int = 3;

/// Listens on a TCP address. An IPv6 socket takes no IPv4 peers.
///
/// What is set here for accepted connections as well (no delay, keep-alive) is inherited from the listener,
/// which spares five system calls per connection.
pub(crate) fn listen_tcp(
    address: SocketAddr,
    backlog: i32,
    keep_alive: KeepAlive,
) -> io::Result<TcpListener> {
    let family = if address.is_ipv6() { libc::AF_INET6 } else { libc::AF_INET };
    let socket = new_socket(family).map_err(|error| during("socket", &error))?;
    if address.is_ipv6() {
        set_option(&socket, libc::IPPROTO_IPV6, libc::IPV6_V6ONLY, 1)
            .map_err(|error| during("setsockopt", &error))?;
    }
    set_option(&socket, libc::SOL_SOCKET, libc::SO_REUSEADDR, 1)
        .map_err(|error| during("setsockopt SO_REUSEADDR", &error))?;
    set_option(&socket, libc::IPPROTO_TCP, libc::TCP_NODELAY, 1)?;
    bind_inet(&socket, address).map_err(|error| during("bind", &error))?;
    listen(&socket, backlog).map_err(|error| during("listen", &error))?;
    let listener = TcpListener::from(socket);
    set_keep_alive(&listener, keep_alive)?;
    Ok(listener)
}

/// Listens on a Unix socket, in place of whatever has that name; `mode` 0 leaves its permissions as they are.
pub(crate) fn listen_unix(path: &Path, mode: u32, backlog: i32) -> io::Result<TcpListener> {
    use std::os::unix::ffi::OsStrExt as _;
    let bytes = path.as_os_str().as_bytes();
    // SAFETY: a zeroed sockaddr_un is a valid one; it consists of integers.
    let mut name: libc::sockaddr_un = unsafe { std::mem::zeroed() };
    name.sun_family = libc::AF_UNIX as libc::sa_family_t;
    // The last byte stays zero.
    if bytes.len() >= name.sun_path.len() {
        let (len, max) = (bytes.len(), name.sun_path.len());
        let text = format!("unix socket path too long ({len}), must be under {max}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    for (to, from) in name.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    // A name that is left over from an earlier run is in the way; that it may not exist is the usual case.
    let _ = std::fs::remove_file(path);
    let socket = new_socket(libc::AF_UNIX).map_err(|error| during("socket", &error))?;
    // SAFETY: `name` is an initialised sockaddr_un of that size and outlives the call, which only reads it.
    let result = unsafe {
        libc::bind(socket.as_raw_fd(), (&raw const name).cast(), size_of::<libc::sockaddr_un>() as u32)
    };
    check(result).map_err(|error| during("bind", &error))?;
    // Before anyone can connect.
    if mode != 0 {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
            .map_err(|error| during("chmod", &error))?;
    }
    listen(&socket, backlog).map_err(|error| during("listen", &error))?;
    Ok(TcpListener::from(socket))
}

/// Takes the next connection, ready to be watched: non-blocking, closed on exec.
pub(crate) fn accept(listener: &TcpListener) -> io::Result<TcpStream> {
    let flags = libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: null pointers say that the peer's address is not wanted.
    let raw = check(unsafe {
        libc::accept4(listener.as_raw_fd(), std::ptr::null_mut(), std::ptr::null_mut(), flags)
    })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(TcpStream::from(unsafe { OwnedFd::from_raw_fd(raw) }))
}

/// Sets how soon a silent peer is noticed; as Redis does, three probes a third of the interval apart.
pub(crate) fn set_keep_alive(socket: &impl AsFd, keep_alive: KeepAlive) -> io::Result<()> {
    if keep_alive.idle_s == 0 {
        return set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 0);
    }
    let idle = libc::c_int::try_from(keep_alive.idle_s).unwrap_or(libc::c_int::MAX);
    set_option(socket, libc::SOL_SOCKET, libc::SO_KEEPALIVE, 1)?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE, idle)?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL, (idle / 3).max(1))?;
    set_option(socket, libc::IPPROTO_TCP, libc::TCP_KEEPCNT, KEEP_ALIVE_PROBES)
}

/// Says which step failed, in the words Redis' operators know; the kind of error stays.
fn during(step: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), StepError { step: step.to_owned(), code: error.raw_os_error() })
}

/// An error of the system, with the step at which it came.
#[derive(Debug)]
pub(crate) struct StepError {
    step: String,
    /// `errno`.
    pub code: Option<i32>,
}

impl std::fmt::Display for StepError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.code.map_or_else(|| "unknown error".to_owned(), crate::text::system_error);
        write!(formatter, "{}: {text}", self.step)
    }
}

impl std::error::Error for StepError {}

fn new_socket(family: libc::c_int) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: the call takes no pointers.
    let raw = check(unsafe { libc::socket(family, kind, 0) })?;
    // SAFETY: the descriptor is new and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(raw) })
}

fn listen(socket: &impl AsFd, backlog: i32) -> io::Result<()> {
    // SAFETY: the call takes no pointers.
    check(unsafe { libc::listen(socket.as_fd().as_raw_fd(), backlog) })?;
    Ok(())
}

fn bind_inet(socket: &impl AsFd, address: SocketAddr) -> io::Result<()> {
    let raw = socket.as_fd().as_raw_fd();
    let result = match address {
        SocketAddr::V4(address) => {
            // SAFETY: a zeroed sockaddr_in is a valid one; it consists of integers.
            let mut name: libc::sockaddr_in = unsafe { std::mem::zeroed() };
            name.sin_family = libc::AF_INET as libc::sa_family_t;
            name.sin_port = address.port().to_be();
            name.sin_addr.s_addr = u32::from_ne_bytes(address.ip().octets());
            // SAFETY: `name` is initialised, of that size, and outlives the call, which only reads it.
            unsafe { libc::bind(raw, (&raw const name).cast(), size_of::<libc::sockaddr_in>() as u32) }
        }
        SocketAddr::V6(address) => {
            // SAFETY: a zeroed sockaddr_in6 is a valid one; it consists of integers.
            let mut name: libc::sockaddr_in6 = unsafe { std::mem::zeroed() };
            name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            name.sin6_port = address.port().to_be();
            name.sin6_addr.s6_addr = address.ip().octets();
            name.sin6_scope_id = address.scope_id();
            // SAFETY: `name` is initialised, of that size, and outlives the call, which only reads it.
            unsafe { libc::bind(raw, (&raw const name).cast(), size_of::<libc::sockaddr_in6>() as u32) }
        }
    };
    check(result)?;
    Ok(())
}

fn set_option(
    socket: &impl AsFd,
    level: libc::c_int,
    option: libc::c_int,
    value: libc::c_int,
) -> io::Result<()> {
    let len = size_of::<libc::c_int>() as libc::socklen_t;
    // SAFETY: `value` is an integer of the given size and outlives the call, which only reads it.
    check(unsafe {
        libc::setsockopt(socket.as_fd().as_raw_fd(), level, option, (&raw const value).cast(), len)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(socket: &impl AsFd, level: libc::c_int, option: libc::c_int) -> libc::c_int {
        let mut value: libc::c_int = -1;
        let mut len = size_of::<libc::c_int>() as libc::socklen_t;
        let raw = socket.as_fd().as_raw_fd();
        // SAFETY: `value` and `len` are ours, of the sizes they claim, and outlive the call.
        let result = unsafe { libc::getsockopt(raw, level, option, (&raw mut value).cast(), &raw mut len) };
        check(result).unwrap();
        value
    }

    /// What [`listen_tcp`] relies on: the kernel copies these from the listener.
    #[test]
    fn accepted_connections_inherit_their_options() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener = listen_tcp(any, 16, KeepAlive { idle_s: 300 }).unwrap();
        listener.set_nonblocking(false).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = accept(&listener).unwrap();
        assert_ne!(option(&stream, libc::IPPROTO_TCP, libc::TCP_NODELAY), 0);
        assert_ne!(option(&stream, libc::SOL_SOCKET, libc::SO_KEEPALIVE), 0);
        assert_eq!(option(&stream, libc::IPPROTO_TCP, libc::TCP_KEEPIDLE), 300);
        assert_eq!(option(&stream, libc::IPPROTO_TCP, libc::TCP_KEEPINTVL), 100);
        assert_eq!(option(&stream, libc::IPPROTO_TCP, libc::TCP_KEEPCNT), 3);
        // And a change is seen by those that come later.
        set_keep_alive(&listener, KeepAlive { idle_s: 0 }).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let stream = accept(&listener).unwrap();
        assert_eq!(option(&stream, libc::SOL_SOCKET, libc::SO_KEEPALIVE), 0);
    }
}
