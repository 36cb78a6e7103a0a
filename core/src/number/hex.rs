//! Hexadecimal floating point, which C's `strtod` reads and so Redis does: `0x1.8p3`.

/// How large an exponent is worth telling from a still larger one.
const EXPONENT_MAX: i64 = 1 << 40;

/// The magnitude of a hexadecimal number: `mantissa * 2^exponent`, and a little more when `is_inexact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HexFloat {
    /// The leading digits. Its upper four bits are not all zero when `is_inexact`.
    pub mantissa: u128,
    /// The power of two.
    pub exponent: i64,
    /// Whether digits other than zero follow those in the mantissa.
    pub is_inexact: bool,
}

/// Reads what stands behind `0x`; nothing when not all of it is one number.
pub(crate) fn parse_hex(text: &[u8]) -> Option<HexFloat> {
    let mut value = HexFloat { mantissa: 0, exponent: 0, is_inexact: false };
    let mut has_digits = false;
    let mut is_fraction = false;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if byte == b'.' && !is_fraction {
            is_fraction = true;
        } else if let Some(digit) = (byte as char).to_digit(16) {
            has_digits = true;
            if value.mantissa >> 124 == 0 {
                value.mantissa = value.mantissa << 4 | u128::from(digit);
                value.exponent -= if is_fraction { 4 } else { 0 };
            } else {
                value.is_inexact |= digit != 0;
                value.exponent += if is_fraction { 0 } else { 4 };
            }
        } else {
            break;
        }
        at += 1;
    }
    if !has_digits {
        return None;
    }
    match &text[at..] {
        [] => {}
        [b'p' | b'P', exponent @ ..] => value.exponent += parse_exponent(exponent)?,
        _ => return None,
    }
    Some(value)
}

/// Reads an optional sign and at least one digit. Beyond any exponent that matters the value stays where it is.
pub(crate) fn parse_exponent(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let magnitude =
        digits.iter().fold(0, |value: i64, digit| (value * 10 + i64::from(digit - b'0')).min(EXPONENT_MAX));
    Some(if negative { -magnitude } else { magnitude })
}
