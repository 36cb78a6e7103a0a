//! The search behind damage: does anything prove that what is damaged was durable?

use super::batch::{BATCH_LINE_LEN_BYTES_MAX, BATCH_PREFIX, BatchLine};
use memchr::{memchr, memmem};

/// Looks for the line of a later batch which says that bytes behind the last good point were durable.
///
/// The lines are found wherever they stand: one that is not where it says it is was moved when bytes before it
/// were lost or inserted, which is damage in the middle as well.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// The file the lines were written for, where that is known.
    file: Option<u64>,
    good_offset_bytes: u64,
    /// Where the damage showed: from there on, nothing but zeros may be a file that was enlarged but not filled.
    bad_offset_bytes: u64,
    witness_bytes: Option<u64>,
    is_zero: bool,
}

impl Scan {
    pub(super) fn new(file: Option<u64>, good_offset_bytes: u64, bad_offset_bytes: u64) -> Scan {
        Scan { file, good_offset_bytes, bad_offset_bytes, witness_bytes: None, is_zero: true }
    }

    /// Where the line stands that proves the damaged bytes to have been durable.
    pub(super) fn witness_bytes(&self) -> Option<u64> {
        self.witness_bytes
    }

    /// Whether there were only zeros from where the damage showed.
    pub(super) fn is_zero(&self) -> bool {
        self.is_zero
    }

    /// Where the damage showed.
    pub(super) fn bad_offset_bytes(&self) -> u64 {
        self.bad_offset_bytes
    }

    /// Takes in the bytes of the file from `offset_bytes` on. Answers how many need not be shown again.
    pub(super) fn take(&mut self, bytes: &[u8], offset_bytes: u64) -> usize {
        if self.witness_bytes.is_some() {
            return bytes.len();
        }
        let bad_from = self.bad_offset_bytes.saturating_sub(offset_bytes).min(bytes.len() as u64) as usize;
        self.is_zero &= bytes[bad_from..].iter().all(|&byte| byte == 0);
        let mut at = 0;
        while let Some(found) = memmem::find(&bytes[at..], BATCH_PREFIX) {
            let start = at + found;
            let window = &bytes[start..bytes.len().min(start + BATCH_LINE_LEN_BYTES_MAX)];
            match memchr(b'\n', window) {
                Some(end) if self.proves(&window[..=end]) => {
                    self.witness_bytes = Some(offset_bytes + start as u64);
                    return bytes.len();
                }
                // Another one may begin within it.
                Some(_) => at = start + 1,
                None if window.len() < BATCH_LINE_LEN_BYTES_MAX => return start,
                None => at = start + 1,
            }
        }
        at.max(bytes.len().saturating_sub(BATCH_PREFIX.len() - 1))
    }

    fn proves(&self, line: &[u8]) -> bool {
        BatchLine::parse(line).is_some_and(|line| {
            line.synced_bytes > self.good_offset_bytes && self.file.is_none_or(|file| file == line.file)
        })
    }
}
