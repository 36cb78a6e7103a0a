//! A stream of requests means the same whole and cut into pieces, and never makes the parser hold more memory than
//! has arrived. The first bytes say where to cut and which limits hold; the rest is the stream.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::resp::{ArgRange, BigBulk, Limits, Parsed, ProtocolError, RequestParser};

#[derive(Debug, PartialEq)]
enum Event {
    Command(Vec<Vec<u8>>),
    Error(ProtocolError),
}

#[derive(Default)]
struct Connection {
    parser: RequestParser,
    kept: Vec<u8>,
    big: Option<(usize, BigBulk)>,
    large: Vec<(usize, Vec<u8>)>,
    args: Vec<ArgRange>,
    events: Vec<Event>,
}

impl Connection {
    fn receive(&mut self, mut input: &[u8], limits: &Limits) {
        if let Some((index, mut big)) = self.big.take() {
            input = &input[big.receive(input)..];
            if !big.is_complete() {
                self.big = Some((index, big));
                return;
            }
            self.large.push((index, big.into_bytes()));
            self.parser.resume_after_big();
        }
        self.kept.extend_from_slice(input);
        while self.step(limits) {}
        assert!(self.parser.allocated_bytes() <= 64 + 4 * self.kept.len());
    }

    /// Parses one request; answers whether there may be another.
    fn step(&mut self, limits: &Limits) -> bool {
        let (consumed, event) = match self.parser.parse(&self.kept, limits, &mut self.args) {
            Parsed::Incomplete => return false,
            Parsed::Error(error) => {
                if !matches!(self.events.last(), Some(Event::Error(_))) {
                    self.events.push(Event::Error(error));
                }
                return false;
            }
            Parsed::Big { arg_index, header_end, len } => {
                let mut big = BigBulk::new(len);
                let payload = self.kept.split_off(header_end);
                assert_eq!(big.receive(&payload), payload.len());
                assert!(!big.is_complete() && big.allocated_bytes() <= (2 * payload.len()).max(64 * 1024));
                self.big = Some((arg_index, big));
                return false;
            }
            Parsed::Empty { consumed } => (consumed, None),
            Parsed::Inline { consumed, args } => (consumed, Some(Event::Command(args))),
            Parsed::Complete { consumed } => {
                let mut words: Vec<Vec<u8>> =
                    self.args.drain(..).map(|range| range.of(&self.kept).to_vec()).collect();
                for (index, bytes) in self.large.drain(..) {
                    words[index] = bytes;
                }
                (consumed, Some(Event::Command(words)))
            }
        };
        self.kept.drain(..consumed);
        self.events.extend(event);
        assert!(self.parser.is_idle() && self.args.is_empty());
        true
    }
}

fuzz_target!(|data: &[u8]| {
    let [flags, cut_len, stream @ ..] = data else { return };
    let mut limits = Limits { authenticated: flags & 1 == 0, ..Limits::default() };
    if flags & 2 != 0 {
        limits.inline_len_max = 12;
        limits.bulk_len_max = 300;
        limits.args_max = 20;
    }
    // A long argument from few bytes of input.
    let stream: Vec<u8> =
        if flags & 4 != 0 { stream.repeat(usize::from(flags >> 3) + 1) } else { stream.to_vec() };
    let mut whole = Connection::default();
    whole.receive(&stream, &limits);
    let mut cut = Connection::default();
    for piece in stream.chunks(usize::from(*cut_len) + 1) {
        cut.receive(piece, &limits);
    }
    assert_eq!(whole.events, cut.events);
});
