//! The production driver of rotom-core: an epoll loop, sockets and disk lanes.
//!
//! [`Server::bind`] opens the listeners, so that whatever is wrong with them is known before the process says
//! that it is up; [`Server::serve`] then runs a [`Core`](rotom_core::Core) until it wants to exit. One thread
//! runs the core and all sockets; one more per disk [`Lane`](rotom_core::disk::Lane) runs what may block, from
//! its first use on.
//!
//! The log goes to `tracing`, target `rotom`: Redis' levels warning, notice, verbose and debug are `WARN`,
//! `INFO`, `DEBUG` and `TRACE`.
//!
//! Modules stand in the order in which one wants to read them.

#![deny(unsafe_code)]

mod ae_loop;
mod connections;
mod host_stats;
mod input;
mod lanes;
mod listeners;
mod log;
mod open_files;
mod options;
mod output;
mod server;
mod sys;
mod text;
mod turn_clock;

pub use listeners::BindError;
pub use open_files::{OpenFilesError, RESERVED_DESCRIPTORS, raise_open_files_limit};
pub use options::{AllocatorFigures, Hooks, Listening};
pub use server::Server;
pub use sys::now;
