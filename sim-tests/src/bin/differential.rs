//! Plays random commands against a real redis-server and the core, and compares every reply.

use clap::{Parser, ValueEnum};
use rotom_io_sim::Delivery;
use rotom_sim_tests::differential::{Settings, Summary, Waits, hear, run, wait};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

/// Plays random commands against a real redis-server and the core, and compares every reply, which the model
/// judges too. A failure is printed with its seed, the command and the replies.
#[derive(Debug, Parser)]
struct Options {
    /// Everything that is sent follows from it.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many commands to send, at least.
    #[arg(long, default_value_t = 200_000)]
    commands: usize,
    /// The first of the loopback ports on which to start the redis-server.
    #[arg(long, default_value_t = 21_560)]
    redis_port: u16,
    /// Into which pieces the core's input is cut.
    #[arg(long, value_enum, default_value_t = Pieces::Whole)]
    pieces: Pieces,
    /// Leaves the core out: the model alone judges the redis-server.
    #[arg(long)]
    model_only: bool,
    /// Plays clients that wait for what others do, and nothing else.
    #[arg(long, conflicts_with_all = ["model_only", "keep"])]
    waiting: bool,
    /// Where to write everything that was sent before a failure, as a transcript.
    #[arg(long)]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Pieces {
    Whole,
    Bytes,
    Random,
}

/// The redis-server takes the first free one of so many ports.
const PORTS_TRIED: u16 = 30;

fn main() -> ExitCode {
    let options = Options::parse();
    let settings = Settings {
        seed: options.seed,
        commands: options.commands,
        ports: options.redis_port..options.redis_port.saturating_add(PORTS_TRIED),
        delivery: match options.pieces {
            Pieces::Whole => Delivery::Whole,
            Pieces::Bytes => Delivery::Bytes,
            Pieces::Random => Delivery::Random,
        },
        keep_history: options.keep.is_some(),
    };
    let start = Instant::now();
    let outcome = if options.waiting {
        wait(&settings).map(|waits| told_waits(&waits))
    } else if options.model_only {
        hear(&settings).map(|summary| told(&summary))
    } else {
        run(&settings).map(|summary| told(&summary))
    };
    match outcome {
        Ok(told) => {
            println!("seed {}: {told}; {:.1} s", options.seed, start.elapsed().as_secs_f64());
            ExitCode::SUCCESS
        }
        Err(mismatch) => {
            println!("{}", mismatch.report);
            if let Some(path) = options.keep {
                let text = format!(
                    "# What led to a difference; record it to see what Redis answers.\n\n== seed {}\nonly resp2\n{}",
                    options.seed, mismatch.history
                );
                match std::fs::write(&path, text) {
                    Ok(()) => println!("everything that was sent stands in {}", path.display()),
                    Err(error) => println!("{}: {error}", path.display()),
                }
            }
            ExitCode::FAILURE
        }
    }
}

fn told(summary: &Summary) -> String {
    format!(
        "{} commands ({} answered with an error), {} states rebuilt from the log, {} keys compared at the end, all \
         alike; the model judged {} replies and excused {}",
        summary.commands, summary.errors, summary.digests, summary.keys, summary.judged, summary.excused
    )
}

fn told_waits(waits: &Waits) -> String {
    format!(
        "{} commands in {} scenes; clients waited through {} steps and were told to stop {} times, all alike; {} scenes \
         ended early, where Redis 7.2 answers otherwise",
        waits.commands, waits.scenes, waits.waited, waits.unblocked, waits.excused
    )
}
