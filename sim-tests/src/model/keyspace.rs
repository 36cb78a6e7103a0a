//! The databases: one ordered map each.
//!
//! A key past its expiry is gone for every command, but its entry stays until the server is known to have removed
//! it: because a command looked it up, or because a DEL among the effects says so. Everything a command changes
//! is kept in a [`Journal`] until its effects are checked.

use super::Clock;
use super::effects::Lead;
use super::transaction::Touch;
use super::value::Value;
use std::collections::BTreeMap;

/// More lookups than it takes to load any data.
const LOADING_LOOKUPS_MAX: u64 = 1 << 32;

/// What a key holds, until when, and what is known of its past.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub value: Value,
    pub expiry_ms: Option<i64>,
    /// When the key came to be, counted in executions. Overwriting it does not make it a new one, unless its type
    /// changes.
    pub born: u64,
    /// When it was last used.
    pub used: Clock,
    /// When the value before this one was, which may count still: overwriting is no use for those who asked not to touch.
    pub used_before: Option<Clock>,
}

impl Entry {
    pub fn is_expired(&self, now_ms: i64) -> bool {
        self.expiry_ms.is_some_and(|expiry_ms| expiry_ms < now_ms)
    }

    /// Whether these are the same data.
    pub fn is_like(&self, other: &Entry) -> bool {
        self.value == other.value && self.expiry_ms == other.expiry_ms
    }
}

/// Which of the databases, whatever number it has at the moment: SWAPDB changes numbers, not databases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub usize);

/// A key of some database.
pub(super) type Path = (Place, Vec<u8>);

/// The entries of a database.
pub(super) type Entries = BTreeMap<Vec<u8>, Entry>;

/// What was there before the execution under way changed it.
#[derive(Clone, Debug, Default)]
pub(super) struct Journal {
    /// Entries as they were, where something changed.
    pub before: BTreeMap<Path, Option<Entry>>,
    /// Databases that were emptied, as they were.
    pub cleared: BTreeMap<Place, Entries>,
    /// Which database had which number.
    pub order: Vec<Place>,
}

/// What a key was before some moment: its type and its expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trait {
    pub type_name: &'static str,
    pub expiry_ms: Option<i64>,
}

/// All databases.
#[derive(Clone, Debug)]
pub(super) struct Keyspace {
    databases: Vec<Entries>,
    /// Which database has which number.
    order: Vec<Place>,
    clock: Clock,
    /// The latest calendar time there ever was.
    latest_ms: i64,
    /// How many executions there were.
    pub moment: u64,
    /// Off while writes are paused: nothing expires then.
    pub removes_expired: bool,
    pub journal: Journal,
    /// Whatever counts as a change to a key, until those who watch are told.
    pub touches: Vec<Touch>,
    /// Keys that came to be, or hold another type, until those who wait are told.
    pub created: Vec<Path>,
    /// What changed when, for replies that are judged only later; kept while there are any.
    history: Vec<(u64, Path, Option<Trait>)>,
    keeps_history: bool,
    pub hits: u64,
    pub misses: u64,
    /// How many of these may not have happened.
    pub unsure_lookups: u64,
    pub expired: u64,
    /// Off within a transaction: what a command of it removes is known only when it is over.
    pub counts_expired: bool,
}

impl Keyspace {
    pub fn new(count: usize, clock: Clock) -> Keyspace {
        Keyspace {
            databases: vec![Entries::new(); count],
            order: (0..count).map(Place).collect(),
            clock,
            latest_ms: clock.now_ms(),
            moment: 0,
            removes_expired: true,
            journal: Journal::default(),
            touches: Vec::new(),
            created: Vec::new(),
            history: Vec::new(),
            keeps_history: false,
            hits: 0,
            misses: 0,
            unsure_lookups: 0,
            expired: 0,
            counts_expired: true,
        }
    }

