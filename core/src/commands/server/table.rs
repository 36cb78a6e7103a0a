//! The table of server commands.

use super::{
    bgrewriteaof, bgsave, command, command_count, command_docs, command_getkeys, command_getkeysandflags,
    command_help, command_info, command_list, config_get, config_help, config_resetstat, config_rewrite,
    config_set, container, dbsize, debug, flushall, flushdb, info, lastsave, save, shutdown, swapdb, time,
};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: 1,
        flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING]),
        summary: "Asynchronously rewrites the append-only file to disk.",
        since: "1.0.0",
        complexity: "O(1)",
        ..Command::new("bgrewriteaof", Group::Server, bgrewriteaof)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING]),
        summary: "Asynchronously saves the database(s) to disk.",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[("3.2.2", "Added the `SCHEDULE` option.")],
        arguments: &[Argument::token("schedule", "SCHEDULE").optional().since("3.2.2")],
        ..Command::new("bgsave", Group::Server, bgsave)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        categories: categories(&[Categories::CONNECTION]),
        tips: &["nondeterministic_output_order"],
        summary: "Returns detailed information about all commands.",
        since: "2.8.13",
        complexity: "O(N) where N is the total number of Redis commands",
        subcommands: &[
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns a count of commands.",
                since: "2.8.13",
                complexity: "O(1)",
                ..Command::part("command", "count", Group::Server, command_count)
            },
            Command {
                arity: -2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["nondeterministic_output_order"],
                summary: "Returns documentary information about one, multiple or all commands.",
                since: "7.0.0",
                complexity: "O(N) where N is the number of commands to look up",
                arguments: &[Argument::string("command-name").optional().multiple()],
                ..Command::part("command", "docs", Group::Server, command_docs)
            },
            Command {
                arity: -3,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Extracts the key names from an arbitrary command.",
                since: "2.8.13",
                complexity: "O(N) where N is the number of arguments to the command",
                arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
                ..Command::part("command", "getkeys", Group::Server, command_getkeys)
            },
            Command {
                arity: -3,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Extracts the key names and access flags for an arbitrary command.",
                since: "7.0.0",
                complexity: "O(N) where N is the number of arguments to the command",
                arguments: &[Argument::string("command"), Argument::string("arg").optional().multiple()],
                ..Command::part("command", "getkeysandflags", Group::Server, command_getkeysandflags)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns helpful text about the different subcommands.",
                since: "5.0.0",
                complexity: "O(1)",
                ..Command::part("command", "help", Group::Server, command_help)
            },
            Command {
                arity: -2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["nondeterministic_output_order"],
                summary: "Returns information about one, multiple or all commands.",
                since: "2.8.13",
                complexity: "O(N) where N is the number of commands to look up",
                history: &[("7.0.0", "Allowed to be called with no argument to get info on all commands.")],
                arguments: &[Argument::string("command-name").optional().multiple()],
                ..Command::part("command", "info", Group::Server, command_info)
            },
            Command {
                arity: -2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["nondeterministic_output_order"],
                summary: "Returns a list of command names.",
                since: "7.0.0",
                complexity: "O(N) where N is the total number of Redis commands",
                arguments: &[Argument::one_of(
                    "filterby",
                    &[
                        Argument::string("module-name").after("MODULE"),
                        Argument::string("category").after("ACLCAT"),
                        Argument::pattern("pattern").after("PATTERN"),
                    ],
                )
                .after("FILTERBY")
                .optional()],
                ..Command::part("command", "list", Group::Server, command_list)
            },
        ],
        ..Command::new("command", Group::Server, command)
    },
    Command {
        arity: -2,
        summary: "A container for server configuration commands.",
        since: "2.0.0",
        complexity: "Depends on subcommand.",
        subcommands: &[
            Command {
                arity: -3,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                summary: "Returns the effective values of configuration parameters.",
                since: "2.0.0",
                complexity: "O(N) when N is the number of configuration parameters provided",
                history: &[("7.0.0", "Added the ability to pass multiple pattern parameters in one call")],
                arguments: &[Argument::string("parameter").multiple()],
                ..Command::part("config", "get", Group::Server, config_get)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                summary: "Returns helpful text about the different subcommands.",
                since: "5.0.0",
                complexity: "O(1)",
                ..Command::part("config", "help", Group::Server, config_help)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                summary: "Resets the server's statistics.",
                since: "2.0.0",
                complexity: "O(1)",
                ..Command::part("config", "resetstat", Group::Server, config_resetstat)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                summary: "Persists the effective configuration to file.",
                since: "2.8.0",
                complexity: "O(1)",
                ..Command::part("config", "rewrite", Group::Server, config_rewrite)
            },
            Command {
                arity: -4,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                summary: "Sets configuration parameters in-flight.",
                since: "2.0.0",
                complexity: "O(N) when N is the number of configuration parameters provided",
                history: &[("7.0.0", "Added the ability to set multiple parameters in one call.")],
                arguments: &[Argument::block(
                    "data",
                    &[Argument::string("parameter"), Argument::string("value")],
                )
                .multiple()],
                ..Command::part("config", "set", Group::Server, config_set)
            },
        ],
        ..Command::new("config", Group::Server, container)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::READONLY, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE]),
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        summary: "Returns the number of keys in the database.",
        since: "1.0.0",
        complexity: "O(1)",
        ..Command::new("dbsize", Group::Server, dbsize)
    },
    Command {
        arity: -2,
        flags: flags(&[Flags::PROTECTED, Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
        summary: "A container for debugging commands.",
        since: "1.0.0",
        complexity: "Depends on subcommand.",
        doc_flags: &["syscmd"],
        ..Command::new("debug", Group::Server, debug)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        summary: "Removes all keys from all databases.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of keys in all databases",
        history: &[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ],
        arguments: &[Argument::one_of(
            "flush-type",
            &[
                Argument::token("async", "ASYNC").since("4.0.0"),
                Argument::token("sync", "SYNC").since("6.2.0"),
            ],
        )
        .optional()],
        ..Command::new("flushall", Group::Server, flushall)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::WRITE]),
        categories: categories(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        summary: "Remove all keys from the current database.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of keys in the selected database",
        history: &[
            ("4.0.0", "Added the `ASYNC` flushing mode modifier."),
            ("6.2.0", "Added the `SYNC` flushing mode modifier."),
        ],
        arguments: &[Argument::one_of(
            "flush-type",
            &[
                Argument::token("async", "ASYNC").since("4.0.0"),
                Argument::token("sync", "SYNC").since("6.2.0"),
            ],
        )
        .optional()],
        ..Command::new("flushdb", Group::Server, flushdb)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::LOADING, Flags::STALE]),
        categories: categories(&[Categories::DANGEROUS]),
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        summary: "Returns information and statistics about the server.",
        since: "1.0.0",
        complexity: "O(1)",
        history: &[("7.0.0", "Added support for taking multiple section arguments.")],
        arguments: &[Argument::string("section").optional().multiple()],
        ..Command::new("info", Group::Server, info)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: categories(&[Categories::ADMIN, Categories::DANGEROUS]),
        tips: &["nondeterministic_output"],
        summary: "Returns the Unix timestamp of the last successful save to disk.",
        since: "1.0.0",
        complexity: "O(1)",
        ..Command::new("lastsave", Group::Server, lastsave)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::NO_ASYNC_LOADING, Flags::NO_MULTI]),
        summary: "Synchronously saves the database(s) to disk.",
        since: "1.0.0",
        complexity: "O(N) where N is the total number of keys in all databases",
        ..Command::new("save", Group::Server, save)
    },
    Command {
        arity: -1,
        flags: flags(&[
            Flags::ADMIN,
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::NO_MULTI,
            Flags::ALLOW_BUSY,
        ]),
        summary: "Synchronously saves the database(s) to disk and shuts down the Redis server.",
        since: "1.0.0",
        complexity: "O(N) when saving, where N is the total number of keys in all databases when saving \
            data, otherwise O(1)",
        history: &[("7.0.0", "Added the `NOW`, `FORCE` and `ABORT` modifiers.")],
        arguments: &[
            Argument::one_of(
                "save-selector",
                &[Argument::token("nosave", "NOSAVE"), Argument::token("save", "SAVE")],
            )
            .optional(),
            Argument::token("now", "NOW").optional().since("7.0.0"),
            Argument::token("force", "FORCE").optional().since("7.0.0"),
            Argument::token("abort", "ABORT").optional().since("7.0.0"),
        ],
        ..Command::new("shutdown", Group::Server, shutdown)
    },
    Command {
        arity: 3,
        flags: flags(&[Flags::WRITE, Flags::FAST]),
        categories: categories(&[Categories::KEYSPACE, Categories::DANGEROUS]),
        summary: "Swaps two Redis databases.",
        since: "4.0.0",
        complexity: "O(N) where N is the count of clients watching or blocking on keys from both \
            databases.",
        arguments: &[Argument::integer("index1"), Argument::integer("index2")],
        ..Command::new("swapdb", Group::Server, swapdb)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        tips: &["nondeterministic_output"],
        summary: "Returns the server time.",
        since: "2.6.0",
        complexity: "O(1)",
        ..Command::new("time", Group::Server, time)
    },
];
