//! CRC-32C (Castagnoli): the checksum of iSCSI and ext4, for which processors have an instruction.

/// A checksum under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crc32c {
    checksum: u32,
}

impl Crc32c {
    /// The checksum of nothing yet.
    #[must_use]
    pub const fn new() -> Crc32c {
        Crc32c { checksum: 0 }
    }

    /// The checksum of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> u32 {
        crc32c::crc32c(bytes)
    }

    /// Takes more bytes in.
    pub fn update(&mut self, bytes: &[u8]) {
        self.checksum = crc32c::crc32c_append(self.checksum, bytes);
    }

    /// The checksum of all bytes so far.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.checksum
    }
}

impl Default for Crc32c {
    fn default() -> Crc32c {
        Crc32c::new()
    }
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
