//! Sets.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::Call;
use super::keyspace::Entry;
use super::number::integer;
use super::sample::{self, Shape};
use super::string::{WRONG_TYPE, len_of};
use super::value::Value;
use crate::reply::Reply;
use std::collections::BTreeSet;

/// The members of a set.
pub(super) type Members = BTreeSet<Vec<u8>>;

/// A set, with what OBJECT ENCODING may say of it: more than one where it depends on an order that nobody knows.
#[derive(Clone, Debug)]
pub(super) struct SetValue {
    pub members: Members,
    encodings: BTreeSet<SetEncoding>,
}

/// Two sets are the same data whatever their encodings.
impl PartialEq for SetValue {
    fn eq(&self, other: &SetValue) -> bool {
        self.members == other.members
    }
}

impl Eq for SetValue {}

/// How Redis 7.2 keeps a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SetEncoding {
    Intset,
    Listpack,
    Table,
}

/// How large which encoding may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetLimits {
    intset: i64,
    listpack: i64,
    value_len: i64,
}

impl SetEncoding {
    /// What becomes of a set that has these members when another one is added.
    fn grown(self, members: &Members, member: &[u8], limits: SetLimits) -> SetEncoding {
        let count = members.len() as i64;
        let fits_listpack = || count < limits.listpack && len_of(member) <= limits.value_len;
        match self {
            SetEncoding::Intset if integer(member).is_some() => {
                if count < limits.intset {
                    SetEncoding::Intset
                } else {
                    SetEncoding::Table
                }
            }
            SetEncoding::Intset => {
                let are_short = members.iter().all(|member| len_of(member) <= limits.value_len);
                if fits_listpack() && are_short { SetEncoding::Listpack } else { SetEncoding::Table }
            }
            SetEncoding::Listpack if fits_listpack() => SetEncoding::Listpack,
            SetEncoding::Listpack | SetEncoding::Table => SetEncoding::Table,
        }
    }
}

impl SetValue {
    /// A set without members.
    pub fn empty(encoding: SetEncoding) -> SetValue {
        SetValue { members: Members::new(), encodings: BTreeSet::from([encoding]) }
    }

    /// A set as it comes to be when this member is the first of so many that may follow.
    fn begin(first: &[u8], count: i64, limits: SetLimits) -> SetValue {
        SetValue::empty(if integer(first).is_some() && count <= limits.intset {
            SetEncoding::Intset
        } else if count <= limits.listpack {
            SetEncoding::Listpack
        } else {
            SetEncoding::Table
        })
    }

    /// Expects so many members more.
    fn foresee(&mut self, count: i64, limits: SetLimits) {
        let foreseen = |encoding: &SetEncoding| match encoding {
            SetEncoding::Intset if count > limits.intset => SetEncoding::Table,
            SetEncoding::Listpack if count > limits.listpack => SetEncoding::Table,
            same => *same,
        };
        self.encodings = self.encodings.iter().map(foreseen).collect();
    }

    /// Adds a member; returns whether it is new.
    pub fn add(&mut self, member: &[u8], limits: SetLimits) -> bool {
        let is_new = !self.members.contains(member);
        if is_new {
            let grown = |encoding: &SetEncoding| encoding.grown(&self.members, member, limits);
            self.encodings = self.encodings.iter().map(grown).collect();
            self.members.insert(member.to_vec());
        }
        is_new
    }

    /// A set as it comes to be when a dump of its members is read.
    pub fn restored(members: &[Vec<u8>], limits: SetLimits) -> SetValue {
        let is_long = members.len() as i64 > limits.intset;
        let mut set = SetValue::empty(if is_long { SetEncoding::Table } else { SetEncoding::Intset });
        for member in members {
            set.add(member, limits);
        }
        set
    }

    /// The same members, added to an empty intset in an order that nobody knows.
    pub fn gathered(members: &Members, limits: SetLimits) -> SetValue {
        let (integers, texts): (Vec<_>, Vec<_>) =
            members.iter().partition(|member| integer(member).is_some());
        let build = |parts: [&Vec<&Vec<u8>>; 2]| {
            let mut set = SetValue::empty(SetEncoding::Intset);
            for member in parts.into_iter().flatten() {
                set.add(member, limits);
            }
            set
        };
        let (mut set, other) = (build([&integers, &texts]), build([&texts, &integers]));
        set.encodings.extend(other.encodings);
        set
    }

    /// A new set of some of the members. Only an intset begins as one.
    pub fn rebuilt(&self, members: &Members, limits: SetLimits) -> SetValue {
        let build = |encoding: &SetEncoding| {
            let is_intset = *encoding == SetEncoding::Intset;
            let mut set =
                SetValue::empty(if is_intset { SetEncoding::Intset } else { SetEncoding::Listpack });
            for member in members {
                set.add(member, limits);
            }
            set
        };
        self.encodings.iter().map(build).reduce(SetValue::or).unwrap_or_else(|| self.clone())
    }

    /// If all members are integers, and not too many, the set becomes an intset.
    pub fn prefer_intset(&mut self, limits: SetLimits) {
        let are_integers = self.members.iter().all(|member| integer(member).is_some());
        if are_integers && self.members.len() as i64 <= limits.intset {
            self.encodings = BTreeSet::from([SetEncoding::Intset]);
        }
    }

    /// The same set, of which nobody knows how it is kept.
    pub fn forget_encoding(self) -> SetValue {
        let encodings = if self.members.iter().all(|member| integer(member).is_some()) {
            BTreeSet::from([SetEncoding::Intset, SetEncoding::Listpack, SetEncoding::Table])
        } else {
            BTreeSet::from([SetEncoding::Listpack, SetEncoding::Table])
        };
        SetValue { encodings, ..self }
    }

