//! Lists.

mod blocking;
mod moving;
mod position;
mod table;

use crate::args::Args;
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::{EntryRef, Occupied};
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::quicklist::Element;
use crate::value::{Collection, End, List, ListLimits, NewValue, Remains, StringRef, ValueRef};
use blocking::{blmove, blmpop, blpop, brpop, brpoplpush};
use moving::{lmove, lmpop, rpoplpush};
use position::lpos;

pub(super) use table::TABLE;

/// `LPUSH key element [element …]` — O(N).
fn lpush(ctx: &mut Context<'_>) -> CommandResult {
    push(ctx, End::Head, Missing::Create)
}

/// `RPUSH key element [element …]` — O(N).
fn rpush(ctx: &mut Context<'_>) -> CommandResult {
    push(ctx, End::Tail, Missing::Create)
}

/// `LPUSHX key element [element …]` — O(N). A missing list stays missing.
fn lpushx(ctx: &mut Context<'_>) -> CommandResult {
    push(ctx, End::Head, Missing::Leave)
}

/// `RPUSHX key element [element …]` — O(N). A missing list stays missing.
fn rpushx(ctx: &mut Context<'_>) -> CommandResult {
    push(ctx, End::Tail, Missing::Leave)
}

/// `LPOP key [count]` — O(N). Without a count the reply is the element itself.
fn lpop(ctx: &mut Context<'_>) -> CommandResult {
    pop(ctx, End::Head)
}

/// `RPOP key [count]` — O(N). Without a count the reply is the element itself.
fn rpop(ctx: &mut Context<'_>) -> CommandResult {
    pop(ctx, End::Tail)
}

/// `LLEN key` — O(1).
fn llen(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let len = match ctx.keys.read(&args[1]) {
        Some(entry) => list_of(entry)?.len(),
        None => 0,
    };
    ctx.reply.integer(len as i64);
    Ok(Propagate::Nothing)
}

/// `LINDEX key index` — O(√N). A negative index counts from the end.
fn lindex(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    let list = list_of(entry)?;
    let index = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let mut scratch = Vec::new();
    match place_of(index, list.len()).and_then(|index| list.get(index, &mut scratch)) {
        Some(element) => reply_element(ctx.reply, element),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

/// `LINSERT key BEFORE|AFTER pivot element` — O(N). Answers -1 when the pivot is not there.
fn linsert(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let is_after = match &args[2] {
        word if word.eq_ignore_ascii_case(b"AFTER") => true,
        word if word.eq_ignore_ascii_case(b"BEFORE") => false,
        _ => return Err(CommandError::Syntax),
    };
    let limits = ctx.keys.dataset.limits.list;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let list = list_mut(&mut found)?;
    #[cfg(feature = "simulation")]
    let was_listpack = list.as_listpack().is_some();
    list.grow_for(args[4].len(), 1, limits);
    sometimes!(Mark::ListGrownByInsertion, was_listpack && list.as_listpack().is_none());
    let pivot = StringRef::Bytes(&args[3]);
    let Some(index) = list.walk(0, false).find(pivot) else {
        ctx.reply.integer(-1);
        return Ok(Propagate::Nothing);
    };
    list.insert_beside(index, is_after, element_of(args, 4, &args.shared(4)));
    ctx.reply.integer(list.len() as i64);
    Ok(Propagate::AsIs)
}

/// `LSET key index element` — O(√N).
fn lset(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let limits = ctx.keys.dataset.limits.list;
    let mut found = ctx.keys.write(&args[1]).ok_or(CommandError::NoSuchKey)?;
    let list = list_mut(&mut found)?;
    let index = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    list.grow_for(args[3].len(), 1, limits);
    let index = place_of(index, list.len()).ok_or("ERR index out of range")?;
    list.replace(index, element_of(args, 3, &args.shared(3)));
    // A large element may have made way for a small one.
    list.shrink(limits);
    ctx.reply.ok();
    Ok(Propagate::AsIs)
}

/// `LRANGE key start stop` — O(√N + M).
fn lrange(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let start = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let stop = parse_i64(&args[3]).ok_or(CommandError::NotInteger)?;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let list = list_of(entry)?;
    let (from, count) = range_of(start, stop, list.len());
    reply_range(ctx.reply, list, from, count, false);
    Ok(Propagate::Nothing)
}

/// `LTRIM key start stop` — O(N) in what is removed.
fn ltrim(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let start = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let stop = parse_i64(&args[3]).ok_or(CommandError::NotInteger)?;
    let limits = ctx.keys.dataset.limits.list;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.ok();
        return Ok(Propagate::Nothing);
    };
    let list = list_mut(&mut found)?;
    let len = list.len();
    let (from, count) = range_of(start, stop, len);
    ctx.reply.ok();
    if count == len {
        // Nothing to tell anybody but those who watch, to whom this counts as a change.
        list.shrink(limits);
        ctx.keys.touch(&args[1]);
        return Ok(Propagate::Nothing);
    }
    let behind = list.remove_range(from + count, len - from - count);
    let before = list.remove_range(0, from);
    list.shrink(limits);
    if count == 0 {
        found.remove();
    }
    ctx.keys.dataset.lazy_free.push(Remains::List(before));
    ctx.keys.dataset.lazy_free.push(Remains::List(behind));
    Ok(Propagate::AsIs)
}

/// `LREM key count element` — O(N). A negative count begins at the end; 0 removes all.
fn lrem(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let count = parse_i64(&args[2]).ok_or(CommandError::NotInteger)?;
    let limits = ctx.keys.dataset.limits.list;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    };
    let list = list_mut(&mut found)?;
    let count_max =
        if count == 0 { usize::MAX } else { usize::try_from(count.unsigned_abs()).unwrap_or(usize::MAX) };
    let removed = list.remove_equal(Element::from(&args[3]), count_max, count < 0);
    ctx.reply.integer(removed as i64);
    if removed == 0 {
        return Ok(Propagate::Nothing);
    }
    settle(found, limits);
    Ok(Propagate::AsIs)
}

