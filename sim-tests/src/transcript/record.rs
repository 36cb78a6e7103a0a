//! Writes a real server's replies into a transcript. What already describes them is left as it stands, so that
//! patterns and tolerances survive; comments and the replies of 7.2 are never touched.

use super::expect::{UNORDERED, UNORDERED_PAIRS, outcome_lines, unordered_lines};
use super::parse::{Protocol, Section, Step, Transcript, Version};
use super::play::{PlayError, Received, Start, play};
use super::text::Facts;

/// What the recorder asks.
const VERSION: Version = Version::V70;

/// Plays every section under each protocol and returns the file's new text.
///
/// # Errors
/// What kept a section from being played.
pub fn record(transcript: &Transcript, start: &mut Start<'_>) -> Result<String, PlayError> {
    let mut blocks = Vec::new();
    for section in &transcript.sections {
        if section.is_for_version(VERSION) {
            blocks.extend(record_section(section, transcript, start)?);
        }
    }
    let mut lines = transcript.lines.clone();
    for (range, block) in blocks.into_iter().rev() {
        lines.splice(range, block);
    }
    Ok(lines.join("\n") + "\n")
}

type Block = (std::ops::Range<usize>, Vec<String>);

/// What came of each step under one protocol: its lines, and whether they already stood there.
type Seen = Vec<(Vec<String>, bool)>;

fn record_section(
    section: &Section,
    transcript: &Transcript,
    start: &mut Start<'_>,
) -> Result<Vec<Block>, PlayError> {
    let mut seen: [Option<Seen>; 2] = [None, None];
    for (slot, protocol) in seen.iter_mut().zip(Protocol::ALL) {
        if !section.is_for_protocol(protocol) {
            continue;
        }
        let mut stage = start(&section.server).map_err(|what| PlayError { line: section.line, what })?;
        let mut steps = Vec::new();
        play(section, VERSION, protocol, stage.as_mut(), &mut |index, received, facts| {
            steps.push(lines_of(&section.steps[index], protocol, &received, facts));
            true
        })?;
        *slot = Some(steps);
    }
    let mut blocks = Vec::new();
    for (index, step) in section.steps.iter().enumerate() {
        let at = |seen: &Option<Seen>| seen.as_ref().map(|steps| steps[index].clone());
        let found: Vec<(Vec<String>, bool)> = seen.iter().filter_map(at).collect();
        if found.iter().all(|(_, stood)| *stood) {
            continue;
        }
        let texts: Vec<Vec<String>> = found.into_iter().map(|(lines, _)| lines).collect();
        blocks.push((step.block.clone(), new_block(step, transcript, &texts)));
    }
    Ok(blocks)
}

fn lines_of(step: &Step, protocol: Protocol, received: &Received, facts: &Facts) -> (Vec<String>, bool) {
    let stood: Vec<String> =
        step.lines(VERSION, protocol).into_iter().map(|(text, _)| text.to_owned()).collect();
    // A step's lines were read when the file was; here they can be read again.
    let expected = step.outcome(VERSION, protocol).ok().flatten();
    if expected.is_some_and(|outcome| outcome.matches(&received.replies, received.closed, facts)) {
        return (stood, true);
    }
    let lines = match stood.first().map(String::as_str) {
        Some(UNORDERED) => unordered_lines(&received.replies, false),
        Some(UNORDERED_PAIRS) => unordered_lines(&received.replies, true),
        _ => outcome_lines(&received.replies, received.closed),
    };
    (lines, false)
}

/// A step's lines anew: comments and replies of 7.2 as they stood, then what was recorded.
fn new_block(step: &Step, transcript: &Transcript, texts: &[Vec<String>]) -> Vec<String> {
    let is_recorded = |index: &usize| {
        let variant = step.variants.iter().find(|variant| variant.index == *index);
        variant.is_some_and(|variant| variant.version != Some(Version::V72))
    };
    let kept: Vec<usize> = step.block.clone().filter(|index| !is_recorded(index)).collect();
    let mut block: Vec<String> = kept.iter().map(|&index| transcript.lines[index].clone()).collect();
    let has_override = step.variants.iter().any(|variant| variant.version == Some(Version::V72));
    let version = if has_override { "7.0" } else { "" };
    match texts {
        [both] => block.extend(both.iter().map(|line| prefixed(version, "", line))),
        [resp2, resp3] => merge(resp2, resp3, version, &mut block),
        _ => {}
    }
    block
}

