//! Tests that generators draw every option and every edge, of commands that are not there yet too.

use super::family::Family;
use super::{Call, Expiries, GROUPS, Maker, Mix, Scope};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, BTreeSet};

/// How much is drawn.
const DRAWS: usize = 10_000;

/// What must come up with each command.
const OPTIONS: &[(&str, &str)] = &[
    ("LINSERT", "BEFORE AFTER before BESIDE"),
    ("LMOVE", "LEFT RIGHT MIDDLE"),
    ("LMPOP", "LEFT RIGHT COUNT 0 1"),
    ("LPOS", "RANK COUNT MAXLEN 0 -1 -2"),
    ("LREM", "0 1 -1 x"),
    ("LPOP", "0 1 2147483647 -1"),
    ("LRANGE", "0 -1"),
    ("HRANDFIELD", "WITHVALUES 0 -5"),
    ("HINCRBYFLOAT", "0.1 -0"),
    ("HSCAN", "0 COUNT MATCH m*"),
    ("SSCAN", "0 COUNT MATCH m*"),
    ("ZSCAN", "0 COUNT MATCH m*"),
    ("SINTERCARD", "LIMIT 0 1"),
    ("SPOP", "1000000 0 -1"),
    ("SRANDMEMBER", "0 5 -5"),
    ("ZADD", "NX XX GT LT CH INCR inf -inf -0 nan 0"),
    ("ZINCRBY", "inf -inf -0 nan"),
    ("ZCOUNT", "-inf +inf (1 1 nan"),
    ("ZINTER", "WEIGHTS AGGREGATE SUM MIN MAX WITHSCORES AVG inf"),
    ("ZUNION", "WEIGHTS AGGREGATE SUM MIN MAX WITHSCORES"),
    ("ZINTERSTORE", "WEIGHTS AGGREGATE SUM MIN MAX"),
    ("ZUNIONSTORE", "WEIGHTS AGGREGATE SUM MIN MAX"),
    ("ZDIFF", "WITHSCORES"),
    ("ZINTERCARD", "LIMIT"),
    ("ZMPOP", "MIN MAX COUNT MID"),
    ("ZPOPMIN", "0 1"),
    ("ZRANDMEMBER", "WITHSCORES 0 -5"),
    ("ZRANGE", "BYSCORE BYLEX REV LIMIT WITHSCORES - + 0 -1 -inf"),
    ("ZRANGESTORE", "BYSCORE BYLEX REV LIMIT"),
    ("ZRANGEBYSCORE", "WITHSCORES LIMIT"),
    ("ZREVRANGEBYSCORE", "WITHSCORES LIMIT"),
    ("ZRANGEBYLEX", "LIMIT - + [ ("),
    ("ZREVRANGEBYLEX", "LIMIT"),
    ("ZREVRANGE", "WITHSCORES"),
    ("ZRANK", "WITHSCORE"),
    ("ZREVRANK", "WITHSCORE"),
    ("SORT", "BY GET # LIMIT ASC DESC ALPHA STORE nosort weight:* record:*->weight"),
    ("SORT_RO", "BY GET LIMIT DESC ALPHA"),
    ("BLMOVE", "LEFT RIGHT 0 0.001 0.05"),
    ("BLMPOP", "LEFT RIGHT COUNT 0 0.001"),
    ("BLPOP", "0 0.001 0.05 -1"),
    ("BRPOP", "0 0.001"),
    ("BRPOPLPUSH", "0 0.001"),
    ("BZMPOP", "MIN MAX COUNT 0 0.001"),
    ("BZPOPMIN", "0 0.001"),
    ("BZPOPMAX", "0 0.001"),
    ("CLIENT", "UNBLOCK TIMEOUT ERROR"),
];

/// A mix of everything there will be.
fn mix(is_compared: bool) -> Mix {
    let mut mix = Mix::lasting();
    mix.weights = GROUPS
        .iter()
        .flat_map(|group| group.table)
        .map(|row| if row.scope == Scope::Both || !is_compared { row.weight } else { 0 })
        .collect();
    (mix.is_compared, mix.waits_forever) = (is_compared, true);
    assert_eq!(mix.expiries, Expiries::Lasting);
    mix
}

fn maker(mix: &Mix, seed: u64) -> Maker<'_> {
    let mut maker = Maker::new(mix, ChaCha8Rng::seed_from_u64(seed));
    maker.families = Family::ALL.to_vec();
    maker
}

/// What each generator of collections, transactions and waiting draws.
fn drawn() -> BTreeMap<String, Vec<Call>> {
    let mut mix = mix(false);
    mix.value_len_max = 100;
    let mut maker = maker(&mix, 1);
    let mut by_name: BTreeMap<String, Vec<Call>> = BTreeMap::new();
    for group in GROUPS {
        for row in group.table.iter().filter(|row| row.scope != Scope::Flood) {
            for _ in 0..DRAWS / 3 {
                maker.family = group.family.unwrap_or(Family::List);
                for call in (row.make)(&mut maker) {
                    let name = String::from_utf8_lossy(&call.words[0]).into_owned();
                    by_name.entry(name).or_default().push(call);
                }
            }
        }
    }
    by_name
}

