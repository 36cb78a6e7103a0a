//! The shrinker: makes of a scenario that fails a small one that fails in the same way.
//!
//! It tries one simplification after the other, keeps those under which the same oracle is broken at the same site, and
//! starts over until nothing helps any more: what comes before the failure, faults, clients, steps, requests, gaps,
//! settings, words. Lists are made shorter by leaving out ever smaller pieces of them, as in Zeller and Hildebrandt's
//! *Simplifying and Isolating Failure-Inducing Input* (2002).
//!
//! Two things keep what is left of a scenario as it was: faults are decided by the numbers of steps, which never change,
//! and a step that is left out leaves its time to the next one.

use crate::simulation::text::Broken;
use crate::simulation::{Action, Failure, Scenario, Settings, Step};
use crate::workload::Request;
use rotom_io_sim::FaultKind;
use std::collections::BTreeSet;
use std::ops::Range;

/// Bytes that are not words are left out in so many pieces a round.
const PIECES_MAX: usize = 32;

/// Requests whose words are looked at one by one. With more of them left, the other passes have not done their work.
const REQUESTS_EXAMINED_MAX: usize = 200;

/// What a number is replaced with, if it is simpler.
const SIMPLE_NUMBERS: [&str; 6] = ["0", "1", "2", "10", "100", "1000"];

/// What became of a scenario.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest one that was found.
    pub scenario: Scenario,
    /// How it fails.
    pub failure: Failure,
    /// How many scenarios were run.
    pub runs: u32,
    /// Whether it was the budget that ended the search.
    pub is_cut_short: bool,
}

/// How far shrinking has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being simplified.
    pub pass: &'static str,
    /// How many scenarios were run.
    pub runs: u32,
    /// How many steps are left.
    pub steps: usize,
    /// How many requests are left.
    pub requests: usize,
}

/// Makes a failing scenario small. `run` plays one and says how it fails; at most `runs_max` are played. `progress` hears
/// of every simplification.
pub fn shrink(
    scenario: &Scenario,
    failure: &Failure,
    mut run: impl FnMut(&Scenario) -> Option<Failure>,
    runs_max: u32,
    mut progress: impl FnMut(Progress),
) -> Shrunk {
    let mut shrinker = Shrinker {
        best: scenario.clone(),
        failure: failure.clone(),
        broken: Broken::of(failure),
        run: &mut run,
        runs: 0,
        runs_max,
        pass: "",
        progress: &mut progress,
    };
    loop {
        let before = shrinker.best.clone();
        for &(name, pass) in PASSES {
            shrinker.pass = name;
            pass(&mut shrinker);
        }
        if shrinker.best == before || shrinker.is_exhausted() {
            break;
        }
    }
    Shrunk {
        is_cut_short: shrinker.is_exhausted(),
        scenario: shrinker.best,
        failure: shrinker.failure,
        runs: shrinker.runs,
    }
}

/// How many requests a scenario has.
#[must_use]
pub fn requests(scenario: &Scenario) -> usize {
    scenario.steps.iter().map(|step| sent(step).len()).sum()
}

type Pass = fn(&mut Shrinker<'_>);

/// What is simplified, in order: first what makes the most of the rest vanish.
const PASSES: &[(&str, Pass)] = &[
    ("end", |shrinker| shrinker.cut_after_failure()),
    ("faults", |shrinker| shrinker.drop_faults()),
    ("clients", |shrinker| shrinker.drop_clients()),
    ("steps", |shrinker| shrinker.drop_steps()),
    ("requests", |shrinker| shrinker.drop_requests()),
    ("settings", |shrinker| shrinker.reset_settings()),
    ("gaps", |shrinker| shrinker.close_gaps()),
    ("names of clients", |shrinker| shrinker.unite_clients()),
    ("words", |shrinker| shrinker.drop_words()),
    ("values", |shrinker| shrinker.simplify_values()),
];

struct Shrinker<'a> {
    best: Scenario,
    /// How `best` fails.
    failure: Failure,
    broken: Broken,
    run: &'a mut dyn FnMut(&Scenario) -> Option<Failure>,
    runs: u32,
    runs_max: u32,
    pass: &'static str,
    progress: &'a mut dyn FnMut(Progress),
}

