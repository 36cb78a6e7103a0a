//! One file that is loaded: its part in the RDB format, if it begins with one, then its commands.

use crate::aof::{End, FileKind, Item, LogReader, begins_rdb};
use crate::args::Args;
use crate::commands;
use crate::context::Context;
use crate::core::Core;
use crate::dataset::Keys;
use crate::disk::{DiskError, DiskId, DiskKind, DiskOutput, FileId, Lane};
use crate::keyspace::UnixMillis;
use crate::net::{Accept, ConnId};
use crate::rdb::{self, LoadOptions, Loaded, Next};
use crate::resp::Reply;
use crate::server::{LogLevel, Server};
use crate::session::Session;
use crate::time::Monotonic;
use std::collections::VecDeque;
use std::io::ErrorKind;

/// Bytes read at once.
pub const READ_BYTES: usize = 256 << 10;

/// Commands run in one turn, or keys taken over.
pub const COMMANDS_PER_TURN: usize = 2_000;

/// How many keys are looked ahead at, so that memory is waited for less.
const KEYS_AHEAD: usize = 32;

/// What a file is loaded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// A file of the append-only log, of this kind and with this number.
    Log(FileKind, u64),
    /// The file of `dbfilename`.
    Dump,
}

/// A file that is read.
#[derive(Debug)]
pub(super) struct Reading {
    pub role: Role,
    /// Its name for people.
    pub name: String,
    path: String,
    file: FileId,
    source: Source,
    is_open: bool,
    len_bytes: u64,
    read_bytes: u64,
    /// Whether something was found in it.
    pub has_commands: bool,
    figures: Figures,
    /// Keys of an RDB file that are about to be taken over, with their hashes.
    queue: VecDeque<(u64, Loaded)>,
}

/// What was found in files.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Figures {
    pub commands: u64,
    pub keys: u64,
    /// Keys that were passed over because their time was over.
    pub expired_keys: u64,
}

#[derive(Debug)]
enum Source {
    /// What it is shows with its first bytes.
    Unknown,
    Rdb(Box<rdb::Reader>),
    Log(Box<LogReader>),
}

/// Who runs what is read.
#[derive(Debug)]
pub(super) struct Player {
    session: Session,
    reply: Reply,
    /// The hashes of keys that commands are about to ask for.
    ahead: VecDeque<u64>,
}

/// Why reading a slice ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// It was enough for a turn.
    Enough,
    /// There are no bytes to go on with.
    Hungry,
}

impl Reading {
    /// Opens a file. Its completion is for [`receive`](Self::receive).
    pub fn open(server: &mut Server, role: Role, name: String, path: String) -> (Reading, DiskId) {
        let file = server.new_file();
        let id = server.disk(Lane::Control, DiskKind::OpenRead { file, name: path.clone() });
        let reading = Reading {
            role,
            name,
            path,
            file,
            source: Source::Unknown,
            is_open: false,
            len_bytes: 0,
            read_bytes: 0,
            has_commands: false,
            figures: Figures::default(),
            queue: VecDeque::new(),
        };
        (reading, id)
    }

    /// Takes in what the disk has to say. Returns what has to be waited for before it can go on.
    pub fn receive(
        &mut self,
        core: &mut Core,
        outcome: Result<DiskOutput, DiskError>,
    ) -> Result<Option<DiskId>, DiskError> {
        match outcome {
            Ok(DiskOutput::Opened { len_bytes }) => {
                self.is_open = true;
                self.len_bytes = len_bytes;
            }
            Ok(DiskOutput::Buffer(piece)) => self.feed(core, &piece),
            Ok(_) => {}
            // Such a thing has not been tried; it is again, as what was read so far says.
            Err(error) if matches!(error.kind, ErrorKind::Interrupted | ErrorKind::UnexpectedEof) => {
                if !self.is_open {
                    let kind = DiskKind::OpenRead { file: self.file, name: self.path.clone() };
                    return Ok(Some(core.server.disk(Lane::Control, kind)));
                }
            }
            Err(error) => return Err(error),
        }
        Ok(None)
    }

    /// How long it is.
    pub fn len_bytes(&self) -> u64 {
        self.len_bytes
    }

    /// How much of it was read.
    pub fn read_bytes(&self) -> u64 {
        self.read_bytes
    }

    /// What was found in it.
    pub fn figures(&self) -> Figures {
        self.figures
    }

    /// Asks for what comes next, if there is more.
    pub fn read_on(&self, server: &mut Server) -> Option<DiskId> {
        (self.read_bytes < self.len_bytes).then(|| {
            let (file, offset_bytes) = (self.file, self.read_bytes);
            server.disk(Lane::Control, DiskKind::ReadAt { file, offset_bytes, len_bytes: READ_BYTES })
        })
    }

