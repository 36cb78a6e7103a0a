//! Disk work of the server, and the ends of its process.

use super::World;
use crate::disk::Crash;
use crate::network::Peer;
use crate::witness::{End, Witness};
use rotom_core::Core;
use std::time::Duration;

impl World {
    /// Sends disk work on its way. Whether there was any.
    pub(super) fn begin_disk(&mut self) -> bool {
        let now = self.clock.now().monotonic;
        let mut has_any = false;
        while let Some(op) = self.core.poll_disk() {
            has_any = true;
            let lane = op.lane;
            let delay = self.disk.submit(op);
            // A lane does its work in order, a piece at a time.
            let before = self.working.iter().filter(|(_, other)| *other == lane).map(|&(at, _)| at).max();
            let ends = before.unwrap_or(now).max(now) + Duration::from_micros(self.disk_us) + delay;
            self.working.push_back((ends, lane));
            if self.crash_due().is_some() {
                break;
            }
        }
        has_any
    }

    /// Ends the disk work whose time has come.
    pub(super) fn complete_disk(&mut self, witness: &mut dyn Witness) {
        let now = self.clock.now();
        let mut place = 0;
        while place < self.working.len() {
            let (ends, lane) = self.working[place];
            if ends > now.monotonic {
                place += 1;
                continue;
            }
            self.working.remove(place);
            let Some(completion) = self.disk.finish(lane) else {
                if self.crash_due().is_some() {
                    return;
                }
                continue;
            };
            self.trace.number(u64::from(completion.outcome.is_ok()));
            witness.disk(now, lane, &completion);
            self.core.handle_disk(now, completion);
            self.report_executions(witness);
        }
    }

    /// The process ends without a word and is started again, with the configuration it was first started with. Every
    /// connection breaks. What the server has written to one before is still received: it was out of its hands.
    pub fn crash(&mut self, crash: Crash, witness: &mut dyn Witness) {
        let now = self.clock.now();
        self.crashes += 1;
        self.trace.number(self.crashes);
        for index in std::mem::take(&mut self.alive) {
            let link = &mut self.links[index];
            let range = link.to_client.read(link.to_client.len());
            if !range.is_empty() {
                witness.received(now, Peer(index), link.to_client.bytes(range));
            }
            if link.conn.take().is_some() {
                witness.ended(now, Peer(index), End::Crash);
            }
            link.to_server.clear();
            link.to_client.clear();
        }
        self.peer_of.clear();
        self.waiting.clear();
        self.unwritten.clear();
        self.working.clear();
        self.exit_status = None;
        match crash {
            Crash::Kill => self.disk.kill(self.crashes),
            Crash::PowerLoss => self.disk.lose_power(self.crashes),
        }
        if !self.keeps_data() {
            // What was saved now and then is somebody else's affair: this server starts with nothing.
            self.disk.put_away(&self.config.dbfilename);
        }
        let seed = self.seed.wrapping_add(self.crashes);
        self.core = Core::new(self.config.clone(), self.host.clone(), seed, now);
        self.core.recover();
        if let Some(silent_bytes) = self.silent_loading_bytes {
            self.core.tell_of_loading(silent_bytes);
        }
        if !self.keeps_data() {
            self.rest(&mut ());
        }
        if self.is_observed {
            self.observe();
        }
    }

    /// Whether a server that is started again has to load anything.
    pub(super) fn keeps_data(&self) -> bool {
        self.config.appendonly || self.keeps_saves
    }

    /// How the process ends at this moment, if its disk work made it: [`crash`](Self::crash) is to be called. Until
    /// then nothing more happens.
    #[must_use]
    pub fn crash_due(&self) -> Option<Crash> {
        self.disk.end_due()
    }

    /// Whether the server has left, or is to crash.
    pub(super) fn is_over(&self) -> bool {
        self.exit_status.is_some() || self.crash_due().is_some()
    }
}
