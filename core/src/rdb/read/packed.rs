//! Values that are written as one string: small collections in the form they have in memory, or once had.

use super::error::Reason;
use super::{Limits, ziplist, zipmap};
use crate::keyspace::HashKey;
use crate::number::parse_f64;
use crate::rdb::format::ObjectType;
use crate::value::hash::Hash;
use crate::value::intset::Intset;
use crate::value::listpack::{Listpack, ListpackView};
use crate::value::quicklist::Quicklist;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, List, StringRef};
use std::collections::BTreeSet;

/// The bytes of an intset without members. There is none in memory.
const EMPTY_INTSETS: [&[u8]; 3] = [b"\x02\0\0\0\0\0\0\0", b"\x04\0\0\0\0\0\0\0", b"\x08\0\0\0\0\0\0\0"];

/// Makes a collection of the bytes that stand for it; none if there is nothing in it.
pub fn collection(
    object_type: ObjectType,
    bytes: Vec<u8>,
    limits: &Limits,
    hash_key: HashKey,
) -> Result<Option<Collection>, Reason> {
    if object_type == ObjectType::SetIntset {
        if EMPTY_INTSETS.contains(&&bytes[..]) {
            return Ok(None);
        }
        let intset = Intset::from_bytes(bytes)?;
        return Ok(Some(Collection::Set(Set::from_intset(intset, &limits.set, hash_key))));
    }
    let listpack = match object_type {
        ObjectType::HashZipmap => zipmap::to_listpack(&bytes)?,
        ObjectType::ListZiplist | ObjectType::SortedSetZiplist | ObjectType::HashZiplist => {
            ziplist::to_listpack(&bytes)?
        }
        _ => Listpack::from_bytes(bytes)?,
    };
    if listpack.is_empty() {
        return Ok(None);
    }
    Ok(Some(match object_type {
        ObjectType::ListZiplist => {
            let mut quicklist = Quicklist::new(limits.list);
            quicklist.push_listpack(listpack);
            Collection::List(List::from_quicklist(quicklist, limits.list))
        }
        ObjectType::SetListpack => {
            demand_distinct(listpack.view(), 1, hash_key)?;
            Collection::Set(Set::from_listpack(listpack, &limits.set, hash_key))
        }
        ObjectType::SortedSetZiplist | ObjectType::SortedSetListpack => {
            demand_distinct(listpack.view(), 2, hash_key)?;
            demand_order(listpack.view())?;
            Collection::SortedSet(SortedSet::from_listpack(listpack, &limits.sorted_set, hash_key))
        }
        _ => {
            demand_distinct(listpack.view(), 2, hash_key)?;
            Collection::Hash(Hash::from_listpack(listpack, &limits.hash, hash_key))
        }
    }))
}

/// Refuses a listpack that has the same element twice, of every first of so many that belong together.
fn demand_distinct(listpack: ListpackView<'_>, width: usize, hash_key: HashKey) -> Result<(), Reason> {
    if !listpack.len().is_multiple_of(width) {
        return Err(Reason::Unpaired);
    }
    let elements = || listpack.iter().step_by(width);
    let mut hashes: Vec<u64> =
        elements().map(|element| element.with_bytes(|bytes| hash_key.hash(bytes))).collect();
    hashes.sort_unstable();
    // Where two hashes are the same, the elements most likely are.
    let mut seen = BTreeSet::new();
    if hashes.is_sorted_by(|a, b| a < b) || elements().all(|element| seen.insert(element.to_vec())) {
        return Ok(());
    }
    Err(Reason::Duplicate)
}

/// Refuses members with scores that are not in the order of a sorted set: nothing would be found among them.
fn demand_order(listpack: ListpackView<'_>) -> Result<(), Reason> {
    let mut before: Option<(f64, Vec<u8>)> = None;
    let mut elements = listpack.iter();
    while let (Some(member), Some(score)) = (elements.next(), elements.next()) {
        let score = match score {
            StringRef::Int(number) => number as f64,
            StringRef::Bytes(text) => parse_f64(text).ok_or(Reason::Score)?,
        };
        let it = (score, member.to_vec());
        if before.is_some_and(|before| before >= it) {
            return Err(Reason::Order);
        }
        before = Some(it);
    }
    Ok(())
}
