//! One request: what happens before its command runs, and after.

use super::answer::{Expected, Out, Refusal};
use super::client::{Bounds, Client, Life, Next, Owed, Replies};
use super::effects::{self, Follower};
use super::keyspace::{Entry, Place};
use super::number::{integer, until_zero};
use super::replay;
use super::spop::Heard;
use super::table::{self, Kind, Row};
use super::transaction::{is_alone, is_immediate};
use super::{ClientId, Clock, Divergence, Model, Pause, shown_words};
use crate::reply::Reply;

/// A request under way.
#[derive(Debug)]
pub(super) struct Call {
    pub client: ClientId,
    pub words: Vec<Vec<u8>>,
    pub row: &'static Row,
    /// The selected database.
    pub place: Place,
    pub now_ms: i64,
    /// Whether keys count as used.
    pub is_use: bool,
}

/// Bytes of a name that errors echo.
const ECHOED_BYTES_MAX: usize = 128;

/// Who asks for a web page, or sends one.
const FOREIGN: [&[u8]; 2] = [b"host:", b"post"];

impl Model {
    /// The server has executed this client's next request, or refused it. The effects are the commands it
    /// propagated meanwhile, if they are known.
    ///
    /// # Errors
    /// There is no request, it may not run now, or the effects do not lead to the model's data.
    pub fn execute(
        &mut self,
        client: ClientId,
        clock: Clock,
        effects: Option<&[u8]>,
    ) -> Result<(), Divergence> {
        let bounds = self.bounds_of(client);
        let sender = self.clients.get_mut(&client).filter(|sender| sender.may_ask());
        let Some(words) = sender.and_then(|sender| sender.take_request(bounds)) else {
            let text = format!("client {} has no request that could be executed", client.0);
            return Err(Divergence { site: "o2 execution".to_owned(), text });
        };
        self.check_waiting()?;
        self.forget_ready();
        self.begin_execution(clock, effects);
        let command = self.run(client, words)?;
        if let Some(effects) = effects {
            self.check_effects(client, command, effects)?;
        }
        self.look_for_nonsense(client);
        Ok(())
    }

    /// The server has refused this client's next request because what it might write cannot be kept; its answer begins
    /// with the reason.
    ///
    /// # Errors
    /// There is no request, it writes nothing, or it should have been refused for another reason.
    pub fn turn_down(&mut self, client: ClientId, clock: Clock, reason: &str) -> Result<(), Divergence> {
        let bounds = self.bounds_of(client);
        let sender = self.clients.get_mut(&client).filter(|sender| sender.may_ask());
        let words = sender.and_then(|sender| sender.take_request(bounds)).unwrap_or_default();
        let wrong = |what: &str| {
            let text = format!("{} was refused for the disk's sake, and {what}", shown_words(&words));
            Divergence { site: "misconf".to_owned(), text }
        };
        let row = table::find(&words).ok_or_else(|| wrong("there is no such command"))?;
        if self.refusal(client, row, &words).is_some() {
            return Err(wrong("should have been for another reason"));
        }
        self.begin_execution(clock, Some(b""));
        let Some(sender) = self.clients.get_mut(&client) else { return Err(wrong("nobody asked")) };
        if !sender.may_write(row) && row.name != "ping" {
            return Err(wrong("writes nothing"));
        }
        sender.last_command = Some(row.name);
        if sender.replies == Replies::SkipNext {
            sender.replies = Replies::Skip;
        }
        let mut out = Out::new(sender.is_resp3);
        self.calls.entry(row.name).or_default().rejected += 1;
        let text = self.refuse(client, Some(row), reason.into()).0;
        self.count_error(&text);
        out.special(Expected::Error(text));
        self.reply(client, row.name, words, out);
        self.look_for_nonsense(client);
        Ok(())
    }

