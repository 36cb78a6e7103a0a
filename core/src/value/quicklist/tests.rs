//! Lists against a vector of strings, and node by node against what Redis' rules make of them.

use super::*;
use crate::value::lzf;
use crate::value::quicklist::Element::{Large, Small};
use proptest::prelude::*;

fn limits(fill: i32, compress_depth: u32) -> ListLimits {
    ListLimits { fill, compress_depth, ..ListLimits::default() }
}

fn small(text: &str) -> Element<'_> {
    Element::from(text.as_bytes())
}

fn texts(list: &List) -> Vec<Vec<u8>> {
    let mut walk = list.walk(0, false);
    let mut texts = Vec::new();
    while let Some(element) = walk.next() {
        texts.push(element.as_string().to_vec());
    }
    texts
}

/// Lengths of all nodes.
fn shape(list: &Quicklist) -> Vec<usize> {
    (0..list.nodes_len()).map(|place| list.node(place).len()).collect()
}

/// Checks what has to be so whatever happened before.
fn check_invariants(list: &Quicklist) {
    list.inner.check();
    assert_eq!(list.head.is_empty(), list.len == 0);
    assert!(!list.tail.is_empty() || list.inner.nodes() == 0);
    assert_eq!(list.len, list.head.len() + list.inner.elements() + list.tail.len());
    let nodes = list.nodes_len();
    for place in 0..nodes {
        let distance = place.min(nodes - 1 - place);
        match list.node(place) {
            Node::Compressed(_) => assert!(list.compress_depth > 0 && distance >= list.compress_depth),
            Node::Packed(listpack) if list.compress_depth > 0 && distance >= list.compress_depth => {
                let mut copy = Node::Packed(listpack.clone());
                copy.compress();
                assert!(matches!(copy, Node::Packed(_)), "it would have been worth compressing");
            }
            _ => {}
        }
    }
}

/// Checks everything one can see of a list against the strings it should have.
fn check(list: &List, model: &[Vec<u8>]) {
    assert_eq!((list.len(), list.is_empty()), (model.len(), model.is_empty()));
    assert_eq!(texts(list), model);
    let mut walk = list.walk(model.len().wrapping_sub(1), true);
    for (index, text) in model.iter().enumerate().rev() {
        assert_eq!(walk.index(), index);
        assert_eq!(walk.next().map(|element| element.as_string().to_vec()).as_ref(), Some(text));
    }
    assert!(walk.next().is_none());
    let end = |end| list.end(end).map(|element| element.as_string().to_vec());
    assert_eq!((end(End::Head).as_ref(), end(End::Tail).as_ref()), (model.first(), model.last()));
    let mut scratch = Vec::new();
    for index in (0..=model.len()).step_by(model.len() / 7 + 1) {
        let element = list.get(index, &mut scratch).map(|element| element.as_string().to_vec());
        assert_eq!(element.as_ref(), model.get(index));
        assert_eq!(list.walk(index, false).next().map(|element| element.as_string().to_vec()), element);
    }
    if let Some(quicklist) = list.as_quicklist() {
        check_invariants(quicklist);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<Vec<u8>>),
    Pop(End, usize),
    Insert(usize, bool, Vec<u8>),
    Replace(usize, Vec<u8>),
    RemoveRange(usize, usize),
    Trim(usize, usize),
    RemoveEqual(Vec<u8>, usize, bool),
    Clone,
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => prop::collection::vec(b'a'..=b'c', 0..2),
        3 => any::<i16>().prop_map(|number| number.to_string().into_bytes()),
        4 => (100usize..900).prop_map(|len| vec![b'x'; len]),
        1 => (4000usize..9000).prop_map(|len| (0..len).map(|at| (at * at) as u8).collect()),
        1 => (b'a'..=b'c').prop_map(|byte| vec![byte; 70_000]),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let end = || prop_oneof![Just(End::Head), Just(End::Tail)];
    let index = || any::<u16>().prop_map(usize::from);
    prop_oneof![
        4 => (end(), prop::collection::vec(value(), 0..12)).prop_map(|(end, values)| Step::Push(end, values)),
        3 => (end(), 0usize..12).prop_map(|(end, count)| Step::Pop(end, count)),
        4 => (index(), any::<bool>(), value()).prop_map(|(at, after, value)| Step::Insert(at, after, value)),
        4 => (index(), value()).prop_map(|(at, value)| Step::Replace(at, value)),
        2 => (index(), 0usize..12).prop_map(|(at, count)| Step::RemoveRange(at, count)),
        1 => (0usize..6, 0usize..6).prop_map(|(front, back)| Step::Trim(front, back)),
        2 => (value(), 0usize..4, any::<bool>()).prop_map(|(value, count, back)| Step::RemoveEqual(value, count, back)),
        1 => Just(Step::Clone),
    ]
}

