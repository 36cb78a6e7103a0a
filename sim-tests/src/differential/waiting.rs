//! Clients that wait, of a real redis-server and of the core at the same time.
//!
//! Six clients send commands that wait at a few keys, while a seventh does to these keys whatever can serve them,
//! change their type or take them away. After every step what each client was told is compared to the byte, and at
//! the end of every scene, when nobody waits any more, what the keys hold.
//!
//! Where a client is served otherwise since Redis 7.2 the scene ends ([`End::RunAnew`]): from there on the keys differ.
//! And two things that Redis does are left out:
//!
//! * It wakes nobody when a key is overwritten (SORT … STORE, ZUNIONSTORE …) with what a client waits for that had waited
//!   beside a value of another type. The core does. So what is stored to was deleted before.
//! * After SWAPDB it serves keys in the order of its table. So there is one who waits at most.
//!
//! Nobody waits for time to pass, so that no clock plays a part. When the oracle has answered a few PINGs that were sent
//! after a step, nothing more comes of that step.

use super::run::{Mismatch, Settings};
use crate::real::RealServer;
use crate::reply::{Reply, encode_command};
use crate::sim::SimServer;
use crate::transcript::parse::ServerSetup;
use crate::transcript::play::{Received, Stage};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// What a run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Commands that were sent, but for those that only look.
    pub commands: usize,
    /// Of them, how many were not answered at once.
    pub waited: usize,
    /// Of those that waited, how many were told to stop.
    pub unblocked: usize,
    /// Scenes, after each of which the keys were compared.
    pub scenes: usize,
    /// Of them, how many ended early where Redis 7.2 is known to answer otherwise.
    pub excused: usize,
}

/// Why a scene does not go on.
enum End {
    /// The servers differ.
    Difference(String),
    /// Since 7.2 a client that is served runs its command anew, while 7.0 gives it what it is woken for. So it gets
    /// something from a key that it names before that one, if that has something by then too, or it is refused if such a
    /// key is of another type.
    RunAnew,
}

impl From<String> for End {
    fn from(difference: String) -> End {
        End::Difference(difference)
    }
}

/// Clients that wait. Every second one speaks RESP3, and the last one uses another database.
const WAITERS: [&str; 6] = ["A", "B", "C", "D", "E", "F"];

/// Who serves them.
const WORKER: &str = "W";

/// Who looks on.
const JUDGE: &str = "J";

const LISTS: [&str; 3] = ["q0", "q1", "q2"];
const SETS: [&str; 3] = ["z0", "z1", "z2"];
const DATABASES: [&str; 2] = ["0", "1"];

/// Steps of one scene.
const STEPS_MAX: usize = 60;

/// Every client may have something to do that only begins when the one before it was served, and then its answer has to
/// go out.
const PINGS: usize = WAITERS.len() + 2;

/// Rounds in which everybody is told to wait no more; each may have sent so many commands.
const UNBLOCK_ROUNDS_MAX: usize = 100;

type Command = Vec<String>;

/// Plays clients that wait against both servers.
///
/// # Errors
/// The first difference.
pub fn wait(settings: &Settings) -> Result<Waits, Mismatch> {
    let failed = |report: String| Mismatch { report, history: String::new() };
    let mut vigil = Vigil::new(settings).map_err(failed)?;
    while vigil.waits.commands < settings.commands {
        vigil.scene.clear();
        let ended = match vigil.play_scene() {
            Err(End::RunAnew) => vigil.start_over(),
            Err(End::Difference(difference)) => Err(difference),
            Ok(()) => Ok(()),
        };
        ended.map_err(|report| {
            failed(format!("seed {}, scene {}:\n{}{report}", settings.seed, vigil.waits.scenes, vigil.scene))
        })?;
        vigil.waits.scenes += 1;
    }
    Ok(vigil.waits)
}

struct Vigil {
    oracle: RealServer,
    core: SimServer,
    random: ChaCha8Rng,
    waits: Waits,
    waiters: Vec<Waiter>,
    /// What was sent and answered since the scene began.
    scene: String,
}