    /// Another execution begins, of a request or of one that waited.
    pub(super) fn begin_execution(&mut self, clock: Clock, effects: Option<&[u8]>) {
        let removes_expired = match self.pause {
            None => true,
            Some(pause) if clock.monotonic_us < pause.monotonic_us => false,
            // A pause that is over is noticed at the end of a turn; until then the effects say what holds.
            Some(_) => effects.is_none_or(|effects| !effects.is_empty()),
        };
        self.clock = clock;
        self.keyspace.begin(clock, removes_expired);
        self.knows_effects = effects.is_some();
        self.heard = Heard::new(effects);
    }

    /// Effects outside any command: only keys past their expiry may go.
    ///
    /// # Errors
    /// Something else is said.
    pub fn background(&mut self, clock: Clock, effects: &[u8]) -> Result<(), Divergence> {
        let wrong = |text: String| Divergence { site: "background effects".to_owned(), text };
        self.clock = clock;
        self.keyspace.begin(clock, true);
        let commands = effects::parse(effects).map_err(wrong)?;
        let removes =
            |command: &Vec<Vec<u8>>| ["del", "unlink", "select"].iter().any(|name| is(&command[0], name));
        if let Some(other) = commands.iter().find(|command| !removes(command)) {
            return Err(wrong(format!(
                "of its own accord the server may only remove: {}",
                shown_words(other)
            )));
        }
        self.follow(&commands).map_err(wrong)
    }

    /// Whether a client's next request would be held back at this time.
    #[must_use]
    pub fn is_held_back(&mut self, client: ClientId, clock: Clock) -> bool {
        let Some(words) = self.peek(client).map(<[_]>::to_vec) else { return false };
        let row = table::find(&words).filter(|row| self.refusal(client, row, &words).is_none());
        self.is_asleep(clock)
            || row.is_some_and(|row| match self.is_paused(clock) {
                None => false,
                Some(Pause::All) => true,
                Some(Pause::Write) => self.clients.get(&client).is_some_and(|sender| sender.may_write(row)),
            })
    }

    /// The client's next request, if it is whole.
    pub(super) fn peek(&mut self, client: ClientId) -> Option<&[Vec<u8>]> {
        let bounds = self.bounds_of(client);
        let sender = self.clients.get_mut(&client).filter(|sender| sender.may_ask())?;
        match sender.next(bounds) {
            Next::Request(words) => Some(words),
            Next::Nothing | Next::Nonsense(_) => None,
        }
    }

    fn bounds_of(&self, client: ClientId) -> Bounds {
        let is_known = self.clients.get(&client).is_some_and(|sender| sender.is_authenticated);
        Bounds {
            bulk_len_max: self.config.integer("proto-max-bulk-len"),
            is_stranger: self.config.has_password() && !is_known,
        }
    }

    /// Nonsense is answered, and ends the connection, as soon as everything before it is executed.
    pub(super) fn look_for_nonsense(&mut self, client: ClientId) {
        let bounds = self.bounds_of(client);
        let Some(sender) = self.clients.get_mut(&client).filter(|sender| sender.may_ask()) else {
            return;
        };
        match sender.next(bounds) {
            Next::Nonsense(text) => {
                sender.life = Life::Ends;
                sender.forget_input();
                if sender.replies == Replies::On {
                    let mut out = Out::new(sender.is_resp3);
                    out.error(&Refusal(text));
                    let expected = out.finish();
                    if let Some(expected) = expected {
                        sender.owe(Owed {
                            command: "nonsense",
                            words: Vec::new(),
                            moment: self.keyspace.moment,
                            expected,
                            is_continued: false,
                        });
                    }
                }
                self.unsure_errors += 1;
            }
            Next::Request(words) if FOREIGN.iter().any(|name| words[0].eq_ignore_ascii_case(name)) => {
                sender.life = Life::Ends;
                sender.forget_input();
            }
            _ => {}
        }
    }

