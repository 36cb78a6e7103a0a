//! The model is judged itself: by transcripts of a real Redis, alone and beside the core, and by random commands
//! whose replies and effects it must find right.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rotom_core::commands;
use rotom_io_sim::Delivery;
use rotom_sim_tests::differential::Round;
use rotom_sim_tests::model::{ClientId, Clock, Model};
use rotom_sim_tests::reply::{Reply, encode_command};
use rotom_sim_tests::sim::SimServer;
use rotom_sim_tests::transcript::expect::{Outcome, outcome_lines};
use rotom_sim_tests::transcript::parse::{Protocol, Section, ServerSetup, Transcript, Version};
use rotom_sim_tests::transcript::play::{Received, Stage, play};
use rotom_sim_tests::transcript::text::Facts;
use rotom_sim_tests::transcript::{corpus, files};
use rotom_sim_tests::workload::{Maker, Mix};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the model answers where it only judges.
const JUDGED: &[u8] = b"(judged)";

/// Sections that cannot be played without a server, and why.
const NOT_ALONE: &[(&str, &str)] = &[];

/// The port of the first client.
const FIRST_PORT: u32 = 50_000;

/// The first instant.
const START: Clock = Clock { wall_us: 1_700_000_000_000_000, monotonic_us: 1_000_000 };

/// A model, and perhaps a server beside it whose every reply it judges.
struct Twin {
    model: Model,
    server: Option<SimServer>,
    clients: BTreeMap<String, ClientId>,
    next_client: u32,
    clock: Clock,
    /// The clients that were refused, and were not told yet.
    refused: BTreeMap<String, bool>,
}

impl Twin {
    fn start(setup: &ServerSetup, has_server: bool) -> Result<Twin, String> {
        let usual = vec![("enable-debug-command".to_owned(), vec!["yes".to_owned()])];
        let given = setup.directives.iter().map(|words| (words[0].clone(), words[1..].to_vec()));
        let directives: Vec<_> = usual.into_iter().chain(given).collect();
        let mut server = if has_server { Some(SimServer::start(setup, Delivery::Whole, 7)?) } else { None };
        let wall_us = server.as_mut().map_or(START.wall_us, |server| server.world().wall().0);
        let clock = Clock { wall_us, ..START };
        let model = Model::new(&directives, clock)?;
        let (clients, refused) = (BTreeMap::new(), BTreeMap::new());
        Ok(Twin { model, server, clients, next_client: 0, clock, refused })
    }

    fn client(&self, name: &str) -> Result<ClientId, String> {
        self.clients.get(name).copied().ok_or_else(|| format!("{name} is not connected"))
    }

    /// Executes all that may be executed.
    fn run(&mut self) -> Result<(), String> {
        let clients: Vec<ClientId> = self.clients.values().copied().collect();
        loop {
            let ready = clients.iter().find(|&&client| {
                self.model.has_request(client) && !self.model.is_held_back(client, self.clock)
            });
            let Some(&client) = ready else { return Ok(()) };
            self.model.execute(client, self.clock, None).map_err(|found| format!("{found:?}"))?;
            self.model.serve_waiting(self.clock).map_err(|found| format!("{found:?}"))?;
        }
    }

    /// The replies the model knows.
    fn own_replies(&mut self, client: ClientId) -> Result<Vec<Reply>, String> {
        let mut replies = Vec::new();
        while self.model.is_owed(client) && !self.model.is_asleep(self.clock) {
            match self.model.next_owed(client).map(<[u8]>::to_vec) {
                Some(bytes) => {
                    let parsed = Reply::parse(&bytes).map_err(|error| format!("{error:?}"))?;
                    replies.push(parsed.0);
                    self.model.receive(client, &bytes).map_err(|found| format!("{found:?}"))?;
                }
                None => {
                    replies.push(Reply::Simple(JUDGED.to_vec()));
                    self.model.excuse(client);
                }
            }
        }
        Ok(replies)
    }
}

