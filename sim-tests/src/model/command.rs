//! COMMAND: what the server says of its commands.

use super::answer::{Out, Refusal, pairs_of};
use super::call::{Call, is};
use super::generic::bulk;
use super::number::integer;
use super::string::SYNTAX;
use super::table::{self, Kind, ROWS, Row, has_subcommands};
use super::{Model, glob};
use crate::reply::Reply;

/// Elements of a command's description.
const DESCRIPTION_LEN: usize = 10;

/// `COMMAND`: a description of each.
pub(super) fn all(_: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.judged(|reply| {
        let Reply::Array(items) = reply else { return Err("an array of descriptions".to_owned()) };
        for row in ROWS.iter().filter(|row| !row.name.contains('|')) {
            let is_it = |item: &&Reply| name_of(item) == Some(row.name.as_bytes());
            let item = items.iter().find(is_it).ok_or_else(|| format!("a description of {}", row.name))?;
            judge_description(item, row)?;
        }
        Ok(())
    });
    Ok(())
}

/// The name a description begins with.
fn name_of(description: &Reply) -> Option<&[u8]> {
    if let Reply::Array(items) = description { bulk(items.first()?) } else { None }
}

fn judge_description(description: &Reply, row: &Row) -> Result<(), String> {
    let wrong =
        || format!("a description of {} with arity {} and keys at {:?}", row.name, row.arity, row.keys);
    let Reply::Array(items) = description else { return Err(wrong()) };
    let (first, last, step) = row.keys;
    let numbers = [1, 3, 4, 5].map(|index| items.get(index).cloned());
    let expected = [row.arity, first as i64, last, step as i64].map(|number| Some(Reply::Integer(number)));
    let flags = match items.get(2) {
        Some(Reply::Array(flags) | Reply::Set(flags)) => flags.clone(),
        _ => return Err(wrong()),
    };
    let has = |flag: &str| flags.contains(&Reply::Simple(flag.as_bytes().to_vec()));
    let fits = items.len() == DESCRIPTION_LEN
        && name_of(description) == Some(row.name.as_bytes())
        && numbers == expected
        && has("write") == (row.kind == Kind::Write)
        && has("no_auth") == (row.kind == Kind::NoAuth);
    if fits { Ok(()) } else { Err(wrong()) }
}

/// `COMMAND COUNT`
pub(super) fn command_count(_: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    let known = ROWS.iter().filter(|row| !row.name.contains('|')).count() as i64;
    out.judged(move |reply| match reply {
        Reply::Integer(count) if *count >= known => Ok(()),
        _ => Err(format!("at least {known}")),
    });
    Ok(())
}

/// `COMMAND INFO [command-name [command-name …]]`
pub(super) fn command_info(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if call.rest(2).is_empty() {
        return all(model, call, out);
    }
    let rows: Vec<Option<&Row>> = call.rest(2).iter().map(|name| table::by_full_name(name)).collect();
    out.judged(move |reply| {
        let Reply::Array(items) = reply else { return Err("an array of descriptions".to_owned()) };
        if items.len() != rows.len() {
            return Err(format!("{} descriptions", rows.len()));
        }
        for (item, row) in items.iter().zip(&rows) {
            // What the model does not know the server may.
            if let Some(row) = row {
                judge_description(item, row)?;
            }
        }
        Ok(())
    });
    Ok(())
}

/// `COMMAND DOCS [command-name [command-name …]]`
pub(super) fn command_docs(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let asked: Vec<&Row> = match call.rest(2) {
        [] => ROWS.iter().filter(|row| !row.name.contains('|')).collect(),
        names => names.iter().filter_map(|name| table::by_full_name(name)).collect(),
    };
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let pairs = pairs_of(reply, is_resp3)?;
        for row in &asked {
            let doc = pairs.iter().find(|(name, _)| bulk(name) == Some(row.name.as_bytes()));
            let (_, doc) = doc.ok_or_else(|| format!("what there is to say of {}", row.name))?;
            let fields = pairs_of(doc, is_resp3)?;
            let has = |field: &str| fields.iter().any(|(name, _)| bulk(name) == Some(field.as_bytes()));
            if !["summary", "since", "group"].into_iter().all(has) {
                return Err(format!("a summary of {}, its age and its group", row.name));
            }
        }
        Ok(())
    });
    Ok(())
}

