//! Where a command's keys are among its arguments, and what it does to them.
//!
//! A command's row holds a [`KeySpec`] for each group of keys that is found, or treated, in a way of its own. Each
//! says how to find the group's first key and how to go on from there; [`extract_keys`] follows them. The model is
//! that of Redis 7's key specifications, which clients and proxies read from `COMMAND INFO`.

use super::table::{Command, Flags, flag_set};

/// Some of a command's keys.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// How the first of them is found.
    pub begin: BeginSearch,
    /// How the others follow from it.
    pub find: FindKeys,
    /// What is done to them.
    pub flags: KeyFlags,
    /// What is done to them by these very arguments, where [`KeyFlags::VARIABLE_FLAGS`] says that it depends.
    pub flags_in_use: Option<FlagsInUse>,
    /// How the key is found that no rule describes.
    pub find_unknown: Option<FindUnknown>,
    /// A remark.
    pub notes: &'static str,
}

/// The argument, of a command with just these, its name included, that is a key.
pub type FindUnknown = fn(&[&[u8]]) -> Option<usize>;

/// What is done to keys by a command with just these arguments, its name included.
pub type FlagsInUse = fn(&[&[u8]]) -> KeyFlags;

/// How the first of some keys is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSearch {
    /// It is this argument.
    Index(usize),
    /// It follows a word, which is looked for from this argument on; a negative one is counted from the last
    /// argument, which is -1, and the search goes backwards.
    Keyword(&'static str, i64),
    /// No rule says where.
    Unknown,
}

/// How keys follow from the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindKeys {
    /// They stand in a row.
    Range {
        /// The last key, counted from the first; a negative number is counted from the last argument, which is -1.
        last: i64,
        /// From one key to the next.
        step: usize,
        /// If not zero and `last` is -1, only one part in so many of the arguments that are left has keys.
        limit: i64,
    },
    /// An argument says how many they are.
    KeyNum {
        /// That argument, counted from where the search began.
        number: usize,
        /// The first key, counted likewise.
        first: usize,
        /// From one key to the next.
        step: usize,
    },
    /// No rule says which.
    Unknown,
}

/// What is done to some keys: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyFlags(u32);

flag_set! { KeyFlags, KEY_FLAG_NAMES,
    /// The value is read only.
    RO = "RO" @ 0,
    /// The value is read and written.
    RW = "RW" @ 1,
    /// The value is overwritten unseen.
    OW = "OW" @ 2,
    /// The value is removed unseen.
    RM = "RM" @ 3,
    /// The user learns something of the value.
    ACCESS = "access" @ 4,
    /// The value is changed to something the user gives.
    UPDATE = "update" @ 5,
    /// Something is added to the value, and nothing that it holds is changed.
    INSERT = "insert" @ 6,
    /// Something is taken away from the value.
    DELETE = "delete" @ 7,
    /// It is no key, but routed like one.
    NOT_KEY = "not_key" @ 8,
    /// There may be more keys than the rule finds.
    INCOMPLETE = "incomplete" @ 9,
    /// What is done depends on other arguments.
    VARIABLE_FLAGS = "variable_flags" @ 10,
}

pub(super) const RO: KeyFlags = KeyFlags::RO;
pub(super) const RW: KeyFlags = KeyFlags::RW;
pub(super) const OW: KeyFlags = KeyFlags::OW;
pub(super) const RM: KeyFlags = KeyFlags::RM;
pub(super) const ACCESS: KeyFlags = KeyFlags::ACCESS;
pub(super) const UPDATE: KeyFlags = KeyFlags::UPDATE;
pub(super) const INSERT: KeyFlags = KeyFlags::INSERT;
pub(super) const DELETE: KeyFlags = KeyFlags::DELETE;

