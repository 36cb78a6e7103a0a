//! The table of list commands.

use super::{
    blmove, blmpop, blpop, brpop, brpoplpush, lindex, linsert, llen, lmove, lmpop, lpop, lpos, lpush, lpushx,
    lrange, lrem, lset, ltrim, rpop, rpoplpush, rpush, rpushx,
};
use crate::commands::key_spec::{ACCESS, DELETE, INSERT, KeySpec, RO, RW, UPDATE};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: 6,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[RW, INSERT])],
        summary: "Moves an element from one list to another; waits for one if the first list is missing.",
        since: "6.2.0",
        complexity: "O(1)",
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::one_of(
                "wherefrom",
                &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")],
            ),
            Argument::one_of(
                "whereto",
                &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")],
            ),
            Argument::double("timeout"),
        ],
        ..Command::new("blmove", Group::List, blmove)
    },
    Command {
        arity: -5,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::counted(2, &[RW, ACCESS, DELETE])],
        summary: "Removes elements from the first of several lists that is there; waits for one if none is.",
        since: "7.0.0",
        complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        arguments: &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("blmpop", Group::List, blmpop)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::range(1, -2, 1, &[RW, ACCESS, DELETE])],
        summary: "Removes the first element of the first of several lists that is there; waits for one if none is.",
        since: "2.0.0",
        complexity: "O(N) where N is the number of provided keys.",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        ..Command::new("blpop", Group::List, blpop)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::range(1, -2, 1, &[RW, ACCESS, DELETE])],
        summary: "Removes the last element of the first of several lists that is there; waits for one if none is.",
        since: "2.0.0",
        complexity: "O(N) where N is the number of provided keys.",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        ..Command::new("brpop", Group::List, brpop)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::BLOCKING]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[RW, INSERT])],
        summary: "Moves the last element of a list to the front of another; waits for one if the first list is missing.",
        since: "2.2.0",
        complexity: "O(1)",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`BLMOVE` with the `RIGHT` and `LEFT` arguments"),
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::double("timeout"),
        ],
        ..Command::new("brpoplpush", Group::List, brpoplpush)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the element of a list at an index.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of elements to traverse to get to the element at index. This makes asking for the first or the last element of the list O(1).",
        arguments: &[Argument::key("key", 0), Argument::integer("index")],
        ..Command::new("lindex", Group::List, lindex)
    },
    Command {
        arity: 5,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds an element to a list before or after another one.",
        since: "2.2.0",
        complexity: "O(N) where N is the number of elements to traverse before seeing the value pivot. This means that inserting somewhere on the left end on the list (head) can be considered O(1) and inserting somewhere on the right end (tail) is O(N).",
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of(
                "where",
                &[Argument::token("before", "BEFORE"), Argument::token("after", "AFTER")],
            ),
            Argument::string("pivot"),
            Argument::string("element"),
        ],
        ..Command::new("linsert", Group::List, linsert)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Returns the number of elements in a list.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("llen", Group::List, llen)
    },
    Command {
        arity: 5,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[RW, INSERT])],
        summary: "Moves an element from one end of a list to an end of another or the same list.",
        since: "6.2.0",
        complexity: "O(1)",
        arguments: &[
            Argument::key("source", 0),
            Argument::key("destination", 1),
            Argument::one_of(
                "wherefrom",
                &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")],
            ),
            Argument::one_of(
                "whereto",
                &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")],
            ),
        ],
        ..Command::new("lmove", Group::List, lmove)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::counted(1, &[RW, ACCESS, DELETE])],
        summary: "Removes elements from the first of several lists that is there.",
        since: "7.0.0",
        complexity: "O(N+M) where N is the number of provided keys and M is the number of elements returned.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::token("left", "LEFT"), Argument::token("right", "RIGHT")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("lmpop", Group::List, lmpop)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Removes the first elements of a list and returns them.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of elements returned",
        history: &[("6.2.0", "Added the `count` argument.")],
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional().since("6.2.0")],
        ..Command::new("lpop", Group::List, lpop)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns where elements equal to a value are in a list.",
        since: "6.0.6",
        complexity: "O(N) where N is the number of elements in the list, for the average case. When searching for elements near the head or the tail of the list, or when the MAXLEN option is provided, the command may run in constant time.",
        arguments: &[
            Argument::key("key", 0),
            Argument::string("element"),
            Argument::integer("rank").after("RANK").optional(),
            Argument::integer("num-matches").after("COUNT").optional(),
            Argument::integer("len").after("MAXLEN").optional(),
        ],
        ..Command::new("lpos", Group::List, lpos)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds elements to the front of a list; a missing key counts as empty.",
        since: "1.0.0",
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("2.4.0", "Accepts multiple `element` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
        ..Command::new("lpush", Group::List, lpush)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds elements to the front of a list if it is there.",
        since: "2.2.0",
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("4.0.0", "Accepts multiple `element` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
        ..Command::new("lpushx", Group::List, lpushx)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the elements of a list between two indices.",
        since: "1.0.0",
        complexity: "O(S+N) where S is the distance of start offset from HEAD for small lists, from nearest end (HEAD or TAIL) for large lists; and N is the number of elements in the specified range.",
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
        ..Command::new("lrange", Group::List, lrange)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes elements equal to a value from a list.",
        since: "1.0.0",
        complexity: "O(N+M) where N is the length of the list and M is the number of elements removed.",
        arguments: &[Argument::key("key", 0), Argument::integer("count"), Argument::string("element")],
        ..Command::new("lrem", Group::List, lrem)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Replaces the element of a list at an index.",
        since: "1.0.0",
        complexity: "O(N) where N is the length of the list. Setting either the first or the last element of the list is O(1).",
        arguments: &[Argument::key("key", 0), Argument::integer("index"), Argument::string("element")],
        ..Command::new("lset", Group::List, lset)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes all elements of a list but those between two indices.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of elements to be removed by the operation.",
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
        ..Command::new("ltrim", Group::List, ltrim)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Removes the last elements of a list and returns them.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of elements returned",
        history: &[("6.2.0", "Added the `count` argument.")],
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional().since("6.2.0")],
        ..Command::new("rpop", Group::List, rpop)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE]), KeySpec::one(2, &[RW, INSERT])],
        summary: "Moves the last element of a list to the front of another or the same list.",
        since: "1.2.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`LMOVE` with the `RIGHT` and `LEFT` arguments"),
        arguments: &[Argument::key("source", 0), Argument::key("destination", 1)],
        ..Command::new("rpoplpush", Group::List, rpoplpush)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds elements to the end of a list; a missing key counts as empty.",
        since: "1.0.0",
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("2.4.0", "Accepts multiple `element` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
        ..Command::new("rpush", Group::List, rpush)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::LIST]),
        keys: &[KeySpec::one(1, &[RW, INSERT])],
        summary: "Adds elements to the end of a list if it is there.",
        since: "2.2.0",
        complexity: "O(1) for each element added, so O(N) to add N elements when the command is called with multiple arguments.",
        history: &[("4.0.0", "Accepts multiple `element` arguments.")],
        arguments: &[Argument::key("key", 0), Argument::string("element").multiple()],
        ..Command::new("rpushx", Group::List, rpushx)
    },
];
