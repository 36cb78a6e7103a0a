//! Rare situations, counted. A simulation that never got into one of them has not tested what is done there, so it
//! fails when a mark it must reach was not reached.
//!
//! A site says `sometimes!(Mark::X)`. Counts belong to the thread, as each simulated run has one of its own. Nothing
//! in the server ever reads them.

use std::cell::Cell;

#[cfg(test)]
mod tests;

/// What a simulated run lets go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// Nothing: whole reads and writes, clocks that agree, a disk that works.
    Calm,
    /// The network: pieces, delays, peers that do not read, resets.
    Network,
    /// The disk: errors, delays, no space.
    Disk,
    /// The clocks: jumps, drift, freezes.
    Clock,
    /// All of it.
    Everything,
}

/// For marks that the workload alone reaches.
const ANY: &[Profile] =
    &[Profile::Calm, Profile::Network, Profile::Disk, Profile::Clock, Profile::Everything];
/// For marks that take much luck as well.
const EVERYTHING: &[Profile] = &[Profile::Everything];
/// For marks that the workload reaches too seldom to be asked for; a test of the core reaches each of them.
const NONE: &[Profile] = &[];
/// For marks that take a bad network.
const NETWORK: &[Profile] = &[Profile::Network, Profile::Everything];
/// For marks that take a bad disk.
const DISK: &[Profile] = &[Profile::Disk, Profile::Everything];
/// For marks that take bad clocks.
const CLOCK: &[Profile] = &[Profile::Clock, Profile::Everything];

/// Makes the registry from rows of variant, name, profiles and story.
macro_rules! marks {
    ($($mark:ident, $name:literal, $profiles:ident, $story:literal;)*) => {
        /// A rare situation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Mark {
            $(#[doc = $story] $mark,)*
        }

        impl Mark {
            /// Every mark.
            pub const ALL: [Mark; COUNT] = [$(Mark::$mark),*];

            /// Its name.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Mark::$mark => $name,)*
                }
            }

            /// What the situation is, in a line.
            #[must_use]
            pub fn story(self) -> &'static str {
                match self {
                    $(Mark::$mark => $story,)*
                }
            }

            /// In which profiles enough runs must reach it. In others it may be reached, too.
            #[must_use]
            pub fn profiles(self) -> &'static [Profile] {
                match self {
                    $(Mark::$mark => $profiles,)*
                }
            }
        }

        /// How many marks there are.
        pub const COUNT: usize = [$($name),*].len();
    };
}

