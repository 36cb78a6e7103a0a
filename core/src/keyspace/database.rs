//! One logical database: the directory, its segments, and everything that walks them.

#![allow(
    unsafe_code,
    reason = "slots hold entries as bare addresses; this file alone turns one into the other"
)]

use super::Key;
use super::entry::{Entry, EntryRef, UnixMillis};
use super::hash::HashKey;
use super::occupied::Occupied;
use super::prefetch::prefetch;
use super::segment::{HOME_BITS, Place, SEGMENT_SLOTS_MAX, Segment, Slot, TAG_BITS};
use crate::value::NewValue;
use std::ptr::NonNull;

/// The fullest a segment may become before it splits, in entries. Fill levels are spread from
/// [`SPLIT_LEN_MIN`] to here, by segment, so that segments do not all split at once.
pub const SPLIT_LEN_MAX: usize = 960;

/// The least full a segment may be that splits although it has room, in entries.
pub const SPLIT_LEN_MIN: usize = 800;

/// Two halves merge when they hold fewer entries together than this. Far enough below [`SPLIT_LEN_MIN`] that a
/// merged segment does not split again soon.
pub const MERGE_LEN: usize = 300;

/// A removal looks for a merge whenever a segment's length is a multiple of this.
const MERGE_CHECK_INTERVAL: u16 = 16;

/// Deepest a segment may become. A hash under a secret key reaches this with no realistic number of keys.
const DEPTH_MAX: u8 = 40;

/// Random draws before sampling takes the nearest entry instead: a table this sparse is tiny.
const SAMPLE_DRAWS_MAX: usize = 4 * SEGMENT_SLOTS_MAX;

/// How many levels a segment's tags last: the bits they have beyond those that tell the home.
const TAG_LEVELS: u8 = (TAG_BITS - HOME_BITS) as u8;

/// Bytes a cache line has.
const LINE_LEN: usize = 64;

/// One logical database. An empty one owns no memory.
#[derive(Debug)]
pub struct Database {
    /// For each prefix of `depth` bits, its segment and that segment's depth.
    directory: Vec<Pointer>,
    /// Bits of a hash that choose a directory entry.
    depth: u8,
    segments: Vec<Segment>,
    /// How many segments there are of each depth.
    per_depth: [u32; DEPTH_MAX as usize + 1],
    len: usize,
    expires_len: usize,
    hash_key: HashKey,
    /// Fill levels are multiplied by this over 256; tests make segments split early.
    split_scale: usize,
}

/// A directory entry: which segment, and how deep it is, so that a lookup need not read the segment to know.
#[derive(Clone, Copy, Debug)]
struct Pointer(u32);

impl Pointer {
    fn new(segment: usize, depth: u8) -> Pointer {
        assert!(segment < 1 << 26, "a database has fewer than 2^26 segments");
        Pointer((segment as u32) << 6 | u32::from(depth))
    }

    #[inline]
    fn segment(self) -> usize {
        (self.0 >> 6) as usize
    }

    #[inline]
    fn depth(self) -> u8 {
        (self.0 & 63) as u8
    }
}

/// What [`Database::expire_cycle`] has looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExpireProgress {
    /// Segments passed.
    pub segments: usize,
    /// Entries examined.
    pub entries: usize,
    /// Whether the end of the database was reached.
    pub finished: bool,
}

/// The table's shape, for DEBUG HTSTATS and tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TableStats {
    /// Entries.
    pub len: usize,
    /// Segments.
    pub segments: usize,
    /// Directory entries.
    pub directory_len: usize,
    /// Entries that do not stand in their home bucket.
    pub overflowed: usize,
}

/// What a database held, on its way to being freed.
#[derive(Debug, Default)]
pub struct Discarded {
    segments: Vec<Segment>,
    len: usize,
}

