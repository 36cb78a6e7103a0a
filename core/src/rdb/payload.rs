//! One value by itself: what DUMP replies and RESTORE takes.
//!
//! ```text
//! type  body  version (u16)  CRC-64        lowest byte first; the checksum is of everything before it
//! ```

use super::crc64::Crc64;
use super::encode::{self, Options};
use super::format::{CHECKSUM_LEN, VERSION, VERSION_READ_MAX};
use super::read::{LoadOptions, RdbError, read_value};
use crate::value::{NewValue, ValueRef};

/// Bytes of the version.
const VERSION_LEN: usize = 2;

/// Appends the payload of a value.
pub fn encode(out: &mut Vec<u8>, value: ValueRef<'_>, options: Options) {
    let begin = out.len();
    encode::object(out, value, options);
    out.extend_from_slice(&VERSION.to_le_bytes());
    let crc = Crc64::of(&out[begin..]);
    out.extend_from_slice(&crc.value().to_le_bytes());
}

/// What a payload has before its footer, if it has one, of a version that is read and with the right checksum.
#[must_use]
pub fn verify(payload: &[u8]) -> Option<&[u8]> {
    let (summed, said) = payload.split_last_chunk::<CHECKSUM_LEN>()?;
    let (value, version) = summed.split_last_chunk::<VERSION_LEN>()?;
    let is_right = u64::from_le_bytes(*said) == Crc64::of(summed).value();
    (u16::from_le_bytes(*version) <= VERSION_READ_MAX && is_right).then_some(value)
}

/// The value that a payload has before its footer.
///
/// # Errors
///
/// What is wrong with it.
pub fn decode(value: &[u8], options: &LoadOptions) -> Result<NewValue<'static>, RdbError> {
    read_value(value, options)
}