/// A client that waits now and then.
struct Waiter {
    name: &'static str,
    /// Its number with the oracle, and with the core.
    ids: [i64; 2],
    /// Commands that were not answered yet.
    owed: VecDeque<Command>,
}

impl Vigil {
    fn new(settings: &Settings) -> Result<Vigil, String> {
        let setup = ServerSetup::default();
        let mut vigil = Vigil {
            oracle: RealServer::start(settings.ports.clone(), &setup)?,
            core: SimServer::start(&setup, settings.delivery, settings.seed)?,
            random: ChaCha8Rng::seed_from_u64(settings.seed),
            waits: Waits::default(),
            waiters: Vec::new(),
            scene: String::new(),
        };
        for name in [JUDGE, WORKER] {
            vigil.oracle.connect(name)?;
            vigil.core.connect(name)?;
        }
        for (index, name) in WAITERS.into_iter().enumerate() {
            vigil.waiters.push(Waiter { name, ids: [0; 2], owed: VecDeque::new() });
            vigil.connect(index)?;
        }
        Ok(vigil)
    }

    /// A waiter comes, or comes back.
    fn connect(&mut self, index: usize) -> Result<(), String> {
        let name = WAITERS[index];
        self.oracle.connect(name)?;
        self.core.connect(name)?;
        let ids =
            [ask(&mut self.oracle, name, &["CLIENT", "ID"])?, ask(&mut self.core, name, &["CLIENT", "ID"])?];
        let id =
            |reply: &Reply| if let Reply::Integer(id) = reply { Ok(*id) } else { Err("no id".to_owned()) };
        self.waiters[index].ids = [id(&ids[0])?, id(&ids[1])?];
        self.waiters[index].owed.clear();
        for stage in [&mut self.oracle as &mut dyn Stage, &mut self.core] {
            if index % 2 == 1 {
                ask(stage, name, &["HELLO", "3"])?;
            }
            if index + 1 == WAITERS.len() {
                ask(stage, name, &["SELECT", DATABASES[1]])?;
            }
        }
        Ok(())
    }

    fn play_scene(&mut self) -> Result<(), End> {
        for _ in 0..self.random.random_range(1..=STEPS_MAX) {
            let index = self.random.random_range(0..WAITERS.len());
            let difference = match self.random.random_range(0..20) {
                0..9 => self.send_waiter(index).map(|()| None)?,
                9 => self.unblock(index).map(|()| None)?,
                10 if self.random.random_ratio(1, 3) => self.replace(index).map(|()| None)?,
                _ => self.send_worker()?,
            };
            self.settle(difference)?;
        }
        self.unblock_all()?;
        self.compare_keys()?;
        if self.random.random_ratio(1, 2) {
            self.same(&["FLUSHALL"])?;
        }
        Ok(())
    }

    /// Everybody comes back as a new client, to a server that has no keys.
    fn start_over(&mut self) -> Result<(), String> {
        self.waits.excused += 1;
        for index in 0..WAITERS.len() {
            self.replace(index)?;
        }
        self.same(&["FLUSHALL"])
    }

    /// A client sends a command that may wait, and perhaps more behind it. One that waits rarely does.
    fn send_waiter(&mut self, index: usize) -> Result<(), String> {
        if !self.waiters[index].owed.is_empty() && !self.random.random_ratio(1, 8) {
            return Ok(());
        }
        let mut commands = vec![self.waiting()];
        while self.random.random_ratio(1, 5) {
            if self.random.random_ratio(1, 2) {
                commands.push(self.waiting());
            } else {
                commands.extend(self.change());
            }
        }
        self.waits.commands += commands.len();
        self.send(WAITERS[index], &commands)?;
        self.waiters[index].owed.extend(commands);
        Ok(())
    }

