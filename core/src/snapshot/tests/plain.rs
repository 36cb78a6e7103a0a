//! A format for tests: descriptions, as digests of the data are made from.

use crate::dataset::Dataset;
use crate::keyspace::{EntryRef, UnixMillis};
use crate::snapshot::format::{Format, Head, Kind};
use crate::value::collection::hash_of_description;
use crate::value::listpack::ListpackView;
use crate::value::quicklist::NodeRef;
use crate::value::{StringRef, ValueRef, ValueType, lzf};
use std::collections::BTreeMap;

/// What databases hold: by database and key, the expiry, the stamp and a description of the value.
pub type Contents = BTreeMap<(usize, Vec<u8>), (i64, u32, Vec<u8>)>;

const SELECT: u8 = 0;
const ENTRY: u8 = 1;
const HEAD: u8 = 2;

/// What a format can do, in the plainest way.
#[derive(Debug)]
pub struct Plain;

impl Format for Plain {
    fn select(out: &mut Vec<u8>, database: usize, sizes: Option<(usize, usize)>) {
        out.push(SELECT);
        let (len, expires) = sizes.unwrap_or((usize::MAX, usize::MAX));
        [database, len, expires].into_iter().for_each(|number| write_number(out, number as u64));
    }

    fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, _: bool) {
        out.push(ENTRY);
        write_bytes(out, entry.key());
        write_number(out, entry.expiry().map_or(-1, |UnixMillis(at)| at) as u64);
        write_number(out, u64::from(entry.lru()));
        let mut description = Vec::new();
        entry.value().describe(&mut description);
        write_bytes(out, &description);
    }

    fn head(out: &mut Vec<u8>, head: &Head) {
        out.push(HEAD);
        write_bytes(out, &head.key);
        write_number(out, head.expiry.map_or(-1, |UnixMillis(at)| at) as u64);
        write_number(out, u64::from(head.lru));
        out.push(match head.kind {
            Kind::String => ValueType::String,
            Kind::List => ValueType::List,
            Kind::Set => ValueType::Set,
            Kind::SortedSet => ValueType::SortedSet,
            Kind::Hash => ValueType::Hash,
        } as u8);
        write_number(out, head.len as u64);
    }

    fn node(out: &mut Vec<u8>, key: &[u8], node: NodeRef<'_>, _: bool) {
        let unpacked;
        let packed = match node {
            NodeRef::Plain(bytes) => {
                Plain::plain_head(out, key, bytes.len());
                out.extend_from_slice(bytes);
                return;
            }
            NodeRef::Packed(packed) => packed,
            NodeRef::Compressed { bytes, bytes_len } => {
                unpacked = lzf::decompress(bytes, bytes_len, bytes_len).expect("it was compressed");
                &unpacked
            }
        };
        let packed = ListpackView::validate(packed).expect("nodes are listpacks");
        write_number(out, packed.len() as u64);
        packed.iter().for_each(|element| write_string(out, element));
    }

    fn plain_head(out: &mut Vec<u8>, _: &[u8], len: usize) {
        write_number(out, 1);
        write_number(out, len as u64);
    }

    fn field(out: &mut Vec<u8>, _: &[u8], field: StringRef<'_>, value: StringRef<'_>, _: bool) {
        write_string(out, field);
        write_string(out, value);
    }

    fn member(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, _: bool) {
        write_string(out, member);
    }

    fn scored(out: &mut Vec<u8>, _: &[u8], member: StringRef<'_>, score: f64, _: bool) {
        write_string(out, member);
        write_number(out, (score + 0.0).to_bits());
    }
}

fn write_number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn write_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    write_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn write_string(out: &mut Vec<u8>, string: StringRef<'_>) {
    string.with_bytes(|bytes| write_bytes(out, bytes));
}