impl KeySpec {
    /// One key: this argument.
    pub(super) const fn one(index: usize, flags: &[KeyFlags]) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Keys from argument `first` to `last`, counted from it or from the end, in steps.
    pub(super) const fn range(first: usize, last: i64, step: usize, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            begin: BeginSearch::Index(first),
            find: FindKeys::Range { last, step, limit: 0 },
            flags: key_flags(flags),
            flags_in_use: None,
            find_unknown: None,
            notes: "",
        }
    }

    /// As many keys as the argument at `number` says, behind it.
    pub(super) const fn counted(number: usize, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            begin: BeginSearch::Index(number),
            find: FindKeys::KeyNum { number: 0, first: 1, step: 1 },
            flags: key_flags(flags),
            flags_in_use: None,
            find_unknown: None,
            notes: "",
        }
    }

    /// A key that only a function finds; clients are told that no rule does.
    pub(super) const fn found(find_unknown: FindUnknown, flags: &[KeyFlags]) -> KeySpec {
        KeySpec {
            begin: BeginSearch::Unknown,
            find: FindKeys::Unknown,
            flags: key_flags(flags),
            flags_in_use: None,
            find_unknown: Some(find_unknown),
            notes: "",
        }
    }

    /// The same with a remark.
    pub(super) const fn noted(mut self, notes: &'static str) -> KeySpec {
        self.notes = notes;
        self
    }

    /// The same with flags that depend on the arguments.
    pub(super) const fn depending(mut self, flags_in_use: FlagsInUse) -> KeySpec {
        self.flags = self.flags.union(KeyFlags::VARIABLE_FLAGS);
        self.flags_in_use = Some(flags_in_use);
        self
    }

    /// Adds the keys of a command with these arguments, its name included.
    fn extract(&self, args: &[&[u8]], keys: &mut Vec<KeyArg>) -> Result<(), InvalidKeys> {
        if let Some(find_unknown) = self.find_unknown {
            keys.extend(find_unknown(args).map(|index| KeyArg { index, flags: self.flags }));
            return Ok(());
        }
        let Some(begin) = self.begin(args)? else { return Ok(()) };
        let (first, last, step) = match self.find {
            FindKeys::Range { last, step, limit } => {
                (begin, range_end(begin, last, limit, args.len())?, step)
            }
            FindKeys::KeyNum { number, first, step } => {
                let count = args.get(begin + number).and_then(|count| crate::number::parse_i64(count));
                let count = count.and_then(|count| usize::try_from(count).ok()).ok_or(InvalidKeys)?;
                let first = begin + first;
                let beyond = count.checked_mul(step).and_then(|len| len.checked_add(first));
                (first, beyond.and_then(|end| end.checked_sub(step)).ok_or(InvalidKeys)?, step)
            }
            FindKeys::Unknown => return Err(InvalidKeys),
        };
        if first > last || last >= args.len() {
            return Err(InvalidKeys);
        }
        let flags = self.flags_in_use.map_or(self.flags, |flags_in_use| flags_in_use(args));
        keys.extend((first..=last).step_by(step).map(|index| KeyArg { index, flags }));
        if self.flags.contains(KeyFlags::INCOMPLETE) { Err(InvalidKeys) } else { Ok(()) }
    }

    /// The argument the keys begin at; none without the word they follow. Like Redis, this does not see the word at
    /// either end of the request, where nothing could follow it, or where it would be the first argument.
    fn begin(&self, args: &[&[u8]]) -> Result<Option<usize>, InvalidKeys> {
        let (word, from) = match self.begin {
            BeginSearch::Index(index) => return Ok(Some(index)),
            BeginSearch::Keyword(word, from) => (word.as_bytes(), from),
            BeginSearch::Unknown => return Err(InvalidKeys),
        };
        let is_word = |index: &usize| args[*index].eq_ignore_ascii_case(word);
        let found = match usize::try_from(from) {
            Ok(from) => (from..args.len().saturating_sub(1)).find(is_word),
            Err(_) => (2..(args.len() + 1).saturating_sub(from.unsigned_abs() as usize)).rev().find(is_word),
        };
        Ok(found.map(|index| index + 1))
    }
}

/// The last argument of a row of keys that begins at argument `first`.
fn range_end(first: usize, last: i64, limit: i64, args_len: usize) -> Result<usize, InvalidKeys> {
    let end = match (last, limit) {
        (0.., _) => first as i64 + last,
        (_, 0) => args_len as i64 + last,
        (_, limit) => first as i64 + (args_len as i64 - first as i64) / limit + last,
    };
    usize::try_from(end).map_err(|_| InvalidKeys)
}

/// An argument that is a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyArg {
    /// Which argument.
    pub index: usize,
    /// What is done to the key.
    pub flags: KeyFlags,
}

/// The arguments do not fit the rules by which keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidKeys;

/// Adds all keys of a command with these arguments, its name included, to `keys`: in the order of the row's
/// specifications, which is that of the arguments for most commands.
///
/// # Errors
/// [`InvalidKeys`] when the arguments cannot be right; `keys` then holds what was found before that showed.
pub fn extract_keys(command: &Command, args: &[&[u8]], keys: &mut Vec<KeyArg>) -> Result<(), InvalidKeys> {
    let specs = command.keys.iter().filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY));
    specs.into_iter().try_for_each(|spec| spec.extract(args, keys))
}

impl Command {
    /// Whether any argument can be a key.
    #[must_use]
    pub fn has_keys(&self) -> bool {
        self.keys.iter().any(|spec| !spec.flags.contains(KeyFlags::NOT_KEY))
    }

    /// The row's flags, and the one that follows from its keys.
    #[must_use]
    pub fn all_flags(&self) -> Flags {
        if self.has_movable_keys() { self.flags.union(Flags::MOVABLEKEYS) } else { self.flags }
    }

