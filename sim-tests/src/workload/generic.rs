//! Generators of commands for keys of any type.

use super::family::Family;
use super::maker::one;
use super::string::FLOOD_LEN_MAX;
use super::{Call, Generator, Maker, Rule, Scope};
use crate::payload::{self, Dumped};

/// Tolerance for times in seconds.
const SECONDS: Rule = Rule::Within(1);

/// Tolerance for times in milliseconds: a batch takes far less.
const MILLISECONDS: Rule = Rule::Within(1_500);

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "copy", weight: 12, scope: Scope::Both, make: copy },
    Generator { name: "del", weight: 15, scope: Scope::Both, make: |m| m.many_keys("DEL") },
    Generator { name: "dump", weight: 6, scope: Scope::Simulator, make: |m| m.keyed("DUMP", &[]) },
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
    Generator { name: "restore", weight: 8, scope: Scope::Both, make: restore },
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

fn restore(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let mut payload = payload::encode(&dumped(maker));
    match maker.below(20) {
        // A wrong byte, and one that the checksum does not tell.
        0 => {
            let at = maker.below(payload.len());
            payload[at] ^= 1 << maker.below(8);
        }
        // Redis 7.0 believes more of what it reads than it should.
        1 if !maker.is_compared() => {
            let body_len = maker.below(payload.len() - payload::FOOTER_LEN);
            payload.truncate(body_len);
            payload = payload::seal(payload);
        }
        _ => {}
    }
    let is_absolute = maker.one_in(4);
    let ttl = match maker.below(12) {
        0..8 => b"0".to_vec(),
        8 => b"-1".to_vec(),
        9 if !maker.is_compared() => b"1".to_vec(),
        _ => maker.ahead(is_absolute, true),
    };
    let mut words = vec![b"RESTORE".to_vec(), key, ttl, payload];
    if maker.one_in(2) {
        words.push(b"REPLACE".to_vec());
    }
    if is_absolute {
        words.push(b"absttl".to_vec());
    }
    let option: &[&[u8]] = match maker.below(24) {
        0 => &[b"IDLETIME", b"0"],
        1 => &[b"IDLETIME", b"-1"],
        2 => &[b"FREQ", b"7"],
        3 => &[b"FREQ", b"256"],
        4 => &[b"IDLETIME", b"0", b"FREQ", b"1"],
        5 => &[b"FREQ"],
        _ => &[],
    };
    words.extend(option.iter().map(|word| word.to_vec()));
    vec![Call { words, rule: Rule::Exact }]
}

/// A value of the kind that keys are meant for at the moment. Now and then an element is in it twice.
fn dumped(maker: &mut Maker<'_>) -> Dumped {
    if maker.family == Family::String {
        return Dumped::String(maker.value());
    }
    let count = if maker.fills() { maker.fill_count() } else { maker.below(8) };
    let is_unique = maker.is_compared() || !maker.one_in(10);
    let mut elements: Vec<Vec<u8>> = (0..count).map(|_| maker.element()).collect();
    match maker.family {
        Family::List | Family::Queue => Dumped::List(elements),
        family => {
            if is_unique {
                elements.sort_unstable();
                elements.dedup();
            }
            match family {
                Family::Set => Dumped::Set(elements),
                Family::Hash => Dumped::Hash(elements.into_iter().map(|it| (it, maker.element())).collect()),
                _ => Dumped::SortedSet(
                    elements.into_iter().map(|it| (it, maker.below(20) as f64 / 2.0 - 3.0)).collect(),
                ),
            }
        }
    }
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
    let mut words = vec![b"UNLINK".to_vec()];
    for _ in 0..1 + maker.below(FLOOD_LEN_MAX) {
        words.push(maker.cold_key());
    }
    vec![Call { words, rule: Rule::Exact }]
}
