//! What commands on collections are made of: elements, indices, counts, scores, bounds.

use super::draft::Draft;
use super::maker::Maker;

/// Elements that lists, sets, hashes and sorted sets share.
const SHARED_ELEMENTS: usize = 24;

/// Lengths around the longest element that small encodings take, as it stands by default and as runs may set it; and
/// around those at which an element of a listpack needs another byte for its own length, in front or behind.
const EDGE_LENS: [usize; 9] = [8, 9, 63, 64, 65, 66, 125, 126, 127];

/// How many elements there may be in small encodings, by default: pushes of so many meet both sides.
const EDGE_COUNTS: [usize; 8] = [126, 127, 128, 129, 510, 511, 512, 513];

/// Of so many commands that add elements, one adds very many.
const FILLS: u32 = 60;

impl Maker<'_> {
    /// Something that may be in several collections at once, or several times in one.
    pub(super) fn element(&mut self) -> Vec<u8> {
        match self.below(100) {
            0..45 => format!("m{}", self.below(SHARED_ELEMENTS)).into_bytes(),
            45..75 => self.small_integer().into_bytes(),
            75..85 => self.edge_integer().into_bytes(),
            85..92 => {
                let len = EDGE_LENS[self.below(EDGE_LENS.len())];
                // Two of each, so that they are found again.
                vec![if self.one_in(2) { b'x' } else { b'y' }; len]
            }
            92 => Vec::new(),
            _ => self.value(),
        }
    }

    /// An integer that other commands name too.
    pub(super) fn small_integer(&mut self) -> String {
        (self.below(40) as i64 - 10).to_string()
    }

    /// An integer at the edge of a width: encodings of 8, 16, 24, 32 and 64 bits, and what only looks like an integer.
    pub(super) fn edge_integer(&mut self) -> String {
        let edge = 1_i128 << [7, 8, 12, 15, 16, 23, 31, 32, 53, 63, 64][self.below(11)];
        let number = edge + self.below(3) as i128 - 1;
        match self.below(8) {
            0 => format!("0{number}"),
            1..4 => format!("-{number}"),
            _ => number.to_string(),
        }
    }

    /// Adds so many elements: mostly a few, now and then enough to pass a limit.
    pub(super) fn add_elements(&mut self, draft: &mut Draft) {
        if self.one_in(FILLS) {
            let (count, first) = (self.fill_count(), self.below(300));
            let is_integer = self.one_in(2);
            for number in first..first + count {
                draft.add(if is_integer { number.to_string() } else { format!("m{number}") });
            }
            return;
        }
        for _ in 0..self.few() {
            let element = self.element();
            draft.add(element);
        }
    }

    /// How many elements a command has that is to pass a limit.
    pub(super) fn fill_count(&mut self) -> usize {
        EDGE_COUNTS[self.below(EDGE_COUNTS.len())]
    }

    /// Whether a command is to pass a limit.
    pub(super) fn fills(&mut self) -> bool {
        self.one_in(FILLS)
    }

    /// One mostly, or a few.
    pub(super) fn few(&mut self) -> usize {
        if self.one_in(3) { 1 } else { 1 + self.below(5) }
    }

    /// A place in a list or sorted set, counted from either end.
    pub(super) fn place(&mut self) -> String {
        match self.below(20) {
            0 => self.pick(&["-0", "2147483648", "-9223372036854775808", "9223372036854775807"]).to_owned(),
            1..4 => (self.below(1_100) as i64 - 550).to_string(),
            4..8 => self.pick(&["0", "-1"]).to_owned(),
            _ => (self.below(24) as i64 - 12).to_string(),
        }
    }

    /// How many there are to be: none, one, a few, far too many; now and then what is no such number.
    pub(super) fn count(&mut self) -> String {
        match self.below(40) {
            0 => self.pick(&["-1", "x", "", "9223372036854775808", "1.5"]).to_owned(),
            1..4 => "0".to_owned(),
            4..8 => self.pick(&["1000", "2147483647", "4294967296"]).to_owned(),
            8..20 => "1".to_owned(),
            _ => self.below(10).to_string(),
        }
    }

    /// How many to pick at random; negative where one may be picked twice.
    pub(super) fn random_count(&mut self) -> String {
        match self.below(20) {
            0 => self.pick(&["x", "-9223372036854775808", "9223372036854775807", ""]).to_owned(),
            1..3 => "0".to_owned(),
            3..5 => self.pick(&["600", "130", "-130"]).to_owned(),
            5..10 => format!("-{}", 1 + self.below(12)),
            _ => (1 + self.below(12)).to_string(),
        }
    }

    /// The number of keys that follow, and the keys; now and then the number is wrong.
    pub(super) fn add_numbered_keys(&mut self, draft: &mut Draft) {
        let count = self.few();
        match self.below(40) {
            0 => draft.add(self.pick(&["0", "-1", "x", "1000000"])),
            1 => draft.add((count + 1).to_string()),
            _ => draft.add(count.to_string()),
        }
        for _ in 0..count {
            let key = self.key();
            draft.add(key);
        }
    }

    /// LIMIT, an offset and a count.
    pub(super) fn add_limit(&mut self, draft: &mut Draft) {
        draft.add(self.pick(&["LIMIT", "limit", "LIMIT"]));
        let (offset, count) = match self.below(12) {
            0 => ("-1".to_owned(), self.below(5).to_string()),
            1 => (self.below(5).to_string(), "-1".to_owned()),
            2 => ("x".to_owned(), "1".to_owned()),
            3 => ("0".to_owned(), "0".to_owned()),
            _ => (self.below(6).to_string(), (1 + self.below(20)).to_string()),
        };
        draft.add(offset);
        draft.add(count);
    }

    /// A pattern for elements.
    pub(super) fn element_pattern(&mut self) -> &'static str {
        self.pick(&["*", "m*", "m?", "m[1-3]*", "1*", "[^m]*", "none", "", "?", "x*"])
    }

    /// The options of HSCAN, SSCAN and ZSCAN, after a cursor.
    pub(super) fn scan_elements(&mut self, name: &str) -> Draft {
        let key = self.key();
        let mut draft = Draft::new(name).with(key);
        // From the beginning to the end at once: then everybody sees the same, in whatever order.
        if self.is_compared() || self.one_in(2) {
            draft.add("0");
            draft.add("COUNT");
            draft.add("100000");
        } else {
            let cursor = if self.one_in(3) { self.below(1 << 20) } else { 0 };
            draft.add(cursor.to_string());
            if self.one_in(2) {
                draft.add("COUNT");
                draft.add(self.count());
            }
        }
        if self.one_in(3) {
            draft.add("MATCH");
            draft.add(self.element_pattern());
        }
        if self.one_in(30) {
            draft.add(self.pick(&["NOPE", "MATCH", "TYPE"]));
        }
        draft
    }

    /// A score: few different ones, so that many are equal; infinities, zeros of both signs, and what is none.
    pub(super) fn score(&mut self) -> String {
        match self.below(60) {
            0 => self.pick(&["nan", "abc", "", "1 ", "0x", "1e400x"]).to_owned(),
            1..5 => self.pick(&["inf", "-inf", "+inf", "INF", "-Infinity"]).to_owned(),
            5..8 => self.pick(&["-0", "0", "-0.0", "0e5"]).to_owned(),
            8..11 => {
                let edges = ["1e308", "-1e308", "5e-324", "0x10", "9007199254740993", "1e17", "0.1", "3.0"];
                self.pick(&edges).to_owned()
            }
            11..15 => {
                let score = self.float();
                // NaN is an error, which is drawn above.
                if score == "nan" { "0.30000000000000004".to_owned() } else { score }
            }
            15..25 => format!("{}", (self.below(64) as f64 - 32.0) / 8.0),
            25..35 => (self.below(2_000) as i64 - 1_000).to_string(),
            _ => (self.below(8) as i64 - 3).to_string(),
        }
    }

    /// An end of a range of scores.
    pub(super) fn score_bound(&mut self) -> String {
        match self.below(40) {
            0 => self.pick(&["nan", "(nan", "x", "(", "((1", ""]).to_owned(),
            1..10 => self.pick(&["-inf", "+inf", "inf", "(-inf", "(+inf"]).to_owned(),
            10..18 => format!("({}", self.below(8) as i64 - 3),
            18..22 => format!("({}", (self.below(64) as f64 - 32.0) / 8.0),
            _ => (self.below(16) as i64 - 7).to_string(),
        }
    }

    /// An end of a range of members.
    pub(super) fn member_bound(&mut self) -> Vec<u8> {
        match self.below(40) {
            0 => self.pick(&["x", "", "+x", "--", "("]).as_bytes().to_vec(),
            1..10 => self.pick(&["-", "+"]).as_bytes().to_vec(),
            10..13 => self.pick(&["[", "("]).as_bytes().to_vec(),
            place => {
                let mut bound = vec![if place % 2 == 0 { b'[' } else { b'(' }];
                bound.extend(self.element());
                bound
            }
        }
    }

    /// Two ends, mostly in an order that leaves something between them.
    pub(super) fn ends<T: AsRef<[u8]>>(
        &mut self,
        mut end: impl FnMut(&mut Self) -> T,
        wide: [&str; 2],
    ) -> [Vec<u8>; 2] {
        if self.one_in(4) {
            return wide.map(|end| end.as_bytes().to_vec());
        }
        [end(self).as_ref().to_vec(), end(self).as_ref().to_vec()]
    }
}
