//! Patterns, as KEYS, SCAN and CONFIG GET take them.

/// Whether a text fits a pattern.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let Some((&mark, rest)) = pattern.split_first() else { return text.is_empty() };
    if mark == b'*' {
        return (0..=text.len()).any(|start| matches(rest, &text[start..]));
    }
    let Some((&byte, text)) = text.split_first() else { return false };
    match (mark, rest) {
        (b'?', _) => matches(rest, text),
        (b'[', _) => {
            let (fits, rest) = class(rest, byte);
            fits && matches(rest, text)
        }
        (b'\\', [literal, rest @ ..]) => *literal == byte && matches(rest, text),
        _ => mark == byte && matches(rest, text),
    }
}

/// Whether a byte belongs to the class that begins here, and what follows the class. A class that is not closed
/// ends with the pattern.
fn class(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (is_negated, mut rest) = match pattern {
        [b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut fits = false;
    loop {
        match rest {
            [] => return (fits != is_negated, rest),
            [b'\\', literal, behind @ ..] => {
                fits |= *literal == byte;
                rest = behind;
            }
            [b']', behind @ ..] => return (fits != is_negated, behind),
            [first, b'-', last, behind @ ..] => {
                fits |= (*first.min(last)..=*first.max(last)).contains(&byte);
                rest = behind;
            }
            [literal, behind @ ..] => {
                fits |= *literal == byte;
                rest = behind;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("h?llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("h[b-a]llo", "hallo", true),
            ("a[", "a", false),
            ("[a", "a", true),
            ("a\\*", "a*", true),
            ("a\\", "a\\", true),
            ("[]]", "]", false),
            ("[\\]]", "]", true),
            ("[x-]b", "xb", false),
            ("**e", "one", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }
}
