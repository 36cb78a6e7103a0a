//! rotom's server as a state machine: no sockets, no files, no clock, no threads, no entropy.

#![deny(unsafe_code)]

pub mod disk;
pub mod glob;
pub mod long_double;
pub mod net;
pub mod number;
pub mod resp;
pub mod time;
