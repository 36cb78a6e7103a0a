//! Freezing a list: a snapshot is told before the list changes, and gets a clone then, which shares all nodes but
//! those at the ends. A list that is not touched while the snapshot comes to it is not cloned at all.

use super::{Node, Quicklist};
use std::fmt;
use std::mem;

/// What a list is frozen with.
pub(crate) trait ListSaver: fmt::Debug + Send + Sync {
    /// Which one it is, among those of a snapshot.
    fn id(&self) -> u64;

    /// Hears that the list is under another key now.
    fn note_key(&mut self, key: &[u8]);

    /// Gets the list as it was when it was frozen, because it changes now or is dropped. If it changes, so many
    /// bytes had to be copied.
    fn keep(self: Box<Self>, list: Quicklist, copied_bytes: usize);
}

/// What a frozen list has in addition. Clones are not frozen.
#[derive(Debug, Default)]
pub(super) struct Frozen(Option<Box<dyn ListSaver>>);

impl Clone for Frozen {
    fn clone(&self) -> Frozen {
        Frozen(None)
    }
}

impl Quicklist {
    /// Freezes the list.
    pub(crate) fn freeze(&mut self, saver: Box<dyn ListSaver>) {
        self.frozen = Frozen(Some(saver));
    }

    /// Ends that.
    pub(crate) fn thaw(&mut self) {
        self.frozen = Frozen(None);
    }

    /// What the list was frozen with, if it is frozen.
    pub(crate) fn saver(&mut self) -> Option<&mut dyn ListSaver> {
        self.frozen.0.as_mut().map(|saver| &mut **saver as &mut dyn ListSaver)
    }

    /// Has to be called before anything is changed.
    #[inline]
    pub(crate) fn before_change(&mut self) {
        if self.frozen.0.is_some() {
            self.give_clone();
        }
    }

    /// Gives the whole list to the snapshot, if there is one; it is empty then.
    pub(super) fn hand_over(&mut self) {
        let Some(saver) = self.frozen.0.take() else { return };
        let kept = Quicklist {
            head: mem::replace(&mut self.head, Node::empty()),
            inner: mem::take(&mut self.inner),
            tail: mem::replace(&mut self.tail, Node::empty()),
            len: mem::take(&mut self.len),
            frozen: Frozen(None),
            ..*self
        };
        saver.keep(kept, 0);
    }

    #[cold]
    fn give_clone(&mut self) {
        if let Some(saver) = self.frozen.0.take() {
            saver.keep(self.clone(), self.head.bytes_len() + self.tail.bytes_len());
        }
    }
}

impl Drop for Quicklist {
    #[inline]
    fn drop(&mut self) {
        if self.frozen.0.is_some() {
            self.hand_over();
        }
    }
}
