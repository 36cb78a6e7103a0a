//! Doubles: read as C's `strtod` does, printed as Redis 7.2 does.
//!
//! Redis 7.2 prints with the Grisu2 algorithm of Florian Loitsch, "Printing Floating-Point Numbers Quickly and
//! Accurately with Integers" (PLDI 2010). It always gives digits that read back as the same number, and in all but
//! one case in a thousand the fewest; where it gives more, so must we, so it is Grisu2 here as well and not the
//! standard library's printing. (Redis 7.0 printed with `%.17g` instead: 0.1 as 0.10000000000000001.)

use super::hex::parse_hex;
use super::powers::{FIRST_EXPONENT, POWERS, STEP};
use std::ops::Deref;

/// Room for the longest text: 17 digits, a sign and what a point or an exponent adds.
const TEXT_LEN_BYTES_MAX: usize = 32;

/// A double's text.
#[derive(Clone, Copy, Debug)]
pub struct DoubleText {
    bytes: [u8; TEXT_LEN_BYTES_MAX],
    len: u8,
}

impl Deref for DoubleText {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        &self.bytes[..self.len as usize]
    }
}

/// Reads a double as Redis does, which is what C's `strtod` accepts when it must be all of the text: decimal with
/// an optional point and exponent, hexadecimal (`0x1.8p3`), `inf` and `infinity` in any case, one sign. No blanks,
/// no NaN, nothing that overflows to infinity or underflows to zero.
#[must_use]
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    let (negative, magnitude) = match text {
        [b'-', magnitude @ ..] => (true, magnitude),
        [b'+', magnitude @ ..] => (false, magnitude),
        magnitude => (false, magnitude),
    };
    let value = match magnitude {
        [b'0', b'x' | b'X', digits @ ..] => round_hex(digits)?,
        [b'0'..=b'9' | b'.', ..] => {
            // Digits, points, signs and letters only, or `parse` fails; no sign can come first here.
            let value: f64 = std::str::from_utf8(magnitude).ok()?.parse().ok()?;
            let has_underflowed = value == 0.0 && !is_zero(magnitude);
            if has_underflowed || value.is_infinite() {
                return None;
            }
            value
        }
        word if word.eq_ignore_ascii_case(b"inf") || word.eq_ignore_ascii_case(b"infinity") => f64::INFINITY,
        _ => return None,
    };
    Some(if negative { -value } else { value })
}

/// Reads a double where Redis asks no more of C's `strtod` than that it reads all of the text up to a NUL: leading
/// blanks are passed over, no text at all is zero, and what is beyond all doubles is infinite or zero.
#[must_use]
pub fn read_f64(text: &[u8]) -> Option<f64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or(text);
    if text.is_empty() {
        return Some(0.0);
    }
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_blank(byte))?;
    let text = &text[start..];
    parse_f64(text).or_else(|| match text {
        [b'-', magnitude @ ..] => extreme(magnitude).map(|value| -value),
        [b'+', magnitude @ ..] => extreme(magnitude),
        magnitude => extreme(magnitude),
    })
}

/// A decimal number that is too large or too small for [`parse_f64`].
fn extreme(magnitude: &[u8]) -> Option<f64> {
    match magnitude {
        [b'0'..=b'9' | b'.', ..] => std::str::from_utf8(magnitude).ok()?.parse().ok(),
        _ => None,
    }
}

/// Appends a double with up to 17 significant digits, as C's `%.17g` does.
pub fn append_f64_17(out: &mut Vec<u8>, value: f64) {
    if !value.is_finite() || value == 0.0 {
        out.extend_from_slice(&format_f64(value));
        return;
    }
    let text = format!("{value:.16e}");
    // Rust always writes an exponent here.
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let text = if (-4..17).contains(&exponent) {
        format!("{value:.*}", (16 - exponent) as usize)
    } else {
        mantissa.to_owned()
    };
    let digits = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    out.extend_from_slice(digits.as_bytes());
    if !(-4..17).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    }
}

