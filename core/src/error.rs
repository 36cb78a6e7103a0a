//! Every error a command can answer, and the text that goes on the wire: this file is the only place where
//! such a text stands. The words are Redis 7.2's, to the byte.

use std::borrow::Cow;

/// Why a command was refused. [`text`](Self::text) is the reply without its leading `-`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The options do not parse.
    Syntax,
    /// An argument should be a 64-bit integer.
    NotInteger,
    /// An argument should be a floating-point number.
    NotFloat,
    /// The key holds another kind of value.
    WrongType,
    /// The command needs an existing key.
    NoSuchKey,
    /// Too few or too many arguments; the command's full name, as in `client|kill`.
    WrongArity(Cow<'static, str>),
    /// No such command; the text names it and its first arguments.
    UnknownCommand(Vec<u8>),
    /// The container knows no such subcommand: what was given, and the container in capitals.
    UnknownSubcommand(Vec<u8>, String),
    /// The same where Redis does not tell it from a wrong number of arguments.
    UnknownSubcommandOrArity(Vec<u8>, &'static str),
    /// An expiry that is not positive, or overflows, in the named command.
    InvalidExpire(&'static str),
    /// An increment would leave the range of 64-bit integers.
    IncrementOverflow,
    /// An increment would give NaN or infinity.
    IncrementNotFinite,
    /// A cursor that is not a number.
    InvalidCursor,
    /// A string would grow beyond `proto-max-bulk-len`.
    StringTooLong,
    /// A request was refused while it was to be queued.
    ExecAborted,
    /// EXEC itself was refused, for this reason.
    ExecRefused(Box<CommandError>),
    /// An offset below zero.
    OffsetOutOfRange,
    /// A database number that is not a number.
    InvalidDatabaseIndex,
    /// A database number beyond `databases`.
    DatabaseOutOfRange,
    /// Source and destination are the same object.
    SameObject,
    /// The connection has to authenticate first.
    NoAuth,
    /// Wrong user name or password.
    WrongPass,
    /// A text that repeats what the client sent: what comes before, that, and what comes after.
    Repeating(&'static str, Vec<u8>, &'static str),
    /// Any other text, beginning with its code word.
    Text(Cow<'static, str>),
}

impl CommandError {
    /// An error with a fixed text that only one command uses.
    #[must_use]
    pub const fn text_of(text: &'static str) -> CommandError {
        CommandError::Text(Cow::Borrowed(text))
    }

    /// An error that repeats a word of the client's.
    #[must_use]
    pub fn repeating(before: &'static str, word: &[u8], after: &'static str) -> CommandError {
        CommandError::Repeating(before, echo(word).to_vec(), after)
    }

    /// The error for a subcommand that is not there, or has another number of arguments.
    #[must_use]
    pub fn unknown_subcommand_or_arity(word: &[u8], container: &'static str) -> CommandError {
        CommandError::UnknownSubcommandOrArity(echo(word).to_vec(), container)
    }

    /// The reply's text, without `-` and line end. Words of the client's may be any bytes.
    #[must_use]
    pub fn text(&self) -> Cow<'_, [u8]> {
        let fixed = match self {
            Self::Syntax => "ERR syntax error",
            Self::NotInteger => "ERR value is not an integer or out of range",
            Self::NotFloat => "ERR value is not a valid float",
            Self::WrongType => "WRONGTYPE Operation against a key holding the wrong kind of value",
            Self::NoSuchKey => "ERR no such key",
            Self::WrongArity(name) => {
                return Cow::Owned(
                    format!("ERR wrong number of arguments for '{name}' command").into_bytes(),
                );
            }
            Self::UnknownCommand(text) => return Cow::Borrowed(text),
            Self::UnknownSubcommand(given, container) => {
                let after = format!("'. Try {container} HELP.");
                return Cow::Owned(
                    [b"ERR unknown subcommand '", given.as_slice(), after.as_bytes()].concat(),
                );
            }
            Self::UnknownSubcommandOrArity(given, container) => {
                let before = b"ERR unknown subcommand or wrong number of arguments for '";
                let after = format!("'. Try {container} HELP.");
                return Cow::Owned([before, given.as_slice(), after.as_bytes()].concat());
            }
            Self::Repeating(before, word, after) => {
                return Cow::Owned([before.as_bytes(), word, after.as_bytes()].concat());
            }
            Self::InvalidExpire(name) => {
                return Cow::Owned(format!("ERR invalid expire time in '{name}' command").into_bytes());
            }
            Self::IncrementOverflow => "ERR increment or decrement would overflow",
            Self::IncrementNotFinite => "ERR increment would produce NaN or Infinity",
            Self::InvalidCursor => "ERR invalid cursor",
            Self::ExecAborted => "EXECABORT Transaction discarded because of previous errors.",
            Self::ExecRefused(reason) => {
                let reason = reason.text();
                let reason = reason.strip_prefix(b"ERR ").unwrap_or(&reason);
                return Cow::Owned([b"EXECABORT Transaction discarded because of: ", reason].concat());
            }
            Self::StringTooLong => "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
            Self::OffsetOutOfRange => "ERR offset is out of range",
            Self::InvalidDatabaseIndex => "ERR invalid DB index",
            Self::DatabaseOutOfRange => "ERR DB index is out of range",
            Self::SameObject => "ERR source and destination objects are the same",
            Self::NoAuth => "NOAUTH Authentication required.",
            Self::WrongPass => "WRONGPASS invalid username-password pair or user is disabled.",
            Self::Text(text) => text,
        };
        Cow::Borrowed(fixed.as_bytes())
    }
}

/// Longest part of a client's word that an error repeats.
pub const ECHO_LEN_MAX: usize = 128;

/// The part of a client's word that an error repeats: its front up to a NUL byte, where C's texts end.
#[must_use]
pub fn echo(word: &[u8]) -> &[u8] {
    let front = &word[..word.len().min(ECHO_LEN_MAX)];
    let end = front.iter().position(|&byte| byte == 0).unwrap_or(front.len());
    &front[..end]
}

impl From<&'static str> for CommandError {
    fn from(text: &'static str) -> CommandError {
        CommandError::text_of(text)
    }
}
