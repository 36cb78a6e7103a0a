//! A file of keys, in pieces.
//!
//! ```text
//! let mut writer = Writer::new(checksum);
//! writer.begin(&mut out, &preamble);
//! what a snapshot writes in the format Rdb     again and again; when there is enough in `out`:
//! writer.sent(&out); send(&out); out.clear();
//! writer.end(&mut out); send(&out);
//! ```
//!
//! Without a snapshot, [`select`], [`resize`] and [`entry`] stand for what one would write. A large collection can be
//! written in slices: [`key`], then what [`encode`] has for its elements.

use super::crc64::Crc64;
use super::encode::{self, Options};
use super::format::{MAGIC, ObjectType, VERSION, opcode};
use crate::keyspace::{EntryRef, UnixMillis};
use crate::value::StringRef;

/// Frames keys as a file.
#[derive(Clone, Debug)]
pub struct Writer {
    checksum: bool,
    /// The checksum of what was sent.
    crc: Crc64,
}

/// What a file says about its making.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preamble<'a> {
    /// `redis-ver`.
    pub version: &'a str,
    /// `ctime`: when it was begun, in seconds since the Unix epoch.
    pub created_seconds: u64,
    /// `used-mem`.
    pub used_memory_bytes: u64,
    /// `aof-base`: whether it is the base of an append-only file.
    pub is_aof_base: bool,
}

/// What a file says about how a key was used: by `maxmemory-policy`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamp {
    /// Nothing: the policy is neither LRU nor LFU.
    #[default]
    Unknown,
    /// LRU: so many seconds ago.
    IdleSeconds(u64),
    /// LFU: the logarithmic counter.
    Frequency(u8),
}

impl Writer {
    /// Begins a file. Without `checksum` (`rdbchecksum no`) it ends in zeros.
    #[must_use]
    pub fn new(checksum: bool) -> Writer {
        Writer { checksum, crc: Crc64::new() }
    }

    /// Appends what a file begins with.
    pub fn begin(&self, out: &mut Vec<u8>, preamble: &Preamble<'_>) {
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(format!("{VERSION:04}").as_bytes());
        aux(out, "redis-ver", StringRef::Bytes(preamble.version.as_bytes()));
        aux(out, "redis-bits", StringRef::Int(i64::from(usize::BITS)));
        aux(out, "ctime", StringRef::Int(preamble.created_seconds as i64));
        aux(out, "used-mem", StringRef::Int(preamble.used_memory_bytes as i64));
        aux(out, "aof-base", StringRef::Int(i64::from(preamble.is_aof_base)));
    }

    /// Says that these bytes are on their way, after all that were before them.
    pub fn sent(&mut self, bytes: &[u8]) {
        if self.checksum {
            self.crc.update(bytes);
        }
    }

    /// Appends the end to what has not been sent yet, all of which has to be in `out`.
    pub fn end(mut self, out: &mut Vec<u8>) {
        out.push(opcode::END);
        self.sent(out);
        out.extend_from_slice(&self.crc.value().to_le_bytes());
    }
}

/// Appends the number of the database that what follows belongs to.
pub fn select(out: &mut Vec<u8>, database: usize) {
    out.push(opcode::SELECT);
    encode::length(out, database as u64);
}

/// Appends how many keys a database has, and how many of them have an expiry. Whoever reads it takes it for a hint.
pub fn resize(out: &mut Vec<u8>, keys: usize, expiring: usize) {
    out.push(opcode::RESIZE);
    encode::length(out, keys as u64);
    encode::length(out, expiring as u64);
}

/// Appends what comes before the body of a value: expiry, stamp, type and key.
pub fn key(
    out: &mut Vec<u8>,
    key: &[u8],
    object_type: ObjectType,
    expiry: Option<UnixMillis>,
    stamp: Stamp,
    options: Options,
) {
    if let Some(UnixMillis(at)) = expiry {
        out.push(opcode::EXPIRY_MILLIS);
        out.extend_from_slice(&at.to_le_bytes());
    }
    match stamp {
        Stamp::Unknown => {}
        Stamp::IdleSeconds(seconds) => {
            out.push(opcode::IDLE);
            encode::length(out, seconds);
        }
        Stamp::Frequency(counter) => out.extend_from_slice(&[opcode::FREQUENCY, counter]),
    }
    out.push(object_type as u8);
    encode::string(out, StringRef::Bytes(key), options);
}

/// Appends a key with all of its value.
pub fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, stamp: Stamp, options: Options) {
    let value = entry.value();
    key(out, entry.key(), ObjectType::of(value), entry.expiry(), stamp, options);
    encode::body(out, value, options);
}

fn aux(out: &mut Vec<u8>, name: &str, value: StringRef<'_>) {
    let options = Options { compression: false };
    out.push(opcode::AUX);
    encode::string(out, StringRef::Bytes(name.as_bytes()), options);
    encode::string(out, value, options);
}