    /// Whether [`legacy_range`](Self::legacy_range) does not say where all keys are.
    #[must_use]
    pub fn has_movable_keys(&self) -> bool {
        self.keys.iter().any(|spec| {
            !matches!((spec.begin, spec.find), (BeginSearch::Index(_), FindKeys::Range { .. }))
                || spec.flags.contains(KeyFlags::INCOMPLETE)
        })
    }

    /// First key, last key and step, as `COMMAND INFO` reports them for clients older than key specifications: all
    /// rows of keys that touch, taken as one.
    #[must_use]
    pub fn legacy_range(&self) -> (i64, i64, i64) {
        let row_of = |spec: &KeySpec| match (spec.begin, spec.find) {
            (BeginSearch::Index(first), FindKeys::Range { last, step, .. }) => {
                let first = first as i64;
                Some((first, if last >= 0 { first + last } else { last }, step as i64))
            }
            _ => None,
        };
        if let [only] = self.keys {
            return row_of(only).unwrap_or((0, 0, 0));
        }
        let rows = self.keys.iter().filter_map(row_of).filter(|(_, _, step)| *step == 1);
        let joined =
            rows.reduce(|all, row| if all.1 >= 0 && row.0 == all.1 + 1 { (all.0, row.1, 1) } else { all });
        joined.unwrap_or((0, 0, 0))
    }
}

/// The argument that is the first key by these specifications, if it is always the same one; else 0.
pub(super) const fn first_key(specs: &[KeySpec]) -> usize {
    match specs {
        [KeySpec { begin: BeginSearch::Index(index), find: FindKeys::Range { .. }, flags, .. }, ..]
            if !flags.contains(KeyFlags::NOT_KEY) =>
        {
            *index
        }
        // There is at least one.
        [KeySpec { begin: BeginSearch::Index(index), find: FindKeys::KeyNum { first, .. }, .. }, ..] => {
            *index + *first
        }
        _ => 0,
    }
}

