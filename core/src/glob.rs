//! Redis' glob patterns, for `KEYS`, `SCAN … MATCH`, `PSUBSCRIBE`, `CONFIG GET` and the like.
//!
//! `*` stands for any bytes, `?` for one, `[a-c]` and `[^a-c]` for one of or one not of a class; `\` takes a byte as
//! it is. Redis' corners are kept: a range's ends may be swapped and compare as signed bytes, a class need not be
//! closed, and an empty text is matched by the empty pattern only, not even by `*`. (`KEYS *` and `SCAN … MATCH *`
//! do not ask.)
//!
//! A `*` that has been tried at every place of the text settles the question: an earlier `*` cannot help. Redis
//! 7.2 stops there too (`skipLongerMatches`), so the time is at most the product of the lengths, and here there is
//! no recursion either.

/// Whether upper and lower case ASCII letters are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    /// They differ.
    Sensitive,
    /// They do not.
    Insensitive,
}

/// Whether `pattern` matches all of `text`.
#[must_use]
pub fn matches(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() {
        return pattern.is_empty();
    }
    let (mut in_pattern, mut in_text) = (0, 0);
    // Where to go on when there is a mismatch: behind the last `*`, one byte further in the text.
    let mut retry: Option<(usize, usize)> = None;
    loop {
        if pattern.get(in_pattern) == Some(&b'*') {
            while pattern.get(in_pattern) == Some(&b'*') {
                in_pattern += 1;
            }
            if in_pattern == pattern.len() {
                return true;
            }
            retry = Some((in_pattern, in_text));
        }
        if in_text == text.len() {
            // Whatever of the pattern is left wants at least one byte, wherever the last `*` ends.
            return in_pattern == pattern.len();
        }
        if let Some(len) = match_one(&pattern[in_pattern..], text[in_text], case) {
            in_pattern += len;
            in_text += 1;
            continue;
        }
        let Some((after_star, from)) = &mut retry else {
            return false;
        };
        *from += 1;
        (in_pattern, in_text) = (*after_star, *from);
    }
}

/// Whether the front of the pattern, which is not a `*`, matches one byte; how much of the pattern that is.
#[inline]
fn match_one(pattern: &[u8], byte: u8, case: Case) -> Option<usize> {
    match pattern {
        [] => None,
        [b'?', ..] => Some(1),
        [b'[', class @ ..] => match_class(class, byte, case).map(|len| 1 + len),
        [b'\\', escaped, ..] => equal(*escaped, byte, case).then_some(2),
        [plain, ..] => equal(*plain, byte, case).then_some(1),
    }
}

/// Whether a byte is in the class whose `[` has just been passed; how long the class is with its `]`.
fn match_class(class: &[u8], byte: u8, case: Case) -> Option<usize> {
    let is_negated = class.first() == Some(&b'^');
    let mut at = usize::from(is_negated);
    let mut is_member = false;
    loop {
        match &class[at..] {
            // The end of the pattern closes a class, too.
            [] => break,
            // An escaped byte means itself, in its own case even where case does not matter.
            [b'\\', escaped, ..] => {
                is_member |= *escaped == byte;
                at += 2;
            }
            [b']', ..] => {
                at += 1;
                break;
            }
            [start, b'-', end, ..] => {
                is_member |= in_range(*start, *end, byte, case);
                at += 3;
            }
            [member, ..] => {
                is_member |= equal(*member, byte, case);
                at += 1;
            }
        }
    }
    (is_member != is_negated).then_some(at)
}

/// Whether a byte is between two others, in either order. Redis puts the ends in order as C's signed `char`s; to
/// drop case it then takes them through `tolower`, which makes them unsigned, all but the last, which is C's EOF.
fn in_range(start: u8, end: u8, byte: u8, case: Case) -> bool {
    let (low, high) = if start as i8 > end as i8 { (end, start) } else { (start, end) };
    let fold = |byte: u8| match case {
        Case::Sensitive => i32::from(byte as i8),
        Case::Insensitive if byte == u8::MAX => -1,
        Case::Insensitive => i32::from(byte.to_ascii_lowercase()),
    };
    (fold(low)..=fold(high)).contains(&fold(byte))
}

