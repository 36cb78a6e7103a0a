//! SipHash-1-3: a keyed hash that resists flooding (Aumasson and Bernstein, "SipHash: a fast short-input PRF",
//! with the round counts Rust's and Redis' fast variants use). Nobody who does not know the key can choose
//! keys that collide.

/// The secret of a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl HashKey {
    /// The hash of a byte string.
    #[must_use]
    #[inline]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        let [k0, k1] = self.0;
        let mut state = State {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        };
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            state.absorb(u64::from_le_bytes(*word));
        }
        state.absorb(last_word(tail, bytes.len()));
        state.v2 ^= 0xff;
        state.round();
        state.round();
        state.round();
        state.v0 ^ state.v1 ^ state.v2 ^ state.v3
    }
}

/// Up to seven trailing bytes, and the length's low byte on top.
#[inline]
fn last_word(tail: &[u8], len: usize) -> u64 {
    let mut word = (len as u64) << 56;
    for (index, &byte) in tail.iter().enumerate() {
        word |= u64::from(byte) << (8 * index);
    }
    word
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline]
    fn round(&mut self) {
        self.v0 = self.v0.wrapping_add(self.v1);
        self.v2 = self.v2.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(13) ^ self.v0;
        self.v3 = self.v3.rotate_left(16) ^ self.v2;
        self.v0 = self.v0.rotate_left(32);
        self.v2 = self.v2.wrapping_add(self.v1);
        self.v0 = self.v0.wrapping_add(self.v3);
        self.v1 = self.v1.rotate_left(17) ^ self.v2;
        self.v3 = self.v3.rotate_left(21) ^ self.v0;
        self.v2 = self.v2.rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hasher};

    /// Rust's default hasher is SipHash-1-3 with a zero key.
    #[test]
    fn agrees_with_the_standard_library() {
        let bytes: Vec<u8> = (0..=255).collect();
        for len in 0..=64 {
            let mut hasher = DefaultHasher::new();
            hasher.write(&bytes[..len]);
            assert_eq!(HashKey([0, 0]).hash(&bytes[..len]), hasher.finish(), "{len} bytes");
        }
    }

    #[test]
    fn the_key_matters() {
        assert_ne!(HashKey([0, 0]).hash(b"key"), HashKey([1, 0]).hash(b"key"));
        assert_ne!(HashKey([0, 0]).hash(b"key"), HashKey([0, 1]).hash(b"key"));
    }
}
