//! Which keys connections WATCH, and whose are stale.
//!
//! Whatever changes data says so in the log of effects, key by key: that is where watched keys are noticed, so that no
//! command can forget to. A key that is mentioned there has changed, unless it was missing before and still is. Whether
//! it still is can only be told once the command is over; so what was mentioned is noted, and [settled](Watches::settle)
//! then.

use crate::net::ConnId;
use std::collections::{BTreeMap, BTreeSet};

/// A key in a database.
pub type WatchedKey = (usize, Box<[u8]>);

/// Everything that is watched.
#[derive(Debug, Default)]
pub struct Watches {
    /// Who watches each key, and whether it was there when they began to.
    watchers: BTreeMap<WatchedKey, Vec<Watcher>>,
    keys_of: BTreeMap<ConnId, Vec<WatchedKey>>,
    stale: BTreeSet<ConnId>,
    /// Keys that were mentioned in the log and not looked at since.
    mentioned: Vec<(WatchedKey, Mention)>,
}

/// How a key came to be mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mention {
    /// By itself: it was changed, even if what it was given had expired before.
    Key,
    /// With its whole database: what is there now may have expired long ago.
    Database,
}

#[derive(Clone, Copy, Debug)]
struct Watcher {
    conn: ConnId,
    existed: bool,
}

impl Watches {
    /// Whether nobody watches anything: the usual case.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.watchers.is_empty()
    }

    /// Begins to watch a key; `exists` says whether it is there and has not expired.
    pub fn watch(&mut self, conn: ConnId, database: usize, key: &[u8], exists: bool) {
        let watched: WatchedKey = (database, key.into());
        let watchers = self.watchers.entry(watched.clone()).or_default();
        if watchers.iter().any(|watcher| watcher.conn == conn) {
            return;
        }
        watchers.push(Watcher { conn, existed: exists });
        self.keys_of.entry(conn).or_default().push(watched);
    }

    /// Forgets all that a connection watches, and that it is stale.
    pub fn unwatch(&mut self, conn: ConnId) {
        self.stale.remove(&conn);
        for watched in self.keys_of.remove(&conn).unwrap_or_default() {
            if let Some(watchers) = self.watchers.get_mut(&watched) {
                watchers.retain(|watcher| watcher.conn != conn);
                if watchers.is_empty() {
                    self.watchers.remove(&watched);
                }
            }
        }
    }

    /// How many keys a connection watches.
    #[must_use]
    pub fn count(&self, conn: ConnId) -> usize {
        self.keys_of.get(&conn).map_or(0, Vec::len)
    }

    /// The keys a connection watches that were there when it began to.
    pub fn existed(&self, conn: ConnId) -> impl Iterator<Item = &WatchedKey> {
        let keys = self.keys_of.get(&conn).into_iter().flatten();
        keys.filter(move |watched| {
            let watchers = self.watchers.get(*watched).into_iter().flatten();
            watchers.clone().any(|watcher| watcher.conn == conn && watcher.existed)
        })
    }

    /// Whether anything a connection watches has changed.
    #[must_use]
    pub fn is_stale(&self, conn: ConnId) -> bool {
        self.stale.contains(&conn)
    }

    /// A key was mentioned in the log of effects.
    pub fn mention(&mut self, database: usize, key: &[u8]) {
        let watched: WatchedKey = (database, key.into());
        if self.watchers.contains_key(&watched) {
            self.mentioned.push((watched, Mention::Key));
        }
    }

    /// A whole database was mentioned: emptied, or exchanged for another.
    pub fn mention_database(&mut self, database: usize) {
        let keys = self.watchers.keys().filter(|(other, _)| *other == database);
        self.mentioned.extend(keys.map(|key| (key.clone(), Mention::Database)));
    }

    /// All databases were mentioned.
    pub fn mention_all(&mut self) {
        self.mentioned.extend(self.watchers.keys().map(|key| (key.clone(), Mention::Database)));
    }

    /// Whether anything was mentioned.
    #[must_use]
    #[inline]
    pub fn needs_settling(&self) -> bool {
        !self.mentioned.is_empty()
    }

    /// Looks at what was mentioned: whoever watches a key that was there before, or is there now, is stale.
    pub fn settle(&mut self, mut exists: impl FnMut(usize, &[u8], Mention) -> bool) {
        for (watched, mention) in std::mem::take(&mut self.mentioned) {
            let exists = exists(watched.0, &watched.1, mention);
            for watcher in self.watchers.get(&watched).into_iter().flatten() {
                if watcher.existed || exists {
                    self.stale.insert(watcher.conn);
                }
            }
        }
    }
}
