//! The table of string commands.

use super::{
    append, decr, decrby, get, getdel, getex, getrange, getset, incr, incrby, incrbyfloat, lcs, mget, mset,
    msetnx, psetex, set, set_key_flags, setex, setnx, setrange, strlen, substr,
};
use crate::commands::key_spec::{ACCESS, DELETE, INSERT, KeySpec, OW, RO, RW, UPDATE};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Appends a string to the value of a key; a missing key counts as empty.",
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
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Subtracts one from the integer value of a key; a missing key counts as 0.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("decr", Group::String, decr)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Subtracts a number from the integer value of a key; a missing key counts as 0.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("decrement")],
        ..Command::new("decrby", Group::String, decrby)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the string value of a key.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("get", Group::String, get)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Returns the string value of a key after deleting the key.",
        since: "6.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("getdel", Group::String, getdel)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE]).noted("RW and UPDATE because it changes the TTL")],
        summary: "Returns the string value of a key after setting its expiration time.",
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
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns a substring of the string stored at a key.",
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
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Returns the previous string value of a key after setting it to a new value.",
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
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds one to the integer value of a key; a missing key counts as 0.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("incr", Group::String, incr)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds a number to the integer value of a key; a missing key counts as 0.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::integer("increment")],
        ..Command::new("incrby", Group::String, incrby)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds a number to the floating point value of a key; a missing key counts as 0.",
        since: "2.6.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::double("increment")],
        ..Command::new("incrbyfloat", Group::String, incrbyfloat)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, 1, 1, &[RO, ACCESS])],
        summary: "Finds the longest common substring.",
        since: "7.0.0",
        complexity: "O(N*M) where N and M are the lengths of s1 and s2, respectively",
        arguments: &[
            Argument::key("key1", 0),
            Argument::key("key2", 0),
            Argument::token("len", "LEN").optional(),
            Argument::token("idx", "IDX").optional(),
            Argument::integer("min-match-len").after("MINMATCHLEN").optional(),
            Argument::token("withmatchlen", "WITHMATCHLEN").optional(),
        ],
        ..Command::new("lcs", Group::String, lcs)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        tips: &["request_policy:multi_shard"],
        keys: &[KeySpec::range(1, -1, 1, &[RO, ACCESS])],
        summary: "Atomically returns the string values of one or more keys.",
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
        keys: &[KeySpec::range(1, -1, 2, &[OW, UPDATE])],
        summary: "Atomically creates or modifies the string values of one or more keys.",
        since: "1.0.1",
        complexity: "O(N) where N is the number of keys to set.",
        arguments: &[
            Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple()
        ],
        ..Command::new("mset", Group::String, mset)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::range(1, -1, 2, &[OW, INSERT])],
        summary: "Atomically creates the string values of one or more keys only when none of them exists.",
        since: "1.0.1",
        complexity: "O(N) where N is the number of keys to set.",
        arguments: &[
            Argument::block("data", &[Argument::key("key", 0), Argument::string("value")]).multiple()
        ],
        ..Command::new("msetnx", Group::String, msetnx)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[OW, UPDATE])],
        summary: "Sets the string value of a key and its expiration time in milliseconds.",
        since: "2.6.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("2.6.12"),
        replaced_by: Some("`SET` with the `PX` argument"),
        arguments: &[Argument::key("key", 0), Argument::integer("milliseconds"), Argument::string("value")],
        ..Command::new("psetex", Group::String, psetex)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])
            .depending(set_key_flags)
            .noted("RW and ACCESS due to the optional `GET` argument")],
        summary: "Sets the string value of a key, whatever type it had.",
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
        keys: &[KeySpec::one(1, &[OW, UPDATE])],
        summary: "Sets the string value of a key and its expiration time in seconds.",
        since: "2.0.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("2.6.12"),
        replaced_by: Some("`SET` with the `EX` argument"),
        arguments: &[Argument::key("key", 0), Argument::integer("seconds"), Argument::string("value")],
        ..Command::new("setex", Group::String, setex)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[OW, INSERT])],
        summary: "Set the string value of a key only when the key doesn't exist.",
        since: "1.0.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("2.6.12"),
        replaced_by: Some("`SET` with the `NX` argument"),
        arguments: &[Argument::key("key", 0), Argument::string("value")],
        ..Command::new("setnx", Group::String, setnx)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Overwrites part of a string value from an offset on; a missing key counts as empty.",
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
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Returns the length of a string value.",
        since: "2.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("strlen", Group::String, strlen)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::STRING]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns a substring from a string value.",
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
