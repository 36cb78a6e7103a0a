//! `rotom-server --check FILE|DIR [--fix]`: what redis-check-aof and redis-check-rdb do, with their words where tools
//! look for them.
//!
//! `--fix` cuts the last file behind its last good point. The bytes it cuts are put aside first, under the file's
//! name, the offset and `.cut`.

use super::files::{self, Content, Log, cannot};
use super::rdb;
use rotom_core::aof::{End, FileKind, Item, LogReader, Reason};
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// How much of the first lost command is shown.
const SHOWN_LEN_BYTES_MAX: usize = 80;

/// The status for a log that is not valid.
const NOT_VALID: u8 = 1;

/// What is wrong with a file.
#[derive(Debug)]
struct Damage {
    good_offset_bytes: u64,
    offset_bytes: u64,
    reason: Reason,
    /// What makes it more than a torn tail, in words; nothing if it is one.
    gravity: Option<String>,
}

/// Judges the log at `path` and says what it finds; with `fixes`, cuts what is torn off. The status is 0 for a log
/// that is good, or good now.
pub(crate) fn check(path: &Path, fixes: bool) -> Result<u8, String> {
    match Log::find(path)? {
        Log::File(path) => {
            if !matches!(files::read(&path, None, &mut |_| ControlFlow::Break(()))?, Content::Rdb) {
                println!("Start checking Old-Style AOF");
            }
            let name = path.display().to_string();
            let is_valid = check_file(&path, &name, "", None, fixes, true)?;
            Ok(status(is_valid))
        }
        Log::Directory { directory, manifest, .. } => {
            println!("Start checking Multi Part AOF");
            let last = manifest.files().count().saturating_sub(1);
            let mut has_told_increments = false;
            for (index, (kind, file)) in manifest.files().enumerate() {
                if kind == FileKind::Base {
                    println!("Start to check BASE AOF.");
                } else if !std::mem::replace(&mut has_told_increments, true) {
                    println!("Start to check INCR files.");
                }
                let role = if kind == FileKind::Base { "BASE " } else { "INCR " };
                let number = files::sealed_for(kind, file);
                let path = directory.join(&file.name);
                if !check_file(&path, &file.name, role, number, fixes, index == last)? {
                    return Ok(NOT_VALID);
                }
            }
            println!("All AOF files and manifest are valid");
            Ok(0)
        }
    }
}

fn status(is_valid: bool) -> u8 {
    if is_valid { 0 } else { NOT_VALID }
}

/// Judges one file; answers whether it is good, or good now.
fn check_file(
    path: &Path,
    name: &str,
    role: &str,
    number: Option<u64>,
    fixes: bool,
    is_last: bool,
) -> Result<bool, String> {
    let mut commands = 0_u64;
    let mut batches = 0_u64;
    let mut count = |item: Item<'_>| {
        commands += u64::from(matches!(item, Item::Command { .. }));
        batches += u64::from(matches!(item, Item::BatchEnd));
        ControlFlow::Continue(())
    };
    let len_bytes = fs::metadata(path).map_err(|error| cannot("read file", path, &error))?.len();
    let end = match files::read(path, number, &mut count)? {
        Content::Empty => {
            println!("AOF {name} is empty");
            return Ok(true);
        }
        Content::Rdb => match rdb::check(path, name)? {
            None => {
                println!("{role}RDB {name} is not valid. There is no fixing it.");
                return Ok(false);
            }
            Some(rdb_bytes) if rdb_bytes == len_bytes => {
                println!("{role}RDB {name} is valid");
                return Ok(true);
            }
            Some(rdb_bytes) => {
                println!("RDB preamble is OK, proceeding with AOF tail...");
                files::read_from(path, rdb_bytes, number, &mut count)?
            }
        },
        Content::Log(end) => end,
    };
    let end = end.expect("the whole file was asked for");
    let damage = Damage::of(end);
    let good_bytes = damage.as_ref().map_or(len_bytes, |damage| damage.good_offset_bytes);
    println!(
        "AOF analyzed: filename={name}, size={len_bytes}, ok_up_to={good_bytes}, diff={}, commands={commands}, \
         batches={batches}",
        len_bytes - good_bytes
    );
    let Some(damage) = damage else {
        println!("{role}AOF {name} is valid");
        return Ok(true);
    };
    tell(&damage, path, len_bytes)?;
    if !fixes {
        println!("AOF {name} is not valid. Use the --fix option to try fixing it.");
        return Ok(false);
    }
    if !is_last {
        println!("Failed to truncate AOF {name} because it is not the last file");
        return Ok(false);
    }
    let aside = cut(path, good_bytes, len_bytes)?;
    println!("The bytes from offset {good_bytes} on were put aside as {}", aside.display());
    println!("Successfully truncated AOF {name}");
    Ok(true)
}

