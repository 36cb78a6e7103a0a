//! The system's words for an error, as `strerror` has them.

use std::io;

/// `Address already in use` for `EADDRINUSE`.
pub(crate) fn system_error(code: i32) -> String {
    describe(&io::Error::from_raw_os_error(code))
}

/// An error's text without the number that the standard library adds to the system's.
pub(crate) fn describe(error: &io::Error) -> String {
    let mut text = error.to_string();
    if let Some(code) = error.raw_os_error() {
        let number = format!(" (os error {code})");
        if text.ends_with(&number) {
            text.truncate(text.len() - number.len());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut() {
        assert_eq!(system_error(98), "Address already in use");
        assert_eq!(describe(&io::Error::from_raw_os_error(28)), "No space left on device");
        assert_eq!(describe(&io::Error::other("something else")), "something else");
    }
}
