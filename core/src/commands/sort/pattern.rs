//! The patterns of `BY` and `GET`: a key with a `*` for the element, or `key->field`, or `#` for the element itself.

use crate::dataset::Keys;
use crate::keyspace::EntryRef;
use crate::value::{Collection, StringRef, ValueRef};
use memchr::{memchr, memmem};

/// A pattern.
#[derive(Debug)]
pub(super) enum Pattern<'a> {
    /// `#`.
    Element,
    /// A `*` is missing: no key is looked up.
    Constant,
    /// A key, and a field if it is that of a hash which is meant.
    Key {
        /// What comes before the element.
        before: &'a [u8],
        /// What comes behind it.
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
}

impl<'a> Pattern<'a> {
    /// Reads a pattern, as far as C does: a `*` or an arrow behind a NUL is none.
    pub fn parse(text: &'a [u8]) -> Pattern<'a> {
        let visible = memchr(0, text).unwrap_or(text.len());
        let Some(star) = memchr(b'*', &text[..visible]) else {
            return if text == b"#" { Pattern::Element } else { Pattern::Constant };
        };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        let arrow = memmem::find(&text[star + 1..visible], b"->");
        match arrow {
            Some(arrow) if rest.get(arrow + 2).is_some_and(|&byte| byte != 0) => {
                Pattern::Key { before, after: &rest[..arrow], field: Some(&rest[arrow + 2..]) }
            }
            _ => Pattern::Key { before, after: rest, field: None },
        }
    }

    /// Whether it leads to a field of a hash.
    #[cfg(feature = "simulation")]
    pub fn has_field(&self) -> bool {
        matches!(self, Pattern::Key { field: Some(_), .. })
    }

    /// Whether there is a `*`.
    pub fn has_star(&self) -> bool {
        matches!(self, Pattern::Key { .. })
    }

    /// Shows what the pattern gives for an element. `key` is room for the key's name.
    pub fn look_up(
        &self,
        keys: &mut Keys<'_>,
        element: &[u8],
        key: &mut Vec<u8>,
        show: impl FnOnce(Option<StringRef<'_>>),
    ) {
        let (before, after, field) = match *self {
            Pattern::Element => return show(Some(StringRef::Bytes(element))),
            Pattern::Constant => return show(None),
            Pattern::Key { before, after, field } => (before, after, field),
        };
        key.clear();
        for part in [before, element, after] {
            key.extend_from_slice(part);
        }
        let value = keys.read(key).map(EntryRef::value);
        show(match (value, field) {
            (Some(ValueRef::String(string)), None) => Some(string),
            (Some(ValueRef::Collection(Collection::Hash(hash))), Some(field)) => hash.get(field),
            _ => None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_taken_apart() {
        let parts = |text: &'static str| match Pattern::parse(text.as_bytes()) {
            Pattern::Element => "#".to_owned(),
            Pattern::Constant => "constant".to_owned(),
            Pattern::Key { before, after, field } => {
                let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
                format!("{} {} {:?}", text(before), text(after), field.map(text))
            }
        };
        assert_eq!(parts("#"), "#");
        assert_eq!(parts("##"), "constant");
        assert_eq!(parts("a->b"), "constant");
        assert_eq!(parts("w_*"), "w_  None");
        assert_eq!(parts("w_*_x*"), "w_ _x* None");
        assert_eq!(parts("w_*->f"), "w_  Some(\"f\")");
        assert_eq!(parts("a->b*c->f->g"), "a->b c Some(\"f->g\")");
        assert_eq!(parts("w_*->"), "w_ -> None");
        assert_eq!(parts("w\0*"), "constant");
    }
}
