//! The configuration. Every directive of Redis 7.2 is known by name; [`Status`] says what rotom does with it.

mod kind;
mod rewrite;
mod table;

pub use kind::Kind;
pub use rewrite::rewrite;
pub use table::{DIRECTIVES, Directive, Status};

use crate::error::CommandError;
use crate::glob::{self, Case};
use std::fmt;
use table::REFUSED_WORDS;

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
}

/// The configuration in force: every directive's value as text, and typed those that something depends on.
#[derive(Clone, Debug)]
pub struct Config {
    /// Invariant: parallel to [`DIRECTIVES`], each value in the form its kind gives it.
    values: Vec<String>,
    /// `active-expire-effort`.
    pub active_expire_effort: u32,
    /// `always-show-logo`.
    pub always_show_logo: bool,
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
    /// `dir`.
    pub dir: String,
    /// `enable-debug-command`.
    pub enable_debug_command: Permission,
    /// `enable-protected-configs`.
    pub enable_protected_configs: Permission,
    /// `hz`.
    pub hz: u32,
    /// `lazyfree-lazy-user-flush`.
    pub lazyfree_lazy_user_flush: bool,
    /// `lfu-decay-time`, in minutes.
    pub lfu_decay_time: u32,
    /// `lfu-log-factor`.
    pub lfu_log_factor: u32,
    /// `logfile`.
    pub logfile: String,
    /// `loglevel`.
    pub loglevel: String,
    /// `maxclients`.
    pub maxclients: u32,
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
    /// `requirepass`.
    pub requirepass: String,
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
}

/// Why a directive of a file or the command line was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError(pub String);

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What Redis says of a directive it does not know, or that has too few or too many words.
const BAD_DIRECTIVE: &str = "Bad directive or wrong number of arguments";

impl Default for Config {
    fn default() -> Config {
        let mut config = Config {
            values: DIRECTIVES.iter().map(|directive| directive.default.to_owned()).collect(),
            active_expire_effort: 0,
            always_show_logo: false,
            bind: Vec::new(),
            client_output_buffer_limit: OutputLimits::default(),
            client_query_buffer_limit: 0,
            daemonize: false,
            databases: 0,
            dir: String::new(),
            enable_debug_command: Permission::No,
            enable_protected_configs: Permission::No,
            hz: 0,
            lazyfree_lazy_user_flush: false,
            lfu_decay_time: 0,
            lfu_log_factor: 0,
            logfile: String::new(),
            loglevel: String::new(),
            maxclients: 0,
            maxmemory_policy: EvictionPolicy { is_lfu: false },
            pidfile: String::new(),
            port: 0,
            protected_mode: false,
            proto_max_bulk_len: 0,
            requirepass: String::new(),
            supervised: String::new(),
            tcp_backlog: 0,
            tcp_keepalive: 0,
            timeout: 0,
            unixsocket: String::new(),
            unixsocketperm: 0,
        };
        config.refresh();
        config
    }
}

