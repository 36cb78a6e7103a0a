//! A listpack's memory: its bytes, with room to spare on both sides.

use super::block::{Block, too_long};
use super::encoding::END;
use super::{BYTES_LEN_MIN, HEADER_LEN, LEN_UNKNOWN, ListpackView};
use crate::value::size_class::{is_wasteful, size_class};

/// Sound bytes somewhere in a block of memory.
///
/// Invariant: from its `start`, the block has a header whose first four bytes say how many bytes belong to the
/// listpack.
pub(super) struct Room {
    block: Block,
}

impl Room {
    /// Holds an empty listpack.
    pub fn with_capacity(bytes: usize) -> Room {
        let mut block = vec![0; size_class(bytes.max(BYTES_LEN_MIN))].into_boxed_slice();
        block[0] = BYTES_LEN_MIN as u8;
        block[HEADER_LEN] = END;
        Room { block: Block::new(block, 0) }
    }

    /// Takes over sound bytes.
    pub fn from_vec(mut bytes: Vec<u8>) -> Room {
        let capacity = size_class(bytes.len());
        bytes.reserve_exact(capacity - bytes.len());
        bytes.resize(capacity, 0);
        Room { block: Block::new(bytes.into_boxed_slice(), 0) }
    }

    /// Holds the same bytes, with as little to spare as can be.
    pub fn duplicate(&self) -> Room {
        let mut block = Vec::with_capacity(size_class(self.len()));
        block.extend_from_slice(self.bytes());
        Room::from_vec(block)
    }

    #[inline]
    pub fn bytes(&self) -> &[u8] {
        let from = &self.block[self.start()..];
        &from[..self.len()]
    }

    /// Bytes of the listpack.
    #[inline]
    pub fn len(&self) -> usize {
        let start = self.start();
        let len = self.block[start..start + 4].try_into().expect("the range has this length");
        u32::from_le_bytes(len) as usize
    }

    /// Elements of the listpack. Where the header cannot say, they are counted.
    #[inline]
    pub fn elements(&self) -> usize {
        let at = self.start() + 4;
        let claimed = self.block[at..at + 2].try_into().expect("the range has this length");
        match u16::from_le_bytes(claimed) {
            LEN_UNKNOWN => ListpackView::count(self.bytes()),
            claimed => usize::from(claimed),
        }
    }

    /// Bytes of memory.
    #[inline]
    pub fn capacity(&self) -> usize {
        self.block.len()
    }

    /// Makes a gap of `added` bytes in the place of the `removed` ones at `at`. The shorter side moves if there
    /// is room for it. At either end, what is to spare on the other side comes over to this one at once, so
    /// that the next elements there have room as well. There are `elements` then.
    #[inline]
    pub fn splice(&mut self, at: usize, removed: usize, added: usize, elements: usize) -> &mut [u8] {
        let (start, old_len) = (self.start(), self.len());
        let len = old_len - removed + added;
        let behind = old_len - at - removed;
        let fits_before = start + removed >= added;
        let fits_behind = start + len <= self.block.len();
        let shrinks = added < removed && is_wasteful(len, self.block.len());
        if shrinks || !fits_before && !fits_behind {
            self.resettle(at, removed, added);
        } else if at <= behind {
            if fits_before {
                self.move_front(at, removed, added);
            } else if at == HEADER_LEN {
                self.resettle(at, removed, added);
            } else {
                self.move_back(at, removed, added);
            }
        } else if fits_behind {
            self.move_back(at, removed, added);
        } else if behind == 1 {
            self.resettle(at, removed, added);
        } else {
            self.move_front(at, removed, added);
        }
        self.write_header(len, elements);
        let gap = self.start() + at;
        &mut self.block[gap..gap + added]
    }

    #[inline]
    fn start(&self) -> usize {
        self.block.start as usize
    }

    #[inline]
    fn write_header(&mut self, len: usize, elements: usize) {
        let len = u32::try_from(len).unwrap_or_else(|_| too_long());
        let elements = u16::try_from(elements).unwrap_or(LEN_UNKNOWN);
        let start = self.start();
        let header = &mut self.block[start..start + HEADER_LEN];
        header[..4].copy_from_slice(&len.to_le_bytes());
        header[4..].copy_from_slice(&elements.to_le_bytes());
    }

    #[inline]
    fn move_front(&mut self, at: usize, removed: usize, added: usize) {
        let start = self.start();
        let new_start = start + removed - added;
        if new_start != start {
            self.block.copy_within(start..start + at, new_start);
            self.block.start = new_start as u32;
        }
    }

    #[inline]
    fn move_back(&mut self, at: usize, removed: usize, added: usize) {
        if added != removed {
            let (start, len) = (self.start(), self.len());
            self.block.copy_within(start + at + removed..start + len, start + at + added);
        }
    }

    /// Moves everything, to a block of another size unless this one suits, and leaves what is to spare at the
    /// side at which something was added.
    fn resettle(&mut self, at: usize, removed: usize, added: usize) {
        let (old_start, old_capacity) = (self.start(), self.capacity());
        let front = old_start..old_start + at;
        let back = front.end + removed..old_start + self.len();
        let len = at + added + back.len();
        let stays = len <= old_capacity && !is_wasteful(len, old_capacity);
        let capacity = if stays { old_capacity } else { size_class(len) };
        let start = if at == HEADER_LEN && back.len() > 1 { capacity - len } else { 0 };
        let new_back = start + at + added;
        if !stays {
            let mut block = Vec::with_capacity(capacity);
            block.resize(start, 0);
            block.extend_from_slice(&self.block[front]);
            block.resize(new_back, 0);
            block.extend_from_slice(&self.block[back]);
            block.resize(capacity, 0);
            self.block = Block::new(block.into_boxed_slice(), 0);
        } else if start == 0 {
            // To the left, so the front first: it comes to lie before where the back was.
            self.block.copy_within(front, start);
            self.block.copy_within(back, new_back);
        } else {
            self.block.copy_within(back, new_back);
            self.block.copy_within(front, start);
        }
        self.block.start = u32::try_from(start).unwrap_or_else(|_| too_long());
    }
}
