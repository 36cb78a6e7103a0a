//! `HRANDFIELD`: fields chosen by chance.

use super::{hash_of, reply_string};
use crate::commands::sampling::{SampleSize, Selection, is_in_vain};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::HashKey;
use crate::propagation::Propagate;
use crate::resp::{Protocol, Reply};
use crate::value::StringRef;
use crate::value::hash::Hash;
use crate::value::set::{Set, SetLimits};

/// Largest count, either way, for which the values are given as well.
const COUNT_WITH_VALUES_MAX: usize = (i64::MAX / 2) as usize;

/// `HRANDFIELD key [count [WITHVALUES]]` — O(N). A negative count may give a field more than once.
pub(super) fn hrandfield(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() > 2 {
        return sample(ctx);
    }
    let server = &mut *ctx.server;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    match hash_of(entry)?.random(&mut || server.random_u64()) {
        Some((field, _)) => reply_string(ctx.reply, field),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

fn sample(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let size = SampleSize::parse(&args[2])?;
    let with_values = args.len() == 4 && args[3].eq_ignore_ascii_case(b"WITHVALUES");
    if args.len() > 4 || args.len() == 4 && !with_values {
        return Err(CommandError::Syntax);
    }
    if with_values && size.count > COUNT_WITH_VALUES_MAX {
        return Err("ERR value is out of range".into());
    }
    let hash_key = ctx.keys.dataset.hash_key;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let hash = hash_of(entry)?;
    let server = &mut *ctx.server;
    if !size.is_distinct || size.count == 1 {
        let mut out = FieldReply::begin(ctx.reply, size.count, with_values);
        for _ in 0..size.count {
            if is_in_vain(out.reply, &server.config) {
                break;
            }
            hash.random(&mut || server.random_u64()).into_iter().for_each(|pair| out.push(pair));
        }
        return Ok(Propagate::Nothing);
    }
    let count = size.count.min(hash.len());
    let mut out = FieldReply::begin(ctx.reply, count, with_values);
    let mut random = || server.random_u64();
    if count == hash.len() {
        hash.iter().for_each(|pair| out.push(pair));
    } else if hash.as_listpack().is_some() || size.is_walk(hash.len()) {
        let mut selection = Selection::new(count, hash.len());
        hash.iter().filter(|_| selection.takes(&mut random)).for_each(|pair| out.push(pair));
    } else {
        draw(hash, count, hash_key, &mut random, &mut out);
    }
    Ok(Propagate::Nothing)
}

/// Draws fields until there are so many different ones.
fn draw(
    hash: &Hash,
    count: usize,
    hash_key: HashKey,
    random: &mut dyn FnMut() -> u64,
    out: &mut FieldReply<'_>,
) {
    let mut drawn = Set::new_table(hash_key);
    while drawn.len() < count
        && let Some(pair) = hash.random(random)
    {
        if drawn.add(pair.0, &SetLimits::default(), hash_key) {
            out.push(pair);
        }
    }
}

/// An array of fields, or of fields and their values: in pairs where the protocol has maps.
struct FieldReply<'a> {
    reply: &'a mut Reply,
    with_values: bool,
}

impl FieldReply<'_> {
    fn begin(reply: &mut Reply, count: usize, with_values: bool) -> FieldReply<'_> {
        let is_flat = with_values && reply.protocol() == Protocol::Resp2;
        reply.array(if is_flat { 2 * count } else { count });
        FieldReply { reply, with_values }
    }

    fn push(&mut self, (field, value): (StringRef<'_>, StringRef<'_>)) {
        if self.with_values && self.reply.protocol() == Protocol::Resp3 {
            self.reply.array(2);
        }
        reply_string(self.reply, field);
        if self.with_values {
            reply_string(self.reply, value);
        }
    }
}
