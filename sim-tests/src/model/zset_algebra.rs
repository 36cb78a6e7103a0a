//! Unions, intersections and differences of sorted sets, and of sets, whose members count once.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::double;
use super::set_algebra::limit_of;
use super::string::{SYNTAX, WRONG_TYPE, argument};
use super::value::Value;
use super::zset::{Pairs, Scored, ZsetValue, show};
use std::collections::BTreeMap;

/// Which of the three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// How the scores of one member become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(word: &[u8]) -> Result<Aggregate, Refusal> {
        let all = [("SUM", Aggregate::Sum), ("MIN", Aggregate::Min), ("MAX", Aggregate::Max)];
        let found = all.into_iter().find(|(name, _)| is(word, name));
        found.map(|(_, aggregate)| aggregate).ok_or_else(|| SYNTAX.into())
    }

    fn of(self, first: f64, second: f64) -> f64 {
        match self {
            // The two infinities make nothing.
            Aggregate::Sum => number_or_zero(first + second),
            Aggregate::Min => {
                if second < first {
                    second
                } else {
                    first
                }
            }
            Aggregate::Max => {
                if second > first {
                    second
                } else {
                    first
                }
            }
        }
    }
}

fn number_or_zero(value: f64) -> f64 {
    if value.is_nan() { 0.0 } else { value }
}

/// A set with the weight of its scores.
struct Source {
    scores: BTreeMap<Vec<u8>, f64>,
    weight: f64,
}

impl Source {
    fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).map(|score| score * self.weight)
    }
}

impl Model {
    /// The sets under these keys, which may be of either type.
    fn sources(&mut self, call: &Call, keys: &[Vec<u8>]) -> Result<Vec<Source>, Refusal> {
        let mut sources = Vec::new();
        for key in keys {
            let entry = self.keyspace.read(call.place, key, call.is_use);
            let scores = match entry.map(|entry| &entry.value) {
                None => BTreeMap::new(),
                Some(Value::SortedSet(zset)) => zset.scores.clone(),
                Some(Value::Set(set)) => set.members.iter().map(|member| (member.clone(), 1.0)).collect(),
                Some(_) => return Err(WRONG_TYPE.into()),
            };
            sources.push(Source { scores, weight: 1.0 });
        }
        Ok(sources)
    }

    /// Reads `numkeys key [key …]` from this word on; returns the keys' sets and what follows.
    fn counted_sources<'a>(
        &mut self,
        call: &'a Call,
        count_at: usize,
    ) -> Result<(Vec<Source>, &'a [Vec<u8>]), Refusal> {
        let count = argument(call.word(count_at))?;
        if count < 1 {
            let name = call.row.name;
            return Err(format!("ERR at least 1 input key is needed for '{name}' command").into());
        }
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let (keys, rest) = call.rest(count_at + 1).split_at_checked(count).ok_or(SYNTAX)?;
        Ok((self.sources(call, keys)?, rest))
    }
}

/// Combines sets. The smaller ones count first, which shows in the rounding of sums.
fn combine(operation: Operation, mut sources: Vec<Source>, aggregate: Aggregate) -> BTreeMap<Vec<u8>, f64> {
    if operation == Operation::Difference {
        let Some((first, others)) = sources.split_first() else { return BTreeMap::new() };
        let is_elsewhere = |member: &[u8]| others.iter().any(|other| other.scores.contains_key(member));
        let kept = first.scores.iter().filter(|(member, _)| !is_elsewhere(member));
        return kept.map(|(member, score)| (member.clone(), *score)).collect();
    }
    sources.sort_by_key(|source| source.scores.len());
    let mut combined = BTreeMap::new();
    let members: Vec<Vec<u8>> = sources.iter().flat_map(|source| source.scores.keys().cloned()).collect();
    for member in members {
        let mut scores: Vec<f64> = sources.iter().filter_map(|source| source.score(&member)).collect();
        // An intersection takes only the first score for a number whatever it is.
        let checked = if operation == Operation::Union { scores.len() } else { 1 };
        scores.iter_mut().take(checked).for_each(|score| *score = number_or_zero(*score));
        if operation == Operation::Union || scores.len() == sources.len() {
            let score = scores.into_iter().reduce(|first, second| aggregate.of(first, second));
            combined.insert(member, score.unwrap_or(0.0));
        }
    }
    combined
}

/// Runs a command whose `numkeys` is at this word.
fn run(
    model: &mut Model,
    call: &Call,
    operation: Operation,
    count_at: usize,
) -> Result<(BTreeMap<Vec<u8>, f64>, bool), Refusal> {
    let (mut sources, mut rest) = model.counted_sources(call, count_at)?;
    let stores = count_at > 1;
    let (mut aggregate, mut with_scores) = (Aggregate::Sum, false);
    while let [word, behind @ ..] = rest {
        let may_weigh = operation != Operation::Difference;
        rest = if may_weigh && behind.len() >= sources.len() && is(word, "WEIGHTS") {
            let (weights, behind) = behind.split_at(sources.len());
            for (source, weight) in sources.iter_mut().zip(weights) {
                source.weight = double::parse(weight).ok_or("ERR weight value is not a float")?;
            }
            behind
        } else if may_weigh && is(word, "AGGREGATE") && !behind.is_empty() {
            aggregate = Aggregate::parse(&behind[0])?;
            &behind[1..]
        } else if !stores && is(word, "WITHSCORES") {
            with_scores = true;
            behind
        } else {
            return Err(SYNTAX.into());
        };
    }
    Ok((combine(operation, sources, aggregate), with_scores))
}

fn show_result(model: &mut Model, call: &Call, operation: Operation, out: &mut Out) -> Result<(), Refusal> {
    let (scores, with_scores) = run(model, call, operation, 1)?;
    let ranked: Vec<Scored> = ZsetValue::of_scores(scores).ranked();
    show(out, &ranked, if with_scores { Pairs::Scored } else { Pairs::Members });
    Ok(())
}

fn store_result(model: &mut Model, call: &Call, operation: Operation, out: &mut Out) -> Result<(), Refusal> {
    let (scores, _) = run(model, call, operation, 2)?;
    out.integer(scores.len() as i64);
    let zset = ZsetValue::gathered(scores, model.zset_limits());
    model.store_result(call, call.word(1), Value::SortedSet(zset));
    Ok(())
}

/// `ZUNION numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub(super) fn zunion(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_result(model, call, Operation::Union, out)
}

/// `ZINTER numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]`
pub(super) fn zinter(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_result(model, call, Operation::Intersection, out)
}

/// `ZDIFF numkeys key [key …] [WITHSCORES]`
pub(super) fn zdiff(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_result(model, call, Operation::Difference, out)
}

/// `ZUNIONSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]`
pub(super) fn zunionstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    store_result(model, call, Operation::Union, out)
}

/// `ZINTERSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]`
pub(super) fn zinterstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    store_result(model, call, Operation::Intersection, out)
}

/// `ZDIFFSTORE destination numkeys key [key …]`
pub(super) fn zdiffstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    store_result(model, call, Operation::Difference, out)
}

/// `ZINTERCARD numkeys key [key …] [LIMIT limit]`
pub(super) fn zintercard(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (sources, rest) = model.counted_sources(call, 1)?;
    let limit = limit_of(rest)?;
    let common = combine(Operation::Intersection, sources, Aggregate::Sum).len() as i64;
    out.integer(if limit > 0 { common.min(limit) } else { common });
    Ok(())
}
