//! What the server says of itself and of its clients: judged by what is known of it.

use super::answer::{Out, Refusal, text_of};
use super::call::Call;
use super::client::{Client, Life};
use super::kill::client_type;
use super::number::integer;
use super::string::SYNTAX;
use super::{Calls, Model, call};
use std::collections::BTreeMap;

/// The sections, in order, and whether INFO shows them unasked.
const SECTIONS: [(&str, bool); 13] = [
    ("Server", true),
    ("Clients", true),
    ("Memory", true),
    ("Persistence", true),
    ("Stats", true),
    ("Replication", true),
    ("CPU", true),
    ("Modules", true),
    ("Commandstats", false),
    ("Errorstats", true),
    ("Latencystats", false),
    ("Cluster", true),
    ("Keyspace", true),
];

/// What one line of INFO must be.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Between(u64, u64),
    StartsWith(String),
    /// `count=` and a number in this range; if it begins with 0, the line may be missing.
    Count(u64, u64),
    Calls(Calls),
    /// The same, of a command whose failures the model does not always know, and maybe not whether its last call was one.
    SomeCalls(Calls, bool),
}

/// Commands that fail for reasons of the server's own.
const UNPREDICTABLE: [&str; 6] = ["bgrewriteaof", "bgsave", "config|rewrite", "config|set", "debug", "save"];

/// A section that must be there: its name, the lines that are known of it, and whether it has no others.
type Section = (&'static str, Vec<(String, Value)>, bool);

/// `INFO [section [section …]]`
pub(super) fn info(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let asks = |name: &str| call.rest(1).iter().any(|word| call::is(word, name));
    let is_default = call.rest(1).is_empty() || asks("default");
    let is_all = asks("all") || asks("everything");
    let wanted: Vec<&str> = SECTIONS
        .iter()
        .filter(|(name, is_usual)| is_all || asks(name) || (is_default && *is_usual))
        .map(|(name, _)| *name)
        .collect();
    let expected: Vec<Section> =
        wanted.iter().map(|name| (*name, model.known_lines(name), is_complete(name))).collect();
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let text = String::from_utf8_lossy(text_of(reply, is_resp3)?).into_owned();
        judge_sections(&text, &expected)
    });
    Ok(())
}

/// Whether the model knows every line of a section.
fn is_complete(section: &str) -> bool {
    ["Commandstats", "Errorstats", "Keyspace", "Cluster"].contains(&section)
}

fn judge_sections(text: &str, expected: &[Section]) -> Result<(), String> {
    // A server may have sections of its own.
    let is_known = |section: &&str| SECTIONS.iter().any(|(known, _)| known == section);
    let found: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).filter(is_known).collect();
    let wanted: Vec<&str> = expected.iter().map(|(name, ..)| *name).collect();
    if found != wanted {
        return Err(format!("the sections {wanted:?}, not {found:?}"));
    }
    let name = |part: &&str| part.lines().next().is_some_and(|line| is_known(&line));
    let parts = text.split("# ").skip(1).filter(name);
    for (part, (name, lines, is_complete)) in parts.zip(expected) {
        let fields: BTreeMap<&str, &str> =
            part.split("\r\n").skip(1).filter_map(|line| line.split_once(':')).collect();
        for (field, value) in lines {
            let Some(shown) = fields.get(field.as_str()) else {
                // A database whose keys have all expired may be there or not.
                if matches!(value, Value::StartsWith(_)) && *name == "Keyspace"
                    || matches!(value, Value::Count(0, _))
                {
                    continue;
                }
                return Err(format!("a line {field} in {name}"));
            };
            if !value.fits(shown) {
                return Err(format!("{field} to be {value:?}, not {shown:?}"));
            }
        }
        let is_known = |field: &&&str| lines.iter().any(|(known, _)| known == **field);
        if *is_complete && let Some(surplus) = fields.keys().find(|field| !is_known(field)) {
            return Err(format!("no line {surplus} in {name}"));
        }
    }
    Ok(())
}

impl Value {
    fn fits(&self, shown: &str) -> bool {
        match self {
            Value::Text(text) => text == shown,
            Value::StartsWith(text) => shown.starts_with(text.as_str()),
            Value::Count(low, high) => {
                field(shown, "count").is_some_and(|count| (low..=high).contains(&&count))
            }
            Value::Calls(calls) => calls_of(shown) == Some(*calls),
            Value::SomeCalls(known, may_lack_one) => calls_of(shown).is_some_and(|found| {
                let lacks_one = *may_lack_one && found.calls + 1 == known.calls;
                let calls = known.calls - u64::from(lacks_one);
                Calls { calls, failed: found.failed, ..*known } == found
            }),
            Value::Between(low, high) => {
                shown.parse::<u64>().is_ok_and(|number| (low..=high).contains(&&number))
            }
        }
    }
}

