//! Entries: a key, its value and its expiry in one allocation, behind an owned thin pointer.
//!
//! ```text
//! offset 0  header     8 bytes: type and encoding, flags, lengths, size of the block, LRU/LFU stamp
//!        8  long form  8 bytes, only for keys of 255 bytes and more: length of the key, size of the block (u32 each)
//!           expiry     8 bytes, only if there is one: Unix time in milliseconds
//!           key
//!           value      an i64, or up to INLINE_LEN_MAX bytes, or a pointer to a boxed `RawString`;
//!                      or, at the next multiple of 8, a `Collection`
//! ```
//!
//! A 16-byte key with an 8-byte value takes 32 bytes, and 40 with an expiry. Blocks have exactly the sizes the
//! allocator hands out (jemalloc's classes at a quantum of 8 bytes), so what a block has to spare is known and a
//! value that fits is overwritten in place.
//!
//! The pointer's word has room besides the address: its lowest bit says whether there is an expiry, so that a
//! walk over a table finds the entries that can expire without touching the others, the next one whether the
//! block is longer than a cache line, for fetching it ahead, and its 16 highest bits belong to the table that
//! holds the entry.

#![expect(unsafe_code, reason = "an entry lays out its own block of memory")]

mod block;
mod content;
mod header;
mod view;

pub(crate) use self::block::{copy_short, is_equal};
pub use self::view::EntryRef;

use self::block::{allocate, free, is_fitting};
use self::content::{Content, Room, aligned, with_content};
use self::header::{
    ENCODING_BOXED, ENCODING_COLLECTION, ENCODING_INLINE, ENCODING_INT, FLAG_EXPIRY, FLAG_RAW, Header, flags,
};
use self::view::Shape;
use super::UnixMillis;
use super::element::{ADDRESS_MASK, Element, TAG_SHIFT};
use super::hash::HashKey;
use super::prefetch::prefetch;
use crate::value::{Collection, NewValue, RawString, StringRef, ValueRef, ValueType};
use bytes::Bytes;
use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

/// Longest value that lies in the entry itself.
pub const INLINE_LEN_MAX: usize = 224;

/// The bit of the pointer's word that says whether there is an expiry.
const EXPIRY_BIT: usize = 1;

/// The bit of the pointer's word that says whether the block is longer than a cache line.
const LARGE_BIT: usize = 2;

const CACHE_LINE_BYTES: usize = 64;

/// Size of the header, and of each part that may follow it.
const WORD: usize = 8;

/// Size of a collection, most of which lies elsewhere.
const COLLECTION_BYTES: usize = size_of::<Collection>();

const _: () = assert!(align_of::<Collection>() <= WORD);

/// A key and what it maps to. Owns its memory.
#[repr(transparent)]
pub struct Entry(NonNull<u8>);

// SAFETY: an entry is the only owner of its block and of what the block points to, and those are `Send`.
unsafe impl Send for Entry {}
// SAFETY: nothing changes through a shared entry.
unsafe impl Sync for Entry {}

// SAFETY: the type is transparent over `NonNull<u8>`, every use of the pointer goes through `block`, which masks
// the tag, and `relocate` keeps it.
unsafe impl Element for Entry {
    type Key<'k> = &'k [u8];

    #[inline]
    fn key(&self) -> &[u8] {
        self.as_ref().key()
    }

    #[inline]
    fn has_key(&self, key: &[u8]) -> bool {
        is_equal(self.as_ref().key(), key)
    }

    #[inline]
    fn hash(&self, hash_key: HashKey) -> u64 {
        hash_key.hash(self.as_ref().key())
    }

    #[inline]
    fn expiry(&self) -> Option<UnixMillis> {
        self.as_ref().expiry()
    }

    #[inline]
    fn has_expiry(&self) -> bool {
        self.0.addr().get() & EXPIRY_BIT != 0
    }

    #[inline]
    fn prefetch(&self) {
        prefetch(self.block());
        if self.0.addr().get() & LARGE_BIT != 0 {
            prefetch(self.block().wrapping_add(CACHE_LINE_BYTES));
        }
    }

    #[inline]
    fn tag(&self) -> u16 {
        (self.0.addr().get() >> TAG_SHIFT) as u16
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        let word = self.0.as_ptr().map_addr(|word| word << 16 >> 16 | usize::from(tag) << TAG_SHIFT);
        // SAFETY: the address below the tag is that of an allocation, hence not zero.
        self.0 = unsafe { NonNull::new_unchecked(word) };
    }
}

