//! Reading files, as their bytes arrive.
//!
//! ```text
//! let mut reader = Reader::new(options);
//! loop {
//!     match reader.next()? {
//!         Next::Item(item) => …,
//!         Next::Pause => …,                   go on at once, or after something more urgent
//!         Next::Hungry => reader.feed(bytes)  or, if there are no more, reader.finish()? and break
//!     }
//! }
//! ```
//!
//! Elements go into their collection as they arrive: what is waiting here is at most what was fed last, and the
//! beginning of one string. A length that is claimed gets no memory before its bytes are there.
//!
//! After [`Item::End`] nothing more is read, and [`Reader::into_rest`] has what was fed beyond it: the commands of an
//! append-only file that begins with a file of this format.

pub(super) mod cursor;
mod error;
mod packed;
mod value;
mod ziplist;
mod zipmap;

pub use error::{RdbError, Reason};

use self::cursor::{Cursor, Stop};
use self::value::{Building, Built};
use super::crc64::Crc64;
use super::format::{
    CHECKSUM_LEN, MAGIC, ObjectType, VERSION_READ_MAX, VERSION_WITH_CHECKSUM, opcode, unsupported_type,
};
use super::write::Stamp;
use crate::dataset::Limits;
use crate::keyspace::{HashKey, UnixMillis};
use crate::value::NewValue;
use bytes::Bytes;
use std::mem;

/// Elements and other things that are read in one call.
const STEPS_MAX: usize = 1_000;

/// Bytes that are read in one call, more or less: it may be the last thing that exceeds them.
const STEP_BYTES_MAX: usize = 256 << 10;

/// Digits of the version.
const VERSION_LEN: usize = 4;

/// The largest number a database can have.
const DATABASE_MAX: u64 = i32::MAX as u64;

/// How a file is read, and what becomes of its values.
#[derive(Clone, Copy, Debug)]
pub struct LoadOptions {
    /// `rdbchecksum`: whether a checksum has to be that of the bytes.
    pub checksum: bool,
    /// How large collections may be in their small forms.
    pub limits: Limits,
    /// What elements are hashed with.
    pub hash_key: HashKey,
}

/// Reads a file.
#[derive(Debug)]
pub struct Reader {
    options: LoadOptions,
    buffer: Vec<u8>,
    /// How much of it has been read.
    at: usize,
    /// How much of it is in the checksum.
    summed: usize,
    /// How many bytes came before it.
    offset: u64,
    crc: Crc64,
    version: u16,
    state: State,
    /// What has been said about the next key.
    expiry: Option<UnixMillis>,
    stamp: Stamp,
}

#[derive(Debug)]
enum State {
    /// At the beginning of the file.
    Beginning,
    /// At a type or an opcode.
    Between,
    /// In the value of this key.
    Value(Vec<u8>, Building),
    /// At the checksum.
    Checksum,
    /// Behind the end.
    Done,
}

/// What reading on has given.
#[derive(Debug)]
pub enum Next {
    /// Something that was in the file.
    Item(Item),
    /// Nothing yet, but there is more to be read.
    Pause,
    /// Nothing before more is fed.
    Hungry,
}

/// Something that is in a file.
#[derive(Debug)]
pub enum Item {
    /// Something that the file says about its making.
    Aux {
        /// Of these Redis knows `redis-ver`, `ctime`, `used-mem`, `aof-base`, and others.
        name: Vec<u8>,
        /// A number for most.
        value: Vec<u8>,
    },
    /// What follows belongs to this database.
    Select(usize),
    /// The database has so many keys, more or less.
    Resize {
        /// Keys.
        keys: u64,
        /// Those that have an expiry.
        expiring: u64,
    },
    /// A key.
    Key(Loaded),
    /// A key that is not one because there is nothing in its collection. Redis has written such, and passes over
    /// them.
    Empty(Vec<u8>),
    /// Something else that was passed over, and that whoever reads the file should be told.
    Skipped(&'static str),
    /// The end.
    End,
}

/// A key as a file has it.
#[derive(Debug)]
pub struct Loaded {
    /// The key.
    pub key: Vec<u8>,
    /// Its value, in the encoding that suits the limits.
    pub value: NewValue<'static>,
    /// When it expires, which may be over.
    pub expiry: Option<UnixMillis>,
    /// What is said about its use.
    pub stamp: Stamp,
}

impl Reader {
    /// Begins to read a file.
    #[must_use]
    pub fn new(options: LoadOptions) -> Reader {
        Reader {
            options,
            buffer: Vec::new(),
            at: 0,
            summed: 0,
            offset: 0,
            crc: Crc64::new(),
            version: 0,
            state: State::Beginning,
            expiry: None,
            stamp: Stamp::Unknown,
        }
    }