impl Database {
    /// An empty database.
    #[must_use]
    pub fn new(hash_key: HashKey) -> Database {
        Database {
            directory: Vec::new(),
            depth: 0,
            segments: Vec::new(),
            per_depth: [0; DEPTH_MAX as usize + 1],
            len: 0,
            expires_len: 0,
            hash_key,
            split_scale: 256,
        }
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of keys with an expiry.
    #[must_use]
    pub fn expires_len(&self) -> usize {
        self.expires_len
    }

    /// A key with its hash.
    #[must_use]
    #[inline]
    pub fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        Key { bytes, hash: self.hash_key.hash(bytes) }
    }

    /// Begins to fetch the bucket a hash leads to.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some(pointer) = self.pointer(hash) {
            prefetch(self.segments[pointer.segment()].home_address(hash));
        }
    }

    /// Begins to fetch the entry a hash probably leads to. Reads its bucket.
    #[inline]
    pub fn prefetch_entry(&self, hash: u64) {
        let Some(pointer) = self.pointer(hash) else { return };
        if let Some(slot) = self.segments[pointer.segment()].candidate(hash) {
            let address = std::ptr::without_provenance::<u8>(slot.address());
            prefetch(address);
            prefetch(address.wrapping_add(LINE_LEN / 2));
        }
    }

    /// Looks a key up.
    #[must_use]
    #[inline]
    pub fn find(&self, key: Key<'_>) -> Option<EntryRef<'_>> {
        let (segment, place) = self.probe(key)?;
        Some(self.entry_at(segment, place))
    }

    /// Looks a key up to change it.
    #[inline]
    pub fn find_mut(&mut self, key: Key<'_>) -> Option<Occupied<'_>> {
        let (segment, place) = self.probe(key)?;
        Some(Occupied { database: self, segment, place })
    }

    /// Adds a key that is absent.
    #[inline]
    pub fn insert(&mut self, key: Key<'_>, value: NewValue<'_>, expiry: Option<UnixMillis>, stamp: u32) {
        self.insert_entry(key.hash, Entry::new(key.bytes, value, expiry, stamp));
    }

    /// Adds an entry whose key is absent, and has this hash.
    pub fn insert_entry(&mut self, hash: u64, entry: Entry) {
        debug_assert!(self.find(Key { bytes: entry.as_ref().key(), hash }).is_none());
        if self.directory.is_empty() {
            self.segments.push(Segment::new(0, 0, 0, 0));
            self.directory.push(Pointer::new(0, 0));
            self.per_depth[0] = 1;
            self.depth = 0;
        }
        let expiry = entry.as_ref().expiry();
        let address = expose(entry);
        loop {
            let index = self.directory[self.directory_index(hash)].segment();
            let segment = &mut self.segments[index];
            let slot = Slot::new(address, segment.tag(hash), expiry.is_some());
            if usize::from(segment.len) < split_len(segment.prefix, self.split_scale)
                && segment.insert(slot, hash as u8).is_some()
            {
                if let Some(at) = expiry {
                    segment.earliest_expiry = segment.earliest_expiry.min(at);
                    self.expires_len += 1;
                }
                self.len += 1;
                return;
            }
            self.make_room(hash);
        }
    }

    /// Visits one home bucket, and returns where to go on; 0 at the end.
    ///
    /// A cursor is a position among hashes. Whatever stays in the database from a scan's first call to its last
    /// is visited at least once, however the table grows and shrinks between the calls. Any number is a cursor.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(EntryRef<'_>)) -> u64 {
        let Some(pointer) = self.pointer(cursor) else { return 0 };
        let segment = &self.segments[pointer.segment()];
        let home = segment.home(cursor);
        // SAFETY: the slots of a segment hold blocks of live entries.
        segment.for_home(home, |slot| visit(unsafe { borrow(slot) }));
        match segment.position_after(home) {
            0 => position_after(segment.prefix, segment.depth),
            offset => segment.prefix | offset,
        }
    }

    /// A key chosen at random, each as likely as any other. `random` gives random words.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<EntryRef<'_>> {
        if self.len == 0 {
            return None;
        }
        let places = (self.segments.len() * SEGMENT_SLOTS_MAX) as u64;
        for _ in 0..SAMPLE_DRAWS_MAX {
            let draw = ((u128::from(random()) * u128::from(places)) >> 64) as usize;
            let segment = &self.segments[draw / SEGMENT_SLOTS_MAX];
            let number = draw % SEGMENT_SLOTS_MAX;
            if let Some(slot) = (number < segment.capacity()).then(|| segment.nth(number)).flatten() {
                // SAFETY: the slots of a segment hold blocks of live entries.
                return Some(unsafe { borrow(slot) });
            }
        }
        let first = (random() % self.len as u64) as usize;
        self.iter().nth(first)
    }

    /// All entries, a segment at a time.
    pub fn iter(&self) -> impl Iterator<Item = EntryRef<'_>> {
        self.segments.iter().flat_map(|segment| {
            // SAFETY: the slots of a segment hold blocks of live entries.
            segment.places().map(|place| unsafe { borrow(segment.slot(place)) })
        })
    }

    /// Removes what is due, from the hash position `cursor` on, and hands it out. Stops after so many segments,
    /// or after the segment in which so many entries have been examined; `cursor` says where to go on.
    pub fn expire_cycle(
        &mut self,
        cursor: &mut u64,
        now: UnixMillis,
        segments_max: usize,
        entries_max: usize,
        expired: &mut dyn FnMut(Entry),
    ) -> ExpireProgress {
        let mut progress = ExpireProgress::default();
        while progress.segments < segments_max && progress.entries < entries_max {
            let Some(pointer) = self.pointer(*cursor).filter(|_| self.expires_len > 0) else {
                *cursor = 0;
                progress.finished = true;
                break;
            };
            let segment = &self.segments[pointer.segment()];
            *cursor = position_after(segment.prefix, segment.depth);
            progress.segments += 1;
            progress.entries += self.expire_segment(pointer.segment(), now, expired);
            if *cursor == 0 {
                progress.finished = true;
                break;
            }
        }
        progress
    }

    /// Empties the database at once. What it held is freed when the returned value is.
    pub fn take(&mut self) -> Discarded {
        let scale = self.split_scale;
        let old = std::mem::replace(self, Database::new(self.hash_key));
        self.split_scale = scale;
        old.into_discarded()
    }

    /// Bytes of the table itself, without the entries.
    #[must_use]
    pub fn bytes_of_table(&self) -> usize {
        let buckets: usize = self.segments.iter().map(Segment::allocated_bytes).sum();
        buckets
            + self.segments.capacity() * size_of::<Segment>()
            + self.directory.capacity() * size_of::<Pointer>()
    }

    /// The table's shape.
    #[must_use]
    pub fn stats(&self) -> TableStats {
        TableStats {
            len: self.len,
            segments: self.segments.len(),
            directory_len: self.directory.len(),
            overflowed: self.segments.iter().map(Segment::overflowed).sum(),
        }
    }

    #[inline]
    fn directory_index(&self, hash: u64) -> usize {
        // Two shifts, because one by 64 is not defined.
        (hash >> 1 >> (63 - self.depth)) as usize
    }

    #[inline]
    fn pointer(&self, hash: u64) -> Option<Pointer> {
        self.directory.get(self.directory_index(hash)).copied()
    }

    #[inline]
    fn probe(&self, key: Key<'_>) -> Option<(usize, Place)> {
        let pointer = self.pointer(key.hash)?;
        let segment = &self.segments[pointer.segment()];
        // SAFETY: the slots of a segment hold blocks of live entries.
        let is_it = |slot: Slot| unsafe { borrow(slot) }.key() == key.bytes;
        Some((pointer.segment(), segment.find(key.hash, is_it)?))
    }

    #[inline]
    pub(super) fn entry_at(&self, segment: usize, place: Place) -> EntryRef<'_> {
        // SAFETY: the slots of a segment hold blocks of live entries.
        unsafe { borrow(self.segments[segment].slot(place)) }
    }

    /// Lets a function take an entry and give it back, perhaps elsewhere in memory.
    #[inline]
    pub(super) fn change_at(&mut self, segment: usize, place: Place, change: impl FnOnce(Entry) -> Entry) {
        let segment = &mut self.segments[segment];
        let before = segment.slot(place).address();
        // SAFETY: the slot's block is owned by the table; if `change` panics the process has no use for the
        // table any more, and in tests leaks nothing but what the entry was.
        let entry = change(unsafe { reclaim(before) });
        let after = expose(entry);
        if after != before {
            segment.move_entry(place, after);
        }
    }

    /// Keeps the counters and marks of expiries true for an entry that is given another one.
    #[inline]
    pub(super) fn note_expiry_at(&mut self, segment: usize, place: Place, expiry: Option<UnixMillis>) {
        let segment = &mut self.segments[segment];
        self.expires_len -= usize::from(segment.slot(place).is_expiring());
        self.expires_len += usize::from(expiry.is_some());
        segment.set_expiring(place, expiry.is_some());
        if let Some(at) = expiry {
            segment.earliest_expiry = segment.earliest_expiry.min(at);
        }
    }

    /// Takes the entry at a place out.
    pub(super) fn remove_at(&mut self, index: usize, place: Place) -> Entry {
        let segment = &mut self.segments[index];
        self.expires_len -= usize::from(segment.slot(place).is_expiring());
        self.len -= 1;
        // SAFETY: the slot's block was owned by the table, which has just forgotten it.
        let entry = unsafe { reclaim(segment.remove(place).address()) };
        self.shrink(index);
        entry
    }

    /// Removes what is due in one segment. Returns how many entries were examined.
    fn expire_segment(&mut self, index: usize, now: UnixMillis, expired: &mut dyn FnMut(Entry)) -> usize {
        let segment = &mut self.segments[index];
        if segment.earliest_expiry > now {
            return 0;
        }
        let places: Vec<Place> =
            segment.places().filter(|&place| segment.slot(place).is_expiring()).collect();
        let mut earliest = UnixMillis(i64::MAX);
        for &place in &places {
            let address = segment.slot(place).address();
            // SAFETY: the slots of a segment hold blocks of live entries.
            let at = unsafe { borrow(segment.slot(place)) }.expiry().unwrap_or(earliest);
            if at > now {
                earliest = earliest.min(at);
                continue;
            }
            segment.clear(place);
            self.expires_len -= 1;
            self.len -= 1;
            // SAFETY: the slot's block was owned by the table, which has just forgotten it.
            expired(unsafe { reclaim(address) });
        }
        segment.earliest_expiry = earliest;
        if earliest == UnixMillis(i64::MAX) || segment.len < MERGE_LEN as u16 {
            self.shrink(index);
        }
        places.len()
    }

    /// Makes room where a hash belongs: the segment grows, or splits when it is as large as they get.
    #[cold]
    fn make_room(&mut self, hash: u64) {
        let index = self.directory[self.directory_index(hash)].segment();
        let segment = &self.segments[index];
        let is_below_split = usize::from(segment.len) < split_len(segment.prefix, self.split_scale);
        if is_below_split
            && !segment.is_largest()
            && let Some(grown) = segment.grown()
        {
            self.segments[index] = grown;
        } else {
            self.split(hash);
        }
    }

    /// Splits the segment a hash leads to.
    #[cold]
    fn split(&mut self, hash: u64) {
        let pointer = self.directory[self.directory_index(hash)];
        let (index, depth) = (pointer.segment(), pointer.depth());
        assert!(depth < DEPTH_MAX, "a keyed hash does not put this many keys behind {DEPTH_MAX} equal bits");
        if depth == self.depth {
            self.directory = self.directory.iter().flat_map(|&pointer| [pointer, pointer]).collect();
            self.depth += 1;
        }
        let old = &self.segments[index];
        let base = old.base;
        let reads_keys = depth + 1 > base + TAG_LEVELS;
        let new_base = if reads_keys { depth + 1 } else { base };
        let half = usize::from(old.len).div_ceil(2);
        let mut left = Segment::new(old.prefix, depth + 1, new_base, half);
        let mut right = Segment::new(old.prefix | 1 << (63 - depth), depth + 1, new_base, half);
        left.earliest_expiry = old.earliest_expiry;
        right.earliest_expiry = old.earliest_expiry;
        let mut homeless = Vec::new();
        for place in old.places() {
            let slot = old.slot(place);
            let (goes_right, tag) = if reads_keys {
                // SAFETY: the slots of a segment hold blocks of live entries.
                let hash = self.hash_key.hash(unsafe { borrow(slot) }.key());
                (hash >> (63 - depth) & 1 == 1, left.tag(hash))
            } else {
                (slot.tag() >> (TAG_BITS - 1 - u32::from(depth - base)) & 1 == 1, slot.tag())
            };
            let child = if goes_right { &mut right } else { &mut left };
            if child.insert(slot.with_tag(tag), old.fingerprint_at(place)).is_none() {
                homeless.push(slot);
            }
        }
        self.per_depth[usize::from(depth)] -= 1;
        self.per_depth[usize::from(depth) + 1] += 2;
        self.segments[index] = left;
        self.segments.push(right);
        self.point_at(index);
        self.point_at(self.segments.len() - 1);
        for slot in homeless {
            self.insert_homeless(slot);
        }
    }

    /// Finds room for an entry that a split could not place: its child was made for half of the entries, and
    /// got more, or more of one home.
    #[cold]
    fn insert_homeless(&mut self, slot: Slot) {
        // SAFETY: the slot was taken from a segment, and holds the block of a live entry.
        let hash = self.hash_key.hash(unsafe { borrow(slot) }.key());
        loop {
            let index = self.directory[self.directory_index(hash)].segment();
            let segment = &mut self.segments[index];
            if segment.insert(slot.with_tag(segment.tag(hash)), hash as u8).is_some() {
                return;
            }
            self.make_room(hash);
        }
    }

    /// Lets the directory entries of a segment's prefix point at it.
    fn point_at(&mut self, index: usize) {
        let segment = &self.segments[index];
        let first = self.directory_index(segment.prefix);
        let count = 1_usize << (self.depth - segment.depth);
        let pointer = Pointer::new(index, segment.depth);
        self.directory[first..first + count].fill(pointer);
    }

    /// Gives memory back after entries left a segment, if it is time to look for that.
    #[inline]
    fn shrink(&mut self, index: usize) {
        if self.len == 0 {
            drop(self.take());
            return;
        }
        let segment = &self.segments[index];
        let merge_len = MERGE_LEN * self.split_scale >> 8;
        if segment.depth > 0
            && segment.len % MERGE_CHECK_INTERVAL == 0
            && usize::from(segment.len) < merge_len
        {
            self.merge(index, merge_len);
        }
    }

    /// Merges a segment with its other half, if both are nearly empty.
    #[cold]
    fn merge(&mut self, index: usize, merge_len: usize) {
        let (prefix, depth) = (self.segments[index].prefix, self.segments[index].depth);
        let buddy = self.directory[self.directory_index(prefix ^ 1 << (64 - u32::from(depth)))];
        let buddy_index = buddy.segment();
        let len = usize::from(self.segments[index].len) + usize::from(self.segments[buddy_index].len);
        if buddy.depth() != depth || len >= merge_len {
            return;
        }
        let depth = depth - 1;
        let prefix = prefix & !(1 << (63 - u32::from(depth)));
        let mut merged = Segment::new(prefix, depth, depth.saturating_sub(TAG_LEVELS), len);
        for half in [index, buddy_index] {
            let half = &self.segments[half];
            for place in half.places() {
                let slot = half.slot(place);
                // SAFETY: the slots of a segment hold blocks of live entries.
                let hash = self.hash_key.hash(unsafe { borrow(slot) }.key());
                if merged.insert(slot.with_tag(merged.tag(hash)), hash as u8).is_none() {
                    // More of one home than there is room for: the halves stay apart.
                    return;
                }
            }
            merged.earliest_expiry = merged.earliest_expiry.min(half.earliest_expiry);
        }
        self.per_depth[usize::from(depth)] += 1;
        self.per_depth[usize::from(depth) + 1] -= 2;
        self.segments[index] = merged;
        self.point_at(index);
        // The last segment takes the place of the one that is gone.
        self.segments.swap_remove(buddy_index);
        if buddy_index < self.segments.len() {
            self.point_at(buddy_index);
        }
        while self.depth > 0 && self.per_depth[usize::from(self.depth)] == 0 {
            self.directory = self.directory.iter().step_by(2).copied().collect();
            self.depth -= 1;
        }
    }

    fn into_discarded(mut self) -> Discarded {
        Discarded { segments: std::mem::take(&mut self.segments), len: std::mem::take(&mut self.len) }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        drop(Discarded { segments: std::mem::take(&mut self.segments), len: self.len });
    }
}

