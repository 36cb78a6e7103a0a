//! `rotom-sim` as a CI sees it: arguments in, exit codes and JSON out.

use rotom_sim_tests::simulation::text::ScenarioFile;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn rotom_sim(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rotom-sim")).args(arguments).output().unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs it, and returns the object it prints and its exit code.
fn json(arguments: &[&str]) -> (Value, i32) {
    let output = rotom_sim(&[arguments, &["--json"]].concat());
    let object: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{arguments:?}: {error}\n{}\n{}", text(&output), String::from_utf8_lossy(&output.stderr))
    });
    assert_eq!(object["exit_code"], code(&output), "{arguments:?}");
    (object, code(&output))
}

/// A directory of this test's own.
fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// What a failing run must print: the arguments behind `again:` that show it again.
fn again(output: &Output) -> Vec<String> {
    let text = text(output);
    let line = text.lines().find(|line| line.starts_with("again: ")).unwrap_or_else(|| panic!("{text}"));
    let arguments = line.split_once(" -- ").unwrap().1;
    arguments.split(' ').map(|word| word.trim_matches('\'').to_owned()).collect()
}

const CANARY: [&str; 2] = ["--set", "is-canary=true"];

/// The canary falsifies replies once some twenty commands have run; a scenario cannot become smaller than that.
const CANARY_REQUESTS_MAX: u64 = 24;

#[test]
fn wrong_usage_exits_with_1_and_help_with_0() {
    for arguments in [
        &["run"][..],
        &["run", "--seed", "x"],
        &["run", "--seed", "1", "--profile", "stormy"],
        &["run", "--seed", "1", "--set", "no-such=1"],
        &["run", "--seed", "1", "--fault", "no-such=1"],
        &["loop"],
        &["loop", "--budget", "10"],
        &["replay", "no-such-file.sim"],
        &["explain"],
        &["shrink", "--seed", "1", "--profile", "calm", "--steps", "0"],
        &["no-such"],
    ] {
        let output = rotom_sim(arguments);
        assert_eq!(code(&output), 1, "{arguments:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?} says nothing");
    }
    let help = rotom_sim(&["--help"]);
    assert_eq!(code(&help), 0);
    assert!(text(&help).contains("Exit codes:"));
}

#[test]
fn a_seed_that_passes_exits_with_0() {
    let (object, code) = json(&["run", "--seed", "0x2a", "--profile", "calm", "--steps", "50"]);
    assert_eq!((code, &object["seed"]), (0, &Value::from(42)), "{object}");
    assert!(object["counts"]["commands"].as_u64().unwrap() > 0);
    assert!(object["failure"].is_null());
}

