//! Who takes part, on which cores, and starting them.

use std::path::{Path, PathBuf};

use crate::options::Options;
use crate::support::directory::TempDirectory;
use crate::support::server::{Invocation, Server};
use crate::support::server_binary;
use crate::support::sys::{self, ChildSetup};

/// Where redis-server comes from when it is installed.
const REDIS_SERVER: &str = "redis-server";

/// Connections every server is told to take: more than any measurement opens.
const CLIENTS_MAX: &str = "19000";

/// A server that can be started.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// Its column in the tables.
    pub name: String,
    program: PathBuf,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It takes redis-server's command line and keeps keys.
    Store,
    /// It answers and keeps nothing.
    Floor,
}

impl Contestant {
    /// Whether it keeps what it is given.
    pub fn is_store(&self) -> bool {
        self.kind == Kind::Store
    }
}

/// All contestants, rotom first, and the cores they and the load run on.
#[derive(Debug)]
pub struct Contest {
    /// In the order of the columns.
    pub contestants: Vec<Contestant>,
    /// The core of the servers.
    pub server_cpu: Option<usize>,
    /// The core of the load generator.
    pub client_cpu: Option<usize>,
}

impl Contest {
    /// Finds the contestants and moves this process to the load's core.
    pub fn prepare(options: &Options) -> Result<Contest, String> {
        let floor = std::env::current_exe().map_err(|error| format!("cannot find myself: {error}"))?;
        let mut contestants = vec![
            Contestant { name: "rotom".into(), program: server_binary(), kind: Kind::Store },
            Contestant { name: "floor".into(), program: floor, kind: Kind::Floor },
        ];
        match in_path(REDIS_SERVER) {
            Some(program) => {
                contestants.push(Contestant { name: "redis".into(), program, kind: Kind::Store });
            }
            None => eprintln!("{REDIS_SERVER} is not installed: going on without it"),
        }
        for (name, program) in &options.peers {
            contestants.push(Contestant { name: name.clone(), program: program.clone(), kind: Kind::Store });
        }
        let allowed = sys::cpus_allowed().map_err(|error| format!("cannot ask for the cores: {error}"))?;
        let (server_cpu, client_cpu) = match allowed[..] {
            [first, second, ..] => (options.server_cpu.or(Some(first)), options.client_cpu.or(Some(second))),
            _ => {
                eprintln!("one core only: servers and load share it");
                (options.server_cpu, options.client_cpu)
            }
        };
        if let Some(cpu) = client_cpu {
            sys::run_on(cpu).map_err(|error| format!("cannot run on core {cpu}: {error}"))?;
        }
        sys::raise_open_files_limit()
            .map_err(|error| format!("cannot raise the descriptor limit: {error}"))?;
        Ok(Contest { contestants, server_cpu, client_cpu })
    }

    /// Starts a fresh server on the servers' core.
    pub fn start(&self, contestant: &Contestant) -> Result<Server, String> {
        self.start_with(contestant, &[])
    }

    /// The same with further directives, which the floor does not know.
    pub fn start_with(&self, contestant: &Contestant, directives: &[&str]) -> Result<Server, String> {
        let directory = TempDirectory::new().map_err(|error| format!("no directory: {error}"))?;
        self.start_in(directory, contestant, directives)
    }

    /// The same on what others have left in a directory.
    pub fn start_in(
        &self,
        directory: TempDirectory,
        contestant: &Contestant,
        directives: &[&str],
    ) -> Result<Server, String> {
        let directives = [&["--maxclients", CLIENTS_MAX], directives].concat();
        Server::launch_in(directory, &contestant.program, |directory, port| {
            let invocation = match contestant.kind {
                Kind::Store => Invocation::usual(directory, port, &directives),
                Kind::Floor => Invocation::new(port, &["floor", "--port", &port.to_string()]),
            };
            Invocation { setup: ChildSetup { cpu: self.server_cpu, ..ChildSetup::default() }, ..invocation }
        })
    }

    /// Starts every contestant.
    pub fn start_all(&self) -> Result<Vec<(Contestant, Server)>, String> {
        self.contestants.iter().map(|contestant| Ok((contestant.clone(), self.start(contestant)?))).collect()
    }

    /// Starts those that keep what they are given, with further directives.
    pub fn start_stores(&self, directives: &[&str]) -> Result<Vec<(Contestant, Server)>, String> {
        let start =
            |contestant: &Contestant| Ok((contestant.clone(), self.start_with(contestant, directives)?));
        self.stores().map(start).collect()
    }

    /// The contestants that keep what they are given.
    pub fn stores(&self) -> impl Iterator<Item = &Contestant> {
        self.contestants.iter().filter(|contestant| contestant.is_store())
    }
}

fn in_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file: &PathBuf| Path::is_file(file))
}
