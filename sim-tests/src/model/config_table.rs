//! The parameters the model knows: those that change what commands answer, and those that tests set.

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// `yes` or `no`.
    Switch,
    /// An integer from the first to the second.
    Integer(i64, i64),
    /// Bytes, from the first to the second.
    Memory(u64, u64),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// Whatever the configuration file said.
    Fixed,
}

/// A parameter: its name, another name it has, its default, and what it may be.
pub(super) type Parameter = (&'static str, Option<&'static str>, &'static str, Kind);

const INT_MAX: i64 = i32::MAX as i64;
const MEMORY_MAX: u64 = i64::MAX as u64;

/// The largest `hz` that takes effect.
pub(super) const HZ_MAX: i64 = 500;

const POLICIES: &[&str] = &[
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "noeviction",
];

/// All of them.
pub(super) const PARAMETERS: &[Parameter] = &[
    ("active-expire-effort", None, "1", Kind::Integer(1, 10)),
    ("activerehashing", None, "yes", Kind::Switch),
    ("appendonly", None, "no", Kind::Switch),
    ("daemonize", None, "no", Kind::Fixed),
    ("databases", None, "16", Kind::Fixed),
    ("enable-debug-command", None, "no", Kind::Fixed),
    ("hash-max-listpack-entries", Some("hash-max-ziplist-entries"), "512", Kind::Integer(0, i64::MAX)),
    ("hash-max-listpack-value", Some("hash-max-ziplist-value"), "64", Kind::Memory(0, MEMORY_MAX)),
    ("hz", None, "10", Kind::Integer(0, INT_MAX)),
    ("lazyfree-lazy-eviction", None, "no", Kind::Switch),
    ("lazyfree-lazy-expire", None, "no", Kind::Switch),
    ("lazyfree-lazy-server-del", None, "no", Kind::Switch),
    ("lazyfree-lazy-user-del", None, "no", Kind::Switch),
    ("lazyfree-lazy-user-flush", None, "no", Kind::Switch),
    ("lfu-decay-time", None, "1", Kind::Integer(0, INT_MAX)),
    ("lfu-log-factor", None, "10", Kind::Integer(0, INT_MAX)),
    ("list-compress-depth", None, "0", Kind::Integer(0, INT_MAX)),
    ("list-max-listpack-size", Some("list-max-ziplist-size"), "-2", Kind::Integer(-INT_MAX - 1, INT_MAX)),
    ("loglevel", None, "notice", Kind::Choice(&["debug", "verbose", "notice", "warning", "nothing"])),
    ("maxclients", None, "10000", Kind::Integer(1, u32::MAX as i64)),
    ("maxmemory-policy", None, "noeviction", Kind::Choice(POLICIES)),
    ("maxmemory-samples", None, "5", Kind::Integer(1, 64)),
    ("port", None, "6379", Kind::Fixed),
    ("proto-max-bulk-len", None, "536870912", Kind::Memory(1 << 20, MEMORY_MAX)),
    ("requirepass", None, "", Kind::Text),
    ("set-max-intset-entries", None, "512", Kind::Integer(0, i64::MAX)),
    ("set-max-listpack-entries", None, "128", Kind::Integer(0, i64::MAX)),
    ("set-max-listpack-value", None, "64", Kind::Memory(0, MEMORY_MAX)),
    ("slowlog-log-slower-than", None, "10000", Kind::Integer(-1, i64::MAX)),
    ("slowlog-max-len", None, "128", Kind::Integer(0, i64::MAX)),
    ("tcp-keepalive", None, "300", Kind::Integer(0, INT_MAX)),
    ("timeout", None, "0", Kind::Integer(0, INT_MAX)),
    ("unixsocket", None, "", Kind::Fixed),
    ("zset-max-listpack-entries", Some("zset-max-ziplist-entries"), "128", Kind::Integer(0, i64::MAX)),
    ("zset-max-listpack-value", Some("zset-max-ziplist-value"), "64", Kind::Memory(0, MEMORY_MAX)),
];
