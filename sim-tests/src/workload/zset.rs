//! Generators of commands for sorted sets that never wait.
//!
//! Ranges by member mean something only where all scores are equal, so they have keys of their own, to which nobody
//! gives other scores.

use super::draft::Draft;
use super::family::Family;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "zadd", weight: 55, scope: Scope::Both, make: zadd },
    Generator { name: "zcard", weight: 6, scope: Scope::Both, make: |m| m.keyed("ZCARD", &[]) },
    Generator { name: "zcount", weight: 10, scope: Scope::Both, make: |m| by_score(m, "ZCOUNT").exact() },
    Generator { name: "zdiff", weight: 8, scope: Scope::Both, make: zdiff },
    Generator { name: "zdiffstore", weight: 8, scope: Scope::Both, make: zdiffstore },
    Generator { name: "zincrby", weight: 15, scope: Scope::Both, make: zincrby },
    Generator { name: "zinter", weight: 10, scope: Scope::Both, make: |m| merged(m, "ZINTER") },
    Generator { name: "zintercard", weight: 8, scope: Scope::Both, make: zintercard },
    Generator { name: "zinterstore", weight: 8, scope: Scope::Both, make: |m| stored(m, "ZINTERSTORE") },
    Generator {
        name: "zlexcount",
        weight: 6,
        scope: Scope::Both,
        make: |m| by_member(m, "ZLEXCOUNT").exact(),
    },
    Generator { name: "zmpop", weight: 10, scope: Scope::Both, make: zmpop },
    Generator { name: "zmscore", weight: 8, scope: Scope::Both, make: |m| members(m, "ZMSCORE") },
    Generator { name: "zpopmax", weight: 8, scope: Scope::Both, make: |m| pop(m, "ZPOPMAX") },
    Generator { name: "zpopmin", weight: 8, scope: Scope::Both, make: |m| pop(m, "ZPOPMIN") },
    Generator { name: "zrandmember", weight: 10, scope: Scope::Both, make: zrandmember },
    Generator { name: "zrange", weight: 25, scope: Scope::Both, make: zrange },
    Generator { name: "zrangebylex", weight: 8, scope: Scope::Both, make: |m| limited(m, "ZRANGEBYLEX") },
    Generator {
        name: "zrangebyscore",
        weight: 12,
        scope: Scope::Both,
        make: |m| limited(m, "ZRANGEBYSCORE"),
    },
    Generator { name: "zrangestore", weight: 12, scope: Scope::Both, make: zrangestore },
    Generator { name: "zrank", weight: 8, scope: Scope::Both, make: |m| member(m, "ZRANK") },
    Generator { name: "zrem", weight: 12, scope: Scope::Both, make: |m| members(m, "ZREM") },
    Generator {
        name: "zremrangebylex",
        weight: 2,
        scope: Scope::Both,
        make: |m| by_member(m, "ZREMRANGEBYLEX").exact(),
    },
    Generator { name: "zremrangebyrank", weight: 3, scope: Scope::Both, make: zremrangebyrank },
    Generator {
        name: "zremrangebyscore",
        weight: 3,
        scope: Scope::Both,
        make: |m| by_score(m, "ZREMRANGEBYSCORE").exact(),
    },
    Generator { name: "zrevrange", weight: 8, scope: Scope::Both, make: zrevrange },
    Generator {
        name: "zrevrangebylex",
        weight: 6,
        scope: Scope::Both,
        make: |m| limited(m, "ZREVRANGEBYLEX"),
    },
    Generator {
        name: "zrevrangebyscore",
        weight: 8,
        scope: Scope::Both,
        make: |m| limited(m, "ZREVRANGEBYSCORE"),
    },
    Generator { name: "zrevrank", weight: 6, scope: Scope::Both, make: |m| member(m, "ZREVRANK") },
    Generator {
        name: "zscan",
        weight: 10,
        scope: Scope::Both,
        make: |m| m.scan_elements("ZSCAN").by(Rule::ScoresPage),
    },
    Generator { name: "zscore", weight: 10, scope: Scope::Both, make: |m| member(m, "ZSCORE") },
    Generator { name: "zunion", weight: 8, scope: Scope::Both, make: |m| merged(m, "ZUNION") },
    Generator { name: "zunionstore", weight: 10, scope: Scope::Both, make: |m| stored(m, "ZUNIONSTORE") },
    // New in 7.2.
    Generator { name: "zrank", weight: 4, scope: Scope::Simulator, make: |m| member_with_score(m, "ZRANK") },
    Generator {
        name: "zrevrank",
        weight: 4,
        scope: Scope::Simulator,
        make: |m| member_with_score(m, "ZREVRANK"),
    },
];