impl Stage for Twin {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        if let Some(server) = &mut self.server {
            server.connect(name)?;
        }
        if self.model.connected() >= self.model.connected_max() {
            self.refused.insert(name.to_owned(), false);
            return Ok(());
        }
        let client = ClientId(self.next_client);
        self.next_client += 1;
        self.clients.insert(name.to_owned(), client);
        let address = self.address(name);
        self.model.connect(client, &address, self.clock);
        Ok(())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        if let Some(server) = &mut self.server {
            server.send(name, bytes)?;
        }
        if self.refused.contains_key(name) {
            return Ok(());
        }
        self.model.deliver(self.client(name)?, bytes);
        self.run()
    }

    fn receive(&mut self, name: &str, _: usize, _: bool) -> Result<Received, String> {
        if self.refused.contains_key(name) && self.server.is_none() {
            let text = b"ERR max number of clients reached".to_vec();
            return Ok(Received { replies: vec![Reply::Error(text)], closed: true });
        }
        let Some(server) = &mut self.server else {
            let client = self.client(name)?;
            let replies = self.own_replies(client)?;
            return Ok(Received { replies, closed: self.model.is_ending(client) });
        };
        let received = server.receive(name, 0, false)?;
        if self.refused.contains_key(name) {
            return Ok(received);
        }
        let client = self.client(name)?;
        let bytes: Vec<u8> = received.replies.iter().flat_map(Reply::to_bytes).collect();
        self.model.receive(client, &bytes).map_err(|found| format!("{}: {}", found.site, found.text))?;
        if self.model.is_owed(client) && !self.model.is_asleep(self.clock) {
            return Err(format!("{name} is still owed something: {:?}", self.model.next_owed(client)));
        }
        if received.closed != self.model.is_ending(client) {
            return Err(format!("{name} is closed: {}, and the model differs", received.closed));
        }
        Ok(received)
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        if let Some(server) = &mut self.server {
            server.close(name)?;
        }
        if let Some(client) = self.clients.remove(name) {
            self.model.disconnect(client);
        }
        Ok(())
    }

    fn advance(&mut self, time: Duration) {
        if let Some(server) = &mut self.server {
            server.advance(time);
        }
        let us = u64::try_from(time.as_micros()).unwrap();
        self.clock = Clock { wall_us: self.clock.wall_us + us, monotonic_us: self.clock.monotonic_us + us };
        for client in self.model.overdue(self.clock) {
            self.model.time_out(client, self.clock).unwrap();
        }
        self.run().unwrap();
    }

    fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.wall_us / 1000).unwrap()
    }

    fn address(&self, name: &str) -> String {
        let own = || self.clients.get(name).map(|client| format!("127.0.0.1:{}", FIRST_PORT + client.0));
        self.server.as_ref().map_or_else(|| own().unwrap_or_default(), |server| server.address(name))
    }
}

/// Whether what came is as expected, but for what is only judged.
fn fits(expected: &Outcome, received: &Received, facts: &Facts) -> bool {
    let is_judged = |reply: &Reply| *reply == Reply::Simple(JUDGED.to_vec());
    expected.closed == received.closed
        && expected.replies.len() == received.replies.len()
        && expected
            .replies
            .iter()
            .zip(&received.replies)
            .all(|(expected, reply)| is_judged(reply) || expected.matches(reply, facts))
}

fn check_section(section: &Section, protocol: Protocol, has_server: bool) -> Result<(), String> {
    let mut twin = Twin::start(&section.server, has_server)?;
    let mut wrong = None;
    let played = play(section, Version::V72, protocol, &mut twin, &mut |index, received, facts| {
        let step = &section.steps[index];
        let outcome = step.outcome(Version::V72, protocol).unwrap().unwrap_or_default();
        if fits(&outcome, &received, facts) {
            return true;
        }
        let lines = step.lines(Version::V72, protocol);
        let expected: Vec<&str> = lines.iter().map(|(text, _)| &**text).collect();
        let found = outcome_lines(&received.replies, received.closed);
        wrong = Some(format!("line {}: expected {expected:?}, the model says {found:?}", step.line));
        false
    });
    match wrong {
        Some(wrong) => Err(wrong),
        None => played.map_err(|error| format!("line {}: {}", error.line, error.what)),
    }
}

