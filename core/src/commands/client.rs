//! `CLIENT`: connections, as seen and governed by connections.

use crate::client::Client;
use crate::commands::help::reply_help;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::net::ConnId;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::{Protocol, Reply};
use crate::server::Pause;
use crate::session::{ReplyMode, Session, State};
use crate::time::Monotonic;
use std::fmt::Write;
use std::time::Duration;

/// What a new connection's memory is reckoned at beside its buffers, for `tot-mem`.
const CLIENT_BYTES: usize = size_of::<Client>();

/// `CLIENT ID` — O(1).
pub(super) fn client_id(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.integer(ctx.session.id as i64);
    Ok(Propagate::Nothing)
}

/// `CLIENT INFO` — O(1).
pub(super) fn client_info(ctx: &mut Context<'_>) -> CommandResult {
    let mut line = String::new();
    describe(&mut line, ctx.session, ctx.reply, Buffers::default(), ctx.server.now.monotonic);
    reply_text(ctx.reply, &line);
    Ok(Propagate::Nothing)
}

/// `CLIENT LIST [TYPE type] [ID id …]` — O(N), in the order in which they connected.
pub(super) fn client_list(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut wanted: Option<Vec<i64>> = None;
    let mut lists_normal = true;
    if args.len() == 4 && args[2].eq_ignore_ascii_case(b"TYPE") {
        lists_normal = ClientType::parse(&args[3])? == ClientType::Normal;
    } else if args.len() > 3 && args[2].eq_ignore_ascii_case(b"ID") {
        let ids: Option<Vec<i64>> = args.from(3).map(parse_i64).collect();
        wanted = Some(ids.ok_or("ERR Invalid client ID")?);
    } else if args.len() != 2 {
        return Err(CommandError::Syntax);
    }
    let now = ctx.server.now.monotonic;
    let mut lines: Vec<(u64, String)> = Vec::new();
    let mut add = |session: &Session, reply: &Reply, buffers: Buffers| {
        if lists_normal && wanted.as_ref().is_none_or(|ids| ids.contains(&(session.id as i64))) {
            let mut line = String::new();
            describe(&mut line, session, reply, buffers, now);
            lines.push((session.id, line));
        }
    };
    add(ctx.session, ctx.reply, Buffers::default());
    for client in ctx.server.clients.iter() {
        add(&client.session, &client.reply, Buffers::of(client));
    }
    lines.sort_unstable_by_key(|(id, _)| *id);
    let text: String = lines.into_iter().map(|(_, line)| line).collect();
    reply_text(ctx.reply, &text);
    Ok(Propagate::Nothing)
}

/// `CLIENT GETNAME` — O(1).
pub(super) fn client_getname(ctx: &mut Context<'_>) -> CommandResult {
    if ctx.session.name.is_empty() {
        ctx.reply.null();
    } else {
        ctx.reply.bulk(&ctx.session.name);
    }
    Ok(Propagate::Nothing)
}

