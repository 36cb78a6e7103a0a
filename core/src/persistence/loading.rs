//! Loading what is on disk, a slice a turn, before any client is served.
//!
//! Nothing is half-loaded in silence. A log that ends in something that was never durable as a whole is cut there, with
//! what was cut put aside; one that is damaged otherwise is refused, and the server leaves, with the file's name and the
//! offset. Nobody is served before what was read is durable: a process that was killed may have left it in the cache
//! of the system alone.

use super::durability::LoadingFigures;
use super::files::Files;
use super::reading::{Figures, Pause, Player, Reading, Role};
use super::sequence::Sequence;
use crate::aof::{
    End, FileInfo, FileKind, Manifest, Reason, bad_format, load_truncated, unexpected_end,
    unfinished_transaction,
};
use crate::core::Core;
use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, DiskOutput, FileId, Lane};
use crate::net::NetEffect;
use crate::server::{LogLevel, Server};
use crate::time::Monotonic;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// Bytes that are loaded before clients are told so; up to there they simply wait.
pub const SILENT_BYTES_MAX: u64 = 2 << 20;

/// What is logged when clients are served.
const READY: &str = "Ready to accept connections";

/// Largest manifest that is read.
const MANIFEST_BYTES_MAX: u64 = 1 << 20;

/// Loading under way.
#[derive(Debug)]
pub(crate) struct Loading {
    stage: Stage,
    awaited: Option<DiskId>,
    manifest: Manifest,
    /// Files that are still to be read.
    files: VecDeque<(FileKind, FileInfo)>,
    /// What of a file is to be cut off.
    cut: Option<Cut>,
    /// A file from before there were manifests was moved to where it belongs.
    has_moved: bool,
    player: Player,
    started: Monotonic,
    started_at: u64,
    total_bytes: u64,
    loaded_bytes: u64,
    figures: Figures,
    silent_bytes_max: u64,
}

#[derive(Debug)]
enum Stage {
    /// The manifest is read.
    Manifest,
    /// A log from before there were manifests is looked for.
    SingleFile(FileId),
    /// It is moved to where logs are, and gets a manifest.
    Upgrade(Sequence),
    /// A file is opened, and read.
    File(Box<Reading>),
    /// What is to be cut off is read, and put aside.
    Quarantine(FileId),
    /// The files are made durable, what nobody needs removed.
    Settle(Sequence),
    /// The last increment is opened for what is to come.
    Open(FileId, FileInfo),
    /// There is no increment: a rewrite brings one.
    Beginning,
    /// It has failed, and the server leaves.
    Refused,
}

#[derive(Debug)]
struct Cut {
    info: FileInfo,
    good_bytes: u64,
    lost_bytes: u64,
}

impl Core {
    /// Begins to load what is on disk, as the configuration says. Until that is done, clients are told so. To be called
    /// before the first turn; without it the server begins empty, and keeps nothing.
    pub fn recover(&mut self) {
        self.persistence.is_durable = true;
        self.server.durability.is_kept = true;
        let role = (!self.server.config.appendonly).then_some(Role::Dump);
        self.begin_loading(role);
        self.persistence.report(&mut self.server);
    }

    /// Begins to load the file with this role, or the log.
    pub(super) fn begin_loading(&mut self, role: Option<Role>) {
        self.dataset.log.mute(true);
        let Core { server, persistence, .. } = self;
        let (stage, awaited) = if let Some(role) = role {
            let name = server.config.dbfilename.clone();
            let (reading, awaited) = Reading::open(server, role, name.clone(), name);
            (Stage::File(Box::new(reading)), awaited)
        } else {
            let name = persistence.files.path(&persistence.files.names().manifest());
            let kind = DiskKind::ReadFile { name, len_bytes_max: MANIFEST_BYTES_MAX };
            (Stage::Manifest, server.disk(Lane::Control, kind))
        };
        persistence.loading = Some(Box::new(Loading {
            stage,
            awaited: Some(awaited),
            manifest: Manifest::default(),
            files: VecDeque::new(),
            cut: None,
            has_moved: false,
            player: Player::new(server.now.monotonic),
            started: server.now.monotonic,
            started_at: server.now.wall.seconds(),
            total_bytes: 0,
            loaded_bytes: 0,
            figures: Figures::default(),
            silent_bytes_max: SILENT_BYTES_MAX,
        }));
    }

