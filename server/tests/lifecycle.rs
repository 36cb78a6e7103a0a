//! From the command line to the exit status: configuration, signals, and what init systems rely on.

#![deny(unsafe_code)]

mod support;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;

use support::client::{Client, Reply};
use support::directory::TempDirectory;
use support::server::{Invocation, Outcome, Server, free_port, loopback, run_to_end};
use support::{PATIENCE, sys, wait_until};

/// Starts a server from a configuration file that listens where it should and has `more` lines.
fn start_from_file(more: &str) -> Server {
    Server::start_as(|directory, port| {
        fs::write(directory.join("rotom.conf"), configuration(directory, port, more)).unwrap();
        Invocation::new(port, &[directory.join("rotom.conf").to_string_lossy()])
    })
}

fn configuration(directory: &Path, port: u16, more: &str) -> String {
    format!("# a comment\nport {port}\nbind 127.0.0.1\nsave \"\"\ndir {}\n{more}", directory.display())
}

/// Runs the server with a configuration file of these lines that it ought to refuse.
fn run_with_file(lines: &str) -> Outcome {
    let directory = TempDirectory::new().unwrap();
    let path = directory.path().join("rotom.conf");
    fs::write(&path, lines).unwrap();
    run_to_end(directory.path(), &[path.to_str().unwrap()], "")
}

#[test]
fn sigterm_and_sigint_end_it_cleanly() {
    for signal in [libc::SIGTERM, libc::SIGINT] {
        let mut server = Server::start_as(|directory, port| {
            Invocation::usual(directory, port, &["--pidfile", directory.join("pid").to_str().unwrap()])
        });
        let pidfile = server.directory().join("pid");
        assert_eq!(fs::read_to_string(&pidfile).unwrap(), format!("{}\n", server.process.pid()));
        let mut client = server.connect();
        assert_eq!(client.ask("PING"), Reply::Simple("PONG".into()));
        server.process.signal(signal);
        assert_eq!(client.read_until_closed().unwrap(), b"");
        let status = server.process.wait_for_exit(PATIENCE).expect("it ends");
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{}", server.output());
        assert!(!pidfile.exists(), "the pidfile is removed");
    }
}

#[test]
fn sighup_is_ignored() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    server.process.signal(libc::SIGHUP);
    assert_eq!(client.ask("PING"), Reply::Simple("PONG".into()));
    server.assert_serves();
}

#[test]
fn shutdown_ends_it_without_a_reply() {
    for command in ["SHUTDOWN", "SHUTDOWN NOSAVE", "SHUTDOWN NOSAVE NOW FORCE"] {
        let mut server = Server::start(&[]);
        let mut client = server.connect();
        client.send(&command.split(' ').collect::<Vec<_>>()).unwrap();
        assert_eq!(client.read_until_closed().unwrap(), b"", "{command}");
        let status = server.process.wait_for_exit(PATIENCE).expect("it ends");
        assert_eq!(status.code(), Some(0), "{command}: {}", server.output());
    }
}

#[test]
fn version_and_help_print_and_end() {
    let directory = TempDirectory::new().unwrap();
    for option in ["--version", "-v"] {
        let outcome = run_to_end(directory.path(), &[option], "");
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.output);
        assert!(outcome.output.contains(env!("CARGO_PKG_VERSION")), "{}", outcome.output);
    }
    for option in ["--help", "-h"] {
        let outcome = run_to_end(directory.path(), &[option], "");
        // Redis prints this on standard error and exits with 1.
        assert_eq!(outcome.status.code(), Some(0), "{}", outcome.output);
        assert!(outcome.output.contains("Usage:"), "{}", outcome.output);
    }
}

#[test]
fn check_config_judges_a_file_without_serving() {
    let directory = TempDirectory::new().unwrap();
    let check = |lines: &str| {
        let path = directory.path().join("rotom.conf");
        fs::write(&path, lines).unwrap();
        run_to_end(directory.path(), &[path.to_str().unwrap(), "--check-config"], "")
    };
    let good = check("port 6379\nmaxclients 100\n");
    assert_eq!(good.status.code(), Some(0), "{}", good.output);
    let bad = check("port 6379\nmaxclients many\n");
    assert_eq!(bad.status.code(), Some(1), "{}", bad.output);
    assert!(bad.output.contains("maxclients many"), "{}", bad.output);
}

