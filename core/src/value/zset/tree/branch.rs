//! Branches: children in order, with the first member of each and how many members it has.
//!
//! Finding the child for a place compares scores that lie side by side, and looks at members only where scores
//! are equal.

use super::super::element::{ScoreKey, Slot};
use super::leaf::Leaf;
use super::leaf::prefetch_lines;
use super::place::{BeforeScore, Place};
use crate::keyspace::prefetch;

/// Children of a branch at most. A branch of leaves takes just below 4 KB. An interpreter gets to see deep trees of
/// few members.
pub const FANOUT: usize = if cfg!(miri) { 5 } else { 63 };

/// A branch with fewer is merged with a neighbour, if the two together have no more than `MERGED_LEN_MAX`.
const LEN_SMALL: usize = FANOUT.div_ceil(4);
const MERGED_LEN_MAX: usize = FANOUT * 3 / 4;

/// Ways down that are fetched at the same time: those of a batch of requests, each of which moves a member from one place to
/// another.
pub const FETCHED_TOGETHER: usize = 32;

/// Children in order.
///
/// Invariant: there is at least one; none is empty; keys, firsts and counts are those of the children.
pub struct Branch<C> {
    len: usize,
    /// Members below.
    total: u64,
    /// The score of each child's first member.
    keys: [ScoreKey; FANOUT],
    /// Each child's first member.
    firsts: [Option<Slot>; FANOUT],
    /// How many members each child has.
    counts: [u64; FANOUT],
    children: [Option<C>; FANOUT],
}

/// A branch, one level above the leaves or higher.
pub enum Node {
    /// A branch of leaves.
    Low(Box<Branch<Leaf>>),
    /// A branch of branches.
    High(Box<Branch<Node>>),
}

/// A leaf, and where in it.
#[derive(Clone, Copy)]
pub struct Spot<'a> {
    /// The leaf's members.
    pub slots: &'a [Slot],
    /// Which of them, or behind the last one.
    pub index: usize,
    /// How many members are before it in the tree.
    pub rank: usize,
}

/// A way from the root to a spot.
pub trait Way {
    /// The child to go on with, and how many members are in those before it.
    fn choose<C: Child>(&mut self, branch: &Branch<C>) -> usize;

    /// The index in the leaf.
    fn arrive(&mut self, leaf: &Leaf) -> usize;
}

/// The way to a place.
pub struct To<P>(pub P);

/// The way to the member that is right before a place.
pub struct Before<P>(pub P);

/// The way to the member of this rank.
pub struct ToRank(pub u64);

impl<P: Place> Way for To<P> {
    #[inline]
    fn choose<C: Child>(&mut self, branch: &Branch<C>) -> usize {
        branch.find(&self.0)
    }

    #[inline]
    fn arrive(&mut self, leaf: &Leaf) -> usize {
        leaf.find(&self.0)
    }
}

impl<P: Place> Way for Before<P> {
    #[inline]
    fn choose<C: Child>(&mut self, branch: &Branch<C>) -> usize {
        branch.find(&self.0)
    }

    #[inline]
    fn arrive(&mut self, leaf: &Leaf) -> usize {
        leaf.find(&self.0).checked_sub(1).expect("the member is in the tree")
    }
}

impl Way for ToRank {
    #[inline]
    fn choose<C: Child>(&mut self, branch: &Branch<C>) -> usize {
        let last = branch.len - 1;
        for (index, &count) in branch.counts[..last].iter().enumerate() {
            if self.0 < count {
                return index;
            }
            self.0 -= count;
        }
        last
    }

    #[inline]
    fn arrive(&mut self, leaf: &Leaf) -> usize {
        (self.0 as usize).min(leaf.len())
    }
}

/// What happened below a removal.
#[derive(Clone, Copy)]
pub struct Removed {
    /// How many members were removed.
    pub count: u64,
    /// Whether what was the first member is gone.
    pub is_first_gone: bool,
}

/// What is below a branch.
pub trait Child: Sized {
    /// The number of members.
    fn total(&self) -> u64;

    /// The first member, with its score.
    fn first(&self) -> (ScoreKey, Slot);

    /// Adds a member where it belongs. What did not fit is returned.
    fn insert(&mut self, key: ScoreKey, slot: Slot) -> Inserted<Self>;

