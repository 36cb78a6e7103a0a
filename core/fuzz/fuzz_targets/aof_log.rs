//! A log means the same whole and cut into pieces, takes no more memory than has arrived, and is clean once it has
//! been cut where its reader says. The first two bytes say where pieces end and what is sealed; the rest is the log,
//! of which the second byte's share is put into a sealed batch so that the fuzzer need not find checksums.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rotom_core::aof::{End, Item, LogReader, Sealer};

#[derive(Debug, PartialEq)]
enum Event {
    Command(Vec<Vec<u8>>, u64),
    Annotation(Vec<u8>),
    Batch(u64),
    BatchEnd,
}

fn read(log: &[u8], piece_len: usize) -> (Vec<Event>, End) {
    let mut reader = LogReader::new(None, 0);
    let mut events = Vec::new();
    let mut fed = 0;
    for piece in log.chunks(piece_len) {
        reader.feed(piece);
        fed += piece.len();
        while let Some(item) = reader.next_item() {
            events.push(match item {
                Item::Command { args, offset_bytes } => {
                    Event::Command(args.iter().map(<[u8]>::to_vec).collect(), offset_bytes)
                }
                Item::Annotation { line, .. } => Event::Annotation(line.to_vec()),
                Item::Batch(line) => Event::Batch(line.offset_bytes),
                Item::BatchEnd => Event::BatchEnd,
            });
        }
        assert!(reader.allocated_bytes() <= 1024 + 8 * fed);
    }
    (events, reader.finish())
}

fuzz_target!(|data: &[u8]| {
    let [piece_len, share, log @ ..] = data else { return };
    let (plain, batch) = log.split_at(log.len() * usize::from(*share) / 255);
    let mut log = plain.to_vec();
    Sealer::new(1, log.len() as u64).seal(batch, log.len() as u64, &mut log);
    let (events, end) = read(&log, log.len());
    let pieces = read(&log, usize::from(*piece_len) + 1);
    assert_eq!((&events, end), (&pieces.0, pieces.1));
    if let End::TornTail { good_offset_bytes, lost_bytes, .. } = end {
        assert_eq!(good_offset_bytes + lost_bytes, log.len() as u64);
        log.truncate(good_offset_bytes as usize);
        assert_eq!(read(&log, 7), (events, End::Clean));
    }
});
