//! The table of directives: the one source for redis.conf, the command line and `CONFIG GET`, `SET`, `REWRITE`.
//! Names and defaults are Redis 7.2's, but for `save`, which is off while there is nothing that saves.

use super::kind::Kind;

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
    /// Whether it is fixed once the server runs.
    pub is_immutable: bool,
    /// Whether `CONFIG SET` needs `enable-protected-configs`.
    pub is_protected: bool,
}

/// What rotom does with a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// What it says.
    Active,
    /// It is kept and reported; nothing depends on it in this version.
    Stored,
    /// Any value but the default promises something this version does not do: it is refused with this reason.
    Refused(&'static str),
}

const fn active(name: &'static str, kind: Kind, default: &'static str) -> Directive {
    Directive {
        name,
        alias: None,
        kind,
        default,
        status: Status::Active,
        is_immutable: false,
        is_protected: false,
    }
}

const fn stored(name: &'static str, kind: Kind, default: &'static str) -> Directive {
    let mut directive = active(name, kind, default);
    directive.status = Status::Stored;
    directive
}

const fn refused(name: &'static str, kind: Kind, default: &'static str, reason: &'static str) -> Directive {
    let mut directive = active(name, kind, default);
    directive.status = Status::Refused(reason);
    directive
}

impl Directive {
    const fn also(mut self, alias: &'static str) -> Directive {
        self.alias = Some(alias);
        self
    }

    const fn fixed(mut self) -> Directive {
        self.is_immutable = true;
        self
    }

    const fn protected(mut self) -> Directive {
        self.is_protected = true;
        self
    }
}

use Kind::{Choice, Clamped, Integer, Memory, Octal, OutputLimits, PercentOrMemory, Text, Words, YesNo};

const NO_PERSISTENCE: &str = "this version does not persist data";
const NO_REPLICATION: &str = "this version does not replicate";
const NO_CLUSTER: &str = "this version has no cluster mode";
const NO_EVICTION: &str = "this version does not evict keys";
const NO_TLS: &str = "this version does not speak TLS";
const NO_ACL: &str = "this version has no access control lists; use requirepass";

const INT_MAX: i64 = i32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;
const PORT: Kind = Integer(0, 65_535);
const COUNT: Kind = Integer(0, INT_MAX);
const LONG: Kind = Integer(0, LONG_MAX);
const PERMISSION: Kind = Choice(&["no", "yes", "local"]);

