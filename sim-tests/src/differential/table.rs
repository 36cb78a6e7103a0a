//! What COMMAND INFO and COMMAND DOCS say of every command the core has, beside the oracle's. Where Redis 7.2 differs,
//! [`DIFFERENCES`] says so; a difference that is none any more is a mistake, too.

use crate::reply::Reply;
use std::collections::{BTreeMap, BTreeSet};

/// A command, what is said of it, and why another thing is said.
type Difference = (&'static str, &'static str, &'static str);

const SHARDS: &str = "7.2 says how it is spread over the nodes of a cluster";
const SCRIPTS: &str = "7.2 lets it into scripts, where it does not wait";
const NAMES: &str = "7.2 has other names for its arguments";
const DEPRECATED: &str = "7.2 says that it is deprecated";
const SCORE: &str = "7.2 knows WITHSCORE";

const DIFFERENCES: &[Difference] = &[
    ("blmove", "flags", SCRIPTS),
    ("blpop", "flags", SCRIPTS),
    ("brpop", "flags", SCRIPTS),
    ("brpoplpush", "flags", SCRIPTS),
    ("bzpopmax", "flags", SCRIPTS),
    ("bzpopmin", "flags", SCRIPTS),
    ("client|caching", "subcommand", "comes with client-side caching"),
    ("client|kill", "arguments", NAMES),
    ("client|list", "arguments", NAMES),
    ("client|list", "history", "7.2 has more fields"),
    ("client|no-touch", "subcommand", "new in 7.2"),
    ("client|reply", "arguments", NAMES),
    ("client|setinfo", "subcommand", "new in 7.2"),
    ("client|setname", "tips", SHARDS),
    ("client|tracking", "subcommand", "comes with client-side caching"),
    ("client|trackinginfo", "subcommand", "comes with client-side caching"),
    ("client|unblock", "arguments", NAMES),
    ("command|getkeys", "arguments", "7.2 names them"),
    ("command|getkeys", "arity", "7.2 leaves it to the command whether it needs arguments"),
    ("command|getkeysandflags", "arguments", "7.2 names them"),
    ("command|getkeysandflags", "arity", "7.2 leaves it to the command whether it needs arguments"),
    ("config|get", "arguments", NAMES),
    ("config|resetstat", "tips", SHARDS),
    ("config|rewrite", "tips", SHARDS),
    ("config|set", "arguments", NAMES),
    ("flushall", "arguments", NAMES),
    ("flushdb", "arguments", NAMES),
    ("hello", "arguments", NAMES),
    ("hmset", "arguments", NAMES),
    ("hset", "arguments", NAMES),
    ("lcs", "arguments", NAMES),
    ("mset", "arguments", NAMES),
    ("msetnx", "arguments", NAMES),
    ("msetnx", "tips", "7.2 says that it is not spread over a cluster"),
    ("psetex", "deprecated_since", DEPRECATED),
    ("psetex", "doc_flags", DEPRECATED),
    ("psetex", "replaced_by", DEPRECATED),
    ("quit", "deprecated_since", DEPRECATED),
    ("quit", "doc_flags", DEPRECATED),
    ("quit", "replaced_by", DEPRECATED),
    ("randomkey", "tips", SHARDS),
    ("scan", "tips", SHARDS),
    ("setex", "deprecated_since", DEPRECATED),
    ("setex", "doc_flags", DEPRECATED),
    ("setex", "replaced_by", DEPRECATED),
    ("setnx", "deprecated_since", DEPRECATED),
    ("setnx", "doc_flags", DEPRECATED),
    ("setnx", "replaced_by", DEPRECATED),
    ("shutdown", "arguments", NAMES),
    ("sort", "arguments", NAMES),
    ("sort_ro", "arguments", NAMES),
    ("zrank", "arguments", SCORE),
    ("zrank", "arity", SCORE),
    ("zrank", "history", SCORE),
    ("zrevrank", "arguments", SCORE),
    ("zrevrank", "arity", SCORE),
    ("zrevrank", "history", SCORE),
];

/// The fields of COMMAND INFO, in their order. Those whose order means nothing end with an asterisk.
const FIELDS: [&str; 9] =
    ["name", "arity", "flags*", "first key", "last key", "step", "categories*", "tips*", "keys"];

/// What COMMAND DOCS says that is not compared: summaries are our own words, and what names arguments for people is new
/// in 7.2.
const OWN_WORDS: [&str; 2] = ["summary", "display_text"];

/// What two servers say of all commands, by command and field.
type Facts = BTreeMap<(String, String), Reply>;

/// Compares what the oracle and the core answer to COMMAND INFO, asked for the core's commands, and to COMMAND DOCS;
/// all in RESP2.
///
/// # Errors
/// What differs without a reason, or has a reason and does not differ.
pub fn compare(oracle: [&Reply; 2], core: [&Reply; 2]) -> Result<(), String> {
    let [oracle, core] = [oracle, core].map(|[info, docs]| {
        let mut facts = Facts::new();
        gather_info(info, &mut facts);
        let commands: BTreeSet<String> = facts.keys().map(|(command, _)| command.clone()).collect();
        gather_docs(docs, &mut facts);
        facts.retain(|(command, _), _| commands.contains(command));
        facts
    });
    let known: BTreeSet<(&str, &str)> =
        DIFFERENCES.iter().map(|&(command, field, _)| (command, field)).collect();
    let mut found = BTreeSet::new();
    for (command, field) in oracle.keys().chain(core.keys()) {
        let id = (command.clone(), field.clone());
        let is_part =
            [&oracle, &core].iter().all(|facts| facts.contains_key(&(command.clone(), "name".into())));
        // Of a subcommand that only one of them has, that is all there is to say.
        let (id, field) = if is_part { (id, field.as_str()) } else { ((id.0, "name".into()), "subcommand") };
        if oracle.get(&id) != core.get(&id) {
            found.insert((command.as_str(), field));
            if !known.contains(&(command.as_str(), field)) {
                return Err(format!(
                    "of {command}, {field}:\n  redis   {:?}\n  core    {:?}",
                    oracle.get(&id),
                    core.get(&id)
                ));
            }
        }
    }
    match known.difference(&found).next() {
        None => Ok(()),
        Some((command, field)) => Err(format!("of {command}, {field} was to differ, and does not")),
    }
}

fn gather_info(reply: &Reply, facts: &mut Facts) {
    for command in items(reply) {
        let fields = items(command);
        let Some(name) = fields.first().and_then(text) else { continue };
        for (field, value) in FIELDS.iter().zip(fields) {
            let value = if field.ends_with('*') { sorted(value) } else { value.clone() };
            let value = if *field == "keys" { without_order(&value) } else { value };
            facts.insert((name.clone(), field.trim_end_matches('*').to_owned()), value);
        }
        if let Some(parts) = fields.get(FIELDS.len()) {
            gather_info(parts, facts);
        }
    }
}

fn gather_docs(reply: &Reply, facts: &mut Facts) {
    let (pairs, _) = items(reply).as_chunks::<2>();
    for [name, fields] in pairs {
        let Some(name) = text(name) else { continue };
        let (fields, _) = items(fields).as_chunks::<2>();
        for [field, value] in fields {
            match text(field) {
                Some(field) if field == "subcommands" => gather_docs(value, facts),
                Some(field) if !OWN_WORDS.contains(&field.as_str()) => {
                    drop(facts.insert((name.clone(), field), without_own_words(value)));
                }
                _ => {}
            }
        }
    }
}

fn items(reply: &Reply) -> &[Reply] {
    if let Reply::Array(items) = reply { items } else { &[] }
}

fn text(reply: &Reply) -> Option<String> {
    match reply {
        Reply::Bulk(text) | Reply::Simple(text) => Some(String::from_utf8_lossy(text).into_owned()),
        _ => None,
    }
}

fn sorted(reply: &Reply) -> Reply {
    let mut items = items(reply).to_vec();
    items.sort();
    Reply::Array(items)
}

/// Specifications of keys, with flags in order.
fn without_order(reply: &Reply) -> Reply {
    let specification = |specification: &Reply| {
        let mut fields = items(specification).to_vec();
        for at in 1..fields.len() {
            if text(&fields[at - 1]).as_deref() == Some("flags") {
                fields[at] = sorted(&fields[at]);
            }
        }
        Reply::Array(fields)
    };
    Reply::Array(items(reply).iter().map(specification).collect())
}

/// A map, and maps within it, without fields that are not compared.
fn without_own_words(reply: &Reply) -> Reply {
    let Reply::Array(items) = reply else { return reply.clone() };
    let mut kept = Vec::new();
    let mut rest = items.iter();
    while let Some(item) = rest.next() {
        if text(item).is_some_and(|name| OWN_WORDS.contains(&name.as_str())) {
            rest.next();
        } else {
            kept.push(without_own_words(item));
        }
    }
    Reply::Array(kept)
}
