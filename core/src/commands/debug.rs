//! `DEBUG`: what Redis' own tests and those of clients rely on, as far as this version has it.

use crate::commands::help::reply_help;
use crate::context::{CommandResult, Context};
use crate::dataset::{Dataset, Expiry};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::keyspace::NewValue;
use crate::number::{parse_f64, parse_i64, parse_memory};
use crate::persistence::{ReloadSource, ReloadWish};
use crate::propagation::Propagate;
use crate::rdb::encode::{self, Options};
use crate::resp::{Protocol, Reply};
use crate::server::LogLevel;
use crate::session::State;
use crate::value::{ListLimits, StringRef, ValueRef};
use std::time::Duration;

/// Longest `DEBUG SLEEP`, in seconds.
const SLEEP_SECONDS_MAX: f64 = 3600.0 * 24.0;

/// The largest `QUICKLIST-PACKED-THRESHOLD`, a little below 4 GB.
const PACKED_THRESHOLD_BYTES_MAX: u64 = (1 << 32) - (1 << 20);

/// Digits of a digest: as many as Redis' SHA-1 has.
const DIGEST_LEN: usize = 40;

/// `DEBUG subcommand [argument …]` — O(1), but for what is asked.
pub(super) fn debug(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let is = |name: &[u8]| args[1].eq_ignore_ascii_case(name);
    match args.len() {
        2 if is(b"HELP") => return help(ctx),
        _ if is(b"LOADAOF") => return load_log(ctx),
        2 if is(b"DIGEST") => {
            let digest = format!("{:0DIGEST_LEN$x}", ctx.keys.dataset.digest());
            ctx.reply.simple(&digest);
        }
        2.. if is(b"DIGEST-VALUE") => digest_values(ctx),
        3 if is(b"ERROR") => ctx.reply.error(&args[2]),
        3 if is(b"HTSTATS") => return hash_table_stats(ctx),
        3 if is(b"HTSTATS-KEY") => return key_table_stats(ctx),
        3 if is(b"LISTPACK") => return structure(ctx, "listpack", "Listpack"),
        3 if is(b"LOG") => {
            let text = format!("DEBUG LOG: {}", String::from_utf8_lossy(&args[2]));
            ctx.server.log(LogLevel::Warning, text);
            ctx.reply.ok();
        }
        3 if is(b"OBJECT") => return object(ctx),
        3..=5 if is(b"POPULATE") => return populate(ctx),
        3 if is(b"PROTOCOL") => return protocol(ctx.reply, &args[2]),
        3 | 4 if is(b"QUICKLIST") => return structure(ctx, "quicklist", "Quicklist"),
        3 if is(b"QUICKLIST-PACKED-THRESHOLD") => return set_packed_threshold(ctx),
        _ if is(b"RELOAD") => return reload(ctx),
        3 if is(b"SET-ACTIVE-EXPIRE") => {
            // What is no number counts as zero.
            ctx.server.active_expire = parse_i64(&args[2]).unwrap_or(0) != 0;
            ctx.reply.ok();
        }
        3 if is(b"SLEEP") => sleep(ctx),
        4 if is(b"STRINGMATCH-LEN") => return string_match(ctx),
        _ => return Err(CommandError::unknown_subcommand_or_arity(&args[1], "DEBUG")),
    }
    Ok(Propagate::Nothing)
}

/// `DEBUG DIGEST-VALUE key [key …]`: a digest of each value, and zeros for what is not there.
fn digest_values(ctx: &mut Context<'_>) {
    let args = ctx.args;
    ctx.reply.array(args.len() - 2);
    for key in args.from(2) {
        let digest = ctx.keys.peek(key).map_or(0, Dataset::digest_of);
        ctx.reply.simple(&format!("{digest:0DIGEST_LEN$x}"));
    }
}

/// `DEBUG LISTPACK key` and `DEBUG QUICKLIST key [0 | 1]`: Redis prints the whole; here the log says how large it is.
fn structure(ctx: &mut Context<'_>, encoding: &str, title: &str) -> CommandResult {
    let key = ctx.args.at(2);
    let entry = ctx.keys.peek(key).ok_or(CommandError::NoSuchKey)?;
    let collection = match entry.value() {
        ValueRef::Collection(collection) if entry.encoding_name() == encoding => collection,
        _ => return Err(CommandError::Text(format!("ERR Not a {encoding} encoded object.").into())),
    };
    let (len, bytes) = (collection.len(), collection.memory_bytes(0));
    let text = format!("the {encoding} of {}: {len} elements in {bytes} bytes", key.escape_ascii());
    ctx.server.log(LogLevel::Notice, text);
    ctx.reply.simple(&format!("{title} structure printed on stdout"));
    Ok(Propagate::Nothing)
}

