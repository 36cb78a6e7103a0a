//! The arithmetic of `INCRBYFLOAT` and `HINCRBYFLOAT`.
//!
//! Redis computes these with C's `long double`, which on x86-64 is a binary floating-point number with a mantissa of
//! 64 bits, and prints the sum with `%.17Lf`. What a client gets to see depends on every bit of that, so the type
//! is rebuilt here in integer arithmetic: reading, adding and printing are each exact or rounded to the nearest
//! number, to the even one of two, as the processor and the C library do.
//!
//! Ordinary numbers, of up to 19 digits and 18 decimals, need nothing wider than 128 bits. For others there is a
//! small [`BigNatural`], whose size is bounded by the length of the text that is accepted and by the exponent's range.

mod big;

use crate::number::hex::{parse_exponent, parse_hex};
use big::BigNatural;

/// The longest text that Redis reads as a number here.
const TEXT_LEN_BYTES_MAX: usize = 5 * 1024 - 1;

/// The exponent of the lowest bit of the smallest numbers.
const EXPONENT_MIN: i64 = -16_445;

/// The exponent of the lowest bit of the largest numbers.
const EXPONENT_MAX: i64 = 16_320;

/// Numbers from 10^this on overflow.
const DECIMAL_MAGNITUDE_MAX: i64 = 4_934;

/// Numbers below 10^this are rounded to zero.
const DECIMAL_MAGNITUDE_MIN: i64 = -4_970;

/// How many decimals are printed.
const DECIMALS: usize = 17;

/// 10^[`DECIMALS`].
const DECIMALS_SCALE: u64 = 100_000_000_000_000_000;

/// A number as x86-64's `long double` holds it; never NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongDouble {
    is_negative: bool,
    magnitude: Magnitude,
}

/// Invariant: the mantissa's top bit is set unless the exponent is [`EXPONENT_MIN`], where zero is, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Magnitude {
    /// `mantissa * 2^exponent`. The order of the fields makes the derived order that of the values.
    Finite {
        exponent: i64,
        mantissa: u64,
    },
    Infinite,
}

const ZERO: Magnitude = Magnitude::Finite { exponent: EXPONENT_MIN, mantissa: 0 };

impl LongDouble {
    /// Reads a number as Redis does, which is what C's `strtold` accepts when it must be all of the text: decimal
    /// with an optional point and exponent, hexadecimal (`0x1.8p3`), `inf` and `infinity` in any case, one sign.
    /// No blanks, no NaN, nothing that overflows to infinity or underflows to zero, no more than 5119 bytes.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() > TEXT_LEN_BYTES_MAX {
            return None;
        }
        let (is_negative, unsigned) = match text {
            [b'-', unsigned @ ..] => (true, unsigned),
            [b'+', unsigned @ ..] => (false, unsigned),
            unsigned => (false, unsigned),
        };
        let magnitude = match unsigned {
            [b'0', b'x' | b'X', digits @ ..] => {
                let hex = parse_hex(digits)?;
                let magnitude = round(hex.mantissa, hex.is_inexact, hex.exponent);
                representable(magnitude, hex.mantissa == 0)?
            }
            [b'0'..=b'9' | b'.', ..] => {
                let decimal = Decimal::parse(unsigned)?;
                representable(decimal.round(), decimal.digits.is_empty())?
            }
            word if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") => {
                Magnitude::Infinite
            }
            _ => return None,
        };
        Some(LongDouble { is_negative, magnitude })
    }

    /// Whether this is neither infinity.
    #[must_use]
    pub fn is_finite(self) -> bool {
        self.magnitude != Magnitude::Infinite
    }

    /// The sum, unless it is infinite or, of two infinities, not a number at all.
    #[must_use]
    pub fn checked_add(self, other: LongDouble) -> Option<LongDouble> {
        let (large, small) = if self.magnitude >= other.magnitude { (self, other) } else { (other, self) };
        let Magnitude::Finite { exponent, mantissa } = large.magnitude else {
            return None;
        };
        let Magnitude::Finite { exponent: small_exponent, mantissa: small_mantissa } = small.magnitude else {
            unreachable!("the smaller of two numbers is not infinite when the larger one is finite");
        };
        // 63 bits below the larger number's last one, and one above for a carry. What of the smaller number lies
        // still deeper cannot decide more than which way a tie falls.
        let wide = u128::from(mantissa) << 63;
        let distance = (exponent - small_exponent) as u32;
        let small_wide = u128::from(small_mantissa) << 63;
        let shifted = small_wide.checked_shr(distance).unwrap_or(0);
        let is_inexact = shifted.checked_shl(distance).unwrap_or(0) != small_wide;
        let magnitude = if large.is_negative == small.is_negative {
            round(wide + shifted, is_inexact, exponent - 63)
        } else {
            // A little more than `shifted` is to be taken off: one more, and a little put back.
            round(wide - shifted - u128::from(is_inexact), is_inexact, exponent - 63)
        };
        // A difference of nothing is positive.
        let is_negative = large.is_negative && (magnitude != ZERO || small.is_negative);
        (magnitude != Magnitude::Infinite).then_some(LongDouble { is_negative, magnitude })
    }

    /// Appends the number as Redis prints it for people: `%.17Lf` without the zeros at the end, and no `-0`.
    pub fn append_text(self, out: &mut Vec<u8>) {
        let start = out.len();
        if self.is_negative {
            out.push(b'-');
        }
        match self.magnitude {
            Magnitude::Infinite => out.extend_from_slice(b"inf"),
            Magnitude::Finite { exponent, mantissa } if exponent >= 0 => {
                if exponent <= 64 {
                    let mut digits = itoa::Buffer::new();
                    out.extend_from_slice(digits.format(u128::from(mantissa) << exponent).as_bytes());
                } else {
                    let mut value = BigNatural::from_u64(mantissa);
                    value.shift_left(exponent as usize);
                    value.append_text(out);
                }
            }
            Magnitude::Finite { exponent, mantissa } => append_fraction(out, mantissa, -exponent as u32),
        }
        if &out[start..] == b"-0" {
            out.remove(start);
        }
    }
}

