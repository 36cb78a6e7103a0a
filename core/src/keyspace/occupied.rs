//! The handle one probe returns: everything done to a key that was found goes through it, without another
//! probe.

use super::database::Database;
use super::entry::{Entry, EntryRef, UnixMillis};
use super::segment::Place;
use crate::value::{NewValue, RawString};
use bytes::Bytes;

/// A key that was found, in its place.
#[derive(Debug)]
pub struct Occupied<'a> {
    pub(super) database: &'a mut Database,
    pub(super) segment: usize,
    pub(super) place: Place,
}

impl<'a> Occupied<'a> {
    /// The entry.
    #[must_use]
    #[inline]
    pub fn entry(&self) -> EntryRef<'_> {
        self.database.entry_at(self.segment, self.place)
    }

    /// The entry, for as long as the table is not changed.
    #[must_use]
    #[inline]
    pub fn into_entry(self) -> EntryRef<'a> {
        self.database.entry_at(self.segment, self.place)
    }

    /// Gives the key a new value; its expiry stays.
    #[inline]
    pub fn set_value(&mut self, value: NewValue<'_>) {
        self.change(|entry| entry.set_value(value));
    }

    /// Gives the key a new value and a new expiry, or none.
    #[inline]
    pub fn replace(&mut self, value: NewValue<'_>, expiry: Option<UnixMillis>) {
        self.note_expiry(expiry);
        self.change(|entry| entry.replace(value, expiry));
    }

    /// Gives the key another expiry, or none.
    pub fn set_expiry(&mut self, expiry: Option<UnixMillis>) {
        self.note_expiry(expiry);
        self.change(|entry| entry.set_expiry(expiry));
    }

    /// Renews the access stamp.
    #[inline]
    pub fn set_lru(&mut self, stamp: u32) {
        self.change(|mut entry| {
            entry.set_lru(stamp);
            entry
        });
    }

    /// Appends to the string; returns its new length.
    pub fn append(&mut self, tail: &[u8]) -> usize {
        self.modify(|string| string.append(tail))
    }

    /// Overwrites the string from `offset` on, zeros filling a gap; returns its new length.
    pub fn set_range(&mut self, offset: usize, patch: &[u8]) -> usize {
        self.modify(|string| string.set_range(offset, patch))
    }

    /// A handle on a long string that outlives its place here; `None` for a short one.
    pub fn shared_bytes(&mut self) -> Option<Bytes> {
        let mut shared = None;
        self.change(|mut entry| {
            shared = entry.shared_bytes();
            entry
        });
        shared
    }

    /// Takes the entry out of the table.
    pub fn remove(self) -> Entry {
        self.database.remove_at(self.segment, self.place)
    }

    fn modify(&mut self, change: impl FnOnce(&mut RawString)) -> usize {
        let mut len = 0;
        self.change(|entry| {
            entry.modify(|string| {
                change(string);
                len = string.as_slice().len();
            })
        });
        len
    }

    /// Keeps the segment's knowledge of expiries true.
    #[inline]
    fn note_expiry(&mut self, expiry: Option<UnixMillis>) {
        if expiry.is_some() || self.entry().expiry().is_some() {
            self.database.note_expiry_at(self.segment, self.place, expiry);
        }
    }

    #[inline]
    fn change(&mut self, change: impl FnOnce(Entry) -> Entry) {
        self.database.change_at(self.segment, self.place, change);
    }
}
