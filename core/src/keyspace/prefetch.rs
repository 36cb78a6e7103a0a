//! Asking the processor to fetch memory that will be read soon.

#![allow(unsafe_code, reason = "the prefetch instruction is an unsafe intrinsic")]

/// Begins to fetch the cache line at an address. Any address will do: a prefetch never faults.
#[inline]
pub(super) fn prefetch(address: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: SSE is part of x86-64, and a prefetch neither faults nor changes anything.
    unsafe {
        std::arch::x86_64::_mm_prefetch(address.cast::<i8>(), std::arch::x86_64::_MM_HINT_T0);
    }
    #[cfg(any(not(target_arch = "x86_64"), miri))]
    let _ = address;
}
