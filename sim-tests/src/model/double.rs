//! Doubles: read as C's `strtod` reads them, printed as Redis 7.2 prints scores.
//!
//! Reading is exact: whatever is written becomes a decimal fraction that the standard library rounds once. Printing
//! is the Grisu2 of Florian Loitsch, with powers of ten computed where others have a table: its digits always read
//! back as the same number, and now and then there is one more than needed.

use super::number::until_zero;
use num_bigint::BigUint;

/// Texts with a larger power of two than this are zero or infinite, whatever their digits.
const EXPONENT_MAX: i64 = 100_000;

/// What C makes of the beginning of a text.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Read {
    pub value: f64,
    /// How many bytes belong to the number; none if there is no number.
    pub len: usize,
    /// Whether the number is too large or too small to be one.
    pub is_out_of_range: bool,
}

/// A number as scores, weights and increments are given: all of the text, and one that can be represented.
pub(super) fn parse(text: &[u8]) -> Option<f64> {
    if text.is_empty() || is_space(text[0]) {
        return None;
    }
    let read = strtod(text);
    let is_lost = read.is_out_of_range && (read.value == 0.0 || read.value.is_infinite());
    (read.len == text.len() && !is_lost && !read.value.is_nan()).then_some(read.value)
}

/// A number as ranges and SORT take it: a text of C's, in which nothing at all is zero.
pub(super) fn parse_loosely(text: &[u8]) -> Option<Read> {
    let text = until_zero(text);
    let read = strtod(text);
    (read.len == text.len() && !read.value.is_nan()).then_some(read)
}

