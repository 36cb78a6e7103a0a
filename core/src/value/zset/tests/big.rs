//! Large sorted sets, and the tree below them.

use super::*;
use crate::value::zset::big::BigSortedSet;
use crate::value::zset::element::ScoreKey;
use crate::value::zset::tree::{AfterScore, BeforeScore, InLexOrder};
use proptest::collection::vec;

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Add or update.
    Set(u16, f64),
    /// Update if it is there, to a score next to the one it has.
    Nudge(u16, bool),
    Remove(u16),
    Pop(bool, usize),
    RemoveRanks(u16, u16),
    /// Add so many in a row, ascending or descending from a score.
    Run(u16, u8, i8),
}

fn step(members: u16) -> impl Strategy<Value = Step> {
    let member = move || 0..members;
    prop_oneof![
        60 => (member(), score()).prop_map(|(member, score)| Step::Set(member, score)),
        10 => (member(), any::<bool>()).prop_map(|(member, up)| Step::Nudge(member, up)),
        20 => member().prop_map(Step::Remove),
        5 => (any::<bool>(), 0..20_usize).prop_map(|(is_last, count)| Step::Pop(is_last, count)),
        1 => (member(), 0..members / 4 + 1).prop_map(|(from, count)| Step::RemoveRanks(from, count)),
        3 => (member(), any::<u8>(), -3..4_i8).prop_map(|(from, count, step)| Step::Run(from, count, step)),
    ]
}

fn set(big: &mut BigSortedSet, member: &[u8], score: f64) -> bool {
    match big.entry(HASH_KEY.hash(member), member) {
        Ok(mut occupied) => {
            occupied.set_score(score);
            assert!(is_same(occupied.score(), score));
            false
        }
        Err(vacant) => {
            vacant.insert(member, score);
            true
        }
    }
}

fn apply(big: &mut BigSortedSet, model: &mut Model, step: Step) {
    match step {
        Step::Set(number, score) => {
            let member = member_of(number);
            let is_new = set(big, &member, score);
            assert_eq!(model.insert(member, score).is_none(), is_new);
        }
        Step::Nudge(number, up) => {
            let member = member_of(number);
            if let Some(score) = model.get_mut(&member) {
                *score = if up { score.next_up() } else { score.next_down() };
                assert!(!set(big, &member, *score));
            }
        }
        Step::Remove(number) => {
            let member = member_of(number);
            let removed = big.entry(HASH_KEY.hash(&member), &member).ok().map(|occupied| {
                let rank = occupied.rank();
                let removed = occupied.remove();
                assert_eq!(removed.member(), member);
                (rank, removed.score())
            });
            let rank = in_order(model).iter().position(|(it, _)| *it == member);
            let expected = model.remove(&member);
            assert_eq!(removed.map(|(_, score)| score.to_bits()), expected.map(f64::to_bits));
            assert_eq!(removed.map(|(rank, _)| rank), rank);
        }
        Step::Pop(is_last, count) => {
            for _ in 0..count {
                let order = in_order(model);
                let expected = if is_last { order.last() } else { order.first() };
                let expected = expected.map(|(member, score)| (member.to_vec(), *score));
                let popped = big.pop(is_last).map(|removed| (removed.member().to_vec(), removed.score()));
                assert_eq!(popped, expected);
                if let Some((member, _)) = popped {
                    model.remove(&member);
                }
            }
        }
        Step::RemoveRanks(from, count) => {
            let ranks = usize::from(from)..usize::from(from) + usize::from(count);
            let mut removed = Vec::new();
            big.remove_ranks(ranks.clone(), &mut |member, score| removed.push((member.to_vec(), score)));
            let order = in_order(model).into_iter().enumerate();
            let expected = order.filter(|(rank, _)| ranks.contains(rank));
            let expected: Vec<_> = expected.map(|(_, (member, score))| (member.to_vec(), score)).collect();
            assert_eq!(removed, expected);
            model.retain(|member, _| removed.iter().all(|(gone, _)| gone != member));
        }
        Step::Run(from, count, step) => {
            for number in 0..u16::from(count) {
                let member = member_of(from.wrapping_add(number));
                let score = f64::from(from) + f64::from(number) * f64::from(step);
                set(big, &member, score);
                model.insert(member, score);
            }
        }
    }
}

