//! Numbers are read without a panic, and what is printed reads back as the same number.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::long_double::LongDouble;
use rotom_core::number::{append_i64, format_f64, parse_f64, parse_i64, parse_memory};

fuzz_target!(|text: &[u8]| {
    if let Some(value) = parse_i64(text) {
        let mut printed = Vec::new();
        append_i64(&mut printed, value);
        assert_eq!(printed, text);
    }
    if let Some(value) = parse_f64(text) {
        assert_eq!(parse_f64(&format_f64(value)).map(f64::to_bits), Some(value.to_bits()));
    }
    if let Some(value) = LongDouble::parse(text) {
        let mut printed = Vec::new();
        value.append_text(&mut printed);
        let again = LongDouble::parse(&printed).expect("what is printed is a number");
        let mut printed_again = Vec::new();
        again.append_text(&mut printed_again);
        assert_eq!(printed, printed_again);
        assert_eq!(value.checked_add(LongDouble::from(0)).is_some(), value.is_finite());
    }
    let _ = parse_memory(text);
});
