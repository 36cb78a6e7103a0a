//! Load from clients that wait for what they have asked before they ask again.
//!
//! It does less per request than redis-benchmark does, and connects before anything is timed: with thousands of
//! connections, or where the server waits for a disk, the server is the limit and not the load.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::epoll::Epoll;
use crate::support::server::Server;

/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;

/// How long all clients may wait for the next reply.
const PATIENCE_SECONDS: u16 = 60;

/// Clients that all send the same bytes, again and again, and expect the same reply.
#[derive(Debug)]
pub struct ClosedLoop<'a> {
    clients: Vec<Caller>,
    epoll: Epoll,
    buffer: Vec<u8>,
    batch: &'a [u8],
    reply: &'a [u8],
}

/// One client, and how much of its reply it has.
#[derive(Debug)]
struct Caller {
    stream: TcpStream,
    received_bytes: usize,
}

impl<'a> ClosedLoop<'a> {
    /// Opens so many connections, and lets each of them ask once.
    pub fn connect(
        server: &Server,
        connections: u64,
        batch: &'a [u8],
        reply: &'a [u8],
    ) -> io::Result<ClosedLoop<'a>> {
        let epoll = Epoll::new()?;
        let mut clients = Vec::new();
        for token in 0..connections {
            let stream = TcpStream::connect(("127.0.0.1", server.port))?;
            stream.set_nodelay(true)?;
            epoll.add(&stream, token)?;
            clients.push(Caller { stream, received_bytes: 0 });
        }
        let mut load = ClosedLoop { clients, epoll, buffer: vec![0; READ_BYTES], batch, reply };
        load.run(connections)?;
        Ok(load)
    }

    /// Until so many batches were sent and answered, every client sends the next one as soon as its last is answered.
    /// Returns how long that took. A reply that is another than expected is an error.
    pub fn run(&mut self, batches: u64) -> io::Result<Duration> {
        let start = Instant::now();
        let mut unsent = batches;
        for client in self.clients.iter_mut().take(usize::try_from(batches).unwrap_or(usize::MAX)) {
            client.send(self.batch)?;
            unsent -= 1;
        }
        let mut unanswered = batches;
        while unanswered > 0 {
            let mut ready = match self.epoll.wait_seconds(PATIENCE_SECONDS) {
                Ok(ready) => ready,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            .peekable();
            if ready.peek().is_none() {
                return Err(io::Error::new(ErrorKind::TimedOut, "the replies do not come"));
            }
            for token in ready {
                let client = &mut self.clients[token as usize];
                if !client.receive(&mut self.buffer, self.reply)? {
                    continue;
                }
                unanswered -= 1;
                if unsent > 0 {
                    client.send(self.batch)?;
                    unsent -= 1;
                }
            }
        }
        Ok(start.elapsed())
    }
}

impl Caller {
    fn send(&mut self, batch: &[u8]) -> io::Result<()> {
        self.received_bytes = 0;
        self.stream.write_all(batch)
    }

    /// Takes what is there; whether the reply is complete.
    fn receive(&mut self, buffer: &mut [u8], reply: &[u8]) -> io::Result<bool> {
        let len = self.stream.read(buffer)?;
        let (expected, got) = (&reply[self.received_bytes..], &buffer[..len]);
        if len == 0 || !expected.starts_with(got) {
            let (expected, got) = (expected.escape_ascii(), got.escape_ascii());
            return Err(io::Error::other(format!("the reply should go on with {expected}, not with {got}")));
        }
        self.received_bytes += len;
        Ok(self.received_bytes == reply.len())
    }
}
