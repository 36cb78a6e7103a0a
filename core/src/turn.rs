//! The end of a turn, and what happens by the clock.

use crate::call;
use crate::client::Client;
use crate::config_rewrite::{self, Rewritten};
use crate::core::Core;
use crate::disk::DiskCompletion;
use crate::net::{ConnId, NetEffect};
use crate::serve::{OUTPUT_PAUSE_BYTES, OUTPUT_RESUME_BYTES};
use crate::server::LogLevel;
use crate::session::State;
use crate::time::{Monotonic, Now};
use std::time::Duration;

/// Entries of a discarded database that are freed in one turn.
pub const LAZY_FREE_ENTRIES_PER_TURN: usize = 4_096;

/// Clients looked at per tick are a share of all, but at least so many.
pub const CLIENTS_PER_TICK_MIN: usize = 5;

/// What happens by the clock, and how far it has come.
#[derive(Debug)]
pub(crate) struct Ticker {
    /// When the next tick is due.
    pub next: Monotonic,
    /// The slot of the client that is looked at next.
    client_slot: usize,
}

impl Ticker {
    pub fn new(now: Now) -> Ticker {
        Ticker { next: now.monotonic, client_slot: 0 }
    }
}

impl Core {
    /// Ends a turn. The order is the contract: whoever was held back and may go on is served first, then the
    /// data ages, then what may be told is told.
    pub(crate) fn end_turn(&mut self, now: Now) {
        self.advance_clock(now);
        self.tick_if_due();
        // 1. Clients that may go on, from pauses, full outputs and finished disk work.
        self.end_pauses();
        self.end_overdue_waits();
        self.serve_ready();
        // 2. Keys whose time has come.
        if self.server.active_expire && self.expire.has_credit() && !self.persistence.is_loading() {
            self.expire.step(&mut self.dataset, &mut self.server.stats);
        }
        // 3. Memory of databases that were emptied.
        self.lazy_free_left = self.dataset.free_slice(LAZY_FREE_ENTRIES_PER_TURN);
        sometimes!(Mark::LazyFreeSpread, self.lazy_free_left);
        // 4. What is to outlive the process, and with it which replies may be seen.
        self.persist();
        // 5. Connections that end.
        self.close_doomed();
        self.close_finished();
    }

    /// When the core next wants a turn although nothing happened; in the past when it wants one at once.
    pub(crate) fn next_deadline(&self) -> Monotonic {
        let has_work = !self.ready.is_empty() && self.server.frozen_until.is_none()
            || self.lazy_free_left
            || self.server.active_expire && self.expire.has_credit() && !self.persistence.is_loading();
        if has_work {
            return Monotonic(0);
        }
        let pause = self.server.pause.map_or(Monotonic::NEVER, |pause| pause.until);
        let thaw = self.server.frozen_until.unwrap_or(Monotonic::NEVER);
        let give_up = self.dataset.log.waiters.next_deadline().unwrap_or(Monotonic::NEVER);
        let disk = self.persistence.next_deadline(&self.server);
        self.ticker.next.min(pause).min(thaw).min(give_up).min(disk)
    }

    /// Makes this turn's clocks the ones commands see.
    #[inline]
    pub(crate) fn advance_clock(&mut self, now: Now) {
        if self.server.now != now {
            self.set_clock(now);
        }
    }

    /// The same, whatever they were before.
    pub(crate) fn set_clock(&mut self, now: Now) {
        sometimes!(Mark::WallWentBack, now.wall < self.server.now.wall);
        self.server.now = now;
        self.dataset.now = crate::keyspace::UnixMillis(now.wall.millis());
        if self.dataset.access.is_stale(now.wall) {
            let random = self.server.random_u64();
            self.dataset.access.advance(now.wall, random);
        }
    }

    fn tick_if_due(&mut self) {
        let now = self.server.now.monotonic;
        if now < self.ticker.next {
            return;
        }
        let hz = self.server.config.hz.max(1);
        self.ticker.next = now + Duration::from_millis(1000 / u64::from(hz));
        self.server.stats.sample(now);
        self.expire.earn(hz, self.server.config.active_expire_effort);
        self.look_after_clients(hz);
    }

