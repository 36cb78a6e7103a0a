//! A real server in a thread of the test, and a client that speaks just enough RESP.

// Each test binary uses its own part of this.
#![allow(dead_code)]

use rotom_core::{Config, Core, Host};
use rotom_io_epoll::{AllocatorFigures, BindError, Hooks, Listening, Server, now};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

/// How long a test waits for what must come, before it fails.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Ports are looked for so often: between finding a free one and listening on it, another test may take it.
const PORT_ATTEMPTS: usize = 20;

/// Hooks of a server that has no say in its process.
pub const HOOKS: Hooks =
    Hooks { allocator: AllocatorFigures::default, reconfigure: |_| (), handle_signals: false };

/// A server that runs in a thread and ends with the test.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    thread: Option<JoinHandle<i32>>,
}

impl Running {
    /// A server with default configuration on a free port of the loopback interface.
    pub fn start() -> Running {
        Running::start_with(&[])
    }

    /// A server with these directives on a free port of the loopback interface.
    pub fn start_with(directives: &[(&str, &str)]) -> Running {
        let server = bind_free_port(|port| on(&["127.0.0.1"], port));
        let port = server.local_addresses()[0].port().to_string();
        let mut config = Config::default();
        let own = [("bind", "127.0.0.1"), ("port", port.as_str())];
        for (name, value) in own.iter().chain(directives) {
            config.set_from_file(name, &[value.as_bytes().to_vec()]).expect("it is a good directive");
        }
        Running::serve(server, config)
    }

    /// Runs a server that is bound already.
    pub fn serve(server: Server, config: Config) -> Running {
        let address = server.local_addresses()[0];
        let core = Core::new(config, Host::default(), 1, now());
        let thread = std::thread::spawn(move || server.serve(core, || ()).expect("the loop runs"));
        Running { address, thread: Some(thread) }
    }

    /// A new connection.
    pub fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).expect("the server listens"))
    }

    /// Ends the server; returns its exit status.
    pub fn stop(mut self) -> i32 {
        self.shut_down().expect("it was running")
    }

    fn shut_down(&mut self) -> Option<i32> {
        let thread = self.thread.take()?;
        if !thread.is_finished() {
            let mut stream = TcpStream::connect(self.address).expect("the server listens");
            stream.write_all(b"SHUTDOWN NOSAVE\r\n").expect("a new connection takes a line");
        }
        Some(thread.join().expect("the server did not panic"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // When the test fails already, its own message is the one that counts.
        if !std::thread::panicking() {
            self.shut_down();
        }
    }
}

/// Listening on these addresses.
pub fn on(bind: &[&str], port: u16) -> Listening {
    Listening { bind: bind.iter().map(|&entry| entry.into()).collect(), port, ..Listening::default() }
}

/// Binds a server to a port that was free a moment ago.
pub fn bind_free_port(listening: impl Fn(u16) -> Listening) -> Server {
    for _ in 0..PORT_ATTEMPTS {
        match Server::bind(listening(free_port()), HOOKS) {
            Ok(server) => return server,
            Err(BindError::Tcp { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    panic!("no free port");
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("the machine has loopback");
    listener.local_addr().expect("it is bound").port()
}

/// A client's end of a connection.
pub struct Client<S = TcpStream> {
    /// The socket.
    pub socket: S,
    /// What was received and not looked at yet.
    received: Vec<u8>,
}

impl Client<TcpStream> {
    /// A client that gives up after [`PATIENCE`].
    pub fn new(socket: TcpStream) -> Client {
        socket.set_nodelay(true).expect("TCP has the option");
        socket.set_read_timeout(Some(PATIENCE)).expect("the timeout is not zero");
        socket.set_write_timeout(Some(PATIENCE)).expect("the timeout is not zero");
        Client { socket, received: Vec::new() }
    }
}

impl<S: Read + Write> Client<S> {
    /// A client on any kind of socket.
    pub fn over(socket: S) -> Client<S> {
        Client { socket, received: Vec::new() }
    }

    /// Sends bytes as they are.
    pub fn send(&mut self, bytes: &[u8]) {
        self.socket.write_all(bytes).expect("the server reads");
    }

    /// Sends a line and returns its reply.
    pub fn ask(&mut self, line: &str) -> Vec<u8> {
        self.send(format!("{line}\r\n").as_bytes());
        self.reply()
    }

    /// The next reply: a line, or a bulk string without its header.
    pub fn reply(&mut self) -> Vec<u8> {
        let line = self.line();
        match line.strip_prefix(b"$") {
            None | Some(b"-1") => line,
            Some(len) => {
                let len: usize = std::str::from_utf8(len).expect("digits").parse().expect("a length");
                let mut bulk = self.take(len + 2);
                assert_eq!(bulk.split_off(len), b"\r\n");
                bulk
            }
        }
    }

    /// Asserts that the server sends nothing more and closes.
    pub fn expect_end(&mut self) {
        let mut rest = std::mem::take(&mut self.received);
        self.socket.read_to_end(&mut rest).expect("the server closes in good order");
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.received.windows(2).position(|pair| pair == b"\r\n") {
                let mut line: Vec<u8> = self.received.drain(..end + 2).collect();
                line.truncate(end);
                return line;
            }
            self.receive();
        }
    }

    fn take(&mut self, len: usize) -> Vec<u8> {
        while self.received.len() < len {
            self.receive();
        }
        self.received.drain(..len).collect()
    }

    fn receive(&mut self) {
        let mut space = vec![0; 256 * 1024];
        let len = self.socket.read(&mut space).expect("a reply comes in time");
        assert_ne!(len, 0, "the server closed the connection");
        self.received.extend_from_slice(&space[..len]);
    }
}

/// A command in RESP.
pub fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// Asserts that an I/O error is the one a read timeout gives.
pub fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
