//! What only older servers have written, put together by hand.

use super::*;
use crate::keyspace::UnixMillis;

/// A file of this version with this behind its header. A checksum of zeros says that there is none.
fn file(version: u16, body: &[u8]) -> Vec<u8> {
    let mut file = format!("REDIS{version:04}").into_bytes();
    file.extend_from_slice(body);
    file.push(0xFF);
    file.extend_from_slice(if version < 5 { b"" } else { &[0; 8] });
    file
}

/// The only key in a file.
fn only_key(version: u16, body: &[u8]) -> Entry {
    let items = read(&file(version, body), &[3]).expect("it is sound");
    let mut keys = items.into_iter().filter_map(|item| match item {
        Item::Key(loaded) => Some(entry_of(loaded)),
        _ => None,
    });
    let key = keys.next().expect("there is one");
    assert!(keys.next().is_none());
    key
}

fn check(version: u16, body: &[u8], sample: &Sample) {
    assert_eq!(described(&only_key(version, body)), described(&sample.entry(b"k")));
}

fn texts(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn pairs() -> Vec<(Vec<u8>, Vec<u8>)> {
    vec![(b"foo".to_vec(), b"bar".to_vec()), (b"n".to_vec(), b"5".to_vec())]
}

#[test]
fn version_one_has_no_checksum_and_expiries_in_seconds() {
    let entry = only_key(1, b"\xfe\x00\xfd\x00\x00\x01\x00\x00\x01k\x01v");
    assert_eq!(entry.expiry(), Some(UnixMillis(65_536_000)));
    assert_eq!(entry.value().as_string(), Some(StringRef::Bytes(b"v")));
}

#[test]
fn collections_element_by_element() {
    check(1, b"\x01\x01k\x02\x01a\xc0\x05", &Sample::List(texts(&["a", "5"])));
    check(1, b"\x02\x01k\x02\x01a\xc0\x05", &Sample::Set(texts(&["a", "5"])));
    check(1, b"\x04\x01k\x02\x03foo\x03bar\x01n\xc0\x05", &Sample::Hash(pairs()));
    let scored =
        vec![(b"a".to_vec(), 1.5), (b"b".to_vec(), f64::INFINITY), (b"c".to_vec(), f64::NEG_INFINITY)];
    check(1, b"\x03\x01k\x03\x01a\x031.5\x01b\xfe\x01c\xff", &Sample::SortedSet(scored));
}

#[test]
fn zipmaps_and_ziplists() {
    check(2, b"\x09\x01k\x10\x02\x03foo\x03\x00bar\x01n\x01\x005\xff", &Sample::Hash(pairs()));
    // Two entries: a text, and the number 5 in its encoding.
    let ziplist = b"\x10\0\0\0\x0d\0\0\0\x02\0\x00\x01a\x03\xf6\xff";
    let ziplist_of = |object_type: &[u8]| [object_type, b"\x01k\x10", ziplist].concat();
    check(2, &ziplist_of(b"\x0a"), &Sample::List(texts(&["a", "5"])));
    check(2, &ziplist_of(b"\x0c"), &Sample::SortedSet(vec![(b"a".to_vec(), 5.0)]));
    check(2, &ziplist_of(b"\x0d"), &Sample::Hash(vec![(b"a".to_vec(), b"5".to_vec())]));
    let quicklist = [b"\x0e\x01k\x02\x10".as_slice(), ziplist, b"\x10", ziplist].concat();
    let elements = read(&file(7, &quicklist), &[5]).expect("it is sound");
    let Some(Item::Key(loaded)) = elements.into_iter().next() else { panic!("there is a key") };
    let mut record = Vec::new();
    entry_of(loaded).value().describe(&mut record);
    let mut expected = Vec::new();
    Sample::List(texts(&["a", "5", "a", "5"])).entry(b"k").value().describe(&mut expected);
    assert_eq!(record, expected);
}

#[test]
fn compressed_strings_and_sets_as_listpacks() {
    check(1, b"\0\x01k\xc3\x06\x0b\x01aa\xe0\x00\x00", &Sample::String(vec![b'a'; 11]));
    let listpack = b"\x0c\0\0\0\x02\0\x81a\x02\x05\x01\xff";
    check(11, &[b"\x14\x01k\x0c", &listpack[..]].concat(), &Sample::Set(texts(&["a", "5"])));
}

#[test]
fn newer_opcodes_are_passed_over() {
    let body = b"\xfa\x03foo\x03bar\xf5\x04code\xfe\x01\xf4\x05\x02\x01\xf8\x10\xf9\x07\0\x01k\x01v";
    let items = read(&file(12, body), &[1]).expect("it is sound");
    assert!(matches!(items[0], Item::Aux { .. }));
    assert!(matches!(items[1], Item::Skipped(_)));
    assert!(matches!(items[2], Item::Select(1)));
    assert!(matches!(items[3], Item::Key(_)));
}

#[test]
fn empty_collections_are_passed_over() {
    for body in [
        &b"\x01\x01k\x00"[..],
        b"\x02\x01k\x00",
        b"\x12\x01k\x01\x02\x07\x07\0\0\0\0\0\xff",
        b"\x10\x01k\x07\x07\0\0\0\0\0\xff",
        b"\x0b\x01k\x08\x02\0\0\0\0\0\0\0",
        b"\x09\x01k\x02\x00\xff",
        b"\x0a\x01k\x0b\x0b\0\0\0\x0a\0\0\0\0\0\xff",
    ] {
        let items = read(&file(10, body), &[2]).expect("it is sound");
        assert!(matches!(&items[..], [Item::Empty(key), Item::End] if key == b"k"), "{body:x?}: {items:?}");
    }
}
