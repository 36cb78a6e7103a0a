//! Adding members and changing scores.

use super::{TOGETHER, fill, insert, set_mut};
use crate::args::Args;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::HashKey;
use crate::number::parse_f64;
use crate::propagation::Propagate;
use crate::value::zset::{MemberEntry, SortedSet, SortedSetLimits};
use crate::value::{Lookup, StringRef};

/// So many pairs need no memory besides the stack's.
const PAIRS_ON_STACK_MAX: usize = 16;

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]` — O(M log N).
///
/// With `INCR` the reply is the new score, or nothing if the conditions do not hold.
pub(super) fn zadd(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (options, first) = Options::parse(args);
    let pairs_len = (args.len() - first) / 2;
    if pairs_len == 0 || !(args.len() - first).is_multiple_of(2) {
        return Err(CommandError::Syntax);
    }
    options.check(pairs_len)?;
    let mut on_stack = [0.0; PAIRS_ON_STACK_MAX];
    let mut on_heap = Vec::new();
    let scores = if pairs_len <= PAIRS_ON_STACK_MAX {
        &mut on_stack[..pairs_len]
    } else {
        on_heap.resize(pairs_len, 0.0);
        &mut on_heap[..]
    };
    for (score, word) in scores.iter_mut().zip(args.from(first).step_by(2)) {
        *score = parse_f64(word).ok_or(CommandError::NotFloat)?;
    }
    add(ctx, &options, first, scores)
}

/// `ZINCRBY key increment member` — O(log N).
pub(super) fn zincrby(ctx: &mut Context<'_>) -> CommandResult {
    // As in Redis, a word that ZADD takes for an option is one here, and then the score is missing.
    if Options::parse(ctx.args).1 > 2 {
        return Err(CommandError::Syntax);
    }
    let options = Options { incr: true, ..Options::default() };
    let increment = parse_f64(&ctx.args[2]).ok_or(CommandError::NotFloat)?;
    add(ctx, &options, 2, &[increment])
}

#[derive(Clone, Copy, Default)]
struct Options {
    nx: bool,
    xx: bool,
    gt: bool,
    lt: bool,
    ch: bool,
    incr: bool,
}

impl Options {
    /// The words in front of the first score, and which argument that is.
    fn parse(args: &Args<'_>) -> (Options, usize) {
        let mut options = Options::default();
        let mut index = 2;
        for word in args.from(2) {
            match word {
                // Most commands have no options, and scores begin with a digit or a sign.
                [b'0'..=b'9' | b'-' | b'+', ..] => break,
                _ if word.eq_ignore_ascii_case(b"NX") => options.nx = true,
                _ if word.eq_ignore_ascii_case(b"XX") => options.xx = true,
                _ if word.eq_ignore_ascii_case(b"GT") => options.gt = true,
                _ if word.eq_ignore_ascii_case(b"LT") => options.lt = true,
                _ if word.eq_ignore_ascii_case(b"CH") => options.ch = true,
                _ if word.eq_ignore_ascii_case(b"INCR") => options.incr = true,
                _ => break,
            }
            index += 1;
        }
        (options, index)
    }

    fn check(&self, pairs_len: usize) -> Result<(), CommandError> {
        if self.nx && self.xx {
            return Err("ERR XX and NX options at the same time are not compatible".into());
        }
        if u8::from(self.gt) + u8::from(self.lt) + u8::from(self.nx) > 1 {
            return Err("ERR GT, LT, and/or NX options at the same time are not compatible".into());
        }
        if self.incr && pairs_len > 1 {
            return Err("ERR INCR option supports a single increment-element pair".into());
        }
        Ok(())
    }
}

/// What became of the members.
#[derive(Default)]
struct Outcome {
    added: usize,
    changed: usize,
    /// The last member's new score, if the conditions held.
    score: Option<f64>,
}

/// Adds the members that stand behind their scores from argument `first` on.
fn add(ctx: &mut Context<'_>, options: &Options, first: usize, scores: &[f64]) -> CommandResult {
    let args = ctx.args;
    let (limits, hash_key) = (ctx.keys.dataset.limits.sorted_set, ctx.keys.dataset.hash_key);
    let mut outcome = Outcome::default();
    if let Some(mut found) = ctx.keys.write(&args[1]) {
        let set = set_mut(&mut found)?;
        set.grow_for(scores.len(), 0, &limits, hash_key);
        outcome.add_all(set, options, args, first, scores, &limits, hash_key)?;
    } else if !options.xx {
        let mut set = SortedSet::new();
        set.grow_for(scores.len(), args[first + 1].len(), &limits, hash_key);
        outcome.add_all(&mut set, options, args, first, scores, &limits, hash_key)?;
        insert(ctx, &args[1], set);
    }
    match outcome.score {
        Some(score) if options.incr => ctx.reply.double(score),
        None if options.incr => ctx.reply.null(),
        _ if options.ch => ctx.reply.integer((outcome.added + outcome.changed) as i64),
        _ => ctx.reply.integer(outcome.added as i64),
    }
    Ok(if outcome.added + outcome.changed > 0 { Propagate::AsIs } else { Propagate::Nothing })
}

impl Outcome {
    #[expect(clippy::too_many_arguments, reason = "they are those of the command")]
    fn add_all(
        &mut self,
        set: &mut SortedSet,
        options: &Options,
        args: &Args<'_>,
        first: usize,
        scores: &[f64],
        limits: &SortedSetLimits,
        hash_key: HashKey,
    ) -> Result<(), CommandError> {
        if let [score] = *scores {
            return self.add_one(set, options, args.lookup(first + 1), score, limits, hash_key);
        }
        let mut members = args.from(first + 1).step_by(2).map(Lookup::from);
        let mut together = [Lookup::new(StringRef::Int(0)); TOGETHER];
        for scores in scores.chunks(TOGETHER) {
            let batch = fill(&mut together, &mut members);
            set.prefetch(batch);
            set.prefetch_scores(scores);
            for (&member, &score) in batch.iter().zip(scores) {
                self.add_one(set, options, member, score, limits, hash_key)?;
            }
        }
        Ok(())
    }

    #[inline]
    fn add_one(
        &mut self,
        set: &mut SortedSet,
        options: &Options,
        member: Lookup<'_>,
        score: f64,
        limits: &SortedSetLimits,
        hash_key: HashKey,
    ) -> Result<(), CommandError> {
        match set.entry(member) {
            MemberEntry::Vacant(_) if options.xx => {}
            MemberEntry::Vacant(vacant) => {
                vacant.insert(score, limits, hash_key);
                self.added += 1;
                self.score = Some(score);
            }
            MemberEntry::Occupied(_) if options.nx => {}
            MemberEntry::Occupied(occupied) => {
                let old = occupied.score();
                let new = if options.incr { old + score } else { score };
                if new.is_nan() {
                    return Err("ERR resulting score is not a number (NaN)".into());
                }
                let takes_equal = options.gt && mutant!(Mutant::GtTakesEqualForGreater) && new == old;
                if options.gt && new <= old && !takes_equal || options.lt && new >= old {
                    return Ok(());
                }
                // The two zeros are one score: the one that is there stays.
                if new != old || takes_equal {
                    occupied.set_score(new);
                    self.changed += 1;
                }
                self.score = Some(new);
            }
        }
        Ok(())
    }
}
