//! Makes random commands. One generator per command, each with a weight; whatever a generator makes must be
//! decided by the seed alone, never by a reply.

use super::compare::Rule;
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// One command, and how its replies are compared.
#[derive(Clone, Debug)]
pub struct Call {
    /// The command's words.
    pub words: Vec<Vec<u8>>,
    /// How its replies are compared.
    pub rule: Rule,
}

/// What is played in one go.
#[derive(Clone, Debug)]
pub enum Round {
    /// These commands, sent at once by one connection.
    Pipeline(Vec<Call>),
    /// SCAN with these options until its cursor is 0 again; the keys are compared as a set.
    Scan(Vec<Vec<u8>>),
    /// RANDOMKEY: each server's key must be one of the other's.
    RandomKey,
    /// QUIT, and a new connection.
    Quit,
}

/// A command's generator.
struct Generator {
    name: &'static str,
    weight: u32,
    make: fn(&mut Maker) -> Vec<Call>,
}

/// Commands the differential does not send, and why.
pub const EXCLUDED: &[(&str, &str)] = &[
    ("command", "describes the server's own table; see corpus/transcripts/server/command-*.resp"),
    ("config", "changes the server under everybody's feet; see corpus/transcripts/server/config-*.resp"),
    ("debug", "stops or inspects the server; see corpus/transcripts/server/debug.resp"),
    ("info", "shows the server's own figures; see corpus/transcripts/server/info.resp"),
    ("shutdown", "ends the server; see corpus/transcripts/server/shutdown.resp"),
    ("time", "shows the server's own clock"),
    ("quit", "ends the connection: a round of its own"),
    ("randomkey", "picks at random: a round of its own"),
];

/// The longest pipeline.
pub const PIPELINE_LEN_MAX: usize = 50;

/// Keys that are used again and again.
const HOT_KEYS: u32 = 100;

/// Keys that are used now and then.
const COLD_KEYS: u32 = 5_000;

/// Keys that only ever hold short strings: LCS takes time in proportion to the product of two lengths.
const SHORT_KEYS: u32 = 6;

/// Databases that are used now and then; most is done in the first few.
const DATABASES: u32 = 16;

/// A flush is made of one in so many that are drawn, so that the keyspace has time to grow.
const FLUSH_RARITY: u32 = 30;

/// Tolerance for times in seconds.
const SECONDS: Rule = Rule::Within(1);

/// Tolerance for times in milliseconds: a batch takes far less.
const MILLISECONDS: Rule = Rule::Within(1_500);

/// An instant far ahead: 2100-01-01, in seconds.
const FAR_AHEAD: i64 = 4_102_444_800;

/// Spans of time that keys are given last between a day and some years, in seconds, so that none ends while a
/// run lasts and hardly two are alike.
const SPAN: std::ops::Range<i64> = 86_400..200_000_000;

/// What stands in a place where it does not belong.
const ODD_WORDS: [&[u8]; 16] = [
    b"",
    b"abc",
    b"-1",
    b"0",
    b"1.5",
    b" 7",
    b"7 ",
    b"+7",
    b"007",
    b"9223372036854775807",
    b"-9223372036854775808",
    b"9223372036854775808",
    b"\x00\xff",
    b"NX",
    b"KEEPTTL",
    b"GET",
];

