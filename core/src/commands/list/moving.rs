//! Commands that pop from one of several lists, or from one list onto another.

use super::{End, insert, list_mut, pop_range, settle};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::quicklist::Element;
use crate::value::{List, StringRef};
use bytes::Bytes;

/// `RPOPLPUSH source destination` — O(1).
pub(super) fn rpoplpush(ctx: &mut Context<'_>) -> CommandResult {
    match move_element(ctx, End::Tail, End::Head)? {
        Some(element) => element.reply(ctx.reply),
        None => {
            ctx.reply.null();
            return Ok(Propagate::Nothing);
        }
    }
    Ok(Propagate::AsIs)
}

/// `LMOVE source destination LEFT|RIGHT LEFT|RIGHT` — O(1).
pub(super) fn lmove(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let (from, to) = (parse_end(&args[3])?, parse_end(&args[4])?);
    match move_element(ctx, from, to)? {
        Some(element) => element.reply(ctx.reply),
        None => {
            ctx.reply.null();
            return Ok(Propagate::Nothing);
        }
    }
    Ok(Propagate::AsIs)
}

/// `LMPOP numkeys key [key …] LEFT|RIGHT [COUNT count]` — O(N + M). Propagated as the plain pop.
pub(super) fn lmpop(ctx: &mut Context<'_>) -> CommandResult {
    let request = MultiplePop::parse(ctx, 1)?;
    if !pop_first(ctx, &request)? {
        ctx.reply.null_array();
        return Ok(Propagate::Nothing);
    }
    Ok(Propagate::Rewritten)
}

/// What LMPOP and BLMPOP are asked for.
pub(super) struct MultiplePop {
    /// The first key's argument, and how many there are.
    pub first_key: usize,
    pub keys_len: usize,
    pub end: End,
    pub count: usize,
}

impl MultiplePop {
    /// Parses the arguments from the number of keys on.
    pub fn parse(ctx: &Context<'_>, number_at: usize) -> Result<MultiplePop, CommandError> {
        let args = ctx.args;
        let keys_len = parse_positive(&args[number_at], "ERR numkeys should be greater than 0")?;
        let end_at = number_at.saturating_add(keys_len).saturating_add(1);
        let end = parse_end(args.from(end_at).next().ok_or(CommandError::Syntax)?)?;
        let mut count = None;
        let mut index = end_at + 1;
        while index < args.len() {
            let value = args.from(index + 1).next();
            match value {
                Some(value) if count.is_none() && args[index].eq_ignore_ascii_case(b"COUNT") => {
                    count = Some(parse_positive(value, "ERR count should be greater than 0")?);
                }
                _ => return Err(CommandError::Syntax),
            }
            index += 2;
        }
        Ok(MultiplePop { first_key: number_at + 1, keys_len, end, count: count.unwrap_or(1) })
    }
}

/// Pops from the first list that is there, and answers with its key and the elements. Whether there was one.
pub(super) fn pop_first(ctx: &mut Context<'_>, request: &MultiplePop) -> Result<bool, CommandError> {
    let args = ctx.args;
    let limits = ctx.keys.dataset.limits.list;
    for key in args.from(request.first_key).take(request.keys_len) {
        let Some(mut found) = ctx.keys.write(key) else { continue };
        let list = list_mut(&mut found)?;
        ctx.reply.array(2);
        ctx.reply.bulk(key);
        let popped = request.count.min(list.len());
        pop_range(ctx.reply, list, request.end, request.count);
        settle(found, limits);
        let name: &[u8] = if request.end == End::Head { b"LPOP" } else { b"RPOP" };
        ctx.keys.propagate(&[name, key, popped.to_string().as_bytes()]);
        return Ok(true);
    }
    Ok(false)
}

/// An element between two lists.
pub(super) enum Moved {
    Int(i64),
    Bytes(Vec<u8>),
    Shared(Bytes),
}

impl Moved {
    fn of(element: Element<'_>) -> Moved {
        match element {
            Element::Small(StringRef::Int(value)) => Moved::Int(value),
            Element::Small(StringRef::Bytes(bytes)) => Moved::Bytes(bytes.to_vec()),
            Element::Large(bytes) => Moved::Shared(bytes.clone()),
        }
    }

    fn element(&self) -> Element<'_> {
        match self {
            Moved::Int(value) => Element::Small(StringRef::Int(*value)),
            Moved::Bytes(bytes) => Element::Small(StringRef::Bytes(bytes)),
            Moved::Shared(bytes) => Element::Large(bytes),
        }
    }

    /// What it counts when it is decided whether the other list has to grow: a number nothing, as in Redis.
    fn counted_bytes(&self) -> usize {
        if matches!(self, Moved::Int(_)) { 0 } else { self.element().len() }
    }

    /// Answers with it.
    pub fn reply(&self, reply: &mut Reply) {
        super::reply_element(reply, self.element());
    }
}

/// Moves an element from the list named first to the one named second, which may be the same. None when the first
/// is missing.
pub(super) fn move_element(ctx: &mut Context<'_>, from: End, to: End) -> Result<Option<Moved>, CommandError> {
    let args = ctx.args;
    let (source, destination) = (&args[1], &args[2]);
    let limits = ctx.keys.dataset.limits.list;
    match ctx.keys.write(source) {
        Some(mut found) => drop(list_mut(&mut found)?.len()),
        None => return Ok(None),
    }
    if let Some(mut found) = ctx.keys.write(destination) {
        list_mut(&mut found)?;
    }
    let Some(mut found) = ctx.keys.write(source) else { return Ok(None) };
    let list = list_mut(&mut found)?;
    let Some(moved) = list.end(from).map(Moved::of) else { return Ok(None) };
    list.pop(from);
    if source == destination {
        list.grow_for(moved.counted_bytes(), 1, limits);
        list.push(to, moved.element());
        list.shrink(limits);
        return Ok(Some(moved));
    }
    settle(found, limits);
    match ctx.keys.write(destination) {
        Some(mut found) => {
            let list = list_mut(&mut found)?;
            list.grow_for(moved.counted_bytes(), 1, limits);
            list.push(to, moved.element());
        }
        None => {
            let mut list = List::new();
            list.grow_for(moved.counted_bytes(), 1, limits);
            list.push(to, moved.element());
            insert(ctx, destination, list);
        }
    }
    Ok(Some(moved))
}

/// `LEFT` or `RIGHT`.
pub(super) fn parse_end(word: &[u8]) -> Result<End, CommandError> {
    if word.eq_ignore_ascii_case(b"LEFT") {
        Ok(End::Head)
    } else if word.eq_ignore_ascii_case(b"RIGHT") {
        Ok(End::Tail)
    } else {
        Err(CommandError::Syntax)
    }
}

fn parse_positive(word: &[u8], error: &'static str) -> Result<usize, CommandError> {
    let number = parse_i64(word).and_then(|number| usize::try_from(number).ok());
    number.filter(|&number| number > 0).ok_or_else(|| error.into())
}
