//! Generators of commands for hashes.

use super::draft::Draft;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "hdel", weight: 10, scope: Scope::Both, make: |m| fields(m, "HDEL") },
    Generator { name: "hexists", weight: 8, scope: Scope::Both, make: |m| field(m, "HEXISTS") },
    Generator { name: "hget", weight: 20, scope: Scope::Both, make: |m| field(m, "HGET") },
    Generator { name: "hgetall", weight: 10, scope: Scope::Both, make: |m| whole(m, "HGETALL", Rule::Pairs) },
    Generator { name: "hincrby", weight: 20, scope: Scope::Both, make: hincrby },
    Generator { name: "hincrbyfloat", weight: 20, scope: Scope::Both, make: hincrbyfloat },
    Generator { name: "hkeys", weight: 5, scope: Scope::Both, make: |m| whole(m, "HKEYS", Rule::Multiset) },
    Generator { name: "hlen", weight: 8, scope: Scope::Both, make: |m| m.keyed("HLEN", &[]) },
    Generator { name: "hmget", weight: 12, scope: Scope::Both, make: |m| fields(m, "HMGET") },
    Generator { name: "hmset", weight: 10, scope: Scope::Both, make: |m| set(m, "HMSET") },
    Generator { name: "hrandfield", weight: 12, scope: Scope::Both, make: hrandfield },
    Generator {
        name: "hscan",
        weight: 12,
        scope: Scope::Both,
        make: |m| m.scan_elements("HSCAN").by(Rule::PairsPage),
    },
    Generator { name: "hset", weight: 45, scope: Scope::Both, make: |m| set(m, "HSET") },
    Generator { name: "hsetnx", weight: 10, scope: Scope::Both, make: hsetnx },
    Generator { name: "hstrlen", weight: 8, scope: Scope::Both, make: |m| field(m, "HSTRLEN") },
    Generator { name: "hvals", weight: 5, scope: Scope::Both, make: |m| whole(m, "HVALS", Rule::Multiset) },
];

/// Fields that hold numbers, mostly.
const COUNTERS: [&str; 4] = ["c0", "c1", "c2", "c3"];

fn counter(maker: &mut Maker<'_>) -> Vec<u8> {
    if maker.one_in(12) { maker.element() } else { maker.pick(&COUNTERS).as_bytes().to_vec() }
}

fn a_field(maker: &mut Maker<'_>) -> Vec<u8> {
    if maker.one_in(5) { counter(maker) } else { maker.element() }
}

fn field(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let field = a_field(maker);
    maker.keyed(name, &[&field])
}

fn fields(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    for _ in 0..maker.few() {
        draft.add(a_field(maker));
    }
    draft.exact()
}

fn whole(maker: &mut Maker<'_>, name: &str, rule: Rule) -> Vec<Call> {
    Draft::new(name).with(maker.key()).by(rule)
}

fn hincrby(maker: &mut Maker<'_>) -> Vec<Call> {
    let field = counter(maker);
    let by = if maker.one_in(3) { maker.integer() } else { maker.small_integer() };
    maker.keyed("HINCRBY", &[&field, by.as_bytes()])
}

fn hincrbyfloat(maker: &mut Maker<'_>) -> Vec<Call> {
    let field = counter(maker);
    let by = match maker.below(4) {
        0 => maker.integer(),
        1 => maker.float(),
        2 => maker.small_integer(),
        _ => maker.pick(&["0.1", "-0.25", "1.5", "3e2", "-0"]).to_owned(),
    };
    maker.keyed("HINCRBYFLOAT", &[&field, by.as_bytes()])
}

fn hrandfield(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("HRANDFIELD").with(maker.key());
    if maker.one_in(3) {
        return draft.by(Rule::Random);
    }
    draft.add(maker.random_count());
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["WITHVALUES", "withvalues"], "WITHSCORES"));
    }
    draft.by(Rule::Random)
}

fn hsetnx(maker: &mut Maker<'_>) -> Vec<Call> {
    let (field, value) = (a_field(maker), maker.element());
    maker.keyed("HSETNX", &[&field, &value])
}

fn set(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    if maker.fills() {
        let (count, first) = (maker.fill_count(), maker.below(300));
        for number in first..first + count {
            draft.add(format!("m{number}"));
            draft.add(number.to_string());
        }
        return draft.exact();
    }
    for _ in 0..maker.few() {
        if maker.one_in(4) {
            draft.add(counter(maker));
            draft.add(if maker.one_in(8) { maker.edge_integer() } else { maker.small_integer() });
        } else {
            draft.add(a_field(maker));
            draft.add(maker.element());
        }
    }
    if maker.one_in(60) {
        draft.add("alone");
    }
    draft.exact()
}
