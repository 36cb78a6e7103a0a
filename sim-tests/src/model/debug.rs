//! DEBUG.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, judge_help};
use super::number::{integer, memory, until_zero};
use super::value::Value;
use crate::reply::Reply;

/// Bytes of a subcommand that an error echoes.
const ECHOED_BYTES_MAX: usize = 128;

/// Elements of more bytes cannot be told to be alone in a list.
const PACKED_THRESHOLD_MAX: u64 = (1 << 32) - (1 << 20);

/// Hexadecimal digits of a digest.
const DIGEST_LEN: usize = 40;

/// `DEBUG subcommand [argument …]`: those that tests use.
pub(super) fn debug(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let subcommand = until_zero(call.word(1)).to_ascii_lowercase();
    match (subcommand.as_slice(), call.rest(2)) {
        (b"help", _) => judge_help("DEBUG", out),
        (b"object", [key]) => return object(model, call, key, out),
        (b"set-active-expire" | b"log", [_]) => out.ok(),
        (b"listpack", [key]) => {
            return structure(model, call, key, &["listpack"], "ERR Not a listpack encoded object.", out);
        }
        (b"quicklist", [key] | [key, _]) => {
            return structure(model, call, key, &["quicklist"], "ERR Not a quicklist encoded object.", out);
        }
        (b"htstats-key", [key]) => {
            let refusal = "ERR The value stored at the specified key is not represented using an hash table";
            return structure(model, call, key, &["hashtable", "skiplist"], refusal, out);
        }
        // Which elements are alone from then on, and how lists of them are kept, is not known here.
        (b"quicklist-packed-threshold", [size]) => match memory(size) {
            Some(size) if size <= PACKED_THRESHOLD_MAX => out.ok(),
            _ => return Err("ERR argument must be a memory value bigger than 1 and smaller than 4gb".into()),
        },
        (b"digest-value", keys) => {
            let len = keys.len();
            out.judged(move |reply| {
                let is_digest =
                    |item: &Reply| matches!(item, Reply::Simple(digits) if digits.len() == DIGEST_LEN);
                match reply {
                    Reply::Array(items) if items.len() == len && items.iter().all(is_digest) => Ok(()),
                    _ => Err(format!("{len} digests")),
                }
            });
        }
        // It came after 7.0; how long a text may be for it is the server's to say.
        (b"stringmatch-len", [_, _]) => out.judged(|reply| match reply {
            Reply::Simple(text) if text == b"OK" => Ok(()),
            Reply::Error(_) => Ok(()),
            _ => Err("OK, or what is wrong with the length".to_owned()),
        }),
        (b"sleep", [seconds]) => {
            let us = sleep_us(seconds);
            model.asleep_until_us = model.asleep_until_us.max(model.clock.monotonic_us.saturating_add(us));
            out.ok();
        }
        (b"error", [text]) => {
            out.error(&Refusal(text.clone()));
        }
        (b"protocol", [kind]) => return protocol(kind, out),
        (b"reload", [_, ..]) => {
            return Err("ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.".into());
        }
        (b"loadaof", _) if model.config.text("appendonly") != b"yes" => {
            return Err("ERR DEBUG LOADAOF needs an append only file".into());
        }
        (b"loadaof" | b"reload", _) if model.sender(call).is_executing => {
            return Err("ERR DEBUG RELOAD and LOADAOF are not allowed inside a transaction".into());
        }
        (b"loadaof" | b"reload", _) => reload(model, out),
        (b"digest", []) => digest(model, out),
        (b"populate", [count, rest @ ..]) if rest.len() <= 2 => {
            return populate(model, call, count, rest, out);
        }
        _ => {
            let word = until_zero(call.word(1));
            let word = &word[..word.len().min(ECHOED_BYTES_MAX)];
            let before = "ERR unknown subcommand or wrong number of arguments for '";
            return Err(Refusal::around(before, word, "'. Try DEBUG HELP."));
        }
    }
    Ok(())
}

/// `DEBUG RELOAD`, `DEBUG LOADAOF`: the same data, of which nobody knows how they are kept.
fn reload(model: &mut Model, out: &mut Out) {
    for index in 0..model.keyspace.count() {
        model.touch_database(index, Some(index));
    }
    model.keyspace.load_again(model.clock);
    // The commands of a log look up what they change.
    model.keyspace.lose_count_of_lookups();
    model.loaded = model.clock;
    out.ok();
}

/// How long a text of seconds is, as C's `strtod` reads its beginning.
fn sleep_us(seconds: &[u8]) -> u64 {
    let text = String::from_utf8_lossy(seconds).into_owned();
    let lens = (0..=text.len()).rev().filter(|&len| text.is_char_boundary(len));
    let number = lens.filter_map(|len| text[..len].trim_start().parse::<f64>().ok()).next();
    // Casting saturates, which is all the precision a nap needs.
    (number.unwrap_or(0.0).max(0.0) * 1e6) as u64
}

fn object(model: &mut Model, call: &Call, key: &[u8], out: &mut Out) -> Result<(), Refusal> {
    let Some(entry) = model.keyspace.entries(call.place).get(key) else {
        return Err("ERR no such key".into());
    };
    let is_expired = entry.is_expired(call.now_ms);
    let names = entry.value.encoding_names();
    // Whether it is answered with an error may be for nobody to see.
    model.unsure_errors += u64::from(is_expired);
    out.judged(move |reply| match reply {
        Reply::Simple(text) => {
            let text = String::from_utf8_lossy(text);
            let fits = text.starts_with("Value at:")
                && names.iter().any(|name| text.contains(&format!(" encoding:{name} ")))
                && ["refcount", "serializedlength", "lru", "lru_seconds_idle"]
                    .iter()
                    .all(|field| text.contains(&format!(" {field}:")));
            if fits { Ok(()) } else { Err(format!("a description with one of {names:?}")) }
        }
        Reply::Error(text) if is_expired && text == b"ERR no such key" => Ok(()),
        _ => Err("a description on one line".to_owned()),
    });
    Ok(())
}