#[test]
fn a_bad_directive_is_named_with_its_place_and_reason() {
    for (lines, line_number, directive, reason) in [
        ("port 0\nappendonlyy yes\n", 2, "appendonlyy yes", "Bad directive or wrong number of arguments"),
        ("port\n", 1, "port", "wrong number of arguments"),
        ("\n\nport 70000\n", 3, "port 70000", "argument must be between 0 and 65535 inclusive"),
        ("tcp-nodelay \"x\n", 1, "tcp-nodelay \"x", "Unbalanced quotes in configuration line"),
        ("daemonize maybe\n", 1, "daemonize maybe", "argument must be 'yes' or 'no'"),
        (
            "loglevel loud\n",
            1,
            "loglevel loud",
            "argument(s) must be one of the following: debug, verbose, notice, warning",
        ),
        ("maxclients 0\n", 1, "maxclients 0", "argument must be between 1 and 4294967295 inclusive"),
        ("proto-max-bulk-len 1zb\n", 1, "proto-max-bulk-len 1zb", "argument must be a memory value"),
    ] {
        let outcome = run_with_file(lines);
        assert_eq!(outcome.status.code(), Some(1), "{lines}{}", outcome.output);
        for part in ["FATAL CONFIG FILE ERROR", &format!("at line {line_number}\n"), directive, reason] {
            assert!(outcome.output.contains(part), "{part:?} is not in:\n{}", outcome.output);
        }
    }
}

#[test]
fn an_error_names_the_file_it_is_in() {
    let directory = TempDirectory::new().unwrap();
    let (outer, inner) = (directory.path().join("outer.conf"), directory.path().join("inner.conf"));
    fs::write(&outer, format!("port 0\ninclude {}\n", inner.display())).unwrap();
    fs::write(&inner, "# nothing\nnonsense 1\n").unwrap();
    let outcome = run_to_end(directory.path(), &[outer.to_str().unwrap()], "");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    assert!(outcome.output.contains(inner.to_str().unwrap()), "{}", outcome.output);
    assert!(outcome.output.contains("at line 2"), "{}", outcome.output);
}

#[test]
fn a_missing_configuration_file_ends_the_start() {
    let directory = TempDirectory::new().unwrap();
    let outcome = run_to_end(directory.path(), &["/nonexistent/rotom.conf"], "");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    assert!(outcome.output.contains("/nonexistent/rotom.conf"), "{}", outcome.output);
}

#[test]
fn a_bad_option_on_the_command_line_ends_the_start() {
    let directory = TempDirectory::new().unwrap();
    let outcome = run_to_end(directory.path(), &["--no-such-option", "1"], "");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    assert!(outcome.output.contains("no-such-option"), "{}", outcome.output);
}

#[test]
fn configuration_comes_from_standard_input_too() {
    let server = Server::start_as(|directory, port| {
        let input = configuration(directory, port, "maxclients 77\n");
        Invocation { input, ..Invocation::new(port, &["-"]) }
    });
    let reply = server.connect().ask("CONFIG GET maxclients");
    assert_eq!(reply.field("maxclients"), Some(&Reply::bulk("77")));
}

#[test]
fn the_command_line_overrides_the_file_and_files_include_others() {
    let server = Server::start_as(|directory, port| {
        let included = directory.join("included.conf");
        fs::write(&included, "maxclients 77\ntimeout 10\nproto-max-bulk-len 2m\n").unwrap();
        let lines = configuration(directory, port, &format!("include {}\ntimeout 20\n", included.display()));
        let path = directory.join("rotom.conf");
        fs::write(&path, lines).unwrap();
        Invocation::new(port, &[path.to_str().unwrap(), "--tcp-keepalive", "55"])
    });
    let mut client = server.connect();
    for (name, expected) in
        [("maxclients", "77"), ("timeout", "20"), ("proto-max-bulk-len", "2000000"), ("tcp-keepalive", "55")]
    {
        assert_eq!(client.call(&["CONFIG", "GET", name]).field(name), Some(&Reply::bulk(expected)));
    }
}

