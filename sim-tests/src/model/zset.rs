//! Sorted sets.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is, wrong_arity};
use super::double;
use super::keyspace::Entry;
use super::sample;
use super::string::{SYNTAX, WRONG_TYPE, len_of};
use super::value::Value;
use crate::reply::Reply;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A member with its score.
pub(super) type Scored = (Vec<u8>, f64);

/// A sorted set, with what OBJECT ENCODING says of it. Members with equal scores count in order of their bytes.
#[derive(Clone, Debug)]
pub(super) struct ZsetValue {
    pub scores: BTreeMap<Vec<u8>, f64>,
    /// Whether it is a listpack.
    pub is_packed: bool,
    /// Whether it may be none although it could be.
    is_unsure: bool,
}

/// Two sorted sets are the same data whatever their encodings.
impl PartialEq for ZsetValue {
    fn eq(&self, other: &ZsetValue) -> bool {
        self.scores == other.scores
    }
}

impl Eq for ZsetValue {}

/// How large a listpack may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct ZsetLimits {
    pub entries: i64,
    pub value_len: i64,
}

impl ZsetValue {
    /// An empty one, for so many members.
    pub fn for_count(count: i64, limits: ZsetLimits) -> ZsetValue {
        ZsetValue { scores: BTreeMap::new(), is_packed: count <= limits.entries, is_unsure: false }
    }

    /// One that was put together at once.
    pub fn gathered(scores: BTreeMap<Vec<u8>, f64>, limits: ZsetLimits) -> ZsetValue {
        let are_short = scores.keys().all(|member| len_of(member) <= limits.value_len);
        let is_packed = scores.len() as i64 <= limits.entries && are_short;
        let mut zset = ZsetValue { scores, is_packed, is_unsure: false };
        if is_packed {
            zset.scores.values_mut().for_each(|score| *score += 0.0);
        }
        zset
    }

    /// The same sorted set, of which nobody knows how it is kept.
    pub fn forget_encoding(self) -> ZsetValue {
        ZsetValue { is_unsure: true, ..self }
    }

    /// Members by rank alone, which does not depend on how they are kept.
    pub fn of_scores(scores: BTreeMap<Vec<u8>, f64>) -> ZsetValue {
        ZsetValue { scores, is_packed: false, is_unsure: false }
    }

    /// Stores a score.
    pub fn set(&mut self, member: &[u8], score: f64, limits: ZsetLimits) {
        if !self.scores.contains_key(member)
            && (self.scores.len() as i64 >= limits.entries || len_of(member) > limits.value_len)
        {
            (self.is_packed, self.is_unsure) = (false, false);
        }
        // A listpack keeps an integer as such, and no integer is below zero and zero.
        let score = if self.is_packed && score == 0.0 { 0.0 } else { score };
        self.scores.insert(member.to_vec(), score);
    }

    /// The members by their ranks.
    pub fn ranked(&self) -> Vec<Scored> {
        let mut ranked: Vec<Scored> =
            self.scores.iter().map(|(member, &score)| (member.clone(), score)).collect();
        // Members come in order already, and sorting leaves those with equal scores so.
        ranked.sort_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal));
        ranked
    }

    pub fn encoding_names(&self) -> &'static [&'static str] {
        match (self.is_packed, self.is_unsure) {
            (_, true) => &["listpack", "skiplist"],
            (true, false) => &["listpack"],
            (false, false) => &["skiplist"],
        }
    }
}

fn zset_of(entry: &Entry) -> Result<&ZsetValue, Refusal> {
    if let Value::SortedSet(zset) = &entry.value { Ok(zset) } else { Err(WRONG_TYPE.into()) }
}

impl Model {
    pub(super) fn read_zset(&mut self, call: &Call, key: &[u8]) -> Result<Option<&ZsetValue>, Refusal> {
        self.keyspace.read(call.place, key, call.is_use).map(zset_of).transpose()
    }

    /// The sorted set that is to be changed.
    pub(super) fn write_zset(&mut self, call: &Call, key: &[u8]) -> Result<Option<ZsetValue>, Refusal> {
        Ok(self.keyspace.write(call.place, key, call.is_use).map(zset_of).transpose()?.cloned())
    }

