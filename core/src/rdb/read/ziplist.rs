//! Ziplists: what small collections were until Redis 7.0. They are only read, into the listpacks that replaced them.
//!
//! ```text
//! ziplist  bytes (u32)  offset of the last entry (u32)  entries (u16)  entry …  FF        lowest byte first
//! entry    length of the entry before  encoding  text or number
//! ```

use super::error::Reason;
use crate::value::StringRef;
use crate::value::listpack::Listpack;

const HEADER_LEN: usize = 10;

const END: u8 = 0xFF;

/// The length of the entry before follows in four bytes.
const PREVIOUS_LONG: u8 = 0xFE;

/// The header's number of entries when there are more than it can say.
const LEN_UNKNOWN: u16 = u16::MAX;

/// Reads a whole ziplist, looking at everything there is in it.
pub fn to_listpack(bytes: &[u8]) -> Result<Listpack, Reason> {
    let bad = |at: usize| Reason::Ziplist(at);
    let &[b0, b1, b2, b3, t0, t1, t2, t3, n0, n1, ..] = bytes else { return Err(bad(0)) };
    if u32::from_le_bytes([b0, b1, b2, b3]) as usize != bytes.len() {
        return Err(bad(0));
    }
    let Some((&END, entries)) = bytes.split_last() else { return Err(bad(bytes.len() - 1)) };
    let mut listpack = Listpack::with_capacity(bytes.len());
    let (mut at, mut previous_len) = (HEADER_LEN.min(entries.len()), 0);
    let mut last = HEADER_LEN;
    while at < entries.len() {
        let (said, value, len) = entry(&entries[at..]).ok_or(bad(at))?;
        if said != previous_len || !listpack.has_room_for(Listpack::element_len(value)) {
            return Err(bad(at));
        }
        listpack.append(value);
        (last, previous_len) = (at, len);
        at += len;
    }
    let claimed = u16::from_le_bytes([n0, n1]);
    if u32::from_le_bytes([t0, t1, t2, t3]) as usize != last {
        return Err(bad(4));
    }
    if claimed != LEN_UNKNOWN && usize::from(claimed) != listpack.len() {
        return Err(bad(8));
    }
    Ok(listpack)
}

/// The entry that these bytes begin with: how long it says the one before is, its value, and its own length.
fn entry(bytes: &[u8]) -> Option<(usize, StringRef<'_>, usize)> {
    let (said, rest) = match bytes {
        [PREVIOUS_LONG, l0, l1, l2, l3, rest @ ..] => {
            (u32::from_le_bytes([*l0, *l1, *l2, *l3]) as usize, rest)
        }
        [END, ..] | [] => return None,
        [len, rest @ ..] => (usize::from(*len), rest),
    };
    let (value, rest) = value(rest)?;
    Some((said, value, bytes.len() - rest.len()))
}

fn value(bytes: &[u8]) -> Option<(StringRef<'_>, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (len, rest) = match (first >> 6, rest) {
        (0, rest) => (usize::from(first), rest),
        (1, [low, rest @ ..]) => (usize::from(first & 0x3F) << 8 | usize::from(*low), rest),
        (2, [l0, l1, l2, l3, rest @ ..]) if first == 0x80 => {
            (u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize, rest)
        }
        (3, rest) => {
            let (number, rest) = number(first, rest)?;
            return Some((StringRef::Int(number), rest));
        }
        _ => return None,
    };
    let (text, rest) = rest.split_at_checked(len)?;
    Some((StringRef::Bytes(text), rest))
}

fn number(encoding: u8, bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (number, rest) = match (encoding, bytes) {
        (0xFE, [n0, rest @ ..]) => (i64::from(*n0 as i8), rest),
        (0xC0, [n0, n1, rest @ ..]) => (i64::from(i16::from_le_bytes([*n0, *n1])), rest),
        // Three bytes, the highest of which has the sign.
        (0xF0, [n0, n1, n2, rest @ ..]) => (i64::from(i32::from_le_bytes([0, *n0, *n1, *n2]) >> 8), rest),
        (0xD0, [n0, n1, n2, n3, rest @ ..]) => (i64::from(i32::from_le_bytes([*n0, *n1, *n2, *n3])), rest),
        (0xE0, rest) => {
            let (number, rest) = rest.split_first_chunk::<8>()?;
            (i64::from_le_bytes(*number), rest)
        }
        (0xF1..=0xFD, rest) => (i64::from(encoding - 0xF1), rest),
        _ => return None,
    };
    Some((number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ziplist of these entries, without the lengths of those before.
    fn ziplist(entries: &[&[u8]]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_LEN];
        let (mut previous_len, mut last) = (0_usize, HEADER_LEN);
        for entry in entries {
            last = bytes.len();
            match u8::try_from(previous_len) {
                Ok(len) if len < PREVIOUS_LONG => bytes.push(len),
                _ => {
                    bytes.push(PREVIOUS_LONG);
                    bytes.extend_from_slice(&(previous_len as u32).to_le_bytes());
                }
            }
            bytes.extend_from_slice(entry);
            previous_len = bytes.len() - last;
        }
        bytes.push(END);
        let len = bytes.len() as u32;
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes[4..8].copy_from_slice(&(last as u32).to_le_bytes());
        bytes[8..10].copy_from_slice(&(entries.len() as u16).to_le_bytes());
        bytes
    }

    #[test]
    fn every_encoding_is_read() {
        let long = [&[0x40 | 1, 0x2C][..], &[b'x'; 300]].concat();
        let longest = [&[0x80, 0, 0, 0x40, 1][..], &[b'y'; 0x4001]].concat();
        let bytes = ziplist(&[
            b"\x02ab",
            &long,
            &longest,
            &[0xFE, 0x80],
            &[0xC0, 0x00, 0x80],
            &[0xF0, 0xFF, 0xFF, 0xFF],
            &[0xD0, 0, 0, 0, 0x80],
            &[0xE0, 0, 0, 0, 0, 0, 0, 0, 0x80],
            &[0xF1],
            &[0xFD],
        ]);
        let listpack = to_listpack(&bytes).expect("it is sound");
        let values: Vec<_> = listpack.view().iter().collect();
        let numbers = [-128, -32_768, -1, i64::from(i32::MIN), i64::MIN, 0, 12].map(StringRef::Int);
        assert_eq!(values[0], StringRef::Bytes(b"ab"));
        assert_eq!(values[1], StringRef::Bytes(&[b'x'; 300]));
        assert_eq!(values[2], StringRef::Bytes(&[b'y'; 0x4001]));
        assert_eq!(values[3..], numbers);
    }

    #[test]
    fn every_byte_but_those_of_texts_matters() {
        let bytes = ziplist(&[b"\x02ab", &[0xFE, 5], b"\x01c"]);
        assert!(to_listpack(&bytes).is_ok());
        for at in (0..bytes.len()).filter(|at| ![12, 13, 16, 19].contains(at)) {
            let mut wrong = bytes.clone();
            wrong[at] ^= 0x21;
            assert!(to_listpack(&wrong).is_err(), "byte {at}");
        }
        for len in 0..bytes.len() {
            assert!(to_listpack(&bytes[..len]).is_err(), "cut at {len}");
        }
        assert_eq!(to_listpack(&ziplist(&[])).map(|it| it.len()), Ok(0));
    }
}
