//! The model is judged itself: by transcripts of a real Redis, alone and beside the core, and by random commands
//! whose replies and effects it must find right.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rotom_core::commands;
use rotom_io_sim::Delivery;
use rotom_sim_tests::differential::generate::{Maker, Round};
use rotom_sim_tests::model::{ClientId, Clock, Divergence, Model, Pause};
use rotom_sim_tests::reply::{Reply, encode_command};
use rotom_sim_tests::sim::SimServer;
use rotom_sim_tests::transcript::expect::{Outcome, outcome_lines};
use rotom_sim_tests::transcript::parse::{Protocol, Section, ServerSetup, Transcript, Version};
use rotom_sim_tests::transcript::play::{Received, Stage, play};
use rotom_sim_tests::transcript::text::Facts;
use rotom_sim_tests::transcript::{corpus, files};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the model answers where it only judges.
const JUDGED: &[u8] = b"(judged)";

/// In the transcripts, the model must know this share of all replies to the byte.
const KNOWN_SHARE: f64 = 0.85;

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

fn is_judged(reply: &Reply) -> bool {
    *reply == Reply::Simple(JUDGED.to_vec())
}

/// Whether what came is as expected, but for what is only judged.
fn fits(expected: &Outcome, received: &Received, facts: &Facts) -> bool {
    expected.closed == received.closed
        && expected.replies.len() == received.replies.len()
        && expected
            .replies
            .iter()
            .zip(&received.replies)
            .all(|(expected, reply)| is_judged(reply) || expected.matches(reply, facts))
}

