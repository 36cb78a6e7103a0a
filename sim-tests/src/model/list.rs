//! Lists.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::keyspace::{Entry, Place};
use super::list_encoding::{Limit, ListEncoding};
use super::number::integer;
use super::string::{NOT_AN_INTEGER, SYNTAX, WRONG_TYPE, argument};
use super::value::Value;

const NO_SUCH_KEY: &str = "ERR no such key";
const NOT_POSITIVE: &str = "ERR value is out of range, must be positive";

/// A list, with what OBJECT ENCODING says of it.
#[derive(Clone, Debug)]
pub(super) struct ListValue {
    pub items: Vec<Vec<u8>>,
    pub encoding: ListEncoding,
}

/// Two lists are the same data whatever their encodings.
impl PartialEq for ListValue {
    fn eq(&self, other: &ListValue) -> bool {
        self.items == other.items
    }
}

impl Eq for ListValue {}

impl ListValue {
    pub fn new(items: Vec<Vec<u8>>) -> ListValue {
        ListValue { items, encoding: ListEncoding::Listpack }
    }
}

/// One of the two ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Head,
    Tail,
}

impl End {
    /// `LEFT` or `RIGHT`.
    pub fn named(word: &[u8]) -> Option<End> {
        match (is(word, "LEFT"), is(word, "RIGHT")) {
            (true, _) => Some(End::Head),
            (_, true) => Some(End::Tail),
            _ => None,
        }
    }

    pub fn parse(word: &[u8]) -> Result<End, Refusal> {
        End::named(word).ok_or_else(|| SYNTAX.into())
    }
}

/// The end that a command's name begins with: `rpush` and `rpop` are about the tail, and so is `brpop`.
pub(super) fn end_of(name: &str) -> End {
    if name.trim_start_matches('b').starts_with('r') { End::Tail } else { End::Head }
}

/// Adds an element at an end.
pub(super) fn push(items: &mut Vec<Vec<u8>>, end: End, item: &[u8]) {
    let at = if end == End::Head { 0 } else { items.len() };
    items.insert(at, item.to_vec());
}

/// Takes up to so many elements from an end, in the order in which they come out.
pub(super) fn take(items: &mut Vec<Vec<u8>>, end: End, count: usize) -> Vec<Vec<u8>> {
    let count = count.min(items.len());
    match end {
        End::Head => items.drain(..count).collect(),
        End::Tail => items.drain(items.len() - count..).rev().collect(),
    }
}

/// The place that an index means: below zero it counts from the end.
pub(super) fn place_in(len: usize, index: i64) -> Option<usize> {
    let len = i128::try_from(len).ok()?;
    let index = if index < 0 { len + i128::from(index) } else { i128::from(index) };
    usize::try_from(index).ok().filter(|_| index < len)
}

/// The elements from one index to another.
pub(super) fn slice(items: &[Vec<u8>], start: i64, stop: i64) -> &[Vec<u8>] {
    let len = items.len() as i128;
    let place = |index: i64| if index < 0 { len + i128::from(index) } else { i128::from(index) };
    let (first, last) = (place(start).max(0), place(stop).min(len - 1));
    if first > last {
        return &[];
    }
    let at = |index: i128| usize::try_from(index).unwrap_or(0);
    &items[at(first)..=at(last)]
}

/// Removes so many equal elements from the head, from the tail if below zero, all if zero; returns how many there were.
pub(super) fn remove_equal(items: &mut Vec<Vec<u8>>, count: i64, element: &[u8]) -> usize {
    let mut left = if count == 0 { u64::MAX } else { count.unsigned_abs() };
    let before = items.len();
    let mut keeps = |item: &Vec<u8>| {
        let goes = left > 0 && item == element;
        left -= u64::from(goes);
        !goes
    };
    if count < 0 {
        items.reverse();
        items.retain(&mut keeps);
        items.reverse();
    } else {
        items.retain(&mut keeps);
    }
    before - items.len()
}

fn list_of(entry: &Entry) -> Result<&ListValue, Refusal> {
    if let Value::List(list) = &entry.value { Ok(list) } else { Err(WRONG_TYPE.into()) }
}

impl Model {
    pub(super) fn list_limit(&self) -> Limit {
        Limit::of(self.config.integer("list-max-listpack-size"))
    }

    /// Reads a list.
    fn read_list(&mut self, call: &Call, key: &[u8]) -> Result<Option<&ListValue>, Refusal> {
        self.keyspace.read(call.place, key, call.is_use).map(list_of).transpose()
    }

