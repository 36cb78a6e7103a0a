//! LZF: the compression of long strings in RDB files and of the inner nodes of lists, in liblzf's format.
//!
//! ```text
//! 000nnnnn  bytes                    n + 1 bytes as they are
//! nnnddddd  dddddddd                 n + 2 bytes, n from 1 to 6, from d + 1 bytes before
//! 111ddddd  nnnnnnnn  dddddddd       n + 9 bytes, from d + 1 bytes before
//! ```
//!
//! What is repeated may reach into itself: one byte before, many bytes, is a run.

use std::fmt;

/// Longest run of bytes as they are.
const LITERAL_LEN_MAX: usize = 32;

/// Shortest repetition, and the longest.
const MATCH_LEN_MIN: usize = 3;
const MATCH_LEN_MAX: usize = 264;

/// Farthest a repetition can reach back.
const DISTANCE_MAX: usize = 1 << 13;

/// A repetition of this many bytes has a byte for its length.
const LONG_MATCH_LEN_MIN: usize = 9;

/// Nothing decompresses to more than this many times its length: three bytes make 264 at best.
const EXPANSION_MAX: usize = 88;

/// Up to this length, the table of places seen is a small one, which is quickly cleared.
const SHORT_INPUT_LEN_MAX: usize = 2048;

/// Why bytes could not be decompressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LzfError {
    /// The length claimed is beyond the limit, or beyond what so few bytes can contain.
    TooLong,
    /// The bytes end within an instruction.
    Truncated,
    /// A repetition reaches back to before the beginning.
    Distance,
    /// There is more or less than was claimed.
    Len,
}

impl fmt::Display for LzfError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            LzfError::TooLong => "compressed data claim to be longer than they may",
            LzfError::Truncated => "compressed data are cut off",
            LzfError::Distance => "compressed data refer to before their beginning",
            LzfError::Len => "compressed data are of another length than they claim",
        })
    }
}

impl std::error::Error for LzfError {}

/// Compresses `input`, if that makes it at most `len_max` bytes.
#[must_use]
pub fn compress(input: &[u8], len_max: usize) -> Option<Vec<u8>> {
    if input.len() <= SHORT_INPUT_LEN_MAX {
        compress_with(&mut [0; 1 << 9], input, len_max)
    } else {
        compress_with(&mut [0; 1 << 13], input, len_max)
    }
}

/// Decompresses `input`, which is said to give `len` bytes, of which at most `len_max` are acceptable.
///
/// # Errors
///
/// Bytes that are not LZF, or whose length is not `len`. Nothing is allocated for a length that `input` is too
/// short to have.
pub fn decompress(input: &[u8], len: usize, len_max: usize) -> Result<Vec<u8>, LzfError> {
    if len > len_max {
        return Err(LzfError::TooLong);
    }
    let mut output = Vec::new();
    decompress_into(&mut output, input, len)?;
    Ok(output)
}

/// Decompresses `input`, which is said to give `len` bytes, in the place of what `output` has.
///
/// # Errors
///
/// As [`decompress`].
pub fn decompress_into(output: &mut Vec<u8>, input: &[u8], len: usize) -> Result<(), LzfError> {
    output.clear();
    if len > input.len().saturating_mul(EXPANSION_MAX) {
        return Err(LzfError::TooLong);
    }
    output.reserve_exact(len);
    let mut rest = input;
    while let [control, after @ ..] = rest {
        let control = usize::from(*control);
        rest = if control < LITERAL_LEN_MAX {
            let (literal, after) = after.split_at_checked(control + 1).ok_or(LzfError::Truncated)?;
            if literal.len() > len - output.len() {
                return Err(LzfError::Len);
            }
            output.extend_from_slice(literal);
            after
        } else {
            let (match_len, distance_low, after) = match (control >> 5, after) {
                (7, [more, low, after @ ..]) => (LONG_MATCH_LEN_MIN + usize::from(*more), low, after),
                (short @ 1..=6, [low, after @ ..]) => (short + 2, low, after),
                _ => return Err(LzfError::Truncated),
            };
            let distance = ((control & 0x1F) << 8 | usize::from(*distance_low)) + 1;
            if match_len > len - output.len() {
                return Err(LzfError::Len);
            }
            repeat(output, distance, match_len)?;
            after
        };
    }
    if output.len() == len { Ok(()) } else { Err(LzfError::Len) }
}