    /// Takes over what was read.
    ///
    /// # Errors
    /// What is wrong with the file, in a line for the log.
    pub fn play(&mut self, core: &mut Core, player: &mut Player) -> Result<Pause, String> {
        for _ in 0..COMMANDS_PER_TURN {
            let has_more = match &self.source {
                Source::Unknown => false,
                Source::Rdb(_) => self.take_item(core, player)?,
                Source::Log(_) => self.run_item(core, player)?,
            };
            if !has_more {
                return Ok(Pause::Hungry);
            }
        }
        Ok(Pause::Enough)
    }

    /// Ends reading: how the file has ended, with its log if it has one.
    ///
    /// # Errors
    /// What is wrong with the part in the RDB format, in a line for the log.
    pub fn finish(&mut self, server: &mut Server) -> Result<End, String> {
        server.disk(Lane::Control, DiskKind::Close { file: self.file });
        match std::mem::replace(&mut self.source, Source::Unknown) {
            Source::Unknown if self.role == Role::Dump => Err(self.fault(&"it is empty")),
            Source::Unknown => Ok(End::Clean),
            Source::Rdb(reader) => reader.finish().map(|()| End::Clean).map_err(|error| self.fault(&error)),
            Source::Log(reader) => Ok(reader.finish()),
        }
    }

    fn feed(&mut self, core: &Core, piece: &[u8]) {
        self.read_bytes += piece.len() as u64;
        if piece.is_empty() {
            self.len_bytes = self.read_bytes;
        }
        if matches!(self.source, Source::Unknown) && !piece.is_empty() {
            let is_rdb = self.role == Role::Dump || begins_rdb(piece) == Some(true);
            self.source = if is_rdb {
                Source::Rdb(Box::new(rdb::Reader::new(core.load_options())))
            } else {
                let sequence = match self.role {
                    Role::Log(FileKind::Increment, sequence) => Some(sequence),
                    _ => None,
                };
                Source::Log(Box::new(LogReader::new(sequence, 0)))
            };
        }
        match &mut self.source {
            Source::Unknown => {}
            Source::Rdb(reader) => reader.feed(piece),
            Source::Log(reader) => reader.feed(piece),
        }
    }

    /// Takes over what comes next of the part in the RDB format. Whether there was something.
    fn take_item(&mut self, core: &mut Core, player: &mut Player) -> Result<bool, String> {
        let Source::Rdb(reader) = &mut self.source else { return Ok(false) };
        let item = match reader.next() {
            Ok(Next::Hungry) => {
                self.insert_queued(core, player.session.database, 0)?;
                return Ok(false);
            }
            Ok(Next::Pause) => return Ok(true),
            Ok(Next::Item(rdb::Item::Key(loaded))) => {
                self.enqueue(core, player.session.database, loaded)?;
                return Ok(true);
            }
            Ok(Next::Item(item)) => item,
            Err(error) => return Err(self.fault(&error)),
        };
        self.insert_queued(core, player.session.database, 0)?;
        let Source::Rdb(reader) = &mut self.source else { return Ok(false) };
        match item {
            rdb::Item::Select(database) if database < core.dataset.database_count() => {
                player.session.database = database;
            }
            rdb::Item::Select(_) => {
                let count = core.dataset.database_count();
                let text = format!(
                    "FATAL: Data file was created with a Redis server configured to handle more than {count} \
                     databases. Exiting"
                );
                return Err(text);
            }
            rdb::Item::Skipped(what) => core.server.log(LogLevel::Notice, what),
            rdb::Item::Key(_) | rdb::Item::Empty(_) | rdb::Item::Aux { .. } | rdb::Item::Resize { .. } => {}
            rdb::Item::End => {
                let offset = reader.offset();
                if self.role != Role::Dump
                    && let Source::Rdb(reader) = std::mem::replace(&mut self.source, Source::Unknown)
                {
                    // What follows is a log.
                    let mut log = LogReader::new(None, offset);
                    log.feed(&reader.into_rest());
                    self.source = Source::Log(Box::new(log));
                }
            }
        }
        Ok(true)
    }

    /// Takes a key over a little later, when what that changes has arrived in the cache.
    fn enqueue(&mut self, core: &mut Core, database: usize, loaded: Loaded) -> Result<(), String> {
        let hash = core.dataset.prefetch_place(database, &loaded.key);
        self.queue.push_back((hash, loaded));
        if self.queue.len() < KEYS_AHEAD {
            return Ok(());
        }
        if let Some((hash, _)) = self.queue.get(KEYS_AHEAD / 2) {
            core.dataset.prefetch_entry(database, *hash);
        }
        self.insert_queued(core, database, KEYS_AHEAD - 1)
    }

    /// Takes over keys that were put off, but for so many.
    fn insert_queued(&mut self, core: &mut Core, database: usize, rest: usize) -> Result<(), String> {
        while self.queue.len() > rest {
            let Some((hash, loaded)) = self.queue.pop_front() else { break };
            self.insert(core, database, hash, loaded)?;
        }
        Ok(())
    }

