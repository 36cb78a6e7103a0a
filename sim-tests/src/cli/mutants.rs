//! `rotom-sim mutants`: plants each bug of the gallery, and sees how many seeds it takes to find it.
//!
//! The bugs are compiled in with the feature `mutants` only. A `rotom-sim` without it builds one that has it, in a
//! target directory of its own, and hands over to it. That one gives each bug a process, so that no bug can hold up
//! the others. A seed counts when it fails with the bug and passes without.

#[cfg(feature = "mutants")]
mod gallery;

use super::Verdict;
use super::choice::{parse_duration, parse_seed};
use super::report::Report;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// What `mutants` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Which bugs; all of them if none is named.
    pub names: Vec<String>,
    /// The most seeds to play for one bug, in each profile.
    #[arg(long, default_value_t = 1_000)]
    pub seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub from: u64,
    /// How many bugs are looked for at the same time; as many as there are processors if it is not said.
    #[arg(long)]
    pub jobs: Option<usize>,
    /// Give a bug up after this time, as if it had survived.
    #[arg(long, default_value = "20m", value_parser = parse_duration)]
    pub patience: Duration,
    /// See how small the scenario becomes that finds it.
    #[arg(long)]
    pub shrink: bool,
    /// Write the smallest scenario that finds it into this directory, as `mutant-NAME.sim`.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Print the table as Markdown.
    #[arg(long)]
    pub markdown: bool,
}

/// Plants each bug and looks for it.
///
/// # Errors
/// There is no such bug; the other `rotom-sim` cannot be built or run.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    #[cfg(feature = "mutants")]
    return gallery::main(options, report);
    #[cfg(not(feature = "mutants"))]
    hand_over(options, report)
}

/// Builds a `rotom-sim` that has the bugs, and lets it do what this one was told, word by word.
#[cfg(not(feature = "mutants"))]
fn hand_over(_: &Options, report: &mut Report) -> Result<Verdict, String> {
    use std::process::{Command, Stdio};

    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = format!("{root}/target/mutants");
    let built = Command::new(cargo)
        .current_dir(root)
        .args(["build", "--quiet", "--profile", "checked", "-p", "rotom-sim-tests", "--bin", "rotom-sim"])
        .args(["--features", "mutants", "--target-dir", &target])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err("the feature mutants cannot be built".to_owned());
    }
    let status = Command::new(format!("{target}/checked/rotom-sim"))
        .args(std::env::args_os().skip(1))
        .status()
        .map_err(|error| format!("{target}/checked/rotom-sim: {error}"))?;
    // It has said everything there is to say.
    *report = Report::silent();
    let verdicts = [Verdict::Fine, Verdict::MutantSurvived];
    let verdict = verdicts.into_iter().find(|verdict| status.code() == Some(verdict.exit_code().into()));
    verdict.ok_or_else(|| format!("the rotom-sim with the bugs ended with {status}"))
}
