//! What a snapshot needs of a file format.

use crate::keyspace::{EntryRef, UnixMillis};
use crate::value::StringRef;
use crate::value::quicklist::NodeRef;
use std::fmt;

/// How things are written. Every function appends to `out`.
///
/// Where `compress` is false, somebody is waiting, and compressing has to be left out.
pub trait Format: fmt::Debug + Send + Sync + 'static {
    /// What follows belongs to this database. The sizes are given where it is mentioned for the first time: its keys,
    /// and those with an expiry.
    fn select(out: &mut Vec<u8>, database: usize, sizes: Option<(usize, usize)>);

    /// A key with its expiry, its stamp and its whole value.
    fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, compress: bool);

    /// Everything before the first element of a value that follows in parts. The bytes of a string follow as they are.
    fn head(out: &mut Vec<u8>, head: &Head);

    /// What comes behind the last part of a value.
    fn tail(_out: &mut Vec<u8>, _head: &Head) {}

    /// A node of the list that a key has.
    fn node(out: &mut Vec<u8>, key: &[u8], node: NodeRef<'_>, compress: bool);

    /// The beginning of a node that is a single long element; its bytes follow as they are.
    fn plain_head(out: &mut Vec<u8>, key: &[u8], len: usize);

    /// What comes behind those bytes.
    fn plain_tail(_out: &mut Vec<u8>) {}

    /// A field of the hash that a key has, and its value.
    fn field(out: &mut Vec<u8>, key: &[u8], field: StringRef<'_>, value: StringRef<'_>, compress: bool);

    /// A member of the set that a key has.
    fn member(out: &mut Vec<u8>, key: &[u8], member: StringRef<'_>, compress: bool);

    /// A member of the sorted set that a key has, in no order.
    fn scored(out: &mut Vec<u8>, key: &[u8], member: StringRef<'_>, score: f64, compress: bool);
}

/// A key whose value follows in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The key.
    pub key: Vec<u8>,
    /// When it expires.
    pub expiry: Option<UnixMillis>,
    /// The 24-bit LRU or LFU stamp.
    pub lru: u32,
    /// What the value is.
    pub kind: Kind,
    /// How many parts follow.
    pub len: usize,
}

/// A kind of value, and what it consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A string, of bytes.
    String,
    /// A list, of nodes.
    List,
    /// A set, of members.
    Set,
    /// A sorted set, of members with scores.
    SortedSet,
    /// A hash, of fields with values.
    Hash,
}
