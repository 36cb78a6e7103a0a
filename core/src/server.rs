//! What commands share beside the data: configuration, connections, statistics, and the effects that wait for
//! the driver.

use crate::client::Clients;
use crate::config::Config;
use crate::config_rewrite::ConfigRewrite;
use crate::disk::{DiskId, DiskKind, DiskOp, FileId, Lane};
use crate::net::{ConnId, NetEffect};
use crate::persistence::{Durability, Exit};
use crate::stats::Stats;
use crate::time::{Monotonic, Now};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::VecDeque;

/// Facts about the process that INFO shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// The process id.
    pub pid: u32,
    /// The binary's path.
    pub executable: String,
    /// The configuration file's absolute path, or nothing.
    pub config_file: String,
    /// The operating system: `Linux 6.1.0 x86_64`.
    pub os: String,
    /// Memory of the machine; 0 if it is not known.
    pub memory_bytes: u64,
}

/// How the operator has asked the server to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopSignal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// Figures about the process, refreshed by the driver now and then. INFO shows them; nothing depends on them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostStats {
    /// Bytes the allocator has handed out.
    pub allocated_bytes: u64,
    /// Bytes in pages the allocator uses.
    pub active_bytes: u64,
    /// Bytes the allocator has mapped and touched.
    pub resident_bytes: u64,
    /// Resident bytes of the process.
    pub rss_bytes: u64,
    /// Processor time in user mode, in microseconds.
    pub cpu_user_us: u64,
    /// Processor time in the kernel, in microseconds.
    pub cpu_system_us: u64,
}

/// How serious a line of the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    /// For whoever looks for a fault.
    Debug,
    /// Rarely useful.
    Verbose,
    /// What an operator wants to know.
    Notice,
    /// What an operator has to know.
    Warning,
}

/// One line for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// How serious it is.
    pub level: LogLevel,
    /// What it says.
    pub text: String,
}

/// `CLIENT PAUSE` in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pause {
    /// When it ends.
    pub until: Monotonic,
    /// Whether commands that only read go on.
    pub writes_only: bool,
}

/// What commands share beside the data.
#[derive(Debug)]
pub struct Server {
    /// The configuration in force.
    pub config: Config,
    /// Facts about the process.
    pub host: Host,
    /// Figures about the process.
    pub host_stats: HostStats,
    /// The most the allocator has had handed out whenever it was asked.
    pub peak_allocated_bytes: u64,
    /// What it had handed out when it was first asked.
    pub startup_allocated_bytes: u64,
    /// This turn's clocks.
    pub now: Now,
    /// When the server started.
    pub started: Now,
    /// 40 hexadecimal digits that differ from start to start.
    pub run_id: String,
    /// Every connection but the one whose command runs.
    pub clients: Clients,
    /// Counters for INFO.
    pub stats: Stats,
    /// `CLIENT PAUSE`, while it lasts.
    pub pause: Option<Pause>,
    /// Nobody is served before this instant (`DEBUG SLEEP`).
    pub frozen_until: Option<Monotonic>,
    /// Whether keys are expired by the server's own accord (`DEBUG SET-ACTIVE-EXPIRE`).
    pub active_expire: bool,
    /// `CONFIG REWRITE` under way.
    pub config_rewrite: ConfigRewrite,
    /// What is known of persistence.
    pub durability: Durability,
    /// The one source of chance.
    pub(crate) random: ChaCha8Rng,
    /// Whether a pause ended by command, so that those who waited go on as the turn ends.
    pub(crate) resume_postponed: bool,
    /// Connections to end at the end of this turn, whatever they are owed.
    pub(crate) doomed: Vec<ConnId>,
    effects: Effects,
}

/// What waits for the driver.
#[derive(Debug, Default)]
struct Effects {
    net: VecDeque<NetEffect>,
    disk: VecDeque<DiskOp>,
    log: VecDeque<LogLine>,
    next_disk_id: u64,
    next_file_id: u32,
}

/// Lines of the log that wait for the driver; beyond it the oldest go.
pub const LOG_LINES_MAX: usize = 1024;

impl Server {
    /// A server without connections.
    #[must_use]
    pub fn new(config: Config, host: Host, seed: u64, now: Now) -> Server {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let run_id = format!(
            "{:016x}{:016x}{:08x}",
            random.random::<u64>(),
            random.random::<u64>(),
            random.random::<u32>()
        );
        Server {
            config,
            host,
            host_stats: HostStats::default(),
            peak_allocated_bytes: 0,
            startup_allocated_bytes: 0,
            now,
            started: now,
            run_id,
            clients: Clients::default(),
            stats: Stats::default(),
            pause: None,
            frozen_until: None,
            active_expire: true,
            config_rewrite: ConfigRewrite::default(),
            durability: Durability::new(now),
            random,
            resume_postponed: false,
            doomed: Vec::new(),
            effects: Effects::default(),
        }
    }

    /// A random word, from the seed.
    pub fn random_u64(&mut self) -> u64 {
        self.random.random()
    }

    /// The clock that pauses are measured by.
    pub(crate) fn pause_clock(&self) -> Monotonic {
        if mutant!(Mutant::WallClockForPause) { Monotonic(self.now.wall.0) } else { self.now.monotonic }
    }

    /// Asks the driver to do something with a socket.
    pub fn net(&mut self, effect: NetEffect) {
        self.effects.net.push_back(effect);
    }

    /// Asks the driver for a piece of disk work. Its completion carries the returned name.
    pub fn disk(&mut self, lane: Lane, kind: DiskKind) -> DiskId {
        self.effects.next_disk_id += 1;
        let id = DiskId(self.effects.next_disk_id);
        self.effects.disk.push_back(DiskOp { id, lane, kind });
        id
    }

    /// Writes a line into the log.
    pub fn log(&mut self, level: LogLevel, text: impl Into<String>) {
        if self.effects.log.len() == LOG_LINES_MAX {
            self.effects.log.pop_front();
        }
        self.effects.log.push_back(LogLine { level, text: text.into() });
    }

    /// Ends another connection at the end of this turn, whatever it is owed.
    pub fn doom(&mut self, conn: ConnId) {
        self.doomed.push(conn);
    }

    /// Names a file that is to be opened.
    pub(crate) fn new_file(&mut self) -> FileId {
        self.effects.next_file_id += 1;
        FileId(self.effects.next_file_id)
    }

    /// Leaves after this turn, or when what is kept is durable.
    pub fn shut_down(&mut self, exit: Exit) {
        if self.durability.is_kept {
            self.durability.exit = Some(exit);
            self.durability.is_calm = false;
            return;
        }
        self.log(LogLevel::Warning, "rotom is now ready to exit, bye bye...");
        self.net(NetEffect::Exit(0));
    }

    pub(crate) fn poll_net(&mut self) -> Option<NetEffect> {
        self.effects.net.pop_front()
    }

    pub(crate) fn poll_disk(&mut self) -> Option<DiskOp> {
        self.effects.disk.pop_front()
    }

    pub(crate) fn poll_log(&mut self) -> Option<LogLine> {
        self.effects.log.pop_front()
    }
}
