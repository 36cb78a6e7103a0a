//! The server as a whole.

use super::Model;
use super::answer::{Out, Refusal};
use super::call::{Call, is};
use super::client::Life;
use super::generic::{NO_SUCH_DATABASE, bulk};
use super::number::integer;
use super::string::SYNTAX;
use crate::reply::Reply;

/// `DBSIZE`: expired keys count as long as they are there. Without effects nobody knows how long that is.
pub(super) fn dbsize(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let most = model.keyspace.entries(call.place).len();
    let least = if model.knows_removals() { most } else { model.keyspace.living(call.place).count() };
    if least == most {
        out.integer(i64::try_from(most).unwrap_or(i64::MAX));
    } else {
        out.judged(move |reply| match reply {
            Reply::Integer(count)
                if usize::try_from(*count).is_ok_and(|count| (least..=most).contains(&count)) =>
            {
                Ok(())
            }
            _ => Err(format!("an integer from {least} to {most}")),
        });
    }
    Ok(())
}

/// `BGREWRITEAOF`: whether one is under way is not for the model to know.
pub(super) fn bgrewriteaof(model: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.unsure_errors += 1;
    model.unsure_commands.insert("bgrewriteaof");
    out.judged(|reply| match reply {
        Reply::Simple(text) if text == b"Background append only file rewriting started" => Ok(()),
        Reply::Simple(text) if text == b"Background append only file rewriting scheduled" => Ok(()),
        Reply::Error(text) if text == b"ERR Background append only file rewriting already in progress" => {
            Ok(())
        }
        _ => Err("that a rewrite has started, or was before".to_owned()),
    });
    Ok(())
}

/// `BGSAVE [SCHEDULE]`: what is under way on disk is not for the model to know.
pub(super) fn bgsave(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    match call.rest(1) {
        [] => {}
        [word] if is(word, "SCHEDULE") => {}
        _ => return Err(SYNTAX.into()),
    }
    model.unsure_errors += 1;
    out.judged(|reply| match reply {
        Reply::Simple(text)
            if text == b"Background saving started" || text == b"Background saving scheduled" =>
        {
            Ok(())
        }
        Reply::Error(text)
            if text == b"ERR Background save already in progress"
                || text.starts_with(b"ERR Another child process is active (AOF?)") =>
        {
            Ok(())
        }
        _ => Err("that a save has started, will start, or cannot".to_owned()),
    });
    Ok(())
}

/// `SAVE`: whether it can be done is not for the model to know.
pub(super) fn save(model: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    model.unsure_errors += 1;
    out.judged(|reply| match reply {
        Reply::Simple(text) if text == b"OK" => Ok(()),
        Reply::Error(text) if text == b"ERR" || text == b"ERR Background save already in progress" => Ok(()),
        _ => Err("OK, or that it cannot be done".to_owned()),
    });
    Ok(())
}

/// `LASTSAVE`: when that was is not for the model to know.
pub(super) fn lastsave(_: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    out.judged(|reply| match reply {
        Reply::Integer(seconds) if *seconds >= 0 => Ok(()),
        _ => Err("a time".to_owned()),
    });
    Ok(())
}

/// `FLUSHALL [ASYNC | SYNC]`
pub(super) fn flushall(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    check_flush(call)?;
    for (index, place) in model.keyspace.order().to_vec().into_iter().enumerate() {
        model.touch_database(index, None);
        model.keyspace.clear(place);
    }
    out.ok();
    Ok(())
}

/// `FLUSHDB [ASYNC | SYNC]`
pub(super) fn flushdb(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    check_flush(call)?;
    let selected = model.sender(call).selected;
    model.touch_database(selected, None);
    model.keyspace.clear(call.place);
    out.ok();
    Ok(())
}

fn check_flush(call: &Call) -> Result<(), Refusal> {
    match call.rest(1) {
        [] => Ok(()),
        [word] if is(word, "ASYNC") || is(word, "SYNC") => Ok(()),
        _ => Err(SYNTAX.into()),
    }
}

/// `SWAPDB index1 index2`
pub(super) fn swapdb(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let number = |word: &[u8], error: &str| {
        integer(word).and_then(|number| i32::try_from(number).ok()).ok_or(Refusal::from(error))
    };
    let first = number(call.word(1), "ERR invalid first DB index")?;
    let second = number(call.word(2), "ERR invalid second DB index")?;
    let count = model.keyspace.count();
    let index = |number: i32| usize::try_from(number).ok().filter(|&index| index < count);
    let (Some(first), Some(second)) = (index(first), index(second)) else {
        return Err(NO_SUCH_DATABASE.into());
    };
    if first != second {
        model.touch_database(first, Some(second));
        model.touch_database(second, Some(first));
        model.keyspace.swap(first, second);
        model.note_swapped([first, second]);
    }
    out.ok();
    Ok(())
}

/// `TIME`
pub(super) fn time(model: &mut Model, _: &Call, out: &mut Out) -> Result<(), Refusal> {
    let now_us = model.clock.wall_us;
    let tolerance_us = model.tolerance_ms.unsigned_abs() * 1000;
    if tolerance_us == 0 {
        out.array(2);
        out.bulk((now_us / 1_000_000).to_string().as_bytes());
        out.bulk((now_us % 1_000_000).to_string().as_bytes());
        return Ok(());
    }
    out.judged(move |reply| {
        let Reply::Array(items) = reply else { return Err("seconds and microseconds".to_owned()) };
        let number = |item: &Reply| std::str::from_utf8(bulk(item)?).ok()?.parse::<u64>().ok();
        let numbers: Vec<u64> = items.iter().filter_map(number).collect();
        let fits = matches!(numbers.as_slice(), &[seconds, us]
            if items.len() == 2 && us < 1_000_000 && (seconds * 1_000_000 + us).abs_diff(now_us) <= tolerance_us);
        if fits { Ok(()) } else { Err(format!("a time near {now_us} microseconds")) }
    });
    Ok(())
}

/// `SHUTDOWN [NOSAVE | SAVE] [NOW] [FORCE] [ABORT]`
pub(super) fn shutdown(model: &mut Model, call: &Call, out: &mut Out) -> Result<(), Refusal> {
    let (mut saves, mut save_not, mut aborts, mut others) = (false, false, false, false);
    for word in call.rest(1) {
        if is(word, "SAVE") {
            saves = true;
        } else if is(word, "NOSAVE") {
            save_not = true;
        } else if is(word, "ABORT") {
            aborts = true;
        } else if is(word, "NOW") || is(word, "FORCE") {
            others = true;
        } else {
            return Err(SYNTAX.into());
        }
    }
    if (saves && save_not) || (aborts && (saves || save_not || others)) {
        return Err(SYNTAX.into());
    }
    if aborts {
        return Err("ERR No shutdown in progress.".into());
    }
    for client in model.clients.values_mut().filter(|client| client.life != Life::Gone) {
        client.life = Life::Killed;
        client.wait = None;
        client.forget_input();
    }
    out.nothing();
    Ok(())
}
