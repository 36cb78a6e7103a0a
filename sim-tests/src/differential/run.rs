//! Plays rounds against both servers and compares; the model judges the oracle's replies too.

use super::compare::{Rule, is_known_otherwise, modernised};
use super::limits::{Limit, Setups};
use super::round::Round;
use super::table;
use crate::model::{ClientId, Clock, Divergence, Model};
use crate::real::{RealServer, wall_us};
use crate::reply::{Reply, encode_command};
use crate::sim::SimServer;
use crate::transcript::parse::ServerSetup;
use crate::transcript::play::Stage;
use crate::transcript::text::quote;
use crate::workload::{Call, Maker, Mix, is_compared, uncovered};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rotom_io_sim::Delivery;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use std::time::Instant;

/// What a run does.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Everything that is sent follows from it.
    pub seed: u64,
    /// How many commands, at least.
    pub commands: usize,
    /// The oracle takes the first free one of these ports.
    pub ports: Range<u16>,
    /// Into which pieces the core's input is cut.
    pub delivery: Delivery,
    /// Whether to keep everything that is sent, for a report.
    pub keep_history: bool,
}

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Commands that were sent.
    pub commands: usize,
    /// Of them, how many were answered with an error.
    pub errors: usize,
    /// How often the state was compared with the one rebuilt from the log.
    pub digests: usize,
    /// Keys that were compared at the end.
    pub keys: usize,
    /// Replies of the oracle that the model found right.
    pub judged: usize,
    /// Replies of the oracle that the model does not judge, because Redis 7.2 answers otherwise.
    pub excused: usize,
}

/// Two replies that are not alike, or a state that is not the one the log leads to.
#[derive(Clone, Debug)]
pub struct Mismatch {
    /// What happened, over several lines.
    pub report: String,
    /// Everything that was sent, as the steps of a transcript, if it was kept; but for iterations with SCAN and
    /// for RANDOMKEY, which change nothing.
    pub history: String,
}

/// The connections, by name; every second one begins with RESP3.
const CONNECTIONS: [&str; 4] = ["A", "B", "C", "D"];

/// Who compares the keyspace at the end.
const JUDGE: &str = "J";

/// Commands between two comparisons of the state with the one rebuilt from the log.
const DIGEST_EVERY: usize = 2_000;

/// So many commands are enough for each of those that are compared to succeed.
const COVERING: usize = 100_000;

/// Calls of SCAN that one iteration may take.
const SCAN_CALLS_MAX: usize = 200_000;

/// How far the oracle's clock may be off, in milliseconds.
const CLOCK_TOLERANCE_MS: i64 = 1_500;

/// Tolerance for expiry times of the same key.
const EXPIRY_TOLERANCE: Rule = Rule::Within(CLOCK_TOLERANCE_MS);

/// Bytes of a command or reply that a report shows.
const REPORTED_BYTES_MAX: usize = 600;

/// Plays random commands against both servers.
///
/// # Errors
/// The first mismatch.
pub fn run(settings: &Settings) -> Result<Summary, Mismatch> {
    let failed = |report: String| Mismatch { report, history: String::new() };
    let uncovered = uncovered(rotom_core::commands::all().map(|command| command.name));
    if !uncovered.is_empty() {
        return Err(failed(format!("neither a generator nor a reason to have none: {uncovered:?}")));
    }
    let mix = Mix::lasting();
    let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(settings.seed));
    let setups = Setups::draw(&mut maker);
    let mut duel = Duel::new(settings, &setups).map_err(failed)?;
    let outcome = duel.fight(&mut maker, settings.commands);
    outcome.map(|()| duel.summary).map_err(|report| {
        let mut report = format!("seed {}, command {}: {report}", settings.seed, duel.summary.commands);
        let history = std::mem::take(&mut duel.history);
        // Often the reason lies further back, and shows in the data.
        if let Err(difference) = duel.compare_keys() {
            report.push_str(&difference);
        }
        Mismatch { report, history }
    })
}

/// Both servers, a third that lives on the core's log of effects, and the model, which judges the oracle.
struct Duel {
    oracle: RealServer,
    core: SimServer,
    follower: SimServer,
    witness: Witness,
    summary: Summary,
    digested_at: usize,
    synchronised_at: Instant,
    /// Commands that were answered with something else than an error.
    answered: BTreeSet<String>,
    history: String,
    keeps_history: bool,
}

