//! Directives whose value is several words. What the words were split by is a single blank in `CONFIG SET` and in a
//! quoted value, as in Redis, so an empty word can be among them.

use crate::number::{parse_f64, parse_memory};

/// Most addresses `bind` takes.
const ADDRESSES_MAX: usize = 16;

/// The range of the kernel's OOM score adjustment, twice over, as relative ones may need it.
const OOM_SCORE_MAX: i64 = 2000;

/// The classes of `client-output-buffer-limit`, as they are shown; the second one's newer name is `replica`.
pub(super) const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

/// Splits a value at each single blank. No value is no words.
pub(super) fn split(value: &[u8]) -> Vec<&[u8]> {
    if value.is_empty() { Vec::new() } else { value.split(|&byte| byte == b' ').collect() }
}

/// The one of some words that is meant.
pub(super) fn choice(words: &[&'static str], given: &str) -> Result<&'static str, String> {
    let found = words.iter().find(|word| word.eq_ignore_ascii_case(given));
    found.copied().ok_or_else(|| format!("argument(s) must be one of the following: {}", words.join(", ")))
}

/// Some of the words; the first stands for none. They are options of `SHUTDOWN`, two of which exclude each other.
pub(super) fn choices(words: &[&'static str], given: &[&str]) -> Result<String, String> {
    if given.is_empty() {
        choice(words, "")?;
    }
    let chosen: Result<Vec<_>, _> = given.iter().map(|word| choice(words, word)).collect();
    let chosen = chosen?;
    if chosen.contains(&"save") && chosen.contains(&"nosave") {
        return Err("shutdown options SAVE and NOSAVE can't be used simultaneously".into());
    }
    let shown: Vec<_> = words[1..].iter().copied().filter(|word| chosen.contains(word)).collect();
    Ok(if shown.is_empty() { words[0].into() } else { shown.join(" ") })
}

/// Addresses to listen on. One empty word is none.
pub(super) fn addresses(given: &[&str]) -> Result<String, String> {
    if given.len() > ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    Ok(given.join(" "))
}

/// Pairs of seconds and changes. One empty word is none.
pub(super) fn save_points(given: &[&str]) -> Result<String, String> {
    let bad = || "Invalid save parameters".to_owned();
    if given == [""] {
        return Ok(String::new());
    }
    if !given.len().is_multiple_of(2) {
        return Err(bad());
    }
    let mut shown = Vec::with_capacity(given.len());
    for (index, word) in given.iter().enumerate() {
        let least = if index.is_multiple_of(2) { 1 } else { 0 };
        let number = whole_number(word).filter(|&number| number >= least).ok_or_else(bad)?;
        shown.push(number.to_string());
    }
    Ok(shown.join(" "))
}

/// Three OOM score adjustments, usually but not necessarily rising.
pub(super) fn oom_scores(given: &[&str]) -> Result<String, String> {
    if given.len() != 3 {
        return Err("wrong number of arguments".into());
    }
    let bad = || {
        format!(
            "Invalid oom-score-adj-values, elements must be between -{OOM_SCORE_MAX} and {OOM_SCORE_MAX}."
        )
    };
    let scores: Option<Vec<String>> = given
        .iter()
        .map(|word| whole_number(word).filter(|score| score.abs() <= OOM_SCORE_MAX))
        .map(|score| score.map(|score| score.to_string()))
        .collect();
    Ok(scores.ok_or_else(bad)?.join(" "))
}

/// Percentages, shown with up to six decimals. One empty word is none.
pub(super) fn percentiles(given: &[&str]) -> Result<String, String> {
    if given == [""] {
        return Ok(String::new());
    }
    let mut shown = Vec::with_capacity(given.len());
    for word in given {
        let percentile = parse_f64(word.as_bytes()).filter(|percentile| !percentile.is_nan());
        let percentile = percentile.ok_or("Invalid latency-tracking-info-percentiles parameters")?;
        if !(0.0..=100.0).contains(&percentile) {
            return Err("latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into());
        }
        shown.push(decimals(percentile));
    }
    Ok(shown.join(" "))
}

/// A master's host and port; `no one` is none.
pub(super) fn replica(given: &[&str]) -> Result<String, String> {
    let [host, port] = given else { return Err("wrong number of arguments".into()) };
    if host.eq_ignore_ascii_case("no") && port.eq_ignore_ascii_case("one") {
        return Ok(String::new());
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(format!("{host} {port}")),
        _ => Err("Invalid master port".into()),
    }
}

/// Merges limits for some classes into those of all.
pub(super) fn output_limits(given: &[&str], old: &str) -> Result<String, String> {
    if !given.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let old: Vec<&str> = old.split(' ').collect();
    let mut limits: Vec<String> = CLASSES
        .iter()
        .enumerate()
        .map(|(class, _)| old.get(class * 4 + 1..class * 4 + 4).unwrap_or(&["0", "0", "0"]).join(" "))
        .collect();
    for group in given.chunks_exact(4) {
        let class = if group[0].eq_ignore_ascii_case("replica") { "slave" } else { group[0] };
        let class = CLASSES.iter().position(|name| name.eq_ignore_ascii_case(class));
        let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let limit = (parse_memory(group[1].as_bytes()), parse_memory(group[2].as_bytes()));
        let seconds = whole_number(group[3]).filter(|&seconds| seconds >= 0);
        let ((Some(hard), Some(soft)), Some(seconds)) = (limit, seconds) else {
            return Err("Error in hard, soft or soft_seconds setting in buffer limit configuration.".into());
        };
        limits[class] = format!("{hard} {soft} {seconds}");
    }
    let shown: Vec<String> =
        CLASSES.iter().zip(&limits).map(|(class, limit)| format!("{class} {limit}")).collect();
    Ok(shown.join(" "))
}

/// An integer as C's `strtoll` takes it: blanks and a plus sign may lead, zeros too, nothing is zero, and what is
/// too large is the largest.
fn whole_number(word: &str) -> Option<i64> {
    if word.is_empty() {
        return Some(0);
    }
    let unsigned = word.trim_ascii_start();
    let (is_negative, digits) = match unsigned.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, unsigned.strip_prefix('+').unwrap_or(unsigned)),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX);
    Some(if is_negative { -size } else { size })
}

/// A number with up to six decimals, none of them a trailing zero.
fn decimals(number: f64) -> String {
    let text = format!("{number:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(of: impl Fn(&[&str]) -> Result<String, String>, given: &str, expected: &str) {
        let words = split(given.as_bytes());
        let words: Vec<&str> = words.into_iter().map(|word| std::str::from_utf8(word).unwrap()).collect();
        assert_eq!(of(&words).unwrap_or_else(|text| text), expected, "{given:?}");
    }

    #[test]
    fn words_are_split_at_each_blank() {
        let check = |value: &str, expected: &[&str]| {
            let expected: Vec<&[u8]> = expected.iter().map(|word| word.as_bytes()).collect();
            assert_eq!(split(value.as_bytes()), expected, "{value:?}");
        };
        check("", &[]);
        check(" ", &["", ""]);
        check("a", &["a"]);
        check("a  b", &["a", "", "b"]);
    }

    #[test]
    fn shutdown_options() {
        const WORDS: &[&str] = &["default", "save", "nosave", "now", "force"];
        let none = "argument(s) must be one of the following: default, save, nosave, now, force";
        for (given, expected) in [
            ("nosave force", "nosave force"),
            ("now FORCE now", "now force"),
            ("default now", "now"),
            ("default", "default"),
            ("nosave save", "shutdown options SAVE and NOSAVE can't be used simultaneously"),
            ("x", none),
            ("", none),
            ("nosave  force", none),
        ] {
            check(|words| choices(WORDS, words), given, expected);
        }
    }

    #[test]
    fn save_points_come_in_pairs() {
        let bad = "Invalid save parameters";
        for (given, expected) in [
            ("", ""),
            ("3600 1", "3600 1"),
            ("1 2 300 01", "1 2 300 1"),
            ("1 0", "1 0"),
            ("99999999999999999999 1", "9223372036854775807 1"),
            ("1", bad),
            ("1 2 3", bad),
            ("0 2", bad),
            ("1 -1", bad),
            ("1 x", bad),
            ("x 1", bad),
            ("  1   2", bad),
            (" ", bad),
            ("1 2 ", bad),
            ("+1 0x2", bad),
        ] {
            check(save_points, given, expected);
        }
        assert_eq!(save_points(&[""]), Ok(String::new()));
    }

    #[test]
    fn lists_of_numbers() {
        let range = "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
        for (given, expected) in [
            ("0 200 800", "0 200 800"),
            ("+1 -2 03", "1 -2 3"),
            ("3 2 1", "3 2 1"),
            ("-2000 0 2000", "-2000 0 2000"),
            ("1  2", "1 0 2"),
            ("1 2", "wrong number of arguments"),
            ("1 2 x", range),
            ("1 2 2001", range),
            ("-2001 0 0", range),
        ] {
            check(oom_scores, given, expected);
        }
        for (given, expected) in [
            ("50.0 99.90 1e1", "50 99.9 10"),
            ("1e-7 99.12345678901234567 33.333333333333", "0 99.123457 33.333333"),
            ("0 100", "0 100"),
            ("", ""),
            ("50 101", "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]"),
            ("50 x", "Invalid latency-tracking-info-percentiles parameters"),
            ("nan", "Invalid latency-tracking-info-percentiles parameters"),
            ("1  2", "Invalid latency-tracking-info-percentiles parameters"),
        ] {
            check(percentiles, given, expected);
        }
    }

    #[test]
    fn hosts_to_bind_to_and_to_follow() {
        let sixteen = vec!["::1"; 16].join(" ");
        check(addresses, &sixteen, &sixteen);
        check(addresses, &format!("{sixteen} ::1"), "Too many bind addresses specified.");
        check(addresses, "", "");
        assert_eq!(addresses(&[""]), Ok(String::new()));
        check(replica, "example 6379", "example 6379");
        check(replica, "NO one", "");
        check(replica, "example 0", "Invalid master port");
        check(replica, "example x", "Invalid master port");
        check(replica, "example", "wrong number of arguments");
    }

    #[test]
    fn limits_of_other_classes_stay() {
        let old = "normal 0 0 0 slave 1 2 3 pubsub 4 5 6";
        let wrong = "Wrong number of arguments in buffer limit configuration.";
        let bad = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        let class = "Invalid client class specified in buffer limit configuration.";
        for (given, expected) in [
            ("", old),
            ("normal 1kb 0 10", "normal 1024 0 10 slave 1 2 3 pubsub 4 5 6"),
            ("replica 9 9 9 PUBSUB 0 0 0", "normal 0 0 0 slave 9 9 9 pubsub 0 0 0"),
            ("slave 1 1 1 replica 2 2 2", "normal 0 0 0 slave 2 2 2 pubsub 4 5 6"),
            ("NORMAL 1k 1kb 01", "normal 1000 1024 1 slave 1 2 3 pubsub 4 5 6"),
            ("normal 1 2", wrong),
            (" ", wrong),
            ("normal 1 1 1 normal 2 2", wrong),
            ("odd 1 1 1", class),
            ("master 0 0 0", class),
            ("normal x 1 1", bad),
            ("normal -1 0 1", bad),
            ("normal 0 0 -1", bad),
        ] {
            check(|words| output_limits(words, old), given, expected);
        }
    }
}
