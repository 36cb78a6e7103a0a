//! The log, in Redis' format: `1234:M 22 Nov 2026 21:00:00.123 * text`.

use crate::sys;
use rotom_core::Config;
use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, SystemTime};
use std::{panic, process};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The least serious level that is written, as a rank; changes while the server runs.
static THRESHOLD: AtomicU8 = AtomicU8::new(2);

/// Ranks of Redis' levels, and the marks they have in the log.
const MARKS: [char; 4] = ['.', '-', '*', '#'];

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Begins to log where the configuration says, panics included.
///
/// # Errors
/// The log file cannot be written.
pub(crate) fn start(config: &Config) -> io::Result<()> {
    let sink = match config.logfile.as_str() {
        "" => Sink::Standard,
        path => {
            open(Path::new(path))?;
            Sink::File(path.into())
        }
    };
    set_level(config);
    tracing_subscriber::registry().with(Lines { sink }).init();
    panic::set_hook(Box::new(|panic| {
        tracing::error!("rotom has hit a bug: {panic}\n{}", Backtrace::force_capture());
    }));
    Ok(())
}

/// Logs from the configured level on.
pub(crate) fn set_level(config: &Config) {
    let rank = match config.loglevel.as_str() {
        "debug" => 0,
        "verbose" => 1,
        "notice" => 2,
        "warning" => 3,
        _ => 4,
    };
    THRESHOLD.store(rank, Ordering::Relaxed);
}

/// Writes each event as a line.
struct Lines {
    sink: Sink,
}

enum Sink {
    Standard,
    /// Opened for each line, as Redis does, so that whoever rotates logs need tell nobody.
    File(PathBuf),
}

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let rank = match *event.metadata().level() {
            Level::TRACE => 0,
            Level::DEBUG => 1,
            Level::INFO => 2,
            Level::WARN | Level::ERROR => 3,
        };
        if rank < THRESHOLD.load(Ordering::Relaxed) {
            return;
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let mark = MARKS[usize::from(rank)];
        let line = format!("{}:M {} {mark} {}\n", process::id(), date(now), message.0);
        // A log that cannot be written must not stop the server.
        let _ = match &self.sink {
            Sink::Standard => io::stdout().write_all(line.as_bytes()),
            Sink::File(path) => open(path).and_then(|mut file| file.write_all(line.as_bytes())),
        };
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// The text of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            // Writing to a string cannot fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}

/// An instant since 1970 as the local clock shows it: `22 Nov 2026 21:00:00.123`.
fn date(since_1970: Duration) -> String {
    let sys::LocalTime { year, month, day, hour, minute, second } = sys::local_time(since_1970.as_secs());
    let (month, millis) = (MONTHS[month % MONTHS.len()], since_1970.subsec_millis());
    format!("{day:02} {month} {year} {hour:02}:{minute:02}:{second:02}.{millis:03}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_redis_format() {
        // The zone of the machine is not known, but no zone changes these parts.
        let text = date(Duration::from_millis(1_795_208_399_007));
        let (day, rest) = text.split_at(2);
        assert!(["19", "20", "21"].contains(&day), "{text}");
        assert!(rest.starts_with(" Nov 2026 ") && rest.ends_with(":59.007"), "{text}");
        assert_eq!(text.len(), "20 Nov 2026 20:59:59.007".len());
    }
}
