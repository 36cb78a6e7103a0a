//! Entries by themselves.

use super::*;
use crate::keyspace::element::Element;
use crate::value::set::{Set, SetLimits};
use crate::value::{Collection, StringRef, ValueRef, ValueType};
use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;

/// What an entry should be.
#[derive(Clone, Debug)]
struct Model {
    key: Vec<u8>,
    value: Vec<u8>,
    /// `Some` where the encoding is known to be `int`.
    is_int: bool,
    is_raw: bool,
    expiry: Option<UnixMillis>,
    lru: u32,
}

#[derive(Clone, Debug)]
enum Step {
    SetValue(Value),
    Replace(Value, Option<i64>),
    SetExpiry(Option<i64>),
    SetLru(u32),
    Append(Vec<u8>),
    SetRange(usize, Vec<u8>),
    Modify(usize, u8),
    Share,
    Copy(Vec<u8>, Option<i64>),
    Rename(Vec<u8>),
}

#[derive(Clone, Debug)]
enum Value {
    Int(i64),
    Bytes(Vec<u8>),
    Raw(Vec<u8>),
    Owned(Vec<u8>),
    Shared(Vec<u8>),
}

impl Value {
    fn as_new(&self) -> NewValue<'_> {
        match self {
            Value::Int(number) => NewValue::Int(*number),
            Value::Bytes(bytes) => NewValue::Bytes(bytes),
            Value::Raw(bytes) => NewValue::Raw(bytes),
            Value::Owned(bytes) => NewValue::Owned(bytes.clone()),
            Value::Shared(bytes) => NewValue::Shared(Bytes::copy_from_slice(bytes)),
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Value::Int(number) => number.to_string().into_bytes(),
            Value::Bytes(bytes) | Value::Raw(bytes) | Value::Owned(bytes) | Value::Shared(bytes) => {
                bytes.clone()
            }
        }
    }
}

impl Model {
    fn set(&mut self, value: &Value) {
        self.value = value.bytes();
        self.is_int = matches!(value, Value::Int(_));
        self.is_raw = matches!(value, Value::Raw(_));
    }

    fn changed(&mut self) {
        self.is_int = false;
        self.is_raw = true;
    }

    fn encoding(&self) -> &'static str {
        match self.value.len() {
            _ if self.is_int => "int",
            ..=44 if !self.is_raw => "embstr",
            _ => "raw",
        }
    }

    fn check(&self, entry: &Entry, tag: u16) {
        assert_eq!(entry.key(), self.key);
        assert!(entry.has_key(&self.key));
        let string = entry.value().as_string().unwrap();
        assert_eq!(string.to_vec(), self.value);
        assert_eq!(matches!(string, StringRef::Int(_)), self.is_int);
        assert_eq!(entry.as_ref().encoding_name(), self.encoding());
        assert_eq!(entry.expiry(), self.expiry);
        assert_eq!(entry.has_expiry(), self.expiry.is_some());
        assert_eq!(entry.as_ref().lru(), self.lru);
        assert_eq!(entry.tag(), tag);
        assert_eq!(entry.as_ref().value_type(), ValueType::String);
        assert!(
            entry.as_ref().allocated_bytes()
                >= self.key.len() + if self.is_int { 8 } else { self.value.len() }
        );
        assert!(entry.as_ref().allocated_bytes() <= 2 * (self.key.len() + self.value.len() + 24) + 64);
    }
}

fn len(max: usize) -> impl Strategy<Value = usize> {
    prop_oneof![0..64_usize, 200..300_usize, 0..=max]
}

fn bytes(max: usize) -> impl Strategy<Value = Vec<u8>> {
    (len(max), any::<u8>()).prop_map(|(len, seed)| (0..len).map(|at| seed.wrapping_add(at as u8)).collect())
}

