//! The command line, with redis-server's grammar: `rotom-server [FILE] [-] [--directive value …]`.
//!
//! Each directive becomes a line as a configuration file has it, so both are read by the same code.

use crate::log::Moment;
use clap::{Arg, ArgAction, Command};
use rotom_core::config::quoted;
use rotom_core::resp::split_quoted;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Serve.
    Run(Invocation),
    /// Judge the configuration and exit.
    CheckConfig(Invocation),
    /// Print a text and exit.
    Print(String),
    /// Judge an append-only log and exit.
    CheckLog {
        /// Its directory, its manifest, or one file.
        path: PathBuf,
        /// Whether to cut off what is torn.
        fixes: bool,
    },
    /// Copy an append-only log as it was at some moment, and exit.
    RecoverLog {
        /// When, or where.
        moment: Moment,
        /// The log's directory.
        source: PathBuf,
        /// The directory to make.
        into: PathBuf,
    },
    /// Say what is wrong with the command line and exit.
    Misuse(String),
}

/// Where the configuration comes from. What comes later overrides what came earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// First a configuration file.
    pub file: Option<PathBuf>,
    /// Then standard input.
    pub reads_stdin: bool,
    /// Then the directives of the command line, as the lines a file would have.
    pub lines: Vec<Vec<u8>>,
}

/// The option that has no value and is no directive.
const CHECK_CONFIG: &[u8] = b"--check-config";

/// Understands the arguments behind the program's name.
///
/// It is Redis 7's grammar: what begins with `--` opens a directive, unless the one before it still has no value;
/// `--name value` may be a single argument; every other argument is a value, whatever is in it. `--save` needs no
/// value: without one it means `--save ""`. Whether the directives exist is not judged here.
pub(crate) fn parse(args: &[OsString]) -> Request {
    match args.first().and_then(|arg| arg.to_str()) {
        Some("-v" | "--version") => return Request::Print(version()),
        Some("-h" | "--help") => return Request::Print(command().render_help().to_string()),
        Some("--check") => return check_log(&args[1..]),
        Some("--recover-to") => return recover_log(&args[1..]),
        _ => {}
    }
    let mut invocation = Invocation::default();
    let mut rest = args;
    if let [first, behind @ ..] = args
        && !first.as_bytes().starts_with(b"-")
    {
        // An empty name is none, as in Redis.
        invocation.file = (!first.is_empty()).then(|| PathBuf::from(first));
        rest = behind;
    }
    let mut checks_only = false;
    let mut needs_value = false;
    for (at, arg) in rest.iter().enumerate() {
        let (is_first, next) = (at == 0 && invocation.file.is_none(), rest.get(at + 1));
        let arg = arg.as_bytes();
        if arg == b"-" && (is_first || next.is_none()) {
            invocation.reads_stdin = true;
        } else if needs_value || !arg.starts_with(b"--") {
            if invocation.lines.is_empty() {
                invocation.lines.push(Vec::new());
            }
            let line = invocation.lines.last_mut().into_iter();
            line.for_each(|line| line.extend([&b" "[..], &quoted(arg)].concat()));
            needs_value = false;
        } else if arg == CHECK_CONFIG {
            checks_only = true;
        } else {
            let mut line = arg[2..].to_vec();
            needs_value = split_quoted(arg).is_some_and(|words| words.len() == 1);
            if needs_value && arg.eq_ignore_ascii_case(b"--save") && next.is_none_or(|next| opens(next)) {
                line.extend(b" \"\"");
                needs_value = false;
            }
            invocation.lines.push(line);
        }
    }
    if checks_only { Request::CheckConfig(invocation) } else { Request::Run(invocation) }
}

fn check_log(args: &[OsString]) -> Request {
    match args {
        [path] => Request::CheckLog { path: path.into(), fixes: false },
        [path, fix] | [fix, path] if fix == "--fix" => Request::CheckLog { path: path.into(), fixes: true },
        _ => Request::Misuse("Usage: rotom-server --check FILE|DIR [--fix]".into()),
    }
}

fn recover_log(args: &[OsString]) -> Request {
    let [moment, source, option, into] = args else { return recover_usage() };
    if option != "--into" {
        return recover_usage();
    }
    match moment.to_string_lossy().parse() {
        Ok(moment) => Request::RecoverLog { moment, source: source.into(), into: into.into() },
        Err(reason) => Request::Misuse(reason),
    }
}

fn recover_usage() -> Request {
    Request::Misuse("Usage: rotom-server --recover-to TIME|OFFSET|before:PATTERN DIR --into NEWDIR".into())
}

fn opens(arg: &OsStr) -> bool {
    arg.as_bytes().starts_with(b"--")
}

fn version() -> String {
    format!("rotom server v={} bits=64 compatible=redis-7.2\n", env!("CARGO_PKG_VERSION"))
}

