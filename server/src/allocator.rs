//! jemalloc, built with size classes 8 bytes apart.
//!
//! With such classes plain `malloc` promises no more than 8-byte alignment: whatever needs more has to say so.
//! That is why this is not the ready-made wrapper, which takes 16 for granted.

#![allow(unsafe_code, reason = "a global allocator is an unsafe interface")]

use rotom_io_epoll::AllocatorFigures;
use std::alloc::{GlobalAlloc, Layout};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use tikv_jemalloc_sys as jemalloc;

/// The alignment every allocation has without being asked for.
const ALIGN_GIVEN: usize = 8;

/// The allocator of the binary.
pub(crate) struct Jemalloc;

/// jemalloc's options: one arena, since one thread serves; slabs of several pages for small blocks, each of which has a
/// record of 128 bytes; freed pages go back to the system after a fifth of a second,
/// since a growing table leaves its smaller segments behind.
#[unsafe(export_name = "malloc_conf")]
static OPTIONS: Options = Options(c"narenas:1,tcache_max:4096,slab_sizes:1-64:4,dirty_decay_ms:200".as_ptr());

#[repr(transparent)]
struct Options(*const c_char);

// SAFETY: the pointer is to a constant that nobody writes.
unsafe impl Sync for Options {}

/// The flags that ask for a layout's alignment.
#[inline]
fn flags(layout: Layout) -> c_int {
    if layout.align() <= ALIGN_GIVEN { 0 } else { jemalloc::MALLOCX_ALIGN(layout.align()) }
}

// SAFETY: every method hands its arguments to jemalloc, with the same alignment flag when a block is made and when
// it is freed; none unwinds.
unsafe impl GlobalAlloc for Jemalloc {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout);
        // SAFETY: the caller gives a layout whose size is not zero.
        unsafe {
            if flags == 0 { jemalloc::malloc(layout.size()) } else { jemalloc::mallocx(layout.size(), flags) }
                .cast()
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let flags = flags(layout);
        // SAFETY: the caller gives a layout whose size is not zero.
        unsafe {
            if flags == 0 {
                jemalloc::calloc(1, layout.size())
            } else {
                jemalloc::mallocx(layout.size(), flags | jemalloc::MALLOCX_ZERO)
            }
            .cast()
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller gives a block of ours with the layout it was made for.
        unsafe { jemalloc::sdallocx(block.cast(), layout.size(), flags(layout)) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller gives a block of ours with the layout it was made for, and a size that is not zero.
        unsafe { jemalloc::rallocx(block.cast(), new_size, flags(layout)).cast() }
    }
}

/// Starts or stops the thread that gives freed pages back to the system. Without it they go back when more is freed,
/// or asked for: not at all in a server that has nothing to do. A process that forks has to start it behind the fork.
pub(crate) fn set_background_thread(is_wanted: bool) {
    let mut is_wanted = is_wanted;
    // SAFETY: the name is jemalloc's; the value written is of the type it has.
    unsafe {
        jemalloc::mallctl(
            c"background_thread".as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            (&raw mut is_wanted).cast::<c_void>(),
            size_of::<bool>(),
        );
    }
}

/// What the allocator holds.
pub(crate) fn figures() -> AllocatorFigures {
    // jemalloc keeps its figures until the epoch is advanced.
    let mut epoch = 1_u64;
    let len = size_of::<u64>();
    // SAFETY: the name is jemalloc's; the value written is of the type it has.
    unsafe {
        jemalloc::mallctl(
            c"epoch".as_ptr(),
            ptr::null_mut(),
            ptr::null_mut(),
            (&raw mut epoch).cast::<c_void>(),
            len,
        );
    }
    AllocatorFigures {
        allocated_bytes: figure(c"stats.allocated"),
        active_bytes: figure(c"stats.active"),
        resident_bytes: figure(c"stats.resident"),
    }
}

/// One figure, zero if jemalloc does not have it.
fn figure(name: &CStr) -> u64 {
    let mut value = 0_usize;
    let mut len = size_of::<usize>();
    // SAFETY: the named figures are of type `size_t`, and `len` says that there is room for one.
    unsafe {
        jemalloc::mallctl(name.as_ptr(), (&raw mut value).cast::<c_void>(), &raw mut len, ptr::null_mut(), 0);
    }
    value as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alignment_is_kept_where_size_classes_are_not_aligned() {
        for align in [1, 8, 16, 32, 64, 4096] {
            for size in [1, 24, 40, 52, 56, 100, 5000] {
                // SAFETY: the layout is valid and not empty, and the block is freed with it.
                unsafe {
                    let layout = Layout::from_size_align_unchecked(size, align);
                    let blocks: Vec<*mut u8> = (0..16).map(|_| Jemalloc.alloc(layout)).collect();
                    for block in &blocks {
                        assert_eq!(block.addr() % align, 0, "{size} bytes at {align}");
                    }
                    blocks.into_iter().for_each(|block| Jemalloc.dealloc(block, layout));
                }
            }
        }
    }
}
