//! What a transcript says a reply must be, and how replies are written down.

use super::text::{Facts, Template, escape, quote, unescape, words};
use crate::reply::Reply;

/// What one reply, or one element of it, must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// This, to the byte; never an aggregate.
    Exact(Reply),
    /// Anything.
    Any,
    /// A reply of this kind whose text fits a pattern.
    Pattern(TextKind, Template),
    /// An integer within `tolerance` of what the template gives.
    Near(Template, i64),
    /// An array, set or push with these elements.
    Items {
        /// Which of the three.
        kind: ItemsKind,
        /// The elements.
        items: Vec<Expected>,
        /// What their order means.
        order: Order,
    },
    /// A map with these pairs.
    Map {
        /// Keys and values.
        pairs: Vec<(Expected, Expected)>,
        /// What their order means.
        order: Order,
    },
}

/// What the order of elements means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// It is as expected.
    Kept,
    /// Nothing.
    Free,
    /// Nothing, but every second element belongs to the one before it: a map as RESP2 shows it.
    FreePairs,
}

/// The kinds of reply that a pattern can describe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextKind {
    /// `+`
    Simple,
    /// `-`
    Error,
    /// `$`
    Bulk,
    /// `,`
    Double,
    /// `:`
    Integer,
    /// `=`
    Verbatim([u8; 3]),
}

/// The aggregates that are plain sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemsKind {
    /// `*`
    Array,
    /// `~`
    Set,
    /// `>`
    Push,
}

/// What must come of one step: some replies, and perhaps the end of the connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The replies.
    pub replies: Vec<Expected>,
    /// Whether the server closes the connection.
    pub closed: bool,
}

/// A bulk string of one repeated byte this long is written as a pattern.
const REPEAT_MIN: usize = 128;

/// Stands in the place of a reply that is to be recorded without its order.
pub const UNORDERED: &str = "(unordered)";

/// The same for a reply that is a map under RESP3 and an array of keys and values under RESP2.
pub const UNORDERED_PAIRS: &str = "(unordered pairs)";

/// Spaces per level of nesting.
const INDENT: usize = 2;

impl Expected {
    /// Whether `reply` is as expected.
    #[must_use]
    pub fn matches(&self, reply: &Reply, facts: &Facts) -> bool {
        match (self, reply) {
            (Expected::Any, _) => true,
            (Expected::Exact(exact), reply) => exact == reply,
            (Expected::Pattern(kind, pattern), reply) => {
                text_of(reply).is_some_and(|(found, text)| found == *kind && pattern.matches(&text, facts))
            }
            (Expected::Near(template, tolerance), Reply::Integer(found)) => {
                let text = String::from_utf8(template.fill(facts)).unwrap_or_default();
                text.parse::<i64>().is_ok_and(|middle| (found - middle).abs() <= *tolerance)
            }
            (Expected::Items { kind: ItemsKind::Array, items, order }, Reply::Array(found))
            | (Expected::Items { kind: ItemsKind::Set, items, order }, Reply::Set(found))
            | (Expected::Items { kind: ItemsKind::Push, items, order }, Reply::Push(found)) => {
                let fits = |item: &Expected, found: &Reply| item.matches(found, facts);
                if *order == Order::FreePairs {
                    let (expected, _) = items.as_chunks::<2>();
                    let (found, _) = found.as_chunks::<2>();
                    return matches_all(expected, found, true, |expected, found| {
                        fits(&expected[0], &found[0]) && fits(&expected[1], &found[1])
                    });
                }
                matches_all(items, found, *order == Order::Free, fits)
            }
            (Expected::Map { pairs, order }, Reply::Map(found)) => {
                matches_all(pairs, found, *order == Order::Free, |(key, value), (found_key, found_value)| {
                    key.matches(found_key, facts) && value.matches(found_value, facts)
                })
            }
            _ => false,
        }
    }

    /// Whether a placeholder of this kind occurs.
    #[must_use]
    pub fn mentions(&self, kind: &str) -> bool {
        match self {
            Expected::Exact(_) | Expected::Any => false,
            Expected::Pattern(_, template) | Expected::Near(template, _) => template.mentions(kind),
            Expected::Items { items, .. } => items.iter().any(|item| item.mentions(kind)),
            Expected::Map { pairs, .. } => {
                pairs.iter().any(|(key, value)| key.mentions(kind) || value.mentions(kind))
            }
        }
    }
}

