//! The request parser: finds one command's arguments in a client's input, without copying them.
//!
//! # How a caller drives it
//!
//! The input handed to [`RequestParser::parse`] always begins with the first byte of the request being parsed.
//! When the answer is [`Parsed::Incomplete`], the caller keeps those bytes and presents them again with more
//! behind them; the parser remembers how far it came, so no argument is looked at twice.
//!
//! ```text
//!                ┌──────────────┐  Complete, Empty, Inline (consumed)  → drop `consumed` bytes, go on
//!  input ──────► │ parse(input) │  Incomplete                          → keep the bytes, wait for more
//!                └──────────────┘  Error                               → answer its text, close
//!                       ▲          Big (header_end, len)               → see below
//!                       └── resume_after_big() ── payload and line end received elsewhere ──┘
//! ```
//!
//! # A big argument
//!
//! An argument of at least [`BIG_BULK_LEN_BYTES`] that is not yet wholly there is not collected in the input: it
//! would have to be copied out of it later. [`Parsed::Big`] says where its payload begins. The caller
//! 1. keeps the first `header_end` bytes of the input (the small arguments found so far lie in them),
//! 2. takes everything behind them, now and later, into memory of the argument's own, until `len` bytes and the
//!    line end's two have passed ([`BigBulk`](super::BigBulk) does that),
//! 3. calls [`RequestParser::resume_after_big`] and parses again, the input being the kept bytes followed by what
//!    came after the line end. For a big last argument the kept bytes alone complete the command.
//!
//! The argument's own range in `args` is then empty: its payload is not part of the input.
//!
//! # What is believed
//!
//! Nothing is allocated by a length that is merely claimed: there is one range per argument that has arrived. Like
//! Redis, the parser does not look at the two bytes behind an argument, nor at the one behind the `\r` of a
//! length. A line with a NUL byte in it never ends, as Redis searches it as a C string.

use super::inline::{self, Line};
use crate::number::parse_i64;
use memchr::memchr2;
use std::borrow::Cow;

/// The length from which an argument is received straight into memory of its own: Redis' PROTO_MBULK_BIG_ARG.
pub const BIG_BULK_LEN_BYTES: u64 = 32 * 1024;

/// The longest input that can be presented. The limit on a client's query buffer must not be above it.
pub const INPUT_LEN_BYTES_MAX: usize = u32::MAX as usize;

/// How many arguments a client may send before it has authenticated.
const UNAUTHENTICATED_ARGS_MAX: i64 = 10;

/// How long an argument may be before the client has authenticated.
const UNAUTHENTICATED_BULK_LEN_BYTES_MAX: u64 = 16 * 1024;

/// `*` or `$`, a digit, and the line end: the shortest line that announces a length.
const LENGTH_LINE_LEN_BYTES_MIN: usize = 4;

/// The line end behind an argument.
const LINE_END_LEN: usize = 2;

/// What a request may claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest argument: `proto-max-bulk-len`.
    pub bulk_len_max: u64,
    /// The longest line: an inline command, or a length. Lines of four bytes pass in any case.
    pub inline_len_max: usize,
    /// The largest number of arguments.
    pub args_max: i64,
    /// Whether the client has authenticated or need not. Before that it may send 10 arguments of 16 KiB.
    pub authenticated: bool,
}

impl Default for Limits {
    /// The limits of Redis 7.2's default configuration.
    fn default() -> Limits {
        Limits {
            bulk_len_max: 512 * 1024 * 1024,
            inline_len_max: 64 * 1024,
            args_max: i64::from(i32::MAX),
            authenticated: true,
        }
    }
}

/// Where an argument lies in the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgRange {
    /// The offset of its first byte, from the first byte of the request's input.
    pub start: u32,
    /// Its length in bytes.
    pub len: u32,
}

impl ArgRange {
    /// The argument's bytes. Panics when `input` is not the input it was found in.
    #[must_use]
    #[inline]
    pub fn of(self, input: &[u8]) -> &[u8] {
        &input[self.start as usize..self.start as usize + self.len as usize]
    }
}

/// What [`RequestParser::parse`] found at the front of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A command, whose ranges were appended to `args`.
    Complete {
        /// The length of the request in the input.
        consumed: usize,
    },
    /// An inline command with quotes in it; nothing was appended to `args`.
    Inline {
        /// The length of the request in the input.
        consumed: usize,
        /// The arguments, unquoted.
        args: Vec<Vec<u8>>,
    },
    /// A blank line or a count of zero or less: there is nothing to run and nothing to answer.
    Empty {
        /// The length of the request in the input.
        consumed: usize,
    },
    /// The request goes on behind the end of the input; `args` is as it was.
    Incomplete,
    /// A big argument begins that is not wholly there; `args` is as it was. The module's page says what to do.
    Big {
        /// The argument's number; 0 is the command's name.
        arg_index: usize,
        /// The offset in the input at which the payload begins.
        header_end: usize,
        /// The payload's length in bytes, without the line end behind it.
        len: u64,
    },
    /// The client does not speak the protocol. Parsing again gives the same answer.
    Error(ProtocolError),
}

