//! LPOS.

use super::list_of;
use crate::args::Args;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::value::StringRef;

/// What LPOS is asked for.
struct Options {
    /// Which match is the first that counts, from the end if negative.
    rank: i64,
    /// How many matches are wanted; 0 for all. Without it, the reply is one index.
    count: Option<usize>,
    /// How many elements are looked at; 0 for all.
    len_max: usize,
}

impl Options {
    fn parse(args: &Args<'_>) -> Result<Options, CommandError> {
        let mut options = Options { rank: 1, count: None, len_max: 0 };
        let mut index = 3;
        while index < args.len() {
            let value = args.from(index + 1).next().ok_or(CommandError::Syntax)?;
            let option = &args[index];
            if option.eq_ignore_ascii_case(b"RANK") {
                options.rank = parse_i64(value).ok_or(CommandError::NotInteger)?;
                if options.rank == i64::MIN {
                    return Err("ERR value is out of range, value must between -9223372036854775807 and \
                                9223372036854775807"
                        .into());
                }
                if options.rank == 0 {
                    return Err(
                        "ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... \
                                or use negative to start from the end of the list"
                            .into(),
                    );
                }
            } else if option.eq_ignore_ascii_case(b"COUNT") {
                options.count = Some(parse_natural(value).ok_or("ERR COUNT can't be negative")?);
            } else if option.eq_ignore_ascii_case(b"MAXLEN") {
                options.len_max = parse_natural(value).ok_or("ERR MAXLEN can't be negative")?;
            } else {
                return Err(CommandError::Syntax);
            }
            index += 2;
        }
        Ok(options)
    }
}

fn parse_natural(word: &[u8]) -> Option<usize> {
    parse_i64(word).and_then(|number| usize::try_from(number).ok())
}

/// `LPOS key element [RANK rank] [COUNT num] [MAXLEN len]` — O(N).
pub(super) fn lpos(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let options = Options::parse(args)?;
    let wanted = StringRef::Bytes(&args[2]);
    let Some(entry) = ctx.keys.read(&args[1]) else {
        if options.count.is_some() {
            ctx.reply.array(0);
        } else {
            ctx.reply.null();
        }
        return Ok(Propagate::Nothing);
    };
    let list = list_of(entry)?;
    let len = list.len();
    let is_backward = options.rank < 0;
    let looked_at = if options.len_max == 0 { len } else { options.len_max.min(len) };
    // The first index that is not looked at any more.
    let is_within = |index: usize| if is_backward { len - index <= looked_at } else { index < looked_at };
    let wanted_len = match options.count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => count,
    };
    let mut to_skip = options.rank.unsigned_abs() - 1;
    let mut found = Vec::new();
    let mut walk = list.walk(if is_backward { len - 1 } else { 0 }, is_backward);
    while found.len() < wanted_len {
        let Some(index) = walk.find(wanted).filter(|&index| is_within(index)) else { break };
        if to_skip > 0 {
            to_skip -= 1;
        } else {
            found.push(index);
        }
    }
    match (options.count, found.first()) {
        (Some(_), _) => {
            ctx.reply.array(found.len());
            found.iter().for_each(|&index| ctx.reply.integer(index as i64));
        }
        (None, Some(&index)) => ctx.reply.integer(index as i64),
        (None, None) => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}
