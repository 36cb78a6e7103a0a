//! Generators of commands for keys of any type.

use super::maker::one;
use super::string::FLOOD_LEN_MAX;
use super::{Call, Generator, Maker, Rule, Scope};

/// Tolerance for times in seconds.
const SECONDS: Rule = Rule::Within(1);

/// Tolerance for times in milliseconds: a batch takes far less.
const MILLISECONDS: Rule = Rule::Within(1_500);

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "copy", weight: 12, scope: Scope::Both, make: copy },
    Generator { name: "del", weight: 15, scope: Scope::Both, make: |m| m.many_keys("DEL") },
    Generator { name: "exists", weight: 10, scope: Scope::Both, make: |m| m.many_keys("EXISTS") },
    Generator { name: "expire", weight: 12, scope: Scope::Both, make: |m| m.expire("EXPIRE", false, false) },
    Generator {
        name: "expireat",
        weight: 8,
        scope: Scope::Both,
        make: |m| m.expire("EXPIREAT", true, false),
    },
    Generator { name: "expiretime", weight: 8, scope: Scope::Both, make: |m| m.timed("EXPIRETIME", SECONDS) },
    Generator { name: "keys", weight: 2, scope: Scope::Both, make: keys },
    Generator {
        name: "move",
        weight: 8,
        scope: Scope::Both,
        make: |m| {
            let index = m.database();
            m.keyed("MOVE", &[&index])
        },
    },
    Generator { name: "object", weight: 15, scope: Scope::Both, make: object },
    Generator { name: "persist", weight: 6, scope: Scope::Both, make: |m| m.keyed("PERSIST", &[]) },
    Generator { name: "pexpire", weight: 8, scope: Scope::Both, make: |m| m.expire("PEXPIRE", false, true) },
    Generator {
        name: "pexpireat",
        weight: 8,
        scope: Scope::Both,
        make: |m| m.expire("PEXPIREAT", true, true),
    },
    Generator {
        name: "pexpiretime",
        weight: 8,
        scope: Scope::Both,
        make: |m| m.timed("PEXPIRETIME", MILLISECONDS),
    },
    Generator { name: "pttl", weight: 8, scope: Scope::Both, make: |m| m.timed("PTTL", MILLISECONDS) },
    Generator { name: "rename", weight: 10, scope: Scope::Both, make: |m| m.two_keys("RENAME") },
    Generator { name: "renamenx", weight: 8, scope: Scope::Both, make: |m| m.two_keys("RENAMENX") },
    Generator { name: "scan", weight: 2, scope: Scope::Both, make: scan_mistake },
    Generator { name: "touch", weight: 5, scope: Scope::Both, make: |m| m.many_keys("TOUCH") },
    Generator { name: "ttl", weight: 12, scope: Scope::Both, make: |m| m.timed("TTL", SECONDS) },
    Generator { name: "type", weight: 8, scope: Scope::Both, make: |m| m.keyed("TYPE", &[]) },
    Generator { name: "unlink", weight: 8, scope: Scope::Both, make: |m| m.many_keys("UNLINK") },
    Generator {
        name: "randomkey",
        weight: 4,
        scope: Scope::Simulator,
        make: |_| one(Rule::Kind, &[b"RANDOMKEY"]),
    },
    Generator { name: "unlink", weight: 10, scope: Scope::Flood, make: ebb },
];

fn copy(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut words = vec![b"COPY".to_vec(), maker.key(), maker.key()];
    if maker.one_in(3) {
        words.extend([b"DB".to_vec(), maker.database()]);
    }
    if maker.one_in(2) {
        words.push(b"REPLACE".to_vec());
    }
    vec![Call { words, rule: Rule::Exact }]
}

fn keys(maker: &mut Maker<'_>) -> Vec<Call> {
    let pattern = maker.pattern();
    one(Rule::Multiset, &[b"KEYS", &pattern])
}

fn object(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let (name, rule): (&[u8], Rule) = match maker.below(10) {
        0 => (b"REFCOUNT", Rule::RefCount),
        1 => (b"IDLETIME", Rule::Kind),
        2 => (b"FREQ", Rule::Exact),
        3 => (b"NOPE", Rule::Exact),
        _ => (b"ENCODING", Rule::Encoding),
    };
    one(rule, &[b"OBJECT", name, &key])
}

fn scan_mistake(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(4) {
        0 => &[b"SCAN", b"abc"],
        1 => &[b"SCAN", b"0", b"COUNT", b"0"],
        2 => &[b"SCAN", b"0", b"COUNT", b"x"],
        _ => &[b"SCAN", b"0", b"NOPE"],
    };
    one(Rule::Kind, words)
}

/// So many keys at once that the table has to shrink.
fn ebb(maker: &mut Maker<'_>) -> Vec<Call> {
    if !maker.one_in(4) {
        return maker.wave(false);
    }
    let mut words = vec![b"UNLINK".to_vec()];
    for _ in 0..1 + maker.below(FLOOD_LEN_MAX) {
        words.push(maker.cold_key());
    }
    vec![Call { words, rule: Rule::Exact }]
}
