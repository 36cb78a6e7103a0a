//! `SORT` and `SORT_RO`.
//!
//! The elements are copied one after the other into a buffer, since other keys are looked up on their account; what is
//! sorted are their places in it. The order is total: equal weights are told apart by the elements, or by the order
//! they came in, so that what `SORT … STORE` does is the same wherever its log is applied.

mod pattern;

use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::{parse_f64, parse_i64};
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, End, List, StringRef, ValueRef};
use pattern::Pattern;
use std::cmp::Ordering;
use std::ops::Range;

/// `SORT key [BY pattern] [LIMIT offset count] [GET pattern [GET pattern …]] [ASC|DESC] [ALPHA]
/// [STORE destination]` — O(N + M log M) for N elements, M of which are wanted.
pub(super) fn sort(ctx: &mut Context<'_>) -> CommandResult {
    let request = Request::parse(ctx, true)?;
    run(ctx, &request)
}

/// `SORT_RO key …` — [`sort`] without `STORE`.
pub(super) fn sort_ro(ctx: &mut Context<'_>) -> CommandResult {
    let request = Request::parse(ctx, false)?;
    run(ctx, &request)
}

/// The argument of a SORT request that is the destination: that of the last `STORE`.
pub(super) fn store_key(args: &[&[u8]]) -> Option<usize> {
    let mut found = None;
    let mut index = 2;
    while index < args.len() {
        let is = |name: &[u8]| args[index].eq_ignore_ascii_case(name);
        if is(b"STORE") && index + 1 < args.len() {
            found = Some(index + 1);
        }
        index += match () {
            () if is(b"LIMIT") => 3,
            () if is(b"GET") || is(b"BY") => 2,
            () => 1,
        };
    }
    found
}

/// The keys that patterns of a SORT request lead to: they depend on the data.
pub(super) fn no_key(_: &[&[u8]]) -> Option<usize> {
    None
}

/// What is asked for.
#[derive(Debug)]
struct Request<'a> {
    by: Option<Pattern<'a>>,
    get: Vec<Pattern<'a>>,
    offset: i64,
    /// A negative number is no limit.
    count: i64,
    is_descending: bool,
    is_alpha: bool,
    /// `BY` a pattern without a `*`: the elements stay as they are.
    keeps_order: bool,
    destination: Option<&'a [u8]>,
}

