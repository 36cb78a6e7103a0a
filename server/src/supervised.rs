//! Telling whoever started the server how it is doing.

use crate::sys;
use rotom_core::Config;
use std::env;
use std::ffi::OsString;

/// The manager that waits to hear from us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supervisor {
    /// Nobody.
    None,
    /// systemd, at this socket.
    Systemd(OsString),
    /// upstart.
    Upstart,
}

impl Supervisor {
    /// The manager the configuration names, or, for `auto`, the one whose variables are set.
    pub(crate) fn find(config: &Config) -> Supervisor {
        Supervisor::choose(&config.supervised, env::var_os("UPSTART_JOB"), env::var_os("NOTIFY_SOCKET"))
    }

    fn choose(mode: &str, upstart_job: Option<OsString>, notify_socket: Option<OsString>) -> Supervisor {
        match (mode, upstart_job, notify_socket) {
            ("upstart" | "auto", Some(_), _) => Supervisor::Upstart,
            ("systemd" | "auto", _, Some(address)) => Supervisor::Systemd(address),
            _ => Supervisor::None,
        }
    }

    /// Whether a manager is there. It keeps the server in the foreground.
    pub(crate) fn is_there(&self) -> bool {
        *self != Supervisor::None
    }

    /// Says in the log who supervises, or that nobody does who should.
    pub(crate) fn announce(&self, config: &Config) {
        match (self, config.supervised.as_str()) {
            (Supervisor::Upstart, _) => tracing::info!("Supervised by upstart"),
            (Supervisor::Systemd(_), _) => tracing::info!("Supervised by systemd"),
            (Supervisor::None, "upstart") => {
                tracing::warn!("Upstart supervision requested, but UPSTART_JOB not found!");
            }
            (Supervisor::None, "systemd") => {
                tracing::warn!("Systemd supervision requested, but NOTIFY_SOCKET not found!");
            }
            (Supervisor::None, _) => {}
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
            let (address, reason) = (address.to_string_lossy(), sys::reason(&error));
            tracing::warn!("Can't send to systemd socket {address}: {reason}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mode_and_the_environment_decide() {
        let (none, job, socket) = (None, Some(OsString::from("job")), Some(OsString::from("@notify")));
        let systemd = Supervisor::Systemd("@notify".into());
        for (mode, upstart_job, notify_socket, expected) in [
            ("no", &job, &socket, Supervisor::None),
            ("upstart", &job, &socket, Supervisor::Upstart),
            ("upstart", &none, &socket, Supervisor::None),
            ("systemd", &job, &socket, systemd.clone()),
            ("systemd", &job, &none, Supervisor::None),
            ("auto", &job, &socket, Supervisor::Upstart),
            ("auto", &none, &socket, systemd),
            ("auto", &none, &none, Supervisor::None),
        ] {
            let chosen = Supervisor::choose(mode, upstart_job.clone(), notify_socket.clone());
            assert_eq!(chosen, expected, "{mode} {upstart_job:?} {notify_socket:?}");
        }
    }
}
