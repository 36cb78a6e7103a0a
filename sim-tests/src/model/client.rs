//! One client: what it has sent, what it is owed, and what the server remembers of it.

use super::answer::{Expected, Filter, Page};
use super::command::keys_of;
use super::element_scan::ElementIteration;
use super::framer::Framer;
use super::keyspace::Place;
use super::request::{Begun, Front, Limits, front};
use super::transaction::{Transaction, Watched};
use super::waiting::Wait;
use super::{Clock, Divergence};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One client.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub id: i64,
    pub address: String,
    pub connected: Clock,
    pub name: Vec<u8>,
    pub library: Vec<u8>,
    pub library_version: Vec<u8>,
    /// The number of the selected database.
    pub selected: usize,
    pub is_resp3: bool,
    pub is_authenticated: bool,
    pub no_evict: bool,
    pub no_touch: bool,
    pub replies: Replies,
    /// The full name of the command that was last looked up; `None` before the first and after an unknown one.
    pub last_command: Option<&'static str>,
    /// The full name of the command that last ran: rotom shows this one, where Redis shows the one before.
    pub last_run: Option<&'static str>,
    pub last_request: Vec<Vec<u8>>,
    pub life: Life,
    /// The iteration with SCAN that the last page belongs to.
    pub iteration: Option<Iteration>,
    /// The same for iterations over the elements of values, by key.
    pub element_iterations: BTreeMap<Vec<u8>, ElementIteration>,
    /// What is queued, between MULTI and EXEC.
    pub transaction: Option<Transaction>,
    /// Whether it is being executed.
    pub is_executing: bool,
    pub watched: Vec<Watched>,
    /// Whether a watched key has changed.
    pub is_dirty: bool,
    /// What the client waits for.
    pub wait: Option<Wait>,
    /// What was delivered and not executed.
    input: Vec<u8>,
    /// So much of it was taken.
    taken: usize,
    /// Behind that, so much was looked at: its headers were found good.
    checked: usize,
    /// The array behind that, if it is one and not whole.
    begun: Option<Begun>,
    /// The request behind that, if it is whole.
    whole: Option<Whole>,
    owed: VecDeque<Owed>,
    /// Bytes received that belong to the first reply owed.
    received: Vec<u8>,
    /// How much of them is found right.
    right: usize,
    /// Replies of which anything was received, until somebody asks.
    seen: Vec<Seen>,
    framer: Framer,
}

/// Nobody is cut off for being owed no more than this.
const SAFE_OWED_BYTES: usize = 1024;

/// What becomes of replies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replies {
    On,
    Off,
    /// The next command's reply is left out.
    SkipNext,
    /// This command's reply is left out.
    Skip,
}

/// Whether a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    Stands,
    /// It ends once what is owed was sent.
    Ends,
    /// Somebody cut it off: what is owed may be lost.
    Killed,
    /// It is gone; but what was sent may still arrive.
    Gone,
}

/// What a client's requests are held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// The server's.
    pub bulk_len_max: i64,
    /// Whether the client owes its password.
    pub is_stranger: bool,
}

/// A request that was found good.
#[derive(Clone, Debug)]
struct Whole {
    words: Vec<Vec<u8>>,
    len: usize,
    /// What it was held against.
    bounds: Bounds,
}

/// What a client has sent next.
#[derive(Debug)]
pub(super) enum Next<'a> {
    /// Nothing that is whole.
    Nothing,
    /// A request.
    Request(&'a [Vec<u8>]),
    /// Nonsense; the text of the error.
    Nonsense(Vec<u8>),
}

/// A reply that was not received whole.
#[derive(Clone, Debug)]
pub(super) struct Owed {
    /// Which command owes it.
    pub command: &'static str,
    pub words: Vec<Vec<u8>>,
    /// When it was executed.
    pub moment: u64,
    pub expected: Expected,
    /// Whether it goes on with the reply before: that of EXEC has several pieces.
    pub is_continued: bool,
}

/// A reply of which something was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// When it was executed: the number the model gave that execution.
    pub moment: u64,
    /// Whether it tells what data were there, so that whoever has it relies on them.
    pub tells_of_data: bool,
}

/// An iteration with SCAN, as far as its pages were received.
#[derive(Clone, Debug)]
pub(super) struct Iteration {
    pub started: u64,
    pub place: Place,
    pub filter: Filter,
    pub next_cursor: u64,
    pub seen: BTreeSet<Vec<u8>>,
}

/// What receiving more bytes comes to.
pub(super) enum Received {
    /// Nothing yet, or no more.
    Nothing,
    /// A whole reply that must be judged by somebody who knows the data.
    Reply(Owed, Vec<u8>),
}