/// All directives, sorted by name.
pub static DIRECTIVES: &[Directive] = &[
    stored("acl-pubsub-default", Choice(&["allchannels", "resetchannels"]), "resetchannels"),
    refused("aclfile", Text, "", NO_ACL).fixed(),
    stored("acllog-max-len", LONG, "128"),
    stored("active-defrag-cycle-max", Integer(1, 99), "25"),
    stored("active-defrag-cycle-min", Integer(1, 99), "1"),
    stored("active-defrag-ignore-bytes", Memory(1, LONG_MAX), "104857600"),
    stored("active-defrag-max-scan-fields", Integer(1, LONG_MAX), "1000"),
    stored("active-defrag-threshold-lower", Integer(0, 1000), "10"),
    stored("active-defrag-threshold-upper", Integer(0, 1000), "100"),
    active("active-expire-effort", Integer(1, 10), "1"),
    stored("activedefrag", YesNo, "no"),
    stored("activerehashing", YesNo, "yes"),
    active("always-show-logo", YesNo, "no").fixed(),
    stored("aof-disable-auto-gc", YesNo, "no"),
    stored("aof-load-truncated", YesNo, "yes"),
    stored("aof-rewrite-incremental-fsync", YesNo, "yes"),
    stored("aof-timestamp-enabled", YesNo, "no"),
    stored("aof-use-rdb-preamble", YesNo, "yes"),
    stored("aof_rewrite_cpulist", Text, "").fixed(),
    stored("appenddirname", Text, "appendonlydir").fixed(),
    stored("appendfilename", Text, "appendonly.aof").fixed(),
    stored("appendfsync", Choice(&["everysec", "always", "no"]), "everysec"),
    refused("appendonly", YesNo, "no", NO_PERSISTENCE),
    stored("auto-aof-rewrite-min-size", Memory(0, LONG_MAX), "67108864"),
    stored("auto-aof-rewrite-percentage", COUNT, "100"),
    stored("bgsave_cpulist", Text, "").fixed(),
    active("bind", Words, "* -::*"),
    stored("bind-source-addr", Text, ""),
    stored("bio_cpulist", Text, "").fixed(),
    stored("busy-reply-threshold", LONG, "5000").also("lua-time-limit"),
    active(
        "client-output-buffer-limit",
        OutputLimits,
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    active("client-query-buffer-limit", Memory(1024 * 1024, LONG_MAX), "1073741824"),
    stored("cluster-allow-pubsubshard-when-down", YesNo, "yes"),
    stored("cluster-allow-reads-when-down", YesNo, "no"),
    stored("cluster-allow-replica-migration", YesNo, "yes"),
    stored("cluster-announce-bus-port", PORT, "0"),
    stored("cluster-announce-hostname", Text, ""),
    stored("cluster-announce-human-nodename", Text, ""),
    stored("cluster-announce-ip", Text, ""),
    stored("cluster-announce-port", PORT, "0"),
    stored("cluster-announce-tls-port", PORT, "0"),
    stored("cluster-config-file", Text, "nodes.conf").fixed(),
    refused("cluster-enabled", YesNo, "no", NO_CLUSTER).fixed(),
    stored("cluster-link-sendbuf-limit", Memory(0, LONG_MAX), "0"),
    stored("cluster-migration-barrier", COUNT, "1"),
    stored("cluster-node-timeout", LONG, "15000"),
    stored("cluster-port", PORT, "0").fixed(),
    stored("cluster-preferred-endpoint-type", Choice(&["ip", "hostname", "unknown-endpoint"]), "ip"),
    stored("cluster-replica-no-failover", YesNo, "no").also("cluster-slave-no-failover"),
    stored("cluster-replica-validity-factor", COUNT, "10").also("cluster-slave-validity-factor"),
    stored("cluster-require-full-coverage", YesNo, "yes"),
    stored("crash-log-enabled", YesNo, "yes"),
    stored("crash-memcheck-enabled", YesNo, "yes"),
    active("daemonize", YesNo, "no").fixed(),
    active("databases", Integer(1, INT_MAX), "16").fixed(),
    stored("dbfilename", Text, "dump.rdb").protected(),
    active("dir", Text, ".").protected(),
    stored("disable-thp", YesNo, "yes").fixed(),
    stored("dynamic-hz", YesNo, "yes"),
    active("enable-debug-command", PERMISSION, "no").fixed(),
    active("enable-module-command", PERMISSION, "no").fixed(),
    active("enable-protected-configs", PERMISSION, "no").fixed(),
    stored("hash-max-listpack-entries", LONG, "512").also("hash-max-ziplist-entries"),
    stored("hash-max-listpack-value", LONG, "64").also("hash-max-ziplist-value"),
    stored("hll-sparse-max-bytes", LONG, "3000"),
    active("hz", Clamped(1, 500), "10"),
    stored("ignore-warnings", Text, ""),
    stored("io-threads", Integer(1, 128), "1").fixed(),
    stored("io-threads-do-reads", YesNo, "no").fixed(),
    stored("jemalloc-bg-thread", YesNo, "yes"),
    stored("latency-monitor-threshold", LONG, "0"),
    stored("latency-tracking", YesNo, "yes"),
    stored("latency-tracking-info-percentiles", Words, "50 99 99.9"),
    stored("lazyfree-lazy-eviction", YesNo, "no"),
    stored("lazyfree-lazy-expire", YesNo, "no"),
    stored("lazyfree-lazy-server-del", YesNo, "no"),
    stored("lazyfree-lazy-user-del", YesNo, "no"),
    active("lazyfree-lazy-user-flush", YesNo, "no"),
    active("lfu-decay-time", COUNT, "1"),
    active("lfu-log-factor", COUNT, "10"),
    stored("list-compress-depth", COUNT, "0"),
    stored("list-max-listpack-size", Integer(-INT_MAX, INT_MAX), "-2").also("list-max-ziplist-size"),
    stored("locale-collate", Text, ""),
    active("logfile", Text, "").fixed(),
    active("loglevel", Choice(&["debug", "verbose", "notice", "warning", "nothing"]), "notice"),
    stored("masterauth", Text, ""),
    stored("masteruser", Text, ""),
    active("maxclients", Integer(1, u32::MAX as i64), "10000"),
    refused("maxmemory", Memory(0, LONG_MAX), "0", NO_EVICTION),
    refused("maxmemory-clients", PercentOrMemory, "0", NO_EVICTION),
    stored("maxmemory-eviction-tenacity", Integer(0, 100), "10"),
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
    stored("maxmemory-samples", Integer(1, 64), "5"),
    stored("min-replicas-max-lag", COUNT, "10").also("min-slaves-max-lag"),
    refused("min-replicas-to-write", COUNT, "0", NO_REPLICATION).also("min-slaves-to-write"),
    stored("no-appendfsync-on-rewrite", YesNo, "no"),
    stored("notify-keyspace-events", Text, ""),
    stored("oom-score-adj", Choice(&["no", "yes", "relative", "absolute"]), "no"),
    stored("oom-score-adj-values", Words, "0 200 800"),
    active("pidfile", Text, "").fixed(),
    active("port", PORT, "6379"),
    stored("proc-title-template", Text, "{title} {listen-addr} {server-mode}"),
    stored("propagation-error-behavior", Choice(&["ignore", "panic", "panic-on-replicas"]), "ignore"),
    active("protected-mode", YesNo, "yes"),
    active("proto-max-bulk-len", Memory(1024 * 1024, LONG_MAX), "536870912"),
    stored("rdb-del-sync-files", YesNo, "no"),
    stored("rdb-save-incremental-fsync", YesNo, "yes"),
    stored("rdbchecksum", YesNo, "yes").fixed(),
    stored("rdbcompression", YesNo, "yes"),
    stored("repl-backlog-size", Memory(1, LONG_MAX), "1048576"),
    stored("repl-backlog-ttl", LONG, "3600"),
    stored("repl-disable-tcp-nodelay", YesNo, "no"),
    stored("repl-diskless-load", Choice(&["disabled", "on-empty-db", "swapdb"]), "disabled"),
    stored("repl-diskless-sync", YesNo, "yes"),
    stored("repl-diskless-sync-delay", COUNT, "5"),
    stored("repl-diskless-sync-max-replicas", COUNT, "0"),
    stored("repl-ping-replica-period", Integer(1, INT_MAX), "10").also("repl-ping-slave-period"),
    stored("repl-timeout", Integer(1, INT_MAX), "60"),
    stored("replica-announce-ip", Text, "").also("slave-announce-ip"),
    stored("replica-announce-port", PORT, "0").also("slave-announce-port"),
    stored("replica-announced", YesNo, "yes"),
    stored("replica-ignore-disk-write-errors", YesNo, "no"),
    stored("replica-ignore-maxmemory", YesNo, "yes").also("slave-ignore-maxmemory"),
    stored("replica-lazy-flush", YesNo, "no").also("slave-lazy-flush"),
    stored("replica-priority", COUNT, "100").also("slave-priority"),
    stored("replica-read-only", YesNo, "yes").also("slave-read-only"),
    stored("replica-serve-stale-data", YesNo, "yes").also("slave-serve-stale-data"),
    refused("replicaof", Words, "", NO_REPLICATION).also("slaveof").fixed(),
    active("requirepass", Text, ""),
    stored("sanitize-dump-payload", Choice(&["no", "yes", "clients"]), "no"),
    stored("save", Words, ""),
    stored("server_cpulist", Text, "").fixed(),
    stored("set-max-intset-entries", LONG, "512"),
    stored("set-max-listpack-entries", LONG, "128"),
    stored("set-max-listpack-value", LONG, "64"),
    stored("set-proc-title", YesNo, "yes").fixed(),
    stored("shutdown-on-sigint", Words, "default"),
    stored("shutdown-on-sigterm", Words, "default"),
    stored("shutdown-timeout", COUNT, "10"),
    stored("slowlog-log-slower-than", Integer(-1, LONG_MAX), "10000"),
    stored("slowlog-max-len", LONG, "128"),
    stored("socket-mark-id", Integer(0, u32::MAX as i64), "0"),
    stored("stop-writes-on-bgsave-error", YesNo, "yes"),
    stored("stream-node-max-bytes", Memory(0, LONG_MAX), "4096"),
    stored("stream-node-max-entries", LONG, "100"),
    active("supervised", Choice(&["upstart", "systemd", "auto", "no"]), "no").fixed(),
    stored("syslog-enabled", YesNo, "no").fixed(),
    stored("syslog-facility", Text, "local0").fixed(),
    stored("syslog-ident", Text, "redis").fixed(),
    active("tcp-backlog", Integer(0, INT_MAX), "511").fixed(),
    active("tcp-keepalive", COUNT, "300"),
    active("timeout", COUNT, "0"),
    stored("tls-auth-clients", Choice(&["no", "yes", "optional"]), "yes"),
    stored("tls-ca-cert-dir", Text, ""),
    stored("tls-ca-cert-file", Text, ""),
    stored("tls-cert-file", Text, ""),
    stored("tls-ciphers", Text, ""),
    stored("tls-ciphersuites", Text, ""),
    stored("tls-client-cert-file", Text, ""),
    stored("tls-client-key-file", Text, ""),
    stored("tls-client-key-file-pass", Text, ""),
    stored("tls-cluster", YesNo, "no"),
    stored("tls-dh-params-file", Text, ""),
    stored("tls-key-file", Text, ""),
    stored("tls-key-file-pass", Text, ""),
    refused("tls-port", PORT, "0", NO_TLS),
    stored("tls-prefer-server-ciphers", YesNo, "no"),
    stored("tls-protocols", Text, ""),
    refused("tls-replication", YesNo, "no", NO_TLS),
    stored("tls-session-cache-size", COUNT, "20480"),
    stored("tls-session-cache-timeout", COUNT, "300"),
    stored("tls-session-caching", YesNo, "yes"),
    stored("tracking-table-max-keys", LONG, "1000000"),
    active("unixsocket", Text, "").fixed(),
    active("unixsocketperm", Octal, "0").fixed(),
    stored("zset-max-listpack-entries", LONG, "128").also("zset-max-ziplist-entries"),
    stored("zset-max-listpack-value", LONG, "64").also("zset-max-ziplist-value"),
];

/// Directives of redis.conf that are not settings: each is refused with its reason.
pub static REFUSED_WORDS: &[(&str, &str)] = &[
    ("user", NO_ACL),
    ("loadmodule", "this version loads no modules"),
    ("rename-command", "this version does not rename commands"),
];
