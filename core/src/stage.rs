//! A server to try things on: what the tests of marks, mutants and executions have in common.

use crate::disk::{DiskCompletion, DiskError, DiskKind, DiskOutput};
use crate::net::{Accept, ConnId, NetEffect, Refusal};
use crate::time::{Monotonic, Now, Wall};
use crate::{Config, Core, Host};
use std::io::{self, IoSlice};
use std::time::Duration;

/// A server, and the client that acts.
pub struct Stage {
    pub core: Core,
    pub now: Now,
    pub conn: ConnId,
}

impl Stage {
    /// A server with one client, which records its effects.
    pub fn new() -> Stage {
        let now = Now { monotonic: Monotonic(0), wall: Wall(1_000_000_000) };
        let mut config = Config::default();
        config.set_from_file("enable-debug-command", &[b"yes".to_vec()]).expect("a directive and its value");
        let host = Host { config_file: "/rotom.conf".to_owned(), ..Host::default() };
        let mut core = Core::new(config, host, 7, now);
        core.record_propagation(true);
        let mut stage = Stage { core, now, conn: ConnId::from_u64(0) };
        stage.connect();
        stage
    }

    /// Another client connects, and acts from here on.
    pub fn connect(&mut self) {
        self.conn = self.try_connect().expect("few connections");
    }

    /// Another client connects, if it may.
    pub fn try_connect(&mut self) -> Result<ConnId, Refusal> {
        let accept = Accept {
            peer: "127.0.0.1:1".into(),
            local: "127.0.0.1:6379".into(),
            descriptor: 8,
            is_local: true,
            is_unix: false,
        };
        self.core.handle_accept(self.now, accept)
    }

    /// The client sends something, without a turn around it.
    pub fn send(&mut self, bytes: &[u8]) {
        self.core.handle_input(self.now, self.conn, bytes);
    }

    /// The client sends something and reads all it is owed. Nothing expires by itself before it is run.
    pub fn say(&mut self, requests: &str) -> String {
        self.send(requests.as_bytes());
        self.core.finish_turn(self.now);
        self.read()
    }

    /// The client reads all it is owed.
    pub fn read(&mut self) -> String {
        self.read_at_most(usize::MAX)
    }

    /// The client reads so many bytes of what it is owed, at once. Line ends are shown as blanks.
    pub fn read_at_most(&mut self, len_bytes_max: usize) -> String {
        let mut slices = [IoSlice::new(&[]); 64];
        let count = self.core.output(self.conn, &mut slices);
        let mut bytes: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).collect();
        bytes.truncate(len_bytes_max);
        self.core.handle_written(self.now, self.conn, bytes.len());
        while let Some(effect) = self.core.poll_net() {
            assert!(matches!(effect, NetEffect::Close(_) | NetEffect::Resume(_) | NetEffect::Reconfigure));
        }
        String::from_utf8_lossy(&bytes).replace("\r\n", " ")
    }

    /// Time passes, on both clocks.
    pub fn pass(&mut self, ms: u64) {
        self.now.monotonic = self.now.monotonic + Duration::from_millis(ms);
        self.now.wall = Wall(self.now.wall.0 + ms * 1000);
    }

    /// What has been propagated since this was last asked, without lengths.
    #[cfg(feature = "mutants")]
    pub fn log(&mut self) -> String {
        let log = String::from_utf8_lossy(&self.core.take_propagated()).replace("\r\n", " ");
        log.split_inclusive(' ').filter(|word| !word.starts_with(['*', '$'])).collect()
    }

    /// The disk does what it was asked for, but for making it durable.
    pub fn work_on_disk_that_cannot_sync(&mut self) {
        while let Some(op) = self.core.poll_disk() {
            let outcome = if matches!(op.kind, DiskKind::Sync { .. }) {
                let message = "no luck".to_owned();
                Err(DiskError { kind: io::ErrorKind::Other, message, written_bytes: 0, buffer: None })
            } else {
                Ok(DiskOutput::Done)
            };
            self.core.handle_disk(self.now, DiskCompletion { id: op.id, outcome });
        }
    }
}
