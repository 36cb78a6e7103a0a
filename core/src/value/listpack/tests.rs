//! Listpacks against a vector of strings, and against bytes that Redis wrote.

use super::*;
use crate::value::StringRef::{Bytes, Int};
use proptest::prelude::*;

/// What a value is when it comes back.
fn canonical(bytes: &[u8]) -> StringRef<'_> {
    crate::number::parse_i64(bytes).map_or(Bytes(bytes), Int)
}

/// Checks everything one can see of a listpack against the strings it should have.
fn check(listpack: &Listpack, model: &[Vec<u8>]) {
    let view = ListpackView::validate(listpack.view().as_bytes()).expect("it is sound");
    assert_eq!(view, listpack.view());
    assert_eq!((view.len(), listpack.len()), (model.len(), model.len()));
    assert_eq!(listpack.bytes_len(), view.as_bytes().len());
    assert!(listpack.memory_bytes() >= listpack.bytes_len());
    assert!(view.iter().eq(model.iter().map(|value| canonical(value))));
    assert!(view.iter().rev().eq(model.iter().rev().map(|value| canonical(value))));
    assert_eq!(view.first().is_none(), model.is_empty());
    let (mut forward, mut backward) = (view.first(), view.last());
    for (value, last) in model.iter().zip(model.iter().rev()) {
        assert_eq!(forward.map(|offset| view.at(offset)), Some(canonical(value)));
        assert_eq!(backward.map(|offset| view.at(offset)), Some(canonical(last)));
        forward = forward.and_then(|offset| view.next(offset));
        backward = backward.and_then(|offset| view.previous(offset));
    }
    assert_eq!((forward, backward), (None, None));
    for index in [0, 1, model.len() / 2, model.len().saturating_sub(1), model.len(), model.len() + 1] {
        assert_eq!(view.get(index), model.get(index).map(|value| canonical(value)));
    }
}

/// Strings around the bounds of encodings, numbers of all widths, and few enough to meet again.
fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => prop::collection::vec(b'a'..=b'c', 0..3),
        2 => any::<i64>().prop_flat_map(|number| (0u32..64).prop_map(move |bits| (number >> bits).to_string().into_bytes())),
        1 => prop::sample::select(vec![61usize, 62, 63, 64, 65, 124, 125, 126, 127, 128, 4095, 4096, 16_380])
            .prop_map(|len| vec![b'x'; len]),
        1 => prop::sample::select(vec!["-0", "007", "+1", "9223372036854775808", " 1", "1 "])
            .prop_map(|text| text.as_bytes().to_vec()),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Append(Vec<u8>),
    Prepend(Vec<u8>),
    AppendAll(Vec<Vec<u8>>),
    PrependAll(Vec<Vec<u8>>),
    InsertBefore(usize, Vec<u8>),
    InsertAfter(usize, Vec<u8>),
    Replace(usize, Vec<u8>),
    RemoveFrom(usize, usize),
    RemoveRange(usize, usize),
    SplitAndMerge(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let at = 0usize..40;
    let values = || prop::collection::vec(value(), 0..4);
    prop_oneof![
        3 => value().prop_map(Step::Append),
        3 => value().prop_map(Step::Prepend),
        1 => values().prop_map(Step::AppendAll),
        1 => values().prop_map(Step::PrependAll),
        2 => (at.clone(), value()).prop_map(|(at, value)| Step::InsertBefore(at, value)),
        2 => (at.clone(), value()).prop_map(|(at, value)| Step::InsertAfter(at, value)),
        3 => (at.clone(), value()).prop_map(|(at, value)| Step::Replace(at, value)),
        3 => (at.clone(), 0usize..3).prop_map(|(at, count)| Step::RemoveFrom(at, count)),
        1 => (at.clone(), 0usize..30).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => (at, any::<bool>()).prop_map(|(at, swapped)| Step::SplitAndMerge(at, swapped)),
    ]
}

