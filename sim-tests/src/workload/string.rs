//! Generators of commands for strings.

use super::maker::one;
use super::{Call, Generator, Maker, Rule, Scope};

/// Keys that are made or removed at once, at most.
pub(super) const FLOOD_LEN_MAX: usize = 400;

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "append", weight: 20, scope: Scope::Both, make: append },
    Generator { name: "decr", weight: 8, scope: Scope::Both, make: |m| m.keyed("DECR", &[]) },
    Generator { name: "decrby", weight: 8, scope: Scope::Both, make: |m| m.increment("DECRBY") },
    Generator { name: "get", weight: 60, scope: Scope::Both, make: |m| m.keyed("GET", &[]) },
    Generator { name: "getdel", weight: 6, scope: Scope::Both, make: |m| m.keyed("GETDEL", &[]) },
    Generator { name: "getex", weight: 15, scope: Scope::Both, make: getex },
    Generator { name: "getrange", weight: 12, scope: Scope::Both, make: |m| m.range("GETRANGE") },
    Generator {
        name: "getset",
        weight: 8,
        scope: Scope::Both,
        make: |m| {
            let value = m.value();
            m.keyed("GETSET", &[&value])
        },
    },
    Generator { name: "incr", weight: 20, scope: Scope::Both, make: |m| m.keyed("INCR", &[]) },
    Generator { name: "incrby", weight: 12, scope: Scope::Both, make: |m| m.increment("INCRBY") },
    Generator { name: "incrbyfloat", weight: 25, scope: Scope::Both, make: incrbyfloat },
    Generator { name: "lcs", weight: 3, scope: Scope::Both, make: lcs },
    Generator { name: "mget", weight: 12, scope: Scope::Both, make: |m| m.many_keys("MGET") },
    Generator { name: "mset", weight: 8, scope: Scope::Both, make: |m| m.pairs("MSET") },
    Generator { name: "msetnx", weight: 8, scope: Scope::Both, make: |m| m.pairs("MSETNX") },
    Generator { name: "psetex", weight: 5, scope: Scope::Both, make: |m| m.set_with_span("PSETEX", true) },
    Generator { name: "set", weight: 80, scope: Scope::Both, make: set },
    Generator { name: "setex", weight: 5, scope: Scope::Both, make: |m| m.set_with_span("SETEX", false) },
    Generator {
        name: "setnx",
        weight: 10,
        scope: Scope::Both,
        make: |m| {
            let value = m.value();
            m.keyed("SETNX", &[&value])
        },
    },
    Generator { name: "setrange", weight: 12, scope: Scope::Both, make: setrange },
    Generator { name: "strlen", weight: 10, scope: Scope::Both, make: |m| m.keyed("STRLEN", &[]) },
    Generator { name: "substr", weight: 3, scope: Scope::Both, make: |m| m.range("SUBSTR") },
    Generator { name: "mset", weight: 10, scope: Scope::Flood, make: flood },
    Generator { name: "get", weight: 2, scope: Scope::Flood, make: torrent },
];

fn append(maker: &mut Maker<'_>) -> Vec<Call> {
    if maker.one_in(6) {
        let (key, text) = (maker.short_key(), maker.text(0..6));
        return one(Rule::Exact, &[b"APPEND", &key, &text]);
    }
    let value = maker.value();
    maker.keyed("APPEND", &[&value])
}

fn getex(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut words = vec![b"GETEX".to_vec(), maker.key()];
    match maker.below(5) {
        0 => {}
        1 => words.push(b"PERSIST".to_vec()),
        _ => words.extend(maker.expiry_option().0),
    }
    if maker.one_in(15) {
        words.push(b"PERSIST".to_vec());
    }
    vec![Call { words, rule: Rule::Exact }]
}

fn incrbyfloat(maker: &mut Maker<'_>) -> Vec<Call> {
    let by = if maker.one_in(3) { maker.integer() } else { maker.float() };
    maker.keyed("INCRBYFLOAT", &[by.as_bytes()])
}

