//! What a command did, as the commands that would do it again: the stream that feeds the append-only file,
//! replicas, and the check that a state equals the one rebuilt from its own log.
//!
//! A command says where it knows: [`Propagate`] is its return value, never a counter compared before and after.
//! Everything in the stream is plain and absolute: no random choice, no relative time, no blocking.

use std::io::Write;

/// What of a command goes into the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Propagate {
    /// Nothing changed.
    Nothing,
    /// The command itself, word for word.
    AsIs,
    /// The command has already written its plain effect with `Keys::propagate`.
    Rewritten,
}

/// The stream of effects, as RESP commands. Nobody listening costs one branch.
#[derive(Debug, Default)]
pub struct PropagationLog {
    recording: bool,
    buffer: Vec<u8>,
    /// The database the stream's reader has selected; `None` makes the next command select anew.
    selected: Option<usize>,
}

impl PropagationLog {
    /// Starts or stops recording. Starting makes the first command name its database.
    pub fn record(&mut self, on: bool) {
        self.recording = on;
        self.selected = None;
        if !on {
            self.buffer = Vec::new();
        }
    }

    /// Whether anybody listens.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        self.recording
    }

    /// How many bytes were recorded since they were last taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// What was recorded since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Appends one command that acts on database `database`.
    pub fn append<'a>(&mut self, database: usize, arguments: impl ExactSizeIterator<Item = &'a [u8]>) {
        if !self.recording {
            return;
        }
        if self.selected != Some(database) {
            self.selected = Some(database);
            let number = database.to_string();
            self.encode([b"SELECT".as_slice(), number.as_bytes()].into_iter());
        }
        self.encode(arguments);
    }

    fn encode<'a>(&mut self, arguments: impl ExactSizeIterator<Item = &'a [u8]>) {
        // Writing to a vector cannot fail.
        let _ = write!(self.buffer, "*{}\r\n", arguments.len());
        for argument in arguments {
            let _ = write!(self.buffer, "${}\r\n", argument.len());
            self.buffer.extend_from_slice(argument);
            self.buffer.extend_from_slice(b"\r\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_once() {
        let mut log = PropagationLog::default();
        log.append(0, [b"DEL".as_slice(), b"k"].into_iter());
        assert_eq!(log.take(), b"");
        log.record(true);
        log.append(0, [b"DEL".as_slice(), b"k"].into_iter());
        log.append(0, [b"DEL".as_slice(), b"k"].into_iter());
        log.append(3, [b"DEL".as_slice(), b"k"].into_iter());
        let del = "*2\r\n$3\r\nDEL\r\n$1\r\nk\r\n";
        let expected =
            format!("*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n{del}{del}*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n{del}");
        assert_eq!(String::from_utf8(log.take()).unwrap(), expected);
    }
}
