//! Sorted sets.
mod big;
mod element;
mod tree;
pub use big::BigSortedSet;
#[cfg(test)]
mod tests;
