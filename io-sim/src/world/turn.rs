//! A turn of the server: what comes in, the end of the turn, and what the server asks for.

use super::World;
use crate::network::Peer;
use crate::witness::Witness;
use rotom_core::ExecutionKind;
use rotom_core::time::Now;

/// Lines of the log that are kept; the oldest go.
const LOG_LINES_MAX: usize = 1_000;

impl World {
    /// One turn, in the order the contract names: events, the end of the turn, effects.
    pub(super) fn turn(&mut self, witness: &mut dyn Witness) {
        let now = self.begin_turn();
        self.accept(witness);
        self.complete_disk(witness);
        self.deliver_input(witness);
        self.deliver_ends(witness);
        if self.core.poll_timeout().is_some_and(|deadline| deadline <= now.monotonic) {
            self.core.handle_timeout(now);
        }
        self.core.finish_turn(now);
        self.report_executions(witness);
        self.perform_effects(witness);
        self.take_output(witness);
        let links = &self.links;
        self.alive.retain(|&index| links[index].is_alive());
        self.end_turn(witness);
    }

    /// A turn in which time has passed and nothing else has happened. Whether the server wants anything done.
    pub(super) fn tick(&mut self, witness: &mut dyn Witness) -> bool {
        let now = self.begin_turn();
        self.core.handle_timeout(now);
        self.core.finish_turn(now);
        self.report_executions(witness);
        let has_effects = self.perform_effects(witness);
        self.end_turn(witness);
        has_effects
    }

    fn begin_turn(&mut self) -> Now {
        let now = self.clock.now();
        self.turns += 1;
        self.trace.number(now.monotonic.0);
        self.trace.number(now.wall.0);
        now
    }

    /// Performs what the server asks for. Whether that was anything.
    fn perform_effects(&mut self, witness: &mut dyn Witness) -> bool {
        let has_closed = self.perform_net(witness);
        let has_written = self.write_output(witness);
        let has_disk = self.begin_disk();
        let now = self.clock.now();
        while let Some(line) = self.core.poll_log() {
            witness.logged(now, &line);
            if self.log.len() == LOG_LINES_MAX {
                self.log.pop_front();
            }
            self.log.push_back(line);
        }
        has_closed || has_written || has_disk
    }

    fn end_turn(&mut self, witness: &mut dyn Witness) {
        if self.exit_status.is_some() {
            self.peer_of.clear();
            self.unwritten.clear();
            for link in &mut self.links {
                link.conn = None;
            }
        }
        witness.turned(self.clock.now(), &self.core);
    }

    /// Tells the witness what was executed since the last time, and with which effects.
    pub(super) fn report_executions(&mut self, witness: &mut dyn Witness) {
        if !self.is_observed {
            return;
        }
        let now = self.clock.now();
        let executions = self.core.take_executions();
        let effects = self.core.take_propagated();
        if executions.is_empty() && effects.is_empty() {
            return;
        }
        let mut told = 0;
        for execution in executions {
            if execution.effects_start > told {
                witness.background(now, &effects[told..execution.effects_start]);
            }
            told = execution.effects_end;
            if let Some(&index) = self.peer_of.get(&execution.conn) {
                let (peer, effects) = (Peer(index), &effects[execution.effects_start..told]);
                match execution.kind {
                    ExecutionKind::Request => witness.executed(now, peer, effects),
                    ExecutionKind::Refused => witness.turned_down(now, peer),
                    ExecutionKind::Served => witness.served(now, peer, effects),
                    ExecutionKind::TimedOut => witness.timed_out(now, peer),
                }
            }
        }
        if told < effects.len() {
            witness.background(now, &effects[told..]);
        }
        self.trace.bytes(&effects);
    }
}