impl<'a> Request<'a> {
    fn parse(ctx: &Context<'a>, may_store: bool) -> Result<Request<'a>, CommandError> {
        let args = ctx.args;
        let mut request = Request {
            by: None,
            get: Vec::new(),
            offset: 0,
            count: -1,
            is_descending: false,
            is_alpha: false,
            keeps_order: false,
            destination: None,
        };
        let mut words = args.from(2);
        while let Some(word) = words.next() {
            let is = |name: &[u8]| word.eq_ignore_ascii_case(name);
            if is(b"ASC") {
                request.is_descending = false;
            } else if is(b"DESC") {
                request.is_descending = true;
            } else if is(b"ALPHA") {
                request.is_alpha = true;
            } else if is(b"LIMIT") {
                let (Some(offset), Some(count)) = (words.next(), words.next()) else {
                    return Err(CommandError::Syntax);
                };
                request.offset = parse_i64(offset).ok_or(CommandError::NotInteger)?;
                request.count = parse_i64(count).ok_or(CommandError::NotInteger)?;
            } else if is(b"STORE") && may_store {
                request.destination = Some(words.next().ok_or(CommandError::Syntax)?);
            } else if is(b"BY") {
                let pattern = Pattern::parse(words.next().ok_or(CommandError::Syntax)?);
                // As in Redis, one pattern without a `*` is enough to keep the order, whatever else is given.
                request.keeps_order |= !pattern.has_star();
                request.by = Some(pattern);
            } else if is(b"GET") {
                request.get.push(Pattern::parse(words.next().ok_or(CommandError::Syntax)?));
            } else {
                return Err(CommandError::Syntax);
            }
        }
        Ok(request)
    }

    /// Which of `len` elements are wanted, counted in the order they are to have.
    fn range(&self, len: usize) -> Range<usize> {
        let start = usize::try_from(self.offset.max(0)).unwrap_or(usize::MAX).min(len);
        let count = usize::try_from(self.count).unwrap_or(len).min(len);
        start..start.saturating_add(count).min(len)
    }
}

/// A sorted set that was sorted is kept as a large one from then on, as in Redis: OBJECT ENCODING tells.
fn enlarge(ctx: &mut Context<'_>, key: &[u8]) {
    let hash_key = ctx.keys.dataset.hash_key;
    if let Some(mut found) = ctx.keys.again_mut(key)
        && let Some(Collection::SortedSet(set)) = found.collection_mut()
    {
        set.enlarge(hash_key);
    }
}

fn run(ctx: &mut Context<'_>, request: &Request<'_>) -> CommandResult {
    let args = ctx.args;
    let mut elements = match ctx.keys.read(&args[1]) {
        Some(entry) => load(entry.value(), request)?,
        None => Elements::default(),
    };
    enlarge(ctx, &args[1]);
    if elements.is_unsorted {
        elements.weigh(ctx, request)?;
        elements.sort(request);
    }
    let wanted = &elements.items[elements.wanted.clone()];
    let columns = request.get.len().max(1);
    let len = columns * wanted.len();
    let mut scratch = Vec::new();
    let Some(destination) = request.destination else {
        ctx.reply.array(len);
        for item in wanted {
            let element = elements.text(item);
            if request.get.is_empty() {
                ctx.reply.bulk(element);
            }
            for pattern in &request.get {
                pattern.look_up(&mut ctx.keys, element, &mut scratch, |value| match value {
                    Some(value) => {
                        sometimes!(Mark::SortGotField, pattern.has_field());
                        reply_string(ctx.reply, value);
                    }
                    None => ctx.reply.null(),
                });
            }
        }
        return Ok(Propagate::Nothing);
    };
    let mut list = List::new();
    let limits = ctx.keys.dataset.limits.list;
    let mut push = |value: StringRef<'_>| {
        list.grow_for(value.len(), 1, limits);
        list.push(End::Tail, value.into());
    };
    for item in wanted {
        let element = elements.text(item);
        if request.get.is_empty() {
            push(StringRef::Bytes(element));
        }
        for pattern in &request.get {
            pattern.look_up(&mut ctx.keys, element, &mut scratch, |value| {
                push(value.unwrap_or(StringRef::Bytes(b"")));
            });
        }
    }
    ctx.reply.integer(len as i64);
    if len > 0 {
        ctx.keys.store(destination, Collection::List(list));
        return Ok(Propagate::AsIs);
    }
    Ok(if ctx.keys.discard(destination) { Propagate::AsIs } else { Propagate::Nothing })
}

/// Elements, and what they are sorted by.
#[derive(Debug, Default)]
struct Elements {
    /// Their bytes, and those of their weights.
    bytes: Vec<u8>,
    items: Vec<Item>,
    /// Which items are wanted once they are in order.
    wanted: Range<usize>,
    /// Whether they have to be sorted.
    is_unsorted: bool,
    /// Whether they are not to come in an order that differs from one process to the next.
    is_alpha_forced: bool,
    /// Whether they came in an order of their own, which tells those apart that compare as equal.
    has_order: bool,
}

/// One element.
#[derive(Clone, Copy, Debug)]
struct Item {
    text: Span,
    weight: Weight,
    /// Where it came.
    place: usize,
}

/// A part of the buffer.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: usize,
    len: usize,
}

/// What an element is sorted by.
#[derive(Clone, Copy, Debug)]
enum Weight {
    /// A number.
    Score(f64),
    /// A text.
    Text(Span),
    /// A text that is missing: before all others.
    Missing,
}

/// Copies the elements of a key, or those that are wanted if they keep their order.
fn load(value: ValueRef<'_>, request: &Request<'_>) -> Result<Elements, CommandError> {
    let ValueRef::Collection(collection) = value else { return Err(CommandError::WrongType) };
    let mut elements = Elements { is_unsorted: !request.keeps_order, has_order: true, ..Elements::default() };
    let wanted = request.range(collection.len());
    match collection {
        Collection::List(list) => elements.load_list(list, wanted, request.is_descending),
        Collection::SortedSet(set) => elements.load_sorted_set(set, wanted, request.is_descending),
        Collection::Set(set) => elements.load_set(set, wanted, request.destination.is_some()),
        Collection::Hash(_) => return Err(CommandError::WrongType),
    }
    Ok(elements)
}

impl Elements {
    fn load_list(&mut self, list: &List, wanted: Range<usize>, is_descending: bool) {
        let (first, count) = if self.is_unsorted { (0, list.len()) } else { (wanted.start, wanted.len()) };
        let is_backward = is_descending && !self.is_unsorted;
        let from = if is_backward { list.len().saturating_sub(first + 1) } else { first };
        self.items.reserve(count);
        let mut walk = list.walk(from, is_backward);
        for _ in 0..count {
            let Some(element) = walk.next() else { break };
            self.push(element.as_string());
        }
        self.wanted = if self.is_unsorted { wanted } else { 0..count };
    }

