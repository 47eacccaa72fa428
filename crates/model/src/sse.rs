//! Server-sent events: bytes in, frames out, however the bytes were cut.
//!
//! Not here: what a frame means. It follows the WHATWG HTML standard, section 9.2, and bears what services add to it.

/// One event of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// The event's name; empty where the service gives none.
    pub event: String,
    /// Its text; several lines are joined by line ends.
    pub text: String,
}

/// A line, or the lines of one event, are longer than the cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LineTooLong;

/// The state between two pieces of a stream.
#[derive(Clone, Debug)]
pub(crate) struct Sse {
    cap: usize,
    line: Vec<u8>,
    event: String,
    text: Option<String>,
    last: Last,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Last {
    /// Nothing has come yet: a byte order mark may.
    Nothing,
    /// A carriage return ended the line: a line feed after it ends nothing.
    CarriageReturn,
    Other,
}

impl Sse {
    /// Begins a stream whose lines and events may have so many bytes.
    pub fn new(cap: usize) -> Sse {
        Sse { cap, line: Vec::new(), event: String::new(), text: None, last: Last::Nothing }
    }

    /// Takes the next bytes and appends the frames that they complete.
    pub fn push(&mut self, mut bytes: &[u8], frames: &mut Vec<Frame>) -> Result<(), LineTooLong> {
        while !bytes.is_empty() {
            if self.last == Last::CarriageReturn {
                self.last = Last::Other;
                if bytes[0] == b'\n' {
                    bytes = &bytes[1..];
                    continue;
                }
            }
            let end = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &bytes[..end.unwrap_or(bytes.len())];
            if self.line.len() + piece.len() > self.cap {
                return Err(LineTooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { break };
            self.end_line(frames)?;
            self.last = if bytes[end] == b'\r' { Last::CarriageReturn } else { Last::Other };
            bytes = &bytes[end + 1..];
        }
        Ok(())
    }

    /// Ends the stream. The standard drops an event without an empty line after it; some services end with one.
    pub fn end(&mut self, frames: &mut Vec<Frame>) -> Result<(), LineTooLong> {
        if !self.line.is_empty() {
            self.end_line(frames)?;
        }
        self.end_event(frames);
        Ok(())
    }

    fn end_line(&mut self, frames: &mut Vec<Frame>) -> Result<(), LineTooLong> {
        let line = std::mem::take(&mut self.line);
        let begins = self.last == Last::Nothing;
        self.last = Last::Other;
        let line =
            String::from_utf8_lossy(if begins { line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&line) } else { &line });
        if line.is_empty() {
            self.end_event(frames);
            return Ok(());
        }
        // An error is sometimes written into the stream as bare JSON, as if no stream were there.
        let (field, value) =
            if line.starts_with('{') { ("data", &*line) } else { line.split_once(':').unwrap_or((&line, "")) };
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" | "error" => self.add(value)?,
            "event" => self.event = value.to_owned(),
            _ => {}
        }
        Ok(())
    }

    fn add(&mut self, value: &str) -> Result<(), LineTooLong> {
        match &mut self.text {
            None => self.text = Some(value.to_owned()),
            Some(text) => {
                if text.len() + value.len() > self.cap {
                    return Err(LineTooLong);
                }
                text.push('\n');
                text.push_str(value);
            }
        }
        Ok(())
    }

    fn end_event(&mut self, frames: &mut Vec<Frame>) {
        let event = std::mem::take(&mut self.event);
        if let Some(text) = self.text.take() {
            frames.push(Frame { event, text });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut sse = Sse::new(1_000);
        let mut frames = Vec::new();
        for piece in pieces {
            sse.push(piece, &mut frames).unwrap();
        }
        sse.end(&mut frames).unwrap();
        frames.into_iter().map(|frame| (frame.event, frame.text)).collect()
    }

    fn check(bytes: &[u8], expected: &[(&str, &str)]) {
        let expected: Vec<_> = expected.iter().map(|(event, text)| (event.to_string(), text.to_string())).collect();
        assert_eq!(frames(&[bytes]), expected);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(frames(&single), expected);
    }

    #[test]
    fn every_line_end_ends_a_line() {
        let expected = [("", "a\nb"), ("e", "c")];
        check(b"data: a\ndata: b\n\nevent: e\ndata: c\n\n", &expected);
        check(b"data: a\r\ndata: b\r\n\r\nevent: e\r\ndata: c\r\n\r\n", &expected);
        check(b"data: a\rdata: b\r\revent: e\rdata: c\r\r", &expected);
    }

    #[test]
    fn comments_unknown_fields_and_empty_events_are_passed_over() {
        check(b": keep-alive\n\nid: 7\nretry: 10\nevent: lonely\n\ndata:x\n\n", &[("", "x")]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line_and_of_the_first_line_only() {
        check(b"\xef\xbb\xbfdata: x\n\n", &[("", "x")]);
        check(b"\n\xef\xbb\xbfdata: x\n\n", &[]);
    }

    #[test]
    fn an_event_without_an_empty_line_after_it_ends_with_the_stream() {
        check(b"data: x", &[("", "x")]);
        check(b"data: x\n", &[("", "x")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_replaced() {
        check(b"data: a\xff\xfeb\n\n", &[("", "a\u{fffd}\u{fffd}b")]);
    }

    #[test]
    fn bare_json_and_an_error_field_are_events() {
        check(b"{\"error\": 1}\n\n", &[("", "{\"error\": 1}")]);
        check(b"error: {\"code\": 1}\n\n", &[("", "{\"code\": 1}")]);
    }

    #[test]
    fn a_long_line_and_an_event_of_many_lines_are_stopped_at_the_cap() {
        let mut sse = Sse::new(10);
        assert_eq!(sse.push(b"data: 12345", &mut vec![]), Err(LineTooLong));
        let mut sse = Sse::new(10);
        assert_eq!(sse.push(b"data: 1234\ndata: 5678\ndata: 9abc\n", &mut vec![]), Err(LineTooLong));
    }

    proptest! {
        #[test]
        fn the_cuts_between_pieces_change_nothing(
            lines in prop::collection::vec("(data|event|id|: x|error|\\{)?[:]?[ ]?[a-z\u{e9}\u{4e2d}\\{]{0,6}(\n|\r|\r\n|\n\n|\r\n\r\n)", 0..12),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes: Vec<u8> = lines.concat().into_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(frames(&pieces), frames(&[&bytes]));
        }
    }
}
