//! What a command did, as the commands that would do it again: the stream that feeds the append-only file,
//! replicas, and the check that a state equals the one rebuilt from its own log.
//!
//! A command says where it knows: [`Propagate`] is its return value, never a counter compared before and after.
//! Everything in the stream is plain and absolute: no random choice, no relative time, no blocking.

use crate::commands::{self, KeyFlags, extract_keys};
use crate::number::parse_i64;
use crate::resp::append_command;
use crate::waiting::Waiters;
use crate::watch::Watches;

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

/// Where the log stood when something began that is to be one unit in it.
#[derive(Clone, Copy, Debug)]
pub struct Unit {
    at: usize,
    commands: u64,
}

/// The stream of effects, as RESP commands. Nobody listening costs one branch.
#[derive(Debug, Default)]
pub struct PropagationLog {
    recorder: Reader,
    file: Reader,
    /// What is appended was read from a log, and is nothing new.
    is_muted: bool,
    buffer: Vec<u8>,
    /// The database the stream's reader has selected; `None` makes the next command select anew.
    selected: Option<usize>,
    /// Commands that were appended, those that select a database not counted.
    commands: u64,
    /// Who is to hear which keys the commands change.
    pub(crate) watches: Watches,
    /// Who waits for keys.
    pub(crate) waiters: Waiters,
}

/// One who reads the stream, at a pace of its own.
#[derive(Clone, Copy, Debug, Default)]
struct Reader {
    is_there: bool,
    /// How much of the buffer it has read.
    read_bytes: usize,
}

impl PropagationLog {
    /// Starts or stops recording, for whoever looks on. Starting makes the first command name its database.
    pub fn record(&mut self, on: bool) {
        self.recorder = Reader { is_there: on, read_bytes: self.buffer.len() };
        self.select_anew();
        self.forget_read();
    }

    /// Starts or stops keeping what goes into the append-only file. Starting makes the first command name its
    /// database.
    pub fn feed_file(&mut self, on: bool) {
        self.file = Reader { is_there: on, read_bytes: self.buffer.len() };
        self.select_anew();
        self.forget_read();
    }

    /// Makes the next command name its database: what comes before it will not be read together with it.
    pub fn select_anew(&mut self) {
        self.selected = None;
    }

    /// Takes nothing in, or does again.
    pub(crate) fn mute(&mut self, on: bool) {
        self.is_muted = on;
    }

    /// Whether somebody reads the stream.
    #[must_use]
    #[inline]
    pub fn is_recording(&self) -> bool {
        (self.recorder.is_there || self.file.is_there) && !self.is_muted
    }

    /// How many bytes were recorded since they were last taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.recorder.read_bytes
    }

    /// Whether nothing was.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What was recorded since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        if self.recorder.read_bytes == 0 && !self.file.is_there {
            return std::mem::take(&mut self.buffer);
        }
        let taken = self.buffer[self.recorder.read_bytes..].to_vec();
        self.recorder.read_bytes = self.buffer.len();
        self.forget_read();
        taken
    }

    /// Shows what goes into the append-only file and was not shown before.
    pub(crate) fn show_file(&mut self, read: impl FnOnce(&[u8])) {
        let unread = &self.buffer[self.file.read_bytes..];
        if !unread.is_empty() {
            read(unread);
            self.file.read_bytes = self.buffer.len();
            self.forget_read();
        }
    }

    /// Forgets what everybody has read.
    fn forget_read(&mut self) {
        let len = self.buffer.len();
        if [self.recorder, self.file].iter().all(|reader| !reader.is_there || reader.read_bytes == len) {
            self.buffer.clear();
            self.recorder.read_bytes = 0;
            self.file.read_bytes = 0;
        }
    }

    /// Begins a unit: what is appended until it ends is applied as a whole or not at all.
    #[must_use]
    pub fn begin_unit(&self) -> Unit {
        Unit { at: self.buffer.len(), commands: self.commands }
    }

    /// Ends a unit: puts it between MULTI and EXEC, unless it is a single command.
    pub fn end_unit(&mut self, unit: Unit) {
        if self.commands - unit.commands < 2 || mutant!(Mutant::TransactionNotFramed) {
            return;
        }
        // Its first command may select a database: that is part of the unit.
        let body = self.buffer.split_off(unit.at);
        append_command(&mut self.buffer, [b"MULTI".as_slice()].into_iter());
        self.buffer.extend_from_slice(&body);
        append_command(&mut self.buffer, [b"EXEC".as_slice()].into_iter());
    }

    /// Appends one command that acts on database `database`.
    #[inline]
    pub fn append<'a>(
        &mut self,
        database: usize,
        arguments: impl ExactSizeIterator<Item = &'a [u8]> + Clone,
    ) {
        if self.has_listeners() {
            self.mention_keys(database, &arguments.clone().collect::<Vec<_>>());
        }
        if self.is_recording() {
            self.commands += 1;
            if self.selected != Some(database) {
                self.select(database);
            }
            append_command(&mut self.buffer, arguments);
        }
    }

    /// Whether what is appended makes any difference.
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        self.is_recording() || self.has_listeners()
    }

    #[inline]
    fn has_listeners(&self) -> bool {
        !self.watches.is_empty() || !self.waiters.is_empty()
    }

    #[cold]
    fn select(&mut self, database: usize) {
        self.selected = Some(database);
        let mut number = itoa::Buffer::new();
        let arguments = [b"SELECT".as_slice(), number.format(database).as_bytes()];
        append_command(&mut self.buffer, arguments.into_iter());
    }
}

