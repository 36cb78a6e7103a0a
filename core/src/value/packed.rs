//! Short strings in blocks of their own, with nothing beside them: the pointer knows how long they are.
//!
//! ```text
//! word   63..48 belong to whoever holds it | 47..3 address | 2..0 form
//!
//! form   block, behind the head
//! 0      length (u32), text                            25 bytes of text and more
//! 1 3 5  8, 16, 24 bytes: text, to spare, how many bytes that is, itself included
//! 2 4 6  8, 16, 24 bytes: text
//! 7      no block: the address bits are a number
//! ```
//!
//! A text of 16 bytes takes 16 bytes. The *head* is so many bytes before the text that may change, a multiple of
//! 8: the score of a member.

#![expect(unsafe_code, reason = "lays out its own blocks of memory, and keeps notes inside pointers")]

use super::size_class::size_class;
use crate::keyspace::{ADDRESS_MASK, TAG_SHIFT, copy_short, prefetch};
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::num::NonZero;
use std::ptr::NonNull;

const WORD: usize = 8;

const FORM_MASK: usize = 7;
const FORM_LONG: usize = 0;
const FORM_NUMBER: usize = 7;

/// The longest text whose length the pointer knows.
const SHORT_LEN_MAX: usize = 3 * WORD;

/// Bytes of the length of a long text.
const LONG_LEN_BYTES: usize = 4;

/// Bits beside those of the address: so far a number has to be moved to get its sign.
const NUMBER_SPARE_BITS: u32 = 19;

/// A text behind a head, or a number. Owns its memory.
#[repr(transparent)]
pub struct Packed<const HEAD: usize>(NonNull<u8>);

/// A copy of the pointer of a [`Packed`] text, with 16 bits that are its own.
///
/// Invariant: the text is alive. Those who keep aliases see to it; everybody else borrows one from them.
#[repr(transparent)]
#[derive(Clone, Copy)]
pub struct Alias<const HEAD: usize>(NonNull<u8>);

// SAFETY: it is the only owner of its block, which has no threads of its own.
unsafe impl<const HEAD: usize> Send for Packed<HEAD> {}
// SAFETY: nothing changes through a shared one.
unsafe impl<const HEAD: usize> Sync for Packed<HEAD> {}
// SAFETY: it belongs to the structure that owns the text.
unsafe impl<const HEAD: usize> Send for Alias<HEAD> {}
// SAFETY: nothing changes through an alias.
unsafe impl<const HEAD: usize> Sync for Alias<HEAD> {}

impl<const HEAD: usize> Packed<HEAD> {
    /// A copy of `text`.
    #[inline]
    pub fn new(head: [u8; HEAD], text: &[u8]) -> Packed<HEAD> {
        const { assert!(HEAD.is_multiple_of(WORD)) };
        let form = form_for(text.len());
        let block = allocate(block_bytes::<HEAD>(text.len()));
        // SAFETY: the block begins with room for the head.
        unsafe { block.cast::<[u8; HEAD]>().write(head) };
        // SAFETY: the head is within the block.
        let behind_head = unsafe { block.add(HEAD) };
        let at = if form == FORM_LONG {
            let len = u32::try_from(text.len()).unwrap_or_else(|_| too_long());
            // SAFETY: the block of a long text has room for its length here, which is aligned to it.
            unsafe { behind_head.cast::<u32>().write(len) };
            // SAFETY: the text follows within the block.
            unsafe { behind_head.add(LONG_LEN_BYTES) }
        } else {
            let room = room_of(form);
            let last = if is_exact(form) { 0 } else { room - text.len() };
            // SAFETY: these are the last eight bytes of the block; the text may overwrite them.
            unsafe { behind_head.add(room - WORD).cast::<u64>().write((last as u64) << 56) };
            behind_head
        };
        // SAFETY: the block is new and has room for the text there.
        unsafe { copy_short(text.as_ptr(), at, text.len()) };
        // SAFETY: `allocate` does not return null.
        Packed(unsafe { NonNull::new_unchecked(block.map_addr(|address| address | form)) })
    }

    /// A number, if it is small enough to need no block.
    #[inline]
    pub fn of_number(number: i64) -> Option<Packed<HEAD>> {
        if !is_small(number) {
            return None;
        }
        let bits = ((number << 3) as usize & ADDRESS_MASK) | FORM_NUMBER;
        NonZero::new(bits).map(|bits| Packed(NonNull::without_provenance(bits)))
    }

