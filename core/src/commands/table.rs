//! What a row of a command table says. Dispatch, `COMMAND`, `COMMAND DOCS` and the extraction of keys all read
//! the same rows.

use super::key_spec::{self, KeySpec};
use crate::context::{CommandResult, Context};
use crate::error::CommandError;
use std::borrow::Cow;

/// The function behind a command.
pub type Run = fn(&mut Context<'_>) -> CommandResult;

/// A command, or a subcommand of a container.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Its name in lower case, without its container's.
    pub name: &'static str,
    /// The command it is a part of, if it is one.
    pub container: Option<&'static str>,
    /// Arguments, the names included; a negative number is the least there may be.
    pub arity: i16,
    /// How it behaves.
    pub flags: Flags,
    /// Categories of access control beyond those that follow from the flags.
    pub categories: Categories,
    /// Hints for clients and proxies.
    pub tips: &'static [&'static str],
    /// Where its keys are.
    pub keys: &'static [KeySpec],
    /// The group it belongs to.
    pub group: Group,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// The version of Redis that first had it.
    pub since: &'static str,
    /// What it costs.
    pub complexity: &'static str,
    /// What changed in which version.
    pub history: &'static [(&'static str, &'static str)],
    /// Flags of its documentation.
    pub doc_flags: &'static [&'static str],
    /// The version of Redis that advises against it.
    pub deprecated_since: Option<&'static str>,
    /// What to use instead.
    pub replaced_by: Option<&'static str>,
    /// Its syntax.
    pub arguments: &'static [Argument],
    /// What it contains.
    pub subcommands: &'static [Command],
    /// What is fetched ahead for it in a pipeline.
    pub ahead: Ahead,
    /// The function behind it.
    pub run: Run,
    /// Its place among all commands and subcommands.
    pub(super) index: u16,
    /// The argument that is its first key, if it always has one at the same place; else 0.
    pub(super) first_key: u16,
}

impl Command {
    /// A row in which only the names are filled in; the rest is Redis' default.
    pub(super) const fn new(name: &'static str, group: Group, run: Run) -> Command {
        Command {
            name,
            container: None,
            arity: 0,
            flags: Flags(0),
            categories: Categories(0),
            tips: &[],
            keys: &[],
            group,
            summary: "",
            since: "1.0.0",
            complexity: "",
            history: &[],
            doc_flags: &[],
            deprecated_since: None,
            replaced_by: None,
            arguments: &[],
            subcommands: &[],
            ahead: Ahead::Key,
            run,
            index: 0,
            first_key: 0,
        }
    }

    /// A row for a part of a container.
    pub(super) const fn part(container: &'static str, name: &'static str, group: Group, run: Run) -> Command {
        let mut command = Command::new(name, group, run);
        command.container = Some(container);
        command
    }

    /// Its place among [all commands and subcommands](crate::commands::all_with_parts).
    #[must_use]
    #[inline]
    pub fn index(&self) -> usize {
        usize::from(self.index)
    }

    /// The same row at its place, with what follows from other columns.
    pub(super) const fn at(mut self, index: usize) -> Command {
        self.index = index as u16;
        self.first_key = key_spec::first_key(self.keys) as u16;
        self
    }

    /// The argument that is its first key, if it always has one at the same place.
    #[must_use]
    #[inline]
    pub fn first_key_index(&self) -> Option<usize> {
        (self.first_key > 0).then_some(usize::from(self.first_key))
    }

    /// The argument that is an element of the collection under the first key.
    #[must_use]
    #[inline]
    pub fn element_index(&self) -> Option<usize> {
        match self.ahead {
            Ahead::Key => None,
            Ahead::Element(index) | Ahead::Rank(index) | Ahead::Score(index) => Some(usize::from(index)),
        }
    }

