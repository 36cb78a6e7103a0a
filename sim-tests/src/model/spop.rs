//! SPOP: nobody knows which members it takes, until the server says so.
//!
//! Where the effects of a command are known, they tell. Elsewhere the model takes some members of its own choice, and
//! puts that right when the reply arrives; what is asked in between is answered as if they were gone.

use super::Model;
use super::answer::{Expected, Out, Refusal};
use super::call::{Call, is};
use super::effects;
use super::generic::bulk;
use super::keyspace::Place;
use super::number::integer;
use super::sample::{self, Shape};
use super::set::{Members, SetLimits, SetValue};
use super::string::SYNTAX;
use super::value::Value;
use crate::reply::Reply;

/// The effects of the execution under way, as far as no command has claimed them.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    commands: Option<Vec<Vec<Vec<u8>>>>,
}

impl Heard {
    pub fn new(effects: Option<&[u8]>) -> Heard {
        // What cannot be parsed is reported when the effects are checked.
        Heard { commands: effects.map(|effects| effects::parse(effects).unwrap_or_default()) }
    }

    /// Claims an effect that says a request again.
    pub fn skip(&mut self, words: &[Vec<u8>]) {
        let Some(commands) = &mut self.commands else { return };
        let is_same =
            |command: &Vec<Vec<u8>>| command[0].eq_ignore_ascii_case(&words[0]) && command[1..] == words[1..];
        if let Some(at) = commands.iter().position(is_same) {
            commands.remove(at);
        }
    }

    /// Claims the effects that remove so many members of a set; `None` if they are not there.
    fn removed(&mut self, key: &[u8], count: usize, members: &Members) -> Option<Members> {
        let commands = self.commands.as_mut()?;
        let mut removed = Members::new();
        commands.retain(|command| {
            let is_ours = removed.len() < count
                && command.len() > 2
                && is(&command[0], "SREM")
                && command[1] == key
                && command[2..].iter().all(|member| members.contains(member) && !removed.contains(member));
            if is_ours {
                removed.extend(command[2..].iter().cloned());
            }
            !is_ours
        });
        (removed.len() == count).then_some(removed)
    }
}

/// Members that were taken, if the reply says the same.
#[derive(Clone, Debug)]
pub(super) struct Popped {
    place: Place,
    key: Vec<u8>,
    before: SetValue,
    taken: Members,
    /// Whether a count was given.
    is_counted: bool,
    is_resp3: bool,
    limits: SetLimits,
}

/// `SPOP key [count]`
pub(super) fn spop(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let key = call.word(1);
    let count = match call.rest(2) {
        [] => None,
        [word] => {
            let count = integer(word).and_then(|count| usize::try_from(count).ok());
            Some(count.ok_or("ERR value is out of range, must be positive")?)
        }
        _ => return Err(SYNTAX.into()),
    };
    let Some(before) = model.write_set(call, key)? else {
        match count {
            Some(_) => out.set(0),
            None => out.null(),
        }
        return Ok(());
    };
    let wanted = count.unwrap_or(1).min(before.members.len());
    let is_certain = wanted == 0 || wanted == before.members.len();
    let own_choice = || before.members.iter().take(wanted).cloned().collect();
    let told = if is_certain { None } else { model.heard.removed(key, wanted, &before.members) };
    let is_told = told.is_some();
    let taken: Members = told.unwrap_or_else(own_choice);
    let limits = model.set_limits();
    if wanted > 0 {
        model.save(call, key, Value::Set(left(&before, &taken, count.is_some(), limits)));
    }
    if is_certain || is_told {
        match (count, taken.first()) {
            (None, Some(member)) => out.bulk(member),
            _ => sample::in_any_order(out, Shape::Set, taken.into_iter().collect()),
        }
    } else {
        let (place, is_counted, is_resp3) = (call.place, count.is_some(), out.is_resp3);
        let popped = Popped { place, key: key.to_vec(), before, taken, is_counted, is_resp3, limits };
        out.special(Expected::Popped(Box::new(popped)));
    }
    Ok(())
}

/// What is left of a set. Whoever asks for far more than is left gets the old set, and a new one is made of the rest.
fn left(before: &SetValue, taken: &Members, is_counted: bool, limits: SetLimits) -> SetValue {
    const STRATEGY_FACTOR: usize = 5;
    let members: Members = before.members.difference(taken).cloned().collect();
    if is_counted && members.len() * STRATEGY_FACTOR <= taken.len() {
        before.rebuilt(&members, limits)
    } else {
        let mut set = before.clone();
        set.members = members;
        set
    }
}

impl Model {
    /// Judges what was popped, and makes it so.
    pub(super) fn adopt_popped(&mut self, popped: &Popped, reply: &Reply) -> Result<(), String> {
        let shown = if popped.is_counted {
            Shape::Set.texts(reply, popped.is_resp3)?
        } else {
            vec![bulk(reply).ok_or("a member")?.to_vec()]
        };
        let taken: Members = shown.iter().cloned().collect();
        let count = popped.taken.len();
        if shown.len() != count || taken.len() != count || !taken.is_subset(&popped.before.members) {
            return Err(format!("{count} members that were there, each once"));
        }
        let expected = left(&popped.before, &popped.taken, popped.is_counted, popped.limits);
        let actual = left(&popped.before, &taken, popped.is_counted, popped.limits);
        self.keyspace.adjust(popped.place, &popped.key, |value| {
            let Value::Set(set) = value else { return };
            if *set == expected {
                *set = actual;
            } else {
                set.members.extend(popped.taken.difference(&taken).cloned());
                set.members.retain(|member| !taken.contains(member) || popped.taken.contains(member));
            }
        });
        Ok(())
    }
}
