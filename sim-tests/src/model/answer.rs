//! What a command answers: replies written by the model itself, or, where they cannot be known, what they must be.

use super::client::Owed;
use super::element_scan::ElementPage;
use super::keyspace::Place;
use super::spop::Popped;
use crate::reply::Reply;
use std::fmt;
use std::rc::Rc;

/// Says what is wrong with a reply.
pub(super) type Judge = Rc<dyn Fn(&Reply) -> Result<(), String>>;

/// What a client is owed for one request.
#[derive(Clone)]
pub(super) enum Expected {
    /// These bytes.
    Bytes(Vec<u8>),
    /// A reply that somebody judges.
    Judged(Judge),
    /// An error that begins so, and was counted when it was known.
    Error(Vec<u8>),
    /// A page of SCAN.
    Page(Page),
    /// A key that was there.
    AnyKey { moment: u64, place: Place, now_ms: i64 },
    /// The answer to a CONFIG SET with parameters the model does not know; if it is OK, these take effect.
    Adopted(Vec<(String, Vec<u8>)>),
    /// Members that SPOP took.
    Popped(Box<Popped>),
    /// A page of HSCAN, SSCAN or ZSCAN.
    Elements(ElementPage),
    /// The pieces of what EXEC answers, one behind the other.
    Parts(Vec<Owed>),
}

impl fmt::Debug for Expected {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Expected::Bytes(bytes) => write!(out, "{}", bytes.escape_ascii()),
            Expected::Error(text) => write!(out, "an error {}…", text.escape_ascii()),
            Expected::Page(page) => write!(out, "{page:?}"),
            Expected::Elements(page) => write!(out, "{page:?}"),
            Expected::Popped(popped) => write!(out, "{popped:?}"),
            Expected::Judged(_) | Expected::AnyKey { .. } | Expected::Adopted(_) => {
                write!(out, "a judged reply")
            }
            Expected::Parts(parts) => write!(out, "{parts:?}"),
        }
    }
}

/// One call of SCAN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub cursor: u64,
    pub filter: Filter,
    pub place: Place,
    /// When it was executed.
    pub moment: u64,
    pub now_ms: i64,
}

/// Which keys SCAN shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    pub pattern: Option<Vec<u8>>,
    pub type_name: Option<Vec<u8>>,
}

/// The text of an error, without its mark and line end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub Vec<u8>);

impl From<&str> for Refusal {
    fn from(text: &str) -> Refusal {
        Refusal(text.as_bytes().to_vec())
    }
}

impl From<String> for Refusal {
    fn from(text: String) -> Refusal {
        Refusal(text.into_bytes())
    }
}

impl Refusal {
    /// A text around something that a client sent: up to its first zero byte, line ends as blanks.
    pub fn around(before: &str, echoed: &[u8], after: &str) -> Refusal {
        let mut text = before.as_bytes().to_vec();
        text.extend_from_slice(super::number::until_zero(echoed));
        text.extend_from_slice(after.as_bytes());
        Refusal(text)
    }

    /// The text as it is sent.
    pub fn line(&self) -> Vec<u8> {
        self.0.iter().map(|&byte| if byte == b'\r' || byte == b'\n' { b' ' } else { byte }).collect()
    }
}

/// Writes one reply.
#[derive(Debug)]
pub(super) struct Out {
    bytes: Vec<u8>,
    /// Whether the client speaks RESP3.
    pub is_resp3: bool,
    expected: Option<Expected>,
    /// Whether there is no reply at all.
    is_silent: bool,
}

impl Out {
    pub fn new(is_resp3: bool) -> Out {
        Out { bytes: Vec::new(), is_resp3, expected: None, is_silent: false }
    }

    /// What is owed; `None` for nothing.
    pub fn finish(self) -> Option<Expected> {
        if self.is_silent {
            return None;
        }
        Some(self.expected.unwrap_or(Expected::Bytes(self.bytes)))
    }

    /// There is no reply.
    pub fn nothing(&mut self) {
        self.is_silent = true;
    }

    /// The reply is judged.
    pub fn judged(&mut self, judge: impl Fn(&Reply) -> Result<(), String> + 'static) {
        self.expected = Some(Expected::Judged(Rc::new(judge)));
    }

    /// The reply is something special.
    pub fn special(&mut self, expected: Expected) {
        self.expected = Some(expected);
    }

    pub fn ok(&mut self) {
        self.simple(b"OK");
    }

    pub fn simple(&mut self, text: &[u8]) {
        self.line(b'+', text);
    }

    pub fn error(&mut self, refusal: &Refusal) {
        self.line(b'-', &refusal.line());
    }

