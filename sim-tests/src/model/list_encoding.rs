//! How Redis keeps a list, as far as that can be known without keeping it so.
//!
//! A list begins as one listpack and becomes a quicklist, a chain of listpacks, when it would outgrow the limit. It
//! becomes a listpack again when it is cut down to half of the limit and the chain has a single link by then. How
//! a chain is cut into links is nothing a command shows; so a list of several elements that is small again may be either.

use super::list::ListValue;
use super::number::integer;

/// How a list is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListEncoding {
    Listpack,
    Quicklist,
    /// It depends on where the chain was cut, or on what nobody knows.
    Either,
}

impl ListEncoding {
    /// What OBJECT ENCODING says: any of these.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            ListEncoding::Listpack => &["listpack"],
            ListEncoding::Quicklist => &["quicklist"],
            ListEncoding::Either => &["listpack", "quicklist"],
        }
    }
}

/// What `list-max-listpack-size` permits one listpack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// So many bytes.
    Size(usize),
    /// So many elements; and never more than [`SAFE_SIZE`].
    Count(usize),
}

/// A listpack limited by its elements is no larger than this.
const SAFE_SIZE: usize = 8192;

/// The sizes that -1 to -5 stand for.
const SIZES: [usize; 5] = [4096, 8192, 16384, 32768, 65536];

/// What a listpack has besides its elements: a header, and a byte at its end.
const FRAME_LEN: usize = 7;

impl Limit {
    /// What a value of the parameter means.
    pub fn of(parameter: i64) -> Limit {
        match usize::try_from(parameter) {
            Ok(count) => Limit::Count(count.max(1)),
            Err(_) => {
                let level = usize::try_from(parameter.unsigned_abs()).unwrap_or(usize::MAX);
                Limit::Size(SIZES[level.min(SIZES.len()) - 1])
            }
        }
    }

    fn is_exceeded_by(self, size: usize, count: usize) -> bool {
        match self {
            Limit::Size(max) => size > max,
            Limit::Count(max) => size > SAFE_SIZE || count > max,
        }
    }

    /// Whether something is small enough to be made one listpack again.
    fn is_half_filled_by(self, size: usize, count: usize) -> bool {
        match self {
            Limit::Size(max) => size <= max / 2,
            Limit::Count(max) => count <= max / 2,
        }
    }
}

impl ListValue {
    /// The same list, of which nobody knows how it is kept.
    pub fn forget_encoding(self) -> ListValue {
        ListValue { encoding: ListEncoding::Either, ..self }
    }

    /// A list that was put together as a chain, and made a listpack if a single link was enough.
    pub fn gathered(items: Vec<Vec<u8>>, limit: Limit) -> ListValue {
        // What a link believes an element takes more than it does.
        const ESTIMATE_SLACK: usize = 16;
        let mut list = ListValue::new(items);
        let exceeds = |slack: usize| limit.is_exceeded_by(list.size() + slack, list.items.len());
        list.encoding = match (exceeds(0), exceeds(ESTIMATE_SLACK)) {
            (true, _) => ListEncoding::Quicklist,
            (false, true) => ListEncoding::Either,
            (false, false) => ListEncoding::Listpack,
        };
        list
    }

    /// Before elements of so many bytes together come in.
    pub fn expect(&mut self, bytes: usize, count: usize, limit: Limit) {
        if limit.is_exceeded_by(self.size() + bytes, self.items.len() + count) {
            self.encoding = ListEncoding::Quicklist;
        }
    }

    /// After elements went out or were replaced.
    pub fn shrink(&mut self, limit: Limit) {
        if self.encoding == ListEncoding::Listpack || !limit.is_half_filled_by(self.size(), self.items.len())
        {
            return;
        }
        self.encoding = match self.items.as_slice() {
            // One that is too large for any listpack is a link by itself.
            [only] if only.len() > SAFE_SIZE && matches!(limit, Limit::Count(_)) => return,
            [_] => ListEncoding::Listpack,
            _ => ListEncoding::Either,
        };
    }

    /// Bytes of a listpack with all elements.
    fn size(&self) -> usize {
        FRAME_LEN + self.items.iter().map(|item| entry_len(item)).sum::<usize>()
    }
}

/// Bytes that one element takes in a listpack: itself, and its length once more for whoever comes from behind.
fn entry_len(item: &[u8]) -> usize {
    let len = match integer(item) {
        Some(0..=127) => 1,
        Some(-4096..=4095) => 2,
        Some(-32_768..=32_767) => 3,
        Some(-8_388_608..=8_388_607) => 4,
        Some(-2_147_483_648..=2_147_483_647) => 5,
        Some(_) => 9,
        None if item.len() < 64 => 1 + item.len(),
        None if item.len() < 4096 => 2 + item.len(),
        None => 5 + item.len(),
    };
    let back = match len {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    };
    len + back
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_takes_what_its_form_takes() {
        for (item, len) in [
            (b"0".as_slice(), 2),
            (b"127", 2),
            (b"128", 3),
            (b"-4096", 3),
            (b"-4097", 4),
            (b"32768", 5),
            (b"8388608", 6),
            (b"2147483648", 10),
            (b"", 2),
            (b"01", 4),
            (&[b'x'; 63], 65),
            (&[b'x'; 64], 67),
            (&[b'x'; 125], 128),
            (&[b'x'; 126], 130),
        ] {
            assert_eq!(entry_len(item), len, "{}", item.escape_ascii());
        }
    }

    #[test]
    fn a_list_grows_into_a_quicklist_and_shrinks_back_only_at_half() {
        let limit = Limit::of(4);
        let mut list = ListValue::new(vec![b"a".to_vec(); 4]);
        list.expect(1, 0, limit);
        assert_eq!(list.encoding, ListEncoding::Listpack);
        list.expect(1, 1, limit);
        assert_eq!(list.encoding, ListEncoding::Quicklist);
        list.items.truncate(3);
        list.shrink(limit);
        assert_eq!(list.encoding, ListEncoding::Quicklist);
        list.items.truncate(2);
        list.shrink(limit);
        assert_eq!(list.encoding, ListEncoding::Either);
        list.items.truncate(1);
        list.shrink(limit);
        assert_eq!(list.encoding, ListEncoding::Listpack);
    }

    #[test]
    fn limits_are_sizes_or_counts() {
        assert_eq!(Limit::of(-2), Limit::Size(8192));
        assert_eq!(Limit::of(-9), Limit::Size(65536));
        assert_eq!(Limit::of(0), Limit::Count(1));
        assert_eq!(Limit::of(128), Limit::Count(128));
        assert!(Limit::of(128).is_exceeded_by(8193, 2));
    }
}
