//! A handle on an element that was found, so that what follows needs no second search.

#![expect(unsafe_code, reason = "the handle remembers the segment, and borrows the table that owns it")]

use super::element::Element;
use super::segment::{Place, Segment};
use super::table::Table;
use std::ptr::NonNull;

/// An element in a table.
pub struct OccupiedElement<'a, E: Element> {
    table: &'a mut Table<E>,
    /// Invariant: a segment of `table`, which nothing replaces while this handle lives.
    segment: NonNull<Segment<E>>,
    /// Invariant: there is an element at this place of the segment.
    place: Place,
    hash: u64,
}

impl<'a, E: Element> OccupiedElement<'a, E> {
    /// Finds an element.
    #[inline]
    pub fn find(table: &'a mut Table<E>, hash: u64, key: &[u8]) -> Option<OccupiedElement<'a, E>> {
        let (shape, segment) = table.directory.segment(hash)?;
        let place = segment.find(shape, hash, key)?;
        let segment = table.directory.segment_ptr(hash)?;
        Some(OccupiedElement { table, segment, place, hash })
    }

    /// The element.
    #[inline]
    pub fn element(&self) -> &E {
        // SAFETY: the segment lives as long as the table is borrowed here.
        present(unsafe { self.segment.as_ref() }.element(self.place))
    }

    /// The element, for as long as the table was borrowed.
    #[inline]
    pub fn into_element(self) -> &'a E {
        // SAFETY: the table stays borrowed for 'a, so nothing changes the segment.
        present(unsafe { self.segment.as_ref() }.element(self.place))
    }

    /// Changes the element; its key and its expiry stay.
    #[inline]
    pub fn change_value<R>(&mut self, f: impl FnOnce(&mut E) -> R) -> R {
        // SAFETY: the segment lives as long as the table is borrowed here, and nobody else looks at it.
        f(present(unsafe { self.segment.as_mut() }.element_mut(self.place)))
    }

    /// Changes the element; its key stays.
    #[inline]
    pub fn change<R>(&mut self, f: impl FnOnce(&mut E) -> R) -> R {
        // SAFETY: the segment lives as long as the table is borrowed here, and nobody else looks at it.
        let segment = unsafe { self.segment.as_mut() };
        let element = present(segment.element_mut(self.place));
        let had_expiry = element.has_expiry();
        let result = f(element);
        if had_expiry || element.has_expiry() {
            let expiry = element.expiry();
            segment.note_expiry(had_expiry, expiry);
            self.table.note_expiry(had_expiry, expiry.is_some());
        }
        result
    }

    /// Takes the element out.
    pub fn remove(mut self) -> E {
        // SAFETY: the segment lives as long as the table is borrowed here, and nobody else looks at it.
        let element = present(unsafe { self.segment.as_mut() }.remove(self.place));
        self.table.note_removal(self.hash, element.has_expiry());
        element
    }
}

/// What lies at the place the handle knows.
#[inline]
fn present<T>(element: Option<T>) -> T {
    element.expect(
        "the handle was made for an element, and only removing it, which consumes the handle, ends it",
    )
}