/// Makes a set of flags.
const fn key_flags(members: &[KeyFlags]) -> KeyFlags {
    let mut set = KeyFlags(0);
    let mut index = 0;
    while index < members.len() {
        set = set.union(members[index]);
        index += 1;
    }
    set
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::lookup;

    /// The keys of a request, by their arguments.
    fn keys_of(command: &Command, request: &str) -> Result<Vec<usize>, InvalidKeys> {
        let args: Vec<&[u8]> = request.split(' ').map(str::as_bytes).collect();
        let mut keys = Vec::new();
        extract_keys(command, &args, &mut keys)?;
        Ok(keys.iter().map(|key| key.index).collect())
    }

    #[test]
    fn keys_are_where_the_tables_say() {
        for (request, expected) in [
            ("get k", vec![1]),
            ("mget a b c", vec![1, 2, 3]),
            ("mset a 1 b 2", vec![1, 3]),
            ("mset a 1 b", vec![1, 3]),
            ("set k v EX 10 NX", vec![1]),
            ("lcs a b IDX", vec![1, 2]),
            ("rename a b", vec![1, 2]),
            ("copy a b DB 1", vec![1, 2]),
            ("del a", vec![1]),
        ] {
            let command = lookup(request.split(' ').next().unwrap().as_bytes()).unwrap();
            assert_eq!(keys_of(command, request), Ok(expected), "{request}");
        }
        let encoding = lookup(b"object").unwrap().subcommand(b"ENCODING").unwrap();
        assert_eq!(keys_of(encoding, "object encoding k"), Ok(vec![2]));
        assert_eq!(keys_of(lookup(b"rename").unwrap(), "rename a"), Err(InvalidKeys));
        assert_eq!(keys_of(lookup(b"mget").unwrap(), "mget"), Err(InvalidKeys));
        assert_eq!(keys_of(lookup(b"ping").unwrap(), "ping k"), Ok(vec![]));
    }

    #[test]
    fn set_says_what_it_does_to_its_key() {
        let flags_of = |args: &[&[u8]]| {
            let mut keys = Vec::new();
            extract_keys(lookup(b"set").unwrap(), args, &mut keys).unwrap();
            keys[0].flags
        };
        assert_eq!(flags_of(&[b"SET", b"get", b"get"]), key_flags(&[OW, UPDATE]));
        assert_eq!(flags_of(&[b"SET", b"k", b"v", b"NX", b"gEt"]), key_flags(&[RW, ACCESS, UPDATE]));
    }

    /// A row with these keys, and nothing else of interest.
    fn row(keys: &'static [KeySpec]) -> Command {
        Command { keys, ..*lookup(b"get").unwrap() }
    }

    /// `XREAD … STREAMS key … id …`
    const AFTER_STREAMS: KeySpec = KeySpec {
        begin: BeginSearch::Keyword("STREAMS", 1),
        find: FindKeys::Range { last: -1, step: 1, limit: 2 },
        ..KeySpec::one(0, &[RO])
    };

    /// `EVAL script numkeys key …`
    const COUNTED: KeySpec = KeySpec {
        begin: BeginSearch::Index(2),
        find: FindKeys::KeyNum { number: 0, first: 1, step: 1 },
        ..KeySpec::one(0, &[RW])
    };

    /// `MIGRATE host port key … KEYS key …`
    const AFTER_KEYS: KeySpec = KeySpec {
        begin: BeginSearch::Keyword("KEYS", -2),
        find: FindKeys::Range { last: -1, step: 1, limit: 0 },
        ..KeySpec::one(0, &[RW])
    };

    /// `SORT`: the pattern after `GET` makes keys out of values.
    const NOWHERE: KeySpec =
        KeySpec { begin: BeginSearch::Unknown, find: FindKeys::Unknown, ..KeySpec::one(0, &[RO]) };

    #[test]
    fn keys_follow_a_word_or_a_number() {
        for (keys, request, expected) in [
            (&[AFTER_STREAMS], "xread COUNT 2 streams a b 0 0", Ok(vec![4, 5])),
            (&[AFTER_STREAMS], "xread COUNT 2 a b 0 0", Ok(vec![])),
            (&[AFTER_STREAMS], "xread STREAMS", Ok(vec![])),
            (&[AFTER_STREAMS], "xread STREAMS a", Err(InvalidKeys)),
            (&[COUNTED], "eval s 2 a b c", Ok(vec![3, 4])),
            (&[COUNTED], "eval s 1 a", Ok(vec![3])),
            (&[COUNTED], "eval s 0 a", Err(InvalidKeys)),
            (&[COUNTED], "eval s 3 a b", Err(InvalidKeys)),
            (&[COUNTED], "eval s -1 a b", Err(InvalidKeys)),
            (&[COUNTED], "eval s 9223372036854775807 a", Err(InvalidKeys)),
            (&[COUNTED], "eval s x a", Err(InvalidKeys)),
            (&[COUNTED], "eval s", Err(InvalidKeys)),
            (&[AFTER_KEYS], "migrate h p x 0 5 KEYS a b", Ok(vec![7, 8])),
            (&[AFTER_KEYS], "migrate h p KEYS 0 5 KEYS KEYS a", Ok(vec![8])),
            (&[AFTER_KEYS], "migrate KEYS a", Ok(vec![])),
            (&[AFTER_KEYS], "migrate", Ok(vec![])),
            (&[NOWHERE], "sort k", Err(InvalidKeys)),
        ] as [(&'static [KeySpec; 1], &str, _); 17]
        {
            assert_eq!(keys_of(&row(keys), request), expected, "{request}");
        }
    }

    #[test]
    fn what_is_no_key_or_not_all_is_told_apart() {
        const NOT_KEY: KeySpec = KeySpec::one(1, &[KeyFlags::NOT_KEY]);
        const INCOMPLETE: KeySpec = KeySpec::one(1, &[RO, KeyFlags::INCOMPLETE]);
        assert_eq!(keys_of(&row(&[NOT_KEY]), "spublish channel message"), Ok(vec![]));
        assert!(!row(&[NOT_KEY]).has_keys());
        assert_eq!(keys_of(&row(&[INCOMPLETE]), "sort k"), Err(InvalidKeys));
        assert!(row(&[INCOMPLETE]).has_movable_keys());
        assert!(row(&[COUNTED]).has_movable_keys());
        assert!(!row(const { &[KeySpec::range(1, -1, 2, &[OW])] }).has_movable_keys());
    }

    #[test]
    fn old_clients_are_told_one_row() {
        type Case = (&'static [KeySpec], (i64, i64, i64));
        const CASES: &[Case] = &[
            (&[KeySpec::range(1, -1, 2, &[OW])], (1, -1, 2)),
            (&[KeySpec::range(1, 1, 1, &[RO])], (1, 2, 1)),
            (&[KeySpec::one(1, &[RO]), KeySpec::one(2, &[OW])], (1, 2, 1)),
            (&[KeySpec::one(1, &[OW]), KeySpec::range(2, -1, 1, &[RO])], (1, -1, 1)),
            (&[KeySpec::one(1, &[OW]), COUNTED], (1, 1, 1)),
            (&[COUNTED], (0, 0, 0)),
            (&[], (0, 0, 0)),
        ];
        for &(keys, expected) in CASES {
            assert_eq!(row(keys).legacy_range(), expected, "{keys:?}");
        }
    }
}
