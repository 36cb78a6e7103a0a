//! What DUMP replies and RESTORE takes, written and read as simply as can be, to judge what a server does.

/// Bytes of a version and a checksum.
pub const FOOTER_LEN: usize = 10;

/// The version that Redis 7.0 writes.
const VERSION: u16 = 10;

/// The newest version that is taken.
const VERSION_MAX: u16 = 12;

/// The polynomial of the checksum, as it is written down.
const POLYNOMIAL: u64 = 0xAD93_D235_94C9_35A9;

/// A value that was dumped.
#[derive(Clone, Debug, PartialEq)]
pub enum Dumped {
    /// A string.
    String(Vec<u8>),
    /// The elements of a list.
    List(Vec<Vec<u8>>),
    /// The members of a set.
    Set(Vec<Vec<u8>>),
    /// The members of a sorted set.
    SortedSet(Vec<(Vec<u8>, f64)>),
    /// The fields of a hash.
    Hash(Vec<(Vec<u8>, Vec<u8>)>),
}

/// Why bytes are no payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The footer is not right.
    Footer,
    /// What is before it is not.
    Body,
}

/// The checksum: a bit at a time, the lowest first.
#[must_use]
pub fn checksum(bytes: &[u8]) -> u64 {
    let polynomial = POLYNOMIAL.reverse_bits();
    bytes.iter().fold(0, |crc, &byte| {
        (0..8).fold(crc ^ u64::from(byte), |crc, _| (crc >> 1) ^ (polynomial * (crc & 1)))
    })
}

/// A payload, element by element, with nothing compressed.
#[must_use]
pub fn encode(value: &Dumped) -> Vec<u8> {
    let mut out = Vec::new();
    match value {
        Dumped::String(text) => {
            out.push(0);
            put_text(&mut out, text);
        }
        Dumped::List(texts) | Dumped::Set(texts) => {
            out.push(if matches!(value, Dumped::List(_)) { 1 } else { 2 });
            put_len(&mut out, texts.len());
            texts.iter().for_each(|text| put_text(&mut out, text));
        }
        Dumped::SortedSet(members) => {
            out.push(5);
            put_len(&mut out, members.len());
            for (member, score) in members {
                put_text(&mut out, member);
                out.extend_from_slice(&score.to_le_bytes());
            }
        }
        Dumped::Hash(fields) => {
            out.push(4);
            put_len(&mut out, fields.len());
            for (field, value) in fields {
                put_text(&mut out, field);
                put_text(&mut out, value);
            }
        }
    }
    seal(out)
}

/// Adds the footer.
#[must_use]
pub fn seal(mut body: Vec<u8>) -> Vec<u8> {
    body.extend_from_slice(&VERSION.to_le_bytes());
    let sum = checksum(&body);
    body.extend_from_slice(&sum.to_le_bytes());
    body
}

/// The value of a payload.
///
/// # Errors
///
/// Which part of it is not right.
pub fn decode(payload: &[u8]) -> Result<Dumped, Fault> {
    let body_len = payload.len().checked_sub(FOOTER_LEN).ok_or(Fault::Footer)?;
    let (summed, sum) = payload.split_at(body_len + 2);
    let version = u16::from_le_bytes([summed[body_len], summed[body_len + 1]]);
    if version > VERSION_MAX || sum != checksum(summed).to_le_bytes() {
        return Err(Fault::Footer);
    }
    let mut body = Body(&payload[..body_len]);
    body.value().filter(|_| body.0.is_empty()).ok_or(Fault::Body)
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.push(0x80);
    out.extend_from_slice(&(len as u32).to_be_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    put_len(out, text.len());
    out.extend_from_slice(text);
}

/// What has not been read yet.
struct Body<'a>(&'a [u8]);

/// A length, or how a string is encoded.
enum Length {
    Len(usize),
    Encoding(u8),
}

