//! What one connection has queued between MULTI and EXEC.

use crate::args::{Args, LargeArg};
use crate::commands::{Command, Flags};
use crate::resp::ArgRange;

/// Requests that wait for EXEC, in the order they came in.
#[derive(Debug, Default)]
pub struct Transaction {
    requests: Vec<Queued>,
    /// How many there are, or were before EXEC took them.
    len: usize,
    /// The flags of all of them together.
    flags: Flags,
    /// A request was refused while it was to be queued: EXEC will refuse all.
    is_aborted: bool,
    bytes: usize,
}

/// One request, with memory of its own.
#[derive(Clone, Debug)]
pub struct Queued {
    /// What to run.
    pub command: &'static Command,
    input: Box<[u8]>,
    ranges: Box<[ArgRange]>,
    large: Box<[LargeArg]>,
}

impl Transaction {
    /// Adds a request, unless none will be run.
    pub fn push(&mut self, command: &'static Command, args: &Args<'_>) {
        if self.is_aborted {
            return;
        }
        self.len += 1;
        self.bytes += args.iter().map(<[u8]>::len).sum::<usize>() + size_of::<Queued>();
        self.flags = self.flags.union(command.flags);
        self.requests.push(Queued::new(command, args));
    }

    /// Makes EXEC refuse.
    pub fn abort(&mut self) {
        self.is_aborted = true;
    }

    /// Whether EXEC has to refuse, because a request was refused before.
    #[must_use]
    pub fn is_aborted(&self) -> bool {
        self.is_aborted
    }

    /// How many requests wait, or run.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether any of them has one of these flags.
    #[must_use]
    pub fn has_any(&self, flags: Flags) -> bool {
        self.flags.intersects(flags)
    }

    /// Memory the requests take, for CLIENT LIST.
    #[must_use]
    pub fn allocated_bytes(&self) -> usize {
        self.bytes
    }

    /// Takes the requests, in order.
    #[must_use]
    pub fn take_requests(&mut self) -> Vec<Queued> {
        std::mem::take(&mut self.requests)
    }
}

impl Queued {
    /// A request that outlives the input it came in.
    #[must_use]
    pub fn new(command: &'static Command, args: &Args<'_>) -> Queued {
        let mut input = Vec::with_capacity(args.iter().map(<[u8]>::len).sum());
        let mut ranges = Vec::with_capacity(args.len());
        let mut large = Vec::new();
        for (index, word) in args.iter().enumerate() {
            let start = input.len() as u32;
            match args.shared(index) {
                Some(bytes) => {
                    large.push(LargeArg { index, bytes });
                    ranges.push(ArgRange { start, len: 0 });
                }
                None => {
                    input.extend_from_slice(word);
                    ranges.push(ArgRange { start, len: word.len() as u32 });
                }
            }
        }
        Queued {
            command,
            input: input.into_boxed_slice(),
            ranges: ranges.into_boxed_slice(),
            large: large.into_boxed_slice(),
        }
    }

    /// Its arguments.
    #[must_use]
    pub fn args(&self) -> Args<'_> {
        Args::new(&self.input, &self.ranges, &self.large)
    }
}
