//! What goes wrong, and when: every fault of the simulator is decided here.
//!
//! A decision remembers nothing. It is a hash of the seed, the kind of fault, the operation it would happen to and
//! how often that was tried. So a fault depends on no other operation: a shorter schedule keeps the fate of what
//! is left in it, and raising a rate only adds faults to those that happened before. Kinds and sites enter the
//! hash by name, so that a seed kept for ever means the same when further kinds have come.

/// The rate of what always happens.
pub const ALWAYS: u32 = 1_000_000;

macro_rules! fault_kinds {
    ($($(#[doc = $doc:literal])+ $kind:ident = $name:literal,)+) => {
        /// A kind of fault. Each has its own rate, and can be switched off by itself.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum FaultKind {
            $($(#[doc = $doc])+ $kind,)+
        }

        impl FaultKind {
            /// Every kind there is.
            pub const ALL: &[FaultKind] = &[$(FaultKind::$kind),+];

            /// How many kinds there are.
            pub const COUNT: usize = FaultKind::ALL.len();

            /// The name that command lines and reports use. It never changes.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(FaultKind::$kind => $name,)+
                }
            }
        }
    };
}

fault_kinds! {
    /// A read from a socket gives less than has arrived.
    PartialRead = "partial-read",
    /// A write to a socket takes less than it was offered.
    PartialWrite = "partial-write",
    /// Bytes are on their way for a while.
    Delay = "delay",
    /// A client takes its replies slowly, or not at all for a while.
    SlowReader = "slow-reader",
    /// A client closes its sending side and goes on reading.
    HalfClose = "half-close",
    /// A connection is reset, at any byte.
    Reset = "reset",
    /// What several clients have sent arrives in another order; within one connection order stays.
    Reorder = "reorder",
    /// Accepting a connection fails, as when descriptors have run out.
    AcceptError = "accept-error",
    /// A client that connects is turned away before the server hears of it.
    ConnectRefused = "connect-refused",

    /// The calendar clock jumps ahead.
    WallJumpForward = "wall-jump-forward",
    /// The calendar clock jumps back.
    WallJumpBack = "wall-jump-back",
    /// The calendar clock runs faster or slower than the monotonic one.
    Drift = "drift",
    /// The process stands still for long, as a stopped virtual machine does.
    Freeze = "freeze",

    /// A write takes part of what it was offered, and nothing more after it.
    ShortWrite = "short-write",
    /// A read ends before the file does.
    ShortRead = "short-read",
    /// A signal interrupts an operation.
    Interrupted = "interrupted",
    /// No space is left for part of a write.
    EnospcAppend = "enospc-append",
    /// No space is left for a new name.
    EnospcCreate = "enospc-create",
    /// Written pages find no space when they are synced, and are lost.
    EnospcSync = "enospc-sync",
    /// A file can no longer be read, from now on.
    EioRead = "eio-read",
    /// A write, or a change of a name, fails.
    EioWrite = "eio-write",
    /// A bit of the durable image flips.
    BitRot = "bit-rot",
    /// A sync fails, and what it should have made durable never will be.
    SyncError = "sync-error",
    /// Writing a page back fails in the background; a later sync tells.
    LateSyncError = "late-sync-error",
    /// A dirty page becomes durable although nobody has synced it.
    WriteBack = "write-back",
    /// A clean page leaves the page cache; reading it again shows what the disk has.
    Evict = "evict",
    /// A power loss leaves some sectors of a dirty page new and others old.
    TornPage = "torn-page",
    /// A power loss leaves garbage in a sector that was being written.
    TornSector = "torn-sector",
    /// A file's size becomes durable before, or without, its data.
    SizeFirst = "size-first",
    /// A power loss leaves the first few of a directory's pending changes.
    DirPrefix = "dir-prefix",
    /// A power loss leaves any of a directory's pending changes.
    DirSubset = "dir-subset",
    /// An operation takes long.
    SlowDisk = "slow-disk",
    /// The power fails.
    CrashPower = "crash-power",
    /// The process is killed.
    CrashKill = "crash-kill",
    /// The process ends when a piece of disk work was asked for and nothing of it is done.
    CrashBeforeDisk = "crash-before-disk",
    /// The process ends in the middle of a piece of disk work.
    CrashDuringDisk = "crash-during-disk",
    /// The process ends when a piece of disk work is done, and has not heard of it.
    CrashAfterDisk = "crash-after-disk",
    /// The process ends as soon as it has started from what an earlier end of it has left.
    CrashAgain = "crash-again",
}

impl FaultKind {
    /// The kind of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<FaultKind> {
        FaultKind::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// Names a place that draws numbers; different places draw independently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Site(u64);

impl Site {
    /// The place of this name, as in `disk-append-cut`.
    #[must_use]
    pub const fn named(name: &str) -> Site {
        // Draws and decisions never share a stream, even if a site is named after a kind of fault.
        Site(hash(!0, &[hash_bytes(name.as_bytes())]))
    }
}

/// Which faults happen. Holders of clones decide alike, and count by themselves.
#[derive(Clone, Debug)]
pub struct Faults {
    seed: u64,
    rates_per_million: [u32; FaultKind::COUNT],
    counts: [u64; FaultKind::COUNT],
    enabled: bool,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::none()
    }
}

impl Faults {
    /// Nothing ever happens.
    #[must_use]
    pub fn none() -> Faults {
        Faults::new(0)
    }

    /// Nothing happens until rates are set; then everything follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Faults {
        Faults {
            seed,
            rates_per_million: [0; FaultKind::COUNT],
            counts: [0; FaultKind::COUNT],
            enabled: true,
        }
    }

    /// How often a fault happens, of a million times it could.
    ///
    /// # Panics
    ///
    /// If `per_million` is more than [`ALWAYS`].
    pub fn set_rate(&mut self, kind: FaultKind, per_million: u32) {
        assert!(per_million <= ALWAYS, "{} cannot happen more often than always", kind.name());
        self.rates_per_million[kind as usize] = per_million;
    }

    /// How often a fault happens, of a million times it could; 0 after [`heal`](Faults::heal).
    #[must_use]
    pub fn rate(&self, kind: FaultKind) -> u32 {
        if self.enabled { self.rates_per_million[kind as usize] } else { 0 }
    }

    /// Whether no fault of any kind can happen.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.enabled || self.rates_per_million.iter().all(|&rate| rate == 0)
    }

    /// Whether this fault happens here; counts it if it does. `operation` names what it would happen to, by
    /// something that stays the same when other operations are taken out; `occurrence` counts the tries of it.
    pub fn happens(&mut self, kind: FaultKind, operation: u64, occurrence: u64) -> bool {
        let rate = self.rate(kind);
        if rate == 0 {
            return false;
        }
        let stream = STREAMS[kind as usize];
        let happens = below(hash(self.seed, &[stream, operation, occurrence]), ALWAYS.into()) < rate.into();
        self.counts[kind as usize] += u64::from(happens);
        happens
    }

    /// A number below `bound` (0 if that is 0) that goes with an operation: where to cut, how long to wait.
    /// It can be drawn whether or not a fault happens, and also after [`heal`](Faults::heal).
    #[must_use]
    pub fn draw(&self, site: Site, operation: u64, occurrence: u64, bound: u64) -> u64 {
        below(hash(self.seed, &[site.0, operation, occurrence]), bound)
    }

    /// From here on nothing happens any more.
    pub fn heal(&mut self) {
        self.enabled = false;
    }

    /// How often a fault has happened.
    #[must_use]
    pub fn count(&self, kind: FaultKind) -> u64 {
        self.counts[kind as usize]
    }
}

