//! The 80-bit floating-point numbers of INCRBYFLOAT, done exactly with integers of any size.
//!
//! A number is a fraction of two integers until it is rounded, once, to 64 bits of mantissa, to the nearest and
//! in a tie to the even one. That is what the hardware and C's library do in many small steps.

use num_bigint::{BigInt, BigUint, Sign};

/// Bits of a mantissa.
const MANTISSA_BITS: i64 = 64;

/// The exponent of the smallest number there is: the last bit of a mantissa is worth at least 2 to this power.
const EXPONENT_MIN: i64 = -16_445;

/// Numbers are smaller than 2 to this power.
const MAGNITUDE_MAX: i64 = 16_384;

/// Texts from this length on are no numbers to Redis.
const TEXT_LEN_MAX: usize = 5 * 1024;

/// Decimal exponents beyond this make every text of a permitted length too large or too small.
const DECIMAL_EXPONENT_MAX: i64 = 20_000;

/// Digits behind the point that Redis prints.
const DECIMALS: u32 = 17;

/// A number; `mantissa` times two to the power of `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LongDouble {
    Finite { mantissa: BigInt, exponent: i64 },
    Infinite,
}

impl LongDouble {
    /// Zero.
    pub fn zero() -> LongDouble {
        LongDouble::Finite { mantissa: BigInt::ZERO, exponent: 0 }
    }

    /// Reads a number in any form C's `strtold` takes, if it is all of the text, no NaN, and can be represented.
    pub fn parse(text: &[u8]) -> Option<LongDouble> {
        if text.len() >= TEXT_LEN_MAX {
            return None;
        }
        let text = std::str::from_utf8(text).ok()?.to_ascii_lowercase();
        let (sign, digits) = match text.as_bytes().first()? {
            b'-' => (Sign::Minus, &text[1..]),
            b'+' => (Sign::Plus, &text[1..]),
            _ => (Sign::Plus, text.as_str()),
        };
        if digits == "inf" || digits == "infinity" {
            return Some(LongDouble::Infinite);
        }
        let (numerator, denominator) = match digits.strip_prefix("0x") {
            Some(hexadecimal) => fraction(hexadecimal, 16, 'p')?,
            None => fraction(digits, 10, 'e')?,
        };
        let is_zero = numerator == BigUint::ZERO;
        match round(sign, &numerator, &denominator) {
            LongDouble::Finite { mantissa, .. } if mantissa == BigInt::ZERO && !is_zero => None,
            LongDouble::Infinite => None,
            number => Some(number),
        }
    }

    /// How many thousandths, rounded up, but for what may be due to the number's own rounding; `None` where
    /// it is infinite or beyond all reason.
    pub fn ceil_thousandths(&self) -> Option<i128> {
        const GRAIN_BITS: i64 = 20;
        let LongDouble::Finite { mantissa, exponent } = self else { return None };
        let product = mantissa * BigInt::from(1000);
        let shift = exponent + GRAIN_BITS;
        if shift > 200 {
            return None;
        }
        let grains = if shift >= 0 {
            product << shift.unsigned_abs()
        } else {
            let half = BigInt::from(1) << (shift.unsigned_abs() - 1);
            (product + half) >> shift.unsigned_abs()
        };
        let whole = i128::try_from(grains + ((BigInt::from(1) << GRAIN_BITS) - 1)).ok()? >> GRAIN_BITS;
        let is_above_zero = mantissa.sign() == Sign::Plus;
        Some(if is_above_zero { whole.max(1) } else { whole })
    }

    /// The sum; `None` where it is infinite or no number.
    pub fn plus(&self, other: &LongDouble) -> Option<LongDouble> {
        let (
            LongDouble::Finite { mantissa, exponent },
            LongDouble::Finite { mantissa: more, exponent: other },
        ) = (self, other)
        else {
            return None;
        };
        let low = *exponent.min(other);
        let sum = (mantissa << (exponent - low)) + (more << (other - low));
        let (sign, magnitude) = sum.into_parts();
        let rounded = if low >= 0 {
            round(sign, &(magnitude << low), &BigUint::from(1_u8))
        } else {
            round(sign, &magnitude, &(BigUint::from(1_u8) << -low))
        };
        (rounded != LongDouble::Infinite).then_some(rounded)
    }

    /// Prints a finite number with at most 17 digits behind the point, without zeros at its end.
    pub fn print(&self) -> String {
        let LongDouble::Finite { mantissa, exponent } = self else { return "inf".to_owned() };
        let scaled = mantissa.magnitude() * BigUint::from(10_u8).pow(DECIMALS);
        let rounded = if *exponent >= 0 {
            scaled << *exponent
        } else {
            divide_to_even(&scaled, &(BigUint::from(1_u8) << -*exponent))
        };
        let digits = format!("{:0>width$}", rounded.to_string(), width = DECIMALS as usize + 1);
        let (whole, decimals) = digits.split_at(digits.len() - DECIMALS as usize);
        let decimals = decimals.trim_end_matches('0');
        let point = if decimals.is_empty() { "" } else { "." };
        let text = format!("{whole}{point}{decimals}");
        if mantissa.sign() == Sign::Minus && text != "0" { format!("-{text}") } else { text }
    }
}

