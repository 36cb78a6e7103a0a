//! What the server says that it changed: the commands it propagated.
//!
//! They are applied to the data as they were before, by a naive follower that knows only plain commands; that must
//! lead to the model's own data. So a command that forgets its effects, adds one, or says one in a form that means
//! something else on another day is found at once.

use super::config::Config;
use super::keyspace::{Entry, Keyspace, Path, Place};
use super::list::{End, ListValue, end_of, place_in, push, remove_equal, slice, take};
use super::number::{integer, until_zero};
use super::request::{Front, Limits, front};
use super::value::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Splits effects into commands.
pub(super) fn parse(mut bytes: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let limits = Limits { bulk_len_max: i64::MAX, is_stranger: false, checked_len: 0 };
    let mut commands = Vec::new();
    while !bytes.is_empty() {
        match front(bytes, limits, &mut None) {
            Front::Request(words, len) => {
                commands.push(words);
                bytes = &bytes[len..];
            }
            other => return Err(format!("the effects are no sequence of requests: {other:?}")),
        }
    }
    Ok(commands)
}

/// Whether the effects of a transaction are one unit: a single command, or more of them between MULTI and EXEC.
pub(super) fn check_unit(commands: &[Vec<Vec<u8>>]) -> Result<(), String> {
    let is = |command: &Vec<Vec<u8>>, name: &str| super::call::is(&command[0], name);
    let is_mark = |command: &&Vec<Vec<u8>>| is(command, "multi") || is(command, "exec");
    let counted: Vec<_> = commands.iter().filter(|command| !is(command, "select")).collect();
    let marks = counted.iter().copied().filter(is_mark).count();
    let fits = match counted.as_slice() {
        [] | [_] => marks == 0,
        [first, .., last] => is(first, "multi") && is(last, "exec") && marks == 2 && counted.len() > 3,
    };
    if fits { Ok(()) } else { Err("the effects of a transaction are not one unit".to_owned()) }
}

/// Whoever lives on the effects.
pub(super) struct Follower<'a> {
    /// The model's data, after the command.
    pub(super) keyspace: &'a Keyspace,
    /// How the values are kept in memory depends on it.
    pub(super) config: &'a Config,
    /// Keys the effects have changed.
    pub(super) changed: BTreeMap<Path, Option<Entry>>,
    /// Databases the effects have emptied.
    cleared: BTreeSet<Place>,
    order: Vec<Place>,
    /// The number of the database that is selected. It lasts from command to command.
    selected: usize,
}

/// Where effects lead from the data before them.
#[derive(Debug)]
pub(super) struct Lead {
    /// Databases that are emptied first.
    pub cleared: BTreeSet<Place>,
    /// Keys that then are these, or gone.
    pub changed: BTreeMap<Path, Option<Entry>>,
    /// Which database has which number at the end.
    pub order: Vec<Place>,
}

