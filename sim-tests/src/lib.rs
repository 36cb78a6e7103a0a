//! Judges rotom: transcripts recorded from a real Redis, and a live comparison with one.
//!
//! Everything here sees the server from outside, through the bytes clients exchange with it; nothing that
//! parses or compares replies is shared with the core.

pub mod differential;
pub mod model;
pub mod real;
pub mod reply;
pub mod sim;
pub mod transcript;
