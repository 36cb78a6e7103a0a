//! The table of commands for transactions.

use super::{discard, exec, multi, unwatch, watch};
use crate::commands::key_spec::{KeySpec, RO};
use crate::commands::table::{Argument, Categories, Command, Flags, Group, categories, flags};

/// The flags all but EXEC have.
const FLAGS: Flags = flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::FAST, Flags::ALLOW_BUSY]);

pub(in crate::commands) const TABLE: &[Command] = &[
    Command {
        arity: 1,
        flags: FLAGS,
        categories: categories(&[Categories::TRANSACTION]),
        summary: "Forgets a transaction.",
        since: "2.0.0",
        complexity: "O(N), when N is the number of queued commands",
        ..Command::new("discard", Group::Transactions, discard)
    },
    Command {
        arity: 1,
        flags: flags(&[Flags::NOSCRIPT, Flags::LOADING, Flags::STALE, Flags::SKIP_SLOWLOG]),
        categories: categories(&[Categories::TRANSACTION]),
        summary: "Runs all commands of a transaction.",
        since: "1.2.0",
        complexity: "Depends on commands in the transaction",
        ..Command::new("exec", Group::Transactions, exec)
    },
    Command {
        arity: 1,
        flags: FLAGS,
        categories: categories(&[Categories::TRANSACTION]),
        summary: "Starts a transaction.",
        since: "1.2.0",
        complexity: "O(1)",
        ..Command::new("multi", Group::Transactions, multi)
    },
    Command {
        arity: 1,
        flags: FLAGS,
        categories: categories(&[Categories::TRANSACTION]),
        summary: "Forgets which keys a transaction watches.",
        since: "2.2.0",
        complexity: "O(1)",
        ..Command::new("unwatch", Group::Transactions, unwatch)
    },
    Command {
        arity: -2,
        flags: FLAGS,
        categories: categories(&[Categories::TRANSACTION]),
        keys: &[KeySpec::range(1, -1, 1, &[RO])],
        summary: "Makes the next transaction depend on keys that stay as they are.",
        since: "2.2.0",
        complexity: "O(1) for every key.",
        arguments: &[Argument::key("key", 0).multiple()],
        ..Command::new("watch", Group::Transactions, watch)
    },
];
