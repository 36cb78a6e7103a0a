//! How large nodes may become, by Redis' rules.

use super::node::Node;
use crate::value::listpack::{BYTES_LEN_MIN, string_element_len};

/// What the configuration says about lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListLimits {
    /// `list-max-listpack-size`: how many elements a node may have or, below zero, its size: -1 for 4 KB, and
    /// twice as much with each step to -5.
    pub fill: i32,
    /// `list-compress-depth`: how many nodes at either end stay as they are while those between are compressed;
    /// 0 for all.
    pub compress_depth: u32,
    /// Elements of this many bytes are what Redis calls plain nodes, which never go into a listpack.
    pub packed_threshold_bytes: usize,
}

impl Default for ListLimits {
    /// Those of Redis.
    fn default() -> ListLimits {
        ListLimits { fill: -2, compress_depth: 0, packed_threshold_bytes: 1 << 30 }
    }
}

/// The limit in bytes when the configured one is a number of elements.
const SAFETY_BYTES_MAX: usize = 8192;

/// The limit in bytes of `fill` -1.
const FIRST_SIZE_BYTES: usize = 4096;

/// The last `fill` that has a size of its own.
const LAST_SIZE: i32 = -5;

/// The largest `fill` a quicklist keeps.
const FILL_MAX: i32 = 32_767;

/// The largest depth a quicklist keeps.
const COMPRESS_DEPTH_MAX: u32 = 65_535;

/// How much an element takes besides its bytes, in the estimate by which Redis decides whether it still fits.
const OVERHEAD_BYTES_ESTIMATE: usize = 8;

/// How large a listpack may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SizeLimits {
    /// Most bytes.
    pub bytes_max: usize,
    /// Most elements.
    pub len_max: usize,
    /// Whether the number of elements is what is configured.
    is_by_len: bool,
}

impl SizeLimits {
    /// What `fill` says.
    #[inline]
    pub fn new(fill: i32) -> SizeLimits {
        match usize::try_from(fill) {
            Ok(len) => SizeLimits { bytes_max: SAFETY_BYTES_MAX, len_max: len.max(1), is_by_len: true },
            Err(_) => SizeLimits {
                bytes_max: FIRST_SIZE_BYTES << (-1 - fill.max(LAST_SIZE)),
                len_max: usize::MAX,
                is_by_len: false,
            },
        }
    }

    /// Whether a listpack of so many bytes and elements is too large.
    #[inline]
    pub fn are_exceeded(&self, bytes: usize, len: usize) -> bool {
        bytes > self.bytes_max || len > self.len_max
    }

    /// Whether a list of one node of this size is small enough to become a listpack: below half the limit if it
    /// has been shrinking, so that it does not go back and forth. Only the limit that is configured counts.
    pub fn suit_listpack(&self, bytes: usize, len: usize, is_shrinking: bool) -> bool {
        let part = if is_shrinking { 2 } else { 1 };
        if self.is_by_len { len <= self.len_max / part } else { bytes <= self.bytes_max / part }
    }
}

/// The limits of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NodeLimits {
    size: SizeLimits,
    /// Elements of this many bytes are what Redis calls plain.
    pub packed_threshold_bytes: usize,
    /// Elements of more bytes than this don't share a node with others.
    small_bytes_max: usize,
}

impl NodeLimits {
    pub fn new(limits: ListLimits) -> NodeLimits {
        let size = SizeLimits::new(limits.fill.min(FILL_MAX));
        let packed_threshold_bytes = limits.packed_threshold_bytes;
        let small_bytes_max =
            longest_string_alone(size.bytes_max).min(packed_threshold_bytes.saturating_sub(1));
        NodeLimits { size, packed_threshold_bytes, small_bytes_max }
    }

    /// Whether an element of so many bytes gets a node of its own.
    #[inline]
    pub fn is_large(&self, element_bytes: usize) -> bool {
        element_bytes > self.small_bytes_max
    }

    /// Whether a listpack of this size takes one more element of so many bytes.
    #[inline]
    pub fn admit(&self, bytes: usize, len: usize, element_bytes: usize) -> bool {
        !self.is_large(element_bytes)
            && !self.size.are_exceeded(bytes + element_bytes + OVERHEAD_BYTES_ESTIMATE, len + 1)
    }

    /// Whether a node takes one more element of so many bytes.
    pub fn admit_into(&self, node: &Node, element_bytes: usize) -> bool {
        !node.is_plain() && self.admit(node.bytes_len(), node.len(), element_bytes)
    }

    /// Whether two neighbours may become one node.
    pub fn admit_merge(&self, left: &Node, right: &Node) -> bool {
        // One header and one end less. Redis 7.0 subtracts 11 instead, as for the format before listpacks.
        let bytes = left.bytes_len() + right.bytes_len() - BYTES_LEN_MIN;
        !left.is_plain() && !right.is_plain() && !self.size.are_exceeded(bytes, left.len() + right.len())
    }
}

/// The depth a quicklist keeps.
pub(super) fn compress_depth_of(limits: ListLimits) -> usize {
    limits.compress_depth.min(COMPRESS_DEPTH_MAX) as usize
}

/// The longest string whose listpack is within this limit.
fn longest_string_alone(bytes_max: usize) -> usize {
    let fits = |len: &usize| BYTES_LEN_MIN + string_element_len(*len) <= bytes_max;
    (0..bytes_max).rev().find(fits).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_follow_from_fill() {
        let of = |fill| {
            let limits = NodeLimits::new(ListLimits { fill, ..ListLimits::default() });
            (limits.size.bytes_max, limits.size.len_max)
        };
        assert_eq!(of(0), (8192, 1));
        assert_eq!(of(1), (8192, 1));
        assert_eq!(of(128), (8192, 128));
        assert_eq!(of(i32::MAX), (8192, 32_767));
        assert_eq!(of(-1), (4096, usize::MAX));
        assert_eq!(of(-2), (8192, usize::MAX));
        assert_eq!(of(-5), (65_536, usize::MAX));
        assert_eq!(of(i32::MIN), (65_536, usize::MAX));
        assert_eq!(SizeLimits::new(40_000).len_max, 40_000);
    }

    #[test]
    fn large_is_what_fills_a_node_alone() {
        let limits = NodeLimits::new(ListLimits::default());
        // Header and end take 7 bytes, the head of a long string 5, and the length behind it 2.
        assert!(!limits.is_large(8192 - 14));
        assert!(limits.is_large(8192 - 13));
        assert!(limits.admit(7, 0, 8192 - 15));
        assert!(!limits.admit(8, 1, 8192 - 15));
        let debugged = ListLimits { packed_threshold_bytes: 10, ..ListLimits::default() };
        assert!(!NodeLimits::new(debugged).is_large(9));
        assert!(NodeLimits::new(debugged).is_large(10));
    }

    #[test]
    fn going_back_takes_half() {
        let by_size = SizeLimits::new(-2);
        assert!(by_size.suit_listpack(8192, 9000, false) && !by_size.suit_listpack(8193, 1, false));
        assert!(by_size.suit_listpack(4096, 9000, true) && !by_size.suit_listpack(4097, 1, true));
        let by_len = SizeLimits::new(5);
        assert!(by_len.suit_listpack(1 << 20, 2, true) && !by_len.suit_listpack(10, 3, true));
        let one = SizeLimits::new(1);
        assert!(one.suit_listpack(10, 1, false) && !one.suit_listpack(10, 1, true));
    }
}
