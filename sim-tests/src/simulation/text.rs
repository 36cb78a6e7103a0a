//! Scenarios as text: what `corpus/seeds` holds, to be read, compared and edited by people.
//!
//! ```text
//! rotom scenario 1
//! # Shrunk from 1,204 requests of 9 clients.
//! profile network
//! seed 42
//! broken O1-semantics "getex reply"
//! set latency-us 100
//! fault partial-read 250000
//! step 7 +1500us client 2 sends
//!   SET key "two words"
//!   APPEND key 70000*"ab"
//!   @scan MATCH k*
//!   @inline "PING\r\n"
//!   @raw "*1\r\n$-5\r\n"
//! step 9 +0us client 2 closes
//! ```
//!
//! A step's number names it for as long as the scenario lives, since its faults are decided by it. Words are written as
//! redis-cli takes them; `70000*"ab"` is so many times the text. A first word with `@` says that something else than
//! a command is sent, unless it is quoted: `@scan` is a SCAN that goes on where the client's last one stopped.

use super::outcome::{Failure, Oracle};
use super::scenario::{Action, Scenario, Step};
use super::settings::Settings;
use crate::transcript::text::{quote, unescape};
use crate::workload::Request;
use rotom_io_sim::FaultKind;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

/// The first line of a file. Its number changes when older files can no longer be read.
const HEADER: &str = "rotom scenario 1";

/// A word is not repeated to more than this, so that a slip of the pen costs no gigabytes.
const WORD_LEN_MAX: usize = 64 << 20;

/// Shorter words are always written out.
const REPEATED_LEN_MIN: usize = 64;

/// The longest text that is looked for as what a word repeats.
const PERIOD_LEN_MAX: usize = 32;

/// Longer words are not shown in whole where nobody reads them back.
const SHOWN_LEN_MAX: usize = 64;

/// A scenario, with what is said about it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScenarioFile {
    /// Lines for readers.
    pub notes: Vec<String>,
    /// What it broke when it was found.
    pub broken: Option<Broken>,
    /// The scenario.
    pub scenario: Scenario,
}

/// What a scenario breaks: shrinking keeps it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Broken {
    /// Who says so.
    pub oracle: Oracle,
    /// Where.
    pub site: String,
}

impl Broken {
    /// What this failure breaks.
    #[must_use]
    pub fn of(failure: &Failure) -> Broken {
        Broken { oracle: failure.oracle, site: failure.site.clone() }
    }
}

/// Why a text is no scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// The line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl Display for TextError {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for TextError {}

impl Display for ScenarioFile {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let scenario = &self.scenario;
        writeln!(f, "{HEADER}")?;
        for note in self.notes.iter().flat_map(|note| note.lines()) {
            writeln!(f, "{}", format!("# {note}").trim_end())?;
        }
        writeln!(f, "profile {}\nseed {}", scenario.profile, scenario.seed)?;
        if let Some(broken) = &self.broken {
            writeln!(f, "broken {} {}", broken.oracle.name(), quote(broken.site.as_bytes()))?;
        }
        for (name, value) in scenario.settings.items() {
            writeln!(f, "set {name} {value}")?;
        }
        for (kind, rate) in &scenario.faults {
            writeln!(f, "fault {} {rate}", kind.name())?;
        }
        scenario.steps.iter().try_for_each(|step| write_step(f, step))
    }
}

fn write_step(f: &mut Formatter<'_>, step: &Step) -> fmt::Result {
    write!(f, "step {} +{}us client {} ", step.id, step.after_us, step.client)?;
    match &step.action {
        Action::Close => writeln!(f, "closes"),
        Action::Send(requests) => {
            writeln!(f, "sends")?;
            requests.iter().try_for_each(|request| writeln!(f, "  {}", request_text(request)))
        }
    }
}

/// A request on one line.
#[must_use]
pub fn request_text(request: &Request) -> String {
    match request {
        Request::Command(words) if words.is_empty() => "@command".to_owned(),
        Request::Command(words) => join(words),
        Request::Scan(options) if options.is_empty() => "@scan".to_owned(),
        Request::Scan(options) => format!("@scan {}", join(options)),
        Request::Elements(words) => format!("@elements {}", join(words)),
        Request::Inline(line) => format!("@inline {}", quoted(line)),
        Request::Raw(bytes) => format!("@raw {}", quoted(bytes)),
    }
}