    /// Looks a list up that is to be changed.
    pub(super) fn write_list(&mut self, call: &Call, key: &[u8]) -> Result<Option<&ListValue>, Refusal> {
        self.keyspace.write(call.place, key, call.is_use).map(list_of).transpose()
    }

    /// Changes a list, which must be there.
    fn change_list<T>(
        &mut self,
        place: Place,
        key: &[u8],
        change: impl FnOnce(&mut ListValue) -> T,
    ) -> Option<T> {
        let mut result = None;
        self.keyspace.change(place, key, |entry| {
            if let Value::List(list) = &mut entry.value {
                result = Some(change(list));
            }
        });
        result
    }

    /// Lets a list get ready for elements of so many bytes.
    fn expect_elements(&mut self, place: Place, key: &[u8], bytes: usize, count: usize) {
        let limit = self.list_limit();
        self.keyspace.adjust(place, key, |value| {
            if let Value::List(list) = value {
                list.expect(bytes, count, limit);
            }
        });
    }

    /// After a list lost elements: it goes if it is empty.
    fn settle_list(&mut self, place: Place, key: &[u8]) {
        let limit = self.list_limit();
        let mut is_empty = false;
        self.keyspace.adjust(place, key, |value| {
            if let Value::List(list) = value {
                list.shrink(limit);
                is_empty = list.items.is_empty();
            }
        });
        if is_empty {
            self.keyspace.remove(place, key);
        }
    }

    /// Adds elements, to a new list if there is none. Elements that are integers of the server's own making come
    /// unannounced.
    fn push_elements(&mut self, place: Place, key: &[u8], end: End, items: &[Vec<u8>], announced: usize) {
        if self.keyspace.living_entry(place, key).is_none() {
            self.keyspace.put(place, key, Value::List(ListValue::new(Vec::new())), None);
        }
        self.expect_elements(place, key, announced, items.len());
        self.change_list(place, key, |list| items.iter().for_each(|item| push(&mut list.items, end, item)));
    }

    /// Takes elements from a list that is there.
    pub(super) fn take_elements(&mut self, place: Place, key: &[u8], end: End, count: usize) -> Vec<Vec<u8>> {
        let taken = self.change_list(place, key, |list| take(&mut list.items, end, count));
        self.settle_list(place, key);
        taken.unwrap_or_default()
    }

    /// Moves an element from one list to another or the same; `None` where there is none.
    pub(super) fn move_element(
        &mut self,
        call: &Call,
        ends: (End, End),
        out: &mut Out,
    ) -> Result<(), Refusal> {
        let (from, to) = (call.word(1), call.word(2));
        if self.write_list(call, from)?.is_none() {
            out.null();
            return Ok(());
        }
        self.write_list(call, to)?;
        let taken =
            self.change_list(call.place, from, |list| take(&mut list.items, ends.0, 1)).unwrap_or_default();
        // What looks like an integer is one on its way, and has no length.
        let announced = taken.iter().filter(|item| integer(item).is_none()).map(Vec::len).sum();
        self.push_elements(call.place, to, ends.1, &taken, announced);
        self.settle_list(call.place, from);
        if let Some(item) = taken.first() {
            out.bulk(item);
        }
        Ok(())
    }
}

/// Writes elements as an array.
pub(super) fn show(items: &[Vec<u8>], out: &mut Out) {
    out.array(items.len());
    items.iter().for_each(|item| out.bulk(item));
}

/// `LPUSH key element [element …]`, `RPUSH`
pub(super) fn push_all(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    push_to(model, call, true, out)
}

/// `LPUSHX key element [element …]`, `RPUSHX`: only to a list that is there.
pub(super) fn push_if_there(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    push_to(model, call, false, out)
}

fn push_to(model: &mut Model, call: &Call, creates: bool, out: &mut Out) -> Result<(), Refusal> {
    let (key, items) = (call.word(1), call.rest(2));
    let len = model.write_list(call, key)?.map(|list| list.items.len());
    if len.is_none() && !creates {
        out.integer(0);
        return Ok(());
    }
    let bytes = items.iter().map(Vec::len).sum();
    model.push_elements(call.place, key, end_of(call.row.name), items, bytes);
    out.integer((len.unwrap_or(0) + items.len()) as i64);
    Ok(())
}

