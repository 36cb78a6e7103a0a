//! What clients send: random commands, valid and otherwise.
//!
//! Every group of commands has a file, which opens with a table of generators; whatever a generator makes is decided
//! by the seed alone, never by a reply. What is drawn from the tables, and how often, is a [`Mix`]. The same generators
//! serve the live [differential run](crate::differential), against a real Redis and its clock, and the
//! [simulator](crate::simulation), which adds what only a server of its own can be told.

mod blocking;
mod connection;
mod generic;
mod hash;
mod list;
mod server;
mod set;
mod sort;
mod string;
mod tides;
mod transaction;
mod zset;

mod draft;
mod family;
mod maker;
mod malformed;
mod mix;
#[cfg(test)]
mod options;
mod parts;

pub use blocking::BLOCKING;
pub use maker::Maker;
pub use mix::{Expiries, Mix, PIPELINE_LEN_MAX};

use crate::differential::compare::Rule;
use crate::model::Model;
use crate::reply::encode_command;
use crate::transcript::text::quote;
use family::Family;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// One command, and how two servers' replies to it are compared.
#[derive(Clone, Debug)]
pub struct Call {
    /// The command's words.
    pub words: Vec<Vec<u8>>,
    /// How its replies are compared.
    pub rule: Rule,
}

/// What is sent as one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// A command as RESP.
    Command(Vec<Vec<u8>>),
    /// A line, its end included.
    Inline(Vec<u8>),
    /// Bytes that are no request, or half of one.
    Raw(Vec<u8>),
    /// SCAN with these options; it goes on where the client's last one stopped.
    Scan(Vec<Vec<u8>>),
    /// HSCAN, SSCAN or ZSCAN, a key, and options; it goes on where the client's last one of that key stopped.
    Elements(Vec<Vec<u8>>),
}

/// A command's generator.
struct Generator {
    name: &'static str,
    weight: u32,
    scope: Scope,
    make: fn(&mut Maker<'_>) -> Vec<Call>,
}

/// Who can use a generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    /// The simulator and the differential run.
    Both,
    /// The simulator alone: the replies are the server's own, or what it does concerns others.
    Simulator,
    /// The simulator, in runs whose keyspace is to grow large.
    Flood,
}

/// Generators that belong together.
struct Group {
    /// What the keys are meant for, if it is always the same.
    family: Option<Family>,
    table: &'static [Generator],
    /// Whether runs about strings and keys do without it.
    is_of_collections: bool,
}

impl Group {
    const fn new(family: Option<Family>, table: &'static [Generator]) -> Group {
        Group { family, table, is_of_collections: false }
    }

    const fn of_collections(family: Option<Family>, table: &'static [Generator]) -> Group {
        Group { family, table, is_of_collections: true }
    }
}

const GROUPS: &[Group] = &[
    Group::new(Some(Family::String), string::TABLE),
    Group::new(None, generic::TABLE),
    Group::new(Some(Family::String), connection::TABLE),
    Group::new(None, server::TABLE),
    Group::of_collections(Some(Family::List), list::TABLE),
    Group::of_collections(Some(Family::Hash), hash::TABLE),
    Group::of_collections(Some(Family::Set), set::TABLE),
    Group::of_collections(Some(Family::SortedSet), zset::TABLE),
    Group::of_collections(Some(Family::String), sort::TABLE),
    Group::new(None, transaction::TABLE),
    Group::of_collections(None, blocking::TABLE),
    Group::of_collections(None, tides::TABLE),
];

fn generators() -> impl Iterator<Item = &'static Generator> {
    GROUPS.iter().flat_map(|group| group.table)
}

/// Whether there is such a command, in the core and in the model that judges it: others are not sent.
fn is_known(name: &str) -> bool {
    is_modelled(name) && rotom_core::commands::lookup(name.as_bytes()).is_some()
}

/// Whether the model knows such a command.
fn is_modelled(name: &str) -> bool {
    static NAMES: LazyLock<BTreeSet<&'static str>> = LazyLock::new(|| Model::commands().collect());
    NAMES.contains(name)
}

/// Commands that are never made, and why.
pub const EXCLUDED: &[(&str, &str)] =
    &[("shutdown", "ends the server; see corpus/transcripts/server/shutdown.resp")];