impl From<i64> for LongDouble {
    /// Exact.
    fn from(value: i64) -> LongDouble {
        LongDouble { is_negative: value < 0, magnitude: round(u128::from(value.unsigned_abs()), false, 0) }
    }
}

impl TryFrom<f64> for LongDouble {
    type Error = NotANumber;

    /// Exact.
    fn try_from(value: f64) -> Result<LongDouble, NotANumber> {
        let bits = value.abs().to_bits();
        let magnitude = match (bits >> 52, bits & ((1 << 52) - 1)) {
            (0x7ff, 0) => Magnitude::Infinite,
            (0x7ff, _) => return Err(NotANumber),
            (0, fraction) => round(u128::from(fraction), false, -1074),
            (biased, fraction) => round(u128::from(fraction | 1 << 52), false, biased as i64 - 1075),
        };
        Ok(LongDouble { is_negative: value.is_sign_negative(), magnitude })
    }
}

/// NaN was given where a number is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

/// The nearest number to `mantissa * 2^exponent`, which is a little more when `is_inexact`. An inexact mantissa must
/// have more than 64 bits, or be one that is not rounded by more than its own lowest bit.
fn round(mantissa: u128, is_inexact: bool, exponent: i64) -> Magnitude {
    if mantissa == 0 {
        return ZERO;
    }
    let bits = i64::from(u128::BITS - mantissa.leading_zeros());
    let dropped = (bits - 64).max(EXPONENT_MIN - exponent);
    let mut exponent = exponent + dropped;
    if exponent > EXPONENT_MAX {
        return Magnitude::Infinite;
    }
    if dropped <= 0 {
        return Magnitude::Finite { exponent, mantissa: (mantissa << -dropped) as u64 };
    }
    if dropped > bits {
        return ZERO;
    }
    let kept = mantissa.checked_shr(dropped as u32).unwrap_or(0) as u64;
    let half = 1u128 << (dropped - 1);
    let rest = mantissa & (half | (half - 1));
    let is_up = rest > half || rest == half && (is_inexact || kept & 1 == 1);
    let rounded = match kept.checked_add(u64::from(is_up)) {
        Some(rounded) => rounded,
        None => {
            exponent += 1;
            1 << 63
        }
    };
    if exponent > EXPONENT_MAX {
        Magnitude::Infinite
    } else {
        Magnitude::Finite { exponent, mantissa: rounded }
    }
}