const GENERATORS: &[Generator] = &[
    Generator { name: "append", weight: 20, make: append },
    Generator { name: "auth", weight: 1, make: auth },
    Generator { name: "client", weight: 2, make: client },
    Generator { name: "copy", weight: 12, make: copy },
    Generator { name: "dbsize", weight: 8, make: |_| one(Rule::Exact, &[b"DBSIZE"]) },
    Generator { name: "decr", weight: 8, make: |m| m.keyed("DECR", &[]) },
    Generator { name: "decrby", weight: 8, make: |m| m.increment("DECRBY") },
    Generator { name: "del", weight: 15, make: |m| m.many_keys("DEL") },
    Generator {
        name: "echo",
        weight: 2,
        make: |m| {
            let value = m.value();
            one(Rule::Exact, &[b"ECHO", &value])
        },
    },
    Generator { name: "exists", weight: 10, make: |m| m.many_keys("EXISTS") },
    Generator { name: "expire", weight: 12, make: |m| m.expire("EXPIRE", false, false) },
    Generator { name: "expireat", weight: 8, make: |m| m.expire("EXPIREAT", true, false) },
    Generator { name: "expiretime", weight: 8, make: |m| m.timed("EXPIRETIME", SECONDS) },
    Generator { name: "flushall", weight: 1, make: |m| m.flush("FLUSHALL") },
    Generator { name: "flushdb", weight: 1, make: |m| m.flush("FLUSHDB") },
    Generator { name: "get", weight: 60, make: |m| m.keyed("GET", &[]) },
    Generator { name: "getdel", weight: 6, make: |m| m.keyed("GETDEL", &[]) },
    Generator { name: "getex", weight: 15, make: getex },
    Generator { name: "getrange", weight: 12, make: |m| m.range("GETRANGE") },
    Generator {
        name: "getset",
        weight: 8,
        make: |m| {
            let value = m.value();
            m.keyed("GETSET", &[&value])
        },
    },
    Generator { name: "hello", weight: 1, make: hello },
    Generator { name: "incr", weight: 20, make: |m| m.keyed("INCR", &[]) },
    Generator { name: "incrby", weight: 12, make: |m| m.increment("INCRBY") },
    Generator { name: "incrbyfloat", weight: 25, make: incrbyfloat },
    Generator { name: "keys", weight: 2, make: keys },
    Generator { name: "lcs", weight: 6, make: lcs },
    Generator { name: "mget", weight: 12, make: |m| m.many_keys("MGET") },
    Generator {
        name: "move",
        weight: 8,
        make: |m| {
            let index = m.database();
            m.keyed("MOVE", &[&index])
        },
    },
    Generator { name: "mset", weight: 8, make: |m| m.pairs("MSET") },
    Generator { name: "msetnx", weight: 8, make: |m| m.pairs("MSETNX") },
    Generator { name: "object", weight: 15, make: object },
    Generator { name: "persist", weight: 6, make: |m| m.keyed("PERSIST", &[]) },
    Generator { name: "pexpire", weight: 8, make: |m| m.expire("PEXPIRE", false, true) },
    Generator { name: "pexpireat", weight: 8, make: |m| m.expire("PEXPIREAT", true, true) },
    Generator { name: "pexpiretime", weight: 8, make: |m| m.timed("PEXPIRETIME", MILLISECONDS) },
    Generator { name: "ping", weight: 2, make: ping },
    Generator { name: "psetex", weight: 5, make: |m| m.set_with_span("PSETEX", true) },
    Generator { name: "pttl", weight: 8, make: |m| m.timed("PTTL", MILLISECONDS) },
    Generator { name: "rename", weight: 10, make: |m| m.two_keys("RENAME") },
    Generator { name: "renamenx", weight: 8, make: |m| m.two_keys("RENAMENX") },
    Generator { name: "reset", weight: 1, make: |_| one(Rule::Exact, &[b"RESET"]) },
    Generator { name: "scan", weight: 2, make: scan_mistake },
    Generator {
        name: "select",
        weight: 6,
        make: |m| {
            let index = m.database();
            one(Rule::Exact, &[b"SELECT", &index])
        },
    },
    Generator { name: "set", weight: 80, make: set },
    Generator { name: "setex", weight: 5, make: |m| m.set_with_span("SETEX", false) },
    Generator {
        name: "setnx",
        weight: 10,
        make: |m| {
            let value = m.value();
            m.keyed("SETNX", &[&value])
        },
    },
    Generator { name: "setrange", weight: 12, make: setrange },
    Generator { name: "strlen", weight: 10, make: |m| m.keyed("STRLEN", &[]) },
    Generator { name: "substr", weight: 3, make: |m| m.range("SUBSTR") },
    Generator { name: "swapdb", weight: 1, make: swapdb },
    Generator { name: "touch", weight: 5, make: |m| m.many_keys("TOUCH") },
    Generator { name: "ttl", weight: 12, make: |m| m.timed("TTL", SECONDS) },
    Generator { name: "type", weight: 8, make: |m| m.keyed("TYPE", &[]) },
    Generator { name: "unlink", weight: 8, make: |m| m.many_keys("UNLINK") },
];

/// Commands that neither have a generator nor a reason not to.
#[must_use]
pub fn uncovered<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let is_covered = |name: &&str| {
        GENERATORS.iter().any(|generator| generator.name == *name)
            || EXCLUDED.iter().any(|(excluded, _)| excluded == name)
    };
    names.filter(|name| !is_covered(name)).collect()
}

