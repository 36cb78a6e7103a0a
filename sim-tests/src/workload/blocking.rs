//! Generators of commands that wait, and of what ends their waiting.
//!
//! They meet at a few keys which are mostly empty. Against a real server, whose clock nobody holds, only what is
//! answered at once is sent: something is there, the arguments are wrong, or the command stands in a transaction.

use super::draft::Draft;
use super::family::Family;
use super::maker::one;
use super::{Call, Generator, Maker, Rule, Scope};

pub(super) const TABLE: &[Generator] = &[
    Generator { name: "blmove", weight: 6, scope: Scope::Both, make: |m| at_once(m, blmove) },
    Generator { name: "blmpop", weight: 6, scope: Scope::Both, make: |m| at_once(m, blmpop) },
    Generator { name: "blpop", weight: 6, scope: Scope::Both, make: |m| at_once(m, |m| pop(m, "BLPOP")) },
    Generator { name: "brpop", weight: 6, scope: Scope::Both, make: |m| at_once(m, |m| pop(m, "BRPOP")) },
    Generator { name: "brpoplpush", weight: 4, scope: Scope::Both, make: |m| at_once(m, brpoplpush) },
    Generator { name: "bzmpop", weight: 6, scope: Scope::Both, make: |m| at_once(m, bzmpop) },
    Generator {
        name: "bzpopmax",
        weight: 6,
        scope: Scope::Both,
        make: |m| at_once(m, |m| ranked(m, "BZPOPMAX")),
    },
    Generator {
        name: "bzpopmin",
        weight: 6,
        scope: Scope::Both,
        make: |m| at_once(m, |m| ranked(m, "BZPOPMIN")),
    },
    Generator { name: "blmove", weight: 8, scope: Scope::Simulator, make: |m| blmove(m).0 },
    Generator { name: "blmpop", weight: 8, scope: Scope::Simulator, make: |m| blmpop(m).0 },
    Generator { name: "blpop", weight: 10, scope: Scope::Simulator, make: |m| pop(m, "BLPOP").0 },
    Generator { name: "brpop", weight: 10, scope: Scope::Simulator, make: |m| pop(m, "BRPOP").0 },
    Generator { name: "brpoplpush", weight: 4, scope: Scope::Simulator, make: |m| brpoplpush(m).0 },
    Generator { name: "bzmpop", weight: 8, scope: Scope::Simulator, make: |m| bzmpop(m).0 },
    Generator { name: "bzpopmax", weight: 8, scope: Scope::Simulator, make: |m| ranked(m, "BZPOPMAX").0 },
    Generator { name: "bzpopmin", weight: 8, scope: Scope::Simulator, make: |m| ranked(m, "BZPOPMIN").0 },
    Generator { name: "rpush", weight: 25, scope: Scope::Simulator, make: |m| feed(m, Family::Queue) },
    Generator { name: "zadd", weight: 15, scope: Scope::Simulator, make: |m| feed(m, Family::Ranking) },
    Generator { name: "client", weight: 8, scope: Scope::Simulator, make: unblock },
];

/// Commands that may be answered later than they arrive.
pub const BLOCKING: [&str; 8] =
    ["blmove", "blmpop", "blpop", "brpop", "brpoplpush", "bzmpop", "bzpopmax", "bzpopmin"];

/// A command that may wait, and the key it looks at first.
type Waiting = (Vec<Call>, Vec<u8>);

impl Maker<'_> {
    /// How long to wait, in seconds; 0 is for ever.
    fn waiting_time(&mut self) -> &'static str {
        match self.below(20) {
            // Redis 7.0 takes what is beyond its clock for something negative.
            0 if !self.is_compared() => self.pick(&["-1", "x", "inf", "1e300", ""]),
            0 => self.pick(&["-1", "x", "nan", ""]),
            1..4 if self.mix.waits_forever => self.pick(&["0", "0", "0.0", "0.0001"]),
            _ => self.pick(&["0.001", "0.002", "0.005", "0.01", "0.02", "0.05"]),
        }
    }

    /// A key that clients wait at, or one of those that mostly hold something.
    fn waiting_key(&mut self, queue: Family, usual: Family) -> Vec<u8> {
        let family = match self.below(60) {
            0 => self.any_family(),
            // Where others wait for something else.
            1..4 => {
                if queue == Family::Queue {
                    Family::Ranking
                } else {
                    Family::Queue
                }
            }
            4..16 => usual,
            _ => queue,
        };
        self.key_of(family)
    }
}

fn list_key(maker: &mut Maker<'_>) -> Vec<u8> {
    maker.waiting_key(Family::Queue, Family::List)
}

fn ranked_key(maker: &mut Maker<'_>) -> Vec<u8> {
    maker.waiting_key(Family::Ranking, Family::SortedSet)
}

/// What would wait, after its key was given something. If that fails the key is of another type, which is told at once.
fn at_once(maker: &mut Maker<'_>, make: impl Fn(&mut Maker<'_>) -> Waiting) -> Vec<Call> {
    let (waiting, key) = make(maker);
    let mut calls = if waiting[0].words[0].starts_with(b"BZ") {
        Draft::new("ZADD").with(key).with("1").with(maker.element()).exact()
    } else {
        Draft::new("RPUSH").with(key).with(maker.element()).exact()
    };
    calls.extend(waiting);
    calls
}

