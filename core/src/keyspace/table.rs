//! The table: finding, adding, growing and shrinking, and the walks over all elements.

use super::directory::{Directory, Pile};
use super::element::Element;
use super::frozen::Frozen;
use super::hash::HashKey;
use super::occupied::OccupiedElement;
use super::segment::{self, CLASS_MAX, Segment};
use super::{ExpireProgress, TableStats, UnixMillis};
use std::fmt;
use std::ptr::NonNull;

/// Removals from a segment between two looks at whether it should shrink.
const SHRINK_EVERY: usize = 8;

/// Two neighbours are merged when both together hold at most this share of what a full segment does, in percent.
/// They were more than full when they were one, so that little is done twice.
const MERGE_PERCENT_MAX: usize = 60;

/// Buckets whose elements are fetched ahead of the one that is looked at.
const BUCKETS_AHEAD: usize = 2;

/// Elements whose buckets are fetched together.
const FETCHED_TOGETHER: usize = 16;

/// Random slots that are tried before the rest is searched in order.
const RANDOM_TRIES_MAX: usize = 256;

/// A hash table of elements that find themselves by their keys.
pub struct Table<E: Element> {
    pub(super) directory: Directory<E>,
    /// While a snapshot is being taken of it: see `frozen`.
    pub(super) frozen: Option<Box<Frozen<E>>>,
    hash_key: HashKey,
    len: usize,
    expires: usize,
    /// The size of segment that is split; smaller in tests, which so have many segments with few elements.
    class_max: u8,
    /// What has changed in its shape since the last call of a scan.
    #[cfg(feature = "simulation")]
    since_scan: std::cell::Cell<SinceScan>,
}

impl<E: Element> Table<E> {
    /// An empty table; allocates nothing.
    pub const fn new(hash_key: HashKey) -> Table<E> {
        Table {
            directory: Directory::new(),
            frozen: None,
            hash_key,
            len: 0,
            expires: 0,
            class_max: CLASS_MAX,
            #[cfg(feature = "simulation")]
            since_scan: std::cell::Cell::new(SinceScan { grown: false, shrunk: false, split: false }),
        }
    }

    /// An empty table that splits its segments when they have this size.
    #[cfg(test)]
    pub fn with_class_max(hash_key: HashKey, class_max: u8) -> Table<E> {
        let mut table = Table::new(hash_key);
        table.class_max = class_max;
        table
    }