/// Adds or removes as a command does it.
fn apply(list: &mut List, model: &mut Vec<Vec<u8>>, step: Step, limits: ListLimits) {
    let bytes_of = |values: &[Vec<u8>]| values.iter().map(Vec::len).sum();
    match step {
        Step::Push(end, values) => {
            list.grow_for(bytes_of(&values), values.len(), limits);
            for value in values {
                list.push(end, Element::from(&value[..]));
                match end {
                    End::Head => model.insert(0, value),
                    End::Tail => model.push(value),
                }
            }
        }
        Step::Pop(end, count) => {
            for _ in 0..count {
                let expected = if model.is_empty() {
                    None
                } else if end == End::Head {
                    Some(model.remove(0))
                } else {
                    model.pop()
                };
                assert_eq!(list.pop(end), expected.is_some());
            }
            list.shrink(limits);
        }
        Step::Insert(at, is_after, value) if !model.is_empty() => {
            let index = at % model.len();
            list.grow_for(value.len(), 1, limits);
            let shared = Bytes::from(value.clone());
            list.insert_beside(index, is_after, Large(&shared));
            model.insert(index + usize::from(is_after), value);
        }
        Step::Replace(at, value) if !model.is_empty() => {
            let index = at % model.len();
            list.grow_for(value.len(), 1, limits);
            list.replace(index, Element::from(&value[..]));
            list.shrink(limits);
            model[index] = value;
        }
        Step::RemoveRange(at, count) => {
            let index = at % (model.len() + 1);
            list.remove_range(index, count);
            list.shrink(limits);
            model.drain(index..model.len().min(index + count));
        }
        Step::Trim(front, back) => {
            let back = back.min(model.len());
            list.remove_range(0, front);
            list.remove_range((model.len() - back).saturating_sub(front), back);
            list.shrink(limits);
            model.truncate(model.len() - back);
            model.drain(..front.min(model.len()));
        }
        Step::RemoveEqual(value, count, from_back) => {
            let mut left = count;
            let mut keep = |text: &Vec<u8>| {
                let removes = left > 0 && *text == value;
                left -= usize::from(removes);
                !removes
            };
            if from_back {
                model.reverse();
                model.retain(&mut keep);
                model.reverse();
            } else {
                model.retain(&mut keep);
            }
            assert_eq!(list.remove_equal(Element::from(&value[..]), count, from_back), count - left);
            list.shrink(limits);
        }
        Step::Insert(..) | Step::Replace(..) | Step::Clone => {}
    }
}

