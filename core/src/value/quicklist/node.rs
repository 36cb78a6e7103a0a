//! A node of a quicklist: a listpack, one that is compressed, or a single long element.

use super::Element;
use super::limits::NodeLimits;
use crate::value::StringRef;
use crate::value::listpack::{Listpack, ListpackView, Needle};
use crate::value::lzf;
use bytes::Bytes;

/// Listpacks shorter than this are not compressed, as in Redis.
const COMPRESS_BYTES_MIN: usize = 48;

/// Compression has to save this much, as in Redis.
const COMPRESS_SAVED_BYTES_MIN: usize = 8;

#[derive(Clone, Debug)]
pub(super) enum Node {
    /// Elements in a listpack. Without any, the node stands for none.
    Packed(Listpack),
    /// A listpack at rest.
    Compressed(Compressed),
    /// One element that is too long to be with others.
    Plain(Bytes),
}

/// A listpack after LZF.
#[derive(Clone, Debug)]
pub(super) struct Compressed {
    bytes: Box<[u8]>,
    /// Bytes of the listpack.
    pub bytes_len: u32,
    /// Its elements.
    len: u32,
}

impl Compressed {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn decompress_into(&self, output: &mut Vec<u8>) {
        lzf::decompress_into(output, &self.bytes, self.bytes_len as usize)
            .expect("a compressed node was compressed by us");
        debug_assert_eq!(ListpackView::validate(output).map(ListpackView::len), Ok(self.len as usize));
    }
}

impl Node {
    /// A node without elements, which stands for none.
    pub fn empty() -> Node {
        Node::Packed(Listpack::new())
    }

    /// A node with one element.
    pub fn of(element: Element<'_>, limits: &NodeLimits) -> Node {
        if limits.is_large(element.len()) {
            Node::Plain(element.to_shared())
        } else {
            Node::Packed(Listpack::from_iter([element.as_string()]))
        }
    }

    /// The number of elements.
    #[inline]
    pub fn len(&self) -> usize {
        match self {
            Node::Packed(listpack) => listpack.len(),
            Node::Compressed(compressed) => compressed.len as usize,
            Node::Plain(_) => 1,
        }
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn is_plain(&self) -> bool {
        matches!(self, Node::Plain(_))
    }

    /// Bytes that count for limits: of the listpack, before compression, or of the element.
    pub fn bytes_len(&self) -> usize {
        match self {
            Node::Packed(listpack) => listpack.bytes_len(),
            Node::Compressed(compressed) => compressed.bytes_len as usize,
            Node::Plain(bytes) => bytes.len(),
        }
    }

    /// Bytes of memory besides the node itself.
    pub fn memory_bytes(&self) -> usize {
        match self {
            Node::Packed(listpack) => listpack.memory_bytes(),
            Node::Compressed(compressed) => compressed.bytes.len(),
            Node::Plain(bytes) => bytes.len(),
        }
    }

    /// The listpack, decompressed if need be.
    ///
    /// # Panics
    ///
    /// If the node is plain.
    pub fn listpack_mut(&mut self) -> &mut Listpack {
        self.decompress();
        match self {
            Node::Packed(listpack) => listpack,
            _ => panic!("a plain node has no listpack"),
        }
    }

    /// The listpack, or one of the single element.
    pub fn into_listpack(mut self) -> Listpack {
        self.decompress();
        match self {
            Node::Packed(listpack) => listpack,
            Node::Plain(bytes) => Listpack::from_iter([StringRef::Bytes(&bytes)]),
            Node::Compressed(_) => unreachable!("it has been decompressed"),
        }
    }

    /// The elements; `scratch` is where a compressed node is decompressed to.
    #[inline]
    pub fn view<'a>(&'a self, scratch: &'a mut Vec<u8>) -> NodeView<'a> {
        match self {
            Node::Packed(listpack) => NodeView::Packed(listpack.view()),
            Node::Compressed(compressed) => {
                compressed.decompress_into(scratch);
                NodeView::Packed(ListpackView::trusted(scratch, compressed.len as usize))
            }
            Node::Plain(bytes) => NodeView::Plain(bytes),
        }
    }

    pub fn decompress(&mut self) {
        if let Node::Compressed(compressed) = self {
            let mut bytes = Vec::new();
            compressed.decompress_into(&mut bytes);
            *self = Node::Packed(Listpack::from_trusted(bytes));
        }
    }

    /// Compresses a listpack if that is worth it.
    pub fn compress(&mut self) {
        if let Node::Packed(listpack) = self
            && listpack.bytes_len() >= COMPRESS_BYTES_MIN
            && let Some(bytes) =
                lzf::compress(listpack.view().as_bytes(), listpack.bytes_len() - COMPRESS_SAVED_BYTES_MIN - 1)
        {
            *self = Node::Compressed(Compressed {
                bytes: bytes.into_boxed_slice(),
                bytes_len: listpack.bytes_len() as u32,
                len: listpack.len() as u32,
            });
        }
    }

    /// Removes up to `count` elements that equal `needle`, the first ones or the last ones. Returns how many.
    /// A plain node is left without elements by this.
    pub fn remove_equal(&mut self, needle: &Needle<'_>, count: usize, from_back: bool) -> usize {
        if let Node::Plain(bytes) = self {
            let is_equal = count > 0 && needle.equals(StringRef::Bytes(bytes));
            if is_equal {
                *self = Node::empty();
            }
            return usize::from(is_equal);
        }
        self.listpack_mut().remove_equal(needle, count, from_back)
    }
}

/// The elements of a node.
pub(super) enum NodeView<'a> {
    /// Many.
    Packed(ListpackView<'a>),
    /// One.
    Plain(&'a Bytes),
}

impl<'a> NodeView<'a> {
    /// The element with this index.
    pub fn get(self, index: usize) -> Option<Element<'a>> {
        match self {
            NodeView::Packed(view) => view.get(index).map(Element::Small),
            NodeView::Plain(bytes) => (index == 0).then_some(Element::Large(bytes)),
        }
    }

    /// Whether any element equals `needle`.
    pub fn contains(self, needle: &Needle<'_>) -> bool {
        match self {
            NodeView::Packed(view) => view.iter().any(|value| needle.equals(value)),
            NodeView::Plain(bytes) => needle.equals(StringRef::Bytes(bytes)),
        }
    }
}
