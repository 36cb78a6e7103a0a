//! Plays transcripts against Debian's redis-server and writes its replies into them.

use clap::Parser;
use rotom_sim_tests::real::RealServer;
use rotom_sim_tests::transcript::parse::{ServerSetup, Transcript};
use rotom_sim_tests::transcript::play::Stage;
use rotom_sim_tests::transcript::record::record;
use rotom_sim_tests::transcript::{corpus, files};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes a real redis-server's replies into transcripts, in place. What already describes a reply (a pattern,
/// a tolerance) stays; so do comments and replies marked as those of 7.2.
#[derive(Debug, Parser)]
struct Options {
    /// Files or directories; the whole corpus when there are none.
    paths: Vec<PathBuf>,
    /// The first of the loopback ports to use.
    #[arg(long, default_value_t = 21_500)]
    port: u16,
    /// Change nothing; fail when something would change.
    #[arg(long)]
    check: bool,
}

/// Servers follow each other on so many ports, so that none meets the remains of the one before it.
const PORTS: u16 = 40;

/// A server takes the first free one of so many.
const PORTS_TRIED: u16 = 10;

fn main() -> ExitCode {
    let options = Options::parse();
    let paths = if options.paths.is_empty() { vec![corpus()] } else { options.paths.clone() };
    let mut next_port = options.port;
    let mut start = |setup: &ServerSetup| {
        let port = next_port;
        next_port = if port + 1 == options.port + PORTS { options.port } else { port + 1 };
        RealServer::start(port..port + PORTS_TRIED, setup).map(|server| Box::new(server) as Box<dyn Stage>)
    };
    let mut failures = 0;
    for file in paths.iter().flat_map(|path| files(path)) {
        match record_file(&file, options.check, &mut start) {
            Ok(false) => {}
            Ok(true) if options.check => {
                failures += 1;
                println!("{}: differs", file.display());
            }
            Ok(true) => println!("{}: written", file.display()),
            Err(what) => {
                failures += 1;
                println!("{}:{what}", file.display());
            }
        }
    }
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Starts a server of a section's kind.
type Start<'a> = dyn FnMut(&ServerSetup) -> Result<Box<dyn Stage>, String> + 'a;

/// Records one file; returns whether anything changed.
fn record_file(file: &Path, check: bool, start: &mut Start<'_>) -> Result<bool, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("0: {error}"))?;
    let transcript = Transcript::parse(&text).map_err(|error| format!("{}: {}", error.line, error.what))?;
    let recorded = record(&transcript, &mut |setup| start(setup))
        .map_err(|error| format!("{}: {}", error.line, error.what))?;
    if recorded == text {
        return Ok(false);
    }
    if !check {
        std::fs::write(file, recorded).map_err(|error| format!("0: {error}"))?;
    }
    Ok(true)
}
