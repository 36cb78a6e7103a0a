//! The gallery, where it is compiled in.

use super::Options;
use crate::cli::Verdict;
use crate::cli::choice::{parse_profile, write};
use crate::cli::report::{COMMAND, Report, table};
use crate::cli::shrink::file_of;
use crate::shrink::{Shrunk, requests, shrink};
use crate::simulation::{Failure, Profile, Scenario, Watch, draw, run};
use rotom_core::mutant::{Mutant, choose};
use serde_json::{Value, json};
use std::io::Read;
use std::path::Path;
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
        Mutant::ShortWriteNotRolledBack
        | Mutant::IncrNotDurableBeforeManifest
        | Mutant::DirectoryNotSynced
        | Mutant::TruncationNotSynced
        | Mutant::TruncationOffByOne
        | Mutant::RenamedBeforeSync
        | Mutant::OldIncrUnsyncedAtSwitch
        | Mutant::HistoryRemovedTooEarly
        | Mutant::SyncErrorForgotten
        | Mutant::DurableWhenAskedFor
        | Mutant::FailedAppendForgotten
        | Mutant::ReplyBeforeDurable
        | Mutant::ReadLeaksUnsynced
        | Mutant::TransactionNotFramed
        | Mutant::WriteAfterDiskError
        | Mutant::SwitchedBeforeSealed
        | Mutant::SnapshotSeesLaterWrite
        | Mutant::SnapshotMissesSplit
        | Mutant::BatchChecksumIgnored
        | Mutant::BaseSumIgnored
        | Mutant::RdbCrcIgnored
        | Mutant::TailTransactionReplayed
        | Mutant::ExpiredKeyLoaded
        | Mutant::TemporaryNeverRemoved => "crash",
        _ => "calm",
    }
}

/// A seed that finds a bug.
struct Caught {
    /// How many seeds were played.
    seeds: u64,
    scenario: Scenario,
    failure: Failure,
    shrunk: Option<Shrunk>,
}

/// Looks for one bug, in this process.
fn hunt(mutant: Mutant, options: &Options) -> Result<Value, String> {
    let mut caught = Vec::new();
    for profile in [parse_profile("everything")?, parse_profile(home(mutant))?] {
        caught.push((profile.name, hunt_in(mutant, profile, options)));
    }
    if let Some(directory) = &options.keep {
        let smallest = caught.iter().filter_map(|(_, caught)| caught.as_ref());
        if let Some(caught) = smallest.min_by_key(|caught| caught.shrunk_to()) {
            keep(mutant, caught, directory)?;
        }
    }
    Ok(json!({
        "name": mutant.name(),
        "story": mutant.story(),
        "is_caught": caught.iter().any(|(_, caught)| caught.is_some()),
        "profiles": caught.iter().map(|(profile, caught)| caught_json(profile, caught.as_ref())).collect::<Vec<_>>(),
    }))
}

impl Caught {
    fn shrunk_to(&self) -> Option<usize> {
        self.shrunk.as_ref().map(|shrunk| requests(&shrunk.scenario))
    }
}

fn caught_json(profile: &str, caught: Option<&Caught>) -> Value {
    match caught {
        None => json!({ "profile": profile, "seeds": null }),
        Some(caught) => json!({
            "profile": profile,
            "seeds": caught.seeds,
            "seed": caught.scenario.seed,
            "oracle": caught.failure.oracle.name(),
            "site": caught.failure.site,
            "text": caught.failure.text,
            "requests": caught.shrunk_to(),
        }),
    }
}

/// Looks for one bug in a profile, until the first seed that finds it.
fn hunt_in(mutant: Mutant, profile: &Profile, options: &Options) -> Option<Caught> {
    for index in 0..options.seeds {
        let seed = options.from.wrapping_add(index);
        let scenario = draw(profile, seed);
        let Some(failure) = play(Some(mutant), &scenario) else { continue };
        if let Some(other) = play(None, &scenario) {
            eprintln!("seed {seed} of {} fails without a bug: {}", profile.name, other.site);
            continue;
        }
        let shrinks = options.shrink || options.keep.is_some();
        let shrunk = shrinks
            .then(|| shrink(&scenario, &failure, |tried| finds(mutant, tried), SHRINK_RUNS_MAX, |_| {}));
        return Some(Caught { seeds: index + 1, scenario, failure, shrunk });
    }
    None
}

/// How a scenario finds a bug: it fails with it, and passes without.
fn finds(mutant: Mutant, scenario: &Scenario) -> Option<Failure> {
    let failure = play(Some(mutant), scenario)?;
    play(None, scenario).is_none().then_some(failure)
}

/// Plays a scenario on a server with this bug. What a bug remembers does not outlive a run.
fn play(mutant: Option<Mutant>, scenario: &Scenario) -> Option<Failure> {
    choose(mutant);
    let failure = run(scenario, Watch::Nothing).failure;
    choose(None);
    failure
}

/// Writes down what finds a bug.
fn keep(mutant: Mutant, caught: &Caught, directory: &Path) -> Result<(), String> {
    let Some(shrunk) = &caught.shrunk else { return Ok(()) };
    let mut file = file_of(&caught.scenario, shrunk);
    file.notes.insert(0, format!("Finds the planted bug {}: {}", mutant.name(), mutant.story()));
    write(&directory.join(format!("mutant-{}.sim", mutant.name())), &file.to_string())
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
    if let Some(directory) = &options.keep {
        command.arg("--keep").arg(directory);
    }
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
    Ok(Hunter { mutant, child, start: Instant::now() })
}

/// What a process has found out, once it is done. What it prints is short, so it never waits for a reader.
fn finished(hunter: &mut Hunter, options: &Options) -> Result<Option<Value>, String> {
    let name = hunter.mutant.name();
    let failed = |error: std::io::Error| format!("{name}: {error}");
    let result = |is_caught: bool, profiles: Value| json!({ "name": name, "story": hunter.mutant.story(), "is_caught": is_caught, "profiles": profiles });
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
        report.say(&format!(
            "again: {COMMAND} mutants {name} --seeds {} --from {}",
            options.seeds, options.from
        ));
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
