//! Telling whoever started the server how it is doing.

use crate::sys;
use rotom_core::Config;
use std::env;

/// The manager that waits to hear from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    /// Nobody.
    None,
    /// systemd, at this socket.
    Systemd(String),
    /// upstart.
    Upstart,
}

impl Supervisor {
    /// The manager the configuration names, or, for `auto`, the one whose variables are set.
    pub(crate) fn find(config: &Config) -> Supervisor {
        let mode = config.supervised.as_str();
        if matches!(mode, "upstart" | "auto") && env::var_os("UPSTART_JOB").is_some() {
            return Supervisor::Upstart;
        }
        match env::var("NOTIFY_SOCKET") {
            Ok(address) if matches!(mode, "systemd" | "auto") => Supervisor::Systemd(address),
            _ => Supervisor::None,
        }
    }

    /// The server is ready.
    pub(crate) fn ready(&self) {
        match self {
            Supervisor::None => {}
            Supervisor::Upstart => sys::stop_for_supervisor(),
            Supervisor::Systemd(_) => self.tell("STATUS=Ready to accept connections\nREADY=1\n"),
        }
    }

    /// The server is ending.
    pub(crate) fn stopping(&self) {
        self.tell("STATUS=Shutting down\nSTOPPING=1\n");
    }

    fn tell(&self, message: &str) {
        if let Supervisor::Systemd(address) = self
            && let Err(error) = sys::notify(address, message)
        {
            tracing::warn!("Can't send to systemd at {address}: {error}");
        }
    }
}