/// Keys whose members all have the same score.
const LEVEL_KEYS: usize = 6;

impl Maker<'_> {
    /// What comes after the keys of ZMPOP and BZMPOP.
    pub(super) fn add_ranked_pop(&mut self, draft: &mut Draft) {
        draft.add(self.pick_or(&["MIN", "MAX", "min", "Max"], "MID"));
        if self.one_in(2) {
            draft.add(self.pick_or(&["COUNT", "count"], "NOPE"));
            draft.add(self.count());
        }
        if self.one_in(50) {
            draft.add("COUNT");
            draft.add("1");
        }
    }

    /// Scores with their members, in the order of ZADD.
    pub(super) fn add_scored(&mut self, draft: &mut Draft) {
        // Redis 7.2 makes room for all that ZADD names, 7.0 for what is there: with XX that is not the same.
        if !draft.has("XX") && self.fills() {
            let (count, first) = (self.fill_count(), self.below(300));
            let is_level = self.one_in(2);
            for number in first..first + count {
                draft.add((if is_level { 1 } else { number % 50 }).to_string());
                draft.add(format!("m{number}"));
            }
            return;
        }
        for _ in 0..self.few() {
            draft.add(self.score());
            draft.add(self.element());
        }
    }
}

fn zadd(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZADD").with(maker.key());
    let conditions = if maker.one_in(30) {
        maker.pick(&["NX GT", "LT NX", "GT LT", "NX XX", "NOPE"])
    } else {
        maker.pick(&["", "", "", "", "", "", "NX", "XX", "GT", "LT", "gt", "nx", "XX GT", "LT XX", "XX LT"])
    };
    draft.add_all(conditions.split_whitespace());
    if maker.one_in(4) {
        draft.add(maker.pick(&["CH", "ch"]));
    }
    if maker.one_in(5) {
        draft.add(maker.pick(&["INCR", "incr"]));
        draft.add(maker.score());
        draft.add(maker.element());
        if !maker.one_in(12) {
            return draft.by(Rule::Scores);
        }
    }
    maker.add_scored(&mut draft);
    if maker.one_in(60) {
        draft.add("1");
    }
    draft.by(Rule::Scores)
}

fn zincrby(maker: &mut Maker<'_>) -> Vec<Call> {
    let (by, member) = (maker.score(), maker.element());
    Draft::new("ZINCRBY").with(maker.key()).with(by).with(member).by(Rule::Scores)
}

fn member(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    Draft::new(name).with(maker.key()).with(maker.element()).by(Rule::Scores)
}

fn member_with_score(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let option = maker.pick_or(&["WITHSCORE", "withscore"], "WITHSCORES");
    Draft::new(name).with(maker.key()).with(maker.element()).with(option).by(Rule::Scores)
}

fn members(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    for _ in 0..maker.few() {
        draft.add(maker.element());
    }
    draft.by(Rule::Scores)
}

fn pop(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name).with(maker.key());
    if maker.one_in(2) {
        draft.add(maker.count());
    }
    draft.by(Rule::Scores)
}

fn zmpop(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZMPOP");
    maker.add_numbered_keys(&mut draft);
    maker.add_ranked_pop(&mut draft);
    draft.by(Rule::Scores)
}

