//! Sorted sets.

mod add;
mod combine;
mod gathered;
mod pop;
mod random;
mod range;
mod scan;
mod table;

use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{Entry, EntryRef, Occupied};
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::{Protocol, Reply};
use crate::value::zset::SortedSet;
use crate::value::{Collection, Lookup, NewValue, StringRef, ValueRef};
use add::{zadd, zincrby};
use combine::{zdiff, zdiffstore, zinter, zintercard, zinterstore, zunion, zunionstore};
use pop::{bzmpop, bzpopmax, bzpopmin, zmpop, zpopmax, zpopmin};
use random::zrandmember;
use range::{
    Bounds, zrange, zrangebylex, zrangebyscore, zrangestore, zrevrange, zrevrangebylex, zrevrangebyscore,
};
use scan::zscan;
use std::ops::Range;

pub(super) use table::TABLE;

/// How many members are looked for together, so that their memory is fetched at the same time.
const TOGETHER: usize = 16;

/// `ZCARD key` — O(1).
fn zcard(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = match ctx.keys.read(&args[1]) {
        Some(entry) => set_of(entry)?.len(),
        None => 0,
    };
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `ZSCORE key member` — O(1).
fn zscore(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let score = match ctx.keys.read(&args[1]) {
        Some(entry) => set_of(entry)?.score(args.lookup(2)),
        None => None,
    };
    reply_score_or_null(ctx.reply, score);
    Ok(Propagate::Nothing)
}

/// `ZMSCORE key member [member …]` — O(N).
fn zmscore(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let set = match ctx.keys.read(&args[1]) {
        Some(entry) => Some(set_of(entry)?),
        None => None,
    };
    let count = args.len() - 2;
    ctx.reply.array(count);
    let Some(set) = set else {
        (0..count).for_each(|_| ctx.reply.null());
        return Ok(Propagate::Nothing);
    };
    let mut members = (2..args.len()).map(|index| args.lookup(index));
    let mut together = [Lookup::new(StringRef::Int(0)); TOGETHER];
    loop {
        let batch = fill(&mut together, &mut members);
        if batch.is_empty() {
            return Ok(Propagate::Nothing);
        }
        if count > 1 {
            set.prefetch(batch);
        }
        batch.iter().for_each(|&member| reply_score_or_null(ctx.reply, set.score(member)));
    }
}

/// `ZRANK key member [WITHSCORE]` — O(log N).
fn zrank(ctx: &mut Context<'_>) -> CommandResult {
    rank(ctx, false)
}

/// `ZREVRANK key member [WITHSCORE]` — O(log N).
fn zrevrank(ctx: &mut Context<'_>) -> CommandResult {
    rank(ctx, true)
}

/// `ZCOUNT key min max` — O(log N).
fn zcount(ctx: &mut Context<'_>) -> CommandResult {
    let bounds = Bounds::parse_scores(ctx.args.at(2), ctx.args.at(3))?;
    count(ctx, &bounds)
}

/// `ZLEXCOUNT key min max` — O(log N).
fn zlexcount(ctx: &mut Context<'_>) -> CommandResult {
    let bounds = Bounds::parse_members(ctx.args.at(2), ctx.args.at(3))?;
    count(ctx, &bounds)
}

/// `ZREM key member [member …]` — O(M log N).
fn zrem(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_mut(&mut found)?;
    let mut removed = 0;
    let mut members = (2..args.len()).map(|index| args.lookup(index));
    let mut together = [Lookup::new(StringRef::Int(0)); TOGETHER];
    loop {
        let batch = fill(&mut together, &mut members);
        if batch.is_empty() {
            break;
        }
        if args.len() > 3 {
            set.prefetch(batch);
        }
        removed += batch.iter().filter(|&&member| set.remove(member)).count();
    }
    ctx.reply.integer(removed as i64);
    if removed == 0 {
        return Ok(Propagate::Nothing);
    }
    settle(found);
    Ok(Propagate::AsIs)
}

/// `ZREMRANGEBYRANK key start stop` — O(log N + M).
fn zremrangebyrank(ctx: &mut Context<'_>) -> CommandResult {
    let bounds = Bounds::parse_ranks(ctx.args.at(2), ctx.args.at(3))?;
    remove_range(ctx, &bounds)
}

/// `ZREMRANGEBYSCORE key min max` — O(log N + M).
fn zremrangebyscore(ctx: &mut Context<'_>) -> CommandResult {
    let bounds = Bounds::parse_scores(ctx.args.at(2), ctx.args.at(3))?;
    remove_range(ctx, &bounds)
}

/// `ZREMRANGEBYLEX key min max` — O(log N + M).
fn zremrangebylex(ctx: &mut Context<'_>) -> CommandResult {
    let bounds = Bounds::parse_members(ctx.args.at(2), ctx.args.at(3))?;
    remove_range(ctx, &bounds)
}

fn rank(ctx: &mut Context<'_>, is_reverse: bool) -> CommandResult {
    let args = ctx.args;
    if args.len() > 4 {
        return Err(ctx.command.wrong_arity());
    }
    let with_score = args.len() == 4;
    if with_score && !args[3].eq_ignore_ascii_case(b"WITHSCORE") {
        return Err(CommandError::Syntax);
    }
    let found = match ctx.keys.read(&args[1]) {
        Some(entry) => {
            let set = set_of(entry)?;
            let in_order = |(rank, score)| (if is_reverse { set.len() - 1 - rank } else { rank }, score);
            set.rank(args.lookup(2)).map(in_order)
        }
        None => None,
    };
    match found {
        Some((rank, score)) if with_score => {
            ctx.reply.array(2);
            ctx.reply.integer(rank as i64);
            ctx.reply.double(score);
        }
        Some((rank, _)) => ctx.reply.integer(rank as i64),
        None if with_score => ctx.reply.null_array(),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

fn count(ctx: &mut Context<'_>, bounds: &Bounds<'_>) -> CommandResult {
    let args = ctx.args;
    let count = match ctx.keys.read(&args[1]) {
        Some(entry) => bounds.ranks_in(set_of(entry)?).len(),
        None => 0,
    };
    ctx.reply.integer(count as i64);
    Ok(Propagate::Nothing)
}

fn remove_range(ctx: &mut Context<'_>, bounds: &Bounds<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_mut(&mut found)?;
    let ranks = bounds.ranks_in(set);
    ctx.reply.integer(ranks.len() as i64);
    if ranks.is_empty() {
        return Ok(Propagate::Nothing);
    }
    let emptied = remove_ranks(found, ranks);
    free(ctx, emptied);
    Ok(Propagate::AsIs)
}

/// Removes the members with these ranks. If that is all of them, the entry is what is to be freed.
fn remove_ranks(mut found: Occupied<'_>, ranks: Range<usize>) -> Option<Entry> {
    let set = set_mut(&mut found).ok()?;
    if ranks.len() < set.len() {
        set.remove_ranks(ranks, &mut |_, _| ());
        return None;
    }
    Some(found.remove())
}

/// Frees what an entry held, later if that is much.
fn free(ctx: &mut Context<'_>, entry: Option<Entry>) {
    if let Some(entry) = entry {
        ctx.keys.dataset.lazy_free.push_entry(entry);
    }
}

/// Puts a set under a key in place of whatever is there, or nothing if it has no members. Whether that is a change.
fn replace(ctx: &mut Context<'_>, key: &[u8], set: SortedSet) -> bool {
    let old = ctx.keys.remove(key);
    let is_change = old.is_some() || !set.is_empty();
    free(ctx, old);
    if !set.is_empty() {
        insert(ctx, key, set);
    }
    is_change
}

/// Adds a sorted set under a key that is not there.
fn insert(ctx: &mut Context<'_>, key: &[u8], set: SortedSet) {
    ctx.keys.insert(key, NewValue::Collection(Collection::SortedSet(set)), None);
}

/// After members were removed: a set that is empty goes.
fn settle(mut found: Occupied<'_>) {
    if set_mut(&mut found).is_ok_and(|set| set.is_empty()) {
        found.remove();
    }
}

/// The sorted set an entry holds.
fn set_of(entry: EntryRef<'_>) -> Result<&SortedSet, CommandError> {
    match entry.value() {
        ValueRef::Collection(Collection::SortedSet(set)) => Ok(set),
        _ => Err(CommandError::WrongType),
    }
}

/// The sorted set an entry holds, to change it.
fn set_mut<'a>(found: &'a mut Occupied<'_>) -> Result<&'a mut SortedSet, CommandError> {
    match found.collection_mut() {
        Some(Collection::SortedSet(set)) => Ok(set),
        _ => Err(CommandError::WrongType),
    }
}

/// Takes the next few items, as many as there is room for.
fn fill<'b, T>(room: &'b mut [T], items: &mut impl Iterator<Item = T>) -> &'b mut [T] {
    let mut count = 0;
    for (place, item) in room.iter_mut().zip(items) {
        *place = item;
        count += 1;
    }
    &mut room[..count]
}

/// A count that is not negative.
fn parse_count(word: &[u8]) -> Result<usize, CommandError> {
    let count = parse_i64(word).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| "ERR value is out of range, must be positive".into())
}

