//! The command of the simulator. Everything it can do is in [`rotom_sim_tests::cli`].

use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A run makes and drops millions of small values.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    rotom_sim_tests::cli::main()
}
