//! What is on its way between clients and the server, and into which pieces it is cut.
//!
//! What can go wrong on a network, and how it shows here:
//!
//! * the server's read gets any part of what has arrived, and its write gets rid of any part of what it has: at every byte;
//! * a message takes longer than others, and so the messages of two connections arrive in another order than they were
//!   sent in; those of one connection never do;
//! * what arrives at the same instant on several connections is seen in any order;
//! * a client reads slowly or not at all for a while, so that the server's output stays with it;
//! * a client closes its end right behind a message, and never reads the answer;
//! * a connection breaks: a message is cut at any byte, the rest and everything on its way back is lost;
//! * the server cannot accept for a while, or a client does not get through at all.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rotom_core::net::ConnId;
use rotom_core::time::Monotonic;
use std::collections::VecDeque;
use std::ops::Range;

/// The most one read takes, as for a driver with a buffer of this size.
pub const READ_LEN_MAX: usize = 64 * 1024;

/// Random pieces are mostly small, so that requests are cut inside their headers.
const PIECE_LEN_TYPICAL: usize = 16;

/// Bytes that were read stay in a pipe's memory until so many are to be forgotten at once.
const FORGOTTEN_LEN_MIN: usize = 64 * 1024;

/// Names one client's connection in a world; a client that connects again gets another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Peer(pub usize);

/// Into which pieces what a client sends arrives, whatever faults add to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Whatever is there arrives at once, and output leaves at once.
    Whole,
    /// Every byte arrives alone, in a turn of its own; output leaves in pieces.
    Bytes,
    /// Both ways in pieces whose sizes the seed decides.
    Random,
}

/// What a network is like when nothing goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The longest read of the server's driver.
    pub read_len_max: usize,
    /// How much a connection holds on its way to a client that does not read.
    pub window_bytes: usize,
    /// The least time from one end to the other.
    pub latency_us: u64,
    /// By how much a message may take longer.
    pub jitter_us: u64,
    /// How long a slow client waits between two portions of what it is owed.
    pub slow_read_us: u64,
}

impl Default for Conditions {
    fn default() -> Conditions {
        Conditions {
            read_len_max: READ_LEN_MAX,
            window_bytes: usize::MAX,
            latency_us: 0,
            jitter_us: 0,
            slow_read_us: 1_000,
        }
    }
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

/// At least one of `len` bytes, chosen by two numbers below a million: mostly a few, else any share.
#[must_use]
pub(crate) fn piece_len(len: usize, kind: u64, share: u64) -> usize {
    let longest = if kind < 500_000 { len.min(PIECE_LEN_TYPICAL) } else { len };
    1 + (longest.saturating_sub(1) as u64 * share / 1_000_000) as usize
}

/// Bytes on their way in one direction. Each stretch arrives at a time of its own, none before the one ahead of it.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    bytes: Vec<u8>,
    /// Where what has not been read begins.
    from: usize,
    stretches: VecDeque<Stretch>,
}

#[derive(Debug)]
struct Stretch {
    arrives: Monotonic,
    /// Where it ends in `bytes`.
    end: usize,
    operation: u64,
}

impl Pipe {
    /// Puts bytes on their way.
    pub fn push(&mut self, bytes: &[u8], arrives: Monotonic, operation: u64) {
        if bytes.is_empty() {
            return;
        }
        if self.from == self.bytes.len() || self.from >= FORGOTTEN_LEN_MIN {
            self.bytes.drain(..self.from);
            for stretch in &mut self.stretches {
                stretch.end -= self.from;
            }
            self.from = 0;
        }
        self.bytes.extend_from_slice(bytes);
        let arrives = self.stretches.back().map_or(arrives, |last| last.arrives.max(arrives));
        self.stretches.push_back(Stretch { arrives, end: self.bytes.len(), operation });
    }

    /// How many bytes have arrived and not been read.
    pub fn arrived_len(&self, now: Monotonic) -> usize {
        let arrived = self.stretches.partition_point(|stretch| stretch.arrives <= now);
        arrived.checked_sub(1).map_or(0, |last| self.stretches[last].end - self.from)
    }

    /// When something arrives that has not yet.
    pub fn next_arrival(&self, now: Monotonic) -> Option<Monotonic> {
        let arrived = self.stretches.partition_point(|stretch| stretch.arrives <= now);
        self.stretches.get(arrived).map(|stretch| stretch.arrives)
    }

    /// When the last byte arrives.
    pub fn last_arrival(&self) -> Option<Monotonic> {
        self.stretches.back().map(|stretch| stretch.arrives)
    }

    /// What the first byte belongs to.
    pub fn operation(&self) -> Option<u64> {
        self.stretches.front().map(|stretch| stretch.operation)
    }

    /// All bytes that have not been read, arrived or not.
    pub fn len(&self) -> usize {
        self.bytes.len() - self.from
    }

