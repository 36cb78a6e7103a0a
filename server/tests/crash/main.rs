//! Servers killed in the middle of writing, and what the next one finds in their directory.
//!
//! Some clients write, each to keys of its own and all to one list, until the server is killed at an instant drawn in
//! what they have sent. It is started on the same directory again, and what it has is compared with what they know:
//!
//! * What a client has written is there up to some unit of it and no further, a transaction being one unit.
//! * No unit is there without another one that was answered before it was sent, whoever sent it.
//! * Under `appendfsync always`, every unit that was answered is there, and everything that was seen by a read.
//! * Under `everysec` and `no`, every unit is there that was answered before the server was asked how much it has
//!   still to write, and said nothing. The operating system goes on, so what was written need not be synced.
//! * A server that is killed while it loads, or before anybody writes, has changed nothing.
//!
//! Rewrites and snapshots run at some of the kills. `ROTOM_CRASH_KILLS` says how many kills each policy gets,
//! `ROTOM_CRASH_SEED` what they are like, and `ROTOM_SERVER_BIN` whom they hit. `ROTOM_CRASH_KEEP` names a directory
//! that gets a copy of what each server has left before the next one touches it.

#![deny(unsafe_code)]

mod data;
mod life;
#[path = "../support/mod.rs"]
mod support;
mod unit;
mod writer;

use life::{Life, Policy, Tally};

/// Kills in a directory, before the next one begins with nothing.
const KILLS_PER_LIFE: u64 = 8;

/// Kills for each policy unless the environment says otherwise.
const KILLS_DEFAULT: u64 = 3;

#[test]
fn nothing_answered_is_lost_under_always() {
    kill_often(Policy::Always);
}

#[test]
fn nothing_written_is_lost_under_everysec() {
    kill_often(Policy::EverySecond);
}

#[test]
fn nothing_written_is_lost_under_no() {
    kill_often(Policy::No);
}

fn kill_often(policy: Policy) {
    let seed = number_from("ROTOM_CRASH_SEED").unwrap_or(1);
    let mut left = number_from("ROTOM_CRASH_KILLS").unwrap_or(KILLS_DEFAULT);
    let mut number = 0;
    let mut tally = Tally::default();
    while left > 0 {
        let kills = left.min(KILLS_PER_LIFE);
        Life::new(seed, number, policy).go_on(kills, &mut tally);
        left -= kills;
        number += 1;
    }
    println!("{policy:?}: {tally:?}");
}

fn number_from(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is no number: {text}")))
}
