//! All databases, and the lookups commands make in them.
//!
//! A lookup states its intent, and its side effects are those listed there. Every change of the data passes
//! through [`Keys`], which is what makes expiry, statistics and propagation the same everywhere.

use crate::config::Config;
use crate::keyspace::{
    Database, Entry, EntryRef, ExpireProgress, HashKey, Key, NewValue, Occupied, UnixMillis,
};
use crate::lazy_free::LazyFree;
use crate::lru::AccessClock;
use crate::net::ConnId;
use crate::propagation::PropagationLog;
use crate::value::hash::HashLimits;
use crate::value::set::SetLimits;
use crate::value::zset::SortedSetLimits;
use crate::value::{Collection, ListLimits, ValueRef, ValueType};
use crate::watch::Mention;

/// The hash that digests are made with: the same in every process.
const DIGEST_KEY: HashKey = HashKey([0x726f_746f_6d20_6469, 0x6765_7374_206b_6579]);

/// A database of so many keys lies in the processor's caches, more or less.
const CACHED_KEYS_MAX: usize = 8_192;

/// All databases and what belongs to their data: the clock they expire by, statistics, the log of effects, and
/// what was taken out but is not freed yet.
#[derive(Debug)]
pub struct Dataset {
    databases: Vec<Database>,
    pub(crate) hash_key: HashKey,
    /// The wall clock of this turn: the instant every expiry is compared with.
    pub(crate) now: UnixMillis,
    /// What a touched entry is stamped with.
    pub(crate) access: AccessClock,
    /// How large collections may become in their small forms.
    pub(crate) limits: Limits,
    /// Figures for INFO.
    pub stats: DatasetStats,
    /// Effects, for whoever rebuilds this state.
    pub log: PropagationLog,
    /// What was taken out and is freed in slices.
    pub(crate) lazy_free: LazyFree,
    /// How many snapshots have begun: the number of the last one.
    snapshots: u32,
    /// The hash of the key most likely to be looked up next, computed when its pipeline was parsed.
    hint: Option<KeyHint>,
}

/// How large collections may become in their small forms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Lists.
    pub list: ListLimits,
    /// Hashes.
    pub hash: HashLimits,
    /// Sets.
    pub set: SetLimits,
    /// Sorted sets.
    pub sorted_set: SortedSetLimits,
}

/// Counters of lookups and removals, under INFO's names.
#[derive(Clone, Copy, Debug, Default)]
pub struct DatasetStats {
    /// Lookups by a reading command that found a live key.
    pub keyspace_hits: u64,
    /// Lookups by a reading command that did not.
    pub keyspace_misses: u64,
    /// Keys removed because their time had come.
    pub expired_keys: u64,
    /// Objects handed to the lazy-free queue and freed since.
    pub lazyfreed_objects: u64,
    /// Commands that changed something; keys that expired are not counted.
    pub changes: u64,
}

impl DatasetStats {
    /// Counts anew, but for the changes: they are reckoned from the last save.
    pub fn reset(&mut self) {
        *self = DatasetStats { changes: self.changes, ..DatasetStats::default() };
    }
}

/// Recognises an argument by where it lies.
#[derive(Clone, Copy, Debug)]
struct KeyHint {
    address: usize,
    len: usize,
    hash: u64,
}

/// What SET does to the time to live a key had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Keep it.
    Keep,
    /// Remove it.
    Clear,
    /// Replace it.
    At(UnixMillis),
}

impl Dataset {
    /// As many empty databases as the configuration says.
    #[must_use]
    pub fn new(config: &Config, hash_key: HashKey) -> Dataset {
        Dataset {
            databases: (0..config.databases).map(|_| Database::new(hash_key)).collect(),
            hash_key,
            now: UnixMillis(0),
            access: AccessClock::default(),
            limits: Limits::default(),
            stats: DatasetStats::default(),
            log: PropagationLog::default(),
            lazy_free: LazyFree::default(),
            snapshots: 0,
            hint: None,
        }
    }

