//! Ranges by rank, by score and by member.

use super::{Shown, replace, set_of};
use crate::args::Args;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::{parse_i64, read_f64};
use crate::propagation::Propagate;
use crate::value::zset::{LexBound, SortedSet};
use std::ops::{Bound, Range};

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]` — O(log N + M).
pub(super) fn zrange(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options::default())
}

/// `ZREVRANGE key start stop [WITHSCORES]` — O(log N + M).
pub(super) fn zrevrange(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options { by: Some(By::Rank), is_reverse: Some(true), ..Options::default() })
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]` — O(log N + M).
pub(super) fn zrangebyscore(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options { by: Some(By::Score), is_reverse: Some(false), ..Options::default() })
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]` — O(log N + M).
pub(super) fn zrevrangebyscore(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options { by: Some(By::Score), is_reverse: Some(true), ..Options::default() })
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]` — O(log N + M).
pub(super) fn zrangebylex(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options { by: Some(By::Member), is_reverse: Some(false), ..Options::default() })
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]` — O(log N + M).
pub(super) fn zrevrangebylex(ctx: &mut Context<'_>) -> CommandResult {
    range(ctx, Options { by: Some(By::Member), is_reverse: Some(true), ..Options::default() })
}

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]` — O(log N + M).
pub(super) fn zrangestore(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let options = Options { stores: true, ..Options::default() }.parse(args, 5)?;
    let bounds = options.bounds(args.at(3), args.at(4))?;
    let (limits, hash_key) = (ctx.keys.dataset.limits.sorted_set, ctx.keys.dataset.hash_key);
    let mut result = SortedSet::new();
    if let Some(entry) = ctx.keys.read(&args[2]) {
        let source = set_of(entry)?;
        let ranks = options.limited(bounds.ranks_in(source));
        // As in Redis, how many there will be is known in advance of ranks only.
        if matches!(bounds, Bounds::Ranks(..) | Bounds::RanksFromEnd(..)) {
            result.grow_for(ranks.len(), 0, &limits, hash_key);
        }
        // In the order of the range: it says when the result stops being a listpack, which knows no -0.
        let mut store = |(member, score)| {
            result.set(member, score, &limits, hash_key);
        };
        let members = source.iter(ranks);
        if options.is_reverse() { members.rev().for_each(&mut store) } else { members.for_each(&mut store) }
    }
    ctx.reply.integer(result.len() as i64);
    Ok(if replace(ctx, &args[1], result) { Propagate::AsIs } else { Propagate::Nothing })
}

fn range(ctx: &mut Context<'_>, options: Options) -> CommandResult {
    let args = ctx.args;
    let options = options.parse(args, 4)?;
    let bounds = options.bounds(args.at(2), args.at(3))?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_of(entry)?;
    let members = set.iter(options.limited(bounds.ranks_in(set)));
    let shown = Shown::of(ctx.reply.protocol(), options.with_scores);
    if options.is_reverse() {
        shown.reply_all(ctx.reply, members.rev());
    } else {
        shown.reply_all(ctx.reply, members);
    }
    Ok(Propagate::Nothing)
}

/// What a range goes by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Member,
}

/// What a range command is asked for; `None` is what an option may still decide.
#[derive(Clone, Copy, Default)]
struct Options {
    by: Option<By>,
    is_reverse: Option<bool>,
    stores: bool,
    with_scores: bool,
    limit: Option<Limit>,
}

/// `LIMIT offset count`. Nothing is shown beyond an offset below zero, and a count below zero is none at all.
#[derive(Clone, Copy)]
struct Limit {
    offset: i64,
    count: i64,
}

