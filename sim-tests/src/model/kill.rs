//! CLIENT KILL.

use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::client::{Client, Life};
use super::number::integer;
use super::string::SYNTAX;
use super::{ClientId, Model};
use crate::reply::Reply;

/// What a client must be to be ended. Every condition counts.
#[derive(Debug, Default)]
struct Victims<'a> {
    id: Option<i64>,
    address: Option<&'a [u8]>,
    own_address: Option<&'a [u8]>,
    is_normal: Option<bool>,
    spares_self: bool,
}

/// The kinds of clients.
const TYPES: [&str; 5] = ["normal", "replica", "slave", "master", "pubsub"];

/// The client type a word names: whether it is the one that every client is here.
pub(super) fn client_type(word: &[u8]) -> Result<bool, Refusal> {
    match TYPES.into_iter().find(|name| is(word, name)) {
        Some(name) => Ok(name == "normal"),
        None => Err(Refusal::around("ERR Unknown client type '", word, "'")),
    }
}

/// `CLIENT KILL ip:port`, `CLIENT KILL [ID client-id] [TYPE …] [USER …] [ADDR …] [LADDR …] [SKIPME yes | no]`
pub(super) fn kill(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let is_old = call.words.len() == 3;
    let victims = if is_old {
        Victims { address: Some(call.word(2)), ..Victims::default() }
    } else {
        Victims::parse(call.rest(2))?
    };
    let own_address = format!("127.0.0.1:{}", model.config.integer("port")).into_bytes();
    let fits = |id: ClientId, client: &Client| {
        matches!(client.life, Life::Stands | Life::Ends)
            && victims.id.is_none_or(|wanted| wanted == client.id)
            && victims.address.is_none_or(|wanted| wanted == client.address.as_bytes())
            && victims.own_address.is_none_or(|wanted| wanted == own_address)
            && victims.is_normal.is_none_or(|is_normal| is_normal)
            && !(victims.spares_self && id == call.client)
    };
    let may_be_gone = model.ends_idle_clients();
    let mut count = 0;
    let mut sure_count = 0;
    for (&id, client) in model.clients.iter_mut().filter(|(id, client)| fits(**id, client)) {
        count += 1;
        sure_count += i64::from(id == call.client || !may_be_gone && client.stands_surely());
        if id == call.client {
            client.life = Life::Ends;
        } else {
            client.life = Life::Killed;
            client.wait = None;
            client.forget_input();
        }
    }
    if is_old && count == 0 {
        return Err("ERR No such client".into());
    }
    if sure_count < count {
        // Whoever is already gone, which the model is told only later, is not found.
        model.unsure_commands.insert("client|kill");
        out.judged(move |reply| match reply {
            Reply::Simple(text) if is_old && text == b"OK" => Ok(()),
            Reply::Error(text) if is_old && sure_count == 0 && text == b"ERR No such client" => Ok(()),
            &Reply::Integer(found) if !is_old && (sure_count..=count).contains(&found) => Ok(()),
            _ => Err(format!("{sure_count} to {count} clients")),
        });
    } else if is_old {
        out.ok();
    } else {
        out.integer(count);
    }
    Ok(())
}

impl<'a> Victims<'a> {
    fn parse(words: &'a [Vec<u8>]) -> Result<Victims<'a>, Refusal> {
        let mut victims = Victims { spares_self: true, ..Victims::default() };
        let (pairs, rest) = words.as_chunks::<2>();
        for [word, value] in pairs {
            if is(word, "ID") {
                let id = integer(value).filter(|&id| id > 0);
                victims.id = Some(id.ok_or("ERR client-id should be greater than 0")?);
            } else if is(word, "TYPE") {
                victims.is_normal = Some(client_type(value)?);
            } else if is(word, "ADDR") {
                victims.address = Some(value);
            } else if is(word, "LADDR") {
                victims.own_address = Some(value);
            } else if is(word, "USER") {
                if value != b"default" {
                    return Err(Refusal::around("ERR No such user '", value, "'"));
                }
            } else if is(word, "SKIPME") && (is(value, "yes") || is(value, "no")) {
                victims.spares_self = is(value, "yes");
            } else {
                return Err(SYNTAX.into());
            }
        }
        if rest.is_empty() { Ok(victims) } else { Err(SYNTAX.into()) }
    }
}
