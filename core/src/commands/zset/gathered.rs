//! Members of several sets with the scores that they add up to: a hash table of what lies elsewhere.

use crate::keyspace::HashKey;
use crate::number::parse_i64;
use crate::value::StringRef;

/// How many slots there are for each member, at least.
const SLOTS_PER_MEMBER_MIN: usize = 2;

/// Marks an empty slot.
const EMPTY: u32 = u32::MAX;

/// Members, their scores, and where to find them.
pub struct Gathered<'a> {
    /// In the order in which they came; removed ones stay, so that what lies behind them is still found.
    members: Vec<Member<'a>>,
    /// Indices of members, each in the first slot that was free from where its hash says.
    slots: Vec<u32>,
    hash_key: HashKey,
    removed: usize,
}

struct Member<'a> {
    string: StringRef<'a>,
    score: f64,
    hash: u64,
    is_removed: bool,
}

impl<'a> Gathered<'a> {
    /// No members yet, and room for so many.
    pub fn new(len_min: usize, hash_key: HashKey) -> Gathered<'a> {
        let slots = vec![EMPTY; (len_min.max(4) * SLOTS_PER_MEMBER_MIN).next_power_of_two()];
        Gathered { members: Vec::with_capacity(len_min), slots, hash_key, removed: 0 }
    }

    /// Adds a member, or changes the score it has.
    #[inline]
    pub fn add(&mut self, string: StringRef<'a>, score: f64, change: impl FnOnce(f64) -> f64) {
        let hash = string.with_bytes(|bytes| self.hash_key.hash(bytes));
        match self.find(string, hash) {
            Ok(index) => {
                let member = &mut self.members[index];
                member.score = change(member.score);
            }
            Err(slot) => {
                self.slots[slot] = u32::try_from(self.members.len())
                    .ok()
                    .filter(|&index| index != EMPTY)
                    .expect("no keyspace has so many members");
                self.members.push(Member { string, score, hash, is_removed: false });
                if self.members.len() * SLOTS_PER_MEMBER_MIN > self.slots.len() {
                    self.grow();
                }
            }
        }
    }

    /// Removes a member if it is there.
    pub fn remove(&mut self, string: StringRef<'_>) {
        let hash = string.with_bytes(|bytes| self.hash_key.hash(bytes));
        if let Ok(index) = self.find(string, hash) {
            self.removed += usize::from(!self.members[index].is_removed);
            self.members[index].is_removed = true;
        }
    }

    /// Whether all members are gone.
    pub fn is_empty(&self) -> bool {
        self.removed == self.members.len()
    }

    /// The members, in the order in which they came.
    pub fn into_members(self) -> Vec<(StringRef<'a>, f64)> {
        let left = self.members.into_iter().filter(|member| !member.is_removed);
        left.map(|member| (member.string, member.score)).collect()
    }

    /// The index of a member, or the slot it belongs in.
    #[inline]
    fn find(&self, string: StringRef<'_>, hash: u64) -> Result<usize, usize> {
        let mask = self.slots.len() - 1;
        let mut slot = hash as usize & mask;
        loop {
            let index = self.slots[slot];
            if index == EMPTY {
                return Err(slot);
            }
            let member = &self.members[index as usize];
            if member.hash == hash && is_same(member.string, string) {
                return Ok(index as usize);
            }
            slot = (slot + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let len = self.slots.len() * 2;
        self.slots = vec![EMPTY; len];
        for (index, member) in self.members.iter().enumerate() {
            let mut slot = member.hash as usize & (len - 1);
            while self.slots[slot] != EMPTY {
                slot = (slot + 1) & (len - 1);
            }
            self.slots[slot] = index as u32;
        }
    }
}

/// Whether two strings have the same bytes.
#[inline]
fn is_same(one: StringRef<'_>, other: StringRef<'_>) -> bool {
    match (one, other) {
        (StringRef::Bytes(bytes), StringRef::Int(number))
        | (StringRef::Int(number), StringRef::Bytes(bytes)) => parse_i64(bytes) == Some(number),
        _ => one == other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn numbers_and_their_texts_are_the_same_members() {
        let mut gathered = Gathered::new(0, HashKey([1, 2]));
        let texts: Vec<String> = (0..1000).map(|number| number.to_string()).collect();
        for (number, text) in texts.iter().enumerate() {
            gathered.add(StringRef::Int(number as i64), 1.0, |_| unreachable!("it is new"));
            gathered.add(StringRef::Bytes(text.as_bytes()), 2.0, |old| old + 2.0);
        }
        gathered.add(StringRef::Bytes(b"01"), 5.0, |_| unreachable!("it is new"));
        for number in (0..1000).step_by(2) {
            gathered.remove(StringRef::Int(number));
            gathered.remove(StringRef::Bytes(texts[number as usize].as_bytes()));
        }
        assert!(!gathered.is_empty());
        let members: BTreeMap<Vec<u8>, f64> =
            gathered.into_members().into_iter().map(|(member, score)| (member.to_vec(), score)).collect();
        assert_eq!(members.len(), 501);
        assert_eq!(members[b"01".as_slice()], 5.0);
        assert!(members.iter().all(|(member, &score)| score == 3.0 || member == b"01"));
    }
}
