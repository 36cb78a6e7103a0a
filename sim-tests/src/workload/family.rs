//! [`Family`]: what kind of value a key is meant for. Each has keys of its own, so that most commands meet what they
//! ask for; now and then a key of another family is named, and from then on it holds what it should not.

use super::{Maker, is_known, is_modelled};

/// Of so many keys one belongs to another family than the command is for.
const STRAYS: u32 = 40;

/// What kind of value a key is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    String,
    List,
    Hash,
    Set,
    SortedSet,
    /// Lists that are mostly empty, because clients wait for what is pushed.
    Queue,
    /// Sorted sets that are mostly empty, for the same reason.
    Ranking,
}

impl Family {
    pub(super) const ALL: [Family; 7] = [
        Family::String,
        Family::List,
        Family::Hash,
        Family::Set,
        Family::SortedSet,
        Family::Queue,
        Family::Ranking,
    ];

    /// What its keys begin with.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Family::String => "key",
            Family::List => "list",
            Family::Hash => "hash",
            Family::Set => "set",
            Family::SortedSet => "zset",
            Family::Queue => "queue",
            Family::Ranking => "ranking",
        }
    }

    /// How many keys there are at most that are used often, and how many that are not: collections are to fill, and
    /// where clients wait for each other they are to meet.
    pub(super) fn keys_max(self) -> (u32, u32) {
        match self {
            Family::String => (u32::MAX, u32::MAX),
            Family::List | Family::Hash | Family::Set | Family::SortedSet => (12, 300),
            Family::Queue | Family::Ranking => (2, 4),
        }
    }

    /// Whether there are commands that make such values; in the core too, unless only the model is asked.
    pub(super) fn is_there(self, is_for_model: bool) -> bool {
        let maker = match self {
            Family::String => "set",
            Family::List => "rpush",
            Family::Hash => "hset",
            Family::Set => "sadd",
            Family::SortedSet => "zadd",
            Family::Queue => "blpop",
            Family::Ranking => "bzpopmin",
        };
        if is_for_model { is_modelled(maker) } else { is_known(maker) }
    }
}

impl Maker<'_> {
    /// A key of the family that the command is for, but for a few.
    pub(super) fn key(&mut self) -> Vec<u8> {
        if self.one_in(100) {
            return match self.below(4) {
                0 => Vec::new(),
                1 => b"\x00\xff\r\n".to_vec(),
                2 => vec![b'k'; 300],
                _ => b"key with blanks".to_vec(),
            };
        }
        let family = if self.one_in(STRAYS) { self.any_family() } else { self.family };
        self.key_of(family)
    }

    /// A key of this family.
    pub(super) fn key_of(&mut self, family: Family) -> Vec<u8> {
        let (hot_max, cold_max) = family.keys_max();
        let count =
            if self.one_in(4) { self.mix.cold_keys.min(cold_max) } else { self.mix.hot_keys.min(hot_max) };
        format!("{}:{}", family.prefix(), self.below(count as usize)).into_bytes()
    }

    /// Whether there are commands for this family.
    pub(super) fn has(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// One of the families there are.
    pub(super) fn any_family(&mut self) -> Family {
        let place = self.below(self.families.len());
        self.families[place]
    }
}