/// Writes the lines both protocols share once, and the others each under its own prefix.
fn merge(resp2: &[String], resp3: &[String], version: &str, block: &mut Vec<String>) {
    let same = resp2.iter().zip(resp3).take_while(|(a, b)| a == b).count();
    let (tail2, tail3) = (&resp2[same..], &resp3[same..]);
    block.extend(resp2[..same].iter().map(|line| prefixed(version, "", line)));
    if tail2.len() == tail3.len() {
        for (a, b) in tail2.iter().zip(tail3) {
            if a == b {
                block.push(prefixed(version, "", a));
            } else {
                block.push(prefixed(version, "2", a));
                block.push(prefixed(version, "3", b));
            }
        }
        return;
    }
    block.extend(tail2.iter().map(|line| prefixed(version, "2", line)));
    block.extend(tail3.iter().map(|line| prefixed(version, "3", line)));
}

fn prefixed(version: &str, protocol: &str, line: &str) -> String {
    match (version, protocol) {
        ("", "") => line.to_owned(),
        (one, "") | ("", one) => format!("{one}|{line}"),
        (version, protocol) => format!("{version}/{protocol}|{line}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reply::{Reply, encode_command};
    use crate::transcript::play::Stage;
    use std::time::Duration;

    /// Answers every command with its number, and under RESP3 with a double.
    #[derive(Default)]
    struct Counter {
        commands: i64,
        resp3: bool,
        sent: Vec<u8>,
    }

    impl Stage for Counter {
        fn connect(&mut self, _: &str) -> Result<(), String> {
            Ok(())
        }
        fn send(&mut self, _: &str, bytes: &[u8]) -> Result<(), String> {
            self.sent = bytes.to_vec();
            Ok(())
        }
        fn receive(&mut self, _: &str, replies: usize, closed: bool) -> Result<Received, String> {
            self.resp3 |= self.sent == encode_command(&["HELLO", "3"]);
            let mut received = Received { closed, ..Received::default() };
            for _ in 0..replies {
                self.commands += 1;
                let number = self.commands;
                received.replies.push(if self.resp3 && number == 2 {
                    Reply::Null
                } else {
                    Reply::Integer(number)
                });
            }
            Ok(received)
        }
        fn close(&mut self, _: &str) -> Result<(), String> {
            Ok(())
        }
        fn advance(&mut self, _: Duration) {}
        fn now_ms(&self) -> i64 {
            0
        }
        fn address(&self, _: &str) -> String {
            String::new()
        }
    }

    fn recorded(text: &str) -> String {
        let transcript = Transcript::parse(text).unwrap();
        record(&transcript, &mut |_| Ok(Box::new(Counter::default()))).unwrap()
    }

    #[test]
    fn replies_are_filled_in_and_stay() {
        let text = "# head\n== s\nonly resp2\nA> X\nA> Y\n\n# why\nB>> X\nB> Y\n";
        let first = recorded(text);
        assert_eq!(first, "# head\n== s\nonly resp2\nA> X\n:1\nA> Y\n:2\n\n# why\nB>> X\nB> Y\n:3\n:4\n");
        assert_eq!(recorded(&first), first);
    }

    #[test]
    fn protocols_versions_and_patterns_are_kept_apart() {
        let text = "== s\nA> X\nA> Y\n~:<int>\nA> Z\n# 7.2: a reason.\n7.2|+OK\n:9\n";
        let expected =
            "== s\nA> X\n2|:1\n3|_\nA> Y\n~:<int>\nA> Z\n# 7.2: a reason.\n7.2|+OK\n7.0/2|:3\n7.0/3|:4\n";
        assert_eq!(recorded(text), expected);
        assert_eq!(recorded(expected), expected);
    }
}
