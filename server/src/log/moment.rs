//! A moment in a log's history, as it is named on the command line.

use std::str::FromStr;

const SECONDS_PER_DAY: i64 = 86_400;

/// Where to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// What was written in this second is still there: `@<unix seconds>` or `2026-01-31T12:00:00Z`.
    Time {
        /// Since 1970, in UTC.
        unix_seconds: i64,
    },
    /// Up to a place in an increment: `<offset>` in the last one, or `<file>:<offset>`.
    Offset {
        /// The increment's name; without it, the last one.
        file: Option<String>,
        /// In bytes.
        offset_bytes: u64,
    },
    /// Up to the first command whose words, joined by blanks, match a pattern as KEYS takes it: `before:<pattern>`.
    Before {
        /// The pattern.
        pattern: String,
    },
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Moment, String> {
        let moment = if let Some(pattern) = text.strip_prefix("before:") {
            Some(Moment::Before { pattern: pattern.to_owned() })
        } else if let Some(seconds) = text.strip_prefix('@') {
            seconds.parse().ok().map(|unix_seconds| Moment::Time { unix_seconds })
        } else if let Some(unix_seconds) = parse_time(text) {
            Some(Moment::Time { unix_seconds })
        } else {
            let (file, offset) = match text.rsplit_once(':') {
                // A time without its `Z` has colons too, and is no file's name.
                Some((file, offset)) if file.ends_with(".aof") => (Some(file.to_owned()), offset),
                _ => (None, text),
            };
            offset.parse().ok().map(|offset_bytes| Moment::Offset { file, offset_bytes })
        };
        moment.ok_or_else(|| {
            format!(
                "'{text}' is no moment. It is a time (@1700000000, 2026-01-31T12:00:00Z), an offset (4096, \
                 appendonly.aof.1.incr.aof:4096) or before:PATTERN."
            )
        })
    }
}

/// A time as ISO 8601 has it, in UTC: `YYYY-MM-DDTHH:MM:SSZ`.
fn parse_time(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-', [4, 2, 2])?;
    let [hour, minute, second] = numbers(time, ':', [2, 2, 2])?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let february = if is_leap { 29 } else { 28 };
    let month_lens = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let months_before = month_lens.get(..usize::try_from(month.checked_sub(1)?).ok()?)?;
    let month_len = *month_lens.get(months_before.len())?;
    if year < 1970 || !(1..=month_len).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let leap_days_until = |year: i64| year / 4 - year / 100 + year / 400;
    let leap_days = leap_days_until(year - 1) - leap_days_until(1969);
    let days = (year - 1970) * 365 + leap_days + months_before.iter().sum::<i64>() + day - 1;
    Some(days * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second)
}

/// Three numbers of these many digits.
fn numbers(text: &str, separator: char, digits: [usize; 3]) -> Option<[i64; 3]> {
    let mut words = text.split(separator);
    let mut found = [0; 3];
    for (number, digits) in found.iter_mut().zip(digits) {
        let word = words.next()?;
        if word.len() != digits || !word.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = word.parse().ok()?;
    }
    words.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        // As `date -u -d TIME +%s` has it.
        for (text, unix_seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T23:59:59Z", 951_868_799),
            ("2024-03-01T00:00:00Z", 1_709_251_200),
            ("2026-11-23T08:00:00Z", 1_795_420_800),
            ("2100-12-31T12:30:15Z", 4_133_939_415),
            ("@1700000000", 1_700_000_000),
        ] {
            assert_eq!(text.parse(), Ok(Moment::Time { unix_seconds }), "{text}");
        }
    }

    #[test]
    fn places() {
        let offset =
            |file: Option<&str>| Moment::Offset { file: file.map(str::to_owned), offset_bytes: 4096 };
        assert_eq!("4096".parse(), Ok(offset(None)));
        assert_eq!("a.1.incr.aof:4096".parse(), Ok(offset(Some("a.1.incr.aof"))));
        let before = Moment::Before { pattern: "FLUSHALL*".into() };
        assert_eq!("before:FLUSHALL*".parse(), Ok(before));
    }

    #[test]
    fn no_moments() {
        for text in
            ["", "x", "-1", "@", "@x", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z"]
        {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
        for text in ["2026-01-01T24:00:00Z", "26-01-01T00:00:00Z", "2026-01-00T00:00:00Z"] {
            assert!(text.parse::<Moment>().is_err(), "{text}");
        }
    }
}
