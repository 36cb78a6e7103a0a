//! Strings: how a new one is handed in, how one is looked at, and those too long to lie in their entry.

use super::Collection;
use crate::number::parse_i64;
use bytes::Bytes;
use itoa::Buffer;

/// Room for growth beyond what a growing string needs is at most this, or an eighth of its length if that is
/// more: less would make appending to a huge string quadratic.
const SLACK_BYTES_MAX: usize = 1 << 20;

/// A string as its entry holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringRef<'a> {
    /// The string is the canonical decimal form of this number.
    Int(i64),
    /// Any bytes.
    Bytes(&'a [u8]),
}

impl<'a> StringRef<'a> {
    /// Its bytes; a number is written into `digits`.
    #[must_use]
    #[inline]
    pub fn bytes<'b>(self, digits: &'b mut Buffer) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            StringRef::Int(number) => digits.format(number).as_bytes(),
            StringRef::Bytes(bytes) => bytes,
        }
    }

    /// Its length in bytes.
    #[must_use]
    #[inline]
    pub fn len(self) -> usize {
        match self {
            StringRef::Int(number) => Buffer::new().format(number).len(),
            StringRef::Bytes(bytes) => bytes.len(),
        }
    }

    /// Whether it has no bytes.
    #[must_use]
    #[inline]
    pub fn is_empty(self) -> bool {
        matches!(self, StringRef::Bytes(b""))
    }

    /// Lends its bytes to a function.
    pub fn with_bytes<R>(self, read: impl FnOnce(&[u8]) -> R) -> R {
        read(self.bytes(&mut Buffer::new()))
    }

    /// Appends its bytes to `out`.
    pub fn append_to(self, out: &mut Vec<u8>) {
        self.with_bytes(|bytes| out.extend_from_slice(bytes));
    }

    /// A copy of its bytes.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        self.bytes(&mut Buffer::new()).to_vec()
    }
}

/// A value on its way into the keyspace.
#[derive(Clone, Debug)]
pub enum NewValue<'a> {
    /// A string that is the canonical form of a number.
    Int(i64),
    /// A string, copied.
    Bytes(&'a [u8]),
    /// A string, copied, whose encoding is `raw` however short it is: what SETRANGE makes of an absent key.
    Raw(&'a [u8]),
    /// A string, moved in where it is long enough to pay.
    Owned(Vec<u8>),
    /// A string, shared where it is long enough to pay.
    Shared(Bytes),
    /// Many elements, moved in.
    Collection(Collection),
}

impl<'a> NewValue<'a> {
    /// What `SET` makes of its argument: a number if it reads exactly as that number would be written.
    #[must_use]
    #[inline]
    pub fn parse(bytes: &'a [u8]) -> NewValue<'a> {
        match parse_i64(bytes) {
            Some(number) => NewValue::Int(number),
            None => NewValue::Bytes(bytes),
        }
    }
}

/// A string that lies outside its entry: one of our own that can grow, or one shared with replies on their way
/// out, which is copied before it is changed if they still hold it.
#[derive(Debug)]
pub struct RawString(Repr);

#[derive(Debug)]
enum Repr {
    Owned(Vec<u8>),
    Shared(Bytes),
}

impl RawString {
    /// A copy of `bytes`.
    #[must_use]
    pub fn copied(bytes: &[u8]) -> RawString {
        RawString(Repr::Owned(bytes.to_vec()))
    }

    /// Takes `bytes` over.
    #[must_use]
    pub fn owned(bytes: Vec<u8>) -> RawString {
        RawString(Repr::Owned(bytes))
    }

    /// Shares `bytes` with whoever else holds them.
    #[must_use]
    pub fn shared(bytes: Bytes) -> RawString {
        RawString(Repr::Shared(bytes))
    }

    /// Its bytes.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Owned(bytes) => bytes,
            Repr::Shared(bytes) => bytes,
        }
    }

    /// Its length in bytes.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether it has no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// A handle on the bytes as they are now. Nothing is copied: the string is shared from here on, until it is
    /// changed.
    #[must_use]
    pub fn share(&mut self) -> Bytes {
        let shared = match &mut self.0 {
            Repr::Shared(bytes) => return bytes.clone(),
            Repr::Owned(bytes) => Bytes::from(std::mem::take(bytes)),
        };
        self.0 = Repr::Shared(shared.clone());
        shared
    }

    /// The bytes, to change. Copies them if somebody else still holds them.
    pub fn make_owned(&mut self) -> &mut Vec<u8> {
        sometimes!(Mark::SharedThenChanged, self.is_lent());
        if let Repr::Shared(bytes) = &mut self.0 {
            self.0 = Repr::Owned(Vec::from(std::mem::take(bytes)));
        }
        match &mut self.0 {
            Repr::Owned(bytes) => bytes,
            Repr::Shared(_) => unreachable!("it was made an owned one above"),
        }
    }

    /// Appends `bytes`, at a cost proportional to them in the long run.
    pub fn append(&mut self, bytes: &[u8]) {
        let string = self.make_owned();
        reserve(string, bytes.len());
        string.extend_from_slice(bytes);
    }

    /// Writes `bytes` at `offset`, with zeros before it where there was nothing.
    pub fn set_range(&mut self, offset: usize, bytes: &[u8]) {
        let string = self.make_owned();
        let end = offset + bytes.len();
        if end > string.len() {
            reserve(string, end - string.len());
            string.resize(end, 0);
        }
        string[offset..end].copy_from_slice(bytes);
    }

    /// Lets `f` change the bytes as it likes, and gives memory back if it leaves much of it unused.
    pub fn modify<R>(&mut self, f: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        let string = self.make_owned();
        let result = f(string);
        if string.capacity() > 2 * string.len() {
            string.shrink_to_fit();
        }
        result
    }

    /// Becomes a copy of `bytes`, in the memory it has if that is neither too small nor more than double.
    pub fn assign(&mut self, bytes: &[u8]) {
        sometimes!(Mark::SharedThenOverwritten, self.is_lent());
        match &mut self.0 {
            Repr::Owned(string) if (bytes.len()..=2 * bytes.len()).contains(&string.capacity()) => {
                string.clear();
                string.extend_from_slice(bytes);
            }
            repr => *repr = Repr::Owned(bytes.to_vec()),
        }
    }

    /// A copy that costs nothing where the bytes are shared already.
    #[must_use]
    pub fn duplicate(&self) -> RawString {
        match &self.0 {
            Repr::Owned(bytes) => RawString::copied(bytes),
            Repr::Shared(bytes) => RawString::shared(bytes.clone()),
        }
    }

    /// Whether somebody else holds the bytes, too: a reply that is not out yet.
    #[cfg(feature = "simulation")]
    pub(crate) fn is_lent(&self) -> bool {
        matches!(&self.0, Repr::Shared(bytes) if !bytes.is_unique())
    }

    /// Bytes of memory behind it.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        match &self.0 {
            Repr::Owned(bytes) => bytes.capacity(),
            Repr::Shared(bytes) => bytes.len(),
        }
    }
}

