//! How long a blocking command waits.

use crate::error::CommandError;
use crate::number::parse_f64;
use crate::time::Monotonic;
use std::time::Duration;

/// The moment a wait ends that may take so many seconds, or fractions of one; none for 0, which is for ever. Counted in
/// whole milliseconds, of which anything above 0 is at least one.
///
/// # Errors
/// It is no number, below zero, or beyond all clocks.
pub(super) fn parse_timeout(word: &[u8], now: Monotonic) -> Result<Option<Monotonic>, CommandError> {
    let seconds = parse_f64(word).filter(|seconds| !seconds.is_nan());
    let millis = (seconds.ok_or("ERR timeout is not a float or out of range")? * 1000.0).ceil();
    if millis < 0.0 {
        return Err("ERR timeout is negative".into());
    }
    // The greatest number of milliseconds that a signed clock could still count to.
    if millis >= i64::MAX as f64 {
        return Err("ERR timeout is out of range".into());
    }
    Ok((millis > 0.0).then(|| now + Duration::from_millis(millis as u64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_not_zero_ends_some_time() {
        let wait_us =
            |word: &str| parse_timeout(word.as_bytes(), Monotonic(5)).map(|at| at.map(|at| at.0 - 5));
        assert_eq!(wait_us("0").ok(), Some(None));
        assert_eq!(wait_us("0.0").ok(), Some(None));
        assert_eq!(wait_us("0.001").ok(), Some(Some(1_000)));
        assert_eq!(wait_us("0.0000001").ok(), Some(Some(1_000)));
        assert_eq!(wait_us("1.5").ok(), Some(Some(1_500_000)));
        for (word, error) in [
            ("-1", "ERR timeout is negative"),
            ("x", "ERR timeout is not a float or out of range"),
            ("nan", "ERR timeout is not a float or out of range"),
            ("inf", "ERR timeout is out of range"),
            ("1e300", "ERR timeout is out of range"),
            ("9223372036854775807", "ERR timeout is out of range"),
        ] {
            let text = wait_us(word).unwrap_err();
            assert_eq!(text.text(), error.as_bytes(), "{word}");
        }
    }
}
