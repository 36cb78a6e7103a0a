//! The judge: looks at everything that happens in a world, and keeps the first thing that is wrong.

use super::follower::Follower;
use super::history::History;
use super::outcome::{Failure, Moment, Oracle};
use super::recovery::{Policy, Recovering};
use super::settings::Settings;
use super::snapshots::{Saves, Snapshots};
use super::text::commands_text;
use crate::model::{ClientId, Clock, Divergence, Model};
use crate::transcript::text::escape;
use crate::workload::Request;
use rotom_core::disk::{DiskCompletion, DiskError, Lane};
use rotom_core::net::ConnId;
use rotom_core::time::{Monotonic, Now};
use rotom_core::{Config, Core, LogLine};
use rotom_io_sim::clock::MONOTONIC_START;
use rotom_io_sim::{End, FaultKind, Peer, Trace, Witness};
use std::collections::BTreeMap;
use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

/// Bytes of a value that a timeline shows.
const SHOWN_BYTES_MAX: usize = 120;

/// How much more than a limit a connection may be owed for a moment: the reply that breaks it, and its chunk.
const OUTPUT_SLACK_BYTES: usize = 128 * 1024;

/// How long it may take until a lowered limit is enforced.
const LIMIT_GRACE_US: u64 = 3_000_000;

/// The longest reply whose length the model cannot know.
const UNKNOWN_REPLY_BYTES: u64 = 256 * 1024;

/// What a server logs when it has written its log anew.
const REWRITTEN: &str = "Background AOF rewrite finished successfully";

/// How a server begins to log that it has loaded its data again.
const RELOADED: &str = "DB reloaded by";

/// How a server begins to log that it cannot write its log, and that it can again.
const TROUBLES: [&str; 2] = ["Error writing to the AOF file", "Fail to fsync the AOF file"];
const SOLVED: &str = "AOF write error looks solved";

/// Comparisons of digests stand apart by at least this share of the commands before.
const DIGEST_SHARE: u64 = 10;

/// Looks at everything.
pub(super) struct Judge<'a> {
    pub(super) settings: &'a Settings,
    pub(super) model: Model,
    pub(super) follower: Follower,
    /// What was executed, if crashes leave anything or every prefix is looked at.
    pub(super) history: Option<History>,
    pub(super) policy: Policy,
    pub(super) snapshots: Snapshots,
    /// What the server may start with, if it keeps no log.
    pub(super) saves: Option<Saves>,
    /// Whether any work of the disk has failed since the server was started.
    pub(super) disk_has_failed: bool,
    /// Whether the server has said that it cannot write its log, and not that it can again; in this turn, or before.
    refuses_next: bool,
    must_refuse: bool,
    /// Whether the log was written anew since the server was started.
    pub has_rewritten: bool,
    /// Whether the data were loaded again in this turn.
    has_reloaded: bool,
    /// Whether there is no reason any more for which a write might be refused.
    pub must_write: bool,
    /// How many units are durable although others may not be that the server was started with.
    pub(super) sure: Option<usize>,
    /// The model's last execution when the server had loaded its data.
    pub(super) loaded_moment: u64,
    /// Set while the server starts from what a crash has left.
    pub(super) recovering: Option<Recovering>,
    /// What is known of each connection.
    peers: BTreeMap<Peer, Connection>,
    /// The configuration in force, as far as endings depend on it.
    limits: Limits,
    limits_before: Limits,
    /// Whether a client of this scenario changes the limits on output.
    pub limits_change: bool,
    /// When the hard limit on output was last changed.
    limit_since: Monotonic,
    closed: Vec<Closed>,
    digest_due: u64,
    /// The step that was last taken.
    pub step: Option<u32>,
    pub failure: Option<Failure>,
    pub timeline: Option<Vec<Moment>>,
    pub commands: u64,
    pub connections: u64,
    /// All effects, for comparing two runs of one history.
    pub effects: Trace,
}

/// What is known of a connection.
struct Connection {
    client: u32,
    read_at: Monotonic,
    /// Bytes the server may still be parsing.
    has_ended: bool,
}

/// What may end a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Limits {
    timeout_us: u64,
    output_hard: u64,
    output_soft: u64,
    query: u64,
    maxclients: u64,
}

impl Limits {
    fn of(config: &Config) -> Limits {
        let normal = config.client_output_buffer_limit.normal;
        Limits {
            timeout_us: u64::from(config.timeout) * 1_000_000,
            output_hard: normal.hard,
            output_soft: normal.soft,
            query: config.client_query_buffer_limit,
            maxclients: u64::from(config.maxclients),
        }
    }
}

