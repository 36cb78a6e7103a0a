//! Reading a listpack where it lies.

use super::encoding::{END, checked_element_len, decode, element_len, element_len_backwards};
use super::{BYTES_LEN_MIN, HEADER_LEN, LEN_UNKNOWN, Offset};
use crate::number::parse_i64;
use crate::value::StringRef;
use std::fmt;
use std::iter::FusedIterator;

/// A listpack to look at: sound bytes, and how many elements they have.
#[derive(Clone, Copy)]
pub struct ListpackView<'a> {
    bytes: &'a [u8],
    len: usize,
}

/// Why bytes are not a listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListpackError {
    /// The header's length in bytes is not that of the bytes there are.
    BytesLen,
    /// The last byte does not say that it is the end, or another one does.
    End,
    /// What begins at this offset is no element, or its two lengths differ.
    Element(Offset),
    /// The header's number of elements is not that of the elements there are.
    Len,
}

impl fmt::Display for ListpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ListpackError::BytesLen => f.write_str("listpack of the wrong length"),
            ListpackError::End => f.write_str("listpack without an end"),
            ListpackError::Element(offset) => write!(f, "listpack with a bad element at {}", offset.0),
            ListpackError::Len => f.write_str("listpack with the wrong number of elements"),
        }
    }
}

impl std::error::Error for ListpackError {}

impl<'a> ListpackView<'a> {
    /// Looks at every element of bytes from a stranger, and believes nothing before.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong. Bytes that pass are ones Redis would load as well.
    pub fn validate(bytes: &'a [u8]) -> Result<ListpackView<'a>, ListpackError> {
        let header: [u8; HEADER_LEN] = bytes
            .get(..HEADER_LEN)
            .and_then(|header| header.try_into().ok())
            .ok_or(ListpackError::BytesLen)?;
        let [b0, b1, b2, b3, n0, n1] = header;
        if u32::from_le_bytes([b0, b1, b2, b3]) as usize != bytes.len() || bytes.len() < BYTES_LEN_MIN {
            return Err(ListpackError::BytesLen);
        }
        let (end, elements) = bytes.split_last().ok_or(ListpackError::BytesLen)?;
        if *end != END {
            return Err(ListpackError::End);
        }
        let (mut at, mut len) = (HEADER_LEN, 0);
        while at < elements.len() {
            at += checked_element_len(&elements[at..]).ok_or(match elements[at] {
                END => ListpackError::End,
                _ => ListpackError::Element(Offset(at as u32)),
            })?;
            len += 1;
        }
        let claimed = u16::from_le_bytes([n0, n1]);
        if claimed != LEN_UNKNOWN && usize::from(claimed) != len {
            return Err(ListpackError::Len);
        }
        Ok(ListpackView { bytes, len })
    }

    /// A view of bytes that are known to be a sound listpack of so many elements.
    #[inline]
    pub(in crate::value) fn trusted(bytes: &'a [u8], len: usize) -> ListpackView<'a> {
        ListpackView { bytes, len }
    }

    /// Counts the elements of a sound listpack whose header does not say how many there are.
    #[cold]
    pub(super) fn count(bytes: &[u8]) -> usize {
        let (mut at, mut len) = (HEADER_LEN, 0);
        while at < bytes.len() - 1 {
            at += element_len(&bytes[at..]);
            len += 1;
        }
        len
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        self.len == 0
    }

    /// The whole listpack in Redis' format: what a dump contains.
    #[must_use]
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.bytes
    }

    /// The first element.
    #[must_use]
    #[inline]
    pub fn first(self) -> Option<Offset> {
        (self.len > 0).then_some(Offset(HEADER_LEN as u32))
    }

    /// The last element.
    #[must_use]
    #[inline]
    pub fn last(self) -> Option<Offset> {
        (self.len > 0).then(|| Offset((self.end() - element_len_backwards(&self.bytes[..self.end()])) as u32))
    }

    /// The element after this one.
    #[must_use]
    #[inline]
    pub fn next(self, offset: Offset) -> Option<Offset> {
        let next = self.after(offset);
        (next.at() < self.end()).then_some(next)
    }

    /// The element before this one.
    #[must_use]
    #[inline]
    pub fn previous(self, offset: Offset) -> Option<Offset> {
        let at = offset.at();
        (at > HEADER_LEN).then(|| Offset((at - element_len_backwards(&self.bytes[..at])) as u32))
    }

    /// The value of an element.
    #[must_use]
    #[inline]
    pub fn at(self, offset: Offset) -> StringRef<'a> {
        decode(&self.bytes[offset.at()..]).0
    }

