//! redis.conf: its lines, what they include, and where exactly one is wrong.

use rotom_core::Config;
use rotom_core::resp::split_quoted;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How deep files may include one another.
pub(crate) const INCLUDE_DEPTH_MAX: usize = 16;

/// A directive that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where it stands.
    place: Place,
    /// The line.
    line: String,
    /// What is wrong.
    reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// A file and a line's number.
    File(PathBuf, usize),
    /// The command line.
    CommandLine,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n*** FATAL CONFIG FILE ERROR (rotom {}) ***", env!("CARGO_PKG_VERSION"))?;
        match &self.place {
            Place::File(path, number) => {
                writeln!(f, "Reading the configuration file {}, at line {number}", path.display())?;
            }
            Place::CommandLine => writeln!(f, "Reading the command line")?,
        }
        write!(f, ">>> '{}'\n{}", self.line, self.reason)
    }
}

/// Reads configuration files and the command line's directives into a [`Config`].
#[derive(Debug, Default)]
pub(crate) struct Loader {
    /// What was read.
    pub config: Config,
    /// What an operator should know about it.
    pub warnings: Vec<String>,
}

impl Loader {
    /// Reads a file, or standard input for `-`.
    pub(crate) fn read_file(&mut self, name: &str) -> Result<(), Fault> {
        if name == "-" {
            let mut text = Vec::new();
            let path = PathBuf::from("standard input");
            io::stdin().read_to_end(&mut text).map_err(|error| unreadable(&path, &error))?;
            return self.read_text(&path, &text, 0);
        }
        self.read_path(Path::new(name), 0)
    }

    /// Takes a directive of the command line.
    pub(crate) fn read_directive(&mut self, words: &[String]) -> Result<(), Fault> {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        self.take(&words).map_err(|reason| {
            let line = words.iter().map(|word| String::from_utf8_lossy(word)).collect::<Vec<_>>().join(" ");
            Fault { place: Place::CommandLine, line, reason }
        })
    }

    fn read_path(&mut self, path: &Path, depth: usize) -> Result<(), Fault> {
        let text = fs::read(path).map_err(|error| unreadable(path, &error))?;
        self.read_text(path, &text, depth)
    }

    fn read_text(&mut self, path: &Path, text: &[u8], depth: usize) -> Result<(), Fault> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let fault = |reason: String| Fault {
                place: Place::File(path.to_owned(), index + 1),
                line: String::from_utf8_lossy(line).into_owned(),
                reason,
            };
            let words =
                split_quoted(line).ok_or_else(|| fault("Unbalanced quotes in configuration line".into()))?;
            if words.first().is_some_and(|word| word.eq_ignore_ascii_case(b"include")) && words.len() == 2 {
                if depth == INCLUDE_DEPTH_MAX {
                    return Err(fault(format!(
                        "files may include one another {INCLUDE_DEPTH_MAX} deep at most"
                    )));
                }
                for included in expand(&words[1]).map_err(|error| fault(error.to_string()))? {
                    self.read_path(&included, depth + 1)?;
                }
                continue;
            }
            self.take(&words).map_err(fault)?;
        }
        Ok(())
    }

    fn take(&mut self, words: &[Vec<u8>]) -> Result<(), String> {
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        let warning = self
            .config
            .set_from_file(&String::from_utf8_lossy(name), values)
            .map_err(|error| error.to_string())?;
        self.warnings.extend(warning);
        Ok(())
    }
}

fn unreadable(path: &Path, error: &io::Error) -> Fault {
    Fault {
        place: Place::File(path.to_owned(), 0),
        line: String::new(),
        reason: format!("Can't open config file '{}': {error}", path.display()),
    }
}

/// The files an `include` names: itself, or, where its last part is a glob, what matches in the directory, sorted.
fn expand(pattern: &[u8]) -> io::Result<Vec<PathBuf>> {
    let text = String::from_utf8_lossy(pattern).into_owned();
    let path = PathBuf::from(&text);
    if !text.contains(['*', '?', '[']) {
        return Ok(vec![path]);
    }
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Some(name) = path.file_name() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let is_match = rotom_core::glob::matches(
            name.as_encoded_bytes(),
            entry.file_name().as_encoded_bytes(),
            rotom_core::glob::Case::Sensitive,
        );
        if is_match {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_names_file_line_and_reason() {
        let check = |text: &str, expected: &str| {
            let fault = Loader::default().read_text(Path::new("x.conf"), text.as_bytes(), 0).unwrap_err();
            assert!(fault.to_string().ends_with(expected), "{fault}");
        };
        check(
            "port 1\n\n# comment\nappendonlyy yes\n",
            "file x.conf, at line 4\n>>> 'appendonlyy yes'\nBad directive or wrong number of arguments",
        );
        check("port \"1\n", "at line 1\n>>> 'port \"1'\nUnbalanced quotes in configuration line");
        check("port 65536", "argument must be between 0 and 65535 inclusive");
        check("appendonly yes", "appendonly yes is not supported: this version does not persist data");
    }

    #[test]
    fn lines_are_taken_in_order() {
        let mut loader = Loader::default();
        let text =
            b"  port 7000\nport 7001\nproto-max-bulk-len 64mb\nslave-priority 3\nrequirepass \"a b\"\n";
        loader.read_text(Path::new("x.conf"), text, 0).unwrap();
        assert_eq!(loader.config.port, 7001);
        assert_eq!(loader.config.proto_max_bulk_len, 64 << 20);
        assert_eq!(loader.config.requirepass, "a b");
        assert_eq!(loader.warnings.len(), 1);
    }
}
