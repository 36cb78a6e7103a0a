//! Connections.

use super::answer::{Out, Refusal, pairs_of};
use super::call::{Call, is, wrong_arity};
use super::client::{Client, Life, Replies};
use super::generic::database;
use super::number::integer;
use super::string::{NOT_AN_INTEGER, SYNTAX};
use super::{Model, Pause, PauseUntil};
use crate::reply::Reply;

const WRONG_PASSWORD: &str = "WRONGPASS invalid username-password pair or user is disabled.";
const BAD_NAME: &str = "ERR Client names cannot contain spaces, newlines or special characters.";

impl Model {
    /// The client that asks. It is there as long as its request runs.
    pub(super) fn sender(&mut self, call: &Call) -> &mut Client {
        self.clients.get_mut(&call.client).expect("a request under way has a sender")
    }

    /// Whether this is the one user's password. Without a password any will do.
    fn authenticate(&mut self, call: &Call, user: &[u8], password: &[u8]) -> Result<(), Refusal> {
        let is_right = !self.config.has_password() || self.config.text("requirepass") == password;
        if user != b"default" || !is_right {
            return Err(WRONG_PASSWORD.into());
        }
        self.sender(call).is_authenticated = true;
        Ok(())
    }
}

/// `AUTH [username] password`
pub(super) fn auth(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    match call.rest(1) {
        [_] if !model.config.has_password() => {
            return Err(
                "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
                 configuration is correct?"
                    .into(),
            );
        }
        [password] => model.authenticate(call, b"default", password)?,
        [user, password] => model.authenticate(call, user, password)?,
        _ => return Err(SYNTAX.into()),
    }
    out.ok();
    Ok(())
}

/// `ECHO message`
pub(super) fn echo(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.bulk(call.word(1));
    Ok(())
}

/// `PING [message]`
pub(super) fn ping(_: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    match call.rest(1) {
        [] => out.simple(b"PONG"),
        [message] => out.bulk(message),
        _ => return Err(wrong_arity("ping")),
    }
    Ok(())
}

/// `HELLO [protover [AUTH username password] [SETNAME clientname]]`
pub(super) fn hello(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut version = None;
    if let Some(word) = call.words.get(1) {
        let number = integer(word).ok_or("ERR Protocol version is not an integer or out of range")?;
        if number != 2 && number != 3 {
            return Err("NOPROTO unsupported protocol version".into());
        }
        version = Some(number);
    }
    let (mut login, mut name) = (None, None);
    let mut rest = call.rest(2);
    while let [word, behind @ ..] = rest {
        rest = match behind {
            [user, password, behind @ ..] if is(word, "AUTH") => {
                login = Some((user, password));
                behind
            }
            [new, behind @ ..] if is(word, "SETNAME") => {
                if !is_name(new) {
                    return Err(BAD_NAME.into());
                }
                name = Some(new);
                behind
            }
            _ => return Err(Refusal::around("ERR Syntax error in HELLO option '", word, "'")),
        };
    }
    if let Some((user, password)) = login {
        model.authenticate(call, user, password)?;
    }
    let sender = model.sender(call);
    if !sender.is_authenticated {
        return Err(
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH \
             <user> <pass> option can be used to authenticate the client and select the RESP protocol version at \
             the same time"
                .into(),
        );
    }
    if let Some(name) = name {
        sender.name.clone_from(name);
    }
    if let Some(version) = version {
        sender.is_resp3 = version == 3;
    }
    let (id, is_resp3) = (sender.id, sender.is_resp3);
    out.is_resp3 = is_resp3;
    out.judged(move |reply| judge_greeting(reply, id, is_resp3));
    Ok(())
}

fn judge_greeting(reply: &Reply, id: i64, is_resp3: bool) -> Result<(), String> {
    let bulk = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
    let known = [
        ("server", Some(bulk("redis"))),
        ("version", None),
        ("proto", Some(Reply::Integer(if is_resp3 { 3 } else { 2 }))),
        ("id", Some(Reply::Integer(id))),
        ("mode", Some(bulk("standalone"))),
        ("role", Some(bulk("master"))),
        ("modules", Some(Reply::Array(Vec::new()))),
    ];
    let pairs = pairs_of(reply, is_resp3)?;
    let fits = pairs.len() == known.len()
        && pairs.iter().zip(&known).all(|((key, value), (name, expected))| {
            **key == bulk(name)
                && match expected {
                    Some(expected) => *value == expected,
                    None => matches!(value, Reply::Bulk(version) if version.starts_with(b"7.")),
                }
        });
    if fits { Ok(()) } else { Err(format!("a greeting with {known:?}")) }
}

/// `QUIT`
pub(super) fn quit(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.sender(call).life = Life::Ends;
    out.ok();
    Ok(())
}

/// `RESET`
pub(super) fn reset(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let is_authenticated = !model.config.has_password();
    let sender = model.sender(call);
    sender.is_authenticated = is_authenticated;
    sender.is_resp3 = false;
    sender.selected = 0;
    sender.name.clear();
    sender.discard();
    (sender.no_evict, sender.no_touch) = (false, false);
    if sender.replies == Replies::Off {
        sender.replies = Replies::On;
    }
    out.is_resp3 = false;
    out.simple(b"RESET");
    Ok(())
}

/// `SELECT index`
pub(super) fn select(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let index = database(model, call.word(1))?;
    model.sender(call).selected = index;
    out.ok();
    Ok(())
}

/// `CLIENT GETNAME`
pub(super) fn client_getname(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let name = &model.sender(call).name;
    out.bulk_or_null((!name.is_empty()).then_some(name));
    Ok(())
}