impl Entry {
    /// An entry of its own, in no table yet. `lru` is cut to its 24 bits.
    #[must_use]
    #[inline]
    pub fn new(key: &[u8], value: NewValue<'_>, expiry: Option<UnixMillis>, lru: u32) -> Entry {
        with_content(value, |content, is_raw| Entry::build(key, content, expiry, lru, is_raw))
    }

    /// The entry, to look at.
    #[must_use]
    #[inline]
    pub fn as_ref(&self) -> EntryRef<'_> {
        EntryRef { word: self.0, owner: PhantomData }
    }

    /// The key.
    #[must_use]
    #[inline]
    pub fn key(&self) -> &[u8] {
        self.as_ref().key()
    }

    /// The value.
    #[must_use]
    #[inline]
    pub fn value(&self) -> ValueRef<'_> {
        self.as_ref().value()
    }

    /// When the entry expires, if it does.
    #[must_use]
    #[inline]
    pub fn expiry(&self) -> Option<UnixMillis> {
        self.as_ref().expiry()
    }

    /// A copy under another key, with this expiry. The stamp is that of the original.
    #[must_use]
    pub fn copy_as(&self, key: &[u8], expiry: Option<UnixMillis>) -> Entry {
        self.as_ref().copy_as(key, expiry)
    }

    /// Changes the stamp; it is cut to its 24 bits.
    #[inline]
    pub fn set_lru(&mut self, lru: u32) {
        self.set_header(self.header().with_lru(lru));
    }

    /// The same value and expiry under another key. A value outside the entry is moved, not copied.
    #[must_use]
    pub fn rename(mut self, key: &[u8]) -> Entry {
        let is_raw = self.header().is_raw();
        let (expiry, lru) = (self.expiry(), self.as_ref().lru());
        match self.header().encoding() {
            ENCODING_INT => Entry::build(key, Content::Int(self.as_ref().int()), expiry, lru, is_raw),
            ENCODING_INLINE => {
                Entry::build(key, Content::Inline(self.as_ref().inline()), expiry, lru, is_raw)
            }
            ENCODING_BOXED => {
                let content = Content::Boxed(self.take_boxed());
                Entry::build(key, content, expiry, lru, is_raw)
            }
            _ => {
                let mut collection = self.take_collection_out();
                collection.note_key(key);
                let content = Content::Collection(collection);
                Entry::build(key, content, expiry, lru, is_raw)
            }
        }
    }

    /// Gives the entry another value; key, expiry and stamp stay.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_>) {
        let header = self.header();
        if let NewValue::Int(number) = value
            && header.encoding() == ENCODING_INT
            && !header.is_raw()
        {
            let shape = self.shape_by(header);
            // SAFETY: a number lies within the block, in eight bytes behind the key.
            unsafe { self.block().add(shape.key_at + shape.key_len).cast::<i64>().write_unaligned(number) };
            return;
        }
        let expiry = self.expiry();
        self.replace(value, expiry);
    }

    /// Gives the entry another value and this expiry; key and stamp stay.
    #[inline]
    pub fn replace(&mut self, value: NewValue<'_>, expiry: Option<UnixMillis>) {
        match value {
            NewValue::Int(number) => self.rewrite(Content::Int(number), expiry, false),
            NewValue::Bytes(bytes) if bytes.len() <= INLINE_LEN_MAX => {
                self.rewrite(Content::Inline(bytes), expiry, false);
            }
            value => self.replace_outside(value, expiry),
        }
    }

    /// Changes or removes the expiry.
    pub fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        let header = self.header();
        if header.has_expiry() == expiry.is_some() {
            self.write_expiry(header, expiry);
            return;
        }
        let old = self.shape();
        // Everything moves by a word, so what is aligned stays aligned.
        let moved_len = header.room().end(old.key_at + old.key_len) - old.key_at;
        let header = header.with_flags(header.flags() ^ FLAG_EXPIRY);
        let needed = header.key_at() + moved_len;
        let old_block = self.block();
        let is_staying = is_fitting(needed, old.block_bytes);
        let (block, header) =
            if is_staying { (old_block, header) } else { allocate(needed, header, old.key_len) };
        // SAFETY: key and value are `moved_len` bytes, and lie within the old block before and within `block`
        // after, which may be the same one. A boxed value is moved along with its pointer, a collection as it is.
        unsafe { ptr::copy(old_block.add(old.key_at), block.add(header.key_at()), moved_len) };
        if !is_staying {
            self.relocate(block, old.block_bytes);
        }
        self.set_header(header);
        self.write_expiry(header, expiry);
        self.mark(header);
    }

    /// Appends to a string, and returns its new length.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        let mut digits = itoa::Buffer::new();
        let current = match self.header().encoding() {
            ENCODING_BOXED => {
                self.boxed_mut().append(bytes);
                self.set_raw(true);
                return self.as_ref().boxed().len();
            }
            ENCODING_INT => digits.format(self.as_ref().int()).as_bytes(),
            _ => self.as_ref().inline(),
        };
        let len = current.len() + bytes.len();
        let expiry = self.expiry();
        if len <= INLINE_LEN_MAX {
            let mut joined = [0; INLINE_LEN_MAX];
            joined[..current.len()].copy_from_slice(current);
            joined[current.len()..len].copy_from_slice(bytes);
            self.rewrite(Content::Inline(&joined[..len]), expiry, true);
        } else {
            let mut string = RawString::copied(current);
            string.append(bytes);
            self.rewrite(Content::Boxed(Box::new(string)), expiry, true);
        }
        len
    }

    /// Writes `bytes` into a string at `offset`, with zeros before it where there was nothing, and returns the
    /// string's new length.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        let mut digits = itoa::Buffer::new();
        let current = match self.header().encoding() {
            ENCODING_BOXED => {
                self.boxed_mut().set_range(offset, bytes);
                self.set_raw(true);
                return self.as_ref().boxed().len();
            }
            ENCODING_INT => digits.format(self.as_ref().int()).as_bytes(),
            _ => self.as_ref().inline(),
        };
        let len = current.len().max(offset + bytes.len());
        let expiry = self.expiry();
        if len <= INLINE_LEN_MAX {
            let mut result = [0; INLINE_LEN_MAX];
            result[..current.len()].copy_from_slice(current);
            result[offset..offset + bytes.len()].copy_from_slice(bytes);
            self.rewrite(Content::Inline(&result[..len]), expiry, true);
        } else {
            let mut string = RawString::copied(current);
            string.set_range(offset, bytes);
            self.rewrite(Content::Boxed(Box::new(string)), expiry, true);
        }
        len
    }

    /// Lets `f` change the bytes of a string as it likes.
    pub fn modify_bytes<R>(&mut self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        if self.header().encoding() == ENCODING_BOXED {
            let result = self.boxed_mut().modify(f);
            self.set_raw(true);
            return result;
        }
        let mut bytes = self.value().as_string().map_or_else(Vec::new, StringRef::to_vec);
        let result = f(&mut bytes);
        let expiry = self.expiry();
        with_content(NewValue::Owned(bytes), |content, _| self.rewrite(content, expiry, true));
        result
    }

    /// A handle on the bytes of a string that lies outside the entry. The string is shared from then on, until it
    /// is changed.
    #[must_use]
    pub fn shared_bytes(&mut self) -> Option<Bytes> {
        (self.header().encoding() == ENCODING_BOXED).then(|| self.boxed_mut().share())
    }

    /// Takes the collection out; the entry holds a number instead.
    pub fn take_collection(&mut self) -> Option<Collection> {
        (self.header().encoding() == ENCODING_COLLECTION).then(|| self.take_collection_out())
    }

    /// The collection, to change it.
    #[must_use]
    #[inline]
    pub fn collection_mut(&mut self) -> Option<&mut Collection> {
        if self.header().encoding() != ENCODING_COLLECTION {
            return None;
        }
        // SAFETY: with this encoding a collection lies there, and the entry is borrowed for change.
        Some(unsafe { &mut *self.as_ref().collection_ptr() })
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        self.drop_outside();
        // SAFETY: nobody uses the block after this.
        unsafe { free(self.block(), self.shape().block_bytes) };
    }
}