/// Refuses what has overflowed or underflowed.
fn representable(magnitude: Magnitude, is_zero: bool) -> Option<Magnitude> {
    (magnitude != Magnitude::Infinite && (magnitude != ZERO || is_zero)).then_some(magnitude)
}

/// A decimal number: the digits as a whole number, times `10^exponent`.
struct Decimal {
    /// Values, not characters. Neither the first nor the last is zero.
    digits: Vec<u8>,
    exponent: i64,
}

impl Decimal {
    /// Reads digits, at least one, perhaps a point among them, perhaps an exponent.
    fn parse(text: &[u8]) -> Option<Decimal> {
        let mantissa_len = text.iter().position(|byte| matches!(byte, b'e' | b'E')).unwrap_or(text.len());
        let (mantissa, exponent) = text.split_at(mantissa_len);
        let mut exponent = if exponent.is_empty() { 0 } else { parse_exponent(&exponent[1..])? };
        let mut digits = Vec::with_capacity(mantissa.len());
        let (mut has_digits, mut is_fraction) = (false, false);
        for &byte in mantissa {
            match byte {
                b'.' if !is_fraction => is_fraction = true,
                b'0'..=b'9' => {
                    has_digits = true;
                    exponent -= i64::from(is_fraction);
                    if byte != b'0' || !digits.is_empty() {
                        digits.push(byte - b'0');
                    }
                }
                _ => return None,
            }
        }
        while digits.last() == Some(&0) {
            digits.pop();
            exponent += 1;
        }
        has_digits.then_some(Decimal { digits, exponent })
    }

    /// The nearest number.
    fn round(&self) -> Magnitude {
        let magnitude = self.exponent + self.digits.len() as i64;
        if self.digits.is_empty() || magnitude < DECIMAL_MAGNITUDE_MIN {
            return ZERO;
        }
        if magnitude > DECIMAL_MAGNITUDE_MAX {
            return Magnitude::Infinite;
        }
        if self.digits.len() <= 19 && (-18..=19).contains(&self.exponent) {
            // Less than 10^19, which fits.
            let value = self.digits.iter().fold(0u64, |value, &digit| value * 10 + u64::from(digit));
            let power = 10u64.pow(self.exponent.unsigned_abs() as u32);
            if self.exponent >= 0 {
                return round(u128::from(value) * u128::from(power), false, 0);
            }
            // The divisor has at most 60 bits, so the quotient has at least 67.
            let shift = u128::from(value).leading_zeros();
            let dividend = u128::from(value) << shift;
            let power = u128::from(power);
            return round(dividend / power, !dividend.is_multiple_of(power), -i64::from(shift));
        }
        self.round_wide()
    }

    fn round_wide(&self) -> Magnitude {
        let mut value = BigNatural::from_digits(&self.digits);
        let mut divisor = BigNatural::from_u64(1);
        if self.exponent >= 0 {
            value.multiply_by_power_of_ten(self.exponent as usize);
        } else {
            divisor.multiply_by_power_of_ten(-self.exponent as usize);
        }
        // Bring the quotient to between one and four, and take off 67 bits of it one by one.
        let shift = divisor.bits() as i64 - value.bits() as i64 + 1;
        if shift >= 0 {
            value.shift_left(shift as usize);
        } else {
            divisor.shift_left(-shift as usize);
        }
        divisor.shift_left(1);
        let mut quotient = 0u128;
        for _ in 0..68 {
            let is_set = value.subtract_if_not_less(&divisor);
            quotient = quotient << 1 | u128::from(is_set);
            value.shift_left(1);
        }
        // The first bit is worth two, so the last is worth 2^(1 - 67).
        round(quotient, !value.is_zero(), 1 - 67 - shift)
    }
}

