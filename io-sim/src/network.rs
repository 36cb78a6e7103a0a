//! What is on its way between clients and the server, and into which pieces it is cut.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rotom_core::net::ConnId;
use std::ops::Range;

/// The most one read takes, as for a driver with a buffer of this size.
pub const READ_LEN_MAX: usize = 64 * 1024;

/// Random pieces are mostly small, so that requests are cut inside their headers.
const PIECE_LEN_TYPICAL: usize = 16;

/// Names one client of a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Peer(pub(crate) usize);

/// Into which pieces what a client sends arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Whatever is there arrives at once, and output leaves at once.
    Whole,
    /// Every byte arrives alone, in a turn of its own; output leaves in pieces.
    Bytes,
    /// Both ways in pieces whose sizes the seed decides.
    Random,
}

/// Decides the sizes of pieces.
#[derive(Debug)]
pub struct Cutter {
    delivery: Delivery,
    random: ChaCha8Rng,
}

impl Cutter {
    /// Every size follows from `seed`.
    #[must_use]
    pub fn new(delivery: Delivery, seed: u64) -> Cutter {
        Cutter { delivery, random: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// How much of `len` bytes the server's next read gets.
    pub fn read_len(&mut self, len: usize) -> usize {
        let len = len.min(READ_LEN_MAX);
        match self.delivery {
            Delivery::Whole => len,
            Delivery::Bytes => len.min(1),
            Delivery::Random => self.piece(len),
        }
    }

    /// How much of `len` bytes the server's next write gets rid of.
    pub fn write_len(&mut self, len: usize) -> usize {
        match self.delivery {
            Delivery::Whole => len,
            Delivery::Bytes | Delivery::Random => self.piece(len),
        }
    }

    /// At least one byte of `len`: a few, or any number.
    fn piece(&mut self, len: usize) -> usize {
        if len <= 1 {
            return len;
        }
        if self.random.random_ratio(1, 2) {
            self.random.random_range(1..=len.min(PIECE_LEN_TYPICAL))
        } else {
            self.random.random_range(1..=len)
        }
    }
}

/// One client: its end of the connection, and what is on its way in both directions.
#[derive(Debug)]
pub(crate) struct PeerState {
    /// The server's handle; `None` once the connection has ended.
    pub conn: Option<ConnId>,
    /// Whether the server wants to read.
    pub is_read: bool,
    /// What `CLIENT LIST` shows as this client's address.
    pub address: String,
    /// Sent by the client and not read by the server: what is left of `sent` from `sent_from`.
    sent: Vec<u8>,
    sent_from: usize,
    /// Written by the server and not looked at by the client.
    received: Vec<u8>,
}

impl PeerState {
    pub fn new(conn: Option<ConnId>, address: String) -> PeerState {
        PeerState { conn, is_read: true, address, sent: Vec::new(), sent_from: 0, received: Vec::new() }
    }

    /// The client sends something.
    pub fn send(&mut self, bytes: &[u8]) {
        self.sent.drain(..self.sent_from);
        self.sent_from = 0;
        self.sent.extend_from_slice(bytes);
    }

    /// What the server can read now.
    pub fn readable(&self) -> &[u8] {
        if self.is_read && self.conn.is_some() { &self.sent[self.sent_from..] } else { &[] }
    }

    /// The server reads so many bytes; where they lie, for [`bytes`](Self::bytes).
    pub fn read(&mut self, len: usize) -> Range<usize> {
        let start = self.sent_from;
        self.sent_from += len;
        start..self.sent_from
    }

    /// Bytes that were read and lie where they were sent.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.sent[range]
    }

    /// The server writes something.
    pub fn deliver(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// The client takes what has come.
    pub fn receive(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.received)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_never_empty_and_follow_the_seed() {
        for delivery in [Delivery::Whole, Delivery::Bytes, Delivery::Random] {
            let (mut one, mut two) = (Cutter::new(delivery, 7), Cutter::new(delivery, 7));
            for len in [1, 2, 3, 100, 1_000_000] {
                for _ in 0..100 {
                    let (read, written) = (one.read_len(len), one.write_len(len));
                    assert!((1..=len.min(READ_LEN_MAX)).contains(&read));
                    assert!((1..=len).contains(&written));
                    assert_eq!((read, written), (two.read_len(len), two.write_len(len)));
                }
            }
            assert_eq!(one.read_len(0), 0);
        }
    }
}
