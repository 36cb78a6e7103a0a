//! Commands with many fields or members: their hashes are found ahead, a batch at a time, so that what they lead to
//! arrives while others are looked at.

use crate::args::Args;
use crate::value::{Lookup, StringRef};

/// How many are looked ahead at.
pub(super) const BATCH_LEN: usize = 16;

/// A batch of nothing in particular, to be filled.
pub(super) const NO_LOOKUPS: [Lookup<'static>; BATCH_LEN] = [Lookup::new(StringRef::Int(0)); BATCH_LEN];

/// Hands out every `step`th argument from `first` on, in batches: with each, the number of its first argument.
#[inline]
pub(super) fn batches<'a>(
    args: &Args<'a>,
    first: usize,
    step: usize,
    mut take: impl FnMut(usize, &mut [Lookup<'a>]),
) {
    if args.len() <= first + step {
        // Most commands have one.
        return take(first, &mut [args.lookup(first)]);
    }
    let mut lookups: [Lookup<'a>; BATCH_LEN] = NO_LOOKUPS;
    let mut index = first;
    while index < args.len() {
        let mut len = 0;
        for argument in args.from(index).step_by(step).take(BATCH_LEN) {
            lookups[len] = Lookup::from(argument);
            len += 1;
        }
        take(index, &mut lookups[..len]);
        index += step * len;
    }
}
