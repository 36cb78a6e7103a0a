//! [`Collection`]: a value of many elements, in memory of its own.

use super::hash::{self, Hash};
use super::quicklist;
use super::set::{self, Set};
use super::zset::{self, SortedSet};
use super::{List, Lookup, StringRef, ValueType};
use crate::keyspace::{HashKey, TableStats};

/// Of hashes that only equality depends on.
const ELEMENT_KEY: HashKey = HashKey([0x7265_6d61_696e_7321, 0x726f_746f_6d5f_6b76]);

/// A value of many elements. A key has none of them when the last element goes: there are no empty collections.
#[derive(Clone, Debug)]
pub enum Collection {
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A sorted set.
    SortedSet(SortedSet),
    /// A hash.
    Hash(Hash),
}

/// A collection that nobody needs any more, to be freed a slice at a time. Dropping it frees it all.
#[derive(Debug)]
pub enum Remains {
    /// Nodes of a list.
    List(quicklist::Remains),
    /// Members of a set.
    Set(set::Remains),
    /// Members of a sorted set, and what kept them in order.
    SortedSet(zset::Remains),
    /// Fields of a hash.
    Hash(hash::Remains),
}

// Every key with a collection has one of these in its entry.
const _: () = assert!(size_of::<Collection>() == 24);

impl Collection {
    /// Its type.
    #[must_use]
    #[inline]
    pub fn value_type(&self) -> ValueType {
        match self {
            Collection::List(_) => ValueType::List,
            Collection::Set(_) => ValueType::Set,
            Collection::SortedSet(_) => ValueType::SortedSet,
            Collection::Hash(_) => ValueType::Hash,
        }
    }

    /// Number of elements; of a hash, of its fields.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are no empty collections")]
    pub fn len(&self) -> usize {
        match self {
            Collection::List(list) => list.len(),
            Collection::Set(set) => set.len(),
            Collection::SortedSet(set) => set.len(),
            Collection::Hash(hash) => hash.len(),
        }
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding_name(&self) -> &'static str {
        match self {
            Collection::List(list) => list.encoding().name(),
            Collection::Set(set) => set.encoding().name(),
            Collection::SortedSet(set) => set.encoding().name(),
            Collection::Hash(hash) => hash.encoding().name(),
        }
    }

    /// Bytes of memory, this handle not included, estimated from so many elements; 0 looks at all.
    #[must_use]
    pub fn memory_bytes(&self, samples: usize) -> usize {
        match self {
            Collection::List(list) => list.memory_bytes(),
            Collection::Set(set) => set.memory_bytes(samples),
            Collection::SortedSet(set) => set.memory_bytes(samples),
            Collection::Hash(hash) => hash.memory_bytes(samples),
        }
    }

