//! The table of directives: the one source for redis.conf, the command line and `CONFIG GET`, `SET`, `REWRITE`.
//!
//! Names, kinds and defaults are Redis 7.2's. They were compared with what `CONFIG GET *` of Redis 7.0.15 shows;
//! what differs on purpose:
//!
//! directive | Redis 7.0.15 | here | why
//! ---|---|---|---
//! `set-max-listpack-entries`, `set-max-listpack-value`, `locale-collate`, `cluster-announce-human-nodename` | unknown | known | they came with 7.2
//! `loglevel` | four levels | also `nothing` | 7.2
//! `aof-checksum` | unknown | `yes` | batches of the append-only file end in a checksum
//! `dir` | the working directory | `.` until the server says which | the core has no working directory

use super::kind::{HostName, Kind};

/// A directive.
#[derive(Clone, Copy, Debug)]
pub struct Directive {
    /// Its name.
    pub name: &'static str,
    /// Another name it goes by.
    pub alias: Option<&'static str>,
    /// What values it takes.
    pub kind: Kind,
    /// Its value when nobody sets it, as `CONFIG GET` shows it.
    pub default: &'static str,
    /// What rotom does with it.
    pub status: Status,
    /// Whether `CONFIG SET` may change it.
    pub change: Change,
    /// Whether only its own name finds it, and no pattern of `CONFIG GET`.
    pub is_hidden: bool,
    /// Whether the driver has to act when it changes.
    pub concerns_driver: bool,
}

/// What rotom does with a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// What it says.
    Active,
    /// It is checked, kept and reported, but what it asks for does not happen, for this reason.
    Accepted(&'static str),
    /// Any value but the default promises something this version does not do: it is refused with this reason.
    Refused(&'static str),
}

/// Whether a directive can be changed while the server runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It can.
    Free,
    /// Only where `enable-protected-configs` allows it.
    Protected,
    /// As before, but not in this version.
    NotYet,
    /// Never.
    Immutable,
}

impl Directive {
    /// Whether its value must not show up in a log.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.kind == Kind::Secret
    }

    const fn with(name: &'static str, kind: Kind, default: &'static str, status: Status) -> Directive {
        Directive {
            name,
            alias: None,
            kind,
            default,
            status,
            change: Change::Free,
            is_hidden: false,
            concerns_driver: false,
        }
    }

    const fn also(mut self, alias: &'static str) -> Directive {
        self.alias = Some(alias);
        self
    }

    const fn fixed(mut self) -> Directive {
        self.change = Change::Immutable;
        self
    }

    const fn protected(mut self) -> Directive {
        self.change = Change::Protected;
        self
    }

    const fn not_yet(mut self) -> Directive {
        self.change = Change::NotYet;
        self
    }

    const fn hidden(mut self) -> Directive {
        self.is_hidden = true;
        self
    }

    const fn for_driver(mut self) -> Directive {
        self.concerns_driver = true;
        self
    }
}

const fn active(name: &'static str, kind: Kind, default: &'static str) -> Directive {
    Directive::with(name, kind, default, Status::Active)
}

const fn accepted(name: &'static str, kind: Kind, default: &'static str) -> Directive {
    Directive::with(name, kind, default, Status::Accepted("it has no effect in this version"))
}

const fn refused(name: &'static str, kind: Kind, default: &'static str, reason: &'static str) -> Directive {
    Directive::with(name, kind, default, Status::Refused(reason))
}

use Kind::{
    Addresses, BareName, Choice, Choices, Clamped, Events, Host, Integer, Memory, Octal, OomScores,
    OptionalText, OutputLimits, PercentOrMemory, Percentiles, Replica, SavePoints, Secret, Text, Title,
    YesNo,
};

const NO_REPLICATION: &str = "rotom does not replicate in this version";
const NO_CLUSTER: &str = "rotom has no cluster mode in this version";
const NO_EVICTION: &str = "rotom does not evict keys in this version";
const NO_TLS: &str = "rotom does not speak TLS in this version";
const NO_ACL: &str = "rotom has no access control lists in this version; use requirepass";
const NO_MODULES: &str = "rotom loads no modules";
const NO_RENAMING: &str = "rotom does not rename commands";