impl<'a> Follower<'a> {
    /// Begins with the data before the command.
    pub fn new(keyspace: &'a Keyspace, config: &'a Config, selected: usize) -> Follower<'a> {
        let order = keyspace.journal.order.clone();
        Follower { keyspace, config, changed: BTreeMap::new(), cleared: BTreeSet::new(), order, selected }
    }

    /// Follows effects; returns the number of the database that is selected at their end.
    pub fn follow(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<usize, String> {
        for command in commands {
            let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            self.apply(&words).map_err(|what| format!("effect {}: {what}", super::shown_words(command)))?;
        }
        Ok(self.selected)
    }

    /// Compares what the effects lead to with the model's data. Keys that were removed because they are past
    /// their expiry come back: the model removes only those that a command looked at.
    pub fn settle(self) -> Result<Vec<Path>, String> {
        if self.order != self.keyspace.order() {
            return Err("the effects leave the databases in another order".to_owned());
        }
        let journal = &self.keyspace.journal;
        let mut paths: BTreeSet<Path> = self.changed.keys().chain(journal.before.keys()).cloned().collect();
        for (&place, entries) in &journal.cleared {
            if !self.cleared.contains(&place) {
                paths.extend(entries.keys().map(|key| (place, key.clone())));
            }
        }
        for &place in self.cleared.iter().filter(|place| !journal.cleared.contains_key(place)) {
            paths.extend(self.keyspace.entries(place).keys().map(|key| (place, key.clone())));
        }
        let now_ms = self.keyspace.now_ms();
        let mut removed = Vec::new();
        for path in paths {
            let (followed, own) = (self.find(&path), self.keyspace.entries(path.0).get(&path.1));
            match (followed, own) {
                (None, None) => {}
                (Some(followed), Some(own)) if followed.is_like(own) => {}
                (None, Some(own)) if own.is_expired(now_ms) => removed.push(path),
                _ => {
                    return Err(format!(
                        "key {}: the data are {}, the effects lead to {}",
                        super::shown(&path.1),
                        shown_entry(own),
                        shown_entry(followed)
                    ));
                }
            }
        }
        Ok(removed)
    }

    /// Where the effects lead, for whoever has no data of its own.
    pub fn end(self) -> Lead {
        Lead { changed: self.changed, cleared: self.cleared, order: self.order }
    }

    fn find(&self, path: &Path) -> Option<&Entry> {
        if let Some(changed) = self.changed.get(path) {
            return changed.as_ref();
        }
        if self.cleared.contains(&path.0) {
            return None;
        }
        let journal = &self.keyspace.journal;
        if let Some(before) = journal.before.get(path) {
            return before.as_ref();
        }
        journal.cleared.get(&path.0).unwrap_or(self.keyspace.entries(path.0)).get(&path.1)
    }

    pub(super) fn here(&self, key: &[u8]) -> Path {
        (self.order[self.selected], key.to_vec())
    }

    fn place(&self, index: &[u8]) -> Result<usize, String> {
        let index = integer(index).and_then(|index| usize::try_from(index).ok());
        index.filter(|&index| index < self.order.len()).ok_or_else(|| "there is no such database".to_owned())
    }

    pub(super) fn entry(&self, key: &[u8]) -> Option<&Entry> {
        self.find(&self.here(key))
    }

    fn put(&mut self, path: Path, value: Value, expiry_ms: Option<i64>) {
        let entry = Entry { value, expiry_ms, born: 0, used: super::Clock::default() };
        self.changed.insert(path, Some(entry));
    }

    fn bytes(&self, key: &[u8]) -> Vec<u8> {
        match self.entry(key).map(|entry| &entry.value) {
            Some(Value::String(string)) => string.bytes.clone(),
            Some(_) | None => Vec::new(),
        }
    }

    /// Stores a string, keeping the expiry.
    fn overwrite(&mut self, key: &[u8], bytes: Vec<u8>) {
        let expiry_ms = self.entry(key).and_then(|entry| entry.expiry_ms);
        self.put(self.here(key), Value::raw(bytes), expiry_ms);
    }

    fn apply(&mut self, words: &[&[u8]]) -> Result<(), String> {
        let name = String::from_utf8_lossy(words[0]).to_ascii_lowercase();
        let args = &words[1..];
        match (name.as_str(), args) {
            ("multi" | "exec", []) => {}
            ("select", [index]) => self.selected = self.place(index)?,
            ("del" | "unlink", [_, ..]) => {
                for key in args {
                    self.changed.insert(self.here(key), None);
                }
            }
            ("set", [key, value, options @ ..]) => self.set(key, value, options)?,
            ("setnx", [key, value]) => self.set(key, value, &[b"NX"])?,
            ("mset" | "msetnx", [_, _, ..]) => {
                let (pairs, rest) = args.as_chunks::<2>();
                if !rest.is_empty() {
                    return Err("a key without a value".to_owned());
                }
                let is_taken = pairs.iter().any(|[key, _]| self.entry(key).is_some());
                if name == "mset" || !is_taken {
                    for [key, value] in pairs {
                        self.put(self.here(key), Value::raw(value.to_vec()), None);
                    }
                }
            }
            ("append", [key, tail]) => {
                let mut bytes = self.bytes(key);
                bytes.extend_from_slice(tail);
                self.overwrite(key, bytes);
            }
            ("setrange", [key, offset, piece]) => {
                let offset = integer(offset).and_then(|offset| usize::try_from(offset).ok());
                let offset = offset.ok_or("that is no offset")?;
                let mut bytes = self.bytes(key);
                bytes.resize(bytes.len().max(offset + piece.len()), 0);
                bytes[offset..offset + piece.len()].copy_from_slice(piece);
                self.overwrite(key, bytes);
            }
            ("incr", [key]) => self.add(key, Some(1))?,
            ("decr", [key]) => self.add(key, Some(-1))?,
            ("incrby", [key, by]) => self.add(key, integer(by).map(i128::from))?,
            ("decrby", [key, by]) => self.add(key, integer(by).map(|by| -i128::from(by)))?,
            ("persist", [key]) => self.expire(key, None),
            ("pexpireat", [key, time]) => {
                let time = integer(time).ok_or("that is no time")?;
                self.expire(key, Some(time));
            }
            ("rename" | "renamenx", [from, to]) => {
                let is_free = name == "rename" || self.entry(to).is_none();
                let entry = self.entry(from).cloned().ok_or("there is no such key")?;
                if is_free && from != to {
                    self.changed.insert(self.here(from), None);
                    self.changed.insert(self.here(to), Some(entry));
                }
            }
            ("restore", [key, ttl, payload, options @ ..]) => self.restore(key, ttl, payload, options)?,
            ("copy", [from, to, options @ ..]) => self.copy(from, to, options)?,
            ("move", [key, index]) => {
                let target = (self.order[self.place(index)?], key.to_vec());
                let entry = self.entry(key).cloned().ok_or("there is no such key")?;
                if self.find(&target).is_none() {
                    self.changed.insert(self.here(key), None);
                    self.changed.insert(target, Some(entry));
                }
            }
            ("swapdb", [first, second]) => {
                let (first, second) = (self.place(first)?, self.place(second)?);
                self.order.swap(first, second);
            }
            ("flushdb" | "flushall", [] | [_]) => {
                let all: Vec<Place> = self.order.clone();
                let emptied = if name == "flushall" { &all } else { &all[self.selected..=self.selected] };
                for &place in emptied {
                    self.cleared.insert(place);
                    self.changed.retain(|path, _| path.0 != place);
                }
            }
            _ => return self.apply_to_list(&name, args),
        }
        Ok(())
    }

    /// What changes a list. Whoever lives on the log pops and pushes as everybody does, but never waits.
    fn apply_to_list(&mut self, name: &str, args: &[&[u8]]) -> Result<(), String> {
        match (name, args) {
            ("lpush" | "rpush", [key, elements @ ..]) if !elements.is_empty() => self
                .change_list(key, |items| elements.iter().for_each(|item| push(items, end_of(name), item))),
            ("lpushx" | "rpushx", [key, elements @ ..]) if !elements.is_empty() => {
                if self.entry(key).is_none() {
                    return Err("there is no such list".to_owned());
                }
                let end = if name == "lpushx" { "lpush" } else { "rpush" };
                let words = [&[*key], elements].concat();
                self.apply_to_list(end, &words)
            }
            ("lpop" | "rpop", [key, count @ ..]) if count.len() <= 1 => {
                let count = count.first().map_or(Some(1), |count| integer(count));
                let count = count.and_then(|count| usize::try_from(count).ok()).ok_or("that is no count")?;
                self.change_list(key, |items| drop(take(items, end_of(name), count)))
            }
            ("lmove", [from, to, out, into]) => {
                let end = |word: &[u8]| End::named(word).ok_or("that is no end of a list");
                self.move_element(from, to, end(out)?, end(into)?)
            }
            ("rpoplpush", [from, to]) => self.move_element(from, to, End::Tail, End::Head),
            ("lset", [key, index, element]) => {
                let index = integer(index).ok_or("that is no index")?;
                self.change_list(key, |items| {
                    if let Some(at) = place_in(items.len(), index) {
                        items[at] = element.to_vec();
                    }
                })
            }
            ("linsert", [key, side, pivot, element]) => {
                let behind = usize::from(super::call::is(side, "AFTER"));
                self.change_list(key, |items| {
                    if let Some(at) = items.iter().position(|item| item == pivot) {
                        items.insert(at + behind, element.to_vec());
                    }
                })
            }
            ("ltrim", [key, start, stop]) => {
                let (start, stop) = integer(start).zip(integer(stop)).ok_or("that is no range")?;
                self.change_list(key, |items| *items = slice(items, start, stop).to_vec())
            }
            ("lrem", [key, count, element]) => {
                let count = integer(count).ok_or("that is no count")?;
                self.change_list(key, |items| {
                    remove_equal(items, count, element);
                })
            }
            _ => self.apply_by_model(name, args),
        }
    }

    /// Changes a list, which may be a new one, and goes when it is empty.
    fn change_list(&mut self, key: &[u8], change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<(), String> {
        let (mut items, expiry_ms) = match self.entry(key) {
            None => (Vec::new(), None),
            Some(Entry { value: Value::List(list), expiry_ms, .. }) => (list.items.clone(), *expiry_ms),
            Some(_) => return Err("the key holds no list".to_owned()),
        };
        change(&mut items);
        if items.is_empty() {
            self.changed.insert(self.here(key), None);
        } else {
            self.put(self.here(key), Value::List(ListValue::new(items)), expiry_ms);
        }
        Ok(())
    }

    fn move_element(&mut self, from: &[u8], to: &[u8], out: End, into: End) -> Result<(), String> {
        let mut moved = None;
        // A list that is turned never is empty in between.
        let pushes = |items: &mut Vec<Vec<u8>>, moved: &[u8]| push(items, into, moved);
        self.change_list(from, |items| {
            moved = take(items, out, 1).pop();
            if let Some(moved) = moved.as_ref().filter(|_| from == to) {
                pushes(items, moved);
            }
        })?;
        let moved = moved.ok_or("there is no element to move")?;
        if from == to { Ok(()) } else { self.change_list(to, |items| pushes(items, &moved)) }
    }

    fn set(&mut self, key: &[u8], value: &[u8], options: &[&[u8]]) -> Result<(), String> {
        let before = self.entry(key).map(|entry| entry.expiry_ms);
        let mut expiry_ms = None;
        let mut stores = true;
        let mut rest = options;
        while let [option, behind @ ..] = rest {
            rest = behind;
            match until_zero(option).to_ascii_uppercase().as_slice() {
                b"NX" => stores &= before.is_none(),
                b"XX" => stores &= before.is_some(),
                b"GET" => {}
                b"KEEPTTL" => expiry_ms = before.flatten(),
                b"PXAT" => {
                    let [time, behind @ ..] = rest else { return Err("a time is missing".to_owned()) };
                    expiry_ms = Some(integer(time).ok_or("that is no time")?);
                    rest = behind;
                }
                _ => return Err("an option that is not plain and absolute".to_owned()),
            }
        }
        if stores {
            self.put(self.here(key), Value::raw(value.to_vec()), expiry_ms);
        }
        Ok(())
    }

    fn add(&mut self, key: &[u8], by: Option<i128>) -> Result<(), String> {
        let before = if self.entry(key).is_some() { integer(&self.bytes(key)) } else { Some(0) };
        let sum = by.zip(before).and_then(|(by, before)| i64::try_from(by + i128::from(before)).ok());
        let sum = sum.ok_or("there is no such sum")?;
        self.overwrite(key, sum.to_string().into_bytes());
        Ok(())
    }

    fn expire(&mut self, key: &[u8], expiry_ms: Option<i64>) {
        if let Some(mut entry) = self.entry(key).cloned() {
            entry.expiry_ms = expiry_ms;
            self.changed.insert(self.here(key), Some(entry));
        }
    }

    fn restore(&mut self, key: &[u8], ttl: &[u8], payload: &[u8], options: &[&[u8]]) -> Result<(), String> {
        let options =
            super::dump::RestoreOptions::parse(options).map_err(|_| "options RESTORE does not have")?;
        let ttl = integer(ttl).filter(|ttl| *ttl >= 0).ok_or("that is no time")?;
        if ttl > 0 && !options.is_absolute {
            return Err("a time to live that is not absolute".to_owned());
        }
        if self.entry(key).is_some() && !options.replaces {
            return Err("there is such a key".to_owned());
        }
        let dumped = crate::payload::decode(payload).map_err(|_| "that is no payload")?;
        self.put(self.here(key), super::dump::data(dumped), (ttl > 0).then_some(ttl));
        Ok(())
    }

    fn copy(&mut self, from: &[u8], to: &[u8], options: &[&[u8]]) -> Result<(), String> {
        let mut target = self.selected;
        let mut replaces = false;
        let mut rest = options;
        while let [option, behind @ ..] = rest {
            rest = behind;
            match (until_zero(option).to_ascii_uppercase().as_slice(), rest) {
                (b"REPLACE", _) => replaces = true,
                (b"DB", [index, behind @ ..]) => {
                    target = self.place(index)?;
                    rest = behind;
                }
                _ => return Err("an option COPY does not have".to_owned()),
            }
        }
        let entry = self.entry(from).cloned().ok_or("there is no such key")?;
        let target = (self.order[target], to.to_vec());
        if replaces || self.find(&target).is_none() {
            self.changed.insert(target, Some(entry));
        }
        Ok(())
    }
}

pub(super) fn shown_entry(entry: Option<&Entry>) -> String {
    match entry {
        None => "nothing".to_owned(),
        Some(Entry { value, expiry_ms, .. }) => {
            let expiry = expiry_ms.map_or(String::new(), |expiry_ms| format!(" until {expiry_ms}"));
            format!("{}{expiry}", value.shown())
        }
    }
}
