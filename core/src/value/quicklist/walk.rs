//! Walking over a list from any element, either way.

use super::directory::Hint;
use super::node::NodeView;
use super::{Element, Quicklist};
use crate::value::StringRef;
use crate::value::listpack::{ListpackView, Needle, Offset};
use bytes::Bytes;

/// Walks over a list. What it yields is valid until the next step, because a compressed node is decompressed
/// only while the walk is in it.
pub struct Walk<'a> {
    source: Source<'a>,
    is_backward: bool,
    /// Index of the next element.
    index: usize,
    /// Elements to come.
    left: usize,
    /// The node with the next element, unless `node_left` is 0.
    current: Current<'a>,
    /// Elements to come in that node.
    node_left: usize,
    /// The next of them, if the node is a listpack.
    offset: Option<Offset>,
    /// The place of the node to go to after that.
    place: usize,
    hint: Hint,
    scratch: Vec<u8>,
}

pub(super) enum Source<'a> {
    Listpack(ListpackView<'a>),
    Quicklist(&'a Quicklist),
}

#[derive(Clone, Copy)]
enum Current<'a> {
    Packed(ListpackView<'a>),
    /// So many elements in the listpack in `scratch`.
    Scratch(usize),
    Plain(&'a Bytes),
}

impl<'a> Walk<'a> {
    /// Begins with the element with this index. There is nothing to see beyond the ends.
    pub(super) fn new(source: Source<'a>, index: usize, is_backward: bool) -> Walk<'a> {
        let len = match source {
            Source::Listpack(view) => view.len(),
            Source::Quicklist(list) => list.len(),
        };
        let left = match index {
            index if index >= len => 0,
            index if is_backward => index + 1,
            index => len - index,
        };
        let mut walk = Walk {
            source,
            is_backward,
            index,
            left,
            current: Current::Scratch(0),
            node_left: 0,
            offset: None,
            place: 0,
            hint: Hint::default(),
            scratch: Vec::new(),
        };
        if left > 0 {
            walk.enter_at(index);
        }
        walk
    }

    /// Index of the element that comes next.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The next element.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend what it yields")]
    #[inline]
    pub fn next(&mut self) -> Option<Element<'_>> {
        if self.left == 0 {
            return None;
        }
        if self.node_left == 0 {
            self.enter_next();
        }
        self.left -= 1;
        self.node_left -= 1;
        self.index = if self.is_backward { self.index.wrapping_sub(1) } else { self.index + 1 };
        let view = match self.current {
            Current::Packed(view) => view,
            Current::Scratch(len) => ListpackView::trusted(&self.scratch, len),
            Current::Plain(bytes) => return Some(Element::Large(bytes)),
        };
        let offset = self.offset.expect("the node has more elements");
        let value = if self.is_backward {
            self.offset = view.previous(offset);
            view.at(offset)
        } else {
            let (value, after) = view.read(offset);
            self.offset = Some(after);
            value
        };
        Some(Element::Small(value))
    }

    /// Goes to behind the next element that equals `value`. Returns its index.
    pub fn find(&mut self, value: StringRef<'_>) -> Option<usize> {
        let mut digits = itoa::Buffer::new();
        let needle = Needle::new(value, &mut digits);
        loop {
            let index = self.index;
            if needle.equals(self.next()?.as_string()) {
                return Some(index);
            }
        }
    }

    /// Enters the node with this element.
    fn enter_at(&mut self, index: usize) {
        let offset = match self.source {
            Source::Listpack(view) => {
                self.current = Current::Packed(view);
                index
            }
            Source::Quicklist(list) => {
                let (place, offset) = list.locate(index);
                self.hint = list.inner.hint_near(place);
                self.place = place;
                self.load(list);
                offset
            }
        };
        let (offset_of, len) = match self.current {
            Current::Packed(view) => (view.seek(offset), view.len()),
            Current::Scratch(len) => (ListpackView::trusted(&self.scratch, len).seek(offset), len),
            Current::Plain(_) => (None, 1),
        };
        self.offset = offset_of;
        self.node_left = if self.is_backward { offset + 1 } else { len - offset };
    }

    /// Enters the next node, at its first or last element.
    #[cold]
    fn enter_next(&mut self) {
        let Source::Quicklist(list) = self.source else { unreachable!("a listpack is all there is") };
        self.place = if self.is_backward { self.place - 1 } else { self.place + 1 };
        self.load(list);
        let view = match self.current {
            Current::Packed(view) => view,
            Current::Scratch(len) => ListpackView::trusted(&self.scratch, len),
            Current::Plain(_) => {
                self.node_left = 1;
                return;
            }
        };
        self.node_left = view.len();
        self.offset = if self.is_backward { view.last() } else { view.first() };
    }

    /// Makes the node at `place` the current one.
    fn load(&mut self, list: &'a Quicklist) {
        use super::node::Node;
        let node = list.node_near(self.place, &mut self.hint);
        self.current = match node {
            Node::Packed(listpack) => Current::Packed(listpack.view()),
            Node::Plain(bytes) => Current::Plain(bytes),
            Node::Compressed(_) => match node.view(&mut self.scratch) {
                NodeView::Packed(view) => Current::Scratch(view.len()),
                NodeView::Plain(_) => unreachable!("a plain node is not compressed"),
            },
        };
    }
}
