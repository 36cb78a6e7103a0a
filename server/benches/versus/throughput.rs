//! Requests per second and CPU time per request: the hot set, the cold set, and many connections.

use crate::contest::{Contest, Contestant};
use crate::load::{self, Load, Sample, Work, measure, tell};
use crate::options::Options;
use crate::report::{Report, Table, median, with_commas};
use crate::support::client::Reply;
use crate::support::server::Server;

/// Pipeline depth of the cold measurement.
const COLD_PIPELINE: u64 = 50;

/// Connections that the run with many active ones is compared with.
const FEW_CONNECTIONS: u64 = 50;

/// The median figures of one contestant in one case.
pub struct Outcome {
    name: String,
    requests_per_second: f64,
    cpu_us_per_request: f64,
    /// How many times faster, and how many times cheaper, the first contestant is; medians over the rounds.
    first_is_faster: f64,
    first_is_cheaper: f64,
}

/// One key: each test at each depth.
pub fn hot(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let servers = contest.start_all()?;
    let mut table = table("Hot set: one key", &servers);
    for &pipeline in &options.pipelines {
        for test in &options.tests {
            let requests = if pipeline == 1 { options.requests.div_ceil(4) } else { options.requests };
            let load = Load {
                work: Work::Test(test.clone()),
                pipeline,
                clients: options.clients,
                requests,
                data_bytes: options.data_bytes,
                keyspace: None,
            };
            let prepare = |server: &Server| prepare_hot(server, test, options.data_bytes);
            let outcomes = take_turns(contest, &servers, &load, options.rounds, prepare)?;
            record("hot", &format!("P={pipeline} {}", test.to_uppercase()), &outcomes, &mut table, report)?;
        }
    }
    report.table(table);
    Ok(())
}

/// Empties the server, and gives GET the key that redis-benchmark asks for when it is not told to vary it.
fn prepare_hot(server: &Server, test: &str, data_bytes: usize) -> Result<(), String> {
    tell(server, "FLUSHALL")?;
    if test == "get" {
        tell(server, &format!("SET key:__rand_int__ {}", "x".repeat(data_bytes)))?;
    }
    Ok(())
}

/// Random keys out of so many that no cache holds them; all exist.
pub fn cold(contest: &Contest, options: &Options, report: &mut Report) -> Result<(), String> {
    let servers = contest.start_all()?;
    let value = vec![b'x'; options.data_bytes];
    for (contestant, server) in &servers {
        if !contestant.is_store() {
            continue;
        }
        eprintln!("cold: filling {} with {} keys", contestant.name, with_commas(options.keyspace as f64));
        load::fill(server, options.keyspace, |number, out| load::write_set(number, &value, out))?;
        expect_keys(server, options.keyspace)?;
    }
    let mut table =
        table(&format!("Cold set: {} keys at random", with_commas(options.keyspace as f64)), &servers);
    for test in ["set", "get"] {
        let load = Load {
            work: Work::Test(test.into()),
            pipeline: COLD_PIPELINE,
            clients: options.clients,
            requests: options.requests,
            data_bytes: options.data_bytes,
            keyspace: Some(options.keyspace),
        };
        let outcomes = take_turns(contest, &servers, &load, options.rounds, |_| Ok(()))?;
        record("cold", &format!("P={COLD_PIPELINE} {}", test.to_uppercase()), &outcomes, &mut table, report)?;
    }
    for (contestant, server) in &servers {
        if contestant.is_store() {
            expect_keys(server, options.keyspace)?;
        }
    }
    report.table(table);
    Ok(())
}

fn expect_keys(server: &Server, keys: u64) -> Result<(), String> {
    match tell(server, "DBSIZE")? {
        Reply::Integer(size) if size.cast_unsigned() == keys => Ok(()),
        other => Err(format!("{keys} keys were set, but DBSIZE is {other:?}")),
    }
}

