//! What ranges of a sorted set are bounded by, and the ranks between.

use super::Repr;
use super::element::ScoreKey;
use super::small;
use super::tree::{AfterScore, BeforeScore, InLexOrder};
use crate::value::StringRef;
use std::ops::{Bound, Range};

/// An end of a lexicographic range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexBound<'a> {
    /// `-`: before all members.
    Lowest,
    /// `+`: behind all members.
    Highest,
    /// `[`: the range includes this member.
    Included(&'a [u8]),
    /// `(`: the range ends before this member, or begins behind it.
    Excluded(&'a [u8]),
}

/// The ranks of the members with these scores.
pub fn ranks_of_scores(set: &Repr, min: Bound<f64>, max: Bound<f64>) -> Range<usize> {
    let start = match min {
        Bound::Unbounded => 0,
        Bound::Included(score) => rank_of_score(set, score, false),
        Bound::Excluded(score) => rank_of_score(set, score, true),
    };
    let end = match max {
        Bound::Unbounded => set.len(),
        Bound::Included(score) => rank_of_score(set, score, true),
        Bound::Excluded(score) => rank_of_score(set, score, false),
    };
    start.min(end)..end
}

/// The ranks of the members between these.
pub fn ranks_of_members(set: &Repr, min: LexBound<'_>, max: LexBound<'_>) -> Range<usize> {
    let rank = |bound, is_end| match bound {
        LexBound::Lowest => 0,
        LexBound::Highest => set.len(),
        LexBound::Included(member) => rank_of_member(set, member, is_end),
        LexBound::Excluded(member) => rank_of_member(set, member, !is_end),
    };
    let (start, end) = (rank(min, false), rank(max, true));
    start.min(end)..end
}

/// How many members have a lower score, or the same if `is_behind`.
fn rank_of_score(set: &Repr, score: f64, is_behind: bool) -> usize {
    match set {
        Repr::Listpack(listpack) => {
            small::partition_point(listpack, |_, its| its < score || is_behind && its == score)
        }
        Repr::Big(big) if is_behind => big.rank_of(AfterScore(ScoreKey::new(score))),
        Repr::Big(big) => big.rank_of(BeforeScore(ScoreKey::new(score))),
    }
}

/// How many members are before this one, or it itself if `is_behind`, where all have the same score.
fn rank_of_member(set: &Repr, member: &[u8], is_behind: bool) -> usize {
    match set {
        Repr::Listpack(listpack) => small::partition_point(listpack, |its: StringRef<'_>, _| {
            its.with_bytes(|its| if is_behind { its <= member } else { its < member })
        }),
        Repr::Big(big) => big.rank_of(InLexOrder { member, is_behind }),
    }
}
