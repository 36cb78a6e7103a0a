//! Taking the lowest or the highest members out of a sorted set, at once or when there are some.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::list_blocking::timeout_ms;
use super::number::integer;
use super::string::SYNTAX;
use super::value::Value;
use super::zset::{Pairs, Scored, ZsetValue, show};

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Lowest,
    Highest,
}

/// The end that a command's name is about.
fn end_of(name: &str) -> End {
    if name.ends_with("max") { End::Highest } else { End::Lowest }
}

impl Model {
    /// Takes members from a sorted set that is there.
    fn take_members(
        &mut self,
        call: &Call,
        key: &[u8],
        mut zset: ZsetValue,
        end: End,
        count: usize,
    ) -> Vec<Scored> {
        let mut ranked = zset.ranked();
        if end == End::Highest {
            ranked.reverse();
        }
        ranked.truncate(count);
        for (member, _) in &ranked {
            zset.scores.remove(member);
        }
        if !ranked.is_empty() {
            self.save(call, key, Value::SortedSet(zset));
        }
        ranked
    }
}

/// `ZPOPMIN key [count]`, `ZPOPMAX`
pub(super) fn pop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let count = match call.rest(2) {
        [] => None,
        [word] => {
            let count = integer(word).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or("ERR value is out of range, must be positive")?)
        }
        _ => return Err(SYNTAX.into()),
    };
    let taken = match model.write_zset(call, call.word(1))? {
        None => Vec::new(),
        Some(zset) => model.take_members(call, call.word(1), zset, end_of(call.row.name), count.unwrap_or(1)),
    };
    // Without a count there is nothing to nest.
    show(out, &taken, if count.is_some() { Pairs::Scored } else { Pairs::Flat });
    Ok(())
}

/// What ZMPOP and BZMPOP are asked for.
struct PopMany<'a> {
    keys: &'a [Vec<u8>],
    end: End,
    count: usize,
}

impl<'a> PopMany<'a> {
    /// Reads `numkeys key [key …] MIN | MAX [COUNT count]`.
    fn parse(words: &'a [Vec<u8>]) -> Result<PopMany<'a>, Refusal> {
        let positive = |word: &[u8]| integer(word).filter(|&number| number > 0);
        let count = positive(&words[0]).ok_or("ERR numkeys should be greater than 0")?;
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let behind = words[1..].split_at_checked(count).ok_or(SYNTAX)?;
        let (keys, [end, options @ ..]) = behind else { return Err(SYNTAX.into()) };
        let end = match (is(end, "MIN"), is(end, "MAX")) {
            (true, _) => End::Lowest,
            (_, true) => End::Highest,
            _ => return Err(SYNTAX.into()),
        };
        let count = match options {
            [] => 1,
            [word, count, rest @ ..] if is(word, "COUNT") => {
                let count = positive(count).ok_or("ERR count should be greater than 0")?;
                if !rest.is_empty() {
                    return Err(SYNTAX.into());
                }
                usize::try_from(count).unwrap_or(usize::MAX)
            }
            _ => return Err(SYNTAX.into()),
        };
        Ok(PopMany { keys, end, count })
    }

    /// Takes from the first sorted set there is; whether there was one.
    fn run(&self, model: &mut Model, call: &Call, out: &mut Out) -> Result<bool, Refusal> {
        for key in self.keys {
            if let Some(zset) = model.write_zset(call, key)? {
                let taken = model.take_members(call, key, zset, self.end, self.count);
                out.array(2);
                out.bulk(key);
                show(out, &taken, Pairs::Nested);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// `ZMPOP numkeys key [key …] MIN | MAX [COUNT count]`
pub(super) fn zmpop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if !PopMany::parse(call.rest(1))?.run(model, call, out)? {
        out.null_array();
    }
    Ok(())
}

/// `BZMPOP timeout numkeys key [key …] MIN | MAX [COUNT count]`
pub(super) fn bzmpop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let asked = PopMany::parse(call.rest(2))?;
    let timeout_ms = timeout_ms(call.word(1))?;
    if !asked.run(model, call, out)? && !model.wait(call, asked.keys, timeout_ms, out) {
        out.null_array();
    }
    Ok(())
}

/// `BZPOPMIN key [key …] timeout`, `BZPOPMAX`
pub(super) fn bzpop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some((timeout, keys)) = call.rest(1).split_last() else { return Ok(()) };
    let timeout_ms = timeout_ms(timeout)?;
    for key in keys {
        if let Some(zset) = model.write_zset(call, key)? {
            let taken = model.take_members(call, key, zset, end_of(call.row.name), 1);
            out.array(3);
            out.bulk(key);
            for (member, score) in taken {
                out.bulk(&member);
                out.double(&super::double::print(score));
            }
            return Ok(());
        }
    }
    if !model.wait(call, keys, timeout_ms, out) {
        out.null_array();
    }
    Ok(())
}
