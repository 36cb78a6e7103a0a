//! `rotom-sim mutants`: plants each bug of the gallery, and sees how many seeds it takes to find it.
//!
//! The bugs are compiled in with the feature `mutants` only. A `rotom-sim` without it builds one that has it, in a
//! target directory of its own, and hands over to it. That one gives each bug a process, so that no bug can hold up
//! the others. A seed counts when it fails with the bug and passes without.

use super::Verdict;
use super::choice::{parse_duration, parse_seed};
use super::report::Report;
use clap::Args;
use std::process::{Command, Stdio};
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

/// Builds a `rotom-sim` that has the bugs, and lets it do what this one was told.
#[cfg_attr(feature = "mutants", expect(dead_code, reason = "this one has the bugs"))]
fn hand_over(_: &Options, report: &mut Report) -> Result<Verdict, String> {
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

#[cfg(feature = "mutants")]
mod gallery {
    //! The gallery, where it is compiled in.

    use super::Options;
    use crate::cli::Verdict;
    use crate::cli::choice::parse_profile;
    use crate::cli::report::{COMMAND, Report, table};
    use crate::shrink::{requests, shrink};
    use crate::simulation::{Failure, Profile, Scenario, Watch, draw, run};
    use rotom_core::mutant::{Mutant, choose};
    use serde_json::{Value, json};
    use std::io::Read;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    /// The most scenarios that are played for shrinking.
    const SHRINK_RUNS_MAX: u32 = 2_000;

    /// How often it is looked whether a process is done.
    const POLL: Duration = Duration::from_millis(20);

    pub(super) fn main(options: &Options, report: &mut Report) -> Result<Verdict, String> {
        let mutants = options
            .names
            .iter()
            .map(|name| Mutant::by_name(name).ok_or_else(|| unknown(name)))
            .collect::<Result<Vec<_>, _>>()?;
        let results = match mutants[..] {
            [mutant] => vec![hunt(mutant, options)?],
            [] => in_processes(&Mutant::ALL, options)?,
            _ => in_processes(&mutants, options)?,
        };
        Ok(tell(results, options, report))
    }

    fn unknown(name: &str) -> String {
        let names = Mutant::ALL.map(Mutant::name).join(", ");
        format!("there is no mutant {name}; there are {names}")
    }

    /// The profile that a bug's story belongs to.
    fn home(mutant: Mutant) -> &'static str {
        match mutant {
            Mutant::ParserLosesState
            | Mutant::ParserCutsLineEnd
            | Mutant::PartialWriteDropsRest
            | Mutant::LateEvent
            | Mutant::LostResume
            | Mutant::HeldArgumentForgotten
            | Mutant::OutputLimitNeverEnforced => "network",
            Mutant::WallClockForPause => "clock",
            Mutant::RewriteIgnoresSyncError => "disk",
            _ => "calm",
        }
    }

    /// Looks for one bug, in this process.
    fn hunt(mutant: Mutant, options: &Options) -> Result<Value, String> {
        let profiles = [parse_profile("everything")?, parse_profile(home(mutant))?];
        let mut caught = Vec::new();
        for profile in profiles {
            caught.push(hunt_in(mutant, profile, options));
        }
        Ok(json!({
            "name": mutant.name(),
            "story": mutant.story(),
            "is_caught": caught.iter().any(|caught| !caught["seeds"].is_null()),
            "profiles": caught,
        }))
    }

    /// Looks for one bug in a profile, until the first seed that finds it.
    fn hunt_in(mutant: Mutant, profile: &'static Profile, options: &Options) -> Value {
        for index in 0..options.seeds {
            let seed = options.from.wrapping_add(index);
            let scenario = draw(profile, seed);
            let Some(failure) = play(Some(mutant), &scenario) else { continue };
            if let Some(other) = play(None, &scenario) {
                eprintln!("seed {seed} of {} fails without a bug: {}", profile.name, other.site);
                continue;
            }
            let shrunk = options.shrink.then(|| {
                let shrunk =
                    shrink(&scenario, &failure, |tried| play(Some(mutant), tried), SHRINK_RUNS_MAX, |_| {});
                requests(&shrunk.scenario)
            });
            return json!({
                "profile": profile.name,
                "seeds": index + 1,
                "seed": seed,
                "oracle": failure.oracle.name(),
                "site": failure.site,
                "text": failure.text,
                "requests": shrunk,
            });
        }
        json!({ "profile": profile.name, "seeds": null })
    }

    /// Plays a scenario on a server with this bug. What a bug remembers does not outlive a run.
    fn play(mutant: Option<Mutant>, scenario: &Scenario) -> Option<Failure> {
        choose(mutant);
        let failure = run(scenario, Watch::Nothing).failure;
        choose(None);
        failure
    }

    /// A process that looks for a bug.
    struct Hunter {
        mutant: Mutant,
        child: Child,
        start: Instant,
    }

    /// Looks for several bugs, each in a process of its own.
    fn in_processes(mutants: &[Mutant], options: &Options) -> Result<Vec<Value>, String> {
        let jobs = options.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, Into::into));
        let mut waiting = mutants.iter().copied();
        let mut hunting: Vec<Hunter> = Vec::new();
        let mut results: Vec<(Mutant, Value)> = Vec::new();
        loop {
            while hunting.len() < jobs.max(1)
                && let Some(mutant) = waiting.next()
            {
                hunting.push(start(mutant, options)?);
            }
            if hunting.is_empty() {
                break;
            }
            for index in (0..hunting.len()).rev() {
                if let Some(result) = finished(&mut hunting[index], options)? {
                    let name = hunting[index].mutant.name();
                    eprintln!("{name}: {}", if result["is_caught"] == true { "caught" } else { "survived" });
                    results.push((hunting.swap_remove(index).mutant, result));
                }
            }
            std::thread::sleep(POLL);
        }
        results.sort_by_key(|(mutant, _)| mutants.iter().position(|other| other == mutant));
        Ok(results.into_iter().map(|(_, result)| result).collect())
    }

    fn start(mutant: Mutant, options: &Options) -> Result<Hunter, String> {
        let failed = |error: std::io::Error| format!("{} cannot be looked for: {error}", mutant.name());
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.args(["--json", "mutants", mutant.name()]);
        command.args(["--seeds".to_owned(), options.seeds.to_string()]);
        command.args(["--from".to_owned(), options.from.to_string()]);
        if options.shrink {
            command.arg("--shrink");
        }
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        Ok(Hunter { mutant, child, start: Instant::now() })
    }

    /// What a process has found out, once it is done. What it prints is short, so it never waits for a reader.
    fn finished(hunter: &mut Hunter, options: &Options) -> Result<Option<Value>, String> {
        let name = hunter.mutant.name();
        let failed = |error: std::io::Error| format!("{name}: {error}");
        let result = |is_caught: bool, profiles: Value| {
            json!({ "name": name, "story": hunter.mutant.story(), "is_caught": is_caught, "profiles": profiles })
        };
        let Some(status) = hunter.child.try_wait().map_err(failed)? else {
            if hunter.start.elapsed() < options.patience {
                return Ok(None);
            }
            hunter.child.kill().map_err(failed)?;
            hunter.child.wait().map_err(failed)?;
            return Ok(Some(result(false, json!([]))));
        };
        let mut text = String::new();
        if let Some(output) = &mut hunter.child.stdout {
            output.read_to_string(&mut text).map_err(failed)?;
        }
        match serde_json::from_str::<Value>(&text) {
            Ok(object) => Ok(Some(object["mutants"][0].clone())),
            // Whoever brings the process down has been noticed.
            Err(_) if status.code().is_none() => {
                let died = json!([{ "profile": "everything", "oracle": "process", "site": status.to_string() }]);
                Ok(Some(result(true, died)))
            }
            Err(error) => Err(format!("{name}: {status}, {error}")),
        }
    }

    fn tell(results: Vec<Value>, options: &Options, report: &mut Report) -> Verdict {
        let heads = ["mutant", "everything", "home", "oracle", "site", "shrunk to"].map(str::to_owned).to_vec();
        let rows: Vec<Vec<String>> = results.iter().map(row).collect();
        report.say(&table(&[vec![heads], rows].concat(), options.markdown));
        let survivors: Vec<String> = results
            .iter()
            .filter(|result| result["is_caught"] != true)
            .map(|result| word(&result["name"]))
            .collect();
        let caught = results.len() - survivors.len();
        report.say(&format!("\n{caught} of {} mutants are caught within {} seeds", results.len(), options.seeds));
        for result in results.iter().filter(|result| result["is_caught"] != true) {
            let (name, story) = (word(&result["name"]), word(&result["story"]));
            report.say(&format!("SURVIVED: {name}: {story}"));
            report.say(&format!("again: {COMMAND} mutants {name} --seeds {} --from {}", options.seeds, options.from));
        }
        report.put("mutants", results);
        report.put("survivors", json!(survivors));
        if survivors.is_empty() { Verdict::Fine } else { Verdict::MutantSurvived }
    }

    /// Seeds until it was found, in both profiles; who found it, where.
    fn row(result: &Value) -> Vec<String> {
        let profiles = [&result["profiles"][0], &result["profiles"][1]];
        let seeds = |caught: &Value| match caught["seeds"].as_u64() {
            Some(seeds) => seeds.to_string(),
            None => "–".to_owned(),
        };
        let home = match profiles[1]["profile"].as_str() {
            Some(profile) => format!("{} ({profile})", seeds(profiles[1])),
            None => "–".to_owned(),
        };
        let first = profiles.into_iter().find(|caught| caught["site"].is_string()).unwrap_or(profiles[0]);
        vec![
            word(&result["name"]),
            seeds(profiles[0]),
            home,
            word(&first["oracle"]),
            word(&first["site"]),
            word(&first["requests"]),
        ]
    }

    fn word(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Null => "–".to_owned(),
            other => other.to_string(),
        }
    }
}