/// What is said of values that are kept in one of these ways; how is not judged.
fn structure(
    model: &mut Model,
    call: &Call,
    key: &[u8],
    wanted: &'static [&'static str],
    refusal: &'static str,
    out: &mut Out,
) -> Result<(), Refusal> {
    let Some(entry) = model.keyspace.entries(call.place).get(key) else {
        return Err("ERR no such key".into());
    };
    let is_expired = entry.is_expired(call.now_ms);
    let names = entry.value.encoding_names();
    let may_fit = names.iter().any(|name| wanted.contains(name));
    let fits = names.iter().all(|name| wanted.contains(name));
    if !may_fit && !is_expired {
        return Err(refusal.into());
    }
    let may_be_refused = !fits || is_expired;
    model.unsure_errors += u64::from(may_be_refused);
    out.judged(move |reply| match reply {
        Reply::Simple(_) | Reply::Bulk(_) | Reply::Verbatim(..) if may_fit => Ok(()),
        Reply::Error(_) if may_be_refused => Ok(()),
        _ => Err(format!("a description of one of {wanted:?}, with {names:?} there")),
    });
    Ok(())
}

fn protocol(kind: &[u8], out: &mut Out) -> Result<(), Refusal> {
    const TYPES: &str = "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false";
    match until_zero(kind).to_ascii_lowercase().as_slice() {
        b"string" => out.bulk(b"Hello World"),
        b"integer" => out.integer(12345),
        b"double" => out.double(b"3.141"),
        b"null" => out.null(),
        b"array" => {
            out.array(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"set" => {
            out.set(3);
            (0..3).for_each(|number| out.integer(number));
        }
        b"map" => {
            out.map(3);
            for number in 0..3 {
                out.integer(number);
                out.boolean(number == 1);
            }
        }
        b"attrib" => {
            if out.is_resp3 {
                out.attribute(1);
                out.bulk(b"key-popularity");
                out.array(2);
                out.bulk(b"key:123");
                out.integer(90);
            }
            out.bulk(b"Some real reply following the attribute");
        }
        b"push" if out.is_resp3 => {
            out.push(2);
            out.bulk(b"server-cpu-usage");
            out.integer(42);
            out.bulk(b"Some real reply following the push reply");
        }
        b"push" => return Err("ERR RESP2 is not supported by this command".into()),
        b"verbatim" => out.verbatim(b"This is a verbatim\nstring"),
        b"true" => out.boolean(true),
        b"false" => out.boolean(false),
        b"bignum" => out.big_number(b"1234567999999999999999999999999999999"),
        _ => {
            let text = "ERR Wrong protocol type name. Please use one of the following: ";
            return Err(format!("{text}{TYPES}").into());
        }
    }
    Ok(())
}

/// A digest says only whether there is anything at all.
fn digest(model: &Model, out: &mut Out) {
    let places = model.keyspace.order();
    let is_empty = places.iter().all(|&place| model.keyspace.entries(place).is_empty());
    let may_be_empty = places.iter().all(|&place| model.keyspace.living(place).next().is_none());
    out.judged(move |reply| {
        let zeros = vec![b'0'; DIGEST_LEN];
        match reply {
            Reply::Simple(text) if *text == zeros && (is_empty || may_be_empty) => Ok(()),
            Reply::Simple(text) if *text != zeros && !is_empty => {
                let is_digest = text.len() == DIGEST_LEN && text.iter().all(u8::is_ascii_hexdigit);
                if is_digest { Ok(()) } else { Err("forty hexadecimal digits".to_owned()) }
            }
            _ => Err("a digest that is zero if and only if there are no keys".to_owned()),
        }
    });
}

/// `DEBUG POPULATE count [prefix] [size]`: keys that are there already stay.
fn populate(
    model: &mut Model,
    call: &Call,
    count: &[u8],
    rest: &[Vec<u8>],
    out: &mut Out,
) -> Result<(), Refusal> {
    let number = |word: &[u8]| {
        let number = integer(word).and_then(|number| usize::try_from(number).ok());
        number.ok_or(Refusal::from("ERR value is out of range, must be positive"))
    };
    let count = number(count)?;
    let size = rest.get(1).map_or(Ok(0), |word| number(word))?;
    let prefix = rest.first().map_or(b"key".as_slice(), |prefix| until_zero(prefix));
    for index in 0..count {
        let key = [prefix, format!(":{index}").as_bytes()].concat();
        if model.keyspace.write(call.place, &key, call.is_use).is_some() {
            continue;
        }
        let mut value = format!("value:{index}").into_bytes();
        if size > 0 {
            value.resize(size, 0);
        }
        let value = if size > 0 { Value::raw(value) } else { Value::printed(value) };
        model.keyspace.put(call.place, &key, value, None);
    }
    out.ok();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::sleep_us;

    #[test]
    fn seconds_are_read_as_far_as_they_go() {
        assert_eq!(sleep_us(b"0.05"), 50_000);
        assert_eq!(sleep_us(b"1x"), 1_000_000);
        assert_eq!(sleep_us(b"x"), 0);
        assert_eq!(sleep_us(b"-1"), 0);
    }
}
