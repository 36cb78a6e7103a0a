//! The encoder: how each kind of reply looks in RESP2 and RESP3.

use super::chunk_pool::CHUNK_LEN_BYTES;
use super::reply::{Protocol, Reply, SHARED_BULK_LEN_BYTES_MIN};
use crate::number::format_f64;
use bytes::Bytes;
use memchr::memchr2;

/// A kind byte, the digits of a length, and a line end.
const HEADER_LEN_BYTES_MAX: usize = 24;

/// An aggregate whose length is not known yet. It must be given to the matching `set_deferred_…` before anything
/// is sent; lengths that are open at the same time are set in the reverse order.
#[derive(Debug)]
#[must_use = "the length must be set in the end"]
pub struct Deferred {
    /// The offset the header goes to.
    at: u64,
    /// How many shared values lie before it.
    shared_before: usize,
    /// How many lengths were open, this one included. Zero for a suppressed reply.
    depth: u32,
}

// Simple replies.
impl Reply {
    /// `+OK`
    #[inline]
    pub fn ok(&mut self) {
        self.raw(b"+OK\r\n");
    }

    /// A status: a short text without line ends.
    #[inline]
    pub fn simple(&mut self, text: &str) {
        debug_assert!(memchr2(b'\r', b'\n', text.as_bytes()).is_none());
        if !self.is_suppressed {
            self.append(b"+");
            self.append(text.as_bytes());
            self.append(b"\r\n");
        }
    }

    /// An error: its code word and text, without `-` and line end. Line ends at either end vanish and others become
    /// blanks, as in Redis, since texts quote what clients send.
    pub fn error(&mut self, text: &[u8]) {
        if self.is_suppressed {
            return;
        }
        self.append(b"-");
        if memchr2(b'\r', b'\n', text).is_none() {
            self.append(text);
        } else {
            let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
            let start = text.iter().position(|byte| !is_line_end(byte)).unwrap_or(text.len());
            let end = text.iter().rposition(|byte| !is_line_end(byte)).map_or(start, |last| last + 1);
            let line: Vec<u8> =
                text[start..end].iter().map(|byte| if is_line_end(byte) { b' ' } else { *byte }).collect();
            self.append(&line);
        }
        self.append(b"\r\n");
    }

    /// An integer.
    #[inline]
    pub fn integer(&mut self, value: i64) {
        self.header(b':', value);
    }

