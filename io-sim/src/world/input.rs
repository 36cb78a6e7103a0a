//! What clients send arrives at the server: they themselves, their bytes, and their ends.

use super::{MILLION, World};
use crate::fault::{FaultKind, Site};
use crate::network::{Last, Peer};
use crate::witness::{End, Witness};
use rotom_core::Input;
use rotom_core::net::{Accept, Reading};
use std::time::Duration;

/// The descriptor the first client would have.
const FIRST_DESCRIPTOR: usize = 8;

/// Reads of one message that are cut.
const READS_MAX: usize = 256;

/// How long a driver that cannot accept waits before it tries again.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

// Where numbers are drawn.
const ORDER: Site = Site::named("order");
const READ: Site = Site::named("read");

impl World {
    /// Takes on whoever has connected.
    pub(super) fn accept(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        if self.accepts_at > now.monotonic {
            return;
        }
        while let Some(index) = self.waiting.pop_front() {
            let (operation, tries) = (self.links[index].operation, self.links[index].reads);
            if self.happens(FaultKind::AcceptError, operation, tries, Some(Peer(index)), witness) {
                self.links[index].reads += 1;
                self.waiting.push_front(index);
                self.accepts_at = now.monotonic + ACCEPT_RETRY;
                return;
            }
            let link = &mut self.links[index];
            let accept = Accept {
                peer: link.address.clone(),
                local: format!("127.0.0.1:{}", self.core.config().port),
                descriptor: i32::try_from(FIRST_DESCRIPTOR + index).unwrap_or(i32::MAX),
                is_local: true,
                is_unix: false,
            };
            self.trace.number(index as u64);
            match self.core.handle_accept(now, accept) {
                Ok(conn) => {
                    link.conn = Some(conn);
                    self.peer_of.insert(conn, index);
                    witness.accepted(now, Peer(index), &self.links[index].address);
                }
                Err(refusal) => {
                    witness.refused(now, Peer(index));
                    link.to_client.push(refusal.text(), now.monotonic, operation);
                }
            }
            self.alive.push(index);
        }
    }

    /// Reads a piece of what each client has sent.
    pub(super) fn deliver_input(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let mut ready: Vec<(u64, usize, usize)> = Vec::new();
        for &index in &self.alive {
            let link = &self.links[index];
            let len = link.readable_len(now.monotonic);
            if len > 0 {
                let operation = link.to_server.operation().unwrap_or(0);
                // However little a read gets, what has arrived is read in a bounded number of them.
                let read_len_max = self.conditions.read_len_max.max(len / READS_MAX);
                ready.push((operation, index, len.min(read_len_max)));
            }
        }
        if ready.len() > 1 && self.faults.rate(FaultKind::Reorder) > 0 {
            let faults = &self.faults;
            ready.sort_by_key(|&(operation, index, _)| {
                faults.draw(ORDER, operation, self.links[index].reads, MILLION)
            });
        }
        let mut pieces = Vec::with_capacity(ready.len());
        for (operation, index, len) in ready {
            let mut len = self.cutter.read_len(len);
            self.links[index].note_operation(operation);
            let reads = self.links[index].reads;
            self.links[index].reads += 1;
            if len > 1
                && reads < READS_MAX as u64
                && self.happens(FaultKind::PartialRead, operation, reads, None, witness)
            {
                len = self.piece(READ, operation, reads, len);
            }
            let link = &mut self.links[index];
            let Some(conn) = link.conn else { continue };
            let space = self.core.input_buffer(conn);
            let is_large = space.is_some();
            let range = link.to_server.read(space.as_ref().map_or(len, |space| len.min(space.len())));
            let bytes = link.to_server.bytes(range.clone());
            self.trace.number(index as u64);
            self.trace.bytes(bytes);
            witness.read(now, Peer(index), bytes);
            if let Some(space) = space {
                space[..bytes.len()].copy_from_slice(bytes);
                link.is_read = self.core.handle_filled(now, conn, range.len()) == Reading::Continue;
            }
            if !is_large {
                pieces.push((index, conn, range));
            }
        }
        let mut inputs: Vec<Input<'_>> = pieces
            .iter()
            .map(|(index, conn, range)| Input {
                conn: *conn,
                bytes: self.links[*index].to_server.bytes(range.clone()),
                reading: Reading::Continue,
            })
            .collect();
        self.core.handle_inputs(now, &mut inputs);
        let readings: Vec<Reading> = inputs.iter().map(|input| input.reading).collect();
        for ((index, ..), reading) in pieces.iter().zip(readings) {
            self.links[*index].is_read = reading == Reading::Continue;
        }
        self.report_executions(witness);
    }

    /// Tells the server of connections that have ended on the other side.
    pub(super) fn deliver_ends(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        for place in 0..self.alive.len() {
            let index = self.alive[place];
            let Some(last) = self.links[index].due(now.monotonic) else { continue };
            let Some(conn) = self.links[index].conn.take() else { continue };
            self.trace.number(index as u64);
            self.forget(conn);
            let link = &mut self.links[index];
            link.to_server.clear();
            link.to_client.clear();
            self.core.handle_closed(now, conn);
            let end = if last == Last::Close { End::ByClient } else { End::Reset };
            witness.ended(now, Peer(index), end);
        }
    }
}
