//! Intsets: small sets of integers, sorted, in Redis' format to the byte.
//!
//! ```text
//! width   number of elements   element …
//! u32     u32                  all of this width: 2, 4 or 8 bytes        little-endian
//! ```
//!
//! A number too wide for the set makes all of them wider. They don't become narrower again, as in Redis.

use super::size_class::{is_wasteful, size_class};
use std::fmt;
use std::iter::{FusedIterator, Peekable};

const HEADER_LEN: usize = 8;

/// Sorted, distinct integers.
///
/// Invariant: the block begins with the set, whose header is sound; what follows is to spare.
pub struct Intset {
    block: Box<[u8]>,
}

/// Why bytes are not an intset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IntsetError {
    /// The width of elements is none of 2, 4 and 8 bytes.
    Width,
    /// The length is not that of so many elements, or there are none.
    Len,
    /// The elements are not in order, or one is there twice.
    Order,
}

impl fmt::Display for IntsetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            IntsetError::Width => "intset with elements of an unknown width",
            IntsetError::Len => "intset of the wrong length",
            IntsetError::Order => "intset out of order",
        })
    }
}

impl std::error::Error for IntsetError {}

/// How many bytes each element takes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Width {
    Two = 2,
    Four = 4,
    Eight = 8,
}

impl Width {
    /// The least one that can hold this number.
    #[inline]
    fn of(number: i64) -> Width {
        if i16::try_from(number).is_ok() {
            Width::Two
        } else if i32::try_from(number).is_ok() {
            Width::Four
        } else {
            Width::Eight
        }
    }

    #[inline]
    fn bytes(self) -> usize {
        self as usize
    }

    /// The element with this index.
    #[inline]
    fn read(self, elements: &[u8], index: usize) -> i64 {
        fn at<const N: usize>(elements: &[u8], index: usize) -> [u8; N] {
            elements[index * N..][..N].try_into().expect("the range has this length")
        }
        match self {
            Width::Two => i64::from(i16::from_le_bytes(at(elements, index))),
            Width::Four => i64::from(i32::from_le_bytes(at(elements, index))),
            Width::Eight => i64::from_le_bytes(at(elements, index)),
        }
    }

    /// Writes the element with this index, which has to fit.
    #[inline]
    fn write(self, elements: &mut [u8], index: usize, number: i64) {
        let bytes = self.bytes();
        elements[index * bytes..][..bytes].copy_from_slice(&number.to_le_bytes()[..bytes]);
    }
}

impl Intset {
    /// An empty set.
    #[must_use]
    pub fn new() -> Intset {
        let mut set = Intset { block: vec![0; HEADER_LEN].into_boxed_slice() };
        set.write_header(Width::Two, 0);
        set
    }