    /// Removes up to `count` members from a spot on, as many as are in its leaf, and shows them.
    fn remove(&mut self, way: &mut impl Way, count: usize, removed: &mut dyn FnMut(Slot)) -> Removed;

    /// Moves the member before the place `from` to the place `to`, if both lead to the same leaf.
    fn reposition(&mut self, from: &impl Place, to: &impl Place, key: ScoreKey) -> Moved;

    /// Whether it should be merged with a neighbour.
    fn is_small(&self) -> bool;

    /// Whether the next one can be merged into this one.
    fn can_absorb(&self, next: &Self) -> bool;

    /// Takes over what the next one has.
    fn absorb(&mut self, next: Self);

    /// Begins to fetch what finding a place in it looks at: all at once takes as long as the first of it.
    fn prefetch(&self);

    /// Goes a way.
    fn go<'a>(&'a self, way: &mut impl Way, rank: u64) -> Spot<'a>;

    /// Bytes of memory besides its own size.
    fn memory_bytes(&self) -> usize;
}

/// What became of a move.
#[derive(Clone, Copy)]
pub enum Moved {
    /// Nothing: the places are in different leaves.
    Nowhere,
    /// The member was moved, and the first one is still the same with the same score.
    Within,
    /// The member was moved, and this is the first one now, with its score.
    First(ScoreKey, Slot),
}

/// What became of an insertion.
pub struct Inserted<C> {
    /// Whether the new member is the first one.
    pub is_first: bool,
    /// What did not fit, and comes next.
    pub next: Option<C>,
}

impl Child for Leaf {
    #[inline]
    fn total(&self) -> u64 {
        self.len() as u64
    }

    #[inline]
    fn first(&self) -> (ScoreKey, Slot) {
        Leaf::first(self)
    }

    #[inline]
    fn insert(&mut self, key: ScoreKey, slot: Slot) -> Inserted<Leaf> {
        let at = self.find(&super::place::BeforeMember(key, slot.member()));
        Inserted { is_first: at == 0, next: Leaf::insert(self, at, key, slot) }
    }

    #[inline]
    fn remove(&mut self, way: &mut impl Way, count: usize, removed: &mut dyn FnMut(Slot)) -> Removed {
        let at = way.arrive(self);
        let count = Leaf::remove(self, at, count, removed);
        Removed { count: count as u64, is_first_gone: at == 0 && count > 0 }
    }

    #[inline]
    fn reposition(&mut self, from: &impl Place, to: &impl Place, key: ScoreKey) -> Moved {
        let from = self.find(from).checked_sub(1).expect("the member is in the tree");
        let to = self.find(to);
        match self.move_within(from, to, key) {
            // Its own score is still the former one.
            0 => Moved::First(key, self.slots()[0]),
            _ if from == 0 => {
                let (key, slot) = Leaf::first(self);
                Moved::First(key, slot)
            }
            _ => Moved::Within,
        }
    }

    #[inline]
    fn is_small(&self) -> bool {
        Leaf::is_small(self)
    }

    #[inline]
    fn can_absorb(&self, next: &Leaf) -> bool {
        Leaf::can_absorb(self, next)
    }

    fn absorb(&mut self, next: Leaf) {
        Leaf::absorb(self, &next);
    }

    #[inline]
    fn prefetch(&self) {
        Leaf::prefetch(self);
    }

    #[inline]
    fn go<'a>(&'a self, way: &mut impl Way, rank: u64) -> Spot<'a> {
        let index = way.arrive(self);
        Spot { slots: self.slots(), index, rank: rank as usize + index }
    }

    fn memory_bytes(&self) -> usize {
        Leaf::memory_bytes(self)
    }
}

impl Child for Node {
    #[inline]
    fn total(&self) -> u64 {
        match self {
            Node::Low(branch) => branch.total,
            Node::High(branch) => branch.total,
        }
    }

    #[inline]
    fn first(&self) -> (ScoreKey, Slot) {
        match self {
            Node::Low(branch) => branch.first(),
            Node::High(branch) => branch.first(),
        }
    }

    #[inline]
    fn insert(&mut self, key: ScoreKey, slot: Slot) -> Inserted<Node> {
        match self {
            Node::Low(branch) => branch.insert(key, slot).map(Node::Low),
            Node::High(branch) => branch.insert(key, slot).map(Node::High),
        }
    }

