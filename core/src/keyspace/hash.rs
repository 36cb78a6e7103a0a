//! SipHash-1-3: the keyed hash of the keyspace.
//!
//! A client chooses its keys, so the hash must not let it choose where they land. SipHash (Aumasson and
//! Bernstein, 2012) was made for this; the variant with one round per word and three at the end is what the
//! hash tables of Rust, Ruby and Python rest on, and what Redis uses with one round less at the end.

/// The secret key of the hash, drawn once per server from its seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashKey(pub [u64; 2]);

impl HashKey {
    /// The hash of `bytes`.
    #[must_use]
    #[inline(always)]
    pub fn hash(self, bytes: &[u8]) -> u64 {
        let mut state = State::new(self);
        let (words, tail) = bytes.as_chunks::<8>();
        for word in words {
            state.absorb(u64::from_le_bytes(*word));
        }
        // The last word carries the length in its top byte.
        let tail = match bytes.last_chunk::<8>() {
            // The bytes before the tail are shifted out, in two steps since they may be all eight.
            Some(last) => u64::from_le_bytes(*last) >> 1 >> (63 - 8 * tail.len()),
            None => little_endian(tail),
        };
        state.absorb(tail | (bytes.len() as u64) << 56);
        state.finish()
    }
}

/// Up to seven bytes as the low bytes of a word.
#[inline]
fn little_endian(tail: &[u8]) -> u64 {
    match *tail {
        [] => 0,
        [a] => u64::from(a),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a, b, c] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b, c, d] => u64::from(u32::from_le_bytes([a, b, c, d])),
        [a, b, c, d, e] => u64::from_le_bytes([a, b, c, d, e, 0, 0, 0]),
        [a, b, c, d, e, f] => u64::from_le_bytes([a, b, c, d, e, f, 0, 0]),
        [a, b, c, d, e, f, g, ..] => u64::from_le_bytes([a, b, c, d, e, f, g, 0]),
    }
}

struct State {
    v0: u64,
    v1: u64,
    v2: u64,
    v3: u64,
}

impl State {
    #[inline]
    fn new(HashKey([k0, k1]): HashKey) -> State {
        // "somepseudorandomlygeneratedbytes", as the paper has it.
        State {
            v0: k0 ^ 0x736f_6d65_7073_6575,
            v1: k1 ^ 0x646f_7261_6e64_6f6d,
            v2: k0 ^ 0x6c79_6765_6e65_7261,
            v3: k1 ^ 0x7465_6462_7974_6573,
        }
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

    #[inline]
    fn absorb(&mut self, word: u64) {
        self.v3 ^= word;
        self.round();
        self.v0 ^= word;
    }

    #[inline]
    fn finish(mut self) -> u64 {
        self.v2 ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.v0 ^ self.v1 ^ self.v2 ^ self.v3
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::hash::{DefaultHasher, Hasher};

    /// Hashes under the key `00 01 … 0f` of so many of the bytes `00 01 02 …`: the vectors that the standard
    /// library tests its own SipHash-1-3 with.
    const VECTORS: [(usize, u64); 10] = [
        (0, 0xabac_0158_050f_c4dc),
        (1, 0xc9f4_9bf3_7d57_ca93),
        (2, 0x82cb_9b02_4dc7_d44d),
        (7, 0xd392_7d98_9bb1_1140),
        (8, 0x3690_9511_8d29_9a8e),
        (9, 0x25a4_8eb3_6c06_3de4),
        (15, 0xd320_d86d_2a51_9956),
        (16, 0xcc4f_dd1a_7d90_8b66),
        (31, 0x2370_dd1f_8c21_d1bc),
        (63, 0x9d19_9062_b7bb_b3a8),
    ];

    #[test]
    fn matches_known_vectors() {
        let key = HashKey([0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908]);
        let input: Vec<u8> = (0..64).collect();
        for (len, expected) in VECTORS {
            assert_eq!(key.hash(&input[..len]), expected, "length {len}");
        }
    }

    #[test]
    fn agrees_with_the_standard_library_under_the_zero_key() {
        let input: Vec<u8> = (0..=255).collect();
        for len in 0..=input.len() {
            let mut reference = DefaultHasher::new();
            reference.write(&input[..len]);
            assert_eq!(HashKey([0, 0]).hash(&input[..len]), reference.finish(), "length {len}");
        }
    }
}
