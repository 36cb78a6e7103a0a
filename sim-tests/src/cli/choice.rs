//! What several subcommands are told: which scenario, and what is to be different in it.

use crate::simulation::text::ScenarioFile;
use crate::simulation::{Profile, Scenario, draw};
use clap::Args;
use rotom_io_sim::FaultKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How the scenario of a seed is drawn, and what is changed in it then.
#[derive(Args, Clone, Debug)]
pub struct Shape {
    /// What is drawn from: calm, network, disk, clock or everything.
    #[arg(long, default_value = "everything", value_parser = parse_profile)]
    pub profile: &'static Profile,
    /// Change a setting, as in `latency-us=100` or `config.hz=100`.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = parse_setting)]
    pub settings: Vec<(String, String)>,
    /// Change how often a fault happens, per million chances, as in `reset=5000`; 0 is never.
    #[arg(long = "fault", value_name = "KIND=RATE", value_parser = parse_fault)]
    pub faults: Vec<(FaultKind, u32)>,
    /// Play only so many steps.
    #[arg(long)]
    pub steps: Option<usize>,
}

impl Shape {
    /// The scenario of a seed.
    ///
    /// # Errors
    /// There is no such setting.
    pub fn scenario(&self, seed: u64) -> Result<Scenario, String> {
        let mut scenario = draw(self.profile, seed);
        self.change(&mut scenario)?;
        Ok(scenario)
    }

    /// Changes a scenario, wherever it is from.
    fn change(&self, scenario: &mut Scenario) -> Result<(), String> {
        for (name, value) in &self.settings {
            scenario.settings.set(name, value)?;
        }
        for &(kind, rate) in &self.faults {
            match rate {
                0 => scenario.faults.remove(&kind),
                _ => scenario.faults.insert(kind, rate),
            };
        }
        scenario.steps.truncate(self.steps.unwrap_or(usize::MAX));
        Ok(())
    }

    /// The same as arguments of a process.
    #[must_use]
    pub fn words(&self) -> Vec<String> {
        [vec!["--profile".to_owned(), self.profile.name.to_owned()], self.changes()].concat()
    }

    /// What is changed, as arguments of a process.
    fn changes(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, value) in &self.settings {
            words.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        for (kind, rate) in &self.faults {
            words.extend(["--fault".to_owned(), format!("{}={rate}", kind.name())]);
        }
        if let Some(steps) = self.steps {
            words.extend(["--steps".to_owned(), steps.to_string()]);
        }
        words
    }

    /// The same as a shell takes it.
    #[must_use]
    pub fn arguments(&self) -> String {
        shell_words(&self.words())
    }
}

/// One scenario: from a file, or that of a seed.
#[derive(Args, Clone, Debug)]
pub struct Source {
    /// A scenario's file.
    #[arg(required_unless_present = "seed", conflicts_with_all = ["seed", "profile"])]
    pub file: Option<PathBuf>,
    /// The seed that everything follows from.
    #[arg(long, value_parser = parse_seed)]
    pub seed: Option<u64>,
    /// How it is drawn.
    #[command(flatten)]
    pub shape: Shape,
}

impl Source {
    /// The scenario, and the arguments that lead to it again.
    ///
    /// # Errors
    /// The file is none, or there is no such setting.
    pub fn scenario(&self) -> Result<(Scenario, String), String> {
        match (&self.file, self.seed) {
            (Some(path), _) => {
                let mut scenario = read(path)?.scenario;
                self.shape.change(&mut scenario)?;
                let words = [vec![path.display().to_string()], self.shape.changes()].concat();
                Ok((scenario, shell_words(&words)))
            }
            (None, seed) => {
                let seed = seed.unwrap_or_default();
                Ok((self.shape.scenario(seed)?, format!("--seed {seed} {}", self.shape.arguments())))
            }
        }
    }
}

/// Reads a scenario's file.
///
/// # Errors
/// It cannot be read, or is no scenario; with the place.
pub fn read(path: &Path) -> Result<ScenarioFile, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.parse().map_err(|error| format!("{}, {error}", path.display()))
}

