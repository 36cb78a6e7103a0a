//! Where the requests come from: redis-benchmark for what is timed, clients in a closed loop for what it cannot say or
//! would slow down, and a pipelining loader that fills servers.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::closed_loop::ClosedLoop;
use crate::support::client::{Client, Reply, encode};
use crate::support::process::Process;
use crate::support::server::Server;
use crate::support::sys::ChildSetup;

/// The longest one run of the load generator may take.
const RUN_DURATION_MAX: Duration = Duration::from_secs(300);

/// Commands the loader sends at a time when nobody times the replies.
const FILL_BATCH_COMMANDS: u64 = 1000;

/// Commands the loader sends at a time when the time to the replies matters.
const TIMED_BATCH_COMMANDS: u64 = 50;

/// What is asked of a server again and again.
#[derive(Clone, Debug)]
pub enum Work {
    /// A test that redis-benchmark knows by name.
    Test(String),
    /// A command for redis-benchmark, which puts a random number of twelve digits wherever it says `__rand_int__`.
    Command(&'static str),
    /// Commands that count as one request, the same bytes every time, and so is the reply.
    Prepared { name: &'static str, request: Vec<u8>, reply: Vec<u8> },
}

impl Work {
    /// What the progress report calls it.
    pub fn name(&self) -> &str {
        match self {
            Work::Test(name) => name,
            Work::Command(command) => command,
            Work::Prepared { name, .. } => name,
        }
    }
}

/// One run of the load generator.
#[derive(Clone, Debug)]
pub struct Load {
    /// What is asked.
    pub work: Work,
    /// Requests in flight on each connection.
    pub pipeline: u64,
    /// Connections.
    pub clients: u64,
    /// Requests in all.
    pub requests: u64,
    /// Bytes of a value.
    pub data_bytes: usize,
    /// The range of random numbers; none otherwise, so that there is one key.
    pub keyspace: Option<u64>,
}

/// What one run cost.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Requests answered per second, as the load generator saw it.
    pub requests_per_second: f64,
    /// Time the server's threads spent on a core, per request.
    pub cpu_us_per_request: f64,
}

/// Runs `load` against `server` and reads the clocks before and after.
pub fn measure(server: &Server, load: &Load, client_cpu: Option<usize>) -> Result<Sample, String> {
    if let Work::Prepared { request, reply, .. } = &load.work {
        return play(server, load, request, reply);
    }
    let before_ns = cpu_nanoseconds(server)?;
    let requests_per_second = run_redis_benchmark(server.port, load, client_cpu)?;
    let spent_ns = cpu_nanoseconds(server)? - before_ns;
    Ok(Sample { requests_per_second, cpu_us_per_request: spent_ns as f64 / 1000.0 / load.requests as f64 })
}

/// Plays a prepared request from clients in a closed loop, until it was answered as often as asked for.
fn play(server: &Server, load: &Load, request: &[u8], reply: &[u8]) -> Result<Sample, String> {
    let (batch, replies) = (request.repeat(load.pipeline as usize), reply.repeat(load.pipeline as usize));
    let broken = |error: std::io::Error| format!("{}: {error}", load.work.name());
    let mut clients = ClosedLoop::connect(server, load.clients, &batch, &replies).map_err(broken)?;
    let batches = load.requests.div_ceil(load.pipeline);
    let before_ns = cpu_nanoseconds(server)?;
    let time = clients.run(batches).map_err(broken)?;
    let spent_ns = cpu_nanoseconds(server)? - before_ns;
    let requests = (batches * load.pipeline) as f64;
    Ok(Sample {
        requests_per_second: requests / time.as_secs_f64(),
        cpu_us_per_request: spent_ns as f64 / 1000.0 / requests,
    })
}

/// Nanoseconds the server has spent on a core so far.
pub fn cpu_nanoseconds(server: &Server) -> Result<u64, String> {
    server.process.cpu_nanoseconds().map_err(|error| format!("the server's CPU time cannot be read: {error}"))
}

fn run_redis_benchmark(port: u16, load: &Load, client_cpu: Option<usize>) -> Result<f64, String> {
    let mut command = Command::new("redis-benchmark");
    command.args(["-h", "127.0.0.1", "--csv", "--precision", "3"]);
    for (option, value) in [
        ("-p", port.to_string()),
        ("-P", load.pipeline.to_string()),
        ("-c", load.clients.to_string()),
        ("-n", load.requests.to_string()),
        ("-d", load.data_bytes.to_string()),
    ] {
        command.args([option, &value]);
    }
    if let Some(keyspace) = load.keyspace {
        command.args(["-r", &keyspace.to_string()]);
    }
    match &load.work {
        Work::Test(test) => command.args(["-t", test]),
        Work::Command(words) => command.args(words.split(' ')),
        Work::Prepared { .. } => unreachable!("redis-benchmark does not play what is prepared"),
    };
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let setup = ChildSetup { cpu: client_cpu, ..ChildSetup::default() };
    let mut process = Process::spawn(&mut command, setup).map_err(|error| {
        format!("redis-benchmark cannot be started (Debian has it in redis-tools): {error}")
    })?;
    let (Some(mut stdout), Some(mut stderr)) = (process.child().stdout.take(), process.child().stderr.take())
    else {
        return Err("redis-benchmark has no output".into());
    };
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let (mut output, mut errors) = (String::new(), String::new());
        let read = stdout.read_to_string(&mut output).and_then(|_| stderr.read_to_string(&mut errors));
        // Nobody listens any more when the time was over.
        let _ = sender.send(read.map(|_| (output, errors)));
    });
    let (output, errors) = receiver
        .recv_timeout(RUN_DURATION_MAX)
        .map_err(|_| format!("{load:?} took more than {} s", RUN_DURATION_MAX.as_secs()))?
        .map_err(|error| format!("redis-benchmark's output cannot be read: {error}"))?;
    if errors.contains("Error from server") {
        return Err(format!(
            "{load:?}: {}",
            errors.lines().find(|line| line.contains("Error")).unwrap_or_default()
        ));
    }
    requests_per_second_in(&output).ok_or_else(|| format!("{load:?} gave no figure: {output}{errors}"))
}

