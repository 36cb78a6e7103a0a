//! [`run`](run()): plays a scenario.

use super::judge::Judge;
use super::outcome::{Counts, Failure, Oracle, Outcome};
use super::recovery::Damage;
use super::scenario::{Action, Scenario, Step};
use crate::workload::{BLOCKING, Request};
use rotom_core::mark;
use rotom_core::time::Monotonic;
use rotom_core::{Config, Host};
use rotom_io_sim::clock::MONOTONIC_START;
use rotom_io_sim::{Crash, Delivery, FaultKind, Faults, Peer, Site, World};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::time::Duration;

/// The configuration file of a server that has one.
const CONFIG_FILE: &str = "/etc/rotom.conf";

/// What stands in it at first. A rewrite keeps comments.
const CONFIG_TEXT: &[u8] = b"# A configuration file.\n";

/// Once nothing goes wrong any more, everything must be answered within this time.
const HEALING: Duration = Duration::from_secs(120);

/// What a piece of work of the disk takes then, at most.
const HEALED_DISK_US_MAX: u64 = 1_000;

/// Once nothing goes wrong any more, a log that was lost must have been written anew within this time.
const MENDING: Duration = Duration::from_secs(120);

/// How often it is looked whether everything is answered.
const HEALING_STEP: Duration = Duration::from_millis(50);

/// How long a key may stay when its time is over and nobody looks for it, with nothing else to do.
const EXPIRY_GRACE: Duration = Duration::from_secs(20);

/// The farthest the calendar jumps.
const JUMP_US_MAX: u64 = 3 * 86_400_000_000;

/// The longest the process stands still.
const FREEZE_US_MAX: u64 = 30_000_000;

/// The most the calendar drifts, in millionths.
const DRIFT_PPM_MAX: u64 = 100_000;

/// How long a server may take to start that is not cut off.
const STARTING: Duration = Duration::from_secs(600);

/// How long a server is started again that leaves because the disk has failed, and after which pause.
const INSISTING: Duration = Duration::from_secs(60);
const INSISTING_STEP: Duration = Duration::from_secs(1);

/// How often it is looked whether it has.
const STARTING_STEP: Duration = Duration::from_millis(1);

/// What takes away or changes what a disk has promised to keep, or does not give it.
const LOSSES: [FaultKind; 2] = [FaultKind::BitRot, FaultKind::EioRead];

/// What makes it take longer until something is durable.
const DELAYS: [FaultKind; 9] = [
    FaultKind::SlowDisk,
    FaultKind::ShortWrite,
    FaultKind::Interrupted,
    FaultKind::EnospcAppend,
    FaultKind::EnospcCreate,
    FaultKind::EnospcSync,
    FaultKind::EioWrite,
    FaultKind::SyncError,
    FaultKind::LateSyncError,
];

/// Faults that only cut what is read and written: they leave a history of one client as it is.
pub(super) const CUTS: [FaultKind; 2] = [FaultKind::PartialRead, FaultKind::PartialWrite];

// Where numbers are drawn.
const DRIFT: Site = Site::named("drift");
const FREEZE: Site = Site::named("freeze");
const WALL_JUMP: Site = Site::named("walljump");

/// Whether a run keeps a timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// Only the outcome counts.
    Nothing,
    /// Everything that happens is written down.
    Timeline,
}

/// Plays a scenario. Never panics: an assertion that fails in the server is an outcome like any other.
#[must_use]
pub fn run(scenario: &Scenario, watch: Watch) -> Outcome {
    let _ = mark::take();
    let played = catch(|| play(scenario, watch, true));
    let marks = mark::take();
    match played {
        Ok(mut outcome) => {
            outcome.marks = marks;
            outcome
        }
        Err(panic) => Outcome {
            failure: Some(Failure {
                oracle: Oracle::Assertion,
                site: panic.place,
                at_us: 0,
                step: None,
                text: panic.text,
            }),
            trace: 0,
            counts: Counts::default(),
            marks,
            timeline: Vec::new(),
        },
    }
}

