//! A database: a table of entries, as commands use it.

use super::entry::{Entry, EntryRef};
use super::hash::HashKey;
use super::occupied::OccupiedElement;
use super::table::{Remnants, Table};
use super::{ExpireProgress, Key, TableStats, UnixMillis};
use crate::value::{Collection, NewValue};
use bytes::Bytes;
use std::fmt;

/// One logical database. Allocates nothing while it is empty.
pub struct Database(Table<Entry>);

/// A handle on an entry that was found; what follows needs no second search.
pub struct Occupied<'a>(OccupiedElement<'a, Entry>);

/// The former content of an emptied database, to be freed in slices. Dropping it frees the rest.
pub struct Discarded(Remnants<Entry>);

impl Database {
    /// An empty database whose keys are hashed with this key.
    #[must_use]
    pub const fn new(hash_key: HashKey) -> Database {
        Database(Table::new(hash_key))
    }

    /// An empty database that splits its segments when they have this size.
    #[cfg(test)]
    pub(crate) fn with_class_max(hash_key: HashKey, class_max: u8) -> Database {
        Database(Table::with_class_max(hash_key, class_max))
    }

    /// Checks everything that must hold of a database.
    #[cfg(test)]
    pub(crate) fn verify(&self) {
        self.0.verify();
    }

    /// What was a database's table once.
    pub(crate) fn of_table(table: Table<Entry>) -> Database {
        Database(table)
    }

    /// The table, for snapshots.
    pub(crate) fn table_mut(&mut self) -> &mut Table<Entry> {
        &mut self.0
    }

    /// Number of keys, expired ones included that were not removed yet.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no keys.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Number of keys with an expiry.
    #[must_use]
    #[inline]
    pub fn expires_len(&self) -> usize {
        self.0.expires()
    }

    /// Hashes a key, for lookups.
    #[must_use]
    #[inline]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key { bytes, hash: self.0.hash_key().hash(bytes) }
    }

    /// Begins to fetch the bucket that a key with this hash would be in.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        self.0.prefetch_bucket(hash);
    }

    /// Begins to fetch what adding a key with this hash would change.
    #[inline]
    pub fn prefetch_place(&self, hash: u64) {
        self.0.prefetch_place(hash);
    }

    /// Begins to fetch the entry of a key with this hash, if there is one. Reads the bucket.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        self.0.prefetch_element(hash);
    }

    /// Finds a key's entry, expired or not.
    #[must_use]
    #[inline]
    pub fn find(&self, key: Key<'_>) -> Option<EntryRef<'_>> {
        self.0.find(key.hash, key.bytes).map(Entry::as_ref)
    }

    /// Finds a key's entry, expired or not, to change it.
    #[must_use]
    #[inline(always)]
    pub fn find_mut(&mut self, key: Key<'_>) -> Option<Occupied<'_>> {
        self.0.find_mut(key.hash, key.bytes).map(Occupied)
    }

    /// Adds a key that is not there.
    #[inline]
    pub fn insert(&mut self, key: Key<'_>, value: NewValue<'_>, expiry: Option<UnixMillis>, lru: u32) {
        self.0.insert(key.hash, Entry::new(key.bytes, value, expiry, lru));
    }

    /// Adds an entry whose key, with this hash, is not there.
    #[inline]
    pub fn insert_entry(&mut self, hash: u64, entry: Entry) {
        self.0.insert(hash, entry);
    }

    /// Shows a few entries, those of one home bucket, and returns the cursor to go on with; 0 is the end, and the
    /// beginning. Any number is a valid cursor. An entry that is there from the first call to the last is shown
    /// at least once, whatever else changes between the calls.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(EntryRef<'_>)) -> u64 {
        self.0.scan(cursor, &mut |entry| visit(entry.as_ref()))
    }

    /// An entry chosen uniformly, with the random numbers that `random` gives.
    #[must_use]
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<EntryRef<'_>> {
        self.0.random(random).map(Entry::as_ref)
    }

    /// All entries, roughly in the order of their hashes.
    pub fn iter(&self) -> impl Iterator<Item = EntryRef<'_>> {
        self.0.iter().map(Entry::as_ref)
    }

    /// Walks segments from `cursor` on, takes out the entries whose time has come and hands them to `expired`.
    /// Segments in which nothing is due are passed over without a look at their entries. Stops at the end, or
    /// when `segments_max` segments were passed or `entries_max` entries looked at; a segment is finished first.
    pub fn expire_cycle(
        &mut self,
        cursor: &mut u64,
        now_ms: UnixMillis,
        segments_max: usize,
        entries_max: usize,
        expired: &mut dyn FnMut(Entry),
    ) -> ExpireProgress {
        self.0.expire_cycle(cursor, now_ms, segments_max, entries_max, expired)
    }

    /// Empties the database, at once.
    #[must_use]
    pub fn take(&mut self) -> Discarded {
        Discarded(self.0.take())
    }

    /// Bytes of memory for the table, without those of the entries.
    #[must_use]
    #[inline]
    pub fn bytes_of_table(&self) -> usize {
        self.0.bytes()
    }

    /// Figures on how full the table is. Walks all of it.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        self.0.stats()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("len", &self.len())
            .field("expires_len", &self.expires_len())
            .finish()
    }
}

