//! Zipmaps: what small hashes were until Redis 2.6. They are only read, into listpacks.
//!
//! ```text
//! zipmap   entries (u8)  length field  length spare value  …  FF
//! length   one byte, or FE and four bytes, lowest first
//! spare    one byte: how many bytes behind the value belong to nothing
//! ```

use super::error::Reason;
use crate::value::StringRef;
use crate::value::listpack::Listpack;

const END: u8 = 0xFF;

/// The length follows in four bytes.
const LONG: u8 = 0xFE;

/// The header's number of entries when there are as many or more.
const LEN_UNKNOWN: u8 = 0xFE;

/// Reads a whole zipmap: fields and values in turn.
pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Reason> {
    let Some((&claimed, entries)) = bytes.split_first() else { return Err(Reason::Zipmap(0)) };
    let mut listpack = Listpack::with_capacity(bytes.len());
    let mut rest = entries;
    while !matches!(rest, [END]) {
        let bad = Reason::Zipmap(bytes.len() - rest.len());
        let (field, value, after) = pair(rest).ok_or(bad)?;
        let pair = [StringRef::Bytes(field), StringRef::Bytes(value)];
        if !listpack.has_room_for(pair.map(Listpack::element_len).iter().sum()) {
            return Err(bad);
        }
        listpack.append_all(&pair);
        rest = after;
    }
    if claimed < LEN_UNKNOWN && usize::from(claimed) != listpack.len() / 2 {
        return Err(Reason::Zipmap(0));
    }
    Ok(listpack)
}

/// A field, its value, and what follows.
fn pair(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (len, rest) = length(bytes)?;
    let (field, rest) = rest.split_at_checked(len)?;
    let (len, rest) = length(rest)?;
    let (&spare, rest) = rest.split_first()?;
    let (value, rest) = rest.split_at_checked(len)?;
    Some((field, value, rest.get(usize::from(spare)..)?))
}

fn length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [LONG, l0, l1, l2, l3, rest @ ..] => Some((u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize, rest)),
        [END, ..] | [] => None,
        [len, rest @ ..] => Some((usize::from(*len), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_values_come_in_turn() {
        let bytes = b"\x02\x03foo\x03\x00bar\x05hello\x05\x02world??\xff";
        let listpack = to_listpack(bytes).expect("it is sound");
        let values: Vec<_> = listpack.view().iter().map(StringRef::to_vec).collect();
        assert_eq!(values, [&b"foo"[..], b"bar", b"hello", b"world"]);
        let long = b"\x01\xfe\x01\0\0\0a\x01\0b\xff";
        assert_eq!(to_listpack(long).map(|it| it.len()), Ok(2));
        assert_eq!(to_listpack(b"\0\xff").map(|it| it.len()), Ok(0));
    }

    #[test]
    fn what_ends_early_or_late_is_refused() {
        let bytes = b"\x01\x03foo\x03\x00bar\xff";
        for len in 0..bytes.len() {
            assert!(to_listpack(&bytes[..len]).is_err(), "cut at {len}");
        }
        assert!(to_listpack(b"\x01\x03foo\x03\x00bar\xff\xff").is_err());
        assert!(to_listpack(b"\x02\x03foo\x03\x00bar\xff").is_err());
        assert!(to_listpack(b"\x01\x03foo\x03\x04bar\xff").is_err());
    }
}
