//! A directory, and the servers that live and die on it.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use super::data::{Keys, SHARED, Value, agrees, difference, read_all};
use super::writer::{Kill, Run, Story, Writer};
use crate::support::client::{Client, Reply};
use crate::support::directory::TempDirectory;
use crate::support::random::Random;
use crate::support::server::{Invocation, Server, info_field};
use crate::support::{server_binary, wait_for};

/// How many clients write.
const CLIENTS: usize = 4;

/// Units of all clients until the kill, at most.
const UNITS_MAX: u64 = 4000;

/// Units between two looks at the server, at least.
const UNITS_PER_LOOK: u64 = 16;

/// How long a look waits for clients to go on. It only keeps the machine from being busy with looking.
const LOOK_PATIENCE: Duration = Duration::from_millis(20);

/// How often a server that is to be killed while it starts is knocked at before, at most.
const ATTEMPTS_MAX: u64 = 1500;

/// What happened, over all lives.
#[derive(Debug, Default)]
pub struct Tally {
    kills: usize,
    sent: usize,
    answered: usize,
    owed: usize,
    kept: usize,
}

/// When the log is synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Before anybody is answered.
    Always,
    /// Once in a second.
    EverySecond,
    /// When the system likes to.
    No,
}

impl Policy {
    fn name(self) -> &'static str {
        match self {
            Policy::Always => "always",
            Policy::EverySecond => "everysec",
            Policy::No => "no",
        }
    }
}

/// A directory and what is to be found in it.
#[derive(Debug)]
pub struct Life {
    policy: Policy,
    random: Random,
    /// What the failure of this life is called.
    name: String,
    /// Directives for all its servers.
    directives: Vec<String>,
    /// What each client has, and how many units it has sent in earlier runs.
    clients: Vec<Keys>,
    numbers: Vec<u64>,
    begun_unix_ms: u64,
}

impl Life {
    /// A life that begins with nothing.
    pub fn new(seed: u64, number: u64, policy: Policy) -> Life {
        let mut random = Random::new(seed, number * 3 + policy as u64);
        let mut directives: Vec<String> =
            ["--appendonly", "yes", "--appendfsync", policy.name()].map(String::from).to_vec();
        let mut toggle = |directive: &str, values: &[&str]| {
            directives.push(directive.to_owned());
            directives.push(values[random.below(values.len() as u64) as usize].to_owned());
        };
        toggle("--auto-aof-rewrite-percentage", &["0", "20"]);
        toggle("--auto-aof-rewrite-min-size", &["16kb", "256kb"]);
        toggle("--aof-use-rdb-preamble", &["yes", "no"]);
        toggle("--aof-timestamp-enabled", &["yes", "no"]);
        Life {
            policy,
            random,
            name: format!("seed {seed}, life {number} under {}", policy.name()),
            directives,
            clients: vec![Keys::new(); CLIENTS],
            numbers: vec![0; CLIENTS],
            begun_unix_ms: unix_ms(),
        }
    }

    /// Kills a server so many times.
    pub fn go_on(mut self, kills: u64, tally: &mut Tally) {
        let mut server = self.start(TempDirectory::new().expect("a directory can be made"));
        for kill in 0..kills {
            let plan = self.plan(&server);
            let seen = self.write_until_killed(&server, plan);
            server = self.start_again(server.kill());
            let found = read_all(&mut server.connect(), CLIENTS);
            if let Err(reason) = self.judge(&found, &seen, tally) {
                let Life { name, directives, .. } = &self;
                panic!(
                    "{name}, kill {kill}: {reason}\n{directives:?}\nthe server said:\n{}",
                    server.output()
                );
            }
            if self.random.one_in(4) {
                server = self.start_again(server.kill());
                let found = read_all(&mut server.connect(), CLIENTS);
                let lost = self.clients.iter().zip(&found).find_map(|(keys, found)| difference(keys, found));
                let name = &self.name;
                assert_eq!(lost, None, "{name}, kill {kill}, again without a write:\n{}", server.output());
            }
        }
    }

    fn start(&self, directory: TempDirectory) -> Server {
        Server::launch_in(directory, &server_binary(), |directory, port| self.invocation(directory, port))
            .unwrap_or_else(|reason| panic!("{}: {reason}", self.name))
    }

    fn invocation(&self, directory: &Path, port: u16) -> Invocation {
        let more: Vec<&str> = self.directives.iter().map(String::as_str).collect();
        Invocation::usual(directory, port, &more)
    }

