//! A B+tree of members in the order of a sorted set, which counts what is below each branch.
//!
//! ```text
//! branch   first score, first member, count │ … up to 63          side by side each
//!             │
//! branch   …
//!             │
//! leaf     frame; pointer and tag of a member │ … up to 64        512 bytes
//! ```
//!
//! The way down compares scores in branches and tags in leaves (see `leaf.rs`), and looks at a member only where
//! these are equal. Ranks are sums of counts on the way. Nodes point neither up nor sideways: walking goes down
//! again for each leaf, by rank, which is little beside the members of a leaf.
//!
//! Leaves grow in the allocator's sizes, so that they are well filled at any number of members; members that come
//! in order leave full leaves behind.

mod branch;
mod leaf;
mod place;

pub use branch::FETCHED_TOGETHER;
pub use place::{After, AfterScore, BeforeMember, BeforeScore, InLexOrder, Place};

use self::branch::{Before, Child, Inserted, Moved, Node, To, ToRank};
use self::leaf::Leaf;
use super::element::{ScoreKey, Slot};

/// Members in order. It points to them; somebody else owns them.
#[derive(Default)]
pub struct Tree {
    root: Option<Node>,
}

impl Tree {
    /// The number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.root.as_ref().map_or(0, |root| root.total() as usize)
    }

    /// Bytes of memory, without those of members.
    pub fn memory_bytes(&self) -> usize {
        self.root.as_ref().map_or(0, Child::memory_bytes)
    }

    /// How many members are before a place.
    #[inline]
    pub fn rank(&self, place: impl Place) -> usize {
        self.root.as_ref().map_or(0, |root| root.go(&mut To(place), 0).rank)
    }

    /// The members from this rank on that are in the same leaf; at least one, if there are so many.
    #[inline]
    pub fn run_from(&self, rank: usize) -> &[Slot] {
        let Some(root) = self.root.as_ref().filter(|_| rank < self.len()) else { return &[] };
        let spot = root.go(&mut ToRank(rank as u64), 0);
        &spot.slots[spot.index..]
    }

    /// The members up to this rank, itself included, that are in the same leaf; at least one, if there are so
    /// many.
    #[inline]
    pub fn run_up_to(&self, rank: usize) -> &[Slot] {
        let Some(root) = self.root.as_ref().filter(|_| rank < self.len()) else { return &[] };
        let spot = root.go(&mut ToRank(rank as u64), 0);
        &spot.slots[..=spot.index]
    }

    /// Begins to fetch the ways to these scores, [`FETCHED_TOGETHER`] of them at most.
    #[inline]
    pub fn prefetch(&self, keys: &[ScoreKey]) {
        if let Some(root) = self.root.as_ref().filter(|_| !keys.is_empty()) {
            root.prefetch_ways(keys);
        }
    }

    /// Adds a member, which is not there.
    #[inline]
    pub fn insert(&mut self, key: ScoreKey, slot: Slot) {
        let Some(root) = &mut self.root else {
            self.root = Some(Node::above_leaf(Leaf::new(key, slot)));
            return;
        };
        let Inserted { next, .. } = root.insert(key, slot);
        if let Some(next) = next {
            self.root = self.root.take().map(|root| Node::above(root, next));
        }
    }

    /// Removes a member that has this score.
    #[inline]
    pub fn remove(&mut self, key: ScoreKey, slot: Slot) {
        if let Some(root) = &mut self.root {
            let mut is_it = false;
            root.remove(&mut Before(After(key, slot)), 1, &mut |removed| is_it = removed.is_same(slot));
            assert!(is_it, "the member is where its score says");
            self.lower();
        }
    }

    /// Removes up to `count` members from this rank on, as many as are in the same leaf, and shows them. Returns
    /// how many there were.
    #[inline]
    pub fn remove_run(&mut self, rank: usize, count: usize, removed: &mut dyn FnMut(Slot)) -> usize {
        let Some(root) = &mut self.root else { return 0 };
        let removed = root.remove(&mut ToRank(rank as u64), count, removed);
        self.lower();
        removed.count as usize
    }

    /// Moves a member with score `from` to where one with score `to` belongs, if that is in the same leaf. If it
    /// is not, nothing happens. The member itself has to have the former score still.
    #[inline]
    #[must_use]
    pub fn reposition(&mut self, from: ScoreKey, to: ScoreKey, slot: Slot) -> bool {
        let Some(root) = &mut self.root else { return false };
        let moved = root.reposition(&After(from, slot), &BeforeMember(to, slot.member()), to);
        !matches!(moved, Moved::Nowhere)
    }

    /// Takes everything out.
    pub fn take(&mut self) -> Ruins {
        Ruins { nodes: self.root.take().into_iter().collect() }
    }

    fn lower(&mut self) {
        match self.root.take() {
            Some(root) if root.total() == 0 => {}
            Some(root) => self.root = Some(root.into_only_child()),
            None => {}
        }
    }
}

/// The nodes of a former tree, to be freed.
#[derive(Default)]
pub struct Ruins {
    nodes: Vec<Node>,
}

impl Ruins {
    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Frees a node and its leaves. Returns whether there was one.
    pub fn free_one(&mut self) -> bool {
        match self.nodes.pop() {
            Some(Node::High(branch)) => self.nodes.extend(branch.into_children()),
            Some(Node::Low(_)) => {}
            None => return false,
        }
        true
    }
}

#[cfg(test)]
impl Tree {
    /// Checks everything that must hold of a tree. Returns how many levels of branches there are.
    pub fn verify(&self) -> usize {
        self.root.as_ref().map_or(0, Node::verify)
    }
}