/// Plays a scenario, and once more in whole pieces if it says so.
fn play(scenario: &Scenario, watch: Watch, may_repeat: bool) -> Outcome {
    let mut run = match Run::new(scenario, watch) {
        Ok(run) => run,
        Err(error) => return refused(error),
    };
    run.play();
    let (mut outcome, effects) = run.finish();
    if may_repeat && scenario.settings.plays_twice && outcome.failure.is_none() && keeps_history(scenario) {
        let mut whole = scenario.clone();
        whole.faults.clear();
        whole.settings.conditions.read_len_max = usize::MAX;
        whole.settings.conditions.window_bytes = usize::MAX;
        let Ok(mut again) = Run::new(&whole, Watch::Nothing) else { return outcome };
        again.play();
        let (repeated, repeated_effects) = again.finish();
        if repeated_effects != effects {
            outcome.failure = Some(Failure {
                oracle: Oracle::Independence,
                site: "effects".to_owned(),
                at_us: outcome.counts.virtual_us,
                step: None,
                text: "the same history, not cut into pieces, has other effects".to_owned(),
            });
        }
        outcome.trace ^= repeated.trace.rotate_left(1);
    }
    outcome
}

/// Whether cutting reads and writes is all that goes wrong, so that the history is the same without.
fn keeps_history(scenario: &Scenario) -> bool {
    let has_limit = scenario.settings.directives.iter().any(|(name, _)| name == "client-output-buffer-limit");
    let is_instant =
        scenario.settings.conditions.latency_us == 0 && scenario.settings.conditions.jitter_us == 0;
    let only_cuts = scenario.faults.keys().all(|kind| CUTS.contains(kind));
    is_instant && !has_limit && only_cuts && !sends(scenario, may_wait)
}

/// Whether what follows a request may run at another time than it arrived: then it matters in which turn it arrives.
fn may_wait(request: &Request) -> bool {
    begins_with(request, "config", "")
        || begins_with(request, "client", "pause")
        || begins_with(request, "debug", "sleep")
        || BLOCKING.iter().any(|name| begins_with(request, name, ""))
}

/// Whether any request of a scenario is such a one.
fn sends(scenario: &Scenario, is_such: impl Fn(&Request) -> bool) -> bool {
    scenario.steps.iter().any(|step| match &step.action {
        Action::Send(requests) => requests.iter().any(&is_such),
        Action::Close => false,
    })
}

/// Whether a client may do this while the server loads: nothing of it depends on how much is loaded by then.
fn may_come_early(step: &Step) -> bool {
    const LATE: [&str; 6] = ["config", "debug", "info", "save", "shutdown", "watch"];
    match &step.action {
        Action::Send(requests) => {
            !requests.iter().any(|request| LATE.iter().any(|name| begins_with(request, name, "")))
        }
        Action::Close => true,
    }
}

/// Whether a word of a command is this one, in whatever case.
fn mentions(request: &Request, name: &str) -> bool {
    matches!(request, Request::Command(words) if words.iter().any(|word| word.eq_ignore_ascii_case(name.as_bytes())))
}

/// Whether a request is this command, or may be; an empty part stands for any.
fn begins_with(request: &Request, command: &str, part: &str) -> bool {
    match request {
        Request::Command(words) => {
            let is = |index: usize, name: &str| {
                words.get(index).is_some_and(|word: &Vec<u8>| word.eq_ignore_ascii_case(name.as_bytes()))
            };
            is(0, command) && (part.is_empty() || is(1, part))
        }
        Request::Inline(_) | Request::Raw(_) => true,
        Request::Scan(_) | Request::Elements(_) => false,
    }
}

/// The outcome of a scenario whose configuration the server does not take.
fn refused(error: String) -> Outcome {
    let failure = Failure {
        oracle: Oracle::Semantics,
        site: "configuration".to_owned(),
        at_us: 0,
        step: None,
        text: error,
    };
    Outcome {
        failure: Some(failure),
        trace: 0,
        counts: Counts::default(),
        marks: [0; mark::COUNT],
        timeline: Vec::new(),
    }
}

/// A scenario being played.
struct Run<'a> {
    scenario: &'a Scenario,
    config: Config,
    world: World,
    judge: Judge<'a>,
    /// Each client's connection, if it has one.
    peers: BTreeMap<u32, Peer>,
    /// Whether the server does not start any more, for good reasons.
    has_refused: bool,
    /// Since when it starts, while it does.
    starting: Option<Monotonic>,
    /// Whether it was stopped again when it had just started.
    has_stopped_again: bool,
    /// When it last fell, if it has.
    fallen: Option<Monotonic>,
    doubts: Doubts,
    counts: Counts,
}

