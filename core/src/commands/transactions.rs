//! Transactions: requests that are queued and then run with nobody in between.

mod table;

use super::table::Command;
use crate::call;
use crate::context::{CommandResult, Context};
use crate::dataset::Keys;
use crate::error::CommandError;
use crate::propagation::Propagate;
use crate::session::State;
use crate::transaction::Queued;

pub(super) use table::TABLE;

/// `MULTI` — O(1).
fn multi(ctx: &mut Context<'_>) -> CommandResult {
    if ctx.session.transaction.is_some() {
        return Err("ERR MULTI calls can not be nested".into());
    }
    ctx.session.transaction = Some(Box::default());
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `DISCARD` — O(N) in the number of queued requests.
fn discard(ctx: &mut Context<'_>) -> CommandResult {
    if ctx.session.transaction.take().is_none() {
        return Err("ERR DISCARD without MULTI".into());
    }
    ctx.keys.dataset.unwatch(ctx.session.conn);
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `EXEC` — as much as the queued requests.
///
/// A request that fails is answered with its error; the others run all the same. What they change is propagated as one
/// unit: between MULTI and EXEC, unless it is a single command.
fn exec(ctx: &mut Context<'_>) -> CommandResult {
    let Some(mut transaction) = ctx.session.transaction.take() else {
        return Err("ERR EXEC without MULTI".into());
    };
    let conn = ctx.session.conn;
    let is_stale = ctx.keys.dataset.is_stale(conn);
    ctx.keys.dataset.unwatch(conn);
    if transaction.is_aborted() && !mutant!(Mutant::ExecAfterRefusal) {
        return Err(CommandError::ExecAborted);
    }
    if is_stale {
        ctx.reply.null_array();
        return Ok(Propagate::Nothing);
    }
    let requests = transaction.take_requests();
    // CLIENT LIST still shows how many there are.
    ctx.session.transaction = Some(transaction);
    run(ctx, requests);
    ctx.session.transaction = None;
    Ok(Propagate::Nothing)
}

/// Runs what was queued.
fn run(ctx: &mut Context<'_>, requests: Vec<Queued>) {
    ctx.reply.array(requests.len());
    let unit = ctx.keys.dataset.log.begin_unit();
    ctx.session.runs_transaction = true;
    for request in requests {
        let database = ctx.session.database;
        let no_touch = ctx.session.no_touch;
        call::execute(&mut Context {
            command: request.command,
            args: request.args(),
            keys: Keys { dataset: &mut *ctx.keys.dataset, database, no_touch },
            session: &mut *ctx.session,
            reply: &mut *ctx.reply,
            server: &mut *ctx.server,
        });
        if ctx.session.state == State::ClosingNow {
            break;
        }
    }
    ctx.session.runs_transaction = false;
    ctx.keys.dataset.log.end_unit(unit);
}

/// `WATCH key [key …]` — O(N).
///
/// EXEC answers null when any of the keys was changed meanwhile, created, removed, or has expired.
fn watch(ctx: &mut Context<'_>) -> CommandResult {
    if ctx.session.transaction.is_some() {
        return Err("ERR WATCH inside MULTI is not allowed".into());
    }
    let conn = ctx.session.conn;
    for key in ctx.args.from(1) {
        ctx.keys.watch(conn, key);
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `UNWATCH` — O(N) in the number of watched keys.
fn unwatch(ctx: &mut Context<'_>) -> CommandResult {
    ctx.keys.dataset.unwatch(ctx.session.conn);
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// Whether a command acts at once, between MULTI and EXEC too.
#[inline]
pub(crate) fn is_immediate(command: &Command) -> bool {
    matches!(command.name, "exec" | "discard" | "multi" | "watch" | "quit" | "reset")
}

/// Whether this is EXEC.
pub(crate) fn is_exec(command: &Command) -> bool {
    command.name == "exec"
}