    /// Reads the first `len` bytes; where they lie, for [`bytes`](Self::bytes), until something is pushed.
    pub fn read(&mut self, len: usize) -> Range<usize> {
        let start = self.from;
        self.from += len;
        while self.stretches.front().is_some_and(|stretch| stretch.end <= self.from) {
            self.stretches.pop_front();
        }
        start..self.from
    }

    /// Bytes that were read.
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.bytes[range]
    }

    /// Loses everything that is on its way.
    pub fn clear(&mut self) {
        *self = Pipe::default();
    }
}

/// What else is on its way to the server, behind the last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Last {
    /// The client has closed its end.
    Close,
    /// The connection is broken.
    Reset,
}

/// One client's connection, and what is on its way in both directions.
#[derive(Debug)]
pub(crate) struct Link {
    /// The server's handle; `None` before it was accepted and once it has ended.
    pub conn: Option<ConnId>,
    /// Whether the server wants to read.
    pub is_read: bool,
    /// What `CLIENT LIST` shows as this client's address.
    pub address: String,
    pub to_server: Pipe,
    /// What comes behind the last byte, and when.
    pub last: Option<(Monotonic, Last)>,
    pub to_client: Pipe,
    /// When the client next looks at what has come.
    pub takes_at: Monotonic,
    /// What the client has taken and nobody has asked for.
    pub received: Vec<u8>,
    /// What the bytes that were last read belong to.
    pub operation: u64,
    /// Reads and writes of the server, and looks of the client, since that changed.
    pub reads: u64,
    pub writes: u64,
    pub takes: u64,
}

impl Link {
    pub fn new(address: String) -> Link {
        Link {
            conn: None,
            is_read: true,
            address,
            to_server: Pipe::default(),
            last: None,
            to_client: Pipe::default(),
            takes_at: Monotonic(0),
            received: Vec::new(),
            operation: 0,
            reads: 0,
            writes: 0,
            takes: 0,
        }
    }

    /// How much the server could read now.
    pub fn readable_len(&self, now: Monotonic) -> usize {
        if self.is_read && self.conn.is_some() { self.to_server.arrived_len(now) } else { 0 }
    }

    /// What the server learns next, when all bytes before it are read, or at once when it cannot be held up.
    pub fn due(&self, now: Monotonic) -> Option<Last> {
        let (at, last) = self.last?;
        // Whoever is not read from does not get to say goodbye either; a reset is noticed at once.
        let is_next = last == Last::Reset || self.is_read && self.to_server.len() == 0;
        (self.conn.is_some() && at <= now && is_next).then_some(last)
    }

    /// Whether anything is still to come of it.
    pub fn is_alive(&self) -> bool {
        self.conn.is_some() || self.to_client.len() > 0
    }

    /// The next moment at which something happens on it.
    pub fn next_event(&self, now: Monotonic) -> Option<Monotonic> {
        let input = if self.conn.is_some() { self.to_server.next_arrival(now) } else { None };
        let last = self.last.map(|(at, _)| at).filter(|&at| at > now && self.conn.is_some());
        let output = self.to_client.next_arrival(now);
        let take = (self.takes_at > now && self.to_client.len() > 0).then_some(self.takes_at);
        [input, last, output, take].into_iter().flatten().min()
    }

    /// Begins to count reads and writes anew when other bytes are read.
    pub fn note_operation(&mut self, operation: u64) {
        if self.operation != operation {
            self.operation = operation;
            (self.reads, self.writes, self.takes) = (0, 0, 0);
        }
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
                    assert!((1..=len).contains(&read));
                    assert!((1..=len).contains(&written));
                    assert_eq!((read, written), (two.read_len(len), two.write_len(len)));
                }
            }
            assert_eq!(one.read_len(0), 0);
        }
        for (kind, share) in [(0, 0), (0, 999_999), (999_999, 0), (999_999, 999_999)] {
            for len in [1, 2, 15, 16, 17, 1_000_000] {
                assert!((1..=len).contains(&piece_len(len, kind, share)));
            }
        }
    }

    #[test]
    fn a_pipe_keeps_its_order_however_long_a_message_takes() {
        let mut pipe = Pipe::default();
        pipe.push(b"one", Monotonic(50), 1);
        pipe.push(b"two", Monotonic(20), 2);
        assert_eq!(
            (pipe.arrived_len(Monotonic(49)), pipe.next_arrival(Monotonic(49))),
            (0, Some(Monotonic(50)))
        );
        assert_eq!((pipe.arrived_len(Monotonic(50)), pipe.next_arrival(Monotonic(50))), (6, None));
        assert_eq!(pipe.operation(), Some(1));
        let range = pipe.read(4);
        assert_eq!(pipe.bytes(range), b"onet");
        assert_eq!((pipe.operation(), pipe.len()), (Some(2), 2));
        pipe.push(b"!", Monotonic(60), 3);
        assert_eq!(pipe.arrived_len(Monotonic(55)), 2);
        let range = pipe.read(2);
        assert_eq!(pipe.bytes(range), b"wo");
        assert_eq!(pipe.last_arrival(), Some(Monotonic(60)));
    }
}
