//! Commands on strings.

mod lcs;
mod table;

use crate::args::Args;
use crate::commands::KeyFlags;
use crate::commands::expiry::{self, MILLIS, SECONDS, Unit};
use crate::context::{CommandResult, Context};
use crate::dataset::Expiry;
use crate::error::CommandError;
use crate::keyspace::{NewValue, Occupied, UnixMillis};
use crate::long_double::LongDouble;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::{Reply, SHARED_BULK_LEN_BYTES_MIN};
use crate::value::StringRef;
use lcs::lcs;

pub(super) use table::TABLE;

/// `GET key` — O(1).
fn get(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match ctx.keys.read_handle(&args[1]) {
        Some(found) => reply_string(ctx.reply, found)?,
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

/// `SET key value [NX | XX] [GET] [EX s | PX ms | EXAT s | PXAT ms | KEEPTTL]` — O(1).
///
/// With `GET`, the old value is the reply whether or not the condition held. Propagated with an absolute expiry and
/// without `GET`.
fn set(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() == 3 {
        ctx.keys.set(&args[1], new_value(args, 2), Expiry::Clear);
        ctx.reply.ok();
        return Ok(Propagate::AsIs);
    }
    let options = SetOptions::parse(ctx)?;
    set_with(ctx, 2, &options)
}

/// `SETNX key value` — O(1).
fn setnx(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if ctx.keys.write(&args[1]).is_some() {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    }
    ctx.keys.insert(&args[1], new_value(args, 2), None);
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// `SETEX key seconds value` — O(1). Propagated with an absolute expiry.
fn setex(ctx: &mut Context<'_>) -> CommandResult {
    set_expiring(ctx, SECONDS)
}

/// `PSETEX key milliseconds value` — O(1). Propagated with an absolute expiry.
fn psetex(ctx: &mut Context<'_>) -> CommandResult {
    set_expiring(ctx, MILLIS)
}

/// `GETSET key value` — O(1). Propagated as `SET`.
fn getset(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match ctx.keys.read_handle(&args[1]) {
        Some(found) => reply_string(ctx.reply, found)?,
        None => ctx.reply.null(),
    }
    ctx.keys.set(&args[1], new_value(args, 2), Expiry::Clear);
    ctx.keys.propagate(&[b"SET", &args[1], &args[2]]);
    Ok(Propagate::Rewritten)
}

/// `GETDEL key` — O(1). Propagated as `DEL`.
fn getdel(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(found) = ctx.keys.read_handle(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    reply_string(ctx.reply, found)?;
    ctx.keys.remove(&args[1]);
    ctx.keys.propagate(&[b"DEL", &args[1]]);
    Ok(Propagate::Rewritten)
}

/// `GETEX key [EX s | PX ms | EXAT s | PXAT ms | PERSIST]` — O(1).
///
/// Propagated as `PEXPIREAT`, `PERSIST` or `DEL`, or not at all when nothing changed.
fn getex(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let now = ctx.keys.now();
    let mut persists = false;
    let mut expiry: Option<(Unit, &[u8])> = None;
    let mut words = args.from(2);
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case(b"PERSIST") && expiry.is_none() {
            persists = true;
        } else if let Some(unit) = expiry::unit_of(word)
            && !persists
            && expiry.is_none_or(|(earlier, _)| earlier == unit)
        {
            expiry = Some((unit, words.next().ok_or(CommandError::Syntax)?));
        } else {
            return Err(CommandError::Syntax);
        }
    }
    // As in Redis, nobody asks whether an expiry makes sense for a key that is not there.
    let Some(mut found) = ctx.keys.read_handle(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    if found.entry().value().as_string().is_none() {
        return Err(CommandError::WrongType);
    }
    let at =
        expiry.map(|(unit, argument)| expiry::positive_instant(argument, unit, now, "getex")).transpose()?;
    let had_expiry = found.entry().expiry().is_some();
    match at {
        Some(at) if at > now => found.set_expiry(Some(at)),
        None if persists => found.set_expiry(None),
        _ => {}
    }
    reply_string(ctx.reply, found)?;
    match at {
        Some(at) if at <= now => {
            ctx.keys.remove(&args[1]);
            ctx.keys.propagate(&[b"DEL", &args[1]]);
        }
        Some(UnixMillis(at)) => {
            let at = at.to_string();
            ctx.keys.propagate(&[b"PEXPIREAT", &args[1], at.as_bytes()]);
        }
        None if persists && had_expiry => ctx.keys.propagate(&[b"PERSIST", &args[1]]),
        None => return Ok(Propagate::Nothing),
    }
    Ok(Propagate::Rewritten)
}

/// `STRLEN key` — O(1).
fn strlen(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = match ctx.keys.read(&args[1]) {
        Some(entry) => entry.value().as_string().ok_or(CommandError::WrongType)?.len(),
        None => 0,
    };
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `APPEND key value` — amortised O(1) per byte appended.
fn append(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let tail = &args[2];
    let len_max = ctx.server.config.proto_max_bulk_len;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.keys.insert(&args[1], new_value(args, 2), None);
        ctx.reply.integer(tail.len() as i64);
        return Ok(Propagate::AsIs);
    };
    check_len(string_of(&found)?.len(), tail.len(), len_max)?;
    let len = found.append(tail);
    #[cfg(feature = "mutants")]
    crate::mutant::change_shared(&mut ctx.keys, &args[1], len - tail.len(), tail);
    ctx.reply.integer(len as i64);
    Ok(Propagate::AsIs)
}

/// `SETRANGE key offset value` — O(M) for a value of M bytes. A gap is filled with zeros.
fn setrange(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let patch = &args[3];
    let offset = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let offset = usize::try_from(offset).map_err(|_| CommandError::OffsetOutOfRange)?;
    let len_max = ctx.server.config.proto_max_bulk_len;
    let found = if mutant!(Mutant::ExpiredResurrected) {
        let key = ctx.keys.db().key(&args[1]);
        ctx.keys.db().find_mut(key)
    } else {
        ctx.keys.write(&args[1])
    };
    let Some(mut found) = found else {
        if patch.is_empty() {
            ctx.reply.integer(0);
            return Ok(Propagate::Nothing);
        }
        check_len(offset, patch.len(), len_max)?;
        let mut bytes = vec![0; offset];
        bytes.extend_from_slice(patch);
        ctx.keys.insert(&args[1], NewValue::Raw(&bytes), None);
        ctx.reply.integer(bytes.len() as i64);
        return Ok(Propagate::AsIs);
    };
    let old_len = string_of(&found)?.len();
    if patch.is_empty() {
        ctx.reply.integer(old_len as i64);
        return Ok(Propagate::Nothing);
    }
    check_len(offset, patch.len(), len_max)?;
    let len = found.set_range(offset, patch);
    #[cfg(feature = "mutants")]
    crate::mutant::change_shared(&mut ctx.keys, &args[1], offset, patch);
    ctx.reply.integer(len as i64);
    Ok(Propagate::AsIs)
}

/// `GETRANGE key start end` — O(N) in the length of the reply. Negative positions count from the end.
fn getrange(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let start = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let end = parse_i64(&args[3]).ok_or(CommandError::NotInteger)?;
    match ctx.keys.read(&args[1]) {
        Some(entry) => {
            let string = entry.value().as_string().ok_or(CommandError::WrongType)?;
            string.with_bytes(|bytes| ctx.reply.bulk(slice_of(bytes, start, end)));
        }
        None => ctx.reply.bulk(b""),
    }
    Ok(Propagate::Nothing)
}

/// `SUBSTR key start end` — the old name of [`getrange`].
fn substr(ctx: &mut Context<'_>) -> CommandResult {
    getrange(ctx)
}

/// `INCR key` — O(1).
fn incr(ctx: &mut Context<'_>) -> CommandResult {
    add(ctx, 1)
}

/// `DECR key` — O(1).
fn decr(ctx: &mut Context<'_>) -> CommandResult {
    add(ctx, -1)
}

/// `INCRBY key increment` — O(1).
fn incrby(ctx: &mut Context<'_>) -> CommandResult {
    let increment = parse_i64(&ctx.args[2]).ok_or(CommandError::NotInteger)?;
    add(ctx, increment)
}

/// `DECRBY key decrement` — O(1).
fn decrby(ctx: &mut Context<'_>) -> CommandResult {
    let decrement = parse_i64(&ctx.args[2]).ok_or(CommandError::NotInteger)?;
    let increment = decrement.checked_neg().ok_or("ERR decrement would overflow")?;
    add(ctx, increment)
}

/// `INCRBYFLOAT key increment` — O(1). Propagated as `SET … KEEPTTL`, so that nobody else has to round alike.
fn incrbyfloat(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let found = ctx.keys.write(&args[1]);
    let old = match &found {
        Some(found) => string_of(found)?.with_bytes(LongDouble::parse).ok_or(CommandError::NotFloat)?,
        None => LongDouble::from(0),
    };
    let increment = LongDouble::parse(&args[2]).ok_or(CommandError::NotFloat)?;
    let sum = old.checked_add(increment).ok_or(CommandError::IncrementNotFinite)?;
    let mut text = Vec::new();
    sum.append_text(&mut text);
    match found {
        Some(mut found) => found.set_value(NewValue::Bytes(&text)),
        None => ctx.keys.insert(&args[1], NewValue::Bytes(&text), None),
    }
    ctx.reply.bulk(&text);
    if mutant!(Mutant::IncrByFloatPropagatedVerbatim) {
        return Ok(Propagate::AsIs);
    }
    let effect: [&[u8]; 4] = [b"SET", &args[1], &text, b"KEEPTTL"];
    ctx.keys.propagate(if mutant!(Mutant::IncrByFloatDropsTtl) { &effect[..3] } else { &effect });
    Ok(Propagate::Rewritten)
}

/// `MGET key [key …]` — O(N). A key that is missing or no string gives null.
fn mget(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    ctx.reply.array(args.len() - 1);
    for key in args.from(1) {
        match ctx.keys.read_handle(key) {
            Some(found) if string_of(&found).is_ok() => reply_string(ctx.reply, found)?,
            _ => ctx.reply.null(),
        }
    }
    Ok(Propagate::Nothing)
}

/// `MSET key value [key value …]` — O(N), all at once.
fn mset(ctx: &mut Context<'_>) -> CommandResult {
    check_pairs(ctx)?;
    set_pairs(ctx);
    ctx.reply.ok();
    Ok(Propagate::AsIs)
}

/// `MSETNX key value [key value …]` — O(N). Nothing is set if any of the keys is there.
fn msetnx(ctx: &mut Context<'_>) -> CommandResult {
    check_pairs(ctx)?;
    let args = ctx.args;
    if args.from(1).step_by(2).any(|key| ctx.keys.write(key).is_some()) {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    }
    set_pairs(ctx);
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// What SET does to its key: it looks at it only to answer with it.
fn set_key_flags(args: &[&[u8]]) -> KeyFlags {
    let replies_old = args.iter().skip(3).any(|word| word.eq_ignore_ascii_case(b"GET"));
    let seen = if replies_old { KeyFlags::RW.union(KeyFlags::ACCESS) } else { KeyFlags::OW };
    seen.union(KeyFlags::UPDATE)
}

/// The options of SET.
#[derive(Debug, Default)]
struct SetOptions {
    /// `NX`.
    if_absent: bool,
    /// `XX`.
    if_present: bool,
    /// `GET`.
    replies_old: bool,
    /// `KEEPTTL`.
    keeps_expiry: bool,
    /// The expiry, absolute.
    expiry: Option<UnixMillis>,
}

impl SetOptions {
    fn parse(ctx: &Context<'_>) -> Result<SetOptions, CommandError> {
        let mut options = SetOptions::default();
        let mut expiry: Option<(Unit, &[u8])> = None;
        let mut words = ctx.args.from(3);
        while let Some(word) = words.next() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if is(b"NX") && !options.if_present {
                options.if_absent = true;
            } else if is(b"XX") && !options.if_absent {
                options.if_present = true;
            } else if is(b"GET") {
                options.replies_old = true;
            } else if is(b"KEEPTTL") && expiry.is_none() {
                options.keeps_expiry = true;
            } else if let Some(unit) = expiry::unit_of(word)
                && !options.keeps_expiry
                && expiry.is_none_or(|(earlier, _)| earlier == unit)
            {
                expiry = Some((unit, words.next().ok_or(CommandError::Syntax)?));
            } else {
                return Err(CommandError::Syntax);
            }
        }
        if let Some((unit, argument)) = expiry {
            options.expiry = Some(expiry::positive_instant(argument, unit, ctx.keys.now(), "set")?);
        }
        Ok(options)
    }
}

/// SET with options; the value is argument number `value`.
fn set_with(ctx: &mut Context<'_>, value: usize, options: &SetOptions) -> CommandResult {
    let args = ctx.args;
    let key = &args[1];
    let is_conditional = options.if_absent || options.if_present;
    let mut is_present = false;
    if options.replies_old {
        match ctx.keys.read_handle(key) {
            Some(found) => {
                is_present = true;
                reply_string(ctx.reply, found)?;
            }
            None => ctx.reply.null(),
        }
    } else if is_conditional {
        is_present = ctx.keys.write(key).is_some();
    }
    if options.if_absent && is_present || options.if_present && !is_present {
        if !options.replies_old {
            ctx.reply.null();
        }
        return Ok(Propagate::Nothing);
    }
    let expiry = match options.expiry {
        Some(at) => Expiry::At(at),
        None if options.keeps_expiry => Expiry::Keep,
        None => Expiry::Clear,
    };
    ctx.keys.set(key, new_value(args, value), expiry);
    if !options.replies_old {
        ctx.reply.ok();
    }
    match options.expiry {
        Some(_) if mutant!(Mutant::RelativeTtlPropagated) => return Ok(Propagate::AsIs),
        Some(UnixMillis(at)) => {
            let at = at.to_string();
            ctx.keys.propagate(&[b"SET", key, &args[value], b"PXAT", at.as_bytes()]);
        }
        None if !options.replies_old => return Ok(Propagate::AsIs),
        None if options.keeps_expiry => ctx.keys.propagate(&[b"SET", key, &args[value], b"KEEPTTL"]),
        None => ctx.keys.propagate(&[b"SET", key, &args[value]]),
    }
    Ok(Propagate::Rewritten)
}

fn set_expiring(ctx: &mut Context<'_>, unit: Unit) -> CommandResult {
    let at = expiry::positive_instant(&ctx.args[2], unit, ctx.keys.now(), ctx.command.name)?;
    set_with(ctx, 3, &SetOptions { expiry: Some(at), ..SetOptions::default() })
}

fn add(ctx: &mut Context<'_>, increment: i64) -> CommandResult {
    let args = ctx.args;
    let sum = match ctx.keys.write(&args[1]) {
        Some(mut found) => {
            let old = match string_of(&found)? {
                StringRef::Int(value) => value,
                StringRef::Bytes(bytes) => match parse_i64(bytes) {
                    Some(value) => value,
                    None => return Err(CommandError::NotInteger),
                },
            };
            let Some(sum) = old.checked_add(increment) else { return Err(CommandError::IncrementOverflow) };
            found.set_value(NewValue::Int(sum));
            sum
        }
        None => {
            ctx.keys.insert(&args[1], NewValue::Int(increment), None);
            increment
        }
    };
    ctx.reply.integer(sum);
    Ok(Propagate::AsIs)
}

fn check_pairs(ctx: &Context<'_>) -> Result<(), CommandError> {
    if ctx.args.len().is_multiple_of(2) { Err(ctx.command.wrong_arity()) } else { Ok(()) }
}

fn set_pairs(ctx: &mut Context<'_>) {
    let args = ctx.args;
    for key in (1..args.len()).step_by(2) {
        ctx.keys.set(&args[key], new_value(args, key + 1), Expiry::Clear);
    }
}

/// An argument as a value: a number if it is written as one, without a copy if it has memory of its own.
#[inline]
fn new_value<'a>(args: &Args<'a>, index: usize) -> NewValue<'a> {
    match args.shared(index) {
        Some(bytes) => NewValue::Shared(bytes),
        None => NewValue::parse(args.at(index)),
    }
}

/// Answers with a string. A long one leaves without being copied.
#[inline]
fn reply_string(reply: &mut Reply, mut found: Occupied<'_>) -> Result<(), CommandError> {
    match string_of(&found)? {
        StringRef::Int(value) => reply.bulk_int(value),
        StringRef::Bytes(bytes) if bytes.len() < SHARED_BULK_LEN_BYTES_MIN => reply.bulk(bytes),
        // A string this long does not lie in its entry.
        StringRef::Bytes(_) => match found.shared_bytes() {
            Some(bytes) => reply.bulk_shared(bytes),
            None => reply.null(),
        },
    }
    Ok(())
}

/// The string a key holds.
#[inline]
fn string_of<'a>(found: &'a Occupied<'_>) -> Result<StringRef<'a>, CommandError> {
    match found.entry().value().as_string() {
        Some(string) => Ok(string),
        None => Err(CommandError::WrongType),
    }
}

/// Checks that a string may become `offset + more` bytes long.
fn check_len(offset: usize, more: usize, len_max: u64) -> Result<(), CommandError> {
    let len = (offset as u64).checked_add(more as u64);
    if len.is_none_or(|len| len > len_max) { Err(CommandError::StringTooLong) } else { Ok(()) }
}

/// The part of a string from `start` to `end`, both included; negative ones count from the end.
fn slice_of(bytes: &[u8], start: i64, end: i64) -> &[u8] {
    let len = bytes.len() as i64;
    if start < 0 && end < 0 && start > end {
        return b"";
    }
    let from_end = |position: i64| if position < 0 { position.saturating_add(len).max(0) } else { position };
    let (start, end) = (from_end(start), from_end(end).min(len - 1));
    if start > end || len == 0 { b"" } else { &bytes[start as usize..=end as usize] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_count_from_either_end() {
        for (start, end, expected) in [
            (0, -1, "hello"),
            (1, 3, "ell"),
            (-3, -2, "ll"),
            (-2, -3, ""),
            (-100, 1, "he"),
            (3, 100, "lo"),
            (5, 9, ""),
            (0, -100, "h"),
            (i64::MIN, i64::MAX, "hello"),
        ] {
            assert_eq!(slice_of(b"hello", start, end), expected.as_bytes(), "{start} {end}");
        }
        assert_eq!(slice_of(b"", 0, -1), b"");
    }
}
