//! Inline commands: what a person types into telnet. Words are separated by blanks; quotes work as in Redis'
//! `sdssplitargs`, which `redis.conf` uses too.

use super::request::ArgRange;
use memchr::memchr2;

/// The words of a line.
pub(super) enum Line {
    /// There are none.
    Blank,
    /// They stand in the line as they are; their ranges were appended.
    Plain,
    /// At least one was quoted.
    Quoted(Vec<Vec<u8>>),
    /// A quote is not closed, or something sticks to a closing one.
    UnbalancedQuotes,
}

/// Splits a line without its line end and without NUL bytes into words. Ranges are appended to `args` when no
/// word is quoted.
pub(super) fn split(line: &[u8], args: &mut Vec<ArgRange>) -> Line {
    if memchr2(b'"', b'\'', line).is_some() {
        return match split_quoted(line) {
            Some(words) => Line::Quoted(words),
            None => Line::UnbalancedQuotes,
        };
    }
    let first = args.len();
    let mut at = 0;
    while let Some(start) = next_word(line, at) {
        let end =
            line[start..].iter().position(|&byte| ends_word(byte)).map_or(line.len(), |len| start + len);
        args.push(ArgRange { start: start as u32, len: (end - start) as u32 });
        at = end;
    }
    if args.len() == first { Line::Blank } else { Line::Plain }
}

/// Splits a line into words, quoted or not: `"…"` knows `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and takes any other
/// escaped byte as it is; `'…'` knows `\'` only. Nothing but a blank may follow a closing quote. Answers nothing
/// when the quotes do not match.
#[must_use]
pub fn split_quoted(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(start) = next_word(line, at) {
        let mut word = Vec::new();
        at = start;
        while let Some(&byte) = line.get(at).filter(|&&byte| !ends_word(byte)) {
            at += 1;
            // A closing quote ends the word.
            match byte {
                b'"' => {
                    at = double_quoted(line, at, &mut word)?;
                    break;
                }
                b'\'' => {
                    at = single_quoted(line, at, &mut word)?;
                    break;
                }
                _ => word.push(byte),
            }
        }
        words.push(word);
    }
    Some(words)
}

/// Reads up to a closing `"`, from behind the opening one; answers where the word goes on.
fn double_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match (line[at..].first()?, &line[at + 1..]) {
            (b'"', rest) => return closed(rest, at + 1),
            (b'\\', [b'x', high, low, ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                word.push(hex_value(*high) << 4 | hex_value(*low));
                at += 4;
            }
            (b'\\', [escaped, ..]) => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                at += 2;
            }
            (other, _) => {
                word.push(*other);
                at += 1;
            }
        }
    }
}

/// Reads up to a closing `'`, from behind the opening one; answers where the word goes on.
fn single_quoted(line: &[u8], mut at: usize, word: &mut Vec<u8>) -> Option<usize> {
    loop {
        match (line[at..].first()?, &line[at + 1..]) {
            (b'\'', rest) => return closed(rest, at + 1),
            (b'\\', [b'\'', ..]) => {
                word.push(b'\'');
                at += 2;
            }
            (other, _) => {
                word.push(*other);
                at += 1;
            }
        }
    }
}

/// A closing quote ends its word: a blank or the end of the line must follow.
fn closed(rest: &[u8], at: usize) -> Option<usize> {
    rest.first().is_none_or(|&byte| is_blank(byte)).then_some(at)
}

fn next_word(line: &[u8], at: usize) -> Option<usize> {
    line[at..].iter().position(|&byte| !is_blank(byte)).map(|skipped| at + skipped)
}

/// C's `isspace`. A vertical tab or a form feed separates words, yet does not end one.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

fn ends_word(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0)
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::split_quoted;

    fn check(line: &str, expected: Option<&[&[u8]]>) {
        let words = split_quoted(line.as_bytes());
        let expected = expected.map(|words| words.iter().map(|word| word.to_vec()).collect::<Vec<_>>());
        assert_eq!(words, expected, "{line}");
    }

    #[test]
    fn quoting_is_that_of_redis() {
        check("", Some(&[]));
        check(" \t ", Some(&[]));
        check("ping", Some(&[b"ping"]));
        check("  ping \"a b\"", Some(&[b"ping", b"a b"]));
        check(r#"ping "a\x41\n\q""#, Some(&[b"ping", b"aA\nq"]));
        check(r#""\r\t\b\a\\\"""#, Some(&[b"\r\t\x08\x07\\\""]));
        check(r"ping 'a\'b\n'", Some(&[b"ping", b"a'b\\n"]));
        check(r#""\x4""#, Some(&[b"x4"]));
        check(r#""\xg1\xFf""#, Some(&[b"xg1\xff"]));
        check("a'b'", Some(&[b"ab"]));
        check("a\"b\" c", Some(&[b"ab", b"c"]));
        check("\"\" ''", Some(&[b"", b""]));
        check("\"a\"b", None);
        check("'a'b", None);
        check("\"a", None);
        check("'a", None);
        check("a\"", None);
        check(r#""a\"#, None);
        check("\"a\\\"", None);
        check("a\x0bb\x0c 'c'\x0bd", Some(&[b"a\x0bb\x0c", b"c", b"d"]));
    }
}
