//! Values to bytes: what Redis 7.0 would write for the same encoding.
//!
//! A caller that has no time for all of a large collection writes its type, [`length`], and then its elements,
//! with as many breaks as it likes: [`list_node`], [`set_member`], [`sorted_set_member`], [`hash_pair`].

use super::format::{self, ObjectType, node, string};
use crate::number::parse_i64;
use crate::value::listpack::Listpack;
use crate::value::quicklist::NodeRef;
use crate::value::{Collection, List, StringRef, ValueRef, lzf};

/// Strings up to this length may be written as numbers.
const INTEGER_TEXT_LEN_MAX: usize = 11;

/// Strings of more bytes than this are worth trying to compress.
const COMPRESS_BYTES_MIN: usize = 20;

/// What compression has to save.
const COMPRESS_SAVED_BYTES_MIN: usize = 4;

/// How values are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// `rdbcompression`: whether long strings are compressed.
    pub compression: bool,
}

impl Default for Options {
    /// Those of Redis.
    fn default() -> Options {
        Options { compression: true }
    }
}

/// Appends a value with its type before it.
pub fn object(out: &mut Vec<u8>, value: ValueRef<'_>, options: Options) {
    out.push(ObjectType::of(value) as u8);
    body(out, value, options);
}

/// Appends a value without its type, which is [`ObjectType::of`] it.
pub fn body(out: &mut Vec<u8>, value: ValueRef<'_>, options: Options) {
    match value {
        ValueRef::String(value) => string(out, value, options),
        ValueRef::Collection(Collection::List(list)) => list_body(out, list, options),
        ValueRef::Collection(Collection::Set(set)) => match set.as_intset() {
            Some(intset) => bytes(out, intset.as_bytes(), options),
            None => {
                length(out, set.len() as u64);
                set.iter().for_each(|member| set_member(out, member, options));
            }
        },
        ValueRef::Collection(Collection::SortedSet(set)) => match set.as_listpack() {
            Some(listpack) => packed(out, listpack, options),
            None => {
                length(out, set.len() as u64);
                // From the last one on, as Redis does: it is quickest to load for whoever inserts in front.
                let members = set.iter(0..set.len()).rev();
                members.for_each(|(member, score)| sorted_set_member(out, member, score, options));
            }
        },
        ValueRef::Collection(Collection::Hash(hash)) => match hash.as_listpack() {
            Some(listpack) => packed(out, listpack, options),
            None => {
                length(out, hash.len() as u64);
                hash.iter().for_each(|(field, value)| hash_pair(out, field, value, options));
            }
        },
    }
}

/// Appends a number of elements, of nodes for a list: what the body of a collection begins with.
pub fn length(out: &mut Vec<u8>, len: u64) {
    if len < format::length::SIX_BITS_END {
        out.push(len as u8);
    } else if len < format::length::FOURTEEN_BITS_END {
        out.push(format::length::FOURTEEN_BITS | (len >> 8) as u8);
        out.push(len as u8);
    } else if let Ok(len) = u32::try_from(len) {
        out.push(format::length::FOUR_BYTES);
        out.extend_from_slice(&len.to_be_bytes());
    } else {
        out.push(format::length::EIGHT_BYTES);
        out.extend_from_slice(&len.to_be_bytes());
    }
}

/// Appends a string: a key, a value, a member.
pub fn string(out: &mut Vec<u8>, value: StringRef<'_>, options: Options) {
    match value {
        StringRef::Bytes(value) => bytes(out, value, options),
        StringRef::Int(number) => {
            if !integer(out, number) {
                value.with_bytes(|text| plain(out, text));
            }
        }
    }
}

/// Appends a node of a list.
pub fn list_node(out: &mut Vec<u8>, list_node: NodeRef<'_>, options: Options) {
    match list_node {
        NodeRef::Packed(listpack) => {
            length(out, node::PACKED);
            bytes(out, listpack, options);
        }
        // It is there already, whatever the options say.
        NodeRef::Compressed { bytes, bytes_len } => {
            length(out, node::PACKED);
            compressed(out, bytes, bytes_len);
        }
        NodeRef::Plain(element) => {
            length(out, node::PLAIN);
            bytes(out, element, options);
        }
    }
}

/// Appends a member of a [`ObjectType::Set`].
pub fn set_member(out: &mut Vec<u8>, member: StringRef<'_>, options: Options) {
    string(out, member, options);
}

