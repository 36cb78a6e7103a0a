//! A list as a key has it: a listpack or a quicklist, and when it turns from one into the other.

use super::limits::SizeLimits;
use super::walk::{Source, Walk};
use super::{Element, End, ListLimits, Quicklist, Remains, end_of, pop_value, push_value};
use crate::value::StringRef;
use crate::value::listpack::{Listpack, Needle};

/// What `OBJECT ENCODING` calls a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListEncoding {
    /// One listpack.
    Listpack,
    /// Nodes.
    Quicklist,
}

impl ListEncoding {
    /// Redis' name of the encoding.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ListEncoding::Listpack => "listpack",
            ListEncoding::Quicklist => "quicklist",
        }
    }
}

/// A list.
///
/// Its encoding changes only when it is told to, because Redis' commands have their own moments for that: call
/// [`grow_for`](List::grow_for) before adding or replacing elements, even if nothing comes of it, and
/// [`shrink`](List::shrink) after removing or replacing some.
#[derive(Clone, Debug)]
pub struct List(Repr);

#[derive(Clone, Debug)]
enum Repr {
    Listpack(Listpack),
    Quicklist(Box<Quicklist>),
}

impl List {
    /// An empty list.
    #[must_use]
    pub fn new() -> List {
        List(Repr::Listpack(Listpack::new()))
    }

    /// A list of these elements, in the encoding that suits it.
    #[must_use]
    pub fn from_listpack(listpack: Listpack, limits: ListLimits) -> List {
        let mut list = List(Repr::Listpack(listpack));
        list.grow_for(0, 0, limits);
        list
    }

    /// A list of these nodes, or a listpack if there is one within the limits: what loading a dump makes of it.
    #[must_use]
    pub fn from_quicklist(quicklist: Quicklist, limits: ListLimits) -> List {
        let mut list = List(Repr::Quicklist(Box::new(quicklist)));
        list.convert_to_listpack(limits, false);
        list
    }

    /// The listpack, if it is one.
    #[must_use]
    pub fn as_listpack(&self) -> Option<&Listpack> {
        match &self.0 {
            Repr::Listpack(listpack) => Some(listpack),
            Repr::Quicklist(_) => None,
        }
    }

    /// The quicklist, if it is one.
    #[must_use]
    pub fn as_quicklist(&self) -> Option<&Quicklist> {
        match &self.0 {
            Repr::Listpack(_) => None,
            Repr::Quicklist(quicklist) => Some(quicklist),
        }
    }

    /// The quicklist, if it is one: what a snapshot freezes.
    pub(crate) fn quicklist_mut(&mut self) -> Option<&mut Quicklist> {
        match &mut self.0 {
            Repr::Listpack(_) => None,
            Repr::Quicklist(quicklist) => Some(quicklist),
        }
    }

    /// Which of the two it is.
    #[must_use]
    pub fn encoding(&self) -> ListEncoding {
        match &self.0 {
            Repr::Listpack(_) => ListEncoding::Listpack,
            Repr::Quicklist(_) => ListEncoding::Quicklist,
        }
    }