impl Client {
    pub fn new(id: i64, address: &str, clock: Clock) -> Client {
        Client {
            id,
            address: address.to_owned(),
            connected: clock,
            name: Vec::new(),
            library: Vec::new(),
            library_version: Vec::new(),
            selected: 0,
            is_resp3: false,
            is_authenticated: false,
            no_evict: false,
            no_touch: false,
            replies: Replies::On,
            last_command: None,
            last_run: None,
            last_request: Vec::new(),
            life: Life::Stands,
            iteration: None,
            element_iterations: BTreeMap::new(),
            transaction: None,
            is_executing: false,
            watched: Vec::new(),
            is_dirty: false,
            wait: None,
            input: Vec::new(),
            taken: 0,
            checked: 0,
            begun: None,
            whole: None,
            owed: VecDeque::new(),
            received: Vec::new(),
            right: 0,
            seen: Vec::new(),
            framer: Framer::default(),
        }
    }

    pub fn deliver(&mut self, bytes: &[u8]) {
        // What was executed is let go in large pieces.
        if self.taken > self.input.len() / 2 {
            self.input.drain(..self.taken);
            self.taken = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Bytes delivered that no execution has used.
    pub fn unparsed_len(&self) -> usize {
        self.input.len() - self.taken
    }

    /// Whether it may be held back although it waits for no key: for what stands before its next request, or for the disk.
    pub fn may_be_held_back(&self) -> bool {
        self.unparsed_len() > 0 || matches!(self.last_command, Some("config|rewrite" | "debug" | "save"))
    }

    /// Forgets what was delivered: nothing of it will be executed.
    pub fn forget_input(&mut self) {
        self.input = Vec::new();
        self.taken = 0;
        self.leave_front();
    }

    /// What comes next; what asks for nothing is left behind.
    pub fn next(&mut self, bounds: Bounds) -> Next<'_> {
        if self.whole.as_ref().is_none_or(|whole| whole.bounds != bounds) {
            match self.look(bounds) {
                Front::Request(words, len) => self.whole = Some(Whole { words, len, bounds }),
                Front::Nonsense(text) => return Next::Nonsense(text),
                Front::Empty(_) | Front::Incomplete(_) => return Next::Nothing,
            }
        }
        self.whole.as_ref().map_or(Next::Nothing, |whole| Next::Request(&whole.words))
    }

    /// Takes the next request, if it is whole.
    pub fn take_request(&mut self, bounds: Bounds) -> Option<Vec<Vec<u8>>> {
        let Next::Request(_) = self.next(bounds) else { return None };
        let whole = self.whole.take()?;
        self.taken += whole.len;
        self.leave_front();
        Some(whole.words)
    }

    fn look(&mut self, Bounds { bulk_len_max, is_stranger }: Bounds) -> Front {
        self.whole = None;
        loop {
            let limits = Limits { bulk_len_max, is_stranger, checked_len: self.checked };
            match front(&self.input[self.taken..], limits, &mut self.begun) {
                Front::Empty(len) => {
                    self.taken += len;
                    self.leave_front();
                }
                Front::Incomplete(checked) => {
                    self.checked = checked;
                    return Front::Incomplete(checked);
                }
                other => return other,
            }
        }
    }

    fn leave_front(&mut self) {
        (self.checked, self.begun, self.whole) = (0, None, None);
    }

    /// Whether its next request may be looked at.
    pub fn may_ask(&self) -> bool {
        self.life == Life::Stands && self.wait.is_none()
    }

    pub fn owe(&mut self, owed: Owed) {
        self.owed.push_back(owed);
    }

    pub fn is_owed(&self) -> bool {
        matches!(self.life, Life::Stands | Life::Ends) && !self.owed.is_empty()
    }

    /// Whether something may still be received.
    pub fn may_receive(&self) -> bool {
        !self.owed.is_empty()
    }

    /// How many replies are owed, of requests after this moment, that the model does not know.
    pub fn judged_since(&self, moment: u64) -> u64 {
        let is_judged = |owed: &&Owed| owed.moment > moment && !matches!(owed.expected, Expected::Bytes(_));
        self.owed.iter().filter(is_judged).count() as u64
    }

    /// How many bytes are owed, as far as they are known.
    pub fn owed_len(&self) -> usize {
        let len = |owed: &Owed| match &owed.expected {
            Expected::Bytes(bytes) => bytes.len(),
            _ => 0,
        };
        self.owed.iter().map(len).sum::<usize>().saturating_sub(self.right)
    }

    /// Whether nobody can have cut it off for being owed too much, which the model is told only later.
    pub fn stands_surely(&self) -> bool {
        let is_known = |owed: &Owed| matches!(owed.expected, Expected::Bytes(_));
        self.owed_len() <= SAFE_OWED_BYTES && self.owed.iter().all(is_known)
    }

    /// The command it waits in, if it waits.
    pub fn waits_in(&self) -> Option<&'static str> {
        self.wait.as_ref().map(|wait| wait.row.name)
    }

    /// The reply that is owed first.
    pub fn first_owed(&self) -> Option<&Owed> {
        self.owed.front()
    }

    /// Forgets the reply that is owed first.
    pub fn excuse(&mut self) {
        self.owed.pop_front();
        while self.owed.front().is_some_and(|owed| owed.is_continued) {
            self.owed.pop_front();
        }
    }

    /// Whether the reply that is owed first is one piece.
    pub fn owes_whole_reply(&self) -> bool {
        self.owed.get(1).is_none_or(|owed| !owed.is_continued)
    }

