//! Large sorted sets: a table that finds members and owns them, and a tree that has them in order.
//!
//! A score is found with one probe of the table, a rank with one more way down the tree. Redis calls this
//! encoding `skiplist`.

use super::element::{ScoreKey, Scored, Slot};
use super::tree::{BeforeMember, FETCHED_TOGETHER, Place, Ruins, Tree};
use crate::keyspace::{HashKey, OccupiedElement, Remnants, Table, TableStats};
use std::ops::Range;

/// How many members are fetched ahead of the one that is looked at.
const FETCHED_AHEAD: usize = 8;

/// Members whose hashes are known ahead of being popped.
const HASHED_AHEAD: usize = 8;

/// Members whose memory is fetched together before they are removed.
const REMOVED_TOGETHER: usize = 16;

/// A sorted set of any size.
pub struct BigSortedSet {
    /// Invariant: it has exactly the members of the tree, with the scores by which they are in order there. The
    /// tree gives up a member before the table does.
    table: Table<Scored>,
    tree: Tree,
    ahead: Ahead,
}

/// A member that was found.
pub struct OccupiedBig<'a> {
    element: OccupiedElement<'a, Scored>,
    tree: &'a mut Tree,
}

/// Where a member is not.
pub struct VacantBig<'a> {
    table: &'a mut Table<Scored>,
    tree: &'a mut Tree,
    hash: u64,
}

/// A member and its score, taken out.
pub struct Removed(Scored);

impl Removed {
    /// The member.
    #[inline]
    pub fn member(&self) -> &[u8] {
        self.0.member()
    }

    /// Its score.
    #[inline]
    pub fn score(&self) -> f64 {
        self.0.score()
    }
}

/// From which rank on the mutant `RankOffByOneAfterSplit` shows: half of a leaf that was split.
const RANK_OFF_FROM: usize = 32;

impl BigSortedSet {
    /// An empty one.
    pub fn new(hash_key: HashKey) -> BigSortedSet {
        BigSortedSet { table: Table::new(hash_key), tree: Tree::default(), ahead: Ahead::default() }
    }

    /// The key of the hash.
    #[inline]
    pub fn hash_key(&self) -> HashKey {
        self.table.hash_key()
    }

    /// The table, whose elements must stay what they are.
    pub fn table_mut(&mut self) -> &mut Table<Scored> {
        &mut self.table
    }

    /// Figures on the table.
    pub fn table_stats(&self) -> TableStats {
        self.table.stats()
    }

    /// Number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes of memory. So many `samples` of members stand for all; 0 is all.
    pub fn memory_bytes(&self, samples: usize) -> usize {
        let members = self.table.elements_bytes(samples, Scored::memory_bytes);
        size_of::<BigSortedSet>() + self.table.bytes() + self.tree.memory_bytes() + members
    }

    /// Begins to fetch the members with these hashes.
    #[inline]
    pub fn prefetch(&self, hashes: impl Iterator<Item = u64>) {
        self.table.prefetch_all(hashes);
    }

    /// Begins to fetch where scores belong.
    #[inline]
    pub fn prefetch_scores(&self, scores: &[f64]) {
        let mut keys = [ScoreKey(0); FETCHED_TOGETHER];
        for scores in scores.chunks(FETCHED_TOGETHER) {
            keys.iter_mut().zip(scores).for_each(|(key, &score)| *key = ScoreKey::new(score));
            self.tree.prefetch(&keys[..scores.len()]);
        }
    }

    /// The score of a member.
    #[inline]
    pub fn score(&self, hash: u64, member: &[u8]) -> Option<f64> {
        self.table.find(hash, member).map(Scored::score)
    }

    /// The rank of a member, and its score.
    #[inline]
    pub fn rank(&self, hash: u64, member: &[u8]) -> Option<(usize, f64)> {
        let score = self.score(hash, member)?;
        let rank = self.tree.rank(BeforeMember(ScoreKey::new(score), member));
        let is_off = mutant!(Mutant::RankOffByOneAfterSplit) && rank >= RANK_OFF_FROM;
        Some((rank + usize::from(is_off), score))
    }

    /// How many members are before a place.
    #[inline]
    pub fn rank_of(&self, place: impl Place) -> usize {
        self.tree.rank(place)
    }

