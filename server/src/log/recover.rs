//! `rotom-server --recover-to MOMENT DIR --into NEWDIR`: the log as it was at some moment of its history, as a new
//! directory. The source is only read.
//!
//! A transaction is kept or left out as a whole, as is everything else that stands between MULTI and EXEC. Where the
//! moment lies within a sealed batch, what is kept of it is sealed anew.

use super::Moment;
use super::files::{self, Content, Log, cannot};
use rotom_core::aof::{BatchLine, End, FileInfo, FileKind, Item, Manifest, Sealer, parse_timestamp};
use rotom_core::args::Args;
use rotom_core::glob::{self, Case};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::ControlFlow;
use std::path::Path;

/// How much of an increment is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cut {
    /// Up to where the file is copied.
    copied_bytes: u64,
    /// The batch of which a part is kept, and where that part ends.
    resealed: Option<(BatchLine, u64)>,
}

/// Looks for the moment in one increment.
struct Search<'a> {
    moment: &'a Moment,
    /// Whether offsets are meant to be in this file.
    is_named: bool,
    /// The sealed batch being read.
    batch: Option<BatchLine>,
    /// Where the transaction being read begins.
    transaction: Option<u64>,
    /// Commands that were read, and lines that tell the time.
    commands: u64,
    timestamps: u64,
    found: Option<Cut>,
}

/// Copies the log at `source` up to the moment into the new directory `into`. Answers the exit status.
pub(crate) fn recover(moment: &Moment, source: &Path, into: &Path) -> Result<u8, String> {
    let Log::Directory { directory, manifest_name, mut manifest } = Log::find(source)? else {
        return Err(format!("{} has no manifest: only a log with one can be recovered", source.display()));
    };
    let (kept, cut) = locate(moment, &directory, &manifest)?;
    manifest.take_history();
    manifest.truncate_increments(kept);
    prepare(into)?;
    for (index, (kind, file)) in manifest.files().enumerate() {
        let is_cut = kind == FileKind::Increment && index + 1 == manifest.files().count();
        copy(&directory, into, file, cut.filter(|_| is_cut))?;
    }
    // It is a log only once everything else is there.
    let path = into.join(&manifest_name);
    let written = File::create_new(&path).and_then(|mut file| {
        file.write_all(&manifest.encode())?;
        file.sync_all()
    });
    written.map_err(|error| cannot("write", &path, &error))?;
    files::sync_directory(into)?;
    files::sync_directory(files::parent(into))?;
    println!("The log up to that moment is in {}", into.display());
    Ok(0)
}

/// Finds how many increments are kept, and how much of the last of them; nothing if it is kept whole.
fn locate(moment: &Moment, directory: &Path, manifest: &Manifest) -> Result<(usize, Option<Cut>), String> {
    if let Some(base) = manifest.base() {
        examine_base(&directory.join(&base.name), &base.name)?;
    }
    let increments = manifest.increments();
    let named = match moment {
        Moment::Offset { file: Some(name), .. } => {
            let at = increments.iter().position(|file| file.name == *name);
            Some(at.ok_or_else(|| format!("The manifest has no increment {name}"))?)
        }
        Moment::Offset { file: None, .. } => increments.len().checked_sub(1),
        Moment::Time { .. } | Moment::Before { .. } => None,
    };
    let (mut commands, mut timestamps) = (0, 0);
    for (index, file) in increments.iter().enumerate() {
        let is_last = index + 1 == increments.len();
        let (search, good_bytes) = examine(moment, named == Some(index), directory, file)?;
        commands += search.commands;
        timestamps += search.timestamps;
        if let Some(cut) = search.found {
            if matches!(moment, Moment::Time { .. }) && commands == 0 {
                return Err("The log begins later than that: its base may be later, too.".into());
            }
            tell(file, cut);
            return Ok((index + 1, Some(cut)));
        }
        let Some((good_bytes, is_torn)) = good_bytes else { continue };
        if is_torn && !is_last {
            return Err(format!("{} ends too early, and is not the last file", file.name));
        }
        let cut = Cut { copied_bytes: good_bytes, resealed: None };
        match moment {
            Moment::Offset { offset_bytes, .. } if named == Some(index) => {
                if *offset_bytes > good_bytes {
                    return Err(format!("{} is good up to offset {good_bytes} only", file.name));
                }
                tell(file, cut);
                return Ok((index + 1, Some(cut)));
            }
            Moment::Time { .. } if is_last && timestamps > 0 => {
                println!("Nothing was written later than that.");
                return Ok((index + 1, Some(cut)));
            }
            _ => {}
        }
    }
    Err(match moment {
        Moment::Time { .. } => "The log does not tell any time: aof-timestamp-enabled was off.".into(),
        Moment::Before { pattern } => format!("No command matches {pattern}"),
        Moment::Offset { .. } => "The manifest has no increment".into(),
    })
}

