//! rotom's server as a state machine: no sockets, no files, no clock, no threads, no entropy.

#![deny(unsafe_code)]

pub mod disk;
pub mod net;
pub mod time;

pub mod keyspace;
pub mod value;
