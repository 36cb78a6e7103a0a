//! [`Core`]: the server as a state machine, and the contract between it and a driver.

use crate::client::Client;
use crate::config::Config;
use crate::dataset::Dataset;
use crate::disk::{DiskCompletion, DiskOp};
use crate::expire::ActiveExpire;
use crate::input::BufferPool;
use crate::keyspace::HashKey;
use crate::net::{Accept, ConnId, NetEffect, Reading, Refusal};
use crate::persistence::{Exit, Persistence};
use crate::resp::ChunkPool;
use crate::serve::Batch;
use crate::server::{Host, HostStats, LogLevel, LogLine, Server, StopSignal};
use crate::session::State;
use crate::time::{Monotonic, Now};
use crate::turn::Ticker;
use std::collections::VecDeque;
use std::io::IoSlice;

/// A Redis-compatible server that never touches the world.
///
/// A *turn* is one round of a driver's loop:
///
/// 1. **Events.** The driver reads its clocks once and reports all that happened with the `handle_*` methods,
///    in any order. A handle to a connection that is gone does nothing, so late events are harmless.
/// 2. [`finish_turn`](Self::finish_turn), exactly once.
/// 3. **Effects.** The driver drains [`poll_net`](Self::poll_net), then [`poll_writable`](Self::poll_writable):
///    for each connection it writes what [`output`](Self::output) lends and reports how much went out with
///    [`handle_written`](Self::handle_written), which may add to `poll_net`; so that one is drained again.
///    When a socket takes no more, the driver itself remembers to call `output` again once it does. Then
///    [`poll_disk`](Self::poll_disk) and [`poll_log`](Self::poll_log).
/// 4. The driver sleeps until something happens, or until [`poll_timeout`](Self::poll_timeout).
///
/// Input is lent: requests are parsed where they lie, and only an incomplete one is copied. Output is owned by
/// the core and stays where it is until it was written.
///
/// A driver in a few lines:
///
/// ```
/// use rotom_core::{Config, Core, Host, net::Accept, time::Now};
/// use std::io::IoSlice;
///
/// let now = Now::default();
/// let mut core = Core::new(Config::default(), Host::default(), 7, now);
/// let accept = Accept {
///     peer: "127.0.0.1:50000".into(),
///     local: "127.0.0.1:6379".into(),
///     descriptor: 8,
///     is_local: true,
///     is_unix: false,
/// };
/// let conn = core.handle_accept(now, accept).expect("below maxclients");
/// core.handle_input(now, conn, b"SET greeting hello\r\n*2\r\n$3\r\nGET\r\n$8\r\ngreeting\r\n");
/// core.finish_turn(now);
/// let mut sent = Vec::new();
/// while let Some(conn) = core.poll_writable() {
///     let mut slices = [IoSlice::new(&[]); 8];
///     let count = core.output(conn, &mut slices);
///     let before = sent.len();
///     slices[..count].iter().for_each(|slice| sent.extend_from_slice(slice));
///     core.handle_written(now, conn, sent.len() - before);
/// }
/// assert_eq!(sent, b"+OK\r\n$5\r\nhello\r\n");
/// ```
#[derive(Debug)]
pub struct Core {
    pub(crate) server: Server,
    pub(crate) dataset: Dataset,
    pub(crate) chunks: ChunkPool,
    pub(crate) buffers: BufferPool,
    pub(crate) batch: Batch,
    /// Clients that were held back and may go on.
    pub(crate) ready: VecDeque<ConnId>,
    /// Clients with output the driver has not been told of.
    pub(crate) writable: VecDeque<ConnId>,
    /// Clients that were told to end this turn.
    pub(crate) closing: Vec<ConnId>,
    pub(crate) ticker: Ticker,
    pub(crate) expire: ActiveExpire,
    pub(crate) persistence: Persistence,
    pub(crate) lazy_free_left: bool,
    #[cfg(feature = "simulation")]
    pub(crate) executions: crate::execution::Executions,
}

/// What one connection sent, for [`Core::handle_inputs`].
#[derive(Debug)]
pub struct Input<'a> {
    /// Who sent it.
    pub conn: ConnId,
    /// What.
    pub bytes: &'a [u8],
    /// What to do about that connection's further input; an answer.
    pub reading: Reading,
}

