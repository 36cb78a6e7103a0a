//! Replies: their bytes in both protocols, and the chunks they are kept in.

use bytes::Bytes;
use proptest::prelude::*;
use rotom_core::resp::{CHUNK_LEN_BYTES, ChunkPool, Protocol, Reply, SHARED_BULK_LEN_BYTES_MIN};
use std::io::IoSlice;

/// Sends everything, at most `len` bytes and `slices` slices at a time.
fn send(reply: &mut Reply, pool: &mut ChunkPool, len: usize, slices: usize, out: &mut Vec<u8>) {
    while !reply.is_empty() {
        send_once(reply, pool, len, slices, out);
    }
}

fn send_once(reply: &mut Reply, pool: &mut ChunkPool, len: usize, slices: usize, out: &mut Vec<u8>) {
    let mut lent = vec![IoSlice::new(&[]); slices];
    let count = reply.slices(&mut lent);
    let mut sent = 0;
    for slice in &lent[..count] {
        assert!(!slice.is_empty());
        let part = slice.len().min(len - sent);
        out.extend_from_slice(&slice[..part]);
        sent += part;
    }
    assert_eq!(sent, lent[..count].iter().map(|slice| slice.len()).sum::<usize>().min(len));
    let before = reply.len();
    reply.advance(sent, pool);
    assert_eq!(reply.len(), before - sent);
}

fn bytes_of(protocol: Protocol, write: impl FnOnce(&mut Reply)) -> Vec<u8> {
    let mut reply = Reply::new();
    reply.set_protocol(protocol);
    write(&mut reply);
    let mut out = Vec::new();
    send(&mut reply, &mut ChunkPool::new(), usize::MAX, 8, &mut out);
    out
}

fn check(write: impl Fn(&mut Reply), resp2: &str, resp3: &str) {
    for (protocol, expected) in [(Protocol::Resp2, resp2), (Protocol::Resp3, resp3)] {
        let bytes = bytes_of(protocol, &write);
        assert_eq!(bytes.escape_ascii().to_string(), expected.as_bytes().escape_ascii().to_string());
    }
}

#[test]
fn every_kind_of_reply_in_both_protocols() {
    let same = |write: fn(&mut Reply), expected: &str| check(write, expected, expected);
    same(Reply::ok, "+OK\r\n");
    same(|reply| reply.simple("QUEUED"), "+QUEUED\r\n");
    same(|reply| reply.error(b"ERR syntax error"), "-ERR syntax error\r\n");
    same(|reply| reply.error(b"\r\nERR a\r\nb\nc\r\n"), "-ERR a  b c\r\n");
    same(|reply| reply.error(b"\r\n"), "-\r\n");
    same(|reply| reply.integer(0), ":0\r\n");
    same(|reply| reply.integer(-1), ":-1\r\n");
    same(|reply| reply.integer(i64::MIN), ":-9223372036854775808\r\n");
    same(|reply| reply.integer(10), ":10\r\n");
    same(|reply| reply.bulk(b""), "$0\r\n\r\n");
    same(|reply| reply.bulk(b"a\r\nb"), "$4\r\na\r\nb\r\n");
    same(|reply| reply.bulk_int(-17), "$3\r\n-17\r\n");
    same(|reply| reply.bulk_shared(Bytes::from_static(b"small")), "$5\r\nsmall\r\n");
    same(|reply| reply.array(0), "*0\r\n");
    same(|reply| reply.array(1234), "*1234\r\n");
    same(|reply| reply.raw(b"+PONG\r\n"), "+PONG\r\n");
    check(Reply::null, "$-1\r\n", "_\r\n");
    check(Reply::null_array, "*-1\r\n", "_\r\n");
    check(|reply| reply.map(12), "*24\r\n", "%12\r\n");
    check(|reply| reply.set(3), "*3\r\n", "~3\r\n");
    check(|reply| reply.push(3), "*3\r\n", ">3\r\n");
    check(|reply| reply.double(0.1), "$3\r\n0.1\r\n", ",0.1\r\n");
    check(|reply| reply.double(f64::NEG_INFINITY), "$4\r\n-inf\r\n", ",-inf\r\n");
    check(|reply| reply.boolean(true), ":1\r\n", "#t\r\n");
    check(|reply| reply.boolean(false), ":0\r\n", "#f\r\n");
    check(
        |reply| reply.big_number(b"123456789012345678901"),
        "$21\r\n123456789012345678901\r\n",
        "(123456789012345678901\r\n",
    );
    check(|reply| reply.verbatim(b"txt", b"some"), "$4\r\nsome\r\n", "=8\r\ntxt:some\r\n");
    assert_eq!(bytes_of(Protocol::Resp3, |reply| reply.attribute(1)), b"|1\r\n");
}