    /// Takes over bytes from a stranger.
    ///
    /// # Errors
    ///
    /// What is wrong with them. An empty set is, as in Redis: there is never one to be loaded.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Intset, IntsetError> {
        let (header, elements) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(IntsetError::Len)?;
        let [w0, w1, w2, w3, n0, n1, n2, n3] = *header;
        let width = match u32::from_le_bytes([w0, w1, w2, w3]) {
            2 => Width::Two,
            4 => Width::Four,
            8 => Width::Eight,
            _ => return Err(IntsetError::Width),
        };
        let len = u32::from_le_bytes([n0, n1, n2, n3]) as usize;
        if len == 0 || len.checked_mul(width.bytes()) != Some(elements.len()) {
            return Err(IntsetError::Len);
        }
        let in_order = |index| width.read(elements, index) < width.read(elements, index + 1);
        if !(0..len - 1).all(in_order) {
            return Err(IntsetError::Order);
        }
        let mut set = Intset { block: bytes.into_boxed_slice() };
        set.reserve(width, len);
        Ok(set)
    }

    /// The set in Redis' format: what a dump contains.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.block[..self.bytes_len()]
    }

    /// Bytes of the format.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        HEADER_LEN + self.len() * self.width().bytes()
    }

    /// Bytes of memory besides this handle.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.block.len()
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        u32::from_le_bytes(self.block[4..8].try_into().expect("the range has this length")) as usize
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element with this index in ascending order. A random index gives a random element.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<i64> {
        (index < self.len()).then(|| self.width().read(self.elements(), index))
    }

    /// The least element.
    #[must_use]
    pub fn min(&self) -> Option<i64> {
        self.get(0)
    }

    /// The greatest element.
    #[must_use]
    pub fn max(&self) -> Option<i64> {
        self.get(self.len().checked_sub(1)?)
    }

    /// Whether this number is there.
    #[must_use]
    #[inline]
    pub fn contains(&self, number: i64) -> bool {
        self.find(number).is_ok()
    }

    /// The index of a number, or the one it would have.
    #[inline]
    #[expect(clippy::missing_errors_doc, reason = "as in slice::binary_search, neither result is a failure")]
    pub fn find(&self, number: i64) -> Result<usize, usize> {
        let (width, elements, len) = (self.width(), self.elements(), self.len());
        // Mostly sets grow at their ends.
        if len == 0 || number > width.read(elements, len - 1) {
            return Err(len);
        }
        let index = match width {
            Width::Two => first_not_less(len, |index| Width::Two.read(elements, index) < number),
            Width::Four => first_not_less(len, |index| Width::Four.read(elements, index) < number),
            Width::Eight => first_not_less(len, |index| Width::Eight.read(elements, index) < number),
        };
        if width.read(elements, index) == number { Ok(index) } else { Err(index) }
    }

    /// Adds a number. Whether it was not there before.
    pub fn add(&mut self, number: i64) -> bool {
        let Err(mut index) = self.find(number) else { return false };
        if mutant!(Mutant::UpgradeMissortsNegatives) && Width::of(number) > self.width() {
            index = self.len();
        }
        let (len, width) = (self.len(), self.width().max(Width::of(number)));
        self.reserve(width, len + 1);
        if width > self.width() {
            self.widen(width);
        }
        let elements = &mut self.block[HEADER_LEN..];
        let at = index * width.bytes();
        elements.copy_within(at..len * width.bytes(), at + width.bytes());
        width.write(elements, index, number);
        self.write_header(width, len + 1);
        true
    }

    /// Removes a number. Whether it was there.
    pub fn remove(&mut self, number: i64) -> bool {
        let found = self.find(number);
        if let Ok(index) = found {
            self.remove_at(index);
        }
        found.is_ok()
    }

    /// Removes the element with this index, and returns it.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn remove_at(&mut self, index: usize) -> i64 {
        let number = self.get(index).expect("the index is below the length");
        let (len, width) = (self.len(), self.width());
        let at = index * width.bytes();
        self.block[HEADER_LEN..].copy_within(at + width.bytes()..len * width.bytes(), at);
        self.write_header(width, len - 1);
        if is_wasteful(self.bytes_len(), self.block.len()) {
            self.block = in_block_of(size_class(self.bytes_len()), self.as_bytes());
        }
        number
    }

    /// All elements, ascending from the front.
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        Iter { set: self, front: 0, back: self.len() }
    }

    /// What both sets have, ascending.
    #[must_use]
    pub fn intersection<'a>(&'a self, other: &'a Intset) -> Merge<'a> {
        Merge::new(self, other, Wanted { left: false, both: true, right: false })
    }

    /// What either set has, ascending.
    #[must_use]
    pub fn union<'a>(&'a self, other: &'a Intset) -> Merge<'a> {
        Merge::new(self, other, Wanted { left: true, both: true, right: true })
    }

    /// What this set has and the other has not, ascending.
    #[must_use]
    pub fn difference<'a>(&'a self, other: &'a Intset) -> Merge<'a> {
        Merge::new(self, other, Wanted { left: true, both: false, right: false })
    }

    #[inline]
    fn width(&self) -> Width {
        match self.block[0] {
            2 => Width::Two,
            4 => Width::Four,
            _ => Width::Eight,
        }
    }

    #[inline]
    fn elements(&self) -> &[u8] {
        &self.block[HEADER_LEN..]
    }

    fn write_header(&mut self, width: Width, len: usize) {
        let len = u32::try_from(len).expect("an intset has fewer than 2^32 elements");
        self.block[..4].copy_from_slice(&(width as u32).to_le_bytes());
        self.block[4..8].copy_from_slice(&len.to_le_bytes());
    }

    /// Makes room for so many elements of this width.
    fn reserve(&mut self, width: Width, len: usize) {
        let needed = HEADER_LEN + len * width.bytes();
        if needed > self.block.len() {
            self.block = in_block_of(size_class(needed), self.as_bytes());
        }
    }

    /// Gives all elements another width, for which there has to be room.
    fn widen(&mut self, width: Width) {
        let (old_width, len) = (self.width(), self.len());
        let elements = &mut self.block[HEADER_LEN..];
        // From the last one on: what is written lies behind what is still to be read.
        for index in (0..len).rev() {
            width.write(elements, index, old_width.read(elements, index));
        }
        self.write_header(width, len);
    }
}