fn tell(file: &FileInfo, cut: Cut) {
    let end = cut.resealed.map_or(cut.copied_bytes, |(_, end)| end);
    println!("{} is kept up to offset {end}", file.name);
}

/// A base of commands must be good; one in the RDB format is taken as it is.
fn examine_base(path: &Path, name: &str) -> Result<(), String> {
    match files::read(path, None, &mut |_| ControlFlow::Continue(()))? {
        Content::Empty | Content::Log(None | Some(End::Clean)) => Ok(()),
        Content::Rdb => {
            println!("{name} begins with an RDB part: not examined");
            Ok(())
        }
        Content::Log(Some(End::TornTail { reason, .. } | End::Corrupt { reason, .. })) => {
            Err(format!("{name} is damaged: {reason}"))
        }
    }
}

/// Looks for the moment in an increment. Without it, also answers how much of the file is good and whether that is
/// less than all. Damage is no obstacle if the moment comes before it.
fn examine<'a>(
    moment: &'a Moment,
    is_named: bool,
    directory: &Path,
    file: &FileInfo,
) -> Result<(Search<'a>, Option<(u64, bool)>), String> {
    let path = directory.join(&file.name);
    let mut search =
        Search { moment, is_named, batch: None, transaction: None, commands: 0, timestamps: 0, found: None };
    let number = files::sealed_for(FileKind::Increment, file);
    let content = files::read(&path, number, &mut |item| search.visit(item))?;
    let good = match content {
        Content::Empty => Some((0, false)),
        Content::Rdb => return Err(format!("{} is no increment: it begins with an RDB part", file.name)),
        Content::Log(None) => None,
        Content::Log(Some(End::Clean)) => {
            Some((fs::metadata(&path).map_err(|error| cannot("read file", &path, &error))?.len(), false))
        }
        Content::Log(Some(End::TornTail { good_offset_bytes, .. })) => Some((good_offset_bytes, true)),
        Content::Log(Some(End::Corrupt { offset_bytes, reason, .. })) => {
            return Err(format!(
                "{} is damaged at offset {offset_bytes}, before that moment: {reason}",
                file.name
            ));
        }
    };
    Ok((search, good))
}

