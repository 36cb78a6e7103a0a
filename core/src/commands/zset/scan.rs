//! `ZSCAN`: a sorted set, a stretch at a time.

use super::set_of;
use crate::args::Args;
use crate::commands::generic::parse_cursor;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::number::{append_f64_17, format_f64, parse_i64};
use crate::propagation::Propagate;

/// Members a call returns unless `COUNT` says otherwise.
const COUNT_DEFAULT: usize = 10;

/// Buckets a call visits for each member asked for, at most: what bounds it in a sparse table.
const BUCKETS_PER_MEMBER_MAX: usize = 10;

/// `ZSCAN key cursor [MATCH pattern] [COUNT count]` — O(1) per call.
///
/// Scores are texts, of which those in large sets have 17 digits, as in Redis.
pub(super) fn zscan(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut cursor = parse_cursor(&args[2])?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(2);
        ctx.reply.bulk(b"0");
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_of(entry)?;
    let options = Options::parse(args)?;
    let is_small = set.as_listpack().is_some();
    let mut found: Vec<u8> = Vec::new();
    let mut ends: Vec<usize> = Vec::new();
    let mut visited = 0;
    let mut buckets_left = options.count.saturating_mul(BUCKETS_PER_MEMBER_MAX);
    loop {
        cursor = set.scan(cursor, &mut |member, score| {
            visited += 1;
            let is_wanted = options.pattern.is_none_or(|pattern| {
                member.with_bytes(|member| glob::matches(pattern, member, Case::Sensitive))
            });
            if is_wanted {
                member.append_to(&mut found);
                ends.push(found.len());
                if is_small {
                    found.extend_from_slice(&format_f64(score));
                } else {
                    append_f64_17(&mut found, score);
                }
                ends.push(found.len());
            }
        });
        buckets_left -= 1;
        if cursor == 0 || visited >= options.count || buckets_left == 0 {
            break;
        }
    }
    ctx.reply.array(2);
    ctx.reply.bulk(itoa::Buffer::new().format(cursor).as_bytes());
    ctx.reply.array(ends.len());
    let mut start = 0;
    for end in ends {
        ctx.reply.bulk(&found[start..end]);
        start = end;
    }
    Ok(Propagate::Nothing)
}

#[derive(Debug)]
struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(args: &Args<'a>) -> Result<Options<'a>, CommandError> {
        let mut options = Options { count: COUNT_DEFAULT, pattern: None };
        let mut words = args.from(3);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(CommandError::Syntax)?;
            if word.eq_ignore_ascii_case(b"COUNT") {
                let count = parse_i64(value).ok_or(CommandError::NotInteger)?;
                options.count =
                    usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::Syntax)?;
            } else if word.eq_ignore_ascii_case(b"MATCH") {
                options.pattern = Some(value).filter(|pattern| *pattern != b"*");
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}
