//! What the log begins with.

use crate::command_line::Invocation;
use rotom_core::Config;
use std::io::{IsTerminal, stdout};
use std::process;

const LOGO: &str = r"
      ___
     /   \_        rotom {version}
    | o o |>       compatible with Redis 7.2
    |  ~  |>       port {port}
     \_-_/         pid {pid}
";

/// Says which server this is: with a logo on a terminal, or when the configuration asks for it.
pub(crate) fn show(config: &Config, invocation: &Invocation) {
    let (version, pid, port) = (env!("CARGO_PKG_VERSION"), process::id(), config.port);
    tracing::info!("rotom version={version}, bits=64, pid={pid}, port={port}, just started");
    if invocation.file.is_none() && !invocation.reads_stdin && invocation.lines.is_empty() {
        tracing::warn!(
            "Warning: no config file specified, using the default config. In order to specify a config file use \
             rotom-server /path/to/rotom.conf"
        );
    } else {
        tracing::info!("Configuration loaded");
    }
    let is_terminal = config.logfile.is_empty() && !config.daemonize && stdout().is_terminal();
    if config.always_show_logo || is_terminal {
        let logo = LOGO.replace("{version}", version).replace("{port}", &port.to_string());
        tracing::info!("{}", logo.replace("{pid}", &pid.to_string()));
    }
}
