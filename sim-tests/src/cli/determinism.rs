//! `rotom-sim determinism`: plays seeds in two processes and again in this one, and compares everything that happened.
//!
//! One of the processes goes through the seeds backwards. So a run that depends on what the process did before shows
//! as one that depends on addresses, on the environment or on the time of the day does. Another build of this program
//! can be made to play them, too, for runs that depend on where the compiler has put what.

use super::Verdict;
use super::choice::{Shape, parse_seed};
use super::report::{COMMAND, Report, thousands};
use crate::simulation::{Watch, run};
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// What `determinism` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many seeds to play.
    #[arg(long, default_value_t = 100)]
    pub seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub from: u64,
    /// Let another build of this program play them as well, as one with other optimisations.
    #[arg(long, value_name = "PROGRAM")]
    pub with: Option<PathBuf>,
    /// How they are drawn.
    #[command(flatten)]
    pub shape: Shape,
}

/// What the other processes are told.
#[derive(Args, Clone, Debug)]
pub struct TracesOptions {
    /// Which seeds.
    #[command(flatten)]
    pub seeds: Options,
    /// Begin with the last one.
    #[arg(long)]
    pub backwards: bool,
}

/// What happened in a seed, in short.
type Traces = BTreeMap<u64, String>;

/// Plays each seed three times, and once more for another build.
///
/// # Errors
/// The other processes cannot be started, or fail.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let this = std::env::current_exe().map_err(|error| format!("this program: {error}"))?;
    // All at once: whoever shares the machine must not matter either.
    let mut others = vec![
        ("another process", start(&this, options, false)?),
        ("another process, backwards", start(&this, options, true)?),
    ];
    if let Some(build) = &options.with {
        others.push(("another build", start(build, options, false)?));
    }
    let mine = play(options, false)?;
    let mut all = vec![("this process", mine)];
    for (name, child) in others {
        all.push((name, read(child)?));
    }
    let differing: Vec<u64> = all[0]
        .1
        .keys()
        .copied()
        .filter(|seed| all.iter().any(|(_, traces)| traces.get(seed) != all[0].1.get(seed)))
        .collect();
    report.put("seeds", options.seeds);
    report.put("differing", json!(differing));
    let Some(first) = differing.first() else {
        report.say(&format!(
            "{} seeds happened alike in {} processes{}",
            thousands(options.seeds),
            all.len(),
            if options.with.is_some() { ", one of them of another build" } else { "" }
        ));
        return Ok(Verdict::Fine);
    };
    report.say(&format!("FAILED: {} of {} seeds differ; seed {first} was", differing.len(), options.seeds));
    for (name, traces) in &all {
        report.say(&format!("  {} in {name}", traces.get(first).map_or("nothing", String::as_str)));
    }
    let again = format!("determinism --from {first} --seeds 1 {}", options.shape.arguments());
    report.say(&format!("again: {COMMAND} {again}"));
    report.put("again", format!("{COMMAND} {again}"));
    Ok(Verdict::Nondeterministic)
}

/// Prints what happened in each seed.
///
/// # Errors
/// There is no such setting.
pub fn traces(options: &TracesOptions, report: &mut Report) -> Result<Verdict, String> {
    let traces = play(&options.seeds, options.backwards)?;
    for (seed, trace) in &traces {
        report.say(&format!("{seed} {trace}"));
    }
    report.put("traces", json!(traces));
    Ok(Verdict::Fine)
}

fn play(options: &Options, is_backwards: bool) -> Result<Traces, String> {
    let mut seeds: Vec<u64> = (0..options.seeds).map(|index| options.from.wrapping_add(index)).collect();
    if is_backwards {
        seeds.reverse();
    }
    let mut traces = Traces::new();
    for seed in seeds {
        let outcome = run(&options.shape.scenario(seed)?, Watch::Nothing);
        let counts = &outcome.counts;
        let end = outcome.failure.as_ref().map_or_else(
            || "passes".to_owned(),
            |failure| {
                format!(
                    "{} {} at {} us: {}",
                    failure.oracle.name(),
                    failure.site,
                    failure.at_us,
                    failure.text
                )
            },
        );
        let trace = format!(
            "trace {:016x}, {} commands, {} turns, {} us, {end}",
            outcome.trace, counts.commands, counts.turns, counts.virtual_us
        );
        traces.insert(seed, trace.replace('\n', " "));
    }
    Ok(traces)
}

fn start(program: &Path, options: &Options, is_backwards: bool) -> Result<Child, String> {
    let failed = |error: std::io::Error| format!("{} cannot be started: {error}", program.display());
    let mut command = Command::new(program);
    command.arg("traces").arg("--from").arg(options.from.to_string());
    command.arg("--seeds").arg(options.seeds.to_string()).args(options.shape.words());
    if is_backwards {
        command.arg("--backwards");
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)
}

fn read(child: Child) -> Result<Traces, String> {
    let output = child.wait_with_output().map_err(|error| format!("another process: {error}"))?;
    if !output.status.success() {
        return Err(format!("another process ended with {}", output.status));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let lines = text.lines().filter_map(|line| line.split_once(' '));
    Ok(lines.filter_map(|(seed, trace)| Some((seed.parse().ok()?, trace.to_owned()))).collect())
}
