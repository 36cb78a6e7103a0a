//! `rotom-sim loop`: plays one seed after the other for as long as it may, shrinks what fails, and keeps it.
//!
//! Threads take seeds from one counter and tell the main thread what came of them; a run knows nothing of the thread
//! it is on. The first thread to meet a failure shrinks it, while the others go on.

use super::Verdict;
use super::choice::{Shape, corpus, parse_duration, parse_seed, shell_word, write};
use super::report::{
    COMMAND, Report, counts_json, counts_text, failure_json, failure_text, faults, thousands,
};
use super::shrink::file_of;
use crate::shrink::{requests, shrink};
use crate::simulation::text::Broken;
use crate::simulation::{Class, Counts, Failure, Scenario, Watch, run};
use clap::{ArgGroup, Args};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

/// What `loop` is told.
#[derive(Args, Clone, Debug)]
#[command(group = ArgGroup::new("until").args(["budget", "seeds"]).required(true).multiple(true))]
pub struct Options {
    /// Play for so long, as in `10m`.
    #[arg(long, value_parser = parse_duration)]
    pub budget: Option<Duration>,
    /// Play so many seeds.
    #[arg(long)]
    pub seeds: Option<u64>,
    /// The first seed, in decimal or as a commit's name after `0x`.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub from: u64,
    /// How many seeds are played at the same time; as many as there are processors if it is not said.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// How they are drawn.
    #[command(flatten)]
    pub shape: Shape,
    /// Where failing scenarios are kept; corpus/seeds if it is not said.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Stop after so many different failures.
    #[arg(long, default_value_t = 1)]
    pub failures: usize,
    /// The most scenarios that are played for shrinking one failure.
    #[arg(long, default_value_t = 1_500)]
    pub shrink_runs: u32,
}

/// How often a terminal is told how far it is.
const PROGRESS_TERMINAL: Duration = Duration::from_secs(1);

/// How often anything else is told.
const PROGRESS_LOG: Duration = Duration::from_secs(15);

/// A failure that was found and shrunk.
struct Found {
    scenario: Scenario,
    failure: Failure,
    requests: usize,
    file: Result<PathBuf, String>,
}

/// What a thread tells.
enum Message {
    Played {
        counts: Counts,
        has_failed: bool,
    },
    /// A failure like none before: it will be shrunk now.
    Failed {
        seed: u64,
        failure: Failure,
    },
    Kept(Box<Found>),
}

/// What threads share.
struct Shared<'a> {
    options: &'a Options,
    keep: PathBuf,
    next: AtomicU64,
    is_over: AtomicBool,
    /// Failures somebody has taken on.
    known: Mutex<BTreeSet<Broken>>,
}

/// Plays one seed after the other; the verdict is that of the failure with the smallest seed.
///
/// # Errors
/// There is no such setting; what fails cannot be kept.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    // What is wrong with the command line is said before threads are started.
    options.shape.scenario(options.from)?;
    let keep = options.keep.clone().unwrap_or_else(corpus);
    std::fs::create_dir_all(&keep).map_err(|error| format!("{}: {error}", keep.display()))?;
    let jobs =
        options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into)).max(1);
    let shared = Shared {
        options,
        keep,
        next: AtomicU64::new(0),
        is_over: AtomicBool::new(false),
        known: Mutex::default(),
    };
    let mut totals = Totals::new(jobs);
    std::thread::scope(|scope| {
        let (sender, receiver) = channel();
        for _ in 0..jobs {
            let (sender, shared) = (sender.clone(), &shared);
            scope.spawn(move || work(shared, &sender));
        }
        drop(sender);
        totals.listen(&receiver, &shared);
    });
    totals.tell(options, report)
}

/// What a thread does.
fn work(shared: &Shared<'_>, sender: &Sender<Message>) {
    let options = shared.options;
    while !shared.is_over.load(Ordering::Relaxed) {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        if options.seeds.is_some_and(|seeds| index >= seeds) {
            return;
        }
        let seed = options.from.wrapping_add(index);
        let Ok(scenario) = options.shape.scenario(seed) else { return };
        let outcome = run(&scenario, Watch::Nothing);
        let has_failed = outcome.failure.is_some();
        // The main thread listens for as long as anybody speaks.
        let _ = sender.send(Message::Played { counts: outcome.counts, has_failed });
        if let Some(failure) = outcome.failure
            && is_new(shared, &failure)
        {
            let _ = sender.send(Message::Failed { seed, failure: failure.clone() });
            let _ = sender.send(Message::Kept(Box::new(keep(shared, scenario, &failure))));
        }
    }
}

/// Whether nobody has met this failure yet; from now on somebody has.
fn is_new(shared: &Shared<'_>, failure: &Failure) -> bool {
    let mut known = shared.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let is_new = known.len() < shared.options.failures && known.insert(Broken::of(failure));
    if known.len() >= shared.options.failures {
        shared.is_over.store(true, Ordering::Relaxed);
    }
    is_new
}

/// Shrinks a failure and writes it down.
fn keep(shared: &Shared<'_>, scenario: Scenario, failure: &Failure) -> Found {
    let play = |candidate: &Scenario| run(candidate, Watch::Nothing).failure;
    let shrunk = shrink(&scenario, failure, play, shared.options.shrink_runs, |_| {});
    let path = shared.keep.join(file_name(&scenario, failure));
    let written = write(&path, &file_of(&scenario, &shrunk).to_string());
    Found {
        scenario,
        requests: requests(&shrunk.scenario),
        file: written.map(|()| path),
        failure: shrunk.failure,
    }
}

