//! A large argument on its way in.

/// How much is set aside for an argument before any of it has arrived.
const FIRST_LEN_BYTES_MAX: u64 = 64 * 1024;

/// The line end behind an argument. Like Redis, nobody looks at what it is.
const LINE_END_LEN_BYTES: u64 = 2;

/// Receives one large argument, after [`Parsed::Big`](super::Parsed::Big), into the memory that becomes its value.
///
/// Memory grows with what has arrived, never with the length that is claimed: it starts at no more than 64 KiB and
/// doubles.
#[derive(Debug)]
pub struct BigBulk {
    /// What has arrived, and room for more.
    bytes: Vec<u8>,
    filled: usize,
    /// The argument's length and its line end's.
    len: u64,
}

impl BigBulk {
    /// An argument of `len` bytes of which none has arrived.
    #[must_use]
    pub fn new(len: u64) -> BigBulk {
        let len = len + LINE_END_LEN_BYTES;
        BigBulk { bytes: vec![0; len.min(FIRST_LEN_BYTES_MAX) as usize], filled: 0, len }
    }

    /// Room for what arrives next; empty when the argument is complete. [`filled`](Self::filled) says how much of
    /// it was used.
    pub fn space(&mut self) -> &mut [u8] {
        if self.filled == self.bytes.len() && !self.is_complete() {
            let more = (self.len - self.filled as u64).min(self.filled as u64) as usize;
            self.bytes.reserve_exact(more);
            self.bytes.resize(self.filled + more, 0);
        }
        &mut self.bytes[self.filled..]
    }

    /// So many bytes were put into [`space`](Self::space).
    pub fn filled(&mut self, len_bytes: usize) {
        assert!(len_bytes <= self.bytes.len() - self.filled, "no more can arrive than there is room for");
        self.filled += len_bytes;
    }

    /// Takes what belongs to the argument and its line end from the front of `input`; answers how much it was.
    /// Less than all of it is taken only when the argument is complete.
    pub fn receive(&mut self, input: &[u8]) -> usize {
        let mut taken = 0;
        while taken < input.len() && !self.is_complete() {
            let space = self.space();
            let part = space.len().min(input.len() - taken);
            space[..part].copy_from_slice(&input[taken..taken + part]);
            self.filled(part);
            taken += part;
        }
        taken
    }

    /// Whether the argument and its line end are there.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.filled as u64 == self.len
    }

    /// How many bytes have arrived.
    #[must_use]
    pub fn arrived(&self) -> usize {
        self.filled
    }

    /// The memory held for it.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.bytes.capacity()
    }

    /// The argument. Panics when it is not complete.
    #[must_use]
    pub fn into_bytes(mut self) -> Vec<u8> {
        assert!(self.is_complete(), "all of the argument must have arrived");
        self.bytes.truncate((self.len - LINE_END_LEN_BYTES) as usize);
        self.bytes
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
        assert_eq!(bulk.arrived(), 1_000_000);
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
            assert!(bulk.allocated_bytes() <= 2 * 100_002);
            assert_eq!(bulk.into_bytes(), &input[..100_000]);
        }
    }
}