/// The follower's only connection.
const LOG: &str = "L";

impl Duel {
    fn new(settings: &Settings, setups: &Setups) -> Result<Duel, String> {
        let oracle = RealServer::start(settings.ports.clone(), &setups.old)?;
        let core = SimServer::start(&setups.new, settings.delivery, settings.seed)?;
        let follower = SimServer::start(&setups.new, Delivery::Whole, !settings.seed)?;
        let mut duel = Duel {
            oracle,
            core,
            follower,
            witness: Witness::new(&setups.new)?,
            summary: Summary::default(),
            digested_at: 0,
            synchronised_at: Instant::now(),
            answered: BTreeSet::new(),
            history: String::new(),
            keeps_history: settings.keep_history,
        };
        for directive in &setups.old.directives {
            let _ = writeln!(duel.history, "server {}", directive.join(" "));
        }
        duel.core.world().core().record_propagation(true);
        duel.follower.connect(LOG)?;
        duel.connect(JUDGE)?;
        duel.same(JUDGE, &["DEBUG", "SET-ACTIVE-EXPIRE", "0"])?;
        for (index, name) in CONNECTIONS.into_iter().enumerate() {
            duel.connect(name)?;
            if index % 2 == 1 {
                duel.ask(name, &[Call { words: words(&["HELLO", "3"]), rule: Rule::Handshake }])?;
            }
        }
        Ok(duel)
    }

    fn fight(&mut self, maker: &mut Maker<'_>, commands: usize) -> Result<(), String> {
        self.compare_tables()?;
        while self.summary.commands < commands {
            let name = CONNECTIONS[maker.below(CONNECTIONS.len())];
            match Round::draw(maker) {
                Round::Pipeline(calls) => drop(self.ask(name, &calls)?),
                Round::Scan(options) => self.scan(name, &options)?,
                Round::RandomKey => self.random_key(name)?,
                Round::Quit => self.quit(name)?,
                Round::Limit(limit) => self.set_limit(limit)?,
            }
            if self.summary.commands >= self.digested_at + DIGEST_EVERY {
                self.compare_digests()?;
            }
        }
        self.compare_digests()?;
        self.compare_keyspaces()?;
        let is_missing = |name: &&str| is_compared(name) && !self.answered.contains(*name);
        let missing: Vec<&str> =
            rotom_core::commands::all().map(|command| command.name).filter(is_missing).collect();
        if commands >= COVERING && !missing.is_empty() {
            return Err(format!("never answered but with an error: {missing:?}"));
        }
        Ok(())
    }

    fn connect(&mut self, name: &str) -> Result<(), String> {
        self.oracle.connect(name)?;
        self.core.connect(name)?;
        let id = Duel::ask_one(&mut self.oracle, name, &words(&["CLIENT", "ID"]))?;
        let Reply::Integer(id) = id else { return Err(format!("CLIENT ID answers {id:?}")) };
        self.witness.connect(name, &self.oracle.address(name), id);
        Ok(())
    }

    /// Changes a parameter; the oracle does not have all of them.
    fn set_limit(&mut self, limit: Limit) -> Result<(), String> {
        let text = ["CONFIG", "SET", limit.name, limit.value];
        if limit.is_old {
            return self.same(JUDGE, &text).map(drop);
        }
        let call = Call { words: words(&text), rule: Rule::Exact };
        let reply = Duel::ask_one(&mut self.core, JUDGE, &call.words)?;
        self.judge(JUDGE, &call, &reply)
    }

    /// Has the model judge what the oracle answered to a command.
    fn judge(&mut self, name: &str, call: &Call, reply: &Reply) -> Result<(), String> {
        let is_excused = call.rule != Rule::Encoding && is_known_otherwise(call.rule, reply);
        if self.witness.hear(name, call, reply, is_excused)? {
            self.summary.judged += 1;
        } else {
            self.summary.excused += 1;
        }
        Ok(())
    }

    /// Lets the core's time pass as the oracle's has.
    fn synchronise(&mut self) {
        let elapsed = self.synchronised_at.elapsed();
        self.synchronised_at += elapsed;
        self.core.world().advance(elapsed);
        let wall_us = u64::try_from(wall_us()).unwrap_or_default();
        self.core.set_wall_us(wall_us);
        self.witness.clock.wall_us = wall_us;
        self.witness.clock.monotonic_us += u64::try_from(elapsed.as_micros()).unwrap_or_default();
    }