/// `LPOP key [count]`, `RPOP`
pub(super) fn pop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (key, end) = (call.word(1), end_of(call.row.name));
    let count = match call.rest(2) {
        [] => None,
        [word] => Some(integer(word).and_then(|count| usize::try_from(count).ok()).ok_or(NOT_POSITIVE)?),
        _ => return Err(super::call::wrong_arity(call.row.name)),
    };
    if model.write_list(call, key)?.is_none() {
        if count.is_some() {
            out.null_array();
        } else {
            out.null();
        }
        return Ok(());
    }
    match count {
        Some(0) => out.array(0),
        Some(count) => show(&model.take_elements(call.place, key, end, count), out),
        None => out.bulk_or_null(model.take_elements(call.place, key, end, 1).first().map(Vec::as_slice)),
    }
    Ok(())
}

/// `LLEN key`
pub(super) fn llen(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let list = model.read_list(call, call.word(1))?;
    out.integer(list.map_or(0, |list| list.items.len() as i64));
    Ok(())
}

/// `LINDEX key index`
pub(super) fn lindex(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some(list) = model.read_list(call, call.word(1))? else {
        out.null();
        return Ok(());
    };
    let place = place_in(list.items.len(), argument(call.word(2))?);
    out.bulk_or_null(place.map(|place| list.items[place].as_slice()));
    Ok(())
}

/// `LSET key index element`
pub(super) fn lset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (key, element) = (call.word(1), call.word(3));
    let len = model.write_list(call, key)?.map(|list| list.items.len()).ok_or(NO_SUCH_KEY)?;
    let index = argument(call.word(2))?;
    // The list makes room before it looks whether the index is one.
    model.expect_elements(call.place, key, element.len(), 1);
    let place = place_in(len, index).ok_or("ERR index out of range")?;
    model.change_list(call.place, key, |list| list.items[place] = element.to_vec());
    model.settle_list(call.place, key);
    out.ok();
    Ok(())
}

/// `LINSERT key BEFORE | AFTER pivot element`
pub(super) fn linsert(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let behind = match (is(call.word(2), "BEFORE"), is(call.word(2), "AFTER")) {
        (true, _) => 0,
        (_, true) => 1,
        _ => return Err(SYNTAX.into()),
    };
    let (key, pivot, element) = (call.word(1), call.word(3), call.word(4));
    let Some(list) = model.write_list(call, key)? else {
        out.integer(0);
        return Ok(());
    };
    let found = list.items.iter().position(|item| item == pivot);
    let len = list.items.len();
    // The list makes room before it looks for the pivot.
    model.expect_elements(call.place, key, element.len(), 1);
    let Some(place) = found else {
        out.integer(-1);
        return Ok(());
    };
    model.change_list(call.place, key, |list| list.items.insert(place + behind, element.to_vec()));
    out.integer((len + 1) as i64);
    Ok(())
}

/// `LRANGE key start stop`
pub(super) fn lrange(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (start, stop) = (argument(call.word(2))?, argument(call.word(3))?);
    match model.read_list(call, call.word(1))? {
        Some(list) => show(slice(&list.items, start, stop), out),
        None => out.array(0),
    }
    Ok(())
}

/// `LTRIM key start stop`
pub(super) fn ltrim(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (start, stop) = (argument(call.word(2))?, argument(call.word(3))?);
    let key = call.word(1);
    if model.write_list(call, key)?.is_some() {
        model.change_list(call.place, key, |list| list.items = slice(&list.items, start, stop).to_vec());
        model.settle_list(call.place, key);
    }
    out.ok();
    Ok(())
}

/// `LREM key count element`
pub(super) fn lrem(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (key, element) = (call.word(1), call.word(3));
    let count = argument(call.word(2))?;
    let Some(mut items) = model.write_list(call, key)?.map(|list| list.items.clone()) else {
        out.integer(0);
        return Ok(());
    };
    let removed = remove_equal(&mut items, count, element);
    if removed > 0 {
        model.change_list(call.place, key, |list| list.items = items);
        model.settle_list(call.place, key);
    }
    out.integer(removed as i64);
    Ok(())
}

