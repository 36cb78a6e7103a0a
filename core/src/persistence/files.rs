//! Where the files are.

use super::sequence::Sequence;
use crate::aof::{Manifest, Names};
use crate::config::Config;
use crate::server::Server;

/// The names of what is kept on disk, relative to the directory the server works in.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: String,
    names: Names,
}

impl Files {
    /// As the configuration says; it cannot change these while the server runs.
    pub fn new(config: &Config) -> Files {
        Files { directory: config.appenddirname.clone(), names: Names::new(&config.appendfilename) }
    }

    /// The directory of the append-only files.
    pub fn directory(&self) -> &str {
        &self.directory
    }

    /// The names in that directory.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// A file among the append-only files.
    pub fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    /// Lets a manifest take the old one's place, durably.
    pub fn write_manifest(&self, server: &mut Server, steps: Sequence, manifest: &Manifest) -> Sequence {
        let file = server.new_file();
        let (temporary, name) = (self.names.new_manifest(), self.names.manifest());
        steps.replace(file, &self.directory, &temporary, &name, manifest.encode())
    }
}
