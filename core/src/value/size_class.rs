//! The sizes in which the allocator hands out memory, so that a structure can use all of a block it has got.
//!
//! They are jemalloc's with a quantum of 8 bytes: multiples of 8 up to 64, then four sizes to each doubling. A
//! block that grows from one size to the next grows by an eighth at least, which makes growing amortised.

/// A block may be more than twice as large as what it holds if it is no larger than this.
const LAVISH_BLOCK_BYTES_MAX: usize = 64;

/// The size of the block one gets for `needed` bytes.
#[inline]
pub(super) fn size_class(needed: usize) -> usize {
    if needed <= 64 {
        needed.next_multiple_of(8)
    } else {
        needed.next_multiple_of(1 << ((needed - 1).ilog2() - 2))
    }
}

/// Whether a block is so large for `needed` bytes that a smaller one should take its place.
#[inline]
pub(super) fn is_wasteful(needed: usize, block_bytes: usize) -> bool {
    block_bytes > LAVISH_BLOCK_BYTES_MAX && needed < block_bytes / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_those_of_the_allocator() {
        let classes = [8, 16, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 7168, 8192, 10240, 1 << 20];
        for class in classes {
            assert_eq!(size_class(class), class);
            assert!(size_class(class + 1) > class);
            assert!(!is_wasteful(class / 2, class));
        }
        assert_eq!(size_class(65), 80);
        assert_eq!(size_class(8193), 10240);
        assert!(is_wasteful(39, 80) && !is_wasteful(1, 64));
    }
}
