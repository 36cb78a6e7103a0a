//! Tests of sorted sets against plain maps.

mod big;
mod whole;

use crate::keyspace::HashKey;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A key for tests.
const HASH_KEY: HashKey = HashKey([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);

/// `many` of something, or `few` where an interpreter runs the tests.
const fn scaled(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

/// What a sorted set should be.
type Model = BTreeMap<Vec<u8>, f64>;

/// The members of a model in the order of a sorted set.
fn in_order(model: &Model) -> Vec<(&[u8], f64)> {
    let mut members: Vec<_> = model.iter().map(|(member, &score)| (member.as_slice(), score)).collect();
    members.sort_by(|a, b| a.1.partial_cmp(&b.1).expect("no score is NaN").then(a.0.cmp(b.0)));
    members
}

/// Whether two scores are the same, the sign of zero included.
fn is_same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits()
}

/// Scores that are near and far, equal, and at the ends of the order.
fn score() -> impl Strategy<Value = f64> {
    prop_oneof![
        20 => any::<u32>().prop_map(f64::from),
        10 => (0..1_000_000_u32).prop_map(|number| f64::from(number) / 1e6),
        10 => (-500..500_i32).prop_map(|number| 1e18 + f64::from(number) * 128.0),
        5 => (-3..4_i32).prop_map(f64::from),
        5 => any::<f64>().prop_filter("a score is a number", |score| !score.is_nan()),
        2 => prop::sample::select(vec![0.0, -0.0, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, 5e-324]),
    ]
}

/// A member, of a length that depends on its number.
fn member_of(number: u16) -> Vec<u8> {
    let mut member = number.to_string().into_bytes();
    member.resize(member.len() + [0, 3, 7, 11, 12, 13, 20, 70][usize::from(number) % 8], b'.');
    member
}