/// Compares element by element; out of order, each expected element takes the first found one that fits it.
fn matches_all<E, F>(expected: &[E], found: &[F], unordered: bool, fits: impl Fn(&E, &F) -> bool) -> bool {
    if expected.len() != found.len() {
        return false;
    }
    if !unordered {
        return expected.iter().zip(found).all(|(expected, found)| fits(expected, found));
    }
    let mut left: Vec<&F> = found.iter().collect();
    expected.iter().all(|expected| match left.iter().position(|found| fits(expected, found)) {
        Some(at) => {
            left.swap_remove(at);
            true
        }
        None => false,
    })
}

fn text_of(reply: &Reply) -> Option<(TextKind, Vec<u8>)> {
    Some(match reply {
        Reply::Simple(text) => (TextKind::Simple, text.clone()),
        Reply::Error(text) => (TextKind::Error, text.clone()),
        Reply::Bulk(text) => (TextKind::Bulk, text.clone()),
        Reply::Double(text) => (TextKind::Double, text.clone()),
        Reply::Integer(number) => (TextKind::Integer, number.to_string().into_bytes()),
        Reply::Verbatim(format, text) => (TextKind::Verbatim(*format), text.clone()),
        _ => return None,
    })
}

impl Outcome {
    /// Reads the lines of one outcome.
    ///
    /// # Errors
    /// The first line that cannot be read: its index and what is wrong with it.
    pub fn parse(lines: &[&str]) -> Result<Outcome, (usize, String)> {
        let mut outcome = Outcome::default();
        let mut reader = LineReader { lines, at: 0 };
        while let Some(line) = reader.peek() {
            match line {
                "(closed)" => outcome.closed = true,
                "(nothing)" => {}
                _ => {
                    outcome
                        .replies
                        .push(reader.element(0).map_err(|what| (reader.at.saturating_sub(1), what))?);
                    continue;
                }
            }
            reader.at += 1;
        }
        Ok(outcome)
    }

    /// Whether these replies, and the end of the connection or not, are as expected.
    #[must_use]
    pub fn matches(&self, replies: &[Reply], closed: bool, facts: &Facts) -> bool {
        self.closed == closed
            && self.replies.len() == replies.len()
            && self.replies.iter().zip(replies).all(|(expected, reply)| expected.matches(reply, facts))
    }
}

/// Writes down what came of a step.
#[must_use]
pub fn outcome_lines(replies: &[Reply], closed: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for reply in replies {
        reply_lines(reply, 0, &mut lines);
    }
    if closed {
        lines.push("(closed)".into());
    }
    if lines.is_empty() {
        lines.push("(nothing)".into());
    }
    lines
}

/// Writes down what came of a step in which the order of elements means nothing: in the last element of a pair
/// as SCAN sends it, else in the reply itself. With `pairs`, an array is the keys and values of a map.
#[must_use]
pub fn unordered_lines(replies: &[Reply], pairs: bool) -> Vec<String> {
    let mut lines = Vec::new();
    for reply in replies {
        let mut reply = reply.clone();
        let depth = match &mut reply {
            Reply::Array(pair) if matches!(pair.as_slice(), [Reply::Bulk(_), Reply::Array(_)]) => {
                sort(&mut pair[1]);
                1
            }
            Reply::Array(items) if pairs => {
                items.as_chunks_mut::<2>().0.sort();
                0
            }
            reply => {
                sort(reply);
                0
            }
        };
        let first = lines.len();
        reply_lines(&reply, 0, &mut lines);
        let heads = |line: &&mut String| {
            line.strip_prefix(" ".repeat(depth * INDENT).as_str())
                .is_some_and(|text| text.starts_with(['*', '~', '%']) && !text.ends_with(" unordered"))
        };
        if let Some(head) = lines[first..].iter_mut().find(heads) {
            head.push_str(if pairs && head.starts_with('*') { " unordered pairs" } else { " unordered" });
        }
    }
    lines
}

fn sort(reply: &mut Reply) {
    match reply {
        Reply::Array(items) | Reply::Set(items) => items.sort(),
        Reply::Map(pairs) => pairs.sort(),
        _ => {}
    }
}

