//! Judging what is in the RDB format: a dump, or the part that an append-only file begins with. It says what
//! redis-check-rdb does where tools look for it, and looks at every element as loading does.

use super::files::{CHUNK_LEN_BYTES, cannot, read_full};
use rotom_core::dataset::Limits;
use rotom_core::keyspace::HashKey;
use rotom_core::rdb::{Item, LoadOptions, Next, RdbError, Reader};
use std::fs::File;
use std::path::Path;

/// What is hashed here concerns nobody else.
const HASH_KEY: HashKey = HashKey([0x726f_746f_6d20_6368, 0x6563_6b20_6475_6d70]);

/// What a part in the RDB format has.
#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    keys: u64,
    expires: u64,
    is_aof_base: bool,
}

/// Judges the beginning of a file, which is in the RDB format, and says what it finds. Answers where that part ends, if
/// it is sound.
pub(super) fn check(path: &Path, name: &str) -> Result<Option<u64>, String> {
    println!("[offset 0] Checking RDB file {name}");
    let mut reader =
        Reader::new(LoadOptions { checksum: true, limits: Limits::default(), hash_key: HASH_KEY });
    let mut figures = Figures::default();
    let outcome = read(path, &mut reader, &mut figures)?;
    let version = reader.version();
    match outcome {
        Ok(()) => {
            println!("[offset {}] Checksum OK", reader.offset());
            println!("[offset {}] \\o/ RDB looks OK! \\o/", reader.offset());
        }
        Err(error) => {
            println!("--- RDB ERROR DETECTED ---");
            println!("[offset {}] {}", error.offset, error.reason);
        }
    }
    println!("[info] RDB version {version}{}", if figures.is_aof_base { ", the base of a log" } else { "" });
    println!("[info] {} keys read", figures.keys);
    println!("[info] {} expires", figures.expires);
    Ok(reader.is_done().then(|| reader.offset()))
}

fn read(path: &Path, reader: &mut Reader, figures: &mut Figures) -> Result<Result<(), RdbError>, String> {
    let mut source = File::open(path).map_err(|error| cannot("open file", path, &error))?;
    let mut chunk = vec![0; CHUNK_LEN_BYTES];
    loop {
        let offset = reader.offset();
        match reader.next() {
            Err(error) => return Ok(Err(error)),
            Ok(Next::Item(Item::End)) => return Ok(Ok(())),
            Ok(Next::Item(item)) => tell(offset, &item, figures),
            Ok(Next::Pause) => {}
            Ok(Next::Hungry) => {
                let len = read_full(&mut source, &mut chunk);
                let len = len.map_err(|error| cannot("read file", path, &error))?;
                if len == 0 {
                    return Ok(reader.finish());
                }
                reader.feed(&chunk[..len]);
            }
        }
    }
}

fn tell(offset: u64, item: &Item, figures: &mut Figures) {
    match item {
        Item::Aux { name, value } => {
            figures.is_aof_base |= name == b"aof-base" && value == b"1";
            println!("[offset {offset}] AUX FIELD {} = '{}'", name.escape_ascii(), value.escape_ascii());
        }
        Item::Select(database) => println!("[offset {offset}] Selecting DB ID {database}"),
        Item::Key(loaded) => {
            figures.keys += 1;
            figures.expires += u64::from(loaded.expiry.is_some());
        }
        Item::Empty(key) => {
            println!("[offset {offset}] Skipping key {} with nothing in it", key.escape_ascii());
        }
        Item::Skipped(what) => println!("[offset {offset}] Skipping {what}"),
        Item::Resize { .. } | Item::End => {}
    }
}