impl<'a> Run<'a> {
    fn new(scenario: &'a Scenario, watch: Watch) -> Result<Run<'a>, String> {
        let settings = &scenario.settings;
        let mut config = Config::default();
        for (name, words) in &settings.directives {
            let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
            config.set_from_file(name, &words).map_err(|error| format!("{name}: {error:?}"))?;
        }
        let mut host = Host::default();
        if settings.has_config_file {
            CONFIG_FILE.clone_into(&mut host.config_file);
        }
        let mut world = World::new(config.clone(), host, Delivery::Whole, scenario.seed);
        if settings.has_config_file {
            world.disk().write(CONFIG_FILE, CONFIG_TEXT);
        }
        let faults = || {
            let mut faults = Faults::new(scenario.seed);
            scenario.faults.iter().for_each(|(&kind, &rate)| faults.set_rate(kind, rate));
            faults
        };
        world.set_conditions(settings.conditions, faults());
        world.set_disk_time(settings.disk_us);
        world.disk().set_faults(faults());
        world.observe();
        if settings.saves() {
            world.keep_saves();
        }
        if let Some(bytes) = settings.silent_loading_bytes {
            world.tell_of_loading(bytes);
        }
        let now = world.clock().now();
        let mut judge = Judge::new(settings, &config, now, watch == Watch::Timeline)?;
        judge.limits_change = sends(scenario, |request| mentions(request, "client-output-buffer-limit"));
        Ok(Run {
            scenario,
            config,
            world,
            judge,
            peers: BTreeMap::new(),
            has_refused: false,
            starting: None,
            has_stopped_again: false,
            fallen: None,
            doubts: Doubts::default(),
            counts: Counts::default(),
        })
    }

    /// Takes every step, then heals the world and waits until all is quiet.
    fn play(&mut self) {
        if self.scenario.settings.has_log() {
            let now = self.world.clock().now();
            self.judge.crashed(&self.config, now);
            self.start(true);
        }
        for step in &self.scenario.steps {
            self.pass(Duration::from_micros(step.after_us));
            self.judge.step = Some(step.id);
            self.disturb(step);
            if self.is_over() {
                return;
            }
            if !may_come_early(step) {
                self.end_start();
            }
            if self.is_over() {
                return;
            }
            self.act(step);
            self.check();
            if self.is_over() {
                return;
            }
        }
        self.end_start();
        if !self.is_over() {
            self.recover();
        }
    }

    /// Whether nothing more is to be played.
    fn is_over(&self) -> bool {
        self.judge.failure.is_some() || self.has_refused
    }

    /// Lets time pass, whatever happens to the server meanwhile.
    fn pass(&mut self, time: Duration) {
        let end = self.world.clock().now().monotonic + time;
        while !self.is_over() {
            let now = self.world.clock().now().monotonic;
            self.run_for(if now < end { end - now } else { Duration::ZERO });
            if let Some(crash) = self.world.crash_due() {
                self.crash(crash);
            } else if self.starting.is_some() {
                self.watch_start();
                if self.world.clock().now().monotonic >= end {
                    return;
                }
            } else {
                return;
            }
        }
    }

    /// The same, but for how the server may end. Every snapshot is looked at when it is finished.
    fn run_for(&mut self, time: Duration) {
        let end = self.world.clock().now().monotonic + time;
        loop {
            let now = self.world.clock().now();
            self.world.run_for(end - now.monotonic, &mut self.judge);
            if !self.judge.snapshots.has_finished() {
                return;
            }
            let now = self.world.clock().now();
            let config = self.world.core().config().clone();
            let disk = self.world.disk();
            let has_rot = disk.faults().count(FaultKind::BitRot) > 0;
            self.judge.check_snapshots(disk, &config, has_rot, now);
        }
    }

    /// What goes wrong with clocks and the process around a step.
    fn disturb(&mut self, step: &Step) {
        let operation = u64::from(step.id);
        self.world.disk().set_cause(operation);
        if self.happens(FaultKind::WallJumpForward, operation) {
            self.jump(operation, 1);
        }
        if self.happens(FaultKind::WallJumpBack, operation) {
            self.jump(operation, -1);
        }
        if self.happens(FaultKind::Drift, operation) {
            let ppm = self.world.faults().draw(DRIFT, operation, 0, 2 * DRIFT_PPM_MAX + 1) as i32;
            self.world.clock().drift(ppm - DRIFT_PPM_MAX as i32);
        }
        if self.happens(FaultKind::Freeze, operation) {
            let us = self.world.faults().draw(FREEZE, operation, 0, FREEZE_US_MAX);
            self.world.freeze(Duration::from_micros(us));
        }
        if self.happens(FaultKind::CrashKill, operation) {
            self.crash(Crash::Kill);
        }
        if self.happens(FaultKind::CrashPower, operation) {
            self.crash(Crash::PowerLoss);
        }
        if self.happens(FaultKind::WriteBack, operation) {
            self.world.disk().write_back(operation);
        }
    }

    fn happens(&mut self, kind: FaultKind, operation: u64) -> bool {
        let happens = self.world.faults().happens(kind, operation, 0);
        if happens {
            let now = self.world.clock().now();
            self.judge.note(now, None, || format!("fault: {}", kind.name()));
        }
        happens
    }

    /// Moves the calendar: mostly by little, sometimes by days.
    fn jump(&mut self, operation: u64, direction: i64) {
        let bits = self.world.faults().draw(WALL_JUMP, operation, 0, u64::from(JUMP_US_MAX.ilog2()));
        let us = self.world.faults().draw(WALL_JUMP, operation, 1, 2 << bits);
        self.world.clock().jump(direction * us.min(JUMP_US_MAX) as i64);
    }

    fn crash(&mut self, crash: Crash) {
        self.fall(crash);
        if self.scenario.settings.recovers() {
            return self.start(false);
        }
        let now = self.world.clock().now();
        if let Err(error) = self.judge.restarted(&self.config, now) {
            self.judge.fail(now, Oracle::Semantics, "configuration", error);
        }
    }

    fn fall(&mut self, crash: Crash) {
        let damage = self.damage();
        self.doubts.crash(crash, self.world.disk().faults(), self.judge.has_rewritten);
        self.counts.crashes += 1;
        self.world.crash(crash, &mut self.judge);
        self.peers.clear();
        self.check_config_file();
        let now = self.world.clock().now();
        self.fallen = Some(now.monotonic);
        if self.scenario.settings.recovers() {
            self.judge.doubt(self.doubts.is_doubtful, damage, now);
            self.judge.crashed(&self.config, now);
        }
    }

    /// The server starts: for the first time, or again. Unless clients come meanwhile, waits until it has.
    fn start(&mut self, is_first: bool) {
        if self.starting.is_none() {
            self.starting = Some(self.world.clock().now().monotonic);
            // It is stopped again at most once, and not where nothing has happened yet.
            self.has_stopped_again = is_first;
        }
        if self.scenario.settings.silent_loading_bytes.is_none() {
            self.end_start();
        }
    }

    /// Waits until the server has started, however often that is cut off.
    fn end_start(&mut self) {
        while self.starting.is_some() && !self.is_over() {
            self.run_for(STARTING_STEP);
            match self.world.crash_due() {
                Some(crash) => self.fall(crash),
                None => self.watch_start(),
            }
        }
    }

    /// Looks how far the server has come, and judges with what it has started once it has.
    fn watch_start(&mut self) {
        let Some(begun) = self.starting else { return };
        let now = self.world.clock().now();
        if self.world.exit_status().is_some()
            && self.judge.disk_has_failed
            && now.monotonic - begun < INSISTING
        {
            // A disk that fails now may not do so the next time, and whoever watches the server tries again.
            self.world.freeze(INSISTING_STEP);
            self.fall(Crash::Kill);
        } else if self.world.exit_status().is_some() && self.judge.disk_has_failed {
            // It fails on and on: there is nothing to be judged.
            self.has_refused = true;
        } else if self.world.exit_status().is_some() {
            let damage = self.damage();
            self.judge.refused_to_start(damage, now);
            self.has_refused = true;
        } else if self.judge.has_started() {
            let damage = self.damage();
            self.judge.recovered(self.world.core(), &self.config, damage, now);
            self.doubts.is_judged = false;
            self.judge.trust(self.doubts.is_doubtful);
            self.starting = None;
            let may_stop = !std::mem::replace(&mut self.has_stopped_again, true);
            let operation = self.counts.crashes;
            if may_stop && !self.is_over() && self.happens(FaultKind::CrashAgain, operation) {
                // What it has just started with is there the next time, too.
                self.fall(Crash::PowerLoss);
                self.starting = Some(now.monotonic);
                if self.scenario.settings.silent_loading_bytes.is_none() {
                    self.end_start();
                }
            }
        } else if now.monotonic - begun.max(self.fallen.unwrap_or(begun)) > STARTING {
            let text = format!("the server has not started after {STARTING:?}");
            self.judge.fail(now, Oracle::Liveness, "start", text);
        }
    }

    /// What has gone wrong with the disk until now.
    fn damage(&mut self) -> Damage {
        let disk = self.world.disk().faults().clone();
        let has = |kinds: &[FaultKind]| kinds.iter().any(|&kind| disk.count(kind) > 0);
        let has_frozen = self.world.faults().count(FaultKind::Freeze) > 0;
        Damage {
            is_lossy: has(&LOSSES),
            is_late: has_frozen || has(&DELAYS),
            is_doubtful: self.doubts.is_judged,
        }
    }

    /// Whatever happened to it, the configuration file is whole: as it was, or as one of the rewrites made it.
    fn check_config_file(&mut self) {
        let has_rot = self.world.disk().faults().count(FaultKind::BitRot) > 0;
        if !self.scenario.settings.has_config_file || has_rot {
            return;
        }
        let text = self.world.disk().read(CONFIG_FILE).unwrap_or_default().to_vec();
        if !text.starts_with(CONFIG_TEXT) || !text.ends_with(b"\n") || text.contains(&0) {
            let now = self.world.clock().now();
            let text =
                format!("after a crash the configuration file is {:?}", text.escape_ascii().to_string());
            self.judge.fail(now, Oracle::Durability, "configuration file", text);
        }
    }

    /// A client does its step.
    fn act(&mut self, step: &Step) {
        let connected = self.peers.get(&step.client).copied().filter(|&peer| self.world.is_open(peer));
        match &step.action {
            Action::Close => {
                if let Some(peer) = connected {
                    self.world.hang_up(peer);
                }
            }
            Action::Send(requests) => {
                let peer = connected.unwrap_or_else(|| self.connect(step));
                let mut bytes = Vec::new();
                for request in requests {
                    request.encode(self.judge.cursor(peer, request), &mut bytes);
                }
                self.world.post_as(peer, &bytes, u64::from(step.id), &mut self.judge);
            }
        }
    }

    fn connect(&mut self, step: &Step) -> Peer {
        let now = self.world.clock().now();
        let peer = self.world.next_peer();
        self.judge.introduce(peer, step.client, now);
        let dialled = self.world.dial(u64::from(step.id), &mut self.judge);
        debug_assert_eq!(peer, dialled);
        self.peers.insert(step.client, peer);
        peer
    }

    /// What must hold between steps.
    fn check(&mut self) {
        let now = self.world.clock().now();
        let connections: Vec<_> = self.world.connections().collect();
        for (peer, conn) in connections {
            self.judge.check_output(now, peer, conn, self.world.core());
        }
    }

    /// Nothing goes wrong any more: everything is answered before long, and the data are those of the log.
    fn recover(&mut self) {
        self.world.heal();
        // Hundreds of rewrites of the configuration may be waiting for each other.
        self.world.set_disk_time(self.scenario.settings.disk_us.min(HEALED_DISK_US_MAX));
        let healed_at = self.world.clock().now().monotonic;
        loop {
            self.run_for(HEALING_STEP);
            let now = self.world.clock().now();
            if self.judge.failure.is_some() || self.judge.is_quiet(now) {
                break;
            }
            if now.monotonic - healed_at > HEALING && self.judge.is_held_up(now) {
                return;
            }
            if now.monotonic - healed_at > HEALING {
                let peer = self.judge.unanswered(now);
                self.judge.note(now, peer, || "is never answered".to_owned());
                let text = format!("{peer:?} is never answered");
                self.judge.fail(now, Oracle::Liveness, "unanswered", text);
                break;
            }
        }
        self.check_writing();
        self.check_expiry();
        let now = self.world.clock().now();
        self.judge.compare_digests(self.world.core(), now);
    }

    /// A server whose disk works again takes writes again, before long.
    fn check_writing(&mut self) {
        if self.judge.failure.is_some() || !self.scenario.settings.recovers() {
            return;
        }
        self.run_for(MENDING);
        self.judge.must_write = true;
        let temporary = self.world.disk().names().find(|name| name.contains("/temp")).map(str::to_owned);
        // What a rewrite leaves that has failed is removed by the next one, or when a log is loaded.
        let is_over = self.scenario.settings.has_log() && !self.judge.disk_has_failed;
        if let Some(name) = temporary.filter(|_| is_over) {
            let now = self.world.clock().now();
            self.judge.fail(now, Oracle::Liveness, "temporary files", format!("{name} is still there"));
        }
        let request = |name: &str| Request::Command(vec![name.as_bytes().to_vec()]);
        // After a save that has failed, a server waits for one that does not, and begins none until there are enough changes.
        let save = self.scenario.settings.saves().then(|| request("SAVE"));
        let requests = save.into_iter().chain([request("PING")]).collect();
        let action = Action::Send(requests);
        self.act(&Step { id: u32::MAX, after_us: 0, client: u32::MAX, action });
        self.run_for(HEALING_STEP);
    }

    /// Keys whose time is over do not stay, even if nobody looks for them.
    fn check_expiry(&mut self) {
        if self.judge.failure.is_some()
            || sends(self.scenario, |request| begins_with(request, "debug", "set-active-expire"))
        {
            return;
        }
        self.run_for(EXPIRY_GRACE);
        let now = self.world.clock().now();
        self.judge.check_expired(now, EXPIRY_GRACE);
    }

    fn finish(mut self) -> (Outcome, u64) {
        self.counts.commands = self.judge.commands;
        self.counts.connections = self.judge.connections;
        self.counts.turns = self.world.turns();
        self.counts.virtual_us = self.world.clock().now().monotonic.since_us(MONOTONIC_START);
        for &kind in FaultKind::ALL {
            let count = self.world.faults().count(kind) + self.world.disk().faults().count(kind);
            if count > 0 {
                self.counts.faults.insert(kind, count);
            }
        }
        let effects = self.judge.effects.value();
        let outcome = Outcome {
            failure: self.judge.failure.take(),
            trace: self.world.trace(),
            counts: self.counts,
            marks: [0; mark::COUNT],
            timeline: self.judge.timeline.take().unwrap_or_default(),
        };
        (outcome, effects)
    }
}

/// Whether what a server has started with may be in the system's memory alone, although a sync has succeeded since:
/// one before has failed, and that it did was forgotten with the process.
#[derive(Debug, Default)]
struct Doubts {
    /// Syncs that had failed when the power failed last.
    failed_before: u64,
    is_doubtful: bool,
    /// The same of what the last power loss took away, or what the system dropped from memory, until what is left is judged.
    is_judged: bool,
}

impl Doubts {
    fn crash(&mut self, crash: Crash, faults: &Faults, has_rewritten: bool) {
        let kinds = [FaultKind::SyncError, FaultKind::EnospcSync, FaultKind::LateSyncError];
        let failed = kinds.iter().map(|&kind| faults.count(kind)).sum();
        self.is_doubtful &= !has_rewritten;
        match crash {
            Crash::Kill => {
                self.is_doubtful |= failed > self.failed_before;
                self.is_judged |= self.is_doubtful && faults.count(FaultKind::Evict) > 0;
            }
            Crash::PowerLoss => {
                self.is_judged |= self.is_doubtful;
                (self.is_doubtful, self.failed_before) = (false, failed);
            }
        }
    }
}

#[cfg(test)]
mod tests;

/// Where and why the server panicked.
struct Panic {
    place: String,
    text: String,
}

thread_local! {
    /// What the panic hook has heard on a thread that plays a scenario; `None` where nobody does.
    static HEARD: RefCell<Option<Panic>> = const { RefCell::new(None) };
    static PLAYS: RefCell<bool> = const { RefCell::new(false) };
}

/// Runs something that may panic, without a word on standard error.
fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !PLAYS.with_borrow(|plays| *plays) {
                return usual(info);
            }
            let place = info
                .location()
                .map_or_else(String::new, |place| format!("{}:{}", place.file(), place.line()));
            let payload = info.payload();
            let text = payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "a panic without words".to_owned());
            HEARD.with_borrow_mut(|heard| *heard = Some(Panic { place, text }));
        }));
    });
    PLAYS.with_borrow_mut(|plays| *plays = true);
    let outcome = panic::catch_unwind(AssertUnwindSafe(run));
    PLAYS.with_borrow_mut(|plays| *plays = false);
    outcome.map_err(|_| {
        let heard = HEARD.with_borrow_mut(Option::take);
        heard.unwrap_or_else(|| Panic { place: "unknown".to_owned(), text: "a panic".to_owned() })
    })
}
