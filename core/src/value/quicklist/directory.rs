//! The inner nodes of a quicklist, in blocks that know how many nodes and elements they have.
//!
//! ```text
//! directory   elements, nodes │ elements, nodes │ …                  one row per block, side by side
//!                  │
//!                  └─► slot: elements, node │ slot │ …               up to 128
//!                                       └─► listpack
//! ```
//!
//! Looking for an element reads the rows, then the slots of one block, and touches no node but its own. With n
//! nodes that is n / 64 + 64 steps through contiguous memory, from whichever end is nearer.
//!
//! Cloning a directory copies the rows alone. Blocks and nodes are shared by all clones, and copied when one of
//! them changes them: first the slots of the block, then the node.

use super::node::Node;
use std::collections::VecDeque;
use std::sync::Arc;

/// Most nodes in a block. A block that would have more is split.
const BLOCK_NODES_MAX: usize = 128;

/// Neighbours that have no more nodes than this together become one block.
const MERGED_NODES_MAX: usize = 64;

/// A sequence of nodes, none of them empty.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    blocks: VecDeque<Block>,
    /// Elements of all nodes.
    elements: usize,
    /// All nodes.
    nodes: usize,
}

#[derive(Clone, Debug, Default)]
struct Block {
    /// Elements of its nodes.
    elements: usize,
    /// Its nodes: as many as there are slots.
    nodes: usize,
    slots: Arc<Vec<Slot>>,
}

#[derive(Clone, Debug)]
struct Slot {
    /// Elements of the node.
    elements: usize,
    node: Arc<Node>,
}

/// A block, remembered from one step of a walk to the next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    block: usize,
    /// The place of its first node.
    first: usize,
}

impl Slot {
    fn new(node: Node) -> Slot {
        debug_assert!(!node.is_empty());
        Slot { elements: node.len(), node: Arc::new(node) }
    }
}

impl Block {
    fn new(slots: Vec<Slot>) -> Block {
        let elements = slots.iter().map(|slot| slot.elements).sum();
        Block { elements, nodes: slots.len(), slots: Arc::new(slots) }
    }

    fn slots_mut(&mut self) -> &mut Vec<Slot> {
        Arc::make_mut(&mut self.slots)
    }

    fn insert(&mut self, index: usize, slot: Slot) {
        self.elements += slot.elements;
        self.nodes += 1;
        self.slots_mut().insert(index, slot);
    }

    fn remove(&mut self, index: usize) -> Slot {
        let slot = self.slots_mut().remove(index);
        self.elements -= slot.elements;
        self.nodes -= 1;
        slot
    }

    /// Removes the slots from this index on, and returns them.
    fn split_off(&mut self, index: usize) -> Block {
        let tail = Block::new(self.slots_mut().split_off(index));
        self.elements -= tail.elements;
        self.nodes -= tail.nodes;
        tail
    }
}

impl Directory {
    /// The number of elements.
    pub fn elements(&self) -> usize {
        self.elements
    }

    /// The number of nodes.
    #[inline]
    pub fn nodes(&self) -> usize {
        self.nodes
    }

    pub fn push_front(&mut self, node: Node) {
        self.insert(0, node);
    }

    pub fn push_back(&mut self, node: Node) {
        self.insert(self.nodes, node);
    }

    pub fn pop_front(&mut self) -> Option<Node> {
        (self.nodes > 0).then(|| self.remove(0))
    }

    pub fn pop_back(&mut self) -> Option<Node> {
        (self.nodes > 0).then(|| self.remove(self.nodes - 1))
    }

