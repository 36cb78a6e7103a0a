//! Reads a transcript: directives, sections, steps, and below each step what must come of it.

use super::expect::{Outcome, UNORDERED, UNORDERED_PAIRS};
use super::text::{Template, words};
use std::ops::Range;
use std::time::Duration;

/// A whole file.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The file's lines, for writing it back.
    pub lines: Vec<String>,
    /// Its sections; each starts with a new server.
    pub sections: Vec<Section>,
}

/// What is played against one server.
#[derive(Clone, Debug)]
pub struct Section {
    /// What it shows.
    pub title: String,
    /// Its heading's line, counted from 1.
    pub line: usize,
    /// How its server is configured.
    pub server: ServerSetup,
    /// The versions it can be played on; all when empty.
    pub versions: Vec<Version>,
    /// The protocols it is played under; all when empty.
    pub protocols: Vec<Protocol>,
    /// What happens.
    pub steps: Vec<Step>,
}

/// How a section's server differs from the usual one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerSetup {
    /// Directives: a name and its arguments.
    pub directives: Vec<Vec<String>>,
    /// Whether the server has a configuration file.
    pub has_config_file: bool,
}

/// One thing that happens, and what comes of it.
#[derive(Clone, Debug)]
pub struct Step {
    /// The line of its last command, counted from 1.
    pub line: usize,
    /// What happens.
    pub action: Action,
    /// The lines that say what comes of it, as indices into the file.
    pub block: Range<usize>,
    /// The same, read.
    pub variants: Vec<Variant>,
}

/// What happens in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// These commands are sent at once.
    Send {
        /// By whom.
        connection: String,
        /// What.
        commands: Vec<Command>,
    },
    /// Nothing is sent; something comes.
    Read {
        /// To whom.
        connection: String,
    },
    /// A connection is opened without saying anything.
    Connect {
        /// Its name.
        connection: String,
    },
    /// A connection is closed by the client.
    Close {
        /// Its name.
        connection: String,
    },
    /// Time passes.
    Advance(Duration),
}

/// What one command line sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A request of these words.
    Words(Vec<Template>),
    /// These bytes.
    Raw(Template),
}

/// What comes of a step under some versions and protocols.
#[derive(Clone, Debug)]
pub struct Variant {
    /// `None` means both.
    pub version: Option<Version>,
    /// `None` means both.
    pub protocol: Option<Protocol>,
    /// The line as it stands behind its prefix.
    pub text: String,
    /// Its index in the file.
    pub index: usize,
}

/// The versions of Redis that transcripts tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// What the recorder asks.
    V70,
    /// What rotom is.
    V72,
}

/// The protocols a section is played under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// RESP2, the default of a new connection.
    Resp2,
    /// RESP3: every connection begins with `HELLO 3`.
    Resp3,
}

/// What is wrong with a file, and on which line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Protocol {
    /// Both.
    pub const ALL: [Protocol; 2] = [Protocol::Resp2, Protocol::Resp3];
}

impl Section {
    /// Whether the section is meant for this version.
    #[must_use]
    pub fn is_for_version(&self, version: Version) -> bool {
        self.versions.is_empty() || self.versions.contains(&version)
    }

    /// Whether the section is meant for this protocol.
    #[must_use]
    pub fn is_for_protocol(&self, protocol: Protocol) -> bool {
        self.protocols.is_empty() || self.protocols.contains(&protocol)
    }
}

impl Step {
    /// The lines that say what comes of this step, and where they stand. Empty when nothing was recorded yet.
    #[must_use]
    pub fn lines(&self, version: Version, protocol: Protocol) -> Vec<(&str, usize)> {
        let applies = |variant: &&Variant| {
            variant.version.is_none_or(|own| own == version)
                && variant.protocol.is_none_or(|own| own == protocol)
        };
        self.variants.iter().filter(applies).map(|variant| (variant.text.as_str(), variant.index)).collect()
    }

    /// What must come of this step; `None` when nothing was recorded yet.
    ///
    /// # Errors
    /// The line that cannot be read.
    pub fn outcome(&self, version: Version, protocol: Protocol) -> Result<Option<Outcome>, ParseError> {
        let lines = self.lines(version, protocol);
        if lines.iter().any(|(text, _)| [UNORDERED, UNORDERED_PAIRS].contains(text)) {
            return Ok(None);
        }
        if lines.is_empty() {
            let silent =
                matches!(self.action, Action::Connect { .. } | Action::Close { .. } | Action::Advance(_));
            return Ok(silent.then(Outcome::default));
        }
        let texts: Vec<&str> = lines.iter().map(|(text, _)| *text).collect();
        let outcome = Outcome::parse(&texts).map_err(|(at, what)| {
            let (_, index) = lines[at.min(lines.len() - 1)];
            ParseError { line: index + 1, what }
        })?;
        Ok(Some(outcome))
    }
}

