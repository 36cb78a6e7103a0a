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
#[derive(Clone, Copy)]
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
