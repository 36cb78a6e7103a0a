//! [`Maker`]: what generators draw from.

use super::family::Family;
use super::malformed;
use super::mix::{Expiries, Mix};
use super::tides::{Reading, Tide};
use super::{Call, GROUPS, Request, Rule};
use rand::seq::IndexedRandom;
use rand::{Rng, RngExt};
use rand_chacha::ChaCha8Rng;
use std::collections::{BTreeMap, VecDeque};

/// Keys that only ever hold short strings: LCS takes time in proportion to the product of two lengths.
const SHORT_KEYS: u32 = 6;

/// An instant far ahead: 2100-01-01, in seconds.
const FAR_AHEAD: i64 = 4_102_444_800;

/// Spans of time that keys are given last between a day and some years, in seconds, so that none ends while a
/// run lasts and hardly two are alike.
const SPAN: std::ops::Range<i64> = 86_400..200_000_000;

/// What stands in a place where it does not belong.
const ODD_WORDS: [&[u8]; 23] = [
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
    b"(1",
    b"[m1",
    b"-inf",
    b"nan",
    b"LIMIT",
    b"COUNT",
    b"WITHSCORES",
];

/// Commands whose reply another word would leave to chance, one in which 7.0 takes a number that 7.2 does not, and
/// one in which Redis adds up times beyond all bounds.
const FRAGILE: [&[u8]; 6] = [b"HSCAN", b"LPOS", b"RESTORE", b"SPOP", b"SSCAN", b"ZSCAN"];

/// Makes commands, all of them from one seed.
#[derive(Debug)]
pub struct Maker<'a> {
    pub(super) mix: &'a Mix,
    random: ChaCha8Rng,
    weights: u32,
    wall_ms: i64,
    /// What the next command's keys are meant for.
    pub(super) family: Family,
    /// The families there are.
    pub(super) families: Vec<Family>,
    /// What clients have begun and not yet sent to its end.
    unsent: BTreeMap<u32, VecDeque<Call>>,
    /// Whether what is made stands in a transaction.
    pub(super) is_queueing: bool,
    /// The options with which clients go through the keys.
    pub(super) scan_options: BTreeMap<u32, Vec<Vec<u8>>>,
    /// The collections that clients go through.
    pub(super) readings: BTreeMap<u32, Reading>,
    pub(super) tide: Tide,
}