/// Reads digits with an optional point and an optional exponent as a fraction.
fn fraction(text: &str, base: u32, exponent_mark: char) -> Option<(BigUint, BigUint)> {
    let (digits, exponent) = match text.split_once(exponent_mark) {
        Some((digits, exponent)) => (digits, exponent_of(exponent)?),
        None => (text, 0),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all = format!("{whole}{decimals}");
    if all.is_empty() || !all.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let number = BigUint::parse_bytes(all.as_bytes(), base)?;
    let one = BigUint::from(1_u8);
    let decimals_len = u32::try_from(decimals.len()).ok()?;
    let denominator = BigUint::from(base).pow(decimals_len);
    let power = BigUint::from(if base == 16 { 2_u8 } else { 10 }).pow(u32::try_from(exponent.abs()).ok()?);
    if number == BigUint::ZERO {
        return Some((number, one));
    }
    Some(if exponent < 0 { (number, denominator * power) } else { (number * power, denominator) })
}

/// An exponent; of those that are out of reach anyway, one that is.
fn exponent_of(text: &str) -> Option<i64> {
    let (is_negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    // The largest that matters belongs to a power of two with as many hexadecimal digits against it as fit.
    let limit = 2 * DECIMAL_EXPONENT_MAX;
    let number = digits.parse::<i64>().map_or(limit, |number| number.min(limit));
    Some(if is_negative { -number } else { number })
}

/// Rounds a fraction to the nearest number there is.
fn round(sign: Sign, numerator: &BigUint, denominator: &BigUint) -> LongDouble {
    if *numerator == BigUint::ZERO {
        return LongDouble::zero();
    }
    let bits = |number: &BigUint| i64::try_from(number.bits()).unwrap_or(i64::MAX);
    // One too low at first, so that the quotient has 64 or 65 bits; then once more if it has 65.
    let mut exponent = (bits(numerator) - bits(denominator) - MANTISSA_BITS).max(EXPONENT_MIN);
    let limit = BigUint::from(1_u8) << MANTISSA_BITS;
    loop {
        let quotient = if exponent >= 0 {
            divide_to_even(numerator, &(denominator << exponent))
        } else {
            divide_to_even(&(numerator << -exponent), denominator)
        };
        if quotient < limit {
            let is_infinite = bits(&quotient) + exponent > MAGNITUDE_MAX;
            let mantissa = BigInt::from_biguint(sign, quotient);
            return if is_infinite {
                LongDouble::Infinite
            } else {
                LongDouble::Finite { mantissa, exponent }
            };
        }
        exponent += 1;
    }
}

/// Divides, rounding to the nearest integer, and in a tie to the even one.
fn divide_to_even(numerator: &BigUint, denominator: &BigUint) -> BigUint {
    let quotient = numerator / denominator;
    let twice_the_rest = (numerator - &quotient * denominator) << 1_u8;
    let is_odd = quotient.bit(0);
    match twice_the_rest.cmp(denominator) {
        std::cmp::Ordering::Greater => quotient + 1_u8,
        std::cmp::Ordering::Equal if is_odd => quotient + 1_u8,
        _ => quotient,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(a: &str, b: &str) -> Option<String> {
        let (a, b) = (LongDouble::parse(a.as_bytes())?, LongDouble::parse(b.as_bytes())?);
        a.plus(&b).map(|sum| sum.print())
    }

    #[test]
    fn sums_are_those_of_the_hardware() {
        for (a, b, expected) in [
            ("10.50", "0.1", "10.6"),
            ("5.0e3", "2.0e2", "5200"),
            ("1", "0.00000000000000001", "1.00000000000000001"),
            ("0.1", "0.2", "0.3"),
            ("0.00000000000000001", "1e-5", "0.00001000000000001"),
            ("123456789012345678", "0.5", "123456789012345678.5"),
            ("9223372036854775807", "1", "9223372036854775808"),
            ("0.3333333333333333333", "0.3333333333333333333", "0.66666666666666667"),
            ("-1.5", "1.5", "0"),
            ("-1e-30", "0", "0"),
            ("0x1p3", "0X.8", "8.5"),
            (".5", "5.", "5.5"),
        ] {
            assert_eq!(sum(a, b).as_deref(), Some(expected), "{a} + {b}");
        }
        assert_eq!(sum("1.1e4932", "1.1e4932"), None);
        assert_eq!(sum("inf", "1"), None);
    }

    #[test]
    fn whatever_is_no_number_is_refused() {
        for text in
            ["", "abc", " 1", "1 ", "1e", "1e+", "1,5", "nan", "0x", "0xp1", ".", "1\0", "1e5000", "1e-5000"]
        {
            assert_eq!(LongDouble::parse(text.as_bytes()), None, "{text}");
        }
        assert!(LongDouble::parse(b"1e-4940").is_some());
        assert!(LongDouble::parse(b"0e99999999999999999999").is_some());
    }
}
