//! Finds a command by its name, in whatever case it is written: an open-addressed table made at compile time.
//!
//! This is on the way of every request, so a name is never walked through byte by byte. Its two ends, folded to lower
//! case as machine words, and its length make the hash, and for a name of up to 16 bytes they are the name.

/// Slots of the table: a power of two, sparse enough for short probes.
const SLOT_COUNT: usize = 1024;

/// Longest name that its ends say all about.
const ENDS_LEN_MAX: usize = 16;

/// The table: for each name its place in the list it was made from.
#[derive(Debug)]
pub(super) struct NameTable {
    slots: [Slot; SLOT_COUNT],
    /// The longest name there is; what is longer needs no look.
    len_max: usize,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    name: Ends,
    /// One more than the name's place; 0 for an empty slot.
    place: u16,
}

/// The ends of a name and its length: equal for all ways to write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ends {
    head: u64,
    tail: u64,
    len: u16,
}

impl NameTable {
    /// The table of names in lower case, which are all different. Evaluated at compile time, where a panic is an
    /// error of compilation.
    pub(super) const fn new(names: &[&str]) -> NameTable {
        assert!(names.len() * 2 <= SLOT_COUNT, "the table is too full for short probes");
        let empty = Slot { name: Ends { head: 0, tail: 0, len: 0 }, place: 0 };
        let mut table = NameTable { slots: [empty; SLOT_COUNT], len_max: 0 };
        let mut place = 0;
        while place < names.len() {
            let name = Ends::of(names[place].as_bytes());
            let mut slot = name.home();
            while table.slots[slot].place != 0 {
                slot = (slot + 1) % SLOT_COUNT;
            }
            place += 1;
            table.slots[slot] = Slot { name, place: place as u16 };
            if table.len_max < name.len as usize {
                table.len_max = name.len as usize;
            }
        }
        table
    }

    /// The place of a name; `name_at` says what the name at a place is, for those that are too long to tell by
    /// their ends.
    #[inline]
    pub(super) fn find(&self, name: &[u8], name_at: impl Fn(usize) -> &'static str) -> Option<usize> {
        if name.len() > self.len_max {
            return None;
        }
        let ends = Ends::of(name);
        let mut slot = ends.home();
        loop {
            let Slot { name: found, place } = self.slots[slot];
            let place = usize::from(place).checked_sub(1)?;
            if found == ends
                && (name.len() <= ENDS_LEN_MAX || name_at(place).as_bytes().eq_ignore_ascii_case(name))
            {
                return Some(place);
            }
            slot = (slot + 1) % SLOT_COUNT;
        }
    }
}

#[cfg(test)]
impl NameTable {
    /// The most slots that are looked at for a name of the table.
    pub(super) fn probes_max(&self) -> usize {
        let probes = |(slot, found): (usize, &Slot)| {
            (found.place != 0).then(|| (slot + SLOT_COUNT - found.name.home()) % SLOT_COUNT + 1)
        };
        self.slots.iter().enumerate().filter_map(probes).max().unwrap_or(0)
    }
}

impl Ends {
    #[inline]
    const fn of(name: &[u8]) -> Ends {
        let len = name.len();
        // Where the ends overlap, the length says how.
        let (head, tail) = match (name.first_chunk::<8>(), name.last_chunk::<8>()) {
            (Some(head), Some(tail)) => (u64::from_le_bytes(*head), u64::from_le_bytes(*tail)),
            _ => match (name.first_chunk::<4>(), name.last_chunk::<4>()) {
                (Some(head), Some(tail)) => {
                    (u32::from_le_bytes(*head) as u64, u32::from_le_bytes(*tail) as u64)
                }
                _ if len == 0 => (0, 0),
                _ => (name[0] as u64 | (name[len / 2] as u64) << 8, name[len - 1] as u64),
            },
        };
        Ends { head: lower_case(head), tail: lower_case(tail), len: len as u16 }
    }

    /// The slot the search begins at.
    #[inline]
    const fn home(self) -> usize {
        // Multiplying carries every bit upwards; the constant is the golden ratio's.
        let mixed =
            (self.head ^ self.tail.rotate_left(29) ^ self.len as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (mixed >> (u64::BITS - SLOT_COUNT.trailing_zeros())) as usize
    }
}

/// Eight bytes at once: ASCII capitals become small letters, everything else stays.
#[inline]
const fn lower_case(word: u64) -> u64 {
    const EACH: u64 = 0x0101_0101_0101_0101;
    let low_bits = word & (0x7f * EACH);
    // The top bit of a byte says: not below `A`; beyond `Z`; not ASCII.
    let from_a = low_bits + (0x80 - b'A' as u64) * EACH;
    let beyond_z = low_bits + (0x7f - b'Z' as u64) * EACH;
    let is_capital = from_a & !beyond_z & !word & (0x80 * EACH);
    word | is_capital >> 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_folded_like_bytes() {
        for byte in 0..=u8::MAX {
            for others in [0, b'Q', 0x7f, 0x80, 0xff] {
                let bytes = [others, byte, others, others, byte, byte, others, byte];
                let expected = u64::from_le_bytes(bytes.map(|byte| byte.to_ascii_lowercase()));
                assert_eq!(lower_case(u64::from_le_bytes(bytes)), expected, "{bytes:?}");
            }
        }
    }

    #[test]
    fn names_are_told_apart() {
        const NAMES: &[&str] =
            &["a", "ab", "aab", "abcd", "abcde", "abcdefgh", "abcdefghi", "abcdefghijklmnopq", ""];
        static TABLE: NameTable = NameTable::new(NAMES);
        let find = |name: &str| TABLE.find(name.as_bytes(), |place| NAMES[place]);
        for (place, name) in NAMES.iter().enumerate() {
            assert_eq!(find(name), Some(place));
            assert_eq!(find(&name.to_ascii_uppercase()), Some(place));
        }
        for absent in [
            "b",
            "aa",
            "abb",
            "aba",
            "abcc",
            "aabcd",
            "abcdabcd",
            "ABCDEFGHJ",
            "abcdefghiijklmnopq",
            "abcdefgh-jklmnopq",
        ] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }
}
