//! Tests of the configuration as a whole.

use super::*;

fn words(line: &str) -> Vec<Vec<u8>> {
    crate::resp::split_quoted(line.as_bytes()).unwrap()
}

/// Takes a line as a file has it.
fn take(config: &mut Config, line: &str) -> Result<Option<String>, ConfigError> {
    let words = words(line);
    config.set_from_file(std::str::from_utf8(&words[0]).unwrap(), &words[1..])
}

/// Takes what `CONFIG SET` was given; answers what changed, or the error.
fn set(config: &mut Config, pairs: &[(&str, &str)], is_local: bool) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    match config.set_at_runtime(&pairs, is_local) {
        Ok(changed) => changed.names().join(" "),
        Err(error) => String::from_utf8_lossy(&error.text()).into_owned(),
    }
}

#[test]
fn the_table_is_sorted_and_its_defaults_are_values() {
    assert!(DIRECTIVES.is_sorted_by(|a, b| a.name < b.name));
    for directive in DIRECTIVES {
        let default = Value::from(directive.default);
        let given = if directive.kind.takes_words() {
            words::split(directive.default.as_bytes())
        } else {
            vec![directive.default.as_bytes()]
        };
        // `replicaof` without words is not a line that can be written.
        if directive.kind != Kind::Replica {
            assert_eq!(directive.kind.normalise(&given, &default), Ok(default), "{}", directive.name);
        }
        if let Kind::BareName(name, ..) = directive.kind {
            assert_eq!(name, directive.name);
        }
        let names = DIRECTIVES.iter().flat_map(|other| std::iter::once(other.name).chain(other.alias));
        assert_eq!(names.filter(|name| *name == directive.name).count(), 1, "{}", directive.name);
        assert!(OTHERS.iter().all(|(other, ..)| *other != directive.name));
    }
}

#[test]
fn lines_of_a_file() {
    let none = Ok(None);
    let warning = |text: &str| Ok(Some(text.to_owned()));
    let error = |text: &str| Err(ConfigError(text.into()));
    for (line, expected) in [
        ("port 7000", none.clone()),
        ("PORT 7000", none.clone()),
        ("port", error("wrong number of arguments")),
        ("port 1 2", error("wrong number of arguments")),
        ("port 65536", error("argument must be between 0 and 65535 inclusive")),
        ("nonsense 1", error("Bad directive or wrong number of arguments")),
        ("bind", none.clone()),
        ("bind 127.0.0.1 -::1", none.clone()),
        ("bind '127.0.0.1 -::1'", none.clone()),
        ("save ''", none.clone()),
        ("save", none.clone()),
        ("save 1", error("Invalid save parameters")),
        ("save 60 1000", none.clone()),
        ("slave-priority 100", none.clone()),
        ("slave-priority 5", warning("replica-priority is accepted, but it has no effect in this version")),
        ("shutdown-on-sigint 'nosave force'", none.clone()),
        (
            "shutdown-on-sigint 'nosave force' now",
            error("argument(s) must be one of the following: default, save, nosave, now, force"),
        ),
        (
            "client-output-buffer-limit normal 1",
            error("Wrong number of arguments in buffer limit configuration."),
        ),
        ("oom-score-adj-values 1", error("wrong number of arguments")),
        (
            "list-max-ziplist-value 5",
            warning("list-max-ziplist-value is accepted, but has had no effect since Redis 7.0"),
        ),
        ("list-max-ziplist-value 5 5", error("Bad directive or wrong number of arguments")),
        ("maxmemory 0", none.clone()),
        (
            "maxmemory 1gb",
            error("maxmemory 1gb is not supported yet: rotom does not evict keys in this version"),
        ),
        ("maxmemory 0", none.clone()),
        (
            "maxmemory 1gb",
            error("maxmemory 1gb is not supported yet: rotom does not evict keys in this version"),
        ),
        (
            "maxmemory-clients 5%",
            error("maxmemory-clients 5% is not supported yet: rotom does not evict keys in this version"),
        ),
        ("replicaof no one", none.clone()),
        (
            "slaveof a 1",
            error("replicaof a 1 is not supported yet: rotom does not replicate in this version"),
        ),
        (
            "cluster-enabled yes",
            error("cluster-enabled yes is not supported yet: rotom has no cluster mode in this version"),
        ),
        (
            "tls-port 6380",
            error("tls-port 6380 is not supported yet: rotom does not speak TLS in this version"),
        ),
        ("loadmodule x.so", error("loadmodule is not supported yet: rotom loads no modules")),
        ("loadmodule", error("Bad directive or wrong number of arguments")),
        ("rename-command a b", error("rename-command is not supported yet: rotom does not rename commands")),
        ("user default on nopass ~* &* +@all", none.clone()),
        ("user default on nopass sanitize-payload ~* &* +@all", none),
    ] {
        assert_eq!(take(&mut Config::default(), line), expected, "{line}");
    }
    for line in [
        "user default on nopass ~* &* +@read",
        "user default on ~* +@all",
        "user alice on nopass ~* &* +@all",
        "user default on nopass ~* &* +@all -get",
        "user on default nopass ~* +@all",
        "aclfile /etc/users.acl",
    ] {
        let reason = take(&mut Config::default(), line).unwrap_err().0;
        assert!(reason.contains("no access control lists"), "{line}: {reason}");
    }
}

