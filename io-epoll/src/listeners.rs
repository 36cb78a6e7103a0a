//! The listening sockets: which to open, and what it means when one cannot be.

use crate::options::Listening;
use crate::sys::{self, KeepAlive, StepError};
use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs as _};
use std::path::{Path, PathBuf};

/// Sockets one server may listen on; Redis allows 16 addresses.
pub(crate) const LISTENERS_MAX: usize = 64;

/// One listening socket.
#[derive(Debug)]
pub(crate) struct Listener {
    /// A Unix socket is held in this type too: accepting is the same system call.
    pub socket: TcpListener,
    /// The path of a Unix socket.
    pub unix_path: Option<PathBuf>,
}

impl Listener {
    /// Takes the next connection.
    pub fn accept(&self) -> io::Result<TcpStream> {
        sys::accept(&self.socket)
    }
}

/// Why the server cannot listen; its text is what Redis prints before it gives up.
#[derive(Debug)]
pub enum BindError {
    /// A TCP address cannot be listened on, or none of them.
    Tcp {
        /// The port.
        port: u16,
        /// What failed, if it was something definite.
        source: Option<io::Error>,
    },
    /// The Unix socket cannot be listened on.
    Unix(io::Error),
    /// The configuration names nothing to listen on.
    Nowhere,
    /// More addresses than the server can listen on.
    TooMany,
    /// Something that has nothing to do with addresses.
    Other(io::Error),
}

/// Opens everything a server is to listen on.
pub(crate) fn open_all(listening: &Listening) -> Result<Vec<Listener>, BindError> {
    warn_of_backlog(listening.backlog);
    let mut listeners = open_tcp(listening)?;
    if let Some(path) = &listening.unix_socket {
        let socket =
            sys::listen_unix(path, listening.unix_socket_mode, listening.backlog).map_err(BindError::Unix)?;
        listeners.push(Listener { socket, unix_path: Some(path.clone()) });
    }
    if listeners.is_empty() {
        return Err(BindError::Nowhere);
    }
    Ok(listeners)
}

/// Opens the TCP sockets, none if there is no port.
pub(crate) fn open_tcp(listening: &Listening) -> Result<Vec<Listener>, BindError> {
    let mut listeners = Vec::new();
    let port = listening.port;
    if port == 0 || listening.bind.is_empty() {
        return Ok(listeners);
    }
    if listening.bind.len() >= LISTENERS_MAX {
        return Err(BindError::TooMany);
    }
    let keep_alive = KeepAlive { idle_s: listening.keep_alive_s };
    for entry in &listening.bind {
        let (is_optional, name) =
            entry.strip_prefix('-').map_or((false, entry.as_str()), |name| (true, name));
        match open_address(name, port, listening.backlog, keep_alive) {
            Ok(socket) => listeners.push(Listener { socket, unix_path: None }),
            Err(error) => {
                // Redis prints the address as it is in the configuration, dash included.
                tracing::warn!(
                    target: "rotom",
                    "Warning: Could not create server TCP listening socket {entry}:{port}: {error}"
                );
                if !may_be_missing(&error, is_optional) {
                    return Err(BindError::Tcp { port, source: Some(error) });
                }
            }
        }
    }
    if listeners.is_empty() {
        return Err(BindError::Tcp { port, source: None });
    }
    Ok(listeners)
}

/// Says so when the kernel will not honour the backlog.
fn warn_of_backlog(backlog: i32) {
    let Ok(text) = std::fs::read_to_string("/proc/sys/net/core/somaxconn") else { return };
    let Ok(somaxconn) = text.trim().parse::<i32>() else { return };
    if somaxconn > 0 && somaxconn < backlog {
        tracing::warn!(
            target: "rotom",
            "WARNING: The TCP backlog setting of {backlog} cannot be enforced because \
             /proc/sys/net/core/somaxconn is set to the lower value of {somaxconn}."
        );
    }
}

/// Listens on the first address a name stands for. As in Redis, a name with a colon is IPv6, any other IPv4.
fn open_address(name: &str, port: u16, backlog: i32, keep_alive: KeepAlive) -> io::Result<TcpListener> {
    let host = match name {
        "*" => "0.0.0.0",
        "::*" => "::",
        name => name,
    };
    let is_ipv6 = host.contains(':');
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "Name or service not known");
    for address in (host, port).to_socket_addrs()?.filter(|address| address.is_ipv6() == is_ipv6) {
        match sys::listen_tcp(address, backlog, keep_alive) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Whether the server goes on without an address: the machine lacks its whole protocol, or just the address and
/// that was declared to be no error.
fn may_be_missing(error: &io::Error, is_optional: bool) -> bool {
    let step = error.get_ref().and_then(|inner| inner.downcast_ref::<StepError>());
    match step.and_then(|step| step.code) {
        Some(libc::EADDRNOTAVAIL) => is_optional,
        Some(
            libc::ENOPROTOOPT
            | libc::EPROTONOSUPPORT
            | libc::ESOCKTNOSUPPORT
            | libc::EPFNOSUPPORT
            | libc::EAFNOSUPPORT,
        ) => true,
        _ => false,
    }
}

/// How `CLIENT LIST` shows both ends of a TCP connection, and whether the peer is on this machine.
pub(crate) fn describe_peer(stream: &TcpStream) -> io::Result<(SocketAddr, SocketAddr, bool)> {
    let peer = stream.peer_addr()?;
    let local = stream.local_addr()?;
    Ok((peer, local, peer.ip().is_loopback()))
}

/// How `CLIENT LIST` shows either end of a Unix connection.
pub(crate) fn describe_unix(path: &Path) -> String {
    format!("{}:0", path.display())
}

/// Removes the name of a Unix socket, in Redis' words.
pub(crate) fn remove_unix_name(path: &Path) {
    tracing::info!(target: "rotom", "Removing the unix socket file.");
    if let Err(error) = std::fs::remove_file(path) {
        let reason = crate::text::describe(&error);
        tracing::warn!(target: "rotom", "Error removing the unix socket file: {reason}");
    }
}

impl fmt::Display for BindError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BindError::Tcp { port, .. } => {
                write!(formatter, "Failed listening on port {port} (TCP), aborting.")
            }
            BindError::Unix(error) => write!(formatter, "Failed opening Unix socket: {error}"),
            BindError::Nowhere => formatter.write_str("Configured to not listen anywhere, exiting."),
            BindError::TooMany => formatter.write_str("Too many bind addresses specified."),
            BindError::Other(error) => {
                write!(formatter, "Failed creating the event loop. Error message: '{error}'")
            }
        }
    }
}

impl std::error::Error for BindError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            BindError::Tcp { source, .. } => source.as_ref().map(|error| error as _),
            BindError::Unix(error) | BindError::Other(error) => Some(error),
            BindError::Nowhere | BindError::TooMany => None,
        }
    }
}
