//! The manifest: which files a log is made of, in Redis 7's format.
//!
//! A line is `file <name> seq <number> type <b|h|i>`: pairs of words in any order, of which unknown ones are left
//! to later versions; a name with blanks or quotes in it is quoted. Lines that begin with `#` are comments.
//!
//! Like Redis, the reader takes a line in pieces of 1024 bytes, so that the rest of a longer comment is no comment.
//! It is stricter than Redis in three points, each of which would lose data or end in a worse error later: numbers
//! are plain positive decimals, a name is text and names no directory, and no name stands for two files.

use crate::config::quoted;
use crate::number::parse_i64;
use crate::resp::split_quoted;
use std::fmt::{self, Display, Formatter};

/// The longest line, its end included.
const LINE_LEN_BYTES_MAX: usize = 1024;

/// The number of words a line has at least: three pairs.
const WORDS_MIN: usize = 6;

/// What a file of the log is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// The data set at some instant.
    Base,
    /// What is not needed any more and is to be removed.
    History,
    /// What was written since.
    Increment,
}

impl FileKind {
    fn letter(self) -> char {
        match self {
            FileKind::Base => 'b',
            FileKind::History => 'h',
            FileKind::Increment => 'i',
        }
    }
}

/// How a base is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseFormat {
    /// As an RDB file: `aof-use-rdb-preamble yes`.
    Rdb,
    /// As commands.
    Commands,
}

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name within the log's directory.
    pub name: String,
    /// Its number among the files of its kind.
    pub sequence: u64,
}

/// Which files the log is made of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    base: Option<FileInfo>,
    history: Vec<FileInfo>,
    increments: Vec<FileInfo>,
}

/// The names in a log's directory, all made of `appendfilename`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    append_file_name: String,
}

/// Why a manifest is no good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The number of the line and its text without blanks around it, where Redis would show them.
    pub line: Option<(usize, String)>,
    /// What is wrong with it.
    pub fault: ManifestFault,
}

/// What is wrong with a manifest, or one of its lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ManifestFault {
    /// There is nothing in it.
    Empty,
    /// A line of more than 1024 bytes, or the last one without its end.
    LineTooLong,
    /// No pairs of words, or not the three that are needed.
    Format,
    /// The name of a file leads somewhere else.
    Path,
    /// There are two bases.
    SecondBase,
    /// The numbers of increments do not rise.
    Sequence,
    /// A type that is none of `b`, `h`, `i`.
    Kind,
    /// A name stands for two files. Redis would accept it, and remove the file if one of them is history.
    RepeatedName,
}

impl FileInfo {
    /// Appends the file's line.
    fn encode(&self, kind: FileKind, text: &mut Vec<u8>) {
        let FileInfo { name, sequence } = self;
        text.extend_from_slice(b"file ");
        if needs_quotes(name) {
            text.extend_from_slice(&quoted(name.as_bytes()));
        } else {
            text.extend_from_slice(name.as_bytes());
        }
        text.extend_from_slice(format!(" seq {sequence} type {}\n", kind.letter()).as_bytes());
    }
}

impl Manifest {
    /// The manifest of a log from before there were manifests: a single file, which becomes the base.
    #[must_use]
    pub fn of_single_file(name: &str) -> Manifest {
        Manifest { base: Some(FileInfo { name: name.to_owned(), sequence: 1 }), ..Manifest::default() }
    }

    /// Reads a manifest.
    pub fn parse(text: &[u8]) -> Result<Manifest, ManifestError> {
        if text.is_empty() {
            return Err(ManifestError { line: None, fault: ManifestFault::Empty });
        }
        let mut manifest = Manifest::default();
        let mut rest = text;
        let mut number = 0;
        while !rest.is_empty() {
            let limit = rest.len().min(LINE_LEN_BYTES_MAX);
            let line_end = memchr::memchr(b'\n', &rest[..limit]);
            let (line, behind) = rest.split_at(line_end.map_or(limit, |at| at + 1));
            rest = behind;
            number += 1;
            if line.starts_with(b"#") {
                continue;
            }
            // Redis, which reads it as a C string, does not see the end behind a NUL either.
            if line_end.is_none() || line.contains(&0) {
                return Err(ManifestError { line: None, fault: ManifestFault::LineTooLong });
            }
            let line = trimmed(line);
            manifest.read_line(line).map_err(|fault| {
                let shown = String::from_utf8_lossy(line).into_owned();
                ManifestError { line: Some((number, shown)), fault }
            })?;
        }
        Ok(manifest)
    }

