//! Reading a log, in pieces of any size, up to where it can be trusted.
//!
//! ```text
//!              ┌──────────────────┐  Item   → apply it, ask again
//!  feed ─────► │ next_item        │  None   → feed more; at the end of the file, finish
//!              └──────────────────┘
//! ```
//!
//! What belongs together is handed out together: the commands of a sealed batch once its checksum has passed, those
//! between MULTI and EXEC once EXEC is there. So however a log ends, what was handed out up to the last *good point*
//! is whole, and nothing behind it was handed out. ([`Reason::Batch`] is the exception, which nothing but a faulty
//! writer brings about: the file is refused.) In a file with sums commands are handed out before the sum behind them is
//! there: such a file is good as a whole or not at all, which [`finish`](LogReader::finish) tells.
//!
//! The reader holds one unit at a time: a batch, a transaction or a command. Its memory grows with what has
//! arrived, never with what is claimed.

mod ahead;

use super::batch::{ANNOTATION_LEN_BYTES_MAX, BATCH_PREFIX, BatchLine, parse_timestamp};
use super::command::{CommandParser, Parsed};
use super::crc32c::Crc32c;
use super::scan::Scan;
use super::sum::{Sum, SumLine};
use crate::args::Args;
use ahead::LookAhead;
use memchr::memchr;
use std::fmt::{self, Display, Formatter};

/// How a file begins whose first part is in the RDB format.
const RDB_MAGIC: &[u8] = b"REDIS";

/// How much memory is kept when a unit is done with.
const KEPT_BYTES: usize = 1 << 20;

/// What a log consists of.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A command.
    Command {
        /// Its arguments, the name being the first.
        args: Args<'a>,
        /// Where it begins in the file.
        offset_bytes: u64,
    },
    /// A line that begins with `#`.
    Annotation {
        /// The line, with its end.
        line: &'a [u8],
        /// Where it begins in the file.
        offset_bytes: u64,
    },
    /// A sealed batch begins, whose checksum has passed.
    Batch(BatchLine),
    /// It ends, and what was handed out is good.
    BatchEnd,
}

/// How a file ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// As it should.
    Clean,
    /// With something that was never durable as a whole. The file may be cut at the good point.
    TornTail {
        /// The last good point: how much of the file is to be kept.
        good_offset_bytes: u64,
        /// How much is to be cut.
        lost_bytes: u64,
        /// What is wrong.
        reason: Reason,
    },
    /// With damage to what was durable, or to what cannot be told from it. The file is to be refused.
    Corrupt {
        /// The last good point.
        good_offset_bytes: u64,
        /// Where the damage shows.
        offset_bytes: u64,
        /// What is wrong.
        reason: Reason,
        /// Where a later line stands that says the damaged bytes were durable, if that is how it is known.
        witness_bytes: Option<u64>,
    },
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The file ends within a batch, a command or a line.
    Truncated,
    /// The file ends between MULTI and EXEC.
    Transaction,
    /// What stands there is no command and no annotation.
    Format,
    /// The line in front of a batch is damaged.
    Line,
    /// A batch stands where it was not written: something before it was lost or inserted. No torn tail looks so.
    Moved,
    /// A batch is not what was sealed.
    Checksum,
    /// What is sealed was written for another file.
    OtherFile,
    /// A batch that is what was sealed holds something else than whole commands and transactions.
    Batch,
    /// What stands there is not what was summed up.
    Sum,
    /// Something stands behind the line that ends the file.
    Behind,
}

/// Whether a file begins with a part in the RDB format; nothing until that many bytes are there. What follows that
/// part is a log, for a reader that starts there.
#[must_use]
pub fn begins_rdb(bytes: &[u8]) -> Option<bool> {
    let len = bytes.len().min(RDB_MAGIC.len());
    if bytes[..len] != RDB_MAGIC[..len] {
        return Some(false);
    }
    (len == RDB_MAGIC.len()).then_some(true)
}

/// Reads one file of a log.
#[derive(Clone, Debug)]
pub struct LogReader {
    /// The file's sequence number, when it is known or a sealed batch has told it.
    file: Option<u64>,
    buffer: Vec<u8>,
    /// Where the buffer begins in the file.
    buffer_offset_bytes: u64,
    /// What lies before in the buffer was handed out.
    at: usize,
    parser: CommandParser,
    ahead: LookAhead,
    /// Whether the parser's command was handed out.
    is_handed_out: bool,
    place: Place,
    good_offset_bytes: u64,
    /// Whether a sealed batch has passed.
    has_passed: bool,
    /// Whether what comes next is to be sealed, because what came last was.
    is_sealed: bool,
    /// What the sums have to be, in a file that has them.
    sum: Option<Sum>,
}

