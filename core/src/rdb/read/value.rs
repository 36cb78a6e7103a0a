//! Values in the making: elements go in as they arrive.

use super::cursor::{Cursor, Decoded, Stop, Token};
use super::error::Reason;
use super::{LoadOptions, packed, ziplist};
use crate::number::parse_f64;
use crate::rdb::format::{ObjectType, node};
use crate::value::hash::Hash;
use crate::value::listpack::Listpack;
use crate::value::quicklist::Quicklist;
use crate::value::set::Set;
use crate::value::zset::SortedSet;
use crate::value::{Collection, End, List, NewValue, StringRef};
use bytes::Bytes;

/// Strings of this many bytes may stay in the memory they were received in.
const KEPT_BYTES_MIN: usize = 64 << 10;

/// How a score is written as text: its length, or one of these.
mod score {
    pub const NAN: u8 = 253;
    pub const INFINITE: u8 = 254;
    pub const NEGATIVE_INFINITE: u8 = 255;
}

/// A value of which not everything has been read.
#[derive(Debug)]
pub enum Building {
    /// A string, or a collection that is written as one.
    Whole(ObjectType),
    /// A collection whose number of elements has not been read.
    Uncounted(ObjectType),
    /// A collection that lacks so many elements, of a list so many nodes.
    Counted(Elements, u64),
}

/// What has been read of a collection.
#[derive(Debug)]
pub enum Elements {
    /// Elements of a list, or nodes written as this.
    List(Box<Quicklist>, ObjectType),
    /// Members of a set.
    Set(Set),
    /// Members of a sorted set, with scores as text if so.
    SortedSet(SortedSet, bool),
    /// Fields of a hash.
    Hash(Hash),
}

/// What a step of building a value has given.
#[derive(Debug)]
pub enum Built {
    /// There is more to it.
    Partly,
    /// A value.
    Value(NewValue<'static>),
    /// A long string, which is the last so many bytes of what was read.
    Text(usize),
    /// A collection with nothing in it.
    Empty,
}

impl Building {
    /// A value of a type, none of which has been read.
    pub fn new(object_type: ObjectType) -> Building {
        use ObjectType as T;
        match object_type {
            T::List
            | T::Set
            | T::SortedSet
            | T::Hash
            | T::SortedSet2
            | T::ListQuicklist
            | T::ListQuicklist2 => Building::Uncounted(object_type),
            _ => Building::Whole(object_type),
        }
    }

    /// Reads the next thing that the value consists of.
    pub fn step(&mut self, cursor: &mut Cursor<'_>, options: &LoadOptions) -> Result<Built, Stop> {
        match self {
            Building::Whole(ObjectType::String) => string(cursor.string()?),
            Building::Whole(object_type) => {
                let bytes = cursor.string()?.into_vec()?;
                let collection = packed::collection(*object_type, bytes, &options.limits, options.hash_key)?;
                Ok(collection.map_or(Built::Empty, |it| Built::Value(NewValue::Collection(it))))
            }
            Building::Uncounted(object_type) => {
                let len = cursor.length()?;
                if len == 0 {
                    return Ok(Built::Empty);
                }
                *self = Building::Counted(Elements::new(*object_type, len, options), len);
                Ok(Built::Partly)
            }
            Building::Counted(elements, left) => {
                cursor.whole(|cursor| elements.read(cursor, options))?;
                *left -= 1;
                Ok(if *left == 0 { elements.take(options) } else { Built::Partly })
            }
        }
    }
}

/// A string as a value. A long one that is there as it is can be taken over where it lies.
fn string(token: Token<'_>) -> Result<Built, Stop> {
    if let Token::Plain(bytes) = token
        && bytes.len() >= KEPT_BYTES_MIN
    {
        return Ok(Built::Text(bytes.len()));
    }
    Ok(Built::Value(match token.decode()? {
        Decoded::Int(number) => NewValue::Int(number),
        Decoded::Bytes(bytes) => match NewValue::parse(&bytes) {
            NewValue::Int(number) => NewValue::Int(number),
            _ => NewValue::Owned(bytes.into_owned()),
        },
    }))
}

impl Elements {
    /// The beginning of a collection that is said to have so many elements. They get memory when they come.
    fn new(object_type: ObjectType, len: u64, options: &LoadOptions) -> Elements {
        let LoadOptions { limits, hash_key, .. } = options;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        match object_type {
            ObjectType::Set => {
                // As with Redis: all sets begin as intsets, but for those that are too long to be one.
                let mut set = Set::new_intset();
                set.grow_for(len, &limits.set, *hash_key);
                Elements::Set(set)
            }
            ObjectType::SortedSet | ObjectType::SortedSet2 => {
                let mut set = SortedSet::new();
                set.grow_for(len, 0, &limits.sorted_set, *hash_key);
                Elements::SortedSet(set, object_type == ObjectType::SortedSet)
            }
            ObjectType::Hash => Elements::Hash(Hash::new()),
            _ => Elements::List(Box::new(Quicklist::new(limits.list)), object_type),
        }
    }

