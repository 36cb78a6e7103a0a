//! Running what a client sent: requests are parsed ahead, their buckets and entries fetched into the cache,
//! then run in order.

mod fetch;

use crate::args::Args;
use crate::call::{self, Flow};
use crate::client::Client;
use crate::commands::{self, Command};
use crate::core::Core;
use crate::resp::{ArgRange, Limits, Parsed, ProtocolError};
use crate::server::LogLevel;
use crate::session::State;

/// Requests of one client that are parsed before the first of them runs, so that their keys' memory is on its
/// way when they do.
pub const PARSE_AHEAD_MAX: usize = 16;

/// Output of one client beyond which its input waits until the peer has read some.
pub const OUTPUT_PAUSE_BYTES: usize = 1 << 20;

/// Output below which a client that waited for its peer goes on.
pub const OUTPUT_RESUME_BYTES: usize = OUTPUT_PAUSE_BYTES / 2;

/// Longest inline request, line end included.
pub const INLINE_LEN_MAX: usize = 64 * 1024;

/// Most arguments of a request.
pub const ARGS_MAX: i64 = i32::MAX as i64;

/// Longest unfinished request whatever `client-query-buffer-limit` says: the parser counts in 32 bits.
pub const QUERY_LEN_MAX: u64 = 2 << 30;

/// One request of a pipeline, parsed and not run yet.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// Where it begins in the input.
    start: u32,
    /// Where the next one begins.
    end: u32,
    /// Its arguments among those of the whole batch.
    first_range: u32,
    range_count: u32,
    command: Option<&'static Command>,
    /// The hash of its first key, if it was computed.
    hash: Option<u64>,
    /// The same of the element that it asks for.
    element_hash: Option<u64>,
}

/// How a request begins, up to the end of its first argument. In a pipeline the next one often begins with the same
/// bytes: then there is nothing to parse in them, and no name to look up.
#[derive(Clone, Copy, Debug)]
struct Opening {
    words: [u64; OPENING_WORDS],
    /// Which bits of the words belong to it.
    masks: [u64; OPENING_WORDS],
    /// The request's number of arguments.
    count: u32,
    name: ArgRange,
    command: Option<&'static Command>,
}

/// Words that are compared; an opening that does not fit into them is not remembered.
const OPENING_WORDS: usize = 3;

const OPENING_LEN_MAX: usize = OPENING_WORDS * size_of::<u64>();

impl Opening {
    /// The opening of a request, unless it is too long to be compared.
    #[inline]
    fn of(request: &[u8], ranges: &[ArgRange], command: Option<&'static Command>) -> Option<Opening> {
        let name = ranges[0];
        let len = (name.start + name.len + 2) as usize;
        if request[0] != b'*' || len > OPENING_LEN_MAX {
            return None;
        }
        let (mut bytes, mut masks) = ([0; OPENING_LEN_MAX], [0; OPENING_LEN_MAX]);
        bytes[..len].copy_from_slice(request.get(..len)?);
        masks[..len].fill(0xff);
        let (words, masks) = (words_of(&bytes), words_of(&masks));
        Some(Opening { words, masks, count: ranges.len() as u32, name, command })
    }

    /// Whether a request begins like this. At the very end of the input that is not told.
    #[inline(always)]
    fn is_of(&self, input: &[u8]) -> bool {
        let Some(front) = input.first_chunk() else { return false };
        let words = words_of(front);
        (0..OPENING_WORDS).fold(0, |other, at| other | (words[at] ^ self.words[at]) & self.masks[at]) == 0
    }
}

#[inline(always)]
fn words_of(bytes: &[u8; OPENING_LEN_MAX]) -> [u64; OPENING_WORDS] {
    let (words, _) = bytes.as_chunks();
    std::array::from_fn(|at| u64::from_le_bytes(words[at]))
}

/// Memory for a batch of requests, used again for every batch.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    ranges: Vec<ArgRange>,
    requests: Vec<Request>,
    /// Where parsing stopped: behind the last request and whatever empty ones followed it.
    parsed_to: usize,
}

/// Why parsing ahead stopped.
enum Stop {
    /// The batch is full; there may be more.
    Full,
    /// Nothing more, or not enough for another request.
    NoMore,
    /// An inline request whose words had to be unquoted.
    Inline { end: usize, words: Vec<Vec<u8>> },
    /// A large bulk string is arriving; its payload begins at `payload`.
    Big { index: usize, payload: usize, len: u64 },
    /// Nonsense.
    Error(ProtocolError),
}

impl Core {
    /// Runs what a client sent as far as it goes, and keeps the rest.
    pub(crate) fn serve(&mut self, client: &mut Client, bytes: &[u8]) {
        if client.input.is_empty() {
            sometimes!(Mark::SplitBetweenRequests, !client.reply.is_empty());
            let consumed = self.run(client, bytes);
            client.input.keep(&bytes[consumed..], &mut self.buffers);
        } else {
            let taken = if client.input.is_receiving() { client.input.fill_from(bytes) } else { 0 };
            client.input.buffer.extend_from_slice(&bytes[taken..]);
            self.serve_pending(client);
        }
    }

