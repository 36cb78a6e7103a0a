//! Files in the RDB format, to and fro: what a real redis-server has saved is read here and written anew, by a snapshot,
//! and the real one has to find in that what it had.

use crate::real::{Connection, RealServer};
use crate::reply::{Reply, encode_command};
use crate::transcript::parse::ServerSetup;
use crate::workload::{Maker, Mix};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rotom_core::Config;
use rotom_core::dataset::{Dataset, Keys, Limits};
use rotom_core::keyspace::{Entry, HashKey};
use rotom_core::rdb::{Item, LoadOptions, Next, Preamble, Rdb, Reader, Writer};
use rotom_core::snapshot::{Budget, Format, Snapshot};
use std::ops::Range;
use std::path::Path;
use std::process::{Command, Stdio};

/// Debian's judge of files.
const REDIS_CHECK_RDB: &str = "/usr/bin/redis-check-rdb";

const HASH_KEY: HashKey = HashKey([5, 6]);

/// Bytes that are read at once, and that are written.
const PIECE_BYTES: usize = 10_000;

/// Commands that are sent at once.
const BATCH_LEN: usize = 200;

/// Commands that change data, and answer each request with one reply.
const FILLING: [&str; 26] = [
    "append",
    "copy",
    "getset",
    "hdel",
    "hincrby",
    "hset",
    "incrby",
    "linsert",
    "lpop",
    "lpush",
    "lset",
    "move",
    "pexpireat",
    "persist",
    "rename",
    "restore",
    "rpush",
    "sadd",
    "sdiffstore",
    "set",
    "setrange",
    "smove",
    "srem",
    "sunionstore",
    "zadd",
    "zrem",
];

/// What is exchanged.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Everything that is sent follows from it.
    pub seed: u64,
    /// How many commands make the data of one round.
    pub commands: usize,
    /// Where the redis-server may listen.
    pub ports: Range<u16>,
}

/// Data in a file, as rotom holds it.
///
/// # Errors
/// The file is refused.
pub fn load(file: &[u8], limits: Limits) -> Result<Dataset, String> {
    let mut dataset = Dataset::new(&Config::default(), HASH_KEY);
    let mut reader = Reader::new(LoadOptions { checksum: true, limits, hash_key: HASH_KEY });
    let mut pieces = file.chunks(PIECE_BYTES);
    let mut database = 0;
    loop {
        match reader.next().map_err(|error| error.to_string())? {
            Next::Item(Item::Select(index)) => database = index,
            Next::Item(Item::Key(loaded)) => {
                let entry = Entry::new(&loaded.key, loaded.value, loaded.expiry, 0);
                Keys { dataset: &mut dataset, database, no_touch: false }.insert_entry(entry);
            }
            Next::Item(Item::End) => return Ok(dataset),
            Next::Item(Item::Skipped(_) | Item::Empty(_)) => {
                return Err("something was passed over".to_owned());
            }
            Next::Item(Item::Aux { .. } | Item::Resize { .. }) | Next::Pause => {}
            Next::Hungry => match pieces.next() {
                Some(piece) => reader.feed(piece),
                None => reader.finish().map_err(|error| error.to_string())?,
            },
        }
    }
}

/// A file of all data.
pub fn save<F: Format>(dataset: &mut Dataset) -> Vec<u8> {
    let preamble =
        Preamble { version: "7.2.0", created_seconds: 1, used_memory_bytes: 1, is_aof_base: false };
    let mut writer = Writer::new(true);
    let (mut file, mut piece) = (Vec::new(), Vec::new());
    writer.begin(&mut piece, &preamble);
    let mut snapshot = Snapshot::<F>::begin(dataset);
    while !snapshot.step(dataset, &mut piece, Budget { elements: 100, bytes: PIECE_BYTES }).is_done {
        writer.sent(&piece);
        file.append(&mut piece);
    }
    writer.end(&mut piece);
    file.append(&mut piece);
    file
}

/// Exchanges files with a real server, once with its usual limits and once with others. Returns how many keys were in
/// them.
///
/// # Errors
/// What went otherwise.
pub fn run(settings: &Settings) -> Result<usize, String> {
    let small = [
        ["list-max-listpack-size", "4"],
        ["list-compress-depth", "1"],
        ["hash-max-listpack-entries", "3"],
        ["zset-max-listpack-entries", "3"],
        ["set-max-intset-entries", "3"],
        ["rdbcompression", "no"],
    ];
    let small = small.map(|words| words.map(str::to_owned).to_vec()).to_vec();
    let mut limits = Limits::default();
    let usual = exchange::<Rdb<true>>(settings, &ServerSetup::default(), limits)?;
    limits.list.fill = 3;
    limits.list.compress_depth = 1;
    limits.hash.listpack_entries_max = 4;
    limits.sorted_set.listpack_entries_max = 2;
    limits.set.intset_entries_max = 2;
    let setup = ServerSetup { directives: small, ..ServerSetup::default() };
    Ok(usual + exchange::<Rdb<false>>(settings, &setup, limits)?)
}