/// Prints a double as Redis 7.2 does: `3`, `0.1`, `1e+21`, `1e-7`, `-0`, `inf`, `-inf`, `nan`.
#[must_use]
pub fn format_f64(value: f64) -> DoubleText {
    let mut text = DoubleText { bytes: [0; TEXT_LEN_BYTES_MAX], len: 0 };
    if value.is_nan() {
        text.append(b"nan");
    } else if value.is_infinite() {
        text.append(if value < 0.0 { b"-inf" } else { b"inf" });
    } else if value == 0.0 {
        text.append(if value.is_sign_negative() { b"-0" } else { b"0" });
    } else if value.abs() <= INTEGER_MAX && value as i64 as f64 == value {
        text.append(itoa::Buffer::new().format(value as i64).as_bytes());
    } else {
        if value < 0.0 {
            text.append(b"-");
        }
        text.append_digits(&Digits::of(value.abs()), value < 0.0);
    }
    text
}

/// Whole numbers up to here, 2^62, are printed as integers.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

/// Whether the digits of a decimal number are all zero, whatever its exponent.
fn is_zero(text: &[u8]) -> bool {
    text.iter().take_while(|byte| !matches!(byte, b'e' | b'E')).all(|byte| !matches!(byte, b'1'..=b'9'))
}

/// The exponent of the lowest bit of the smallest doubles.
const EXPONENT_MIN: i64 = -1074;

/// All doubles are below two to this power.
const MAGNITUDE_BITS_MAX: i64 = 1024;

/// Reads what stands behind `0x`, rounded to the nearest double.
fn round_hex(digits: &[u8]) -> Option<f64> {
    let hex = parse_hex(digits)?;
    if hex.mantissa == 0 {
        return Some(0.0);
    }
    // Bits beyond those a double has are dropped, and more of them for a subnormal one.
    let bits = i64::from(u128::BITS - hex.mantissa.leading_zeros());
    if hex.exponent + bits > MAGNITUDE_BITS_MAX {
        return None;
    }
    let dropped = (bits - i64::from(f64::MANTISSA_DIGITS)).max(EXPONENT_MIN - hex.exponent).max(0);
    let exponent = (hex.exponent + dropped) as i32;
    let mut mantissa = hex.mantissa.checked_shr(dropped as u32).unwrap_or(0) as u64;
    if dropped > 0 && dropped <= bits {
        let half = 1u128 << (dropped - 1);
        let rest = hex.mantissa & (half | (half - 1));
        if rest > half || rest == half && (hex.is_inexact || mantissa & 1 == 1) {
            mantissa += 1;
        }
    }
    // The mantissa is exact, and so is the scaling: it was rounded for its exponent. Two steps keep each power of
    // two within a double's range.
    let value = mantissa as f64 * 2f64.powi(exponent / 2) * 2f64.powi(exponent - exponent / 2);
    (mantissa != 0 && value.is_finite()).then_some(value)
}

/// The digits of a number: `digits[..len] * 10^exponent`.
struct Digits {
    digits: [u8; 20],
    len: usize,
    exponent: i32,
}

/// A floating-point number with a mantissa of 64 bits.
#[derive(Clone, Copy)]
struct Wide {
    mantissa: u64,
    exponent: i32,
}