    /// The number, if it is one.
    #[inline]
    pub fn number(&self) -> Option<i64> {
        let word = self.0.addr().get();
        (word & FORM_MASK == FORM_NUMBER)
            .then_some((word << (u64::BITS - TAG_SHIFT)) as i64 >> NUMBER_SPARE_BITS)
    }

    /// The text; none for a number.
    #[inline]
    pub fn text(&self) -> Option<&[u8]> {
        // SAFETY: it is not a number, and its block is alive as long as it is.
        self.number().is_none().then(|| unsafe { text_at::<HEAD>(self.0) })
    }

    /// What is before the text. There has to be one.
    #[inline]
    pub fn head(&self) -> [u8; HEAD] {
        assert!(self.number().is_none());
        // SAFETY: the block begins with the head.
        unsafe { block_of(self.0).cast::<[u8; HEAD]>().read() }
    }

    /// Changes what is before the text. There has to be one.
    #[inline]
    pub fn set_head(&mut self, head: [u8; HEAD]) {
        assert!(self.number().is_none());
        // SAFETY: the block begins with the head, and whoever reads it borrows its owner.
        unsafe { block_of(self.0).cast::<[u8; HEAD]>().write(head) }
    }

    /// Bytes of memory besides the pointer.
    pub fn memory_bytes(&self) -> usize {
        self.text().map_or(0, |text| block_bytes::<HEAD>(text.len()))
    }

    /// Another pointer to the text.
    #[inline]
    pub fn alias(&self) -> Alias<HEAD> {
        assert!(self.number().is_none());
        Alias(with_tag(self.0, 0))
    }

    /// Begins to fetch the text.
    #[inline]
    pub fn prefetch(&self) {
        prefetch(block_of(self.0));
    }

    /// The 16 bits that belong to whoever holds it.
    #[inline]
    pub fn tag(&self) -> u16 {
        tag_of(self.0)
    }

    /// Changes them.
    #[inline]
    pub fn set_tag(&mut self, tag: u16) {
        self.0 = with_tag(self.0, tag);
    }
}

impl<const HEAD: usize> Drop for Packed<HEAD> {
    #[inline]
    fn drop(&mut self) {
        if let Some(text) = self.text() {
            let bytes = block_bytes::<HEAD>(text.len());
            // SAFETY: a block for a text of this length was allocated with this layout, and is not used any more.
            unsafe { dealloc(block_of(self.0), Layout::from_size_align_unchecked(bytes, WORD)) }
        }
    }
}

impl<const HEAD: usize> Alias<HEAD> {
    /// The text.
    #[inline]
    pub fn text(&self) -> &[u8] {
        // SAFETY: by the invariant it is alive while whoever keeps this alias is borrowed, and it is no number.
        unsafe { text_at::<HEAD>(self.0) }
    }

    /// What is before the text.
    #[inline]
    pub fn head(self) -> [u8; HEAD] {
        // SAFETY: by the invariant the block is alive, and it begins with the head.
        unsafe { block_of(self.0).cast::<[u8; HEAD]>().read() }
    }

    /// Where the text lies, its head included.
    #[inline]
    pub fn address(self) -> usize {
        block_of(self.0).addr()
    }

    /// Whether both are of the same text, in the same place.
    #[inline]
    pub fn is_same(self, other: Alias<HEAD>) -> bool {
        block_of(self.0) == block_of(other.0)
    }

    /// Begins to fetch the text.
    #[inline]
    pub fn prefetch(self) {
        prefetch(block_of(self.0));
    }

    /// The 16 bits that are its own.
    #[inline]
    pub fn tag(self) -> u16 {
        tag_of(self.0)
    }

    /// The same with other bits.
    #[inline]
    pub fn tagged(self, tag: u16) -> Alias<HEAD> {
        Alias(with_tag(self.0, tag))
    }
}

/// Whether a number needs no block.
#[inline]
pub fn is_small(number: i64) -> bool {
    number << NUMBER_SPARE_BITS >> NUMBER_SPARE_BITS == number
}

/// The form of a text of this length.
#[inline]
fn form_for(len: usize) -> usize {
    match len {
        0..=SHORT_LEN_MAX => {
            let words = len.div_ceil(WORD).max(1);
            2 * words - usize::from(len != words * WORD)
        }
        _ => FORM_LONG,
    }
}

