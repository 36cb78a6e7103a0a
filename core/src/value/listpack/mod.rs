//! Listpacks: many short strings and numbers in one allocation, in Redis' format to the byte.
//!
//! ```text
//! total bytes   number of elements   element …   0xFF
//! u32           u16, 65535 = many                            little-endian
//! ```
//!
//! Small hashes, sets, sorted sets and lists are one listpack, long lists and streams are made of them. An
//! element ends with its own length (see `encoding.rs`), so one can walk either way, and inserting one changes
//! no other.
//!
//! What is in memory is what a dump contains, with room to spare before and behind it. An edit moves whichever
//! side is shorter, so both ends are cheap to work at. The room's size is always one the allocator hands out.
//!
//! Positions are [`Offset`]s, from the listpack's first byte. An edit leaves those before it valid.

mod block;
mod encoding;
mod room;
#[cfg(test)]
mod tests;
mod view;

pub use view::{Iter, ListpackError, ListpackView};

pub(super) use encoding::string_element_len;
pub(super) use view::Needle;

use self::encoding::Encoded;
use self::room::Room;
use super::StringRef;
use std::fmt;

/// Length of the header.
const HEADER_LEN: usize = 6;

/// Length of an empty listpack: the header and the end.
pub(super) const BYTES_LEN_MIN: usize = HEADER_LEN + 1;

/// The number of elements when it does not fit the header.
const LEN_UNKNOWN: u16 = u16::MAX;

/// The longest listpack that [`Listpack::has_room_for`] lets grow: Redis' limit, far below what the header can say.
pub const BYTES_LEN_MAX: usize = 1 << 30;

/// Where an element begins in its listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Offset(u32);

impl Offset {
    #[inline]
    fn at(self) -> usize {
        self.0 as usize
    }
}

/// A listpack that can be edited.
///
/// Texts that are the canonical form of an integer are stored as integers, and come back as such.
pub struct Listpack {
    room: Room,
}

impl Listpack {
    /// An empty one.
    #[must_use]
    pub fn new() -> Listpack {
        Listpack::with_capacity(BYTES_LEN_MIN)
    }