    /// Sends commands to both and compares the replies; returns the oracle's.
    fn ask(&mut self, name: &str, calls: &[Call]) -> Result<Vec<Reply>, String> {
        let bytes: Vec<u8> = calls.iter().flat_map(|call| encode_command(&call.words)).collect();
        let first = self.summary.commands;
        if self.keeps_history {
            self.note(name, calls);
        }
        self.synchronise();
        self.oracle.send(name, &bytes)?;
        self.core.send(name, &bytes)?;
        let oracle = self.oracle.receive(name, calls.len(), false)?;
        let core = self.core.receive(name, calls.len(), false)?;
        for (index, call) in calls.iter().enumerate() {
            self.summary.commands += 1;
            let (expected, found) = (oracle.replies.get(index), core.replies.get(index));
            let fits = match (expected, found) {
                (Some(expected), Some(found)) => call.rule.accepts(expected, found),
                _ => false,
            };
            if !fits {
                let shown =
                    |reply: Option<&Reply>| reply.map_or("no reply".into(), |reply| show(&reply.to_bytes()));
                return Err(format!(
                    "connection {name}, number {index} of a pipeline of {} that began with command {first}\n  \
                     command {}\n  redis   {}\n  core    {}\n",
                    calls.len(),
                    show(&encode_command(&call.words)),
                    shown(expected),
                    shown(found)
                ));
            }
            if let (Some(expected), Some(found)) = (expected, found) {
                let judged = call.rule.judged(expected, found);
                self.judge(name, call, judged).map_err(|report| match judged == expected {
                    true => report,
                    false => format!("{report}\n(redis {})", show(&expected.to_bytes())),
                })?;
            }
            let is_error = expected.is_some_and(Reply::is_error);
            self.summary.errors += usize::from(is_error);
            if !is_error {
                self.answered.insert(String::from_utf8_lossy(&call.words[0]).to_ascii_lowercase());
            }
        }
        if oracle.closed != core.closed || core.replies.len() != calls.len() {
            return Err(format!(
                "connection {name}: {} replies to {} commands; closed: redis {}, core {}",
                core.replies.len(),
                calls.len(),
                oracle.closed,
                core.closed
            ));
        }
        Ok(oracle.replies)
    }

    fn same(&mut self, name: &str, text: &[&str]) -> Result<Reply, String> {
        let replies = self.ask(name, &[Call { words: words(text), rule: Rule::Exact }])?;
        replies.into_iter().next().ok_or_else(|| "no reply".into())
    }

    /// What one server alone answers.
    fn ask_one(stage: &mut dyn Stage, name: &str, words: &[Vec<u8>]) -> Result<Reply, String> {
        stage.send(name, &encode_command(words))?;
        let received = stage.receive(name, 1, false)?;
        received.replies.into_iter().next().ok_or_else(|| "no reply".into())
    }

    fn scan(&mut self, name: &str, options: &[Vec<u8>]) -> Result<(), String> {
        self.synchronise();
        let mut pages = Vec::new();
        let expected = scan_all(&mut self.oracle, name, options, &mut |words, reply| {
            pages.push((Call { words: words.to_vec(), rule: Rule::Exact }, reply.clone()));
        })?;
        let found = scan_all(&mut self.core, name, options, &mut |_, _| {})?;
        self.summary.commands += 1;
        self.answered.insert("scan".to_owned());
        for (call, reply) in &pages {
            self.judge(name, call, reply)?;
        }
        if expected == found {
            return Ok(());
        }
        let missing = expected.difference(&found).next();
        let extra = found.difference(&expected).next();
        Err(format!("SCAN {options:?}: the core misses {missing:?} and has {extra:?}"))
    }

