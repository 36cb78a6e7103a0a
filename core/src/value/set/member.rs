//! Members of large sets: the pointer of a packed string, or a number in its place.

#![expect(unsafe_code, reason = "declares to the table that a member is a pointer it can hold")]

use crate::keyspace::{Element, HashKey, UnixMillis, is_equal};
use crate::number::parse_i64;
use crate::value::StringRef;
use crate::value::packed::{Packed, is_small};
use itoa::Buffer;

/// A member. Owns its memory.
#[repr(transparent)]
pub struct Member(Packed<0>);

/// A member to look for: a number exactly if it is the canonical text of one so small that it needs no block.
#[derive(Clone, Copy)]
pub struct MemberKey<'a>(StringRef<'a>);

impl<'a> MemberKey<'a> {
    /// Sorts a string by how it would be stored; a large number is written into `digits`.
    #[inline]
    pub fn new(string: StringRef<'a>, digits: &'a mut Buffer) -> MemberKey<'a> {
        MemberKey(match string {
            StringRef::Int(number) if is_small(number) => string,
            StringRef::Int(number) => StringRef::Bytes(digits.format(number).as_bytes()),
            StringRef::Bytes(bytes) => match parse_i64(bytes) {
                Some(number) if is_small(number) => StringRef::Int(number),
                _ => string,
            },
        })
    }
}

impl Member {
    /// A copy of the member looked for.
    #[inline]
    pub fn new(key: MemberKey<'_>) -> Member {
        Member(match key.0 {
            StringRef::Int(number) => Packed::of_number(number).expect("only small numbers are keys as such"),
            StringRef::Bytes(bytes) => Packed::new([], bytes),
        })
    }

    /// The member as a string.
    #[inline]
    pub fn string(&self) -> StringRef<'_> {
        match self.0.text() {
            Some(text) => StringRef::Bytes(text),
            None => StringRef::Int(self.0.number().unwrap_or_default()),
        }
    }

    /// Bytes of memory besides the pointer.
    pub fn memory_bytes(&self) -> usize {
        self.0.memory_bytes()
    }
}

// SAFETY: transparent over `Packed`, which is transparent over `NonNull<u8>` and leaves the tag alone.
unsafe impl Element for Member {
    type Key<'k> = MemberKey<'k>;

    #[inline]
    fn key(&self) -> MemberKey<'_> {
        MemberKey(self.string())
    }

    #[inline]
    fn has_key(&self, key: MemberKey<'_>) -> bool {
        match (key.0, self.0.text()) {
            (StringRef::Bytes(bytes), Some(text)) => is_equal(text, bytes),
            (StringRef::Int(number), None) => self.0.number() == Some(number),
            _ => false,
        }
    }

    #[inline]
    fn hash(&self, hash_key: HashKey) -> u64 {
        self.string().with_bytes(|bytes| hash_key.hash(bytes))
    }

    #[inline]
    fn expiry(&self) -> Option<UnixMillis> {
        None
    }

    #[inline]
    fn has_expiry(&self) -> bool {
        false
    }

    #[inline]
    fn prefetch(&self) {
        self.0.prefetch();
    }

    #[inline]
    fn tag(&self) -> u16 {
        self.0.tag()
    }

    #[inline]
    fn set_tag(&mut self, tag: u16) {
        self.0.set_tag(tag);
    }
}
