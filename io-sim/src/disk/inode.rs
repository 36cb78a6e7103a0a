//! One file's content: what processes see of it, and what the medium holds.
//!
//! The *live* image is the page cache's, the *durable* one the medium's. They differ in dirty pages, which are
//! still to be written; in lost pages, which never will be, because writing them failed; in rotten pages; and in
//! their lengths.

use std::collections::BTreeSet;

/// What is dirty or clean as a whole.
pub const PAGE_BYTES: usize = 4096;

/// What reaches the medium as a whole, or not at all.
pub const SECTOR_BYTES: usize = 512;

/// Sectors of a page.
pub(super) const SECTORS_PER_PAGE: usize = PAGE_BYTES / SECTOR_BYTES;

/// A file's content.
///
/// Invariant: the durable image has the first `promised_bytes` bytes of the live one (bit rot aside), and no
/// length it can take is below that. No page is in two of the sets.
#[derive(Debug)]
pub(super) struct Inode {
    /// Stays the same when operations on other files are taken out of a schedule.
    pub identity: u64,
    /// Whether reading it fails, from now on.
    pub unreadable: bool,
    /// Whether writing back has failed and nobody has been told.
    pub error_is_unreported: bool,
    live: Vec<u8>,
    /// Pages as the medium has them; whatever lies beyond the end is zeros. May be longer than `durable_bytes`:
    /// a page can be there before the length that shows it.
    durable: Vec<u8>,
    durable_bytes: usize,
    /// Pages of the live image that are to be written.
    dirty: BTreeSet<usize>,
    /// Clean pages whose durable image is old.
    lost: BTreeSet<usize>,
    /// Clean pages with a bit flipped in the durable image.
    rotten: BTreeSet<usize>,
    /// The lengths that may have become durable by themselves since the last sync, both ends included.
    bytes_low: usize,
    bytes_high: usize,
    /// How many bytes a successful sync vouches for.
    promised_bytes: usize,
}

impl Inode {
    /// An empty file.
    pub fn new(identity: u64) -> Inode {
        Inode {
            identity,
            unreadable: false,
            error_is_unreported: false,
            live: Vec::new(),
            durable: Vec::new(),
            durable_bytes: 0,
            dirty: BTreeSet::new(),
            lost: BTreeSet::new(),
            rotten: BTreeSet::new(),
            bytes_low: 0,
            bytes_high: 0,
            promised_bytes: 0,
        }
    }

    /// What processes see.
    pub fn live(&self) -> &[u8] {
        &self.live
    }

    /// What the medium holds, up to its durable length.
    pub fn durable(&self) -> Vec<u8> {
        let mut content = self.durable[..self.durable.len().min(self.durable_bytes)].to_vec();
        content.resize(self.durable_bytes, 0);
        content
    }

    /// How many bytes of it are durable.
    pub fn durable_bytes(&self) -> usize {
        self.durable_bytes
    }

    /// How many bytes a successful sync vouches for.
    pub fn promised_bytes(&self) -> usize {
        self.promised_bytes
    }

    /// The lengths that may become durable without a sync, both ends included.
    pub fn possible_bytes(&self) -> (usize, usize) {
        (self.bytes_low, self.bytes_high)
    }

    /// Pages that are to be written.
    pub fn dirty_pages(&self) -> Vec<usize> {
        self.dirty.iter().copied().collect()
    }

    /// Clean pages that the medium has otherwise.
    pub fn stale_pages(&self) -> Vec<usize> {
        self.lost.union(&self.rotten).copied().collect()
    }

    /// Appends to the live image.
    pub fn append(&mut self, data: &[u8]) {
        if data.is_empty() {
            return;
        }
        let first = self.live.len() / PAGE_BYTES;
        self.live.extend_from_slice(data);
        self.mark_dirty(first, (self.live.len() - 1) / PAGE_BYTES);
        self.bytes_high = self.bytes_high.max(self.live.len());
    }

    /// Cuts the live image, or extends it with zeros.
    pub fn truncate(&mut self, len_bytes: usize) {
        let old = self.live.len();
        self.live.resize(len_bytes, 0);
        if len_bytes > old {
            self.mark_dirty(old / PAGE_BYTES, (len_bytes - 1) / PAGE_BYTES);
        } else if len_bytes < old {
            let end = len_bytes.div_ceil(PAGE_BYTES);
            for pages in [&mut self.dirty, &mut self.lost, &mut self.rotten] {
                pages.split_off(&end);
            }
            if !len_bytes.is_multiple_of(PAGE_BYTES) {
                self.mark_dirty(end - 1, end - 1);
            }
        }
        self.bytes_low = self.bytes_low.min(len_bytes);
        self.bytes_high = self.bytes_high.max(len_bytes);
        self.promised_bytes = self.promised_bytes.min(len_bytes);
    }

    fn mark_dirty(&mut self, first: usize, last: usize) {
        for page in first..=last {
            // Most appends stay within the page that is dirty already.
            if self.dirty.last() != Some(&page) {
                self.dirty.insert(page);
            }
            self.lost.remove(&page);
            self.rotten.remove(&page);
        }
    }