/// A number among `name=number,…`.
fn field(line: &str, name: &str) -> Option<u64> {
    let value = line.split(',').filter_map(|part| part.split_once('=')).find(|(field, _)| *field == name)?.1;
    value.parse().ok()
}

fn calls_of(line: &str) -> Option<Calls> {
    Some(Calls {
        calls: field(line, "calls")?,
        rejected: field(line, "rejected_calls")?,
        failed: field(line, "failed_calls")?,
    })
}

impl Model {
    /// What a count of lookups may show.
    fn lookups(&self, count: u64) -> Value {
        Value::Between(count.saturating_sub(self.keyspace.unsure_lookups), count)
    }

    /// What is known of the lines of a section.
    fn known_lines(&self, section: &str) -> Vec<(String, Value)> {
        let line = |name: &str, value: Value| (name.to_owned(), value);
        let any = || Value::Between(0, u64::MAX);
        let exact = |number: u64| Value::Between(number, number);
        match section {
            "Server" => vec![
                line("redis_version", Value::StartsWith("7.".to_owned())),
                line("redis_mode", Value::Text("standalone".to_owned())),
                line("process_id", any()),
                line("uptime_in_seconds", self.uptime()),
            ],
            "Clients" => {
                // Whoever is on the way out counts until the server has closed it.
                let leaves = self.clients.values().filter(|client| client.life != Life::Gone).count() as u64;
                let may_be_gone = self.ends_idle_clients();
                let stands = |client: &&Client| client.life == Life::Stands && !may_be_gone;
                let stands = self.clients.values().filter(stands).count() as u64;
                let waiting = self.waiting_count() as u64;
                let held_back = |client: &&Client| client.wait.is_none() && client.may_be_held_back();
                let others = self.clients.values().filter(held_back).count() as u64;
                // Whoever is owed much may have been cut off for it, which the model is told only later.
                let owed = |client: &&Client| client.wait.is_some() && !client.stands_surely();
                let doomed = self.clients.values().filter(owed).count() as u64;
                vec![
                    line("connected_clients", Value::Between(stands, leaves)),
                    line("blocked_clients", Value::Between(waiting - doomed.min(waiting), waiting + others)),
                ]
            }
            "Memory" => vec![line("used_memory", any())],
            "Persistence" => vec![line("loading", exact(0))],
            "Stats" => vec![
                line("keyspace_hits", self.lookups(self.keyspace.hits)),
                line("keyspace_misses", self.lookups(self.keyspace.misses)),
                line("expired_keys", Value::Between(self.keyspace.expired, u64::MAX)),
                line("total_commands_processed", any()),
            ],
            "Replication" => {
                vec![line("role", Value::Text("master".to_owned())), line("connected_slaves", exact(0))]
            }
            "Commandstats" => self.command_lines(),
            "Errorstats" => self.error_lines(),
            "Cluster" => vec![line("cluster_enabled", exact(0))],
            "Keyspace" => self.keyspace_lines(),
            _ => Vec::new(),
        }
    }

    /// Errors by their codes. Some commands may have been answered with one that the model does not know of.
    fn error_lines(&self) -> Vec<(String, Value)> {
        let mut errors = self.errors.clone();
        errors.entry(b"ERR".to_vec()).or_default();
        let lines = errors.into_iter().map(|(code, count)| {
            let unsure = if code == b"ERR" { self.possible_errors() } else { 0 };
            (format!("errorstat_{}", String::from_utf8_lossy(&code)), Value::Count(count, count + unsure))
        });
        lines.collect()
    }

    /// How long the server runs, by either clock.
    fn uptime(&self) -> Value {
        let (now, then) = (self.clock, self.started);
        let spans = [now.wall_us.abs_diff(then.wall_us), now.monotonic_us.abs_diff(then.monotonic_us)];
        let seconds = spans.map(|us| us / 1_000_000);
        Value::Between(
            seconds[0].min(seconds[1]).saturating_sub(AGE_TOLERANCE),
            seconds[0].max(seconds[1]) + AGE_TOLERANCE,
        )
    }

