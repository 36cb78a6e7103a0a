//! Shows that a real Redis takes the logs that are sealed here, and that what it does to them is understood.
//!
//! A log of sealed batches is judged by redis-check-aof, loaded by redis-server, continued by it, and read back. The
//! same is done with a log that ends at every possible place in its last batch, which redis-server cuts by its own
//! rules.

use clap::Parser;
use rotom_core::aof::{End, Item, LogReader, Manifest, Names, Sealer, append_timestamp};
use rotom_sim_tests::real::{Connection, RealServer};
use rotom_sim_tests::reply::Reply;
use rotom_sim_tests::transcript::parse::ServerSetup;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Shows that a real Redis takes the logs that are sealed here, and that what it does to them is understood.
#[derive(Debug, Parser)]
struct Options {
    /// The first of ten loopback ports on which to start redis-servers.
    #[arg(long, default_value_t = 21_580)]
    redis_port: u16,
    /// How many batches to seal.
    #[arg(long, default_value_t = 2000)]
    batches: usize,
    /// In how many places to cut the last batch.
    #[arg(long, default_value_t = 20)]
    cuts: usize,
}

/// A log in a directory of its own, removed with it.
struct Log {
    directory: PathBuf,
    increment: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(summary) => {
            println!("{summary}");
            ExitCode::SUCCESS
        }
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<String, String> {
    let (bytes, last_start) = sealed(options.batches);
    let log = Log::create(&bytes)?;
    log.check_by_redis()?;
    let keys = options.batches as i64;
    log.serve(options.redis_port, keys)?;
    let (commands, end) = log.read()?;
    expect("the log that Redis continued", &end, &End::Clean)?;
    let tail_len = bytes.len() - last_start;
    let mut cut_by_redis = 0;
    for cut in 1..=options.cuts {
        let len = last_start + tail_len * cut / (options.cuts + 1);
        let log = Log::create(&bytes[..len])?;
        // The last batch is a transaction, of which nothing remains.
        log.serve(options.redis_port, keys - 1)?;
        let (_, end) = log.read()?;
        // Redis has cut the last command and left the batch's line, unless that is where it cut.
        let is_understood = match end {
            End::Clean => true,
            End::TornTail { good_offset_bytes, .. } => good_offset_bytes == last_start as u64,
            End::Corrupt { .. } => false,
        };
        if !is_understood {
            return Err(format!("cut at {len}, the last batch being at {last_start}: {end:?}"));
        }
        cut_by_redis += 1;
    }
    Ok(format!(
        "redis-check-aof and redis-server take {} sealed batches ({} bytes); {commands} commands were read back \
         after it went on; {cut_by_redis} logs with a torn batch were served",
        options.batches,
        bytes.len()
    ))
}

/// A file of sealed batches, each setting a key, and where the last one begins, which is a transaction.
fn sealed(batches: usize) -> (Vec<u8>, usize) {
    let mut sealer = Sealer::new(1, 0);
    let mut bytes = Vec::new();
    sealer.seal(b"", 0, &mut bytes);
    let mut last_start = 0;
    for number in 0..batches {
        let mut batch = Vec::new();
        if number % 3 == 0 {
            append_timestamp(1_700_000_000 + number as i64, &mut batch);
        }
        let value = "\r\n#CRC:*".repeat(number % 50);
        let set = command(&["SET", &format!("key:{number}"), &value]);
        if number + 1 == batches || number % 5 == 0 {
            let other = command(&["APPEND", &format!("key:{number}"), "more"]);
            batch.extend([command(&["MULTI"]), set, other, command(&["EXEC"])].concat());
        } else {
            batch.extend(set);
        }
        last_start = bytes.len();
        let synced = sealer.offset_bytes() / 2;
        sealer.seal(&batch, synced, &mut bytes);
    }
    (bytes, last_start)
}

fn command(words: &[&str]) -> Vec<u8> {
    let arguments: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{arguments}", words.len()).into_bytes()
}

impl Log {
    fn create(increment: &[u8]) -> Result<Log, String> {
        let directory = std::env::temp_dir().join(format!("rotom-logs-{}", std::process::id()));
        let files = directory.join("appendonlydir");
        let names = Names::new("appendonly.aof");
        let mut manifest = Manifest::default();
        manifest.add_increment(manifest.next_increment(&names, 0));
        let log = Log { increment: files.join(names.increment(1)), directory };
        let written = fs::create_dir_all(&files)
            .and_then(|()| fs::write(files.join(names.manifest()), manifest.encode()))
            .and_then(|()| fs::write(&log.increment, increment));
        written.map_err(|error| error.to_string())?;
        Ok(log)
    }

    fn check_by_redis(&self) -> Result<(), String> {
        let manifest = self.directory.join("appendonlydir/appendonly.aof.manifest");
        let output =
            Command::new("redis-check-aof").arg(manifest).output().map_err(|error| error.to_string())?;
        if output.status.success() {
            return Ok(());
        }
        Err(format!("redis-check-aof: {}", String::from_utf8_lossy(&output.stdout)))
    }

    /// Lets redis-server load the log, which is to give so many keys, and write more of it.
    fn serve(&self, port: u16, keys: i64) -> Result<(), String> {
        let directive = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let directory = self.directory.to_string_lossy();
        let directives = vec![directive(&["appendonly", "yes"]), directive(&["dir", &directory])];
        let setup = ServerSetup { directives, has_config_file: false };
        let mut server = RealServer::start(port..port + 10, &setup)?;
        let mut client = server.open()?;
        while !has_loaded(&mut client)? {}
        client.send(b"DBSIZE\r\nSET after 1\r\nMULTI\r\nSET after 2\r\nINCR after\r\nEXEC\r\n")?;
        let received = client.receive(6, false)?;
        match received.replies.as_slice() {
            [Reply::Integer(found), .., Reply::Array(_)] if *found == keys => Ok(()),
            replies => Err(format!("{keys} keys were expected: {replies:?}")),
        }
    }

    fn read(&self) -> Result<(u64, End), String> {
        let bytes = read(&self.increment)?;
        let mut reader = LogReader::new(Some(1), 0);
        let mut commands = 0;
        for chunk in bytes.chunks(4096) {
            reader.feed(chunk);
            while let Some(item) = reader.next_item() {
                commands += u64::from(matches!(item, Item::Command { .. }));
            }
        }
        Ok((commands, reader.finish()))
    }
}

/// Asks a server that starts.
fn has_loaded(client: &mut Connection) -> Result<bool, String> {
    client.send(b"PING\r\n")?;
    let received = client.receive(1, false)?;
    Ok(!matches!(received.replies.as_slice(), [Reply::Error(_)]))
}

impl Drop for Log {
    fn drop(&mut self) {
        // What cannot be removed is litter in a temporary directory.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn expect(what: &str, found: &End, expected: &End) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}")) }
}
