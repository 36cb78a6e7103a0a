//! `rotom-sim marks`: plays seeds and sees which rare situations they reach.

use super::Verdict;
use super::choice::{Shape, parse_seed};
use super::report::{COMMAND, Report, table, thousands};
use crate::simulation::{Watch, run};
use clap::Args;
use rotom_core::mark::{COUNT, Mark, Profile};
use serde_json::{Value, json};

/// What `marks` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// How many seeds to play.
    #[arg(long, default_value_t = 1_000)]
    pub seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1, value_parser = parse_seed)]
    pub from: u64,
    /// How they are drawn.
    #[command(flatten)]
    pub shape: Shape,
    /// Print the table as Markdown.
    #[arg(long)]
    pub markdown: bool,
}

/// How a mark was reached.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    times: u64,
    seeds: u64,
    /// Seeds that were played until the first time.
    first: Option<u64>,
}

/// Plays seeds and counts marks.
///
/// # Errors
/// There is no such setting.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let mut reached = [Reached::default(); COUNT];
    let mut failed = 0_u64;
    for index in 0..options.seeds {
        let outcome = run(&options.shape.scenario(options.from.wrapping_add(index))?, Watch::Nothing);
        failed += u64::from(outcome.failure.is_some());
        for (reached, &times) in reached.iter_mut().zip(&outcome.marks).filter(|(_, times)| **times > 0) {
            reached.times += times;
            reached.seeds += 1;
            reached.first.get_or_insert(index + 1);
        }
    }
    let profile = options.shape.profile.name;
    let must = |mark: &Mark| mark.profiles().iter().any(|needed| name(*needed) == profile);
    let missing: Vec<&str> = Mark::ALL
        .into_iter()
        .filter(|mark| must(mark) && reached[*mark as usize].times == 0)
        .map(Mark::name)
        .collect();
    let rows: Vec<Vec<String>> =
        Mark::ALL.into_iter().map(|mark| row(mark, reached[mark as usize], must(&mark))).collect();
    let heads = ["mark", "times", "seeds", "first after", "needed", "situation"].map(str::to_owned).to_vec();
    report.say(&table(&[vec![heads], rows].concat(), options.markdown));
    tell(options, &reached, &missing, failed, report);
    Ok(if missing.is_empty() { Verdict::Fine } else { Verdict::MarksMissing })
}

fn row(mark: Mark, reached: Reached, is_needed: bool) -> Vec<String> {
    let first = reached.first.map_or_else(|| "never".to_owned(), thousands);
    let needed = if is_needed { "yes" } else { "no" };
    let story = mark.story().to_owned();
    vec![
        mark.name().to_owned(),
        thousands(reached.times),
        thousands(reached.seeds),
        first,
        needed.to_owned(),
        story,
    ]
}

fn tell(options: &Options, reached: &[Reached; COUNT], missing: &[&str], failed: u64, report: &mut Report) {
    let profile = options.shape.profile.name;
    let seeds = thousands(options.seeds);
    let marks: Vec<Value> = Mark::ALL
        .into_iter()
        .map(|mark| {
            let Reached { times, seeds, first } = reached[mark as usize];
            json!({ "name": mark.name(), "times": times, "seeds": seeds, "first_after": first })
        })
        .collect();
    report.put("profile", profile);
    report.put("seeds", options.seeds);
    report.put("seeds_failed", failed);
    report.put("marks", marks);
    report.put("missing", json!(missing));
    if failed > 0 {
        report.say(&format!("{failed} of {seeds} seeds failed, and reached less than they would have"));
    }
    if missing.is_empty() {
        report.say(&format!("every mark that {profile} must reach is reached within {seeds} seeds"));
    } else {
        report
            .say(&format!("FAILED: {} never reached within {seeds} seeds of {profile}", missing.join(", ")));
        let (from, shape) = (options.from, options.shape.arguments());
        report.say(&format!("again: {COMMAND} marks --from {from} --seeds {} {shape}", options.seeds));
    }
}

/// What a profile is called here.
fn name(profile: Profile) -> &'static str {
    match profile {
        Profile::Calm => "calm",
        Profile::Network => "network",
        Profile::Disk => "disk",
        Profile::Clock => "clock",
        Profile::Everything => "everything",
    }
}
