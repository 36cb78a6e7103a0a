//! The event loop: file events from epoll, time events from the core, one turn after the other.
//!
//! Sockets are watched for edges and registered once, with the connection's handle as token; a request costs
//! one wait (shared by all that is ready), one read and one write. An edge is remembered in the connection's
//! flags until a read comes back short, so it is never lost, however long the connection has to wait.
//!
//! A turn is bounded: so many events, so many reads, so many bytes. What is left over stands in a queue, and
//! the next turn begins without sleeping; connections take turns in that queue, so that none starves.
//!
//! The order within a turn is the contract of [`Core`]: events, `finish_turn`, effects, sleep.

use crate::connections::{Connections, Flags};
use crate::host_stats::HostSampler;
use crate::input::INPUT_BYTES_PER_TURN_MAX;
use crate::lanes::Lanes;
use crate::listeners::{self, Listener};
use crate::options::{Hooks, Listening};
use crate::sys::{self, Alarm, Clocks, Epoll, Events, Interest, KeepAlive, Readiness, Wake};
use crate::turn_clock::TurnClock;
use crate::{log, text};
use rotom_core::Core;
use rotom_core::disk::DiskKind;
use rotom_core::net::{Accept, ConnId, NetEffect, Refusal};
use rotom_core::time::{Monotonic, Now};
use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;

/// Events taken from epoll in one turn. The kernel keeps the others in order.
pub(crate) const EVENTS_PER_TURN_MAX: usize = 64;

/// Connections accepted from one listener in one turn; each costs some ten microseconds.
const ACCEPTS_PER_TURN_MAX: usize = 32;

/// Completions of disk work handed to the core in one turn.
const DISK_COMPLETIONS_PER_TURN_MAX: usize = 64;

/// How long nothing is accepted, in microseconds, when there are no descriptors left (or until one is freed).
const ACCEPT_PAUSE_US: u64 = 100_000;

/// At most one failure to accept is logged in so many microseconds.
const ACCEPT_LOG_INTERVAL_US: u64 = 1_000_000;

/// Tokens whose low half is at least this are the loop's own; no slot of a connection comes near.
const OWN_TOKENS: u32 = 0xffff_0000;

/// The token of the eventfd. The listeners' tokens are `OWN_TOKENS` and up.
const WAKE_TOKEN: u32 = u32::MAX;

/// The token of the timerfd.
const ALARM_TOKEN: u32 = WAKE_TOKEN - 1;

const _: () = assert!(OWN_TOKENS as usize + listeners::LISTENERS_MAX < ALARM_TOKEN as usize);

/// Drives one core.
#[derive(Debug)]
pub(crate) struct AeLoop {
    pub(crate) epoll: Epoll,
    events: Events,
    listeners: Vec<Listener>,
    listening: Listening,
    hooks: Hooks,
    wake: Arc<Wake>,
    alarm: Alarm,
    lanes: Lanes,
    /// Whether completions of disk work were left for the next turn.
    has_finished_disk_work: bool,
    pub(crate) connections: Connections,
    /// Connections to read from, in turn.
    pub(crate) readable: VecDeque<ConnId>,
    /// Connections to write to that no effect of the core will name again.
    pub(crate) writable: VecDeque<ConnId>,
    /// Connections that were closed after the turn's events; the core is told in the next turn.
    pub(crate) gone: Vec<ConnId>,
    /// Where input is read to.
    pub(crate) arena: Box<[u8]>,
    clocks: Clocks,
    clock: TurnClock,
    sampler: HostSampler,
    /// When to accept again, after descriptors had run out.
    accept_again_at: Option<Monotonic>,
    /// Before this, failures to accept are not logged.
    accept_log_at: Monotonic,
    turn_ended: Monotonic,
    exit_status: Option<i32>,
}

impl AeLoop {
    /// A loop that listens and has not begun to run.
    pub fn new(listeners: Vec<Listener>, listening: Listening, hooks: Hooks) -> io::Result<AeLoop> {
        let epoll = Epoll::new()?;
        let wake = Arc::new(Wake::new()?);
        let alarm = Alarm::new()?;
        epoll.add(&*wake, u64::from(WAKE_TOKEN), Interest::INPUT_EDGE)?;
        epoll.add(&alarm, u64::from(ALARM_TOKEN), Interest::INPUT_EDGE)?;
        let ae_loop = AeLoop {
            epoll,
            events: Events::with_capacity(EVENTS_PER_TURN_MAX),
            listeners,
            listening,
            hooks,
            lanes: Lanes::new(Arc::clone(&wake)),
            wake,
            alarm,
            has_finished_disk_work: false,
            connections: Connections::default(),
            readable: VecDeque::new(),
            writable: VecDeque::new(),
            gone: Vec::new(),
            arena: vec![0; INPUT_BYTES_PER_TURN_MAX].into_boxed_slice(),
            clocks: Clocks::new(),
            clock: TurnClock::default(),
            sampler: HostSampler::new(hooks.allocator),
            accept_again_at: None,
            accept_log_at: Monotonic(0),
            turn_ended: sys::monotonic(),
            exit_status: None,
        };
        ae_loop.watch_listeners()?;
        Ok(ae_loop)
    }