    /// Starts on what was left, sometimes after others that are killed while they do.
    fn start_again(&mut self, mut directory: TempDirectory) -> Server {
        if let Some(keep) = std::env::var_os("ROTOM_CRASH_KEEP") {
            copy(directory.path(), &PathBuf::from(keep)).expect("what is left can be copied");
        }
        while self.random.one_in(4) {
            let attempts = self.random.below(ATTEMPTS_MAX);
            let plan = |directory: &Path, port: u16| self.invocation(directory, port);
            directory = Server::kill_early(directory, &server_binary(), plan, attempts)
                .unwrap_or_else(|reason| panic!("{}: {reason}", self.name));
        }
        self.start(directory)
    }

    /// Draws what the next run is like.
    fn plan(&mut self, server: &Server) -> Plan {
        let longest = if self.random.one_in(4) { UNITS_MAX / 50 } else { UNITS_MAX };
        let kill_at = self.random.below(longest);
        let kill = [Kill::WithinUnit, Kill::AfterSending, Kill::AfterReply][self.random.below(3) as usize];
        let mut orders = Vec::new();
        let mut connection = server.connect();
        for (order, one_in) in [("BGREWRITEAOF", 2), ("BGSAVE", 3)] {
            let is_known = connection.call(&["COMMAND", "INFO", order]) != Reply::Array(vec![Reply::Null]);
            if self.random.one_in(one_in) && is_known {
                orders.push((self.shortly_before(kill_at), order));
            }
        }
        orders.sort_unstable();
        orders.reverse();
        Plan { orders, lull_at: self.shortly_before(kill_at), kill_at, kill }
    }

    /// A unit that comes before the kill, often so shortly that what begins there does not end.
    fn shortly_before(&mut self, kill_at: u64) -> u64 {
        let distance = if self.random.one_in(2) { 100 } else { kill_at + 1 };
        kill_at.saturating_sub(self.random.below(distance))
    }

    /// Lets all clients write until one of them kills the server.
    fn write_until_killed(&mut self, server: &Server, plan: Plan) -> Seen {
        let run = Run::new(server.process.pid(), plan.lull_at, plan.kill_at, plan.kill);
        let observer = server.connect();
        let mut writers = Vec::new();
        for (client, &first) in self.numbers.iter().enumerate() {
            let random = Random::new(self.random.below(u64::MAX), client as u64);
            let (run, connection, story) = (&run, server.connect(), Story::default());
            writers.push(Writer { run, connection, client, first, random, story });
        }
        thread::scope(|scope| {
            let writers: Vec<_> =
                writers.into_iter().map(|writer| scope.spawn(move || writer.write())).collect();
            let (written_before, shared_len) = look_on(&run, observer, plan.orders);
            let stories = writers.into_iter().map(|writer| writer.join().expect("a client fails by itself"));
            let written_before = if self.policy == Policy::Always { u64::MAX } else { written_before };
            Seen { stories: stories.collect(), written_before, shared_len }
        })
    }

    /// Compares what was found with what the clients know, and goes on from there.
    fn judge(&mut self, found: &[Keys], seen: &Seen, tally: &mut Tally) -> Result<(), String> {
        let moments_unix_ms = (self.begun_unix_ms, unix_ms());
        let mut kept = Vec::new();
        for (client, story) in seen.stories.iter().enumerate() {
            if let Some(failure) = &story.failure {
                return Err(format!("client {client}: {failure}"));
            }
            let fit = fit(&mut self.clients[client], &found[client], story, moments_unix_ms)
                .map_err(|reason| format!("client {client}: {reason}"))?;
            let owed = story.answered_before(seen.written_before);
            if fit.most < owed {
                let number = self.numbers[client] + fit.most as u64;
                return Err(format!(
                    "client {client}: its unit {number} is lost and {} after it, which were answered: {:?}",
                    owed - fit.most - 1,
                    story.units[fit.most]
                ));
            }
            tally.answered += story.answered.len();
            tally.owed += owed;
            tally.kept += fit.most;
            tally.sent += story.units.len();
            kept.push(fit);
        }
        let sent = |(story, fit): (&Story, &Fit)| Some(story.sent[fit.least.checked_sub(1)?]);
        let last_sent = seen.stories.iter().zip(&kept).filter_map(sent).max().unwrap_or(0);
        for (client, (story, fit)) in seen.stories.iter().zip(&kept).enumerate() {
            let before = story.answered_before(last_sent);
            if fit.most < before {
                return Err(format!(
                    "client {client}: {} units are lost that were answered before others were sent that are there",
                    before - fit.most
                ));
            }
        }
        let shared_len: usize = found.iter().map(shared_len).sum();
        if self.policy == Policy::Always && shared_len < seen.shared_len {
            return Err(format!("{} items of {SHARED} were seen, {shared_len} are there", seen.shared_len));
        }
        for (number, story) in self.numbers.iter_mut().zip(&seen.stories) {
            *number += story.units.len() as u64;
        }
        tally.kills += 1;
        Ok(())
    }
}

