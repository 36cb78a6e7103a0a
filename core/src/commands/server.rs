//! Commands about the server. `COMMAND`, `CONFIG`, `DEBUG` and `INFO` have files of their own.

mod table;

use crate::commands::command::{
    command, command_count, command_docs, command_getkeys, command_getkeysandflags, command_help,
    command_info, command_list,
};
use crate::commands::config::{config_get, config_help, config_resetstat, config_rewrite, config_set};
use crate::commands::debug::debug;
use crate::commands::info::info;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::persistence::{Durability, Exit};
use crate::propagation::Propagate;
use crate::session::State;

pub(super) use table::TABLE;

/// `DBSIZE` — O(1).
fn dbsize(ctx: &mut Context<'_>) -> CommandResult {
    let len = ctx.keys.db().len();
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `FLUSHDB [ASYNC | SYNC]` — O(1); the keys are freed in slices with `ASYNC`, at once otherwise.
fn flushdb(ctx: &mut Context<'_>) -> CommandResult {
    let later = frees_later(ctx)?;
    let database = ctx.keys.database;
    ctx.keys.dataset.flush(database, later);
    ctx.reply.ok();
    Ok(Propagate::AsIs)
}

/// `FLUSHALL [ASYNC | SYNC]` — as [`flushdb`] for all databases.
fn flushall(ctx: &mut Context<'_>) -> CommandResult {
    let later = frees_later(ctx)?;
    for database in 0..ctx.keys.dataset.database_count() {
        ctx.keys.dataset.flush(database, later);
    }
    ctx.reply.ok();
    Ok(if mutant!(Mutant::FlushallNotLogged) { Propagate::Nothing } else { Propagate::AsIs })
}

/// `SWAPDB index1 index2` — O(1).
fn swapdb(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let index = |argument: &[u8], text: &'static str| {
        let index = parse_i64(argument).and_then(|index| i32::try_from(index).ok());
        index.ok_or(CommandError::text_of(text))
    };
    let first = index(&args[1], "ERR invalid first DB index")?;
    let second = index(&args[2], "ERR invalid second DB index")?;
    let first = in_range(ctx, first)?;
    let second = in_range(ctx, second)?;
    ctx.keys.dataset.swap(first, second);
    ctx.reply.ok();
    Ok(if first == second { Propagate::Nothing } else { Propagate::AsIs })
}

/// `TIME` — O(1). Seconds, and microseconds of the current one.
fn time(ctx: &mut Context<'_>) -> CommandResult {
    let now = ctx.server.now.wall;
    ctx.reply.array(2);
    ctx.reply.bulk(now.seconds().to_string().as_bytes());
    ctx.reply.bulk((now.0 % 1_000_000).to_string().as_bytes());
    Ok(Propagate::Nothing)
}