    /// Ends a client whose unfinished request is longer than `client-query-buffer-limit`.
    #[inline]
    pub(crate) fn enforce_query_limit(&mut self, client: &mut Client) {
        let limit = self.server.config.client_query_buffer_limit.min(QUERY_LEN_MAX) as usize;
        if !client.input.is_empty() && client.input.len() > limit && !client.session.is_closing() {
            sometimes!(Mark::QueryLimit);
            self.server.stats.query_limit_disconnections += 1;
            let text =
                format!("Closing client that reached max query buffer length: id={}", client.session.id);
            self.server.log(LogLevel::Warning, text);
            client.session.state = State::ClosingNow;
        }
    }

    /// Runs what a client has sent before.
    pub(crate) fn serve_pending(&mut self, client: &mut Client) {
        if client.input.is_receiving() || client.input.buffer.is_empty() {
            return;
        }
        let buffer = std::mem::take(&mut client.input.buffer);
        let consumed = self.run(client, &buffer);
        client.input.put_back(buffer, consumed, &mut self.buffers);
    }

    /// Runs the requests at the front of `input`; returns where the first one stands that was not run.
    fn run(&mut self, client: &mut Client, input: &[u8]) -> usize {
        let mut batch = std::mem::take(&mut self.batch);
        client.reply.ensure_chunk(&mut self.chunks);
        let mut consumed = 0;
        while self.may_run(client) {
            let stop = self.parse_ahead(client, input, consumed, &mut batch);
            if !self.run_batch(client, input, &batch, &mut consumed) {
                client.input.restart();
                if mutant!(Mutant::PausedReordered)
                    && client.session.state == State::Postponed
                    && let Some(held) = batch.requests.iter().find(|held| held.start as usize >= consumed)
                {
                    let (start, end) = (held.start as usize, held.end as usize);
                    let (before, behind) = input[start..].split_at(end - start);
                    let (overtaking, rest) = behind.split_at(batch.parsed_to - end);
                    client.input.buffer = [overtaking, before, rest].concat();
                    consumed = input.len();
                }
                break;
            }
            match stop {
                Stop::Full => {}
                Stop::NoMore => break,
                Stop::Inline { end, words } => {
                    if !self.may_run(client) || self.run_words(client, &words) == Flow::HeldBack {
                        client.input.restart();
                        break;
                    }
                    consumed = end;
                }
                Stop::Big { len, .. } if len > self.server.config.proto_max_bulk_len => {
                    // A request before it has changed what is too long.
                    client.input.restart();
                }
                Stop::Big { index, payload, len } => {
                    // What is kept is the head of this request; its payload goes where it will stay.
                    client.input.keep(&input[consumed..payload], &mut self.buffers);
                    client.input.receive(index, len);
                    client.input.fill_from(&input[payload..]);
                    consumed = input.len();
                    break;
                }
                Stop::Error(error) => {
                    sometimes!(Mark::NonsenseAfterRequests, !batch.requests.is_empty());
                    if self.may_run(client) {
                        if !batch.requests.is_empty() {
                            // The requests before it may have changed what is an error.
                            client.input.restart();
                            continue;
                        }
                        self.refuse_protocol(client, error);
                    } else {
                        // Whoever was told to leave, or to wait, is not looked at any further.
                        client.input.restart();
                    }
                    break;
                }
            }
        }
        batch.ranges.clear();
        batch.requests.clear();
        self.batch = batch;
        self.dataset.forget_hint();
        sometimes!(Mark::RequestsAfterEnd, client.session.is_closing() && consumed < input.len());
        if client.session.is_closing() { input.len() } else { consumed }
    }

    /// Runs a batch in order and moves `consumed` behind what was run. Returns whether all of it was.
    #[inline]
    fn run_batch(&mut self, client: &mut Client, input: &[u8], batch: &Batch, consumed: &mut usize) -> bool {
        for request in &batch.requests {
            if !self.may_run(client) {
                return false;
            }
            let ranges = &batch.ranges[request.first_range as usize..][..request.range_count as usize];
            let bytes = &input[request.start as usize..request.end as usize];
            if let (Some(hash), Some(command)) = (request.hash, request.command)
                && let Some(index) = command.first_key_index()
            {
                self.dataset.hint(ranges[index].of(bytes), hash);
            }
            let flow = if client.input.large.is_empty() {
                let mut args = Args::new(bytes, ranges, &[]);
                if let Some(hash) = request.element_hash
                    && let Some(index) = request.command.and_then(Command::element_index)
                {
                    args = args.with_element(index, hash);
                }
                call::call(self, client, request.command, args)
            } else {
                self.run_large(client, request.command, bytes, ranges)
            };
            if flow == Flow::HeldBack {
                sometimes!(Mark::PipelineHeldBack, (request.end as usize) < batch.parsed_to);
                return false;
            }
            *consumed = request.end as usize;
        }
        *consumed = batch.parsed_to;
        true
    }