/// Where in the log the reader is. Lengths count from the next byte to be handed out.
#[derive(Clone, Debug)]
enum Place {
    /// Between units.
    Between,
    /// In a sealed batch that is not wholly there.
    Gathering { line: BatchLine, line_len: usize, checksum: Crc32c, summed: usize },
    /// In a transaction without a checksum, looking for its end.
    Searching { len: usize },
    /// In a unit that is good as a whole.
    HandingOut { left: usize, is_batch: bool, in_transaction: bool },
    /// Behind damage.
    Damaged { scan: Scan, reason: Reason, unproven: Unproven },
}

/// What damage is when nothing proves that the damaged bytes were durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unproven {
    /// A torn tail.
    Tail,
    /// A torn tail where nothing but zeros follows: a file that was enlarged but not filled.
    TailIfZero,
    /// Damage all the same.
    Damage,
}

/// What a step found: ranges of the buffer.
enum Step {
    Again,
    Wait,
    Command { start: usize },
    Annotation { start: usize, len: usize },
    Batch(BatchLine),
    BatchEnd,
}

impl LogReader {
    /// Reads a file from `start_bytes` on, where the part in the RDB format ends, or 0. `file` is the sequence
    /// number the manifest gives an increment; without it, the first sealed batch tells.
    #[must_use]
    pub fn new(file: Option<u64>, start_bytes: u64) -> LogReader {
        LogReader {
            file,
            buffer: Vec::new(),
            buffer_offset_bytes: start_bytes,
            at: 0,
            parser: CommandParser::default(),
            ahead: LookAhead::default(),
            is_handed_out: false,
            place: Place::Between,
            good_offset_bytes: start_bytes,
            has_passed: false,
            is_sealed: false,
            sum: None,
        }
    }

