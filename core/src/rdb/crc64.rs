//! The checksum of RDB files and DUMP payloads: CRC-64 with the Jones polynomial, reflected, beginning at zero.
//!
//! Eight bytes at a time, each by a table of its own ("slicing by 8"; Kounavis and Berry, 2005).

/// The polynomial, lowest power in the highest bit.
const POLYNOMIAL: u64 = 0xAD93_D235_94C9_35A9_u64.reverse_bits();

/// Bytes taken at once.
const SLICES: usize = 8;

/// `TABLES[n][byte]` is what `byte` does to the checksum when `n` zeros follow it.
static TABLES: [[u64; 256]; SLICES] = tables();

/// A checksum in the making.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Crc64(u64);

impl Crc64 {
    /// The checksum of nothing.
    #[must_use]
    pub fn new() -> Crc64 {
        Crc64(0)
    }

    /// The checksum of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Crc64 {
        let mut crc = Crc64::new();
        crc.update(bytes);
        crc
    }

    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let mut words = bytes.chunks_exact(SLICES);
        for word in &mut words {
            let word: [u8; SLICES] = word.try_into().expect("chunks have this length");
            let word = (crc ^ u64::from_le_bytes(word)).to_le_bytes();
            crc =
                word.iter().rev().zip(&TABLES).fold(0, |sum, (&byte, table)| sum ^ table[usize::from(byte)]);
        }
        for &byte in words.remainder() {
            crc = TABLES[0][usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
        }
        self.0 = crc;
    }

    /// The number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0
    }
}

const fn tables() -> [[u64; 256]; SLICES] {
    let mut tables = [[0; 256]; SLICES];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u64;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICES {
        let mut byte = 0;
        while byte < 256 {
            let crc = tables[slice - 1][byte];
            tables[slice][byte] = tables[0][(crc & 0xFF) as usize] ^ (crc >> 8);
            byte += 1;
        }
        slice += 1;
    }
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_comes_out() {
        assert_eq!(Crc64::of(b"123456789").value(), 0xE9C6_D914_C4B8_D9CA);
        assert_eq!(Crc64::of(b"").value(), 0);
    }

    #[test]
    fn pieces_give_what_the_whole_gives() {
        let bytes: Vec<u8> = (0..1000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        let whole = Crc64::of(&bytes);
        for cut in [0, 1, 7, 8, 9, 500, 999, 1000] {
            let mut crc = Crc64::of(&bytes[..cut]);
            crc.update(&bytes[cut..]);
            assert_eq!(crc, whole, "cut at {cut}");
        }
    }
}