#[test]
fn the_last_line_counts_but_save_points_add_up() {
    let mut config = Config::default();
    let mut check = |line: &str, name: &str, expected: &str| {
        take(&mut config, line).unwrap();
        assert_eq!(config.value(name), Some(expected), "{line}");
    };
    check("timeout 5", "timeout", "5");
    check("timeout 6", "timeout", "6");
    check("save 3600 1", "save", "3600 1");
    check("save 300 100 60 10000", "save", "3600 1 300 100 60 10000");
    check("save ''", "save", "");
    check("save 5 6", "save", "5 6");
    assert_eq!(config.save, [SavePoint { seconds: 5, changes: 6 }]);
    take(&mut config, "client-output-buffer-limit replica 1mb 0 0").unwrap();
    take(&mut config, "client-output-buffer-limit normal 2kb 1kb 7").unwrap();
    let limits = config.client_output_buffer_limit;
    assert_eq!(limits.replica, OutputLimit { hard: 1 << 20, soft: 0, soft_seconds: 0 });
    assert_eq!(limits.normal, OutputLimit { hard: 2048, soft: 1024, soft_seconds: 7 });
    assert_eq!(limits.pubsub, OutputLimit { hard: 32 << 20, soft: 8 << 20, soft_seconds: 60 });
}

#[test]
fn several_settings_are_taken_together_or_not_at_all() {
    let mut config = Config::default();
    let mut check =
        |pairs: &[(&str, &str)], expected: &str| assert_eq!(set(&mut config, pairs, true), expected);
    let failed = |name: &str, reason: &str| {
        format!("ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}")
    };
    let unknown = "ERR Unknown option or number of arguments for CONFIG SET - 'nope'";
    let no_integer = "argument couldn't be parsed into an integer";
    check(&[("hz", "20"), ("timeout", "x")], &failed("timeout", no_integer));
    check(&[("HZ", "20"), ("timeout", "7")], "hz timeout");
    check(&[("hz", "20"), ("timeout", "8")], "timeout");
    check(&[("hz", "20")], "");
    check(&[("nope", "1")], unknown);
    // All names are looked at before any value.
    check(&[("hz", "x"), ("nope", "1")], unknown);
    check(&[("hz", "x"), ("databases", "1")], &failed("databases", "can't set immutable config"));
    check(&[("databases", "1"), ("nope", "1")], &failed("databases", "can't set immutable config"));
    check(&[("nope", "1"), ("databases", "1")], unknown);
    check(&[("hz", "1"), ("HZ", "2")], &failed("HZ", "duplicate parameter"));
    check(&[("slave-priority", "1"), ("replica-priority", "2")], "replica-priority");
    check(
        &[("loglevel", "notice debug")],
        &failed(
            "loglevel",
            "argument(s) must be one of the following: debug, verbose, notice, warning, nothing",
        ),
    );
    check(
        &[("maxmemory", "1gb")],
        &failed("maxmemory", "maxmemory 1gb is not supported yet: rotom does not evict keys in this version"),
    );
    check(&[("save", "60 1")], "save");
    check(&[("save", "70 1")], "save");
    assert_eq!(config.value("save"), Some("70 1"));
    assert_eq!((config.hz, config.timeout, config.value("slave-priority")), (20, 8, Some("2")));
}

