//! What a table holds: owned pointers that leave some of their bits to the table.

#![expect(unsafe_code, reason = "declares the contract that lets a table keep hash bits inside pointers")]

use super::UnixMillis;
use super::hash::HashKey;

/// Bits of an element's word that are its address; allocations are 8-byte aligned and lie below 2^48.
pub const ADDRESS_MASK: usize = 0x0000_ffff_ffff_fff8;

/// The lowest of the bits that belong to the table.
pub const TAG_SHIFT: u32 = 48;

// The layout of words, here and in directories, is made for 64-bit addresses.
const _: () = assert!(usize::BITS == 64);

/// An owned thin pointer that a table can hold: 48 bits are the element's, the 16 above are the table's tag.
///
/// # Safety
///
/// The implementing type is `repr(transparent)` over [`NonNull<u8>`](std::ptr::NonNull), so that `None` is all
/// zeros in `Option<Self>`. Its methods work whatever the tag is, and only [`set_tag`](Element::set_tag) changes
/// it.
pub unsafe trait Element: Sized {
    /// What elements are found by. Equal keys have to compare equal: where a key could be given in two ways, the
    /// implementing type says which one it is.
    type Key<'k>: Copy;

    /// The element's key.
    fn key(&self) -> Self::Key<'_>;

    /// Whether this is the element's key.
    fn has_key(&self, key: Self::Key<'_>) -> bool;

    /// The hash of its key.
    fn hash(&self, hash_key: HashKey) -> u64;

    /// When the element ends, if it does.
    fn expiry(&self) -> Option<UnixMillis>;

    /// Whether it ends at all, answered without looking at its memory.
    fn has_expiry(&self) -> bool;

    /// Begins to fetch its memory.
    fn prefetch(&self);

    /// The table's 16 bits.
    fn tag(&self) -> u16;

    /// Changes the table's 16 bits.
    fn set_tag(&mut self, tag: u16);
}
