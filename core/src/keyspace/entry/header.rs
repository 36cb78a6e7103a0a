//! The first word of an entry's block.

use super::WORD;
use super::content::Room;
use crate::keyspace::UnixMillis;
use crate::value::ValueType;

/// A key length in the header that means: see the long form.
const LONG_KEY: u8 = u8::MAX;

/// There is an expiry.
pub const FLAG_EXPIRY: u8 = 1;
/// The string was changed in place, and Redis would call its encoding `raw` however short it is.
pub const FLAG_RAW: u8 = 2;

/// The value is an i64.
pub const ENCODING_INT: u8 = 0;
/// The value's bytes lie in the block.
pub const ENCODING_INLINE: u8 = 1;
/// The value is the pointer of a box.
pub const ENCODING_BOXED: u8 = 2;
/// The value is a collection, most of which lies elsewhere.
pub const ENCODING_COLLECTION: u8 = 3;

/// The first word of a block. It is read and written as a whole: the processor is slow to combine bytes it has
/// just written.
///
/// ```text
/// bits 63..40 stamp | 39..32 words of the block | 31..24 length of an inline value
///    | 23..16 length of the key, or LONG_KEY | 15..8 flags | 7..4 type | 3..0 encoding
/// ```
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Header(u64);

impl Header {
    const FLAGS_SHIFT: u32 = 8;
    const KEY_LEN_SHIFT: u32 = 16;
    const VALUE_LEN_SHIFT: u32 = 24;
    const BLOCK_WORDS_SHIFT: u32 = 32;
    const LRU_SHIFT: u32 = 40;

    /// A header without a value and a block yet.
    #[inline]
    pub fn new(value_type: ValueType, key_len: usize, flags: u8, lru: u32) -> Header {
        let key_len = u8::try_from(key_len).unwrap_or(LONG_KEY);
        Header((value_type as u64) << 4 | u64::from(key_len) << Header::KEY_LEN_SHIFT)
            .with_flags(flags)
            .with_lru(lru)
    }

    #[inline]
    fn byte(self, shift: u32) -> u8 {
        (self.0 >> shift) as u8
    }

    #[inline]
    fn with_byte(self, shift: u32, byte: u8) -> Header {
        Header(self.0 & !(0xff << shift) | u64::from(byte) << shift)
    }

    /// How the value is stored.
    #[inline]
    pub fn encoding(self) -> u8 {
        self.0 as u8 & 0xf
    }

    /// With this encoding; the length matters for inline values only.
    #[inline]
    pub fn with_value(self, encoding: u8, value_len: usize) -> Header {
        self.with_typed_value(ValueType::String, encoding, value_len)
    }

    /// With a value of this type in this encoding.
    #[inline]
    pub fn with_typed_value(self, value_type: ValueType, encoding: u8, value_len: usize) -> Header {
        let encoded = Header(self.0 & !0xff | (value_type as u64) << 4 | u64::from(encoding));
        // Inline values are no longer than INLINE_LEN_MAX.
        encoded.with_byte(Header::VALUE_LEN_SHIFT, value_len as u8)
    }

    /// `FLAG_EXPIRY` and `FLAG_RAW`, if they hold.
    #[inline]
    pub fn flags(self) -> u8 {
        self.byte(Header::FLAGS_SHIFT)
    }

    /// With these flags.
    #[inline]
    pub fn with_flags(self, flags: u8) -> Header {
        self.with_byte(Header::FLAGS_SHIFT, flags)
    }

    /// Whether there is an expiry.
    #[inline]
    pub fn has_expiry(self) -> bool {
        self.flags() & FLAG_EXPIRY != 0
    }

    /// Whether the string was changed in place.
    #[inline]
    pub fn is_raw(self) -> bool {
        self.flags() & FLAG_RAW != 0
    }

    /// Length of the key, or `LONG_KEY`.
    #[inline]
    pub fn key_len(self) -> u8 {
        self.byte(Header::KEY_LEN_SHIFT)
    }

    /// Whether the key is long.
    #[inline]
    pub fn is_long(self) -> bool {
        self.key_len() == LONG_KEY
    }

    /// Length of an inline value.
    #[inline]
    pub fn inline_len(self) -> usize {
        usize::from(self.byte(Header::VALUE_LEN_SHIFT))
    }

    /// What the value takes within the block.
    #[inline]
    pub fn room(self) -> Room {
        match self.encoding() {
            ENCODING_INLINE => Room::bytes(self.inline_len()),
            ENCODING_COLLECTION => Room::COLLECTION,
            _ => Room::WORD,
        }
    }

    /// Size of the block, unless the key is long.
    #[inline]
    pub fn block_bytes(self) -> usize {
        usize::from(self.byte(Header::BLOCK_WORDS_SHIFT)) * WORD
    }

    /// With a block of this size, which is less than 256 words.
    #[inline]
    pub fn with_block_bytes(self, bytes: usize) -> Header {
        debug_assert!(bytes / WORD <= usize::from(u8::MAX));
        self.with_byte(Header::BLOCK_WORDS_SHIFT, (bytes / WORD) as u8)
    }

    /// The 24-bit stamp.
    #[inline]
    pub fn lru(self) -> u32 {
        (self.0 >> Header::LRU_SHIFT) as u32
    }

    /// With this stamp.
    #[inline]
    pub fn with_lru(self, lru: u32) -> Header {
        // The bits beyond the stamp's 24 fall off at the top.
        Header(self.0 & !(u64::MAX << Header::LRU_SHIFT) | u64::from(lru) << Header::LRU_SHIFT)
    }

    /// Where an expiry lies.
    #[inline]
    pub fn expiry_at(self) -> usize {
        if self.is_long() { 2 * WORD } else { WORD }
    }

    /// Where the key lies.
    #[inline]
    pub fn key_at(self) -> usize {
        self.expiry_at() + if self.has_expiry() { WORD } else { 0 }
    }
}

/// The flags of an entry.
#[inline]
pub fn flags(expiry: Option<UnixMillis>, is_raw: bool) -> u8 {
    let flag = |is_set: bool, flag: u8| if is_set { flag } else { 0 };
    flag(expiry.is_some(), FLAG_EXPIRY) | flag(is_raw, FLAG_RAW)
}
