//! Hashes: a listpack while they are small, a hash table when they are larger.
//!
//! ```text
//! Hash ─┬─ Listpack      field, value, field, value …             `listpack`
//!       └─ Table         pointers to field and value together     `hashtable`
//! ```
//!
//! A hash turns into a table exactly when Redis' does, and never back. A [`FieldEntry`] is a field that was looked
//! for: what a command does with it needs no second search.
//!
//! *Freeing:* a large hash comes back as [`Remains`], which are freed in slices.
//!
//! *Snapshots:* a table is frozen and saved piece by piece, as the tables of databases are.

mod entry;
mod pair;
#[cfg(test)]
mod tests;

pub use entry::{FieldEntry, OccupiedField, VacantField};

pub(crate) use self::pair::Pair;
use super::listpack::{Listpack, Offset};
use super::{Lookup, StringRef};
use crate::keyspace::{Element, HashKey, Remnants, Table, TableStats};
use itoa::Buffer;
use std::fmt;

/// What the configuration says about hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashLimits {
    /// `hash-max-listpack-entries`: a listpack has at most so many fields.
    pub listpack_entries_max: usize,
    /// `hash-max-listpack-value`: fields and values of a listpack have at most so many bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for HashLimits {
    /// Those of Redis.
    fn default() -> HashLimits {
        HashLimits { listpack_entries_max: 512, listpack_value_bytes_max: 64 }
    }
}

/// What `OBJECT ENCODING` calls a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HashEncoding {
    /// One listpack.
    Listpack,
    /// A hash table.
    Hashtable,
}

impl HashEncoding {
    /// Redis' name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            HashEncoding::Listpack => "listpack",
            HashEncoding::Hashtable => "hashtable",
        }
    }
}

/// A map from fields to values.
pub struct Hash(Repr);

enum Repr {
    Listpack(Listpack),
    Table(Box<Table<Pair>>),
}

impl Hash {
    /// An empty hash.
    #[must_use]
    pub fn new() -> Hash {
        Hash(Repr::Listpack(Listpack::new()))
    }

    /// A hash of these fields and values, in the encoding that suits their number: what loading a dump makes of a
    /// listpack. Fields are distinct.
    ///
    /// # Panics
    ///
    /// If a field has no value.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: &HashLimits, hash_key: HashKey) -> Hash {
        assert!(listpack.len().is_multiple_of(2), "a hash has as many values as fields");
        let mut hash = Hash(Repr::Listpack(listpack));
        if hash.len() > limits.listpack_entries_max {
            hash.turn_into_table(hash_key);
        }
        hash
    }

    /// The listpack, if it is one.
    #[must_use]
    pub fn as_listpack(&self) -> Option<&Listpack> {
        if let Repr::Listpack(listpack) = &self.0 { Some(listpack) } else { None }
    }

    /// The table, if it is one: what a snapshot freezes.
    pub(crate) fn table_mut(&mut self) -> Option<&mut Table<Pair>> {
        if let Repr::Table(table) = &mut self.0 { Some(table) } else { None }
    }

    /// Figures on the table, if it is one.
    #[must_use]
    pub fn table_stats(&self) -> Option<TableStats> {
        if let Repr::Table(table) = &self.0 { Some(table.stats()) } else { None }
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding(&self) -> HashEncoding {
        match &self.0 {
            Repr::Listpack(_) => HashEncoding::Listpack,
            Repr::Table(_) => HashEncoding::Hashtable,
        }
    }

    /// The number of fields.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.len() / 2,
            Repr::Table(table) => table.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory besides this handle. In a table, `samples` fields stand for all; 0 looks at all of them.
    #[must_use]
    pub fn memory_bytes(&self, samples: usize) -> usize {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.memory_bytes(),
            Repr::Table(table) => {
                size_of::<Table<Pair>>() + table.bytes() + table.elements_bytes(samples, Pair::memory_bytes)
            }
        }
    }

    /// The value of a field.
    #[must_use]
    #[inline]
    pub fn get<'a>(&self, field: impl Into<Lookup<'a>>) -> Option<StringRef<'_>> {
        let field = field.into();
        match &self.0 {
            Repr::Listpack(listpack) => find(listpack, field).map(|at| value_of(listpack, at)),
            Repr::Table(table) => {
                let hash = field.hash(table.hash_key());
                table.find(hash, field.bytes(&mut Buffer::new())).map(Pair::value)
            }
        }
    }

    /// Whether a field is there.
    #[must_use]
    #[inline]
    pub fn contains<'a>(&self, field: impl Into<Lookup<'a>>) -> bool {
        self.get(field).is_some()
    }

    /// Begins to fetch what looking for these fields will look at.
    pub fn prefetch(&self, fields: &mut [Lookup<'_>]) {
        if let Repr::Table(table) = &self.0 {
            table.prefetch_all(fields.iter_mut().map(|field| field.prepare(table.hash_key())));
        }
    }

    /// Turns into a table if that is what these strings, fields and values in turn, call for when they are added.
    /// Redis looks at all of them before it adds the first.
    pub fn grow_for<'a>(
        &mut self,
        strings: impl ExactSizeIterator<Item = &'a [u8]>,
        limits: &HashLimits,
        hash_key: HashKey,
    ) {
        if let Repr::Listpack(listpack) = &self.0 {
            let mut is_large = strings.len() / 2 > limits.listpack_entries_max;
            let mut bytes = 0_usize;
            for string in strings {
                is_large |= string.len() > limits.listpack_value_bytes_max;
                bytes = bytes.saturating_add(string.len());
            }
            if is_large || !listpack.has_room_for(bytes) {
                self.turn_into_table(hash_key);
            }
        }
    }

    /// Looks for a field, to change it or to add it.
    #[inline]
    pub fn entry<'a, 'f>(&'a mut self, field: impl Into<Lookup<'f>>) -> FieldEntry<'a, 'f> {
        FieldEntry::find(self, field.into())
    }

    /// Gives a field a value. Whether the field was not there before.
    #[inline]
    pub fn set<'a>(
        &mut self,
        field: impl Into<Lookup<'a>>,
        value: StringRef<'_>,
        limits: &HashLimits,
        hash_key: HashKey,
    ) -> bool {
        match self.entry(field) {
            FieldEntry::Occupied(occupied) => {
                occupied.set(value, limits, hash_key);
                false
            }
            FieldEntry::Vacant(vacant) => {
                vacant.insert(value, limits, hash_key);
                true
            }
        }
    }

    /// Removes a field. Whether it was there.
    #[inline]
    pub fn remove<'a>(&mut self, field: impl Into<Lookup<'a>>) -> bool {
        match self.entry(field) {
            FieldEntry::Occupied(occupied) => {
                occupied.remove();
                true
            }
            FieldEntry::Vacant(_) => false,
        }
    }

    /// A field chosen by chance, all with the same probability, and its value.
    #[must_use]
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<(StringRef<'_>, StringRef<'_>)> {
        match &self.0 {
            Repr::Listpack(listpack) => {
                let index = ((u128::from(random()) * self.len() as u128) >> 64) as usize;
                let at = listpack.view().seek(2 * index)?;
                Some((listpack.view().at(at), value_of(listpack, at)))
            }
            Repr::Table(table) => table.random(random).map(strings_of),
        }
    }

    /// All fields and their values: as they came in a listpack, in no order in a table.
    pub fn iter(&self) -> impl Iterator<Item = (StringRef<'_>, StringRef<'_>)> {
        match &self.0 {
            Repr::Listpack(listpack) => Fields::Listpack(listpack.view().iter()),
            Repr::Table(table) => Fields::Table(table.iter()),
        }
    }

    /// Shows the fields at a cursor, and returns the cursor to go on with, or 0 at the end. Fields that are there
    /// from the first call to the last are shown at least once, whatever happens meanwhile; small hashes show
    /// all at once.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(StringRef<'_>, StringRef<'_>)) -> u64 {
        match &self.0 {
            Repr::Table(table) => {
                #[cfg(feature = "simulation")]
                table.note_element_scan(cursor);
                table.scan(cursor, &mut |pair| visit(StringRef::Bytes(pair.field()), pair.value()))
            }
            Repr::Listpack(_) => {
                self.iter().for_each(|(field, value)| visit(field, value));
                0
            }
        }
    }

    /// What is to be freed, in slices if there is much.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        Remains(match self.0 {
            Repr::Table(mut table) => Some(table.take()),
            Repr::Listpack(_) => None,
        })
    }

    #[cold]
    fn turn_into_table(&mut self, hash_key: HashKey) {
        sometimes!(Mark::HashLeftListpack, !self.is_empty());
        let mut table = Table::new(hash_key);
        let mut digits = Buffer::new();
        let lost = usize::from(mutant!(Mutant::ConversionLosesLast));
        for (field, value) in self.iter().take(self.len() - lost) {
            let field = field.bytes(&mut digits);
            table.insert(hash_key.hash(field), Pair::new(field, value));
        }
        self.0 = Repr::Table(Box::new(table));
    }
}

