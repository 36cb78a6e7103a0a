//! What values a directive takes: each kind checks what is given, in Redis' words, and brings it into the form
//! that `CONFIG GET` shows.

use super::value::Value;
use super::words;
use crate::number::{parse_i64, parse_memory};
use std::borrow::Cow;
use std::str;

/// What values a directive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// Any of the words but the first, which stands for none of them.
    Choices(&'static [&'static str]),
    /// An integer from the first to the second number.
    Integer(i64, i64),
    /// An integer from 0, brought into the range from the first to the second number.
    Clamped(i64, i64),
    /// An amount of memory such as `64mb`, from the first to the second number of bytes.
    Memory(u64, u64),
    /// An amount of memory, or a share of `maxmemory` such as `5%`.
    PercentOrMemory,
    /// Permission bits in octal, up to 777.
    Octal,
    /// Any text, even none.
    Text,
    /// Any text; with none, `CONFIG REWRITE` writes no line.
    OptionalText,
    /// Any bytes; with none, `CONFIG REWRITE` writes no line.
    Secret,
    /// The name of a file, or of what the first word says, without a path; if the flag is set, not an empty one.
    /// The directive's own name begins the complaint.
    BareName(&'static str, &'static str, bool),
    /// A name for other hosts to show or resolve; the word says how strict to be.
    Host(HostName),
    /// The process title's template.
    Title,
    /// Letters for classes of keyspace events.
    Events,
    /// Addresses to listen on.
    Addresses,
    /// Pairs of seconds and changes.
    SavePoints,
    /// Three OOM score adjustments.
    OomScores,
    /// Percentages.
    Percentiles,
    /// A host and a port, or `no one`.
    Replica,
    /// Four words for each class of clients: its name, the hard limit, the soft limit, seconds.
    OutputLimits,
}

/// What a cluster node's name may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostName {
    /// Letters, digits, hyphens and dots.
    Dns,
    /// Whatever has no meaning in `nodes.conf`.
    Human,
}

/// Largest share of `maxmemory`, in percent.
const PERCENT_MAX: u64 = 100;

/// All permission bits.
const PERMISSIONS_MAX: u32 = 0o777;

/// Most bytes of a host name, plus one.
const HOST_NAME_LEN_BYTES: usize = 256;

/// The variables of `proc-title-template`.
const TITLE_VARIABLES: [&str; 7] =
    ["title", "listen-addr", "server-mode", "port", "tls-port", "unixsocket", "config-file"];

impl Kind {
    /// Whether the directive takes several words on its line.
    #[must_use]
    pub fn takes_words(self) -> bool {
        match self {
            Kind::Choices(_)
            | Kind::Addresses
            | Kind::SavePoints
            | Kind::OomScores
            | Kind::Percentiles
            | Kind::Replica
            | Kind::OutputLimits => true,
            Kind::YesNo
            | Kind::Choice(_)
            | Kind::Integer(..)
            | Kind::Clamped(..)
            | Kind::Memory(..)
            | Kind::PercentOrMemory
            | Kind::Octal
            | Kind::Text
            | Kind::OptionalText
            | Kind::Secret
            | Kind::BareName(..)
            | Kind::Host(_)
            | Kind::Title
            | Kind::Events => false,
        }
    }

    /// Whether a value is kept as it was given.
    fn is_text(self) -> bool {
        matches!(
            self,
            Kind::Text
                | Kind::OptionalText
                | Kind::BareName(..)
                | Kind::Host(_)
                | Kind::Title
                | Kind::Addresses
                | Kind::Replica
        )
    }