    /// The number of elements.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.len(),
            Repr::Quicklist(quicklist) => quicklist.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory besides this handle.
    #[must_use]
    pub fn memory_bytes(&self) -> usize {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.memory_bytes(),
            Repr::Quicklist(quicklist) => size_of::<Quicklist>() + quicklist.memory_bytes(),
        }
    }

    /// Makes a listpack a quicklist if it would be too large with so many elements more, which have so many
    /// bytes together. An element that LMOVE took from another list as a number counts no bytes.
    #[inline]
    pub fn grow_for(&mut self, added_bytes: usize, added: usize, limits: ListLimits) {
        if let Repr::Listpack(listpack) = &mut self.0 {
            let (bytes, len) = (listpack.bytes_len() + added_bytes, listpack.len() + added);
            if SizeLimits::new(limits.fill).are_exceeded(bytes, len) {
                let mut quicklist = Quicklist::new(limits);
                quicklist.push_listpack(std::mem::take(listpack));
                self.0 = Repr::Quicklist(Box::new(quicklist));
            }
        }
    }

    /// Makes a quicklist a listpack if it has only one node, of at most half the size allowed.
    #[inline]
    pub fn shrink(&mut self, limits: ListLimits) {
        self.convert_to_listpack(limits, true);
    }

    /// Adds an element at one end.
    #[inline]
    pub fn push(&mut self, end: End, element: Element<'_>) {
        match &mut self.0 {
            Repr::Listpack(listpack) => push_value(listpack, end, element.as_string()),
            Repr::Quicklist(quicklist) => quicklist.push(end, element),
        }
    }

    /// The element at one end.
    #[must_use]
    #[inline]
    pub fn end(&self, end: End) -> Option<Element<'_>> {
        match &self.0 {
            Repr::Listpack(listpack) => end_of(listpack, end).map(Element::Small),
            Repr::Quicklist(quicklist) => quicklist.end(end),
        }
    }

    /// Removes the element at one end. Whether there was one.
    #[inline]
    pub fn pop(&mut self, end: End) -> bool {
        match &mut self.0 {
            Repr::Listpack(listpack) => {
                let was_there = !listpack.is_empty();
                pop_value(listpack, end);
                was_there
            }
            Repr::Quicklist(quicklist) => quicklist.pop(end),
        }
    }

    /// The element with this index; `scratch` is where its node is decompressed to if it has to be.
    #[must_use]
    pub fn get<'a>(&'a self, index: usize, scratch: &'a mut Vec<u8>) -> Option<Element<'a>> {
        match &self.0 {
            Repr::Listpack(listpack) => listpack.view().get(index).map(Element::Small),
            Repr::Quicklist(quicklist) => quicklist.get(index, scratch),
        }
    }

    /// Walks from the element with this index to the last one, or, backward, to the first one.
    #[must_use]
    pub fn walk(&self, index: usize, is_backward: bool) -> Walk<'_> {
        let source = match &self.0 {
            Repr::Listpack(listpack) => Source::Listpack(listpack.view()),
            Repr::Quicklist(quicklist) => Source::Quicklist(quicklist),
        };
        Walk::new(source, index, is_backward)
    }

    /// Adds an element before or after the one with this index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn insert_beside(&mut self, index: usize, is_after: bool, element: Element<'_>) {
        match &mut self.0 {
            Repr::Listpack(listpack) => {
                assert!(index < listpack.len(), "the index is below the length");
                listpack.insert(index + usize::from(is_after), element.as_string());
            }
            Repr::Quicklist(quicklist) => quicklist.insert_beside(index, is_after, element),
        }
    }

    /// Puts another element in the place of the one with this index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn replace(&mut self, index: usize, element: Element<'_>) {
        match &mut self.0 {
            Repr::Listpack(listpack) => listpack.replace_at(index, element.as_string()),
            Repr::Quicklist(quicklist) => quicklist.replace(index, element),
        }
    }

    /// Removes up to `count` elements from this index on. Nodes that were removed as a whole come back, to be
    /// freed.
    pub fn remove_range(&mut self, index: usize, count: usize) -> Remains {
        match &mut self.0 {
            Repr::Listpack(listpack) => {
                listpack.remove_range(index, count);
                Remains::default()
            }
            Repr::Quicklist(quicklist) => quicklist.remove_range(index, count),
        }
    }

    /// Removes up to `count` elements that equal `value`, the first ones or the last ones. Returns how many.
    pub fn remove_equal(&mut self, value: Element<'_>, count: usize, from_back: bool) -> usize {
        match &mut self.0 {
            Repr::Listpack(listpack) => {
                let mut digits = itoa::Buffer::new();
                let needle = Needle::new(value.as_string(), &mut digits);
                listpack.remove_equal(&needle, count, from_back)
            }
            Repr::Quicklist(quicklist) => quicklist.remove_equal(value, count, from_back),
        }
    }

    /// Everything, to be freed.
    #[must_use]
    pub fn into_remains(self) -> Remains {
        match self.0 {
            Repr::Listpack(_) => Remains::default(),
            Repr::Quicklist(quicklist) => quicklist.into_remains(),
        }
    }

    fn convert_to_listpack(&mut self, limits: ListLimits, is_shrinking: bool) {
        let Repr::Quicklist(quicklist) = &mut self.0 else { return };
        let size_limits = SizeLimits::new(limits.fill);
        let suits =
            |node: &super::Node| size_limits.suit_listpack(node.bytes_len(), node.len(), is_shrinking);
        if quicklist.single_node().is_some_and(suits) {
            let quicklist = std::mem::replace(&mut **quicklist, Quicklist::new(limits));
            self.0 = Repr::Listpack(quicklist.into_head().into_listpack());
        }
    }
}

impl Default for List {
    fn default() -> List {
        List::new()
    }
}

impl<'a> Extend<StringRef<'a>> for List {
    /// Adds elements behind all others.
    fn extend<I: IntoIterator<Item = StringRef<'a>>>(&mut self, values: I) {
        for value in values {
            self.push(End::Tail, Element::Small(value));
        }
    }
}
