//! `rotom-sim shrink`: makes a failing scenario as small as possible.

use super::Verdict;
use super::choice::{Source, shell_word, write};
use super::report::{Report, elide, failure_json, thousands};
use crate::shrink::{Progress, Shrunk, requests, shrink};
use crate::simulation::text::{Broken, ScenarioFile};
use crate::simulation::{Failure, Scenario, Watch, run};
use clap::Args;
use std::path::PathBuf;

/// What `shrink` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What is shrunk.
    #[command(flatten)]
    pub source: Source,
    /// Where the result goes; standard output if it is not said.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// The most scenarios that are played on the way.
    #[arg(long, default_value_t = 5_000)]
    pub runs: u32,
}

/// Characters of a failure's text in the notes of a file.
const NOTE_CHARS_MAX: usize = 1_000;

/// Shrinks a scenario.
///
/// # Errors
/// It does not fail; files that cannot be read or written.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let (scenario, arguments) = options.source.scenario()?;
    let Some(failure) = run(&scenario, Watch::Nothing).failure else {
        return Err(format!("{arguments} does not fail, so there is nothing to shrink"));
    };
    let shrunk = shrink_loudly(&scenario, &failure, options.runs);
    let file = file_of(&scenario, &shrunk);
    match &options.output {
        Some(path) => {
            write(path, &file.to_string())?;
            report.say(&summary(&scenario, &shrunk));
        }
        None => report.say(file.to_string().trim_end()),
    }
    let again = match &options.output {
        Some(path) => format!("replay {}", shell_word(&path.display().to_string())),
        None => format!("explain {arguments}"),
    };
    report.put("failure", failure_json(&shrunk.failure, &again));
    report.put("requests_before", requests(&scenario));
    report.put("requests", requests(&shrunk.scenario));
    report.put("steps", shrunk.scenario.steps.len());
    report.put("runs", shrunk.runs);
    report.put("is_cut_short", shrunk.is_cut_short);
    report.put("scenario", file.to_string());
    Ok(Verdict::Fine)
}

/// Shrinks, and says on standard error how far it is.
#[must_use]
pub fn shrink_loudly(scenario: &Scenario, failure: &Failure, runs_max: u32) -> Shrunk {
    let mut told = (usize::MAX, usize::MAX);
    let tell = |progress: Progress| {
        let size = (progress.steps, progress.requests);
        if size != told {
            told = size;
            let Progress { pass, runs, steps, requests } = progress;
            eprintln!("{runs} runs: {steps} steps, {requests} requests ({pass})");
        }
    };
    shrink(scenario, failure, |candidate| run(candidate, Watch::Nothing).failure, runs_max, tell)
}

/// What is written of a scenario that was shrunk.
#[must_use]
pub fn file_of(found: &Scenario, shrunk: &Shrunk) -> ScenarioFile {
    let mut notes = vec![
        format!("Found by seed {} of the profile {}.", found.seed, found.profile),
        summary(found, shrunk),
    ];
    notes.extend(elide(&shrunk.failure.text, NOTE_CHARS_MAX).lines().map(|line| line.trim_end().to_owned()));
    ScenarioFile { notes, broken: Some(Broken::of(&shrunk.failure)), scenario: shrunk.scenario.clone() }
}

fn summary(found: &Scenario, shrunk: &Shrunk) -> String {
    format!(
        "Shrunk from {} requests to {} in {} runs{}.",
        thousands(requests(found) as u64),
        thousands(requests(&shrunk.scenario) as u64),
        thousands(shrunk.runs.into()),
        if shrunk.is_cut_short { ", which were not enough to be sure that it cannot be smaller" } else { "" },
    )
}