impl Entry {
    #[inline]
    fn block(&self) -> *mut u8 {
        self.0.as_ptr().map_addr(|word| word & ADDRESS_MASK)
    }

    #[inline]
    fn header(&self) -> Header {
        self.as_ref().header()
    }

    #[inline]
    fn set_header(&mut self, header: Header) {
        // SAFETY: every block begins with room for a header.
        unsafe { self.block().cast::<Header>().write(header) }
    }

    #[inline]
    fn shape(&self) -> Shape {
        self.as_ref().shape()
    }

    /// The shape of the block if this is its header.
    #[inline]
    fn shape_by(&self, header: Header) -> Shape {
        self.as_ref().shape_by(header)
    }

    #[inline]
    fn boxed_mut(&mut self) -> &mut RawString {
        // SAFETY: the entry owns the box, and is borrowed for change.
        unsafe { &mut *self.as_ref().boxed_ptr() }
    }

    /// Frees what lies outside the block, and leaves a number in its place.
    #[inline]
    fn drop_outside(&mut self) {
        match self.header().encoding() {
            ENCODING_BOXED => drop(self.take_boxed()),
            ENCODING_COLLECTION => drop(self.take_collection_out()),
            _ => {}
        }
    }

    /// Takes the collection out and leaves a number in its place.
    #[cold]
    fn take_collection_out(&mut self) -> Collection {
        // SAFETY: a collection lies there, and is forgotten here.
        let collection = unsafe { self.as_ref().collection_ptr().read() };
        // SAFETY: a collection takes more bytes than a number, wherever it began.
        unsafe { self.as_ref().value_ptr().cast::<i64>().write_unaligned(0) };
        self.set_header(self.header().with_value(ENCODING_INT, 0));
        collection
    }