/// `CLIENT SETNAME connection-name` — O(1).
pub(super) fn client_setname(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    check_name(&args[2], "Client names")?;
    ctx.session.name = args[2].into();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT SETINFO LIB-NAME name | LIB-VER version` — O(1).
pub(super) fn client_setinfo(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let option = String::from_utf8_lossy(&args[2]).into_owned();
    let field = if args[2].eq_ignore_ascii_case(b"LIB-NAME") {
        &mut ctx.session.library_name
    } else if args[2].eq_ignore_ascii_case(b"LIB-VER") {
        &mut ctx.session.library_version
    } else {
        return Err(CommandError::Text(format!("ERR Unrecognized option '{option}'").into()));
    };
    check_name(&args[3], &option)?;
    *field = args[3].into();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT KILL ip:port`, or `CLIENT KILL option value …` — O(N).
pub(super) fn client_kill(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let filter = KillFilter::parse(ctx)?;
    let mut count = 0;
    let mut others: Vec<ConnId> = Vec::new();
    for client in ctx.server.clients.iter().filter(|client| filter.matches(&client.session)) {
        others.push(client.session.conn);
        count += 1;
    }
    for conn in others {
        ctx.server.doom(conn);
    }
    if !filter.skips_me && filter.matches(ctx.session) {
        count += 1;
        ctx.session.close_after_reply();
    }
    if args.len() > 3 {
        ctx.reply.integer(count);
    } else if count > 0 {
        ctx.reply.ok();
    } else {
        return Err("ERR No such client".into());
    }
    Ok(Propagate::Nothing)
}

/// `CLIENT PAUSE timeout [WRITE | ALL]` — O(1). Milliseconds. A pause in force is never shortened or narrowed.
pub(super) fn client_pause(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let writes_only = match args.len() {
        3 => false,
        4 if args[3].eq_ignore_ascii_case(b"WRITE") => true,
        4 if args[3].eq_ignore_ascii_case(b"ALL") => false,
        4 => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
        _ => return Err(too_many(ctx)),
    };
    let millis = parse_i64(&args[2]).ok_or("ERR timeout is not an integer or out of range")?;
    let millis = u64::try_from(millis).map_err(|_| "ERR timeout is negative")?;
    let until = ctx.server.now.monotonic + Duration::from_millis(millis);
    let old = ctx.server.pause;
    ctx.server.pause = Some(Pause {
        until: old.map_or(until, |old| old.until.max(until)),
        writes_only: writes_only && old.is_none_or(|old| old.writes_only),
    });
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT UNPAUSE` — O(N) in the number of connections that wait.
pub(super) fn client_unpause(ctx: &mut Context<'_>) -> CommandResult {
    ctx.server.resume_postponed |= ctx.server.pause.take().is_some();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT REPLY ON | OFF | SKIP` — O(1). Only `ON` is answered.
pub(super) fn client_reply(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args[2].eq_ignore_ascii_case(b"ON") {
        ctx.session.reply_mode = ReplyMode::On;
        ctx.reply.set_suppressed(false);
        ctx.reply.ok();
    } else if args[2].eq_ignore_ascii_case(b"OFF") {
        ctx.session.reply_mode = ReplyMode::Off;
        ctx.reply.set_suppressed(true);
    } else if args[2].eq_ignore_ascii_case(b"SKIP") {
        if ctx.session.reply_mode != ReplyMode::Off {
            ctx.session.reply_mode = ReplyMode::SkipNext;
        }
    } else {
        return Err(CommandError::Syntax);
    }
    Ok(Propagate::Nothing)
}

/// `CLIENT NO-EVICT ON | OFF` — O(1).
pub(super) fn client_no_evict(ctx: &mut Context<'_>) -> CommandResult {
    ctx.session.no_evict = parse_switch(&ctx.args[2])?;
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT NO-TOUCH ON | OFF` — O(1).
pub(super) fn client_no_touch(ctx: &mut Context<'_>) -> CommandResult {
    ctx.session.no_touch = parse_switch(&ctx.args[2])?;
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]` — O(N). No command blocks in this version, so nobody is ever found
/// blocked.
pub(super) fn client_unblock(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match args.len() {
        3 => {}
        4 if args[3].eq_ignore_ascii_case(b"TIMEOUT") || args[3].eq_ignore_ascii_case(b"ERROR") => {}
        4 => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        _ => return Err(too_many(ctx)),
    }
    parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    ctx.reply.integer(0);
    Ok(Propagate::Nothing)
}

/// `CLIENT GETREDIR` — O(1). Always -1: there is no tracking in this version.
pub(super) fn client_getredir(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.integer(-1);
    Ok(Propagate::Nothing)
}

/// `CLIENT HELP`.
pub(super) fn client_help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "GETREDIR",
            "    Return the client ID we are redirecting to when tracking is enabled.",
            "GETNAME",
            "    Return the name of the current connection.",
            "ID",
            "    Return the ID of the current connection.",
            "INFO",
            "    Return information about the current client connection.",
            "KILL <ip:port>",
            "    Kill connection made from <ip:port>.",
            "KILL <option> <value> [<option> <value> [...]]",
            "    Kill connections. Options are:",
            "    * ADDR (<ip:port>|<unixsocket>:0)",
            "      Kill connections made from the specified address",
            "    * LADDR (<ip:port>|<unixsocket>:0)",
            "      Kill connections made to specified local address",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
            "      Kill connections by type.",
            "    * USER <username>",
            "      Kill connections authenticated by <username>.",
            "    * SKIPME (YES|NO)",
            "      Skip killing current connection (default: yes).",
            "LIST [options ...]",
            "    Return information about client connections. Options:",
            "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
            "      Return clients of specified type.",
            "UNPAUSE",
            "    Stop the current client pause, resuming traffic.",
            "PAUSE <timeout> [WRITE|ALL]",
            "    Suspend all, or just write, clients for <timeout> milliseconds.",
            "REPLY (ON|OFF|SKIP)",
            "    Control the replies sent to the current connection.",
            "SETNAME <name>",
            "    Assign the name <name> to the current connection.",
            "SETINFO <option> <value>",
            "    Set client meta attr. Options are:",
            "    * LIB-NAME: the client lib name.",
            "    * LIB-VER: the client lib version.",
            "UNBLOCK <clientid> [TIMEOUT|ERROR]",
            "    Unblock the specified blocked client.",
            "NO-EVICT (ON|OFF)",
            "    Protect current client connection from eviction.",
            "NO-TOUCH (ON|OFF)",
            "    Will not touch LRU/LFU stats when this mode is on.",
        ],
    )
}

