//! When two replies count as equal.

use crate::model::modern_score;
use crate::reply::Reply;

/// How a command's replies are compared. Errors are compared to the byte, whatever the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// To the byte.
    Exact,
    /// Integers may differ by so much: the two servers read their clocks at different moments. Seen in TTL,
    /// PTTL, EXPIRETIME and PEXPIRETIME, of keys whose expiry was given as a span of time.
    Within(i64),
    /// The elements of an array or a set, in any order: each server's table has its own.
    Multiset,
    /// The pairs of a map, in any order. With RESP2 they lie flat in an array.
    Pairs,
    /// A cursor, and elements in any order.
    Page,
    /// A cursor, and an array in which pairs lie flat, in any order.
    PairsPage,
    /// Scores, as numbers: Redis 7.2 prints them with fewer digits than 7.0. And since it makes large sets for many
    /// members where 7.0 begins with a listpack, which takes a zero's sign away, it keeps more signs: they are the
    /// model's to judge.
    Scores,
    /// A cursor, and members with their scores in any order.
    ScoresPage,
    /// Only the kind of reply and its length: what is in it was picked at random.
    Random,
    /// OBJECT ENCODING: Redis 7.0 has no `listpack` for sets, and a `quicklist` around the only one of a short list;
    /// and it does not make room for all that a command has before it knows what is new. Types are not told apart
    /// here: the model, which is of 7.2, judges the core's reply.
    Encoding,
    /// Only the kind of reply. OBJECT IDLETIME counts seconds of real time, which the core's clock does not
    /// pass in the same steps; one call of SCAN shows whatever stands first in each server's own table.
    Kind,
    /// OBJECT REFCOUNT shows whether Redis shares an integer. A copy of a shared one is not shared; rotom,
    /// which shares nothing, goes by the value alone.
    RefCount,
    /// HELLO: `version` and `id` are the server's own.
    Handshake,
}

/// What Redis 7.0.15 shows for an integer it shares.
const SHARED: i64 = i32::MAX as i64;

impl Rule {
    /// Whether the oracle's reply and the core's are as good as equal.
    #[must_use]
    pub fn accepts(self, oracle: &Reply, core: &Reply) -> bool {
        if oracle == core {
            return true;
        }
        match (self, oracle, core) {
            // Redis distinguishes -2 (no key) and -1 (no expiry) from a time; so must the core.
            (Rule::Within(tolerance), Reply::Integer(a), Reply::Integer(b)) => {
                *a >= 0 && *b >= 0 && a.abs_diff(*b) <= tolerance.unsigned_abs()
            }
            (Rule::Multiset, Reply::Array(a), Reply::Array(b)) => sorted(a) == sorted(b),
            (Rule::Multiset, Reply::Set(a), Reply::Set(b)) => sorted(a) == sorted(b),
            (Rule::Pairs, Reply::Map(a), Reply::Map(b)) => sorted(a) == sorted(b),
            (Rule::Pairs, Reply::Array(a), Reply::Array(b)) => are_same_pairs(a, b),
            (Rule::Scores, a, b) => as_numbers(a) == as_numbers(b),
            (Rule::ScoresPage, a, b) => Rule::PairsPage.accepts(&as_numbers(a), &as_numbers(b)),
            (Rule::Page | Rule::PairsPage, Reply::Array(a), Reply::Array(b)) => match (&a[..], &b[..]) {
                ([from, Reply::Array(a)], [to, Reply::Array(b)]) if self == Rule::Page => {
                    from == to && sorted(a) == sorted(b)
                }
                ([from, Reply::Array(a)], [to, Reply::Array(b)]) => from == to && are_same_pairs(a, b),
                _ => false,
            },
            (Rule::Random, a, b) => have_same_shape(a, b),
            (Rule::Encoding, Reply::Bulk(a), Reply::Bulk(b)) => {
                let others: &[&[u8]] = match a.as_slice() {
                    b"quicklist" => &[b"listpack"],
                    b"intset" => &[b"listpack", b"hashtable"],
                    b"hashtable" => &[b"listpack", b"intset"],
                    b"listpack" => &[b"hashtable", b"skiplist"],
                    _ => &[],
                };
                others.contains(&b.as_slice())
            }
            (Rule::Kind, Reply::Integer(_), Reply::Integer(_)) => true,
            (Rule::Kind, Reply::Array(_), Reply::Array(_)) => true,
            (Rule::RefCount, Reply::Integer(1), Reply::Integer(SHARED)) => true,
            (Rule::Handshake, Reply::Array(a), Reply::Array(b)) => masked(a) == masked(b),
            (Rule::Handshake, Reply::Map(a), Reply::Map(b)) => {
                let flat = |pairs: &[(Reply, Reply)]| -> Vec<Reply> {
                    pairs.iter().flat_map(|(key, value)| [key.clone(), value.clone()]).collect()
                };
                masked(&flat(a)) == masked(&flat(b))
            }
            _ => false,
        }
    }

