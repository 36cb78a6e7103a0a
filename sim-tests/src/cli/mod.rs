//! `rotom-sim`: the simulator on the command line, for a developer who looks for a bug and for a CI that looks for all.
//!
//! A module per subcommand; [`choice`] has what several of them are told, [`report`] what several of them say. A
//! subcommand returns a [`Verdict`], whose exit code tells a CI what was wrong without reading anything.

pub mod canary;
pub mod choice;
pub mod determinism;
pub mod explain;
pub mod marks;
pub mod mutants;
pub mod replay;
pub mod report;
pub mod run;
pub mod shrink;
pub mod sweep;

use crate::simulation::Class;
use clap::error::ErrorKind;
use clap::{Parser, Subcommand};
use report::Report;
use std::process::ExitCode;

/// What the exit codes mean, in `--help`.
const EXIT_CODES: &str = "\
Exit codes:
   0  all is well
   1  wrong usage, or files that cannot be read or written
  10  the server did or said something wrong
  11  data that were safe were lost, or damage was not noticed
  12  something never happened
  13  two runs of one seed differed
  14  an assertion in the server failed
  15  a rare situation that must be reached was not
  16  a planted bug survived";

/// Plays rotom in a simulated world, in which a seed decides everything: what clients send, what the network, the disk
/// and the clocks do, and when the power fails. Every reply and every file is judged.
#[derive(Debug, Parser)]
#[command(name = "rotom-sim", after_help = EXIT_CODES, version)]
struct Options {
    /// Print one JSON object on standard output, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Play one seed.
    Run(run::Options),
    /// Play one seed after the other; shrink and keep what fails.
    Loop(sweep::Options),
    /// Play scenarios from files.
    Replay(replay::Options),
    /// Make a failing scenario as small as possible.
    Shrink(shrink::Options),
    /// Play seeds in two processes and again in this one, and compare everything that happened.
    Determinism(determinism::Options),
    /// Plant each bug of the gallery, and see how many seeds it takes to find it.
    Mutants(mutants::Options),
    /// See which rare situations are reached.
    Marks(marks::Options),
    /// Tell what happened in a run, moment by moment.
    Explain(explain::Options),
    /// Plant a failure that must be found, to see that finding works; fails as any failure does.
    Canary(canary::Options),
    /// Print what happened in each seed, in short: the other side of `determinism`.
    #[command(hide = true)]
    Traces(determinism::TracesOptions),
}

/// What a subcommand found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing wrong.
    Fine,
    /// A failure of this kind.
    Broken(Class),
    /// Two runs of one seed differed.
    Nondeterministic,
    /// A rare situation that must be reached was not.
    MarksMissing,
    /// A planted bug was not found.
    MutantSurvived,
}

/// The exit code of wrong usage and of files that cannot be read or written.
pub const EXIT_USAGE: u8 = 1;

impl Verdict {
    /// What the process says when it exits.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Verdict::Fine => 0,
            Verdict::Broken(Class::Semantic) => 10,
            Verdict::Broken(Class::Durability) => 11,
            Verdict::Broken(Class::Liveness) => 12,
            Verdict::Nondeterministic => 13,
            Verdict::Broken(Class::Assertion) => 14,
            Verdict::MarksMissing => 15,
            Verdict::MutantSurvived => 16,
        }
    }
}

/// Does what the command line says.
#[must_use]
pub fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            // Nobody is left to tell if this cannot be printed.
            let _ = error.print();
            let is_answer = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            return ExitCode::from(if is_answer { 0 } else { EXIT_USAGE });
        }
    };
    let mut report = Report::new(options.json);
    let verdict = match &options.command {
        Command::Run(options) => run::main(options, &mut report),
        Command::Loop(options) => sweep::main(options, &mut report),
        Command::Replay(options) => replay::main(options, &mut report),
        Command::Shrink(options) => shrink::main(options, &mut report),
        Command::Determinism(options) => determinism::main(options, &mut report),
        Command::Traces(options) => determinism::traces(options, &mut report),
        Command::Mutants(options) => mutants::main(options, &mut report),
        Command::Marks(options) => marks::main(options, &mut report),
        Command::Explain(options) => explain::main(options, &mut report),
        Command::Canary(options) => canary::main(options, &mut report),
    };
    match verdict {
        Ok(verdict) => ExitCode::from(report.finish(verdict).exit_code()),
        Err(error) => {
            eprintln!("rotom-sim: {error}");
            ExitCode::from(EXIT_USAGE)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Options::command().debug_assert();
    }

    #[test]
    fn every_exit_code_is_explained() {
        let classes = [Class::Semantic, Class::Durability, Class::Liveness, Class::Assertion];
        let others =
            [Verdict::Fine, Verdict::Nondeterministic, Verdict::MarksMissing, Verdict::MutantSurvived];
        let mut codes: Vec<u8> =
            classes.map(Verdict::Broken).iter().chain(&others).map(|v| v.exit_code()).collect();
        codes.push(EXIT_USAGE);
        codes.sort_unstable();
        let explained: Vec<u8> =
            EXIT_CODES.lines().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        assert_eq!(codes, explained);
    }
}
