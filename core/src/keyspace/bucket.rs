//! A bucket: one cache line with seven slots, their fingerprints, and a byte of flags.

use std::mem::offset_of;

/// Slots of a bucket.
pub const SLOTS: usize = 7;

/// One fingerprint byte per slot from the lowest byte up, zero where the slot is empty; above them the flags.
///
/// All zero bits are an empty bucket.
#[repr(C, align(64))]
pub struct Bucket<E> {
    word: u64,
    slots: [Option<E>; SLOTS],
}

/// A set of slots: the high bit of each one's byte.
#[derive(Clone, Copy)]
pub struct SlotSet(u64);

const LOW_SEVEN_BITS: u64 = 0x007f_7f7f_7f7f_7f7f;
const HIGH_BITS: u64 = 0x0080_8080_8080_8080;
const LOW_BITS: u64 = 0x0001_0101_0101_0101;
const FLAGS_SHIFT: u32 = 56;

impl<E> Bucket<E> {
    /// The slots that have this fingerprint, which is not zero.
    #[inline]
    pub fn candidates(&self, fingerprint: u8) -> SlotSet {
        SlotSet(zero_bytes(self.word ^ (u64::from(fingerprint) * LOW_BITS)))
    }

    /// The empty slots.
    #[inline]
    pub fn vacancies(&self) -> SlotSet {
        SlotSet(zero_bytes(self.word))
    }

    /// The slots that hold something.
    #[inline]
    pub fn occupied(&self) -> SlotSet {
        SlotSet(zero_bytes(self.word) ^ HIGH_BITS)
    }

    /// What a slot holds.
    #[inline]
    pub fn element(&self, slot: usize) -> Option<&E> {
        self.slots[slot].as_ref()
    }

    /// What a slot holds, to change; what its key hashes to stays.
    pub fn element_mut(&mut self, slot: usize) -> Option<&mut E> {
        self.slots[slot].as_mut()
    }

    /// Where a slot lies within its bucket.
    #[inline]
    pub const fn slot_offset(slot: usize) -> usize {
        offset_of!(Bucket<E>, slots) + slot * size_of::<Option<E>>()
    }

    /// The slot that lies there.
    pub const fn slot_at(offset: usize) -> usize {
        (offset - offset_of!(Bucket<E>, slots)) / size_of::<Option<E>>()
    }

    /// The fingerprint of what a slot holds.
    #[inline]
    pub fn fingerprint(&self, slot: usize) -> u8 {
        (self.word >> (slot * 8)) as u8
    }

    /// Fills an empty slot.
    #[inline]
    pub fn put(&mut self, slot: usize, fingerprint: u8, element: E) {
        debug_assert!(fingerprint != 0 && self.slots[slot].is_none());
        self.word |= u64::from(fingerprint) << (slot * 8);
        self.slots[slot] = Some(element);
    }

    /// Empties a slot.
    #[inline]
    pub fn take(&mut self, slot: usize) -> Option<E> {
        self.word &= !(0xff << (slot * 8));
        self.slots[slot].take()
    }

    /// Which of a home bucket's overflow buckets hold something of its own, a bit each.
    #[inline]
    pub fn overflow_flags(&self) -> u8 {
        (self.word >> FLAGS_SHIFT) as u8
    }

    /// Sets or clears one of the overflow flags.
    #[inline]
    pub fn set_overflow_flag(&mut self, index: usize, is_set: bool) {
        let bit = 1 << (FLAGS_SHIFT as usize + index);
        self.word = if is_set { self.word | bit } else { self.word & !bit };
    }
}

impl SlotSet {
    /// Whether it has no slots.
    #[inline]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many slots it has.
    #[inline]
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }
}

impl Iterator for SlotSet {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let slot = self.0.trailing_zeros() / 8;
        self.0 &= self.0 - 1;
        Some(slot as usize)
    }
}

/// The high bit of each of the seven low bytes of `word` that is zero.
#[inline]
fn zero_bytes(word: u64) -> u64 {
    // Adding carries into a byte's high bit unless its low seven are zero, and never into the next byte.
    let carried = (word & LOW_SEVEN_BITS) + LOW_SEVEN_BITS;
    !(carried | word) & HIGH_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_a_cache_line_and_finds_exactly_its_fingerprints() {
        assert_eq!((size_of::<Bucket<Box<u8>>>(), align_of::<Bucket<Box<u8>>>()), (64, 64));
        let mut bucket = Bucket { word: 0, slots: [const { None }; SLOTS] };
        bucket.set_overflow_flag(3, true);
        for (slot, fingerprint) in [(0, 1), (1, 0x80), (3, 1), (4, 0xff), (6, 2)] {
            bucket.put(slot, fingerprint, Box::new(fingerprint));
        }
        let candidates = |fingerprint| bucket.candidates(fingerprint).collect::<Vec<_>>();
        assert_eq!(candidates(1), [0, 3]);
        assert_eq!(candidates(0x80), [1]);
        assert_eq!(candidates(0xff), [4]);
        assert_eq!(candidates(2), [6]);
        for absent in (3..0x80).chain(0x81..0xff) {
            assert!(bucket.candidates(absent).is_empty());
        }
        assert_eq!(bucket.vacancies().collect::<Vec<_>>(), [2, 5]);
        assert_eq!(bucket.occupied().collect::<Vec<_>>(), [0, 1, 3, 4, 6]);
        assert_eq!((bucket.fingerprint(4), bucket.overflow_flags()), (0xff, 8));
        assert_eq!(bucket.take(4).as_deref(), Some(&0xff));
        assert!(bucket.candidates(0xff).is_empty());
        bucket.set_overflow_flag(3, false);
        assert_eq!(bucket.overflow_flags(), 0);
    }
}