/// The options in clap's terms, for the help text. redis-server's grammar takes any directive as an option, which
/// clap's does not.
fn command() -> Command {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
    };
    Command::new("rotom-server")
        .about("A Redis-compatible server")
        .override_usage(
            "rotom-server [FILE] [-] [--directive value …] [--check-config]\n       \
             rotom-server --check FILE|DIR [--fix]\n       \
             rotom-server --recover-to TIME|OFFSET|before:PATTERN DIR --into NEWDIR",
        )
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("FILE").help("A configuration file in redis.conf's syntax"))
        .arg(Arg::new("-").help("Read more of it from standard input"))
        .arg(
            Arg::new("directive")
                .long("directive")
                .value_name("value")
                .num_args(1..)
                .help("Any directive of the file, such as --port 7000; it overrides the file"),
        )
        .arg(flag("check-config", "Judge the configuration and exit"))
        .arg(
            Arg::new("check")
                .long("check")
                .value_name("FILE|DIR")
                .help("Judge an append-only log that no server uses, and say what cutting it would lose"),
        )
        .arg(flag("fix", "With --check: put the torn end of the last file aside and cut it off"))
        .arg(
            Arg::new("recover-to")
                .long("recover-to")
                .value_name("MOMENT")
                .help("Copy an append-only log as it was at @SECONDS, 2026-01-31T12:00:00Z, [FILE:]OFFSET, or before:PATTERN"),
        )
        .arg(Arg::new("into").long("into").value_name("NEWDIR").help("With --recover-to: the directory to make"))
        .arg(flag("version", "Print the version").short('v'))
        .arg(flag("help", "Print this").short('h'))
        .after_help(
            "Examples:\n  rotom-server\n  rotom-server /etc/rotom.conf\n  rotom-server --port 7777\n  \
             rotom-server /etc/rotom.conf --loglevel verbose\n  echo 'port 7777' | rotom-server -",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parses arguments that are separated by `|`.
    fn request(args: &str) -> Request {
        let args: Vec<OsString> = args.split('|').filter(|_| !args.is_empty()).map(OsString::from).collect();
        parse(&args)
    }

    #[track_caller]
    fn check(args: &str, file: Option<&str>, reads_stdin: bool, lines: &[&str]) {
        let expected = Invocation {
            file: file.map(PathBuf::from),
            reads_stdin,
            lines: lines.iter().map(|line| line.as_bytes().to_vec()).collect(),
        };
        assert_eq!(request(args), Request::Run(expected), "{args}");
    }

    #[test]
    fn sources() {
        check("", None, false, &[]);
        check("a.conf", Some("a.conf"), false, &[]);
        check("-", None, true, &[]);
        check("-|--port|1", None, true, &["port \"1\""]);
        check("--port|1|-", None, true, &["port \"1\""]);
        check("a.conf|-", Some("a.conf"), true, &[]);
        check("a.conf|--port|1|-", Some("a.conf"), true, &["port \"1\""]);
        check("|--port|1", None, false, &["port \"1\""]);
    }

    #[test]
    fn directives_take_words_up_to_the_next_one() {
        for (args, lines) in [
            ("--port|1|--bind|::1|127.0.0.1", &["port \"1\"", "bind \"::1\" \"127.0.0.1\""][..]),
            ("--bind|::1|-|--port|1", &["bind \"::1\" \"-\"", "port \"1\""]),
            ("--list-max-listpack-size|-2", &["list-max-listpack-size \"-2\""]),
            ("--port 1|--hz|2", &["port 1", "hz \"2\""]),
            ("--port 1|2", &["port 1 \"2\""]),
            ("--requirepass|--secret|--hz|2", &["requirepass \"--secret\"", "hz \"2\""]),
            ("--proc-title-template|--", &["proc-title-template \"--\""]),
            ("--hz", &["hz"]),
            ("--hz|--timeout|3", &["hz \"--timeout\" \"3\""]),
            ("--port=1", &["port=1"]),
            ("---hz|2", &["-hz \"2\""]),
            ("--|hz|20", &[" \"hz\" \"20\""]),
            ("-x", &[" \"-x\""]),
            ("--requirepass|a \"b\"\n", &["requirepass \"a \\\"b\\\"\\n\""]),
        ] {
            check(args, None, false, lines);
        }
    }

    #[test]
    fn save_needs_no_value() {
        for (args, lines) in [
            ("--save", &["save \"\""][..]),
            ("--save|--hz|2", &["save \"\"", "hz \"2\""]),
            ("--SAVE|", &["SAVE \"\""]),
            ("--save|60|1|--save|5 6", &["save \"60\" \"1\"", "save \"5 6\""]),
        ] {
            check(args, None, false, lines);
        }
    }

    #[test]
    fn other_requests() {
        assert!(matches!(request("--version"), Request::Print(text) if text.contains("0.1.0")));
        assert!(matches!(request("-v|x"), Request::Print(_)));
        assert!(matches!(request("-h"), Request::Print(text) if text.contains("Usage:")));
        for args in ["a.conf|--check-config", "--check-config|--port|1", "--port|1|--check-config"] {
            assert!(matches!(request(args), Request::CheckConfig(_)), "{args}");
        }
        for args in ["--check|d|--fix", "--check|--fix|d"] {
            assert_eq!(request(args), Request::CheckLog { path: "d".into(), fixes: true }, "{args}");
        }
        let moment = Moment::Offset { file: None, offset_bytes: 7 };
        let expected = Request::RecoverLog { moment, source: "d".into(), into: "e".into() };
        assert_eq!(request("--recover-to|7|d|--into|e"), expected);
        for args in ["--check", "--check|a|b", "--recover-to|7|d|--onto|e", "--recover-to|x|d|--into|e"] {
            assert!(matches!(request(args), Request::Misuse(_)), "{args}");
        }
        check("--logfile|--check-config", None, false, &["logfile \"--check-config\""]);
        command().debug_assert();
    }
}
