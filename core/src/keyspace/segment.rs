//! A segment of the keyspace's hash table: home buckets and about a quarter as many overflow buckets.
//!
//! A bucket is one cache line: seven one-byte fingerprints, one byte of its own, and seven slots. A slot holds a
//! 48-bit pointer to an entry, whose lowest bit says that the entry has an expiry, and a *tag*: 16 bits of the
//! entry's hash, from the segment's `base` on.
//!
//! Home buckets stand in the order of the hash: an entry's home is given by the ten bits that follow the
//! segment's prefix, scaled to the number of homes. An entry whose home is full goes to one of the overflow
//! buckets its home may use; the home's own byte says which of them it does. The tag tells an entry's home, and
//! after a split both its child and its new home, so that neither touches the entries.
//!
//! A segment grows through the sizes of [`LINES`], each a size class of the allocator, before it splits: without
//! them, a table whose segments have all just split would be half empty.

use super::entry::UnixMillis;

/// The sizes of a segment, in cache lines.
const LINES: [u16; 9] = [4, 8, 16, 32, 64, 96, 112, 128, 160];
/// Hash bits behind the prefix that choose the home.
pub(super) const HOME_BITS: u32 = 10;
/// Slots of a bucket.
pub(super) const SLOTS: usize = 7;
/// Most slots a segment has.
pub(super) const SEGMENT_SLOTS_MAX: usize = LINES[LINES.len() - 1] as usize * SLOTS;
/// Overflow buckets a home bucket may use.
const REACH: usize = 8;
/// Hash bits in a slot beside the pointer.
pub(super) const TAG_BITS: u32 = 16;
const POINTER_BITS: u32 = 64 - TAG_BITS;
const POINTER_MASK: u64 = (1 << POINTER_BITS) - 1;
/// The bit of a slot that says its entry has an expiry; addresses of entries are multiples of 8.
const EXPIRING: u64 = 1;

const ONES: u64 = 0x0001_0101_0101_0101;
const HIGHS: u64 = 0x0080_8080_8080_8080;
const LOWS: u64 = 0x007f_7f7f_7f7f_7f7f;

/// A slot's content. Never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u64);

impl Slot {
    /// Packs a pointer to an entry with its tag and whether it has an expiry.
    #[inline]
    pub fn new(address: usize, tag: u16, is_expiring: bool) -> Slot {
        let address = address as u64;
        assert!(address & !(POINTER_MASK & !EXPIRING) == 0, "user-space addresses have 47 bits");
        Slot(u64::from(tag) << POINTER_BITS | address | u64::from(is_expiring))
    }

    /// The pointer.
    #[inline]
    pub fn address(self) -> usize {
        (self.0 & POINTER_MASK & !EXPIRING) as usize
    }

    /// The tag.
    #[inline]
    pub fn tag(self) -> u16 {
        (self.0 >> POINTER_BITS) as u16
    }

    /// Whether the entry has an expiry.
    #[inline]
    pub fn is_expiring(self) -> bool {
        self.0 & EXPIRING != 0
    }

    /// The same entry in a segment whose tags differ.
    #[inline]
    pub fn with_tag(self, tag: u16) -> Slot {
        Slot(self.0 & POINTER_MASK | u64::from(tag) << POINTER_BITS)
    }
}

/// One cache line.
#[derive(Clone, Debug)]
#[repr(C, align(64))]
struct Bucket {
    /// Seven fingerprints, zero where the slot is empty, and on top the overflow buckets in use, a bit each.
    tags: u64,
    slots: [u64; SLOTS],
}

/// Where an entry stands in a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub bucket: u8,
    pub slot: u8,
}

/// Home buckets, overflow buckets behind them, and what is known of their entries.
#[derive(Debug)]
pub(super) struct Segment {
    buckets: Box<[Bucket]>,
    /// The hash bits all entries share, left-aligned.
    pub prefix: u64,
    /// A lower bound of all expiries; `i64::MAX` when there are none.
    pub earliest_expiry: UnixMillis,
    /// How many buckets are homes.
    homes: u16,
    /// Entries.
    pub len: u16,
    /// How many bits the prefix has.
    pub depth: u8,
    /// From which hash bit on the tags are taken. Invariant: `base <= depth <= base + 6`.
    pub base: u8,
    /// Which of [`LINES`] this segment has.
    size: u8,
}

