//! The longest common subsequence of two strings.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::string::{SYNTAX, argument, len_of};
use std::ops::RangeInclusive;

/// Bytes of one cell of the table that Redis makes.
const CELL_BYTES: i64 = 4;

/// A piece that stands in both strings.
struct Match {
    first: RangeInclusive<usize>,
    second: RangeInclusive<usize>,
}

/// `LCS key1 key2 [LEN] [IDX] [MINMATCHLEN length] [WITHMATCHLEN]`
pub(super) fn lcs(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut texts = Vec::new();
    for key in &call.words[1..3] {
        let string = model.read_string(call, key);
        texts.push(string.map(|string| string.map(|string| string.bytes.clone()).unwrap_or_default()));
    }
    let texts: Result<Vec<Vec<u8>>, Refusal> = texts.into_iter().collect();
    let texts = texts.map_err(|_| Refusal::from("ERR The specified keys must contain string values"))?;
    let (mut len_only, mut with_places, mut with_lens, mut len_min) = (false, false, false, 0);
    let mut rest = call.rest(3);
    while let [word, behind @ ..] = rest {
        rest = behind;
        if is(word, "IDX") {
            with_places = true;
        } else if is(word, "LEN") {
            len_only = true;
        } else if is(word, "WITHMATCHLEN") {
            with_lens = true;
        } else if let (true, [number, behind @ ..]) = (is(word, "MINMATCHLEN"), rest) {
            len_min = usize::try_from(argument(number)?).unwrap_or(0);
            rest = behind;
        } else {
            return Err(SYNTAX.into());
        }
    }
    if len_only && with_places {
        return Err("ERR If you want both the length and indexes, please just use IDX.".into());
    }
    let (first, second) = (&texts[0], &texts[1]);
    let table_bytes = CELL_BYTES * (len_of(first) + 1) * (len_of(second) + 1);
    if table_bytes > model.config.integer("proto-max-bulk-len") {
        return Err("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len".into());
    }
    let (common, matches) = longest(first, second);
    if len_only {
        out.integer(len_of(&common));
    } else if with_places {
        write_places(&matches, len_min, with_lens, out);
        out.bulk(b"len");
        out.integer(len_of(&common));
    } else {
        out.bulk(&common);
    }
    Ok(())
}

fn write_places(matches: &[Match], len_min: usize, with_lens: bool, out: &mut Out) {
    let len = |range: &RangeInclusive<usize>| range.end() - range.start() + 1;
    let shown: Vec<&Match> = matches.iter().filter(|found| len(&found.first) >= len_min).collect();
    out.map(2);
    out.bulk(b"matches");
    out.array(shown.len());
    for found in shown {
        out.array(if with_lens { 3 } else { 2 });
        for range in [&found.first, &found.second] {
            out.array(2);
            for end in [range.start(), range.end()] {
                out.integer(i64::try_from(*end).unwrap_or(i64::MAX));
            }
        }
        if with_lens {
            out.integer(i64::try_from(len(&found.first)).unwrap_or(i64::MAX));
        }
    }
}

/// The subsequence, and the pieces it stands in, the last one first.
fn longest(first: &[u8], second: &[u8]) -> (Vec<u8>, Vec<Match>) {
    let width = second.len() + 1;
    // The length for the first `i` and the first `j` bytes. Where it does not fit, the table would not either.
    let mut lens = vec![0_u16; (first.len() + 1) * width];
    for (i, a) in first.iter().enumerate() {
        for (j, b) in second.iter().enumerate() {
            lens[(i + 1) * width + j + 1] = if a == b {
                lens[i * width + j] + 1
            } else {
                lens[i * width + j + 1].max(lens[(i + 1) * width + j])
            };
        }
    }
    let (mut i, mut j) = (first.len(), second.len());
    let mut common = Vec::new();
    let mut matches: Vec<Match> = Vec::new();
    while i > 0 && j > 0 {
        if first[i - 1] == second[j - 1] {
            (i, j) = (i - 1, j - 1);
            common.push(first[i]);
            match matches.last_mut() {
                Some(last) if *last.first.start() == i + 1 && *last.second.start() == j + 1 => {
                    *last = Match { first: i..=*last.first.end(), second: j..=*last.second.end() };
                }
                _ => matches.push(Match { first: i..=i, second: j..=j }),
            }
        } else if lens[(i - 1) * width + j] > lens[i * width + j - 1] {
            i -= 1;
        } else {
            j -= 1;
        }
    }
    common.reverse();
    (common, matches)
}