#[test]
fn lengths_can_be_set_later() {
    let write = |reply: &mut Reply| {
        reply.ok();
        let outer = reply.deferred_map();
        reply.bulk(b"k");
        let inner = reply.deferred_array();
        for value in 0..12 {
            reply.integer(value);
        }
        reply.set_deferred_array(inner, 12);
        reply.bulk(b"s");
        let empty = reply.deferred_set();
        reply.set_deferred_set(empty, 0);
        reply.set_deferred_map(outer, 2);
        reply.ok();
    };
    let integers: String = (0..12).map(|value| format!(":{value}\r\n")).collect();
    let with = |map: &str, set: &str| {
        format!("+OK\r\n{map}\r\n$1\r\nk\r\n*12\r\n{integers}$1\r\ns\r\n{set}\r\n+OK\r\n")
    };
    check(write, &with("*4", "*0"), &with("%2", "~0"));
}

#[test]
fn a_suppressed_reply_leaves_nothing() {
    let mut reply = Reply::new();
    reply.set_suppressed(true);
    reply.ok();
    reply.error(b"ERR no");
    reply.integer(123);
    reply.bulk(b"bulk");
    reply.bulk_shared(Bytes::from(vec![0; SHARED_BULK_LEN_BYTES_MIN]));
    reply.verbatim(b"txt", b"text");
    reply.double(1.5);
    let at = reply.deferred_array();
    reply.null();
    reply.set_deferred_array(at, 1);
    reply.map(2);
    assert!(reply.is_empty());
    assert_eq!(reply.allocated_bytes(), 0);
    reply.set_suppressed(false);
    reply.ok();
    assert_eq!(reply.len(), 5);
}

#[test]
fn chunks_go_round() {
    let mut pool = ChunkPool::new();
    let mut reply = Reply::new();
    assert_eq!(reply.allocated_bytes(), 0);
    reply.ensure_chunk(&mut pool);
    for _ in 0..3000 {
        reply.bulk(b"0123456789");
    }
    assert_eq!(reply.len(), 3000 * 17);
    assert_eq!(reply.allocated_bytes(), 4 * CHUNK_LEN_BYTES);
    let mut out = Vec::new();
    send_once(&mut reply, &mut pool, CHUNK_LEN_BYTES + 1, 64, &mut out);
    assert_eq!(reply.allocated_bytes(), 3 * CHUNK_LEN_BYTES);
    assert_eq!(pool.allocated_bytes(), CHUNK_LEN_BYTES);
    send(&mut reply, &mut pool, usize::MAX, 64, &mut out);
    assert_eq!(out, b"$10\r\n0123456789\r\n".repeat(3000));
    assert_eq!((reply.allocated_bytes(), reply.len()), (0, 0));
    assert_eq!(pool.allocated_bytes(), 4 * CHUNK_LEN_BYTES);
    reply.ensure_chunk(&mut pool);
    assert_eq!(pool.allocated_bytes(), 3 * CHUNK_LEN_BYTES);
    reply.ok();
    reply.clear(&mut pool);
    assert_eq!((reply.allocated_bytes(), reply.is_empty()), (0, true));
    assert_eq!(pool.allocated_bytes(), 4 * CHUNK_LEN_BYTES);
}

#[test]
fn the_pool_is_bounded() {
    let mut pool = ChunkPool::new();
    for _ in 0..1000 {
        pool.give_back(Vec::with_capacity(CHUNK_LEN_BYTES));
    }
    assert_eq!(pool.allocated_bytes(), 256 * CHUNK_LEN_BYTES);
    pool = ChunkPool::new();
    pool.give_back(Vec::with_capacity(100));
    pool.give_back(Vec::new());
    assert_eq!(pool.allocated_bytes(), 0);
}