/// Appends `mantissa / 2^shift` with up to [`DECIMALS`] decimals.
fn append_fraction(out: &mut Vec<u8>, mantissa: u64, shift: u32) {
    let mut whole = mantissa.checked_shr(shift).unwrap_or(0);
    let fraction = if shift < 64 { mantissa & ((1 << shift) - 1) } else { mantissa };
    let scaled = u128::from(fraction) * u128::from(DECIMALS_SCALE);
    // Less than 2^121 it is, so that nothing is left of it when 128 bits are dropped.
    let mut decimals = scaled.checked_shr(shift).unwrap_or(0) as u64;
    if shift < 128 {
        let half = 1u128 << (shift - 1);
        let rest = scaled & (half | (half - 1));
        if rest > half || rest == half && decimals & 1 == 1 {
            decimals += 1;
        }
    }
    if decimals == DECIMALS_SCALE {
        decimals = 0;
        whole += 1;
    }
    out.extend_from_slice(itoa::Buffer::new().format(whole).as_bytes());
    if decimals > 0 {
        out.push(b'.');
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(decimals).as_bytes();
        out.extend_from_slice(&[b'0'; DECIMALS][digits.len()..]);
        out.extend_from_slice(digits);
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(value: LongDouble) -> String {
        let mut out = Vec::new();
        value.append_text(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn parse(text: &str) -> Option<LongDouble> {
        LongDouble::parse(text.as_bytes())
    }

    /// `SET k left`, `INCRBYFLOAT k right`, and what Redis 7.0.15 on x86-64 replied.
    const RECORDED: &str = include_str!("long_double/recorded.txt");

    #[test]
    fn sums_are_those_of_redis() {
        for line in RECORDED.lines() {
            let [left, right, expected] = line.split('|').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            let sum = match (parse(left), parse(right)) {
                (Some(left), Some(right)) => left.checked_add(right).map_or("infinite".into(), text),
                _ => "invalid".into(),
            };
            assert_eq!(sum, expected, "{left} + {right}");
        }
    }

    #[test]
    fn long_texts_are_refused() {
        assert!(parse(&"1".repeat(4_000)).is_some());
        assert!(parse(&format!("0.{}", "0".repeat(5_117))).is_some());
        assert!(parse(&format!("0.{}", "0".repeat(5_118))).is_none());
        assert!(parse(&"1".repeat(5_000)).is_none());
    }

    #[test]
    fn other_numbers_are_taken_exactly() {
        for value in [0, 1, -1, i64::MAX, i64::MIN] {
            assert_eq!(text(LongDouble::from(value)), value.to_string());
        }
        for (value, expected) in [
            (0.1, "0.10000000000000001"),
            (-0.0, "0"),
            (-2.5, "-2.5"),
            (1e22, "10000000000000000000000"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::from_bits(1), "0"),
        ] {
            assert_eq!(LongDouble::try_from(value).map(text).as_deref(), Ok(expected));
        }
        assert_eq!(LongDouble::try_from(f64::NAN), Err(NotANumber));
        assert!(!LongDouble::try_from(f64::INFINITY).unwrap().is_finite());
        assert!(parse("1e4932").unwrap().is_finite());
    }

    proptest! {
        #[test]
        fn the_long_way_round_gives_the_same(digits in 1u64..10_000_000_000_000_000_000, exponent in -18i64..=19) {
            let decimal = Decimal { digits: digits.to_string().bytes().map(|digit| digit - b'0').collect(), exponent };
            prop_assert_eq!(decimal.round(), decimal.round_wide());
        }

        #[test]
        fn sums_of_doubles_agree_with_the_processor(left: f64, right: f64, is_near: bool) {
            // Rounding to 64 bits and then to 53 is rounding to 53 unless the first rounding makes a tie.
            let right = if is_near { left * (1.0 + right.abs().fract()) } else { right };
            if !(left + right).is_finite() {
                return Ok(());
            }
            let exact = LongDouble::try_from(left).unwrap().checked_add(LongDouble::try_from(right).unwrap());
            let Magnitude::Finite { exponent, mantissa } = exact.unwrap().magnitude else { panic!() };
            if mantissa & 0x7ff == 0x400 || exponent <= -1074 {
                return Ok(());
            }
            let expected = LongDouble::try_from(left + right).unwrap();
            let rounded = round(u128::from((mantissa >> 11) + (mantissa >> 10 & 1)), false, exponent + 11);
            prop_assert_eq!(rounded, expected.magnitude);
            prop_assert_eq!(exact.unwrap().is_negative, left + right < 0.0 || (left + right).to_bits() == 1 << 63);
        }

        #[test]
        fn any_text_is_survived(text in "[-+]?(0x)?[0-9a-f.]{0,40}([ep][-+]?[0-9]{0,6})?") {
            if let Some(value) = parse(&text) {
                prop_assert!(value.is_finite());
            }
        }
    }
}