fn zrandmember(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZRANDMEMBER").with(maker.key());
    if maker.one_in(3) {
        return draft.by(Rule::Random);
    }
    draft.add(maker.random_count());
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["WITHSCORES", "withscores"], "WITHVALUES"));
    }
    draft.by(Rule::Random)
}

/// A command with a key and two scores.
fn by_score(maker: &mut Maker<'_>, name: &str) -> Draft {
    let [min, max] = score_ends(maker);
    Draft::new(name).with(maker.key()).with(min).with(max)
}

fn score_ends(maker: &mut Maker<'_>) -> [Vec<u8>; 2] {
    maker.ends(Maker::score_bound, ["-inf", "+inf"])
}

/// A command with a key and two members.
fn by_member(maker: &mut Maker<'_>, name: &str) -> Draft {
    let [min, max] = member_ends(maker);
    Draft::new(name).with(level_key(maker)).with(min).with(max)
}

fn member_ends(maker: &mut Maker<'_>) -> [Vec<u8>; 2] {
    maker.ends(Maker::member_bound, ["-", "+"])
}

/// A key whose members all have the same score, if it is a sorted set. It is never one of those that other commands
/// choose: what a range by names holds where scores differ depends on how Redis keeps the set.
fn level_key(maker: &mut Maker<'_>) -> Vec<u8> {
    format!("level:{}", maker.below(LEVEL_KEYS)).into_bytes()
}

/// Adds members to a set of equal scores, so that there is something to find.
fn level(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZADD").with(level_key(maker));
    for _ in 0..maker.few() {
        draft.add("0");
        draft.add(maker.element());
    }
    draft.exact()
}

/// ZRANGEBYSCORE, ZRANGEBYLEX, and the same from the end.
fn limited(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let is_by_score = name.ends_with("SCORE");
    let mut calls = if is_by_score || maker.one_in(2) { Vec::new() } else { level(maker) };
    let key = if is_by_score { maker.key() } else { level_key(maker) };
    let mut ends = if is_by_score { score_ends(maker) } else { member_ends(maker) };
    if name.contains("REV") {
        ends.reverse();
    }
    let mut draft = Draft::new(name).with(key);
    draft.add_all(ends);
    let has_scores = maker.one_in(3) && (is_by_score || maker.one_in(10));
    let is_limited = maker.one_in(2);
    if has_scores {
        draft.add(maker.pick(&["WITHSCORES", "withscores"]));
    }
    if is_limited {
        maker.add_limit(&mut draft);
    }
    calls.extend(draft.by(Rule::Scores));
    calls
}

/// A key, a range and its options, as ZRANGE and ZRANGESTORE take them.
fn add_range(maker: &mut Maker<'_>, draft: &mut Draft) {
    let is_reverse = maker.one_in(3);
    let by = maker.pick(&["", "", "BYSCORE", "byscore", "BYLEX"]);
    draft.add(if by == "BYLEX" { level_key(maker) } else { maker.key() });
    let mut ends = match by {
        "" => maker.ends(Maker::place, ["0", "-1"]),
        "BYLEX" => member_ends(maker),
        _ => score_ends(maker),
    };
    if is_reverse && !by.is_empty() {
        ends.reverse();
    }
    draft.add_all(ends);
    let mut options: Vec<&str> = vec![by];
    if is_reverse {
        options.insert(maker.below(2), "REV");
    }
    draft.add_all(options.into_iter().filter(|option| !option.is_empty()));
    // Without a kind of range a limit is an error.
    if maker.one_in(if by.is_empty() { 40 } else { 2 }) {
        maker.add_limit(draft);
    }
    if maker.one_in(80) {
        draft.add(maker.pick(&["BYSCORE", "BYLEX", "NOPE", "LIMIT"]));
    }
}

fn zrange(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZRANGE");
    add_range(maker, &mut draft);
    // With BYLEX scores are an error.
    let is_by_member = draft.has("BYLEX");
    if maker.one_in(if is_by_member { 40 } else { 3 }) {
        draft.add(maker.pick(&["WITHSCORES", "withscores"]));
    }
    draft.by(Rule::Scores)
}