    /// Puts a node before the one at `place`, or behind all.
    pub fn insert(&mut self, place: usize, node: Node) {
        let slot = Slot::new(node);
        let (mut block, mut index) = self.block_for_insertion(place);
        self.elements += slot.elements;
        self.nodes += 1;
        match self.blocks.get_mut(block) {
            Some(Block { nodes: BLOCK_NODES_MAX, .. }) if index == 0 => {
                self.blocks.insert(block, Block::default());
            }
            Some(Block { nodes: BLOCK_NODES_MAX, .. }) if index == BLOCK_NODES_MAX => {
                (block, index) = (block + 1, 0);
                self.blocks.insert(block, Block::default());
            }
            Some(full @ Block { nodes: BLOCK_NODES_MAX, .. }) => {
                let tail = full.split_off(BLOCK_NODES_MAX / 2);
                self.blocks.insert(block + 1, tail);
                if index > BLOCK_NODES_MAX / 2 {
                    (block, index) = (block + 1, index - BLOCK_NODES_MAX / 2);
                }
            }
            Some(_) => {}
            None => self.blocks.push_back(Block::default()),
        }
        self.blocks[block].insert(index, slot);
    }

    /// Removes the node at `place`, and returns it. One that is shared is copied for that.
    pub fn remove(&mut self, place: usize) -> Node {
        Arc::unwrap_or_clone(self.remove_slot(place).node)
    }

    /// Removes the last node, and frees it unless it is shared. Whether there was one.
    pub fn drop_back(&mut self) -> bool {
        let was_there = self.nodes > 0;
        if was_there {
            self.remove_slot(self.nodes - 1);
        }
        was_there
    }

    /// Removes the nodes from `place` on, and returns them.
    pub fn split_off(&mut self, place: usize) -> Directory {
        if place >= self.nodes {
            return Directory::default();
        }
        let hint = self.seek(place, self.hint_near(place));
        let mut blocks = self.blocks.split_off(hint.block);
        if place > hint.first
            && let Some(first) = blocks.front_mut()
        {
            let tail = first.split_off(place - hint.first);
            self.blocks.push_back(std::mem::replace(first, tail));
        }
        let elements = blocks.iter().map(|block| block.elements).sum();
        let tail = Directory { blocks, elements, nodes: self.nodes - place };
        self.elements -= tail.elements;
        self.nodes -= tail.nodes;
        tail
    }

    /// Adds all nodes of another directory behind those of this one.
    pub fn append(&mut self, mut other: Directory) {
        self.elements += other.elements;
        self.nodes += other.nodes;
        let seam = self.blocks.len();
        self.blocks.append(&mut other.blocks);
        self.merge_block(seam);
    }

    /// The node at `place`.
    pub fn node(&self, place: usize) -> &Node {
        self.node_near(place, &mut self.hint_near(place))
    }

    /// The node at `place`, found in few steps if the last one looked at was close by.
    pub fn node_near(&self, place: usize, hint: &mut Hint) -> &Node {
        *hint = self.seek(place, *hint);
        &self.blocks[hint.block].slots[place - hint.first].node
    }

    /// Where a search for the node at `place` begins best.
    pub fn hint_near(&self, place: usize) -> Hint {
        match self.blocks.back() {
            Some(last) if place > self.nodes / 2 => {
                Hint { block: self.blocks.len() - 1, first: self.nodes - last.nodes }
            }
            _ => Hint::default(),
        }
    }

    /// Changes the node at `place`, which nobody else sees.
    pub fn update<R>(&mut self, place: usize, change: impl FnOnce(&mut Node) -> R) -> R {
        let hint = self.seek(place, self.hint_near(place));
        let block = &mut self.blocks[hint.block];
        let slot = &mut Arc::make_mut(&mut block.slots)[place - hint.first];
        let node = Arc::make_mut(&mut slot.node);
        let result = change(node);
        let elements = node.len();
        self.elements = self.elements - slot.elements + elements;
        block.elements = block.elements - slot.elements + elements;
        slot.elements = elements;
        result
    }

    /// The place of the node that has the element with this index, and the element's index in it.
    pub fn locate(&self, index: usize) -> (usize, usize) {
        debug_assert!(index < self.elements);
        let (block, mut place, mut before) = self.locate_block(index);
        for slot in &*self.blocks[block].slots {
            if index < before + slot.elements {
                break;
            }
            before += slot.elements;
            place += 1;
        }
        (place, index - before)
    }