impl<'a> Body<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn value(&mut self) -> Option<Dumped> {
        let value = match self.byte()? {
            0 => return self.text().map(Dumped::String),
            1 => Dumped::List(self.texts(1)?),
            2 => Dumped::Set(self.texts(1)?),
            3 => Dumped::SortedSet(self.members(Body::score_text)?),
            4 => Dumped::Hash(pairs(&self.texts(2)?)),
            5 => Dumped::SortedSet(self.members(Body::score)?),
            9 => Dumped::Hash(pairs(&zipmap(&self.text()?)?)),
            10 => Dumped::List(ziplist(&self.text()?)?),
            11 => Dumped::Set(intset(&self.text()?)?),
            12 => Dumped::SortedSet(scores(&ziplist(&self.text()?)?)?),
            13 => Dumped::Hash(pairs(&ziplist(&self.text()?)?)),
            14 => {
                let lists: Option<Vec<_>> = self.texts(1)?.iter().map(|it| ziplist(it)).collect();
                Dumped::List(lists?.concat())
            }
            16 => Dumped::Hash(pairs(&listpack(&self.text()?)?)),
            17 => Dumped::SortedSet(scores(&listpack(&self.text()?)?)?),
            18 => Dumped::List(self.nodes()?),
            20 => Dumped::Set(listpack(&self.text()?)?),
            _ => return None,
        };
        (!value.is_empty() && value.is_distinct()).then_some(value)
    }

    fn length(&mut self) -> Option<Length> {
        let first = self.byte()?;
        let low = usize::from(first & 0x3F);
        Some(Length::Len(match first >> 6 {
            0 => low,
            1 => low << 8 | usize::from(self.byte()?),
            2 if first == 0x80 => u32::from_be_bytes(self.take(4)?.try_into().ok()?) as usize,
            2 if first == 0x81 => u64::from_be_bytes(self.take(8)?.try_into().ok()?) as usize,
            3 => return Some(Length::Encoding(low as u8)),
            _ => return None,
        }))
    }

    fn len(&mut self) -> Option<usize> {
        if let Length::Len(len) = self.length()? { Some(len) } else { None }
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let number = match self.length()? {
            Length::Len(len) => return Some(self.take(len)?.to_vec()),
            Length::Encoding(0) => i64::from(i8::from_le_bytes(self.take(1)?.try_into().ok()?)),
            Length::Encoding(1) => i64::from(i16::from_le_bytes(self.take(2)?.try_into().ok()?)),
            Length::Encoding(2) => i64::from(i32::from_le_bytes(self.take(4)?.try_into().ok()?)),
            Length::Encoding(3) => {
                let (compressed_len, len) = (self.len()?, self.len()?);
                return decompress(self.take(compressed_len)?).filter(|text| text.len() == len);
            }
            Length::Encoding(_) => return None,
        };
        Some(number.to_string().into_bytes())
    }

    /// As many texts as the length before them says, times so many.
    fn texts(&mut self, times: usize) -> Option<Vec<Vec<u8>>> {
        let count = self.len()?.checked_mul(times)?;
        let mut texts = Vec::new();
        while texts.len() < count {
            texts.push(self.text()?);
        }
        Some(texts)
    }

    fn members(&mut self, score: fn(&mut Self) -> Option<f64>) -> Option<Vec<(Vec<u8>, f64)>> {
        let count = self.len()?;
        let mut members = Vec::new();
        while members.len() < count {
            let member = self.text()?;
            members.push((member, score(self).filter(|score| !score.is_nan())?));
        }
        Some(members)
    }

    fn score(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn score_text(&mut self) -> Option<f64> {
        match self.byte()? {
            253 => None,
            254 => Some(f64::INFINITY),
            255 => Some(f64::NEG_INFINITY),
            len => std::str::from_utf8(self.take(usize::from(len))?).ok()?.parse().ok(),
        }
    }

    /// A number of so many bytes, the lowest first, the highest of which has the sign.
    fn number(&mut self, len: usize) -> Option<i64> {
        // The bytes stand at the upper end, so that shifting them down brings the sign along.
        let mut all = [0; 8];
        all[8 - len..].copy_from_slice(self.take(len)?);
        Some(i64::from_le_bytes(all) >> (64 - 8 * len))
    }

    fn nodes(&mut self) -> Option<Vec<Vec<u8>>> {
        let mut items = Vec::new();
        for _ in 0..self.len()? {
            let kind = self.len()?;
            let text = self.text()?;
            match kind {
                1 => items.push(text),
                2 => items.extend(listpack(&text)?),
                _ => return None,
            }
        }
        Some(items)
    }
}

