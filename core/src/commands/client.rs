//! `CLIENT`: connections, as seen and governed by connections.

use crate::args::Args;
use crate::block;
use crate::client::Client;
use crate::commands::Command;
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
use crate::waiting::WaitEnd;
use crate::watch::Watches;
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
    let around = Around { now: ctx.server.now.monotonic, watches: &ctx.keys.dataset.log.watches };
    describe(&mut line, ctx.session, ctx.reply, &Held::by_running(ctx.args), &around);
    ctx.reply.verbatim(b"txt", line.as_bytes());
    Ok(Propagate::Nothing)
}

/// `CLIENT LIST [TYPE type] [ID id …]` — O(N log N), in the order in which they connected.
pub(super) fn client_list(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut wanted: Option<Vec<i64>> = None;
    let mut lists_normal = true;
    if args.len() == 4 && args[2].eq_ignore_ascii_case(b"TYPE") {
        lists_normal = ClientType::parse(&args[3])? == ClientType::Normal;
    } else if args.len() > 3 && args[2].eq_ignore_ascii_case(b"ID") {
        wanted = Some(args.from(3).map(parse_i64).collect::<Option<_>>().ok_or("ERR Invalid client ID")?);
    } else if args.len() != 2 {
        return Err(CommandError::Syntax);
    }
    // Whoever was killed in this turn is as good as gone; whoever is over a limit is not yet.
    let is_listed = |session: &Session| lists_normal && !ctx.server.doomed.contains(&session.conn);
    let around = Around { now: ctx.server.now.monotonic, watches: &ctx.keys.dataset.log.watches };
    let others = ctx.server.clients.iter().map(|client| (&client.session, &client.reply, Held::by(client)));
    let mut listed: Vec<_> = others.filter(|(session, ..)| is_listed(session)).collect();
    if is_listed(ctx.session) {
        listed.push((ctx.session, ctx.reply, Held::by_running(args)));
    }
    listed.sort_unstable_by_key(|(session, ..)| session.id);
    let mut text = String::new();
    match wanted {
        None => {
            for (session, reply, held) in &listed {
                describe(&mut text, session, reply, held, &around);
            }
        }
        // In the order they were asked for, and as often.
        Some(ids) => {
            for id in ids {
                let place = listed.binary_search_by_key(&id, |(session, ..)| session.id as i64);
                if let Ok(place) = place {
                    let (session, reply, held) = &listed[place];
                    describe(&mut text, session, reply, held, &around);
                }
            }
        }
    }
    ctx.reply.verbatim(b"txt", text.as_bytes());
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
    check_name(&args[2], b"Client names")?;
    ctx.session.name = args[2].into();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT SETINFO LIB-NAME name | LIB-VER version` — O(1).
pub(super) fn client_setinfo(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let field = if args[2].eq_ignore_ascii_case(b"LIB-NAME") {
        &mut ctx.session.library_name
    } else if args[2].eq_ignore_ascii_case(b"LIB-VER") {
        &mut ctx.session.library_version
    } else {
        return Err(CommandError::repeating("ERR Unrecognized option '", &args[2], "'"));
    };
    check_name(&args[3], &args[2])?;
    *field = args[3].into();
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT KILL ip:port`, or `CLIENT KILL option value …` — O(N). Others end with this turn, whatever they are owed;
/// a client that ends itself gets the answer first.
pub(super) fn client_kill(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let filter = KillFilter::parse(ctx)?;
    let mut killed: Vec<ConnId> = Vec::new();
    let doomed = ctx.server.doomed.clone();
    for client in ctx.server.clients.iter_mut() {
        if doomed.contains(&client.session.conn) || !filter.matches(&client.session) {
            continue;
        }
        // From here on nothing finds it any more, not even another command of this turn.
        sometimes!(Mark::KilledWithOutput, !client.reply.is_empty());
        client.session.state = State::ClosingNow;
        killed.push(client.session.conn);
    }
    let mut count = killed.len();
    for conn in killed {
        ctx.server.doom(conn);
    }
    if !filter.skips_me && filter.matches(ctx.session) {
        count += 1;
        ctx.session.close_after_reply();
    }
    if args.len() > 3 {
        ctx.reply.integer(count as i64);
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
    // 7.2 refuses an end beyond what its clock can show; 7.0 let the sum wrap around.
    if millis > i64::MAX as u64 - ctx.server.now.wall.millis() as u64 {
        return Err("ERR timeout is out of range".into());
    }
    let old = ctx.server.pause;
    // No time at all still makes a pause in force stricter.
    if millis > 0 || old.is_some() {
        let until = ctx.server.pause_clock() + Duration::from_millis(millis);
        ctx.server.pause = Some(Pause {
            until: old.map_or(until, |old| old.until.max(until)),
            writes_only: writes_only && old.is_none_or(|old| old.writes_only),
        });
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `CLIENT UNPAUSE` — O(1); those who waited go on as the turn ends.
pub(super) fn client_unpause(ctx: &mut Context<'_>) -> CommandResult {
    sometimes!(Mark::PauseLifted, ctx.server.pause.is_some());
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

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]` — O(1). A client that waits for a pause to end does not count as blocked.
pub(super) fn client_unblock(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match args.len() {
        3 => {}
        4 if args[3].eq_ignore_ascii_case(b"TIMEOUT") || args[3].eq_ignore_ascii_case(b"ERROR") => {}
        4 => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        _ => return Err(too_many(ctx)),
    }
    let id = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let end = match args.from(3).next() {
        Some(reason) if reason.eq_ignore_ascii_case(b"ERROR") => WaitEnd::Unblocked,
        _ => WaitEnd::TimedOut,
    };
    let conn =
        u64::try_from(id).ok().and_then(|id| ctx.server.clients.by_id(id)).map(|client| client.session.conn);
    let waiters = &mut ctx.keys.dataset.log.waiters;
    let was_waiting = conn.is_some_and(|conn| block::end_wait(ctx.server, waiters, conn, end));
    sometimes!(Mark::WaitUnblocked, was_waiting);
    ctx.reply.integer(i64::from(was_waiting));
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
            "    * ID <client-id>",
            "      Kill connections by client id.",
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
pub(super) fn check_name(name: &[u8], what: &[u8]) -> Result<(), CommandError> {
    if name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Ok(());
    }
    Err(CommandError::repeating("ERR ", what, " cannot contain spaces, newlines or special characters."))
}

/// Redis' error for too many arguments of a subcommand that takes some more or less.
fn too_many(ctx: &Context<'_>) -> CommandError {
    CommandError::unknown_subcommand_or_arity(&ctx.args[1], "CLIENT")
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
        .ok_or_else(|| CommandError::repeating("ERR Unknown client type '", word, "'"))
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
                    return Err(CommandError::repeating("ERR No such user '", value, "'"));
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

/// What a client has sent that the server still holds.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    input_bytes: usize,
    spare_bytes: usize,
    argument_bytes: usize,
    is_reading: bool,
    is_writing: bool,
}

impl Held {
    fn by(client: &Client) -> Held {
        let input_bytes = client.input.len();
        Held {
            input_bytes,
            spare_bytes: client.input.allocated_bytes().saturating_sub(input_bytes),
            argument_bytes: 0,
            is_reading: !client.is_reading_paused,
            // Its socket took no more, so the driver waits until it does.
            is_writing: !client.reply.is_empty() && !client.is_queued_writable,
        }
    }

    /// By the client whose command runs: its request lies in the driver's buffer, and its reply is not written yet.
    fn by_running(args: &Args<'_>) -> Held {
        let argument_bytes = args.iter().map(<[u8]>::len).sum();
        Held { input_bytes: argument_bytes, argument_bytes, is_reading: true, ..Held::default() }
    }
}

/// What is known of a connection elsewhere.
struct Around<'a> {
    now: Monotonic,
    watches: &'a Watches,
}

/// The letters of `flags=`, in Redis' order.
fn flags_of(session: &Session, watches: &Watches) -> String {
    let flags: String = [
        (session.transaction.is_some(), 'x'),
        (matches!(session.state, State::Postponed | State::Blocked | State::WaitingForDisk), 'b'),
        (watches.is_stale(session.conn), 'd'),
        (session.state == State::ClosingAfterReply, 'c'),
        (session.state == State::ClosingNow, 'A'),
        (session.is_unix, 'U'),
        (session.no_evict, 'e'),
        (session.no_touch, 'T'),
    ]
    .into_iter()
    .filter_map(|(is_set, letter)| is_set.then_some(letter))
    .collect();
    if flags.is_empty() { "N".to_owned() } else { flags }
}

/// Appends the line CLIENT LIST has for a connection.
///
/// Redis keeps a client's first output in a buffer of fixed size and the rest in a list; here it is all in chunks. A
/// single chunk is reported as that buffer (`rbs`, `rbp`, `obl`), several as the list (`oll`, `omem`).
fn describe(line: &mut String, session: &Session, reply: &Reply, held: &Held, around: &Around<'_>) {
    let now = around.now;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let output_bytes = reply.allocated_bytes();
    let (owed_bytes, chunks, chunk_bytes) =
        if reply.chunk_count() > 1 { (0, reply.chunk_count(), output_bytes) } else { (reply.len(), 0, 0) };
    let buffer_bytes = output_bytes - chunk_bytes;
    let queued_bytes = session.transaction.as_ref().map_or(0, |queued| queued.allocated_bytes());
    // Writing to a string cannot fail.
    let _ = write!(
        line,
        "id={} addr={} laddr={} fd={} name={} age={} idle={} flags={} db={} sub=0 psub=0 ssub=0 multi={} ",
        session.id,
        session.peer,
        session.local,
        session.descriptor,
        text(&session.name),
        now.since_us(session.connected_at) / 1_000_000,
        now.since_us(session.active_at) / 1_000_000,
        flags_of(session, around.watches),
        session.database,
        session.transaction.as_ref().map_or(-1, |transaction| transaction.len() as i64),
    );
    let _ = write!(
        line,
        "qbuf={} qbuf-free={} argv-mem={} multi-mem={} rbs={buffer_bytes} rbp={buffer_bytes} obl={owed_bytes} \
         oll={chunks} omem={chunk_bytes} tot-mem={} ",
        held.input_bytes,
        held.spare_bytes,
        held.argument_bytes,
        queued_bytes,
        CLIENT_BYTES + output_bytes + held.input_bytes + held.spare_bytes + queued_bytes,
    );
    let events = match (held.is_reading, held.is_writing) {
        (true, true) => "rw",
        (true, false) => "r",
        (false, true) => "w",
        (false, false) => "",
    };
    let _ = writeln!(
        line,
        "events={events} cmd={} user=default redir=-1 resp={} lib-name={} lib-ver={}",
        session.last_command.map_or("NULL".into(), Command::full_name),
        if reply.protocol() == Protocol::Resp3 { 3 } else { 2 },
        text(&session.library_name),
        text(&session.library_version),
    );
}