/// The fingerprint of a hash: never zero, and of bits that choose neither segment nor home.
#[inline]
fn fingerprint(hash: u64) -> u8 {
    let byte = hash as u8;
    if byte == 0 { 1 } else { byte }
}

/// Marks, by the top bit of a byte, the fingerprints equal to `wanted`: those and no others, so that an empty slot
/// is never taken for an entry.
#[inline]
fn matching(tags: u64, wanted: u8) -> u64 {
    let difference = tags ^ u64::from(wanted) * ONES;
    // A byte's sum has its top bit unless its lower seven bits are zero; it never carries into the next byte.
    let nonzero = (difference & LOWS) + LOWS | difference;
    !nonzero & HIGHS
}

/// How many of so many buckets are homes: thirteen sixteenths.
fn homes_of(lines: u16) -> u16 {
    lines * 13 / 16
}

impl Segment {
    /// A segment without entries, large enough for `len` of them when their homes are spread evenly.
    pub fn new(prefix: u64, depth: u8, base: u8, len: usize) -> Segment {
        let size = LINES.iter().position(|&lines| usize::from(lines) * SLOTS * 5 / 8 >= len);
        Segment::of_size(prefix, depth, base, size.unwrap_or(LINES.len() - 1))
    }

    fn of_size(prefix: u64, depth: u8, base: u8, size: usize) -> Segment {
        const EMPTY: Bucket = Bucket { tags: 0, slots: [0; SLOTS] };
        let lines = LINES[size];
        Segment {
            buckets: vec![EMPTY; usize::from(lines)].into_boxed_slice(),
            prefix,
            earliest_expiry: UnixMillis(i64::MAX),
            homes: homes_of(lines),
            len: 0,
            depth,
            base,
            size: size as u8,
        }
    }

    /// Whether the segment can become no larger.
    pub fn is_largest(&self) -> bool {
        usize::from(self.size) == LINES.len() - 1
    }

    /// The same entries in the next size. `None` when not even that has room for them.
    pub fn grown(&self) -> Option<Segment> {
        let mut grown = Segment::of_size(self.prefix, self.depth, self.base, usize::from(self.size) + 1);
        grown.earliest_expiry = self.earliest_expiry;
        for place in self.places() {
            grown.insert(self.slot(place), self.fingerprint_at(place))?;
        }
        Some(grown)
    }

    /// Number of slots.
    pub fn capacity(&self) -> usize {
        self.buckets.len() * SLOTS
    }

    /// Bytes allocated.
    pub fn allocated_bytes(&self) -> usize {
        self.buckets.len() * size_of::<Bucket>()
    }

    /// The tag of a hash in this segment.
    #[inline]
    pub fn tag(&self, hash: u64) -> u16 {
        (hash << self.base >> (64 - TAG_BITS)) as u16
    }

    /// The home bucket of a hash.
    #[inline]
    pub fn home(&self, hash: u64) -> usize {
        self.scale((hash << self.depth >> (64 - HOME_BITS)) as usize)
    }

    /// The home bucket a tag tells.
    #[inline]
    fn home_of_tag(&self, tag: u16) -> usize {
        self.scale(usize::from(tag << (self.depth - self.base) >> (TAG_BITS - HOME_BITS)))
    }

    /// The home of ten bits of hash: in their order.
    #[inline]
    fn scale(&self, bits: usize) -> usize {
        bits * usize::from(self.homes) >> HOME_BITS
    }

    /// The hash position at which the home behind this one begins, relative to the prefix; 0 behind the last.
    pub fn position_after(&self, home: usize) -> u64 {
        let bits = ((home + 1) << HOME_BITS).div_ceil(usize::from(self.homes)) as u64;
        (bits << (64 - HOME_BITS)) >> self.depth
    }

    /// An overflow bucket a home may use.
    #[inline]
    fn overflow_of(&self, home: usize, step: usize) -> usize {
        let homes = usize::from(self.homes);
        let overflows = self.buckets.len() - homes;
        let index = home * 3 / 13 + step;
        homes + if index >= overflows { index % overflows } else { index }
    }

    /// How many overflow buckets a home may use.
    fn reach(&self) -> usize {
        REACH.min(self.buckets.len() - usize::from(self.homes))
    }