    /// Finds a member or where it would be.
    #[inline]
    pub fn entry(&mut self, hash: u64, member: &[u8]) -> Result<OccupiedBig<'_>, VacantBig<'_>> {
        let tree = &mut self.tree;
        match self.table.search(hash, member) {
            Ok(element) => Ok(OccupiedBig { element, tree }),
            Err(table) => Err(VacantBig { table, tree, hash }),
        }
    }

    /// Adds a member, which is not there.
    #[inline]
    pub fn add(&mut self, hash: u64, member: &[u8], score: f64) {
        VacantBig { table: &mut self.table, tree: &mut self.tree, hash }.insert(member, score);
    }

    /// The members with these ranks, from either end.
    pub fn iter(&self, ranks: Range<usize>) -> Iter<'_> {
        let end = ranks.end.min(self.len());
        Iter { set: self, front: &[], back: &[], ranks: ranks.start.min(end)..end }
    }

    /// Shows the members at a cursor of the table, and returns the next cursor.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&[u8], f64)) -> u64 {
        #[cfg(feature = "simulation")]
        self.table.note_element_scan(cursor);
        self.table.scan(cursor, &mut |element| visit(element.member(), element.score()))
    }

    /// Takes the first member out, or the last.
    #[inline]
    pub fn pop(&mut self, is_last: bool) -> Option<Removed> {
        let rank = if is_last { self.len().checked_sub(1)? } else { 0 };
        let mut popped = None;
        self.tree.remove_run(rank, 1, &mut |slot| popped = Some(slot));
        let slot = popped?;
        let hash = self.ahead.take(slot);
        self.ahead.look(is_last, &self.tree, &self.table);
        let member = slot.member();
        let known = hash.filter(|&hash| self.table.find(hash, member).is_some());
        let hash = known.unwrap_or_else(|| self.table.hash_key().hash(member));
        Some(Removed(give_up(&mut self.table, hash, slot)))
    }

    /// Takes the members with these ranks out, and shows them.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, removed: &mut dyn FnMut(&[u8], f64)) {
        let mut left = ranks.end.min(self.len()).saturating_sub(ranks.start);
        let mut run = Vec::new();
        while left > 0 {
            left -= self.tree.remove_run(ranks.start, left.min(REMOVED_TOGETHER), &mut |slot| {
                slot.prefetch();
                run.push((slot, 0));
            });
            for (slot, hash) in &mut run {
                *hash = self.table.hash_key().hash(slot.member());
                self.table.prefetch_bucket(*hash);
            }
            for (slot, hash) in run.drain(..) {
                let element = give_up(&mut self.table, hash, slot);
                removed(element.member(), element.score());
            }
        }
    }

    /// Takes everything out, to be freed in slices.
    pub fn into_remains(mut self) -> (Remnants<Scored>, Ruins) {
        (self.table.take(), self.tree.take())
    }
}

/// Takes a member out of the table that is in the tree no more.
#[inline]
fn give_up(table: &mut Table<Scored>, hash: u64, slot: Slot) -> Scored {
    let found = table.find_mut(hash, slot.member());
    found.expect("the table has every member of the tree").remove()
}

/// What is known of members that may be popped next. They are found in the table by their hashes, so what a pop waits
/// for is the memory of the member, to hash it, and then of its bucket. Both are fetched some pops ahead.
#[derive(Default)]
struct Ahead {
    /// Hashes of members, each in the place that its address says. The member may be gone.
    hashes: [(usize, u64); HASHED_AHEAD],
}

impl Ahead {
    /// What may be the hash of a member.
    #[inline]
    fn take(&mut self, slot: Slot) -> Option<u64> {
        let (address, hash) = self.hashes[Ahead::place(slot)];
        (address == slot.address()).then_some(hash)
    }

    /// Looks ahead, from one of the ends.
    #[inline]
    fn look(&mut self, is_last: bool, tree: &Tree, table: &Table<Scored>) {
        let run = if is_last { tree.run_up_to(tree.len().wrapping_sub(1)) } else { tree.run_from(0) };
        let at = |index: usize| {
            let index = if is_last { run.len().wrapping_sub(index + 1) } else { index };
            run.get(index).copied()
        };
        if let Some(slot) = at(FETCHED_AHEAD) {
            slot.prefetch();
        }
        if let Some(slot) = at(HASHED_AHEAD / 2) {
            let hash = table.hash_key().hash(slot.member());
            table.prefetch_bucket(hash);
            self.hashes[Ahead::place(slot)] = (slot.address(), hash);
        }
    }

