//! What keys hold.

use super::double;
use super::hash::HashValue;
use super::list::ListValue;
use super::number;
use super::set::SetValue;
use super::zset::ZsetValue;

/// A value of any type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    String(StringValue),
    List(ListValue),
    Hash(HashValue),
    Set(SetValue),
    SortedSet(ZsetValue),
}

/// A string, with what OBJECT ENCODING says of it.
#[derive(Clone, Debug)]
pub(super) struct StringValue {
    pub bytes: Vec<u8>,
    pub encoding: Encoding,
}

/// Two strings are the same data whatever their encodings.
impl PartialEq for StringValue {
    fn eq(&self, other: &StringValue) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for StringValue {}

/// How Redis keeps a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Int,
    Embstr,
    Raw,
    /// Nobody knows.
    Unknown,
}

/// The longest string that Redis keeps beside its header.
const EMBSTR_LEN_MAX: usize = 44;

impl Value {
    /// A string as commands store what a client sent.
    pub fn string(bytes: Vec<u8>) -> Value {
        let encoding = if number::integer(&bytes).is_some() {
            Encoding::Int
        } else if bytes.len() <= EMBSTR_LEN_MAX {
            Encoding::Embstr
        } else {
            Encoding::Raw
        };
        Value::String(StringValue { bytes, encoding })
    }

    /// A string that was changed in place, or made to be.
    pub fn raw(bytes: Vec<u8>) -> Value {
        Value::String(StringValue { bytes, encoding: Encoding::Raw })
    }

    /// A string that was printed, and is no integer to Redis even if it looks like one.
    pub fn printed(bytes: Vec<u8>) -> Value {
        let encoding = if bytes.len() <= EMBSTR_LEN_MAX { Encoding::Embstr } else { Encoding::Raw };
        Value::String(StringValue { bytes, encoding })
    }

    /// The same data, kept in memory in a way that nobody knows.
    pub fn forget_encoding(self) -> Value {
        match self {
            Value::String(StringValue { bytes, .. }) => {
                Value::String(StringValue { bytes, encoding: Encoding::Unknown })
            }
            Value::List(list) => Value::List(list.forget_encoding()),
            Value::Hash(hash) => Value::Hash(hash.forget_encoding()),
            Value::Set(set) => Value::Set(set.forget_encoding()),
            Value::SortedSet(zset) => Value::SortedSet(zset.forget_encoding()),
        }
    }

    /// What TYPE says.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::String(_) => "string",
            Value::List(_) => "list",
            Value::Hash(_) => "hash",
            Value::Set(_) => "set",
            Value::SortedSet(_) => "zset",
        }
    }

    /// What OBJECT ENCODING says: any of these.
    pub fn encoding_names(&self) -> &'static [&'static str] {
        match self {
            Value::String(string) => match string.encoding {
                Encoding::Int => &["int"],
                Encoding::Embstr => &["embstr"],
                Encoding::Raw => &["raw"],
                Encoding::Unknown if string.bytes.len() > EMBSTR_LEN_MAX => &["raw"],
                Encoding::Unknown if number::integer(&string.bytes).is_some() => &["int", "embstr", "raw"],
                Encoding::Unknown => &["embstr", "raw"],
            },
            Value::List(list) => list.encoding.names(),
            Value::Hash(hash) => hash.encoding_names(),
            Value::Set(set) => set.encoding_names(),
            Value::SortedSet(zset) => zset.encoding_names(),
        }
    }

    /// The value, as a report shows it.
    pub fn shown(&self) -> String {
        match self {
            Value::String(string) => super::shown(&string.bytes),
            Value::List(list) => format!("the list {}", super::shown_words(&list.items)),
            Value::Hash(hash) => {
                let words: Vec<Vec<u8>> =
                    hash.fields.iter().flat_map(|(field, value)| [field.clone(), value.clone()]).collect();
                format!("the hash {}", super::shown_words(&words))
            }
            Value::Set(set) => {
                let words: Vec<Vec<u8>> = set.members.iter().cloned().collect();
                format!("the set {}", super::shown_words(&words))
            }
            Value::SortedSet(zset) => {
                let words: Vec<Vec<u8>> = zset
                    .ranked()
                    .into_iter()
                    .flat_map(|(member, score)| [member, double::print(score)])
                    .collect();
                format!("the sorted set {}", super::shown_words(&words))
            }
        }
    }

    /// Whether there is nothing in it, and it is of a kind that then goes.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::String(_) => false,
            Value::List(list) => list.items.is_empty(),
            Value::Hash(hash) => hash.fields.is_empty(),
            Value::Set(set) => set.members.is_empty(),
            Value::SortedSet(zset) => zset.scores.is_empty(),
        }
    }
}