fn value() -> impl Strategy<Value = Value> {
    let max = scaled(20_000, 300);
    prop_oneof![
        prop_oneof![any::<i64>(), 0..1000_i64].prop_map(Value::Int),
        bytes(max).prop_map(Value::Bytes),
        bytes(max).prop_map(Value::Raw),
        bytes(max).prop_map(Value::Owned),
        bytes(max).prop_map(Value::Shared),
    ]
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    proptest::option::of(any::<i64>())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => value().prop_map(Step::SetValue),
        3 => (value(), expiry()).prop_map(|(value, expiry)| Step::Replace(value, expiry)),
        2 => expiry().prop_map(Step::SetExpiry),
        1 => any::<u32>().prop_map(Step::SetLru),
        3 => bytes(300).prop_map(Step::Append),
        2 => (len(400), bytes(300)).prop_map(|(offset, bytes)| Step::SetRange(offset, bytes)),
        1 => (len(400), any::<u8>()).prop_map(|(len, byte)| Step::Modify(len, byte)),
        1 => Just(Step::Share),
        1 => (bytes(300), expiry()).prop_map(|(key, expiry)| Step::Copy(key, expiry)),
        1 => bytes(300).prop_map(Step::Rename),
    ]
}

fn run(key: Vec<u8>, first: &Value, first_expiry: Option<i64>, steps: Vec<Step>) {
    let expiry = first_expiry.map(UnixMillis);
    let mut entry = Entry::new(&key, first.as_new(), expiry, 7);
    let mut model = Model { key, value: Vec::new(), is_int: false, is_raw: false, expiry, lru: 7 };
    model.set(first);
    model.check(&entry, 0);
    let mut tag = 0xa5c3;
    entry.set_tag(tag);
    let mut handles: Vec<(Bytes, Vec<u8>)> = Vec::new();
    for step in steps {
        match step {
            Step::SetValue(value) => {
                entry.set_value(value.as_new());
                model.set(&value);
            }
            Step::Replace(value, expiry) => {
                model.expiry = expiry.map(UnixMillis);
                entry.replace(value.as_new(), model.expiry);
                model.set(&value);
            }
            Step::SetExpiry(expiry) => {
                model.expiry = expiry.map(UnixMillis);
                entry.set_expiry(model.expiry);
            }
            Step::SetLru(lru) => {
                entry.set_lru(lru);
                model.lru = lru & 0xff_ffff;
            }
            Step::Append(bytes) => {
                model.value.extend_from_slice(&bytes);
                model.changed();
                assert_eq!(entry.append(&bytes), model.value.len());
            }
            Step::SetRange(offset, bytes) => {
                let end = offset + bytes.len();
                model.value.resize(model.value.len().max(end), 0);
                model.value[offset..end].copy_from_slice(&bytes);
                model.changed();
                assert_eq!(entry.set_range(offset, &bytes), model.value.len());
            }
            Step::Modify(len, byte) => {
                let old_value = entry.modify_bytes(|bytes| {
                    let old_value = bytes.clone();
                    bytes.resize(len, byte);
                    old_value
                });
                assert_eq!(old_value, model.value);
                model.value.resize(len, byte);
                model.changed();
            }
            Step::Share => {
                let handle = entry.shared_bytes();
                assert!(handle.is_some() || model.value.len() <= INLINE_LEN_MAX);
                handles.extend(handle.map(|handle| (handle, model.value.clone())));
            }
            Step::Copy(key, expiry) => {
                model.key = key;
                model.expiry = expiry.map(UnixMillis);
                entry = entry.copy_as(&model.key, model.expiry);
                tag = 0;
            }
            Step::Rename(key) => {
                model.key = key;
                entry = entry.rename(&model.key);
                tag = 0;
            }
        }
        model.check(&entry, tag);
    }
    drop(entry);
    for (handle, expected) in handles {
        assert_eq!(handle, expected, "a handle shows what there was when it was made");
    }
}

#[derive(Clone, Debug)]
enum CollectionStep {
    Add(u8),
    SetExpiry(Option<i64>),
    Copy(Vec<u8>, Option<i64>),
    Rename(Vec<u8>),
    Replace(Option<i64>),
    BeString(Value),
    Take,
}

