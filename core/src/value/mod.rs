//! Values and their encodings. Nothing here knows of commands or keys.

pub mod string;

pub use string::{NewValue, RawString, StringRef};

/// Longest string that `OBJECT ENCODING` calls `embstr`.
pub const EMBSTR_LEN_MAX: usize = 44;

/// The type of a value, under the name the TYPE command gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    /// A string.
    String,
}

impl ValueType {
    /// Redis' name of the type.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ValueType::String => "string",
        }
    }
}

/// How a value is stored, under the name `OBJECT ENCODING` gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Encoding {
    /// A 64-bit integer.
    Int,
    /// A short string.
    Embstr,
    /// Any other string.
    Raw,
}

impl Encoding {
    /// Redis' name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Encoding::Int => "int",
            Encoding::Embstr => "embstr",
            Encoding::Raw => "raw",
        }
    }
}

/// A value, to look at.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// A string.
    String(StringRef<'a>),
}

impl ValueRef<'_> {
    /// Appends a description that equal values have in common, whatever their encoding.
    pub fn describe(&self, record: &mut Vec<u8>) {
        match self {
            ValueRef::String(string) => {
                record.push(b's');
                string.append_to(record);
            }
        }
    }
}