    /// Bytes.
    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) {
        if self.is_suppressed {
            return;
        }
        self.header(b'$', bytes.len() as i64);
        self.append(bytes);
        self.append(b"\r\n");
    }

    /// Bytes that can be shared: a large value travels as it is, a small one is copied.
    pub fn bulk_shared(&mut self, bytes: Bytes) {
        if bytes.len() < SHARED_BULK_LEN_BYTES_MIN {
            return self.bulk(&bytes);
        }
        if self.is_suppressed {
            return;
        }
        self.header(b'$', bytes.len() as i64);
        self.append_shared(bytes);
        self.append(b"\r\n");
    }

    /// An integer's text as bytes.
    #[inline]
    pub fn bulk_int(&mut self, value: i64) {
        self.bulk(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Nothing, where bytes or a number could stand.
    #[inline]
    pub fn null(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"$-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// Nothing, where an array could stand.
    pub fn null_array(&mut self) {
        match self.protocol {
            Protocol::Resp2 => self.raw(b"*-1\r\n"),
            Protocol::Resp3 => self.raw(b"_\r\n"),
        }
    }

    /// A double; in RESP2 its text as bytes.
    pub fn double(&mut self, value: f64) {
        let text = format_f64(value);
        match self.protocol {
            Protocol::Resp2 => self.bulk(&text),
            Protocol::Resp3 => self.line(b',', &text),
        }
    }

    /// A truth value; in RESP2 an integer.
    pub fn boolean(&mut self, value: bool) {
        match (self.protocol, value) {
            (Protocol::Resp2, false) => self.raw(b":0\r\n"),
            (Protocol::Resp2, true) => self.raw(b":1\r\n"),
            (Protocol::Resp3, false) => self.raw(b"#f\r\n"),
            (Protocol::Resp3, true) => self.raw(b"#t\r\n"),
        }
    }

    /// An integer of any size, by its digits; in RESP2 these as bytes.
    pub fn big_number(&mut self, digits: &[u8]) {
        match self.protocol {
            Protocol::Resp2 => self.bulk(digits),
            Protocol::Resp3 => self.line(b'(', digits),
        }
    }

    /// A text for people, with the three letters of its format (`txt`, `mkd`); in RESP2 just bytes.
    pub fn verbatim(&mut self, format: &[u8; 3], text: &[u8]) {
        if self.protocol == Protocol::Resp2 {
            return self.bulk(text);
        }
        if self.is_suppressed {
            return;
        }
        self.header(b'=', text.len() as i64 + 4);
        self.append(format);
        self.append(b":");
        self.append(text);
        self.append(b"\r\n");
    }

    /// Bytes that are encoded already, such as one of several clients' equal messages.
    #[inline]
    pub fn raw(&mut self, encoded: &[u8]) {
        if !self.is_suppressed {
            self.append(encoded);
        }
    }
}

// Aggregates: the elements follow.
impl Reply {
    /// An array of `len` replies.
    #[inline]
    pub fn array(&mut self, len: usize) {
        self.header(b'*', len as i64);
    }

    /// A map of `len` pairs; in RESP2 an array of twice as many replies.
    pub fn map(&mut self, len: usize) {
        let (kind, factor) = Aggregate::Map.encoding(self.protocol);
        self.header(kind, (len * factor) as i64);
    }

    /// A set of `len` replies; in RESP2 an array.
    pub fn set(&mut self, len: usize) {
        let (kind, factor) = Aggregate::Set.encoding(self.protocol);
        self.header(kind, (len * factor) as i64);
    }

    /// A message that answers no command, of `len` replies; in RESP2 an array.
    pub fn push(&mut self, len: usize) {
        match self.protocol {
            Protocol::Resp2 => self.header(b'*', len as i64),
            Protocol::Resp3 => self.header(b'>', len as i64),
        }
    }

    /// Something beside the reply that follows, of `len` pairs. RESP2 has no such thing: the caller must not ask.
    pub fn attribute(&mut self, len: usize) {
        assert_eq!(self.protocol, Protocol::Resp3, "RESP2 has no attributes");
        self.header(b'|', len as i64);
    }

    /// An array whose length is not known yet.
    pub fn deferred_array(&mut self) -> Deferred {
        self.defer()
    }

    /// Sets an array's length.
    #[expect(clippy::needless_pass_by_value, reason = "a length is set once")]
    pub fn set_deferred_array(&mut self, at: Deferred, len: usize) {
        self.set_deferred(&at, Aggregate::Array, len);
    }

    /// A map whose length is not known yet.
    pub fn deferred_map(&mut self) -> Deferred {
        self.defer()
    }

    /// Sets a map's number of pairs.
    #[expect(clippy::needless_pass_by_value, reason = "a length is set once")]
    pub fn set_deferred_map(&mut self, at: Deferred, len: usize) {
        self.set_deferred(&at, Aggregate::Map, len);
    }

    /// A set whose length is not known yet.
    pub fn deferred_set(&mut self) -> Deferred {
        self.defer()
    }

    /// Sets a set's length.
    #[expect(clippy::needless_pass_by_value, reason = "a length is set once")]
    pub fn set_deferred_set(&mut self, at: Deferred, len: usize) {
        self.set_deferred(&at, Aggregate::Set, len);
    }
}

#[derive(Clone, Copy)]
enum Aggregate {
    Array,
    Map,
    Set,
}

impl Aggregate {
    /// The kind byte, and how many replies one element is counted as.
    fn encoding(self, protocol: Protocol) -> (u8, usize) {
        match (self, protocol) {
            (Self::Array, _) | (Self::Set, Protocol::Resp2) => (b'*', 1),
            (Self::Map, Protocol::Resp2) => (b'*', 2),
            (Self::Map, Protocol::Resp3) => (b'%', 1),
            (Self::Set, Protocol::Resp3) => (b'~', 1),
        }
    }
}

impl Reply {
    /// A kind byte, a number and a line end.
    #[inline(always)]
    fn header(&mut self, kind: u8, value: i64) {
        if self.is_suppressed {
            return;
        }
        if (0..1000).contains(&value) {
            let (line, len) = short_header_line(kind, value as u64);
            self.append_start(&line, len);
        } else if (0..100_000_000).contains(&value) {
            let (line, len) = medium_header_line(kind, value as u64);
            self.append_words(line, len);
        } else {
            let (line, len) = header_line(kind, value);
            self.append(&line[..len]);
        }
    }

    /// A kind byte, a text and a line end.
    fn line(&mut self, kind: u8, text: &[u8]) {
        if !self.is_suppressed {
            self.append(&[kind]);
            self.append(text);
            self.append(b"\r\n");
        }
    }

    fn defer(&mut self) -> Deferred {
        if self.is_suppressed {
            return Deferred { at: 0, shared_before: 0, depth: 0 };
        }
        self.deferred_open += 1;
        Deferred { at: self.end(), shared_before: self.shared.len(), depth: self.deferred_open }
    }

    /// Puts a header where it belongs, before what has been appended since. Only bytes that no driver can have
    /// seen are moved: an open length is never sent.
    fn set_deferred(&mut self, deferred: &Deferred, aggregate: Aggregate, len: usize) {
        if deferred.depth == 0 {
            debug_assert!(self.is_suppressed);
            return;
        }
        assert_eq!(deferred.depth, self.deferred_open, "open lengths are set in the reverse order");
        self.deferred_open -= 1;
        let (kind, factor) = aggregate.encoding(self.protocol);
        let (line, header_len) = header_line(kind, (len * factor) as i64);
        self.insert(deferred.at, &line[..header_len]);
        for shared in self.shared.range_mut(deferred.shared_before..) {
            shared.at += header_len as u64;
        }
    }

    /// Inserts a few bytes at an offset of the stream.
    fn insert(&mut self, at: u64, bytes: &[u8]) {
        if at >= self.tail_start {
            let offset = (at - self.tail_start) as usize;
            if self.tail.capacity() - self.tail.len() >= bytes.len() {
                insert_within(&mut self.tail, offset, bytes);
                return;
            }
            // The tail is full: the header and what comes behind it move to a chunk of their own.
            let rest = &self.tail[offset..];
            let mut chunk = Vec::with_capacity((bytes.len() + rest.len()).max(CHUNK_LEN_BYTES));
            chunk.extend_from_slice(bytes);
            chunk.extend_from_slice(rest);
            self.tail.truncate(offset);
            self.seal_with(Vec::new());
            self.tail = chunk;
            return;
        }
        let (index, offset) = self.find_sealed(at);
        let chunk = &mut self.sealed[index];
        if chunk.capacity() - chunk.len() >= bytes.len() {
            insert_within(chunk, offset, bytes);
        } else {
            let mut inserted = bytes.to_vec();
            inserted.extend_from_slice(&chunk[offset..]);
            chunk.truncate(offset);
            self.sealed_bytes += inserted.capacity();
            if chunk.is_empty() {
                self.sealed_bytes -= chunk.capacity();
                *chunk = inserted;
            } else {
                self.sealed.insert(index + 1, inserted);
            }
        }
        self.tail_start += bytes.len() as u64;
    }

    /// The sealed chunk that holds the byte at an offset before the tail, and where in it.
    fn find_sealed(&self, at: u64) -> (usize, usize) {
        let mut start = self.tail_start;
        for (index, chunk) in self.sealed.iter().enumerate().rev() {
            start -= chunk.len() as u64;
            if start <= at {
                return (index, (at - start) as usize);
            }
        }
        unreachable!("what an open length belongs to has not been sent")
    }
}

/// A kind byte, a number below 1000 and a line end, and how long that is. Put together in a register: bytes written
/// one by one would have to reach the cache before they can be read as a whole.
#[inline(always)]
pub(super) fn short_header_line(kind: u8, value: u64) -> ([u8; 8], usize) {
    const DIGIT: u64 = b'0' as u64;
    const LINE_END: u64 = u16::from_le_bytes(*b"\r\n") as u64;
    let kind = u64::from(kind);
    let (hundreds, tens, ones) = (value / 100, value / 10 % 10, value % 10);
    let (line, len) = if value < 10 {
        (kind | (DIGIT + ones) << 8 | LINE_END << 16, 4)
    } else if value < 100 {
        (kind | (DIGIT + tens) << 8 | (DIGIT + ones) << 16 | LINE_END << 24, 5)
    } else {
        (kind | (DIGIT + hundreds) << 8 | (DIGIT + tens) << 16 | (DIGIT + ones) << 24 | LINE_END << 32, 6)
    };
    (line.to_le_bytes(), len)
}

/// As [`short_header_line`], for a number between 1 and 99,999,999. The eight digits are found side by side: in halves of
/// four, these in halves of two, and these in single ones, the first digit in the lowest byte.
#[inline]
fn medium_header_line(kind: u8, value: u64) -> ([u64; 2], usize) {
    let fours = (value / 10_000) | ((value % 10_000) << 32);
    // Dividing by 100 and by 10 is a multiplication and a shift, exact for numbers this small.
    let hundreds = ((fours * 5_243) >> 19) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    let digits = tens | (twos - tens * 10) << 8;
    let leading_zeros = digits.trailing_zeros() / 8;
    let digits_len = 8 - leading_zeros;
    let text = (digits | 0x3030_3030_3030_3030) >> (8 * leading_zeros);
    let line_end = u128::from(u16::from_le_bytes(*b"\r\n")) << (8 + 8 * digits_len);
    let line = u128::from(kind) | u128::from(text) << 8 | line_end;
    ([line as u64, (line >> 64) as u64], 3 + digits_len as usize)
}

/// A kind byte, a number and a line end, and how long that is.
pub(super) fn header_line(kind: u8, value: i64) -> ([u8; HEADER_LEN_BYTES_MAX], usize) {
    let mut line = [0; HEADER_LEN_BYTES_MAX];
    let mut digits = itoa::Buffer::new();
    let digits = digits.format(value).as_bytes();
    line[0] = kind;
    line[1..=digits.len()].copy_from_slice(digits);
    line[1 + digits.len()..3 + digits.len()].copy_from_slice(b"\r\n");
    (line, 3 + digits.len())
}

/// Inserts bytes into a chunk that has room for them.
fn insert_within(chunk: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let old_len = chunk.len();
    chunk.extend_from_slice(bytes);
    chunk.copy_within(offset..old_len, offset + bytes.len());
    chunk[offset..offset + bytes.len()].copy_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_short_number_is_written_right() {
        for value in 0..1000 {
            let (line, len) = short_header_line(b':', value);
            assert_eq!(&line[..len], format!(":{value}\r\n").as_bytes());
        }
        for value in (1..10_000).chain((1..10_000).map(|upper| upper * 10_000)) {
            let (line, len) = medium_header_line(b':', value);
            assert_eq!(&bytes_of(line)[..len], format!(":{value}\r\n").as_bytes());
        }
    }

    fn bytes_of(words: [u64; 2]) -> Vec<u8> {
        words.map(u64::to_le_bytes).concat()
    }

    proptest! {
        #[test]
        fn numbers_are_written_right(digits in 1u32..=8, value: u64, any: i64) {
            let value = (value % 10u64.pow(digits)).max(1);
            let (line, len) = medium_header_line(b'$', value);
            prop_assert_eq!(bytes_of(line)[..len].to_vec(), format!("${value}\r\n").into_bytes());
            let (line, len) = header_line(b'*', any);
            prop_assert_eq!(line[..len].to_vec(), format!("*{any}\r\n").into_bytes());
        }
    }
}