fn join(words: &[Vec<u8>]) -> String {
    words.iter().map(|word| word_text(word)).collect::<Vec<_>>().join(" ")
}

/// A word as it stands in a file: bare where that says the same.
fn word_text(word: &[u8]) -> String {
    let is_bare = !word.is_empty()
        && !matches!(word[0], b'@' | b'#')
        && word.iter().all(|&byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\'));
    match std::str::from_utf8(word) {
        Ok(text) if is_bare && word.len() < REPEATED_LEN_MIN => text.to_owned(),
        _ => quoted(word),
    }
}

/// A word between quotes, and what repeats in it once.
fn quoted(word: &[u8]) -> String {
    if word.len() >= REPEATED_LEN_MIN {
        let repeats = |period: &usize| {
            word.len().is_multiple_of(*period) && word[*period..] == word[..word.len() - period]
        };
        if let Some(period) = (1..=PERIOD_LEN_MAX).find(repeats) {
            return format!("{}*{}", word.len() / period, quote(&word[..period]));
        }
    }
    quote(word)
}

/// Commands in RESP, as a person reads them: `SELECT 0; DEL "a key"`. What is none stands there as it is.
#[must_use]
pub fn commands_text(mut bytes: &[u8]) -> String {
    let mut commands = Vec::new();
    while !bytes.is_empty() {
        let Some((words, rest)) = parse_command(bytes) else {
            commands.push(quoted(bytes));
            break;
        };
        commands.push(words.iter().map(|word| short(word)).collect::<Vec<_>>().join(" "));
        bytes = rest;
    }
    commands.join("; ")
}

/// A word, or the beginning of a long one.
fn short(word: &[u8]) -> String {
    match word.len() > SHOWN_LEN_MAX {
        true => format!("{}…({} bytes)", word_text(&word[..SHOWN_LEN_MAX / 2]), word.len()),
        false => word_text(word),
    }
}

fn parse_command(bytes: &[u8]) -> Option<(Vec<&[u8]>, &[u8])> {
    let (count, mut rest) = header(bytes, b'*')?;
    let mut words = Vec::new();
    for _ in 0..count {
        let (len, after) = header(rest, b'$')?;
        let (word, after) = after.split_at_checked(len)?;
        words.push(word);
        rest = after.strip_prefix(b"\r\n")?;
    }
    Some((words, rest))
}

/// The number in a line that begins with `kind`, and what follows the line.
fn header(bytes: &[u8], kind: u8) -> Option<(usize, &[u8])> {
    let line = bytes.strip_prefix(&[kind])?;
    let end = line.windows(2).position(|pair| pair == b"\r\n")?;
    let number = std::str::from_utf8(&line[..end]).ok()?.parse().ok()?;
    Some((number, &line[end + 2..]))
}

impl FromStr for ScenarioFile {
    type Err = TextError;

    fn from_str(text: &str) -> Result<ScenarioFile, TextError> {
        let mut reader = Reader {
            notes: Vec::new(),
            broken: None,
            profile: None,
            seed: None,
            settings: Settings::default(),
            faults: BTreeMap::new(),
            steps: Vec::new(),
        };
        let mut lines = text.lines().enumerate();
        if lines.next().is_none_or(|(_, line)| line.trim_end() != HEADER) {
            return Err(TextError { line: 1, what: format!("a scenario begins with the line: {HEADER}") });
        }
        for (index, line) in lines {
            reader.line(line).map_err(|what| TextError { line: index + 1, what })?;
        }
        reader.finish().map_err(|what| TextError {
            line: text.lines().count(),
            what: format!("the file ends and {what}"),
        })
    }
}

/// A file of which some lines are read.
struct Reader {
    notes: Vec<String>,
    broken: Option<Broken>,
    profile: Option<String>,
    seed: Option<u64>,
    settings: Settings,
    faults: BTreeMap<FaultKind, u32>,
    steps: Vec<Step>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if let Some(note) = line.trim_start().strip_prefix('#') {
            // Only what stands at the top is about the file; what stands further down is about a line.
            if self.profile.is_none() {
                self.notes.push(note.strip_prefix(' ').unwrap_or(note).to_owned());
            }
            return Ok(());
        }
        if line.starts_with([' ', '\t']) && !line.trim().is_empty() {
            return self.request(line);
        }
        let (keyword, rest) = line.trim().split_once(' ').unwrap_or((line.trim(), ""));
        match keyword {
            "" => Ok(()),
            "profile" => once(&mut self.profile, keyword, rest.to_owned()),
            "seed" => once(&mut self.seed, keyword, number(rest)?),
            "broken" => self.broken(rest),
            "set" => {
                let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
                self.settings.set(name, value)
            }
            "fault" => self.fault(rest),
            "step" => self.step(rest),
            _ => Err(format!("a line does not begin with {keyword}")),
        }
    }

    fn broken(&mut self, rest: &str) -> Result<(), String> {
        let (name, site) = rest.split_once(' ').unwrap_or((rest, ""));
        let oracle = Oracle::find(name).ok_or_else(|| format!("there is no oracle {name}"))?;
        match words(site)?.as_slice() {
            [Word { bytes, .. }] => {
                let site = String::from_utf8_lossy(bytes).into_owned();
                once(&mut self.broken, "broken", Broken { oracle, site })
            }
            _ => Err("a broken oracle goes with its site, between quotes".to_owned()),
        }
    }

    fn fault(&mut self, rest: &str) -> Result<(), String> {
        let (name, rate) = rest.split_once(' ').ok_or("a fault goes with its rate per million")?;
        let kind = FaultKind::parse(name).ok_or_else(|| format!("there is no fault {name}"))?;
        let rate = number(rate)?;
        if rate > rotom_io_sim::fault::ALWAYS {
            return Err(format!("{name} happens {rate} times in a million"));
        }
        match self.faults.insert(kind, rate) {
            None => Ok(()),
            Some(_) => Err(format!("{name} has a rate already")),
        }
    }

    fn step(&mut self, rest: &str) -> Result<(), String> {
        const FORM: &str = "a step is written: step 7 +1500us client 2 sends";
        let parts: Vec<&str> = rest.split_whitespace().collect();
        let [id, after, "client", client, what] = parts[..] else { return Err(FORM.to_owned()) };
        let after_us = after.strip_prefix('+').and_then(|after| after.strip_suffix("us")).ok_or(FORM)?;
        let action = match what {
            "sends" => Action::Send(Vec::new()),
            "closes" => Action::Close,
            _ => return Err(format!("a client sends or closes, it does not {what}")),
        };
        let id = number(id)?;
        if self.steps.iter().any(|step| step.id == id) {
            return Err(format!("there is a step {id} already"));
        }
        self.steps.push(Step { id, after_us: number(after_us)?, client: number(client)?, action });
        Ok(())
    }

    fn request(&mut self, line: &str) -> Result<(), String> {
        let Some(Step { action: Action::Send(requests), .. }) = self.steps.last_mut() else {
            return Err("a request belongs to a step that sends".to_owned());
        };
        requests.push(parse_request(line)?);
        Ok(())
    }

    fn finish(self) -> Result<ScenarioFile, String> {
        let scenario = Scenario {
            profile: self.profile.ok_or("names no profile")?,
            seed: self.seed.ok_or("has no seed")?,
            settings: self.settings,
            faults: self.faults,
            steps: self.steps,
        };
        Ok(ScenarioFile { notes: self.notes, broken: self.broken, scenario })
    }
}

