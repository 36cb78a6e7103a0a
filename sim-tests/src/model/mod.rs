//! The model: what Redis 7.2 means by its commands, written down a second time, naively, beside the server.
//!
//! It shares no code with the core that it judges: requests are parsed, numbers read and printed, patterns
//! matched and replies written by code of its own, over ordered maps and vectors, with a clock that is an argument.
//! Whoever drives a server tells the model what happened: who connected, which bytes the server read, which request
//! it executed when and with what effects, and which bytes arrived. The first reply byte or effect that is not the
//! model's comes back as a [`Divergence`].
//!
//! * `request`, `answer`, `framer`, `client`: what is sent, what is owed, and how what is received is held against it.
//! * `keyspace`, `value`, `effects`: the data, and whether the effects lead to the same.
//! * `table`, `call`: the commands, and what happens before one runs.
//! * `transaction`, `waiting`: what is queued and watched, and who waits for keys.
//! * `string`, `list`, `generic`, `connection`, `server` and those beside them: the commands, a file per group.
//!
//! What nobody can predict (a memory address, a figure of the server's own) is judged by its shape and by all that
//! is known of it.

mod answer;
mod call;
mod client;
mod command;
mod config;
mod config_table;
mod connection;
mod debug;
mod double;
mod dump;
mod effects;
mod element_scan;
mod expiry;
mod framer;
mod generic;
mod glob;
mod hash;
mod info;
mod keyspace;
mod kill;
mod lcs;
mod list;
mod list_blocking;
mod list_encoding;
mod long_double;
mod number;
mod rebuilt;
mod replay;
mod request;
mod sample;
mod scan;
mod server;
mod set;
mod set_algebra;
mod sort;
mod spop;
mod string;
mod table;
mod transaction;
mod value;
mod waiting;
mod zset;
mod zset_algebra;
mod zset_pop;
mod zset_range;

use crate::reply::Reply;
use answer::Expected;
pub use client::Seen;
use client::{Client, Life, Received};
use config::Config;
use keyspace::Keyspace;
pub use rebuilt::Rebuilt;
use spop::Heard;
use std::collections::{BTreeMap, BTreeSet};
use waiting::Waiting;

/// Who a client is, for whoever drives the server. A connection has its own, even if another one ended before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientId(pub u32);

/// The two clocks, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// Since 1970. It may jump.
    pub wall_us: u64,
    /// Since some moment. It never goes back.
    pub monotonic_us: u64,
}

impl Clock {
    /// The calendar time in milliseconds: what expiries are compared with.
    fn now_ms(self) -> i64 {
        i64::try_from(self.wall_us / 1000).unwrap_or(i64::MAX)
    }
}

/// The first difference between the server and the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    /// A short stable name: of the command, and whether its reply or its effects are wrong.
    pub site: String,
    /// What was expected and what came, for a person.
    pub text: String,
}

/// Which commands a pause holds back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pause {
    /// All.
    All,
    /// Those that may change data.
    Write,
}

/// A key, as [`Model::keys`] lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The number of its database.
    pub database: usize,
    /// Its name.
    pub name: &'a [u8],
    /// What TYPE says.
    pub type_name: &'static str,
    /// When it expires, in milliseconds since 1970.
    pub expiry_ms: Option<i64>,
}

/// A pause that was asked for.
#[derive(Clone, Copy, Debug)]
struct PauseUntil {
    kind: Pause,
    /// On the monotonic clock.
    monotonic_us: u64,
}

/// How often a command was called, refused and answered with an error since the statistics were last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Calls {
    calls: u64,
    rejected: u64,
    failed: u64,
}

/// Bytes that a report shows.
const SHOWN_BYTES_MAX: usize = 240;

