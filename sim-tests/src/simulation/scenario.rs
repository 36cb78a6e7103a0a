//! [`Scenario`]: one simulated run, written out. Whoever has it can play it again, to the byte.

use super::settings::Settings;
use crate::workload::Request;
use rotom_io_sim::FaultKind;
use std::collections::BTreeMap;

/// One run: a server, the world around it, and what its clients do.
#[derive(Clone, Debug, PartialEq)]
pub struct Scenario {
    /// The profile it was drawn from.
    pub profile: String,
    /// What is random in the server, and whether and where each fault happens, follows from it.
    pub seed: u64,
    /// How the server and the world are set up.
    pub settings: Settings,
    /// How often each fault happens, per million chances. Kinds that are not named never happen.
    pub faults: BTreeMap<FaultKind, u32>,
    /// What clients do, in order.
    pub steps: Vec<Step>,
}

/// One thing a client does.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Names the step for as long as the scenario lives: its faults are decided by this number, so that they stay
    /// when other steps are removed.
    pub id: u32,
    /// Virtual time since the step before.
    pub after_us: u64,
    /// Which client.
    pub client: u32,
    /// What it does.
    pub action: Action,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Sends these requests at once; connects first when it is not connected.
    Send(Vec<Request>),
    /// Closes its end, if it is connected.
    Close,
}
