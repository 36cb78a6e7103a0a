//! The core's log lines as `tracing` events.

use rotom_core::{LogLevel, LogLine};

/// Passes a line on, under the target `rotom`.
pub(crate) fn emit(line: &LogLine) {
    let text = &line.text;
    match line.level {
        LogLevel::Debug => tracing::trace!(target: "rotom", "{text}"),
        LogLevel::Verbose => tracing::debug!(target: "rotom", "{text}"),
        LogLevel::Notice => tracing::info!(target: "rotom", "{text}"),
        LogLevel::Warning => tracing::warn!(target: "rotom", "{text}"),
    }
}
