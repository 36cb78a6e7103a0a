//! The commands of set algebra: `SINTER`, `SUNION`, `SDIFF`, their variants that store, and `SINTERCARD`.

use super::algebra::{Rules, difference, intersect, intersection, subtract, union, unite};
use super::{reply_member, reply_set, set_of};
use crate::args::Args;
use crate::context::{CommandResult, Context};
use crate::dataset::Keys;
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::value::Collection;
use crate::value::set::Set;

/// `SINTER key [key …]` — O(N·M) for N members of the smallest of M sets.
pub(super) fn sinter(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 1..ctx.args.len();
    look_up(ctx, keys.clone())?;
    let Some(mut sets) = sets(&ctx.keys, ctx.args, keys).collect::<Option<Vec<_>>>() else {
        ctx.reply.set(0);
        return Ok(Propagate::Nothing);
    };
    if let [only] = sets[..] {
        reply_set(ctx.reply, only);
        return Ok(Propagate::Nothing);
    }
    let at = ctx.reply.deferred_set();
    let mut count = 0;
    intersect(&mut sets, |member| {
        reply_member(ctx.reply, member.string());
        count += 1;
        true
    });
    ctx.reply.set_deferred_set(at, count);
    Ok(Propagate::Nothing)
}

/// `SINTERSTORE destination key [key …]` — as [`sinter`].
pub(super) fn sinterstore(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 2..ctx.args.len();
    look_up(ctx, keys.clone())?;
    if mutant!(Mutant::StoreClearsItsSource) {
        ctx.keys.discard(&ctx.args[1]);
    }
    let sets: Option<Vec<_>> = sets(&ctx.keys, ctx.args, keys).collect();
    let result = sets.map_or_else(Set::new_intset, |mut sets| intersection(&mut sets, rules(&ctx.keys)));
    store(ctx, result)
}

/// `SINTERCARD numkeys key [key …] [LIMIT limit]` — as [`sinter`]. It counts no further than the limit.
pub(super) fn sintercard(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let keys_len = parse_i64(&args[1]).and_then(|count| usize::try_from(count).ok());
    let keys_len = keys_len.filter(|&count| count > 0).ok_or("ERR numkeys should be greater than 0")?;
    if keys_len > args.len() - 2 {
        return Err("ERR Number of keys can't be greater than number of args".into());
    }
    let mut limit = 0;
    let mut words = args.from(2 + keys_len);
    while let Some(word) = words.next() {
        let value = words.next().filter(|_| word.eq_ignore_ascii_case(b"LIMIT"));
        let value = parse_i64(value.ok_or(CommandError::Syntax)?);
        let value = value.and_then(|value| usize::try_from(value).ok());
        limit = value.ok_or("ERR LIMIT can't be negative")?;
    }
    let keys = 2..2 + keys_len;
    look_up(ctx, keys.clone())?;
    let mut count = 0;
    if let Some(mut sets) = sets(&ctx.keys, ctx.args, keys).collect::<Option<Vec<_>>>() {
        intersect(&mut sets, |_| {
            count += 1;
            count != limit
        });
    }
    ctx.reply.integer(count as i64);
    Ok(Propagate::Nothing)
}

/// `SUNION key [key …]` — O(N) for N members of all sets.
pub(super) fn sunion(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 1..ctx.args.len();
    look_up(ctx, keys.clone())?;
    let mut sets: Vec<&Set> = sets(&ctx.keys, ctx.args, keys).flatten().collect();
    if let [only] = sets[..] {
        reply_set(ctx.reply, only);
        return Ok(Propagate::Nothing);
    }
    let rules = rules(&ctx.keys);
    let at = ctx.reply.deferred_set();
    let mut count = 0;
    unite(&mut sets, rules, |member| {
        reply_member(ctx.reply, member);
        count += 1;
    });
    ctx.reply.set_deferred_set(at, count);
    Ok(Propagate::Nothing)
}

/// `SUNIONSTORE destination key [key …]` — O(N) for N members of all sets.
pub(super) fn sunionstore(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 2..ctx.args.len();
    look_up(ctx, keys.clone())?;
    let sets: Vec<&Set> = sets(&ctx.keys, ctx.args, keys).flatten().collect();
    let result = union(&sets, rules(&ctx.keys));
    store(ctx, result)
}

/// `SDIFF key [key …]` — O(N) for N members of all sets.
pub(super) fn sdiff(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 1..ctx.args.len();
    look_up(ctx, keys.clone())?;
    let sets: Vec<Option<&Set>> = sets(&ctx.keys, ctx.args, keys).collect();
    let at = ctx.reply.deferred_set();
    let mut count = 0;
    subtract(&sets, |member| {
        reply_member(ctx.reply, member.string());
        count += 1;
    });
    ctx.reply.set_deferred_set(at, count);
    Ok(Propagate::Nothing)
}

/// `SDIFFSTORE destination key [key …]` — O(N) for N members of all sets.
pub(super) fn sdiffstore(ctx: &mut Context<'_>) -> CommandResult {
    let keys = 2..ctx.args.len();
    look_up(ctx, keys.clone())?;
    let sets: Vec<Option<&Set>> = sets(&ctx.keys, ctx.args, keys).collect();
    let result = difference(&sets, rules(&ctx.keys));
    store(ctx, result)
}

/// Looks keys up to read them, and refuses those that hold no set.
fn look_up(ctx: &mut Context<'_>, keys: std::ops::Range<usize>) -> Result<(), CommandError> {
    for key in keys {
        if let Some(entry) = ctx.keys.read(ctx.args.at(key)) {
            set_of(entry)?;
        }
    }
    Ok(())
}

/// The sets under keys that were looked up: all at the same time.
fn sets<'c>(
    keyspace: &'c Keys<'_>,
    args: Args<'c>,
    keys: std::ops::Range<usize>,
) -> impl Iterator<Item = Option<&'c Set>> {
    keys.map(move |key| keyspace.again(args.at(key)).and_then(|entry| set_of(entry).ok()))
}

fn rules(keys: &Keys<'_>) -> Rules {
    Rules { limits: keys.dataset.limits.set, hash_key: keys.dataset.hash_key }
}

/// Puts a result into the place of whatever the first argument's key holds, and answers with its length.
fn store(ctx: &mut Context<'_>, result: Set) -> CommandResult {
    let args = ctx.args;
    ctx.reply.integer(result.len() as i64);
    if !result.is_empty() {
        ctx.keys.store(&args[1], Collection::Set(result));
        return Ok(Propagate::AsIs);
    }
    Ok(if ctx.keys.discard(&args[1]) { Propagate::AsIs } else { Propagate::Nothing })
}