/// The bytes behind the head in a block of this short form.
#[inline]
fn room_of(form: usize) -> usize {
    form.div_ceil(2) * WORD
}

/// Whether the text takes all of a block of this short form.
#[inline]
fn is_exact(form: usize) -> bool {
    form.is_multiple_of(2)
}

/// The size of a block for a text of this length.
#[inline]
fn block_bytes<const HEAD: usize>(len: usize) -> usize {
    if len <= SHORT_LEN_MAX {
        HEAD + len.next_multiple_of(WORD).max(WORD)
    } else {
        size_class(HEAD + LONG_LEN_BYTES + len)
    }
}

#[inline]
fn allocate(bytes: usize) -> *mut u8 {
    let layout = Layout::from_size_align(bytes, WORD).expect("a text is a slice, and far from isize::MAX");
    // SAFETY: the size is not zero.
    let block = unsafe { alloc(layout) };
    if block.is_null() {
        handle_alloc_error(layout);
    }
    assert_eq!(block.addr() & !ADDRESS_MASK, 0, "the allocator's addresses are aligned and have 48 bits");
    block
}

#[inline]
fn block_of(word: NonNull<u8>) -> *mut u8 {
    word.as_ptr().map_addr(|word| word & ADDRESS_MASK)
}

#[inline]
fn tag_of(word: NonNull<u8>) -> u16 {
    (word.addr().get() >> TAG_SHIFT) as u16
}

#[inline]
fn with_tag(word: NonNull<u8>, tag: u16) -> NonNull<u8> {
    let word = word.as_ptr().map_addr(|word| word << 16 >> 16 | usize::from(tag) << TAG_SHIFT);
    // SAFETY: what is below the tag is the address of an allocation, or the form of a number, hence not zero.
    unsafe { NonNull::new_unchecked(word) }
}

/// # Safety
///
/// The word is that of a text which stays alive and unchanged for `'a`.
#[inline]
unsafe fn text_at<'a, const HEAD: usize>(word: NonNull<u8>) -> &'a [u8] {
    let form = word.addr().get() & FORM_MASK;
    // SAFETY: the block has more than a head.
    let behind_head = unsafe { block_of(word).add(HEAD) };
    let (at, len) = if form == FORM_LONG {
        // SAFETY: a long text has its length here, and begins behind it.
        unsafe { (behind_head.add(LONG_LEN_BYTES), behind_head.cast::<u32>().read() as usize) }
    } else {
        let room = room_of(form);
        // SAFETY: this is the last byte of the block.
        let spare = if is_exact(form) { 0 } else { unsafe { behind_head.add(room - 1).read() } };
        (behind_head, room - usize::from(spare))
    };
    // SAFETY: so many bytes were written there.
    unsafe { std::slice::from_raw_parts(at, len) }
}

#[cold]
fn too_long() -> u32 {
    panic!("a member is longer than 4 GiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_all_lengths_come_back() {
        let text: Vec<u8> = (0..200).map(|number| number as u8 ^ 0xff).collect();
        for len in 0..text.len() {
            let mut packed = Packed::<8>::new([7; 8], &text[..len]);
            packed.set_tag(0xabcd);
            let alias = packed.alias().tagged(9);
            assert_eq!((packed.text(), packed.head(), packed.tag()), (Some(&text[..len]), [7; 8], 0xabcd));
            packed.set_head([1; 8]);
            assert_eq!((alias.text(), alias.head(), alias.tag()), (&text[..len], [1; 8], 9));
            assert!(alias.is_same(packed.alias()));
            let bare = Packed::<0>::new([], &text[..len]);
            assert_eq!((bare.text(), bare.number()), (Some(&text[..len]), None));
            let least = len.next_multiple_of(8).max(8);
            assert_eq!(bare.memory_bytes(), if len <= 24 { least } else { size_class(len + 4) });
        }
    }

    #[test]
    fn numbers_need_no_block() {
        let limit = 1_i64 << 44;
        for number in [0, 1, -1, 12_345_678, limit - 1, -limit] {
            let mut packed = Packed::<0>::of_number(number).expect("it is small");
            assert_eq!((packed.number(), packed.text(), packed.memory_bytes()), (Some(number), None, 0));
            packed.set_tag(0xffff);
            assert_eq!((packed.number(), packed.tag()), (Some(number), 0xffff));
        }
        for number in [limit, -limit - 1, i64::MAX, i64::MIN] {
            assert!(Packed::<0>::of_number(number).is_none());
        }
    }
}
