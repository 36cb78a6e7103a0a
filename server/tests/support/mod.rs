//! What the end-to-end tests and the benchmark share: starting the real binary on a free port with a guard
//! that ends it, a small client, and waiting for a condition with a deadline instead of sleeping for luck.

#![allow(dead_code, reason = "every test target and the benchmark take their part of this module")]

pub mod client;
pub mod directory;
pub mod process;
pub mod random;
pub mod server;
pub mod sys;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long a test waits for something that ought to happen at once. Long, because the machine may be busy; a
/// test that passes never waits for it.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// How often a waited-for condition is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// The server under test: the binary of this package, or the one `ROTOM_SERVER_BIN` names, so that the same
/// tests can ask another server what it does.
pub fn server_binary() -> PathBuf {
    std::env::var_os("ROTOM_SERVER_BIN")
        .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_rotom-server")), PathBuf::from)
}

/// Looks at `condition` until it holds or `patience` is over; says whether it held.
pub fn wait_for(patience: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}

/// Waits for `condition`, and fails the test with `what` when it does not come true.
#[track_caller]
pub fn wait_until(what: &str, condition: impl FnMut() -> bool) {
    assert!(wait_for(PATIENCE, condition), "waited {} s in vain: {what}", PATIENCE.as_secs());
}