    fn command_lines(&self) -> Vec<(String, Value)> {
        let shown = self.calls.iter().filter(|(_, calls)| calls.calls + calls.rejected > 0);
        shown
            .map(|(name, &calls)| {
                let is_unsure = self.unsure_commands.contains(name);
                let is_known = !UNPREDICTABLE.contains(name) && !is_unsure;
                let value = if is_known { Value::Calls(calls) } else { Value::SomeCalls(calls, is_unsure) };
                (format!("cmdstat_{name}"), value)
            })
            .collect()
    }

    fn keyspace_lines(&self) -> Vec<(String, Value)> {
        let mut lines = Vec::new();
        for index in 0..self.keyspace.count() {
            let place = self.keyspace.place(index);
            let entries = self.keyspace.entries(place);
            if entries.is_empty() {
                continue;
            }
            let is_known = self.knows_removals() || self.keyspace.living(place).count() == entries.len();
            let with_expiry = entries.values().filter(|entry| entry.expiry_ms.is_some()).count();
            let counts = format!("keys={},expires={with_expiry},avg_ttl=", entries.len());
            let value = Value::StartsWith(if is_known { counts } else { "keys=".to_owned() });
            lines.push((format!("db{index}"), value));
        }
        lines
    }
}

/// `CLIENT INFO`
pub(super) fn client_info(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let Some(sender) = model.clients.get(&call.client) else { return Ok(()) };
    let line = Line::of(model, sender, true);
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| judge_lines(text_of(reply, is_resp3)?, std::slice::from_ref(&line)));
    Ok(())
}

/// `CLIENT LIST [TYPE normal | master | replica | pubsub] [ID client-id [client-id …]]`
pub(super) fn client_list(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut ids = None;
    let mut shows_normal = true;
    match call.rest(2) {
        [] => {}
        [word, kind] if call::is(word, "TYPE") => shows_normal = client_type(kind)?,
        [word, rest @ ..] if call::is(word, "ID") && !rest.is_empty() => {
            let numbers: Option<Vec<i64>> = rest.iter().map(|word| integer(word)).collect();
            ids = Some(numbers.ok_or("ERR Invalid client ID")?);
        }
        _ => return Err(SYNTAX.into()),
    }
    let mut lines = Vec::new();
    let sender = model.clients.get(&call.client).map(|sender| sender.id);
    let line = |client: &Client| Line::of(model, client, Some(client.id) == sender);
    match ids {
        _ if !shows_normal => {}
        None => {
            let mut all: Vec<&Client> = model.standing().map(|(_, client)| client).collect();
            all.sort_by_key(|client| client.id);
            lines.extend(all.into_iter().map(line));
        }
        Some(ids) => {
            for id in ids {
                lines.extend(
                    model.standing().find(|(_, client)| client.id == id).map(|(_, client)| line(client)),
                );
            }
        }
    }
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| judge_lines(text_of(reply, is_resp3)?, &lines));
    Ok(())
}

