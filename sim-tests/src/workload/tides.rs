//! What swells and shrinks: collections that cross the limits of their encodings one way and the other, a keyspace that
//! grows and empties, and iterations that go on meanwhile.

use super::draft::Draft;
use super::family::Family;
use super::{Call, Generator, Maker, Request, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "hset", weight: 2, scope: Scope::Both, make: |m| tide(m, Family::Hash) },
    Generator { name: "sadd", weight: 2, scope: Scope::Both, make: |m| tide(m, Family::Set) },
    Generator { name: "zadd", weight: 2, scope: Scope::Both, make: |m| tide(m, Family::SortedSet) },
    Generator { name: "sadd", weight: 3, scope: Scope::Both, make: widening },
    Generator { name: "zadd", weight: 3, scope: Scope::Both, make: equal_scores },
    Generator { name: "linsert", weight: 8, scope: Scope::Both, make: insertions },
];

/// Keys of the keyspace's tide, at most: enough for its table to be split several times.
const TIDE_KEYS_MAX: usize = 1_800;

/// Keys that come or go at once, at most, and at least half as many.
const WAVE_LEN_MAX: usize = 400;

/// Elements of a collection that swells, at most; twice as many are named.
const SWELL_MAX: usize = 200;

/// How many pages a client turns with the same options, about.
const PAGES: u32 = 12;

/// How far the keyspace is filled, and whether it is filling.
#[derive(Debug, Default)]
pub(super) struct Tide {
    level: usize,
    is_falling: bool,
}

/// What one client iterates over, request by request.
#[derive(Debug)]
pub(super) struct Reading {
    family: Family,
    /// HSCAN, SSCAN or ZSCAN, the key, and the options.
    words: Vec<Vec<u8>>,
}

impl Maker<'_> {
    /// Sets or removes keys in their order, so that a table grows until it is large, and then shrinks until little is
    /// left: keys drawn at random would hardly ever empty one.
    pub(super) fn wave(&mut self, is_rise: bool) -> Vec<Call> {
        let len = WAVE_LEN_MAX / 2 + self.below(WAVE_LEN_MAX / 2);
        let level = self.tide.level;
        if level == 0 || level >= TIDE_KEYS_MAX {
            self.tide.is_falling = level > 0;
        }
        // Against the tide only a little happens.
        let len = if is_rise == self.tide.is_falling { len / 20 } else { len };
        let keys = if is_rise { level..level + len } else { level.saturating_sub(len)..level };
        self.tide.level = if is_rise { keys.end } else { keys.start };
        let mut draft = Draft::new(if is_rise { "MSET" } else { "UNLINK" }).with("tide");
        if is_rise {
            draft.add("x");
        }
        for key in keys.clone() {
            draft.add(format!("tide:{key}"));
            if is_rise {
                draft.add("x");
            }
        }
        let mut calls = draft.exact();
        if is_rise && !keys.is_empty() {
            let key = format!("tide:{}", keys.start + self.below(keys.len()));
            let time = self.ahead(false, true);
            calls.extend(Draft::new("PEXPIRE").with(key).with(time).exact());
        }
        calls
    }

    /// The next page of what a client iterates over, and perhaps a change before it.
    pub(super) fn next_page(&mut self, client: u32) -> Vec<Request> {
        if !self.mix.pages_elements || self.one_in(2) {
            let is_old = self.scan_options.contains_key(&client) && !self.one_in(PAGES);
            if !is_old {
                let options = self.scan_options();
                self.scan_options.insert(client, options);
            }
            return vec![Request::Scan(self.scan_options[&client].clone())];
        }
        let Some(reading) = self.readings.remove(&client).filter(|_| !self.one_in(PAGES)) else {
            return self.first_page(client);
        };
        let mut calls = Vec::new();
        match self.below(6) {
            0 | 1 => calls = swell(self, reading.family, &reading.words[1]),
            2 | 3 => calls = drain(self, reading.family, &reading.words[1]),
            _ => {}
        }
        self.with_page(client, calls, reading)
    }

    /// Something to iterate over, and its first page.
    fn first_page(&mut self, client: u32) -> Vec<Request> {
        let kinds = [("HSCAN", Family::Hash), ("SSCAN", Family::Set), ("ZSCAN", Family::SortedSet)];
        let (name, family) = kinds[self.below(kinds.len())];
        let key = self.key_of(family);
        let mut draft = Draft::new(name).with(&key);
        if !self.one_in(4) {
            let count = 1 + self.below(20);
            draft.add_all(["COUNT".to_owned(), count.to_string()]);
        }
        if self.one_in(4) {
            draft.add_all(["MATCH", self.element_pattern()]);
        }
        // Its name and its words are those of one command.
        let words = draft.exact().remove(0).words;
        let calls = swell(self, family, &key);
        self.with_page(client, calls, Reading { family, words })
    }

    fn with_page(&mut self, client: u32, calls: Vec<Call>, reading: Reading) -> Vec<Request> {
        let mut requests: Vec<Request> = calls.into_iter().map(|call| Request::Command(call.words)).collect();
        requests.push(Request::Elements(reading.words.clone()));
        self.readings.insert(client, reading);
        requests
    }
}