    /// Reads an element.
    fn read(&mut self, cursor: &mut Cursor<'_>, options: &LoadOptions) -> Result<(), Stop> {
        let LoadOptions { limits, hash_key, .. } = options;
        let is_new = match self {
            Elements::List(list, object_type) => return list_part(list, *object_type, cursor),
            Elements::Set(set) => {
                let member = cursor.string()?.decode()?;
                set.add(member.as_ref(), &limits.set, *hash_key)
            }
            Elements::SortedSet(set, is_text) => {
                let member = cursor.string()?;
                let score = if *is_text {
                    score_text(cursor)?
                } else {
                    f64::from_bits(u64::from_le_bytes(cursor.array()?))
                };
                if score.is_nan() {
                    return Err(Reason::Score.into());
                }
                if score == 0.0 && score.is_sign_negative() {
                    // A listpack would lose the sign, and what is being read may become too large for one.
                    set.enlarge(*hash_key);
                }
                set.set(member.decode()?.as_ref(), score, &limits.sorted_set, *hash_key)
            }
            Elements::Hash(hash) => {
                let (field, value) = (cursor.string()?, cursor.string()?);
                hash.set(field.decode()?.as_ref(), value.decode()?.as_ref(), &limits.hash, *hash_key)
            }
        };
        if is_new { Ok(()) } else { Err(Reason::Duplicate.into()) }
    }

    /// The collection, all of which has been read.
    fn take(&mut self, options: &LoadOptions) -> Built {
        let limits = &options.limits;
        let collection = match self {
            Elements::List(list, _) => {
                let list = std::mem::replace(&mut **list, Quicklist::new(limits.list));
                Collection::List(List::from_quicklist(list, limits.list))
            }
            Elements::Set(set) => Collection::Set(std::mem::replace(set, Set::new_intset())),
            Elements::SortedSet(set, _) => {
                set.turn_into_listpack(&limits.sorted_set);
                Collection::SortedSet(std::mem::take(set))
            }
            Elements::Hash(hash) => Collection::Hash(std::mem::take(hash)),
        };
        if collection.len() == 0 {
            return Built::Empty;
        }
        Built::Value(NewValue::Collection(collection))
    }
}

/// Reads an element of a list, or a node.
fn list_part(list: &mut Quicklist, object_type: ObjectType, cursor: &mut Cursor<'_>) -> Result<(), Stop> {
    match object_type {
        ObjectType::ListQuicklist => list.push_listpack(ziplist::to_listpack(&cursor.string()?.into_vec()?)?),
        ObjectType::ListQuicklist2 => {
            let container = cursor.length()?;
            let token = cursor.string()?;
            match container {
                node::PLAIN => list.push_plain(Bytes::from(token.into_vec()?)),
                node::PACKED => list.push_listpack(Listpack::from_bytes(token.into_vec()?)?),
                _ => return Err(Reason::ListNode.into()),
            }
        }
        _ => {
            let element = cursor.string()?.decode()?;
            let as_bytes = |bytes: &[u8]| list.push(End::Tail, StringRef::Bytes(bytes).into());
            element.as_ref().with_bytes(as_bytes);
        }
    }
    Ok(())
}

fn score_text(cursor: &mut Cursor<'_>) -> Result<f64, Stop> {
    match cursor.byte()? {
        score::NAN => Ok(f64::NAN),
        score::INFINITE => Ok(f64::INFINITY),
        score::NEGATIVE_INFINITE => Ok(f64::NEG_INFINITY),
        len => {
            let text = cursor.take(usize::from(len))?;
            parse_f64(text).ok_or(Stop::Bad(Reason::Score))
        }
    }
}
