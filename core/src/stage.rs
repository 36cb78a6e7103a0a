//! A server to try things on: what the tests of marks, mutants and executions have in common.

mod disk;

use crate::net::{Accept, ConnId, NetEffect, Refusal};
use crate::time::{Monotonic, Now, Wall};
use crate::{Config, Core, Host};
use std::io::IoSlice;
use std::time::Duration;

pub use disk::StageDisk;

/// A server, and the client that acts.
pub struct Stage {
    pub core: Core,
    pub now: Now,
    pub conn: ConnId,
    /// What it works on with [`settle`](Self::settle).
    pub disk: StageDisk,
    config: Config,
    /// The status it has left with.
    pub exit_status: Option<i32>,
}

impl Stage {
    /// A server with one client, which records its effects.
    #[cfg(any(feature = "simulation", feature = "mutants"))]
    pub fn new() -> Stage {
        let mut stage = Stage::with_config(&[]);
        stage.core.record_propagation(true);
        stage
    }

    /// A server with these directives and one client. It keeps nothing.
    fn with_config(directives: &[(&str, &str)]) -> Stage {
        let now = Now { monotonic: Monotonic(0), wall: Wall(1_000_000_000) };
        let mut config = Config::default();
        for (name, value) in [("enable-debug-command", "yes")].iter().chain(directives) {
            config.set_from_file(name, &[value.as_bytes().to_vec()]).expect("a directive and its value");
        }
        let core = Core::new(config.clone(), host(), 7, now);
        let disk = StageDisk::default();
        let mut stage = Stage { core, now, conn: ConnId::from_u64(0), disk, config, exit_status: None };
        stage.connect();
        stage
    }

    /// A server that keeps a log, has begun it, and has one client.
    pub fn with_log(directives: &[(&str, &str)]) -> Stage {
        let mut stage = Stage::with_config(&[&[("appendonly", "yes")], directives].concat());
        stage.start();
        stage
    }

    /// The process ends, and another one finds what is left.
    pub fn restart(&mut self, loses_power: bool) {
        self.disk.stop(loses_power);
        self.start();
    }

    /// The same, and nothing is loaded yet.
    pub fn restart_halfway(&mut self) {
        self.disk.stop(false);
        self.exit_status = None;
        self.core = Core::new(self.config.clone(), host(), 7, self.now);
        self.core.recover();
        self.connect();
    }

    fn start(&mut self) {
        self.exit_status = None;
        self.core = Core::new(self.config.clone(), host(), 7, self.now);
        self.core.recover();
        self.connect();
        self.settle();
    }

    /// A turn goes by, and the disk does what is to be done. Whether there is more to do at once.
    pub fn step(&mut self) -> bool {
        self.core.finish_turn(self.now);
        while let Some(effect) = self.core.poll_net() {
            if let NetEffect::Exit(status) = effect {
                self.exit_status = Some(status);
            }
        }
        let mut has_more = self.core.poll_timeout().is_some_and(|at| at <= self.now.monotonic);
        while let Some(op) = self.core.poll_disk() {
            let completion = self.disk.perform(op);
            self.core.handle_disk(self.now, completion);
            has_more = true;
        }
        has_more
    }

    /// Turns go by until the disk has nothing to do.
    pub fn settle(&mut self) {
        while self.step() {}
    }

    /// The client sends something, the disk does what is to be done, and the client reads all it is owed by then.
    pub fn ask(&mut self, requests: &str) -> String {
        self.send(requests.as_bytes());
        self.settle();
        self.read()
    }

    /// The log since it was last read.
    pub fn log_lines(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.core.poll_log()).map(|line| line.text).collect()
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
}

fn host() -> Host {
    Host { config_file: "/rotom.conf".to_owned(), ..Host::default() }
}
