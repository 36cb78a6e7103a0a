//! A segment: the buckets for all hashes that begin with the same bits, in one allocation.
//!
//! ```text
//! header (one line) | home buckets, in hash order | overflow buckets
//! ```
//!
//! The `SPREAD_BITS` hash bits behind the segment's prefix, scaled to the number of home buckets, name an
//! element's home. Scaling keeps the order of hashes for any number of buckets, so a segment comes in the sizes
//! of `CLASS_BYTES`, starts small and grows by being rebuilt into the next; only the largest is split. That
//! keeps a growing table well filled at every moment, which sizes in powers of two cannot.
//!
//! An element that finds its home full goes to one of eight overflow buckets, and a flag of the home says which
//! of them have to be looked at. When those are full too, the segment grows.
//!
//! An element's tag is a window of 16 bits of its hash, beginning at a bit that depends only on the segment's
//! depth. It covers the prefixes and homes of `WINDOW_DEPTHS` depths, so that only every so many doublings a
//! split has to hash keys anew; all other moves are made without touching the elements.

#![expect(unsafe_code, reason = "a segment is allocated as zeros, which is what makes it empty")]

use super::UnixMillis;
use super::bucket::{Bucket, SLOTS, SlotSet};
use super::element::Element;
use super::hash::HashKey;
use super::prefetch::prefetch;
use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr::{self, NonNull};

/// Sizes of segments. Each is one of jemalloc's.
const CLASS_BYTES: [usize; 10] = [512, 1024, 2048, 3072, 4096, 5120, 6144, 7168, 8192, 10240];

/// The largest size.
pub const CLASS_MAX: u8 = (CLASS_BYTES.len() - 1) as u8;

/// Bytes of a cache line: of the header and of each bucket.
const LINE: usize = 64;

/// Of so many buckets …
const BUCKETS_UNIT: usize = 128;
/// … so many are for overflow.
const OVERFLOW_PER_UNIT: usize = 30;

/// Overflow buckets that a home may use.
const OVERFLOW_CHOICES: usize = 8;

/// Hash bits that choose the home.
pub const SPREAD_BITS: u32 = 10;

/// Bits of a tag.
const WINDOW_BITS: u32 = 16;

/// Words of a header with a bit for each home bucket.
const VISITED_WORDS: usize = 2;

/// Depths that share a window.
const WINDOW_DEPTHS: u32 = WINDOW_BITS - SPREAD_BITS + 1;

/// Deepest segments. The directory would take 2 TiB: that many hash bits in common are no accident.
pub const DEPTH_MAX: u32 = 38;

/// A segment grows when it holds this share of its slots, in percent, or a little more: segments differ, so that
/// they do not all grow at once.
const FILL_PERCENT_MIN: usize = 89;
const FILL_PERCENT_SPAN: usize = 8;

/// An expiry for segments without any.
const NEVER: i64 = i64::MAX;

/// The buckets for all hashes with one prefix.
#[repr(C)]
pub struct Segment<E> {
    header: Header,
    buckets: [Bucket<E>],
}

#[repr(C, align(64))]
struct Header {
    /// The bits all hashes here begin with, left-aligned.
    prefix: u64,
    /// Nothing here expires before this.
    earliest_expiry: i64,
    len: u32,
    /// How many elements have an expiry.
    expires: u32,
    /// The number of elements at which the segment grows.
    len_max: u32,
    homes: u32,
    /// Length of the prefix.
    depth: u8,
    class: u8,
    /// The snapshot that `visited` is about.
    snapshot: u32,
    /// A bit per home: whether that snapshot has its elements.
    visited: [u64; VISITED_WORDS],
}

/// What finding an element takes; a directory has it beside the address of the segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Length of the segment's prefix.
    pub depth: u32,
    /// Number of home buckets.
    pub homes: u32,
}

/// Where an element lies in its segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    bucket: usize,
    slot: usize,
}

impl Shape {
    /// The home of a hash.
    #[inline]
    fn home(self, hash: u64) -> usize {
        let spread = hash << self.depth >> (u64::BITS - SPREAD_BITS);
        ((spread * u64::from(self.homes)) >> SPREAD_BITS) as usize
    }
}

