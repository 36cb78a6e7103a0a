//! `COMMAND`: the command tables, told to clients.

use crate::commands::help::reply_help;
use crate::commands::{self, Argument, ArgumentKind, BeginSearch, Command, FindKeys, Flags, KeyArg, KeySpec};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::glob::{self, Case};
use crate::propagation::Propagate;
use crate::resp::Reply;

/// `COMMAND` — O(N).
pub(super) fn command(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.array(commands::COUNT);
    for command in commands::all() {
        reply_info(ctx.reply, command);
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND COUNT` — O(1).
pub(super) fn command_count(ctx: &mut Context<'_>) -> CommandResult {
    ctx.reply.integer(commands::COUNT as i64);
    Ok(Propagate::Nothing)
}

/// `COMMAND INFO [command …]` — O(N). All of them when none is named.
pub(super) fn command_info(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() == 2 {
        return command(ctx);
    }
    ctx.reply.array(args.len() - 2);
    for name in args.from(2) {
        match by_full_name(name) {
            Some(command) => reply_info(ctx.reply, command),
            None => ctx.reply.null(),
        }
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND DOCS [command …]` — O(N).
pub(super) fn command_docs(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let found: Vec<&Command> = match args.len() {
        2 => commands::all().collect(),
        _ => args.from(2).filter_map(by_full_name).collect(),
    };
    ctx.reply.map(found.len());
    for command in found {
        ctx.reply.bulk(command.full_name().as_bytes());
        reply_docs(ctx.reply, command);
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND LIST [FILTERBY MODULE name | ACLCAT category | PATTERN pattern]` — O(N).
pub(super) fn command_list(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let names: Vec<String> = match args.len() {
        2 => commands::all().map(|command| command.name.to_owned()).collect(),
        5 if args[2].eq_ignore_ascii_case(b"FILTERBY") => {
            let accepts: Box<dyn Fn(&Command) -> bool> = if args[3].eq_ignore_ascii_case(b"MODULE") {
                Box::new(|_| false)
            } else if args[3].eq_ignore_ascii_case(b"ACLCAT") {
                let category = [b"@", &args[4]].concat();
                Box::new(move |command| {
                    command
                        .all_categories()
                        .names()
                        .any(|name| name.as_bytes().eq_ignore_ascii_case(&category))
                })
            } else if args[3].eq_ignore_ascii_case(b"PATTERN") {
                let pattern = args[4].to_vec();
                Box::new(move |command| {
                    glob::matches(&pattern, command.full_name().as_bytes(), Case::Insensitive)
                })
            } else {
                return Err(CommandError::Syntax);
            };
            commands::all_with_parts()
                .filter(|command| accepts(command))
                .map(|command| command.full_name().into_owned())
                .collect()
        }
        _ => return Err(CommandError::Syntax),
    };
    ctx.reply.array(names.len());
    for name in names {
        ctx.reply.bulk(name.as_bytes());
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND GETKEYS command [arg …]` — O(N).
pub(super) fn command_getkeys(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let keys = keys_of(ctx)?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.bulk(&args[key.index]);
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND GETKEYSANDFLAGS command [arg …]` — O(N).
pub(super) fn command_getkeysandflags(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let keys = keys_of(ctx)?;
    ctx.reply.array(keys.len());
    for key in keys {
        ctx.reply.array(2);
        ctx.reply.bulk(&args[key.index]);
        reply_flags(ctx.reply, key.flags.names());
    }
    Ok(Propagate::Nothing)
}

/// `COMMAND HELP`.
pub(super) fn command_help(ctx: &mut Context<'_>) -> CommandResult {
    reply_help(
        ctx,
        &[
            "(no subcommand)",
            "    Return details about all Redis commands.",
            "COUNT",
            "    Return the total number of commands in this Redis server.",
            "LIST",
            "    Return a list of all commands in this Redis server.",
            "INFO [<command-name> ...]",
            "    Return details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "DOCS [<command-name> ...]",
            "    Return documentation details about multiple Redis commands.",
            "    If no command names are given, documentation details for all",
            "    commands are returned.",
            "GETKEYS <full-command>",
            "    Return the keys from a full Redis command.",
            "GETKEYSANDFLAGS <full-command>",
            "    Return the keys and the access flags from a full Redis command.",
        ],
    )
}

/// The command of a name such as `get` or `client|kill`.
fn by_full_name(name: &[u8]) -> Option<&'static Command> {
    match name.iter().position(|&byte| byte == b'|') {
        Some(at) => commands::lookup(&name[..at])?.subcommand(&name[at + 1..]),
        None => commands::lookup(name),
    }
}

/// The keys of the command that is argument 2 and what follows, by their place among the arguments.
fn keys_of(ctx: &Context<'_>) -> Result<Vec<KeyArg>, CommandError> {
    const FIRST: usize = 2;
    let request: Vec<&[u8]> = ctx.args.from(FIRST).collect();
    let mut command = commands::lookup(request[0]).ok_or("ERR Invalid command specified")?;
    if !command.subcommands.is_empty() && request.len() > 1 {
        command = command.subcommand(request[1]).ok_or("ERR Invalid command specified")?;
    }
    if !command.has_keys() {
        return Err("ERR The command has no key arguments".into());
    }
    if !command.accepts_arity(request.len()) {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let mut keys = Vec::new();
    if commands::extract_keys(command, &request, &mut keys).is_err() {
        keys.clear();
    }
    if keys.is_empty() && !command.flags.contains(Flags::NO_MANDATORY_KEYS) {
        return Err("ERR Invalid arguments specified for command".into());
    }
    Ok(keys.into_iter().map(|key| KeyArg { index: FIRST + key.index, ..key }).collect())
}

fn reply_info(reply: &mut Reply, command: &Command) {
    let (first, last, step) = command.legacy_range();
    reply.array(10);
    reply.bulk(command.full_name().as_bytes());
    reply.integer(i64::from(command.arity));
    reply_flags(reply, command.all_flags().names());
    reply.integer(first);
    reply.integer(last);
    reply.integer(step);
    reply_flags(reply, command.all_categories().names());
    reply.set(command.tips.len());
    for tip in command.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        reply_key_spec(reply, spec);
    }
    reply.set(command.subcommands.len());
    for part in command.subcommands {
        reply_info(reply, part);
    }
}

fn reply_flags(reply: &mut Reply, names: impl Iterator<Item = &'static str>) {
    let names: Vec<&str> = names.collect();
    reply.set(names.len());
    for name in names {
        reply.simple(name);
    }
}

fn reply_key_spec(reply: &mut Reply, spec: &KeySpec) {
    reply.map(3 + usize::from(!spec.notes.is_empty()));
    if !spec.notes.is_empty() {
        reply_field(reply, "notes", spec.notes);
    }
    reply.bulk(b"flags");
    reply_flags(reply, spec.flags.names());
    reply.bulk(b"begin_search");
    reply.map(2);
    match spec.begin {
        BeginSearch::Index(index) => {
            reply_rule(reply, "index", 1);
            reply_number(reply, "index", index as i64);
        }
        BeginSearch::Keyword(word, from) => {
            reply_rule(reply, "keyword", 2);
            reply_field(reply, "keyword", word);
            reply_number(reply, "startfrom", from);
        }
        BeginSearch::Unknown => reply_rule(reply, "unknown", 0),
    }
    reply.bulk(b"find_keys");
    reply.map(2);
    match spec.find {
        FindKeys::Range { last, step, limit } => {
            reply_rule(reply, "range", 3);
            reply_number(reply, "lastkey", last);
            reply_number(reply, "keystep", step as i64);
            reply_number(reply, "limit", limit);
        }
        FindKeys::KeyNum { number, first, step } => {
            reply_rule(reply, "keynum", 3);
            reply_number(reply, "keynumidx", number as i64);
            reply_number(reply, "firstkey", first as i64);
            reply_number(reply, "keystep", step as i64);
        }
        FindKeys::Unknown => reply_rule(reply, "unknown", 0),
    }
}

/// The kind of a rule, and the head of its `fields`.
fn reply_rule(reply: &mut Reply, kind: &str, fields: usize) {
    reply_field(reply, "type", kind);
    reply.bulk(b"spec");
    reply.map(fields);
}

fn reply_docs(reply: &mut Reply, command: &Command) {
    let at = reply.deferred_map();
    let mut count = 3;
    reply_field(reply, "summary", command.summary);
    reply_field(reply, "since", command.since);
    reply_field(reply, "group", command.group.name());
    if !command.complexity.is_empty() {
        reply_field(reply, "complexity", command.complexity);
        count += 1;
    }
    if !command.doc_flags.is_empty() {
        reply.bulk(b"doc_flags");
        reply_flags(reply, command.doc_flags.iter().copied());
        count += 1;
    }
    for (name, value) in
        [("deprecated_since", command.deprecated_since), ("replaced_by", command.replaced_by)]
    {
        if let Some(value) = value {
            reply_field(reply, name, value);
            count += 1;
        }
    }
    if !command.history.is_empty() {
        reply.bulk(b"history");
        reply.set(command.history.len());
        for (version, change) in command.history {
            reply.array(2);
            reply.bulk(version.as_bytes());
            reply.bulk(change.as_bytes());
        }
        count += 1;
    }
    if !command.arguments.is_empty() {
        reply.bulk(b"arguments");
        reply_arguments(reply, command.arguments);
        count += 1;
    }
    if !command.subcommands.is_empty() {
        reply.bulk(b"subcommands");
        reply.map(command.subcommands.len());
        for part in command.subcommands {
            reply.bulk(part.full_name().as_bytes());
            reply_docs(reply, part);
        }
        count += 1;
    }
    reply.set_deferred_map(at, count);
}

fn reply_arguments(reply: &mut Reply, arguments: &[Argument]) {
    reply.array(arguments.len());
    for argument in arguments {
        let at = reply.deferred_map();
        let mut count = 2;
        reply_field(reply, "name", argument.name);
        reply_field(reply, "type", argument.kind.name());
        if !matches!(argument.kind, ArgumentKind::OneOf | ArgumentKind::Block) {
            reply_field(reply, "display_text", argument.display.unwrap_or(argument.name));
            count += 1;
        }
        if let Some(spec) = argument.key_spec {
            reply.bulk(b"key_spec_index");
            reply.integer(spec as i64);
            count += 1;
        }
        for (name, value) in [
            ("token", argument.token),
            ("since", argument.since),
            ("deprecated_since", argument.deprecated_since),
        ] {
            if let Some(value) = value {
                reply_field(reply, name, value);
                count += 1;
            }
        }
        let flags = [
            ("optional", argument.is_optional),
            ("multiple", argument.is_multiple),
            ("multiple_token", argument.is_multiple_token),
        ];
        if flags.iter().any(|(_, is_set)| *is_set) {
            reply.bulk(b"flags");
            reply_flags(reply, flags.iter().filter(|(_, is_set)| *is_set).map(|(name, _)| *name));
            count += 1;
        }
        if !argument.arguments.is_empty() {
            reply.bulk(b"arguments");
            reply_arguments(reply, argument.arguments);
            count += 1;
        }
        reply.set_deferred_map(at, count);
    }
}

fn reply_field(reply: &mut Reply, name: &str, value: &str) {
    reply.bulk(name.as_bytes());
    reply.bulk(value.as_bytes());
}

fn reply_number(reply: &mut Reply, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}
