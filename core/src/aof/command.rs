//! One command of a log, found in bytes that arrive piece by piece.
//!
//! Logs are written by servers, so that the reader is as strict as `redis-check-aof` and stricter than a server
//! is with its clients: every length is a plain number, and every line ends as it should. Each thing it insists on
//! is a place where damage shows.

use crate::resp::ArgRange;

/// The longest length and the largest number of arguments, so that ranges can say where they are.
const COUNT_MAX: u32 = u32::MAX >> 1;

/// More digits than any count has.
const DIGITS_MAX: usize = 10;

const LINE_END: &[u8] = b"\r\n";

/// What is known of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// It goes on behind what has arrived.
    Incomplete,
    /// It is this long.
    Complete {
        /// In bytes.
        len: usize,
    },
    /// It is none.
    Bad {
        /// Where that shows, from the command's first byte.
        at: usize,
    },
}

/// Finds a command's arguments, however often it has to be asked, without looking at any of them twice.
#[derive(Clone, Debug, Default)]
pub(super) struct CommandParser {
    /// How many arguments there will be; 0 before that is known.
    expected: u32,
    ranges: Vec<ArgRange>,
    /// What lies before is done with.
    at: usize,
}

impl CommandParser {
    /// Looks at `input`, which begins with the command and is never shorter than it was in the call before.
    pub(super) fn parse(&mut self, input: &[u8]) -> Parsed {
        if self.expected == 0 {
            match counted(input, b'*') {
                Counted::Incomplete => return Parsed::Incomplete,
                Counted::Bad { at } => return Parsed::Bad { at },
                Counted::Number { number: 0, .. } => return Parsed::Bad { at: 1 },
                Counted::Number { number, len } => (self.expected, self.at) = (number, len),
            }
        }
        while self.ranges.len() < self.expected as usize {
            match argument(input, self.at) {
                Ok(Some(range)) => {
                    self.at = range.start as usize + range.len as usize + LINE_END.len();
                    self.ranges.push(range);
                }
                Ok(None) => return Parsed::Incomplete,
                Err(at) => return Parsed::Bad { at },
            }
        }
        Parsed::Complete { len: self.at }
    }

    /// The arguments found so far: all of them once the command is complete.
    pub(super) fn ranges(&self) -> &[ArgRange] {
        &self.ranges
    }

    /// Whether the command found is `name` and nothing more.
    pub(super) fn is_bare(&self, name: &[u8], input: &[u8]) -> bool {
        matches!(self.ranges[..], [only] if only.of(input).eq_ignore_ascii_case(name))
    }

    /// Gets ready for the next command.
    pub(super) fn reset(&mut self) {
        (self.expected, self.at) = (0, 0);
        self.ranges.clear();
    }
}

/// The argument at `at`, if it has arrived; or where it is seen to be none.
fn argument(input: &[u8], at: usize) -> Result<Option<ArgRange>, usize> {
    let (len, header_len) = match counted(&input[at..], b'$') {
        Counted::Incomplete => return Ok(None),
        Counted::Bad { at: bad } => return Err(at + bad),
        Counted::Number { number, len } => (number, len),
    };
    let Some(start) = u32::try_from(at + header_len).ok().filter(|start| start.checked_add(len).is_some())
    else {
        return Err(at);
    };
    let end = start as usize + len as usize;
    let behind = input.get(end..).unwrap_or_default();
    match behind.iter().zip(LINE_END).position(|(byte, expected)| byte != expected) {
        Some(bad) => Err(end + bad),
        None if behind.len() < LINE_END.len() => Ok(None),
        None => Ok(Some(ArgRange { start, len })),
    }
}

enum Counted {
    Incomplete,
    Bad { at: usize },
    Number { number: u32, len: usize },
}

/// A line of `prefix` and a number, as servers print one.
fn counted(input: &[u8], prefix: u8) -> Counted {
    match input.first() {
        None => return Counted::Incomplete,
        Some(&first) if first != prefix => return Counted::Bad { at: 0 },
        Some(_) => {}
    }
    let digits = input[1..].iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let number = input[1..=digits].iter().fold(0_u64, |number, digit| 10 * number + u64::from(digit - b'0'));
    let has_leading_zero = digits > 1 && input[1] == b'0';
    let end = &input[1 + digits..];
    let good = end.iter().zip(LINE_END).take_while(|(byte, expected)| byte == expected).count();
    if has_leading_zero || digits > DIGITS_MAX || number > u64::from(COUNT_MAX) {
        Counted::Bad { at: 1 }
    } else if good == LINE_END.len() && digits > 0 {
        Counted::Number { number: number as u32, len: 1 + digits + LINE_END.len() }
    } else if good == end.len() && (digits > 0 || end.is_empty()) {
        Counted::Incomplete
    } else {
        Counted::Bad { at: 1 + digits + if digits > 0 { good } else { 0 } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &str, expected: Parsed) {
        assert_eq!(CommandParser::default().parse(input.as_bytes()), expected, "{input:?}");
        // A byte at a time, it is the same answer at the same byte.
        let mut parser = CommandParser::default();
        let mut parsed = Parsed::Incomplete;
        for end in 0..=input.len() {
            parsed = parser.parse(&input.as_bytes()[..end]);
            if parsed != Parsed::Incomplete {
                break;
            }
        }
        assert_eq!(parsed, expected, "{input:?}, byte by byte");
    }

    #[test]
    fn commands() {
        check("*1\r\n$4\r\nPING\r\n", Parsed::Complete { len: 14 });
        check("*2\r\n$0\r\n\r\n$1\r\n\n\r\n", Parsed::Complete { len: 17 });
        check("*1\r\n$4\r\nPING\r\n*", Parsed::Complete { len: 14 });
        for input in ["", "*", "*1", "*1\r", "*1\r\n", "*1\r\n$", "*1\r\n$4\r\nPING", "*1\r\n$4\r\nPING\r"] {
            check(input, Parsed::Incomplete);
        }
        for (input, at) in [
            ("$", 0),
            ("\0", 0),
            ("*0\r\n", 1),
            ("*-1\r\n", 1),
            ("*\r\n", 1),
            ("*1\n", 2),
            ("*1\rx", 3),
            ("*01\r\n", 1),
            ("*99999999999", 1),
            ("*4294967295\r\n", 1),
            ("*1\r\n:1\r\n", 4),
            ("*1\r\n$-1\r\n", 5),
            ("*1\r\n$4\r\nPINGx", 12),
            ("*1\r\n$4\r\nPING\rx", 13),
            ("*2\r\n$1\r\na\r\n$\0\0\0", 12),
        ] {
            check(input, Parsed::Bad { at });
        }
    }

    #[test]
    fn nothing_is_allocated_by_a_claim() {
        let mut parser = CommandParser::default();
        assert_eq!(parser.parse(b"*2000000000\r\n$1\r\na\r\n"), Parsed::Incomplete);
        assert!(parser.ranges.capacity() <= 8);
    }
}