    /// Each server picks a key; the other must have it.
    fn random_key(&mut self, name: &str) -> Result<(), String> {
        let random_key = words(&["RANDOMKEY"]);
        let expected = Duel::ask_one(&mut self.oracle, name, &random_key)?;
        let found = Duel::ask_one(&mut self.core, name, &random_key)?;
        self.summary.commands += 1;
        self.judge(name, &Call { words: random_key, rule: Rule::Exact }, &expected)?;
        let picked = |reply: &Reply| match reply {
            Reply::Bulk(key) => Some(key.clone()),
            _ => None,
        };
        match (picked(&expected), picked(&found)) {
            (None, None) if expected == found => Ok(()),
            (Some(key), Some(other)) => {
                for key in [key, other] {
                    let call = Call { words: vec![b"EXISTS".to_vec(), key.clone()], rule: Rule::Exact };
                    if self.ask(name, &[call])? != [Reply::Integer(1)] {
                        return Err(format!("RANDOMKEY gave {}, which is not there", show(&key)));
                    }
                }
                Ok(())
            }
            _ => Err(format!("RANDOMKEY: redis {expected:?}, core {found:?}")),
        }
    }

    fn quit(&mut self, name: &str) -> Result<(), String> {
        let bytes = encode_command(&["QUIT"]);
        let play = |stage: &mut dyn Stage| {
            stage.send(name, &bytes)?;
            stage.receive(name, 1, true)
        };
        let (expected, found) = (play(&mut self.oracle)?, play(&mut self.core)?);
        self.summary.commands += 1;
        for reply in &expected.replies {
            self.judge(name, &Call { words: words(&["QUIT"]), rule: Rule::Exact }, reply)?;
        }
        self.connect(name)?;
        if self.keeps_history {
            let _ = writeln!(self.history, "{name}> QUIT\n+OK\n(closed)\nclose {name}");
        }
        if expected == found { Ok(()) } else { Err(format!("QUIT: redis {expected:?}, core {found:?}")) }
    }

    /// Compares what is said of all commands.
    fn compare_tables(&mut self) -> Result<(), String> {
        let names: Vec<Vec<u8>> =
            rotom_core::commands::all().map(|command| command.name.as_bytes().to_vec()).collect();
        let info: Vec<Vec<u8>> = words(&["COMMAND", "INFO"]).into_iter().chain(names.clone()).collect();
        let docs: Vec<Vec<u8>> = words(&["COMMAND", "DOCS"]).into_iter().chain(names).collect();
        let of_oracle = [&info, &docs].map(|words| Duel::ask_one(&mut self.oracle, JUDGE, words));
        let of_core = [&info, &docs].map(|words| Duel::ask_one(&mut self.core, JUDGE, words));
        let ([info, docs], [own_info, own_docs]) = (of_oracle, of_core);
        table::compare([&info?, &docs?], [&own_info?, &own_docs?])
    }

    /// Feeds the core's effects to the follower; both must then hold the same.
    fn compare_digests(&mut self) -> Result<(), String> {
        self.digested_at = self.summary.commands;
        self.summary.digests += 1;
        let log = self.core.world().core().take_propagated();
        self.follower.set_wall_us(self.core.world().wall().0);
        self.follower.send(LOG, &log)?;
        let replies = self.follower.receive(LOG, 0, false)?.replies;
        if let Some(error) = replies.iter().find(|reply| reply.is_error()) {
            return Err(format!("the log of effects is answered with {error:?}"));
        }
        let (own, rebuilt) = (self.core.world().core().digest(), self.follower.world().core().digest());
        if own == rebuilt {
            return Ok(());
        }
        let difference = self.first_difference_to_follower()?;
        Err(format!("the state is not the one its log of effects leads to: {difference}"))
    }

    /// Finds a key the follower holds otherwise.
    fn first_difference_to_follower(&mut self) -> Result<String, String> {
        for index in 0..16 {
            let select = words(&["SELECT", &index.to_string()]);
            Duel::ask_one(&mut self.core, JUDGE, &select)?;
            Duel::ask_one(&mut self.follower, LOG, &select)?;
            let mut keys = scan_all(&mut self.core, JUDGE, &[], &mut |_, _| {})?;
            keys.extend(scan_all(&mut self.follower, LOG, &[], &mut |_, _| {})?);
            for key in keys {
                let of_type = words(&["TYPE"]).into_iter().chain([key.clone()]).collect::<Vec<_>>();
                let kind = Duel::ask_one(&mut self.core, JUDGE, &of_type)?;
                for Call { words: question, .. } in questions(&kind, &key) {
                    if question[0] == b"OBJECT" {
                        // INCRBYFLOAT leaves a text where SET, as which it is propagated, makes an integer.
                        continue;
                    }
                    let own = Duel::ask_one(&mut self.core, JUDGE, &question)?;
                    let rebuilt = Duel::ask_one(&mut self.follower, LOG, &question)?;
                    if own != rebuilt {
                        return Ok(format!(
                            "database {index}, {}: core {}, rebuilt {}",
                            show(&encode_command(&question)),
                            show(&own.to_bytes()),
                            show(&rebuilt.to_bytes())
                        ));
                    }
                }
            }
        }
        Ok("no key shows how".into())
    }

