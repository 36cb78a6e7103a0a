//! Hashes against a plain map, and against Redis' rules for encodings.

use super::*;
use crate::number::parse_i64;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A key for tests.
const HASH_KEY: HashKey = HashKey([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// `many` of something, or `few` where an interpreter runs the tests.
const fn scaled(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

fn string() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => (0..100_u32).prop_map(|number| number.to_string().into_bytes()),
        3 => (0..60_u32).prop_map(|number| format!("name {number}").into_bytes()),
        2 => (0..40_usize).prop_map(|len| vec![b'x'; len]),
        1 => any::<i64>().prop_flat_map(|number| (0..64_u32).prop_map(move |bits| (number >> bits).to_string().into_bytes())),
        1 => prop::sample::select(vec![238_usize, 239, 240, 241, 254, 255, 256, 1000])
            .prop_map(|len| vec![b'y'; len]),
    ]
}

fn limits() -> impl Strategy<Value = HashLimits> {
    (0..20_usize, prop_oneof![0..30_usize, Just(64), Just(2000)]).prop_map(|(entries, value)| HashLimits {
        listpack_entries_max: entries,
        listpack_value_bytes_max: value,
    })
}

fn check(hash: &Hash, model: &Model) {
    assert_eq!((hash.len(), hash.is_empty()), (model.len(), model.is_empty()));
    let pairs: Vec<_> = hash.iter().map(|(field, value)| (field.to_vec(), value.to_vec())).collect();
    assert_eq!(pairs.len(), model.len());
    assert_eq!(&pairs.into_iter().collect::<Model>(), model);
    for (field, value) in model {
        let found = hash.get(&field[..]).expect("the model has it");
        assert_eq!(&found.to_vec(), value);
        assert!(
            hash.encoding() == HashEncoding::Listpack
                || parse_i64(value).is_none()
                || matches!(found, StringRef::Int(_))
        );
    }
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = hash.scan(cursor, &mut |field, value| {
            assert!(scanned.insert(field.to_vec(), value.to_vec()).is_none());
        });
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model);
    if let Repr::Table(table) = &hash.0 {
        table.verify();
    }
    let mut state = 1_u64;
    let chosen = hash.random(&mut || {
        state = state.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
        state
    });
    assert_eq!(chosen.is_none(), model.is_empty());
    assert!(chosen.is_none_or(|(field, value)| model.get(&field.to_vec()) == Some(&value.to_vec())));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(150, 3) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn hashes_do_what_a_map_does(
        steps in vec((string(), string(), 0..10_u8), 0..scaled(400, 40)),
        limits in limits(),
    ) {
        let mut hash = Hash::new();
        let mut model = Model::new();
        let mut is_table = false;
        let is_long = |string: &Vec<u8>| string.len() > limits.listpack_value_bytes_max;
        for (field, value, action) in steps {
            let mut lookups = [Lookup::from(&field[..])];
            hash.prefetch(&mut lookups);
            match action {
                0..5 => {
                    let is_new = hash.set(lookups[0], StringRef::Bytes(&value), &limits, HASH_KEY);
                    is_table |= is_long(&field) || is_long(&value);
                    assert_eq!(model.insert(field, value).is_none(), is_new);
                    is_table |= model.len() > limits.listpack_entries_max;
                }
                5 => match hash.entry(lookups[0]) {
                    FieldEntry::Occupied(occupied) => {
                        let former = occupied.value().to_vec();
                        assert_eq!(Some(&former), model.get(&field));
                        let number = parse_i64(&former).unwrap_or(0).wrapping_add(77);
                        occupied.set(StringRef::Int(number), &limits, HASH_KEY);
                        let text = number.to_string().into_bytes();
                        is_table |= is_long(&field) || is_long(&text);
                        model.insert(field, text);
                    }
                    FieldEntry::Vacant(_) => assert!(!model.contains_key(&field)),
                },
                6..9 => assert_eq!(hash.remove(&field[..]), model.remove(&field).is_some()),
                _ => {
                    let strings = [&field[..], &value[..]];
                    is_table |= is_long(&field) || is_long(&value) || limits.listpack_entries_max == 0;
                    hash.grow_for(strings.into_iter(), &limits, HASH_KEY);
                }
            }
            assert_eq!(hash.encoding() == HashEncoding::Hashtable, is_table);
            check(&hash, &model);
        }
        let copy = hash.clone();
        check(&copy, &model);
        assert_eq!(copy.encoding(), hash.encoding());
        let mut remains = hash.into_remains();
        while remains.free(3) {}
        assert!(remains.is_empty());
    }
}

/// What Redis 7.0 and 7.2 answer at their default limits.
#[test]
fn encodings_change_at_the_default_limits() {
    let limits = HashLimits::default();
    let mut hash = Hash::new();
    let set = |hash: &mut Hash, field: &str, value: &str| {
        hash.set(field.as_bytes(), StringRef::Bytes(value.as_bytes()), &limits, HASH_KEY)
    };
    (0..512).for_each(|number| assert!(set(&mut hash, &number.to_string(), "value")));
    set(&mut hash, "5", &"x".repeat(64));
    assert_eq!(hash.encoding().name(), "listpack");
    let mut longer = hash.clone();
    set(&mut hash, "512", "");
    assert_eq!(hash.encoding().name(), "hashtable");
    set(&mut longer, "5", &"x".repeat(65));
    assert_eq!((longer.encoding().name(), longer.len()), ("hashtable", 512));
}

/// As in Redis: the limit is looked at whenever a field is set, and may have been lowered meanwhile.
#[test]
fn a_field_that_changes_finds_the_limit_lowered() {
    let mut limits = HashLimits::default();
    let mut hash = Hash::new();
    for field in ["a", "b", "c"] {
        hash.set(field.as_bytes(), StringRef::Int(1), &limits, HASH_KEY);
    }
    limits.listpack_entries_max = 3;
    hash.set(b"b".as_slice(), StringRef::Int(2), &limits, HASH_KEY);
    assert_eq!(hash.encoding().name(), "listpack");
    limits.listpack_entries_max = 2;
    hash.set(b"b".as_slice(), StringRef::Int(3), &limits, HASH_KEY);
    assert_eq!((hash.encoding().name(), hash.len()), ("hashtable", 3));
}

#[test]
fn bytes_per_field_are_what_is_promised() {
    let limits = HashLimits { listpack_entries_max: 0, ..HashLimits::default() };
    let count = scaled(100_000, 0);
    let mut hash = Hash::new();
    for number in 0..count {
        let (field, value) = (format!("field:{number:010}"), format!("v{number:07}"));
        hash.set(field.as_bytes(), StringRef::Bytes(value.as_bytes()), &limits, HASH_KEY);
    }
    assert!(hash.memory_bytes(0) <= 45 * count + 1000, "{}", hash.memory_bytes(0));
    assert_eq!(hash.memory_bytes(5), hash.memory_bytes(0));
}