/// What a client did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProtocolError {
    /// An inline command does not end.
    InlineTooLong,
    /// The line with the number of arguments does not end.
    CountTooLong,
    /// The number of arguments is not a number, or above the limit.
    InvalidCount,
    /// An argument's length does not end.
    BulkLenTooLong,
    /// An argument should begin with `$`, not with this.
    ExpectedDollar(u8),
    /// An argument's length is not a number, negative, or above the limit.
    InvalidBulkLen,
    /// An inline command's quotes do not match.
    UnbalancedQuotes,
    /// More arguments than a client may send before it authenticates.
    UnauthenticatedCount,
    /// A longer argument than a client may send before it authenticates.
    UnauthenticatedBulkLen,
}

impl ProtocolError {
    /// The error reply, without its `-` and line end.
    #[must_use]
    pub fn text(self) -> Cow<'static, [u8]> {
        let text: &'static str = match self {
            Self::InlineTooLong => "ERR Protocol error: too big inline request",
            Self::CountTooLong => "ERR Protocol error: too big mbulk count string",
            Self::InvalidCount => "ERR Protocol error: invalid multibulk length",
            Self::BulkLenTooLong => "ERR Protocol error: too big bulk count string",
            Self::ExpectedDollar(byte) => {
                let mut text = b"ERR Protocol error: expected '$', got '".to_vec();
                text.extend_from_slice(&[byte, b'\'']);
                return Cow::Owned(text);
            }
            Self::InvalidBulkLen => "ERR Protocol error: invalid bulk length",
            Self::UnbalancedQuotes => "ERR Protocol error: unbalanced quotes in request",
            Self::UnauthenticatedCount => "ERR Protocol error: unauthenticated multibulk length",
            Self::UnauthenticatedBulkLen => "ERR Protocol error: unauthenticated bulk length",
        };
        Cow::Borrowed(text.as_bytes())
    }
}

/// The state of one connection's unfinished request; the module's page says how it is driven.
#[derive(Debug, Default)]
pub struct RequestParser {
    /// The arguments found so far. Invariant: empty and unallocated between requests.
    ranges: Vec<ArgRange>,
    /// Where the next byte to be understood lies.
    position: u32,
    /// How far the line that begins at `position` has been searched for its end. Means nothing before it.
    searched: u32,
    /// How many arguments are to come. Zero between requests.
    args_left: u32,
    /// What `position` points at.
    next: Next,
}

/// What the parser expects at its position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// A line with a count or a length, or an inline command.
    #[default]
    Line,
    /// The payload of an argument of this length, less than [`BIG_BULK_LEN_BYTES`], and its line end.
    Payload(u16),
    /// Nothing before the caller has taken in a big argument.
    Big,
    /// Nothing: the last argument was big and has been taken in; the request waits to be handed out.
    End,
    /// Nothing: this is no request.
    Failed(ProtocolError),
}

const _: () = assert!(size_of::<RequestParser>() <= 40);
const _: () = assert!(BIG_BULK_LEN_BYTES - 1 <= u16::MAX as u64);

impl RequestParser {
    /// A parser at the front of a request.
    #[must_use]
    pub fn new() -> RequestParser {
        RequestParser::default()
    }