impl Dumped {
    fn is_empty(&self) -> bool {
        match self {
            Dumped::String(_) => false,
            Dumped::List(texts) | Dumped::Set(texts) => texts.is_empty(),
            Dumped::SortedSet(members) => members.is_empty(),
            Dumped::Hash(fields) => fields.is_empty(),
        }
    }

    fn is_distinct(&self) -> bool {
        let mut keys: Vec<&[u8]> = match self {
            Dumped::String(_) | Dumped::List(_) => return true,
            Dumped::Set(members) => members.iter().map(Vec::as_slice).collect(),
            Dumped::SortedSet(members) => members.iter().map(|(member, _)| &member[..]).collect(),
            Dumped::Hash(fields) => fields.iter().map(|(field, _)| &field[..]).collect(),
        };
        keys.sort_unstable();
        keys.windows(2).all(|pair| pair[0] != pair[1])
    }
}

fn pairs(texts: &[Vec<u8>]) -> Vec<(Vec<u8>, Vec<u8>)> {
    texts.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}

fn scores(texts: &[Vec<u8>]) -> Option<Vec<(Vec<u8>, f64)>> {
    let score = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
    pairs(texts).into_iter().map(|(member, text)| Some((member, score(&text)?))).collect()
}

fn intset(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let width = usize::from(*bytes.first()?);
    let numbers = bytes.get(8..)?.chunks(width.max(1)).map(|chunk| match *chunk {
        [a, b] => Some(i64::from(i16::from_le_bytes([a, b]))),
        [a, b, c, d] => Some(i64::from(i32::from_le_bytes([a, b, c, d]))),
        _ => Some(i64::from_le_bytes(chunk.try_into().ok()?)),
    });
    numbers.map(|number| Some(number?.to_string().into_bytes())).collect()
}

/// The elements of a listpack.
fn listpack(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = Body(bytes.get(6..)?);
    let mut items = Vec::new();
    loop {
        let before = rest.0.len();
        let first = rest.byte()?;
        let number = match first {
            0xFF => return Some(items),
            0..=0x7F => Ok(i64::from(first)),
            0x80..=0xBF => Err(usize::from(first & 0x3F)),
            0xC0..=0xDF => {
                let number = i64::from(first & 0x1F) << 8 | i64::from(rest.byte()?);
                Ok(if number >= 1 << 12 { number - (1 << 13) } else { number })
            }
            0xE0..=0xEF => Err(usize::from(first & 0x0F) << 8 | usize::from(rest.byte()?)),
            0xF0 => Err(u32::from_le_bytes(rest.take(4)?.try_into().ok()?) as usize),
            0xF1 => Ok(rest.number(2)?),
            0xF2 => Ok(rest.number(3)?),
            0xF3 => Ok(rest.number(4)?),
            0xF4 => Ok(rest.number(8)?),
            _ => return None,
        };
        items.push(match number {
            Ok(number) => number.to_string().into_bytes(),
            Err(len) => rest.take(len)?.to_vec(),
        });
        let back_len = match before - rest.0.len() {
            ..128 => 1,
            128..16_383 => 2,
            16_383..2_097_151 => 3,
            2_097_151..268_435_455 => 4,
            _ => 5,
        };
        rest.take(back_len)?;
    }
}