    /// Checks what was given and brings it into the form that is shown. `old` is the value it replaces. A kind
    /// that does not take several words is given exactly one.
    ///
    /// # Errors
    /// Redis' words for what is wrong.
    pub(super) fn normalise(self, given: &[&[u8]], old: &Value) -> Result<Value, String> {
        debug_assert!(self.takes_words() || given.len() == 1);
        if self == Kind::Secret {
            return Ok(Value::from(given[0]));
        }
        // Paths and names are text here. Redis takes any bytes, but no file's name needs them.
        if self.is_text() && given.iter().any(|word| str::from_utf8(word).is_err()) {
            return Err("argument must be UTF-8 text".into());
        }
        let texts: Vec<Cow<'_, str>> = given.iter().map(|word| String::from_utf8_lossy(word)).collect();
        let texts: Vec<&str> = texts.iter().map(AsRef::as_ref).collect();
        let text = texts.first().copied().unwrap_or("");
        let shown: String = match self {
            Kind::YesNo => yes_no(text)?.into(),
            Kind::Choice(words) => words::choice(words, text)?.into(),
            Kind::Integer(min, max) => in_range(integer(text)?, min, max)?.to_string(),
            Kind::Clamped(min, max) => {
                in_range(integer(text)?, 0, i64::from(i32::MAX))?.clamp(min, max).to_string()
            }
            Kind::Memory(min, max) => in_range(memory(text)?, min, max)?.to_string(),
            Kind::PercentOrMemory => percent_or_memory(text)?,
            Kind::Octal => octal(text)?,
            Kind::Text | Kind::OptionalText | Kind::Secret => text.into(),
            Kind::BareName(directive, what, may_be_empty) => bare_name(directive, what, may_be_empty, text)?,
            Kind::Host(strictness) => host_name(strictness, text)?,
            Kind::Title => title(text)?,
            Kind::Events => events(text)?,
            Kind::Choices(words) => words::choices(words, &texts)?,
            Kind::Addresses => words::addresses(&texts)?,
            Kind::SavePoints => words::save_points(&texts)?,
            Kind::OomScores => words::oom_scores(&texts)?,
            Kind::Percentiles => words::percentiles(&texts)?,
            Kind::Replica => words::replica(&texts)?,
            Kind::OutputLimits => words::output_limits(&texts, &old.to_text())?,
        };
        Ok(Value::from(shown))
    }
}

fn yes_no(text: &str) -> Result<&'static str, String> {
    ["yes", "no"]
        .into_iter()
        .find(|word| word.eq_ignore_ascii_case(text))
        .ok_or_else(|| "argument must be 'yes' or 'no'".into())
}

fn integer(text: &str) -> Result<i64, String> {
    parse_i64(text.as_bytes()).ok_or_else(|| "argument couldn't be parsed into an integer".into())
}

fn memory(text: &str) -> Result<u64, String> {
    parse_memory(text.as_bytes()).ok_or_else(|| "argument must be a memory value".into())
}

fn in_range<N: Copy + PartialOrd + std::fmt::Display>(number: N, min: N, max: N) -> Result<N, String> {
    if number >= min && number <= max {
        Ok(number)
    } else {
        Err(format!("argument must be between {min} and {max} inclusive"))
    }
}

fn percent_or_memory(text: &str) -> Result<String, String> {
    let bad = || "argument must be a memory or percent value".to_owned();
    let Some(percent) = text.strip_suffix('%') else {
        return Ok(parse_memory(text.as_bytes()).ok_or_else(bad)?.to_string());
    };
    match parse_i64(percent.as_bytes()).and_then(|percent| u64::try_from(percent).ok()).ok_or_else(bad)? {
        // No share of the memory and no limit are the same.
        0 => Ok("0".into()),
        percent if percent <= PERCENT_MAX => Ok(text.to_owned()),
        _ => Err(format!("percentage argument must be less or equal to {PERCENT_MAX}")),
    }
}

fn octal(text: &str) -> Result<String, String> {
    let bits = u32::from_str_radix(text, 8).map_err(|_| "argument couldn't be parsed as an octal number")?;
    if bits > PERMISSIONS_MAX {
        return Err(format!("argument must be between 0 and {PERMISSIONS_MAX:o} inclusive"));
    }
    Ok(format!("{bits:o}"))
}

fn bare_name(directive: &str, what: &str, may_be_empty: bool, text: &str) -> Result<String, String> {
    if text.is_empty() && !may_be_empty {
        return Err(format!("{directive} can't be empty"));
    }
    if text.contains('/') {
        return Err(format!("{directive} can't be a path, just a {what}"));
    }
    Ok(text.to_owned())
}

