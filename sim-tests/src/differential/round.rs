//! What is played in one go.

use super::compare::is_newer;
use crate::workload::{Call, Maker};

/// The longest pipeline.
const PIPELINE_LEN_MAX: usize = 50;

/// What is played in one go.
#[derive(Clone, Debug)]
pub enum Round {
    /// These commands, sent at once by one connection.
    Pipeline(Vec<Call>),
    /// SCAN with these options until its cursor is 0 again; the keys are compared as a set.
    Scan(Vec<Vec<u8>>),
    /// RANDOMKEY: each server's key must be one of the other's.
    RandomKey,
    /// QUIT, and a new connection.
    Quit,
}

impl Round {
    /// What is played next.
    #[must_use]
    pub fn draw(maker: &mut Maker<'_>) -> Round {
        match maker.below(1_000) {
            0..=3 => Round::Scan(maker.scan_options()),
            4..=9 => Round::RandomKey,
            10 => Round::Quit,
            _ => {
                let len = if maker.below(3) == 0 { 1 } else { 1 + maker.below(PIPELINE_LEN_MAX) };
                let mut calls = Vec::new();
                while calls.len() < len {
                    calls.extend(maker.calls().into_iter().filter(|call| !is_newer(&call.words)));
                }
                Round::Pipeline(calls)
            }
        }
    }
}