    /// Takes over what the configuration says about the data.
    pub fn configure(&mut self, config: &Config) {
        let is_lfu = config.maxmemory_policy.is_lfu();
        self.access.configure(is_lfu, config.lfu_log_factor, config.lfu_decay_time);
        self.limits.list.fill = config.list_max_listpack_size;
        self.limits.list.compress_depth = config.list_compress_depth;
        self.limits.hash = HashLimits {
            listpack_entries_max: usize::try_from(config.hash_max_listpack_entries).unwrap_or(usize::MAX),
            listpack_value_bytes_max: usize::try_from(config.hash_max_listpack_value).unwrap_or(usize::MAX),
        };
        self.limits.set = SetLimits {
            intset_entries_max: usize::try_from(config.set_max_intset_entries).unwrap_or(usize::MAX),
            listpack_entries_max: usize::try_from(config.set_max_listpack_entries).unwrap_or(usize::MAX),
            listpack_value_bytes_max: usize::try_from(config.set_max_listpack_value).unwrap_or(usize::MAX),
        };
        self.limits.sorted_set = SortedSetLimits {
            listpack_entries_max: usize::try_from(config.zset_max_listpack_entries).unwrap_or(usize::MAX),
            listpack_value_bytes_max: usize::try_from(config.zset_max_listpack_value).unwrap_or(usize::MAX),
        };
    }