impl<'a> Judge<'a> {
    pub fn new(settings: &'a Settings, config: &Config, now: Now, shows: bool) -> Result<Judge<'a>, String> {
        Ok(Judge {
            settings,
            model: Model::new(&settings.directives, clock(now))?,
            follower: Follower::new(config, now),
            history: (settings.recovers() || settings.checks_prefixes)
                .then(|| History::new(&settings.directives))
                .transpose()?,
            policy: Policy::of(&settings.directives),
            snapshots: Snapshots::default(),
            saves: (settings.saves() && !settings.has_log()).then(Saves::none),
            disk_has_failed: false,
            refuses_next: false,
            must_refuse: false,
            has_rewritten: false,
            has_reloaded: false,
            must_write: false,
            sure: None,
            loaded_moment: 0,
            recovering: None,
            peers: BTreeMap::new(),
            limits: Limits::of(config),
            limits_before: Limits::of(config),
            limits_change: false,
            limit_since: Monotonic(0),
            closed: Vec::new(),
            digest_due: settings.digest_every,
            step: None,
            failure: None,
            timeline: shows.then(Vec::new),
            commands: 0,
            connections: 0,
            effects: Trace::default(),
        })
    }

    /// Says whose connection a peer is, before anything happens on it.
    pub fn introduce(&mut self, peer: Peer, client: u32, now: Now) {
        self.peers.insert(peer, Connection { client, read_at: now.monotonic, has_ended: false });
    }

    /// The cursor with which a client goes on on its connection, if the request goes on with anything.
    pub fn cursor(&self, peer: Peer, request: &Request) -> u64 {
        match request {
            Request::Scan(_) => self.model.scan_cursor(client_id(peer)),
            Request::Elements(words) => {
                let key = words.get(1).map_or(&[][..], Vec::as_slice);
                self.model.element_cursor(client_id(peer), key)
            }
            Request::Command(_) | Request::Inline(_) | Request::Raw(_) => 0,
        }
    }

    /// The server was started again, with nothing.
    pub fn restarted(&mut self, config: &Config, now: Now) -> Result<(), String> {
        self.model = Model::new(&self.settings.directives, clock(now))?;
        self.follower = Follower::new(config, now);
        self.limit(config);
        if let Some(history) = &mut self.history {
            *history = History::new(&self.settings.directives)?;
        }
        Ok(())
    }

    /// The server is another one.
    pub(super) fn forget_troubles(&mut self) {
        (self.refuses_next, self.must_refuse) = (false, false);
    }

    /// What may end connections is as the configuration says.
    pub(super) fn limit(&mut self, config: &Config) {
        self.limits = Limits::of(config);
        self.limits_before = self.limits;
    }

    /// Whether everything that was asked on connections that stand is answered.
    pub fn is_quiet(&mut self, now: Now) -> bool {
        self.unanswered(now).is_none()
    }

    /// Whether somebody has told the server to wait.
    pub fn is_held_up(&self, now: Now) -> bool {
        self.model.is_paused(clock(now)).is_some() || self.model.is_asleep(clock(now))
    }

    /// A connection that is still owed something.
    pub fn unanswered(&mut self, now: Now) -> Option<Peer> {
        let is_paused = self.model.is_paused(clock(now)).is_some();
        self.peers.iter().find_map(|(&peer, connection)| {
            let id = client_id(peer);
            // Whoever waits for a key may do so for ever, unless it said for how long.
            let is_late = self.model.is_overdue(id, clock(now));
            let waits = self.model.is_owed(id) || self.model.has_request(id) || is_paused || is_late;
            (!connection.has_ended && waits).then_some(peer)
        })
    }

    /// The server has changed something of its own accord.
    pub(super) fn take_background(&mut self, now: Now, effects: &[u8]) {
        self.note(now, None, || format!("of its own accord {}", commands_text(effects)));
        let outcome = self.model.background(clock(now), effects);
        self.hear(now, Oracle::Semantics, outcome);
        self.take_effects(now, effects);
    }

    /// What the server did, for all who live on that.
    fn take_effects(&mut self, now: Now, effects: &[u8]) {
        self.effects.bytes(effects);
        self.follower.follow(now, effects);
        let Some(history) = &mut self.history else { return };
        let mut outcome = history.add(now, self.model.moment(), effects);
        if outcome.is_ok() && self.settings.checks_prefixes {
            outcome = self.model.compare(history.data());
        }
        if let Err(text) = outcome {
            self.fail(now, Oracle::Rebuild, "prefix", text);
        }
    }

    /// Compares the data with those of the server that lives on the log.
    pub fn compare_digests(&mut self, core: &Core, now: Now) {
        if core.is_loading() {
            return;
        }
        let (live, rebuilt) = (core.digest(), self.follower.digest(now));
        if live != rebuilt {
            let text = format!(
                "the live data have the digest {live:016x}, those rebuilt from the log {rebuilt:016x}"
            );
            self.fail(now, Oracle::Rebuild, "digest", text);
        }
    }

    /// Nothing may be there whose time was over so long ago.
    pub fn check_expired(&mut self, now: Now, grace: Duration) {
        let oldest_ms = now.wall.millis() - grace.as_millis() as i64;
        let stale = self.model.keys().find(|key| key.expiry_ms.is_some_and(|at| at < oldest_ms));
        if let Some(text) = stale.map(|key| format!("{key:?} is still there")) {
            self.fail(now, Oracle::Liveness, "expiry", text);
        }
    }

    /// Keeps the first failure.
    pub fn fail(&mut self, now: Now, oracle: Oracle, site: &str, text: String) {
        self.note(now, None, || format!("FAILED {}: {site}: {text}", oracle.name()));
        if self.failure.is_none() {
            let at_us = now.monotonic.since_us(MONOTONIC_START);
            self.failure = Some(Failure { oracle, site: site.to_owned(), at_us, step: self.step, text });
        }
    }

    /// Adds a line to the timeline, if there is one.
    pub fn note(&mut self, now: Now, peer: Option<Peer>, what: impl FnOnce() -> String) {
        if let Some(timeline) = &mut self.timeline {
            let client = peer.and_then(|peer| self.peers.get(&peer)).map(|connection| connection.client);
            timeline.push(Moment { at_us: now.monotonic.since_us(MONOTONIC_START), client, what: what() });
        }
    }

    /// Notes that a client's last request was run, in whichever way.
    fn note_run(&mut self, now: Now, peer: Peer, how: &str, effects: &[u8]) {
        if self.timeline.is_none() {
            return;
        }
        let request = self.model.last_request(client_id(peer));
        self.note(now, Some(peer), || format!("{how} {request}"));
        if !effects.is_empty() {
            self.note(now, Some(peer), || format!("  effects {}", commands_text(effects)));
        }
    }

    fn hear(&mut self, now: Now, oracle: Oracle, outcome: Result<(), Divergence>) {
        if let Err(Divergence { site, text }) = outcome {
            self.fail(now, oracle, &site, text);
        }
    }

    /// Whether the server may close a connection in this state.
    fn may_close(&self, closed: &Closed) -> bool {
        let owed = closed.owed + UNKNOWN_REPLY_BYTES * (1 + closed.unknown_replies);
        let is_over = |limit: u64| limit > 0 && owed > limit;
        if self.limits_change && closed.owed > 0 {
            // What is in force for a moment within a turn is not seen from here.
            return true;
        }
        // What was in force when the turn began, or is now.
        [self.limits, self.limits_before].iter().any(|limits| {
            limits.timeout_us > 0 && closed.idle_us >= limits.timeout_us
                || closed.unparsed > limits.query
                || is_over(limits.output_hard)
                || is_over(limits.output_soft)
        })
    }

    /// Judges the connections that the server has closed in this turn.
    fn judge_closed(&mut self, now: Now) {
        for closed in std::mem::take(&mut self.closed) {
            if !self.may_close(&closed) {
                self.fail(now, Oracle::Replies, "closed without a reason", format!("after {}", closed.last));
            }
        }
    }
}

/// What a connection was like when the server closed it for no reason that the model knows of.
struct Closed {
    idle_us: u64,
    unparsed: u64,
    owed: u64,
    /// Replies that are owed as well, whose length is not known.
    unknown_replies: u64,
    last: String,
}

impl Witness for Judge<'_> {
    fn accepted(&mut self, now: Now, peer: Peer, address: &str) {
        self.connections += 1;
        self.model.connect(client_id(peer), address, clock(now));
        if let Some(known) = self.peers.get_mut(&peer) {
            known.read_at = now.monotonic;
        }
        self.note(now, Some(peer), || format!("connects from {address}"));
    }

