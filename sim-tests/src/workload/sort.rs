//! Generators of SORT and SORT_RO.
//!
//! Each brings what it sorts, and the keys it sorts by. Those are all set at once to values of which no two are equal:
//! Redis leaves open in which order elements come whose texts, from other keys, are the same.

use super::draft::Draft;
use super::family::Family;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "sort", weight: 20, scope: Scope::Both, make: |m| sort(m, "SORT") },
    Generator { name: "sort_ro", weight: 6, scope: Scope::Both, make: |m| sort(m, "SORT_RO") },
];

/// Elements that are sorted, and keys they are sorted by.
const ELEMENTS: usize = 10;

/// Keys that are sorted.
const BAGS: usize = 4;

/// What a sort is by.
const BY: [&str; 8] =
    ["weight:*", "name:*", "record:*->weight", "record:*->name", "nosort", "weight:*", NOWHERE, "fixed"];

/// Keys that are not there.
const NOWHERE: &str = "none:*";

/// What a sort fetches.
const GET: [&str; 7] =
    ["#", "weight:*", "name:*", "record:*->weight", "record:*->none", "none:*", "record:*->"];

/// Something to be sorted.
struct Bag {
    key: Vec<u8>,
    /// What fills it.
    calls: Vec<Call>,
    is_set: bool,
    /// Whether every element has a weight and a name of its own.
    is_numbered: bool,
}

fn sort(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut calls = weights(maker);
    let bag = bag(maker);
    calls.extend(bag.calls);
    let mut draft = Draft::new(name).with(bag.key);
    let by = if maker.one_in(2) { maker.pick(&BY) } else { "" };
    if !by.is_empty() {
        draft.add_all([maker.pick(&["BY", "by"]), by]);
    }
    // Of a set that is not sorted, nobody knows which come first.
    let is_open = bag.is_set && !by.is_empty() && !by.contains('*');
    if maker.one_in(3) && !is_open {
        maker.add_limit(&mut draft);
    }
    for _ in 0..maker.pick(&[[0], [0], [1], [2]].each_ref())[0] {
        draft.add_all([maker.pick(&["GET", "get"]), maker.pick(&GET)]);
    }
    if maker.one_in(3) {
        draft.add(maker.pick(&["ASC", "DESC", "desc"]));
    }
    let has_equals = by.contains('*') && (!bag.is_numbered || by == NOWHERE);
    let is_alphabetic = (maker.one_in(2) || by.contains("name")) && !has_equals;
    if is_alphabetic {
        draft.add(maker.pick(&["ALPHA", "alpha"]));
    }
    // Elements without a text to be sorted by would be stored in an order that nobody knows.
    let may_tie = is_alphabetic && by.contains('*');
    if maker.one_in(4) && !may_tie && (name == "SORT" || maker.one_in(10)) {
        draft.add("STORE");
        draft.add(maker.key_of(Family::List));
    }
    if maker.one_in(40) {
        draft.add(maker.pick(&["NOPE", "BY", "LIMIT", "GET", "STORE"]));
    }
    calls.extend(draft.by(if is_open { Rule::Multiset } else { Rule::Exact }));
    calls
}

/// Sets all that elements are sorted by.
fn weights(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("MSET");
    let (turn, step) = (maker.below(ELEMENTS), [1, 3, 7, 9][maker.below(4)]);
    let place = |element: usize| (element * step + turn) % ELEMENTS;
    for element in 0..ELEMENTS {
        draft.add(format!("weight:{element}"));
        draft.add(format!("{}.5", place(element) as i64 - 4));
        draft.add(format!("name:{element}"));
        draft.add(format!("name {}", place(element)));
    }
    let mut calls = draft.exact();
    if maker.has(Family::Hash) {
        for element in 0..ELEMENTS {
            let draft = Draft::new("HSET").with(format!("record:{element}"));
            let draft = draft.with("weight").with(place(element).to_string());
            calls.extend(draft.with("name").with(format!("name {}", place(element))).exact());
        }
    }
    calls
}

/// A bag; now and then it is not there, or no collection at all.
fn bag(maker: &mut Maker<'_>) -> Bag {
    let kinds: Vec<(&str, &str)> = [
        ("bag", "RPUSH", Family::List),
        ("setbag", "SADD", Family::Set),
        ("zsetbag", "ZADD", Family::SortedSet),
    ]
    .into_iter()
    .filter(|(_, _, family)| maker.has(*family))
    .map(|(prefix, command, _)| (prefix, command))
    .collect();
    let kind = kinds.get(maker.below(kinds.len().max(1)));
    let Some(&(prefix, command)) = kind.filter(|_| !maker.one_in(20)) else {
        // Whatever it holds; it may be a set.
        return Bag { key: maker.key(), calls: Vec::new(), is_set: true, is_numbered: false };
    };
    let is_numbered = !maker.one_in(12);
    let kind = if is_numbered { "" } else { "text" };
    let key = format!("{kind}{prefix}:{}", maker.below(BAGS)).into_bytes();
    let mut calls = if maker.one_in(3) { Draft::new("DEL").with(&key).exact() } else { Vec::new() };
    let mut draft = Draft::new(command).with(&key);
    for _ in 0..1 + maker.below(8) {
        if command == "ZADD" {
            draft.add(maker.below(4).to_string());
        }
        draft.add(if is_numbered {
            maker.below(ELEMENTS).to_string()
        } else {
            maker.pick(&["a", "b", "1.5", "-1", "1e2"]).to_owned()
        });
    }
    calls.extend(draft.exact());
    Bag { key, calls, is_set: command == "SADD", is_numbered }
}