    /// Takes the box out and leaves a number in its place.
    fn take_boxed(&mut self) -> Box<RawString> {
        // SAFETY: the pointer came from a box, and is forgotten here.
        let boxed = unsafe { Box::from_raw(self.as_ref().boxed_ptr()) };
        self.set_header(self.header().with_value(ENCODING_INT, 0));
        boxed
    }

    fn set_raw(&mut self, is_raw: bool) {
        let header = self.header();
        let flag = if is_raw { FLAG_RAW } else { 0 };
        self.set_header(header.with_flags(header.flags() & !FLAG_RAW | flag));
    }

    #[inline]
    fn build(key: &[u8], content: Content<'_>, expiry: Option<UnixMillis>, lru: u32, is_raw: bool) -> Entry {
        let header = Header::new(ValueType::String, key.len(), flags(expiry, is_raw), lru);
        let key_at = header.key_at();
        let value_at = key_at + key.len();
        let (block, header) = allocate(content.room().end(value_at), header, key.len());
        // SAFETY: the block has room for the key at that place, and is not part of `key`.
        unsafe { copy_short(key.as_ptr(), block.add(key_at), key.len()) };
        // SAFETY: `allocate` does not return null.
        let mut entry = Entry(unsafe { NonNull::new_unchecked(block) });
        entry.write_expiry(header, expiry);
        entry.mark(header);
        entry.write_content(header, value_at, content);
        entry
    }

    /// Gives the entry a value that may lie outside.
    #[cold]
    fn replace_outside(&mut self, value: NewValue<'_>, expiry: Option<UnixMillis>) {
        if self.header().encoding() == ENCODING_BOXED
            && let NewValue::Bytes(bytes) = value
        {
            self.boxed_mut().assign(bytes);
            self.set_raw(false);
            self.set_expiry(expiry);
        } else {
            with_content(value, |content, is_raw| self.rewrite(content, expiry, is_raw));
        }
    }

    /// Gives the entry other contents, in its block if they fit.
    #[inline]
    fn rewrite(&mut self, content: Content<'_>, expiry: Option<UnixMillis>, is_raw: bool) {
        let flags = flags(expiry, is_raw);
        let (header, value_at) = self.make_room(flags, content.room());
        self.write_expiry(header, expiry);
        self.write_content(header, value_at, content);
    }

    /// Gets rid of the value and makes room for another, and for an expiry if the flags have one. Returns the header and
    /// the end of the key; header and value have to be written yet.
    #[inline]
    fn make_room(&mut self, flags: u8, room: Room) -> (Header, usize) {
        let header = self.header();
        if !header.is_long()
            && header.encoding() < ENCODING_BOXED
            && (header.flags() ^ flags) & FLAG_EXPIRY == 0
        {
            let shape = self.shape_by(header);
            let value_at = shape.key_at + shape.key_len;
            if is_fitting(room.end(value_at), shape.block_bytes) {
                sometimes!(Mark::OverwrittenInPlace);
                return (header.with_flags(flags), value_at);
            }
        }
        self.make_room_slowly(flags, room)
    }