fn reply_lines(reply: &Reply, depth: usize, lines: &mut Vec<String>) {
    let indent = " ".repeat(depth * INDENT);
    let mut head = |text: String| lines.push(format!("{indent}{text}"));
    match reply {
        Reply::Simple(text) => head(format!("+{}", escape_text(text))),
        Reply::Error(text) => head(format!("-{}", escape_text(text))),
        Reply::Integer(number) => head(format!(":{number}")),
        Reply::Double(text) => head(format!(",{}", escape_text(text))),
        Reply::BigNumber(text) => head(format!("({}", escape_text(text))),
        Reply::Boolean(value) => head(if *value { "#t".into() } else { "#f".into() }),
        Reply::NullBulk => head("$-1".into()),
        Reply::NullArray => head("*-1".into()),
        Reply::Null => head("_".into()),
        Reply::Bulk(data) => text_lines("$", data, &indent, lines),
        Reply::Verbatim(format, data) => {
            text_lines(&format!("={}", escape(format)), data, &indent, lines);
        }
        Reply::Array(items) | Reply::Set(items) | Reply::Push(items) => {
            let marker = match reply {
                Reply::Array(_) => '*',
                Reply::Set(_) => '~',
                _ => '>',
            };
            head(format!("{marker}{}", items.len()));
            for item in items {
                reply_lines(item, depth + 1, lines);
            }
        }
        Reply::Map(pairs) => {
            head(format!("%{}", pairs.len()));
            for (key, value) in pairs {
                reply_lines(key, depth + 1, lines);
                reply_lines(value, depth + 1, lines);
            }
        }
    }
}

/// A string is one quoted line; one of several lines stands below its marker, each line quoted.
fn text_lines(marker: &str, data: &[u8], indent: &str, lines: &mut Vec<String>) {
    let line_count = data.split_inclusive(|&byte| byte == b'\n').count();
    if line_count > 1 {
        lines.push(format!("{indent}{marker}"));
        for line in data.split_inclusive(|&byte| byte == b'\n') {
            lines.push(format!("{indent}{}{}", " ".repeat(INDENT), quote(line)));
        }
    } else if data.len() >= REPEAT_MIN
        && data.iter().all(|byte| *byte == data[0] && byte.is_ascii_alphanumeric())
    {
        let repeated = format!("{{repeat:{}:{}}}", data[0] as char, data.len());
        lines.push(format!("{indent}~{}\"{repeated}\"", marker.trim_start_matches('$')));
    } else {
        let marker = if marker == "$" { String::new() } else { format!("{marker} ") };
        lines.push(format!("{indent}{marker}{}", quote(data)));
    }
}

/// A line's text, its quotes unescaped and a blank at its end made visible.
fn escape_text(text: &[u8]) -> String {
    let text = escape(text).replace("\\\"", "\"");
    match text.strip_suffix(' ') {
        Some(rest) => format!("{rest}\\x20"),
        None => text,
    }
}

