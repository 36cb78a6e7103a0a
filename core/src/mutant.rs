//! The mutation gallery: bugs as they are really made, each planted at the place where somebody would make it, and
//! asleep until a run chooses it. What a test is worth shows in how soon it notices.
//!
//! A site says `mutant!(Mutant::X)` and is as short as the bug. All are memory-safe: a bug that would be undefined
//! behaviour is played, with the effects it would have. The choice belongs to the thread, as each simulated run has
//! one of its own.

use crate::dataset::Keys;
use crate::keyspace::Database;
use crate::value::StringRef;
use std::cell::{Cell, RefCell};

#[cfg(test)]
mod tests;

/// Makes the registry from rows of variant, name and story.
macro_rules! mutants {
    ($($mutant:ident, $name:literal, $story:literal;)*) => {
        /// A planted bug.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mutant {
            $(#[doc = $story] $mutant,)*
        }

        impl Mutant {
            /// Every mutant.
            pub const ALL: [Mutant; COUNT] = [$(Mutant::$mutant),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Mutant::$mutant => $name,)*
                }
            }

            /// What the bug is, and where one like it was seen, in a line or two.
            #[must_use]
            pub fn story(self) -> &'static str {
                match self {
                    $(Mutant::$mutant => $story,)*
                }
            }

            /// The mutant of this name.
            #[must_use]
            pub fn by_name(name: &str) -> Option<Mutant> {
                Mutant::ALL.into_iter().find(|mutant| mutant.name() == name)
            }
        }

        /// How many mutants there are.
        pub const COUNT: usize = [$($name),*].len();
    };
}