/// `DEBUG QUICKLIST-PACKED-THRESHOLD size`: elements of so many bytes get nodes of their own in lists that become
/// quicklists from now on. 0 is the default.
fn set_packed_threshold(ctx: &mut Context<'_>) -> CommandResult {
    let threshold = parse_memory(&ctx.args[2]).filter(|&bytes| bytes <= PACKED_THRESHOLD_BYTES_MAX);
    let threshold = threshold.and_then(|bytes| usize::try_from(bytes).ok());
    ctx.keys.dataset.limits.list.packed_threshold_bytes = match threshold {
        None => return Err("ERR argument must be a memory value bigger than 1 and smaller than 4gb".into()),
        Some(0) => ListLimits::default().packed_threshold_bytes,
        Some(bytes) => bytes,
    };
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `DEBUG SLEEP seconds`: nobody is served until then. The server goes on taking turns.
fn sleep(ctx: &mut Context<'_>) {
    // Redis reads the number as far as it goes, and takes nonsense for zero.
    let seconds = parse_f64(&ctx.args[2]).unwrap_or(0.0).clamp(0.0, SLEEP_SECONDS_MAX);
    if seconds > 0.0 {
        ctx.server.frozen_until = Some(ctx.server.now.monotonic + Duration::from_secs_f64(seconds));
    }
    ctx.reply.ok();
}

/// `DEBUG RELOAD [MERGE] [NOFLUSH] [NOSAVE]`: the data are saved, forgotten and loaded again. Everybody waits for it.
fn reload(ctx: &mut Context<'_>) -> CommandResult {
    let (mut saves, mut flushes, mut merges) = (true, true, false);
    for word in ctx.args.from(2) {
        if word.eq_ignore_ascii_case(b"MERGE") {
            merges = true;
        } else if word.eq_ignore_ascii_case(b"NOFLUSH") {
            flushes = false;
        } else if word.eq_ignore_ascii_case(b"NOSAVE") {
            saves = false;
        } else {
            return Err("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.".into());
        }
    }
    load_again(ctx, ReloadSource::Dump { saves, flushes, merges })
}

/// `DEBUG LOADAOF`: the data are forgotten and loaded again from the append-only file. Everybody waits for it.
fn load_log(ctx: &mut Context<'_>) -> CommandResult {
    if !ctx.server.durability.log.is_on {
        return Err("ERR DEBUG LOADAOF needs an append only file".into());
    }
    load_again(ctx, ReloadSource::Log)
}

fn load_again(ctx: &mut Context<'_>, source: ReloadSource) -> CommandResult {
    if ctx.session.runs_transaction {
        // Its answer would come after those of the commands behind it.
        return Err("ERR DEBUG RELOAD and LOADAOF are not allowed inside a transaction".into());
    }
    let durability = &mut ctx.server.durability;
    if !durability.is_kept {
        return Err("ERR".into());
    }
    durability.ask_for_reload(ReloadWish { asker: ctx.session.conn, source });
    ctx.session.state = State::WaitingForDisk;
    Ok(Propagate::Nothing)
}

/// `DEBUG OBJECT key`. The address is left out: it would differ from run to run.
fn object(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let clock = ctx.keys.dataset.access;
    let compression = ctx.server.config.rdbcompression;
    let entry = ctx.keys.peek(&args[2]).ok_or(CommandError::NoSuchKey)?;
    let line = format!(
        "Value at:0x0 refcount:1 encoding:{} serializedlength:{} lru:{} lru_seconds_idle:{}",
        entry.encoding_name(),
        match entry.value() {
            ValueRef::String(string) => serialized_len(string),
            value @ ValueRef::Collection(_) => {
                let mut file = Vec::new();
                encode::object(&mut file, value, Options { compression });
                // The type does not count.
                file.len() - 1
            }
        },
        entry.lru(),
        clock.idle_seconds(entry.lru()),
    );
    ctx.reply.simple(&line);
    Ok(Propagate::Nothing)
}

/// How many bytes a string takes in an RDB file that is not compressed.
fn serialized_len(string: StringRef<'_>) -> usize {
    let as_int = match string {
        StringRef::Int(value) => Some(value),
        StringRef::Bytes(bytes) => parse_i64(bytes),
    };
    match as_int.and_then(|value| i32::try_from(value).ok()) {
        Some(-0x80..=0x7f) => 2,
        Some(-0x8000..=0x7fff) => 3,
        Some(_) => 5,
        None => match string.len() {
            len @ ..=0x3f => 1 + len,
            len @ ..=0x3fff => 2 + len,
            len @ ..=0xffff_ffff => 5 + len,
            len => 9 + len,
        },
    }
}

/// `DEBUG POPULATE count [prefix] [size]`: keys `prefix:0` and so on that do not exist yet, holding `value:0` and so
/// on, or so much of that and of zero bytes. Not propagated.
fn populate(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let positive = |index: usize| {
        let number = parse_i64(&args[index]).and_then(|number| usize::try_from(number).ok());
        number.ok_or("ERR value is out of range, must be positive")
    };
    let count = positive(2)?;
    let size = if args.len() == 5 { Some(positive(4)?) } else { None };
    if size.is_some_and(|size| size as u64 > ctx.server.config.proto_max_bulk_len) {
        return Err(CommandError::StringTooLong);
    }
    let prefix = if args.len() > 3 { args.at(3) } else { b"key" };
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        if ctx.keys.peek(&key).is_some() {
            continue;
        }
        let mut value = format!("value:{number}").into_bytes();
        if let Some(size) = size.filter(|&size| size > 0) {
            value.resize(size, 0);
        }
        ctx.keys.set(&key, NewValue::Bytes(&value), Expiry::Clear);
    }
    ctx.reply.ok();
    Ok(Propagate::Nothing)
}