    fn read_line(&mut self, line: &[u8]) -> Result<(), ManifestFault> {
        let words =
            split_quoted(line).filter(|words| words.len() >= WORDS_MIN).ok_or(ManifestFault::Format)?;
        let (pairs, unpaired) = words.as_chunks::<2>();
        if !unpaired.is_empty() {
            return Err(ManifestFault::Format);
        }
        let (mut name, mut sequence, mut kind) = (None, None, None);
        for [key, value] in pairs {
            match key.to_ascii_lowercase().as_slice() {
                b"file" => name = Some(checked_name(value)?),
                b"seq" => sequence = positive(value),
                b"type" => kind = value.first().copied(),
                _ => {}
            }
        }
        let (Some(name), Some(sequence), Some(kind)) = (name, sequence, kind) else {
            return Err(ManifestFault::Format);
        };
        let is_repeated = self.mentions(&name);
        let file = FileInfo { name, sequence };
        // What could not be read again when it has been written is refused at once: quoting makes a name longer.
        let mut written = Vec::new();
        file.encode(FileKind::Base, &mut written);
        if written.len() > LINE_LEN_BYTES_MAX {
            return Err(ManifestFault::LineTooLong);
        }
        match kind {
            b'b' if self.base.is_some() => return Err(ManifestFault::SecondBase),
            b'b' => self.base = Some(file),
            b'h' => self.history.push(file),
            b'i' if self.increments.last().is_some_and(|last| last.sequence >= sequence) => {
                return Err(ManifestFault::Sequence);
            }
            b'i' => self.increments.push(file),
            _ => return Err(ManifestFault::Kind),
        }
        if is_repeated { Err(ManifestFault::RepeatedName) } else { Ok(()) }
    }

    /// The file's text.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let files = self.base.iter().map(|file| (file, FileKind::Base));
        let files = files.chain(self.history.iter().map(|file| (file, FileKind::History)));
        for (file, kind) in files.chain(self.increments.iter().map(|file| (file, FileKind::Increment))) {
            file.encode(kind, &mut text);
        }
        text
    }

    /// The base, if there is one.
    #[must_use]
    pub fn base(&self) -> Option<&FileInfo> {
        self.base.as_ref()
    }

    /// The increments, oldest first.
    #[must_use]
    pub fn increments(&self) -> &[FileInfo] {
        &self.increments
    }

    /// What is to be removed.
    #[must_use]
    pub fn history(&self) -> &[FileInfo] {
        &self.history
    }

    /// The files that make the data set, in the order of loading.
    pub fn files(&self) -> impl Iterator<Item = (FileKind, &FileInfo)> {
        let increments = self.increments.iter().map(|file| (FileKind::Increment, file));
        self.base.iter().map(|file| (FileKind::Base, file)).chain(increments)
    }

    /// Whether some file has this name.
    #[must_use]
    pub fn mentions(&self, name: &str) -> bool {
        let mut files = self.base.iter().chain(&self.history).chain(&self.increments);
        files.any(|file| file.name == name)
    }

    /// What the next base will be called. Numbers up to `taken` were given to files that may be there.
    #[must_use]
    pub fn next_base(&self, names: &Names, format: BaseFormat, taken: u64) -> FileInfo {
        let first = self.base.as_ref().map_or(0, |base| base.sequence).max(taken) + 1;
        self.first_free(first, |sequence| names.base(sequence, format))
    }

    /// What the next increment will be called. Numbers up to `taken` were given to files that may be there.
    #[must_use]
    pub fn next_increment(&self, names: &Names, taken: u64) -> FileInfo {
        let first = self.increments.last().map_or(0, |last| last.sequence).max(taken) + 1;
        self.first_free(first, |sequence| names.increment(sequence))
    }

    /// A file of history may still have the name that comes next, when a log has lost its base or its increments.
    fn first_free(&self, mut sequence: u64, name: impl Fn(u64) -> String) -> FileInfo {
        while self.mentions(&name(sequence)) {
            sequence += 1;
        }
        FileInfo { name: name(sequence), sequence }
    }

    /// Adds an increment, which is to be [the next one](Self::next_increment).
    pub fn add_increment(&mut self, file: FileInfo) {
        assert!(self.increments.last().is_none_or(|last| last.sequence < file.sequence), "increments rise");
        self.increments.push(file);
    }

    /// Puts a new base, the [next one](Self::next_base), in the place of the old one and of the increments before
    /// number `first_kept`, which become history.
    pub fn replace_base(&mut self, base: FileInfo, first_kept: u64) {
        if let Some(old) = self.base.replace(base) {
            self.history.insert(0, old);
        }
        let kept_from = self.increments.partition_point(|file| file.sequence < first_kept);
        // In the order in which Redis lists them.
        self.history.splice(0..0, self.increments.drain(..kept_from));
    }

    /// Keeps the first `count` increments and forgets the later ones: the log as it was earlier.
    pub fn truncate_increments(&mut self, count: usize) {
        self.increments.truncate(count);
    }

    /// Forgets the history; answers what may now be removed, once the manifest without it is durable.
    pub fn take_history(&mut self) -> Vec<FileInfo> {
        std::mem::take(&mut self.history)
    }
}

