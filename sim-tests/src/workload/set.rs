//! Generators of commands for sets.

use super::draft::Draft;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "sadd", weight: 50, scope: Scope::Both, make: sadd },
    Generator { name: "scard", weight: 8, scope: Scope::Both, make: |m| m.keyed("SCARD", &[]) },
    Generator { name: "sdiff", weight: 10, scope: Scope::Both, make: |m| algebra(m, "SDIFF") },
    Generator { name: "sdiffstore", weight: 10, scope: Scope::Both, make: |m| store(m, "SDIFFSTORE") },
    Generator { name: "sinter", weight: 10, scope: Scope::Both, make: |m| algebra(m, "SINTER") },
    Generator { name: "sintercard", weight: 10, scope: Scope::Both, make: sintercard },
    Generator { name: "sinterstore", weight: 8, scope: Scope::Both, make: |m| store(m, "SINTERSTORE") },
    Generator { name: "sismember", weight: 10, scope: Scope::Both, make: |m| member(m, "SISMEMBER") },
    Generator { name: "smembers", weight: 10, scope: Scope::Both, make: smembers },
    Generator { name: "smismember", weight: 8, scope: Scope::Both, make: |m| members(m, "SMISMEMBER") },
    Generator { name: "smove", weight: 12, scope: Scope::Both, make: smove },
    Generator { name: "spop", weight: 3, scope: Scope::Both, make: spop_all },
    Generator { name: "srandmember", weight: 10, scope: Scope::Both, make: srandmember },
    Generator { name: "srem", weight: 15, scope: Scope::Both, make: |m| members(m, "SREM") },
    Generator {
        name: "sscan",
        weight: 10,
        scope: Scope::Both,
        make: |m| m.scan_elements("SSCAN").by(Rule::Page),
    },
    Generator { name: "sunion", weight: 8, scope: Scope::Both, make: |m| algebra(m, "SUNION") },
    Generator { name: "sunionstore", weight: 10, scope: Scope::Both, make: |m| store(m, "SUNIONSTORE") },
    Generator { name: "spop", weight: 15, scope: Scope::Simulator, make: spop },
];

fn sadd(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("SADD").with(maker.key());
    if maker.one_in(3) {
        // Integers alone, so that the smallest encoding stays.
        for _ in 0..maker.few() {
            draft.add(if maker.one_in(5) { maker.edge_integer() } else { maker.small_integer() });
        }
    } else {
        maker.add_elements(&mut draft);
    }
    draft.exact()
}

fn algebra(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name);
    add_keys(maker, &mut draft, &[]);
    draft.by(Rule::Multiset)
}

/// The result goes onto one of its own sources now and then.
fn store(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let target = maker.key();
    let mut draft = Draft::new(name).with(&target);
    add_keys(maker, &mut draft, &target);
    draft.exact()
}

/// Adds keys, some of them twice; if `target` is one, it may be among them.
fn add_keys(maker: &mut Maker<'_>, draft: &mut Draft, target: &[u8]) {
    let mut last = target.to_vec();
    for _ in 0..1 + maker.below(4) {
        if last.is_empty() || !maker.one_in(5) {
            last = maker.key();
        }
        draft.add(&last);
    }
}

fn sintercard(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("SINTERCARD");
    maker.add_numbered_keys(&mut draft);
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["LIMIT", "limit"], "NOPE"));
        draft.add(maker.count());
    }
    draft.exact()
}

fn member(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let member = maker.element();
    maker.keyed(name, &[&member])
}

fn members(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    for _ in 0..maker.few() {
        draft.add(maker.element());
    }
    draft.exact()
}

fn smembers(maker: &mut Maker<'_>) -> Vec<Call> {
    Draft::new("SMEMBERS").with(maker.key()).by(Rule::Multiset)
}

fn smove(maker: &mut Maker<'_>) -> Vec<Call> {
    let source = maker.key();
    let target = if maker.one_in(8) { source.clone() } else { maker.key() };
    Draft::new("SMOVE").with(source).with(target).with(maker.element()).exact()
}

fn srandmember(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("SRANDMEMBER").with(maker.key());
    if maker.one_in(2) {
        draft.add(maker.random_count());
    }
    draft.by(Rule::Random)
}

/// So many that nothing is left to chance, or none.
fn spop_all(maker: &mut Maker<'_>) -> Vec<Call> {
    let count = maker.pick_or(&["1000000", "0", "2147483647"], "-1");
    Draft::new("SPOP").with(maker.key()).with(count).by(Rule::Multiset)
}

fn spop(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("SPOP").with(maker.key());
    if maker.one_in(2) {
        draft.add(maker.count());
    }
    draft.by(Rule::Random)
}