    /// Parses one request from the front of `input`, which begins with the request's first byte. After
    /// [`Parsed::Incomplete`] it must be the same bytes and more.
    ///
    /// The arguments of a complete request are appended to `args`, relative to `input`; otherwise `args` is left
    /// as it was. Panics when `input` is longer than [`INPUT_LEN_BYTES_MAX`].
    pub fn parse(&mut self, input: &[u8], limits: &Limits, args: &mut Vec<ArgRange>) -> Parsed {
        assert!(input.len() <= INPUT_LEN_BYTES_MAX, "the query buffer's limit keeps the input short");
        if self.next != Next::Line || self.args_left != 0 {
            return self.resume(input, limits, args);
        }
        let Some(&kind) = input.first() else {
            return Parsed::Incomplete;
        };
        if kind != b'*' {
            return self.parse_inline(input, limits, args);
        }
        let (count, line_end) = match short_length(input, 0, b'*') {
            Some((count, line_end)) => (count as i64, line_end),
            None => match self.length(input, 0, limits.inline_len_max) {
                Length::Value(count, line_end) => (count, line_end),
                Length::Incomplete => return Parsed::Incomplete,
                Length::TooLong => return self.fail(ProtocolError::CountTooLong),
                Length::Invalid => return self.fail(ProtocolError::InvalidCount),
            },
        };
        if count > limits.args_max || count > i64::from(u32::MAX) {
            return self.fail(ProtocolError::InvalidCount);
        }
        if count > UNAUTHENTICATED_ARGS_MAX && !limits.authenticated {
            return self.fail(ProtocolError::UnauthenticatedCount);
        }
        if count <= 0 {
            self.searched = 0;
            return Parsed::Empty { consumed: line_end };
        }
        let first = args.len();
        self.start(input, limits, args, first, count as u32, line_end)
    }

    /// Parses a request of `count` arguments whose first one is known, because the bytes up to its end are those of
    /// the request before. Otherwise as [`parse`](Self::parse), for a parser that is idle.
    #[inline(always)]
    pub(crate) fn parse_alike(
        &mut self,
        input: &[u8],
        limits: &Limits,
        args: &mut Vec<ArgRange>,
        count: u32,
        name: ArgRange,
    ) -> Parsed {
        debug_assert!(self.is_idle(), "there is nothing to go on with");
        assert!(input.len() <= INPUT_LEN_BYTES_MAX, "the query buffer's limit keeps the input short");
        let first = args.len();
        args.push(name);
        self.start(input, limits, args, first, count - 1, (name.start + name.len) as usize + LINE_END_LEN)
    }

    /// Goes on behind a big argument that the caller has taken in with its line end: from here on the input is
    /// the bytes before the argument's payload followed by those behind its line end.
    pub fn resume_after_big(&mut self) {
        assert!(self.next == Next::Big, "there must have been a big argument");
        self.ranges.push(ArgRange { start: self.position, len: 0 });
        self.args_left -= 1;
        self.next = if self.args_left == 0 { Next::End } else { Next::Line };
    }

    /// Whether the parser stands between two requests: it has seen nothing of the next one, and owns no memory.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.args_left == 0 && self.next == Next::Line && self.searched == 0
    }

    /// Counts where this input, which is not a whole request, was cut.
    #[cfg(feature = "simulation")]
    pub(crate) fn note_split(&self, input: &[u8]) {
        let Some(last) = input.last() else { return };
        let is_behind_cr = *last == b'\r';
        let seen = input.len() - self.position as usize;
        match self.next {
            Next::Payload(len) => {
                let len = usize::from(len);
                sometimes!(Mark::SplitBeforePayload, seen == 0);
                sometimes!(Mark::SplitInPayload, (1..len).contains(&seen));
                sometimes!(Mark::SplitBeforePayloadLineEnd, seen == len && len > 0);
                sometimes!(Mark::SplitInPayloadLineEnd, seen == len + 1);
            }
            Next::Line if self.args_left > 0 => {
                sometimes!(Mark::SplitBeforeArgument, seen == 0);
                sometimes!(Mark::SplitInLength, seen > 0 && !is_behind_cr);
                sometimes!(Mark::SplitInLengthLineEnd, seen > 0 && is_behind_cr);
            }
            Next::Line if input[0] != b'*' => sometimes!(Mark::SplitInInline),
            Next::Line => {
                sometimes!(Mark::SplitInCount, !is_behind_cr);
                sometimes!(Mark::SplitInCountLineEnd, is_behind_cr);
            }
            Next::Big | Next::End | Next::Failed(_) => {}
        }
    }

    /// The memory held for the arguments of an unfinished request.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.ranges.capacity() * size_of::<ArgRange>()
    }
}

/// How a walk over arguments ended.
enum Walk {
    /// All are there; the request ends at this offset.
    Complete(usize),
    /// The input ends first; the parser's state says where. Holds the number of arguments to come.
    Incomplete(u32),
    /// As [`Parsed::Big`]. Holds the number of arguments to come, this one included, and the length.
    Big(u32, u64),
    Error(ProtocolError),
}

/// What a line with a length says.
enum Length {
    /// The number, and the offset behind the line.
    Value(i64, usize),
    Incomplete,
    TooLong,
    Invalid,
}