/// `LPOS key element [RANK rank] [COUNT num-matches] [MAXLEN len]`
pub(super) fn lpos(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (mut rank, mut count, mut len_max) = (1, None, 0);
    let mut rest = call.rest(3);
    while let [word, value, behind @ ..] = rest {
        rest = behind;
        let natural = |error: &str| integer(value).filter(|&number| number >= 0).ok_or(Refusal::from(error));
        if is(word, "RANK") {
            rank = parse_rank(value)?;
        } else if is(word, "COUNT") {
            count = Some(natural("ERR COUNT can't be negative")?);
        } else if is(word, "MAXLEN") {
            len_max = natural("ERR MAXLEN can't be negative")?;
        } else {
            return Err(SYNTAX.into());
        }
    }
    if !rest.is_empty() {
        return Err(SYNTAX.into());
    }
    let Some(list) = model.read_list(call, call.word(1))? else {
        if count.is_some() {
            out.array(0);
        } else {
            out.null();
        }
        return Ok(());
    };
    let len = len_of_items(list);
    let looked_at = if len_max == 0 { len } else { len_max.min(len) };
    let places = (0..looked_at).map(|step| if rank < 0 { len - 1 - step } else { step });
    let is_match = |place: &i64| usize::try_from(*place).is_ok_and(|place| list.items[place] == call.word(2));
    let skipped = usize::try_from(rank.unsigned_abs() - 1).unwrap_or(usize::MAX);
    let wanted = match count {
        None => 1,
        Some(0) => usize::MAX,
        Some(count) => usize::try_from(count).unwrap_or(usize::MAX),
    };
    let found: Vec<i64> = places.filter(is_match).skip(skipped).take(wanted).collect();
    match (count, found.first()) {
        (Some(_), _) => {
            out.array(found.len());
            found.iter().for_each(|&place| out.integer(place));
        }
        (None, Some(&place)) => out.integer(place),
        (None, None) => out.null(),
    }
    Ok(())
}

fn len_of_items(list: &ListValue) -> i64 {
    i64::try_from(list.items.len()).unwrap_or(i64::MAX)
}

fn parse_rank(word: &[u8]) -> Result<i64, Refusal> {
    match integer(word).ok_or(NOT_AN_INTEGER)? {
        0 => Err("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative \
                  to start from the end of the list"
            .into()),
        // The smallest of all numbers has no counterpart.
        i64::MIN => Err(format!("ERR value is out of range, value must between {} and {}", -i64::MAX, i64::MAX).into()),
        rank => Ok(rank),
    }
}

/// `LMOVE source destination LEFT | RIGHT LEFT | RIGHT`
pub(super) fn lmove(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let ends = (End::parse(call.word(3))?, End::parse(call.word(4))?);
    model.move_element(call, ends, out)
}

/// `RPOPLPUSH source destination`
pub(super) fn rpoplpush(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.move_element(call, (End::Tail, End::Head), out)
}

/// What `LMPOP` and `BLMPOP` ask for.
#[derive(Debug)]
pub(super) struct PopMany {
    pub keys: Vec<Vec<u8>>,
    pub end: End,
    pub count: usize,
}

impl PopMany {
    /// `numkeys key [key …] LEFT | RIGHT [COUNT count]`
    pub fn parse(words: &[Vec<u8>]) -> Result<PopMany, Refusal> {
        let positive = |word: &[u8], error: &str| {
            let number = integer(word).filter(|&number| number > 0).ok_or(Refusal::from(error))?;
            Ok::<usize, Refusal>(usize::try_from(number).unwrap_or(usize::MAX))
        };
        let keys_len = positive(&words[0], "ERR numkeys should be greater than 0")?;
        let end_at = keys_len.saturating_add(1);
        let end = End::parse(words.get(end_at).ok_or(SYNTAX)?)?;
        let count = match &words[end_at + 1..] {
            [] => 1,
            [word, rest @ ..] if is(word, "COUNT") && !rest.is_empty() => {
                let count = positive(&rest[0], "ERR count should be greater than 0")?;
                if rest.len() > 1 {
                    return Err(SYNTAX.into());
                }
                count
            }
            _ => return Err(SYNTAX.into()),
        };
        Ok(PopMany { keys: words[1..end_at].to_vec(), end, count })
    }

    /// Pops from the first list that is there; whether one is.
    pub fn run(&self, model: &mut Model, call: &Call, out: &mut Out) -> Result<bool, Refusal> {
        for key in &self.keys {
            if model.write_list(call, key)?.is_some() {
                let items = model.take_elements(call.place, key, self.end, self.count);
                out.array(2);
                out.bulk(key);
                show(&items, out);
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// `LMPOP numkeys key [key …] LEFT | RIGHT [COUNT count]`
pub(super) fn lmpop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if !PopMany::parse(call.rest(1))?.run(model, call, out)? {
        out.null_array();
    }
    Ok(())
}