    /// A number that equal data has in common, whatever way it came about: the sum over all entries of a hash
    /// of database, key, value and expiry.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut sum = 0_u64;
        let mut record = Vec::new();
        for (index, database) in self.databases.iter().enumerate() {
            for entry in
                database.iter().filter(|entry| !entry.expiry().is_some_and(|at| at.is_past(self.now)))
            {
                record.clear();
                record.extend_from_slice(&(index as u64).to_le_bytes());
                record.extend_from_slice(&(entry.key().len() as u64).to_le_bytes());
                record.extend_from_slice(entry.key());
                record.extend_from_slice(&entry.expiry().map_or(-1, |at| at.0).to_le_bytes());
                entry.value().describe(&mut record);
                sum = sum.wrapping_add(DIGEST_KEY.hash(&record));
            }
        }
        sum
    }

    /// A number that equal values have in common, whatever their keys: a hash of value and expiry.
    #[must_use]
    pub fn digest_of(entry: EntryRef<'_>) -> u64 {
        let mut record = entry.expiry().map_or(-1, |at| at.0).to_le_bytes().to_vec();
        entry.value().describe(&mut record);
        DIGEST_KEY.hash(&record)
    }

    /// What names are hashed with.
    pub(crate) fn hash_key(&self) -> HashKey {
        self.hash_key
    }

    /// How many databases there are.
    #[must_use]
    pub fn database_count(&self) -> usize {
        self.databases.len()
    }

    /// One database.
    #[must_use]
    pub fn database(&self, index: usize) -> &Database {
        &self.databases[index]
    }

    /// All databases, for a snapshot.
    pub(crate) fn databases_mut(&mut self) -> &mut [Database] {
        &mut self.databases
    }

    /// A number for another snapshot.
    pub(crate) fn number_snapshot(&mut self) -> u32 {
        self.snapshots = self.snapshots.checked_add(1).expect("nobody takes four billion snapshots");
        self.snapshots
    }

    /// Exchanges two databases' contents.
    pub fn swap(&mut self, a: usize, b: usize) {
        self.databases.swap(a, b);
        #[cfg(feature = "mutants")]
        crate::mutant::forget_expiries(&mut self.databases, [a, b]);
    }

    /// Empties a database: its entries are freed now, or, when `later`, a slice per turn. Returns how many
    /// keys it held.
    pub fn flush(&mut self, index: usize, later: bool) -> usize {
        let count = self.databases[index].len();
        // A snapshot that is being taken keeps what there is; then nothing is left to be freed here.
        let discarded = self.databases[index].take();
        if later && !discarded.is_empty() {
            self.lazy_free.push_database(discarded);
        }
        count
    }

    /// Frees at most `entries_max` of what was discarded earlier. Returns whether something is left.
    pub(crate) fn free_slice(&mut self, entries_max: usize) -> bool {
        self.stats.lazyfreed_objects += self.lazy_free.free_slice(entries_max) as u64;
        !self.lazy_free.is_empty()
    }

    /// Entries that wait to be freed.
    #[must_use]
    pub fn lazyfree_pending(&self) -> usize {
        self.lazy_free.len()
    }

    /// Whether a database is so large that looking ahead at what will be needed of it is worth the work.
    #[inline]
    pub(crate) fn exceeds_cache(&self, database: usize) -> bool {
        self.databases[database].len() > CACHED_KEYS_MAX
    }

    /// Hashes a key that will be looked up soon and begins to fetch its bucket.
    #[inline]
    pub(crate) fn prefetch_bucket(&self, database: usize, key: &[u8]) -> u64 {
        let hash = self.hash_key.hash(key);
        self.databases[database].prefetch_bucket(hash);
        hash
    }

    /// Hashes a key that will be added soon and begins to fetch what that will change.
    #[inline]
    pub(crate) fn prefetch_place(&self, database: usize, key: &[u8]) -> u64 {
        let hash = self.hash_key.hash(key);
        self.databases[database].prefetch_place(hash);
        hash
    }

    /// Begins to fetch the entry that a hash probably leads to; its bucket should have arrived.
    #[inline]
    pub(crate) fn prefetch_entry(&self, database: usize, hash: u64) {
        self.databases[database].prefetch_entry(hash);
    }

    /// The collection under a key with this hash, expired or not. Leaves no trace.
    #[inline]
    pub(crate) fn collection(&self, database: usize, key: &[u8], hash: u64) -> Option<&Collection> {
        match self.databases[database].find(Key { bytes: key, hash })?.value() {
            ValueRef::Collection(collection) => Some(collection),
            _ => None,
        }
    }

    /// Announces that `key`, at just this place in memory, has this hash.
    #[inline]
    pub(crate) fn hint(&mut self, key: &[u8], hash: u64) {
        self.hint = Some(KeyHint { address: key.as_ptr().addr(), len: key.len(), hash });
    }

    /// Forgets the hint, whose memory is about to be used for something else.
    #[inline]
    pub(crate) fn forget_hint(&mut self) {
        self.hint = None;
    }

    #[inline(always)]
    fn key<'k>(&self, bytes: &'k [u8]) -> Key<'k> {
        match self.hint {
            Some(hint) if hint.address == bytes.as_ptr().addr() && hint.len == bytes.len() => {
                Key { bytes, hash: hint.hash }
            }
            _ => Key { bytes, hash: self.hash_key.hash(bytes) },
        }
    }

    /// Forgets all that a connection watches.
    pub(crate) fn unwatch(&mut self, conn: ConnId) {
        if !self.log.watches.is_empty() {
            self.log.watches.unwatch(conn);
        }
    }

    /// Whether anything a connection watches has changed, or has expired without anybody having noticed.
    pub(crate) fn is_stale(&self, conn: ConnId) -> bool {
        let watches = &self.log.watches;
        if mutant!(Mutant::WatchMissesExpiry) {
            return watches.is_stale(conn);
        }
        watches.is_stale(conn) || watches.existed(conn).any(|(database, key)| !self.exists(*database, key))
    }

    /// Looks at the keys the last command has touched, of those that are watched or waited for.
    #[inline(always)]
    pub(crate) fn settle_touched(&mut self) {
        if self.log.waiters.needs_settling() || self.log.watches.needs_settling() {
            self.settle_mentioned();
        }
    }

    #[cold]
    fn settle_mentioned(&mut self) {
        if self.log.waiters.needs_settling() {
            let mut waiters = std::mem::take(&mut self.log.waiters);
            waiters.settle(|database, key| self.type_of(database, key));
            self.log.waiters = waiters;
        }
        if self.log.watches.needs_settling() {
            let mut watches = std::mem::take(&mut self.log.watches);
            watches.settle(|database, key, mention| match mention {
                Mention::Key => self.find(database, key).is_some(),
                Mention::Database => self.exists(database, key),
            });
            self.log.watches = watches;
        }
    }

    /// What a key holds that is there and whose time has not come. Leaves no trace.
    pub(crate) fn type_of(&self, database: usize, key: &[u8]) -> Option<ValueType> {
        let entry = self.find(database, key)?;
        let is_live = !entry.expiry().is_some_and(|at| at.is_past(self.now));
        is_live.then(|| entry.value_type())
    }

    fn exists(&self, database: usize, key: &[u8]) -> bool {
        self.type_of(database, key).is_some()
    }

    /// What a key holds, expired or not. Leaves no trace.
    fn find(&self, database: usize, key: &[u8]) -> Option<EntryRef<'_>> {
        self.databases[database].find(Key { bytes: key, hash: self.hash_key.hash(key) })
    }

    /// Removes what is due in a stretch of one database, counts and propagates it.
    pub(crate) fn expire(
        &mut self,
        database: usize,
        cursor: &mut u64,
        segments_max: usize,
        entries_max: usize,
    ) -> ExpireProgress {
        if self.databases[database].is_empty() {
            *cursor = 0;
            return ExpireProgress { finished: true, ..ExpireProgress::default() };
        }
        let Dataset { databases, stats, log, lazy_free, now, .. } = self;
        // What expires at this very millisecond is not past yet.
        let last_past = UnixMillis(now.0.saturating_sub(1));
        let progress =
            databases[database].expire_cycle(cursor, last_past, segments_max, entries_max, &mut |entry| {
                sometimes!(Mark::ExpiredActively);
                stats.expired_keys += 1;
                let database = if mutant!(Mutant::ExpiryInWrongDatabase) { 0 } else { database };
                log.append(database, [b"DEL".as_slice(), entry.as_ref().key()].into_iter());
                lazy_free.push_entry(entry);
            });
        self.settle_touched();
        progress
    }
}