const INT_MIN: i64 = i32::MIN as i64;
const INT_MAX: i64 = i32::MAX as i64;
const UINT_MAX: i64 = u32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;
const MEGABYTE: u64 = 1 << 20;
const PORT: Kind = Integer(0, 65_535);
const COUNT: Kind = Integer(0, INT_MAX);
const LONG: Kind = Integer(0, LONG_MAX);
const BYTES: Kind = Memory(0, LONG_MAX as u64);
const PERMISSION: Kind = Choice(&["no", "yes", "local"]);
const SHUTDOWN: Kind = Choices(&["default", "save", "nosave", "now", "force"]);

/// All directives, sorted by name.
pub static DIRECTIVES: &[Directive] = &[
    accepted("acl-pubsub-default", Choice(&["allchannels", "resetchannels"]), "resetchannels"),
    refused("aclfile", Text, "", NO_ACL).fixed(),
    accepted("acllog-max-len", LONG, "128"),
    accepted("active-defrag-cycle-max", Integer(1, 99), "25"),
    accepted("active-defrag-cycle-min", Integer(1, 99), "1"),
    accepted("active-defrag-ignore-bytes", Memory(1, LONG_MAX as u64), "104857600"),
    accepted("active-defrag-max-scan-fields", Integer(1, LONG_MAX), "1000"),
    accepted("active-defrag-threshold-lower", Integer(0, 1000), "10"),
    accepted("active-defrag-threshold-upper", Integer(0, 1000), "100"),
    active("active-expire-effort", Integer(1, 10), "1"),
    accepted("activedefrag", YesNo, "no"),
    accepted("activerehashing", YesNo, "yes"),
    active("always-show-logo", YesNo, "no").fixed(),
    active("aof-checksum", YesNo, "yes"),
    accepted("aof-disable-auto-gc", YesNo, "no"),
    active("aof-load-truncated", YesNo, "yes"),
    accepted("aof-rewrite-incremental-fsync", YesNo, "yes"),
    active("aof-timestamp-enabled", YesNo, "no"),
    active("aof-use-rdb-preamble", YesNo, "yes"),
    accepted("aof_rewrite_cpulist", OptionalText, "").fixed(),
    active("appenddirname", BareName("appenddirname", "dirname", false), "appendonlydir").fixed(),
    active("appendfilename", BareName("appendfilename", "filename", false), "appendonly.aof").fixed(),
    active("appendfsync", Choice(&["everysec", "always", "no"]), "everysec"),
    active("appendonly", YesNo, "no"),
    active("auto-aof-rewrite-min-size", BYTES, "67108864"),
    active("auto-aof-rewrite-percentage", COUNT, "100"),
    accepted("bgsave_cpulist", OptionalText, "").fixed(),
    active("bind", Addresses, "* -::*").for_driver(),
    accepted("bind-source-addr", OptionalText, ""),
    accepted("bio_cpulist", OptionalText, "").fixed(),
    accepted("busy-reply-threshold", LONG, "5000").also("lua-time-limit"),
    active(
        "client-output-buffer-limit",
        OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    active("client-query-buffer-limit", Memory(MEGABYTE, LONG_MAX as u64), "1073741824"),
    accepted("cluster-allow-pubsubshard-when-down", YesNo, "yes"),
    accepted("cluster-allow-reads-when-down", YesNo, "no"),
    accepted("cluster-allow-replica-migration", YesNo, "yes"),
    accepted("cluster-announce-bus-port", PORT, "0"),
    accepted("cluster-announce-hostname", Host(HostName::Dns), ""),
    accepted("cluster-announce-human-nodename", Host(HostName::Human), ""),
    accepted("cluster-announce-ip", OptionalText, ""),
    accepted("cluster-announce-port", PORT, "0"),
    accepted("cluster-announce-tls-port", PORT, "0"),
    accepted("cluster-config-file", Text, "nodes.conf").fixed(),
    refused("cluster-enabled", YesNo, "no", NO_CLUSTER).fixed(),
    accepted("cluster-link-sendbuf-limit", Memory(0, u64::MAX), "0"),
    accepted("cluster-migration-barrier", COUNT, "1"),
    accepted("cluster-node-timeout", LONG, "15000"),
    accepted("cluster-port", PORT, "0").fixed(),
    accepted("cluster-preferred-endpoint-type", Choice(&["ip", "hostname", "unknown-endpoint"]), "ip"),
    accepted("cluster-replica-no-failover", YesNo, "no").also("cluster-slave-no-failover"),
    accepted("cluster-replica-validity-factor", COUNT, "10").also("cluster-slave-validity-factor"),
    accepted("cluster-require-full-coverage", YesNo, "yes"),
    accepted("crash-log-enabled", YesNo, "yes"),
    accepted("crash-memcheck-enabled", YesNo, "yes"),
    active("daemonize", YesNo, "no").fixed(),
    active("databases", Integer(1, INT_MAX), "16").fixed(),
    active("dbfilename", BareName("dbfilename", "filename", true), "dump.rdb").protected(),
    active("dir", Text, ".").not_yet(),
    accepted("disable-thp", YesNo, "yes").fixed(),
    accepted("dynamic-hz", YesNo, "yes"),
    active("enable-debug-command", PERMISSION, "no").fixed(),
    accepted("enable-module-command", PERMISSION, "no").fixed(),
    active("enable-protected-configs", PERMISSION, "no").fixed(),
    active("hash-max-listpack-entries", LONG, "512").also("hash-max-ziplist-entries"),
    active("hash-max-listpack-value", BYTES, "64").also("hash-max-ziplist-value"),
    accepted("hll-sparse-max-bytes", BYTES, "3000"),
    active("hz", Clamped(1, 500), "10"),
    accepted("ignore-warnings", Text, ""),
    accepted("io-threads", Integer(1, 128), "1").fixed(),
    accepted("io-threads-do-reads", YesNo, "no").fixed(),
    active("jemalloc-bg-thread", YesNo, "yes").for_driver(),
    accepted("key-load-delay", Integer(INT_MIN, INT_MAX), "0").hidden(),
    accepted("latency-monitor-threshold", LONG, "0"),
    accepted("latency-tracking", YesNo, "yes"),
    accepted("latency-tracking-info-percentiles", Percentiles, "50 99 99.9"),
    accepted("lazyfree-lazy-eviction", YesNo, "no"),
    accepted("lazyfree-lazy-expire", YesNo, "no"),
    accepted("lazyfree-lazy-server-del", YesNo, "no"),
    accepted("lazyfree-lazy-user-del", YesNo, "no"),
    active("lazyfree-lazy-user-flush", YesNo, "no"),
    active("lfu-decay-time", COUNT, "1"),
    active("lfu-log-factor", COUNT, "10"),
    active("list-compress-depth", COUNT, "0"),
    active("list-max-listpack-size", Integer(INT_MIN, INT_MAX), "-2").also("list-max-ziplist-size"),
    accepted("loading-process-events-interval-bytes", Integer(1024, INT_MAX), "2097152").hidden(),
    accepted("locale-collate", Text, ""),
    active("logfile", Text, "").fixed(),
    active("loglevel", Choice(&["debug", "verbose", "notice", "warning", "nothing"]), "notice").for_driver(),
    accepted("masterauth", Secret, ""),
    accepted("masteruser", Secret, ""),
    active("maxclients", Integer(1, UINT_MAX), "10000").for_driver(),
    refused("maxmemory", Memory(0, u64::MAX), "0", NO_EVICTION),
    refused("maxmemory-clients", PercentOrMemory, "0", NO_EVICTION),
    accepted("maxmemory-eviction-tenacity", Integer(0, 100), "10"),
    active(
        "maxmemory-policy",
        Choice(&[
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "noeviction",
        ]),
        "noeviction",
    ),
    accepted("maxmemory-samples", Integer(1, 64), "5"),
    accepted("min-replicas-max-lag", COUNT, "10").also("min-slaves-max-lag"),
    refused("min-replicas-to-write", COUNT, "0", NO_REPLICATION).also("min-slaves-to-write"),
    accepted("no-appendfsync-on-rewrite", YesNo, "no"),
    accepted("notify-keyspace-events", Events, ""),
    accepted("oom-score-adj", Choice(&["no", "yes", "relative", "absolute"]), "no"),
    accepted("oom-score-adj-values", OomScores, "0 200 800"),
    active("pidfile", OptionalText, "").fixed(),
    active("port", PORT, "6379").for_driver(),
    accepted("proc-title-template", Title, "{title} {listen-addr} {server-mode}"),
    accepted("propagation-error-behavior", Choice(&["ignore", "panic", "panic-on-replicas"]), "ignore"),
    active("protected-mode", YesNo, "yes"),
    active("proto-max-bulk-len", Memory(MEGABYTE, LONG_MAX as u64), "536870912"),
    accepted("rdb-del-sync-files", YesNo, "no"),
    accepted("rdb-key-save-delay", Integer(INT_MIN, INT_MAX), "0").hidden(),
    accepted("rdb-save-incremental-fsync", YesNo, "yes"),
    active("rdbchecksum", YesNo, "yes").fixed(),
    active("rdbcompression", YesNo, "yes"),
    accepted("repl-backlog-size", Memory(1, LONG_MAX as u64), "1048576"),
    accepted("repl-backlog-ttl", LONG, "3600"),
    accepted("repl-disable-tcp-nodelay", YesNo, "no"),
    accepted("repl-diskless-load", Choice(&["disabled", "on-empty-db", "swapdb"]), "disabled"),
    accepted("repl-diskless-sync", YesNo, "yes"),
    accepted("repl-diskless-sync-delay", COUNT, "5"),
    accepted("repl-diskless-sync-max-replicas", COUNT, "0"),
    accepted("repl-ping-replica-period", Integer(1, INT_MAX), "10").also("repl-ping-slave-period"),
    accepted("repl-timeout", Integer(1, INT_MAX), "60"),
    accepted("replica-announce-ip", OptionalText, "").also("slave-announce-ip"),
    accepted("replica-announce-port", PORT, "0").also("slave-announce-port"),
    accepted("replica-announced", YesNo, "yes"),
    accepted("replica-ignore-disk-write-errors", YesNo, "no"),
    accepted("replica-ignore-maxmemory", YesNo, "yes").also("slave-ignore-maxmemory"),
    accepted("replica-lazy-flush", YesNo, "no").also("slave-lazy-flush"),
    accepted("replica-priority", COUNT, "100").also("slave-priority"),
    accepted("replica-read-only", YesNo, "yes").also("slave-read-only"),
    accepted("replica-serve-stale-data", YesNo, "yes").also("slave-serve-stale-data"),
    refused("replicaof", Replica, "", NO_REPLICATION).also("slaveof").fixed(),
    active("requirepass", Secret, ""),
    accepted("sanitize-dump-payload", Choice(&["no", "yes", "clients"]), "no"),
    active("save", SavePoints, "3600 1 300 100 60 10000"),
    accepted("server_cpulist", OptionalText, "").fixed(),
    active("set-max-intset-entries", LONG, "512"),
    active("set-max-listpack-entries", LONG, "128"),
    active("set-max-listpack-value", BYTES, "64"),
    accepted("set-proc-title", YesNo, "yes").fixed(),
    active("shutdown-on-sigint", SHUTDOWN, "default"),
    active("shutdown-on-sigterm", SHUTDOWN, "default"),
    accepted("shutdown-timeout", COUNT, "10"),
    accepted("slowlog-log-slower-than", Integer(-1, LONG_MAX), "10000"),
    accepted("slowlog-max-len", LONG, "128"),
    accepted("socket-mark-id", Integer(0, UINT_MAX), "0").fixed(),
    active("stop-writes-on-bgsave-error", YesNo, "yes"),
    accepted("stream-node-max-bytes", BYTES, "4096"),
    accepted("stream-node-max-entries", LONG, "100"),
    active("supervised", Choice(&["upstart", "systemd", "auto", "no"]), "no").fixed(),
    accepted("syslog-enabled", YesNo, "no").fixed(),
    accepted(
        "syslog-facility",
        Choice(&["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"]),
        "local0",
    )
    .fixed(),
    accepted("syslog-ident", Text, "redis").fixed(),
    active("tcp-backlog", Integer(0, INT_MAX), "511").fixed(),
    active("tcp-keepalive", COUNT, "300").for_driver(),
    active("timeout", COUNT, "0"),
    accepted("tls-auth-clients", Choice(&["no", "yes", "optional"]), "yes"),
    accepted("tls-ca-cert-dir", OptionalText, ""),
    accepted("tls-ca-cert-file", OptionalText, ""),
    accepted("tls-cert-file", OptionalText, ""),
    accepted("tls-ciphers", OptionalText, ""),
    accepted("tls-ciphersuites", OptionalText, ""),
    accepted("tls-client-cert-file", OptionalText, ""),
    accepted("tls-client-key-file", OptionalText, ""),
    accepted("tls-client-key-file-pass", Secret, ""),
    accepted("tls-cluster", YesNo, "no"),
    accepted("tls-dh-params-file", OptionalText, ""),
    accepted("tls-key-file", OptionalText, ""),
    accepted("tls-key-file-pass", Secret, ""),
    refused("tls-port", PORT, "0", NO_TLS),
    accepted("tls-prefer-server-ciphers", YesNo, "no"),
    accepted("tls-protocols", OptionalText, ""),
    refused("tls-replication", YesNo, "no", NO_TLS),
    accepted("tls-session-cache-size", COUNT, "20480"),
    accepted("tls-session-cache-timeout", COUNT, "300"),
    accepted("tls-session-caching", YesNo, "yes"),
    accepted("tracking-table-max-keys", LONG, "1000000"),
    active("unixsocket", OptionalText, "").fixed(),
    active("unixsocketperm", Octal, "0").fixed(),
    accepted("use-exit-on-panic", YesNo, "no").hidden(),
    accepted("watchdog-period", COUNT, "0").hidden(),
    active("zset-max-listpack-entries", LONG, "128").also("zset-max-ziplist-entries"),
    active("zset-max-listpack-value", BYTES, "64").also("zset-max-ziplist-value"),
];

/// Lines of redis.conf that are no settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Other {
    /// Redis once had the setting and ignores it now.
    Ignored,
    /// This version does not do what it asks for, for this reason.
    Refused(&'static str),
}

/// The lines of redis.conf that are no settings, with the fewest and the most words that follow them.
pub static OTHERS: &[(&str, (usize, usize), Other)] = &[
    ("list-max-ziplist-entries", (1, 1), Other::Ignored),
    ("list-max-ziplist-value", (1, 1), Other::Ignored),
    ("loadmodule", (1, usize::MAX), Other::Refused(NO_MODULES)),
    ("lua-enable-deprecated-api", (1, 1), Other::Ignored),
    ("rename-command", (2, 2), Other::Refused(NO_RENAMING)),
    ("sentinel", (0, usize::MAX), Other::Refused("rotom has no sentinel mode")),
    ("user", (1, usize::MAX), Other::Refused(NO_ACL)),
];

/// The place of a directive in the table, by either of its names.
#[must_use]
pub fn index_of(name: &str) -> Option<usize> {
    DIRECTIVES.iter().position(|directive| {
        directive.name.eq_ignore_ascii_case(name)
            || directive.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    })
}