    /// Compares which keys there are, and asks the model nothing.
    fn compare_keys(&mut self) -> Result<(), String> {
        for index in 0..16 {
            let select = words(&["SELECT", &index.to_string()]);
            Duel::ask_one(&mut self.oracle, JUDGE, &select)?;
            Duel::ask_one(&mut self.core, JUDGE, &select)?;
            let expected = scan_all(&mut self.oracle, JUDGE, &[], &mut |_, _| {})?;
            let found = scan_all(&mut self.core, JUDGE, &[], &mut |_, _| {})?;
            if let Some(key) = expected.symmetric_difference(&found).next() {
                return Err(format!("in database {index}, only one of them has the key {}\n", show(key)));
            }
        }
        Ok(())
    }

    /// Compares every key of every database.
    fn compare_keyspaces(&mut self) -> Result<(), String> {
        for index in 0..16 {
            self.same(JUDGE, &["SELECT", &index.to_string()])?;
            self.same(JUDGE, &["DBSIZE"])?;
            self.scan(JUDGE, &[])?;
            for key in scan_all(&mut self.oracle, JUDGE, &[], &mut |_, _| {})? {
                let of_type = Call { words: vec![b"TYPE".to_vec(), key.clone()], rule: Rule::Exact };
                let kind = self.ask(JUDGE, &[of_type])?.remove(0);
                self.ask(JUDGE, &questions(&kind, &key))?;
                self.summary.keys += 1;
            }
        }
        Ok(())
    }

    fn note(&mut self, name: &str, calls: &[Call]) {
        for (index, call) in calls.iter().enumerate() {
            let arrow = if index + 1 == calls.len() { ">" } else { ">>" };
            let _ = write!(self.history, "{name}{arrow}");
            for word in &call.words {
                let _ = write!(self.history, " {}", quote(word));
            }
            self.history.push('\n');
        }
    }
}

/// The model beside the oracle: it is told everything that the oracle is asked and answers.
pub(super) struct Witness {
    model: Model,
    clients: BTreeMap<String, ClientId>,
    /// The commands that each client has queued.
    queued: BTreeMap<String, Vec<Vec<Vec<u8>>>>,
    /// Clients so far.
    count: u32,
    pub(super) clock: Clock,
}

impl Witness {
    pub(super) fn new(setup: &ServerSetup) -> Result<Witness, String> {
        let mut directives = vec![("enable-debug-command".to_owned(), vec!["yes".to_owned()])];
        directives.extend(setup.directives.iter().map(|words| (words[0].clone(), words[1..].to_vec())));
        let wall_us = u64::try_from(wall_us()).unwrap_or_default();
        let clock = Clock { wall_us, monotonic_us: 0 };
        let mut model = Model::new(&directives, clock)?;
        model.set_tolerance_ms(CLOCK_TOLERANCE_MS);
        Ok(Witness { model, clients: BTreeMap::new(), queued: BTreeMap::new(), count: 0, clock })
    }

    pub(super) fn connect(&mut self, name: &str, address: &str, id: i64) {
        let client = ClientId(self.count);
        self.count += 1;
        if let Some(gone) = self.clients.insert(name.to_owned(), client) {
            self.model.disconnect(gone);
        }
        self.model.set_next_id(id);
        self.model.connect(client, address, self.clock);
    }

