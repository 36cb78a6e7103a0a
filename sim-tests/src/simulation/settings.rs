//! [`Settings`]: how a server and the world around it are set up. Everything in it can be set by name and text,
//! so that a scenario's file and `--set` say it alike.

use crate::transcript::text::{quote, words};
use rotom_io_sim::Conditions;

/// What stands before the name of a configuration directive among settings.
const CONFIG_PREFIX: &str = "config.";

/// How the server and the world are set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server's configuration directives, in order: name and words.
    pub directives: Vec<(String, Vec<String>)>,
    /// Whether the server was started with a configuration file, so that `CONFIG REWRITE` has something to rewrite.
    pub has_config_file: bool,
    /// What the network is like when nothing goes wrong.
    pub conditions: Conditions,
    /// How long a disk operation takes.
    pub disk_us: u64,
    /// Executions after which the state is compared with the one rebuilt from the log of effects; more in long runs.
    pub digest_every: u64,
    /// Whether the history is played again with nothing cut into pieces, for the same effects and replies.
    pub plays_twice: bool,
    /// Whether after every execution the data are compared with those that all effects together lead to.
    pub checks_prefixes: bool,
    /// Bytes that a server loads before clients are told that it does, if they come while it loads; otherwise nobody comes
    /// before everything is loaded.
    pub silent_loading_bytes: Option<u64>,
    /// A reply is falsified on its way to the judge, to prove that failing works.
    pub is_canary: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            directives: Vec::new(),
            has_config_file: false,
            conditions: Conditions::default(),
            disk_us: 0,
            digest_every: 1_000,
            plays_twice: false,
            checks_prefixes: false,
            silent_loading_bytes: None,
            is_canary: false,
        }
    }
}

impl Settings {
    /// Whether the server starts after a crash with what it has kept; otherwise it starts with nothing.
    #[must_use]
    pub fn recovers(&self) -> bool {
        self.has_log() || self.saves()
    }

    /// Whether it keeps a log.
    #[must_use]
    pub fn has_log(&self) -> bool {
        self.directives.iter().any(|(name, words)| name == "appendonly" && *words == ["yes"])
    }

    /// Whether it saves its data now and then.
    #[must_use]
    pub fn saves(&self) -> bool {
        self.directives.iter().any(|(name, words)| name == "save" && *words != [""])
    }

    /// Changes one setting.
    ///
    /// # Errors
    /// There is no such setting, or this is none of its values.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        if let Some(directive) = name.strip_prefix(CONFIG_PREFIX) {
            let words = words(value)?
                .into_iter()
                .map(|word| String::from_utf8(word).map_err(|_| format!("{name} is text")))
                .collect::<Result<_, _>>()?;
            self.directives.retain(|(other, _)| other != directive);
            self.directives.push((directive.to_owned(), words));
            return Ok(());
        }
        match name {
            "has-config-file" => self.has_config_file = flag(name, value)?,
            "read-len-max" => self.conditions.read_len_max = number(name, value)?.max(1) as usize,
            "window-bytes" => self.conditions.window_bytes = number(name, value)?.max(1) as usize,
            "latency-us" => self.conditions.latency_us = number(name, value)?,
            "jitter-us" => self.conditions.jitter_us = number(name, value)?,
            "slow-read-us" => self.conditions.slow_read_us = number(name, value)?,
            "disk-us" => self.disk_us = number(name, value)?,
            "digest-every" => self.digest_every = number(name, value)?.max(1),
            "plays-twice" => self.plays_twice = flag(name, value)?,
            "checks-prefixes" => self.checks_prefixes = flag(name, value)?,
            "silent-loading-bytes" => self.silent_loading_bytes = Some(number(name, value)?),
            "is-canary" => self.is_canary = flag(name, value)?,
            _ => return Err(format!("there is no setting {name}")),
        }
        Ok(())
    }

    /// What is not as usual, by name and text; [`set`](Self::set) takes each back.
    #[must_use]
    pub fn items(&self) -> Vec<(String, String)> {
        let usual = Settings::default();
        let mut items: Vec<(String, String)> = self
            .directives
            .iter()
            .map(|(name, words)| {
                let words: Vec<String> = words.iter().map(|word| quote(word.as_bytes())).collect();
                (format!("{CONFIG_PREFIX}{name}"), words.join(" "))
            })
            .collect();
        let mut add = |name: &str, value: String, usual: String| {
            if value != usual {
                items.push((name.to_owned(), value));
            }
        };
        let (mine, theirs) = (&self.conditions, &usual.conditions);
        add("has-config-file", self.has_config_file.to_string(), usual.has_config_file.to_string());
        add("read-len-max", mine.read_len_max.to_string(), theirs.read_len_max.to_string());
        add("window-bytes", mine.window_bytes.to_string(), theirs.window_bytes.to_string());
        add("latency-us", mine.latency_us.to_string(), theirs.latency_us.to_string());
        add("jitter-us", mine.jitter_us.to_string(), theirs.jitter_us.to_string());
        add("slow-read-us", mine.slow_read_us.to_string(), theirs.slow_read_us.to_string());
        add("disk-us", self.disk_us.to_string(), usual.disk_us.to_string());
        add("digest-every", self.digest_every.to_string(), usual.digest_every.to_string());
        add("plays-twice", self.plays_twice.to_string(), usual.plays_twice.to_string());
        add("checks-prefixes", self.checks_prefixes.to_string(), usual.checks_prefixes.to_string());
        let shown = |bytes: Option<u64>| bytes.map(|bytes| bytes.to_string()).unwrap_or_default();
        add("silent-loading-bytes", shown(self.silent_loading_bytes), String::new());
        add("is-canary", self.is_canary.to_string(), usual.is_canary.to_string());
        items
    }
}

fn number(name: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("{name} is a number, not {value}"))
}

fn flag(name: &str, value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| format!("{name} is true or false, not {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_taken_back() {
        let mut settings = Settings::default();
        assert!(settings.items().is_empty());
        for (name, value) in [
            ("config.requirepass", "\"a b\""),
            ("config.save", "\"\""),
            ("config.client-output-buffer-limit", "normal 1mb 0 0"),
            ("has-config-file", "true"),
            ("read-len-max", "1"),
            ("window-bytes", "7"),
            ("latency-us", "8"),
            ("jitter-us", "9"),
            ("slow-read-us", "10"),
            ("disk-us", "11"),
            ("digest-every", "12"),
            ("plays-twice", "true"),
            ("checks-prefixes", "true"),
            ("silent-loading-bytes", "0"),
            ("is-canary", "true"),
        ] {
            settings.set(name, value).unwrap();
        }
        assert_eq!(settings.items().len(), 15);
        assert_eq!(settings.directives[0], ("requirepass".to_owned(), vec!["a b".to_owned()]));
        let mut copy = Settings::default();
        for (name, value) in settings.items() {
            copy.set(&name, &value).unwrap();
        }
        assert_eq!(copy, settings);
        assert!(copy.set("latency-us", "fast").is_err());
        assert!(copy.set("latency", "1").is_err());
    }
}
