//! Requests, taken from what a client has sent: a parser of the model's own.

/// What stands first among the bytes a client has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Front {
    /// Nothing, or the beginning of something that is good up to here.
    Incomplete(usize),
    /// Something that asks for nothing, of this length.
    Empty(usize),
    /// A request, and its length.
    Request(Vec<Vec<u8>>, usize),
    /// Nonsense; the text of the error.
    Nonsense(Vec<u8>),
}

/// What a request may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Bytes of one argument.
    pub bulk_len_max: i64,
    /// Whether the client still owes its password; then requests must be small.
    pub is_stranger: bool,
    /// What is before here was found good already.
    pub checked_len: usize,
}

/// An array that was not there whole when it was looked at.
#[derive(Clone, Debug)]
pub(super) struct Begun {
    count: i64,
    /// The arguments that were there.
    words: Vec<Vec<u8>>,
    /// Where the next one begins.
    at: usize,
}

/// A line of a request, or a header, is no longer than this.
const LINE_LEN_MAX: usize = 64 * 1024;

/// Arguments a request may have.
const ARGUMENTS_MAX: i64 = i32::MAX as i64;

/// Arguments the request of a stranger may have.
const STRANGER_ARGUMENTS_MAX: i64 = 10;

/// Bytes one argument of a stranger may have.
const STRANGER_BULK_LEN_MAX: i64 = 16_384;

/// Looks at what comes first. An array that is not there whole is begun; the next look goes on from there.
pub(super) fn front(bytes: &[u8], limits: Limits, begun: &mut Option<Begun>) -> Front {
    match bytes.first() {
        None => Front::Incomplete(0),
        Some(b'*') => array(bytes, limits, begun),
        Some(_) => line(bytes, limits.checked_len),
    }
}

fn nonsense(text: &str) -> Front {
    Front::Nonsense(format!("ERR Protocol error: {text}").into_bytes())
}

/// A request on a line, its words separated by blanks. It does not end before `searched_len`.
fn line(bytes: &[u8], searched_len: usize) -> Front {
    // A line ends where C's search finds its end: it does not look beyond a zero byte.
    let rest = bytes.iter().skip(searched_len);
    let stop = searched_len + rest.take_while(|&&byte| byte != b'\n' && byte != 0).count();
    if bytes.get(stop) != Some(&b'\n') {
        let is_long = bytes.len() > LINE_LEN_MAX;
        return if is_long { nonsense("too big inline request") } else { Front::Incomplete(stop) };
    }
    let end = stop;
    // Redis takes a longer line when its end comes with the same read; rotom never does.
    if end > LINE_LEN_MAX {
        return nonsense("too big inline request");
    }
    let text = bytes[..end].strip_suffix(b"\r").unwrap_or(&bytes[..end]);
    match words(text) {
        None => nonsense("unbalanced quotes in request"),
        Some(words) if words.is_empty() => Front::Empty(end + 1),
        Some(words) => Front::Request(words, end + 1),
    }
}

/// A request as an array of bulk strings.
fn array(bytes: &[u8], limits: Limits, begun: &mut Option<Begun>) -> Front {
    let mut array = match begun.take().map_or_else(|| start(bytes, limits), Ok) {
        Ok(array) => array,
        Err(front) => return front,
    };
    for _ in array.words.len()..usize::try_from(array.count).unwrap_or_default() {
        match word(bytes, array.at, limits) {
            Ok((word, end)) => {
                array.words.push(word.to_vec());
                array.at = end;
            }
            Err(front) => {
                *begun = matches!(front, Front::Incomplete(_)).then_some(array);
                return front;
            }
        }
    }
    Front::Request(array.words, array.at)
}

/// Reads how many arguments an array has; the other result is what stands here instead.
fn start(bytes: &[u8], limits: Limits) -> Result<Begun, Front> {
    let (count, at) = match header(bytes, 0) {
        Header::Incomplete => return Err(Front::Incomplete(0)),
        Header::TooLong => return Err(nonsense("too big mbulk count string")),
        Header::Line(digits, end) => match super::number::integer(digits) {
            Some(count) if count <= ARGUMENTS_MAX => (count, end),
            _ => return Err(nonsense("invalid multibulk length")),
        },
    };
    if count > STRANGER_ARGUMENTS_MAX && limits.is_stranger && limits.checked_len == 0 {
        return Err(nonsense("unauthenticated multibulk length"));
    }
    if count <= 0 { Err(Front::Empty(at)) } else { Ok(Begun { count, words: Vec::new(), at }) }
}

