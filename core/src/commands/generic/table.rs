//! The table of generic commands.

use super::{
    container, copy, del, dump, exists, expire, expireat, expiretime, keys, move_key, object_encoding,
    object_freq, object_help, object_idletime, object_refcount, persist, pexpire, pexpireat, pexpiretime,
    pttl, randomkey, rename, renamenx, restore, scan, touch, ttl, type_of, unlink,
};
use crate::commands::key_spec::{ACCESS, DELETE, INSERT, KeySpec, OW, RM, RO, RW, UPDATE};
use crate::commands::sort::{no_key, sort, sort_ro, store_key};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

/// What Redis says about the keys that the patterns of SORT lead to.
const PATTERN_NOTE: &str = "For the optional BY/GET keyword. It is marked 'unknown' because the key names \
    derive from the content of the key we sort";

/// What it says about the destination.
const STORE_NOTE: &str = "For the optional STORE keyword. It is marked 'unknown' because the keyword can appear \
    anywhere in the argument array";

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::one(1, &[RO, ACCESS]), KeySpec::one(2, &[OW, UPDATE])],
        summary: "Copies the value of a key to a new key.",
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
        keys: &[KeySpec::range(1, -1, 1, &[RM, DELETE])],
        summary: "Deletes one or more keys.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of keys that will be removed. When a key to remove \
            holds a value other than a string, the individual complexity for this key is O(M) where M \
            is the number of elements in the list, set, sorted set or hash. Removing a single key that \
            holds a string value is O(1).",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("del", Group::Generic, del)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns a serialized representation of the value stored at a key.",
        since: "2.6.0",
        complexity: "O(1) to access the key and additional O(N*M) to serialize it, where N is the number of \
            Redis objects composing the value and M their average size. For small string values the time \
            complexity is thus O(1)+O(1*M) where M is small, so simply O(1).",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("dump", Group::Generic, dump)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &[RO])],
        summary: "Determines whether one or more keys exist.",
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
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the expiration time of a key in seconds.",
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
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the expiration time of a key to a Unix timestamp.",
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
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the expiration time of a key as a Unix timestamp.",
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
        summary: "Returns all key names that match a pattern.",
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
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Moves a key to another database.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("db")],
        ..Command::new("move", Group::Generic, move_key)
    },
    Command {
        arity: -2,
        summary: "A container for object introspection commands.",
        since: "2.2.3",
        complexity: "Depends on subcommand.",
        subcommands: &[
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::one(2, &[RO])],
                summary: "Returns the internal encoding of a Redis object.",
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
                keys: &[KeySpec::one(2, &[RO])],
                summary: "Returns the logarithmic access frequency counter of a Redis object.",
                since: "4.0.0",
                complexity: "O(1)",
                arguments: &[Argument::key("key", 0)],
                ..Command::part("object", "freq", Group::Generic, object_freq)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::KEYSPACE]),
                summary: "Returns helpful text about the different subcommands.",
                since: "6.2.0",
                complexity: "O(1)",
                ..Command::part("object", "help", Group::Generic, object_help)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::READONLY]),
                categories: categories(&[Categories::KEYSPACE]),
                tips: &["nondeterministic_output"],
                keys: &[KeySpec::one(2, &[RO])],
                summary: "Returns the time since the last access to a Redis object.",
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
                keys: &[KeySpec::one(2, &[RO])],
                summary: "Returns the reference count of a value of a key.",
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
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Removes the expiration time of a key.",
        since: "2.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("persist", Group::Generic, persist)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the expiration time of a key in milliseconds.",
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
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the expiration time of a key to a Unix milliseconds timestamp.",
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
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the expiration time of a key as a Unix milliseconds timestamp.",
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
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the expiration time in milliseconds of a key.",
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
        tips: &["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],
        summary: "Returns a random key name from the database.",
        since: "1.0.0",
        complexity: "O(1)",
        ..Command::new("randomkey", Group::Generic, randomkey)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[OW, UPDATE])],
        summary: "Renames a key and overwrites the destination.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::key("newkey", 1)],
        ..Command::new("rename", Group::Generic, rename)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[OW, INSERT])],
        summary: "Renames a key only when the target key name doesn't exist.",
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
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        keys: &[KeySpec::one(1, &[OW, UPDATE])],
        summary: "Creates a key from the serialized representation of a value.",
        since: "2.6.0",
        complexity: "O(1) to create the new key and additional O(N*M) to reconstruct the serialized value, \
            where N is the number of Redis objects composing the value and M their average size. For small \
            string values the time complexity is thus O(1)+O(1*M) where M is small, so simply O(1). However \
            for sorted set values the complexity is O(N*M*log(N)) because inserting values into sorted sets \
            is O(log(N)).",
        history: &[
            ("3.0.0", "Added the `REPLACE` modifier."),
            ("5.0.0", "Added the `ABSTTL` modifier."),
            ("5.0.0", "Added the `IDLETIME` and `FREQ` options."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("ttl"),
            Argument::string("serialized-value"),
            Argument::token("replace", "REPLACE").optional().since("3.0.0"),
            Argument::token("absttl", "ABSTTL").optional().since("5.0.0"),
            Argument::integer("seconds").after("IDLETIME").optional().since("5.0.0"),
            Argument::integer("frequency").after("FREQ").optional().since("5.0.0"),
        ],
        ..Command::new("restore", Group::Generic, restore)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
        summary: "Iterates over the key names in the database.",
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
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[
            Categories::SET,
            Categories::SORTED_SET,
            Categories::LIST,
            Categories::DANGEROUS,
        ]),
        keys: &[
            KeySpec::one(1, &[RO, ACCESS]),
            KeySpec::found(no_key, &[RO, ACCESS]).noted(PATTERN_NOTE),
            KeySpec::found(store_key, &[OW, UPDATE]).noted(STORE_NOTE),
        ],
        summary: "Sorts the elements of a list, a set or a sorted set; may store what comes out.",
        since: "1.0.0",
        complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).",
        arguments: &[
            Argument::key("key", 0),
            Argument::pattern("by-pattern").shown("pattern").of_spec(1).after("BY").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
            Argument::pattern("get-pattern")
                .shown("pattern")
                .of_spec(1)
                .after("GET")
                .optional()
                .multiple()
                .multiple_token(),
            Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
                .optional(),
            Argument::token("sorting", "ALPHA").optional(),
            Argument::key("destination", 2).after("STORE").optional(),
        ],
        ..Command::new("sort", Group::Generic, sort)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[
            Categories::SET,
            Categories::SORTED_SET,
            Categories::LIST,
            Categories::DANGEROUS,
        ]),
        keys: &[KeySpec::one(1, &[RO, ACCESS]), KeySpec::found(no_key, &[RO, ACCESS]).noted(PATTERN_NOTE)],
        summary: "Sorts the elements of a list, a set or a sorted set without changing anything.",
        since: "7.0.0",
        complexity: "O(N+M*log(M)) where N is the number of elements in the list or set to sort, and M the number of returned elements. When the elements are not sorted, complexity is O(N).",
        arguments: &[
            Argument::key("key", 0),
            Argument::pattern("by-pattern").shown("pattern").of_spec(1).after("BY").optional(),
            Argument::block("limit", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
            Argument::pattern("get-pattern")
                .shown("pattern")
                .of_spec(1)
                .after("GET")
                .optional()
                .multiple()
                .multiple_token(),
            Argument::one_of("order", &[Argument::token("asc", "ASC"), Argument::token("desc", "DESC")])
                .optional(),
            Argument::token("sorting", "ALPHA").optional(),
        ],
        ..Command::new("sort_ro", Group::Generic, sort_ro)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:multi_shard", "response_policy:agg_sum"],
        keys: &[KeySpec::range(1, -1, 1, &[RO])],
        summary: "Updates the time keys were last accessed; returns how many of them exist.",
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
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the expiration time in seconds of a key.",
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
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Determines the type of value stored at a key.",
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
        keys: &[KeySpec::range(1, -1, 1, &[RM, DELETE])],
        summary: "Asynchronously deletes one or more keys.",
        since: "4.0.0",
        complexity: "O(1) for each key removed regardless of its size. Then the command does O(N) work \
            in a different thread in order to reclaim memory, where N is the number of allocations the \
            deleted objects where composed of.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("unlink", Group::Generic, unlink)
    },
];
