//! A command's way through the server: look up → admit → execute → propagate → reply.

use crate::args::Args;
use crate::client::Client;
use crate::commands::{Command, Flags};
use crate::context::Context;
use crate::core::Core;
use crate::dataset::Keys;
use crate::error::CommandError;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::server::LogLevel;
use crate::session::{ReplyMode, Session, State};

/// Longest part of an unknown command's name, and of its arguments together, that the error repeats.
const UNKNOWN_ECHO_LEN_MAX: usize = 128;

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flow {
    /// It was answered, or will be.
    Done,
    /// It stays at the front of what its client has sent, and is tried again later.
    HeldBack,
}

/// Whether a command may run now.
enum Admission {
    Run,
    HoldBack,
}

/// Runs one request.
#[inline]
pub(crate) fn call(
    core: &mut Core,
    client: &mut Client,
    command: Option<&'static Command>,
    args: Args<'_>,
) -> Flow {
    let admitted = look_up(command, args).and_then(|command| Ok((command, admit(core, client, command)?)));
    let command = match admitted {
        Ok((command, Admission::Run)) => command,
        Ok((_, Admission::HoldBack)) => {
            client.session.state = State::Postponed;
            return Flow::HeldBack;
        }
        Err(CommandError::UnknownCommand(_)) if is_http(args) => {
            cut_off_browser(core, client);
            return Flow::Done;
        }
        Err(refusal) => {
            reject(core, client, command, &refusal);
            return Flow::Done;
        }
    };
    let Core { server, dataset, .. } = core;
    let Client { session, reply, .. } = client;
    session.last_command = Some(command);
    let database = session.database;
    let keys = Keys { dataset, database, no_touch: session.no_touch };
    let mut context = Context { command, args, keys, session, reply, server };
    match (command.run)(&mut context) {
        Ok(Propagate::Nothing | Propagate::Rewritten) => {}
        Ok(Propagate::AsIs) => dataset.log.append(database, args.iter()),
        Err(error) => {
            server.stats.command(command).failed_calls += 1;
            server.stats.note_error(&error);
            reply.error(&error.text());
        }
    }
    server.stats.commands_processed += 1;
    server.stats.command(command).calls += 1;
    if session.reply_mode != ReplyMode::On {
        next_reply_mode(session, reply);
    }
    Flow::Done
}

/// The command, or the subcommand, that was asked for, with its number of arguments checked.
#[inline]
fn look_up(command: Option<&'static Command>, args: Args<'_>) -> Result<&'static Command, CommandError> {
    let Some(mut command) = command else { return Err(unknown_command(args)) };
    if !command.subcommands.is_empty() && args.len() > 1 {
        let name = &args[1];
        command = command.subcommand(name).ok_or_else(|| {
            let given = String::from_utf8_lossy(&name[..name.len().min(UNKNOWN_ECHO_LEN_MAX)]).into_owned();
            CommandError::UnknownSubcommand(given, command.name.to_ascii_uppercase())
        })?;
    }
    if command.accepts_arity(args.len()) { Ok(command) } else { Err(command.wrong_arity()) }
}

/// Checks what has to hold before a command runs, in Redis' order.
#[inline]
fn admit(core: &Core, client: &Client, command: &'static Command) -> Result<Admission, CommandError> {
    let Session { is_authenticated, is_local, .. } = client.session;
    let config = &core.server.config;
    if !is_authenticated && !config.requirepass.is_empty() && !command.flags.contains(Flags::NO_AUTH) {
        return Err(CommandError::NoAuth);
    }
    if command.flags.contains(Flags::PROTECTED) {
        config.admit_protected(command.name, is_local)?;
    }
    if let Some(pause) = core.server.pause
        && (!pause.writes_only || command.flags.intersects(Flags::WRITE.union(Flags::MAY_REPLICATE)))
    {
        return Ok(Admission::HoldBack);
    }
    Ok(Admission::Run)
}

/// Answers a request that was refused before it ran.
#[cold]
fn reject(core: &mut Core, client: &mut Client, command: Option<&'static Command>, refusal: &CommandError) {
    let stats = &mut core.server.stats;
    if let Some(command) = command {
        stats.command(command).rejected_calls += 1;
    }
    stats.note_error(refusal);
    client.reply.error(&refusal.text());
    next_reply_mode(&mut client.session, &mut client.reply);
}

/// Whether what looks like a command is a line of an HTTP request.
fn is_http(args: Args<'_>) -> bool {
    args[0].eq_ignore_ascii_case(b"POST") || args[0].eq_ignore_ascii_case(b"Host:")
}

/// Ends a connection that a browser was made to open: what follows its header may be commands.
#[cold]
fn cut_off_browser(core: &mut Core, client: &mut Client) {
    let text = format!(
        "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or Host: commands to rotom. This \
         is likely due to an attacker attempting to use Cross Protocol Scripting to compromise your instance. \
         Connection from {} aborted.",
        client.session.peer
    );
    core.server.log(LogLevel::Warning, text);
    client.session.state = State::ClosingNow;
}

/// Lets `CLIENT REPLY SKIP` take effect on the command after it, and end with that one.
#[cold]
fn next_reply_mode(session: &mut Session, reply: &mut Reply) {
    match session.reply_mode {
        ReplyMode::On | ReplyMode::Off => {}
        ReplyMode::SkipNext => {
            session.reply_mode = ReplyMode::SkipThis;
            reply.set_suppressed(true);
        }
        ReplyMode::SkipThis => {
            session.reply_mode = ReplyMode::On;
            reply.set_suppressed(false);
        }
    }
}

/// Redis' text for a command nobody knows: its name and how its arguments begin.
#[cold]
fn unknown_command(args: Args<'_>) -> CommandError {
    // Redis prints C strings, which end at a NUL.
    let clip = |bytes: &'_ [u8], max: usize| {
        let len = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        bytes[..len.min(max)].to_vec()
    };
    let mut echoed = Vec::new();
    for argument in args.from(1) {
        if echoed.len() >= UNKNOWN_ECHO_LEN_MAX {
            break;
        }
        let room = UNKNOWN_ECHO_LEN_MAX - echoed.len();
        echoed.push(b'\'');
        echoed.extend(clip(argument, room));
        echoed.extend(b"' ");
    }
    let mut text = b"ERR unknown command '".to_vec();
    text.extend(clip(&args[0], UNKNOWN_ECHO_LEN_MAX));
    text.extend(b"', with args beginning with: ");
    text.extend(echoed);
    CommandError::UnknownCommand(text)
}
