//! `CONFIG`: the configuration of a running server.

use crate::commands::help::reply_help;
use crate::config_rewrite;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::net::NetEffect;
use crate::propagation::Propagate;
use crate::session::State;
use crate::stats::Stats;

/// `CONFIG GET parameter [parameter …]` — O(N). Parameters are globs; one that is a name is answered under the name as
/// it was given.
pub(super) fn config_get(ctx: &mut Context<'_>) -> CommandResult {
    let patterns: Vec<&[u8]> = ctx.args.from(2).collect();
    let found = ctx.server.config.matching(&patterns);
    ctx.reply.map(found.len());
    for (name, value) in found {
        ctx.reply.bulk(name);
        ctx.reply.bulk(value.as_bytes());
    }
    Ok(Propagate::Nothing)
}

/// `CONFIG SET parameter value [parameter value …]` — O(N). All of them or none. A new password is asked of
/// connections to come; one that cannot be listened on is a matter of the log, since sockets are the driver's.
pub(super) fn config_set(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if !args.len().is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    let words: Vec<&[u8]> = args.from(2).collect();
    let pairs: Vec<(&[u8], &[u8])> = words.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let changed = ctx.server.config.set_at_runtime(&pairs, ctx.session.is_local)?;
    ctx.keys.dataset.configure(&ctx.server.config);
    if changed.concerns_driver() {
        ctx.server.net(NetEffect::Reconfigure);
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CONFIG REWRITE` — O(N). Answered when the new file is durable under its name; therefore not inside a transaction.
pub(super) fn config_rewrite(ctx: &mut Context<'_>) -> CommandResult {
    if ctx.server.host.config_file.is_empty() {
        return Err("ERR The server is running without a config file".into());
    }
    if ctx.session.runs_transaction {
        // Its answer would come after those of the commands behind it.
        return Err("ERR CONFIG REWRITE is not allowed inside a transaction".into());
    }
    config_rewrite::begin(ctx.server, ctx.session.conn);
    ctx.session.state = State::WaitingForDisk;
    Ok(Propagate::Nothing)
}

/// `CONFIG RESETSTAT` — O(1). Peaks of memory stay, as in Redis.
pub(super) fn config_resetstat(ctx: &mut Context<'_>) -> CommandResult {
    ctx.server.stats = Stats::default();
    ctx.keys.dataset.stats.reset();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CONFIG HELP`.
pub(super) fn config_help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "GET <pattern>",
            "    Return parameters matching the glob-like <pattern> and their values.",
            "SET <directive> <value>",
            "    Set the configuration <directive> to <value>.",
            "RESETSTAT",
            "    Reset statistics reported by the INFO command.",
            "REWRITE",
            "    Rewrite the configuration file.",
        ],
    )
}
