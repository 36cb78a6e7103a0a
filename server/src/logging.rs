//! The log, in Redis' format: `1234:M 22 Nov 2026 21:00:00.123 * text`.

use rotom_core::Config;
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::process;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::SystemTime;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// The least serious level that is written, as a rank; changes while the server runs.
static THRESHOLD: AtomicU8 = AtomicU8::new(2);

/// Ranks of Redis' levels, and the marks they have in the log.
const MARKS: [char; 4] = ['.', '-', '*', '#'];

/// Begins to log where the configuration says.
pub(crate) fn start(config: &Config) -> io::Result<()> {
    let sink = match config.logfile.as_str() {
        "" => Sink::Standard,
        path => Sink::File(Mutex::new(OpenOptions::new().create(true).append(true).open(path)?)),
    };
    set_level(config);
    tracing_subscriber::registry().with(Lines { sink }).init();
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
    File(Mutex<File>),
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
        let date = date(now.as_secs(), now.subsec_millis());
        let line = format!("{}:M {date} {} {}\n", process::id(), MARKS[usize::from(rank)], message.0);
        // A log that cannot be written must not stop the server.
        let _ = match &self.sink {
            Sink::Standard => io::stdout().write_all(line.as_bytes()),
            Sink::File(file) => match file.lock() {
                Ok(mut file) => file.write_all(line.as_bytes()),
                Err(_) => Ok(()),
            },
        };
    }
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

/// An instant in UTC: `22 Nov 2026 21:00:00.123`.
fn date(seconds: u64, millis: u32) -> String {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let (days, time) = (seconds / 86_400, seconds % 86_400);
    // Days are counted from March of year 0, so that the leap day is a year's last (Hinnant, "chrono-compatible
    // low-level date algorithms").
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + u64::from(month < 2);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{day:02} {} {year} {hour:02}:{minute:02}:{second:02}.{millis:03}", MONTHS[month as usize])
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn dates() {
        assert_eq!(date(0, 0), "01 Jan 1970 00:00:00.000");
        assert_eq!(date(951_782_400, 7), "29 Feb 2000 00:00:00.007");
        assert_eq!(date(1_795_208_399, 999), "20 Nov 2026 20:59:59.999");
        assert_eq!(date(4_102_444_799, 1), "31 Dec 2099 23:59:59.001");
    }
}