/// Few connections and many, without pipelining: what a server loses to the number of connections.
pub fn active(
    connections: u64,
    contest: &Contest,
    options: &Options,
    report: &mut Report,
) -> Result<(), String> {
    let servers = contest.start_all()?;
    let mut header = vec![String::new()];
    header.extend(servers.iter().flat_map(|(contestant, _)| {
        [format!("{} req/s", contestant.name), format!("{} CPU µs", contestant.name)]
    }));
    let mut table = Table::new("Active connections, P=1 SET", header);
    let mut rates: Vec<Vec<(f64, f64)>> = Vec::new();
    for clients in [FEW_CONNECTIONS, connections] {
        let load = Load {
            work: load::set_again_and_again(options.data_bytes),
            pipeline: 1,
            clients,
            requests: options.requests.div_ceil(4).max(clients),
            data_bytes: options.data_bytes,
            keyspace: None,
        };
        let outcomes = take_turns(contest, &servers, &load, options.rounds, |_| Ok(()))?;
        let case = format!("{} connections", with_commas(clients as f64));
        let mut row = vec![case.clone()];
        for outcome in &outcomes {
            outcome.record("active", &case, report)?;
            row.push(with_commas(outcome.requests_per_second));
            row.push(format!("{:.2}", outcome.cpu_us_per_request));
        }
        table.row(row);
        rates.push(outcomes.iter().map(|it| (it.requests_per_second, it.cpu_us_per_request)).collect());
    }
    let mut row = vec!["many / few".to_owned()];
    for (few, many) in rates[0].iter().zip(&rates[1]) {
        row.extend([format!("{:.2}", many.0 / few.0), format!("{:.2}", many.1 / few.1)]);
    }
    table.row(row);
    report.table(table);
    Ok(())
}

/// Lets every server take `load` once per round, one after the other, each prepared just before.
pub fn take_turns(
    contest: &Contest,
    servers: &[(Contestant, Server)],
    load: &Load,
    rounds: usize,
    prepare: impl Fn(&Server) -> Result<(), String>,
) -> Result<Vec<Outcome>, String> {
    let mut samples: Vec<Vec<Sample>> = vec![Vec::new(); servers.len()];
    for round in 1..=rounds {
        let (pipeline, name, clients) = (load.pipeline, load.work.name(), load.clients);
        eprintln!("P={pipeline} {name}, {clients} connections: round {round}/{rounds}");
        for ((contestant, server), samples) in servers.iter().zip(&mut samples) {
            let sample = prepare(server).and_then(|()| measure(server, load, contest.client_cpu));
            samples.push(sample.map_err(|reason| format!("{}: {reason}", contestant.name))?);
        }
    }
    let first = samples[0].clone();
    let outcome = |((contestant, _), samples): (&(Contestant, Server), &Vec<Sample>)| {
        let pairs = || first.iter().zip(samples);
        Outcome {
            name: contestant.name.clone(),
            requests_per_second: median(samples.iter().map(|it| it.requests_per_second)),
            cpu_us_per_request: median(samples.iter().map(|it| it.cpu_us_per_request)),
            first_is_faster: median(pairs().map(|(a, b)| a.requests_per_second / b.requests_per_second)),
            first_is_cheaper: median(pairs().map(|(a, b)| b.cpu_us_per_request / a.cpu_us_per_request)),
        }
    };
    Ok(servers.iter().zip(&samples).map(outcome).collect())
}

impl Outcome {
    fn record(&self, mode: &'static str, case: &str, report: &mut Report) -> Result<(), String> {
        report.figure(mode, case, &self.name, "requests_per_second", self.requests_per_second)?;
        report.figure(mode, case, &self.name, "cpu_us_per_request", self.cpu_us_per_request)?;
        report.figure(mode, case, &self.name, "first_is_faster", self.first_is_faster)?;
        report.figure(mode, case, &self.name, "first_is_cheaper", self.first_is_cheaper)
    }
}

/// An empty table with the columns that [`record`] fills.
pub fn table(title: &str, servers: &[(Contestant, Server)]) -> Table {
    let mut header = vec![String::new()];
    for (index, (contestant, _)) in servers.iter().enumerate() {
        header.extend([format!("{} req/s", contestant.name), "CPU µs".into()]);
        if index > 0 {
            header.extend(["× req/s".into(), "× CPU".into()]);
        }
    }
    let first = &servers[0].0.name;
    Table::new(format!("{title} (CPU µs of the server per request; × above 1: {first} is better)"), header)
}

/// Adds the outcomes of one case to the report and its table.
pub fn record(
    mode: &'static str,
    case: &str,
    outcomes: &[Outcome],
    table: &mut Table,
    report: &mut Report,
) -> Result<(), String> {
    let mut row = vec![case.to_owned()];
    for (index, outcome) in outcomes.iter().enumerate() {
        outcome.record(mode, case, report)?;
        row.push(with_commas(outcome.requests_per_second));
        row.push(format!("{:.3}", outcome.cpu_us_per_request));
        if index > 0 {
            row.push(format!("{:.2}", outcome.first_is_faster));
            row.push(format!("{:.2}", outcome.first_is_cheaper));
        }
    }
    table.row(row);
    Ok(())
}
