//! The lines of a job's log, taken from the lines of its stream as they come.
//!
//! Not here: reading the stream.

use serde_json::Value;
use std::collections::VecDeque;

/// The most bytes of one event; the rest of a longer one is left out.
const MOST_EVENT: usize = 64 * 1024;

/// Takes server-sent events apart: one line of the log is one event, `data: {"data": "line", "timestamp": "..."}`.
#[derive(Debug, Default)]
pub(super) struct LogDecoder {
    data: Option<String>,
}

impl LogDecoder {
    /// Takes the next line of the stream and gives the line of the log that it completes.
    pub(super) fn push(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            return self.data.take().map(|data| text_of(&data));
        }
        // Comments keep the connection alive; other fields say nothing about the log.
        let value = line.strip_prefix("data:")?;
        let value = value.strip_prefix(' ').unwrap_or(value);
        let data = match &mut self.data {
            Some(data) => {
                data.push('\n');
                data
            }
            None => self.data.insert(String::new()),
        };
        let room = MOST_EVENT.saturating_sub(data.len());
        let fits = (0..=room.min(value.len())).rev().find(|at| value.is_char_boundary(*at)).unwrap_or(0);
        data.push_str(&value[..fits]);
        None
    }
}

/// What an event says: the text of its `data`, or all of it where it is not what it should be.
fn text_of(event: &str) -> String {
    let parsed: Option<Value> = serde_json::from_str(event).ok();
    let text = parsed.as_ref().and_then(|event| event.get("data")).and_then(Value::as_str);
    text.unwrap_or(event).to_owned()
}

/// The last lines of a log, as many as fit.
#[derive(Debug)]
pub(super) struct Tail {
    lines: VecDeque<String>,
    bytes: usize,
    most_bytes: usize,
    most_lines: usize,
    seen: usize,
}

impl Tail {
    /// Keeps at most this many bytes and lines.
    pub(super) fn of(most_bytes: usize, most_lines: usize) -> Tail {
        Tail { lines: VecDeque::new(), bytes: 0, most_bytes, most_lines, seen: 0 }
    }

    /// Adds a line; the oldest ones make room for it.
    pub(super) fn push(&mut self, line: String) {
        let line = match line.char_indices().find(|(at, _)| *at >= self.most_bytes / 4) {
            Some((at, _)) => format!("{}... (cut)", &line[..at]),
            None => line,
        };
        self.seen += 1;
        self.bytes += line.len() + 1;
        self.lines.push_back(line);
        while self.bytes > self.most_bytes || self.lines.len() > self.most_lines {
            match self.lines.pop_front() {
                Some(oldest) => self.bytes -= oldest.len() + 1,
                None => break,
            }
        }
    }

    /// How many lines there were.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }

    /// The lines that were kept, and before them how many were not.
    pub(super) fn text(&self) -> String {
        let kept: Vec<&str> = self.lines.iter().map(String::as_str).collect();
        match self.seen - kept.len() {
            0 => kept.join("\n"),
            cut => format!("({cut} earlier lines are left out)\n{}", kept.join("\n")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lines_of(stream: &str) -> Vec<String> {
        let mut decoder = LogDecoder::default();
        stream.lines().filter_map(|line| decoder.push(line)).collect()
    }

    #[test]
    fn each_event_is_a_line_and_what_is_cut_off_is_none() {
        let stream = "data: {\"data\":\"one\",\"timestamp\":\"t\"}\n\n: keep-alive\n\nevent: x\ndata: not json\n\n\
                      data: {\"data\":\n\ndata: a\ndata: b\n\nid: 4\n\ndata: {\"data\":\"é\\nf\"}\n\ndata: cut off";
        assert_eq!(lines_of(stream), ["one", "not json", "{\"data\":", "a\nb", "é\nf"]);
    }

    #[test]
    fn an_event_without_an_end_takes_no_more_room_than_the_longest() {
        let mut decoder = LogDecoder::default();
        for _ in 0..1_000 {
            assert_eq!(decoder.push(&format!("data: {}", "é".repeat(1_000))), None);
        }
        let line = decoder.push("").unwrap();
        assert!(line.len() <= MOST_EVENT + 1_000, "{}", line.len());
    }

    #[test]
    fn the_last_lines_are_kept_and_the_others_are_counted() {
        let mut tail = Tail::of(100, 3);
        for line in ["a", "b", "c", "d"] {
            tail.push(line.to_owned());
        }
        assert_eq!(tail.text(), "(1 earlier lines are left out)\nb\nc\nd");
        tail.push("é".repeat(1_000));
        assert!(tail.text().len() < 200, "{}", tail.text());
        assert_eq!(tail.seen(), 5);
    }

    proptest! {
        #[test]
        fn no_line_panics(lines in prop::collection::vec("\\PC{0,40}", 0..10)) {
            let mut decoder = LogDecoder::default();
            for line in lines {
                decoder.push(&line);
                decoder.push(&format!("data:{line}"));
            }
        }
    }
}