    /// Whether the reply was judged, not excused; an error if it is not the model's.
    pub(super) fn hear(
        &mut self,
        name: &str,
        call: &Call,
        reply: &Reply,
        is_excused: bool,
    ) -> Result<bool, String> {
        let client = self.clients[name];
        let wrong = |found: Divergence| {
            format!("the model finds a reply wrong ({}), connection {name}: {}", found.site, found.text)
        };
        self.model.deliver(client, &encode_command(&call.words));
        self.model.execute(client, self.clock, None).map_err(wrong)?;
        if is_excused {
            self.model.excuse(client);
            return Ok(false);
        }
        let modern = self.modernised(name, call, reply);
        self.model.receive(client, &modern.to_bytes()).map_err(wrong)?;
        if self.model.is_owed(client) {
            return Err(format!("the model expects more than the oracle's {}", show(&reply.to_bytes())));
        }
        Ok(true)
    }
}

impl Witness {
    /// The oracle's reply as Redis 7.2 would give it.
    fn modernised(&mut self, name: &str, call: &Call, reply: &Reply) -> Reply {
        let command = &call.words[0];
        let queued = self.queued.entry(name.to_owned()).or_default();
        if *reply == Reply::Simple(b"QUEUED".to_vec()) {
            queued.push(call.words.clone());
        } else if !reply.is_error()
            && (command.eq_ignore_ascii_case(b"exec") || command.eq_ignore_ascii_case(b"multi"))
        {
            let queued = std::mem::take(queued);
            if let Reply::Array(replies) = reply {
                let pairs = queued.iter().zip(replies);
                return Reply::Array(pairs.map(|(words, reply)| modernised(words, reply)).collect());
            }
        }
        modernised(&call.words, reply)
    }
}

/// What is asked about a key of this type when two states are compared.
fn questions(kind: &Reply, key: &[u8]) -> Vec<Call> {
    let (content, rest, rule): (&str, &[&str], Rule) = match kind {
        Reply::Simple(name) if name == b"list" => ("LRANGE", &["0", "-1"], Rule::Exact),
        Reply::Simple(name) if name == b"hash" => ("HGETALL", &[], Rule::Pairs),
        Reply::Simple(name) if name == b"set" => ("SMEMBERS", &[], Rule::Multiset),
        Reply::Simple(name) if name == b"zset" => ("ZRANGE", &["0", "-1", "WITHSCORES"], Rule::Scores),
        _ => ("GET", &[], Rule::Exact),
    };
    let question = |before: &[&str], after: &[&str], rule| {
        let words = words(before).into_iter().chain([key.to_vec()]).chain(words(after)).collect();
        Call { words, rule }
    };
    vec![
        question(&["TYPE"], &[], Rule::Exact),
        question(&[content], rest, rule),
        question(&["PEXPIRETIME"], &[], EXPIRY_TOLERANCE),
        question(&["OBJECT", "ENCODING"], &[], Rule::Encoding),
    ]
}

pub(super) fn words(text: &[&str]) -> Vec<Vec<u8>> {
    text.iter().map(|word| word.as_bytes().to_vec()).collect()
}

/// A whole iteration; `seen` is told of every call and its reply.
fn scan_all(
    stage: &mut dyn Stage,
    name: &str,
    options: &[Vec<u8>],
    seen: &mut dyn FnMut(&[Vec<u8>], &Reply),
) -> Result<BTreeSet<Vec<u8>>, String> {
    let mut keys = BTreeSet::new();
    let mut cursor = b"0".to_vec();
    for _ in 0..SCAN_CALLS_MAX {
        let mut words = vec![b"SCAN".to_vec(), cursor.clone()];
        words.extend_from_slice(options);
        let reply = Duel::ask_one(stage, name, &words)?;
        seen(&words, &reply);
        let Reply::Array(pair) = &reply else { return Err(format!("SCAN answers {reply:?}")) };
        let [Reply::Bulk(next), Reply::Array(found)] = pair.as_slice() else {
            return Err(format!("SCAN answers {reply:?}"));
        };
        keys.extend(
            found.iter().filter_map(|key| if let Reply::Bulk(key) = key { Some(key.clone()) } else { None }),
        );
        if next == b"0" {
            return Ok(keys);
        }
        cursor.clone_from(next);
    }
    Err("SCAN does not come to its end".into())
}

pub(super) fn show(bytes: &[u8]) -> String {
    let shown = bytes[..bytes.len().min(REPORTED_BYTES_MAX)].escape_ascii();
    if bytes.len() > REPORTED_BYTES_MAX {
        format!("{shown}… ({} bytes)", bytes.len())
    } else {
        shown.to_string()
    }
}
