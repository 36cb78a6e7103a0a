//! Snapshots as the keys of a file.

use super::encode::{self, Options};
use super::format::{ObjectType, node};
use super::write::{self, Stamp};
use crate::keyspace::EntryRef;
use crate::snapshot::{Format, Head, Kind};
use crate::value::StringRef;
use crate::value::quicklist::NodeRef;

/// What a snapshot writes between [`Writer::begin`](write::Writer::begin) and [`Writer::end`](write::Writer::end).
///
/// Nothing is said about when keys were used: a snapshot does not know the time.
#[derive(Debug)]
pub struct Rdb<const COMPRESSION: bool>;

impl<const COMPRESSION: bool> Rdb<COMPRESSION> {
    fn options(compress: bool) -> Options {
        Options { compression: COMPRESSION && compress }
    }
}

impl<const COMPRESSION: bool> Format for Rdb<COMPRESSION> {
    fn select(out: &mut Vec<u8>, database: usize, sizes: Option<(usize, usize)>) {
        write::select(out, database);
        if let Some((keys, expiring)) = sizes {
            write::resize(out, keys, expiring);
        }
    }

    fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, compress: bool) {
        write::entry(out, entry, Stamp::Unknown, Self::options(compress));
    }

    fn head(out: &mut Vec<u8>, head: &Head) {
        let object_type = match head.kind {
            Kind::String => ObjectType::String,
            Kind::List => ObjectType::ListQuicklist2,
            Kind::Set => ObjectType::Set,
            Kind::SortedSet => ObjectType::SortedSet2,
            Kind::Hash => ObjectType::Hash,
        };
        write::key(out, &head.key, object_type, head.expiry, Stamp::Unknown, Self::options(false));
        encode::length(out, head.len as u64);
    }

    fn node(out: &mut Vec<u8>, _: &[u8], node: NodeRef<'_>, compress: bool) {
        encode::list_node(out, node, Self::options(compress));
    }

    fn plain_head(out: &mut Vec<u8>, _: &[u8], len: usize) {
        encode::length(out, node::PLAIN);
        encode::length(out, len as u64);
    }

    fn field(out: &mut Vec<u8>, _: &[u8], field: StringRef<'_>, value: StringRef<'_>, compress: bool) {
        encode::hash_pair(out, field, value, Self::options(compress));
    }

    fn member(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, compress: bool) {
        encode::set_member(out, member, Self::options(compress));
    }

    fn scored(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, score: f64, compress: bool) {
        encode::sorted_set_member(out, member, score, Self::options(compress));
    }
}
