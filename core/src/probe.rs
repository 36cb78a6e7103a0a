//! What tests look at the server through, at the places where something happens. Without its feature each of these
//! macros is gone before the compiler sees what is inside, so nobody pays for it who does not ask for it.

/// Counts that a rare situation was reached: `sometimes!(Mark::X)`, or `sometimes!(Mark::X, condition)` when it is
/// one only under a condition. The condition must have no effects. See the module `mark`.
#[cfg(feature = "simulation")]
macro_rules! sometimes {
    (Mark::$mark:ident) => {
        crate::mark::reach(crate::mark::Mark::$mark)
    };
    (Mark::$mark:ident, $condition:expr) => {
        if $condition {
            crate::mark::reach(crate::mark::Mark::$mark);
        }
    };
}

/// Nothing: the feature `simulation` is off.
#[cfg(not(feature = "simulation"))]
macro_rules! sometimes {
    ($($ignored:tt)*) => {};
}

/// Whether a planted bug is to show: `mutant!(Mutant::X)`. See the module `mutant`.
#[cfg(feature = "mutants")]
macro_rules! mutant {
    (Mutant::$mutant:ident) => {
        crate::mutant::is_chosen(crate::mutant::Mutant::$mutant)
    };
}

/// False: the feature `mutants` is off.
#[cfg(not(feature = "mutants"))]
macro_rules! mutant {
    (Mutant::$mutant:ident) => {
        false
    };
}
