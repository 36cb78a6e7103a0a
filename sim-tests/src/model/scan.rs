//! SCAN, and other replies that show some keys: which of them may be shown, and which must have been.

use super::answer::{Expected, Filter, Out, Page, Refusal};
use super::call::{Call, is};
use super::client::Iteration;
use super::generic::bulk;
use super::keyspace::{Place, Trait};
use super::number::cursor;
use super::string::{SYNTAX, argument};
use super::{ClientId, Model, glob};
use crate::reply::Reply;

/// `SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]`
pub(super) fn scan(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let cursor = cursor(call.word(1)).ok_or("ERR invalid cursor")?;
    let mut filter = Filter::default();
    let mut rest = call.rest(2);
    while let [word, value, behind @ ..] = rest {
        rest = behind;
        if is(word, "COUNT") {
            if argument(value)? < 1 {
                return Err(SYNTAX.into());
            }
        } else if is(word, "MATCH") {
            filter.pattern = Some(value.clone());
        } else if is(word, "TYPE") {
            filter.type_name = Some(value.clone());
        } else {
            return Err(SYNTAX.into());
        }
    }
    if !rest.is_empty() {
        return Err(SYNTAX.into());
    }
    let moment = model.keyspace.moment;
    out.special(Expected::Page(Page { cursor, filter, place: call.place, moment, now_ms: call.now_ms }));
    Ok(())
}

impl Filter {
    fn shows(&self, key: &[u8], type_name: &str) -> bool {
        self.pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, key))
            && self.type_name.as_ref().is_none_or(|name| is(name, type_name))
    }
}

impl Model {
    /// Where a client's iteration with SCAN goes on: at the beginning, if there is none.
    #[must_use]
    pub fn scan_cursor(&self, client: ClientId) -> u64 {
        let iteration = self.clients.get(&client).and_then(|reader| reader.iteration.as_ref());
        iteration.map_or(0, |iteration| iteration.next_cursor)
    }

    /// Every key of a page was there when it was asked for; and with the last page of an iteration, every key
    /// that was there all the time has been shown.
    pub(super) fn judge_page(&mut self, client: ClientId, page: &Page, reply: &Reply) -> Result<(), String> {
        let shape = "a cursor and an array of keys";
        let Reply::Array(pair) = reply else { return Err(shape.to_owned()) };
        let [Reply::Bulk(next), Reply::Array(keys)] = pair.as_slice() else { return Err(shape.to_owned()) };
        let next = std::str::from_utf8(next).ok().and_then(|next| next.parse::<u64>().ok()).ok_or(shape)?;
        let mut shown = Vec::new();
        for key in keys {
            let key = bulk(key).ok_or(shape)?;
            let was = self.keyspace.at(page.moment, page.place, key);
            let fits =
                was.is_some_and(|was| is_living(was, page.now_ms) && page.filter.shows(key, was.type_name));
            if !fits {
                return Err(format!("only keys that were there and fit; {} did not", super::shown(key)));
            }
            shown.push(key.to_vec());
        }
        let reader = self.clients.get_mut(&client);
        match reader.and_then(|reader| reader.turn_page(page, next, shown)) {
            Some(iteration) => self.judge_iteration(&iteration),
            None => Ok(()),
        }
    }

    fn judge_iteration(&self, iteration: &Iteration) -> Result<(), String> {
        let stayed =
            self.keyspace.ever_living(iteration.place).filter(|(_, entry)| entry.born < iteration.started);
        for (key, entry) in stayed {
            if iteration.filter.shows(key, entry.value.type_name()) && !iteration.seen.contains(key) {
                return Err(format!(
                    "every key that was there all the time; {} was not shown",
                    super::shown(key)
                ));
            }
        }
        Ok(())
    }

    /// A key that was there when it was asked for.
    pub(super) fn judge_any_key(
        &self,
        moment: u64,
        place: Place,
        now_ms: i64,
        reply: &Reply,
    ) -> Result<(), String> {
        let was = bulk(reply).and_then(|key| self.keyspace.at(moment, place, key));
        let fits = was.is_some_and(|was| is_living(was, now_ms));
        if fits { Ok(()) } else { Err("a key that was there".to_owned()) }
    }
}

fn is_living(was: Trait, now_ms: i64) -> bool {
    was.expiry_ms.is_none_or(|expiry_ms| expiry_ms >= now_ms)
}