    fn insert(&mut self, core: &mut Core, database: usize, hash: u64, loaded: Loaded) -> Result<(), String> {
        let Loaded { key, value, mut expiry, .. } = loaded;
        if mutant!(Mutant::ExpiredKeyLoaded) {
            expiry = expiry.filter(|expiry| !expiry.is_past(core.dataset.now));
        }
        // A log says itself what has expired, and the data that are loaded again still have to.
        let merges = core.persistence.reload.map(|reload| reload.merges());
        if self.role == Role::Dump
            && merges.is_none()
            && expiry.is_some_and(|expiry| expiry.is_past(core.dataset.now))
        {
            self.figures.expired_keys += 1;
            return Ok(());
        }
        core.dataset.hint(&key, hash);
        let mut keys = Keys { dataset: &mut core.dataset, database, no_touch: false };
        if merges == Some(true) {
            keys.discard(&key);
        }
        let is_twice = keys.again(&key).is_some();
        if !is_twice {
            keys.insert(&key, value, expiry);
        }
        core.dataset.forget_hint();
        if is_twice {
            let shown = String::from_utf8_lossy(&key).into_owned();
            return Err(self.fault(&format!("RDB has duplicated key '{shown}' in DB {database}")));
        }
        self.figures.keys += 1;
        self.has_commands = true;
        Ok(())
    }

    /// Runs what comes next in the log. Whether there was something.
    fn run_item(&mut self, core: &mut Core, player: &mut Player) -> Result<bool, String> {
        let Source::Log(reader) = &mut self.source else { return Ok(false) };
        player.look_ahead(core, reader);
        match reader.next_item() {
            None => return Ok(false),
            Some(Item::Command { args, .. }) => {
                self.has_commands = true;
                self.figures.commands += 1;
                player.run(core, &args).map_err(|name| {
                    format!("Unknown command '{name}' reading the append only file {}", self.name)
                })?;
            }
            Some(Item::Annotation { .. } | Item::Batch(_) | Item::BatchEnd) => {}
        }
        Ok(true)
    }

    fn fault(&self, reason: &dyn std::fmt::Display) -> String {
        format!("Bad file format reading the RDB file {}: {reason}", self.name)
    }
}

impl Player {
    /// One who begins in database 0.
    pub fn new(now: Monotonic) -> Player {
        let accept = Accept {
            peer: String::new(),
            local: String::new(),
            descriptor: -1,
            is_local: true,
            is_unix: false,
        };
        let session = Session::new(ConnId::from_u64(u64::MAX), 0, accept, true, now);
        let mut reply = Reply::default();
        reply.set_suppressed(true);
        // Whatever waits in other circumstances is not to wait here.
        Player { session: Session { runs_transaction: true, ..session }, reply, ahead: VecDeque::new() }
    }

    /// Another file begins.
    pub fn begin_file(&mut self) {
        self.session.database = 0;
        self.ahead.clear();
    }

    /// Begins to fetch what the commands after the next one lead to.
    fn look_ahead(&mut self, core: &Core, reader: &mut LogReader) {
        let database = self.session.database;
        if !core.dataset.exceeds_cache(database) {
            return;
        }
        self.ahead.pop_front();
        while self.ahead.len() < KEYS_AHEAD {
            let Some(key) = reader.look_ahead() else { break };
            self.ahead.push_back(core.dataset.prefetch_place(database, key));
            if let Some(&hash) = self.ahead.get(self.ahead.len().wrapping_sub(KEYS_AHEAD / 2)) {
                core.dataset.prefetch_entry(database, hash);
            }
        }
    }

    /// Runs a command of the log. Fails with its name if nobody knows it.
    fn run(&mut self, core: &mut Core, args: &Args<'_>) -> Result<(), String> {
        let name = &args[0];
        let command = commands::lookup(name).ok_or_else(|| String::from_utf8_lossy(name).into_owned())?;
        if matches!(command.name, "multi" | "exec") {
            return Ok(());
        }
        let Core { server, dataset, .. } = core;
        // At this time nothing has expired: what did is said in the log.
        let now = std::mem::replace(&mut dataset.now, UnixMillis(0));
        let keys = Keys { dataset, database: self.session.database, no_touch: false };
        let (session, reply) = (&mut self.session, &mut self.reply);
        // As in Redis, what a command answers is of no account here; one that fails fails as it did before.
        let _ = (command.run)(&mut Context { command, args, keys, session, reply, server });
        dataset.settle_touched();
        dataset.now = now;
        Ok(())
    }
}

impl Core {
    /// How values are read.
    pub(crate) fn load_options(&self) -> LoadOptions {
        LoadOptions {
            checksum: self.server.config.rdbchecksum,
            limits: self.dataset.limits,
            hash_key: self.dataset.hash_key(),
        }
    }
}
