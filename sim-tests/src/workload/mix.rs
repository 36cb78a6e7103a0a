//! [`Mix`]: what a run's commands are drawn from.

use super::blocking::BLOCKING;
use super::{GROUPS, Generator, Scope, generators, is_known, is_modelled};
use rand::{Rng, RngExt};

/// What a run's commands are drawn from.
#[derive(Clone, Debug, PartialEq)]
pub struct Mix {
    /// How often each generator is used, in their order; 0 for those that are not.
    pub(super) weights: Vec<u32>,
    /// Keys that are used again and again.
    pub hot_keys: u32,
    /// Keys that are used now and then.
    pub cold_keys: u32,
    /// Databases that are used now and then; most is done in the first few.
    pub databases: u32,
    /// The longest value.
    pub value_len_max: usize,
    /// What times to live there are.
    pub expiries: Expiries,
    /// A flush is made of one in so many that are drawn, so that the keyspace has time to grow.
    pub flush_rarity: u32,
    /// The longest pipeline.
    pub pipeline_len_max: usize,
    /// Of a thousand requests, so many are not requests at all.
    pub malformed_per_thousand: u32,
    /// Of a thousand requests, so many are inline.
    pub inline_per_thousand: u32,
    /// Of a thousand requests, so many go on with an iteration.
    pub scans_per_thousand: u32,
    /// Whether iterations may be over the elements of collections.
    pub pages_elements: bool,
    /// How often the configuration file is written anew, beside what the weights say.
    pub rewrites_per_thousand: u32,
    /// Whether replies are compared with those of a server that nobody sees into.
    pub is_compared: bool,
    /// Whether clients may wait for something without an end.
    pub waits_forever: bool,
    /// Whether the core is not asked, and so need not know what is drawn.
    pub is_for_model: bool,
}

/// Times to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiries {
    /// None ends while a run lasts.
    Lasting,
    /// All end within so many milliseconds, most much earlier.
    Within(u64),
}

/// The longest pipeline there is.
pub const PIPELINE_LEN_MAX: usize = 256;

/// A flood of weight one is one in so many commands.
const FLOOD_SHARE: u32 = 500;

impl Mix {
    /// For a server whose clock is the real one: everything both sides can do, and nothing expires.
    #[must_use]
    pub fn lasting() -> Mix {
        let weights = usual_weights().map(|(row, weight)| if row.scope == Scope::Both { weight } else { 0 });
        Mix {
            weights: weights.collect(),
            hot_keys: 100,
            cold_keys: 5_000,
            databases: 16,
            value_len_max: usize::MAX,
            expiries: Expiries::Lasting,
            flush_rarity: 30,
            pipeline_len_max: 50,
            malformed_per_thousand: 0,
            inline_per_thousand: 0,
            scans_per_thousand: 0,
            pages_elements: false,
            rewrites_per_thousand: 0,
            is_compared: true,
            waits_forever: false,
            is_for_model: false,
        }
    }

    /// The same for a run in which only the model stands beside such a server.
    #[must_use]
    pub fn lasting_for_model() -> Mix {
        let is_drawn = |row: &Generator| row.scope == Scope::Both && is_modelled(row.name);
        let weights = generators().map(|row| if is_drawn(row) { row.weight } else { 0 }).collect();
        Mix { weights, is_for_model: true, ..Mix::lasting() }
    }

    /// The same without what lets requests run later than they arrive.
    #[must_use]
    pub fn without_waits(mut self) -> Mix {
        for (weight, generator) in self.weights.iter_mut().zip(generators()) {
            if ["client", "config", "debug", "save"].contains(&generator.name)
                || BLOCKING.contains(&generator.name)
            {
                *weight = 0;
            }
        }
        // A cursor is seen only in a reply that comes in one piece.
        (self.inline_per_thousand, self.malformed_per_thousand, self.scans_per_thousand) = (0, 0, 0);
        self
    }

    /// For one run of the simulator: a random share of all commands, with random habits.
    #[must_use]
    pub fn draw(rng: &mut impl Rng) -> Mix {
        let share = rng.random_range(20..=100);
        // One command is always there, so that there is something to draw from.
        let mut weights: Vec<u32> = usual_weights()
            .map(|(_, weight)| {
                let weight = weight * [1, 1, 4, 16][rng.random_range(0..4)];
                if rng.random_ratio(share, 100) { weight } else { 0 }
            })
            .collect();
        // So do whole groups, that types of values have runs to themselves.
        let has_collections = rng.random_ratio(1, 2);
        let mut rest = weights.as_mut_slice();
        for group in GROUPS {
            let factor = [0, 1, 1, 1, 4][rng.random_range(0..5)];
            let factor = if has_collections || !group.is_of_collections { factor } else { 0 };
            let (own, others) = rest.split_at_mut(group.table.len());
            own.iter_mut().for_each(|weight| *weight *= factor);
            rest = others;
        }
        weights[0] += 1;
        // Floods are work: most runs do without. In those that have them, they are not to drown in what else there is.
        let has_floods = rng.random_ratio(1, 8);
        let total: u32 = weights.iter().sum();
        for (weight, (row, usual)) in weights.iter_mut().zip(usual_weights()) {
            if row.scope == Scope::Flood {
                *weight = if has_floods { usual.max(usual * total / FLOOD_SHARE) } else { 0 };
            }
        }
        let one_in =
            |rng: &mut dyn Rng, share: u32, value: u32| if rng.random_ratio(1, share) { value } else { 0 };
        Mix {
            weights,
            hot_keys: [1, 3, 10, 100][rng.random_range(0..4)],
            cold_keys: [10, 300, 5_000, 50_000][rng.random_range(0..4)],
            databases: [1, 16, 100][rng.random_range(0..3)],
            value_len_max: [20, 2_000, 40_000, usize::MAX][rng.random_range(0..4)],
            expiries: Expiries::Within([5, 200, 5_000, 500_000][rng.random_range(0..4)]),
            flush_rarity: [1, 30, 1_000][rng.random_range(0..3)],
            pipeline_len_max: [1, 4, 20, 60, PIPELINE_LEN_MAX][rng.random_range(0..5)],
            malformed_per_thousand: one_in(rng, 3, 10),
            inline_per_thousand: one_in(rng, 3, 200),
            scans_per_thousand: one_in(rng, 2, 60),
            pages_elements: has_collections,
            rewrites_per_thousand: one_in(rng, 8, 200),
            is_compared: false,
            waits_forever: rng.random_ratio(1, 2),
            is_for_model: false,
        }
    }
}

/// How often each generator is used when nothing else is said: never, if there is no such command.
fn usual_weights() -> impl Iterator<Item = (&'static Generator, u32)> {
    generators().map(|row| (row, if is_known(row.name) { row.weight } else { 0 }))
}
