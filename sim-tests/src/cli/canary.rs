//! `rotom-sim canary`: a failure that is planted must be found, or nothing that is found can be trusted.
//!
//! The world falsifies a reply on its way to the judge, in an otherwise calm run. The canary takes the way of every
//! failure: it is judged, shrunk, written, read and played again. It ends with the exit code of a wrong reply; any
//! other one means that failing does not work.

use super::Verdict;
use super::choice::{Shape, parse_profile, parse_seed};
use super::report::{COMMAND, Report, failure_json, failure_text};
use super::shrink::{file_of, shrink_loudly};
use crate::shrink::requests;
use crate::simulation::text::{Broken, ScenarioFile};
use crate::simulation::{Watch, run};
use clap::Args;

/// What `canary` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The seed that everything else follows from.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub seed: u64,
    /// The most scenarios that are played for shrinking it.
    #[arg(long, default_value_t = 2_000)]
    pub runs: u32,
}

/// Plants a failure and sees whether it is found.
///
/// # Errors
/// The failure is found, but cannot be written and played again.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let shape = Shape {
        profile: parse_profile("calm")?,
        settings: vec![("is-canary".to_owned(), "true".to_owned())],
        faults: Vec::new(),
        steps: None,
    };
    let scenario = shape.scenario(options.seed)?;
    let again = format!("run --seed {} {}", options.seed, shape.arguments());
    report.put("seed", options.seed);
    let Some(failure) = run(&scenario, Watch::Nothing).failure else {
        report.say(&format!("FAILED: a falsified reply was not noticed\nagain: {COMMAND} {again}"));
        report.put("failure", serde_json::Value::Null);
        return Ok(Verdict::MutantSurvived);
    };
    let shrunk = shrink_loudly(&scenario, &failure, options.runs);
    let text = file_of(&scenario, &shrunk).to_string();
    let read: ScenarioFile =
        text.parse().map_err(|error| format!("the file cannot be read back: {error}\n{text}"))?;
    let replayed = run(&read.scenario, Watch::Nothing).failure;
    if replayed.as_ref().map(Broken::of) != Some(Broken::of(&failure)) {
        return Err(format!("the file does not fail as the seed does:\n{text}"));
    }
    report.say(&failure_text(&failure, &format!("seed {} (a canary, as it must)", options.seed), &again));
    report.say(&format!("\n{}", text.trim_end()));
    report.put("failure", failure_json(&failure, &again));
    report.put("requests", requests(&shrunk.scenario));
    report.put("scenario", text);
    Ok(Verdict::Broken(failure.oracle.class()))
}
