//! Fields of large hashes: field and value in one allocation, behind an owned thin pointer.
//!
//! ```text
//! offset 0  length of the field (u8), kind of the value (u8), size of the block in words (u8), 0
//!        4  field
//!           value: so many bytes as its kind says, or an integer of 1, 2, 4 or 8 bytes
//!
//! offset 0  255, kind of the value, 0, 0                                  for long fields and values
//!        4  size of the block, length of the field, length of the value (u32 each)
//!       16  field
//!           value
//! ```
//!
//! A field of 16 bytes with a value of 8 takes 32 bytes, or 24 if the value is an integer of 32 bits. Blocks have the
//! sizes of the allocator, and a value that fits is replaced in place.

#![expect(unsafe_code, reason = "lays out its own blocks of memory")]

use crate::keyspace::{
    ADDRESS_MASK, Element, HashKey, TAG_SHIFT, UnixMillis, copy_short, is_equal, prefetch,
};
use crate::number::parse_i64;
use crate::value::StringRef;
use crate::value::size_class::{is_wasteful, size_class};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr::NonNull;

const WORD: usize = 8;

/// Bytes before the field.
const SHORT_HEADER: usize = 4;
const LONG_HEADER: usize = 16;

/// The length of the field that says that the header is long.
const LONG: u8 = u8::MAX;

/// Longest value of a short header; its length is its kind.
const SHORT_VALUE_MAX: usize = 239;

/// The kind of an integer of one byte; those of 2, 4 and 8 follow.
const KIND_INT: u8 = 240;

/// The kind of bytes whose length is in the long header.
const KIND_LONG: u8 = u8::MAX;

/// The bit of the pointer's word that says whether the block is longer than a cache line.
const LARGE_BIT: usize = 1;

const CACHE_LINE_BYTES: usize = 64;

/// A field and its value. Owns its memory.
#[repr(transparent)]
pub struct Pair(NonNull<u8>);

// SAFETY: it is the only owner of its block.
unsafe impl Send for Pair {}
// SAFETY: nothing changes through a shared one.
unsafe impl Sync for Pair {}

/// Where things lie in a block.
#[derive(Clone, Copy)]
struct Shape {
    field_at: usize,
    field_len: usize,
    block_bytes: usize,
    kind: u8,
}

impl Shape {
    #[inline]
    fn value_at(self) -> usize {
        self.field_at + self.field_len
    }

    #[inline]
    fn is_long(self) -> bool {
        self.field_at == LONG_HEADER
    }
}

impl Pair {
    /// A copy of both. A value that reads as an integer is stored as one.
    #[inline]
    pub fn new(field: &[u8], value: StringRef<'_>) -> Pair {
        let value = canonical(value);
        let value_len = stored_len(value);
        let is_long = field.len() >= usize::from(LONG) || value_len > SHORT_VALUE_MAX;
        let field_at = if is_long { LONG_HEADER } else { SHORT_HEADER };
        let block_bytes = size_class(field_at + field.len() + value_len);
        let block = allocate(block_bytes);
        let shape = Shape { field_at, field_len: field.len(), block_bytes, kind: 0 };
        if is_long {
            let lengths = [block_bytes, field.len(), 0];
            let lengths = lengths.map(|len| u32::try_from(len).unwrap_or_else(|_| too_long()));
            // SAFETY: the block has room for the header; these words are aligned to 4.
            unsafe { block.add(4).cast::<[u32; 3]>().write(lengths) };
            // SAFETY: as before.
            unsafe { block.cast::<[u8; 4]>().write([LONG, 0, 0, 0]) };
        } else {
            let header = [field.len() as u8, 0, (block_bytes / WORD) as u8, 0];
            // SAFETY: the block has room for the header.
            unsafe { block.cast::<[u8; 4]>().write(header) };
        }
        // SAFETY: the block is new and has room for the field there.
        unsafe { copy_short(field.as_ptr(), block.add(field_at), field.len()) };
        let large = if block_bytes > CACHE_LINE_BYTES { LARGE_BIT } else { 0 };
        // SAFETY: `allocate` does not return null.
        let mut pair = Pair(unsafe { NonNull::new_unchecked(block.map_addr(|address| address | large)) });
        pair.write_value(shape, value);
        pair
    }