impl Discarded {
    /// How many entries wait to be freed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether all are freed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Frees segments until about `entries_max` entries are gone; returns whether all are.
    pub fn free_slice(&mut self, entries_max: usize) -> bool {
        let mut freed = 0;
        while freed < entries_max {
            let Some(segment) = self.segments.pop() else { break };
            for place in segment.places() {
                // SAFETY: the slot's block is owned by this segment, which goes and is not read again.
                drop(unsafe { reclaim(segment.slot(place).address()) });
                freed += 1;
            }
        }
        self.len -= freed;
        self.segments.is_empty()
    }
}

impl Drop for Discarded {
    fn drop(&mut self) {
        self.free_slice(usize::MAX);
    }
}

/// The hash position behind all hashes with a prefix of so many bits; 0 behind the last.
fn position_after(prefix: u64, depth: u8) -> u64 {
    if depth == 0 { 0 } else { prefix.wrapping_add(1 << (64 - u32::from(depth))) }
}

/// The fill level at which a segment splits: spread over the prefixes, the same in every run.
#[inline]
fn split_len(prefix: u64, scale: usize) -> usize {
    let mixed = prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let len = SPLIT_LEN_MIN + ((mixed as usize * (SPLIT_LEN_MAX - SPLIT_LEN_MIN)) >> 32);
    (len * scale >> 8).max(2)
}