/// `CLIENT SETNAME connection-name`
pub(super) fn client_setname(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    if !is_name(call.word(2)) {
        return Err(BAD_NAME.into());
    }
    model.sender(call).name = call.word(2).to_vec();
    out.ok();
    Ok(())
}

/// `CLIENT SETINFO LIB-NAME libname | LIB-VER libver`
pub(super) fn client_setinfo(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (option, value) = (call.word(2), call.word(3));
    let sender = model.sender(call);
    let field = if is(option, "LIB-NAME") {
        &mut sender.library
    } else if is(option, "LIB-VER") {
        &mut sender.library_version
    } else {
        return Err(Refusal::around("ERR Unrecognized option '", option, "'"));
    };
    if !is_name(value) {
        return Err(Refusal::around(
            "ERR ",
            option,
            " cannot contain spaces, newlines or special characters.",
        ));
    }
    *field = value.to_vec();
    out.ok();
    Ok(())
}

/// Names have no blanks, and nothing that a terminal would not show.
fn is_name(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_graphic)
}

/// `CLIENT ID`
pub(super) fn client_id(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.integer(model.sender(call).id);
    Ok(())
}

/// `CLIENT GETREDIR`
pub(super) fn client_getredir(_: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.integer(-1);
    Ok(())
}

/// `CLIENT NO-EVICT ON | OFF`
pub(super) fn client_no_evict(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.sender(call).no_evict = on_or_off(call.word(2))?;
    out.ok();
    Ok(())
}

/// `CLIENT NO-TOUCH ON | OFF`
pub(super) fn client_no_touch(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.sender(call).no_touch = on_or_off(call.word(2))?;
    out.ok();
    Ok(())
}

fn on_or_off(word: &[u8]) -> Result<bool, Refusal> {
    match (is(word, "ON"), is(word, "OFF")) {
        (true, _) => Ok(true),
        (_, true) => Ok(false),
        _ => Err(SYNTAX.into()),
    }
}

/// `CLIENT REPLY ON | OFF | SKIP`
pub(super) fn client_reply(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let word = call.word(2);
    let sender = model.sender(call);
    if is(word, "ON") {
        sender.replies = Replies::On;
        out.ok();
    } else if is(word, "OFF") {
        sender.replies = Replies::Off;
        out.nothing();
    } else if is(word, "SKIP") {
        if sender.replies != Replies::Off {
            sender.replies = Replies::SkipNext;
        }
        out.nothing();
    } else {
        return Err(SYNTAX.into());
    }
    Ok(())
}

/// `CLIENT PAUSE timeout [WRITE | ALL]`
pub(super) fn client_pause(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let mut kind = match call.rest(3) {
        [] => Pause::All,
        [word] if is(word, "ALL") => Pause::All,
        [word] if is(word, "WRITE") => Pause::Write,
        [_] => return Err("ERR CLIENT PAUSE mode must be WRITE or ALL".into()),
        _ => return Err(wrong_subcommand("PAUSE")),
    };
    let ms = integer(call.word(2)).ok_or("ERR timeout is not an integer or out of range")?;
    let ms = u64::try_from(ms).map_err(|_| "ERR timeout is negative")?;
    if call.now_ms.checked_add_unsigned(ms).is_none() {
        return Err("ERR timeout is out of range".into());
    }
    let mut monotonic_us = model.clock.monotonic_us.saturating_add(ms.saturating_mul(1000));
    if let Some(before) = model.pause {
        // A longer pause is not made shorter, a stricter one is not loosened.
        monotonic_us = monotonic_us.max(before.monotonic_us);
        if before.kind == Pause::All {
            kind = Pause::All;
        }
    }
    model.pause = Some(PauseUntil { kind, monotonic_us });
    out.ok();
    Ok(())
}

/// `CLIENT UNPAUSE`
pub(super) fn client_unpause(model: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.pause = None;
    out.ok();
    Ok(())
}

/// `CLIENT UNBLOCK client-id [TIMEOUT | ERROR]`
pub(super) fn client_unblock(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let refusal = match call.rest(3) {
        [] => None,
        [word] if is(word, "TIMEOUT") => None,
        [word] if is(word, "ERROR") => Some("UNBLOCKED client unblocked via CLIENT UNBLOCK".into()),
        [_] => return Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR".into()),
        _ => return Err(wrong_subcommand("UNBLOCK")),
    };
    let id = integer(call.word(2)).ok_or(NOT_AN_INTEGER)?;
    let waiter = model.standing().find(|(_, client)| client.id == id);
    let unsure = waiter.filter(|(_, client)| !client.stands_surely()).map(|(_, client)| client.waits_in());
    let ended = waiter.map(|(waiter, _)| waiter).is_some_and(|waiter| {
        let waited = model.give_up(waiter, refusal);
        // Behind whatever it waited for there may be some; of others it has been found.
        if waited {
            model.look_for_nonsense(waiter);
        }
        waited
    });
    if unsure.is_none() || !ended {
        out.integer(i64::from(ended));
    } else {
        // Whoever is owed too much waits no longer, and what it waited in has not been run.
        model.unsure_commands.extend(unsure.flatten());
        model.unsure_errors += 1;
        out.judged(|reply| match reply {
            Reply::Integer(0 | 1) => Ok(()),
            _ => Err("neither 0 nor 1".to_owned()),
        });
    }
    Ok(())
}

fn wrong_subcommand(name: &str) -> Refusal {
    format!("ERR unknown subcommand or wrong number of arguments for '{name}'. Try CLIENT HELP.").into()
}