/// One database as commands see it.
#[derive(Debug)]
pub struct Keys<'a> {
    /// Everything beside the one database.
    pub dataset: &'a mut Dataset,
    /// The database looked at.
    pub database: usize,
    /// Whether lookups leave an entry's access stamp alone (`CLIENT NO-TOUCH`).
    pub no_touch: bool,
}

impl Keys<'_> {
    /// This turn's instant.
    #[must_use]
    #[inline]
    pub fn now(&self) -> UnixMillis {
        self.dataset.now
    }

    /// Counts as a change to a key for whoever watches it, although there is nothing to propagate.
    pub fn touch(&mut self, name: &[u8]) {
        self.dataset.log.watches.mention(self.database, name);
    }

    /// The same view of another database.
    #[inline]
    pub fn in_database(&mut self, database: usize) -> Keys<'_> {
        Keys { dataset: self.dataset, database, no_touch: self.no_touch }
    }

    /// The database itself, for what is not a lookup: its size, cursors, samples.
    #[must_use]
    #[inline]
    pub fn db(&mut self) -> &mut Database {
        &mut self.dataset.databases[self.database]
    }

    /// Looks a key up to read it.
    ///
    /// 1. A key whose time has come is removed, counted and propagated, and not found.
    /// 2. The entry's access stamp is renewed.
    /// 3. A hit or a miss is counted.
    #[inline]
    pub fn read(&mut self, key: &[u8]) -> Option<EntryRef<'_>> {
        match self.live(key, Touch::Yes) {
            Live::Yes(stats, occupied) => {
                stats.keyspace_hits += 1;
                Some(occupied.into_entry())
            }
            Live::No(stats) => {
                stats.keyspace_misses += 1;
                None
            }
        }
    }

    /// Looks a key up to learn about it rather than to use it: as [`read`](Self::read), but the access stamp
    /// stays.
    #[inline]
    pub fn inspect(&mut self, key: &[u8]) -> Option<EntryRef<'_>> {
        match self.live(key, Touch::No) {
            Live::Yes(stats, occupied) => {
                stats.keyspace_hits += 1;
                Some(occupied.into_entry())
            }
            Live::No(stats) => {
                stats.keyspace_misses += 1;
                None
            }
        }
    }

    /// Looks a key up to change it: as [`read`](Self::read), but neither hit nor miss is counted.
    #[inline]
    pub fn write(&mut self, key: &[u8]) -> Option<Occupied<'_>> {
        match self.live(key, Touch::Yes) {
            Live::Yes(_, occupied) => Some(occupied),
            Live::No(_) => None,
        }
    }

    /// Looks a key up to read it, as [`read`](Self::read), with a handle that can turn the value into a shared
    /// one.
    #[inline]
    pub fn read_handle(&mut self, key: &[u8]) -> Option<Occupied<'_>> {
        match self.live(key, Touch::Yes) {
            Live::Yes(stats, occupied) => {
                stats.keyspace_hits += 1;
                Some(occupied)
            }
            Live::No(stats) => {
                stats.keyspace_misses += 1;
                None
            }
        }
    }

    /// Looks a key up and leaves no trace but the removal of an expired one.
    #[inline]
    pub fn peek(&mut self, key: &[u8]) -> Option<EntryRef<'_>> {
        match self.live(key, Touch::No) {
            Live::Yes(_, occupied) => Some(occupied.into_entry()),
            Live::No(_) => None,
        }
    }

    /// What a key holds that a lookup of the same command has found, beside that of others. Leaves no trace.
    #[inline]
    #[must_use]
    pub fn again(&self, key: &[u8]) -> Option<EntryRef<'_>> {
        self.dataset.databases[self.database].find(self.dataset.key(key))
    }

    /// The same, to change how the value is kept, but not the value.
    pub fn again_mut(&mut self, key: &[u8]) -> Option<Occupied<'_>> {
        let key = self.dataset.key(key);
        self.dataset.databases[self.database].find_mut(key)
    }

    /// Gives a key a collection, whatever it held before: that is freed in slices if it is much.
    pub fn store(&mut self, key: &[u8], collection: Collection) {
        let kept =
            if mutant!(Mutant::StoreKeepsOldTtl) { self.again(key).and_then(EntryRef::expiry) } else { None };
        self.discard(key);
        self.insert(key, NewValue::Collection(collection), kept);
    }

    /// Takes a key out; what it held is freed in slices if it is much. Whether it was there.
    pub fn discard(&mut self, key: &[u8]) -> bool {
        match self.remove(key) {
            Some(entry) => {
                self.dataset.lazy_free.push_entry(entry);
                true
            }
            None => false,
        }
    }

    /// Adds a key that is known to be absent.
    #[inline]
    pub fn insert(&mut self, key: &[u8], value: NewValue<'_>, expiry: Option<UnixMillis>) {
        let key = self.dataset.key(key);
        let stamp = self.dataset.access.fresh();
        self.dataset.databases[self.database].insert(key, value, expiry, stamp);
    }

    /// Gives a key this value, whether or not it is there.
    ///
    /// One that has expired is as good as absent: its end is counted and propagated, for whoever follows the log
    /// must not keep its time to live either. Neither hit nor miss is counted.
    #[inline]
    pub fn set(&mut self, key: &[u8], value: NewValue<'_>, expiry: Expiry) {
        let hashed = self.dataset.key(key);
        let Dataset { databases, stats, log, lazy_free, access, now, .. } = &mut *self.dataset;
        let stamp = access.fresh();
        let database = &mut databases[self.database];
        let Some(mut occupied) = database.find_mut(hashed) else {
            let expiry = if let Expiry::At(at) = expiry { Some(at) } else { None };
            database.insert(hashed, value, expiry, stamp);
            return;
        };
        let old_expiry = occupied.entry().expiry();
        let has_expired = old_expiry.is_some_and(|at| at.is_past(*now));
        if has_expired {
            sometimes!(Mark::SetOverExpired);
            sometimes!(Mark::KeepTtlOfExpired, expiry == Expiry::Keep);
            stats.expired_keys += 1;
            log.append(self.database, [b"DEL".as_slice(), key].into_iter());
        }
        let expiry = match expiry {
            Expiry::Clear => None,
            Expiry::At(at) => Some(at),
            Expiry::Keep => old_expiry.filter(|_| !has_expired || mutant!(Mutant::SetKeepsStaleTtl)),
        };
        if occupied.entry().value_type() == ValueType::String {
            occupied.replace(value, expiry);
            occupied.set_lru(stamp);
        } else {
            // A collection may take long to free.
            lazy_free.push_entry(occupied.remove());
            database.insert(hashed, value, expiry, stamp);
        }
    }

    /// Takes a key out. An expired one counts as absent.
    pub fn remove(&mut self, key: &[u8]) -> Option<Entry> {
        self.write(key).map(Occupied::remove)
    }

    /// Puts an entry in under the key it carries, which is known to be absent.
    pub fn insert_entry(&mut self, entry: Entry) {
        let hash = self.dataset.hash_key.hash(entry.as_ref().key());
        self.dataset.databases[self.database].insert_entry(hash, entry);
    }

    /// Begins to watch a key for a connection.
    pub fn watch(&mut self, conn: ConnId, key: &[u8]) {
        let exists = self.dataset.exists(self.database, key);
        self.dataset.log.watches.watch(conn, self.database, key, exists);
    }

    /// Writes a command into the log of effects, in place of the one that runs.
    pub fn propagate(&mut self, command: &[&[u8]]) {
        self.dataset.log.append(self.database, command.iter().copied());
    }

    /// The entry if it is there and its time has not come.
    #[inline(always)]
    fn live(&mut self, key: &[u8], touch: Touch) -> Live<'_> {
        let hashed = self.dataset.key(key);
        let Dataset { databases, stats, log, lazy_free, access, now, .. } = &mut *self.dataset;
        let Some(mut occupied) = databases[self.database].find_mut(hashed) else {
            return Live::No(stats);
        };
        if occupied.entry().expiry().is_some_and(|at| at.is_past(*now)) {
            stats.expired_keys += 1;
            remove_expired(occupied, lazy_free, log, self.database, key);
            return Live::No(stats);
        }
        if touch == Touch::Yes && !self.no_touch {
            let old = occupied.entry().lru();
            let stamp = access.touched(old);
            // Most entries that are touched were touched within the same second.
            if stamp != old {
                occupied.set_lru(stamp);
            }
        }
        Live::Yes(stats, occupied)
    }
}

/// Takes out an entry whose time has come, and propagates it. Out of line, so that lookups stay short.
#[cold]
fn remove_expired(
    occupied: Occupied<'_>,
    lazy_free: &mut LazyFree,
    log: &mut PropagationLog,
    database: usize,
    key: &[u8],
) {
    lazy_free.push_entry(occupied.remove());
    if !mutant!(Mutant::LazyExpiryNotPropagated) {
        log.append(database, [b"DEL".as_slice(), key].into_iter());
    }
}

/// Whether a lookup renews the entry's access stamp.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Touch {
    Yes,
    No,
}

/// Outcome of a lookup, with the statistics it is to be counted in.
enum Live<'a> {
    Yes(&'a mut DatasetStats, Occupied<'a>),
    No(&'a mut DatasetStats),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_by_default_what_the_configuration_says() {
        let config = Config::default();
        let mut dataset = Dataset::new(&config, HashKey([0, 0]));
        dataset.configure(&config);
        assert_eq!(dataset.limits, Limits::default());
    }
}