fn check(big: &BigSortedSet, model: &Model, bounds: &[f64]) {
    let levels = big.verify();
    assert!(levels < 12);
    let order = in_order(model);
    assert_eq!(big.len(), order.len());
    assert!(big.iter(0..usize::MAX).eq(order.iter().copied()));
    assert!(big.iter(0..order.len()).rev().eq(order.iter().rev().copied()));
    for (rank, &(member, score)) in order.iter().enumerate() {
        let hash = HASH_KEY.hash(member);
        let found = big.rank(hash, member).expect("the model has it");
        assert!(found.0 == rank && is_same(found.1, score));
        assert_eq!(big.iter(rank..rank + 1).next(), Some((member, score)));
    }
    for &bound in bounds {
        let key = ScoreKey::new(bound);
        assert_eq!(big.rank_of(BeforeScore(key)), order.partition_point(|it| it.1 < bound));
        assert_eq!(big.rank_of(AfterScore(key)), order.partition_point(|it| it.1 <= bound));
    }
}

fn run(steps: Vec<Step>, bounds: &[f64], check_every: usize) {
    let mut big = BigSortedSet::new(HASH_KEY);
    let mut model = Model::new();
    for (number, step) in steps.into_iter().enumerate() {
        apply(&mut big, &mut model, step);
        if number % check_every == 0 {
            check(&big, &model, bounds);
        }
    }
    check(&big, &model, bounds);
    let (mut members, mut nodes) = big.into_remains();
    assert_eq!(members.len(), model.len());
    while nodes.free_one() {}
    while !members.free_slice(7) {}
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(40, 2) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn large_sets_do_what_a_map_does(
        steps in vec(step(scaled(1000, 100) as u16), 0..scaled(1500, 150)),
        bounds in vec(score(), 1..20),
    ) {
        run(steps, &bounds, scaled(150, 40));
    }

    #[test]
    fn members_with_one_score_are_in_lexicographic_order(
        numbers in vec(0..3000_u16, 0..scaled(3000, 60)),
        bounds in vec(0..3000_u16, 1..20),
    ) {
        let mut big = BigSortedSet::new(HASH_KEY);
        let mut model = Model::new();
        for number in numbers {
            apply(&mut big, &mut model, Step::Set(number, 1.0));
        }
        check(&big, &model, &[1.0, 2.0]);
        let members: Vec<_> = model.keys().collect();
        for bound in bounds.into_iter().map(member_of) {
            let rank = |is_behind| big.rank_of(InLexOrder { member: &bound, is_behind });
            assert_eq!(rank(false), members.partition_point(|&it| *it < bound));
            assert_eq!(rank(true), members.partition_point(|&it| *it <= bound));
        }
    }
}

/// What a pattern of scores leaves behind: deep trees, and the way back down.
#[test]
fn deep_trees_grow_and_shrink() {
    let count = scaled(20_000, 400) as u32;
    let patterns: [fn(u32) -> f64; 5] = [
        f64::from,
        |number| -f64::from(number),
        |number| f64::from(number.wrapping_mul(0x9e37_79b1)),
        |number| f64::from(number % 7),
        |number| if number % 50 == 0 { 1e300 } else { f64::from(number.wrapping_mul(0x9e37_79b1)) * 1e-9 },
    ];
    for pattern in patterns {
        let mut big = BigSortedSet::new(HASH_KEY);
        let mut model = Model::new();
        for number in 0..count {
            let member = format!("member:{}", number.wrapping_mul(77_777)).into_bytes();
            assert!(set(&mut big, &member, pattern(number)));
            model.insert(member, pattern(number));
        }
        assert!(big.verify() >= 2);
        check(&big, &model, &[0.0, 3.0, 1e9]);
        // Every other one goes, then all but a few, in the order of their names.
        for (number, (member, _)) in model.iter().enumerate() {
            if number % 2 == 0 {
                let occupied = big.entry(HASH_KEY.hash(member), member).ok().expect("it is there");
                drop(occupied.remove());
            }
        }
        let left = model.len() / 2;
        assert_eq!(big.len(), left);
        big.verify();
        big.remove_ranks(5..left - 5, &mut |member, _| assert!(model.contains_key(member)));
        assert_eq!((big.len(), big.verify()), (10, 1));
        while big.pop(true).is_some() {}
        assert_eq!((big.len(), big.verify()), (0, 0));
    }
}
