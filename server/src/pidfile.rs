//! The file that tells others the server's process id.

use crate::sys;
use rotom_core::Config;
use std::path::PathBuf;
use std::{fs, process};

/// Where it is written when the server runs in the background and the configuration does not say: Redis' place, where
/// the scripts that stop a server look for it.
const DEFAULT_PATH: &str = "/var/run/redis.pid";

/// A file that is removed when the server ends, however it does.
#[derive(Debug)]
pub(crate) struct Pidfile(PathBuf);

impl Pidfile {
    /// Writes the file, if the configuration wants one. That it cannot be written is no reason not to serve.
    pub(crate) fn write(config: &Config, is_daemon: bool) -> Option<Pidfile> {
        let path = match config.pidfile.as_str() {
            "" if is_daemon => DEFAULT_PATH,
            "" => return None,
            path => path,
        };
        match fs::write(path, format!("{}\n", process::id())) {
            Ok(()) => Some(Pidfile(path.into())),
            Err(error) => {
                tracing::warn!("Failed to write PID file '{path}': {}", sys::reason(&error));
                None
            }
        }
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // Somebody else may have removed it; nothing depends on it any more.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Directory;

    #[test]
    fn it_lasts_as_long_as_its_guard() {
        let directory = Directory::new("pidfile");
        let path = directory.path().join("pid");
        let mut config = Config::default();
        assert!(Pidfile::write(&config, false).is_none());
        config.set_from_file("pidfile", &[path.to_str().unwrap().into()]).unwrap();
        let pidfile = Pidfile::write(&config, false);
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", process::id()));
        drop(pidfile);
        assert!(!path.exists());
        config.set_from_file("pidfile", &[b"/nonexistent/pid".to_vec()]).unwrap();
        assert!(Pidfile::write(&config, false).is_none());
    }
}
