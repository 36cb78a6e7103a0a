//! Ranges of sorted sets: by rank, by score, by name.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::double;
use super::number::until_zero;
use super::string::{SYNTAX, argument};
use super::value::Value;
use super::zset::{Pairs, Scored, ZsetValue, show};

const NOT_A_SCORE: &str = "ERR min or max is not a float";
const NOT_A_NAME: &str = "ERR min or max not valid string range item";

/// Which members a range has.
#[derive(Clone, Debug)]
enum Range {
    /// From one rank to another; below zero they count from the end.
    Ranks(i64, i64),
    Scores(Bound<f64>, Bound<f64>),
    Names(Name, Name),
}

/// One end of a range.
#[derive(Clone, Copy, Debug)]
struct Bound<T> {
    value: T,
    is_exclusive: bool,
}

/// One end of a range of names.
#[derive(Clone, Debug)]
enum Name {
    Lowest,
    Highest,
    At(Bound<Vec<u8>>),
}

/// What a range goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Name,
}

impl Bound<f64> {
    fn parse(word: &[u8]) -> Result<Bound<f64>, Refusal> {
        let (is_exclusive, text) = match word {
            [b'(', rest @ ..] => (true, rest),
            all => (false, all),
        };
        let read = double::parse_loosely(text).ok_or(NOT_A_SCORE)?;
        Ok(Bound { value: read.value, is_exclusive })
    }

    fn is_under(&self, score: f64) -> bool {
        score > self.value || (score == self.value && !self.is_exclusive)
    }

    fn is_over(&self, score: f64) -> bool {
        score < self.value || (score == self.value && !self.is_exclusive)
    }
}

impl Name {
    fn parse(word: &[u8]) -> Result<Name, Refusal> {
        match (word, until_zero(word)) {
            (_, b"-") => Ok(Name::Lowest),
            (_, b"+") => Ok(Name::Highest),
            ([b'[', rest @ ..], _) => Ok(Name::At(Bound { value: rest.to_vec(), is_exclusive: false })),
            ([b'(', rest @ ..], _) => Ok(Name::At(Bound { value: rest.to_vec(), is_exclusive: true })),
            _ => Err(NOT_A_NAME.into()),
        }
    }

    /// Whether a member is not below this.
    fn admits_above(&self, member: &[u8]) -> bool {
        match self {
            Name::Lowest => true,
            Name::Highest => false,
            Name::At(Bound { value, is_exclusive: true }) => member > value.as_slice(),
            Name::At(Bound { value, is_exclusive: false }) => member >= value.as_slice(),
        }
    }

    /// Whether a member is not above this.
    fn admits_below(&self, member: &[u8]) -> bool {
        match self {
            Name::Lowest => false,
            Name::Highest => true,
            Name::At(Bound { value, is_exclusive: true }) => member < value.as_slice(),
            Name::At(Bound { value, is_exclusive: false }) => member <= value.as_slice(),
        }
    }
}

impl Range {
    /// Reads the lower end and the upper one.
    fn parse(by: By, low: &[u8], high: &[u8]) -> Result<Range, Refusal> {
        Ok(match by {
            By::Rank => Range::Ranks(argument(low)?, argument(high)?),
            By::Score => Range::Scores(Bound::parse(low)?, Bound::parse(high)?),
            By::Name => Range::Names(Name::parse(low)?, Name::parse(high)?),
        })
    }

    /// The members of the range, in the order in which they stand, or from the last to the first.
    fn of(&self, mut ranked: Vec<Scored>, reverses: bool) -> Vec<Scored> {
        if reverses {
            ranked.reverse();
        }
        match self {
            Range::Ranks(start, stop) => {
                let len = ranked.len() as i128;
                let place = |rank: i64| if rank < 0 { len + i128::from(rank) } else { i128::from(rank) };
                let ranks = place(*start).max(0)..=place(*stop);
                (0_i128..)
                    .zip(ranked)
                    .filter(|(rank, _)| ranks.contains(rank))
                    .map(|(_, item)| item)
                    .collect()
            }
            Range::Scores(low, high) => {
                ranked.into_iter().filter(|(_, score)| low.is_under(*score) && high.is_over(*score)).collect()
            }
            Range::Names(low, high) if reverses => {
                walk(ranked, |member| high.admits_below(member), |member| low.admits_above(member))
            }
            Range::Names(low, high) => {
                walk(ranked, |member| low.admits_above(member), |member| high.admits_below(member))
            }
        }
    }
}

/// The members from the first that begins a range to the last that continues it. Where all scores are equal, as
/// ranges of names want it, these are the members inside; elsewhere it is what Redis does with a listpack.
fn walk(
    items: Vec<Scored>,
    begins: impl Fn(&[u8]) -> bool,
    continues: impl Fn(&[u8]) -> bool,
) -> Vec<Scored> {
    let (Some(first), Some(last)) = (items.first(), items.last()) else { return items };
    if !begins(&last.0) || !continues(&first.0) {
        return Vec::new();
    }
    let behind = items.into_iter().skip_while(|(member, _)| !begins(member));
    behind.take_while(|(member, _)| continues(member)).collect()
}

/// A range as ZRANGE and its like are asked for one.
#[derive(Debug)]
struct Query {
    range: Range,
    reverses: bool,
    offset: i64,
    /// Below zero, as many as there are.
    count: i64,
    pairs: Pairs,
}

/// What a command's name settles already.
#[derive(Clone, Copy, Debug)]
struct Given {
    by: Option<By>,
    reverses: Option<bool>,
    /// Whether the result is stored.
    stores: bool,
}

