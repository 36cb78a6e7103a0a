//! The small notations of a transcript's lines: quoted bytes, words with placeholders, patterns.

use std::collections::BTreeMap;

/// What placeholders stand for while a section is played.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The calendar clock when the section began, in milliseconds.
    pub now_ms: i64,
    /// `CLIENT ID` of each connection, where the section asks for it.
    pub ids: BTreeMap<String, i64>,
    /// Each connection's own address, as `CLIENT LIST` shows it.
    pub addresses: BTreeMap<String, String>,
}

impl Facts {
    /// The value of the placeholder with this text, the braces left out.
    fn value(&self, name: &str) -> Option<Vec<u8>> {
        if let Some((kind, rest)) = name.split_once(':') {
            return match kind {
                "id" => Some(self.ids.get(rest)?.to_string().into_bytes()),
                "addr" => Some(self.addresses.get(rest)?.clone().into_bytes()),
                "repeat" => {
                    let (text, count) = rest.rsplit_once(':')?;
                    Some(text.repeat(count.parse().ok()?).into_bytes())
                }
                _ => None,
            };
        }
        let (base, offset) = if let Some(offset) = name.strip_prefix("nowms") {
            (self.now_ms, offset)
        } else {
            (self.now_ms.div_euclid(1000), name.strip_prefix("now")?)
        };
        let offset: i64 = if offset.is_empty() { 0 } else { offset.parse().ok()? };
        Some((base + offset).to_string().into_bytes())
    }
}

/// Text in which `{now+10}`, `{nowms}`, `{id:A}`, `{addr:A}` and `{repeat:x:100}` stand for something else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<u8>);

impl Template {
    /// Takes text as it stands.
    #[must_use]
    pub fn new(text: Vec<u8>) -> Template {
        Template(text)
    }

    /// Whether a placeholder of this kind occurs.
    #[must_use]
    pub fn mentions(&self, kind: &str) -> bool {
        let needle = format!("{{{kind}");
        self.0.windows(needle.len()).any(|window| window == needle.as_bytes())
    }

    /// The text with its placeholders filled in. Braces around anything else are ordinary characters.
    #[must_use]
    pub fn fill(&self, facts: &Facts) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = self.0.as_slice();
        while let Some((&first, after)) = rest.split_first() {
            if first == b'{'
                && let Some(end) = after.iter().position(|&byte| byte == b'}')
                && let Ok(name) = std::str::from_utf8(&after[..end])
                && let Some(value) = facts.value(name)
            {
                out.extend_from_slice(&value);
                rest = &after[end + 1..];
            } else {
                out.push(first);
                rest = after;
            }
        }
        out
    }

    /// Whether `text` fits this template read as a pattern: `<*>` stands for any bytes but line ends, `<...>` for
    /// any bytes, `<int>` for a whole number, `<hex>` for hexadecimal digits, and placeholders for their values.
    #[must_use]
    pub fn matches(&self, text: &[u8], facts: &Facts) -> bool {
        matches_pattern(&self.fill(facts), text)
    }
}

/// How a wildcard is written, which bytes it stands for, and at least how many of them.
type Wildcard = (&'static [u8], fn(u8) -> bool, usize);

const WILDCARDS: [Wildcard; 4] = [
    (b"<...>", |_| true, 0),
    (b"<*>", |byte| byte != b'\n' && byte != b'\r', 0),
    (b"<int>", |byte| byte.is_ascii_digit() || byte == b'-', 1),
    (b"<hex>", |byte| byte.is_ascii_hexdigit(), 1),
];

fn matches_pattern(pattern: &[u8], text: &[u8]) -> bool {
    for (mark, accepts, min) in WILDCARDS {
        if let Some(rest) = pattern.strip_prefix(mark) {
            let longest = text.iter().take_while(|&&byte| accepts(byte)).count();
            return (min..=longest).any(|len| matches_pattern(rest, &text[len..]));
        }
    }
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((expected, pattern)), Some((found, text))) => {
            expected == found && matches_pattern_plain(pattern, text)
        }
        _ => false,
    }
}

/// Skips what is equal in a loop, so that long literal stretches need no deep recursion.
fn matches_pattern_plain(pattern: &[u8], text: &[u8]) -> bool {
    let equal = pattern.iter().zip(text).take_while(|(p, t)| p == t && **p != b'<').count();
    matches_pattern(&pattern[equal..], &text[equal..])
}

/// Writes bytes between double quotes, with Redis' escapes.
#[must_use]
pub fn quote(bytes: &[u8]) -> String {
    format!("\"{}\"", escape(bytes))
}

