//! Unions, intersections and differences of sorted sets and sets.
//!
//! The sources are looked up one by one, with all that a lookup does; then the database is left alone, and the result
//! is made of members that still lie in them.

use super::gathered::Gathered;
use super::{Shown, TOGETHER, replace};
use crate::context::{CommandResult, Context};
use crate::dataset::Keys;
use crate::error::CommandError;
use crate::number::{parse_f64, parse_i64};
use crate::propagation::Propagate;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, Lookup, StringRef, ValueRef};

/// `ZUNION numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]` — O(N + M log M).
pub(super) fn zunion(ctx: &mut Context<'_>) -> CommandResult {
    reply_combined(ctx, Operation::Union)
}

/// `ZINTER numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX] [WITHSCORES]` — O(N·K + M log M), N being the
/// size of the smallest source.
pub(super) fn zinter(ctx: &mut Context<'_>) -> CommandResult {
    reply_combined(ctx, Operation::Intersection)
}

/// `ZDIFF numkeys key [key …] [WITHSCORES]` — O(N + M log M), or O(L·K + M log M) if that is less, L being the size of
/// the first source.
pub(super) fn zdiff(ctx: &mut Context<'_>) -> CommandResult {
    reply_combined(ctx, Operation::Difference)
}

/// `ZUNIONSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX]` — as `ZUNION`.
pub(super) fn zunionstore(ctx: &mut Context<'_>) -> CommandResult {
    store_combined(ctx, Operation::Union)
}

/// `ZINTERSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM|MIN|MAX]` — as `ZINTER`.
pub(super) fn zinterstore(ctx: &mut Context<'_>) -> CommandResult {
    store_combined(ctx, Operation::Intersection)
}

/// `ZDIFFSTORE destination numkeys key [key …]` — as `ZDIFF`.
pub(super) fn zdiffstore(ctx: &mut Context<'_>) -> CommandResult {
    store_combined(ctx, Operation::Difference)
}

/// `ZINTERCARD numkeys key [key …] [LIMIT limit]` — O(N·K), N being the size of the smallest source. A limit of 0 is
/// none.
pub(super) fn zintercard(ctx: &mut Context<'_>) -> CommandResult {
    let options = Options::parse(ctx, 1, Operation::Cardinality)?;
    let sources = Sources::of(&ctx.keys, ctx.args.from(2), &options);
    let limit = if options.limit == 0 { usize::MAX } else { options.limit };
    let mut count = 0;
    sources.intersect(options.aggregate, &mut |_, _| {
        count += 1;
        count < limit
    });
    ctx.reply.integer(count as i64);
    Ok(Propagate::Nothing)
}

fn reply_combined(ctx: &mut Context<'_>, operation: Operation) -> CommandResult {
    let options = Options::parse(ctx, 1, operation)?;
    let sources = Sources::of(&ctx.keys, ctx.args.from(2), &options);
    let members = sources.combine(operation, &options, &ctx.keys);
    let shown = Shown::of(ctx.reply.protocol(), options.with_scores);
    shown.reply_all(ctx.reply, members.into_iter());
    Ok(Propagate::Nothing)
}

fn store_combined(ctx: &mut Context<'_>, operation: Operation) -> CommandResult {
    let args = ctx.args;
    let options = Options::parse(ctx, 2, operation)?;
    let sources = Sources::of(&ctx.keys, args.from(3), &options);
    let members = sources.combine(operation, &options, &ctx.keys);
    let dataset = &ctx.keys.dataset;
    let result = SortedSet::from_ordered(&members, &dataset.limits.sorted_set, dataset.hash_key);
    ctx.reply.integer(result.len() as i64);
    Ok(if replace(ctx, &args[1], result) { Propagate::AsIs } else { Propagate::Nothing })
}

/// What is made of the sources.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
    /// The number of members of the intersection.
    Cardinality,
}