impl Query {
    /// Reads the ends of a range and the options behind them.
    fn parse(words: &[Vec<u8>], given: Given) -> Result<Query, Refusal> {
        let (mut by, mut reverses) = (given.by, given.reverses);
        let (mut limit, mut with_scores) = (None, false);
        let mut rest = &words[2..];
        while let [word, behind @ ..] = rest {
            rest = behind;
            if !given.stores && is(word, "WITHSCORES") {
                with_scores = true;
            } else if is(word, "LIMIT")
                && let [offset, count, behind @ ..] = rest
            {
                limit = Some((argument(offset)?, argument(count)?));
                rest = behind;
            } else if reverses.is_none() && is(word, "REV") {
                reverses = Some(true);
            } else if by.is_none() && is(word, "BYLEX") {
                by = Some(By::Name);
            } else if by.is_none() && is(word, "BYSCORE") {
                by = Some(By::Score);
            } else {
                return Err(SYNTAX.into());
            }
        }
        let (by, reverses) = (by.unwrap_or(By::Rank), reverses.unwrap_or(false));
        // A limit of everything is none.
        if limit.is_some_and(|(_, count)| count != -1) && by == By::Rank {
            return Err(
                "ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX"
                    .into(),
            );
        }
        if with_scores && by == By::Name {
            return Err("ERR syntax error, WITHSCORES not supported in combination with BYLEX".into());
        }
        let swaps = reverses && by != By::Rank;
        let (low, high) = if swaps { (&words[1], &words[0]) } else { (&words[0], &words[1]) };
        let (offset, count) = limit.unwrap_or((0, -1));
        let pairs = if with_scores { Pairs::Scored } else { Pairs::Members };
        Ok(Query { range: Range::parse(by, low, high)?, reverses, offset, count, pairs })
    }

    fn run(&self, zset: Option<&ZsetValue>) -> Vec<Scored> {
        let found = self.range.of(zset.map(ZsetValue::ranked).unwrap_or_default(), self.reverses);
        if matches!(self.range, Range::Ranks(..)) {
            return found;
        }
        let Ok(offset) = usize::try_from(self.offset) else { return Vec::new() };
        let count = usize::try_from(self.count).unwrap_or(usize::MAX);
        found.into_iter().skip(offset).take(count).collect()
    }
}

fn range(
    model: &mut Model,
    call: &Call,
    by: Option<By>,
    reverses: Option<bool>,
    out: &mut Out,
) -> Result<(), Refusal> {
    let query = Query::parse(call.rest(2), Given { by, reverses, stores: false })?;
    let found = query.run(model.read_zset(call, call.word(1))?);
    show(out, &found, query.pairs);
    Ok(())
}

/// `ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]`
pub(super) fn zrange(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, None, None, out)
}

/// `ZREVRANGE key start stop [WITHSCORES]`
pub(super) fn zrevrange(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, Some(By::Rank), Some(true), out)
}

/// `ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]`
pub(super) fn zrangebyscore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, Some(By::Score), Some(false), out)
}

/// `ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]`
pub(super) fn zrevrangebyscore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, Some(By::Score), Some(true), out)
}

/// `ZRANGEBYLEX key min max [LIMIT offset count]`
pub(super) fn zrangebylex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, Some(By::Name), Some(false), out)
}

/// `ZREVRANGEBYLEX key max min [LIMIT offset count]`
pub(super) fn zrevrangebylex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    range(model, call, Some(By::Name), Some(true), out)
}

/// `ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]`
pub(super) fn zrangestore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let query = Query::parse(call.rest(3), Given { by: None, reverses: None, stores: true })?;
    let found = query.run(model.read_zset(call, call.word(2))?);
    out.integer(found.len() as i64);
    // How many members of a rank there are is known at once, and so how large the result will be.
    let foreseen = if matches!(query.range, Range::Ranks(..)) { found.len() } else { 0 };
    let limits = model.zset_limits();
    let mut zset = ZsetValue::for_count(foreseen as i64, limits);
    found.iter().for_each(|(member, score)| zset.set(member, *score, limits));
    model.store_result(call, call.word(1), Value::SortedSet(zset));
    Ok(())
}

fn count(model: &mut Model, call: &Call, by: By, out: &mut Out) -> Result<(), Refusal> {
    let range = Range::parse(by, call.word(2), call.word(3))?;
    let ranked = model.read_zset(call, call.word(1))?.map(ZsetValue::ranked).unwrap_or_default();
    out.integer(range.of(ranked, false).len() as i64);
    Ok(())
}

/// `ZCOUNT key min max`
pub(super) fn zcount(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    count(model, call, By::Score, out)
}

/// `ZLEXCOUNT key min max`
pub(super) fn zlexcount(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    count(model, call, By::Name, out)
}

fn remove(model: &mut Model, call: &Call, by: By, out: &mut Out) -> Result<(), Refusal> {
    let range = Range::parse(by, call.word(2), call.word(3))?;
    let mut removed = Vec::new();
    if let Some(mut zset) = model.write_zset(call, call.word(1))? {
        removed = range.of(zset.ranked(), false);
        zset.scores.retain(|member, _| !removed.iter().any(|(gone, _)| gone == member));
        if !removed.is_empty() {
            model.save(call, call.word(1), Value::SortedSet(zset));
        }
    }
    out.integer(removed.len() as i64);
    Ok(())
}

/// `ZREMRANGEBYRANK key start stop`
pub(super) fn zremrangebyrank(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    remove(model, call, By::Rank, out)
}

/// `ZREMRANGEBYSCORE key min max`
pub(super) fn zremrangebyscore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    remove(model, call, By::Score, out)
}

/// `ZREMRANGEBYLEX key min max`
pub(super) fn zremrangebylex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    remove(model, call, By::Name, out)
}