    /// Writes every dirty page and the length.
    pub fn write_all(&mut self) {
        for page in self.dirty_pages() {
            self.write_page(page);
        }
        self.write_len(self.live.len());
        (self.bytes_low, self.bytes_high) = (self.live.len(), self.live.len());
    }

    /// Vouches for what a successful sync has made durable: everything before the first page that an earlier,
    /// failed one has lost.
    pub fn promise(&mut self) {
        let sound = self.lost.first().map_or(usize::MAX, |page| page * PAGE_BYTES);
        self.promised_bytes = self.live.len().min(self.promised_bytes.max(sound));
    }

    /// Gives up on writing these pages: they are clean from here on, and the durable image stays old.
    pub fn lose_pages(&mut self, pages: &[usize]) {
        for page in pages {
            if self.dirty.remove(page) {
                self.lost.insert(*page);
            }
        }
    }

    /// Writes one page; its length stays what it was.
    pub fn write_page(&mut self, page: usize) {
        self.write_sectors(page, 0..SECTORS_PER_PAGE);
        self.dirty.remove(&page);
        self.lost.remove(&page);
        self.rotten.remove(&page);
    }

    /// Writes some sectors of a page. The page stays as dirty as it was.
    pub fn write_sectors(&mut self, page: usize, sectors: impl IntoIterator<Item = usize>) {
        self.cover(page);
        for sector in sectors {
            let start = page * PAGE_BYTES + sector * SECTOR_BYTES;
            let target = &mut self.durable[start..start + SECTOR_BYTES];
            let source = &self.live[start.min(self.live.len())..(start + SECTOR_BYTES).min(self.live.len())];
            target[..source.len()].copy_from_slice(source);
            target[source.len()..].fill(0);
        }
    }

    /// Puts something else into a sector of the durable image.
    pub fn overwrite_sector(&mut self, page: usize, sector: usize, content: &[u8; SECTOR_BYTES]) {
        self.cover(page);
        let start = page * PAGE_BYTES + sector * SECTOR_BYTES;
        self.durable[start..start + SECTOR_BYTES].copy_from_slice(content);
    }

    /// Makes room for a page in the durable image.
    fn cover(&mut self, page: usize) {
        let end = (page + 1) * PAGE_BYTES;
        if self.durable.len() < end {
            self.durable.resize(end, 0);
        }
    }

    /// Makes a length durable. Cutting frees what lay behind: a later, greater length shows zeros there.
    pub fn write_len(&mut self, len_bytes: usize) {
        assert!(len_bytes >= self.promised_bytes, "a promised byte would be cut off");
        self.durable.truncate(len_bytes.max(self.live.len()));
        self.durable_bytes = len_bytes;
        self.bytes_low = len_bytes.min(self.live.len());
        self.bytes_high = len_bytes.max(self.live.len());
    }

    /// Flips a bit of the durable image.
    pub fn flip_bit(&mut self, at_byte: usize, bit: u32) {
        let page = at_byte / PAGE_BYTES;
        self.cover(page);
        self.durable[at_byte] ^= 1 << bit;
        if !self.dirty.contains(&page) {
            self.rotten.insert(page);
        }
    }

    /// Drops a clean page from the cache: from here on the live image shows what the medium has.
    pub fn evict(&mut self, page: usize) {
        assert!(!self.dirty.contains(&page), "a dirty page cannot be dropped");
        self.load(page);
        self.lost.remove(&page);
        self.rotten.remove(&page);
    }

    /// The machine starts again: the live image is what the medium holds, and all of it is durable. Costs by the
    /// pages that differ, not by the file's length.
    pub fn restart(&mut self) {
        self.durable.truncate(self.durable_bytes);
        // The length can have been cut in the live image alone; then the pages behind it are not known here.
        let end = self.live.len() / PAGE_BYTES;
        self.live.resize(self.durable_bytes, 0);
        let changed: BTreeSet<usize> =
            self.dirty.iter().chain(&self.lost).chain(&self.rotten).copied().collect();
        for page in changed.into_iter().take_while(|&page| page < end) {
            self.load(page);
        }
        for page in end..self.durable_bytes.div_ceil(PAGE_BYTES) {
            self.load(page);
        }
        for pages in [&mut self.dirty, &mut self.lost, &mut self.rotten] {
            pages.clear();
        }
        self.error_is_unreported = false;
        (self.bytes_low, self.bytes_high) = (self.durable_bytes, self.durable_bytes);
        self.promised_bytes = self.durable_bytes;
    }

    /// Fills a page of the live image from the durable one.
    fn load(&mut self, page: usize) {
        let start = (page * PAGE_BYTES).min(self.live.len());
        let end = (start + PAGE_BYTES).min(self.live.len());
        let source = &self.durable[start.min(self.durable.len())..end.min(self.durable.len())];
        let target = &mut self.live[start..end];
        target[..source.len()].copy_from_slice(source);
        target[source.len()..].fill(0);
    }
}