/// The entries of a ziplist. What they say of the entry before is not looked at.
fn ziplist(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = Body(bytes.get(10..)?);
    let mut items = Vec::new();
    loop {
        match rest.byte()? {
            0xFF => return Some(items),
            0xFE => drop(rest.take(4)?),
            _ => {}
        }
        let number = match rest.byte()? {
            first @ 0..=0x3F => Err(usize::from(first)),
            first @ 0x40..=0x7F => Err(usize::from(first & 0x3F) << 8 | usize::from(rest.byte()?)),
            0x80 => Err(u32::from_be_bytes(rest.take(4)?.try_into().ok()?) as usize),
            0xC0 => Ok(rest.number(2)?),
            0xD0 => Ok(rest.number(4)?),
            0xE0 => Ok(rest.number(8)?),
            0xF0 => Ok(rest.number(3)?),
            0xFE => Ok(rest.number(1)?),
            first @ 0xF1..=0xFD => Ok(i64::from(first) - 0xF1),
            _ => return None,
        };
        items.push(match number {
            Ok(number) => number.to_string().into_bytes(),
            Err(len) => rest.take(len)?.to_vec(),
        });
    }
}

/// Fields and values of a zipmap, all of them short.
fn zipmap(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = Body(bytes.get(1..)?);
    let mut items = Vec::new();
    loop {
        let len = rest.byte()?;
        if len == 0xFF {
            return Some(items);
        }
        items.push(rest.take(usize::from(len))?.to_vec());
        let (len, spare) = (rest.byte()?, rest.byte()?);
        items.push(rest.take(usize::from(len))?.to_vec());
        rest.take(usize::from(spare))?;
    }
}

/// What was compressed by LZF.
fn decompress(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = Body(bytes);
    let mut out = Vec::new();
    while let Some(control) = rest.byte() {
        if control < 32 {
            out.extend_from_slice(rest.take(usize::from(control) + 1)?);
            continue;
        }
        let more = if control >> 5 == 7 { usize::from(rest.byte()?) } else { 0 };
        let len = usize::from(control >> 5) + more + 2;
        let distance = (usize::from(control & 0x1F) << 8 | usize::from(rest.byte()?)) + 1;
        for _ in 0..len {
            out.push(*out.get(out.len().checked_sub(distance)?)?);
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_comes_out() {
        assert_eq!(checksum(b"123456789"), 0xE9C6_D914_C4B8_D9CA);
    }

    #[test]
    fn what_is_written_is_read() {
        let text = |number: u32| format!("text {number}").into_bytes();
        let many = || (0..100).map(text);
        for value in [
            Dumped::String(vec![b'x'; 1000]),
            Dumped::List(many().collect()),
            Dumped::Set(many().collect()),
            Dumped::SortedSet(many().zip((0..).map(f64::from)).collect()),
            Dumped::Hash(many().zip(many()).collect()),
        ] {
            let payload = encode(&value);
            assert_eq!(decode(&payload), Ok(value));
            assert_eq!(decode(&payload[..payload.len() - 1]), Err(Fault::Footer));
        }
        assert_eq!(decode(&seal(vec![1, 0])), Err(Fault::Body));
        assert_eq!(decode(&seal(vec![2, 2, 1, b'a', 1, b'a'])), Err(Fault::Body));
    }

    #[test]
    fn what_servers_write_is_read() {
        let compressed = b"\0\xc3\x09\x40\x64\x01aa\xe0\x57\x00\x01aa".to_vec();
        assert_eq!(decode(&seal(compressed)), Ok(Dumped::String(vec![b'a'; 100])));
        let intset = b"\x0b\x0c\x02\0\0\0\x02\0\0\0\xff\xff\x05\0".to_vec();
        assert_eq!(decode(&seal(intset)), Ok(Dumped::Set(vec![b"-1".to_vec(), b"5".to_vec()])));
        let list = b"\x12\x02\x02\x0e\x0e\0\0\0\x02\0\x81a\x02\xdf\xfe\x02\xff\xff".to_vec();
        assert_eq!(decode(&seal(list.clone())), Err(Fault::Body));
        let list = b"\x12\x02\x02\x0d\x0d\0\0\0\x02\0\x81a\x02\xdf\xfe\x02\xff\x01\x01b".to_vec();
        let items = [&b"a"[..], b"-2", b"b"].map(<[u8]>::to_vec);
        assert_eq!(decode(&seal(list)), Ok(Dumped::List(items.to_vec())));
    }
}