mutants! {
    ParserLosesState, "parser-loses-state",
        "An argument that arrives in two pieces is not counted, so the next request is taken for its successor: a \
         step of a resumable parser that is missing on the way back in.";
    ParserCutsLineEnd, "parser-cuts-line-end",
        "A CR that is the last byte of a piece ends an argument, and its LF is left over: seen in many parsers of \
         protocols with lines.";
    PartialWriteDropsRest, "partial-write-drops-rest",
        "A short write is taken for a whole one, and the rest of the replies is lost: the classic of socket code.";
    PipelineSwapped, "pipeline-swapped",
        "The last two requests of a full batch are run in the wrong order, and with them their replies: seen where \
         requests are gathered before they run.";
    LateEvent, "late-event",
        "An event for a connection that is gone reaches whoever has its slot now: the reason why epoll loops need \
         generations.";
    ScanMissesSplit, "scan-misses-split",
        "A cursor points into the middle of a bucket's stretch of hashes; nobody notices until the bucket is split.";
    ScanCursorRestartsWrong, "scan-cursor-restarts-wrong",
        "A cursor from when the table had another size is rounded up to the next bucket: as a SCAN whose cursor is \
         not masked to the new size.";
    ExpiredResurrected, "expired-resurrected",
        "SETRANGE does not ask whether its key has expired, and goes on with the old value: a lookup with the wrong \
         intent.";
    SetKeepsStaleTtl, "set-keeps-stale-ttl",
        "SET KEEPTTL over a key that has expired keeps its time, so the new value vanishes at once.";
    IncrByFloatDropsTtl, "incrbyfloat-drops-ttl",
        "INCRBYFLOAT is propagated as SET without KEEPTTL, so replicas lose the time to live: seen in Redis before \
         version 6.";
    RelativeTtlPropagated, "relative-ttl-propagated",
        "SET EX is propagated word for word, so whoever replays it later lets the key live longer: seen in Redis \
         before version 7 on replicas.";
    LazyExpiryNotPropagated, "lazy-expiry-not-propagated",
        "A key that a command finds expired is removed, and nobody who follows the log hears of it.";
    WallClockForPause, "wall-clock-for-pause",
        "CLIENT PAUSE is measured by the calendar clock, so a jump of it ends the pause at once or makes it endless.";
    PausedReordered, "paused-reordered",
        "A request that a pause holds back is put behind the others of its pipeline.";
    CopySharesBuffer, "copy-shares-buffer",
        "COPY takes another handle on the value rather than a copy; SETRANGE and APPEND on one show in the other: \
         seen wherever buffers are counted and changed in place.";
    SwapDbForgetsExpiries, "swapdb-forgets-expiries",
        "SWAPDB exchanges keys but not their times to live: one of two tables was forgotten.";
    OutputLimitNeverEnforced, "output-limit-never-enforced",
        "client-output-buffer-limit is read and never acted upon.";
    ActiveExpiryForgets, "active-expiry-forgets",
        "Active expiry forgets the keys it found too young, so they stay until somebody looks them up: a lower bound \
         that is not carried over.";
    LostResume, "lost-resume",
        "A client that was held back by its output goes on when it has read some of it, but not when it has read all \
         at once: a lost wakeup.";
    ExpiryInWrongDatabase, "expiry-in-wrong-database",
        "Active expiry logs every DEL for database 0: seen where the log keeps a selected database.";
    SkipOutlivesError, "skip-outlives-error",
        "A request that is refused does not use up CLIENT REPLY SKIP, so the next one's reply is missing.";
    HeldArgumentForgotten, "held-argument-forgotten",
        "A large argument is forgotten when its request has to wait, so the request waits for it for ever.";
    RewriteIgnoresSyncError, "rewrite-ignores-sync-error",
        "CONFIG REWRITE goes on after a failed fsync and puts a file in place that may be empty after a crash: seen \
         in PostgreSQL until 2018, and elsewhere.";
    RankOffByOneAfterSplit, "rank-off-by-one-after-split",
        "A rank behind the first leaf of a sorted set's tree is one too high: a count that a split forgot to correct.";
    UpgradeMissortsNegatives, "upgrade-missorts-negatives",
        "A number that makes an intset wider is put at its end, also when it is negative: half of the truth about \
         numbers that need more bytes.";
    ConversionLosesLast, "conversion-loses-last",
        "A hash that outgrows its listpack loses the last field: a loop that ends one step early.";
    EmptyKeyLeftBehind, "empty-key-left-behind",
        "SPOP of the last member leaves an empty set, which Redis does not have.";
    GtTakesEqualForGreater, "gt-takes-equal-for-greater",
        "ZADD GT counts an equal score as a change: the wrong side of a comparison.";
    StoreClearsItsSource, "store-clears-its-source",
        "SINTERSTORE removes its destination before it reads its sources, of which that may be one.";
    InfinitiesLeaveOne, "infinities-leave-one",
        "The sum of an infinity and its opposite is an infinity in ZUNION rather than zero.";
    InsertBeforeGoesBehind, "insert-before-goes-behind",
        "LINSERT BEFORE splits a full node behind the pivot instead of before it.";
    SampleNeverRepeats, "sample-never-repeats",
        "HRANDFIELD, SRANDMEMBER and ZRANDMEMBER take a negative count for a positive one, so nothing comes twice.";
    WakeOrderReversed, "wake-order-reversed",
        "Who came last is served first when a key appears that several clients wait for.";
    WaiterServedTwice, "waiter-served-twice",
        "A client that waits is served once for its request and once for the key: two lists of who waits.";
    BlmovePropagatedVerbatim, "blmove-propagated-verbatim",
        "BLMOVE is propagated word for word, so whoever follows the log may wait.";
    SpopPropagatedVerbatim, "spop-propagated-verbatim",
        "SPOP is propagated word for word, so whoever follows the log takes another member.";
    StoreKeepsOldTtl, "store-keeps-old-ttl",
        "A stored result gets the time to live of what was there before it.";
    WatchMissesExpiry, "watch-misses-expiry",
        "EXEC does not see that a watched key has expired if nobody has looked it up: seen in Redis before version 6.0.9.";
    ExecAfterRefusal, "exec-after-refusal",
        "EXEC goes on although a request was refused while queueing: seen in Redis before version 2.6.5.";
    ShortWriteNotRolledBack, "short-write-not-rolled-back",
        "A batch that was written in part is written again behind that part.";
    IncrNotDurableBeforeManifest, "incr-not-durable-before-manifest",
        "The manifest mentions the new file for increments before that is durable.";
    DirectoryNotSynced, "directory-not-synced",
        "The new base has its name, but the directory is not synced before the manifest mentions it.";
    TruncationNotSynced, "truncation-not-synced",
        "A torn end is cut off without the cut being made durable.";
    TruncationOffByOne, "truncation-off-by-one",
        "A torn end is cut off one byte too late.";
    RenamedBeforeSync, "renamed-before-sync",
        "The new manifest takes the old one's name before what it says is durable.";
    OldIncrUnsyncedAtSwitch, "old-incr-unsynced-at-switch",
        "The new file is written to while the end of the old one is not durable.";
    HistoryRemovedTooEarly, "history-removed-too-early",
        "What a rewrite replaces is removed before the manifest says so.";
    SyncErrorForgotten, "sync-error-forgotten",
        "A failed sync is tried again and succeeds, without the pages that the system gave up.";
    DurableWhenAskedFor, "durable-when-asked-for",
        "What a sync was asked for counts as durable before the sync has ended.";
    FailedAppendForgotten, "failed-append-forgotten",
        "What could not be written is forgotten instead of being written again.";
    ReplyBeforeDurable, "reply-before-durable",
        "Under appendfsync always a reply does not wait for the disk.";
    ReadLeaksUnsynced, "read-leaks-unsynced",
        "Under appendfsync always a read tells of a write that is not durable.";
    TransactionNotFramed, "transaction-not-framed",
        "The log does not say which commands are a transaction, so that half of one may be loaded.";
    FlushallNotLogged, "flushall-not-logged",
        "FLUSHALL does not reach the log.";
    WriteAfterDiskError, "write-after-disk-error",
        "Writes are taken although the log cannot be written.";
    SwitchedBeforeSealed, "switched-before-sealed",
        "A rewrite switches files before the turn's effects are sealed, so that they are in the base alone, which is not there yet.";
    SnapshotSeesLaterWrite, "snapshot-sees-later-write",
        "What changes while a snapshot is taken is not saved before.";
    SnapshotMissesSplit, "snapshot-misses-split",
        "When a segment is split while a snapshot is taken, its entries are not saved before.";
    BatchChecksumIgnored, "batch-checksum-ignored",
        "The checksum of a batch is not compared.";
    BaseSumIgnored, "base-sum-ignored",
        "What stands in a base of commands is not compared with its sums.";
    RdbCrcIgnored, "rdb-crc-ignored",
        "The checksum at the end of an RDB file is read and not compared.";
    ExpiredKeyLoaded, "expired-key-loaded",
        "Keys whose time was over while the server was down are loaded from an RDB file all the same, for all time: \
         whether they have expired was asked of a clock that was not set yet.";
    TemporaryNeverRemoved, "temporary-never-removed",
        "What an interrupted rewrite has left is never removed.";
    IncrByFloatPropagatedVerbatim, "incrbyfloat-propagated-verbatim",
        "INCRBYFLOAT is logged as it was sent, so whoever replays it on another machine may round otherwise.";
    ExpirePropagatedVerbatim, "expire-propagated-verbatim",
        "EXPIRE is logged as it was sent, so a key that is loaded lives as long again as it was given once.";
    LastPopNotLogged, "last-pop-not-logged",
        "A pop that leaves nothing of its list is taken for a removal that somebody else logs.";
    TailTransactionReplayed, "tail-transaction-replayed",
        "What stands behind MULTI is run without a look for EXEC, so half a transaction at the end of a log is \
         loaded.";
    BackwardLengthWrong, "backward-length-wrong",
        "The length behind a listpack's element is one byte short where it first takes two: seen at 128 bytes, where \
         only those who come from behind notice.";
}

