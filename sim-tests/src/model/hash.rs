//! Hashes.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, wrong_arity};
use super::keyspace::Entry;
use super::long_double::LongDouble;
use super::number::integer;
use super::sample::{self, Shape};
use super::string::{WRONG_TYPE, argument, len_of};
use super::value::Value;
use crate::reply::Reply;
use std::collections::BTreeMap;

/// A hash, with what OBJECT ENCODING says of it.
#[derive(Clone, Debug)]
pub(super) struct HashValue {
    pub fields: BTreeMap<Vec<u8>, Vec<u8>>,
    /// Whether it is a listpack. Once it is none, it never is one again.
    pub is_packed: bool,
    /// Whether it may be none although it could be.
    is_unsure: bool,
}

/// Two hashes are the same data whatever their encodings.
impl PartialEq for HashValue {
    fn eq(&self, other: &HashValue) -> bool {
        self.fields == other.fields
    }
}

impl Eq for HashValue {}

/// How large a listpack may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub entries: i64,
    pub value_len: i64,
}

impl HashValue {
    fn new() -> HashValue {
        HashValue { fields: BTreeMap::new(), is_packed: true, is_unsure: false }
    }

    /// The same hash, of which nobody knows how it is kept.
    pub fn forget_encoding(self) -> HashValue {
        HashValue { is_packed: true, is_unsure: true, ..self }
    }

    /// One that was put together at once.
    pub fn gathered(fields: Vec<(Vec<u8>, Vec<u8>)>, limits: Limits) -> HashValue {
        let mut hash = HashValue::new();
        for (field, value) in fields {
            hash.set(&field, &value, limits);
        }
        hash
    }

    pub fn encoding_names(&self) -> &'static [&'static str] {
        match (self.is_packed, self.is_unsure) {
            (true, false) => &["listpack"],
            (true, true) => &["listpack", "hashtable"],
            (false, _) => &["hashtable"],
        }
    }

    /// Looks at what a command is about to store: fields and values.
    fn foresee(&mut self, words: &[Vec<u8>], limits: Limits) {
        let is_long = |word: &Vec<u8>| len_of(word) > limits.value_len;
        if (words.len() / 2) as i64 > limits.entries || words.iter().any(is_long) {
            self.is_packed = false;
        }
    }

    /// Stores a field; returns whether it is new.
    fn set(&mut self, field: &[u8], value: &[u8], limits: Limits) -> bool {
        let is_new = self.fields.insert(field.to_vec(), value.to_vec()).is_none();
        let is_long = len_of(field) > limits.value_len || len_of(value) > limits.value_len;
        if is_long || self.fields.len() as i64 > limits.entries {
            self.is_packed = false;
        }
        is_new
    }
}

fn hash_of(entry: &Entry) -> Result<&HashValue, Refusal> {
    if let Value::Hash(hash) = &entry.value { Ok(hash) } else { Err(WRONG_TYPE.into()) }
}

impl Model {
    pub(super) fn read_hash(&mut self, call: &Call) -> Result<Option<&HashValue>, Refusal> {
        self.keyspace.read(call.place, call.word(1), call.is_use).map(hash_of).transpose()
    }

    /// The hash that is to be changed, or a new one.
    fn write_hash(&mut self, call: &Call) -> Result<HashValue, Refusal> {
        let found = self.keyspace.write(call.place, call.word(1), call.is_use).map(hash_of).transpose()?;
        Ok(found.cloned().unwrap_or_else(HashValue::new))
    }

    pub(super) fn hash_limits(&self) -> Limits {
        Limits {
            entries: self.config.integer("hash-max-listpack-entries"),
            value_len: self.config.integer("hash-max-listpack-value"),
        }
    }
}

/// `HSET key field value [field value …]`
pub(super) fn hset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.integer(set_fields(model, call)?);
    Ok(())
}

/// `HMSET key field value [field value …]`
pub(super) fn hmset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_fields(model, call)?;
    out.ok();
    Ok(())
}

/// Stores fields; returns how many are new.
fn set_fields(model: &mut Model, call: &Call) -> Result<i64, Refusal> {
    let (pairs, []) = call.rest(2).as_chunks::<2>() else { return Err(wrong_arity(call.row.name)) };
    let limits = model.hash_limits();
    let mut hash = model.write_hash(call)?;
    hash.foresee(call.rest(2), limits);
    let new = pairs.iter().filter(|[field, value]| hash.set(field, value, limits)).count();
    model.update_key(call, call.word(1), Value::Hash(hash));
    Ok(new as i64)
}

