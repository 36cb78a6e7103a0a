//! Signals. In a binary of its own, for they go to the whole process.

mod support;

use rotom_core::{Config, Core, Host};
use rotom_io_epoll::{AllocatorFigures, Hooks, Server, now};
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use support::{Client, HOOKS, free_port, on};

/// Tells this binary to be a server on the given port rather than to test.
const PORT_VARIABLE: &str = "ROTOM_TEST_SERVER_PORT";

/// Tells that server to get stuck in its first turn.
const STUCK_VARIABLE: &str = "ROTOM_TEST_SERVER_STUCK";

/// The server, in a process of its own: this binary, run again with only this test.
#[test]
fn serve_when_asked_to() {
    let Ok(port) = std::env::var(PORT_VARIABLE) else { return };
    let allocator =
        if std::env::var_os(STUCK_VARIABLE).is_some() { get_stuck } else { AllocatorFigures::default };
    let server = Server::bind(
        on(&["127.0.0.1"], port.parse().unwrap()),
        Hooks { handle_signals: true, allocator, ..HOOKS },
    )
    .unwrap();
    let core = Core::new(Config::default(), Host::default(), 1, now());
    std::process::exit(server.serve(core, || ()).unwrap());
}

fn get_stuck() -> AllocatorFigures {
    eprintln!("stuck");
    loop {
        std::thread::park();
    }
}

/// A server process, gone when the test ends.
struct Process(Child);

impl Process {
    fn spawn(port: u16, is_stuck: bool) -> Process {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "serve_when_asked_to", "--nocapture"]);
        command.env(PORT_VARIABLE, port.to_string()).stdout(Stdio::null()).stderr(Stdio::piped());
        if is_stuck {
            command.env(STUCK_VARIABLE, "yes");
        }
        Process(command.spawn().unwrap())
    }

    fn start() -> (Process, Client) {
        let port = free_port();
        let process = Process::spawn(port, false);
        let deadline = std::time::Instant::now() + support::PATIENCE;
        loop {
            if let Ok(socket) = TcpStream::connect(("127.0.0.1", port)) {
                let mut client = Client::new(socket);
                // Once it answers, its handlers are in place.
                assert_eq!(client.ask("PING"), b"+PONG");
                return (process, client);
            }
            assert!(std::time::Instant::now() < deadline, "the server does not come up");
            std::thread::yield_now();
        }
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: the call takes no pointers, and the process is our child and not waited for yet.
        assert_eq!(unsafe { libc::kill(self.0.id() as libc::pid_t, signal) }, 0);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn sigterm_and_sigint_end_the_server_in_good_order() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let (mut process, mut client) = Process::start();
        process.signal(signal);
        client.expect_end();
        assert_eq!(process.0.wait().unwrap().code(), Some(0));
    }
}

#[test]
fn sighup_means_nothing() {
    let (process, mut client) = Process::start();
    process.signal(libc::SIGHUP);
    assert_eq!(client.ask("PING"), b"+PONG");
    drop(process);
}

/// A loop that is stuck looks at no signal; the second Ctrl-C ends the process all the same.
#[test]
fn whoever_insists_is_obeyed() {
    let mut process = Process::spawn(free_port(), true);
    let mut lines = BufReader::new(process.0.stderr.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "stuck"));
    let status = loop {
        // Two that come close together may count as one, so it may take more than two.
        process.signal(libc::SIGINT);
        if let Some(status) = process.0.try_wait().unwrap() {
            break status;
        }
        std::thread::yield_now();
    };
    assert_eq!(status.code(), Some(1));
    assert!(lines.any(|line| line == "You insist... exiting now."));
}
