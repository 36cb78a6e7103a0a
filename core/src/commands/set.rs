//! Sets.

mod algebra;
mod draw;
mod storing;
mod table;

use crate::args::Args;
use crate::commands::ahead::batches;
use crate::commands::element_scan::{self, ElementScan};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{EntryRef, HashKey, Occupied};
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::set::{Set, SetLimits};
use crate::value::{Collection, NewValue, StringRef, ValueRef};
use draw::{spop, srandmember};
use storing::{sdiff, sdiffstore, sinter, sintercard, sinterstore, sunion, sunionstore};

pub(super) use table::TABLE;

/// `SADD key member [member …]` — O(N). Answers how many members are new.
fn sadd(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (limits, hash_key) = rules(ctx);
    let count = args.len() - 2;
    let added = if let Some(mut found) = ctx.keys.write(&args[1]) {
        let set = set_mut(&mut found)?;
        set.grow_for(count, &limits, hash_key);
        add_all(set, args, &limits, hash_key)
    } else {
        let mut set = Set::for_member(&args[2], count, &limits, hash_key);
        let added = add_all(&mut set, args, &limits, hash_key);
        insert(ctx, &args[1], set);
        added
    };
    ctx.reply.integer(added as i64);
    Ok(if added > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

/// `SREM key member [member …]` — O(N). The key goes with the last member.
fn srem(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_mut(&mut found)?;
    let mut removed = 0;
    batches(args, 2, 1, |_, members| {
        if members.len() > 1 {
            set.prefetch(members);
        }
        removed += members.iter().filter(|&&member| set.remove(member)).count();
    });
    if set.is_empty() {
        found.remove();
    }
    ctx.reply.integer(removed as i64);
    Ok(if removed > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

/// `SISMEMBER key member` — O(1).
fn sismember(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let is_member = match ctx.keys.read(&args[1]) {
        Some(entry) => set_of(entry)?.contains(args.lookup(2)),
        None => false,
    };
    ctx.reply.integer(is_member.into());
    Ok(Propagate::Nothing)
}

/// `SMISMEMBER key member [member …]` — O(N).
fn smismember(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let set = ctx.keys.read(&args[1]).map(set_of).transpose()?;
    ctx.reply.array(args.len() - 2);
    let Some(set) = set else {
        (2..args.len()).for_each(|_| ctx.reply.integer(0));
        return Ok(Propagate::Nothing);
    };
    batches(args, 2, 1, |_, members| {
        if members.len() > 1 {
            set.prefetch(members);
        }
        members.iter().for_each(|&member| ctx.reply.integer(set.contains(member).into()));
    });
    Ok(Propagate::Nothing)
}

/// `SCARD key` — O(1).
fn scard(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = match ctx.keys.read(&args[1]) {
        Some(entry) => set_of(entry)?.len(),
        None => 0,
    };
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `SMEMBERS key` — O(N).
fn smembers(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match ctx.keys.read(&args[1]) {
        Some(entry) => reply_set(ctx.reply, set_of(entry)?),
        None => ctx.reply.set(0),
    }
    Ok(Propagate::Nothing)
}

/// `SMOVE source destination member` — O(1). Answers 0 when the member is not in the source.
fn smove(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (source, destination, member) = (&args[1], &args[2], args.lookup(3));
    let (limits, hash_key) = rules(ctx);
    let is_there =
        ctx.keys.write(source).map(|mut found| set_mut(&mut found).map(|set| set.contains(member)));
    // Whoever has no source is not told that the destination is no set; but its expiry shows in any case.
    let target = ctx.keys.write(destination);
    let Some(is_there) = is_there.transpose()? else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    if let Some(mut found) = target {
        set_mut(&mut found)?;
    }
    ctx.reply.integer(is_there.into());
    if !is_there || source == destination {
        return Ok(Propagate::Nothing);
    }
    if let Some(mut found) = ctx.keys.write(source) {
        let set = set_mut(&mut found)?;
        set.remove(member);
        if set.is_empty() {
            found.remove();
        }
    }
    if let Some(mut found) = ctx.keys.write(destination) {
        if !set_mut(&mut found)?.add(member, &limits, hash_key) {
            // The destination is as it was, also for whoever watches it.
            ctx.keys.propagate(&[b"SREM", source, args.at(3)]);
            return Ok(Propagate::Rewritten);
        }
    } else {
        let mut set = Set::for_member(args.at(3), 1, &limits, hash_key);
        set.add(member, &limits, hash_key);
        insert(ctx, destination, set);
    }
    Ok(Propagate::AsIs)
}

/// `SSCAN key cursor [MATCH pattern] [COUNT count]` — O(1) per call.
fn sscan(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let cursor = element_scan::cursor(args)?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        element_scan::reply_nothing(ctx.reply);
        return Ok(Propagate::Nothing);
    };
    let set = set_of(entry)?;
    ElementScan::parse(args)?.run(cursor, ctx.reply, |scan, cursor| {
        let mut seen = 0;
        let next = set.scan(cursor, &mut |member| {
            seen += 1;
            if scan.accepts(member) {
                scan.push(member);
            }
        });
        (next, seen)
    });
    Ok(Propagate::Nothing)
}

/// Adds every argument from the second on. Returns how many were new.
fn add_all(set: &mut Set, args: &Args<'_>, limits: &SetLimits, hash_key: HashKey) -> usize {
    let mut added = 0;
    batches(args, 2, 1, |_, members| {
        if members.len() > 1 {
            set.prefetch(members);
        }
        added += members.iter().filter(|&&member| set.add(member, limits, hash_key)).count();
    });
    added
}

/// Adds a set under a key that is not there.
fn insert(ctx: &mut Context<'_>, key: &[u8], set: Set) {
    ctx.keys.insert(key, NewValue::Collection(Collection::Set(set)), None);
}

/// How large small sets may become, and what members are hashed with.
#[inline]
fn rules(ctx: &Context<'_>) -> (SetLimits, HashKey) {
    (ctx.keys.dataset.limits.set, ctx.keys.dataset.hash_key)
}

/// The set an entry holds.
#[inline]
fn set_of(entry: EntryRef<'_>) -> Result<&Set, CommandError> {
    match entry.value() {
        ValueRef::Collection(Collection::Set(set)) => Ok(set),
        _ => Err(CommandError::WrongType),
    }
}

/// The set an entry holds, to change it.
#[inline]
fn set_mut<'a>(found: &'a mut Occupied<'_>) -> Result<&'a mut Set, CommandError> {
    match found.collection_mut() {
        Some(Collection::Set(set)) => Ok(set),
        _ => Err(CommandError::WrongType),
    }
}

fn reply_set(reply: &mut Reply, set: &Set) {
    reply.set(set.len());
    set.iter().for_each(|member| reply_member(reply, member));
}

#[inline]
fn reply_member(reply: &mut Reply, member: StringRef<'_>) {
    match member {
        StringRef::Int(value) => reply.bulk_int(value),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
    }
}
