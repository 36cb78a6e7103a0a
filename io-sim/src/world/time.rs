//! Letting time pass, with a rest at every moment at which something happens.

use super::World;
use crate::witness::Witness;
use rotom_core::time::Monotonic;
use std::time::Duration;

/// Turns a world takes until it comes to rest; more mean that the server keeps itself busy.
pub const TURNS_MAX: usize = 5_000_000;

impl World {
    /// Lets time pass, with a rest at every moment at which something arrives or is due. Ends early, also within a rest,
    /// when the witness wants a pause.
    pub fn run_for(&mut self, time: Duration, witness: &mut dyn Witness) {
        let end = self.clock.now().monotonic + time;
        loop {
            self.rest(witness);
            let now = self.clock.now().monotonic;
            if now >= end || self.is_over() || witness.wants_pause() {
                return;
            }
            let next = self.next_event().map_or(end, |next| next.min(end)).max(now);
            self.pass_until(next, witness);
            if witness.wants_pause() {
                return;
            }
        }
    }

    /// Lets time pass in which nothing comes from outside, and the server does nothing but look at the clock. Stops
    /// early when something comes of that.
    fn pass_until(&mut self, next: Monotonic, witness: &mut dyn Witness) {
        loop {
            let now = self.clock.now().monotonic;
            let due = self.core.poll_timeout().unwrap_or(Monotonic::NEVER);
            if due >= next || due <= now {
                let time = if due >= next { next - now } else { Duration::ZERO };
                self.clock.advance(time);
                return;
            }
            self.clock.advance(due - now);
            if self.tick(witness) {
                return;
            }
        }
    }

    /// Lets turns happen until nothing is left to do before time passes.
    ///
    /// # Panics
    /// When that takes more than [`TURNS_MAX`] turns.
    pub fn rest(&mut self, witness: &mut dyn Witness) {
        for _ in 0..TURNS_MAX {
            if self.is_over() {
                return;
            }
            self.turn(witness);
            if witness.wants_pause() || !self.has_work() {
                return;
            }
        }
        panic!("the server does not come to rest");
    }

    fn has_work(&self) -> bool {
        let now = self.clock.now().monotonic;
        self.core.poll_timeout().is_some_and(|deadline| deadline <= now)
            || !self.waiting.is_empty() && self.accepts_at <= now
            || self.working.iter().any(|&(at, _)| at <= now)
            || self.unwritten.iter().any(|conn| self.window(*conn) > 0)
            || self.alive.iter().any(|&index| {
                let link = &self.links[index];
                link.readable_len(now) > 0
                    || link.due(now).is_some()
                    || link.takes_at <= now && link.to_client.arrived_len(now) > 0
            })
    }

    /// The next moment at which something comes from outside.
    fn next_event(&self) -> Option<Monotonic> {
        let now = self.clock.now().monotonic;
        let links = self.alive.iter().filter_map(|&index| self.links[index].next_event(now));
        let accept = (!self.waiting.is_empty()).then_some(self.accepts_at);
        let disk = self.working.iter().map(|&(at, _)| at).filter(|&at| at > now);
        links.chain(disk).chain(accept).min()
    }
}