impl RequestParser {
    /// Parses the arguments of a request whose count has just been read, from offset `at` on: straight into the
    /// caller's vector, where they begin at `first`. `left` of them are to come.
    #[inline(always)]
    fn start(
        &mut self,
        input: &[u8],
        limits: &Limits,
        args: &mut Vec<ArgRange>,
        first: usize,
        left: u32,
        at: usize,
    ) -> Parsed {
        match self.walk(input, limits, args, left, at) {
            Walk::Complete(consumed) => {
                self.searched = 0;
                Parsed::Complete { consumed }
            }
            walk => {
                // The caller gets a request's arguments all at once; what is found so far moves here.
                self.ranges.extend_from_slice(&args[first..]);
                args.truncate(first);
                self.suspend(&walk)
            }
        }
    }

    /// Parses on where the input ended before.
    #[cold]
    fn resume(&mut self, input: &[u8], limits: &Limits, args: &mut Vec<ArgRange>) -> Parsed {
        match self.next {
            Next::Failed(error) => return Parsed::Error(error),
            Next::Big => panic!("a big argument must be taken in before parsing goes on"),
            Next::Line | Next::End => {}
            Next::Payload(len) => {
                let mut end = self.position as usize + usize::from(len) + 2;
                if mutant!(Mutant::ParserCutsLineEnd) && end == input.len() + 1 {
                    end -= 1;
                }
                if end > input.len() {
                    return Parsed::Incomplete;
                }
                self.ranges.push(ArgRange { start: self.position, len: u32::from(len) });
                self.position = end as u32;
                self.args_left -= u32::from(!mutant!(Mutant::ParserLosesState));
                self.next = Next::Line;
            }
        }
        let mut ranges = std::mem::take(&mut self.ranges);
        match self.walk(input, limits, &mut ranges, self.args_left, self.position as usize) {
            Walk::Complete(consumed) => {
                args.extend_from_slice(&ranges);
                *self = RequestParser::default();
                Parsed::Complete { consumed }
            }
            walk => {
                self.ranges = ranges;
                self.suspend(&walk)
            }
        }
    }

    /// Remembers where an unfinished walk ended and says so.
    #[cold]
    fn suspend(&mut self, walk: &Walk) -> Parsed {
        match *walk {
            Walk::Complete(_) => unreachable!("a complete request is handed out at once"),
            Walk::Incomplete(left) => {
                self.args_left = left;
                Parsed::Incomplete
            }
            Walk::Big(left, len) => {
                self.args_left = left;
                self.next = Next::Big;
                Parsed::Big { arg_index: self.ranges.len(), header_end: self.position as usize, len }
            }
            Walk::Error(error) => self.fail(error),
        }
    }

    /// Forgets everything but the error.
    #[cold]
    fn fail(&mut self, error: ProtocolError) -> Parsed {
        *self = RequestParser { next: Next::Failed(error), ..RequestParser::default() };
        Parsed::Error(error)
    }

    /// Reads `left` arguments from offset `at` on. The hottest loop of the server.
    #[inline(always)]
    fn walk(
        &mut self,
        input: &[u8],
        limits: &Limits,
        out: &mut Vec<ArgRange>,
        mut left: u32,
        mut at: usize,
    ) -> Walk {
        while left > 0 {
            let (len, start) = match short_length(input, at, b'$') {
                Some((len, start)) if len as u64 <= limits.bulk_len_max => (len as u64, start),
                _ => match self.bulk_length(input, at, limits) {
                    Ok(Some((len, start))) => (len, start),
                    Ok(None) => {
                        self.position = at as u32;
                        return Walk::Incomplete(left);
                    }
                    Err(error) => return Walk::Error(error),
                },
            };
            if len + 2 > (input.len() - start) as u64 {
                self.position = start as u32;
                if len >= BIG_BULK_LEN_BYTES {
                    return Walk::Big(left, len);
                }
                self.next = Next::Payload(len as u16);
                return Walk::Incomplete(left);
            }
            // The payload lies within the input, whose length fits.
            out.push(ArgRange { start: start as u32, len: len as u32 });
            at = start + len as usize + 2;
            left -= 1;
        }
        Walk::Complete(at)
    }

    /// Reads the line that announces an argument, whatever its form: its length and the payload's offset.
    #[inline(never)]
    fn bulk_length(
        &mut self,
        input: &[u8],
        at: usize,
        limits: &Limits,
    ) -> Result<Option<(u64, usize)>, ProtocolError> {
        match self.length(input, at, limits.inline_len_max) {
            Length::Incomplete => Ok(None),
            Length::TooLong => Err(ProtocolError::BulkLenTooLong),
            // Redis looks at the first byte only once the whole line is there.
            _ if input[at] != b'$' => Err(ProtocolError::ExpectedDollar(input[at])),
            Length::Invalid => Err(ProtocolError::InvalidBulkLen),
            Length::Value(len, start) => {
                let Ok(len) = u64::try_from(len) else {
                    return Err(ProtocolError::InvalidBulkLen);
                };
                if len > limits.bulk_len_max {
                    return Err(ProtocolError::InvalidBulkLen);
                }
                if len > UNAUTHENTICATED_BULK_LEN_BYTES_MAX && !limits.authenticated {
                    return Err(ProtocolError::UnauthenticatedBulkLen);
                }
                Ok(Some((len, start)))
            }
        }
    }

