//! rotom-server: reads the configuration, binds, and lets the driver run the core.

#![deny(unsafe_code)]

mod allocator;
mod banner;
mod command_line;
mod config_file;
mod logging;
mod supervised;
mod sys;

use command_line::{Invocation, Request};
use config_file::Loader;
use rotom_core::{Config, Core, Host};
use rotom_io_epoll::{Hooks, Listening, Server, raise_open_files_limit};
use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::{env, fs};
use supervised::Supervisor;

#[global_allocator]
static ALLOCATOR: allocator::Jemalloc = allocator::Jemalloc;

fn main() -> ExitCode {
    let args: Vec<String> = env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    let outcome = match command_line::parse(&args) {
        Ok(Request::Print(text)) => {
            io::stdout().write_all(text.as_bytes()).map(|()| 0).map_err(|error| error.to_string())
        }
        Ok(Request::CheckConfig(invocation)) => load(&invocation).map(|loader| {
            loader.warnings.iter().for_each(|warning| println!("warning: {warning}"));
            println!("The configuration is good.");
            0
        }),
        Ok(Request::Run(invocation)) => load(&invocation).and_then(|loader| run(&invocation, loader)),
        Err(reason) => Err(reason),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Reads the configuration: the file first, then what overrides it.
fn load(invocation: &Invocation) -> Result<Loader, String> {
    let mut loader = Loader::default();
    if let Some(file) = &invocation.file {
        loader.read_file(file).map_err(|fault| fault.to_string())?;
    }
    for directive in &invocation.directives {
        loader.read_directive(directive).map_err(|fault| fault.to_string())?;
    }
    Ok(loader)
}

/// Serves until told to end. Returns the exit status.
fn run(invocation: &Invocation, loader: Loader) -> Result<u8, String> {
    let Loader { mut config, warnings } = loader;
    let config_file = config_path(invocation)?;
    env::set_current_dir(&config.dir).map_err(|error| format!("Can't chdir to '{}': {error}", config.dir))?;
    let supervisor = Supervisor::find(&config);
    if config.daemonize && supervisor == Supervisor::None {
        sys::daemonize().map_err(|error| format!("Can't daemonize: {error}"))?;
    }
    logging::start(&config).map_err(|error| format!("Can't open the log file: {error}"))?;
    banner::show(&config);
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    config.lower_maxclients(raise_open_files_limit(config.maxclients).map_err(|error| report(&error))?);
    let hooks =
        Hooks { allocator: allocator::figures, reconfigure: logging::set_level, handle_signals: true };
    let server = Server::bind(Listening::from(&config), hooks).map_err(|error| report(&error))?;
    let pidfile = write_pidfile(&config);
    let core = Core::new(config, host(config_file), seed()?, rotom_io_epoll::now());
    tracing::info!("Ready to accept connections");
    supervisor.ready();
    let status = server.serve(core).map_err(|error| report(&error))?;
    supervisor.stopping();
    if let Some(path) = pidfile {
        // Somebody else may have removed it; nothing depends on it any more.
        let _ = fs::remove_file(path);
    }
    Ok(status as u8)
}

/// An error that goes to the log, and ends the process.
fn report(error: &dyn std::fmt::Display) -> String {
    tracing::warn!("{error}");
    error.to_string()
}

/// The configuration file's absolute path, which survives a change of directory.
fn config_path(invocation: &Invocation) -> Result<String, String> {
    match invocation.file.as_deref() {
        None | Some("-") => Ok(String::new()),
        Some(file) => {
            let path = fs::canonicalize(file).map_err(|error| format!("Can't resolve '{file}': {error}"))?;
            Ok(path.to_string_lossy().into_owned())
        }
    }
}

/// Writes the pidfile, if there is to be one: Redis' default path when it runs in the background without one.
fn write_pidfile(config: &Config) -> Option<String> {
    const DEFAULT: &str = "/var/run/redis.pid";
    let path = match config.pidfile.as_str() {
        "" if config.daemonize => DEFAULT,
        "" => return None,
        path => path,
    };
    match fs::write(path, format!("{}\n", process::id())) {
        Ok(()) => Some(path.to_owned()),
        Err(error) => {
            tracing::warn!("Failed to write PID file: {error}");
            None
        }
    }
}

fn host(config_file: String) -> Host {
    let executable = env::current_exe().map(|path| path.to_string_lossy().into_owned()).unwrap_or_default();
    Host {
        pid: process::id(),
        executable,
        config_file,
        os: sys::os_name(),
        memory_bytes: sys::memory_bytes(),
    }
}

fn seed() -> Result<u64, String> {
    sys::random_seed().map_err(|error| format!("The kernel gives no random bytes: {error}"))
}
