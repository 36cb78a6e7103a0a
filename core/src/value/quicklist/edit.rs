//! Changes in the middle of a quicklist. How they spread elements over nodes follows Redis step by step.

use super::directory::Directory;
use super::limits::NodeLimits;
use super::node::Node;
use super::{Element, Quicklist, Remains};
use crate::value::listpack::Needle;
use std::mem;

/// A value put in the place of another one may make a node this long, whatever the limits say. Redis has no
/// bound there; beyond this one, the value gets a node of its own.
const REPLACED_NODE_BYTES_MAX: usize = 1 << 16;

/// How many nodes an edit in the middle can add or merge away.
const EDITED_NODES_MAX: usize = 4;

impl Quicklist {
    /// Adds an element before or after the one with this index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn insert_beside(&mut self, index: usize, is_after: bool, element: Element<'_>) {
        assert!(index < self.len, "the index is below the length");
        let (place, offset) = self.locate(index);
        self.len += 1;
        if self.limits.admit_into(self.node(place), element.len()) {
            let insert = |node: &mut Node| {
                node.listpack_mut().insert(offset + usize::from(is_after), element.as_string());
            };
            self.update(place, insert);
            self.settle_around(place);
        } else {
            let limits = self.limits;
            let pivot = Pivot { place, offset, is_after };
            self.restructure(|nodes| insert_beside_full(nodes, &limits, pivot, element));
        }
    }

    /// Puts another element in the place of the one with this index.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn replace(&mut self, index: usize, element: Element<'_>) {
        assert!(index < self.len, "the index is below the length");
        let (place, offset) = self.locate(index);
        let node = self.node(place);
        let limits = self.limits;
        let is_redis_plain = |bytes| bytes >= limits.packed_threshold_bytes;
        let (was_plain, is_plain) = (is_redis_plain(node.bytes_len()), is_redis_plain(element.len()));
        if node.is_plain() && was_plain && !is_plain {
            self.insert_beside(index, true, element);
            drop(self.remove_range(index, 1));
        } else if node.is_plain() {
            self.update(place, |node| *node = Node::of(element, &limits));
            self.settle_around(place);
        } else if !is_plain && node.bytes_len() + element.len() <= REPLACED_NODE_BYTES_MAX {
            self.update(place, |node| node.listpack_mut().replace_at(offset, element.as_string()));
            self.settle_around(place);
        } else {
            self.restructure(|nodes| replace_by_node(nodes, &limits, place, offset, element));
        }
    }

    /// Removes up to `count` elements from this index on. The nodes that were removed as a whole come back, to
    /// be freed.
    pub fn remove_range(&mut self, index: usize, count: usize) -> Remains {
        let end = index.saturating_add(count).min(self.len);
        if index >= end {
            return Remains::default();
        }
        let (place, offset) = self.locate(index);
        let node_len = self.node(place).len();
        self.len -= end - index;
        if end - index < node_len && offset + (end - index) <= node_len {
            self.update(place, |node| node.listpack_mut().remove_range(offset, end - index));
            self.settle_around(place);
            return Remains::default();
        }
        self.close_ends();
        let removed = remove_nodes(&mut self.inner, index, end);
        self.open_ends();
        // Any number of nodes may have come to the ends, and two were cut.
        self.settle_edges(self.compress_depth);
        if self.len > 0 {
            self.settle_around(place.min(self.nodes_len() - 1));
        }
        Remains(removed)
    }

    /// Removes up to `count` elements that equal `value`, the first ones or the last ones. Returns how many.
    pub fn remove_equal(&mut self, value: Element<'_>, count: usize, from_back: bool) -> usize {
        let mut digits = itoa::Buffer::new();
        let needle = Needle::new(value.as_string(), &mut digits);
        self.close_ends();
        let (removed, changed) = remove_equal(&mut self.inner, &needle, count, from_back);
        self.open_ends();
        self.len -= removed;
        self.settle_edges(self.compress_depth);
        for place in changed {
            if place < self.nodes_len() {
                self.settle(place);
            }
        }
        removed
    }

    /// The node, if there is one alone that Redis would not call plain.
    pub(super) fn single_node(&self) -> Option<&Node> {
        let is_single = !self.head.is_empty() && self.tail.is_empty();
        let is_redis_plain =
            self.head.is_plain() && self.head.bytes_len() >= self.limits.packed_threshold_bytes;
        (is_single && !is_redis_plain).then_some(&self.head)
    }

    /// The head, when it is all there is.
    pub(super) fn into_head(mut self) -> Node {
        mem::replace(&mut self.head, Node::empty())
    }

    /// Does something to the sequence of nodes, and says around which place.
    fn restructure(&mut self, change: impl FnOnce(&mut Directory) -> usize) {
        self.close_ends();
        let place = change(&mut self.inner);
        self.open_ends();
        self.settle_around(place);
        self.settle_edges(EDITED_NODES_MAX);
    }
}

/// Beside which element something is to be inserted.
#[derive(Clone, Copy)]
struct Pivot {
    place: usize,
    offset: usize,
    is_after: bool,
}

