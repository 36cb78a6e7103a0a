//! Draft.
mod outcome;
mod play;
mod profile;
mod scenario;
mod settings;
pub mod text;

pub use outcome::{Class, Counts, Failure, Moment, Oracle, Outcome};
pub use play::{Watch, draw, run};
pub use profile::Profile;
pub use scenario::{Action, Scenario, Step};
pub use settings::Settings;