    /// Somebody changes the keys, perhaps in one transaction.
    /// Answers how the servers' replies differ.
    fn send_worker(&mut self) -> Result<Option<String>, String> {
        let mut commands = Vec::new();
        for _ in 0..self.random.random_range(1..=3) {
            commands.extend(self.change());
        }
        if self.waiters.iter().filter(|waiter| !waiter.owed.is_empty()).count() <= 1
            && self.random.random_ratio(1, 8)
        {
            commands.push(words(&["SWAPDB", DATABASES[0], DATABASES[1]]));
        }
        if self.random.random_ratio(1, 3) {
            if self.random.random_ratio(1, 3) {
                // Within a transaction nothing waits.
                commands.push(self.waiting());
            }
            commands.insert(0, words(&["MULTI"]));
            commands.push(words(&["EXEC"]));
        }
        self.waits.commands += commands.len();
        self.send(WORKER, &commands)?;
        let expected = self.oracle.receive(WORKER, commands.len(), false)?;
        let found = self.core.receive(WORKER, commands.len(), false)?;
        Ok(self.compare(WORKER, &expected, &found))
    }

    /// A client goes, and comes back as a new one.
    fn replace(&mut self, index: usize) -> Result<(), String> {
        let name = WAITERS[index];
        self.scene.push_str(&format!("close {name}\n"));
        self.oracle.close(name)?;
        self.core.close(name)?;
        for _ in 0..PINGS {
            ask(&mut self.oracle, JUDGE, &["PING"])?;
        }
        self.connect(index)
    }

    fn unblock(&mut self, index: usize) -> Result<(), String> {
        let how = ["", "TIMEOUT", "ERROR"][self.random.random_range(0..3)];
        let command = |id: i64| {
            let mut command = words(&["CLIENT", "UNBLOCK", &id.to_string()]);
            command.extend((!how.is_empty()).then(|| how.to_owned()));
            command
        };
        let [ours, theirs] = self.waiters[index].ids.map(command);
        self.scene.push_str(&format!("{JUDGE}> CLIENT UNBLOCK {} {how}\n", WAITERS[index]));
        let expected = ask(&mut self.oracle, JUDGE, &ours)?;
        let found = ask(&mut self.core, JUDGE, &theirs)?;
        self.waits.unblocked += usize::from(expected == Reply::Integer(1));
        if expected == found {
            Ok(())
        } else {
            Err(format!("CLIENT UNBLOCK: redis {expected:?}, core {found:?}"))
        }
    }

    /// Tells everybody to stop until nobody waits.
    fn unblock_all(&mut self) -> Result<(), End> {
        for _ in 0..UNBLOCK_ROUNDS_MAX {
            let Some(index) = self.waiters.iter().position(|waiter| !waiter.owed.is_empty()) else {
                return Ok(());
            };
            self.unblock(index)?;
            self.settle(None)?;
        }
        Err(End::Difference("somebody waits for ever".to_owned()))
    }

    fn send(&mut self, name: &str, commands: &[Command]) -> Result<(), String> {
        for command in commands {
            self.scene.push_str(&format!("{name}> {}\n", command.join(" ")));
        }
        let bytes: Vec<u8> = commands.iter().flat_map(|command| encode_command(command)).collect();
        self.oracle.send(name, &bytes)?;
        self.core.send(name, &bytes)
    }

    /// Compares what has come to each waiter since the last time. Something may differ already; why, waiters may tell.
    fn settle(&mut self, difference: Option<String>) -> Result<(), End> {
        for _ in 0..PINGS {
            ask(&mut self.oracle, JUDGE, &["PING"])?;
        }
        let mut differences = Vec::from_iter(difference);
        for index in 0..WAITERS.len() {
            let name = self.waiters[index].name;
            let expected = self.oracle.arrived(name)?;
            let found = self.core.receive(name, 0, false)?;
            let owed = &mut self.waiters[index].owed;
            if is_run_anew(owed, &expected.replies, &found.replies) {
                return Err(End::RunAnew);
            }
            if expected.replies.len() > owed.len() {
                return Err(End::Difference(format!("connection {name} is told more than it has asked")));
            }
            owed.drain(..expected.replies.len());
            self.waits.waited += usize::from(!owed.is_empty());
            differences.extend(self.compare(name, &expected, &found));
        }
        if differences.is_empty() { Ok(()) } else { Err(End::Difference(differences.join("\n"))) }
    }