/// Fills a place that is filled once.
fn once<T>(place: &mut Option<T>, keyword: &str, value: T) -> Result<(), String> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(format!("there is a line with {keyword} already")),
    }
}

fn number<N: FromStr>(text: &str) -> Result<N, String> {
    text.trim().parse().map_err(|_| format!("{text} is not a number in range"))
}

fn parse_request(line: &str) -> Result<Request, String> {
    let words = words(line)?;
    let form = match words.first() {
        Some(Word { bytes, is_bare: true }) if bytes[0] == b'@' => Some(bytes.clone()),
        _ => None,
    };
    let mut words: Vec<Vec<u8>> = words.into_iter().map(|word| word.bytes).collect();
    let Some(form) = form else { return Ok(Request::Command(words)) };
    words.remove(0);
    let single = |words: &mut Vec<Vec<u8>>| match words.len() {
        1 => Ok(words.remove(0)),
        _ => Err("one text goes with this form".to_owned()),
    };
    match form.as_slice() {
        b"@command" => Ok(Request::Command(words)),
        b"@scan" => Ok(Request::Scan(words)),
        b"@elements" if words.len() < 2 => Err("a command and a key go with this form".to_owned()),
        b"@elements" => Ok(Request::Elements(words)),
        b"@inline" => single(&mut words).map(Request::Inline),
        b"@raw" => single(&mut words).map(Request::Raw),
        _ => Err(format!("there is no form {}", String::from_utf8_lossy(&form))),
    }
}