    /// Takes in what follows in the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 && self.at >= self.buffer.len() / 2 {
            if let Some(sum) = &mut self.sum {
                sum.up_to(&self.buffer, self.at);
                sum.forget(self.at);
            }
            self.buffer.drain(..self.at);
            self.buffer_offset_bytes += self.at as u64;
            self.ahead.forget(self.at);
            self.at = 0;
            // A command that was handed out lies in what is gone.
            self.forget_handed_out();
            self.buffer.shrink_to(KEPT_BYTES);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// What comes next; nothing when more has to be fed to tell.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.forget_handed_out();
        let step = loop {
            match self.step() {
                Step::Again => {}
                step => break step,
            }
        };
        match step {
            Step::Again | Step::Wait => None,
            Step::Command { start } => Some(Item::Command {
                args: Args::new(&self.buffer[start..], self.parser.ranges(), &[]),
                offset_bytes: self.buffer_offset_bytes + start as u64,
            }),
            Step::Annotation { start, len } => Some(Item::Annotation {
                line: &self.buffer[start..start + len],
                offset_bytes: self.buffer_offset_bytes + start as u64,
            }),
            Step::Batch(line) => Some(Item::Batch(line)),
            Step::BatchEnd => Some(Item::BatchEnd),
        }
    }

    /// The key of the next command that was not looked at yet, empty if it has none, as far as commands have arrived.
    /// This is a guess, for fetching what it leads to: nothing vouches for what lies ahead.
    pub(crate) fn look_ahead(&mut self) -> Option<&[u8]> {
        self.ahead.next_key(&self.buffer, self.at)
    }

    /// Judges the file, all of which has been fed. What was not asked for is passed over.
    pub fn finish(mut self) -> End {
        while self.next_item().is_some() {}
        let end_bytes = self.buffer_offset_bytes + self.buffer.len() as u64;
        let reason = match &self.place {
            Place::Between if self.at == self.buffer.len() && self.is_complete() => return End::Clean,
            Place::Between | Place::Gathering { .. } => Some(Reason::Truncated),
            Place::Searching { .. } => Some(Reason::Transaction),
            Place::HandingOut { .. } | Place::Damaged { .. } => None,
        };
        if let Some(reason) = reason {
            let skips =
                if matches!(self.place, Place::Gathering { .. }) { self.buffer.len() - self.at } else { 0 };
            self.damage(reason, end_bytes, skips, Unproven::Tail);
            self.step();
        }
        let good_offset_bytes = self.good_offset_bytes;
        match self.place {
            Place::Damaged { scan, reason, unproven }
                if scan.witness_bytes().is_none()
                    && (unproven == Unproven::Tail || unproven == Unproven::TailIfZero && scan.is_zero()) =>
            {
                End::TornTail { good_offset_bytes, lost_bytes: end_bytes - good_offset_bytes, reason }
            }
            Place::Damaged { scan, reason, .. } => End::Corrupt {
                good_offset_bytes,
                offset_bytes: scan.bad_offset_bytes(),
                reason,
                witness_bytes: scan.witness_bytes(),
            },
            Place::Between | Place::Gathering { .. } | Place::Searching { .. } | Place::HandingOut { .. } => {
                unreachable!("whatever is not clean was made damage")
            }
        }
    }

    /// The last good point: how much of the file can be kept whatever follows.
    #[must_use]
    pub fn good_offset_bytes(&self) -> u64 {
        self.good_offset_bytes
    }

    /// How much of the file was handed out, for telling progress.
    #[must_use]
    pub fn offset_bytes(&self) -> u64 {
        self.buffer_offset_bytes + self.at as u64
    }

    /// Whether damage was found: nothing more will be handed out, and feeding the rest only settles what kind it is.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        matches!(self.place, Place::Damaged { .. })
    }

    /// Memory held, for those who check that it is bounded.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.buffer.capacity() + size_of_val(self.parser.ranges())
    }

    fn forget_handed_out(&mut self) {
        if std::mem::take(&mut self.is_handed_out) {
            self.parser.reset();
        }
    }

    fn step(&mut self) -> Step {
        match &mut self.place {
            Place::Between => self.step_between(),
            Place::Gathering { .. } => self.gather(),
            Place::Searching { len } => {
                let len = *len;
                self.search(len)
            }
            Place::HandingOut { left, is_batch, in_transaction } => {
                let (left, is_batch, in_transaction) = (*left, *is_batch, *in_transaction);
                self.hand_out(left, is_batch, in_transaction)
            }
            Place::Damaged { scan, .. } => {
                let offset_bytes = self.buffer_offset_bytes + self.at as u64;
                self.at += scan.take(&self.buffer[self.at..], offset_bytes);
                Step::Wait
            }
        }
    }

    fn step_between(&mut self) -> Step {
        let start = self.at;
        let input = &self.buffer[start..];
        match input.first() {
            None => Step::Wait,
            Some(_) if self.sum.as_ref().is_some_and(|sum| sum.has_ended) => {
                self.damage_here(Reason::Behind, 0)
            }
            Some(b'#') => match line_len(input) {
                Err(incomplete) => self.wait_or_damage(incomplete),
                Ok(len) if input.starts_with(BATCH_PREFIX) => self.begin_batch(len),
                Ok(len) if SumLine::is_meant(&input[..len]) => self.take_sum(len),
                // Nothing but sealed batches was written here, so it is one whose line is damaged. Redis, which
                // may have taken over, knows but one annotation.
                Ok(len) if self.is_sealed && parse_timestamp(&input[..len]).is_none() => {
                    self.damage_here(Reason::Line, 0)
                }
                Ok(len) => {
                    self.is_sealed = false;
                    self.advance_good(len);
                    Step::Annotation { start, len }
                }
            },
            Some(_) => match self.parser.parse(input) {
                Parsed::Incomplete => Step::Wait,
                Parsed::Bad { at } => self.damage_here(Reason::Format, at),
                Parsed::Complete { len }
                    if self.parser.is_bare(b"MULTI", input) && !mutant!(Mutant::TailTransactionReplayed) =>
                {
                    self.parser.reset();
                    self.is_sealed = false;
                    self.place = Place::Searching { len };
                    Step::Again
                }
                Parsed::Complete { len } => {
                    self.is_handed_out = true;
                    self.is_sealed = false;
                    self.advance_good(len);
                    Step::Command { start }
                }
            },
        }
    }

    /// Reads the line of a batch, which is `line_len` bytes long.
    fn begin_batch(&mut self, line_len: usize) -> Step {
        let found = BatchLine::parse(&self.buffer[self.at..self.at + line_len]);
        let Some(line) = found else { return self.damage_in_sealed(Reason::Line, 0, 0) };
        if line.offset_bytes != self.offset_bytes() {
            return self.damage(Reason::Moved, self.offset_bytes(), 0, Unproven::Damage);
        }
        if self.file.is_some_and(|file| file != line.file) {
            // Behind good batches, it may be what the disk held there before; otherwise it is the wrong file.
            let unproven = if self.has_passed { Unproven::Tail } else { Unproven::Damage };
            return self.damage(Reason::OtherFile, self.offset_bytes(), 0, unproven);
        }
        self.place = Place::Gathering { line, line_len, checksum: Crc32c::new(), summed: 0 };
        Step::Again
    }

    fn gather(&mut self) -> Step {
        let Place::Gathering { line, line_len, checksum, summed } = &mut self.place else { unreachable!() };
        let body = &self.buffer[self.at + *line_len..];
        // What has arrived fits into memory, so the rest of the batch does where it is shorter.
        let len = usize::try_from(line.len_bytes).unwrap_or(usize::MAX);
        let arrived = body.len().min(len);
        checksum.update(&body[*summed..arrived]);
        *summed = arrived;
        if arrived < len {
            return Step::Wait;
        }
        let (line, line_len) = (*line, *line_len);
        if checksum.value() != line.checksum && !mutant!(Mutant::BatchChecksumIgnored) {
            return self.damage_in_sealed(Reason::Checksum, line_len, line_len + len);
        }
        self.file = Some(line.file);
        self.has_passed = true;
        self.at += line_len;
        self.place = Place::HandingOut { left: len, is_batch: true, in_transaction: false };
        Step::Batch(line)
    }

    /// Compares what has stood in the file until now with the line of a sum, which is `len` bytes long.
    fn take_sum(&mut self, len: usize) -> Step {
        let (start, end) = (self.at, self.at + len);
        let Some(line) = SumLine::parse(&self.buffer[start..end]) else {
            return self.damage(Reason::Line, self.offset_bytes(), 0, Unproven::Damage);
        };
        if line.offset_bytes != self.offset_bytes() {
            return self.damage(Reason::Moved, self.offset_bytes(), 0, Unproven::Damage);
        }
        if self.sum.is_none() && line.offset_bytes > 0 {
            // The first line is damaged, or such a line would stand there.
            return self.damage(Reason::Line, self.offset_bytes(), 0, Unproven::Damage);
        }
        let sum = self.sum.get_or_insert_with(Sum::new);
        if sum.up_to(&self.buffer, start) != line.checksum && !mutant!(Mutant::BaseSumIgnored) {
            return self.damage(Reason::Sum, self.good_offset_bytes, 0, Unproven::Damage);
        }
        sum.up_to(&self.buffer, end);
        sum.has_ended = line.is_last;
        self.at = end;
        self.good_offset_bytes = self.offset_bytes();
        Step::Annotation { start, len }
    }

    /// Whether nothing has to come any more, between commands.
    fn is_complete(&self) -> bool {
        self.sum.as_ref().is_none_or(|sum| sum.has_ended)
    }

    /// Looks for the EXEC of a transaction of which `len` bytes are known.
    fn search(&mut self, len: usize) -> Step {
        let input = &self.buffer[self.at + len..];
        let more = match input.first() {
            None => return Step::Wait,
            Some(b'#') => match line_len(input) {
                Err(incomplete) => return self.wait_or_damage(incomplete),
                Ok(_) if input.starts_with(BATCH_PREFIX) => return self.damage_here(Reason::Format, len),
                Ok(more) => more,
            },
            Some(_) => match self.parser.parse(input) {
                Parsed::Incomplete => return Step::Wait,
                Parsed::Bad { at } => return self.damage_here(Reason::Format, len + at),
                Parsed::Complete { len: more } => {
                    let is_end = self.parser.is_bare(b"EXEC", input);
                    self.parser.reset();
                    if is_end {
                        let left = len + more;
                        self.place = Place::HandingOut { left, is_batch: false, in_transaction: false };
                        return Step::Again;
                    }
                    more
                }
            },
        };
        self.place = Place::Searching { len: len + more };
        Step::Again
    }

    /// Hands out what is next in a unit that has `left` bytes left.
    fn hand_out(&mut self, left: usize, is_batch: bool, mut in_transaction: bool) -> Step {
        let start = self.at;
        let input = &self.buffer[start..start + left];
        let (len, step) = match input.first() {
            None if in_transaction => return self.damage_in_batch(),
            None => {
                self.place = Place::Between;
                self.is_sealed = is_batch;
                self.advance_good(0);
                return if is_batch { Step::BatchEnd } else { Step::Again };
            }
            Some(b'#') => match line_len(input) {
                Ok(len) if !input.starts_with(BATCH_PREFIX) => (len, Step::Annotation { start, len }),
                _ => return self.damage_in_batch(),
            },
            Some(_) => match self.parser.parse(input) {
                Parsed::Complete { len } => {
                    in_transaction = !self.parser.is_bare(b"EXEC", input)
                        && (in_transaction || self.parser.is_bare(b"MULTI", input));
                    self.is_handed_out = true;
                    (len, Step::Command { start })
                }
                _ => return self.damage_in_batch(),
            },
        };
        self.at += len;
        self.place = Place::HandingOut { left: left - len, is_batch, in_transaction };
        step
    }

    /// Moves on by `len` bytes, to a good point unless a sum is still to come.
    fn advance_good(&mut self, len: usize) {
        self.at += len;
        if self.sum.is_none() {
            self.good_offset_bytes = self.offset_bytes();
        }
    }

    fn wait_or_damage(&mut self, line: LineFault) -> Step {
        match line {
            LineFault::Incomplete => Step::Wait,
            LineFault::NoLine => self.damage_here(Reason::Format, 0),
        }
    }

    /// There is damage, which shows `behind` bytes from here. Without checksums, it is in what was written, so that
    /// nothing says it was not durable.
    fn damage_here(&mut self, reason: Reason, behind: usize) -> Step {
        let unproven = if self.is_sealed { Unproven::Tail } else { Unproven::TailIfZero };
        self.damage(reason, self.offset_bytes() + behind as u64, 0, unproven)
    }

    fn damage_in_sealed(&mut self, reason: Reason, behind: usize, skipped: usize) -> Step {
        self.damage(reason, self.offset_bytes() + behind as u64, skipped, Unproven::Tail)
    }

    fn damage_in_batch(&mut self) -> Step {
        self.damage(Reason::Batch, self.offset_bytes(), 0, Unproven::Damage)
    }

    /// Goes on behind `skipped` bytes looking for what tells which kind of damage it is.
    fn damage(&mut self, reason: Reason, bad_offset_bytes: u64, skipped: usize, unproven: Unproven) -> Step {
        let scan = Scan::new(self.file, self.good_offset_bytes, bad_offset_bytes);
        // All of a file with sums was durable before anybody was to read it.
        let unproven = if self.sum.is_some() { Unproven::Damage } else { unproven };
        self.at += skipped;
        self.parser.reset();
        self.place = Place::Damaged { scan, reason, unproven };
        Step::Again
    }
}