    fn load_sorted_set(&mut self, set: &SortedSet, wanted: Range<usize>, is_descending: bool) {
        let (first, count) = if self.is_unsorted { (0, set.len()) } else { (wanted.start, wanted.len()) };
        self.items.reserve(count);
        if is_descending && !self.is_unsorted {
            let end = set.len() - first;
            set.iter(end - count..end).rev().for_each(|(member, _)| self.push(member));
        } else {
            set.iter(first..first + count).for_each(|(member, _)| self.push(member));
        }
        self.wanted = if self.is_unsorted { wanted } else { 0..count };
    }

    /// A set has no order to keep. What is stored must be the same everywhere, so it is sorted nevertheless.
    fn load_set(&mut self, set: &Set, wanted: Range<usize>, is_stored: bool) {
        self.has_order = false;
        self.is_alpha_forced = is_stored && !self.is_unsorted;
        self.is_unsorted |= is_stored;
        self.items.reserve(set.len());
        set.iter().for_each(|member| self.push(member));
        self.wanted = wanted;
    }

    fn push(&mut self, element: StringRef<'_>) {
        let text = self.append(element);
        self.items.push(Item { text, weight: Weight::Missing, place: self.items.len() });
    }

    fn append(&mut self, string: StringRef<'_>) -> Span {
        let start = self.bytes.len();
        string.append_to(&mut self.bytes);
        Span { start, len: self.bytes.len() - start }
    }

    fn text(&self, item: &Item) -> &[u8] {
        self.bytes_of(item.text)
    }

    fn bytes_of(&self, span: Span) -> &[u8] {
        &self.bytes[span.start..span.start + span.len]
    }

    /// Finds what each element is sorted by. All are looked at before one that is no number is complained about.
    fn weigh(&mut self, ctx: &mut Context<'_>, request: &Request<'_>) -> Result<(), CommandError> {
        let is_alpha = request.is_alpha || self.is_alpha_forced;
        let by = request.by.as_ref().filter(|_| !self.is_alpha_forced);
        let (mut key, mut value) = (Vec::new(), Vec::new());
        let mut is_number = true;
        for index in 0..self.items.len() {
            let text = self.items[index].text;
            let weight = if let Some(by) = by {
                value.clear();
                let mut is_found = false;
                by.look_up(&mut ctx.keys, self.bytes_of(text), &mut key, |found| {
                    is_found = found.is_some();
                    sometimes!(Mark::SortedByField, is_found && by.has_field());
                    found.into_iter().for_each(|found| found.append_to(&mut value));
                });
                match (is_found, is_alpha) {
                    (false, true) => Weight::Missing,
                    (false, false) => Weight::Score(0.0),
                    (true, true) => Weight::Text(self.append(StringRef::Bytes(&value))),
                    (true, false) => score_weight(&value, &mut is_number),
                }
            } else if is_alpha {
                Weight::Text(text)
            } else {
                score_weight(self.bytes_of(text), &mut is_number)
            };
            self.items[index].weight = weight;
        }
        if is_number { Ok(()) } else { Err("ERR One or more scores can't be converted into double".into()) }
    }

    /// Brings the wanted items into order, and into their places.
    fn sort(&mut self, request: &Request<'_>) {
        let mut items = std::mem::take(&mut self.items);
        let is_stored = request.destination.is_some();
        let compare = |a: &Item, b: &Item| {
            let order = self.compare(a, b, is_stored);
            let order = if request.is_descending { order.reverse() } else { order };
            order.then_with(|| {
                if self.has_order { a.place.cmp(&b.place) } else { self.text(a).cmp(self.text(b)) }
            })
        };
        let Range { start, end } = self.wanted;
        // Nobody sees the order of those that are not wanted.
        let mut from = 0;
        if end < items.len() {
            items.select_nth_unstable_by(end, compare);
        }
        if start > 0 && start < end {
            items[..end].select_nth_unstable_by(start, compare);
            from = start;
        }
        if start < end {
            items[from..end].sort_unstable_by(compare);
        }
        self.items = items;
    }

