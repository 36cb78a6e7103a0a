//! What no client should send: every error of the protocol, and noise.

use super::Maker;

/// Bytes that are no request, or half of one. Most of them end the connection; some swallow what follows.
pub(super) fn make(maker: &mut Maker<'_>) -> Vec<u8> {
    match maker.below(24) {
        0 => b"*-1\r\n".to_vec(),
        1 => b"*0\r\n".to_vec(),
        2 => b"*x\r\n".to_vec(),
        3 => b"*2147483648\r\n".to_vec(),
        4 => b"*1\r\n:1\r\n".to_vec(),
        5 => b"*1\r\n$-1\r\n".to_vec(),
        6 => b"*1\r\n$x\r\n".to_vec(),
        7 => b"*2\r\n$3\r\nGET\r\n$99999999999\r\n".to_vec(),
        // As much as may be claimed, and nothing of it.
        8 => b"*2\r\n$3\r\nGET\r\n$536870912\r\n".to_vec(),
        9 => b"*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$100\r\nhalf".to_vec(),
        10 => b"SET k \"unbalanced\r\n".to_vec(),
        11 => b"SET k 'unbalanced\r\n".to_vec(),
        12 => b"SET k \"closed\"too early\r\n".to_vec(),
        13 => b"SET k \"\\x41\\n\" extra\r\n".to_vec(),
        14 => b"\r\n \r\n\n".to_vec(),
        15 => b"PING\n".to_vec(),
        16 => b"GET / HTTP/1.1\r\n".to_vec(),
        17 => b"POST / HTTP/1.1\r\nHost: here\r\n\r\n".to_vec(),
        18 => vec![b'x'; 70_000],
        19 => b"*1\r\n$4\r\nPINGxx".to_vec(),
        20 => vec![0; 20],
        21 => b"*1000000\r\n$1\r\nx\r\n".to_vec(),
        _ => {
            let len = 1 + maker.below(60);
            maker.bytes(len)
        }
    }
}
