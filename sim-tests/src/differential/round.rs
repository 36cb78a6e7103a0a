//! What is played in one go.

use super::compare::{Rule, is_newer};
use super::limits::Limit;
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
    /// CONFIG SET of what decides on encodings; what is there keeps its own until it changes.
    Limit(Limit),
}

impl Round {
    /// What is played next.
    #[must_use]
    pub fn draw(maker: &mut Maker<'_>) -> Round {
        match maker.below(1_000) {
            0..=3 => Round::Scan(maker.scan_options()),
            4..=9 => Round::RandomKey,
            10 => Round::Quit,
            11..=13 => Round::Limit(Limit::draw(maker)),
            _ => {
                let len = if maker.below(3) == 0 { 1 } else { 1 + maker.below(PIPELINE_LEN_MAX) };
                let mut calls = Vec::new();
                while calls.len() < len {
                    let made = maker.calls();
                    let question = made.last().and_then(|call| encoding(call, maker.below(4)));
                    for call in made.into_iter().filter(|call| !is_newer(&call.words)) {
                        if call.words[0].to_ascii_lowercase().starts_with(b"sort") {
                            calls.push(clearing());
                        }
                        calls.push(call);
                    }
                    calls.extend(question);
                }
                Round::Pipeline(calls)
            }
        }
    }
}

/// Asks how the key is kept that a command names in one place or another; if there is none, that is an answer too.
fn encoding(call: &Call, choice: usize) -> Option<Call> {
    let key = call.words.get([1, 2, 1, usize::MAX][choice])?.clone();
    Some(Call { words: vec![b"OBJECT".to_vec(), b"ENCODING".to_vec(), key], rule: Rule::Encoding })
}

/// Changes nothing, and makes the oracle forget that it has read a number that is out of range: SORT never does, and
/// then finds fault with any number.
fn clearing() -> Call {
    let words = ["INCRBYFLOAT", "never", "x"].map(|word| word.as_bytes().to_vec()).to_vec();
    Call { words, rule: Rule::Exact }
}