/// Smallest class that holds so many elements and some more.
pub fn class_for(len: usize) -> u8 {
    let wanted = len + len / 8;
    let class = CLASS_BYTES.iter().position(|&bytes| wanted * 100 <= slots(bytes) * FILL_PERCENT_MIN);
    class.map_or(CLASS_MAX, |class| class as u8)
}

/// Elements that a segment of this class is sure to hold before it grows.
pub fn len_guaranteed(class: u8) -> usize {
    slots(CLASS_BYTES[usize::from(class)]) * FILL_PERCENT_MIN / 100
}

/// Buckets of a segment of this class.
pub fn bucket_count(class: u8) -> usize {
    CLASS_BYTES[usize::from(class)] / LINE - 1
}

const fn slots(bytes: usize) -> usize {
    (bytes / LINE - 1) * SLOTS
}

impl<E: Element> Segment<E> {
    /// An empty segment.
    pub fn new(class: u8, prefix: u64, depth: u32) -> Box<Segment<E>> {
        const { assert!(size_of::<Header>() == LINE && size_of::<Bucket<E>>() == LINE) };
        assert!(depth <= DEPTH_MAX, "more than a segment's worth of keys have almost the same hash");
        let bytes = CLASS_BYTES[usize::from(class)];
        let buckets = bucket_count(class);
        // Rounded down, but at least one.
        let overflow = (buckets * OVERFLOW_PER_UNIT / BUCKETS_UNIT).max(1);
        let mut segment = Segment::zeroed(bytes, buckets);
        segment.header = Header {
            prefix,
            earliest_expiry: NEVER,
            len: 0,
            expires: 0,
            len_max: len_max(class, prefix, depth),
            homes: (buckets - overflow) as u32,
            depth: depth as u8,
            class,
            snapshot: 0,
            visited: [0; VISITED_WORDS],
        };
        assert!(buckets - overflow <= VISITED_WORDS * u64::BITS as usize, "every home has its bit");
        segment
    }

    fn zeroed(bytes: usize, buckets: usize) -> Box<Segment<E>> {
        // SAFETY: the alignment is a power of two and the size small.
        let layout = unsafe { Layout::from_size_align_unchecked(bytes, LINE) };
        // SAFETY: the size is not zero.
        let memory = unsafe { alloc_zeroed(layout) };
        if memory.is_null() {
            handle_alloc_error(layout);
        }
        let segment = ptr::slice_from_raw_parts_mut(memory.cast::<Bucket<E>>(), buckets) as *mut Segment<E>;
        // SAFETY: the layout is that of a segment with so many buckets, and all zeros are a valid one: the header
        // has numbers only, and an empty slot is zero by `Element`'s contract.
        unsafe { Box::from_raw(segment) }
    }

    /// What finding takes.
    #[inline]
    pub fn shape(&self) -> Shape {
        Shape { depth: self.depth(), homes: self.header.homes }
    }

    /// The bits all hashes here begin with, left-aligned.
    #[inline]
    pub fn prefix(&self) -> u64 {
        self.header.prefix
    }

    /// Length of the prefix.
    #[inline]
    pub fn depth(&self) -> u32 {
        u32::from(self.header.depth)
    }

    /// Its size.
    #[inline]
    pub fn class(&self) -> u8 {
        self.header.class
    }

    /// Number of buckets.
    #[inline]
    pub fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Bytes of memory it takes.
    #[inline]
    pub fn bytes(&self) -> usize {
        size_of_val(self)
    }

