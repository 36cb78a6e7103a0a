//! Plays transcripts against a server that is to answer like Redis 7.2, and says where it does not.

use super::expect::outcome_lines;
use super::parse::{Protocol, Section, Transcript, Version};
use super::play::{Start, play};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// What rotom is.
const VERSION: Version = Version::V72;

/// One step that went otherwise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The transcript.
    pub file: PathBuf,
    /// The line of the step.
    pub line: usize,
    /// The section's title.
    pub section: String,
    /// Under which protocol.
    pub protocol: Protocol,
    /// What should have come, as it stands in the file, or what went wrong.
    pub expected: Vec<String>,
    /// What came.
    pub found: Vec<String>,
}

/// Lines of a reply that a report shows at most.
const REPORTED_LINES_MAX: usize = 24;

/// Characters of a line that a report shows at most.
const REPORTED_CHARS_MAX: usize = 400;

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.protocol {
            Protocol::Resp2 => "RESP2",
            Protocol::Resp3 => "RESP3",
        };
        // From the repository's root, where one looks for it.
        let file = self.file.display().to_string();
        let file = file.find("corpus/").map_or(file.as_str(), |at| &file[at..]);
        writeln!(out, "{file}:{}: {} ({protocol})", self.line, self.section)?;
        for (mark, lines) in [("expected", &self.expected), ("got", &self.found)] {
            for (index, line) in lines.iter().take(REPORTED_LINES_MAX).enumerate() {
                let mark = if index == 0 { mark } else { "" };
                let shown: String = line.chars().take(REPORTED_CHARS_MAX).collect();
                writeln!(out, "  {mark:8} {shown}")?;
            }
        }
        Ok(())
    }
}

/// Plays every section of a file under each protocol. A section stops at its first failure: what follows would
/// only follow from it.
///
/// # Errors
/// The file cannot be read.
pub fn replay(file: &Path, start: &mut Start<'_>) -> Result<Vec<Failure>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let transcript = Transcript::parse(&text)
        .map_err(|error| format!("{}:{}: {}", file.display(), error.line, error.what))?;
    let mut failures = Vec::new();
    for section in transcript.sections.iter().filter(|section| section.is_for_version(VERSION)) {
        for protocol in Protocol::ALL {
            if section.is_for_protocol(protocol) {
                failures.extend(replay_guarded(file, section, protocol, start));
            }
        }
    }
    Ok(failures)
}

/// A server that panics fails its section, not the whole run.
fn replay_guarded(
    file: &Path,
    section: &Section,
    protocol: Protocol,
    start: &mut Start<'_>,
) -> Option<Failure> {
    let played = catch_unwind(AssertUnwindSafe(|| replay_section(file, section, protocol, start)));
    played.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Some(Failure {
            file: file.to_owned(),
            line: section.line,
            section: section.title.clone(),
            protocol,
            expected: vec!["no panic".into()],
            found: vec![format!("a panic: {text}")],
        })
    })
}

fn replay_section(
    file: &Path,
    section: &Section,
    protocol: Protocol,
    start: &mut Start<'_>,
) -> Option<Failure> {
    let failure = |line: usize, expected: Vec<String>, found: Vec<String>| Failure {
        file: file.to_owned(),
        line,
        section: section.title.clone(),
        protocol,
        expected,
        found,
    };
    let mut stage = match start(&section.server) {
        Ok(stage) => stage,
        Err(what) => return Some(failure(section.line, vec!["a server that starts".into()], vec![what])),
    };
    let mut first = None;
    let played = play(section, VERSION, protocol, stage.as_mut(), &mut |index, received, facts| {
        let step = &section.steps[index];
        let expected: Vec<String> =
            step.lines(VERSION, protocol).into_iter().map(|(text, _)| text.to_owned()).collect();
        let found = || outcome_lines(&received.replies, received.closed);
        let (fits, expected) = match step.outcome(VERSION, protocol) {
            Ok(Some(outcome)) => (outcome.matches(&received.replies, received.closed, facts), expected),
            Ok(None) => (false, vec!["nothing was recorded here yet".into()]),
            Err(error) => (false, vec![error.what]),
        };
        if !fits {
            first = Some(failure(step.line, expected, found()));
        }
        fits
    });
    match played {
        Err(error) if first.is_none() => {
            Some(failure(error.line, vec!["that the step can be played".into()], vec![error.what]))
        }
        _ => first,
    }
}
