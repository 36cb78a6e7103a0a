//! The configuration, and CONFIG.

use super::answer::{Expected, Out, Refusal, pairs_of};
use super::call::Call;
use super::config_table::{HZ_MAX, Kind, PARAMETERS, Parameter};
use super::generic::bulk;
use super::number::{integer, memory, until_zero};
use super::string::SYNTAX;
use super::{Model, glob};
use crate::reply::Reply;
use std::collections::{BTreeMap, BTreeSet};

/// What the parameters are.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// By the first of their names, as CONFIG GET shows them.
    values: BTreeMap<&'static str, Vec<u8>>,
    /// Which of them were changed while the server ran.
    changed: BTreeSet<&'static str>,
    /// Looked at with every request.
    bulk_len_max: i64,
}

impl Config {
    /// The defaults, changed by the directives of a configuration file. What the model does not know is passed over.
    pub fn new(directives: &[(String, Vec<String>)]) -> Result<Config, String> {
        let values =
            PARAMETERS.iter().map(|(name, _, default, _)| (*name, default.as_bytes().to_vec())).collect();
        let mut config = Config { values, changed: BTreeSet::new(), bulk_len_max: 0 };
        for (name, words) in directives {
            let Some(parameter) = find(name.as_bytes()) else { continue };
            let text = words.join(" ").into_bytes();
            let value = accepted(parameter, &text).map_err(|what| format!("{name}: {what}"))?;
            config.values.insert(parameter.0, value);
        }
        config.bulk_len_max = config.parse("proto-max-bulk-len");
        Ok(config)
    }

    /// How many databases there are.
    pub fn databases(&self) -> Result<usize, String> {
        let count = usize::try_from(self.integer("databases")).ok().filter(|&count| count > 0);
        count.ok_or_else(|| "there must be a database".to_owned())
    }

    /// A parameter that is a number.
    pub fn integer(&self, name: &str) -> i64 {
        if name == "proto-max-bulk-len" { self.bulk_len_max } else { self.parse(name) }
    }

    fn parse(&self, name: &str) -> i64 {
        integer(self.text(name)).unwrap_or_default()
    }

    /// A parameter as it is shown.
    pub fn text(&self, name: &str) -> &[u8] {
        self.values.get(name).map_or(b"", Vec::as_slice)
    }

    /// Whether strangers must say a password.
    pub fn has_password(&self) -> bool {
        !self.text("requirepass").is_empty()
    }

    /// Whether a parameter was changed while the server ran.
    pub fn has_changed(&self, name: &str) -> bool {
        self.changed.contains(name)
    }

    /// Whether keys are known by how often they are used rather than by when.
    pub fn counts_uses(&self) -> bool {
        self.text("maxmemory-policy").ends_with(b"lfu")
    }

    /// Whether a client at this address may use DEBUG.
    pub fn allows_debug(&self, address: &str) -> bool {
        match self.text("enable-debug-command") {
            b"yes" => true,
            b"local" => ["127.", "[::1]", "/"].iter().any(|start| address.starts_with(start)),
            _ => false,
        }
    }

    fn set(&mut self, parameter: &Parameter, value: Vec<u8>) {
        self.values.insert(parameter.0, value);
        self.changed.insert(parameter.0);
        self.bulk_len_max = self.parse("proto-max-bulk-len");
    }
}

/// The parameter with this name.
fn find(name: &[u8]) -> Option<&'static Parameter> {
    let fits = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
    PARAMETERS.iter().find(|(name, alias, ..)| fits(name) || alias.is_some_and(fits))
}

/// A value as it will be shown, or why it is none.
fn accepted(parameter: &Parameter, text: &[u8]) -> Result<Vec<u8>, String> {
    let (name, .., kind) = parameter;
    let between = |low: &dyn ToString, high: &dyn ToString| {
        format!("argument must be between {} and {} inclusive", low.to_string(), high.to_string())
    };
    let lower = text.to_ascii_lowercase();
    match kind {
        Kind::Text => Ok(text.to_vec()),
        Kind::Fixed => Ok(lower),
        Kind::Switch if lower == b"yes" || lower == b"no" => Ok(lower),
        Kind::Switch => Err("argument must be 'yes' or 'no'".to_owned()),
        Kind::Integer(low, high) => {
            let number = integer(text).ok_or("argument couldn't be parsed into an integer")?;
            if !(*low..=*high).contains(&number) {
                return Err(between(low, high));
            }
            let number = if *name == "hz" { number.clamp(1, HZ_MAX) } else { number };
            Ok(number.to_string().into_bytes())
        }
        Kind::Memory(low, high) => {
            let number = memory(text).ok_or("argument must be a memory value")?;
            if (*low..=*high).contains(&number) {
                Ok(number.to_string().into_bytes())
            } else {
                Err(between(low, high))
            }
        }
        Kind::Choice(choices) => {
            let found = choices.iter().find(|choice| choice.as_bytes() == lower);
            let list = || format!("argument(s) must be one of the following: {}", choices.join(", "));
            found.map(|choice| choice.as_bytes().to_vec()).ok_or_else(list)
        }
    }
}

