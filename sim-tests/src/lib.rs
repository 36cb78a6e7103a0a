//! Judges rotom.
