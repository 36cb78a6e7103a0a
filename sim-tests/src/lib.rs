//! Judges rotom: transcripts recorded from a real Redis, and a live comparison with one.
//!
//! Everything here sees the server from outside, through the bytes clients exchange with it; nothing that
//! parses or compares replies is shared with the core.

pub mod cli;
pub mod differential;
pub mod interchange;
pub mod model;
pub mod payload;
pub mod real;
pub mod reply;
pub mod shrink;
pub mod sim;
pub mod simulation;
pub mod transcript;
pub mod workload;