    /// Has clients told of the loading under way from so many bytes on, rather than from [`SILENT_BYTES_MAX`].
    #[cfg(feature = "simulation")]
    pub fn tell_of_loading(&mut self, silent_bytes_max: u64) {
        let Core { server, persistence, .. } = self;
        if let Some(loading) = &mut persistence.loading {
            loading.silent_bytes_max = silent_bytes_max;
            persistence.report(server);
        }
    }

    /// Loads another slice.
    pub(super) fn step_loading(&mut self) {
        let Some(mut loading) = self.persistence.loading.take() else { return };
        let outcome = loading.step(self);
        self.go_on_loading(loading, outcome);
    }

    /// Takes a completion if it belongs to the loading.
    pub(super) fn advance_loading(&mut self, completion: &mut Option<DiskCompletion>) {
        let Some(mut loading) = self.persistence.loading.take() else { return };
        let outcome = loading.advance(self, completion);
        self.go_on_loading(loading, outcome);
    }

    fn go_on_loading(&mut self, mut loading: Box<Loading>, outcome: Result<Course, String>) {
        match outcome {
            Ok(Course::On) => self.persistence.loading = Some(loading),
            Ok(Course::Done) => self.end_loading(&loading),
            Err(reason) if self.persistence.is_reloading_dump() => {
                self.server.log(LogLevel::Warning, reason);
                self.dataset.log.mute(false);
                self.end_reload(Err("ERR Error trying to load the RDB dump, check server logs.".to_owned()));
            }
            Err(reason) => {
                self.server.log(LogLevel::Warning, reason);
                self.server.net(NetEffect::Exit(1));
                loading.stage = Stage::Refused;
                self.persistence.loading = Some(loading);
            }
        }
    }

    fn end_loading(&mut self, loading: &Loading) {
        self.dataset.log.mute(false);
        self.dataset.log.feed_file(self.persistence.log.is_on());
        self.dataset.stats.changes = 0;
        if self.persistence.is_reloading() {
            return self.end_reload(Ok(()));
        }
        let Core { server, persistence, .. } = self;
        persistence.rewrites.base_bytes = persistence.current_bytes();
        if loading.loaded_bytes > 0 {
            let ms = server.now.monotonic.since_us(loading.started) / 1000;
            let (seconds, rest) = (ms / 1000, ms % 1000);
            let Figures { commands, keys, expired_keys } = loading.figures;
            let from = if server.config.appendonly { "append only file" } else { "disk" };
            let text = format!(
                "DB loaded from {from}: {seconds}.{rest:03} seconds, {keys} keys, {expired_keys} expired keys, \
                 {commands} commands"
            );
            server.log(LogLevel::Notice, text);
        }
        server.log(LogLevel::Notice, READY);
    }
}

/// Whether loading goes on.
enum Course {
    On,
    Done,
}

impl Loading {
    /// Whether there is something to do at once.
    pub fn wants_turn(&self) -> bool {
        matches!(self.stage, Stage::File(_)) && self.awaited.is_none()
    }

    /// Whether everything is loaded, and only a place for what is to come is missing.
    pub fn is_beginning(&self) -> bool {
        matches!(self.stage, Stage::Beginning)
    }

    /// Whether clients are not told that there is something to wait for.
    pub fn is_silent(&self) -> bool {
        self.is_beginning() || self.loaded_bytes < self.silent_bytes_max
    }

    /// What INFO tells.
    pub fn figures(&self) -> LoadingFigures {
        let Loading { started, started_at, total_bytes, loaded_bytes, .. } = *self;
        LoadingFigures { started, started_at, total_bytes, loaded_bytes }
    }

