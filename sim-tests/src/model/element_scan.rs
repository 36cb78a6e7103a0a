//! HSCAN, SSCAN and ZSCAN: which elements a page may show, and which an iteration must have shown.
//!
//! A page is held against the elements that were there when it was asked for, and an iteration against those that were
//! there with each of its pages.

use super::answer::{Expected, Out, Refusal};
use super::call::{Call, is};
use super::generic::bulk;
use super::keyspace::Place;
use super::number::cursor;
use super::string::{SYNTAX, WRONG_TYPE, argument};
use super::value::Value;
use super::{ClientId, Model, double, glob};
use crate::reply::Reply;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// Elements, with the texts that any of them may be shown with; those of a set stand alone.
type Elements = BTreeMap<Vec<u8>, Vec<Vec<u8>>>;

/// One call.
#[derive(Clone, Debug)]
pub(super) struct ElementPage {
    cursor: u64,
    subject: Subject,
    has_values: bool,
    elements: Rc<Elements>,
}

/// What is iterated over, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Subject {
    place: Place,
    key: Vec<u8>,
    pattern: Option<Vec<u8>>,
    /// When the key came to be.
    born: u64,
}

/// An iteration, as far as its pages were received.
#[derive(Clone, Debug)]
pub(super) struct ElementIteration {
    subject: Subject,
    next_cursor: u64,
    stayed: BTreeSet<Vec<u8>>,
    seen: BTreeSet<Vec<u8>>,
}

/// `HSCAN key cursor [MATCH pattern] [COUNT count]`, `SSCAN`, `ZSCAN`
pub(super) fn scan(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let cursor = cursor(call.word(2)).ok_or("ERR invalid cursor")?;
    let Some(entry) = model.keyspace.read(call.place, call.word(1), call.is_use) else {
        out.array(2);
        out.bulk(b"0");
        out.array(0);
        return Ok(());
    };
    let elements: Elements = match (call.row.name, &entry.value) {
        ("hscan", Value::Hash(hash)) => {
            hash.fields.iter().map(|(field, value)| (field.clone(), vec![value.clone()])).collect()
        }
        ("sscan", Value::Set(set)) => set.members.iter().map(|member| (member.clone(), Vec::new())).collect(),
        // The two encodings print differently.
        ("zscan", Value::SortedSet(zset)) => zset
            .scores
            .iter()
            .map(|(member, &score)| (member.clone(), vec![double::print(score), double::print_long(score)]))
            .collect(),
        _ => return Err(WRONG_TYPE.into()),
    };
    let born = entry.born;
    let mut pattern = None;
    let mut rest = call.rest(3);
    while let [word, value, behind @ ..] = rest {
        rest = behind;
        if is(word, "COUNT") {
            if argument(value)? < 1 {
                return Err(SYNTAX.into());
            }
        } else if is(word, "MATCH") {
            pattern = Some(value.clone());
        } else {
            return Err(SYNTAX.into());
        }
    }
    if !rest.is_empty() {
        return Err(SYNTAX.into());
    }
    let subject = Subject { place: call.place, key: call.word(1).to_vec(), pattern, born };
    let has_values = call.row.name != "sscan";
    out.special(Expected::Elements(ElementPage { cursor, subject, has_values, elements: Rc::new(elements) }));
    Ok(())
}

impl ElementPage {
    fn shows(&self, element: &[u8]) -> bool {
        self.subject.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, element))
    }

    /// The next cursor, and the elements that are shown.
    fn read(&self, reply: &Reply) -> Result<(u64, BTreeSet<Vec<u8>>), String> {
        let shape = "a cursor and an array of elements";
        let Reply::Array(pair) = reply else { return Err(shape.to_owned()) };
        let [Reply::Bulk(next), Reply::Array(items)] = pair.as_slice() else { return Err(shape.to_owned()) };
        let next = std::str::from_utf8(next).ok().and_then(|next| next.parse::<u64>().ok()).ok_or(shape)?;
        let width = if self.has_values { 2 } else { 1 };
        if !items.len().is_multiple_of(width) {
            return Err("a value for each element".to_owned());
        }
        let mut shown = BTreeSet::new();
        for item in items.chunks(width) {
            let element = bulk(&item[0]).ok_or(shape)?;
            let fits = self.shows(element)
                && self.elements.get(element).is_some_and(|texts| {
                    !self.has_values || bulk(&item[1]).is_some_and(|text| texts.iter().any(|own| own == text))
                });
            if !fits {
                return Err(format!("only what was there and fits; {} did not", super::shown(element)));
            }
            shown.insert(element.to_vec());
        }
        Ok((next, shown))
    }
}

impl Model {
    /// Where a client's iteration over the elements of a key goes on: at the beginning, if there is none.
    #[must_use]
    pub fn element_cursor(&self, client: ClientId, key: &[u8]) -> u64 {
        let reader = self.clients.get(&client);
        let iteration = reader.and_then(|reader| reader.element_iterations.get(key));
        iteration.map_or(0, |iteration| iteration.next_cursor)
    }

    /// Every element of a page was there; and with the last page, every element that was there all the time was shown.
    pub(super) fn judge_elements(
        &mut self,
        client: ClientId,
        page: &ElementPage,
        reply: &Reply,
    ) -> Result<(), String> {
        let (next_cursor, shown) = page.read(reply)?;
        let Some(reader) = self.clients.get_mut(&client) else { return Ok(()) };
        let there = || page.elements.keys().filter(|element| page.shows(element)).cloned().collect();
        let (key, known) = (&page.subject.key, &mut reader.element_iterations);
        let iteration = if page.cursor == 0 {
            let subject = page.subject.clone();
            Some(ElementIteration { subject, next_cursor, stayed: there(), seen: BTreeSet::new() })
        } else {
            // A page with another cursor takes nothing from what is followed.
            let goes_on = known.get(key).is_some_and(|known| known.next_cursor == page.cursor);
            let known = if goes_on { known.remove(key) } else { None };
            known.filter(|known| known.subject == page.subject)
        };
        let Some(mut iteration) = iteration else { return Ok(()) };
        iteration.stayed.retain(|element| page.elements.contains_key(element));
        iteration.seen.extend(shown);
        iteration.next_cursor = next_cursor;
        if next_cursor != 0 {
            reader.element_iterations.insert(key.clone(), iteration);
            return Ok(());
        }
        match iteration.stayed.difference(&iteration.seen).next() {
            None => Ok(()),
            Some(missing) => {
                let missing = super::shown(missing);
                Err(format!("everything that was there all the time; {missing} was not shown"))
            }
        }
    }
}
