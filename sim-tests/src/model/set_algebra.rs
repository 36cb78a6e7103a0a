//! Intersections, unions and differences of sets.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::number::integer;
use super::sample::{self, Shape};
use super::set::{Members, SetEncoding, SetValue};
use super::string::SYNTAX;
use super::value::Value;

impl Model {
    /// The sets under these keys; `None` where there is no key.
    fn sets(&mut self, call: &Call, keys: &[Vec<u8>]) -> Result<Vec<Option<SetValue>>, Refusal> {
        keys.iter().map(|key| Ok(self.read_set(call, key)?.cloned())).collect()
    }

    /// Stores a result under the second word: nothing removes what is there.
    fn store_set(&mut self, call: &Call, set: SetValue, out: &mut Out) {
        out.integer(set.members.len() as i64);
        self.store_result(call, call.word(1), Value::Set(set));
    }
}

fn members_of(set: Option<&SetValue>) -> Members {
    set.map(|set| set.members.clone()).unwrap_or_default()
}

fn intersection(sets: &[Option<SetValue>]) -> Members {
    let all = sets.iter().map(|set| members_of(set.as_ref()));
    all.reduce(|common, members| common.intersection(&members).cloned().collect()).unwrap_or_default()
}

fn union(sets: &[Option<SetValue>]) -> Members {
    sets.iter().flat_map(|set| members_of(set.as_ref())).collect()
}

fn difference(sets: &[Option<SetValue>]) -> Members {
    let Some((first, others)) = sets.split_first() else { return Members::new() };
    members_of(first.as_ref()).difference(&union(others)).cloned().collect()
}

fn show(out: &mut Out, members: Members) {
    sample::in_any_order(out, Shape::Set, members.into_iter().collect());
}

/// `SINTER key [key …]`
pub(super) fn sinter(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show(out, intersection(&model.sets(call, call.rest(1))?));
    Ok(())
}

/// `SUNION key [key …]`
pub(super) fn sunion(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show(out, union(&model.sets(call, call.rest(1))?));
    Ok(())
}

/// `SDIFF key [key …]`
pub(super) fn sdiff(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show(out, difference(&model.sets(call, call.rest(1))?));
    Ok(())
}

/// `SINTERSTORE destination key [key …]`
pub(super) fn sinterstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let sets = model.sets(call, call.rest(2))?;
    let limits = model.set_limits();
    let members = intersection(&sets);
    // The result begins as the smallest of the sets is kept; which one that is may not be known.
    let smallest_len = sets.iter().map(|set| members_of(set.as_ref()).len()).min();
    let smallest = sets
        .iter()
        .flatten()
        .filter(|set| Some(set.members.len()) == smallest_len)
        .flat_map(SetValue::encodings);
    let build = |first: SetEncoding| {
        let begins_as_intset = first == SetEncoding::Intset;
        let begin = if begins_as_intset { SetEncoding::Intset } else { SetEncoding::Listpack };
        let mut set = SetValue::empty(begin);
        for member in &members {
            set.add(member, limits);
        }
        set.prefer_intset(limits);
        set
    };
    let result = smallest.map(build).reduce(SetValue::or);
    model.store_set(call, result.unwrap_or_else(|| SetValue::empty(SetEncoding::Intset)), out);
    Ok(())
}

/// `SUNIONSTORE destination key [key …]`
pub(super) fn sunionstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let members = union(&model.sets(call, call.rest(2))?);
    let result = SetValue::gathered(&members, model.set_limits());
    model.store_set(call, result, out);
    Ok(())
}

/// `SDIFFSTORE destination key [key …]`
pub(super) fn sdiffstore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let keys = call.rest(2);
    let sets = model.sets(call, keys)?;
    let members = difference(&sets);
    let removes = gathers_first(keys, &sets);
    // Members that are removed again leave their mark on how the result is kept.
    let gathered = if removes { members_of(sets[0].as_ref()) } else { members.clone() };
    let mut result = SetValue::gathered(&gathered, model.set_limits());
    result.members = members;
    model.store_set(call, result, out);
    Ok(())
}

/// Whether Redis takes the whole first set and removes the others' members, because that is less work than asking
/// for each whether the others have it.
fn gathers_first(keys: &[Vec<u8>], sets: &[Option<SetValue>]) -> bool {
    let len = |set: &SetValue| set.members.len();
    let first = sets[0].as_ref().map_or(0, len);
    let is_empty = first == 0 || keys[1..].contains(&keys[0]);
    let standing = sets.iter().flatten();
    let (count, all) = standing.fold((0, 0), |(count, all), set| (count + 1, all + len(set)));
    !is_empty && first * count / 2 > all
}

/// `SINTERCARD numkeys key [key …] [LIMIT limit]`
pub(super) fn sintercard(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (keys, limit) = counted_keys_and_limit(call)?;
    let common = intersection(&model.sets(call, keys)?).len() as i64;
    out.integer(if limit > 0 { common.min(limit) } else { common });
    Ok(())
}

/// `numkeys key [key …] [LIMIT limit]`
fn counted_keys_and_limit(call: &Call) -> Result<(&[Vec<u8>], i64), Refusal> {
    let count = integer(call.word(1)).filter(|&count| count > 0);
    let count = count.ok_or("ERR numkeys should be greater than 0")?;
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    if count > call.rest(2).len() {
        return Err("ERR Number of keys can't be greater than number of args".into());
    }
    let (keys, rest) = call.rest(2).split_at(count);
    Ok((keys, limit_of(rest)?))
}

/// `[LIMIT limit]`; a limit of zero is none.
pub(super) fn limit_of(words: &[Vec<u8>]) -> Result<i64, Refusal> {
    let mut limit = 0;
    let mut rest = words;
    while let [word, value, behind @ ..] = rest {
        if !is(word, "LIMIT") {
            return Err(SYNTAX.into());
        }
        limit = integer(value).filter(|&limit| limit >= 0).ok_or("ERR LIMIT can't be negative")?;
        rest = behind;
    }
    if rest.is_empty() { Ok(limit) } else { Err(SYNTAX.into()) }
}