    #[inline]
    fn place(slot: Slot) -> usize {
        // Blocks are multiples of 8 bytes.
        (slot.address() >> 3).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (usize::BITS - HASHED_AHEAD.ilog2())
    }
}

impl OccupiedBig<'_> {
    /// The score.
    #[inline]
    pub fn score(&self) -> f64 {
        self.element.element().score()
    }

    /// The rank.
    #[inline]
    pub fn rank(&self) -> usize {
        let element = self.element.element();
        self.tree.rank(BeforeMember(ScoreKey::new(element.score()), element.member()))
    }

    /// Changes the score.
    #[inline]
    pub fn set_score(&mut self, score: f64) {
        let slot = self.element.element().slot();
        let (from, to) = (slot.key(), ScoreKey::new(score));
        if from == to || self.tree.reposition(from, to, slot) {
            self.element.change_value(|element| element.set_score(score));
        } else {
            self.tree.remove(from, slot);
            self.element.change_value(|element| element.set_score(score));
            self.tree.insert(to, slot);
        }
    }

    /// Takes the member out.
    #[inline]
    pub fn remove(self) -> Removed {
        let slot = self.element.element().slot();
        self.tree.remove(slot.key(), slot);
        Removed(self.element.remove())
    }
}

impl VacantBig<'_> {
    /// Adds the member, which has to be the one that was not found.
    #[inline]
    pub fn insert(self, member: &[u8], score: f64) {
        let element = Scored::new(score, member);
        self.tree.insert(ScoreKey::new(score), element.slot());
        self.table.insert(self.hash, element);
    }
}

/// Iterates over a range of ranks.
#[derive(Clone)]
pub struct Iter<'a> {
    set: &'a BigSortedSet,
    /// What is left of the leaf in front.
    front: &'a [Slot],
    /// What is left of the leaf at the back.
    back: &'a [Slot],
    /// What is left altogether.
    ranks: Range<usize>,
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a [u8], f64);

    #[inline]
    fn next(&mut self) -> Option<(&'a [u8], f64)> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.front.is_empty() {
            self.front = self.set.tree.run_from(self.ranks.start);
            self.front.iter().take(self.ranks.len().min(FETCHED_AHEAD)).for_each(|slot| slot.prefetch());
        }
        let (slot, rest) = self.front.split_first()?;
        if let Some(ahead) = rest.get(FETCHED_AHEAD - 1).filter(|_| self.ranks.len() > FETCHED_AHEAD) {
            ahead.prefetch();
        }
        self.front = rest;
        self.ranks.start += 1;
        Some((slot.member(), slot.score()))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.ranks.len(), Some(self.ranks.len()))
    }

    #[inline]
    fn nth(&mut self, skipped: usize) -> Option<(&'a [u8], f64)> {
        if skipped < self.front.len() {
            self.front = &self.front[skipped..];
        } else {
            self.front = &[];
        }
        self.ranks.start = self.ranks.start.saturating_add(skipped).min(self.ranks.end);
        self.next()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.ranks.is_empty() {
            return None;
        }
        if self.back.is_empty() {
            self.back = self.set.tree.run_up_to(self.ranks.end - 1);
            let ahead = self.ranks.len().min(FETCHED_AHEAD);
            self.back.iter().rev().take(ahead).for_each(|slot| slot.prefetch());
        }
        let (slot, rest) = self.back.split_last()?;
        if let Some(ahead) =
            rest.len().checked_sub(FETCHED_AHEAD).filter(|_| self.ranks.len() > FETCHED_AHEAD)
        {
            rest[ahead].prefetch();
        }
        self.back = rest;
        self.ranks.end -= 1;
        Some((slot.member(), slot.score()))
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl std::iter::FusedIterator for Iter<'_> {}

#[cfg(test)]
impl BigSortedSet {
    /// Checks everything that must hold of a large sorted set. Returns how many levels of branches the tree has.
    pub fn verify(&self) -> usize {
        self.table.verify();
        assert_eq!(self.tree.len(), self.table.len());
        for rank in 0..self.tree.len() {
            let slot = &self.tree.run_from(rank)[0];
            let element = self.table.find(self.hash_key().hash(slot.member()), slot.member());
            assert!(element.is_some_and(|element| element.slot().is_same(*slot)));
        }
        self.tree.verify()
    }
}
