//! Numbers as text.

use num_bigint::BigUint;

/// An integer in the one form that Redis takes for one: as it would be printed.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let is_canonical = match text {
        b"0" => true,
        [b'1'..=b'9', rest @ ..] | [b'-', b'1'..=b'9', rest @ ..] => {
            rest.len() < 20 && rest.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    std::str::from_utf8(text).ok().filter(|_| is_canonical)?.parse().ok()
}

/// A cursor, read as C's `strtoul` reads it: any number of zeros, a sign, nothing at all; -1 is the largest one.
pub(super) fn cursor(text: &[u8]) -> Option<u64> {
    let text = until_zero(text);
    let (is_negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    if digits.is_empty() {
        // A sign alone is no number, and so is not used up.
        return text.is_empty().then_some(0);
    }
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = u64::try_from(BigUint::parse_bytes(digits, 10)?).ok()?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// Bytes with an optional unit: `1k` is 1000, `1kb` is 1024.
pub(super) fn memory(text: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
    let digits_len = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, unit) = text.split_at(digits_len);
    let factor: u64 = match unit {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    let number: u64 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    number.checked_mul(factor)
}

/// What C sees of a string: all before its first zero byte.
pub(super) fn until_zero(text: &[u8]) -> &[u8] {
    text.split(|&byte| byte == 0).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_form() {
        for (text, number) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("+1", None),
            ("01", None),
            (" 1", None),
            ("", None),
            ("1.0", None),
        ] {
            assert_eq!(integer(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn cursors_are_read_as_c_reads_them() {
        for (text, number) in [
            ("", Some(0)),
            ("007", Some(7)),
            ("-1", Some(u64::MAX)),
            ("+5", Some(5)),
            ("0\0x", Some(0)),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("-", None),
            ("0x10", None),
            (" 0", None),
            ("0 ", None),
        ] {
            assert_eq!(cursor(text.as_bytes()), number, "{text}");
        }
    }

    #[test]
    fn memory_has_units() {
        assert_eq!(memory(b"2mb"), Some(2 << 20));
        assert_eq!(memory(b"2M"), Some(2_000_000));
        assert_eq!(memory(b""), Some(0));
        assert_eq!(memory(b"-1"), None);
        assert_eq!(memory(b"2x"), None);
    }
}
