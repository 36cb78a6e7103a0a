//! What one client is owed: encoded replies in the order they are to be sent.
//!
//! # Layout
//!
//! Small replies are appended to the *tail*, a chunk from the [`ChunkPool`]. A full tail is *sealed* and another
//! one begun. A chunk's memory never moves while it holds anything, so slices lent to a driver stay true whatever
//! is appended meanwhile. A large value is not copied: it is kept as shared [`Bytes`] beside the chunks, with the
//! offset it belongs at in the stream of chunk bytes.
//!
//! ```text
//!   chunk stream   │ sealed │ sealed │ tail ───►
//!                  ▲    ▲        ▲
//!      what is sent│    │ shared │ shared
//! ```
//!
//! Everything is in order of the stream: a shared value goes out before the chunk byte at its offset. When all has
//! been sent no memory is held.
//!
//! Encoding is in `encode.rs`.

use super::chunk_pool::{CHUNK_LEN_BYTES, ChunkPool};
use bytes::{Buf, Bytes};
use std::collections::VecDeque;
use std::io::IoSlice;

/// The length from which a shared bulk is not copied.
pub const SHARED_BULK_LEN_BYTES_MIN: usize = 16 * 1024;

/// How much room [`Reply::ensure_chunk`] sees to: enough for most replies.
const ENSURED_ROOM_BYTES: usize = 128;

/// The version of the protocol that a client speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// What a connection starts with.
    #[default]
    Resp2,
    /// After `HELLO 3`.
    Resp3,
}

/// The output of one client.
#[derive(Debug, Default)]
pub struct Reply {
    /// The chunk that is being filled. Unallocated when nothing is owed.
    pub(super) tail: Vec<u8>,
    pub(super) protocol: Protocol,
    /// Whether what is appended vanishes.
    pub(super) is_suppressed: bool,
    /// How many lengths have been left open.
    pub(super) deferred_open: u32,
    /// The offset in the stream of the tail's first byte.
    pub(super) tail_start: u64,
    /// Chunks before the tail. Invariant: none is empty.
    pub(super) sealed: VecDeque<Vec<u8>>,
    /// Large values, in order of their offset.
    pub(super) shared: VecDeque<Shared>,
    /// The offset of the first byte that has not been sent.
    sent: u64,
    /// The sealed chunks' capacity.
    pub(super) sealed_bytes: usize,
    /// What is still to be sent of the shared values.
    shared_bytes: usize,
}

/// A value that leaves as it is.
#[derive(Debug)]
pub(super) struct Shared {
    /// The offset in the stream of chunk bytes that it goes before.
    pub(super) at: u64,
    /// What has not been sent of it.
    bytes: Bytes,
}

impl Reply {
    /// Nothing owed, RESP2.
    #[must_use]
    pub fn new() -> Reply {
        Reply::default()
    }