    /// The TCP addresses that are listened on.
    pub fn local_addresses(&self) -> Vec<SocketAddr> {
        let tcp = self.listeners.iter().filter(|listener| listener.unix_path.is_none());
        tcp.filter_map(|listener| listener.socket.local_addr().ok()).collect()
    }

    /// Runs turns until the core wants to exit; returns the exit status. Calls `ready` once, as soon as nothing is
    /// being loaded.
    pub fn run(&mut self, core: &mut Core, ready: impl FnOnce()) -> io::Result<i32> {
        let mut ready = Some(ready);
        if self.hooks.handle_signals {
            sys::install_signal_handlers(&self.wake)?;
        }
        loop {
            let may_sleep = self.may_sleep(core)?;
            self.epoll.wait(&mut self.events, may_sleep)?;
            let now = self.clocks.now();
            self.clock.begin(now.monotonic);
            self.deliver_events(core, now);
            core.finish_turn(now);
            self.perform_effects(core, now);
            self.turn_ended = sys::monotonic();
            core.handle_turn_time(self.clock.end(self.turn_ended));
            if let Some(status) = self.exit_status {
                self.remove_unix_names();
                return Ok(status);
            }
            if ready.is_some()
                && !core.is_loading()
                && let Some(ready) = ready.take()
            {
                ready();
            }
        }
    }

    /// Whether there is nothing to do until something happens, be it the alarm, which is set to the next deadline.
    fn may_sleep(&mut self, core: &Core) -> io::Result<bool> {
        let has_work = !self.readable.is_empty()
            || !self.writable.is_empty()
            || !self.gone.is_empty()
            || self.has_finished_disk_work;
        if has_work {
            return Ok(false);
        }
        let Some(deadline) = core.poll_timeout().into_iter().chain(self.accept_again_at).min() else {
            return Ok(true);
        };
        if deadline <= self.turn_ended {
            return Ok(false);
        }
        self.alarm.set_by(deadline)?;
        Ok(true)
    }

