//! What `HSCAN`, `SSCAN` and `ZSCAN` have in common: the elements of a collection, a stretch at a time.

use crate::args::Args;
use crate::commands::generic::parse_cursor;
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::number::parse_i64;
use crate::resp::Reply;
use crate::value::StringRef;

/// Elements a call returns unless `COUNT` says otherwise.
const COUNT_DEFAULT: usize = 10;

/// Steps a call takes for each element asked for, at most: what bounds it in a sparse table.
const STEPS_PER_ELEMENT_MAX: usize = 10;

/// `key cursor [MATCH pattern] [COUNT count]`, and what was found so far.
#[derive(Debug)]
pub(super) struct ElementScan<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    /// The strings found, one after the other: the cursor that precedes them in the reply comes last.
    found: Vec<u8>,
    ends: Vec<usize>,
}

/// The cursor of the request: it is looked at before the key is.
pub(super) fn cursor(args: &Args<'_>) -> Result<u64, CommandError> {
    parse_cursor(args.at(2))
}

/// Answers for a key that is missing, whatever the options are.
pub(super) fn reply_nothing(reply: &mut Reply) {
    reply.array(2);
    reply.bulk(b"0");
    reply.array(0);
}

impl<'a> ElementScan<'a> {
    /// Reads the options.
    pub fn parse(args: &Args<'a>) -> Result<ElementScan<'a>, CommandError> {
        let mut scan =
            ElementScan { count: COUNT_DEFAULT, pattern: None, found: Vec::new(), ends: Vec::new() };
        let mut words = args.from(3);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(CommandError::Syntax)?;
            if word.eq_ignore_ascii_case(b"COUNT") {
                let count = parse_i64(value).ok_or(CommandError::NotInteger)?;
                let count = usize::try_from(count).ok().filter(|&count| count > 0);
                scan.count = count.ok_or(CommandError::Syntax)?;
            } else if word.eq_ignore_ascii_case(b"MATCH") {
                scan.pattern = Some(value).filter(|pattern| *pattern != b"*");
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(scan)
    }

    /// Steps through a collection until enough was seen, and answers. `step` shows this scan what is at a cursor, and
    /// returns the next cursor and how many elements it has seen.
    pub fn run(
        mut self,
        mut cursor: u64,
        reply: &mut Reply,
        mut step: impl FnMut(&mut ElementScan<'a>, u64) -> (u64, usize),
    ) {
        let mut seen = 0_usize;
        let mut steps_left = self.count.saturating_mul(STEPS_PER_ELEMENT_MAX);
        loop {
            let (next, count) = step(&mut self, cursor);
            cursor = next;
            seen += count;
            steps_left -= 1;
            if cursor == 0 || seen >= self.count || steps_left == 0 {
                break;
            }
        }
        reply.array(2);
        reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
        reply.array(self.ends.len());
        let mut start = 0;
        for end in self.ends {
            reply.bulk(&self.found[start..end]);
            start = end;
        }
    }

    /// Whether an element is asked for.
    pub fn accepts(&self, element: StringRef<'_>) -> bool {
        self.pattern.is_none_or(|pattern| {
            element.with_bytes(|element| glob::matches(pattern, element, Case::Sensitive))
        })
    }

    /// Adds a string to the reply.
    pub fn push(&mut self, string: StringRef<'_>) {
        string.append_to(&mut self.found);
        self.ends.push(self.found.len());
    }
}
