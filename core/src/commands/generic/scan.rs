//! `SCAN`: the keys of a database, a stretch at a time.

use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::number::parse_i64;
use crate::propagation::Propagate;

/// Keys a call returns unless `COUNT` says otherwise.
const COUNT_DEFAULT: usize = 10;

/// Buckets a call visits for each key asked for, at most: what bounds it in a sparse table.
const BUCKETS_PER_KEY_MAX: usize = 10;

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]` — O(1) per call.
///
/// Whatever is there from the first call to the last is returned at least once; see
/// [`Database::scan`](crate::keyspace::Database::scan).
pub(super) fn scan(ctx: &mut Context<'_>) -> CommandResult {
    let mut cursor = parse_cursor(&ctx.args[1])?;
    let options = Options::parse(ctx)?;
    let now = ctx.keys.now();
    let mut expired: Vec<Vec<u8>> = Vec::new();
    ctx.reply.array(2);
    let mut found: Vec<u8> = Vec::new();
    let mut ends: Vec<usize> = Vec::new();
    let mut visited = 0;
    let mut buckets_left = options.count.saturating_mul(BUCKETS_PER_KEY_MAX);
    loop {
        cursor = ctx.keys.db().scan(cursor, &mut |entry| {
            visited += 1;
            if entry.expiry().is_some_and(|at| at.is_past(now)) {
                expired.push(entry.key().to_vec());
            } else if options.accepts(entry.key(), entry.value_type().name()) {
                found.extend_from_slice(entry.key());
                ends.push(found.len());
            }
        });
        buckets_left -= 1;
        if cursor == 0 || visited >= options.count || buckets_left == 0 {
            break;
        }
    }
    sometimes!(Mark::ScanMetExpired, !expired.is_empty());
    for key in &expired {
        // Looking at it removes it.
        ctx.keys.peek(key);
    }
    ctx.reply.bulk(cursor.to_string().as_bytes());
    ctx.reply.array(ends.len());
    let mut start = 0;
    for end in ends {
        ctx.reply.bulk(&found[start..end]);
        start = end;
    }
    Ok(Propagate::Nothing)
}

/// A cursor as C's `strtoul` reads it: it ends at a NUL; a sign is taken, blanks are not.
pub(in crate::commands) fn parse_cursor(text: &[u8]) -> Result<u64, CommandError> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or(text);
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if !digits.iter().all(u8::is_ascii_digit) || digits.is_empty() && !text.is_empty() {
        return Err(CommandError::InvalidCursor);
    }
    let value = digits
        .iter()
        .try_fold(0_u64, |value, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
    let value = value.ok_or(CommandError::InvalidCursor)?;
    Ok(if negative { value.wrapping_neg() } else { value })
}

#[derive(Debug)]
struct Options<'a> {
    count: usize,
    pattern: Option<&'a [u8]>,
    type_name: Option<&'a [u8]>,
}

impl<'a> Options<'a> {
    fn parse(ctx: &Context<'a>) -> Result<Options<'a>, CommandError> {
        let mut options = Options { count: COUNT_DEFAULT, pattern: None, type_name: None };
        let mut words = ctx.args.from(2);
        while let Some(word) = words.next() {
            let value = words.next().ok_or(CommandError::Syntax)?;
            if word.eq_ignore_ascii_case(b"COUNT") {
                let count = parse_i64(value).ok_or(CommandError::NotInteger)?;
                options.count =
                    usize::try_from(count).ok().filter(|&count| count > 0).ok_or(CommandError::Syntax)?;
            } else if word.eq_ignore_ascii_case(b"MATCH") {
                options.pattern = Some(value).filter(|pattern| *pattern != b"*");
            } else if word.eq_ignore_ascii_case(b"TYPE") {
                options.type_name = Some(value);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }

    fn accepts(&self, key: &[u8], type_name: &str) -> bool {
        self.type_name.is_none_or(|wanted| wanted.eq_ignore_ascii_case(type_name.as_bytes()))
            && self.pattern.is_none_or(|pattern| glob::matches(pattern, key, Case::Sensitive))
    }
}
