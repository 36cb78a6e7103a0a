//! Small sorted sets: member, score, member, score … in one listpack, in order.

use crate::number::{DoubleText, format_f64, parse_f64};
use crate::value::StringRef;
use crate::value::listpack::{self, Listpack, Offset};
use itoa::Buffer;
use std::cmp::Ordering;

/// Whole scores up to here, 2^62, are stored as integers.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

/// A score as a listpack has it.
enum StoredScore {
    Int(i64),
    Text(DoubleText),
}

impl StoredScore {
    /// As Redis 7.2 does: whole numbers as integers, which takes a zero's sign away, all others as text.
    fn new(score: f64) -> StoredScore {
        let whole = score as i64;
        if score.abs() <= INTEGER_MAX && whole as f64 == score {
            StoredScore::Int(whole)
        } else {
            StoredScore::Text(format_f64(score))
        }
    }

    fn string(&self) -> StringRef<'_> {
        match self {
            StoredScore::Int(number) => StringRef::Int(*number),
            StoredScore::Text(text) => StringRef::Bytes(text),
        }
    }
}

/// The score that a listpack's string stands for. One that is none is a damaged dump's, and counts as zero.
#[inline]
pub fn parse_score(string: StringRef<'_>) -> f64 {
    match string {
        StringRef::Int(number) => number as f64,
        StringRef::Bytes(text) => parse_f64(text).unwrap_or(0.0),
    }
}

/// Where a member is.
#[inline]
pub fn find(listpack: &Listpack, member: StringRef<'_>) -> Option<Offset> {
    let view = listpack.view();
    view.find(member, view.first()?, 1)
}

/// The score of the member at an offset.
#[inline]
pub fn score_of(listpack: &Listpack, member: Offset) -> f64 {
    let view = listpack.view();
    parse_score(view.at(view.next(member).expect("every member has a score")))
}

/// The rank of the member at an offset.
pub fn rank_of(listpack: &Listpack, member: Offset) -> usize {
    let view = listpack.view();
    let offsets = std::iter::successors(view.first(), |&at| view.next(at));
    offsets.take_while(|&at| at < member).count() / 2
}

/// All members with their scores, in order from either end.
pub fn iter(listpack: &Listpack) -> Pairs<'_> {
    Pairs(listpack.view().iter())
}

/// Adds a member, which is not there, where it belongs.
pub fn insert(listpack: &mut Listpack, member: StringRef<'_>, score: f64) {
    let mut digits = Buffer::new();
    let bytes = member.bytes(&mut digits);
    let before =
        iter(listpack).take_while(|&(it, its_score)| compare(its_score, it, score, bytes).is_lt()).count();
    let stored = StoredScore::new(score);
    let strings = [member, stored.string()];
    match listpack.view().seek(2 * before) {
        None => append(listpack, member, score),
        Some(at) => {
            listpack.insert_before(at, strings[1]);
            listpack.insert_before(at, strings[0]);
        }
    }
}

/// Adds a member behind all others, where it belongs.
pub fn append(listpack: &mut Listpack, member: StringRef<'_>, score: f64) {
    listpack.append_all(&[member, StoredScore::new(score).string()]);
}

/// How many members are before the first one that does not suit, all of which come before those that do not.
pub fn partition_point(listpack: &Listpack, mut suits: impl FnMut(StringRef<'_>, f64) -> bool) -> usize {
    iter(listpack).take_while(|&(member, score)| suits(member, score)).count()
}

/// The order of a sorted set.
fn compare(score: f64, member: StringRef<'_>, other_score: f64, other: &[u8]) -> Ordering {
    // No score is NaN; a dump's that is one goes last.
    let by_score = score.partial_cmp(&other_score).unwrap_or(Ordering::Greater);
    by_score.then_with(|| member.with_bytes(|bytes| bytes.cmp(other)))
}

/// Iterates over members and their scores.
#[derive(Clone)]
pub struct Pairs<'a>(listpack::Iter<'a>);

impl Pairs<'_> {
    /// Leaves out so many in front, and so many at the back.
    pub fn cut(&mut self, front: usize, back: usize) {
        for _ in 0..front {
            self.next();
        }
        for _ in 0..back {
            self.next_back();
        }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (StringRef<'a>, f64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        Some((self.0.next()?, parse_score(self.0.next()?)))
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len() / 2, Some(self.0.len() / 2))
    }
}

impl DoubleEndedIterator for Pairs<'_> {
    #[inline]
    fn next_back(&mut self) -> Option<Self::Item> {
        let score = parse_score(self.0.next_back()?);
        Some((self.0.next_back()?, score))
    }
}
