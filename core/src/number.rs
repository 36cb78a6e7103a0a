//! Numbers as clients write them and as Redis prints them.
//!
//! Every number that crosses the wire or enters a value goes through here: integers and sizes in this file,
//! doubles in `number/double.rs`, the 80-bit floats of `INCRBYFLOAT` in [`long_double`](crate::long_double).
//! No other place formats floating point.

mod double;
pub(crate) mod hex;
mod powers;

pub use double::{DoubleText, append_f64_17, format_f64, parse_f64, read_f64};

/// The longest text [`parse_i64`] accepts: the sign and 19 digits.
const I64_TEXT_LEN_BYTES_MAX: usize = 20;

/// Digits that can be read without looking for overflow.
const SAFE_DIGITS_MAX: usize = 18;

/// Reads a 64-bit integer as strictly as Redis' `string2ll`: digits and at most one `-`, no leading zero, no `-0`.
/// So exactly the texts that printing an integer gives are integers.
#[must_use]
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [] => return None,
        [b'0'] => return if negative { None } else { Some(0) },
        [b'0', ..] => return None,
        _ if text.len() > I64_TEXT_LEN_BYTES_MAX => return None,
        _ => {}
    }
    let magnitude = if digits.len() <= SAFE_DIGITS_MAX {
        let mut value = 0u64;
        for &byte in digits {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            value = value * 10 + u64::from(digit);
        }
        value
    } else {
        parse_u64_checked(digits)?
    };
    if negative {
        // The lowest number has no positive counterpart.
        0i64.checked_sub_unsigned(magnitude)
    } else {
        i64::try_from(magnitude).ok()
    }
}

/// Appends an integer's text.
#[inline]
pub fn append_i64(out: &mut Vec<u8>, value: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

/// How many digits a size may have, as in Redis.
const MEMORY_DIGITS_MAX: usize = 127;

/// Reads a size in bytes as `redis.conf` has it: `100`, `10k` (1000), `10kb` (1024), `m`, `mb`, `g`, `gb` in any
/// case. It follows Redis' `memtoull` into its corners: no digits mean zero, too large a number is the largest
/// one, and a product beyond 64 bits loses its upper part.
#[must_use]
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let digits_len = text.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(digits_len);
    let multiplier: u64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1_000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    if digits.len() > MEMORY_DIGITS_MAX {
        return None;
    }
    let value = if digits.is_empty() { 0 } else { parse_u64_checked(digits).unwrap_or(u64::MAX) };
    Some(value.wrapping_mul(multiplier))
}

/// Reads digits; nothing when one is none, or when the number does not fit.
fn parse_u64_checked(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, &byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_are_read_strictly() {
        for text in [
            "",
            "-",
            "+1",
            "01",
            "-0",
            "-01",
            "00",
            " 1",
            "1 ",
            "1.0",
            "1e3",
            "0x1",
            "a",
            "-a",
            "1a",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "99999999999999999999",
            "123456789012345678901234567890",
            "12345678901234567:9",
            "1234567890123456789/",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text}");
        }
        for value in
            [0, 1, -1, 9, 10, -10, i64::MAX, i64::MIN, 999_999_999_999_999_999, 1_000_000_000_000_000_000]
        {
            assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
        }
    }

    #[test]
    fn sizes_have_units() {
        let cases: &[(&str, Option<u64>)] = &[
            ("0", Some(0)),
            ("10k", Some(10_000)),
            ("64MB", Some(64 << 20)),
            ("1gb", Some(1 << 30)),
            ("1Gb", Some(1 << 30)),
            ("2G", Some(2_000_000_000)),
            ("3m", Some(3_000_000)),
            ("3kB", Some(3072)),
            ("7b", Some(7)),
            ("010", Some(10)),
            // What follows is as peculiar in Redis.
            ("", Some(0)),
            ("mb", Some(0)),
            ("18446744073709551616", Some(u64::MAX)),
            ("18446744073709551615kb", Some(18_446_744_073_709_550_592)),
            ("-1", None),
            ("+5", None),
            ("1 kb", None),
            ("1.5gb", None),
            ("1tb", None),
            ("0x10", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_memory(text.as_bytes()), *expected, "{text}");
        }
        assert_eq!(parse_memory("0".repeat(127).as_bytes()), Some(0));
        assert_eq!(parse_memory("0".repeat(128).as_bytes()), None);
    }

    proptest! {
        #[test]
        fn exactly_the_printed_integers_are_read(value: i64, junk in "[-+0-9]{0,21}") {
            let mut text = Vec::new();
            append_i64(&mut text, value);
            prop_assert_eq!(parse_i64(&text), Some(value));
            let read = junk.parse::<i64>().ok().filter(|number| number.to_string() == junk);
            prop_assert_eq!(parse_i64(junk.as_bytes()), read);
        }
    }
}
