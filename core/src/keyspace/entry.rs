//! An entry: a key, its expiry and its value in one allocation.
//!
//! ```text
//! byte 0        type and encoding, a nibble each
//! byte 1        flags: has an expiry, has a long key, the value is elsewhere
//! byte 2        length of the key, unless it is long
//! byte 3        length of the value, if it is here
//! byte 4        size of the allocation in units of 8 bytes, unless the key is long
//! bytes 5..8    access stamp
//!               the expiry in Unix milliseconds, if there is one: 8 bytes
//!               the length of a long key: 8 bytes
//!               the key
//!               the value: 8 bytes of an integer, up to 192 bytes of a string, or an 8-byte pointer
//! ```
//!
//! A 16-byte key with an 8-byte value takes 32 bytes, 40 with an expiry. All reads and writes beyond the header
//! are unaligned, so that nothing is padded.

#![allow(
    unsafe_code,
    reason = "an entry is laid out by hand; every other module sees it through safe methods"
)]

use crate::value::{EMBSTR_LEN_MAX, Encoding, NewValue, RawString, StringRef, ValueRef, ValueType};
use bytes::{Bytes, BytesMut};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// An instant in milliseconds since the Unix epoch: the unit of every expiry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

/// Longest string that lies in its entry.
pub const INLINE_VALUE_LEN_MAX: usize = 192;

/// Longest key whose length fits the header.
pub const SHORT_KEY_LEN_MAX: usize = 255;

const HEADER_LEN: usize = 8;
const WORD_LEN: usize = 8;
const UNIT_LEN: usize = 8;

const HAS_EXPIRY: u8 = 1;
const LONG_KEY: u8 = 2;
const ELSEWHERE: u8 = 4;

const STAMP_MASK: u32 = (1 << 24) - 1;

/// An entry that is owned: dropping it frees it.
pub struct Entry {
    /// Invariant: points to an allocation as the module describes, that nobody else frees.
    block: NonNull<u8>,
}

/// An entry to look at.
#[derive(Clone, Copy)]
pub struct EntryRef<'a> {
    /// Invariant: points to a live entry that does not change for `'a`.
    block: NonNull<u8>,
    lifetime: PhantomData<&'a Entry>,
}

// SAFETY: an entry owns its block and everything the block points to, all of which may move between threads.
unsafe impl Send for Entry {}

/// Where a value goes when an entry is laid out.
enum Placement<'a> {
    Int(i64),
    Inline(&'a [u8], Encoding),
    Elsewhere(Box<RawString>, Encoding),
}

