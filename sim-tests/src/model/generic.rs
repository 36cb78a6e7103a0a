//! Keys of any type.

use super::answer::{Expected, Out, Refusal};
use super::call::{Call, is};
use super::keyspace::Entry;
use super::number::integer;
use super::string::{NOT_AN_INTEGER, SYNTAX};
use super::value::{Encoding, Value};
use super::{Model, glob};
use crate::reply::Reply;

const NO_SUCH_KEY: &str = "ERR no such key";
const SAME_OBJECT: &str = "ERR source and destination objects are the same";
pub(super) const NO_SUCH_DATABASE: &str = "ERR DB index is out of range";

/// Redis shares the integers below this, and shows so.
const SHARED_END: i64 = 10_000;

/// What OBJECT REFCOUNT shows for one that is shared.
const SHARED_COUNT: i64 = i32::MAX as i64;

/// How far the server's clock of uses may be off, in seconds: it moves in steps of one.
const IDLE_TOLERANCE: u64 = 2;

/// A number of a database among the arguments.
pub(super) fn database(model: &Model, word: &[u8]) -> Result<usize, Refusal> {
    let number = integer(word).ok_or(NOT_AN_INTEGER)?;
    let number = i32::try_from(number)
        .map_err(|_| "ERR value is out of range, value must between -2147483648 and 2147483647")?;
    usize::try_from(number)
        .ok()
        .filter(|&index| index < model.keyspace.count())
        .ok_or_else(|| NO_SUCH_DATABASE.into())
}

/// `COPY source destination [DB destination-db] [REPLACE]`
pub(super) fn copy(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (from, to) = (call.word(1), call.word(2));
    let (mut target, mut replaces) = (call.place, false);
    let mut rest = call.rest(3);
    while let [word, behind @ ..] = rest {
        rest = behind;
        if is(word, "REPLACE") {
            replaces = true;
        } else if let (true, [index, behind @ ..]) = (is(word, "DB"), rest) {
            target = model.keyspace.place(database(model, index)?);
            rest = behind;
        } else {
            return Err(SYNTAX.into());
        }
    }
    if target == call.place && from == to {
        return Err(SAME_OBJECT.into());
    }
    let source = model.keyspace.read(call.place, from, call.is_use).cloned();
    let copied = match source {
        None => false,
        Some(source) => {
            let is_taken = model.keyspace.write(target, to, call.is_use).is_some();
            if !is_taken || replaces {
                model.keyspace.put(target, to, source.value, source.expiry_ms);
            }
            !is_taken || replaces
        }
    };
    out.integer(i64::from(copied));
    Ok(())
}

/// `DEL key [key …]`, `UNLINK key [key …]`
pub(super) fn del(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut count = 0;
    for key in call.rest(1) {
        if model.keyspace.write(call.place, key, call.is_use).is_some() {
            model.keyspace.remove(call.place, key);
            count += 1;
        }
    }
    out.integer(count);
    Ok(())
}

/// `EXISTS key [key …]`
pub(super) fn exists(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    count_keys(model, call, false, out)
}

/// `TOUCH key [key …]`
pub(super) fn touch(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    count_keys(model, call, true, out)
}

fn count_keys(model: &mut Model, call: &Call, is_use: bool, out: &mut Out) -> Result<(), Refusal> {
    let mut count = 0;
    for key in call.rest(1) {
        count += i64::from(model.keyspace.read(call.place, key, is_use).is_some());
    }
    out.integer(count);
    Ok(())
}

/// `KEYS pattern`
pub(super) fn keys(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let living = model.keyspace.living(call.place).map(|(key, _)| key);
    let expected: Vec<Vec<u8>> = living.filter(|key| glob::matches(call.word(1), key)).cloned().collect();
    out.judged(move |reply| {
        let Reply::Array(found) = reply else { return Err("an array of keys".to_owned()) };
        let found: Option<Vec<&[u8]>> = found.iter().map(bulk).collect();
        let mut found = found.ok_or("an array of keys")?;
        found.sort_unstable();
        if found == expected {
            return Ok(());
        }
        let missing = expected.iter().find(|key| found.binary_search(&key.as_slice()).is_err());
        let surplus = found.iter().find(|key| !expected.iter().any(|other| other == **key));
        let shown = |key: Option<&[u8]>| key.map_or("nothing".to_owned(), super::shown);
        Err(format!(
            "{} keys; missing is {}, and too much is {}",
            expected.len(),
            shown(missing.map(Vec::as_slice)),
            shown(surplus.copied())
        ))
    });
    Ok(())
}

/// The text of a bulk string.
pub(super) fn bulk(reply: &Reply) -> Option<&[u8]> {
    if let Reply::Bulk(text) = reply { Some(text) } else { None }
}

/// `MOVE key db`
pub(super) fn move_key(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let target = model.keyspace.place(database(model, call.word(2))?);
    if target == call.place {
        return Err(SAME_OBJECT.into());
    }
    let is_there = model.keyspace.write(call.place, key, call.is_use).is_some();
    let moves = is_there && model.keyspace.write(target, key, call.is_use).is_none();
    if moves && let Some(entry) = model.keyspace.remove(call.place, key) {
        put_entry(model, target, key, entry);
    }
    out.integer(i64::from(moves));
    Ok(())
}