#[test]
fn a_large_value_is_shared() {
    let value = Bytes::from(vec![b'v'; 100_000]);
    let mut reply = Reply::new();
    reply.bulk_shared(value.clone());
    reply.bulk_shared(value.clone());
    assert_eq!(reply.allocated_bytes(), 200_000 + CHUNK_LEN_BYTES);
    let mut slices = [IoSlice::new(&[]); 8];
    let count = reply.slices(&mut slices);
    assert_eq!(count, 5);
    assert_eq!((slices[1].as_ptr(), slices[3].as_ptr()), (value.as_ptr(), value.as_ptr()));
    assert_eq!(&*slices[2], b"\r\n$100000\r\n");
}

#[test]
fn lent_bytes_stay_where_they_are() {
    let mut reply = Reply::new();
    let mut lent: Vec<(*const u8, Vec<u8>)> = Vec::new();
    for round in 0..200 {
        let at = reply.deferred_array();
        for _ in 0..round {
            reply.bulk(b"some value");
        }
        if round % 7 == 0 {
            reply.bulk_shared(Bytes::from(vec![b'v'; 20_000]));
        }
        reply.set_deferred_array(at, round);
        let mut slices = vec![IoSlice::new(&[]); 1000];
        let count = reply.slices(&mut slices);
        for (slice, (start, content)) in slices[..count].iter().zip(&lent) {
            assert_eq!(slice.as_ptr(), *start, "round {round}");
            assert!(slice.starts_with(content));
        }
        lent = slices[..count].iter().map(|slice| (slice.as_ptr(), slice.to_vec())).collect();
    }
}

/// A reply and what it is made of.
#[derive(Clone, Debug)]
enum Node {
    Ok,
    Null,
    Integer(i64),
    Bulk(Vec<u8>),
    Shared(Vec<u8>),
    Double(f64),
    Boolean(bool),
    Array(Vec<Node>),
    LateArray(Vec<Node>),
    LateMap(Vec<(Node, Node)>),
    LateSet(Vec<Node>),
}

impl Node {
    fn write(&self, reply: &mut Reply) {
        match self {
            Node::Ok => reply.ok(),
            Node::Null => reply.null(),
            Node::Integer(value) => reply.integer(*value),
            Node::Bulk(bytes) => reply.bulk(bytes),
            Node::Shared(bytes) => reply.bulk_shared(Bytes::from(bytes.clone())),
            Node::Double(value) => reply.double(*value),
            Node::Boolean(value) => reply.boolean(*value),
            Node::Array(nodes) => {
                reply.array(nodes.len());
                nodes.iter().for_each(|node| node.write(reply));
            }
            Node::LateArray(nodes) => {
                let at = reply.deferred_array();
                nodes.iter().for_each(|node| node.write(reply));
                reply.set_deferred_array(at, nodes.len());
            }
            Node::LateMap(pairs) => {
                let at = reply.deferred_map();
                for (key, value) in pairs {
                    key.write(reply);
                    value.write(reply);
                }
                reply.set_deferred_map(at, pairs.len());
            }
            Node::LateSet(nodes) => {
                let at = reply.deferred_set();
                nodes.iter().for_each(|node| node.write(reply));
                reply.set_deferred_set(at, nodes.len());
            }
        }
    }

