//! Snapshots: all databases as they were at one instant, written out piece by piece while commands go on.
//!
//! ```text
//! databases ─── walk, home by home ────────────────┐
//!    │                                             │
//!    └── about to change: saved early ──┐          │
//!                                       ▼          ▼
//!    large values ──► mail ──► waiting ──► one stream of bytes
//! ```
//!
//! [`begin`](Snapshot::begin) freezes the tables of all databases, which takes no time (`keyspace/frozen.rs` says how
//! a frozen table works). Each [`step`](Snapshot::step) then writes a bounded piece. What was saved early is written
//! before the walk goes on, so that little of it lies around.
//!
//! A large value is written in parts, and nothing else comes between them:
//!
//! - Of a long string there is a shared handle, which is copied when somebody changes the string.
//! - A collection is frozen in its turn when the database's walk comes to the key, or when a command is about to
//!   change it. The elements of a table are walked later, or saved early, as entries are. Of a list that is about to
//!   change the mail gets a clone, which shares its nodes; a node is copied when somebody changes it.
//!
//! A frozen collection is found again wherever it is by then. It lives with its key: in another database after MOVE
//! or SWAPDB, under another name after RENAME, which it tells in the mail. When it is dropped, because the key was
//! deleted, overwritten, or has expired, what it held goes into the mail instead of being freed; databases that
//! are flushed do the same. So whatever commands there are, none has to know of snapshots.
//!
//! *Order:* keys come in no order, and a database may be selected more than once. Nothing is in the snapshot
//! twice, and nothing is missing: both are asserted.

mod format;
mod mail;
mod savers;
mod stream;
#[cfg(test)]
mod tests;

pub use format::{Format, Head, Kind};

use self::mail::Mail;
use self::savers::{Deferred, EntrySaver, Orphan};
use self::stream::Stream;
use crate::dataset::Dataset;
use crate::keyspace::{Database, Entry, Table};
use bytes::Bytes;
use std::collections::VecDeque;
use std::marker::PhantomData;
use std::mem;

/// Elements and homes looked at in a step.
const STEP_ELEMENTS_MAX: usize = 2_000;

/// Bytes written in a step, more or less.
const STEP_BYTES_MAX: usize = 256 << 10;

/// With so many bytes saved early and not written yet, steps are twice as large; with twice as many, three times. And
/// as there is no time to lose, nothing is compressed.
const HASTE_BYTES: usize = 4 << 20;

/// Steps are at most so much larger: they are to take less than five milliseconds even then.
const HASTE_MAX: usize = 12;

/// A snapshot that is being taken.
#[derive(Debug)]
pub struct Snapshot<F: Format> {
    number: u32,
    databases: Vec<Walked>,
    /// The database whose walk is on.
    current: usize,
    /// The database that what was written last belongs to.
    selected: Option<usize>,
    mail: Mail,
    /// Encoded bytes that come next, before everything else, in order.
    pending: VecDeque<Bytes>,
    /// The value that is being written in parts.
    stream: Option<Stream>,
    keys_done: usize,
    keys_total: usize,
    is_done: bool,
    format: PhantomData<fn() -> F>,
}

/// How much a step may do.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Elements and homes looked at.
    pub elements: usize,
    /// Bytes written. The last thing may exceed them.
    pub bytes: usize,
}

/// How far a snapshot has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Keys that were written.
    pub keys_done: usize,
    /// Keys there were at the beginning.
    pub keys_total: usize,
    /// Bytes that were saved early and are not written yet.
    pub waiting_bytes: usize,
    /// Whether that was all.
    pub is_done: bool,
}

/// A database on its way into the snapshot.
#[derive(Debug)]
struct Walked {
    /// Where the walk goes on, unless it is over.
    position: Option<u64>,
    /// Keys, and those with an expiry, at the beginning.
    sizes: (usize, usize),
    is_introduced: bool,
    /// What it held whenever it was flushed: first, unless the walk was over by then, what is to be walked.
    discarded: Vec<Orphan<Entry>>,
}

