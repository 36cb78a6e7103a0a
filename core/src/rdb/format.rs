//! The numbers of the format: types, opcodes, lengths.

use crate::value::{Collection, ValueRef};

/// The version that is written: that of Redis 7.0.
pub const VERSION: u16 = 10;

/// The newest version that is read.
pub const VERSION_READ_MAX: u16 = 12;

/// The first version whose files end in a checksum.
pub(super) const VERSION_WITH_CHECKSUM: u16 = 5;

/// What a file begins with, before four digits of its version.
pub(super) const MAGIC: &[u8] = b"REDIS";

/// Bytes of a checksum.
pub(super) const CHECKSUM_LEN: usize = 8;

/// How a value is written: the byte before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum ObjectType {
    /// A string.
    String = 0,
    /// Elements of a list.
    List = 1,
    /// Members of a set.
    Set = 2,
    /// Members of a sorted set, with scores as text.
    SortedSet = 3,
    /// Fields and values of a hash.
    Hash = 4,
    /// Members of a sorted set, with scores as doubles.
    SortedSet2 = 5,
    /// A hash as a zipmap: until Redis 2.6.
    HashZipmap = 9,
    /// A list as a ziplist.
    ListZiplist = 10,
    /// A set as an intset.
    SetIntset = 11,
    /// A sorted set as a ziplist.
    SortedSetZiplist = 12,
    /// A hash as a ziplist.
    HashZiplist = 13,
    /// A list as several ziplists.
    ListQuicklist = 14,
    /// A hash as a listpack.
    HashListpack = 16,
    /// A sorted set as a listpack.
    SortedSetListpack = 17,
    /// A list as several listpacks and single elements.
    ListQuicklist2 = 18,
    /// A set as a listpack: from version 11 on.
    SetListpack = 20,
}

impl ObjectType {
    /// How a value is written.
    #[must_use]
    pub fn of(value: ValueRef<'_>) -> ObjectType {
        match value {
            ValueRef::String(_) => ObjectType::String,
            ValueRef::Collection(Collection::List(_)) => ObjectType::ListQuicklist2,
            // Version 10 has no sets that are listpacks: their members are written one by one.
            ValueRef::Collection(Collection::Set(set)) => match set.as_intset() {
                Some(_) => ObjectType::SetIntset,
                None => ObjectType::Set,
            },
            ValueRef::Collection(Collection::SortedSet(set)) => match set.as_listpack() {
                Some(_) => ObjectType::SortedSetListpack,
                None => ObjectType::SortedSet2,
            },
            ValueRef::Collection(Collection::Hash(hash)) => match hash.as_listpack() {
                Some(_) => ObjectType::HashListpack,
                None => ObjectType::Hash,
            },
        }
    }

    /// The type a byte stands for, if it is one that can be read.
    #[must_use]
    pub fn from_byte(byte: u8) -> Option<ObjectType> {
        use ObjectType as T;
        const ALL: [ObjectType; 16] = [
            T::String,
            T::List,
            T::Set,
            T::SortedSet,
            T::Hash,
            T::SortedSet2,
            T::HashZipmap,
            T::ListZiplist,
            T::SetIntset,
            T::SortedSetZiplist,
            T::HashZiplist,
            T::ListQuicklist,
            T::HashListpack,
            T::SortedSetListpack,
            T::ListQuicklist2,
            T::SetListpack,
        ];
        ALL.into_iter().find(|&it| it as u8 == byte)
    }
}

/// What the types are that cannot be read, by their bytes.
pub(super) fn unsupported_type(byte: u8) -> Option<&'static str> {
    match byte {
        6 | 7 => Some("values of modules are not supported"),
        15 | 19 | 21 => Some("streams are not supported yet"),
        22..=25 => Some("hashes whose fields expire are not supported"),
        _ => None,
    }
}

/// What stands in a file where a type could.
pub(super) mod opcode {
    /// Entries of a hash slot follow: its number, and how many entries it has, and how many with an expiry.
    pub const SLOT_INFO: u8 = 244;
    /// A library of functions.
    pub const FUNCTION: u8 = 245;
    /// The same in the format of a release candidate of Redis 7.0.
    pub const FUNCTION_PRE_RELEASE: u8 = 246;
    /// What a module has to say besides its values.
    pub const MODULE_AUX: u8 = 247;
    /// Seconds since the next key was used.
    pub const IDLE: u8 = 248;
    /// How often the next key was used: one byte.
    pub const FREQUENCY: u8 = 249;
    /// A name and a text.
    pub const AUX: u8 = 250;
    /// How many keys follow, and how many with an expiry.
    pub const RESIZE: u8 = 251;
    /// When the next key expires, in milliseconds.
    pub const EXPIRY_MILLIS: u8 = 252;
    /// When the next key expires, in seconds.
    pub const EXPIRY_SECONDS: u8 = 253;
    /// The database of the keys that follow.
    pub const SELECT: u8 = 254;
    /// The end.
    pub const END: u8 = 255;
}

/// How a length begins, by its two highest bits.
pub(super) mod length {
    /// Six bits, the length itself: below this.
    pub const SIX_BITS_END: u64 = 1 << 6;
    /// Fourteen bits.
    pub const FOURTEEN_BITS: u8 = 0x40;
    /// Below this.
    pub const FOURTEEN_BITS_END: u64 = 1 << 14;
    /// Four bytes follow, highest first.
    pub const FOUR_BYTES: u8 = 0x80;
    /// Eight bytes follow, highest first.
    pub const EIGHT_BYTES: u8 = 0x81;
    /// Not a length: how the string is encoded.
    pub const ENCODED: u8 = 0xC0;
}

/// How a string is encoded, below [`length::ENCODED`].
pub(super) mod string {
    /// A byte is the number.
    pub const INT8: u8 = 0;
    /// Two bytes are, lowest first.
    pub const INT16: u8 = 1;
    /// Four bytes are.
    pub const INT32: u8 = 2;
    /// Compressed length, length, LZF.
    pub const LZF: u8 = 3;
}

/// What a node of a list is.
pub(super) mod node {
    /// One element.
    pub const PLAIN: u64 = 1;
    /// A listpack.
    pub const PACKED: u64 = 2;
}