    #[inline]
    fn remove(&mut self, way: &mut impl Way, count: usize, removed: &mut dyn FnMut(Slot)) -> Removed {
        match self {
            Node::Low(branch) => branch.remove(way, count, removed),
            Node::High(branch) => branch.remove(way, count, removed),
        }
    }

    #[inline]
    fn reposition(&mut self, from: &impl Place, to: &impl Place, key: ScoreKey) -> Moved {
        match self {
            Node::Low(branch) => branch.reposition(from, to, key),
            Node::High(branch) => branch.reposition(from, to, key),
        }
    }

    #[inline]
    fn is_small(&self) -> bool {
        self.len() < LEN_SMALL
    }

    #[inline]
    fn can_absorb(&self, next: &Node) -> bool {
        self.len() + next.len() <= MERGED_LEN_MAX
    }

    fn absorb(&mut self, next: Node) {
        match (self, next) {
            (Node::Low(branch), Node::Low(next)) => branch.absorb(*next),
            (Node::High(branch), Node::High(next)) => branch.absorb(*next),
            _ => unreachable!("neighbours are on the same level"),
        }
    }

    #[inline]
    fn prefetch(&self) {
        match self {
            Node::Low(branch) => prefetch_lines(&branch.keys[..]),
            Node::High(branch) => prefetch_lines(&branch.keys[..]),
        }
    }

    #[inline]
    fn go<'a>(&'a self, way: &mut impl Way, rank: u64) -> Spot<'a> {
        match self {
            Node::Low(branch) => branch.go(way, rank),
            Node::High(branch) => branch.go(way, rank),
        }
    }

    fn memory_bytes(&self) -> usize {
        match self {
            Node::Low(branch) => branch.memory_bytes(),
            Node::High(branch) => branch.memory_bytes(),
        }
    }
}

impl Node {
    /// A branch above two children.
    pub fn above(left: Node, right: Node) -> Node {
        let mut branch = Box::new(Branch::new(left));
        branch.add(1, right);
        Node::High(branch)
    }

    /// A branch above a leaf.
    pub fn above_leaf(leaf: Leaf) -> Node {
        Node::Low(Box::new(Branch::new(leaf)))
    }

    /// The number of children.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Node::Low(branch) => branch.len,
            Node::High(branch) => branch.len,
        }
    }

    /// Begins to fetch what finding these scores will look at, [`FETCHED_TOGETHER`] of them at most. They go down together,
    /// a level at a time, so that the memory which one waits for comes while the others wait for theirs.
    pub fn prefetch_ways(&self, keys: &[ScoreKey]) {
        let mut nodes = [self; FETCHED_TOGETHER];
        let mut leaves = [None; FETCHED_TOGETHER];
        // All leaves are on the same level.
        while let Node::High(_) = nodes[0] {
            for (node, &key) in nodes.iter_mut().zip(keys) {
                if let Node::High(branch) = node {
                    *node = branch.child(branch.find(&BeforeScore(key)));
                    node.prefetch();
                }
            }
        }
        for ((node, leaf), &key) in nodes.iter().zip(&mut leaves).zip(keys) {
            if let Node::Low(branch) = node {
                let at = branch.find(&BeforeScore(key));
                prefetch(&raw const branch.counts[at]);
                // Where it lies is known; what lies there comes only now.
                let place = &branch.children[at];
                prefetch(place);
                *leaf = Some(place);
            }
        }
        let leaves = || leaves.iter().zip(keys).filter_map(|(leaf, &key)| Some(((*leaf)?.as_ref()?, key)));
        leaves().for_each(|(leaf, _)| leaf.prefetch());
        leaves().for_each(|(leaf, key)| leaf.prefetch_ties(key));
    }

    /// The only child of a branch above branches, which takes its place.
    pub fn into_only_child(self) -> Node {
        match self {
            Node::High(mut branch) if branch.len == 1 => branch.children[0].take().expect("it has one"),
            node => node,
        }
    }
}

impl<B> Inserted<B> {
    #[inline]
    fn map<C>(self, f: impl FnOnce(B) -> C) -> Inserted<C> {
        Inserted { is_first: self.is_first, next: self.next.map(f) }
    }
}