/// Does the same to both. Indices wrap around; those of nothing do nothing.
fn apply(listpack: &mut Listpack, model: &mut Vec<Vec<u8>>, step: Step) {
    let seek = |listpack: &Listpack, at: usize| {
        let index = at % listpack.len().max(1);
        listpack.view().seek(index).map(|offset| (index, offset))
    };
    match step {
        Step::Append(value) => {
            listpack.append(Bytes(&value));
            model.push(value);
        }
        Step::Prepend(value) => {
            listpack.prepend(Bytes(&value));
            model.insert(0, value);
        }
        Step::AppendAll(values) => {
            listpack.append_all(&values.iter().map(|value| Bytes(value)).collect::<Vec<_>>());
            model.extend(values);
        }
        Step::PrependAll(values) => {
            listpack.prepend_all(&values.iter().map(|value| canonical(value)).collect::<Vec<_>>());
            model.splice(0..0, values);
        }
        Step::InsertBefore(at, value) => {
            if let Some((index, offset)) = seek(listpack, at) {
                listpack.insert_before(offset, Bytes(&value));
                assert_eq!(listpack.view().at(offset), canonical(&value));
                model.insert(index, value);
            }
        }
        Step::InsertAfter(at, value) => {
            if let Some((index, offset)) = seek(listpack, at) {
                let offset = listpack.insert_after(offset, Bytes(&value));
                assert_eq!(listpack.view().at(offset), canonical(&value));
                model.insert(index + 1, value);
            }
        }
        Step::Replace(at, value) => {
            if let Some((index, offset)) = seek(listpack, at) {
                listpack.replace(offset, Bytes(&value));
                model[index] = value;
            }
        }
        Step::RemoveFrom(at, count) => {
            if let Some((index, offset)) = seek(listpack, at) {
                let next = listpack.remove_from(offset, count);
                model.drain(index..model.len().min(index + count));
                assert_eq!(next.is_some(), index < model.len());
                assert_eq!(next.map_or(offset, |next| next), offset);
            }
        }
        Step::RemoveRange(index, count) => {
            listpack.remove_range(index, count);
            model.drain(index.min(model.len())..model.len().min(index + count));
        }
        Step::SplitAndMerge(index, swapped) => {
            let tail = listpack.split_off(index);
            let model_tail = model.split_off(index.min(model.len()));
            check(&tail, &model_tail);
            if swapped {
                listpack.prepend_listpack(tail.view());
                model.splice(0..0, model_tail);
            } else {
                listpack.append_listpack(tail.view());
                model.extend(model_tail);
            }
        }
    }
}

