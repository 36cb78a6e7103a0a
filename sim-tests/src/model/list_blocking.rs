//! Lists that are waited for.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::Call;
use super::list::{End, PopMany, end_of};
use super::long_double::LongDouble;

/// `BLPOP key [key …] timeout`, `BRPOP`
pub(super) fn pop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some((timeout, keys)) = call.rest(1).split_last() else { return Ok(()) };
    let timeout_ms = timeout_ms(timeout)?;
    for key in keys {
        if model.write_list(call, key)?.is_some() {
            let items = model.take_elements(call.place, key, end_of(call.row.name), 1);
            out.array(2);
            out.bulk(key);
            items.iter().for_each(|item| out.bulk(item));
            return Ok(());
        }
    }
    if !model.wait(call, keys, timeout_ms, out) {
        out.null_array();
    }
    Ok(())
}

/// `BLMOVE source destination LEFT | RIGHT LEFT | RIGHT timeout`
pub(super) fn blmove(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let ends = (End::parse(call.word(3))?, End::parse(call.word(4))?);
    move_or_wait(model, call, ends, call.word(5), out)
}

/// `BRPOPLPUSH source destination timeout`
pub(super) fn brpoplpush(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    move_or_wait(model, call, (End::Tail, End::Head), call.word(3), out)
}

fn move_or_wait(
    model: &mut Model,
    call: &Call,
    ends: (End, End),
    timeout: &[u8],
    out: &mut Out,
) -> Result<(), Refusal> {
    let timeout_ms = timeout_ms(timeout)?;
    if model.write_list(call, call.word(1))?.is_some() {
        return model.move_element(call, ends, out);
    }
    if !model.wait(call, &call.words[1..2], timeout_ms, out) {
        out.null();
    }
    Ok(())
}

/// `BLMPOP timeout numkeys key [key …] LEFT | RIGHT [COUNT count]`
pub(super) fn blmpop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let asked = PopMany::parse(call.rest(2))?;
    let timeout_ms = timeout_ms(call.word(1))?;
    if !asked.run(model, call, out)? && !model.wait(call, &asked.keys, timeout_ms, out) {
        out.null_array();
    }
    Ok(())
}

/// Seconds, and fractions of one, in whole milliseconds; 0 is for ever.
pub(super) fn timeout_ms(word: &[u8]) -> Result<u64, Refusal> {
    let seconds = LongDouble::parse(word).ok_or("ERR timeout is not a float or out of range")?;
    if word.starts_with(b"-") && seconds.ceil_thousandths() != Some(0) {
        return Err("ERR timeout is negative".into());
    }
    let ms = seconds.ceil_thousandths().and_then(|ms| u64::try_from(ms).ok());
    ms.filter(|&ms| ms < i64::MAX as u64).ok_or_else(|| "ERR timeout is out of range".into())
}

#[cfg(test)]
mod tests {
    use super::timeout_ms;

    #[test]
    fn seconds_are_whole_milliseconds_and_none_is_for_ever() {
        let ms =
            |word: &str| timeout_ms(word.as_bytes()).map_err(|error| String::from_utf8(error.0).unwrap());
        for (word, expected) in
            [("0", 0), ("-0.0001", 0), ("0.0000001", 1), ("0.001", 1), ("1.001", 1001), ("0x10", 16_000)]
        {
            assert_eq!(ms(word), Ok(expected), "{word}");
        }
        for (word, error) in [
            ("x", "ERR timeout is not a float or out of range"),
            ("", "ERR timeout is not a float or out of range"),
            ("nan", "ERR timeout is not a float or out of range"),
            ("-1", "ERR timeout is negative"),
            ("-inf", "ERR timeout is negative"),
            ("inf", "ERR timeout is out of range"),
            ("1e300", "ERR timeout is out of range"),
        ] {
            assert_eq!(ms(word), Err(error.to_owned()), "{word}");
        }
    }
}
