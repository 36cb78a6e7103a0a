//! What the driver knows of each connection, in 16 bytes: its handle, its socket, and how far it stands with both.

use rotom_core::net::ConnId;
use std::net::TcpStream;
use std::ops::BitOr;

/// How a connection stands, as a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u16);

impl Flags {
    /// An edge said that there is input, and no read has come back short since.
    pub const READABLE: Flags = Flags(1);
    /// The peer sends nothing more: read until the end, for no further edge will come.
    pub const HALF_CLOSED: Flags = Flags(1 << 1);
    /// The core does not want input for now, or ever again.
    pub const PAUSED: Flags = Flags(1 << 2);
    /// It stands in the queue of connections to read from.
    pub const READ_QUEUED: Flags = Flags(1 << 3);
    /// It stands in the queue of connections to write to.
    pub const WRITE_QUEUED: Flags = Flags(1 << 4);
    /// The socket took less than it was given; an edge will say when it takes more.
    pub const WRITE_BLOCKED: Flags = Flags(1 << 5);
    /// All input was read; the connection ends when its output is out.
    pub const INPUT_ENDED: Flags = Flags(1 << 6);
    /// A Unix socket that has never been full, and is not watched for output so far.
    pub const UNIX: Flags = Flags(1 << 7);

    /// Whether any of these bits are set.
    #[inline]
    pub fn has(self, other: Flags) -> bool {
        self.0 & other.0 != 0
    }

    /// Sets these bits.
    #[inline]
    pub fn set(&mut self, other: Flags) {
        self.0 |= other.0;
    }

    /// Clears these bits.
    #[inline]
    pub fn clear(&mut self, other: Flags) {
        self.0 &= !other.0;
    }
}

impl BitOr for Flags {
    type Output = Flags;

    #[inline]
    fn bitor(self, other: Flags) -> Flags {
        Flags(self.0 | other.0)
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    id: ConnId,
    /// The socket. A Unix socket is held in this type too: reading and writing are the same system calls.
    pub socket: TcpStream,
    pub flags: Flags,
}

impl Connection {
    /// Whether it should be put into the queue of those to read from.
    #[inline]
    pub fn should_queue_read(&self) -> bool {
        self.flags.has(Flags::READABLE)
            && !self.flags.has(Flags::PAUSED | Flags::READ_QUEUED | Flags::INPUT_ENDED)
    }
}

/// All connections, by the slot of their handle.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    slots: Vec<Option<Connection>>,
}

impl Connections {
    /// Adds a connection.
    pub fn insert(&mut self, id: ConnId, socket: TcpStream, flags: Flags) {
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        self.slots[id.slot()] = Some(Connection { id, socket, flags });
    }

    /// A connection, if it is still there.
    #[inline]
    pub fn find(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.slots.get_mut(id.slot())?.as_mut().filter(|connection| connection.id == id)
    }

    /// Ends a connection: its socket is closed. Returns whether it was there.
    pub fn close(&mut self, id: ConnId) -> bool {
        if self.find(id).is_none() {
            return false;
        }
        self.slots[id.slot()] = None;
        true
    }
}

// The budget is 32 bytes a connection, of which the queues may take 16.
const _: () = assert!(size_of::<Option<Connection>>() <= 16);

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn a_late_handle_finds_nobody() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = || TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (old, new) = (ConnId::from_u64(3), ConnId::from_u64(3 | 1 << 32));
        let mut connections = Connections::default();
        assert!(connections.find(old).is_none());
        connections.insert(old, socket(), Flags::default());
        assert!(connections.find(old).is_some());
        assert!(connections.find(new).is_none());
        assert!(connections.close(old));
        connections.insert(new, socket(), Flags::UNIX);
        assert!(connections.find(old).is_none());
        assert!(!connections.close(old));
        assert!(connections.find(new).is_some_and(|connection| connection.flags.has(Flags::UNIX)));
    }

    #[test]
    fn who_is_read_from() {
        let check = |flags: &[Flags], expected| {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut all = Flags::default();
            flags.iter().for_each(|&flag| all.set(flag));
            let connection = Connection { id: ConnId::from_u64(0), socket, flags: all };
            assert_eq!(connection.should_queue_read(), expected, "{flags:?}");
        };
        check(&[], false);
        check(&[Flags::READABLE], true);
        check(&[Flags::READABLE, Flags::HALF_CLOSED], true);
        check(&[Flags::READABLE, Flags::PAUSED], false);
        check(&[Flags::READABLE, Flags::READ_QUEUED], false);
        check(&[Flags::READABLE, Flags::INPUT_ENDED], false);
        check(&[Flags::HALF_CLOSED], false);
    }
}