#[test]
fn every_option_is_drawn() {
    let drawn = drawn();
    for (name, options) in OPTIONS {
        let words: BTreeSet<&[u8]> =
            drawn[*name].iter().flat_map(|call| call.words.iter().map(Vec::as_slice)).collect();
        for option in options.split(' ') {
            assert!(words.contains(option.as_bytes()), "{name} {option}");
        }
    }
}

#[test]
fn elements_and_counts_lie_on_both_sides_of_every_limit() {
    let drawn = drawn();
    for name in ["RPUSH", "SADD", "HSET", "ZADD"] {
        let lens: BTreeSet<usize> =
            drawn[name].iter().flat_map(|call| &call.words[2..]).map(Vec::len).collect();
        assert!([0, 63, 64, 65].iter().all(|len| lens.contains(len)), "{name}");
        let per_element = if ["HSET", "ZADD"].contains(&name) { 2 } else { 1 };
        let counts: BTreeSet<usize> =
            drawn[name].iter().map(|call| (call.words.len() - 2) / per_element).collect();
        let is_met = |edge: usize| (edge - 1..=edge + 1).all(|count| counts.contains(&count));
        assert!(is_met(128) && is_met(512), "{name}");
    }
}

#[test]
fn results_are_stored_onto_their_own_sources() {
    let drawn = drawn();
    for name in ["SINTERSTORE", "SUNIONSTORE", "SDIFFSTORE", "ZUNIONSTORE", "ZINTERSTORE", "ZDIFFSTORE"] {
        assert!(drawn[name].iter().any(|call| call.words[2..].contains(&call.words[1])), "{name}");
    }
    for name in ["LMOVE", "SMOVE", "BLMOVE", "BRPOPLPUSH"] {
        assert!(drawn[name].iter().any(|call| call.words[1] == call.words[2]), "{name}");
    }
}

#[test]
fn keys_of_the_wrong_type_are_rare() {
    let drawn = drawn();
    for (name, prefix) in
        [("LINSERT", "list:"), ("HSET", "hash:"), ("SISMEMBER", "set:"), ("ZINCRBY", "zset:")]
    {
        // What is sorted has fields of its own.
        let calls: Vec<&Call> =
            drawn[name].iter().filter(|call| !call.words[1].starts_with(b"record:")).collect();
        let strays = calls.iter().filter(|call| !call.words[1].starts_with(prefix.as_bytes())).count();
        assert!(strays > 0, "{name}");
        assert!(strays * 10 < calls.len(), "{name}: {strays} of {}", calls.len());
    }
}

#[test]
fn a_transaction_is_whole_where_it_is_compared() {
    let mix = mix(true);
    let mut maker = maker(&mix, 1);
    let (mut is_open, mut whole, mut ends) = (false, 0, BTreeSet::new());
    for _ in 0..DRAWS {
        for call in maker.calls() {
            let name = call.words[0].to_ascii_uppercase();
            match name.as_slice() {
                b"MULTI" if call.words.len() == 1 => is_open = true,
                b"EXEC" | b"DISCARD" | b"RESET" => {
                    whole += usize::from(is_open);
                    is_open = false;
                    ends.insert(name);
                }
                _ => assert!(
                    !is_open || [super::Rule::Exact, super::Rule::Scores].contains(&call.rule),
                    "{call:?}"
                ),
            }
        }
        assert!(!is_open);
    }
    assert!(whole > 50 && ends.len() == 3, "{whole} {ends:?}");
}

#[test]
fn a_transaction_is_cut_where_others_may_come_between() {
    let mix = mix(false);
    let mut maker = maker(&mix, 1);
    let mut is_cut = false;
    for _ in 0..2_000 {
        let words = |request: &super::Request| match request {
            super::Request::Command(words) => words[0].clone(),
            _ => Vec::new(),
        };
        let sent: Vec<Vec<u8>> = maker.pipeline(1, 0).iter().map(words).collect();
        let next: Vec<Vec<u8>> = maker.pipeline(1, 0).iter().map(words).collect();
        let begins = sent.iter().rposition(|name| name == b"WATCH" || name == b"MULTI");
        is_cut |= begins.is_some_and(|at| !sent[at..].contains(&b"EXEC".to_vec()))
            && next.contains(&b"EXEC".to_vec());
    }
    assert!(is_cut);
}

#[test]
fn nothing_is_compared_that_may_wait() {
    let mix = mix(true);
    let mut maker = maker(&mix, 1);
    let mut given = Vec::new();
    for _ in 0..DRAWS {
        let calls = maker.calls();
        for call in &calls {
            let is_waiting =
                super::BLOCKING.iter().any(|name| call.words[0].eq_ignore_ascii_case(name.as_bytes()));
            let names = |key: &Vec<u8>| call.words[1..].contains(key);
            let is_spoilt = calls.len() == 1;
            assert!(!is_waiting || is_spoilt || given.iter().any(names), "{call:?}");
            given = vec![call.words.get(1).cloned().unwrap_or_default()];
        }
    }
}