    /// Whether replies are owed that are judged against the data of their moment.
    pub fn owes_pages(&self) -> bool {
        let is_page = |owed: &Owed| matches!(owed.expected, Expected::Page(_) | Expected::AnyKey { .. });
        self.owed.iter().any(is_page)
    }

    /// The replies of which something was received since this was last asked.
    pub fn take_seen(&mut self) -> Vec<Seen> {
        std::mem::take(&mut self.seen)
    }

    fn see(seen: &mut Vec<Seen>, owed: &Owed, received: &[u8]) {
        let is_new = seen.last().is_none_or(|last| last.moment != owed.moment);
        if is_new && !received.is_empty() {
            seen.push(Seen { moment: owed.moment, tells_of_data: owed.tells_of_data(received) });
        }
    }

    /// Takes bytes that were received, up to the next reply that cannot be judged here.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Received, Divergence> {
        self.received.extend_from_slice(bytes);
        loop {
            let Some(owed) = self.owed.front() else {
                return if self.received.is_empty() { Ok(Received::Nothing) } else { Err(self.surplus()) };
            };
            Client::see(&mut self.seen, owed, &self.received);
            if let Expected::Bytes(expected) = &owed.expected {
                let len = expected.len().min(self.received.len());
                if expected[self.right..len] != self.received[self.right..len]
                    && let Some(at) = (self.right..len).find(|&at| expected[at] != self.received[at])
                {
                    return Err(owed.divergence(expected, &self.received, at));
                }
                self.right = len;
                if len < expected.len() {
                    return Ok(Received::Nothing);
                }
                self.received.drain(..len);
                self.right = 0;
                self.owed.pop_front();
                continue;
            }
            let wrong = |what: String| owed.wrong(&what, &self.received);
            let Some(len) = self.framer.len(&self.received).map_err(wrong)? else {
                return Ok(Received::Nothing);
            };
            self.framer = Framer::default();
            let reply: Vec<u8> = self.received.drain(..len).collect();
            if let Some(owed) = self.owed.pop_front() {
                return Ok(Received::Reply(owed, reply));
            }
        }
    }

    fn surplus(&self) -> Divergence {
        let words = super::shown_words(&self.last_request);
        let text =
            format!("nothing more is owed after {words}, and this came: {}", super::shown(&self.received));
        Divergence { site: "o2 surplus".to_owned(), text }
    }

    /// Goes on from a page: the iteration it belongs to, if it is one that is followed.
    pub fn turn_page(&mut self, page: &Page, next_cursor: u64, keys: Vec<Vec<u8>>) -> Option<Iteration> {
        let mut iteration = if page.cursor == 0 {
            Iteration {
                started: page.moment,
                place: page.place,
                filter: page.filter.clone(),
                next_cursor: 0,
                seen: BTreeSet::new(),
            }
        } else {
            // A page with another cursor takes nothing from what is followed.
            let known = self.iteration.take_if(|known| known.next_cursor == page.cursor)?;
            if known.filter != page.filter || known.place != page.place {
                return None;
            }
            known
        };
        iteration.seen.extend(keys);
        iteration.next_cursor = next_cursor;
        if next_cursor == 0 {
            self.iteration = None;
            return Some(iteration);
        }
        self.iteration = Some(iteration);
        None
    }
}

impl Owed {
    /// Whether a reply that begins so tells what data there are.
    fn tells_of_data(&self, received: &[u8]) -> bool {
        const ABOUT_ALL: [&str; 4] = ["dbsize", "keys", "randomkey", "scan"];
        const QUEUED: &[u8] = b"+QUEUED\r\n";
        // Of what has begun to arrive, it may be too early to tell.
        let is_queued = received.starts_with(QUEUED) || QUEUED.starts_with(received);
        let is_refused = received.starts_with(b"-") || is_queued;
        // Whoever waited in vain knows of no data, and whoever watches has not looked.
        let is_blind = self.command.starts_with('b') || self.command == "watch";
        let has_keys = || keys_of(&self.words).is_ok_and(|keys| !keys.is_empty());
        !is_refused && !is_blind && (ABOUT_ALL.contains(&self.command) || has_keys())
    }

    /// A difference at one byte.
    fn divergence(&self, expected: &[u8], received: &[u8], at: usize) -> Divergence {
        // What leads to the difference is shown with it, and the beginning of a long reply is not.
        let from = at.saturating_sub(super::SHOWN_BYTES_MAX / 2);
        let cut = |bytes: &[u8]| super::shown(bytes.get(from..).unwrap_or_default());
        let text = format!(
            "{}\nexpected {}\nactual   {}\nthey differ at byte {at}, and are shown from byte {from}",
            super::shown_words(&self.words),
            cut(expected),
            cut(received)
        );
        Divergence { site: format!("{} reply", self.command), text }
    }

    /// A reply that is not what it must be.
    pub fn wrong(&self, expected: &str, received: &[u8]) -> Divergence {
        let words = super::shown_words(&self.words);
        let text = format!("{words}\nexpected {expected}\nactual   {}", super::shown(received));
        Divergence { site: format!("{} reply", self.command), text }
    }
}