fn collection_step() -> impl Strategy<Value = CollectionStep> {
    prop_oneof![
        4 => any::<u8>().prop_map(CollectionStep::Add),
        2 => expiry().prop_map(CollectionStep::SetExpiry),
        2 => (bytes(300), expiry()).prop_map(|(key, expiry)| CollectionStep::Copy(key, expiry)),
        2 => bytes(300).prop_map(CollectionStep::Rename),
        1 => expiry().prop_map(CollectionStep::Replace),
        1 => value().prop_map(CollectionStep::BeString),
        1 => Just(CollectionStep::Take),
    ]
}

/// A set in an entry whose key has any length, so that it lies at any distance from the end of the key.
fn run_collection(key: Vec<u8>, steps: Vec<CollectionStep>) {
    let new = || NewValue::Collection(Collection::Set(Set::new_intset()));
    let mut members = Vec::new();
    let (mut key, mut at) = (key, None);
    let mut entry = Entry::new(&key, new(), at, 7);
    let mut originals: Vec<(Entry, Vec<i64>)> = Vec::new();
    for step in steps {
        match step {
            CollectionStep::Add(member) => {
                if let Some(Collection::Set(set)) = entry.collection_mut() {
                    set.add(&[member][..], &SetLimits::default(), HASH_KEY);
                    set.add(member.to_string().as_bytes(), &SetLimits::default(), HASH_KEY);
                    members.extend([i64::from(member), -1 - i64::from(member)]);
                }
            }
            CollectionStep::SetExpiry(expiry) => {
                at = expiry.map(UnixMillis);
                entry.set_expiry(at);
            }
            CollectionStep::Copy(copied, expiry) => {
                (key, at) = (copied, expiry.map(UnixMillis));
                let copy = entry.copy_as(&key, at);
                originals.push((std::mem::replace(&mut entry, copy), members.clone()));
            }
            CollectionStep::Rename(renamed) => {
                key = renamed;
                entry = entry.rename(&key);
            }
            CollectionStep::Replace(expiry) => {
                at = expiry.map(UnixMillis);
                entry.replace(new(), at);
                members.clear();
            }
            CollectionStep::BeString(value) => {
                entry.set_value(value.as_new());
                assert_eq!(entry.value().as_string().unwrap().to_vec(), value.bytes());
                assert!(entry.collection_mut().is_none());
                entry.set_value(new());
                members.clear();
            }
            CollectionStep::Take => {
                let taken = entry.take_collection().expect("it is always there");
                check_members(&taken, &members);
                assert_eq!(entry.value().as_string().unwrap().to_vec(), b"0");
                entry.set_value(NewValue::Collection(taken));
            }
        }
        assert_eq!((entry.key(), entry.expiry()), (&key[..], at));
        let ValueRef::Collection(collection) = entry.value() else { panic!("no collection") };
        check_members(collection, &members);
    }
    for (original, members) in originals {
        let ValueRef::Collection(collection) = original.value() else { panic!("no collection") };
        check_members(collection, &members);
    }
}

