//! The output of a server's program, line by line, so that no line can fill the memory or go unanswered.
//!
//! A line that is too long would be dropped by the SDK, and the call it answers would wait for its whole timeout. Here it
//! becomes an error that answers the same call. Bytes that are no UTF-8 are replaced, for the same reason.
//!
//! Not here: what a line means; that is the SDK's.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, ReadBuf};

/// The longest line that is read whole.
pub(crate) const LONGEST_LINE: usize = 16 * 1024 * 1024;

/// How much of each end of a line is searched for the call it answers.
const SEARCHED: usize = 512;

/// How much is read at a time.
const CHUNK: usize = 16 * 1024;

/// A reader whose lines are UTF-8 and no longer than a limit.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    inner: R,
    fault: Arc<OnceLock<String>>,
    longest: usize,
    line: Vec<u8>,
    /// The last bytes of a line that was too long; the first ones are in `line`.
    rest: Option<Vec<u8>>,
    ready: Vec<u8>,
    at: usize,
}

impl<R> Lines<R> {
    /// Reads lines of at most so many bytes. If it gives up, the fault says why: the SDK keeps that to itself.
    pub(crate) fn new(inner: R, longest: usize, fault: Arc<OnceLock<String>>) -> Lines<R> {
        Lines { inner, fault, longest, line: Vec::new(), rest: None, ready: Vec::new(), at: 0 }
    }

    fn feed(&mut self, chunk: &[u8]) -> io::Result<()> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (bytes, is_end) = match piece.strip_suffix(b"\n") {
                Some(bytes) => (bytes, true),
                None => (piece, false),
            };
            self.extend(bytes);
            if is_end {
                self.finish()?;
            }
        }
        Ok(())
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = self.longest.saturating_sub(self.line.len());
        match &mut self.rest {
            None if bytes.len() <= room => self.line.extend_from_slice(bytes),
            None => {
                self.rest = Some(tail(&self.line, bytes));
                self.line.truncate(SEARCHED);
                self.line.shrink_to_fit();
                self.line.extend_from_slice(&bytes[..bytes.len().min(SEARCHED.saturating_sub(self.line.len()))]);
            }
            Some(rest) => *rest = tail(rest, bytes),
        }
    }

    fn finish(&mut self) -> io::Result<()> {
        if let Some(rest) = self.rest.take() {
            let call = answered_call(&String::from_utf8_lossy(&self.line), &String::from_utf8_lossy(&rest));
            forget(&mut self.line);
            let Some(call) = call else {
                let why = format!("it sent a line of more than {} bytes that answers no call", self.longest);
                let why = self.fault.get_or_init(|| why).clone();
                return Err(io::Error::new(io::ErrorKind::InvalidData, why));
            };
            let says = format!("the answer was longer than {} bytes and was dropped", self.longest);
            let error =
                serde_json::json!({ "jsonrpc": "2.0", "id": call, "error": { "code": -32603, "message": says } });
            self.ready.extend_from_slice(error.to_string().as_bytes());
        } else {
            self.ready.extend_from_slice(String::from_utf8_lossy(&self.line).as_bytes());
            forget(&mut self.line);
        }
        self.ready.push(b'\n');
        Ok(())
    }
}

/// Empties a buffer, and gives back its memory if one long line made it large.
fn forget(buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.shrink_to(8 * CHUNK);
}

/// The last bytes of two pieces.
fn tail(before: &[u8], after: &[u8]) -> Vec<u8> {
    let from_after = &after[after.len().saturating_sub(SEARCHED)..];
    let from_before = &before[before.len().saturating_sub(SEARCHED - from_after.len())..];
    [from_before, from_after].concat()
}

/// The call that a line answers, found at one of its ends, where every known server writes it.
///
/// A server that plays tricks with this can only fail calls of its own.
fn answered_call(start: &str, end: &str) -> Option<u64> {
    let before_result = start.split("\"result\"").next().unwrap_or_default();
    let first = before_result.split_once("\"id\"").map(|(_, after)| after);
    let last = end.rsplit_once("\"id\"").map(|(_, after)| after);
    [first, last].into_iter().flatten().find_map(|after| {
        let number = after.trim_start().strip_prefix(':')?.trim_start().trim_start_matches('"');
        let digits = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
        number[..digits].parse().ok()
    })
}

