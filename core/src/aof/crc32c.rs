//! CRC-32C (Castagnoli): the checksum of iSCSI and ext4, with eight bytes a step through eight tables.

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0x82f6_3b78;

/// How many bytes are taken at once.
const SLICES: usize = 8;

/// `TABLES[k][byte]` is what `byte` does to the remainder when `k` more bytes follow it.
static TABLES: [[u32; 256]; SLICES] = tables();

/// A checksum under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32c {
    remainder: u32,
}

impl Crc32c {
    /// The checksum of nothing yet.
    #[must_use]
    pub const fn new() -> Crc32c {
        Crc32c { remainder: !0 }
    }

    /// The checksum of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u32 {
        let mut checksum = Crc32c::new();
        checksum.update(bytes);
        checksum.value()
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<SLICES>();
        let mut remainder = self.remainder;
        for chunk in chunks {
            let first = u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]) ^ remainder;
            let [a, b, c, d] = first.to_le_bytes();
            let bytes = [a, b, c, d, chunk[4], chunk[5], chunk[6], chunk[7]];
            remainder = 0;
            for (behind, byte) in bytes.into_iter().rev().enumerate() {
                remainder ^= TABLES[behind][usize::from(byte)];
            }
        }
        for &byte in rest {
            remainder = TABLES[0][usize::from(remainder.to_le_bytes()[0] ^ byte)] ^ (remainder >> 8);
        }
        self.remainder = remainder;
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub const fn value(self) -> u32 {
        !self.remainder
    }
}

impl Default for Crc32c {
    fn default() -> Crc32c {
        Crc32c::new()
    }
}

const fn tables() -> [[u32; 256]; SLICES] {
    let mut tables = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut remainder = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            remainder = if remainder & 1 == 1 { (remainder >> 1) ^ POLYNOMIAL } else { remainder >> 1 };
            bit += 1;
        }
        tables[0][byte] = remainder;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = tables[0][(before & 0xff) as usize] ^ (before >> 8);
            byte += 1;
        }
        slice += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_checksums() {
        // The test vectors of RFC 3720, B.4, and the usual check value.
        assert_eq!(Crc32c::of(b""), 0);
        assert_eq!(Crc32c::of(b"123456789"), 0xe306_9283);
        assert_eq!(Crc32c::of(&[0; 32]), 0x8a91_36aa);
        assert_eq!(Crc32c::of(&[0xff; 32]), 0x62a8_ab43);
        assert_eq!(Crc32c::of(&(0..32).collect::<Vec<u8>>()), 0x46dd_794e);
        assert_eq!(Crc32c::of(&(0..32).rev().collect::<Vec<u8>>()), 0x113f_db5c);
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(bytes: Vec<u8>, cut in 0..64_usize) {
            let mut pieces = Crc32c::new();
            for piece in bytes.chunks(cut + 1) {
                pieces.update(piece);
            }
            prop_assert_eq!(pieces.value(), Crc32c::of(&bytes));
        }
    }
}
