//! Strings.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is, wrong_arity};
use super::keyspace::Entry;
use super::long_double::LongDouble;
use super::number::integer;
use super::value::{StringValue, Value};

pub(super) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(super) const SYNTAX: &str = "ERR syntax error";
pub(super) const WRONG_TYPE: &str = "WRONGTYPE Operation against a key holding the wrong kind of value";
const NOT_A_FLOAT: &str = "ERR value is not a valid float";
const OVERFLOW: &str = "ERR increment or decrement would overflow";
const TOO_LONG: &str = "ERR string exceeds maximum allowed size (proto-max-bulk-len)";

/// An integer among the arguments.
pub(super) fn argument(word: &[u8]) -> Result<i64, Refusal> {
    integer(word).ok_or_else(|| NOT_AN_INTEGER.into())
}

/// The string a key holds; a key of another type is an error.
pub(super) fn string_of(entry: &Entry) -> Result<&StringValue, Refusal> {
    match &entry.value {
        Value::String(string) => Ok(string),
        _ => Err(WRONG_TYPE.into()),
    }
}

impl Model {
    /// Reads a string.
    pub(super) fn read_string(&mut self, call: &Call, key: &[u8]) -> Result<Option<&StringValue>, Refusal> {
        self.keyspace.read(call.place, key, call.is_use).map(string_of).transpose()
    }

    /// Looks a string up that is to be changed.
    fn write_string(&mut self, call: &Call, key: &[u8]) -> Result<Option<&StringValue>, Refusal> {
        self.keyspace.write(call.place, key, call.is_use).map(string_of).transpose()
    }

    /// Stores a value whatever was there before; the expiry goes.
    pub(super) fn set_key(&mut self, call: &Call, key: &[u8], value: Value, expiry_ms: Option<i64>) {
        self.keyspace.write(call.place, key, call.is_use);
        self.keyspace.put(call.place, key, value, expiry_ms);
    }

    /// Stores a value where one may be; the expiry stays. A collection is changed in its place: that alone is no use.
    pub(super) fn update_key(&mut self, call: &Call, key: &[u8], value: Value) {
        let same_type = |entry: &Entry| entry.value.type_name() == value.type_name();
        let is_string = matches!(value, Value::String(_));
        if !is_string && self.keyspace.living_entry(call.place, key).is_some_and(same_type) {
            return self.keyspace.change(call.place, key, |entry| entry.value = value);
        }
        let expiry_ms = self.keyspace.living_entry(call.place, key).and_then(|entry| entry.expiry_ms);
        self.keyspace.put(call.place, key, value, expiry_ms);
    }

    /// Stores what a command has left of a value; nothing that is empty stays.
    pub(super) fn save(&mut self, call: &Call, key: &[u8], value: Value) {
        if value.is_empty() {
            self.keyspace.remove(call.place, key);
        } else {
            self.update_key(call, key, value);
        }
    }

    /// Stores a result whatever was there before; an empty one removes what is there.
    pub(super) fn store_result(&mut self, call: &Call, key: &[u8], value: Value) {
        if !value.is_empty() {
            self.set_key(call, key, value, None);
        } else if self.keyspace.living_entry(call.place, key).is_some() {
            self.keyspace.remove(call.place, key);
        }
    }

    /// Whether a string of so many bytes may become longer by so many.
    fn check_length(&self, len: i64, more: usize) -> Result<(), Refusal> {
        let max = i128::from(self.config.integer("proto-max-bulk-len"));
        if i128::from(len) + more as i128 > max { Err(TOO_LONG.into()) } else { Ok(()) }
    }
}

/// `APPEND key value`
pub(super) fn append(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (key, tail) = (call.word(1), call.word(2));
    let (len, value) = match model.write_string(call, key)?.cloned() {
        None => (tail.len(), Value::string(tail.to_vec())),
        Some(mut string) => {
            model.check_length(len_of(&string.bytes), tail.len())?;
            string.bytes.extend_from_slice(tail);
            (string.bytes.len(), Value::raw(string.bytes))
        }
    };
    out.integer(i64::try_from(len).unwrap_or(i64::MAX));
    model.update_key(call, key, value);
    Ok(())
}

/// `GET key`
pub(super) fn get(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let string = model.read_string(call, call.word(1))?;
    out.bulk_or_null(string.map(|string| string.bytes.as_slice()));
    Ok(())
}

/// `GETDEL key`
pub(super) fn getdel(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    get(model, call, out)?;
    if model.keyspace.living_entry(call.place, call.word(1)).is_some() {
        model.keyspace.remove(call.place, call.word(1));
    }
    Ok(())
}

/// `GETSET key value`
pub(super) fn getset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    get(model, call, out)?;
    model.set_key(call, call.word(1), Value::string(call.word(2).to_vec()), None);
    Ok(())
}

