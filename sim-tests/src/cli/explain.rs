//! `rotom-sim explain`: tells what happened in a run, moment by moment.

use super::Verdict;
use super::choice::Source;
use super::report::{Report, elide, seconds};
use super::run::tell;
use crate::simulation::{Moment, Scenario, Watch, run};
use clap::Args;
use serde_json::{Value, json};

/// Characters of a moment that are shown.
const MOMENT_CHARS_MAX: usize = 240;

/// What `explain` is told.
#[derive(Args, Clone, Debug)]
pub struct Options {
    /// What is explained.
    #[command(flatten)]
    pub source: Source,
    /// Show only what concerns this client, or none.
    #[arg(long)]
    pub client: Option<u32>,
    /// Show only the last so many moments.
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Show long values in full length.
    #[arg(long)]
    pub full: bool,
}

/// Tells what happened in a run.
///
/// # Errors
/// The file is no scenario; there is no such setting.
pub fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
    let (scenario, arguments) = options.source.scenario()?;
    let outcome = run(&scenario, Watch::Timeline);
    let concerns = |moment: &&Moment| {
        options.client.is_none() || moment.client.is_none() || moment.client == options.client
    };
    let moments: Vec<&Moment> = outcome.timeline.iter().filter(concerns).collect();
    let skipped = moments.len().saturating_sub(options.last.unwrap_or(usize::MAX));
    report.say(&setup(&scenario));
    for moment in &moments[skipped..] {
        report.say(&line(moment, options.full));
    }
    let timeline: Vec<Value> = moments[skipped..]
        .iter()
        .map(|moment| json!({ "at_us": moment.at_us, "client": moment.client, "what": moment.what }))
        .collect();
    report.put("timeline", timeline);
    report.say("");
    let of = format!("seed {} (profile {})", scenario.seed, scenario.profile);
    Ok(tell(&outcome, &of, &format!("explain {arguments}"), report))
}

/// What a run starts with.
fn setup(scenario: &Scenario) -> String {
    let mut lines = vec![format!("seed {}, profile {}", scenario.seed, scenario.profile)];
    lines.extend(scenario.settings.items().iter().map(|(name, value)| format!("  {name} {value}")));
    let faults = scenario.faults.iter();
    lines.extend(faults.map(|(kind, rate)| format!("  {}: {rate} of a million times", kind.name())));
    lines.join("\n")
}

fn line(moment: &Moment, is_full: bool) -> String {
    let client = moment.client.map_or_else(|| "server".to_owned(), |client| format!("client {client}"));
    let what = if is_full { moment.what.clone() } else { elide(&moment.what, MOMENT_CHARS_MAX) };
    let below = format!("\n{:32}", "");
    format!("{:>18}  {client:<10}  {}", seconds(moment.at_us), what.trim_end().replace('\n', &below))
}
