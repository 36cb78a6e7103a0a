//! Transactions, and the keys that are watched.
//!
//! A watched key is touched by whatever counts as a change to Redis, whether or not the data are other ones
//! afterwards. One that had expired when the watch began, and is then removed, was not touched.

use super::answer::{Expected, Out, Refusal};
use super::call::Call;
use super::client::{Client, Owed, Replies};
use super::keyspace::Place;
use super::table::{Kind, Row};
use super::{ClientId, Model};

const ABORTED: &str = "EXECABORT Transaction discarded because of previous errors.";

/// What is queued between MULTI and EXEC.
#[derive(Clone, Debug, Default)]
pub(super) struct Transaction {
    pub queued: Vec<(&'static Row, Vec<Vec<u8>>)>,
    /// A request was refused.
    pub is_aborted: bool,
}

/// A key that is watched.
#[derive(Clone, Debug)]
pub(super) struct Watched {
    /// The number of its database.
    index: usize,
    key: Vec<u8>,
    /// Whether it was there, and past its expiry, when the watch began.
    was_expired: bool,
}

/// Something that counts as a change to a key.
#[derive(Clone, Debug)]
pub(super) struct Touch {
    pub place: Place,
    pub key: Vec<u8>,
    /// Whether the key was there right afterwards.
    pub is_there: bool,
}

impl Client {
    /// Forgets what is queued and what is watched.
    pub fn discard(&mut self) {
        self.transaction = None;
        self.unwatch();
    }

    fn unwatch(&mut self) {
        self.watched.clear();
        self.is_dirty = false;
    }

    /// Some watched key has changed.
    fn make_dirty(&mut self) {
        self.watched.clear();
        self.is_dirty = true;
    }

    /// Whether EXEC, or the request itself, may change data.
    pub fn may_write(&self, row: &Row) -> bool {
        let queued = self.transaction.as_ref().map(|transaction| transaction.queued.as_slice());
        row.kind == Kind::Write
            || row.name == "exec" && queued.unwrap_or_default().iter().any(|(row, _)| row.kind == Kind::Write)
    }
}

/// Whether a command is never queued.
pub(super) fn is_immediate(name: &str) -> bool {
    ["exec", "discard", "multi", "watch", "quit", "reset"].contains(&name)
}

/// Whether a command may be no part of a transaction.
pub(super) fn is_alone(name: &str) -> bool {
    matches!(name, "shutdown" | "save")
}

impl Model {
    /// Tells those who watch what was touched, in order.
    pub(super) fn spread_touches(&mut self) {
        for Touch { place, key, is_there } in std::mem::take(&mut self.keyspace.touches) {
            let Some(index) = self.keyspace.order().iter().position(|&other| other == place) else {
                continue;
            };
            for client in self.clients.values_mut() {
                let watched =
                    client.watched.iter_mut().find(|watched| watched.index == index && watched.key == key);
                match watched {
                    None => {}
                    Some(watched) if watched.was_expired => watched.was_expired = is_there,
                    Some(_) => client.make_dirty(),
                }
            }
        }
        let created = std::mem::take(&mut self.keyspace.created);
        self.note_ready(created);
    }

    /// A database is about to be emptied, or exchanged for another.
    pub(super) fn touch_database(&mut self, index: usize, other: Option<usize>) {
        let now_ms = self.keyspace.now_ms();
        let place = self.keyspace.place(index);
        for client in self.clients.values_mut() {
            let mut is_dirty = false;
            for watched in client.watched.iter_mut().filter(|watched| watched.index == index) {
                let was_there = self.keyspace.entries(place).contains_key(&watched.key);
                let next = other
                    .and_then(|other| self.keyspace.entries(self.keyspace.place(other)).get(&watched.key));
                let will_be_expired = next.is_some_and(|entry| entry.is_expired(now_ms));
                if !was_there && next.is_none() {
                    continue;
                }
                if watched.was_expired && next.is_none() {
                    watched.was_expired = false;
                } else if !watched.was_expired && !was_there && will_be_expired {
                    watched.was_expired = true;
                } else if !(watched.was_expired && will_be_expired) {
                    is_dirty = true;
                }
            }
            if is_dirty {
                client.make_dirty();
            }
        }
    }

    /// Whether a watched key has expired since.
    fn has_expired_watch(&self, client: &Client) -> bool {
        let now_ms = self.keyspace.now_ms();
        client.watched.iter().filter(|watched| !watched.was_expired).any(|watched| {
            let entries = self.keyspace.entries(self.keyspace.place(watched.index));
            entries.get(&watched.key).is_some_and(|entry| entry.is_expired(now_ms))
        })
    }

