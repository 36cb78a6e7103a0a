//! Replies as values: a reader and a writer of RESP2 and RESP3 that share no code with the core they judge.
//!
//! Reading is strict: what [`Reply::parse`] accepts, [`Reply::encode`] writes back byte for byte, so comparing
//! values is comparing bytes.

/// One reply, or one element of one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reply {
    /// `+OK`
    Simple(Vec<u8>),
    /// `-ERR …`
    Error(Vec<u8>),
    /// `:1`
    Integer(i64),
    /// `$3`
    Bulk(Vec<u8>),
    /// `$-1`
    NullBulk,
    /// `*2`
    Array(Vec<Reply>),
    /// `*-1`
    NullArray,
    /// `_`
    Null,
    /// `,1.5`, as the text that was sent.
    Double(Vec<u8>),
    /// `#t`
    Boolean(bool),
    /// `(123`, as the text that was sent.
    BigNumber(Vec<u8>),
    /// `=7` with its three-letter format.
    Verbatim([u8; 3], Vec<u8>),
    /// `%2`
    Map(Vec<(Reply, Reply)>),
    /// `~2`
    Set(Vec<Reply>),
    /// `>2`
    Push(Vec<Reply>),
}

/// Why bytes are not a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyError {
    /// They may become one.
    Incomplete,
    /// They never will.
    Malformed(String),
}

/// Deepest nesting the reader follows; nothing Redis sends comes near it.
const DEPTH_MAX: usize = 32;

impl Reply {
    /// Reads one reply from the front of `bytes`; returns it with its length.
    ///
    /// # Errors
    /// [`ReplyError`] when there is no whole reply there.
    pub fn parse(bytes: &[u8]) -> Result<(Reply, usize), ReplyError> {
        let mut reader = Reader { bytes, at: 0 };
        let reply = reader.reply(0)?;
        let mut again = Vec::new();
        reply.encode(&mut again);
        if again != bytes[..reader.at] {
            return Err(malformed("not in canonical form", &bytes[..reader.at]));
        }
        Ok((reply, reader.at))
    }

    /// Appends the bytes of this reply.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Reply::Simple(text) => line(out, b'+', text),
            Reply::Error(text) => line(out, b'-', text),
            Reply::Integer(number) => line(out, b':', number.to_string().as_bytes()),
            Reply::Bulk(data) => {
                header(out, b'$', data.len());
                out.extend_from_slice(data);
                out.extend_from_slice(b"\r\n");
            }
            Reply::NullBulk => out.extend_from_slice(b"$-1\r\n"),
            Reply::NullArray => out.extend_from_slice(b"*-1\r\n"),
            Reply::Null => out.extend_from_slice(b"_\r\n"),
            Reply::Double(text) => line(out, b',', text),
            Reply::Boolean(value) => line(out, b'#', if *value { b"t" } else { b"f" }),
            Reply::BigNumber(text) => line(out, b'(', text),
            Reply::Verbatim(format, text) => {
                header(out, b'=', text.len() + 4);
                out.extend_from_slice(format);
                out.push(b':');
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
            Reply::Array(items) => aggregate(out, b'*', items),
            Reply::Set(items) => aggregate(out, b'~', items),
            Reply::Push(items) => aggregate(out, b'>', items),
            Reply::Map(pairs) => {
                header(out, b'%', pairs.len());
                for (key, value) in pairs {
                    key.encode(out);
                    value.encode(out);
                }
            }
        }
    }

    /// The bytes of this reply.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }

    /// Whether this is an error.
    #[must_use]
    pub fn is_error(&self) -> bool {
        matches!(self, Reply::Error(_))
    }
}

