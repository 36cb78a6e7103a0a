//! The directory: which segment holds a hash.
//!
//! It is indexed by the top bits of the hash, as many as the deepest segment has. A segment whose prefix is
//! shorter stands in several places in a row. Beside a segment's address, a word holds what finding an element
//! takes, so that the way to an element's bucket does not lead over the segment's header:
//!
//! ```text
//! bits 63..56 home buckets | 55..48 buckets | 47..6 address | 5..0 depth
//! ```

#![expect(unsafe_code, reason = "a segment stands in several places of the directory that owns it")]

use super::element::Element;
use super::segment::{DEPTH_MAX, Segment, Shape};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

const ADDRESS_MASK: usize = 0x0000_ffff_ffff_ffc0;
const DEPTH_MASK: usize = 0x3f;
const HOMES_SHIFT: u32 = 56;
const BUCKETS_SHIFT: u32 = 48;

/// Owns segments that together hold all hashes, or none at all.
pub struct Directory<E: Element> {
    /// Invariant: empty, or 2^`depth` words; each names a live segment, allocated by a box, that stands at all
    /// places its prefix and depth say and at no others.
    words: Vec<Word<E>>,
    /// The depth of the deepest segment.
    depth: u32,
    segments_by_depth: [u32; DEPTH_MAX as usize + 1],
    segments_bytes: usize,
}

/// Segments taken out of a directory, one after the other.
pub struct Pile<E: Element> {
    /// Invariant: each names a live segment; those that name the same one stand together.
    words: Vec<Word<E>>,
}

struct Word<E>(*mut u8, PhantomData<Box<Segment<E>>>);

impl<E> Clone for Word<E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Word<E> {}

// SAFETY: a directory owns its segments, and shares them with nobody.
unsafe impl<E: Element + Send> Send for Directory<E> {}
// SAFETY: nothing changes through a shared directory.
unsafe impl<E: Element + Sync> Sync for Directory<E> {}
// SAFETY: a pile owns its segments, and shares them with nobody.
unsafe impl<E: Element + Send> Send for Pile<E> {}
// SAFETY: nothing can be seen through a shared pile.
unsafe impl<E: Element + Sync> Sync for Pile<E> {}

impl<E: Element> Word<E> {
    /// Takes the segment over.
    fn new(segment: Box<Segment<E>>) -> Word<E> {
        let Shape { depth, homes } = segment.shape();
        let high = (homes as usize) << HOMES_SHIFT | segment.buckets() << BUCKETS_SHIFT;
        let address = Box::into_raw(segment).cast::<u8>();
        assert_eq!(
            address.addr() & !ADDRESS_MASK,
            0,
            "the allocator's addresses are aligned and have 48 bits"
        );
        Word(address.map_addr(|address| address | high | depth as usize), PhantomData)
    }

    #[inline]
    fn shape(self) -> Shape {
        let word = self.0.addr();
        Shape { depth: (word & DEPTH_MASK) as u32, homes: (word >> HOMES_SHIFT) as u32 }
    }

    #[inline]
    fn segment(self) -> *mut Segment<E> {
        let buckets = self.0.addr() >> BUCKETS_SHIFT & 0xff;
        let address = self.0.map_addr(|word| word & ADDRESS_MASK);
        ptr::slice_from_raw_parts_mut(address, buckets) as *mut Segment<E>
    }

    #[inline]
    fn is_same(self, other: Word<E>) -> bool {
        self.0 == other.0
    }
}

impl<E: Element> Directory<E> {
    /// A directory without segments; allocates nothing.
    pub const fn new() -> Directory<E> {
        Directory {
            words: Vec::new(),
            depth: 0,
            segments_by_depth: [0; DEPTH_MAX as usize + 1],
            segments_bytes: 0,
        }
    }

