//! What happens to the elements of frozen tables.
//!
//! Entries with short values are encoded at once. One with a long value is announced in the snapshot's mail, with a
//! handle on the value as it is now: shared bytes, or the number of the collection, which is frozen in its turn.

use super::format::{Format, Head, Kind};
use crate::keyspace::{Element, Entry, Saved, Saver, Table};
use crate::value::hash::Pair;
use crate::value::quicklist::{ListSaver, Quicklist};
use crate::value::set::Member;
use crate::value::zset::Scored;
use crate::value::{Collection, StringRef, ValueRef};
use bytes::Bytes;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;

/// Longer strings are shared instead of copied when somebody waits.
const COPIED_LEN_MAX: usize = 1 << 10;

/// Longer strings are written in parts.
pub const WHOLE_LEN_MAX: usize = 64 << 10;

/// Numbers of collections leave so many bits for those within one database.
const IDS_PER_DATABASE_BITS: u32 = 40;

/// What frozen tables have to tell the snapshot. What happened first arrives first.
#[derive(Debug)]
pub enum Message {
    /// There is a key whose value has to be written in parts.
    Deferred(Box<Deferred>),
    /// The collection that has this table is under another key now.
    Moved(u64, Vec<u8>),
    /// A database was emptied or dropped; this is what it held.
    Discarded(usize, Box<Orphan<Entry>>),
    /// A collection was dropped, or a list is about to change; this is what it held.
    Dropped(u64, Kept),
}

/// A key whose value is written in parts.
#[derive(Debug)]
pub struct Deferred {
    pub database: usize,
    pub head: Head,
    pub body: Body,
}

/// A value that does not change any more.
#[derive(Debug)]
pub enum Body {
    String {
        bytes: Bytes,
        _copied: Copied,
    },
    /// The frozen list, or the frozen table of a collection, with this number.
    Inner(u64),
}

/// What a table held that is gone, and what it was frozen with.
pub struct Orphan<E: Element> {
    table: Table<E>,
    saver: Option<Box<dyn Saver<E>>>,
}

/// What a collection held.
#[derive(Debug)]
pub enum Kept {
    List(KeptList),
    Hash(Box<Orphan<Pair>>),
    Set(Box<Orphan<Member>>),
    SortedSet(Box<Orphan<Scored>>),
}

/// A list that does not change any more.
#[derive(Debug)]
pub struct KeptList {
    pub list: Box<Quicklist>,
    /// What was copied for it.
    _copied: Copied,
}

/// Counts bytes that were copied, or kept from being freed, as long as they are.
#[derive(Debug)]
pub struct Copied {
    bytes: usize,
    waiting_bytes: Arc<AtomicUsize>,
}

/// Where frozen tables send what they have to tell.
#[derive(Clone, Debug)]
pub struct Post {
    pub sender: Sender<Message>,
    /// Bytes that were saved or copied early and not written yet.
    pub waiting_bytes: Arc<AtomicUsize>,
}

/// Elements of tables in collections.
pub trait Inner: Element + 'static {
    /// The table of a collection, if it has one of these elements.
    fn table_of(collection: &mut Collection) -> Option<&mut Table<Self>>;

    /// Sorts what is left of such a table.
    fn into_kept(orphan: Box<Orphan<Self>>) -> Kept;

    /// What is left of such a table.
    fn of_kept(kept: &mut Kept) -> Option<&mut Orphan<Self>>;

    /// Writes it out.
    fn encode<F: Format>(&self, out: &mut Vec<u8>, key: &[u8], compress: bool);
}

impl<E: Element> Orphan<E> {
    /// The table, frozen as it was.
    pub fn table_mut(&mut self, snapshot: u32) -> &mut Table<E> {
        if let Some(saver) = self.saver.take() {
            self.table.freeze(snapshot, saver);
        }
        &mut self.table
    }

    /// The table, which is not frozen any more.
    pub fn into_table(mut self) -> Table<E> {
        self.table.thaw();
        self.table
    }
}

impl<E: Element> fmt::Debug for Orphan<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Orphan").field("len", &self.table.len()).finish()
    }
}

impl Post {
    /// Sends a message. When there is no snapshot any more, what it has is freed here.
    fn send(&self, message: Message) {
        drop(self.sender.send(message));
    }

    fn count(&self, bytes: usize) -> Copied {
        self.waiting_bytes.fetch_add(bytes, Ordering::Relaxed);
        Copied { bytes, waiting_bytes: self.waiting_bytes.clone() }
    }
}