    pub fn integer(&mut self, number: i64) {
        self.line(b':', itoa::Buffer::new().format(number).as_bytes());
    }

    pub fn bulk(&mut self, data: &[u8]) {
        self.line(b'$', itoa::Buffer::new().format(data.len()).as_bytes());
        self.bytes.extend_from_slice(data);
        self.bytes.extend_from_slice(b"\r\n");
    }

    /// Nothing, where there could be a string.
    pub fn null(&mut self) {
        self.bytes.extend_from_slice(if self.is_resp3 { b"_\r\n" } else { b"$-1\r\n" });
    }

    /// Nothing, where there could be an array.
    pub fn null_array(&mut self) {
        self.bytes.extend_from_slice(if self.is_resp3 { b"_\r\n" } else { b"*-1\r\n" });
    }

    pub fn bulk_or_null(&mut self, data: Option<&[u8]>) {
        match data {
            Some(data) => self.bulk(data),
            None => self.null(),
        }
    }

    pub fn array(&mut self, len: usize) {
        self.line(b'*', itoa::Buffer::new().format(len).as_bytes());
    }

    /// The head of so many pairs.
    pub fn map(&mut self, len: usize) {
        if self.is_resp3 {
            self.line(b'%', itoa::Buffer::new().format(len).as_bytes());
        } else {
            self.array(2 * len);
        }
    }

    pub fn set(&mut self, len: usize) {
        if self.is_resp3 {
            self.line(b'~', itoa::Buffer::new().format(len).as_bytes());
        } else {
            self.array(len);
        }
    }

    /// The head of something the server says unasked; only RESP3 has it.
    pub fn push(&mut self, len: usize) {
        self.line(b'>', itoa::Buffer::new().format(len).as_bytes());
    }

    /// The head of so many pairs that say something about the reply behind them; only RESP3 has it.
    pub fn attribute(&mut self, len: usize) {
        self.line(b'|', itoa::Buffer::new().format(len).as_bytes());
    }

    pub fn boolean(&mut self, value: bool) {
        match (self.is_resp3, value) {
            (true, true) => self.line(b'#', b"t"),
            (true, false) => self.line(b'#', b"f"),
            (false, value) => self.integer(i64::from(value)),
        }
    }

    /// A number that is printed already.
    pub fn double(&mut self, text: &[u8]) {
        if self.is_resp3 {
            self.line(b',', text);
        } else {
            self.bulk(text);
        }
    }

    pub fn big_number(&mut self, text: &[u8]) {
        if self.is_resp3 {
            self.line(b'(', text);
        } else {
            self.bulk(text);
        }
    }

    /// Plain text.
    pub fn verbatim(&mut self, text: &[u8]) {
        if self.is_resp3 {
            self.line(b'=', (text.len() + 4).to_string().as_bytes());
            self.bytes.extend_from_slice(b"txt:");
            self.bytes.extend_from_slice(text);
            self.bytes.extend_from_slice(b"\r\n");
        } else {
            self.bulk(text);
        }
    }

    /// A number that may differ by so much, because the server's clock may.
    pub fn near(&mut self, number: i64, tolerance: i64) {
        if tolerance == 0 {
            return self.integer(number);
        }
        self.judged(move |reply| match reply {
            Reply::Integer(found) if found.abs_diff(number) <= tolerance.unsigned_abs() => Ok(()),
            _ => Err(format!("an integer within {tolerance} of {number}")),
        });
    }

    fn line(&mut self, mark: u8, text: &[u8]) {
        self.bytes.push(mark);
        self.bytes.extend_from_slice(text);
        self.bytes.extend_from_slice(b"\r\n");
    }
}

/// The text of a bulk or a verbatim string: what INFO and CLIENT LIST send.
pub(super) fn text_of(reply: &Reply, is_resp3: bool) -> Result<&[u8], String> {
    match reply {
        Reply::Bulk(text) if !is_resp3 => Ok(text),
        Reply::Verbatim(format, text) if is_resp3 && format == b"txt" => Ok(text),
        _ => Err("a text".to_owned()),
    }
}

/// The pairs of a map, however the protocol shows it.
pub(super) fn pairs_of(reply: &Reply, is_resp3: bool) -> Result<Vec<(&Reply, &Reply)>, String> {
    match reply {
        Reply::Map(pairs) if is_resp3 => Ok(pairs.iter().map(|(key, value)| (key, value)).collect()),
        Reply::Array(items) if !is_resp3 => match items.as_chunks::<2>() {
            (pairs, []) => Ok(pairs.iter().map(|[key, value]| (key, value)).collect()),
            _ => Err("an even number of elements".to_owned()),
        },
        _ => Err("a map".to_owned()),
    }
}
