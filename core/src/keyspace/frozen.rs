//! Freezing: what a table held at one instant is saved piece by piece, while it changes.
//!
//! [`freeze`](Table::freeze) takes no longer for large tables than for small ones. From then on, every home has a
//! bit in its segment's header that says whether the snapshot has what the home held at that instant. Bits are
//! about the snapshot whose number the header has, so that none of them has to be cleared beforehand.
//!
//! - A walk visits the homes in the order of hashes, as many at a time as its caller likes, and saves what they hold.
//! - Whoever is about to change a home that was not visited saves its elements first. That is a handful.
//! - Whoever is about to replace a segment saves all of it first. The new ones count as visited.
//! - When a table is dropped or emptied at once, all it held goes to the snapshot.
//!
//! While a table is not frozen, this costs changes one branch that is always the same, and lookups nothing.

use super::element::Element;
use super::segment::Segment;
use super::table::Table;
use std::fmt;

/// Homes whose elements are fetched ahead of the one that is saved.
const HOMES_AHEAD: usize = 2;

/// A chunk of what was saved is full when it has so many bytes.
const CHUNK_BYTES: usize = 64 << 10;

/// What a table is frozen with: it knows what to do with elements.
pub(crate) trait Saver<E: Element>: fmt::Debug + Send + Sync {
    /// Saves an element as it is now. Somebody may be waiting for that: always if the element is about to change.
    fn save(&mut self, element: &mut E, in_haste: bool);

    /// What was saved, to be taken from.
    fn saved_mut(&mut self) -> &mut Saved;

    /// Which one it is, among those of a snapshot.
    fn id(&self) -> u64;

    /// Hears that the key which leads to the table is another one now.
    fn note_key(&mut self, key: &[u8]);

    /// Gets all that a table held, because it is dropped or emptied. Returns who watches over what the table holds
    /// from now on, which is not part of the snapshot.
    fn keep(self: Box<Self>, table: Table<E>) -> Option<Box<dyn Saver<E>>>;
}

/// What was saved and waits to be written out.
///
/// There may be much of it, so it lies in chunks: nothing is ever moved to make room for more.
#[derive(Debug, Default)]
pub(crate) struct Saved {
    full: Vec<Vec<u8>>,
    /// The chunk that is being filled.
    last: Vec<u8>,
    bytes_len: usize,
    len: usize,
}

impl Saved {
    /// Saves an element, which `encode` appends. Returns how many bytes that were.
    pub fn add(&mut self, encode: impl FnOnce(&mut Vec<u8>)) -> usize {
        if self.last.len() >= CHUNK_BYTES {
            self.full.push(std::mem::take(&mut self.last));
        }
        let before = self.last.len();
        encode(&mut self.last);
        let added = self.last.len() - before;
        self.bytes_len += added;
        self.len += 1;
        added
    }

    /// How many elements there are.
    pub fn len(&self) -> usize {
        self.len
    }

    /// How many bytes they take.
    pub fn bytes_len(&self) -> usize {
        self.bytes_len
    }

    /// The bytes, to be written one chunk after the other.
    pub fn into_chunks(self) -> impl Iterator<Item = Vec<u8>> {
        self.full.into_iter().chain([self.last])
    }
}

/// What a frozen table has in addition.
pub(super) struct Frozen<E: Element> {
    /// The number of the snapshot, never 0.
    snapshot: u32,
    /// Whether all homes were visited.
    is_walked: bool,
    saver: Box<dyn Saver<E>>,
}

impl<E: Element> Table<E> {
    /// Freezes the table. A table that was frozen for the same snapshot before goes on where it was.
    ///
    /// Every snapshot has another number.
    pub(crate) fn freeze(&mut self, snapshot: u32, saver: Box<dyn Saver<E>>) {
        assert!(snapshot != 0, "new segments say 0");
        self.frozen = Some(Box::new(Frozen { snapshot, is_walked: false, saver }));
    }

    /// Ends that; what was saved and not taken yet is forgotten.
    pub(crate) fn thaw(&mut self) {
        self.frozen = None;
    }

    /// What it was frozen with, if it is frozen.
    pub(crate) fn saver(&mut self) -> Option<&mut dyn Saver<E>> {
        self.frozen.as_mut().map(|frozen| &mut *frozen.saver as &mut dyn Saver<E>)
    }

    /// Saves the home at a position in the order of hashes, unless it was visited. Returns the position of the next
    /// one, if there is one. A walk begins at 0.
    pub(crate) fn save_home(&mut self, position: u64, in_haste: bool) -> Option<u64> {
        let frozen = self.frozen.as_deref_mut().expect("only frozen tables are walked");
        let next = self.directory.segment_mut(position).and_then(|(_, segment)| {
            segment.prefetch_home(position, HOMES_AHEAD);
            segment.save_home(position, frozen.snapshot, &mut |element| frozen.saver.save(element, in_haste));
            segment.position_after(position)
        });
        frozen.is_walked |= next.is_none();
        next
    }

    /// Tells the snapshot, if there is one, that another key leads here now.
    pub(crate) fn note_key(&mut self, key: &[u8]) {
        if let Some(saver) = self.saver() {
            saver.note_key(key);
        }
    }

    /// Has to be called before anything about the home of this hash is changed.
    #[inline(always)]
    pub(super) fn before_change(&mut self, hash: u64) {
        if self.frozen.is_some() {
            self.save_early(hash);
        }
    }

    /// Saves what the segment of a hash holds: has to be called before it is replaced.
    pub(super) fn save_segment(&mut self, hash: u64) {
        if mutant!(Mutant::SnapshotMissesSplit) {
            return;
        }
        if let Some(frozen) = self.frozen.as_deref_mut().filter(|frozen| !frozen.is_walked)
            && let Some((_, segment)) = self.directory.segment_mut(hash)
        {
            segment.save_all(frozen.snapshot, &mut |element| frozen.saver.save(element, true));
        }
    }

    /// Marks new segments as visited.
    pub(super) fn mark_saved(&self, segments: &mut [Box<Segment<E>>]) {
        if let Some(frozen) = &self.frozen {
            segments.iter_mut().for_each(|segment| segment.mark_saved(frozen.snapshot));
        }
    }

    /// Gives all that is there to the snapshot.
    #[cold]
    pub(super) fn hand_over(&mut self) {
        let Some(frozen) = self.frozen.take() else { return };
        if frozen.is_walked && self.len() == 0 {
            self.frozen = Some(frozen);
            return;
        }
        let Frozen { snapshot, saver, .. } = *frozen;
        let successor = saver.keep(self.move_out());
        self.frozen = successor.map(|saver| Box::new(Frozen { snapshot, is_walked: true, saver }));
    }

    #[cold]
    #[inline(never)]
    fn save_early(&mut self, hash: u64) {
        if mutant!(Mutant::SnapshotSeesLaterWrite) {
            return;
        }
        if let Some(frozen) = self.frozen.as_deref_mut().filter(|frozen| !frozen.is_walked)
            && let Some((_, segment)) = self.directory.segment_mut(hash)
        {
            segment.save_home(hash, frozen.snapshot, &mut |element| frozen.saver.save(element, true));
        }
    }
}
