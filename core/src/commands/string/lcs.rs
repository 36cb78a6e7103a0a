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

/// For every pair of prefixes, the length of their longest common subsequence.
struct Table<'a> {
    a: &'a [u8],
    b: &'a [u8],
    lens: Vec<u32>,
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
        let width = b.len() + 1;
        let mut lens = vec![0; (a.len() + 1) * width];
        for (i, byte_a) in a.iter().enumerate() {
            for (j, byte_b) in b.iter().enumerate() {
                lens[(i + 1) * width + j + 1] = if byte_a == byte_b {
                    lens[i * width + j] + 1
                } else {
                    lens[i * width + j + 1].max(lens[(i + 1) * width + j])
                };
            }
        }
        Table { a, b, lens }
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.lens[i * (self.b.len() + 1) + j]
    }

    fn len(&self) -> u32 {
        self.at(self.a.len(), self.b.len())
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
                } else if self.at(i - 1, j) > self.at(i, j - 1) {
                    i -= 1;
                } else {
                    j -= 1;
                }
            }
            run
        })
    }
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