    /// The key of the hash.
    #[inline]
    pub fn hash_key(&self) -> HashKey {
        self.hash_key
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Number of elements with an expiry.
    #[inline]
    pub fn expires(&self) -> usize {
        self.expires
    }

    /// Begins to fetch the bucket of a hash.
    #[inline]
    pub fn prefetch_bucket(&self, hash: u64) {
        if let Some((shape, segment)) = self.directory.segment(hash) {
            segment.prefetch_bucket(shape, hash);
        }
    }

    /// Begins to fetch what adding an element with a hash would change.
    #[inline]
    pub fn prefetch_place(&self, hash: u64) {
        if let Some((shape, segment)) = self.directory.segment(hash) {
            segment.prefetch_header();
            segment.prefetch_bucket(shape, hash);
        }
    }

    /// Begins to fetch what the bucket of a hash leads to.
    #[inline]
    pub fn prefetch_element(&self, hash: u64) {
        if let Some((shape, segment)) = self.directory.segment(hash) {
            segment.prefetch_element(shape, hash);
        }
    }

    /// Begins to fetch the elements with these hashes, in two rounds: what one finds in a bucket is fetched when
    /// the buckets are there.
    #[inline]
    pub fn prefetch_all(&self, mut hashes: impl Iterator<Item = u64>) {
        let mut together = [0; FETCHED_TOGETHER];
        loop {
            let mut len = 0;
            for hash in hashes.by_ref().take(FETCHED_TOGETHER) {
                self.prefetch_bucket(hash);
                together[len] = hash;
                len += 1;
            }
            together[..len].iter().for_each(|&hash| self.prefetch_element(hash));
            if len < FETCHED_TOGETHER {
                return;
            }
        }
    }

    /// Finds an element.
    #[inline]
    pub fn find(&self, hash: u64, key: E::Key<'_>) -> Option<&E> {
        let (shape, segment) = self.directory.segment(hash)?;
        segment.find(shape, hash, key).and_then(|place| segment.element(place))
    }

    /// Finds an element, to change it.
    #[inline(always)]
    pub fn find_mut(&mut self, hash: u64, key: E::Key<'_>) -> Option<OccupiedElement<'_, E>> {
        OccupiedElement::find(self, hash, key).ok()
    }

    /// Finds an element, to change it. If it is not there, the table comes back, to add it to.
    #[inline(always)]
    pub fn search(&mut self, hash: u64, key: E::Key<'_>) -> Result<OccupiedElement<'_, E>, &mut Table<E>> {
        OccupiedElement::find(self, hash, key)
    }

    /// Finds the slot of an element.
    #[inline(always)]
    pub(super) fn find_slot(&mut self, hash: u64, key: E::Key<'_>) -> Option<NonNull<E>> {
        self.directory.find_slot(hash, key)
    }

    /// Adds an element whose key is not there.
    #[inline]
    pub fn insert(&mut self, hash: u64, mut element: E) {
        debug_assert!(self.find(hash, element.key()).is_none(), "the key is there already");
        self.before_change(hash);
        self.len += 1;
        self.expires += usize::from(element.has_expiry());
        loop {
            if let Some((_, segment)) = self.directory.segment_mut(hash)
                && !segment.is_full()
            {
                match segment.insert(hash, element) {
                    Ok(()) => return,
                    Err(homeless) => {
                        sometimes!(Mark::SegmentFullEarly);
                        element = homeless;
                    }
                }
            }
            self.grow(hash);
        }
    }

    /// Shows the elements of the home bucket at a cursor, and returns the cursor to go on with, or 0 at the end.
    ///
    /// A cursor is a position in the order of hashes with its bits reversed, which makes those of small tables
    /// short. Any number is one.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(&E)) -> u64 {
        #[cfg(feature = "simulation")]
        self.note_scan(cursor);
        let position = cursor.reverse_bits();
        let Some((_, segment)) = self.directory.segment(position) else { return 0 };
        segment.visit_home(position, visit).map_or(0, u64::reverse_bits)
    }

    /// An element chosen by chance: each with the same probability, but for tables with less than one element in
    /// a hundred slots or so, which are searched in order once chance has not helped.
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<&E> {
        if self.len == 0 {
            return None;
        }
        // All segments are tried as if they had as many slots as the largest, and each at one place only.
        let buckets = match self.directory.segment_from(0) {
            Some(only) if self.directory.len() == 1 => only.buckets(),
            _ => segment::bucket_count(self.class_max),
        };
        let slots = buckets * super::bucket::SLOTS;
        for _ in 0..RANDOM_TRIES_MAX {
            let place = below(random(), self.directory.len());
            let slot = below(random(), slots);
            if let Some(element) =
                self.directory.segment_from(place).and_then(|segment| segment.element_at(slot))
            {
                return Some(element);
            }
        }
        let start = below(random(), self.directory.len());
        let mut places = (start..self.directory.len()).chain(0..start);
        let segment =
            places.find_map(|place| self.directory.segment_from(place).filter(|it| it.len() > 0))?;
        let nth = below(random(), segment.len());
        (0..segment.buckets()).flat_map(|bucket| segment.elements_in(bucket)).nth(nth)
    }

    /// Takes out an element chosen by chance as [`random`](Table::random) does.
    pub fn pop_random(&mut self, random: &mut dyn FnMut() -> u64) -> Option<E> {
        let element = self.random(random)?;
        let (hash, slot) = (element.hash(self.hash_key), NonNull::from(element));
        Some(self.remove_at(hash, slot))
    }

    /// All elements, one segment after the other in the order of hashes.
    pub fn iter(&self) -> impl Iterator<Item = &E> + use<'_, E> {
        (0..self.directory.len()).filter_map(|place| self.directory.segment_from(place)).flat_map(|segment| {
            (0..segment.buckets()).flat_map(|bucket| {
                segment.prefetch_elements_in(bucket + BUCKETS_AHEAD);
                segment.elements_in(bucket)
            })
        })
    }

    /// Bytes that all elements take together, by a function for one. So many `samples` stand for all; 0 is all.
    pub fn elements_bytes(&self, samples: usize, bytes_of: impl Fn(&E) -> usize) -> usize {
        let samples = if samples == 0 { self.len } else { samples.min(self.len) };
        let bytes: usize = self.iter().take(samples).map(bytes_of).sum();
        (bytes as u128 * self.len as u128).checked_div(samples as u128).map_or(0, |bytes| bytes as usize)
    }

    /// Walks segments from a cursor on and takes out what has expired. Segments are walked as a whole, so that
    /// the last one may exceed `entries_max`. Segments that have become small are merged on the way.
    pub fn expire_cycle(
        &mut self,
        cursor: &mut u64,
        now: UnixMillis,
        segments_max: usize,
        entries_max: usize,
        expired: &mut dyn FnMut(E),
    ) -> ExpireProgress {
        let mut progress = ExpireProgress::default();
        while progress.segments < segments_max && progress.entries < entries_max {
            if self.frozen.is_some()
                && self.directory.segment(*cursor).is_some_and(|(_, segment)| segment.may_have_expired(now))
            {
                self.save_segment(*cursor);
            }
            let next = match self.directory.segment_mut(*cursor) {
                None => None,
                Some((_, segment)) => {
                    progress.segments += 1;
                    if segment.may_have_expired(now) {
                        let before = segment.len();
                        progress.entries += segment.take_expired(now, expired);
                        let taken = before - segment.len();
                        self.len -= taken;
                        self.expires -= taken;
                    }
                    let next = segment.end();
                    self.shrink(*cursor);
                    next
                }
            };
            *cursor = next.unwrap_or(0);
            if next.is_none() {
                progress.finished = true;
                break;
            }
        }
        progress
    }

    /// Takes everything out; the table is empty afterwards. If there is a snapshot being taken, it gets what there
    /// was, and nothing comes back.
    pub fn take(&mut self) -> Remnants<E> {
        if self.frozen.is_some() {
            self.hand_over();
        }
        self.expires = 0;
        let len = std::mem::take(&mut self.len);
        Remnants { pile: self.directory.take(), current: None, len }
    }

    /// Moves everything to another table, which is not frozen.
    pub(super) fn move_out(&mut self) -> Table<E> {
        let mut moved = Table::new(self.hash_key);
        moved.class_max = self.class_max;
        std::mem::swap(&mut moved.directory, &mut self.directory);
        moved.len = std::mem::take(&mut self.len);
        moved.expires = std::mem::take(&mut self.expires);
        moved
    }

    /// Bytes of memory for segments and directory.
    pub fn bytes(&self) -> usize {
        self.directory.bytes()
    }

    /// Figures on how full the table is; walks all of it.
    pub fn stats(&self) -> TableStats {
        let mut stats = TableStats {
            len: self.len,
            directory_len: self.directory.len(),
            bytes: self.bytes(),
            ..TableStats::default()
        };
        for segment in (0..self.directory.len()).filter_map(|place| self.directory.segment_from(place)) {
            stats.segments += 1;
            stats.slots += segment.buckets() * super::bucket::SLOTS;
            stats.overflowed += segment.overflow_len();
            stats.depth_max = stats.depth_max.max(segment.depth());
            stats.depth_min = stats.depth_min.min(segment.depth());
        }
        stats
    }

    /// Takes note that the element with this hash has another expiry than before.
    pub(super) fn note_expiry(&mut self, hash: u64, had_expiry: bool, expiry: Option<UnixMillis>) {
        self.expires = self.expires - usize::from(had_expiry) + usize::from(expiry.is_some());
        if let Some((_, segment)) = self.directory.segment_mut(hash) {
            segment.note_expiry(had_expiry, expiry);
        }
    }

    /// Takes out the element with this hash that lies in this slot.
    pub(super) fn remove_at(&mut self, hash: u64, slot: NonNull<E>) -> E {
        self.before_change(hash);
        let removed = self.directory.segment_mut(hash).and_then(|(_, segment)| {
            let element = segment.remove(segment.place_of(slot))?;
            Some((element, segment.len()))
        });
        let (element, left) = removed.expect("whoever found the slot has borrowed the table since");
        self.len -= 1;
        self.expires -= usize::from(element.has_expiry());
        if left.is_multiple_of(SHRINK_EVERY) {
            self.shrink(hash);
        }
        element
    }

    /// Makes room in the segment for `hash`: rebuilds it larger, or splits it.
    #[cold]
    fn grow(&mut self, hash: u64) {
        self.save_segment(hash);
        let Some((_, segment)) = self.directory.segment_mut(hash) else {
            let mut first = vec![Segment::new(0, 0, 0)];
            self.mark_saved(&mut first);
            self.directory.replace(0, 0, first);
            return;
        };
        let (prefix, depth) = (segment.prefix(), segment.depth());
        let mut left_over = Vec::new();
        let mut grown = enlarge(segment, self.class_max, self.hash_key, &mut left_over);
        place(&mut grown, left_over, self.class_max, self.hash_key);
        #[cfg(feature = "simulation")]
        self.note_growth(grown.len() > 1);
        self.mark_saved(&mut grown);
        self.directory.replace(prefix, depth, grown);
    }

    /// Merges the segment for `hash` with its neighbour, or rebuilds it smaller, if that is due.
    #[cold]
    fn shrink(&mut self, hash: u64) {
        let Some((_, segment)) = self.directory.segment(hash) else { return };
        let (prefix, depth, len) = (segment.prefix(), segment.depth(), segment.len());
        if depth == 0 && len == 0 {
            drop(self.directory.take());
            return;
        }
        if depth > 0 {
            let bit = 1 << (u64::BITS - depth);
            if let Some((_, buddy)) = self.directory.segment(prefix ^ bit)
                && buddy.depth() == depth
                && (len + buddy.len()) * 100 <= segment::len_guaranteed(self.class_max) * MERGE_PERCENT_MAX
            {
                sometimes!(Mark::SegmentMerged);
                let class = segment::class_for(len + buddy.len());
                self.rebuild(&[prefix, prefix ^ bit], prefix & !bit, depth - 1, class);
                return;
            }
        }
        if segment::class_for(len + len / 2) < segment.class() {
            sometimes!(Mark::SegmentShrunk);
            self.rebuild(&[prefix], prefix, depth, segment::class_for(len));
        }
    }

    /// Puts the elements of the segments for some hashes into a new one of this class, which replaces them.
    fn rebuild(&mut self, sources: &[u64], prefix: u64, depth: u32, class: u8) {
        let mut rebuilt = vec![Segment::new(class.min(self.class_max), prefix, depth)];
        let mut left_over = Vec::new();
        for &source in sources {
            self.save_segment(source);
            if let Some((_, segment)) = self.directory.segment_mut(source) {
                segment.move_into(&mut rebuilt, self.hash_key, &mut left_over);
            }
        }
        place(&mut rebuilt, left_over, self.class_max, self.hash_key);
        #[cfg(feature = "simulation")]
        self.note_shrinking();
        self.mark_saved(&mut rebuilt);
        self.directory.replace(prefix, depth, rebuilt);
    }
}

impl<E: Element> Drop for Table<E> {
    #[inline]
    fn drop(&mut self) {
        if self.frozen.is_some() {
            self.hand_over();
        }
    }
}

/// Changes in the shape of a table between two calls of a scan.
#[cfg(feature = "simulation")]
#[derive(Clone, Copy, Default)]
struct SinceScan {
    grown: bool,
    shrunk: bool,
    split: bool,
}

#[cfg(feature = "simulation")]
impl<E: Element> Table<E> {
    fn note_scan(&self, cursor: u64) {
        let since = self.since_scan.take();
        sometimes!(Mark::GrownDuringScan, cursor != 0 && since.grown);
        sometimes!(Mark::ShrunkDuringScan, cursor != 0 && since.shrunk);
        sometimes!(Mark::SplitDuringScan, cursor != 0 && since.split);
    }