impl Search<'_> {
    fn visit(&mut self, item: Item<'_>) -> ControlFlow<()> {
        match item {
            Item::Batch(line) => self.batch = Some(line),
            Item::BatchEnd => self.batch = None,
            Item::Annotation { line, offset_bytes } => {
                let Some(time) = parse_timestamp(line) else { return ControlFlow::Continue(()) };
                self.timestamps += 1;
                if matches!(self.moment, Moment::Time { unix_seconds } if time > *unix_seconds) {
                    return self.cut_at(self.transaction.unwrap_or(offset_bytes));
                }
            }
            Item::Command { args, offset_bytes } => {
                let is_bare = |name: &[u8]| args.len() == 1 && args[0].eq_ignore_ascii_case(name);
                if self.is_before_it(args, offset_bytes) {
                    return self.cut_at(self.transaction.unwrap_or(offset_bytes));
                }
                self.commands += 1;
                if is_bare(b"EXEC") {
                    self.transaction = None;
                } else if is_bare(b"MULTI") {
                    self.transaction = Some(offset_bytes);
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Whether the moment is before this command.
    fn is_before_it(&self, args: Args<'_>, at: u64) -> bool {
        match self.moment {
            Moment::Time { .. } => false,
            Moment::Offset { offset_bytes, .. } => self.is_named && at + encoded_len(args) > *offset_bytes,
            Moment::Before { pattern } => {
                let words: Vec<&[u8]> = args.iter().collect();
                let mut text = words.join(&b' ');
                if glob::matches(pattern.as_bytes(), &text, Case::Sensitive) {
                    return true;
                }
                // The log has a command's name as its client wrote it.
                text[..args[0].len()].make_ascii_uppercase();
                glob::matches(pattern.as_bytes(), &text, Case::Sensitive)
            }
        }
    }

    fn cut_at(&mut self, offset_bytes: u64) -> ControlFlow<()> {
        let cut = match self.batch {
            None => Cut { copied_bytes: offset_bytes, resealed: None },
            Some(line) => {
                let body_bytes = line.offset_bytes + line_len(&line);
                let resealed = (offset_bytes > body_bytes).then_some((line, offset_bytes));
                Cut { copied_bytes: line.offset_bytes, resealed }
            }
        };
        self.found = Some(cut);
        ControlFlow::Break(())
    }
}

/// The length of a command in the log. It is the only one it can have there.
fn encoded_len(args: Args<'_>) -> u64 {
    let line_len = |number: usize| "*\r\n".len() + number.to_string().len();
    let arguments = args.iter().map(|arg| line_len(arg.len()) + arg.len() + "\r\n".len());
    (line_len(args.len()) + arguments.sum::<usize>()) as u64
}

fn line_len(line: &BatchLine) -> u64 {
    line.append_to(&mut Vec::new()) as u64
}

/// Makes the new directory. One that is there already must be empty.
fn prepare(into: &Path) -> Result<(), String> {
    fs::create_dir_all(into).map_err(|error| cannot("make directory", into, &error))?;
    let mut entries = fs::read_dir(into).map_err(|error| cannot("read directory", into, &error))?;
    if entries.next().is_some() { Err(format!("{} is not empty", into.display())) } else { Ok(()) }
}

/// Copies a file, or what is kept of it.
fn copy(from: &Path, into: &Path, file: &FileInfo, cut: Option<Cut>) -> Result<(), String> {
    let (source_path, target_path) = (from.join(&file.name), into.join(&file.name));
    let mut source = File::open(&source_path).map_err(|error| cannot("open file", &source_path, &error))?;
    let copied = copy_kept(&mut source, &target_path, file.sequence, cut);
    copied.map_err(|error| cannot("copy to", &target_path, &error))
}

fn copy_kept(source: &mut File, target_path: &Path, sequence: u64, cut: Option<Cut>) -> io::Result<()> {
    let metadata = source.metadata()?;
    let mut target = File::create_new(target_path)?;
    let copied_bytes = cut.map_or(metadata.len(), |cut| cut.copied_bytes);
    files::copy_range(source, 0, copied_bytes, &mut target)?;
    if let Some((line, end)) = cut.and_then(|cut| cut.resealed) {
        let from = line.offset_bytes + line_len(&line);
        let mut kept = Vec::new();
        source.seek(SeekFrom::Start(from))?;
        source.take(end - from).read_to_end(&mut kept)?;
        let mut sealed = Vec::new();
        Sealer::new(sequence, line.offset_bytes).seal(&kept, line.synced_bytes, &mut sealed);
        target.write_all(&sealed)?;
    }
    target.set_permissions(metadata.permissions())?;
    target.sync_all()
}
