//! Leaves: pointers to members, in order, each with 16 bits of its score.
//!
//! A leaf's *frame* maps scores to tags: a score's number less a base, shifted. It suits the scores of the leaf,
//! so that their tags differ almost always if the scores do. Finding a place compares tags, which lie in the
//! leaf, and looks at members only where tags are equal. A frame is exact about order and never wrong, only more or
//! less telling: scores beyond its ends have the first or the last tag. When many tags have become equal, the
//! leaf gets another frame.

use super::super::element::{ScoreKey, Slot};
use super::place::Place;
use crate::keyspace::prefetch;
use crate::value::size_class::{is_wasteful, size_class};

/// Members of a leaf at most: 512 bytes of pointers. An interpreter gets to see deep trees of few members.
pub const LEN_MAX: usize = if cfg!(miri) { 8 } else { 64 };

/// A leaf with fewer is merged with a neighbour, if the two together are no longer than `MERGED_LEN_MAX`.
const LEN_SMALL: usize = LEN_MAX / 4;
const MERGED_LEN_MAX: usize = LEN_MAX * 3 / 4;

/// A new frame maps what is in the leaf to so many bits' worth of tags, in the middle.
const FRAME_BITS: u32 = 15;

/// A new frame is worth its cost if it tells apart scores that are closer by so many bits.
const FRAME_BITS_GAINED_MIN: u32 = 2;

/// One tag in so many may equal the one before it.
const EQUAL_TAGS_SHARE: usize = 4;

/// Members with equal tags that are fetched ahead; where there are many, only a few of them are looked at.
const TIES_FETCHED_MAX: usize = 4;

const CACHE_LINE_BYTES: usize = 64;

/// Members in order.
pub struct Leaf {
    slots: Vec<Slot>,
    frame: Frame,
}

/// How scores map to tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Frame {
    base: u64,
    shift: u32,
}

impl Frame {
    /// A frame for scores between these two.
    fn around(least: ScoreKey, greatest: ScoreKey) -> Frame {
        let span = greatest.0 - least.0;
        let shift = (u64::BITS - span.leading_zeros()).saturating_sub(FRAME_BITS);
        let margin = 1_u64 << (FRAME_BITS - 1) << shift;
        Frame { base: least.0.saturating_sub(margin), shift }
    }

    /// The tag of a score.
    #[inline]
    fn tag(self, key: ScoreKey) -> u16 {
        let steps = key.0.saturating_sub(self.base) >> self.shift;
        steps.min(u64::from(u16::MAX)) as u16
    }
}

impl Leaf {
    /// A leaf of one member.
    pub fn new(key: ScoreKey, slot: Slot) -> Leaf {
        let frame = Frame::around(key, key);
        let mut slots = Vec::new();
        reserve(&mut slots, 1);
        slots.push(slot.tagged(frame.tag(key)));
        Leaf { slots, frame }
    }

