//! What is written, and read again.

use super::*;
use crate::keyspace::UnixMillis;
use crate::rdb::encode::Options;
use crate::rdb::{Preamble, Rdb, Stamp, Writer, payload, write};
use crate::snapshot::{Budget, Format, Snapshot};

const PREAMBLE: Preamble<'_> = Preamble {
    version: "7.2.0",
    created_seconds: 1_700_000_000,
    used_memory_bytes: 1 << 20,
    is_aof_base: true,
};

/// A file of what is in all databases.
fn save<F: Format>(dataset: &mut Dataset, checksum: bool) -> Vec<u8> {
    let mut writer = Writer::new(checksum);
    let (mut file, mut out) = (Vec::new(), Vec::new());
    writer.begin(&mut out, &PREAMBLE);
    let mut snapshot = Snapshot::<F>::begin(dataset);
    while !snapshot.step(dataset, &mut out, Budget { elements: 10, bytes: 1000 }).is_done {
        writer.sent(&out);
        file.append(&mut out);
    }
    writer.end(&mut out);
    file.append(&mut out);
    file
}

fn load(items: Vec<Item>) -> Dataset {
    let mut dataset = empty_dataset();
    let mut current = 0;
    for item in items {
        match item {
            Item::Select(database) => current = database,
            Item::Key(loaded) => {
                let entry = entry_of(loaded);
                let hash = HASH_KEY.hash(entry.key());
                dataset.databases_mut()[current].insert_entry(hash, entry);
            }
            Item::Aux { .. } | Item::Resize { .. } | Item::End => {}
            Item::Empty(_) | Item::Skipped(_) => panic!("nothing of that was written: {item:?}"),
        }
    }
    dataset
}

fn insert(dataset: &mut Dataset, index: usize, sample: &Sample, expiry: Option<i64>) {
    let mut entry = sample.entry(format!("key:{index}").as_bytes());
    entry.set_expiry(expiry.map(UnixMillis));
    let hash = HASH_KEY.hash(entry.key());
    dataset.databases_mut()[index % 4].insert_entry(hash, entry);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(miri) { 4 } else { 96 }))]

    #[test]
    fn a_payload_gives_its_value_again(sample in sample(), compression in any::<bool>()) {
        let entry = sample.entry(b"key");
        let mut out = Vec::new();
        payload::encode(&mut out, entry.value(), Options { compression });
        let value = payload::verify(&out).expect("the footer is right");
        let value = payload::decode(value, &options()).expect("it was just written");
        let loaded = Entry::new(b"key", value, None, 0);
        let ((value, encoding), (expected, expected_encoding)) = (described(&loaded), described(&entry));
        prop_assert_eq!(value, expected);
        // A set of numbers that was something else once becomes an intset again, as in Redis.
        prop_assert!(encoding == expected_encoding || encoding == "intset", "{} {}", encoding, expected_encoding);
    }

    #[test]
    fn a_file_gives_its_keys_again(
        samples in vec((sample(), proptest::option::of(1..1_000_000_i64)), 0..20),
        pieces in vec(prop_oneof![1..10_usize, 1..2000_usize], 1..5),
        compression in any::<bool>(),
        checksum in any::<bool>(),
    ) {
        let mut dataset = empty_dataset();
        for (index, (sample, expiry)) in samples.iter().enumerate() {
            insert(&mut dataset, index, sample, *expiry);
        }
        let file = match compression {
            true => save::<Rdb<true>>(&mut dataset, checksum),
            false => save::<Rdb<false>>(&mut dataset, checksum),
        };
        let items = read(&file, &pieces).expect("it was just written");
        prop_assert!(matches!(items.last(), Some(Item::End)));
        prop_assert_eq!(load(items).digest(), dataset.digest());
    }
}

/// As in Redis: what was a large sorted set, and is one again, has the zeros it had.
#[test]
fn zeros_keep_their_signs_where_a_set_stays_large() {
    let restored = |longest: usize| {
        let mut set = SortedSet::new();
        set.enlarge(HASH_KEY);
        let members = [(vec![b'a'], -0.0), (vec![b'b'], 0.0), (vec![b'c'; longest], 0.0)];
        for (member, score) in &members {
            set.set(&member[..], *score, &limits().sorted_set, HASH_KEY);
        }
        let entry = Entry::new(b"key", collection(Collection::SortedSet(set)), None, 0);
        let mut out = Vec::new();
        payload::encode(&mut out, entry.value(), Options::default());
        let value = payload::decode(payload::verify(&out).expect("the footer is right"), &options());
        match value.expect("it was just written") {
            NewValue::Collection(Collection::SortedSet(set)) => set,
            other => panic!("{other:?}"),
        }
    };
    let signs =
        |set: &SortedSet| set.iter(0..3).map(|(_, score)| score.is_sign_negative()).collect::<Vec<_>>();
    let large = restored(100);
    assert_eq!((large.encoding().name(), signs(&large)), ("skiplist", vec![true, false, false]));
    // A listpack keeps whole scores as integers.
    let small = restored(1);
    assert_eq!((small.encoding().name(), signs(&small)), ("listpack", vec![false; 3]));
}

