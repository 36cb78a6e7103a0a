//! A small blocking RESP client that shows every byte: it knows the types of the protocol and nothing about
//! commands.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// How long the client waits for a reply before it calls the server dead.
const REPLY_PATIENCE: Duration = Duration::from_secs(30);

/// Where a server listens.
#[derive(Clone, Debug)]
pub enum Address {
    /// An IPv4 or IPv6 address and port.
    Tcp(SocketAddr),
    /// The path of a Unix socket.
    Unix(PathBuf),
}

/// One reply. RESP3's null and both nulls of RESP2 are `Null`; a map is its keys and values in turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// `+`
    Simple(String),
    /// `-`, without the sign
    Error(String),
    /// `:`
    Integer(i64),
    /// `$`
    Bulk(Vec<u8>),
    /// `$-1`, `*-1`, `_`
    Null,
    /// `*`
    Array(Vec<Reply>),
    /// `%`
    Map(Vec<Reply>),
    /// `~`
    Set(Vec<Reply>),
    /// `>`
    Push(Vec<Reply>),
    /// `,` as its text
    Double(String),
    /// `#`
    Boolean(bool),
    /// `(` as its text
    BigNumber(String),
    /// `=`, the three letters of its format and the colon included
    Verbatim(Vec<u8>),
}

impl Reply {
    /// `+OK`
    pub fn ok() -> Reply {
        Reply::Simple("OK".into())
    }

    /// A bulk string.
    pub fn bulk(bytes: impl AsRef<[u8]>) -> Reply {
        Reply::Bulk(bytes.as_ref().to_vec())
    }

    /// The text of a status, bulk, verbatim or error reply; of anything else its debug form, which no test
    /// takes for a text.
    pub fn text(&self) -> String {
        match self {
            Reply::Simple(text) | Reply::Error(text) => text.clone(),
            Reply::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Reply::Verbatim(bytes) => {
                String::from_utf8_lossy(bytes.get(4..).unwrap_or_default()).into_owned()
            }
            other => format!("{other:?}"),
        }
    }

    /// The value under `name` in a map, or in a flat array of names and values.
    pub fn field(&self, name: &str) -> Option<&Reply> {
        let (Reply::Map(items) | Reply::Array(items)) = self else { return None };
        items.chunks_exact(2).find(|pair| pair[0].text() == name).map(|pair| &pair[1])
    }
}

/// Appends one command in the form clients send it.
pub fn encode<A: AsRef<[u8]>>(arguments: &[A], out: &mut Vec<u8>) {
    out.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
    for argument in arguments {
        let argument = argument.as_ref();
        out.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
        out.extend_from_slice(argument);
        out.extend_from_slice(b"\r\n");
    }
}

/// One connection.
#[derive(Debug)]
pub struct Client {
    stream: BufReader<Stream>,
}

impl Client {
    /// Connects.
    pub fn connect(address: &Address) -> io::Result<Client> {
        let stream = match address {
            Address::Tcp(address) => {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                Stream::Tcp(stream)
            }
            Address::Unix(path) => Stream::Unix(UnixStream::connect(path)?),
        };
        stream.set_read_timeout(REPLY_PATIENCE)?;
        stream.set_write_timeout(REPLY_PATIENCE)?;
        Ok(Client { stream: BufReader::new(stream) })
    }

