//! What is damaged, or was never sound, is refused with a reason and a place.

use super::*;
use crate::rdb::encode::Options;
use crate::rdb::{Writer, payload, write};

/// Why a value is refused.
fn refused(value: &[u8]) -> (u64, Reason) {
    let error = payload::decode(value, &options()).expect_err("it is not sound");
    (error.offset, error.reason)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 256 }))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..300), object_type in 0..22_u8) {
        let _ = payload::decode(&bytes, &options());
        let mut value = vec![object_type];
        value.extend_from_slice(&bytes);
        let _ = payload::decode(&value, &options());
        let mut file = b"REDIS0011".to_vec();
        file.extend_from_slice(&bytes);
        let _ = read(&file, &[13]);
    }

    #[test]
    fn a_wrong_byte_is_noticed(samples in vec(sample(), 1..5), at in any::<prop::sample::Index>(), bits in 1..=255_u8) {
        let mut out = Vec::new();
        write::select(&mut out, 0);
        for sample in &samples {
            write::entry(&mut out, sample.entry(b"key").as_ref(), Default::default(), Options::default());
        }
        let mut file = b"REDIS0010".to_vec();
        file.append(&mut out);
        Writer::new(true).end(&mut file);
        prop_assert!(read(&file, &[100]).is_ok());
        let at = at.index(file.len());
        file[at] ^= bits;
        prop_assert!(read(&file, &[100]).is_err());
    }

    #[test]
    fn a_wrong_byte_in_a_value_does_no_harm(sample in sample(), at in any::<prop::sample::Index>(), bits in 1..=255_u8) {
        let mut value = Vec::new();
        crate::rdb::encode::object(&mut value, sample.entry(b"key").value(), Options::default());
        let at = at.index(value.len());
        value[at] ^= bits;
        if let Ok(value) = payload::decode(&value, &options()) {
            // Whatever it is, it is a value.
            described(&Entry::new(b"key", value, None, 0));
        }
    }

    #[test]
    fn a_file_that_ends_early_is_noticed(sample in sample(), at in any::<prop::sample::Index>()) {
        let mut file = b"REDIS0010".to_vec();
        write::entry(&mut file, sample.entry(b"key").as_ref(), Default::default(), Options::default());
        Writer::new(true).end(&mut file);
        file.truncate(at.index(file.len()));
        let error = read(&file, &[100]).expect_err("it has no end");
        prop_assert_eq!(error.reason, Reason::Truncated);
        prop_assert_eq!(error.offset, file.len() as u64);
    }
}

#[test]
fn claimed_lengths_get_no_memory() {
    // Eight bytes of length, the largest there is, and nothing behind it.
    for object_type in [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14, 16, 17, 18, 20] {
        let mut value = vec![object_type, 0x81];
        value.extend_from_slice(&u64::MAX.to_be_bytes());
        assert_eq!(refused(&value).1, Reason::Truncated, "type {object_type}");
    }
    let mut compressed = b"\0\xc3\x01\x81".to_vec();
    compressed.extend_from_slice(&(1_u64 << 40).to_be_bytes());
    compressed.push(0);
    assert!(matches!(refused(&compressed).1, Reason::Lzf(_)));
}

