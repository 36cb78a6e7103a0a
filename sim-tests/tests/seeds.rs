//! Scenarios that once failed, or that reach what is rarely reached, pass; and they stay what they are.

use rotom_sim_tests::cli::choice::{corpus, read};
use rotom_sim_tests::cli::replay::files;
use rotom_sim_tests::simulation::{Watch, run};

#[test]
fn every_kept_scenario_passes() {
    let files = files(&corpus()).unwrap();
    assert!(!files.is_empty(), "{} has no scenarios", corpus().display());
    for path in files {
        let file = read(&path).unwrap();
        if let Some(failure) = run(&file.scenario, Watch::Nothing).failure {
            panic!(
                "{}: {} broken at \"{}\"\n{}",
                path.display(),
                failure.oracle.name(),
                failure.site,
                failure.text
            );
        }
    }
}

#[test]
fn every_kept_scenario_says_why_it_is_kept_and_is_written_as_it_would_be() {
    for path in files(&corpus()).unwrap() {
        let file = read(&path).unwrap();
        assert!(!file.notes.is_empty(), "{} says nothing", path.display());
        assert_eq!(file.to_string(), std::fs::read_to_string(&path).unwrap(), "{}", path.display());
    }
}

/// Scenarios that find planted bugs are named after them.
#[cfg(feature = "mutants")]
#[test]
fn kept_scenarios_still_find_the_bugs_they_were_made_for() {
    use rotom_core::mutant::{Mutant, choose};

    for path in files(&corpus()).unwrap() {
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        let Some(name) = name.strip_prefix("mutant-") else { continue };
        let mutant = Mutant::by_name(name).unwrap_or_else(|| panic!("there is no mutant {name}"));
        let scenario = read(&path).unwrap().scenario;
        choose(Some(mutant));
        let failure = run(&scenario, Watch::Nothing).failure;
        choose(None);
        assert!(failure.is_some(), "{} does not find its bug any more", path.display());
    }
}
