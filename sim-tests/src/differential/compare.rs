//! When two replies count as equal.

use crate::reply::Reply;

/// How a command's replies are compared. Errors are compared to the byte, whatever the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// To the byte.
    Exact,
    /// Integers may differ by so much: the two servers read their clocks at different moments. Seen in TTL,
    /// PTTL, EXPIRETIME and PEXPIRETIME, of keys whose expiry was given as a span of time.
    Within(i64),
    /// The elements of an array, in any order: each server's table has its own.
    Multiset,
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
}

/// Whether the model, which is of Redis 7.2 and shares nothing, is known to answer otherwise than the oracle,
/// whose reply this is.
///
/// * `OBJECT REFCOUNT` of a copied integer is 1, as [`Rule::RefCount`] says.
#[must_use]
pub fn is_known_otherwise(rule: Rule, oracle: &Reply) -> bool {
    rule == Rule::RefCount && *oracle == Reply::Integer(1)
}

fn sorted(items: &[Reply]) -> Vec<&Reply> {
    let mut items: Vec<&Reply> = items.iter().collect();
    items.sort();
    items
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
