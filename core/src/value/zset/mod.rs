//! Sorted sets: a listpack while they are small, a hash table and a tree when they are larger.
//!
//! ```text
//! SortedSet ─┬─ Listpack      member, score, member, score …      `listpack`
//!            └─ Big ─┬─ Table     finds members, owns them        `skiplist`
//!                    └─ Tree      points to them, in order
//! ```
//!
//! Order is by score, then by the bytes of the member. Both zeros are equal; NaN is never a score.
//!
//! A range of any kind is a range of *ranks*: the set says which ranks scores or members bound, and iterates over
//! ranks, counts them and removes them. Finding a rank is one way down the tree.
//!
//! A sorted set turns into the large form exactly when Redis' does, and back only where a command asks for it. A
//! [`MemberEntry`] is a member that was looked for: what a command does with it needs no second search.
//!
//! *Freeing:* a large set comes back as [`Remains`], which are freed in slices. *Snapshots:* the table is
//! frozen and saved piece by piece, as the tables of databases are; the tree has nothing that the table has not.

mod big;
mod element;
mod entry;
mod range;
mod small;
#[cfg(test)]
mod tests;
mod tree;

pub use entry::{MemberEntry, OccupiedMember, VacantMember};
pub use range::LexBound;

pub(crate) use self::element::Scored;

use self::big::BigSortedSet;
use self::tree::Ruins;
use super::listpack::{BYTES_LEN_MAX, Listpack};
use super::{Lookup, StringRef};
use crate::keyspace::{HashKey, Remnants, Table, TableStats};
use itoa::Buffer;
use std::fmt;
use std::ops::{Bound, Range};

/// What the configuration says about sorted sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortedSetLimits {
    /// `zset-max-listpack-entries`: a listpack has at most so many members.
    pub listpack_entries_max: usize,
    /// `zset-max-listpack-value`: members of a listpack have at most so many bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for SortedSetLimits {
    /// Those of Redis.
    fn default() -> SortedSetLimits {
        SortedSetLimits { listpack_entries_max: 128, listpack_value_bytes_max: 64 }
    }
}

/// What `OBJECT ENCODING` calls a sorted set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortedSetEncoding {
    /// One listpack.
    Listpack,
    /// A table and a tree.
    Skiplist,
}

impl SortedSetEncoding {
    /// Redis' name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SortedSetEncoding::Listpack => "listpack",
            SortedSetEncoding::Skiplist => "skiplist",
        }
    }
}

/// Distinct strings, ordered by score.
pub struct SortedSet(Repr);

enum Repr {
    Listpack(Listpack),
    Big(Box<BigSortedSet>),
}

impl Repr {
    #[inline]
    fn len(&self) -> usize {
        match self {
            Repr::Listpack(listpack) => listpack.len() / 2,
            Repr::Big(big) => big.len(),
        }
    }
}

impl SortedSet {
    /// An empty sorted set.
    #[must_use]
    pub fn new() -> SortedSet {
        SortedSet(Repr::Listpack(Listpack::new()))
    }

