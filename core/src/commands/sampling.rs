//! What `HRANDFIELD`, `SRANDMEMBER` and `ZRANDMEMBER` have in common: how many elements are asked for, and which of
//! those that are walked through belong to a sample.

use crate::config::Config;
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::resp::Reply;

/// From this part of a collection on, a sample is taken by walking through all of it; smaller ones are drawn.
const WALKED_PART_MIN: usize = 3;

/// How many elements a sample is to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SampleSize {
    /// So many, if there are as many.
    pub count: usize,
    /// Whether no element may come twice: a negative count allows it, and always gives that many.
    pub is_distinct: bool,
}

impl SampleSize {
    /// Reads a count.
    pub fn parse(word: &[u8]) -> Result<SampleSize, CommandError> {
        let count = parse_i64(word).ok_or(CommandError::NotInteger)?;
        if count == i64::MIN {
            return Err(
                "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807"
                    .into(),
            );
        }
        Ok(SampleSize {
            count: count.unsigned_abs() as usize,
            is_distinct: count >= 0 || mutant!(Mutant::SampleNeverRepeats),
        })
    }

    /// Whether a sample of distinct elements is better taken on a walk through all of them than drawn one by one.
    pub fn is_walk(self, len: usize) -> bool {
        self.count.saturating_mul(WALKED_PART_MIN) > len
    }
}

/// Says of elements that are walked through, in any order, which belong to a sample: every sample of the size is as
/// likely as any other.
#[derive(Debug)]
pub(super) struct Selection {
    left: usize,
    wanted: usize,
}

impl Selection {
    /// Selects `wanted` of `len`.
    pub fn new(wanted: usize, len: usize) -> Selection {
        Selection { left: len, wanted: wanted.min(len) }
    }

    /// Whether the next element belongs to the sample.
    pub fn takes(&mut self, random: &mut dyn FnMut() -> u64) -> bool {
        if self.wanted == 0 {
            return false;
        }
        let place = ((u128::from(random()) * self.left as u128) >> 64) as usize;
        let takes = place < self.wanted;
        self.left -= 1;
        self.wanted -= usize::from(takes);
        takes
    }
}

/// Whether there is no point in going on with a reply that may be of any length: nobody will see it, or its client
/// is owed so much already that it will be ended.
pub(super) fn is_in_vain(reply: &Reply, config: &Config) -> bool {
    let limit = config.client_output_buffer_limit.normal.hard;
    reply.is_suppressed() || limit > 0 && reply.len() as u64 > limit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read() {
        let parse = |word: &str| SampleSize::parse(word.as_bytes());
        assert_eq!(parse("3"), Ok(SampleSize { count: 3, is_distinct: true }));
        assert_eq!(parse("-3"), Ok(SampleSize { count: 3, is_distinct: false }));
        assert_eq!(parse("0"), Ok(SampleSize { count: 0, is_distinct: true }));
        assert_eq!(parse("x"), Err(CommandError::NotInteger));
        assert!(parse("-9223372036854775807").is_ok());
        assert!(parse("-9223372036854775808").is_err());
    }

    /// Every pair out of five comes up about as often.
    #[test]
    fn samples_are_fair() {
        let mut state = 7_u64;
        let mut random = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let word = (state ^ state >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd);
            word ^ word >> 33
        };
        let mut seen = [0_u32; 32];
        for _ in 0..10_000 {
            let mut selection = Selection::new(2, 5);
            let mask = (0..5).fold(0, |mask, bit| mask | usize::from(selection.takes(&mut random)) << bit);
            seen[mask] += 1;
        }
        for (mask, &count) in seen.iter().enumerate() {
            let is_pair = mask.count_ones() == 2;
            assert!(if is_pair { (850..1150).contains(&count) } else { count == 0 }, "{mask:b}: {count}");
        }
    }
}