/// A name that says what is inside: `o1-semantics-getex-reply-42.sim`.
fn file_name(scenario: &Scenario, failure: &Failure) -> String {
    let what = format!("{}-{}-{}", failure.oracle.name(), failure.site, scenario.seed).to_lowercase();
    let words = what.split(|char: char| !char.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    format!("{}.sim", words.collect::<Vec<_>>().join("-"))
}

/// What came of all seeds so far.
struct Totals {
    jobs: usize,
    start: Instant,
    told: Instant,
    seeds: u64,
    failed: u64,
    counts: Counts,
    found: Vec<Found>,
}

impl Totals {
    fn new(jobs: usize) -> Totals {
        let start = Instant::now();
        Totals { jobs, start, told: start, seeds: 0, failed: 0, counts: Counts::default(), found: Vec::new() }
    }

    /// Hears what threads tell, until the last one is done.
    fn listen(&mut self, receiver: &Receiver<Message>, shared: &Shared<'_>) {
        let interval = if std::io::stderr().is_terminal() { PROGRESS_TERMINAL } else { PROGRESS_LOG };
        loop {
            match receiver.recv_timeout(PROGRESS_TERMINAL) {
                Ok(Message::Played { counts, has_failed }) => {
                    self.seeds += 1;
                    self.failed += u64::from(has_failed);
                    self.counts += &counts;
                }
                Ok(Message::Failed { seed, failure }) => {
                    eprintln!(
                        "\nseed {seed}: {} broken at \"{}\"; shrinking it",
                        failure.oracle.name(),
                        failure.site
                    );
                }
                Ok(Message::Kept(found)) => self.found.push(*found),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if shared.options.budget.is_some_and(|budget| self.start.elapsed() >= budget) {
                shared.is_over.store(true, Ordering::Relaxed);
            }
            if self.told.elapsed() >= interval {
                self.told = Instant::now();
                self.progress();
            }
        }
    }

    fn progress(&self) {
        let line = self.summary();
        if std::io::stderr().is_terminal() {
            // Over the line before, and over what was longer in it.
            eprint!("\r{line}\x1b[K");
        } else {
            eprintln!("{line}");
        }
    }

    fn summary(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(0.001);
        let per_second = |count: u64| thousands((count as f64 / seconds) as u64);
        format!(
            "{} seeds ({}/s), {} commands ({}/s), {} faults ({}/s), {} crashes, {} failed",
            thousands(self.seeds),
            per_second(self.seeds),
            thousands(self.counts.commands),
            per_second(self.counts.commands),
            thousands(faults(&self.counts)),
            per_second(faults(&self.counts)),
            thousands(self.counts.crashes),
            self.failed,
        )
    }

    /// The last word.
    fn tell(mut self, options: &Options, report: &mut Report) -> Result<Verdict, String> {
        if std::io::stderr().is_terminal() {
            eprintln!();
        }
        self.found.sort_by_key(|found| found.scenario.seed.wrapping_sub(options.from));
        let elapsed_s = self.start.elapsed().as_secs_f64();
        report.say(&format!(
            "profile {}, from seed {}, {} at a time, {elapsed_s:.1} s: {}\n{}",
            options.shape.profile.name,
            options.from,
            self.jobs,
            self.summary(),
            counts_text(&self.counts),
        ));
        let failures: Vec<Value> =
            self.found.iter().map(|found| tell_found(found, options, report)).collect();
        report.put("profile", options.shape.profile.name);
        report.put("from", options.from);
        report.put("jobs", self.jobs);
        report.put("elapsed_s", elapsed_s);
        report.put("seeds", self.seeds);
        report.put("seeds_failed", self.failed);
        report.put("commands_per_s", (self.counts.commands as f64 / elapsed_s.max(0.001)) as u64);
        report.put("counts", counts_json(&self.counts));
        report.put("failures", failures);
        if let Some(error) = self.found.iter().find_map(|found| found.file.as_ref().err()) {
            eprintln!("rotom-sim: {error}");
        }
        let first: Option<Class> = self.found.first().map(|found| found.failure.oracle.class());
        Ok(first.map_or(Verdict::Fine, Verdict::Broken))
    }
}

fn tell_found(found: &Found, options: &Options, report: &Report) -> Value {
    let seed = found.scenario.seed;
    let by_seed = format!("run --seed {seed} {}", options.shape.arguments());
    let again = match &found.file {
        Ok(path) => format!("replay {}", shell_word(&shown(path))),
        Err(_) => by_seed.clone(),
    };
    let of = format!("seed {seed}, shrunk to {} requests", found.requests);
    report.say(&format!("\n{}\nwhole: {COMMAND} {by_seed}", failure_text(&found.failure, &of, &again)));
    let mut value = failure_json(&found.failure, &again);
    value["seed"] = json!(seed);
    value["requests"] = json!(found.requests);
    value["file"] = json!(found.file.as_ref().ok().map(|path| shown(path)));
    value
}

/// A path as short as it can be from here.
fn shown(path: &Path) -> String {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(&path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::{Oracle, Profile, draw};

    #[test]
    fn files_are_named_after_what_they_break() {
        let failure = Failure {
            oracle: Oracle::Assertion,
            site: "core/src/turn.rs:12".to_owned(),
            at_us: 0,
            step: None,
            text: String::new(),
        };
        let scenario = draw(Profile::find("calm").unwrap(), 42);
        assert_eq!(file_name(&scenario, &failure), "assertion-core-src-turn-rs-12-42.sim");
    }
}