/// `DEBUG STRINGMATCH-LEN length pattern`: matches a string of so many `a` in bounded time.
fn string_match(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = parse_i64(&args[2]).and_then(|len| usize::try_from(len).ok());
    let len = len.ok_or(CommandError::NotInteger)?;
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
    let database = ctx.keys.dataset.database(index.ok_or("ERR Out of range database")?);
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

/// `DEBUG HTSTATS-KEY key`: the shape of the table that a large set, hash or sorted set is, or has.
fn key_table_stats(ctx: &mut Context<'_>) -> CommandResult {
    let entry = ctx.keys.peek(&ctx.args[2]).ok_or(CommandError::NoSuchKey)?;
    let stats = match entry.value() {
        ValueRef::Collection(collection) => collection.table_stats(),
        ValueRef::String(_) => None,
    };
    let missing = "ERR The value stored at the specified key is not represented using an hash table";
    let stats = stats.ok_or(missing)?;
    let text = format!(
        "number of elements: {}\nsegments: {}\ndirectory size: {}\nelements in overflow buckets: {}\ntable bytes: \
         {}\n",
        stats.len, stats.segments, stats.directory_len, stats.overflowed, stats.bytes
    );
    ctx.reply.verbatim(b"txt", text.as_bytes());
    Ok(Propagate::Nothing)
}

/// `DEBUG PROTOCOL type`: a reply of each type of the protocol.
#[expect(clippy::approx_constant, reason = "Redis replies this number, which is not meant to be pi")]
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
            if reply.protocol() == Protocol::Resp3 {
                reply.attribute(1);
                reply.bulk(b"key-popularity");
                reply.array(2);
                reply.bulk(b"key:123");
                reply.integer(90);
            }
            reply.bulk(b"Some real reply following the attribute");
        }
        b"push" => {
            if reply.protocol() == Protocol::Resp2 {
                return Err("ERR RESP2 is not supported by this command".into());
            }
            reply.push(2);
            reply.bulk(b"server-cpu-usage");
            reply.integer(42);
            // A push answers nothing: the command still owes a reply.
            reply.bulk(b"Some real reply following the push reply");
        }
        b"verbatim" => reply.verbatim(b"txt", b"This is a verbatim\nstring"),
        b"true" => reply.boolean(true),
        b"false" => reply.boolean(false),
        b"bignum" => reply.big_number(b"1234567999999999999999999999999999999"),
        _ => {
            let text = "ERR Wrong protocol type name. Please use one of the following: \
                        string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
            return Err(text.into());
        }
    }
    Ok(Propagate::Nothing)
}

