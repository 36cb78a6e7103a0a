//! Sets against a plain set of strings, and against Redis' rules for encodings.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// A key for tests.
const HASH_KEY: HashKey = HashKey([0x0123_4567_89ab_cdef, 0xfedc_ba98_7654_3210]);

type Model = BTreeSet<Vec<u8>>;

/// `many` of something, or `few` where an interpreter runs the tests.
const fn scaled(many: usize, few: usize) -> usize {
    if cfg!(miri) { few } else { many }
}

/// A source of numbers that are as good as random.
fn random() -> impl FnMut() -> u64 {
    let mut state = 0_u64;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ state >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ mixed >> 31
    }
}

fn member() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => (0..200_u32).prop_map(|number| number.to_string().into_bytes()),
        2 => (0..60_u32).prop_map(|number| format!("m{number}").into_bytes()),
        1 => (0..30_usize).prop_map(|len| vec![b'x'; len]),
        1 => prop::sample::select(vec![
            "-0", "007", "9223372036854775807", "-9223372036854775808", "17592186044415", "17592186044416",
            "9223372036854775808", "-17592186044417", "40000", "-3000000000",
        ])
        .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

fn limits() -> impl Strategy<Value = SetLimits> {
    (0..20_usize, 0..20_usize, 0..20_usize).prop_map(|(intset, listpack, value)| SetLimits {
        intset_entries_max: intset,
        listpack_entries_max: listpack,
        listpack_value_bytes_max: value,
    })
}

/// What becomes of an encoding when a new member is added, as Redis has it.
fn encoding_after(before: SetEncoding, model: &Model, member: &[u8], limits: &SetLimits) -> SetEncoding {
    let is_short = |member: &[u8]| member.len() <= limits.listpack_value_bytes_max;
    let fits_listpack = model.len() < limits.listpack_entries_max && is_short(member);
    match before {
        SetEncoding::Intset if parse_i64(member).is_some() => {
            if model.len() < limits.intset_entries_max {
                before
            } else {
                SetEncoding::Hashtable
            }
        }
        SetEncoding::Intset if fits_listpack && model.iter().all(|member| is_short(member)) => {
            SetEncoding::Listpack
        }
        SetEncoding::Listpack if fits_listpack => before,
        _ => SetEncoding::Hashtable,
    }
}