    /// Number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        self.header.len as usize
    }

    /// Number of elements in overflow buckets.
    pub fn overflow_len(&self) -> usize {
        self.buckets[self.header.homes as usize..].iter().map(|bucket| bucket.occupied().len()).sum()
    }

    /// Whether it should grow before it takes another element.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.header.len >= self.header.len_max
    }

    /// The hash that follows all hashes here, if there is one.
    #[inline]
    pub fn end(&self) -> Option<u64> {
        self.header.prefix.checked_add(last_hash(self.depth())).and_then(|last| last.checked_add(1))
    }

    /// Whether a hash begins with the prefix.
    #[inline]
    pub fn is_for(&self, hash: u64) -> bool {
        hash & !last_hash(self.depth()) == self.header.prefix
    }

    /// Finds the element with this key. `shape` is this segment's.
    #[inline(always)]
    pub fn find(&self, shape: Shape, hash: u64, key: E::Key<'_>) -> Option<Place> {
        let home = shape.home(hash);
        let fingerprint = fingerprint(hash);
        let bucket = &self.buckets[home];
        if let Some(slot) = find_in(bucket, fingerprint, key) {
            return Some(Place { bucket: home, slot });
        }
        if bucket.overflow_flags() == 0 { None } else { self.find_overflowed(home, fingerprint, key) }
    }

    /// Begins to fetch the home bucket of a hash. `shape` is this segment's.
    #[inline]
    pub fn prefetch_bucket(&self, shape: Shape, hash: u64) {
        prefetch(&raw const self.buckets[shape.home(hash)]);
    }

    /// Begins to fetch what every change of the segment changes.
    #[inline]
    pub fn prefetch_header(&self) {
        prefetch(&raw const self.header);
    }

    /// Begins to fetch the element that probably is the one with this hash, or the overflow buckets if it can
    /// only be there. `shape` is this segment's.
    #[inline]
    pub fn prefetch_element(&self, shape: Shape, hash: u64) {
        let home = shape.home(hash);
        let bucket = &self.buckets[home];
        let candidates = bucket.candidates(fingerprint(hash));
        if candidates.is_empty() {
            for index in flagged(bucket.overflow_flags()) {
                prefetch(&raw const self.buckets[self.overflow_bucket(home, index)]);
            }
        }
        for element in candidates.filter_map(|slot| bucket.element(slot)) {
            element.prefetch();
        }
    }

    /// The element at a place, if there is one.
    #[inline]
    pub fn element(&self, place: Place) -> Option<&E> {
        self.buckets[place.bucket].element(place.slot)
    }

    /// The slot at a place of a segment.
    #[inline]
    pub fn slot_ptr(segment: NonNull<Segment<E>>, place: Place) -> NonNull<E> {
        let offset = size_of::<Header>() + place.bucket * LINE + Bucket::<E>::slot_offset(place.slot);
        segment.cast::<u8>().map_addr(|address| address.saturating_add(offset)).cast::<E>()
    }

    /// The place of a slot of this segment.
    pub fn place_of(&self, slot: NonNull<E>) -> Place {
        let offset = slot.addr().get() - (&raw const self.buckets).addr();
        Place { bucket: offset / LINE, slot: Bucket::<E>::slot_at(offset % LINE) }
    }

    /// Takes note that an element here has another expiry than before.
    pub fn note_expiry(&mut self, had_expiry: bool, expiry: Option<UnixMillis>) {
        self.header.expires -= u32::from(had_expiry);
        if let Some(UnixMillis(at)) = expiry {
            self.header.expires += 1;
            self.header.earliest_expiry = self.header.earliest_expiry.min(at);
        } else if self.header.expires == 0 {
            self.header.earliest_expiry = NEVER;
        }
    }

    /// Adds an element, unless its home and its overflow buckets are full; then it comes back.
    #[inline]
    pub fn insert(&mut self, hash: u64, mut element: E) -> Result<(), E> {
        element.set_tag(window(hash, self.depth()));
        let expiry = if element.has_expiry() { element.expiry() } else { None };
        self.put(self.shape().home(hash), fingerprint(hash), element)?;
        if let Some(UnixMillis(at)) = expiry {
            self.header.earliest_expiry = self.header.earliest_expiry.min(at);
        }
        Ok(())
    }

    /// Takes an element out. An element of the same home that lies in an overflow bucket moves to its slot.
    pub fn remove(&mut self, place: Place) -> Option<E> {
        let home = self.home_at(place)?;
        let element = self.buckets[place.bucket].take(place.slot)?;
        self.header.len -= 1;
        if element.has_expiry() {
            self.note_expiry(true, None);
        }
        if place.bucket >= self.header.homes as usize {
            self.review_overflow(home, place.bucket);
        } else if self.buckets[home].overflow_flags() != 0 {
            self.pull_back(home, place.slot);
        }
        Some(element)
    }

    /// Shows every element whose home is that of `position`. Returns the first position of the next home, if
    /// there is another, here or in the next segment.
    pub fn visit_home(&self, position: u64, visit: &mut dyn FnMut(&E)) -> Option<u64> {
        let home = if mutant!(Mutant::ScanCursorRestartsWrong) {
            self.home_from(position)
        } else {
            self.shape().home(position)
        };
        let bucket = &self.buckets[home];
        bucket.occupied().filter_map(|slot| bucket.element(slot)).for_each(&mut *visit);
        for index in flagged(bucket.overflow_flags()) {
            let bucket = &self.buckets[self.overflow_bucket(home, index)];
            let elements = bucket.occupied().filter_map(|slot| bucket.element(slot));
            elements.filter(|element| self.home_of(element.tag()) == home).for_each(&mut *visit);
        }
        let skipped = if mutant!(Mutant::ScanMissesSplit) {
            (1 << SPREAD_BITS) / u64::from(self.header.homes) / 2
        } else {
            0
        };
        self.home_after(home, skipped)
    }

    /// Shows every element whose home is that of `position`, unless this snapshot has them. Returns how many.
    pub fn save_home(&mut self, position: u64, snapshot: u32, save: &mut dyn FnMut(&mut E)) -> usize {
        self.save(self.shape().home(position), snapshot, save)
    }

    /// Shows every element that this snapshot does not have yet. Returns how many.
    pub fn save_all(&mut self, snapshot: u32, save: &mut dyn FnMut(&mut E)) -> usize {
        (0..self.header.homes as usize).map(|home| self.save(home, snapshot, save)).sum()
    }

    /// Takes note that this snapshot has all elements, or needs none of them.
    pub fn mark_saved(&mut self, snapshot: u32) {
        self.header.snapshot = snapshot;
        self.header.visited = [u64::MAX; VISITED_WORDS];
    }

    /// The first position of the home after that of `position`, here or in the next segment, if there is one.
    pub fn position_after(&self, position: u64) -> Option<u64> {
        self.home_after(self.shape().home(position), 0)
    }

    /// Begins to fetch the elements some homes behind that of `position`.
    pub fn prefetch_home(&self, position: u64, homes_ahead: usize) {
        self.prefetch_elements_in(self.shape().home(position) + homes_ahead);
    }

    /// Whether something may have expired by `now`.
    #[inline]
    pub fn may_have_expired(&self, UnixMillis(now): UnixMillis) -> bool {
        self.header.expires > 0 && self.header.earliest_expiry <= now
    }

    /// Takes out whatever has expired by `now`. Returns how many elements were looked at.
    pub fn take_expired(&mut self, now: UnixMillis, expired: &mut dyn FnMut(E)) -> usize {
        let mut looked_at = 0;
        let mut earliest = NEVER;
        for bucket in 0..self.buckets.len() {
            for slot in 0..SLOTS {
                let place = Place { bucket, slot };
                // Removing may pull another element into the slot, which is looked at then.
                while let Some(element) = self.element(place).filter(|element| element.has_expiry()) {
                    looked_at += 1;
                    let at = element.expiry().map_or(NEVER, |at| at.0);
                    if at > now.0 {
                        if !mutant!(Mutant::ActiveExpiryForgets) {
                            earliest = earliest.min(at);
                        }
                        break;
                    }
                    if let Some(element) = self.remove(place) {
                        expired(element);
                    }
                }
            }
        }
        self.header.earliest_expiry = earliest;
        looked_at
    }

    /// Takes some element out that lies in bucket `from` or behind it, and says in which it lay. What remains can
    /// only be dropped or taken out likewise.
    pub fn pop(&mut self, from: usize) -> Option<(usize, E)> {
        for bucket in from..self.buckets.len() {
            if let Some(slot) = self.buckets[bucket].occupied().next() {
                self.header.len -= 1;
                return self.buckets[bucket].take(slot).map(|element| (bucket, element));
            }
        }
        None
    }

    /// The elements of one bucket.
    #[inline]
    pub fn elements_in(&self, bucket: usize) -> impl Iterator<Item = &E> + use<'_, E> {
        let bucket = &self.buckets[bucket];
        bucket.occupied().filter_map(|slot| bucket.element(slot))
    }

    /// Begins to fetch the elements of one bucket, if there is such a one.
    #[inline]
    pub fn prefetch_elements_in(&self, bucket: usize) {
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.occupied().filter_map(|slot| bucket.element(slot)).for_each(Element::prefetch);
        }
    }

    /// The element in a slot counted over all buckets, if there is one.
    #[inline]
    pub fn element_at(&self, index: usize) -> Option<&E> {
        self.buckets.get(index / SLOTS)?.element(index % SLOTS)
    }

    /// Moves all elements to `targets`, which together cover this segment's hashes in equal parts. What finds no
    /// room there is put into `left_over`.
    pub fn move_into(&mut self, targets: &mut [Box<Segment<E>>], hash_key: HashKey, left_over: &mut Vec<E>) {
        let depth = targets[0].depth();
        debug_assert!(targets.len() == 1 || depth > self.depth());
        let is_rehashing = window_base(depth) > window_base(self.depth());
        if is_rehashing {
            self.prefetch_elements();
        }
        for bucket in 0..self.buckets.len() {
            for slot in self.buckets[bucket].occupied() {
                let fingerprint = self.buckets[bucket].fingerprint(slot);
                let Some(mut element) = self.buckets[bucket].take(slot) else { continue };
                let position =
                    if is_rehashing { element.hash(hash_key) } else { self.position(element.tag()) };
                let index = if targets.len() == 1 { 0 } else { (position << (depth - 1) >> 63) as usize };
                let target = &mut targets[index];
                element.set_tag(window(position, depth));
                if let Err(element) = target.put(target.shape().home(position), fingerprint, element) {
                    left_over.push(element);
                }
            }
        }
        for target in targets.iter_mut().filter(|target| target.header.expires > 0) {
            target.header.earliest_expiry = target.header.earliest_expiry.min(self.header.earliest_expiry);
        }
        self.header.len = 0;
        self.header.expires = 0;
    }

    fn save(&mut self, home: usize, snapshot: u32, save: &mut dyn FnMut(&mut E)) -> usize {
        if self.header.snapshot != snapshot {
            self.header.snapshot = snapshot;
            self.header.visited = [0; VISITED_WORDS];
        }
        let (word, bit) = (home / u64::BITS as usize, 1 << (home % u64::BITS as usize));
        if self.header.visited[word] & bit != 0 {
            return 0;
        }
        self.header.visited[word] |= bit;
        let mut saved = 0;
        for slot in self.buckets[home].occupied() {
            self.buckets[home].element_mut(slot).into_iter().for_each(&mut *save);
            saved += 1;
        }
        for index in flagged(self.buckets[home].overflow_flags()) {
            let bucket = self.overflow_bucket(home, index);
            for slot in 0..SLOTS {
                let element = self.buckets[bucket].element(slot);
                if element.is_some_and(|element| self.home_of(element.tag()) == home) {
                    self.buckets[bucket].element_mut(slot).into_iter().for_each(&mut *save);
                    saved += 1;
                }
            }
        }
        saved
    }

    /// The first position of the home after this one, and some of its positions skipped.
    fn home_after(&self, home: usize, skipped: u64) -> Option<u64> {
        let homes = u64::from(self.header.homes);
        if home as u64 + 1 == homes {
            return self.end();
        }
        let spread = ((home as u64 + 1) << SPREAD_BITS).div_ceil(homes) + skipped;
        Some(self.header.prefix | spread << (u64::BITS - SPREAD_BITS - self.depth()))
    }

    #[cold]
    fn find_overflowed(&self, home: usize, fingerprint: u8, key: E::Key<'_>) -> Option<Place> {
        for index in flagged(self.buckets[home].overflow_flags()) {
            let bucket = self.overflow_bucket(home, index);
            if let Some(slot) = find_in(&self.buckets[bucket], fingerprint, key) {
                return Some(Place { bucket, slot });
            }
        }
        None
    }

    /// Puts an element with its tag into its home or one of its overflow buckets.
    #[inline]
    fn put(&mut self, home: usize, fingerprint: u8, element: E) -> Result<(), E> {
        let has_expiry = element.has_expiry();
        let (bucket, slot) = match self.buckets[home].vacancies().next() {
            Some(slot) => (home, slot),
            None => match self.overflow_vacancy(home) {
                Some((index, slot)) => {
                    sometimes!(Mark::SegmentOverflowed);
                    self.buckets[home].set_overflow_flag(index, true);
                    (self.overflow_bucket(home, index), slot)
                }
                None => return Err(element),
            },
        };
        self.buckets[bucket].put(slot, fingerprint, element);
        self.header.len += 1;
        self.header.expires += u32::from(has_expiry);
        Ok(())
    }

    /// An empty slot in an overflow bucket of a home: in one it uses already, so that as few as possible have to
    /// be searched; else in the emptiest.
    fn overflow_vacancy(&self, home: usize) -> Option<(usize, usize)> {
        let flags = self.buckets[home].overflow_flags();
        let mut best: Option<(usize, SlotSet)> = None;
        for index in 0..self.overflow_choices() {
            let vacancies = self.buckets[self.overflow_bucket(home, index)].vacancies();
            if flags & 1 << index != 0 {
                if !vacancies.is_empty() {
                    best = Some((index, vacancies));
                    break;
                }
            } else if vacancies.len() > best.map_or(0, |(_, most)| most.len()) {
                best = Some((index, vacancies));
            }
        }
        let (index, mut vacancies) = best?;
        vacancies.next().map(|slot| (index, slot))
    }

    fn overflow_choices(&self) -> usize {
        OVERFLOW_CHOICES.min(self.buckets.len() - self.header.homes as usize)
    }

    /// The bucket that is a home's overflow bucket number `index`.
    #[inline]
    fn overflow_bucket(&self, home: usize, index: usize) -> usize {
        let homes = self.header.homes;
        let overflow = self.buckets.len() as u32 - homes;
        (homes + (home + index) as u32 % overflow) as usize
    }

    /// Moves an element of `home` from an overflow bucket to its empty slot `slot`.
    fn pull_back(&mut self, home: usize, slot: usize) {
        for index in flagged(self.buckets[home].overflow_flags()) {
            let bucket = self.overflow_bucket(home, index);
            let mine = self.slots_of(home, bucket).next();
            if let Some(from) = mine {
                let fingerprint = self.buckets[bucket].fingerprint(from);
                if let Some(element) = self.buckets[bucket].take(from) {
                    self.buckets[home].put(slot, fingerprint, element);
                }
                self.review_overflow(home, bucket);
                return;
            }
        }
    }

    /// Clears the flag for an overflow bucket that holds nothing of `home` any more.
    fn review_overflow(&mut self, home: usize, bucket: usize) {
        if self.slots_of(home, bucket).next().is_some() {
            return;
        }
        for index in 0..self.overflow_choices() {
            if self.overflow_bucket(home, index) == bucket {
                self.buckets[home].set_overflow_flag(index, false);
            }
        }
    }

    /// Slots of an overflow bucket that hold elements of `home`.
    fn slots_of(&self, home: usize, bucket: usize) -> impl Iterator<Item = usize> + use<'_, E> {
        let bucket = &self.buckets[bucket];
        bucket.occupied().filter(move |&slot| {
            bucket.element(slot).is_some_and(|element| self.home_of(element.tag()) == home)
        })
    }

    /// The first home that begins at a position or behind it, if there is one: what a mutant takes for the home.
    fn home_from(&self, position: u64) -> usize {
        let homes = u64::from(self.header.homes);
        let home = self.shape().home(position) as u64;
        let spread = position << self.depth() >> (u64::BITS - SPREAD_BITS);
        let is_within = spread > (home << SPREAD_BITS).div_ceil(homes);
        (home + u64::from(is_within)).min(homes - 1) as usize
    }

    /// The home of the element at a place.
    #[inline]
    fn home_at(&self, place: Place) -> Option<usize> {
        if place.bucket < self.header.homes as usize {
            return Some(place.bucket);
        }
        self.element(place).map(|element| self.home_of(element.tag()))
    }

    /// The home of an element with this tag.
    #[inline]
    fn home_of(&self, tag: u16) -> usize {
        self.shape().home(self.position(tag))
    }

    /// What is known of the hash of an element with this tag: all bits to the end of the window.
    #[inline]
    fn position(&self, tag: u16) -> u64 {
        let base = window_base(self.depth());
        let before = self.header.prefix & !last_hash(base);
        before | u64::from(tag) << (u64::BITS - WINDOW_BITS - base)
    }

    fn prefetch_elements(&self) {
        (0..self.buckets.len()).for_each(|bucket| self.prefetch_elements_in(bucket));
    }
}

