//! Replies that show elements in an order, or a choice, that nobody can predict.

use super::answer::{Out, Refusal, pairs_of};
use super::call::{Call, is};
use super::generic::bulk;
use super::number::integer;
use super::string::{NOT_AN_INTEGER, SYNTAX};
use crate::reply::Reply;
use std::collections::{BTreeMap, BTreeSet};

/// How RESP3 shows several elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Array,
    Set,
}

impl Shape {
    /// The elements of a reply of this shape.
    pub fn items(self, reply: &Reply, is_resp3: bool) -> Result<&[Reply], String> {
        match reply {
            Reply::Set(items) if self == Shape::Set && is_resp3 => Ok(items),
            Reply::Array(items) if self == Shape::Array || !is_resp3 => Ok(items),
            _ => Err(format!("elements as {self:?}")),
        }
    }

    /// The elements of a reply of this shape, all of them strings.
    pub fn texts(self, reply: &Reply, is_resp3: bool) -> Result<Vec<Vec<u8>>, String> {
        let texts = self.items(reply, is_resp3)?.iter().map(|item| bulk(item).map(<[u8]>::to_vec));
        texts.collect::<Option<_>>().ok_or_else(|| "only strings".to_owned())
    }

    fn head(self, out: &mut Out, len: usize) {
        match self {
            Shape::Array => out.array(len),
            Shape::Set => out.set(len),
        }
    }
}

/// These strings, in any order.
pub(super) fn in_any_order(out: &mut Out, shape: Shape, mut expected: Vec<Vec<u8>>) {
    if expected.len() <= 1 {
        shape.head(out, expected.len());
        expected.iter().for_each(|text| out.bulk(text));
        return;
    }
    expected.sort();
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let mut found = shape.texts(reply, is_resp3)?;
        found.sort();
        if found == expected {
            return Ok(());
        }
        let difference = expected.iter().zip(&found).find(|(a, b)| a != b);
        let difference = difference.map(|(a, b)| format!("{} and not {}", super::shown(a), super::shown(b)));
        Err(format!("{} elements, and {} came; {difference:?}", expected.len(), found.len()))
    });
}

/// The pairs of a map, in any order.
pub(super) fn pairs_in_any_order(out: &mut Out, expected: BTreeMap<Vec<u8>, Vec<u8>>) {
    if expected.len() <= 1 {
        out.map(expected.len());
        for (key, value) in &expected {
            out.bulk(key);
            out.bulk(value);
        }
        return;
    }
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let pairs = pairs_of(reply, is_resp3)?;
        let texts = pairs.iter().map(|(key, value)| Some((bulk(key)?.to_vec(), bulk(value)?.to_vec())));
        let found: BTreeMap<Vec<u8>, Vec<u8>> =
            texts.collect::<Option<_>>().ok_or("a map of strings to strings")?;
        if found.len() != pairs.len() {
            return Err("every field once".to_owned());
        }
        match expected.iter().find(|(field, value)| found.get(*field) != Some(value)) {
            Some((field, value)) => Err(format!("{} to be {}", super::shown(field), super::shown(value))),
            None if found.len() > expected.len() => Err(format!("only {} fields", expected.len())),
            None => Ok(()),
        }
    });
}

/// What SRANDMEMBER, HRANDFIELD and ZRANDMEMBER are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// Without a count, one element that stands alone; below zero, elements that may repeat.
    count: Option<i64>,
    with_values: bool,
}

impl Wish {
    /// Reads `[count [word]]` behind the key.
    pub fn parse(call: &Call, values_word: &str) -> Result<Wish, Refusal> {
        let Some(count) = call.rest(2).first() else {
            return Ok(Wish { count: None, with_values: false });
        };
        let count = integer(count).ok_or(NOT_AN_INTEGER)?;
        if count == i64::MIN {
            return Err(
                format!("ERR value is out of range, value must between -{0} and {0}", i64::MAX).into()
            );
        }
        let with_values = match call.rest(3) {
            [] => false,
            [word] if is(word, values_word) => true,
            _ => return Err(SYNTAX.into()),
        };
        if with_values && count.unsigned_abs() > i64::MAX.unsigned_abs() / 2 {
            return Err("ERR value is out of range".into());
        }
        Ok(Wish { count: Some(count), with_values })
    }

    /// The count alone, as SRANDMEMBER takes it.
    pub fn parse_count(call: &Call) -> Result<Wish, Refusal> {
        if call.words.len() > 3 { Err(SYNTAX.into()) } else { Wish::parse(call, "") }
    }
}

/// Some of these elements, with their values if they are wished for; `None` if there is no such key.
pub(super) fn random(out: &mut Out, wish: Wish, population: Option<BTreeMap<Vec<u8>, Reply>>) {
    let Some(count) = wish.count else {
        let Some(population) = population else { return out.null() };
        return out.judged(move |reply| {
            let is_there = bulk(reply).is_some_and(|element| population.contains_key(element));
            if is_there { Ok(()) } else { Err("one of the elements".to_owned()) }
        });
    };
    let population = population.unwrap_or_default();
    if population.is_empty() || count == 0 {
        return out.array(0);
    }
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let found = elements_of(reply, wish.with_values, is_resp3)?;
        let expected = if count < 0 {
            usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX)
        } else {
            population.len().min(usize::try_from(count).unwrap_or(usize::MAX))
        };
        if found.len() != expected {
            return Err(format!("{expected} elements, and {} came", found.len()));
        }
        let different: BTreeSet<&[u8]> = found.iter().map(|(element, _)| *element).collect();
        if count > 0 && different.len() != found.len() {
            return Err("no element twice".to_owned());
        }
        for (element, value) in found {
            let own = population.get(element);
            let fits = own.is_some_and(|own| value.is_none_or(|value| value == own));
            if !fits {
                let name = super::shown(element);
                return Err(format!("only what is there; {name} with {value:?} is {own:?}"));
            }
        }
        Ok(())
    });
}

/// An element, and its value where values are shown.
type Shown<'a> = (&'a [u8], Option<&'a Reply>);

/// The elements of a reply, with their values: one behind the other, or in pairs of their own in RESP3.
fn elements_of(reply: &Reply, with_values: bool, is_resp3: bool) -> Result<Vec<Shown<'_>>, String> {
    let wrong = || "an array of elements".to_owned();
    let Reply::Array(items) = reply else { return Err(wrong()) };
    let elements: Option<Vec<_>> = match (with_values, is_resp3) {
        (false, _) => items.iter().map(|item| Some((bulk(item)?, None))).collect(),
        (true, false) => match items.as_chunks::<2>() {
            (pairs, []) => pairs.iter().map(|[item, value]| Some((bulk(item)?, Some(value)))).collect(),
            _ => None,
        },
        (true, true) => items
            .iter()
            .map(|pair| match pair {
                Reply::Array(pair) => match pair.as_slice() {
                    [item, value] => Some((bulk(item)?, Some(value))),
                    _ => None,
                },
                _ => None,
            })
            .collect(),
    };
    elements.ok_or_else(wrong)
}
