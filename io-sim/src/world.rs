//! [`World`]: a server and its clients in one process, without sockets.

use crate::clock::Clock;
use crate::disk::Disk;
use crate::network::{Cutter, Delivery, Peer, PeerState};
use rotom_core::disk::DiskCompletion;
use rotom_core::net::{Accept, ConnId, NetEffect, Reading};
use rotom_core::time::Wall;
use rotom_core::{Config, Core, Host, Input, LogLine};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::IoSlice;
use std::time::Duration;

/// Turns a world takes until it comes to rest; more mean that the server keeps itself busy.
pub const TURNS_MAX: usize = 5_000_000;

/// Slices of output lent at once.
const SLICES_MAX: usize = 16;

/// Lines of the log that are kept; the oldest go.
const LOG_LINES_MAX: usize = 1_000;

/// The port the first client comes from.
const FIRST_CLIENT_PORT: usize = 50_000;

/// The descriptor the first client would have.
const FIRST_DESCRIPTOR: usize = 8;

/// A server and its clients. Whatever is started comes to rest before a method returns: all input that may be
/// read is read, all output is out, and nothing is left to do before time passes.
#[derive(Debug)]
pub struct World {
    core: Core,
    clock: Clock,
    cutter: Cutter,
    disk: Disk,
    peers: Vec<PeerState>,
    /// Which client a connection belongs to.
    peer_of: BTreeMap<ConnId, usize>,
    /// Connections whose output did not go out whole.
    unwritten: BTreeSet<ConnId>,
    /// Clients that have closed their end; the server learns of it in the next turn.
    hung_up: Vec<usize>,
    /// Disk work that has ended; the server learns of it in the next turn.
    completions: VecDeque<DiskCompletion>,
    log: VecDeque<LogLine>,
    exit_status: Option<i32>,
}

impl World {
    /// A server with this configuration, and nobody connected. Everything random, in the server and around it,
    /// follows from `seed`.
    #[must_use]
    pub fn new(config: Config, host: Host, delivery: Delivery, seed: u64) -> World {
        let clock = Clock::default();
        World {
            core: Core::new(config, host, seed, clock.now()),
            clock,
            cutter: Cutter::new(delivery, seed),
            disk: Disk::default(),
            peers: Vec::new(),
            peer_of: BTreeMap::new(),
            unwritten: BTreeSet::new(),
            hung_up: Vec::new(),
            completions: VecDeque::new(),
            log: VecDeque::new(),
            exit_status: None,
        }
    }

    /// A client connects. One that is refused receives the reason and is closed.
    pub fn connect(&mut self) -> Peer {
        let index = self.peers.len();
        let address = format!("127.0.0.1:{}", FIRST_CLIENT_PORT + index);
        let mut peer = PeerState::new(None, address.clone());
        if self.exit_status.is_none() {
            let accept = Accept {
                peer: address,
                local: format!("127.0.0.1:{}", self.core.config().port),
                descriptor: i32::try_from(FIRST_DESCRIPTOR + index).unwrap_or(i32::MAX),
                is_local: true,
                is_unix: false,
            };
            match self.core.handle_accept(self.clock.now(), accept) {
                Ok(conn) => {
                    peer.conn = Some(conn);
                    self.peer_of.insert(conn, index);
                }
                Err(refusal) => peer.deliver(refusal.text()),
            }
        }
        self.peers.push(peer);
        self.rest();
        Peer(index)
    }

    /// A client sends something. Whatever is sent on a connection that has ended is lost.
    pub fn send(&mut self, peer: Peer, bytes: &[u8]) {
        self.post(peer, bytes);
        self.rest();
    }

    /// A client sends something that stays on its way until the world next moves: so several clients' input
    /// arrives in one turn.
    pub fn post(&mut self, peer: Peer, bytes: &[u8]) {
        self.peers[peer.0].send(bytes);
    }

    /// A client takes what has come since the last call.
    pub fn receive(&mut self, peer: Peer) -> Vec<u8> {
        self.peers[peer.0].receive()
    }

    /// A client closes its end.
    pub fn close(&mut self, peer: Peer) {
        self.hung_up.push(peer.0);
        self.rest();
    }

    /// Whether a connection has ended.
    #[must_use]
    pub fn is_closed(&self, peer: Peer) -> bool {
        self.peers[peer.0].conn.is_none()
    }

    /// A client's address, as `CLIENT LIST` shows it.
    #[must_use]
    pub fn address(&self, peer: Peer) -> &str {
        &self.peers[peer.0].address
    }

    /// Lets time pass, with a turn at every moment the server asks for.
    pub fn advance(&mut self, time: Duration) {
        let end = self.clock.now().monotonic + time;
        loop {
            let now = self.clock.now().monotonic;
            let next = self.core.poll_timeout().map_or(end, |deadline| deadline.min(end)).max(now);
            self.clock.advance(next - now);
            self.rest();
            if next == end {
                return;
            }
        }
    }

    /// Sets the calendar clock.
    pub fn set_wall(&mut self, wall: Wall) {
        self.clock.set_wall(wall);
        self.rest();
    }