    /// Ends idle connections, and those that have not read what they are owed for too long. Every client is
    /// looked at about once a second.
    fn look_after_clients(&mut self, hz: u32) {
        let slots = self.server.clients.slot_count();
        let now = self.server.now.monotonic;
        let timeout_us = u64::from(self.server.config.timeout) * 1_000_000;
        let limit = self.server.config.client_output_buffer_limit.normal;
        for _ in 0..slots.div_ceil(hz as usize).max(CLIENTS_PER_TICK_MIN).min(slots) {
            let slot = self.ticker.client_slot % slots;
            self.ticker.client_slot = slot + 1;
            let Some(client) = self.server.clients.in_slot(slot) else { continue };
            let conn = client.session.conn;
            // Whoever waits for a key may do so for as long as it asked for, and who is held back cannot help it.
            let waits =
                matches!(client.session.state, State::Blocked | State::Postponed | State::WaitingForDisk);
            let is_idle = timeout_us > 0 && !waits && now.since_us(client.session.active_at) > timeout_us;
            // The hard limit is looked at with every reply; here it is for one that was lowered since.
            let is_over_hard = limit.hard > 0 && client.reply.len() as u64 > limit.hard;
            let is_over = (client.is_over_soft_limit(limit.soft, limit.soft_seconds, now) || is_over_hard)
                && !mutant!(Mutant::OutputLimitNeverEnforced);
            sometimes!(Mark::IdleTimeout, is_idle);
            if is_over {
                sometimes!(Mark::OutputSoftLimit);
                self.server.stats.output_limit_disconnections += 1;
            }
            if is_idle || is_over {
                let reason = if is_idle { "idle client" } else { "client over its output buffer limit" };
                let id = client.session.id;
                self.server.log(LogLevel::Verbose, format!("Closing {reason}: id={id}"));
                self.server.doom(conn);
            }
        }
    }

    /// Ends `CLIENT PAUSE` and `DEBUG SLEEP` when their time is over, and lets those who waited go on.
    fn end_pauses(&mut self) {
        let now = self.server.now.monotonic;
        if self.server.frozen_until.is_some_and(|until| until <= now) {
            self.server.frozen_until = None;
            self.server.resume_postponed = true;
            // Nothing was lent meanwhile, so the driver may have forgotten those it was writing to.
            for client in self.server.clients.iter_mut().filter(|client| !client.reply.is_empty()) {
                if !std::mem::replace(&mut client.is_queued_writable, true) {
                    self.writable.push_back(client.session.conn);
                }
            }
        }
        let pause_now = self.server.pause_clock();
        if self.server.pause.is_some_and(|pause| pause.until <= pause_now) {
            sometimes!(Mark::PauseRanOut);
            self.server.pause = None;
            self.server.resume_postponed = true;
        }
        if std::mem::take(&mut self.server.resume_postponed) {
            for client in self.server.clients.iter_mut() {
                if client.session.state == State::Postponed {
                    client.session.state = State::Running;
                    self.ready.push_back(client.session.conn);
                }
            }
        }
    }

    /// Serves each client that was ready when the turn ended; one that becomes ready by this waits a turn.
    fn serve_ready(&mut self) {
        if self.server.frozen_until.is_some() {
            return;
        }
        for _ in 0..self.ready.len() {
            let Some(conn) = self.ready.pop_front() else { return };
            let Some(mut client) = self.server.clients.check_out(conn) else { continue };
            if client.session.state == State::Running {
                self.serve_pending(&mut client);
            }
            if client.session.state == State::Running && client.is_reading_paused {
                client.is_reading_paused = false;
                self.server.net(NetEffect::Resume(conn));
            }
            self.settle(&mut client);
            self.server.clients.check_in(client);
        }
    }

    /// Takes note of what running commands has left behind: output to announce, an end to prepare.
    #[inline]
    pub(crate) fn settle(&mut self, client: &mut Client) {
        if !client.reply.is_empty() {
            self.enforce_hard_limit(client);
            if !client.is_queued_writable {
                client.is_queued_writable = true;
                self.writable.push_back(client.session.conn);
            }
        }
        if client.session.is_closing() {
            self.closing.push(client.session.conn);
        }
    }