    /// Begins to fetch what looking for these elements will look at, and finds their hashes. Lists are not looked into.
    pub fn prefetch(&self, elements: &mut [Lookup<'_>]) {
        match self {
            Collection::List(_) => {}
            Collection::Set(set) => set.prefetch(elements),
            Collection::SortedSet(set) => set.prefetch(elements),
            Collection::Hash(hash) => hash.prefetch(elements),
        }
    }

    /// How many pieces of memory it is made of, more or less: what freeing it costs.
    #[must_use]
    pub fn pieces_len(&self) -> usize {
        match self {
            Collection::List(list) => list.as_quicklist().map_or(1, quicklist::Quicklist::nodes_len),
            Collection::Set(set) => set.len(),
            Collection::SortedSet(set) => set.len(),
            Collection::Hash(hash) => hash.len(),
        }
    }

    /// Has to be called before anything is changed, for the sake of a snapshot. Tables look after themselves.
    #[inline]
    pub(crate) fn before_change(&mut self) {
        if let Collection::List(list) = self
            && let Some(list) = list.quicklist_mut()
        {
            list.before_change();
        }
    }

    /// Tells a snapshot that is being taken of the collection that it is under another key now.
    pub(crate) fn note_key(&mut self, key: &[u8]) {
        match self {
            Collection::List(list) => {
                list.quicklist_mut()
                    .and_then(|list| list.saver())
                    .into_iter()
                    .for_each(|it| it.note_key(key));
            }
            Collection::Set(set) => set.table_mut().into_iter().for_each(|table| table.note_key(key)),
            Collection::SortedSet(set) => set.table_mut().into_iter().for_each(|table| table.note_key(key)),
            Collection::Hash(hash) => hash.table_mut().into_iter().for_each(|table| table.note_key(key)),
        }
    }

    /// What is to be freed.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        match self {
            Collection::List(list) => Remains::List(list.into_remains()),
            Collection::Set(set) => Remains::Set(set.into_remains()),
            Collection::SortedSet(set) => Remains::SortedSet(set.into_remains()),
            Collection::Hash(hash) => Remains::Hash(hash.into_remains()),
        }
    }

    /// Figures on the table that it is, or has; small ones and lists have none.
    #[must_use]
    pub fn table_stats(&self) -> Option<TableStats> {
        match self {
            Collection::List(_) => None,
            Collection::Set(set) => set.table_stats(),
            Collection::SortedSet(set) => set.table_stats(),
            Collection::Hash(hash) => hash.table_stats(),
        }
    }

    /// As [`ValueRef::describe`](super::ValueRef::describe), without the type. Of elements without an order a hash
    /// stands for all.
    pub(super) fn describe(&self, record: &mut Vec<u8>) {
        record.extend_from_slice(&(self.len() as u64).to_le_bytes());
        match self {
            Collection::List(list) => {
                let mut walk = list.walk(0, false);
                while let Some(element) = walk.next() {
                    describe_string(element.as_string(), record);
                }
            }
            Collection::Set(set) => {
                describe_unordered(set.iter(), record, |member, element| describe_string(member, element));
            }
            Collection::SortedSet(set) => {
                for (member, score) in set.iter(0..set.len()) {
                    describe_string(member, record);
                    // The two zeros are one score.
                    record.extend_from_slice(&(score + 0.0).to_bits().to_le_bytes());
                }
            }
            Collection::Hash(hash) => {
                describe_unordered(hash.iter(), record, |(field, value), element| {
                    describe_string(field, element);
                    describe_string(value, element);
                });
            }
        }
    }
}

/// Appends a string with its length.
pub(super) fn describe_string(string: StringRef<'_>, record: &mut Vec<u8>) {
    let mut digits = itoa::Buffer::new();
    let bytes = string.bytes(&mut digits);
    record.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    record.extend_from_slice(bytes);
}

/// A hash that stands for an element among others without an order.
pub(crate) fn hash_of_description(element: &[u8]) -> u64 {
    ELEMENT_KEY.hash(element)
}

/// Appends what elements have in common with the same ones in any order: the sum of a hash of each.
fn describe_unordered<T>(
    elements: impl Iterator<Item = T>,
    record: &mut Vec<u8>,
    describe: impl Fn(T, &mut Vec<u8>),
) {
    let mut sum = 0_u64;
    let mut element_record = Vec::new();
    for element in elements {
        element_record.clear();
        describe(element, &mut element_record);
        sum = sum.wrapping_add(hash_of_description(&element_record));
    }
    record.extend_from_slice(&sum.to_le_bytes());
}

impl Remains {
    /// Frees up to so many pieces. Whether any are left.
    pub fn free(&mut self, pieces_max: usize) -> bool {
        match self {
            Remains::List(remains) => remains.free(pieces_max),
            Remains::Set(remains) => remains.free(pieces_max),
            Remains::SortedSet(remains) => remains.free(pieces_max),
            Remains::Hash(remains) => remains.free(pieces_max),
        }
    }

    /// The number of pieces left.
    #[must_use]
    pub fn pieces_len(&self) -> usize {
        match self {
            Remains::List(remains) => remains.nodes_len(),
            Remains::Set(remains) => remains.len(),
            Remains::SortedSet(remains) => remains.len(),
            Remains::Hash(remains) => remains.len(),
        }
    }
}
