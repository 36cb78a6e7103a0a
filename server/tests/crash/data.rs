//! What a server has, as it is asked for it and as a client expects it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::support::client::{Client, Reply};

/// The list that all clients push to.
pub const SHARED: &str = "shared";

/// The keys of one client; of [`SHARED`] what it pushed itself.
pub type Keys = BTreeMap<String, Entry>;

/// A key's value and when it ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The value.
    pub value: Value,
    /// In milliseconds since 1970.
    pub expires: Option<Expiry>,
}

/// When a key ends, far from now. What is given relative to now is known only to the server, within bounds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expiry {
    /// At that moment, in milliseconds since 1970.
    At(u64),
    /// Between the two.
    Between(u64, u64),
}

impl Expiry {
    fn allows(self, found: Expiry) -> bool {
        match (self, found) {
            (Expiry::Between(first, last), Expiry::At(moment)) => (first..=last).contains(&moment),
            _ => self == found,
        }
    }
}

/// The items of a list.
pub type List = VecDeque<String>;

/// The fields of a hash.
pub type Hash = BTreeMap<String, String>;

/// The members of a set.
pub type Set = BTreeSet<String>;

/// The scores of a sorted set's members.
pub type Sorted = BTreeMap<String, i64>;

/// A value of each type; scores are whole numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string.
    Text(String),
    /// A list.
    List(List),
    /// A hash.
    Hash(Hash),
    /// A set.
    Set(Set),
    /// A sorted set.
    Sorted(Sorted),
}

impl Value {
    fn is_empty(&self) -> bool {
        match self {
            Value::Text(_) => false,
            Value::List(items) => items.is_empty(),
            Value::Hash(fields) => fields.is_empty(),
            Value::Set(members) => members.is_empty(),
            Value::Sorted(scores) => scores.is_empty(),
        }
    }
}

/// Changes the value under `key`, whose name says its type. An emptied collection is no key any more.
pub fn change<P: Part>(keys: &mut Keys, key: &str, change: impl FnOnce(&mut P)) {
    let new = || Entry { value: P::default().into_value(), expires: None };
    let entry = keys.entry(key.to_owned()).or_insert_with(new);
    change(P::of(&mut entry.value));
    if entry.value.is_empty() {
        keys.remove(key);
    }
}

/// What a value of one type is made of.
pub trait Part: Default {
    /// As a value.
    fn into_value(self) -> Value;
    /// Out of a value, which is of this type.
    fn of(value: &mut Value) -> &mut Self;
}

macro_rules! parts {
    ($($variant:ident $part:ty;)*) => {$(
        impl Part for $part {
            fn into_value(self) -> Value {
                Value::$variant(self)
            }

            fn of(value: &mut Value) -> &mut $part {
                match value {
                    Value::$variant(part) => part,
                    other => panic!("a value of another type: {other:?}"),
                }
            }
        }
    )*};
}

parts! {
    Text String;
    List List;
    Hash Hash;
    Set Set;
    Sorted Sorted;
}

/// Whether a client that expects `expected` can have found `found`.
pub fn agrees(expected: &Keys, found: &Keys) -> bool {
    expected.len() == found.len() && difference(expected, found).is_none()
}

/// The first key that a client did not expect so.
pub fn difference(expected: &Keys, found: &Keys) -> Option<String> {
    let keys: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    keys.into_iter().find_map(|key| {
        let (wanted, had) = (expected.get(key), found.get(key));
        let is_same = match (wanted, had) {
            (Some(wanted), Some(had)) => {
                let is_alive_as_long = match (wanted.expires, had.expires) {
                    (Some(wanted), Some(had)) => wanted.allows(had),
                    (wanted, had) => wanted == had,
                };
                wanted.value == had.value && is_alive_as_long
            }
            _ => false,
        };
        let show = |entry: Option<&Entry>| shortened(&format!("{entry:?}"));
        (!is_same).then(|| format!("{key}: expected {}, found {}", show(wanted), show(had)))
    })
}

/// Beginning and end of a text that may be megabytes.
fn shortened(text: &str) -> String {
    const KEPT_CHARS: usize = 300;
    let count = text.chars().count();
    if count <= 2 * KEPT_CHARS {
        return text.to_owned();
    }
    let head: String = text.chars().take(KEPT_CHARS).collect();
    let tail: String = text.chars().skip(count - KEPT_CHARS).collect();
    format!("{head} … {tail}")
}

/// Everything the server has, by the client whose it is: keys begin with `c`, its number, and a colon.
pub fn read_all(server: &mut Client, clients: usize) -> Vec<Keys> {
    let mut found = vec![Keys::new(); clients];
    let names = texts(server.ask("KEYS *"));
    assert_eq!(server.ask("DBSIZE"), Reply::Integer(names.len() as i64));
    for name in names {
        let entry = read_entry(server, &name);
        if name == SHARED {
            for (client, keys) in found.iter_mut().enumerate() {
                let Value::List(items) = &entry.value else { panic!("{SHARED} is {entry:?}") };
                let start = format!("{client}:");
                let own: VecDeque<_> =
                    items.iter().filter(|item| item.starts_with(start.as_str())).cloned().collect();
                if !own.is_empty() {
                    keys.insert(name.clone(), Entry { value: Value::List(own), expires: entry.expires });
                }
            }
            continue;
        }
        let owner = name.strip_prefix('c').and_then(|rest| rest.split(':').next()?.parse::<usize>().ok());
        let owner = owner.filter(|&owner| owner < clients);
        found[owner.unwrap_or_else(|| panic!("nobody's key: {name}"))].insert(name, entry);
    }
    found
}

fn read_entry(server: &mut Client, name: &str) -> Entry {
    let kind = server.call(&["TYPE", name]).text();
    let moment = server.call(&["PEXPIRETIME", name]);
    let expires = match moment {
        Reply::Integer(-1) => None,
        Reply::Integer(moment) if moment > 0 => Some(Expiry::At(moment.unsigned_abs())),
        other => panic!("PEXPIRETIME {name}: {other:?}"),
    };
    let command: &[&str] = match kind.as_str() {
        "string" => &["GET", name],
        "list" => &["LRANGE", name, "0", "-1"],
        "hash" => &["HGETALL", name],
        "set" => &["SMEMBERS", name],
        "zset" => &["ZRANGE", name, "0", "-1", "WITHSCORES"],
        other => panic!("{name} is of type {other}"),
    };
    let reply = server.call(command);
    let value = match kind.as_str() {
        "string" => Value::Text(reply.text()),
        "list" => Value::List(texts(reply).into()),
        "set" => Value::Set(texts(reply).into_iter().collect()),
        "hash" => Value::Hash(pairs(&texts(reply))),
        _ => {
            let number = |score: String| score.parse().expect("scores are whole numbers");
            let scores = pairs(&texts(reply));
            Value::Sorted(scores.into_iter().map(|(member, score)| (member, number(score))).collect())
        }
    };
    Entry { value, expires }
}

fn texts(reply: Reply) -> Vec<String> {
    let Reply::Array(items) = reply else { panic!("not an array: {reply:?}") };
    items.iter().map(Reply::text).collect()
}

fn pairs(items: &[String]) -> BTreeMap<String, String> {
    items.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect()
}