/// Several numbers as one: for naming an operation by what it is about.
#[must_use]
pub fn operation(parts: &[u64]) -> u64 {
    hash(0, parts)
}

/// A name as a number: for naming an operation by the file it is about.
#[must_use]
pub fn operation_of_name(name: &str) -> u64 {
    hash_bytes(name.as_bytes())
}

/// What stands for each kind in the hash.
const STREAMS: [u64; FaultKind::COUNT] = {
    let mut streams = [0; FaultKind::COUNT];
    let mut index = 0;
    while index < streams.len() {
        streams[index] = hash_bytes(FaultKind::ALL[index].name().as_bytes());
        index += 1;
    }
    streams
};

/// The increment of splitmix64: the golden ratio, odd, so that its multiples visit every number.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Folds fields into one well mixed number. Not for keys that an attacker chooses.
const fn hash(seed: u64, fields: &[u64]) -> u64 {
    // The seed is mixed before the first field comes in: else neighbouring seeds would be neighbouring fields.
    let mut state = mix(seed.wrapping_add(GOLDEN));
    let mut index = 0;
    while index < fields.len() {
        state = mix((state ^ fields[index]).wrapping_add(GOLDEN));
        index += 1;
    }
    state
}

const fn hash_bytes(bytes: &[u8]) -> u64 {
    let mut state = mix(bytes.len() as u64 ^ GOLDEN);
    let mut index = 0;
    while index < bytes.len() {
        state = mix((state ^ bytes[index] as u64).wrapping_add(GOLDEN));
        index += 1;
    }
    state
}

