//! A block of bytes whose handle has room for a position in it: 16 bytes, so that a small collection's handle is no
//! larger than 24.

#![expect(unsafe_code, reason = "takes a boxed slice apart, to keep its length in 32 bits")]

use std::ops::{Deref, DerefMut};
use std::ptr::{NonNull, slice_from_raw_parts_mut};

/// Bytes, and a position among them. Owns its memory.
///
/// Invariant: `memory` and `len` are those of a boxed slice.
pub(super) struct Block {
    memory: NonNull<u8>,
    len: u32,
    /// A position. The block itself makes nothing of it.
    pub start: u32,
}

// SAFETY: it is the only owner of its bytes.
unsafe impl Send for Block {}
// SAFETY: nothing changes through a shared one.
unsafe impl Sync for Block {}

impl Block {
    /// Takes over bytes, of which there are less than 4 GiB.
    pub fn new(bytes: Box<[u8]>, start: u32) -> Block {
        let len = u32::try_from(bytes.len()).unwrap_or_else(|_| too_long());
        let memory = Box::into_raw(bytes).cast();
        // SAFETY: a box is never null.
        Block { memory: unsafe { NonNull::new_unchecked(memory) }, len, start }
    }
}

impl Deref for Block {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        // SAFETY: so many bytes are there and belong to the block, which is borrowed.
        unsafe { std::slice::from_raw_parts(self.memory.as_ptr(), self.len as usize) }
    }
}

impl DerefMut for Block {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as above, and nobody else has borrowed it.
        unsafe { std::slice::from_raw_parts_mut(self.memory.as_ptr(), self.len as usize) }
    }
}

impl Drop for Block {
    #[inline]
    fn drop(&mut self) {
        let bytes = slice_from_raw_parts_mut(self.memory.as_ptr(), self.len as usize);
        // SAFETY: these are a box's parts, and this is the end of its only owner.
        drop(unsafe { Box::from_raw(bytes) });
    }
}

#[cold]
pub(super) fn too_long() -> ! {
    panic!("a listpack is longer than 4 GiB")
}