    /// Looks for an entry: asks `is_it` about each slot whose fingerprint agrees, until it says yes.
    #[inline]
    pub fn find(&self, hash: u64, mut is_it: impl FnMut(Slot) -> bool) -> Option<Place> {
        let home = self.home(hash);
        let wanted = fingerprint(hash);
        let bucket = &self.buckets[home];
        if let Some(slot) = bucket.find(wanted, &mut is_it) {
            return Some(Place { bucket: home as u8, slot });
        }
        let mut in_use = bucket.tags >> 56;
        while in_use != 0 {
            let index = self.overflow_of(home, in_use.trailing_zeros() as usize);
            if let Some(slot) = self.buckets[index].find(wanted, &mut is_it) {
                return Some(Place { bucket: index as u8, slot });
            }
            in_use &= in_use - 1;
        }
        None
    }

    /// The address of a hash's home bucket, to be fetched.
    #[inline]
    pub fn home_address(&self, hash: u64) -> *const u8 {
        (&raw const self.buckets[self.home(hash)]).cast()
    }

    /// The first slot in the home bucket whose fingerprint agrees.
    #[inline]
    pub fn candidate(&self, hash: u64) -> Option<Slot> {
        let bucket = &self.buckets[self.home(hash)];
        let marks = matching(bucket.tags, fingerprint(hash));
        (marks != 0).then(|| Slot(bucket.slots[(marks.trailing_zeros() / 8) as usize]))
    }

    /// What stands at a place that is taken.
    #[inline]
    pub fn slot(&self, place: Place) -> Slot {
        Slot(self.buckets[usize::from(place.bucket)].slots[usize::from(place.slot)])
    }

    /// What stands at a place, if anything does.
    pub fn at(&self, bucket: usize, slot: usize) -> Option<Slot> {
        let content = self.buckets[bucket].slots[slot];
        (content != 0).then_some(Slot(content))
    }

    /// What stands in the slot of this number, counted through the buckets.
    pub fn nth(&self, number: usize) -> Option<Slot> {
        self.at(number / SLOTS, number % SLOTS)
    }

    /// Lets a slot point elsewhere: its entry has moved.
    #[inline]
    pub fn move_entry(&mut self, place: Place, address: usize) {
        let old = self.slot(place);
        let new = Slot::new(address, old.tag(), old.is_expiring());
        self.buckets[usize::from(place.bucket)].slots[usize::from(place.slot)] = new.0;
    }

    /// Notes that the entry at a place now has an expiry, or no longer.
    pub fn set_expiring(&mut self, place: Place, is_expiring: bool) {
        let slot = &mut self.buckets[usize::from(place.bucket)].slots[usize::from(place.slot)];
        *slot = *slot & !EXPIRING | u64::from(is_expiring);
    }

    /// Adds an entry with the lowest byte of its hash. `None` when neither its home nor an overflow bucket has
    /// room.
    #[inline]
    pub fn insert(&mut self, slot: Slot, low_byte: u8) -> Option<()> {
        let home = self.home_of_tag(slot.tag());
        let place = match self.buckets[home].free() {
            Some(free) => Place { bucket: home as u8, slot: free },
            None => self.overflow_place(home)?,
        };
        self.buckets[usize::from(place.bucket)].put(place.slot, low_byte, slot);
        self.len += 1;
        Some(())
    }

    /// Room in an overflow bucket; one the home uses already is preferred.
    #[cold]
    fn overflow_place(&mut self, home: usize) -> Option<Place> {
        let in_use = self.buckets[home].tags >> 56;
        let steps = || 0..self.reach();
        let used_first = steps().filter(|step| in_use >> step & 1 == 1);
        let others = steps().filter(|step| in_use >> step & 1 == 0);
        let (step, place) = used_first.chain(others).find_map(|step| {
            let index = self.overflow_of(home, step);
            Some((step, Place { bucket: index as u8, slot: self.buckets[index].free()? }))
        })?;
        self.buckets[home].tags |= 1 << (56 + step);
        Some(place)
    }

    /// Takes an entry out, and brings its home's overflow entries home as far as there is room.
    pub fn remove(&mut self, place: Place) -> Slot {
        let slot = self.slot(place);
        self.clear(place);
        let home = self.home_of_tag(slot.tag());
        if self.buckets[home].tags >> 56 != 0 {
            self.bring_home(home);
        }
        slot
    }

    /// Empties a place and leaves everything else where it is.
    pub fn clear(&mut self, place: Place) {
        let bucket = &mut self.buckets[usize::from(place.bucket)];
        bucket.tags &= !(0xff << (8 * u32::from(place.slot)));
        bucket.slots[usize::from(place.slot)] = 0;
        self.len -= 1;
    }