fn is_space(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Reads as much of a text as is a number.
fn strtod(text: &[u8]) -> Read {
    let none = Read { value: 0.0, len: 0, is_out_of_range: false };
    let blanks = text.iter().take_while(|&&byte| is_space(byte)).count();
    let signs = usize::from(matches!(text.get(blanks), Some(b'-' | b'+')));
    let start = blanks + signs;
    let is_negative = signs == 1 && text[blanks] == b'-';
    let rest = text[start..].to_ascii_lowercase();
    let found = special(&rest).or_else(|| hexadecimal(&rest)).or_else(|| decimal(&rest));
    let Some(Read { value, len, is_out_of_range }) = found else { return none };
    Read { value: if is_negative { -value } else { value }, len: start + len, is_out_of_range }
}

fn special(text: &[u8]) -> Option<Read> {
    let (value, len) = if text.starts_with(b"infinity") {
        (f64::INFINITY, 8)
    } else if text.starts_with(b"inf") {
        (f64::INFINITY, 3)
    } else if text.starts_with(b"nan") {
        let tail = text[3..].strip_prefix(b"(");
        let inner = |tail: &[u8]| {
            tail.iter().take_while(|&&byte| byte.is_ascii_alphanumeric() || byte == b'_').count()
        };
        let closed = tail.filter(|tail| tail.get(inner(tail)) == Some(&b')'));
        (f64::NAN, closed.map_or(3, |tail| 3 + inner(tail) + 2))
    } else {
        return None;
    };
    Some(Read { value, len, is_out_of_range: false })
}

/// Digits with an optional point: without the point, how many stand behind it, and how long all of it is.
fn digits_of(text: &[u8], is_digit: fn(&u8) -> bool) -> Option<(Vec<u8>, i64, usize)> {
    let count = |text: &[u8]| text.iter().take_while(|byte| is_digit(byte)).count();
    let whole = count(text);
    let has_point = text.get(whole) == Some(&b'.');
    let decimals = if has_point { count(&text[whole + 1..]) } else { 0 };
    if whole + decimals == 0 {
        return None;
    }
    let mut digits = text[..whole].to_vec();
    if has_point {
        digits.extend_from_slice(&text[whole + 1..whole + 1 + decimals]);
    }
    Some((digits, decimals as i64, whole + usize::from(has_point) + decimals))
}

/// An exponent behind its mark: its value and its length with the mark; nothing if there are no digits.
fn exponent_of(text: &[u8], mark: u8) -> (i64, usize) {
    let [first, rest @ ..] = text else { return (0, 0) };
    let (is_negative, signs) = match rest.first() {
        Some(b'-') => (true, 1),
        Some(b'+') => (false, 1),
        _ => (false, 0),
    };
    let digits: Vec<u8> =
        rest[signs.min(rest.len())..].iter().copied().take_while(u8::is_ascii_digit).collect();
    if *first != mark || digits.is_empty() {
        return (0, 0);
    }
    let text = String::from_utf8_lossy(&digits);
    let value = text.parse::<i64>().unwrap_or(EXPONENT_MAX).min(EXPONENT_MAX);
    (if is_negative { -value } else { value }, 1 + signs + digits.len())
}

fn decimal(text: &[u8]) -> Option<Read> {
    let (digits, decimals, len) = digits_of(text, u8::is_ascii_digit)?;
    let (exponent, exponent_len) = exponent_of(&text[len..], b'e');
    Some(rounded(&String::from_utf8_lossy(&digits), exponent - decimals, len + exponent_len))
}

fn hexadecimal(text: &[u8]) -> Option<Read> {
    let (digits, decimals, len) = digits_of(text.strip_prefix(b"0x")?, u8::is_ascii_hexdigit)?;
    let (exponent, exponent_len) = exponent_of(&text[2 + len..], b'p');
    let number = BigUint::parse_bytes(&digits, 16)?;
    let exponent = (exponent - 4 * decimals).clamp(-EXPONENT_MAX, EXPONENT_MAX);
    let power = u32::try_from(exponent.unsigned_abs()).unwrap_or(0);
    let len = 2 + len + exponent_len;
    Some(if exponent >= 0 {
        rounded(&(number << power).to_string(), 0, len)
    } else {
        // A number over a power of two is the same times that power of five, over that power of ten.
        rounded(&(number * BigUint::from(5_u8).pow(power)).to_string(), exponent, len)
    })
}

/// Digits times a power of ten.
fn rounded(digits: &str, exponent: i64, len: usize) -> Read {
    let value: f64 = format!("{digits}e{exponent}").parse().unwrap_or(0.0);
    let is_zero = digits.bytes().all(|digit| digit == b'0');
    Read { value, len, is_out_of_range: value.is_infinite() || (value < f64::MIN_POSITIVE && !is_zero) }
}

/// As Redis 7.2 prints a score.
pub(super) fn print(value: f64) -> Vec<u8> {
    if let Some(text) = print_plain(value) {
        return text;
    }
    let sign = if value < 0.0 { "-" } else { "" };
    let (digits, exponent) = grisu(value.abs());
    format!("{sign}{}", arranged(&digits, exponent)).into_bytes()
}

/// As C prints a number with seventeen digits: how ZSCAN shows the scores of a large sorted set, and how Redis 7.0
/// printed all of them.
pub(super) fn print_long(value: f64) -> Vec<u8> {
    if value.is_infinite() || value == 0.0 {
        return print_plain(value).unwrap_or_default();
    }
    let text = format!("{:.16e}", value.abs());
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = digits.replace('.', "");
    let digits = digits.trim_end_matches('0');
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let sign = if value < 0.0 { "-" } else { "" };
    let text = if (-4..17).contains(&exponent) {
        with_point(digits, exponent + 1)
    } else {
        let point = if digits.len() > 1 { "." } else { "" };
        let mark = if exponent < 0 { '-' } else { '+' };
        format!("{}{point}{}e{mark}{:02}", &digits[..1], &digits[1..], exponent.abs())
    };
    format!("{sign}{text}").into_bytes()
}

/// What needs no digits of a fraction: infinities, zeros, and integers that are not too large.
fn print_plain(value: f64) -> Option<Vec<u8>> {
    let text = if value.is_nan() {
        "nan".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "inf" } else { "-inf" }.to_owned()
    } else if value == 0.0 {
        if value.is_sign_negative() { "-0" } else { "0" }.to_owned()
    } else {
        integer_in(value)?.to_string()
    };
    Some(text.into_bytes())
}

/// The integer that a number is, if it is one that Redis keeps as such.
pub(super) fn integer_in(value: f64) -> Option<i64> {
    let half = (i64::MAX / 2) as f64;
    ((-half..=half).contains(&value) && value.fract() == 0.0).then_some(value as i64)
}

