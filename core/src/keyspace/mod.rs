//! The keyspace: segmented extendible hashing of entries that are one allocation each.
//!
//! A lookup takes two cache misses, one for the bucket and one for the entry; an insertion takes one allocation;
//! growing never stalls, and no cursor ever misses what was there all along.
//!
//! ```text
//! hash      [ prefix … | home ………… | …… | fingerprint ]          SipHash-1-3, keyed
//!               │           │                 │
//! directory     └─► word = segment, homes, depth
//! segment                   └─► bucket: 7 fingerprints, flags, 7 slots      one cache line
//! slot                                        └─► entry: header, expiry, key, value
//! ```
//!
//! - The *directory* is indexed by the hash's top bits; a *segment* holds all hashes that begin with its prefix. A
//!   full segment is rebuilt into the next size, the largest is split in two, and only then does the directory
//!   double, if it has to. Each of these moves some thousand slots at most.
//! - *Home buckets* are in the order of hashes, across segments as well as within. A SCAN cursor is a position in
//!   that order, and an element never moves in it: that is the whole proof of SCAN's guarantee.
//! - A *slot* is the entry's address and a window of 16 hash bits, so that rebuilding and splitting move slots
//!   without touching entries. Every seven doublings the window has to move on, and those splits hash their keys.
//! - Removing makes segments smaller again and merges neighbours; an empty database has no memory.
//! - Expiry needs no second table: a bit of the slot says whether the entry has one, and each segment knows
//!   a time before which nothing in it expires.
//! - A snapshot is taken home by home while commands go on: see `frozen`.
//!
//! Nothing here depends on addresses, time or chance: equal operations give equal tables.

mod bucket;
mod database;
mod directory;
mod element;
mod entry;
mod frozen;
mod hash;
mod occupied;
mod prefetch;
mod segment;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use element::{ADDRESS_MASK, Element, TAG_SHIFT};
pub(crate) use entry::{copy_short, is_equal};
pub(crate) use frozen::{Saved, Saver};
pub(crate) use occupied::OccupiedElement;
pub(crate) use prefetch::prefetch;
pub(crate) use table::{Remnants, Table};

pub use crate::value::NewValue;
pub use database::{Database, Discarded, Occupied};
pub use entry::{Entry, EntryRef, INLINE_LEN_MAX};
pub use hash::HashKey;

/// An instant of the wall clock in milliseconds since the Unix epoch: when a key expires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whether a key with this expiry is gone at `now`: as in Redis, only once the instant lies behind.
    #[must_use]
    #[inline]
    pub fn is_past(self, now: UnixMillis) -> bool {
        self < now
    }
}

/// A key with its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The key itself.
    pub bytes: &'a [u8],
    /// Its hash under the database's [`HashKey`].
    pub hash: u64,
}

/// How far [`Database::expire_cycle`] came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireProgress {
    /// Whether it came to the end. The cursor is then at the beginning again.
    pub finished: bool,
    /// Segments passed.
    pub segments: usize,
    /// Entries with an expiry looked at.
    pub entries: usize,
}

/// How full a table is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableStats {
    /// Number of entries.
    pub len: usize,
    /// Number of segments.
    pub segments: usize,
    /// Length of the directory.
    pub directory_len: usize,
    /// Fewest hash bits that choose a segment.
    pub depth_min: u32,
    /// Most hash bits that choose a segment.
    pub depth_max: u32,
    /// Number of slots, empty ones included.
    pub slots: usize,
    /// Number of entries outside of their home buckets.
    pub overflowed: usize,
    /// Bytes of memory for segments and directory.
    pub bytes: usize,
}

impl Default for TableStats {
    fn default() -> TableStats {
        TableStats {
            len: 0,
            segments: 0,
            directory_len: 0,
            depth_min: u32::MAX,
            depth_max: 0,
            slots: 0,
            overflowed: 0,
            bytes: 0,
        }
    }
}
