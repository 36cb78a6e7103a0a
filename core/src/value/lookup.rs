//! What is looked for in a collection, and its hash, if that is known already.

use super::StringRef;
use crate::keyspace::HashKey;
use itoa::Buffer;

/// A field or member that is looked for or added.
///
/// Its hash is found when it is needed. A command with many of them, or a pipeline of commands, has the hashes
/// found ahead, which also begins to fetch what they lead to: see the `prefetch` of each collection.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    string: StringRef<'a>,
    hash: Option<u64>,
}

impl<'a> Lookup<'a> {
    /// Looks for this string.
    #[must_use]
    #[inline]
    pub const fn new(string: StringRef<'a>) -> Lookup<'a> {
        Lookup { string, hash: None }
    }

    /// Looks for this string, whose hash under the server's key is `hash`.
    #[must_use]
    #[inline]
    pub fn with_hash(bytes: &'a [u8], hash: u64) -> Lookup<'a> {
        Lookup { string: StringRef::Bytes(bytes), hash: Some(hash) }
    }

    /// The hash, if it was found already.
    #[must_use]
    #[inline]
    pub fn known_hash(self) -> Option<u64> {
        self.hash
    }

    /// The string.
    #[must_use]
    #[inline]
    pub fn string(self) -> StringRef<'a> {
        self.string
    }

    /// The string's bytes; a number is written into `digits`.
    #[must_use]
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        self.string.bytes(digits)
    }

    /// The hash of its bytes.
    #[inline]
    pub(super) fn hash(self, hash_key: HashKey) -> u64 {
        self.hash.unwrap_or_else(|| self.string.with_bytes(|bytes| hash_key.hash(bytes)))
    }

    /// Finds the hash, and keeps it.
    #[inline]
    pub(super) fn prepare(&mut self, hash_key: HashKey) -> u64 {
        let hash = self.hash(hash_key);
        self.hash = Some(hash);
        hash
    }
}

impl<'a> From<&'a [u8]> for Lookup<'a> {
    #[inline]
    fn from(bytes: &'a [u8]) -> Lookup<'a> {
        Lookup::new(StringRef::Bytes(bytes))
    }
}

impl<'a> From<StringRef<'a>> for Lookup<'a> {
    #[inline]
    fn from(string: StringRef<'a>) -> Lookup<'a> {
        Lookup::new(string)
    }
}
