use super::super::{Sealer, Summer};
use super::*;
use proptest::collection::vec;
use proptest::prelude::*;

const FILE: u64 = 7;

#[derive(Clone, Debug, PartialEq)]
enum Event {
    Command(Vec<Vec<u8>>),
    Annotation(Vec<u8>),
    Batch(BatchLine),
    BatchEnd,
}

/// Reads a file that is fed in chunks of this size.
fn read_in(bytes: &[u8], file: Option<u64>, chunk_len: usize) -> (Vec<Event>, End) {
    let mut reader = LogReader::new(file, 0);
    let mut events = Vec::new();
    for chunk in bytes.chunks(chunk_len) {
        reader.feed(chunk);
        while let Some(item) = reader.next_item() {
            events.push(match item {
                Item::Command { args, offset_bytes } => {
                    assert_eq!(bytes[offset_bytes as usize], b'*');
                    Event::Command(args.iter().map(<[u8]>::to_vec).collect())
                }
                Item::Annotation { line, .. } => Event::Annotation(line.to_vec()),
                Item::Batch(line) => Event::Batch(line),
                Item::BatchEnd => Event::BatchEnd,
            });
        }
        assert!(reader.offset_bytes() as usize <= bytes.len());
    }
    let good_offset_bytes = reader.good_offset_bytes();
    let end = reader.finish();
    match end {
        End::Clean => assert_eq!(good_offset_bytes, bytes.len() as u64),
        End::TornTail { good_offset_bytes: good, lost_bytes, .. } => {
            assert_eq!((good, good + lost_bytes), (good_offset_bytes, bytes.len() as u64));
        }
        End::Corrupt { good_offset_bytes: good, offset_bytes, .. } => {
            assert!(good == good_offset_bytes && good <= offset_bytes && offset_bytes <= bytes.len() as u64);
        }
    }
    (events, end)
}

fn read(bytes: &[u8]) -> (Vec<Event>, End) {
    read_in(bytes, Some(FILE), bytes.len().max(1))
}

fn torn(good: usize, bytes: &[u8], reason: Reason) -> End {
    End::TornTail { good_offset_bytes: good as u64, lost_bytes: (bytes.len() - good) as u64, reason }
}

fn command(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        bytes.extend_from_slice(word);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// A file of sealed batches and where each begins; the last offset is the file's end. `is_synced` is what the
/// batches say about everything before them.
fn sealed(batches: &[Vec<u8>], is_synced: bool) -> (Vec<u8>, Vec<usize>) {
    let mut sealer = Sealer::new(FILE, 0);
    let (mut bytes, mut starts) = (Vec::new(), Vec::new());
    for batch in [&Vec::new()].into_iter().chain(batches) {
        starts.push(bytes.len());
        sealer.seal(batch, if is_synced { sealer.offset_bytes() } else { 0 }, &mut bytes);
    }
    starts.push(bytes.len());
    (bytes, starts)
}

fn commands(events: Vec<Event>) -> Vec<Event> {
    events.into_iter().filter(|event| matches!(event, Event::Command(_))).collect()
}

/// Text that is likely to be taken for something else.
fn argument() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        3 => vec(any::<u8>(), 0..24),
        1 => Just(b"\r\n#CRC:7:0:0:0:00000000:c9d12c4c\r\n*1\r\n$4\r\nPING\r\n".to_vec()),
        1 => Just(b"\0\0\0\0\0\0".repeat(40)),
        1 => vec(any::<u8>(), 500..1100),
    ]
}

/// A command, or a transaction.
fn unit() -> impl Strategy<Value = Vec<u8>> {
    let plain = vec(argument(), 1..4).prop_map(|words| {
        let mut all: Vec<&[u8]> = vec![b"SET"];
        all.extend(words.iter().map(Vec::as_slice));
        command(&all)
    });
    let plain = plain.boxed();
    let transaction = vec(plain.clone(), 1..4)
        .prop_map(|commands| [command(&[b"MULTI"]), commands.concat(), command(&[b"exec"])].concat());
    prop_oneof![3 => plain, 1 => transaction]
}

fn batches() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(unit(), 0..4).prop_map(|units| units.concat()), 1..6)
}

/// What a disk does to a sector.
fn garble(bytes: &mut [u8], sector: usize, filler: Option<u8>) {
    let start = (sector * 512) % bytes.len().next_multiple_of(512);
    for (index, byte) in bytes[start..].iter_mut().take(512).enumerate() {
        *byte = filler.map_or(0, |filler| filler.wrapping_mul(index as u8 | 1) ^ 0x5a);
    }
}