fn check(set: &Set, model: &Model) {
    assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    let members: Vec<_> = set.iter().map(StringRef::to_vec).collect();
    assert_eq!(members.len(), model.len());
    assert_eq!(&members.into_iter().collect::<Model>(), model);
    assert!(model.iter().all(|member| set.contains(&member[..])));
    let mut scanned = Model::new();
    let mut cursor = 0;
    loop {
        cursor = set.scan(cursor, &mut |member| assert!(scanned.insert(member.to_vec())));
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(&scanned, model);
    if let Repr::Table(table) = &set.0 {
        table.verify();
    }
    let mut random = random();
    let chosen = set.random(&mut random).map(StringRef::to_vec);
    assert_eq!(chosen.is_none(), model.is_empty());
    assert!(chosen.is_none_or(|member| model.contains(&member)));
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(150, 3) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sets_do_what_a_plain_set_does(
        steps in vec((member(), 0..10_u8), 1..scaled(400, 40)),
        limits in limits(),
        hint in 0..20_usize,
    ) {
        let mut set = Set::for_member(&steps[0].0, hint, &limits, HASH_KEY);
        let first = match parse_i64(&steps[0].0) {
            Some(_) if hint <= limits.intset_entries_max => SetEncoding::Intset,
            _ if hint <= limits.listpack_entries_max => SetEncoding::Listpack,
            _ => SetEncoding::Hashtable,
        };
        assert_eq!(set.encoding(), first);
        let mut model = Model::new();
        let mut random = random();
        for (member, action) in &steps {
            let mut lookups = [Lookup::from(&member[..])];
            set.prefetch(&mut lookups);
            match action {
                0..6 => {
                    let is_new = !model.contains(member);
                    let encoding = set.encoding();
                    let expected =
                        if is_new { encoding_after(encoding, &model, member, &limits) } else { encoding };
                    assert_eq!(set.add(lookups[0], &limits, HASH_KEY), is_new);
                    assert_eq!(set.encoding(), expected);
                    model.insert(member.clone());
                }
                6..8 => assert_eq!(set.remove(&member[..]), model.remove(member)),
                8 => {
                    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method has one lifetime only")]
                    let popped = set.pop(&mut random, |member| member.to_vec());
                    assert_eq!(popped.is_none(), model.is_empty());
                    assert!(popped.is_none_or(|popped| model.remove(&popped)));
                }
                _ => {
                    let count = member.len();
                    let is_large = match set.encoding() {
                        SetEncoding::Intset => count > limits.intset_entries_max,
                        SetEncoding::Listpack => count > limits.listpack_entries_max,
                        SetEncoding::Hashtable => true,
                    };
                    set.grow_for(count, &limits, HASH_KEY);
                    assert_eq!(set.encoding() == SetEncoding::Hashtable, is_large);
                }
            }
            check(&set, &model);
        }
        let copy = set.clone();
        check(&copy, &model);
        assert_eq!(copy.encoding(), set.encoding());
        let mut remains = set.into_remains();
        while remains.free(3) {}
        assert!(remains.is_empty());
        let mut integers = copy;
        integers.turn_into_intset(&limits);
        check(&integers, &model);
        let is_intset = model.iter().all(|member| parse_i64(member).is_some())
            && model.len() <= limits.intset_entries_max;
        assert!(!is_intset || integers.encoding() == SetEncoding::Intset);
    }

    /// What stays is seen, whatever comes and goes.
    #[test]
    fn scans_miss_nothing_that_stays(
        stays in 1..scaled(3000, 30) as u32,
        changes in vec((0..scaled(20_000, 40) as u32, any::<bool>()), 0..40),
    ) {
        let mut set = Set::new_table(HASH_KEY);
        let limits = SetLimits::default();
        let staying: Vec<_> = (0..stays).map(|number| format!("stays {number}").into_bytes()).collect();
        staying.iter().for_each(|member| assert!(set.add(&member[..], &limits, HASH_KEY)));
        let mut seen: BTreeMap<Vec<u8>, u32> = BTreeMap::new();
        let mut changes = changes.into_iter();
        let mut others = 0..0;
        let mut cursor = 0;
        loop {
            cursor = set.scan(cursor, &mut |member| *seen.entry(member.to_vec()).or_default() += 1);
            if cursor == 0 {
                break;
            }
            // The set grows and shrinks by a multiple of itself.
            if let Some((count, is_growing)) = changes.next() {
                if is_growing {
                    for number in others.end..others.end + count {
                        set.add(StringRef::Int(number.into()), &limits, HASH_KEY);
                    }
                    others.end += count;
                } else {
                    others.by_ref().take(count as usize).for_each(|number| {
                        assert!(set.remove(StringRef::Int(number.into())));
                    });
                }
            }
        }
        assert!(staying.iter().all(|member| seen.contains_key(member)));
    }
}

/// What Redis 7.0 and 7.2 answer at their default limits.
#[test]
fn encodings_change_at_the_default_limits() {
    let limits = SetLimits::default();
    let add = |set: &mut Set, member: &str| set.add(member.as_bytes(), &limits, HASH_KEY);
    let mut set = Set::for_member(b"0", 1, &limits, HASH_KEY);
    (0..512).for_each(|number| assert!(add(&mut set, &number.to_string())));
    assert_eq!(set.encoding().name(), "intset");
    assert!(!add(&mut set, "511"));
    assert!(add(&mut set, "512"));
    assert_eq!(set.encoding().name(), "hashtable");

    let mut set = Set::for_member(b"0", 1, &limits, HASH_KEY);
    (0..127).for_each(|number| assert!(add(&mut set, &number.to_string())));
    add(&mut set, "word");
    assert_eq!((set.encoding().name(), set.len()), ("listpack", 128));
    add(&mut set, "another");
    assert_eq!(set.encoding().name(), "hashtable");

    let mut set = Set::for_member(b"word", 1, &limits, HASH_KEY);
    add(&mut set, &"x".repeat(64));
    assert_eq!(set.encoding().name(), "listpack");
    add(&mut set, &"x".repeat(65));
    assert_eq!(set.encoding().name(), "hashtable");

    let mut set = Set::for_member(b"0", 1, &limits, HASH_KEY);
    (0..128).for_each(|number| assert!(add(&mut set, &number.to_string())));
    add(&mut set, "word");
    assert_eq!(set.encoding().name(), "hashtable");
}

#[test]
fn chance_is_fair() {
    let limits = SetLimits::default();
    for count in [3_usize, 100, 2000] {
        let mut set = Set::new_table(HASH_KEY);
        for number in 0..count {
            set.add(StringRef::Int(number as i64), &limits, HASH_KEY);
        }
        let mut random = random();
        let mut drawn = vec![0_usize; count];
        let draws = scaled(200, 2) * count;
        for _ in 0..draws {
            let StringRef::Int(number) = set.random(&mut random).expect("it is not empty") else {
                panic!("there are numbers only")
            };
            drawn[number as usize] += 1;
        }
        // With 200 expected, six standard deviations either way are 115 and 285.
        if !cfg!(miri) {
            assert!(drawn.iter().all(|&times| (115..=285).contains(&times)), "{count}: {drawn:?}");
        }
    }
}

#[test]
fn bytes_per_member_are_what_is_promised() {
    let limits = SetLimits::default();
    let count = scaled(100_000, 0);
    let mut set = Set::new_table(HASH_KEY);
    let mut numbers = Set::new_table(HASH_KEY);
    for number in 0..count {
        set.add(format!("member:{number:09}").as_bytes(), &limits, HASH_KEY);
        numbers.add(StringRef::Int(10_000_000 + number as i64), &limits, HASH_KEY);
    }
    assert!(set.memory_bytes(0) <= 30 * count + 1000, "{}", set.memory_bytes(0));
    assert!(numbers.memory_bytes(0) <= 14 * count + 1000, "{}", numbers.memory_bytes(0));
    assert_eq!(set.memory_bytes(5), set.memory_bytes(0));
}
