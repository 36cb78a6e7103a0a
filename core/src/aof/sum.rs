//! The sums of a base that is written as commands: lines that say what has to stand before them.
//!
//! A batch is sealed in front, since a log may end anywhere. A base may not: it is durable before the manifest names it,
//! and large values pass through it that nobody has as a whole. So its lines come behind what they vouch for.

use super::batch::append_hex;
use super::crc32c::Crc32c;

/// How a line begins behind which more is to come.
const SUM_PREFIX: &[u8] = b"#SUM:";

/// How the last line begins.
const END_PREFIX: &[u8] = b"#END:";

/// One line; the [module's page](super) has the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SumLine {
    /// Where it begins in the file.
    pub offset_bytes: u64,
    /// The CRC-32C of everything before it.
    pub checksum: u32,
    /// Whether the file ends behind it.
    pub is_last: bool,
}

impl SumLine {
    /// Whether a line is meant to be one.
    pub fn is_meant(line: &[u8]) -> bool {
        line.starts_with(SUM_PREFIX) || line.starts_with(END_PREFIX)
    }

    /// Understands a line, with its end. Nothing when it is not word for word what was written.
    pub fn parse(line: &[u8]) -> Option<SumLine> {
        let is_last = line.starts_with(END_PREFIX);
        let text = std::str::from_utf8(line.get(SUM_PREFIX.len()..)?).ok()?;
        let mut fields = text.split(':');
        let offset_bytes = fields.next()?.parse().ok()?;
        let checksum = u32::from_str_radix(fields.next()?, 16).ok()?;
        let found = SumLine { offset_bytes, checksum, is_last };
        let mut written = Vec::with_capacity(line.len());
        found.append_to(&mut written);
        (written == line).then_some(found)
    }

    fn append_to(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(if self.is_last { END_PREFIX } else { SUM_PREFIX });
        out.extend_from_slice(itoa::Buffer::new().format(self.offset_bytes).as_bytes());
        out.push(b':');
        append_hex(out, self.checksum);
        out.push(b':');
        let line_checksum = Crc32c::of(&out[start..]);
        append_hex(out, line_checksum);
        out.extend_from_slice(b"\r\n");
    }
}

/// Sums up a base that is written piece by piece.
#[derive(Clone, Debug)]
pub struct Summer {
    checksum: Crc32c,
    len_bytes: u64,
}

impl Summer {
    /// Begins a file: appends its first line, which says that there are sums.
    pub fn begin(out: &mut Vec<u8>) -> Summer {
        debug_assert!(out.is_empty(), "it is the first thing in the file");
        let summer = Summer { checksum: Crc32c::new(), len_bytes: 0 };
        // It is summed up with the piece it is part of.
        summer.line(false).append_to(out);
        summer
    }

    /// A piece of the file is complete. If it `is_whole`, so that it ends between commands, a line is appended to it.
    pub fn sum(&mut self, piece: &mut Vec<u8>, is_whole: bool) {
        self.take(piece);
        if is_whole {
            self.append_line(piece, false);
        }
    }

    /// The last piece is complete: appends the last line to it.
    pub fn end(mut self, piece: &mut Vec<u8>) {
        self.take(piece);
        self.append_line(piece, true);
    }

    fn append_line(&mut self, piece: &mut Vec<u8>, is_last: bool) {
        let start = piece.len();
        self.line(is_last).append_to(piece);
        self.take(&piece[start..]);
    }

    fn line(&self, is_last: bool) -> SumLine {
        SumLine { offset_bytes: self.len_bytes, checksum: self.checksum.value(), is_last }
    }

    fn take(&mut self, bytes: &[u8]) {
        self.checksum.update(bytes);
        self.len_bytes += bytes.len() as u64;
    }
}

/// What a reader has found of a file with sums.
#[derive(Clone, Debug)]
pub(super) struct Sum {
    checksum: Crc32c,
    /// So much of the reader's buffer is in it.
    taken: usize,
    /// Whether the last line has passed.
    pub has_ended: bool,
}

impl Sum {
    /// Nothing is in it yet.
    pub fn new() -> Sum {
        Sum { checksum: Crc32c::new(), taken: 0, has_ended: false }
    }

    /// Takes in what stands in the buffer before `end`, and answers the checksum of all.
    pub fn up_to(&mut self, buffer: &[u8], end: usize) -> u32 {
        self.checksum.update(&buffer[self.taken..end]);
        self.taken = end;
        self.checksum.value()
    }

    /// So much of the buffer's beginning, all of it taken in, is gone.
    pub fn forget(&mut self, len: usize) {
        self.taken -= len;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines() {
        let mut out = Vec::new();
        let mut summer = Summer::begin(&mut out);
        assert_eq!(out, b"#SUM:0:00000000:f11e14bd\r\n");
        let mut file = Vec::new();
        for (piece, is_whole) in [(&b"*1\r\n$4\r\nPI"[..], false), (b"NG\r\n", true)] {
            out.extend_from_slice(piece);
            summer.sum(&mut out, is_whole);
            file.append(&mut out);
        }
        summer.end(&mut out);
        file.append(&mut out);
        let starts = memchr::memchr_iter(b'#', &file).collect::<Vec<_>>();
        let lines: Vec<SumLine> =
            starts.iter().map(|&at| SumLine::parse(&file[at..][..line_len(&file[at..])]).unwrap()).collect();
        assert_eq!(lines.iter().map(|line| line.is_last).collect::<Vec<_>>(), [false, false, true]);
        for (line, at) in lines.into_iter().zip(starts) {
            assert_eq!((line.offset_bytes, line.checksum), (at as u64, Crc32c::of(&file[..at])));
        }
    }

    fn line_len(bytes: &[u8]) -> usize {
        memchr::memchr(b'\n', bytes).unwrap() + 1
    }

    proptest! {
        #[test]
        fn a_line_is_what_was_written(offset_bytes: u64, checksum: u32, is_last: bool) {
            let line = SumLine { offset_bytes, checksum, is_last };
            let mut out = Vec::new();
            line.append_to(&mut out);
            prop_assert_eq!(SumLine::parse(&out), Some(line));
            for bit in 0..out.len() * 8 {
                out[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(SumLine::parse(&out), None);
                out[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}
