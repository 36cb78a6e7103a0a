//! One element as bytes: its encoding and data, then the length of both, to be read by those who come from behind.
//!
//! ```text
//! 0nnnnnnn                            0 to 127
//! 10llllll  bytes                     up to 63 bytes
//! 110nnnnn  nnnnnnnn                  -4096 to 4095, the high bits first
//! 1110llll  llllllll  bytes           up to 4095 bytes
//! 0xF0  length, 4 bytes  bytes        more bytes
//! 0xF1, F2, F3, F4                    16, 24, 32, 64 bits
//! 0xFF                                not an element, but the end
//! ```
//!
//! Numbers longer than a byte are little-endian unless said otherwise. The length at the end has seven bits to a
//! byte, the highest first, and all bytes but the first have their top bit set: reading it backwards one knows
//! where to stop.

use crate::number::parse_i64;
use crate::value::StringRef;

/// What stands where another element would begin.
pub(super) const END: u8 = 0xFF;

/// Longest string whose length is in the first byte.
const SHORT_LEN_MAX: usize = 63;

/// Longest string whose length is in the first two bytes.
const MIDDLE_LEN_MAX: usize = 4095;

const STRING_32: u8 = 0xF0;
const INT_16: u8 = 0xF1;
const INT_24: u8 = 0xF2;
const INT_32: u8 = 0xF3;
const INT_64: u8 = 0xF4;

/// The largest head: the encoding byte and 64 bits.
const HEAD_LEN_MAX: usize = 9;

/// An element on its way in.
pub(super) struct Encoded<'a> {
    head: [u8; HEAD_LEN_MAX],
    head_len: usize,
    data: &'a [u8],
}

impl<'a> Encoded<'a> {
    /// Chooses the shortest encoding: a text that is a number's canonical form becomes that number.
    #[inline]
    pub fn new(value: StringRef<'a>) -> Encoded<'a> {
        match value {
            StringRef::Int(number) => Encoded::int(number),
            StringRef::Bytes(bytes) => match parse_i64(bytes) {
                Some(number) => Encoded::int(number),
                None => Encoded::string(bytes),
            },
        }
    }

    fn int(number: i64) -> Encoded<'a> {
        let mut head = [0; HEAD_LEN_MAX];
        let little = number.to_le_bytes();
        let head_len = match number {
            0..=127 => {
                head[0] = little[0];
                1
            }
            -4096..=4095 => {
                head[0] = 0xC0 | (little[1] & 0x1F);
                head[1] = little[0];
                2
            }
            _ => {
                let (encoding, width) = match number {
                    -0x8000..=0x7FFF => (INT_16, 2),
                    -0x80_0000..=0x7F_FFFF => (INT_24, 3),
                    -0x8000_0000..=0x7FFF_FFFF => (INT_32, 4),
                    _ => (INT_64, 8),
                };
                head[0] = encoding;
                head[1..].copy_from_slice(&little);
                1 + width
            }
        };
        Encoded { head, head_len, data: &[] }
    }