/// Makes room for `extra` bytes, and for as much again unless the string is huge.
fn reserve(string: &mut Vec<u8>, extra: usize) {
    let needed = string.len() + extra;
    if needed > string.capacity() {
        let slack = needed.min(SLACK_BYTES_MAX.max(needed / 8));
        string.reserve_exact(extra + slack);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: usize = 20_000;

    const _: () = assert!(size_of::<RawString>() == 32);

    #[test]
    fn what_reads_as_a_number_would_be_written_is_one() {
        for number in [0, 7, -1, 12_345_678, i64::MAX, i64::MIN] {
            let text = number.to_string();
            assert!(matches!(NewValue::parse(text.as_bytes()), NewValue::Int(parsed) if parsed == number));
            assert_eq!(
                (StringRef::Int(number).len(), StringRef::Int(number).to_vec()),
                (text.len(), text.into_bytes())
            );
        }
        for text in ["", "-0", "01", "+1", " 1", "1 ", "1.0", "9223372036854775808", "-9223372036854775809"] {
            assert!(matches!(NewValue::parse(text.as_bytes()), NewValue::Bytes(_)));
        }
    }

    #[test]
    fn sharing_copies_nothing_and_changing_copies_only_what_is_shared() {
        let mut string = RawString::owned(vec![7; LONG]);
        let address = string.as_bytes().as_ptr();
        let first = string.share();
        let second = string.share();
        assert_eq!([first.as_ptr(), second.as_ptr(), string.as_bytes().as_ptr()], [address; 3]);
        string.append(b"x");
        assert_eq!((first.len(), second.len(), string.len()), (LONG, LONG, LONG + 1));
        assert_ne!(string.as_bytes().as_ptr(), address);

        let address = string.as_bytes().as_ptr();
        drop(string.share());
        string.set_range(0, b"y");
        assert_eq!(string.as_bytes().as_ptr(), address, "nobody else held it");
        assert_eq!(string.as_bytes()[..2], [b'y', 7]);
    }

    #[test]
    fn growth_is_amortised_and_slack_is_bounded() {
        let mut string = RawString::copied(b"");
        let mut reallocations = 0;
        let mut capacity = 0;
        for _ in 0..300_000 {
            string.append(b"0123456789");
            if string.allocated_bytes() != capacity {
                capacity = string.allocated_bytes();
                reallocations += 1;
            }
            assert!(capacity <= 2 * string.len() && capacity - string.len() <= SLACK_BYTES_MAX);
        }
        assert!(reallocations < 30, "{reallocations}");
    }

    #[test]
    fn ranges_are_padded_with_zeros_and_assignments_reuse_memory() {
        let mut string = RawString::copied(b"abc");
        string.set_range(5, b"de");
        assert_eq!(string.as_bytes(), b"abc\0\0de");
        string.set_range(1, b"BC");
        assert_eq!(string.as_bytes(), b"aBC\0\0de");

        let mut string = RawString::owned(Vec::with_capacity(100));
        string.assign(&[1; 60]);
        assert_eq!((string.len(), string.allocated_bytes()), (60, 100));
        string.assign(&[1; 40]);
        assert_eq!((string.len(), string.allocated_bytes()), (40, 40));
    }
}