fn exchange<F: Format>(settings: &Settings, setup: &ServerSetup, limits: Limits) -> Result<usize, String> {
    let mut server = RealServer::start(settings.ports.clone(), setup)?;
    let mut client = server.open()?;
    fill(&mut client, settings)?;
    // It saves, and loads that at once, whereby keys go that have expired and that nobody has looked at since.
    ask(&mut client, &["DEBUG", "RELOAD"])?;
    let before = digests(&mut client)?;
    let Reply::Array(directory) = ask(&mut client, &["CONFIG", "GET", "dir"])? else {
        return Err("no directory".to_owned());
    };
    let Some(Reply::Bulk(directory)) = directory.last() else { return Err("no directory".to_owned()) };
    let path = Path::new(&*String::from_utf8_lossy(directory)).join("dump.rdb");

    let file = std::fs::read(&path).map_err(|error| error.to_string())?;
    let mut dataset = load(&file, limits)?;
    let keys = (0..dataset.database_count()).map(|index| dataset.database(index).len()).sum();
    let digest = dataset.digest();
    let anew = save::<F>(&mut dataset);
    if load(&anew, limits)?.digest() != digest {
        return Err("what was written is not what was read".to_owned());
    }
    std::fs::write(&path, anew).map_err(|error| error.to_string())?;
    let verdict = Command::new(REDIS_CHECK_RDB).arg(&path).stdout(Stdio::piped()).output();
    let verdict = verdict.map_err(|error| format!("{REDIS_CHECK_RDB}: {error}"))?;
    if !verdict.status.success() {
        return Err(String::from_utf8_lossy(&verdict.stdout).into_owned());
    }
    ask(&mut client, &["FLUSHALL"])?;
    ask(&mut client, &["DEBUG", "RELOAD", "NOSAVE"])?;
    let after = digests(&mut client)?;
    match before.iter().zip(&after).find(|(before, after)| before != after) {
        None if before.len() == after.len() => Ok(keys),
        Some((before, after)) => Err(format!("there was {before}, and is {after}")),
        None => Err(format!("there were {} keys, and are {}", before.len() - 1, after.len() - 1)),
    }
}

/// What a server holds: a digest of all of it, which knows of expiries, and of each key.
fn digests(client: &mut Connection) -> Result<Vec<String>, String> {
    let mut digests = Vec::new();
    for database in 0..Config::default().databases {
        ask(client, &["SELECT", &database.to_string()])?;
        let Reply::Array(mut keys) = ask(client, &["KEYS", "*"])? else { return Err("no keys".to_owned()) };
        keys.sort_by_key(Reply::to_bytes);
        for key in keys {
            let Reply::Bulk(key) = key else { return Err("no key".to_owned()) };
            client.send(&encode_command(&[&b"DEBUG"[..], b"DIGEST-VALUE", &key]))?;
            let digest = client.receive(1, false)?.replies;
            digests.push(format!("{database} {} {digest:?}", key.escape_ascii()));
        }
    }
    digests.push(format!("{:?}", ask(client, &["DEBUG", "DIGEST"])?));
    Ok(digests)
}

fn fill(client: &mut Connection, settings: &Settings) -> Result<(), String> {
    let mix = Mix::lasting().without_waits();
    let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(settings.seed));
    let mut sent = 0;
    while sent < settings.commands {
        let mut batch = Vec::new();
        let mut len = 0;
        while len < BATCH_LEN {
            for call in maker.calls() {
                let name = String::from_utf8_lossy(&call.words[0]).to_ascii_lowercase();
                // Redis 7.2 makes a zero of a negative one, here and there; 7.0 does not.
                let is_negative_zero = |word: &Vec<u8>| {
                    str::from_utf8(word).is_ok_and(|it| it.parse() == Ok(0.0) && it.starts_with('-'))
                };
                if FILLING.contains(&name.as_str()) && !call.words.iter().any(is_negative_zero) {
                    batch.extend_from_slice(&encode_command(&call.words));
                    len += 1;
                }
            }
        }
        client.send(&batch)?;
        client.receive(len, false)?;
        sent += len;
    }
    Ok(())
}

/// A command's reply, which is no error.
fn ask(client: &mut Connection, words: &[&str]) -> Result<Reply, String> {
    client.send(&encode_command(words))?;
    match client.receive(1, false)?.replies.pop() {
        Some(reply) if !reply.is_error() => Ok(reply),
        reply => Err(format!("{words:?} is answered with {reply:?}")),
    }
}
