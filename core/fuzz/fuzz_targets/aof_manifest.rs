//! Whatever a manifest is, it is judged; and one that is good is written as something that reads the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::aof::Manifest;

fuzz_target!(|text: &[u8]| {
    let Ok(manifest) = Manifest::parse(text) else { return };
    let written = manifest.encode();
    // A manifest of comments alone names no file, and is written as nothing, which is no manifest.
    assert!(written.is_empty() || Manifest::parse(&written) == Ok(manifest));
});