    /// Number of words.
    #[inline]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Bytes of memory for words and segments.
    pub fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<Word<E>>() + self.segments_bytes
    }

    /// The segment for a hash, with its shape.
    #[inline]
    pub fn segment(&self, hash: u64) -> Option<(Shape, &Segment<E>)> {
        let word = *self.words.get(self.index(hash))?;
        // SAFETY: by the invariant of `words`; whoever changes segments has borrowed the directory for that.
        Some((word.shape(), unsafe { &*word.segment() }))
    }

    /// The segment for a hash, to change.
    #[inline]
    pub fn segment_mut(&mut self, hash: u64) -> Option<(Shape, &mut Segment<E>)> {
        let word = *self.words.get(self.index(hash))?;
        // SAFETY: by the invariant of `words`; the directory is borrowed, so nobody else has the segment.
        Some((word.shape(), unsafe { &mut *word.segment() }))
    }

    /// Where the element with this key lies, for as long as nothing is replaced.
    #[inline(always)]
    pub fn find_slot(&mut self, hash: u64, key: E::Key<'_>) -> Option<NonNull<E>> {
        let word = *self.words.get(self.index(hash))?;
        let segment = NonNull::new(word.segment())?;
        // SAFETY: by the invariant of `words`; this borrow of the segment ends here.
        let place = unsafe { segment.as_ref() }.find(word.shape(), hash, key)?;
        Some(Segment::slot_ptr(segment, place))
    }

    /// The segment at a place, unless it stands at an earlier one as well.
    #[inline]
    pub fn segment_from(&self, index: usize) -> Option<&Segment<E>> {
        let word = *self.words.get(index)?;
        let places = 1 << (self.depth - word.shape().depth);
        // SAFETY: by the invariant of `words`.
        (index & (places - 1) == 0).then(|| unsafe { &*word.segment() })
    }

    /// Replaces all segments whose prefixes begin with the `depth` bits of `prefix` by others that hold the same
    /// hashes between them. The old ones are freed.
    pub fn replace(&mut self, prefix: u64, depth: u32, segments: Vec<Box<Segment<E>>>) {
        let deepest = segments.iter().map(|segment| segment.depth()).max().unwrap_or(0);
        if self.words.is_empty() {
            assert!(depth == 0 && deepest == 0, "the first segment holds all hashes");
            self.words = Vec::with_capacity(1);
            self.words.extend(segments.into_iter().map(|segment| {
                self.segments_by_depth[0] += 1;
                self.segments_bytes += segment.bytes();
                Word::new(segment)
            }));
            assert_eq!(self.words.len(), 1);
            return;
        }
        while self.depth < deepest {
            self.double();
        }
        let first = self.index(prefix);
        let end = first + self.places(depth);
        let covered: usize = segments.iter().map(|segment| self.places(segment.depth())).sum();
        assert_eq!(covered, end - first, "the new segments hold the same hashes");
        let old = self.words[first..end].to_vec();
        for segment in segments {
            let at = self.index(segment.prefix());
            let places = self.places(segment.depth());
            assert!(at >= first && at + places <= end);
            self.segments_by_depth[segment.depth() as usize] += 1;
            self.segments_bytes += segment.bytes();
            self.words[at..at + places].fill(Word::new(segment));
        }
        let mut old = Pile { words: old };
        while let Some(segment) = old.pop() {
            self.segments_by_depth[segment.depth() as usize] -= 1;
            self.segments_bytes -= segment.bytes();
        }
        while self.depth > 0 && self.segments_by_depth[self.depth as usize] == 0 {
            self.halve();
        }
    }

    /// Takes all segments out.
    pub fn take(&mut self) -> Pile<E> {
        self.depth = 0;
        self.segments_by_depth.fill(0);
        self.segments_bytes = 0;
        Pile { words: std::mem::take(&mut self.words) }
    }

    #[inline]
    fn index(&self, hash: u64) -> usize {
        // In two steps: a shift by 64 would be none.
        (hash >> 1 >> (u64::BITS - 1 - self.depth)) as usize
    }

    /// Places of a segment of this depth.
    fn places(&self, depth: u32) -> usize {
        1 << (self.depth - depth)
    }

    fn double(&mut self) {
        sometimes!(Mark::DirectoryDoubled);
        let mut words = Vec::with_capacity(2 * self.words.len());
        words.extend(self.words.iter().flat_map(|&word| [word, word]));
        self.words = words;
        self.depth += 1;
    }

    fn halve(&mut self) {
        sometimes!(Mark::DirectoryHalved);
        let mut words = Vec::with_capacity(self.words.len() / 2);
        words.extend(self.words.iter().step_by(2));
        self.words = words;
        self.depth -= 1;
    }
}

impl<E: Element> Drop for Directory<E> {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl<E: Element> Pile<E> {
    /// Takes a segment off.
    pub fn pop(&mut self) -> Option<Box<Segment<E>>> {
        let word = self.words.pop()?;
        while self.words.last().is_some_and(|&last| last.is_same(word)) {
            self.words.pop();
        }
        // SAFETY: the segment came from a box, and no word names it any more.
        Some(unsafe { Box::from_raw(word.segment()) })
    }
}

impl<E: Element> Drop for Pile<E> {
    fn drop(&mut self) {
        while self.pop().is_some() {}
    }
}
