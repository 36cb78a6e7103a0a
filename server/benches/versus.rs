//! rotom beside other servers, on the same machine in the same minutes:
//! `cargo bench -p rotom-server --bench versus -- --help`.
//!
//! The method: every server pinned to one core, the load generator to another. A round visits the servers in
//! turn, so that a machine that drifts drifts for all; a figure is the median over the rounds, a ratio the
//! median of the rounds' ratios. Requests per second depend on the load generator as well, so the figure to
//! trust is the time the server's threads spent on a core, per request, as the scheduler accounts for it.
//! `ROTOM_SERVER_BIN` puts another program in rotom's place.

#![deny(unsafe_code)]

#[path = "versus/closed_loop.rs"]
mod closed_loop;
#[path = "versus/collections.rs"]
mod collections;
#[path = "versus/contest.rs"]
mod contest;
#[path = "versus/durable.rs"]
mod durable;
#[path = "versus/epoll.rs"]
mod epoll;
#[path = "versus/floor.rs"]
mod floor;
#[path = "versus/footprint.rs"]
mod footprint;
#[path = "versus/load.rs"]
mod load;
#[path = "versus/open_loop.rs"]
mod open_loop;
#[path = "versus/options.rs"]
mod options;
#[path = "versus/report.rs"]
mod report;
#[path = "versus/saves.rs"]
mod saves;
#[path = "../tests/support/mod.rs"]
mod support;
#[path = "versus/throughput.rs"]
mod throughput;

use std::process::ExitCode;

use clap::Parser;

use contest::Contest;
use options::{CommandLine, Options, Role};
use report::Report;

fn main() -> ExitCode {
    let CommandLine { role, options } = CommandLine::parse();
    let result = match role {
        Some(Role::Floor { port }) => {
            floor::serve(port).map_err(|error| format!("the floor gave way: {error}"))
        }
        None if options.smoke => run(&options.made_tiny()),
        None => run(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("versus: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let contest = Contest::prepare(options)?;
    let mut report = Report::default();
    let result = run_modes(&contest, options, &mut report);
    // What was measured before something failed is shown all the same.
    report.print(options.markdown);
    if let Some(path) = &options.json {
        std::fs::write(path, report.to_json()).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    result
}

fn run_modes(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let others = options.cold
        || options.memory
        || options.growth.is_some()
        || options.idle.is_some()
        || options.active.is_some()
        || options.collections
        || options.large
        || options.collection_memory
        || options.collection_turns.is_some()
        || options.saves
        || options.durable
        || options.loading.is_some();
    if options.hot || !others {
        throughput::hot(contest, options, report)?;
    }
    if options.cold {
        throughput::cold(contest, options, report)?;
    }
    if options.memory {
        footprint::memory(contest, options, report)?;
    }
    if options.collections {
        collections::small(contest, options, report)?;
    }
    if options.large {
        collections::large(contest, options, report)?;
    }
    if options.collection_memory {
        collections::memory(contest, options, report)?;
    }
    if let Some(elements) = options.collection_turns {
        collections::turns(elements, contest, report)?;
    }
    if let Some(connections) = options.idle {
        footprint::idle(connections, contest, options, report)?;
    }
    if let Some(connections) = options.active {
        throughput::active(connections, contest, options, report)?;
    }
    if let Some(keys) = options.growth {
        footprint::growth(keys, contest, report)?;
    }
    if options.durable {
        durable::writing(contest, options, report)?;
    }
    if let Some(commands) = options.loading {
        durable::loading(commands, contest, options, report)?;
    }
    if options.saves {
        saves::saves(contest, options, report)?;
    }
    Ok(())
}