impl<'a> Occupied<'a> {
    /// The entry.
    #[must_use]
    #[inline]
    pub fn entry(&self) -> EntryRef<'_> {
        self.0.element().as_ref()
    }

    /// The entry, for as long as the database was borrowed.
    #[must_use]
    #[inline]
    pub fn into_entry(self) -> EntryRef<'a> {
        self.0.into_element().as_ref()
    }

    /// Gives the key another value; its expiry stays.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_>) {
        self.0.change_value(|entry| entry.set_value(value));
    }

    /// Gives the key another value and this expiry.
    #[inline]
    pub fn replace(&mut self, value: NewValue<'_>, expiry: Option<UnixMillis>) {
        self.0.change(|entry| entry.replace(value, expiry));
    }

    /// Changes or removes the expiry.
    #[inline]
    pub fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        self.0.change(|entry| entry.set_expiry(expiry));
    }

    /// The collection, to change it.
    #[must_use]
    #[inline]
    pub fn collection_mut(&mut self) -> Option<&mut Collection> {
        let collection = self.0.element_mut().collection_mut()?;
        collection.before_change();
        Some(collection)
    }

    /// Changes the 24-bit LRU or LFU stamp.
    #[inline]
    pub fn set_lru(&mut self, lru: u32) {
        self.0.touch(|entry| entry.set_lru(lru));
    }

    /// Appends to a string, and returns its new length.
    pub fn append(&mut self, bytes: &[u8]) -> usize {
        self.0.change_value(|entry| entry.append(bytes))
    }

    /// Writes into a string at `offset`, with zeros before it where there was nothing. Returns the new length.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) -> usize {
        self.0.change_value(|entry| entry.set_range(offset, bytes))
    }

    /// Lets `f` change the bytes of a string as it likes.
    pub fn modify_bytes<R>(&mut self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.0.change_value(|entry| entry.modify_bytes(f))
    }

    /// A handle on the bytes of a string that lies outside its entry, for replies too long to be copied.
    #[must_use]
    pub fn shared_bytes(&mut self) -> Option<Bytes> {
        self.0.touch(Entry::shared_bytes)
    }

    /// Takes the entry out.
    pub fn remove(self) -> Entry {
        self.0.remove()
    }
}

impl fmt::Debug for Occupied<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Occupied").field(&self.entry()).finish()
    }
}

impl Discarded {
    /// Takes one entry out, to be freed.
    pub fn pop(&mut self) -> Option<Entry> {
        self.0.pop()
    }

    /// Entries that are left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Discarded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Discarded").field("len", &self.len()).finish()
    }
}