    fn note_growth(&self, is_split: bool) {
        let since = self.since_scan.get();
        self.since_scan.set(SinceScan { grown: true, split: since.split || is_split, ..since });
    }

    fn note_shrinking(&self) {
        self.since_scan.set(SinceScan { shrunk: true, ..self.since_scan.get() });
    }
}

#[cfg(test)]
impl<E: Element> Table<E> {
    /// Checks everything that must hold of a table.
    pub fn verify(&self) {
        let (mut len, mut expires, mut bytes, mut place, mut depth_max) = (0, 0, 0, 0, 0);
        while place < self.directory.len() {
            let segment =
                self.directory.segment_from(place).expect("each segment begins where the last one ends");
            let places = self.directory.len() >> segment.depth();
            let first_hash = (place as u128) * (1 << 64) / self.directory.len() as u128;
            assert_eq!(u128::from(segment.prefix()), first_hash);
            assert!((1..places).all(|offset| self.directory.segment_from(place + offset).is_none()));
            let (segment_len, segment_expires) = segment.verify(self.hash_key);
            assert!(segment.class() <= self.class_max);
            len += segment_len;
            expires += segment_expires;
            bytes += segment.bytes();
            depth_max = depth_max.max(segment.depth());
            place += places;
        }
        assert_eq!((self.len, self.expires), (len, expires));
        assert_eq!(self.bytes(), bytes + 8 * self.directory.len());
        assert!(self.directory.len() == 0 || self.directory.len() == 1 << depth_max);
    }
}

/// What was taken out of a table at once, and waits to be freed.
pub struct Remnants<E: Element> {
    pile: Pile<E>,
    /// The segment whose elements are being freed, and the first bucket that may have some left.
    current: Option<(Box<Segment<E>>, usize)>,
    len: usize,
}

impl<E: Element> Remnants<E> {
    /// Frees at most so many elements. Returns whether nothing is left.
    pub fn free_slice(&mut self, elements_max: usize) -> bool {
        for _ in 0..elements_max {
            if self.pop().is_none() {
                break;
            }
        }
        self.len == 0
    }