impl Options {
    fn parse(mut self, args: &Args<'_>, first: usize) -> Result<Options, CommandError> {
        let mut words = args.from(first);
        while let Some(word) = words.next() {
            if !self.stores && word.eq_ignore_ascii_case(b"WITHSCORES") {
                self.with_scores = true;
            } else if word.eq_ignore_ascii_case(b"LIMIT") && words.len() >= 2 {
                let mut number = || words.next().and_then(parse_i64).ok_or(CommandError::NotInteger);
                self.limit = Some(Limit { offset: number()?, count: number()? });
            } else if self.is_reverse.is_none() && word.eq_ignore_ascii_case(b"REV") {
                self.is_reverse = Some(true);
            } else if self.by.is_none() && word.eq_ignore_ascii_case(b"BYLEX") {
                self.by = Some(By::Member);
            } else if self.by.is_none() && word.eq_ignore_ascii_case(b"BYSCORE") {
                self.by = Some(By::Score);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        // Redis cannot tell a count of -1 from none.
        if self.by() == By::Rank && self.limit.take().is_some_and(|limit| limit.count != -1) {
            return Err(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
                    .into(),
            );
        }
        if self.by() == By::Member && self.with_scores {
            return Err("ERR syntax error, WITHSCORES not supported in combination with BYLEX".into());
        }
        Ok(self)
    }

    fn by(&self) -> By {
        self.by.unwrap_or(By::Rank)
    }

    fn is_reverse(&self) -> bool {
        self.is_reverse == Some(true)
    }

    /// The range, as it lies in the ascending order. In the other, the higher end is named first.
    fn bounds<'a>(&self, first: &'a [u8], second: &'a [u8]) -> Result<Bounds<'a>, CommandError> {
        let (min, max) = if self.is_reverse() { (second, first) } else { (first, second) };
        match self.by() {
            By::Score => Bounds::parse_scores(min, max),
            By::Member => Bounds::parse_members(min, max),
            By::Rank => match Bounds::parse_ranks(first, second)? {
                Bounds::Ranks(start, stop) if self.is_reverse() => Ok(Bounds::RanksFromEnd(start, stop)),
                bounds => Ok(bounds),
            },
        }
    }

    /// What the limit leaves of the ranks.
    fn limited(&self, ranks: Range<usize>) -> Range<usize> {
        let Some(limit) = self.limit else { return ranks };
        let offset = usize::try_from(limit.offset).unwrap_or(usize::MAX).min(ranks.len());
        let left = ranks.len() - offset;
        let count = usize::try_from(limit.count).map_or(left, |count| count.min(left));
        if self.is_reverse() {
            let end = ranks.end - offset;
            end - count..end
        } else {
            let start = ranks.start + offset;
            start..start + count
        }
    }
}

/// The two ends of a range.
#[derive(Clone, Copy)]
pub(super) enum Bounds<'a> {
    /// Ranks, both included; negative ones count from the end.
    Ranks(i64, i64),
    /// The same where the highest score has rank 0.
    RanksFromEnd(i64, i64),
    /// Scores.
    Scores(Bound<f64>, Bound<f64>),
    /// Members.
    Members(LexBound<'a>, LexBound<'a>),
}

impl<'a> Bounds<'a> {
    /// Ranks.
    pub fn parse_ranks(start: &'a [u8], stop: &'a [u8]) -> Result<Bounds<'a>, CommandError> {
        let number = |word| parse_i64(word).ok_or(CommandError::NotInteger);
        Ok(Bounds::Ranks(number(start)?, number(stop)?))
    }

