//! The system calls the driver makes and the standard library does not offer, each behind a safe function with
//! owned descriptors. All `unsafe` of this crate is in this folder.
//!
//! Sockets are [`std::net::TcpStream`]s, which serve Unix sockets as well since a descriptor is all they hold.

#![allow(unsafe_code)]

mod alarm;
mod clock;
mod epoll;
mod process;
mod signal;
mod socket;
mod transfer;
mod wake;

pub(crate) use alarm::Alarm;
pub use clock::now;
pub(crate) use clock::{Clocks, monotonic, thread_cpu_us};
pub(crate) use epoll::{Epoll, Events, Interest, Readiness};
pub(crate) use process::{OpenFiles, cpu_times, open_files, page_size_bytes, set_open_files};
pub(crate) use signal::{install_signal_handlers, take_shutdown_signal};
pub(crate) use socket::{KeepAlive, StepError, accept, listen_tcp, listen_unix, set_keep_alive};
pub(crate) use transfer::{receive, send};
pub(crate) use wake::Wake;

use std::io;

/// The usual convention: a negative result means that `errno` says why.
fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}
