//! What can be wrong with a file or a payload.

use crate::value::intset::IntsetError;
use crate::value::listpack::ListpackError;
use crate::value::lzf::LzfError;
use std::fmt;

/// Why bytes are refused, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RdbError {
    /// Where what is wrong begins, from the first byte of the file or payload.
    pub offset: u64,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for RdbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at offset {}", self.reason, self.offset)
    }
}

impl std::error::Error for RdbError {}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The file does not begin as one.
    Magic,
    /// It is of a version that is not read.
    Version,
    /// The checksum at its end is not that of its bytes.
    Checksum,
    /// The bytes end too early.
    Truncated,
    /// There are bytes behind the value.
    Trailing,
    /// A collection has nothing in it.
    Empty,
    /// A byte is neither a type nor an opcode.
    UnknownType(u8),
    /// It is something that cannot be taken over.
    Unsupported(&'static str),
    /// A length begins with a byte that begins none.
    Length,
    /// A string is encoded in a way that there is not.
    StringEncoding,
    /// A database number is beyond all reason.
    Database,
    /// A compressed string.
    Lzf(LzfError),
    /// A listpack.
    Listpack(ListpackError),
    /// An intset.
    Intset(IntsetError),
    /// A ziplist, at this offset in it.
    Ziplist(usize),
    /// A zipmap, at this offset in it.
    Zipmap(usize),
    /// A node of a list is neither an element nor a listpack.
    ListNode,
    /// A field or a score has no value or member to it.
    Unpaired,
    /// An element is there twice.
    Duplicate,
    /// A score is not a number.
    Score,
    /// A sorted set is not sorted.
    Order,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Reason::UnknownType(byte) => return write!(f, "unknown type {byte}"),
            Reason::Lzf(error) => return error.fmt(f),
            Reason::Listpack(error) => return error.fmt(f),
            Reason::Intset(error) => return error.fmt(f),
            Reason::Ziplist(at) => return write!(f, "ziplist with a bad byte at {at}"),
            Reason::Zipmap(at) => return write!(f, "zipmap with a bad byte at {at}"),
            Reason::Unsupported(what) => what,
            Reason::Magic => "not an RDB file",
            Reason::Version => "an RDB version that is not supported",
            Reason::Checksum => "the checksum does not match",
            Reason::Truncated => "the data end too early",
            Reason::Trailing => "the data go on behind their end",
            Reason::Empty => "a collection with nothing in it",
            Reason::Length => "a bad length",
            Reason::StringEncoding => "a string in an unknown encoding",
            Reason::Database => "a bad database number",
            Reason::ListNode => "an unknown kind of list node",
            Reason::Unpaired => "elements that should come in pairs",
            Reason::Duplicate => "an element that is there twice",
            Reason::Score => "a score that is not a number",
            Reason::Order => "a sorted set out of order",
        };
        f.write_str(text)
    }
}

impl From<LzfError> for Reason {
    fn from(error: LzfError) -> Reason {
        Reason::Lzf(error)
    }
}

impl From<ListpackError> for Reason {
    fn from(error: ListpackError) -> Reason {
        Reason::Listpack(error)
    }
}

impl From<IntsetError> for Reason {
    fn from(error: IntsetError) -> Reason {
        Reason::Intset(error)
    }
}