    pub(super) fn zset_limits(&self) -> ZsetLimits {
        ZsetLimits {
            entries: self.config.integer("zset-max-listpack-entries"),
            value_len: self.config.integer("zset-max-listpack-value"),
        }
    }
}

/// How members and scores are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pairs {
    /// Members alone.
    Members,
    /// In RESP3 each member and its score in an array of their own; in RESP2 all in one.
    Scored,
    /// All in one array, whatever the protocol.
    Flat,
    /// Each member and its score in an array of their own, whatever the protocol.
    Nested,
}

/// Writes members, and their scores if asked for.
pub(super) fn show(out: &mut Out, items: &[Scored], pairs: Pairs) {
    let nests = pairs == Pairs::Nested || pairs == Pairs::Scored && out.is_resp3;
    let width = if nests || pairs == Pairs::Members { 1 } else { 2 };
    out.array(width * items.len());
    for (member, score) in items {
        if nests {
            out.array(2);
        }
        out.bulk(member);
        if pairs != Pairs::Members {
            out.double(&double::print(*score));
        }
    }
}

/// The options of ZADD.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    only_new: bool,
    only_old: bool,
    only_greater: bool,
    only_less: bool,
    counts_changes: bool,
    adds: bool,
}

impl Conditions {
    /// Reads options; returns them with what follows.
    fn parse(words: &[Vec<u8>]) -> (Conditions, &[Vec<u8>]) {
        let mut found = Conditions::default();
        let mut rest = words;
        while let [word, behind @ ..] = rest {
            let options = [
                ("NX", &mut found.only_new),
                ("XX", &mut found.only_old),
                ("GT", &mut found.only_greater),
                ("LT", &mut found.only_less),
                ("CH", &mut found.counts_changes),
                ("INCR", &mut found.adds),
            ];
            let Some((_, option)) = options.into_iter().find(|(name, _)| is(word, name)) else { break };
            *option = true;
            rest = behind;
        }
        (found, rest)
    }

    fn check(self, pairs: usize) -> Result<(), Refusal> {
        if self.only_new && self.only_old {
            return Err("ERR XX and NX options at the same time are not compatible".into());
        }
        if [self.only_new, self.only_greater, self.only_less].into_iter().filter(|&is_set| is_set).count() > 1
        {
            return Err("ERR GT, LT, and/or NX options at the same time are not compatible".into());
        }
        if self.adds && pairs > 1 {
            return Err("ERR INCR option supports a single increment-element pair".into());
        }
        Ok(())
    }

    /// The score a member gets; `None` where nothing is to be done.
    fn score(self, before: Option<f64>, given: f64) -> Result<Option<f64>, Refusal> {
        let Some(before) = before else { return Ok((!self.only_old).then_some(given)) };
        if self.only_new {
            return Ok(None);
        }
        let score = if self.adds { before + given } else { given };
        if score.is_nan() {
            return Err("ERR resulting score is not a number (NaN)".into());
        }
        let goes = (self.only_greater && score <= before) || (self.only_less && score >= before);
        Ok((!goes).then_some(score))
    }
}

/// `ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]`
pub(super) fn zadd(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    add(model, call, false, out)
}

/// `ZINCRBY key increment member`
pub(super) fn zincrby(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    // What looks like an option is taken for one here too, and then too few words are left.
    add(model, call, true, out)
}