#[inline]
fn equal(left: u8, right: u8, case: Case) -> bool {
    left == right || case == Case::Insensitive && left.eq_ignore_ascii_case(&right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(pattern: &[u8], text: &[u8], expected: bool) {
        assert_eq!(
            matches(pattern, text, Case::Sensitive),
            expected,
            "{} on {}",
            pattern.escape_ascii(),
            text.escape_ascii()
        );
    }

    #[test]
    fn patterns_mean_what_they_mean_in_redis() {
        check(b"", b"", true);
        check(b"*", b"", false);
        check(b"", b"a", false);
        check(b"*", b"a", true);
        check(b"a*", b"a", true);
        check(b"a**", b"a", true);
        check(b"*a", b"aba", true);
        check(b"*ab", b"aab", true);
        check(b"a*b*c", b"aXXbYYc", true);
        check(b"a*b*c", b"aXXcYYb", false);
        check(b"h?llo", b"hello", true);
        check(b"h?llo", b"hllo", false);
        check(b"?", b"", false);
        check(b"h[ae]llo", b"hallo", true);
        check(b"h[^e]llo", b"hello", false);
        check(b"h[^e]llo", b"hallo", true);
        check(b"h[a-c]llo", b"hbllo", true);
        check(b"h[c-a]llo", b"hbllo", true);
        check(b"[\xff-a]", b"0", true);
        check(b"[\xff-a]", b"\x80", false);
        check(b"[a-]", b"]", true);
        check(b"[a-]", b"b", false);
        check(b"[a-]", b"_", true);
        check(b"[a", b"a", true);
        check(b"[a-", b"-", true);
        check(b"[", b"a", false);
        check(b"[^", b"a", true);
        check(b"[]", b"a", false);
        check(b"[^]", b"a", true);
        check(b"[]a]", b"]", false);
        check(b"[\\]]", b"]", true);
        check(b"[\\^a]", b"^", true);
        check(b"[a\\", b"\\", true);
        check(b"[a-\\]", b"b", false);
        check(b"\\*", b"*", true);
        check(b"\\*", b"a", false);
        check(b"\\", b"\\", true);
        check(b"a\\", b"a\\", true);
        check(b"*\\", b"x\\", true);
        check(b"a\0b", b"a\0b", true);
    }

    #[test]
    fn case_can_be_ignored() {
        for (pattern, text, expected) in [
            ("HELLO", "hello", true),
            ("[A-C]x", "bX", true),
            ("[abc]", "B", true),
            ("[\\a]", "A", false),
            ("\\a", "A", true),
            // The range is put in order first: `_` to `Z` becomes `Z` to `_`, and then `z` to `_`, which is empty.
            ("[Z-_]", "z", false),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), text.as_bytes(), Case::Insensitive),
                expected,
                "{pattern}"
            );
        }
    }

    #[test]
    fn many_stars_do_not_take_exponential_time() {
        let pattern = b"a*".repeat(40_000);
        let mut text = vec![b'a'; 40_000];
        assert!(matches(&pattern, &text, Case::Sensitive));
        text.truncate(39_999);
        assert!(!matches(&pattern, &text, Case::Sensitive));
        let mut pattern = b"*a".repeat(50);
        pattern.push(b'b');
        assert!(!matches(&pattern, &[b'a'; 500], Case::Sensitive));
    }

    /// What a pattern consists of, in a form that leaves nothing to parse.
    #[derive(Clone, Debug)]
    enum Piece {
        Star,
        Any,
        Byte(u8),
        Class(bool, Vec<(u8, u8)>),
    }

    /// The definition: every way a `*` can end is tried.
    fn naive(pieces: &[Piece], text: &[u8], case: Case) -> bool {
        let fold = |byte: u8| if case == Case::Insensitive { byte.to_ascii_lowercase() } else { byte };
        match (pieces.split_first(), text.split_first()) {
            (None, rest) => rest.is_none(),
            (Some((Piece::Star, rest)), _) => (0..=text.len()).any(|skip| naive(rest, &text[skip..], case)),
            (Some(_), None) => false,
            (Some((piece, pieces)), Some((&byte, text))) => {
                let is_match = match piece {
                    Piece::Byte(wanted) => fold(*wanted) == fold(byte),
                    Piece::Class(is_negated, ranges) => {
                        let is_member = ranges.iter().any(|&(low, high)| {
                            fold(low.min(high)) <= fold(byte) && fold(byte) <= fold(low.max(high))
                        });
                        is_member != *is_negated
                    }
                    _ => true,
                };
                is_match && naive(pieces, text, case)
            }
        }
    }

    fn write(pieces: &[Piece]) -> Vec<u8> {
        let mut pattern = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Star => pattern.push(b'*'),
                Piece::Any => pattern.push(b'?'),
                Piece::Byte(byte) if b"*?[\\".contains(byte) => pattern.extend_from_slice(&[b'\\', *byte]),
                Piece::Byte(byte) => pattern.push(*byte),
                Piece::Class(is_negated, ranges) => {
                    pattern.extend_from_slice(if *is_negated { b"[^" } else { b"[" });
                    for (low, high) in ranges {
                        pattern.extend_from_slice(&if low == high {
                            vec![*low]
                        } else {
                            vec![*low, b'-', *high]
                        });
                    }
                    pattern.push(b']');
                }
            }
        }
        pattern
    }

    fn pieces() -> impl Strategy<Value = Vec<Piece>> {
        let letter = || proptest::sample::select(b"abcABC".to_vec());
        let piece = prop_oneof![
            2 => Just(Piece::Star),
            1 => Just(Piece::Any),
            3 => proptest::sample::select(b"abcAB*?[\\]^-".to_vec()).prop_map(Piece::Byte),
            2 => (any::<bool>(), proptest::collection::vec((letter(), letter()), 0..3))
                .prop_map(|(is_negated, ranges)| Piece::Class(is_negated, ranges)),
        ];
        proptest::collection::vec(piece, 0..8)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5_000))]
        #[test]
        fn matching_agrees_with_the_definition(pieces in pieces(), text in "[a-cA-C*?\\[\\\\\\]^-]{1,10}") {
            for case in [Case::Sensitive, Case::Insensitive] {
                let found = matches(&write(&pieces), text.as_bytes(), case);
                prop_assert_eq!(found, naive(&pieces, text.as_bytes(), case), "{:?}", case);
            }
        }

        #[test]
        fn any_bytes_are_a_pattern(pattern: Vec<u8>, text: Vec<u8>) {
            let found = matches(&pattern, &text, Case::Sensitive);
            prop_assert!(!found || !pattern.is_empty() || text.is_empty());
            prop_assert!(matches(&text.iter().flat_map(|&b| [b'\\', b]).collect::<Vec<_>>(), &text, Case::Sensitive));
        }
    }
}