#[test]
fn memory_values_take_units() {
    let server = Server::start(&["--proto-max-bulk-len", "1gb"]);
    let mut client = server.connect();
    for (written, bytes) in
        [("2097152", 2 << 20), ("3MB", 3 << 20), ("3m", 3_000_000), ("2048kb", 2 << 20), ("2000K", 2_000_000)]
    {
        assert_eq!(client.call(&["CONFIG", "SET", "proto-max-bulk-len", written]), Reply::ok());
        let reply = client.ask("CONFIG GET proto-max-bulk-len");
        assert_eq!(reply.field("proto-max-bulk-len"), Some(&Reply::bulk(bytes.to_string())), "{written}");
    }
}

/// Redis would start with it; this version promises nothing it does not do.
#[test]
fn a_limit_that_nobody_would_keep_is_refused() {
    let outcome = run_with_file("port 0\nmaxmemory 1gb\n");
    assert_eq!(outcome.status.code(), Some(1), "{}", outcome.output);
    assert!(outcome.output.contains("maxmemory"), "{}", outcome.output);
    let server = Server::start(&[]);
    let mut client = server.connect();
    let reply = client.ask("CONFIG SET maxmemory 1gb");
    assert!(matches!(&reply, Reply::Error(text) if text.contains("maxmemory")), "{reply:?}");
    assert_eq!(client.ask("CONFIG GET maxmemory").field("maxmemory"), Some(&Reply::bulk("0")));
}

#[test]
fn the_log_goes_to_the_logfile() {
    let mut server = Server::start_as(|directory, port| {
        Invocation::usual(directory, port, &["--logfile", directory.join("server.log").to_str().unwrap()])
    });
    let log = || fs::read_to_string(server.directory().join("server.log")).unwrap();
    wait_until("the log says that it is ready", || log().contains("Ready to accept connections"));
    assert_eq!(server.output(), "", "nothing goes elsewhere");
    server.process.signal(libc::SIGTERM);
    assert!(server.process.wait_for_exit(PATIENCE).is_some());
    let log = fs::read_to_string(server.directory().join("server.log")).unwrap();
    let of_this_process = format!("{}:M ", server.process.pid());
    assert!(log.lines().any(|line| line.starts_with(&of_this_process)), "{log}");
}

#[test]
fn daemonize_leaves_a_server_behind() {
    let directory = TempDirectory::new().unwrap();
    let port = free_port().unwrap();
    let path = |name: &str| directory.path().join(name).to_string_lossy().into_owned();
    let (port_text, dir, pidfile, logfile) = (port.to_string(), path(""), path("pid"), path("log"));
    let mut arguments = vec!["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--dir", &dir];
    arguments.extend(["--daemonize", "yes", "--pidfile", &pidfile, "--logfile", &logfile]);
    let outcome = run_to_end(directory.path(), &arguments, "");
    assert_eq!(outcome.status.code(), Some(0), "{}", outcome.output);
    let mut daemon = None;
    wait_until("the pidfile is written", || {
        daemon = fs::read_to_string(&pidfile).ok().and_then(|text| text.trim_end().parse().ok()).map(Daemon);
        daemon.is_some()
    });
    let Daemon(pid) = *daemon.as_ref().unwrap();
    wait_until("the daemon answers", || {
        Client::connect(&loopback(port)).is_ok_and(|mut client| client.try_call(&["PING"]).is_ok())
    });
    let info = Client::connect(&loopback(port)).unwrap().ask("INFO server");
    assert_eq!(support::server::info_field(&info, "process_id"), Some(pid.to_string()));
    sys::signal(pid, libc::SIGTERM).unwrap();
    wait_until("the daemon ends", || Client::connect(&loopback(port)).is_err());
    wait_until("its pidfile is gone", || !Path::new(&pidfile).exists());
    assert!(fs::read_to_string(&logfile).unwrap().contains("Ready to accept connections"));
}