/// The server, as it must be.
#[derive(Clone, Debug)]
pub struct Model {
    clock: Clock,
    started: Clock,
    /// When it had the data it was started with.
    loaded: Clock,
    /// Whether it has not yet.
    is_loading: bool,
    keyspace: Keyspace,
    waiting: Waiting,
    clients: BTreeMap<ClientId, Client>,
    config: Config,
    pause: Option<PauseUntil>,
    /// Until when DEBUG SLEEP keeps the server from everything, on the monotonic clock.
    asleep_until_us: u64,
    calls: BTreeMap<&'static str, Calls>,
    errors: BTreeMap<Vec<u8>, u64>,
    /// Errors that may have been counted or not: those of the protocol, and of work whose outcome is not known.
    unsure_errors: u64,
    /// Commands of which it is not known how often they failed.
    unsure_commands: BTreeSet<&'static str>,
    /// When the statistics were last reset.
    reset_moment: u64,
    next_id: i64,
    /// The number of the database the effects were last in.
    effects_selected: usize,
    /// Whether the command under way comes with its effects; then it is known what has expired.
    knows_effects: bool,
    /// Those effects, for commands that nobody can foresee.
    heard: Heard,
    /// How far the server's clock may be off, in milliseconds.
    tolerance_ms: i64,
}

impl Model {
    /// A server with these directives, as a configuration file has them, and nobody connected.
    ///
    /// # Errors
    /// A value that is none.
    pub fn new(directives: &[(String, Vec<String>)], start: Clock) -> Result<Model, String> {
        Model::with_config(Config::new(directives)?, start)
    }

    fn with_config(config: Config, start: Clock) -> Result<Model, String> {
        Ok(Model {
            clock: start,
            started: start,
            loaded: start,
            is_loading: false,
            keyspace: Keyspace::new(config.databases()?, start),
            waiting: Waiting::default(),
            clients: BTreeMap::new(),
            config,
            pause: None,
            asleep_until_us: 0,
            calls: BTreeMap::new(),
            errors: BTreeMap::new(),
            unsure_errors: 0,
            unsure_commands: BTreeSet::new(),
            reset_moment: 0,
            next_id: 1,
            effects_selected: 0,
            knows_effects: false,
            heard: Heard::default(),
            tolerance_ms: 0,
        })
    }

    /// The number CLIENT ID gives the next client.
    pub fn set_next_id(&mut self, id: i64) {
        self.next_id = id;
    }

    /// How far the server's clock may be off, for servers that read their own.
    pub fn set_tolerance_ms(&mut self, tolerance_ms: i64) {
        self.tolerance_ms = tolerance_ms;
    }