/// What becomes of the scores that a member has in several sources.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Result<Aggregate, CommandError> {
        if word.eq_ignore_ascii_case(b"SUM") {
            Ok(Aggregate::Sum)
        } else if word.eq_ignore_ascii_case(b"MIN") {
            Ok(Aggregate::Min)
        } else if word.eq_ignore_ascii_case(b"MAX") {
            Ok(Aggregate::Max)
        } else {
            Err(CommandError::Syntax)
        }
    }

    /// The score of a member that has two. Infinities of both signs add up to zero.
    #[inline]
    pub fn of(self, score: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum => number_or_zero(score + other),
            Aggregate::Min if other < score => other,
            Aggregate::Max if other > score => other,
            Aggregate::Min | Aggregate::Max => score,
        }
    }
}

/// A product or a sum, or zero where there is none.
#[inline]
fn number_or_zero(score: f64) -> f64 {
    let zero = if mutant!(Mutant::InfinitiesLeaveOne) { f64::INFINITY } else { 0.0 };
    if score.is_nan() { zero } else { score }
}

struct Options {
    keys_len: usize,
    /// One for each key; none if all are 1.
    weights: Vec<f64>,
    aggregate: Aggregate,
    with_scores: bool,
    limit: usize,
}

impl Options {
    /// Parses the arguments from the number of keys on. Looks all keys up in between, as Redis does: one of the wrong
    /// type is complained of before the options.
    fn parse(ctx: &mut Context<'_>, number_at: usize, operation: Operation) -> Result<Options, CommandError> {
        let args = ctx.args;
        let keys_len = parse_i64(&args[number_at]).ok_or(CommandError::NotInteger)?;
        let keys_len = usize::try_from(keys_len).ok().filter(|&keys_len| keys_len > 0).ok_or_else(|| {
            let name = ctx.command.full_name();
            CommandError::Text(format!("ERR at least 1 input key is needed for '{name}' command").into())
        })?;
        let first_key = number_at + 1;
        if keys_len > args.len() - first_key {
            return Err(CommandError::Syntax);
        }
        for key in args.from(first_key).take(keys_len) {
            if let Some(entry) = ctx.keys.read(key) {
                Source::of(entry.value(), 1.0).ok_or(CommandError::WrongType)?;
            }
        }
        let aggregate = Aggregate::Sum;
        let mut options = Options { keys_len, weights: Vec::new(), aggregate, with_scores: false, limit: 0 };
        let mut words = args.from(first_key + keys_len);
        let is_merging = matches!(operation, Operation::Union | Operation::Intersection);
        let is_storing = number_at == 2;
        while let Some(word) = words.next() {
            if is_merging && words.len() >= keys_len && word.eq_ignore_ascii_case(b"WEIGHTS") {
                let weights = words.by_ref().take(keys_len).map(parse_f64).collect::<Option<_>>();
                options.weights = weights.ok_or("ERR weight value is not a float")?;
                continue;
            }
            let is_counting = operation == Operation::Cardinality;
            if !is_storing && !is_counting && word.eq_ignore_ascii_case(b"WITHSCORES") {
                options.with_scores = true;
                continue;
            }
            let value = words.next().ok_or(CommandError::Syntax)?;
            if is_merging && word.eq_ignore_ascii_case(b"AGGREGATE") {
                options.aggregate = Aggregate::parse(value)?;
            } else if is_counting && word.eq_ignore_ascii_case(b"LIMIT") {
                let limit = parse_i64(value).and_then(|limit| usize::try_from(limit).ok());
                options.limit = limit.ok_or("ERR LIMIT can't be negative")?;
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(options)
    }
}

/// Members and scores in order, each lying in one of the sources.
type Members<'a> = Vec<(StringRef<'a>, f64)>;

/// What is combined, one for each key; `None` are keys that are not there.
struct Sources<'a>(Vec<Option<Source<'a>>>);

/// A sorted set, or a set whose members all have the score 1; scores are multiplied.
#[derive(Clone, Copy)]
struct Source<'a> {
    members: SourceMembers<'a>,
    weight: f64,
}

