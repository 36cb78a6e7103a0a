//! Sorted sets of either form against plain maps, and against Redis' rules for encodings.

use super::*;
use crate::value::zset::{LexBound, MemberEntry, Repr, SortedSet, SortedSetEncoding, SortedSetLimits};
use crate::value::{Lookup, StringRef};
use proptest::collection::vec;
use std::ops::Bound;

fn limits() -> impl Strategy<Value = SortedSetLimits> {
    (0..40_usize, prop_oneof![0..30_usize, Just(100)]).prop_map(|(entries, value)| SortedSetLimits {
        listpack_entries_max: entries,
        listpack_value_bytes_max: value,
    })
}

/// A score as the set gives it back, which may have lost its sign in a listpack if it is zero.
fn is_stored(stored: f64, score: f64) -> bool {
    is_same(stored, score) || stored == 0.0 && score == 0.0
}

fn owned<'a>(members: impl Iterator<Item = (StringRef<'a>, f64)>) -> Vec<(Vec<u8>, f64)> {
    members.map(|(member, score)| (member.to_vec(), score)).collect()
}

fn check(set: &SortedSet, model: &Model, bounds: &[(f64, u16)]) {
    let order: Vec<_> = in_order(model).into_iter().map(|(member, score)| (member.to_vec(), score)).collect();
    assert_eq!((set.len(), set.is_empty()), (order.len(), order.is_empty()));
    assert_eq!(owned(set.iter(0..usize::MAX)), order);
    let reversed: Vec<_> = order.iter().rev().cloned().collect();
    assert_eq!(owned(set.iter(0..order.len()).rev()), reversed);
    for (rank, (member, score)) in order.iter().enumerate() {
        let (its_rank, its_score) = set.rank(&member[..]).expect("the model has it");
        assert!(its_rank == rank && is_stored(its_score, *score));
        assert_eq!(set.score(&member[..]), Some(*score));
    }
    for pair in bounds.windows(2) {
        let [(min, from), (max, to)] = [pair[0], pair[1]];
        let (from, to) = (usize::from(from).min(order.len()), usize::from(to).min(order.len()));
        let expected = if from < to { &order[from..to] } else { &[] };
        assert_eq!(owned(set.iter(from..to)), expected);
        let of_scores = |min, max| {
            let ranks = set.ranks_of_scores(min, max);
            order[ranks].iter().map(|(_, score)| *score).collect::<Vec<_>>()
        };
        let scores = |suits: &dyn Fn(f64) -> bool| {
            order.iter().map(|(_, score)| *score).filter(|&score| suits(score)).collect::<Vec<_>>()
        };
        use Bound::{Excluded, Included, Unbounded};
        assert_eq!(of_scores(Included(min), Included(max)), scores(&|it| min <= it && it <= max));
        assert_eq!(of_scores(Excluded(min), Included(max)), scores(&|it| min < it && it <= max));
        assert_eq!(of_scores(Included(min), Excluded(max)), scores(&|it| min <= it && it < max));
        assert_eq!(of_scores(Unbounded, Excluded(max)), scores(&|it| it < max));
        assert_eq!(of_scores(Excluded(min), Unbounded), scores(&|it| min < it));
    }
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, &mut |member, score| {
            assert!(scanned.insert(member.to_vec(), score).is_none());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model);
    if let Repr::Big(big) = &set.0 {
        big.verify();
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(100, 3) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sorted_sets_do_what_a_map_does(
        steps in vec((0..200_u16, score(), 0..20_u8), 0..scaled(300, 40)),
        bounds in vec((score(), 0..100_u16), 2..5),
        limits in limits(),
    ) {
        let mut set = SortedSet::new();
        let mut model = Model::new();
        let mut is_big = false;
        for (number, score, action) in steps {
            let member = member_of(number);
            let is_long = member.len() > limits.listpack_value_bytes_max;
            let mut lookups = [Lookup::from(&member[..])];
            set.prefetch(&mut lookups);
            set.prefetch_scores(&[score, -score]);
            match action {
                0..11 => {
                    let is_new = set.set(lookups[0], score, &limits, HASH_KEY);
                    is_big |= is_new && (is_long || model.len() >= limits.listpack_entries_max);
                    assert_eq!(model.insert(member, score).is_none(), is_new);
                }
                11..13 => match set.entry(lookups[0]) {
                    MemberEntry::Occupied(occupied) => {
                        assert!(is_stored(occupied.score(), model[&member]));
                        let rank = in_order(&model).iter().position(|(it, _)| *it == member);
                        assert_eq!(Some(occupied.rank()), rank);
                        occupied.set_score(-score);
                        model.insert(member, -score);
                    }
                    MemberEntry::Vacant(_) => assert!(!model.contains_key(&member)),
                },
                13..17 => assert_eq!(set.remove(&member[..]), model.remove(&member).is_some()),
                17 => {
                    let expected = in_order(&model).first().map(|&(member, score)| (member.to_vec(), score));
                    assert_eq!(set.pop_first(|member, score| (member.to_vec(), score)), expected);
                    expected.map(|(member, _)| model.remove(&member));
                }
                18 => {
                    let expected = in_order(&model).last().map(|&(member, score)| (member.to_vec(), score));
                    assert_eq!(set.pop_last(|member, score| (member.to_vec(), score)), expected);
                    expected.map(|(member, _)| model.remove(&member));
                }
                _ => {
                    let ranks = usize::from(number) / 4..usize::from(number) / 4 + 5;
                    let mut removed = Vec::new();
                    set.remove_ranks(ranks.clone(), &mut |member, score| removed.push((member.to_vec(), score)));
                    let order = in_order(&model).into_iter().skip(ranks.start).take(ranks.len());
                    let expected: Vec<_> = order.map(|(member, score)| (member.to_vec(), score)).collect();
                    assert_eq!(removed, expected);
                    model.retain(|member, _| removed.iter().all(|(gone, _)| gone != member));
                }
            }
            assert_eq!(set.encoding() == SortedSetEncoding::Skiplist, is_big);
            check(&set, &model, &bounds);
        }
        let mut copy = set.clone();
        check(&copy, &model, &bounds);
        assert_eq!(copy.encoding(), set.encoding());
        let mut remains = set.into_remains();
        while remains.free(70) {}
        assert!(remains.is_empty());
        copy.turn_into_listpack(&limits);
        let fits = model.len() <= limits.listpack_entries_max
            && model.keys().all(|member| member.len() <= limits.listpack_value_bytes_max);
        assert_eq!(copy.encoding() == SortedSetEncoding::Listpack, fits || !is_big);
        check(&copy, &model, &bounds);
    }

    #[test]
    fn lexicographic_ranges_are_those_of_a_plain_set(
        numbers in vec(0..500_u16, 0..100),
        bounds in vec(0..500_u16, 2..6),
        limits in limits(),
    ) {
        let mut set = SortedSet::new();
        let mut model = Model::new();
        for member in numbers.into_iter().map(member_of) {
            set.set(&member[..], 3.5, &limits, HASH_KEY);
            model.insert(member, 3.5);
        }
        let members: Vec<_> = model.keys().cloned().collect();
        let ranks = |min: LexBound<'_>, max: LexBound<'_>| members[set.ranks_of_members(min, max)].to_vec();
        let filtered = |suits: &dyn Fn(&[u8]) -> bool| {
            members.iter().filter(|member| suits(member)).cloned().collect::<Vec<_>>()
        };
        use LexBound::{Excluded, Highest, Included, Lowest};
        assert_eq!(ranks(Lowest, Highest), members);
        assert!(ranks(Highest, Lowest).is_empty());
        for pair in bounds.windows(2) {
            let (min, max) = (member_of(pair[0]), member_of(pair[1]));
            let (min, max) = (&min[..], &max[..]);
            assert_eq!(ranks(Included(min), Included(max)), filtered(&|it| min <= it && it <= max));
            assert_eq!(ranks(Excluded(min), Included(max)), filtered(&|it| min < it && it <= max));
            assert_eq!(ranks(Included(min), Excluded(max)), filtered(&|it| min <= it && it < max));
            assert_eq!(ranks(Lowest, Excluded(max)), filtered(&|it| it < max));
            assert_eq!(ranks(Excluded(min), Highest), filtered(&|it| min < it));
            assert!(ranks(Highest, Included(max)).is_empty());
        }
    }
}

/// What Redis 7.2 stores.
#[test]
fn scores_in_a_listpack_are_those_of_redis() {
    let limits = SortedSetLimits::default();
    let mut set = SortedSet::new();
    let scores: [(&str, f64, &[u8]); 8] = [
        ("a", 3.0, b"3"),
        ("b", -0.0, b"0"),
        ("c", 0.1, b"0.1"),
        ("d", 1e21, b"1e+21"),
        ("e", f64::INFINITY, b"inf"),
        ("f", f64::NEG_INFINITY, b"-inf"),
        ("g", 4_611_686_018_427_387_904.0, b"4611686018427387904"),
        ("h", 1e19, b"1e+19"),
    ];
    for (member, score, _) in scores {
        set.set(member.as_bytes(), score, &limits, HASH_KEY);
    }
    let view = set.as_listpack().expect("it is small").view();
    let strings: Vec<_> = view.iter().map(StringRef::to_vec).collect();
    assert_eq!(strings.len(), 16);
    for pair in strings.chunks(2) {
        let stored = scores.iter().find(|(member, ..)| member.as_bytes() == pair[0]).map(|it| it.2);
        assert_eq!(stored, Some(&pair[1][..]));
    }
    assert_eq!(view.iter().filter(|value| matches!(value, StringRef::Int(_))).count(), 3);
    assert_eq!(set.score(&b"b"[..]).map(f64::to_bits), Some(0));
}

/// What Redis 7.0 and 7.2 answer at their default limits.
#[test]
fn encodings_change_at_the_default_limits() {
    let limits = SortedSetLimits::default();
    let mut set = SortedSet::new();
    for number in 0..128 {
        assert!(set.set(format!("{number}").as_bytes(), 1.0, &limits, HASH_KEY));
    }
    assert_eq!(set.encoding().name(), "listpack");
    let mut long = set.clone();
    set.set(&b"128"[..], 1.0, &limits, HASH_KEY);
    assert_eq!((set.encoding().name(), set.len()), ("skiplist", 129));
    long.remove(&b"5"[..]);
    long.set("x".repeat(64).as_bytes(), 1.0, &limits, HASH_KEY);
    assert_eq!(long.encoding().name(), "listpack");
    long.remove(&b"6"[..]);
    long.set("x".repeat(65).as_bytes(), 1.0, &limits, HASH_KEY);
    assert_eq!(long.encoding().name(), "skiplist");
    set.grow_for(1, 0, &limits, HASH_KEY);
    set.turn_into_listpack(&limits);
    assert_eq!(set.encoding().name(), "skiplist");
    set.remove(&b"128"[..]);
    set.turn_into_listpack(&limits);
    assert_eq!(set.encoding().name(), "listpack");
}

#[test]
fn bytes_per_member_are_what_is_promised() {
    let limits = SortedSetLimits { listpack_entries_max: 0, ..SortedSetLimits::default() };
    let count = scaled(100_000, 0);
    let mut set = SortedSet::new();
    for number in 0..count {
        let score = (number as u32).wrapping_mul(0x9e37_79b1);
        set.set(format!("member:{number:09}").as_bytes(), score.into(), &limits, HASH_KEY);
    }
    assert!(set.memory_bytes(0) <= 50 * count + 4000, "{}", set.memory_bytes(0));
    assert_eq!(set.memory_bytes(5), set.memory_bytes(0));
}
