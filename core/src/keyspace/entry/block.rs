//! Blocks of memory for entries: their sizes, and copying and comparing short runs of bytes.

#![expect(unsafe_code, reason = "allocates, and copies without a call")]

use super::WORD;
use super::header::Header;
use crate::keyspace::element::ADDRESS_MASK;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ptr;

/// A block may be at most twice what it holds, unless it is no larger than this.
const LAVISH_BLOCK_BYTES_MAX: usize = 64;

/// Up to this length, bytes are compared and copied by our own loops.
const SHORT_LEN_MAX: usize = 64;

/// Whether a block can go on holding what needs so many bytes.
#[inline]
pub fn is_fitting(needed: usize, block_bytes: usize) -> bool {
    needed <= block_bytes && (block_bytes <= LAVISH_BLOCK_BYTES_MAX || 2 * needed >= block_bytes)
}

/// The size of the allocator's that holds `needed` bytes: multiples of 8 up to 64, then four sizes to each doubling.
#[inline]
fn block_bytes(needed: usize) -> usize {
    if needed <= 64 {
        needed.next_multiple_of(8)
    } else {
        needed.next_multiple_of(1 << ((needed - 1).ilog2() - 2))
    }
}

/// A block for `needed` bytes, and the header with its size. The header has to be written yet, the long form of
/// a long key is.
#[inline]
pub fn allocate(needed: usize, header: Header, key_len: usize) -> (*mut u8, Header) {
    let bytes = block_bytes(needed);
    let layout = Layout::from_size_align(bytes, WORD).expect("a key is a slice, and far from isize::MAX");
    // SAFETY: the size is not zero: there is always a header.
    let block = unsafe { alloc(layout) };
    if block.is_null() {
        handle_alloc_error(layout);
    }
    assert_eq!(block.addr() & !ADDRESS_MASK, 0, "the allocator's addresses are aligned and have 48 bits");
    if header.is_long() {
        let long = [key_len, bytes / WORD].map(|number| u32::try_from(number).unwrap_or_else(|_| too_long()));
        // SAFETY: a block with a long key is longer than two words, and aligned to one.
        unsafe { block.add(WORD).cast::<[u32; 2]>().write(long) };
        return (block, header);
    }
    // A short key and the longest inline value make less than 64 words.
    (block, header.with_block_bytes(bytes))
}

#[cold]
fn too_long() -> u32 {
    panic!("a key is longer than 4 GiB")
}

/// # Safety
///
/// `block` came from `allocate`, has this size, and is not used any more.
#[inline]
pub unsafe fn free(block: *mut u8, bytes: usize) {
    // SAFETY: a block of this layout was allocated, and is not used any more, as the caller promises.
    unsafe { dealloc(block, Layout::from_size_align_unchecked(bytes, WORD)) }
}

/// Copies `len` bytes, which are few as a rule: calling `memcpy` would take longer than this.
///
/// # Safety
///
/// As for [`ptr::copy_nonoverlapping`].
#[inline]
pub unsafe fn copy_short(from: *const u8, to: *mut u8, len: usize) {
    if !(WORD..=SHORT_LEN_MAX).contains(&len) {
        // SAFETY: as the caller promises.
        return unsafe { ptr::copy_nonoverlapping(from, to, len) };
    }
    let mut at = 0;
    while at + WORD < len {
        // SAFETY: these are bytes `at` to `at` + 8 of `len`.
        unsafe { to.add(at).cast::<u64>().write_unaligned(from.add(at).cast::<u64>().read_unaligned()) };
        at += WORD;
    }
    let last = len - WORD;
    // SAFETY: these are the last eight of at least eight bytes.
    unsafe { to.add(last).cast::<u64>().write_unaligned(from.add(last).cast::<u64>().read_unaligned()) };
}

/// Whether two keys are equal. Keys are short, and calling `memcmp` would take longer than this.
#[inline]
pub fn is_equal(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    match a.len() {
        0..4 => a.iter().eq(b),
        4..8 => have_equal_ends::<4>(a, b),
        8..=16 => have_equal_ends::<8>(a, b),
        17..=32 => have_equal_ends::<16>(a, b),
        _ => a == b,
    }
}

/// Whether the first and the last `N` bytes are equal: everything, if there are between `N` and `2 * N`.
#[inline(always)]
fn have_equal_ends<const N: usize>(a: &[u8], b: &[u8]) -> bool {
    a.first_chunk::<N>() == b.first_chunk::<N>() && a.last_chunk::<N>() == b.last_chunk::<N>()
}
