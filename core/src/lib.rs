//! rotom's server as a state machine: no sockets, no files, no clock, no threads, no entropy.
//!
//! [`Core`] consumes events and returns effects; its documentation is the contract between it and a driver, and
//! has a driver in a few lines. Modules stand in the order in which a request meets them.

#![deny(unsafe_code)]

#[macro_use]
mod probe;

mod core;
pub mod disk;
pub mod net;
pub mod time;

mod block;
mod call;
mod expire;
mod input;
mod serve;
mod turn;

pub mod args;
pub mod client;
pub mod commands;
pub mod config;
pub mod config_rewrite;
pub mod context;
pub mod dataset;
pub mod error;
mod lazy_free;
pub mod lru;
pub mod persistence;
pub mod propagation;
pub mod server;
pub mod session;
pub mod snapshot;
pub mod stats;
pub mod transaction;
pub mod waiting;
pub mod watch;

pub mod aof;

pub mod glob;
pub mod keyspace;
pub mod long_double;
pub mod number;
pub mod rdb;
pub mod resp;
pub mod value;

#[cfg(feature = "simulation")]
mod execution;
#[cfg(feature = "simulation")]
pub mod mark;
#[cfg(feature = "mutants")]
pub mod mutant;

pub use config::Config;
pub use core::{Core, Input};
#[cfg(feature = "simulation")]
pub use execution::{Execution, ExecutionKind};
pub use server::{Host, HostStats, LogLevel, LogLine, StopSignal};

#[cfg(test)]
mod stage;