    #[cold]
    fn make_room_slowly(&mut self, flags: u8, room: Room) -> (Header, usize) {
        if self.header().encoding() == ENCODING_BOXED {
            sometimes!(Mark::SharedThenOverwritten, self.as_ref().boxed().is_lent());
        }
        self.drop_outside();
        let mut header = self.header();
        let old = self.shape_by(header);
        let had_expiry = header.has_expiry();
        header = header.with_flags(flags);
        let key_at = header.key_at();
        let value_at = key_at + old.key_len;
        let end = room.end(value_at);
        if !is_fitting(end, old.block_bytes) {
            header = self.rebuild(header, old, end);
        } else if had_expiry != header.has_expiry() {
            let block = self.block();
            // SAFETY: both places have `key_len` bytes within the block.
            unsafe { ptr::copy(block.add(old.key_at), block.add(key_at), old.key_len) };
            self.mark(header);
        }
        (header, value_at)
    }

    /// Moves to a block of another size, with the key and nothing else. Returns the header of the new one.
    fn rebuild(&mut self, header: Header, old: Shape, needed: usize) -> Header {
        sometimes!(Mark::Reallocated);
        let (block, header) = allocate(needed, header, old.key_len);
        // SAFETY: the old block holds the key at its place, the new one has room for it at its own, and the two
        // are separate.
        unsafe {
            ptr::copy_nonoverlapping(self.block().add(old.key_at), block.add(header.key_at()), old.key_len);
        }
        self.relocate(block, old.block_bytes);
        self.mark(header);
        header
    }

    /// Changes over to another block and frees the old one. The rest of the word stays.
    fn relocate(&mut self, block: *mut u8, old_bytes: usize) {
        let rest = self.0.addr().get() & !ADDRESS_MASK;
        let old = self.block();
        // SAFETY: `block` is not null, and bits are only added.
        self.0 = unsafe { NonNull::new_unchecked(block.map_addr(|address| address | rest)) };
        // SAFETY: nothing points to the old block any more.
        unsafe { free(old, old_bytes) };
    }

    /// Notes in the pointer's word what it says of a block with this header.
    #[inline]
    fn mark(&mut self, header: Header) {
        let expiry_bit = if header.has_expiry() { EXPIRY_BIT } else { 0 };
        let is_large = header.is_long() || header.block_bytes() > CACHE_LINE_BYTES;
        let large_bit = if is_large { LARGE_BIT } else { 0 };
        let word = self.0.as_ptr().map_addr(|word| word & !(EXPIRY_BIT | LARGE_BIT) | expiry_bit | large_bit);
        // SAFETY: the address is that of an allocation, hence not zero.
        self.0 = unsafe { NonNull::new_unchecked(word) };
    }

    #[inline]
    fn write_expiry(&mut self, header: Header, expiry: Option<UnixMillis>) {
        if let Some(UnixMillis(at)) = expiry {
            debug_assert!(header.has_expiry());
            // SAFETY: with the flag set, there is room for an i64.
            unsafe { self.block().add(header.expiry_at()).cast::<i64>().write(at) }
        }
    }

    /// Writes the value, and the header that goes with it. The block has room for it behind the key, which ends at
    /// `value_at`, and holds no value that is to be dropped.
    #[inline]
    fn write_content(&mut self, header: Header, value_at: usize, content: Content<'_>) {
        // SAFETY: the value's place lies within the block.
        let value = unsafe { self.block().add(value_at) };
        let header = match content {
            Content::Int(number) => {
                // SAFETY: the block has room for eight bytes there.
                unsafe { value.cast::<i64>().write_unaligned(number) };
                header.with_value(ENCODING_INT, 0)
            }
            Content::Inline(bytes) => {
                // SAFETY: the block has room for them; they lie outside of it, as the entry is borrowed for change.
                unsafe { copy_short(bytes.as_ptr(), value, bytes.len()) };
                header.with_value(ENCODING_INLINE, bytes.len())
            }
            Content::Boxed(string) => {
                // SAFETY: the block has room for eight bytes there.
                unsafe { value.cast::<*mut RawString>().write_unaligned(Box::into_raw(string)) };
                header.with_value(ENCODING_BOXED, 0)
            }
            Content::Collection(collection) => {
                let value_type = collection.value_type();
                // SAFETY: the block, which is aligned to a word, has room for a collection there.
                unsafe { self.block().add(aligned(value_at)).cast::<Collection>().write(collection) };
                header.with_typed_value(value_type, ENCODING_COLLECTION, 0)
            }
        };
        self.set_header(header);
    }
}