/// `DEBUG HELP`: Redis' lines for what there is.
fn help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "DIGEST",
            "    Output a hex signature representing the current DB content.",
            "DIGEST-VALUE <key> [<key> ...]",
            "    Output a hex signature of the values of all the specified keys.",
            "ERROR <string>",
            "    Return a Redis protocol error with <string> as message. Useful for clients",
            "    unit tests to simulate Redis errors.",
            "LOG <message>",
            "    Write <message> to the server log.",
            "HTSTATS <dbid>",
            "    Return hash table statistics of the specified Redis database.",
            "HTSTATS-KEY <key>",
            "    Like HTSTATS but for the hash table stored at <key>'s value.",
            "LISTPACK <key>",
            "    Show low level info about the listpack encoding of <key>.",
            "LOADAOF",
            "    Flush the AOF buffers on disk and reload the AOF in memory.",
            "OBJECT <key>",
            "    Show low level info about `key` and associated value.",
            "POPULATE <count> [<prefix>] [<size>]",
            "    Create <count> string keys named key:<num>. If <prefix> is specified then",
            "    it is used instead of the 'key' prefix. These are not propagated to",
            "    replicas. Cluster slots are not respected so keys not belonging to the",
            "    current node can be created in cluster mode.",
            "PROTOCOL <type>",
            "    Reply with a test value of the specified type. <type> can be: string,",
            "    integer, double, bignum, null, array, set, map, attrib, push, verbatim,",
            "    true, false.",
            "QUICKLIST <key> [<0|1>]",
            "    Show low level info about the quicklist encoding of <key>.",
            "    The optional argument (0 by default) sets the level of detail",
            "QUICKLIST-PACKED-THRESHOLD <size>",
            "    Sets the threshold for elements to be inserted as plain vs packed nodes",
            "    Default value is 1GB, allows values up to 4GB. Setting to 0 restores to default.",
            "RELOAD [option ...]",
            "    Save the RDB on disk and reload it back to memory. Valid <option> values:",
            "    * MERGE: conflicting keys will be loaded from RDB.",
            "    * NOFLUSH: the existing database will not be removed before load, but",
            "      conflicting keys will generate an exception and kill the server.",
            "    * NOSAVE: the database will be loaded from an existing RDB file.",
            "    Examples:",
            "    * DEBUG RELOAD: verify that the server is able to persist, flush and reload",
            "      the database.",
            "    * DEBUG RELOAD NOSAVE: replace the current database with the contents of an",
            "      existing RDB file.",
            "    * DEBUG RELOAD NOSAVE NOFLUSH MERGE: add the contents of an existing RDB",
            "      file to the database.",
            "SET-ACTIVE-EXPIRE <0|1>",
            "    Setting it to 0 disables expiring keys in background when they are not",
            "    accessed (otherwise the Redis behavior). Setting it to 1 reenables back the",
            "    default.",
            "SLEEP <seconds>",
            "    Stop the server for <seconds>. Decimals allowed.",
            "STRINGMATCH-LEN <len> <pattern>",
            "    Match <pattern> against a string of <len> characters.",
        ],
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serialized_lengths_are_those_of_an_rdb_file() {
        for (string, expected) in [
            (StringRef::Bytes(b""), 1),
            (StringRef::Bytes(b"v"), 2),
            (StringRef::Int(127), 2),
            (StringRef::Int(-129), 3),
            (StringRef::Int(12_345), 3),
            (StringRef::Int(32_768), 5),
            // Nine digits and more do not all fit into 32 bits: they are written as text.
            (StringRef::Int(2_147_483_648), 11),
            (StringRef::Bytes(b"007"), 4),
            (StringRef::Bytes(&[b'x'; 63]), 64),
            (StringRef::Bytes(&[b'x'; 64]), 66),
            (StringRef::Bytes(&[b'x'; 16_384]), 16_389),
        ] {
            assert_eq!(serialized_len(string), expected, "{string:?}");
        }
    }
}
