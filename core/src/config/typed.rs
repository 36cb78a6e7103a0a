//! The configuration as the code uses it: each value that something depends on, in a type that fits.

use super::table::{DIRECTIVES, index_of};
use super::value::Value;
use super::words;

/// A permission that can be limited to connections from this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Nobody.
    No,
    /// Everybody.
    Yes,
    /// Connections over loopback and Unix sockets.
    Local,
}

impl Permission {
    /// Whether a connection is allowed.
    #[must_use]
    pub fn allows(self, is_local: bool) -> bool {
        self == Permission::Yes || self == Permission::Local && is_local
    }
}

/// When the append-only file is synced: what a reply to a write promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FsyncPolicy {
    /// Before anybody sees what was written.
    Always,
    /// About once a second.
    EverySecond,
    /// When the system likes to.
    No,
}

/// What `maxmemory-policy` says about access stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvictionPolicy {
    is_lfu: bool,
}

impl EvictionPolicy {
    /// Whether uses are counted rather than dated.
    #[must_use]
    pub fn is_lfu(self) -> bool {
        self.is_lfu
    }
}

/// Limits on the output of one class of clients. Zero is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimit {
    /// Bytes at which a client is ended.
    pub hard: u64,
    /// Bytes above which it may be for `soft_seconds`.
    pub soft: u64,
    /// For how long.
    pub soft_seconds: u64,
}

/// `client-output-buffer-limit`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputLimits {
    /// Of ordinary clients.
    pub normal: OutputLimit,
    /// Of replicas.
    pub replica: OutputLimit,
    /// Of clients with subscriptions.
    pub pubsub: OutputLimit,
}

/// One point of `save`: when so much has changed for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SavePoint {
    /// For how long.
    pub seconds: u64,
    /// How many changes.
    pub changes: u64,
}

/// How the server ends on a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OnSignal {
    /// Whether the data are saved first; as the points of `save` have it, if nothing is said.
    pub saves: Option<bool>,
    /// Whether it ends even if that fails.
    pub is_forced: bool,
}

/// Reads typed values out of those of all directives.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [Value]);

impl Reader<'_> {
    pub(super) fn value(self, name: &str) -> Value {
        let index = index_of(name);
        // A name that is not in the table would be a slip in this module's caller, which every test runs.
        let index = index.unwrap_or_else(|| unreachable!("{name} is a directive"));
        debug_assert_eq!(DIRECTIVES[index].name, name);
        self.0[index].clone()
    }

    pub(super) fn text(self, name: &str) -> String {
        self.value(name).to_text().into_owned()
    }

    pub(super) fn words(self, name: &str) -> Vec<String> {
        self.text(name).split_ascii_whitespace().map(str::to_owned).collect()
    }

    pub(super) fn yes(self, name: &str) -> bool {
        self.text(name) == "yes"
    }

    /// A number that its kind has checked.
    pub(super) fn number<N: std::str::FromStr>(self, name: &str) -> N {
        let text = self.text(name);
        text.parse().unwrap_or_else(|_| unreachable!("{name} {text} is in the range of its kind"))
    }

    pub(super) fn permission(self, name: &str) -> Permission {
        match self.text(name).as_str() {
            "yes" => Permission::Yes,
            "local" => Permission::Local,
            _ => Permission::No,
        }
    }

    pub(super) fn octal(self, name: &str) -> u32 {
        let text = self.text(name);
        u32::from_str_radix(&text, 8).unwrap_or_else(|_| unreachable!("{name} {text} is octal"))
    }

    pub(super) fn fsync_policy(self) -> FsyncPolicy {
        match self.text("appendfsync").as_str() {
            "always" => FsyncPolicy::Always,
            "no" => FsyncPolicy::No,
            _ => FsyncPolicy::EverySecond,
        }
    }

    pub(super) fn eviction_policy(self) -> EvictionPolicy {
        EvictionPolicy { is_lfu: self.text("maxmemory-policy").ends_with("lfu") }
    }

    pub(super) fn on_signal(self, name: &str) -> OnSignal {
        let words = self.words(name);
        let has = |wanted: &str| words.iter().any(|word| word == wanted);
        let saves = has("save").then_some(true).or_else(|| has("nosave").then_some(false));
        OnSignal { saves, is_forced: has("force") }
    }

    pub(super) fn save_points(self) -> Vec<SavePoint> {
        let numbers = self.numbers("save");
        numbers.chunks_exact(2).map(|pair| SavePoint { seconds: pair[0], changes: pair[1] }).collect()
    }

    pub(super) fn output_limits(self) -> OutputLimits {
        let numbers = self.numbers("client-output-buffer-limit");
        let limit = |class: usize| match numbers[class * 3..] {
            [hard, soft, soft_seconds, ..] => OutputLimit { hard, soft, soft_seconds },
            _ => unreachable!("the value always has all {} classes", words::CLASSES.len()),
        };
        OutputLimits { normal: limit(0), replica: limit(1), pubsub: limit(2) }
    }

    /// The numbers among a value's words.
    fn numbers(self, name: &str) -> Vec<u64> {
        self.words(name).iter().filter_map(|word| word.parse().ok()).collect()
    }
}