/// Appends `len` bytes that are found `distance` bytes before where they go.
fn repeat(output: &mut Vec<u8>, distance: usize, len: usize) -> Result<(), LzfError> {
    let from = output.len().checked_sub(distance).ok_or(LzfError::Distance)?;
    // What has been written is there to be copied again, so that each step can be as long as all before it.
    let end = output.len() + len;
    while output.len() < end {
        let step = (end - output.len()).min(output.len() - from);
        output.extend_from_within(from..from + step);
    }
    Ok(())
}

/// `places` is where three bytes of some hash were last seen, plus one; 0 for nowhere.
fn compress_with<const N: usize>(places: &mut [u32; N], input: &[u8], len_max: usize) -> Option<Vec<u8>> {
    // The table has no room for places beyond this; nobody has such a string.
    if u32::try_from(input.len()).is_err() {
        return None;
    }
    let mut output = Vec::with_capacity(len_max.min(input.len()));
    let (mut at, mut literal_from) = (0, 0);
    while let Some(next) = input[at..].first_chunk::<MATCH_LEN_MIN>() {
        let place = &mut places[hash(*next) & (N - 1)];
        let candidate = *place as usize;
        *place = at as u32 + 1;
        let is_match = candidate > 0
            && at - (candidate - 1) <= DISTANCE_MAX
            && input[candidate - 1..].first_chunk::<MATCH_LEN_MIN>() == Some(next);
        if !is_match {
            at += 1;
            continue;
        }
        let from = candidate - 1;
        let len = match_len(input, from, at);
        push_literals(&mut output, &input[literal_from..at], len_max)?;
        push_match(&mut output, at - from, len);
        // The places within are worth little, except the last ones: what follows may begin there.
        let end = at + len;
        for inside in end.saturating_sub(2).max(at + 1)..end {
            if let Some(next) = input[inside..].first_chunk::<MATCH_LEN_MIN>() {
                places[hash(*next) & (N - 1)] = inside as u32 + 1;
            }
        }
        (at, literal_from) = (end, end);
    }
    push_literals(&mut output, &input[literal_from..], len_max)?;
    (output.len() <= len_max).then_some(output)
}

fn hash([a, b, c]: [u8; MATCH_LEN_MIN]) -> usize {
    // Fibonacci hashing: the upper bits of the product depend on all three bytes.
    let key = u32::from_le_bytes([a, b, c, 0]);
    (key.wrapping_mul(0x9E37_79B1) >> 15) as usize
}

/// How many bytes at `at` are those at `from`, which come before.
fn match_len(input: &[u8], from: usize, at: usize) -> usize {
    let len_max = MATCH_LEN_MAX.min(input.len() - at);
    let mut len = MATCH_LEN_MIN;
    while len < len_max && input[from + len] == input[at + len] {
        len += 1;
    }
    len
}

/// Appends bytes as they are, unless what there is has become too long already.
fn push_literals(output: &mut Vec<u8>, literals: &[u8], len_max: usize) -> Option<()> {
    for run in literals.chunks(LITERAL_LEN_MAX) {
        if output.len() + 1 + run.len() > len_max {
            return None;
        }
        output.push((run.len() - 1) as u8);
        output.extend_from_slice(run);
    }
    Some(())
}

