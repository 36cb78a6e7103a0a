//! Every transcript of the corpus, played through the core: whole, byte by byte, and in random pieces. However
//! requests arrive, the replies are the same.

use rotom_core::commands;
use rotom_io_sim::Delivery;
use rotom_sim_tests::sim::SimServer;
use rotom_sim_tests::transcript::parse::{Action, Command, ServerSetup, Transcript};
use rotom_sim_tests::transcript::play::Stage;
use rotom_sim_tests::transcript::replay::replay;
use rotom_sim_tests::transcript::text::Facts;
use rotom_sim_tests::transcript::{corpus, files};
use std::collections::BTreeSet;
use std::fmt::Write;

/// Seeds the random pieces are drawn from.
const SEEDS: [u64; 3] = [1, 2, 3];

fn check(delivery: Delivery, seed: u64) {
    let mut report = String::new();
    let mut count = 0;
    for file in files(&corpus()) {
        let mut start = |setup: &ServerSetup| {
            SimServer::start(setup, delivery, seed).map(|server| Box::new(server) as Box<dyn Stage>)
        };
        let failures = replay(&file, &mut start).unwrap_or_else(|error| panic!("{error}"));
        count += failures.len();
        for failure in failures {
            write!(report, "{failure}").unwrap();
        }
    }
    assert!(count == 0, "{count} sections went otherwise ({delivery:?}, seed {seed}):\n{report}");
}

#[test]
fn whole() {
    check(Delivery::Whole, 0);
}

#[test]
fn byte_by_byte() {
    check(Delivery::Bytes, 0);
}

#[test]
fn in_random_pieces() {
    for seed in SEEDS {
        check(Delivery::Random, seed);
    }
}

/// The first two words of every request in the corpus, in lower case.
fn requests() -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for file in files(&corpus()) {
        let text = std::fs::read_to_string(&file).unwrap();
        let transcript =
            Transcript::parse(&text).unwrap_or_else(|error| panic!("{}: {error:?}", file.display()));
        for step in transcript.sections.iter().flat_map(|section| &section.steps) {
            let Action::Send { commands, .. } = &step.action else { continue };
            for command in commands {
                let Command::Words(words) = command else { continue };
                let word = |index: usize| {
                    let word = words.get(index).map(|word| word.fill(&Facts::default())).unwrap_or_default();
                    String::from_utf8_lossy(&word).to_lowercase()
                };
                found.insert((word(0), word(1)));
            }
        }
    }
    found
}

#[test]
fn every_command_has_a_transcript() {
    let requests = requests();
    let mut missing = Vec::new();
    for command in commands::all() {
        if !requests.iter().any(|(name, _)| name == command.name) {
            missing.push(command.name.to_owned());
        }
        for subcommand in command.subcommands {
            if !requests.contains(&(command.name.to_owned(), subcommand.name.to_owned())) {
                missing.push(format!("{}|{}", command.name, subcommand.name));
            }
        }
    }
    assert!(missing.is_empty(), "no transcript mentions {missing:?}");
}