    /// Sends bytes as they are.
    pub fn send_raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.get_mut().write_all(bytes)
    }

    /// Sends one command without waiting for its reply.
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> io::Result<()> {
        let mut bytes = Vec::new();
        encode(arguments, &mut bytes);
        self.send_raw(&bytes)
    }

    /// Sends one command and reads its reply.
    pub fn try_call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> io::Result<Reply> {
        self.send(arguments)?;
        self.read_reply()
    }

    /// Sends one command and reads its reply; a connection that breaks fails the test.
    #[track_caller]
    pub fn call<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> Reply {
        match self.try_call(arguments) {
            Ok(reply) => reply,
            Err(error) => panic!("the connection broke: {error}"),
        }
    }

    /// Sends a command written with single spaces between its words.
    #[track_caller]
    pub fn ask(&mut self, command: &str) -> Reply {
        self.call(&command.split(' ').collect::<Vec<_>>())
    }

    /// Reads one reply.
    pub fn read_reply(&mut self) -> io::Result<Reply> {
        let line = self.read_line()?;
        let (&kind, text) = line.split_first().ok_or_else(|| malformed(&line))?;
        let text_string = || String::from_utf8_lossy(text).into_owned();
        let number = || {
            std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<i64>().ok())
                .ok_or_else(|| malformed(&line))
        };
        Ok(match kind {
            b'+' => Reply::Simple(text_string()),
            b'-' => Reply::Error(text_string()),
            b':' => Reply::Integer(number()?),
            b',' => Reply::Double(text_string()),
            b'(' => Reply::BigNumber(text_string()),
            b'#' => Reply::Boolean(text == b"t"),
            b'_' => Reply::Null,
            b'$' | b'*' if number()? == -1 => Reply::Null,
            b'$' => Reply::Bulk(self.read_payload(number()?)?),
            b'=' => Reply::Verbatim(self.read_payload(number()?)?),
            b'*' => Reply::Array(self.read_items(number()?)?),
            b'~' => Reply::Set(self.read_items(number()?)?),
            b'>' => Reply::Push(self.read_items(number()?)?),
            b'%' => Reply::Map(self.read_items(number()? * 2)?),
            _ => return Err(malformed(&line)),
        })
    }

    /// Reads exactly as many bytes as `buffer` holds.
    pub fn read_exact(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        self.stream.read_exact(buffer)
    }

    /// Reads until the server closes the connection, and returns what it said before. A reset counts as a
    /// close; silence until the patience is over is an error.
    pub fn read_until_closed(&mut self) -> io::Result<Vec<u8>> {
        let mut said = Vec::new();
        match self.stream.read_to_end(&mut said) {
            Ok(_) => Ok(said),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(said),
            Err(error) => Err(error),
        }
    }

    /// Says that nothing more will be sent.
    pub fn finish_sending(&mut self) -> io::Result<()> {
        match self.stream.get_ref() {
            Stream::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Stream::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Gives up on a send that makes no progress for `patience`.
    pub fn limit_send_time(&mut self, patience: Duration) -> io::Result<()> {
        self.stream.get_ref().set_write_timeout(patience)
    }

    /// Gives up on a reply that does not come for `patience`. Nothing is known of the connection then.
    pub fn limit_reply_time(&mut self, patience: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(patience)
    }

    /// Sends as much of `bytes` as the server takes before the limit on the send time; returns how much.
    pub fn send_while_taken(&mut self, bytes: &[u8]) -> usize {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.stream.get_mut().write(&bytes[sent..]) {
                Ok(0) | Err(_) => break,
                Ok(count) => sent += count,
            }
        }
        sent
    }

    /// The port of this end; 0 for a Unix socket.
    pub fn local_port(&self) -> u16 {
        match self.stream.get_ref() {
            Stream::Tcp(stream) => stream.local_addr().map_or(0, |address| address.port()),
            Stream::Unix(_) => 0,
        }
    }

    fn read_line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let Some(text_len) = line.len().checked_sub(2).filter(|_| line.ends_with(b"\r\n")) else {
            return Err(malformed(&line));
        };
        line.truncate(text_len);
        Ok(line)
    }

    fn read_payload(&mut self, len_bytes: i64) -> io::Result<Vec<u8>> {
        let len_bytes = usize::try_from(len_bytes).map_err(io::Error::other)?;
        let mut payload = vec![0; len_bytes + 2];
        self.stream.read_exact(&mut payload)?;
        if !payload.ends_with(b"\r\n") {
            return Err(malformed(&payload[len_bytes..]));
        }
        payload.truncate(len_bytes);
        Ok(payload)
    }

    fn read_items(&mut self, count: i64) -> io::Result<Vec<Reply>> {
        (0..count).map(|_| self.read_reply()).collect()
    }
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    fn set_read_timeout(&self, patience: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_read_timeout(Some(patience)),
            Stream::Unix(stream) => stream.set_read_timeout(Some(patience)),
        }
    }

    fn set_write_timeout(&self, patience: Duration) -> io::Result<()> {
        match self {
            Stream::Tcp(stream) => stream.set_write_timeout(Some(patience)),
            Stream::Unix(stream) => stream.set_write_timeout(Some(patience)),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.read(buffer),
            Stream::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Tcp(stream) => stream.write(bytes),
            Stream::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn malformed(line: &[u8]) -> io::Error {
    io::Error::other(format!("malformed reply: {}", line.escape_ascii()))
}