    /// The names of all commands the model knows; `container|subcommand` for subcommands.
    pub fn commands() -> impl Iterator<Item = &'static str> {
        table::ROWS.iter().map(|row| row.name)
    }

    /// The server has accepted a connection.
    pub fn connect(&mut self, client: ClientId, address: &str, clock: Clock) {
        let mut new = Client::new(self.next_id, address, clock);
        new.is_authenticated = !self.config.has_password();
        self.next_id += 1;
        self.clients.insert(client, new);
    }

    /// The connection is gone, from whichever side. What was sent before may still be received.
    pub fn disconnect(&mut self, client: ClientId) {
        if let Some(gone) = self.clients.get_mut(&client) {
            gone.life = Life::Gone;
            gone.wait = None;
            gone.discard();
            gone.forget_input();
            if !gone.may_receive() {
                self.clients.remove(&client);
            }
        }
    }

    /// The server has read these bytes.
    pub fn deliver(&mut self, client: ClientId, bytes: &[u8]) {
        if let Some(reader) = self.clients.get_mut(&client)
            && reader.life == Life::Stands
        {
            reader.deliver(bytes);
            self.look_for_nonsense(client);
        }
    }

    /// The client has received these bytes.
    ///
    /// # Errors
    /// They are not what it was owed.
    pub fn receive(&mut self, client: ClientId, bytes: &[u8]) -> Result<(), Divergence> {
        let mut bytes = bytes;
        loop {
            let Some(receiver) = self.clients.get_mut(&client) else {
                let text = format!("this came on a connection that is not there: {}", shown(bytes));
                let site = "o2 surplus".to_owned();
                return if bytes.is_empty() { Ok(()) } else { Err(Divergence { site, text }) };
            };
            match receiver.receive(bytes)? {
                Received::Nothing => break,
                Received::Reply(owed, reply) => self.judge(client, &owed, &reply)?,
            }
            bytes = &[];
        }
        if self.clients.get(&client).is_some_and(|client| client.life == Life::Gone && !client.may_receive())
        {
            self.clients.remove(&client);
        }
        Ok(())
    }

    /// The replies of which a client has received something since this was last asked.
    pub fn take_seen(&mut self, client: ClientId) -> Vec<Seen> {
        self.clients.get_mut(&client).map(Client::take_seen).unwrap_or_default()
    }

    /// The number of the last execution; what the server does of its own accord counts as one.
    #[must_use]
    pub fn moment(&self) -> u64 {
        self.keyspace.moment
    }

    /// Whether something is executed and not fully received.
    #[must_use]
    pub fn is_owed(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(Client::is_owed)
    }

    /// How many bytes a client is owed, as far as the model knows them.
    #[must_use]
    pub fn owed_len(&self, client: ClientId) -> usize {
        self.clients.get(&client).map_or(0, Client::owed_len)
    }

    /// How many replies a client is owed whose bytes the model does not know.
    #[must_use]
    pub fn unknown_owed(&self, client: ClientId) -> u64 {
        self.clients.get(&client).map_or(0, |client| client.judged_since(0))
    }

    /// The reply a client is owed first, where its bytes are known.
    #[must_use]
    pub fn next_owed(&self, client: ClientId) -> Option<&[u8]> {
        let client = self.clients.get(&client)?;
        match &client.first_owed()?.expected {
            Expected::Bytes(bytes) if client.owes_whole_reply() => Some(bytes),
            _ => None,
        }
    }

    /// Forgets the reply a client is owed first: for whoever has no server that could send it.
    pub fn excuse(&mut self, client: ClientId) {
        if let Some(client) = self.clients.get_mut(&client) {
            client.excuse();
        }
    }

    /// Whether a whole request was delivered and not executed.
    #[must_use]
    pub fn has_request(&mut self, client: ClientId) -> bool {
        self.peek(client).is_some()
    }

    /// How many bytes were delivered and belong to no request that was executed.
    #[must_use]
    pub fn unparsed_len(&self, client: ClientId) -> usize {
        self.clients.get(&client).map_or(0, Client::unparsed_len)
    }

    /// Whether the server must close this connection.
    #[must_use]
    pub fn is_ending(&self, client: ClientId) -> bool {
        self.clients.get(&client).is_some_and(|client| matches!(client.life, Life::Ends | Life::Killed))
    }

    /// Which commands are held back at this time.
    #[must_use]
    pub fn is_paused(&self, clock: Clock) -> Option<Pause> {
        self.pause.filter(|pause| clock.monotonic_us < pause.monotonic_us).map(|pause| pause.kind)
    }

    /// Whether nothing is executed at this time because of DEBUG SLEEP.
    #[must_use]
    pub fn is_asleep(&self, clock: Clock) -> bool {
        clock.monotonic_us < self.asleep_until_us
    }

    /// What a client asked for last, as a person reads it.
    #[must_use]
    pub fn last_request(&self, client: ClientId) -> String {
        self.clients.get(&client).map(|client| shown_words(&client.last_request)).unwrap_or_default()
    }

    /// How many connections stand.
    #[must_use]
    pub fn connected(&self) -> usize {
        self.standing().count()
    }

    /// How many connections may stand.
    #[must_use]
    pub fn connected_max(&self) -> usize {
        usize::try_from(self.config.integer("maxclients")).unwrap_or(usize::MAX)
    }

    /// All keys the server has not removed, expired or not, in order.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        (0..self.keyspace.count()).flat_map(move |database| {
            self.keyspace.entries(self.keyspace.place(database)).iter().map(move |(name, entry)| Key {
                database,
                name,
                type_name: entry.value.type_name(),
                expiry_ms: entry.expiry_ms,
            })
        })
    }

    /// The clients whose connections stand, or end only once they have their replies.
    fn standing(&self) -> impl Iterator<Item = (ClientId, &Client)> {
        let stands = |client: &Client| matches!(client.life, Life::Stands | Life::Ends);
        self.clients.iter().filter(move |(_, client)| stands(client)).map(|(&id, client)| (id, client))
    }

    /// Whether clients may be gone because they were idle, which the model is told only later.
    fn ends_idle_clients(&self) -> bool {
        self.config.integer("timeout") != 0 || self.config.has_changed("timeout")
    }

    /// Whether it is known at this moment which expired keys the server has removed: the effects of a transaction say
    /// so only for all its commands together.
    fn knows_removals(&self) -> bool {
        self.knows_effects && self.keyspace.counts_expired
    }

    /// Counts an error by the code it begins with.
    fn count_error(&mut self, text: &[u8]) {
        let code = text.split(|&byte| byte == b' ').next().unwrap_or_default().to_vec();
        *self.errors.entry(code).or_default() += 1;
    }

    /// How many more errors than those counted there may have been since the last reset.
    fn possible_errors(&self) -> u64 {
        self.unsure_errors
            + self.clients.values().map(|client| client.judged_since(self.reset_moment)).sum::<u64>()
    }

    /// Judges a whole reply whose bytes were not known.
    fn judge(&mut self, client: ClientId, owed: &client::Owed, bytes: &[u8]) -> Result<(), Divergence> {
        let wrong = |what: String| owed.wrong(&what, bytes);
        let reply = match Reply::parse(bytes) {
            Ok((reply, len)) if len == bytes.len() => reply,
            other => return Err(wrong(format!("a reply, but it is read as {other:?}"))),
        };
        match &owed.expected {
            // Pieces are owed one by one.
            Expected::Bytes(_) | Expected::Parts(_) => {}
            Expected::Judged(judge) => judge(&reply).map_err(wrong)?,
            Expected::Error(text) => {
                return match &reply {
                    Reply::Error(found) if found.starts_with(text) => Ok(()),
                    _ => Err(wrong(format!("an error that begins {}", shown(text)))),
                };
            }
            Expected::Page(page) => self.judge_page(client, page, &reply).map_err(wrong)?,
            Expected::Popped(popped) => self.adopt_popped(popped, &reply).map_err(wrong)?,
            Expected::Elements(page) => self.judge_elements(client, page, &reply).map_err(wrong)?,
            Expected::AnyKey { moment, place, now_ms } => {
                self.judge_any_key(*moment, *place, *now_ms, &reply).map_err(wrong)?;
            }
            Expected::Adopted(settings) => self.adopt_settings(settings, &reply).map_err(wrong)?,
        }
        if let Reply::Error(text) = &reply
            && owed.moment > self.reset_moment
        {
            self.count_error(text);
        }
        if !self.clients.values().any(Client::owes_pages) {
            self.keyspace.keep_history(false);
        }
        Ok(())
    }
}

