//! A member that was looked for, and what can be done with it.

use super::big::{OccupiedBig, VacantBig};
use super::{Repr, SortedSet, SortedSetLimits, small};
use crate::keyspace::HashKey;
use crate::value::Lookup;
use crate::value::listpack::Offset;
use itoa::Buffer;

/// A member that was looked for.
pub enum MemberEntry<'a, 'm> {
    /// It is there.
    Occupied(OccupiedMember<'a, 'm>),
    /// It is not.
    Vacant(VacantMember<'a, 'm>),
}

/// A member that is there.
pub struct OccupiedMember<'a, 'm> {
    member: Lookup<'m>,
    place: Occupied<'a>,
}

/// A member that is not there.
pub struct VacantMember<'a, 'm> {
    member: Lookup<'m>,
    place: Vacant<'a>,
}

enum Occupied<'a> {
    /// In the listpack that the set is.
    Listpack(&'a mut SortedSet, Offset),
    Big(OccupiedBig<'a>),
}

enum Vacant<'a> {
    /// In the listpack that the set is.
    Listpack(&'a mut SortedSet),
    Big(VacantBig<'a>),
}

impl<'a, 'm> MemberEntry<'a, 'm> {
    /// Looks for a member.
    #[inline]
    pub(super) fn find(set: &'a mut SortedSet, member: Lookup<'m>) -> MemberEntry<'a, 'm> {
        if let Repr::Listpack(listpack) = &set.0 {
            return match small::find(listpack, member.string()) {
                Some(at) => {
                    MemberEntry::Occupied(OccupiedMember { member, place: Occupied::Listpack(set, at) })
                }
                None => MemberEntry::Vacant(VacantMember { member, place: Vacant::Listpack(set) }),
            };
        }
        let Repr::Big(big) = &mut set.0 else { unreachable!("there are two encodings") };
        let hash = member.hash(big.hash_key());
        match big.entry(hash, member.bytes(&mut Buffer::new())) {
            Ok(found) => MemberEntry::Occupied(OccupiedMember { member, place: Occupied::Big(found) }),
            Err(vacant) => MemberEntry::Vacant(VacantMember { member, place: Vacant::Big(vacant) }),
        }
    }
}

impl OccupiedMember<'_, '_> {
    /// Its score.
    #[must_use]
    #[inline]
    pub fn score(&self) -> f64 {
        match &self.place {
            Occupied::Listpack(set, at) => {
                small::score_of(set.as_listpack().expect("it was found in one"), *at)
            }
            Occupied::Big(member) => member.score(),
        }
    }

    /// Its rank.
    #[must_use]
    pub fn rank(&self) -> usize {
        match &self.place {
            Occupied::Listpack(set, at) => {
                small::rank_of(set.as_listpack().expect("it was found in one"), *at)
            }
            Occupied::Big(member) => member.rank(),
        }
    }

    /// Gives it another score, which is not NaN.
    #[inline]
    pub fn set_score(self, score: f64) {
        match self.place {
            Occupied::Big(mut member) => member.set_score(score),
            Occupied::Listpack(set, at) => {
                if let Repr::Listpack(listpack) = &mut set.0 {
                    listpack.remove_from(at, 2);
                    small::insert(listpack, self.member.string(), score);
                }
            }
        }
    }

    /// Removes it.
    #[inline]
    pub fn remove(self) {
        match self.place {
            Occupied::Big(member) => drop(member.remove()),
            Occupied::Listpack(set, at) => {
                if let Repr::Listpack(listpack) = &mut set.0 {
                    listpack.remove_from(at, 2);
                }
            }
        }
    }
}

impl VacantMember<'_, '_> {
    /// Adds it with a score, which is not NaN.
    #[inline]
    pub fn insert(self, score: f64, limits: &SortedSetLimits, hash_key: HashKey) {
        let mut digits = Buffer::new();
        match self.place {
            Vacant::Big(vacant) => vacant.insert(self.member.bytes(&mut digits), score),
            Vacant::Listpack(set) => {
                let len = self.member.string().len();
                let is_full = set.len() >= limits.listpack_entries_max
                    || len > limits.listpack_value_bytes_max
                    || set.as_listpack().is_some_and(|listpack| !listpack.has_room_for(len));
                if is_full {
                    set.turn_into_big(hash_key);
                }
                match &mut set.0 {
                    Repr::Listpack(listpack) => small::insert(listpack, self.member.string(), score),
                    Repr::Big(big) => {
                        let member = self.member.bytes(&mut digits);
                        big.add(self.member.hash(hash_key), member, score);
                    }
                }
            }
        }
    }
}
