//! Generators of commands for lists that never wait.

use super::draft::Draft;
use super::{Call, Generator, Maker, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "lindex", weight: 12, scope: Scope::Both, make: lindex },
    Generator { name: "linsert", weight: 20, scope: Scope::Both, make: linsert },
    Generator { name: "llen", weight: 8, scope: Scope::Both, make: |m| m.keyed("LLEN", &[]) },
    Generator { name: "lmove", weight: 15, scope: Scope::Both, make: lmove },
    Generator { name: "lmpop", weight: 10, scope: Scope::Both, make: lmpop },
    Generator { name: "lpop", weight: 12, scope: Scope::Both, make: |m| pop(m, "LPOP") },
    Generator { name: "lpos", weight: 15, scope: Scope::Both, make: lpos },
    Generator { name: "lpush", weight: 25, scope: Scope::Both, make: |m| push(m, "LPUSH") },
    Generator { name: "lpushx", weight: 6, scope: Scope::Both, make: |m| push(m, "LPUSHX") },
    Generator { name: "lrange", weight: 25, scope: Scope::Both, make: |m| range(m, "LRANGE") },
    Generator { name: "lrem", weight: 12, scope: Scope::Both, make: lrem },
    Generator { name: "lset", weight: 12, scope: Scope::Both, make: lset },
    Generator { name: "ltrim", weight: 4, scope: Scope::Both, make: |m| range(m, "LTRIM") },
    Generator { name: "rpop", weight: 12, scope: Scope::Both, make: |m| pop(m, "RPOP") },
    Generator { name: "rpoplpush", weight: 6, scope: Scope::Both, make: |m| m.two_keys("RPOPLPUSH") },
    Generator { name: "rpush", weight: 25, scope: Scope::Both, make: |m| push(m, "RPUSH") },
    Generator { name: "rpushx", weight: 6, scope: Scope::Both, make: |m| push(m, "RPUSHX") },
];

impl Maker<'_> {
    /// LEFT or RIGHT.
    pub(super) fn list_end(&mut self) -> &'static str {
        self.pick_or(&["LEFT", "RIGHT", "left", "Right"], "MIDDLE")
    }

    /// What comes after the keys of LMPOP and BLMPOP.
    pub(super) fn add_list_pop(&mut self, draft: &mut Draft) {
        draft.add(self.list_end());
        if self.one_in(2) {
            draft.add(self.pick_or(&["COUNT", "count"], "NOPE"));
            draft.add(self.count());
        }
        if self.one_in(50) {
            draft.add("COUNT");
            draft.add("1");
        }
    }
}

fn lindex(maker: &mut Maker<'_>) -> Vec<Call> {
    let place = maker.place();
    maker.keyed("LINDEX", &[place.as_bytes()])
}

fn linsert(maker: &mut Maker<'_>) -> Vec<Call> {
    let side = maker.pick_or(&["BEFORE", "AFTER", "before", "After"], "BESIDE");
    let (pivot, element) = (maker.element(), maker.element());
    maker.keyed("LINSERT", &[side.as_bytes(), &pivot, &element])
}

fn lmove(maker: &mut Maker<'_>) -> Vec<Call> {
    let source = maker.key();
    let target = if maker.one_in(4) { source.clone() } else { maker.key() };
    let draft = Draft::new("LMOVE").with(source).with(target);
    draft.with(maker.list_end()).with(maker.list_end()).exact()
}

fn lmpop(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("LMPOP");
    maker.add_numbered_keys(&mut draft);
    maker.add_list_pop(&mut draft);
    draft.exact()
}

fn lpos(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("LPOS").with(maker.key()).with(maker.element());
    if maker.one_in(2) {
        let rank = maker.pick_or(&["1", "-1", "2", "-2", "3", "-5"], "0");
        // Redis 7.0 takes the smallest number for a rank.
        let is_least = !maker.is_compared() && maker.one_in(100);
        let rank = if is_least { "-9223372036854775808" } else { rank };
        draft.add_all(["RANK", rank]);
    }
    if maker.one_in(2) {
        draft.add("COUNT");
        draft.add(maker.count());
    }
    if maker.one_in(3) {
        draft.add("MAXLEN");
        draft.add(maker.count());
    }
    if maker.one_in(50) {
        draft.add(maker.pick(&["NOPE", "RANK", "COUNT"]));
    }
    draft.exact()
}

fn lrem(maker: &mut Maker<'_>) -> Vec<Call> {
    let count = maker.pick_or(&["0", "1", "-1", "2", "-2", "100", "-100"], "x");
    let element = maker.element();
    maker.keyed("LREM", &[count.as_bytes(), &element])
}

fn lset(maker: &mut Maker<'_>) -> Vec<Call> {
    let (key, element) = (maker.key(), maker.element());
    // A list that is not there, or is too short, is an error: mostly it is made long enough.
    let mut calls = Vec::new();
    if maker.one_in(2) {
        calls = Draft::new("RPUSH").with(&key).with(maker.element()).with(maker.element()).exact();
    }
    let place = if maker.one_in(5) { maker.place() } else { maker.pick(&["0", "-1", "1", "-2"]).to_owned() };
    calls.extend(Draft::new("LSET").with(key).with(place).with(element).exact());
    calls
}

fn pop(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    if maker.one_in(3) {
        draft.add(maker.count());
    }
    draft.exact()
}

fn push(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    maker.add_elements(&mut draft);
    draft.exact()
}

fn range(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let [first, last] = maker.ends(Maker::place, ["0", "-1"]);
    maker.keyed(name, &[&first, &last])
}