/// The straightforward search.
fn find_in_model(model: &[Vec<u8>], needle: &[u8], from: usize, skip: usize) -> Option<usize> {
    (from..model.len()).step_by(skip + 1).find(|&index| model[index] == needle)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn edits_do_what_they_do_to_a_vector(steps in prop::collection::vec(step(), 1..60)) {
        let (mut listpack, mut model) = (Listpack::new(), Vec::new());
        for step in steps {
            apply(&mut listpack, &mut model, step);
            check(&listpack, &model);
        }
        check(&listpack.clone(), &model);
        let taken_over = Listpack::from_bytes(listpack.view().as_bytes().to_vec());
        prop_assert_eq!(taken_over.as_ref(), Ok(&listpack));
    }

    #[test]
    fn what_is_found_is_the_first_one(
        model in prop::collection::vec(value(), 0..30),
        needle in value(),
        from in 0usize..30,
        skip in 0usize..3,
    ) {
        let listpack: Listpack = model.iter().map(|value| Bytes(value)).collect();
        let view = listpack.view();
        for needle in model.iter().chain([&needle]) {
            if let Some(offset) = view.seek(from) {
                let expected = find_in_model(&model, needle, from, skip).and_then(|index| view.seek(index));
                prop_assert_eq!(view.find(Bytes(needle), offset, skip), expected);
                prop_assert_eq!(view.find(canonical(needle), offset, skip), expected);
            }
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_sound(
        model in prop::collection::vec(value(), 0..8),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let listpack: Listpack = model.iter().map(|value| Bytes(value)).collect();
        let mut bytes = listpack.view().as_bytes().to_vec();
        prop_assert!(ListpackView::validate(&bytes[..cut.index(bytes.len())]).is_err());
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(view) = ListpackView::validate(&bytes) {
            prop_assert_eq!(view.iter().count(), view.len());
            prop_assert_eq!(view.iter().rev().count(), view.len());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_sound(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut framed = ((bytes.len() + BYTES_LEN_MIN) as u32).to_le_bytes().to_vec();
        framed.extend([0xFF, 0xFF]);
        framed.extend(&bytes);
        framed.push(0xFF);
        prop_assert!(ListpackView::validate(&bytes).is_err());
        if let Ok(view) = ListpackView::validate(&framed) {
            prop_assert_eq!(view.iter().rev().count(), view.len());
        }
    }
}

/// The listpack of a hash with fields `f0`, `f1`, … as Redis 7 dumps it.
#[test]
fn bytes_are_those_of_redis() {
    let hex = "\
        670100002e00826630030001826631037f0182663203c0800282663303dfff0282663403cfff0282663503d000028266\
        3603f100100382663703f1ffef0382663803f1ff7f0382663903f2ff7fff048366313004f2ffff7f048366313104f3ff\
        ff7fff058366313204f3ffffff7f058366313304f4ffffff7fffffffff098366313404f4ffffffffffffff7f09836631\
        3504f40000000000000080098366313604800183663137048161028366313804822d3003836631390483303037048366\
        3230049339323233333732303336383534373735383038148366323104bf787878787878787878787878787878787878\
        787878787878787878787878787878787878787878787878787878787878787878787878787878787878787878408366\
        323204e04079797979797979797979797979797979797979797979797979797979797979797979797979797979797979\
        79797979797979797979797979797979797979797942ff";
    let texts = ["", "a", "-0", "007", "9223372036854775808", &"x".repeat(63), &"y".repeat(64)];
    let numbers = [
        0,
        127,
        128,
        -1,
        4095,
        -4096,
        4096,
        -4097,
        0x7FFF,
        -0x8001,
        0x7F_FFFF,
        -0x80_0001,
        0x7FFF_FFFF,
        -0x8000_0001,
        i64::MAX,
        i64::MIN,
    ];
    let values = numbers.iter().map(i64::to_string).chain(texts.map(str::to_string));
    let fields_and_values: Vec<String> =
        values.enumerate().flat_map(|(index, value)| [format!("f{index}"), value]).collect();
    let listpack: Listpack = fields_and_values.iter().map(|text| Bytes(text.as_bytes())).collect();
    let bytes =
        listpack.view().as_bytes().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    assert_eq!(bytes, hex);
}

/// The last bytes of hashes with one long string, as Redis 7 dumps them: the lengths at the end.
#[test]
fn lengths_at_the_end_are_those_of_redis() {
    let cases: [(usize, &[u8]); 13] = [
        (124, b"z\x7e\xff"),
        (125, b"z\x7f\xff"),
        (126, b"z\x01\x80\xff"),
        (127, b"z\x01\x81\xff"),
        (4095, b"z\x20\x81\xff"),
        (4096, b"z\x20\x85\xff"),
        (16_376, b"z\x7f\xfd\xff"),
        (16_377, b"z\x7f\xfe\xff"),
        (16_378, b"z\x00\xff\xff\xff"),
        (16_379, b"z\x01\x80\x80\xff"),
        (2_097_145, b"z\x7f\xff\xfe\xff"),
        (2_097_146, b"z\x00\xff\xff\xff\xff"),
        (2_097_147, b"z\x01\x80\x80\x80\xff"),
    ];
    for (len, end) in cases {
        let value = vec![b'z'; len];
        let listpack = Listpack::from_iter([Bytes(b"f"), Bytes(&value)]);
        assert!(listpack.view().as_bytes().ends_with(end), "{len}");
        check(&listpack, &[b"f".to_vec(), value]);
    }
}

#[test]
fn errors_say_what_is_wrong() {
    use ListpackError::{BytesLen, Element, End, Len};
    let sound = [9, 0, 0, 0, 1, 0, 0x05, 1, 0xFF];
    assert_eq!(ListpackView::validate(&sound).map(ListpackView::len), Ok(1));
    let with = |at: usize, byte| {
        let mut bytes = sound;
        bytes[at] = byte;
        ListpackView::validate(&bytes).map(|_| ())
    };
    assert_eq!(with(0, 10), Err(BytesLen));
    assert_eq!(with(8, 0xFE), Err(End));
    assert_eq!(with(6, 0xFF), Err(End));
    assert_eq!(with(6, 0xFE), Err(Element(Offset(6))));
    assert_eq!(with(7, 2), Err(Element(Offset(6))));
    assert_eq!(with(4, 2), Err(Len));
    assert_eq!(with(4, 0), Err(Len));
    assert_eq!(ListpackView::validate(&[]).map(|_| ()), Err(BytesLen));
    assert_eq!(ListpackView::validate(&[6, 0, 0, 0, 0, 0]).map(|_| ()), Err(BytesLen));
}

#[test]
fn more_elements_than_the_header_can_say() {
    let mut listpack = Listpack::new();
    for number in 0..65_534 {
        listpack.append(Int(number % 100));
    }
    let count_in_header = |listpack: &Listpack| listpack.view().as_bytes()[4..6].to_vec();
    assert_eq!(count_in_header(&listpack), [0xFE, 0xFF]);
    for _ in 0..10 {
        listpack.append(Int(7));
        assert_eq!(count_in_header(&listpack), [0xFF, 0xFF]);
    }
    assert_eq!(listpack.len(), 65_544);
    let again = Listpack::from_bytes(listpack.view().as_bytes().to_vec()).expect("it is sound");
    assert_eq!(again.len(), 65_544);
    assert_eq!(again.view().get(65_540), Some(Int(7)));
    listpack.remove_range(10, 20);
    assert_eq!((listpack.len(), count_in_header(&listpack)), (65_524, vec![0xF4, 0xFF]));
}

#[test]
fn ends_are_worked_at_without_growing() {
    let mut listpack = Listpack::new();
    for number in 1000..1020 {
        listpack.prepend(Int(number));
    }
    let memory_bytes = listpack.memory_bytes();
    for number in 1020..3000 {
        listpack.prepend(Int(number));
        let last = listpack.view().last().expect("there are twenty");
        assert_eq!(listpack.view().at(last), Int(number - 20));
        assert_eq!(listpack.remove(last), None);
        assert!(listpack.memory_bytes() <= memory_bytes + 16);
    }
    for _ in 0..20 {
        let first = listpack.view().first().expect("there are twenty");
        listpack.remove(first);
    }
    assert!(listpack.is_empty());
    assert!(listpack.memory_bytes() <= 64);
}

#[test]
fn limits_are_asked_for() {
    let listpack = Listpack::new();
    assert!(listpack.has_room_for(BYTES_LEN_MAX - BYTES_LEN_MIN));
    assert!(!listpack.has_room_for(BYTES_LEN_MAX - BYTES_LEN_MIN + 1));
    assert!(!listpack.has_room_for(usize::MAX));
    assert_eq!(Listpack::element_len(Bytes(b"12")), 2);
    assert_eq!(size_of::<Listpack>(), 16);
    assert_eq!(Listpack::element_len(Bytes(&[0; 64])), 67);
}
