//! Lists: one listpack while they are short, a sequence of nodes when they are longer.
//!
//! ```text
//! List ─┬─ Listpack                                        `listpack`
//!       └─ Quicklist                                       `quicklist`
//!              head │ directory: node, node, node … │ tail
//! ```
//!
//! A *node* is a listpack of a few KB, one that LZF has compressed, or a single long element, whose bytes are
//! shared with whoever else has them. How elements are spread over nodes follows Redis, because one can tell: a
//! list becomes a `listpack` again when it has shrunk to one node of half the size allowed.
//!
//! The *head* and the *tail* are where almost everything happens. They belong to the quicklist itself, so that
//! pushing and popping touches nothing but them. The nodes between are in a directory that counts (see
//! `directory.rs`). What changes the sequence of nodes first puts head and tail into the directory, works
//! there, and takes them out again.
//!
//! *Snapshots:* a clone is one. It copies head and tail, and of the directory one row per block of nodes; blocks
//! and nodes are shared, and whichever side changes a node first copies that node. So a list can be frozen in
//! time that hardly depends on its length, and written to while the frozen one is read.
//!
//! *Freeing:* nodes that are removed at once come back as [`Remains`], which can be freed a few at a time.

mod directory;
mod edit;
mod frozen;
mod limits;
mod list;
mod node;
#[cfg(test)]
mod tests;
mod walk;

pub(crate) use frozen::ListSaver;
pub use limits::ListLimits;
pub use list::{List, ListEncoding};
pub use walk::Walk;

use self::directory::{Directory, Hint};
use self::frozen::Frozen;
use self::limits::{NodeLimits, compress_depth_of};
use self::node::Node;
use super::StringRef;
use super::listpack::Listpack;
use bytes::Bytes;
use std::mem;

/// An element of a list, in it or on its way into it.
#[derive(Clone, Copy, Debug)]
pub enum Element<'a> {
    /// A string or number that is copied.
    Small(StringRef<'a>),
    /// A long string that can be shared.
    Large(&'a Bytes),
}

impl<'a> Element<'a> {
    /// Its value.
    #[must_use]
    #[inline]
    pub fn as_string(self) -> StringRef<'a> {
        match self {
            Element::Small(string) => string,
            Element::Large(bytes) => StringRef::Bytes(bytes),
        }
    }

    /// Its length in bytes as a text.
    #[must_use]
    #[inline]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks an element whether it is empty")]
    pub fn len(self) -> usize {
        self.as_string().len()
    }

    /// Its bytes, shared if they can be.
    #[must_use]
    pub fn to_shared(self) -> Bytes {
        match self {
            Element::Small(string) => string.with_bytes(Bytes::copy_from_slice),
            Element::Large(bytes) => bytes.clone(),
        }
    }
}

impl<'a> From<&'a [u8]> for Element<'a> {
    fn from(bytes: &'a [u8]) -> Element<'a> {
        Element::Small(StringRef::Bytes(bytes))
    }
}

impl<'a> From<&'a Bytes> for Element<'a> {
    fn from(bytes: &'a Bytes) -> Element<'a> {
        Element::Large(bytes)
    }
}

impl<'a> From<StringRef<'a>> for Element<'a> {
    fn from(string: StringRef<'a>) -> Element<'a> {
        Element::Small(string)
    }
}

/// One end of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Where index 0 is; `LEFT`.
    Head,
    /// Where index -1 is; `RIGHT`.
    Tail,
}