/// `HSETNX key field value`
pub(super) fn hsetnx(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let limits = model.hash_limits();
    let mut hash = model.write_hash(call)?;
    let is_free = !hash.fields.contains_key(call.word(2));
    if is_free {
        hash.set(call.word(2), call.word(3), limits);
        model.update_key(call, call.word(1), Value::Hash(hash));
    }
    out.integer(i64::from(is_free));
    Ok(())
}

/// `HGET key field`
pub(super) fn hget(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let value = model.read_hash(call)?.and_then(|hash| hash.fields.get(call.word(2)));
    out.bulk_or_null(value.map(Vec::as_slice));
    Ok(())
}

/// `HMGET key field [field …]`
pub(super) fn hmget(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let hash = model.read_hash(call)?;
    out.array(call.rest(2).len());
    for field in call.rest(2) {
        out.bulk_or_null(hash.and_then(|hash| hash.fields.get(field)).map(Vec::as_slice));
    }
    Ok(())
}

/// `HDEL key field [field …]`
pub(super) fn hdel(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut hash = model.write_hash(call)?;
    let removed = call.rest(2).iter().filter(|field| hash.fields.remove(*field).is_some()).count();
    if removed > 0 {
        model.save(call, call.word(1), Value::Hash(hash));
    }
    out.integer(removed as i64);
    Ok(())
}

/// `HLEN key`
pub(super) fn hlen(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let hash = model.read_hash(call)?;
    out.integer(hash.map_or(0, |hash| hash.fields.len() as i64));
    Ok(())
}

/// `HSTRLEN key field`
pub(super) fn hstrlen(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let value = model.read_hash(call)?.and_then(|hash| hash.fields.get(call.word(2)));
    out.integer(value.map_or(0, |value| len_of(value)));
    Ok(())
}

/// `HEXISTS key field`
pub(super) fn hexists(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let hash = model.read_hash(call)?;
    out.integer(i64::from(hash.is_some_and(|hash| hash.fields.contains_key(call.word(2)))));
    Ok(())
}

/// `HKEYS key`
pub(super) fn hkeys(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let fields = model.read_hash(call)?.map(|hash| hash.fields.keys().cloned().collect());
    sample::in_any_order(out, Shape::Array, fields.unwrap_or_default());
    Ok(())
}

/// `HVALS key`
pub(super) fn hvals(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let values = model.read_hash(call)?.map(|hash| hash.fields.values().cloned().collect());
    sample::in_any_order(out, Shape::Array, values.unwrap_or_default());
    Ok(())
}

/// `HGETALL key`
pub(super) fn hgetall(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let fields = model.read_hash(call)?.map(|hash| hash.fields.clone()).unwrap_or_default();
    sample::pairs_in_any_order(out, fields);
    Ok(())
}

/// `HINCRBY key field increment`
pub(super) fn hincrby(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let by = argument(call.word(3))?;
    let limits = model.hash_limits();
    let mut hash = model.write_hash(call)?;
    let before = match hash.fields.get(call.word(2)) {
        None => 0,
        Some(value) => integer(value).ok_or("ERR hash value is not an integer")?,
    };
    let after = before.checked_add(by).ok_or("ERR increment or decrement would overflow")?;
    hash.set(call.word(2), after.to_string().as_bytes(), limits);
    model.update_key(call, call.word(1), Value::Hash(hash));
    out.integer(after);
    Ok(())
}

/// `HINCRBYFLOAT key field increment`
pub(super) fn hincrbyfloat(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let by = LongDouble::parse(call.word(3)).ok_or("ERR value is not a valid float")?;
    if by == LongDouble::Infinite {
        return Err("ERR value is NaN or Infinity".into());
    }
    let limits = model.hash_limits();
    let mut hash = model.write_hash(call)?;
    let before = match hash.fields.get(call.word(2)) {
        None => LongDouble::zero(),
        Some(value) => LongDouble::parse(value).ok_or("ERR hash value is not a float")?,
    };
    let after = before.plus(&by).ok_or("ERR increment would produce NaN or Infinity")?.print().into_bytes();
    hash.set(call.word(2), &after, limits);
    model.update_key(call, call.word(1), Value::Hash(hash));
    out.bulk(&after);
    Ok(())
}

/// `HRANDFIELD key [count [WITHVALUES]]`
pub(super) fn hrandfield(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let wish = sample::Wish::parse(call, "WITHVALUES")?;
    let hash = model.read_hash(call)?;
    let there = |hash: &HashValue| {
        hash.fields.iter().map(|(field, value)| (field.clone(), Reply::Bulk(value.clone()))).collect()
    };
    sample::random(out, wish, hash.map(there));
    Ok(())
}
