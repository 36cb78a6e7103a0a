//! Loading what is on disk, a slice a turn, before any client is served.
//!
//! Nothing is half-loaded in silence. A log that ends in something that was never durable as a whole is cut there, with
//! what was cut put aside; one that is damaged otherwise is refused, and the server leaves, with the file's name and the
//! offset. Nobody is served before what was read is durable: a process that was killed may have left it in the cache
//! of the system alone.

use super::durability::LoadingFigures;
use super::files::Files;
use super::sequence::Sequence;
use crate::aof::{
    End, FileInfo, FileKind, Item, LogReader, Manifest, bad_format, load_truncated, unexpected_end,
};
use crate::args::Args;
use crate::commands;
use crate::context::Context;
use crate::core::Core;
use crate::dataset::Keys;
use crate::disk::{DiskCompletion, DiskError, DiskId, DiskKind, DiskOutput, FileId, Lane};
use crate::keyspace::UnixMillis;
use crate::net::{Accept, ConnId, NetEffect};
use crate::resp::Reply;
use crate::server::{LogLevel, Server};
use crate::session::Session;
use crate::time::Monotonic;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// Bytes read at once.
const READ_BYTES: usize = 256 << 10;

/// Commands run in one turn.
const COMMANDS_PER_TURN: usize = 2_000;

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
    session: Session,
    reply: Reply,
    started: Monotonic,
    started_at: u64,
    total_bytes: u64,
    loaded_bytes: u64,
    commands: u64,
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
    File(Box<Current>),
    /// What is to be cut off is read, and put aside.
    Quarantine(FileId),
    /// The files are made durable, what nobody needs removed.
    Settle(Sequence),
    /// The last increment is opened for what is to come.
    Open(FileId, FileInfo),
    /// There is no increment: a rewrite brings one.
    Beginning,
}

/// The file that is being read.
#[derive(Debug)]
struct Current {
    file: FileId,
    kind: FileKind,
    info: FileInfo,
    reader: LogReader,
    is_open: bool,
    len_bytes: u64,
    read_bytes: u64,
    /// Whether something was found in it.
    has_commands: bool,
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
        if !self.server.config.appendonly {
            self.server.log(LogLevel::Notice, READY);
            return;
        }
        let name = self.persistence.files.path(&self.persistence.files.names().manifest());
        let kind = DiskKind::ReadFile { name, len_bytes_max: MANIFEST_BYTES_MAX };
        let awaited = self.server.disk(Lane::Control, kind);
        let mut reply = Reply::default();
        reply.set_suppressed(true);
        self.dataset.log.mute(true);
        self.persistence.loading = Some(Box::new(Loading {
            stage: Stage::Manifest,
            awaited: Some(awaited),
            manifest: Manifest::default(),
            files: VecDeque::new(),
            cut: None,
            has_moved: false,
            session: loader(self.server.now.monotonic),
            reply,
            started: self.server.now.monotonic,
            started_at: self.server.now.wall.seconds(),
            total_bytes: 0,
            loaded_bytes: 0,
            commands: 0,
        }));
        let Core { server, persistence, .. } = self;
        persistence.report(server);
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

    fn go_on_loading(&mut self, loading: Box<Loading>, outcome: Result<Course, String>) {
        match outcome {
            Ok(Course::On) => self.persistence.loading = Some(loading),
            Ok(Course::Done) => self.end_loading(&loading),
            Err(reason) => {
                self.server.log(LogLevel::Warning, reason);
                self.server.net(NetEffect::Exit(1));
                self.persistence.loading = Some(loading);
            }
        }
    }