    /// Tells the core everything that has happened.
    fn deliver_events(&mut self, core: &mut Core, now: Now) {
        if let Some(stats) = self.sampler.sample_if_due(now.monotonic) {
            core.handle_host_stats(stats);
        }
        if core.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic) {
            core.handle_timeout(now);
        }
        for conn in self.gone.drain(..) {
            core.handle_closed(now, conn);
        }
        if self.accept_again_at.is_some_and(|deadline| deadline <= now.monotonic) {
            self.accept_again();
        }
        if self.has_finished_disk_work {
            self.deliver_disk_work(core, now);
        }
        for index in 0..self.events.len() {
            let (token, readiness) = self.events.at(index);
            match token as u32 {
                WAKE_TOKEN => self.deliver_wake(core, now),
                // What was due has been done by now.
                ALARM_TOKEN => self.alarm.note_gone_off(),
                own @ OWN_TOKENS.. => self.accept_from(core, now, (own - OWN_TOKENS) as usize),
                _ => self.note_readiness(core, now, ConnId::from_u64(token), readiness),
            }
        }
        if !self.readable.is_empty() {
            self.sampler.note_work();
            self.read_inputs(core, now);
        }
    }

    /// Remembers what epoll says of a connection, and queues it.
    #[inline]
    fn note_readiness(&mut self, core: &mut Core, now: Now, conn: ConnId, readiness: Readiness) {
        let Some(connection) = self.connections.find(conn) else { return };
        if readiness.is_writable() && connection.flags.has(Flags::WRITE_BLOCKED) {
            connection.flags.clear(Flags::WRITE_BLOCKED);
            if !connection.flags.has(Flags::WRITE_QUEUED) {
                connection.flags.set(Flags::WRITE_QUEUED);
                self.writable.push_back(conn);
            }
        }
        if !readiness.is_readable() {
            return;
        }
        connection.flags.set(Flags::READABLE);
        if readiness.is_half_closed() || readiness.is_broken() {
            connection.flags.set(Flags::HALF_CLOSED);
        }
        if connection.should_queue_read() {
            connection.flags.set(Flags::READ_QUEUED);
            self.readable.push_back(conn);
        } else if readiness.is_broken() && connection.flags.has(Flags::PAUSED | Flags::INPUT_ENDED) {
            // What it waits for is to write, and that will not happen.
            self.lose(core, now, conn);
        }
    }

    /// Closes a connection that ended from its side, and tells the core.
    pub(crate) fn lose(&mut self, core: &mut Core, now: Now, conn: ConnId) {
        if self.close(conn) {
            core.handle_closed(now, conn);
        }
    }

    /// Closes a socket. Returns whether it was open.
    pub(crate) fn close(&mut self, conn: ConnId) -> bool {
        // A descriptor is free now, if that was what accepting waits for.
        self.accept_again_at = self.accept_again_at.map(|_| Monotonic(0));
        self.connections.close(conn)
    }

    fn deliver_wake(&mut self, core: &mut Core, now: Now) {
        if self.hooks.handle_signals
            && let Some((signal, name)) = sys::take_shutdown_signal()
        {
            tracing::warn!(target: "rotom", "Received {name} scheduling shutdown...");
            core.handle_shutdown(now, signal);
        }
        self.deliver_disk_work(core, now);
    }

    fn deliver_disk_work(&mut self, core: &mut Core, now: Now) {
        self.has_finished_disk_work = false;
        for _ in 0..DISK_COMPLETIONS_PER_TURN_MAX {
            let Some(completion) = self.lanes.take_finished() else { return };
            core.handle_disk(now, completion);
        }
        self.has_finished_disk_work = true;
    }

    /// Does everything the core wants done.
    fn perform_effects(&mut self, core: &mut Core, now: Now) {
        self.perform_net(core);
        self.submit_disk_work(core);
        self.write_outputs(core, now);
        // Output that went out may have been what a closing connection waited for.
        self.perform_net(core);
        while let Some(line) = core.poll_log() {
            log::emit(&line);
        }
    }

    /// Hands disk work to the lanes. Replies wait for a sync, and no disk waits for this thread: where both share a core,
    /// the lane goes first, so that the disk is at work while the loop is.
    fn submit_disk_work(&mut self, core: &mut Core) {
        let mut syncs = false;
        while let Some(op) = core.poll_disk() {
            syncs |= matches!(op.kind, DiskKind::Sync { .. });
            self.lanes.submit(op);
        }
        if syncs {
            thread::yield_now();
        }
    }

    fn perform_net(&mut self, core: &mut Core) {
        while let Some(effect) = core.poll_net() {
            match effect {
                NetEffect::Close(conn) => {
                    self.close(conn);
                }
                NetEffect::Resume(conn) => self.resume(conn),
                NetEffect::Reconfigure => {
                    (self.hooks.reconfigure)(core.config());
                    self.listen_anew(core);
                }
                NetEffect::Exit(status) => self.exit_status = Some(status),
            }
        }
    }

    /// Reads again from a connection that was paused; an edge that came meanwhile is in its flags.
    fn resume(&mut self, conn: ConnId) {
        let Some(connection) = self.connections.find(conn) else { return };
        connection.flags.clear(Flags::PAUSED);
        if connection.should_queue_read() {
            connection.flags.set(Flags::READ_QUEUED);
            self.readable.push_back(conn);
        }
    }
}

/// Accepting.
impl AeLoop {
    fn watch_listeners(&self) -> io::Result<()> {
        for (index, listener) in self.listeners.iter().enumerate() {
            self.epoll.add(&listener.socket, listener_token(index), Interest::INPUT_LEVEL)?;
        }
        Ok(())
    }