fn host_name(strictness: HostName, text: &str) -> Result<String, String> {
    let is_dns = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let is_human = |byte: u8| !b"!#$%&()*+:;<>?@[]^{|}~".contains(&byte);
    match strictness {
        HostName::Dns if text.len() >= HOST_NAME_LEN_BYTES => {
            Err(format!("Hostnames must be less than {HOST_NAME_LEN_BYTES} characters"))
        }
        HostName::Dns if !text.bytes().all(is_dns) => {
            Err("Hostnames may only contain alphanumeric characters, hyphens or dots".into())
        }
        HostName::Human if !text.bytes().all(is_human) => {
            Err("Announced human node name contained invalid character".into())
        }
        HostName::Dns | HostName::Human => Ok(text.to_owned()),
    }
}

/// A template is text with variables in braces; `{{` and `}}` stand for the braces themselves.
fn title(text: &str) -> Result<String, String> {
    let bad = || "template format is invalid or contains unknown variables".to_owned();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let tail = &rest[at..];
        rest = if let Some(behind) = tail.strip_prefix("{{").or_else(|| tail.strip_prefix("}}")) {
            behind
        } else {
            let (variable, behind) =
                tail.strip_prefix('{').and_then(|tail| tail.split_once('}')).ok_or_else(bad)?;
            TITLE_VARIABLES.contains(&variable).then_some(behind).ok_or_else(bad)?
        };
    }
    if text.is_empty() { Err(bad()) } else { Ok(text.to_owned()) }
}