impl Transcript {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(text: &str) -> Result<Transcript, ParseError> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let mut parser = Parser { lines: &lines, at: 0, base: ServerSetup::default(), sections: Vec::new() };
        while parser.at < lines.len() {
            parser.line().map_err(|what| ParseError { line: parser.at + 1, what })?;
        }
        let sections = parser.sections;
        for step in sections.iter().flat_map(|section: &Section| &section.steps) {
            for version in [Version::V70, Version::V72] {
                for protocol in Protocol::ALL {
                    step.outcome(version, protocol)?;
                }
            }
        }
        Ok(Transcript { lines, sections })
    }
}

struct Parser<'a> {
    lines: &'a [String],
    at: usize,
    /// What stands before the first section holds for all.
    base: ServerSetup,
    sections: Vec<Section>,
}

impl Parser<'_> {
    /// Reads the line, or the step, that starts here; moves behind it.
    fn line(&mut self) -> Result<(), String> {
        let line = self.lines[self.at].as_str();
        if line.is_empty() || is_comment(line) {
            self.at += 1;
            return Ok(());
        }
        if let Some(title) = line.strip_prefix("== ") {
            self.sections.push(Section {
                title: title.to_owned(),
                line: self.at + 1,
                server: self.base.clone(),
                versions: Vec::new(),
                protocols: Vec::new(),
                steps: Vec::new(),
            });
            self.at += 1;
            return Ok(());
        }
        if self.directive(line)? {
            self.at += 1;
            return Ok(());
        }
        let Some((connection, rest)) = split_connection(line) else {
            return self.event(line);
        };
        match rest.as_bytes() {
            [b'<', ..] => {
                let action = Action::Read { connection: connection.to_owned() };
                self.at += 1;
                self.step(action, self.at)
            }
            _ => self.commands(connection),
        }
    }

    /// `server …`, `config-file` and `only …` describe the section, or the file.
    fn directive(&mut self, line: &str) -> Result<bool, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let section = self.sections.last_mut();
        match words.as_slice() {
            ["server", ..] => {
                let words = self::words(line)?;
                let mut words =
                    words.into_iter().skip(1).map(|word| String::from_utf8_lossy(&word).into_owned());
                let setup = section.map_or(&mut self.base, |section| &mut section.server);
                setup.directives.push(words.by_ref().collect());
            }
            ["config-file"] => {
                section.map_or(&mut self.base, |section| &mut section.server).has_config_file = true;
            }
            ["only", which @ ..] => {
                let section = section.ok_or("`only` belongs to a section")?;
                for which in which {
                    match *which {
                        "7.0" => section.versions.push(Version::V70),
                        "7.2" => section.versions.push(Version::V72),
                        "resp2" => section.protocols.push(Protocol::Resp2),
                        "resp3" => section.protocols.push(Protocol::Resp3),
                        other => return Err(format!("only {other}?")),
                    }
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// `connect A`, `close A`, `advance 10ms`.
    fn event(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let action = match words.as_slice() {
            ["connect", name] => Action::Connect { connection: (*name).to_owned() },
            ["close", name] => Action::Close { connection: (*name).to_owned() },
            ["advance", time] => {
                let ms = time.strip_suffix("ms").and_then(|ms| ms.parse().ok());
                Action::Advance(Duration::from_millis(ms.ok_or("advance 10ms")?))
            }
            _ => return Err(format!("`{line}` stands where a step is expected")),
        };
        self.at += 1;
        self.step(action, self.at)
    }

    /// One command, or several: `A>> …` waits for the next line of the same connection.
    fn commands(&mut self, connection: &str) -> Result<(), String> {
        let mut commands = Vec::new();
        loop {
            let line = self.lines.get(self.at).ok_or("a pipeline ends in the air")?;
            let (name, rest) = split_connection(line).ok_or("a pipeline is interrupted")?;
            if name != connection {
                return Err("a pipeline is interrupted".into());
            }
            let (is_last, command) = match rest.as_bytes() {
                [b'>', b'>', ..] => (false, Command::of_words(&rest[2..])?),
                [b'>', ..] => (true, Command::of_words(&rest[1..])?),
                [b'!', b'!', ..] => (false, Command::of_bytes(&rest[2..])?),
                [b'!', ..] => (true, Command::of_bytes(&rest[1..])?),
                _ => return Err("a pipeline is interrupted".into()),
            };
            commands.push(command);
            self.at += 1;
            if is_last {
                break;
            }
        }
        self.step(Action::Send { connection: connection.to_owned(), commands }, self.at)
    }

    /// Takes the lines below a step up to a blank line or the next step.
    fn step(&mut self, action: Action, line: usize) -> Result<(), String> {
        let start = self.at;
        let mut variants: Vec<Variant> = Vec::new();
        let mut has_reason = false;
        while let Some(line) = self.lines.get(self.at) {
            if is_comment(line) {
                has_reason |= line.starts_with("# 7.2:");
                // A comment below a reply belongs to what follows, unless it explains an override.
                if !variants.is_empty() && !line.starts_with("# 7.2:") {
                    break;
                }
            } else if line.is_empty() || starts_step(line) {
                break;
            } else {
                let (version, protocol, text) = split_prefix(line);
                if version == Some(Version::V72) && !has_reason {
                    return Err("a reply of 7.2 needs a reason: `# 7.2: …` above it".into());
                }
                variants.push(Variant { version, protocol, text: text.to_owned(), index: self.at });
            }
            self.at += 1;
        }
        let section = self.sections.last_mut().ok_or("a step stands before the first section")?;
        section.steps.push(Step { line, action, block: start..self.at, variants });
        Ok(())
    }
}

impl Command {
    fn of_words(text: &str) -> Result<Command, String> {
        Ok(Command::Words(words(text)?.into_iter().map(Template::new).collect()))
    }

    fn of_bytes(text: &str) -> Result<Command, String> {
        Ok(Command::Raw(Template::new(words(text)?.concat())))
    }

    /// Whether a placeholder of this kind occurs.
    #[must_use]
    pub fn mentions(&self, kind: &str) -> bool {
        match self {
            Command::Words(words) => words.iter().any(|word| word.mentions(kind)),
            Command::Raw(bytes) => bytes.mentions(kind),
        }
    }
}

fn is_comment(line: &str) -> bool {
    line == "#" || line.starts_with("# ")
}

fn starts_step(line: &str) -> bool {
    let event = ["connect ", "close ", "advance ", "== "];
    event.iter().any(|event| line.starts_with(event)) || split_connection(line).is_some()
}

/// A connection's name is capitals; one of `> >> ! !! <` follows.
fn split_connection(line: &str) -> Option<(&str, &str)> {
    let end = line.find(|letter: char| !letter.is_ascii_uppercase())?;
    let (name, rest) = line.split_at(end);
    (!name.is_empty() && rest.starts_with(['>', '!', '<'])).then_some((name, rest))
}

/// `7.0|`, `7.2|`, `2|`, `3|`, `7.0/2|` and so on before a line limit it to a version, a protocol or both.
fn split_prefix(line: &str) -> (Option<Version>, Option<Protocol>, &str) {
    if let Some((prefix, text)) = line.split_once('|') {
        let (version, rest) = match prefix.get(..3) {
            Some("7.0") => (Some(Version::V70), &prefix[3..]),
            Some("7.2") => (Some(Version::V72), &prefix[3..]),
            _ => (None, prefix),
        };
        let protocol = match (rest.strip_prefix('/'), version) {
            (Some(protocol), Some(_)) => protocol,
            _ => rest,
        };
        match protocol {
            "2" => return (version, Some(Protocol::Resp2), text),
            "3" => return (version, Some(Protocol::Resp3), text),
            "" if version.is_some() => return (version, None, text),
            _ => {}
        }
    }
    (None, None, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
# What it is.
server maxclients 3

== first
only resp2
# Why.
A> GET k
2|$-1
3|_
A>> SET k v
A> GET k
+OK
\"v\"

B! \"PING\\r\\n\"
+PONG
(closed)
== second
server requirepass \"a b\"
A> CLIENT NO-TOUCH on
# 7.2: new there.
7.2|+OK
7.0/2|-ERR a
7.0/3|-ERR b
advance 20ms
A<
";

    #[test]
    fn a_file_is_read() {
        let transcript = Transcript::parse(EXAMPLE).unwrap();
        let [first, second] = transcript.sections.as_slice() else { panic!("two sections") };
        assert_eq!(first.server.directives, [["maxclients", "3"]]);
        assert_eq!(second.server.directives, [["maxclients", "3"], ["requirepass", "a b"]]);
        assert!(first.is_for_protocol(Protocol::Resp2) && !first.is_for_protocol(Protocol::Resp3));
        assert_eq!(first.steps.len(), 3);
        assert_eq!(first.steps[0].lines(Version::V72, Protocol::Resp3), [("_", 8)]);
        assert_eq!(first.steps[1].outcome(Version::V72, Protocol::Resp2).unwrap().unwrap().replies.len(), 2);
        assert!(first.steps[2].outcome(Version::V72, Protocol::Resp2).unwrap().unwrap().closed);
        assert_eq!(second.steps.len(), 3);
        assert_eq!(second.steps[0].lines(Version::V72, Protocol::Resp3), [("+OK", 21)]);
        assert_eq!(second.steps[0].lines(Version::V70, Protocol::Resp3), [("-ERR b", 23)]);
        assert_eq!(second.steps[1].action, Action::Advance(Duration::from_millis(20)));
        assert_eq!(second.steps[2].outcome(Version::V72, Protocol::Resp2).unwrap(), None);
    }

    #[test]
    fn mistakes_are_found_with_their_line() {
        let check = |text: &str, line: usize| {
            assert_eq!(Transcript::parse(text).unwrap_err().line, line, "{text}");
        };
        check("A> GET k\n", 2);
        check("== s\nnonsense\n", 2);
        check("== s\nA>> GET k\nB> GET k\n", 3);
        check("== s\nA> GET k\n7.2|+OK\n", 3);
        check("== s\nA> GET k\n*1\n:1\n", 4);
        check("== s\nA> GET \"k\n", 2);
        check("== s\nonly resp4\n", 2);
    }
}
