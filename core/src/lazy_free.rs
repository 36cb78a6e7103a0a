//! Memory that is nobody's any more and is freed a slice at a time, so that no turn is long because of it.

use crate::keyspace::{Discarded, Element, Entry, Remnants};
use crate::value::Remains;
use std::collections::VecDeque;
use std::fmt;

/// A collection of no more pieces than this is freed at once, as in Redis.
const PIECES_AT_ONCE_MAX: usize = 64;

/// What waits to be freed, in order.
#[derive(Debug, Default)]
pub struct LazyFree {
    queue: VecDeque<Garbage>,
}

#[derive(Debug)]
enum Garbage {
    /// The former content of a database.
    Database(Discarded),
    /// What a collection held, or a part of it.
    Collection(Remains),
    /// What a table held, of which nothing else is left.
    Table(Box<dyn Pieces>),
}

/// Something to be freed piece by piece.
trait Pieces: fmt::Debug + Send + Sync {
    /// Frees up to so many pieces. Whether any are left.
    fn free(&mut self, pieces_max: usize) -> bool;

    /// The number of pieces left.
    fn len(&self) -> usize;
}

impl<E: Element + Send + Sync> Pieces for Remnants<E> {
    fn free(&mut self, pieces_max: usize) -> bool {
        !self.free_slice(pieces_max)
    }

    fn len(&self) -> usize {
        self.len()
    }
}

impl LazyFree {
    /// Takes the former content of a database.
    pub fn push_database(&mut self, discarded: Discarded) {
        self.queue.push_back(Garbage::Database(discarded));
    }

    /// Takes what a collection held, or a part of it; frees a few pieces at once.
    pub fn push(&mut self, remains: Remains) {
        if remains.pieces_len() > PIECES_AT_ONCE_MAX {
            self.queue.push_back(Garbage::Collection(remains));
        }
    }

    /// Takes what a table held.
    pub fn push_table<E: Element + Send + Sync + 'static>(&mut self, remnants: Remnants<E>) {
        if remnants.len() > PIECES_AT_ONCE_MAX {
            self.queue.push_back(Garbage::Table(Box::new(remnants)));
        }
    }

    /// Takes what an entry held, if that is much; the rest is freed at once. Whether something was put off.
    pub fn push_entry(&mut self, mut entry: Entry) -> bool {
        let is_large = entry.collection_mut().is_some_and(|held| held.pieces_len() > PIECES_AT_ONCE_MAX);
        if !is_large {
            return false;
        }
        if let Some(collection) = entry.take_collection() {
            self.push(collection.into_remains());
        }
        true
    }

    /// Frees at most so many pieces. Returns how many entries of databases were among them.
    pub fn free_slice(&mut self, pieces_max: usize) -> usize {
        match self.queue.front_mut() {
            None => 0,
            Some(Garbage::Collection(remains)) => {
                if !remains.free(pieces_max) {
                    self.queue.pop_front();
                }
                0
            }
            Some(Garbage::Table(pieces)) => {
                if !pieces.free(pieces_max) {
                    self.queue.pop_front();
                }
                0
            }
            Some(Garbage::Database(discarded)) => {
                let (mut freed, mut large) = (0, Vec::new());
                while freed < pieces_max
                    && let Some(mut entry) = discarded.pop()
                {
                    freed += 1;
                    if entry.collection_mut().is_some_and(|held| held.pieces_len() > PIECES_AT_ONCE_MAX) {
                        large.push(entry);
                        break;
                    }
                }
                if discarded.is_empty() {
                    self.queue.pop_front();
                }
                for entry in large {
                    self.push_entry(entry);
                }
                freed
            }
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Entries, and other pieces, that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        let pieces = |garbage: &Garbage| match garbage {
            Garbage::Database(discarded) => discarded.len(),
            Garbage::Collection(remains) => remains.pieces_len(),
            Garbage::Table(pieces) => pieces.len(),
        };
        self.queue.iter().map(pieces).sum()
    }
}
