//! [`Collection`]: a value of many elements, in memory of its own.

use super::{List, ValueType};

/// A value of many elements. A key has none of them when the last element goes: there are no empty collections.
#[derive(Clone, Debug)]
pub enum Collection {
    /// A list.
    List(List),
}

impl Collection {
    /// Its type.
    #[must_use]
    #[inline]
    pub fn value_type(&self) -> ValueType {
        match self {
            Collection::List(_) => ValueType::List,
        }
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding_name(&self) -> &'static str {
        match self {
            Collection::List(list) => list.encoding().name(),
        }
    }

    /// Bytes of memory, this handle included.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let outside = match self {
            Collection::List(list) => list.memory_bytes(),
        };
        size_of::<Collection>() + outside
    }

    /// As [`ValueRef::describe`](super::ValueRef::describe), without the type.
    pub(super) fn describe(&self, record: &mut Vec<u8>) {
        match self {
            Collection::List(list) => {
                record.extend_from_slice(&(list.len() as u64).to_le_bytes());
                let mut walk = list.walk(0, false);
                while let Some(element) = walk.next() {
                    let mut digits = itoa::Buffer::new();
                    let string = element.as_string();
                    let bytes = string.bytes(&mut digits);
                    record.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
                    record.extend_from_slice(bytes);
                }
            }
        }
    }

    /// How many pieces of memory it is made of, more or less: what freeing it costs.
    #[must_use]
    pub fn pieces_len(&self) -> usize {
        match self {
            Collection::List(list) => list.as_quicklist().map_or(1, |quicklist| quicklist.nodes_len()),
        }
    }
}