    /// Runs a request; returns the name under which its divergences go.
    fn run(&mut self, client: ClientId, words: Vec<Vec<u8>>) -> Result<&'static str, Divergence> {
        let found = table::find(&words);
        let Some(sender) = self.clients.get_mut(&client) else { return Ok("nobody") };
        sender.last_command = found.map(|row| row.name);
        if sender.replies == Replies::SkipNext {
            sender.replies = Replies::Skip;
        }
        let is_queuing = sender.transaction.is_some();
        let mut out = Out::new(sender.is_resp3);
        let name = found.map_or("unknown", |row| row.name);
        let refusal = match found {
            None => Some(unknown(&words)),
            Some(row) => self.refusal(client, row, &words),
        };
        let words = match (found, refusal) {
            (Some(row), None) => {
                self.hold_back(client, row, &words)?;
                if is_queuing && !is_immediate(row.name) {
                    self.queue(client, row, &words, &mut out);
                    words
                } else {
                    if let Some(sender) = self.clients.get_mut(&client) {
                        sender.last_run = Some(row.name);
                    }
                    self.perform(client, row, words, &mut out)
                }
            }
            (found, refusal) => {
                if let Some(row) = found {
                    self.calls.entry(row.name).or_default().rejected += 1;
                }
                if let Some(refusal) = refusal {
                    let refusal = self.refuse(client, found, refusal);
                    self.count_error(&refusal.0);
                    out.error(&refusal);
                }
                words
            }
        };
        if !self.begin_wait(client) {
            self.reply(client, name, words, out);
        }
        Ok(name)
    }

    /// Runs a command that may run, and counts it; returns its words.
    pub(super) fn perform(
        &mut self,
        client: ClientId,
        row: &'static Row,
        words: Vec<Vec<u8>>,
        out: &mut Out,
    ) -> Vec<Vec<u8>> {
        let Some(sender) = self.clients.get(&client) else { return words };
        let is_use = !sender.no_touch || row.name == "touch";
        let place = self.keyspace.place(sender.selected);
        let call = Call { client, words, row, place, now_ms: self.clock.now_ms(), is_use };
        let outcome = (row.run)(self, &call, out);
        if !self.has_begun_wait() {
            let calls = self.calls.entry(row.name).or_default();
            calls.calls += 1;
            calls.failed += u64::from(outcome.is_err());
        }
        if let Err(refusal) = outcome {
            self.count_error(&refusal.0);
            *out = Out::new(out.is_resp3);
            out.error(&refusal);
        }
        self.spread_touches();
        call.words
    }

    /// Owes the reply, unless the client wants none.
    pub(super) fn reply(&mut self, client: ClientId, command: &'static str, words: Vec<Vec<u8>>, out: Out) {
        let Some(sender) = self.clients.get_mut(&client) else { return };
        sender.last_request.clone_from(&words);
        let moment = self.keyspace.moment;
        match out.finish() {
            None => {}
            // What was to be heard of them was heard at its time.
            Some(Expected::Parts(parts)) => joined(parts).into_iter().for_each(|part| sender.owe(part)),
            Some(expected) if sender.replies == Replies::On => {
                sender.owe(Owed { command, words, moment, expected, is_continued: false });
            }
            Some(_) => {}
        }
        let is_last = command == "exec" && !self.clients.values().any(Client::owes_pages);
        let Some(sender) = self.clients.get_mut(&client) else { return };
        if sender.owes_pages() {
            self.keyspace.keep_history(true);
        } else if is_last {
            self.keyspace.keep_history(false);
        }
        if sender.replies == Replies::Skip {
            sender.replies = Replies::On;
        }
        if sender.life != Life::Stands {
            sender.forget_input();
        }
    }

    /// Why a command may not run, in Redis' order.
    fn refusal(&self, client: ClientId, row: &Row, words: &[Vec<u8>]) -> Option<Refusal> {
        if !row.takes(words.len()) {
            return Some(wrong_arity(row.name));
        }
        let sender = self.clients.get(&client)?;
        if row.name == "debug" && !self.config.allows_debug(&sender.address) {
            return Some(
                "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run \
                 it from a local connection, otherwise you need to set this option in the configuration file, and \
                 then restart the server."
                    .into(),
            );
        }
        let is_stranger = self.config.has_password() && !sender.is_authenticated;
        if is_stranger && row.kind != Kind::NoAuth {
            return Some("NOAUTH Authentication required.".into());
        }
        if sender.transaction.is_some() && is_alone(row.name) {
            return Some("ERR Command not allowed inside a transaction".into());
        }
        (self.is_loading && !needs_no_data(row.name))
            .then(|| "LOADING Redis is loading the dataset in memory".into())
    }

    /// A command that a pause holds back must not run.
    fn hold_back(&mut self, client: ClientId, row: &Row, words: &[Vec<u8>]) -> Result<(), Divergence> {
        let may_write = self.clients.get(&client).is_some_and(|sender| sender.may_write(row));
        let Some(pause) = self.pause.filter(|pause| pause.kind == Pause::All || may_write) else {
            return Ok(());
        };
        if self.is_paused(self.clock).is_none() {
            // It runs, so the pause is over for everybody.
            self.pause = None;
            return Ok(());
        }
        let text = format!("{} runs during a pause ({:?})", shown_words(words), pause.kind);
        Err(Divergence { site: format!("{} pause", row.name), text })
    }

    pub(super) fn check_effects(
        &mut self,
        client: ClientId,
        command: &str,
        effects: &[u8],
    ) -> Result<(), Divergence> {
        // DEBUG POPULATE is for tests of one server: Redis tells nobody about it.
        if command == "debug" && effects.is_empty() {
            return Ok(());
        }
        let followed = effects::parse(effects).and_then(|commands| {
            if command == "exec" {
                effects::check_unit(&commands)?;
            }
            match self.selected_by_own(client, command, &commands) {
                Some(selected) => {
                    self.effects_selected = selected;
                    self.spread_touches();
                    Ok(())
                }
                None => self.follow(&commands),
            }
        });
        followed.map_err(|what| {
            let text = format!("{}\n{what}\neffects {}", self.last_request(client), super::shown(effects));
            Divergence { site: format!("{command} effects"), text }
        })
    }

    /// Holds the data against what effects lead to, and removes what the server has found expired.
    fn follow(&mut self, commands: &[Vec<Vec<u8>>]) -> Result<(), String> {
        let mut follower = Follower::new(&self.keyspace, &self.config, self.effects_selected);
        self.effects_selected = follower.follow(commands)?;
        for (place, key) in follower.settle()? {
            self.keyspace.remove(place, &key);
        }
        self.spread_touches();
        Ok(())
    }

    /// The database that effects leave selected, if they are the request itself, word for word, and of a kind that means
    /// the same whenever it runs. To follow them would be to run it again.
    fn selected_by_own(&self, client: ClientId, command: &str, commands: &[Vec<Vec<u8>>]) -> Option<usize> {
        let (selected, own) = match commands {
            [own] => (self.effects_selected, own),
            [select, own] if is(&select[0], "select") => {
                (usize::try_from(integer(select.get(1)?)?).ok()?, own)
            }
            _ => return None,
        };
        let sender = self.clients.get(&client)?;
        let journal = &self.keyspace.journal;
        let now_ms = self.keyspace.now_ms();
        // What had expired may have been removed, and of that the effects would speak.
        let is_living =
            |before: &Option<Entry>| before.as_ref().is_none_or(|entry| !entry.is_expired(now_ms));
        (replay::is_plain(command)
            && *own == sender.last_request
            && sender.selected == selected
            && journal.cleared.is_empty()
            && journal.before.values().all(is_living))
        .then_some(selected)
    }
}

