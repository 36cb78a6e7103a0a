//! Where the server listens and how it keeps its connections: addresses of every family, descriptors running
//! out, keepalive and idle clients.

#![deny(unsafe_code)]

mod support;

use std::fs;
use std::net::{Ipv6Addr, SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use support::client::{Address, Client, Reply};
use support::directory::TempDirectory;
use support::server::{Invocation, Server, loopback, run_to_end};
use support::sys::{self, ChildSetup};
use support::{PATIENCE, wait_until};

fn pong() -> Reply {
    Reply::Simple("PONG".into())
}

/// An address that belongs to nobody's interface (RFC 5737).
const FOREIGN_ADDRESS: &str = "192.0.2.1";

#[test]
fn a_unix_socket_can_be_the_only_door() {
    let mut server = Server::start_as(|directory, port| {
        let path = directory.join("socket");
        let path_text = path.to_str().unwrap();
        let arguments = ["--port", "0", "--save", "", "--unixsocket", path_text, "--unixsocketperm", "700"];
        Invocation { address: Address::Unix(path.clone()), ..Invocation::new(port, &arguments) }
    });
    let path = server.directory().join("socket");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let mut client = server.connect();
    assert_eq!(client.ask("SET key value"), Reply::ok());
    assert_eq!(client.ask("GET key"), Reply::bulk("value"));
    assert!(Client::connect(&loopback(server.port)).is_err(), "port 0 means no TCP");
    server.process.signal(libc::SIGTERM);
    assert!(server.process.wait_for_exit(PATIENCE).is_some_and(|status| status.success()));
    assert!(!path.exists(), "the socket is removed at the end");
}

#[test]
fn a_stale_unix_socket_is_replaced() {
    let mut server = Server::start_as(|directory, port| {
        let path = directory.join("socket");
        // A listener that ends without removing its socket leaves this behind.
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        Invocation::usual(directory, port, &["--unixsocket", path.to_str().unwrap()])
    });
    let socket = Address::Unix(server.directory().join("socket"));
    assert_eq!(Client::connect(&socket).unwrap().ask("PING"), pong());
    server.assert_serves();
    assert!(server.process.exit_status().is_none());
}

#[test]
fn ipv6_is_served_where_the_machine_has_it() {
    if TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).is_err() {
        println!("no IPv6 loopback on this machine");
        return;
    }
    let server = Server::start_as(|directory, port| {
        let mut invocation = Invocation::usual(directory, port, &["--bind", "::1"]);
        invocation.address = Address::Tcp(SocketAddr::from((Ipv6Addr::LOCALHOST, port)));
        invocation
    });
    let mut client = server.connect();
    assert_eq!(client.ask("PING"), pong());
    assert!(client.ask("CLIENT LIST").text().contains(&format!(" addr=[::1]:{} ", client.local_port())));
    assert!(Client::connect(&loopback(server.port)).is_err(), "only the IPv6 loopback was asked for");
}

#[test]
fn several_addresses_are_bound_and_optional_ones_may_be_missing() {
    let optional = format!("-{FOREIGN_ADDRESS}");
    let server = Server::start(&["--bind", "127.0.0.1", "127.0.0.2", &optional]);
    server.assert_serves();
    let second = Address::Tcp(SocketAddr::from(([127, 0, 0, 2], server.port)));
    assert_eq!(Client::connect(&second).unwrap().ask("PING"), pong());
    let third = Address::Tcp(SocketAddr::from(([127, 0, 0, 3], server.port)));
    assert!(Client::connect(&third).is_err(), "an address that was not asked for");
}

#[test]
fn a_required_address_that_cannot_be_bound_ends_the_start() {
    let directory = TempDirectory::new().unwrap();
    let port = support::server::free_port().unwrap().to_string();
    let arguments = ["--port", &port, "--save", "", "--bind", "127.0.0.1", FOREIGN_ADDRESS];
    let outcome = run_to_end(directory.path(), &arguments, "");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    let reason = format!("Could not create server TCP listening socket {FOREIGN_ADDRESS}:{port}: bind: ");
    assert!(outcome.output.contains(&reason), "{}", outcome.output);
}

#[test]
fn a_taken_port_ends_the_start() {
    let directory = TempDirectory::new().unwrap();
    let first = Server::start(&[]);
    let arguments = ["--port", &first.port.to_string(), "--save", "", "--bind", "127.0.0.1"];
    let outcome = run_to_end(directory.path(), &arguments, "");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    assert!(outcome.output.contains("Address already in use"), "{}", outcome.output);
    first.assert_serves();
}

/// More newcomers than `starve_of_descriptors` leaves room for.
const FLOOD_CONNECTIONS: usize = 50;