/// What the databases hold now.
pub fn contents(dataset: &Dataset) -> Contents {
    let mut contents = Contents::new();
    for index in 0..dataset.database_count() {
        for entry in dataset.database(index).iter() {
            let mut description = Vec::new();
            entry.value().describe(&mut description);
            let expiry = entry.expiry().map_or(-1, |at| at.0);
            contents.insert((index, entry.key().to_vec()), (expiry, entry.lru(), description));
        }
    }
    contents
}

/// What a snapshot says, if it is one.
pub fn decode(mut bytes: &[u8]) -> Contents {
    let input = &mut bytes;
    let mut contents = Contents::new();
    let mut introduced = BTreeMap::new();
    let mut database = usize::MAX;
    while !input.is_empty() {
        match take(input, 1)[0] {
            SELECT => {
                database = number(input);
                let sizes = (number(input), number(input));
                let is_first = !introduced.contains_key(&database);
                assert_eq!(is_first, sizes.0 != usize::MAX, "sizes are given once");
                introduced.entry(database).or_insert(sizes);
            }
            ENTRY => {
                let (key, expiry, lru) = key_of(input);
                let len = number(input);
                let description = take(input, len).to_vec();
                let before = contents.insert((database, key), (expiry, lru, description));
                assert!(before.is_none(), "nothing is there twice");
            }
            HEAD => {
                let (key, expiry, lru) = key_of(input);
                let description = value(input);
                let before = contents.insert((database, key), (expiry, lru, description));
                assert!(before.is_none(), "nothing is there twice");
            }
            other => panic!("{other} is the beginning of nothing"),
        }
    }
    for (database, sizes) in introduced {
        let of_it = || contents.iter().filter(|((index, _), _)| *index == database);
        assert_eq!(sizes, (of_it().count(), of_it().filter(|(_, (expiry, ..))| *expiry >= 0).count()));
    }
    contents
}

fn key_of(input: &mut &[u8]) -> (Vec<u8>, i64, u32) {
    let len = number(input);
    (take(input, len).to_vec(), number(input) as i64, number(input) as u32)
}

/// The description of a value that was written in parts.
fn value(input: &mut &[u8]) -> Vec<u8> {
    let kind = take(input, 1)[0];
    let len = number(input);
    let mut record = vec![kind];
    if kind == ValueType::String as u8 {
        let string = StringRef::Bytes(take(input, len));
        record.clear();
        ValueRef::String(string).describe(&mut record);
        return record;
    }
    let mut elements = Vec::new();
    for _ in 0..len {
        if kind == ValueType::List as u8 {
            (0..number(input)).for_each(|_| elements.push(string(input)));
        } else if kind == ValueType::Set as u8 {
            elements.push(string(input));
        } else if kind == ValueType::Hash as u8 {
            elements.push([string(input), string(input)].concat());
        } else {
            elements.push([string(input), take(input, 8).to_vec()].concat());
        }
    }
    record.extend_from_slice(&(elements.len() as u64).to_le_bytes());
    if kind == ValueType::SortedSet as u8 {
        elements.sort_by(|a, b| {
            let parts = |element: &[u8]| {
                let (member, score) = element.split_last_chunk::<8>().expect("a score");
                (f64::from_bits(u64::from_le_bytes(*score)), member[8..].to_vec())
            };
            parts(a).partial_cmp(&parts(b)).expect("scores are numbers")
        });
    } else if kind != ValueType::List as u8 {
        let hashes = elements.iter().map(|element| hash_of_description(element));
        let sum = hashes.fold(0_u64, u64::wrapping_add);
        record.extend_from_slice(&sum.to_le_bytes());
        return record;
    }
    record.extend(elements.concat());
    record
}

/// A string with its length.
fn string(input: &mut &[u8]) -> Vec<u8> {
    let len = usize::try_from(u64::from_le_bytes(*input.first_chunk().expect("a length"))).expect("short");
    take(input, 8 + len).to_vec()
}

fn number(input: &mut &[u8]) -> usize {
    u64::from_le_bytes(*take(input, 8).first_chunk().expect("eight bytes")) as usize
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> &'a [u8] {
    input.split_off(..len).expect("the snapshot goes on")
}
