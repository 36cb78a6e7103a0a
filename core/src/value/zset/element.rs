//! Members of large sorted sets: score and member in one allocation, which the index owns and the tree points to.

#![expect(unsafe_code, reason = "declares to the table that a member is a pointer it can hold")]

use crate::keyspace::{Element, HashKey, UnixMillis, is_equal};
use crate::value::packed::{Alias, Packed};
use std::fmt;

/// A member with its score. Owns its memory.
#[repr(transparent)]
pub struct Scored(Packed<8>);

/// A pointer to a member from the tree, with a 16-bit tag that is the tree's.
///
/// Invariant: what a tree points to belongs to the index beside it, which gives it up only after the tree.
#[derive(Clone, Copy)]
pub struct Slot(Alias<8>);

/// A score as a number: in the order of scores, and the same for both zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScoreKey(pub u64);

impl ScoreKey {
    /// The number of this score, which is not NaN.
    #[inline]
    pub fn new(score: f64) -> ScoreKey {
        debug_assert!(!score.is_nan(), "no member has a score that is not a number");
        // Adding zero makes a negative zero positive.
        let bits = (score + 0.0).to_bits();
        let sign = 1 << 63;
        ScoreKey(if bits & sign == 0 { bits | sign } else { !bits })
    }
}

impl Scored {
    /// A member with its score.
    #[inline]
    pub fn new(score: f64, member: &[u8]) -> Scored {
        Scored(Packed::new(score.to_ne_bytes(), member))
    }

    /// The score.
    #[inline]
    pub fn score(&self) -> f64 {
        f64::from_ne_bytes(self.0.head())
    }

    /// Changes the score.
    #[inline]
    pub fn set_score(&mut self, score: f64) {
        self.0.set_head(score.to_ne_bytes());
    }

    /// The member.
    #[inline]
    pub fn member(&self) -> &[u8] {
        self.0.text().expect("a member of a sorted set is never a number")
    }

    /// A pointer for the tree.
    #[inline]
    pub fn slot(&self) -> Slot {
        Slot(self.0.alias())
    }

    /// Bytes of memory besides the pointer.
    pub fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }
}

// SAFETY: transparent over `Packed`, which is transparent over `NonNull<u8>` and leaves the tag alone.
unsafe impl Element for Scored {
    type Key<'k> = &'k [u8];

    #[inline]
    fn key(&self) -> &[u8] {
        self.member()
    }

    #[inline]
    fn has_key(&self, key: &[u8]) -> bool {
        is_equal(self.member(), key)
    }

    #[inline]
    fn hash(&self, hash_key: HashKey) -> u64 {
        hash_key.hash(self.member())
    }

    #[inline]
    fn expiry(&self) -> Option<UnixMillis> {
        None
    }

    #[inline]
    fn has_expiry(&self) -> bool {
        false
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    #[inline]
    fn tag(&self) -> u16 {
        self.0.tag()
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        self.0.set_tag(tag);
    }
}

impl Slot {
    /// The member's score.
    #[inline]
    pub fn score(self) -> f64 {
        f64::from_ne_bytes(self.0.head())
    }

    /// The member's score as a number.
    #[inline]
    pub fn key(self) -> ScoreKey {
        ScoreKey::new(self.score())
    }

    /// The member.
    #[inline]
    pub fn member(&self) -> &[u8] {
        self.0.text()
    }

    /// Whether both point to the same member.
    #[inline]
    pub fn is_same(self, other: Slot) -> bool {
        self.0.is_same(other.0)
    }

    /// Where the member lies.
    #[inline]
    pub fn address(self) -> usize {
        self.0.address()
    }

    /// Begins to fetch the member.
    #[inline]
    pub fn prefetch(self) {
        self.0.prefetch();
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> u16 {
        self.0.tag()
    }

    /// The same pointer with another tag.
    #[inline]
    pub fn tagged(self, tag: u16) -> Slot {
        Slot(self.0.tagged(tag))
    }
}

impl fmt::Debug for Scored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.member().escape_ascii(), self.score())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_scores_are_in_order() {
        let scores = [
            f64::NEG_INFINITY,
            f64::MIN,
            -1.5,
            -1.0,
            -5e-324,
            0.0,
            5e-324,
            f64::MIN_POSITIVE,
            1.0,
            1.0 + f64::EPSILON,
            1e300,
            f64::INFINITY,
        ];
        assert!(scores.is_sorted_by_key(|&score| ScoreKey::new(score)));
        assert!(scores.windows(2).all(|pair| ScoreKey::new(pair[0]) < ScoreKey::new(pair[1])));
        assert_eq!(ScoreKey::new(-0.0), ScoreKey::new(0.0));
    }
}
