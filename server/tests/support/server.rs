//! Starts a server on a free loopback port and waits until it answers.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::client::{Address, Client, Reply};
use super::directory::TempDirectory;
use super::process::Process;
use super::sys::ChildSetup;
use super::{PATIENCE, server_binary, wait_for};

/// How many ports are tried when others keep taking the one that was just free.
const PORT_ATTEMPTS_MAX: u32 = 5;

/// How long a server may load what it finds.
const LOADING_PATIENCE: Duration = Duration::from_secs(600);

/// How long a server is watched for spinning.
const SPIN_WINDOW: Duration = Duration::from_millis(400);

/// The file in the server's directory that takes what it prints.
const OUTPUT_FILE: &str = "output.log";

/// How to start a server, decided once its directory and port are known.
#[derive(Debug)]
pub struct Invocation {
    /// Its command line without the program.
    pub arguments: Vec<String>,
    /// What it reads from standard input; nothing when empty.
    pub input: String,
    /// Variables added to its environment.
    pub environment: Vec<(String, String)>,
    /// Where it will listen.
    pub address: Address,
    /// What its process sets up before it starts.
    pub setup: ChildSetup,
}

impl Invocation {
    /// This command line, listening on the loopback `port`.
    pub fn new<A: AsRef<str>>(port: u16, arguments: &[A]) -> Invocation {
        Invocation {
            arguments: arguments.iter().map(|argument| argument.as_ref().to_owned()).collect(),
            input: String::new(),
            environment: Vec::new(),
            address: loopback(port),
            setup: ChildSetup::default(),
        }
    }

    /// The usual command line of a server that keeps nothing on disk, and `more`.
    pub fn usual(directory: &Path, port: u16, more: &[&str]) -> Invocation {
        let port_text = port.to_string();
        let directory = directory.to_string_lossy();
        let mut arguments =
            vec!["--port", &port_text, "--bind", "127.0.0.1", "--save", "", "--dir", &directory];
        arguments.extend(more);
        Invocation::new(port, &arguments)
    }
}

/// A running server that ends with this guard, its directory included.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: Address,
    /// The port it was given.
    pub port: u16,
    directory: TempDirectory,
}

impl Server {
    /// Starts the server under test with the usual options and `more`.
    #[track_caller]
    pub fn start(more: &[&str]) -> Server {
        Server::start_as(|directory, port| Invocation::usual(directory, port, more))
    }

    /// Starts the server under test as `plan` says.
    #[track_caller]
    pub fn start_as(plan: impl Fn(&Path, u16) -> Invocation) -> Server {
        match Server::launch(&server_binary(), plan) {
            Ok(server) => server,
            Err(reason) => panic!("{reason}"),
        }
    }

    /// Starts `program` as `plan` says for its directory and port, and waits until it answers.
    pub fn launch(program: &Path, plan: impl Fn(&Path, u16) -> Invocation) -> Result<Server, String> {
        let directory = TempDirectory::new().map_err(|error| format!("no directory: {error}"))?;
        Server::launch_in(directory, program, plan)
    }

    /// As [`launch`](Self::launch), on what others have left in `directory`. Another port is tried when somebody
    /// else took the one that was free a moment before.
    pub fn launch_in(
        mut directory: TempDirectory,
        program: &Path,
        plan: impl Fn(&Path, u16) -> Invocation,
    ) -> Result<Server, String> {
        let mut refusal = String::new();
        for _ in 0..PORT_ATTEMPTS_MAX {
            let port = free_port().map_err(|error| format!("no free port: {error}"))?;
            let invocation = plan(directory.path(), port);
            let process = spawn(program, &invocation, directory.path())
                .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
            let mut server = Server { process, address: invocation.address, port, directory };
            match server.wait_until_ready() {
                Ok(()) => return Ok(server),
                Err(Trouble::PortTaken) => refusal = server.output(),
                Err(Trouble::Failed(reason)) => {
                    return Err(format!("{} {reason}; it said:\n{}", program.display(), server.output()));
                }
            }
            directory = server.kill();
        }
        Err(format!("{}: every port tried was taken; it said:\n{refusal}", program.display()))
    }

    /// Starts `program` in `directory` and kills it again, as soon as it was knocked at so many times.
    pub fn kill_early(
        directory: TempDirectory,
        program: &Path,
        plan: impl Fn(&Path, u16) -> Invocation,
        attempts: u64,
    ) -> Result<TempDirectory, String> {
        let port = free_port().map_err(|error| format!("no free port: {error}"))?;
        let invocation = plan(directory.path(), port);
        let process = spawn(program, &invocation, directory.path())
            .map_err(|error| format!("cannot start {}: {error}", program.display()))?;
        for _ in 0..attempts {
            // Whether anybody opens does not matter.
            drop(Client::connect(&invocation.address));
        }
        drop(process);
        Ok(directory)
    }

