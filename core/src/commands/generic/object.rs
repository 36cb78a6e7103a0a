//! `OBJECT`: how a value is kept.

use crate::commands::help::reply_help;
use crate::context::{CommandResult, Context};
use crate::keyspace::EntryRef;
use crate::propagation::Propagate;
use crate::value::{StringRef, ValueRef};

/// What Redis reports as the references to a value it shares: small integers.
const SHARED_REFERENCES: i64 = i32::MAX as i64;

/// Integers below this are shared in Redis.
const SHARED_INTEGERS_END: i64 = 10_000;

/// `OBJECT ENCODING key` — O(1).
pub(super) fn object_encoding(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match ctx.keys.peek(&args[2]).map(EntryRef::encoding_name) {
        Some(name) => ctx.reply.bulk(name.as_bytes()),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

/// `OBJECT REFCOUNT key` — O(1). Values are not shared here; what Redis would share is reported as Redis does.
pub(super) fn object_refcount(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match ctx.keys.peek(&args[2]).map(EntryRef::value) {
        Some(ValueRef::String(StringRef::Int(0..SHARED_INTEGERS_END))) => {
            ctx.reply.integer(SHARED_REFERENCES);
        }
        Some(_) => ctx.reply.integer(1),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

/// `OBJECT IDLETIME key` — O(1). Whole seconds.
pub(super) fn object_idletime(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(stamp) = ctx.keys.peek(&args[2]).map(EntryRef::lru) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    if ctx.keys.dataset.access.is_lfu() {
        return Err("ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
                    between policies at runtime LRU and LFU data will take some time to adjust."
            .into());
    }
    ctx.reply.integer(ctx.keys.dataset.access.idle_seconds(stamp) as i64);
    Ok(Propagate::Nothing)
}

/// `OBJECT FREQ key` — O(1).
pub(super) fn object_freq(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(stamp) = ctx.keys.peek(&args[2]).map(EntryRef::lru) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    if !ctx.keys.dataset.access.is_lfu() {
        return Err("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
                    switching between policies at runtime LRU and LFU data will take some time to adjust."
            .into());
    }
    ctx.reply.integer(i64::from(ctx.keys.dataset.access.frequency(stamp)));
    Ok(Propagate::Nothing)
}

/// `OBJECT HELP`.
pub(super) fn object_help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "ENCODING <key>",
            "    Return the kind of internal representation used in order to store the value",
            "    associated with a <key>.",
            "FREQ <key>",
            "    Return the access frequency index of the <key>. The returned integer is",
            "    proportional to the logarithm of the recent access frequency of the key.",
            "IDLETIME <key>",
            "    Return the idle time of the <key>, that is the approximated number of",
            "    seconds elapsed since the last access to the key.",
            "REFCOUNT <key>",
            "    Return the number of references of the value associated with the specified",
            "    <key>.",
        ],
    )
}
