//! Intersection, union and difference: the members of each are shown one by one, or collected in a new set.

use crate::commands::ahead::{BATCH_LEN, NO_LOOKUPS};
use crate::keyspace::HashKey;
use crate::value::intset::Intset;
use crate::value::set::{Set, SetEncoding, SetLimits};
use crate::value::{Lookup, StringRef};

/// Two intsets are merged unless one is so many times as long as the other: then its few numbers are looked for.
const MERGED_RATIO_MAX: usize = 8;

/// Up to so many sets, a union asks of each member whether an earlier set has it; of more, it collects them.
const SETS_ASKED_MAX: usize = 4;

/// What results are made with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules {
    pub limits: SetLimits,
    pub hash_key: HashKey,
}

impl Rules {
    /// Whether so many members are a hash table, whatever they are.
    fn is_table(&self, len: usize) -> bool {
        len > self.limits.intset_entries_max && len > self.limits.listpack_entries_max
    }

    fn add_all(&self, result: &mut Set, set: &Set) {
        for_each_looked_up(set, Some(result.encoding()), |members, _| {
            result.prefetch(members);
            members.iter().for_each(|&member| {
                result.add(member, &self.limits, self.hash_key);
            });
            true
        });
    }
}

/// Shows what all sets have in common, as long as it is wanted: `show` says whether to go on. There is at least one
/// set; they come back in another order.
pub(super) fn intersect(sets: &mut Vec<&Set>, mut show: impl FnMut(Lookup<'_>) -> bool) {
    sets.sort_by_key(|set| set.len());
    let smallest = sets[0];
    let mut place = 0;
    sets.retain(|set| {
        place += 1;
        place == 1 || !std::ptr::eq(*set, smallest)
    });
    let others = &sets[1..];
    if let (Some(left), Some(right)) =
        (smallest.as_intset(), others.first().and_then(|next| next.as_intset()))
        && right.len() <= MERGED_RATIO_MAX * left.len()
    {
        for number in left.intersection(right) {
            let member = Lookup::new(StringRef::Int(number));
            if others[1..].iter().all(|other| other.contains(member)) && !show(member) {
                return;
            }
        }
        return;
    }
    let encoding = others.first().map(|next| next.encoding());
    for_each_looked_up(smallest, encoding, |members, is_ahead| {
        if is_ahead {
            others[0].prefetch(members);
        }
        let mut common = members.iter().filter(|member| others.iter().all(|other| other.contains(**member)));
        common.all(|&member| show(member))
    });
}

/// The set of what all sets have in common, as Redis encodes it.
pub(super) fn intersection(sets: &mut Vec<&Set>, rules: Rules) -> Set {
    let smallest = sets.iter().min_by_key(|set| set.len());
    let is_intset = smallest.is_some_and(|set| set.as_intset().is_some());
    let mut result = if is_intset { Set::new_intset() } else { Set::new_listpack() };
    intersect(sets, |member| {
        result.add(member, &rules.limits, rules.hash_key);
        true
    });
    result.turn_into_intset(&rules.limits);
    result
}

/// Shows what is in any of the sets.
pub(super) fn unite(sets: &mut Vec<&Set>, rules: Rules, mut show: impl FnMut(StringRef<'_>)) {
    if let [left, right] = sets[..]
        && let (Some(left), Some(right)) = (left.as_intset(), right.as_intset())
    {
        return left.union(right).map(StringRef::Int).for_each(show);
    }
    if sets.len() > SETS_ASKED_MAX || sets.iter().all(|set| set.as_intset().is_some()) {
        return union(sets, rules).iter().for_each(show);
    }
    // The largest set is shown without a question; it is the others' members that are looked for.
    sets.sort_by_key(|set| std::cmp::Reverse(set.len()));
    for (place, set) in sets.iter().enumerate() {
        let earlier = &sets[..place];
        if earlier.iter().any(|other| std::ptr::eq(*other, *set)) {
            continue;
        }
        let encoding = earlier.first().map(|first| first.encoding());
        for_each_looked_up(set, encoding, |members, is_ahead| {
            if is_ahead {
                earlier[0].prefetch(members);
            }
            for member in &*members {
                if !earlier.iter().any(|other| other.contains(*member)) {
                    show(member.string());
                }
            }
            true
        });
    }
}

/// The set of what is in any of the sets, as Redis encodes it: what it stores begins as an intset.
pub(super) fn union(sets: &[&Set], rules: Rules) -> Set {
    if let Some(intsets) = sets.iter().map(|set| set.as_intset()).collect::<Option<Vec<_>>>() {
        let mut intsets = intsets.into_iter();
        let Some(first) = intsets.next() else { return Set::new_intset() };
        let all = intsets.fold(first.clone(), |all, next| all.union(next).collect::<Intset>());
        return Set::from_intset(all, &rules.limits, rules.hash_key);
    }
    let largest = sets.iter().max_by_key(|set| set.len());
    let (mut result, copied) = match largest {
        Some(&set) if rules.is_table(set.len()) => (copy(set, rules), Some(set)),
        _ => (Set::new_intset(), None),
    };
    for set in sets {
        if copied.is_none_or(|copied| !std::ptr::eq(copied, *set)) {
            rules.add_all(&mut result, set);
        }
    }
    result
}

/// Shows the first set's members that are in none of the others. A set that is missing is none.
pub(super) fn subtract(sets: &[Option<&Set>], mut show: impl FnMut(Lookup<'_>)) {
    let Some((first, mut others)) = operands(sets) else { return };
    if let [other] = others[..]
        && let (Some(left), Some(right)) = (first.as_intset(), other.as_intset())
    {
        return left.difference(right).for_each(|number| show(Lookup::new(StringRef::Int(number))));
    }
    if is_removal_better(first, &others) {
        let mut rest = first.clone();
        remove_all(&mut rest, &others);
        return rest.iter().for_each(|member| show(Lookup::new(member)));
    }
    show_rest(first, &mut others, show);
}

/// The set of the first set's members that are in none of the others, as Redis encodes it.
pub(super) fn difference(sets: &[Option<&Set>], rules: Rules) -> Set {
    let mut result = Set::new_intset();
    let Some((first, mut others)) = operands(sets) else { return result };
    if is_removal_better(first, &others) {
        if rules.is_table(first.len()) {
            result = copy(first, rules);
        } else {
            rules.add_all(&mut result, first);
        }
        remove_all(&mut result, &others);
    } else {
        show_rest(first, &mut others, |member| {
            result.add(member, &rules.limits, rules.hash_key);
        });
    }
    result
}

/// The set to subtract from, and those to subtract. None when nothing can be left.
fn operands<'a>(sets: &[Option<&'a Set>]) -> Option<(&'a Set, Vec<&'a Set>)> {
    let (first, others) = sets.split_first()?;
    let first = (*first)?;
    let others: Vec<&Set> = others.iter().copied().flatten().collect();
    let is_subtracted_from_itself = others.iter().any(|other| std::ptr::eq(*other, first));
    (!is_subtracted_from_itself).then_some((first, others))
}

/// Whether to remove the others' members from a copy is less work than to look each of the first set's members up:
/// Redis' estimate, since the encoding of what is stored follows from it.
fn is_removal_better(first: &Set, others: &[&Set]) -> bool {
    let lookups = (others.len() + 1).saturating_mul(first.len()) / 2;
    let removals = others.iter().map(|set| set.len()).fold(first.len(), usize::saturating_add);
    lookups > removals
}

fn show_rest(first: &Set, others: &mut [&Set], mut show: impl FnMut(Lookup<'_>)) {
    // A member is soonest found in the largest.
    others.sort_by_key(|set| std::cmp::Reverse(set.len()));
    let encoding = others.first().map(|other| other.encoding());
    for_each_looked_up(first, encoding, |members, is_ahead| {
        if is_ahead {
            others[0].prefetch(members);
        }
        for member in &*members {
            if !others.iter().any(|other| other.contains(*member)) {
                show(*member);
            }
        }
        true
    });
}

fn remove_all(result: &mut Set, others: &[&Set]) {
    for other in others {
        for_each_looked_up(other, Some(result.encoding()), |members, _| {
            result.prefetch(members);
            members.iter().for_each(|&member| {
                result.remove(member);
            });
            !result.is_empty()
        });
    }
}

/// A copy of a set as a hash table.
fn copy(set: &Set, rules: Rules) -> Set {
    if set.encoding() == SetEncoding::Hashtable {
        return set.clone();
    }
    let mut copy = Set::new_table(rules.hash_key);
    rules.add_all(&mut copy, set);
    copy
}

/// Hands out a set's members in batches, as long as they are wanted, with whether it pays to fetch ahead what they
/// lead to in a set of such an encoding.
fn for_each_looked_up<'a>(
    set: &'a Set,
    encoding: Option<SetEncoding>,
    mut take: impl FnMut(&mut [Lookup<'a>], bool) -> bool,
) {
    let is_ahead = encoding == Some(SetEncoding::Hashtable);
    let mut batch: [Lookup<'a>; BATCH_LEN] = NO_LOOKUPS;
    let mut members = set.iter();
    loop {
        let mut len = 0;
        for member in members.by_ref().take(BATCH_LEN) {
            batch[len] = Lookup::new(member);
            len += 1;
        }
        if !take(&mut batch[..len], is_ahead) || len < BATCH_LEN {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_set, vec};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const HASH_KEY: HashKey = HashKey([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);

    type Model = BTreeSet<Vec<u8>>;

    fn member() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            3 => (0..40_u32).prop_map(|number| number.to_string().into_bytes()),
            1 => (0..20_u32).prop_map(|number| format!("m{number}").into_bytes()),
        ]
    }

    fn operand() -> impl Strategy<Value = Model> {
        let numbers = (0..60_u32).prop_map(|number| number.to_string().into_bytes());
        prop_oneof![btree_set(numbers, 1..40), btree_set(member(), 1..12), btree_set(member(), 1..50)]
    }

    fn rules() -> impl Strategy<Value = Rules> {
        (0..40_usize, 0..40_usize, 0..4_usize).prop_map(|(intset, listpack, value)| Rules {
            limits: SetLimits {
                intset_entries_max: intset,
                listpack_entries_max: listpack,
                listpack_value_bytes_max: value,
            },
            hash_key: HASH_KEY,
        })
    }

    fn set_of(model: &Model, rules: Rules) -> Set {
        let first = model.first().map_or(&b""[..], |first| first);
        let mut set = Set::for_member(first, 1, &rules.limits, HASH_KEY);
        for member in model {
            set.add(&member[..], &rules.limits, HASH_KEY);
        }
        set
    }

    fn members(set: &Set) -> Model {
        let members: Vec<_> = set.iter().map(StringRef::to_vec).collect();
        let model: Model = members.iter().cloned().collect();
        assert_eq!(members.len(), model.len(), "a member comes twice");
        model
    }

    /// What a function shows, each member once.
    fn shown(run: impl FnOnce(&mut dyn FnMut(StringRef<'_>))) -> Model {
        let mut shown = Model::new();
        run(&mut |member| assert!(shown.insert(member.to_vec()), "a member comes twice"));
        shown
    }

    /// Adds members one by one, as Redis does.
    fn added(mut result: Set, members: impl IntoIterator<Item = Vec<u8>>, rules: Rules) -> Set {
        for member in members {
            result.add(&member[..], &rules.limits, HASH_KEY);
        }
        result
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn results_are_those_of_sets(
            models in vec(operand(), 1..7),
            repeated in any::<prop::sample::Index>(),
            is_repeated in any::<bool>(),
            rules in rules(),
        ) {
            let held: Vec<Set> = models.iter().map(|model| set_of(model, rules)).collect();
            let mut operands: Vec<(&Set, &Model)> = held.iter().zip(&models).collect();
            if is_repeated {
                operands.push(operands[repeated.index(operands.len())]);
            }
            let sets: Vec<&Set> = operands.iter().map(|(set, _)| *set).collect();
            let (first, others) = operands.split_first().unwrap();

            let common: Model =
                first.1.iter().filter(|member| others.iter().all(|other| other.1.contains(*member))).cloned().collect();
            let show = shown(|show| intersect(&mut sets.clone(), |member| { show(member.string()); true }));
            prop_assert_eq!(&show, &common);
            prop_assert_eq!(&members(&intersection(&mut sets.clone(), rules)), &common);

            let all: Model = operands.iter().flat_map(|(_, model)| model.iter().cloned()).collect();
            prop_assert_eq!(&shown(|show| unite(&mut sets.clone(), rules, show)), &all);
            let result = union(&sets, rules);
            prop_assert_eq!(&members(&result), &all);
            let in_order = operands.iter().flat_map(|(set, _)| set.iter().map(StringRef::to_vec));
            let redis = added(Set::new_intset(), in_order.collect::<Vec<_>>(), rules);
            prop_assert_eq!(result.encoding(), redis.encoding());

            let rest: Model =
                first.1.iter().filter(|member| !others.iter().any(|other| other.1.contains(*member))).cloned().collect();
            let mut maybe: Vec<Option<&Set>> = sets.iter().copied().map(Some).collect();
            maybe.insert(1, None);
            prop_assert_eq!(&shown(|show| subtract(&maybe, |member| show(member.string()))), &rest);
            prop_assert_eq!(&members(&difference(&maybe, rules)), &rest);
            maybe.insert(0, None);
            prop_assert_eq!(members(&difference(&maybe, rules)), Model::new());
        }
    }

    /// Results are encoded as Redis 7.2 encodes them.
    #[test]
    fn results_are_encoded_like_redis_does() {
        let rules = Rules { limits: SetLimits::default(), hash_key: HASH_KEY };
        let set =
            |words: &str| set_of(&words.split(' ').map(|word| word.as_bytes().to_vec()).collect(), rules);
        let range = |prefix: &str, len: usize| {
            set_of(&(0..len).map(|number| format!("{prefix}{number}").into_bytes()).collect(), rules)
        };
        let (numbers, words, long) = (set("1 2 3"), set("2 3 x y"), range("m", 200));
        let numbers_long = range("", 600);
        let name = |set: &Set| set.encoding().name();
        assert_eq!(name(&intersection(&mut vec![&words, &numbers], rules)), "intset");
        assert_eq!(name(&intersection(&mut vec![&words, &set("x y z")], rules)), "listpack");
        assert_eq!(name(&intersection(&mut vec![&long, &range("m", 300)], rules)), "hashtable");
        assert_eq!(name(&union(&[&numbers, &set("4")], rules)), "intset");
        assert_eq!(name(&union(&[&numbers, &words], rules)), "listpack");
        assert_eq!(name(&union(&[&words, &long], rules)), "hashtable");
        assert_eq!(name(&union(&[&numbers, &numbers_long], rules)), "hashtable");
        assert_eq!(name(&difference(&[Some(&words), Some(&numbers)], rules)), "listpack");
        assert_eq!(name(&difference(&[Some(&numbers), Some(&words)], rules)), "intset");
        // A copy from which members are removed stays what the copy was.
        let few: Vec<Set> = (0..4).map(|part| set(&format!("m{part} y"))).collect();
        let mut sets = vec![Some(&long)];
        sets.extend(few.iter().map(Some));
        assert_eq!(name(&difference(&sets, rules)), "hashtable");
        let most = range("m", 199);
        assert_eq!(name(&difference(&[Some(&long), Some(&most)], rules)), "listpack");
    }
}
