//! Generators of transactions.
//!
//! Most are whole: WATCH, perhaps a change, MULTI, requests, EXEC. The simulator cuts some of them, so that other
//! clients come between; and it opens transactions into which whatever the client sends next is queued.

use super::draft::Draft;
use super::maker::one;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "multi", weight: 30, scope: Scope::Both, make: transaction },
    Generator { name: "watch", weight: 8, scope: Scope::Both, make: |m| watch(m).exact() },
    Generator { name: "unwatch", weight: 2, scope: Scope::Both, make: |_| one(Rule::Exact, &[b"UNWATCH"]) },
    Generator { name: "exec", weight: 1, scope: Scope::Both, make: |_| one(Rule::Exact, &[b"EXEC"]) },
    Generator { name: "discard", weight: 1, scope: Scope::Both, make: |_| one(Rule::Exact, &[b"DISCARD"]) },
    Generator { name: "multi", weight: 2, scope: Scope::Simulator, make: |_| one(Rule::Exact, &[b"MULTI"]) },
    Generator { name: "exec", weight: 10, scope: Scope::Simulator, make: |_| one(Rule::Exact, &[b"EXEC"]) },
];

/// Requests of a transaction, at most; most have few.
const QUEUED_MAX: usize = 12;

/// Rules by which a reply can be compared that stands in EXEC's.
const QUEUED_RULES: [Rule; 2] = [Rule::Exact, Rule::Scores];

/// How often another request is tried when one cannot be queued.
const TRIES: usize = 20;

/// What is not put between MULTI and EXEC on purpose: it ends the connection, changes what the replies look like, or
/// is about transactions itself.
const NOT_QUEUED: [&[u8]; 12] = [
    b"AUTH", b"CLIENT", b"CONFIG", b"DEBUG", b"DISCARD", b"EXEC", b"HELLO", b"MULTI", b"QUIT", b"RESET",
    b"UNWATCH", b"WATCH",
];

fn watch(maker: &mut Maker<'_>) -> Draft {
    let mut draft = Draft::new("WATCH");
    for _ in 0..maker.few() {
        draft.add(maker.key());
    }
    draft
}

fn transaction(maker: &mut Maker<'_>) -> Vec<Call> {
    if maker.is_queueing {
        // They cannot be nested.
        return one(Rule::Exact, &[b"MULTI"]);
    }
    if !maker.is_compared() && maker.one_in(12) {
        return overtaken(maker);
    }
    let mut calls = Vec::new();
    if maker.one_in(2) {
        calls.extend(watch(maker).exact());
        match maker.below(10) {
            // Its own change counts like anybody's.
            0..2 => calls.extend(queued(maker)),
            2 => calls.extend(one(Rule::Exact, &[b"UNWATCH"])),
            _ => {}
        }
    }
    calls.extend(one(Rule::Exact, &[b"MULTI"]));
    let len = if maker.one_in(3) { maker.below(QUEUED_MAX) } else { maker.below(4) };
    for _ in 0..len {
        calls.extend(if maker.one_in(60) { mistake(maker) } else { queued(maker) });
    }
    let end: &[u8] = match maker.below(20) {
        0..2 => b"DISCARD",
        2 => b"RESET",
        _ => b"EXEC",
    };
    // As what is queued.
    calls.extend(one(Rule::Scores, &[end]));
    calls
}

/// A transaction that comes when the key it watches has expired, and nobody has noticed: the client waits meanwhile.
fn overtaken(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let words: [&[&[u8]]; 6] = [
        &[b"SET", &key, b"short-lived", b"PX", b"3"],
        &[b"WATCH", &key],
        &[b"BLPOP", b"list:never", b"0.005"],
        &[b"MULTI"],
        &[b"PING"],
        &[b"EXEC"],
    ];
    words.into_iter().flat_map(|words| one(Rule::Exact, words)).collect()
}

/// Requests that can be queued. What the differential run compares by other rules it cannot find in EXEC's reply.
fn queued(maker: &mut Maker<'_>) -> Vec<Call> {
    let is_compared = maker.is_compared();
    for _ in 0..TRIES {
        maker.is_queueing = true;
        let calls = maker.calls();
        maker.is_queueing = false;
        let fits = |call: &Call| {
            let is_barred = NOT_QUEUED.iter().any(|name| call.words[0].eq_ignore_ascii_case(name));
            !is_barred && (QUEUED_RULES.contains(&call.rule) || !is_compared)
        };
        if calls.iter().all(fits) {
            return calls;
        }
    }
    Vec::new()
}

/// What is refused instead of being queued, or is answered at once.
fn mistake(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(6) {
        0 => &[b"NOPE", b"x"],
        1 => &[b"GET"],
        2 => &[b"MULTI"],
        3 => &[b"WATCH", b"k"],
        4 => &[b"SET", b"k"],
        _ => &[b"UNWATCH"],
    };
    one(Rule::Exact, words)
}
