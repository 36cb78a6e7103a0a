//! `ZRANDMEMBER`: members chosen by chance.

use super::{Shown, reply_member, set_of};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::server::Server;
use std::collections::BTreeSet;

/// Whoever wants more than one in so many members has them chosen on a walk over all of them.
const SPARSE_DIVISOR: usize = 3;

/// `ZRANDMEMBER key [count [WITHSCORES]]` — O(M log N).
///
/// A count below zero allows for the same member several times.
pub(super) fn zrandmember(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() == 2 {
        let Some(entry) = ctx.keys.read(&args[1]) else {
            ctx.reply.null();
            return Ok(Propagate::Nothing);
        };
        if let Some((member, _)) = set_of(entry)?.random(&mut || ctx.server.random_u64()) {
            reply_member(ctx.reply, member);
        }
        return Ok(Propagate::Nothing);
    }
    let (count, with_scores) = parse(ctx)?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_of(entry)?;
    let shown = Shown::of(ctx.reply.protocol(), with_scores);
    let (reply, server) = (&mut *ctx.reply, &mut *ctx.server);
    let wanted = usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX);
    if count < 0 {
        shown.begin(reply, wanted);
        for _ in 0..wanted {
            if let Some((member, score)) = set.random(&mut || server.random_u64()) {
                shown.reply(reply, member, score);
            }
        }
    } else if wanted >= set.len() {
        shown.reply_all(reply, set.iter(0..set.len()));
    } else if wanted > set.len() / SPARSE_DIVISOR {
        // Each member is taken with the chance that leaves the right number for those behind it.
        shown.begin(reply, wanted);
        let mut wanted = wanted;
        for (rank, (member, score)) in set.iter(0..set.len()).enumerate() {
            if below(server, set.len() - rank) < wanted {
                wanted -= 1;
                shown.reply(reply, member, score);
            }
        }
    } else {
        shown.begin(reply, wanted);
        for rank in distinct_below(server, set.len(), wanted) {
            if let Some((member, score)) = set.iter(rank..rank + 1).next() {
                shown.reply(reply, member, score);
            }
        }
    }
    Ok(Propagate::Nothing)
}

/// The count, and whether scores are wanted.
fn parse(ctx: &Context<'_>) -> Result<(i64, bool), CommandError> {
    let args = ctx.args;
    let count = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    if count == i64::MIN {
        return Err(
            "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
                .into(),
        );
    }
    let with_scores = args.len() == 4 && args[3].eq_ignore_ascii_case(b"WITHSCORES");
    if args.len() > 3 && !with_scores {
        return Err(CommandError::Syntax);
    }
    if with_scores && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err("ERR value is out of range".into());
    }
    Ok((count, with_scores))
}

/// A number below `end`.
fn below(server: &mut Server, end: usize) -> usize {
    ((u128::from(server.random_u64()) * end as u128) >> 64) as usize
}

/// So many distinct numbers below `end`, by Robert Floyd's method.
fn distinct_below(server: &mut Server, end: usize, count: usize) -> BTreeSet<usize> {
    let mut chosen = BTreeSet::new();
    for last in end - count..end {
        let number = below(server, last + 1);
        if !chosen.insert(number) {
            chosen.insert(last);
        }
    }
    chosen
}