    /// The value of an element, and where the next one begins or the end is.
    #[inline]
    pub(in crate::value) fn read(self, offset: Offset) -> (StringRef<'a>, Offset) {
        let (value, len) = decode(&self.bytes[offset.at()..]);
        (value, Offset(offset.0 + len as u32))
    }

    /// The element with this index, walking from the nearer end.
    #[must_use]
    pub fn seek(self, index: usize) -> Option<Offset> {
        if index >= self.len {
            return None;
        }
        if index <= self.len / 2 {
            let mut at = HEADER_LEN;
            for _ in 0..index {
                at += element_len(&self.bytes[at..]);
            }
            Some(Offset(at as u32))
        } else {
            let mut at = self.end();
            for _ in index..self.len {
                at -= element_len_backwards(&self.bytes[..at]);
            }
            Some(Offset(at as u32))
        }
    }

    /// The value with this index.
    #[must_use]
    pub fn get(self, index: usize) -> Option<StringRef<'a>> {
        self.seek(index).map(|offset| self.at(offset))
    }

    /// All values, from either end.
    #[must_use]
    #[inline]
    pub fn iter(self) -> Iter<'a> {
        Iter { bytes: self.bytes, front: HEADER_LEN, back: self.end(), len: self.len }
    }

    /// The first element from `from` on that equals `needle`, passing over `skip` elements after each one looked
    /// at: 1 looks at the fields of a hash alone. Numbers are compared as numbers, never printed.
    #[must_use]
    pub fn find(self, needle: StringRef<'_>, from: Offset, skip: usize) -> Option<Offset> {
        let mut digits = itoa::Buffer::new();
        let needle = Needle::new(needle, &mut digits);
        let mut at = from.at();
        while at < self.end() {
            let (value, len) = decode(&self.bytes[at..]);
            if needle.equals(value) {
                return Some(Offset(at as u32));
            }
            at += len;
            for _ in 0..skip {
                if at < self.end() {
                    at += element_len(&self.bytes[at..]);
                }
            }
        }
        None
    }

    /// Where the next element begins, or the end is.
    #[inline]
    pub(super) fn after(self, offset: Offset) -> Offset {
        Offset(offset.0 + element_len(&self.bytes[offset.at()..]) as u32)
    }

    /// Where the end is.
    #[inline]
    fn end(self) -> usize {
        self.bytes.len() - 1
    }
}

impl<'a> IntoIterator for ListpackView<'a> {
    type Item = StringRef<'a>;
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl PartialEq for ListpackView<'_> {
    /// Whether they are the same bytes.
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for ListpackView<'_> {}

impl fmt::Debug for ListpackView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// What is looked for, as it would be found in either encoding. A listpack from elsewhere may have a string
/// where Redis would have put a number, so that both have to be compared.
pub(in crate::value) struct Needle<'a> {
    text: &'a [u8],
    number: Option<i64>,
}

impl<'a> Needle<'a> {
    /// Looks for `value`; `digits` is room for its text.
    pub fn new(value: StringRef<'a>, digits: &'a mut itoa::Buffer) -> Needle<'a> {
        match value {
            StringRef::Int(number) => Needle { text: digits.format(number).as_bytes(), number: Some(number) },
            StringRef::Bytes(text) => Needle { text, number: parse_i64(text) },
        }
    }

    /// Whether this is it.
    #[inline]
    pub fn equals(&self, value: StringRef<'_>) -> bool {
        match value {
            StringRef::Int(number) => self.number == Some(number),
            StringRef::Bytes(bytes) => self.text == bytes,
        }
    }
}

/// Iterates over the values of a listpack.
#[derive(Clone, Debug)]
pub struct Iter<'a> {
    bytes: &'a [u8],
    /// Where the next element begins.
    front: usize,
    /// Where the last one ends.
    back: usize,
    /// Elements between.
    len: usize,
}

impl<'a> Iterator for Iter<'a> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        if self.len == 0 {
            return None;
        }
        let (value, len) = decode(&self.bytes[self.front..]);
        self.front += len;
        self.len -= 1;
        Some(value)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.len, Some(self.len))
    }
}

impl DoubleEndedIterator for Iter<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        if self.len == 0 {
            return None;
        }
        self.back -= element_len_backwards(&self.bytes[..self.back]);
        self.len -= 1;
        Some(decode(&self.bytes[self.back..]).0)
    }
}

impl ExactSizeIterator for Iter<'_> {}
impl FusedIterator for Iter<'_> {}
