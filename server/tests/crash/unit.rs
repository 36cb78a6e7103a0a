//! What clients write: single commands and transactions, each with its effect.

use super::data::{Entry, Expiry, Hash, Keys, List, SHARED, Set, Sorted, Value, change};
use crate::support::client::encode;
use crate::support::random::Random;

/// How many keys of each type a client has.
const KEYS_PER_TYPE: u64 = 5;

/// How many fields or members a collection has at most.
const ELEMENTS_MAX: u64 = 300;

/// How many items a list is cut to.
const TRIMMED_LEN: usize = 20;

/// A value that is larger than the buffers that it passes through.
const LARGE_VALUE_BYTES: u64 = 70_000;

/// Some year in which nobody waits for this test.
const FAR_FUTURE_UNIX_MS: u64 = 4_000_000_000_000;

/// How long keys with a relative expiry live.
const LIFE_SECONDS: u64 = 1_000_000;

/// What is executed as a whole or not at all.
#[derive(Debug)]
pub struct Unit {
    operations: Vec<Operation>,
    is_transaction: bool,
}

impl Unit {
    /// What client `client` does as its number `number`, which stands in what it writes.
    pub fn draw(random: &mut Random, client: usize, number: u64) -> Unit {
        let is_transaction = random.one_in(6);
        let count = if is_transaction { 2 + random.below(6) } else { 1 };
        let operations = (0..count).map(|_| Operation::draw(random, client, number)).collect();
        Unit { operations, is_transaction }
    }

    /// Appends it as a client sends it.
    pub fn encode(&self, out: &mut Vec<u8>) {
        if self.is_transaction {
            encode(&["MULTI"], out);
        }
        for operation in &self.operations {
            encode(&operation.words, out);
        }
        if self.is_transaction {
            encode(&["EXEC"], out);
        }
    }

    /// How many replies it gets; the last one says that it was executed.
    pub fn replies(&self) -> usize {
        if self.is_transaction { self.operations.len() + 2 } else { 1 }
    }

    /// Does to `keys` what a server does between these two moments.
    pub fn apply(&self, keys: &mut Keys, moments_unix_ms: (u64, u64)) {
        for operation in &self.operations {
            operation.apply(keys, moments_unix_ms);
        }
    }
}

/// A command and what it does to its key.
#[derive(Debug)]
struct Operation {
    words: Vec<String>,
    effect: Effect,
}

#[derive(Debug)]
enum Effect {
    Set(Option<Lifetime>),
    Append,
    Increment,
    PushLeft,
    PushRight,
    PopLeft,
    PopRight,
    Trim,
    SetField,
    DeleteField,
    AddMember,
    RemoveMember,
    SetScore,
    IncrementScore,
    RemoveScore,
    Delete,
    Copy,
    Expire(Lifetime),
    Persist,
}

#[derive(Clone, Copy, Debug)]
enum Lifetime {
    UntilUnixMs(u64),
    Seconds(u64),
}

impl Lifetime {
    fn expiry(self, (first_unix_ms, last_unix_ms): (u64, u64)) -> Expiry {
        match self {
            Lifetime::UntilUnixMs(moment) => Expiry::At(moment),
            Lifetime::Seconds(seconds) => {
                Expiry::Between(first_unix_ms + seconds * 1000, last_unix_ms + seconds * 1000)
            }
        }
    }
}

const TYPES: [&str; 6] = ["text", "number", "list", "hash", "set", "zset"];

