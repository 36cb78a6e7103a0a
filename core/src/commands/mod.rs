//! The commands, a file per group as `COMMAND DOCS` names them. Each group's table is its only metadata.

mod table;

mod connection;
mod generic;
mod server;
mod string;

mod client;
mod command;
mod config;
mod debug;
mod expiry;
mod help;
mod info;

pub use table::{Argument, ArgumentKind, Categories, Command, Flags, Group, KeySpec, Run};

const GROUPS: [&[Command]; 4] = [string::TABLE, generic::TABLE, connection::TABLE, server::TABLE];

/// How many commands there are, subcommands not counted.
pub const COUNT: usize = count();

static ALL: [Command; COUNT] = collect();

/// Slots of the hash table over the names: a power of two, sparse enough for short probes.
const NAME_SLOTS: usize = 512;

/// For each hash of a name, one more than the command's index; 0 where there is none.
static NAMES: [u8; NAME_SLOTS] = index_names();

const _: () = assert!(COUNT < 256 && COUNT * 2 < NAME_SLOTS);

/// All commands, group by group.
pub fn all() -> impl Iterator<Item = &'static Command> {
    ALL.iter()
}

/// The command of this name, in whatever case it is written.
#[must_use]
#[inline]
pub fn lookup(name: &[u8]) -> Option<&'static Command> {
    let mut slot = name_hash(name) % NAME_SLOTS;
    loop {
        let index = usize::from(NAMES[slot]).checked_sub(1)?;
        let command = &ALL[index];
        if command.name.as_bytes().eq_ignore_ascii_case(name) {
            return Some(command);
        }
        slot = (slot + 1) % NAME_SLOTS;
    }
}

impl Command {
    /// The subcommand of this name, in whatever case it is written.
    #[must_use]
    pub fn subcommand(&self, name: &[u8]) -> Option<&'static Command> {
        self.subcommands.iter().find(|command| command.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The position among all commands; meaningless for a subcommand.
    #[must_use]
    #[inline]
    pub fn index(&self) -> usize {
        usize::from(self.index)
    }
}

/// The hash of a name: equal for all ways to write it.
#[inline]
const fn name_hash(name: &[u8]) -> usize {
    let mut hash = 0_u32;
    let mut index = 0;
    while index < name.len() {
        hash = (hash ^ (name[index] | 0x20) as u32).wrapping_mul(0x9e37_79b1);
        hash ^= hash >> 15;
        index += 1;
    }
    hash as usize
}

const fn count() -> usize {
    let mut count = 0;
    let mut group = 0;
    while group < GROUPS.len() {
        count += GROUPS[group].len();
        group += 1;
    }
    count
}

const fn collect() -> [Command; COUNT] {
    let mut all = [GROUPS[0][0]; COUNT];
    let (mut group, mut row, mut index) = (0, 0, 0);
    while index < COUNT {
        if row == GROUPS[group].len() {
            group += 1;
            row = 0;
            continue;
        }
        all[index] = GROUPS[group][row];
        all[index].index = index as u8;
        row += 1;
        index += 1;
    }
    all
}

const fn index_names() -> [u8; NAME_SLOTS] {
    let mut slots = [0; NAME_SLOTS];
    let commands = collect();
    let mut index = 0;
    while index < COUNT {
        let mut slot = name_hash(commands[index].name.as_bytes()) % NAME_SLOTS;
        while slots[slot] != 0 {
            slot = (slot + 1) % NAME_SLOTS;
        }
        slots[slot] = index as u8 + 1;
        index += 1;
    }
    slots
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
            assert!(lookup(format!("{upper}x").as_bytes()).is_none());
        }
        assert!(lookup(b"").is_none());
        assert!(lookup(&[0xff; 1000]).is_none());
    }

    #[test]
    fn rows_are_sorted_and_belong_to_their_group() {
        for (rows, group) in
            GROUPS.iter().zip([Group::String, Group::Generic, Group::Connection, Group::Server])
        {
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
        for command in all().filter(|command| command.arity > 0) {
            for spec in command.keys {
                assert!(spec.positions(command.arity as usize).all(|key| key < command.arity as usize));
            }
        }
    }
}