    fn refused(&mut self, now: Now, peer: Peer) {
        let standing = self.peers.values().filter(|known| !known.has_ended).count() as u64;
        self.note(now, Some(peer), || "is refused".to_owned());
        if standing <= self.limits.maxclients {
            let text = format!("refused although only {standing} connections may stand");
            self.fail(now, Oracle::Replies, "refused", text);
        }
        self.peers.remove(&peer);
    }

    fn read(&mut self, now: Now, peer: Peer, bytes: &[u8]) {
        self.note(now, Some(peer), || format!("→ {}", shown(bytes)));
        self.model.deliver(client_id(peer), bytes);
        if let Some(known) = self.peers.get_mut(&peer) {
            known.read_at = now.monotonic;
        }
    }

    fn executed(&mut self, now: Now, peer: Peer, effects: &[u8]) {
        self.commands += 1;
        let outcome = self.model.execute(client_id(peer), clock(now), Some(effects));
        self.note_run(now, peer, "runs", effects);
        self.hear(now, Oracle::Semantics, outcome);
        if self.must_refuse && writes(effects) {
            let text = "a write was taken although the log cannot be written".to_owned();
            self.fail(now, Oracle::FailClosed, "written on", text);
        }
        self.take_effects(now, effects);
    }

    fn served(&mut self, now: Now, peer: Peer, effects: &[u8]) {
        let outcome = self.model.serve(client_id(peer), clock(now), Some(effects));
        self.note_run(now, peer, "is served", effects);
        self.hear(now, Oracle::Semantics, outcome);
        self.take_effects(now, effects);
    }