    fn accept_from(&mut self, core: &mut Core, now: Now, index: usize) {
        for _ in 0..ACCEPTS_PER_TURN_MAX {
            // An event may be of a listener that is gone, or come while accepting pauses.
            let Some(listener) = self.listeners.get(index) else { return };
            if self.accept_again_at.is_some() {
                return;
            }
            match listener.accept() {
                Ok(stream) => self.admit(core, now, stream, index),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => return,
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted => {}
                    _ => return self.pause_accepting(now.monotonic, &error),
                },
            }
        }
    }

    /// Introduces a connection to the core.
    fn admit(&mut self, core: &mut Core, now: Now, mut stream: TcpStream, index: usize) {
        self.sampler.note_work();
        let listener = &self.listeners[index];
        let Some(accept) = describe(&stream, listener) else { return };
        let is_unix = accept.is_unix;
        match core.handle_accept(now, accept) {
            Ok(conn) => {
                let interest = if is_unix { Interest::INPUT_EDGE } else { Interest::BOTH_EDGE };
                if let Err(error) = self.epoll.add(&stream, conn.to_u64(), interest) {
                    core.handle_closed(now, conn);
                    return self.log_accept_failure(now.monotonic, &error);
                }
                let flags = if is_unix { Flags::UNIX } else { Flags::default() };
                self.connections.insert(conn, stream, flags);
            }
            Err(refusal) => refuse(&mut stream, refusal),
        }
    }

    /// Stops accepting for a moment: with no descriptors left, the listeners would report the same connections
    /// over and over. They wait in the kernel's queue, and connected clients are served.
    fn pause_accepting(&mut self, now: Monotonic, error: &io::Error) {
        self.log_accept_failure(now, error);
        self.accept_again_at = Some(Monotonic(now.0 + ACCEPT_PAUSE_US));
        self.set_listener_interest(Interest::NONE);
    }

    fn accept_again(&mut self) {
        self.accept_again_at = None;
        self.set_listener_interest(Interest::INPUT_LEVEL);
    }

    fn set_listener_interest(&self, interest: Interest) {
        for (index, listener) in self.listeners.iter().enumerate() {
            // It is watched already, so there is nothing to allocate and nothing that can fail.
            let _ = self.epoll.modify(&listener.socket, listener_token(index), interest);
        }
    }

    fn log_accept_failure(&mut self, now: Monotonic, error: &io::Error) {
        if now >= self.accept_log_at {
            self.accept_log_at = Monotonic(now.0 + ACCEPT_LOG_INTERVAL_US);
            let reason = text::describe(error);
            tracing::warn!(target: "rotom", "Accepting client connection: accept: {reason}");
        }
    }

    /// Listens as the configuration now says. When that fails, as it said before.
    fn listen_anew(&mut self, core: &Core) {
        let wanted = Listening::from(core.config());
        if wanted.keep_alive_s != self.listening.keep_alive_s {
            let keep_alive = KeepAlive { idle_s: wanted.keep_alive_s };
            for listener in self.listeners.iter().filter(|listener| listener.unix_path.is_none()) {
                if let Err(error) = sys::set_keep_alive(&listener.socket, keep_alive) {
                    let reason = text::describe(&error);
                    tracing::warn!(target: "rotom", "Setting tcp-keepalive: {reason}");
                }
            }
            self.listening.keep_alive_s = wanted.keep_alive_s;
        }
        if (&wanted.bind, wanted.port) == (&self.listening.bind, self.listening.port) {
            return;
        }
        // An address can only be listened on once, so the old sockets go first, as in Redis.
        self.listeners.retain(|listener| listener.unix_path.is_some());
        let opened = match listeners::open_tcp(&wanted) {
            Ok(opened) => {
                self.listening = wanted;
                opened
            }
            Err(error) => {
                tracing::warn!(target: "rotom", "Failed to bind to specified addresses. {error}");
                listeners::open_tcp(&self.listening).unwrap_or_else(|error| {
                    tracing::warn!(target: "rotom", "Failed to bind to the former addresses. {error}");
                    Vec::new()
                })
            }
        };
        self.replace_tcp_listeners(opened);
    }

    fn replace_tcp_listeners(&mut self, opened: Vec<Listener>) {
        let kept = self.listeners.len();
        self.listeners.extend(opened);
        self.accept_again_at = None;
        for (index, listener) in self.listeners.iter().enumerate() {
            let token = listener_token(index);
            let watched = if index < kept {
                self.epoll.modify(&listener.socket, token, Interest::INPUT_LEVEL)
            } else {
                self.epoll.add(&listener.socket, token, Interest::INPUT_LEVEL)
            };
            if let Err(error) = watched {
                let reason = text::describe(&error);
                tracing::warn!(target: "rotom", "Watching a listening socket: {reason}");
            }
        }
    }

    fn remove_unix_names(&self) {
        for path in self.listeners.iter().filter_map(|listener| listener.unix_path.as_deref()) {
            listeners::remove_unix_name(path);
        }
    }
}

fn listener_token(index: usize) -> u64 {
    u64::from(OWN_TOKENS) + index as u64
}

/// A connection as the core is told of it; nothing when the peer is gone already.
fn describe(stream: &TcpStream, listener: &Listener) -> Option<Accept> {
    use std::os::fd::AsRawFd as _;
    let descriptor = stream.as_raw_fd();
    if let Some(path) = &listener.unix_path {
        let name = listeners::describe_unix(path);
        return Some(Accept { peer: name.clone(), local: name, descriptor, is_local: true, is_unix: true });
    }
    let (peer, local, is_local) = listeners::describe_peer(stream).ok()?;
    Some(Accept { peer: peer.to_string(), local: local.to_string(), descriptor, is_local, is_unix: false })
}

/// Tells a peer why it is not served. The socket is new, so the text fits; if not, that is as far as it goes.
fn refuse(stream: &mut TcpStream, refusal: Refusal) {
    let _ = stream.write(refusal.text());
}
