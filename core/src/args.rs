//! The arguments of one command, lying where they arrived.

use crate::resp::ArgRange;
use crate::value::Lookup;
use bytes::Bytes;
use std::ops::Index;

/// A large argument that was received straight into memory of its own.
#[derive(Clone, Debug)]
pub struct LargeArg {
    /// Which argument it is.
    pub index: usize,
    /// Its bytes.
    pub bytes: Bytes,
}

/// The arguments of one command; number 0 is its name. Slices live as long as the command runs.
#[derive(Clone, Copy, Debug)]
pub struct Args<'a> {
    input: &'a [u8],
    ranges: &'a [ArgRange],
    large: &'a [LargeArg],
    /// Which argument is an element of a collection whose hash is known; 0, the name, for none.
    element_index: u32,
    element_hash: u64,
}

impl<'a> Args<'a> {
    /// Arguments that are `ranges` of `input`, but for the `large` ones, whose ranges are empty.
    #[must_use]
    #[inline]
    pub fn new(input: &'a [u8], ranges: &'a [ArgRange], large: &'a [LargeArg]) -> Args<'a> {
        Args { input, ranges, large, element_index: 0, element_hash: 0 }
    }

    /// The same arguments, of which the hash of one is known.
    #[must_use]
    #[inline]
    pub fn with_element(self, index: usize, hash: u64) -> Args<'a> {
        Args { element_index: index as u32, element_hash: hash, ..self }
    }

    /// How many there are, the name included.
    #[must_use]
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "a command has at least its name")]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Argument number `index`. Panics beyond the last one: arity is checked before a command runs.
    #[must_use]
    #[inline]
    pub fn at(&self, index: usize) -> &'a [u8] {
        let range = self.ranges[index];
        if !self.large.is_empty()
            && let Some(large) = self.large.iter().find(|large| large.index == index)
        {
            return &large.bytes;
        }
        let start = range.start as usize;
        &self.input[start..start + range.len as usize]
    }

    /// Argument number `index` as an element to look for in a collection.
    #[must_use]
    #[inline]
    pub fn lookup(&self, index: usize) -> Lookup<'a> {
        if self.element_index as usize == index {
            Lookup::with_hash(self.at(index), self.element_hash)
        } else {
            Lookup::from(self.at(index))
        }
    }

    /// All arguments, the name included.
    #[must_use]
    pub fn iter(&self) -> ArgsFrom<'a> {
        self.from(0)
    }

    /// The arguments from number `first` on; none when there are fewer.
    #[must_use]
    pub fn from(&self, first: usize) -> ArgsFrom<'a> {
        ArgsFrom { args: *self, next: first.min(self.len()) }
    }

    /// A handle on argument `index` that outlives the command, without a copy, when it arrived in memory of
    /// its own.
    #[must_use]
    pub fn shared(&self, index: usize) -> Option<Bytes> {
        self.large.iter().find(|large| large.index == index).map(|large| large.bytes.clone())
    }
}

impl Index<usize> for Args<'_> {
    type Output = [u8];

    #[inline]
    fn index(&self, index: usize) -> &[u8] {
        self.at(index)
    }
}

/// Iterates over the arguments from one on.
#[derive(Clone, Debug)]
pub struct ArgsFrom<'a> {
    args: Args<'a>,
    next: usize,
}

impl<'a> Iterator for ArgsFrom<'a> {
    type Item = &'a [u8];

    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        if self.next == self.args.len() {
            return None;
        }
        self.next += 1;
        Some(self.args.at(self.next - 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.args.len() - self.next;
        (left, Some(left))
    }
}

impl ExactSizeIterator for ArgsFrom<'_> {}