/// What is to come of a file of sealed batches that was `whole` and now is `bytes`: all batches before the first
/// damaged one, and a verdict that depends on whether the line of a later one is still there.
fn check_damaged(whole: &[u8], bytes: &[u8], starts: &[usize], is_synced: bool) {
    let is_same = |from: usize, to: usize| whole[from..to] == bytes[from..to];
    let damaged = starts.windows(2).position(|range| !is_same(range[0], range[1]));
    let (events, end) = read(bytes);
    let Some(damaged) = damaged else {
        assert_eq!(end, End::Clean);
        return;
    };
    if damaged == 0 {
        // What tells that the file is sealed may be gone, or look like somebody else's annotation, and holds
        // nothing else. What follows is still read batch by batch.
        assert!(commands(read(whole).0).starts_with(&commands(events)));
        return;
    }
    assert_eq!(events, read(&whole[..starts[damaged]]).0);
    let line_is_there = |&start: &usize| {
        let end = start + line_len(&whole[start..]).expect("it is one");
        is_same(start, end)
    };
    let has_witness = is_synced && starts[damaged + 1..starts.len() - 1].iter().any(line_is_there);
    match end {
        End::TornTail { good_offset_bytes, .. } => {
            assert!(!has_witness && good_offset_bytes == starts[damaged] as u64, "{end:?} {starts:?}");
        }
        End::Corrupt { good_offset_bytes, witness_bytes, .. } => {
            assert!(has_witness && witness_bytes.is_some(), "{end:?} {starts:?}");
            assert_eq!(good_offset_bytes, starts[damaged] as u64);
        }
        End::Clean => panic!("damage was not noticed"),
    }
}