/// Plays a section; returns how many replies there were, and how many of them were only judged.
fn check_section(section: &Section, protocol: Protocol, has_server: bool) -> Result<[usize; 2], String> {
    let mut twin = Twin::start(&section.server, has_server)?;
    let (mut wrong, mut counts) = (None, [0; 2]);
    let played = play(section, Version::V72, protocol, &mut twin, &mut |index, received, facts| {
        let step = &section.steps[index];
        let outcome = step.outcome(Version::V72, protocol).unwrap().unwrap_or_default();
        counts[0] += received.replies.len();
        counts[1] += received.replies.iter().filter(|reply| is_judged(reply)).count();
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
        None => played.map(|()| counts).map_err(|error| format!("line {}: {}", error.line, error.what)),
    }
}

fn check_transcripts(has_server: bool) {
    let mut failures = Vec::new();
    let [mut all, mut judged] = [0, 0];
    for file in files(&corpus()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let transcript = Transcript::parse(&text).unwrap();
        let name = file.strip_prefix(corpus()).unwrap().display().to_string();
        for section in transcript.sections.iter().filter(|section| section.is_for_version(Version::V72)) {
            let title = format!("{name}: {}", section.title);
            for protocol in Protocol::ALL.into_iter().filter(|&protocol| section.is_for_protocol(protocol)) {
                match check_section(section, protocol, has_server) {
                    Ok([replies, only_judged]) => {
                        all += replies;
                        judged += only_judged;
                    }
                    Err(what) => failures.push(format!("{title} ({protocol:?}): {what}")),
                }
            }
        }
    }
    assert!(failures.is_empty(), "{} sections:\n{}", failures.len(), failures.join("\n"));
    assert!(((all - judged) as f64) > KNOWN_SHARE * all as f64, "{judged} of {all} replies were only judged");
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

/// A model with a client, which runs lines of requests.
struct Alone {
    model: Model,
    clock: Clock,
}

const CLIENT: ClientId = ClientId(0);

impl Alone {
    fn start() -> Alone {
        let mut model = Model::new(&[], START).unwrap();
        model.connect(CLIENT, "127.0.0.1:50000", START);
        Alone { model, clock: START }
    }

    fn wait(&mut self, ms: u64) {
        self.clock.wall_us += ms * 1000;
        self.clock.monotonic_us += ms * 1000;
    }

    /// Runs a request whose effects and reply are not in question.
    fn run(&mut self, line: &str) {
        self.model.deliver(CLIENT, format!("{line}\r\n").as_bytes());
        self.model.execute(CLIENT, self.clock, None).unwrap();
        match self.model.next_owed(CLIENT).map(<[u8]>::to_vec) {
            Some(bytes) => self.model.receive(CLIENT, &bytes).unwrap(),
            None => self.model.excuse(CLIENT),
        }
    }

    /// Where the model differs from a server with these effects, one a line, and this reply; nowhere is "".
    fn judge(&mut self, line: &str, effects: &[&str], reply: &str) -> String {
        self.model.deliver(CLIENT, format!("{line}\r\n").as_bytes());
        let words = |line: &&str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let effects: Vec<u8> = effects.iter().flat_map(|line| encode_command(&words(line))).collect();
        let executed = self.model.execute(CLIENT, self.clock, Some(&effects));
        let outcome = executed.and_then(|()| self.model.receive(CLIENT, reply.as_bytes()));
        match outcome {
            Ok(()) if self.model.is_owed(CLIENT) => "more is owed".to_owned(),
            Ok(()) => String::new(),
            Err(found) => {
                assert!(found.text.len() < 2_000, "{}", found.text);
                found.site
            }
        }
    }
}

/// What a request of the model's, on keys `k`, `t` that expires later and `gone` that has expired, is judged to be.
#[test]
fn wrong_replies_and_effects_are_found() {
    let t_ms = START.wall_us / 1000 + 100_000;
    let (right, late) = (format!("PEXPIREAT k {}", t_ms + 1), format!("PEXPIREAT k {}", t_ms + 2));
    for (line, effects, reply, site) in [
        ("GET k", &[][..], "$1\r\n5\r\n", ""),
        ("GET k", &[], "$1\r\n6\r\n", "get reply"),
        ("GET k", &[], "$1\r\n5\r\n+OK\r\n", "o2 surplus"),
        ("GET k", &[], "$1\r\n", "more is owed"),
        ("GET k", &["DEL k"], "$1\r\n5\r\n", "get effects"),
        ("GET gone", &["DEL gone"], "$-1\r\n", ""),
        ("GET gone", &["UNLINK gone"], "$-1\r\n", ""),
        ("GET gone", &[], "$-1\r\n", "get effects"),
        ("GET gone", &["SELECT 1", "DEL gone"], "$-1\r\n", "get effects"),
        ("DBSIZE", &[], ":3\r\n", ""),
        ("DBSIZE", &["DEL gone"], ":3\r\n", ""),
        ("DBSIZE", &[], ":2\r\n", "dbsize reply"),
        ("SET k v", &["SET k v"], "+OK\r\n", ""),
        ("SET k v", &[], "+OK\r\n", "set effects"),
        ("SET k v", &["SET k w"], "+OK\r\n", "set effects"),
        ("SET k v", &["SET k v", "SET t v"], "+OK\r\n", "set effects"),
        ("SET k v", &["SET k v PXAT 9999999999999"], "+OK\r\n", "set effects"),
        ("SET t v KEEPTTL", &["SET t v"], "+OK\r\n", "set effects"),
        ("SET gone v NX", &["DEL gone", "SET gone v NX"], "+OK\r\n", ""),
        ("SET gone v NX", &["SET gone v NX"], "+OK\r\n", "set effects"),
        ("SET k v EX 100", &["SET k v EX 100"], "+OK\r\n", "set effects"),
        ("PEXPIRE k 100000", &[&right], ":1\r\n", ""),
        ("PEXPIRE k 100000", &[&late], ":1\r\n", "pexpire effects"),
        ("PEXPIRE k 100000", &["PEXPIRE k 100000"], ":1\r\n", "pexpire effects"),
        ("INCRBYFLOAT k 1", &["SET k 6 KEEPTTL"], "$1\r\n6\r\n", ""),
        ("INCRBYFLOAT k 1", &["INCRBYFLOAT k 1"], "$1\r\n6\r\n", "incrbyfloat effects"),
        ("RENAME k t", &["RENAME k t"], "+OK\r\n", ""),
        ("RENAME k t", &["DEL k"], "+OK\r\n", "rename effects"),
        ("FLUSHALL", &["FLUSHALL"], "+OK\r\n", ""),
        ("FLUSHALL", &["SELECT 1", "FLUSHDB"], "+OK\r\n", "flushall effects"),
        ("FLUSHDB", &["DEL k t gone"], "+OK\r\n", ""),
        ("GET k", &["FLUSHALL"], "$1\r\n5\r\n", "get effects"),
        ("SWAPDB 0 1", &["SWAPDB 0 1"], "+OK\r\n", ""),
        ("SWAPDB 0 1", &[], "+OK\r\n", "swapdb effects"),
        ("KEYS *", &[], "*2\r\n$1\r\nt\r\n$1\r\nk\r\n", ""),
        ("KEYS *", &[], "*1\r\n$1\r\nt\r\n", "keys reply"),
        ("KEYS *", &[], "*3\r\n$1\r\nt\r\n$1\r\nk\r\n$4\r\ngone\r\n", "keys reply"),
        ("RANDOMKEY", &["DEL gone"], "$1\r\nt\r\n", ""),
        ("RANDOMKEY", &[], "$4\r\ngone\r\n", "randomkey reply"),
        ("SCAN 0", &[], "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nt\r\n$1\r\nk\r\n", ""),
        ("SCAN 0", &[], "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nt\r\n", "scan reply"),
        ("SCAN 0", &[], "*2\r\n$1\r\n9\r\n*1\r\n$1\r\nt\r\n", ""),
        ("SCAN 0 MATCH k", &[], "*2\r\n$1\r\n9\r\n*1\r\n$1\r\nt\r\n", "scan reply"),
        ("INFO keyspace", &[], "$52\r\n# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=123456789\r\n\r\n", ""),
        (
            "INFO keyspace",
            &[],
            "$52\r\n# Keyspace\r\ndb0:keys=4,expires=2,avg_ttl=123456789\r\n\r\n",
            "info reply",
        ),
        ("CLIENT ID", &[], ":2\r\n", "client|id reply"),
        ("NOPE", &[], "-ERR unknown command 'NOPE', with args beginning with: \r\n", ""),
        ("OBJECT ENCODING k", &[], "$6\r\nembstr\r\n", "object|encoding reply"),
    ] {
        let mut alone = Alone::start();
        for setup in ["SET gone 9 PXAT 1", "SET k 5", "SET t 7 PX 100500"] {
            alone.run(setup);
        }
        alone.wait(1);
        assert_eq!(alone.judge(line, effects, reply), site, "{line} {effects:?} {reply:?}");
    }
}

#[test]
fn a_scan_must_show_what_stays() {
    let page = |cursor: &str, keys: &[&str]| {
        let keys: String = keys.iter().map(|key| format!("$1\r\n{key}\r\n")).collect();
        format!("*2\r\n$1\r\n{cursor}\r\n*{}\r\n{keys}", keys.matches('$').count())
    };
    for (changes, last, site) in [
        (&[][..], &["b", "c"][..], ""),
        (&[], &["b"], "scan reply"),
        (&[], &["b", "c", "a"], ""),
        (&["DEL c"], &["b"], ""),
        (&["DEL c", "SET c 2"], &["b"], ""),
        (&["SET c 2"], &["b"], "scan reply"),
        (&["SET d 1"], &["b", "c"], ""),
        (&["SELECT 1", "SELECT 0"], &["b"], "scan reply"),
        (&["FLUSHALL"], &[], ""),
        (&["RENAME c d"], &["b"], ""),
    ] {
        let mut alone = Alone::start();
        alone.run("MSET a 1 b 1 c 1");
        assert_eq!(alone.judge("SCAN 0", &[], &page("7", &["a"])), "");
        changes.iter().for_each(|change| alone.run(change));
        assert_eq!(alone.judge("SCAN 7", &[], &page("0", last)), site, "{changes:?} {last:?}");
    }
}

/// A page is judged by what was there when it was asked for, however late it comes.
#[test]
fn a_late_page_is_judged_by_its_own_time() {
    let mut alone = Alone::start();
    alone.run("MSET a 1 b 1");
    alone.model.deliver(CLIENT, b"SCAN 0\r\nDEL a\r\nSET c 1\r\n");
    for effects in [&[][..], &[vec!["DEL", "a"]], &[vec!["SET", "c", "1"]]] {
        let effects: Vec<u8> = effects.iter().flat_map(|words| encode_command(words)).collect();
        assert_eq!(alone.model.execute(CLIENT, START, Some(&effects)), Ok(()));
    }
    let mut other = alone.model.clone();
    assert_eq!(other.receive(CLIENT, b"*2\r\n$1\r\n5\r\n*1\r\n$1\r\na\r\n:1\r\n+OK\r\n"), Ok(()));
    assert!(!other.is_owed(CLIENT));
    let too_early = alone.model.receive(CLIENT, b"*2\r\n$1\r\n5\r\n*1\r\n$1\r\nc\r\n");
    assert_eq!(too_early.map_err(|found| found.site), Err("scan reply".to_owned()));
}

#[test]
fn of_its_own_accord_the_server_only_removes_what_has_expired() {
    for (effects, is_right) in [
        (&[][..], true),
        (&["DEL a"], true),
        (&["SELECT 0", "UNLINK a"], true),
        (&["DEL b"], false),
        (&["SELECT 1", "DEL a"], true),
        (&["SET b 1"], false),
        (&["FLUSHALL"], false),
    ] {
        let mut alone = Alone::start();
        alone.run("SET a 1 PX 10");
        alone.run("SET b 1 PX 1000");
        alone.wait(20);
        let words = |line: &&str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let bytes: Vec<u8> = effects.iter().flat_map(|line| encode_command(&words(line))).collect();
        assert_eq!(alone.model.background(alone.clock, &bytes).is_ok(), is_right, "{effects:?}");
        let is_gone = effects.first().is_some_and(|first| *first != "SELECT 1") && is_right;
        assert_eq!(alone.model.keys().count(), if is_gone { 1 } else { 2 }, "{effects:?}");
    }
}

#[test]
fn nothing_runs_out_of_turn() {
    let mut alone = Alone::start();
    let site = |outcome: Result<(), Divergence>| outcome.map_err(|found| found.site);
    assert_eq!(site(alone.model.execute(CLIENT, START, None)), Err("o2 execution".to_owned()));
    alone.run("CLIENT PAUSE 100 WRITE");
    assert_eq!(alone.model.is_paused(alone.clock), Some(Pause::Write));
    alone.model.deliver(CLIENT, b"GET k\r\nSET k v\r\n");
    assert_eq!(alone.model.execute(CLIENT, alone.clock, None), Ok(()));
    assert!(alone.model.is_held_back(CLIENT, alone.clock));
    let mut other = alone.model.clone();
    assert_eq!(site(other.execute(CLIENT, alone.clock, None)), Err("set pause".to_owned()));
    alone.wait(100);
    assert_eq!(alone.model.is_paused(alone.clock), None);
    assert_eq!(alone.model.execute(CLIENT, alone.clock, None), Ok(()));
    alone.model.deliver(CLIENT, b"QUIT\r\nGET k\r\n*x\r\n");
    assert_eq!(alone.model.execute(CLIENT, alone.clock, None), Ok(()));
    assert!(alone.model.is_ending(CLIENT) && !alone.model.has_request(CLIENT));
    assert_eq!(alone.model.receive(CLIENT, b"$-1\r\n+OK\r\n+OK\r\n"), Ok(()));
    assert_eq!(site(alone.model.receive(CLIENT, b"-ERR")), Err("o2 surplus".to_owned()));
}

/// Random commands, one at a time, to the core: the model finds every reply right, and every effect.
#[test]
fn random_commands_and_their_effects() {
    for seed in 1..=4 {
        let mut duel = Effects::start(seed);
        let mut maker = Maker::new(seed);
        while duel.count < 6_000 {
            duel.round(&mut maker);
        }
        assert!(duel.model.keys().count() > 100);
    }
}

/// Requests that are about connections, the server, and keys that expire soon. `K` stands for a key, `T` for a short
/// time, `N` for a number, `I` for a client's number.
const ODD: &[&str] = &[
    "SET K N PX T",
    "SET K v EX 1",
    "SET K v",
    "GET K",
    "MGET K K K",
    "DEL K K",
    "EXISTS K K",
    "TTL K",
    "PTTL K",
    "PEXPIRE K T",
    "PEXPIRE K T NX",
    "PEXPIRE K T GT",
    "EXPIRE K N",
    "PERSIST K",
    "PEXPIRETIME K",
    "INCR K",
    "INCRBYFLOAT K 0.1",
    "APPEND K x",
    "SETRANGE K 3 abc",
    "GETEX K PX T",
    "GETEX K PERSIST",
    "GETDEL K",
    "RENAME K K",
    "RENAMENX K K",
    "COPY K K",
    "COPY K K DB 1 REPLACE",
    "MOVE K 1",
    "SWAPDB 0 1",
    "MSETNX K 1 K 2",
    "SETNX K N",
    "DBSIZE",
    "KEYS *",
    "SCAN 0",
    "SCAN 0 MATCH k* COUNT 2",
    "RANDOMKEY",
    "TYPE K",
    "TOUCH K",
    "OBJECT ENCODING K",
    "OBJECT IDLETIME K",
    "OBJECT REFCOUNT K",
    "OBJECT FREQ K",
    "FLUSHDB",
    "FLUSHALL",
    "SELECT 0",
    "SELECT 1",
    "INFO",
    "INFO keyspace",
    "INFO commandstats",
    "INFO errorstats",
    "INFO stats clients",
    "INFO all",
    "TIME",
    "HELLO",
    "HELLO 3",
    "HELLO 2",
    "HELLO 3 SETNAME me",
    "HELLO 3 AUTH default x",
    "HELLO 3 AUTH default secret",
    "HELLO 9",
    "HELLO 3 NOPE",
    "AUTH x",
    "AUTH secret",
    "AUTH default secret",
    "AUTH a b c",
    "RESET",
    "QUIT",
    "CONFIG SET requirepass secret",
    "CONFIG GET requirepass maxclients",
    "CONFIG GET *",
    "CONFIG SET tcp-keepalive N",
    "CONFIG SET timeout x",
    "CONFIG SET hz N maxmemory-samples N",
    "CONFIG SET nope 1",
    "CONFIG SET maxmemory-policy allkeys-lfu",
    "CONFIG SET maxmemory-policy noeviction",
    "CONFIG GET hz nope h*",
    "CONFIG SET proto-max-bulk-len 1mb",
    "CONFIG SET hz 20",
    "CONFIG RESETSTAT",
    "CONFIG REWRITE",
    "CONFIG SET databases 3",
    "CONFIG SET lazyfree-lazy-expire yes",
    "CONFIG SET lazyfree-lazy-user-del yes",
    "CONFIG NOPE",
    "CONFIG HELP",
    "CONFIG SET hz 1 hz 2",
    "CONFIG SET a",
    "CLIENT",
    "CLIENT HELP",
    "CLIENT NOPE x",
    "CLIENT ID",
    "CLIENT INFO",
    "CLIENT LIST",
    "CLIENT LIST ID I",
    "CLIENT LIST TYPE normal",
    "CLIENT GETNAME",
    "CLIENT SETNAME a\x20b",
    "CLIENT SETNAME me",
    "CLIENT SETNAME ''",
    "CLIENT NO-EVICT on",
    "CLIENT NO-EVICT off",
    "CLIENT NO-TOUCH on",
    "CLIENT NO-TOUCH off",
    "CLIENT REPLY OFF",
    "CLIENT REPLY SKIP",
    "CLIENT REPLY ON",
    "CLIENT REPLY x",
    "CLIENT KILL ID I",
    "CLIENT KILL ID I SKIPME no",
    "CLIENT KILL TYPE normal",
    "CLIENT KILL USER x",
    "CLIENT SETINFO lib-name x",
    "CLIENT SETINFO lib-ver 1.0",
    "CLIENT SETINFO x y",
    "CLIENT UNBLOCK I",
    "CLIENT GETREDIR",
    "COMMAND",
    "COMMAND COUNT",
    "COMMAND INFO get nope client|kill",
    "COMMAND DOCS set object",
    "COMMAND DOCS",
    "COMMAND LIST",
    "COMMAND LIST FILTERBY PATTERN c*",
    "COMMAND LIST FILTERBY ACLCAT read",
    "COMMAND GETKEYS MSET K 1 K 2",
    "COMMAND GETKEYSANDFLAGS SET K 1",
    "COMMAND GETKEYSANDFLAGS RENAME K K",
    "COMMAND INFO",
    "DEBUG SLEEP 0",
    "DEBUG OBJECT K",
    "DEBUG PROTOCOL map",
    "DEBUG PROTOCOL push",
    "DEBUG PROTOCOL verbatim",
    "DEBUG PROTOCOL double",
    "DEBUG DIGEST",
    "DEBUG POPULATE 3 p",
    "DEBUG POPULATE 2 p 20",
    "DEBUG ERROR 'X y'",
    "DEBUG NOPE",
    "DEBUG HELP",
    "NOPE",
    "NOPE a\rb",
    "GET",
    "PING",
    "PING a",
    "PING a b",
    "ECHO x",
    "*x\r",
    "*1\r\n:1\r",
    "*11\r",
    "*0\r",
    "*1\r\n$20000\r",
    "'",
    "",
    "POST / HTTP",
    "*1\r\n$2000000\r",
    "SHUTDOWN ABORT",
    "SHUTDOWN NOPE",
    "LCS K K IDX",
    "LCS K K",
    "SUBSTR K 0 -1",
    "UNLINK K",
    "MSET K N K N",
];

/// More of them, that hold clients back.
const PAUSES: &[&str] = &[
    "CLIENT PAUSE T",
    "CLIENT PAUSE T WRITE",
    "CLIENT PAUSE T ALL",
    "CLIENT UNPAUSE",
    "DEBUG SLEEP 0.01",
    "CLIENT PAUSE -1",
    "CLIENT PAUSE 1 x",
];

fn odd_line(random: &mut ChaCha8Rng, has_pauses: bool) -> Vec<u8> {
    let template = match random.random_range(0..10) {
        0 if has_pauses => PAUSES[random.random_range(0..PAUSES.len())],
        _ => ODD[random.random_range(0..ODD.len())],
    };
    let mut line = String::new();
    for word in template.split(' ') {
        let word = match word {
            "K" => format!("k{}", random.random_range(0..12)),
            "T" => random.random_range(1..400).to_string(),
            "N" => random.random_range(-3..600).to_string(),
            "I" => random.random_range(1..20).to_string(),
            other => other.replace("\\r", "\r").replace("\\n", "\n").replace("\\x20", " "),
        };
        line = if line.is_empty() { word } else { format!("{line} {word}") };
    }
    line.push('\n');
    line.into_bytes()
}

fn check_odd_requests(has_pauses: bool, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut all = Effects::start(seed);
        all.is_paused_now_and_then = has_pauses;
        for _ in 0..2_000 {
            // In which order those who waited go on is not known here, so only one may wait.
            let client = if has_pauses { 0 } else { random.random_range(0..NAMES.len()) };
            let line = odd_line(&mut random, has_pauses);
            // Nobody can be asked anything while the server sleeps or the client waits.
            let rarity = if has_pauses { 3 } else { 20 };
            if random.random_ratio(1, rarity) || all.model.is_asleep(all.clock) {
                // Whoever waits goes on at its millisecond, and so must the model.
                for _ in 0..random.random_range(0..300) {
                    all.nap(1);
                    all.catch_up();
                }
            }
            all.say(client, &line, &mut random);
            if all.model.unparsed_len(all.ids[client]) > 0 && random.random_ratio(1, 8) {
                all.leave(client);
            }
        }
        assert!(all.count > 1_000);
    }
}

/// Requests of all kinds, among them nonsense, in pieces, with time passing: every reply and effect is right.
#[test]
fn odd_requests() {
    check_odd_requests(false, 0..12);
}

/// The same with pauses; then it is not known which effects belong to which request.
#[test]
fn odd_requests_and_pauses() {
    check_odd_requests(true, 0..12);
}

/// A core whose effects are known command by command.
struct Effects {
    server: SimServer,
    model: Model,
    clock: Clock,
    count: usize,
    seed: u64,
    ids: [ClientId; 3],
    next_client: u32,
    is_paused_now_and_then: bool,
}

const NAMES: [&str; 3] = ["A", "B", "C"];

impl Effects {
    fn start(seed: u64) -> Effects {
        let mut server = SimServer::start(&ServerSetup::default(), Delivery::Whole, seed).unwrap();
        server.world().core().record_propagation(true);
        let clock = Clock { wall_us: server.world().wall().0, ..START };
        let directives = [("enable-debug-command".to_owned(), vec!["yes".to_owned()])];
        let model = Model::new(&directives, clock).unwrap();
        let ids = [ClientId(0); 3];
        let mut all = Effects {
            server,
            model,
            clock,
            count: 0,
            seed,
            ids,
            next_client: 0,
            is_paused_now_and_then: false,
        };
        (0..NAMES.len()).for_each(|index| all.connect(index));
        all
    }

    fn round(&mut self, maker: &mut Maker) {
        let client = maker.below(NAMES.len());
        match maker.round() {
            Round::Pipeline(calls) => calls.iter().for_each(|call| drop(self.ask(client, &call.words))),
            Round::Scan(options) => self.scan(client, &options),
            Round::RandomKey => drop(self.ask(client, &[b"RANDOMKEY".to_vec()])),
            Round::Quit => self.nap(maker.below(2_000)),
        }
    }

    /// Time passes, and what has expired goes.
    fn nap(&mut self, ms: usize) {
        let time = Duration::from_millis(ms as u64);
        self.server.advance(time);
        let us = u64::try_from(time.as_micros()).unwrap();
        self.clock = Clock { wall_us: self.clock.wall_us + us, monotonic_us: self.clock.monotonic_us + us };
        let effects = self.server.world().core().take_propagated();
        if self.is_paused_now_and_then {
            return;
        }
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

    /// Sends a line in pieces; the model is told what happened as a driver tells it. Whatever is left to do is done.
    fn say(&mut self, client: usize, line: &[u8], random: &mut ChaCha8Rng) {
        let (name, id) = (NAMES[client], self.ids[client]);
        let mut rest = line;
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(random.random_range(1..=rest.len()));
            self.server.send(name, piece).unwrap();
            self.model.deliver(id, piece);
            rest = behind;
        }
        self.catch_up();
    }

    fn catch_up(&mut self) {
        let mut effects = Some(self.server.world().core().take_propagated());
        let ready = |model: &Model, clock| {
            let is_ready = |id: &&ClientId| model.has_request(**id) && !model.is_held_back(**id, clock);
            self.ids.iter().find(is_ready).copied()
        };
        while let Some(id) = ready(&self.model, self.clock) {
            self.count += 1;
            let own = if self.is_paused_now_and_then { None } else { effects.take() };
            let executed = self.model.execute(id, self.clock, own.as_deref());
            assert_eq!(executed, Ok(()), "seed {}: {}", self.seed, self.model.last_request(id));
        }
        for (index, name) in NAMES.into_iter().enumerate() {
            let id = self.ids[index];
            let received = self.server.receive(name, 0, false).unwrap();
            let bytes: Vec<u8> = received.replies.iter().flat_map(Reply::to_bytes).collect();
            let context = format!("seed {}, {name}: {}", self.seed, self.model.last_request(id));
            if let Err(found) = self.model.receive(id, &bytes) {
                panic!("{context}: {}: {}", found.site, found.text);
            }
            assert!(
                self.model.is_asleep(self.clock) || !self.model.is_owed(id),
                "{context}: something is owed"
            );
            let is_late = self.model.is_asleep(self.clock);
            assert!(is_late || received.closed == self.model.is_ending(id), "{context}: the end");
            if received.closed {
                self.model.disconnect(id);
                self.connect(index);
            }
        }
    }

    /// A client goes in the middle of a request, or while it waits, and another one comes.
    fn leave(&mut self, index: usize) {
        self.server.close(NAMES[index]).unwrap();
        self.model.disconnect(self.ids[index]);
        self.connect(index);
    }

    fn connect(&mut self, index: usize) {
        self.server.connect(NAMES[index]).unwrap();
        self.ids[index] = ClientId(self.next_client);
        self.next_client += 1;
        self.model.connect(self.ids[index], &self.server.address(NAMES[index]), self.clock);
    }

    fn ask(&mut self, client: usize, words: &[Vec<u8>]) -> Option<Reply> {
        self.count += 1;
        let (name, id) = (NAMES[client], self.ids[client]);
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
