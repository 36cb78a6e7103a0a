//! The table of generic commands.

use super::{
    container, copy, del, exists, expire, expireat, expiretime, keys, move_key, object_encoding, object_freq,
    object_help, object_idletime, object_refcount, persist, pexpire, pexpireat, pexpiretime, pttl, randomkey,
    rename, renamenx, scan, touch, ttl, type_of, unlink,
};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, KeySpec, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"]), KeySpec::range(2, 0, 1, &["OW", "update"])],
        summary: "Copy a key",
        since: "6.2.0",
        complexity: "O(N) worst case for collections, where N is the number of nested items. O(1) for \
            string values.",
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::integer("destination-db").after("DB").optional(),
            Argument::token("replace", "REPLACE").optional(),
        ],
        ..Command::new("copy", Group::Generic, copy)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &["RM", "delete"])],
        summary: "Delete a key",
        since: "1.0.0",
        complexity: "O(N) where N is the number of keys that will be removed. When a key to remove \
            holds a value other than a string, the individual complexity for this key is O(M) where M \
            is the number of elements in the list, set, sorted set or hash. Removing a single key that \
            holds a string value is O(1).",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("del", Group::Generic, del)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &["RO"])],
        summary: "Determine if a key exists",
        since: "1.0.0",
        complexity: "O(N) where N is the number of keys to check.",
        history: &[("3.0.3", "Accepts multiple `key` arguments.")],
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("exists", Group::Generic, exists)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Set a key's time to live in seconds",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("seconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::token("nx", "NX"),
                    Argument::token("xx", "XX"),
                    Argument::token("gt", "GT"),
                    Argument::token("lt", "LT"),
                ],
            )
            .optional()
            .since("7.0.0"),
        ],
        ..Command::new("expire", Group::Generic, expire)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Set the expiration for a key as a UNIX timestamp",
        since: "1.2.0",
        complexity: "O(1)",
        history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::unix_time("unix-time-seconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::token("nx", "NX"),
                    Argument::token("xx", "XX"),
                    Argument::token("gt", "GT"),
                    Argument::token("lt", "LT"),
                ],
            )
            .optional()
            .since("7.0.0"),
        ],
        ..Command::new("expireat", Group::Generic, expireat)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get the expiration Unix timestamp for a key",
        since: "7.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("expiretime", Group::Generic, expiretime)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        summary: "Find all keys matching the given pattern",
        since: "1.0.0",
        complexity: "O(N) with N being the number of keys in the database, under the assumption that \
            the key names in the database and the given pattern have limited length.",
        arguments: &[Argument::pattern("pattern")],
        ..Command::new("keys", Group::Generic, keys)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Move a key to another database",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("db")],
        ..Command::new("move", Group::Generic, move_key)
    },
    Command {
        arity: -2,
        summary: "A container for object introspection commands",
        since: "2.2.3",
        complexity: "Depends on subcommand.",
        subcommands: &[
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::range(2, 0, 1, &["RO"])],
                summary: "Inspect the internal encoding of a Redis object",
                since: "2.2.3",
                complexity: "O(1)",
                arguments: &[Argument::key("key", 0)],
                ..Command::part("object", "encoding", Group::Generic, object_encoding)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::range(2, 0, 1, &["RO"])],
                summary: "Get the logarithmic access frequency counter of a Redis object",
                since: "4.0.0",
                complexity: "O(1)",
                arguments: &[Argument::key("key", 0)],
                ..Command::part("object", "freq", Group::Generic, object_freq)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::KEYSPACE]),
                summary: "Show helpful text about the different subcommands",
                since: "6.2.0",
                complexity: "O(1)",
                ..Command::part("object", "help", Group::Generic, object_help)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::range(2, 0, 1, &["RO"])],
                summary: "Get the time since a Redis object was last accessed",
                since: "2.2.3",
                complexity: "O(1)",
                arguments: &[Argument::key("key", 0)],
                ..Command::part("object", "idletime", Group::Generic, object_idletime)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::range(2, 0, 1, &["RO"])],
                summary: "Get the number of references to the value of the key",
                since: "2.2.3",
                complexity: "O(1)",
                arguments: &[Argument::key("key", 0)],
                ..Command::part("object", "refcount", Group::Generic, object_refcount)
            },
        ],
        ..Command::new("object", Group::Generic, container)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Remove the expiration from a key",
        since: "2.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("persist", Group::Generic, persist)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Set a key's time to live in milliseconds",
        since: "2.6.0",
        complexity: "O(1)",
        history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("milliseconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::token("nx", "NX"),
                    Argument::token("xx", "XX"),
                    Argument::token("gt", "GT"),
                    Argument::token("lt", "LT"),
                ],
            )
            .optional()
            .since("7.0.0"),
        ],
        ..Command::new("pexpire", Group::Generic, pexpire)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Set the expiration for a key as a UNIX timestamp specified in milliseconds",
        since: "2.6.0",
        complexity: "O(1)",
        history: &[("7.0.0", "Added options: `NX`, `XX`, `GT` and `LT`.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::unix_time("unix-time-milliseconds"),
            Argument::one_of(
                "condition",
                &[
                    Argument::token("nx", "NX"),
                    Argument::token("xx", "XX"),
                    Argument::token("gt", "GT"),
                    Argument::token("lt", "LT"),
                ],
            )
            .optional()
            .since("7.0.0"),
        ],
        ..Command::new("pexpireat", Group::Generic, pexpireat)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get the expiration Unix timestamp for a key in milliseconds",
        since: "7.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("pexpiretime", Group::Generic, pexpiretime)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get the time to live for a key in milliseconds",
        since: "2.6.0",
        complexity: "O(1)",
        history: &[("2.8.0", "Added the -2 reply.")],
        arguments: &[Argument::key("key", 0)],
        ..Command::new("pttl", Group::Generic, pttl)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:all_shards", "nondeterministic_output"],
        summary: "Return a random key from the keyspace",
        since: "1.0.0",
        complexity: "O(1)",
        ..Command::new("randomkey", Group::Generic, randomkey)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[
            KeySpec::range(1, 0, 1, &["RW", "access", "delete"]),
            KeySpec::range(2, 0, 1, &["OW", "update"]),
        ],
        summary: "Rename a key",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::key("newkey", 1)],
        ..Command::new("rename", Group::Generic, rename)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[
            KeySpec::range(1, 0, 1, &["RW", "access", "delete"]),
            KeySpec::range(2, 0, 1, &["OW", "insert"]),
        ],
        summary: "Rename a key, only if the new key does not exist",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[(
            "3.2.0",
            "The command no longer returns an error when source and destination names are the same.",
        )],
        arguments: &[Argument::key("key", 0), Argument::key("newkey", 1)],
        ..Command::new("renamenx", Group::Generic, renamenx)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["nondeterministic_output", "request_policy:special"],
        summary: "Incrementally iterate the keys space",
        since: "2.8.0",
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls \
            for the cursor to return back to 0. N is the number of elements inside the collection.",
        history: &[("6.0.0", "Added the `TYPE` subcommand.")],
        arguments: &[
            Argument::integer("cursor"),
            Argument::pattern("pattern").after("MATCH").optional(),
            Argument::integer("count").after("COUNT").optional(),
            Argument::string("type").after("TYPE").optional().since("6.0.0"),
        ],
        ..Command::new("scan", Group::Generic, scan)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &["RO"])],
        summary: "Alters the last access time of a key(s). Returns the number of existing keys specified.",
        since: "3.2.1",
        complexity: "O(N) where N is the number of keys that will be touched.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("touch", Group::Generic, touch)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get the time to live for a key in seconds",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[("2.8.0", "Added the -2 reply.")],
        arguments: &[Argument::key("key", 0)],
        ..Command::new("ttl", Group::Generic, ttl)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::range(1, 0, 1, &["RO"])],
        summary: "Determine the type stored at key",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("type", Group::Generic, type_of)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &["RM", "delete"])],
        summary: "Delete a key asynchronously in another thread. Otherwise it is just as DEL, but non \
            blocking.",
        since: "4.0.0",
        complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) work \
            in a different thread in order to reclaim memory, where N is the number of allocations the \
            deleted objects where composed of.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("unlink", Group::Generic, unlink)
    },
];