#[test]
fn elements_that_are_there_twice_are_refused() {
    assert_eq!(refused(b"\x02\x02\x01a\x01a"), (4, Reason::Duplicate));
    assert_eq!(refused(b"\x04\x02\x01a\x01b\x01a\x01c"), (6, Reason::Duplicate));
    assert_eq!(refused(b"\x03\x02\x01a\x011\x01a\x012"), (6, Reason::Duplicate));
    let listpack = |object_type: u8, elements: &[u8], count: u8| {
        let len = (elements.len() + 7) as u8;
        let header = [object_type, len, len, 0, 0, 0, count, 0];
        [&header[..], elements, b"\xff"].concat()
    };
    assert_eq!(refused(&listpack(20, b"\x81a\x02\x81a\x02", 2)).1, Reason::Duplicate);
    // The number 5, and the text that it is.
    assert_eq!(refused(&listpack(20, b"\x05\x01\x815\x02", 2)).1, Reason::Duplicate);
    assert_eq!(refused(&listpack(16, b"\x81a\x02\x05\x01\x81a\x02\x06\x01", 4)).1, Reason::Duplicate);
    assert_eq!(refused(&listpack(16, b"\x81a\x02", 1)).1, Reason::Unpaired);
    assert_eq!(refused(&listpack(17, b"\x81a\x02\x81b\x02", 2)).1, Reason::Score);
    assert_eq!(refused(&listpack(17, b"\x81a\x02\x05\x01\x81b\x02\x04\x01", 4)).1, Reason::Order);
    assert!(matches!(refused(&listpack(17, b"\x81a\x02\x05\x01", 3)).1, Reason::Listpack(_)));
}

#[test]
fn scores_that_are_none_are_refused() {
    assert_eq!(refused(b"\x03\x01\x01a\xfd").1, Reason::Score);
    assert_eq!(refused(b"\x03\x01\x01a\x03nan").1, Reason::Score);
    let mut nan = b"\x05\x01\x01a".to_vec();
    nan.extend_from_slice(&f64::NAN.to_bits().to_le_bytes());
    assert_eq!(refused(&nan).1, Reason::Score);
}

#[test]
fn what_cannot_be_taken_over_is_refused_by_name() {
    for (object_type, word) in
        [(6, "modules"), (7, "modules"), (15, "streams"), (19, "streams"), (21, "streams")]
    {
        let error = payload::decode(&[object_type, 0], &options()).expect_err("it is not supported");
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(refused(b"\x63").1, Reason::UnknownType(0x63));
    assert_eq!(refused(b"\0\x01ab"), (3, Reason::Trailing));
    assert_eq!(refused(b"\x01\0").1, Reason::Empty);
    assert_eq!(refused(b"").1, Reason::Truncated);
    for opcode in [0xF6, 0xF7] {
        let error = read(&[b"REDIS0010", &[opcode][..]].concat(), &[1]).expect_err("it is not supported");
        assert!(matches!(error, RdbError { offset: 9, reason: Reason::Unsupported(_) }));
    }
}

#[test]
fn headers_that_are_none_are_refused() {
    let reason = |file: &[u8]| read(file, &[100]).expect_err("it is not sound").reason;
    assert_eq!(reason(b"RED"), Reason::Truncated);
    assert_eq!(reason(b"*1\r\n$4"), Reason::Magic);
    assert_eq!(reason(b"REDIS0000"), Reason::Version);
    assert_eq!(reason(b"REDIS0013"), Reason::Version);
    assert_eq!(reason(b"REDIS+010"), Reason::Version);
    assert_eq!(reason(b"REDIS0010\xfe\x81\xff\xff\xff\xff\xff\xff\xff\xff"), Reason::Database);
    assert_eq!(reason(b"REDIS0010\xff\x01\x02\x03\x04\x05\x06\x07\x08"), Reason::Checksum);
}

#[test]
fn footers_that_are_wrong_are_refused() {
    let mut out = Vec::new();
    payload::encode(&mut out, crate::value::ValueRef::String(StringRef::Int(10)), Options::default());
    // As Redis documents it.
    assert_eq!(out, b"\x00\xc0\n\n\x00n\x9fWE\x0e\xaec\xbb");
    assert_eq!(payload::verify(&out), Some(&b"\x00\xc0\n"[..]));
    for at in 0..out.len() {
        let mut wrong = out.clone();
        wrong[at] ^= 1;
        assert_eq!(payload::verify(&wrong), None);
    }
    assert_eq!(payload::verify(&out[..9]), None);
    let mut newer = vec![0, 0xC0, 10, 13, 0];
    let crc = crate::rdb::Crc64::of(&newer);
    newer.extend_from_slice(&crc.value().to_le_bytes());
    assert_eq!(payload::verify(&newer), None);
}
