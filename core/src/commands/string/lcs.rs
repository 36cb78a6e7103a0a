//! `LCS`: the longest common subsequence of two strings.

use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::value::StringRef;

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN len] [WITHMATCHLEN]` — O(N·M).
pub(super) fn lcs(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut load = |key: &[u8]| {
        let Some(entry) = ctx.keys.read(key) else { return Ok(Vec::new()) };
        let string = entry.value().as_string();
        string.map(StringRef::to_vec).ok_or("ERR The specified keys must contain string values")
    };
    let (a, b) = (load(&args[1]), load(&args[2]));
    let (a, b) = (a?, b?);
    let options = Options::parse(ctx)?;
    if options.wants_len && options.wants_positions {
        return Err("ERR If you want both the length and indexes, please just use IDX.".into());
    }
    let cells = (a.len() as u64 + 1).saturating_mul(b.len() as u64 + 1);
    if a.len() as u64 >= u64::from(u32::MAX) || b.len() as u64 >= u64::from(u32::MAX) {
        return Err("ERR String too long for LCS".into());
    }
    if cells.saturating_mul(size_of::<u32>() as u64) > ctx.server.config.proto_max_bulk_len {
        return Err("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len".into());
    }
    let table = Table::new(&a, &b);
    if options.wants_positions {
        reply_positions(ctx, &table, &options);
    } else if options.wants_len {
        ctx.reply.integer(i64::from(table.len()));
    } else {
        let common: Vec<u8> =
            table.matches().flat_map(|run| a[run.a..run.a + run.len].iter().rev()).copied().collect();
        let common: Vec<u8> = common.into_iter().rev().collect();
        ctx.reply.bulk(&common);
    }
    Ok(Propagate::Nothing)
}

#[derive(Debug, Default)]
struct Options {
    wants_len: bool,
    wants_positions: bool,
    shows_len: bool,
    len_min: usize,
}

impl Options {
    fn parse(ctx: &Context<'_>) -> Result<Options, CommandError> {
        let mut options = Options::default();
        let mut words = ctx.args.from(3);
        while let Some(word) = words.next() {
            if word.eq_ignore_ascii_case(b"IDX") {
                options.wants_positions = true;
            } else if word.eq_ignore_ascii_case(b"LEN") {
                options.wants_len = true;
            } else if word.eq_ignore_ascii_case(b"WITHMATCHLEN") {
                options.shows_len = true;
            } else if word.eq_ignore_ascii_case(b"MINMATCHLEN") {
                let len = words.next().ok_or(CommandError::Syntax)?;
                let len = parse_i64(len).ok_or(CommandError::NotInteger)?;
                options.len_min = usize::try_from(len).unwrap_or(0);
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

/// The way back through the lengths of the longest common subsequences of all pairs of prefixes.
///
/// The lengths themselves are known a row at a time. What remains of each is one bit, so that the transient memory is
/// a 32nd of what Redis takes; the limit on it is Redis' all the same.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    /// For every pair of bytes: whether leaving out the byte of `a` leaves more than leaving out that of `b`.
    skips_a: Vec<u64>,
    len: u32,
}

/// A stretch of equal bytes in both strings that belongs to the subsequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    a: usize,
    b: usize,
    len: usize,
}

impl<'a> Table<'a> {
    fn new(a: &'a [u8], b: &'a [u8]) -> Table<'a> {
        let mut skips_a = Vec::with_capacity(a.len() * words_per_row(b.len()));
        // The length for the prefix of `a` that ends before this byte, and each prefix of `b`.
        let mut lens = vec![0; b.len()];
        for byte_a in a {
            let (mut left, mut diagonal) = (0, 0);
            for (word, lens) in b.chunks(u64::BITS as usize).zip(lens.chunks_mut(u64::BITS as usize)) {
                let mut bits = 0;
                for (j, (byte_b, len)) in word.iter().zip(lens).enumerate() {
                    let up: u32 = *len;
                    bits |= u64::from(up > left) << j;
                    *len = if byte_a == byte_b { diagonal + 1 } else { up.max(left) };
                    (left, diagonal) = (*len, up);
                }
                skips_a.push(bits);
            }
        }
        Table { a, b, skips_a, len: lens.last().copied().unwrap_or(0) }
    }

    fn skips_a(&self, i: usize, j: usize) -> bool {
        let bits = u64::BITS as usize;
        self.skips_a[i * words_per_row(self.b.len()) + j / bits] >> (j % bits) & 1 != 0
    }

    fn len(&self) -> u32 {
        self.len
    }

    /// The runs from the end of the strings to their beginning, with Redis' choice among equals.
    fn matches(&self) -> impl Iterator<Item = Run> {
        let (mut i, mut j) = (self.a.len(), self.b.len());
        std::iter::from_fn(move || {
            let mut run: Option<Run> = None;
            while i > 0 && j > 0 {
                if self.a[i - 1] == self.b[j - 1] {
                    (i, j) = (i - 1, j - 1);
                    let len = run.map_or(1, |run| run.len + 1);
                    run = Some(Run { a: i, b: j, len });
                } else if run.is_some() {
                    break;
                } else if self.skips_a(i - 1, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
            run
        })
    }
}

fn words_per_row(len: usize) -> usize {
    len.div_ceil(u64::BITS as usize)
}

fn reply_positions(ctx: &mut Context<'_>, table: &Table<'_>, options: &Options) {
    let runs: Vec<Run> = table.matches().filter(|run| run.len >= options.len_min).collect();
    let reply = &mut *ctx.reply;
    reply.map(2);
    reply.bulk(b"matches");
    reply.array(runs.len());
    for run in runs {
        reply.array(2 + usize::from(options.shows_len));
        for start in [run.a, run.b] {
            reply.array(2);
            reply.integer(start as i64);
            reply.integer((start + run.len - 1) as i64);
        }
        if options.shows_len {
            reply.integer(run.len as i64);
        }
    }
    reply.bulk(b"len");
    reply.integer(i64::from(table.len()));
}