/// The finaliser of splitmix64 (Steele, Lea and Flood, 2014, with the constants of Stafford's variant 13): every
/// bit of the argument changes every bit of the result with a chance of about a half.
const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A hash scaled down to less than `bound`.
const fn below(hash: u64, bound: u64) -> u64 {
    ((hash as u128 * bound as u128) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    const CUT: Site = Site::named("test-cut");

    fn always(seed: u64, kind: FaultKind, per_million: u32) -> Faults {
        let mut faults = Faults::new(seed);
        faults.set_rate(kind, per_million);
        faults
    }

    #[test]
    fn names_are_distinct_kebab_case_and_lead_back() {
        let names: BTreeSet<_> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names.len(), FaultKind::COUNT);
        for (index, &kind) in FaultKind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, index);
            assert_eq!(FaultKind::parse(kind.name()), Some(kind));
            assert!(kind.name().bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{kind:?}");
        }
        assert_eq!(FaultKind::parse("Reset"), None);
    }

    #[test]
    fn rates_are_kept_in_the_long_run() {
        for rate in [1_000, 250_000, 999_000] {
            let mut faults = always(7, FaultKind::Reset, rate);
            for operation in 0..100_000 {
                faults.happens(FaultKind::Reset, operation, 0);
            }
            let expected = f64::from(rate) / 10.0;
            let deviation = (faults.count(FaultKind::Reset) as f64 - expected).abs();
            assert!(deviation < 6.0 * expected.sqrt(), "{rate}: off by {deviation}");
        }
    }

    #[test]
    fn never_and_always_mean_it() {
        let mut faults = always(7, FaultKind::Reset, ALWAYS);
        for operation in 0..10_000 {
            assert!(faults.happens(FaultKind::Reset, operation, operation));
            assert!(!faults.happens(FaultKind::Delay, operation, operation));
        }
        assert_eq!((faults.count(FaultKind::Reset), faults.count(FaultKind::Delay)), (10_000, 0));
        assert!(Faults::none().is_quiet() && !faults.is_quiet());
    }

    #[test]
    fn a_decision_depends_on_every_field_and_on_nothing_else() {
        let decide = |seed, kind, operation: u64, occurrence: u64| {
            let mut faults = Faults::new(seed);
            faults.set_rate(kind, 500_000);
            // Earlier questions leave no trace.
            faults.happens(kind, operation ^ 1, occurrence + 1);
            (0..64).fold(0_u64, |bits, number| {
                bits << 1 | u64::from(faults.happens(kind, operation + number * 1_000, occurrence))
            })
        };
        let decided = decide(1, FaultKind::Reset, 2, 3);
        assert_eq!(decided, decide(1, FaultKind::Reset, 2, 3));
        assert_ne!(decided, decide(2, FaultKind::Reset, 2, 3));
        assert_ne!(decided, decide(1, FaultKind::Delay, 2, 3));
        assert_ne!(decided, decide(1, FaultKind::Reset, 3, 3));
        assert_ne!(decided, decide(1, FaultKind::Reset, 2, 4));
    }

    #[test]
    fn a_higher_rate_only_adds_faults() {
        let mut low = always(9, FaultKind::Delay, 100_000);
        let mut high = always(9, FaultKind::Delay, 300_000);
        for operation in 0..10_000 {
            let happened = low.happens(FaultKind::Delay, operation, 0);
            assert!(high.happens(FaultKind::Delay, operation, 0) || !happened);
        }
        assert!(high.count(FaultKind::Delay) > low.count(FaultKind::Delay));
    }

    #[test]
    fn draws_cover_their_range_and_differ_by_site() {
        let faults = Faults::new(3);
        let drawn: BTreeSet<_> = (0..200).map(|operation| faults.draw(CUT, operation, 0, 10)).collect();
        assert_eq!(drawn, (0..10).collect());
        assert_eq!(faults.draw(CUT, 1, 1, 0), 0);
        let other = Site::named("test-wait");
        assert!((0..64).any(|number| faults.draw(CUT, number, 0, 2) != faults.draw(other, number, 0, 2)));
    }

    #[test]
    fn healing_ends_faults_and_keeps_counts() {
        let mut faults = always(1, FaultKind::Reset, ALWAYS);
        assert!(faults.happens(FaultKind::Reset, 0, 0));
        faults.heal();
        assert!(!faults.happens(FaultKind::Reset, 0, 0) && faults.is_quiet());
        assert_eq!((faults.rate(FaultKind::Reset), faults.count(FaultKind::Reset)), (0, 1));
    }

    /// Seeds are kept for ever, so the hash may never change.
    #[test]
    fn the_hash_stays_as_it_is() {
        assert_eq!(mix(GOLDEN), 0xe220_a839_7b1d_cdaf, "the first number of splitmix64 from 0");
        assert_eq!(Faults::new(1).draw(CUT, 2, 3, u64::MAX), 11_970_639_773_818_334_323);
    }
}