/// `BGREWRITEAOF` — O(1); the file is written in slices as turns go by.
fn bgrewriteaof(ctx: &mut Context<'_>) -> CommandResult {
    let seen = &mut ctx.server.durability;
    if seen.log.rewrite_since.is_some() || seen.wants_rewrite {
        return Err("ERR Background append only file rewriting already in progress".into());
    }
    seen.wants_rewrite = true;
    let must_wait = seen.save.since.is_some() || seen.wants_save;
    let when = if must_wait { "scheduled" } else { "started" };
    ctx.reply.simple(&format!("Background append only file rewriting {when}"));
    Ok(Propagate::Nothing)
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]` — O(1). There is no reply: the connection ends.
fn shutdown(ctx: &mut Context<'_>) -> CommandResult {
    let (mut saves, mut keeps_nothing, mut aborts, mut hurries, mut is_forced) =
        (false, false, false, false, false);
    for word in ctx.args.from(1) {
        if word.eq_ignore_ascii_case(b"NOSAVE") {
            keeps_nothing = true;
        } else if word.eq_ignore_ascii_case(b"SAVE") {
            saves = true;
        } else if word.eq_ignore_ascii_case(b"NOW") {
            hurries = true;
        } else if word.eq_ignore_ascii_case(b"FORCE") {
            is_forced = true;
        } else if word.eq_ignore_ascii_case(b"ABORT") {
            aborts = true;
        } else {
            return Err(CommandError::Syntax);
        }
    }
    if saves && keeps_nothing || aborts && (saves || keeps_nothing || hurries || is_forced) {
        return Err(CommandError::Syntax);
    }
    let conn = ctx.session.conn;
    let Durability { is_kept, exit, .. } = &mut ctx.server.durability;
    if aborts {
        exit.take().ok_or("ERR No shutdown in progress.")?;
        ctx.reply.ok();
        return Ok(Propagate::Nothing);
    }
    if saves && !*is_kept {
        return Err("ERR SHUTDOWN SAVE is not possible: this server keeps nothing".into());
    }
    let saves = saves || !keeps_nothing && !ctx.server.config.save.is_empty();
    ctx.server.shut_down(Exit { status: 0, saves, is_forced, asker: Some(conn) });
    Ok(Propagate::Nothing)
}

/// `LASTSAVE` — O(1).
fn lastsave(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.integer(ctx.server.durability.save.last_at as i64);
    Ok(Propagate::Nothing)
}

/// `SAVE` — O(N) for the client, who waits; others do not.
fn save(ctx: &mut Context<'_>) -> CommandResult {
    let seen = &mut ctx.server.durability;
    if seen.save.since.is_some() || seen.wants_save {
        return Err("ERR Background save already in progress".into());
    }
    if !seen.is_kept {
        return Err("ERR".into());
    }
    seen.save_askers.push(ctx.session.conn);
    ctx.session.state = State::WaitingForDisk;
    Ok(Propagate::Nothing)
}

/// `BGSAVE [SCHEDULE]` — O(1); the file is written in slices as turns go by.
fn bgsave(ctx: &mut Context<'_>) -> CommandResult {
    let may_wait = match ctx.args.len() {
        1 => false,
        2 if ctx.args[1].eq_ignore_ascii_case(b"SCHEDULE") => true,
        _ => return Err(CommandError::Syntax),
    };
    let seen = &mut ctx.server.durability;
    let must_wait = seen.log.rewrite_since.is_some();
    if seen.save.since.is_some() || seen.wants_save {
        return Err("ERR Background save already in progress".into());
    }
    if must_wait && !may_wait {
        return Err("ERR Another child process is active (AOF?): can't BGSAVE right now. Use BGSAVE SCHEDULE in order to \
                    schedule a BGSAVE whenever possible."
            .into());
    }
    seen.wants_save = true;
    ctx.reply.simple(if must_wait { "Background saving scheduled" } else { "Background saving started" });
    Ok(Propagate::Nothing)
}

/// The database a command's argument names.
pub(super) fn database_index(ctx: &Context<'_>, argument: &[u8]) -> Result<usize, CommandError> {
    let index = parse_i64(argument).ok_or(CommandError::NotInteger)?;
    let index = i32::try_from(index)
        .map_err(|_| "ERR value is out of range, value must between -2147483648 and 2147483647")?;
    in_range(ctx, index)
}

fn in_range(ctx: &Context<'_>, index: i32) -> Result<usize, CommandError> {
    let count = ctx.keys.dataset.database_count();
    usize::try_from(index).ok().filter(|&index| index < count).ok_or(CommandError::DatabaseOutOfRange)
}

/// Whether FLUSHDB and FLUSHALL free in slices.
fn frees_later(ctx: &Context<'_>) -> Result<bool, CommandError> {
    match ctx.args.len() {
        1 => Ok(ctx.server.config.lazyfree_lazy_user_flush),
        2 if ctx.args[1].eq_ignore_ascii_case(b"ASYNC") => Ok(true),
        2 if ctx.args[1].eq_ignore_ascii_case(b"SYNC") => Ok(false),
        _ => Err(CommandError::Syntax),
    }
}

/// A container without a subcommand: its arity has already refused it.
fn container(ctx: &mut Context<'_>) -> CommandResult {
    Err(ctx.command.wrong_arity())
}
