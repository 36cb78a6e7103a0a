//! The command line, with redis-server's grammar: `rotom-server [FILE | -] [--directive value …]`.

use clap::{Arg, ArgAction, Command};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Serve.
    Run(Invocation),
    /// Judge the configuration and exit.
    CheckConfig(Invocation),
    /// Print a text and exit.
    Print(String),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Invocation {
    /// The configuration file; `-` is standard input.
    pub file: Option<String>,
    /// The directives of the command line, as the lines a file would have.
    pub directives: Vec<Vec<String>>,
}

/// Understands the arguments behind the program's name.
///
/// # Errors
/// What is wrong with them.
pub(crate) fn parse(args: &[String]) -> Result<Request, String> {
    match args.first().map(String::as_str) {
        Some("-v" | "--version") => return Ok(Request::Print(version())),
        Some("-h" | "--help") => return Ok(Request::Print(help())),
        _ => {}
    }
    let mut invocation = Invocation::default();
    let mut rest = args;
    if let Some(first) = rest.first()
        && (!first.starts_with('-') || first == "-")
    {
        invocation.file = Some(first.clone());
        rest = &rest[1..];
    }
    let mut checks_only = false;
    for arg in rest {
        if arg == "--check-config" {
            checks_only = true;
        } else if arg == "-" && invocation.file.is_none() {
            invocation.file = Some(arg.clone());
        } else if let Some(name) = arg.strip_prefix("--").filter(|name| !name.is_empty()) {
            invocation.directives.push(vec![name.to_owned()]);
        } else if let Some(directive) = invocation.directives.last_mut() {
            directive.push(arg.clone());
        } else {
            return Err(format!("'{arg}' is not a directive: they begin with --"));
        }
    }
    Ok(if checks_only { Request::CheckConfig(invocation) } else { Request::Run(invocation) })
}

fn version() -> String {
    format!("rotom server v={} bits=64 compatible=redis-7.2\n", env!("CARGO_PKG_VERSION"))
}

fn help() -> String {
    command().render_help().to_string()
}

/// The options in clap's terms, for the help text. redis-server's grammar takes any directive as an option, which
/// clap's does not.
fn command() -> Command {
    Command::new("rotom-server")
        .about("A Redis-compatible server")
        .override_usage("rotom-server [FILE | -] [--directive value …] [--check-config]")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(Arg::new("FILE").help("A configuration file in redis.conf's syntax; - reads standard input"))
        .arg(
            Arg::new("directive")
                .long("directive")
                .value_name("value")
                .num_args(1..)
                .help("Any directive of the file, such as --port 7000; it overrides the file"),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("Judge the configuration and exit"),
        )
        .arg(
            Arg::new("version")
                .short('v')
                .long("version")
                .action(ArgAction::SetTrue)
                .help("Print the version"),
        )
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::SetTrue).help("Print this"))
        .after_help(
            "Examples:\n  rotom-server\n  rotom-server /etc/rotom.conf\n  rotom-server --port 7777\n  \
             rotom-server /etc/rotom.conf --loglevel verbose\n  echo 'port 7777' | rotom-server -",
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn directives_take_words_up_to_the_next_one() {
        let check = |line: &str, file: Option<&str>, directives: &[&str]| {
            let expected = Invocation {
                file: file.map(str::to_owned),
                directives: directives.iter().map(|line| words(line)).collect(),
            };
            assert_eq!(parse(&words(line)), Ok(Request::Run(expected)), "{line}");
        };
        check("", None, &[]);
        check("a.conf", Some("a.conf"), &[]);
        check("- --port 1", Some("-"), &["port 1"]);
        check("--port 1 --bind ::1 127.0.0.1", None, &["port 1", "bind ::1 127.0.0.1"]);
        check("--port 1 -", Some("-"), &["port 1"]);
        check("a.conf --list-max-listpack-size -2", Some("a.conf"), &["list-max-listpack-size -2"]);
    }

    #[test]
    fn other_requests() {
        assert!(matches!(parse(&words("--version")), Ok(Request::Print(text)) if text.contains("0.1.0")));
        assert!(matches!(parse(&words("-h")), Ok(Request::Print(text)) if text.contains("Usage:")));
        assert!(matches!(parse(&words("a.conf --check-config")), Ok(Request::CheckConfig(_))));
        assert!(parse(&words("-x")).is_err());
    }
}