    /// The calendar clock.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.clock.now().wall
    }

    /// The exit status, once the server has left.
    #[must_use]
    pub fn exit_status(&self) -> Option<i32> {
        self.exit_status
    }

    /// The files.
    pub fn disk(&mut self) -> &mut Disk {
        &mut self.disk
    }

    /// The server itself, for what only a test asks it.
    pub fn core(&mut self) -> &mut Core {
        &mut self.core
    }

    /// What the server has logged of late.
    pub fn log(&self) -> impl Iterator<Item = &LogLine> {
        self.log.iter()
    }

    /// Lets turns happen until nothing is left to do before time passes.
    ///
    /// # Panics
    /// When that takes more than [`TURNS_MAX`] turns.
    fn rest(&mut self) {
        for _ in 0..TURNS_MAX {
            if self.exit_status.is_some() {
                return;
            }
            self.turn();
            if !self.has_work() {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    fn has_work(&self) -> bool {
        let is_due = self.core.poll_timeout().is_some_and(|deadline| deadline <= self.clock.now().monotonic);
        is_due
            || !self.unwritten.is_empty()
            || !self.hung_up.is_empty()
            || !self.completions.is_empty()
            || self.peers.iter().any(|peer| !peer.readable().is_empty())
    }

    /// One turn, in the order the contract names: events, the end of the turn, effects.
    fn turn(&mut self) {
        let now = self.clock.now();
        for completion in std::mem::take(&mut self.completions) {
            self.core.handle_disk(now, completion);
        }
        self.deliver_input();
        for index in std::mem::take(&mut self.hung_up) {
            if let Some(conn) = self.peers[index].conn.take() {
                self.forget(conn);
                self.core.handle_closed(now, conn);
            }
        }
        if self.core.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic) {
            self.core.handle_timeout(now);
        }
        self.core.finish_turn(now);
        self.perform_net();
        self.write_output();
        while let Some(op) = self.core.poll_disk() {
            self.completions.push_back(self.disk.perform(op));
        }
        while let Some(line) = self.core.poll_log() {
            if self.log.len() == LOG_LINES_MAX {
                self.log.pop_front();
            }
            self.log.push_back(line);
        }
        if self.exit_status.is_some() {
            self.peer_of.clear();
            self.unwritten.clear();
            for peer in &mut self.peers {
                peer.conn = None;
            }
        }
    }

    /// Reads a piece of what each client has sent.
    fn deliver_input(&mut self) {
        let now = self.clock.now();
        let mut pieces = Vec::new();
        for (index, peer) in self.peers.iter_mut().enumerate() {
            let readable = peer.readable().len();
            let Some(conn) = peer.conn else { continue };
            if readable == 0 {
                continue;
            }
            let len = self.cutter.read_len(readable);
            let Some(space) = self.core.input_buffer(conn) else {
                pieces.push((index, conn, peer.read(len)));
                continue;
            };
            let len = len.min(space.len());
            let range = peer.read(len);
            space[..len].copy_from_slice(peer.bytes(range));
            peer.is_read = self.core.handle_filled(now, conn, len) == Reading::Continue;
        }
        let mut inputs: Vec<Input<'_>> = pieces
            .iter()
            .map(|(index, conn, range)| Input {
                conn: *conn,
                bytes: self.peers[*index].bytes(range.clone()),
                reading: Reading::Continue,
            })
            .collect();
        self.core.handle_inputs(now, &mut inputs);
        let readings: Vec<Reading> = inputs.iter().map(|input| input.reading).collect();
        for ((index, ..), reading) in pieces.iter().zip(readings) {
            self.peers[*index].is_read = reading == Reading::Continue;
        }
    }

    /// Writes a piece of what each connection is owed.
    fn write_output(&mut self) {
        let mut writable = std::mem::take(&mut self.unwritten);
        while let Some(conn) = self.core.poll_writable() {
            writable.insert(conn);
        }
        for conn in writable {
            let Some(&index) = self.peer_of.get(&conn) else { continue };
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.core.output(conn, &mut slices);
            let slices = &slices[..count];
            let total = slices.iter().map(|slice| slice.len()).sum();
            let len = self.cutter.write_len(total);
            if total == 0 {
                continue;
            }
            let mut left = len;
            for slice in slices {
                let piece = slice.len().min(left);
                self.peers[index].deliver(&slice[..piece]);
                left -= piece;
            }
            self.core.handle_written(self.clock.now(), conn, len);
            if self.core.output(conn, &mut [IoSlice::new(&[])]) > 0 {
                self.unwritten.insert(conn);
            }
            self.perform_net();
        }
    }

    fn perform_net(&mut self) {
        while let Some(effect) = self.core.poll_net() {
            match effect {
                NetEffect::Close(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.peers[index].conn = None;
                    }
                    self.forget(conn);
                }
                NetEffect::Resume(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.peers[index].is_read = true;
                    }
                }
                // There is one way in, and it is always open.
                NetEffect::Reconfigure => {}
                NetEffect::Exit(status) => self.exit_status = Some(status),
            }
        }
    }

    fn forget(&mut self, conn: ConnId) {
        self.peer_of.remove(&conn);
        self.unwritten.remove(&conn);
    }
}
