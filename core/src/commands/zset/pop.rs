//! Taking the lowest or the highest members out, and waiting for some.

use super::{Shown, free, parse_count, reply_member, set_mut, settle};
use crate::commands::timeout::parse_timeout;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{Entry, Occupied};
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::zset::SortedSet;
use crate::value::{StringRef, ValueType};

/// `ZPOPMIN key [count]` — O(M log N).
pub(super) fn zpopmin(ctx: &mut Context<'_>) -> CommandResult {
    pop(ctx, Side::Min)
}

/// `ZPOPMAX key [count]` — O(M log N).
pub(super) fn zpopmax(ctx: &mut Context<'_>) -> CommandResult {
    pop(ctx, Side::Max)
}

/// `BZPOPMIN key [key …] timeout` — O(log N). Propagated as ZPOPMIN.
pub(super) fn bzpopmin(ctx: &mut Context<'_>) -> CommandResult {
    blocking_pop(ctx, Side::Min)
}

/// `BZPOPMAX key [key …] timeout` — O(log N). Propagated as ZPOPMAX.
pub(super) fn bzpopmax(ctx: &mut Context<'_>) -> CommandResult {
    blocking_pop(ctx, Side::Max)
}

/// `ZMPOP numkeys key [key …] MIN|MAX [COUNT count]` — O(K + M log N). Propagated as ZPOPMIN or ZPOPMAX.
pub(super) fn zmpop(ctx: &mut Context<'_>) -> CommandResult {
    let request = MultiplePop::parse(ctx, 1)?;
    if !pop_first(ctx, &request)? {
        ctx.reply.null_array();
        return Ok(Propagate::Nothing);
    }
    Ok(Propagate::Rewritten)
}

/// `BZMPOP timeout numkeys key [key …] MIN|MAX [COUNT count]` — O(K + M log N). Propagated as ZPOPMIN or ZPOPMAX.
pub(super) fn bzmpop(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let request = MultiplePop::parse(ctx, 2)?;
    // As in Redis, last of all.
    let deadline = parse_timeout(&args[1], ctx.server.now.monotonic)?;
    if pop_first(ctx, &request)? {
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::SortedSet, request.first_key, request.keys_len, deadline) {
        ctx.reply.null_array();
    }
    Ok(Propagate::Nothing)
}

/// Where a set is popped from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    /// The lowest scores.
    Min,
    /// The highest scores.
    Max,
}

impl Side {
    fn parse(word: &[u8]) -> Result<Side, CommandError> {
        if word.eq_ignore_ascii_case(b"MIN") {
            Ok(Side::Min)
        } else if word.eq_ignore_ascii_case(b"MAX") {
            Ok(Side::Max)
        } else {
            Err(CommandError::Syntax)
        }
    }

    /// The command that pops from here.
    fn plain_command(self) -> &'static [u8] {
        if self == Side::Min { b"ZPOPMIN" } else { b"ZPOPMAX" }
    }
}