/// `GETRANGE key start end`, and `SUBSTR`, its old name
pub(super) fn getrange(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (start, end) = (argument(call.word(2))?, argument(call.word(3))?);
    let Some(string) = model.read_string(call, call.word(1))? else {
        out.bulk(b"");
        return Ok(());
    };
    let len = i128::from(len_of(&string.bytes));
    let from_start = |index: i64| if index < 0 { len + i128::from(index) } else { i128::from(index) };
    let (first, last) = (from_start(start).max(0), from_start(end).max(0).min(len - 1));
    if (start < 0 && end < 0 && start > end) || first > last {
        out.bulk(b"");
    } else {
        let at = |index: i128| usize::try_from(index).unwrap_or(0);
        out.bulk(&string.bytes[at(first)..=at(last)]);
    }
    Ok(())
}

/// `INCR key`
pub(super) fn incr(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    add(model, call, 1, out)
}

/// `DECR key`
pub(super) fn decr(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    add(model, call, -1, out)
}

/// `INCRBY key increment`
pub(super) fn incrby(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    add(model, call, argument(call.word(2))?, out)
}

/// `DECRBY key decrement`
pub(super) fn decrby(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let by = argument(call.word(2))?.checked_neg().ok_or("ERR decrement would overflow")?;
    add(model, call, by, out)
}

fn add(model: &mut Model, call: &Call, by: i64, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let before = match model.write_string(call, key)? {
        None => 0,
        Some(string) => argument(&string.bytes)?,
    };
    let after = before.checked_add(by).ok_or(OVERFLOW)?;
    model.update_key(call, key, Value::string(after.to_string().into_bytes()));
    out.integer(after);
    Ok(())
}

/// `INCRBYFLOAT key increment`
pub(super) fn incrbyfloat(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let before = match model.write_string(call, key)? {
        None => LongDouble::zero(),
        Some(string) => LongDouble::parse(&string.bytes).ok_or(NOT_A_FLOAT)?,
    };
    let by = LongDouble::parse(call.word(2)).ok_or(NOT_A_FLOAT)?;
    let after = before.plus(&by).ok_or("ERR increment would produce NaN or Infinity")?;
    let text = after.print().into_bytes();
    out.bulk(&text);
    model.update_key(call, key, Value::printed(text));
    Ok(())
}

/// `MGET key [key …]`
pub(super) fn mget(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.array(call.rest(1).len());
    for key in call.rest(1) {
        let string = model.read_string(call, key).unwrap_or_default();
        out.bulk_or_null(string.map(|string| string.bytes.as_slice()));
    }
    Ok(())
}

/// `MSET key value [key value …]`
pub(super) fn mset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    for [key, value] in pairs(call)? {
        model.set_key(call, key, Value::string(value.clone()), None);
    }
    out.ok();
    Ok(())
}

/// `MSETNX key value [key value …]`
pub(super) fn msetnx(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let pairs = pairs(call)?;
    let is_free = pairs.iter().all(|[key, _]| model.keyspace.write(call.place, key, call.is_use).is_none());
    if is_free {
        for [key, value] in pairs {
            model.set_key(call, key, Value::string(value.clone()), None);
        }
    }
    out.integer(i64::from(is_free));
    Ok(())
}

fn pairs(call: &Call) -> Result<&[[Vec<u8>; 2]], Refusal> {
    match call.rest(1).as_chunks::<2>() {
        (pairs, []) => Ok(pairs),
        _ => Err(wrong_arity(call.row.name)),
    }
}

/// `SETNX key value`
pub(super) fn setnx(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let is_free = model.keyspace.write(call.place, call.word(1), call.is_use).is_none();
    if is_free {
        model.set_key(call, call.word(1), Value::string(call.word(2).to_vec()), None);
    }
    out.integer(i64::from(is_free));
    Ok(())
}

/// `SETEX key seconds value`
pub(super) fn setex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_with_span(model, call, Time { is_absolute: false, is_seconds: true }, out)
}

/// `PSETEX key milliseconds value`
pub(super) fn psetex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_with_span(model, call, Time { is_absolute: false, is_seconds: false }, out)
}

fn set_with_span(model: &mut Model, call: &Call, time: Time, out: &mut Out) -> Result<(), Refusal> {
    let expiry_ms = time.expiry_ms(call, call.word(2))?;
    model.set_key(call, call.word(1), Value::string(call.word(3).to_vec()), Some(expiry_ms));
    out.ok();
    Ok(())
}

/// `SETRANGE key offset value`
pub(super) fn setrange(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (key, piece) = (call.word(1), call.word(3));
    let offset = argument(call.word(2))?;
    let start = usize::try_from(offset).map_err(|_| Refusal::from("ERR offset is out of range"))?;
    let mut bytes = model.write_string(call, key)?.map(|string| string.bytes.clone()).unwrap_or_default();
    if !piece.is_empty() {
        model.check_length(offset, piece.len())?;
        bytes.resize(bytes.len().max(start + piece.len()), 0);
        bytes[start..start + piece.len()].copy_from_slice(piece);
        model.update_key(call, key, Value::raw(bytes.clone()));
    }
    out.integer(len_of(&bytes));
    Ok(())
}

