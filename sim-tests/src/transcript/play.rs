//! Plays a section against a server, whatever stands behind it.

use super::expect::Outcome;
use super::parse::{Action, Command, ParseError, Protocol, Section, ServerSetup, Step, Version};
use super::text::Facts;
use crate::reply::{Reply, encode_command};
use std::collections::BTreeSet;
use std::time::Duration;

/// A server with its clients: what a section is played on. Connections are known by name.
pub trait Stage {
    /// Opens a connection.
    ///
    /// # Errors
    /// What went wrong, as text; so it is for the other methods.
    fn connect(&mut self, name: &str) -> Result<(), String>;
    /// Sends bytes.
    ///
    /// # Errors
    /// See [`connect`](Self::connect).
    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String>;
    /// Receives at least so many replies and, if `closed` says so, the end of the connection. A stage that
    /// knows that nothing more can come returns what there is.
    ///
    /// # Errors
    /// See [`connect`](Self::connect).
    fn receive(&mut self, name: &str, replies: usize, closed: bool) -> Result<Received, String>;
    /// Closes a connection.
    ///
    /// # Errors
    /// See [`connect`](Self::connect).
    fn close(&mut self, name: &str) -> Result<(), String>;
    /// Lets time pass.
    fn advance(&mut self, time: Duration);
    /// The calendar clock, in milliseconds.
    fn now_ms(&self) -> i64;
    /// The address of a connection, as `CLIENT LIST` shows it.
    fn address(&self, name: &str) -> String;
}

/// What came of a step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// The replies.
    pub replies: Vec<Reply>,
    /// Whether the connection ended.
    pub closed: bool,
}

/// Starts a server as a section wants it.
pub type Start<'a> = dyn FnMut(&ServerSetup) -> Result<Box<dyn Stage>, String> + 'a;

/// Why a section could not be played to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlayError {
    /// The line at which it stopped.
    pub line: usize,
    /// Why.
    pub what: String,
}

impl From<ParseError> for PlayError {
    fn from(error: ParseError) -> PlayError {
        PlayError { line: error.line, what: error.what }
    }
}

/// Plays a section; `seen` is told what came of each step, with its index, and whether to go on is its answer.
///
/// # Errors
/// What kept the section from being played to its end.
pub fn play(
    section: &Section,
    version: Version,
    protocol: Protocol,
    stage: &mut dyn Stage,
    seen: &mut dyn FnMut(usize, Received, &Facts) -> bool,
) -> Result<(), PlayError> {
    let mut player = Player {
        facts: Facts { now_ms: stage.now_ms(), ..Facts::default() },
        wants_ids: mentions_ids(section, version, protocol),
        open: BTreeSet::new(),
        protocol,
        stage,
    };
    for (index, step) in section.steps.iter().enumerate() {
        let outcome = step.outcome(version, protocol)?;
        let received =
            player.step(step, outcome.as_ref()).map_err(|what| PlayError { line: step.line, what })?;
        if !seen(index, received, &player.facts) {
            break;
        }
    }
    Ok(())
}

/// Whether the section needs to know the identifiers of its connections.
fn mentions_ids(section: &Section, version: Version, protocol: Protocol) -> bool {
    section.steps.iter().any(|step| {
        let sent = matches!(&step.action, Action::Send { commands, .. }
            if commands.iter().any(|command| command.mentions("id:")));
        let outcome = step.outcome(version, protocol).ok().flatten().unwrap_or_default();
        sent || outcome.replies.iter().any(|reply| reply.mentions("id:"))
    })
}

struct Player<'a> {
    facts: Facts,
    wants_ids: bool,
    open: BTreeSet<String>,
    protocol: Protocol,
    stage: &'a mut dyn Stage,
}

impl Player<'_> {
    fn step(&mut self, step: &Step, outcome: Option<&Outcome>) -> Result<Received, String> {
        match &step.action {
            Action::Advance(time) => {
                self.stage.advance(*time);
                Ok(Received::default())
            }
            Action::Connect { connection } => {
                self.connect(connection)?;
                Ok(Received::default())
            }
            Action::Close { connection } => {
                self.open.remove(connection);
                self.stage.close(connection)?;
                Ok(Received::default())
            }
            Action::Read { connection } => self.receive(connection, outcome, 1),
            Action::Send { connection, commands } => {
                if !self.open.contains(connection) {
                    self.connect(connection)?;
                }
                let bytes: Vec<u8> = commands.iter().flat_map(|command| self.bytes(command)).collect();
                self.stage.send(connection, &bytes)?;
                self.receive(connection, outcome, commands.len())
            }
        }
    }

    fn connect(&mut self, name: &str) -> Result<(), String> {
        self.stage.connect(name)?;
        self.open.insert(name.to_owned());
        self.facts.addresses.insert(name.to_owned(), self.stage.address(name));
        if self.protocol == Protocol::Resp3 {
            let hello = self.ask(name, &["HELLO", "3"])?;
            if hello.is_error() {
                return Err(format!("HELLO 3 was refused ({hello:?}): mark the section `only resp2`"));
            }
        }
        if self.wants_ids
            && let Reply::Integer(id) = self.ask(name, &["CLIENT", "ID"])?
        {
            self.facts.ids.insert(name.to_owned(), id);
        }
        Ok(())
    }

    fn ask(&mut self, name: &str, words: &[&str]) -> Result<Reply, String> {
        self.stage.send(name, &encode_command(words))?;
        let received = self.stage.receive(name, 1, false)?;
        received.replies.into_iter().next().ok_or_else(|| "the connection was closed at once".into())
    }

    fn receive(&mut self, name: &str, outcome: Option<&Outcome>, default: usize) -> Result<Received, String> {
        let replies = outcome.map_or(default, |outcome| outcome.replies.len());
        self.stage.receive(name, replies, outcome.is_some_and(|outcome| outcome.closed))
    }

    fn bytes(&self, command: &Command) -> Vec<u8> {
        match command {
            Command::Raw(bytes) => bytes.fill(&self.facts),
            Command::Words(words) => {
                let words: Vec<Vec<u8>> = words.iter().map(|word| word.fill(&self.facts)).collect();
                encode_command(&words)
            }
        }
    }
}
