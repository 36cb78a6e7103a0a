//! Where a server listens, and what it says when it cannot.

mod support;

use rotom_core::Config;
use rotom_io_epoll::{BindError, Listening, Server};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use support::{Client, HOOKS, Running, bind_free_port, command, free_port, on};

/// A path of one test.
fn socket_path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("rotom-{name}-{}.sock", std::process::id()))
}

#[test]
fn every_address_is_listened_on() {
    let server = bind_free_port(|port| on(&["127.0.0.1", "-192.0.2.1", "127.0.0.2", "127.0.0.3"], port));
    // 192.0.2.1 belongs to no machine (RFC 5737), but is optional.
    let addresses = server.local_addresses();
    assert_eq!(addresses.len(), 3);
    let running = Running::serve(server, Config::default());
    for address in addresses {
        let mut client = Client::new(TcpStream::connect(address).unwrap());
        assert_eq!(client.ask("PING"), b"+PONG");
        let list = String::from_utf8(client.ask("CLIENT LIST")).unwrap();
        let local = client.socket.local_addr().unwrap();
        assert!(list.contains(&format!(" addr={local} laddr={address} ")), "{list}");
    }
    assert_eq!(running.stop(), 0);
}

#[test]
fn both_families_share_a_port() {
    if TcpListener::bind("[::1]:0").is_err() {
        eprintln!("this machine has no IPv6; only the optional address is checked");
        bind_free_port(|port| on(&["127.0.0.1", "-::1"], port));
        return;
    }
    let server = bind_free_port(|port| on(&["*", "-::*"], port));
    let running = Running::serve(server, Config::default());
    let port = running.address.port();
    for host in ["127.0.0.1", "[::1]"] {
        let mut client = Client::new(TcpStream::connect(format!("{host}:{port}")).unwrap());
        let list = String::from_utf8(client.ask("CLIENT LIST")).unwrap();
        assert!(list.contains(&format!(" laddr={host}:{port} ")), "{list}");
    }
}

#[test]
fn names_are_resolved() {
    let server = bind_free_port(|port| on(&["localhost"], port));
    assert!(server.local_addresses()[0].is_ipv4());
}

#[test]
fn what_cannot_be_listened_on_is_named() {
    let check = |listening: Listening, expected: &str, cause: Option<&str>| {
        let error = Server::bind(listening, HOOKS).expect_err("this cannot work");
        assert_eq!(error.to_string(), expected);
        if let BindError::Tcp { source, .. } = &error {
            assert_eq!(source.as_ref().map(ToString::to_string).as_deref(), cause);
        }
    };
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let text = format!("Failed listening on port {port} (TCP), aborting.");
    check(on(&["127.0.0.1"], port), &text, Some("bind: Address already in use"));
    // An address that is optional may be missing, not taken.
    check(on(&["-127.0.0.1"], port), &text, Some("bind: Address already in use"));

    let port = free_port();
    let text = format!("Failed listening on port {port} (TCP), aborting.");
    check(on(&["192.0.2.1"], port), &text, Some("bind: Cannot assign requested address"));
    check(on(&["-192.0.2.1"], port), &text, None);

    let nowhere = "Configured to not listen anywhere, exiting.";
    check(on(&["127.0.0.1"], 0), nowhere, None);
    check(on(&[], 6379), nowhere, None);

    let unix = |path: &str| Listening { unix_socket: Some(path.into()), ..on(&[], 0) };
    check(unix("/nonexistent/x.sock"), "Failed opening Unix socket: bind: No such file or directory", None);
    let long = format!("/tmp/{}", "x".repeat(120));
    check(
        unix(&long),
        "Failed opening Unix socket: unix socket path too long (125), must be under 108",
        None,
    );
}

#[test]
fn a_running_server_moves_to_another_port() {
    let mut server = Running::start();
    let former = server.address;
    let mut client = server.connect();
    let port = free_port();
    assert_eq!(client.ask(&format!("CONFIG SET port {port}")), b"+OK");
    // The old listener is closed before the new one is opened, which is before the next turn.
    assert_eq!(client.ask("PING"), b"+PONG");
    assert!(TcpStream::connect(former).is_err());
    server.address.set_port(port);
    assert_eq!(server.connect().ask("PING"), b"+PONG");

    // Where it cannot listen it does not go.
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken_port = taken.local_addr().unwrap().port();
    assert_eq!(client.ask(&format!("CONFIG SET port {taken_port}")), b"+OK");
    assert_eq!(client.ask("PING"), b"+PONG");
    assert_eq!(server.connect().ask("PING"), b"+PONG");
    assert_eq!(server.stop(), 0);
}

#[test]
fn unix_sockets_serve_as_well() {
    let path = socket_path("serve");
    // Something is left over from a server that died.
    std::fs::write(&path, "stale").unwrap();
    let server = bind_free_port(|port| Listening {
        unix_socket: Some(path.clone()),
        unix_socket_mode: 0o700,
        ..on(&["127.0.0.1"], port)
    });
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let running = Running::serve(server, Config::default());

    let socket = UnixStream::connect(&path).unwrap();
    socket.set_read_timeout(Some(support::PATIENCE)).unwrap();
    let mut writer = socket.try_clone().unwrap();
    let mut client = Client::over(socket);
    let list = String::from_utf8(client.ask("CLIENT LIST")).unwrap();
    let name = path.display();
    assert!(list.contains(&format!(" addr={name}:0 laddr={name}:0 ")), "{list}");

    // More than the socket holds, twice over: it is full, is watched for room, and is full again.
    let value = vec![b'v'; 4_000_000];
    let request = command(&[b"SET", b"big", &value]);
    std::thread::scope(|scope| {
        scope.spawn(move || writer.write_all(&request).unwrap());
        assert_eq!(client.reply(), b"+OK");
    });
    for _ in 0..2 {
        client.send(b"GET big\r\nGET big\r\n");
        assert!(client.reply() == value);
        assert!(client.reply() == value);
    }
    assert_eq!(running.stop(), 0);
    assert!(!path.exists(), "the name goes with the server");
}
