//! Values as bytes: DUMP and RESTORE.

use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::hash::{self, HashValue};
use super::list::ListValue;
use super::set::{SetEncoding, SetValue};
use super::string::{SYNTAX, argument};
use super::value::Value;
use super::zset::{ZsetLimits, ZsetValue};
use super::{Model, generic};
use crate::payload::{self, Dumped, Fault};

/// `DUMP key`
pub(super) fn dump(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some(entry) = model.keyspace.read(call.place, call.word(1), call.is_use) else {
        out.null();
        return Ok(());
    };
    let value = entry.value.clone();
    out.judged(move |reply| {
        let dumped = generic::bulk(reply).ok_or("a payload")?;
        let dumped = payload::decode(dumped)
            .map_err(|fault| format!("a payload, without a fault in its {fault:?}"))?;
        if data(dumped) == value { Ok(()) } else { Err(format!("a payload of {}", value.shown())) }
    });
    Ok(())
}

/// What follows the arguments of RESTORE that have to be there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct RestoreOptions {
    pub replaces: bool,
    pub is_absolute: bool,
    /// For how long the key has not been used.
    pub idle_seconds: u64,
}

impl RestoreOptions {
    pub fn parse<W: AsRef<[u8]>>(words: &[W]) -> Result<RestoreOptions, Refusal> {
        let mut options = RestoreOptions::default();
        let (mut has_idle, mut has_frequency) = (false, false);
        let mut words = words.iter().map(AsRef::as_ref);
        while let Some(word) = words.next() {
            if is(word, "REPLACE") {
                options.replaces = true;
            } else if is(word, "ABSTTL") {
                options.is_absolute = true;
            } else if is(word, "IDLETIME") && !has_frequency {
                has_idle = true;
                options.idle_seconds = u64::try_from(argument(words.next().ok_or(SYNTAX)?)?)
                    .map_err(|_| "ERR Invalid IDLETIME value, must be >= 0")?;
            } else if is(word, "FREQ") && !has_idle {
                has_frequency = true;
                if !(0..=255).contains(&argument(words.next().ok_or(SYNTAX)?)?) {
                    return Err("ERR Invalid FREQ value, must be >= 0 and <= 255".into());
                }
            } else {
                return Err(SYNTAX.into());
            }
        }
        Ok(options)
    }
}

/// `RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] [FREQ frequency]`
pub(super) fn restore(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let options = RestoreOptions::parse(call.rest(4))?;
    if !options.replaces && model.keyspace.write(call.place, key, call.is_use).is_some() {
        return Err("BUSYKEY Target key name already exists.".into());
    }
    let ttl = argument(call.word(2))?;
    if ttl < 0 {
        return Err("ERR Invalid TTL value, must be >= 0".into());
    }
    let dumped = payload::decode(call.word(3)).map_err(|fault| match fault {
        Fault::Footer => "ERR DUMP payload version or checksum are wrong",
        Fault::Body => "ERR Bad data format",
    })?;
    let value = model.restored(dumped);
    model.keyspace.write(call.place, key, call.is_use);
    let base_ms = if options.is_absolute { 0 } else { call.now_ms };
    let expiry_ms = (ttl > 0).then(|| ttl.saturating_add(base_ms));
    if expiry_ms.is_none_or(|expiry_ms| expiry_ms > call.now_ms) {
        model.keyspace.put(call.place, key, value, expiry_ms);
        let idle_us = options.idle_seconds.saturating_mul(1_000_000);
        model.keyspace.change(call.place, key, |entry| {
            entry.used.wall_us = entry.used.wall_us.saturating_sub(idle_us);
            entry.used.monotonic_us = entry.used.monotonic_us.saturating_sub(idle_us);
        });
    } else if model.keyspace.living_entry(call.place, key).is_some() {
        model.keyspace.remove(call.place, key);
    }
    out.ok();
    Ok(())
}

impl Model {
    /// The value that a dump becomes.
    fn restored(&self, dumped: Dumped) -> Value {
        match dumped {
            Dumped::String(text) => Value::string(text),
            Dumped::List(items) => Value::List(ListValue::gathered(items, self.list_limit())),
            Dumped::Set(members) => Value::Set(SetValue::restored(&members, self.set_limits())),
            Dumped::SortedSet(members) => {
                Value::SortedSet(ZsetValue::gathered(members.into_iter().collect(), self.zset_limits()))
            }
            Dumped::Hash(fields) => Value::Hash(HashValue::gathered(fields, self.hash_limits())),
        }
    }
}

/// What a dump is, however it is kept.
pub(super) fn data(dumped: Dumped) -> Value {
    match dumped {
        Dumped::String(text) => Value::raw(text),
        Dumped::List(items) => Value::List(ListValue::new(items)),
        Dumped::Set(members) => {
            let mut set = SetValue::empty(SetEncoding::Table);
            set.members.extend(members);
            Value::Set(set)
        }
        Dumped::SortedSet(members) => {
            let none = ZsetLimits { entries: 0, value_len: 0 };
            Value::SortedSet(ZsetValue::gathered(members.into_iter().collect(), none))
        }
        Dumped::Hash(fields) => {
            Value::Hash(HashValue::gathered(fields, hash::Limits { entries: 0, value_len: 0 }))
        }
    }
}