    /// The name with its container's: `client|kill`.
    #[must_use]
    pub fn full_name(&self) -> Cow<'static, str> {
        match self.container {
            Some(container) => Cow::Owned(format!("{container}|{}", self.name)),
            None => Cow::Borrowed(self.name),
        }
    }

    /// The error for a wrong number of arguments.
    #[must_use]
    pub fn wrong_arity(&self) -> CommandError {
        CommandError::WrongArity(self.full_name())
    }

    /// Whether the command takes so many arguments, its names included.
    #[must_use]
    #[inline]
    pub fn accepts_arity(&self, len: usize) -> bool {
        match usize::try_from(self.arity) {
            Ok(exactly) => len == exactly,
            Err(_) => len >= usize::from(self.arity.unsigned_abs()),
        }
    }
}

/// What a command will look at, and which argument says so: it is fetched into the cache ahead. With options in
/// front it may be another argument; then something is fetched in vain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ahead {
    /// The first key.
    Key,
    /// Also an element of the collection there.
    Element(u8),
    /// Also the place of an element in the order of a sorted set.
    Rank(u8),
    /// Also the place that an element will get there with the score in the argument before it.
    Score(u8),
}

/// How a command behaves: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u32);

macro_rules! flag_set {
    ($set:ident, $names:ident, $($(#[$doc:meta])* $flag:ident = $name:literal @ $bit:literal),* $(,)?) => {
        impl $set {
            $($(#[$doc])* pub const $flag: $set = $set(1 << $bit);)*

            const $names: &'static [($set, &'static str)] = &[$(($set::$flag, $name)),*];

            /// The names of the members that have one, in Redis' order.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                let members = $set::$names.iter().filter(move |(flag, _)| self.contains(*flag));
                members.map(|&(_, name)| name).filter(|name| !name.is_empty())
            }

            /// Whether all of another set's members are in this one.
            #[must_use]
            #[inline]
            pub const fn contains(self, other: $set) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any of another set's members is in this one.
            #[must_use]
            #[inline]
            pub const fn intersects(self, other: $set) -> bool {
                self.0 & other.0 != 0
            }

            /// The members of either set.
            #[must_use]
            pub const fn union(self, other: $set) -> $set {
                $set(self.0 | other.0)
            }
        }
    };
}

pub(super) use flag_set;

flag_set! { Flags, NAMES,
    /// Changes data.
    WRITE = "write" @ 0,
    /// Only reads data.
    READONLY = "readonly" @ 1,
    /// May need memory.
    DENYOOM = "denyoom" @ 2,
    /// Belongs to a module.
    MODULE = "module" @ 3,
    /// For operators.
    ADMIN = "admin" @ 4,
    /// Belongs to publish and subscribe.
    PUBSUB = "pubsub" @ 5,
    /// Not for scripts.
    NOSCRIPT = "noscript" @ 6,
    /// May wait for data.
    BLOCKING = "blocking" @ 7,
    /// Allowed while data is loaded.
    LOADING = "loading" @ 8,
    /// Allowed on a replica with old data.
    STALE = "stale" @ 9,
    /// Not shown to monitors.
    SKIP_MONITOR = "skip_monitor" @ 10,
    /// Not written to the slow log.
    SKIP_SLOWLOG = "skip_slowlog" @ 11,
    /// Allowed on a slot that is being imported.
    ASKING = "asking" @ 12,
    /// Constant or logarithmic time.
    FAST = "fast" @ 13,
    /// Allowed before authentication.
    NO_AUTH = "no_auth" @ 14,
    /// May be propagated though it writes nothing.
    MAY_REPLICATE = "may_replicate" @ 15,
    /// May be called without any key.
    NO_MANDATORY_KEYS = "no_mandatory_keys" @ 16,
    /// Not while data is loaded in the background.
    NO_ASYNC_LOADING = "no_async_loading" @ 17,
    /// Not inside a transaction.
    NO_MULTI = "no_multi" @ 18,
    /// First key, last key and step do not say where all keys are. Never in a row: it follows from its keys.
    MOVABLEKEYS = "movablekeys" @ 19,
    /// Allowed while a script runs too long.
    ALLOW_BUSY = "allow_busy" @ 20,
    /// Needs a permission in the configuration: `enable-debug-command` and its like. Redis does not show it.
    PROTECTED = "" @ 31,
}

/// Makes a set of flags.
pub(super) const fn flags(members: &[Flags]) -> Flags {
    let mut set = Flags(0);
    let mut index = 0;
    while index < members.len() {
        set = set.union(members[index]);
        index += 1;
    }
    set
}

/// Makes a set of categories.
pub(super) const fn categories(members: &[Categories]) -> Categories {
    let mut set = Categories(0);
    let mut index = 0;
    while index < members.len() {
        set = set.union(members[index]);
        index += 1;
    }
    set
}

/// Categories of access control: a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Categories(u32);

flag_set! { Categories, NAMES,
    /// Works on keys of any type.
    KEYSPACE = "@keyspace" @ 0,
    /// Reads data.
    READ = "@read" @ 1,
    /// Writes data.
    WRITE = "@write" @ 2,
    /// Works on sets.
    SET = "@set" @ 3,
    /// Works on sorted sets.
    SORTED_SET = "@sortedset" @ 4,
    /// Works on lists.
    LIST = "@list" @ 5,
    /// Works on hashes.
    HASH = "@hash" @ 6,
    /// Works on strings.
    STRING = "@string" @ 7,
    /// For operators.
    ADMIN = "@admin" @ 13,
    /// Constant or logarithmic time.
    FAST = "@fast" @ 14,
    /// Not that.
    SLOW = "@slow" @ 15,
    /// May wait for data.
    BLOCKING = "@blocking" @ 16,
    /// Can do harm.
    DANGEROUS = "@dangerous" @ 17,
    /// About the connection itself.
    CONNECTION = "@connection" @ 18,
    /// About transactions.
    TRANSACTION = "@transaction" @ 19,
}

impl Command {
    /// All categories: those of the row, and those that follow from the flags.
    #[must_use]
    pub fn all_categories(&self) -> Categories {
        let implied = [
            (Flags::WRITE, Categories::WRITE),
            (Flags::READONLY, Categories::READ),
            (Flags::ADMIN, Categories::ADMIN.union(Categories::DANGEROUS)),
            (Flags::BLOCKING, Categories::BLOCKING),
        ];
        let speed = if self.flags.contains(Flags::FAST) { Categories::FAST } else { Categories::SLOW };
        implied
            .iter()
            .filter(|(flag, _)| self.flags.contains(*flag))
            .fold(self.categories.union(speed), |all, (_, category)| all.union(*category))
    }
}

/// The group a command belongs to: also the name of the file it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Strings.
    String,
    /// Keys of any type.
    Generic,
    /// Lists.
    List,
    /// Sets.
    Set,
    /// Hashes.
    Hash,
    /// Sorted sets.
    SortedSet,
    /// The connection itself.
    Connection,
    /// The server.
    Server,
    /// Transactions.
    Transactions,
}