/// Lets the server open three more descriptors, whatever it planned with at its start, and floods it until it
/// has none left and newcomers wait.
fn starve_of_descriptors(server: &Server) -> Vec<Client> {
    let open_files_max = server.process.open_files() + 3;
    sys::limit_open_files_of(server.process.pid(), open_files_max as u64).unwrap();
    let flood = (0..FLOOD_CONNECTIONS).map(|_| server.connect()).collect();
    // A server that keeps one in reserve may stop one short of the limit.
    wait_until("no descriptor is left", || server.process.open_files() + 1 >= open_files_max);
    flood
}

#[test]
fn running_out_of_descriptors_hurts_only_newcomers() {
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.ask("SET key value"), Reply::ok());
    let flood = starve_of_descriptors(&server);
    for _ in 0..100 {
        assert_eq!(first.ask("GET key"), Reply::bulk("value"));
    }
    drop(flood);
    wait_until("a newcomer is served again", || {
        server.connect().try_call(&["GET", "key"]).is_ok_and(|reply| reply == Reply::bulk("value"))
    });
}

/// Redis does spin: it tries to accept the newcomers again at once, and again.
#[test]
fn newcomers_that_cannot_be_accepted_do_not_make_it_spin() {
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.ask("PING"), pong());
    let _flood = starve_of_descriptors(&server);
    server.assert_does_not_spin();
    assert_eq!(first.ask("PING"), pong());
}

#[test]
fn a_low_descriptor_limit_lowers_maxclients() {
    let server = Server::start_as(|directory, port| {
        let setup = ChildSetup { open_files_max: Some(64), ..ChildSetup::default() };
        Invocation { setup, ..Invocation::usual(directory, port, &[]) }
    });
    let mut first = server.connect();
    assert_eq!(first.ask("CONFIG GET maxclients").field("maxclients"), Some(&Reply::bulk("32")));
    let flood: Vec<Client> = (0..100).map(|_| server.connect()).collect();
    for _ in 0..100 {
        assert_eq!(first.ask("PING"), pong());
    }
    drop(flood);
    wait_until("a newcomer is served again", || {
        server.connect().try_call(&["PING"]).is_ok_and(|reply| reply == pong())
    });
}

#[test]
fn keepalive_is_on_for_accepted_connections_unless_turned_off() {
    for (more, expected) in [(&[][..], true), (&["--tcp-keepalive", "0"], false)] {
        let server = Server::start(more);
        let mut client = server.connect();
        assert_eq!(client.ask("PING"), pong());
        wait_until("the kernel has nothing left to retransmit", || {
            keepalive_timer(server.port, client.local_port()) == Some(expected)
        });
    }
}

/// Whether the kernel keeps a keepalive timer for the server's end of a connection; `None` while another timer
/// runs. `/proc/net/tcp` names the one timer that runs in its column `tr`: 2 is keepalive, 0 is none.
fn keepalive_timer(server_port: u16, client_port: u16) -> Option<bool> {
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let (local, remote) = (format!("0100007F:{server_port:04X}"), format!("0100007F:{client_port:04X}"));
    let row = table.lines().map(|line| line.split_ascii_whitespace().collect::<Vec<_>>());
    let row = row.into_iter().find(|row| row.len() > 5 && row[1] == local && row[2] == remote)?;
    match row[5].split(':').next() {
        Some("00") => Some(false),
        Some("02") => Some(true),
        _ => None,
    }
}

#[test]
fn an_idle_client_is_closed_and_a_busy_one_is_not() {
    const TIMEOUT: Duration = Duration::from_secs(1);
    let server = Server::start(&["--timeout", "1"]);
    let (mut idle, mut busy) = (server.connect(), server.connect());
    assert_eq!(busy.ask("PING"), pong());
    // Read before the server can have heard the last of the idle client: so nobody is closed too early whom a busy
    // machine shows to us late.
    let since = Instant::now();
    assert_eq!(idle.ask("PING"), pong());
    let watcher = std::thread::spawn(move || idle.read_until_closed().unwrap());
    let mut busy_since = since;
    while !watcher.is_finished() {
        let asking_since = Instant::now();
        if let Ok(reply) = busy.try_call(&["PING"]) {
            assert_eq!(reply, pong());
            busy_since = asking_since;
        } else {
            // A machine that keeps this test waiting makes an idle client of it.
            assert!(busy_since.elapsed() >= TIMEOUT, "the busy client is closed, too");
            busy = server.connect();
        }
        assert!(since.elapsed() < PATIENCE, "the idle client is still there");
        std::thread::yield_now();
    }
    assert_eq!(watcher.join().unwrap(), b"");
    assert!(since.elapsed() >= TIMEOUT, "closed before its time");
}