    /// The protocol replies are encoded in.
    #[must_use]
    #[inline]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Encodes what follows in another protocol.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.protocol = protocol;
    }

    /// Makes everything appended from here on vanish, for `CLIENT REPLY OFF` and `SKIP`, or come through again.
    /// A push is to come through even then: the caller lifts the suppression for its time.
    pub fn set_suppressed(&mut self, is_suppressed: bool) {
        assert_eq!(self.deferred_open, 0, "a reply is wholly sent or not at all");
        self.is_suppressed = is_suppressed;
    }

    /// Whether what is appended vanishes.
    #[must_use]
    pub fn is_suppressed(&self) -> bool {
        self.is_suppressed
    }

    /// Sees to a chunk with some room in it, so that the next small replies allocate nothing. To be called before
    /// a command runs; without it chunks come from the allocator.
    #[inline]
    pub fn ensure_chunk(&mut self, pool: &mut ChunkPool) {
        if self.tail.capacity() - self.tail.len() < ENSURED_ROOM_BYTES {
            let chunk = pool.take();
            self.seal_with(chunk);
        }
    }

    /// How many bytes are still to be sent.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        (self.end() - self.sent) as usize + self.shared_bytes
    }

    /// Whether everything has been sent.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.end() == self.sent && self.shared.is_empty()
    }

    /// The memory held for output, shared values included: what the limits on a client's output go by.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.sealed_bytes + self.tail.capacity() + self.shared_bytes
    }

    /// How many pieces of output there are: `oll` in `CLIENT LIST`.
    #[must_use]
    pub fn chunk_count(&self) -> usize {
        self.sealed.len() + self.shared.len() + usize::from(!self.tail.is_empty())
    }

    /// Lends the front of what is to be sent, as many slices as `out` has room for; answers how many it is. They
    /// stay where they are until [`advance`](Self::advance), whatever is appended.
    pub fn slices<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        self.first_slices(usize::MAX, out)
    }

    /// As [`slices`](Self::slices), of no more than the first `len_bytes`.
    pub fn first_slices<'a>(&'a self, mut len_bytes: usize, out: &mut [IoSlice<'a>]) -> usize {
        debug_assert_eq!(self.deferred_open, 0, "an open length must not be sent");
        let mut count = 0;
        let mut at = self.sent;
        let mut shared = self.shared.iter().peekable();
        let mut chunk_end = self.first_start();
        for chunk in self.sealed.iter().chain([&self.tail]) {
            let chunk_start = chunk_end;
            chunk_end += chunk.len() as u64;
            loop {
                // A shared value that goes before the next byte, or a run of bytes up to the next shared value.
                let next_shared = shared.peek().map_or(u64::MAX, |shared| shared.at);
                let slice = if next_shared == at {
                    // There is one: it was just looked at.
                    &shared.next().expect("peeked").bytes[..]
                } else if at < chunk_end {
                    let run_end = chunk_end.min(next_shared);
                    let run = &chunk[(at - chunk_start) as usize..(run_end - chunk_start) as usize];
                    at = run_end;
                    run
                } else {
                    break;
                };
                if len_bytes == 0 {
                    return count;
                }
                let Some(place) = out.get_mut(count) else {
                    return count;
                };
                let slice = &slice[..slice.len().min(len_bytes)];
                len_bytes -= slice.len();
                *place = IoSlice::new(slice);
                count += 1;
            }
        }
        count
    }

    /// Takes note that the first `count` bytes have been sent, and frees what held them. Panics when that is more
    /// than was to be sent.
    pub fn advance(&mut self, mut count: usize, pool: &mut ChunkPool) {
        assert!(count <= self.len(), "no more can be sent than there is");
        debug_assert_eq!(self.deferred_open, 0, "an open length must not be sent");
        let end = self.end();
        while count > 0 {
            let sent = match self.shared.front_mut() {
                Some(front) if front.at == self.sent => {
                    let part = count.min(front.bytes.len());
                    front.bytes.advance(part);
                    self.shared_bytes -= part;
                    sometimes!(Mark::PartialWriteOfShared, !front.bytes.is_empty());
                    if front.bytes.is_empty() {
                        self.shared.pop_front();
                    }
                    part
                }
                front => {
                    let run_end = front.map_or(end, |front| front.at);
                    let part = count.min((run_end - self.sent) as usize);
                    self.sent += part as u64;
                    part
                }
            };
            count -= sent;
        }
        self.release_sent(pool);
    }

    /// Whether a part of what was owed has been sent, and another not.
    #[cfg(feature = "simulation")]
    pub(crate) fn is_partly_sent(&self) -> bool {
        !self.is_empty() && self.sent > 0
    }

    /// Gives up everything that has not been sent, as for a client that is gone.
    pub fn clear(&mut self, pool: &mut ChunkPool) {
        self.deferred_open = 0;
        self.shared.clear();
        self.shared_bytes = 0;
        self.sent = self.end();
        self.release_sent(pool);
    }
}

// Storage, for the encoder.
impl Reply {
    /// The offset behind the last chunk byte.
    #[inline]
    pub(super) fn end(&self) -> u64 {
        self.tail_start + self.tail.len() as u64
    }

