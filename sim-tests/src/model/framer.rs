//! Where a reply ends: found without looking at any byte twice, however finely it is cut.

/// How far one reply was looked at.
#[derive(Clone, Debug)]
pub(super) struct Framer {
    /// Up to here everything is understood.
    at: usize,
    /// Up to here there is no end of the line that begins at `at`.
    searched: usize,
    /// Elements that are still to come.
    remaining: u64,
}

impl Default for Framer {
    fn default() -> Framer {
        Framer { at: 0, searched: 0, remaining: 1 }
    }
}

impl Framer {
    /// The length of the reply these bytes begin with, if it is all there; as often as there are more bytes.
    ///
    /// # Errors
    /// They are no reply.
    pub fn len(&mut self, bytes: &[u8]) -> Result<Option<usize>, String> {
        while self.remaining > 0 {
            let from = self.searched.max(self.at);
            let Some(end) = bytes[from..].windows(2).position(|pair| pair == b"\r\n") else {
                self.searched = bytes.len().saturating_sub(1);
                return Ok(None);
            };
            let end = from + end;
            let line = &bytes[self.at..end];
            let Some((&mark, text)) = line.split_first() else { return Err("an empty line".to_owned()) };
            let count = || {
                let text = std::str::from_utf8(text).unwrap_or_default();
                text.parse::<i64>().map_err(|_| format!("a length: {}", line.escape_ascii()))
            };
            let mut next = end + 2;
            match mark {
                b'$' | b'=' => {
                    if let Ok(len) = usize::try_from(count()?) {
                        next += len + 2;
                        if bytes.len() < next {
                            self.searched = end;
                            return Ok(None);
                        }
                    }
                }
                b'*' | b'~' | b'>' => self.remaining += u64::try_from(count()?).unwrap_or(0),
                b'%' => self.remaining += 2 * u64::try_from(count()?).unwrap_or(0),
                b'|' => self.remaining += 2 * u64::try_from(count()?).unwrap_or(0) + 1,
                b'+' | b'-' | b':' | b'_' | b',' | b'#' | b'(' => {}
                _ => return Err(format!("a reply: {}", line.escape_ascii())),
            }
            self.remaining -= 1;
            self.at = next;
        }
        Ok(Some(self.at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_ends_where_its_last_element_ends() {
        let reply = b"*3\r\n%1\r\n+k\r\n$3\r\n\r\n1\r\n*-1\r\n~2\r\n:1\r\n=5\r\ntxt:a\r\n";
        let mut framer = Framer::default();
        for cut in 0..reply.len() {
            assert_eq!(framer.len(&reply[..cut]), Ok(None), "cut at {cut}");
        }
        assert_eq!(framer.len(reply), Ok(Some(reply.len())));
        assert!(Framer::default().len(b"?x\r\n").is_err());
    }
}