    /// Takes what comes next in the file.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.sum();
        self.offset += self.at as u64;
        self.buffer.drain(..self.at);
        (self.at, self.summed) = (0, 0);
        self.buffer.extend_from_slice(bytes);
    }

    /// Reads on: a bounded amount.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, and where. There is nothing to be read then.
    #[expect(clippy::should_implement_trait, reason = "it is no iterator: it may have nothing yet")]
    pub fn next(&mut self) -> Result<Next, RdbError> {
        let end = self.at.saturating_add(STEP_BYTES_MAX);
        for _ in 0..STEPS_MAX {
            let begin = self.at;
            match self.step() {
                Ok(Some(item)) => return Ok(Next::Item(item)),
                Ok(None) if matches!(self.state, State::Done) => return Ok(Next::Hungry),
                Ok(None) if self.at >= end => return Ok(Next::Pause),
                Ok(None) => {}
                Err(Stop::Hungry) => return Ok(Next::Hungry),
                Err(Stop::Bad(reason)) => return Err(self.error_at(begin, reason)),
            }
        }
        Ok(Next::Pause)
    }

    /// Says that there are no more bytes.
    ///
    /// # Errors
    ///
    /// The file has not ended.
    pub fn finish(&self) -> Result<(), RdbError> {
        match self.state {
            State::Done => Ok(()),
            _ => Err(self.error_at(self.buffer.len(), Reason::Truncated)),
        }
    }

    /// How many bytes of the file have been read.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset + self.at as u64
    }

    /// The version of the file; 0 before it has been read.
    #[must_use]
    pub fn version(&self) -> u16 {
        self.version
    }

    /// Whether the end has been read.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// What was fed and not read: what is behind the end.
    #[must_use]
    pub fn into_rest(mut self) -> Vec<u8> {
        self.buffer.split_off(self.at)
    }

    fn error_at(&self, at: usize, reason: Reason) -> RdbError {
        RdbError { offset: self.offset + at as u64, reason }
    }

    /// Takes what has been read into the checksum.
    fn sum(&mut self) {
        if self.options.checksum {
            self.crc.update(&self.buffer[self.summed..self.at]);
        }
        self.summed = self.at;
    }

    /// Reads the next thing, if it is there as a whole.
    fn step(&mut self) -> Result<Option<Item>, Stop> {
        match self.state {
            State::Beginning => self.header().map(|()| None),
            State::Between => self.between(),
            State::Value(..) => self.value(),
            State::Checksum => self.checksum().map(Some),
            State::Done => Ok(None),
        }
    }

    fn header(&mut self) -> Result<(), Stop> {
        let known = self.buffer.len().min(MAGIC.len());
        if self.buffer[..known] != MAGIC[..known] {
            return Err(Reason::Magic.into());
        }
        let mut cursor = Cursor::new(&self.buffer);
        cursor.take(MAGIC.len())?;
        let digits = cursor.array::<VERSION_LEN>()?;
        let is_number = digits.iter().all(u8::is_ascii_digit);
        let version = digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit & 0x0F));
        if !is_number || !(1..=VERSION_READ_MAX).contains(&version) {
            return Err(Reason::Version.into());
        }
        self.version = version;
        self.at = cursor.at();
        self.state = State::Between;
        Ok(())
    }

    /// Reads an opcode with what belongs to it, or the type and the key that a value follows.
    fn between(&mut self) -> Result<Option<Item>, Stop> {
        let mut cursor = Cursor::new(&self.buffer[self.at..]);
        let item = match cursor.byte()? {
            opcode::AUX => {
                let (name, value) = (cursor.string()?.into_vec()?, cursor.string()?.into_vec()?);
                Some(Item::Aux { name, value })
            }
            opcode::SELECT => match cursor.length()? {
                database @ ..=DATABASE_MAX => Some(Item::Select(database as usize)),
                _ => return Err(Reason::Database.into()),
            },
            opcode::RESIZE => Some(Item::Resize { keys: cursor.length()?, expiring: cursor.length()? }),
            opcode::SLOT_INFO => {
                let (_slot, _keys, _expiring) = (cursor.length()?, cursor.length()?, cursor.length()?);
                None
            }
            opcode::EXPIRY_SECONDS => {
                let seconds = i64::from(i32::from_le_bytes(cursor.array()?));
                self.expiry = Some(UnixMillis(seconds * 1000));
                None
            }
            opcode::EXPIRY_MILLIS => {
                self.expiry = Some(UnixMillis(i64::from_le_bytes(cursor.array()?)));
                None
            }
            opcode::IDLE => {
                self.stamp = Stamp::IdleSeconds(cursor.length()?);
                None
            }
            opcode::FREQUENCY => {
                self.stamp = Stamp::Frequency(cursor.byte()?);
                None
            }
            opcode::FUNCTION => {
                cursor.string()?;
                Some(Item::Skipped("a library of functions, which are not supported yet"))
            }
            opcode::FUNCTION_PRE_RELEASE => {
                return Err(Reason::Unsupported("functions in the format of a release candidate").into());
            }
            opcode::MODULE_AUX => return Err(Reason::Unsupported("data of a module").into()),
            opcode::END => {
                self.state = if self.version < VERSION_WITH_CHECKSUM { State::Done } else { State::Checksum };
                self.at += cursor.at();
                self.sum();
                return Ok(self.is_done().then_some(Item::End));
            }
            byte => {
                let object_type = object_type(byte)?;
                let key = cursor.string()?.into_vec()?;
                self.state = State::Value(key, Building::new(object_type));
                None
            }
        };
        self.at += cursor.at();
        Ok(item)
    }

    /// Reads on in a value.
    fn value(&mut self) -> Result<Option<Item>, Stop> {
        let State::Value(key, building) = &mut self.state else { return Ok(None) };
        let mut cursor = Cursor::new(&self.buffer[self.at..]);
        let built = building.step(&mut cursor, &self.options)?;
        self.at += cursor.at();
        let value = match built {
            Built::Partly => return Ok(None),
            Built::Value(value) => Some(value),
            Built::Empty => None,
            Built::Text(len) => {
                let key = mem::take(key);
                let value = self.take_text(len);
                return Ok(Some(self.end_value(key, Some(value))));
            }
        };
        let key = mem::take(key);
        Ok(Some(self.end_value(key, value)))
    }

    fn end_value(&mut self, key: Vec<u8>, value: Option<NewValue<'static>>) -> Item {
        self.state = State::Between;
        let (expiry, stamp) = (self.expiry.take(), mem::take(&mut self.stamp));
        match value {
            Some(value) => Item::Key(Loaded { key, value, expiry, stamp }),
            None => Item::Empty(key),
        }
    }

    /// Takes a long string, which has just been read, out of the buffer: with its memory if there is little else in
    /// that.
    fn take_text(&mut self, len: usize) -> NewValue<'static> {
        let begin = self.at - len;
        let other = begin + (self.buffer.len() - self.at);
        if other > len / 8 {
            return NewValue::Owned(self.buffer[begin..self.at].to_vec());
        }
        self.sum();
        let rest = self.buffer.split_off(self.at);
        let mut text = mem::replace(&mut self.buffer, rest);
        self.offset += self.at as u64;
        (self.at, self.summed) = (0, 0);
        text.shrink_to_fit();
        NewValue::Shared(Bytes::from(text).slice(begin..))
    }

    fn checksum(&mut self) -> Result<Item, Stop> {
        let mut cursor = Cursor::new(&self.buffer[self.at..]);
        let said = u64::from_le_bytes(cursor.array::<CHECKSUM_LEN>()?);
        // Zeros say that the file was written without one.
        if self.options.checksum && said != 0 && said != self.crc.value() {
            return Err(Reason::Checksum.into());
        }
        self.at += cursor.at();
        self.state = State::Done;
        Ok(Item::End)
    }
}

