//! Who a connection is: its name, database, rights and modes. What it has sent and what it is owed live beside
//! it, in [`Client`](crate::client::Client).

use crate::net::{Accept, ConnId};
use crate::time::Monotonic;
use crate::transaction::Transaction;

/// The state of one connection that commands read and change.
#[derive(Debug)]
pub struct Session {
    /// The driver's handle.
    pub conn: ConnId,
    /// The number `CLIENT ID` reports: unique and growing.
    pub id: u64,
    /// The selected database.
    pub database: usize,
    /// What the connection is about to do or waits for.
    pub state: State,
    /// Whether the default user has been authenticated, or needs no password.
    pub is_authenticated: bool,
    /// `CLIENT REPLY`.
    pub reply_mode: ReplyMode,
    /// `CLIENT NO-EVICT`.
    pub no_evict: bool,
    /// `CLIENT NO-TOUCH`.
    pub no_touch: bool,
    /// Whether this connection came over a Unix socket.
    pub is_unix: bool,
    /// Whether it is one that `protected` commands may be run from.
    pub is_local: bool,
    /// The driver's descriptor.
    pub descriptor: i32,
    /// `CLIENT SETNAME`.
    pub name: Box<[u8]>,
    /// `CLIENT SETINFO LIB-NAME`.
    pub library_name: Box<[u8]>,
    /// `CLIENT SETINFO LIB-VER`.
    pub library_version: Box<[u8]>,
    /// The peer's address, as CLIENT LIST shows it.
    pub peer: Box<str>,
    /// Our own end's.
    pub local: Box<str>,
    /// When the connection was accepted.
    pub connected_at: Monotonic,
    /// When it last sent something or took a reply.
    pub active_at: Monotonic,
    /// What is queued, between MULTI and EXEC.
    pub transaction: Option<Box<Transaction>>,
    /// Whether the command that runs is one of a transaction's: it may not wait for anything.
    pub runs_transaction: bool,
    /// Whether it was told something of the data in this turn.
    pub saw_data: bool,
    /// The command run last.
    pub last_command: Option<&'static crate::commands::Command>,
}

/// What a connection is about to do, or waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Runs what it is sent.
    Running,
    /// Holds a command back until `CLIENT PAUSE` or `DEBUG SLEEP` is over.
    Postponed,
    /// Reads nothing until its peer has read some of what it is owed.
    OutputFull,
    /// Waits for a key to hold something.
    Blocked,
    /// Waits for a piece of disk work to answer the command that runs.
    WaitingForDisk,
    /// Reads nothing more; ends when its output is out.
    ClosingAfterReply,
    /// Ends at the end of this turn, whatever it is owed.
    ClosingNow,
}

/// Which replies a connection gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyMode {
    /// All.
    On,
    /// None.
    Off,
    /// All but the next command's.
    SkipNext,
    /// All but this command's.
    SkipThis,
}

impl Session {
    /// A connection as it begins.
    #[must_use]
    pub fn new(conn: ConnId, id: u64, accept: Accept, is_authenticated: bool, now: Monotonic) -> Session {
        Session {
            conn,
            id,
            database: 0,
            state: State::Running,
            is_authenticated,
            reply_mode: ReplyMode::On,
            no_evict: false,
            no_touch: false,
            is_unix: accept.is_unix,
            is_local: accept.is_local,
            descriptor: accept.descriptor,
            name: Box::default(),
            library_name: Box::default(),
            library_version: Box::default(),
            peer: accept.peer.into_boxed_str(),
            local: accept.local.into_boxed_str(),
            connected_at: now,
            active_at: now,
            transaction: None,
            runs_transaction: false,
            saw_data: false,
            last_command: None,
        }
    }

    /// Whether nothing more will be run for this connection.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        matches!(self.state, State::ClosingAfterReply | State::ClosingNow)
    }

    /// Ends the connection once it has its replies.
    pub fn close_after_reply(&mut self) {
        if self.state != State::ClosingNow {
            self.state = State::ClosingAfterReply;
        }
    }
}
