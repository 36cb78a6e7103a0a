//! When keys expire.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::string::argument;

/// `EXPIRE key seconds [NX | XX | GT | LT]`
pub(super) fn expire(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_expiry(model, call, call.now_ms, true, out)
}

/// `PEXPIRE key milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpire(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_expiry(model, call, call.now_ms, false, out)
}

/// `EXPIREAT key unix-seconds [NX | XX | GT | LT]`
pub(super) fn expireat(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_expiry(model, call, 0, true, out)
}

/// `PEXPIREAT key unix-milliseconds [NX | XX | GT | LT]`
pub(super) fn pexpireat(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    set_expiry(model, call, 0, false, out)
}

fn set_expiry(
    model: &mut Model,
    call: &Call,
    base_ms: i64,
    is_seconds: bool,
    out: &mut Out,
) -> Result<(), Refusal> {
    let condition = Condition::parse(call.rest(3))?;
    let invalid = || Refusal::from(format!("ERR invalid expire time in '{}' command", call.row.name));
    let number = argument(call.word(2))?;
    let ms = if is_seconds { number.checked_mul(1000) } else { Some(number) };
    let expiry_ms = ms.and_then(|ms| ms.checked_add(base_ms)).ok_or_else(invalid)?;
    let key = call.word(1);
    let before = model.keyspace.write(call.place, key, call.is_use).map(|entry| entry.expiry_ms);
    let holds = before.is_some_and(|before| condition.holds(before, expiry_ms));
    if holds && expiry_ms <= call.now_ms {
        model.keyspace.remove(call.place, key);
    } else if holds {
        model.keyspace.change(call.place, key, |entry| entry.expiry_ms = Some(expiry_ms));
    }
    out.integer(i64::from(holds));
    Ok(())
}

/// When an expiry is changed.
#[derive(Debug, Default)]
struct Condition {
    has_none: bool,
    has_one: bool,
    is_later: bool,
    is_earlier: bool,
}

impl Condition {
    fn parse(words: &[Vec<u8>]) -> Result<Condition, Refusal> {
        let mut condition = Condition::default();
        for word in words {
            if is(word, "NX") {
                condition.has_none = true;
            } else if is(word, "XX") {
                condition.has_one = true;
            } else if is(word, "GT") {
                condition.is_later = true;
            } else if is(word, "LT") {
                condition.is_earlier = true;
            } else {
                return Err(Refusal::around("ERR Unsupported option ", word, ""));
            }
        }
        if condition.has_none && (condition.has_one || condition.is_later || condition.is_earlier) {
            return Err("ERR NX and XX, GT or LT options at the same time are not compatible".into());
        }
        if condition.is_later && condition.is_earlier {
            return Err("ERR GT and LT options at the same time are not compatible".into());
        }
        Ok(condition)
    }

    /// No expiry is later than any.
    fn holds(&self, before: Option<i64>, after: i64) -> bool {
        !(self.has_none && before.is_some()
            || self.has_one && before.is_none()
            || self.is_later && before.is_none_or(|before| after <= before)
            || self.is_earlier && before.is_some_and(|before| after >= before))
    }
}

/// `TTL key`
pub(super) fn ttl(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_expiry(model, call, false, true, out)
}

/// `PTTL key`
pub(super) fn pttl(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_expiry(model, call, false, false, out)
}

/// `EXPIRETIME key`
pub(super) fn expiretime(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_expiry(model, call, true, true, out)
}

/// `PEXPIRETIME key`
pub(super) fn pexpiretime(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    show_expiry(model, call, true, false, out)
}

fn show_expiry(
    model: &mut Model,
    call: &Call,
    is_absolute: bool,
    is_seconds: bool,
    out: &mut Out,
) -> Result<(), Refusal> {
    let found = model.keyspace.read(call.place, call.word(1), false).map(|entry| entry.expiry_ms);
    let Some(Some(expiry_ms)) = found else {
        out.integer(if found.is_none() { -2 } else { -1 });
        return Ok(());
    };
    let ms = i128::from(if is_absolute { expiry_ms } else { (expiry_ms - call.now_ms).max(0) });
    let shown = if is_seconds { (ms + 500) / 1000 } else { ms };
    let tolerance = if is_seconds { (model.tolerance_ms + 999) / 1000 } else { model.tolerance_ms };
    out.near(i64::try_from(shown).unwrap_or(i64::MAX), tolerance);
    Ok(())
}

/// `PERSIST key`
pub(super) fn persist(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let found = model.keyspace.write(call.place, key, call.is_use).and_then(|entry| entry.expiry_ms);
    if found.is_some() {
        model.keyspace.change(call.place, key, |entry| entry.expiry_ms = None);
    }
    out.integer(i64::from(found.is_some()));
    Ok(())
}
