//! Natural numbers of any size, with just what reading and printing need.

/// The largest power of ten in a limb, and its exponent.
const LIMB_TEN: u64 = 10_000_000_000_000_000_000;
const LIMB_DIGITS: usize = 19;

/// A natural number, as limbs of 64 bits with the lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct BigNatural {
    /// Invariant: the last one is not zero.
    limbs: Vec<u64>,
}

impl BigNatural {
    pub(super) fn from_u64(value: u64) -> BigNatural {
        BigNatural { limbs: if value == 0 { Vec::new() } else { vec![value] } }
    }

    /// From decimal digits, as values.
    pub(super) fn from_digits(digits: &[u8]) -> BigNatural {
        let mut number = BigNatural { limbs: Vec::with_capacity(digits.len() / LIMB_DIGITS + 1) };
        for part in digits.chunks(LIMB_DIGITS) {
            let value = part.iter().fold(0u64, |value, &digit| value * 10 + u64::from(digit));
            number.multiply_add(10u64.pow(part.len() as u32), value);
        }
        number
    }

    pub(super) fn is_zero(&self) -> bool {
        self.limbs.is_empty()
    }

    /// The position of the highest bit, counted from one.
    pub(super) fn bits(&self) -> usize {
        self.limbs.last().map_or(0, |last| self.limbs.len() * 64 - last.leading_zeros() as usize)
    }

    pub(super) fn multiply_by_power_of_ten(&mut self, exponent: usize) {
        for _ in 0..exponent / LIMB_DIGITS {
            self.multiply_add(LIMB_TEN, 0);
        }
        self.multiply_add(10u64.pow((exponent % LIMB_DIGITS) as u32), 0);
    }

    fn multiply_add(&mut self, factor: u64, summand: u64) {
        let mut carry = summand;
        for limb in &mut self.limbs {
            let product = u128::from(*limb) * u128::from(factor) + u128::from(carry);
            *limb = product as u64;
            carry = (product >> 64) as u64;
        }
        if carry != 0 {
            self.limbs.push(carry);
        }
    }

    pub(super) fn shift_left(&mut self, bits: usize) {
        if self.is_zero() {
            return;
        }
        let bit_shift = bits % 64;
        if bit_shift != 0 {
            let mut carry = 0;
            for limb in &mut self.limbs {
                let shifted = *limb << bit_shift | carry;
                carry = *limb >> (64 - bit_shift);
                *limb = shifted;
            }
            if carry != 0 {
                self.limbs.push(carry);
            }
        }
        self.limbs.splice(0..0, std::iter::repeat_n(0, bits / 64));
    }

    /// Subtracts another number, if this one is not less; answers whether it was so.
    pub(super) fn subtract_if_not_less(&mut self, other: &BigNatural) -> bool {
        let by_size = self.limbs.len().cmp(&other.limbs.len());
        if by_size.then_with(|| self.limbs.iter().rev().cmp(other.limbs.iter().rev())).is_lt() {
            return false;
        }
        let mut is_borrowed = false;
        for (index, limb) in self.limbs.iter_mut().enumerate() {
            let subtrahend = other.limbs.get(index).copied().unwrap_or(0);
            let (difference, is_less) = limb.overflowing_sub(subtrahend);
            let (difference, is_still_less) = difference.overflowing_sub(u64::from(is_borrowed));
            *limb = difference;
            is_borrowed = is_less || is_still_less;
        }
        self.trim();
        true
    }

    /// Appends the decimal digits.
    pub(super) fn append_text(mut self, out: &mut Vec<u8>) {
        let start = out.len();
        loop {
            let mut part = self.divide(LIMB_TEN);
            let is_last = self.is_zero();
            // The digits come lowest first and are turned round in the end.
            for _ in 0..LIMB_DIGITS {
                out.push(b'0' + (part % 10) as u8);
                part /= 10;
                if is_last && part == 0 {
                    out[start..].reverse();
                    return;
                }
            }
        }
    }

    /// Divides by a limb; answers the remainder.
    fn divide(&mut self, divisor: u64) -> u64 {
        let mut rest = 0;
        for limb in self.limbs.iter_mut().rev() {
            let value = u128::from(rest) << 64 | u128::from(*limb);
            *limb = (value / u128::from(divisor)) as u64;
            rest = (value % u128::from(divisor)) as u64;
        }
        self.trim();
        rest
    }

    fn trim(&mut self) {
        while self.limbs.last() == Some(&0) {
            self.limbs.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::BigNatural;
    use proptest::prelude::*;

    fn text(number: BigNatural) -> String {
        let mut out = Vec::new();
        number.append_text(&mut out);
        String::from_utf8(out).unwrap()
    }

    proptest! {
        #[test]
        fn digits_survive(digits in "0|[1-9][0-9]{0,200}", zeros in 0usize..100) {
            let values: Vec<u8> = digits.bytes().map(|digit| digit - b'0').collect();
            let mut number = BigNatural::from_digits(&values);
            prop_assert_eq!(text(number.clone()), digits.clone());
            number.multiply_by_power_of_ten(zeros);
            let expected = if digits == "0" { digits } else { digits + &"0".repeat(zeros) };
            prop_assert_eq!(text(number), expected);
        }

        #[test]
        fn arithmetic_agrees_with_128_bits(left: u64, right: u64, bits in 0usize..64) {
            let mut shifted = BigNatural::from_u64(left);
            shifted.shift_left(bits);
            let wide = u128::from(left) << bits;
            prop_assert_eq!(shifted.bits(), (128 - wide.leading_zeros()) as usize);
            let is_subtracted = shifted.subtract_if_not_less(&BigNatural::from_u64(right));
            prop_assert_eq!(is_subtracted, wide >= u128::from(right));
            let expected = if is_subtracted { wide - u128::from(right) } else { wide };
            prop_assert_eq!(text(shifted), expected.to_string());
        }
    }
}