/// A word, and whether it was written without quotes.
struct Word {
    bytes: Vec<u8>,
    is_bare: bool,
}

/// Splits a line at blanks outside quotes.
fn words(line: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while !rest.is_empty() {
        let (word, after) = match quote_ahead(rest) {
            Some((count, text)) => {
                let end = closing_quote(text).ok_or("a quote is not closed")?;
                let unit = unescape(&text[..end]);
                let len = unit.len().checked_mul(count).filter(|&len| len <= WORD_LEN_MAX);
                len.ok_or("a word is too long")?;
                (Word { bytes: unit.repeat(count), is_bare: false }, &text[end + 1..])
            }
            None => {
                let end = rest.find([' ', '\t']).unwrap_or(rest.len());
                if rest[..end].contains('"') {
                    return Err("a quote stands inside a word".to_owned());
                }
                (Word { bytes: rest.as_bytes()[..end].to_vec(), is_bare: true }, &rest[end..])
            }
        };
        if !after.is_empty() && !after.starts_with([' ', '\t']) {
            return Err("a closing quote is followed by a blank".to_owned());
        }
        words.push(word);
        rest = after.trim_start();
    }
    Ok(words)
}

/// What follows the opening quote of `"text"` or `12*"text"`, and how often it is there.
fn quote_ahead(text: &str) -> Option<(usize, &str)> {
    if let Some(text) = text.strip_prefix('"') {
        return Some((1, text));
    }
    let (count, text) = text.split_once("*\"")?;
    Some((count.parse().ok()?, text))
}

/// Where the first quote stands that no backslash belongs to.
fn closing_quote(text: &str) -> Option<usize> {
    let mut is_escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        closes
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::{btree_map, vec};
    use proptest::prelude::*;

    fn word() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            vec(any::<u8>(), 0..12),
            "[a-z@#'\"\\\\*0-9 ]{0,8}".prop_map(String::into_bytes),
            (vec(any::<u8>(), 1..5), 10..100_usize).prop_map(|(unit, count)| unit.repeat(count)),
        ]
    }

    fn request() -> impl Strategy<Value = Request> {
        prop_oneof![
            vec(word(), 0..5).prop_map(Request::Command),
            vec(word(), 0..5).prop_map(Request::Scan),
            vec(word(), 2..5).prop_map(Request::Elements),
            word().prop_map(Request::Inline),
            word().prop_map(Request::Raw),
        ]
    }

    fn action() -> impl Strategy<Value = Action> {
        prop_oneof![1 => Just(Action::Close), 4 => vec(request(), 0..4).prop_map(Action::Send)]
    }

    fn file() -> impl Strategy<Value = ScenarioFile> {
        let steps = btree_map(any::<u32>(), (any::<u64>(), any::<u32>(), action()), 0..8);
        let faults = btree_map(proptest::sample::select(FaultKind::ALL), 0..=1_000_000_u32, 0..4);
        let broken = proptest::option::of((proptest::sample::select(&Oracle::ALL[..]), "\\PC{0,12}"));
        let settings = (vec(word(), 0..4), any::<u64>());
        (any::<u64>(), "[a-z]{1,8}", steps, faults, broken, settings, vec("[a-z][a-z #]{0,9}[a-z]", 0..3))
            .prop_map(|(seed, profile, steps, faults, broken, (words, latency_us), notes)| {
                let mut settings = Settings::default();
                let words: Vec<String> = words.iter().map(|word| quote(word)).collect();
                // Words of a directive are text; bytes that are none are left out by trying.
                let _ = settings.set("config.bind", &words.join(" "));
                settings.set("latency-us", &latency_us.to_string()).unwrap();
                let steps = steps.into_iter().rev();
                let steps = steps
                    .map(|(id, (after_us, client, action))| Step { id, after_us, client, action })
                    .collect();
                ScenarioFile {
                    notes,
                    broken: broken.map(|(oracle, site)| Broken { oracle, site }),
                    scenario: Scenario { profile, seed, settings, faults, steps },
                }
            })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(file in file()) {
            let text = file.to_string();
            prop_assert_eq!(text.parse(), Ok(file), "{}", text);
        }
    }

    const EXAMPLE: &str = "rotom scenario 1