/// The second column of the last row, under a header that starts with `"test"`.
fn requests_per_second_in(csv: &str) -> Option<f64> {
    let row = csv.lines().rfind(|line| line.starts_with('"') && !line.starts_with("\"test\""))?;
    row.split("\",\"").nth(1)?.trim_matches('"').parse().ok().filter(|&rate| rate > 0.0)
}

/// Sends `count` commands that `write` appends by their number, and checks that each is answered with OK.
pub fn fill(server: &Server, count: u64, write: impl FnMut(u64, &mut Vec<u8>)) -> Result<(), String> {
    send_all(server, count, FILL_BATCH_COMMANDS, 2, write, expect_ok).map(drop)
}

/// Sends `count` commands that `write` appends by their number; none may be answered with an error.
pub fn fill_collections(
    server: &Server,
    count: u64,
    write: impl FnMut(u64, &mut Vec<u8>),
) -> Result<(), String> {
    send_all(server, count, FILL_BATCH_COMMANDS, 2, write, expect_no_error).map(drop)
}

/// As `fill`, in small batches one after the other; returns how long each took to be answered.
pub fn fill_timed(
    server: &Server,
    count: u64,
    write: impl FnMut(u64, &mut Vec<u8>),
) -> Result<Vec<Duration>, String> {
    send_all(server, count, TIMED_BATCH_COMMANDS, 1, write, expect_ok)
}

/// Keeps up to `window` batches in flight, so that the server need not wait for the loader.
fn send_all(
    server: &Server,
    count: u64,
    batch_commands: u64,
    window: u64,
    mut write: impl FnMut(u64, &mut Vec<u8>),
    expect: impl Fn(&mut Client, u64) -> Result<(), String>,
) -> Result<Vec<Duration>, String> {
    let mut client = Client::connect(&server.address).map_err(|error| error.to_string())?;
    let batches = count.div_ceil(batch_commands);
    let batch_len = |batch: u64| batch_commands.min(count - batch * batch_commands);
    let mut times = Vec::new();
    let mut sent_at = std::collections::VecDeque::new();
    let mut request = Vec::new();
    for batch in 0..batches + window {
        if batch < batches {
            request.clear();
            for number in 0..batch_len(batch) {
                write(batch * batch_commands + number, &mut request);
            }
            sent_at.push_back(Instant::now());
            client.send_raw(&request).map_err(|error| error.to_string())?;
        }
        let Some(answered) = batch.checked_sub(window - 1).filter(|&answered| answered < batches) else {
            continue;
        };
        expect(&mut client, batch_len(answered))?;
        times.extend(sent_at.pop_front().map(|at: Instant| at.elapsed()));
    }
    Ok(times)
}

fn expect_ok(client: &mut Client, count: u64) -> Result<(), String> {
    for _ in 0..count {
        let mut reply = [0; 5];
        client.read_exact(&mut reply).map_err(|error| format!("the server stopped answering: {error}"))?;
        if reply != *b"+OK\r\n" {
            return Err(format!("a key was not set; the reply starts with {}", reply.escape_ascii()));
        }
    }
    Ok(())
}

fn expect_no_error(client: &mut Client, count: u64) -> Result<(), String> {
    for _ in 0..count {
        match client.read_reply() {
            Ok(Reply::Error(text)) => return Err(format!("an element was not added: {text}")),
            Ok(_) => {}
            Err(error) => return Err(format!("the server stopped answering: {error}")),
        }
    }
    Ok(())
}

/// Appends the SET of the key number `number` as redis-benchmark names its keys, with this value.
pub fn write_set(number: u64, value: &[u8], out: &mut Vec<u8>) {
    encode(&[b"SET", format!("key:{number:012}").as_bytes(), value], out);
}

/// SET of one key, from clients in a closed loop.
pub fn set_again_and_again(data_bytes: usize) -> Work {
    let mut request = Vec::new();
    write_set(0, &vec![b'x'; data_bytes], &mut request);
    Work::Prepared { name: "set", request, reply: b"+OK\r\n".to_vec() }
}

/// Sends one command to `server`; an error reply is an error.
pub fn tell(server: &Server, command: &str) -> Result<Reply, String> {
    let broken = |error| format!("{command}: {error}");
    let mut client = Client::connect(&server.address).map_err(broken)?;
    match client.try_call(&command.split(' ').collect::<Vec<_>>()).map_err(broken)? {
        Reply::Error(text) => Err(format!("{command}: {text}")),
        reply => Ok(reply),
    }
}