/// Reads the argument that begins at `at`, and where it ends; the other result is what stands there instead.
fn word(bytes: &[u8], at: usize, limits: Limits) -> Result<(&[u8], usize), Front> {
    let (digits, end) = match header(bytes, at) {
        Header::Incomplete => return Err(Front::Incomplete(at)),
        Header::TooLong => return Err(nonsense("too big bulk count string")),
        Header::Line(digits, end) => (digits, end),
    };
    if bytes[at] != b'$' {
        return Err(wrong_mark(bytes[at]));
    }
    let Some(len) = super::number::integer(digits).filter(|&len| len >= 0) else {
        return Err(nonsense("invalid bulk length"));
    };
    if at >= limits.checked_len {
        if len > limits.bulk_len_max {
            return Err(nonsense("invalid bulk length"));
        }
        if len > STRANGER_BULK_LEN_MAX && limits.is_stranger {
            return Err(nonsense("unauthenticated bulk length"));
        }
    }
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    // What stands in the place of the line end is not looked at.
    match bytes.get(end..).filter(|rest| rest.len() >= len.saturating_add(2)) {
        Some(rest) => Ok((&rest[..len], end + len + 2)),
        None => Err(Front::Incomplete(end)),
    }
}

fn wrong_mark(mark: u8) -> Front {
    let mut text = b"ERR Protocol error: expected '$', got '".to_vec();
    // Errors are lines, so what would end one is shown as a blank.
    text.push(if mark == b'\r' || mark == b'\n' { b' ' } else { mark });
    text.push(b'\'');
    Front::Nonsense(text)
}

enum Header<'a> {
    Incomplete,
    TooLong,
    /// What stands between the mark and the line end, and where the next thing begins.
    Line(&'a [u8], usize),
}

/// Reads the line that begins at `at` with a mark. It ends at a carriage return and the byte behind it,
/// whatever that is.
fn header(bytes: &[u8], at: usize) -> Header<'_> {
    let rest = &bytes[at..];
    let end = rest.iter().position(|&byte| byte == b'\r' || byte == 0).filter(|&end| rest[end] == b'\r');
    match end {
        Some(end) if end > LINE_LEN_MAX => Header::TooLong,
        Some(end) if end + 1 < rest.len() => Header::Line(rest.get(1..end).unwrap_or_default(), at + end + 2),
        None if rest.len() > LINE_LEN_MAX => Header::TooLong,
        _ => Header::Incomplete,
    }
}

/// Splits a line into words, which may be in quotes; `None` when a quote is not closed, or closed in a word.
fn words(text: &[u8]) -> Option<Vec<Vec<u8>>> {
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c);
    let mut words = Vec::new();
    let mut rest = text;
    loop {
        while let [byte, behind @ ..] = rest
            && is_blank(*byte)
        {
            rest = behind;
        }
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        loop {
            rest = match rest {
                [] => break,
                [b' ' | b'\t' | b'\n' | b'\r', behind @ ..] => {
                    rest = behind;
                    break;
                }
                [b'"', behind @ ..] => quoted(behind, &mut word)?,
                [b'\'', behind @ ..] => literal(behind, &mut word)?,
                [byte, behind @ ..] => {
                    word.push(*byte);
                    rest = behind;
                    continue;
                }
            };
            // A closing quote ends the word, and a blank or nothing must follow it.
            if rest.first().is_some_and(|&byte| !is_blank(byte)) {
                return None;
            }
            break;
        }
        words.push(word);
    }
}

/// Reads up to the closing double quote; returns what follows it.
fn quoted<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    loop {
        rest = match rest {
            [] => return None,
            [b'"', behind @ ..] => return Some(behind),
            [b'\\', b'x', high, low, behind @ ..] if digit(*high).is_some() && digit(*low).is_some() => {
                let value = digit(*high)? * 16 + digit(*low)?;
                word.push(u8::try_from(value).ok()?);
                behind
            }
            [b'\\', byte, behind @ ..] => {
                word.push(match byte {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                behind
            }
            [byte, behind @ ..] => {
                word.push(*byte);
                behind
            }
        };
    }
}

/// Reads up to the closing single quote; returns what follows it.
fn literal<'a>(mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [b'\\', b'\'', behind @ ..] => {
                word.push(b'\'');
                behind
            }
            [b'\'', behind @ ..] => return Some(behind),
            [byte, behind @ ..] => {
                word.push(*byte);
                behind
            }
        };
    }
}