fn any_limits() -> impl Strategy<Value = ListLimits> {
    let fill = prop::sample::select(vec![-1, -2, 1, 2, 5, 128]);
    let threshold = prop::sample::select(vec![5, 500, 1 << 30, 1 << 30]);
    (fill, 0u32..4, threshold).prop_map(|(fill, compress_depth, packed_threshold_bytes)| ListLimits {
        fill,
        compress_depth,
        packed_threshold_bytes,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn edits_do_what_they_do_to_a_vector(
        limits in any_limits(),
        steps in prop::collection::vec(step(), 1..50),
    ) {
        let (mut list, mut model) = (List::new(), Vec::new());
        let mut frozen: Vec<(List, Vec<Vec<u8>>)> = Vec::new();
        for step in steps {
            if matches!(step, Step::Clone) && frozen.len() < 3 {
                frozen.push((list.clone(), model.clone()));
            }
            apply(&mut list, &mut model, step, limits);
            check(&list, &model);
        }
        for (list, model) in &mut frozen {
            check(list, model);
            apply(list, model, Step::Push(End::Head, vec![b"new".to_vec()]), limits);
            apply(list, model, Step::Replace(1, b"other".to_vec()), limits);
            check(list, model);
        }
        check(&list, &model);
    }

    #[test]
    fn what_is_found_is_where_it_is(
        limits in any_limits(),
        model in prop::collection::vec(value(), 0..60),
        from in 0usize..60,
    ) {
        let mut list = List::new();
        apply(&mut list, &mut Vec::new(), Step::Push(End::Tail, model.clone()), limits);
        for needle in model.iter().take(10) {
            let mut walk = list.walk(from, false);
            for (index, _) in model.iter().enumerate().skip(from).filter(|(_, text)| *text == needle) {
                prop_assert_eq!(walk.find(StringRef::Bytes(needle)), Some(index));
            }
            prop_assert_eq!(walk.find(StringRef::Bytes(needle)), None);
            let last = model.iter().take(from + 1).rposition(|text| text == needle);
            if from < model.len() {
                prop_assert_eq!(list.walk(from, true).find(StringRef::Bytes(needle)), last);
            }
        }
    }
}

/// A directory of many blocks: two elements to a node.
#[test]
fn long_lists_keep_count() {
    let by_two = limits(2, 0);
    let mut list = Quicklist::new(by_two);
    for number in 0..5000 {
        list.push(End::Tail, Small(StringRef::Int(number)));
        list.push(End::Head, Small(StringRef::Int(-1 - number)));
    }
    check_invariants(&list);
    let mut scratch = Vec::new();
    let mut number_at = |list: &Quicklist, index: usize| match list.get(index, &mut scratch) {
        Some(Small(StringRef::Int(number))) => number,
        other => panic!("{other:?} is no number"),
    };
    for index in 0..10_000 {
        assert_eq!(number_at(&list, index), index as i64 - 5000);
    }
    let frozen = list.clone();
    for index in (0..10_000).rev().step_by(3) {
        list.insert_beside(index, true, small("x"));
    }
    check_invariants(&list);
    assert_eq!(list.remove_equal(small("x"), usize::MAX, true), 3334);
    check_invariants(&list);
    let mut removed = list.remove_range(100, 9000);
    assert!(removed.nodes_len() > 3000);
    check_invariants(&list);
    assert_eq!((list.len(), number_at(&list, 99), number_at(&list, 100)), (1000, -4901, 4100));
    assert!(removed.free(removed.nodes_len() - 1));
    assert!(!removed.free(2));
    for index in 0..10_000 {
        assert_eq!(number_at(&frozen, index), index as i64 - 5000);
    }
    assert_eq!(frozen.into_remains().nodes_len(), 5001);
    while list.pop(End::Tail) {}
    assert_eq!((list.len(), list.nodes_len()), (0, 0));
    check_invariants(&list);
}

#[test]
fn a_clone_shares_nodes_until_they_change() {
    let mut list = Quicklist::new(limits(2, 0));
    for number in 0..1000 {
        list.push(End::Tail, Small(StringRef::Int(number)));
    }
    let address = |list: &Quicklist, place: usize| std::ptr::from_ref(list.node(place));
    let frozen = list.clone();
    assert!((1..499).all(|place| address(&list, place) == address(&frozen, place)));
    list.replace(500, small("x"));
    let shared = (1..499).filter(|&place| address(&list, place) == address(&frozen, place));
    assert_eq!(shared.count(), 497);
}

#[test]
fn encodings_change_when_those_of_redis_do() {
    let by_size = limits(-1, 0);
    let mut list = List::new();
    let push = |list: &mut List, text: &str| {
        list.grow_for(text.len(), 1, by_size);
        list.push(End::Tail, small(text));
        list.shrink(by_size);
    };
    // Every element takes 10 bytes, header and end take 7: the 4097th byte would be in the 409th.
    while list.len() < 408 {
        push(&mut list, "8 bytes.");
        assert_eq!(list.encoding(), ListEncoding::Listpack);
    }
    // What is estimated are 8 bytes more than there were: 4095.
    push(&mut list, "8 bytes.");
    assert_eq!((list.encoding(), list.len()), (ListEncoding::Listpack, 409));
    push(&mut list, "x");
    assert_eq!(list.encoding(), ListEncoding::Quicklist);
    assert_eq!(list.as_quicklist().map(shape), Some(vec![409, 1]));
    // One node is left, but it has to shrink to 2048 bytes.
    assert!(list.pop(End::Tail));
    list.shrink(by_size);
    while list.len() > 205 {
        list.pop(End::Tail);
        list.shrink(by_size);
        assert_eq!(list.encoding(), ListEncoding::Quicklist);
    }
    list.pop(End::Head);
    list.shrink(by_size);
    assert_eq!((list.encoding(), list.len()), (ListEncoding::Listpack, 204));
}

#[test]
fn limits_may_be_numbers_of_elements() {
    let by_len = limits(4, 0);
    let mut list = List::new();
    for text in ["a", "b", "c", "d"] {
        list.grow_for(1, 1, by_len);
        list.push(End::Tail, small(text));
    }
    assert_eq!(list.encoding(), ListEncoding::Listpack);
    list.grow_for(1, 1, by_len);
    assert_eq!(list.encoding(), ListEncoding::Quicklist);
    list.shrink(by_len);
    assert_eq!(list.encoding(), ListEncoding::Quicklist);
    list.remove_range(0, 2);
    list.shrink(by_len);
    assert_eq!(list.encoding(), ListEncoding::Listpack);
    // Whatever its size in bytes, two elements are half of four.
    list.grow_for(100_000, 1, by_len);
    list.push(End::Head, small(&"x".repeat(100_000)));
    assert_eq!(list.as_quicklist().map(shape), Some(vec![1, 2]));
    list.remove_range(1, 1);
    list.shrink(by_len);
    assert_eq!(list.encoding(), ListEncoding::Quicklist);
    list.remove_range(1, 1);
    list.shrink(by_len);
    assert_eq!((list.encoding(), list.len()), (ListEncoding::Listpack, 1));
}

#[test]
fn one_large_value_comes_and_goes() {
    let mut list = List::new();
    list.grow_for(3, 3, ListLimits::default());
    list.extend([StringRef::Int(1), StringRef::Int(2), StringRef::Int(3)]);
    let large = "x".repeat(9000);
    list.grow_for(large.len(), 1, ListLimits::default());
    list.replace(1, small(&large));
    list.shrink(ListLimits::default());
    assert_eq!((list.encoding(), list.len()), (ListEncoding::Quicklist, 3));
    list.grow_for(1, 1, ListLimits::default());
    list.replace(1, small("2"));
    list.shrink(ListLimits::default());
    assert_eq!(
        (list.encoding(), texts(&list)),
        (ListEncoding::Listpack, vec![b"1".into(), b"2".into(), b"3".into()])
    );
}

/// Nodes of up to four elements, as Redis would have them.
fn by_four(len: usize) -> Quicklist {
    let mut list = Quicklist::new(limits(4, 0));
    for number in 0..len {
        list.push(End::Tail, Small(StringRef::Int(number as i64)));
    }
    list
}

#[test]
fn insertions_spread_elements_as_redis_does() {
    let inserted = |index, is_after| {
        let mut list = by_four(12);
        list.insert_beside(index, is_after, small("x"));
        check_invariants(&list);
        shape(&list)
    };
    assert_eq!(shape(&by_four(12)), [4, 4, 4]);
    // At the edge of a full node whose neighbour is full as well, there is a new node.
    assert_eq!(inserted(0, false), [1, 4, 4, 4]);
    assert_eq!(inserted(3, true), [4, 1, 4, 4]);
    assert_eq!(inserted(4, false), [4, 1, 4, 4]);
    assert_eq!(inserted(11, true), [4, 4, 4, 1]);
    // Within a full node, it is split; what was split off and the neighbours don't fit together.
    assert_eq!(inserted(4, true), [4, 1, 4, 4]);
    assert_eq!(inserted(5, true), [4, 2, 3, 4]);
    assert_eq!(inserted(5, false), [4, 2, 3, 4]);
    assert_eq!(inserted(6, true), [4, 3, 2, 4]);
    // A neighbour with room takes what comes to lie at its edge.
    let mut list = by_four(6);
    list.insert_beside(3, true, small("x"));
    assert_eq!(shape(&list), [4, 3]);
    // After splitting, small neighbours become one.
    list.insert_beside(1, true, small("y"));
    assert_eq!(shape(&list), [2, 3, 3]);
    assert_eq!(list.remove_equal(small("3"), 1, false), 1);
    assert_eq!(list.remove_equal(small("2"), 1, false), 1);
    assert_eq!(shape(&list), [2, 1, 3]);
    assert_eq!(list.remove_range(4, 1).nodes_len(), 0);
    list.replace(2, small("z"));
    assert_eq!(shape(&list), [2, 1, 2]);
}

#[test]
fn a_long_element_has_a_node_of_its_own_and_shares_its_bytes() {
    let mut list = by_four(4);
    let bytes = Bytes::from(vec![b'x'; 20_000]);
    list.insert_beside(1, true, Large(&bytes));
    assert_eq!(shape(&list), [2, 1, 2]);
    let mut scratch = Vec::new();
    let Some(Large(found)) = list.get(2, &mut scratch) else { panic!("it is there, as it came") };
    assert_eq!(found.as_ptr(), bytes.as_ptr());
    list.push(End::Head, Large(&bytes));
    list.push(End::Head, small("a"));
    assert_eq!(shape(&list), [1, 1, 2, 1, 2]);
    assert!(list.pop(End::Head));
    assert!(matches!(list.end(End::Head), Some(Large(_))));
    assert!(list.pop(End::Head));
    list.replace(2, small("b"));
    assert_eq!(shape(&list), [2, 1, 2]);
    list.replace(1, Large(&Bytes::from(vec![b'y'; 100_000])));
    // What came after is put together.
    assert_eq!(shape(&list), [1, 1, 3]);
    check_invariants(&list);
}

#[test]
fn inner_nodes_are_compressed() {
    let with_depth = limits(10, 1);
    let mut list = Quicklist::new(with_depth);
    for _ in 0..100 {
        list.push(End::Tail, small("the same thing again"));
    }
    let compressed = |list: &Quicklist| -> Vec<bool> {
        list.nodes_from(0).map(|node| matches!(node, NodeRef::Compressed { .. })).collect()
    };
    let all_but_ends = |len: usize| (0..len).map(|place| place > 0 && place + 1 < len).collect::<Vec<_>>();
    assert_eq!(compressed(&list), all_but_ends(10));
    let memory_bytes = list.memory_bytes();
    assert!(memory_bytes < 2500, "{memory_bytes}");
    for node in list.nodes_from(0) {
        if let NodeRef::Compressed { bytes, bytes_len } = node {
            let listpack = lzf::decompress(bytes, bytes_len, 1000).expect("it was compressed");
            assert_eq!(Listpack::from_bytes(listpack).map(|listpack| listpack.len()), Ok(10));
        }
    }
    list.replace(55, small("another thing"));
    list.insert_beside(35, false, small("something new"));
    assert_eq!(list.remove_equal(small("another thing"), 1, true), 1);
    for end in [End::Head, End::Tail].repeat(15) {
        assert!(list.pop(end));
        check_invariants(&list);
    }
    assert_eq!(list.len(), 70);
}

#[test]
fn nodes_from_a_dump_stay_as_they_are() {
    let mut list = Quicklist::new(ListLimits::default());
    list.push_listpack(Listpack::new());
    assert!(list.is_empty());
    list.push_listpack((0..3).map(StringRef::Int).collect());
    list.push_plain(Bytes::from_static(b"short"));
    list.push_listpack((3..9000).map(StringRef::Int).collect());
    list.push_listpack((0..1).map(StringRef::Int).collect());
    assert_eq!(shape(&list), [3, 1, 8997, 1]);
    assert!(matches!(list.nodes_from(1).next(), Some(NodeRef::Plain(bytes)) if bytes == "short"));
    assert_eq!((list.nodes_from(3).count(), list.nodes_from(9).count()), (1, 0));
    check_invariants(&list);
    let list = List::from_quicklist(list, ListLimits::default());
    assert_eq!(list.encoding(), ListEncoding::Quicklist);
    let mut single = Quicklist::new(ListLimits::default());
    single.push_listpack((0..2000).map(StringRef::Int).collect());
    let single = List::from_quicklist(single, ListLimits::default());
    assert_eq!((single.encoding(), single.len()), (ListEncoding::Listpack, 2000));
    let grown = List::from_listpack((0..9000).map(StringRef::Int).collect(), ListLimits::default());
    assert_eq!((grown.encoding(), grown.len()), (ListEncoding::Quicklist, 9000));
}

#[test]
fn a_million_short_elements_take_little_more_than_their_bytes() {
    for end in [End::Head, End::Tail] {
        let mut list = Quicklist::new(ListLimits::default());
        for _ in 0..1_000_000 {
            list.push(end, small("10 bytes.."));
        }
        // Ten bytes, one before and one behind.
        let bytes_each = list.memory_bytes() as f64 / 1e6;
        assert!((12.0..12.5).contains(&bytes_each), "{bytes_each}");
    }
    assert!(size_of::<List>() <= 32);
}
