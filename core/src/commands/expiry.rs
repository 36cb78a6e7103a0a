//! Times to live, as arguments.

use crate::error::CommandError;
use crate::keyspace::UnixMillis;
use crate::number::parse_i64;

/// How an expiry was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unit {
    /// Milliseconds in one.
    millis: i64,
    /// Whether it is counted from now, rather than from 1970.
    is_relative: bool,
}

/// `EX`.
pub(super) const SECONDS: Unit = Unit { millis: 1000, is_relative: true };
/// `PX`.
pub(super) const MILLIS: Unit = Unit { millis: 1, is_relative: true };
/// `EXAT`.
pub(super) const UNIX_SECONDS: Unit = Unit { millis: 1000, is_relative: false };
/// `PXAT`.
pub(super) const UNIX_MILLIS: Unit = Unit { millis: 1, is_relative: false };

/// The unit an option's name stands for.
pub(super) fn unit_of(option: &[u8]) -> Option<Unit> {
    [(&b"EX"[..], SECONDS), (b"PX", MILLIS), (b"EXAT", UNIX_SECONDS), (b"PXAT", UNIX_MILLIS)]
        .into_iter()
        .find_map(|(name, unit)| option.eq_ignore_ascii_case(name).then_some(unit))
}

/// The instant an argument means; it may be in the past.
///
/// # Errors
/// [`CommandError::NotInteger`], or [`CommandError::InvalidExpire`] of `command` when it is out of range.
pub(super) fn instant(
    argument: &[u8],
    unit: Unit,
    now: UnixMillis,
    command: &'static str,
) -> Result<UnixMillis, CommandError> {
    let value = parse_i64(argument).ok_or(CommandError::NotInteger)?;
    let millis = value.checked_mul(unit.millis);
    let instant = millis.and_then(|millis| millis.checked_add(if unit.is_relative { now.0 } else { 0 }));
    instant.map(UnixMillis).ok_or(CommandError::InvalidExpire(command))
}

/// The same for commands that do not take zero or negative numbers.
///
/// # Errors
/// As [`instant`].
pub(super) fn positive_instant(
    argument: &[u8],
    unit: Unit,
    now: UnixMillis,
    command: &'static str,
) -> Result<UnixMillis, CommandError> {
    if parse_i64(argument).is_some_and(|value| value <= 0) {
        return Err(CommandError::InvalidExpire(command));
    }
    instant(argument, unit, now, command)
}
