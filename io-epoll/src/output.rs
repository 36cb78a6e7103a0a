//! Writing: what the core has for each connection goes out at the end of the turn, in as few calls as it takes.

use crate::ae_loop::AeLoop;
use crate::connections::{Connection, Flags};
use crate::sys::{self, Interest};
use rotom_core::Core;
use rotom_core::net::ConnId;
use rotom_core::time::Now;
use std::io::{self, IoSlice, Write as _};

/// Slices of output asked for first; most replies are one.
const SLICES_FIRST: usize = 4;

/// Slices of output written with one call.
const SLICES_MAX: usize = 64;

/// Output of one connection in one turn.
pub(crate) const OUTPUT_BYTES_PER_CONNECTION_MAX: usize = 128 * 1024;

/// Output of one turn. To copy it into sockets takes between a quarter of a millisecond and a whole one.
pub(crate) const OUTPUT_BYTES_PER_TURN_MAX: usize = 512 * 1024;

/// One attempt to write.
struct Attempt {
    /// How many bytes the call was given.
    offered_bytes: usize,
    /// Whether that was all there is.
    is_all: bool,
    result: io::Result<usize>,
}

/// How far the writing to a connection came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// Everything is out.
    Drained,
    /// The socket takes no more for now.
    Blocked,
    /// The turn's budget is used up.
    OverBudget,
    /// The connection is broken.
    Failed,
}

impl AeLoop {
    /// Writes what is left from earlier turns and what this one has brought, as far as the turn's budget goes.
    pub(crate) fn write_outputs(&mut self, core: &mut Core, now: Now) {
        let mut budget = OUTPUT_BYTES_PER_TURN_MAX;
        for _ in 0..self.writable.len() {
            let Some(conn) = self.writable.pop_front() else { break };
            if let Some(connection) = self.connections.find(conn) {
                connection.flags.clear(Flags::WRITE_QUEUED);
                self.write_output(core, now, conn, &mut budget);
            }
        }
        while let Some(conn) = core.poll_writable() {
            self.write_output(core, now, conn, &mut budget);
        }
    }

    /// Writes to one connection.
    #[inline]
    fn write_output(&mut self, core: &mut Core, now: Now, conn: ConnId, budget: &mut usize) {
        let Some(connection) = self.connections.find(conn) else { return };
        if connection.flags.has(Flags::WRITE_BLOCKED | Flags::WRITE_QUEUED) {
            return;
        }
        match write_until(core, now, conn, connection, budget) {
            Progress::Drained if connection.flags.has(Flags::INPUT_ENDED) => {
                self.close(conn);
                self.gone.push(conn);
            }
            Progress::Drained => {}
            Progress::Blocked => {
                connection.flags.set(Flags::WRITE_BLOCKED);
                self.await_room(conn);
            }
            Progress::OverBudget => {
                connection.flags.set(Flags::WRITE_QUEUED);
                self.writable.push_back(conn);
            }
            Progress::Failed => {
                self.close(conn);
                self.gone.push(conn);
            }
        }
    }

    /// Has a Unix socket watched for room. TCP always is, as it reports only what follows a full buffer; a Unix
    /// socket would report every read of its peer.
    #[cold]
    fn await_room(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.find(conn) else { return };
        if connection.flags.has(Flags::UNIX) {
            connection.flags.clear(Flags::UNIX);
            // It is watched already, so there is nothing to allocate and nothing that can fail.
            let _ = self.epoll.modify(&connection.socket, conn.to_u64(), Interest::BOTH_EDGE);
        }
    }
}

/// Writes until there is nothing left, no room, or no budget.
#[inline]
fn write_until(
    core: &mut Core,
    now: Now,
    conn: ConnId,
    connection: &mut Connection,
    turn_budget: &mut usize,
) -> Progress {
    let mut budget = OUTPUT_BYTES_PER_CONNECTION_MAX.min(*turn_budget);
    loop {
        if budget == 0 {
            return Progress::OverBudget;
        }
        let Some(attempt) = write_once(core, conn, connection, budget) else { return Progress::Drained };
        match attempt.result {
            Ok(len) => {
                core.handle_written(now, conn, len);
                budget -= len;
                *turn_budget -= len;
                if len < attempt.offered_bytes {
                    return Progress::Blocked;
                }
                if attempt.is_all {
                    return Progress::Drained;
                }
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => return Progress::Blocked,
                io::ErrorKind::Interrupted => {}
                _ => return Progress::Failed,
            },
        }
    }
}

/// Writes a connection's output with one call; nothing when there is none.
#[inline]
fn write_once(core: &Core, conn: ConnId, connection: &mut Connection, budget: usize) -> Option<Attempt> {
    let mut slices = [IoSlice::new(&[]); SLICES_FIRST];
    let count = core.output(conn, &mut slices);
    match count {
        0 => None,
        SLICES_FIRST => {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = core.output(conn, &mut slices);
            Some(write_slices(connection, &slices[..count], count < SLICES_MAX, budget))
        }
        count => Some(write_slices(connection, &slices[..count], true, budget)),
    }
}

/// Writes as many of the slices as the budget allows; the first one at least in part.
#[inline]
fn write_slices(connection: &mut Connection, slices: &[IoSlice<'_>], is_all: bool, budget: usize) -> Attempt {
    let mut total = 0;
    let mut count = 0;
    for slice in slices {
        if total + slice.len() > budget {
            break;
        }
        total += slice.len();
        count += 1;
    }
    let is_all = is_all && count == slices.len();
    match count {
        0 => {
            let result = sys::send(&connection.socket, &slices[0][..budget]);
            Attempt { offered_bytes: budget, is_all, result }
        }
        1 => Attempt { offered_bytes: total, is_all, result: sys::send(&connection.socket, &slices[0]) },
        _ => Attempt {
            offered_bytes: total,
            is_all,
            result: connection.socket.write_vectored(&slices[..count]),
        },
    }
}