/// Inserts an element beside one whose node does not admit it: into the next node if that is where it comes to
/// lie, as a new node between the two, or by splitting the node. Returns where.
fn insert_beside_full(
    nodes: &mut Directory,
    limits: &NodeLimits,
    Pivot { place, offset, is_after }: Pivot,
    element: Element<'_>,
) -> usize {
    let value = element.as_string();
    let edge = if is_after { nodes.node(place).len() - 1 } else { 0 };
    if offset == edge {
        let neighbour = if is_after { place + 1 } else { place.wrapping_sub(1) };
        if neighbour < nodes.nodes() && limits.admit_into(nodes.node(neighbour), element.len()) {
            nodes.update(neighbour, |node| {
                let listpack = node.listpack_mut();
                if is_after { listpack.prepend(value) } else { listpack.append(value) }
            });
            return neighbour;
        }
        let place = place + usize::from(is_after);
        nodes.insert(place, Node::of(element, limits));
        return place;
    }
    let split_at = offset + usize::from(is_after || mutant!(Mutant::InsertBeforeGoesBehind));
    let right = nodes.update(place, |node| node.listpack_mut().split_off(split_at));
    nodes.insert(place + 1, Node::Packed(right));
    if limits.is_large(element.len()) {
        nodes.insert(place + 1, Node::of(element, limits));
        return place + 1;
    }
    // The element goes to the part without the one it was to be beside of.
    if is_after {
        nodes.update(place + 1, |node| node.listpack_mut().prepend(value));
        merge_around(nodes, limits, place)
    } else {
        nodes.update(place, |node| node.listpack_mut().append(value));
        merge_around(nodes, limits, place + 1)
    }
}

/// Puts an element as a node of its own in the place of one within a listpack. Returns where.
fn replace_by_node(
    nodes: &mut Directory,
    limits: &NodeLimits,
    place: usize,
    offset: usize,
    element: Element<'_>,
) -> usize {
    let mut left = nodes.remove(place);
    let right = left.listpack_mut().split_off(offset + 1);
    left.listpack_mut().remove_range(offset, 1);
    let mut center = place;
    if !left.is_empty() {
        nodes.insert(place, left);
        center += 1;
    }
    nodes.insert(center, Node::of(element, limits));
    if !right.is_empty() {
        nodes.insert(center + 1, Node::Packed(right));
    }
    merge_around(nodes, limits, center)
}

/// Merges the two nodes before `center`, the two after it, and then it with both sides, where the limits allow.
/// Returns where it is then.
fn merge_around(nodes: &mut Directory, limits: &NodeLimits, mut center: usize) -> usize {
    if center >= 2 && merge_with_next(nodes, limits, center - 2) {
        center -= 1;
    }
    merge_with_next(nodes, limits, center + 1);
    if center >= 1 && merge_with_next(nodes, limits, center - 1) {
        center -= 1;
    }
    merge_with_next(nodes, limits, center);
    center
}

/// Merges the node at `place` with the one after it, if there is one and the limits allow it.
fn merge_with_next(nodes: &mut Directory, limits: &NodeLimits, place: usize) -> bool {
    if place + 1 >= nodes.nodes() || !limits.admit_merge(nodes.node(place), nodes.node(place + 1)) {
        return false;
    }
    let right = nodes.remove(place + 1).into_listpack();
    nodes.update(place, |node| node.listpack_mut().append_listpack(right.view()));
    true
}

/// Removes the elements from `index` up to `end`, of which there are some, without leaving an empty node. Returns
/// the nodes that were removed as a whole.
fn remove_nodes(nodes: &mut Directory, index: usize, end: usize) -> Directory {
    let last = if end < nodes.elements() { nodes.locate(end) } else { (nodes.nodes(), 0) };
    let first = nodes.locate(index);
    // Both ends are never in one node: that would have been an edit of the node.
    if last.1 > 0 {
        nodes.update(last.0, |node| node.listpack_mut().remove_range(0, last.1));
    }
    if first.1 > 0 {
        nodes.update(first.0, |node| node.listpack_mut().remove_range(first.1, usize::MAX));
    }
    let from = first.0 + usize::from(first.1 > 0);
    let behind = nodes.split_off(last.0);
    let removed = nodes.split_off(from);
    nodes.append(behind);
    removed
}

/// Removes equal elements from all nodes, and nodes that have nothing else. Returns how many elements, and the
/// places of nodes that were changed and are still there.
fn remove_equal(
    nodes: &mut Directory,
    needle: &Needle<'_>,
    count: usize,
    from_back: bool,
) -> (usize, Vec<usize>) {
    let (mut removed, mut changed, mut emptied) = (0, Vec::new(), Vec::new());
    let mut scratch = Vec::new();
    let mut hint = nodes.hint_near(if from_back { nodes.nodes() } else { 0 });
    for step in 0..nodes.nodes() {
        if removed == count {
            break;
        }
        let place = if from_back { nodes.nodes() - 1 - step } else { step };
        if !nodes.node_near(place, &mut hint).view(&mut scratch).contains(needle) {
            continue;
        }
        removed += nodes.update(place, |node| node.remove_equal(needle, count - removed, from_back));
        if nodes.node(place).is_empty() { emptied.push(place) } else { changed.push(place) }
    }
    emptied.sort_unstable();
    for &place in emptied.iter().rev() {
        nodes.remove(place);
    }
    for place in &mut changed {
        *place -= emptied.partition_point(|emptied| emptied < place);
    }
    (removed, changed)
}
