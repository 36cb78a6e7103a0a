//! [`World`]: a server and its clients in one process, without sockets.

mod disk;
mod input;
mod output;
mod time;
mod turn;

pub use self::time::TURNS_MAX;

use crate::clock::Clock;
use crate::disk::Disk;
use crate::fault::{FaultKind, Faults, Site};
use crate::network::{Conditions, Cutter, Delivery, Last, Link, Peer, piece_len};
use crate::trace::Trace;
use crate::witness::Witness;
use rotom_core::disk::Lane;
use rotom_core::net::ConnId;
use rotom_core::time::{Monotonic, Wall};
use rotom_core::{Config, Core, Host, LogLine};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// The port the first client comes from.
const FIRST_CLIENT_PORT: usize = 10_000;

/// Client ports, which are used again after so many.
const CLIENT_PORTS: usize = 50_000;

/// The longest a message is delayed by a fault.
const DELAY_US_MAX: u64 = 200_000;

// Where numbers are drawn.
const LATENCY: Site = Site::named("latency");
const DELAY: Site = Site::named("delay");
const RESET_AT: Site = Site::named("reset");
const SHARE: Site = Site::named("share");

/// A whole, for draws of shares.
const MILLION: u64 = 1_000_000;

/// A server and its clients.
///
/// Nothing happens but through its methods. [`rest`](Self::rest) lets turns happen at this instant until nothing is
/// left to do before time passes; [`run_for`](Self::run_for) lets time pass, with a rest at every moment at which
/// something arrives or is due.
#[derive(Debug)]
pub struct World {
    core: Core,
    config: Config,
    host: Host,
    seed: u64,
    clock: Clock,
    cutter: Cutter,
    conditions: Conditions,
    faults: Faults,
    disk: Disk,
    disk_us: u64,
    links: Vec<Link>,
    /// Links on which anything is still to come.
    alive: Vec<usize>,
    /// Which client a connection belongs to.
    peer_of: BTreeMap<ConnId, usize>,
    /// Clients that have connected and were not accepted yet.
    waiting: VecDeque<usize>,
    accepts_at: Monotonic,
    /// Connections whose output did not go out whole.
    unwritten: BTreeSet<ConnId>,
    /// When each piece of disk work under way ends, and in which lane it is, in the order it was asked for.
    working: VecDeque<(Monotonic, Lane)>,
    log: VecDeque<LogLine>,
    exit_status: Option<i32>,
    trace: Trace,
    turns: u64,
    crashes: u64,
    /// Whether executions and their effects are told; otherwise the server's log of effects is somebody else's.
    is_observed: bool,
    /// Whether a server without a log finds what it has saved when it is started again.
    keeps_saves: bool,
    /// Bytes that a server loads before its clients are told, if not as many as usual.
    silent_loading_bytes: Option<u64>,
}

impl World {
    /// A server with this configuration, and nobody connected. Everything random, in the server and around it,
    /// follows from `seed`.
    #[must_use]
    pub fn new(config: Config, host: Host, delivery: Delivery, seed: u64) -> World {
        let clock = Clock::default();
        let mut core = Core::new(config.clone(), host.clone(), seed, clock.now());
        core.recover();
        let mut world = World {
            core,
            config,
            host,
            seed,
            clock,
            cutter: Cutter::new(delivery, seed),
            conditions: Conditions::default(),
            faults: Faults::none(),
            disk: Disk::default(),
            disk_us: 0,
            links: Vec::new(),
            alive: Vec::new(),
            peer_of: BTreeMap::new(),
            waiting: VecDeque::new(),
            accepts_at: Monotonic(0),
            unwritten: BTreeSet::new(),
            working: VecDeque::new(),
            log: VecDeque::new(),
            exit_status: None,
            trace: Trace::default(),
            turns: 0,
            crashes: 0,
            is_observed: false,
            keeps_saves: false,
            silent_loading_bytes: None,
        };
        if !world.config.appendonly {
            // There is nothing to load yet.
            world.rest(&mut ());
        }
        world
    }