/// Where a field is in a listpack.
#[inline]
fn find(listpack: &Listpack, field: Lookup<'_>) -> Option<Offset> {
    let view = listpack.view();
    view.find(field.string(), view.first()?, 1)
}

/// The value of the field at an offset.
#[inline]
fn value_of(listpack: &Listpack, field: Offset) -> StringRef<'_> {
    listpack.view().at(value_at(listpack, field))
}

/// Where the value of the field at an offset is.
#[inline]
fn value_at(listpack: &Listpack, field: Offset) -> Offset {
    listpack.view().next(field).expect("every field has a value")
}

#[inline]
fn strings_of(pair: &Pair) -> (StringRef<'_>, StringRef<'_>) {
    (StringRef::Bytes(pair.field()), pair.value())
}

enum Fields<'a, T> {
    Listpack(super::listpack::Iter<'a>),
    Table(T),
}

impl<'a, T: Iterator<Item = &'a Pair>> Iterator for Fields<'a, T> {
    type Item = (StringRef<'a>, StringRef<'a>);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Fields::Listpack(values) => Some((values.next()?, values.next()?)),
            Fields::Table(pairs) => pairs.next().map(strings_of),
        }
    }
}

impl Default for Hash {
    fn default() -> Hash {
        Hash::new()
    }
}

impl Clone for Hash {
    fn clone(&self) -> Hash {
        Hash(match &self.0 {
            Repr::Listpack(listpack) => Repr::Listpack(listpack.clone()),
            Repr::Table(table) => {
                let mut copy = Table::new(table.hash_key());
                for pair in table.iter() {
                    copy.insert(pair.hash(table.hash_key()), Pair::new(pair.field(), pair.value()));
                }
                Repr::Table(Box::new(copy))
            }
        })
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// A hash that waits to be freed. Dropping it frees it all.
pub struct Remains(Option<Remnants<Pair>>);

impl Remains {
    /// Frees up to so many fields. Whether any are left.
    pub fn free(&mut self, fields_max: usize) -> bool {
        self.0.as_mut().is_some_and(|fields| !fields.free_slice(fields_max))
    }

    /// The number of fields left.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.as_ref().map_or(0, Remnants::len)
    }

    /// Whether nothing is left that is worth waiting for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl fmt::Debug for Remains {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remains").field("len", &self.len()).finish()
    }
}
