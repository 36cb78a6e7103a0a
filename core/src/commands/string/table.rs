//! The table of string commands.

use super::{
    append, decr, decrby, get, getdel, getex, getrange, getset, incr, incrby, incrbyfloat, lcs, mget, mset,
    msetnx, psetex, set, setex, setnx, setrange, strlen, substr,
};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, KeySpec, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "insert"])],
        summary: "Append a value to a key",
        since: "2.0.0",
        complexity: "O(1). The amortized time complexity is O(1) assuming the appended value is small \
            and the already present value is of any size, since the dynamic string library used by \
            Redis will double the free space available on every reallocation.",
        arguments: &[Argument::key("key", 0), Argument::string("value")],
        ..Command::new("append", Group::String, append)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Decrement the integer value of a key by one",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("decr", Group::String, decr)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Decrement the integer value of a key by the given number",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("decrement")],
        ..Command::new("decrby", Group::String, decrby)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get the value of a key",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("get", Group::String, get)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "delete"])],
        summary: "Get the value of a key and delete the key",
        since: "6.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("getdel", Group::String, getdel)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])
            .noted("RW and UPDATE because it changes the TTL")],
        summary: "Get the value of a key and optionally set its expiration",
        since: "6.2.0",
        complexity: "O(1)",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").after("EX"),
                    Argument::integer("milliseconds").after("PX"),
                    Argument::unix_time("unix-time-seconds").after("EXAT"),
                    Argument::unix_time("unix-time-milliseconds").after("PXAT"),
                    Argument::token("persist", "PERSIST"),
                ],
            )
            .optional(),
        ],
        ..Command::new("getex", Group::String, getex)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get a substring of the string stored at a key",
        since: "2.4.0",
        complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
            determined by the returned length, but because creating a substring from an existing string \
            is very cheap, it can be considered O(1) for small strings.",
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("end")],
        ..Command::new("getrange", Group::String, getrange)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Set the string value of a key and return its old value",
        since: "1.0.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`SET` with the `!GET` argument"),
        arguments: &[Argument::key("key", 0), Argument::string("value")],
        ..Command::new("getset", Group::String, getset)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Increment the integer value of a key by one",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("incr", Group::String, incr)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Increment the integer value of a key by the given amount",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("increment")],
        ..Command::new("incrby", Group::String, incrby)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update"])],
        summary: "Increment the float value of a key by the given amount",
        since: "2.6.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::double("increment")],
        ..Command::new("incrbyfloat", Group::String, incrbyfloat)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 1, 1, &["RO", "access"])],
        summary: "Find longest common substring",
        since: "7.0.0",
        complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
        arguments: &[
            Argument::key("key1", 0),
            Argument::key("key2", 0),
            Argument::token("len", "LEN").optional(),
            Argument::token("idx", "IDX").optional(),
            Argument::integer("len").after("MINMATCHLEN").optional(),
            Argument::token("withmatchlen", "WITHMATCHLEN").optional(),
        ],
        ..Command::new("lcs", Group::String, lcs)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        tips: &["request_policy:multi_shard"],
        keys: &[KeySpec::range(1, -1, 1, &["RO", "access"])],
        summary: "Get the values of all the given keys",
        since: "1.0.0",
        complexity: "O(N) where N is the number of keys to retrieve.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("mget", Group::String, mget)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        keys: &[KeySpec::range(1, -1, 2, &["OW", "update"])],
        summary: "Set multiple keys to multiple values",
        since: "1.0.1",
        complexity: "O(N) where N is the number of keys to set.",
        arguments: &[
            Argument::block("key_value", &[Argument::key("key", 0), Argument::string("value")]).multiple()
        ],
        ..Command::new("mset", Group::String, mset)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        tips: &["request_policy:multi_shard", "response_policy:agg_min"],
        keys: &[KeySpec::range(1, -1, 2, &["OW", "insert"])],
        summary: "Set multiple keys to multiple values, only if none of the keys exist",
        since: "1.0.1",
        complexity: "O(N) where N is the number of keys to set.",
        arguments: &[
            Argument::block("key_value", &[Argument::key("key", 0), Argument::string("value")]).multiple()
        ],
        ..Command::new("msetnx", Group::String, msetnx)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["OW", "update"])],
        summary: "Set the value and expiration in milliseconds of a key",
        since: "2.6.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("milliseconds"), Argument::string("value")],
        ..Command::new("psetex", Group::String, psetex)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "access", "update", "variable_flags"])
            .noted("RW and ACCESS due to the optional `GET` argument")],
        summary: "Set the string value of a key",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[
            ("2.6.12", "Added the `EX`, `PX`, `NX` and `XX` options."),
            ("6.0.0", "Added the `KEEPTTL` option."),
            ("6.2.0", "Added the `GET`, `EXAT` and `PXAT` option."),
            ("7.0.0", "Allowed the `NX` and `GET` options to be used together."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("value"),
            Argument::one_of("condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")])
                .optional()
                .since("2.6.12"),
            Argument::token("get", "GET").optional().since("6.2.0"),
            Argument::one_of(
                "expiration",
                &[
                    Argument::integer("seconds").after("EX").since("2.6.12"),
                    Argument::integer("milliseconds").after("PX").since("2.6.12"),
                    Argument::unix_time("unix-time-seconds").after("EXAT").since("6.2.0"),
                    Argument::unix_time("unix-time-milliseconds").after("PXAT").since("6.2.0"),
                    Argument::token("keepttl", "KEEPTTL").since("6.0.0"),
                ],
            )
            .optional(),
        ],
        ..Command::new("set", Group::String, set)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["OW", "update"])],
        summary: "Set the value and expiration of a key",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("seconds"), Argument::string("value")],
        ..Command::new("setex", Group::String, setex)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["OW", "insert"])],
        summary: "Set the value of a key, only if the key does not exist",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("value")],
        ..Command::new("setnx", Group::String, setnx)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RW", "update"])],
        summary: "Overwrite part of a string at key starting at the specified offset",
        since: "2.2.0",
        complexity: "O(1), not counting the time taken to copy the new string in place. Usually, this \
            string is very small so the amortized complexity is O(1). Otherwise, complexity is O(M) \
            with M being the length of the value argument.",
        arguments: &[Argument::key("key", 0), Argument::integer("offset"), Argument::string("value")],
        ..Command::new("setrange", Group::String, setrange)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RO"])],
        summary: "Get the length of the value stored in a key",
        since: "2.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("strlen", Group::String, strlen)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 0, 1, &["RO", "access"])],
        summary: "Get a substring of the string stored at a key",
        since: "1.0.0",
        complexity: "O(N) where N is the length of the returned string. The complexity is ultimately \
            determined by the returned length, but because creating a substring from an existing string \
            is very cheap, it can be considered O(1) for small strings.",
        doc_flags: &["deprecated"],
        deprecated_since: Some("2.0.0"),
        replaced_by: Some("`GETRANGE`"),
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("end")],
        ..Command::new("substr", Group::String, substr)
    },
];
