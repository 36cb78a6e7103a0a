//! Memory for replies that goes round.

/// The size of a chunk.
pub const CHUNK_LEN_BYTES: usize = 16 * 1024;

/// How many free chunks are kept: 4 MiB.
const FREE_CHUNKS_MAX: usize = 256;

/// Free chunks. One pool serves all clients: only a client that is owed something holds a chunk.
#[derive(Debug, Default)]
pub struct ChunkPool {
    /// Invariant: empty vectors of exactly [`CHUNK_LEN_BYTES`], no more than [`FREE_CHUNKS_MAX`] of them.
    free: Vec<Vec<u8>>,
}

impl ChunkPool {
    /// A pool with nothing in it.
    #[must_use]
    pub fn new() -> ChunkPool {
        ChunkPool::default()
    }

    /// An empty chunk.
    #[must_use]
    #[inline]
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_else(|| Vec::with_capacity(CHUNK_LEN_BYTES))
    }

    /// Takes a chunk back. One of another size, or one too many, is freed.
    #[inline]
    pub fn give_back(&mut self, mut chunk: Vec<u8>) {
        if chunk.capacity() == CHUNK_LEN_BYTES && self.free.len() < FREE_CHUNKS_MAX {
            chunk.clear();
            self.free.push(chunk);
        }
    }

    /// The memory held.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.free.len() * CHUNK_LEN_BYTES
    }
}