    /// From here on the network is like this, and these things go wrong.
    pub fn set_conditions(&mut self, conditions: Conditions, faults: Faults) {
        self.conditions = conditions;
        self.faults = faults;
    }

    /// From here on what the server has saved is there when it is started again.
    pub fn keep_saves(&mut self) {
        self.keeps_saves = true;
    }

    /// From here on clients are told that data is being loaded when so many bytes are.
    pub fn tell_of_loading(&mut self, silent_bytes: u64) {
        self.silent_loading_bytes = Some(silent_bytes);
        self.core.tell_of_loading(silent_bytes);
    }

    /// From here on disk work takes so long.
    pub fn set_disk_time(&mut self, us: u64) {
        self.disk_us = us;
    }

    /// From here on the witness hears of every execution and its effects.
    pub fn observe(&mut self) {
        self.is_observed = true;
        self.core.record_propagation(true);
        self.core.record_executions(true);
    }

    /// From here on nothing goes wrong any more, and nobody is slow.
    pub fn heal(&mut self) {
        self.faults.heal();
        self.disk.heal();
        self.clock.drift(0);
        self.conditions.window_bytes = usize::MAX;
        let now = self.clock.now().monotonic;
        for link in &mut self.links {
            link.takes_at = now;
        }
        self.accepts_at = now;
    }

    /// A client connects, and everything comes to rest. One that is refused receives the reason and is closed.
    pub fn connect(&mut self) -> Peer {
        let peer = self.dial(0, &mut ());
        self.rest(&mut ());
        peer
    }

    /// The peer that connects next.
    #[must_use]
    pub fn next_peer(&self) -> Peer {
        Peer(self.links.len())
    }

    /// A client connects; the server learns of it in the next turn. `operation` names the attempt for faults.
    pub fn dial(&mut self, operation: u64, witness: &mut dyn Witness) -> Peer {
        let index = self.links.len();
        let mut link = Link::new(format!("127.0.0.1:{}", FIRST_CLIENT_PORT + index % CLIENT_PORTS));
        link.operation = operation;
        self.links.push(link);
        let peer = Peer(index);
        let is_gone = self.exit_status.is_some();
        if is_gone || self.happens(FaultKind::ConnectRefused, operation, 0, Some(peer), witness) {
            return peer;
        }
        self.waiting.push_back(index);
        peer
    }

    /// A client sends something, and everything comes to rest. Whatever is sent on a connection that has ended is lost.
    pub fn send(&mut self, peer: Peer, bytes: &[u8]) {
        self.post(peer, bytes);
        self.rest(&mut ());
    }

    /// A client sends something that stays on its way until the world next moves: so several clients' input
    /// arrives in one turn.
    pub fn post(&mut self, peer: Peer, bytes: &[u8]) {
        self.post_as(peer, bytes, 0, &mut ());
    }

    /// A client sends something; `operation` names it for faults.
    pub fn post_as(&mut self, peer: Peer, bytes: &[u8], operation: u64, witness: &mut dyn Witness) {
        let now = self.clock.now().monotonic;
        let mut travel_us = self.conditions.latency_us
            + self.faults.draw(LATENCY, operation, 0, self.conditions.jitter_us + 1);
        if self.happens(FaultKind::Delay, operation, 0, Some(peer), witness) {
            travel_us += self.faults.draw(DELAY, operation, 0, DELAY_US_MAX);
        }
        let arrives = now + Duration::from_micros(travel_us);
        let is_reset = self.happens(FaultKind::Reset, operation, 0, Some(peer), witness);
        let closes = self.happens(FaultKind::HalfClose, operation, 0, Some(peer), witness);
        let cut = self.faults.draw(RESET_AT, operation, 0, bytes.len() as u64 + 1) as usize;
        let link = &mut self.links[peer.0];
        if link.last.is_some() {
            return;
        }
        link.to_server.push(if is_reset { &bytes[..cut] } else { bytes }, arrives, operation);
        let arrives = link.to_server.last_arrival().unwrap_or(arrives);
        if is_reset {
            link.last = Some((arrives, Last::Reset));
        } else if closes {
            link.last = Some((arrives, Last::Close));
        }
    }

