//! The table of hash commands.

use super::{
    hdel, hexists, hget, hgetall, hincrby, hincrbyfloat, hkeys, hlen, hmget, hmset, hrandfield, hscan, hset,
    hsetnx, hstrlen, hvals,
};
use crate::commands::key_spec::{ACCESS, DELETE, INSERT, KeySpec, RO, RW, UPDATE};
use crate::commands::table::{Ahead, Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes fields from a hash, and the hash with its last one.",
        since: "2.0.0",
        complexity: "O(N) where N is the number of fields to be removed.",
        history: &[("2.4.0", "Accepts multiple `field` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("field").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("hdel", Group::Hash, hdel)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Tells whether a field is in a hash.",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field")],
        ahead: Ahead::Element(2),
        ..Command::new("hexists", Group::Hash, hexists)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the value of a field of a hash.",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field")],
        ahead: Ahead::Element(2),
        ..Command::new("hget", Group::Hash, hget)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::HASH]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns all fields of a hash and their values.",
        since: "2.0.0",
        complexity: "O(N) where N is the size of the hash.",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("hgetall", Group::Hash, hgetall)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds an integer to the value of a field of a hash; a missing one counts as 0.",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::integer("increment")],
        ahead: Ahead::Element(2),
        ..Command::new("hincrby", Group::Hash, hincrby)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds a floating-point number to the value of a field of a hash; a missing one counts as 0.",
        since: "2.6.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::double("increment")],
        ahead: Ahead::Element(2),
        ..Command::new("hincrbyfloat", Group::Hash, hincrbyfloat)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::HASH]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns all fields of a hash.",
        since: "2.0.0",
        complexity: "O(N) where N is the size of the hash.",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("hkeys", Group::Hash, hkeys)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Returns how many fields a hash has.",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("hlen", Group::Hash, hlen)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the values of several fields of a hash.",
        since: "2.0.0",
        complexity: "O(N) where N is the number of fields being requested.",
        arguments: &[Argument::key("key", 0), Argument::string("field").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("hmget", Group::Hash, hmget)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the values of several fields of a hash.",
        since: "2.0.0",
        complexity: "O(N) where N is the number of fields being set.",
        doc_flags: &["deprecated"],
        deprecated_since: Some("4.0.0"),
        replaced_by: Some("`HSET` with multiple field-value pairs"),
        arguments: &[
            Argument::key("key", 0),
            Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
        ],
        ahead: Ahead::Element(2),
        ..Command::new("hmset", Group::Hash, hmset)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::HASH]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns fields of a hash that are chosen by chance.",
        since: "6.2.0",
        complexity: "O(N) where N is the number of fields returned",
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "options",
                &[Argument::integer("count"), Argument::token("withvalues", "WITHVALUES").optional()],
            )
            .optional(),
        ],
        ..Command::new("hrandfield", Group::Hash, hrandfield)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::HASH]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns fields of a hash and their values, a stretch at a time.",
        since: "2.8.0",
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("cursor"),
            Argument::pattern("pattern").after("MATCH").optional(),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("hscan", Group::Hash, hscan)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Sets the values of fields of a hash; a missing key counts as empty.",
        since: "2.0.0",
        complexity: "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the command is called with multiple field/value pairs.",
        history: &[("4.0.0", "Accepts multiple `field` and `value` arguments.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::block("data", &[Argument::string("field"), Argument::string("value")]).multiple(),
        ],
        ahead: Ahead::Element(2),
        ..Command::new("hset", Group::Hash, hset)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Sets the value of a field of a hash if the field is not there.",
        since: "2.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field"), Argument::string("value")],
        ahead: Ahead::Element(2),
        ..Command::new("hsetnx", Group::Hash, hsetnx)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::HASH]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Returns the length of the value of a field of a hash.",
        since: "3.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("field")],
        ahead: Ahead::Element(2),
        ..Command::new("hstrlen", Group::Hash, hstrlen)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::HASH]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns all values of a hash.",
        since: "2.0.0",
        complexity: "O(N) where N is the size of the hash.",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("hvals", Group::Hash, hvals)
    },
];