/// Members from 0 on are numbers, the others are single bytes.
fn check_members(collection: &Collection, members: &[i64]) {
    let Collection::Set(set) = collection else { panic!("no set") };
    for &member in members {
        let text = member.to_string().into_bytes();
        let member = if member < 0 { vec![(-1 - member) as u8] } else { text };
        assert!(set.contains(&member[..]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: scaled(400, 3) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn entries_do_what_their_model_does(
        key in bytes(scaled(70_000, 400)),
        first in value(),
        expiry in expiry(),
        steps in vec(step(), 0..scaled(60, 12)),
    ) {
        run(key, &first, expiry, steps);
    }

    #[test]
    fn collections_go_where_their_entry_goes(
        key in bytes(scaled(1_000, 400)),
        steps in vec(collection_step(), 0..scaled(60, 12)),
    ) {
        run_collection(key, steps);
    }
}

#[test]
fn common_entries_have_the_sizes_they_should() {
    let size = |key_len, value: NewValue<'_>, expiry| {
        Entry::new(&vec![b'k'; key_len], value, expiry, 0).as_ref().allocated_bytes()
    };
    let at = Some(UnixMillis(1));
    assert_eq!(size(16, NewValue::Bytes(b"12345678"), None), 32);
    assert_eq!(size(16, NewValue::Bytes(b"12345678"), at), 40);
    assert_eq!(size(16, NewValue::Int(i64::MAX), None), 32);
    assert_eq!(size(16, NewValue::Bytes(&[0; 100]), None), 128);
    assert_eq!(size(16, NewValue::Bytes(&[0; 100]), at), 160);
    assert_eq!(size(254, NewValue::Int(0), None), 320);
    assert_eq!(size(255, NewValue::Int(0), None), 320);
    assert_eq!(size(16, NewValue::Bytes(&[0; INLINE_LEN_MAX + 1]), None), 32 + 32 + INLINE_LEN_MAX + 1);
    let set = || NewValue::Collection(Collection::Set(Set::new_intset()));
    let empty = Collection::Set(Set::new_intset()).memory_bytes(0);
    assert_eq!([16, 17, 32].map(|len| size(len, set(), None) - empty), [48, 56, 64]);
    assert_eq!(size(16, set(), at) - empty, 56);
    assert_eq!(size_of::<Option<Entry>>(), 8);
}

#[test]
fn values_that_fit_are_overwritten_in_place() {
    let address = |entry: &Entry| entry.key().as_ptr();
    let mut entry = Entry::new(b"0123456789abcdef", NewValue::Bytes(b"12345678"), None, 0);
    let first = address(&entry);
    entry.set_value(NewValue::Int(1));
    entry.set_value(NewValue::Bytes(b""));
    entry.set_value(NewValue::Bytes(b"abcdefgh"));
    assert_eq!(address(&entry), first);
    entry.set_value(NewValue::Bytes(b"abcdefghi"));
    assert_ne!(address(&entry), first, "nine bytes do not fit");

    let mut entry = Entry::new(b"0123456789abcdef", NewValue::Bytes(&[0; 100]), None, 0);
    let first = address(&entry);
    entry.replace(NewValue::Bytes(&[0; 90]), Some(UnixMillis(5)));
    entry.set_value(NewValue::Bytes(&[0; 40]));
    entry.set_expiry(None);
    assert_eq!(address(&entry), first);
    entry.set_value(NewValue::Bytes(&[0; 39]));
    assert_eq!(entry.as_ref().allocated_bytes(), 64, "more than half of 128 bytes would be wasted");
}

#[test]
fn moving_and_sharing_do_not_copy_what_lies_outside() {
    let contents = vec![7; 20_000];
    let address = contents.as_ptr();
    let mut entry = Entry::new(b"old", NewValue::Owned(contents), None, 0).rename(b"new");
    let shared = entry.shared_bytes().expect("it is long enough");
    assert_eq!(shared.as_ptr(), address);
    let copy = entry.copy_as(b"copy", None);
    let ValueRef::String(StringRef::Bytes(copied)) = copy.value() else { panic!("no number") };
    assert_eq!(copied.as_ptr(), address, "what is shared already costs a copy nothing");
}

#[test]
fn keys_are_told_apart_by_every_byte() {
    for len in (0..scaled(80, 18)).chain(if cfg!(miri) { 255..256 } else { 250..300 }) {
        let key: Vec<u8> = (0..len).map(|at| at as u8).collect();
        let entry = Entry::new(&key, NewValue::Int(0), None, 0);
        assert!(entry.has_key(&key));
        for at in 0..len {
            let mut other = key.clone();
            other[at] ^= 0x80;
            assert!(!entry.has_key(&other));
            assert!(!entry.has_key(&key[..at]));
        }
        assert!(!entry.has_key(&[key.as_slice(), b"x"].concat()));
    }
}