/// Whether a command may run while data is being loaded: it has the flag `loading`.
fn needs_no_data(name: &str) -> bool {
    const GROUPS: [&str; 3] = ["client", "command", "config"];
    const OTHERS: [&str; 18] = [
        "auth",
        "debug",
        "discard",
        "echo",
        "exec",
        "hello",
        "info",
        "lastsave",
        "multi",
        "object|help",
        "quit",
        "reset",
        "role",
        "select",
        "shutdown",
        "time",
        "unwatch",
        "watch",
    ];
    let group = name.split('|').next().unwrap_or_default();
    GROUPS.contains(&group) || OTHERS.contains(&name)
}

/// The pieces of a reply: a single one if the bytes of all of them are known.
fn joined(parts: Vec<Owed>) -> Vec<Owed> {
    let mut all = Vec::new();
    for part in &parts {
        let Expected::Bytes(bytes) = &part.expected else { return parts };
        all.extend_from_slice(bytes);
    }
    let first = parts.into_iter().next();
    first.map(|first| Owed { expected: Expected::Bytes(all), ..first }).into_iter().collect()
}

impl Call {
    /// A word by its place; there are as many as the arity says.
    pub fn word(&self, index: usize) -> &[u8] {
        &self.words[index]
    }

    /// The words behind the first so many.
    pub fn rest(&self, from: usize) -> &[Vec<u8>] {
        self.words.get(from..).unwrap_or_default()
    }
}