/// Digits with the point behind so many of them, which may be none or fewer, or more than there are.
fn with_point(digits: &str, whole: i64) -> String {
    let len = digits.len() as i64;
    if whole >= len {
        format!("{digits}{}", "0".repeat((whole - len) as usize))
    } else if whole > 0 {
        let (front, back) = digits.split_at(whole as usize);
        format!("{front}.{back}")
    } else {
        format!("0.{}{digits}", "0".repeat(whole.unsigned_abs() as usize))
    }
}

/// Digits times a power of ten, in the form that Redis gives them.
fn arranged(digits: &str, exponent: i64) -> String {
    let len = digits.len() as i64;
    let magnitude = (exponent + len - 1).abs();
    if exponent >= 0 && magnitude < len + 7 || exponent < 0 && (exponent > -7 || magnitude < 4) {
        return with_point(digits, exponent + len);
    }
    let point = if len > 1 { "." } else { "" };
    let mark = if exponent + len - 1 < 0 { '-' } else { '+' };
    format!("{}{point}{}e{mark}{magnitude}", &digits[..1], &digits[1..])
}

/// Sixty-four bits, times a power of two.
#[derive(Clone, Copy, Debug)]
struct Scaled {
    bits: u64,
    exponent: i64,
}

impl Scaled {
    fn normal(bits: u64, exponent: i64) -> Scaled {
        let zeros = bits.leading_zeros();
        Scaled { bits: bits << zeros, exponent: exponent - i64::from(zeros) }
    }

    fn times(self, other: Scaled) -> Scaled {
        let product = u128::from(self.bits) * u128::from(other.bits) + (1 << 63);
        Scaled { bits: (product >> 64) as u64, exponent: self.exponent + other.exponent + 64 }
    }
}

/// A power of ten, rounded to sixty-four bits.
fn power_of_ten(power: i64) -> Scaled {
    let ten = BigUint::from(10_u8).pow(power.unsigned_abs() as u32);
    let bits = ten.bits() as i64;
    if power >= 0 {
        let (scaled, exponent) = if bits <= 64 { (ten << (64 - bits), bits - 64) } else { (ten, 0) };
        let surplus = scaled.bits() as i64 - 64;
        let half = if surplus > 0 { BigUint::from(1_u8) << (surplus - 1) } else { BigUint::ZERO };
        let rounded = (scaled + half) >> surplus;
        return Scaled { bits: u64::try_from(rounded).unwrap_or(u64::MAX), exponent: exponent + surplus };
    }
    // One over a number of so many bits has its first bit right behind them.
    let numerator = BigUint::from(1_u8) << (bits + 63);
    let rounded = (numerator + (&ten >> 1_u8)) / &ten;
    Scaled { bits: u64::try_from(rounded).unwrap_or(u64::MAX), exponent: -(bits + 63) }
}

/// The powers of ten at hand: the lowest, how far they are apart, and how many there are.
const POWER_FIRST: i64 = -348;
const POWER_STEP: i64 = 8;
const POWERS: i64 = 87;

/// The power of ten that brings an exponent to where digits come out, and which one it is.
fn fitting_power(exponent: i64) -> (Scaled, i64) {
    let approximate = (-(exponent + POWERS) as f64 * std::f64::consts::LOG10_2) as i64;
    let mut index = (approximate - POWER_FIRST) / POWER_STEP;
    loop {
        let power = POWER_FIRST + index * POWER_STEP;
        let scaled = power_of_ten(power);
        match exponent + scaled.exponent + 64 {
            ..-60 => index += 1,
            -31.. => index -= 1,
            _ => return (scaled, power),
        }
    }
}

/// The digits of a positive number, and the power of ten that the last one counts.
fn grisu(value: f64) -> (String, i64) {
    const HIDDEN: u64 = 1 << 52;
    let biased = (value.to_bits() >> 52) as i64;
    let fraction = value.to_bits() & (HIDDEN - 1);
    let (bits, exponent) = if biased == 0 { (fraction, -1074) } else { (fraction | HIDDEN, biased - 1075) };
    let upper = Scaled::normal((bits << 1) + 1, exponent - 1);
    let shift = if bits == HIDDEN { 2 } else { 1 };
    let lower = (bits << shift) - 1;
    let lower = Scaled { bits: lower << (exponent - shift - upper.exponent), exponent: upper.exponent };
    let (power, index) = fitting_power(upper.exponent);
    let number = Scaled::normal(bits, exponent).times(power);
    let (mut upper, mut lower) = (upper.times(power), lower.times(power));
    upper.bits -= 1;
    lower.bits += 1;
    let (digits, last) = generate(number, upper, lower);
    (String::from_utf8_lossy(&digits).into_owned(), last - index)
}