/// Who hears of changed keys.
impl PropagationLog {
    /// Mentions every key that an effect may have changed.
    #[cold]
    fn mention_keys(&mut self, database: usize, arguments: &[&[u8]]) {
        let Some(command) = commands::lookup(arguments[0]) else { return };
        let number =
            |index: usize| parse_i64(arguments.get(index)?).and_then(|number| usize::try_from(number).ok());
        match command.name {
            "flushall" => self.watches.mention_all(),
            "flushdb" => self.watches.mention_database(database),
            "swapdb" if number(1) == number(2) => {}
            "swapdb" => {
                for database in number(1).into_iter().chain(number(2)) {
                    self.watches.mention_database(database);
                    self.waiters.mention_database(database);
                }
            }
            "copy" => {
                // The copy may be in another database; behind the keys, DB can be nothing but the option.
                let option = (3..arguments.len()).find(|&index| arguments[index].eq_ignore_ascii_case(b"DB"));
                let target = option.map_or(Some(database), |option| number(option + 1));
                target.into_iter().for_each(|database| self.mention(database, arguments[2]));
            }
            name => {
                let mut keys = Vec::new();
                if extract_keys(command, arguments, &mut keys).is_err() {
                    return;
                }
                for key in keys.iter().filter(|key| !key.flags.contains(KeyFlags::RO)) {
                    self.mention(database, arguments[key.index]);
                }
                if name == "move" {
                    number(2).into_iter().for_each(|database| self.mention(database, arguments[1]));
                }
            }
        }
    }

    fn mention(&mut self, database: usize, key: &[u8]) {
        self.watches.mention(database, key);
        self.waiters.mention(database, key);
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

    #[test]
    fn two_readers_read_at_their_own_pace() {
        let mut log = PropagationLog::default();
        log.record(true);
        log.feed_file(true);
        let append = |log: &mut PropagationLog, key: &str| {
            log.append(0, [b"DEL".as_slice(), key.as_bytes()].into_iter());
        };
        let mut file = Vec::new();
        let mut recorded = Vec::new();
        append(&mut log, "a");
        log.show_file(|bytes| file.extend_from_slice(bytes));
        append(&mut log, "b");
        assert_eq!(log.len(), log.buffer.len());
        recorded.extend(log.take());
        append(&mut log, "c");
        recorded.extend(log.take());
        log.show_file(|bytes| file.extend_from_slice(bytes));
        assert!(log.buffer.is_empty());
        log.show_file(|_| unreachable!("there is nothing more"));
        assert_eq!(file, recorded);
        log.feed_file(false);
        append(&mut log, "d");
        assert!(String::from_utf8(log.take()).unwrap().ends_with("$1\r\nd\r\n"));
        assert!(log.buffer.is_empty());
    }
}