    /// How the servers' replies to a client differ.
    fn compare(&mut self, name: &str, expected: &Received, found: &Received) -> Option<String> {
        for reply in &expected.replies {
            self.scene.push_str(&format!("{name}< {}\n", reply.to_bytes().escape_ascii()));
        }
        if expected == found {
            return None;
        }
        let shown = |received: &Received| {
            let replies: Vec<String> =
                received.replies.iter().map(|reply| reply.to_bytes().escape_ascii().to_string()).collect();
            format!("{replies:?}{}", if received.closed { ", closed" } else { "" })
        };
        Some(format!("connection {name}\n  redis   {}\n  core    {}", shown(expected), shown(found)))
    }

    fn compare_keys(&mut self) -> Result<(), String> {
        for database in DATABASES {
            for words in [&["SELECT", database][..], &["DBSIZE"]] {
                self.same(words)?;
            }
            for key in LISTS.iter().chain(&SETS) {
                self.same(&["TYPE", key])?;
                self.same(&["LRANGE", key, "0", "-1"])?;
                self.same(&["ZRANGE", key, "0", "-1", "WITHSCORES"])?;
            }
        }
        Ok(())
    }

    fn same(&mut self, words: &[&str]) -> Result<(), String> {
        let expected = ask(&mut self.oracle, JUDGE, words)?;
        let found = ask(&mut self.core, JUDGE, words)?;
        if expected == found {
            return Ok(());
        }
        Err(format!("{words:?}: redis {expected:?}, core {found:?}"))
    }
}