fn pop(ctx: &mut Context<'_>, side: Side) -> CommandResult {
    let args = ctx.args;
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let count = if args.len() == 3 { Some(parse_count(&args[2])?) } else { None };
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let Some(count) = count else {
        let set = set_mut(&mut found)?;
        ctx.reply.array(2);
        pop_one(ctx.reply, set, side);
        settle(found);
        return Ok(Propagate::AsIs);
    };
    let shown = Shown::of(ctx.reply.protocol(), true);
    let (popped, emptied) = pop_many(ctx.reply, found, side, count, shown)?;
    free(ctx, emptied);
    Ok(if popped > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

fn blocking_pop(ctx: &mut Context<'_>, side: Side) -> CommandResult {
    let args = ctx.args;
    let last = args.len() - 1;
    let deadline = parse_timeout(&args[last], ctx.server.now.monotonic)?;
    for key in args.from(1).take(last - 1) {
        let Some(mut found) = ctx.keys.write(key) else { continue };
        let set = set_mut(&mut found)?;
        ctx.reply.array(3);
        ctx.reply.bulk(key);
        pop_one(ctx.reply, set, side);
        settle(found);
        ctx.keys.propagate(&[side.plain_command(), key]);
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::SortedSet, 1, last - 1, deadline) {
        ctx.reply.null_array();
    }
    Ok(Propagate::Nothing)
}

/// Pops one member and answers with it and its score.
#[inline]
fn pop_one(reply: &mut Reply, set: &mut SortedSet, side: Side) {
    let show = |member: StringRef<'_>, score| {
        reply_member(reply, member);
        reply.double(score);
    };
    let popped = if side == Side::Min { set.pop_first(show) } else { set.pop_last(show) };
    debug_assert!(popped.is_some(), "there are no empty sets");
}

/// Pops up to so many members and answers with an array of them. Returns how many there were and, if that is all,
/// the entry, which is to be freed.
fn pop_many(
    reply: &mut Reply,
    mut found: Occupied<'_>,
    side: Side,
    count: usize,
    shown: Shown,
) -> Result<(usize, Option<Entry>), CommandError> {
    let set = set_mut(&mut found)?;
    let len = set.len();
    if count >= len {
        match side {
            Side::Min => shown.reply_all(reply, set.iter(0..len)),
            Side::Max => shown.reply_all(reply, set.iter(0..len).rev()),
        }
        return Ok((len, Some(found.remove())));
    }
    shown.begin(reply, count);
    match side {
        Side::Min => set.remove_ranks(0..count, &mut |member, score| shown.reply(reply, member, score)),
        Side::Max => {
            for _ in 0..count {
                set.pop_last(|member, score| shown.reply(reply, member, score));
            }
        }
    }
    Ok((count, None))
}

/// What ZMPOP and BZMPOP are asked for.
struct MultiplePop {
    /// The first key's argument, and how many there are.
    first_key: usize,
    keys_len: usize,
    side: Side,
    count: usize,
}

impl MultiplePop {
    /// Parses the arguments from the number of keys on.
    fn parse(ctx: &Context<'_>, number_at: usize) -> Result<MultiplePop, CommandError> {
        let args = ctx.args;
        let keys_len = parse_positive(&args[number_at], "ERR numkeys should be greater than 0")?;
        let side_at = number_at.saturating_add(keys_len).saturating_add(1);
        let side = Side::parse(args.from(side_at).next().ok_or(CommandError::Syntax)?)?;
        let mut count = None;
        let mut words = args.from(side_at + 1);
        while let Some(word) = words.next() {
            match words.next() {
                Some(value) if count.is_none() && word.eq_ignore_ascii_case(b"COUNT") => {
                    count = Some(parse_positive(value, "ERR count should be greater than 0")?);
                }
                _ => return Err(CommandError::Syntax),
            }
        }
        Ok(MultiplePop { first_key: number_at + 1, keys_len, side, count: count.unwrap_or(1) })
    }
}

/// Pops from the first set that is there, and answers with its key and the members. Whether there was one.
fn pop_first(ctx: &mut Context<'_>, request: &MultiplePop) -> Result<bool, CommandError> {
    let args = ctx.args;
    for key in args.from(request.first_key).take(request.keys_len) {
        let Some(mut found) = ctx.keys.write(key) else { continue };
        set_mut(&mut found)?;
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        let (popped, emptied) = pop_many(ctx.reply, found, request.side, request.count, Shown::Pair)?;
        free(ctx, emptied);
        ctx.keys.propagate(&[request.side.plain_command(), key, popped.to_string().as_bytes()]);
        return Ok(true);
    }
    Ok(false)
}

fn parse_positive(word: &[u8], error: &'static str) -> Result<usize, CommandError> {
    let number = parse_i64(word).and_then(|number| usize::try_from(number).ok());
    number.filter(|&number| number > 0).ok_or_else(|| error.into())
}