impl Operation {
    fn draw(random: &mut Random, client: usize, number: u64) -> Operation {
        let slot = random.below(KEYS_PER_TYPE);
        let any_type = TYPES[random.below(TYPES.len() as u64) as usize];
        let key = |kind: &str| format!("c{client}:{kind}:{slot}");
        let value = value(random, client, number);
        let element = format!("element:{}", random.below(ELEMENTS_MAX));
        let amount = (random.below(1000) as i64 - 300).to_string();
        let until = FAR_FUTURE_UNIX_MS + number;
        let (until_text, life_text) = (until.to_string(), LIFE_SECONDS.to_string());
        let until = Lifetime::UntilUnixMs(until);
        let life = Lifetime::Seconds(LIFE_SECONDS);
        let copy = format!("{}:copy", key(any_type));
        let trimmed_start = format!("-{TRIMMED_LEN}");
        let (words, effect): (&[&str], Effect) = match random.below(24) {
            0 => (&["SET", &key("text"), &value], Effect::Set(None)),
            1 => (&["SET", &key("text"), &value, "PXAT", &until_text], Effect::Set(Some(until))),
            2 => (&["SET", &key("text"), &value, "EX", &life_text], Effect::Set(Some(life))),
            3 => (&["APPEND", &key("text"), &value], Effect::Append),
            4 | 5 => (&["INCRBY", &key("number"), &amount], Effect::Increment),
            6 => (&["LPUSH", &key("list"), &value], Effect::PushLeft),
            7 => (&["RPUSH", &key("list"), &value], Effect::PushRight),
            8 => (&["LPOP", &key("list")], Effect::PopLeft),
            9 => (&["RPOP", &key("list")], Effect::PopRight),
            10 => (&["LTRIM", &key("list"), &trimmed_start, "-1"], Effect::Trim),
            11 | 12 => (&["HSET", &key("hash"), &element, &value], Effect::SetField),
            13 => (&["HDEL", &key("hash"), &element], Effect::DeleteField),
            14 => (&["SADD", &key("set"), &value], Effect::AddMember),
            15 => (&["SADD", &key("set"), &element], Effect::AddMember),
            16 => (&["SREM", &key("set"), &element], Effect::RemoveMember),
            17 => (&["ZADD", &key("zset"), &amount, &element], Effect::SetScore),
            18 => (&["ZINCRBY", &key("zset"), &amount, &element], Effect::IncrementScore),
            19 => (&["ZREM", &key("zset"), &element], Effect::RemoveScore),
            20 if random.one_in(2) => (&["DEL", &key(any_type)], Effect::Delete),
            20 => (&["UNLINK", &key(any_type)], Effect::Delete),
            21 => (&["COPY", &key(any_type), &copy, "REPLACE"], Effect::Copy),
            22 if random.one_in(3) => (&["PERSIST", &key(any_type)], Effect::Persist),
            22 if random.one_in(2) => (&["EXPIRE", &key(any_type), &life_text], Effect::Expire(life)),
            22 => (&["PEXPIREAT", &key(any_type), &until_text], Effect::Expire(until)),
            _ => (&["RPUSH", SHARED, &format!("{client}:{number}")], Effect::PushRight),
        };
        Operation { words: words.iter().map(|&word| word.to_owned()).collect(), effect }
    }

    fn apply(&self, keys: &mut Keys, moments_unix_ms: (u64, u64)) {
        let key = self.words[1].as_str();
        let word = |index: usize| self.words[index].clone();
        let amount = |index: usize| self.words[index].parse::<i64>().expect("drawn as a number");
        match &self.effect {
            Effect::Set(lifetime) => {
                let expires = lifetime.map(|lifetime| lifetime.expiry(moments_unix_ms));
                keys.insert(key.to_owned(), Entry { value: Value::Text(word(2)), expires });
            }
            Effect::Append => change(keys, key, |text: &mut String| text.push_str(&self.words[2])),
            Effect::Increment => change(keys, key, |text: &mut String| {
                *text = (text.parse().unwrap_or(0) + amount(2)).to_string();
            }),
            Effect::PushLeft => change(keys, key, |list: &mut List| list.push_front(word(2))),
            Effect::PushRight => change(keys, key, |list: &mut List| list.push_back(word(2))),
            Effect::PopLeft => change(keys, key, |list: &mut List| drop(list.pop_front())),
            Effect::PopRight => change(keys, key, |list: &mut List| drop(list.pop_back())),
            Effect::Trim => change(keys, key, |list: &mut List| {
                list.drain(..list.len().saturating_sub(TRIMMED_LEN));
            }),
            Effect::SetField => change(keys, key, |hash: &mut Hash| drop(hash.insert(word(2), word(3)))),
            Effect::DeleteField => change(keys, key, |hash: &mut Hash| drop(hash.remove(&word(2)))),
            Effect::AddMember => change(keys, key, |set: &mut Set| {
                set.insert(word(2));
            }),
            Effect::RemoveMember => change(keys, key, |set: &mut Set| {
                set.remove(&word(2));
            }),
            Effect::SetScore => change(keys, key, |set: &mut Sorted| {
                set.insert(word(3), amount(2));
            }),
            Effect::IncrementScore => change(keys, key, |set: &mut Sorted| {
                *set.entry(word(3)).or_insert(0) += amount(2);
            }),
            Effect::RemoveScore => change(keys, key, |set: &mut Sorted| {
                set.remove(&word(2));
            }),
            Effect::Delete => drop(keys.remove(key)),
            Effect::Copy => {
                if let Some(entry) = keys.get(key).cloned() {
                    keys.insert(word(2), entry);
                }
            }
            Effect::Expire(lifetime) => {
                if let Some(entry) = keys.get_mut(key) {
                    entry.expires = Some(lifetime.expiry(moments_unix_ms));
                }
            }
            Effect::Persist => {
                if let Some(entry) = keys.get_mut(key) {
                    entry.expires = None;
                }
            }
        }
    }
}

/// A value that names who wrote it, mostly short, sometimes as long as a file's page, seldom longer than a pipe takes.
fn value(random: &mut Random, client: usize, number: u64) -> String {
    let longest = match random.below(100) {
        0 => LARGE_VALUE_BYTES,
        1..=5 => 5_000,
        _ => 40,
    };
    let padding = random.below(longest) as usize;
    format!("{client}.{number}.{}", ".".repeat(padding))
}