fn check_transcripts(has_server: bool) {
    let mut failures = Vec::new();
    let mut excused = 0;
    for file in files(&corpus()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let transcript = Transcript::parse(&text).unwrap();
        let name = file.strip_prefix(corpus()).unwrap().display().to_string();
        for section in transcript.sections.iter().filter(|section| section.is_for_version(Version::V72)) {
            let title = format!("{name}: {}", section.title);
            if !has_server && NOT_ALONE.iter().any(|(excused, _)| *excused == title) {
                excused += 1;
                continue;
            }
            for protocol in Protocol::ALL.into_iter().filter(|&protocol| section.is_for_protocol(protocol)) {
                if let Err(what) = check_section(section, protocol, has_server) {
                    failures.push(format!("{title} ({protocol:?}): {what}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} sections:\n{}", failures.len(), failures.join("\n"));
    assert_eq!(excused, if has_server { 0 } else { NOT_ALONE.len() }, "an exception that is none");
}

#[test]
fn transcripts_alone() {
    check_transcripts(false);
}

#[test]
fn transcripts_beside_the_core() {
    check_transcripts(true);
}

#[test]
fn every_command_is_known() {
    let known: Vec<&str> = Model::commands().collect();
    let mut unknown = Vec::new();
    for command in commands::all() {
        let subcommands = command.subcommands.iter().map(|sub| format!("{}|{}", command.name, sub.name));
        let names = std::iter::once(command.name.to_owned()).chain(subcommands);
        unknown.extend(names.filter(|name| !known.contains(&name.as_str())));
    }
    assert!(unknown.is_empty(), "the model does not know {unknown:?}");
}

/// Random commands, one at a time, to the core: the model finds every reply right, and every effect.
#[test]
fn random_commands_and_their_effects() {
    for seed in 1..=4 {
        let mut duel = Effects::start(seed);
        let mix = Mix::lasting();
        let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(seed));
        while duel.count < 6_000 {
            duel.round(&mut maker);
        }
        assert!(duel.model.keys().count() > 100);
    }
}

/// A core whose effects are known command by command.
struct Effects {
    server: SimServer,
    model: Model,
    clock: Clock,
    count: usize,
    seed: u64,
}

const NAMES: [&str; 3] = ["A", "B", "C"];

impl Effects {
    fn start(seed: u64) -> Effects {
        let mut server = SimServer::start(&ServerSetup::default(), Delivery::Whole, seed).unwrap();
        server.world().core().record_propagation(true);
        let clock = Clock { wall_us: server.world().wall().0, ..START };
        let directives = [("enable-debug-command".to_owned(), vec!["yes".to_owned()])];
        let mut model = Model::new(&directives, clock).unwrap();
        for (index, name) in NAMES.into_iter().enumerate() {
            server.connect(name).unwrap();
            model.connect(ClientId(u32::try_from(index).unwrap()), &server.address(name), clock);
        }
        Effects { server, model, clock, count: 0, seed }
    }

    fn round(&mut self, maker: &mut Maker<'_>) {
        let client = maker.below(NAMES.len());
        match Round::draw(maker) {
            Round::Pipeline(calls) => calls.iter().for_each(|call| drop(self.ask(client, &call.words))),
            Round::Scan(options) => self.scan(client, &options),
            Round::RandomKey => drop(self.ask(client, &[b"RANDOMKEY".to_vec()])),
            Round::Quit => self.nap(maker.below(2_000)),
            Round::Limit(limit) => {
                let words = ["CONFIG", "SET", limit.name, limit.value].map(|word| word.as_bytes().to_vec());
                drop(self.ask(client, &words));
            }
        }
    }

    /// Time passes, and what has expired goes.
    fn nap(&mut self, ms: usize) {
        let time = Duration::from_millis(ms as u64);
        self.server.advance(time);
        let us = u64::try_from(time.as_micros()).unwrap();
        self.clock = Clock { wall_us: self.clock.wall_us + us, monotonic_us: self.clock.monotonic_us + us };
        let effects = self.server.world().core().take_propagated();
        let outcome = self.model.background(self.clock, &effects);
        assert_eq!(outcome, Ok(()), "seed {}", self.seed);
    }

    fn scan(&mut self, client: usize, options: &[Vec<u8>]) {
        let mut cursor = b"0".to_vec();
        loop {
            let words = [vec![b"SCAN".to_vec(), cursor], options.to_vec()].concat();
            let Some(Reply::Array(pair)) = self.ask(client, &words) else { return };
            let Reply::Bulk(next) = &pair[0] else { return };
            if next == b"0" {
                return;
            }
            cursor = next.clone();
        }
    }

    fn ask(&mut self, client: usize, words: &[Vec<u8>]) -> Option<Reply> {
        self.count += 1;
        let (name, id) = (NAMES[client], ClientId(u32::try_from(client).unwrap()));
        let bytes = encode_command(words);
        self.server.send(name, &bytes).unwrap();
        self.model.deliver(id, &bytes);
        let effects = self.server.world().core().take_propagated();
        let context = |model: &Model| format!("seed {}: {}", self.seed, model.last_request(id));
        let executed = self.model.execute(id, self.clock, Some(&effects));
        assert_eq!(executed, Ok(()), "{}", context(&self.model));
        let received = self.server.receive(name, 1, false).unwrap();
        let bytes: Vec<u8> = received.replies.iter().flat_map(Reply::to_bytes).collect();
        assert_eq!(self.model.receive(id, &bytes), Ok(()), "{}", context(&self.model));
        assert!(!self.model.is_owed(id), "{}", context(&self.model));
        received.replies.into_iter().next()
    }
}