/// `CONFIG GET parameter [parameter …]`
pub(super) fn config_get(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let patterns: Vec<Vec<u8>> = call.rest(2).iter().map(|word| until_zero(word).to_vec()).collect();
    let lower: Vec<Vec<u8>> = patterns.iter().map(|pattern| pattern.to_ascii_lowercase()).collect();
    let is_pattern = |word: &Vec<u8>| word.iter().any(|byte| b"[*?".contains(byte));
    // A name comes back as it was first asked for; those that a pattern finds come as they are.
    let mut expected: BTreeMap<Vec<u8>, (Vec<u8>, Vec<u8>)> = BTreeMap::new();
    for (asked, pattern) in patterns.iter().zip(&lower) {
        for (name, alias, ..) in PARAMETERS {
            for known in [Some(*name), *alias].into_iter().flatten() {
                let (shown, fits) = if is_pattern(pattern) {
                    (known.as_bytes(), glob::matches(pattern, known.as_bytes()))
                } else {
                    (asked.as_slice(), known.as_bytes() == pattern.as_slice())
                };
                if fits {
                    let pair = (shown.to_vec(), model.config.text(name).to_vec());
                    expected.entry(known.as_bytes().to_vec()).or_insert(pair);
                }
            }
        }
    }
    let is_resp3 = out.is_resp3;
    out.judged(move |reply| {
        let mut found = BTreeMap::new();
        for (name, value) in pairs_of(reply, is_resp3)? {
            let (name, value) = bulk(name).zip(bulk(value)).ok_or("names and values")?;
            let key = name.to_ascii_lowercase();
            if !lower.iter().any(|pattern| glob::matches(pattern, &key)) {
                return Err(format!("only what was asked for, not {}", super::shown(name)));
            }
            if found.insert(key, (name.to_vec(), value.to_vec())).is_some() {
                return Err(format!("every name once; {} comes twice", super::shown(name)));
            }
        }
        let wrong = expected.iter().find(|(name, pair)| found.get(*name) != Some(pair));
        wrong.map_or(Ok(()), |(_, (name, value))| {
            Err(format!("a pair {} {}", super::shown(name), super::shown(value)))
        })
    });
    Ok(())
}

/// `CONFIG SET parameter value [parameter value …]`: all or none.
pub(super) fn config_set(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (pairs, rest) = call.rest(2).as_chunks::<2>();
    if !rest.is_empty() {
        return Err(SYNTAX.into());
    }
    let known: Vec<Option<&Parameter>> = pairs.iter().map(|[name, _]| find(name)).collect();
    if known.iter().any(Option::is_none) {
        let is_good = |pair: &(&Option<&'static Parameter>, &[Vec<u8>; 2])| pair.0.is_some();
        let settings = known.iter().zip(pairs).filter(is_good);
        let text = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let settings = settings.map(|(_, [name, value])| (text(name), value.clone())).collect();
        // Within a transaction the answer is known, and counted, when it is over.
        model.unsure_errors += u64::from(model.sender(call).is_executing);
        out.special(Expected::Adopted(settings));
        return Ok(());
    }
    let failed = |name: &[u8], what: &str| {
        Refusal::around(
            "ERR CONFIG SET failed (possibly related to argument '",
            name,
            &format!("') - {what}"),
        )
    };
    let mut names = BTreeSet::new();
    for ([name, _], parameter) in pairs.iter().zip(known.iter().flatten()) {
        if matches!(parameter.3, Kind::Fixed) && parameter.0 != "port" {
            return Err(failed(name, "can't set immutable config"));
        }
        if !names.insert(name.to_ascii_lowercase()) {
            return Err(failed(name, "duplicate parameter"));
        }
    }
    let mut values = Vec::new();
    for ([name, text], parameter) in pairs.iter().zip(known.iter().flatten()) {
        let value = accepted(parameter, text).map_err(|what| failed(&name.to_ascii_lowercase(), &what))?;
        values.push((*parameter, value));
    }
    for (parameter, value) in values {
        model.config.set(parameter, value);
    }
    out.ok();
    Ok(())
}

impl Model {
    /// The answer to a CONFIG SET with a parameter the model does not know.
    pub(super) fn adopt_settings(
        &mut self,
        settings: &[(String, Vec<u8>)],
        reply: &Reply,
    ) -> Result<(), String> {
        match reply {
            Reply::Simple(text) if text == b"OK" => {
                for (name, text) in settings {
                    let parameter = find(name.as_bytes()).ok_or("a parameter")?;
                    self.config.set(parameter, accepted(parameter, text)?);
                }
                Ok(())
            }
            Reply::Error(text)
                if text.starts_with(b"ERR Unknown option or number of arguments for CONFIG SET - '")
                    || text.starts_with(b"ERR CONFIG SET failed (possibly related to argument '") =>
            {
                Ok(())
            }
            _ => Err("OK, or an error of CONFIG SET".to_owned()),
        }
    }
}

/// `CONFIG RESETSTAT`
pub(super) fn config_resetstat(model: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.calls.clear();
    model.errors.clear();
    // Whoever waits for the disk is answered, maybe with an error, later.
    model.unsure_errors = model.clients.values().map(|client| client.judged_since(0)).sum();
    model.reset_moment = model.keyspace.moment;
    (model.keyspace.hits, model.keyspace.misses, model.keyspace.expired) = (0, 0, 0);
    model.keyspace.unsure_lookups = 0;
    out.ok();
    Ok(())
}

/// `CONFIG REWRITE`: whether there is a file, and whether it can be written, is not for the model to know.
pub(super) fn config_rewrite(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    // Nobody may be told how it went.
    model.unsure_errors += 1;
    let is_executing = model.sender(call).is_executing;
    out.judged(move |reply| match reply {
        // Redis writes the file at once; rotom would have to wait for the disk.
        Reply::Error(text)
            if text == b"ERR CONFIG REWRITE is not allowed inside a transaction" && is_executing =>
        {
            Ok(())
        }
        Reply::Simple(text) if text == b"OK" => Ok(()),
        Reply::Error(text) if text == b"ERR The server is running without a config file" => Ok(()),
        Reply::Error(text) if text.starts_with(b"ERR Rewriting config file: ") => Ok(()),
        _ => Err("OK, or why the file cannot be written".to_owned()),
    });
    Ok(())
}
