//! A real redis-server on the loopback interface, and clients on sockets.

use crate::reply::{Reply, ReplyError};
use crate::transcript::parse::ServerSetup;
use crate::transcript::play::{Received, Stage};
use std::collections::BTreeMap;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Debian's server, the oracle.
pub const REDIS_SERVER: &str = "/usr/bin/redis-server";

/// Ends the server with us even if we end without a word, where util-linux is installed.
const SETPRIV: &str = "/usr/bin/setpriv";

/// How long a server may take to accept its first connection.
const START_TIME_MAX: Duration = Duration::from_secs(10);

/// How long a reply may take.
const REPLY_TIME_MAX: Duration = Duration::from_secs(5);

/// How long silence is listened to before it counts.
const SILENCE: Duration = Duration::from_millis(15);

/// Pause between two attempts to reach a server that is starting.
const START_POLL: Duration = Duration::from_millis(2);

/// A redis-server process of our own; dropping it ends the process.
#[derive(Debug)]
pub struct RealServer {
    process: Child,
    port: u16,
    directory: PathBuf,
    connections: BTreeMap<String, Connection>,
}

/// One client's socket, with what arrived and was not read yet.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    is_at_end: bool,
}

impl RealServer {
    /// Starts a server on the first free one of `ports`, without persistence, configured further by `setup`.
    ///
    /// # Errors
    /// No port is free, or the process could not be started.
    pub fn start(ports: Range<u16>, setup: &ServerSetup) -> Result<RealServer, String> {
        // Whoever holds a port already would be taken for the oracle.
        let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
        let port = ports.clone().find(is_free).ok_or_else(|| format!("no port of {ports:?} is free"))?;
        let directory = std::env::temp_dir().join(format!("rotom-oracle-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let mut command = if Path::new(SETPRIV).exists() {
            let mut command = Command::new(SETPRIV);
            command.args(["--pdeathsig", "KILL", REDIS_SERVER]);
            command
        } else {
            Command::new(REDIS_SERVER)
        };
        if setup.has_config_file {
            let file = directory.join("redis.conf");
            std::fs::write(&file, "# A configuration file.\n").map_err(|error| error.to_string())?;
            command.arg(file);
        }
        let port_text = port.to_string();
        command.args(["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--daemonize", "no"]);
        command.args(["--enable-debug-command", "yes", "--dir"]).arg(&directory);
        for directive in &setup.directives {
            command.arg(format!("--{}", directive[0])).args(&directive[1..]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = command.spawn().map_err(|error| format!("{REDIS_SERVER}: {error}"))?;
        Ok(RealServer { process, port, directory, connections: BTreeMap::new() })
    }

    /// Opens a connection of the caller's own.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn open(&mut self) -> Result<Connection, String> {
        let deadline = Instant::now() + START_TIME_MAX;
        loop {
            match TcpStream::connect(("127.0.0.1", self.port)) {
                Ok(stream) => return Connection::new(stream),
                Err(error) => {
                    let gone = self.process.try_wait().is_ok_and(|status| status.is_some());
                    if gone || Instant::now() > deadline {
                        return Err(format!("port {}: {error}", self.port));
                    }
                    std::thread::sleep(START_POLL);
                }
            }
        }
    }

    /// The replies that have come to a client so far.
    ///
    /// # Errors
    /// What came is no reply.
    pub fn arrived(&mut self, name: &str) -> Result<Received, String> {
        self.connection(name)?.arrived()
    }

    fn connection(&mut self, name: &str) -> Result<&mut Connection, String> {
        self.connections.get_mut(name).ok_or_else(|| format!("there is no connection {name}"))
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        self.connections.clear();
        // The process may have ended by itself (SHUTDOWN); then there is nobody to kill.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

impl Connection {
    /// Takes over a connected socket.
    ///
    /// # Errors
    /// Its options cannot be set.
    pub fn new(stream: TcpStream) -> Result<Connection, String> {
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        stream.set_read_timeout(Some(REPLY_TIME_MAX)).map_err(|error| error.to_string())?;
        stream.set_write_timeout(Some(REPLY_TIME_MAX)).map_err(|error| error.to_string())?;
        Ok(Connection { stream, buffer: Vec::new(), is_at_end: false })
    }

    /// Sends bytes. That the server has closed meanwhile is seen when reading.
    ///
    /// # Errors
    /// The socket takes no more.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), String> {
        match self.stream.write_all(bytes) {
            Ok(()) => Ok(()),
            Err(error) if is_end(error.kind()) => Ok(()),
            Err(error) => Err(format!("cannot send: {error}")),
        }
    }

    /// Receives `replies` replies, and the end of the connection if `closed` says so.
    ///
    /// # Errors
    /// Nothing came in time, or no reply.
    pub fn receive(&mut self, replies: usize, closed: bool) -> Result<Received, String> {
        let mut received = Received::default();
        let mut at = 0;
        loop {
            while received.replies.len() < replies || closed {
                match Reply::parse(&self.buffer[at..]) {
                    Ok((reply, len)) => {
                        at += len;
                        received.replies.push(reply);
                    }
                    Err(ReplyError::Incomplete) => break,
                    Err(ReplyError::Malformed(what)) => return Err(what),
                }
            }
            received.closed = self.is_at_end && at == self.buffer.len();
            if received.closed || (received.replies.len() >= replies && !closed) {
                self.buffer.drain(..at);
                return Ok(received);
            }
            self.fill().map_err(|error| format!("{error}, after {} replies", received.replies.len()))?;
        }
    }

    /// Receives what has come, without waiting for more.
    fn arrived(&mut self) -> Result<Received, String> {
        let block = |stream: &TcpStream, waits: bool| {
            stream.set_nonblocking(!waits).map_err(|error| error.to_string())
        };
        block(&self.stream, false)?;
        while !self.is_at_end && self.stream.peek(&mut [0]).is_ok() {
            self.fill()?;
        }
        block(&self.stream, true)?;
        let mut received = Received::default();
        let mut at = 0;
        while at < self.buffer.len() {
            let (reply, len) = Reply::parse(&self.buffer[at..]).map_err(|error| format!("{error:?}"))?;
            received.replies.push(reply);
            at += len;
        }
        self.buffer.clear();
        received.closed = self.is_at_end;
        Ok(received)
    }

    /// Whether nothing comes for a while.
    fn is_silent(&mut self) -> Result<bool, String> {
        let wait =
            |stream: &TcpStream, time| stream.set_read_timeout(Some(time)).map_err(|error| error.to_string());
        wait(&self.stream, SILENCE)?;
        let is_silent = self.buffer.is_empty() && self.stream.peek(&mut [0]).is_err();
        wait(&self.stream, REPLY_TIME_MAX)?;
        Ok(is_silent)
    }

    fn fill(&mut self) -> Result<(), String> {
        let mut chunk = vec![0; 64 * 1024];
        match self.stream.read(&mut chunk) {
            Ok(0) => self.is_at_end = true,
            Ok(len) => self.buffer.extend_from_slice(&chunk[..len]),
            Err(error) if is_end(error.kind()) => self.is_at_end = true,
            Err(error) => return Err(format!("no reply ({error})")),
        }
        Ok(())
    }
}

fn is_end(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::BrokenPipe | ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted)
}

impl Stage for RealServer {
    fn connect(&mut self, name: &str) -> Result<(), String> {
        let connection = self.open()?;
        self.connections.insert(name.to_owned(), connection);
        Ok(())
    }

    fn send(&mut self, name: &str, bytes: &[u8]) -> Result<(), String> {
        self.connection(name)?.send(bytes)
    }

    fn receive(&mut self, name: &str, replies: usize, closed: bool) -> Result<Received, String> {
        let connection = self.connection(name)?;
        if replies == 0 && !closed && !connection.is_silent()? {
            return connection.receive(1, false);
        }
        connection.receive(replies, closed)
    }

    fn close(&mut self, name: &str) -> Result<(), String> {
        self.connections.remove(name);
        Ok(())
    }

    fn advance(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    fn now_ms(&self) -> i64 {
        wall_us() / 1000
    }

    fn address(&self, name: &str) -> String {
        let stream = self.connections.get(name).map(|connection| connection.stream.local_addr());
        stream.and_then(Result::ok).map(|address| address.to_string()).unwrap_or_default()
    }
}

/// The calendar clock, in microseconds.
#[must_use]
pub fn wall_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
