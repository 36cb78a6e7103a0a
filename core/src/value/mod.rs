//! Values: what a key maps to, as commands see it.
//!
//! An [`Entry`](crate::keyspace::Entry) stores a value in the encoding that suits it and shows it as a
//! [`ValueRef`]. The names of types and encodings are those of Redis.

pub(crate) mod collection;
pub mod hash;
pub mod intset;
pub mod listpack;
mod lookup;
pub mod lzf;
mod packed;
pub mod quicklist;
pub mod set;
mod size_class;
mod string;
pub mod zset;

pub use collection::{Collection, Remains};
pub use lookup::Lookup;
pub use quicklist::{End, List, ListLimits};
pub use string::{NewValue, RawString, StringRef};

use std::fmt;

/// The type of a value, as `TYPE` reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ValueType {
    /// Bytes.
    String = 0,
    /// A sequence of strings.
    List = 1,
    /// Distinct strings.
    Set = 2,
    /// Distinct strings, ordered by score.
    SortedSet = 3,
    /// A map from strings to strings.
    Hash = 4,
    /// An append-only log of records.
    Stream = 6,
}

impl ValueType {
    /// Redis' name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ValueType::String => "string",
            ValueType::List => "list",
            ValueType::Set => "set",
            ValueType::SortedSet => "zset",
            ValueType::Hash => "hash",
            ValueType::Stream => "stream",
        }
    }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A value, borrowed from its entry.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
    /// Many elements.
    Collection(&'a Collection),
}

impl<'a> ValueRef<'a> {
    /// Its type.
    #[must_use]
    #[inline]
    pub fn value_type(self) -> ValueType {
        match self {
            ValueRef::String(_) => ValueType::String,
            ValueRef::Collection(collection) => collection.value_type(),
        }
    }

    /// The string, unless it is something else.
    #[must_use]
    #[inline]
    pub fn as_string(self) -> Option<StringRef<'a>> {
        match self {
            ValueRef::String(string) => Some(string),
            ValueRef::Collection(_) => None,
        }
    }

    /// Appends a description to `record` that equal values share, whatever their encodings: what a digest of
    /// the data is made from. Descriptions are prefix-free.
    pub fn describe(self, record: &mut Vec<u8>) {
        record.push(self.value_type() as u8);
        match self {
            ValueRef::String(string) => collection::describe_string(string, record),
            ValueRef::Collection(collection) => collection.describe(record),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_ignore_encodings_and_separate_values() {
        let describe = |string| {
            let mut record = Vec::new();
            ValueRef::String(string).describe(&mut record);
            record
        };
        assert_eq!(describe(StringRef::Int(-17)), describe(StringRef::Bytes(b"-17")));
        assert_ne!(describe(StringRef::Int(17)), describe(StringRef::Bytes(b"17 ")));
        assert_eq!(describe(StringRef::Bytes(b"ab")), b"\x00\x02\0\0\0\0\0\0\0ab");
    }
}