fn lcs(maker: &mut Maker<'_>) -> Vec<Call> {
    let (key, text) = (maker.short_key(), maker.text(0..60));
    let mut calls = one(Rule::Exact, &[b"SET", &key, &text]);
    // Two long strings take as long as a thousand other requests: they meet, but rarely.
    let other = if maker.one_in(10) { maker.short_key() } else { key };
    let mut words = vec![b"LCS".to_vec(), maker.short_key(), other];
    if maker.one_in(2) {
        words.swap(1, 2);
    }
    match maker.below(5) {
        0 => {}
        1 => words.push(b"LEN".to_vec()),
        _ => {
            words.push(b"IDX".to_vec());
            if maker.one_in(2) {
                words.push(b"WITHMATCHLEN".to_vec());
            }
            if maker.one_in(2) {
                words.extend([b"MINMATCHLEN".to_vec(), maker.below(6).to_string().into_bytes()]);
            }
        }
    }
    calls.push(Call { words, rule: Rule::Exact });
    calls
}

fn set(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let mut words = vec![b"SET".to_vec(), key.clone(), maker.value()];
    if maker.one_in(2) {
        return vec![Call { words, rule: Rule::Exact }];
    }
    let mut is_past = false;
    if maker.one_in(3) {
        words.push(maker.pick(&["NX", "XX"]).as_bytes().to_vec());
    }
    match maker.below(6) {
        0 => words.push(b"KEEPTTL".to_vec()),
        1..=3 => {
            let (option, past) = maker.expiry_option();
            words.extend(option);
            is_past = past;
        }
        _ => {}
    }
    if maker.one_in(4) {
        words.push(b"GET".to_vec());
    }
    let mut calls = vec![Call { words, rule: Rule::Exact }];
    if is_past {
        calls.extend(meet_expired(maker, &key));
    }
    calls
}

fn meet_expired(maker: &mut Maker<'_>, key: &[u8]) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(12) {
        0 => &[b"GET", key],
        1 => &[b"INCR", key],
        2 => &[b"APPEND", key, b"x"],
        3 => &[b"SETNX", key, b"x"],
        4 => &[b"RENAME", key, key],
        5 => &[b"PERSIST", key],
        6 => &[b"DEL", key],
        7 => &[b"SETRANGE", key, b"1", b"x"],
        8 => &[b"EXPIRE", key, b"100000"],
        9 => &[b"GETSET", key, b"x"],
        10 => &[b"SET", key, b"x", b"XX"],
        _ => &[b"TTL", key],
    };
    let mut calls = one(Rule::Exact, words);
    calls.extend(one(Rule::Exact, &[b"EXISTS", key]));
    calls
}

fn setrange(maker: &mut Maker<'_>) -> Vec<Call> {
    let offset = if maker.one_in(40) { maker.below(60_000) } else { maker.below(60) };
    let text = maker.text(0..10);
    maker.keyed("SETRANGE", &[offset.to_string().as_bytes(), &text])
}

/// So many keys at once that the table has to grow.
fn flood(maker: &mut Maker<'_>) -> Vec<Call> {
    if !maker.one_in(4) {
        return maker.wave(true);
    }
    let mut words = vec![b"MSET".to_vec()];
    for _ in 0..1 + maker.below(FLOOD_LEN_MAX) {
        words.push(maker.cold_key());
        words.push(b"x".to_vec());
    }
    vec![Call { words, rule: Rule::Exact }]
}

/// Far more output than the server keeps before it stops reading.
fn torrent(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let value = vec![b'v'; 250_000];
    let mut calls = one(Rule::Exact, &[b"SET", &key, &value]);
    for _ in 0..6 {
        calls.extend(one(Rule::Exact, &[b"GET", &key]));
    }
    calls
}