    fn submit(&mut self, server: &mut Server, kind: DiskKind) {
        self.awaited = Some(server.disk(Lane::Control, kind));
    }

    fn advance(
        &mut self,
        core: &mut Core,
        completion: &mut Option<DiskCompletion>,
    ) -> Result<Course, String> {
        if let Stage::Upgrade(steps) | Stage::Settle(steps) = &mut self.stage {
            return match steps.advance(&mut core.server, completion) {
                None => Ok(Course::On),
                Some(Ok(())) if matches!(self.stage, Stage::Upgrade(_)) => self.next_file(core),
                Some(Ok(())) => self.open_last(core),
                Some(Err(error)) => {
                    Err(format!("Fatal error while loading the append only file: {}", error.message))
                }
            };
        }
        let awaited = self.awaited;
        let Some(completion) = completion.take_if(|completion| Some(completion.id) == awaited) else {
            return Ok(Course::On);
        };
        self.awaited = None;
        match &mut self.stage {
            Stage::Manifest => self.read_manifest(core, completion.outcome),
            Stage::SingleFile(file) => {
                let file = *file;
                self.found_single_file(core, file, completion.outcome)
            }
            Stage::File(_) => self.read(core, completion.outcome),
            Stage::Quarantine(file) => {
                let file = *file;
                self.put_aside(core, file, completion.outcome)
            }
            Stage::Open(file, info) => {
                let (file, sequence) = (*file, info.sequence);
                match completion.outcome {
                    Ok(output) => {
                        let len_bytes =
                            if let DiskOutput::Opened { len_bytes } = output { len_bytes } else { 0 };
                        let lost_bytes = self.cut.as_ref().map_or(0, |cut| cut.lost_bytes);
                        let persistence = &mut core.persistence;
                        persistence.older_bytes = self.loaded_bytes.saturating_sub(lost_bytes + len_bytes);
                        persistence.cut_bytes = lost_bytes;
                        persistence.log.open(file, sequence, len_bytes);
                        Ok(Course::Done)
                    }
                    Err(error) => {
                        Err(format!("Can't open the append-only file {}: {}", info.name, error.message))
                    }
                }
            }
            Stage::Upgrade(_) | Stage::Settle(_) | Stage::Beginning | Stage::Refused => Ok(Course::On),
        }
    }

    fn read_manifest(
        &mut self,
        core: &mut Core,
        outcome: Result<DiskOutput, DiskError>,
    ) -> Result<Course, String> {
        let name = core.persistence.files.names().manifest();
        match outcome {
            Ok(DiskOutput::Buffer(text)) => {
                self.manifest = Manifest::parse(&text).map_err(|error| error.to_string())?;
                self.files = self.manifest.files().map(|(kind, info)| (kind, info.clone())).collect();
                self.next_file(core)
            }
            Err(error) if error.kind == ErrorKind::NotFound => {
                let file = core.server.new_file();
                self.stage = Stage::SingleFile(file);
                let name = core.server.config.appendfilename.clone();
                self.submit(&mut core.server, DiskKind::OpenRead { file, name });
                Ok(Course::On)
            }
            Err(error) if error.kind == ErrorKind::Interrupted => {
                let name = core.persistence.files.path(&name);
                let kind = DiskKind::ReadFile { name, len_bytes_max: MANIFEST_BYTES_MAX };
                self.submit(&mut core.server, kind);
                Ok(Course::On)
            }
            Ok(_) => Err(format!("Fatal error: can't read the AOF manifest file {name}")),
            Err(error) => Err(format!(
                "Fatal error: can't open the AOF manifest file {name} for reading: {}",
                error.message
            )),
        }
    }

