//! What the log begins with.

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
pub(crate) fn show(config: &Config) {
    let (version, pid) = (env!("CARGO_PKG_VERSION"), process::id());
    let is_terminal = config.logfile.is_empty() && !config.daemonize && stdout().is_terminal();
    if config.always_show_logo || is_terminal {
        let port = config.port.to_string();
        let logo = LOGO.replace("{version}", version).replace("{port}", &port);
        tracing::info!("{}", logo.replace("{pid}", &pid.to_string()));
    }
    tracing::info!("rotom version={version}, bits=64, pid={pid}, port={}, just started", config.port);
}
