//! Counters that INFO shows and `CONFIG RESETSTAT` clears.

use crate::commands::{self, Command};
use crate::error::CommandError;
use crate::time::Monotonic;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Upper bounds of the turn-time histogram's buckets, in microseconds; one more bucket takes the rest.
pub const TURN_BOUNDS_US: [u64; 12] =
    [10, 30, 100, 200, 300, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 100_000];

/// Samples an instantaneous rate is the mean of.
const RATE_SAMPLES: usize = 16;

/// Different error codes that INFO lists one by one; Redis stops there too, lest hostile scripts fill memory.
pub const ERROR_CODES_MAX: usize = 128;

/// What was counted for one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CommandStats {
    /// How often it ran.
    pub calls: u64,
    /// How often it was refused before it ran.
    pub rejected_calls: u64,
    /// How often it ran and answered an error.
    pub failed_calls: u64,
}

/// Everything counted.
#[derive(Debug)]
pub struct Stats {
    /// Connections accepted.
    pub connections_received: u64,
    /// Connections refused, by `maxclients`.
    pub connections_rejected: u64,
    /// Commands run.
    pub commands_processed: u64,
    /// Bytes read from clients.
    pub input_bytes: u64,
    /// Bytes written to clients.
    pub output_bytes: u64,
    /// Errors answered.
    pub error_replies: u64,
    /// Errors answered, by their code word.
    pub errors_by_code: BTreeMap<String, u64>,
    /// Connections ended because they did not read what they were owed.
    pub output_limit_disconnections: u64,
    /// Connections ended because a request did not end.
    pub query_limit_disconnections: u64,
    /// Inputs handled.
    pub reads_processed: u64,
    /// Outputs handled.
    pub writes_processed: u64,
    /// Turns taken.
    pub turns: u64,
    /// How long turns took: counts per bucket of [`TURN_BOUNDS_US`].
    pub turn_buckets: [u64; TURN_BOUNDS_US.len() + 1],
    /// The longest turn, in microseconds.
    pub turn_max_us: u64,
    /// All turns together, in microseconds.
    pub turn_total_us: u64,
    /// The most connections there have been.
    pub clients_peak: usize,
    /// Full passes of the active expiry over the keyspace.
    pub expire_cycles: u64,
    /// Turns per second.
    pub turns_rate: Rate,
    /// Commands per second.
    pub commands_rate: Rate,
    /// Bytes read per second.
    pub input_rate: Rate,
    /// Bytes written per second.
    pub output_rate: Rate,
    commands: Box<[CommandStats]>,
}

impl Default for Stats {
    fn default() -> Stats {
        Stats {
            connections_received: 0,
            connections_rejected: 0,
            commands_processed: 0,
            input_bytes: 0,
            output_bytes: 0,
            error_replies: 0,
            errors_by_code: BTreeMap::new(),
            output_limit_disconnections: 0,
            query_limit_disconnections: 0,
            reads_processed: 0,
            writes_processed: 0,
            turns: 0,
            turn_buckets: [0; TURN_BOUNDS_US.len() + 1],
            turn_max_us: 0,
            turn_total_us: 0,
            clients_peak: 0,
            expire_cycles: 0,
            turns_rate: Rate::default(),
            commands_rate: Rate::default(),
            input_rate: Rate::default(),
            output_rate: Rate::default(),
            commands: vec![CommandStats::default(); commands::INDEX_COUNT].into_boxed_slice(),
        }
    }
}

impl Stats {
    /// What was counted for a command or a subcommand.
    #[must_use]
    #[inline]
    pub fn command(&mut self, command: &'static Command) -> &mut CommandStats {
        &mut self.commands[command.index()]
    }

    /// What was counted, by full name, for the commands and subcommands that were ever asked for.
    pub fn commands(&self) -> impl Iterator<Item = (Cow<'static, str>, CommandStats)> {
        let counted = commands::all_with_parts().zip(self.commands.iter().copied());
        let asked = counted.filter(|(_, stats)| *stats != CommandStats::default());
        asked.map(|(command, stats)| (command.full_name(), stats))
    }

    /// Counts an error that is being answered.
    pub fn note_error(&mut self, error: &CommandError) {
        self.note_error_reply(&error.text());
    }

    /// Counts an error reply by the first word of its text.
    pub fn note_error_reply(&mut self, text: &[u8]) {
        self.error_replies += 1;
        let code = text.split(|&byte| byte == b' ').next().unwrap_or(b"ERR");
        let code = String::from_utf8_lossy(code);
        if let Some(count) = self.errors_by_code.get_mut(code.as_ref()) {
            *count += 1;
        } else if self.errors_by_code.len() < ERROR_CODES_MAX {
            self.errors_by_code.insert(code.into_owned(), 1);
        }
    }

    /// Records how long a turn took.
    pub fn note_turn(&mut self, us: u64) {
        let bucket = TURN_BOUNDS_US.iter().position(|&bound| us <= bound).unwrap_or(TURN_BOUNDS_US.len());
        self.turn_buckets[bucket] += 1;
        self.turn_max_us = self.turn_max_us.max(us);
        self.turn_total_us += us;
        self.turns += 1;
    }

    /// How long a turn takes on average, in microseconds.
    #[must_use]
    pub fn turn_mean_us(&self) -> u64 {
        self.turn_total_us.checked_div(self.turns).unwrap_or(0)
    }

    /// Samples the rates; called a few times a second.
    pub fn sample(&mut self, now: Monotonic) {
        self.turns_rate.sample(now, self.turns);
        self.commands_rate.sample(now, self.commands_processed);
        self.input_rate.sample(now, self.input_bytes);
        self.output_rate.sample(now, self.output_bytes);
    }
}

/// A rate per second: the mean over the last samples, as Redis' `instantaneous_*` fields.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rate {
    samples: [u64; RATE_SAMPLES],
    next: usize,
    last: Option<(Monotonic, u64)>,
}

impl Rate {
    /// The rate, per second.
    #[must_use]
    pub fn per_second(&self) -> u64 {
        self.samples.iter().sum::<u64>() / RATE_SAMPLES as u64
    }

    fn sample(&mut self, now: Monotonic, total: u64) {
        if let Some((then, before)) = self.last {
            let elapsed_us = now.since_us(then);
            if elapsed_us == 0 {
                return;
            }
            self.samples[self.next] = total.saturating_sub(before) * 1_000_000 / elapsed_us;
            self.next = (self.next + 1) % RATE_SAMPLES;
        }
        self.last = Some((now, total));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_fall_into_their_buckets() {
        let mut stats = Stats::default();
        for us in [0, 10, 11, 3_000, 3_001, 1_000_000] {
            stats.note_turn(us);
        }
        assert_eq!(stats.turn_buckets[0], 2);
        assert_eq!(stats.turn_buckets[1], 1);
        assert_eq!(stats.turn_buckets[8], 1);
        assert_eq!(stats.turn_buckets[9], 1);
        assert_eq!(stats.turn_buckets[TURN_BOUNDS_US.len()], 1);
        assert_eq!(stats.turn_max_us, 1_000_000);
    }

    #[test]
    fn a_rate_is_per_second() {
        let mut rate = Rate::default();
        for tick in 0..=RATE_SAMPLES as u64 {
            rate.sample(Monotonic(tick * 100_000), tick * 50);
        }
        assert_eq!(rate.per_second(), 500);
    }
}