    fn compare(&self, a: &Item, b: &Item, is_stored: bool) -> Ordering {
        match (a.weight, b.weight) {
            (Weight::Score(left), Weight::Score(right)) => {
                // There is no NaN among them.
                let order = left.partial_cmp(&right).unwrap_or(Ordering::Equal);
                order.then_with(|| self.text(a).cmp(self.text(b)))
            }
            (Weight::Text(left), Weight::Text(right)) => {
                let (left, right) = (self.bytes_of(left), self.bytes_of(right));
                if is_stored { left.cmp(right) } else { front(left).cmp(front(right)) }
            }
            (left, right) => matches!(left, Weight::Text(_)).cmp(&matches!(right, Weight::Text(_))),
        }
    }
}

/// A text up to its first NUL, where C's collation ends.
fn front(text: &[u8]) -> &[u8] {
    memchr::memchr(0, text).map_or(text, |end| &text[..end])
}

/// The number a text is, or a note that it is none.
fn score_weight(text: &[u8], is_number: &mut bool) -> Weight {
    let score = parse_score(text);
    *is_number &= score.is_some();
    Weight::Score(score.unwrap_or_default())
}

/// Reads a number as C's `strtod` does: blanks may precede it, it ends at a NUL, and nothing at all is zero.
fn parse_score(text: &[u8]) -> Option<f64> {
    if let Some(number) = parse_i64(text) {
        return Some(number as f64);
    }
    let text = front(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_blank(byte))?;
    parse_f64(&text[start..])
}

fn reply_string(reply: &mut Reply, string: StringRef<'_>) {
    match string {
        StringRef::Int(value) => reply.bulk_int(value),
        StringRef::Bytes(bytes) => reply.bulk(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::HashKey;
    use crate::value::zset::SortedSetLimits;

    #[test]
    fn scores_are_read_like_c_does() {
        for (text, expected) in [
            ("", Some(0.0)),
            ("7", Some(7.0)),
            (" \t7", Some(7.0)),
            ("7 ", None),
            ("7\0x", Some(7.0)),
            ("\0x", Some(0.0)),
            (" ", None),
            ("+1.5e1", Some(15.0)),
            ("0x10", Some(16.0)),
            ("inf", Some(f64::INFINITY)),
            ("nan", None),
            ("1e999", None),
            ("abc", None),
        ] {
            assert_eq!(parse_score(text.as_bytes()), expected, "{text:?}");
        }
    }

    fn request(keeps_order: bool, is_descending: bool, offset: i64, count: i64) -> Request<'static> {
        Request {
            by: None,
            get: Vec::new(),
            offset,
            count,
            is_descending,
            is_alpha: true,
            keeps_order,
            destination: None,
        }
    }

    /// Sorted sets and lists keep their order, from either end, if that is asked for.
    #[test]
    fn order_is_kept() {
        let limits = SortedSetLimits::default();
        let (mut list, mut set) = (List::new(), SortedSet::new());
        for (score, member) in [b"d", b"b", b"c", b"a"].into_iter().enumerate() {
            list.push(End::Tail, StringRef::Bytes(member).into());
            set.set(&member[..], score as f64, &limits, HashKey([1, 2]));
        }
        let collections = [Collection::List(list), Collection::SortedSet(set)];
        for (is_descending, offset, count, expected) in [
            (false, 0, -1, "dbca"),
            (true, 0, -1, "acbd"),
            (false, 1, 2, "bc"),
            (true, 1, 2, "cb"),
            (true, 3, 5, "d"),
            (false, -3, 1, "d"),
            (true, 4, 1, ""),
            (false, i64::MAX, i64::MAX, ""),
            (false, 2, 0, ""),
        ] {
            let request = request(true, is_descending, offset, count);
            for collection in &collections {
                let elements = load(ValueRef::Collection(collection), &request).unwrap();
                let found: Vec<&[u8]> =
                    elements.items[elements.wanted.clone()].iter().map(|item| elements.text(item)).collect();
                assert_eq!(found.concat(), expected.as_bytes(), "{request:?}");
            }
        }
        let sorted = load(ValueRef::Collection(&collections[1]), &request(false, true, 1, 2)).unwrap();
        assert_eq!((sorted.items.len(), sorted.wanted, sorted.is_unsorted), (4, 1..3, true));
    }

    #[test]
    fn the_destination_is_that_of_the_last_store() {
        let found = |request: &str| store_key(&request.split(' ').map(str::as_bytes).collect::<Vec<_>>());
        assert_eq!(found("SORT k"), None);
        assert_eq!(found("SORT k STORE a store b"), Some(5));
        assert_eq!(found("SORT k LIMIT STORE 1 STORE a"), Some(6));
        assert_eq!(found("SORT k BY STORE GET STORE ALPHA STORE d"), Some(8));
        assert_eq!(found("SORT k STORE"), None);
    }
}