/// What Redis 7.2 prints where Redis 7.0 prints this score; `None` if it is none of those that differ.
#[must_use]
pub fn modern_score(text: &[u8]) -> Option<Vec<u8>> {
    let value = double::parse(text)?;
    let modern = double::print(value);
    (double::print_long(value) == text && modern != text).then_some(modern)
}

/// Bytes as a person reads them, cut to a length.
fn shown(bytes: &[u8]) -> String {
    let text = bytes[..bytes.len().min(SHOWN_BYTES_MAX)].escape_ascii().to_string();
    if bytes.len() > SHOWN_BYTES_MAX { format!("{text}… ({} bytes)", bytes.len()) } else { text }
}

/// A request as a person reads it.
fn shown_words(words: &[Vec<u8>]) -> String {
    let mut text = String::new();
    for word in words {
        let is_plain = !word.is_empty() && word.iter().all(|&byte| byte.is_ascii_graphic() && byte != b'"');
        let word = if word.len() > SHOWN_BYTES_MAX / 4 {
            format!("\"{}…\" ({} bytes)", word[..SHOWN_BYTES_MAX / 4].escape_ascii(), word.len())
        } else if is_plain {
            word.escape_ascii().to_string()
        } else {
            format!("\"{}\"", word.escape_ascii())
        };
        let gap = if text.is_empty() { "" } else { " " };
        text = format!("{text}{gap}{word}");
        if text.len() > 2 * SHOWN_BYTES_MAX {
            return format!("{text} … ({} words)", words.len());
        }
    }
    text
}