fn push_match(output: &mut Vec<u8>, distance: usize, len: usize) {
    let [low, high, ..] = (distance - 1).to_le_bytes();
    if len < LONG_MATCH_LEN_MIN {
        output.extend_from_slice(&[((len - 2) << 5) as u8 | high, low]);
    } else {
        output.extend_from_slice(&[0xE0 | high, (len - LONG_MATCH_LEN_MIN) as u8, low]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(input: &[u8]) {
        let len_max = input.len() + input.len() / LITERAL_LEN_MAX + 1;
        let compressed = compress(input, len_max).expect("it fits if nothing repeats");
        assert_eq!(decompress(&compressed, input.len(), input.len()).as_deref(), Ok(input));
        assert_eq!(compress(input, compressed.len()).as_ref(), Some(&compressed));
        if let Some(shorter) = compressed.len().checked_sub(1) {
            assert_eq!(compress(input, shorter), None);
        }
    }

    /// Some bytes, some runs and some repetitions from near and far.
    fn repetitive() -> impl Strategy<Value = Vec<u8>> {
        let part = prop_oneof![
            prop::collection::vec(any::<u8>(), 1..70).prop_map(|bytes| (bytes, 1)),
            (any::<u8>(), 1usize..700).prop_map(|(byte, times)| (vec![byte], times)),
            (prop::collection::vec(b'a'..=b'c', 1..5), 1usize..90),
        ];
        prop::collection::vec(part, 0..30)
            .prop_map(|parts| parts.iter().flat_map(|(bytes, times)| bytes.repeat(*times)).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn what_is_compressed_comes_back(input in repetitive()) {
            round_trip(&input);
        }

        #[test]
        fn any_bytes_are_refused_or_of_the_length_claimed(
            input in prop::collection::vec(any::<u8>(), 0..60),
            len in 0usize..3000,
        ) {
            if let Ok(output) = decompress(&input, len, 2000) {
                prop_assert_eq!(output.len(), len);
                prop_assert!(len <= 2000);
            }
        }
    }

    #[test]
    fn edges_come_back() {
        for len in [0, 1, 2, 3, 4, 31, 32, 33, 63, 64, 65, 263, 264, 265, 266, 267, 528, 2048, 2049] {
            round_trip(&vec![b'r'; len]);
            round_trip(&(0..len).map(|at| (at * at * 7 + at / 5) as u8).collect::<Vec<_>>());
        }
        for gap in [DISTANCE_MAX - 4, DISTANCE_MAX - 3, DISTANCE_MAX - 2, DISTANCE_MAX, 3 * DISTANCE_MAX] {
            let mut input = b"xyz".to_vec();
            input.extend((0..gap).map(|at| (at * at * 31 + at / 3) as u8));
            input.extend(b"xyzw");
            round_trip(&input);
        }
    }

    /// What liblzf 3.6 makes of some texts.
    #[test]
    fn bytes_of_liblzf_are_understood() {
        let text = b"the quick brown fox jumps over the lazy dog, the quick brown fox sleeps. ".repeat(3);
        let cases: &[(&[u8], &[u8])] = &[
            (&[0; 1000], b"\x01\0\0\xe0\xff\0\xe0\xff\0\xe0\xff\0\xe0\xc3\0\x01\0\0"),
            (
                &text,
                b"\x1fthe quick brown fox jumps over t\x20\x1e\x08lazy dog,\x60\x0d\xe0\x07\x2c\x06sleeps.\
                  \xe0\x0c\x1b\xe0\x73\x48\x01\x2e\x20",
            ),
            (
                b"abcabcabcdabcdeabcdefabcdefgabcdefgh",
                b"\x03abca\x60\x02\0d\x20\x06\x01de\x60\x04\0f\x80\x05\0g\x80\x06\x01gh",
            ),
        ];
        for &(text, compressed) in cases {
            assert_eq!(decompress(compressed, text.len(), 1000).as_deref(), Ok(text));
            assert!(compress(text, compressed.len() + 2).is_some(), "ours is about as good");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let refused = |input: &[u8], len| decompress(input, len, 1 << 40).err();
        assert_eq!(refused(b"\0a", 1), None);
        assert_eq!(refused(b"\0a", 0), Some(LzfError::Len));
        assert_eq!(refused(b"\0a", 2), Some(LzfError::Len));
        assert_eq!(refused(b"\x01a", 2), Some(LzfError::Truncated));
        assert_eq!(refused(b"\0a\x20", 4), Some(LzfError::Truncated));
        assert_eq!(refused(b"\0a\xe0\x01", 11), Some(LzfError::Truncated));
        assert_eq!(refused(b"\0a\x20\x01", 4), Some(LzfError::Distance));
        assert_eq!(refused(b"\0a\x20\0", 4), None);
        assert_eq!(refused(b"\0a\x20\0", 3), Some(LzfError::Len));
        assert_eq!(refused(b"\0a", 1 << 39), Some(LzfError::TooLong));
        assert_eq!(decompress(b"\0a", 1, 0), Err(LzfError::TooLong));
    }
}