    /// The encodings it may have.
    pub fn encodings(&self) -> impl Iterator<Item = SetEncoding> {
        self.encodings.iter().copied()
    }

    /// A set that may be either of two.
    pub fn or(mut self, other: SetValue) -> SetValue {
        self.encodings.extend(other.encodings);
        self
    }

    pub fn encoding_names(&self) -> &'static [&'static str] {
        let has = |encoding| self.encodings.contains(&encoding);
        match (has(SetEncoding::Intset), has(SetEncoding::Listpack), has(SetEncoding::Table)) {
            (true, false, false) => &["intset"],
            (false, true, false) => &["listpack"],
            (true, true, false) => &["intset", "listpack"],
            (true, false, true) => &["intset", "hashtable"],
            (false, true, true) => &["listpack", "hashtable"],
            (true, true, true) => &["intset", "listpack", "hashtable"],
            (false, false, _) => &["hashtable"],
        }
    }
}

fn set_of(entry: &Entry) -> Result<&SetValue, Refusal> {
    if let Value::Set(set) = &entry.value { Ok(set) } else { Err(WRONG_TYPE.into()) }
}

impl Model {
    pub(super) fn read_set(&mut self, call: &Call, key: &[u8]) -> Result<Option<&SetValue>, Refusal> {
        self.keyspace.read(call.place, key, call.is_use).map(set_of).transpose()
    }

    /// The set that is to be changed.
    pub(super) fn write_set(&mut self, call: &Call, key: &[u8]) -> Result<Option<SetValue>, Refusal> {
        Ok(self.keyspace.write(call.place, key, call.is_use).map(set_of).transpose()?.cloned())
    }

    pub(super) fn set_limits(&self) -> SetLimits {
        // Redis keeps intsets within this, whatever it is told.
        const INTSET_MAX: i64 = 1 << 30;
        SetLimits {
            intset: self.config.integer("set-max-intset-entries").min(INTSET_MAX),
            listpack: self.config.integer("set-max-listpack-entries"),
            value_len: self.config.integer("set-max-listpack-value"),
        }
    }
}

/// `SADD key member [member …]`
pub(super) fn sadd(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (members, limits) = (call.rest(2), model.set_limits());
    let count = members.len() as i64;
    let mut set = match model.write_set(call, call.word(1))? {
        None => SetValue::begin(call.word(2), count, limits),
        Some(mut set) => {
            set.foresee(count, limits);
            set
        }
    };
    let added = members.iter().filter(|member| set.add(member, limits)).count();
    if added > 0 {
        model.update_key(call, call.word(1), Value::Set(set));
    } else {
        model.keyspace.adjust(call.place, call.word(1), |value| *value = Value::Set(set));
    }
    out.integer(added as i64);
    Ok(())
}

/// `SREM key member [member …]`
pub(super) fn srem(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let removed = match model.write_set(call, call.word(1))? {
        None => 0,
        Some(mut set) => {
            let removed = call.rest(2).iter().filter(|member| set.members.remove(*member)).count();
            if removed > 0 {
                model.heard.skip(&call.words);
                model.save(call, call.word(1), Value::Set(set));
            }
            removed
        }
    };
    out.integer(removed as i64);
    Ok(())
}

/// `SMOVE source destination member`
pub(super) fn smove(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (from, to, member) = (call.word(1), call.word(2), call.word(3));
    let limits = model.set_limits();
    let source = model.keyspace.write(call.place, from, call.is_use).cloned();
    let target = model.keyspace.write(call.place, to, call.is_use).cloned();
    let Some(source) = source else {
        out.integer(0);
        return Ok(());
    };
    let mut source = set_of(&source)?.clone();
    let target = target.as_ref().map(set_of).transpose()?;
    let moves = if from == to {
        source.members.contains(member)
    } else if source.members.remove(member) {
        let mut target = target.cloned().unwrap_or_else(|| SetValue::begin(member, 1, limits));
        model.save(call, from, Value::Set(source));
        // A member that is there already changes nothing.
        if target.add(member, limits) {
            model.update_key(call, to, Value::Set(target));
        }
        true
    } else {
        false
    };
    out.integer(i64::from(moves));
    Ok(())
}

/// `SISMEMBER key member`
pub(super) fn sismember(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let set = model.read_set(call, call.word(1))?;
    out.integer(i64::from(set.is_some_and(|set| set.members.contains(call.word(2)))));
    Ok(())
}

/// `SMISMEMBER key member [member …]`
pub(super) fn smismember(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let set = model.read_set(call, call.word(1))?;
    out.array(call.rest(2).len());
    for member in call.rest(2) {
        out.integer(i64::from(set.is_some_and(|set| set.members.contains(member))));
    }
    Ok(())
}

/// `SCARD key`
pub(super) fn scard(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let set = model.read_set(call, call.word(1))?;
    out.integer(set.map_or(0, |set| set.members.len() as i64));
    Ok(())
}

/// `SMEMBERS key`
pub(super) fn smembers(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let members = model.read_set(call, call.word(1))?.map(|set| set.members.iter().cloned().collect());
    sample::in_any_order(out, Shape::Set, members.unwrap_or_default());
    Ok(())
}

/// `SRANDMEMBER key [count]`
pub(super) fn srandmember(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let wish = sample::Wish::parse_count(call)?;
    let set = model.read_set(call, call.word(1))?;
    let there = |set: &SetValue| set.members.iter().map(|member| (member.clone(), Reply::Null)).collect();
    sample::random(out, wish, set.map(there));
    Ok(())
}
