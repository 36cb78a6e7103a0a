//! Room for as many descriptors as `maxclients` asks for, as Redis makes it at start-up.

use crate::sys::{self, OpenFiles};
use crate::text;
use std::fmt;

/// Descriptors kept for everything that is not a client: listeners, files, epoll.
pub const RESERVED_DESCRIPTORS: u32 = 32;

/// What is assumed when the limit cannot be asked for.
const ASSUMED_LIMIT: u64 = 1024;

/// There is not even room for what the server itself needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFilesError {
    limit: u64,
    wanted: u64,
}

/// Raises the limit on open descriptors to what so many clients need, if it is lower, and returns how many
/// clients there is room for. Says in the log what was changed, in Redis' words.
///
/// # Errors
/// The limit leaves no room for any client.
pub fn raise_open_files_limit(maxclients: u32) -> Result<u32, OpenFilesError> {
    let wanted = u64::from(maxclients) + u64::from(RESERVED_DESCRIPTORS);
    let limit = match sys::open_files() {
        Ok(limit) => limit,
        Err(error) => {
            tracing::warn!(
                target: "rotom",
                "Unable to obtain the current NOFILE limit ({}), assuming 1024 and setting the max clients \
                 configuration accordingly.",
                text::describe(&error)
            );
            return Ok(clients_within(ASSUMED_LIMIT).min(maxclients));
        }
    };
    if limit.soft >= wanted {
        return Ok(maxclients);
    }
    // Beyond the hard limit only with privileges; else as far as it goes.
    let attempts =
        [OpenFiles { soft: wanted, hard: limit.hard.max(wanted) }, OpenFiles { soft: limit.hard, ..limit }];
    let Err(error) = sys::set_open_files(attempts[0]) else {
        tracing::info!(
            target: "rotom",
            "Increased maximum number of open files to {wanted} (it was originally set to {}).", limit.soft
        );
        return Ok(maxclients);
    };
    let reached = if sys::set_open_files(attempts[1]).is_ok() { limit.hard } else { limit.soft };
    if reached <= u64::from(RESERVED_DESCRIPTORS) {
        return Err(OpenFilesError { limit: reached, wanted });
    }
    let reduced = clients_within(reached);
    tracing::warn!(
        target: "rotom",
        "You requested maxclients of {maxclients} requiring at least {wanted} max file descriptors."
    );
    tracing::warn!(
        target: "rotom",
        "Server can't set maximum open files to {wanted} because of OS error: {}.", text::describe(&error)
    );
    tracing::warn!(
        target: "rotom",
        "Current maximum open files is {reached}. maxclients has been reduced to {reduced} to compensate for \
         low ulimit. If you need higher maxclients increase 'ulimit -n'."
    );
    Ok(reduced)
}

/// How many clients so many descriptors have room for.
fn clients_within(limit: u64) -> u32 {
    u32::try_from(limit.saturating_sub(u64::from(RESERVED_DESCRIPTORS))).unwrap_or(u32::MAX)
}

impl fmt::Display for OpenFilesError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let OpenFilesError { limit, wanted } = self;
        write!(
            formatter,
            "Your current 'ulimit -n' of {limit} is not enough for the server to start. Please increase your \
             open file limit to at least {wanted}. Exiting."
        )
    }
}

impl std::error::Error for OpenFilesError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_suffices_stays() {
        assert_eq!(raise_open_files_limit(1), Ok(1));
        assert_eq!(clients_within(1024), 992);
        assert_eq!(clients_within(10), 0);
    }
}
