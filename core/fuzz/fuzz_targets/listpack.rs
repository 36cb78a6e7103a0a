//! Listpacks, intsets and compressed bytes from strangers are refused, or are what they claim to be.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::value::StringRef;
use rotom_core::value::intset::Intset;
use rotom_core::value::listpack::{Listpack, ListpackView};
use rotom_core::value::lzf::{compress, decompress};

/// More than this is never accepted from compressed bytes.
const DECOMPRESSED_LEN_MAX: usize = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    listpack(bytes);
    // Few inputs have the right length and end, so they are also given these.
    let mut framed = ((bytes.len() + 7) as u32).to_le_bytes().to_vec();
    framed.extend_from_slice(&[0xFF, 0xFF]);
    framed.extend_from_slice(bytes);
    framed.push(0xFF);
    listpack(&framed);

    if let Ok(set) = Intset::from_bytes(bytes.to_vec()) {
        assert!(set.iter().all(|number| set.contains(number)));
        assert_eq!(set.as_bytes(), bytes);
    }

    for len in [bytes.len(), 2 * bytes.len(), DECOMPRESSED_LEN_MAX] {
        if let Ok(output) = decompress(bytes, len, DECOMPRESSED_LEN_MAX) {
            assert_eq!(output.len(), len);
        }
    }
    if let Some(compressed) = compress(bytes, bytes.len()) {
        assert_eq!(decompress(&compressed, bytes.len(), bytes.len()).as_deref(), Ok(bytes));
    }
});

/// Reads all of a listpack that passes, both ways, and edits it.
fn listpack(bytes: &[u8]) {
    let Ok(view) = ListpackView::validate(bytes) else { return };
    assert_eq!(view.iter().count(), view.len());
    assert_eq!(view.iter().rev().count(), view.len());
    let mut listpack = Listpack::from_bytes(bytes.to_vec()).expect("it has passed");
    assert_eq!(listpack.view().as_bytes(), bytes);
    if let Some(middle) = view.seek(view.len() / 2) {
        assert!(view.find(view.at(middle), middle, 0) == Some(middle));
        listpack.replace(middle, StringRef::Bytes(b"another value"));
    }
    listpack.prepend(StringRef::Int(1 << 40));
    listpack.append(StringRef::Bytes(b""));
    listpack.remove_range(1, view.len());
    let edited = ListpackView::validate(listpack.view().as_bytes()).expect("edits keep it sound");
    assert_eq!(edited.len(), 2);
}
