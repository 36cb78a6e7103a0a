//! Exchanges files in the RDB format with a real redis-server.

use clap::Parser;
use rotom_sim_tests::interchange::{Settings, run};
use std::process::ExitCode;

/// Fills a real redis-server, reads what it saves, writes that anew and has the server load it. Both have to hold the
/// same data.
#[derive(Debug, Parser)]
struct Options {
    /// Everything that is sent follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many commands make the data of one round, of which there are two.
    #[arg(long, default_value_t = 20_000)]
    commands: usize,
    /// The first of the loopback ports on which to start the redis-server.
    #[arg(long, default_value_t = 21_600)]
    redis_port: u16,
}

/// The redis-server takes the first free one of so many ports.
const PORTS_TRIED: u16 = 20;

fn main() -> ExitCode {
    let Options { seed, commands, redis_port } = Options::parse();
    let ports = redis_port..redis_port.saturating_add(PORTS_TRIED);
    match run(&Settings { seed, commands, ports }) {
        Ok(keys) => {
            println!("seed {seed}: {keys} keys went to and fro, all alike");
            ExitCode::SUCCESS
        }
        Err(what) => {
            println!("seed {seed}: {what}");
            ExitCode::FAILURE
        }
    }
}
