//! SORT and SORT_RO.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::double;
use super::list::ListValue;
use super::number::until_zero;
use super::string::{SYNTAX, WRONG_TYPE, argument};
use super::value::Value;
use crate::reply::Reply;
use std::cmp::Ordering;

/// What is asked for.
#[derive(Debug, Default)]
struct Query<'a> {
    by: Option<&'a [u8]>,
    /// Whether some pattern for sorting names the same key for all.
    is_unsorted: bool,
    is_alphabetic: bool,
    descends: bool,
    start: i64,
    /// Below zero, as many as there are.
    count: i64,
    gets: Vec<&'a [u8]>,
    target: Option<&'a [u8]>,
}

/// What elements are compared by.
#[derive(Clone, Debug, PartialEq)]
enum Weight {
    Number(f64),
    /// Nothing comes before all texts.
    Text(Option<Vec<u8>>),
}

/// An element in its place: those of one group stand in an order that nobody knows.
struct Ranked {
    element: Vec<u8>,
    group: usize,
}

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC | DESC] [ALPHA] [STORE destination]`
pub(super) fn sort(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    run(model, call, true, out)
}

/// `SORT_RO key [BY pattern] [LIMIT offset count] [GET pattern …] [ASC | DESC] [ALPHA]`
pub(super) fn sort_ro(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    run(model, call, false, out)
}

fn run(model: &mut Model, call: &Call, may_store: bool, out: &mut Out) -> Result<(), Refusal> {
    let mut query = Query::parse(call.rest(2), may_store)?;
    let value = model.keyspace.read(call.place, call.word(1), call.is_use).map(|entry| entry.value.clone());
    if matches!(value, Some(Value::String(_) | Value::Hash(_))) {
        return Err(WRONG_TYPE.into());
    }
    // Sorting makes a sorted set a large one.
    model.keyspace.adjust(call.place, call.word(1), |value| {
        if let Value::SortedSet(zset) = value {
            zset.is_packed = false;
        }
    });
    let is_set = matches!(value, Some(Value::Set(_)));
    if query.is_unsorted && is_set && query.target.is_some() {
        // A set in no order would be stored otherwise by whoever lives on the effects.
        (query.is_unsorted, query.is_alphabetic, query.by) = (false, true, None);
    }
    let ranked = if query.is_unsorted {
        query.unsorted(value)
    } else {
        query.sorted(model, call, elements_of(value))?
    };
    let window = query.window(ranked.len());
    if let Some(target) = query.target {
        let rows = ranked[window].iter().flat_map(|ranked| query.row(model, call, &ranked.element));
        let items: Vec<Vec<u8>> = rows.map(Option::unwrap_or_default).collect();
        out.integer(items.len() as i64);
        model.store_result(call, target, Value::List(ListValue::gathered(items, model.list_limit())));
        return Ok(());
    }
    // Those that share a group with what is shown may be shown in its place.
    let groups: Vec<usize> = ranked[window].iter().map(|ranked| ranked.group).collect();
    let candidates: Vec<&Ranked> = ranked.iter().filter(|ranked| groups.contains(&ranked.group)).collect();
    let surplus = candidates.len() - groups.len();
    // Whose keys are looked up is not known then, and so not which expired ones are found and removed.
    let removes_expired = model.keyspace.removes_expired;
    model.keyspace.removes_expired = removes_expired && surplus == 0;
    let pool =
        candidates.iter().map(|ranked| (ranked.group, query.row(model, call, &ranked.element))).collect();
    model.keyspace.removes_expired = removes_expired;
    let lookups = query.gets.iter().filter(|pattern| until_zero(pattern).contains(&b'*')).count();
    model.keyspace.unsure_lookups += (surplus * lookups) as u64;
    show(out, &groups, pool, query.gets.len().max(1));
    Ok(())
}

/// Writes the rows, or judges them where some could change places.
fn show(out: &mut Out, groups: &[usize], pool: Vec<(usize, Vec<Option<Vec<u8>>>)>, width: usize) {
    let is_certain = pool.len() == groups.len()
        && pool.windows(2).all(|pair| pair[0].0 != pair[1].0 || pair[0].1 == pair[1].1);
    if is_certain {
        out.array(groups.len() * width);
        pool.iter().flat_map(|(_, row)| row).for_each(|text| out.bulk_or_null(text.as_deref()));
        return;
    }
    let groups = groups.to_vec();
    let null = if out.is_resp3 { Reply::Null } else { Reply::NullBulk };
    out.judged(move |reply| {
        let Reply::Array(items) = reply else { return Err("an array".to_owned()) };
        if items.len() != groups.len() * width {
            return Err(format!("{} elements", groups.len() * width));
        }
        let mut pool = pool.clone();
        for (group, found) in groups.iter().zip(items.chunks(width)) {
            let is_it = |row: &Vec<Option<Vec<u8>>>| {
                row.iter().zip(found).all(|(text, found)| match text {
                    Some(text) => *found == Reply::Bulk(text.clone()),
                    None => *found == null,
                })
            };
            let at = pool.iter().position(|(other, row)| other == group && is_it(row));
            pool.remove(at.ok_or_else(|| format!("elements in their order, not {found:?} here"))?);
        }
        Ok(())
    });
}

fn elements_of(value: Option<Value>) -> Vec<Vec<u8>> {
    match value {
        Some(Value::List(list)) => list.items,
        Some(Value::Set(set)) => set.members.into_iter().collect(),
        Some(Value::SortedSet(zset)) => zset.ranked().into_iter().map(|(member, _)| member).collect(),
        Some(Value::String(_) | Value::Hash(_)) | None => Vec::new(),
    }
}

impl<'a> Query<'a> {
    fn parse(words: &'a [Vec<u8>], may_store: bool) -> Result<Query<'a>, Refusal> {
        let mut query = Query { count: -1, ..Query::default() };
        let mut rest = words;
        while let [word, behind @ ..] = rest {
            rest = behind;
            if is(word, "ASC") {
                query.descends = false;
            } else if is(word, "DESC") {
                query.descends = true;
            } else if is(word, "ALPHA") {
                query.is_alphabetic = true;
            } else if is(word, "LIMIT")
                && let [start, count, behind @ ..] = rest
            {
                (query.start, query.count) = (argument(start)?, argument(count)?);
                rest = behind;
            } else if let [value, behind @ ..] = rest {
                if may_store && is(word, "STORE") {
                    query.target = Some(value);
                } else if is(word, "BY") {
                    query.by = Some(value);
                    query.is_unsorted |= !until_zero(value).contains(&b'*');
                } else if is(word, "GET") {
                    query.gets.push(value);
                } else {
                    return Err(SYNTAX.into());
                }
                rest = behind;
            } else {
                return Err(SYNTAX.into());
            }
        }
        Ok(query)
    }

    /// The elements as they stand; a set's stand in no order.
    fn unsorted(&self, value: Option<Value>) -> Vec<Ranked> {
        let is_set = matches!(value, Some(Value::Set(_)));
        let turns = self.descends && !is_set;
        let mut elements = elements_of(value);
        if turns {
            elements.reverse();
        }
        let ranked = elements.into_iter().enumerate();
        ranked.map(|(place, element)| Ranked { element, group: if is_set { 0 } else { place } }).collect()
    }

    fn sorted(&self, model: &mut Model, call: &Call, elements: Vec<Vec<u8>>) -> Result<Vec<Ranked>, Refusal> {
        // All are looked up, whatever the first of them is.
        let weights: Vec<_> = elements.iter().map(|element| self.weight(model, call, element)).collect();
        let weights: Vec<Weight> = weights.into_iter().collect::<Result<_, _>>()?;
        let mut weighed: Vec<(Weight, Vec<u8>)> = weights.into_iter().zip(elements).collect();
        weighed.sort_by(|a, b| self.order(a, b));
        let mut ranked: Vec<Ranked> = Vec::new();
        let mut last: Option<(Weight, Vec<u8>)> = None;
        for pair in weighed {
            let is_tied = last.as_ref().is_some_and(|last| self.order(last, &pair) == Ordering::Equal);
            let before = ranked.last().map(|ranked| ranked.group);
            let group = before.map_or(0, |before| if is_tied { before } else { before + 1 });
            ranked.push(Ranked { element: pair.1.clone(), group });
            last = Some(pair);
        }
        Ok(ranked)
    }

    /// What an element counts by.
    fn weight(&self, model: &mut Model, call: &Call, element: &[u8]) -> Result<Weight, Refusal> {
        let text = match self.by {
            None => Some(element.to_vec()),
            Some(pattern) => look_up(model, call, pattern, element),
        };
        if self.is_alphabetic {
            return Ok(Weight::Text(text));
        }
        let Some(text) = text else { return Ok(Weight::Number(0.0)) };
        let read = double::parse_loosely(&text).filter(|read| !read.is_out_of_range);
        let read = read.ok_or("ERR One or more scores can't be converted into double")?;
        Ok(Weight::Number(read.value))
    }

    fn order(&self, first: &(Weight, Vec<u8>), second: &(Weight, Vec<u8>)) -> Ordering {
        // What is stored is compared byte by byte, what is shown as texts of C's.
        let cut = |text: &Option<Vec<u8>>| -> Option<Vec<u8>> {
            let text = text.as_deref()?;
            Some(if self.target.is_some() { text } else { until_zero(text) }.to_vec())
        };
        let order = match (&first.0, &second.0) {
            (Weight::Number(a), Weight::Number(b)) => {
                a.partial_cmp(b).unwrap_or(Ordering::Equal).then_with(|| first.1.cmp(&second.1))
            }
            (Weight::Text(a), Weight::Text(b)) => cut(a).cmp(&cut(b)),
            _ => Ordering::Equal,
        };
        if self.descends { order.reverse() } else { order }
    }

    /// Which of so many elements are wanted.
    fn window(&self, len: usize) -> std::ops::Range<usize> {
        let start = usize::try_from(self.start.max(0)).unwrap_or(usize::MAX).min(len);
        let count = usize::try_from(self.count).unwrap_or(usize::MAX).min(len - start);
        start..start + count
    }

    /// What is shown for an element.
    fn row(&self, model: &mut Model, call: &Call, element: &[u8]) -> Vec<Option<Vec<u8>>> {
        if self.gets.is_empty() {
            return vec![Some(element.to_vec())];
        }
        self.gets.iter().map(|pattern| look_up(model, call, pattern, element)).collect()
    }
}

/// What stands under the key that a pattern and an element make: a string, or a field of a hash.
fn look_up(model: &mut Model, call: &Call, pattern: &[u8], element: &[u8]) -> Option<Vec<u8>> {
    if pattern == b"#" {
        return Some(element.to_vec());
    }
    let star = until_zero(pattern).iter().position(|&byte| byte == b'*')?;
    let behind = &pattern[star + 1..];
    let visible = until_zero(behind);
    let arrow = visible.windows(2).position(|pair| pair == b"->").filter(|&at| at + 2 < visible.len());
    let (tail, field) = match arrow {
        Some(at) => (&behind[..at], Some(&behind[at + 2..])),
        None => (behind, None),
    };
    let key = [&pattern[..star], element, tail].concat();
    match (&model.keyspace.read(call.place, &key, call.is_use)?.value, field) {
        (Value::Hash(hash), Some(field)) => hash.fields.get(field).cloned(),
        (Value::String(string), None) => Some(string.bytes.clone()),
        _ => None,
    }
}