/// Letters in the order they are shown; `A` stands for those of the first row. Redis 7 forgets to show `n` beside
/// `A`, and so forgets it when it rewrites its file: here it is shown.
fn events(text: &str) -> Result<String, String> {
    const OF_KEYS: &str = "g$lshzxetd";
    const OTHERS: &str = "nKEm";
    if text.chars().any(|letter| letter != 'A' && !OF_KEYS.contains(letter) && !OTHERS.contains(letter)) {
        return Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into());
    }
    let is_all = text.contains('A') || OF_KEYS.chars().all(|letter| text.contains(letter));
    let of_keys = OF_KEYS.chars().filter(|&letter| !is_all && text.contains(letter));
    let others = OTHERS.chars().filter(|&letter| text.contains(letter));
    Ok(is_all.then_some('A').into_iter().chain(of_keys).chain(others).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: Kind, given: &str, expected: Result<&str, &str>) {
        let outcome = kind.normalise(&[given.as_bytes()], &Value::default());
        let shown = outcome.as_ref().map(|value| value.to_text().into_owned()).map_err(String::as_str);
        assert_eq!(shown.as_deref().map_err(|text| *text), expected, "{kind:?} {given:?}");
    }

    #[test]
    fn words_of_either_case() {
        let choice = Kind::Choice(&["a", "b"]);
        check(Kind::YesNo, "YES", Ok("yes"));
        check(Kind::YesNo, "maybe", Err("argument must be 'yes' or 'no'"));
        check(Kind::YesNo, "", Err("argument must be 'yes' or 'no'"));
        check(choice, "B", Ok("b"));
        check(choice, "", Err("argument(s) must be one of the following: a, b"));
        check(choice, "a b", Err("argument(s) must be one of the following: a, b"));
    }

    #[test]
    fn integers_at_the_edges_of_their_ranges() {
        let port = Kind::Integer(0, 65_535);
        let no_number = Err("argument couldn't be parsed into an integer");
        let no_port = Err("argument must be between 0 and 65535 inclusive");
        for (given, expected) in [
            ("0", Ok("0")),
            ("65535", Ok("65535")),
            ("65536", no_port),
            ("-1", no_port),
            ("x", no_number),
            ("", no_number),
            (" 1", no_number),
            ("+1", no_number),
            ("01", no_number),
            ("9223372036854775808", no_number),
        ] {
            check(port, given, expected);
        }
        let all = Kind::Integer(i64::MIN, i64::MAX);
        check(all, "-9223372036854775808", Ok("-9223372036854775808"));
        let hz = Kind::Clamped(1, 500);
        for (given, expected) in [("0", "1"), ("1", "1"), ("500", "500"), ("2147483647", "500")] {
            check(hz, given, Ok(expected));
        }
        check(hz, "2147483648", Err("argument must be between 0 and 2147483647 inclusive"));
        check(hz, "-1", Err("argument must be between 0 and 2147483647 inclusive"));
    }

    #[test]
    fn memory_with_units() {
        let memory = Kind::Memory(1_048_576, u64::MAX);
        let no_memory = Err("argument must be a memory value");
        let too_little = Err("argument must be between 1048576 and 18446744073709551615 inclusive");
        for (given, expected) in [
            ("1mb", Ok("1048576")),
            ("1048576", Ok("1048576")),
            ("2M", Ok("2000000")),
            ("1048575", too_little),
            ("", too_little),
            ("18446744073709551615", Ok("18446744073709551615")),
            ("1xb", no_memory),
            ("1.5gb", no_memory),
            ("-1", no_memory),
            ("5%", no_memory),
        ] {
            check(memory, given, expected);
        }
        let neither = Err("argument must be a memory or percent value");
        for (given, expected) in [
            ("5%", Ok("5%")),
            ("100%", Ok("100%")),
            ("0%", Ok("0")),
            ("101%", Err("percentage argument must be less or equal to 100")),
            ("1kb", Ok("1024")),
            ("-5%", neither),
            ("05%", neither),
            ("5%%", neither),
            ("-5", neither),
        ] {
            check(Kind::PercentOrMemory, given, expected);
        }
    }

    #[test]
    fn permissions() {
        check(Kind::Octal, "0", Ok("0"));
        check(Kind::Octal, "0700", Ok("700"));
        check(Kind::Octal, "777", Ok("777"));
        check(Kind::Octal, "1000", Err("argument must be between 0 and 777 inclusive"));
        check(Kind::Octal, "888", Err("argument couldn't be parsed as an octal number"));
    }

    #[test]
    fn names() {
        let file = Kind::BareName("dbfilename", "filename", true);
        check(file, "dump.rdb", Ok("dump.rdb"));
        check(file, "", Ok(""));
        check(file, "a/b", Err("dbfilename can't be a path, just a filename"));
        let directory = Kind::BareName("appenddirname", "dirname", false);
        check(directory, "", Err("appenddirname can't be empty"));
        let host = Kind::Host(HostName::Dns);
        check(host, "a-b.example", Ok("a-b.example"));
        check(host, "a_b", Err("Hostnames may only contain alphanumeric characters, hyphens or dots"));
        check(host, &"a".repeat(255), Ok(&"a".repeat(255)));
        check(host, &"a".repeat(256), Err("Hostnames must be less than 256 characters"));
        check(Kind::Host(HostName::Human), "a_b", Ok("a_b"));
        check(
            Kind::Host(HostName::Human),
            "a:b",
            Err("Announced human node name contained invalid character"),
        );
    }

    #[test]
    fn titles() {
        let bad = Err("template format is invalid or contains unknown variables");
        for (given, expected) in [
            ("{title} {listen-addr} {server-mode}", Ok("{title} {listen-addr} {server-mode}")),
            ("{{x", Ok("{{x")),
            ("plain", Ok("plain")),
            ("", bad),
            ("x {", bad),
            ("{ title}", bad),
            ("{nope}", bad),
        ] {
            check(Kind::Title, given, expected);
        }
    }

    #[test]
    fn event_classes() {
        for (given, expected) in [
            ("KEA", "AKE"),
            ("KEAz", "AKE"),
            ("gxE$d", "g$xdE"),
            ("nmKEg", "gnKEm"),
            ("g$lshzxetdK", "AK"),
            ("An", "An"),
            ("", ""),
        ] {
            check(Kind::Events, given, Ok(expected));
        }
        check(Kind::Events, "q", Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'."));
    }

    #[test]
    fn only_secrets_may_be_any_bytes() {
        let bytes: &[u8] = b"\xff\x00";
        let secret = Kind::Secret.normalise(&[bytes], &Value::default());
        assert_eq!(secret, Ok(Value::from(bytes)));
        let text = Kind::Text.normalise(&[bytes], &Value::default());
        assert_eq!(text, Err("argument must be UTF-8 text".into()));
        let number = Kind::Integer(0, 9).normalise(&[bytes], &Value::default());
        assert_eq!(number, Err("argument couldn't be parsed into an integer".into()));
    }
}
