//! `rotom-sim run`: plays one seed.

use super::Verdict;
use super::choice::{Shape, parse_seed, write};
use super::report::{COMMAND, Report, counts_json, counts_text, failure_json, failure_text};
use crate::simulation::text::{Broken, ScenarioFile};
use crate::simulation::{Outcome, Watch, run};
use clap::Args;
use std::path::PathBuf;

/// What `run` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// The seed that everything follows from.
    #[arg(long, value_parser = parse_seed)]
    pub seed: u64,
    /// How it is drawn.
    #[command(flatten)]
    pub shape: Shape,
    /// Write the scenario into a file, which `replay`, `shrink` and `explain` take.
    #[arg(long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Plays one seed.
///
/// # Errors
/// There is no such setting, or the file cannot be written.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let seed = options.seed;
    let scenario = options.shape.scenario(seed)?;
    let outcome = run(&scenario, Watch::Nothing);
    if let Some(path) = &options.output {
        let broken = outcome.failure.as_ref().map(Broken::of);
        write(path, &ScenarioFile { notes: Vec::new(), broken, scenario }.to_string())?;
    }
    let arguments = format!("--seed {seed} {}", options.shape.arguments());
    let of = format!("seed {seed} (profile {})", options.shape.profile.name);
    report.put("seed", seed);
    report.put("profile", options.shape.profile.name);
    let verdict = tell(&outcome, &of, &format!("run {arguments}"), report);
    if outcome.failure.is_some() {
        report.say(&format!("story: {COMMAND} explain {arguments}"));
        report.say(&format!("small: {COMMAND} shrink {arguments}"));
    }
    Ok(verdict)
}

/// Tells what came of a run.
pub fn tell(outcome: &Outcome, of: &str, again: &str, report: &mut Report) -> Verdict {
    report.put("trace", format!("{:016x}", outcome.trace));
    report.put("counts", counts_json(&outcome.counts));
    report.put("failure", outcome.failure.as_ref().map(|failure| failure_json(failure, again)));
    match &outcome.failure {
        Some(failure) => {
            report.say(&failure_text(failure, of, again));
            Verdict::Broken(failure.oracle.class())
        }
        None => {
            report.say(&format!("{of}: {}, trace {:016x}", counts_text(&outcome.counts), outcome.trace));
            Verdict::Fine
        }
    }
}
