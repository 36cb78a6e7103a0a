//! Reading: from the queue of readable connections into the arena, and in batches to the core.
//!
//! The arena is as large as a turn's input may be, so the budget is the memory. A connection is read from once
//! per turn; if its read filled the space it had, it goes to the end of the queue.

use crate::ae_loop::{AeLoop, EVENTS_PER_TURN_MAX};
use crate::connections::Flags;
use crate::sys;
use rotom_core::net::{ConnId, Reading};
use rotom_core::time::Now;
use rotom_core::{Core, Input};
use std::io;

/// Input of one turn. A pipelined SET is some 40 bytes and takes a microsecond on a keyspace that is not in the
/// cache, so this is about 1.2 milliseconds of work.
pub(crate) const INPUT_BYTES_PER_TURN_MAX: usize = 48 * 1024;

/// Input of one connection in one turn.
pub(crate) const INPUT_BYTES_PER_CONNECTION_MAX: usize = 16 * 1024;

/// With less of the turn's input left than this, the next connection waits for the next turn.
const INPUT_BYTES_MIN: usize = 2 * 1024;

/// Connections read from in one turn; with one request each, that is about half a millisecond of system calls.
const READS_PER_TURN_MAX: usize = EVENTS_PER_TURN_MAX;

/// Connections whose input is handed to the core together.
const BATCH_MAX: usize = 16;

/// Bytes of large values, read straight to where they stay, of one connection in one turn. They cost only
/// their copy and fresh memory, so there may be more of them.
const FILLED_BYTES_PER_CONNECTION_MAX: usize = 128 * 1024;

/// Bytes of large values in one turn; with fresh memory, about a millisecond.
const FILLED_BYTES_PER_TURN_MAX: usize = 512 * 1024;

/// How a read ended.
enum Got {
    /// So many bytes.
    Bytes(usize),
    /// Nothing, for now.
    Nothing,
    /// Nothing, and there never will be any more.
    End,
    /// The connection failed.
    Failed,
}

impl AeLoop {
    /// Reads from the connections at the front of the queue and hands their input to the core, as far as the
    /// turn's budget goes.
    pub(crate) fn read_inputs(&mut self, core: &mut Core, now: Now) {
        let mut arena = std::mem::take(&mut self.arena);
        let mut space = &mut arena[..];
        let mut fill_budget = FILLED_BYTES_PER_TURN_MAX;
        let mut batch = Batch::new();
        for _ in 0..self.readable.len().min(READS_PER_TURN_MAX) {
            if space.len() < INPUT_BYTES_MIN || fill_budget == 0 {
                break;
            }
            let Some(conn) = self.readable.pop_front() else { break };
            if !self.begin_read(conn) {
                continue;
            }
            if let Some(filled) = self.fill(core, now, conn, fill_budget) {
                fill_budget -= filled;
                continue;
            }
            let len_max = space.len().min(INPUT_BYTES_PER_CONNECTION_MAX);
            match self.read(conn, &mut space[..len_max]) {
                Got::Bytes(len) => {
                    let (bytes, rest) = std::mem::take(&mut space).split_at_mut(len);
                    space = rest;
                    batch.push(conn, bytes);
                    if batch.is_full() {
                        self.hand_over(core, now, &mut batch);
                    }
                }
                Got::Nothing => {}
                Got::End => self.end_input(core, now, conn),
                Got::Failed => self.lose(core, now, conn),
            }
        }
        self.hand_over(core, now, &mut batch);
        self.arena = arena;
    }

    /// Whether a connection that was queued still is to be read from.
    #[inline]
    fn begin_read(&mut self, conn: ConnId) -> bool {
        let Some(connection) = self.connections.find(conn) else { return false };
        connection.flags.clear(Flags::READ_QUEUED);
        connection.should_queue_read()
    }

    /// Reads a large value of a connection straight to where it will stay, if it is in the middle of one.
    /// Returns how many bytes came.
    #[inline]
    fn fill(&mut self, core: &mut Core, now: Now, conn: ConnId, budget: usize) -> Option<usize> {
        let space = core.input_buffer(conn)?;
        if space.is_empty() {
            return None;
        }
        let len_max = space.len().min(FILLED_BYTES_PER_CONNECTION_MAX).min(budget);
        match self.read(conn, &mut space[..len_max]) {
            Got::Bytes(len) => {
                let reading = core.handle_filled(now, conn, len);
                self.go_on(conn, reading);
                return Some(len);
            }
            Got::Nothing => {}
            Got::End => self.end_input(core, now, conn),
            Got::Failed => self.lose(core, now, conn),
        }
        Some(0)
    }

    /// Reads once. A read that comes back short has taken everything, so that the next edge will be a new one;
    /// except behind a half-close, whose edge has been and will not come again.
    #[inline]
    fn read(&mut self, conn: ConnId, space: &mut [u8]) -> Got {
        let Some(connection) = self.connections.find(conn) else { return Got::Nothing };
        match sys::receive(&connection.socket, space) {
            Ok(0) => Got::End,
            Ok(len) => {
                if len < space.len() && !connection.flags.has(Flags::HALF_CLOSED) {
                    connection.flags.clear(Flags::READABLE);
                }
                Got::Bytes(len)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock => {
                    connection.flags.clear(Flags::READABLE);
                    Got::Nothing
                }
                io::ErrorKind::Interrupted => {
                    connection.flags.set(Flags::READ_QUEUED);
                    self.readable.push_back(conn);
                    Got::Nothing
                }
                _ => Got::Failed,
            },
        }
    }

    /// Gives a batch to the core and does as it says about each connection.
    #[inline]
    fn hand_over(&mut self, core: &mut Core, now: Now, batch: &mut Batch<'_>) {
        let inputs = &mut batch.inputs[..batch.len];
        match inputs.len() {
            0 => return,
            1 => inputs[0].reading = core.handle_input(now, inputs[0].conn, inputs[0].bytes),
            _ => core.handle_inputs(now, inputs),
        }
        for input in inputs {
            self.go_on(input.conn, input.reading);
        }
        batch.len = 0;
    }

    #[inline]
    fn go_on(&mut self, conn: ConnId, reading: Reading) {
        let Some(connection) = self.connections.find(conn) else { return };
        match reading {
            Reading::Continue => {
                if connection.should_queue_read() {
                    connection.flags.set(Flags::READ_QUEUED);
                    self.readable.push_back(conn);
                }
            }
            // One that was stopped waits for its `Close`, which comes when it has its replies.
            Reading::Pause | Reading::Stop => connection.flags.set(Flags::PAUSED),
        }
    }

    /// All that a peer had to say was read. What it is owed still goes out; then the connection ends.
    fn end_input(&mut self, core: &mut Core, now: Now, conn: ConnId) {
        if !core.owes(conn) {
            return self.lose(core, now, conn);
        }
        if let Some(connection) = self.connections.find(conn) {
            connection.flags.set(Flags::INPUT_ENDED);
        }
    }
}

/// Inputs of several connections on their way to the core.
struct Batch<'a> {
    inputs: [Input<'a>; BATCH_MAX],
    len: usize,
}

impl<'a> Batch<'a> {
    fn new() -> Batch<'a> {
        let empty = |_| Input { conn: ConnId::from_u64(u64::MAX), bytes: &[], reading: Reading::Continue };
        Batch { inputs: std::array::from_fn(empty), len: 0 }
    }

    fn push(&mut self, conn: ConnId, bytes: &'a [u8]) {
        self.inputs[self.len] = Input { conn, bytes, reading: Reading::Continue };
        self.len += 1;
    }

    fn is_full(&self) -> bool {
        self.len == BATCH_MAX
    }
}