/// Makes commands, all of them from one seed.
#[derive(Debug)]
pub struct Maker {
    random: ChaCha8Rng,
    weights: u32,
}

impl Maker {
    /// Everything follows from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Maker {
        let weights = GENERATORS.iter().map(|generator| generator.weight).sum();
        Maker { random: ChaCha8Rng::seed_from_u64(seed), weights }
    }

    /// A number below `end`, for whoever plays what is made here.
    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// What is played next.
    pub fn round(&mut self) -> Round {
        match self.random.random_range(0..1_000) {
            0..=3 => Round::Scan(self.scan_options()),
            4..=9 => Round::RandomKey,
            10 => Round::Quit,
            _ => {
                let len = if self.one_in(3) { 1 } else { self.random.random_range(1..=PIPELINE_LEN_MAX) };
                let mut calls = Vec::new();
                while calls.len() < len {
                    calls.extend(self.calls());
                }
                Round::Pipeline(calls)
            }
        }
    }

    /// One command, or a few that belong together.
    fn calls(&mut self) -> Vec<Call> {
        let mut at = self.random.random_range(0..self.weights);
        for generator in GENERATORS {
            if at < generator.weight {
                let mut calls = (generator.make)(self);
                // Commands that belong together name the same keys; a mistake in one would part them.
                if calls.len() == 1 && self.one_in(30) {
                    self.spoil(&mut calls[0].words);
                }
                return calls;
            }
            at -= generator.weight;
        }
        unreachable!("the weights add up")
    }

    /// Makes a mistake: too few words, too many, one that does not belong, or the name in another case.
    fn spoil(&mut self, words: &mut Vec<Vec<u8>>) {
        let at = self.random.random_range(0..words.len());
        let odd = self.pick(&ODD_WORDS).to_vec();
        match self.random.random_range(0..5) {
            0 if words.len() > 1 => drop(words.remove(at.max(1))),
            1 => words.insert(at + 1, odd),
            2 if at > 0 => words[at] = odd,
            3 => {
                let word = words[at].clone();
                words.insert(at + 1, word);
            }
            _ => {
                for byte in &mut words[0] {
                    if self.random.random_ratio(1, 2) {
                        byte.make_ascii_lowercase();
                    }
                }
            }
        }
    }

    fn one_in(&mut self, count: u32) -> bool {
        self.random.random_ratio(1, count)
    }

    fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        // The lists are constants, and none is empty.
        from.choose(&mut self.random).expect("something to pick from")
    }

    fn key(&mut self) -> Vec<u8> {
        if self.one_in(50) {
            return match self.random.random_range(0..4) {
                0 => Vec::new(),
                1 => b"\x00\xff\r\n".to_vec(),
                2 => vec![b'k'; 300],
                _ => b"key with blanks".to_vec(),
            };
        }
        let count = if self.one_in(4) { COLD_KEYS } else { HOT_KEYS };
        format!("key:{}", self.random.random_range(0..count)).into_bytes()
    }

    fn short_key(&mut self) -> Vec<u8> {
        format!("short:{}", self.random.random_range(0..SHORT_KEYS)).into_bytes()
    }

    fn value(&mut self) -> Vec<u8> {
        match self.random.random_range(0..100) {
            0..=29 => self.integer().into_bytes(),
            30..=39 => self.float().into_bytes(),
            40..=44 => Vec::new(),
            45..=69 => self.text(1..40),
            70..=79 => self.text(40..50),
            80..=89 => {
                let len = self.random.random_range(0..300);
                let mut bytes = vec![0; len];
                self.random.fill_bytes(&mut bytes);
                bytes
            }
            90..=97 => self.text(200..2_000),
            98 => self.text(10_000..40_000),
            _ => {
                let len = self.random.random_range(16_000..150_000);
                vec![b'a' + (len % 26) as u8; len]
            }
        }
    }

    fn text(&mut self, len: std::ops::Range<usize>) -> Vec<u8> {
        let len = self.random.random_range(len);
        (0..len).map(|_| self.random.random_range(b'a'..=b'f')).collect()
    }

    fn integer(&mut self) -> String {
        match self.random.random_range(0..10) {
            0 => i64::MAX.to_string(),
            1 => i64::MIN.to_string(),
            2 => (i64::MAX - self.random.random_range(0..100)).to_string(),
            3 => self.random.random::<i64>().to_string(),
            4 => self.random.random::<u64>().to_string(),
            5 => format!("0{}", self.random.random_range(0..100)),
            6 => self.random.random_range(-20_000..20_000).to_string(),
            _ => self.random.random_range(-10..10).to_string(),
        }
    }

    fn float(&mut self) -> String {
        let digits = self.random.random_range(0..18_usize);
        let scale = 10_f64.powi(self.random.random_range(-3..12));
        let number = (self.random.random::<f64>() - 0.5) * scale;
        match self.random.random_range(0..12) {
            0 => format!("{number:e}"),
            1 => self
                .pick(&["inf", "-inf", "nan", "1e5000", "0x1p-3", "1e-30", "-0.0", ".5", "5.", "1e308"])
                .to_owned(),
            2 => format!("{}", number.round()),
            _ => format!("{number:.digits$}"),
        }
    }

    fn database(&mut self) -> Vec<u8> {
        let index = if self.one_in(6) {
            self.random.random_range(0..=DATABASES)
        } else {
            self.random.random_range(0..3)
        };
        index.to_string().into_bytes()
    }

    /// An expiry that lies far ahead: a span or an instant, in seconds or milliseconds.
    fn ahead(&mut self, is_instant: bool, is_ms: bool) -> Vec<u8> {
        let seconds = self.random.random_range(SPAN) + if is_instant { FAR_AHEAD } else { 0 };
        let fraction = self.random.random_range(0..1_000);
        let number = if is_ms { seconds * 1_000 + fraction } else { seconds };
        number.to_string().into_bytes()
    }

    fn keyed(&mut self, name: &str, rest: &[&[u8]]) -> Vec<Call> {
        let key = self.key();
        let words: Vec<&[u8]> = [name.as_bytes(), &key].into_iter().chain(rest.iter().copied()).collect();
        one(Rule::Exact, &words)
    }

    fn timed(&mut self, name: &str, rule: Rule) -> Vec<Call> {
        let key = self.key();
        one(rule, &[name.as_bytes(), &key])
    }

    fn increment(&mut self, name: &str) -> Vec<Call> {
        let by = self.integer();
        self.keyed(name, &[by.as_bytes()])
    }

    fn many_keys(&mut self, name: &str) -> Vec<Call> {
        let mut words = vec![name.as_bytes().to_vec()];
        for _ in 0..self.random.random_range(1..6) {
            words.push(self.key());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    fn pairs(&mut self, name: &str) -> Vec<Call> {
        let mut words = vec![name.as_bytes().to_vec()];
        for _ in 0..self.random.random_range(1..5) {
            words.push(self.key());
            words.push(self.value());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    fn two_keys(&mut self, name: &str) -> Vec<Call> {
        let other = self.key();
        self.keyed(name, &[&other])
    }

    fn range(&mut self, name: &str) -> Vec<Call> {
        let mut index = || self.random.random_range(-60..60).to_string();
        let (start, end) = (index(), index());
        self.keyed(name, &[start.as_bytes(), end.as_bytes()])
    }

    fn flush(&mut self, name: &str) -> Vec<Call> {
        if !self.one_in(FLUSH_RARITY) {
            return one(Rule::Exact, &[b"DBSIZE"]);
        }
        let mode = self.pick(&["", "ASYNC", "SYNC"]).as_bytes();
        let words: &[&[u8]] = if mode.is_empty() { &[name.as_bytes()] } else { &[name.as_bytes(), mode] };
        one(Rule::Exact, words)
    }

    fn expire(&mut self, name: &str, is_instant: bool, is_ms: bool) -> Vec<Call> {
        let time = if self.one_in(10) { b"-1".to_vec() } else { self.ahead(is_instant, is_ms) };
        let mut words = vec![name.as_bytes().to_vec(), self.key(), time];
        for _ in 0..self.pick(&[[0], [0], [1], [2]].each_ref())[0] {
            words.push(self.pick(&["NX", "XX", "GT", "LT", "gt"]).as_bytes().to_vec());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    fn set_with_span(&mut self, name: &str, is_ms: bool) -> Vec<Call> {
        let (span, value) = (self.ahead(false, is_ms), self.value());
        self.keyed(name, &[&span, &value])
    }

    /// An expiry option as SET and GETEX take it. Whether it is past is the second answer.
    fn expiry_option(&mut self) -> (Vec<Vec<u8>>, bool) {
        let option = self.pick(&["EX", "PX", "EXAT", "PXAT"]);
        let (is_instant, is_ms) = (option.ends_with("AT"), option.starts_with('P'));
        let is_past = is_instant && self.one_in(5);
        let time = if is_past { b"1".to_vec() } else { self.ahead(is_instant, is_ms) };
        (vec![option.as_bytes().to_vec(), time], is_past)
    }

    fn scan_options(&mut self) -> Vec<Vec<u8>> {
        let mut options = Vec::new();
        if self.one_in(2) {
            options.extend([b"COUNT".to_vec(), self.random.random_range(1..2_000).to_string().into_bytes()]);
        }
        if self.one_in(3) {
            options.extend([b"MATCH".to_vec(), self.pattern()]);
        }
        if self.one_in(4) {
            options.extend([b"TYPE".to_vec(), self.pick(&["string", "list", "STRING"]).as_bytes().to_vec()]);
        }
        options
    }

    fn pattern(&mut self) -> Vec<u8> {
        let patterns = [
            "*",
            "key:*",
            "key:?",
            "key:[1-3]*",
            "key:[^1-3]*",
            "*9",
            "*:1*0",
            "short:*",
            "none",
            "",
            "key\\:1",
            "k*y*1",
        ];
        self.pick(&patterns).as_bytes().to_vec()
    }
}

fn one(rule: Rule, words: &[&[u8]]) -> Vec<Call> {
    vec![Call { words: words.iter().map(|word| word.to_vec()).collect(), rule }]
}

fn append(maker: &mut Maker) -> Vec<Call> {
    if maker.one_in(6) {
        let (key, text) = (maker.short_key(), maker.text(0..6));
        return one(Rule::Exact, &[b"APPEND", &key, &text]);
    }
    let value = maker.value();
    maker.keyed("APPEND", &[&value])
}

fn auth(maker: &mut Maker) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(3) {
        0 => &[b"AUTH", b"x"],
        1 => &[b"AUTH", b"nobody", b"x"],
        _ => &[b"AUTH", b"default", b"x"],
    };
    one(Rule::Exact, words)
}

fn client(maker: &mut Maker) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(6) {
        0 => &[b"CLIENT", b"SETNAME", b"someone"],
        1 => &[b"CLIENT", b"SETNAME", b"no blanks"],
        2 => &[b"CLIENT", b"NO-EVICT", b"on"],
        3 => &[b"CLIENT", b"NOPE"],
        _ => &[b"CLIENT", b"GETNAME"],
    };
    one(Rule::Exact, words)
}

fn copy(maker: &mut Maker) -> Vec<Call> {
    let mut words = vec![b"COPY".to_vec(), maker.key(), maker.key()];
    if maker.one_in(3) {
        words.extend([b"DB".to_vec(), maker.database()]);
    }
    if maker.one_in(2) {
        words.push(b"REPLACE".to_vec());
    }
    vec![Call { words, rule: Rule::Exact }]
}

fn getex(maker: &mut Maker) -> Vec<Call> {
    let mut words = vec![b"GETEX".to_vec(), maker.key()];
    match maker.below(5) {
        0 => {}
        1 => words.push(b"PERSIST".to_vec()),
        _ => words.extend(maker.expiry_option().0),
    }
    if maker.one_in(15) {
        words.push(b"PERSIST".to_vec());
    }
    vec![Call { words, rule: Rule::Exact }]
}

fn hello(maker: &mut Maker) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(4) {
        0 => &[b"HELLO", b"2"],
        1 => &[b"HELLO", b"3"],
        2 => &[b"HELLO", b"4"],
        _ => &[b"HELLO"],
    };
    one(Rule::Handshake, words)
}

fn incrbyfloat(maker: &mut Maker) -> Vec<Call> {
    let by = if maker.one_in(3) { maker.integer() } else { maker.float() };
    maker.keyed("INCRBYFLOAT", &[by.as_bytes()])
}

fn keys(maker: &mut Maker) -> Vec<Call> {
    let pattern = maker.pattern();
    one(Rule::Multiset, &[b"KEYS", &pattern])
}

/// LCS among the short keys, with something put into one of them first.
fn lcs(maker: &mut Maker) -> Vec<Call> {
    let (key, text) = (maker.short_key(), maker.text(0..60));
    let mut calls = one(Rule::Exact, &[b"SET", &key, &text]);
    let mut words = vec![b"LCS".to_vec(), maker.short_key(), maker.short_key()];
    match maker.below(5) {
        0 => {}
        1 => words.push(b"LEN".to_vec()),
        _ => {
            words.push(b"IDX".to_vec());
            if maker.one_in(2) {
                words.push(b"WITHMATCHLEN".to_vec());
            }
            if maker.one_in(2) {
                words.extend([b"MINMATCHLEN".to_vec(), maker.below(6).to_string().into_bytes()]);
            }
        }
    }
    calls.push(Call { words, rule: Rule::Exact });
    calls
}

fn object(maker: &mut Maker) -> Vec<Call> {
    let key = maker.key();
    let (name, rule): (&[u8], Rule) = match maker.below(10) {
        0 => (b"REFCOUNT", Rule::RefCount),
        1 => (b"IDLETIME", Rule::Kind),
        2 => (b"FREQ", Rule::Exact),
        3 => (b"NOPE", Rule::Exact),
        _ => (b"ENCODING", Rule::Exact),
    };
    one(rule, &[b"OBJECT", name, &key])
}

fn ping(maker: &mut Maker) -> Vec<Call> {
    if maker.one_in(2) { one(Rule::Exact, &[b"PING"]) } else { one(Rule::Exact, &[b"PING", b"hello"]) }
}

fn scan_mistake(maker: &mut Maker) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(4) {
        0 => &[b"SCAN", b"abc"],
        1 => &[b"SCAN", b"0", b"COUNT", b"0"],
        2 => &[b"SCAN", b"0", b"COUNT", b"x"],
        _ => &[b"SCAN", b"0", b"NOPE"],
    };
    one(Rule::Kind, words)
}

fn set(maker: &mut Maker) -> Vec<Call> {
    let key = maker.key();
    let mut words = vec![b"SET".to_vec(), key.clone(), maker.value()];
    if maker.one_in(2) {
        return vec![Call { words, rule: Rule::Exact }];
    }
    let mut is_past = false;
    if maker.one_in(3) {
        words.push(maker.pick(&["NX", "XX"]).as_bytes().to_vec());
    }
    match maker.below(6) {
        0 => words.push(b"KEEPTTL".to_vec()),
        1..=3 => {
            let (option, past) = maker.expiry_option();
            words.extend(option);
            is_past = past;
        }
        _ => {}
    }
    if maker.one_in(4) {
        words.push(b"GET".to_vec());
    }
    let mut calls = vec![Call { words, rule: Rule::Exact }];
    if is_past {
        calls.extend(meet_expired(maker, &key));
    }
    calls
}

/// A key whose time is past meets some command, and is then made to go: while it waits to be found, DBSIZE
/// counts it, and which command finds it first is each server's own affair.
fn meet_expired(maker: &mut Maker, key: &[u8]) -> Vec<Call> {
    let words: &[&[u8]] = match maker.below(12) {
        0 => &[b"GET", key],
        1 => &[b"INCR", key],
        2 => &[b"APPEND", key, b"x"],
        3 => &[b"SETNX", key, b"x"],
        4 => &[b"RENAME", key, key],
        5 => &[b"PERSIST", key],
        6 => &[b"DEL", key],
        7 => &[b"SETRANGE", key, b"1", b"x"],
        8 => &[b"EXPIRE", key, b"100000"],
        9 => &[b"GETSET", key, b"x"],
        10 => &[b"SET", key, b"x", b"XX"],
        _ => &[b"TTL", key],
    };
    let mut calls = one(Rule::Exact, words);
    calls.extend(one(Rule::Exact, &[b"EXISTS", key]));
    calls
}

fn setrange(maker: &mut Maker) -> Vec<Call> {
    let offset = if maker.one_in(40) { maker.below(60_000) } else { maker.below(60) };
    let text = maker.text(0..10);
    maker.keyed("SETRANGE", &[offset.to_string().as_bytes(), &text])
}

fn swapdb(maker: &mut Maker) -> Vec<Call> {
    let (first, second) = (maker.database(), maker.database());
    one(Rule::Exact, &[b"SWAPDB", &first, &second])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_of_the_core_is_made_or_excluded() {
        let names = rotom_core::commands::all().map(|command| command.name);
        assert_eq!(uncovered(names), Vec::<&str>::new());
        assert_eq!(uncovered(["nope", "get"].into_iter()), ["nope"]);
    }

    #[test]
    fn the_seed_decides() {
        let made = |seed| {
            let mut maker = Maker::new(seed);
            (0..100).map(|_| format!("{:?}", maker.round())).collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }
}
