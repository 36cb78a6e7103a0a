//! [`Report`]: what is said, to a person or to a program.

use super::Verdict;
use crate::simulation::{Class, Counts, Failure, Oracle};
use serde_json::{Map, Value, json};

/// How this command is called from the repository's root.
pub const COMMAND: &str = "cargo run --profile checked -p rotom-sim-tests --bin rotom-sim --";

/// Characters of a failure's text that are printed.
const TEXT_CHARS_MAX: usize = 4_000;

/// Collects what a subcommand says: as lines for people, or as one JSON object.
#[derive(Debug)]
pub struct Report {
    /// Set when a program listens.
    object: Option<Map<String, Value>>,
    /// Set when everything has been said.
    is_silent: bool,
}

impl Report {
    /// A report in one of the two forms.
    #[must_use]
    pub fn new(is_json: bool) -> Report {
        Report { object: is_json.then(Map::new), is_silent: false }
    }

    /// A report that says nothing any more.
    #[must_use]
    pub fn silent() -> Report {
        Report { object: None, is_silent: true }
    }

    /// Whether a program listens.
    #[must_use]
    pub fn is_json(&self) -> bool {
        self.object.is_some()
    }

    /// Prints lines for people.
    pub fn say(&self, text: &str) {
        if self.object.is_none() && !self.is_silent {
            println!("{text}");
        }
    }

    /// Adds a field for programs.
    pub fn put(&mut self, name: &str, value: impl Into<Value>) {
        if let Some(object) = &mut self.object {
            object.insert(name.to_owned(), value.into());
        }
    }

    /// Prints what programs get, and returns the verdict.
    pub fn finish(mut self, verdict: Verdict) -> Verdict {
        self.put("exit_code", verdict.exit_code());
        if let Some(object) = self.object {
            println!("{}", Value::Object(object));
        }
        verdict
    }
}

/// A failure for people: what it is, where it is, and how to see it again.
#[must_use]
pub fn failure_text(failure: &Failure, of: &str, again: &str) -> String {
    let step = failure.step.map_or_else(String::new, |step| format!(", step {step}"));
    let text = indent(&elide(&failure.text, TEXT_CHARS_MAX));
    format!(
        "FAILED {of}: {} broken at \"{}\"\n  at {}{step}\n{text}\nagain: {COMMAND} {again}",
        failure.oracle.name(),
        failure.site,
        seconds(failure.at_us),
    )
}

/// A failure for programs.
#[must_use]
pub fn failure_json(failure: &Failure, again: &str) -> Value {
    json!({
        "oracle": failure.oracle.name(),
        "class": class_name(failure.oracle),
        "site": failure.site,
        "at_us": failure.at_us,
        "step": failure.step,
        "text": failure.text,
        "again": format!("{COMMAND} {again}"),
    })
}

fn class_name(oracle: Oracle) -> &'static str {
    match oracle.class() {
        Class::Semantic => "semantic",
        Class::Durability => "durability",
        Class::Liveness => "liveness",
        Class::Assertion => "assertion",
    }
}

/// What happened, for people.
#[must_use]
pub fn counts_text(counts: &Counts) -> String {
    format!(
        "{} commands, {} connections, {} turns, {} faults, {} crashes, {} of virtual time",
        thousands(counts.commands),
        thousands(counts.connections),
        thousands(counts.turns),
        thousands(faults(counts)),
        thousands(counts.crashes),
        seconds(counts.virtual_us),
    )
}

/// What happened, for programs.
#[must_use]
pub fn counts_json(counts: &Counts) -> Value {
    let faults: Map<String, Value> =
        counts.faults.iter().map(|(kind, &count)| (kind.name().to_owned(), count.into())).collect();
    json!({
        "commands": counts.commands,
        "connections": counts.connections,
        "turns": counts.turns,
        "crashes": counts.crashes,
        "virtual_us": counts.virtual_us,
        "faults": faults,
    })
}

/// All faults together.
#[must_use]
pub fn faults(counts: &Counts) -> u64 {
    counts.faults.values().sum()
}

/// A number that can be read: `12,345`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Virtual time in seconds.
#[must_use]
pub fn seconds(us: u64) -> String {
    format!("{}.{:06} s", us / 1_000_000, us % 1_000_000)
}

/// A line that is not longer than so many characters: its middle is left out.
#[must_use]
pub fn elide(text: &str, chars_max: usize) -> String {
    let count = text.chars().count();
    if count <= chars_max {
        return text.to_owned();
    }
    let head: String = text.chars().take(chars_max * 2 / 3).collect();
    let tail: String = text.chars().skip(count - chars_max / 3).collect();
    format!("{head}[…{}…]{tail}", count - chars_max * 2 / 3 - chars_max / 3)
}

fn indent(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// Columns under each other, the first line as their heads; as Markdown if wanted.
#[must_use]
pub fn table(rows: &[Vec<String>], is_markdown: bool) -> String {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default())
        .collect();
    let line = |row: &[String]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let cells: Vec<String> = cells.collect();
        match is_markdown {
            true => format!("| {} |", cells.join(" | ")),
            false => cells.join("  ").trim_end().to_owned(),
        }
    };
    let mut lines: Vec<String> = rows.iter().map(|row| line(row)).collect();
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    lines.insert(1.min(lines.len()), line(&rule));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_can_be_read() {
        let read: Vec<String> = [0, 999, 1_000, 1_234_567].map(thousands).into();
        assert_eq!(read, ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(seconds(1_000_015), "1.000015 s");
    }

    #[test]
    fn long_text_loses_its_middle() {
        assert_eq!(elide("abc", 3), "abc");
        assert_eq!(elide("abcdefghij", 6), "abcd[…4…]ij");
    }

    #[test]
    fn tables_have_columns() {
        let rows = [["a", "bb"], ["ccc", "d"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows, false), "a    bb\n---  --\nccc  d");
        assert_eq!(table(&rows, true), "| a   | bb |\n| --- | -- |\n| ccc | d  |");
    }
}
