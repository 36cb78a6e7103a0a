//! Places in the order of a sorted set: what lies before and what lies behind.

use super::super::element::{ScoreKey, Slot};

/// A place between two members. Whatever is before it comes first in the order.
pub trait Place {
    /// The score whose members are on both sides of the place; all with a lower score are before it, all with a
    /// higher one behind. `None` if scores say nothing.
    fn key(&self) -> Option<ScoreKey>;

    /// Whether this member, which has that score, is before the place.
    fn is_after(&self, slot: &Slot) -> bool;
}

/// Before all members with this score.
#[derive(Clone, Copy)]
pub struct BeforeScore(pub ScoreKey);

/// Behind all members with this score.
#[derive(Clone, Copy)]
pub struct AfterScore(pub ScoreKey);

/// Before a member that is not in the tree, where it would be.
#[derive(Clone, Copy)]
pub struct BeforeMember<'a>(pub ScoreKey, pub &'a [u8]);

/// Right behind a member that is in the tree and has this score.
#[derive(Clone, Copy)]
pub struct After(pub ScoreKey, pub Slot);

/// Behind all members that are before this one, whatever their scores, and behind itself if that is said.
#[derive(Clone, Copy)]
pub struct InLexOrder<'a> {
    /// The member.
    pub member: &'a [u8],
    /// Whether the place is behind it.
    pub is_behind: bool,
}

impl Place for BeforeScore {
    #[inline]
    fn key(&self) -> Option<ScoreKey> {
        Some(self.0)
    }

    #[inline]
    fn is_after(&self, _: &Slot) -> bool {
        false
    }
}

impl Place for AfterScore {
    #[inline]
    fn key(&self) -> Option<ScoreKey> {
        Some(self.0)
    }

    #[inline]
    fn is_after(&self, _: &Slot) -> bool {
        true
    }
}

impl Place for BeforeMember<'_> {
    #[inline]
    fn key(&self) -> Option<ScoreKey> {
        Some(self.0)
    }

    #[inline]
    fn is_after(&self, slot: &Slot) -> bool {
        slot.member() < self.1
    }
}

impl Place for After {
    #[inline]
    fn key(&self) -> Option<ScoreKey> {
        Some(self.0)
    }

    #[inline]
    fn is_after(&self, slot: &Slot) -> bool {
        slot.is_same(self.1) || slot.member() < self.1.member()
    }
}

impl Place for InLexOrder<'_> {
    #[inline]
    fn key(&self) -> Option<ScoreKey> {
        None
    }

    #[inline]
    fn is_after(&self, slot: &Slot) -> bool {
        if self.is_behind { slot.member() <= self.member } else { slot.member() < self.member }
    }
}