impl<C: Child> Branch<C> {
    fn new(child: C) -> Branch<C> {
        let mut branch = Branch::empty();
        branch.add(0, child);
        branch
    }

    fn empty() -> Branch<C> {
        Branch {
            len: 0,
            total: 0,
            keys: [ScoreKey(0); FANOUT],
            firsts: [None; FANOUT],
            counts: [0; FANOUT],
            children: [const { None }; FANOUT],
        }
    }

    /// The children.
    pub fn into_children(self) -> impl Iterator<Item = C> {
        self.children.into_iter().flatten()
    }

    /// The child to look in for a place: the last one whose first member is before it.
    #[inline]
    fn find(&self, place: &impl Place) -> usize {
        let firsts = &self.firsts[..self.len];
        let is_after = |first: &Option<Slot>| first.as_ref().is_some_and(|slot| place.is_after(slot));
        let before = match place.key() {
            None => firsts.partition_point(is_after),
            Some(key) => {
                let keys = &self.keys[..self.len];
                let low = keys.partition_point(|&it| it < key);
                if keys.get(low).is_none_or(|&it| it != key) {
                    low
                } else {
                    let ties = keys[low..].partition_point(|&it| it == key);
                    low + firsts[low..low + ties].partition_point(is_after)
                }
            }
        };
        before.saturating_sub(1)
    }

    #[inline]
    fn first(&self) -> (ScoreKey, Slot) {
        (self.keys[0], self.firsts[0].expect("it has a child"))
    }

    #[inline]
    fn child(&self, at: usize) -> &C {
        self.children[at].as_ref().expect("there are so many children")
    }

    #[inline]
    fn child_mut(&mut self, at: usize) -> &mut C {
        self.children[at].as_mut().expect("there are so many children")
    }

    fn insert(&mut self, key: ScoreKey, slot: Slot) -> Inserted<Box<Branch<C>>> {
        let at = self.find(&super::place::BeforeMember(key, slot.member()));
        self.child(at).prefetch();
        let Inserted { is_first, next } = self.child_mut(at).insert(key, slot);
        self.total += 1;
        if is_first {
            self.set_first(at, (key, slot));
        }
        let is_first = is_first && at == 0;
        let Some(next) = next else {
            self.counts[at] += 1;
            return Inserted { is_first, next: None };
        };
        let moved = next.total();
        self.counts[at] = self.counts[at] + 1 - moved;
        self.total -= moved;
        if self.len < FANOUT {
            self.add(at + 1, next);
            return Inserted { is_first, next: None };
        }
        sometimes!(Mark::BranchSplit);
        // Children that come in order leave full branches behind.
        let kept = match at {
            _ if at == FANOUT - 1 => FANOUT,
            0 => 1,
            _ => FANOUT / 2,
        };
        let mut right = self.split_off(kept);
        if at < kept && kept < FANOUT {
            self.add(at + 1, next);
        } else {
            right.add(at + 1 - kept, next);
        }
        Inserted { is_first, next: Some(right) }
    }

    fn remove(&mut self, way: &mut impl Way, count: usize, removed: &mut dyn FnMut(Slot)) -> Removed {
        let at = way.choose(self);
        self.child(at).prefetch();
        let below = self.child_mut(at).remove(way, count, removed);
        self.counts[at] -= below.count;
        self.total -= below.count;
        if self.counts[at] == 0 {
            drop(self.take(at));
        } else {
            if below.is_first_gone {
                let first = self.child(at).first();
                self.set_first(at, first);
            }
            if self.child(at).is_small() {
                self.merge_around(at);
            }
        }
        Removed { count: below.count, is_first_gone: below.is_first_gone && at == 0 }
    }

    fn reposition(&mut self, from: &impl Place, to: &impl Place, key: ScoreKey) -> Moved {
        let at = self.find(from);
        if self.find(to) != at {
            return Moved::Nowhere;
        }
        self.child(at).prefetch();
        let moved = self.child_mut(at).reposition(from, to, key);
        if let Moved::First(key, slot) = moved {
            self.set_first(at, (key, slot));
        }
        if matches!(moved, Moved::First(..)) && at > 0 { Moved::Within } else { moved }
    }