impl<R: AsyncRead + Unpin> AsyncRead for Lines<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let lines = self.get_mut();
        while lines.at == lines.ready.len() {
            forget(&mut lines.ready);
            lines.at = 0;
            let mut space = [0; CHUNK];
            let mut chunk = ReadBuf::new(&mut space);
            ready!(Pin::new(&mut lines.inner).poll_read(cx, &mut chunk))?;
            if chunk.filled().is_empty() {
                // The end. A line without an end is no message.
                return Poll::Ready(Ok(()));
            }
            lines.feed(chunk.filled())?;
        }
        let waiting = &lines.ready[lines.at..];
        let given = waiting.len().min(out.remaining());
        out.put_slice(&waiting[..given]);
        lines.at += given;
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::AsyncReadExt;

    /// What comes out when this goes in, whatever the pieces it comes in.
    fn read(input: &[u8], longest: usize) -> io::Result<String> {
        let mut seen = Vec::new();
        for size in [1, 2, 7, 4_096] {
            let mut lines = Lines::new(&b""[..], longest, Arc::default());
            let fed = input.chunks(size).try_for_each(|piece| lines.feed(piece));
            seen.push(fed.map(|()| String::from_utf8(lines.ready).unwrap()).map_err(|why| why.to_string()));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{seen:?}");
        seen.remove(0).map_err(io::Error::other)
    }

    #[test]
    fn lines_come_through_as_they_are() {
        assert_eq!(read(b"{\"a\":1}\n\nnoise\r\nno end", 100).unwrap(), "{\"a\":1}\n\nnoise\r\n");
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        assert_eq!(
            read(b"{\"id\":1,\"result\":\"\xff\xfe\"}\n", 100).unwrap(),
            "{\"id\":1,\"result\":\"\u{fffd}\u{fffd}\"}\n"
        );
    }

    #[test]
    fn a_line_that_is_too_long_becomes_an_error_of_the_call_it_answers() {
        let filler = "x".repeat(3_000);
        for line in [
            format!(r#"{{"jsonrpc":"2.0","id":41,"result":{{"id":7,"t":"{filler}"}}}}"#),
            format!(r#"{{"result":{{"id":7,"t":"{filler}"}},"jsonrpc":"2.0","id": 41}}"#),
            format!(r#"{{"id" : "41","result":"{filler}"}}"#),
        ] {
            let seen = read(format!("{line}\n{{}}\n").as_bytes(), 1_000).unwrap();
            assert_eq!(
                seen,
                "{\"jsonrpc\":\"2.0\",\"id\":41,\"error\":{\"code\":-32603,\
                 \"message\":\"the answer was longer than 1000 bytes and was dropped\"}}\n{}\n"
            );
        }
    }

    #[test]
    fn a_line_that_is_too_long_and_answers_nothing_ends_the_connection() {
        let failure = read(format!("{}\n", "x".repeat(3_000)).as_bytes(), 1_000).unwrap_err();
        assert_eq!(failure.to_string(), "it sent a line of more than 1000 bytes that answers no call");
    }

    #[test]
    fn a_line_that_is_too_long_takes_little_memory() {
        let mut lines = Lines::new(&b""[..], 1_000_000, Arc::default());
        for _ in 0..100 {
            lines.feed(&[b'x'; 100_000]).unwrap();
        }
        assert!(lines.line.capacity() + lines.rest.as_ref().unwrap().capacity() < 10_000);
    }

    #[tokio::test]
    async fn a_reader_with_little_room_gets_everything_in_order() {
        let input: String = (0..2_000).map(|number| format!("{{\"n\":{number}}}\n")).collect();
        let mut lines = Lines::new(input.as_bytes(), 100, Arc::default());
        let (mut seen, mut small) = (Vec::new(), [0; 13]);
        loop {
            match lines.read(&mut small).await.unwrap() {
                0 => break,
                count => seen.extend_from_slice(&small[..count]),
            }
        }
        assert_eq!(String::from_utf8(seen).unwrap(), input);
    }
}
