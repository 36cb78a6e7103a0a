//! The table of set commands.

use super::{
    sadd, scard, sdiff, sdiffstore, sinter, sintercard, sinterstore, sismember, smembers, smismember, smove,
    spop, srandmember, srem, sscan, sunion, sunionstore,
};
use crate::commands::key_spec::{ACCESS, DELETE, INSERT, KeySpec, OW, RO, RW, UPDATE};
use crate::commands::table::{Ahead, Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds members to a set; a missing key counts as empty.",
        since: "1.0.0",
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("2.4.0", "Accepts multiple `member` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("sadd", Group::Set, sadd)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Returns how many members a set has.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("scard", Group::Set, scard)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(1, -1, 1, &[RO, ACCESS])],
        summary: "Returns the members of a set that are in none of the others.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of elements in all given sets.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("sdiff", Group::Set, sdiff)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::range(2, -1, 1, &[RO, ACCESS])],
        summary: "Stores the members of a set that are in none of the others.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of elements in all given sets.",
        arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
        ..Command::new("sdiffstore", Group::Set, sdiffstore)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(1, -1, 1, &[RO, ACCESS])],
        summary: "Returns the members that several sets have in common.",
        since: "1.0.0",
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("sinter", Group::Set, sinter)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::counted(1, &[RO, ACCESS])],
        summary: "Returns how many members several sets have in common.",
        since: "7.0.0",
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("limit").after("LIMIT").optional(),
        ],
        ..Command::new("sintercard", Group::Set, sintercard)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RW, UPDATE]), KeySpec::range(2, -1, 1, &[RO, ACCESS])],
        summary: "Stores the members that several sets have in common.",
        since: "1.0.0",
        complexity: "O(N*M) worst case where N is the cardinality of the smallest set and M is the number of sets.",
        arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
        ..Command::new("sinterstore", Group::Set, sinterstore)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Tells whether a member is in a set.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("member")],
        ahead: Ahead::Element(2),
        ..Command::new("sismember", Group::Set, sismember)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns all members of a set.",
        since: "1.0.0",
        complexity: "O(N) where N is the set cardinality.",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("smembers", Group::Set, smembers)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Tells of several members whether each is in a set.",
        since: "6.2.0",
        complexity: "O(N) where N is the number of elements being checked for membership",
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("smismember", Group::Set, smismember)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[RW, INSERT])],
        summary: "Moves a member from one set to another.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("source", 0), Argument::key("destination", 1), Argument::string("member")],
        ahead: Ahead::Element(3),
        ..Command::new("smove", Group::Set, smove)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Removes members of a set that are chosen by chance, and returns them.",
        since: "1.0.0",
        complexity: "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
        history: &[("3.2.0", "Added the `count` argument.")],
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional().since("3.2.0")],
        ..Command::new("spop", Group::Set, spop)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns members of a set that are chosen by chance.",
        since: "1.0.0",
        complexity: "Without the count argument O(1), otherwise O(N) where N is the absolute value of the passed count.",
        history: &[("2.6.0", "Added the optional `count` argument.")],
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional().since("2.6.0")],
        ..Command::new("srandmember", Group::Set, srandmember)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes members from a set, and the set with its last one.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of members to be removed.",
        history: &[("2.4.0", "Accepts multiple `member` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("srem", Group::Set, srem)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns members of a set, a stretch at a time.",
        since: "2.8.0",
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("cursor"),
            Argument::pattern("pattern").after("MATCH").optional(),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("sscan", Group::Set, sscan)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SET]),
        tips: &["nondeterministic_output_order"],
        keys: &[KeySpec::range(1, -1, 1, &[RO, ACCESS])],
        summary: "Returns the members that are in any of several sets.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of elements in all given sets.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("sunion", Group::Set, sunion)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::range(2, -1, 1, &[RO, ACCESS])],
        summary: "Stores the members that are in any of several sets.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of elements in all given sets.",
        arguments: &[Argument::key("destination", 0), Argument::key("key", 1).multiple()],
        ..Command::new("sunionstore", Group::Set, sunionstore)
    },
];