impl Shrinker<'_> {
    fn is_exhausted(&self) -> bool {
        self.runs >= self.runs_max
    }

    /// Takes a candidate if it fails in the same way.
    fn attempt(&mut self, candidate: Scenario) -> bool {
        if self.is_exhausted() || candidate == self.best {
            return false;
        }
        self.runs += 1;
        let Some(failure) = (self.run)(&candidate) else { return false };
        if Broken::of(&failure) != self.broken {
            return false;
        }
        self.best = candidate;
        self.failure = failure;
        (self.progress)(Progress {
            pass: self.pass,
            runs: self.runs,
            steps: self.best.steps.len(),
            requests: requests(&self.best),
        });
        true
    }

    /// Leaves out as many units as possible; `keep` makes a scenario of the present one and the units that stay.
    fn reduce<T: Clone>(&mut self, units: Vec<T>, keep: impl Fn(&Scenario, &[T]) -> Scenario) {
        let base = self.best.clone();
        let mut kept = units;
        let mut chunk_len = kept.len();
        while chunk_len > 0 {
            let mut start = 0;
            while start < kept.len() && !self.is_exhausted() {
                let end = kept.len().min(start + chunk_len);
                let fewer = [&kept[..start], &kept[end..]].concat();
                if self.attempt(keep(&base, &fewer)) {
                    kept = fewer;
                } else {
                    start = end;
                }
            }
            chunk_len /= 2;
        }
    }

    /// Nothing behind the step that fails is needed.
    fn cut_after_failure(&mut self) {
        let last = self.failure.step;
        if let Some(place) = self.best.steps.iter().position(|step| Some(step.id) == last) {
            let mut shorter = self.best.clone();
            shorter.steps.truncate(place + 1);
            self.attempt(shorter);
        }
    }

    fn drop_faults(&mut self) {
        let mut without_crashes = self.best.clone();
        for kind in [FaultKind::CrashPower, FaultKind::CrashKill] {
            without_crashes.faults.remove(&kind);
        }
        self.attempt(without_crashes);
        let faults: Vec<_> = self.best.faults.clone().into_iter().collect();
        self.reduce(faults, |base, kept| Scenario { faults: kept.iter().copied().collect(), ..base.clone() });
    }

    fn drop_clients(&mut self) {
        self.reduce(clients(&self.best), |base, kept| {
            with_steps(base, |step| kept.contains(&step.client).then(|| step.clone()))
        });
    }

    fn drop_steps(&mut self) {
        let ids: Vec<u32> = self.best.steps.iter().map(|step| step.id).collect();
        self.reduce(ids, |base, kept| {
            let kept: BTreeSet<u32> = kept.iter().copied().collect();
            with_steps(base, |step| kept.contains(&step.id).then(|| step.clone()))
        });
    }

    fn drop_requests(&mut self) {
        self.reduce(places(&self.best), |base, kept| {
            let kept: BTreeSet<Place> = kept.iter().copied().collect();
            with_steps(base, |step| {
                let Action::Send(requests) = &step.action else { return Some(step.clone()) };
                let requests: Vec<Request> = requests
                    .iter()
                    .enumerate()
                    .filter(|&(index, _)| kept.contains(&Place { step: step.id, index }))
                    .map(|(_, request)| request.clone())
                    .collect();
                (!requests.is_empty()).then(|| Step { action: Action::Send(requests), ..step.clone() })
            })
        });
    }

    /// Whole reads and writes, no latency and the server's own defaults are all settings that are not there.
    fn reset_settings(&mut self) {
        let items = self.best.settings.items();
        self.reduce(items, |base, kept| {
            let mut settings = Settings::default();
            // What a scenario says of its settings it also takes; if not, the candidate is not another one.
            let taken = kept.iter().try_for_each(|(name, value)| settings.set(name, value));
            if taken.is_ok() { Scenario { settings, ..base.clone() } } else { base.clone() }
        });
    }

    /// No time between steps; where some is needed, a round one.
    fn close_gaps(&mut self) {
        let gaps = self.best.steps.iter().filter(|step| step.after_us > 0).map(|step| step.id).collect();
        self.reduce(gaps, |base, kept| {
            let mut closed = base.clone();
            for step in closed.steps.iter_mut().filter(|step| !kept.contains(&step.id)) {
                step.after_us = 0;
            }
            closed
        });
        for index in 0..self.best.steps.len() {
            let gap_us = self.best.steps[index].after_us;
            let rounds = (0..20).map(|power| 10_u64.pow(power)).take_while(|&round| round < gap_us);
            for after_us in rounds {
                let mut candidate = self.best.clone();
                candidate.steps[index].after_us = after_us;
                if self.attempt(candidate) {
                    break;
                }
            }
        }
    }

    /// One client does what several did; those that stay are counted from 0.
    fn unite_clients(&mut self) {
        for client in clients(&self.best).into_iter().skip(1) {
            let first = self.best.steps[0].client;
            let united = with_clients(&self.best, |other| if other == client { first } else { other });
            self.attempt(united);
        }
        let names = clients(&self.best);
        let counted = with_clients(&self.best, |client| {
            names.iter().position(|&name| name == client).unwrap_or_default() as u32
        });
        self.attempt(counted);
    }

    /// Fewer words in each command, fewer bytes in what is none.
    fn drop_words(&mut self) {
        for place in places(&self.best).into_iter().take(REQUESTS_EXAMINED_MAX) {
            match request_at(&self.best, place) {
                Some(Request::Command(words)) => {
                    self.reduce((1..words.len()).collect(), |base, kept| {
                        let name = words.first().cloned();
                        let kept = kept.iter().map(|&index| words[index].clone());
                        with_request(base, place, &Request::Command(name.into_iter().chain(kept).collect()))
                    });
                }
                Some(Request::Scan(options)) => {
                    self.reduce((0..options.len()).collect(), |base, kept| {
                        let kept = kept.iter().map(|&index| options[index].clone());
                        with_request(base, place, &Request::Scan(kept.collect()))
                    });
                }
                Some(Request::Elements(words)) => {
                    self.reduce((2..words.len()).collect(), |base, kept| {
                        let kept = kept.iter().map(|&index| words[index].clone());
                        let words = words[..2].iter().cloned().chain(kept).collect();
                        with_request(base, place, &Request::Elements(words))
                    });
                }
                Some(Request::Inline(line)) => self.drop_bytes(place, &line, Request::Inline),
                Some(Request::Raw(bytes)) => self.drop_bytes(place, &bytes, Request::Raw),
                None => {}
            }
        }
    }

    fn drop_bytes(&mut self, place: Place, bytes: &[u8], form: fn(Vec<u8>) -> Request) {
        let piece_len = bytes.len().div_ceil(PIECES_MAX).max(1);
        let pieces: Vec<Range<usize>> = (0..bytes.len())
            .step_by(piece_len)
            .map(|start| start..bytes.len().min(start + piece_len))
            .collect();
        self.reduce(pieces, |base, kept| {
            let kept: Vec<u8> = kept.iter().flat_map(|piece| bytes[piece.clone()].iter().copied()).collect();
            with_request(base, place, &form(kept))
        });
    }

    /// Simpler words, each replaced everywhere at once, so that keys that were the same stay the same.
    fn simplify_values(&mut self) {
        if requests(&self.best) > REQUESTS_EXAMINED_MAX {
            return;
        }
        let mut values: Vec<Vec<u8>> = words(&self.best).into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        for value in values {
            let used = words(&self.best);
            if !used.contains(&value) {
                continue;
            }
            let mut value = value;
            for simpler in simpler(&value, &used) {
                if self.attempt(with_word(&self.best, &value, &simpler)) {
                    value = simpler;
                    break;
                }
            }
            self.shorten(value);
        }
    }

    /// Halves the distance to the length at which a word begins to matter.
    fn shorten(&mut self, mut value: Vec<u8>) {
        let mut too_short = 0;
        while value.len() > too_short + 1 {
            let len = usize::midpoint(too_short, value.len());
            let shorter = value[..len].to_vec();
            if self.attempt(with_word(&self.best, &value, &shorter)) {
                value = shorter;
            } else {
                too_short = len;
            }
        }
    }
}

