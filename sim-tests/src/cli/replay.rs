//! `rotom-sim replay`: plays scenarios from files.

use super::Verdict;
use super::choice::{read, shell_word};
use super::report::{Report, counts_text, failure_json, failure_text};
use crate::simulation::text::Broken;
use crate::simulation::{Watch, run};
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// What `replay` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// Files, or directories of files that end in `.sim`.
    #[arg(required = true)]
    pub paths: Vec<PathBuf>,
}

/// Plays scenarios from files; the verdict is the first failure's.
///
/// # Errors
/// A file is no scenario.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let mut verdict = Verdict::Fine;
    let mut results: Vec<Value> = Vec::new();
    for path in options.paths.iter().map(|path| files(path)).collect::<Result<Vec<_>, _>>()?.concat() {
        let file = read(&path)?;
        let name = path.display().to_string();
        let again = format!("replay {}", shell_word(&name));
        let outcome = run(&file.scenario, Watch::Nothing);
        let failure = outcome.failure.as_ref();
        match failure {
            None => report.say(&format!("{name}: passes; {}", counts_text(&outcome.counts))),
            Some(failure) => {
                let is_known = file.broken == Some(Broken::of(failure));
                let known = if is_known { "fails as it did" } else { "fails, not as the file says" };
                let of = format!("{name} (seed {}), {known}", file.scenario.seed);
                report.say(&failure_text(failure, &of, &again));
                if verdict == Verdict::Fine {
                    verdict = Verdict::Broken(failure.oracle.class());
                }
            }
        }
        results.push(json!({
            "file": name,
            "seed": file.scenario.seed,
            "trace": format!("{:016x}", outcome.trace),
            "failure": failure.map(|failure| failure_json(failure, &again)),
        }));
    }
    report.put("files", results);
    Ok(verdict)
}

/// A file, or the scenarios in a directory, in the order of their names.
///
/// # Errors
/// The directory cannot be read.
pub fn files(path: &Path) -> Result<Vec<PathBuf>, String> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        if file.extension().is_some_and(|extension| extension == "sim") {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}