    /// Which of two replies that are as good as equal the model is to judge: the oracle's, but where Redis 7.2 differs
    /// the core's.
    #[must_use]
    pub fn judged<'a>(self, oracle: &'a Reply, core: &'a Reply) -> &'a Reply {
        match self {
            // What is picked at random shows scores, too, and whether it is there the model knows.
            Rule::Encoding | Rule::Random => core,
            Rule::Scores | Rule::ScoresPage if are_signs_alike(oracle, core) => oracle,
            Rule::Scores | Rule::ScoresPage => core,
            _ => oracle,
        }
    }
}

/// Whether two replies have zeros with the same signs, as far as they are alike at all.
fn are_signs_alike(a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Bulk(a) | Reply::Double(a), Reply::Bulk(b) | Reply::Double(b)) => {
            (a == b"-0") == (b == b"-0")
        }
        (Reply::Array(a), Reply::Array(b)) => a.iter().zip(b).all(|(a, b)| are_signs_alike(a, b)),
        _ => true,
    }
}

/// Whether the model, which is of Redis 7.2 and shares nothing, is known to answer otherwise than the oracle,
/// whose reply this is.
///
/// * `OBJECT REFCOUNT` of a copied integer is 1, as [`Rule::RefCount`] says.
/// * `OBJECT IDLETIME` of an integer that Redis shares is that of whichever key used it last.
/// * `OBJECT ENCODING` of collections may be another in 7.0, as [`Rule::Encoding`] says.
#[must_use]
pub fn is_known_otherwise(rule: Rule, oracle: &Reply) -> bool {
    match (rule, oracle) {
        (Rule::RefCount, Reply::Integer(1)) | (Rule::Kind, Reply::Integer(_)) => true,
        (Rule::Encoding, Reply::Bulk(name)) => {
            let of_collections: [&[u8]; 4] = [b"quicklist", b"hashtable", b"intset", b"listpack"];
            of_collections.contains(&name.as_slice())
        }
        _ => false,
    }
}

/// Whether a request has a form that Redis 7.0 does not have: ZRANK and ZREVRANK take a fourth word since 7.2.
#[must_use]
pub fn is_newer(words: &[Vec<u8>]) -> bool {
    let is_rank = |name: &str| words[0].eq_ignore_ascii_case(name.as_bytes());
    words.len() == 4 && ["zrank", "zrevrank"].into_iter().any(is_rank)
}