/// The first of `len` indices that is not less, of which there is one. Takes the same steps whatever it finds, so
/// that there is no branch to mispredict.
#[inline]
fn first_not_less(len: usize, is_less: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut left) = (0, len);
    while left > 1 {
        let half = left / 2;
        low = if is_less(low + half - 1) { low + half } else { low };
        left -= half;
    }
    low
}

/// A block of this size that begins with these bytes.
fn in_block_of(block_bytes: usize, bytes: &[u8]) -> Box<[u8]> {
    let mut block = Vec::with_capacity(block_bytes);
    block.extend_from_slice(bytes);
    block.resize(block_bytes, 0);
    block.into_boxed_slice()
}

impl Default for Intset {
    fn default() -> Intset {
        Intset::new()
    }
}

impl Clone for Intset {
    /// A copy without the room to spare.
    fn clone(&self) -> Intset {
        Intset { block: in_block_of(size_class(self.bytes_len()), self.as_bytes()) }
    }
}

impl PartialEq for Intset {
    /// Whether they have the same elements, whatever their widths.
    fn eq(&self, other: &Intset) -> bool {
        self.iter().eq(other)
    }
}

impl Eq for Intset {}

impl fmt::Debug for Intset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self).finish()
    }
}

impl<'a> IntoIterator for &'a Intset {
    type Item = i64;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl FromIterator<i64> for Intset {
    fn from_iter<I: IntoIterator<Item = i64>>(numbers: I) -> Intset {
        let mut set = Intset::new();
        for number in numbers {
            set.add(number);
        }
        set
    }
}

/// Iterates over an [`Intset`].
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    set: &'a Intset,
    front: usize,
    back: usize,
}

impl Iterator for Iter<'_> {
    type Item = i64;

    #[inline]
    fn next(&mut self) -> Option<i64> {
        if self.front == self.back {
            return None;
        }
        self.front += 1;
        self.set.get(self.front - 1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.back - self.front, Some(self.back - self.front))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<i64> {
        if self.front == self.back {
            return None;
        }
        self.back -= 1;
        self.set.get(self.back)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}

/// Which elements of two sets are asked for.
#[derive(Clone, Copy, Debug)]
struct Wanted {
    /// Those of the first set alone.
    left: bool,
    /// Those of both.
    both: bool,
    /// Those of the second set alone.
    right: bool,
}

/// Walks two sets side by side, and yields what is asked for.
#[derive(Clone, Debug)]
pub struct Merge<'a> {
    left: Peekable<Iter<'a>>,
    right: Peekable<Iter<'a>>,
    wanted: Wanted,
}

impl<'a> Merge<'a> {
    fn new(left: &'a Intset, right: &'a Intset, wanted: Wanted) -> Merge<'a> {
        Merge { left: left.iter().peekable(), right: right.iter().peekable(), wanted }
    }
}

impl Iterator for Merge<'_> {
    type Item = i64;

    fn next(&mut self) -> Option<i64> {
        loop {
            let (left, right) = (self.left.peek().copied(), self.right.peek().copied());
            // Without one of the two, nothing comes that only both have.
            let number = match (left, right) {
                (None, None) => return None,
                (None, Some(_)) if !self.wanted.right => return None,
                (Some(_), None) if !self.wanted.left => return None,
                (Some(left), Some(right)) => left.min(right),
                (left, right) => left.or(right)?,
            };
            let is_left = self.left.next_if_eq(&number).is_some();
            let is_right = self.right.next_if_eq(&number).is_some();
            let is_wanted = match (is_left, is_right) {
                (true, true) => self.wanted.both,
                (true, false) => self.wanted.left,
                (false, _) => self.wanted.right,
            };
            if is_wanted {
                return Some(number);
            }
        }
    }
}

