//! Members chosen by chance: `SPOP` and `SRANDMEMBER`.

use super::{reply_member, reply_set, set_mut, set_of};
use crate::commands::sampling::{SampleSize, Selection, is_in_vain};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use crate::keyspace::HashKey;
use crate::number::parse_i64;
use crate::propagation::Propagate;
use crate::resp::Reply;
use crate::value::set::{Set, SetLimits};
use crate::value::{Collection, StringRef};

/// Members that one command of the log names at most.
const MEMBERS_PER_EFFECT_MAX: usize = 1024;

/// When fewer than this part of what is popped stays, what stays is chosen.
const KEPT_PART_MAX: usize = 5;

/// `SPOP key [count]` — O(N). Propagated as `SREM` of what chance has chosen, or as `DEL` when that is all.
pub(super) fn spop(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    match args.len() {
        2 => pop_one(ctx),
        3 => pop_many(ctx),
        _ => Err(CommandError::Syntax),
    }
}

/// `SRANDMEMBER key [count]` — O(N). A negative count may give a member more than once.
pub(super) fn srandmember(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() > 2 {
        return sample(ctx);
    }
    let server = &mut *ctx.server;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    match set_of(entry)?.random(&mut || server.random_u64()) {
        Some(member) => reply_member(ctx.reply, member),
        None => ctx.reply.null(),
    }
    Ok(Propagate::Nothing)
}

fn pop_one(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let mut effect = Popped::new(ctx);
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.null();
        return Ok(Propagate::Nothing);
    };
    let set = set_mut(&mut found)?;
    set.pop(&mut || ctx.server.random_u64(), |member| {
        reply_member(ctx.reply, member);
        effect.note(member);
    });
    if set.is_empty() && !mutant!(Mutant::EmptyKeyLeftBehind) {
        found.remove();
    }
    if mutant!(Mutant::SpopPropagatedVerbatim) {
        return Ok(Propagate::AsIs);
    }
    effect.propagate(ctx);
    Ok(Propagate::Rewritten)
}

fn pop_many(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    let count = parse_i64(&args[2]).and_then(|count| usize::try_from(count).ok());
    let count = count.ok_or("ERR value is out of range, must be positive")?;
    let hash_key = ctx.keys.dataset.hash_key;
    let limits = ctx.keys.dataset.limits.set;
    let mut effect = Popped::new(ctx);
    let Some(mut found) = ctx.keys.write(&args[1]) else {
        ctx.reply.set(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_mut(&mut found)?;
    if count == 0 {
        ctx.reply.set(0);
        return Ok(Propagate::Nothing);
    }
    if count >= set.len() {
        reply_set(ctx.reply, set);
        ctx.keys.discard(&args[1]);
        ctx.keys.propagate(&[b"DEL", &args[1]]);
        return Ok(Propagate::Rewritten);
    }
    ctx.reply.set(count);
    let mut random = || ctx.server.random_u64();
    let kept_len = set.len() - count;
    let mut old = None;
    if kept_len.saturating_mul(KEPT_PART_MAX) < count && set.as_listpack().is_none() {
        let kept = keep(set, kept_len, &limits, hash_key, &mut random);
        old.insert(std::mem::replace(set, kept)).iter().for_each(|member| {
            reply_member(ctx.reply, member);
            effect.note(member);
        });
    } else {
        for _ in 0..count {
            set.pop(&mut random, |member| {
                reply_member(ctx.reply, member);
                effect.note(member);
            });
        }
    }
    if let Some(old) = old {
        ctx.keys.dataset.lazy_free.push(Collection::Set(old).into_remains());
    }
    effect.propagate(ctx);
    Ok(Propagate::Rewritten)
}

/// Moves so many members of a set into a new one, which begins as Redis' does.
fn keep(
    set: &mut Set,
    count: usize,
    limits: &SetLimits,
    hash_key: HashKey,
    random: &mut dyn FnMut() -> u64,
) -> Set {
    let mut kept = if set.as_intset().is_some() { Set::new_intset() } else { Set::new_listpack() };
    for _ in 0..count {
        set.pop(random, |member| kept.add(member, limits, hash_key));
    }
    kept
}

fn sample(ctx: &mut Context<'_>) -> CommandResult {
    let args = ctx.args;
    if args.len() > 3 {
        return Err(CommandError::Syntax);
    }
    let size = SampleSize::parse(&args[2])?;
    let hash_key = ctx.keys.dataset.hash_key;
    let Some(entry) = ctx.keys.read(&args[1]) else {
        ctx.reply.array(0);
        return Ok(Propagate::Nothing);
    };
    let set = set_of(entry)?;
    let server = &mut *ctx.server;
    if !size.is_distinct || size.count == 1 {
        ctx.reply.array(size.count);
        for _ in 0..size.count {
            if is_in_vain(ctx.reply, &server.config) {
                break;
            }
            let member = set.random(&mut || server.random_u64());
            member.into_iter().for_each(|member| reply_member(ctx.reply, member));
        }
        return Ok(Propagate::Nothing);
    }
    let count = size.count.min(set.len());
    let mut random = || server.random_u64();
    ctx.reply.array(count);
    if count == set.len() {
        set.iter().for_each(|member| reply_member(ctx.reply, member));
    } else if set.as_listpack().is_some() || size.is_walk(set.len()) {
        let mut selection = Selection::new(count, set.len());
        let selected = set.iter().filter(|_| selection.takes(&mut random));
        selected.for_each(|member| reply_member(ctx.reply, member));
    } else {
        draw(set, count, hash_key, &mut random, ctx.reply);
    }
    Ok(Propagate::Nothing)
}

/// Draws members until there are so many different ones.
fn draw(set: &Set, count: usize, hash_key: HashKey, random: &mut dyn FnMut() -> u64, reply: &mut Reply) {
    let mut drawn = Set::new_table(hash_key);
    while drawn.len() < count
        && let Some(member) = set.random(random)
    {
        if drawn.add(member, &SetLimits::default(), hash_key) {
            reply_member(reply, member);
        }
    }
}

/// What was popped, for those who follow the log. It costs nothing when there are none.
struct Popped {
    is_heard: bool,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Popped {
    fn new(ctx: &Context<'_>) -> Popped {
        Popped { is_heard: ctx.keys.dataset.log.is_heard(), bytes: Vec::new(), ends: Vec::new() }
    }

    #[inline]
    fn note(&mut self, member: StringRef<'_>) {
        if self.is_heard {
            member.append_to(&mut self.bytes);
            self.ends.push(self.bytes.len());
        }
    }

    fn propagate(&self, ctx: &mut Context<'_>) {
        let args = ctx.args;
        let mut start = 0;
        for ends in self.ends.chunks(MEMBERS_PER_EFFECT_MAX) {
            let mut effect: Vec<&[u8]> = vec![b"SREM", &args[1]];
            for &end in ends {
                effect.push(&self.bytes[start..end]);
                start = end;
            }
            ctx.keys.propagate(&effect);
        }
    }
}
