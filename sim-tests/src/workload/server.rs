//! Generators of commands for the server.

use super::maker::one;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "dbsize", weight: 8, scope: Scope::Both, make: |_| one(Rule::Exact, &[b"DBSIZE"]) },
    Generator { name: "flushall", weight: 1, scope: Scope::Both, make: |m| m.flush("FLUSHALL") },
    Generator { name: "flushdb", weight: 1, scope: Scope::Both, make: |m| m.flush("FLUSHDB") },
    Generator { name: "swapdb", weight: 1, scope: Scope::Both, make: swapdb },
    Generator {
        name: "bgrewriteaof",
        weight: 1,
        scope: Scope::Simulator,
        make: |_| one(Rule::Kind, &[b"BGREWRITEAOF"]),
    },
    Generator {
        name: "bgsave",
        weight: 1,
        scope: Scope::Simulator,
        make: |m| match m.below(4) {
            0 => one(Rule::Kind, &[b"BGSAVE", b"SCHEDULE"]),
            1 => one(Rule::Kind, &[b"BGSAVE", b"NOW"]),
            _ => one(Rule::Kind, &[b"BGSAVE"]),
        },
    },
    Generator {
        name: "lastsave",
        weight: 1,
        scope: Scope::Simulator,
        make: |_| one(Rule::Kind, &[b"LASTSAVE"]),
    },
    Generator { name: "save", weight: 1, scope: Scope::Simulator, make: |_| one(Rule::Kind, &[b"SAVE"]) },
    Generator { name: "command", weight: 1, scope: Scope::Simulator, make: command },
    Generator { name: "config", weight: 5, scope: Scope::Simulator, make: config },
    Generator {
        name: "config",
        weight: 3,
        scope: Scope::Simulator,
        make: |_| one(Rule::Kind, &[b"CONFIG", b"REWRITE"]),
    },
    Generator { name: "debug", weight: 3, scope: Scope::Simulator, make: debug },
    Generator { name: "info", weight: 2, scope: Scope::Simulator, make: info },
    Generator { name: "time", weight: 1, scope: Scope::Simulator, make: |_| one(Rule::Kind, &[b"TIME"]) },
];

fn swapdb(maker: &mut Maker<'_>) -> Vec<Call> {
    let (first, second) = (maker.database(), maker.database());
    one(Rule::Exact, &[b"SWAPDB", &first, &second])
}

/// COMMAND and all its parts.
fn command(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(14) {
        0 => &[b"COMMAND", b"COUNT"],
        1 => &[b"COMMAND", b"LIST"],
        2 => &[b"COMMAND", b"LIST", b"FILTERBY", b"PATTERN", b"get*"],
        3 => &[b"COMMAND", b"LIST", b"FILTERBY", b"ACLCAT", b"string"],
        4 => &[b"COMMAND", b"INFO", b"get", b"nope"],
        5 => &[b"COMMAND", b"DOCS", b"set"],
        6 => &[b"COMMAND", b"GETKEYS", b"mset", b"a", b"1", b"b", b"2"],
        7 => &[b"COMMAND", b"GETKEYS", b"ping"],
        8 => &[b"COMMAND", b"GETKEYSANDFLAGS", b"set", b"a", b"1"],
        9 => &[b"COMMAND", b"HELP"],
        10 => &[b"COMMAND", b"NOPE"],
        11 => &[b"COMMAND", b"LIST", b"FILTERBY", b"NOPE", b"x"],
        12 => &[b"COMMAND", b"GETKEYS", b"get"],
        _ => &[b"COMMAND", b"COUNT", b"x"],
    };
    one(Rule::Kind, words)
}

/// CONFIG and all its parts, with directives that change how the server behaves.
fn config(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(24) {
        0 => &[b"CONFIG", b"SET", b"timeout", b"0"],
        1 => &[b"CONFIG", b"SET", b"timeout", b"3"],
        2 => &[b"CONFIG", b"SET", b"hz", b"100"],
        3 => &[b"CONFIG", b"SET", b"hz", b"10", b"active-expire-effort", b"10"],
        4 => &[b"CONFIG", b"SET", b"maxclients", b"5"],
        5 => &[b"CONFIG", b"SET", b"maxclients", b"10000"],
        6 => &[b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 20000 0 0"],
        7 => &[b"CONFIG", b"SET", b"client-output-buffer-limit", b"normal 0 0 0"],
        8 => &[b"CONFIG", b"SET", b"maxmemory-policy", b"allkeys-lfu"],
        9 => &[b"CONFIG", b"SET", b"maxmemory-policy", b"noeviction"],
        10 => &[b"CONFIG", b"SET", b"lazyfree-lazy-user-del", b"yes"],
        11 => &[b"CONFIG", b"SET", b"proto-max-bulk-len", b"1mb"],
        12 => &[b"CONFIG", b"SET", b"proto-max-bulk-len", b"512mb"],
        13 => &[b"CONFIG", b"SET", b"nope", b"x"],
        14 => &[b"CONFIG", b"SET", b"hz", b"x"],
        15 => &[b"CONFIG", b"SET", b"databases", b"3"],
        16 => &[b"CONFIG", b"GET", b"hz"],
        17 => &[b"CONFIG", b"GET", b"max*", b"timeout"],
        18 => &[b"CONFIG", b"GET", b"nope"],
        19 => &[b"CONFIG", b"RESETSTAT"],
        20..=21 => &[b"CONFIG", b"REWRITE"],
        22 => &[b"CONFIG", b"HELP"],
        _ => &[b"CONFIG", b"NOPE"],
    };
    one(Rule::Kind, words)
}

/// The parts of DEBUG that do no harm.
fn debug(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key();
    let words: &[&[u8]] = match maker.below(8) {
        0 => &[b"DEBUG", b"SET-ACTIVE-EXPIRE", b"0"],
        1..=3 => &[b"DEBUG", b"SET-ACTIVE-EXPIRE", b"1"],
        4 => &[b"DEBUG", b"SLEEP", b"0.02"],
        5 => &[b"DEBUG", b"OBJECT", &key],
        6 => &[b"DEBUG", b"STRINGMATCH-LEN", b"20", b"a*b"],
        _ => &[b"DEBUG", b"NOPE"],
    };
    one(Rule::Kind, words)
}

fn info(maker: &mut Maker<'_>) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(6) {
        0 => &[b"INFO"],
        1 => &[b"INFO", b"all"],
        2 => &[b"INFO", b"keyspace"],
        3 => &[b"INFO", b"clients", b"stats"],
        4 => &[b"INFO", b"nope"],
        _ => &[b"INFO", b"everything"],
    };
    one(Rule::Kind, words)
}