/// A process that is nobody's child; killed with the guard.
struct Daemon(u32);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It fails when the daemon has ended, as it should have.
        let _ = sys::signal(self.0, libc::SIGKILL);
    }
}

#[test]
fn systemd_is_told_when_everything_is_loaded() {
    const KEYS: usize = 200_000;
    let inbox_directory = TempDirectory::new().unwrap();
    let inbox_path = inbox_directory.path().join("notify");
    let inbox = UnixDatagram::bind(&inbox_path).unwrap();
    inbox.set_read_timeout(Some(PATIENCE)).unwrap();
    let log: String =
        (0..KEYS).map(|key| format!("*3\r\n$3\r\nSET\r\n$6\r\n{key:06}\r\n$1\r\nv\r\n")).collect();
    let port = Arc::new(AtomicU16::new(0));
    let observed_port = Arc::clone(&port);
    // It is looked at the moment the message is there.
    let observer = thread::spawn(move || {
        wait_for_ready(&inbox);
        Client::connect(&loopback(observed_port.load(Ordering::SeqCst))).unwrap().ask("INFO persistence")
    });
    let server = Server::start_as(|directory, own_port| {
        port.store(own_port, Ordering::SeqCst);
        fs::write(directory.join("appendonly.aof"), &log).unwrap();
        let mut invocation =
            Invocation::usual(directory, own_port, &["--supervised", "systemd", "--appendonly", "yes"]);
        invocation.environment.push(("NOTIFY_SOCKET".into(), inbox_path.to_string_lossy().into_owned()));
        invocation
    });
    let info = observer.join().expect("a READY=1 among the messages");
    assert_eq!(support::server::info_field(&info, "loading").as_deref(), Some("0"));
    assert_eq!(server.connect().ask("DBSIZE"), Reply::Integer(KEYS as i64));
}

fn wait_for_ready(inbox: &UnixDatagram) {
    let mut message = [0; 512];
    loop {
        let len_bytes = inbox.recv(&mut message).expect("a READY=1 among the messages");
        if message[..len_bytes].split(|&byte| byte == b'\n').any(|line| line == b"READY=1") {
            return;
        }
    }
}

#[test]
fn config_rewrite_keeps_the_file_and_changes_what_changed() {
    let server = start_from_file("timeout 10 \n# the last line\n");
    let mut client = server.connect();
    assert_eq!(client.ask("CONFIG SET timeout 30 maxclients 77 proto-max-bulk-len 2mb"), Reply::ok());
    assert_eq!(client.ask("CONFIG REWRITE"), Reply::ok());
    let path = server.directory().join("rotom.conf");
    let rewritten = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = rewritten.lines().collect();
    assert_eq!(lines[0], "# a comment");
    for line in [
        "timeout 30",
        "# the last line",
        "# Generated by CONFIG REWRITE",
        "maxclients 77",
        "proto-max-bulk-len 2mb",
    ] {
        assert_eq!(lines.iter().filter(|&&other| other == line).count(), 1, "{line:?} in\n{rewritten}");
    }
    let port = server.port;
    drop(client);
    let mut server = server;
    server.process.signal(libc::SIGTERM);
    assert!(server.process.wait_for_exit(PATIENCE).is_some());
    let again = Server::start_as(|directory, new_port| {
        let path = directory.join("rotom.conf");
        let dir_line = rewritten.lines().find(|line| line.starts_with("dir ")).unwrap();
        let moved = rewritten
            .replace(&format!("port {port}\n"), &format!("port {new_port}\n"))
            .replace(dir_line, &format!("dir {}", directory.display()));
        fs::write(&path, moved).unwrap();
        Invocation::new(new_port, &[path.to_str().unwrap()])
    });
    assert_eq!(again.connect().ask("CONFIG GET timeout").field("timeout"), Some(&Reply::bulk("30")));
}

#[test]
fn config_rewrite_needs_a_file() {
    let server = Server::start(&[]);
    let refusal = "ERR The server is running without a config file";
    assert_eq!(server.connect().ask("CONFIG REWRITE"), Reply::Error(refusal.into()));
}