impl Default for Budget {
    /// What takes no longer than a millisecond.
    fn default() -> Budget {
        Budget { elements: STEP_ELEMENTS_MAX, bytes: STEP_BYTES_MAX }
    }
}

/// What is left of a step's budget.
struct Meter {
    in_haste: bool,
    elements_left: usize,
    /// The length of the output at which to stop.
    len_max: usize,
}

impl Meter {
    /// Counts so many elements, beside what it takes to find them.
    fn count(&mut self, elements: usize) {
        self.elements_left = self.elements_left.saturating_sub(elements + 1);
    }

    /// Whether there is something left when the output has this length.
    fn has_left(&self, len: usize) -> bool {
        self.elements_left > 0 && len < self.len_max
    }

    /// How many bytes may follow when the output has this length.
    fn bytes_left(&self, len: usize) -> usize {
        self.len_max.saturating_sub(len)
    }
}

impl<F: Format> Snapshot<F> {
    /// Begins a snapshot of all databases as they are now. The one before has ended or was aborted.
    #[must_use]
    pub fn begin(dataset: &mut Dataset) -> Snapshot<F> {
        let number = dataset.number_snapshot();
        let mail = Mail::new();
        let mut databases = Vec::new();
        for (index, database) in dataset.databases_mut().iter_mut().enumerate() {
            assert!(database.table_mut().saver().is_none(), "there is one snapshot at a time");
            let sizes = (database.len(), database.expires_len());
            databases.push(Walked { position: Some(0), sizes, is_introduced: false, discarded: Vec::new() });
            let saver = EntrySaver::<F>::new(number, index, mail.post().clone());
            database.table_mut().freeze(number, Box::new(saver));
        }
        Snapshot {
            number,
            keys_total: databases.iter().map(|database| database.sizes.0).sum(),
            databases,
            current: 0,
            selected: None,
            mail,
            pending: VecDeque::new(),
            stream: None,
            keys_done: 0,
            is_done: false,
            format: PhantomData,
        }
    }

    /// Keys there were at the beginning.
    #[must_use]
    pub fn keys_total(&self) -> usize {
        self.keys_total
    }

    /// Appends a piece of the snapshot to `out`. When all is written, the databases are as they were before; the
    /// rest of the file is the caller's.
    ///
    /// # Panics
    ///
    /// If it was aborted, or if what was written is not what there was.
    pub fn step(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>, budget: Budget) -> Progress {
        let haste = (self.waiting_bytes() / HASTE_BYTES + 1).min(HASTE_MAX);
        let mut meter = Meter {
            in_haste: haste > 1,
            elements_left: budget.elements.saturating_mul(haste),
            len_max: out.len().saturating_add(budget.bytes.saturating_mul(haste)),
        };
        while !self.is_done && meter.has_left(out.len()) {
            self.advance(dataset, out, &mut meter);
        }
        Progress {
            keys_done: self.keys_done,
            keys_total: self.keys_total,
            waiting_bytes: self.waiting_bytes(),
            is_done: self.is_done,
        }
    }

    /// Gives up. The databases are as if there had been no snapshot.
    pub fn abort(mut self, dataset: &mut Dataset) {
        self.mail.read(&mut self.databases);
        if let Some(stream) = self.stream.take() {
            self.end_stream(dataset, &stream);
        }
        while let Some(Deferred { head, body, .. }) = self.mail.waiting.pop_front() {
            let stream = Stream::new(head, body);
            self.end_stream(dataset, &stream);
        }
        self.end(dataset);
    }

    /// Does what comes next.
    fn advance(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>, meter: &mut Meter) {
        self.mail.read(&mut self.databases);
        if let Some(pending) = self.pending.front_mut() {
            let len = pending.len().min(meter.bytes_left(out.len()));
            out.extend_from_slice(&pending.split_to(len));
            if pending.is_empty() {
                self.pending.pop_front();
            }
        } else if let Some(stream) = self.stream.take() {
            self.advance_stream(dataset, stream, out, meter);
        } else if let Some(Deferred { database, head, body }) = self.mail.waiting.pop_front() {
            self.select(database, out);
            F::head(out, &head);
            self.stream = Some(Stream::new(head, body));
        } else if self.mail.waiting_bytes() == 0 || !self.take_early(dataset, out) {
            self.free_discarded(dataset);
            self.walk(dataset, out, meter);
        }
    }

