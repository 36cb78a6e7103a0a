//! What a client has sent that could not be run yet: the tail of a request, or what follows a command that was
//! held back. Whatever can be run at once is run where the driver's buffer has it and never comes here.
//!
//! A bulk string of [`BIG_BULK_LEN_BYTES`](crate::resp::BIG_BULK_LEN_BYTES) or more that has not arrived whole is
//! received into memory of its own, which later becomes the value: see [`BigBulk`].

use crate::args::LargeArg;
use crate::resp::{ArgRange, BigBulk, RequestParser};
use bytes::Bytes;

/// Buffers kept for the next incomplete request.
const POOLED_BUFFERS_MAX: usize = 64;

/// A buffer that has grown beyond this is given back rather than kept.
const POOLED_BUFFER_BYTES_MAX: usize = 64 * 1024;

/// What one client has sent that could not be run yet. An idle one owns no memory.
#[derive(Debug, Default)]
pub(crate) struct PendingInput {
    /// Unprocessed bytes, from the first byte of a request; without the payloads in `large` and `receiving`.
    pub buffer: Vec<u8>,
    /// Where the parser stands in the request at the front of `buffer`.
    pub parser: RequestParser,
    /// Large arguments of that request that have arrived.
    pub large: Vec<LargeArg>,
    /// The large argument that is arriving.
    receiving: Option<Box<Receiving>>,
    /// Large arguments of a request that was held back, and where in it they belong.
    held: Vec<(usize, Bytes)>,
}

/// A large bulk string on its way into its final memory.
#[derive(Debug)]
struct Receiving {
    index: usize,
    bulk: BigBulk,
}

impl PendingInput {
    /// Whether the next input can be run where it lies.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.receiving.is_none()
    }

    /// Bytes that wait here, for `client-query-buffer-limit` and CLIENT LIST.
    pub fn len(&self) -> usize {
        let receiving = self.receiving.as_ref().map_or(0, |receiving| receiving.bulk.arrived());
        let large: usize = self.large.iter().map(|large| large.bytes.len()).sum();
        self.buffer.len() + receiving + large
    }

    /// Bytes allocated here.
    pub fn allocated_bytes(&self) -> usize {
        self.buffer.capacity()
            + self.receiving.as_ref().map_or(0, |receiving| receiving.bulk.allocated_bytes())
    }

    /// Keeps the tail of an input that could be run but for this.
    pub fn keep(&mut self, tail: &[u8], pool: &mut BufferPool) {
        if !tail.is_empty() {
            debug_assert!(self.buffer.is_empty());
            self.buffer = pool.take();
            self.buffer.extend_from_slice(tail);
        }
        self.restore_held();
    }

    /// Brings a buffer back after its first `consumed` bytes were run.
    pub fn put_back(&mut self, mut buffer: Vec<u8>, consumed: usize, pool: &mut BufferPool) {
        if consumed == buffer.len() {
            pool.put(buffer);
        } else {
            buffer.drain(..consumed);
            self.buffer = buffer;
        }
        self.restore_held();
    }

    /// Forgets how far the request at the front was parsed, because another one is now at the front.
    pub fn restart(&mut self) {
        self.parser = RequestParser::default();
        self.large.clear();
    }

    /// Takes the large arguments of a request that was held back, whose arguments lie in these ranges. They go to
    /// where they were sent, so that the request can be parsed again, whatever comes behind it meanwhile.
    pub fn hold_back(&mut self, large: Vec<LargeArg>, ranges: &[ArgRange]) {
        let place = |large: LargeArg| (ranges[large.index].start as usize, large.bytes);
        self.held = large.into_iter().map(place).collect();
    }

    /// Puts what was held back into the request at the front of the buffer, with the line ends it came with.
    fn restore_held(&mut self) {
        let mut moved_by = 0;
        for (at, bytes) in std::mem::take(&mut self.held) {
            let at = at + moved_by;
            self.buffer.splice(at..at, bytes.iter().copied().chain(*b"\r\n"));
            moved_by += bytes.len() + 2;
        }
    }

    /// Begins to receive argument `index`, a bulk string of `len` bytes.
    pub fn receive(&mut self, index: usize, len: u64) {
        self.receiving = Some(Box::new(Receiving { index, bulk: BigBulk::new(len) }));
    }

    /// Whether a large bulk string is arriving.
    #[inline]
    pub fn is_receiving(&self) -> bool {
        self.receiving.is_some()
    }

    /// Room for the next bytes of the large bulk string that is arriving.
    pub fn space(&mut self) -> Option<&mut [u8]> {
        self.receiving.as_deref_mut().map(|receiving| receiving.bulk.space())
    }

    /// Takes note that so many bytes were put into [`space`](Self::space). When the bulk string is complete,
    /// the parser goes on behind it.
    pub fn filled(&mut self, len_bytes: usize) {
        if let Some(receiving) = self.receiving.as_deref_mut() {
            receiving.bulk.filled(len_bytes);
            sometimes!(Mark::LargeArgumentInPlace, receiving.bulk.is_complete());
            self.end_if_complete();
        }
    }

    /// Takes what belongs to the large bulk string from the front of `input`; returns how much that was.
    pub fn fill_from(&mut self, input: &[u8]) -> usize {
        let taken = self.receiving.as_deref_mut().map_or(0, |receiving| receiving.bulk.receive(input));
        self.end_if_complete();
        taken
    }

    fn end_if_complete(&mut self) {
        if let Some(receiving) = self.receiving.take_if(|receiving| receiving.bulk.is_complete()) {
            self.parser.resume_after_big();
            self.large
                .push(LargeArg { index: receiving.index, bytes: Bytes::from(receiving.bulk.into_bytes()) });
        }
    }
}

/// Buffers for incomplete requests, used again.
#[derive(Debug, Default)]
pub(crate) struct BufferPool {
    buffers: Vec<Vec<u8>>,
}

impl BufferPool {
    fn take(&mut self) -> Vec<u8> {
        self.buffers.pop().unwrap_or_default()
    }

    /// Takes a buffer back; one that grew large is freed.
    pub fn put(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < POOLED_BUFFERS_MAX
            && buffer.capacity() > 0
            && buffer.capacity() <= POOLED_BUFFER_BYTES_MAX
        {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}
