//! Hashes.

mod random;
mod table;

use crate::args::Args;
use crate::commands::ahead::batches;
use crate::commands::element_scan::{self, ElementScan};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{EntryRef, HashKey, Occupied};
use crate::long_double::LongDouble;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::hash::{FieldEntry, Hash, HashLimits};
use crate::value::{Collection, NewValue, StringRef, ValueRef};
use random::hrandfield;

pub(super) use table::TABLE;

/// `HSET key field value [field value …]` — O(N). Answers how many fields are new.
fn hset(ctx: &mut Context<'_>) -> CommandResult {
    let added = set_fields(ctx)?;
    ctx.reply.integer(added as i64);
    Ok(Propagate::AsIs)
}

/// `HMSET key field value [field value …]` — O(N).
fn hmset(ctx: &mut Context<'_>) -> CommandResult {
    set_fields(ctx)?;
    ctx.reply.ok();
    Ok(Propagate::AsIs)
}

/// `HSETNX key field value` — O(1). Answers 0 when the field is there.
fn hsetnx(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (limits, hash_key) = rules(ctx);
    let value = StringRef::Bytes(args.at(3));
    if let Some(mut found) = ctx.keys.write(&args[1]) {
        match hash_mut(&mut found)?.entry(args.lookup(2)) {
            FieldEntry::Occupied(_) => {
                ctx.reply.integer(0);
                return Ok(Propagate::Nothing);
            }
            FieldEntry::Vacant(field) => field.insert(value, &limits, hash_key),
        }
    } else {
        insert_with(ctx, value);
    }
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// `HGET key field` — O(1).
fn hget(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let value = match ctx.keys.read(&args[1]) {
        Some(entry) => hash_of(entry)?.get(args.lookup(2)),
        None => None,
    };
    reply_value(ctx.reply, value);
    Ok(Propagate::Nothing)
}

/// `HMGET key field [field …]` — O(N). A field that is missing gives null.
fn hmget(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let hash = ctx.keys.read(&args[1]).map(hash_of).transpose()?;
    ctx.reply.array(args.len() - 2);
    let Some(hash) = hash else {
        (2..args.len()).for_each(|_| ctx.reply.null());
        return Ok(Propagate::Nothing);
    };
    batches(args, 2, 1, |_, fields| {
        if fields.len() > 1 {
            hash.prefetch(fields);
        }
        fields.iter().for_each(|&field| reply_value(ctx.reply, hash.get(field)));
    });
    Ok(Propagate::Nothing)
}

/// `HGETALL key` — O(N).
fn hgetall(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.map(0);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_of(entry)?;
    ctx.reply.map(hash.len());
    for (field, value) in hash.iter() {
        reply_string(ctx.reply, field);
        reply_string(ctx.reply, value);
    }
    Ok(Propagate::Nothing)
}

/// `HKEYS key` — O(N).
fn hkeys(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_of(entry)?;
    ctx.reply.array(hash.len());
    hash.iter().for_each(|(field, _)| reply_string(ctx.reply, field));
    Ok(Propagate::Nothing)
}

/// `HVALS key` — O(N).
fn hvals(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_of(entry)?;
    ctx.reply.array(hash.len());
    hash.iter().for_each(|(_, value)| reply_string(ctx.reply, value));
    Ok(Propagate::Nothing)
}

/// `HLEN key` — O(1).
fn hlen(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = match ctx.keys.read(&args[1]) {
        Some(entry) => hash_of(entry)?.len(),
        None => 0,
    };
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `HSTRLEN key field` — O(1).
fn hstrlen(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let value = match ctx.keys.read(&args[1]) {
        Some(entry) => hash_of(entry)?.get(args.lookup(2)),
        None => None,
    };
    ctx.reply.integer(value.map_or(0, StringRef::len) as i64);
    Ok(Propagate::Nothing)
}

/// `HEXISTS key field` — O(1).
fn hexists(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let is_there = match ctx.keys.read(&args[1]) {
        Some(entry) => hash_of(entry)?.contains(args.lookup(2)),
        None => false,
    };
    ctx.reply.integer(is_there.into());
    Ok(Propagate::Nothing)
}

/// `HDEL key field [field …]` — O(N). The key goes with the last field.
fn hdel(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_mut(&mut found)?;
    let mut removed = 0;
    batches(args, 2, 1, |_, fields| {
        if fields.len() > 1 {
            hash.prefetch(fields);
        }
        removed += fields.iter().filter(|&&field| hash.remove(field)).count();
    });
    if hash.is_empty() {
        found.remove();
    }
    ctx.reply.integer(removed as i64);
    Ok(if removed > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

/// `HINCRBY key field increment` — O(1).
fn hincrby(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let increment = parse_i64(&args[3]).ok_or(CommandError::NotInteger)?;
    let (limits, hash_key) = rules(ctx);
    let mut sum = increment;
    if let Some(mut found) = ctx.keys.write(&args[1]) {
        match hash_mut(&mut found)?.entry(args.lookup(2)) {
            FieldEntry::Occupied(field) => {
                let old = match field.value() {
                    StringRef::Int(number) => Some(number),
                    StringRef::Bytes(bytes) => parse_i64(bytes),
                };
                let old = old.ok_or("ERR hash value is not an integer")?;
                sum = old.checked_add(increment).ok_or(CommandError::IncrementOverflow)?;
                field.set(StringRef::Int(sum), &limits, hash_key);
            }
            FieldEntry::Vacant(field) => field.insert(StringRef::Int(sum), &limits, hash_key),
        }
    } else {
        insert_with(ctx, StringRef::Int(sum));
    }
    ctx.reply.integer(sum);
    Ok(Propagate::AsIs)
}

/// `HINCRBYFLOAT key field increment` — O(1). Propagated as `HSET`, so that nobody else has to round alike.
fn hincrbyfloat(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let increment = LongDouble::parse(&args[3]).ok_or(CommandError::NotFloat)?;
    if !increment.is_finite() {
        return Err("ERR value is NaN or Infinity".into());
    }
    let (limits, hash_key) = rules(ctx);
    let mut text = Vec::new();
    if let Some(mut found) = ctx.keys.write(&args[1]) {
        match hash_mut(&mut found)?.entry(args.lookup(2)) {
            FieldEntry::Occupied(field) => {
                let old = field.value().with_bytes(LongDouble::parse);
                let old = old.ok_or("ERR hash value is not a float")?;
                let sum = old.checked_add(increment).ok_or(CommandError::IncrementNotFinite)?;
                sum.append_text(&mut text);
                field.set(StringRef::Bytes(&text), &limits, hash_key);
            }
            FieldEntry::Vacant(field) => {
                increment.append_text(&mut text);
                field.insert(StringRef::Bytes(&text), &limits, hash_key);
            }
        }
    } else {
        increment.append_text(&mut text);
        insert_with(ctx, StringRef::Bytes(&text));
    }
    ctx.reply.bulk(&text);
    ctx.keys.propagate(&[b"HSET", &args[1], &args[2], &text]);
    Ok(Propagate::Rewritten)
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count]` — O(1) per call.
fn hscan(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let cursor = element_scan::cursor(args)?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        element_scan::reply_nothing(ctx.reply);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_of(entry)?;
    ElementScan::parse(args)?.run(cursor, ctx.reply, |scan, cursor| {
        let mut seen = 0;
        let next = hash.scan(cursor, &mut |field, value| {
            seen += 1;
            if scan.accepts(field) {
                scan.push(field);
                scan.push(value);
            }
        });
        (next, seen)
    });
    Ok(Propagate::Nothing)
}

/// Sets fields to the values behind them, and returns how many are new.
fn set_fields(ctx: &mut Context<'_>) -> Result<usize, CommandError> {
    let args = ctx.args;
    if !args.len().is_multiple_of(2) {
        return Err(ctx.command.wrong_arity());
    }
    let (limits, hash_key) = rules(ctx);
    if let Some(mut found) = ctx.keys.write(&args[1]) {
        return Ok(set_all(hash_mut(&mut found)?, args, &limits, hash_key));
    }
    let mut hash = Hash::new();
    let added = set_all(&mut hash, args, &limits, hash_key);
    insert(ctx, hash);
    Ok(added)
}

fn set_all(hash: &mut Hash, args: &Args<'_>, limits: &HashLimits, hash_key: HashKey) -> usize {
    hash.grow_for(args.from(2), limits, hash_key);
    let mut added = 0;
    batches(args, 2, 2, |first, fields| {
        if fields.len() > 1 {
            hash.prefetch(fields);
        }
        for (place, &field) in fields.iter().enumerate() {
            let value = StringRef::Bytes(args.at(first + 2 * place + 1));
            added += usize::from(hash.set(field, value, limits, hash_key));
        }
    });
    added
}

/// Adds a hash under the first argument, which is not there, with the second one as its field.
fn insert_with(ctx: &mut Context<'_>, value: StringRef<'_>) {
    let (limits, hash_key) = rules(ctx);
    let mut hash = Hash::new();
    hash.set(ctx.args.at(2), value, &limits, hash_key);
    insert(ctx, hash);
}

/// Adds a hash under the first argument, which is not there.
fn insert(ctx: &mut Context<'_>, hash: Hash) {
    let args = ctx.args;
    ctx.keys.insert(&args[1], NewValue::Collection(Collection::Hash(hash)), None);
}

/// How large small hashes may become, and what fields are hashed with.
#[inline]
fn rules(ctx: &Context<'_>) -> (HashLimits, HashKey) {
    (ctx.keys.dataset.limits.hash, ctx.keys.dataset.hash_key)
}

/// The hash an entry holds.
#[inline]
fn hash_of(entry: EntryRef<'_>) -> Result<&Hash, CommandError> {
    match entry.value() {
        ValueRef::Collection(Collection::Hash(hash)) => Ok(hash),
        _ => Err(CommandError::WrongType),
    }
}

/// The hash an entry holds, to change it.
#[inline]
fn hash_mut<'a>(found: &'a mut Occupied<'_>) -> Result<&'a mut Hash, CommandError> {
    match found.collection_mut() {
        Some(Collection::Hash(hash)) => Ok(hash),
        _ => Err(CommandError::WrongType),
    }
}

#[inline]
fn reply_value(reply: &mut Reply, value: Option<StringRef<'_>>) {
    match value {
        Some(value) => reply_string(reply, value),
        None => reply.null(),
    }
}

#[inline]
fn reply_string(reply: &mut Reply, string: StringRef<'_>) {
    match string {
        StringRef::Int(value) => reply.bulk_int(value),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
    }
}
