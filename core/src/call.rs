//! A command's way through the server: look up → admit → execute → propagate → reply.

use crate::args::Args;
use crate::client::Client;
use crate::commands::{Categories, Command, Flags, transactions};
use crate::context::Context;
use crate::core::Core;
use crate::dataset::Keys;
use crate::error::{CommandError, ECHO_LEN_MAX, echo};
#[cfg(feature = "simulation")]
use crate::execution::ExecutionKind;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::server::{LogLevel, Server};
use crate::session::{ReplyMode, Session, State};

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

/// Runs one request. Inlined, and [`execute`] with it, so that the context is put together where it stays: to copy what
/// was just written in smaller pieces makes a processor wait.
#[inline(always)]
pub(crate) fn call(
    core: &mut Core,
    client: &mut Client,
    command: Option<&'static Command>,
    args: Args<'_>,
) -> Flow {
    #[cfg(feature = "simulation")]
    core.begin_execution();
    let command = match look_up(command, args) {
        Ok(known) => match admit(core, client, known) {
            Ok(Admission::Run) => known,
            Ok(Admission::HoldBack) => {
                client.session.state = State::Postponed;
                return Flow::HeldBack;
            }
            Err(refusal) => return refuse(core, client, command, args, &refusal),
        },
        Err(refusal) => return refuse(core, client, command, args, &refusal),
    };
    let Core { server, dataset, .. } = core;
    let Client { session, reply, .. } = client;
    session.last_command = Some(command);
    if let Some(transaction) = &mut session.transaction
        && !transactions::is_immediate(command)
    {
        // What EXEC will not run anyway is not kept.
        if !dataset.log.watches.is_stale(session.conn) {
            transaction.push(command, args);
        }
        reply.simple("QUEUED");
    } else {
        let keys = Keys { dataset, database: session.database, no_touch: session.no_touch };
        execute(&mut Context { command, args, keys, session: &mut *session, reply: &mut *reply, server });
    }
    if session.reply_mode != ReplyMode::On && !matches!(session.state, State::WaitingForDisk | State::Blocked)
    {
        next_reply_mode(session, reply);
    }
    #[cfg(feature = "simulation")]
    core.end_execution(client.session.conn, ExecutionKind::Request, Some(command));
    if core.dataset.log.waiters.has_work() {
        core.serve_waiters();
    }
    Flow::Done
}

/// Runs a command that may run now, and propagates what it did.
#[inline(always)]
pub(crate) fn execute(context: &mut Context<'_>) {
    let command = context.command;
    let database = context.keys.database;
    context.session.saw_data |= if mutant!(Mutant::ReadLeaksUnsynced) {
        command.flags.contains(Flags::WRITE)
    } else {
        !command.categories.contains(Categories::CONNECTION)
    };
    let outcome = (command.run)(context);
    let Context { args, keys: Keys { dataset, .. }, reply, server, .. } = context;
    if context.session.state == State::Blocked {
        // It has not been answered, and runs again; but it may have removed what had expired.
        dataset.settle_touched();
        return;
    }
    // Counted only now, as Redis does: INFO does not show itself, and RESETSTAT is the first to be counted anew.
    server.stats.commands_processed += 1;
    let counters = server.stats.command(command);
    counters.calls += 1;
    match outcome {
        Ok(Propagate::Nothing) => {}
        Ok(Propagate::Rewritten) => dataset.stats.changes += 1,
        Ok(Propagate::AsIs) => {
            dataset.stats.changes += 1;
            if dataset.log.is_heard() {
                dataset.log.append(database, args.iter());
            }
        }
        Err(error) => {
            sometimes!(Mark::SkipBeforeError, context.session.reply_mode == ReplyMode::SkipThis);
            counters.failed_calls += 1;
            server.stats.note_error(&error);
            reply.error(&error.text());
        }
    }
    dataset.settle_touched();
}

/// The command, or the subcommand, that was asked for, with its number of arguments checked.
#[inline]
fn look_up(command: Option<&'static Command>, args: Args<'_>) -> Result<&'static Command, CommandError> {
    let Some(mut command) = command else { return Err(unknown_command(args)) };
    if !command.subcommands.is_empty() && args.len() > 1 {
        let name = &args[1];
        command = command.subcommand(name).ok_or_else(|| {
            CommandError::UnknownSubcommand(echo(name).to_vec(), command.name.to_ascii_uppercase())
        })?;
    }
    if command.accepts_arity(args.len()) { Ok(command) } else { Err(command.wrong_arity()) }
}

/// Checks what has to hold before a command runs, in Redis' order.
#[inline]
fn admit(core: &Core, client: &Client, command: &'static Command) -> Result<Admission, CommandError> {
    let Session { is_authenticated, is_local, .. } = client.session;
    let server = &core.server;
    if command.flags.contains(Flags::PROTECTED) {
        server.config.admit_protected(command.name, is_local)?;
    }
    // Once the password is taken away, nobody has to know it any more.
    if !is_authenticated && !command.flags.contains(Flags::NO_AUTH) && !server.config.requirepass.is_empty() {
        return Err(CommandError::NoAuth);
    }
    if client.session.transaction.is_some() && command.flags.contains(Flags::NO_MULTI) {
        return Err(CommandError::text_of("ERR Command not allowed inside a transaction"));
    }
    if !server.durability.is_calm
        && let Some(admission) = admit_by_disk(server, &client.session, command)?
    {
        return Ok(admission);
    }
    if let Some(pause) = server.pause
        && (!pause.writes_only || may_replicate(&client.session, command))
    {
        sometimes!(Mark::HeldByPause);
        return Ok(Admission::HoldBack);
    }
    if server.frozen_until.is_some() {
        sometimes!(Mark::HeldBySleep);
        return Ok(Admission::HoldBack);
    }
    sometimes!(Mark::ReadDuringPause, server.pause.is_some());
    Ok(Admission::Run)
}