impl Names {
    /// The names made of the directive `appendfilename`.
    #[must_use]
    pub fn new(append_file_name: &str) -> Names {
        Names { append_file_name: append_file_name.to_owned() }
    }

    /// The manifest.
    #[must_use]
    pub fn manifest(&self) -> String {
        format!("{}.manifest", self.append_file_name)
    }

    /// A new manifest, until it takes the old one's name.
    #[must_use]
    pub fn new_manifest(&self) -> String {
        format!("temp-{}", self.manifest())
    }

    /// A base.
    #[must_use]
    pub fn base(&self, sequence: u64, format: BaseFormat) -> String {
        let suffix = match format {
            BaseFormat::Rdb => "rdb",
            BaseFormat::Commands => "aof",
        };
        format!("{}.{sequence}.base.{suffix}", self.append_file_name)
    }

    /// An increment.
    #[must_use]
    pub fn increment(&self, sequence: u64) -> String {
        format!("{}.{sequence}.incr.aof", self.append_file_name)
    }

    /// A new base, until it gets its number.
    #[must_use]
    pub fn new_base(&self) -> String {
        format!("temp-{}.base", self.append_file_name)
    }

    /// Whether `name` is one that only an interrupted change leaves behind, and may be removed at start.
    #[must_use]
    pub fn is_temporary(&self, name: &str) -> bool {
        name == self.new_manifest() || name == self.new_base()
    }
}

impl Display for ManifestError {
    /// The lines Redis logs.
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "\n*** FATAL AOF MANIFEST FILE ERROR ***")?;
        if let Some((number, line)) = &self.line {
            writeln!(formatter, "Reading the manifest file, at line {number}\n>>> '{line}'")?;
        }
        write!(formatter, "{}", self.fault)
    }
}

impl std::error::Error for ManifestError {}

impl Display for ManifestFault {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            ManifestFault::Empty => "Found an empty AOF manifest",
            ManifestFault::LineTooLong => "The AOF manifest file contains too long line",
            ManifestFault::Format => "Invalid AOF manifest file format",
            ManifestFault::Path => "File can't be a path, just a filename",
            ManifestFault::SecondBase => "Found duplicate base file information",
            ManifestFault::Sequence => "Found a non-monotonic sequence number",
            ManifestFault::Kind => "Unknown AOF file type",
            ManifestFault::RepeatedName => "Found duplicate file name",
        })
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let start = line.iter().position(|byte| !is_blank(byte)).unwrap_or(line.len());
    let end = line.iter().rposition(|byte| !is_blank(byte)).map_or(start, |at| at + 1);
    &line[start..end]
}

fn checked_name(name: &[u8]) -> Result<String, ManifestFault> {
    if name.iter().any(|byte| matches!(byte, b'/' | b'\\')) || name == b"." || name == b".." {
        return Err(ManifestFault::Path);
    }
    if name.is_empty() || name.contains(&0) {
        return Err(ManifestFault::Format);
    }
    String::from_utf8(name.to_vec()).map_err(|_| ManifestFault::Format)
}

fn positive(number: &[u8]) -> Option<u64> {
    parse_i64(number).and_then(|number| u64::try_from(number).ok()).filter(|&number| number > 0)
}

fn needs_quotes(name: &str) -> bool {
    name.bytes().any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'"' | b'\'' | b'\\'))
}

#[cfg(test)]
mod tests;