/// One request: its step, and its place in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    step: u32,
    index: usize,
}

fn sent(step: &Step) -> &[Request] {
    match &step.action {
        Action::Send(requests) => requests,
        Action::Close => &[],
    }
}

fn places(scenario: &Scenario) -> Vec<Place> {
    let of_step = |step: &Step| {
        let id = step.id;
        (0..sent(step).len()).map(move |index| Place { step: id, index })
    };
    scenario.steps.iter().flat_map(of_step).collect()
}

fn request_at(scenario: &Scenario, place: Place) -> Option<Request> {
    let step = scenario.steps.iter().find(|step| step.id == place.step)?;
    sent(step).get(place.index).cloned()
}

fn with_request(base: &Scenario, place: Place, request: &Request) -> Scenario {
    let mut scenario = base.clone();
    for step in scenario.steps.iter_mut().filter(|step| step.id == place.step) {
        if let Action::Send(requests) = &mut step.action {
            requests[place.index] = request.clone();
        }
    }
    scenario
}

/// The clients, in the order in which they appear.
fn clients(scenario: &Scenario) -> Vec<u32> {
    let mut clients = Vec::new();
    for step in &scenario.steps {
        if !clients.contains(&step.client) {
            clients.push(step.client);
        }
    }
    clients
}

fn with_clients(base: &Scenario, rename: impl Fn(u32) -> u32) -> Scenario {
    let mut scenario = base.clone();
    for step in &mut scenario.steps {
        step.client = rename(step.client);
    }
    scenario
}