#[cfg(test)]
impl<E: Element> Segment<E> {
    /// Checks everything that must hold of a segment. Returns how many elements it has, and how many of them
    /// have an expiry.
    pub fn verify(&self, hash_key: HashKey) -> (usize, usize) {
        let homes = self.header.homes as usize;
        let (mut len, mut expires) = (0, 0);
        let mut flags = vec![0_u8; homes];
        for (index, bucket) in self.buckets.iter().enumerate() {
            for slot in 0..SLOTS {
                let Some(element) = bucket.element(slot) else {
                    assert_eq!(bucket.fingerprint(slot), 0);
                    continue;
                };
                let hash = element.hash(hash_key);
                assert!(self.is_for(hash));
                assert_eq!(bucket.fingerprint(slot), fingerprint(hash));
                assert_eq!(element.tag(), window(hash, self.depth()));
                let home = self.shape().home(hash);
                assert_eq!(self.home_of(element.tag()), home);
                if index < homes {
                    assert_eq!(index, home);
                } else {
                    let choice =
                        (0..self.overflow_choices()).find(|&it| self.overflow_bucket(home, it) == index);
                    flags[home] |= 1 << choice.expect("only overflow buckets of its home");
                }
                if let Some(UnixMillis(at)) = element.expiry() {
                    assert!(self.header.earliest_expiry <= at);
                    expires += 1;
                }
                assert_eq!(element.has_expiry(), element.expiry().is_some());
                len += 1;
            }
        }
        for (home, flags) in flags.into_iter().enumerate() {
            assert_eq!(self.buckets[home].overflow_flags(), flags);
        }
        assert_eq!((self.len(), self.header.expires as usize), (len, expires));
        (len, expires)
    }
}

