//! Clients that wait for keys: BLPOP and the like.
//!
//! Whatever changes data says so in the log of effects, key by key, and that is where awaited keys are noticed, whichever
//! command made them. Whether such a key holds what is waited for is [looked at](Waiters::settle) when that command is
//! over: this is the order in which keys are served. Once the command, or the transaction around it, is over, the clients
//! that wait for such a key run their requests again, in the order in which they came; who gets nothing stays in its
//! place.

use crate::net::ConnId;
use crate::time::Monotonic;
use crate::transaction::Queued;
use crate::value::ValueType;
use crate::watch::WatchedKey;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Everybody who waits.
#[derive(Debug, Default)]
pub struct Waiters {
    waits: BTreeMap<ConnId, Wait>,
    /// Who waits for each key, first come first served.
    queues: BTreeMap<WatchedKey, VecDeque<ConnId>>,
    deadlines: BTreeSet<(Monotonic, ConnId)>,
    /// Keys that were mentioned in the log and not looked at since.
    mentioned: Vec<WatchedKey>,
    /// Keys that held what is waited for when their command was over.
    ready: VecDeque<WatchedKey>,
    /// Clients whose waits were ended, and that have not gone on yet.
    released: VecDeque<ConnId>,
}

/// What one client waits for.
#[derive(Debug)]
pub struct Wait {
    /// The request that runs when there is something.
    pub request: Queued,
    /// What a key has to hold.
    pub value_type: ValueType,
    keys: Vec<WatchedKey>,
    /// When the client gives up, if it does.
    deadline: Option<Monotonic>,
}

/// How a wait ends without anything to show for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitEnd {
    /// Its time is over: the reply is null.
    TimedOut,
    /// Somebody ended it with an error.
    Unblocked,
}

impl Waiters {
    /// Whether nobody waits: the usual case.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.waits.is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waits.len()
    }

    /// A client begins to wait for any of these keys of a database. A key named twice counts once.
    pub fn wait<'a>(
        &mut self,
        conn: ConnId,
        request: Queued,
        value_type: ValueType,
        database: usize,
        names: impl Iterator<Item = &'a [u8]>,
        deadline: Option<Monotonic>,
    ) {
        let mut keys: Vec<WatchedKey> = Vec::new();
        for name in names {
            let key: WatchedKey = (database, name.into());
            if !keys.contains(&key) {
                self.queues.entry(key.clone()).or_default().push_back(conn);
                keys.push(key);
            }
        }
        if let Some(deadline) = deadline {
            self.deadlines.insert((deadline, conn));
        }
        self.waits.insert(conn, Wait { request, value_type, keys, deadline });
    }

    /// A client waits no longer.
    pub fn release(&mut self, conn: ConnId) -> Option<Wait> {
        let wait = self.waits.remove(&conn)?;
        if let Some(deadline) = wait.deadline {
            self.deadlines.remove(&(deadline, conn));
        }
        for key in &wait.keys {
            if let Some(queue) = self.queues.get_mut(key) {
                queue.retain(|other| *other != conn);
                if queue.is_empty() {
                    self.queues.remove(key);
                }
            }
        }
        Some(wait)
    }

    /// What a client waits for.
    #[must_use]
    pub fn find(&self, conn: ConnId) -> Option<&Wait> {
        self.waits.get(&conn)
    }

    /// A key was mentioned in the log of effects.
    pub fn mention(&mut self, database: usize, key: &[u8]) {
        let key: WatchedKey = (database, key.into());
        if self.queues.contains_key(&key) {
            self.mentioned.push(key);
        }
    }

    /// All keys of a database were mentioned.
    pub fn mention_database(&mut self, database: usize) {
        self.mentioned.extend(self.queues.keys().filter(|(other, _)| *other == database).cloned());
    }

    /// Whether anything was mentioned.
    #[must_use]
    #[inline]
    pub fn needs_settling(&self) -> bool {
        !self.mentioned.is_empty()
    }

    /// Looks at what was mentioned: who waits for a key that holds the right thing now will be served.
    pub fn settle(&mut self, type_of: impl Fn(usize, &[u8]) -> Option<ValueType>) {
        for key in std::mem::take(&mut self.mentioned) {
            let held = type_of(key.0, &key.1);
            let mut waiting =
                self.queues.get(&key).into_iter().flatten().filter_map(|conn| self.waits.get(conn));
            if waiting.any(|wait| held == Some(wait.value_type)) && !self.ready.contains(&key) {
                self.ready.push_back(key);
            }
        }
    }

    /// Whether anybody has to be looked at.
    #[must_use]
    #[inline]
    pub fn has_work(&self) -> bool {
        !self.ready.is_empty() || !self.released.is_empty()
    }

    /// The next key that may still be there.
    pub fn pop_ready(&mut self) -> Option<WatchedKey> {
        self.ready.pop_front()
    }

    /// Who waits for a key, in order.
    #[must_use]
    pub fn queue(&self, key: &WatchedKey) -> Vec<ConnId> {
        let mut queue: Vec<ConnId> = self.queues.get(key).into_iter().flatten().copied().collect();
        if mutant!(Mutant::WakeOrderReversed) {
            queue.reverse();
        }
        queue
    }

    /// A client's wait was ended, and it goes on once the command is over.
    pub fn note_released(&mut self, conn: ConnId) {
        self.released.push_back(conn);
    }

    /// The next client whose wait was ended.
    pub fn pop_released(&mut self) -> Option<ConnId> {
        self.released.pop_front()
    }

    /// When the next client gives up.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Monotonic> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    /// A client whose time is over.
    #[must_use]
    pub fn overdue(&self, now: Monotonic) -> Option<ConnId> {
        self.deadlines.first().filter(|(deadline, _)| *deadline <= now).map(|&(_, conn)| conn)
    }
}