/// What a node is made of: what goes into a dump.
#[derive(Clone, Copy, Debug)]
pub enum NodeRef<'a> {
    /// A listpack.
    Packed(&'a [u8]),
    /// A listpack compressed by LZF.
    Compressed {
        /// The compressed bytes.
        bytes: &'a [u8],
        /// Length of the listpack.
        bytes_len: usize,
    },
    /// A single element.
    Plain(&'a Bytes),
}

/// A list of any length.
///
/// Invariants: the head is empty only if everything is; the tail is empty only if the directory is; no node in
/// the directory is empty. With a compress depth, so many nodes at either end are not compressed.
#[derive(Clone, Debug)]
pub struct Quicklist {
    head: Node,
    inner: Directory,
    tail: Node,
    len: usize,
    limits: NodeLimits,
    compress_depth: usize,
    frozen: Frozen,
}

impl Quicklist {
    /// An empty list. It keeps the limits it is made with.
    #[must_use]
    pub fn new(limits: ListLimits) -> Quicklist {
        Quicklist {
            head: Node::empty(),
            inner: Directory::default(),
            tail: Node::empty(),
            len: 0,
            limits: NodeLimits::new(limits),
            compress_depth: compress_depth_of(limits),
            frozen: Frozen::default(),
        }
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds an element at one end.
    #[inline]
    pub fn push(&mut self, end: End, element: Element<'_>) {
        self.len += 1;
        let value = element.as_string();
        if let Node::Packed(listpack) = end_node(&mut self.head, &mut self.tail, end)
            && self.limits.admit(listpack.bytes_len(), listpack.len(), value.len())
        {
            push_value(listpack, end, value);
        } else {
            self.push_node(end, Node::of(element, &self.limits));
        }
    }

    /// Adds a listpack from elsewhere as the last node, whatever its size. One without elements is ignored.
    pub fn push_listpack(&mut self, listpack: Listpack) {
        if !listpack.is_empty() {
            self.len += listpack.len();
            self.push_node(End::Tail, Node::Packed(listpack));
        }
    }

    /// Adds an element as a node of its own, the last one: what a dump has for elements that were long where it
    /// was made.
    pub fn push_plain(&mut self, bytes: Bytes) {
        self.len += 1;
        self.push_node(End::Tail, Node::Plain(bytes));
    }

    /// The element at one end.
    #[must_use]
    #[inline]
    pub fn end(&self, end: End) -> Option<Element<'_>> {
        let node = match end {
            End::Head => &self.head,
            End::Tail => self.last(),
        };
        match node {
            Node::Packed(listpack) => end_of(listpack, end).map(Element::Small),
            Node::Plain(bytes) => Some(Element::Large(bytes)),
            Node::Compressed(_) => unreachable!("the nodes at the ends are not compressed"),
        }
    }

    /// Removes the element at one end. Whether there was one.
    #[inline]
    pub fn pop(&mut self, end: End) -> bool {
        if self.len == 0 {
            return false;
        }
        self.len -= 1;
        let node = end_node(&mut self.head, &mut self.tail, end);
        match node {
            Node::Packed(listpack) => pop_value(listpack, end),
            Node::Plain(_) => *node = Node::empty(),
            Node::Compressed(_) => unreachable!("the nodes at the ends are not compressed"),
        }
        if node.is_empty() {
            self.refill(end);
        }
        true
    }

    /// The element with this index; `scratch` is where its node is decompressed to if it has to be.
    #[must_use]
    pub fn get<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Option<Element<'a>> {
        if index >= self.len {
            return None;
        }
        let (place, offset) = self.locate(index);
        self.node(place).view(scratch).get(offset)
    }

    /// The number of nodes.
    #[must_use]
    pub fn nodes_len(&self) -> usize {
        usize::from(!self.head.is_empty()) + self.inner.nodes() + usize::from(!self.tail.is_empty())
    }

    /// The nodes as they are, beginning with the one at `place`: whoever writes out a list in slices goes on where
    /// the last slice ended.
    pub fn nodes_from(&self, place: usize) -> impl Iterator<Item = NodeRef<'_>> {
        let mut hint = self.inner.hint_near(place);
        (place..self.nodes_len()).map(move |place| match self.node_near(place, &mut hint) {
            Node::Packed(listpack) => NodeRef::Packed(listpack.view().as_bytes()),
            Node::Compressed(compressed) => {
                NodeRef::Compressed { bytes: compressed.as_bytes(), bytes_len: compressed.bytes_len as usize }
            }
            Node::Plain(bytes) => NodeRef::Plain(bytes),
        })
    }

    /// Bytes of memory besides this handle. Takes as long as there are nodes.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        let mut hint = Hint::default();
        let nodes = (0..self.nodes_len()).map(|place| self.node_near(place, &mut hint).memory_bytes());
        nodes.sum::<usize>() + self.inner.memory_bytes()
    }

    /// Everything, to be freed.
    #[must_use]
    pub fn into_remains(mut self) -> Remains {
        self.hand_over();
        self.close_ends();
        Remains(mem::take(&mut self.inner))
    }

    /// The node that has the element with this index, and the element's index in it.
    fn locate(&self, index: usize) -> (usize, usize) {
        let head_len = self.head.len();
        if index < head_len {
            return (0, index);
        }
        let index = index - head_len;
        if index < self.inner.elements() {
            let (place, offset) = self.inner.locate(index);
            (1 + place, offset)
        } else {
            (1 + self.inner.nodes(), index - self.inner.elements())
        }
    }

    fn node(&self, place: usize) -> &Node {
        let mut hint = self.inner.hint_near(place.saturating_sub(1));
        self.node_near(place, &mut hint)
    }

    /// The node at `place`, found in few steps if the last one looked at was close by.
    fn node_near(&self, place: usize, hint: &mut Hint) -> &Node {
        match place.checked_sub(1) {
            None => &self.head,
            Some(place) if place < self.inner.nodes() => self.inner.node_near(place, hint),
            Some(_) => &self.tail,
        }
    }

    /// Changes the node at `place`, which nobody else sees.
    fn update<R>(&mut self, place: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        match place.checked_sub(1) {
            None => change(&mut self.head),
            Some(place) if place < self.inner.nodes() => self.inner.update(place, change),
            Some(_) => change(&mut self.tail),
        }
    }

    /// The last node: a single one is the head.
    #[inline]
    fn last(&self) -> &Node {
        if self.tail.is_empty() { &self.head } else { &self.tail }
    }

    /// Puts a node at one end.
    #[cold]
    fn push_node(&mut self, end: End, node: Node) {
        if self.head.is_empty() {
            self.head = node;
            return;
        }
        match (end, self.tail.is_empty()) {
            (End::Head, true) => self.tail = mem::replace(&mut self.head, node),
            (End::Head, false) => self.inner.push_front(mem::replace(&mut self.head, node)),
            (End::Tail, true) => self.tail = node,
            (End::Tail, false) => self.inner.push_back(mem::replace(&mut self.tail, node)),
        }
        self.settle_edges(1);
    }

    /// Puts the next node in the place of one at an end that has become empty.
    #[cold]
    fn refill(&mut self, end: End) {
        match end {
            End::Head => {
                let next = self.inner.pop_front();
                self.head = next.unwrap_or_else(|| mem::replace(&mut self.tail, Node::empty()));
            }
            // If it was the head that has become empty, there is nothing else.
            End::Tail => {
                if let Some(next) = self.inner.pop_back() {
                    self.tail = next;
                }
            }
        }
        self.settle_edges(1);
    }

    /// Puts head and tail into the directory.
    fn close_ends(&mut self) {
        for end in [End::Head, End::Tail] {
            let node = match end {
                End::Head => &mut self.head,
                End::Tail => &mut self.tail,
            };
            if node.is_empty() {
                continue;
            }
            let node = mem::replace(node, Node::empty());
            match end {
                End::Head => self.inner.push_front(node),
                End::Tail => self.inner.push_back(node),
            }
        }
    }

    /// Takes head and tail out of the directory.
    fn open_ends(&mut self) {
        if let Some(head) = self.inner.pop_front() {
            self.head = head;
        }
        if let Some(tail) = self.inner.pop_back() {
            self.tail = tail;
        }
    }

    /// After up to `shift` nodes came or went at a place: compresses and decompresses nodes where the compressed
    /// ones begin and end.
    fn settle_edges(&mut self, shift: usize) {
        let nodes = self.nodes_len();
        let last = (self.compress_depth + shift).min(nodes);
        for distance in self.compress_depth.saturating_sub(shift)..last {
            self.settle(distance);
            self.settle(nodes - 1 - distance);
        }
    }

    /// After a change at `place`: compresses what was decompressed for it, or came to be there.
    fn settle_around(&mut self, place: usize) {
        for place in place.saturating_sub(2)..(place + 3).min(self.nodes_len()) {
            self.settle(place);
        }
    }

    /// Compresses or decompresses the node at `place` as its distance from the ends demands.
    fn settle(&mut self, place: usize) {
        if self.compress_depth == 0 {
            return;
        }
        let distance = place.min(self.nodes_len() - 1 - place);
        match (self.node(place), distance < self.compress_depth) {
            (Node::Compressed(_), true) => self.update(place, Node::decompress),
            (Node::Packed(_), false) => self.update(place, Node::compress),
            _ => {}
        }
    }
}