impl Placement<'_> {
    fn of(value: NewValue<'_>) -> Placement<'_> {
        match value {
            NewValue::Int(value) => Placement::Int(value),
            NewValue::Bytes(bytes) if bytes.len() <= EMBSTR_LEN_MAX => {
                Placement::Inline(bytes, Encoding::Embstr)
            }
            NewValue::Bytes(bytes) | NewValue::Raw(bytes) if bytes.len() <= INLINE_VALUE_LEN_MAX => {
                Placement::Inline(bytes, Encoding::Raw)
            }
            NewValue::Bytes(bytes) | NewValue::Raw(bytes) => Placement::Elsewhere(
                Box::new(RawString::Shared(Bytes::copy_from_slice(bytes))),
                Encoding::Raw,
            ),
            NewValue::Shared(bytes) => {
                Placement::Elsewhere(Box::new(RawString::Shared(bytes)), Encoding::Raw)
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Placement::Int(_) | Placement::Elsewhere(..) => WORD_LEN,
            Placement::Inline(bytes, _) => bytes.len(),
        }
    }

    fn encoding(&self) -> Encoding {
        match self {
            Placement::Int(_) => Encoding::Int,
            Placement::Inline(_, encoding) | Placement::Elsewhere(_, encoding) => *encoding,
        }
    }
}

/// The size the allocator would hand out anyway: steps of 8 up to 64 bytes, then four steps per doubling.
#[inline]
fn block_size(needed: usize) -> usize {
    if needed <= 64 {
        return needed.next_multiple_of(UNIT_LEN);
    }
    let step = (needed - 1).ilog2() as usize - 2;
    needed.next_multiple_of(1 << step)
}

impl Entry {
    /// A new entry.
    #[must_use]
    #[inline]
    pub fn new(key: &[u8], value: NewValue<'_>, expiry: Option<UnixMillis>, stamp: u32) -> Entry {
        Entry::lay_out(key, Placement::of(value), expiry, stamp)
    }

    /// The entry, to look at.
    #[must_use]
    #[inline]
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef { block: self.block, lifetime: PhantomData }
    }

    /// Gives the block away. It is freed when it comes back through [`from_block`](Self::from_block).
    #[inline]
    pub(super) fn into_block(self) -> NonNull<u8> {
        let block = self.block;
        std::mem::forget(self);
        block
    }

    /// Takes a block back.
    ///
    /// # Safety
    /// `block` came from [`into_block`](Self::into_block), and this is the only time it comes back.
    #[inline]
    pub(super) unsafe fn from_block(block: NonNull<u8>) -> Entry {
        Entry { block }
    }

    /// Another entry with the same value under another key.
    #[must_use]
    pub fn copy_as(&self, key: &[u8], expiry: Option<UnixMillis>) -> Entry {
        self.as_ref().copy_as(key, expiry)
    }

    /// The same value, expiry and access stamp under another key. A long value does not move.
    #[must_use]
    pub fn rename(mut self, key: &[u8]) -> Entry {
        let (expiry, stamp) = (self.as_ref().expiry(), self.as_ref().lru());
        if let Some(value) = self.take_elsewhere() {
            let encoding = self.as_ref().encoding();
            return Entry::lay_out(key, Placement::Elsewhere(value, encoding), expiry, stamp);
        }
        self.copy_as(key, expiry).with_stamp(stamp)
    }

    /// Gives the entry a new value and expiry: in place if both fit.
    #[inline]
    pub fn replace(self, value: NewValue<'_>, expiry: Option<UnixMillis>) -> Entry {
        let placement = Placement::of(value);
        if self.fits(&placement, expiry) {
            self.overwrite(placement, expiry)
        } else {
            Entry::lay_out(self.as_ref().key(), placement, expiry, self.as_ref().lru())
        }
    }

    /// Gives the entry a new value; its expiry stays.
    #[inline]
    pub fn set_value(self, value: NewValue<'_>) -> Entry {
        let expiry = self.as_ref().expiry();
        self.replace(value, expiry)
    }

    /// Gives the entry another expiry, or none.
    pub fn set_expiry(mut self, expiry: Option<UnixMillis>) -> Entry {
        if let (Some(_), Some(UnixMillis(at))) = (self.as_ref().expiry(), expiry) {
            self.write_word(HEADER_LEN, at as u64);
            return self;
        }
        if self.as_ref().expiry() == expiry {
            return self;
        }
        let (stamp, encoding) = (self.as_ref().lru(), self.as_ref().encoding());
        let elsewhere = self.take_elsewhere();
        let view = self.as_ref();
        let placement = match (elsewhere, view.string()) {
            (Some(value), _) => Placement::Elsewhere(value, encoding),
            (None, StringRef::Int(value)) => Placement::Int(value),
            (None, StringRef::Bytes(bytes)) => Placement::Inline(bytes, encoding),
        };
        Entry::lay_out(view.key(), placement, expiry, stamp)
    }

    /// Renews the access stamp.
    #[inline]
    pub fn set_lru(&mut self, stamp: u32) {
        let header = self.as_ref().header();
        self.write_header(header & !(u64::from(STAMP_MASK) << 40) | u64::from(stamp & STAMP_MASK) << 40);
    }

    /// Changes the string's bytes through a function, whatever they were before. The result no longer counts
    /// as short.
    pub fn modify(mut self, change: impl FnOnce(&mut RawString)) -> Entry {
        if self.as_ref().is_elsewhere() {
            change(self.elsewhere_mut());
            return self;
        }
        let mut bytes = BytesMut::new();
        self.as_ref().string().with_bytes(|old| bytes.extend_from_slice(old));
        let mut string = RawString::Owned(bytes);
        change(&mut string);
        if string.as_slice().len() <= INLINE_VALUE_LEN_MAX {
            return self.set_value(NewValue::Raw(string.as_slice()));
        }
        let view = self.as_ref();
        Entry::lay_out(
            view.key(),
            Placement::Elsewhere(Box::new(string), Encoding::Raw),
            view.expiry(),
            view.lru(),
        )
    }

    /// A handle on a long string that outlives the entry; `None` for one that lies here.
    pub fn shared_bytes(&mut self) -> Option<Bytes> {
        self.as_ref().is_elsewhere().then(|| self.elsewhere_mut().share())
    }

    fn with_stamp(mut self, stamp: u32) -> Entry {
        self.set_lru(stamp);
        self
    }

    /// Whether a value and an expiry have room in this block, and do not leave most of a large one empty.
    #[inline]
    fn fits(&self, placement: &Placement<'_>, expiry: Option<UnixMillis>) -> bool {
        let view = self.as_ref();
        if view.expiry().is_some() != expiry.is_some() || view.flags() & (LONG_KEY | ELSEWHERE) != 0 {
            return false;
        }
        if matches!(placement, Placement::Elsewhere(..)) {
            return false;
        }
        let needed = view.value_offset() + placement.len();
        let size = view.block_size();
        needed <= size && (size <= 64 || needed * 2 > size)
    }

    /// Overwrites value and expiry in place; the caller has seen that they fit.
    #[inline]
    fn overwrite(mut self, placement: Placement<'_>, expiry: Option<UnixMillis>) -> Entry {
        if let Some(UnixMillis(at)) = expiry {
            self.write_word(HEADER_LEN, at as u64);
        }
        let offset = self.as_ref().value_offset();
        let (kind, len) = self.place(offset, placement);
        let header = self.as_ref().header();
        self.write_header(header & !0xff00_00ff | u64::from(kind) | u64::from(len) << 24);
        self
    }

    /// Allocates a block and fills it.
    #[inline]
    fn lay_out(key: &[u8], placement: Placement<'_>, expiry: Option<UnixMillis>, stamp: u32) -> Entry {
        let is_long = key.len() > SHORT_KEY_LEN_MAX;
        let mut flags = 0;
        let mut key_offset = HEADER_LEN;
        if expiry.is_some() {
            flags |= HAS_EXPIRY;
            key_offset += WORD_LEN;
        }
        if is_long {
            flags |= LONG_KEY;
            key_offset += WORD_LEN;
        }
        if matches!(placement, Placement::Elsewhere(..)) {
            flags |= ELSEWHERE;
        }
        let value_offset = key_offset + key.len();
        let needed = value_offset + placement.len();
        // The block of a long key is as large as its parts, for ever: its value's length never changes in place.
        let size = if is_long { needed.next_multiple_of(UNIT_LEN) } else { block_size(needed) };
        let mut entry = Entry { block: allocate(size) };
        if let Some(UnixMillis(at)) = expiry {
            entry.write_word(HEADER_LEN, at as u64);
        }
        if is_long {
            entry.write_word(key_offset - WORD_LEN, key.len() as u64);
        }
        entry.write_bytes(key_offset, key);
        let (kind, len) = entry.place(value_offset, placement);
        let key_len = if is_long { 0 } else { key.len() as u64 };
        let units = if is_long { 0 } else { (size / UNIT_LEN) as u64 };
        entry.write_header(
            u64::from(kind)
                | u64::from(flags) << 8
                | key_len << 16
                | u64::from(len) << 24
                | units << 32
                | u64::from(stamp & STAMP_MASK) << 40,
        );
        entry
    }

    /// Writes a value at its offset; returns the header's bytes for its kind and its length.
    #[inline]
    fn place(&mut self, offset: usize, placement: Placement<'_>) -> (u8, u8) {
        let kind = ValueType::String as u8 | (placement.encoding() as u8) << 4;
        match placement {
            Placement::Int(value) => {
                self.write_word(offset, value as u64);
                (kind, WORD_LEN as u8)
            }
            Placement::Inline(bytes, _) => {
                self.write_bytes(offset, bytes);
                (kind, bytes.len() as u8)
            }
            Placement::Elsewhere(value, _) => {
                // SAFETY: the block has room for a pointer at the value's offset; the layout was made for it.
                unsafe {
                    self.block.add(offset).cast::<*mut RawString>().write_unaligned(Box::into_raw(value))
                };
                (kind, WORD_LEN as u8)
            }
        }
    }

    /// The pointer to a value that lies elsewhere.
    fn elsewhere(&self) -> *mut RawString {
        debug_assert!(self.as_ref().is_elsewhere());
        let offset = self.as_ref().value_offset();
        // SAFETY: the flag says that a pointer written by `place` stands here.
        unsafe { self.block.add(offset).cast::<*mut RawString>().read_unaligned() }
    }

    fn elsewhere_mut(&mut self) -> &mut RawString {
        // SAFETY: the pointer came from a box this entry owns, and the entry is borrowed mutably.
        unsafe { &mut *self.elsewhere() }
    }

    /// Takes a value that lies elsewhere out; the entry is then one with the integer 0.
    fn take_elsewhere(&mut self) -> Option<Box<RawString>> {
        if !self.as_ref().is_elsewhere() {
            return None;
        }
        let pointer = self.elsewhere();
        let header = self.as_ref().header();
        self.write_header(header & !(u64::from(ELSEWHERE) << 8));
        // SAFETY: the pointer came from `Box::into_raw`; the flag that says it is owned is gone now.
        Some(unsafe { Box::from_raw(pointer) })
    }

    #[inline]
    fn write_header(&mut self, header: u64) {
        // SAFETY: every block begins with an aligned header.
        unsafe { self.block.cast::<u64>().write(header) };
    }

    #[inline]
    fn write_word(&mut self, offset: usize, word: u64) {
        // SAFETY: callers pass offsets of words inside the block's layout.
        unsafe { self.block.add(offset).cast::<u64>().write_unaligned(word) };
    }

    #[inline]
    fn write_bytes(&mut self, offset: usize, bytes: &[u8]) {
        // SAFETY: callers pass an offset and a length inside the block; arguments never overlap a block that is
        // being written, because nobody holds a reference into it.
        unsafe { self.block.add(offset).as_ptr().copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        drop(self.take_elsewhere());
        let size = self.as_ref().block_size();
        // SAFETY: `lay_out` allocated the block with this size, which the header keeps, and with this alignment.
        unsafe { dealloc(self.block.as_ptr(), Layout::from_size_align_unchecked(size, UNIT_LEN)) };
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// A fresh block.
#[inline]
fn allocate(size: usize) -> NonNull<u8> {
    // SAFETY: the size is a small positive multiple of 8, or one derived from lengths of existing slices.
    let layout = unsafe { Layout::from_size_align_unchecked(size, UNIT_LEN) };
    // SAFETY: the size is not zero: every block has a header.
    let pointer = unsafe { alloc(layout) };
    NonNull::new(pointer).unwrap_or_else(|| handle_alloc_error(layout))
}

impl<'a> EntryRef<'a> {
    /// The entry a block holds.
    ///
    /// # Safety
    /// `block` came from [`Entry::into_block`], and the entry is neither changed nor freed for `'a`.
    #[inline]
    pub(super) unsafe fn from_block(block: NonNull<u8>) -> EntryRef<'a> {
        EntryRef { block, lifetime: PhantomData }
    }

    /// The key.
    #[must_use]
    #[inline]
    pub fn key(self) -> &'a [u8] {
        let (offset, len) = self.key_place();
        self.bytes(offset, len)
    }

    /// When the key's time comes, if it ever does.
    #[must_use]
    #[inline]
    pub fn expiry(self) -> Option<UnixMillis> {
        (self.flags() & HAS_EXPIRY != 0).then(|| UnixMillis(self.word(HEADER_LEN) as i64))
    }

    /// The value.
    #[must_use]
    #[inline]
    pub fn value(self) -> ValueRef<'a> {
        ValueRef::String(self.string())
    }

    /// The value's type.
    #[must_use]
    pub fn value_type(self) -> ValueType {
        ValueType::String
    }

    /// How the value is stored.
    #[must_use]
    #[inline]
    pub fn encoding(self) -> Encoding {
        match (self.header() as u8) >> 4 {
            0 => Encoding::Int,
            1 => Encoding::Embstr,
            _ => Encoding::Raw,
        }
    }

    /// The name `OBJECT ENCODING` gives.
    #[must_use]
    pub fn encoding_name(self) -> &'static str {
        self.encoding().name()
    }

    /// The access stamp.
    #[must_use]
    #[inline]
    pub fn lru(self) -> u32 {
        (self.header() >> 40) as u32
    }

    /// Bytes allocated for key and value.
    #[must_use]
    pub fn allocated_bytes(self) -> usize {
        let elsewhere = if self.is_elsewhere() {
            self.long_string().allocated_bytes() + std::mem::size_of::<RawString>()
        } else {
            0
        };
        self.block_size() + elsewhere
    }

    /// Another entry with the same value under another key.
    #[must_use]
    pub fn copy_as(self, key: &[u8], expiry: Option<UnixMillis>) -> Entry {
        let placement = match self.string() {
            StringRef::Int(value) => Placement::Int(value),
            StringRef::Bytes(bytes) if bytes.len() <= INLINE_VALUE_LEN_MAX => {
                Placement::Inline(bytes, self.encoding())
            }
            StringRef::Bytes(bytes) => {
                let copy = Box::new(RawString::Shared(Bytes::copy_from_slice(bytes)));
                Placement::Elsewhere(copy, self.encoding())
            }
        };
        Entry::lay_out(key, placement, expiry, self.lru())
    }

    #[inline]
    fn string(self) -> StringRef<'a> {
        if self.is_elsewhere() {
            return StringRef::Bytes(self.long_string().as_slice());
        }
        let offset = self.value_offset();
        match self.encoding() {
            Encoding::Int => StringRef::Int(self.word(offset) as i64),
            Encoding::Embstr | Encoding::Raw => {
                StringRef::Bytes(self.bytes(offset, usize::from((self.header() >> 24) as u8)))
            }
        }
    }

    #[inline]
    fn is_elsewhere(self) -> bool {
        self.flags() & ELSEWHERE != 0
    }

    fn long_string(self) -> &'a RawString {
        // SAFETY: the flag says that a pointer written by `place` stands at the value's offset; what it points
        // to lives as long as the entry, which nobody changes for `'a`.
        unsafe { &*self.block.add(self.value_offset()).cast::<*const RawString>().read_unaligned() }
    }

    #[inline]
    fn header(self) -> u64 {
        // SAFETY: every block begins with an aligned header.
        unsafe { self.block.cast::<u64>().read() }
    }

    #[inline]
    fn flags(self) -> u8 {
        (self.header() >> 8) as u8
    }

    /// Where the key begins, and its length.
    #[inline]
    fn key_place(self) -> (usize, usize) {
        let header = self.header();
        let flags = (header >> 8) as u8;
        let offset = HEADER_LEN + usize::from(flags & HAS_EXPIRY) * WORD_LEN;
        if flags & LONG_KEY != 0 {
            (offset + WORD_LEN, self.word(offset) as usize)
        } else {
            (offset, usize::from((header >> 16) as u8))
        }
    }

    #[inline]
    fn value_offset(self) -> usize {
        let (offset, len) = self.key_place();
        offset + len
    }

    #[inline]
    fn block_size(self) -> usize {
        if self.flags() & LONG_KEY != 0 {
            let value_len = usize::from((self.header() >> 24) as u8);
            return (self.value_offset() + value_len).next_multiple_of(UNIT_LEN);
        }
        usize::from((self.header() >> 32) as u8) * UNIT_LEN
    }

    #[inline]
    fn word(self, offset: usize) -> u64 {
        // SAFETY: callers pass offsets of words inside the block's layout.
        unsafe { self.block.add(offset).cast::<u64>().read_unaligned() }
    }

    #[inline]
    fn bytes(self, offset: usize, len: usize) -> &'a [u8] {
        // SAFETY: callers pass a part of the block's layout, initialised when it was laid out and unchanged
        // for `'a`.
        unsafe { std::slice::from_raw_parts(self.block.add(offset).as_ptr(), len) }
    }
}

