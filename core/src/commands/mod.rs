//! The commands, a file per group as `COMMAND DOCS` names them. Each group's table is its only metadata.

mod key_spec;
mod names;
mod table;

pub(crate) mod connection;
mod generic;
mod hash;
mod list;
mod server;
mod set;
mod string;
pub(crate) mod transactions;
mod zset;

mod ahead;
mod client;
mod command;
mod config;
mod debug;
mod element_scan;
mod expiry;
mod help;
mod info;
mod sampling;
mod sort;
mod timeout;

pub use key_spec::{BeginSearch, FindKeys, FlagsInUse, InvalidKeys, KeyArg, KeyFlags, KeySpec, extract_keys};
pub use table::{Ahead, Argument, ArgumentKind, Categories, Command, Flags, Group, Run};

use names::NameTable;

const GROUPS: [&[Command]; 9] = [
    string::TABLE,
    generic::TABLE,
    list::TABLE,
    set::TABLE,
    hash::TABLE,
    connection::TABLE,
    server::TABLE,
    transactions::TABLE,
    zset::TABLE,
];

/// How many commands there are, subcommands not counted.
pub const COUNT: usize = count(false);

/// How many commands and subcommands there are: [`Command::index`] is below it.
pub const INDEX_COUNT: usize = COUNT + PART_COUNT;

const PART_COUNT: usize = count(true);

static ALL: [Command; COUNT] = collect();

/// All subcommands, those of a container side by side.
static PARTS: [Command; PART_COUNT] = collect_parts();

static NAMES: NameTable = NameTable::new(&names());

/// All commands, group by group.
pub fn all() -> impl Iterator<Item = &'static Command> {
    ALL.iter()
}

/// All commands and subcommands, in the order of their [indices](Command::index).
pub fn all_with_parts() -> impl Iterator<Item = &'static Command> {
    ALL.iter().chain(&PARTS)
}

/// The command of this name, in whatever case it is written.
#[must_use]
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    NAMES.find(name, |place| ALL[place].name).map(|place| &ALL[place])
}

impl Command {
    /// The subcommand of this name, in whatever case it is written.
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
    }
}

const fn count(parts: bool) -> usize {
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        let mut row = 0;
        while row < GROUPS[group].len() {
            count += if parts { GROUPS[group][row].subcommands.len() } else { 1 };
            row += 1;
        }
        group += 1;
    }
    count
}

/// All rows with their indices, and with subcommands that have theirs.
const fn collect() -> [Command; COUNT] {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut group, mut row, mut index) = (0, 0, 0);
    let mut parts: &[Command] = &PARTS;
    while index < COUNT {
        if row == GROUPS[group].len() {
            group += 1;
            row = 0;
            continue;
        }
        let mut command = GROUPS[group][row].at(index);
        (command.subcommands, parts) = parts.split_at(command.subcommands.len());
        all[index] = command;
        row += 1;
        index += 1;
    }
    all
}

const fn collect_parts() -> [Command; PART_COUNT] {
    let mut all = [GROUPS[0][0]; PART_COUNT];
    let (mut group, mut row, mut index) = (0, 0, 0);
    while group < GROUPS.len() {
        if row == GROUPS[group].len() {
            group += 1;
            row = 0;
            continue;
        }
        let parts = GROUPS[group][row].subcommands;
        let mut part = 0;
        while part < parts.len() {
            all[index] = parts[part].at(COUNT + index);
            part += 1;
            index += 1;
        }
        row += 1;
    }
    all
}

const fn names() -> [&'static str; COUNT] {
    let mut names = [""; COUNT];
    let (mut group, mut row, mut index) = (0, 0, 0);
    while index < COUNT {
        if row == GROUPS[group].len() {
            group += 1;
            row = 0;
            continue;
        }
        names[index] = GROUPS[group][row].name;
        row += 1;
        index += 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_in_any_case() {
        for command in all() {
            let upper = command.name.to_ascii_uppercase();
            assert_eq!(lookup(command.name.as_bytes()).unwrap().name, command.name);
            assert_eq!(lookup(upper.as_bytes()).unwrap().name, command.name);
            assert!(lookup(format!("{upper}~").as_bytes()).is_none());
        }
        assert!(lookup(b"").is_none());
        assert!(lookup(b"gEt\0").is_none());
        assert!(lookup(b"\x07et").is_none());
        assert!(lookup(&[0xff; 1000]).is_none());
    }

    #[test]
    fn indices_are_dense() {
        assert_eq!(all_with_parts().count(), INDEX_COUNT);
        for (place, command) in all_with_parts().enumerate() {
            assert_eq!(command.index(), place, "{}", command.full_name());
        }
        for command in all() {
            for part in command.subcommands {
                assert!(std::ptr::eq(command.subcommand(part.name.as_bytes()).unwrap(), part));
                assert!(part.index() >= COUNT && part.container == Some(command.name));
            }
        }
    }

    #[test]
    fn names_take_few_probes() {
        let names: Vec<&str> = all().map(|command| command.name).collect();
        assert!(NAMES.probes_max() <= 3, "{} probes for one of {names:?}", NAMES.probes_max());
    }

    #[test]
    fn rows_are_sorted_and_belong_to_their_group() {
        let groups = [
            Group::String,
            Group::Generic,
            Group::List,
            Group::Set,
            Group::Hash,
            Group::Connection,
            Group::Server,
            Group::Transactions,
            Group::SortedSet,
        ];
        assert_eq!(groups.len(), GROUPS.len());
        for (rows, group) in GROUPS.iter().zip(groups) {
            assert!(rows.is_sorted_by(|a, b| a.name < b.name));
            for row in *rows {
                assert_eq!(row.group, group, "{}", row.name);
                assert!(row.subcommands.is_sorted_by(|a, b| a.name < b.name), "{}", row.name);
                for part in row.subcommands {
                    assert_eq!(part.container, Some(row.name), "{}", part.name);
                }
            }
        }
    }

    #[test]
    fn arity_covers_the_keys() {
        for command in all_with_parts() {
            let request = vec![b"1".as_slice(); usize::from(command.arity.unsigned_abs())];
            let mut keys = Vec::new();
            assert_eq!(extract_keys(command, &request, &mut keys), Ok(()), "{}", command.full_name());
            assert_eq!(keys.is_empty(), !command.has_keys(), "{}", command.full_name());
            assert_eq!(
                keys.first().map(|key| key.index),
                command.first_key_index(),
                "{}",
                command.full_name()
            );
        }
    }
}
