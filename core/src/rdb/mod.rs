//! RDB: values, dumps of one value and files of a whole data set, in Redis' format.
//!
//! ```text
//! file     REDIS0010  aux …  (SELECTDB  RESIZEDB  key …) …  EOF  CRC-64
//! key      [expiry]  [idle time | frequency]  type  key  body
//! payload  type  body  version (u16)  CRC-64                              what DUMP replies
//! ```
//!
//! Written is version 10, which every Redis from 7.0 on loads; read are versions 1 to 12. Bytes go in and out: who
//! writes them to a disk or a socket, and when, is somebody else's business.
//!
//! - [`encode`] turns a value into its bytes, whole or, for large collections, an element at a time.
//! - [`write`](mod@write) frames keys as a file: pieces to be sent off when there is enough of them.
//! - [`read`] takes a file in pieces of any size and yields what is in it. It believes nothing: what claims a length
//!   gets memory as its bytes arrive, small encodings are looked at element by element, and an error says where.
//! - [`payload`] is DUMP's reply and RESTORE's argument.
//!
//! Nothing here knows commands, connections or the clock.

pub mod crc64;
pub mod encode;
mod format;
pub mod payload;
pub mod read;
mod snapshot;
#[cfg(test)]
mod tests;
pub mod write;

pub use crc64::Crc64;
pub use format::{ObjectType, VERSION, VERSION_READ_MAX};
pub use read::{Item, LoadOptions, Loaded, Next, RdbError, Reader};
pub use snapshot::Rdb;
pub use write::{Preamble, Stamp, Writer};
