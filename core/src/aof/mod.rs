//! The append-only file: its formats, and how a log is read back after whatever happened to it.
//!
//! A log is a directory: a [`Manifest`] names a *base* (the data set at some instant) and the *increments* written
//! since. An increment is RESP commands and annotation lines, which begin with `#` and which Redis skips.
//!
//! # Sealed batches
//!
//! What one turn appends is one batch. A line stands in front of it, so that a reader knows what is to come before
//! it believes any of it:
//!
//! ```text
//! #CRC:<file>:<offset>:<length>:<synced>:<checksum of the batch>:<checksum of this line>\r\n
//! ```
//!
//! Numbers are decimal, checksums are CRC-32C in eight hexadecimal digits; the line's is over what stands before it.
//!
//! * *file* is the increment's sequence number in the manifest and *offset* where the line begins in that file. So
//!   a stale, moved or repeated batch never passes, nor does one that is part of a value.
//! * *length* is that of the batch behind the line, in bytes.
//! * *synced* says how many bytes of the file were durable when the batch was sealed. It is what tells damage from
//!   a torn tail: pages reach a disk in any order, so after a power failure whole batches may well stand behind a
//!   damaged one. Nobody was promised those. But where a later line says that the damaged bytes were durable, they
//!   were once read back or acknowledged, and the file is refused ([`End::Corrupt`]) rather than cut.
//!
//! A file begins with an empty batch, synced before the manifest names the file: from then on a reader knows that
//! what is not sealed was not written here. Redis may still take a file over and append plain commands; they begin
//! with `*` where a line would stand, and are read by Redis' rules until the next sealed batch.

mod base;
mod batch;
mod command;
mod crc32c;
mod manifest;
mod messages;
mod reader;
mod scan;

pub use base::Commands;
pub use batch::{ANNOTATION_LEN_BYTES_MAX, BatchLine, Sealer, append_timestamp, parse_timestamp};
pub use crc32c::Crc32c;
pub use manifest::{BaseFormat, FileInfo, FileKind, Manifest, ManifestError, ManifestFault, Names};
pub use messages::{bad_format, load_truncated, unexpected_end, unfinished_transaction};
pub use reader::{End, Item, LogReader, Reason, begins_rdb};
