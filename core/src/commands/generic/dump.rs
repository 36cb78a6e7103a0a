//! Values as bytes, to be kept elsewhere or moved: in Redis' format, of one value by itself.

use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{Entry, UnixMillis};
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::rdb::encode::Options;
use crate::rdb::{LoadOptions, Stamp, payload};
use bytes::Bytes;

/// `DUMP key` — O(N) in the bytes of the value. Null without the key; the expiry is no part of it.
pub(super) fn dump(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let options = Options { compression: ctx.server.config.rdbcompression };
    match ctx.keys.read(&args[1]) {
        Some(entry) => {
            let mut out = Vec::new();
            payload::encode(&mut out, entry.value(), options);
            ctx.reply.bulk_shared(Bytes::from(out));
        }
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

/// What follows the three arguments of RESTORE.
#[derive(Clone, Copy, Debug, Default)]
struct RestoreOptions {
    replaces: bool,
    /// The time to live is an instant.
    is_absolute: bool,
    stamp: Stamp,
}

impl RestoreOptions {
    fn parse(ctx: &Context<'_>) -> Result<RestoreOptions, CommandError> {
        let mut options = RestoreOptions::default();
        let mut words = ctx.args.from(4);
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"REPLACE") {
                options.replaces = true;
            } else if word.eq_ignore_ascii_case(b"ABSTTL") {
                options.is_absolute = true;
            } else if word.eq_ignore_ascii_case(b"IDLETIME")
                && !matches!(options.stamp, Stamp::Frequency(_))
                && let Some(seconds) = words.next()
            {
                let seconds = parse_i64(seconds).ok_or(CommandError::NotInteger)?;
                let seconds =
                    u64::try_from(seconds).map_err(|_| "ERR Invalid IDLETIME value, must be >= 0")?;
                options.stamp = Stamp::IdleSeconds(seconds);
            } else if word.eq_ignore_ascii_case(b"FREQ")
                && !matches!(options.stamp, Stamp::IdleSeconds(_))
                && let Some(counter) = words.next()
            {
                let counter = parse_i64(counter).ok_or(CommandError::NotInteger)?;
                let counter =
                    u8::try_from(counter).map_err(|_| "ERR Invalid FREQ value, must be >= 0 and <= 255")?;
                options.stamp = Stamp::Frequency(counter);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]` — O(N) in the bytes of the
/// value. A time to live of zero is none. Propagated with an absolute expiry; as `DEL` if it has passed and there was a
/// key.
pub(super) fn restore(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let options = RestoreOptions::parse(ctx)?;
    if !options.replaces && ctx.keys.write(&args[1]).is_some() {
        return Err("BUSYKEY Target key name already exists.".into());
    }
    let expiry = expiry(&args[2], options.is_absolute, ctx.keys.now())?;
    let value = payload::verify(&args[3]).ok_or("ERR DUMP payload version or checksum are wrong")?;
    let dataset = &*ctx.keys.dataset;
    let load = LoadOptions { checksum: true, limits: dataset.limits, hash_key: dataset.hash_key };
    let value = payload::decode(value, &load).map_err(|_| "ERR Bad data format")?;
    let stamp = match options.stamp {
        Stamp::Unknown => None,
        Stamp::IdleSeconds(seconds) => dataset.access.stamp_of_idle(seconds),
        Stamp::Frequency(counter) => dataset.access.stamp_of_frequency(counter),
    };
    let stamp = stamp.unwrap_or(dataset.access.fresh());

    let has_replaced = ctx.keys.discard(&args[1]);
    ctx.reply.ok();
    if expiry.is_some_and(|at| at <= ctx.keys.now()) {
        if !has_replaced {
            return Ok(Propagate::Nothing);
        }
        ctx.keys.propagate(&[b"DEL", &args[1]]);
        return Ok(Propagate::Rewritten);
    }
    ctx.keys.insert_entry(Entry::new(&args[1], value, expiry, stamp));
    let Some(UnixMillis(at)) = expiry.filter(|_| !options.is_absolute) else { return Ok(Propagate::AsIs) };
    let at = at.to_string();
    let mut effect: Vec<&[u8]> = args.iter().collect();
    effect[2] = at.as_bytes();
    effect.push(b"ABSTTL");
    ctx.keys.propagate(&effect);
    Ok(Propagate::Rewritten)
}

/// When the key is to expire. An instant beyond the calendar is its end.
fn expiry(ttl: &[u8], is_absolute: bool, now: UnixMillis) -> Result<Option<UnixMillis>, CommandError> {
    match parse_i64(ttl).ok_or(CommandError::NotInteger)? {
        ..0 => Err("ERR Invalid TTL value, must be >= 0".into()),
        0 => Ok(None),
        millis if is_absolute => Ok(Some(UnixMillis(millis))),
        millis => Ok(Some(UnixMillis(now.0.saturating_add(millis)))),
    }
}