    /// Another execution begins.
    pub fn begin(&mut self, clock: Clock, removes_expired: bool) {
        self.clock = clock;
        self.latest_ms = self.latest_ms.max(clock.now_ms());
        self.moment += 1;
        self.removes_expired = removes_expired;
        self.journal.before.clear();
        self.journal.cleared.clear();
        self.journal.order.clone_from(&self.order);
    }

    /// Another command of the same execution begins.
    pub fn step(&mut self) {
        self.moment += 1;
    }

    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// How many databases there are.
    pub fn count(&self) -> usize {
        self.order.len()
    }

    /// Which database has this number.
    pub fn place(&self, index: usize) -> Place {
        self.order[index]
    }

    /// Which database has which number.
    pub fn order(&self) -> &[Place] {
        &self.order
    }

    /// What stands in a database, expired or not.
    pub fn entries(&self, place: Place) -> &Entries {
        &self.databases[place.0]
    }

    /// The keys of a database that are not expired.
    pub fn living(&self, place: Place) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        let now_ms = self.now_ms();
        self.databases[place.0].iter().filter(move |(_, entry)| !entry.is_expired(now_ms))
    }

    /// The keys of a database that never were expired, even if the calendar has gone back since.
    pub fn ever_living(&self, place: Place) -> impl Iterator<Item = (&Vec<u8>, &Entry)> {
        self.databases[place.0].iter().filter(|(_, entry)| !entry.is_expired(self.latest_ms))
    }

    /// Looks a key up as a read does: it counts as used, and as a hit or a miss.
    pub fn read(&mut self, place: Place, key: &[u8], is_use: bool) -> Option<&Entry> {
        if self.write(place, key, is_use).is_some() {
            self.hits += 1;
        } else {
            self.misses += 1;
        }
        self.living_entry(place, key)
    }

    /// Looks a key up as a write does. An expired one is removed.
    pub fn write(&mut self, place: Place, key: &[u8], is_use: bool) -> Option<&Entry> {
        let (now_ms, clock) = (self.now_ms(), self.clock);
        if self.databases[place.0].get(key)?.is_expired(now_ms) {
            if self.removes_expired {
                self.expired += u64::from(self.counts_expired);
                self.remove(place, key);
            }
            return None;
        }
        let entry = self.databases[place.0].get_mut(key)?;
        if is_use {
            entry.used = clock;
        }
        Some(entry)
    }

    /// A key that is there and not expired, without any trace of having looked.
    pub fn living_entry(&self, place: Place, key: &[u8]) -> Option<&Entry> {
        self.databases[place.0].get(key).filter(|entry| !entry.is_expired(self.now_ms()))
    }

    /// Stores a value under a new or an old name.
    pub fn put(&mut self, place: Place, key: &[u8], value: Value, expiry_ms: Option<i64>) {
        self.note(place, key);
        let same_type = |entry: &Entry| entry.value.type_name() == value.type_name();
        let born = self.databases[place.0].get(key).filter(|entry| same_type(entry)).map(|entry| entry.born);
        if born.is_none() {
            self.created.push((place, key.to_vec()));
        }
        let used_before = self.databases[place.0].get(key).map(|entry| entry.used);
        let entry =
            Entry { value, expiry_ms, born: born.unwrap_or(self.moment), used: self.clock, used_before };
        self.databases[place.0].insert(key.to_vec(), entry);
        self.touch(place, key);
    }

    /// Changes an entry, which must be there.
    pub fn change(&mut self, place: Place, key: &[u8], change: impl FnOnce(&mut Entry)) {
        self.note(place, key);
        if let Some(entry) = self.databases[place.0].get_mut(key) {
            change(entry);
        }
        self.touch(place, key);
    }

    /// Changes how a value is kept, which is no change of data.
    pub fn adjust(&mut self, place: Place, key: &[u8], adjust: impl FnOnce(&mut Value)) {
        if let Some(entry) = self.databases[place.0].get_mut(key) {
            adjust(&mut entry.value);
        }
    }

    /// Removes an entry, expired or not.
    pub fn remove(&mut self, place: Place, key: &[u8]) -> Option<Entry> {
        self.note(place, key);
        let removed = self.databases[place.0].remove(key);
        self.touch(place, key);
        removed
    }

    fn touch(&mut self, place: Place, key: &[u8]) {
        let is_there = self.databases[place.0].contains_key(key);
        self.touches.push(Touch { place, key: key.to_vec(), is_there });
    }

    /// Empties a database.
    pub fn clear(&mut self, place: Place) {
        if self.keeps_history {
            let keys: Vec<Vec<u8>> = self.databases[place.0].keys().cloned().collect();
            keys.iter().for_each(|key| self.remember(place, key));
        }
        let entries = std::mem::take(&mut self.databases[place.0]);
        self.journal.cleared.entry(place).or_insert(entries);
    }

    /// Exchanges two databases.
    pub fn swap(&mut self, first: usize, second: usize) {
        self.order.swap(first, second);
    }

    /// Does what effects lead to.
    pub fn take_over(&mut self, Lead { cleared, changed, order }: Lead) {
        for place in cleared {
            self.databases[place.0].clear();
        }
        for ((place, key), entry) in changed {
            match entry {
                Some(entry) => self.databases[place.0].insert(key, entry),
                None => self.databases[place.0].remove(&key),
            };
        }
        self.order = order;
    }

    /// What was put in so far was there from the beginning: nobody is to be told.
    pub fn settle_in(&mut self) {
        self.touches.clear();
        self.created.clear();
        self.journal = Journal::default();
    }

    /// All data were read again.
    pub fn load_again(&mut self, now: Clock) {
        for entry in self.databases.iter_mut().flat_map(|entries| entries.values_mut()) {
            entry.value = entry.value.clone().forget_encoding();
            entry.used = now;
        }
    }

    /// Says of every score of zero whether it is below zero, so to speak, by its database, key and member.
    pub fn set_signs(&mut self, is_negative: impl Fn(usize, &[u8], &[u8]) -> bool) {
        for (database, place) in self.order.clone().into_iter().enumerate() {
            for (key, entry) in &mut self.databases[place.0] {
                if let Value::SortedSet(zset) = &mut entry.value {
                    zset.set_signs(|member| is_negative(database, key, member));
                }
            }
        }
    }

    /// Much was looked up that may count, or not.
    pub fn lose_count_of_lookups(&mut self) {
        for count in [&mut self.hits, &mut self.misses, &mut self.unsure_lookups] {
            *count += LOADING_LOOKUPS_MAX;
        }
    }

    /// From now on, or no longer, [`at`](Self::at) can answer.
    pub fn keep_history(&mut self, keeps: bool) {
        self.keeps_history = keeps;
        if !keeps {
            self.history.clear();
        }
    }

    /// What a key was when an execution ended.
    pub fn at(&self, moment: u64, place: Place, key: &[u8]) -> Option<Trait> {
        let later = self
            .history
            .iter()
            .find(|(when, (where_, name), _)| *when > moment && *where_ == place && name.as_slice() == key);
        later.map_or_else(|| self.databases[place.0].get(key).map(trait_of), |(_, _, before)| *before)
    }

    /// Keeps what a key was, before it changes.
    fn note(&mut self, place: Place, key: &[u8]) {
        self.remember(place, key);
        let path = (place, key.to_vec());
        if !self.journal.before.contains_key(&path) {
            let now = &self.databases[place.0];
            let before = self.journal.cleared.get(&place).unwrap_or(now).get(key).cloned();
            self.journal.before.insert(path, before);
        }
    }

    fn remember(&mut self, place: Place, key: &[u8]) {
        if self.keeps_history {
            let before = self.databases[place.0].get(key).map(trait_of);
            self.history.push((self.moment, (place, key.to_vec()), before));
        }
    }
}

fn trait_of(entry: &Entry) -> Trait {
    Trait { type_name: entry.value.type_name(), expiry_ms: entry.expiry_ms }
}
