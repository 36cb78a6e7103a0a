//! Sealing what a turn appends, and the annotation lines of a log.

use super::crc32c::Crc32c;
use std::io::Write;

/// How every batch's line begins.
pub(super) const BATCH_PREFIX: &[u8] = b"#CRC:";

/// How the line with the time begins.
const TIMESTAMP_PREFIX: &[u8] = b"#TS:";

/// The longest batch line, its end included: the prefix, four numbers, two checksums and what stands between them.
pub(super) const BATCH_LINE_LEN_BYTES_MAX: usize = 5 + 4 * 21 + 8 + 1 + 8 + 2;

/// The longest annotation, its end included: Redis reads lines into 1024 bytes, of which one is for a NUL, and
/// takes what follows for a command.
pub const ANNOTATION_LEN_BYTES_MAX: usize = 1023;

/// What stands in front of a batch; the [module's page](super) has the grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchLine {
    /// The sequence number, in the manifest, of the file it was written for.
    pub file: u64,
    /// Where the line begins in the file.
    pub offset_bytes: u64,
    /// The length of the batch behind the line.
    pub len_bytes: u64,
    /// How much of the file was durable when the batch was sealed. Never more than `offset_bytes`.
    pub synced_bytes: u64,
    /// The CRC-32C of the batch.
    pub checksum: u32,
}

impl BatchLine {
    /// Appends the line, its end included. Answers its length.
    pub fn append_to(&self, out: &mut Vec<u8>) -> usize {
        let start = out.len();
        let BatchLine { file, offset_bytes, len_bytes, synced_bytes, checksum } = self;
        out.extend_from_slice(BATCH_PREFIX);
        let mut decimal = itoa::Buffer::new();
        for number in [file, offset_bytes, len_bytes, synced_bytes] {
            out.extend_from_slice(decimal.format(*number).as_bytes());
            out.push(b':');
        }
        append_hex(out, *checksum);
        out.push(b':');
        let line_checksum = Crc32c::of(&out[start..]);
        append_hex(out, line_checksum);
        out.extend_from_slice(b"\r\n");
        debug_assert!(out.len() - start <= BATCH_LINE_LEN_BYTES_MAX);
        out.len() - start
    }

    /// Understands a line, with its end. Nothing when it is not word for word what [`append_to`](Self::append_to)
    /// writes.
    #[must_use]
    pub fn parse(line: &[u8]) -> Option<BatchLine> {
        let text = std::str::from_utf8(line.strip_prefix(BATCH_PREFIX)?).ok()?;
        let mut fields = text.split(':');
        let mut number = || fields.next()?.parse::<u64>().ok();
        let (file, offset_bytes, len_bytes, synced_bytes) = (number()?, number()?, number()?, number()?);
        let checksum = u32::from_str_radix(fields.next()?, 16).ok()?;
        let found = BatchLine { file, offset_bytes, len_bytes, synced_bytes, checksum };
        let mut written = Vec::with_capacity(BATCH_LINE_LEN_BYTES_MAX);
        found.append_to(&mut written);
        (written == line && synced_bytes <= offset_bytes).then_some(found)
    }
}

/// Seals what is appended to one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealer {
    file: u64,
    offset_bytes: u64,
}

impl Sealer {
    /// Seals what is appended to increment number `file`, which is `len_bytes` long: 0 for a new one, whose first
    /// batch should be an empty one, durable before the manifest names the file.
    #[must_use]
    pub fn new(file: u64, len_bytes: u64) -> Sealer {
        Sealer { file, offset_bytes: len_bytes }
    }

