//! The command line of the benchmark.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Measures rotom beside other servers: requests per second and server CPU time per request, memory, growth.
///
/// Each server runs pinned to one core and the load generator, redis-benchmark, to another; the servers take
/// turns within every round, so drift of the machine hits all alike. The floor is a server that answers +OK
/// without doing anything: what the kernel alone costs.
#[derive(Debug, Parser)]
#[command(name = "versus", bin_name = "cargo bench -p rotom-server --bench versus --")]
pub struct CommandLine {
    /// What the benchmark runs itself for.
    #[command(subcommand)]
    pub role: Option<Role>,
    /// What to measure and how.
    #[command(flatten)]
    pub options: Options,
}

/// What a copy of the benchmark does besides measuring.
#[derive(Clone, Debug, Subcommand)]
pub enum Role {
    /// Serve as the floor.
    #[command(hide = true)]
    Floor {
        /// The loopback port to listen on.
        #[arg(long)]
        port: u16,
    },
}

/// What to measure and how.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Measure the hot set: one key, each of --tests at each of --pipelines (the default)
    #[arg(long)]
    pub hot: bool,
    /// Measure GET and SET of random keys out of --keyspace, all of which exist
    #[arg(long)]
    pub cold: bool,
    /// Measure resident bytes per key for several kinds of value
    #[arg(long)]
    pub memory: bool,
    /// Measure commands on small collections and transactions at each of --collection-pipelines
    #[arg(long)]
    pub collections: bool,
    /// Measure collections of --elements elements, each in one key
    #[arg(long)]
    pub large: bool,
    /// Measure resident bytes per element of large and of small collections
    #[arg(long)]
    pub collection_memory: bool,
    /// Show the longest turns while collections of so many elements grow, and are given up in several ways
    #[arg(long, value_name = "ELEMENTS")]
    pub collection_turns: Option<u64>,
    /// Grow an empty server to this many keys and show its longest turns
    #[arg(long, value_name = "KEYS")]
    pub growth: Option<u64>,
    /// Measure resident bytes per idle connection
    #[arg(long, value_name = "CONNECTIONS")]
    pub idle: Option<u64>,
    /// Compare 50 connections with this many, all active
    #[arg(long, value_name = "CONNECTIONS")]
    pub active: Option<u64>,
    /// Measure latencies under a load of --rate commands a second: alone, during BGSAVE and during BGREWRITEAOF
    #[arg(long)]
    pub saves: bool,
    /// Measure SET without a log, with one that is synced every second, and with one that is always synced
    #[arg(long)]
    pub durable: bool,
    /// Measure the time it takes to load a log of so many commands
    #[arg(long, value_name = "COMMANDS")]
    pub loading: Option<u64>,
    /// Run everything, tiny, in seconds; fails when a server does not answer or a figure is missing
    #[arg(long)]
    pub smoke: bool,
    /// Rounds; every figure is the median over them
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Requests of one run; without pipelining a quarter of it
    #[arg(long, short = 'n', default_value_t = 1_000_000)]
    pub requests: u64,
    /// Pipeline depths of the hot set
    #[arg(long, short = 'P', value_delimiter = ',', default_values_t = [1, 10, 50])]
    pub pipelines: Vec<u64>,
    /// Tests of the hot set, by redis-benchmark's names
    #[arg(long, short = 't', value_delimiter = ',', default_values_t = ["set", "get", "incr"].map(String::from))]
    pub tests: Vec<String>,
    /// Bytes of a value in SET and GET
    #[arg(long, short = 'd', default_value_t = 3)]
    pub data_bytes: usize,
    /// Connections of the load generator
    #[arg(long, short = 'c', default_value_t = 50)]
    pub clients: u64,
    /// Keys of --cold
    #[arg(long, short = 'r', default_value_t = 5_000_000)]
    pub keyspace: u64,
    /// Keys of --memory
    #[arg(long, default_value_t = 1_000_000)]
    pub memory_keys: u64,
    /// Pipeline depths of --collections
    #[arg(long, value_delimiter = ',', default_values_t = [1, 50])]
    pub collection_pipelines: Vec<u64>,
    /// Elements of --large and --collection-memory, and of each of the four collections of --saves
    #[arg(long, default_value_t = 1_000_000)]
    pub elements: u64,
    /// Small keys of --saves
    #[arg(long, default_value_t = 4_600_000)]
    pub saved_keys: u64,
    /// Commands of --saves in a second
    #[arg(long, default_value_t = 50_000)]
    pub rate: u64,
    /// Seconds that --saves measures at least
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Only those cases of --collections and --large whose name contains one of these
    #[arg(long, value_delimiter = ',')]
    pub only: Vec<String>,
    /// Another server to measure, with redis-server's command line
    #[arg(long = "peer", value_name = "NAME=PROGRAM", value_parser = parse_peer)]
    pub peers: Vec<(String, PathBuf)>,
    /// The core the servers run on
    #[arg(long)]
    pub server_cpu: Option<usize>,
    /// The core the load runs on
    #[arg(long)]
    pub client_cpu: Option<usize>,
    /// Write every figure to this file
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Print the tables as Markdown
    #[arg(long)]
    pub markdown: bool,
    /// Looks at a server's memory that must agree before it counts as settled.
    #[arg(skip = 10_usize)]
    pub settle_looks: usize,
    /// What cargo passes to every benchmark
    #[arg(long, hide = true)]
    pub bench: bool,
}

impl Options {
    /// Whether a case of that name is asked for.
    pub fn includes(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }

    /// The options with everything on and tiny, as `--smoke` runs it.
    pub fn made_tiny(mut self) -> Options {
        (self.hot, self.cold, self.memory) = (true, true, true);
        (self.collections, self.large, self.collection_memory) = (true, true, true);
        (self.collection_turns, self.elements) = (Some(5_000), 10_000);
        (self.growth, self.idle, self.active) = (Some(20_000), Some(100), Some(200));
        (self.rounds, self.requests, self.keyspace, self.memory_keys) = (1, 20_000, 10_000, 10_000);
        (self.saves, self.durable, self.loading) = (true, true, Some(20_000));
        (self.saved_keys, self.rate, self.seconds) = (20_000, 2_000, 1);
        self.settle_looks = 2;
        self
    }
}

fn parse_peer(text: &str) -> Result<(String, PathBuf), String> {
    let (name, program) = text.split_once('=').ok_or("expected NAME=PROGRAM")?;
    Ok((name.into(), program.into()))
}