/// `COMMAND LIST [FILTERBY MODULE module-name | ACLCAT category | PATTERN pattern]`
pub(super) fn command_list(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut pattern = None;
    let mut holds_known = true;
    match call.rest(2) {
        [] => {}
        [word, kind, value] if is(word, "FILTERBY") => {
            if is(kind, "PATTERN") {
                pattern = Some(value.to_ascii_lowercase());
            } else if is(kind, "MODULE") || is(kind, "ACLCAT") {
                holds_known = false;
            } else {
                return Err(SYNTAX.into());
            }
        }
        _ => return Err(SYNTAX.into()),
    }
    let fits = move |name: &[u8]| match &pattern {
        // Without a filter there are no subcommands.
        None => true,
        Some(pattern) => glob::matches(pattern, &name.to_ascii_lowercase()),
    };
    let has_filter = !call.rest(2).is_empty();
    let shown =
        |row: &&Row| holds_known && fits(row.name.as_bytes()) && (has_filter || !row.name.contains('|'));
    let expected: Vec<&'static str> = ROWS.iter().filter(shown).map(|row| row.name).collect();
    out.judged(move |reply| {
        let Reply::Array(items) = reply else { return Err("an array of names".to_owned()) };
        let names: Option<Vec<&[u8]>> = items.iter().map(bulk).collect();
        let names = names.ok_or("an array of names")?;
        if let Some(missing) = expected.iter().find(|name| !names.contains(&name.as_bytes())) {
            return Err(format!("{missing} among them"));
        }
        match names.iter().find(|name| !fits(name)) {
            Some(surplus) => Err(format!("only what fits, not {}", super::shown(surplus))),
            None => Ok(()),
        }
    });
    Ok(())
}

/// `COMMAND GETKEYS command [arg …]`
pub(super) fn command_getkeys(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let keys = keys_of(call.rest(2))?;
    out.array(keys.len());
    for (key, _) in keys {
        out.bulk(key);
    }
    Ok(())
}

/// `COMMAND GETKEYSANDFLAGS command [arg …]`
pub(super) fn command_getkeysandflags(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let keys = keys_of(call.rest(2))?;
    out.array(keys.len());
    for (key, access) in keys {
        let flags: Vec<&str> = access.split(' ').collect();
        out.array(2);
        out.bulk(key);
        out.set(flags.len());
        for flag in flags {
            out.simple(flag.as_bytes());
        }
    }
    Ok(())
}

/// The keys of a request, and what would be done with each.
pub(super) fn keys_of(words: &[Vec<u8>]) -> Result<Vec<(&[u8], &'static str)>, Refusal> {
    let row = table::find(words).ok_or("ERR Invalid command specified")?;
    if let Some((count_at, access)) = table::counted_keys(row.name) {
        return counted_keys_of(words, row, count_at, access);
    }
    if ["sort", "sort_ro"].contains(&row.name) {
        return sorted_keys_of(words, row);
    }
    let (first, last, step) = row.keys;
    if step == 0 || (words.len() == 1 && has_subcommands(row.name)) {
        return Err("ERR The command has no key arguments".into());
    }
    if !row.takes(words.len()) {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let end = if last < 0 { words.len() as i64 + last } else { last };
    let places = (first..=usize::try_from(end).unwrap_or(0)).step_by(step);
    let keys = places.enumerate().filter_map(|(index, place)| {
        // The last group is as long as it is.
        let access = row.access.get(index).or(row.access.last())?;
        Some((words.get(place)?.as_slice(), *access))
    });
    let mut keys: Vec<(&[u8], &'static str)> = keys.collect();
    if row.name == "set" && !words[3..].iter().any(|word| is(word, "GET")) {
        keys.iter_mut().for_each(|(_, access)| *access = "OW update");
    }
    Ok(keys)
}

/// The keys of a request that says how many it has.
fn counted_keys_of<'a>(
    words: &'a [Vec<u8>],
    row: &Row,
    count_at: usize,
    access: &'static str,
) -> Result<Vec<(&'a [u8], &'static str)>, Refusal> {
    if !row.takes(words.len()) {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let count = integer(&words[count_at]).and_then(|count| usize::try_from(count).ok());
    let keys = &words[count_at + 1..];
    // A word before the count is where the result goes.
    let target = (row.keys.0 < count_at && row.keys.0 > 0).then(|| (words[1].as_slice(), "OW update"));
    match count.filter(|count| (1..=keys.len()).contains(count)) {
        Some(count) => {
            Ok(target.into_iter().chain(keys[..count].iter().map(|key| (key.as_slice(), access))).collect())
        }
        None => Err("ERR Invalid arguments specified for command".into()),
    }
}

/// The keys of SORT: what is sorted, and where it goes.
fn sorted_keys_of<'a>(words: &'a [Vec<u8>], row: &Row) -> Result<Vec<(&'a [u8], &'static str)>, Refusal> {
    if !row.takes(words.len()) {
        return Err("ERR Invalid number of arguments specified for command".into());
    }
    let mut keys = vec![(words[1].as_slice(), "RO access")];
    let mut target = None;
    let mut rest = &words[2..];
    while let [word, behind @ ..] = rest {
        let values = [("LIMIT", 2), ("GET", 1), ("BY", 1)].into_iter().find(|(name, _)| is(word, name));
        rest = behind.get(values.map_or(0, |(_, count)| count)..).unwrap_or_default();
        if let (true, [to, ..]) = (row.name == "sort" && is(word, "STORE"), behind) {
            target = Some((to.as_slice(), "OW update"));
        }
    }
    keys.extend(target);
    Ok(keys)
}
