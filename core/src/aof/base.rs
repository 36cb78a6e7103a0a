//! The data as plain commands: the base of a log where `aof-use-rdb-preamble` is `no`.

use crate::keyspace::{EntryRef, UnixMillis};
use crate::number::format_f64;
use crate::resp::{append_array_header, append_bulk, append_bulk_header, append_command};
use crate::snapshot::{Format, Head, Kind};
use crate::value::listpack::ListpackView;
use crate::value::quicklist::NodeRef;
use crate::value::{Collection, StringRef, ValueRef, lzf};

/// Most elements that one command adds.
const ELEMENTS_PER_COMMAND: usize = 64;

/// Keys as the commands that make them.
#[derive(Debug)]
pub struct Commands;

impl Format for Commands {
    fn select(out: &mut Vec<u8>, database: usize, _: Option<(usize, usize)>) {
        let number = database.to_string();
        append_command(out, [b"SELECT".as_slice(), number.as_bytes()].into_iter());
    }

    fn entry(out: &mut Vec<u8>, entry: EntryRef<'_>, _: bool) {
        let key = entry.key();
        match entry.value() {
            ValueRef::String(value) => {
                value.with_bytes(|value| append_command(out, [b"SET", key, value].into_iter()));
            }
            ValueRef::Collection(Collection::List(list)) => {
                let mut adder = Adder::new(out, b"RPUSH", key, 1);
                let mut walk = list.walk(0, false);
                while let Some(element) = walk.next() {
                    adder.add(element.as_string());
                }
                adder.end();
            }
            ValueRef::Collection(Collection::Set(set)) => {
                let mut adder = Adder::new(out, b"SADD", key, 1);
                set.iter().for_each(|member| adder.add(member));
                adder.end();
            }
            ValueRef::Collection(Collection::SortedSet(set)) => {
                let mut adder = Adder::new(out, b"ZADD", key, 2);
                for (member, score) in set.iter(0..set.len()) {
                    adder.add(StringRef::Bytes(&format_f64(score)));
                    adder.add(member);
                }
                adder.end();
            }
            ValueRef::Collection(Collection::Hash(hash)) => {
                let mut adder = Adder::new(out, b"HMSET", key, 2);
                for (field, value) in hash.iter() {
                    adder.add(field);
                    adder.add(value);
                }
                adder.end();
            }
        }
        expire(out, key, entry.expiry());
    }

    fn head(out: &mut Vec<u8>, head: &Head) {
        if head.kind == Kind::String {
            open_command(out, &[b"SET", &head.key], head.len);
        }
    }

    fn tail(out: &mut Vec<u8>, head: &Head) {
        if head.kind == Kind::String {
            out.extend_from_slice(b"\r\n");
        }
        expire(out, &head.key, head.expiry);
    }

    fn node(out: &mut Vec<u8>, key: &[u8], node: NodeRef<'_>, _: bool) {
        let mut adder = Adder::new(out, b"RPUSH", key, 1);
        let unpacked;
        let packed = match node {
            NodeRef::Plain(bytes) => {
                adder.add(StringRef::Bytes(bytes));
                return adder.end();
            }
            NodeRef::Packed(packed) => packed,
            NodeRef::Compressed { bytes, bytes_len } => {
                unpacked = lzf::decompress(bytes, bytes_len, bytes_len).expect("it was compressed");
                &unpacked
            }
        };
        let packed = ListpackView::validate(packed).expect("nodes are listpacks");
        packed.iter().for_each(|element| adder.add(element));
        adder.end();
    }

    fn plain_head(out: &mut Vec<u8>, key: &[u8], len: usize) {
        open_command(out, &[b"RPUSH", key], len);
    }

    fn plain_tail(out: &mut Vec<u8>) {
        out.extend_from_slice(b"\r\n");
    }

    fn field(out: &mut Vec<u8>, key: &[u8], field: StringRef<'_>, value: StringRef<'_>, _: bool) {
        let mut adder = Adder::new(out, b"HMSET", key, 2);
        adder.add(field);
        adder.add(value);
        adder.end();
    }

    fn member(out: &mut Vec<u8>, key: &[u8], member: StringRef<'_>, _: bool) {
        let mut adder = Adder::new(out, b"SADD", key, 1);
        adder.add(member);
        adder.end();
    }

    fn scored(out: &mut Vec<u8>, key: &[u8], member: StringRef<'_>, score: f64, _: bool) {
        let mut adder = Adder::new(out, b"ZADD", key, 2);
        adder.add(StringRef::Bytes(&format_f64(score)));
        adder.add(member);
        adder.end();
    }
}

/// Puts elements into as few commands as may be.
struct Adder<'a> {
    out: &'a mut Vec<u8>,
    name: &'a [u8],
    key: &'a [u8],
    /// Arguments that make an element.
    width: usize,
    count: usize,
    arguments: Vec<u8>,
}

impl<'a> Adder<'a> {
    fn new(out: &'a mut Vec<u8>, name: &'a [u8], key: &'a [u8], width: usize) -> Adder<'a> {
        Adder { out, name, key, width, count: 0, arguments: Vec::new() }
    }

    fn add(&mut self, argument: StringRef<'_>) {
        argument.with_bytes(|bytes| append_bulk(&mut self.arguments, bytes));
        self.count += 1;
        if self.count == ELEMENTS_PER_COMMAND * self.width {
            self.flush();
        }
    }

    fn end(mut self) {
        self.flush();
    }

    fn flush(&mut self) {
        if self.count > 0 {
            append_array_header(self.out, 2 + self.count);
            append_bulk(self.out, self.name);
            append_bulk(self.out, self.key);
            self.out.append(&mut self.arguments);
            self.count = 0;
        }
    }
}

/// A command but for its last argument, which has so many bytes.
fn open_command(out: &mut Vec<u8>, arguments: &[&[u8]], last_len: usize) {
    append_array_header(out, arguments.len() + 1);
    arguments.iter().for_each(|argument| append_bulk(out, argument));
    append_bulk_header(out, last_len);
}

fn expire(out: &mut Vec<u8>, key: &[u8], expiry: Option<UnixMillis>) {
    if let Some(UnixMillis(at)) = expiry {
        let at = at.to_string();
        append_command(out, [b"PEXPIREAT", key, at.as_bytes()].into_iter());
    }
}