/// Turns an entry into the address a slot keeps.
#[inline]
fn expose(entry: Entry) -> usize {
    entry.into_block().as_ptr().expose_provenance()
}

/// Turns an address back into the entry that is owned by it.
///
/// # Safety
/// The address came from [`expose`] and is forgotten by its slot.
#[inline]
unsafe fn reclaim(address: usize) -> Entry {
    // SAFETY: an exposed block's address is not null; the caller gives its ownership.
    unsafe { Entry::from_block(NonNull::new_unchecked(std::ptr::with_exposed_provenance_mut(address))) }
}

/// Looks at the entry a slot keeps.
///
/// # Safety
/// The slot is taken, and its entry is neither changed nor freed for `'a`.
#[inline]
unsafe fn borrow<'a>(slot: Slot) -> EntryRef<'a> {
    let block = std::ptr::with_exposed_provenance_mut(slot.address());
    // SAFETY: an exposed block's address is not null; the caller vouches for the lifetime.
    unsafe { EntryRef::from_block(NonNull::new_unchecked(block)) }
}

const _: () = assert!(SPLIT_LEN_MAX <= SEGMENT_SLOTS_MAX && DEPTH_MAX as u32 + HOME_BITS < 64);
const _: () = assert!(MERGE_LEN < SPLIT_LEN_MIN / 2);

#[cfg(test)]
mod tests;