fn zrangestore(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZRANGESTORE").with(maker.key());
    add_range(maker, &mut draft);
    draft.exact()
}

fn zremrangebyrank(maker: &mut Maker<'_>) -> Vec<Call> {
    let (first, last) = (maker.place(), maker.place());
    maker.keyed("ZREMRANGEBYRANK", &[first.as_bytes(), last.as_bytes()])
}

fn zrevrange(maker: &mut Maker<'_>) -> Vec<Call> {
    let ends = maker.ends(Maker::place, ["0", "-1"]);
    let mut draft = Draft::new("ZREVRANGE").with(maker.key());
    draft.add_all(ends);
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["WITHSCORES", "withscores"], "NOPE"));
    }
    draft.by(Rule::Scores)
}

/// The number of keys, and keys; sets are taken as sorted sets with equal scores. Returns how many keys there are.
fn add_sources(maker: &mut Maker<'_>, draft: &mut Draft, target: &[u8]) -> usize {
    let count = 1 + maker.below(4);
    match maker.below(60) {
        0 => draft.add(maker.pick(&["0", "-1", "x", "100"])),
        _ => draft.add(count.to_string()),
    }
    for _ in 0..count {
        let is_set = maker.one_in(6) && maker.has(Family::Set);
        draft.add(match maker.below(6) {
            0 if !target.is_empty() => target.to_vec(),
            _ if is_set => maker.key_of(Family::Set),
            _ => maker.key(),
        });
    }
    count
}

/// WEIGHTS and AGGREGATE.
fn add_merging(maker: &mut Maker<'_>, draft: &mut Draft, count: usize) {
    if maker.one_in(2) {
        draft.add(maker.pick(&["WEIGHTS", "weights"]));
        let count = if maker.one_in(40) { count - 1 } else { count };
        for _ in 0..count {
            let weight = match maker.below(60) {
                0 => maker.pick(&["x", "nan", ""]),
                1..4 => maker.pick(&["inf", "-inf"]),
                _ => maker.pick(&["1", "2", "-1", "0", "0.5", "-2.25", "3"]),
            };
            draft.add(weight);
        }
    }
    if maker.one_in(2) {
        draft.add(maker.pick(&["AGGREGATE", "aggregate"]));
        draft.add(maker.pick_or(&["SUM", "MIN", "MAX", "sum", "min", "Max"], "AVG"));
    }
}

/// ZINTER and ZUNION.
fn merged(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let mut draft = Draft::new(name);
    let count = add_sources(maker, &mut draft, b"");
    add_merging(maker, &mut draft, count);
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["WITHSCORES", "withscores"], "NOPE"));
    }
    draft.by(Rule::Scores)
}

/// ZINTERSTORE and ZUNIONSTORE.
fn stored(maker: &mut Maker<'_>, name: &str) -> Vec<Call> {
    let target = maker.key();
    let mut draft = Draft::new(name).with(&target);
    let count = add_sources(maker, &mut draft, &target);
    add_merging(maker, &mut draft, count);
    if maker.one_in(60) {
        draft.add("WITHSCORES");
    }
    draft.exact()
}

fn zdiff(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZDIFF");
    add_sources(maker, &mut draft, b"");
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["WITHSCORES", "withscores"], "WEIGHTS"));
    }
    draft.by(Rule::Scores)
}

fn zdiffstore(maker: &mut Maker<'_>) -> Vec<Call> {
    let target = maker.key();
    let mut draft = Draft::new("ZDIFFSTORE").with(&target);
    add_sources(maker, &mut draft, &target);
    draft.exact()
}

fn zintercard(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("ZINTERCARD");
    add_sources(maker, &mut draft, b"");
    if maker.one_in(2) {
        draft.add(maker.pick_or(&["LIMIT", "limit"], "WEIGHTS"));
        draft.add(maker.count());
    }
    draft.exact()
}
