//! The table of connections. A slot is used again; its generation then differs, so that a handle to the
//! connection it held before finds nobody.

use crate::input::PendingInput;
use crate::net::{Accept, ConnId};
use crate::persistence::Held;
use crate::resp::Reply;
use crate::session::Session;
use crate::time::Monotonic;

/// One connection: who it is, what it has sent that could not be run yet, what it is owed.
#[derive(Debug)]
pub struct Client {
    /// Who it is.
    pub session: Session,
    /// What it is owed.
    pub reply: Reply,
    /// What it has sent and could not be run yet.
    pub(crate) input: PendingInput,
    /// Whether it stands in the queue of those with releasable output.
    pub(crate) is_queued_writable: bool,
    /// Whether the driver was told to stop reading from it.
    pub(crate) is_reading_paused: bool,
    /// Since when its output has been above the soft limit of `client-output-buffer-limit`.
    pub(crate) soft_limit_since: Option<Monotonic>,
    /// What of its output has to wait, under `appendfsync always`.
    pub(crate) held: Option<Box<Held>>,
}

impl Client {
    /// Bytes it takes, buffers included.
    pub(crate) fn allocated_bytes(&self) -> usize {
        size_of::<Client>() + self.input.allocated_bytes() + self.reply.allocated_bytes()
    }
}

/// All connections.
#[derive(Debug, Default)]
pub struct Clients {
    slots: Vec<Slot>,
    free: Vec<u32>,
    count: usize,
    next_id: u64,
}

#[derive(Debug)]
struct Slot {
    generation: u32,
    /// Empty while the slot is free, and while its client is checked out to run its commands.
    client: Option<Box<Client>>,
    is_taken: bool,
}

impl Slot {
    /// Whether a handle means the connection in this slot, rather than one it held before.
    #[inline]
    fn is_of(&self, conn: ConnId) -> bool {
        sometimes!(Mark::LateEvent, self.is_taken && self.generation != conn.generation);
        self.generation == conn.generation || mutant!(Mutant::LateEvent)
    }
}

impl Clients {
    /// How many connections there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds a connection.
    pub(crate) fn open(&mut self, accept: Accept, is_authenticated: bool, now: Monotonic) -> ConnId {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, client: None, is_taken: false });
            (self.slots.len() - 1) as u32
        });
        let entry = &mut self.slots[slot as usize];
        let conn = ConnId { slot, generation: entry.generation };
        self.next_id += 1;
        entry.is_taken = true;
        entry.client = Some(Box::new(Client {
            session: Session::new(conn, self.next_id, accept, is_authenticated, now),
            reply: Reply::default(),
            input: PendingInput::default(),
            is_queued_writable: false,
            is_reading_paused: false,
            soft_limit_since: None,
            held: None,
        }));
        self.count += 1;
        conn
    }

    /// Looks a connection up.
    #[must_use]
    pub fn find(&self, conn: ConnId) -> Option<&Client> {
        let slot = self.slots.get(conn.slot())?;
        if slot.is_of(conn) { slot.client.as_deref() } else { None }
    }

    /// Looks a connection up to change it.
    pub fn find_mut(&mut self, conn: ConnId) -> Option<&mut Client> {
        let slot = self.slots.get_mut(conn.slot())?;
        if slot.is_of(conn) { slot.client.as_deref_mut() } else { None }
    }

    /// Takes a client out of the table while its commands run, so that they can look at all the others.
    /// It must be brought back with [`check_in`](Self::check_in).
    #[inline]
    pub(crate) fn check_out(&mut self, conn: ConnId) -> Option<Box<Client>> {
        let slot = self.slots.get_mut(conn.slot())?;
        if slot.is_of(conn) { slot.client.take() } else { None }
    }

    /// Brings a client back.
    #[inline]
    pub(crate) fn check_in(&mut self, client: Box<Client>) {
        let slot = &mut self.slots[client.session.conn.slot()];
        debug_assert!(slot.is_taken && slot.client.is_none());
        debug_assert_eq!(slot.generation, client.session.conn.generation);
        slot.client = Some(client);
    }

    /// Ends a connection and frees its slot. Its handle names nobody from here on.
    pub(crate) fn close(&mut self, conn: ConnId) -> Option<Box<Client>> {
        let client = self.check_out(conn)?;
        let slot = &mut self.slots[conn.slot()];
        slot.generation = slot.generation.wrapping_add(1);
        slot.is_taken = false;
        self.free.push(conn.slot);
        self.count -= 1;
        Some(client)
    }

    /// Every connection but one that is checked out, in the order of their slots.
    pub fn iter(&self) -> impl Iterator<Item = &Client> {
        self.slots.iter().filter_map(|slot| slot.client.as_deref())
    }

    /// Every connection but one that is checked out, in the order of their slots, to change them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Client> {
        self.slots.iter_mut().filter_map(|slot| slot.client.as_deref_mut())
    }

    /// The connections in a range of slots, for work that goes around in slices; the range wraps to a number
    /// of slots.
    pub(crate) fn slot_count(&self) -> usize {
        self.slots.len()
    }

    /// The connection in a slot.
    pub(crate) fn in_slot(&mut self, slot: usize) -> Option<&mut Client> {
        self.slots.get_mut(slot)?.client.as_deref_mut()
    }

    /// Finds a connection, other than one checked out, by the number `CLIENT ID` reports.
    pub fn by_id(&mut self, id: u64) -> Option<&mut Client> {
        self.iter_mut().find(|client| client.session.id == id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accept() -> Accept {
        Accept {
            peer: "127.0.0.1:1".into(),
            local: "127.0.0.1:6379".into(),
            descriptor: 8,
            is_local: true,
            is_unix: false,
        }
    }

    #[test]
    fn a_late_handle_finds_nobody_in_a_reused_slot() {
        let mut clients = Clients::default();
        let first = clients.open(accept(), true, Monotonic(0));
        assert!(clients.find(first).is_some());
        clients.close(first).unwrap();
        let second = clients.open(accept(), true, Monotonic(0));
        assert_eq!(first.slot(), second.slot());
        assert!(clients.find(first).is_none());
        assert!(clients.close(first).is_none());
        assert_eq!(clients.find(second).unwrap().session.id, 2);
        assert_eq!(clients.len(), 1);
    }
}