impl Wide {
    /// The product, rounded to 64 bits.
    fn times(self, other: Wide) -> Wide {
        let product = u128::from(self.mantissa) * u128::from(other.mantissa) + (1 << 63);
        Wide { mantissa: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }

    fn normalized(self) -> Wide {
        let shift = self.mantissa.leading_zeros();
        Wide { mantissa: self.mantissa << shift, exponent: self.exponent - shift as i32 }
    }
}

impl Digits {
    /// The digits of a positive, finite number.
    fn of(value: f64) -> Digits {
        let bits = value.to_bits();
        let (fraction, biased) = (bits & ((1 << 52) - 1), (bits >> 52) as i32);
        let number = if biased == 0 {
            Wide { mantissa: fraction, exponent: EXPONENT_MIN as i32 }
        } else {
            Wide { mantissa: fraction | 1 << 52, exponent: biased - 1075 }
        };
        // Half-way to the neighbours. Below a power of two the lower one is nearer.
        let upper = Wide { mantissa: (number.mantissa << 1) + 1, exponent: number.exponent - 1 }.normalized();
        let lower_shift = if number.mantissa == 1 << 52 { 2 } else { 1 };
        let lower = (number.mantissa << lower_shift) - 1;
        let lower_exponent = number.exponent - lower_shift;
        let lower = Wide { mantissa: lower << (lower_exponent - upper.exponent), exponent: upper.exponent };

        let (power, power_exponent) = scaling_power(upper.exponent);
        let number = number.normalized().times(power);
        let mut upper = upper.times(power);
        let mut lower = lower.times(power);
        // The products may each be off by one unit; what lies between these bounds is safe.
        lower.mantissa += 1;
        upper.mantissa -= 1;
        generate(number, upper, upper.mantissa - lower.mantissa, -power_exponent)
    }
}

/// The power of ten that brings a number with this binary exponent to one between -60 and -32, and its exponent.
fn scaling_power(exponent: i32) -> (Wide, i32) {
    let estimate = -f64::from(exponent + POWERS.len() as i32) * std::f64::consts::LOG10_2;
    let mut index = ((estimate as i32 - FIRST_EXPONENT) / STEP) as usize;
    loop {
        let (mantissa, power_exponent) = POWERS[index];
        let scaled = exponent + i32::from(power_exponent) + 64;
        if scaled < -60 {
            index += 1;
        } else if scaled > -32 {
            index -= 1;
        } else {
            let power = Wide { mantissa, exponent: i32::from(power_exponent) };
            return (power, FIRST_EXPONENT + index as i32 * STEP);
        }
    }
}

/// Produces digits of `upper` until what is left is less than `delta`: then they stand for a number within the
/// bounds. The last digit is brought as near to `number` as it can be.
fn generate(number: Wide, upper: Wide, mut delta: u64, exponent: i32) -> Digits {
    let mut out = Digits { digits: [0; 20], len: 0, exponent };
    let mut distance = upper.mantissa - number.mantissa;
    let point = -upper.exponent as u32;
    let one = 1u64 << point;
    let mut whole = upper.mantissa >> point;
    let mut fraction = upper.mantissa & (one - 1);

    let mut divisor = 1_000_000_000;
    for digits_left in (0..10).rev() {
        out.push((whole / divisor) as u8);
        whole %= divisor;
        let rest = (whole << point) + fraction;
        if rest <= delta {
            out.exponent += digits_left;
            out.round_last(delta, rest, divisor << point, distance);
            return out;
        }
        divisor /= 10;
    }
    loop {
        fraction *= 10;
        delta *= 10;
        distance *= 10;
        out.exponent -= 1;
        out.push((fraction >> point) as u8);
        fraction &= one - 1;
        if fraction < delta {
            out.round_last(delta, fraction, one, distance);
            return out;
        }
    }
}

impl Digits {
    /// Appends a digit, unless it is a leading zero.
    fn push(&mut self, digit: u8) {
        if digit != 0 || self.len > 0 {
            self.digits[self.len] = b'0' + digit;
            self.len += 1;
        }
    }

