//! Commands on keys of any type.

mod dump;
mod expire;
mod object;
mod scan;
mod table;

use crate::commands::server::database_index;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::propagation::Propagate;
use dump::{dump, restore};
use expire::{expire, expireat, expiretime, persist, pexpire, pexpireat, pexpiretime, pttl, ttl};
use object::{object_encoding, object_freq, object_help, object_idletime, object_refcount};
use scan::scan;

pub(super) use scan::parse_cursor;
pub(super) use table::TABLE;

/// `DEL key [key …]` — O(N).
fn del(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let count = args.from(1).filter(|key| ctx.keys.discard(key)).count();
    ctx.reply.integer(count as i64);
    Ok(if count > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

/// `UNLINK key [key …]` — O(1) per key. As with DEL, large collections are freed in slices.
fn unlink(ctx: &mut Context<'_>) -> CommandResult {
    del(ctx)
}

/// `EXISTS key [key …]` — O(N). A key named twice counts twice.
fn exists(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let count = args.from(1).filter(|key| ctx.keys.inspect(key).is_some()).count();
    ctx.reply.integer(count as i64);
    Ok(Propagate::Nothing)
}

/// `TOUCH key [key …]` — O(N).
fn touch(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    // To touch is what this is for, whatever CLIENT NO-TOUCH says.
    ctx.keys.no_touch = false;
    let count = args.from(1).filter(|key| ctx.keys.read(key).is_some()).count();
    ctx.reply.integer(count as i64);
    Ok(Propagate::Nothing)
}

/// `TYPE key` — O(1).
fn type_of(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let name = ctx.keys.inspect(&args[1]).map_or("none", |entry| entry.value_type().name());
    ctx.reply.simple(name);
    Ok(Propagate::Nothing)
}

/// `KEYS pattern` — O(N) in the number of keys of the database.
fn keys(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let now = ctx.keys.now();
    let pattern = &args[1];
    let at = ctx.reply.deferred_array();
    let mut count = 0;
    for entry in ctx.keys.db().iter() {
        let is_live = !entry.expiry().is_some_and(|at| at.is_past(now));
        if is_live && (pattern == b"*" || glob::matches(pattern, entry.key(), Case::Sensitive)) {
            ctx.reply.bulk(entry.key());
            count += 1;
        }
    }
    ctx.reply.set_deferred_array(at, count);
    Ok(Propagate::Nothing)
}

/// `RANDOMKEY` — O(1). Expired keys that are drawn are removed.
fn randomkey(ctx: &mut Context<'_>) -> CommandResult {
    loop {
        let server = &mut *ctx.server;
        let Some(entry) = ctx.keys.db().random(&mut || server.random_u64()) else {
            ctx.reply.null();
            return Ok(Propagate::Nothing);
        };
        let key = entry.key().to_vec();
        if ctx.keys.peek(&key).is_some() {
            ctx.reply.bulk(&key);
            return Ok(Propagate::Nothing);
        }
        sometimes!(Mark::RandomKeyExpired);
    }
}

/// `RENAME key newkey` — O(1). A key that stands at the new name is replaced.
fn rename(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if ctx.keys.write(&args[1]).is_none() {
        return Err(CommandError::NoSuchKey);
    }
    if args[1] != args[2] {
        ctx.keys.discard(&args[2]);
        move_entry(ctx);
    }
    ctx.reply.ok();
    Ok(if args[1] == args[2] { Propagate::Nothing } else { Propagate::AsIs })
}

/// `RENAMENX key newkey` — O(1). Only if nothing stands at the new name.
fn renamenx(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if ctx.keys.write(&args[1]).is_none() {
        return Err(CommandError::NoSuchKey);
    }
    if args[1] == args[2] || ctx.keys.write(&args[2]).is_some() {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    }
    move_entry(ctx);
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// `COPY source destination [DB index] [REPLACE]` — O(1) for strings, but for their bytes.
fn copy(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut to = ctx.keys.database;
    let mut replaces = false;
    let mut words = args.from(3);
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"REPLACE") {
            replaces = true;
        } else if word.eq_ignore_ascii_case(b"DB")
            && let Some(index) = words.next()
        {
            to = database_index(ctx, index)?;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if to == ctx.keys.database && args[1] == args[2] {
        return Err(CommandError::SameObject);
    }
    let is_found = ctx.keys.read(&args[1]).is_some();
    let may_take = is_found && (ctx.keys.in_database(to).write(&args[2]).is_none() || replaces);
    // Copied only now: the value may be large.
    let copy = ctx.keys.peek(&args[1]).filter(|_| may_take);
    let Some(copy) = copy.map(|entry| entry.copy_as(&args[2], entry.expiry())) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let mut target = ctx.keys.in_database(to);
    target.discard(&args[2]);
    target.insert_entry(copy);
    #[cfg(feature = "mutants")]
    crate::mutant::share_value((ctx.keys.database, &args[1]), (to, &args[2]));
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// `MOVE key db` — O(1).
fn move_key(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let to = database_index(ctx, &args[2])?;
    if to == ctx.keys.database {
        return Err(CommandError::SameObject);
    }
    if ctx.keys.write(&args[1]).is_none() || ctx.keys.in_database(to).write(&args[1]).is_some() {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    }
    if let Some(entry) = ctx.keys.remove(&args[1]) {
        ctx.keys.in_database(to).insert_entry(entry);
    }
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// Gives the entry of the first argument's key the second one's.
fn move_entry(ctx: &mut Context<'_>) {
    let args = ctx.args;
    if let Some(entry) = ctx.keys.remove(&args[1]) {
        ctx.keys.insert_entry(entry.rename(&args[2]));
    }
}

/// A container without a subcommand: its arity has already refused it.
fn container(ctx: &mut Context<'_>) -> CommandResult {
    Err(ctx.command.wrong_arity())
}
