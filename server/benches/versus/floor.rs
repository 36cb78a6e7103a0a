//! The floor: a server that does nothing. It waits, reads, counts the commands and writes `+OK` for each, so
//! its cost per request is what the kernel alone costs and no server on top of epoll can be below.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};

use crate::epoll::Epoll;

/// How much one read takes: as much as Redis reads at a time.
const READ_BYTES_MAX: usize = 16 * 1024;

/// The answer to every command.
const REPLY: &[u8] = b"+OK\r\n";

/// How many answers one write carries at most.
const REPLIES_PER_WRITE_MAX: usize = 1024;

/// The listener's token; connections have their index.
const LISTENER: u64 = u64::MAX;

/// Serves the loopback `port` until the process is killed.
pub fn serve(port: u16) -> io::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
    listener.set_nonblocking(true)?;
    let mut epoll = Epoll::new()?;
    epoll.add(&listener, LISTENER)?;
    let mut connections: Vec<Option<Connection>> = Vec::new();
    let mut vacant: Vec<usize> = Vec::new();
    let mut buffer = vec![0; READ_BYTES_MAX];
    let replies = REPLY.repeat(REPLIES_PER_WRITE_MAX);
    let mut ready = Vec::new();
    loop {
        ready.clear();
        ready.extend(epoll.wait()?);
        for &token in &ready {
            if token == LISTENER {
                while let Ok((stream, _)) = listener.accept() {
                    let index = vacant.pop().unwrap_or(connections.len());
                    if index == connections.len() {
                        connections.push(None);
                    }
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    epoll.add(&stream, index as u64)?;
                    connections[index] = Some(Connection { stream, counter: Counter::default() });
                }
            } else if let Some(connection) = &mut connections[token as usize]
                && connection.answer(&mut buffer, &replies).is_err()
            {
                connections[token as usize] = None;
                vacant.push(token as usize);
            }
        }
    }
}

struct Connection {
    stream: TcpStream,
    counter: Counter,
}

impl Connection {
    /// Reads once and answers what is complete. The load generator reads its replies, so the few bytes of them
    /// always fit the socket's buffer; one that does not is hung up on.
    fn answer(&mut self, buffer: &mut [u8], replies: &[u8]) -> io::Result<()> {
        let len_bytes = match self.stream.read(buffer) {
            Ok(0) => return Err(io::Error::from(ErrorKind::UnexpectedEof)),
            Ok(len_bytes) => len_bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        };
        let mut owed_bytes = self.counter.count(&buffer[..len_bytes]) * REPLY.len();
        while owed_bytes > 0 {
            let now = owed_bytes.min(replies.len());
            self.stream.write_all(&replies[..now])?;
            owed_bytes -= now;
        }
        Ok(())
    }
}

/// Counts complete requests in a stream that may be cut anywhere. It believes what it reads.
#[derive(Default)]
struct Counter {
    /// What the line being read starts with: `*` or `$`.
    kind: u8,
    /// The number on that line, as far as it was read.
    number: usize,
    /// Bulk strings of the current request still to come.
    arguments_left: usize,
    /// Bytes of the current bulk string still to come, its line end included.
    skip_bytes: usize,
    /// The length of the last request. The traffic of one load is made of requests of one length, which saves
    /// parsing all but the first of a pipeline.
    request_len_bytes: usize,
}

impl Counter {
    fn count(&mut self, bytes: &[u8]) -> usize {
        let mut requests = 0;
        let mut at = 0;
        let mut start = None;
        while at < bytes.len() {
            if self.skip_bytes > 0 {
                let skipped = self.skip_bytes.min(bytes.len() - at);
                at += skipped;
                self.skip_bytes -= skipped;
                if self.skip_bytes > 0 {
                    break;
                }
                self.arguments_left -= 1;
                if self.arguments_left == 0 {
                    requests += 1;
                    if let Some(start) = start.take() {
                        self.request_len_bytes = at - start;
                    }
                }
            } else if self.is_like_the_last(&bytes[at..]) {
                at += self.request_len_bytes;
                requests += 1;
            } else {
                if bytes[at] == b'*' {
                    start = Some(at);
                }
                self.read_header_byte(bytes[at]);
                at += 1;
            }
        }
        requests
    }

    /// Whether a request as long as the last one starts here and another one, or nothing, follows it.
    fn is_like_the_last(&self, rest: &[u8]) -> bool {
        let len_bytes = self.request_len_bytes;
        len_bytes > 0
            && rest.len() >= len_bytes
            && rest[0] == b'*'
            && rest.get(len_bytes).is_none_or(|&next| next == b'*')
    }

    fn read_header_byte(&mut self, byte: u8) {
        match byte {
            b'*' | b'$' => (self.kind, self.number) = (byte, 0),
            b'0'..=b'9' => self.number = self.number * 10 + usize::from(byte - b'0'),
            b'\n' if self.kind == b'*' => self.arguments_left = self.number,
            b'\n' => self.skip_bytes = self.number + 2,
            _ => {}
        }
    }
}
