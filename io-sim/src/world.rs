//! [`World`]: a server and its clients in one process, without sockets.

use crate::clock::Clock;
use crate::disk::{Crash, Disk};
use crate::fault::{FaultKind, Faults, Site};
use crate::network::{Conditions, Cutter, Delivery, Last, Link, Peer, piece_len};
use crate::trace::Trace;
use crate::witness::{End, Witness};
use rotom_core::disk::Lane;
use rotom_core::net::{Accept, ConnId, NetEffect, Reading};
use rotom_core::time::{Monotonic, Now, Wall};
use rotom_core::{Config, Core, ExecutionKind, Host, Input, LogLine};
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
const FIRST_CLIENT_PORT: usize = 10_000;

/// Client ports, which are used again after so many.
const CLIENT_PORTS: usize = 50_000;

/// The descriptor the first client would have.
const FIRST_DESCRIPTOR: usize = 8;

/// The longest a message is delayed by a fault.
const DELAY_US_MAX: u64 = 200_000;

/// Reads of one message that are cut.
const READS_MAX: usize = 256;

/// How long a driver that cannot accept waits before it tries again.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

// Where numbers are drawn.
const LATENCY: Site = Site::named("latency");
const DELAY: Site = Site::named("delay");
const RESET_AT: Site = Site::named("reset");
const ORDER: Site = Site::named("order");
const READ: Site = Site::named("read");
const WRITE: Site = Site::named("write");
const SHARE: Site = Site::named("share");
const TAKE: Site = Site::named("take");
const WAIT: Site = Site::named("wait");

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

    /// Lets time pass, with a rest at every moment at which something arrives or is due. Ends early, also within a rest,
    /// when the witness wants a pause.
    pub fn run_for(&mut self, time: Duration, witness: &mut dyn Witness) {
        let end = self.clock.now().monotonic + time;
        loop {
            self.rest(witness);
            let now = self.clock.now().monotonic;
            if now >= end || self.is_over() || witness.wants_pause() {
                return;
            }
            let next = self.next_event().map_or(end, |next| next.min(end)).max(now);
            self.pass_until(next, witness);
            if witness.wants_pause() {
                return;
            }
        }
    }

    /// Lets time pass in which nothing comes from outside, and the server does nothing but look at the clock. Stops
    /// early when something comes of that.
    fn pass_until(&mut self, next: Monotonic, witness: &mut dyn Witness) {
        loop {
            let now = self.clock.now().monotonic;
            let due = self.core.poll_timeout().unwrap_or(Monotonic::NEVER);
            if due >= next || due <= now {
                let time = if due >= next { next - now } else { Duration::ZERO };
                self.clock.advance(time);
                return;
            }
            self.clock.advance(due - now);
            if self.tick(witness) {
                return;
            }
        }
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

    /// The process ends without a word and is started again, with the configuration it was first started with. Every
    /// connection breaks. What the server has written to one before is still received: it was out of its hands.
    pub fn crash(&mut self, crash: Crash, witness: &mut dyn Witness) {
        let now = self.clock.now();
        self.crashes += 1;
        self.trace.number(self.crashes);
        for index in std::mem::take(&mut self.alive) {
            let link = &mut self.links[index];
            let range = link.to_client.read(link.to_client.len());
            if !range.is_empty() {
                witness.received(now, Peer(index), link.to_client.bytes(range));
            }
            if link.conn.take().is_some() {
                witness.ended(now, Peer(index), End::Crash);
            }
            link.to_server.clear();
            link.to_client.clear();
        }
        self.peer_of.clear();
        self.waiting.clear();
        self.unwritten.clear();
        self.working.clear();
        self.exit_status = None;
        match crash {
            Crash::Kill => self.disk.kill(self.crashes),
            Crash::PowerLoss => self.disk.lose_power(self.crashes),
        }
        if !self.keeps_data() {
            // What was saved now and then is somebody else's affair: this server starts with nothing.
            self.disk.put_away(&self.config.dbfilename);
        }
        let seed = self.seed.wrapping_add(self.crashes);
        self.core = Core::new(self.config.clone(), self.host.clone(), seed, now);
        self.core.recover();
        if let Some(silent_bytes) = self.silent_loading_bytes {
            self.core.tell_of_loading(silent_bytes);
        }
        if !self.keeps_data() {
            self.rest(&mut ());
        }
        if self.is_observed {
            self.observe();
        }
    }

    /// Whether a server that is started again has to load anything.
    fn keeps_data(&self) -> bool {
        self.config.appendonly || self.keeps_saves
    }

    /// How the process ends at this moment, if its disk work made it: [`crash`](Self::crash) is to be called. Until
    /// then nothing more happens.
    #[must_use]
    pub fn crash_due(&self) -> Option<Crash> {
        self.disk.end_due()
    }

    /// Whether the server has left, or is to crash.
    fn is_over(&self) -> bool {
        self.exit_status.is_some() || self.crash_due().is_some()
    }

    /// Lets turns happen until nothing is left to do before time passes.
    ///
    /// # Panics
    /// When that takes more than [`TURNS_MAX`] turns.
    pub fn rest(&mut self, witness: &mut dyn Witness) {
        for _ in 0..TURNS_MAX {
            if self.is_over() {
                return;
            }
            self.turn(witness);
            if witness.wants_pause() || !self.has_work() {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    fn has_work(&self) -> bool {
        let now = self.clock.now().monotonic;
        self.core.poll_timeout().is_some_and(|deadline| deadline <= now)
            || !self.waiting.is_empty() && self.accepts_at <= now
            || self.working.iter().any(|&(at, _)| at <= now)
            || self.unwritten.iter().any(|conn| self.window(*conn) > 0)
            || self.alive.iter().any(|&index| {
                let link = &self.links[index];
                link.readable_len(now) > 0
                    || link.due(now).is_some()
                    || link.takes_at <= now && link.to_client.arrived_len(now) > 0
            })
    }

    /// The next moment at which something comes from outside.
    fn next_event(&self) -> Option<Monotonic> {
        let now = self.clock.now().monotonic;
        let links = self.alive.iter().filter_map(|&index| self.links[index].next_event(now));
        let accept = (!self.waiting.is_empty()).then_some(self.accepts_at);
        let disk = self.working.iter().map(|&(at, _)| at).filter(|&at| at > now);
        links.chain(disk).chain(accept).min()
    }

    /// A turn in which time has passed and nothing else has happened. Whether the server wants anything done.
    fn tick(&mut self, witness: &mut dyn Witness) -> bool {
        let now = self.begin_turn();
        self.core.handle_timeout(now);
        self.core.finish_turn(now);
        self.report_executions(witness);
        let has_effects = self.perform_effects(witness);
        self.end_turn(witness);
        has_effects
    }

    fn begin_turn(&mut self) -> Now {
        let now = self.clock.now();
        self.turns += 1;
        self.trace.number(now.monotonic.0);
        self.trace.number(now.wall.0);
        now
    }

    /// Performs what the server asks for. Whether that was anything.
    fn perform_effects(&mut self, witness: &mut dyn Witness) -> bool {
        let has_closed = self.perform_net(witness);
        let has_written = self.write_output(witness);
        let has_disk = self.begin_disk();
        let now = self.clock.now();
        while let Some(line) = self.core.poll_log() {
            witness.logged(now, &line);
            if self.log.len() == LOG_LINES_MAX {
                self.log.pop_front();
            }
            self.log.push_back(line);
        }
        has_closed || has_written || has_disk
    }

    fn end_turn(&mut self, witness: &mut dyn Witness) {
        if self.exit_status.is_some() {
            self.peer_of.clear();
            self.unwritten.clear();
            for link in &mut self.links {
                link.conn = None;
            }
        }
        witness.turned(self.clock.now(), &self.core);
    }

    /// One turn, in the order the contract names: events, the end of the turn, effects.
    fn turn(&mut self, witness: &mut dyn Witness) {
        let now = self.begin_turn();
        self.accept(witness);
        self.complete_disk(witness);
        self.deliver_input(witness);
        self.deliver_ends(witness);
        if self.core.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic) {
            self.core.handle_timeout(now);
        }
        self.core.finish_turn(now);
        self.report_executions(witness);
        self.perform_effects(witness);
        self.take_output(witness);
        let links = &self.links;
        self.alive.retain(|&index| links[index].is_alive());
        self.end_turn(witness);
    }

    /// Takes on whoever has connected.
    fn accept(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        if self.accepts_at > now.monotonic {
            return;
        }
        while let Some(index) = self.waiting.pop_front() {
            let (operation, tries) = (self.links[index].operation, self.links[index].reads);
            if self.happens(FaultKind::AcceptError, operation, tries, Some(Peer(index)), witness) {
                self.links[index].reads += 1;
                self.waiting.push_front(index);
                self.accepts_at = now.monotonic + ACCEPT_RETRY;
                return;
            }
            let link = &mut self.links[index];
            let accept = Accept {
                peer: link.address.clone(),
                local: format!("127.0.0.1:{}", self.core.config().port),
                descriptor: i32::try_from(FIRST_DESCRIPTOR + index).unwrap_or(i32::MAX),
                is_local: true,
                is_unix: false,
            };
            self.trace.number(index as u64);
            match self.core.handle_accept(now, accept) {
                Ok(conn) => {
                    link.conn = Some(conn);
                    self.peer_of.insert(conn, index);
                    witness.accepted(now, Peer(index), &self.links[index].address);
                }
                Err(refusal) => {
                    witness.refused(now, Peer(index));
                    link.to_client.push(refusal.text(), now.monotonic, operation);
                }
            }
            self.alive.push(index);
        }
    }

    /// Reads a piece of what each client has sent.
    fn deliver_input(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let mut ready: Vec<(u64, usize, usize)> = Vec::new();
        for &index in &self.alive {
            let link = &self.links[index];
            let len = link.readable_len(now.monotonic);
            if len > 0 {
                let operation = link.to_server.operation().unwrap_or(0);
                // However little a read gets, what has arrived is read in a bounded number of them.
                let read_len_max = self.conditions.read_len_max.max(len / READS_MAX);
                ready.push((operation, index, len.min(read_len_max)));
            }
        }
        if ready.len() > 1 && self.faults.rate(FaultKind::Reorder) > 0 {
            let faults = &self.faults;
            ready.sort_by_key(|&(operation, index, _)| {
                faults.draw(ORDER, operation, self.links[index].reads, MILLION)
            });
        }
        let mut pieces = Vec::with_capacity(ready.len());
        for (operation, index, len) in ready {
            let mut len = self.cutter.read_len(len);
            self.links[index].note_operation(operation);
            let reads = self.links[index].reads;
            self.links[index].reads += 1;
            if len > 1
                && reads < READS_MAX as u64
                && self.happens(FaultKind::PartialRead, operation, reads, None, witness)
            {
                len = self.piece(READ, operation, reads, len);
            }
            let link = &mut self.links[index];
            let Some(conn) = link.conn else { continue };
            let space = self.core.input_buffer(conn);
            let is_large = space.is_some();
            let range = link.to_server.read(space.as_ref().map_or(len, |space| len.min(space.len())));
            let bytes = link.to_server.bytes(range.clone());
            self.trace.number(index as u64);
            self.trace.bytes(bytes);
            witness.read(now, Peer(index), bytes);
            if let Some(space) = space {
                space[..bytes.len()].copy_from_slice(bytes);
                link.is_read = self.core.handle_filled(now, conn, range.len()) == Reading::Continue;
            }
            if !is_large {
                pieces.push((index, conn, range));
            }
        }
        let mut inputs: Vec<Input<'_>> = pieces
            .iter()
            .map(|(index, conn, range)| Input {
                conn: *conn,
                bytes: self.links[*index].to_server.bytes(range.clone()),
                reading: Reading::Continue,
            })
            .collect();
        self.core.handle_inputs(now, &mut inputs);
        let readings: Vec<Reading> = inputs.iter().map(|input| input.reading).collect();
        for ((index, ..), reading) in pieces.iter().zip(readings) {
            self.links[*index].is_read = reading == Reading::Continue;
        }
        self.report_executions(witness);
    }

    /// Tells the server of connections that have ended on the other side.
    fn deliver_ends(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        for place in 0..self.alive.len() {
            let index = self.alive[place];
            let Some(last) = self.links[index].due(now.monotonic) else { continue };
            let Some(conn) = self.links[index].conn.take() else { continue };
            self.trace.number(index as u64);
            self.forget(conn);
            let link = &mut self.links[index];
            link.to_server.clear();
            link.to_client.clear();
            self.core.handle_closed(now, conn);
            let end = if last == Last::Close { End::ByClient } else { End::Reset };
            witness.ended(now, Peer(index), end);
        }
    }

    /// Tells the witness what was executed since the last time, and with which effects.
    fn report_executions(&mut self, witness: &mut dyn Witness) {
        if !self.is_observed {
            return;
        }
        let now = self.clock.now();
        let executions = self.core.take_executions();
        let effects = self.core.take_propagated();
        if executions.is_empty() && effects.is_empty() {
            return;
        }
        let mut told = 0;
        for execution in executions {
            if execution.effects_start > told {
                witness.background(now, &effects[told..execution.effects_start]);
            }
            told = execution.effects_end;
            if let Some(&index) = self.peer_of.get(&execution.conn) {
                let (peer, effects) = (Peer(index), &effects[execution.effects_start..told]);
                match execution.kind {
                    ExecutionKind::Request => witness.executed(now, peer, effects),
                    ExecutionKind::Refused => witness.turned_down(now, peer),
                    ExecutionKind::Served => witness.served(now, peer, effects),
                    ExecutionKind::TimedOut => witness.timed_out(now, peer),
                }
            }
        }
        if told < effects.len() {
            witness.background(now, &effects[told..]);
        }
        self.trace.bytes(&effects);
    }

    /// Writes a piece of what each connection is owed. Whether any is owed something new.
    fn write_output(&mut self, witness: &mut dyn Witness) -> bool {
        let mut writable = std::mem::take(&mut self.unwritten);
        let mut is_new = false;
        while let Some(conn) = self.core.poll_writable() {
            is_new = true;
            writable.insert(conn);
        }
        for conn in writable {
            let Some(&index) = self.peer_of.get(&conn) else { continue };
            self.write_to(conn, index, witness);
            if self.core.output(conn, &mut [IoSlice::new(&[])]) > 0 {
                self.unwritten.insert(conn);
            }
            self.perform_net(witness);
        }
        is_new
    }

    fn write_to(&mut self, conn: ConnId, index: usize, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let window = self.window(conn);
        let total = {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.core.output(conn, &mut slices);
            slices[..count].iter().map(|slice| slice.len()).sum::<usize>().min(window)
        };
        if total == 0 {
            return;
        }
        let mut len = self.cutter.write_len(total);
        let (operation, writes) = (self.links[index].operation, self.links[index].writes);
        self.links[index].writes += 1;
        if len > 1 && self.happens(FaultKind::PartialWrite, operation, writes, None, witness) {
            len = self.piece(WRITE, operation, writes, len);
        }
        let arrives = now.monotonic + Duration::from_micros(self.conditions.latency_us);
        let mut slices = [IoSlice::new(&[]); SLICES_MAX];
        let count = self.core.output(conn, &mut slices);
        let mut left = len;
        self.trace.number(index as u64);
        for slice in &slices[..count] {
            let piece = &slice[..slice.len().min(left)];
            self.trace.bytes(piece);
            self.links[index].to_client.push(piece, arrives, operation);
            left -= piece.len();
        }
        self.core.handle_written(now, conn, len);
    }

    /// How much of its output a connection has room for.
    fn window(&self, conn: ConnId) -> usize {
        let Some(&index) = self.peer_of.get(&conn) else { return 0 };
        self.conditions.window_bytes.saturating_sub(self.links[index].to_client.len())
    }

    /// Lets each client look at what has come.
    fn take_output(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        for place in 0..self.alive.len() {
            let index = self.alive[place];
            let link = &mut self.links[index];
            let len = link.to_client.arrived_len(now.monotonic);
            if len == 0 || link.takes_at > now.monotonic {
                continue;
            }
            let (operation, takes) = (link.operation, link.takes);
            link.takes += 1;
            let mut taken = len;
            if self.happens(FaultKind::SlowReader, operation, takes, Some(Peer(index)), witness) {
                taken = self.piece(TAKE, operation, takes, len);
                let wait = self.faults.draw(WAIT, operation, takes, 2 * self.conditions.slow_read_us + 1);
                self.links[index].takes_at = now.monotonic + Duration::from_micros(wait);
            }
            let link = &mut self.links[index];
            let range = link.to_client.read(taken);
            let bytes = link.to_client.bytes(range);
            witness.received(now, Peer(index), bytes);
            link.received.extend_from_slice(bytes);
        }
    }

    /// Does with sockets what the server asks for. Whether that was anything.
    fn perform_net(&mut self, witness: &mut dyn Witness) -> bool {
        let now = self.clock.now();
        let mut has_any = false;
        while let Some(effect) = self.core.poll_net() {
            has_any = true;
            match effect {
                NetEffect::Close(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.links[index].conn = None;
                        self.links[index].to_server.clear();
                        self.trace.number(index as u64);
                        witness.ended(now, Peer(index), End::ByServer);
                    }
                    self.forget(conn);
                }
                NetEffect::Resume(conn) => {
                    if let Some(&index) = self.peer_of.get(&conn) {
                        self.links[index].is_read = true;
                    }
                }
                // There is one way in, and it is always open.
                NetEffect::Reconfigure => {}
                NetEffect::Exit(status) => self.exit_status = Some(status),
            }
        }
        has_any
    }

    fn forget(&mut self, conn: ConnId) {
        self.peer_of.remove(&conn);
        self.unwritten.remove(&conn);
    }

    /// Sends disk work on its way. Whether there was any.
    fn begin_disk(&mut self) -> bool {
        let now = self.clock.now().monotonic;
        let mut has_any = false;
        while let Some(op) = self.core.poll_disk() {
            has_any = true;
            let lane = op.lane;
            let delay = self.disk.submit(op);
            // A lane does its work in order, a piece at a time.
            let before = self.working.iter().filter(|(_, other)| *other == lane).map(|&(at, _)| at).max();
            let ends = before.unwrap_or(now).max(now) + Duration::from_micros(self.disk_us) + delay;
            self.working.push_back((ends, lane));
            if self.crash_due().is_some() {
                break;
            }
        }
        has_any
    }

    /// Ends the disk work whose time has come.
    fn complete_disk(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let mut place = 0;
        while place < self.working.len() {
            let (ends, lane) = self.working[place];
            if ends > now.monotonic {
                place += 1;
                continue;
            }
            self.working.remove(place);
            let Some(completion) = self.disk.finish(lane) else {
                if self.crash_due().is_some() {
                    return;
                }
                continue;
            };
            self.trace.number(u64::from(completion.outcome.is_ok()));
            witness.disk(now, lane, &completion);
            self.core.handle_disk(now, completion);
            self.report_executions(witness);
        }
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