/// The oracle's reply to a command as Redis 7.2 would give it: scores with no more digits than they need. Only
/// ZSCAN prints them as before, if the set is large.
#[must_use]
pub fn modernised(words: &[Vec<u8>], reply: &Reply) -> Reply {
    let has_scores = words.iter().any(|word| word.eq_ignore_ascii_case(b"WITHSCORES"));
    match (words[0].to_ascii_lowercase().as_slice(), reply) {
        (b"zadd" | b"zincrby" | b"zscore", _) => modern(reply),
        (b"zmscore", Reply::Array(scores)) => Reply::Array(scores.iter().map(modern).collect()),
        (b"bzpopmin" | b"bzpopmax", Reply::Array(items)) => match items.as_slice() {
            [key, member, score] => Reply::Array(vec![key.clone(), member.clone(), modern(score)]),
            _ => reply.clone(),
        },
        (b"zmpop" | b"bzmpop", Reply::Array(items)) => match items.as_slice() {
            [key, Reply::Array(pairs)] => Reply::Array(vec![key.clone(), with_modern_scores(pairs)]),
            _ => reply.clone(),
        },
        (b"zpopmin" | b"zpopmax", Reply::Array(items)) => with_modern_scores(items),
        ([b'z', ..], Reply::Array(items)) if has_scores => with_modern_scores(items),
        _ => reply.clone(),
    }
}

fn modern(score: &Reply) -> Reply {
    let modern = |text: &Vec<u8>| modern_score(text).unwrap_or_else(|| text.clone());
    match score {
        Reply::Bulk(text) => Reply::Bulk(modern(text)),
        Reply::Double(text) => Reply::Double(modern(text)),
        other => other.clone(),
    }
}

/// Members with their scores, flat or in pairs.
fn with_modern_scores(items: &[Reply]) -> Reply {
    let item = |(place, item): (usize, &Reply)| match item {
        Reply::Array(pair) => match pair.as_slice() {
            [member, score] => Reply::Array(vec![member.clone(), modern(score)]),
            _ => item.clone(),
        },
        _ if place % 2 == 1 => modern(item),
        _ => item.clone(),
    };
    Reply::Array(items.iter().enumerate().map(item).collect())
}

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut items: Vec<&T> = items.iter().collect();
    items.sort();
    items
}

fn are_same_pairs(a: &[Reply], b: &[Reply]) -> bool {
    let (pairs, rest) = a.as_chunks::<2>();
    let (others, other_rest) = b.as_chunks::<2>();
    sorted(pairs) == sorted(others) && rest == other_rest
}

fn number(text: &[u8]) -> Option<f64> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// The reply with all that looks like a number in one form.
fn as_numbers(reply: &Reply) -> Reply {
    let all = |items: &[Reply]| items.iter().map(as_numbers).collect();
    match reply {
        Reply::Bulk(text) | Reply::Double(text) => match number(text) {
            // Adding zero makes a negative zero positive.
            Some(number) => Reply::Double((number + 0.0).to_string().into_bytes()),
            None => reply.clone(),
        },
        Reply::Array(items) => Reply::Array(all(items)),
        Reply::Set(items) => Reply::Set(all(items)),
        _ => reply.clone(),
    }
}

fn have_same_shape(a: &Reply, b: &Reply) -> bool {
    match (a, b) {
        (Reply::Bulk(_), Reply::Bulk(_)) | (Reply::Double(_), Reply::Double(_)) => true,
        (Reply::Array(a), Reply::Array(b)) | (Reply::Set(a), Reply::Set(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| have_same_shape(a, b))
        }
        _ => a == b,
    }
}

