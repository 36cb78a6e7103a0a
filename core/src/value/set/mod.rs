//! Sets: an intset or a listpack while they are small, a hash table when they are larger.
//!
//! ```text
//! Set ─┬─ Intset        only integers, few of them              `intset`
//!      ├─ Listpack      few and short                           `listpack`
//!      └─ Table         pointers to packed strings, or numbers  `hashtable`
//! ```
//!
//! A set turns into another encoding exactly when Redis' does, and never back by itself.
//!
//! In the table, a member of 16 bytes takes 16 bytes beside its slot, and a number of up to 44 bits none.
//!
//! *Freeing:* a large set comes back as [`Remains`], which are freed in slices.
//!
//! *Snapshots:* a table is frozen and saved piece by piece, as the tables of databases are.

mod member;
#[cfg(test)]
mod tests;

pub(crate) use self::member::Member;

use self::member::MemberKey;
use super::intset::Intset;
use super::listpack::{BYTES_LEN_MAX, Listpack};
use super::{Lookup, StringRef};
use crate::keyspace::{Element, HashKey, Remnants, Table, TableStats};
use crate::number::parse_i64;
use itoa::Buffer;
use std::fmt;

/// An intset never has more, whatever is configured.
const INTSET_ENTRIES_MAX: usize = 1 << 30;

/// What the configuration says about sets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetLimits {
    /// `set-max-intset-entries`: an intset has at most so many members.
    pub intset_entries_max: usize,
    /// `set-max-listpack-entries`: a listpack has at most so many members.
    pub listpack_entries_max: usize,
    /// `set-max-listpack-value`: members of a listpack have at most so many bytes.
    pub listpack_value_bytes_max: usize,
}

impl Default for SetLimits {
    /// Those of Redis.
    fn default() -> SetLimits {
        SetLimits { intset_entries_max: 512, listpack_entries_max: 128, listpack_value_bytes_max: 64 }
    }
}

/// What `OBJECT ENCODING` calls a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetEncoding {
    /// Sorted integers.
    Intset,
    /// One listpack.
    Listpack,
    /// A hash table.
    Hashtable,
}

impl SetEncoding {
    /// Redis' name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            SetEncoding::Intset => "intset",
            SetEncoding::Listpack => "listpack",
            SetEncoding::Hashtable => "hashtable",
        }
    }
}

/// Distinct strings.
pub struct Set(Repr);

enum Repr {
    Intset(Intset),
    Listpack(Listpack),
    Table(Box<Table<Member>>),
}

impl Set {
    /// An empty intset: what results of commands begin as.
    #[must_use]
    pub fn new_intset() -> Set {
        Set(Repr::Intset(Intset::new()))
    }

    /// An empty listpack.
    #[must_use]
    pub fn new_listpack() -> Set {
        Set(Repr::Listpack(Listpack::new()))
    }

    /// An empty hash table.
    #[must_use]
    pub fn new_table(hash_key: HashKey) -> Set {
        Set(Repr::Table(Box::new(Table::new(hash_key))))
    }

    /// An empty set in the encoding that suits this first member, and `count` members altogether.
    #[must_use]
    pub fn for_member(member: &[u8], count: usize, limits: &SetLimits, hash_key: HashKey) -> Set {
        if count <= limits.intset_entries_max && parse_i64(member).is_some() {
            Set::new_intset()
        } else if count <= limits.listpack_entries_max {
            Set::new_listpack()
        } else {
            Set::new_table(hash_key)
        }
    }

    /// A set of these members, in the encoding that suits their number: what loading a dump makes of an intset.
    #[must_use]
    pub fn from_intset(intset: Intset, limits: &SetLimits, hash_key: HashKey) -> Set {
        let len = intset.len();
        let mut set = Set(Repr::Intset(intset));
        set.grow_for(len, limits, hash_key);
        set
    }

