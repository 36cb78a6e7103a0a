//! A large argument on its way in.

/// How much is set aside for an argument before any of it has arrived.
const FIRST_LEN_BYTES_MAX: u64 = 64 * 1024;

/// The line end behind an argument. Like Redis, nobody looks at what it is.
const LINE_END_LEN_BYTES: u8 = 2;

/// Receives one large argument, after [`Parsed::Big`](super::Parsed::Big), into the vector that becomes its value.
///
/// Memory grows with what has arrived, never with the length that is claimed: it starts at no more than 64 KiB and
/// doubles, and in the end has exactly the argument's length.
#[derive(Debug)]
pub struct BigBulk {
    bytes: Vec<u8>,
    len: u64,
    line_end_left: u8,
}

impl BigBulk {
    /// An argument of `len` bytes of which none has arrived.
    #[must_use]
    pub fn new(len: u64) -> BigBulk {
        let first = len.min(FIRST_LEN_BYTES_MAX) as usize;
        BigBulk { bytes: Vec::with_capacity(first), len, line_end_left: LINE_END_LEN_BYTES }
    }

    /// Takes what belongs to the argument and its line end from the front of `input`; answers how much it was.
    /// Less than all of it is taken only when the argument is complete.
    pub fn receive(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while taken < input.len() && self.payload_left() > 0 {
            self.grow();
            let room = self.bytes.capacity() - self.bytes.len();
            let part = (input.len() - taken).min(room).min(self.payload_left() as usize);
            self.bytes.extend_from_slice(&input[taken..taken + part]);
            taken += part;
        }
        let line_end = (input.len() - taken).min(usize::from(self.line_end_left));
        self.line_end_left -= line_end as u8;
        taken + line_end
    }

    /// Whether the argument and its line end are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.payload_left() == 0 && self.line_end_left == 0
    }

    /// How many bytes are still to come, the line end included.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.payload_left() + u64::from(self.line_end_left)
    }

    /// The memory held for it.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The argument. Panics when it is not complete.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        assert!(self.is_complete(), "all of the argument must have arrived");
        self.bytes
    }

    fn payload_left(&self) -> u64 {
        self.len - self.bytes.len() as u64
    }

    /// Doubles the memory when it is full, up to the argument's length.
    fn grow(&mut self) {
        if self.bytes.len() == self.bytes.capacity() {
            let more = self.payload_left().min(self.bytes.len() as u64);
            self.bytes.reserve_exact(more as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_follows_what_has_arrived() {
        let mut bulk = BigBulk::new(u64::MAX / 2);
        assert!(bulk.allocated_bytes() <= 64 * 1024);
        let mut arrived = 0;
        for _ in 0..100 {
            assert_eq!(bulk.receive(&[7; 10_000]), 10_000);
            arrived += 10_000;
            assert!(bulk.allocated_bytes() <= (2 * arrived).max(64 * 1024));
        }
        assert!(!bulk.is_complete());
        assert_eq!(bulk.left(), u64::MAX / 2 - 1_000_000 + 2);
    }

    #[test]
    fn what_follows_the_line_end_is_not_taken() {
        for cut in 0..=100_002 {
            if cut % 997 != 0 && !(99_990..=100_002).contains(&cut) {
                continue;
            }
            let mut input = vec![1; 100_000];
            input.extend_from_slice(b"\r\nnext");
            let mut bulk = BigBulk::new(100_000);
            assert_eq!(bulk.receive(&input[..cut]), cut);
            assert_eq!(bulk.receive(&input[cut..]), 100_002 - cut);
            assert!(bulk.is_complete());
            assert_eq!(bulk.receive(b"next"), 0);
            assert_eq!(bulk.allocated_bytes(), 100_000);
            assert_eq!(bulk.into_bytes(), &input[..100_000]);
        }
    }
}