/// The fewest digits between two bounds, and the power of ten that the last one counts.
fn generate(number: Scaled, upper: Scaled, lower: Scaled) -> (Vec<u8>, i64) {
    let shift = (-upper.exponent) as u32;
    let one = 1_u64 << shift;
    let distance = upper.bits - number.bits;
    let mut delta = upper.bits - lower.bits;
    let (mut whole, mut part) = (upper.bits >> shift, upper.bits & (one - 1));
    let mut digits = Vec::new();
    let push = |digits: &mut Vec<u8>, digit: u64| {
        if digit > 0 || !digits.is_empty() {
            digits.push(b'0' + digit as u8);
        }
    };
    for kappa in (0..10_u32).rev() {
        let divisor = 10_u64.pow(kappa);
        push(&mut digits, whole / divisor);
        whole %= divisor;
        let rest = (whole << shift) + part;
        if rest <= delta {
            approach(&mut digits, delta, rest, divisor << shift, distance);
            return (digits, i64::from(kappa));
        }
    }
    let (mut last, mut unit) = (0, 1_u64);
    loop {
        part *= 10;
        delta *= 10;
        unit = unit.wrapping_mul(10);
        last -= 1;
        push(&mut digits, part >> shift);
        part &= one - 1;
        if part < delta {
            approach(&mut digits, delta, part, one, distance.wrapping_mul(unit));
            return (digits, last);
        }
    }
}

/// Lowers the last digit as long as that brings it nearer to the number itself.
fn approach(digits: &mut [u8], delta: u64, mut rest: u64, unit: u64, distance: u64) {
    while rest < distance
        && delta - rest >= unit
        && (rest + unit < distance || distance - rest > rest + unit - distance)
    {
        if let Some(last) = digits.last_mut() {
            *last -= 1;
        }
        rest += unit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, number) in [
            ("0.1", Some(0.1)),
            ("+1.", Some(1.0)),
            (".5e1", Some(5.0)),
            ("0x10", Some(16.0)),
            ("0x.8p1", Some(1.0)),
            ("-inf", Some(f64::NEG_INFINITY)),
            ("Infinity", Some(f64::INFINITY)),
            ("4.9e-324", Some(5e-324)),
            ("1e-400", None),
            ("1e400", None),
            ("nan", None),
            ("1e", None),
            ("0x", None),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1\0", None),
        ] {
            assert_eq!(parse(text.as_bytes()), number, "{text}");
        }
        assert_eq!(parse_loosely(b"").map(|read| read.value), Some(0.0));
        assert_eq!(parse_loosely(b" 1\0x").map(|read| read.value), Some(1.0));
        assert_eq!(parse_loosely(b" "), None);
    }

    #[test]
    fn numbers_are_printed_as_redis_prints_them() {
        for (number, text, long) in [
            (0.1, "0.1", "0.10000000000000001"),
            (-0.0, "-0", "-0"),
            (3.0, "3", "3"),
            (-1.5, "-1.5", "-1.5"),
            (1e17, "100000000000000000", "1e+17"),
            (1e20, "1e+20", "1e+20"),
            (1e21, "1e+21", "1e+21"),
            (5e-324, "5e-324", "4.9406564584124654e-324"),
            (f64::MAX, "1.7976931348623157e+308", "1.7976931348623157e+308"),
            (1e-7, "1e-7", "9.9999999999999995e-08"),
            (0.000_001, "0.000001", "9.9999999999999995e-07"),
            (123.456, "123.456", "123.456"),
        ] {
            assert_eq!(String::from_utf8(print(number)).unwrap(), text);
            assert_eq!(String::from_utf8(print_long(number)).unwrap(), long);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_reads_back(bits in any::<u64>()) {
            let number = f64::from_bits(bits);
            prop_assume!(number.is_finite());
            prop_assert_eq!(parse(&print(number)).map(f64::to_bits), Some(bits));
            prop_assert_eq!(parse(&print_long(number)).map(f64::to_bits), Some(bits));
        }
    }
}
