//! Writing a value in parts.

use super::format::{Format, Head, Kind};
use super::savers::{Body, Inner, Kept, WHOLE_LEN_MAX};
use super::{Meter, Snapshot};
use crate::dataset::Dataset;
use crate::keyspace::Table;
use crate::value::Remains;
use crate::value::hash::Pair;
use crate::value::quicklist::{NodeRef, Quicklist};
use crate::value::set::Member;
use crate::value::zset::Scored;
use bytes::Bytes;
use std::mem;

/// A value that is being written in parts.
#[derive(Debug)]
pub(super) struct Stream {
    head: Head,
    rest: Rest,
}

/// What of it was not written yet.
#[derive(Debug)]
enum Rest {
    /// A string.
    String(Bytes),
    /// A collection.
    Inner(InnerStream),
}

/// A collection that is being written.
#[derive(Clone, Copy, Debug)]
struct InnerStream {
    id: u64,
    /// Where the walk over a table goes on, unless it is over.
    position: Option<u64>,
    /// Elements, or nodes of a list, that there were, and those that were not written yet.
    len: usize,
    left: usize,
}

impl Stream {
    /// The beginning of a value.
    pub fn new(head: Head, body: Body) -> Stream {
        let len = head.len;
        let rest = match body {
            Body::String { bytes, .. } => Rest::String(bytes),
            Body::Inner(id) => Rest::Inner(InnerStream { id, position: Some(0), len, left: len }),
        };
        Stream { head, rest }
    }
}

impl<F: Format> Snapshot<F> {
    /// Writes another part of a value, or ends it.
    pub(super) fn advance_stream(
        &mut self,
        dataset: &mut Dataset,
        mut stream: Stream,
        out: &mut Vec<u8>,
        meter: &mut Meter,
    ) {
        let Stream { head, rest } = &mut stream;
        let is_over = match rest {
            Rest::String(bytes) => {
                self.pending.push_back(mem::take(bytes));
                true
            }
            Rest::Inner(inner) => match head.kind {
                Kind::String | Kind::List => self.write_nodes(dataset, &head.key, inner, out, meter),
                Kind::Set => self.take_elements::<Member>(dataset, inner, out.len(), meter),
                Kind::SortedSet => self.take_elements::<Scored>(dataset, inner, out.len(), meter),
                Kind::Hash => self.take_elements::<Pair>(dataset, inner, out.len(), meter),
            },
        };
        if is_over {
            self.keys_done += 1;
            let mut tail = Vec::new();
            F::tail(&mut tail, head);
            self.pending.extend((!tail.is_empty()).then(|| Bytes::from(tail)));
            self.end_stream(dataset, &stream);
        } else {
            self.stream = Some(stream);
        }
    }

    /// Lets go of a value.
    pub(super) fn end_stream(&mut self, dataset: &mut Dataset, stream: &Stream) {
        let Rest::Inner(InnerStream { id, .. }) = stream.rest else { return };
        match stream.head.kind {
            Kind::String | Kind::List => {
                self.mail.with_list(id, self.number, &mut self.databases, dataset, Quicklist::thaw);
            }
            Kind::Set => self.thaw::<Member>(dataset, id),
            Kind::SortedSet => self.thaw::<Scored>(dataset, id),
            Kind::Hash => self.thaw::<Pair>(dataset, id),
        }
        match self.mail.forget(id) {
            None => {}
            Some(Kept::List(kept)) => dataset.lazy_free.push(Remains::List(kept.list.into_remains())),
            Some(Kept::Hash(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
            Some(Kept::Set(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
            Some(Kept::SortedSet(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
        }
    }

    fn thaw<E: Inner>(&mut self, dataset: &mut Dataset, id: u64) {
        self.mail.with_table(id, self.number, &mut self.databases, dataset, Table::<E>::thaw);
    }

    /// Writes some nodes of a list, up to one that is a long string, whose bytes come next. Whether those were the
    /// last.
    fn write_nodes(
        &mut self,
        dataset: &mut Dataset,
        key: &[u8],
        stream: &mut InnerStream,
        out: &mut Vec<u8>,
        meter: &mut Meter,
    ) -> bool {
        let pending = &mut self.pending;
        self.mail.with_list(stream.id, self.number, &mut self.databases, dataset, |list| {
            assert_eq!(list.nodes_len(), stream.len, "a frozen list does not change");
            for node in list.nodes_from(stream.len - stream.left) {
                if !pending.is_empty() || !meter.has_left(out.len()) {
                    break;
                }
                stream.left -= 1;
                meter.count(1);
                match node {
                    NodeRef::Plain(bytes) if bytes.len() > WHOLE_LEN_MAX => {
                        F::plain_head(out, key, bytes.len());
                        pending.push_back(bytes.clone());
                        let mut tail = Vec::new();
                        F::plain_tail(&mut tail);
                        pending.extend((!tail.is_empty()).then(|| Bytes::from(tail)));
                    }
                    node => F::node(out, key, node, !meter.in_haste),
                }
            }
        });
        stream.left == 0
    }

    /// Takes some elements of a table, to be written next, behind what the output has. Whether those were the last.
    fn take_elements<E: Inner>(
        &mut self,
        dataset: &mut Dataset,
        stream: &mut InnerStream,
        out_len: usize,
        meter: &mut Meter,
    ) -> bool {
        let saved =
            self.mail.with_table::<E, _>(stream.id, self.number, &mut self.databases, dataset, |table| {
                let mut saved_len = 0;
                loop {
                    let saved = table.saver().expect("it is frozen").saved_mut();
                    meter.count(saved.len() - saved_len);
                    saved_len = saved.len();
                    let is_enough = !meter.has_left(out_len + saved.bytes_len());
                    match stream.position {
                        Some(position) if !is_enough => {
                            stream.position = table.save_home(position, meter.in_haste);
                        }
                        _ => return mem::take(saved),
                    }
                }
            });
        stream.left = stream.left.checked_sub(saved.len()).expect("nothing is saved twice");
        self.pending.extend(saved.into_chunks().map(Bytes::from));
        if stream.position.is_some() {
            return false;
        }
        assert_eq!(stream.left, 0, "everything is saved once");
        true
    }
}
