//! Strings: integers kept as integers, short ones inside their key's entry, long ones in memory of their own
//! that can be handed to many readers without a copy.

use bytes::{Bytes, BytesMut};

/// Longest decimal form of a 64-bit integer.
const INT_TEXT_LEN_MAX: usize = 20;

/// Spare capacity a growing string is given, at most.
const SPARE_BYTES_MAX: usize = 1 << 20;

/// A string, to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringRef<'a> {
    /// Kept as a number.
    Int(i64),
    /// Kept as bytes.
    Bytes(&'a [u8]),
}

impl StringRef<'_> {
    /// Length of the string in bytes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a length is all STRLEN asks")]
    pub fn len(&self) -> usize {
        match self {
            StringRef::Int(value) => itoa::Buffer::new().format(*value).len(),
            StringRef::Bytes(bytes) => bytes.len(),
        }
    }

    /// Appends the string's bytes to a buffer.
    pub fn append_to(&self, out: &mut Vec<u8>) {
        match self {
            StringRef::Int(value) => out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes()),
            StringRef::Bytes(bytes) => out.extend_from_slice(bytes),
        }
    }

    /// Gives a function the string's bytes, wherever they come from.
    pub fn with_bytes<R>(&self, read: impl FnOnce(&[u8]) -> R) -> R {
        match self {
            StringRef::Int(value) => read(itoa::Buffer::new().format(*value).as_bytes()),
            StringRef::Bytes(bytes) => read(bytes),
        }
    }
}

/// A value about to be stored.
#[derive(Clone, Debug)]
pub enum NewValue<'a> {
    /// A number.
    Int(i64),
    /// Bytes that are copied.
    Bytes(&'a [u8]),
    /// Bytes that are copied, and that no longer count as short (APPEND, SETRANGE).
    Raw(&'a [u8]),
    /// Bytes in memory of their own, that are taken over.
    Shared(Bytes),
}

impl<'a> NewValue<'a> {
    /// The value a client sent: a number if it is written as one would be printed.
    #[must_use]
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> NewValue<'a> {
        match canonical_int(bytes) {
            Some(value) => NewValue::Int(value),
            None => NewValue::Bytes(bytes),
        }
    }
}

/// The number that is printed as just these bytes.
#[inline]
fn canonical_int(bytes: &[u8]) -> Option<i64> {
    let (&first, rest) = bytes.split_first()?;
    let is_negative = first == b'-';
    let digits = if is_negative { rest } else { bytes };
    let &lead = digits.first()?;
    if bytes.len() > INT_TEXT_LEN_MAX || !lead.is_ascii_digit() {
        return None;
    }
    if lead == b'0' {
        return (digits.len() == 1 && !is_negative).then_some(0);
    }
    let mut magnitude = 0_u64;
    for &digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        magnitude = magnitude.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    if is_negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// A long string.
#[derive(Clone, Debug)]
pub enum RawString {
    /// Ours alone, with room to grow.
    Owned(BytesMut),
    /// Shared with replies that are on their way.
    Shared(Bytes),
}

impl RawString {
    /// The string's bytes.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        match self {
            RawString::Owned(bytes) => bytes,
            RawString::Shared(bytes) => bytes,
        }
    }

    /// A handle on the bytes that outlives their place in the keyspace. Copies nothing.
    pub fn share(&mut self) -> Bytes {
        if let RawString::Owned(bytes) = self {
            *self = RawString::Shared(std::mem::take(bytes).freeze());
        }
        match self {
            RawString::Shared(bytes) => bytes.clone(),
            RawString::Owned(_) => unreachable!("an owned string has just become a shared one"),
        }
    }

    /// The bytes, to change. Copies them if a reader still has them.
    pub fn make_mut(&mut self) -> &mut BytesMut {
        if let RawString::Shared(bytes) = self {
            let owned = match std::mem::take(bytes).try_into_mut() {
                Ok(unique) => unique,
                Err(shared) => BytesMut::from(&shared[..]),
            };
            *self = RawString::Owned(owned);
        }
        match self {
            RawString::Owned(bytes) => bytes,
            RawString::Shared(_) => unreachable!("a shared string has just become an owned one"),
        }
    }

    /// Appends bytes. Amortised: capacity doubles, by a mebibyte at most.
    pub fn append(&mut self, tail: &[u8]) {
        let bytes = self.make_mut();
        reserve(bytes, tail.len());
        bytes.extend_from_slice(tail);
    }

    /// Overwrites from `offset` on; zeros fill a gap.
    pub fn set_range(&mut self, offset: usize, patch: &[u8]) {
        let bytes = self.make_mut();
        let end = offset + patch.len();
        if end > bytes.len() {
            let more = end - bytes.len();
            reserve(bytes, more);
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(patch);
    }

    /// Bytes allocated.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match self {
            RawString::Owned(bytes) => bytes.capacity(),
            RawString::Shared(bytes) => bytes.len(),
        }
    }
}

/// Makes room for `more` bytes and, if that means moving, for about as many again.
fn reserve(bytes: &mut BytesMut, more: usize) {
    if bytes.capacity() - bytes.len() < more {
        let spare = (bytes.len() + more).min(SPARE_BYTES_MAX);
        bytes.reserve(more + spare);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_numbers_are_numbers() {
        for (text, expected) in [
            ("0", Some(0)),
            ("-0", None),
            ("00", None),
            ("+1", None),
            ("1 ", None),
            ("", None),
            ("-", None),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("-9223372036854775808", Some(i64::MIN)),
            ("-9223372036854775809", None),
            ("99999999999999999999", None),
            ("123456789012345678901", None),
        ] {
            assert_eq!(canonical_int(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_shared_string_is_not_changed_under_its_reader() {
        let mut string = RawString::Owned(BytesMut::from(&b"hello"[..]));
        let reader = string.share();
        string.append(b" world");
        assert_eq!(&reader[..], b"hello");
        assert_eq!(string.as_slice(), b"hello world");
        string.set_range(13, b"!");
        assert_eq!(string.as_slice(), b"hello world\0\0!");
    }
}
