//! The simulator: one seed, every fault, a verdict.
//!
//! A seed and a [`Profile`] are [drawn](draw()) into a [`Scenario`]: the server's configuration, the network it lives in,
//! how often which fault happens, and every step of every client. [`run`](run()) plays a scenario in a
//! [world](rotom_io_sim::World) and has a judge look at everything that happens; the [`Outcome`] says what was broken
//! first, if anything was. Nothing but the scenario decides what happens, so that a failure can be played again.
//!
//! What is judged ([`Oracle`]):
//!
//! * every reply, byte by byte, by the independent [model](crate::model); replies come in order and complete;
//! * every effect that goes into the log, by the model, and by a second server that lives on the log alone: its data
//!   are the same at every time;
//! * what a server starts with after a crash, and what a finished snapshot has in it;
//! * no connection ends without a reason, and none lives on that should have ended;
//! * once nothing goes wrong any more, everything is answered;
//! * another chunking of the same history changes nothing.

mod draw;
mod follower;
mod history;
mod judge;
mod outcome;
mod profile;
mod recovery;
mod run;
mod scenario;
mod settings;
mod snapshots;
pub mod text;

pub use draw::draw;
pub use outcome::{Class, Counts, Failure, Moment, Oracle, Outcome};
pub use profile::Profile;
pub use run::{Watch, run};
pub use scenario::{Action, Scenario, Step};
pub use settings::Settings;