impl Damage {
    fn of(end: End) -> Option<Damage> {
        match end {
            End::Clean => None,
            End::TornTail { good_offset_bytes, reason, .. } => {
                Some(Damage { good_offset_bytes, offset_bytes: good_offset_bytes, reason, gravity: None })
            }
            End::Corrupt { good_offset_bytes, offset_bytes, reason, witness_bytes } => {
                let gravity = match witness_bytes {
                    Some(at) => format!("This was on disk once: the batch at offset {at} says so."),
                    None => "No interrupted write leaves such a file.".to_owned(),
                };
                Some(Damage { good_offset_bytes, offset_bytes, reason, gravity: Some(gravity) })
            }
        }
    }
}

/// Says what is wrong and what cutting would lose.
fn tell(damage: &Damage, path: &Path, len_bytes: u64) -> Result<(), String> {
    println!("0x{:16x}: {}", damage.offset_bytes, damage.reason);
    if let Some(gravity) = &damage.gravity {
        println!("{gravity}");
    }
    let (commands, first) =
        survey(path, damage.good_offset_bytes).map_err(|error| cannot("read file", path, &error))?;
    let lost = len_bytes - damage.good_offset_bytes;
    match first {
        Some(first) => {
            println!("Cutting loses {lost} bytes, with at least {commands} commands from: {first}");
        }
        None => println!("Cutting loses {lost} bytes, with no whole command that could be told"),
    }
    Ok(())
}

/// Counts the commands that can be told in what is not to be trusted, and shows the first.
fn survey(path: &Path, from: u64) -> io::Result<(u64, Option<String>)> {
    let mut source = File::open(path)?;
    source.seek(SeekFrom::Start(from))?;
    let mut chunk = vec![0; files::CHUNK_LEN_BYTES];
    let len = files::read_full(&mut source, &mut chunk)?;
    // A batch whose checksum is wrong is read as if it had none.
    let is_batch = chunk[..len].starts_with(b"#");
    let skipped =
        if is_batch { chunk[..len].iter().position(|&byte| byte == b'\n').map_or(0, |at| at + 1) } else { 0 };
    let mut reader = LogReader::new(None, from + skipped as u64);
    let (mut commands, mut first) = (0, None);
    let mut piece = &chunk[skipped..len];
    let mut more = vec![0; files::CHUNK_LEN_BYTES];
    while !piece.is_empty() && !reader.is_damaged() {
        reader.feed(piece);
        while let Some(item) = reader.next_item() {
            if let Item::Command { args, .. } = item {
                commands += 1;
                first.get_or_insert_with(|| shown(args.iter()));
            }
        }
        let len = source.read(&mut more)?;
        piece = &more[..len];
    }
    Ok((commands, first))
}

fn shown<'a>(args: impl Iterator<Item = &'a [u8]>) -> String {
    let mut text = String::new();
    for arg in args {
        text.push_str(if text.is_empty() { "" } else { " " });
        text.extend(
            arg.iter().take(SHOWN_LEN_BYTES_MAX).flat_map(|&byte| byte.escape_ascii()).map(char::from),
        );
        if text.len() > SHOWN_LEN_BYTES_MAX {
            text.truncate(SHOWN_LEN_BYTES_MAX);
            return text + "…";
        }
    }
    text
}

/// Cuts a file, once what is cut is safe elsewhere. Answers where.
fn cut(path: &Path, good_bytes: u64, len_bytes: u64) -> Result<PathBuf, String> {
    let fault = |error: io::Error| cannot("put aside the end of", path, &error);
    let mut source = File::options().read(true).write(true).open(path).map_err(fault)?;
    let (aside, mut target) = create_aside(path, good_bytes).map_err(fault)?;
    files::copy_range(&mut source, good_bytes, len_bytes - good_bytes, &mut target).map_err(fault)?;
    target.set_permissions(source.metadata().map_err(fault)?.permissions()).map_err(fault)?;
    target.sync_all().map_err(fault)?;
    files::sync_directory(files::parent(path))?;
    let cut = source.set_len(good_bytes).and_then(|()| source.sync_all());
    cut.map_err(|error| cannot("truncate", path, &error))?;
    Ok(aside)
}

/// Creates `<name>.<offset>.cut`, or one with a further number when something was cut there before.
fn create_aside(path: &Path, offset_bytes: u64) -> io::Result<(PathBuf, File)> {
    for attempt in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{offset_bytes}.cut"));
        if attempt > 1 {
            name.push(format!(".{attempt}"));
        }
        match File::create_new(&name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => return created.map(|file| (PathBuf::from(name), file)),
        }
    }
    unreachable!("a directory has no room for that many files")
}
