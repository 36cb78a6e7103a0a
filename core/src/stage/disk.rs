//! A disk to try things on: it does at once what it is asked for, knows what is durable, and fails when told to.

use crate::disk::{DiskCompletion, DiskError, DiskKind, DiskOp, DiskOutput, FileId};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// Picks work out.
pub type Picks = fn(&DiskKind) -> bool;

/// A disk. Of what is not durable nothing survives the loss of power.
#[derive(Clone, Debug, Default)]
pub struct StageDisk {
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    files: Vec<File>,
    open: BTreeMap<FileId, usize>,
    /// What fails, and how much of an append is written before it does.
    pub fails: Option<(Picks, usize)>,
    /// Whether it is over with that after the first time.
    pub fails_once: bool,
    /// What was done, in short.
    pub journal: Vec<String>,
}

#[derive(Clone, Debug, Default)]
struct File {
    bytes: Vec<u8>,
    durable: Vec<u8>,
}

impl StageDisk {
    /// What a file has, if it is there.
    pub fn content(&self, name: &str) -> Option<&[u8]> {
        self.names.get(name).map(|&file| &self.files[file].bytes[..])
    }

    /// Replaces what a file has, durably.
    pub fn put(&mut self, name: &str, bytes: &[u8]) {
        let file = self.files.len();
        self.files.push(File { bytes: bytes.to_vec(), durable: bytes.to_vec() });
        self.names.insert(name.to_owned(), file);
        self.durable_names.insert(name.to_owned(), file);
    }

    /// The names of all files.
    pub fn names(&self) -> Vec<&str> {
        self.names.keys().map(String::as_str).collect()
    }

    /// The process ends; with the power also what was not durable.
    pub fn stop(&mut self, loses_power: bool) {
        self.open.clear();
        if loses_power {
            self.names = self.durable_names.clone();
            self.files.iter_mut().for_each(|file| file.bytes = file.durable.clone());
        } else {
            // The system goes on, and some time later everything is durable.
            self.durable_names = self.names.clone();
            self.files.iter_mut().for_each(|file| file.durable = file.bytes.clone());
        }
    }

    /// Does a piece of work.
    pub fn perform(&mut self, op: DiskOp) -> DiskCompletion {
        let DiskOp { id, kind, .. } = op;
        let shown = format!("{kind:?}");
        self.journal.push(shown.chars().take(100).collect());
        let outcome = match self.fails {
            Some((fails, written)) if fails(&kind) => {
                if std::mem::take(&mut self.fails_once) {
                    self.fails = None;
                }
                Err(self.fail(kind, written))
            }
            _ => self.succeed(kind),
        };
        DiskCompletion { id, outcome }
    }

    fn fail(&mut self, kind: DiskKind, written: usize) -> DiskError {
        let mut error = failure(ErrorKind::StorageFull, "No space left on device");
        if let DiskKind::Append { file, data } = kind {
            let file = self.open[&file];
            self.files[file].bytes.extend_from_slice(&data[..written.min(data.len())]);
            error.written_bytes = written.min(data.len()) as u64;
            error.buffer = Some(data);
        }
        error
    }

    fn succeed(&mut self, kind: DiskKind) -> Result<DiskOutput, DiskError> {
        let missing = || failure(ErrorKind::NotFound, "No such file or directory");
        match kind {
            DiskKind::Create { file, name, .. } => {
                if self.names.contains_key(&name) {
                    return Err(failure(ErrorKind::AlreadyExists, "File exists"));
                }
                self.create(file, name);
            }
            DiskKind::OpenAppend { file, name } => {
                match self.names.get(&name) {
                    None => self.create(file, name),
                    Some(&found) => drop(self.open.insert(file, found)),
                }
                return Ok(DiskOutput::Opened { len_bytes: self.file(file).bytes.len() as u64 });
            }
            DiskKind::OpenRead { file, name } => {
                let found = *self.names.get(&name).ok_or_else(missing)?;
                self.open.insert(file, found);
                return Ok(DiskOutput::Opened { len_bytes: self.file(file).bytes.len() as u64 });
            }
            DiskKind::ReadAt { file, offset_bytes, len_bytes } => {
                let bytes = &self.file(file).bytes;
                let from = (offset_bytes as usize).min(bytes.len());
                let to = (from + len_bytes).min(bytes.len());
                return Ok(DiskOutput::Buffer(bytes[from..to].to_vec()));
            }
            DiskKind::Append { file, data } => {
                self.file(file).bytes.extend_from_slice(&data);
                return Ok(DiskOutput::Buffer(data));
            }
            DiskKind::Sync { file } => {
                let file = self.file(file);
                file.durable.clone_from(&file.bytes);
            }
            DiskKind::Truncate { file, len_bytes } => self.file(file).bytes.truncate(len_bytes as usize),
            DiskKind::Close { file } => drop(self.open.remove(&file)),
            DiskKind::ReadFile { name, .. } => {
                return self
                    .content(&name)
                    .map(|bytes| DiskOutput::Buffer(bytes.to_vec()))
                    .ok_or_else(missing);
            }
            DiskKind::Rename { from, to } => {
                let file = self.names.remove(&from).ok_or_else(missing)?;
                self.names.insert(to, file);
            }
            DiskKind::Remove { name } => drop(self.names.remove(&name).ok_or_else(missing)?),
            DiskKind::CreateDir { .. } => {}
            DiskKind::List { name } => {
                let within = format!("{name}/");
                let names = self.names.keys().filter_map(|it| it.strip_prefix(&within));
                return Ok(DiskOutput::Names(names.map(str::to_owned).collect()));
            }
            DiskKind::SyncDir { name } => self.sync_directory(&name),
        }
        Ok(DiskOutput::Done)
    }

    fn create(&mut self, file: FileId, name: String) {
        self.open.insert(file, self.files.len());
        self.names.insert(name, self.files.len());
        self.files.push(File::default());
    }

    fn file(&mut self, file: FileId) -> &mut File {
        &mut self.files[self.open[&file]]
    }

    fn sync_directory(&mut self, directory: &str) {
        let is_in = |name: &str| name.rsplit_once('/').map_or("", |(parent, _)| parent) == directory;
        self.durable_names.retain(|name, _| !is_in(name));
        let names = self.names.iter().filter(|(name, _)| is_in(name));
        self.durable_names.extend(names.map(|(name, &file)| (name.clone(), file)));
    }
}

fn failure(kind: ErrorKind, message: &str) -> DiskError {
    DiskError { kind, message: message.to_owned(), written_bytes: 0, buffer: None }
}