    /// Lowers the last digit, worth `unit`, while that brings the digits nearer to the number, which lies
    /// `distance` below the upper bound; `rest` is how far below it the digits are.
    fn round_last(&mut self, delta: u64, mut rest: u64, unit: u64, distance: u64) {
        while rest < distance
            && delta - rest >= unit
            && (rest + unit < distance || distance - rest > rest + unit - distance)
        {
            self.digits[self.len - 1] -= 1;
            rest += unit;
        }
    }
}

impl DoubleText {
    fn append(&mut self, part: &[u8]) {
        let len = self.len as usize;
        self.bytes[len..len + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }

    fn append_zeros(&mut self, count: usize) {
        self.append(&[b'0'; TEXT_LEN_BYTES_MAX][..count]);
    }

    /// Lays digits out: plainly when few zeros must be added, else with an exponent.
    fn append_digits(&mut self, digits: &Digits, is_negative: bool) {
        let len = digits.len as i32;
        let shown = &digits.digits[..digits.len];
        let magnitude = digits.exponent + len - 1;
        if digits.exponent >= 0 && magnitude.abs() < len + 7 {
            self.append(shown);
            self.append_zeros(digits.exponent as usize);
        } else if digits.exponent < 0 && (digits.exponent > -7 || magnitude.abs() < 4) {
            let whole = len + digits.exponent;
            if whole <= 0 {
                self.append(b"0.");
                self.append_zeros(-whole as usize);
                self.append(shown);
            } else {
                self.append(&shown[..whole as usize]);
                self.append(b".");
                self.append(&shown[whole as usize..]);
            }
        } else {
            self.append_scientific(&shown[..digits.len.min(18 - usize::from(is_negative))], magnitude);
        }
    }

    fn append_scientific(&mut self, digits: &[u8], exponent: i32) {
        self.append(&digits[..1]);
        if digits.len() > 1 {
            self.append(b".");
            self.append(&digits[1..]);
        }
        self.append(if exponent < 0 { b"e-" } else { b"e+" });
        self.append(itoa::Buffer::new().format(exponent.abs()).as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check_format(value: f64, expected: &str) {
        assert_eq!(std::str::from_utf8(&format_f64(value)).unwrap(), expected);
    }

    #[test]
    fn doubles_are_printed_as_redis_does() {
        check_format(0.0, "0");
        check_format(-0.0, "-0");
        check_format(f64::NAN, "nan");
        check_format(f64::INFINITY, "inf");
        check_format(f64::NEG_INFINITY, "-inf");
        check_format(3.0, "3");
        check_format(-17.0, "-17");
        check_format(0.1, "0.1");
        check_format(0.1 + 0.2, "0.30000000000000004");
        check_format(9.869_604_401_089_358, "9.869604401089358");
        check_format(-1.5, "-1.5");
        check_format(1e17, "100000000000000000");
        check_format(INTEGER_MAX, "4611686018427387904");
        check_format(5e18, "5e+18");
        check_format(9_223_372_036_854_775_807.0, "9223372036854776000");
        check_format(1e21, "1e+21");
        check_format(1.5e300, "1.5e+300");
        check_format(-1.797_693_134_862_315_7e308, "-1.7976931348623157e+308");
        check_format(0.000_001, "0.000001");
        check_format(1e-7, "1e-7");
        check_format(1.25e-5, "1.25e-5");
        check_format(0.000_125, "0.000125");
        check_format(1.5e-10, "1.5e-10");
        check_format(5e-324, "5e-324");
        check_format(2.225_073_858_507_201_4e-308, "2.2250738585072014e-308");
        check_format(0.001_234_567_890_123_456_7, "0.0012345678901234567");
        check_format(1_234_567.123_456, "1234567.123456");
        check_format(123_456_789.123_456_78, "1.2345678912345678e+8");
    }

    #[test]
    fn doubles_are_read_as_strtod_does() {
        let accepted: &[(&str, f64)] = &[
            ("1", 1.0),
            ("0.1", 0.1),
            ("-0", -0.0),
            ("inf", f64::INFINITY),
            ("+inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("INFINITY", f64::INFINITY),
            ("1e5", 1e5),
            ("1E+5", 1e5),
            (".5", 0.5),
            ("5.", 5.0),
            ("+.5e-1", 0.05),
            ("0e-999", 0.0),
            ("0.000e999999999999999999999", 0.0),
            ("5e-324", 5e-324),
            ("4e-324", 5e-324),
            ("3e-324", 5e-324),
            ("0x10", 16.0),
            ("0x1.8p1", 3.0),
            ("-0X.8P1", -1.0),
            ("0x8.", 8.0),
            ("0x1p-1074", 5e-324),
            ("0x1.1p-1075", 5e-324),
            ("0x0p99999999999999999999", 0.0),
            ("0x1.fffffffffffff7p1023", f64::MAX),
            ("0x1.00000000000008p0", 1.0),
            ("0x1.000000000000080000000000001p0", 1.0 + f64::EPSILON),
            ("0x1.00000000000018p0", 1.0 + 2.0 * f64::EPSILON),
            ("0x.00000000000000000000000000001p116", 1.0),
            ("0x100000000000000000000000000000p-116", 1.0),
            ("0x83102caefp987", 35_182_004_975.0 * 2f64.powi(987)),
            ("0x0.fffffffffffffcp-1022", 2.225_073_858_507_201_4e-308),
        ];
        for (text, expected) in accepted {
            let value = parse_f64(text.as_bytes()).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(value.to_bits(), expected.to_bits(), "{text}: {value}");
        }
        for text in [
            "",
            ".",
            "+",
            "-",
            "--1",
            "+-1",
            "1e",
            "1e+",
            "1d5",
            "1_0",
            " 1",
            "1 ",
            "nan",
            "-nan",
            "nan(1)",
            "infinit",
            "1e400",
            "-1e400",
            "1e-400",
            "2e-324",
            "0x",
            "0x.",
            "0x1p",
            "0x1p+",
            "0x1p-1075",
            "0x1p1024",
            "0x1p-9999",
            "0x1.fffffffffffff8p1023",
            "0xg",
            "1\x002",
            "0x1.2.3",
            "1.2.3",
            "ı",
            "0x1p1 ",
        ] {
            assert_eq!(parse_f64(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn doubles_may_be_read_generously() {
        for (text, expected) in [
            ("", 0.0),
            (" \t1.5", 1.5),
            ("1e400", f64::INFINITY),
            ("-1e400", f64::NEG_INFINITY),
            ("1e-400", 0.0),
            ("+2\x00x", 2.0),
            ("\x00x", 0.0),
        ] {
            assert_eq!(read_f64(text.as_bytes()), Some(expected), "{text:?}");
        }
        for text in [" ", "nan", "1 ", "x", "-", "- 1", "--1e400", "1e400x"] {
            assert_eq!(read_f64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn doubles_are_printed_with_17_digits() {
        for (value, expected) in [
            (0.1, "0.10000000000000001"),
            (-1.5, "-1.5"),
            (3.0, "3"),
            (100.0, "100"),
            (-0.0, "-0"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1.5e300, "1.5000000000000001e+300"),
            (0.000_125, "0.000125"),
            (0.000_012_5, "1.2500000000000001e-05"),
            (123_456.789, "123456.789"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            let mut text = Vec::new();
            append_f64_17(&mut text, value);
            assert_eq!(String::from_utf8_lossy(&text), expected);
        }
    }

    #[test]
    fn powers_of_ten_are_evenly_spaced() {
        for pair in POWERS.windows(2) {
            let [(low, low_exponent), (high, high_exponent)] = *pair else { unreachable!() };
            let ratio = high as f64 / low as f64 * 2f64.powi(i32::from(high_exponent - low_exponent));
            assert!((ratio / 1e8 - 1.0).abs() < 1e-15, "{low:x}");
        }
        assert_eq!(POWERS[44], (10_000u64 << 50, -50));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_printed_reads_back(bits: u64) {
            let value = f64::from_bits(bits);
            let text = format_f64(value);
            if value.is_nan() {
                prop_assert_eq!(&*text, b"nan");
            } else {
                prop_assert_eq!(parse_f64(&text).map(f64::to_bits), Some(bits));
            }
        }

        #[test]
        fn what_is_printed_is_short(mantissa in -99_999_999i64..99_999_999, exponent in -30i32..30) {
            let value: f64 = format!("{mantissa}e{exponent}").parse().unwrap();
            let digits = format_f64(value).iter().take_while(|&&b| b != b'e').filter(|b| b.is_ascii_digit()).count();
            prop_assert!(digits <= 8 + 30);
            prop_assert_eq!(parse_f64(&format_f64(value)), Some(value));
        }

        #[test]
        fn hexadecimal_is_read_exactly(mantissa in 1u64 << 53.., exponent in -1000i32..900) {
            // An independent way: the processor rounds once when it converts the integer.
            let expected = mantissa as f64 * 2f64.powi(exponent);
            let text = format!("0x{mantissa:x}p{exponent}");
            prop_assert_eq!(parse_f64(text.as_bytes()), Some(expected));
        }
    }
}