impl Group {
    /// The name `COMMAND DOCS` reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Group::String => "string",
            Group::Generic => "generic",
            Group::List => "list",
            Group::Set => "set",
            Group::Hash => "hash",
            Group::SortedSet => "sorted-set",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Transactions => "transactions",
        }
    }
}

/// A part of a command's syntax.
#[derive(Clone, Copy, Debug)]
pub struct Argument {
    /// Its name.
    pub name: &'static str,
    /// What it is called in a line of syntax, if not by its name.
    pub display: Option<&'static str>,
    /// What it is.
    pub kind: ArgumentKind,
    /// The word before it, or the word it is.
    pub token: Option<&'static str>,
    /// Which of the command's key specifications it is.
    pub key_spec: Option<usize>,
    /// The version of Redis that first had it.
    pub since: Option<&'static str>,
    /// The version of Redis that advises against it.
    pub deprecated_since: Option<&'static str>,
    /// Whether it may be left out.
    pub is_optional: bool,
    /// Whether it may be repeated.
    pub is_multiple: bool,
    /// Whether each repetition has the word before it.
    pub is_multiple_token: bool,
    /// Its parts.
    pub arguments: &'static [Argument],
}

/// What an argument is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgumentKind {
    /// Any bytes.
    String,
    /// A 64-bit integer.
    Integer,
    /// A floating-point number.
    Double,
    /// A key.
    Key,
    /// A glob.
    Pattern,
    /// An instant in Unix time.
    UnixTime,
    /// A word.
    PureToken,
    /// One of its parts.
    OneOf,
    /// All its parts.
    Block,
}

