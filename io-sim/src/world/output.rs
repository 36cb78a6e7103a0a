//! What the server writes goes to its clients, and what it does with sockets.

use super::World;
use crate::fault::{FaultKind, Site};
use crate::network::Peer;
use crate::witness::{End, Witness};
use rotom_core::net::{ConnId, NetEffect};
use std::io::IoSlice;
use std::time::Duration;

/// Slices of output lent at once.
const SLICES_MAX: usize = 16;

// Where numbers are drawn.
const WRITE: Site = Site::named("write");
const TAKE: Site = Site::named("take");
const WAIT: Site = Site::named("wait");

impl World {
    /// Writes a piece of what each connection is owed. Whether any is owed something new.
    pub(super) fn write_output(&mut self, witness: &mut dyn Witness) -> bool {
        let mut writable = std::mem::take(&mut self.unwritten);
        let mut is_new = false;
        while let Some(conn) = self.core.poll_writable() {
            is_new = true;
            writable.insert(conn);
        }
        for conn in writable {
            let Some(&index) = self.peer_of.get(&conn) else { continue };
            self.write_to(conn, index, witness);
            if self.core.output(conn, &mut [IoSlice::new(&[])]) > 0 {
                self.unwritten.insert(conn);
            }
            self.perform_net(witness);
        }
        is_new
    }

    pub(super) fn write_to(&mut self, conn: ConnId, index: usize, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let window = self.window(conn);
        let total = {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.core.output(conn, &mut slices);
            slices[..count].iter().map(|slice| slice.len()).sum::<usize>().min(window)
        };
        if total == 0 {
            return;
        }
        let mut len = self.cutter.write_len(total);
        let (operation, writes) = (self.links[index].operation, self.links[index].writes);
        self.links[index].writes += 1;
        if len > 1 && self.happens(FaultKind::PartialWrite, operation, writes, None, witness) {
            len = self.piece(WRITE, operation, writes, len);
        }
        let arrives = now.monotonic + Duration::from_micros(self.conditions.latency_us);
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let count = self.core.output(conn, &mut slices);
        let mut left = len;
        self.trace.number(index as u64);
        for slice in &slices[..count] {
            let piece = &slice[..slice.len().min(left)];
            self.trace.bytes(piece);
            self.links[index].to_client.push(piece, arrives, operation);
            left -= piece.len();
        }
        self.core.handle_written(now, conn, len);
    }

    /// How much of its output a connection has room for.
    pub(super) fn window(&self, conn: ConnId) -> usize {
        let Some(&index) = self.peer_of.get(&conn) else { return 0 };
        self.conditions.window_bytes.saturating_sub(self.links[index].to_client.len())
    }

    /// Lets each client look at what has come.
    pub(super) fn take_output(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        for place in 0..self.alive.len() {
            let index = self.alive[place];
            let link = &mut self.links[index];
            let len = link.to_client.arrived_len(now.monotonic);
            if len == 0 || link.takes_at > now.monotonic {
                continue;
            }
            let (operation, takes) = (link.operation, link.takes);
            link.takes += 1;
            let mut taken = len;
            if self.happens(FaultKind::SlowReader, operation, takes, Some(Peer(index)), witness) {
                taken = self.piece(TAKE, operation, takes, len);
                let wait = self.faults.draw(WAIT, operation, takes, 2 * self.conditions.slow_read_us + 1);
                self.links[index].takes_at = now.monotonic + Duration::from_micros(wait);
            }
            let link = &mut self.links[index];
            let range = link.to_client.read(taken);
            let bytes = link.to_client.bytes(range);
            witness.received(now, Peer(index), bytes);
            link.received.extend_from_slice(bytes);
        }
    }

    /// Does with sockets what the server asks for. Whether that was anything.
    pub(super) fn perform_net(&mut self, witness: &mut dyn Witness) -> bool {
        let now = self.clock.now();
        let mut has_any = false;
        while let Some(effect) = self.core.poll_net() {
            has_any = true;
            match effect {
                NetEffect::Close(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.links[index].conn = None;
                        self.links[index].to_server.clear();
                        self.trace.number(index as u64);
                        witness.ended(now, Peer(index), End::ByServer);
                    }
                    self.forget(conn);
                }
                NetEffect::Resume(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.links[index].is_read = true;
                    }
                }
                // There is one way in, and it is always open.
                NetEffect::Reconfigure => {}
                NetEffect::Exit(status) => self.exit_status = Some(status),
            }
        }
        has_any
    }

    pub(super) fn forget(&mut self, conn: ConnId) {
        self.peer_of.remove(&conn);
        self.unwritten.remove(&conn);
    }
}