    /// Runs a request some of whose arguments arrived in memory of their own.
    #[cold]
    fn run_large(
        &mut self,
        client: &mut Client,
        command: Option<&'static Command>,
        bytes: &[u8],
        ranges: &[ArgRange],
    ) -> Flow {
        let large = std::mem::take(&mut client.input.large);
        let flow = call::call(self, client, command, Args::new(bytes, ranges, &large));
        if flow == Flow::HeldBack {
            sometimes!(Mark::LargeArgumentHeldBack);
            client
                .input
                .hold_back(if mutant!(Mutant::HeldArgumentForgotten) { Vec::new() } else { large }, ranges);
        }
        flow
    }

    /// Runs an inline request whose words had to be unquoted.
    #[cold]
    fn run_words(&mut self, client: &mut Client, words: &[Vec<u8>]) -> Flow {
        sometimes!(Mark::QuotedInline);
        let mut bytes = Vec::new();
        let mut ranges = Vec::with_capacity(words.len());
        for word in words {
            ranges.push(ArgRange { start: bytes.len() as u32, len: word.len() as u32 });
            bytes.extend_from_slice(word);
        }
        let Some(name) = words.first() else { return Flow::Done };
        call::call(self, client, commands::lookup(name), Args::new(&bytes, &ranges, &[]))
    }

    /// Answers nonsense, and ends the connection.
    #[cold]
    fn refuse_protocol(&mut self, client: &mut Client, error: ProtocolError) {
        let text = error.text();
        let shown = String::from_utf8_lossy(&text).into_owned();
        self.server.log(LogLevel::Verbose, format!("{shown} from client: id={}", client.session.id));
        client.reply.error(&text);
        self.server.stats.note_error_reply(&text);
        client.session.close_after_reply();
    }

    /// What the parser accepts from a connection.
    #[inline]
    fn limits(&self, authenticated: bool) -> Limits {
        Limits {
            bulk_len_max: self.server.config.proto_max_bulk_len,
            inline_len_max: INLINE_LEN_MAX,
            args_max: ARGS_MAX,
            authenticated,
        }
    }

    /// Whether the client's next command may run now.
    #[inline]
    fn may_run(&self, client: &mut Client) -> bool {
        if client.reply.len() > OUTPUT_PAUSE_BYTES && client.session.state == State::Running {
            sometimes!(Mark::OutputPaused);
            client.session.state = State::OutputFull;
        }
        client.session.state == State::Running
    }

    /// Parses as many requests as a batch takes, and begins to fetch what they will look up.
    #[inline]
    fn parse_ahead(&mut self, client: &mut Client, input: &[u8], from: usize, batch: &mut Batch) -> Stop {
        batch.ranges.clear();
        batch.requests.clear();
        let is_authenticated = client.session.is_authenticated || self.server.config.requirepass.is_empty();
        let limits = self.limits(is_authenticated);
        // Until a client has authenticated, each command may change what the next one is allowed.
        let requests_max = if is_authenticated { PARSE_AHEAD_MAX } else { 1 };
        let mut at = from;
        let mut opening: Option<Opening> = None;
        let stop = loop {
            if batch.requests.len() == requests_max {
                sometimes!(Mark::BatchFull, at < input.len() && is_authenticated);
                if mutant!(Mutant::PipelineSwapped) && requests_max > 1 {
                    batch.requests.swap(requests_max - 2, requests_max - 1);
                }
                break Stop::Full;
            }
            let first_range = batch.ranges.len();
            let (rest, parser) = (&input[at..], &mut client.input.parser);
            let alike = match &opening {
                Some(opening) if opening.is_of(rest) => Some((opening.count, opening.name, opening.command)),
                _ => None,
            };
            let parsed = match alike {
                Some((count, name, _)) => parser.parse_alike(rest, &limits, &mut batch.ranges, count, name),
                None => parser.parse(rest, &limits, &mut batch.ranges),
            };
            match parsed {
                Parsed::Complete { consumed } => {
                    let ranges = &batch.ranges[first_range..];
                    let command = if let Some((.., command)) = alike {
                        command
                    } else {
                        let command = commands::lookup(ranges[0].of(rest));
                        opening = Opening::of(rest, ranges, command);
                        command
                    };
                    let request = Request {
                        start: at as u32,
                        end: (at + consumed) as u32,
                        first_range: first_range as u32,
                        range_count: ranges.len() as u32,
                        command,
                        hash: None,
                        element_hash: None,
                    };
                    batch.requests.push(request);
                    at += consumed;
                    if !client.input.large.is_empty() {
                        break Stop::Full;
                    }
                }
                Parsed::Empty { consumed } => at += consumed,
                Parsed::Incomplete => {
                    #[cfg(feature = "simulation")]
                    client.input.parser.note_split(&input[at..]);
                    break Stop::NoMore;
                }
                Parsed::Inline { consumed, args } => break Stop::Inline { end: at + consumed, words: args },
                Parsed::Big { arg_index, header_end, len } => {
                    break Stop::Big { index: arg_index, payload: at + header_end, len };
                }
                Parsed::Error(error) => break Stop::Error(error),
            }
        };
        batch.parsed_to = at;
        if batch.requests.len() > 1 {
            self.fetch(client.session.database, input, batch);
        }
        stop
    }
}
