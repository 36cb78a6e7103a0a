//! What crosses the boundary between the core and a driver on the network side: who arrived, whom to read
//! from, whom to close. Bytes themselves travel through [`Core::handle_input`](crate::Core::handle_input) and
//! [`Core::output`](crate::Core::output).

/// Names one connection for its whole life.
///
/// A slot is used again after its connection has ended; the generation is then another, so that a late event
/// for the old connection finds nobody and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId {
    pub(crate) slot: u32,
    pub(crate) generation: u32,
}

impl ConnId {
    /// The slot: a small dense number a driver may index its own table with.
    #[must_use]
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// The whole handle as one number, for `epoll_data` and the like.
    #[must_use]
    pub fn to_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.slot)
    }

    /// The handle that [`to_u64`](Self::to_u64) gave. Any other number names nobody.
    #[must_use]
    pub fn from_u64(raw: u64) -> ConnId {
        ConnId { slot: raw as u32, generation: (raw >> 32) as u32 }
    }
}

/// A connection as the driver accepted it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accept {
    /// The peer as `CLIENT LIST` shows it in `addr=`: `127.0.0.1:4000`, `[::1]:4000` or `/path/socket:0`.
    pub peer: String,
    /// Our own end, as in `laddr=`.
    pub local: String,
    /// The driver's descriptor number, shown as `fd=`; otherwise unused.
    pub descriptor: i32,
    /// Whether the peer came through the loopback interface or a Unix socket: what `protected-mode` lets in.
    pub is_local: bool,
    /// Whether this is a Unix socket.
    pub is_unix: bool,
}

/// Why a connection was not taken on. The driver writes [`text`](Self::text) as far as it goes, and closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// `maxclients` connections are open.
    MaxClients,
    /// `protected-mode` is on, no password is set, and the peer is not local.
    ProtectedMode,
}

impl Refusal {
    /// What the refused peer is told. Redis' words.
    #[must_use]
    pub fn text(self) -> &'static [u8] {
        match self {
            Refusal::MaxClients => b"-ERR max number of clients reached\r\n",
            Refusal::ProtectedMode => PROTECTED_MODE,
        }
    }
}

const PROTECTED_MODE: &[u8] = b"-DENIED Redis is running in protected mode because protected \
    mode is enabled and no password is set for the default user. \
    In this mode connections are only accepted from the loopback interface. \
    If you want to connect from external computers to Redis you \
    may adopt one of the following solutions: \
    1) Just disable protected mode sending the command \
    'CONFIG SET protected-mode no' from the loopback interface \
    by connecting to Redis from the same host the server is \
    running, however MAKE SURE Redis is not publicly accessible \
    from internet if you do so. Use CONFIG REWRITE to make this \
    change permanent. \
    2) Alternatively you can just disable the protected mode by \
    editing the Redis configuration file, and setting the protected \
    mode option to 'no', and then restarting the server. \
    3) If you started the server manually just for testing, restart \
    it with the '--protected-mode no' option. \
    4) Set up an authentication password for the default user. \
    NOTE: You only need to do one of the above things in order for \
    the server to start accepting connections from the outside.\r\n";

/// What to do with a connection's input from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Read on whenever there is something.
    Continue,
    /// Do not read until [`NetEffect::Resume`] names this connection. All bytes handed in are taken.
    Pause,
    /// The connection is gone or going; whatever else it sends does not matter.
    Stop,
}

/// Something the driver shall do with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetEffect {
    /// Close the socket now. The core has forgotten the connection; no `handle_closed` is expected.
    Close(ConnId),
    /// Read from the connection again; it was paused.
    Resume(ConnId),
    /// The configuration has changed in something the driver acts on: where to listen, how to log.
    Reconfigure,
    /// Leave the process after this turn, with this exit status.
    Exit(i32),
}