    #[inline]
    fn go<'a>(&'a self, way: &mut impl Way, rank: u64) -> Spot<'a> {
        let at = way.choose(self);
        self.child(at).prefetch();
        let before: u64 = self.counts[..at].iter().sum();
        self.child(at).go(way, rank + before)
    }

    fn memory_bytes(&self) -> usize {
        let children = self.children[..self.len].iter().flatten();
        size_of::<Self>() + children.map(Child::memory_bytes).sum::<usize>()
    }

    #[inline]
    fn set_first(&mut self, at: usize, (key, slot): (ScoreKey, Slot)) {
        self.keys[at] = key;
        self.firsts[at] = Some(slot);
    }

    /// Adds a child at an index; there has to be room.
    fn add(&mut self, at: usize, child: C) {
        let end = self.len;
        self.keys.copy_within(at..end, at + 1);
        self.firsts.copy_within(at..end, at + 1);
        self.counts.copy_within(at..end, at + 1);
        self.children[at..=end].rotate_right(1);
        self.len += 1;
        self.total += child.total();
        self.counts[at] = child.total();
        self.set_first(at, child.first());
        self.children[at] = Some(child);
    }

    /// Takes a child out.
    fn take(&mut self, at: usize) -> C {
        let end = self.len;
        let child = self.children[at].take().expect("there are so many children");
        self.total -= self.counts[at];
        self.keys.copy_within(at + 1..end, at);
        self.firsts.copy_within(at + 1..end, at);
        self.counts.copy_within(at + 1..end, at);
        self.children[at..end].rotate_left(1);
        self.len -= 1;
        child
    }

    /// Merges a child with one of its neighbours, if the two are small enough together.
    #[cold]
    fn merge_around(&mut self, at: usize) {
        let can_merge =
            |left: usize| left + 1 < self.len && self.child(left).can_absorb(self.child(left + 1));
        let Some(left) = [at.checked_sub(1), Some(at)].into_iter().flatten().find(|&left| can_merge(left))
        else {
            return;
        };
        let next = self.take(left + 1);
        let moved = next.total();
        self.child_mut(left).absorb(next);
        self.counts[left] += moved;
        self.total += moved;
    }

    /// Moves the children from an index on to a branch of their own.
    fn split_off(&mut self, at: usize) -> Box<Branch<C>> {
        let mut right = Box::new(Branch::empty());
        self.move_tail(at, &mut right);
        right
    }

    /// Takes over the children of the next branch.
    fn absorb(&mut self, mut next: Branch<C>) {
        next.move_tail(0, self);
    }

    /// Moves the children from an index on behind those of another branch.
    fn move_tail(&mut self, from: usize, target: &mut Branch<C>) {
        for at in from..self.len {
            let to = target.len;
            target.keys[to] = self.keys[at];
            target.firsts[to] = self.firsts[at];
            target.counts[to] = self.counts[at];
            target.children[to] = self.children[at].take();
            target.len += 1;
            target.total += self.counts[at];
            self.total -= self.counts[at];
        }
        self.len = from;
    }
}

#[cfg(test)]
impl Node {
    /// Checks everything that must hold below a node. Returns how many levels of branches there are.
    pub fn verify(&self) -> usize {
        match self {
            Node::Low(branch) => {
                branch.verify();
                branch.children.iter().flatten().for_each(Leaf::verify);
                1
            }
            Node::High(branch) => {
                branch.verify();
                let mut levels: Vec<_> = branch.children.iter().flatten().map(Node::verify).collect();
                levels.dedup();
                assert_eq!(levels.len(), 1, "all leaves are on the same level");
                levels[0] + 1
            }
        }
    }
}

#[cfg(test)]
impl<C: Child> Branch<C> {
    fn verify(&self) {
        assert!((1..=FANOUT).contains(&self.len));
        assert_eq!(self.children.iter().flatten().count(), self.len);
        assert_eq!(self.total, self.counts[..self.len].iter().sum::<u64>());
        for at in 0..self.len {
            let child = self.child(at);
            assert!(child.total() > 0);
            assert_eq!(self.counts[at], child.total());
            let (key, slot) = child.first();
            assert!(self.keys[at] == key && slot.key() == key);
            assert!(self.firsts[at].is_some_and(|first| first.is_same(slot)));
        }
    }
}
