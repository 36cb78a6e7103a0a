//! Lengths, strings and numbers where they lie in what has arrived.
//!
//! Everything here is cheap and copies nothing: what turns out to be incomplete is looked at again from its
//! beginning when more has arrived.

use super::error::Reason;
use crate::rdb::format::{length, string};
use crate::value::{StringRef, lzf};
use itoa::Buffer;
use std::borrow::Cow;

/// Why there is no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// What has arrived ends before it.
    Hungry,
    /// It never will be one.
    Bad(Reason),
}

impl<R: Into<Reason>> From<R> for Stop {
    fn from(reason: R) -> Stop {
        Stop::Bad(reason.into())
    }
}

/// A place in what has arrived.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// A string as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Token<'a> {
    /// A number.
    Int(i64),
    /// Its bytes.
    Plain(&'a [u8]),
    /// Compressed.
    Lzf {
        /// The compressed bytes.
        bytes: &'a [u8],
        /// How many there are said to be.
        len: usize,
    },
}

impl<'a> Cursor<'a> {
    /// The beginning.
    pub fn new(bytes: &'a [u8]) -> Cursor<'a> {
        Cursor { bytes, at: 0 }
    }

    /// How many bytes have been passed.
    pub fn at(&self) -> usize {
        self.at
    }

    /// What is left.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.at..]
    }

    /// Reads something that consists of several, all or nothing.
    pub fn whole<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Stop>) -> Result<T, Stop> {
        let mut ahead = *self;
        let result = read(&mut ahead)?;
        *self = ahead;
        Ok(result)
    }

    /// So many bytes.
    pub fn take(&mut self, len: usize) -> Result<&'a [u8], Stop> {
        let taken = self.rest().get(..len).ok_or(Stop::Hungry)?;
        self.at += len;
        Ok(taken)
    }

    /// A byte.
    pub fn byte(&mut self) -> Result<u8, Stop> {
        Ok(self.take(1)?[0])
    }

    /// So many bytes, as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Stop> {
        Ok(self.take(N)?.try_into().expect("so many were taken"))
    }

    /// A length that is no string's encoding.
    pub fn length(&mut self) -> Result<u64, Stop> {
        self.whole(|it| {
            let first = it.byte()?;
            it.length_from(first)
        })
    }

    /// A string.
    pub fn string(&mut self) -> Result<Token<'a>, Stop> {
        self.whole(|it| {
            let first = it.byte()?;
            if first & length::ENCODED != length::ENCODED {
                let len = it.length_from(first)?;
                return it.take(in_memory(len)).map(Token::Plain);
            }
            match first & !length::ENCODED {
                string::INT8 => Ok(Token::Int(i64::from(i8::from_le_bytes(it.array()?)))),
                string::INT16 => Ok(Token::Int(i64::from(i16::from_le_bytes(it.array()?)))),
                string::INT32 => Ok(Token::Int(i64::from(i32::from_le_bytes(it.array()?)))),
                string::LZF => {
                    let compressed_len = it.length()?;
                    let len = in_memory(it.length()?);
                    it.take(in_memory(compressed_len)).map(|bytes| Token::Lzf { bytes, len })
                }
                _ => Err(Reason::StringEncoding.into()),
            }
        })
    }

    fn length_from(&mut self, first: u8) -> Result<u64, Stop> {
        let low = first & !length::ENCODED;
        match first & length::ENCODED {
            0 => Ok(u64::from(low)),
            length::FOURTEEN_BITS => Ok(u64::from(low) << 8 | u64::from(self.byte()?)),
            _ if first == length::FOUR_BYTES => Ok(u64::from(u32::from_be_bytes(self.array()?))),
            _ if first == length::EIGHT_BYTES => Ok(u64::from_be_bytes(self.array()?)),
            _ => Err(Reason::Length.into()),
        }
    }
}

/// A length as one in memory. One that is too large for that never arrives.
fn in_memory(len: u64) -> usize {
    usize::try_from(len).unwrap_or(usize::MAX)
}

impl<'a> Token<'a> {
    /// The string, decompressed if it has to be.
    pub fn decode(self) -> Result<Decoded<'a>, Stop> {
        Ok(match self {
            Token::Int(number) => Decoded::Int(number),
            Token::Plain(bytes) => Decoded::Bytes(Cow::Borrowed(bytes)),
            Token::Lzf { bytes, len } => Decoded::Bytes(Cow::Owned(lzf::decompress(bytes, len, usize::MAX)?)),
        })
    }

    /// The bytes of the string.
    pub fn into_vec(self) -> Result<Vec<u8>, Stop> {
        Ok(match self.decode()? {
            Decoded::Int(number) => Buffer::new().format(number).as_bytes().to_vec(),
            Decoded::Bytes(bytes) => bytes.into_owned(),
        })
    }
}

/// A string that has been read.
#[derive(Clone, Debug)]
pub enum Decoded<'a> {
    /// A number.
    Int(i64),
    /// Any bytes.
    Bytes(Cow<'a, [u8]>),
}

impl Decoded<'_> {
    /// The string, to look at.
    pub fn as_ref(&self) -> StringRef<'_> {
        match self {
            Decoded::Int(number) => StringRef::Int(*number),
            Decoded::Bytes(bytes) => StringRef::Bytes(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_incomplete_is_left_where_it_is() {
        let bytes = b"\xc3\x05\x0a\0aaaa";
        let mut cursor = Cursor::new(&bytes[..7]);
        assert_eq!(cursor.string(), Err(Stop::Hungry));
        assert_eq!(cursor.at(), 0);
        let mut cursor = Cursor::new(bytes);
        assert_eq!(cursor.string(), Ok(Token::Lzf { bytes: b"\0aaaa", len: 10 }));
    }

    #[test]
    fn bad_lengths_and_encodings_are_refused() {
        assert_eq!(Cursor::new(b"\xc4").string(), Err(Stop::Bad(Reason::StringEncoding)));
        assert_eq!(Cursor::new(b"\x82").length(), Err(Stop::Bad(Reason::Length)));
        assert_eq!(Cursor::new(b"\xc0\x01").length(), Err(Stop::Bad(Reason::Length)));
        let huge = b"\x81\xff\xff\xff\xff\xff\xff\xff\xff";
        assert_eq!(Cursor::new(huge).length(), Ok(u64::MAX));
        assert_eq!(Cursor::new(huge).string(), Err(Stop::Hungry));
    }
}
