//! How large small encodings may be: drawn for each run, and changed while it lasts.

use crate::transcript::parse::ServerSetup;
use crate::workload::Maker;

/// A parameter that decides on encodings.
struct Parameter {
    name: &'static str,
    /// What it is set to: what it is by default, and what the lengths that the generators make meet from both sides.
    values: &'static [&'static str],
    /// Whether the oracle has it.
    is_old: bool,
}

const COUNTS: &[&str] = &["0", "1", "3", "8", "32", "128", "512", "1000000"];
const SIZES: &[&str] = &["0", "1", "8", "20", "64", "300", "100000"];

const PARAMETERS: &[Parameter] = &[
    Parameter { name: "hash-max-listpack-entries", values: COUNTS, is_old: true },
    Parameter { name: "hash-max-listpack-value", values: SIZES, is_old: true },
    Parameter { name: "list-compress-depth", values: &["0", "0", "1", "2", "1000"], is_old: true },
    Parameter {
        name: "list-max-listpack-size",
        values: &["-5", "-4", "-3", "-2", "-1", "0", "1", "2", "5", "30", "128", "20000"],
        is_old: true,
    },
    Parameter { name: "set-max-intset-entries", values: COUNTS, is_old: true },
    // Without listpacks, 7.2 keeps sets as 7.0 does.
    Parameter { name: "set-max-listpack-entries", values: &["0", "0", "0", "3", "8", "128"], is_old: false },
    Parameter { name: "set-max-listpack-value", values: SIZES, is_old: false },
    Parameter { name: "zset-max-listpack-entries", values: COUNTS, is_old: true },
    Parameter { name: "zset-max-listpack-value", values: SIZES, is_old: true },
];

/// A change of one parameter while servers run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The parameter's name.
    pub name: &'static str,
    /// What it is to be.
    pub value: &'static str,
    /// Whether the oracle has such a parameter.
    pub is_old: bool,
}

impl Limit {
    /// Any parameter, any value.
    #[must_use]
    pub fn draw(maker: &mut Maker<'_>) -> Limit {
        let at = maker.below(PARAMETERS.len());
        PARAMETERS[at].draw(maker)
    }
}

impl Parameter {
    fn draw(&self, maker: &mut Maker<'_>) -> Limit {
        Limit { name: self.name, value: self.values[maker.below(self.values.len())], is_old: self.is_old }
    }
}

/// How the servers of one run begin.
#[derive(Clone, Debug, Default)]
pub struct Setups {
    /// The oracle.
    pub old: ServerSetup,
    /// The core and the model, which are of Redis 7.2.
    pub new: ServerSetup,
}

impl Setups {
    /// One run in four has the defaults.
    #[must_use]
    pub fn draw(maker: &mut Maker<'_>) -> Setups {
        let mut setups = Setups::default();
        if maker.below(4) == 0 {
            return setups;
        }
        for Limit { name, value, is_old } in PARAMETERS.iter().map(|parameter| parameter.draw(maker)) {
            let directive = vec![name.to_owned(), value.to_owned()];
            if is_old {
                setups.old.directives.push(directive.clone());
            }
            setups.new.directives.push(directive);
        }
        setups
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::SimServer;
    use crate::workload::Mix;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rotom_io_sim::Delivery;

    #[test]
    fn every_value_is_taken() {
        for parameter in PARAMETERS {
            for value in parameter.values {
                let directives = vec![vec![parameter.name.to_owned(), (*value).to_owned()]];
                let setup = ServerSetup { directives, has_config_file: false };
                let started = SimServer::start(&setup, Delivery::Whole, 1);
                assert!(started.is_ok(), "{} {value}", parameter.name);
            }
        }
    }

    #[test]
    fn the_oracle_is_told_what_it_knows() {
        let mix = Mix::lasting();
        let mut maker = Maker::new(&mix, ChaCha8Rng::seed_from_u64(1));
        let drawn: Vec<Setups> = (0..20).map(|_| Setups::draw(&mut maker)).collect();
        assert!(drawn.iter().any(|setups| setups.new.directives.is_empty()));
        assert!(drawn.iter().any(|setups| setups.new.directives.len() == PARAMETERS.len()));
        let told = drawn.iter().flat_map(|setups| &setups.old.directives);
        assert!(told.clone().count() > 0);
        for directive in told {
            assert!(!directive[0].starts_with("set-max-listpack"), "{directive:?}");
        }
    }
}