    #[inline]
    fn string(bytes: &'a [u8]) -> Encoded<'a> {
        let mut head = [0; HEAD_LEN_MAX];
        let little = (bytes.len() as u64).to_le_bytes();
        let head_len = string_head_len(bytes.len());
        match head_len {
            1 => head[0] = 0x80 | little[0],
            2 => (head[0], head[1]) = (0xE0 | little[1], little[0]),
            _ => {
                head[0] = STRING_32;
                head[1..5].copy_from_slice(&little[..4]);
            }
        }
        Encoded { head, head_len, data: bytes }
    }

    /// Bytes it will take, with the length at its end.
    #[inline]
    pub fn len(&self) -> usize {
        let len = self.head_len + self.data.len();
        len + backlen_size(len)
    }

    /// Writes it into a gap of exactly its length.
    #[inline]
    pub fn write(&self, gap: &mut [u8]) {
        let (head, rest) = gap.split_at_mut(self.head_len);
        head.copy_from_slice(&self.head[..self.head_len]);
        let (data, backlen) = rest.split_at_mut(self.data.len());
        data.copy_from_slice(self.data);
        write_backlen(self.head_len + self.data.len(), backlen);
    }
}

/// Bytes that a text takes as [`write_short`] writes it; nothing if it is longer than that, or might be a number.
#[inline]
pub(super) fn short_len(text: &[u8]) -> Option<usize> {
    let may_be_number = text.first().is_none_or(|first| first.is_ascii_digit() || *first == b'-');
    (text.len() <= SHORT_LEN_MAX && !may_be_number).then_some(text.len() + 2)
}

/// Writes a short text into a gap of exactly its length: one byte before it, and one behind.
#[inline]
pub(super) fn write_short(text: &[u8], gap: &mut [u8]) {
    gap[0] = 0x80 | text.len() as u8;
    gap[1..=text.len()].copy_from_slice(text);
    gap[text.len() + 1] = text.len() as u8 + 1;
}

/// Bytes that an element takes whose value is a string of this length, and no number.
pub(in crate::value) fn string_element_len(len: usize) -> usize {
    let head_len = string_head_len(len);
    head_len + len + backlen_size(head_len + len)
}

/// Bytes that say that a string of this length follows.
#[inline]
fn string_head_len(len: usize) -> usize {
    if len <= SHORT_LEN_MAX {
        1
    } else if len <= MIDDLE_LEN_MAX {
        2
    } else {
        5
    }
}

/// Where in an element its data lies.
#[derive(Clone, Copy)]
struct Shape {
    /// Bytes before the data, or of the whole number.
    head_len: usize,
    /// Bytes of a string.
    data_len: usize,
    /// Whether it is one.
    is_string: bool,
}

impl Shape {
    /// Reads the first bytes of an element. Nothing if they are no element's, or are cut off.
    #[inline]
    fn read(element: &[u8]) -> Option<Shape> {
        let first = *element.first()?;
        let int = |head_len| Some(Shape { head_len, data_len: 0, is_string: false });
        let string = |head_len, data_len| Some(Shape { head_len, data_len, is_string: true });
        match first {
            0..=0x7F => int(1),
            0x80..=0xBF => string(1, usize::from(first & 0x3F)),
            0xC0..=0xDF => int(2),
            0xE0..=0xEF => string(2, usize::from(first & 0x0F) << 8 | usize::from(*element.get(1)?)),
            STRING_32 => {
                let len: [u8; 4] = element.get(1..5)?.try_into().ok()?;
                string(5, u32::from_le_bytes(len) as usize)
            }
            INT_16 => int(3),
            INT_24 => int(4),
            INT_32 => int(5),
            INT_64 => int(9),
            _ => None,
        }
    }
}

/// The value of an element that begins here, of a listpack known to be sound; and how many bytes it takes.
#[inline]
pub(super) fn decode(element: &[u8]) -> (StringRef<'_>, usize) {
    let shape = Shape::read(element).expect("a sound listpack has known encodings");
    let len = shape.head_len + shape.data_len;
    let value = if shape.is_string {
        StringRef::Bytes(&element[shape.head_len..len])
    } else {
        StringRef::Int(decode_int(element))
    };
    (value, len + backlen_size(len))
}

/// How many bytes the element takes that begins here, in a listpack known to be sound.
#[inline]
pub(super) fn element_len(element: &[u8]) -> usize {
    let shape = Shape::read(element).expect("a sound listpack has known encodings");
    let len = shape.head_len + shape.data_len;
    len + backlen_size(len)
}

/// How many bytes the element takes that begins here, if `rest` begins with a whole sound one.
pub(super) fn checked_element_len(rest: &[u8]) -> Option<usize> {
    let shape = Shape::read(rest)?;
    let len = shape.head_len.checked_add(shape.data_len)?;
    let mut backlen = [0; BACKLEN_SIZE_MAX];
    let backlen = &mut backlen[..backlen_size(len)];
    write_backlen(len, backlen);
    let element_len = len.checked_add(backlen.len())?;
    (rest.get(len..element_len)? == backlen).then_some(element_len)
}

/// How many bytes the element takes that ends where `before` ends, in a listpack known to be sound.
#[inline]
pub(super) fn element_len_backwards(before: &[u8]) -> usize {
    let mut len = 0;
    for (place, &byte) in before.iter().rev().take(BACKLEN_SIZE_MAX).enumerate() {
        len |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return len + place + 1;
        }
    }
    panic!("a sound listpack has lengths at the ends of its elements");
}

fn decode_int(element: &[u8]) -> i64 {
    fn bytes<const N: usize>(element: &[u8]) -> [u8; N] {
        element[1..=N].try_into().expect("the range has this length")
    }
    match element[0] {
        first @ 0..=0x7F => i64::from(first),
        first @ 0xC0..=0xDF => {
            // Thirteen bits: the sign is made by shifting them to the top and back.
            let bits = u16::from_be_bytes([first, element[1]]) << 3;
            i64::from(bits as i16 >> 3)
        }
        INT_16 => i64::from(i16::from_le_bytes(bytes(element))),
        INT_24 => {
            let [low, middle, high] = bytes(element);
            i64::from(i32::from_le_bytes([0, low, middle, high]) >> 8)
        }
        INT_32 => i64::from(i32::from_le_bytes(bytes(element))),
        _ => i64::from_le_bytes(bytes(element)),
    }
}

/// The length at the end takes at most this many bytes.
const BACKLEN_SIZE_MAX: usize = 5;

/// How many bytes the length at the end takes. Redis' bounds: from two bytes on, the largest number that would
/// still fit takes one byte more.
#[inline]
fn backlen_size(len: usize) -> usize {
    if len <= 127 {
        1
    } else if len < 16_383 {
        2
    } else if len < 2_097_151 {
        3
    } else if len < 268_435_455 {
        4
    } else {
        5
    }
}