/// HELLO's fields without what differs from server to server.
fn masked(fields: &[Reply]) -> Vec<(&Reply, Option<&Reply>)> {
    let (pairs, _) = fields.as_chunks::<2>();
    let own = [Reply::Bulk(b"version".to_vec()), Reply::Bulk(b"id".to_vec())];
    pairs.iter().map(|[key, value]| (key, (!own.contains(key)).then_some(value))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_accept_what_they_name_and_no_more() {
        let integer = Reply::Integer;
        let bulk = |text: &str| Reply::Bulk(text.as_bytes().to_vec());
        let check = |rule: Rule, a: Reply, b: Reply, accepted: bool| {
            assert_eq!(rule.accepts(&a, &b), accepted, "{rule:?} {a:?} {b:?}");
        };
        check(Rule::Exact, integer(1), integer(1), true);
        check(Rule::Exact, integer(1), integer(2), false);
        check(Rule::Within(1), integer(1), integer(2), true);
        check(Rule::Within(1), integer(1), integer(3), false);
        check(Rule::Within(1), integer(-1), integer(-2), false);
        check(Rule::Within(1), integer(-1), integer(0), false);
        let array = |items: &[Reply]| Reply::Array(items.to_vec());
        check(Rule::Multiset, array(&[bulk("a"), bulk("b")]), array(&[bulk("b"), bulk("a")]), true);
        check(Rule::Multiset, array(&[bulk("a"), bulk("a")]), array(&[bulk("a"), bulk("b")]), false);
        let pairs = |text: &str| array(&text.chars().map(|c| bulk(&c.to_string())).collect::<Vec<_>>());
        check(Rule::Pairs, pairs("k1l2"), pairs("l2k1"), true);
        check(Rule::Pairs, pairs("k1l2"), pairs("k2l1"), false);
        let page = |cursor: &str, text: &str| array(&[bulk(cursor), pairs(text)]);
        check(Rule::Page, page("0", "abc"), page("0", "cab"), true);
        check(Rule::Page, page("0", "abc"), page("1", "abc"), false);
        check(Rule::Page, page("0", "abc"), page("0", "abd"), false);
        check(Rule::PairsPage, page("0", "k1l2"), page("0", "l2k1"), true);
        check(Rule::PairsPage, page("0", "k1l2"), page("0", "12kl"), false);
        check(Rule::Random, pairs("ab"), pairs("xx"), true);
        check(Rule::Random, pairs("ab"), pairs("a"), false);
        check(Rule::Random, bulk("a"), Reply::NullBulk, false);
        check(Rule::Scores, bulk("0.10000000000000001"), bulk("0.1"), true);
        check(Rule::Scores, bulk("0.1"), bulk("0.2"), false);
        check(Rule::Scores, bulk("0"), bulk("-0"), true);
        check(Rule::Scores, bulk("0"), bulk("-0.0000001"), false);
        assert_eq!(Rule::Scores.judged(&bulk("0"), &bulk("-0")), &bulk("-0"));
        assert_eq!(Rule::Scores.judged(&bulk("7.0"), &bulk("7")), &bulk("7.0"));
        assert_eq!(Rule::Encoding.judged(&bulk("hashtable"), &bulk("listpack")), &bulk("listpack"));
        check(
            Rule::Scores,
            array(&[bulk("m"), bulk("1e+17")]),
            array(&[bulk("m"), bulk("100000000000000000")]),
            true,
        );
        check(Rule::ScoresPage, page("0", "k1l2"), page("0", "l2k1"), true);
        let words = |text: &str| text.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
        let (old, new) = ("0.10000000000000001", "0.1");
        let scored = |score: &str| array(&[bulk(old), bulk(score)]);
        assert_eq!(modernised(&words("ZRANGE z 0 1 WITHSCORES"), &scored(old)), scored(new));
        assert_eq!(modernised(&words("ZRANGE z 0 1"), &scored(old)), scored(old));
        check(Rule::Encoding, bulk("hashtable"), bulk("listpack"), true);
        check(Rule::Encoding, bulk("listpack"), bulk("hashtable"), true);
        check(Rule::Encoding, bulk("skiplist"), bulk("listpack"), false);
        check(Rule::Encoding, bulk("listpack"), bulk("quicklist"), false);
        check(Rule::Encoding, bulk("embstr"), bulk("raw"), false);
        check(Rule::Encoding, bulk("intset"), bulk("hashtable"), true);
        check(Rule::Encoding, bulk("quicklist"), bulk("listpack"), true);
        check(Rule::Kind, integer(1), integer(9), true);
        check(Rule::Kind, integer(1), Reply::NullBulk, false);
        check(Rule::RefCount, integer(1), integer(SHARED), true);
        check(Rule::RefCount, integer(SHARED), integer(1), false);
        let hello =
            |version: &str, proto| array(&[bulk("version"), bulk(version), bulk("proto"), integer(proto)]);
        check(Rule::Handshake, hello("7.0", 2), hello("7.2", 2), true);
        check(Rule::Handshake, hello("7.0", 2), hello("7.2", 3), false);
    }
}