impl Core {
    /// A server with empty databases. Everything random in it comes from `seed`.
    #[must_use]
    pub fn new(config: Config, host: Host, seed: u64, now: Now) -> Core {
        let mut server = Server::new(config, host, seed, now);
        let hash_key = HashKey([server.random_u64(), server.random_u64()]);
        let dataset = Dataset::new(&server.config, hash_key);
        let persistence = Persistence::new(&server);
        let mut core = Core {
            server,
            dataset,
            chunks: ChunkPool::default(),
            buffers: BufferPool::default(),
            batch: Batch::default(),
            ready: VecDeque::new(),
            writable: VecDeque::new(),
            closing: Vec::new(),
            ticker: Ticker::new(now),
            expire: ActiveExpire::default(),
            persistence,
            lazy_free_left: false,
            #[cfg(feature = "simulation")]
            executions: Default::default(),
        };
        core.dataset.configure(&core.server.config);
        core.set_clock(now);
        core
    }

    /// The configuration in force.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.server.config
    }

    /// Somebody connected.
    ///
    /// # Errors
    /// The connection is not wanted: the driver writes [`Refusal::text`] as far as it goes, and closes.
    pub fn handle_accept(&mut self, now: Now, accept: Accept) -> Result<ConnId, Refusal> {
        self.advance_clock(now);
        let config = &self.server.config;
        let stats = &mut self.server.stats;
        stats.connections_received += 1;
        if self.server.clients.len() >= config.maxclients as usize {
            stats.connections_rejected += 1;
            sometimes!(Mark::MaxClients);
            return Err(Refusal::MaxClients);
        }
        let needs_password = !config.requirepass.is_empty();
        if config.protected_mode && !needs_password && !accept.is_local {
            stats.connections_rejected += 1;
            return Err(Refusal::ProtectedMode);
        }
        let conn = self.server.clients.open(accept, !needs_password, now.monotonic);
        self.server.stats.clients_peak = self.server.stats.clients_peak.max(self.server.clients.len());
        Ok(conn)
    }

    /// A connection sent something. All of it is taken; the answer says whether to read on.
    pub fn handle_input(&mut self, now: Now, conn: ConnId, bytes: &[u8]) -> Reading {
        self.advance_clock(now);
        self.with_client(conn, bytes.len(), |core, client| core.serve(client, bytes))
    }

    /// Several connections sent something. As [`handle_input`](Self::handle_input) for each, in order.
    pub fn handle_inputs(&mut self, now: Now, batch: &mut [Input<'_>]) {
        for input in batch {
            input.reading = self.handle_input(now, input.conn, input.bytes);
        }
    }

    /// Where to put the next bytes of a connection that is sending a large bulk string: the memory that will
    /// hold its value. `None` when there is no such thing under way.
    pub fn input_buffer(&mut self, conn: ConnId) -> Option<&mut [u8]> {
        self.server.clients.find_mut(conn)?.input.space()
    }

    /// So many bytes were put into [`input_buffer`](Self::input_buffer).
    pub fn handle_filled(&mut self, now: Now, conn: ConnId, len_bytes: usize) -> Reading {
        self.advance_clock(now);
        self.with_client(conn, len_bytes, |core, client| {
            client.input.filled(len_bytes);
            core.serve_pending(client);
        })
    }

    /// So many bytes of a connection's output went out.
    pub fn handle_written(&mut self, now: Now, conn: ConnId, len_bytes: usize) {
        let Some(client) = self.server.clients.find_mut(conn) else { return };
        sometimes!(Mark::ReplyResumed, client.reply.is_partly_sent());
        client.reply.advance(len_bytes, &mut self.chunks);
        if let Some(held) = &mut client.held {
            held.advance(len_bytes);
        }
        sometimes!(Mark::PartialWrite, !client.reply.is_empty());
        if mutant!(Mutant::PartialWriteDropsRest) {
            client.reply.clear(&mut self.chunks);
        }
        client.session.active_at = now.monotonic;
        let needs_attention = client.session.state != State::Running;
        self.server.stats.output_bytes += len_bytes as u64;
        self.server.stats.writes_processed += 1;
        if needs_attention {
            self.after_output(conn);
        }
    }

    /// A connection ended from its side, or failed; the driver has closed the socket.
    pub fn handle_closed(&mut self, now: Now, conn: ConnId) {
        self.advance_clock(now);
        sometimes!(
            Mark::ClosedInRequest,
            self.server.clients.find(conn).is_some_and(|it| !it.input.is_empty())
        );
        sometimes!(
            Mark::ClosedWithOutput,
            self.server.clients.find(conn).is_some_and(|it| !it.reply.is_empty())
        );
        self.forget(conn);
    }

    /// A piece of disk work has ended.
    pub fn handle_disk(&mut self, now: Now, completion: DiskCompletion) {
        self.advance_clock(now);
        self.complete_disk(completion);
    }

    /// Time has passed. The work itself is done as the turn ends.
    pub fn handle_timeout(&mut self, now: Now) {
        self.advance_clock(now);
    }

    /// The operator wants the server to end, by this signal.
    pub fn handle_shutdown(&mut self, now: Now, signal: StopSignal) {
        self.advance_clock(now);
        self.server.log(LogLevel::Warning, "User requested shutdown...");
        let config = &self.server.config;
        let wish = match signal {
            StopSignal::Interrupt => config.shutdown_on_sigint,
            StopSignal::Terminate => config.shutdown_on_sigterm,
        };
        let saves = wish.saves.unwrap_or(!config.save.is_empty());
        self.server.shut_down(Exit { status: 0, saves, is_forced: wish.is_forced, asker: None });
    }

    /// How long the last turn took, in microseconds.
    pub fn handle_turn_time(&mut self, us: u64) {
        self.server.stats.note_turn(us);
    }

    /// Fresh figures about the process.
    pub fn handle_host_stats(&mut self, stats: HostStats) {
        if self.server.startup_allocated_bytes == 0 {
            self.server.startup_allocated_bytes = stats.allocated_bytes;
        }
        self.server.host_stats = stats;
        self.server.peak_allocated_bytes = self.server.peak_allocated_bytes.max(stats.allocated_bytes);
    }

    /// Ends the turn: everything that is not an event's direct consequence happens here.
    pub fn finish_turn(&mut self, now: Now) {
        self.end_turn(now);
    }

    /// The next connection with output the driver has not been told of.
    pub fn poll_writable(&mut self) -> Option<ConnId> {
        if self.server.frozen_until.is_some() {
            return None;
        }
        while let Some(conn) = self.writable.pop_front() {
            if let Some(client) = self.server.clients.find_mut(conn) {
                client.is_queued_writable = false;
                return Some(conn);
            }
        }
        None
    }

    /// Lends a connection's output in order; returns how many slices were filled. None when there is nothing
    /// to write.
    pub fn output<'a>(&'a self, conn: ConnId, slices: &mut [IoSlice<'a>]) -> usize {
        if self.server.frozen_until.is_some() {
            return 0;
        }
        self.server.clients.find(conn).map_or(0, |client| match &client.held {
            None => client.reply.slices(slices),
            Some(held) => client.reply.first_slices(held.free_bytes(), slices),
        })
    }

    /// Whether a connection is owed anything, be it that it must not be told yet.
    #[must_use]
    pub fn owes(&self, conn: ConnId) -> bool {
        self.server.clients.find(conn).is_some_and(|client| !client.reply.is_empty())
    }

    /// The next thing to do with a socket.
    pub fn poll_net(&mut self) -> Option<NetEffect> {
        self.server.poll_net()
    }

    /// The next piece of disk work.
    pub fn poll_disk(&mut self) -> Option<DiskOp> {
        self.server.poll_disk()
    }

    /// The next line for the log.
    pub fn poll_log(&mut self) -> Option<LogLine> {
        self.server.poll_log()
    }

    /// When the core wants a turn even if nothing happens; in the past when it wants one at once.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Monotonic> {
        Some(self.next_deadline())
    }

    /// Whether data is still being loaded, after [`recover`](Self::recover).
    #[must_use]
    pub fn is_loading(&self) -> bool {
        self.persistence.is_loading()
    }

    /// Starts or stops recording effects; see [`take_propagated`](Self::take_propagated).
    pub fn record_propagation(&mut self, on: bool) {
        self.dataset.log.record(on);
    }

    /// The effects recorded since the last call, as RESP commands that lead another server to this state.
    pub fn take_propagated(&mut self) -> Vec<u8> {
        self.dataset.log.take()
    }

    /// A number that two servers with equal data have in common, whatever way they came to it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.dataset.digest()
    }

    /// Runs something for a client that is taken out of the table meanwhile.
    #[inline]
    fn with_client(
        &mut self,
        conn: ConnId,
        len_bytes: usize,
        run: impl FnOnce(&mut Core, &mut Client),
    ) -> Reading {
        let Some(mut client) = self.server.clients.check_out(conn) else { return Reading::Stop };
        client.session.active_at = self.server.now.monotonic;
        self.server.stats.input_bytes += len_bytes as u64;
        self.server.stats.reads_processed += 1;
        if !client.session.is_closing() {
            run(self, &mut client);
            self.enforce_query_limit(&mut client);
            self.settle(&mut client);
        }
        let reading = match client.session.state {
            // Whoever waits may still say goodbye.
            State::Running | State::Blocked => Reading::Continue,
            State::ClosingAfterReply | State::ClosingNow => Reading::Stop,
            State::Postponed | State::OutputFull | State::WaitingForDisk => Reading::Pause,
        };
        client.is_reading_paused = reading == Reading::Pause;
        self.server.clients.check_in(client);
        reading
    }
}