/// Gives a waiting client, or several, what they wait for.
fn feed(maker: &mut Maker<'_>, family: Family) -> Vec<Call> {
    let key = maker.key_of(family);
    let mut draft = Draft::new(match family {
        Family::Ranking => "ZADD",
        _ => maker.pick(&["LPUSH", "RPUSH"]),
    });
    draft.add(&key);
    // Enough for a few who wait, mostly.
    let count = maker.few() + maker.below(3);
    for _ in 0..count {
        if family == Family::Ranking {
            draft.add(maker.below(5).to_string());
        }
        draft.add(maker.element());
    }
    let mut calls = draft.exact();
    // Who is served what was there for a moment only?
    match maker.below(12) {
        0 => calls.extend(Draft::new("DEL").with(key).exact()),
        1 => {
            calls.insert(0, one(Rule::Exact, &[b"MULTI"]).remove(0));
            calls.extend(Draft::new("DEL").with(key).exact());
            calls.extend(Draft::new("INCR").with(maker.key_of(Family::String)).exact());
            calls.extend(one(Rule::Exact, &[b"EXEC"]));
        }
        2 => {
            let other = maker.key_of(family);
            calls.extend(Draft::new("RENAME").with(key).with(other).exact());
        }
        3 => {
            calls[0] = Draft::new("SET").with(&key).with("x").exact().remove(0);
            calls.extend(Draft::new("DEL").with(key).exact());
        }
        4 => {
            // The key becomes another type before anybody is served.
            let other = if family == Family::Ranking {
                Draft::new("RPUSH").with(&key).with(maker.element())
            } else {
                Draft::new("ZADD").with(&key).with("1").with(maker.element())
            };
            calls.insert(0, one(Rule::Exact, &[b"MULTI"]).remove(0));
            calls.extend(Draft::new("DEL").with(&key).exact());
            calls.extend(other.exact());
            calls.extend(one(Rule::Exact, &[b"EXEC"]));
            calls.extend(Draft::new("DEL").with(key).exact());
        }
        _ => {}
    }
    calls
}

fn unblock(maker: &mut Maker<'_>) -> Vec<Call> {
    let mut draft = Draft::new("CLIENT").with("UNBLOCK").with((1 + maker.below(24)).to_string());
    if maker.one_in(2) {
        draft.add(maker.pick(&["TIMEOUT", "ERROR", "error", "NOPE"]));
    }
    draft.exact()
}

/// BLPOP and BRPOP.
fn pop(maker: &mut Maker<'_>, name: &str) -> Waiting {
    keys_and_time(maker, name, list_key)
}

/// BZPOPMIN and BZPOPMAX.
fn ranked(maker: &mut Maker<'_>, name: &str) -> Waiting {
    keys_and_time(maker, name, ranked_key)
}

fn keys_and_time(maker: &mut Maker<'_>, name: &str, key: fn(&mut Maker<'_>) -> Vec<u8>) -> Waiting {
    let first = key(maker);
    let mut draft = Draft::new(name).with(&first);
    for _ in 1..maker.few() {
        draft.add(key(maker));
    }
    (draft.with(maker.waiting_time()).by(Rule::Scores), first)
}

fn blmove(maker: &mut Maker<'_>) -> Waiting {
    let source = list_key(maker);
    let target = if maker.one_in(5) { source.clone() } else { list_key(maker) };
    let draft = Draft::new("BLMOVE").with(&source).with(target);
    let draft = draft.with(maker.list_end()).with(maker.list_end());
    (draft.with(maker.waiting_time()).exact(), source)
}

fn brpoplpush(maker: &mut Maker<'_>) -> Waiting {
    let source = list_key(maker);
    let target = if maker.one_in(5) { source.clone() } else { list_key(maker) };
    (Draft::new("BRPOPLPUSH").with(&source).with(target).with(maker.waiting_time()).exact(), source)
}

fn blmpop(maker: &mut Maker<'_>) -> Waiting {
    let (mut draft, first) = numbered(maker, "BLMPOP", list_key);
    maker.add_list_pop(&mut draft);
    (draft.exact(), first)
}

fn bzmpop(maker: &mut Maker<'_>) -> Waiting {
    let (mut draft, first) = numbered(maker, "BZMPOP", ranked_key);
    maker.add_ranked_pop(&mut draft);
    (draft.by(Rule::Scores), first)
}

/// A time, the number of keys, and keys.
fn numbered(maker: &mut Maker<'_>, name: &str, key: fn(&mut Maker<'_>) -> Vec<u8>) -> (Draft, Vec<u8>) {
    let first = key(maker);
    let count = maker.few();
    let time = maker.waiting_time();
    let shown =
        if maker.one_in(40) { maker.pick(&["0", "-1", "x", "100"]).to_owned() } else { count.to_string() };
    let mut draft = Draft::new(name).with(time).with(shown).with(&first);
    for _ in 1..count {
        draft.add(key(maker));
    }
    (draft, first)
}
