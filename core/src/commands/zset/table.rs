//! The table of sorted set commands.

use super::{
    bzmpop, bzpopmax, bzpopmin, zadd, zcard, zcount, zdiff, zdiffstore, zincrby, zinter, zintercard,
    zinterstore, zlexcount, zmpop, zmscore, zpopmax, zpopmin, zrandmember, zrange, zrangebylex,
    zrangebyscore, zrangestore, zrank, zrem, zremrangebylex, zremrangebyrank, zremrangebyscore, zrevrange,
    zrevrangebylex, zrevrangebyscore, zrevrank, zscan, zscore, zunion, zunionstore,
};
use crate::commands::key_spec::{ACCESS, DELETE, KeySpec, OW, RO, RW, UPDATE};
use crate::commands::table::{Ahead, Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -5,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(2, &[RW, ACCESS, DELETE])],
        summary: "Pops the lowest or highest members of the first sorted set that is not empty; waits for one.",
        since: "7.0.0",
        complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
        arguments: &[
            Argument::double("timeout"),
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::token("min", "MIN"), Argument::token("max", "MAX")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("bzmpop", Group::SortedSet, bzmpop)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::range(1, -2, 1, &[RW, ACCESS, DELETE])],
        summary: "Pops the member with the highest score from the first sorted set that is not empty; waits for one.",
        since: "5.0.0",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        ..Command::new("bzpopmax", Group::SortedSet, bzpopmax)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::BLOCKING, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::range(1, -2, 1, &[RW, ACCESS, DELETE])],
        summary: "Pops the member with the lowest score from the first sorted set that is not empty; waits for one.",
        since: "5.0.0",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        history: &[("6.0.0", "`timeout` is interpreted as a double instead of an integer.")],
        arguments: &[Argument::key("key", 0).multiple(), Argument::double("timeout")],
        ..Command::new("bzpopmin", Group::SortedSet, bzpopmin)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, UPDATE])],
        summary: "Adds members with their scores to a sorted set, or changes the scores of those it has.",
        since: "1.2.0",
        complexity: "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        history: &[
            ("2.4.0", "Accepts multiple elements."),
            ("3.0.2", "Added the `XX`, `NX`, `CH` and `INCR` options."),
            ("6.2.0", "Added the `GT` and `LT` options."),
        ],
        arguments: &[
            Argument::key("key", 0),
            Argument::one_of("condition", &[Argument::token("nx", "NX"), Argument::token("xx", "XX")])
                .optional()
                .since("3.0.2"),
            Argument::one_of("comparison", &[Argument::token("gt", "GT"), Argument::token("lt", "LT")])
                .optional()
                .since("6.2.0"),
            Argument::token("change", "CH").optional().since("3.0.2"),
            Argument::token("increment", "INCR").optional().since("3.0.2"),
            Argument::block("score_member", &[Argument::double("score"), Argument::string("member")])
                .multiple(),
        ],
        ahead: Ahead::Score(3),
        ..Command::new("zadd", Group::SortedSet, zadd)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO])],
        summary: "Counts the members of a sorted set.",
        since: "1.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0)],
        ..Command::new("zcard", Group::SortedSet, zcard)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Counts the members of a sorted set whose scores are within a range.",
        since: "2.0.0",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
        ..Command::new("zcount", Group::SortedSet, zcount)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set that no other one has.",
        since: "6.2.0",
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::token("withscores", "WITHSCORES").optional(),
        ],
        ..Command::new("zdiff", Group::SortedSet, zdiff)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::counted(2, &[RO, ACCESS])],
        summary: "Keeps the members of a sorted set that no other one has under a key.",
        since: "6.2.0",
        complexity: "O(L + (N-K)log(N)) worst case where L is the total number of elements in all the sets, N is the size of the first set, and K is the size of the result set.",
        arguments: &[
            Argument::key("destination", 0),
            Argument::integer("numkeys"),
            Argument::key("key", 1).multiple(),
        ],
        ..Command::new("zdiffstore", Group::SortedSet, zdiffstore)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, UPDATE])],
        summary: "Adds to the score of a member; a missing one counts as zero.",
        since: "1.2.0",
        complexity: "O(log(N)) where N is the number of elements in the sorted set.",
        arguments: &[Argument::key("key", 0), Argument::integer("increment"), Argument::string("member")],
        ahead: Ahead::Rank(3),
        ..Command::new("zincrby", Group::SortedSet, zincrby)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(1, &[RO, ACCESS])],
        summary: "Returns the members that all of several sorted sets have.",
        since: "6.2.0",
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[
                    Argument::token("sum", "SUM"),
                    Argument::token("min", "MIN"),
                    Argument::token("max", "MAX"),
                ],
            )
            .after("AGGREGATE")
            .optional(),
            Argument::token("withscores", "WITHSCORES").optional(),
        ],
        ..Command::new("zinter", Group::SortedSet, zinter)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(1, &[RO, ACCESS])],
        summary: "Counts the members that all of several sorted sets have.",
        since: "7.0.0",
        complexity: "O(N*K) worst case with N being the smallest input sorted set, K being the number of input sorted sets.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("limit").after("LIMIT").optional(),
        ],
        ..Command::new("zintercard", Group::SortedSet, zintercard)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::counted(2, &[RO, ACCESS])],
        summary: "Keeps the members that all of several sorted sets have under a key.",
        since: "2.0.0",
        complexity: "O(N*K)+O(M*log(M)) worst case with N being the smallest input sorted set, K being the number of input sorted sets and M being the number of elements in the resulting sorted set.",
        arguments: &[
            Argument::key("destination", 0),
            Argument::integer("numkeys"),
            Argument::key("key", 1).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[
                    Argument::token("sum", "SUM"),
                    Argument::token("min", "MIN"),
                    Argument::token("max", "MAX"),
                ],
            )
            .after("AGGREGATE")
            .optional(),
        ],
        ..Command::new("zinterstore", Group::SortedSet, zinterstore)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Counts the members of a sorted set between two others, in the order of their bytes.",
        since: "2.8.9",
        complexity: "O(log(N)) with N being the number of elements in the sorted set.",
        arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
        ..Command::new("zlexcount", Group::SortedSet, zlexcount)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(1, &[RW, ACCESS, DELETE])],
        summary: "Pops the lowest or highest members of the first sorted set that is not empty.",
        since: "7.0.0",
        complexity: "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of elements in the sorted set, and M being the number of elements popped.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::one_of("where", &[Argument::token("min", "MIN"), Argument::token("max", "MAX")]),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("zmpop", Group::SortedSet, zmpop)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the scores of several members of a sorted set.",
        since: "6.2.0",
        complexity: "O(N) where N is the number of members being requested.",
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        ahead: Ahead::Element(2),
        ..Command::new("zmscore", Group::SortedSet, zmscore)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Removes the members with the highest scores from a sorted set and returns them.",
        since: "5.0.0",
        complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
        ..Command::new("zpopmax", Group::SortedSet, zpopmax)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, ACCESS, DELETE])],
        summary: "Removes the members with the lowest scores from a sorted set and returns them.",
        since: "5.0.0",
        complexity: "O(log(N)*M) with N being the number of elements in the sorted set, and M being the number of elements popped.",
        arguments: &[Argument::key("key", 0), Argument::integer("count").optional()],
        ..Command::new("zpopmin", Group::SortedSet, zpopmin)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns members of a sorted set chosen by chance.",
        since: "6.2.0",
        complexity: "O(N) where N is the number of elements returned",
        arguments: &[
            Argument::key("key", 0),
            Argument::block(
                "options",
                &[Argument::integer("count"), Argument::token("withscores", "WITHSCORES").optional()],
            )
            .optional(),
        ],
        ..Command::new("zrandmember", Group::SortedSet, zrandmember)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set within a range of ranks, scores or names.",
        since: "1.2.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
        history: &[("6.2.0", "Added the `REV`, `BYSCORE`, `BYLEX` and `LIMIT` options.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("start"),
            Argument::string("stop"),
            Argument::one_of(
                "sortby",
                &[Argument::token("byscore", "BYSCORE"), Argument::token("bylex", "BYLEX")],
            )
            .optional()
            .since("6.2.0"),
            Argument::token("rev", "REV").optional().since("6.2.0"),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional()
                .since("6.2.0"),
            Argument::token("withscores", "WITHSCORES").optional(),
        ],
        ..Command::new("zrange", Group::SortedSet, zrange)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set between two others, in the order of their bytes.",
        since: "2.8.9",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`ZRANGE` with the `BYLEX` argument"),
        arguments: &[
            Argument::key("key", 0),
            Argument::string("min"),
            Argument::string("max"),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        ..Command::new("zrangebylex", Group::SortedSet, zrangebylex)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set whose scores are within a range.",
        since: "1.0.5",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        history: &[("2.0.0", "Added the `WITHSCORES` modifier.")],
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`ZRANGE` with the `BYSCORE` argument"),
        arguments: &[
            Argument::key("key", 0),
            Argument::double("min"),
            Argument::double("max"),
            Argument::token("withscores", "WITHSCORES").optional().since("2.0.0"),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        ..Command::new("zrangebyscore", Group::SortedSet, zrangebyscore)
    },
    Command {
        arity: -5,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::one(2, &[RO, ACCESS])],
        summary: "Keeps the members of a sorted set within a range under another key.",
        since: "6.2.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements stored into the destination key.",
        arguments: &[
            Argument::key("dst", 0),
            Argument::key("src", 1),
            Argument::string("min"),
            Argument::string("max"),
            Argument::one_of(
                "sortby",
                &[Argument::token("byscore", "BYSCORE"), Argument::token("bylex", "BYLEX")],
            )
            .optional(),
            Argument::token("rev", "REV").optional(),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        ..Command::new("zrangestore", Group::SortedSet, zrangestore)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns a member's place in a sorted set, counted from the lowest score.",
        since: "2.0.0",
        complexity: "O(log(N))",
        history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::token("withscore", "WITHSCORE").optional(),
        ],
        ahead: Ahead::Rank(2),
        ..Command::new("zrank", Group::SortedSet, zrank)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes members from a sorted set.",
        since: "1.2.0",
        complexity: "O(M*log(N)) with N being the number of elements in the sorted set and M the number of elements to be removed.",
        history: &[("2.4.0", "Accepts multiple elements.")],
        arguments: &[Argument::key("key", 0), Argument::string("member").multiple()],
        ahead: Ahead::Rank(2),
        ..Command::new("zrem", Group::SortedSet, zrem)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes the members of a sorted set between two others, in the order of their bytes.",
        since: "2.8.9",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        arguments: &[Argument::key("key", 0), Argument::string("min"), Argument::string("max")],
        ..Command::new("zremrangebylex", Group::SortedSet, zremrangebylex)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes the members of a sorted set within a range of ranks.",
        since: "2.0.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        arguments: &[Argument::key("key", 0), Argument::integer("start"), Argument::integer("stop")],
        ..Command::new("zremrangebyrank", Group::SortedSet, zremrangebyrank)
    },
    Command {
        arity: 4,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RW, DELETE])],
        summary: "Removes the members of a sorted set whose scores are within a range.",
        since: "1.2.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements removed by the operation.",
        arguments: &[Argument::key("key", 0), Argument::double("min"), Argument::double("max")],
        ..Command::new("zremrangebyscore", Group::SortedSet, zremrangebyscore)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set within a range of ranks, from the highest score on.",
        since: "1.2.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements returned.",
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`ZRANGE` with the `REV` argument"),
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("start"),
            Argument::integer("stop"),
            Argument::token("withscores", "WITHSCORES").optional(),
        ],
        ..Command::new("zrevrange", Group::SortedSet, zrevrange)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set between two others, in the reverse order of their bytes.",
        since: "2.8.9",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`ZRANGE` with the `REV` and `BYLEX` arguments"),
        arguments: &[
            Argument::key("key", 0),
            Argument::string("max"),
            Argument::string("min"),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        ..Command::new("zrevrangebylex", Group::SortedSet, zrevrangebylex)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the members of a sorted set whose scores are within a range, from the highest on.",
        since: "2.2.0",
        complexity: "O(log(N)+M) with N being the number of elements in the sorted set and M the number of elements being returned. If M is constant (e.g. always asking for the first 10 elements with LIMIT), you can consider it O(log(N)).",
        history: &[("2.1.6", "`min` and `max` can be exclusive.")],
        doc_flags: &["deprecated"],
        deprecated_since: Some("6.2.0"),
        replaced_by: Some("`ZRANGE` with the `REV` and `BYSCORE` arguments"),
        arguments: &[
            Argument::key("key", 0),
            Argument::double("max"),
            Argument::double("min"),
            Argument::token("withscores", "WITHSCORES").optional(),
            Argument::block("offset_count", &[Argument::integer("offset"), Argument::integer("count")])
                .after("LIMIT")
                .optional(),
        ],
        ..Command::new("zrevrangebyscore", Group::SortedSet, zrevrangebyscore)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns a member's place in a sorted set, counted from the highest score.",
        since: "2.0.0",
        complexity: "O(log(N))",
        history: &[("7.2.0", "Added the optional `WITHSCORE` argument.")],
        arguments: &[
            Argument::key("key", 0),
            Argument::string("member"),
            Argument::token("withscore", "WITHSCORE").optional(),
        ],
        ahead: Ahead::Rank(2),
        ..Command::new("zrevrank", Group::SortedSet, zrevrank)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        tips: &["nondeterministic_output"],
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Iterates over the members of a sorted set and their scores.",
        since: "2.8.0",
        complexity: "O(1) for every call. O(N) for a complete iteration, including enough command calls for the cursor to return back to 0. N is the number of elements inside the collection..",
        arguments: &[
            Argument::key("key", 0),
            Argument::integer("cursor"),
            Argument::pattern("pattern").after("MATCH").optional(),
            Argument::integer("count").after("COUNT").optional(),
        ],
        ..Command::new("zscan", Group::SortedSet, zscan)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[RO, ACCESS])],
        summary: "Returns the score of a member of a sorted set.",
        since: "1.2.0",
        complexity: "O(1)",
        arguments: &[Argument::key("key", 0), Argument::string("member")],
        ahead: Ahead::Element(2),
        ..Command::new("zscore", Group::SortedSet, zscore)
    },
    Command {
        arity: -3,
        flags: flags(&[Flags::READONLY]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::counted(1, &[RO, ACCESS])],
        summary: "Returns the members that any of several sorted sets has.",
        since: "6.2.0",
        complexity: "O(N)+O(M*log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        arguments: &[
            Argument::integer("numkeys"),
            Argument::key("key", 0).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[
                    Argument::token("sum", "SUM"),
                    Argument::token("min", "MIN"),
                    Argument::token("max", "MAX"),
                ],
            )
            .after("AGGREGATE")
            .optional(),
            Argument::token("withscores", "WITHSCORES").optional(),
        ],
        ..Command::new("zunion", Group::SortedSet, zunion)
    },
    Command {
        arity: -4,
        flags: flags(&[Flags::WRITE, Flags::DENYOOM]),
        categories: categories(&[Categories::SORTED_SET]),
        keys: &[KeySpec::one(1, &[OW, UPDATE]), KeySpec::counted(2, &[RO, ACCESS])],
        summary: "Keeps the members that any of several sorted sets has under a key.",
        since: "2.0.0",
        complexity: "O(N)+O(M log(M)) with N being the sum of the sizes of the input sorted sets, and M being the number of elements in the resulting sorted set.",
        arguments: &[
            Argument::key("destination", 0),
            Argument::integer("numkeys"),
            Argument::key("key", 1).multiple(),
            Argument::integer("weight").after("WEIGHTS").optional().multiple(),
            Argument::one_of(
                "aggregate",
                &[
                    Argument::token("sum", "SUM"),
                    Argument::token("min", "MIN"),
                    Argument::token("max", "MAX"),
                ],
            )
            .after("AGGREGATE")
            .optional(),
        ],
        ..Command::new("zunionstore", Group::SortedSet, zunionstore)
    },
];