impl ArgumentKind {
    /// The name `COMMAND DOCS` reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ArgumentKind::String => "string",
            ArgumentKind::Integer => "integer",
            ArgumentKind::Double => "double",
            ArgumentKind::Key => "key",
            ArgumentKind::Pattern => "pattern",
            ArgumentKind::UnixTime => "unix-time",
            ArgumentKind::PureToken => "pure-token",
            ArgumentKind::OneOf => "oneof",
            ArgumentKind::Block => "block",
        }
    }
}

macro_rules! argument_kinds {
    ($($(#[$doc:meta])* $function:ident => $kind:ident),* $(,)?) => {
        impl Argument {
            $($(#[$doc])*
            pub(super) const fn $function(name: &'static str) -> Argument {
                Argument::new(name, ArgumentKind::$kind)
            })*
        }
    };
}

argument_kinds! {
    /// Any bytes.
    string => String,
    /// A 64-bit integer.
    integer => Integer,
    /// A floating-point number.
    double => Double,
    /// A glob.
    pattern => Pattern,
    /// An instant in Unix time.
    unix_time => UnixTime,
}

impl Argument {
    const fn new(name: &'static str, kind: ArgumentKind) -> Argument {
        Argument {
            name,
            display: None,
            kind,
            token: None,
            key_spec: None,
            since: None,
            deprecated_since: None,
            is_optional: false,
            is_multiple: false,
            is_multiple_token: false,
            arguments: &[],
        }
    }

    pub(super) const fn key(name: &'static str, spec: usize) -> Argument {
        let mut argument = Argument::new(name, ArgumentKind::Key);
        argument.key_spec = Some(spec);
        argument
    }

    pub(super) const fn token(name: &'static str, token: &'static str) -> Argument {
        Argument::new(name, ArgumentKind::PureToken).after(token)
    }

    pub(super) const fn one_of(name: &'static str, arguments: &'static [Argument]) -> Argument {
        let mut argument = Argument::new(name, ArgumentKind::OneOf);
        argument.arguments = arguments;
        argument
    }

    pub(super) const fn block(name: &'static str, arguments: &'static [Argument]) -> Argument {
        let mut argument = Argument::new(name, ArgumentKind::Block);
        argument.arguments = arguments;
        argument
    }

    pub(super) const fn shown(mut self, display: &'static str) -> Argument {
        self.display = Some(display);
        self
    }

    pub(super) const fn after(mut self, token: &'static str) -> Argument {
        self.token = Some(token);
        self
    }

    pub(super) const fn optional(mut self) -> Argument {
        self.is_optional = true;
        self
    }

    pub(super) const fn multiple(mut self) -> Argument {
        self.is_multiple = true;
        self
    }

    pub(super) const fn of_spec(mut self, spec: usize) -> Argument {
        self.key_spec = Some(spec);
        self
    }

    pub(super) const fn multiple_token(mut self) -> Argument {
        self.is_multiple_token = true;
        self
    }

    pub(super) const fn since(mut self, version: &'static str) -> Argument {
        self.since = Some(version);
        self
    }

    pub(super) const fn deprecated(mut self, version: &'static str) -> Argument {
        self.deprecated_since = Some(version);
        self
    }
}