    /// Walks on in the current database, as far as the budget goes or to the next large value.
    fn walk(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>, meter: &mut Meter) {
        let Some(walked) = self.databases.get_mut(self.current) else {
            assert_eq!(self.keys_done, self.keys_total, "everything is in the snapshot exactly once");
            self.is_done = true;
            self.end(dataset);
            return;
        };
        let mut position = walked.position;
        let table = walked.table(self.current, self.number, dataset);
        let mut saved_len = 0;
        while let Some(at) = position
            && self.mail.is_empty()
        {
            let saved = table.saver().expect("it is frozen").saved_mut();
            meter.count(saved.len() - saved_len);
            saved_len = saved.len();
            if !meter.has_left(out.len() + saved.bytes_len()) {
                break;
            }
            position = table.save_home(at, meter.in_haste);
        }
        walked.position = position;
        self.take_saved(dataset, self.current, out);
        if position.is_none() {
            self.current += 1;
        }
    }

    /// Takes what was saved early of one of the databases. Whether there was something.
    fn take_early(&mut self, dataset: &mut Dataset, out: &mut Vec<u8>) -> bool {
        (0..self.databases.len()).any(|database| self.take_saved(dataset, database, out))
    }

    /// Takes what was saved of a database, to be written next. Whether there was something.
    fn take_saved(&mut self, dataset: &mut Dataset, database: usize, out: &mut Vec<u8>) -> bool {
        let table = self.databases[database].table(database, self.number, dataset);
        let saved = table.saver().expect("it is frozen").saved_mut();
        if saved.len() == 0 {
            return false;
        }
        let saved = mem::take(saved);
        self.keys_done += saved.len();
        self.select(database, out);
        self.pending.extend(saved.into_chunks().map(Bytes::from));
        true
    }

    /// Writes that what follows belongs to this database, unless what came before does.
    fn select(&mut self, database: usize, out: &mut Vec<u8>) {
        if self.selected != Some(database) {
            self.selected = Some(database);
            let walked = &mut self.databases[database];
            let is_introduced = mem::replace(&mut walked.is_introduced, true);
            F::select(out, database, (!is_introduced).then_some(walked.sizes));
        }
    }

    /// Has freed what was flushed and is needed no more. Nothing is being written in parts, or waits to be: there
    /// may be keys of that in what was flushed.
    fn free_discarded(&mut self, dataset: &mut Dataset) {
        for walked in &mut self.databases {
            let kept = usize::from(walked.position.is_some()).min(walked.discarded.len());
            for orphan in walked.discarded.drain(kept..) {
                let discarded = Database::of_table(orphan.into_table()).take();
                dataset.lazy_free.push_database(discarded);
            }
        }
    }

    fn waiting_bytes(&self) -> usize {
        self.pending.iter().map(Bytes::len).sum::<usize>() + self.mail.waiting_bytes()
    }

    /// Thaws all databases.
    fn end(&mut self, dataset: &mut Dataset) {
        self.databases.iter_mut().for_each(|walked| walked.position = None);
        self.free_discarded(dataset);
        dataset.databases_mut().iter_mut().for_each(|database| database.table_mut().thaw());
    }
}

impl Walked {
    /// The table that has what the database held at the beginning.
    fn table<'a>(&'a mut self, index: usize, number: u32, dataset: &'a mut Dataset) -> &'a mut Table<Entry> {
        if let Some(orphan) = self.discarded.first_mut() {
            return orphan.table_mut(number);
        }
        let mut tables = dataset.databases_mut().iter_mut().map(Database::table_mut);
        tables
            .find_map(|table| (table.saver()?.id() == index as u64).then_some(table))
            .expect("databases come and go only by way of the mail")
    }
}
