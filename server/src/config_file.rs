//! redis.conf: its lines, what they include, and where exactly one is wrong.

use crate::include;
use crate::sys;
use rotom_core::Config;
use rotom_core::resp::split_quoted;
use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// How deep files may include one another.
pub(crate) const INCLUDE_DEPTH_MAX: usize = 16;

/// Largest configuration file that is read.
pub(crate) const FILE_LEN_BYTES_MAX: u64 = 16 << 20;

/// Why the configuration was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Where: the file or line in question, and then what included it.
    places: Vec<Place>,
    /// The line; nothing if the file could not be read at all.
    line: Option<String>,
    /// What is wrong.
    reason: String,
}

/// A line of a file, counted from 1, or one of the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    file: Option<PathBuf>,
    line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.file {
            Some(file) => write!(f, "{}, line {}", file.display(), self.line),
            None => f.write_str("the command line"),
        }
    }
}

/// Redis' words, which tools look for; where it is comes behind them.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(line) = &self.line else {
            f.write_str(&self.reason)?;
            return self.places.iter().try_for_each(|place| write!(f, "\nincluded by {place}"));
        };
        writeln!(f, "\n*** FATAL CONFIG FILE ERROR (rotom {}) ***", env!("CARGO_PKG_VERSION"))?;
        match self.places.first() {
            Some(Place { file: Some(_), line }) => {
                writeln!(f, "Reading the configuration file, at line {line}")?;
            }
            _ => writeln!(f, "Reading the command line")?,
        }
        write!(f, ">>> '{line}'\n{}", self.reason)?;
        for (depth, place) in self.places.iter().enumerate().filter(|(_, place)| place.file.is_some()) {
            write!(f, "\n{} {place}", if depth == 0 { "in" } else { "included by" })?;
        }
        Ok(())
    }
}

/// Reads configuration files and the command line's directives into a [`Config`].
#[derive(Debug)]
pub(crate) struct Loader {
    /// What was read.
    pub config: Config,
    /// What an operator should know about it, and of which lines.
    pub warnings: Vec<String>,
    /// The files being read, each included by the one before it.
    open: Vec<PathBuf>,
    /// Goes to a directory: `dir` counts from its line on, for the names behind it too.
    enter: fn(&Path) -> io::Result<()>,
}

impl Default for Loader {
    fn default() -> Loader {
        Loader {
            config: Config::default(),
            warnings: Vec::new(),
            open: Vec::new(),
            enter: |path| env::set_current_dir(path),
        }
    }
}

impl Loader {
    /// Reads a file.
    pub(crate) fn read_file(&mut self, path: &Path) -> Result<(), Fault> {
        let unreadable = |reason: &str| Fault {
            places: Vec::new(),
            line: None,
            reason: format!("Fatal error, can't open config file '{}': {reason}", path.display()),
        };
        let text = read(File::open(path)).map_err(|error| unreadable(&sys::reason(&error)))?;
        // The same file under another name would be found by its canonical one.
        let canonical = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if self.open.contains(&canonical) {
            return Err(unreadable("it includes itself"));
        }
        if self.open.len() > INCLUDE_DEPTH_MAX {
            return Err(unreadable(&format!("files include one another more than {INCLUDE_DEPTH_MAX} deep")));
        }
        self.open.push(canonical);
        self.read_text(path, &text)?;
        self.open.pop();
        Ok(())
    }

    /// Reads standard input.
    pub(crate) fn read_stdin(&mut self) -> Result<(), Fault> {
        let text = read(Ok(io::stdin())).map_err(|error| Fault {
            places: Vec::new(),
            line: None,
            reason: format!("Fatal error, can't read the configuration from stdin: {}", sys::reason(&error)),
        })?;
        self.read_text(Path::new("stdin"), &text)
    }

    /// Takes a line of the command line.
    pub(crate) fn read_argument(&mut self, line: &[u8]) -> Result<(), Fault> {
        self.read_line(&Place { file: None, line: 0 }, line)
    }

    fn read_text(&mut self, path: &Path, text: &[u8]) -> Result<(), Fault> {
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            self.read_line(&Place { file: Some(path.to_owned()), line: index + 1 }, line)?;
        }
        Ok(())
    }

    fn read_line(&mut self, place: &Place, line: &[u8]) -> Result<(), Fault> {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return Ok(());
        }
        let fault = |reason: String| Fault {
            places: vec![place.clone()],
            line: Some(String::from_utf8_lossy(line).into_owned()),
            reason,
        };
        let words =
            split_quoted(line).ok_or_else(|| fault("Unbalanced quotes in configuration line".into()))?;
        // A line that is neither empty nor a comment has a word.
        let Some((name, values)) = words.split_first() else { return Ok(()) };
        let name = String::from_utf8_lossy(name);
        if let [pattern] = values
            && name.eq_ignore_ascii_case("include")
        {
            let files = include::expand(pattern).map_err(fault)?;
            return files.iter().try_for_each(|file| {
                self.read_file(file).map_err(|mut fault| {
                    fault.places.push(place.clone());
                    fault
                })
            });
        }
        let warning = self.config.set_from_file(&name, values).map_err(|error| fault(error.to_string()))?;
        self.warnings.extend(warning.map(|warning| format!("{warning} ({place})")));
        if name.eq_ignore_ascii_case("dir") {
            (self.enter)(Path::new(&self.config.dir)).map_err(|error| fault(sys::reason(&error)))?;
        }
        Ok(())
    }
}