/// Encodes a command as clients send it.
#[must_use]
pub fn encode_command<W: AsRef<[u8]>>(words: &[W]) -> Vec<u8> {
    let payload: usize = words.iter().map(|word| word.as_ref().len() + HEADER_BYTES).sum();
    let mut out = Vec::with_capacity(HEADER_BYTES + payload);
    header(&mut out, b'*', words.len());
    for word in words {
        let word = word.as_ref();
        header(&mut out, b'$', word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// What a length and two line ends mostly take.
const HEADER_BYTES: usize = 10;

fn line(out: &mut Vec<u8>, marker: u8, text: &[u8]) {
    out.push(marker);
    out.extend_from_slice(text);
    out.extend_from_slice(b"\r\n");
}

fn header(out: &mut Vec<u8>, marker: u8, len: usize) {
    line(out, marker, itoa::Buffer::new().format(len).as_bytes());
}

fn aggregate(out: &mut Vec<u8>, marker: u8, items: &[Reply]) {
    header(out, marker, items.len());
    for item in items {
        item.encode(out);
    }
}

fn malformed(what: &str, bytes: &[u8]) -> ReplyError {
    let shown = &bytes[..bytes.len().min(80)];
    ReplyError::Malformed(format!("{what}: {}", shown.escape_ascii()))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn reply(&mut self, depth: usize) -> Result<Reply, ReplyError> {
        if depth > DEPTH_MAX {
            return Err(malformed("nested too deeply", &self.bytes[self.at..]));
        }
        let Some(&marker) = self.bytes.get(self.at) else { return Err(ReplyError::Incomplete) };
        let start = self.at;
        let text = self.line()?;
        Ok(match marker {
            b'+' => Reply::Simple(text),
            b'-' => Reply::Error(text),
            b':' => Reply::Integer(number(&text).ok_or_else(|| malformed("integer", &text))?),
            b',' => Reply::Double(text),
            b'(' => Reply::BigNumber(text),
            b'_' => Reply::Null,
            b'#' => Reply::Boolean(text == b"t"),
            b'$' if text == b"-1" => Reply::NullBulk,
            b'*' if text == b"-1" => Reply::NullArray,
            b'$' => Reply::Bulk(self.payload(&text)?),
            b'=' => {
                let payload = self.payload(&text)?;
                let Some((format, rest)) = payload.split_first_chunk::<3>() else {
                    return Err(malformed("verbatim string", &payload));
                };
                Reply::Verbatim(*format, rest.get(1..).unwrap_or_default().to_vec())
            }
            b'*' => Reply::Array(self.items(&text, depth)?),
            b'~' => Reply::Set(self.items(&text, depth)?),
            b'>' => Reply::Push(self.items(&text, depth)?),
            b'%' => {
                let mut pairs = Vec::new();
                for _ in 0..length(&text)? {
                    pairs.push((self.reply(depth + 1)?, self.reply(depth + 1)?));
                }
                Reply::Map(pairs)
            }
            _ => return Err(malformed("unknown marker", &self.bytes[start..])),
        })
    }

    /// The text of the line that starts here, without its marker and end; moves behind it.
    fn line(&mut self) -> Result<Vec<u8>, ReplyError> {
        let rest = &self.bytes[self.at..];
        let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") else {
            return Err(ReplyError::Incomplete);
        };
        self.at += end + 2;
        Ok(rest[1..end].to_vec())
    }

    fn payload(&mut self, len: &[u8]) -> Result<Vec<u8>, ReplyError> {
        let len = length(len)?;
        let rest = &self.bytes[self.at..];
        if rest.len() < len + 2 {
            return Err(ReplyError::Incomplete);
        }
        if &rest[len..len + 2] != b"\r\n" {
            return Err(malformed("no line end after a bulk string", rest));
        }
        self.at += len + 2;
        Ok(rest[..len].to_vec())
    }

    fn items(&mut self, len: &[u8], depth: usize) -> Result<Vec<Reply>, ReplyError> {
        let mut items = Vec::new();
        for _ in 0..length(len)? {
            items.push(self.reply(depth + 1)?);
        }
        Ok(items)
    }
}

fn number(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn length(text: &[u8]) -> Result<usize, ReplyError> {
    number(text).and_then(|number| usize::try_from(number).ok()).ok_or_else(|| malformed("length", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_survives_a_round_trip() {
        let all = b"*14\r\n+OK\r\n-ERR x\r\n:-3\r\n$2\r\n\r\n\r\n$-1\r\n*-1\r\n_\r\n,1.5\r\n#t\r\n(12\r\n\
            =6\r\ntxt:ab\r\n%1\r\n+k\r\n*0\r\n~1\r\n:1\r\n>1\r\n$0\r\n\r\n";
        let (reply, len) = Reply::parse(all).unwrap();
        assert_eq!(len, all.len());
        assert_eq!(reply.to_bytes(), all);
        for cut in 0..all.len() {
            assert_eq!(Reply::parse(&all[..cut]), Err(ReplyError::Incomplete), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_not_canonical_is_refused() {
        for bad in [b":+1\r\n".as_slice(), b"$03\r\nabc\r\n", b"$1\r\nabc", b"?x\r\n", b"_x\r\n", b"#x\r\n"] {
            assert!(matches!(Reply::parse(bad), Err(ReplyError::Malformed(_))), "{}", bad.escape_ascii());
        }
    }
}