/// Adds many elements to a collection.
fn swell(maker: &mut Maker<'_>, family: Family, key: &[u8]) -> Vec<Call> {
    let (command, has_pairs) = match family {
        Family::Hash => ("HSET", true),
        Family::Set => ("SADD", false),
        _ => ("ZADD", true),
    };
    let bits = maker.below(4);
    let (first, count) = (maker.below(SWELL_MAX), 10 + maker.below(SWELL_MAX >> bits));
    // A set may stay an intset by this.
    let prefix = if family == Family::Set && maker.one_in(4) { "" } else { "m" };
    let mut draft = Draft::new(command).with(key);
    for number in first..first + count {
        if has_pairs && family == Family::SortedSet {
            draft.add((number % 7 * 100 + number % 50).to_string());
        }
        draft.add(format!("{prefix}{number}"));
        if has_pairs && family == Family::Hash {
            draft.add(number.to_string());
        }
    }
    draft.exact()
}

/// Takes many elements from a collection.
fn drain(maker: &mut Maker<'_>, family: Family, key: &[u8]) -> Vec<Call> {
    let command = match family {
        Family::Hash => "HDEL",
        Family::Set => "SREM",
        _ if maker.one_in(2) => {
            let first = maker.below(60);
            let last = first + maker.below(SWELL_MAX);
            let draft = Draft::new("ZREMRANGEBYRANK").with(key).with(first.to_string());
            return draft.with(last.to_string()).exact();
        }
        _ => "ZREM",
    };
    let mut draft = Draft::new(command).with(key);
    let first = maker.below(SWELL_MAX / 3);
    // Every third mostly stays, so that neighbours are thinned rather than gone.
    let kept = if maker.one_in(2) { 3 } else { 40 };
    for number in (first..2 * SWELL_MAX).filter(|number| number % kept != 0) {
        draft.add(format!("m{number}"));
    }
    draft.exact()
}

/// A collection swells, and shrinks, and swells again.
fn tide(maker: &mut Maker<'_>, family: Family) -> Vec<Call> {
    let key = maker.key_of(family);
    let mut calls = swell(maker, family, &key);
    if maker.one_in(2) {
        calls.extend(drain(maker, family, &key));
    }
    if maker.one_in(3) {
        calls.extend(swell(maker, family, &key));
    }
    calls
}

/// Small numbers, and then one that needs more bytes, on either side of them.
fn widening(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key_of(Family::Set);
    let mut calls = if maker.one_in(2) { Draft::new("DEL").with(&key).exact() } else { Vec::new() };
    let first = maker.small_integer();
    calls.extend(Draft::new("SADD").with(&key).with(first).with(maker.small_integer()).exact());
    let wide = maker.pick(&["-40000", "40000", "-3000000000", "3000000000"]);
    calls.extend(Draft::new("SADD").with(&key).with(wide).exact());
    calls.extend(Draft::new("SISMEMBER").with(&key).with(wide).exact());
    calls.extend(Draft::new("SMEMBERS").with(key).by(Rule::Multiset));
    calls
}

/// A member is given the score that it has.
fn equal_scores(maker: &mut Maker<'_>) -> Vec<Call> {
    let (key, member) = (maker.key_of(Family::SortedSet), maker.element());
    let score = maker.below(4).to_string();
    let mut calls = Draft::new("ZADD").with(&key).with(&score).with(&member).exact();
    let mut draft = Draft::new("ZADD").with(key);
    draft.add(maker.pick(&["GT", "LT", "XX", "NX"]));
    draft.add(maker.pick(&["CH", "ch", "INCR"]));
    let by = if draft.has("INCR") { "0".to_owned() } else { score };
    calls.extend(draft.with(by).with(member).by(Rule::Scores));
    calls
}

/// Fills a list, takes a little from its front, and inserts in its middle: nodes are split there, and merged where what
/// is left of them fits together.
fn insertions(maker: &mut Maker<'_>) -> Vec<Call> {
    let key = maker.key_of(Family::List);
    let mut calls = if maker.one_in(3) { Draft::new("DEL").with(&key).exact() } else { Vec::new() };
    let len = 4 + maker.below(20);
    let mut draft = Draft::new("RPUSH").with(&key);
    // Texts of all kinds: long ones fill a node of bytes, equal letters are what is compressed.
    let is_long = maker.one_in(4);
    for number in 0..len {
        let text = format!("m{number}");
        draft.add(if is_long { text.repeat(200) } else { text });
    }
    calls.extend(draft.exact());
    if maker.one_in(2) {
        calls.extend(Draft::new("LPOP").with(&key).with((1 + maker.below(4)).to_string()).exact());
    }
    for _ in 0..1 + maker.below(5) {
        let pivot = format!("m{}", maker.below(len));
        let pivot = if is_long { pivot.repeat(200) } else { pivot };
        let side = maker.pick(&["BEFORE", "AFTER"]);
        let draft = Draft::new("LINSERT").with(&key).with(side).with(pivot);
        calls.extend(draft.with(maker.element()).exact());
    }
    if maker.one_in(2) {
        let first = maker.below(8);
        let last = first + maker.below(6);
        calls.extend(Draft::new("LTRIM").with(&key).with(first.to_string()).with(last.to_string()).exact());
    }
    calls
}