    /// A sorted set of these members and scores, in the encoding that suits their number: what loading a dump makes
    /// of a listpack. Members are distinct, and in order.
    ///
    /// # Panics
    ///
    /// If a member has no score.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: &SortedSetLimits, hash_key: HashKey) -> SortedSet {
        assert!(listpack.len().is_multiple_of(2), "a sorted set has as many scores as members");
        let mut set = SortedSet(Repr::Listpack(listpack));
        set.grow_for(set.len(), 0, limits, hash_key);
        set
    }

    /// A sorted set of these members and scores, which are distinct and in order, in the smallest encoding that the
    /// limits allow: what results of commands are.
    #[must_use]
    pub fn from_ordered(
        members: &[(StringRef<'_>, f64)],
        limits: &SortedSetLimits,
        hash_key: HashKey,
    ) -> SortedSet {
        if members.len() <= limits.listpack_entries_max {
            let lengths = members.iter().map(|(member, _)| member.len());
            let (longest, total) = lengths
                .fold((0, 0_usize), |(longest, total), len| (longest.max(len), total.saturating_add(len)));
            if longest <= limits.listpack_value_bytes_max && total <= BYTES_LEN_MAX {
                let mut listpack = Listpack::new();
                members.iter().for_each(|&(member, score)| small::append(&mut listpack, member, score));
                return SortedSet(Repr::Listpack(listpack));
            }
        }
        let mut big = BigSortedSet::new(hash_key);
        let mut digits = Buffer::new();
        for &(member, score) in members {
            let member = member.bytes(&mut digits);
            big.add(hash_key.hash(member), member, score);
        }
        SortedSet(Repr::Big(Box::new(big)))
    }

    /// The listpack, if it is one.
    #[must_use]
    pub fn as_listpack(&self) -> Option<&Listpack> {
        if let Repr::Listpack(listpack) = &self.0 { Some(listpack) } else { None }
    }

    /// The table of a large one: what a snapshot freezes. Its elements must stay what they are.
    pub(crate) fn table_mut(&mut self) -> Option<&mut Table<Scored>> {
        if let Repr::Big(big) = &mut self.0 { Some(big.table_mut()) } else { None }
    }

    /// Figures on the table of a large one.
    #[must_use]
    pub fn table_stats(&self) -> Option<TableStats> {
        if let Repr::Big(big) = &self.0 { Some(big.table_stats()) } else { None }
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding(&self) -> SortedSetEncoding {
        match &self.0 {
            Repr::Listpack(_) => SortedSetEncoding::Listpack,
            Repr::Big(_) => SortedSetEncoding::Skiplist,
        }
    }

    /// The number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory besides this handle. In a large set, `samples` members stand for all; 0 looks at all of
    /// them.
    #[must_use]
    pub fn memory_bytes(&self, samples: usize) -> usize {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.memory_bytes(),
            Repr::Big(big) => big.memory_bytes(samples),
        }
    }

    /// The score of a member.
    #[must_use]
    #[inline]
    pub fn score<'a>(&self, member: impl Into<Lookup<'a>>) -> Option<f64> {
        let member = member.into();
        match &self.0 {
            Repr::Listpack(listpack) => {
                small::find(listpack, member.string()).map(|at| small::score_of(listpack, at))
            }
            Repr::Big(big) => big.score(member.hash(big.hash_key()), member.bytes(&mut Buffer::new())),
        }
    }

    /// The rank of a member, counted from the lowest score, and its score.
    #[must_use]
    pub fn rank<'a>(&self, member: impl Into<Lookup<'a>>) -> Option<(usize, f64)> {
        let member = member.into();
        match &self.0 {
            Repr::Listpack(listpack) => small::find(listpack, member.string())
                .map(|at| (small::rank_of(listpack, at), small::score_of(listpack, at))),
            Repr::Big(big) => big.rank(member.hash(big.hash_key()), member.bytes(&mut Buffer::new())),
        }
    }

    /// Begins to fetch what looking for these members will look at.
    pub fn prefetch(&self, members: &mut [Lookup<'_>]) {
        if let Repr::Big(big) = &self.0 {
            big.prefetch(members.iter_mut().map(|member| member.prepare(big.hash_key())));
        }
    }

    /// Begins to fetch the places of these scores in the order: where members have them, or are about to get them.
    #[inline]
    pub fn prefetch_scores(&self, scores: &[f64]) {
        if let Repr::Big(big) = &self.0 {
            big.prefetch_scores(scores);
        }
    }

    /// Takes the large form if `count` members to be added, the longest of which has so many bytes, call for it: what
    /// Redis does before it adds several, or makes a new set for them.
    pub fn grow_for(
        &mut self,
        count: usize,
        member_bytes_max: usize,
        limits: &SortedSetLimits,
        hash_key: HashKey,
    ) {
        let is_large =
            count > limits.listpack_entries_max || member_bytes_max > limits.listpack_value_bytes_max;
        if is_large && self.as_listpack().is_some() {
            self.turn_into_big(hash_key);
        }
    }

    /// Looks for a member, to change it or to add it.
    #[inline]
    pub fn entry<'a, 'm>(&'a mut self, member: impl Into<Lookup<'m>>) -> MemberEntry<'a, 'm> {
        MemberEntry::find(self, member.into())
    }

    /// Gives a member a score. Whether it was not there before.
    #[inline]
    pub fn set<'a>(
        &mut self,
        member: impl Into<Lookup<'a>>,
        score: f64,
        limits: &SortedSetLimits,
        hash_key: HashKey,
    ) -> bool {
        match self.entry(member) {
            MemberEntry::Occupied(occupied) => {
                occupied.set_score(score);
                false
            }
            MemberEntry::Vacant(vacant) => {
                vacant.insert(score, limits, hash_key);
                true
            }
        }
    }

    /// Removes a member. Whether it was there.
    #[inline]
    pub fn remove<'a>(&mut self, member: impl Into<Lookup<'a>>) -> bool {
        match self.entry(member) {
            MemberEntry::Occupied(occupied) => {
                occupied.remove();
                true
            }
            MemberEntry::Vacant(_) => false,
        }
    }

    /// The ranks of the members with scores between these. There may be none; scores are not NaN.
    #[must_use]
    pub fn ranks_of_scores(&self, min: Bound<f64>, max: Bound<f64>) -> Range<usize> {
        range::ranks_of_scores(&self.0, min, max)
    }

    /// The ranks of the members between these, provided that all have the same score. If they have not, the ranks
    /// are some, as with Redis.
    #[must_use]
    pub fn ranks_of_members(&self, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
        range::ranks_of_members(&self.0, min, max)
    }

    /// The members with these ranks, as far as there are such, in order from either end.
    #[must_use]
    pub fn iter(&self, ranks: Range<usize>) -> Iter<'_> {
        Iter(match &self.0 {
            Repr::Listpack(listpack) => {
                let end = ranks.end.min(self.len());
                let start = ranks.start.min(end);
                let mut pairs = small::iter(listpack);
                pairs.cut(start, self.len() - end);
                Members::Listpack(pairs)
            }
            Repr::Big(big) => Members::Big(big.iter(ranks)),
        })
    }

    /// A member chosen by chance, all with the same probability, and its score.
    #[must_use]
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<(StringRef<'_>, f64)> {
        let rank = ((u128::from(random()) * self.len() as u128) >> 64) as usize;
        self.iter(rank..rank + 1).next()
    }

    /// Shows the members at a cursor, and returns the cursor to go on with, or 0 at the end. Members that are there
    /// from the first call to the last are shown at least once, whatever happens meanwhile; small sets show all
    /// at once.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(StringRef<'_>, f64)) -> u64 {
        match &self.0 {
            Repr::Big(big) => big.scan(cursor, &mut |member, score| visit(StringRef::Bytes(member), score)),
            Repr::Listpack(listpack) => {
                small::iter(listpack).for_each(|(member, score)| visit(member, score));
                0
            }
        }
    }

    /// Removes the first member, the one with the lowest score, and shows it.
    #[inline]
    pub fn pop_first<R>(&mut self, show: impl FnOnce(StringRef<'_>, f64) -> R) -> Option<R> {
        self.pop(false, show)
    }

    /// Removes the last member, the one with the highest score, and shows it.
    #[inline]
    pub fn pop_last<R>(&mut self, show: impl FnOnce(StringRef<'_>, f64) -> R) -> Option<R> {
        self.pop(true, show)
    }

    /// Removes the members with these ranks, as far as there are such, and shows them in order.
    pub fn remove_ranks(&mut self, ranks: Range<usize>, removed: &mut dyn FnMut(StringRef<'_>, f64)) {
        match &mut self.0 {
            Repr::Big(big) => {
                big.remove_ranks(ranks, &mut |member, score| removed(StringRef::Bytes(member), score));
            }
            Repr::Listpack(_) => {
                self.iter(ranks.clone()).for_each(|(member, score)| removed(member, score));
                if let Repr::Listpack(listpack) = &mut self.0 {
                    let count = ranks.end.min(listpack.len() / 2).saturating_sub(ranks.start);
                    listpack.remove_range(2 * ranks.start.min(listpack.len() / 2), 2 * count);
                }
            }
        }
    }

    /// Turns into a listpack if the set is within the limits, as results of commands do in the end.
    pub fn turn_into_listpack(&mut self, limits: &SortedSetLimits) {
        let Repr::Big(big) = &self.0 else { return };
        if big.len() > limits.listpack_entries_max {
            return;
        }
        let lengths = big.iter(0..big.len()).map(|(member, _)| member.len());
        let (longest, total) =
            lengths.fold((0, 0_usize), |(longest, total), len| (longest.max(len), total.saturating_add(len)));
        if longest <= limits.listpack_value_bytes_max && total <= BYTES_LEN_MAX {
            let mut listpack = Listpack::new();
            for (member, score) in big.iter(0..big.len()) {
                small::append(&mut listpack, StringRef::Bytes(member), score);
            }
            self.0 = Repr::Listpack(listpack);
        }
    }

    /// Leaves the listpack, however small the set is.
    pub fn enlarge(&mut self, hash_key: HashKey) {
        if self.as_listpack().is_some() {
            self.turn_into_big(hash_key);
        }
    }

    /// What is to be freed, in slices if there is much.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        Remains(match self.0 {
            Repr::Big(big) => Some(big.into_remains()),
            Repr::Listpack(_) => None,
        })
    }

    #[inline]
    fn pop<R>(&mut self, is_last: bool, show: impl FnOnce(StringRef<'_>, f64) -> R) -> Option<R> {
        match &mut self.0 {
            Repr::Big(big) => {
                let popped = big.pop(is_last)?;
                Some(show(StringRef::Bytes(popped.member()), popped.score()))
            }
            Repr::Listpack(listpack) => {
                let mut pairs = small::iter(listpack);
                let (member, score) = if is_last { pairs.next_back() } else { pairs.next() }?;
                let result = show(member, score);
                let index = if is_last { listpack.len() - 2 } else { 0 };
                listpack.remove_range(index, 2);
                Some(result)
            }
        }
    }

    #[cold]
    fn turn_into_big(&mut self, hash_key: HashKey) {
        sometimes!(Mark::SortedSetLeftListpack, !self.is_empty());
        let mut big = BigSortedSet::new(hash_key);
        let mut digits = Buffer::new();
        for (member, score) in self.iter(0..self.len()) {
            let member = member.bytes(&mut digits);
            big.add(hash_key.hash(member), member, score);
        }
        self.0 = Repr::Big(Box::new(big));
    }
}