    /// Scores; a parenthesis excludes one.
    pub fn parse_scores(min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, CommandError> {
        let bound = |word: &[u8]| match word {
            [b'(', score @ ..] => read_f64(score).map(Bound::Excluded),
            score => read_f64(score).map(Bound::Included),
        };
        let bounds = bound(min).zip(bound(max));
        let (min, max) = bounds.ok_or("ERR min or max is not a float")?;
        Ok(Bounds::Scores(min, max))
    }

    /// Members: `[` includes one, `(` excludes it, `-` and `+` are beyond all.
    pub fn parse_members(min: &'a [u8], max: &'a [u8]) -> Result<Bounds<'a>, CommandError> {
        let bound = |word: &'a [u8]| match word {
            b"-" => Some(LexBound::Lowest),
            b"+" => Some(LexBound::Highest),
            [b'[', member @ ..] => Some(LexBound::Included(member)),
            [b'(', member @ ..] => Some(LexBound::Excluded(member)),
            _ => None,
        };
        let bounds = bound(min).zip(bound(max));
        let (min, max) = bounds.ok_or("ERR min or max not valid string range item")?;
        Ok(Bounds::Members(min, max))
    }

    /// The ranks of a set's members within the range.
    pub fn ranks_in(&self, set: &SortedSet) -> Range<usize> {
        match *self {
            Bounds::Ranks(start, stop) => ranks_between(start, stop, set.len()),
            Bounds::RanksFromEnd(start, stop) => {
                let ranks = ranks_between(start, stop, set.len());
                set.len() - ranks.end..set.len() - ranks.start
            }
            Bounds::Scores(min, max) => set.ranks_of_scores(min, max),
            Bounds::Members(min, max) => set.ranks_of_members(min, max),
        }
    }
}

/// The ranks between two that are inclusive and may count from the end, of so many members.
fn ranks_between(start: i64, stop: i64, len: usize) -> Range<usize> {
    let len = len as i64;
    let from_end = |rank: i64| if rank < 0 { rank.saturating_add(len) } else { rank };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_from_either_end() {
        for (start, stop, expected) in [
            (0, -1, 0..5),
            (1, 3, 1..4),
            (-2, 100, 3..5),
            (-100, 1, 0..2),
            (3, 2, 0..0),
            (5, 9, 0..0),
            (0, -6, 0..0),
            (i64::MIN, i64::MAX, 0..5),
        ] {
            assert_eq!(ranks_between(start, stop, 5), expected, "{start} {stop}");
            assert_eq!(ranks_between(start, stop, 0), 0..0);
        }
    }

    #[test]
    fn limits_count_from_where_a_range_begins() {
        let limited = |is_reverse, offset, count| {
            let limit = Some(Limit { offset, count });
            Options { is_reverse: Some(is_reverse), limit, ..Options::default() }.limited(10..20)
        };
        assert_eq!(limited(false, 0, -1), 10..20);
        assert_eq!(limited(false, 3, -7), 13..20);
        assert_eq!(limited(false, 3, 2), 13..15);
        assert_eq!(limited(true, 3, 2), 15..17);
        assert_eq!(limited(true, 3, 100), 10..17);
        assert!(limited(true, 10, 1).is_empty());
        assert!(limited(false, i64::MAX, i64::MAX).is_empty());
        assert!(limited(false, -1, -1).is_empty());
        assert!(limited(true, 2, 0).is_empty());
    }

    #[test]
    fn scores_are_read_as_generously_as_in_redis() {
        let bounds =
            |min: &'static str, max: &'static str| match Bounds::parse_scores(min.as_bytes(), max.as_bytes())
            {
                Ok(Bounds::Scores(min, max)) => Some((min, max)),
                _ => None,
            };
        let infinite = (Bound::Included(f64::NEG_INFINITY), Bound::Excluded(f64::INFINITY));
        assert_eq!(bounds("-inf", "(+inf"), Some(infinite));
        assert_eq!(bounds("-1e999", "( 1e999"), Some(infinite));
        assert_eq!(bounds("", "("), Some((Bound::Included(0.0), Bound::Excluded(0.0))));
        assert_eq!(bounds("\t\n 0x10", "1e-999"), Some((Bound::Included(16.0), Bound::Included(0.0))));
        for word in ["nan", "1 ", " ", "((1", "[1", "1x", "( nan"] {
            assert_eq!(bounds(word, "1"), None, "{word}");
            assert_eq!(bounds("1", word), None, "{word}");
        }
    }
}
