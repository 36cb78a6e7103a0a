//! Writing commands, as arrays of bulk strings: what goes into a log, and what would lead another server to this state.

use super::encode::{header_line, short_header_line};

/// Appends a command with these arguments, the first of which is its name.
#[inline]
pub fn append_command<'a>(out: &mut Vec<u8>, arguments: impl ExactSizeIterator<Item = &'a [u8]>) {
    append_array_header(out, arguments.len());
    arguments.for_each(|argument| append_bulk(out, argument));
}

/// Appends the header of a command with so many arguments; they have to follow.
#[inline]
pub fn append_array_header(out: &mut Vec<u8>, len: usize) {
    append_header(out, b'*', len);
}

/// Appends the header of an argument of so many bytes; they have to follow, and the end of a line.
#[inline]
pub fn append_bulk_header(out: &mut Vec<u8>, len: usize) {
    append_header(out, b'$', len);
}

/// Appends an argument.
#[inline]
pub fn append_bulk(out: &mut Vec<u8>, bytes: &[u8]) {
    append_bulk_header(out, bytes.len());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

#[inline]
fn append_header(out: &mut Vec<u8>, kind: u8, value: usize) {
    if value < 1000 {
        let (line, len) = short_header_line(kind, value as u64);
        // The whole word, since copying as much as there is would be a call.
        out.extend_from_slice(&line);
        out.truncate(out.len() - line.len() + len);
    } else {
        let (line, len) = header_line(kind, value as i64);
        out.extend_from_slice(&line[..len]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_all_sizes() {
        for len in [0, 1, 9, 10, 99, 100, 999, 1000, 123_456] {
            let argument = vec![b'x'; len];
            let mut out = b"before".to_vec();
            append_command(&mut out, [b"GET".as_slice(), &argument].into_iter());
            let expected = format!("before*2\r\n$3\r\nGET\r\n${len}\r\n{}\r\n", "x".repeat(len));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
