//! A handle on an element that was found, so that what follows needs no second search.

#![expect(unsafe_code, reason = "the handle remembers the slot, and borrows the table that owns it")]

use super::element::Element;
use super::table::Table;
use std::ptr::NonNull;

/// An element in a table. It is kept to three words, which fit into registers.
pub struct OccupiedElement<'a, E: Element> {
    table: &'a mut Table<E>,
    /// Invariant: a slot of `table` that holds an element. Nothing moves it while this handle lives: whatever
    /// would, needs the table.
    slot: NonNull<E>,
    hash: u64,
}

impl<'a, E: Element> OccupiedElement<'a, E> {
    /// Finds an element, or gives the table back.
    #[inline(always)]
    pub fn find(
        table: &'a mut Table<E>,
        hash: u64,
        key: E::Key<'_>,
    ) -> Result<OccupiedElement<'a, E>, &'a mut Table<E>> {
        match table.find_slot(hash, key) {
            Some(slot) => Ok(OccupiedElement { table, slot, hash }),
            None => Err(table),
        }
    }

    /// The element.
    #[inline]
    pub fn element(&self) -> &E {
        // SAFETY: by the invariant of `slot`; the table is borrowed by this handle.
        unsafe { self.slot.as_ref() }
    }

    /// The element, for as long as the table was borrowed.
    #[inline]
    pub fn into_element(self) -> &'a E {
        // SAFETY: by the invariant of `slot`; the table stays borrowed for 'a.
        unsafe { self.slot.as_ref() }
    }

    /// The element, to be changed in place; its key and its expiry must stay.
    #[inline]
    pub fn element_mut(&mut self) -> &mut E {
        self.table.before_change(self.hash);
        // SAFETY: by the invariant of `slot`; this handle is borrowed, and with it the table.
        unsafe { self.slot.as_mut() }
    }

    /// Changes the element; its key and its expiry stay.
    #[inline]
    pub fn change_value<R>(&mut self, f: impl FnOnce(&mut E) -> R) -> R {
        self.table.before_change(self.hash);
        self.touch(f)
    }

    /// Changes something about the element that no snapshot has to know; its key, value and expiry stay.
    #[inline]
    pub fn touch<R>(&mut self, f: impl FnOnce(&mut E) -> R) -> R {
        // SAFETY: by the invariant of `slot`; this handle is borrowed, and with it the table.
        f(unsafe { self.slot.as_mut() })
    }

    /// Changes the element; its key stays.
    #[inline]
    pub fn change<R>(&mut self, f: impl FnOnce(&mut E) -> R) -> R {
        let had_expiry = self.element().has_expiry();
        let result = self.change_value(f);
        if had_expiry || self.element().has_expiry() {
            let expiry = self.element().expiry();
            self.table.note_expiry(self.hash, had_expiry, expiry);
        }
        result
    }

    /// Takes the element out.
    pub fn remove(self) -> E {
        let OccupiedElement { table, slot, hash } = self;
        table.remove_at(hash, slot)
    }
}
