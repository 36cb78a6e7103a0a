//! Files in memory. Every operation succeeds that would succeed on a healthy disk, and at once; a name and the
//! content it leads to are separate things, as on a real disk.

use rotom_core::disk::{DiskCompletion, DiskError, DiskKind, DiskOp, DiskOutput, FileId};
use std::collections::BTreeMap;
use std::io::ErrorKind;

/// A directory tree without directories: whole names lead to contents.
#[derive(Debug, Default)]
pub struct Disk {
    names: BTreeMap<String, usize>,
    open: BTreeMap<FileId, usize>,
    contents: Vec<Vec<u8>>,
}

impl Disk {
    /// What a name leads to.
    #[must_use]
    pub fn read(&self, name: &str) -> Option<&[u8]> {
        self.names.get(name).map(|&content| self.contents[content].as_slice())
    }

    /// Puts a file there, as an operator would before the server starts.
    pub fn write(&mut self, name: &str, data: &[u8]) {
        let content = self.create(name);
        self.contents[content].extend_from_slice(data);
    }

    /// Carries out one piece of work.
    pub fn perform(&mut self, op: DiskOp) -> DiskCompletion {
        DiskCompletion { id: op.id, outcome: self.perform_kind(op.kind) }
    }

    fn perform_kind(&mut self, kind: DiskKind) -> Result<DiskOutput, DiskError> {
        match kind {
            DiskKind::Create { file, name, mode: _ } => {
                if self.names.contains_key(&name) {
                    return Err(error(ErrorKind::AlreadyExists, "File exists", None));
                }
                let content = self.create(&name);
                self.open.insert(file, content);
            }
            DiskKind::OpenAppend { file, name } => {
                let content = self.names.get(&name).copied().unwrap_or_else(|| self.create(&name));
                self.open.insert(file, content);
            }
            DiskKind::Append { file, data } => {
                let Some(&content) = self.open.get(&file) else {
                    return Err(error(ErrorKind::InvalidInput, "Bad file descriptor", Some(data)));
                };
                self.contents[content].extend_from_slice(&data);
                return Ok(DiskOutput::Buffer(data));
            }
            DiskKind::Sync { file } => {
                self.content_of(file)?;
            }
            DiskKind::Truncate { file, len_bytes } => {
                let content = self.content_of(file)?;
                content.resize(usize::try_from(len_bytes).unwrap_or(usize::MAX), 0);
            }
            DiskKind::Close { file } => {
                self.content_of(file)?;
                self.open.remove(&file);
            }
            DiskKind::ReadFile { name, len_bytes_max } => {
                let content = self.read(&name).ok_or_else(not_found)?;
                if content.len() as u64 > len_bytes_max {
                    return Err(error(ErrorKind::FileTooLarge, "File too large", None));
                }
                return Ok(DiskOutput::Buffer(content.to_vec()));
            }
            DiskKind::Rename { from, to } => {
                let content = self.names.remove(&from).ok_or_else(not_found)?;
                self.names.insert(to, content);
            }
            DiskKind::Remove { name } => {
                self.names.remove(&name).ok_or_else(not_found)?;
            }
            DiskKind::SyncDir { name: _ } => {}
        }
        Ok(DiskOutput::Done)
    }

    fn create(&mut self, name: &str) -> usize {
        self.contents.push(Vec::new());
        self.names.insert(name.to_owned(), self.contents.len() - 1);
        self.contents.len() - 1
    }

    fn content_of(&mut self, file: FileId) -> Result<&mut Vec<u8>, DiskError> {
        let content = self.open.get(&file).copied();
        let content = content.ok_or_else(|| error(ErrorKind::InvalidInput, "Bad file descriptor", None))?;
        Ok(&mut self.contents[content])
    }
}

fn not_found() -> DiskError {
    error(ErrorKind::NotFound, "No such file or directory", None)
}

fn error(kind: ErrorKind, message: &str, buffer: Option<Vec<u8>>) -> DiskError {
    DiskError { kind, message: message.to_owned(), written_bytes: 0, buffer }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rotom_core::disk::{DiskId, Lane};

    fn perform(disk: &mut Disk, kind: DiskKind) -> Result<DiskOutput, ErrorKind> {
        let completion = disk.perform(DiskOp { id: DiskId(7), lane: Lane::Control, kind });
        assert_eq!(completion.id, DiskId(7));
        completion.outcome.map_err(|error| error.kind)
    }

    #[test]
    fn a_file_is_written_renamed_and_read() {
        let mut disk = Disk::default();
        disk.write("conf", b"old");
        let file = FileId(1);
        let name = "temp".to_owned();
        let create = || DiskKind::Create { file, name: name.clone(), mode: 0o644 };
        assert_eq!(perform(&mut disk, create()), Ok(DiskOutput::Done));
        assert_eq!(perform(&mut disk, create()), Err(ErrorKind::AlreadyExists));
        let append = DiskKind::Append { file, data: b"new!".to_vec() };
        assert_eq!(perform(&mut disk, append), Ok(DiskOutput::Buffer(b"new!".to_vec())));
        assert_eq!(perform(&mut disk, DiskKind::Truncate { file, len_bytes: 3 }), Ok(DiskOutput::Done));
        assert_eq!(perform(&mut disk, DiskKind::Sync { file }), Ok(DiskOutput::Done));
        let rename = DiskKind::Rename { from: "temp".into(), to: "conf".into() };
        assert_eq!(perform(&mut disk, rename), Ok(DiskOutput::Done));
        assert_eq!(disk.read("conf"), Some(b"new".as_slice()));
        assert_eq!(disk.read("temp"), None);
        // An open file outlives its name.
        assert_eq!(perform(&mut disk, DiskKind::Remove { name: "conf".into() }), Ok(DiskOutput::Done));
        assert!(perform(&mut disk, DiskKind::Append { file, data: vec![0] }).is_ok());
        assert_eq!(perform(&mut disk, DiskKind::Close { file }), Ok(DiskOutput::Done));
        assert_eq!(perform(&mut disk, DiskKind::Close { file }), Err(ErrorKind::InvalidInput));
    }

    #[test]
    fn reading_has_a_limit() {
        let mut disk = Disk::default();
        disk.write("f", b"1234");
        let read = |len_bytes_max| DiskKind::ReadFile { name: "f".into(), len_bytes_max };
        assert_eq!(perform(&mut disk, read(4)), Ok(DiskOutput::Buffer(b"1234".to_vec())));
        assert_eq!(perform(&mut disk, read(3)), Err(ErrorKind::FileTooLarge));
        let missing = DiskKind::ReadFile { name: "g".into(), len_bytes_max: 9 };
        assert_eq!(perform(&mut disk, missing), Err(ErrorKind::NotFound));
    }
}
