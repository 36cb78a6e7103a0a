//! Load at a fixed rate, whatever the server does.
//!
//! Every command has an instant at which it is due, and its latency counts from there, whether it could be sent then
//! or not. A server that stops for 100 ms so shows up in all the commands that were due meanwhile, as it does to people
//! who do not wait for each other.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::epoll::Epoll;
use crate::support::server::Server;

/// How many bits of a latency are kept: it is known to one part in so many, or better.
const SHARE_BITS: u32 = 6;

/// How long the last replies may take.
const DRAIN_DURATION_MAX: Duration = Duration::from_secs(60);

/// Bytes that are read at a time.
const READ_BYTES: usize = 64 << 10;

/// Latencies, in buckets whose width is a share of what they hold.
#[derive(Clone, Debug)]
pub struct Latencies {
    counts: Vec<u64>,
    longest_ns: u64,
}

impl Latencies {
    fn new() -> Latencies {
        Latencies { counts: vec![0; bucket(u64::MAX) + 1], longest_ns: 0 }
    }

    fn record(&mut self, latency_ns: u64) {
        self.counts[bucket(latency_ns)] += 1;
        self.longest_ns = self.longest_ns.max(latency_ns);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The latency that this share of all do not exceed, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        let rank = (self.count() as f64 * share).ceil() as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank.max(1) {
                return longest_in(bucket).min(self.longest_ns) as f64 / 1e6;
            }
        }
        f64::NAN
    }
}

/// The first buckets hold one number each; then as many share each power of two.
fn bucket(latency_ns: u64) -> usize {
    let shift = latency_ns.checked_ilog2().unwrap_or(0).saturating_sub(SHARE_BITS);
    ((shift as usize) << SHARE_BITS) + (latency_ns >> shift) as usize
}

/// The largest number in a bucket.
fn longest_in(bucket: usize) -> u64 {
    let shift = (bucket >> SHARE_BITS).saturating_sub(1);
    let first = ((bucket - (shift << SHARE_BITS)) as u64) << shift;
    first + ((1 << shift) - 1)
}

/// Connections that are given commands in turn.
#[derive(Debug)]
pub struct OpenLoop {
    lanes: Vec<Lane>,
    epoll: Epoll,
    buffer: Vec<u8>,
    next_lane: usize,
}

impl OpenLoop {
    /// Opens so many connections.
    pub fn connect(server: &Server, connections: u64) -> io::Result<OpenLoop> {
        let epoll = Epoll::new()?;
        let mut lanes = Vec::new();
        for token in 0..connections {
            let stream = TcpStream::connect(("127.0.0.1", server.port))?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            epoll.add(&stream, token)?;
            lanes.push(Lane { stream, output: Vec::new(), due_ns: VecDeque::new(), rest: Rest::default() });
        }
        Ok(OpenLoop { lanes, epoll, buffer: vec![0; READ_BYTES], next_lane: 0 })
    }

    /// Sends `rate` commands in a second, which `write` appends, as long as `goes_on`; then waits for the last replies.
    /// No reply may be an error.
    pub fn run(
        &mut self,
        rate: u64,
        mut write: impl FnMut(&mut Vec<u8>),
        goes_on: impl Fn(Duration) -> bool,
    ) -> Result<Latencies, String> {
        let mut latencies = Latencies::new();
        let start = Instant::now();
        let interval_ns = 1e9 / rate as f64;
        let mut sent = 0_u64;
        let mut ended_at = None;
        loop {
            let elapsed = start.elapsed();
            let elapsed_ns = elapsed.as_nanos() as u64;
            if ended_at.is_none() && !goes_on(elapsed) {
                ended_at = Some(elapsed);
            }
            while ended_at.is_none() {
                let due_ns = (sent as f64 * interval_ns) as u64;
                if due_ns > elapsed_ns {
                    break;
                }
                self.next_lane = (self.next_lane + 1) % self.lanes.len();
                let lane = &mut self.lanes[self.next_lane];
                write(&mut lane.output);
                lane.due_ns.push_back(due_ns);
                lane.send().map_err(|error| format!("a command cannot be sent: {error}"))?;
                sent += 1;
            }
            let ready = self.epoll.look().map_err(|error| format!("epoll: {error}"))?;
            for token in ready {
                let lane = &mut self.lanes[token as usize];
                lane.receive(&mut self.buffer, start, &mut latencies)?;
                lane.send().map_err(|error| format!("a command cannot be sent: {error}"))?;
            }
            if let Some(ended_at) = ended_at {
                if self.lanes.iter().all(|lane| lane.due_ns.is_empty()) {
                    return Ok(latencies);
                }
                if elapsed > ended_at + DRAIN_DURATION_MAX {
                    return Err("the last replies do not come".into());
                }
                for lane in &mut self.lanes {
                    lane.send().map_err(|error| format!("a command cannot be sent: {error}"))?;
                }
            }
        }
    }
}

/// A connection.
#[derive(Debug)]
struct Lane {
    stream: TcpStream,
    /// What the socket has not taken yet.
    output: Vec<u8>,
    /// When each command was due that was not answered yet.
    due_ns: VecDeque<u64>,
    rest: Rest,
}

impl Lane {
    /// Sends what the socket takes.
    fn send(&mut self) -> io::Result<()> {
        while !self.output.is_empty() {
            match self.stream.write(&self.output) {
                Ok(len) => drop(self.output.drain(..len)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Reads what is there.
    fn receive(
        &mut self,
        buffer: &mut [u8],
        start: Instant,
        latencies: &mut Latencies,
    ) -> Result<(), String> {
        let len = match self.stream.read(buffer) {
            Ok(0) => return Err("the server has closed a connection".into()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(format!("a reply cannot be read: {error}")),
        };
        let now_ns = start.elapsed().as_nanos() as u64;
        for _ in 0..self.rest.count_replies(&buffer[..len])? {
            let due_ns = self.due_ns.pop_front().ok_or("a reply that nobody waits for")?;
            latencies.record(now_ns - due_ns);
        }
        Ok(())
    }
}

/// Where in a reply the bytes that were read so far end.
#[derive(Debug, Default)]
struct Rest {
    /// The line that is under way.
    line: Vec<u8>,
    /// That line is a string's content.
    is_content: bool,
}

impl Rest {
    /// Counts the replies that end in `bytes`: lines, and strings without line ends.
    fn count_replies(&mut self, bytes: &[u8]) -> Result<usize, String> {
        let mut replies = 0;
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let is_header = !self.is_content && self.line.starts_with(b"$") && !self.line.starts_with(b"$-");
            if !self.is_content && self.line.starts_with(b"-") {
                return Err(format!("a command fails: {}", String::from_utf8_lossy(&self.line)));
            }
            replies += usize::from(!is_header);
            self.is_content = is_header;
            self.line.clear();
        }
        self.line.extend_from_slice(rest);
        Ok(replies)
    }
}