/// Checks that a name can stand in a line of CLIENT LIST; `what` begins the error.
pub(super) fn check_name(name: &[u8], what: &str) -> Result<(), CommandError> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(());
    }
    let text = format!("ERR {what} cannot contain spaces, newlines or special characters.");
    Err(CommandError::Text(text.into()))
}

/// Redis' error for too many arguments of a subcommand that takes some more or less.
fn too_many(ctx: &Context<'_>) -> CommandError {
    CommandError::UnknownSubcommandOrArity(String::from_utf8_lossy(&ctx.args[1]).into_owned(), "CLIENT")
}

fn parse_switch(word: &[u8]) -> Result<bool, CommandError> {
    match word {
        _ if word.eq_ignore_ascii_case(b"ON") => Ok(true),
        _ if word.eq_ignore_ascii_case(b"OFF") => Ok(false),
        _ => Err(CommandError::Syntax),
    }
}

/// The types of connections Redis tells apart. All are normal in this version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientType {
    Normal,
    Master,
    Replica,
    PubSub,
}

impl ClientType {
    fn parse(word: &[u8]) -> Result<ClientType, CommandError> {
        [
            (&b"NORMAL"[..], ClientType::Normal),
            (b"MASTER", ClientType::Master),
            (b"REPLICA", ClientType::Replica),
            (b"SLAVE", ClientType::Replica),
            (b"PUBSUB", ClientType::PubSub),
        ]
        .into_iter()
        .find_map(|(name, kind)| word.eq_ignore_ascii_case(name).then_some(kind))
        .ok_or_else(|| {
            let word = String::from_utf8_lossy(word);
            CommandError::Text(format!("ERR Unknown client type '{word}'").into())
        })
    }
}

/// Which connections CLIENT KILL ends.
#[derive(Debug, Default)]
struct KillFilter<'a> {
    id: Option<u64>,
    kind: Option<ClientType>,
    peer: Option<&'a [u8]>,
    local: Option<&'a [u8]>,
    skips_me: bool,
}

