//! The keyspace: a hash table that grows and shrinks a segment at a time, so that no command ever pays for
//! more than one, and whose cursor is a position in the order of hashes, so that a scan misses nothing.
//!
//! * A hash's top bits choose a segment through a directory; the next seven its home bucket; its lowest eight
//!   the fingerprint.
//! * A full segment splits in two, which copies slots and touches no entry. The directory doubles when a segment
//!   is as deep as it; that is a copy of 4-byte numbers.
//! * Segments split at different fill levels, so that they do not all do so at once.
//! * Two halves that are nearly empty become one again.
//! * A *cursor* is a hash position: everything at home before it has been visited. Neither a split nor a merge
//!   moves an entry across it.

mod database;
mod entry;
mod hash;
mod occupied;
mod prefetch;
mod segment;

pub use database::{Database, Discarded, ExpireProgress, TableStats};
pub use entry::{Entry, EntryRef, INLINE_VALUE_LEN_MAX, SHORT_KEY_LEN_MAX, UnixMillis};
pub use hash::HashKey;
pub use occupied::Occupied;

pub use crate::value::NewValue;

/// A key and its hash.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// The key.
    pub bytes: &'a [u8],
    /// Its hash under the database's [`HashKey`].
    pub hash: u64,
}
