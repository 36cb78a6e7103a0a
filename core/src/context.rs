//! What a command function is given.

use crate::args::Args;
use crate::commands::Command;
use crate::dataset::Keys;
use crate::error::CommandError;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::server::Server;
use crate::session::Session;

/// What a command function returns: what to propagate, or why it refused. A command that refuses has changed
/// nothing and has written nothing of its reply.
pub type CommandResult = Result<Propagate, CommandError>;

/// Everything a command may look at and change.
#[derive(Debug)]
pub struct Context<'a> {
    /// The command's row in its table.
    pub command: &'static Command,
    /// What was sent.
    pub args: &'a Args<'a>,
    /// The selected database, and through it the others.
    pub keys: Keys<'a>,
    /// The connection that asks.
    pub session: &'a mut Session,
    /// Where the answer goes.
    pub reply: &'a mut Reply,
    /// Configuration, statistics, the other connections, effects.
    pub server: &'a mut Server,
}