#[test]
fn limits_given_twice_in_one_command_add_up() {
    let mut config = Config::default();
    let name = "client-output-buffer-limit";
    let outcome = set(&mut config, &[(name, "normal 1 1 1 normal 2 2 2 pubsub 3 3 3")], true);
    assert_eq!(outcome, name);
    assert_eq!(config.value(name), Some("normal 2 2 2 slave 268435456 67108864 60 pubsub 3 3 3"));
}

#[test]
fn protected_settings() {
    let refusal =
        "ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config";
    for (permission, is_local, expected) in [
        ("no", true, refusal),
        ("local", false, refusal),
        ("local", true, "dbfilename"),
        ("yes", false, "dbfilename"),
    ] {
        let mut config = Config::default();
        take(&mut config, &format!("enable-protected-configs {permission}")).unwrap();
        assert_eq!(set(&mut config, &[("dbfilename", "x.rdb")], is_local), expected, "{permission}");
    }
    let mut config = Config::default();
    take(&mut config, "enable-protected-configs yes").unwrap();
    config.resolve_dir("/srv");
    assert_eq!(set(&mut config, &[("dir", "/srv")], true), "");
    assert!(
        set(&mut config, &[("dir", "/")], true).ends_with("does not change it while it runs in this version")
    );
    assert_eq!(config.dir, "/srv");
}

#[test]
fn the_driver_hears_of_what_concerns_it() {
    let mut config = Config::default();
    let mut concerns = |name: &str, value: &str| {
        let changed = config.set_at_runtime(&[(name.as_bytes(), value.as_bytes())], true).unwrap();
        changed.concerns_driver()
    };
    for (name, value) in [
        ("port", "7000"),
        ("bind", "::1"),
        ("tcp-keepalive", "1"),
        ("maxclients", "7"),
        ("loglevel", "debug"),
    ] {
        assert!(concerns(name, value), "{name}");
        assert!(!concerns(name, value), "{name} is what it was");
    }
    assert!(!concerns("hz", "50"));
}

#[test]
fn get_shows_names_as_asked_for_and_each_once() {
    let config = Config::default();
    let check = |patterns: &[&str], expected: &str| {
        let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
        let found = config.matching(&patterns);
        let shown: Vec<_> = found
            .iter()
            .map(|(name, value)| format!("{}={}", String::from_utf8_lossy(name), value.to_text()))
            .collect();
        assert_eq!(shown.join(" "), expected, "{patterns:?}");
    };
    check(
        &["*ziplist-entries", "hash-max-*-ENTRIES"],
        "hash-max-listpack-entries=512 hash-max-ziplist-entries=512 zset-max-ziplist-entries=128",
    );
    check(&["PORT", "port", "[p]ort", "nope"], "PORT=6379");
    check(&["[p]ort", "PORT"], "port=6379");
    check(&["slave-priority"], "slave-priority=100");
    check(&["key-load-delay"], "key-load-delay=0");
    check(&["key-load-dela?", "include", ""], "");
    let all = config.matching(&[b"*"]);
    let aliases = DIRECTIVES.iter().filter(|directive| directive.alias.is_some()).count();
    let hidden = DIRECTIVES.iter().filter(|directive| directive.is_hidden).count();
    assert_eq!(all.len(), DIRECTIVES.len() + aliases - hidden);
}

#[test]
fn a_password_may_be_any_bytes_and_is_not_shown_for_debugging() {
    let mut config = Config::default();
    config.set_at_runtime(&[(b"requirepass", b"\xffsecret")], true).unwrap();
    assert_eq!(config.requirepass.as_bytes(), b"\xffsecret");
    assert_eq!(config.matching(&[b"requirepass"])[0].1.as_bytes(), b"\xffsecret");
    assert!(!format!("{config:?}").contains("secret"));
}