    /// A set of these members, which are distinct, in the encoding that suits their number: what loading a dump
    /// makes of a listpack.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: &SetLimits, hash_key: HashKey) -> Set {
        let len = listpack.len();
        let mut set = Set(Repr::Listpack(listpack));
        set.grow_for(len, limits, hash_key);
        set
    }

    /// The intset, if it is one.
    #[must_use]
    pub fn as_intset(&self) -> Option<&Intset> {
        if let Repr::Intset(intset) = &self.0 { Some(intset) } else { None }
    }

    /// The listpack, if it is one.
    #[must_use]
    pub fn as_listpack(&self) -> Option<&Listpack> {
        if let Repr::Listpack(listpack) = &self.0 { Some(listpack) } else { None }
    }

    /// The table, if it is one: what a snapshot freezes.
    pub(crate) fn table_mut(&mut self) -> Option<&mut Table<Member>> {
        if let Repr::Table(table) = &mut self.0 { Some(table) } else { None }
    }

    /// Figures on the table, if it is one.
    #[must_use]
    pub fn table_stats(&self) -> Option<TableStats> {
        if let Repr::Table(table) = &self.0 { Some(table.stats()) } else { None }
    }

    /// What `OBJECT ENCODING` says.
    #[must_use]
    pub fn encoding(&self) -> SetEncoding {
        match &self.0 {
            Repr::Intset(_) => SetEncoding::Intset,
            Repr::Listpack(_) => SetEncoding::Listpack,
            Repr::Table(_) => SetEncoding::Hashtable,
        }
    }

    /// The number of members.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Intset(intset) => intset.len(),
            Repr::Listpack(listpack) => listpack.len(),
            Repr::Table(table) => table.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory besides this handle. In a table, `samples` members stand for all; 0 looks at all of them.
    #[must_use]
    pub fn memory_bytes(&self, samples: usize) -> usize {
        match &self.0 {
            Repr::Intset(intset) => intset.memory_bytes(),
            Repr::Listpack(listpack) => listpack.memory_bytes(),
            Repr::Table(table) => {
                size_of::<Table<Member>>()
                    + table.bytes()
                    + table.elements_bytes(samples, Member::memory_bytes)
            }
        }
    }

    /// Whether a member is there.
    #[must_use]
    #[inline]
    pub fn contains<'a>(&self, member: impl Into<Lookup<'a>>) -> bool {
        let member = member.into();
        match &self.0 {
            Repr::Intset(intset) => integer(member.string()).is_some_and(|number| intset.contains(number)),
            Repr::Listpack(listpack) => find(listpack, member).is_some(),
            Repr::Table(table) => {
                let hash = member.hash(table.hash_key());
                table.find(hash, MemberKey::new(member.string(), &mut Buffer::new())).is_some()
            }
        }
    }

    /// Begins to fetch what looking for these members will look at.
    pub fn prefetch(&self, members: &mut [Lookup<'_>]) {
        if let Repr::Table(table) = &self.0 {
            table.prefetch_all(members.iter_mut().map(|member| member.prepare(table.hash_key())));
        }
    }

    /// Turns into a table if that is what `count` members to be added call for, as Redis does before it adds
    /// several.
    pub fn grow_for(&mut self, count: usize, limits: &SetLimits, hash_key: HashKey) {
        let entries_max = match &self.0 {
            Repr::Intset(_) => limits.intset_entries_max,
            Repr::Listpack(_) => limits.listpack_entries_max,
            Repr::Table(_) => return,
        };
        if count > entries_max {
            self.turn_into_table(hash_key);
        }
    }

    /// Adds a member. Whether it was not there before.
    #[inline]
    pub fn add<'a>(&mut self, member: impl Into<Lookup<'a>>, limits: &SetLimits, hash_key: HashKey) -> bool {
        let member = member.into();
        match &mut self.0 {
            Repr::Table(table) => add_to_table(table, member),
            Repr::Intset(intset) => match integer(member.string()) {
                Some(number) => {
                    let is_new = intset.add(number);
                    if is_new && intset.len() > limits.intset_entries_max.min(INTSET_ENTRIES_MAX) {
                        self.turn_into_table(hash_key);
                    }
                    is_new
                }
                None => {
                    self.leave_intset(member.string(), limits, hash_key);
                    self.add_new(member);
                    true
                }
            },
            Repr::Listpack(listpack) => {
                if find(listpack, member).is_some() {
                    return false;
                }
                let len = member.string().len();
                if listpack.len() >= limits.listpack_entries_max
                    || len > limits.listpack_value_bytes_max
                    || !listpack.has_room_for(len)
                {
                    self.turn_into_table(hash_key);
                }
                self.add_new(member);
                true
            }
        }
    }

    /// Removes a member. Whether it was there.
    #[inline]
    pub fn remove<'a>(&mut self, member: impl Into<Lookup<'a>>) -> bool {
        let member = member.into();
        match &mut self.0 {
            Repr::Intset(intset) => integer(member.string()).is_some_and(|number| intset.remove(number)),
            Repr::Listpack(listpack) => match find(listpack, member) {
                Some(offset) => {
                    listpack.remove(offset);
                    true
                }
                None => false,
            },
            Repr::Table(table) => {
                let hash = member.hash(table.hash_key());
                let mut digits = Buffer::new();
                let found = table.find_mut(hash, MemberKey::new(member.string(), &mut digits));
                found.map(|member| drop(member.remove())).is_some()
            }
        }
    }

    /// A member chosen by chance, all with the same probability.
    #[must_use]
    pub fn random(&self, random: &mut dyn FnMut() -> u64) -> Option<StringRef<'_>> {
        match &self.0 {
            Repr::Intset(intset) => intset.get(below(random(), intset.len())).map(StringRef::Int),
            Repr::Listpack(listpack) => listpack.view().get(below(random(), listpack.len())),
            Repr::Table(table) => table.random(random).map(Member::string),
        }
    }

    /// Removes a member chosen by chance, and shows it.
    pub fn pop<R>(
        &mut self,
        random: &mut dyn FnMut() -> u64,
        show: impl FnOnce(StringRef<'_>) -> R,
    ) -> Option<R> {
        match &mut self.0 {
            Repr::Intset(intset) if intset.is_empty() => None,
            Repr::Intset(intset) => {
                let number = intset.remove_at(below(random(), intset.len()));
                Some(show(StringRef::Int(number)))
            }
            Repr::Listpack(listpack) => {
                let offset = listpack.view().seek(below(random(), listpack.len()))?;
                let result = show(listpack.view().at(offset));
                listpack.remove(offset);
                Some(result)
            }
            Repr::Table(table) => {
                let member = table.pop_random(random)?;
                Some(show(member.string()))
            }
        }
    }

    /// All members: ascending in an intset, as they came in a listpack, in no order in a table.
    pub fn iter(&self) -> impl Iterator<Item = StringRef<'_>> {
        match &self.0 {
            Repr::Intset(intset) => Members::Intset(intset.iter()),
            Repr::Listpack(listpack) => Members::Listpack(listpack.view().iter()),
            Repr::Table(table) => Members::Table(table.iter()),
        }
    }

    /// Shows the members at a cursor, and returns the cursor to go on with, or 0 at the end. Members that are there
    /// from the first call to the last are shown at least once, whatever happens meanwhile; small sets show
    /// all at once.
    pub fn scan(&self, cursor: u64, visit: &mut dyn FnMut(StringRef<'_>)) -> u64 {
        match &self.0 {
            Repr::Table(table) => {
                #[cfg(feature = "simulation")]
                table.note_element_scan(cursor);
                table.scan(cursor, &mut |member| visit(member.string()))
            }
            _ => {
                self.iter().for_each(visit);
                0
            }
        }
    }

    /// Turns into an intset if all members are integers and few enough, as results of commands do in the end.
    pub fn turn_into_intset(&mut self, limits: &SetLimits) {
        if self.as_intset().is_none()
            && self.len() <= limits.intset_entries_max
            && let Some(intset) = self.iter().map(integer).collect::<Option<Intset>>()
        {
            sometimes!(Mark::SetBackToIntset);
            self.0 = Repr::Intset(intset);
        }
    }

    /// What is to be freed, in slices if there is much.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        Remains(match self.0 {
            Repr::Table(mut table) => Some(table.take()),
            _ => None,
        })
    }

    /// Adds a member that is not there, in the encoding that the set has.
    fn add_new(&mut self, member: Lookup<'_>) {
        match &mut self.0 {
            Repr::Intset(_) => unreachable!("whoever adds to an intset has left it, or has a number"),
            Repr::Listpack(listpack) => listpack.append(member.string()),
            Repr::Table(table) => {
                add_to_table(table, member);
            }
        }
    }

    /// Makes something of an intset that can hold this member, which is not an integer.
    fn leave_intset(&mut self, member: StringRef<'_>, limits: &SetLimits, hash_key: HashKey) {
        let Repr::Intset(intset) = &self.0 else { return };
        let ends = [intset.min(), intset.max()].into_iter().flatten().map(StringRef::Int);
        let longest = ends.clone().map(StringRef::len).max().unwrap_or(0);
        let largest = ends.map(Listpack::element_len).max().unwrap_or(0);
        let len = member.len();
        let bytes = largest.saturating_mul(intset.len()).saturating_add(len);
        if intset.len() < limits.listpack_entries_max
            && len.max(longest) <= limits.listpack_value_bytes_max
            && bytes <= BYTES_LEN_MAX
        {
            sometimes!(Mark::SetLeftIntset, !intset.is_empty());
            self.0 = Repr::Listpack(intset.iter().map(StringRef::Int).collect());
        } else {
            self.turn_into_table(hash_key);
        }
    }

    #[cold]
    fn turn_into_table(&mut self, hash_key: HashKey) {
        sometimes!(Mark::SetLeftListpack, !self.is_empty());
        let mut table = Table::new(hash_key);
        for member in self.iter() {
            add_to_table(&mut table, Lookup::new(member));
        }
        self.0 = Repr::Table(Box::new(table));
    }
}