    /// The offset of the first chunk byte that is still held.
    fn first_start(&self) -> u64 {
        self.tail_start - self.sealed.iter().map(|chunk| chunk.len() as u64).sum::<u64>()
    }

    /// Appends bytes. The tail has room for them nearly always.
    #[inline(always)]
    pub(super) fn append(&mut self, bytes: &[u8]) {
        if self.tail.capacity() - self.tail.len() >= bytes.len() {
            self.tail.extend_from_slice(bytes);
        } else {
            self.append_slowly(bytes);
        }
    }

    /// Appends the first `len` bytes of an array. Copying all of it, when there is room, is cheaper than finding
    /// out how much to copy.
    #[inline(always)]
    pub(super) fn append_start<const N: usize>(&mut self, bytes: &[u8; N], len: usize) {
        if self.tail.capacity() - self.tail.len() >= N {
            let end = self.tail.len() + len;
            self.tail.extend_from_slice(bytes);
            self.tail.truncate(end);
        } else {
            self.append_slowly(&bytes[..len]);
        }
    }

    /// The same for two words. They go out one by one: whoever puts them together in memory first waits until they have
    /// arrived there.
    #[inline(always)]
    pub(super) fn append_words(&mut self, words: [u64; 2], len: usize) {
        let [first, second] = words.map(u64::to_le_bytes);
        if self.tail.capacity() - self.tail.len() >= size_of_val(&words) {
            let end = self.tail.len() + len;
            self.tail.extend_from_slice(&first);
            self.tail.extend_from_slice(&second);
            self.tail.truncate(end);
        } else {
            self.append_slowly(&[first, second].concat()[..len]);
        }
    }

    /// Fills the tail and puts the rest into a chunk of its own size, if it is a large rest.
    #[cold]
    fn append_slowly(&mut self, bytes: &[u8]) {
        let (front, rest) = bytes.split_at(bytes.len().min(self.tail.capacity() - self.tail.len()));
        self.tail.extend_from_slice(front);
        if rest.is_empty() {
            return;
        }
        sometimes!(Mark::ReplyAcrossChunks);
        self.seal_with(Vec::with_capacity(rest.len().max(CHUNK_LEN_BYTES)));
        self.tail.extend_from_slice(rest);
    }

    /// Appends a value without copying it.
    pub(super) fn append_shared(&mut self, bytes: Bytes) {
        self.shared_bytes += bytes.len();
        self.shared.push_back(Shared { at: self.end(), bytes });
    }

    /// Begins another, empty chunk.
    pub(super) fn seal_with(&mut self, chunk: Vec<u8>) {
        debug_assert!(chunk.is_empty());
        let sealed = std::mem::replace(&mut self.tail, chunk);
        if !sealed.is_empty() {
            self.tail_start += sealed.len() as u64;
            self.sealed_bytes += sealed.capacity();
            self.sealed.push_back(sealed);
        }
    }

    /// Frees the chunks that have been sent wholly.
    #[inline]
    fn release_sent(&mut self, pool: &mut ChunkPool) {
        if !self.sealed.is_empty() {
            self.release_sealed(pool);
        }
        if self.is_empty() {
            // Nothing points into the stream any more: it begins anew.
            pool.give_back(std::mem::take(&mut self.tail));
            (self.tail_start, self.sent) = (0, 0);
            (self.sealed, self.shared) = (VecDeque::new(), VecDeque::new());
        }
    }

    #[cold]
    fn release_sealed(&mut self, pool: &mut ChunkPool) {
        let mut start = self.first_start();
        while let Some(chunk) = self.sealed.front() {
            start += chunk.len() as u64;
            if start > self.sent {
                break;
            }
            // The loop's condition has just seen it.
            let chunk = self.sealed.pop_front().expect("there is a front");
            self.sealed_bytes -= chunk.capacity();
            pool.give_back(chunk);
        }
    }
}
