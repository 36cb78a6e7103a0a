//! The table of connection commands.

use super::{
    auth, client_getname, client_getredir, client_help, client_id, client_info, client_kill, client_list,
    client_no_evict, client_no_touch, client_pause, client_reply, client_setinfo, client_setname,
    client_unblock, client_unpause, container, echo, hello, ping, quit, reset, select,
};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: -2,
        flags: flags(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::ALLOW_BUSY,
        ]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Authenticates the connection.",
        since: "1.0.0",
        complexity: "O(N) where N is the number of passwords defined for the user",
        history: &[("6.0.0", "Added ACL style (username and password).")],
        arguments: &[Argument::string("username").optional().since("6.0.0"), Argument::string("password")],
        ..Command::new("auth", Group::Connection, auth)
    },
    Command {
        arity: -2,
        summary: "A container for client connection commands.",
        since: "2.4.0",
        complexity: "Depends on subcommand.",
        subcommands: &[
            Command {
                arity: 2,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns the name of the connection.",
                since: "2.6.9",
                complexity: "O(1)",
                ..Command::part("client", "getname", Group::Connection, client_getname)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns the ID of the client that tracking notifications are redirected to.",
                since: "6.0.0",
                complexity: "O(1)",
                ..Command::part("client", "getredir", Group::Connection, client_getredir)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns helpful text about the different subcommands.",
                since: "5.0.0",
                complexity: "O(1)",
                ..Command::part("client", "help", Group::Connection, client_help)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Returns the unique client ID of the connection.",
                since: "5.0.0",
                complexity: "O(1)",
                ..Command::part("client", "id", Group::Connection, client_id)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["nondeterministic_output"],
                summary: "Returns information about the connection.",
                since: "6.2.0",
                complexity: "O(1)",
                ..Command::part("client", "info", Group::Connection, client_info)
            },
            Command {
                arity: -3,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Terminates open connections.",
                since: "2.4.0",
                complexity: "O(N) where N is the number of client connections",
                history: &[
                    ("2.8.12", "Added new filter format."),
                    ("2.8.12", "`ID` option."),
                    ("3.2.0", "Added `master` type in for `TYPE` option."),
                    (
                        "5.0.0",
                        "Replaced `slave` `TYPE` with `replica`. `slave` still supported for backward \
                            compatibility.",
                    ),
                    ("6.2.0", "`LADDR` option."),
                ],
                arguments: &[Argument::one_of(
                    "filter",
                    &[
                        Argument::string("old-format").shown("ip:port").deprecated("2.8.12"),
                        Argument::one_of(
                            "new-format",
                            &[
                                Argument::integer("client-id").after("ID").optional().since("2.8.12"),
                                Argument::one_of(
                                    "client-type",
                                    &[
                                        Argument::token("normal", "NORMAL"),
                                        Argument::token("master", "MASTER").since("3.2.0"),
                                        Argument::token("slave", "SLAVE"),
                                        Argument::token("replica", "REPLICA").since("5.0.0"),
                                        Argument::token("pubsub", "PUBSUB"),
                                    ],
                                )
                                .after("TYPE")
                                .optional()
                                .since("2.8.12"),
                                Argument::string("username").after("USER").optional(),
                                Argument::string("addr").shown("ip:port").after("ADDR").optional(),
                                Argument::string("laddr")
                                    .shown("ip:port")
                                    .after("LADDR")
                                    .optional()
                                    .since("6.2.0"),
                                Argument::one_of(
                                    "skipme",
                                    &[Argument::token("yes", "YES"), Argument::token("no", "NO")],
                                )
                                .after("SKIPME")
                                .optional(),
                            ],
                        )
                        .multiple(),
                    ],
                )],
                ..Command::part("client", "kill", Group::Connection, client_kill)
            },
            Command {
                arity: -2,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["nondeterministic_output"],
                summary: "Lists open connections.",
                since: "2.4.0",
                complexity: "O(N) where N is the number of client connections",
                history: &[
                    ("2.8.12", "Added unique client `id` field."),
                    ("5.0.0", "Added optional `TYPE` filter."),
                    ("6.0.0", "Added `user` field."),
                    (
                        "6.2.0",
                        "Added `argv-mem`, `tot-mem`, `laddr` and `redir` fields and the optional `ID` filter.",
                    ),
                    ("7.0.0", "Added `resp`, `multi-mem`, `rbs` and `rbp` fields."),
                    ("7.0.3", "Added `ssub` field."),
                    ("7.2.0", "Added `lib-name` and `lib-ver` fields."),
                ],
                arguments: &[
                    Argument::one_of(
                        "client-type",
                        &[
                            Argument::token("normal", "NORMAL"),
                            Argument::token("master", "MASTER"),
                            Argument::token("replica", "REPLICA"),
                            Argument::token("pubsub", "PUBSUB"),
                        ],
                    )
                    .after("TYPE")
                    .optional()
                    .since("5.0.0"),
                    Argument::integer("client-id").after("ID").optional().multiple().since("6.2.0"),
                ],
                ..Command::part("client", "list", Group::Connection, client_list)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Sets the client eviction mode of the connection.",
                since: "7.0.0",
                complexity: "O(1)",
                arguments: &[Argument::one_of(
                    "enabled",
                    &[Argument::token("on", "ON"), Argument::token("off", "OFF")],
                )],
                ..Command::part("client", "no-evict", Group::Connection, client_no_evict)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Controls whether commands sent by the client affect the LRU/LFU of accessed keys.",
                since: "7.2.0",
                complexity: "O(1)",
                arguments: &[Argument::one_of(
                    "enabled",
                    &[Argument::token("on", "ON"), Argument::token("off", "OFF")],
                )],
                ..Command::part("client", "no-touch", Group::Connection, client_no_touch)
            },
            Command {
                arity: -3,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Suspends commands processing.",
                since: "2.9.50",
                complexity: "O(1)",
                history: &[("6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option.")],
                arguments: &[
                    Argument::integer("timeout"),
                    Argument::one_of(
                        "mode",
                        &[Argument::token("write", "WRITE"), Argument::token("all", "ALL")],
                    )
                    .optional()
                    .since("6.2.0"),
                ],
                ..Command::part("client", "pause", Group::Connection, client_pause)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Instructs the server whether to reply to commands.",
                since: "3.2.0",
                complexity: "O(1)",
                arguments: &[Argument::one_of(
                    "action",
                    &[
                        Argument::token("on", "ON"),
                        Argument::token("off", "OFF"),
                        Argument::token("skip", "SKIP"),
                    ],
                )],
                ..Command::part("client", "reply", Group::Connection, client_reply)
            },
            Command {
                arity: 4,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                summary: "Sets information specific to the client or connection.",
                since: "7.2.0",
                complexity: "O(1)",
                arguments: &[Argument::one_of(
                    "attr",
                    &[
                        Argument::string("libname").after("LIB-NAME"),
                        Argument::string("libver").after("LIB-VER"),
                    ],
                )],
                ..Command::part("client", "setinfo", Group::Connection, client_setinfo)
            },
            Command {
                arity: 3,
                flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
                summary: "Sets the connection name.",
                since: "2.6.9",
                complexity: "O(1)",
                arguments: &[Argument::string("connection-name")],
                ..Command::part("client", "setname", Group::Connection, client_setname)
            },
            Command {
                arity: -3,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Unblocks a client blocked by a blocking command from a different connection.",
                since: "5.0.0",
                complexity: "O(log N) where N is the number of client connections",
                arguments: &[
                    Argument::integer("client-id"),
                    Argument::one_of(
                        "unblock-type",
                        &[Argument::token("timeout", "TIMEOUT"), Argument::token("error", "ERROR")],
                    )
                    .optional(),
                ],
                ..Command::part("client", "unblock", Group::Connection, client_unblock)
            },
            Command {
                arity: 2,
                flags: flags(&[Flags::ADMIN, Flags::NOSCRIPT, Flags::LOADING, Flags::STALE]),
                categories: categories(&[Categories::CONNECTION]),
                summary: "Resumes processing commands from paused clients.",
                since: "6.2.0",
                complexity: "O(N) Where N is the number of paused clients",
                ..Command::part("client", "unpause", Group::Connection, client_unpause)
            },
        ],
        ..Command::new("client", Group::Connection, container)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Returns the given string.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::string("message")],
        ..Command::new("echo", Group::Connection, echo)
    },
    Command {
        arity: -1,
        flags: flags(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::ALLOW_BUSY,
        ]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Handshakes with the Redis server.",
        since: "6.0.0",
        complexity: "O(1)",
        history: &[(
            "6.2.0",
            "`protover` made optional; when called without arguments the command reports the current \
                connection's context.",
        )],
        arguments: &[Argument::block(
            "arguments",
            &[
                Argument::integer("protover"),
                Argument::block("auth", &[Argument::string("username"), Argument::string("password")])
                    .after("AUTH")
                    .optional(),
                Argument::string("clientname").after("SETNAME").optional(),
            ],
        )
        .optional()],
        ..Command::new("hello", Group::Connection, hello)
    },
    Command {
        arity: -1,
        flags: flags(&[Flags::FAST]),
        categories: categories(&[Categories::CONNECTION]),
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        summary: "Returns the server's liveliness response.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::string("message").optional()],
        ..Command::new("ping", Group::Connection, ping)
    },
    Command {
        arity: -1,
        flags: flags(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::ALLOW_BUSY,
        ]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Closes the connection.",
        since: "1.0.0",
        complexity: "O(1)",
        doc_flags: &["deprecated"],
        deprecated_since: Some("7.2.0"),
        replaced_by: Some("just closing the connection"),
        ..Command::new("quit", Group::Connection, quit)
    },
    Command {
        arity: 1,
        flags: flags(&[
            Flags::NOSCRIPT,
            Flags::LOADING,
            Flags::STALE,
            Flags::FAST,
            Flags::NO_AUTH,
            Flags::ALLOW_BUSY,
        ]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Resets the connection.",
        since: "6.2.0",
        complexity: "O(1)",
        ..Command::new("reset", Group::Connection, reset)
    },
    Command {
        arity: 2,
        flags: flags(&[Flags::LOADING, Flags::STALE, Flags::FAST]),
        categories: categories(&[Categories::CONNECTION]),
        summary: "Changes the selected database.",
        since: "1.0.0",
        complexity: "O(1)",
        arguments: &[Argument::integer("index")],
        ..Command::new("select", Group::Connection, select)
    },
];