    fn turned_down(&mut self, now: Now, peer: Peer) {
        self.commands += 1;
        // A save that has failed is a reason, too.
        let reason =
            if self.settings.saves() { "MISCONF " } else { "MISCONF Errors writing to the AOF file: " };
        let outcome = self.model.turn_down(client_id(peer), clock(now), reason);
        self.note_run(now, peer, "is refused for the disk's sake with", &[]);
        self.hear(now, Oracle::Semantics, outcome);
        if !self.disk_has_failed {
            let text = "a write was refused although no work of the disk has failed".to_owned();
            self.fail(now, Oracle::Semantics, "misconf", text);
        }
        if self.must_write {
            let text = "nothing goes wrong any more, and writes are still refused".to_owned();
            self.fail(now, Oracle::Liveness, "misconf", text);
        }
    }

    fn timed_out(&mut self, now: Now, peer: Peer) {
        self.note_run(now, peer, "waits no longer with", &[]);
        let outcome = self.model.time_out(client_id(peer), clock(now));
        self.hear(now, Oracle::Semantics, outcome);
    }

    fn background(&mut self, now: Now, effects: &[u8]) {
        match &mut self.recovering {
            Some(recovering) => recovering.effects.push((now, effects.to_vec())),
            None => self.take_background(now, effects),
        }
    }

    fn received(&mut self, now: Now, peer: Peer, bytes: &[u8]) {
        if !self.peers.contains_key(&peer) {
            return;
        }
        self.note(now, Some(peer), || format!("← {}", shown(bytes)));
        let outcome = if self.settings.is_canary && self.commands > 2 {
            // A whole reply that nobody asked for: one that never ends would be a lack of answers, not a wrong one.
            self.model.receive(client_id(peer), &[b"+falsified\r\n", bytes].concat())
        } else {
            self.model.receive(client_id(peer), bytes)
        };
        self.hear(now, Oracle::Semantics, outcome);
        let seen = self.model.take_seen(client_id(peer));
        if let Some(history) = self.history.as_mut().filter(|_| self.recovering.is_none()) {
            // What was said while the server was loading tells of nothing that it has loaded.
            let loaded = self.loaded_moment;
            seen.into_iter().filter(|seen| seen.moment > loaded).for_each(|seen| history.see(seen));
        }
    }

    fn ended(&mut self, now: Now, peer: Peer, end: End) {
        self.note(now, Some(peer), || format!("connection ends: {end:?}"));
        let id = client_id(peer);
        if end == End::ByServer && !self.model.is_ending(id) {
            let idle_us = self.peers.get(&peer).map_or(0, |known| now.monotonic.since_us(known.read_at));
            // Nobody is idle who waits for a key.
            let idle_us = if self.model.is_waiting(id) { 0 } else { idle_us };
            self.closed.push(Closed {
                idle_us,
                unparsed: self.model.unparsed_len(id) as u64,
                owed: self.model.owed_len(id) as u64,
                unknown_replies: self.model.unknown_owed(id),
                last: self.model.last_request(id),
            });
        }
        self.model.disconnect(client_id(peer));
        if let Some(known) = self.peers.get_mut(&peer) {
            known.has_ended = true;
        }
    }