impl Drop for Copied {
    fn drop(&mut self) {
        self.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// What was saved, of it what was saved early, and where the rest is told.
#[derive(Debug)]
struct Desk {
    saved: Saved,
    early_bytes: usize,
    post: Post,
}

impl Desk {
    fn new(post: Post) -> Desk {
        Desk { saved: Saved::default(), early_bytes: 0, post }
    }

    fn save(&mut self, in_haste: bool, encode: impl FnOnce(&mut Vec<u8>)) {
        let added = self.saved.add(encode);
        if in_haste {
            self.early_bytes += added;
            self.post.waiting_bytes.fetch_add(added, Ordering::Relaxed);
        }
    }

    fn saved_mut(&mut self) -> &mut Saved {
        self.forget_early();
        &mut self.saved
    }

    fn forget_early(&mut self) {
        self.post.waiting_bytes.fetch_sub(mem::take(&mut self.early_bytes), Ordering::Relaxed);
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.forget_early();
    }
}

/// Saves the entries of a database.
#[derive(Debug)]
pub struct EntrySaver<F> {
    snapshot: u32,
    database: usize,
    /// How many collections of this database were frozen.
    collections: u64,
    desk: Desk,
    format: PhantomData<fn() -> F>,
}

impl<F: Format> EntrySaver<F> {
    pub fn new(snapshot: u32, database: usize, post: Post) -> EntrySaver<F> {
        EntrySaver { snapshot, database, collections: 0, desk: Desk::new(post), format: PhantomData }
    }

    /// A handle on the value if it is a long one, with its kind and the number of its parts.
    fn defer(&mut self, entry: &mut Entry, in_haste: bool) -> Option<(Kind, usize, Body)> {
        if let ValueRef::String(string) = entry.value() {
            let len_max = if in_haste { COPIED_LEN_MAX } else { WHOLE_LEN_MAX };
            let is_long = matches!(string, StringRef::Bytes(bytes) if bytes.len() > len_max);
            let bytes = is_long.then(|| entry.shared_bytes()).flatten()?;
            let _copied = self.desk.post.count(if in_haste { bytes.len() } else { 0 });
            return Some((Kind::String, bytes.len(), Body::String { bytes, _copied }));
        }
        let key = Arc::<[u8]>::from(entry.key());
        match entry.collection_mut()? {
            Collection::List(list) => {
                let list = list.quicklist_mut()?;
                let id = self.new_id();
                list.freeze(Box::new(ListDesk { id, post: self.desk.post.clone() }));
                Some((Kind::List, list.nodes_len(), Body::Inner(id)))
            }
            Collection::Set(set) => set.table_mut().map(|table| self.freeze(Kind::Set, key, table)),
            Collection::SortedSet(set) => {
                set.table_mut().map(|table| self.freeze(Kind::SortedSet, key, table))
            }
            Collection::Hash(hash) => hash.table_mut().map(|table| self.freeze(Kind::Hash, key, table)),
        }
    }

    fn freeze<E: Inner>(&mut self, kind: Kind, key: Arc<[u8]>, table: &mut Table<E>) -> (Kind, usize, Body) {
        let id = self.new_id();
        let desk = Desk::new(self.desk.post.clone());
        table.freeze(self.snapshot, Box::new(InnerSaver::<F> { id, key, desk, format: PhantomData }));
        (kind, table.len(), Body::Inner(id))
    }

    fn new_id(&mut self) -> u64 {
        self.collections += 1;
        (self.database as u64) << IDS_PER_DATABASE_BITS | self.collections
    }
}

impl<F: Format> Saver<Entry> for EntrySaver<F> {
    fn save(&mut self, entry: &mut Entry, in_haste: bool) {
        match self.defer(entry, in_haste) {
            None => self.desk.save(in_haste, |out| F::entry(out, entry.as_ref(), !in_haste)),
            Some((kind, len, body)) => {
                let (key, expiry, lru) = (entry.key().to_vec(), entry.expiry(), entry.as_ref().lru());
                let head = Head { key, expiry, lru, kind, len };
                self.desk.post.send(Message::Deferred(Box::new(Deferred {
                    database: self.database,
                    head,
                    body,
                })));
            }
        }
    }

    fn saved_mut(&mut self) -> &mut Saved {
        self.desk.saved_mut()
    }

    fn id(&self) -> u64 {
        self.database as u64
    }

    fn note_key(&mut self, _: &[u8]) {}

    fn keep(self: Box<Self>, table: Table<Entry>) -> Option<Box<dyn Saver<Entry>>> {
        let post = self.desk.post.clone();
        // Collections that belong to the snapshot may still come here by other ways, and go the same way again.
        let successor = EntrySaver::<F>::new(self.snapshot, self.database, post.clone());
        let database = self.database;
        post.send(Message::Discarded(database, Box::new(Orphan { table, saver: Some(self) })));
        Some(Box::new(successor))
    }
}

/// Saves the elements of a collection.
#[derive(Debug)]
struct InnerSaver<F> {
    id: u64,
    /// The key it had when the snapshot began.
    key: Arc<[u8]>,
    desk: Desk,
    format: PhantomData<fn() -> F>,
}

impl<E: Inner, F: Format> Saver<E> for InnerSaver<F> {
    fn save(&mut self, element: &mut E, in_haste: bool) {
        self.desk.save(in_haste, |out| element.encode::<F>(out, &self.key, !in_haste));
    }

    fn saved_mut(&mut self) -> &mut Saved {
        self.desk.saved_mut()
    }

    fn id(&self) -> u64 {
        self.id
    }

    fn note_key(&mut self, key: &[u8]) {
        self.desk.post.send(Message::Moved(self.id, key.to_vec()));
    }

    fn keep(self: Box<Self>, table: Table<E>) -> Option<Box<dyn Saver<E>>> {
        let (id, post) = (self.id, self.desk.post.clone());
        post.send(Message::Dropped(id, E::into_kept(Box::new(Orphan { table, saver: Some(self) }))));
        None
    }
}

/// Hears of a frozen list.
#[derive(Debug)]
struct ListDesk {
    id: u64,
    post: Post,
}

impl ListSaver for ListDesk {
    fn id(&self) -> u64 {
        self.id
    }

    fn note_key(&mut self, key: &[u8]) {
        self.post.send(Message::Moved(self.id, key.to_vec()));
    }

    fn keep(self: Box<Self>, list: Quicklist, copied_bytes: usize) {
        let _copied = self.post.count(copied_bytes);
        self.post.send(Message::Dropped(self.id, Kept::List(KeptList { list: Box::new(list), _copied })));
    }
}

impl Inner for Pair {
    fn table_of(collection: &mut Collection) -> Option<&mut Table<Pair>> {
        if let Collection::Hash(hash) = collection { hash.table_mut() } else { None }
    }

    fn into_kept(orphan: Box<Orphan<Pair>>) -> Kept {
        Kept::Hash(orphan)
    }

    fn of_kept(kept: &mut Kept) -> Option<&mut Orphan<Pair>> {
        if let Kept::Hash(orphan) = kept { Some(orphan) } else { None }
    }

    fn encode<F: Format>(&self, out: &mut Vec<u8>, key: &[u8], compress: bool) {
        F::field(out, key, StringRef::Bytes(self.field()), self.value(), compress);
    }
}

impl Inner for Member {
    fn table_of(collection: &mut Collection) -> Option<&mut Table<Member>> {
        if let Collection::Set(set) = collection { set.table_mut() } else { None }
    }

    fn into_kept(orphan: Box<Orphan<Member>>) -> Kept {
        Kept::Set(orphan)
    }

    fn of_kept(kept: &mut Kept) -> Option<&mut Orphan<Member>> {
        if let Kept::Set(orphan) = kept { Some(orphan) } else { None }
    }

    fn encode<F: Format>(&self, out: &mut Vec<u8>, key: &[u8], compress: bool) {
        F::member(out, key, self.string(), compress);
    }
}

impl Inner for Scored {
    fn table_of(collection: &mut Collection) -> Option<&mut Table<Scored>> {
        if let Collection::SortedSet(set) = collection { set.table_mut() } else { None }
    }

    fn into_kept(orphan: Box<Orphan<Scored>>) -> Kept {
        Kept::SortedSet(orphan)
    }

    fn of_kept(kept: &mut Kept) -> Option<&mut Orphan<Scored>> {
        if let Kept::SortedSet(orphan) = kept { Some(orphan) } else { None }
    }

    fn encode<F: Format>(&self, out: &mut Vec<u8>, key: &[u8], compress: bool) {
        F::scored(out, key, StringRef::Bytes(self.member()), self.score(), compress);
    }
}