    fn end_loading(&mut self, loading: &Loading) {
        self.dataset.log.mute(false);
        self.dataset.log.feed_file(true);
        self.dataset.stats.changes = 0;
        let Core { server, persistence, .. } = self;
        persistence.rewrites.base_bytes = persistence.current_bytes();
        if loading.loaded_bytes > 0 {
            let ms = server.now.monotonic.since_us(loading.started) / 1000;
            let (seconds, rest) = (ms / 1000, ms % 1000);
            let text = format!(
                "DB loaded from append only file: {seconds}.{rest:03} seconds, {} commands",
                loading.commands
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
            Stage::Upgrade(_) | Stage::Settle(_) | Stage::Beginning => Ok(Course::On),
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
        let file = core.server.new_file();
        let name = core.persistence.files.path(&info.name);
        let sequence = (kind == FileKind::Increment).then_some(info.sequence);
        self.session.database = 0;
        self.stage = Stage::File(Box::new(Current {
            file,
            kind,
            reader: LogReader::new(sequence, 0),
            info,
            is_open: false,
            len_bytes: 0,
            read_bytes: 0,
            has_commands: false,
        }));
        self.submit(&mut core.server, DiskKind::OpenRead { file, name });
        Ok(Course::On)
    }

    /// A file was opened, or a piece of it was read.
    fn read(&mut self, core: &mut Core, outcome: Result<DiskOutput, DiskError>) -> Result<Course, String> {
        let Stage::File(current) = &mut self.stage else { return Ok(Course::On) };
        match outcome {
            Ok(DiskOutput::Opened { len_bytes }) => {
                current.is_open = true;
                current.len_bytes = len_bytes;
                self.total_bytes += len_bytes;
            }
            Err(error)
                if error.kind == ErrorKind::NotFound
                    && current.kind == FileKind::Base
                    && current.info.name == core.server.config.appendfilename
                    && !self.has_moved =>
            {
                // The server was stopped when the manifest was written and the file not moved yet.
                self.has_moved = true;
                let info = current.info.clone();
                let steps = move_in(Sequence::new(Lane::Control), &core.persistence.files, &info.name);
                self.files.push_front((FileKind::Base, info));
                self.stage = Stage::Upgrade(steps.begin(&mut core.server));
            }
            Ok(DiskOutput::Buffer(piece)) => {
                current.read_bytes += piece.len() as u64;
                self.loaded_bytes += piece.len() as u64;
                current.reader.feed(&piece);
                if piece.is_empty() {
                    current.len_bytes = current.read_bytes;
                }
            }
            Ok(_) => {}
            // Such a thing has not been tried; it is again, as what was read so far says.
            Err(error) if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::UnexpectedEof) => {
                if !current.is_open {
                    let name = core.persistence.files.path(&current.info.name);
                    let kind = DiskKind::OpenRead { file: current.file, name };
                    self.submit(&mut core.server, kind);
                }
            }
            Err(error) => {
                let name = &current.info.name;
                return Err(format!(
                    "Unrecoverable error reading the append only file {name}: {}",
                    error.message
                ));
            }
        }
        Ok(Course::On)
    }

    /// Runs what was read, and asks for more.
    fn step(&mut self, core: &mut Core) -> Result<Course, String> {
        if self.is_beginning() {
            return Ok(self.step_beginning(core));
        }
        if !self.wants_turn() {
            return Ok(Course::On);
        }
        let Stage::File(current) = &mut self.stage else { return Ok(Course::On) };
        // At this time nothing has expired: what did is said in the log.
        let now = std::mem::replace(&mut core.dataset.now, UnixMillis(0));
        let mut left = COMMANDS_PER_TURN;
        while left > 0 {
            match current.reader.next_item() {
                None => break,
                Some(Item::Command { args, .. }) => {
                    left -= 1;
                    current.has_commands = true;
                    self.commands += 1;
                    if let Err(name) = run(core, &mut self.session, &mut self.reply, args) {
                        let file = &current.info.name;
                        return Err(format!("Unknown command '{name}' reading the append only file {file}"));
                    }
                }
                Some(Item::Annotation { .. } | Item::Batch(_) | Item::BatchEnd) => {}
            }
        }
        core.dataset.now = now;
        if left == 0 {
            return Ok(Course::On);
        }
        if current.has_commands
            && let Some(cut) = &self.cut
        {
            // What was written behind a torn tail says that it is none.
            return Err(bad_format(&cut.info.name));
        }
        if current.read_bytes < current.len_bytes {
            let (file, offset_bytes) = (current.file, current.read_bytes);
            self.submit(&mut core.server, DiskKind::ReadAt { file, offset_bytes, len_bytes: READ_BYTES });
            return Ok(Course::On);
        }
        self.end_file(core)
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
        let Stage::File(current) = &mut self.stage else { return Ok(Course::On) };
        let reader = std::mem::replace(&mut current.reader, LogReader::new(None, 0));
        let (info, file, kind) = (current.info.clone(), current.file, current.kind);
        core.server.disk(Lane::Control, DiskKind::Close { file });
        match reader.finish() {
            End::Clean => {}
            End::TornTail { good_offset_bytes, lost_bytes, .. } => {
                if kind == FileKind::Base || self.cut.is_some() || !core.server.config.aof_load_truncated {
                    return Err(unexpected_end(&info.name));
                }
                for line in load_truncated(&info.name, good_offset_bytes) {
                    core.server.log(LogLevel::Warning, line);
                }
                sometimes!(Mark::TornTailCut);
                self.cut = Some(Cut { info, good_bytes: good_offset_bytes, lost_bytes });
            }
            End::Corrupt { offset_bytes, .. } => {
                return Err(format!("{} (damage at offset {offset_bytes})", bad_format(&info.name)));
            }
        }
        self.next_file(core)
    }

    /// Everything was read: puts aside what is to be cut off, or makes durable what there is.
    fn all_read(&mut self, core: &mut Core) -> Result<Course, String> {
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
            .then(DiskKind::SyncDir { name: String::new() })
            .try_to(DiskKind::Remove { name: files.path(&files.names().new_base()) })
            .try_to(DiskKind::Remove { name: files.path(&files.names().new_manifest()) });
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

/// Runs a command of the log. Fails with its name if nobody knows it.
fn run(core: &mut Core, session: &mut Session, reply: &mut Reply, args: Args<'_>) -> Result<(), String> {
    let name = &args[0];
    let command = commands::lookup(name).ok_or_else(|| String::from_utf8_lossy(name).into_owned())?;
    if matches!(command.name, "multi" | "exec") {
        return Ok(());
    }
    let Core { server, dataset, .. } = core;
    let keys = Keys { dataset, database: session.database, no_touch: false };
    // As in Redis, what a command answers is of no account here; one that fails fails as it did before.
    let _ = (command.run)(&mut Context { command, args, keys, session, reply, server });
    dataset.settle_touched();
    Ok(())
}

/// Nobody, who runs what is loaded.
fn loader(now: Monotonic) -> Session {
    let accept =
        Accept { peer: String::new(), local: String::new(), descriptor: -1, is_local: true, is_unix: false };
    // Whatever waits in other circumstances is not to wait here.
    Session { runs_transaction: true, ..Session::new(ConnId::from_u64(u64::MAX), 0, accept, true, now) }
}

/// Moves a file from before there were manifests to where logs are.
fn move_in(steps: Sequence, files: &Files, name: &str) -> Sequence {
    steps
        .then(DiskKind::Rename { from: name.to_owned(), to: files.path(name) })
        .then(DiskKind::SyncDir { name: files.directory().to_owned() })
        .then(DiskKind::SyncDir { name: String::new() })
}
