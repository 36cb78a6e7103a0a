//! The configuration.
//!
//! One [table](DIRECTIVES) names every directive of Redis 7.2 with its kind, its default and what rotom does with it;
//! redis.conf, the command line and `CONFIG GET`, `SET` and `REWRITE` all go through it. A value is kept as the text
//! that `CONFIG GET` shows, and [`Config`] has those that something depends on in typed fields besides, which are
//! derived from the texts whenever one changes.
//!
//! A directive that asks for something this version does not do is not passed over in silence. If nothing is lost
//! by that, it is accepted with a warning. If it promises safety or durability that is not there, it is refused.

mod kind;
mod rewrite;
mod table;
mod typed;
mod value;
mod words;

pub use kind::{HostName, Kind};
pub use rewrite::{quoted, rewrite};
pub use table::{Change, DIRECTIVES, Directive, OTHERS, Other, Status, index_of};
pub use typed::{EvictionPolicy, FsyncPolicy, OnSignal, OutputLimit, OutputLimits, Permission, SavePoint};
pub use value::Value;

use crate::error::CommandError;
use crate::glob::{self, Case};
use std::fmt;
use typed::Reader;

/// The configuration in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Invariant: parallel to [`DIRECTIVES`], each value in the form its kind gives it.
    values: Vec<Value>,
    /// Whether a file had a line for `save`: the first replaces what there was, further ones add to it.
    has_save_line: bool,
    /// `active-expire-effort`.
    pub active_expire_effort: u32,
    /// `always-show-logo`.
    pub always_show_logo: bool,
    /// `aof-checksum`.
    pub aof_checksum: bool,
    /// `aof-load-truncated`.
    pub aof_load_truncated: bool,
    /// `aof-timestamp-enabled`.
    pub aof_timestamp_enabled: bool,
    /// `aof-use-rdb-preamble`.
    pub aof_use_rdb_preamble: bool,
    /// `appenddirname`.
    pub appenddirname: String,
    /// `appendfilename`.
    pub appendfilename: String,
    /// `appendfsync`.
    pub appendfsync: FsyncPolicy,
    /// `appendonly`.
    pub appendonly: bool,
    /// `auto-aof-rewrite-min-size`, in bytes.
    pub auto_aof_rewrite_min_size: u64,
    /// `auto-aof-rewrite-percentage`; 0 is never.
    pub auto_aof_rewrite_percentage: u64,
    /// `bind`, in words.
    pub bind: Vec<String>,
    /// `client-output-buffer-limit`.
    pub client_output_buffer_limit: OutputLimits,
    /// `client-query-buffer-limit`, in bytes.
    pub client_query_buffer_limit: u64,
    /// `daemonize`.
    pub daemonize: bool,
    /// `databases`.
    pub databases: usize,
    /// `dbfilename`.
    pub dbfilename: String,
    /// `dir`.
    pub dir: String,
    /// `dynamic-hz`.
    pub dynamic_hz: bool,
    /// `enable-debug-command`.
    pub enable_debug_command: Permission,
    /// `enable-module-command`.
    pub enable_module_command: Permission,
    /// `enable-protected-configs`.
    pub enable_protected_configs: Permission,
    /// `hash-max-listpack-entries`.
    pub hash_max_listpack_entries: u64,
    /// `hash-max-listpack-value`, in bytes.
    pub hash_max_listpack_value: u64,
    /// `hz`.
    pub hz: u32,
    /// `jemalloc-bg-thread`: whether a thread gives freed memory back to the system.
    pub jemalloc_bg_thread: bool,
    /// `lazyfree-lazy-eviction`.
    pub lazyfree_lazy_eviction: bool,
    /// `lazyfree-lazy-expire`.
    pub lazyfree_lazy_expire: bool,
    /// `lazyfree-lazy-server-del`.
    pub lazyfree_lazy_server_del: bool,
    /// `lazyfree-lazy-user-del`.
    pub lazyfree_lazy_user_del: bool,
    /// `lazyfree-lazy-user-flush`.
    pub lazyfree_lazy_user_flush: bool,
    /// `lfu-decay-time`, in minutes.
    pub lfu_decay_time: u32,
    /// `lfu-log-factor`.
    pub lfu_log_factor: u32,
    /// `list-compress-depth`.
    pub list_compress_depth: u32,
    /// `list-max-listpack-size`: entries, or, below zero, a size class.
    pub list_max_listpack_size: i32,
    /// `logfile`.
    pub logfile: String,
    /// `loglevel`.
    pub loglevel: String,
    /// `maxclients`.
    pub maxclients: u32,
    /// `maxmemory`, in bytes; 0 for no limit.
    pub maxmemory: u64,
    /// `maxmemory-policy`.
    pub maxmemory_policy: EvictionPolicy,
    /// `pidfile`.
    pub pidfile: String,
    /// `port`; 0 for none.
    pub port: u16,
    /// `protected-mode`.
    pub protected_mode: bool,
    /// `proto-max-bulk-len`, in bytes.
    pub proto_max_bulk_len: u64,
    /// `rdbchecksum`.
    pub rdbchecksum: bool,
    /// `rdbcompression`.
    pub rdbcompression: bool,
    /// `requirepass`; empty for none.
    pub requirepass: Value,
    /// `save`.
    pub save: Vec<SavePoint>,
    /// `set-max-intset-entries`.
    pub set_max_intset_entries: u64,
    /// `set-max-listpack-entries`.
    pub set_max_listpack_entries: u64,
    /// `set-max-listpack-value`, in bytes.
    pub set_max_listpack_value: u64,
    /// `set-proc-title`.
    pub set_proc_title: bool,
    /// `shutdown-on-sigint`.
    pub shutdown_on_sigint: OnSignal,
    /// `shutdown-on-sigterm`.
    pub shutdown_on_sigterm: OnSignal,
    /// `slowlog-log-slower-than`, in microseconds; below zero for nothing.
    pub slowlog_log_slower_than: i64,
    /// `slowlog-max-len`.
    pub slowlog_max_len: u64,
    /// `stop-writes-on-bgsave-error`.
    pub stop_writes_on_bgsave_error: bool,
    /// `stream-node-max-bytes`.
    pub stream_node_max_bytes: u64,
    /// `stream-node-max-entries`.
    pub stream_node_max_entries: u64,
    /// `supervised`.
    pub supervised: String,
    /// `tcp-backlog`.
    pub tcp_backlog: i32,
    /// `tcp-keepalive`, in seconds.
    pub tcp_keepalive: u32,
    /// `timeout`, in seconds.
    pub timeout: u32,
    /// `unixsocket`; empty for none.
    pub unixsocket: String,
    /// `unixsocketperm`; 0 leaves it to the process.
    pub unixsocketperm: u32,
    /// `zset-max-listpack-entries`.
    pub zset_max_listpack_entries: u64,
    /// `zset-max-listpack-value`, in bytes.
    pub zset_max_listpack_value: u64,
}