    /// Moves overflow entries of a home into it as far as it has room, and forgets the overflow buckets it no
    /// longer uses.
    fn bring_home(&mut self, home: usize) {
        for step in 0..self.reach() {
            if self.buckets[home].tags >> (56 + step) & 1 == 0 {
                continue;
            }
            let index = self.overflow_of(home, step);
            let mut is_used = false;
            for from in 0..SLOTS {
                let Some(slot) = self.at(index, from) else { continue };
                if self.home_of_tag(slot.tag()) != home {
                    continue;
                }
                let Some(to) = self.buckets[home].free() else {
                    is_used = true;
                    break;
                };
                let place = Place { bucket: index as u8, slot: from as u8 };
                let low_byte = self.fingerprint_at(place);
                self.clear(place);
                self.buckets[home].put(to, low_byte, slot);
                self.len += 1;
            }
            if !is_used {
                self.buckets[home].tags &= !(1 << (56 + step));
            }
        }
    }

    /// The fingerprint kept for the entry at a place.
    pub fn fingerprint_at(&self, place: Place) -> u8 {
        (self.buckets[usize::from(place.bucket)].tags >> (8 * u32::from(place.slot))) as u8
    }

    /// Visits everything that is at home in one bucket, wherever it stands.
    pub fn for_home(&self, home: usize, mut visit: impl FnMut(Slot)) {
        for slot in 0..SLOTS {
            if let Some(slot) = self.at(home, slot) {
                visit(slot);
            }
        }
        for step in 0..self.reach() {
            if self.buckets[home].tags >> (56 + step) & 1 == 0 {
                continue;
            }
            for slot in 0..SLOTS {
                let found = self.at(self.overflow_of(home, step), slot);
                if let Some(slot) = found.filter(|slot| self.home_of_tag(slot.tag()) == home) {
                    visit(slot);
                }
            }
        }
    }

    /// Every place that is taken.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        self.buckets.iter().enumerate().flat_map(|(bucket, content)| {
            (0..SLOTS)
                .filter(|&slot| content.slots[slot] != 0)
                .map(move |slot| Place { bucket: bucket as u8, slot: slot as u8 })
        })
    }

    /// Entries that stand in overflow buckets.
    pub fn overflowed(&self) -> usize {
        self.places().filter(|place| u16::from(place.bucket) >= self.homes).count()
    }
}

impl Bucket {
    #[inline]
    fn find(&self, wanted: u8, is_it: &mut impl FnMut(Slot) -> bool) -> Option<u8> {
        let mut marks = matching(self.tags, wanted);
        while marks != 0 {
            let slot = marks.trailing_zeros() / 8;
            if is_it(Slot(self.slots[slot as usize])) {
                return Some(slot as u8);
            }
            marks &= marks - 1;
        }
        None
    }

    #[inline]
    fn free(&self) -> Option<u8> {
        let marks = matching(self.tags, 0);
        (marks != 0).then(|| (marks.trailing_zeros() / 8) as u8)
    }

    #[inline]
    fn put(&mut self, slot: u8, low_byte: u8, content: Slot) {
        debug_assert_eq!(self.tags >> (8 * u32::from(slot)) & 0xff, 0);
        self.tags |= u64::from(fingerprint(u64::from(low_byte))) << (8 * u32::from(slot));
        self.slots[usize::from(slot)] = content.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_the_equal_fingerprints_are_marked() {
        // Neighbours that differ in the lowest bit are where the cheaper formula errs.
        for bytes in [
            [1, 0, 0, 1, 0, 1, 0],
            [0, 1, 2, 3, 0, 255, 128],
            [7, 6, 7, 6, 6, 7, 7],
            [128, 129, 0, 1, 127, 0, 0],
        ] {
            for top in [0_u8, 0xff] {
                let tags = bytes.iter().rev().fold(u64::from(top), |tags, byte| tags << 8 | byte);
                for wanted in 0..=255_u8 {
                    let marks = matching(tags, wanted);
                    for (slot, byte) in bytes.iter().enumerate() {
                        assert_eq!(marks >> (8 * slot + 7) & 1 == 1, *byte == u64::from(wanted));
                    }
                    assert_eq!(marks & !HIGHS, 0);
                }
            }
        }
    }
}
