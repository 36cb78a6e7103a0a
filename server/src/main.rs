//! rotom-server: reads the configuration, binds, and lets the driver run the core.
//!
//! [`main`] and [`run`] are the order in which a server starts and ends; everything else is in its own module.

#![deny(unsafe_code)]

mod allocator;
mod banner;
mod command_line;
mod config_file;
mod include;
mod log;
mod logging;
mod pidfile;
mod supervised;
mod sys;
#[cfg(test)]
mod testing;

use command_line::{Invocation, Request};
use config_file::{Fault, Loader};
use pidfile::Pidfile;
use rotom_core::{Config, Core, Host};
use rotom_io_epoll::{Hooks, Listening, Server, raise_open_files_limit};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{self, ExitCode};
use std::{env, fs};
use supervised::Supervisor;

#[global_allocator]
static ALLOCATOR: allocator::Jemalloc = allocator::Jemalloc;

fn main() -> ExitCode {
    let args: Vec<OsString> = env::args_os().skip(1).collect();
    let outcome = match command_line::parse(&args) {
        Request::Print(text) => print(&text),
        Request::CheckConfig(invocation) => load(&invocation).and_then(|loader| {
            let warnings = loader.warnings.iter().map(|warning| format!("warning: {warning}\n"));
            print(&(warnings.collect::<String>() + "The configuration is good.\n"))
        }),
        Request::CheckLog { path, fixes } => log::check(&path, fixes),
        Request::RecoverLog { moment, source, into } => log::recover(&moment, &source, &into),
        Request::Misuse(reason) => Err(reason),
        Request::Run(invocation) => run(&invocation),
    };
    match outcome {
        Ok(status) => ExitCode::from(status),
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until told to end. Returns the exit status.
fn run(invocation: &Invocation) -> Result<u8, String> {
    // The file's name is looked up before the configuration changes the directory.
    let config_file = absolute(invocation);
    let Loader { mut config, warnings, .. } = load(invocation)?;
    let directory = env::current_dir().map_err(|error| format!("Can't tell the directory: {error}"))?;
    config.resolve_dir(&directory.to_string_lossy());
    let supervisor = Supervisor::find(&config);
    let is_daemon = config.daemonize && !supervisor.is_there();
    if is_daemon {
        sys::daemonize().map_err(|error| format!("Can't daemonize: {}", sys::reason(&error)))?;
    }
    logging::start(&config)
        .map_err(|error| format!("Can't open the log file '{}': {}", config.logfile, sys::reason(&error)))?;
    banner::show(&config, invocation);
    supervisor.announce(&config);
    warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let logs_elsewhere = !config.logfile.is_empty();
    serve(config, host(config_file), &supervisor, is_daemon).or_else(|reason| {
        tracing::warn!("{reason}");
        if logs_elsewhere { Err(reason) } else { Ok(1) }
    })
}

/// Serves with this configuration. Returns the exit status.
fn serve(mut config: Config, host: Host, supervisor: &Supervisor, is_daemon: bool) -> Result<u8, String> {
    let reached = raise_open_files_limit(config.maxclients).map_err(|error| error.to_string())?;
    config.lower_maxclients(reached);
    let hooks = Hooks { allocator: allocator::figures, reconfigure, handle_signals: true };
    let server = Server::bind(Listening::from(&config), hooks).map_err(|error| error.to_string())?;
    let pidfile = Pidfile::write(&config, is_daemon);
    allocator::set_background_thread(config.jemalloc_bg_thread);
    let seed =
        sys::random_seed().map_err(|error| format!("No random bytes to be had: {}", sys::reason(&error)))?;
    let mut core = Core::new(config, host, seed, rotom_io_epoll::now());
    core.recover();
    let status = server.serve(core, || supervisor.ready()).map_err(|error| error.to_string())?;
    supervisor.stopping();
    drop(pidfile);
    // The core ends with 0 or 1; anything else would be no success either.
    Ok(u8::try_from(status).unwrap_or(1))
}

/// Reads the configuration: the file first, then what overrides it.
fn load(invocation: &Invocation) -> Result<Loader, String> {
    let mut loader = Loader::default();
    read_sources(&mut loader, invocation).map_err(|fault| fault.to_string())?;
    Ok(loader)
}

fn read_sources(loader: &mut Loader, invocation: &Invocation) -> Result<(), Fault> {
    if let Some(file) = &invocation.file {
        loader.read_file(file)?;
    }
    if invocation.reads_stdin {
        loader.read_stdin()?;
    }
    invocation.lines.iter().try_for_each(|line| loader.read_argument(line))
}

/// What the process does when `CONFIG SET` changed something that concerns it.
fn reconfigure(config: &Config) {
    logging::set_level(config);
    allocator::set_background_thread(config.jemalloc_bg_thread);
    // What is wrong goes to the log; clients that there is no room for wait to be accepted.
    if let Err(error) = raise_open_files_limit(config.maxclients) {
        tracing::warn!("{error}");
    }
}

/// The configuration file's absolute path, for `CONFIG REWRITE` and INFO; nothing without a file.
fn absolute(invocation: &Invocation) -> String {
    let Some(file) = &invocation.file else { return String::new() };
    // A file that is not there is found missing when it is read, with the words for that.
    let path = fs::canonicalize(file).unwrap_or_else(|_| file.clone());
    path.to_string_lossy().into_owned()
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

fn print(text: &str) -> Result<u8, String> {
    io::stdout().write_all(text.as_bytes()).map(|()| 0).map_err(|error| sys::reason(&error))
}
