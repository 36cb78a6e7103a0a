//! Tests of the keyspace: entries by themselves, databases against models, and tables with chosen hashes.

mod database;
mod entry;
mod frozen;
mod model;
mod table;

use super::*;

/// A key for tests.
const HASH_KEY: HashKey = HashKey([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);

/// `many` of something, or `few` where an interpreter runs the tests.
const fn scaled(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}
