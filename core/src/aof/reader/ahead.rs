//! Looking ahead of a reader in what has arrived: which keys will be asked for soon.

use super::line_len;
use crate::aof::command::{CommandParser, Parsed};

/// A second, careless look at a log: whatever is odd is left to the reader.
#[derive(Clone, Debug, Default)]
pub(super) struct LookAhead {
    /// Where in the buffer the next command or line begins.
    at: usize,
    parser: CommandParser,
}

impl LookAhead {
    /// The key of the next command, if it is there: empty for one without arguments. The reader is at `reader_at`.
    pub fn next_key<'b>(&mut self, buffer: &'b [u8], reader_at: usize) -> Option<&'b [u8]> {
        if self.at < reader_at {
            self.at = reader_at;
            self.parser.reset();
        }
        while buffer.get(self.at) == Some(&b'#') {
            self.at += line_len(&buffer[self.at..]).ok()?;
        }
        let input = buffer.get(self.at..)?;
        let Parsed::Complete { len } = self.parser.parse(input) else { return None };
        let key = self.parser.ranges().get(1).map_or(&[][..], |range| range.of(input));
        self.at += len;
        self.parser.reset();
        Some(key)
    }

    /// So much of the buffer's beginning is gone.
    pub fn forget(&mut self, len: usize) {
        match self.at.checked_sub(len) {
            Some(at) => self.at = at,
            None => *self = LookAhead::default(),
        }
    }
}