/// What a command does about a list that is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    Create,
    Leave,
}

fn push(ctx: &mut Context<'_>, end: End, missing: Missing) -> CommandResult {
    let limits = ctx.keys.dataset.limits.list;
    let Some(mut found) = ctx.keys.write(&ctx.args[1]) else { return push_to_new(ctx, end, missing) };
    let list = list_mut(&mut found)?;
    push_all(list, end, ctx.args, limits);
    ctx.reply.integer(list.len() as i64);
    Ok(Propagate::AsIs)
}

fn push_to_new(ctx: &mut Context<'_>, end: End, missing: Missing) -> CommandResult {
    if missing == Missing::Leave {
        ctx.reply.integer(0);
        return Ok(Propagate::Nothing);
    }
    let args = ctx.args;
    let mut list = List::new();
    push_all(&mut list, end, args, ctx.keys.dataset.limits.list);
    ctx.reply.integer(list.len() as i64);
    insert(ctx, &args[1], list);
    Ok(Propagate::AsIs)
}

/// Pushes every argument from the second on.
#[inline]
fn push_all(list: &mut List, end: End, args: &Args<'_>, limits: ListLimits) {
    if list.as_listpack().is_some() {
        list.grow_for(args.from(2).map(<[u8]>::len).sum(), args.len() - 2, limits);
    }
    for index in 2..args.len() {
        list.push(end, element_of(args, index, &args.shared(index)));
    }
}

fn pop(ctx: &mut Context<'_>, end: End) -> CommandResult {
    let args = ctx.args;
    if args.len() > 3 {
        return Err(ctx.command.wrong_arity());
    }
    let count = if args.len() == 3 { Some(parse_count(&args[2])?) } else { None };
    let limits = ctx.keys.dataset.limits.list;
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        if count.is_some() {
            ctx.reply.null_array();
        } else {
            ctx.reply.null();
        }
        return Ok(Propagate::Nothing);
    };
    let list = list_mut(&mut found)?;
    match count {
        Some(0) => {
            ctx.reply.array(0);
            return Ok(Propagate::Nothing);
        }
        Some(count) => pop_range(ctx.reply, list, end, count),
        None => {
            if let Some(element) = list.end(end) {
                reply_element(ctx.reply, element);
                list.pop(end);
            }
        }
    }
    let is_last = list.is_empty();
    settle(found, limits);
    Ok(if is_last && mutant!(Mutant::LastPopNotLogged) { Propagate::Nothing } else { Propagate::AsIs })
}