/// `STRLEN key`
pub(super) fn strlen(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let string = model.read_string(call, call.word(1))?;
    out.integer(string.map_or(0, |string| len_of(&string.bytes)));
    Ok(())
}

/// `SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT … | PXAT … | KEEPTTL]`
pub(super) fn set(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let options = Options::parse(call.rest(3), true)?;
    let given = options.time.map(|(time, text)| time.expiry_ms(call, text)).transpose()?;
    if options.gets {
        get(model, call, out)?;
    }
    let before = model.keyspace.write(call.place, key, call.is_use).map(|entry| entry.expiry_ms);
    if (options.only_new && before.is_some()) || (options.only_old && before.is_none()) {
        if !options.gets {
            out.null();
        }
        return Ok(());
    }
    let expiry_ms = if options.keeps_expiry { before.flatten() } else { given };
    model.keyspace.put(call.place, key, Value::string(call.word(2).to_vec()), expiry_ms);
    if !options.gets {
        out.ok();
    }
    Ok(())
}

/// `GETEX key [EX seconds | PX milliseconds | EXAT … | PXAT … | PERSIST]`
pub(super) fn getex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let options = Options::parse(call.rest(2), false)?;
    if model.read_string(call, key)?.is_none() {
        out.null();
        return Ok(());
    }
    let expiry_ms = options.time.map(|(time, text)| time.expiry_ms(call, text)).transpose()?;
    let entry = model.keyspace.living_entry(call.place, key);
    let had_expiry = entry.is_some_and(|entry| entry.expiry_ms.is_some());
    let string = entry.map(string_of).transpose()?;
    out.bulk_or_null(string.map(|string| string.bytes.as_slice()));
    match (options.time, expiry_ms) {
        (Some((time, _)), Some(expiry_ms)) if time.is_absolute && expiry_ms <= call.now_ms => {
            model.keyspace.remove(call.place, key);
        }
        (_, Some(_)) => model.keyspace.change(call.place, key, |entry| entry.expiry_ms = expiry_ms),
        // Where there is nothing to be taken away, nothing changes.
        _ if options.persists && had_expiry => {
            model.keyspace.change(call.place, key, |entry| entry.expiry_ms = None);
        }
        _ => {}
    }
    Ok(())
}

/// How an expiry is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    is_absolute: bool,
    is_seconds: bool,
}

impl Time {
    /// The instant that is meant, in milliseconds.
    fn expiry_ms(self, call: &Call, text: &[u8]) -> Result<i64, Refusal> {
        let invalid = || Refusal::from(format!("ERR invalid expire time in '{}' command", call.row.name));
        let number = argument(text)?;
        if number <= 0 {
            return Err(invalid());
        }
        let ms = if self.is_seconds { number.checked_mul(1000) } else { Some(number) };
        let instant = if self.is_absolute { ms } else { ms.and_then(|ms| ms.checked_add(call.now_ms)) };
        instant.ok_or_else(invalid)
    }
}

/// The options of SET and GETEX.
#[derive(Debug, Default)]
struct Options<'a> {
    only_new: bool,
    only_old: bool,
    gets: bool,
    keeps_expiry: bool,
    persists: bool,
    time: Option<(Time, &'a [u8])>,
}

impl<'a> Options<'a> {
    fn parse(words: &'a [Vec<u8>], is_set: bool) -> Result<Options<'a>, Refusal> {
        let mut options = Options::default();
        let mut rest = words;
        while let [word, behind @ ..] = rest {
            rest = behind;
            let has_no_time = options.time.is_none();
            if is_set && is(word, "NX") && !options.only_old {
                options.only_new = true;
            } else if is_set && is(word, "XX") && !options.only_new {
                options.only_old = true;
            } else if is_set && is(word, "GET") {
                options.gets = true;
            } else if is_set && is(word, "KEEPTTL") && has_no_time {
                options.keeps_expiry = true;
            } else if !is_set && is(word, "PERSIST") && has_no_time {
                options.persists = true;
            } else {
                // The same kind of time may be given again; the last one holds.
                let time = Options::time(word).ok_or(SYNTAX)?;
                let is_other = options.time.is_some_and(|(before, _)| before != time);
                let [text, behind @ ..] = rest else { return Err(SYNTAX.into()) };
                if is_other || options.keeps_expiry || options.persists {
                    return Err(SYNTAX.into());
                }
                options.time = Some((time, text));
                rest = behind;
            }
        }
        Ok(options)
    }

    fn time(word: &[u8]) -> Option<Time> {
        [("EX", false, true), ("PX", false, false), ("EXAT", true, true), ("PXAT", true, false)]
            .into_iter()
            .find(|(name, ..)| is(word, name))
            .map(|(_, is_absolute, is_seconds)| Time { is_absolute, is_seconds })
    }
}

pub(super) fn len_of(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}
