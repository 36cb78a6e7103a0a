//! The files of a log, found by its directory, its manifest, or a single file from before there were manifests.

use crate::sys::reason;
use rotom_core::aof::{End, FileInfo, FileKind, Item, LogReader, Manifest, begins_rdb};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How much of a file is read at once.
pub(super) const CHUNK_LEN_BYTES: usize = 256 * 1024;

/// What has to be read of a file to tell what it begins with.
const START_LEN_BYTES: usize = 16;

/// The directory of the log in a server's directory, unless `appenddirname` says otherwise.
const DIRECTORY_NAME: &str = "appendonlydir";

const MANIFEST_SUFFIX: &str = ".manifest";

/// A log.
#[derive(Debug)]
pub(super) enum Log {
    /// As Redis 7 keeps it.
    Directory {
        /// Where its files are.
        directory: PathBuf,
        /// What its manifest is called.
        manifest_name: String,
        /// Which they are.
        manifest: Manifest,
    },
    /// A single file.
    File(PathBuf),
}

/// What a file turned out to hold.
#[derive(Debug)]
pub(super) enum Content {
    /// Nothing.
    Empty,
    /// It begins with a part in the RDB format.
    Rdb,
    /// Commands, up to their end; without one, the visitor did not want more.
    Log(Option<End>),
}

impl Log {
    /// Finds the log that a path stands for: a manifest, a directory with one, a server's directory, or one file.
    pub(super) fn find(path: &Path) -> Result<Log, String> {
        let metadata = fs::metadata(path).map_err(|error| cannot("open file", path, &error))?;
        if !metadata.is_dir() {
            return if is_manifest(path)? { Log::of_manifest(path) } else { Ok(Log::File(path.to_owned())) };
        }
        let inner = path.join(DIRECTORY_NAME);
        for directory in [path, &inner] {
            match manifests(directory)?.as_slice() {
                [] => {}
                [only] => return Log::of_manifest(only),
                [first, second, ..] => {
                    let (first, second) = (first.display(), second.display());
                    return Err(format!("There is more than one manifest: {first}, {second}. Name the one."));
                }
            }
        }
        Err(format!("There is no manifest in {}", path.display()))
    }

    fn of_manifest(path: &Path) -> Result<Log, String> {
        let text = fs::read(path).map_err(|error| cannot("read file", path, &error))?;
        let manifest = Manifest::parse(&text).map_err(|error| error.to_string())?;
        let manifest_name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(Log::Directory { directory: parent(path).to_owned(), manifest_name, manifest })
    }
}

/// The number in whose name an increment's batches are sealed. A base is numbered by itself.
pub(super) fn sealed_for(kind: FileKind, file: &FileInfo) -> Option<u64> {
    (kind == FileKind::Increment).then_some(file.sequence)
}

/// Shows a file's items to `visit`, in their order, as far as they can be trusted.
pub(super) fn read(
    path: &Path,
    file: Option<u64>,
    visit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<Content, String> {
    let mut source = File::open(path).map_err(|error| cannot("open file", path, &error))?;
    let mut start = [0; START_LEN_BYTES];
    let len = read_full(&mut source, &mut start).map_err(|error| cannot("read file", path, &error))?;
    match &start[..len] {
        [] => Ok(Content::Empty),
        start if begins_rdb(start) == Some(true) => Ok(Content::Rdb),
        _ => read_from(path, 0, file, visit).map(Content::Log),
    }
}

/// The same from an offset on, where commands begin: behind a part in the RDB format.
pub(super) fn read_from(
    path: &Path,
    offset_bytes: u64,
    file: Option<u64>,
    visit: &mut dyn FnMut(Item<'_>) -> ControlFlow<()>,
) -> Result<Option<End>, String> {
    let fault = |error: io::Error| cannot("read file", path, &error);
    let mut source = File::open(path).map_err(|error| cannot("open file", path, &error))?;
    source.seek(SeekFrom::Start(offset_bytes)).map_err(fault)?;
    let mut chunk = vec![0; CHUNK_LEN_BYTES];
    let mut reader = LogReader::new(file, offset_bytes);
    loop {
        let len = read_full(&mut source, &mut chunk).map_err(fault)?;
        if len == 0 {
            return Ok(Some(reader.finish()));
        }
        reader.feed(&chunk[..len]);
        while let Some(item) = reader.next_item() {
            if visit(item).is_break() {
                return Ok(None);
            }
        }
    }
}

/// Copies bytes of one file to the end of another.
pub(super) fn copy_range(source: &mut File, from: u64, len: u64, target: &mut File) -> io::Result<()> {
    source.seek(SeekFrom::Start(from))?;
    let copied = io::copy(&mut source.take(len), target)?;
    if copied == len { target.flush() } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> Result<(), String> {
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|error| cannot("sync directory", directory, &error))
}

/// The directory a file is in. A bare name has the empty path as its parent, which is no directory's name.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// What could not be done, to what, and why.
pub(super) fn cannot(what: &str, path: &Path, error: &io::Error) -> String {
    format!("Cannot {what} {}: {}", path.display(), reason(error))
}

/// Fills the buffer unless the file ends.
pub(super) fn read_full(source: &mut File, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match source.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(len) => filled += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Whether a file is a manifest: by its name, or, as redis-check-aof finds it, by the word its first line that is
/// no comment begins with.
fn is_manifest(path: &Path) -> Result<bool, String> {
    if path.to_string_lossy().ends_with(MANIFEST_SUFFIX) {
        return Ok(true);
    }
    let mut source = File::open(path).map_err(|error| cannot("open file", path, &error))?;
    let mut start = vec![0; CHUNK_LEN_BYTES];
    let len = read_full(&mut source, &mut start).map_err(|error| cannot("read file", path, &error))?;
    let mut lines = start[..len].split(|&byte| byte == b'\n');
    Ok(lines.find(|line| !line.starts_with(b"#")).is_some_and(|line| line.starts_with(b"file")))
}

/// The manifests in a directory, but for one that was being written.
fn manifests(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(cannot("read directory", directory, &error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let name = entry.map_err(|error| cannot("read directory", directory, &error))?.file_name();
        let text = name.to_string_lossy();
        if text.ends_with(MANIFEST_SUFFIX) && !text.starts_with("temp-") {
            found.push(directory.join(name));
        }
    }
    found.sort();
    Ok(found)
}