    /// Reads one reply from the front of `input`, expecting it to be this one.
    fn read(&self, protocol: Protocol, input: &mut &[u8]) -> Result<(), String> {
        let is_resp3 = protocol == Protocol::Resp3;
        let line = take_line(input)?;
        let number = || line[1..].parse::<i64>().map_err(|error| format!("{line}: {error}"));
        let expect = |is_right: bool| if is_right { Ok(()) } else { Err(format!("{line} for {self:?}")) };
        match self {
            Node::Ok => expect(line == "+OK"),
            Node::Null => expect(line == if is_resp3 { "_" } else { "$-1" }),
            Node::Integer(value) => expect(line.starts_with(':') && number()? == *value),
            Node::Bulk(bytes) | Node::Shared(bytes) => {
                expect(line.starts_with('$') && number()? == bytes.len() as i64)?;
                let (payload, rest) = input.split_at_checked(bytes.len() + 2).ok_or("too short")?;
                *input = rest;
                expect(payload.strip_suffix(b"\r\n") == Some(bytes))
            }
            Node::Double(value) => {
                let text = if is_resp3 {
                    line.strip_prefix(',').ok_or("a comma")?.to_string()
                } else {
                    let text = take_line(input)?;
                    expect(line == format!("${}", text.len()))?;
                    text
                };
                expect(text.parse() == Ok(*value))
            }
            Node::Boolean(value) => expect(match (is_resp3, value) {
                (true, true) => line == "#t",
                (true, false) => line == "#f",
                (false, _) => line == format!(":{}", u8::from(*value)),
            }),
            Node::Array(nodes) | Node::LateArray(nodes) => {
                expect(line == format!("*{}", nodes.len()))?;
                nodes.iter().try_for_each(|node| node.read(protocol, input))
            }
            Node::LateSet(nodes) => {
                expect(line == format!("{}{}", if is_resp3 { '~' } else { '*' }, nodes.len()))?;
                nodes.iter().try_for_each(|node| node.read(protocol, input))
            }
            Node::LateMap(pairs) => {
                expect(
                    line == if is_resp3 {
                        format!("%{}", pairs.len())
                    } else {
                        format!("*{}", 2 * pairs.len())
                    },
                )?;
                pairs.iter().try_for_each(|(key, value)| {
                    key.read(protocol, input).and_then(|()| value.read(protocol, input))
                })
            }
        }
    }
}

fn take_line(input: &mut &[u8]) -> Result<String, String> {
    let len = input.windows(2).position(|end| end == b"\r\n").ok_or("no line")?;
    let line = String::from_utf8(input[..len].to_vec()).map_err(|error| error.to_string())?;
    *input = &input[len + 2..];
    Ok(line)
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        1 => Just(Node::Ok),
        1 => Just(Node::Null),
        2 => any::<i64>().prop_map(Node::Integer),
        2 => (-20i64..20).prop_map(Node::Integer),
        1 => any::<f64>().prop_filter("equal to itself", |value| !value.is_nan()).prop_map(Node::Double),
        1 => any::<bool>().prop_map(Node::Boolean),
        4 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(Node::Bulk),
        2 => (16_300usize..16_400, any::<u8>()).prop_map(|(len, byte)| Node::Bulk(vec![byte; len])),
        1 => (1_000usize..50_000, any::<u8>()).prop_map(|(len, byte)| Node::Bulk(vec![byte; len])),
        2 => (16_300usize..40_000, any::<u8>()).prop_map(|(len, byte)| Node::Shared(vec![byte; len])),
    ];
    leaf.prop_recursive(4, 40, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Node::Array),
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Node::LateArray),
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Node::LateSet),
            proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(Node::LateMap),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn what_is_sent_is_what_was_written(
        nodes in proptest::collection::vec((node(), 0usize..70_000, 1usize..10, any::<bool>()), 1..12),
        is_resp3: bool,
    ) {
        let protocol = if is_resp3 { Protocol::Resp3 } else { Protocol::Resp2 };
        let mut pool = ChunkPool::new();
        let mut reply = Reply::new();
        reply.set_protocol(protocol);
        let (mut sent, mut written) = (Vec::new(), 0);
        for (node, part, slices, is_chunk_ensured) in &nodes {
            if *is_chunk_ensured {
                reply.ensure_chunk(&mut pool);
            }
            let before = reply.len();
            node.write(&mut reply);
            written += reply.len() - before;
            prop_assert!(reply.allocated_bytes() >= reply.len());
            send_once(&mut reply, &mut pool, *part, *slices, &mut sent);
            prop_assert!(sent.len() + reply.len() == written);
        }
        send(&mut reply, &mut pool, 10_007, 3, &mut sent);
        prop_assert_eq!(reply.allocated_bytes(), 0);
        let mut input = &sent[..];
        for (node, ..) in &nodes {
            prop_assert_eq!(node.read(protocol, &mut input), Ok(()));
        }
        prop_assert!(input.is_empty());
    }
}