/// Answers with the elements at one end, as many as there are up to `count`, and removes them.
fn pop_range(reply: &mut Reply, list: &mut List, end: End, count: usize) {
    let len = list.len();
    let count = count.min(len);
    let from = if end == End::Head { 0 } else { len - count };
    reply_range(reply, list, from, count, end == End::Tail);
    drop(list.remove_range(from, count));
}

/// After elements were removed: a list that is empty goes, and one that has become small is stored as such.
fn settle(mut found: Occupied<'_>, limits: ListLimits) {
    let is_empty = list_mut(&mut found).is_ok_and(|list| {
        list.shrink(limits);
        list.is_empty()
    });
    if is_empty {
        found.remove();
    }
}

/// Adds a list under a key that is not there.
fn insert(ctx: &mut Context<'_>, key: &[u8], list: List) {
    ctx.keys.insert(key, NewValue::Collection(Collection::List(list)), None);
}

/// The list an entry holds.
fn list_of(entry: EntryRef<'_>) -> Result<&List, CommandError> {
    match entry.value() {
        ValueRef::Collection(Collection::List(list)) => Ok(list),
        _ => Err(CommandError::WrongType),
    }
}

/// The list an entry holds, to change it.
fn list_mut<'a>(found: &'a mut Occupied<'_>) -> Result<&'a mut List, CommandError> {
    match found.collection_mut() {
        Some(Collection::List(list)) => Ok(list),
        _ => Err(CommandError::WrongType),
    }
}

/// An argument as an element: without a copy if it has memory of its own.
fn element_of<'a>(args: &'a Args<'_>, index: usize, shared: &'a Option<bytes::Bytes>) -> Element<'a> {
    match shared {
        Some(bytes) => Element::Large(bytes),
        None => Element::from(args.at(index)),
    }
}

/// A count that is not negative.
fn parse_count(word: &[u8]) -> Result<usize, CommandError> {
    let count = parse_i64(word).and_then(|count| usize::try_from(count).ok());
    count.ok_or_else(|| "ERR value is out of range, must be positive".into())
}

/// Where an index lies that may count from the end.
fn place_of(index: i64, len: usize) -> Option<usize> {
    let place = if index < 0 { index.checked_add(len as i64)? } else { index };
    usize::try_from(place).ok().filter(|&place| place < len)
}

/// Where a range begins whose ends are inclusive and may count from the end, and how many elements it has.
fn range_of(start: i64, stop: i64, len: usize) -> (usize, usize) {
    let len = len as i64;
    let from_end = |index: i64| if index < 0 { index.saturating_add(len) } else { index };
    let (start, stop) = (from_end(start).max(0), from_end(stop).min(len - 1));
    if start > stop { (0, 0) } else { (start as usize, (stop - start + 1) as usize) }
}

fn reply_element(reply: &mut Reply, element: Element<'_>) {
    match element {
        Element::Small(StringRef::Int(value)) => reply.bulk_int(value),
        Element::Small(StringRef::Bytes(bytes)) => reply.bulk(bytes),
        Element::Large(bytes) => reply.bulk_shared(bytes.clone()),
    }
}

/// Answers with an array of so many elements, backward from the last of them if that is wanted.
fn reply_range(reply: &mut Reply, list: &List, from: usize, count: usize, is_backward: bool) {
    reply.array(count);
    let mut walk = list.walk(if is_backward { from + count.saturating_sub(1) } else { from }, is_backward);
    for _ in 0..count {
        let Some(element) = walk.next() else { return };
        reply_element(reply, element);
    }
}