impl FusedIterator for Merge<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn check(set: &Intset, model: &BTreeSet<i64>) {
        assert!(set.iter().eq(model.iter().copied()));
        assert!(set.iter().rev().eq(model.iter().rev().copied()));
        assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
        assert_eq!((set.min(), set.max()), (model.first().copied(), model.last().copied()));
        assert_eq!(set.get(set.len()), None);
        assert_eq!(set.as_bytes().len(), set.bytes_len());
        assert!(set.memory_bytes() >= set.bytes_len());
        if !set.is_empty() {
            assert_eq!(Intset::from_bytes(set.as_bytes().to_vec()).as_ref(), Ok(set));
        }
    }

    /// Numbers of all widths, close enough together to meet.
    fn number() -> impl Strategy<Value = i64> {
        let bounds =
            [i64::MIN, i32::MIN.into(), i16::MIN.into(), 0, i16::MAX.into(), i32::MAX.into(), i64::MAX];
        prop_oneof![
            4 => -20i64..20,
            1 => (prop::sample::select(bounds.to_vec()), -2i64..=2)
                .prop_map(|(bound, by)| bound.saturating_add(by)),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn edits_do_what_they_do_to_a_set(
            steps in prop::collection::vec((any::<bool>(), number()), 1..200),
        ) {
            let (mut set, mut model) = (Intset::new(), BTreeSet::new());
            for (adds, number) in steps {
                if adds {
                    prop_assert_eq!(set.add(number), model.insert(number));
                } else {
                    prop_assert_eq!(set.remove(number), model.remove(&number));
                }
                prop_assert_eq!(set.contains(number), adds);
                check(&set, &model);
            }
            check(&set.clone(), &model);
        }

        #[test]
        fn algebra_is_that_of_sets(
            left in prop::collection::btree_set(number(), 0..40),
            right in prop::collection::btree_set(number(), 0..40),
        ) {
            let [a, b]: [Intset; 2] = [&left, &right].map(|numbers| numbers.iter().copied().collect());
            prop_assert!(a.intersection(&b).eq(left.intersection(&right).copied()));
            prop_assert!(a.union(&b).eq(left.union(&right).copied()));
            prop_assert!(a.difference(&b).eq(left.difference(&right).copied()));
        }

        #[test]
        fn any_bytes_are_refused_or_sound(
            width in prop::sample::select(vec![0u32, 1, 2, 4, 8, 16, u32::MAX]),
            len in prop_oneof![Just(u32::MAX), 0u32..10],
            elements in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            let bytes = [&width.to_le_bytes()[..], &len.to_le_bytes(), &elements].concat();
            if let Ok(set) = Intset::from_bytes(bytes.clone()) {
                check(&set, &set.iter().collect());
                prop_assert_eq!(set.as_bytes(), bytes);
            }
        }
    }

    #[test]
    fn bytes_are_those_of_redis() {
        let cases: &[(&[i64], &[u8])] = &[
            (&[1, 2, 3], b"\x02\0\0\0\x03\0\0\0\x01\0\x02\0\x03\0"),
            (
                &[1, -5, 40_000, 70_000],
                b"\x04\0\0\0\x04\0\0\0\xfb\xff\xff\xff\x01\0\0\0\x40\x9c\0\0\x70\x11\x01\0",
            ),
            (
                &[-1 << 40, 5, 1 << 40],
                b"\x08\0\0\0\x03\0\0\0\0\0\0\0\0\xff\xff\xff\x05\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\0",
            ),
        ];
        for &(numbers, bytes) in cases {
            assert_eq!(numbers.iter().copied().collect::<Intset>().as_bytes(), bytes);
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let refused = |bytes: &[u8]| Intset::from_bytes(bytes.to_vec()).err();
        assert_eq!(refused(b"\x02\0\0\0\x01\0\0"), Some(IntsetError::Len));
        assert_eq!(refused(b"\x02\0\0\0\0\0\0\0"), Some(IntsetError::Len));
        assert_eq!(refused(b"\x02\0\0\0\x01\0\0\0\x05"), Some(IntsetError::Len));
        assert_eq!(refused(b"\x08\0\0\0\xff\xff\xff\xff\x05"), Some(IntsetError::Len));
        assert_eq!(refused(b"\x03\0\0\0\x01\0\0\0\x05\0\0"), Some(IntsetError::Width));
        assert_eq!(refused(b"\x02\0\0\0\x02\0\0\0\x05\0\x05\0"), Some(IntsetError::Order));
        assert_eq!(refused(b"\x02\0\0\0\x02\0\0\0\x05\0\xff\xff"), Some(IntsetError::Order));
        assert_eq!(refused(b"\x02\0\0\0\x02\0\0\0\x05\0\x06\0"), None);
    }

    #[test]
    fn memory_follows_the_elements() {
        let mut set: Intset = (0..512).collect();
        assert_eq!((set.bytes_len(), set.memory_bytes()), (1032, 1280));
        for number in 0..511 {
            assert!(set.remove(number));
        }
        assert!(set.memory_bytes() <= 64);
        assert_eq!(set.iter().collect::<Vec<_>>(), [511]);
    }
}