    /// There is no manifest: either there is no log, or one from a server that knew of none.
    fn found_single_file(
        &mut self,
        core: &mut Core,
        file: FileId,
        outcome: Result<DiskOutput, DiskError>,
    ) -> Result<Course, String> {
        let Core { server, persistence, .. } = core;
        match outcome {
            Err(error) if error.kind == ErrorKind::NotFound => {
                self.stage = Stage::Beginning;
                Ok(Course::On)
            }
            Err(error) => Err(format!(
                "Can't open the append-only file {}: {}",
                server.config.appendfilename, error.message
            )),
            Ok(_) => {
                let name = server.config.appendfilename.clone();
                self.manifest = Manifest::of_single_file(&name);
                self.files = self.manifest.files().map(|(kind, info)| (kind, info.clone())).collect();
                let directory = persistence.files.directory().to_owned();
                let steps =
                    Sequence::new(Lane::Control).try_to(DiskKind::Close { file }).make_directory(&directory);
                // The manifest comes first: what it names and is not there yet is looked for where it was.
                let steps = persistence.files.write_manifest(server, steps, &self.manifest);
                let steps = move_in(steps, &persistence.files, &name);
                let text = format!("Migrating the old-style append only file {name} into {directory}");
                server.log(LogLevel::Notice, text);
                self.stage = Stage::Upgrade(steps.begin(server));
                Ok(Course::On)
            }
        }
    }

    /// Opens the next file, or goes on when all are read.
    fn next_file(&mut self, core: &mut Core) -> Result<Course, String> {
        let Some((kind, info)) = self.files.pop_front() else { return self.all_read(core) };
        if let Some(cut) = &self.cut
            && kind == FileKind::Base
        {
            return Err(bad_format(&cut.info.name));
        }
        let path = core.persistence.files.path(&info.name);
        self.player.begin_file();
        let role = Role::Log(kind, info.sequence);
        let (reading, awaited) = Reading::open(&mut core.server, role, info.name, path);
        self.stage = Stage::File(Box::new(reading));
        self.awaited = Some(awaited);
        Ok(Course::On)
    }

    /// A file was opened, or a piece of it was read.
    fn read(&mut self, core: &mut Core, outcome: Result<DiskOutput, DiskError>) -> Result<Course, String> {
        let Stage::File(reading) = &mut self.stage else { return Ok(Course::On) };
        let (len_before, read_before) = (reading.len_bytes(), reading.read_bytes());
        let error = match reading.receive(core, outcome) {
            Ok(awaited) => {
                self.awaited = awaited;
                self.total_bytes += reading.len_bytes().saturating_sub(len_before);
                self.loaded_bytes += reading.read_bytes() - read_before;
                return Ok(Course::On);
            }
            Err(error) => error,
        };
        let is_missing = error.kind == ErrorKind::NotFound;
        let name = reading.name.clone();
        match reading.role {
            Role::Dump if is_missing && !core.persistence.is_reloading() => Ok(Course::Done),
            Role::Dump => {
                Err(format!("Fatal error loading the DB, check server logs. {name}: {}", error.message))
            }
            Role::Log(FileKind::Base, sequence)
                if is_missing && name == core.server.config.appendfilename && !self.has_moved =>
            {
                // The server was stopped when the manifest was written and the file not moved yet.
                self.has_moved = true;
                let steps = move_in(Sequence::new(Lane::Control), &core.persistence.files, &name);
                self.files.push_front((FileKind::Base, FileInfo { name, sequence }));
                self.stage = Stage::Upgrade(steps.begin(&mut core.server));
                Ok(Course::On)
            }
            Role::Log(..) => {
                Err(format!("Unrecoverable error reading the append only file {name}: {}", error.message))
            }
        }
    }

