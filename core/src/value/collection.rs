//! [`Collection`]: a value of many elements, in memory of its own.

use super::hash::{self, Hash};
use super::quicklist;
use super::set::{self, Set};
use super::zset::{self, SortedSet};
use super::{List, StringRef, ValueType};

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

    /// Bytes of memory, this handle included, estimated from so many elements; 0 looks at all.
    #[must_use]
    pub fn memory_bytes(&self, samples: usize) -> usize {
        let outside = match self {
            Collection::List(list) => list.memory_bytes(),
            Collection::Set(set) => set.memory_bytes(samples),
            Collection::SortedSet(set) => set.memory_bytes(samples),
            Collection::Hash(hash) => hash.memory_bytes(samples),
        };
        size_of::<Collection>() + outside
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

    /// As [`ValueRef::describe`](super::ValueRef::describe), without the type. Elements without an order are put
    /// into one.
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
                describe_sorted(set.iter().map(description).collect(), record);
            }
            Collection::SortedSet(set) => {
                for (member, score) in set.iter(0..set.len()) {
                    describe_string(member, record);
                    // The two zeros are one score.
                    record.extend_from_slice(&(score + 0.0).to_bits().to_le_bytes());
                }
            }
            Collection::Hash(hash) => {
                let pair = |(field, value): (StringRef<'_>, StringRef<'_>)| {
                    let mut pair = description(field);
                    describe_string(value, &mut pair);
                    pair
                };
                describe_sorted(hash.iter().map(pair).collect(), record);
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

fn description(string: StringRef<'_>) -> Vec<u8> {
    let mut record = Vec::new();
    describe_string(string, &mut record);
    record
}

fn describe_sorted(mut elements: Vec<Vec<u8>>, record: &mut Vec<u8>) {
    elements.sort_unstable();
    elements.iter().for_each(|element| record.extend_from_slice(element));
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
