//! A field that was looked for, and what can be done with it.

use super::pair::Pair;
use super::{Hash, HashLimits, Repr, find, value_at, value_of};
use crate::keyspace::{HashKey, OccupiedElement, Table};
use crate::value::listpack::Offset;
use crate::value::{Lookup, StringRef};
use itoa::Buffer;

/// A field that was looked for.
pub enum FieldEntry<'a, 'f> {
    /// It is there.
    Occupied(OccupiedField<'a, 'f>),
    /// It is not.
    Vacant(VacantField<'a, 'f>),
}

/// A field that is there.
pub struct OccupiedField<'a, 'f> {
    field: Lookup<'f>,
    place: Occupied<'a>,
}

/// A field that is not there.
pub struct VacantField<'a, 'f> {
    field: Lookup<'f>,
    place: Vacant<'a>,
}

enum Occupied<'a> {
    /// In the listpack that the hash is.
    Listpack(&'a mut Hash, Offset),
    Table(OccupiedElement<'a, Pair>),
}

enum Vacant<'a> {
    /// In the listpack that the hash is.
    Listpack(&'a mut Hash),
    Table(&'a mut Table<Pair>, u64),
}

impl<'a, 'f> FieldEntry<'a, 'f> {
    /// Looks for a field.
    #[inline]
    pub(super) fn find(hash: &'a mut Hash, field: Lookup<'f>) -> FieldEntry<'a, 'f> {
        if let Repr::Listpack(listpack) = &hash.0 {
            return match find(listpack, field) {
                Some(at) => {
                    FieldEntry::Occupied(OccupiedField { field, place: Occupied::Listpack(hash, at) })
                }
                None => FieldEntry::Vacant(VacantField { field, place: Vacant::Listpack(hash) }),
            };
        }
        let Repr::Table(table) = &mut hash.0 else { unreachable!("there are two encodings") };
        let hash = field.hash(table.hash_key());
        match table.search(hash, field.bytes(&mut Buffer::new())) {
            Ok(element) => FieldEntry::Occupied(OccupiedField { field, place: Occupied::Table(element) }),
            Err(table) => FieldEntry::Vacant(VacantField { field, place: Vacant::Table(table, hash) }),
        }
    }
}

impl OccupiedField<'_, '_> {
    /// Its value.
    #[must_use]
    #[inline]
    pub fn value(&self) -> StringRef<'_> {
        match &self.place {
            Occupied::Listpack(hash, at) => {
                let listpack = hash.as_listpack().expect("it was found in one");
                value_of(listpack, *at)
            }
            Occupied::Table(element) => element.element().value(),
        }
    }

    /// Gives it another value.
    #[inline]
    pub fn set(self, value: StringRef<'_>, limits: &HashLimits, hash_key: HashKey) {
        match self.place {
            Occupied::Table(mut element) => element.change_value(|pair| pair.set_value(value)),
            Occupied::Listpack(hash, at) => {
                if is_too_long(hash, self.field, value, limits) {
                    hash.turn_into_table(hash_key);
                    hash.set(self.field, value, limits, hash_key);
                } else if let Repr::Listpack(listpack) = &mut hash.0 {
                    let at = value_at(listpack, at);
                    listpack.replace(at, value);
                    // The limit may have been lowered since the last field came.
                    if hash.len() > limits.listpack_entries_max {
                        hash.turn_into_table(hash_key);
                    }
                }
            }
        }
    }

    /// Removes it.
    #[inline]
    pub fn remove(self) {
        match self.place {
            Occupied::Table(element) => drop(element.remove()),
            Occupied::Listpack(hash, at) => {
                if let Repr::Listpack(listpack) = &mut hash.0 {
                    listpack.remove_from(at, 2);
                }
            }
        }
    }
}

impl VacantField<'_, '_> {
    /// Adds it with a value.
    #[inline]
    pub fn insert(self, value: StringRef<'_>, limits: &HashLimits, hash_key: HashKey) {
        let mut digits = Buffer::new();
        match self.place {
            Vacant::Table(table, hash) => {
                table.insert(hash, Pair::new(self.field.bytes(&mut digits), value));
            }
            Vacant::Listpack(hash) => {
                if is_too_long(hash, self.field, value, limits) {
                    hash.turn_into_table(hash_key);
                }
                match &mut hash.0 {
                    Repr::Table(table) => {
                        let field = self.field.bytes(&mut digits);
                        table.insert(hash_key.hash(field), Pair::new(field, value));
                    }
                    Repr::Listpack(listpack) => {
                        listpack.append_all(&[self.field.string(), value]);
                        if hash.len() > limits.listpack_entries_max {
                            hash.turn_into_table(hash_key);
                        }
                    }
                }
            }
        }
    }
}

/// Whether a field and its new value are more than the hash's listpack can take.
#[inline]
fn is_too_long(hash: &Hash, field: Lookup<'_>, value: StringRef<'_>, limits: &HashLimits) -> bool {
    let lengths = [field.string().len(), value.len()];
    lengths.into_iter().any(|len| len > limits.listpack_value_bytes_max)
        || hash.as_listpack().is_some_and(|listpack| !listpack.has_room_for(lengths.into_iter().sum()))
}