    /// Reads the line at offset `at`: one byte of any kind, a number, `\r` and any byte.
    fn length(&mut self, input: &[u8], at: usize, line_len_max: usize) -> Length {
        let from = (self.searched as usize).max(at);
        let line_end = match memchr2(b'\r', 0, &input[from..]) {
            Some(found) if input[from + found] == b'\r' => from + found,
            // A line with a NUL in it never ends; stay there, so that it is found again.
            Some(found) => {
                self.searched = (from + found) as u32;
                return if input.len() - at > line_len_max { Length::TooLong } else { Length::Incomplete };
            }
            None => {
                self.searched = input.len() as u32;
                return if input.len() - at > line_len_max { Length::TooLong } else { Length::Incomplete };
            }
        };
        // Redis tells an overlong line only when it has not yet seen its end, which depends on how the bytes
        // arrived; here the same bytes always give the same answer.
        if line_end - at > line_len_max {
            return Length::TooLong;
        }
        self.searched = line_end as u32;
        if line_end + 2 > input.len() {
            return Length::Incomplete;
        }
        match input.get(at + 1..line_end).and_then(parse_i64) {
            Some(value) => Length::Value(value, line_end + 2),
            None => Length::Invalid,
        }
    }

    /// Parses an inline command: words on a line.
    #[cold]
    fn parse_inline(&mut self, input: &[u8], limits: &Limits, args: &mut Vec<ArgRange>) -> Parsed {
        let from = self.searched as usize;
        let line_end = match memchr2(b'\n', 0, &input[from..]) {
            Some(found) if input[from + found] == b'\n' => Some(from + found),
            Some(found) => {
                self.searched = (from + found) as u32;
                None
            }
            None => {
                self.searched = input.len() as u32;
                None
            }
        };
        // As for a length: what counts is the line, not how much of it arrived at once.
        if line_end.unwrap_or(input.len()) > limits.inline_len_max {
            return self.fail(ProtocolError::InlineTooLong);
        }
        let Some(line_end) = line_end else {
            return Parsed::Incomplete;
        };
        let line = &input[..line_end];
        let words = inline::split(line.strip_suffix(b"\r").unwrap_or(line), args);
        let consumed = line_end + 1;
        self.searched = 0;
        match words {
            Line::UnbalancedQuotes => self.fail(ProtocolError::UnbalancedQuotes),
            Line::Blank => Parsed::Empty { consumed },
            Line::Plain => Parsed::Complete { consumed },
            Line::Quoted(args) => Parsed::Inline { consumed, args },
        }
    }
}

/// Reads a line with a length of at most three digits, written as every client writes it. Whatever else is there,
/// also near the end of the input, is left to the patient way.
#[inline(always)]
fn short_length(input: &[u8], at: usize, kind: u8) -> Option<(usize, usize)> {
    const LINE_END: u64 = (b'\r' as u64) | (b'\n' as u64) << 8;
    let line: &[u8; 8] = input.get(at..)?.first_chunk()?;
    // All of it is one word, the first byte the lowest.
    let word = u64::from_le_bytes(*line);
    let digit = |index: usize| (word >> (8 * index) & 0xff).wrapping_sub(u64::from(b'0'));
    let ends_behind = |digits: usize| {
        let shift = 8 * (digits + 1);
        word & (0xffff << shift | 0xff) == LINE_END << shift | u64::from(kind)
    };
    let first = digit(1);
    if ends_behind(1) {
        return (first <= 9).then_some((first as usize, at + LENGTH_LINE_LEN_BYTES_MIN));
    }
    let second = digit(2);
    // A number does not begin with a zero.
    if first.wrapping_sub(1) > 8 || second > 9 {
        return None;
    }
    let value = (first * 10 + second) as usize;
    if ends_behind(2) {
        return Some((value, at + LENGTH_LINE_LEN_BYTES_MIN + 1));
    }
    let third = digit(3);
    if third <= 9 && ends_behind(3) {
        return Some((value * 10 + third as usize, at + LENGTH_LINE_LEN_BYTES_MIN + 2));
    }
    None
}