    fn enforce_hard_limit(&mut self, client: &mut Client) {
        let limit = self.server.config.client_output_buffer_limit.normal.hard;
        if mutant!(Mutant::OutputLimitNeverEnforced) {
            return;
        }
        if limit > 0 && client.reply.len() as u64 > limit {
            sometimes!(Mark::OutputHardLimit);
            self.server.stats.output_limit_disconnections += 1;
            let id = client.session.id;
            let text = format!("Client id={id} closed for overcoming of output buffer limits.");
            self.server.log(LogLevel::Warning, text);
            client.session.state = State::ClosingNow;
        }
    }

    fn close_doomed(&mut self) {
        while let Some(conn) = self.server.doomed.pop() {
            self.close(conn);
        }
    }

    /// Ends connections that were told to end and have nothing left to be told.
    fn close_finished(&mut self) {
        for conn in std::mem::take(&mut self.closing) {
            let Some(client) = self.server.clients.find(conn) else { continue };
            if client.session.state == State::ClosingNow || client.reply.is_empty() {
                self.close(conn);
            } else {
                sometimes!(Mark::EndedWithOutput);
            }
        }
    }

    /// Ends a connection from our side.
    pub(crate) fn close(&mut self, conn: ConnId) {
        if self.forget(conn) {
            self.server.net(NetEffect::Close(conn));
        }
    }

    /// Frees everything a connection had. Returns whether it was there.
    pub(crate) fn forget(&mut self, conn: ConnId) -> bool {
        let Some(client) = self.server.clients.close(conn) else { return false };
        self.dataset.unwatch(conn);
        self.dataset.log.waiters.release(conn);
        let Client { mut reply, input, .. } = *client;
        reply.clear(&mut self.chunks);
        self.buffers.put(input.buffer);
        true
    }

    /// After output went out: a client that waited for this goes on, one that was to end does.
    pub(crate) fn after_output(&mut self, conn: ConnId) {
        let Some(client) = self.server.clients.find_mut(conn) else { return };
        match client.session.state {
            State::OutputFull
                if client.reply.len() < OUTPUT_RESUME_BYTES
                    && !(mutant!(Mutant::LostResume) && client.reply.is_empty()) =>
            {
                sometimes!(Mark::OutputResumed);
                client.session.state = State::Running;
                self.ready.push_back(conn);
            }
            State::ClosingAfterReply if client.reply.is_empty() => self.close(conn),
            _ => {}
        }
    }

    /// Gives finished disk work to whoever asked for it.
    pub(crate) fn complete_disk(&mut self, completion: DiskCompletion) {
        let mut completion = Some(completion);
        if let Some(Rewritten { clients, outcome }) =
            config_rewrite::advance(&mut self.server, &mut completion)
        {
            for conn in clients {
                let outcome =
                    outcome.clone().map_err(|reason| format!("ERR Rewriting config file: {reason}"));
                self.answer(conn, outcome);
            }
        }
        self.advance_persistence(&mut completion);
    }

    /// Answers a client that has waited for the disk, and lets it go on.
    pub(crate) fn answer(&mut self, conn: ConnId, outcome: Result<(), String>) {
        let Some(mut client) = self.server.clients.check_out(conn) else {
            sometimes!(Mark::RewriteAskerGone);
            return;
        };
        match outcome {
            Ok(()) => client.reply.ok(),
            Err(text) => {
                self.server.stats.note_error_reply(text.as_bytes());
                client.reply.error(text.as_bytes());
            }
        }
        // The answer to what was skipped comes only now.
        let Client { session, reply, .. } = &mut *client;
        call::next_reply_mode(session, reply);
        if client.session.state == State::WaitingForDisk {
            client.session.state = State::Running;
            self.ready.push_back(conn);
        }
        self.settle(&mut client);
        self.server.clients.check_in(client);
    }
}

impl Client {
    /// Whether the client has been above a soft limit for longer than it may.
    fn is_over_soft_limit(&mut self, soft: u64, seconds: u64, now: Monotonic) -> bool {
        if soft == 0 || (self.reply.len() as u64) <= soft {
            sometimes!(Mark::OutputSoftLimitForgiven, self.soft_limit_since.is_some());
            self.soft_limit_since = None;
            return false;
        }
        let since = *self.soft_limit_since.get_or_insert(now);
        now.since_us(since) > seconds * 1_000_000
    }
}

const _: () = assert!(OUTPUT_RESUME_BYTES < OUTPUT_PAUSE_BYTES);