proptest! {
    #[test]
    fn a_sealed_log_is_read_batch_by_batch(batches in batches(), is_synced: bool) {
        let (bytes, starts) = sealed(&batches, is_synced);
        let (events, end) = read(&bytes);
        prop_assert_eq!(end, End::Clean);
        prop_assert_eq!(events.iter().filter(|event| **event == Event::BatchEnd).count(), starts.len() - 1);
        // The same as the plain commands give, to a reader that nobody told the file's number.
        let (plain, plain_end) = read(&batches.concat());
        prop_assert_eq!(plain_end, End::Clean);
        prop_assert_eq!(commands(read_in(&bytes, None, 100).0), commands(plain));
    }

    #[test]
    fn a_prefix_is_a_prefix_of_batches(batches in batches(), is_synced: bool, cut: proptest::sample::Index) {
        let (bytes, starts) = sealed(&batches, is_synced);
        let bytes = &bytes[..cut.index(bytes.len() + 1)];
        let good = *starts.iter().rev().find(|&&start| start <= bytes.len()).unwrap();
        let (events, end) = read(bytes);
        prop_assert_eq!(end, if good == bytes.len() { End::Clean } else { torn(good, bytes, Reason::Truncated) });
        prop_assert_eq!(events, read(&bytes[..good]).0);
    }

    #[test]
    fn a_flipped_bit_is_noticed(
        batches in batches(), is_synced: bool, last: bool, at: proptest::sample::Index, bit in 0..8_u32,
    ) {
        let (whole, starts) = sealed(&batches, is_synced);
        let mut bytes = whole.clone();
        let from = if last { starts[starts.len() - 2] } else { 0 };
        let at = from + at.index(bytes.len() - from);
        bytes[at] ^= 1_u8 << bit;
        check_damaged(&whole, &bytes, &starts, is_synced);
    }

    #[test]
    fn a_garbled_sector_is_noticed(
        batches in batches(), is_synced: bool, sector in 0..12_usize, filler: Option<u8>,
    ) {
        let (whole, starts) = sealed(&batches, is_synced);
        let mut bytes = whole.clone();
        garble(&mut bytes, sector, filler);
        check_damaged(&whole, &bytes, &starts, is_synced);
    }

    #[test]
    fn a_prefix_of_plain_commands_is_a_prefix_of_units(
        units in vec(unit(), 1..6), cut: proptest::sample::Index,
    ) {
        let whole = units.concat();
        let bytes = &whole[..cut.index(whole.len() + 1)];
        let mut good = 0;
        for unit in &units {
            if good + unit.len() <= bytes.len() { good += unit.len() } else { break }
        }
        let (events, end) = read(bytes);
        if good == bytes.len() {
            prop_assert_eq!(end, End::Clean);
        } else {
            let good_offset = if let End::TornTail { good_offset_bytes, .. } = end { good_offset_bytes } else { 0 };
            prop_assert_eq!((end == End::Clean, good_offset), (false, good as u64));
        }
        prop_assert_eq!(events, read(&bytes[..good]).0);
    }

    #[test]
    fn a_log_that_was_cut_goes_on(batches in batches(), cut: proptest::sample::Index, more in unit()) {
        let (bytes, _) = sealed(&batches, false);
        let mut bytes = bytes[..cut.index(bytes.len() + 1)].to_vec();
        if let (_, End::TornTail { good_offset_bytes, .. }) = read(&bytes) {
            bytes.truncate(good_offset_bytes as usize);
        }
        let before = bytes.len() as u64;
        Sealer::new(FILE, before).seal(&more, before, &mut bytes);
        prop_assert_eq!(read(&bytes).1, End::Clean);
    }

    /// Sealed batches and plain commands in any order, damaged in any way, in chunks of any size.
    #[test]
    fn chunks_make_no_difference_and_a_cut_file_is_clean(
        parts in vec((any::<bool>(), unit()), 0..6),
        flips in vec((any::<proptest::sample::Index>(), 0..8_u32), 0..3),
        sector in proptest::option::of((0..4_usize, any::<Option<u8>>())),
        cut: proptest::sample::Index,
        chunk_len in 1..80_usize,
        file in proptest::option::of(FILE..FILE + 2),
    ) {
        let mut bytes = Vec::new();
        for (is_sealed, unit) in parts {
            if is_sealed {
                let offset_bytes = bytes.len() as u64;
                Sealer::new(FILE, offset_bytes).seal(&unit, offset_bytes / 2, &mut bytes);
            } else {
                bytes.extend_from_slice(&unit);
            }
        }
        if !bytes.is_empty() {
            if let Some((sector, filler)) = sector {
                garble(&mut bytes, sector, filler);
            }
            for (at, bit) in flips {
                let at = at.index(bytes.len());
                bytes[at] ^= 1_u8 << bit;
            }
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        let (events, end) = read_in(&bytes, file, bytes.len().max(1));
        prop_assert_eq!((&events, end), (&read_in(&bytes, file, chunk_len).0, read_in(&bytes, file, chunk_len).1));
        if let End::TornTail { good_offset_bytes, .. } = end {
            let kept = &bytes[..good_offset_bytes as usize];
            prop_assert_eq!(read_in(kept, file, chunk_len), (events, End::Clean));
        }
    }

    #[test]
    fn anything_is_judged(
        pieces in vec(prop_oneof![
            vec(any::<u8>(), 0..40),
            "[*$#]?[0-9]{0,3}(\r\n)?(MULTI|EXEC|#CRC:7:|#TS:1\r\n)?".prop_map(String::into_bytes),
            unit(),
        ], 0..8),
        chunk_len in 1..40_usize,
    ) {
        let bytes = pieces.concat();
        let whole = read(&bytes);
        prop_assert_eq!(whole, read_in(&bytes, Some(FILE), chunk_len));
    }
}

#[test]
fn memory_grows_with_what_arrives() {
    let huge = BatchLine { file: FILE, offset_bytes: 0, len_bytes: u64::MAX, synced_bytes: 0, checksum: 0 };
    let mut line = Vec::new();
    huge.append_to(&mut line);
    for start in [line, b"*2147483647\r\n$2147483647\r\n".to_vec()] {
        let mut reader = LogReader::new(None, 0);
        reader.feed(&start);
        for fed in 1..1000 {
            assert!(reader.next_item().is_none());
            reader.feed(&[b'x'; 100]);
            assert!(reader.allocated_bytes() <= 1024 + 3 * fed * 100);
        }
        assert!(matches!(
            reader.finish(),
            End::TornTail { good_offset_bytes: 0, reason: Reason::Truncated, .. }
        ));
    }
}

#[test]
fn memory_is_given_back() {
    let mut reader = LogReader::new(None, 0);
    for _ in 0..3 {
        reader.feed(&command(&[b"SET", b"k", &vec![b'x'; 8 << 20]]));
        assert!(matches!(reader.next_item(), Some(Item::Command { args, .. }) if args.len() == 3));
        reader.feed(b"");
        assert!(reader.allocated_bytes() <= KEPT_BYTES + 64);
    }
}

/// Judges a file that begins with an opening batch, followed by these bytes.
#[track_caller]
fn check_behind_batch(bytes: &[u8], commands: usize, end: impl Fn(usize, &[u8]) -> End) {
    let (mut file, starts) = sealed(&[command(&[b"PING"])], true);
    file.extend_from_slice(bytes);
    let (events, ended) = read(&file);
    assert_eq!(ended, end(starts[2], &file), "{:?}", String::from_utf8_lossy(bytes));
    let count = events.iter().filter(|event| matches!(event, Event::Command(_))).count();
    assert_eq!(count, 1 + commands);
}

#[test]
fn redis_may_take_a_file_over() {
    let ping = command(&[b"PING"]);
    check_behind_batch(&ping.repeat(3), 3, |_, _| End::Clean);
    check_behind_batch(&[b"#TS:1700000000\r\n", ping.as_slice()].concat(), 1, |_, _| End::Clean);
    check_behind_batch(&[ping.as_slice(), b"#other\r\n"].concat(), 1, |_, _| End::Clean);
    check_behind_batch(&[ping.as_slice(), &ping[..5]].concat(), 1, |start, file| {
        torn(start + 14, file, Reason::Truncated)
    });
    let transaction = command(&[b"MULTI"]);
    check_behind_batch(&[ping.as_slice(), &transaction, &ping].concat(), 1, |start, file| {
        torn(start + 14, file, Reason::Transaction)
    });
    // What is no command behind plain ones was written like that; zeros were not written.
    check_behind_batch(&[ping.as_slice(), b"xyz"].concat(), 1, |start, _| End::Corrupt {
        good_offset_bytes: start as u64 + 14,
        offset_bytes: start as u64 + 14,
        reason: Reason::Format,
        witness_bytes: None,
    });
    check_behind_batch(&[ping.as_slice(), &ping[..9], &[0; 700]].concat(), 1, |start, file| {
        torn(start + 14, file, Reason::Format)
    });
}

#[test]
fn what_is_no_batch_behind_a_batch_is_a_torn_one() {
    check_behind_batch(b"#CRB:1\r\n", 0, |start, file| torn(start, file, Reason::Line));
    check_behind_batch(b"#CRC:1\r\n", 0, |start, file| torn(start, file, Reason::Line));
    check_behind_batch(b"garbage", 0, |start, file| torn(start, file, Reason::Format));
    check_behind_batch(&[0; 9], 0, |start, file| torn(start, file, Reason::Format));
    check_behind_batch(&[b'#'; 2000], 0, |start, file| torn(start, file, Reason::Format));
    let mut other = Vec::new();
    Sealer::new(FILE + 1, sealed(&[command(&[b"PING"])], true).0.len() as u64).seal(b"", 0, &mut other);
    check_behind_batch(&other, 0, |start, file| torn(start, file, Reason::OtherFile));
}

#[test]
fn a_batch_passes_in_its_place_only() {
    let (file, starts) = sealed(&[command(&[b"PING"]), command(&[b"PONG"])], true);
    // In another file.
    let (events, end) = read_in(&file, Some(FILE + 1), 1000);
    assert!(events.is_empty() && matches!(end, End::Corrupt { reason: Reason::OtherFile, .. }), "{end:?}");
    // A batch is missing: the next one says that there was something.
    let gap = [&file[..starts[1]], &file[starts[2]..]].concat();
    let (_, end) = read(&gap);
    assert!(matches!(end, End::Corrupt { reason: Reason::Moved, witness_bytes: Some(_), .. }), "{end:?}");
    // A batch is there twice.
    let twice = [&file[..], &file[starts[2]..]].concat();
    assert!(matches!(read(&twice).1, End::Corrupt { reason: Reason::Moved, .. }));
    // A plain command was put between two.
    let longer = [&file[..starts[2]], &command(&[b"SET", b"a", b"b"]), &file[starts[2]..]].concat();
    assert!(matches!(read(&longer).1, End::Corrupt { reason: Reason::Moved, .. }));
}

#[test]
fn a_later_batch_that_was_written_before_the_sync_proves_nothing() {
    let (mut file, starts) = sealed(&[command(&[b"PING"]), command(&[b"PONG"])], false);
    file[starts[1] + 40] ^= 1;
    assert!(
        matches!(read(&file).1, End::TornTail { good_offset_bytes, .. } if good_offset_bytes == starts[1] as u64)
    );
}

#[test]
fn a_batch_holds_whole_units() {
    for body in [
        command(&[b"MULTI"]),
        b"*1\r\n$4\r\nPI".to_vec(),
        b"xyz".to_vec(),
        b"#no end".to_vec(),
        [command(&[b"PING"]), sealed(&[], true).0].concat(),
    ] {
        for tail in [&b""[..], &[0; 8]] {
            let (mut file, _) = sealed(std::slice::from_ref(&body), true);
            file.extend_from_slice(tail);
            let (_, end) = read(&file);
            assert!(matches!(end, End::Corrupt { reason: Reason::Batch, .. }), "{end:?}");
        }
    }
}

#[test]
fn a_length_that_grew_does_not_swallow_what_is_sealed() {
    let mut file = command(&[b"SET", b"k", b"v"]);
    let damaged_from = file.len();
    file.extend_from_slice(b"*2\r\n$3\r\nGET\r\n$999999\r\nk\r\n");
    let offset_bytes = file.len() as u64;
    Sealer::new(FILE, offset_bytes).seal(&command(&[b"PING"]), offset_bytes, &mut file);
    let expected = End::Corrupt {
        good_offset_bytes: damaged_from as u64,
        offset_bytes: file.len() as u64,
        reason: Reason::Truncated,
        witness_bytes: Some(offset_bytes),
    };
    assert_eq!(read(&file).1, expected);
}

#[test]
fn the_rdb_part_is_told_by_its_first_bytes() {
    for (bytes, answer) in [
        (&b""[..], None),
        (b"RED", None),
        (b"REDIS", Some(true)),
        (b"REDIS0010", Some(true)),
        (b"*", Some(false)),
        (b"REDX", Some(false)),
    ] {
        assert_eq!(begins_rdb(bytes), answer);
    }
    let mut reader = LogReader::new(None, 99);
    reader.feed(&command(&[b"PING"])[..3]);
    assert!(reader.next_item().is_none());
    let expected = End::TornTail { good_offset_bytes: 99, lost_bytes: 3, reason: Reason::Truncated };
    assert_eq!(reader.finish(), expected);
}

/// A base of commands with its sums, in pieces that end where the numbers say, and whether commands do there.
fn summed(pieces: &[(&[u8], bool)]) -> Vec<u8> {
    let (mut file, mut piece) = (Vec::new(), Vec::new());
    let mut summer = Summer::begin(&mut piece);
    for &(bytes, is_whole) in pieces {
        piece.extend_from_slice(bytes);
        summer.sum(&mut piece, is_whole);
        file.append(&mut piece);
    }
    summer.end(&mut piece);
    [file, piece].concat()
}

#[test]
fn a_base_with_sums_is_clean_or_corrupt_and_nothing_else() {
    let set = command(&[b"SET", b"key", b"a value"]);
    let (half, rest) = set.split_at(20);
    let file = summed(&[(&set, true), (half, false), (rest, true), (&set, true)]);
    let (events, end) = read_in(&file, None, file.len());
    assert_eq!(end, End::Clean);
    assert_eq!(commands(events).len(), 3);
    assert_eq!(read_in(&file, None, 1).1, End::Clean);
    assert_eq!(read_in(&summed(&[]), None, 7).1, End::Clean);
    for len in 1..file.len() {
        let end = read_in(&file[..len], None, 16).1;
        // What is not even a line might have been the beginning of anything.
        let is_first = len < summed(&[]).iter().position(|&byte| byte == b'\n').unwrap() + 1;
        assert!(is_first || matches!(end, End::Corrupt { .. }), "{len}: {end:?}");
        assert_ne!(end, End::Clean, "{len}");
    }
    for bit in 0..file.len() * 8 {
        let mut damaged = file.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let end = read_in(&damaged, None, 64).1;
        assert_ne!(end, End::Clean, "bit {bit}");
        if bit / 8 > 0 {
            assert!(matches!(end, End::Corrupt { .. }), "bit {bit}: {end:?}");
        }
    }
    let longer = [&file[..], &set].concat();
    let end_bytes = file.len() as u64;
    assert!(
        matches!(read_in(&longer, None, 64).1, End::Corrupt { reason: Reason::Behind, offset_bytes, .. } if offset_bytes == end_bytes)
    );
}

#[test]
fn damage_between_sums_is_told_with_the_sum_before() {
    let set = command(&[b"SET", b"key", b"a value"]);
    let file = summed(&[(&set, true), (&set, true), (&set, true)]);
    let start = file.windows(7).enumerate().filter(|(_, window)| *window == b"a value").nth(1).unwrap().0;
    let mut damaged = file.clone();
    damaged[start] = b'b';
    let (events, end) = read_in(&damaged, None, 5);
    // Handed out it was, and the file is refused all the same.
    assert_eq!(commands(events).len(), 2);
    let before = file[..start].windows(5).rposition(|window| window == b"#SUM:").unwrap();
    let good = (before + file[before..].iter().position(|&byte| byte == b'\n').unwrap() + 1) as u64;
    let corrupt = End::Corrupt {
        good_offset_bytes: good,
        offset_bytes: good,
        reason: Reason::Sum,
        witness_bytes: None,
    };
    assert_eq!(end, corrupt);
}