    /// Elements that are left.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Takes one element out, to be freed.
    pub fn pop(&mut self) -> Option<E> {
        if self.len == 0 {
            self.current = None;
            return None;
        }
        loop {
            if let Some((segment, from)) = &mut self.current
                && let Some((bucket, element)) = segment.pop(*from)
            {
                *from = bucket;
                self.len -= 1;
                return Some(element);
            }
            self.current = Some((self.pile.pop()?, 0));
        }
    }
}

impl<E: Element> fmt::Debug for Remnants<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remnants").field("len", &self.len).finish()
    }
}

/// Moves a segment's elements into one of the next size, or into two.
fn enlarge<E: Element>(
    segment: &mut Segment<E>,
    class_max: u8,
    hash_key: HashKey,
    left_over: &mut Vec<E>,
) -> Vec<Box<Segment<E>>> {
    let (prefix, depth) = (segment.prefix(), segment.depth());
    let mut grown = if segment.class() < class_max {
        sometimes!(Mark::SegmentGrown);
        vec![Segment::new(segment.class() + 1, prefix, depth)]
    } else {
        sometimes!(Mark::SegmentSplit);
        let class = segment::class_for(segment.len() / 2).min(class_max);
        let bit = 1 << (u64::BITS - 1 - depth);
        vec![Segment::new(class, prefix, depth + 1), Segment::new(class, prefix | bit, depth + 1)]
    };
    segment.move_into(&mut grown, hash_key, left_over);
    grown
}

/// Puts elements that found no room into the segments they belong to, which grow for it. Rarely anything is left
/// over: a segment is replaced by larger ones.
fn place<E: Element>(
    segments: &mut Vec<Box<Segment<E>>>,
    mut left_over: Vec<E>,
    class_max: u8,
    hash_key: HashKey,
) {
    while let Some(element) = left_over.pop() {
        let hash = element.hash(hash_key);
        let index = segments.iter().position(|segment| segment.is_for(hash));
        let index = index.expect("the segments together hold all hashes of the one they replace");
        if let Err(element) = segments[index].insert(hash, element) {
            let mut segment = segments.swap_remove(index);
            segments.extend(enlarge(&mut segment, class_max, hash_key, &mut left_over));
            left_over.push(element);
        }
    }
}

/// Scales a random number to one below `bound`.
fn below(random: u64, bound: usize) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}