/// Writes a file.
///
/// # Errors
/// It cannot be written; with its name.
pub fn write(path: &Path, text: &str) -> Result<(), String> {
    std::fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where failing scenarios are kept.
#[must_use]
pub fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/seeds")
}

/// A word as a shell takes it.
#[must_use]
pub fn shell_word(text: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "/._-=+:,".contains(char);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

fn shell_words(words: &[String]) -> String {
    words.iter().map(|word| shell_word(word)).collect::<Vec<_>>().join(" ")
}

/// Takes a seed in decimal, or in hexadecimal after `0x`, such as a commit's name.
///
/// # Errors
/// It is no number of 64 bits.
pub fn parse_seed(text: &str) -> Result<u64, String> {
    let parsed = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    parsed.map_err(|error| error.to_string())
}

/// Takes a time with its unit, as in `90s`, `10m` or `2h`.
///
/// # Errors
/// It is none.
pub fn parse_duration(text: &str) -> Result<Duration, String> {
    const FORM: &str = "a time is written 90s, 10m or 2h";
    let (number, unit_s) = match text.char_indices().last() {
        Some((at, 's')) => (&text[..at], 1),
        Some((at, 'm')) => (&text[..at], 60),
        Some((at, 'h')) => (&text[..at], 3_600),
        _ => return Err(FORM.to_owned()),
    };
    let number: u32 = number.parse().map_err(|_| FORM.to_owned())?;
    Ok(Duration::from_secs(u64::from(number) * unit_s))
}

/// Takes a profile's name.
///
/// # Errors
/// There is none of this name.
pub fn parse_profile(text: &str) -> Result<&'static Profile, String> {
    Profile::find(text).ok_or_else(|| {
        let names: Vec<_> = Profile::ALL.iter().map(|profile| profile.name).collect();
        format!("the profiles are {}", names.join(", "))
    })
}

fn parse_setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("a setting is written name=value")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn parse_fault(text: &str) -> Result<(FaultKind, u32), String> {
    let (name, rate) = text.split_once('=').ok_or("a fault is written kind=rate")?;
    let kind = FaultKind::parse(name).ok_or_else(|| {
        let names: Vec<_> = FaultKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("the faults are {}", names.join(", "))
    })?;
    let rate = rate.parse().ok().filter(|&rate| rate <= rotom_io_sim::fault::ALWAYS);
    Ok((kind, rate.ok_or("a rate is per million")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_and_times() {
        assert_eq!(parse_seed("18446744073709551615"), Ok(u64::MAX));
        assert_eq!(parse_seed("0xff"), Ok(255));
        assert!(parse_seed("ff").is_err() && parse_seed("").is_err());
        assert_eq!(parse_duration("10m"), Ok(Duration::from_secs(600)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7_200)));
        assert!(
            parse_duration("10").is_err() && parse_duration("").is_err() && parse_duration("1é").is_err()
        );
    }

    #[test]
    fn words_for_a_shell() {
        assert_eq!(shell_word("config.hz=100"), "config.hz=100");
        assert_eq!(shell_word("a b"), "'a b'");
        assert_eq!(shell_word("it's"), r"'it'\''s'");
        assert_eq!(shell_word(""), "''");
    }

    #[test]
    fn a_shape_changes_what_was_drawn_and_says_so() {
        let shape = Shape {
            profile: Profile::find("calm").unwrap(),
            settings: vec![("latency-us".to_owned(), "12".to_owned())],
            faults: vec![(FaultKind::Reset, 5), (FaultKind::Delay, 0)],
            steps: Some(1),
        };
        let scenario = shape.scenario(1).unwrap();
        assert!(scenario.settings.items().contains(&("latency-us".to_owned(), "12".to_owned())));
        assert_eq!(scenario.faults, [(FaultKind::Reset, 5)].into());
        assert_eq!(scenario.steps.len(), 1);
        assert_eq!(
            shape.arguments(),
            "--profile calm --set latency-us=12 --fault reset=5 --fault delay=0 --steps 1"
        );
        let wrong = Shape { settings: vec![("latency".to_owned(), "12".to_owned())], ..shape };
        assert!(wrong.scenario(1).is_err());
    }
}
