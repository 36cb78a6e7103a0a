//! The protocol clients speak: RESP2 and RESP3.
//!
//! [`RequestParser`] finds the arguments of a command where they lie in the input; [`BigBulk`] receives a large
//! argument into memory of its own; [`Reply`] is what one client is owed, encoded once, in chunks that stay put
//! until they are sent.

mod big_bulk;
mod chunk_pool;
mod command;
mod encode;
mod inline;
mod reply;
mod request;

pub use big_bulk::BigBulk;
pub use chunk_pool::{CHUNK_LEN_BYTES, ChunkPool};
pub use command::{append_array_header, append_bulk, append_bulk_header, append_command};
pub use encode::Deferred;
pub use inline::split_quoted;
pub use reply::{Protocol, Reply, SHARED_BULK_LEN_BYTES_MIN};
pub use request::{
    ArgRange, BIG_BULK_LEN_BYTES, INPUT_LEN_BYTES_MAX, Limits, Parsed, ProtocolError, RequestParser,
};
