//! A client that writes until the server is killed, and knows what it was told.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::unit::Unit;
use crate::support::client::{Client, Reply};
use crate::support::random::Random;
use crate::support::{PATIENCE, sys, wait_for};

/// Requests that are sent at once, at most.
const PIPELINE_MAX: u64 = 24;

/// What the clients of a run share: the order of what they do, and when the server is killed.
#[derive(Debug)]
pub struct Run {
    /// Everything that clients do and see has a number from here: what has the smaller one was before.
    events: AtomicU64,
    /// How many units were begun.
    units: AtomicU64,
    lull_at: u64,
    had_lull: AtomicBool,
    kill_at: u64,
    kill: Kill,
    pid: u32,
}

/// Where in its pipeline the client is that kills the server.
#[derive(Clone, Copy, Debug)]
pub enum Kill {
    /// It has sent half of the bytes of the next unit.
    WithinUnit,
    /// It has sent what comes before the unit.
    AfterSending,
    /// It has heard one reply to what it sent.
    AfterReply,
}

impl Run {
    /// A run that kills the process `pid` at a unit, and lets it come to rest before another.
    pub fn new(pid: u32, lull_at: u64, kill_at: u64, kill: Kill) -> Run {
        let (events, units) = (AtomicU64::new(0), AtomicU64::new(0));
        Run { events, units, lull_at, had_lull: AtomicBool::new(false), kill_at, kill, pid }
    }

    /// Whether clients wait until the server has written what it has answered.
    pub fn is_lull(&self) -> bool {
        self.units() >= self.lull_at && !self.had_lull.load(Ordering::SeqCst)
    }

    /// Lets clients go on, if they wait.
    pub fn end_lull(&self) {
        if self.is_lull() {
            self.had_lull.store(true, Ordering::SeqCst);
        }
    }

    /// The number of something that happens now.
    pub fn event(&self) -> u64 {
        self.events.fetch_add(1, Ordering::SeqCst)
    }

    /// How many units were begun.
    pub fn units(&self) -> u64 {
        self.units.load(Ordering::SeqCst)
    }

    /// Whether the server was killed, or is about to be.
    pub fn is_over(&self) -> bool {
        self.units() > self.kill_at
    }

    fn kill(&self) {
        sys::signal(self.pid, libc::SIGKILL).expect("our own child, not yet reaped, can be killed");
    }
}

/// What a client has sent in a run, and when it was told that it was done.
#[derive(Debug, Default)]
pub struct Story {
    /// In the order of sending; the last ones may not have arrived.
    pub units: Vec<Unit>,
    /// The event of sending each.
    pub sent: Vec<u64>,
    /// The event of each one's last reply; as many as were answered.
    pub answered: Vec<u64>,
    /// Why it went no further, if that was not because the server was gone.
    pub failure: Option<String>,
}

impl Story {
    /// How many units were answered before an event.
    pub fn answered_before(&self, event: u64) -> usize {
        self.answered.partition_point(|&answered| answered < event)
    }
}

/// A client.
#[derive(Debug)]
pub struct Writer<'a> {
    /// What it shares with the others.
    pub run: &'a Run,
    /// To the server.
    pub connection: Client,
    /// Its number.
    pub client: usize,
    /// The number of its first unit.
    pub first: u64,
    /// Decides what it sends.
    pub random: Random,
    /// What it has done so far.
    pub story: Story,
}

impl Writer<'_> {
    /// Writes until the server is gone, and hears what it had left to say.
    pub fn write(mut self) -> Story {
        while self.send_and_hear().is_some() {}
        while self.story.failure.is_none() && self.hear_one().is_some() {}
        self.story
    }

    /// Sends some units and hears of all of them. None when the server is gone.
    fn send_and_hear(&mut self) -> Option<()> {
        wait_for(PATIENCE, || !self.run.is_lull());
        let count = if self.random.one_in(3) { 1 } else { 1 + self.random.below(PIPELINE_MAX) };
        let begun = self.run.units.fetch_add(count, Ordering::SeqCst);
        let is_killing = (begun..begun + count).contains(&self.run.kill_at);
        let count = if is_killing { self.run.kill_at - begun } else { count };
        let mut bytes = Vec::new();
        for _ in 0..count {
            let unit = self.draw();
            unit.encode(&mut bytes);
            self.story.sent.push(self.run.event());
            self.story.units.push(unit);
        }
        if is_killing {
            self.send_and_kill(bytes);
            return None;
        }
        self.connection.send_raw(&bytes).ok()?;
        (0..count).try_for_each(|_| self.hear_one())
    }

    fn send_and_kill(&mut self, mut bytes: Vec<u8>) {
        if matches!(self.run.kill, Kill::WithinUnit) {
            let whole_len = bytes.len();
            self.draw().encode(&mut bytes);
            bytes.truncate(usize::midpoint(whole_len, bytes.len()));
        }
        // A server that does not take them has other clients to answer for.
        let _ = self.connection.send_raw(&bytes);
        if matches!(self.run.kill, Kill::AfterReply) && self.story.answered.len() < self.story.units.len() {
            self.hear_one();
        }
        self.run.kill();
    }

    fn draw(&mut self) -> Unit {
        let number = self.first + self.story.units.len() as u64;
        Unit::draw(&mut self.random, self.client, number)
    }

    /// Hears all replies to the next unit. None when the server is gone before the last one.
    fn hear_one(&mut self) -> Option<()> {
        let unit = self.story.units.get(self.story.answered.len())?;
        for _ in 0..unit.replies() {
            let reply = self.connection.read_reply().ok()?;
            let is_failure = match &reply {
                Reply::Array(items) => items.iter().any(|item| matches!(item, Reply::Error(_))),
                Reply::Error(_) => true,
                _ => false,
            };
            if is_failure {
                self.story.failure = Some(format!("{unit:?} was answered with {reply:?}"));
                return None;
            }
        }
        self.story.answered.push(self.run.event());
        Some(())
    }
}