/// The scenario with other steps. Those that stay happen when they did.
fn with_steps(base: &Scenario, change: impl Fn(&Step) -> Option<Step>) -> Scenario {
    let mut left_us = 0_u64;
    let mut steps = Vec::new();
    for step in &base.steps {
        let after_us = step.after_us.saturating_add(left_us);
        match change(step) {
            Some(step) => {
                steps.push(Step { after_us, ..step });
                left_us = 0;
            }
            None => left_us = after_us,
        }
    }
    Scenario {
        profile: base.profile.clone(),
        seed: base.seed,
        settings: base.settings.clone(),
        faults: base.faults.clone(),
        steps,
    }
}

/// The arguments of commands.
fn words(scenario: &Scenario) -> BTreeSet<Vec<u8>> {
    let requests = scenario.steps.iter().flat_map(sent);
    let arguments = requests.filter_map(|request| match request {
        Request::Command(words) | Request::Elements(words) => words.get(1..),
        Request::Scan(options) => options.get(..),
        Request::Inline(_) | Request::Raw(_) => None,
    });
    arguments.flatten().cloned().collect()
}

fn with_word(base: &Scenario, from: &[u8], to: &[u8]) -> Scenario {
    let mut scenario = base.clone();
    for step in &mut scenario.steps {
        let Action::Send(requests) = &mut step.action else { continue };
        for request in requests {
            let arguments = match request {
                Request::Command(words) | Request::Elements(words) => words.get_mut(1..).unwrap_or_default(),
                Request::Scan(options) => options,
                Request::Inline(_) | Request::Raw(_) => continue,
            };
            for word in arguments.iter_mut().filter(|word| *word == from) {
                *word = to.to_vec();
            }
        }
    }
    scenario
}

/// What may stand for a word, the simplest first. Everything is [simpler](is_simpler) than the word, so that this ends.
fn simpler(word: &[u8], used: &BTreeSet<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut candidates: Vec<Vec<u8>> = Vec::new();
    if word.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.')) {
        candidates.extend(SIMPLE_NUMBERS.iter().map(|number| number.as_bytes().to_vec()));
    }
    // A letter of its own, so that what was different stays different.
    candidates.extend((b'a'..=b'z').map(|letter| vec![letter]).find(|letter| !used.contains(letter)));
    candidates.push(vec![b'x'; word.len()]);
    // A word of no letters is shorter, but a special case of its own.
    candidates.retain(|candidate| !candidate.is_empty() && is_simpler(candidate, word));
    candidates
}

fn is_simpler(one: &[u8], other: &[u8]) -> bool {
    let is_filler = |word: &[u8]| word.iter().all(|&byte| byte == b'x');
    let rank = |word: &[u8]| (word.len(), word.len() > 1 && !is_filler(word));
    match rank(one).cmp(&rank(other)) {
        std::cmp::Ordering::Equal => one < other,
        order => order.is_lt(),
    }
}