    /// A client takes what has come since the last call.
    pub fn receive(&mut self, peer: Peer) -> Vec<u8> {
        std::mem::take(&mut self.links[peer.0].received)
    }

    /// A client closes its end, and everything comes to rest.
    pub fn close(&mut self, peer: Peer) {
        self.hang_up(peer);
        self.rest(&mut ());
    }

    /// A client closes its end, behind everything it has sent.
    pub fn hang_up(&mut self, peer: Peer) {
        let now = self.clock.now().monotonic;
        let link = &mut self.links[peer.0];
        if link.last.is_none() {
            link.last = Some((link.to_server.last_arrival().unwrap_or(now), Last::Close));
        }
    }

    /// Whether a connection has ended on the server's side.
    #[must_use]
    pub fn is_closed(&self, peer: Peer) -> bool {
        self.links[peer.0].conn.is_none() && !self.waiting.contains(&peer.0)
    }

    /// Whether a client can still send: neither end has closed the connection.
    #[must_use]
    pub fn is_open(&self, peer: Peer) -> bool {
        !self.is_closed(peer) && self.links[peer.0].last.is_none()
    }

    /// A client's address, as `CLIENT LIST` shows it.
    #[must_use]
    pub fn address(&self, peer: Peer) -> &str {
        &self.links[peer.0].address
    }

    /// Bytes the server has written to a connection and its client has not taken.
    #[must_use]
    pub fn untaken_len(&self, peer: Peer) -> usize {
        self.links[peer.0].to_client.len()
    }

    /// Whose connection this is.
    #[must_use]
    pub fn peer_of(&self, conn: ConnId) -> Option<Peer> {
        self.peer_of.get(&conn).map(|&index| Peer(index))
    }

    /// The connections that stand, with their clients.
    pub fn connections(&self) -> impl Iterator<Item = (Peer, ConnId)> {
        self.peer_of.iter().map(|(&conn, &index)| (Peer(index), conn))
    }

    /// Lets time pass, with a rest at every moment at which something arrives or is due.
    pub fn advance(&mut self, time: Duration) {
        self.run_for(time, &mut ());
    }

    /// The process stands still for so long, while the world goes on.
    pub fn freeze(&mut self, time: Duration) {
        self.clock.advance(time);
    }

    /// Sets the calendar clock.
    pub fn set_wall(&mut self, wall: Wall) {
        self.clock.set_wall(wall);
        self.rest(&mut ());
    }

    /// The calendar clock.
    #[must_use]
    pub fn wall(&self) -> Wall {
        self.clock.now().wall
    }

    /// The clocks.
    pub fn clock(&mut self) -> &mut Clock {
        &mut self.clock
    }

    /// What goes wrong.
    pub fn faults(&mut self) -> &mut Faults {
        &mut self.faults
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

    /// A hash of all that has happened.
    #[must_use]
    pub fn trace(&self) -> u64 {
        self.trace.value()
    }

    /// Turns that were taken.
    #[must_use]
    pub fn turns(&self) -> u64 {
        self.turns
    }

    /// Whether a fault happens; tells the witness when it does.
    #[inline]
    fn happens(
        &mut self,
        kind: FaultKind,
        operation: u64,
        occurrence: u64,
        peer: Option<Peer>,
        witness: &mut dyn Witness,
    ) -> bool {
        let happens = self.faults.rate(kind) > 0 && self.faults.happens(kind, operation, occurrence);
        if happens {
            witness.fault(self.clock.now(), kind, peer);
        }
        happens
    }

    /// How much of `len` bytes a fault leaves; at least one.
    fn piece(&self, site: Site, operation: u64, occurrence: u64, len: usize) -> usize {
        let kind = self.faults.draw(site, operation, occurrence, MILLION);
        let share = self.faults.draw(SHARE, operation, occurrence, MILLION);
        piece_len(len, kind, share)
    }
}
