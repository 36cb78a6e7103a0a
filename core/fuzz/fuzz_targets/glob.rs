//! Glob matching ends, soon, and agrees with a recursive definition on short input.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::glob::{Case, matches};

/// The definition of `*`, for the pieces between which the matcher itself is asked: every way a `*` can end.
fn by_definition(pattern: &[u8], text: &[u8], case: Case) -> bool {
    match first_star(pattern) {
        None => matches_plain(pattern, text, case),
        Some(star) => (0..=text.len()).any(|end| {
            matches_plain(&pattern[..star], &text[..end], case)
                && (end..=text.len()).any(|rest| by_definition(&pattern[star + 1..], &text[rest..], case))
        }),
    }
}

/// Where the first `*` stands that is neither escaped nor in a class.
fn first_star(pattern: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < pattern.len() {
        match pattern[at] {
            b'*' => return Some(at),
            b'\\' if at + 1 < pattern.len() => at += 2,
            b'[' => at = class_end(pattern, at),
            _ => at += 1,
        }
    }
    None
}

fn class_end(pattern: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    if pattern.get(at) == Some(&b'^') {
        at += 1;
    }
    while at < pattern.len() {
        at += match &pattern[at..] {
            [b'\\', _, ..] => 2,
            [b']', ..] => return at + 1,
            [_, b'-', _, ..] => 3,
            _ => 1,
        };
    }
    at
}

fn matches_plain(pattern: &[u8], text: &[u8], case: Case) -> bool {
    if text.is_empty() { pattern.is_empty() } else { matches(pattern, text, case) }
}

fuzz_target!(|data: &[u8]| {
    let [split, data @ ..] = data else { return };
    let (pattern, text) = data.split_at(data.len().min(usize::from(*split)));
    for case in [Case::Sensitive, Case::Insensitive] {
        let found = matches(pattern, text, case);
        if !text.is_empty() && pattern.len() <= 12 && text.len() <= 10 {
            assert_eq!(found, by_definition(pattern, text, case));
        }
    }
});