    fn turned(&mut self, now: Now, core: &Core) {
        if core.config().client_output_buffer_limit.normal.hard != self.limits.output_hard {
            self.limit_since = now.monotonic;
        }
        self.must_refuse |= std::mem::take(&mut self.refuses_next);
        let outcome = self.model.check_waiting();
        self.hear(now, Oracle::Semantics, outcome);
        self.limits_before = std::mem::replace(&mut self.limits, Limits::of(core.config()));
        self.judge_closed(now);
        if std::mem::take(&mut self.has_reloaded) {
            // Which zeros keep their signs depends on how the data were read.
            self.model.adopt_signs(&core.negative_zeros());
        }
        if self.recovering.is_none() && self.commands >= self.digest_due {
            // The longer a run, the more there is to compare, and the less often it is done.
            self.digest_due = self.commands + self.settings.digest_every.max(self.commands / DIGEST_SHARE);
            self.compare_digests(core, now);
        }
    }

    fn fault(&mut self, now: Now, kind: FaultKind, peer: Option<Peer>) {
        self.note(now, peer, || format!("fault: {}", kind.name()));
    }

    fn logged(&mut self, now: Now, line: &LogLine) {
        self.note(now, None, || format!("log: {}", line.text));
        self.has_rewritten |= line.text == REWRITTEN;
        self.has_reloaded |= line.text.starts_with(RELOADED);
        self.hear_of_snapshots(now, &line.text);
        if TROUBLES.iter().any(|trouble| line.text.starts_with(trouble)) {
            self.refuses_next = true;
        } else if line.text.starts_with(SOLVED) {
            (self.refuses_next, self.must_refuse) = (false, false);
        }
        if let Some(recovering) = &mut self.recovering {
            recovering.hear(&line.text);
        }
    }

    fn wants_pause(&self) -> bool {
        self.snapshots.has_finished() || self.recovering.as_ref().is_some_and(Recovering::is_ready)
    }

    fn disk(&mut self, now: Now, lane: Lane, completion: &DiskCompletion) {
        if lane == Lane::Snapshot && completion.outcome.is_ok() {
            // A new base is on its way, and may be what it goes on from.
            (self.refuses_next, self.must_refuse) = (false, false);
        }
        // That a name is there, or is not, is no failure.
        let is_answer =
            |error: &DiskError| matches!(error.kind, ErrorKind::NotFound | ErrorKind::AlreadyExists);
        self.disk_has_failed |= completion.outcome.as_ref().is_err_and(|error| !is_answer(error));
        self.note(now, None, || match &completion.outcome {
            Ok(_) => format!("disk: {:?} done", completion.id),
            Err(error) => format!("disk: {:?} failed: {}", completion.id, error.message),
        });
    }
}

impl Judge<'_> {
    /// A connection may not be owed much more than its hard limit.
    pub fn check_output(&mut self, now: Now, peer: Peer, conn: ConnId, core: &Core) {
        let limit = self.limits.output_hard as usize;
        // One that was lowered takes its time to reach those who are over it already.
        if limit == 0 || now.monotonic.since_us(self.limit_since) < LIMIT_GRACE_US {
            return;
        }
        let mut slices = [IoSlice::new(&[]); 64];
        let count = core.output(conn, &mut slices);
        let owed: usize = slices[..count].iter().map(|slice| slice.len()).sum();
        if owed > limit + OUTPUT_SLACK_BYTES {
            let text = format!("{owed} bytes are owed and the limit is {limit}");
            self.note(now, Some(peer), || text.clone());
            self.fail(now, Oracle::Liveness, "output limit", text);
        }
    }
}

/// Whether effects are more than the removal of keys, which may be those past their expiry.
fn writes(effects: &[u8]) -> bool {
    const REMOVALS: [&str; 5] = ["SELECT", "DEL", "UNLINK", "MULTI", "EXEC"];
    !effects.is_empty()
        && commands_text(effects).split("; ").any(|command| {
            let name = command.split(' ').next().unwrap_or_default();
            !REMOVALS.contains(&name)
        })
}

fn client_id(peer: Peer) -> ClientId {
    ClientId(peer.0 as u32)
}

pub(super) fn clock(now: Now) -> Clock {
    Clock { wall_us: now.wall.0, monotonic_us: now.monotonic.0 }
}

/// Bytes as a person reads them, cut to a line.
fn shown(bytes: &[u8]) -> String {
    let rest = bytes.len().saturating_sub(SHOWN_BYTES_MAX);
    let text = escape(&bytes[..bytes.len() - rest]);
    if rest == 0 { text } else { format!("{text}… ({rest} more bytes)") }
}
