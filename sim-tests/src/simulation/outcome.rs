//! [`Outcome`]: what came of a run.

use rotom_core::mark;
use rotom_io_sim::FaultKind;
use std::collections::BTreeMap;
use std::ops::AddAssign;

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was broken first.
    pub failure: Option<Failure>,
    /// A hash of everything that happened. Two runs of one scenario have the same.
    pub trace: u64,
    /// How much happened.
    pub counts: Counts,
    /// How often each rare situation was reached.
    pub marks: [u64; mark::COUNT],
    /// What happened, for a person to read, if it was asked for.
    pub timeline: Vec<Moment>,
}

/// How much happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests the server executed or refused.
    pub commands: u64,
    /// Connections it took on.
    pub connections: u64,
    /// Turns it took.
    pub turns: u64,
    /// Times it was started again.
    pub crashes: u64,
    /// How much time passed in it.
    pub virtual_us: u64,
    /// Faults by kind.
    pub faults: BTreeMap<FaultKind, u64>,
}

impl AddAssign<&Counts> for Counts {
    fn add_assign(&mut self, other: &Counts) {
        self.commands += other.commands;
        self.connections += other.connections;
        self.turns += other.turns;
        self.crashes += other.crashes;
        self.virtual_us += other.virtual_us;
        for (&kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}

/// The first thing that was not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Who says so.
    pub oracle: Oracle,
    /// A short, stable name of the place: `getex reply`. Shrinking keeps it.
    pub site: String,
    /// Virtual time since the start.
    pub at_us: u64,
    /// The last step that was taken.
    pub step: Option<u32>,
    /// What was expected, and what was there.
    pub text: String,
}

/// What a run is judged by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Oracle {
    /// O1: every reply is the one the model gives.
    Semantics,
    /// O2: replies are in order and complete; connections end for a reason.
    Replies,
    /// O3: what was acknowledged survives as the fsync policy promises.
    Durability,
    /// O4: what is recovered is a prefix, transactions whole.
    Recovery,
    /// O5: a snapshot is the data at its start.
    Snapshot,
    /// O6: damage is noticed, and nothing is served from it.
    FailClosed,
    /// O7: the state rebuilt from what was propagated is the live one.
    Rebuild,
    /// O8: once nothing goes wrong, everything is answered, and everything ends.
    Liveness,
    /// O9: the same history in other pieces gives the same replies.
    Independence,
    /// An assertion in the server failed.
    Assertion,
}

/// Kinds of failure, each with an exit code of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// The server did or said something wrong.
    Semantic,
    /// Data that were safe are not there.
    Durability,
    /// Something never happens.
    Liveness,
    /// An assertion failed.
    Assertion,
}

impl Oracle {
    /// Every oracle there is.
    pub const ALL: [Oracle; 10] = [
        Oracle::Semantics,
        Oracle::Replies,
        Oracle::Durability,
        Oracle::Recovery,
        Oracle::Snapshot,
        Oracle::FailClosed,
        Oracle::Rebuild,
        Oracle::Liveness,
        Oracle::Independence,
        Oracle::Assertion,
    ];

    /// Its name in reports and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Oracle::Semantics => "O1-semantics",
            Oracle::Replies => "O2-replies",
            Oracle::Durability => "O3-durability",
            Oracle::Recovery => "O4-recovery",
            Oracle::Snapshot => "O5-snapshot",
            Oracle::FailClosed => "O6-fail-closed",
            Oracle::Rebuild => "O7-rebuild",
            Oracle::Liveness => "O8-liveness",
            Oracle::Independence => "O9-independence",
            Oracle::Assertion => "assertion",
        }
    }

    /// The oracle of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Oracle> {
        Oracle::ALL.into_iter().find(|oracle| oracle.name() == name)
    }

    /// The kind of failure it finds.
    #[must_use]
    pub fn class(self) -> Class {
        match self {
            Oracle::Semantics | Oracle::Replies | Oracle::Rebuild | Oracle::Independence => Class::Semantic,
            Oracle::Durability | Oracle::Recovery | Oracle::Snapshot | Oracle::FailClosed => {
                Class::Durability
            }
            Oracle::Liveness => Class::Liveness,
            Oracle::Assertion => Class::Assertion,
        }
    }
}

/// One line of a timeline.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Virtual time since the start.
    pub at_us: u64,
    /// Whom it concerns.
    pub client: Option<u32>,
    /// What happened.
    pub what: String,
}