impl<'a> KillFilter<'a> {
    fn parse(ctx: &Context<'a>) -> Result<KillFilter<'a>, CommandError> {
        let args = ctx.args;
        if args.len() == 3 {
            return Ok(KillFilter { peer: Some(args.at(2)), ..KillFilter::default() });
        }
        let mut filter = KillFilter { skips_me: true, ..KillFilter::default() };
        let mut words = args.from(2);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(CommandError::Syntax)?;
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if is(b"ID") {
                let id = parse_i64(value).and_then(|id| u64::try_from(id).ok()).filter(|&id| id > 0);
                filter.id = Some(id.ok_or("ERR client-id should be greater than 0")?);
            } else if is(b"TYPE") {
                filter.kind = Some(ClientType::parse(value)?);
            } else if is(b"ADDR") {
                filter.peer = Some(value);
            } else if is(b"LADDR") {
                filter.local = Some(value);
            } else if is(b"USER") {
                if value != b"default" {
                    let value = String::from_utf8_lossy(value);
                    return Err(CommandError::Text(format!("ERR No such user '{value}'").into()));
                }
            } else if is(b"SKIPME") {
                filter.skips_me = match value {
                    _ if value.eq_ignore_ascii_case(b"YES") => true,
                    _ if value.eq_ignore_ascii_case(b"NO") => false,
                    _ => return Err(CommandError::Syntax),
                };
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(filter)
    }

    fn matches(&self, session: &Session) -> bool {
        self.id.is_none_or(|id| id == session.id)
            && self.kind.is_none_or(|kind| kind == ClientType::Normal)
            && self.peer.is_none_or(|peer| peer == session.peer.as_bytes())
            && self.local.is_none_or(|local| local == session.local.as_bytes())
    }
}

/// What a client's input takes.
#[derive(Clone, Copy, Debug, Default)]
struct Buffers {
    input_bytes: usize,
    allocated_bytes: usize,
}

impl Buffers {
    fn of(client: &Client) -> Buffers {
        Buffers { input_bytes: client.input.len(), allocated_bytes: client.input.allocated_bytes() }
    }
}

/// Appends the line CLIENT LIST has for a connection.
fn describe(line: &mut String, session: &Session, reply: &Reply, buffers: Buffers, now: Monotonic) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let flags = match session.state {
        State::ClosingAfterReply => "c",
        State::ClosingNow => "A",
        State::Postponed | State::WaitingForDisk => "b",
        State::Running | State::OutputFull if session.is_unix => "U",
        State::Running | State::OutputFull => "N",
    };
    let command = session.last_command.map_or_else(|| "NULL".into(), crate::commands::Command::full_name);
    // As in Redis, the chunk that is being filled does not count: everybody who is owed something has one.
    let chunks = reply.chunk_count().saturating_sub(1);
    let output_bytes = if chunks == 0 { 0 } else { reply.allocated_bytes() };
    // Writing to a string cannot fail.
    let _ = writeln!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={flags} db={} sub=0 psub=0 ssub=0 multi=-1 \
         qbuf={} qbuf-free={} argv-mem=0 multi-mem=0 rbs=0 rbp=0 obl=0 oll={} omem={output_bytes} tot-mem={} \
         events={} cmd={command} user=default redir=-1 resp={} lib-name={} lib-ver={}",
        session.id,
        session.peer,
        session.local,
        session.descriptor,
        text(&session.name),
        now.since_us(session.connected_at) / 1_000_000,
        now.since_us(session.active_at) / 1_000_000,
        session.database,
        buffers.input_bytes,
        buffers.allocated_bytes.saturating_sub(buffers.input_bytes),
        chunks,
        CLIENT_BYTES + output_bytes + buffers.allocated_bytes,
        if reply.is_empty() { "r" } else { "rw" },
        if reply.protocol() == Protocol::Resp3 { 3 } else { 2 },
        text(&session.library_name),
        text(&session.library_version),
    );
}

fn reply_text(reply: &mut Reply, text: &str) {
    reply.verbatim(b"txt", text.as_bytes());
}
