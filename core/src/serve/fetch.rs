//! Fetching into the cache what a batch of requests will look at, before the first of them runs.
//!
//! First the buckets of their keys, then the entries these lead to; then, where requests that follow one another ask for
//! elements of the same large collection, what leads to these elements. Hashes that are found on the way are kept: a
//! pipeline often names one key again and again.

use super::{Batch, PARSE_AHEAD_MAX, Request};
use crate::commands::{Ahead, Command};
use crate::core::Core;
use crate::keyspace::is_equal;
use crate::resp::ArgRange;
use crate::value::{Collection, Lookup, StringRef};

/// Collections with no more elements than this stay in the cache by themselves. Simulated ones seldom get large, and what
/// is found ahead is to be used there, too.
const CACHED_ELEMENTS_MAX: usize = if cfg!(feature = "simulation") { 16 } else { 4_096 };

impl Core {
    /// Finds the hashes of the batch's keys, and begins to fetch what they will lead to.
    #[inline]
    pub(super) fn fetch(&self, database: usize, input: &[u8], batch: &mut Batch) {
        let is_cold = self.dataset.exceeds_cache(database);
        let mut last: Option<(&[u8], u64)> = None;
        let mut asks_for_elements = false;
        for request in &mut batch.requests {
            let Some(command) = request.command else { continue };
            let Some(index) = command.first_key_index() else { continue };
            let Some(key) = request.argument(index, input, &batch.ranges) else { continue };
            let hash = match last {
                Some((known, hash)) if is_equal(known, key) => hash,
                _ if is_cold => self.dataset.prefetch_bucket(database, key),
                _ => self.dataset.hash_key.hash(key),
            };
            last = Some((key, hash));
            request.hash = Some(hash);
            asks_for_elements |= command.ahead != Ahead::Key;
        }
        if is_cold {
            for request in &batch.requests {
                if let Some(hash) = request.hash {
                    self.dataset.prefetch_entry(database, hash);
                }
            }
        }
        if asks_for_elements {
            for run in batch.requests.chunk_by_mut(|a, b| a.hash == b.hash) {
                if run.len() > 1 {
                    self.fetch_elements(database, input, &batch.ranges, run);
                }
            }
        }
    }

    /// Begins to fetch the elements that requests with the same key ask for.
    fn fetch_elements(&self, database: usize, input: &[u8], ranges: &[ArgRange], run: &mut [Request]) {
        let [Request { command: Some(command), hash: Some(hash), .. }, ..] = *run else { return };
        let Some(key) = command.first_key_index().and_then(|index| run[0].argument(index, input, ranges))
        else {
            return;
        };
        let Some(collection) = self.dataset.collection(database, key, hash) else { return };
        if collection.len() <= CACHED_ELEMENTS_MAX {
            return;
        }
        let mut lookups = [Lookup::new(StringRef::Int(0)); PARSE_AHEAD_MAX];
        let mut len = 0;
        for request in &*run {
            if let Some(element) = request.element(input, ranges) {
                lookups[len] = Lookup::from(element);
                len += 1;
            }
        }
        let lookups = &mut lookups[..len];
        collection.prefetch(lookups);
        let mut lookups = lookups.iter();
        let mut places = [0.0; 2 * PARSE_AHEAD_MAX];
        let mut count = 0;
        for request in run {
            if request.element(input, ranges).is_none() {
                continue;
            }
            let Some(lookup) = lookups.next() else { break };
            request.element_hash = lookup.known_hash();
            let (Collection::SortedSet(set), Some(command)) = (collection, request.command) else { continue };
            let (is_ranked, score_index) = match command.ahead {
                Ahead::Key | Ahead::Element(_) => (false, None),
                Ahead::Rank(_) => (true, None),
                Ahead::Score(index) => (true, Some(usize::from(index) - 1)),
            };
            let word = score_index.and_then(|index| request.argument(index, input, ranges));
            let scores =
                [if is_ranked { set.score(*lookup) } else { None }, word.and_then(crate::number::parse_f64)];
            for score in scores.into_iter().flatten() {
                places[count] = score;
                count += 1;
            }
        }
        if let Collection::SortedSet(set) = collection {
            set.prefetch_scores(&places[..count]);
        }
    }
}

impl Request {
    /// An argument where it lies, if there are so many. Of one that arrived in memory of its own nothing is here.
    #[inline]
    fn argument<'a>(&self, index: usize, input: &'a [u8], ranges: &[ArgRange]) -> Option<&'a [u8]> {
        (index < self.range_count as usize)
            .then(|| ranges[self.first_range as usize + index].of(&input[self.start as usize..]))
    }

    /// The element of a collection that is asked for.
    #[inline]
    fn element<'a>(&self, input: &'a [u8], ranges: &[ArgRange]) -> Option<&'a [u8]> {
        self.argument(self.command.and_then(Command::element_index)?, input, ranges)
    }
}