struct LineReader<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl<'a> LineReader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    /// Reads the element that starts at the current line, which must be indented for `depth`.
    fn element(&mut self, depth: usize) -> Result<Expected, String> {
        let line = self.peek().ok_or("an element is missing")?;
        self.at += 1;
        let text = line.strip_prefix(" ".repeat(depth * INDENT).as_str()).ok_or("not indented enough")?;
        if text.starts_with(' ') {
            return Err("indented too far".into());
        }
        let (marker, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
        let exact = |reply| Ok(Expected::Exact(reply));
        match marker {
            "+" => exact(Reply::Simple(unescape(rest))),
            "-" => exact(Reply::Error(unescape(rest))),
            "," => exact(Reply::Double(unescape(rest))),
            "(" => exact(Reply::BigNumber(unescape(rest))),
            "_" if rest.is_empty() => exact(Reply::Null),
            "#" if rest == "t" || rest == "f" => exact(Reply::Boolean(rest == "t")),
            "$" if rest == "-1" => exact(Reply::NullBulk),
            "*" if rest == "-1" => exact(Reply::NullArray),
            "\"" => exact(Reply::Bulk(one_string(text)?)),
            ":" => integer(rest),
            "$" if rest.is_empty() => self.pieces(depth, TextKind::Bulk),
            "=" if rest.len() == 3 => self.pieces(depth, TextKind::Verbatim(format(rest)?)),
            "=" => {
                let (name, string) = rest.split_once(' ').ok_or("`=txt \"…\"` expected")?;
                exact(Reply::Verbatim(format(name)?, one_string(string)?))
            }
            "*" => self.items(ItemsKind::Array, rest, depth),
            ">" => self.items(ItemsKind::Push, rest, depth),
            "%" => self.map(rest, depth),
            "~" if rest == "any" => Ok(Expected::Any),
            "~" if rest.starts_with(|first: char| first.is_ascii_digit()) => {
                self.items(ItemsKind::Set, rest, depth)
            }
            "~" => pattern(rest),
            _ => Err(format!("`{text}` is no reply")),
        }
    }

    /// The quoted lines of one string, each a literal or, after `~`, a pattern.
    fn pieces(&mut self, depth: usize, kind: TextKind) -> Result<Expected, String> {
        let indent = " ".repeat((depth + 1) * INDENT);
        let mut whole = Vec::new();
        let mut is_pattern = false;
        while let Some(piece) = self.peek().and_then(|line| line.strip_prefix(indent.as_str())) {
            self.at += 1;
            let string = piece.strip_prefix('~').unwrap_or(piece);
            is_pattern |= string.len() != piece.len();
            whole.extend(one_string(string)?);
        }
        if is_pattern {
            return Ok(Expected::Pattern(kind, Template::new(whole)));
        }
        Ok(Expected::Exact(match kind {
            TextKind::Verbatim(format) => Reply::Verbatim(format, whole),
            _ => Reply::Bulk(whole),
        }))
    }

    fn items(&mut self, kind: ItemsKind, head: &str, depth: usize) -> Result<Expected, String> {
        let (count, order) = aggregate_head(head)?;
        if order == Order::FreePairs && count % 2 != 0 {
            return Err("an odd number of elements makes no pairs".into());
        }
        let items = (0..count).map(|_| self.element(depth + 1)).collect::<Result<_, _>>()?;
        Ok(Expected::Items { kind, items, order })
    }

    fn map(&mut self, head: &str, depth: usize) -> Result<Expected, String> {
        let (count, order) = aggregate_head(head)?;
        let mut pairs = Vec::new();
        for _ in 0..count {
            pairs.push((self.element(depth + 1)?, self.element(depth + 1)?));
        }
        Ok(Expected::Map { pairs, order })
    }
}

fn aggregate_head(head: &str) -> Result<(usize, Order), String> {
    let (count, order) = match head.split_once(' ') {
        None => (head, Order::Kept),
        Some((count, "unordered")) => (count, Order::Free),
        Some((count, "unordered pairs")) => (count, Order::FreePairs),
        Some(_) => return Err(format!("`{head}` is no count")),
    };
    Ok((count.parse().map_err(|_| format!("`{head}` is no count"))?, order))
}

fn one_string(text: &str) -> Result<Vec<u8>, String> {
    let mut found = words(text)?;
    match (found.pop(), found.is_empty()) {
        (Some(word), true) if text.starts_with('"') => Ok(word),
        _ => Err(format!("`{text}` is not one quoted string")),
    }
}

fn format(name: &str) -> Result<[u8; 3], String> {
    name.as_bytes().try_into().map_err(|_| format!("`{name}` is no format of a verbatim string"))
}

fn integer(text: &str) -> Result<Expected, String> {
    let template = |text: &str| Template::new(text.as_bytes().to_vec());
    if let Some((middle, tolerance)) = text.split_once('±') {
        let tolerance = tolerance.parse().map_err(|_| format!("`{tolerance}` is no tolerance"))?;
        return Ok(Expected::Near(template(middle), tolerance));
    }
    if text.starts_with('{') {
        return Ok(Expected::Near(template(text), 0));
    }
    let number = text.parse().map_err(|_| format!("`{text}` is no integer"))?;
    Ok(Expected::Exact(Reply::Integer(number)))
}

