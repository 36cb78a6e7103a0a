//! What an entry's value is while it lies in the entry's block, and the room it takes there.

use super::{COLLECTION_BYTES, INLINE_LEN_MAX, WORD};
use crate::value::{Collection, NewValue, RawString};

/// What is to be written where the value lies.
pub enum Content<'a> {
    Int(i64),
    Inline(&'a [u8]),
    Boxed(Box<RawString>),
    Collection(Collection),
}

impl Content<'_> {
    #[inline]
    pub fn room(&self) -> Room {
        match self {
            Content::Int(_) | Content::Boxed(_) => Room::WORD,
            Content::Inline(bytes) => Room::bytes(bytes.len()),
            Content::Collection(_) => Room::COLLECTION,
        }
    }
}

/// What a value takes within a block.
#[derive(Clone, Copy)]
pub struct Room {
    len: usize,
    is_aligned: bool,
}

impl Room {
    /// That of a number or a pointer.
    pub const WORD: Room = Room { len: WORD, is_aligned: false };

    /// That of a collection.
    pub const COLLECTION: Room = Room { len: COLLECTION_BYTES, is_aligned: true };

    /// That of a string in the entry itself.
    #[inline]
    pub fn bytes(len: usize) -> Room {
        Room { len, is_aligned: false }
    }

    /// Where it ends if the key ends at `key_end`.
    #[inline]
    pub fn end(self, key_end: usize) -> usize {
        (if self.is_aligned { aligned(key_end) } else { key_end }) + self.len
    }
}

/// Where a collection begins whose key ends there.
#[inline]
pub fn aligned(key_end: usize) -> usize {
    key_end.next_multiple_of(WORD)
}

/// Sorts a new value by where it will lie, and says whether its encoding is to be `raw` however short it is.
#[inline]
pub fn with_content<R>(value: NewValue<'_>, f: impl FnOnce(Content<'_>, bool) -> R) -> R {
    let is_raw = matches!(value, NewValue::Raw(_));
    let boxed = |string| Content::Boxed(Box::new(string));
    match value {
        NewValue::Int(number) => f(Content::Int(number), is_raw),
        NewValue::Bytes(bytes) | NewValue::Raw(bytes) if bytes.len() <= INLINE_LEN_MAX => {
            f(Content::Inline(bytes), is_raw)
        }
        NewValue::Bytes(bytes) | NewValue::Raw(bytes) => f(boxed(RawString::copied(bytes)), is_raw),
        NewValue::Owned(bytes) if bytes.len() <= INLINE_LEN_MAX => f(Content::Inline(&bytes), is_raw),
        NewValue::Owned(bytes) => f(boxed(RawString::owned(bytes)), is_raw),
        NewValue::Shared(bytes) if bytes.len() <= INLINE_LEN_MAX => f(Content::Inline(&bytes), is_raw),
        NewValue::Shared(bytes) => f(boxed(RawString::shared(bytes)), is_raw),
        NewValue::Collection(collection) => f(Content::Collection(collection), is_raw),
    }
}
