//! `DEBUG`: what Redis' own tests rely on, as far as this version has it.

use crate::commands::help::reply_help;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::keyspace::EntryRef;
use crate::number::{parse_f64, parse_i64};
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::server::LogLevel;
use crate::value::{StringRef, ValueRef};
use std::time::Duration;

/// Longest `DEBUG SLEEP`, in seconds.
const SLEEP_SECONDS_MAX: f64 = 3600.0 * 24.0;

/// `DEBUG subcommand [argument …]` — O(1), but for what is asked.
pub(super) fn debug(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let is = |name: &[u8]| args[1].eq_ignore_ascii_case(name);
    match args.len() {
        2 if is(b"HELP") => help(ctx),
        3 if is(b"SLEEP") => sleep(ctx),
        3 if is(b"OBJECT") => object(ctx),
        3 if is(b"SET-ACTIVE-EXPIRE") => {
            ctx.server.active_expire = parse_i64(&args[2]).unwrap_or(0) != 0;
            ctx.reply.ok();
            Ok(Propagate::Nothing)
        }
        3 | 4 if is(b"HTSTATS") => hash_table_stats(ctx),
        4 if is(b"STRINGMATCH-LEN") => string_match(ctx),
        3 if is(b"PROTOCOL") => protocol(ctx.reply, &args[2]),
        3 if is(b"ERROR") => {
            let text = String::from_utf8_lossy(&args[2]).into_owned();
            Err(CommandError::Text(text.into()))
        }
        3 if is(b"LOG") => {
            let text = format!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
            ctx.server.log(LogLevel::Warning, text);
            ctx.reply.ok();
            Ok(Propagate::Nothing)
        }
        _ => Err(unknown(&args[1])),
    }
}

/// Redis' error for a subcommand it does not know, or that has other arguments.
fn unknown(name: &[u8]) -> CommandError {
    CommandError::UnknownSubcommandOrArity(String::from_utf8_lossy(name).into_owned(), "DEBUG")
}

/// `DEBUG SLEEP seconds`: nobody is served until then. The server goes on taking turns.
fn sleep(ctx: &mut Context<'_>) -> CommandResult {
    // Redis reads the number as far as it goes, and takes nonsense for zero.
    let seconds = parse_f64(&ctx.args[2]).unwrap_or(0.0).clamp(0.0, SLEEP_SECONDS_MAX);
    if seconds > 0.0 {
        ctx.server.frozen_until = Some(ctx.server.now.monotonic + Duration::from_secs_f64(seconds));
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `DEBUG OBJECT key`.
fn object(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let clock = ctx.keys.dataset.access;
    let entry = ctx.keys.peek(&args[2]).ok_or(CommandError::NoSuchKey)?;
    let line = format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        entry.encoding_name(),
        serialized_len(entry),
        entry.lru(),
        clock.idle_seconds(entry.lru()),
    );
    ctx.reply.simple(&line);
    Ok(Propagate::Nothing)
}

/// Bytes of the value in an RDB file, not compressed.
fn serialized_len(entry: EntryRef<'_>) -> usize {
    let ValueRef::String(string) = entry.value();
    match string {
        StringRef::Int(-0x80..=0x7f) => 2,
        StringRef::Int(-0x8000..=0x7fff) => 3,
        StringRef::Int(value) if i32::try_from(value).is_ok() => 5,
        _ => match string.len() {
            len @ 0..=0x3f => 1 + len,
            len @ 0x40..=0x3fff => 2 + len,
            len => 5 + len,
        },
    }
}

/// `DEBUG STRINGMATCH-LEN length pattern`: matches a string of so many `A` in bounded time.
fn string_match(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len =
        parse_i64(&args[2]).and_then(|len| usize::try_from(len).ok()).ok_or(CommandError::NotInteger)?;
    if len as u64 > ctx.server.config.proto_max_bulk_len {
        return Err(CommandError::StringTooLong);
    }
    let text = vec![b'a'; len];
    // What is tested is that it comes to an end.
    let _ = glob::matches(&args[3], &text, Case::Sensitive);
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `DEBUG HTSTATS db`: the shape of a database's table.
fn hash_table_stats(ctx: &mut Context<'_>) -> CommandResult {
    let index = parse_i64(&ctx.args[2]).ok_or(CommandError::NotInteger)?;
    let count = ctx.keys.dataset.database_count();
    let index = usize::try_from(index).ok().filter(|&index| index < count);
    let index = index.ok_or("ERR Out of range database")?;
    let database = ctx.keys.dataset.database(index);
    let stats = database.stats();
    let text = format!(
        "[Dictionary HT]\n number of elements: {}\n number of expires: {}\n segments: {}\n directory size: {}\n \
         elements in overflow buckets: {}\n table bytes: {}\n",
        stats.len,
        database.expires_len(),
        stats.segments,
        stats.directory_len,
        stats.overflowed,
        database.bytes_of_table(),
    );
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Propagate::Nothing)
}

/// `DEBUG PROTOCOL type`: a reply of each type of the protocol.
fn protocol(reply: &mut Reply, kind: &[u8]) -> CommandResult {
    match kind.to_ascii_lowercase().as_slice() {
        b"string" => reply.bulk(b"Hello World"),
        b"integer" => reply.integer(12_345),
        b"double" => reply.double(3.141),
        b"null" => reply.null(),
        b"array" => {
            reply.array(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"set" => {
            reply.set(3);
            (0..3).for_each(|number| reply.integer(number));
        }
        b"map" => {
            reply.map(3);
            for number in 0..3 {
                reply.integer(number);
                reply.boolean(number == 1);
            }
        }
        b"attrib" => {
            reply.attribute(1);
            reply.bulk(b"key-popularity");
            reply.array(2);
            reply.bulk(b"key:123");
            reply.integer(90);
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
        }
        b"verbatim" => reply.verbatim(b"txt", b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"bignum" => reply.big_number(b"1234567999999999999999999999999999999"),
        _ => {
            let text = "ERR Wrong protocol type name. Please use one of the following: \
                        string|integer|double|null|array|set|map|attrib|push|verbatim|true|false";
            return Err(text.into());
        }
    }
    Ok(Propagate::Nothing)
}

/// `DEBUG HELP`.
fn help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "ERROR <string>",
            "    Return a Redis protocol error with <string> as message. Useful for clients",
            "    unit tests to simulate Redis errors.",
            "HTSTATS <dbid>",
            "    Return hash table statistics of the specified Redis database.",
            "LOG <message>",
            "    Write <message> to the server log.",
            "OBJECT <key>",
            "    Show low level info about `key` and associated value.",
            "PROTOCOL <type>",
            "    Reply with a test value of the specified type. <type> can be: string,",
            "    integer, double, null, array, set, map, attrib, push, verbatim, true,",
            "    false.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Setting it to 0 disables expiring keys (and hash-fields) in background ",
            "    when they are not accessed (otherwise the Redis behavior). Setting it",
            "    to 1 reenables back the default.",
            "SLEEP <seconds>",
            "    Stop the server for <seconds>. Decimals allowed.",
            "STRINGMATCH-LEN <len> <pattern>",
            "    Match <pattern> against a string of <len> characters.",
        ],
    )
}