/// The type that a byte stands for.
fn object_type(byte: u8) -> Result<ObjectType, Reason> {
    ObjectType::from_byte(byte)
        .ok_or_else(|| unsupported_type(byte).map_or(Reason::UnknownType(byte), Reason::Unsupported))
}

/// Reads a value without its key, all of these bytes.
///
/// # Errors
///
/// What is wrong with it, and where. A collection with nothing in it is, too.
pub fn read_value(bytes: &[u8], options: &LoadOptions) -> Result<NewValue<'static>, RdbError> {
    let mut cursor = Cursor::new(bytes);
    let mut begin = 0;
    let built = read_built(&mut cursor, &mut begin, options);
    let error = |reason| RdbError { offset: begin as u64, reason };
    match built {
        Ok(Built::Empty | Built::Partly) => Err(error(Reason::Empty)),
        Ok(_) if !cursor.rest().is_empty() => {
            Err(RdbError { offset: cursor.at() as u64, reason: Reason::Trailing })
        }
        Ok(Built::Value(value)) => Ok(value),
        Ok(Built::Text(len)) => Ok(NewValue::Owned(bytes[cursor.at() - len..].to_vec())),
        Err(Stop::Hungry) => Err(error(Reason::Truncated)),
        Err(Stop::Bad(reason)) => Err(error(reason)),
    }
}

/// Reads a value to its end; `begin` is where what was read last begins.
fn read_built(cursor: &mut Cursor<'_>, begin: &mut usize, options: &LoadOptions) -> Result<Built, Stop> {
    let mut building = Building::new(object_type(cursor.byte()?)?);
    loop {
        *begin = cursor.at();
        match building.step(cursor, options)? {
            Built::Partly => {}
            built => return Ok(built),
        }
    }
}