impl Config {
    /// Takes a directive of a configuration file or the command line. Returns a warning if it is one that nothing
    /// depends on yet.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn set_from_file(&mut self, name: &str, words: &[Vec<u8>]) -> Result<Option<String>, ConfigError> {
        if let Some((word, reason)) = REFUSED_WORDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(name)) {
            return Err(ConfigError(format!("{word} is not supported: {reason}")));
        }
        let index = index_of(name).ok_or_else(|| ConfigError(BAD_DIRECTIVE.into()))?;
        let directive = &DIRECTIVES[index];
        if !directive.kind.takes_words() && words.len() != 1 || words.is_empty() {
            return Err(ConfigError(BAD_DIRECTIVE.into()));
        }
        let texts: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        self.assign(index, &texts.join(" ")).map_err(ConfigError)?;
        self.refresh();
        let is_idle = directive.status == Status::Stored && self.values[index] != directive.default;
        Ok(is_idle.then(|| format!("{} is accepted, but has no effect in this version", directive.name)))
    }

    /// Takes what `CONFIG SET` was given: all of it or nothing. Returns the names of the directives.
    ///
    /// # Errors
    /// Redis' error for the first thing that is wrong.
    pub fn set_at_runtime(
        &mut self,
        pairs: &[(&[u8], &[u8])],
        is_local: bool,
    ) -> Result<Vec<&'static str>, CommandError> {
        let fail = |name: &[u8], reason: &str| {
            let name = String::from_utf8_lossy(name);
            let text = format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}");
            CommandError::Text(text.into())
        };
        // A directive and its other name do not count as one, as in Redis.
        let mut indices: Vec<(usize, bool)> = Vec::with_capacity(pairs.len());
        for &(name, _) in pairs {
            let shown = String::from_utf8_lossy(name);
            let index = index_of(&shown).ok_or_else(|| {
                CommandError::repeating(
                    "ERR Unknown option or number of arguments for CONFIG SET - '",
                    name,
                    "'",
                )
            })?;
            let directive = &DIRECTIVES[index];
            if directive.is_immutable {
                return Err(fail(name, "can't set immutable config"));
            }
            if directive.is_protected && !self.enable_protected_configs.allows(is_local) {
                return Err(fail(name, "can't set protected config"));
            }
            let is_alias = !directive.name.eq_ignore_ascii_case(&shown);
            if indices.contains(&(index, is_alias)) {
                return Err(fail(name, "duplicate parameter"));
            }
            indices.push((index, is_alias));
        }
        let mut changed = self.clone();
        for (&(name, value), &(index, _)) in pairs.iter().zip(&indices) {
            changed.assign(index, &String::from_utf8_lossy(value)).map_err(|reason| fail(name, &reason))?;
        }
        let names = indices.iter().map(|&(index, _)| DIRECTIVES[index].name).collect();
        changed.refresh();
        *self = changed;
        Ok(names)
    }

    /// Names and values of the directives some globs match, as `CONFIG GET` shows them: aliases too, each once. One
    /// asked for by its name is called what it was asked for as.
    #[must_use]
    pub fn matching<'a>(&'a self, patterns: &[&'a [u8]]) -> Vec<(&'a [u8], &'a str)> {
        let named = DIRECTIVES.iter().zip(&self.values).flat_map(|(directive, value)| {
            std::iter::once(directive.name)
                .chain(directive.alias)
                .map(move |name| (name.as_bytes(), value.as_str()))
        });
        named
            .filter_map(|(name, value)| {
                let asked = patterns.iter().find(|pattern| pattern.eq_ignore_ascii_case(name));
                let is_match =
                    || patterns.iter().any(|pattern| glob::matches(pattern, name, Case::Insensitive));
                asked.copied().or_else(|| is_match().then_some(name)).map(|name| (name, value))
            })
            .collect()
    }

    /// A directive's value, as `CONFIG GET` shows it.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&str> {
        index_of(name).map(|index| self.values[index].as_str())
    }

    /// Lowers `maxclients` to what the process can hold.
    pub fn lower_maxclients(&mut self, maxclients: u32) {
        if let Some(index) = index_of("maxclients") {
            self.values[index] = maxclients.to_string();
            self.refresh();
        }
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

    fn assign(&mut self, index: usize, value: &str) -> Result<(), String> {
        let directive = &DIRECTIVES[index];
        let value = directive.kind.normalise(value, &self.values[index])?;
        if let Status::Refused(reason) = directive.status
            && value != directive.default
        {
            let shown = if value.is_empty() { "\"\"" } else { &value };
            return Err(format!("{} {shown} is not supported: {reason}", directive.name));
        }
        self.values[index] = value;
        Ok(())
    }

    /// Derives the typed fields from the values.
    fn refresh(&mut self) {
        let limit = |words: &[&str]| OutputLimit {
            hard: number(words[0]),
            soft: number(words[1]),
            soft_seconds: number(words[2]),
        };
        self.active_expire_effort = self.number("active-expire-effort") as u32;
        self.always_show_logo = self.yes("always-show-logo");
        self.bind = self.text("bind").split_ascii_whitespace().map(str::to_owned).collect();
        let limits = self.text("client-output-buffer-limit");
        let limits: Vec<&str> = limits.split(' ').collect();
        self.client_output_buffer_limit = OutputLimits { normal: limit(&limits[1..4]) };
        self.client_query_buffer_limit = self.number("client-query-buffer-limit");
        self.daemonize = self.yes("daemonize");
        self.databases = self.number("databases") as usize;
        self.dir = self.text("dir");
        self.enable_debug_command = self.permission("enable-debug-command");
        self.enable_protected_configs = self.permission("enable-protected-configs");
        self.hz = self.number("hz") as u32;
        self.lazyfree_lazy_user_flush = self.yes("lazyfree-lazy-user-flush");
        self.lfu_decay_time = self.number("lfu-decay-time") as u32;
        self.lfu_log_factor = self.number("lfu-log-factor") as u32;
        self.logfile = self.text("logfile");
        self.loglevel = self.text("loglevel");
        self.maxclients = self.number("maxclients") as u32;
        self.maxmemory_policy = EvictionPolicy { is_lfu: self.text("maxmemory-policy").ends_with("lfu") };
        self.pidfile = self.text("pidfile");
        self.port = self.number("port") as u16;
        self.protected_mode = self.yes("protected-mode");
        self.proto_max_bulk_len = self.number("proto-max-bulk-len");
        self.requirepass = self.text("requirepass");
        self.supervised = self.text("supervised");
        self.tcp_backlog = self.number("tcp-backlog") as i32;
        self.tcp_keepalive = self.number("tcp-keepalive") as u32;
        self.timeout = self.number("timeout") as u32;
        self.unixsocket = self.text("unixsocket");
        self.unixsocketperm = u32::from_str_radix(&self.text("unixsocketperm"), 8).unwrap_or(0);
    }

    fn text(&self, name: &str) -> String {
        // A name that is not in the table would be a slip in `refresh`, which every test runs.
        self.value(name).unwrap_or_else(|| unreachable!("{name} is a directive")).to_owned()
    }

    fn yes(&self, name: &str) -> bool {
        self.text(name) == "yes"
    }

    fn number(&self, name: &str) -> u64 {
        number(&self.text(name))
    }

    fn permission(&self, name: &str) -> Permission {
        match self.text(name).as_str() {
            "yes" => Permission::Yes,
            "local" => Permission::Local,
            _ => Permission::No,
        }
    }
}