/// Stores an entry that stood elsewhere; it stays as long unused as it was.
fn put_entry(model: &mut Model, place: super::keyspace::Place, key: &[u8], entry: Entry) {
    let used = entry.used;
    model.keyspace.put(place, key, entry.value, entry.expiry_ms);
    model.keyspace.change(place, key, |entry| entry.used = used);
}

/// `RANDOMKEY`
pub(super) fn randomkey(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if model.keyspace.living(call.place).next().is_some() {
        let moment = model.keyspace.moment;
        out.special(Expected::AnyKey { moment, place: call.place, now_ms: call.now_ms });
    } else {
        out.null();
    }
    Ok(())
}

/// `RENAME key newkey`
pub(super) fn rename(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    rename_key(model, call, true)?;
    out.ok();
    Ok(())
}

/// `RENAMENX key newkey`
pub(super) fn renamenx(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let renamed = rename_key(model, call, false)?;
    out.integer(i64::from(renamed));
    Ok(())
}

fn rename_key(model: &mut Model, call: &Call, replaces: bool) -> Result<bool, Refusal> {
    let (from, to) = (call.word(1), call.word(2));
    if model.keyspace.write(call.place, from, call.is_use).is_none() {
        return Err(NO_SUCH_KEY.into());
    }
    if from == to {
        return Ok(false);
    }
    let is_free = model.keyspace.write(call.place, to, call.is_use).is_none();
    if !is_free && !replaces {
        return Ok(false);
    }
    if let Some(entry) = model.keyspace.remove(call.place, from) {
        put_entry(model, call.place, to, entry);
    }
    Ok(true)
}

/// `TYPE key`
pub(super) fn type_of(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let entry = model.keyspace.read(call.place, call.word(1), false);
    out.simple(entry.map_or("none", |entry| entry.value.type_name()).as_bytes());
    Ok(())
}

/// `OBJECT ENCODING key`
pub(super) fn object_encoding(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let names =
        model.keyspace.read(call.place, call.word(2), false).map(|entry| entry.value.encoding_names());
    match names {
        None => out.null(),
        Some([name]) => out.bulk(name.as_bytes()),
        Some(names) => out.judged(move |reply| {
            let fits = bulk(reply).is_some_and(|found| names.iter().any(|name| name.as_bytes() == found));
            if fits { Ok(()) } else { Err(format!("one of {names:?}")) }
        }),
    }
    Ok(())
}

/// `OBJECT REFCOUNT key`
pub(super) fn object_refcount(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some(entry) = model.keyspace.read(call.place, call.word(2), false) else {
        out.null();
        return Ok(());
    };
    let encoding = match &entry.value {
        Value::String(string)
            if integer(&string.bytes).is_some_and(|number| (0..SHARED_END).contains(&number)) =>
        {
            string.encoding
        }
        _ => Encoding::Raw,
    };
    match encoding {
        Encoding::Int => out.integer(SHARED_COUNT),
        Encoding::Embstr | Encoding::Raw => out.integer(1),
        Encoding::Unknown => out.judged(|reply| match reply {
            Reply::Integer(1 | SHARED_COUNT) => Ok(()),
            _ => Err("a number of references".to_owned()),
        }),
    }
    Ok(())
}

/// `OBJECT FREQ key`
pub(super) fn object_freq(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if model.keyspace.read(call.place, call.word(2), false).is_none() {
        out.null();
        return Ok(());
    }
    if !model.config.counts_uses() {
        return Err(
            "ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when \
             switching between policies at runtime LRU and LFU data will take some time to adjust."
                .into(),
        );
    }
    out.judged(|reply| match reply {
        Reply::Integer(0..=255) => Ok(()),
        _ => Err("an integer from 0 to 255".to_owned()),
    });
    Ok(())
}

/// `OBJECT IDLETIME key`
pub(super) fn object_idletime(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some(used) = model.keyspace.read(call.place, call.word(2), false).map(|entry| entry.used) else {
        out.null();
        return Ok(());
    };
    if model.config.counts_uses() {
        return Err(
            "ERR An LFU maxmemory policy is selected, idle time not tracked. Please note that when switching \
             between policies at runtime LRU and LFU data will take some time to adjust."
                .into(),
        );
    }
    // Which clock the server goes by shows only when the calendar jumps, and then nobody is wrong.
    let idle_us = model.clock.monotonic_us.saturating_sub(used.monotonic_us);
    let wall_us = model.clock.wall_us.saturating_sub(used.wall_us);
    let jumped = idle_us.abs_diff(wall_us) > 1_000_000 || model.config.has_changed("maxmemory-policy");
    let idle = idle_us / 1_000_000;
    // What was loaded was used at some time while that went on.
    let is_loaded = used == model.loaded;
    let loading_us = model.loaded.monotonic_us.saturating_sub(model.started.monotonic_us);
    let tolerance = IDLE_TOLERANCE + if is_loaded { loading_us.div_ceil(1_000_000) } else { 0 };
    out.judged(move |reply| match reply {
        Reply::Integer(found) if *found >= 0 => {
            let fits = jumped || found.unsigned_abs().abs_diff(idle) <= tolerance;
            if fits { Ok(()) } else { Err(format!("about {idle} seconds")) }
        }
        _ => Err("a number of seconds".to_owned()),
    });
    Ok(())
}