/// Commands that the differential run does not send, or not as one of others, and why.
pub const NOT_COMPARED: &[(&str, &str)] = &[
    ("bgsave", "answers by what is under way on disk; see corpus/transcripts/server/bgsave.resp"),
    ("lastsave", "shows the server's own clock"),
    ("save", "makes a file; see corpus/transcripts/server/save.resp"),
    ("bgrewriteaof", "answers by what is under way on disk; see corpus/transcripts/server/bgrewriteaof.resp"),
    ("command", "describes the server's own table; see corpus/transcripts/server/command-*.resp"),
    ("config", "changes the server under everybody's feet; see corpus/transcripts/server/config-*.resp"),
    ("debug", "stops or inspects the server; see corpus/transcripts/server/debug.resp"),
    ("dump", "shows the server's own order of elements; see corpus/transcripts/generic/dump.resp"),
    ("info", "shows the server's own figures; see corpus/transcripts/server/info.resp"),
    ("time", "shows the server's own clock"),
    ("quit", "ends the connection: a round of its own"),
    ("randomkey", "picks at random: a round of its own"),
];

/// Whether the differential run sends a command as one of others.
#[must_use]
pub fn is_compared(name: &str) -> bool {
    [EXCLUDED, NOT_COMPARED].iter().all(|table| table.iter().all(|(other, _)| *other != name))
}

/// Commands that neither have a generator nor a reason not to.
#[must_use]
pub fn uncovered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let is_made = |name: &str| generators().any(|generator| generator.name == name);
    let is_excluded = |name: &str| EXCLUDED.iter().any(|(excluded, _)| *excluded == name);
    names.filter(|name| !is_made(name) && !is_excluded(name)).collect()
}

impl Request {
    /// A command as a line, if its words can stand in one; else as RESP.
    #[must_use]
    pub fn inline(words: &[Vec<u8>]) -> Request {
        let mut line: Vec<u8> =
            words.iter().map(|word| quote(word)).collect::<Vec<String>>().join(" ").into_bytes();
        line.extend_from_slice(b"\r\n");
        if line.len() < INLINE_LEN_MAX { Request::Inline(line) } else { Request::Command(words.to_vec()) }
    }

    /// Appends the bytes that are sent; `cursor` is where the client's iteration stopped that this goes on with.
    pub fn encode(&self, cursor: u64, out: &mut Vec<u8>) {
        match self {
            Request::Command(words) => out.extend_from_slice(&encode_command(words)),
            Request::Inline(bytes) | Request::Raw(bytes) => out.extend_from_slice(bytes),
            Request::Scan(options) => {
                let mut words = vec![b"SCAN".to_vec(), cursor.to_string().into_bytes()];
                words.extend_from_slice(options);
                out.extend_from_slice(&encode_command(&words));
            }
            Request::Elements(words) => {
                let mut words = words.clone();
                words.insert(words.len().min(2), cursor.to_string().into_bytes());
                out.extend_from_slice(&encode_command(&words));
            }
        }
    }
}

/// A longer line would be refused.
const INLINE_LEN_MAX: usize = 60_000;

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_of_the_core_is_made_or_excluded() {
        let names = rotom_core::commands::all().map(|command| command.name);
        assert_eq!(uncovered(names), Vec::<&str>::new());
        assert_eq!(uncovered(["nope", "get"].into_iter()), ["nope"]);
    }

    #[test]
    fn what_is_compared_is_made_for_a_real_server_too_and_nothing_else() {
        for generator in generators().filter(|generator| generator.scope == Scope::Both) {
            assert!(is_compared(generator.name), "{}", generator.name);
        }
        let is_made = |name: &str| {
            generators().any(|generator| generator.name == name && generator.scope == Scope::Both)
        };
        for command in rotom_core::commands::all().filter(|command| is_compared(command.name)) {
            assert!(is_made(command.name), "{}", command.name);
        }
    }

    #[test]
    fn the_seed_decides_and_everything_is_made() {
        let made = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let mix = Mix::draw(&mut rng);
            let mut maker = Maker::new(&mix, rng);
            let mut requests = Vec::new();
            for _ in 0..200 {
                let client = maker.below(3) as u32;
                requests.extend(maker.pipeline(client, 1_800_000_000_000));
            }
            requests
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        let mut names = BTreeSet::new();
        for request in (0..60).flat_map(made) {
            if let Request::Command(words) = request {
                names.insert(String::from_utf8_lossy(&words[0]).to_ascii_lowercase());
            }
        }
        for generator in generators().filter(|generator| is_known(generator.name)) {
            assert!(names.contains(generator.name), "{}", generator.name);
        }
    }
}
