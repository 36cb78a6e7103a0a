//! Times to live of keys.

use crate::commands::expiry::{self, MILLIS, SECONDS, UNIX_MILLIS, UNIX_SECONDS, Unit};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{EntryRef, UnixMillis};
use crate::propagation::Propagate;

/// `EXPIRE key seconds [NX | XX | GT | LT]` — O(1). Propagated with an absolute expiry, or as `DEL`.
pub(super) fn expire(ctx: &mut Context<'_>) -> CommandResult {
    set_expiry(ctx, SECONDS)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]` — O(1).
pub(super) fn pexpire(ctx: &mut Context<'_>) -> CommandResult {
    set_expiry(ctx, MILLIS)
}

/// `EXPIREAT key unix-time-seconds [NX | XX | GT | LT]` — O(1).
pub(super) fn expireat(ctx: &mut Context<'_>) -> CommandResult {
    set_expiry(ctx, UNIX_SECONDS)
}

/// `PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]` — O(1).
pub(super) fn pexpireat(ctx: &mut Context<'_>) -> CommandResult {
    set_expiry(ctx, UNIX_MILLIS)
}

/// `TTL key` — O(1). −2 without the key, −1 without an expiry. Rounded to the nearest second.
pub(super) fn ttl(ctx: &mut Context<'_>) -> CommandResult {
    let now = ctx.keys.now().0;
    reply_expiry(ctx, |at| rounded_seconds((at - now).max(0)))
}

/// `PTTL key` — O(1).
pub(super) fn pttl(ctx: &mut Context<'_>) -> CommandResult {
    let now = ctx.keys.now().0;
    reply_expiry(ctx, |at| (at - now).max(0))
}

/// `EXPIRETIME key` — O(1).
pub(super) fn expiretime(ctx: &mut Context<'_>) -> CommandResult {
    reply_expiry(ctx, rounded_seconds)
}

/// `PEXPIRETIME key` — O(1).
pub(super) fn pexpiretime(ctx: &mut Context<'_>) -> CommandResult {
    reply_expiry(ctx, |at| at)
}

/// `PERSIST key` — O(1).
pub(super) fn persist(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let expiring = ctx.keys.write(&args[1]).filter(|found| found.entry().expiry().is_some());
    let Some(mut found) = expiring else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    found.set_expiry(None);
    ctx.reply.integer(1);
    Ok(Propagate::AsIs)
}

/// When an expiry is set although there may be another.
#[derive(Clone, Copy, Debug, Default)]
struct Condition {
    /// `NX`.
    if_none: bool,
    /// `XX`.
    if_some: bool,
    /// `GT`.
    if_later: bool,
    /// `LT`.
    if_sooner: bool,
}

impl Condition {
    fn parse(ctx: &Context<'_>) -> Result<Condition, CommandError> {
        let mut condition = Condition::default();
        for word in ctx.args.from(3) {
            if word.eq_ignore_ascii_case(b"NX") {
                condition.if_none = true;
            } else if word.eq_ignore_ascii_case(b"XX") {
                condition.if_some = true;
            } else if word.eq_ignore_ascii_case(b"GT") {
                condition.if_later = true;
            } else if word.eq_ignore_ascii_case(b"LT") {
                condition.if_sooner = true;
            } else {
                return Err(CommandError::repeating("ERR Unsupported option ", word, ""));
            }
        }
        if condition.if_none && (condition.if_some || condition.if_later || condition.if_sooner) {
            return Err("ERR NX and XX, GT or LT options at the same time are not compatible".into());
        }
        if condition.if_later && condition.if_sooner {
            return Err("ERR GT and LT options at the same time are not compatible".into());
        }
        Ok(condition)
    }

    /// Whether `at` may take the place of `old`. No expiry counts as one that never comes.
    fn allows(self, old: Option<UnixMillis>, at: UnixMillis) -> bool {
        !(self.if_none && old.is_some()
            || self.if_some && old.is_none()
            || self.if_later && old.is_none_or(|old| at <= old)
            || self.if_sooner && old.is_some_and(|old| at >= old))
    }
}

fn set_expiry(ctx: &mut Context<'_>, unit: Unit) -> CommandResult {
    let args = ctx.args;
    let now = ctx.keys.now();
    let condition = Condition::parse(ctx)?;
    let at = expiry::instant(&args[2], unit, now, ctx.command.name)?;
    let allowed = ctx.keys.write(&args[1]).filter(|found| condition.allows(found.entry().expiry(), at));
    let Some(mut found) = allowed else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    if at <= now {
        sometimes!(Mark::ExpiredAtOnce);
        let entry = found.remove();
        ctx.keys.dataset.lazy_free.push_entry(entry);
        ctx.keys.propagate(&[b"DEL", &args[1]]);
    } else {
        found.set_expiry(Some(at));
        if mutant!(Mutant::ExpirePropagatedVerbatim) {
            ctx.reply.integer(1);
            return Ok(Propagate::AsIs);
        }
        let at = at.0.to_string();
        ctx.keys.propagate(&[b"PEXPIREAT", &args[1], at.as_bytes()]);
    }
    ctx.reply.integer(1);
    Ok(Propagate::Rewritten)
}

/// Milliseconds, none of them negative, to the nearest second.
fn rounded_seconds(millis: i64) -> i64 {
    millis / 1000 + i64::from(millis % 1000 >= 500)
}

fn reply_expiry(ctx: &mut Context<'_>, shown: impl Fn(i64) -> i64) -> CommandResult {
    let args = ctx.args;
    let value = match ctx.keys.inspect(&args[1]).map(EntryRef::expiry) {
        None => -2,
        Some(None) => -1,
        Some(Some(UnixMillis(at))) => shown(at),
    };
    ctx.reply.integer(value);
    Ok(Propagate::Nothing)
}