    /// The members in order.
    #[inline]
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The number of members.
    #[inline]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Bytes of memory besides the leaf itself.
    pub fn memory_bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>()
    }

    /// The first member and its score.
    #[inline]
    pub fn first(&self) -> (ScoreKey, Slot) {
        (self.slots[0].key(), self.slots[0])
    }

    /// How many members are before a place.
    #[inline]
    pub fn find(&self, place: &impl Place) -> usize {
        let slots = &self.slots[..];
        let Some(key) = place.key() else {
            return slots.partition_point(|slot| place.is_after(slot));
        };
        let tag = self.frame.tag(key);
        let low = slots.partition_point(|slot| slot.tag() < tag);
        if slots.get(low).is_none_or(|slot| slot.tag() != tag) {
            return low;
        }
        let ties = &slots[low..];
        let ties = &ties[..ties.partition_point(|slot| slot.tag() == tag)];
        low + ties.partition_point(|slot| {
            let its_key = slot.key();
            its_key < key || its_key == key && place.is_after(slot)
        })
    }

    /// Begins to fetch the pointers.
    #[inline]
    pub fn prefetch(&self) {
        prefetch_lines(&self.slots);
    }

    /// Begins to fetch the members that finding a place among those with this score will look at.
    #[inline]
    pub fn prefetch_ties(&self, key: ScoreKey) {
        let tag = self.frame.tag(key);
        let low = self.slots.partition_point(|slot| slot.tag() < tag);
        self.slots[low..]
            .iter()
            .take_while(|slot| slot.tag() == tag)
            .take(TIES_FETCHED_MAX)
            .for_each(|slot| slot.prefetch());
    }

    /// Adds a member at an index. If it did not fit, the members from some index on move to a new leaf, which is
    /// returned.
    pub fn insert(&mut self, at: usize, key: ScoreKey, slot: Slot) -> Option<Leaf> {
        if self.slots.len() < LEN_MAX {
            if self.slots.len() == self.slots.capacity() {
                self.review_frame();
                reserve(&mut self.slots, 1);
            }
            self.slots.insert(at, slot.tagged(self.frame.tag(key)));
            return None;
        }
        sometimes!(Mark::LeafSplit);
        if at == LEN_MAX {
            // Members that come in order leave full leaves behind.
            return Some(Leaf::new(key, slot));
        }
        // And so do members that come in descending order.
        let mut right = self.split_off(if at == 0 { 1 } else { LEN_MAX / 2 });
        let kept = self.slots.len();
        if at <= kept {
            self.slots.insert(at, slot.tagged(self.frame.tag(key)));
        } else {
            right.slots.insert(at - kept, slot.tagged(right.frame.tag(key)));
        }
        Some(right)
    }

    /// Moves a member within the leaf, and gives it another score. `to` is how many members are before its new
    /// place, itself included. Returns its new index.
    pub fn move_within(&mut self, from: usize, to: usize, key: ScoreKey) -> usize {
        let slot = self.slots[from].tagged(self.frame.tag(key));
        let at = if from < to {
            self.slots.copy_within(from + 1..to, from);
            to - 1
        } else {
            self.slots.copy_within(to..from, to + 1);
            to
        };
        self.slots[at] = slot;
        at
    }

    /// Removes up to `count` members from an index on, and shows them. Returns how many there were.
    pub fn remove(&mut self, at: usize, count: usize, removed: &mut dyn FnMut(Slot)) -> usize {
        let end = at.saturating_add(count).min(self.slots.len());
        self.slots[at..end].iter().for_each(|&slot| removed(slot));
        self.slots.copy_within(end.., at);
        self.slots.truncate(self.slots.len() - (end - at));
        let needed = self.slots.len() * size_of::<Slot>();
        if is_wasteful(needed, self.memory_bytes()) {
            self.slots.shrink_to(size_class(needed) / size_of::<Slot>());
        }
        end - at
    }

    /// Whether it should be merged with a neighbour.
    #[inline]
    pub fn is_small(&self) -> bool {
        self.slots.len() < LEN_SMALL
    }

    /// Whether another leaf can be merged into this one.
    pub fn can_absorb(&self, other: &Leaf) -> bool {
        self.slots.len() + other.slots.len() <= MERGED_LEN_MAX
    }

    /// Takes over the members of the next leaf.
    pub fn absorb(&mut self, other: &Leaf) {
        sometimes!(Mark::LeavesMerged);
        reserve(&mut self.slots, other.slots.len());
        self.slots.extend_from_slice(&other.slots);
        if self.frame != other.frame {
            self.slots.iter().for_each(|slot| slot.prefetch());
            self.retag(self.best_frame());
        }
    }

    fn split_off(&mut self, at: usize) -> Leaf {
        let moved = &self.slots[at..];
        let mut slots = Vec::new();
        reserve(&mut slots, moved.len() + 1);
        slots.extend_from_slice(moved);
        self.slots.truncate(at);
        self.slots.shrink_to(size_class((at + 1) * size_of::<Slot>()) / size_of::<Slot>());
        Leaf { slots, frame: self.frame }
    }

    /// Gives the leaf another frame if this one does not tell its members apart and another would.
    fn review_frame(&mut self) {
        let equal = self.slots.windows(2).filter(|pair| pair[0].tag() == pair[1].tag()).count();
        if equal * EQUAL_TAGS_SHARE <= self.slots.len() {
            return;
        }
        let frame = self.best_frame();
        let is_beyond = self.slots.first().is_some_and(|slot| slot.tag() == 0)
            || self.slots.last().is_some_and(|slot| slot.tag() == u16::MAX);
        if frame != self.frame && (is_beyond || frame.shift + FRAME_BITS_GAINED_MIN <= self.frame.shift) {
            self.slots.iter().for_each(|slot| slot.prefetch());
            self.retag(frame);
        }
    }

    /// The frame that suits the leaf best.
    fn best_frame(&self) -> Frame {
        match &self.slots[..] {
            [] => self.frame,
            [only] => Frame::around(only.key(), only.key()),
            [first, .., last] => Frame::around(first.key(), last.key()),
        }
    }

    fn retag(&mut self, frame: Frame) {
        self.frame = frame;
        for slot in &mut self.slots {
            *slot = slot.tagged(frame.tag(slot.key()));
        }
    }
}

/// Begins to fetch all cache lines of a slice.
#[inline]
pub fn prefetch_lines<T>(items: &[T]) {
    for line in items.chunks(CACHE_LINE_BYTES / size_of::<T>()) {
        prefetch(line.as_ptr());
    }
}

/// Makes room for so many more, in a block that the allocator has.
fn reserve(slots: &mut Vec<Slot>, more: usize) {
    let needed = slots.len() + more;
    if needed > slots.capacity() {
        let room = size_class(needed * size_of::<Slot>()) / size_of::<Slot>();
        slots.reserve_exact(room - slots.len());
    }
}

#[cfg(test)]
impl Leaf {
    /// Checks everything that must hold of a leaf.
    pub fn verify(&self) {
        assert!((1..=LEN_MAX).contains(&self.slots.len()));
        assert!(self.slots.iter().all(|slot| slot.tag() == self.frame.tag(slot.key())));
        assert!(self.slots.is_sorted_by(|a, b| (a.key(), a.member()) < (b.key(), b.member())));
    }
}