    /// Takes over what was read, and asks for more.
    fn step(&mut self, core: &mut Core) -> Result<Course, String> {
        if self.is_beginning() {
            return Ok(self.step_beginning(core));
        }
        if !self.wants_turn() {
            return Ok(Course::On);
        }
        let Stage::File(reading) = &mut self.stage else { return Ok(Course::On) };
        if reading.play(core, &mut self.player)? == Pause::Enough {
            return Ok(Course::On);
        }
        if reading.has_commands
            && let Some(cut) = &self.cut
        {
            // What was written behind a torn tail says that it is none.
            return Err(bad_format(&cut.info.name));
        }
        self.awaited = reading.read_on(&mut core.server);
        if self.awaited.is_some() { Ok(Course::On) } else { self.end_file(core) }
    }

    /// Has a rewrite bring what is missing; what is loaded is in the manifest's files already.
    fn step_beginning(&mut self, core: &mut Core) -> Course {
        let Core { server, persistence, .. } = core;
        if persistence.log.is_on() || !server.config.appendonly {
            return Course::Done;
        }
        if persistence.rewrite.is_none() && persistence.next_rewrite(server) <= server.now.monotonic {
            persistence.begin_rewrite(server, true);
        }
        Course::On
    }

    /// All of a file was read and run: whether it ended as it should.
    fn end_file(&mut self, core: &mut Core) -> Result<Course, String> {
        let Stage::File(reading) = &mut self.stage else { return Ok(Course::On) };
        let end = reading.finish(&mut core.server)?;
        let found = reading.figures();
        self.figures.commands += found.commands;
        self.figures.keys += found.keys;
        self.figures.expired_keys += found.expired_keys;
        core.persistence.loaded_keys = (self.figures.keys, self.figures.expired_keys);
        let Role::Log(kind, sequence) = reading.role else { return Ok(Course::Done) };
        let info = FileInfo { name: reading.name.clone(), sequence };
        match end {
            End::Clean => {}
            End::TornTail { good_offset_bytes, lost_bytes, reason } => {
                if reason == Reason::Transaction {
                    core.server.log(LogLevel::Warning, unfinished_transaction(&info.name));
                }
                if kind == FileKind::Base || self.cut.is_some() || !core.server.config.aof_load_truncated {
                    return Err(unexpected_end(&info.name));
                }
                for line in load_truncated(&info.name, good_offset_bytes) {
                    core.server.log(LogLevel::Warning, line);
                }
                sometimes!(Mark::TornTailCut);
                let good_bytes = good_offset_bytes + u64::from(mutant!(Mutant::TruncationOffByOne));
                self.cut = Some(Cut { info, good_bytes, lost_bytes });
            }
            End::Corrupt { offset_bytes, .. } => {
                return Err(format!("{} (damage at offset {offset_bytes})", bad_format(&info.name)));
            }
        }
        self.next_file(core)
    }

    /// Everything was read: puts aside what is to be cut off, or makes durable what there is.
    fn all_read(&mut self, core: &mut Core) -> Result<Course, String> {
        if core.persistence.is_reloading() {
            // The log goes on where it stands.
            return self.cut.as_ref().map_or(Ok(Course::Done), |cut| Err(bad_format(&cut.info.name)));
        }
        match &self.cut {
            Some(cut) => {
                let file = core.server.new_file();
                let name = core.persistence.files.path(&cut.info.name);
                self.stage = Stage::Quarantine(file);
                self.submit(&mut core.server, DiskKind::OpenRead { file, name });
                Ok(Course::On)
            }
            None => self.settle(core, None),
        }
    }

    fn put_aside(
        &mut self,
        core: &mut Core,
        file: FileId,
        outcome: Result<DiskOutput, DiskError>,
    ) -> Result<Course, String> {
        let Some(cut) = &self.cut else { return Ok(Course::On) };
        match outcome {
            Ok(DiskOutput::Buffer(lost)) => {
                core.server.disk(Lane::Control, DiskKind::Close { file });
                self.settle(core, Some(lost))
            }
            Err(error) if !matches!(error.kind, ErrorKind::Interrupted | ErrorKind::UnexpectedEof) => {
                Err(format!("Error reading the AOF file {}: {}", cut.info.name, error.message))
            }
            outcome => {
                let len_bytes = usize::try_from(cut.lost_bytes).unwrap_or(usize::MAX);
                let offset_bytes = cut.good_bytes;
                let kind = if outcome.is_ok() {
                    DiskKind::ReadAt { file, offset_bytes, len_bytes }
                } else {
                    DiskKind::OpenRead { file, name: core.persistence.files.path(&cut.info.name) }
                };
                self.submit(&mut core.server, kind);
                Ok(Course::On)
            }
        }
    }