marks! {
    SplitInCount, "split-in-count", NETWORK,
        "A piece of input ended inside the line that counts arguments.";
    SplitInCountLineEnd, "split-in-count-line-end", NETWORK,
        "It ended between CR and LF of that line.";
    SplitBeforeArgument, "split-before-argument", NETWORK,
        "It ended between two arguments, or before the first.";
    SplitInLength, "split-in-length", NETWORK,
        "It ended inside the line that has an argument's length.";
    SplitInLengthLineEnd, "split-in-length-line-end", NETWORK,
        "It ended between CR and LF of that line.";
    SplitBeforePayload, "split-before-payload", NETWORK,
        "It ended between that line and the argument.";
    SplitInPayload, "split-in-payload", NETWORK,
        "It ended inside an argument.";
    SplitBeforePayloadLineEnd, "split-before-payload-line-end", NETWORK,
        "It ended behind an argument, before its CR.";
    SplitInPayloadLineEnd, "split-in-payload-line-end", NETWORK,
        "It ended between CR and LF behind an argument.";
    SplitInInline, "split-in-inline", NETWORK,
        "It ended inside an inline command.";
    SplitBetweenRequests, "split-between-requests", NETWORK,
        "It ended between requests: more came before the replies were out.";
    LargeArgumentInPlace, "large-argument-in-place", ANY,
        "A large argument was received into the memory of its value.";
    LargeArgumentHeldBack, "large-argument-held-back", ANY,
        "A request with such an argument had to wait.";
    QuotedInline, "quoted-inline", ANY,
        "An inline command with quotes was run.";
    BatchFull, "batch-full", ANY,
        "A pipeline was longer than what is parsed ahead.";
    PipelineHeldBack, "pipeline-held-back", ANY,
        "A request had to wait, and others behind it.";
    NonsenseAfterRequests, "nonsense-after-requests", ANY,
        "Nonsense followed requests that made sense, in one piece.";
    RequestsAfterEnd, "requests-after-end", ANY,
        "Something was sent behind the request that ended its connection.";
    QueryLimit, "query-limit", NONE,
        "An unfinished request exceeded client-query-buffer-limit.";
    BrowserCutOff, "browser-cut-off", ANY,
        "A line of HTTP ended its connection.";
    PartialWrite, "partial-write", NETWORK,
        "Replies went out in part.";
    PartialWriteOfShared, "partial-write-of-shared", NETWORK,
        "A large value went out in part.";
    ReplyResumed, "reply-resumed", NETWORK,
        "The rest of replies went out that had gone out in part.";
    ReplyAcrossChunks, "reply-across-chunks", ANY,
        "A reply did not fit into the chunk it began in.";
    OutputPaused, "output-paused", EVERYTHING,
        "A client had to wait until it had read some of its replies.";
    OutputResumed, "output-resumed", EVERYTHING,
        "It had read enough, and went on.";
    OutputHardLimit, "output-hard-limit", ANY,
        "A client was ended above its hard output limit.";
    OutputSoftLimit, "output-soft-limit", NONE,
        "A client was ended for being above its soft output limit for too long.";
    OutputSoftLimitForgiven, "output-soft-limit-forgiven", NETWORK,
        "A client came below its soft output limit in time.";
    SkipBeforeError, "skip-before-error", ANY,
        "CLIENT REPLY SKIP hid an error.";
    MaxClients, "max-clients", ANY,
        "A connection was refused because of maxclients.";
    IdleTimeout, "idle-timeout", CLOCK,
        "A client was ended for doing nothing.";
    KilledWithOutput, "killed-with-output", NETWORK,
        "CLIENT KILL ended another client that had not got all its replies.";
    EndedWithOutput, "ended-with-output", NETWORK,
        "A client that was to end had not got all its replies yet.";
    ClosedInRequest, "closed-in-request", NETWORK,
        "A connection was lost with input that had not run.";
    ClosedWithOutput, "closed-with-output", NETWORK,
        "A connection was lost before all its replies were out.";
    LateEvent, "late-event", NETWORK,
        "An event arrived for a connection whose slot had another one in it.";
    HeldByPause, "held-by-pause", ANY,
        "CLIENT PAUSE held a request back.";
    HeldBySleep, "held-by-sleep", ANY,
        "DEBUG SLEEP held a request back.";
    PauseRanOut, "pause-ran-out", ANY,
        "A pause ended by the clock.";
    PauseLifted, "pause-lifted", ANY,
        "CLIENT UNPAUSE ended a pause.";
    ReadDuringPause, "read-during-pause", ANY,
        "A command that only reads ran while writes were paused.";
    ExpiredByRead, "expired-by-read", ANY,
        "A command that only reads removed a key whose time had come.";
    ExpiredByWrite, "expired-by-write", ANY,
        "A command that writes removed a key whose time had come.";
    ExpiredActively, "expired-actively", ANY,
        "A key was removed because its time had come, and nobody had asked.";
    ExpiredDuringPause, "expired-during-pause", NONE,
        "A key was removed because its time had come, while clients were paused.";
    ExpiredAtOnce, "expired-at-once", ANY,
        "A key was given an expiry that lay behind.";
    SetOverExpired, "set-over-expired", ANY,
        "SET replaced a key whose time had come.";
    KeepTtlOfExpired, "keep-ttl-of-expired", ANY,
        "SET KEEPTTL did.";
    ScanMetExpired, "scan-met-expired", ANY,
        "SCAN met a key whose time had come.";
    RandomKeyExpired, "random-key-expired", ANY,
        "RANDOMKEY drew a key whose time had come.";
    ExpiryCutShort, "expiry-cut-short", NONE,
        "More keys were due than one turn looks at.";
    WallWentBack, "wall-went-back", CLOCK,
        "The calendar clock went back.";
    SegmentGrown, "segment-grown", ANY,
        "A segment was rebuilt in a larger size.";
    SegmentShrunk, "segment-shrunk", ANY,
        "A segment was rebuilt in a smaller size.";
    SegmentSplit, "segment-split", ANY,
        "A segment was split.";
    SegmentMerged, "segment-merged", NONE,
        "Two segments were merged.";
    SegmentOverflowed, "segment-overflowed", ANY,
        "An element found its home bucket full.";
    SegmentFullEarly, "segment-full-early", ANY,
        "An element found no room in a segment that was not full.";
    DirectoryDoubled, "directory-doubled", ANY,
        "The directory was doubled.";
    DirectoryHalved, "directory-halved", NONE,
        "The directory was halved.";
    GrownDuringScan, "grown-during-scan", ANY,
        "A table grew, in whatever way, between two calls of a scan.";
    ShrunkDuringScan, "shrunk-during-scan", NONE,
        "A table shrank between two calls of a scan.";
    SplitDuringScan, "split-during-scan", ANY,
        "A segment was split between two calls of a scan.";
    OverwrittenInPlace, "overwritten-in-place", ANY,
        "A new value was written where the old one lay.";
    Reallocated, "reallocated", ANY,
        "A new value did not fit where the old one lay.";
    SharedThenChanged, "shared-then-changed", NETWORK,
        "A large value was changed while a reply still held it.";
    SharedThenOverwritten, "shared-then-overwritten", NETWORK,
        "A large value was replaced while a reply still held it.";
    LazyFreeSpread, "lazy-free-spread", ANY,
        "Freeing a flushed database took several turns.";
    RewriteFailed, "rewrite-failed", DISK,
        "CONFIG REWRITE met an error of the disk.";
    RewriteQueued, "rewrite-queued", ANY,
        "CONFIG REWRITE was asked for while another was under way.";
    RewriteAskerGone, "rewrite-asker-gone", NETWORK,
        "Whoever had asked for CONFIG REWRITE was gone when it ended.";
    ShortLogWriteRolledBack, "short-log-write-rolled-back", NONE,
        "A batch was written in part, and what was written of it was cut off again.";
    LogLost, "log-lost", NONE,
        "A sync of the append-only file failed, so that it has to be written anew.";
    ReplyReleased, "reply-released", NONE,
        "A reply that had to wait for the disk may be seen.";
    TornTailCut, "torn-tail-cut", NONE,
        "The end of the append-only file was damaged, and was cut off.";
    RefusedByDiskError, "refused-by-disk-error", NONE,
        "A command that writes was refused because the disk had failed.";
    RefusedByLoading, "refused-by-loading", NONE,
        "A command was refused because data was being loaded.";
    HeldByBacklog, "held-by-backlog", NONE,
        "A command that writes had to wait because too much waited for the disk.";
}

thread_local! {
    static COUNTS: [Cell<u64>; COUNT] = const { [const { Cell::new(0) }; COUNT] };
}

/// Counts that a mark was reached on this thread.
pub fn reach(mark: Mark) {
    COUNTS.with(|counts| {
        let count = &counts[mark as usize];
        count.set(count.get() + 1);
    });
}

/// How often each mark was reached on this thread since the last call, in the order of [`Mark::ALL`].
#[must_use]
pub fn take() -> [u64; COUNT] {
    COUNTS.with(|counts| std::array::from_fn(|index| counts[index].take()))
}
