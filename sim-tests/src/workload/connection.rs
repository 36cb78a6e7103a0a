//! Generators of commands for the connection itself.

use super::maker::one;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "auth", weight: 1, scope: Scope::Both, make: auth },
    Generator { name: "client", weight: 2, scope: Scope::Both, make: client },
    Generator {
        name: "echo",
        weight: 2,
        scope: Scope::Both,
        make: |m| {
            let value = m.value();
            one(Rule::Exact, &[b"ECHO", &value])
        },
    },
    Generator { name: "hello", weight: 1, scope: Scope::Both, make: hello },
    Generator { name: "ping", weight: 2, scope: Scope::Both, make: ping },
    Generator { name: "reset", weight: 1, scope: Scope::Both, make: |_| one(Rule::Exact, &[b"RESET"]) },
    Generator {
        name: "select",
        weight: 6,
        scope: Scope::Both,
        make: |m| {
            let index = m.database();
            one(Rule::Exact, &[b"SELECT", &index])
        },
    },
    Generator { name: "quit", weight: 1, scope: Scope::Simulator, make: |_| one(Rule::Kind, &[b"QUIT"]) },
    Generator { name: "client", weight: 8, scope: Scope::Simulator, make: any_client },
    Generator { name: "client", weight: 2, scope: Scope::Simulator, make: expiring_pause },
    Generator { name: "client", weight: 1, scope: Scope::Simulator, make: skipped_error },
];

fn auth(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(3) {
        0 => &[b"AUTH", b"x"],
        1 => &[b"AUTH", b"nobody", b"x"],
        _ => &[b"AUTH", b"default", b"x"],
    };
    one(Rule::Exact, words)
}

fn client(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(6) {
        0 => &[b"CLIENT", b"SETNAME", b"someone"],
        1 => &[b"CLIENT", b"SETNAME", b"no blanks"],
        2 => &[b"CLIENT", b"NO-EVICT", b"on"],
        3 => &[b"CLIENT", b"NOPE"],
        _ => &[b"CLIENT", b"GETNAME"],
    };
    one(Rule::Exact, words)
}

fn hello(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(4) {
        0 => &[b"HELLO", b"2"],
        1 => &[b"HELLO", b"3"],
        2 => &[b"HELLO", b"4"],
        _ => &[b"HELLO"],
    };
    one(Rule::Handshake, words)
}

fn ping(maker: &mut Maker<'_>) -> Vec<Call> {
    if maker.one_in(2) { one(Rule::Exact, &[b"PING"]) } else { one(Rule::Exact, &[b"PING", b"hello"]) }
}

/// An error is not answered, and what comes next is.
fn skipped_error(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut calls = one(Rule::Kind, &[b"CLIENT", b"REPLY", b"SKIP"]);
    calls.extend(if maker.one_in(2) { one(Rule::Exact, &[b"NOPE"]) } else { one(Rule::Exact, &[b"GET"]) });
    calls.extend(maker.keyed("GET", &[]));
    calls
}

/// A key expires while writes are paused, and is read meanwhile.
fn expiring_pause(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let mut calls = one(Rule::Exact, &[b"SET", &key, b"short-lived", b"PX", b"1"]);
    calls.extend(one(Rule::Kind, &[b"CLIENT", b"PAUSE", b"60", b"WRITE"]));
    calls.extend(one(Rule::Exact, &[b"GET", &key]));
    calls
}

/// CLIENT and all its parts.
fn any_client(maker: &mut Maker<'_>) -> Vec<Call> {
    let id = (maker.below(20) + 1).to_string();
    let ms = maker.below(300).to_string();
    let words: &[&[u8]] = match maker.below(34) {
        0 => &[b"CLIENT", b"ID"],
        1 => &[b"CLIENT", b"INFO"],
        2 => &[b"CLIENT", b"LIST"],
        3 => &[b"CLIENT", b"LIST", b"ID", id.as_bytes(), b"1"],
        4 => &[b"CLIENT", b"LIST", b"TYPE", b"normal"],
        5 => &[b"CLIENT", b"LIST", b"TYPE", b"nope"],
        6 => &[b"CLIENT", b"SETNAME", b"me"],
        7 => &[b"CLIENT", b"GETNAME"],
        8 => &[b"CLIENT", b"SETINFO", b"LIB-NAME", b"lib"],
        9 => &[b"CLIENT", b"SETINFO", b"LIB-VER", b"1.2"],
        10 => &[b"CLIENT", b"SETINFO", b"NOPE", b"1.2"],
        11 => &[b"CLIENT", b"KILL", b"ID", id.as_bytes()],
        12 => &[b"CLIENT", b"KILL", b"ID", id.as_bytes(), b"SKIPME", b"no"],
        13 => &[b"CLIENT", b"KILL", b"TYPE", b"pubsub"],
        14 => &[b"CLIENT", b"KILL", b"ADDR", b"127.0.0.1:10001"],
        15 => &[b"CLIENT", b"KILL", b"127.0.0.1:10002"],
        16 => &[b"CLIENT", b"KILL", b"LADDR", b"127.0.0.1:1"],
        17 => &[b"CLIENT", b"KILL", b"USER", b"nobody"],
        18 => &[b"CLIENT", b"KILL", b"NOPE", b"x"],
        19..=21 => &[b"CLIENT", b"PAUSE", ms.as_bytes(), b"WRITE"],
        22 => &[b"CLIENT", b"PAUSE", ms.as_bytes()],
        23 => &[b"CLIENT", b"PAUSE", ms.as_bytes(), b"ALL"],
        24 => &[b"CLIENT", b"UNPAUSE"],
        25 => &[b"CLIENT", b"REPLY", b"SKIP"],
        26 => return off_and_on(maker),
        27 => &[b"CLIENT", b"NO-EVICT", b"on"],
        28 => &[b"CLIENT", b"NO-TOUCH", b"on"],
        29 => &[b"CLIENT", b"NO-TOUCH", b"off"],
        30 => &[b"CLIENT", b"UNBLOCK", id.as_bytes()],
        31 => &[b"CLIENT", b"UNBLOCK", id.as_bytes(), b"ERROR"],
        32 => &[b"CLIENT", b"GETREDIR"],
        _ => &[b"CLIENT", b"HELP"],
    };
    one(Rule::Kind, words)
}

/// Something that is not answered.
fn off_and_on(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut calls = one(Rule::Kind, &[b"CLIENT", b"REPLY", b"OFF"]);
    calls.extend(maker.keyed("INCR", &[]));
    calls.extend(one(Rule::Kind, &[b"CLIENT", b"REPLY", b"ON"]));
    calls
}