#[test]
fn values_in_parts_come_back() {
    let mut dataset = empty_dataset();
    let texts = |count: usize| (0..count).map(|number| format!("element {number}").into_bytes());
    let samples = [
        Sample::String(vec![b'x'; 300_000]),
        Sample::List(texts(3_000).collect()),
        Sample::List(vec![vec![b'y'; 200_000], b"short".to_vec(), vec![b'z'; 100_000]]),
        Sample::Set(texts(3_000).collect()),
        Sample::SortedSet(texts(3_000).zip((0..).map(f64::from)).collect()),
        Sample::Hash(texts(3_000).zip(texts(3_000)).collect()),
    ];
    for (index, sample) in samples.iter().enumerate() {
        insert(&mut dataset, index, sample, (index % 2 == 0).then_some(5_000_000));
    }
    let file = save::<Rdb<true>>(&mut dataset, true);
    for piece in [100, 70_000, usize::MAX] {
        let items = read(&file, &[piece]).expect("it was just written");
        assert_eq!(load(items).digest(), dataset.digest(), "in pieces of {piece}");
    }
}

#[test]
fn what_a_file_says_besides_its_keys_comes_out() {
    let mut out = Vec::new();
    let writer = Writer::new(true);
    writer.begin(&mut out, &PREAMBLE);
    write::select(&mut out, 3);
    write::resize(&mut out, 2, 1);
    let entry = Entry::new(b"k", NewValue::Int(1), Some(UnixMillis(-5)), 0);
    write::entry(&mut out, entry.as_ref(), Stamp::IdleSeconds(1000), Options::default());
    let entry = Entry::new(b"l", NewValue::Int(1), None, 0);
    write::entry(&mut out, entry.as_ref(), Stamp::Frequency(200), Options::default());
    writer.end(&mut out);
    assert_eq!(&out[..9], b"REDIS0010");

    let items = read(&out, &[7]).expect("it was just written");
    let aux: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::Aux { name, value } => Some((str::from_utf8(name).ok()?, str::from_utf8(value).ok()?)),
            _ => None,
        })
        .collect();
    let expected = [
        ("redis-ver", "7.2.0"),
        ("redis-bits", "64"),
        ("ctime", "1700000000"),
        ("used-mem", "1048576"),
        ("aof-base", "1"),
    ];
    assert_eq!(aux, expected);
    assert!(matches!(items[5..7], [Item::Select(3), Item::Resize { keys: 2, expiring: 1 }]));
    let stamps = items.iter().filter_map(|item| match item {
        Item::Key(loaded) => Some((loaded.expiry, loaded.stamp)),
        _ => None,
    });
    let expected = [(Some(UnixMillis(-5)), Stamp::IdleSeconds(1000)), (None, Stamp::Frequency(200))];
    assert_eq!(stamps.collect::<Vec<_>>(), expected);
}

#[test]
fn what_follows_the_end_is_left_over() {
    let mut out = Vec::new();
    let writer = Writer::new(true);
    writer.begin(&mut out, &PREAMBLE);
    writer.end(&mut out);
    let len = out.len();
    out.extend_from_slice(b"*1\r\n");
    let mut reader = Reader::new(options());
    reader.feed(&out);
    while !matches!(reader.next(), Ok(Next::Hungry)) {}
    assert!(reader.is_done());
    assert_eq!(reader.offset(), len as u64);
    assert_eq!(reader.into_rest(), b"*1\r\n");
}

#[test]
fn one_call_reads_a_bounded_amount() {
    let mut dataset = empty_dataset();
    let members = (0..5_000_u32).map(|number| number.to_string().into_bytes()).collect();
    insert(&mut dataset, 0, &Sample::Set(members), None);
    let file = save::<Rdb<true>>(&mut dataset, true);
    let mut reader = Reader::new(options());
    reader.feed(&file);
    let mut pauses = 0;
    while !reader.is_done() {
        pauses += u32::from(matches!(reader.next(), Ok(Next::Pause)));
    }
    assert!(pauses >= 4, "{pauses} pauses");
}