/// Why a directive of a file or the command line was not taken, in Redis' words where Redis has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ConfigError {}

/// Which directives a `CONFIG SET` changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    names: Vec<&'static str>,
    concerns_driver: bool,
}

impl Changed {
    /// The names of those whose value is another now, each once.
    #[must_use]
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Whether one is among them that the driver has to act upon.
    #[must_use]
    pub fn concerns_driver(&self) -> bool {
        self.concerns_driver
    }
}

/// What Redis says of a directive it does not know.
const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

/// What Redis says of a directive it knows that has too few or too many words.
const WRONG_NUMBER: &str = "wrong number of arguments";

/// The user that `CONFIG REWRITE` of a Redis without access control lists leaves in the file: it may do all that a
/// connection may do here, too.
const EVERYBODY: [&str; 5] = ["default", "on", "nopass", "~*", "+@all"];

/// Words of such a line that make no difference without access control lists.
const OF_NO_ACCOUNT: [&str; 2] = ["&*", "sanitize-payload"];

impl Default for Config {
    fn default() -> Config {
        Config::of(DIRECTIVES.iter().map(|directive| Value::from(directive.default)).collect(), false)
    }
}

impl Config {
    /// Takes a directive of a configuration file or the command line. Returns a warning if what it asks for does
    /// not happen in this version.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn set_from_file(&mut self, name: &str, words: &[Vec<u8>]) -> Result<Option<String>, ConfigError> {
        let Some(index) = index_of(name) else { return take_other(name, words) };
        let directive = &DIRECTIVES[index];
        let mut words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        match words[..] {
            // A single quoted value stands for the words in it.
            [value] if directive.kind.takes_words() => words = words::split(value),
            [_] => {}
            _ if directive.kind.takes_words() => {}
            _ => return Err(ConfigError(WRONG_NUMBER.into())),
        }
        let mut value = checked(directive, &words, &self.values[index]).map_err(ConfigError)?;
        if directive.kind == Kind::SavePoints {
            let old = &self.values[index];
            if self.has_save_line && !value.is_empty() && !old.is_empty() {
                value = Value::from(format!("{} {}", old.to_text(), value.to_text()));
            }
            self.has_save_line = true;
        }
        self.replace(&[(index, value)]);
        let is_idle = self.values[index] != *directive.default;
        Ok(match directive.status {
            Status::Accepted(reason) if is_idle => {
                Some(format!("{} is accepted, but {reason}", directive.name))
            }
            _ => None,
        })
    }

    /// Takes what `CONFIG SET` was given: all of it or nothing. Returns what that changed.
    ///
    /// # Errors
    /// Redis' error for the first thing that is wrong. As in Redis, all names are looked at before any value.
    pub fn set_at_runtime(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        is_local: bool,
    ) -> Result<Changed, CommandError> {
        let mut indices = Vec::with_capacity(pairs.len());
        for (at, &(name, value)) in pairs.iter().enumerate() {
            let index = self.admit_change(name, value, is_local)?;
            // Both names of one directive may appear, as in Redis, and the last one counts.
            if pairs[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                return Err(failed(name, "duplicate parameter"));
            }
            indices.push(index);
        }
        let mut values: Vec<(usize, Value)> = Vec::with_capacity(pairs.len());
        for (&index, &(name, value)) in indices.iter().zip(pairs) {
            let directive = &DIRECTIVES[index];
            let words = if directive.kind.takes_words() { words::split(value) } else { vec![value] };
            let earlier = values.iter().rev().find(|(other, _)| *other == index).map(|(_, value)| value);
            let old = earlier.unwrap_or(&self.values[index]);
            let value = checked(directive, &words, old).map_err(|reason| failed(name, &reason))?;
            values.push((index, value));
        }
        Ok(self.replace(&values))
    }

    /// Names and values of the directives that patterns match, as `CONFIG GET` shows them: aliases are directives of
    /// their own, each name comes once, and one that was asked for by name comes as it was asked for.
    #[must_use]
    pub fn matching<'a>(&'a self, patterns: &[&'a [u8]]) -> Vec<(&'a [u8], &'a Value)> {
        let mut found: Vec<(&[u8], &Value)> = Vec::new();
        for (directive, value) in DIRECTIVES.iter().zip(&self.values) {
            for name in std::iter::once(directive.name).chain(directive.alias).map(str::as_bytes) {
                let shown = patterns.iter().find_map(|&pattern| {
                    let is_pattern = pattern.iter().any(|byte| b"[*?".contains(byte));
                    match (is_pattern, directive.is_hidden) {
                        (true, true) => None,
                        (true, false) => glob::matches(pattern, name, Case::Insensitive).then_some(name),
                        (false, _) => pattern.eq_ignore_ascii_case(name).then_some(pattern),
                    }
                });
                found.extend(shown.map(|name| (name, value)));
            }
        }
        found
    }

    /// A directive's value, as `CONFIG GET` shows it; nothing if there is no such directive.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        index_of(name).and_then(|index| std::str::from_utf8(self.values[index].as_bytes()).ok())
    }

    /// Lowers `maxclients` to what the process can hold.
    pub fn lower_maxclients(&mut self, maxclients: u32) {
        self.set_known("maxclients", Value::from(maxclients.to_string()));
    }

    /// Says which directory `dir` led to: `CONFIG GET` shows an absolute path, as in Redis.
    pub fn resolve_dir(&mut self, absolute: &str) {
        self.set_known("dir", Value::from(absolute));
    }

    /// Whether a connection may run a command that the configuration has to allow.
    ///
    /// # Errors
    /// Redis' text for the command.
    pub(crate) fn admit_protected(&self, command: &str, is_local: bool) -> Result<(), CommandError> {
        if self.enable_debug_command.allows(is_local) {
            return Ok(());
        }
        let name = command.to_ascii_uppercase();
        let text = format!(
            "ERR {name} command not allowed. If the enable-{command}-command option is set to \"local\", you can run \
             it from a local connection, otherwise you need to set this option in the configuration file, and then \
             restart the server."
        );
        Err(CommandError::Text(text.into()))
    }

    /// Whether `CONFIG SET` may set a directive to a value. Returns its place.
    fn admit_change(&self, name: &[u8], value: &[u8], is_local: bool) -> Result<usize, CommandError> {
        let index = std::str::from_utf8(name).ok().and_then(index_of).ok_or_else(|| {
            CommandError::repeating("ERR Unknown option or number of arguments for CONFIG SET - '", name, "'")
        })?;
        match DIRECTIVES[index].change {
            Change::Free => Ok(index),
            Change::Immutable => Err(failed(name, "can't set immutable config")),
            Change::Protected | Change::NotYet if !self.enable_protected_configs.allows(is_local) => {
                Err(failed(name, "can't set protected config"))
            }
            Change::NotYet if self.values[index].as_bytes() != value => {
                Err(failed(name, "rotom does not change it while it runs in this version"))
            }
            Change::Protected | Change::NotYet => Ok(index),
        }
    }

    fn set_known(&mut self, name: &str, value: Value) {
        if let Some(index) = index_of(name) {
            self.replace(&[(index, value)]);
        }
    }

    /// Puts checked values in their places. Returns which were others.
    fn replace(&mut self, values: &[(usize, Value)]) -> Changed {
        let mut all = self.values.clone();
        for (index, value) in values {
            all[*index].clone_from(value);
        }
        let mut changed = Changed::default();
        for (directive, (old, new)) in DIRECTIVES.iter().zip(self.values.iter().zip(&all)) {
            if old != new {
                changed.names.push(directive.name);
                changed.concerns_driver |= directive.concerns_driver;
            }
        }
        if !changed.names.is_empty() {
            *self = Config::of(all, self.has_save_line);
        }
        changed
    }

    /// Derives the typed fields from the values.
    fn of(values: Vec<Value>, has_save_line: bool) -> Config {
        let read = Reader(&values);
        Config {
            active_expire_effort: read.number("active-expire-effort"),
            always_show_logo: read.yes("always-show-logo"),
            aof_checksum: read.yes("aof-checksum"),
            aof_load_truncated: read.yes("aof-load-truncated"),
            aof_timestamp_enabled: read.yes("aof-timestamp-enabled"),
            aof_use_rdb_preamble: read.yes("aof-use-rdb-preamble"),
            appenddirname: read.text("appenddirname"),
            appendfilename: read.text("appendfilename"),
            appendfsync: read.fsync_policy(),
            appendonly: read.yes("appendonly"),
            auto_aof_rewrite_min_size: read.number("auto-aof-rewrite-min-size"),
            auto_aof_rewrite_percentage: read.number("auto-aof-rewrite-percentage"),
            bind: read.words("bind"),
            client_output_buffer_limit: read.output_limits(),
            client_query_buffer_limit: read.number("client-query-buffer-limit"),
            daemonize: read.yes("daemonize"),
            databases: read.number("databases"),
            dbfilename: read.text("dbfilename"),
            dir: read.text("dir"),
            dynamic_hz: read.yes("dynamic-hz"),
            enable_debug_command: read.permission("enable-debug-command"),
            enable_module_command: read.permission("enable-module-command"),
            enable_protected_configs: read.permission("enable-protected-configs"),
            hash_max_listpack_entries: read.number("hash-max-listpack-entries"),
            hash_max_listpack_value: read.number("hash-max-listpack-value"),
            hz: read.number("hz"),
            jemalloc_bg_thread: read.yes("jemalloc-bg-thread"),
            lazyfree_lazy_eviction: read.yes("lazyfree-lazy-eviction"),
            lazyfree_lazy_expire: read.yes("lazyfree-lazy-expire"),
            lazyfree_lazy_server_del: read.yes("lazyfree-lazy-server-del"),
            lazyfree_lazy_user_del: read.yes("lazyfree-lazy-user-del"),
            lazyfree_lazy_user_flush: read.yes("lazyfree-lazy-user-flush"),
            lfu_decay_time: read.number("lfu-decay-time"),
            lfu_log_factor: read.number("lfu-log-factor"),
            list_compress_depth: read.number("list-compress-depth"),
            list_max_listpack_size: read.number("list-max-listpack-size"),
            logfile: read.text("logfile"),
            loglevel: read.text("loglevel"),
            maxclients: read.number("maxclients"),
            maxmemory: read.number("maxmemory"),
            maxmemory_policy: read.eviction_policy(),
            pidfile: read.text("pidfile"),
            port: read.number("port"),
            protected_mode: read.yes("protected-mode"),
            proto_max_bulk_len: read.number("proto-max-bulk-len"),
            rdbchecksum: read.yes("rdbchecksum"),
            rdbcompression: read.yes("rdbcompression"),
            requirepass: read.value("requirepass"),
            save: read.save_points(),
            set_max_intset_entries: read.number("set-max-intset-entries"),
            set_max_listpack_entries: read.number("set-max-listpack-entries"),
            set_max_listpack_value: read.number("set-max-listpack-value"),
            set_proc_title: read.yes("set-proc-title"),
            shutdown_on_sigint: read.on_signal("shutdown-on-sigint"),
            shutdown_on_sigterm: read.on_signal("shutdown-on-sigterm"),
            slowlog_log_slower_than: read.number("slowlog-log-slower-than"),
            slowlog_max_len: read.number("slowlog-max-len"),
            stop_writes_on_bgsave_error: read.yes("stop-writes-on-bgsave-error"),
            stream_node_max_bytes: read.number("stream-node-max-bytes"),
            stream_node_max_entries: read.number("stream-node-max-entries"),
            supervised: read.text("supervised"),
            tcp_backlog: read.number("tcp-backlog"),
            tcp_keepalive: read.number("tcp-keepalive"),
            timeout: read.number("timeout"),
            unixsocket: read.text("unixsocket"),
            unixsocketperm: read.octal("unixsocketperm"),
            zset_max_listpack_entries: read.number("zset-max-listpack-entries"),
            zset_max_listpack_value: read.number("zset-max-listpack-value"),
            values,
            has_save_line,
        }
    }
}