    /// Where the next batch's line will stand: the length of the file with everything sealed so far.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.offset_bytes
    }

    /// Appends `batch`, whole commands and transactions, with its line in front of it. `synced_bytes` is how much
    /// of the file is known to be durable by now. An empty batch is good for saying just that, as when the server
    /// ends or has nothing to write after a sync.
    pub fn seal(&mut self, batch: &[u8], synced_bytes: u64, out: &mut Vec<u8>) {
        self.append_line(batch, synced_bytes, out);
        out.extend_from_slice(batch);
    }

    /// Appends a batch without a line, as `aof-checksum no` wants it. What follows it may be sealed again.
    pub fn pass_by(&mut self, batch: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(batch);
        self.offset_bytes += batch.len() as u64;
    }

    /// Seals without copying the batch: appends its line, and reckons with the batch being written next.
    pub fn append_line(&mut self, batch: &[u8], synced_bytes: u64, out: &mut Vec<u8>) {
        assert!(synced_bytes <= self.offset_bytes, "what is not written yet is not durable");
        let line = BatchLine {
            file: self.file,
            offset_bytes: self.offset_bytes,
            len_bytes: batch.len() as u64,
            synced_bytes,
            checksum: Crc32c::of(batch),
        };
        let line_len = line.append_to(out);
        self.offset_bytes += (line_len + batch.len()) as u64;
    }
}

/// Appends the annotation that says when what follows it was written: `aof-timestamp-enabled`.
pub fn append_timestamp(unix_seconds: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(TIMESTAMP_PREFIX);
    out.extend_from_slice(itoa::Buffer::new().format(unix_seconds).as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The Unix time in seconds that an annotation line tells, if it is one that tells it.
#[must_use]
pub fn parse_timestamp(line: &[u8]) -> Option<i64> {
    crate::number::parse_i64(line.strip_prefix(TIMESTAMP_PREFIX)?.strip_suffix(b"\r\n")?)
}

fn append_hex(out: &mut Vec<u8>, checksum: u32) {
    // Writing to memory does not fail.
    let _ = write!(out, "{checksum:08x}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lines() {
        let mut sealer = Sealer::new(3, 0);
        let mut out = Vec::new();
        sealer.seal(b"", 0, &mut out);
        assert_eq!(out, b"#CRC:3:0:0:0:00000000:c9d12c4c\r\n");
        assert_eq!(sealer.offset_bytes(), out.len() as u64);
        sealer.seal(b"*1\r\n$4\r\nPING\r\n", 32, &mut out);
        assert_eq!(sealer.offset_bytes(), out.len() as u64);
        let mut time = Vec::new();
        append_timestamp(1_700_000_000, &mut time);
        assert_eq!(time, b"#TS:1700000000\r\n");
        assert_eq!(parse_timestamp(&time), Some(1_700_000_000));
        for bad in ["#TS:1", "#TS:\r\n", "#TS:1 \r\n", "#TSX1\r\n", "#CRC:1\r\n"] {
            assert_eq!(parse_timestamp(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn the_longest_line() {
        let most = u64::MAX;
        let line =
            BatchLine { file: most, offset_bytes: most, len_bytes: most, synced_bytes: most, checksum: 1 };
        let mut out = Vec::new();
        assert_eq!(line.append_to(&mut out), BATCH_LINE_LEN_BYTES_MAX);
        assert_eq!(BatchLine::parse(&out), Some(line));
    }

    proptest! {
        #[test]
        fn a_line_is_what_was_written(file: u64, offset_bytes: u64, len_bytes: u64, synced: u64, checksum: u32) {
            let synced_bytes = synced.min(offset_bytes);
            let line = BatchLine { file, offset_bytes, len_bytes, synced_bytes, checksum };
            let mut out = Vec::new();
            line.append_to(&mut out);
            prop_assert_eq!(BatchLine::parse(&out), Some(line));
            for bit in 0..out.len() * 8 {
                out[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(BatchLine::parse(&out), None);
                out[bit / 8] ^= 1 << (bit % 8);
            }
        }

        #[test]
        fn strangers_are_no_lines(text in "#CRC:[0-9a-f:+]{0,60}\r\n") {
            prop_assert_eq!(BatchLine::parse(text.as_bytes()), None);
        }
    }
}