    /// Queues a request.
    pub(super) fn queue(&mut self, client: ClientId, row: &'static Row, words: &[Vec<u8>], out: &mut Out) {
        if let Some(sender) = self.clients.get_mut(&client)
            && let Some(transaction) = &mut sender.transaction
        {
            // What will not be executed is not kept.
            if !sender.is_dirty && !transaction.is_aborted {
                transaction.queued.push((row, words.to_vec()));
            }
        }
        out.simple(b"QUEUED");
    }

    /// A request was refused; the text that is answered.
    pub(super) fn refuse(&mut self, client: ClientId, row: Option<&Row>, refusal: Refusal) -> Refusal {
        let Some(sender) = self.clients.get_mut(&client) else { return refusal };
        if row.is_some_and(|row| row.name == "exec") {
            sender.discard();
            let text = refusal.0.strip_prefix(b"ERR ").unwrap_or(&refusal.0);
            return Refusal([b"EXECABORT Transaction discarded because of: ", text].concat());
        }
        if let Some(transaction) = &mut sender.transaction {
            transaction.is_aborted = true;
        }
        refusal
    }
}

/// `MULTI`
pub(super) fn multi(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let sender = model.sender(call);
    if sender.transaction.is_some() {
        return Err("ERR MULTI calls can not be nested".into());
    }
    sender.transaction = Some(Transaction::default());
    out.ok();
    Ok(())
}

/// `DISCARD`
pub(super) fn discard(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let sender = model.sender(call);
    if sender.transaction.is_none() {
        return Err("ERR DISCARD without MULTI".into());
    }
    sender.discard();
    out.ok();
    Ok(())
}

/// `WATCH key [key …]`
pub(super) fn watch(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let sender = model.sender(call);
    if sender.transaction.is_some() {
        return Err("ERR WATCH inside MULTI is not allowed".into());
    }
    out.ok();
    if sender.is_dirty {
        return Ok(());
    }
    let index = sender.selected;
    for key in call.rest(1) {
        let entry = model.keyspace.entries(call.place).get(key);
        let was_expired = entry.is_some_and(|entry| entry.is_expired(call.now_ms));
        let watched = &mut model.sender(call).watched;
        if !watched.iter().any(|other| other.index == index && other.key == *key) {
            watched.push(Watched { index, key: key.clone(), was_expired });
        }
    }
    Ok(())
}

/// `UNWATCH`
pub(super) fn unwatch(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.sender(call).unwatch();
    out.ok();
    Ok(())
}

/// `EXEC`: each request is answered as if it had come alone, behind the head of an array.
pub(super) fn exec(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let expired = model.clients.get(&call.client).is_some_and(|sender| model.has_expired_watch(sender));
    let sender = model.sender(call);
    let Some(transaction) = sender.transaction.clone() else {
        return Err("ERR EXEC without MULTI".into());
    };
    if transaction.is_aborted {
        sender.discard();
        return Err(ABORTED.into());
    }
    if sender.is_dirty || expired {
        sender.discard();
        out.null_array();
        return Ok(());
    }
    sender.unwatch();
    sender.is_executing = true;
    let mut head = Out::new(sender.is_resp3);
    // What SCAN shows is held against the moment between two commands.
    model.keyspace.keep_history(true);
    model.keyspace.counts_expired = false;
    head.array(transaction.queued.len());
    let mut parts = Vec::new();
    model.add_part(call.client, "exec", call.words.clone(), head, &mut parts);
    for (row, words) in transaction.queued {
        model.keyspace.step();
        let Some(sender) = model.clients.get(&call.client) else { break };
        let mut part = Out::new(sender.is_resp3);
        let words = model.perform(call.client, row, words, &mut part);
        model.add_part(call.client, row.name, words, part, &mut parts);
    }
    model.keyspace.counts_expired = true;
    let sender = model.sender(call);
    sender.is_executing = false;
    sender.discard();
    out.special(Expected::Parts(parts));
    Ok(())
}

impl Model {
    /// Adds to what EXEC owes, unless the client wants no replies at this moment.
    fn add_part(
        &self,
        client: ClientId,
        command: &'static str,
        words: Vec<Vec<u8>>,
        out: Out,
        parts: &mut Vec<Owed>,
    ) {
        let hears = |client: &Client| matches!(client.replies, Replies::On | Replies::SkipNext);
        if let Some(expected) = out.finish()
            && self.clients.get(&client).is_some_and(hears)
        {
            let is_continued = !parts.is_empty();
            parts.push(Owed { command, words, moment: self.keyspace.moment, expected, is_continued });
        }
    }
}