/// Judges a line that is no setting.
fn take_other(name: &str, words: &[Vec<u8>]) -> Result<Option<String>, ConfigError> {
    let other = OTHERS.iter().find(|(other, ..)| other.eq_ignore_ascii_case(name));
    let Some((name, (fewest, most), other)) =
        other.filter(|(_, (fewest, most), _)| (fewest..=most).contains(&&words.len()))
    else {
        return Err(ConfigError(BAD_DIRECTIVE.into()));
    };
    debug_assert!(fewest <= most);
    match other {
        Other::Ignored => Ok(Some(format!("{name} is accepted, but has had no effect since Redis 7.0"))),
        Other::Refused(_) if *name == "user" && is_everybody(words) => Ok(None),
        Other::Refused(reason) => Err(ConfigError(format!("{name} is not supported yet: {reason}"))),
    }
}

/// Whether the words behind `user` describe the user that everybody is.
fn is_everybody(words: &[Vec<u8>]) -> bool {
    let is_any = |word: &[u8], of: &[&str]| of.iter().any(|other| other.as_bytes() == word);
    words.iter().all(|word| is_any(word, &EVERYBODY) || is_any(word, &OF_NO_ACCOUNT))
        && EVERYBODY.iter().all(|other| words.iter().any(|word| word == other.as_bytes()))
        && words[0] == EVERYBODY[0].as_bytes()
}

/// Checks what a directive was given. Returns the value to keep.
fn checked(directive: &Directive, words: &[&[u8]], old: &Value) -> Result<Value, String> {
    let value = directive.kind.normalise(words, old)?;
    match directive.status {
        Status::Refused(reason) if value != *directive.default => {
            let given = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
            Err(format!("{} {given} is not supported yet: {reason}", directive.name))
        }
        _ => Ok(value),
    }
}

/// The error of a `CONFIG SET` that something is wrong with. The name is a directive's, and so it is text.
fn failed(name: &[u8], reason: &str) -> CommandError {
    let name = String::from_utf8_lossy(name);
    let text = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}");
    CommandError::Text(text.into())
}

#[cfg(test)]
mod tests;