/// What is known of one client's line.
#[derive(Clone, Debug)]
struct Line {
    id: i64,
    fields: Vec<(&'static str, String)>,
    flags: Vec<&'static str>,
    /// The command last looked up, and the one that last ran.
    commands: [&'static str; 2],
    /// How many seconds the client is connected, on either clock.
    ages: [u64; 2],
    /// Whether the server may have closed it already.
    may_be_gone: bool,
    /// Whether the server may have looked at a request that it has not executed.
    may_wait: bool,
}

/// The fields of a line, in order.
const FIELDS: [&str; 29] = [
    "id",
    "addr",
    "laddr",
    "fd",
    "name",
    "age",
    "idle",
    "flags",
    "db",
    "sub",
    "psub",
    "ssub",
    "multi",
    "qbuf",
    "qbuf-free",
    "argv-mem",
    "multi-mem",
    "rbs",
    "rbp",
    "obl",
    "oll",
    "omem",
    "tot-mem",
    "events",
    "cmd",
    "user",
    "redir",
    "resp",
    "lib-name",
];

/// The last field, which has no neighbour to its right.
const LAST_FIELD: &str = "lib-ver";

/// Fields that are numbers nobody can predict.
const NUMBERS: [&str; 12] = [
    "fd",
    "idle",
    "qbuf",
    "qbuf-free",
    "argv-mem",
    "multi-mem",
    "rbs",
    "rbp",
    "obl",
    "oll",
    "omem",
    "tot-mem",
];

/// How far an age may be off, in seconds: the server counts in whole ones.
const AGE_TOLERANCE: u64 = 1;

impl Line {
    fn of(model: &Model, client: &Client, is_sender: bool) -> Line {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let plain = |text: &str| text.to_owned();
        let mut flags = Vec::new();
        if client.no_evict {
            flags.push("e");
        }
        if client.no_touch {
            flags.push("T");
        }
        if client.transaction.is_some() {
            flags.push("x");
        }
        if client.is_dirty {
            flags.push("d");
        }
        if client.wait.is_some() {
            flags.push("b");
        }
        let queued = client.transaction.as_ref().map(|transaction| transaction.queued.len());
        let (now, then) = (model.clock, client.connected);
        let seconds = |now: u64, then: u64| now.saturating_sub(then) / 1_000_000;
        Line {
            id: client.id,
            fields: vec![
                ("id", client.id.to_string()),
                ("addr", client.address.clone()),
                ("name", text(&client.name)),
                ("db", client.selected.to_string()),
                ("sub", plain("0")),
                ("psub", plain("0")),
                ("ssub", plain("0")),
                ("multi", queued.map_or(plain("-1"), |queued| queued.to_string())),
                ("user", plain("default")),
                ("redir", plain("-1")),
                ("resp", plain(if client.is_resp3 { "3" } else { "2" })),
                ("lib-name", text(&client.library)),
                ("lib-ver", text(&client.library_version)),
            ],
            flags,
            commands: [client.last_command, client.last_run].map(|command| command.unwrap_or("NULL")),
            ages: [seconds(now.wall_us, then.wall_us), seconds(now.monotonic_us, then.monotonic_us)],
            // Whoever is owed much may be over a limit, and on the way out; so may be who has long said nothing.
            may_be_gone: client.life == Life::Ends || !client.stands_surely() || model.ends_idle_clients(),
            may_wait: !is_sender && client.may_be_held_back(),
        }
    }

    fn judge(&self, line: &str) -> Result<(), String> {
        let shown: Vec<(&str, &str)> = line.split(' ').filter_map(|field| field.split_once('=')).collect();
        let names: Vec<&str> = shown.iter().map(|(name, _)| *name).collect();
        let expected: Vec<&str> = FIELDS.iter().copied().chain([LAST_FIELD]).collect();
        if names != expected {
            return Err(format!("the fields {expected:?}, not {names:?}"));
        }
        for (name, value) in shown {
            let known = self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
            let number = value.parse::<u64>();
            let fits = match name {
                "cmd" => self.may_wait || self.commands.contains(&value),
                "flags" => self.judge_flags(value),
                "age" => {
                    number.is_ok_and(|age| self.ages.iter().any(|own| own.abs_diff(age) <= AGE_TOLERANCE))
                }
                "events" => value.chars().all(|event| "rw".contains(event)),
                "laddr" => value.contains(':'),
                _ if NUMBERS.contains(&name) => number.is_ok() || value == "-1",
                _ => known == Some(value),
            };
            if !fits {
                return Err(format!("client {} with {name}={known:?}, not {value}", self.id));
            }
        }
        Ok(())
    }

    fn judge_flags(&self, shown: &str) -> bool {
        // Waiting and leaving show in the flags, and when they begin to is the server's to know.
        let is_extra = |flag: char| {
            (self.may_wait && flag == 'b') || (self.may_be_gone && "cA".contains(flag)) || flag == 'N'
        };
        // Who leaves waits for nothing any more.
        self.flags.iter().all(|flag| shown.contains(flag) || *flag == "b" && self.may_be_gone)
            && shown.chars().all(|flag| is_extra(flag) || self.flags.contains(&flag.to_string().as_str()))
            && !shown.is_empty()
    }
}

fn judge_lines(text: &[u8], expected: &[Line]) -> Result<(), String> {
    let text = String::from_utf8_lossy(text).into_owned();
    let mut shown = text.split_terminator('\n').peekable();
    for line in expected {
        let is_it = shown.peek().is_some_and(|shown| shown.starts_with(&format!("id={} ", line.id)));
        if !is_it && line.may_be_gone {
            continue;
        }
        let Some(found) = shown.next() else { return Err(format!("a line for client {}", line.id)) };
        line.judge(found)?;
    }
    match shown.next() {
        None => Ok(()),
        Some(surplus) => Err(format!("no line {surplus:?}")),
    }
}
