//! What the driver has to be told: where to listen, and what it cannot know by itself.

use rotom_core::Config;
use std::path::PathBuf;

/// Where to listen, in the terms of `redis.conf`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listening {
    /// Addresses as in `bind`: `*` is every IPv4 address and `::*` every IPv6 one; with a leading `-` it is
    /// no error when the machine does not have that address. None means no TCP.
    pub bind: Vec<String>,
    /// The TCP port; 0 means no TCP.
    pub port: u16,
    /// The path of a Unix socket.
    pub unix_socket: Option<PathBuf>,
    /// The Unix socket's permission bits; 0 leaves them to the umask.
    pub unix_socket_mode: u32,
    /// Connections that may wait to be accepted.
    pub backlog: i32,
    /// Silence in seconds after which a peer is asked whether it is still there; 0 for never.
    pub keep_alive_s: u32,
}

impl From<&Config> for Listening {
    fn from(config: &Config) -> Listening {
        Listening {
            bind: config.bind.clone(),
            port: config.port,
            unix_socket: (!config.unixsocket.is_empty()).then(|| PathBuf::from(&config.unixsocket)),
            unix_socket_mode: config.unixsocketperm,
            backlog: config.tcp_backlog,
            keep_alive_s: config.tcp_keepalive,
        }
    }
}

impl Default for Listening {
    /// Where a server without a configuration file listens.
    fn default() -> Listening {
        Listening::from(&Config::default())
    }
}

/// What only the binary knows.
#[derive(Clone, Copy, Debug)]
pub struct Hooks {
    /// What the allocator holds, for INFO. Called about ten times a second while there is work.
    pub allocator: fn() -> AllocatorFigures,
    /// Told when `CONFIG SET` has changed something the process acts on, such as where to listen or how to log.
    /// The driver looks after listening itself.
    pub reconfigure: fn(&Config),
    /// Whether SIGTERM and SIGINT end the server, and SIGHUP and SIGPIPE are ignored.
    pub handle_signals: bool,
}

/// What the allocator holds, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllocatorFigures {
    /// What the program has asked for and not given back.
    pub allocated_bytes: u64,
    /// Pages that hold some of it.
    pub active_bytes: u64,
    /// Pages that are mapped and touched.
    pub resident_bytes: u64,
}