fn pattern(text: &str) -> Result<Expected, String> {
    let (marker, rest) = text.split_at(text.chars().next().map_or(0, char::len_utf8));
    let (kind, pattern) = match marker {
        "+" => (TextKind::Simple, unescape(rest)),
        "-" => (TextKind::Error, unescape(rest)),
        ":" => (TextKind::Integer, unescape(rest)),
        "," => (TextKind::Double, unescape(rest)),
        "\"" => (TextKind::Bulk, one_string(text)?),
        "=" => {
            let (name, string) = rest.split_at_checked(3).ok_or("`~=txt\"…\"` expected")?;
            (TextKind::Verbatim(format(name)?), one_string(string.trim_start())?)
        }
        _ => return Err(format!("`~{text}` is no pattern")),
    };
    Ok(Expected::Pattern(kind, Template::new(pattern)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Outcome {
        Outcome::parse(&text.lines().collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let all = b"*18\r\n+O K \r\n-ERR \"x\"\r\n:-3\r\n$2\r\n\r\n\r\n$-1\r\n*-1\r\n_\r\n,1.5\r\n#t\r\n(12\r\n\
            =6\r\ntxt:ab\r\n=7\r\ntxt:a\nb\r\n%1\r\n+k\r\n*0\r\n~1\r\n:1\r\n>1\r\n$0\r\n\r\n$5\r\na\nb\n\xff\r\n\
            $0\r\n\r\n$3\r\n\n\n\n\r\n";
        let (reply, _) = Reply::parse(all).unwrap();
        let lines = outcome_lines(std::slice::from_ref(&reply), true);
        let outcome = parse(&lines.join("\n"));
        assert!(outcome.matches(std::slice::from_ref(&reply), true, &Facts::default()), "{lines:#?}");
        assert!(!outcome.matches(&[reply], false, &Facts::default()));
        let long = Reply::Bulk(vec![b'x'; 1000]);
        let lines = outcome_lines(std::slice::from_ref(&long), false);
        assert_eq!(lines, ["~\"{repeat:x:1000}\""]);
        assert!(parse(&lines[0]).matches(&[long], false, &Facts::default()));
    }

    #[test]
    fn tolerance_order_and_patterns() {
        let facts = Facts { now_ms: 10_000, ..Facts::default() };
        let check = |text: &str, reply: &[u8], fits: bool| {
            let (reply, _) = Reply::parse(reply).unwrap();
            assert_eq!(parse(text).matches(&[reply], false, &facts), fits, "{text}");
        };
        check(":100±1", b":99\r\n", true);
        check(":100±1", b":98\r\n", false);
        check(":{now+5}", b":15\r\n", true);
        check(":{now+5}±1", b":17\r\n", false);
        check("~:<int>", b":15\r\n", true);
        check("~any", b"*1\r\n:1\r\n", true);
        check("*2 unordered\n  :1\n  :2", b"*2\r\n:2\r\n:1\r\n", true);
        check("*2\n  :1\n  :2", b"*2\r\n:2\r\n:1\r\n", false);
        check("*2 unordered\n  :1\n  :2", b"*2\r\n:2\r\n:2\r\n", false);
        check("~-ERR <*>", b"-ERR x\r\n", true);
        check("~-ERR <*>", b"+ERR x\r\n", false);
        check("$\n  \"a\\r\\n\"\n  ~\"b<int>\"", b"$5\r\na\r\nb1\r\n", true);
    }

    #[test]
    fn order_is_left_out_where_it_means_nothing() {
        let check = |reply: &[u8], pairs: bool, expected: &str| {
            let (reply, _) = Reply::parse(reply).unwrap();
            let lines = unordered_lines(std::slice::from_ref(&reply), pairs).join("\n");
            assert_eq!(lines, expected);
            assert!(parse(&lines).matches(&[reply], false, &Facts::default()));
        };
        check(b"*2\r\n+b\r\n+a\r\n", false, "*2 unordered\n  +a\n  +b");
        check(b"*2\r\n$1\r\n0\r\n*2\r\n+b\r\n+a\r\n", false, "*2\n  \"0\"\n  *2 unordered\n    +a\n    +b");
        let map = b"*4\r\n+b\r\n:1\r\n+a\r\n:2\r\n";
        check(map, true, "*4 unordered pairs\n  +a\n  :2\n  +b\n  :1");
        check(b"%2\r\n+b\r\n:1\r\n+a\r\n:2\r\n", true, "%2 unordered\n  +a\n  :2\n  +b\n  :1");
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for bad in ["*2\n  :1", "*1\n:1", "?", ":x", "*1\n    :1", "\"a\" \"b\"", "~?", "=tx \"\""] {
            assert!(Outcome::parse(&bad.lines().collect::<Vec<_>>()).is_err(), "{bad}");
        }
    }
}
