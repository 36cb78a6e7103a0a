//! An entry that is only looked at: where its parts lie, and what they are.

#![expect(unsafe_code, reason = "what an entry's parts are is known by its header")]

use super::content::{Content, aligned};
use super::header::{ENCODING_BOXED, ENCODING_COLLECTION, ENCODING_INLINE, ENCODING_INT, Header};
use super::{Entry, WORD};
use crate::keyspace::UnixMillis;
use crate::keyspace::element::ADDRESS_MASK;
use crate::value::{Collection, RawString, StringRef, ValueRef, ValueType};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Longest string that `OBJECT ENCODING` calls `embstr`, as in Redis.
const EMBSTR_LEN_MAX: usize = 44;

/// How many elements of a collection stand for all when its memory is estimated.
const MEMORY_SAMPLES: usize = 5;

/// An entry to look at.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    /// The word of an entry that is borrowed for `'a`, and hence does not change.
    pub(super) word: NonNull<u8>,
    pub(super) owner: PhantomData<&'a Entry>,
}

// SAFETY: it is nothing but a shared borrow of an entry.
unsafe impl Send for EntryRef<'_> {}
// SAFETY: it is nothing but a shared borrow of an entry.
unsafe impl Sync for EntryRef<'_> {}

/// Where things lie in a block.
#[derive(Clone, Copy)]
pub struct Shape {
    pub key_at: usize,
    pub key_len: usize,
    pub block_bytes: usize,
}

impl<'a> EntryRef<'a> {
    /// The key.
    #[must_use]
    #[inline]
    pub fn key(self) -> &'a [u8] {
        let shape = self.shape();
        // SAFETY: the key lies in the block, is initialised, and cannot change while the entry is borrowed.
        unsafe { std::slice::from_raw_parts(self.block().add(shape.key_at), shape.key_len) }
    }

    /// When the entry expires, if it does.
    #[must_use]
    #[inline]
    pub fn expiry(self) -> Option<UnixMillis> {
        let header = self.header();
        if !header.has_expiry() {
            return None;
        }
        // SAFETY: with the flag set, an i64 lies there.
        Some(UnixMillis(unsafe { self.block().add(header.expiry_at()).cast::<i64>().read() }))
    }

    /// The value.
    #[must_use]
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        ValueRef::String(match self.header().encoding() {
            ENCODING_INT => StringRef::Int(self.int()),
            ENCODING_INLINE => StringRef::Bytes(self.inline()),
            ENCODING_BOXED => StringRef::Bytes(self.boxed().as_bytes()),
            _ => return ValueRef::Collection(self.collection()),
        })
    }

    /// The type of the value.
    #[must_use]
    #[inline]
    pub fn value_type(self) -> ValueType {
        self.value().value_type()
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding_name(self) -> &'static str {
        let header = self.header();
        match header.encoding() {
            ENCODING_INT => "int",
            ENCODING_INLINE if !header.is_raw() && header.inline_len() <= EMBSTR_LEN_MAX => "embstr",
            ENCODING_COLLECTION => self.collection().encoding_name(),
            _ => "raw",
        }
    }

    /// The 24-bit LRU or LFU stamp.
    #[must_use]
    #[inline]
    pub fn lru(self) -> u32 {
        self.header().lru()
    }

    /// Bytes of memory the entry takes, its value included.
    #[must_use]
    pub fn allocated_bytes(self) -> usize {
        let outside = match self.header().encoding() {
            ENCODING_BOXED => size_of::<RawString>() + self.boxed().allocated_bytes(),
            ENCODING_COLLECTION => self.collection().memory_bytes(MEMORY_SAMPLES),
            _ => 0,
        };
        self.shape().block_bytes + outside
    }

    /// A copy under another key, with this expiry. The stamp is that of the original.
    #[must_use]
    pub fn copy_as(self, key: &[u8], expiry: Option<UnixMillis>) -> Entry {
        let header = self.header();
        let content = match header.encoding() {
            ENCODING_INT => Content::Int(self.int()),
            ENCODING_INLINE => Content::Inline(self.inline()),
            ENCODING_BOXED => Content::Boxed(Box::new(self.boxed().duplicate())),
            _ => Content::Collection(self.collection().clone()),
        };
        Entry::build(key, content, expiry, self.lru(), header.is_raw())
    }
}

// Where an entry's parts lie.
impl<'a> EntryRef<'a> {
    #[inline]
    pub(super) fn block(self) -> *mut u8 {
        self.word.as_ptr().map_addr(|word| word & ADDRESS_MASK)
    }

    #[inline]
    pub(super) fn header(self) -> Header {
        // SAFETY: every block begins with an initialised header.
        unsafe { self.block().cast::<Header>().read() }
    }

    #[inline]
    pub(super) fn shape(self) -> Shape {
        self.shape_by(self.header())
    }

    /// The shape of a block with this header, which is its own.
    #[inline]
    pub(super) fn shape_by(self, header: Header) -> Shape {
        let key_at = header.key_at();
        if header.is_long() {
            // SAFETY: with this key length, two u32 lie behind the header.
            let [key_len, block_words] = unsafe { self.block().add(WORD).cast::<[u32; 2]>().read() };
            Shape { key_at, key_len: key_len as usize, block_bytes: block_words as usize * WORD }
        } else {
            Shape { key_at, key_len: usize::from(header.key_len()), block_bytes: header.block_bytes() }
        }
    }

    /// The value's place.
    #[inline]
    pub(super) fn value_ptr(self) -> *mut u8 {
        let shape = self.shape();
        // SAFETY: the value begins behind the key, within the block.
        unsafe { self.block().add(shape.key_at + shape.key_len) }
    }

    #[inline]
    pub(super) fn int(self) -> i64 {
        debug_assert_eq!(self.header().encoding(), ENCODING_INT);
        // SAFETY: with this encoding an i64 lies there, not necessarily aligned.
        unsafe { self.value_ptr().cast::<i64>().read_unaligned() }
    }

    #[inline]
    pub(super) fn inline(self) -> &'a [u8] {
        let header = self.header();
        debug_assert_eq!(header.encoding(), ENCODING_INLINE);
        // SAFETY: with this encoding so many initialised bytes lie there, and they cannot change while the entry
        // is borrowed.
        unsafe { std::slice::from_raw_parts(self.value_ptr(), header.inline_len()) }
    }

    #[inline]
    pub(super) fn boxed_ptr(self) -> *mut RawString {
        debug_assert_eq!(self.header().encoding(), ENCODING_BOXED);
        // SAFETY: with this encoding the pointer of a box lies there, not necessarily aligned.
        unsafe { self.value_ptr().cast::<*mut RawString>().read_unaligned() }
    }

    #[inline]
    pub(super) fn collection_ptr(self) -> *mut Collection {
        debug_assert_eq!(self.header().encoding(), ENCODING_COLLECTION);
        let shape = self.shape();
        // SAFETY: with this encoding the collection lies there, within the block.
        unsafe { self.block().add(aligned(shape.key_at + shape.key_len)).cast::<Collection>() }
    }

    #[inline]
    pub(super) fn collection(self) -> &'a Collection {
        // SAFETY: a collection lies there, and the entry does not change while it is borrowed.
        unsafe { &*self.collection_ptr() }
    }

    #[inline]
    pub(super) fn boxed(self) -> &'a RawString {
        // SAFETY: the entry owns the box, and is borrowed.
        unsafe { &*self.boxed_ptr() }
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &self.key().escape_ascii().to_string())
            .field("value", &self.value())
            .field("expiry", &self.expiry())
            .finish()
    }
}