#[derive(Clone, Copy, Debug)]
enum LineFault {
    Incomplete,
    NoLine,
}

/// The length of the annotation at the front, its end included. Redis would skip whatever begins with `#`; what is
/// not even text is garbage, which may well have swallowed the beginning of something else.
fn line_len(input: &[u8]) -> Result<usize, LineFault> {
    let window = &input[..input.len().min(ANNOTATION_LEN_BYTES_MAX)];
    match memchr(b'\n', window) {
        Some(at) if is_text(&window[..at]) => Ok(at + 1),
        None if window.len() < ANNOTATION_LEN_BYTES_MAX => Err(LineFault::Incomplete),
        Some(_) | None => Err(LineFault::NoLine),
    }
}

fn is_text(line: &[u8]) -> bool {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    std::str::from_utf8(line)
        .is_ok_and(|text| text.chars().all(|letter| letter == '\t' || !letter.is_control()))
}

impl Display for Reason {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Reason::Truncated => "the file ends too early",
            Reason::Transaction => "the file ends between MULTI and EXEC",
            Reason::Format => "what stands there is no command",
            Reason::Line => "the line in front of a batch is damaged",
            Reason::Moved => "a batch stands where it was not written",
            Reason::Checksum => "the checksum of a batch does not match",
            Reason::OtherFile => "what is sealed there was written for another file",
            Reason::Batch => "a sealed batch does not hold whole commands",
            Reason::Sum => "what stands there is not what was summed up",
            Reason::Behind => "something stands behind the end",
        })
    }
}

#[cfg(test)]
mod tests;