/// What a run is like.
#[derive(Debug)]
struct Plan {
    /// What the server is told to do meanwhile, and at which unit, the last first.
    orders: Vec<(u64, &'static str)>,
    lull_at: u64,
    kill_at: u64,
    kill: Kill,
}

/// What is known of a run when its server is gone.
#[derive(Debug)]
struct Seen {
    stories: Vec<Story>,
    /// What was answered before this event was written.
    written_before: u64,
    /// The longest [`SHARED`] that was seen.
    shared_len: usize,
}

/// How many of a client's units can have led to what was found.
#[derive(Debug)]
struct Fit {
    least: usize,
    most: usize,
}

/// Finds out how many of the units lead from `keys` to `found`, and does them to `keys`.
fn fit(keys: &mut Keys, found: &Keys, story: &Story, moments_unix_ms: (u64, u64)) -> Result<Fit, String> {
    let mut now = keys.clone();
    let mut when_answered = None;
    let mut fit: Option<Fit> = None;
    for done in 0..=story.units.len() {
        if let Some(last) = done.checked_sub(1) {
            story.units[last].apply(&mut now, moments_unix_ms);
        }
        if done == story.answered.len() {
            when_answered = difference(&now, found);
        }
        if agrees(&now, found) {
            let least = fit.as_ref().map_or(done, |fit| fit.least);
            fit = Some(Fit { least, most: done });
            keys.clone_from(&now);
        }
    }
    fit.ok_or_else(|| {
        let (sent, answered) = (story.units.len(), story.answered.len());
        format!(
            "no number of its {sent} units leads to what is there; with the {answered} that were answered: {}",
            when_answered.unwrap_or_default()
        )
    })
}

/// Looks at the server until it is gone, and gives it orders. Answers up to which event everything that was answered
/// had been written, and the longest [`SHARED`].
fn look_on(run: &Run, mut connection: Client, mut orders: Vec<(u64, &str)>) -> (u64, usize) {
    let (mut written_before, mut shared_len) = (0, 0);
    let mut look = || -> std::io::Result<()> {
        while !run.is_over() {
            let units = run.units();
            while let Some((_, order)) = orders.pop_if(|(at, _)| *at <= units) {
                let reply = connection.try_call(&[order])?;
                // Redis has one child at a time; a rewrite waits for it, a snapshot is refused.
                let is_busy = ["in progress", "child process"].map(|words| reply.text().contains(words));
                assert!(!matches!(reply, Reply::Error(_)) || is_busy.contains(&true), "{order}: {reply:?}");
            }
            let before = run.event();
            let info = connection.try_call(&["INFO", "persistence"])?;
            if info_field(&info, "aof_buffer_length").as_deref() == Some("0") {
                written_before = before;
                run.end_lull();
            }
            if let Reply::Integer(len) = connection.try_call(&["LLEN", SHARED])? {
                shared_len = usize::try_from(len).expect("a length");
            }
            if run.is_lull() {
                continue;
            }
            wait_for(LOOK_PATIENCE, || run.units() >= units + UNITS_PER_LOOK || run.is_over());
        }
        Ok(())
    };
    // It fails when the server is gone, which is what it waits for.
    let _ = look();
    (written_before, shared_len)
}

fn shared_len(keys: &Keys) -> usize {
    match keys.get(SHARED).map(|entry| &entry.value) {
        Some(Value::List(items)) => items.len(),
        _ => 0,
    }
}

fn unix_ms() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    u64::try_from(now.as_millis()).expect("before the far future")
}

/// Copies a directory in place of another.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}

#[test]
fn a_log_that_has_lost_its_end_is_noticed() {
    let mut life = Life::new(1, 0, Policy::Always);
    // Nothing but the log and its policy: it is not rewritten.
    life.directives.truncate(4);
    let server = life.start(TempDirectory::new().expect("a directory can be made"));
    let plan = Plan { orders: Vec::new(), lull_at: 0, kill_at: 400, kill: Kill::AfterReply };
    let seen = life.write_until_killed(&server, plan);
    let directory = server.kill();
    let log = directory.path().join("appendonlydir/appendonly.aof.1.incr.aof");
    let bytes = fs::read(&log).expect("there is a log");
    fs::write(&log, &bytes[..bytes.len() / 2]).expect("it can be written");
    let server = life.start(directory);
    let found = read_all(&mut server.connect(), CLIENTS);
    let verdict = life.judge(&found, &seen, &mut Tally::default());
    assert!(verdict.as_ref().is_err_and(|reason| reason.contains("is lost")), "{verdict:?}");
}
