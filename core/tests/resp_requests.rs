//! The request parser against Redis' recorded answers, against a plain parser of whole streams, and under every
//! way a stream can be cut.

use proptest::prelude::*;
use rotom_core::resp::{ArgRange, BIG_BULK_LEN_BYTES, BigBulk, Limits, Parsed, ProtocolError, RequestParser};

/// What a client's bytes mean.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Event {
    Command(Vec<Vec<u8>>),
    Error(ProtocolError),
}

/// A caller of the parser, as the server is one.
#[derive(Default)]
struct Connection {
    parser: RequestParser,
    kept: Vec<u8>,
    big: Option<(usize, BigBulk)>,
    large: Vec<(usize, Vec<u8>)>,
    args: Vec<ArgRange>,
    events: Vec<Event>,
    allocated_bytes_max: usize,
}

impl Connection {
    fn receive(&mut self, mut input: &[u8], limits: &Limits) {
        if matches!(self.events.last(), Some(Event::Error(_))) {
            return;
        }
        if let Some((index, mut big)) = self.big.take() {
            let taken = big.receive(input);
            input = &input[taken..];
            if !big.is_complete() {
                assert!(input.is_empty());
                self.note_memory(big.allocated_bytes());
                self.big = Some((index, big));
                return;
            }
            self.large.push((index, big.into_bytes()));
            self.parser.resume_after_big();
        }
        self.kept.extend_from_slice(input);
        while self.step(limits) {}
        self.note_memory(0);
    }

    fn step(&mut self, limits: &Limits) -> bool {
        let args_before = self.args.len();
        let parsed = self.parser.parse(&self.kept, limits, &mut self.args);
        if !matches!(parsed, Parsed::Complete { .. }) {
            assert_eq!(self.args.len(), args_before, "only a complete request hands arguments out");
        }
        match parsed {
            Parsed::Complete { consumed } => {
                let mut words: Vec<Vec<u8>> =
                    self.args.drain(..).map(|range| range.of(&self.kept).to_vec()).collect();
                for (index, bytes) in self.large.drain(..) {
                    assert!(words[index].is_empty());
                    words[index] = bytes;
                }
                self.finish(consumed, Some(Event::Command(words)))
            }
            Parsed::Inline { consumed, args } => self.finish(consumed, Some(Event::Command(args))),
            Parsed::Empty { consumed } => self.finish(consumed, None),
            Parsed::Incomplete => false,
            Parsed::Big { arg_index, header_end, len } => {
                assert!(len >= BIG_BULK_LEN_BYTES);
                let payload = self.kept.split_off(header_end);
                let mut big = BigBulk::new(len);
                assert_eq!(big.receive(&payload), payload.len());
                assert!(!big.is_complete(), "a big argument that is wholly there is found in the input");
                self.big = Some((arg_index, big));
                false
            }
            Parsed::Error(error) => {
                let again = self.parser.parse(&self.kept, limits, &mut self.args);
                assert_eq!(again, Parsed::Error(error));
                self.events.push(Event::Error(error));
                false
            }
        }
    }

    fn finish(&mut self, consumed: usize, event: Option<Event>) -> bool {
        assert!(consumed > 0 || matches!(event, Some(Event::Command(_))));
        assert!(self.parser.is_idle());
        assert_eq!(self.parser.allocated_bytes(), 0);
        self.kept.drain(..consumed);
        self.events.extend(event);
        true
    }

    fn note_memory(&mut self, big_bytes: usize) {
        self.allocated_bytes_max = self.allocated_bytes_max.max(self.parser.allocated_bytes() + big_bytes);
    }
}

/// What a stream means when it arrives in these pieces.
fn in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>, limits: &Limits) -> Connection {
    let mut connection = Connection::default();
    for piece in pieces {
        connection.receive(piece, limits);
    }
    connection
}

fn command(words: &[&[u8]]) -> Event {
    Event::Command(words.iter().map(|word| word.to_vec()).collect())
}

fn check(input: &[u8], expected: &[Event]) {
    let limits = Limits::default();
    let whole = in_pieces([input], &limits);
    assert_eq!(whole.events, expected, "{}", input.escape_ascii());
    let bytewise = in_pieces(input.chunks(1), &limits);
    assert_eq!(bytewise.events, expected, "bytewise: {}", input.escape_ascii());
}