    /// Makes durable what was loaded, and removes what nobody needs.
    fn settle(&mut self, core: &mut Core, lost: Option<Vec<u8>>) -> Result<Course, String> {
        let Core { server, persistence, .. } = core;
        let files = &persistence.files;
        let mut steps = Sequence::new(Lane::Control);
        if let (Some(cut), Some(lost)) = (&self.cut, lost) {
            let aside = server.new_file();
            let name = files.path(&format!("{}.{}.cut", cut.info.name, cut.good_bytes));
            let text = format!("{} bytes were cut off and put aside as {name}", lost.len());
            server.log(LogLevel::Warning, text);
            let torn = server.new_file();
            steps = steps
                .try_to(DiskKind::Remove { name: name.clone() })
                .then(DiskKind::Create { file: aside, name, mode: 0o644 })
                .then(DiskKind::Append { file: aside, data: lost })
                .then(DiskKind::Sync { file: aside })
                .then(DiskKind::Close { file: aside })
                .then(DiskKind::SyncDir { name: files.directory().to_owned() })
                .then(DiskKind::OpenAppend { file: torn, name: files.path(&cut.info.name) })
                .then(DiskKind::Truncate { file: torn, len_bytes: cut.good_bytes })
                .then(DiskKind::Close { file: torn });
        }
        for info in self.manifest.increments() {
            if mutant!(Mutant::TruncationNotSynced) {
                continue;
            }
            let file = server.new_file();
            steps = steps
                .then(DiskKind::OpenAppend { file, name: files.path(&info.name) })
                .then(DiskKind::Sync { file })
                .then(DiskKind::Close { file });
        }
        // What a process that was killed has left may be in the system's memory alone.
        steps = steps
            .then(DiskKind::SyncDir { name: files.directory().to_owned() })
            .then(DiskKind::SyncDir { name: String::new() });
        if !mutant!(Mutant::TemporaryNeverRemoved) {
            for name in [files.names().new_base(), files.names().new_manifest()] {
                steps = steps.try_to(DiskKind::Remove { name: files.path(&name) });
            }
        }
        let mut manifest = self.manifest.clone();
        let history = manifest.take_history();
        if !history.is_empty() {
            for old in history {
                steps = steps.try_to(DiskKind::Remove { name: files.path(&old.name) });
            }
            steps = files.write_manifest(server, steps, &manifest);
            self.manifest = manifest;
        }
        self.stage = Stage::Settle(steps.begin(server));
        Ok(Course::On)
    }

    /// Opens the last increment, to go on with it.
    fn open_last(&mut self, core: &mut Core) -> Result<Course, String> {
        core.persistence.manifest = self.manifest.clone();
        let Some(info) = self.manifest.increments().last().cloned() else {
            core.persistence.older_bytes = self.loaded_bytes;
            self.stage = Stage::Beginning;
            return Ok(Course::On);
        };
        let file = core.server.new_file();
        let name = core.persistence.files.path(&info.name);
        self.stage = Stage::Open(file, info);
        self.submit(&mut core.server, DiskKind::OpenAppend { file, name });
        Ok(Course::On)
    }
}

/// Moves a file from before there were manifests to where logs are.
fn move_in(steps: Sequence, files: &Files, name: &str) -> Sequence {
    steps
        .then(DiskKind::Rename { from: name.to_owned(), to: files.path(name) })
        .then(DiskKind::SyncDir { name: files.directory().to_owned() })
        .then(DiskKind::SyncDir { name: String::new() })
}
