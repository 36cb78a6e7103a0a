//! What values a directive takes, and how they are shown.

use crate::number::{parse_i64, parse_memory};

/// What values a directive takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `yes` or `no`.
    YesNo,
    /// One of some words.
    Choice(&'static [&'static str]),
    /// An integer from the first to the second number.
    Integer(i64, i64),
    /// An integer that is brought into the range from the first to the second number, if it is not negative.
    Clamped(i64, i64),
    /// An amount of memory such as `64mb`, from the first to the second number of bytes.
    Memory(i64, i64),
    /// An amount of memory, or a share of `maxmemory` such as `5%`.
    PercentOrMemory,
    /// Permission bits in octal.
    Octal,
    /// Any text.
    Text,
    /// Any number of words.
    Words,
    /// Four words for each class of clients: its name, the hard limit, the soft limit, seconds.
    OutputLimits,
}

/// The classes of `client-output-buffer-limit`; the second one's new name is `replica`.
const CLASSES: [&str; 3] = ["normal", "slave", "pubsub"];

impl Kind {
    /// Whether the directive takes several words on its line.
    pub(super) fn takes_words(self) -> bool {
        matches!(self, Kind::Words | Kind::OutputLimits)
    }

    /// Checks a value and gives it the form `CONFIG GET` shows. `old` is the value it replaces.
    ///
    /// # Errors
    /// Redis' words for what is wrong.
    pub(super) fn normalise(self, value: &str, old: &str) -> Result<String, String> {
        match self {
            Kind::YesNo => {
                let word = value.to_ascii_lowercase();
                if word == "yes" || word == "no" {
                    Ok(word)
                } else {
                    Err("argument must be 'yes' or 'no'".into())
                }
            }
            Kind::Choice(words) => {
                let word = words.iter().find(|word| word.eq_ignore_ascii_case(value));
                let text = || format!("argument(s) must be one of the following: {}", words.join(", "));
                word.map(|word| (*word).to_owned()).ok_or_else(text)
            }
            Kind::Integer(min, max) => {
                let number =
                    parse_i64(value.as_bytes()).ok_or("argument couldn't be parsed into an integer")?;
                in_range(number, min, max)
            }
            Kind::Clamped(min, max) => {
                let shown = Kind::Integer(0, i64::from(i32::MAX)).normalise(value, old)?;
                // It has just been parsed.
                Ok(shown.parse().unwrap_or(min).clamp(min, max).to_string())
            }
            Kind::Memory(min, max) => {
                let bytes = parse_memory(value.as_bytes()).ok_or("argument must be a memory value")?;
                in_range(i64::try_from(bytes).unwrap_or(i64::MAX), min, max)
            }
            Kind::PercentOrMemory => match value.strip_suffix('%') {
                Some(percent) => match percent.parse::<u8>() {
                    Ok(0..=100) => Ok(value.to_owned()),
                    _ => Err("argument must be a memory or percent value".into()),
                },
                None => Kind::Memory(0, i64::MAX)
                    .normalise(value, old)
                    .map_err(|_| "argument must be a memory or percent value".into()),
            },
            Kind::Octal => {
                let bits = u32::from_str_radix(value, 8)
                    .map_err(|_| "argument couldn't be parsed as an octal number")?;
                if bits > 0o777 {
                    return Err("argument must be between 0 and 777 inclusive".into());
                }
                Ok(format!("{bits:o}"))
            }
            Kind::Text | Kind::Words => Ok(value.to_owned()),
            Kind::OutputLimits => output_limits(value, old),
        }
    }
}

fn in_range(number: i64, min: i64, max: i64) -> Result<String, String> {
    if (min..=max).contains(&number) {
        Ok(number.to_string())
    } else {
        Err(format!("argument must be between {min} and {max} inclusive"))
    }
}

/// Merges limits for some classes into those of all.
fn output_limits(value: &str, old: &str) -> Result<String, String> {
    let old: Vec<&str> = old.split(' ').collect();
    let mut limits: Vec<String> = CLASSES
        .iter()
        .map(|class| {
            let at = old.iter().position(|word| word == class);
            at.and_then(|at| old.get(at + 1..at + 4)).map_or_else(|| "0 0 0".into(), |words| words.join(" "))
        })
        .collect();
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    if words.is_empty() || !words.len().is_multiple_of(4) {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    for group in words.chunks_exact(4) {
        let class = if group[0].eq_ignore_ascii_case("replica") { "slave" } else { group[0] };
        let class = CLASSES.iter().position(|name| name.eq_ignore_ascii_case(class));
        let class = class.ok_or("Invalid client class specified in buffer limit configuration.")?;
        let bad = "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
        let hard = parse_memory(group[1].as_bytes()).ok_or(bad)?;
        let soft = parse_memory(group[2].as_bytes()).ok_or(bad)?;
        let seconds: u64 = group[3].parse().map_err(|_| bad)?;
        limits[class] = format!("{hard} {soft} {seconds}");
    }
    let shown: Vec<String> =
        CLASSES.iter().zip(&limits).map(|(class, limit)| format!("{class} {limit}")).collect();
    Ok(shown.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_at_their_edges() {
        let port = Kind::Integer(0, 65_535);
        let memory = Kind::Memory(1_048_576, i64::MAX);
        let choice = Kind::Choice(&["a", "b"]);
        for (kind, value, expected) in [
            (Kind::YesNo, "YES", Ok("yes")),
            (Kind::YesNo, "maybe", Err("argument must be 'yes' or 'no'")),
            (port, "65535", Ok("65535")),
            (port, "65536", Err("argument must be between 0 and 65535 inclusive")),
            (port, "-1", Err("argument must be between 0 and 65535 inclusive")),
            (port, "x", Err("argument couldn't be parsed into an integer")),
            (memory, "1mb", Ok("1048576")),
            (memory, "1048575", Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (memory, "1xb", Err("argument must be a memory value")),
            (memory, "", Err("argument must be between 1048576 and 9223372036854775807 inclusive")),
            (Kind::Clamped(1, 500), "0", Ok("1")),
            (Kind::Clamped(1, 500), "2147483647", Ok("500")),
            (Kind::Clamped(1, 500), "-1", Err("argument must be between 0 and 2147483647 inclusive")),
            (choice, "B", Ok("b")),
            (choice, "c", Err("argument(s) must be one of the following: a, b")),
            (Kind::Octal, "700", Ok("700")),
            (Kind::Octal, "800", Err("argument couldn't be parsed as an octal number")),
            (Kind::PercentOrMemory, "5%", Ok("5%")),
            (Kind::PercentOrMemory, "101%", Err("argument must be a memory or percent value")),
        ] {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(kind.normalise(value, ""), expected, "{kind:?} {value}");
        }
    }

    #[test]
    fn limits_of_other_classes_stay() {
        let old = "normal 0 0 0 slave 1 2 3 pubsub 4 5 6";
        let check = |value, expected: &str| {
            assert_eq!(Kind::OutputLimits.normalise(value, old).unwrap_or_else(|text| text), expected);
        };
        check("normal 1kb 0 10", "normal 1024 0 10 slave 1 2 3 pubsub 4 5 6");
        check("replica 9 9 9 pubsub 0 0 0", "normal 0 0 0 slave 9 9 9 pubsub 0 0 0");
        check("normal 1", "Wrong number of arguments in buffer limit configuration.");
        check("odd 1 1 1", "Invalid client class specified in buffer limit configuration.");
        check("normal x 1 1", "Error in hard, soft or soft_seconds setting in buffer limit configuration.");
    }
}