/// The node at one end: a single one is the head.
#[inline]
fn end_node<'a>(head: &'a mut Node, tail: &'a mut Node, end: End) -> &'a mut Node {
    match end {
        End::Tail if !tail.is_empty() => tail,
        _ => head,
    }
}

#[inline]
fn push_value(listpack: &mut Listpack, end: End, value: StringRef<'_>) {
    match end {
        End::Head => listpack.prepend(value),
        End::Tail => listpack.append(value),
    }
}

#[inline]
fn pop_value(listpack: &mut Listpack, end: End) {
    let view = listpack.view();
    let offset = match end {
        End::Head => view.first(),
        End::Tail => view.last(),
    };
    if let Some(offset) = offset {
        listpack.remove(offset);
    }
}

/// The value at one end.
#[inline]
fn end_of(listpack: &Listpack, end: End) -> Option<StringRef<'_>> {
    let view = listpack.view();
    match end {
        End::Head => view.first(),
        End::Tail => view.last(),
    }
    .map(|offset| view.at(offset))
}

/// Nodes that have been removed from a list and wait to be freed. Dropping it frees them all.
#[derive(Debug, Default)]
pub struct Remains(Directory);

impl Remains {
    /// Frees up to so many nodes. Whether any are left.
    pub fn free(&mut self, nodes_max: usize) -> bool {
        for _ in 0..nodes_max {
            if !self.0.drop_back() {
                return false;
            }
        }
        self.0.nodes() > 0
    }

    /// The number of nodes left.
    #[must_use]
    pub fn nodes_len(&self) -> usize {
        self.0.nodes()
    }
}
