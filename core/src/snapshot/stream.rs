//! Writing a value in parts.

use super::format::{Format, Kind};
use super::savers::{Body, Inner, Kept, WHOLE_LEN_MAX};
use super::{Meter, Snapshot};
use crate::dataset::Dataset;
use crate::value::Remains;
use crate::value::hash::Pair;
use crate::value::quicklist::{NodeRef, Quicklist};
use crate::value::set::Member;
use crate::value::zset::Scored;
use bytes::Bytes;
use std::mem;

/// A value that is being written in parts.
#[derive(Debug)]
pub(super) enum Stream {
    /// What is left of a string.
    String(Bytes),
    /// A list, and its next node.
    List(Box<Quicklist>, usize),
    /// The table of a collection.
    Table(TableStream),
}

/// The table of a collection that is being written.
#[derive(Clone, Copy, Debug)]
pub(super) struct TableStream {
    id: u64,
    kind: Kind,
    /// Where the walk goes on, unless it is over.
    position: Option<u64>,
    /// Elements that were not written yet.
    left: usize,
}

impl Stream {
    /// The beginning of a value with so many parts.
    pub fn new(body: Body, kind: Kind, len: usize) -> Stream {
        match body {
            Body::String(bytes) => Stream::String(bytes),
            Body::List(list) => Stream::List(list, 0),
            Body::Table(id) => Stream::Table(TableStream { id, kind, position: Some(0), left: len }),
        }
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
        let is_over = match &mut stream {
            Stream::String(bytes) => {
                self.pending.push_back(mem::take(bytes));
                true
            }
            Stream::List(list, place) => {
                self.pending.extend(write_nodes::<F>(list, place, out, meter));
                *place == list.nodes_len()
            }
            Stream::Table(table) => self.take_elements(dataset, table, out.len(), meter),
        };
        if is_over {
            self.keys_done += 1;
            self.end_stream(dataset, stream);
        } else {
            self.stream = Some(stream);
        }
    }

    /// Lets go of a value.
    pub(super) fn end_stream(&mut self, dataset: &mut Dataset, stream: Stream) {
        match stream {
            Stream::String(_) => {}
            Stream::List(list, _) => dataset.lazy_free.push(Remains::List(list.into_remains())),
            Stream::Table(table) => self.end_table(dataset, table),
        }
    }

    /// Takes some elements of a table, to be written next, behind what the output has. Whether those were the last.
    fn take_elements(
        &mut self,
        dataset: &mut Dataset,
        stream: &mut TableStream,
        out_len: usize,
        meter: &mut Meter,
    ) -> bool {
        match stream.kind {
            Kind::Set => self.take_elements_of::<Member>(dataset, stream, out_len, meter),
            Kind::SortedSet => self.take_elements_of::<Scored>(dataset, stream, out_len, meter),
            _ => self.take_elements_of::<Pair>(dataset, stream, out_len, meter),
        }
    }

    fn take_elements_of<E: Inner>(
        &mut self,
        dataset: &mut Dataset,
        stream: &mut TableStream,
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

    fn end_table(&mut self, dataset: &mut Dataset, stream: TableStream) {
        match stream.kind {
            Kind::Set => self.thaw::<Member>(dataset, stream.id),
            Kind::SortedSet => self.thaw::<Scored>(dataset, stream.id),
            _ => self.thaw::<Pair>(dataset, stream.id),
        }
        match self.mail.forget(stream.id) {
            None => {}
            Some(Kept::Hash(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
            Some(Kept::Set(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
            Some(Kept::SortedSet(orphan)) => dataset.lazy_free.push_table(orphan.into_table().take()),
        }
    }

    fn thaw<E: Inner>(&mut self, dataset: &mut Dataset, id: u64) {
        let thaw = crate::keyspace::Table::<E>::thaw;
        self.mail.with_table(id, self.number, &mut self.databases, dataset, thaw);
    }
}

/// Writes some nodes of a list, up to one that is a long string. Returns its bytes, which come next.
fn write_nodes<F: Format>(
    list: &Quicklist,
    place: &mut usize,
    out: &mut Vec<u8>,
    meter: &mut Meter,
) -> Option<Bytes> {
    for node in list.nodes_from(*place) {
        if !meter.has_left(out.len()) {
            break;
        }
        *place += 1;
        meter.count(1);
        match node {
            NodeRef::Plain(bytes) if bytes.len() > WHOLE_LEN_MAX => {
                F::plain_head(out, bytes.len());
                return Some(bytes.clone());
            }
            node => F::node(out, node, !meter.in_haste),
        }
    }
    None
}