/// The integer that a string is.
#[inline]
fn integer(string: StringRef<'_>) -> Option<i64> {
    match string {
        StringRef::Int(number) => Some(number),
        StringRef::Bytes(bytes) => parse_i64(bytes),
    }
}

#[inline]
fn find(listpack: &Listpack, member: Lookup<'_>) -> Option<super::listpack::Offset> {
    let view = listpack.view();
    view.find(member.string(), view.first()?, 0)
}

/// Adds a member if it is not there. Whether it was not.
#[inline]
fn add_to_table(table: &mut Table<Member>, member: Lookup<'_>) -> bool {
    let hash = member.hash(table.hash_key());
    let mut digits = Buffer::new();
    let key = MemberKey::new(member.string(), &mut digits);
    match table.search(hash, key) {
        Ok(_) => false,
        Err(table) => {
            table.insert(hash, Member::new(key));
            true
        }
    }
}

/// Scales a random number to one below `bound`.
#[inline]
fn below(random: u64, bound: usize) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}

enum Members<'a, T> {
    Intset(super::intset::Iter<'a>),
    Listpack(super::listpack::Iter<'a>),
    Table(T),
}

impl<'a, T: Iterator<Item = &'a Member>> Iterator for Members<'a, T> {
    type Item = StringRef<'a>;

    #[inline]
    fn next(&mut self) -> Option<StringRef<'a>> {
        match self {
            Members::Intset(numbers) => numbers.next().map(StringRef::Int),
            Members::Listpack(values) => values.next(),
            Members::Table(members) => members.next().map(Member::string),
        }
    }
}

impl Clone for Set {
    fn clone(&self) -> Set {
        Set(match &self.0 {
            Repr::Intset(intset) => Repr::Intset(intset.clone()),
            Repr::Listpack(listpack) => Repr::Listpack(listpack.clone()),
            Repr::Table(table) => {
                let mut copy = Table::new(table.hash_key());
                for member in table.iter() {
                    copy.insert(member.hash(table.hash_key()), Member::new(member.key()));
                }
                Repr::Table(Box::new(copy))
            }
        })
    }
}

impl fmt::Debug for Set {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// A set that waits to be freed. Dropping it frees it all.
pub struct Remains(Option<Remnants<Member>>);

impl Remains {
    /// Frees up to so many members. Whether any are left.
    pub fn free(&mut self, members_max: usize) -> bool {
        self.0.as_mut().is_some_and(|members| !members.free_slice(members_max))
    }

    /// The number of members left.
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