    /// The block that has the element with this index, and how many nodes and elements are before it.
    fn locate_block(&self, index: usize) -> (usize, usize, usize) {
        if index < self.elements / 2 {
            let (mut nodes, mut elements) = (0, 0);
            for (at, block) in self.blocks.iter().enumerate() {
                if index < elements + block.elements {
                    return (at, nodes, elements);
                }
                nodes += block.nodes;
                elements += block.elements;
            }
        } else {
            let (mut nodes, mut elements) = (self.nodes, self.elements);
            for (at, block) in self.blocks.iter().enumerate().rev() {
                nodes -= block.nodes;
                elements -= block.elements;
                if index >= elements {
                    return (at, nodes, elements);
                }
            }
        }
        unreachable!("the blocks have all elements")
    }

    /// The block with the node at `place`, going there from another block.
    #[inline]
    fn seek(&self, place: usize, hint: Hint) -> Hint {
        debug_assert!(place < self.nodes);
        let Hint { mut block, mut first } = hint;
        while place < first {
            block -= 1;
            first -= self.blocks[block].nodes;
        }
        while place >= first + self.blocks[block].nodes {
            first += self.blocks[block].nodes;
            block += 1;
        }
        Hint { block, first }
    }

    fn remove_slot(&mut self, place: usize) -> Slot {
        let hint = self.seek(place, self.hint_near(place));
        let slot = self.blocks[hint.block].remove(place - hint.first);
        self.elements -= slot.elements;
        self.nodes -= 1;
        if self.blocks[hint.block].nodes == 0 {
            self.blocks.remove(hint.block);
        } else {
            self.merge_block(hint.block);
        }
        slot
    }

    /// Where a node belongs that is to have this place: a block, and the index in it.
    fn block_for_insertion(&self, place: usize) -> (usize, usize) {
        if place < self.nodes {
            let hint = self.seek(place, self.hint_near(place));
            (hint.block, place - hint.first)
        } else {
            (self.blocks.len().saturating_sub(1), self.blocks.back().map_or(0, |last| last.nodes))
        }
    }

    /// Merges a block with one of its neighbours if they have few nodes together.
    fn merge_block(&mut self, block: usize) {
        for left in [block.wrapping_sub(1), block] {
            let nodes_of = |at: usize| self.blocks.get(at).map(|block| block.nodes);
            let (Some(here), Some(next)) = (nodes_of(left), nodes_of(left.wrapping_add(1))) else { continue };
            if here + next <= MERGED_NODES_MAX {
                let right = self.blocks.remove(left + 1).expect("it was just looked at");
                let merged = &mut self.blocks[left];
                merged.elements += right.elements;
                merged.nodes += right.nodes;
                merged.slots_mut().extend(Arc::unwrap_or_clone(right.slots));
                return;
            }
        }
    }

    /// Bytes of memory of the directory itself, without those of the nodes' contents.
    pub fn memory_bytes(&self) -> usize {
        let node_bytes = size_of::<Node>() + 2 * size_of::<usize>();
        let blocks = self.blocks.iter().map(|block| {
            block.slots.capacity() * size_of::<Slot>() + size_of::<Vec<Slot>>() + 2 * size_of::<usize>()
        });
        self.blocks.capacity() * size_of::<Block>() + blocks.sum::<usize>() + self.nodes * node_bytes
    }

    /// Panics if a number is not the sum of what it should be.
    #[cfg(test)]
    pub fn check(&self) {
        for block in &self.blocks {
            assert!((1..=BLOCK_NODES_MAX).contains(&block.nodes));
            assert_eq!(block.nodes, block.slots.len());
            assert_eq!(block.elements, block.slots.iter().map(|slot| slot.elements).sum::<usize>());
            assert!(block.slots.iter().all(|slot| slot.elements > 0 && slot.elements == slot.node.len()));
        }
        assert_eq!(self.nodes, self.blocks.iter().map(|block| block.nodes).sum::<usize>());
        assert_eq!(self.elements, self.blocks.iter().map(|block| block.elements).sum::<usize>());
    }
}