#[derive(Clone, Copy)]
enum SourceMembers<'a> {
    SortedSet(&'a SortedSet),
    Set(&'a Set),
}

impl<'a> Source<'a> {
    fn of(value: ValueRef<'a>, weight: f64) -> Option<Source<'a>> {
        let members = match value {
            ValueRef::Collection(Collection::SortedSet(set)) => SourceMembers::SortedSet(set),
            ValueRef::Collection(Collection::Set(set)) => SourceMembers::Set(set),
            _ => return None,
        };
        Some(Source { members, weight })
    }

    fn len(&self) -> usize {
        match self.members {
            SourceMembers::SortedSet(set) => set.len(),
            SourceMembers::Set(set) => set.len(),
        }
    }

    fn is_same(&self, other: &Source<'_>) -> bool {
        match (self.members, other.members) {
            (SourceMembers::SortedSet(one), SourceMembers::SortedSet(other)) => std::ptr::eq(one, other),
            (SourceMembers::Set(one), SourceMembers::Set(other)) => std::ptr::eq(one, other),
            _ => false,
        }
    }

    fn prefetch(&self, members: &mut [Lookup<'_>]) {
        match self.members {
            SourceMembers::SortedSet(set) => set.prefetch(members),
            SourceMembers::Set(set) => set.prefetch(members),
        }
    }

    /// A member's weighted score.
    fn score(&self, member: Lookup<'_>) -> Option<f64> {
        let score = match self.members {
            SourceMembers::SortedSet(set) => set.score(member),
            SourceMembers::Set(set) => set.contains(member).then_some(1.0),
        };
        score.map(|score| score * self.weight)
    }

    /// Shows all members with their weighted scores, until told to stop.
    fn all(&self, visit: &mut dyn FnMut(StringRef<'a>, f64) -> bool) {
        let weight = self.weight;
        match self.members {
            SourceMembers::SortedSet(set) => {
                set.iter(0..set.len()).all(|(member, score)| visit(member, number_or_zero(score * weight)));
            }
            SourceMembers::Set(set) => {
                set.iter().all(|member| visit(member, weight));
            }
        }
    }
}

impl<'a> Sources<'a> {
    /// The sources that are there.
    fn of<'k>(keys: &'a Keys<'_>, names: impl Iterator<Item = &'k [u8]>, options: &Options) -> Sources<'a> {
        let database = keys.dataset.database(keys.database);
        let source = |(index, name): (usize, &[u8])| {
            let entry = database.find(database.key(name))?;
            Source::of(entry.value(), options.weights.get(index).copied().unwrap_or(1.0))
        };
        Sources(names.take(options.keys_len).enumerate().map(source).collect())
    }

    fn combine(self, operation: Operation, options: &Options, keys: &Keys<'_>) -> Members<'a> {
        let mut members = Vec::new();
        match operation {
            Operation::Difference => {
                self.subtract(keys, &mut |member, score| members.push((member, score)));
            }
            Operation::Union => members = self.unite(options.aggregate, keys),
            Operation::Intersection | Operation::Cardinality => {
                self.intersect(options.aggregate, &mut |member, score| {
                    members.push((member, score));
                    true
                });
            }
        }
        sort(&mut members);
        members
    }

    /// Those that are there, the smallest first: the order in which Redis adds scores up, which can be seen in the
    /// last digits.
    fn smallest_first(self) -> Vec<Source<'a>> {
        let mut sources: Vec<Source<'a>> = self.0.into_iter().flatten().collect();
        sources.sort_by_key(Source::len);
        sources
    }

    fn unite(self, aggregate: Aggregate, keys: &Keys<'_>) -> Members<'a> {
        let sources = self.smallest_first();
        if let [source] = sources[..] {
            let mut members = Vec::with_capacity(source.len());
            source.all(&mut |member, score| {
                members.push((member, score));
                true
            });
            return members;
        }
        let len_min = sources.last().map_or(0, Source::len);
        let mut gathered = Gathered::new(len_min, keys.dataset.hash_key);
        for source in sources {
            source.all(&mut |member, score| {
                gathered.add(member, score, |old| aggregate.of(old, score));
                true
            });
        }
        gathered.into_members()
    }

    /// Shows the members that all sources have, until told to stop.
    fn intersect(self, aggregate: Aggregate, visit: &mut dyn FnMut(StringRef<'a>, f64) -> bool) {
        if self.0.iter().any(Option::is_none) {
            return;
        }
        let sources = self.smallest_first();
        let Some((smallest, others)) = sources.split_first() else { return };
        smallest.in_batches(&mut |batch| {
            let mut lookups = batch.lookups();
            others.iter().for_each(|other| other.prefetch(&mut lookups[..batch.len]));
            for (&(member, score), &lookup) in batch.members().iter().zip(&lookups) {
                let common = others.iter().try_fold(score, |score, other| {
                    other.score(lookup).map(|other| aggregate.of(score, other))
                });
                if let Some(score) = common
                    && !visit(member, score)
                {
                    return false;
                }
            }
            true
        });
    }

    /// Shows the members of the first source that no other one has.
    fn subtract(self, keys: &Keys<'_>, visit: &mut dyn FnMut(StringRef<'a>, f64)) {
        let mut sources = self.0.into_iter();
        let Some(first) = sources.next().flatten() else { return };
        let mut others: Vec<Source<'a>> = sources.flatten().collect();
        if others.iter().any(|other| other.is_same(&first)) {
            return;
        }
        let walked = others.iter().map(Source::len).sum::<usize>();
        // Looking members up in every source or taking all members of all sources away: whichever is less. A member
        // that is found is not looked for any further, so that looking up is expected to take half the steps.
        if first.len().saturating_mul(others.len()) / 2 > first.len() + walked {
            let mut left = Gathered::new(first.len(), keys.dataset.hash_key);
            first.all(&mut |member, score| {
                left.add(member, score, |old| old);
                true
            });
            for other in others {
                other.all(&mut |member, _| {
                    left.remove(member);
                    !left.is_empty()
                });
            }
            left.into_members().into_iter().for_each(|(member, score)| visit(member, score));
            return;
        }
        // The larger a source, the sooner it has a member.
        others.sort_by_key(|other| std::cmp::Reverse(other.len()));
        first.in_batches(&mut |batch| {
            let mut lookups = batch.lookups();
            if let Some(largest) = others.first() {
                largest.prefetch(&mut lookups[..batch.len]);
            }
            for (&(member, score), &lookup) in batch.members().iter().zip(&lookups) {
                if !others.iter().any(|other| other.score(lookup).is_some()) {
                    visit(member, score);
                }
            }
            true
        });
    }
}

/// Members that are looked for together.
struct Batch<'a> {
    members: [(StringRef<'a>, f64); TOGETHER],
    len: usize,
}

impl<'a> Batch<'a> {
    fn members(&self) -> &[(StringRef<'a>, f64)] {
        &self.members[..self.len]
    }

    fn lookups(&self) -> [Lookup<'a>; TOGETHER] {
        self.members.map(|(member, _)| Lookup::new(member))
    }
}

impl<'a> Source<'a> {
    /// Shows all members with their weighted scores, some at a time, until told to stop.
    fn in_batches(&self, visit: &mut dyn FnMut(&Batch<'a>) -> bool) {
        let mut batch = Batch { members: [(StringRef::Int(0), 0.0); TOGETHER], len: 0 };
        let mut goes_on = true;
        self.all(&mut |member, score| {
            batch.members[batch.len] = (member, score);
            batch.len += 1;
            if batch.len == TOGETHER {
                goes_on = visit(&batch);
                batch.len = 0;
            }
            goes_on
        });
        if goes_on && batch.len > 0 {
            visit(&batch);
        }
    }
}

/// Puts members into the order of sorted sets.
fn sort(members: &mut Members<'_>) {
    let compare = |(one, score): &(StringRef<'_>, f64), (other, other_score): &(StringRef<'_>, f64)| {
        // No score is NaN.
        let by_score = score.partial_cmp(other_score).unwrap_or(std::cmp::Ordering::Equal);
        by_score.then_with(|| one.with_bytes(|one| other.with_bytes(|other| one.cmp(other))))
    };
    if !members.is_sorted_by(|one, other| compare(one, other).is_le()) {
        members.sort_unstable_by(compare);
    }
}
