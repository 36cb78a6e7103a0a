//! [`Witness`]: whoever wants to know what happens in a world, in the order in which it happens.

use crate::fault::FaultKind;
use crate::network::Peer;
use rotom_core::disk::{DiskCompletion, Lane};
use rotom_core::time::Now;
use rotom_core::{Core, LogLine};

/// How a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    ByServer,
    /// The client closed it, and the server has read all that was sent before.
    ByClient,
    /// It broke: what was on its way in either direction is lost.
    Reset,
    /// The server is gone.
    Crash,
}

/// Sees all that happens. Every method does nothing unless it is written otherwise.
pub trait Witness {
    /// The server took on a connection.
    fn accepted(&mut self, _: Now, _: Peer, _address: &str) {}

    /// The server refused a connection.
    fn refused(&mut self, _: Now, _: Peer) {}

    /// The server has read this.
    fn read(&mut self, _: Now, _: Peer, _bytes: &[u8]) {}

    /// The server has executed this client's next request, with these effects.
    fn executed(&mut self, _: Now, _: Peer, _effects: &[u8]) {}

    /// The server has refused this client's next request because what it might write cannot be kept.
    fn turned_down(&mut self, _: Now, _: Peer) {}

    /// The server has served a client that waited for a key: it has run that request again, with these effects.
    fn served(&mut self, _: Now, _: Peer, _effects: &[u8]) {}

    /// The server has ended a client's wait for a key because its time was over.
    fn timed_out(&mut self, _: Now, _: Peer) {}

    /// The server has changed something of its own accord.
    fn background(&mut self, _: Now, _effects: &[u8]) {}

    /// The client has received this.
    fn received(&mut self, _: Now, _: Peer, _bytes: &[u8]) {}

    /// A connection has ended on the server's side. What is on its way to the client may still arrive.
    fn ended(&mut self, _: Now, _: Peer, _: End) {}

    /// A turn has ended, with all its effects.
    fn turned(&mut self, _: Now, _: &Core) {}

    /// Something went wrong, as it was meant to.
    fn fault(&mut self, _: Now, _: FaultKind, _: Option<Peer>) {}

    /// The server logged something.
    fn logged(&mut self, _: Now, _: &LogLine) {}

    /// Whether the world is to stop where it is: asked after every turn, and again by whoever lets it go on.
    fn wants_pause(&self) -> bool {
        false
    }

    /// A piece of disk work has ended.
    fn disk(&mut self, _: Now, _: Lane, _: &DiskCompletion) {}
}

impl Witness for () {}