fn add(model: &mut Model, call: &Call, adds: bool, out: &mut Out) -> Result<(), Refusal> {
    let (mut conditions, rest) = Conditions::parse(call.rest(2));
    conditions.adds |= adds;
    let (pairs, surplus) = rest.as_chunks::<2>();
    if pairs.is_empty() || !surplus.is_empty() {
        return Err(SYNTAX.into());
    }
    conditions.check(pairs.len())?;
    let numbers = pairs.iter().map(|[score, _]| double::parse(score));
    let scores: Vec<f64> = numbers.collect::<Option<_>>().ok_or("ERR value is not a valid float")?;
    let (key, limits) = (call.word(1), model.zset_limits());
    let found = model.write_zset(call, key)?;
    if found.is_none() && conditions.only_old {
        if conditions.adds {
            out.null();
        } else {
            out.integer(0);
        }
        return Ok(());
    }
    let is_new = found.is_none();
    let mut zset = found.unwrap_or_else(|| ZsetValue::for_count(pairs.len() as i64, limits));
    if is_new && len_of(&pairs[0][1]) > limits.value_len || pairs.len() as i64 > limits.entries {
        zset.is_packed = false;
    }
    let (mut added, mut changed, mut last) = (0, 0, None);
    for ([_, member], given) in pairs.iter().zip(scores) {
        let before = zset.scores.get(member).copied();
        last = conditions.score(before, given)?;
        if let Some(score) = last.filter(|score| before != Some(*score)) {
            added += i64::from(before.is_none());
            changed += i64::from(before.is_some());
            zset.set(member, score, limits);
        }
    }
    if added + changed > 0 {
        model.update_key(call, key, Value::SortedSet(zset));
    } else {
        model.keyspace.adjust(call.place, key, |value| *value = Value::SortedSet(zset));
    }
    match last {
        _ if !conditions.adds => out.integer(if conditions.counts_changes { added + changed } else { added }),
        Some(score) => out.double(&double::print(score)),
        None => out.null(),
    }
    Ok(())
}

/// `ZREM key member [member …]`
pub(super) fn zrem(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut removed = 0;
    if let Some(mut zset) = model.write_zset(call, call.word(1))? {
        removed = call.rest(2).iter().filter(|member| zset.scores.remove(*member).is_some()).count();
        if removed > 0 {
            model.save(call, call.word(1), Value::SortedSet(zset));
        }
    }
    out.integer(removed as i64);
    Ok(())
}

/// `ZCARD key`
pub(super) fn zcard(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let zset = model.read_zset(call, call.word(1))?;
    out.integer(zset.map_or(0, |zset| zset.scores.len() as i64));
    Ok(())
}

/// `ZSCORE key member`
pub(super) fn zscore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let zset = model.read_zset(call, call.word(1))?;
    show_score(out, zset.and_then(|zset| zset.scores.get(call.word(2))));
    Ok(())
}

/// `ZMSCORE key member [member …]`
pub(super) fn zmscore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let zset = model.read_zset(call, call.word(1))?;
    out.array(call.rest(2).len());
    for member in call.rest(2) {
        show_score(out, zset.and_then(|zset| zset.scores.get(member)));
    }
    Ok(())
}

fn show_score(out: &mut Out, score: Option<&f64>) {
    match score {
        Some(score) => out.double(&double::print(*score)),
        None => out.null(),
    }
}

/// `ZRANK key member [WITHSCORE]`
pub(super) fn zrank(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    rank(model, call, false, out)
}

/// `ZREVRANK key member [WITHSCORE]`
pub(super) fn zrevrank(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    rank(model, call, true, out)
}

fn rank(model: &mut Model, call: &Call, reverses: bool, out: &mut Out) -> Result<(), Refusal> {
    let with_score = match call.rest(3) {
        [] => false,
        [word] if is(word, "WITHSCORE") => true,
        [_] => return Err(SYNTAX.into()),
        _ => return Err(wrong_arity(call.row.name)),
    };
    let ranked = model.read_zset(call, call.word(1))?.map(ZsetValue::ranked).unwrap_or_default();
    let found = ranked.iter().position(|(member, _)| member == call.word(2));
    match found {
        None if with_score => out.null_array(),
        None => out.null(),
        Some(place) => {
            if with_score {
                out.array(2);
            }
            out.integer(if reverses { ranked.len() - 1 - place } else { place } as i64);
            if with_score {
                out.double(&double::print(ranked[place].1));
            }
        }
    }
    Ok(())
}

/// `ZRANDMEMBER key [count [WITHSCORES]]`
pub(super) fn zrandmember(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let wish = sample::Wish::parse(call, "WITHSCORES")?;
    let is_resp3 = out.is_resp3;
    let shown = |score: f64| {
        let text = double::print(score);
        if is_resp3 { Reply::Double(text) } else { Reply::Bulk(text) }
    };
    let there = |zset: &ZsetValue| {
        zset.scores.iter().map(|(member, &score)| (member.clone(), shown(score))).collect()
    };
    let population = model.read_zset(call, call.word(1))?.map(there);
    sample::random(out, wish, population);
    Ok(())
}
