//! Replies that wait: under `appendfsync always` nobody hears of what is not durable.
//!
//! What a client is told depends on everything that was executed before it was told. So a reply waits for the last
//! batch there was when its turn ended, whether it answers a write or a read that may have seen one. Clients that have
//! touched no data wait for nobody, unless they are owed something that does.

use super::log::Batch;
use crate::client::Client;
use crate::core::Core;
use crate::net::ConnId;
use std::collections::VecDeque;

/// Clients with replies that wait, in the order of what they wait for.
#[derive(Debug, Default)]
pub(crate) struct Waiting(VecDeque<(Batch, ConnId)>);

/// The output of a client of which a part waits.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Bytes at the front that wait for nothing.
    free_bytes: usize,
    /// Behind them pieces, each with what it waits for.
    pieces: VecDeque<(usize, Batch)>,
}

impl Held {
    /// Bytes that may go out.
    pub fn free_bytes(&self) -> usize {
        self.free_bytes
    }

    /// So many bytes went out.
    pub fn advance(&mut self, len_bytes: usize) {
        self.free_bytes -= len_bytes;
    }

    fn len_bytes(&self) -> usize {
        self.free_bytes + self.pieces.iter().map(|piece| piece.0).sum::<usize>()
    }
}

impl Core {
    /// Holds back what clients were told in this turn until what it depends on is durable.
    pub(crate) fn hold_replies(&mut self) {
        let batch = self.persistence.log.sealed();
        let is_durable = self.persistence.log.is_durable();
        for &conn in &self.writable {
            let Some(client) = self.server.clients.find_mut(conn) else { continue };
            let saw_data = std::mem::take(&mut client.session.saw_data);
            let must_wait = saw_data && !is_durable && !mutant!(Mutant::ReplyBeforeDurable);
            if client.hold(must_wait, batch) {
                self.persistence.waiting.0.push_back((batch, conn));
            }
        }
    }

    /// Lets go what waited for batches that are durable now.
    pub(crate) fn release_replies(&mut self) {
        let durable = self.persistence.log.durable();
        while let Some(&(batch, conn)) = self.persistence.waiting.0.front() {
            if batch > durable {
                break;
            }
            self.persistence.waiting.0.pop_front();
            let Some(client) = self.server.clients.find_mut(conn) else { continue };
            sometimes!(Mark::ReplyReleased);
            client.release(durable);
            if !std::mem::replace(&mut client.is_queued_writable, true) {
                self.writable.push_back(conn);
            }
        }
    }

    /// Lets everything go: nothing is promised any more.
    pub(crate) fn release_all_replies(&mut self) {
        if self.persistence.waiting.0.is_empty() {
            return;
        }
        for (_, conn) in std::mem::take(&mut self.persistence.waiting.0) {
            let Some(client) = self.server.clients.find_mut(conn) else { continue };
            client.held = None;
            if !std::mem::replace(&mut client.is_queued_writable, true) {
                self.writable.push_back(conn);
            }
        }
    }
}

impl Client {
    /// Holds what the client was told since the last time, if it has to. Whether it waits for `batch` now.
    fn hold(&mut self, must_wait: bool, batch: Batch) -> bool {
        if self.held.is_none() && !must_wait {
            return false;
        }
        let held = self.held.get_or_insert_default();
        let new_bytes = self.reply.len() - held.len_bytes();
        if new_bytes == 0 {
            return false;
        }
        match held.pieces.back_mut() {
            Some(last) if !must_wait || last.1 == batch => {
                last.0 += new_bytes;
                false
            }
            _ => {
                held.pieces.push_back((new_bytes, batch));
                true
            }
        }
    }

    fn release(&mut self, durable: Batch) {
        let Some(held) = &mut self.held else { return };
        while let Some(&(len_bytes, batch)) = held.pieces.front()
            && batch <= durable
        {
            held.free_bytes += len_bytes;
            held.pieces.pop_front();
        }
        if held.pieces.is_empty() {
            self.held = None;
        }
    }
}