fn check_error(input: &[u8], expected: &[u8]) {
    let limits = Limits::default();
    for connection in [in_pieces([input], &limits), in_pieces(input.chunks(1), &limits)] {
        let [Event::Error(error)] = connection.events[..] else {
            panic!("{}: {:?}", input.escape_ascii(), connection.events);
        };
        assert_eq!(error.text().escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}

#[test]
fn commands_are_found() {
    check(b"", &[]);
    check(b"*1\r\n$4\r\nPING\r\n", &[command(&[b"PING"])]);
    check(b"*2\r\n$3\r\nGET\r\n$0\r\n\r\n", &[command(&[b"GET", b""])]);
    check(b"*1\r\n$4\r\nPING\r\n*1\r\n$4\r\nPONG\r\n", &[command(&[b"PING"]), command(&[b"PONG"])]);
    check(b"*1\r\n$10\r\n0123456789\r\n", &[command(&[b"0123456789"])]);
    check(b"*1\r\n$4\r\nPI\r\n\r\n", &[command(&[b"PI\r\n"])]);
    let mut long = b"*2\r\n$3\r\nGET\r\n$1000\r\n".to_vec();
    long.extend_from_slice(&[b'x'; 1000]);
    long.extend_from_slice(b"\r\n");
    check(&long, &[command(&[b"GET", &[b'x'; 1000]])]);
    // Nobody looks at the bytes after an argument, nor at the one after a length's `\r`.
    check(b"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPONG\r\n", &[command(&[b"PING"]), command(&[b"PONG"])]);
    check(b"*1\rx$4\rxPING\r\n", &[command(&[b"PING"])]);
}

#[test]
fn requests_of_nothing_are_passed_over() {
    let ping = command(&[b"PING"]);
    for nothing in ["*0\r\n", "*-1\r\n", "*-5\r\n", "*-9223372036854775808\r\n", "\r\n", "\n", "  \t \r\n"] {
        let input = format!("{nothing}*1\r\n$4\r\nPING\r\n");
        check(input.as_bytes(), std::slice::from_ref(&ping));
    }
}

#[test]
fn inline_commands_are_split() {
    check(b"ping\n", &[command(&[b"ping"])]);
    check(b"  get\tkey \r\nping\r\n", &[command(&[b"get", b"key"]), command(&[b"ping"])]);
    check(b"set k \"a\\x41\\n b\"\r\n", &[command(&[b"set", b"k", b"aA\n b"])]);
    check(b"ping\r\r\n", &[command(&[b"ping"])]);
    check(b"pi\rng\r\n", &[command(&[b"pi", b"ng"])]);
    check(b"\r*1\r\n$4\r\nPING\r\n", &[command(&[b"*1"]), command(&[b"$4"]), command(&[b"PING"])]);
    check(b"a\x0bb\x0cc \x0bd\n", &[command(&[b"a\x0bb\x0cc", b"d"])]);
    check(b"ping\xa0x\n", &[command(&[b"ping\xa0x"])]);
    // A line with a NUL in it never ends.
    check(b"ping a\0b\r\nping\r\n", &[]);
    check(b"*1\r\n$4\0\r\nPING\r\n", &[]);
    check(b"*1\0\r\n", &[]);
}

#[test]
fn errors_are_those_of_redis() {
    let dollar = |got: &[u8]| [b"ERR Protocol error: expected '$', got '", got, b"'"].concat();
    check_error(b"*1\r\nx4\r\n", &dollar(b"x"));
    check_error(b"*1\r\n\x01\r\n", &dollar(b"\x01"));
    check_error(b"*1\r\n\r\n", &dollar(b"\r"));
    check_error(b"*1\r\n\xff4\r\n", &dollar(b"\xff"));
    check_error(b"*2\r\n$1\r\na\r\n*1\r\n", &dollar(b"*"));
    check_error(b"*1\r$4\r\nPING\r\n", &dollar(b"4"));
    for count in ["+1", "01", "-0", "", "2147483648", "9223372036854775808", "a", " 1"] {
        let input = format!("*{count}\r\n");
        check_error(input.as_bytes(), b"ERR Protocol error: invalid multibulk length");
    }
    for len in ["-1", "", "+4", "04", "536870913", "x", "4\nX"] {
        let input = format!("*1\r\n${len}\r\n");
        check_error(input.as_bytes(), b"ERR Protocol error: invalid bulk length");
    }
    for line in ["\"a\"b", "\"a", "'a", "a\"b", "'a'b"] {
        let input = format!("ping {line}\r\n");
        check_error(input.as_bytes(), b"ERR Protocol error: unbalanced quotes in request");
    }
}

#[test]
fn lines_have_a_limit() {
    let max = Limits::default().inline_len_max;
    let line = |start: &str, len: usize| [start.as_bytes(), &vec![b'1'; len]].concat();
    check(&line("", max), &[]);
    check(&line("*", max - 1), &[]);
    check(&line("*1\r\n$", max - 1), &[]);
    check_error(&line("", max + 1), b"ERR Protocol error: too big inline request");
    check_error(&line("*", max), b"ERR Protocol error: too big mbulk count string");
    check_error(&line("*1\r\n$", max), b"ERR Protocol error: too big bulk count string");
    check_error(&line("*1\r\n", max + 1), b"ERR Protocol error: too big bulk count string");
    check_error(&line("\0", max), b"ERR Protocol error: too big inline request");
    check_error(&line("*\0", max - 1), b"ERR Protocol error: too big mbulk count string");
    check_error(&[line("", max + 1), b"\n".to_vec()].concat(), b"ERR Protocol error: too big inline request");
    check(&[line("", max), b"\n".to_vec()].concat(), &[command(&[&vec![b'1'; max]])]);
}

#[test]
fn a_client_that_has_not_authenticated_may_send_little() {
    let limits = Limits { authenticated: false, ..Limits::default() };
    let events = |input: &str| in_pieces([input.as_bytes()], &limits).events;
    assert_eq!(events("*11\r\n"), [Event::Error(ProtocolError::UnauthenticatedCount)]);
    assert_eq!(events("*1\r\n$16385\r\n"), [Event::Error(ProtocolError::UnauthenticatedBulkLen)]);
    assert_eq!(events("*1\r\n$536870913\r\n"), [Event::Error(ProtocolError::InvalidBulkLen)]);
    assert_eq!(events("*10\r\n$16384\r\n"), []);
    let text = |error: ProtocolError| String::from_utf8(error.text().into_owned()).unwrap();
    assert_eq!(
        text(ProtocolError::UnauthenticatedCount),
        "ERR Protocol error: unauthenticated multibulk length"
    );
    assert_eq!(
        text(ProtocolError::UnauthenticatedBulkLen),
        "ERR Protocol error: unauthenticated bulk length"
    );
}

#[test]
fn nothing_is_allocated_by_a_claim() {
    for input in
        ["*2147483647\r\n", "*2147483647\r\n$536870912\r\n", "*1\r\n$536870912\r\n", "*3\r\n$30000\r\n"]
    {
        let connection = in_pieces([input.as_bytes(), b"abc"], &Limits::default());
        assert_eq!(connection.events, []);
        assert!(connection.allocated_bytes_max <= 64 * 1024, "{input}");
    }
}

#[test]
fn a_million_arguments_in_small_pieces() {
    let count = 1_000_000;
    let mut input = format!("*{count}\r\n").into_bytes();
    for _ in 0..count {
        input.extend_from_slice(b"$1\r\nx\r\n");
    }
    // A parser that began anew with every piece would look at more than a hundred billion bytes.
    let mut parser = RequestParser::new();
    let mut args = Vec::new();
    for end in (0..input.len()).step_by(31) {
        assert_eq!(parser.parse(&input[..end], &Limits::default(), &mut args), Parsed::Incomplete);
        assert!(args.is_empty());
    }
    let parsed = parser.parse(&input, &Limits::default(), &mut args);
    assert_eq!(parsed, Parsed::Complete { consumed: input.len() });
    assert_eq!(args.len(), count);
    assert!(args.iter().all(|range| range.of(&input) == b"x"));
}

#[test]
fn arguments_are_appended() {
    let mut args = Vec::new();
    let mut parser = RequestParser::new();
    let limits = Limits::default();
    let input = b"*1\r\n$4\r\nPING\r\nget a\r\n*1\r\n$4\r\nPONG\r\n*1";
    let mut at = 0;
    for expected in [14, 7, 14] {
        let parsed = parser.parse(&input[at..], &limits, &mut args);
        assert_eq!(parsed, Parsed::Complete { consumed: expected });
        at += expected;
    }
    assert_eq!(parser.parse(&input[at..], &limits, &mut args), Parsed::Incomplete);
    assert!(!parser.is_idle());
    let words: Vec<&[u8]> =
        vec![args[0].of(input), args[1].of(&input[14..]), args[2].of(&input[14..]), args[3].of(&input[21..])];
    assert_eq!(words, [&b"PING"[..], b"get", b"a", b"PONG"]);
}

#[test]
fn a_big_argument_is_taken_past_the_parser() {
    let mut parser = RequestParser::new();
    let mut args = Vec::new();
    let limits = Limits::default();
    let payload = vec![b'v'; 40_000];
    let header = b"*4\r\n$3\r\nSET\r\n$1\r\nk\r\n$40000\r\n";
    let mut input = header.to_vec();
    input.extend_from_slice(&payload[..100]);
    assert_eq!(
        parser.parse(&input, &limits, &mut args),
        Parsed::Big { arg_index: 2, header_end: header.len(), len: 40_000 }
    );
    let mut big = BigBulk::new(40_000);
    let mut rest = [&payload[..], b"\r\n$2\r\nNX\r\nPING\r\n"].concat();
    let taken = big.receive(&rest);
    assert_eq!((taken, big.is_complete()), (40_002, true));
    parser.resume_after_big();
    input.truncate(header.len());
    assert_eq!(parser.parse(&input, &limits, &mut args), Parsed::Incomplete);
    input.extend(rest.drain(taken..));
    assert_eq!(parser.parse(&input, &limits, &mut args), Parsed::Complete { consumed: header.len() + 8 });
    let words: Vec<&[u8]> = args.iter().map(|range| range.of(&input)).collect();
    assert_eq!(words, [&b"SET"[..], b"k", b"", b"NX"]);
    assert_eq!(big.into_bytes(), payload);
}

/// A plain parser of a whole stream.
fn understand(mut input: &[u8], limits: &Limits) -> Vec<Event> {
    let mut events = Vec::new();
    while let Some(result) = understand_one(input, limits) {
        match result {
            Ok((event, len)) => {
                events.extend(event);
                input = &input[len..];
            }
            Err(error) => {
                events.push(Event::Error(error));
                break;
            }
        }
    }
    events
}

type Understood = Option<Result<(Option<Event>, usize), ProtocolError>>;

fn understand_one(input: &[u8], limits: &Limits) -> Understood {
    if *input.first()? != b'*' {
        let end = match line_end(input, b'\n', limits, ProtocolError::InlineTooLong)? {
            Ok(end) => end,
            Err(error) => return Some(Err(error)),
        };
        let line = input[..end].strip_suffix(b"\r").unwrap_or(&input[..end]);
        let words: Vec<Vec<u8>> = line
            .split(|byte| b" \r\t".contains(byte))
            .map(|word| {
                word.iter().copied().skip_while(|byte| b"\x0b\x0c".contains(byte)).collect::<Vec<u8>>()
            })
            .filter(|word| !word.is_empty())
            .collect();
        return Some(Ok(((!words.is_empty()).then_some(Event::Command(words)), end + 1)));
    }
    let (count, mut at) = match number(input, 0, limits, ProtocolError::CountTooLong)? {
        Ok(found) => found,
        Err(error) => return Some(Err(error)),
    };
    let Some(count) = count.filter(|&count| count <= limits.args_max) else {
        return Some(Err(ProtocolError::InvalidCount));
    };
    if count > 10 && !limits.authenticated {
        return Some(Err(ProtocolError::UnauthenticatedCount));
    }
    if count <= 0 {
        return Some(Ok((None, at)));
    }
    let mut words = Vec::new();
    for _ in 0..count {
        let (len, start) = match number(input, at, limits, ProtocolError::BulkLenTooLong)? {
            Ok(found) => found,
            Err(error) => return Some(Err(error)),
        };
        if input[at] != b'$' {
            return Some(Err(ProtocolError::ExpectedDollar(input[at])));
        }
        let Some(len) = len.filter(|&len| len >= 0 && len as u64 <= limits.bulk_len_max) else {
            return Some(Err(ProtocolError::InvalidBulkLen));
        };
        if len > 16_384 && !limits.authenticated {
            return Some(Err(ProtocolError::UnauthenticatedBulkLen));
        }
        let end = start + len as usize;
        input.get(end + 1)?;
        words.push(input[start..end].to_vec());
        at = end + 2;
    }
    Some(Ok((Some(Event::Command(words)), at)))
}

fn line_end(
    input: &[u8],
    end: u8,
    limits: &Limits,
    error: ProtocolError,
) -> Option<Result<usize, ProtocolError>> {
    let found = input.iter().position(|&byte| byte == end || byte == 0).filter(|&at| input[at] != 0);
    if found.unwrap_or(input.len()) > limits.inline_len_max {
        return Some(Err(error));
    }
    found.map(Ok)
}

/// The number on a line, if it is one, and the offset behind the line.
fn number(
    input: &[u8],
    at: usize,
    limits: &Limits,
    error: ProtocolError,
) -> Option<Result<(Option<i64>, usize), ProtocolError>> {
    let end = match line_end(&input[at..], b'\r', limits, error)? {
        Ok(len) => at + len,
        Err(error) => return Some(Err(error)),
    };
    input.get(end + 1)?;
    let text = std::str::from_utf8(input.get(at + 1..end).unwrap_or_default()).unwrap_or_default();
    let value = text.parse::<i64>().ok().filter(|value| value.to_string() == text);
    Some(Ok((value, end + 2)))
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    // An argument may come to be read as an inline command, whose quotes the plain parser does not know.
    let byte = || any::<u8>().prop_map(|byte| if b"'\"".contains(&byte) { b'q' } else { byte });
    let word = prop_oneof![
        8 => proptest::collection::vec(byte(), 0..20),
        2 => proptest::collection::vec(byte(), 90..130),
        1 => (16_380usize..16_390).prop_map(|len| vec![b'y'; len]),
        1 => (32_760usize..32_780).prop_map(|len| vec![b'z'; len]),
        1 => (65_000usize..140_000).prop_map(|len| vec![b'w'; len]),
    ];
    prop_oneof![
        12 => proptest::collection::vec(word, 1..6).prop_map(|words| encode(&words)),
        2 => "[a-z \t\r]{0,12}\r?\n".prop_map(String::into_bytes),
        1 => proptest::sample::select(vec!["*0\r\n", "*-1\r\n", "\r\n", "*12\r\n", "*1\r\n$-1\r\n", "*1\rx$1\rxa\r\n"])
            .prop_map(|text| text.as_bytes().to_vec()),
        1 => "[*$0-9\r\n\0a]{0,10}".prop_map(String::into_bytes),
        1 => proptest::collection::vec(byte(), 0..9),
    ]
}

fn encode(words: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        out.extend_from_slice(format!("${}\r\n", word.len()).as_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
    out
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![
        4 => Just(Limits::default()),
        1 => Just(Limits { authenticated: false, ..Limits::default() }),
        1 => (4u64..40_000, 4usize..20, 1i64..6).prop_map(|(bulk_len_max, inline_len_max, args_max)| Limits {
            bulk_len_max,
            inline_len_max,
            args_max,
            authenticated: true,
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn cutting_a_stream_does_not_change_its_meaning(
        requests in proptest::collection::vec(request(), 0..8),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 0..12),
        limits in limits(),
    ) {
        let stream = requests.concat();
        let expected = understand(&stream, &limits);
        let whole = in_pieces([&stream[..]], &limits);
        prop_assert_eq!(&whole.events, &expected);

        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        let cut = in_pieces(pieces, &limits);
        prop_assert_eq!(&cut.events, &expected);
        prop_assert!(cut.allocated_bytes_max <= 2 * stream.len() + 64 * 1024);

        if stream.len() < 2_000 {
            prop_assert_eq!(&in_pieces(stream.chunks(1), &limits).events, &expected);
        }
    }

    #[test]
    fn any_bytes_are_survived(stream: Vec<u8>, prefix in "[*$]?[0-9]{0,3}(\r\n)?[$]?[0-9]{0,12}(\r\n)?") {
        let stream = [prefix.as_bytes(), &stream[..]].concat();
        let whole = in_pieces([&stream[..]], &Limits::default());
        let bytewise = in_pieces(stream.chunks(1), &Limits::default());
        prop_assert_eq!(&whole.events, &bytewise.events);
        prop_assert!(bytewise.allocated_bytes_max <= 64 * 1024 + 16 * stream.len());
    }
}