/// Reads a source to its end, unless it is too large.
fn read(source: io::Result<impl Read>) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    source?.take(FILE_LEN_BYTES_MAX + 1).read_to_end(&mut text)?;
    if text.len() as u64 > FILE_LEN_BYTES_MAX {
        return Err(io::Error::other(format!("it is larger than {FILE_LEN_BYTES_MAX} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rotom_core::config::{self, Status};
    use std::os::unix::ffi::OsStrExt;

    fn loader() -> Loader {
        let enter = |path: &Path| match path.as_os_str().as_bytes() {
            b"/missing" => Err(io::Error::from_raw_os_error(libc::ENOENT)),
            _ => Ok(()),
        };
        Loader { enter, ..Loader::default() }
    }

    #[test]
    fn a_fault_names_file_line_and_reason() {
        let check = |text: &str, expected: &str| {
            let fault = loader().read_text(Path::new("x.conf"), text.as_bytes()).unwrap_err();
            let title = format!("\n*** FATAL CONFIG FILE ERROR (rotom {}) ***\n", env!("CARGO_PKG_VERSION"));
            assert_eq!(
                fault.to_string(),
                format!("{title}Reading the configuration file, at line {expected}")
            );
        };
        check(
            "port 1\n\n# comment\r\n appendonlyy yes \r\n",
            "4\n>>> 'appendonlyy yes'\nBad directive or wrong number of arguments\nin x.conf, line 4",
        );
        check("port \"1\n", "1\n>>> 'port \"1'\nUnbalanced quotes in configuration line\nin x.conf, line 1");
        check(
            "port 65536",
            "1\n>>> 'port 65536'\nargument must be between 0 and 65535 inclusive\nin x.conf, line 1",
        );
        check("dir /missing", "1\n>>> 'dir /missing'\nNo such file or directory\nin x.conf, line 1");
        check("include", "1\n>>> 'include'\nBad directive or wrong number of arguments\nin x.conf, line 1");
        check(
            "maxmemory 1gb",
            "1\n>>> 'maxmemory 1gb'\nmaxmemory 1gb is not supported yet: rotom does not evict keys in this \
             version\nin x.conf, line 1",
        );
    }

    #[test]
    fn a_fault_of_the_command_line() {
        let fault = loader().read_argument(b"hz=20").unwrap_err().to_string();
        let expected = "Reading the command line\n>>> 'hz=20'\nBad directive or wrong number of arguments";
        assert!(fault.ends_with(expected), "{fault}");
    }

    #[test]
    fn lines_are_taken_in_order() {
        let mut loader = loader();
        let text =
            b"  port 7000\nport 7001\nproto-max-bulk-len 64mb\r\nslave-priority 3\nrequirepass \"a \\xff\"\n\ndir /x";
        loader.read_text(Path::new("x.conf"), text).unwrap();
        loader.read_argument(b"hz \"20\"").unwrap();
        assert_eq!((loader.config.port, loader.config.hz), (7001, 20));
        assert_eq!(loader.config.proto_max_bulk_len, 64 << 20);
        assert_eq!(loader.config.requirepass.as_bytes(), b"a \xff");
        assert_eq!(
            loader.warnings,
            ["replica-priority is accepted, but it has no effect in this version (x.conf, line 4)"]
        );
    }

    #[test]
    fn the_example_names_what_is_active_with_its_default() {
        const EXAMPLES: [&str; 4] = ["pidfile", "requirepass", "unixsocket", "unixsocketperm"];
        let text = include_str!("../rotom.conf");
        let mut loader = loader();
        loader.read_text(Path::new("rotom.conf"), text.as_bytes()).unwrap();
        assert_eq!(loader.warnings, [""; 0]);
        let mut named = Vec::new();
        for line in text.lines().map(|line| line.trim_start_matches("# ")) {
            let Some((name, _)) = line.split_once(' ') else { continue };
            let Some(index) = config::index_of(name) else { continue };
            let directive = &config::DIRECTIVES[index];
            named.push(directive.name);
            let mut only = self::loader();
            only.read_argument(line.as_bytes()).unwrap();
            let is_default = only.config.value(name) == Some(directive.default);
            assert!(
                is_default || EXAMPLES.contains(&name) || text.contains(&format!("\n{line}\n")),
                "{line}"
            );
        }
        for directive in config::DIRECTIVES.iter().filter(|directive| directive.status == Status::Active) {
            assert!(named.contains(&directive.name), "{}", directive.name);
        }
    }
}