#[inline]
fn write_backlen(len: usize, backlen: &mut [u8]) {
    if let [byte] = backlen {
        *byte = len as u8;
        return;
    }
    let mut rest = if len == 128 && mutant!(Mutant::BackwardLengthWrong) { 127 } else { len };
    for byte in backlen.iter_mut().rev() {
        *byte = 0x80 | (rest & 0x7F) as u8;
        rest >>= 7;
    }
    backlen[0] &= 0x7F;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode(value: StringRef<'_>) -> Vec<u8> {
        let encoded = Encoded::new(value);
        let mut bytes = vec![0; encoded.len()];
        encoded.write(&mut bytes);
        bytes
    }

    #[test]
    fn encodings_are_those_of_redis() {
        let cases: &[(i64, &[u8])] = &[
            (0, &[0x00, 1]),
            (127, &[0x7F, 1]),
            (128, &[0xC0, 0x80, 2]),
            (-1, &[0xDF, 0xFF, 2]),
            (4095, &[0xCF, 0xFF, 2]),
            (-4096, &[0xD0, 0x00, 2]),
            (4096, &[0xF1, 0x00, 0x10, 3]),
            (-4097, &[0xF1, 0xFF, 0xEF, 3]),
            (32767, &[0xF1, 0xFF, 0x7F, 3]),
            (32768, &[0xF2, 0x00, 0x80, 0x00, 4]),
            (-8_388_608, &[0xF2, 0x00, 0x00, 0x80, 4]),
            (8_388_608, &[0xF3, 0x00, 0x00, 0x80, 0x00, 5]),
            (-2_147_483_648, &[0xF3, 0x00, 0x00, 0x00, 0x80, 5]),
            (2_147_483_648, &[0xF4, 0x00, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 9]),
            (i64::MIN, &[0xF4, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x80, 9]),
        ];
        for &(number, bytes) in cases {
            assert_eq!(encode(StringRef::Int(number)), bytes, "{number}");
            assert_eq!(encode(StringRef::Bytes(number.to_string().as_bytes())), bytes, "{number} as text");
            assert_eq!(decode(bytes), (StringRef::Int(number), bytes.len()));
        }
        assert_eq!(encode(StringRef::Bytes(b"")), [0x80, 1]);
        assert_eq!(encode(StringRef::Bytes(b"-0")), [0x82, b'-', b'0', 3]);
        assert_eq!(encode(StringRef::Bytes(&[b'a'; 64]))[..3], [0xE0, 0x40, b'a']);
        assert_eq!(encode(StringRef::Bytes(&[b'a'; 4096]))[..6], [0xF0, 0x00, 0x10, 0x00, 0x00, b'a']);
    }

    #[test]
    fn lengths_at_the_end_have_redis_bounds() {
        let lens =
            [0, 1, 63, 64, 125, 126, 127, 128, 4095, 4096, 16_377, 16_378, 16_379, 2_097_145, 2_097_146];
        for len in lens {
            let string = vec![b'x'; len];
            let bytes = encode(StringRef::Bytes(&string));
            assert_eq!(decode(&bytes), (StringRef::Bytes(&string), bytes.len()), "{len}");
            assert_eq!(element_len(&bytes), bytes.len(), "{len}");
            assert_eq!(string_element_len(len), bytes.len(), "{len}");
            assert_eq!(checked_element_len(&bytes), Some(bytes.len()), "{len}");
            assert_eq!(element_len_backwards(&bytes), bytes.len(), "{len}");
        }
        let sizes = [(127, 1), (128, 2), (16_382, 2), (16_383, 3), (2_097_150, 3), (2_097_151, 4)];
        for (len, size) in sizes {
            assert_eq!(backlen_size(len), size, "{len}");
        }
        assert_eq!((backlen_size(268_435_454), backlen_size(268_435_455)), (4, 5));
        let mut backlen = [0; 3];
        write_backlen(16_383, &mut backlen);
        assert_eq!(backlen, [0x00, 0xFF, 0xFF]);
    }

    #[test]
    fn what_is_cut_off_or_unknown_is_not_an_element() {
        for value in [StringRef::Int(1 << 40), StringRef::Int(-5), StringRef::Bytes(&[7; 200])] {
            let bytes = encode(value);
            for len in 0..bytes.len() {
                assert_eq!(checked_element_len(&bytes[..len]), None);
            }
        }
        for first in 0xF5..=0xFF {
            assert_eq!(checked_element_len(&[first, 0, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        }
        assert_eq!(checked_element_len(&[0xF0, 0xFF, 0xFF, 0xFF, 0xFF, 0]), None);
        assert_eq!(checked_element_len(&[0x05, 2]), None);
    }
}