/// Checks what loading data and writing it to disk have to say about a command.
#[cold]
fn admit_by_disk(
    server: &Server,
    session: &Session,
    command: &'static Command,
) -> Result<Option<Admission>, CommandError> {
    let seen = &server.durability;
    let writes = may_replicate(session, command);
    if let Some(refusal) = &seen.refusal
        && (writes || command.name == "ping")
    {
        sometimes!(Mark::RefusedByDiskError);
        return Err(refusal.clone());
    }
    let is_allowed = command.flags.contains(Flags::LOADING);
    if seen.loading.is_some() && !is_allowed {
        sometimes!(Mark::RefusedByLoading);
        return Err(CommandError::text_of("LOADING Redis is loading the dataset in memory"));
    }
    if seen.exit.is_some() && command.name == "shutdown" {
        return Ok(None);
    }
    let must_wait = seen.is_beginning && !is_allowed || seen.is_backed_up && writes || seen.exit.is_some();
    sometimes!(Mark::HeldByBacklog, seen.is_backed_up && writes);
    Ok(must_wait.then_some(Admission::HoldBack))
}

/// Whether a command may change data; EXEC may if anything that is queued may.
fn may_replicate(session: &Session, command: &'static Command) -> bool {
    let flags = Flags::WRITE.union(Flags::MAY_REPLICATE);
    let is_queued = session.transaction.as_ref().is_some_and(|transaction| transaction.has_any(flags));
    command.flags.intersects(flags) || is_queued && transactions::is_exec(command)
}

/// Refuses a request before it runs.
#[cold]
fn refuse(
    core: &mut Core,
    client: &mut Client,
    command: Option<&'static Command>,
    args: Args<'_>,
    refusal: &CommandError,
) -> Flow {
    if matches!(refusal, CommandError::UnknownCommand(_)) && is_http(args) {
        cut_off_browser(core, client);
        return Flow::Done;
    }
    reject(core, client, command, args, refusal);
    #[cfg(feature = "simulation")]
    {
        let is_by_disk = refusal.text().starts_with(b"MISCONF");
        let kind = if is_by_disk { ExecutionKind::Refused } else { ExecutionKind::Request };
        core.end_execution(client.session.conn, kind, command);
    }
    Flow::Done
}

/// Answers a request that was refused. EXEC will refuse the transaction it was to be part of.
fn reject(
    core: &mut Core,
    client: &mut Client,
    command: Option<&'static Command>,
    args: Args<'_>,
    refusal: &CommandError,
) {
    let stats = &mut core.server.stats;
    let part = command.and_then(|command| command.subcommand(args.from(1).next()?));
    let is_unknown_part = matches!(refusal, CommandError::UnknownSubcommand(..));
    client.session.last_command = part.or(command).filter(|_| !is_unknown_part);
    if let Some(command) = client.session.last_command {
        stats.command(command).rejected_calls += 1;
    }
    sometimes!(Mark::SkipBeforeError, client.session.reply_mode == ReplyMode::SkipThis);
    match command.filter(|command| transactions::is_exec(command)) {
        Some(_) => {
            let refusal = CommandError::ExecRefused(Box::new(refusal.clone()));
            stats.note_error(&refusal);
            client.session.transaction = None;
            core.dataset.unwatch(client.session.conn);
            client.reply.error(&refusal.text());
        }
        None => {
            stats.note_error(refusal);
            if let Some(transaction) = &mut client.session.transaction {
                transaction.abort();
            }
            client.reply.error(&refusal.text());
        }
    }
    if !mutant!(Mutant::SkipOutlivesError) {
        next_reply_mode(&mut client.session, &mut client.reply);
    }
}

/// Whether what looks like a command is a line of an HTTP request.
fn is_http(args: Args<'_>) -> bool {
    args[0].eq_ignore_ascii_case(b"POST") || args[0].eq_ignore_ascii_case(b"Host:")
}

/// Ends a connection that a browser was made to open: what follows its header may be commands.
#[cold]
fn cut_off_browser(core: &mut Core, client: &mut Client) {
    sometimes!(Mark::BrowserCutOff);
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
pub(crate) fn next_reply_mode(session: &mut Session, reply: &mut Reply) {
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
    let mut echoed: Vec<u8> = Vec::new();
    for argument in args.from(1) {
        if echoed.len() >= ECHO_LEN_MAX {
            break;
        }
        let word = echo(argument);
        echoed.push(b'\'');
        echoed.extend_from_slice(&word[..word.len().min(ECHO_LEN_MAX + 1 - echoed.len())]);
        echoed.extend_from_slice(b"' ");
    }
    let text = [b"ERR unknown command '", echo(&args[0]), b"', with args beginning with: ", &echoed].concat();
    CommandError::UnknownCommand(text)
}