    /// An empty one that can grow to so many bytes without moving. It keeps this room until something is removed.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Listpack {
        Listpack { room: Room::with_capacity(bytes) }
    }

    /// Takes over bytes from a stranger.
    ///
    /// # Errors
    ///
    /// What [`ListpackView::validate`] finds wrong with them.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Listpack, ListpackError> {
        ListpackView::validate(&bytes)?;
        Ok(Listpack { room: Room::from_vec(bytes) })
    }

    /// Takes over what was a sound listpack before it went through a compressor of our own.
    pub(super) fn from_trusted(bytes: Vec<u8>) -> Listpack {
        Listpack { room: Room::from_vec(bytes) }
    }

    /// Its elements, to be read.
    #[must_use]
    #[inline]
    pub fn view(&self) -> ListpackView<'_> {
        ListpackView::trusted(self.room.bytes(), self.len())
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.room.elements()
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of the format: what limits are about.
    #[must_use]
    #[inline]
    pub fn bytes_len(&self) -> usize {
        self.room.len()
    }

    /// Bytes of memory besides this handle.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        self.room.capacity()
    }

    /// Bytes that an element with this value takes.
    #[must_use]
    #[inline]
    pub fn element_len(value: StringRef<'_>) -> usize {
        Encoded::new(value).len()
    }

    /// Whether it may grow by so many bytes. Adding more than this allows is a panic once the header cannot
    /// say the length any more.
    #[must_use]
    #[inline]
    pub fn has_room_for(&self, bytes: usize) -> bool {
        self.bytes_len().saturating_add(bytes) <= BYTES_LEN_MAX
    }

    /// Adds an element behind all others.
    #[inline]
    pub fn append(&mut self, value: StringRef<'_>) {
        self.put(self.end(), 0, 0, &Encoded::new(value));
    }

    /// Adds an element before all others.
    #[inline]
    pub fn prepend(&mut self, value: StringRef<'_>) {
        self.put(HEADER_LEN, 0, 0, &Encoded::new(value));
    }

    /// Adds elements behind all others, in their order, moving at most once.
    pub fn append_all(&mut self, values: &[StringRef<'_>]) {
        self.put_all(self.end(), values);
    }

    /// Adds elements before all others, in their order, moving at most once.
    pub fn prepend_all(&mut self, values: &[StringRef<'_>]) {
        self.put_all(HEADER_LEN, values);
    }

    /// Adds all elements of another listpack behind those of this one.
    pub fn append_listpack(&mut self, other: ListpackView<'_>) {
        let elements = elements_of(other);
        let len = self.len() + other.len();
        self.edit(self.end(), 0, elements.len(), len).copy_from_slice(elements);
    }

    /// Adds all elements of another listpack before those of this one.
    pub fn prepend_listpack(&mut self, other: ListpackView<'_>) {
        let elements = elements_of(other);
        let len = self.len() + other.len();
        self.edit(HEADER_LEN, 0, elements.len(), len).copy_from_slice(elements);
    }

    /// Adds an element before this one, which moves behind it.
    pub fn insert_before(&mut self, offset: Offset, value: StringRef<'_>) {
        self.put(offset.at(), 0, 0, &Encoded::new(value));
    }

    /// Adds an element after this one. Returns where it is.
    pub fn insert_after(&mut self, offset: Offset, value: StringRef<'_>) -> Offset {
        let after = self.view().after(offset);
        self.put(after.at(), 0, 0, &Encoded::new(value));
        after
    }

    /// Adds an element that then has this index.
    ///
    /// # Panics
    ///
    /// If there are fewer elements than that.
    pub fn insert(&mut self, index: usize, value: StringRef<'_>) {
        match self.view().seek(index) {
            Some(offset) => self.insert_before(offset, value),
            None if index == self.len() => self.append(value),
            None => panic!("the index is not beyond the length"),
        }
    }

    /// Puts another value in the place of the element with this index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn replace_at(&mut self, index: usize, value: StringRef<'_>) {
        let offset = self.view().seek(index).expect("the index is below the length");
        self.replace(offset, value);
    }

    /// Puts another value in the place of an element.
    pub fn replace(&mut self, offset: Offset, value: StringRef<'_>) {
        let old_len = self.view().after(offset).at() - offset.at();
        self.put(offset.at(), old_len, 1, &Encoded::new(value));
    }

    /// Removes an element. Returns where the one after it is now.
    pub fn remove(&mut self, offset: Offset) -> Option<Offset> {
        self.remove_from(offset, 1)
    }

    /// Removes up to `count` elements, beginning with this one. Returns where the one after them is now.
    pub fn remove_from(&mut self, offset: Offset, count: usize) -> Option<Offset> {
        let view = self.view();
        let (mut to, mut removed) = (offset, 0);
        while removed < count && to.at() < self.end() {
            to = view.after(to);
            removed += 1;
        }
        self.edit(offset.at(), to.at() - offset.at(), 0, self.len() - removed);
        (offset.at() < self.end()).then_some(offset)
    }

    /// Removes up to `count` elements from this index on.
    pub fn remove_range(&mut self, index: usize, count: usize) {
        let last = index.saturating_add(count).min(self.len());
        if let Some(from) = self.view().seek(index).filter(|_| count > 0) {
            let to = self.view().seek(last).map_or(self.end(), Offset::at);
            self.edit(from.at(), to - from.at(), 0, self.len() - (last - index));
        }
    }

    /// Removes up to `count` elements that equal `needle`, the first ones or the last ones. Returns how many.
    pub(super) fn remove_equal(&mut self, needle: &Needle<'_>, count: usize, from_back: bool) -> usize {
        let mut removed = 0;
        let mut next = if from_back { self.view().last() } else { self.view().first() };
        while let Some(offset) = next.filter(|_| removed < count) {
            let is_equal = needle.equals(self.view().at(offset));
            let before = if from_back { self.view().previous(offset) } else { None };
            let after = if is_equal { self.remove(offset) } else { self.view().next(offset) };
            next = if from_back { before } else { after };
            removed += usize::from(is_equal);
        }
        removed
    }

    /// Removes the elements from this index on, and returns them.
    #[must_use]
    pub fn split_off(&mut self, index: usize) -> Listpack {
        let mut tail = Listpack::new();
        if let Some(from) = self.view().seek(index) {
            let elements = &self.view().as_bytes()[from.at()..self.end()];
            let count = self.len() - index;
            tail.edit(HEADER_LEN, 0, elements.len(), count).copy_from_slice(elements);
            self.edit(from.at(), elements_of(tail.view()).len(), 0, index);
        }
        tail
    }

    /// Where the end is.
    #[inline]
    fn end(&self) -> usize {
        self.bytes_len() - 1
    }

    #[inline]
    fn put(&mut self, at: usize, removed_bytes: usize, removed: usize, encoded: &Encoded<'_>) {
        let gap = self.edit(at, removed_bytes, encoded.len(), self.len() - removed + 1);
        encoded.write(gap);
    }

    fn put_all(&mut self, at: usize, values: &[StringRef<'_>]) {
        let bytes = values.iter().map(|&value| Listpack::element_len(value)).sum();
        let mut gap = self.edit(at, 0, bytes, self.len() + values.len());
        for &value in values {
            let encoded = Encoded::new(value);
            let place;
            (place, gap) = gap.split_at_mut(encoded.len());
            encoded.write(place);
        }
    }

    /// Puts a gap of `added` bytes in the place of `removed` ones, to be filled with whole elements, of which
    /// there are `len` then.
    #[inline]
    fn edit(&mut self, at: usize, removed: usize, added: usize, len: usize) -> &mut [u8] {
        self.room.splice(at, removed, added, len)
    }
}

fn elements_of(listpack: ListpackView<'_>) -> &[u8] {
    let bytes = listpack.as_bytes();
    &bytes[HEADER_LEN..bytes.len() - 1]
}

impl Default for Listpack {
    fn default() -> Listpack {
        Listpack::new()
    }
}

impl Clone for Listpack {
    /// A copy without the room to spare.
    fn clone(&self) -> Listpack {
        Listpack { room: self.room.duplicate() }
    }
}

impl PartialEq for Listpack {
    fn eq(&self, other: &Listpack) -> bool {
        self.view() == other.view()
    }
}

impl Eq for Listpack {}

impl fmt::Debug for Listpack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.view().fmt(f)
    }
}

impl<'a> FromIterator<StringRef<'a>> for Listpack {
    fn from_iter<I: IntoIterator<Item = StringRef<'a>>>(values: I) -> Listpack {
        let mut listpack = Listpack::new();
        for value in values {
            listpack.append(value);
        }
        listpack
    }
}