/// Writes bytes with Redis' escapes for whatever is not printable ASCII.
#[must_use]
pub fn escape(bytes: &[u8]) -> String {
    let mut out = String::new();
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'"' => out.push_str("\\\""),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            0x07 => out.push_str("\\a"),
            0x08 => out.push_str("\\b"),
            b' '..=b'~' => out.push(byte as char),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out
}

/// Undoes [`escape`].
#[must_use]
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first == b'\\' && !after.is_empty() {
            let (byte, len) = escaped(after);
            out.push(byte);
            rest = &after[len..];
        } else {
            out.push(first);
            rest = after;
        }
    }
    out
}

/// Splits a line into words as redis-cli does: blanks separate, double quotes allow escapes, single quotes
/// only `\'`.
///
/// # Errors
/// A quote that is not closed, or not followed by a blank.
pub fn words(line: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut words = Vec::new();
    let mut rest = line.as_bytes().trim_ascii();
    while !rest.is_empty() {
        let (word, after) = match rest[0] {
            quote @ (b'"' | b'\'') => quoted(&rest[1..], quote)?,
            _ => {
                let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
                (rest[..end].to_vec(), &rest[end..])
            }
        };
        if after.first().is_some_and(|byte| !byte.is_ascii_whitespace()) {
            return Err("a closing quote must be followed by a blank".into());
        }
        words.push(word);
        rest = after.trim_ascii_start();
    }
    Ok(words)
}

fn quoted(text: &[u8], quote: u8) -> Result<(Vec<u8>, &[u8]), String> {
    let mut word = Vec::new();
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        if first == quote {
            return Ok((word, after));
        }
        if first == b'\\' && quote == b'"' && !after.is_empty() {
            let (byte, len) = escaped(after);
            word.push(byte);
            rest = &after[len..];
        } else if first == b'\\' && after.first() == Some(&b'\'') {
            word.push(b'\'');
            rest = &after[1..];
        } else {
            word.push(first);
            rest = after;
        }
    }
    Err("a quote is not closed".into())
}

/// The byte that what follows a backslash stands for, and how long that was.
fn escaped(after: &[u8]) -> (u8, usize) {
    match after {
        [b'x', high, low, ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
            (hex(*high) << 4 | hex(*low), 3)
        }
        [b'n', ..] => (b'\n', 1),
        [b'r', ..] => (b'\r', 1),
        [b't', ..] => (b'\t', 1),
        [b'a', ..] => (0x07, 1),
        [b'b', ..] => (0x08, 1),
        [byte, ..] => (*byte, 1),
        [] => (b'\\', 0),
    }
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit.to_ascii_lowercase() - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_quoting() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(words(&quote(&all)).unwrap(), std::slice::from_ref(&all));
        assert_eq!(unescape(&escape(&all)), all);
    }

    #[test]
    fn words_split_as_in_redis_cli() {
        let check = |line: &str, expected: &[&str]| {
            let found = words(line).unwrap();
            let expected: Vec<Vec<u8>> = expected.iter().map(|word| word.as_bytes().to_vec()).collect();
            assert_eq!(found, expected, "{line}");
        };
        check("  SET  k  v ", &["SET", "k", "v"]);
        check(r#"SET "" 'it\'s' "a\x41\"""#, &["SET", "", "it's", "aA\""]);
        check(r#"a"b c"#, &["a\"b", "c"]);
        assert!(words("\"open").is_err());
        assert!(words("\"a\"b").is_err());
    }

    #[test]
    fn placeholders_and_patterns() {
        let facts = Facts {
            now_ms: 5_500,
            ids: [("A".to_owned(), 7)].into(),
            addresses: [("A".to_owned(), "127.0.0.1:9".to_owned())].into(),
        };
        let fill =
            |text: &str| String::from_utf8(Template::new(text.as_bytes().to_vec()).fill(&facts)).unwrap();
        assert_eq!(
            fill("{now+10} {now-5} {nowms} {id:A} {repeat:ab:3} {addr:A}"),
            "15 0 5500 7 ababab 127.0.0.1:9"
        );
        assert_eq!(fill("{unknown} {id:B} {"), "{unknown} {id:B} {");
        let matches = |pattern: &str, text: &str| {
            Template::new(pattern.as_bytes().to_vec()).matches(text.as_bytes(), &facts)
        };
        assert!(matches("id={id:A} age=<int> rest=<*>", "id=7 age=12 rest="));
        assert!(matches("<hex>", "00ff"));
        assert!(!matches("<hex>", "00fg"));
        assert!(!matches("id=<int>", "id="));
        assert!(!matches("<*>", "two\nlines"));
        assert!(matches("a<b", "a<b"));
        assert!(matches("a<...>c", "a\nb\nc"));
    }
}