#[inline(always)]
#[expect(
    clippy::manual_find,
    reason = "the iterator's own loop is not inlined, and this is the hottest there is"
)]
fn find_in<E: Element>(bucket: &Bucket<E>, fingerprint: u8, key: E::Key<'_>) -> Option<usize> {
    for slot in bucket.candidates(fingerprint) {
        if bucket.element(slot).is_some_and(|element| element.has_key(key)) {
            return Some(slot);
        }
    }
    None
}

/// The numbers of the flags that are set.
#[inline]
fn flagged(flags: u8) -> impl Iterator<Item = usize> {
    let following = |left: &u8| Some(left & (left - 1)).filter(|&left| left != 0);
    let lowest = std::iter::successors(Some(flags).filter(|&left| left != 0), following);
    lowest.map(|left| left.trailing_zeros() as usize)
}

/// The byte of a hash that tells elements of a bucket apart. Zero stands for an empty slot.
#[inline]
fn fingerprint(hash: u64) -> u8 {
    (hash as u8).max(1)
}

/// The greatest hash that begins with `depth` zeros: all ones behind a prefix of that length.
#[inline]
fn last_hash(depth: u32) -> u64 {
    u64::MAX.checked_shr(depth).unwrap_or(0)
}

/// The first hash bit in the tags of a segment.
#[inline]
fn window_base(depth: u32) -> u32 {
    depth - depth % WINDOW_DEPTHS
}

/// The tag of a hash in a segment.
#[inline]
fn window(hash: u64, depth: u32) -> u16 {
    (hash << window_base(depth) >> (u64::BITS - WINDOW_BITS)) as u16
}

/// When to grow: which of the permitted fills is up to the prefix.
fn len_max(class: u8, prefix: u64, depth: u32) -> u32 {
    let mixed = (prefix ^ u64::from(depth)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let share = ((mixed >> 32) as usize * FILL_PERCENT_SPAN) >> 32;
    let percent = FILL_PERCENT_MIN + share;
    (slots(CLASS_BYTES[usize::from(class)]) * percent / 100) as u32
}