/// Whether a word is this one, in whatever case, as C compares them: up to the first zero byte.
pub(super) fn is(word: &[u8], name: &str) -> bool {
    until_zero(word).eq_ignore_ascii_case(name.as_bytes())
}

/// So many words are too few or too many.
pub(super) fn wrong_arity(name: &str) -> Refusal {
    format!("ERR wrong number of arguments for '{name}' command").into()
}

/// A container that is called without a subcommand fails for its arity; it never runs.
pub(super) fn container(_: &mut Model, call: &Call, _: &mut Out) -> Result<(), Refusal> {
    Err(wrong_arity(call.row.name))
}

/// `HELP`: lines of text that begin and end as in Redis.
pub(super) fn help(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let name = String::from_utf8_lossy(call.word(0)).to_ascii_uppercase();
    judge_help(&name, out);
    Ok(())
}

/// The reply to HELP of a command of this name, in capitals.
pub(super) fn judge_help(name: &str, out: &mut Out) {
    let first = format!("{name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
    out.judged(move |reply| {
        let Reply::Array(lines) = reply else { return Err("an array of lines".to_owned()) };
        let is_line = |index: usize, text: &str| {
            lines.get(index).is_some_and(|line| *line == Reply::Simple(text.as_bytes().to_vec()))
        };
        let last = lines.len().saturating_sub(1);
        let all = lines.iter().all(|line| matches!(line, Reply::Simple(_)));
        let ends = is_line(last, "    Prints this help.") && is_line(last.saturating_sub(1), "HELP");
        if all && ends && is_line(0, &first) { Ok(()) } else { Err(format!("help that begins {first:?}")) }
    });
}

/// The error for a command nobody knows, or for a subcommand.
fn unknown(words: &[Vec<u8>]) -> Refusal {
    let cut = |word: &[u8]| {
        let word = until_zero(word);
        word[..word.len().min(ECHOED_BYTES_MAX)].to_vec()
    };
    let container = String::from_utf8_lossy(&words[0]).to_ascii_lowercase();
    if table::has_subcommands(&container) {
        let text = format!("'. Try {} HELP.", container.to_ascii_uppercase());
        return Refusal::around("ERR unknown subcommand '", &cut(&words[1]), &text);
    }
    let mut echoed = Vec::new();
    for word in &words[1..] {
        if echoed.len() >= ECHOED_BYTES_MAX {
            break;
        }
        let word = until_zero(word);
        let len = word.len().min(ECHOED_BYTES_MAX - echoed.len());
        echoed.push(b'\'');
        echoed.extend_from_slice(&word[..len]);
        echoed.extend_from_slice(b"' ");
    }
    let mut text = Refusal::around("ERR unknown command '", &cut(&words[0]), "', with args beginning with: ");
    text.0.extend(echoed);
    text
}