    /// The field.
    #[inline]
    pub fn field(&self) -> &[u8] {
        let shape = self.shape();
        // SAFETY: so many bytes were written there.
        unsafe { std::slice::from_raw_parts(self.block().add(shape.field_at), shape.field_len) }
    }

    /// The value.
    #[inline]
    pub fn value(&self) -> StringRef<'_> {
        let shape = self.shape();
        // SAFETY: the value is within the block, or it is empty and this is its end.
        let at = unsafe { self.block().add(shape.value_at()) };
        // SAFETY: an integer of the width that the kind says, or so many bytes, were written there.
        unsafe {
            match shape.kind {
                KIND_INT => StringRef::Int(i64::from(at.cast::<i8>().read())),
                241 => StringRef::Int(i64::from(at.cast::<i16>().read_unaligned())),
                242 => StringRef::Int(i64::from(at.cast::<i32>().read_unaligned())),
                243 => StringRef::Int(at.cast::<i64>().read_unaligned()),
                KIND_LONG => StringRef::Bytes(std::slice::from_raw_parts(at, self.long_value_len())),
                len => StringRef::Bytes(std::slice::from_raw_parts(at, usize::from(len))),
            }
        }
    }

    /// Gives the field another value, in place if it fits.
    #[inline]
    pub fn set_value(&mut self, value: StringRef<'_>) {
        let value = canonical(value);
        let shape = self.shape();
        let len = stored_len(value);
        let needed = shape.value_at() + len;
        if needed <= shape.block_bytes
            && !is_wasteful(needed, shape.block_bytes)
            && (shape.is_long() || len <= SHORT_VALUE_MAX)
        {
            self.write_value(shape, value);
        } else {
            let mut pair = Pair::new(self.field(), value);
            pair.set_tag(self.tag());
            *self = pair;
        }
    }

    /// Bytes of memory besides the pointer.
    pub fn memory_bytes(&self) -> usize {
        self.shape().block_bytes
    }

    #[inline]
    fn block(&self) -> *mut u8 {
        self.0.as_ptr().map_addr(|word| word & ADDRESS_MASK)
    }

    #[inline]
    fn shape(&self) -> Shape {
        // SAFETY: every block begins with these.
        let [field_len, kind, words, _] = unsafe { self.block().cast::<[u8; 4]>().read() };
        if field_len == LONG {
            // SAFETY: a long header has these.
            let [block_bytes, field_len, _] = unsafe { self.block().add(4).cast::<[u32; 3]>().read() };
            let (field_len, block_bytes) = (field_len as usize, block_bytes as usize);
            Shape { field_at: LONG_HEADER, field_len, block_bytes, kind }
        } else {
            let block_bytes = usize::from(words) * WORD;
            Shape { field_at: SHORT_HEADER, field_len: usize::from(field_len), block_bytes, kind }
        }
    }

    #[inline]
    fn long_value_len(&self) -> usize {
        // SAFETY: whoever asks has seen that the header is long.
        unsafe { self.block().add(12).cast::<u32>().read() as usize }
    }

    /// Writes a canonical value. The block has this shape, and room for it.
    #[inline]
    fn write_value(&mut self, shape: Shape, value: StringRef<'_>) {
        // SAFETY: the value's place lies within the block, or it is empty and this is its end.
        let at = unsafe { self.block().add(shape.value_at()) };
        let kind = match value {
            StringRef::Int(number) => {
                let width_log = int_width_log(number);
                let bytes = number.to_le_bytes();
                // SAFETY: the block has room for so many of the number's bytes.
                unsafe { at.copy_from_nonoverlapping(bytes.as_ptr(), 1 << width_log) };
                KIND_INT + width_log
            }
            StringRef::Bytes(bytes) => {
                // SAFETY: the block has room for them; they lie outside of it, as it is borrowed for change.
                unsafe { copy_short(bytes.as_ptr(), at, bytes.len()) };
                if shape.is_long() {
                    let len = u32::try_from(bytes.len()).unwrap_or_else(|_| too_long());
                    // SAFETY: the header is long.
                    unsafe { self.block().add(12).cast::<u32>().write(len) };
                    KIND_LONG
                } else {
                    bytes.len() as u8
                }
            }
        };
        // SAFETY: this is the second byte of the header.
        unsafe { self.block().add(1).write(kind) };
    }
}

