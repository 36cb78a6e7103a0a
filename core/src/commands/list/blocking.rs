//! Commands that wait for a list that is missing.

use super::moving::{MultiplePop, move_element, parse_end, pop_first};
use super::{list_mut, reply_element, settle};
use crate::commands::timeout::parse_timeout;
use crate::context::{CommandResult, Context};
use crate::propagation::Propagate;
use crate::value::{End, ValueType};

/// `BLPOP key [key …] timeout` — O(N). Propagated as LPOP.
pub(super) fn blpop(ctx: &mut Context<'_>) -> CommandResult {
    blocking_pop(ctx, End::Head)
}

/// `BRPOP key [key …] timeout` — O(N). Propagated as RPOP.
pub(super) fn brpop(ctx: &mut Context<'_>) -> CommandResult {
    blocking_pop(ctx, End::Tail)
}

/// `BLMOVE source destination LEFT|RIGHT LEFT|RIGHT timeout` — O(1). Propagated as LMOVE.
pub(super) fn blmove(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (from, to) = (parse_end(&args[3])?, parse_end(&args[4])?);
    let deadline = parse_timeout(&args[5], ctx.server.now.monotonic)?;
    if let Some(element) = move_element(ctx, from, to)? {
        element.reply(ctx.reply);
        if mutant!(Mutant::BlmovePropagatedVerbatim) {
            return Ok(Propagate::AsIs);
        }
        ctx.keys.propagate(&[b"LMOVE", &args[1], &args[2], &args[3], &args[4]]);
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::List, 1, 1, deadline) {
        ctx.reply.null();
    }
    Ok(Propagate::Nothing)
}

/// `BRPOPLPUSH source destination timeout` — O(1). Propagated as RPOPLPUSH.
pub(super) fn brpoplpush(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let deadline = parse_timeout(&args[3], ctx.server.now.monotonic)?;
    if let Some(element) = move_element(ctx, End::Tail, End::Head)? {
        element.reply(ctx.reply);
        ctx.keys.propagate(&[b"RPOPLPUSH", &args[1], &args[2]]);
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::List, 1, 1, deadline) {
        ctx.reply.null();
    }
    Ok(Propagate::Nothing)
}

/// `BLMPOP timeout numkeys key [key …] LEFT|RIGHT [COUNT count]` — O(N + M). Propagated as the plain pop.
pub(super) fn blmpop(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    // Redis looks at the timeout last, although it comes first.
    let request = MultiplePop::parse(ctx, 2)?;
    let deadline = parse_timeout(&args[1], ctx.server.now.monotonic)?;
    if pop_first(ctx, &request)? {
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::List, request.first_key, request.keys_len, deadline) {
        ctx.reply.null_array();
    }
    Ok(Propagate::Nothing)
}

fn blocking_pop(ctx: &mut Context<'_>, end: End) -> CommandResult {
    let args = ctx.args;
    let last = args.len() - 1;
    let deadline = parse_timeout(&args[last], ctx.server.now.monotonic)?;
    let limits = ctx.keys.dataset.limits.list;
    for key in args.from(1).take(last - 1) {
        let Some(mut found) = ctx.keys.write(key) else { continue };
        let list = list_mut(&mut found)?;
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        if let Some(element) = list.end(end) {
            reply_element(ctx.reply, element);
        }
        list.pop(end);
        settle(found, limits);
        let name: &[u8] = if end == End::Head { b"LPOP" } else { b"RPOP" };
        ctx.keys.propagate(&[name, key]);
        return Ok(Propagate::Rewritten);
    }
    if !ctx.wait_for_keys(ValueType::List, 1, last - 1, deadline) {
        ctx.reply.null_array();
    }
    Ok(Propagate::Nothing)
}
