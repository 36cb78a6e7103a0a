//! [`Trace`]: a number that tells two histories apart.

/// A hash of everything that has happened, in order. Two runs with the same number had the same history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trace(u64);

impl Default for Trace {
    fn default() -> Trace {
        Trace(0x9e37_79b9_7f4a_7c15)
    }
}

impl Trace {
    /// What happened is a number.
    #[inline]
    pub fn number(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0xff51_afd7_ed55_8ccd);
    }

    /// What happened is made of bytes.
    #[inline]
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.number(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.number(u64::from_le_bytes(last));
    }

    /// The hash so far.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(events: &[&[u8]]) -> u64 {
        let mut trace = Trace::default();
        for event in events {
            trace.bytes(event);
        }
        trace.value()
    }

    #[test]
    fn order_and_boundaries_count() {
        assert_eq!(of(&[b"one", b"two"]), of(&[b"one", b"two"]));
        assert_ne!(of(&[b"one", b"two"]), of(&[b"two", b"one"]));
        assert_ne!(of(&[b"onetwo"]), of(&[b"one", b"two"]));
        assert_ne!(of(&[b"a\0"]), of(&[b"a"]));
    }
}