// SAFETY: transparent over `NonNull<u8>`; every use of the pointer goes through `block`, which masks the tag.
unsafe impl Element for Pair {
    type Key<'k> = &'k [u8];

    #[inline]
    fn key(&self) -> &[u8] {
        self.field()
    }

    #[inline]
    fn has_key(&self, key: &[u8]) -> bool {
        is_equal(self.field(), key)
    }

    #[inline]
    fn hash(&self, hash_key: HashKey) -> u64 {
        hash_key.hash(self.field())
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

impl Drop for Pair {
    #[inline]
    fn drop(&mut self) {
        let bytes = self.shape().block_bytes;
        // SAFETY: the block was allocated with this layout, and is not used any more.
        unsafe { dealloc(self.block(), Layout::from_size_align_unchecked(bytes, WORD)) }
    }
}

/// The value as it is stored: as an integer, if it reads as one.
#[inline]
fn canonical(value: StringRef<'_>) -> StringRef<'_> {
    match value {
        StringRef::Bytes(bytes) => parse_i64(bytes).map_or(value, StringRef::Int),
        StringRef::Int(_) => value,
    }
}

/// Bytes that a canonical value takes.
#[inline]
fn stored_len(value: StringRef<'_>) -> usize {
    match value {
        StringRef::Bytes(bytes) => bytes.len(),
        StringRef::Int(number) => 1 << int_width_log(number),
    }
}

/// The width of an integer: 0 for one byte, 1 for two, 2 for four, 3 for eight.
#[inline]
fn int_width_log(number: i64) -> u8 {
    match number {
        -0x80..=0x7f => 0,
        -0x8000..=0x7fff => 1,
        -0x8000_0000..=0x7fff_ffff => 2,
        _ => 3,
    }
}

#[inline]
fn allocate(bytes: usize) -> *mut u8 {
    let layout = Layout::from_size_align(bytes, WORD).expect("a field is a slice, and far from isize::MAX");
    // SAFETY: the size is not zero: there is always a header.
    let block = unsafe { alloc(layout) };
    if block.is_null() {
        handle_alloc_error(layout);
    }
    assert_eq!(block.addr() & !ADDRESS_MASK, 0, "the allocator's addresses are aligned and have 48 bits");
    block
}

#[cold]
fn too_long() -> u32 {
    panic!("a field and its value are longer than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;
    use StringRef::{Bytes, Int};

    #[test]
    fn fields_and_values_of_all_lengths_come_back() {
        let text = vec![b'x'; 400];
        let values = [
            Bytes(b""),
            Bytes(b"a value"),
            Int(-128),
            Int(300),
            Int(70_000),
            Int(i64::MIN),
            Bytes(&text[..239]),
        ];
        for field_len in (0..40).chain(250..260) {
            let field = &text[..field_len];
            let mut pair = Pair::new(field, Int(0));
            pair.set_tag(77);
            for value in values.into_iter().chain([Bytes(&text[..240]), Bytes(&text), Int(5)]) {
                let fresh = Pair::new(field, value);
                assert_eq!((fresh.field(), fresh.value(), fresh.tag()), (field, value, 0));
                pair.set_value(value);
                assert_eq!((pair.field(), pair.value(), pair.tag()), (field, value, 77));
                assert!(pair.memory_bytes() <= (2 * fresh.memory_bytes()).max(64));
            }
        }
    }

    #[test]
    fn integers_are_compact_and_stay_in_place() {
        let mut pair = Pair::new(b"sixteen byte key", Bytes(b"12345678"));
        assert_eq!((pair.value(), pair.memory_bytes()), (Int(12_345_678), 24));
        let before = pair.field().as_ptr();
        pair.set_value(Int(-1));
        assert!(pair.field().as_ptr() == before);
        assert_eq!(Pair::new(b"sixteen byte key", Bytes(b"8 bytes.")).memory_bytes(), 32);
    }
}