/// Iterates over members and their scores.
#[derive(Clone)]
pub struct Iter<'a>(Members<'a>);

#[derive(Clone)]
enum Members<'a> {
    Listpack(small::Pairs<'a>),
    Big(big::Iter<'a>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (StringRef<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Members::Listpack(pairs) => pairs.next(),
            Members::Big(members) => members.next().map(|(member, score)| (StringRef::Bytes(member), score)),
        }
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        match &self.0 {
            Members::Listpack(pairs) => pairs.size_hint(),
            Members::Big(members) => members.size_hint(),
        }
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        match &mut self.0 {
            Members::Listpack(pairs) => pairs.next_back(),
            Members::Big(members) => {
                members.next_back().map(|(member, score)| (StringRef::Bytes(member), score))
            }
        }
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl Default for SortedSet {
    fn default() -> SortedSet {
        SortedSet::new()
    }
}

impl Clone for SortedSet {
    fn clone(&self) -> SortedSet {
        SortedSet(match &self.0 {
            Repr::Listpack(listpack) => Repr::Listpack(listpack.clone()),
            Repr::Big(big) => {
                let mut copy = BigSortedSet::new(big.hash_key());
                for (member, score) in big.iter(0..big.len()) {
                    copy.add(big.hash_key().hash(member), member, score);
                }
                Repr::Big(Box::new(copy))
            }
        })
    }
}

impl fmt::Debug for SortedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter(0..self.len())).finish()
    }
}

/// A sorted set that waits to be freed. Dropping it frees it all.
pub struct Remains(Option<(Remnants<Scored>, Ruins)>);

/// How many members freeing a branch of the tree counts for.
const BRANCH_COST: usize = 64;

impl Remains {
    /// Frees up to so many members, or parts of the tree that take as long. Whether any are left.
    pub fn free(&mut self, members_max: usize) -> bool {
        let Some((members, nodes)) = &mut self.0 else { return false };
        let mut left = members_max;
        while left > 0 && nodes.free_one() {
            left = left.saturating_sub(BRANCH_COST);
        }
        if members.free_slice(left) && nodes.is_empty() {
            self.0 = None;
        }
        self.0.is_some()
    }

    /// The number of members left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |(members, _)| members.len())
    }

    /// Whether nothing is left that is worth waiting for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains").field("len", &self.len()).finish()
    }
}