    /// Ends it without a warning, and answers what it leaves.
    pub fn kill(self) -> TempDirectory {
        self.directory
    }

    /// A new connection to it.
    #[track_caller]
    pub fn connect(&self) -> Client {
        match Client::connect(&self.address) {
            Ok(client) => client,
            Err(error) => panic!("cannot connect to {:?}: {error}", self.address),
        }
    }

    /// Its working directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// What it has printed so far.
    pub fn output(&self) -> String {
        fs::read_to_string(self.directory().join(OUTPUT_FILE)).unwrap_or_default()
    }

    /// Fails unless a new client is served.
    #[track_caller]
    pub fn assert_serves(&self) {
        assert_eq!(self.connect().ask("PING"), Reply::Simple("PONG".into()));
    }

    /// Fails when the server keeps its core busy though nobody asks anything of it. A server that spins uses
    /// all the time it is given, one that sleeps next to none; a busy machine only hides the difference.
    #[track_caller]
    pub fn assert_does_not_spin(&self) {
        let cpu_nanoseconds = || u128::from(self.process.cpu_nanoseconds().expect("the server is running"));
        let before = cpu_nanoseconds();
        std::thread::sleep(SPIN_WINDOW);
        let spent = cpu_nanoseconds() - before;
        assert!(spent < SPIN_WINDOW.as_nanos() / 4, "the idle server spent {spent} ns on a core");
    }

    fn wait_until_ready(&mut self) -> Result<(), Trouble> {
        let mut verdict = Err(Trouble::Failed("does not answer".into()));
        let mut deadline = Instant::now() + PATIENCE;
        wait_for(LOADING_PATIENCE, || {
            if let Some(status) = self.process.exit_status() {
                let taken = self.output().contains("in use");
                verdict =
                    Err(if taken { Trouble::PortTaken } else { Trouble::Failed(format!("ended: {status}")) });
                return true;
            }
            match self.identity() {
                Ok(Identity::Loading) => {
                    deadline = Instant::now() + PATIENCE;
                    return false;
                }
                Ok(Identity::Process(pid)) if pid != self.process.pid() => verdict = Err(Trouble::PortTaken),
                Ok(_) => verdict = Ok(()),
                Err(_) => return Instant::now() > deadline,
            }
            true
        });
        verdict
    }

    /// Who answers at the address.
    fn identity(&self) -> io::Result<Identity> {
        let mut client = Client::connect(&self.address)?;
        if matches!(client.try_call(&["PING"])?, Reply::Error(text) if text.starts_with("LOADING")) {
            return Ok(Identity::Loading);
        }
        let pid = info_field(&client.try_call(&["INFO", "server"])?, "process_id");
        Ok(pid.and_then(|pid| pid.parse().ok()).map_or(Identity::Secret, Identity::Process))
    }
}

/// How a program that ran to its end did.
#[derive(Debug)]
pub struct Outcome {
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed on standard output and standard error together.
    pub output: String,
}

/// Runs the server under test for a command line that ends by itself, in `directory`.
#[track_caller]
pub fn run_to_end(directory: &Path, arguments: &[&str], input: &str) -> Outcome {
    let mut invocation = Invocation::new(0, arguments);
    input.clone_into(&mut invocation.input);
    let mut process = spawn(&server_binary(), &invocation, directory).expect("the program can be started");
    let Some(status) = process.wait_for_exit(PATIENCE) else { panic!("{arguments:?} did not end") };
    Outcome { status, output: fs::read_to_string(directory.join(OUTPUT_FILE)).unwrap_or_default() }
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// The IPv4 loopback at `port`.
pub fn loopback(port: u16) -> Address {
    Address::Tcp(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
}

/// The value of a line `name:value` in a reply to INFO.
pub fn info_field(info: &Reply, name: &str) -> Option<String> {
    let value =
        |line: &str| line.strip_prefix(name)?.strip_prefix(':').map(|value| value.trim_end().to_owned());
    info.text().lines().find_map(value)
}

enum Identity {
    /// Somebody who is not ready yet.
    Loading,
    /// A process.
    Process(u32),
    /// Somebody who does not say, as before authentication.
    Secret,
}

enum Trouble {
    PortTaken,
    Failed(String),
}

fn spawn(program: &Path, invocation: &Invocation, directory: &Path) -> io::Result<Process> {
    let output = File::create(directory.join(OUTPUT_FILE))?;
    let mut command = Command::new(program);
    command.args(&invocation.arguments).current_dir(directory);
    command.envs(invocation.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(if invocation.input.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(output.try_clone()?).stderr(output);
    let mut process = Process::spawn(&mut command, invocation.setup)?;
    if let Some(mut stdin) = process.child().stdin.take() {
        stdin.write_all(invocation.input.as_bytes())?;
    }
    Ok(process)
}