impl<'a> Maker<'a> {
    /// Everything follows from the mix and `random`.
    #[must_use]
    pub fn new(mix: &'a Mix, random: ChaCha8Rng) -> Maker<'a> {
        Maker {
            mix,
            random,
            weights: mix.weights.iter().sum(),
            wall_ms: 0,
            family: Family::String,
            families: Family::ALL.into_iter().filter(|family| family.is_there(mix.is_for_model)).collect(),
            unsent: BTreeMap::new(),
            is_queueing: false,
            scan_options: BTreeMap::new(),
            readings: BTreeMap::new(),
            tide: Tide::default(),
        }
    }

    /// A number below `end`, for whoever plays what is made here.
    pub fn below(&mut self, end: usize) -> usize {
        self.random.random_range(0..end)
    }

    /// Requests that one client sends at once, at about this time.
    ///
    /// A transaction, or a pause with what happens in it, may be cut: the rest is what the client sends first the next time, so that others come between.
    pub fn pipeline(&mut self, client: u32, wall_ms: i64) -> Vec<Request> {
        self.wall_ms = wall_ms;
        let len = if self.one_in(3) { 1 } else { self.random.random_range(1..=self.mix.pipeline_len_max) };
        let mut requests = Vec::with_capacity(len);
        let mut unsent = self.unsent.remove(&client).unwrap_or_default();
        while requests.len() < len {
            if self.random.random_ratio(self.mix.malformed_per_thousand, 1_000) {
                requests.push(Request::Raw(malformed::make(self)));
                continue;
            }
            if self.random.random_ratio(self.mix.scans_per_thousand, 1_000) {
                requests.extend(self.next_page(client));
                continue;
            }
            if unsent.is_empty() && self.random.random_ratio(self.mix.rewrites_per_thousand, 1_000) {
                unsent.extend(one(Rule::Kind, &[b"CONFIG", b"REWRITE"]));
            }
            if unsent.is_empty() {
                unsent.extend(self.calls());
                let may_be_cut = unsent.iter().any(|call| {
                    call.words[0] == b"EXEC" || call.words.get(1).is_some_and(|word| word == b"PAUSE")
                });
                if may_be_cut && unsent.len() > 1 && self.one_in(2) {
                    let sent = 1 + self.below(unsent.len() - 1);
                    let rest = unsent.split_off(sent);
                    self.send(&mut requests, unsent);
                    self.unsent.insert(client, rest);
                    break;
                }
            }
            self.send(&mut requests, std::mem::take(&mut unsent));
        }
        requests
    }

    /// Makes requests of commands.
    fn send(&mut self, requests: &mut Vec<Request>, calls: VecDeque<Call>) {
        for call in calls {
            let is_inline = self.random.random_ratio(self.mix.inline_per_thousand, 1_000);
            requests.push(if is_inline {
                Request::inline(&call.words)
            } else {
                Request::Command(call.words)
            });
        }
    }

    /// One command, or a few that belong together.
    pub fn calls(&mut self) -> Vec<Call> {
        let mut at = self.random.random_range(0..self.weights);
        let rows = GROUPS.iter().flat_map(|group| group.table.iter().map(|row| (group.family, row)));
        for ((family, generator), &weight) in rows.zip(&self.mix.weights) {
            if at < weight {
                self.family = family.unwrap_or_else(|| self.any_family());
                let mut calls = (generator.make)(self);
                // Commands that belong together name the same keys; a mistake in one would part them.
                if calls.len() == 1 && self.may_be_spoilt(&calls[0]) && self.one_in(30) {
                    self.spoil(&mut calls[0].words);
                }
                return calls;
            }
            at -= weight;
        }
        unreachable!("the weights add up")
    }

    /// One of the usual, and now and then what is no such thing.
    pub(super) fn pick_or(&mut self, usual: &[&'static str], odd: &'static str) -> &'static str {
        if self.one_in(40) { odd } else { self.pick(usual) }
    }

    /// Random bytes.
    pub(super) fn bytes(&mut self, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        self.random.fill_bytes(&mut bytes);
        bytes
    }

    /// Whether servers answer alike when there is a mistake in this.
    fn may_be_spoilt(&self, call: &Call) -> bool {
        !self.is_compared() || !FRAGILE.contains(&call.words[0].as_slice())
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

    /// Whether replies are compared with those of a server that nobody sees into.
    pub(super) fn is_compared(&self) -> bool {
        self.mix.is_compared
    }

    pub(super) fn one_in(&mut self, count: u32) -> bool {
        self.random.random_ratio(1, count)
    }

    pub(super) fn pick<'t, T: ?Sized>(&mut self, from: &[&'t T]) -> &'t T {
        // The lists are constants, and none is empty.
        from.choose(&mut self.random).expect("something to pick from")
    }

    pub(super) fn cold_key(&mut self) -> Vec<u8> {
        format!("key:{}", self.random.random_range(0..self.mix.cold_keys)).into_bytes()
    }

    pub(super) fn short_key(&mut self) -> Vec<u8> {
        format!("short:{}", self.random.random_range(0..SHORT_KEYS)).into_bytes()
    }

    pub(super) fn value(&mut self) -> Vec<u8> {
        let mut value = match self.random.random_range(0..100) {
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
            98 => self.text(2_000..16_000),
            _ => {
                // The longest would be most of all bytes there are.
                let end = if self.one_in(8) { 350_000 } else { 40_000 };
                let len = self.random.random_range(16_000..end);
                vec![b'a' + (len % 26) as u8; len]
            }
        };
        value.truncate(self.mix.value_len_max);
        value
    }

    pub(super) fn text(&mut self, len: std::ops::Range<usize>) -> Vec<u8> {
        let len = self.random.random_range(len);
        let mut text = vec![0; len];
        self.random.fill_bytes(&mut text);
        text.iter_mut().for_each(|byte| *byte = b'a' + *byte % 6);
        text
    }

    pub(super) fn integer(&mut self) -> String {
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

    pub(super) fn float(&mut self) -> String {
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

    pub(super) fn database(&mut self) -> Vec<u8> {
        let index = if self.one_in(6) {
            self.random.random_range(0..=self.mix.databases)
        } else {
            self.random.random_range(0..3)
        };
        index.to_string().into_bytes()
    }

    /// An expiry: a span or an instant, in seconds or milliseconds.
    pub(super) fn ahead(&mut self, is_instant: bool, is_ms: bool) -> Vec<u8> {
        let (ms, now_ms) = match self.mix.expiries {
            Expiries::Lasting => {
                let fraction = self.random.random_range(0..1_000);
                (self.random.random_range(SPAN) * 1_000 + fraction, FAR_AHEAD * 1_000)
            }
            Expiries::Within(ms_max) => {
                let bits = self.random.random_range(0..=ms_max.max(1).ilog2());
                (self.random.random_range(1..=ms_max.min(1 << bits)) as i64, self.wall_ms)
            }
        };
        let number = if is_instant { now_ms + ms } else { ms };
        // Seconds are rounded up, so that a span is never none.
        let number = if is_ms { number } else { (number + 999) / 1_000 };
        number.to_string().into_bytes()
    }

    pub(super) fn keyed(&mut self, name: &str, rest: &[&[u8]]) -> Vec<Call> {
        let key = self.key();
        let words: Vec<&[u8]> = [name.as_bytes(), &key].into_iter().chain(rest.iter().copied()).collect();
        one(Rule::Exact, &words)
    }

    pub(super) fn timed(&mut self, name: &str, rule: Rule) -> Vec<Call> {
        let key = self.key();
        one(rule, &[name.as_bytes(), &key])
    }

    pub(super) fn increment(&mut self, name: &str) -> Vec<Call> {
        let by = self.integer();
        self.keyed(name, &[by.as_bytes()])
    }

    pub(super) fn many_keys(&mut self, name: &str) -> Vec<Call> {
        let mut words = vec![name.as_bytes().to_vec()];
        for _ in 0..self.random.random_range(1..6) {
            words.push(self.key());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    pub(super) fn pairs(&mut self, name: &str) -> Vec<Call> {
        let mut words = vec![name.as_bytes().to_vec()];
        for _ in 0..self.random.random_range(1..5) {
            words.push(self.key());
            words.push(self.value());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    pub(super) fn two_keys(&mut self, name: &str) -> Vec<Call> {
        let other = self.key();
        self.keyed(name, &[&other])
    }

    pub(super) fn range(&mut self, name: &str) -> Vec<Call> {
        let mut index = || self.random.random_range(-60..60).to_string();
        let (start, end) = (index(), index());
        self.keyed(name, &[start.as_bytes(), end.as_bytes()])
    }

    pub(super) fn flush(&mut self, name: &str) -> Vec<Call> {
        if !self.one_in(self.mix.flush_rarity) {
            return one(Rule::Exact, &[b"DBSIZE"]);
        }
        let mode = self.pick(&["", "ASYNC", "SYNC"]).as_bytes();
        let words: &[&[u8]] = if mode.is_empty() { &[name.as_bytes()] } else { &[name.as_bytes(), mode] };
        one(Rule::Exact, words)
    }

    pub(super) fn expire(&mut self, name: &str, is_instant: bool, is_ms: bool) -> Vec<Call> {
        let time = if self.one_in(10) { b"-1".to_vec() } else { self.ahead(is_instant, is_ms) };
        let mut words = vec![name.as_bytes().to_vec(), self.key(), time];
        for _ in 0..self.pick(&[[0], [0], [1], [2]].each_ref())[0] {
            words.push(self.pick(&["NX", "XX", "GT", "LT", "gt"]).as_bytes().to_vec());
        }
        vec![Call { words, rule: Rule::Exact }]
    }

    pub(super) fn set_with_span(&mut self, name: &str, is_ms: bool) -> Vec<Call> {
        let (span, value) = (self.ahead(false, is_ms), self.value());
        self.keyed(name, &[&span, &value])
    }

    /// An expiry option as SET and GETEX take it. Whether it is past is the second answer.
    pub(super) fn expiry_option(&mut self) -> (Vec<Vec<u8>>, bool) {
        let option = self.pick(&["EX", "PX", "EXAT", "PXAT"]);
        let (is_instant, is_ms) = (option.ends_with("AT"), option.starts_with('P'));
        let is_past = is_instant && self.one_in(5);
        let time = if is_past { b"1".to_vec() } else { self.ahead(is_instant, is_ms) };
        (vec![option.as_bytes().to_vec(), time], is_past)
    }

    /// Options of SCAN.
    pub fn scan_options(&mut self) -> Vec<Vec<u8>> {
        let mut options = Vec::new();
        if self.one_in(2) {
            options.extend([b"COUNT".to_vec(), self.random.random_range(1..2_000).to_string().into_bytes()]);
        }
        if self.one_in(3) {
            options.extend([b"MATCH".to_vec(), self.pattern()]);
        }
        if self.one_in(4) {
            options.extend([
                b"TYPE".to_vec(),
                self.pick(&["string", "list", "STRING", "hash", "set", "zset"]).as_bytes().to_vec(),
            ]);
        }
        options
    }

    pub(super) fn pattern(&mut self) -> Vec<u8> {
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
            "list:*",
            "?set:1*",
        ];
        self.pick(&patterns).as_bytes().to_vec()
    }
}

/// One command with these words.
pub(super) fn one(rule: Rule, words: &[&[u8]]) -> Vec<Call> {
    vec![Call { words: words.iter().map(|word| word.to_vec()).collect(), rule }]
}