/// Appends a member of a [`ObjectType::SortedSet2`].
pub fn sorted_set_member(out: &mut Vec<u8>, member: StringRef<'_>, score: f64, options: Options) {
    string(out, member, options);
    out.extend_from_slice(&score.to_bits().to_le_bytes());
}

/// Appends a field of a [`ObjectType::Hash`].
pub fn hash_pair(out: &mut Vec<u8>, field: StringRef<'_>, value: StringRef<'_>, options: Options) {
    string(out, field, options);
    string(out, value, options);
}

fn list_body(out: &mut Vec<u8>, list: &List, options: Options) {
    if let Some(listpack) = list.as_listpack() {
        length(out, 1);
        list_node(out, NodeRef::Packed(listpack.view().as_bytes()), options);
    } else if let Some(quicklist) = list.as_quicklist() {
        length(out, quicklist.nodes_len() as u64);
        quicklist.nodes_from(0).for_each(|it| list_node(out, it, options));
    }
}

fn packed(out: &mut Vec<u8>, listpack: &Listpack, options: Options) {
    bytes(out, listpack.view().as_bytes(), options);
}

fn bytes(out: &mut Vec<u8>, value: &[u8], options: Options) {
    if value.len() <= INTEGER_TEXT_LEN_MAX && parse_i64(value).is_some_and(|number| integer(out, number)) {
        return;
    }
    if options.compression
        && value.len() > COMPRESS_BYTES_MIN
        && let Some(shorter) = lzf::compress(value, value.len() - COMPRESS_SAVED_BYTES_MIN)
    {
        compressed(out, &shorter, value.len());
    } else {
        plain(out, value);
    }
}

/// Appends a number if it is small enough. Whether it is.
fn integer(out: &mut Vec<u8>, number: i64) -> bool {
    if let Ok(number) = i8::try_from(number) {
        out.push(format::length::ENCODED | string::INT8);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i16::try_from(number) {
        out.push(format::length::ENCODED | string::INT16);
        out.extend_from_slice(&number.to_le_bytes());
    } else if let Ok(number) = i32::try_from(number) {
        out.push(format::length::ENCODED | string::INT32);
        out.extend_from_slice(&number.to_le_bytes());
    } else {
        return false;
    }
    true
}

fn compressed(out: &mut Vec<u8>, lzf: &[u8], len: usize) {
    out.push(format::length::ENCODED | string::LZF);
    length(out, lzf.len() as u64);
    length(out, len as u64);
    out.extend_from_slice(lzf);
}

fn plain(out: &mut Vec<u8>, value: &[u8]) {
    length(out, value.len() as u64);
    out.extend_from_slice(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(value: StringRef<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        string(&mut out, value, Options::default());
        out
    }

    #[test]
    fn lengths_take_the_fewest_bytes() {
        let encoded = |len| {
            let mut out = Vec::new();
            length(&mut out, len);
            out
        };
        assert_eq!(encoded(63), [63]);
        assert_eq!(encoded(64), [0x40, 64]);
        assert_eq!(encoded(16_383), [0x7F, 0xFF]);
        assert_eq!(encoded(16_384), [0x80, 0, 0, 0x40, 0]);
        assert_eq!(encoded(u64::from(u32::MAX)), [0x80, 0xFF, 0xFF, 0xFF, 0xFF]);
        assert_eq!(encoded(1 << 32), [0x81, 0, 0, 0, 1, 0, 0, 0, 0]);
    }

    #[test]
    fn numbers_are_written_as_such_if_they_are_short() {
        assert_eq!(encoded(StringRef::Int(-128)), [0xC0, 0x80]);
        assert_eq!(encoded(StringRef::Bytes(b"128")), [0xC1, 0x80, 0]);
        assert_eq!(encoded(StringRef::Bytes(b"-2147483648")), [0xC2, 0, 0, 0, 0x80]);
        assert_eq!(encoded(StringRef::Int(2_147_483_648)), b"\x0a2147483648");
        assert_eq!(encoded(StringRef::Bytes(b"+1")), b"\x02+1");
        assert_eq!(encoded(StringRef::Bytes(b"")), [0]);
    }

    #[test]
    fn long_strings_are_compressed_if_it_saves_something() {
        assert_eq!(encoded(StringRef::Bytes(&[b'a'; 20]))[0], 20);
        let compressed = encoded(StringRef::Bytes(&[b'a'; 21]));
        assert_eq!(compressed[0], 0xC3);
        assert!(compressed.len() < 12);
        let distinct: Vec<u8> = (0..64).collect();
        assert_eq!(encoded(StringRef::Bytes(&distinct))[..2], [0x40, 64]);
    }
}
