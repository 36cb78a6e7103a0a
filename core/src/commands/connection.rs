//! Commands about the connection itself. `CLIENT` has a file of its own.

mod table;

use crate::commands::client::check_name;
use crate::commands::client::{
    client_getname, client_getredir, client_help, client_id, client_info, client_kill, client_list,
    client_no_evict, client_no_touch, client_pause, client_reply, client_setinfo, client_setname,
    client_unblock, client_unpause,
};
use crate::commands::server::database_index;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Protocol;
use crate::session::ReplyMode;

pub(super) use table::TABLE;

/// The version of Redis whose behaviour this is: what `HELLO` and INFO report.
pub const REDIS_VERSION: &str = "7.2.0";

/// The only user there is.
const DEFAULT_USER: &[u8] = b"default";

/// `AUTH [username] password` — O(1).
fn auth(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match args.len() {
        2 => {
            if ctx.server.config.requirepass.is_empty() {
                return Err(
                    "ERR AUTH <password> called without any password configured for the default user. Are \
                            you sure your configuration is correct?"
                        .into(),
                );
            }
            authenticate(ctx, DEFAULT_USER, &args[1])?;
        }
        3 => authenticate(ctx, &args[1], &args[2])?,
        _ => return Err(CommandError::Syntax),
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `ECHO message` — O(1).
fn echo(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    ctx.reply.bulk(&args[1]);
    Ok(Propagate::Nothing)
}

/// `PING [message]` — O(1).
fn ping(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match args.len() {
        1 => ctx.reply.simple("PONG"),
        2 => ctx.reply.bulk(&args[1]),
        _ => return Err(ctx.command.wrong_arity()),
    }
    Ok(Propagate::Nothing)
}

/// `QUIT` — O(1). The connection ends once its replies are out.
fn quit(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.ok();
    ctx.session.close_after_reply();
    Ok(Propagate::Nothing)
}

/// `RESET` — O(1). The connection is as it was when it began, but for its number and its addresses.
fn reset(ctx: &mut Context<'_>) -> CommandResult {
    ctx.session.transaction = None;
    ctx.keys.dataset.unwatch(ctx.session.conn);
    ctx.session.database = 0;
    ctx.session.name = Box::default();
    ctx.session.no_evict = false;
    ctx.session.no_touch = false;
    ctx.session.is_authenticated = ctx.server.config.requirepass.is_empty();
    // A SKIP before it still holds for its own answer.
    if ctx.session.reply_mode != ReplyMode::SkipThis {
        ctx.session.reply_mode = ReplyMode::On;
        ctx.reply.set_suppressed(false);
    }
    ctx.reply.set_protocol(Protocol::Resp2);
    ctx.reply.simple("RESET");
    Ok(Propagate::Nothing)
}

/// `SELECT index` — O(1).
fn select(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    ctx.session.database = database_index(ctx, &args[1])?;
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]` — O(1).
fn hello(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut protocol = None;
    if args.len() > 1 {
        let version = parse_i64(&args[1]).ok_or("ERR Protocol version is not an integer or out of range")?;
        protocol = Some(match version {
            2 => Protocol::Resp2,
            3 => Protocol::Resp3,
            _ => return Err("NOPROTO unsupported protocol version".into()),
        });
    }
    let mut name = None;
    let mut credentials = None;
    let mut at = 2;
    while at < args.len() {
        let more = args.len() - at - 1;
        if args[at].eq_ignore_ascii_case(b"AUTH") && more >= 2 {
            credentials = Some((args.at(at + 1), args.at(at + 2)));
            at += 3;
        } else if args[at].eq_ignore_ascii_case(b"SETNAME") && more >= 1 {
            check_name(&args[at + 1], b"Client names")?;
            name = Some(args.at(at + 1));
            at += 2;
        } else {
            return Err(CommandError::repeating("ERR Syntax error in HELLO option '", &args[at], "'"));
        }
    }
    if let Some((user, password)) = credentials {
        authenticate(ctx, user, password)?;
    }
    // As in Redis, this asks who the client is, even when no password is wanted any more.
    if !ctx.session.is_authenticated {
        return Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> \
                    AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol \
                    version at the same time"
            .into());
    }
    if let Some(name) = name {
        ctx.session.name = name.into();
    }
    if let Some(protocol) = protocol {
        ctx.reply.set_protocol(protocol);
    }
    let is_resp3 = ctx.reply.protocol() == Protocol::Resp3;
    let reply = &mut *ctx.reply;
    reply.map(7);
    for (field, value) in [("server", "redis"), ("version", REDIS_VERSION)] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(if is_resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(ctx.session.id as i64);
    for (field, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(field.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(Propagate::Nothing)
}

/// Lets the connection in if user and password are right.
fn authenticate(ctx: &mut Context<'_>, user: &[u8], password: &[u8]) -> Result<(), CommandError> {
    let expected = ctx.server.config.requirepass.as_bytes();
    // Without a password, any will do.
    let is_right =
        user == DEFAULT_USER && (expected.is_empty() || equal_in_constant_time(expected, password));
    if !is_right {
        return Err(CommandError::WrongPass);
    }
    ctx.session.is_authenticated = true;
    Ok(())
}

/// Compares without telling by the time it takes how much of the guess was right.
fn equal_in_constant_time(secret: &[u8], guess: &[u8]) -> bool {
    let mut difference = secret.len() ^ guess.len();
    for (index, &byte) in guess.iter().enumerate() {
        // An empty secret never comes here; the modulus keeps every guess's time its own length's.
        difference |= usize::from(byte ^ secret[index % secret.len()]);
    }
    difference == 0
}

/// A container without a subcommand: its arity has already refused it.
fn container(ctx: &mut Context<'_>) -> CommandResult {
    Err(ctx.command.wrong_arity())
}