# Shrunk from 1,204 requests of 9 clients.
profile network
seed 42
broken O1-semantics \"getex reply\"
set config.requirepass \"secret\"
set latency-us 100
fault partial-read 250000
step 7 +1500us client 2 sends
  SET key \"two words\"
  APPEND key 70000*\"ab\"
  @scan MATCH k*
  @elements HSCAN key COUNT 1
  @inline \"PING\\r\\n\"
  @raw \"*1\\r\\n$-5\\r\\n\"
  \"@inline\" x
step 9 +0us client 2 closes
";

    #[test]
    fn a_file_is_written_as_it_was_read() {
        let file: ScenarioFile = EXAMPLE.parse().unwrap();
        assert_eq!(file.to_string(), EXAMPLE);
        let Action::Send(requests) = &file.scenario.steps[0].action else { panic!() };
        assert_eq!(
            requests[1],
            Request::Command(vec![b"APPEND".to_vec(), b"key".to_vec(), b"ab".repeat(70_000)])
        );
        assert_eq!(requests[2], Request::Scan(vec![b"MATCH".to_vec(), b"k*".to_vec()]));
        assert_eq!(requests[6], Request::Command(vec![b"@inline".to_vec(), b"x".to_vec()]));
    }

    #[test]
    fn comments_and_blank_lines_are_passed_over() {
        let mut text = EXAMPLE.replace("fault", "\n  # a comment\nfault");
        text.push_str("\n# the end\n");
        assert_eq!(text.parse::<ScenarioFile>().unwrap(), EXAMPLE.parse().unwrap());
    }

    #[test]
    fn commands_are_shown_as_words() {
        let check = |bytes: &[u8], text: &str| assert_eq!(commands_text(bytes), text);
        check(b"*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*2\r\n$3\r\nDEL\r\n$3\r\na k\r\n", "SELECT 0; DEL \"a k\"");
        check(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPI", "PING; \"*1\\r\\n$4\\r\\nPI\"");
        check(b"*1\r\n$9999999999999\r\nx", "\"*1\\r\\n$9999999999999\\r\\nx\"");
        let long = [&b"*1\r\n$70\r\n"[..], &[b'x'; 70], b"\r\n"].concat();
        check(&long, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…(70 bytes)");
        check(b"", "");
    }

    #[test]
    fn errors_name_their_line() {
        let check = |from: &str, to: &str, line: usize, what: &str| {
            let text = EXAMPLE.replacen(from, to, 1);
            assert_ne!(text, EXAMPLE, "{from}");
            let Err(error) = text.parse::<ScenarioFile>() else { panic!("{from} -> {to} is taken") };
            assert!(error.line == line && error.what.contains(what), "{from} -> {to}: {error}");
        };
        check("rotom scenario 1", "rotom scenario 2", 1, "begins with");
        check("seed 42", "seed x", 4, "not a number");
        check("seed 42", "seed 42\nseed 43", 5, "already");
        check("profile network", "", 17, "names no profile");
        check("O1-semantics", "O1", 5, "no oracle O1");
        check("latency-us", "latency", 7, "no setting latency");
        check("partial-read", "partial", 8, "no fault partial");
        check("250000", "2500000", 8, "times in a million");
        check("step 7 +1500us", "step 7 1500us", 9, "is written");
        check("sends", "sings", 9, "sings");
        check("words\"", "words", 10, "not closed");
        check("key \"two", "key \"two\"", 10, "inside a word");
        check("two words\"", "two words\"\"", 10, "followed by a blank");
        check("70000*", "700000000*", 11, "too long");
        check("@raw", "@rare", 15, "no form @rare");
        check("@elements HSCAN key COUNT 1", "@elements HSCAN", 13, "a command and a key");
        check("step 9", "step 7", 17, "a step 7 already");
        check("step 7", "stop 7", 9, "begin with stop");
        check("fault", "  PING\nfault", 8, "belongs to a step");
    }
}