thread_local! {
    static CHOSEN: Cell<Option<Mutant>> = const { Cell::new(None) };
    /// Keys whose values a COPY has made one.
    static SHARED: RefCell<Vec<[Place; 2]>> = const { RefCell::new(Vec::new()) };
}

/// A database and a key.
type Place = (usize, Vec<u8>);

/// Lets one bug show on this thread from here on, or none.
pub fn choose(mutant: Option<Mutant>) {
    CHOSEN.set(mutant);
    SHARED.take();
}

/// The bug that shows on this thread.
#[must_use]
pub fn chosen() -> Option<Mutant> {
    CHOSEN.get()
}

/// Whether this is the bug that shows.
pub(crate) fn is_chosen(mutant: Mutant) -> bool {
    CHOSEN.get() == Some(mutant)
}

/// [`Mutant::SwapDbForgetsExpiries`].
pub(crate) fn forget_expiries(databases: &mut [Database], swapped: [usize; 2]) {
    if !is_chosen(Mutant::SwapDbForgetsExpiries) {
        return;
    }
    for index in swapped {
        let database = &mut databases[index];
        let expiring = database.iter().filter(|entry| entry.expiry().is_some());
        let keys: Vec<Vec<u8>> = expiring.map(|entry| entry.key().to_vec()).collect();
        for key in &keys {
            let key = database.key(key);
            if let Some(mut found) = database.find_mut(key) {
                found.set_expiry(None);
            }
        }
    }
}

/// [`Mutant::CopySharesBuffer`]: two keys have one value from here on.
pub(crate) fn share_value(from: (usize, &[u8]), to: (usize, &[u8])) {
    if is_chosen(Mutant::CopySharesBuffer) {
        let pair = [from, to].map(|(database, key)| (database, key.to_vec()));
        SHARED.with_borrow_mut(|shared| shared.push(pair));
    }
}

/// [`Mutant::CopySharesBuffer`]: a value was changed in place by `patch`, and the others that are one with it change
/// too. Values that differ in more than the change have been replaced since, and are not one any more.
pub(crate) fn change_shared(keys: &mut Keys<'_>, key: &[u8], offset: usize, patch: &[u8]) {
    if !is_chosen(Mutant::CopySharesBuffer) {
        return;
    }
    let changed = (keys.database, key.to_vec());
    let Some(value) = value_at(keys, &changed) else { return };
    let mut others: Vec<Place> = Vec::new();
    SHARED.with_borrow(|shared| {
        for [a, b] in shared {
            others.extend((*a == changed).then(|| b.clone()));
            others.extend((*b == changed).then(|| a.clone()));
        }
    });
    for other in others {
        let Some(mut bytes) = value_at(keys, &other) else { continue };
        bytes.resize(bytes.len().max(offset + patch.len()), 0);
        bytes[offset..offset + patch.len()].copy_from_slice(patch);
        if bytes == value {
            let mut keys = keys.in_database(other.0);
            let key = keys.db().key(&other.1);
            if let Some(mut found) = keys.db().find_mut(key) {
                found.set_range(offset, patch);
            }
        }
    }
}

fn value_at(keys: &mut Keys<'_>, (database, key): &Place) -> Option<Vec<u8>> {
    let mut keys = keys.in_database(*database);
    let key = keys.db().key(key);
    keys.db().find(key)?.value().as_string().map(StringRef::to_vec)
}