/// What is sent.
impl Vigil {
    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from.choose(&mut self.random).expect("the lists are constants, and none is empty")
    }

    /// A key of this kind, or now and then of the other.
    fn key(&mut self, usual: &[&'static str; 3], other: &[&'static str; 3]) -> &'static str {
        if self.random.random_ratio(1, 12) { self.pick(other) } else { self.pick(usual) }
    }

    fn list(&mut self) -> &'static str {
        self.key(&LISTS, &SETS)
    }

    fn set(&mut self) -> &'static str {
        self.key(&SETS, &LISTS)
    }

    fn any(&mut self) -> &'static str {
        if self.random.random_ratio(1, 2) { self.list() } else { self.set() }
    }

    fn element(&mut self) -> String {
        format!("e{}", self.random.random_range(0..6))
    }

    /// A command that waits if there is nothing for it.
    fn waiting(&mut self) -> Command {
        let time = self.pick(&["0", "0.0", "1000"]);
        let (name, takes_lists) = match self.random.random_range(0..9) {
            0..2 => ("BLPOP", true),
            2 => ("BRPOP", true),
            3 => {
                let (from, to) = (self.list(), self.list());
                let (end, other) = (self.pick(&["LEFT", "RIGHT"]), self.pick(&["LEFT", "RIGHT"]));
                return words(&["BLMOVE", from, to, end, other, time]);
            }
            4 => {
                let (from, to) = (self.list(), self.list());
                return words(&["BRPOPLPUSH", from, to, time]);
            }
            5 => ("BLMPOP", true),
            6 => ("BZPOPMIN", false),
            7 => ("BZPOPMAX", false),
            _ => ("BZMPOP", false),
        };
        let count = self.random.random_range(1..=3);
        let keys: Vec<&str> =
            (0..count).map(|_| if takes_lists { self.list() } else { self.set() }).collect();
        if !name.ends_with("MPOP") {
            return words(&[&[name][..], &keys, &[time]].concat());
        }
        let end = self.pick(if takes_lists { &["LEFT", "RIGHT"] } else { &["MIN", "MAX"] });
        let mut command = words(&[&[name, time, &count.to_string()][..], &keys, &[end]].concat());
        if self.random.random_ratio(1, 2) {
            command.extend(words(&["COUNT", &self.random.random_range(1..4).to_string()]));
        }
        command
    }

    /// Something is done to the keys, without waiting.
    fn change(&mut self) -> Vec<Command> {
        let command = self.changing();
        let target = match command[0].as_str() {
            "SORT" => command.last(),
            "ZRANGESTORE" | "ZUNIONSTORE" | "ZDIFFSTORE" => command.get(1),
            _ => None,
        };
        match target {
            Some(target) => vec![words(&["DEL", target]), command],
            None => vec![command],
        }
    }

    /// A command that does something to the keys and does not wait.
    fn changing(&mut self) -> Command {
        let (list, other_list, set, other_set) = (self.list(), self.list(), self.set(), self.set());
        let (key, other) = (self.any(), self.any());
        let (element, score) = (self.element(), self.random.random_range(0..5).to_string());
        let database = self.pick(&DATABASES);
        match self.random.random_range(0..40) {
            0..9 => {
                let mut command = words(&[self.pick(&["LPUSH", "RPUSH"]), list]);
                command.extend((0..self.random.random_range(1..=3)).map(|_| self.element()));
                command
            }
            9..16 => {
                let mut command = words(&["ZADD", set, &score, &element]);
                while self.random.random_ratio(1, 3) {
                    let score = self.random.random_range(0..5).to_string();
                    command.extend([score, self.element()]);
                }
                command
            }
            16 => words(&["ZINCRBY", set, "1", &element]),
            17..19 => words(&[self.pick(&["DEL", "UNLINK"]), key]),
            19..21 => words(&[self.pick(&["RENAME", "RENAMENX"]), key, other]),
            21 => words(&["COPY", key, other]),
            22 => words(&["COPY", key, other, "DB", database, "REPLACE"]),
            23 => words(&["MOVE", key, database]),
            24..26 => words(&["LMOVE", list, other_list, "LEFT", "RIGHT"]),
            26 => words(&["RPOPLPUSH", list, other_list]),
            27 => words(&["SORT", list, "ALPHA", "STORE", other_list]),
            28 => words(&["ZRANGESTORE", set, other_set, "0", "2"]),
            29 => words(&["ZUNIONSTORE", set, "2", set, other_set]),
            30 => words(&["ZDIFFSTORE", set, "2", other_set, set]),
            31 => words(&["SET", key, "x"]),
            32 => words(&["LPOP", list]),
            33 => words(&["ZPOPMIN", set]),
            34 => words(&["RPUSHX", list, &element]),
            35 => words(&["LINSERT", list, "BEFORE", &element, "new"]),
            36 => words(&["EXPIRE", key, "-1"]),
            37 => words(&["LTRIM", list, "1", "-1"]),
            38 => words(&["ZREMRANGEBYRANK", set, "0", "0"]),
            _ if self.random.random_ratio(1, 4) => words(&[self.pick(&["FLUSHDB", "FLUSHALL"])]),
            _ => words(&["SADD", key, &element]),
        }
    }
}

/// Whether the first reply that differs is what comes of a command that has waited at several keys and is run anew.
fn is_run_anew(owed: &VecDeque<Command>, expected: &[Reply], found: &[Reply]) -> bool {
    let Some(at) = (0..found.len()).find(|&at| expected.get(at) != Some(&found[at])) else { return false };
    let (Some(expected), Some(command)) = (expected.get(at), owed.get(at)) else { return false };
    let place = |reply: &Reply| {
        let Reply::Array(items) = reply else { return None };
        let Some(Reply::Bulk(key)) = items.first() else { return None };
        command.iter().position(|word| word.as_bytes() == key)
    };
    let Some(served) = place(expected).filter(|_| command[0].starts_with('B')) else { return false };
    match &found[at] {
        Reply::Error(text) => text.starts_with(b"WRONGTYPE"),
        other => place(other).is_some_and(|place| place < served),
    }
}

fn words(text: &[&str]) -> Command {
    text.iter().map(|word| (*word).to_owned()).collect()
}

fn ask<W: AsRef<[u8]>>(stage: &mut dyn Stage, name: &str, words: &[W]) -> Result<Reply, String> {
    stage.send(name, &encode_command(words))?;
    let received = stage.receive(name, 1, false)?;
    received.replies.into_iter().next().ok_or_else(|| "no reply".to_owned())
}
