//! What frozen tables have told the snapshot, and where each of them is.

use super::Walked;
use super::savers::{Body, Deferred, Inner, Kept, Message, Post};
use crate::dataset::Dataset;
use crate::keyspace::{Database, Table};
use crate::value::Collection;
use crate::value::quicklist::Quicklist;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

/// The mail of a snapshot.
///
/// It is a queue with shared senders, not a reference to the snapshot: tables know nothing of it, may be dropped at any
/// time, and may outlive it.
#[derive(Debug)]
pub(super) struct Mail {
    messages: Receiver<Message>,
    post: Post,
    /// Keys whose values are written in parts later.
    pub waiting: VecDeque<Deferred>,
    places: BTreeMap<u64, Place>,
    /// A message that was seen before it was read.
    seen: Option<Message>,
}

/// Where a frozen collection is.
#[derive(Debug)]
enum Place {
    /// In some database, under this key.
    Key(Vec<u8>),
    /// Here: it was dropped.
    Kept(Kept),
}

impl Mail {
    pub fn new() -> Mail {
        let (sender, messages) = channel();
        let post = Post { sender, waiting_bytes: Arc::new(AtomicUsize::new(0)) };
        Mail { messages, post, waiting: VecDeque::new(), places: BTreeMap::new(), seen: None }
    }

    pub fn post(&self) -> &Post {
        &self.post
    }

    /// Bytes that were saved early and not taken yet.
    pub fn waiting_bytes(&self) -> usize {
        self.post.waiting_bytes.load(Ordering::Relaxed)
    }

    /// Whether everything was read.
    pub fn is_empty(&mut self) -> bool {
        if self.seen.is_none() {
            self.seen = self.messages.try_recv().ok();
        }
        self.seen.is_none()
    }

    /// Reads everything.
    pub fn read(&mut self, databases: &mut [Walked]) {
        while let Some(message) = self.seen.take().or_else(|| self.messages.try_recv().ok()) {
            match message {
                Message::Deferred(deferred) => {
                    if let Body::Inner(id) = deferred.body {
                        self.places.insert(id, Place::Key(deferred.head.key.clone()));
                    }
                    self.waiting.push_back(*deferred);
                }
                Message::Moved(id, key) => drop(self.places.insert(id, Place::Key(key))),
                Message::Dropped(id, kept) => drop(self.places.insert(id, Place::Kept(kept))),
                Message::Discarded(database, orphan) => databases[database].discarded.push(*orphan),
            }
        }
    }

    /// Shows the frozen table with this number, wherever it is.
    pub fn with_table<E: Inner, R>(
        &mut self,
        id: u64,
        snapshot: u32,
        databases: &mut [Walked],
        dataset: &mut Dataset,
        show: impl FnOnce(&mut Table<E>) -> R,
    ) -> R {
        match self.place(id) {
            Place::Kept(kept) => show(E::of_kept(kept).expect("it stays what it is").table_mut(snapshot)),
            Place::Key(key) => {
                let mut show = Some(show);
                in_databases(key, snapshot, databases, dataset, &mut |collection| {
                    let table = E::table_of(collection)?;
                    let is_it = table.saver().is_some_and(|saver| saver.id() == id);
                    show.take_if(|_| is_it).map(|show| show(table))
                })
            }
        }
    }

    /// Shows the frozen list with this number, wherever it is.
    pub fn with_list<R>(
        &mut self,
        id: u64,
        snapshot: u32,
        databases: &mut [Walked],
        dataset: &mut Dataset,
        show: impl FnOnce(&mut Quicklist) -> R,
    ) -> R {
        match self.place(id) {
            Place::Kept(Kept::List(kept)) => show(&mut kept.list),
            Place::Kept(_) => unreachable!("it stays what it is"),
            Place::Key(key) => {
                let mut show = Some(show);
                in_databases(key, snapshot, databases, dataset, &mut |collection| {
                    let Collection::List(list) = collection else { return None };
                    let list = list.quicklist_mut()?;
                    let is_it = list.saver().is_some_and(|saver| saver.id() == id);
                    show.take_if(|_| is_it).map(|show| show(list))
                })
            }
        }
    }

    fn place(&mut self, id: u64) -> &mut Place {
        self.places.get_mut(&id).expect("it was announced, and is not over")
    }

    /// Forgets a collection that is not frozen any more. Returns what it held, if it was dropped.
    pub fn forget(&mut self, id: u64) -> Option<Kept> {
        match self.places.remove(&id)? {
            Place::Kept(kept) => Some(kept),
            Place::Key(_) => None,
        }
    }
}

/// Shows the collections under a key in all databases, until one is the right one.
fn in_databases<R>(
    key: &[u8],
    snapshot: u32,
    databases: &mut [Walked],
    dataset: &mut Dataset,
    show: &mut dyn FnMut(&mut Collection) -> Option<R>,
) -> R {
    let hash = dataset.hash_key.hash(key);
    let live = dataset.databases_mut().iter_mut().map(Database::table_mut);
    let flushed = databases.iter_mut().flat_map(|walked| &mut walked.discarded);
    let flushed = flushed.map(|orphan| orphan.table_mut(snapshot));
    live.chain(flushed)
        .find_map(|table| table.find_mut(hash, key)?.touch(|entry| show(entry.collection_mut()?)))
        .expect("a frozen collection is under its key until it is dropped")
}