fn reply_score_or_null(reply: &mut Reply, score: Option<f64>) {
    match score {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
}

fn reply_member(reply: &mut Reply, member: StringRef<'_>) {
    match member {
        StringRef::Int(number) => reply.bulk_int(number),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
    }
}

/// What is told of each member of an array.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// The member.
    Member,
    /// The member, then its score.
    Flat,
    /// An array of the member and its score.
    Pair,
}

impl Shown {
    /// How `WITHSCORES` is answered.
    fn of(protocol: Protocol, with_scores: bool) -> Shown {
        match protocol {
            _ if !with_scores => Shown::Member,
            Protocol::Resp2 => Shown::Flat,
            Protocol::Resp3 => Shown::Pair,
        }
    }

    /// Begins an array of so many members.
    fn begin(self, reply: &mut Reply, count: usize) {
        reply.array(if self == Shown::Flat { 2 * count } else { count });
    }

    #[inline]
    fn reply(self, reply: &mut Reply, member: StringRef<'_>, score: f64) {
        if self == Shown::Pair {
            reply.array(2);
        }
        reply_member(reply, member);
        if self != Shown::Member {
            reply.double(score);
        }
    }

    /// Answers with all these members.
    fn reply_all<'a>(self, reply: &mut Reply, members: impl ExactSizeIterator<Item = (StringRef<'a>, f64)>) {
        self.begin(reply, members.len());
        members.for_each(|(member, score)| self.reply(reply, member, score));
    }
}