impl fmt::Debug for EntryRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("key", &String::from_utf8_lossy(self.key()))
            .field("value", &self.value())
            .field("expiry", &self.expiry())
            .finish()
    }
}

const _: () = assert!(HEADER_LEN + 2 * WORD_LEN + SHORT_KEY_LEN_MAX + INLINE_VALUE_LEN_MAX <= 255 * UNIT_LEN);

#[cfg(test)]
mod tests {
    use super::*;

    fn text(entry: EntryRef<'_>) -> Vec<u8> {
        let ValueRef::String(string) = entry.value();
        string.with_bytes(<[u8]>::to_vec)
    }

    #[test]
    fn sizes_are_as_promised() {
        let key = [b'k'; 16];
        let size =
            |value: &[u8], expiry| Entry::new(&key, NewValue::Bytes(value), expiry, 0).as_ref().block_size();
        assert_eq!(size(&[b'v'; 8], None), 32);
        assert_eq!(size(&[b'v'; 8], Some(UnixMillis(1))), 40);
        assert_eq!(size(&[b'v'; 100], None), 128);
    }

    #[test]
    fn every_shape_keeps_its_parts() {
        for key_len in [0, 1, 16, 254, 255, 256, 1000] {
            for value_len in [0, 1, 44, 45, 191, 192, 193, 5000] {
                for expiry in [None, Some(UnixMillis(77)), Some(UnixMillis(i64::MIN))] {
                    let (key, value) = (vec![b'k'; key_len], vec![b'v'; value_len]);
                    let entry = Entry::new(&key, NewValue::Bytes(&value), expiry, 0x00ab_cdef);
                    assert_eq!(entry.as_ref().key(), key);
                    assert_eq!(text(entry.as_ref()), value);
                    assert_eq!(entry.as_ref().expiry(), expiry);
                    assert_eq!(entry.as_ref().lru(), 0x00ab_cdef);
                    let entry = entry.set_expiry(Some(UnixMillis(5))).set_expiry(None).set_expiry(expiry);
                    assert_eq!(text(entry.as_ref()), value);
                    assert_eq!(entry.as_ref().expiry(), expiry);
                    let entry = entry.rename(b"other");
                    assert_eq!(entry.as_ref().key(), b"other");
                    assert_eq!(text(entry.as_ref()), value);
                    assert_eq!(entry.as_ref().lru(), 0x00ab_cdef);
                    let entry = entry.modify(|string| string.append(b"!"));
                    assert_eq!(text(entry.as_ref()).len(), value_len + 1);
                    assert_eq!(entry.as_ref().encoding_name(), "raw");
                    let entry = entry.set_value(NewValue::Int(-5));
                    assert_eq!(text(entry.as_ref()), b"-5");
                    assert_eq!(entry.as_ref().encoding_name(), "int");
                }
            }
        }
    }

    #[test]
    fn a_long_value_is_handed_out_without_a_copy() {
        let mut entry = Entry::new(b"k", NewValue::Bytes(&[7; 1000]), None, 0);
        let first = entry.shared_bytes().unwrap();
        let second = entry.shared_bytes().unwrap();
        assert_eq!(first.as_ptr(), second.as_ptr());
        let entry = entry.modify(|string| string.append(b"x"));
        assert_eq!(first.len(), 1000);
        assert_eq!(text(entry.as_ref()).len(), 1001);
        assert!(Entry::new(b"k", NewValue::Bytes(b"short"), None, 0).shared_bytes().is_none());
    }

    #[test]
    fn a_value_that_fits_stays_in_place() {
        let entry = Entry::new(b"key", NewValue::Bytes(b"12345678x"), None, 0);
        let block = entry.block;
        let entry = entry.set_value(NewValue::Bytes(b"short"));
        assert_eq!(entry.block, block);
        let entry = entry.set_value(NewValue::Int(i64::MAX));
        assert_eq!(entry.block, block);
        let entry = entry.set_value(NewValue::Bytes(&[1; 40]));
        assert_eq!(text(entry.as_ref()), [1; 40]);
    }
}