#[test]
fn a_failure_exits_with_its_code_and_can_be_shown_again() {
    let arguments = [&["run", "--seed", "7", "--profile", "calm"][..], &CANARY].concat();
    let output = rotom_sim(&arguments);
    assert_eq!(code(&output), 10, "{}", text(&output));
    let again = again(&output);
    let repeated = rotom_sim(&again.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((code(&repeated), text(&repeated)), (10, text(&output)));
    let (object, _) = json(&arguments);
    assert_eq!(object["failure"]["class"], "semantic");
}

#[test]
fn the_canary_is_found_and_shrunk() {
    let (object, code) = json(&["canary", "--runs", "600"]);
    assert_eq!(code, 10, "{object}");
    assert!(object["requests"].as_u64().unwrap() <= CANARY_REQUESTS_MAX, "{object}");
}

#[test]
fn a_scenario_goes_from_run_to_shrink_to_replay_to_explain() {
    let directory = directory("scenario");
    let path = |name: &str| directory.join(name).display().to_string();
    let (whole, small) = (path("whole.sim"), path("small.sim"));
    let run = ["run", "--seed", "7", "--profile", "calm", "--steps", "60", "--output", &whole];
    assert_eq!(code(&rotom_sim(&[&run[..], &CANARY].concat())), 10);
    let (shrunk, status) = json(&["shrink", &whole, "--output", &small, "--runs", "500"]);
    assert_eq!(status, 0);
    let file: ScenarioFile = std::fs::read_to_string(&small).unwrap().parse().unwrap();
    assert_eq!(shrunk["scenario"], file.to_string());
    let (replayed, status) = json(&["replay", &small, &whole]);
    assert_eq!((status, replayed["files"].as_array().unwrap().len()), (10, 2));
    assert_eq!(replayed["files"][0]["failure"]["site"], replayed["files"][1]["failure"]["site"]);
    let (explained, status) = json(&["explain", &small]);
    assert_eq!(status, 10);
    assert!(!explained["timeline"].as_array().unwrap().is_empty());
    let (mended, status) = json(&["explain", &small, "--set", "is-canary=false"]);
    assert_eq!(status, 0, "{}", mended["failure"]);
    let told = rotom_sim(&["explain", &small, "--last", "3"]);
    assert!(text(&told).contains("seed 7, profile calm"));
    std::fs::write(&whole, "rotom scenario 1\nseed seven\n").unwrap();
    let broken = rotom_sim(&["replay", &whole]);
    assert_eq!(code(&broken), 1);
    assert!(String::from_utf8_lossy(&broken.stderr).contains("line 2"));
}

#[test]
fn the_loop_plays_seeds_and_keeps_what_fails() {
    let directory = directory("loop");
    let keep = directory.display().to_string();
    let seeds =
        ["loop", "--seeds", "6", "--jobs", "2", "--profile", "calm", "--steps", "30", "--keep", &keep];
    let (object, code) = json(&seeds);
    assert_eq!((code, &object["seeds"]), (0, &Value::from(6)), "{object}");
    assert!(directory.read_dir().unwrap().next().is_none(), "nothing failed, and something is kept");

    let (object, code) = json(&[&seeds[..], &CANARY, &["--shrink-runs", "300"]].concat());
    assert_eq!(code, 10, "{object}");
    let failure = &object["failures"][0];
    let file = failure["file"].as_str().unwrap();
    assert_eq!(json(&["replay", file]).1, 10);
    assert!(failure["requests"].as_u64().unwrap() <= CANARY_REQUESTS_MAX, "{failure}");
}

#[test]
fn seeds_happen_alike_in_other_processes() {
    let (object, code) = json(&["determinism", "--seeds", "3", "--steps", "60"]);
    assert_eq!((code, object["differing"].as_array().unwrap().len()), (0, 0), "{object}");
}

#[test]
fn marks_that_are_not_reached_are_missed() {
    let (object, code) = json(&["marks", "--seeds", "1", "--profile", "network", "--steps", "0"]);
    assert_eq!(code, 15);
    assert!(object["missing"].as_array().unwrap().len() > 10, "{object}");
}

#[test]
fn a_budget_ends_the_loop() {
    let directory = directory("budget");
    let keep = directory.display().to_string();
    let budget =
        ["loop", "--budget", "0s", "--jobs", "1", "--profile", "calm", "--steps", "5", "--keep", &keep];
    let (object, code) = json(&budget);
    assert_eq!((code, object["failures"].as_array().unwrap().len()), (0, 0), "{object}");
}

#[cfg(feature = "mutants")]
mod planted {
    use super::{code, directory, json, rotom_sim};
    use rotom_sim_tests::simulation::text::ScenarioFile;

    /// Commands of the scenario that a planted bug shrinks to, at most.
    const REQUESTS_MAX: u64 = 10;

    #[test]
    fn a_planted_bug_is_found_and_shrinks_to_a_few_commands() {
        let directory = directory("planted");
        let keep = directory.display().to_string();
        let (object, code) = json(&["mutants", "parser-loses-state", "--seeds", "100", "--keep", &keep]);
        assert_eq!(code, 0, "{object}");
        let profiles = object["mutants"][0]["profiles"].as_array().unwrap();
        let sizes = profiles.iter().filter_map(|profile| profile["requests"].as_u64());
        assert!(sizes.min().is_some_and(|requests| requests <= REQUESTS_MAX), "{object}");

        let path = directory.join("mutant-parser-loses-state.sim");
        let file: ScenarioFile = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        assert!(file.notes[0].contains("parser-loses-state"));
        assert_eq!(json(&["replay", &path.display().to_string()]).1, 0, "it fails without the bug");
    }

    #[test]
    fn a_planted_bug_that_survives_and_one_that_is_unknown_have_their_codes() {
        let (object, status) = json(&["mutants", "late-event", "--seeds", "0"]);
        assert_eq!((status, &object["survivors"][0]), (16, &"late-event".into()), "{object}");
        let (object, status) = json(&["mutants", "late-event", "lost-resume", "--seeds", "0", "--jobs", "2"]);
        assert_eq!((status, object["survivors"].as_array().unwrap().len()), (16, 2), "{object}");
        assert_eq!(code(&rotom_sim(&["mutants", "no-such-mutant"])), 1);
    }
}