/// A number that its kind has checked.
fn number(text: &str) -> u64 {
    text.parse().unwrap_or(0)
}

/// The place of a directive in the table, by either of its names.
pub(crate) fn index_of(name: &str) -> Option<usize> {
    DIRECTIVES.iter().position(|directive| {
        directive.name.eq_ignore_ascii_case(name)
            || directive.alias.is_some_and(|alias| alias.eq_ignore_ascii_case(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_its_defaults_are_values() {
        assert!(DIRECTIVES.is_sorted_by(|a, b| a.name < b.name));
        for directive in DIRECTIVES {
            let shown = directive.kind.normalise(directive.default, directive.default);
            assert_eq!(shown.as_deref(), Ok(directive.default), "{}", directive.name);
        }
    }

    #[test]
    fn several_settings_are_taken_together_or_not_at_all() {
        let mut config = Config::default();
        let check = |config: &mut Config, pairs: &[(&[u8], &[u8])], expected: &str| {
            let outcome = config.set_at_runtime(pairs, true);
            let shown = match outcome {
                Ok(names) => names.join(" "),
                Err(error) => String::from_utf8_lossy(&error.text()).into_owned(),
            };
            assert_eq!(shown, expected);
        };
        check(
            &mut config,
            &[(b"hz", b"20"), (b"timeout", b"x")],
            "ERR CONFIG SET failed (possibly related to argument 'timeout') - argument couldn't be parsed into an \
             integer",
        );
        assert_eq!(config.hz, 10);
        check(&mut config, &[(b"HZ", b"20"), (b"timeout", b"7")], "hz timeout");
        assert_eq!((config.hz, config.timeout), (20, 7));
        check(
            &mut config,
            &[(b"nope", b"1")],
            "ERR Unknown option or number of arguments for CONFIG SET - 'nope'",
        );
        check(
            &mut config,
            &[(b"hz", b"1"), (b"hz", b"2")],
            "ERR CONFIG SET failed (possibly related to argument 'hz') - duplicate parameter",
        );
        check(
            &mut config,
            &[(b"databases", b"1")],
            "ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
        );
        check(
            &mut config,
            &[(b"dir", b"/")],
            "ERR CONFIG SET failed (possibly related to argument 'dir') - can't set protected config",
        );
        check(
            &mut config,
            &[(b"appendonly", b"yes")],
            "ERR CONFIG SET failed (possibly related to argument 'appendonly') - appendonly yes is not supported: \
             this version does not persist data",
        );
    }

    #[test]
    fn files_may_not_promise_what_is_not_there() {
        let mut config = Config::default();
        let mut set = |name: &str, value: &str| config.set_from_file(name, &[value.as_bytes().to_vec()]);
        assert_eq!(set("appendonly", "no"), Ok(None));
        assert!(set("appendonly", "yes").unwrap_err().0.contains("does not persist"));
        assert!(set("maxmemory", "1gb").unwrap_err().0.contains("does not evict"));
        assert!(set("loadmodule", "x.so").unwrap_err().0.contains("loadmodule"));
        assert_eq!(set("nonsense", "1").unwrap_err().0, BAD_DIRECTIVE);
        assert!(set("slave-priority", "5").unwrap().unwrap().contains("no effect"));
        assert_eq!(set("port", "7000"), Ok(None));
    }

    #[test]
    fn get_shows_aliases_and_each_name_once() {
        let config = Config::default();
        let names: Vec<_> = config.matching(&[b"*ziplist-entries", b"hash-max-*-entries"]);
        assert_eq!(
            names,
            [
                (&b"hash-max-listpack-entries"[..], "512"),
                (b"hash-max-ziplist-entries", "512"),
                (b"zset-max-ziplist-entries", "128")
            ]
        );
    }
}
