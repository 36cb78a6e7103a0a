//! The command of the simulator. Everything it can do is in [`rotom_sim_tests::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    rotom_sim_tests::cli::main()
}
