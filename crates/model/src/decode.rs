//! From the bytes of a response to an answer, whatever the dialect: pure, and the same however the bytes were cut.
//!
//! Not here: where the bytes come from, or what one dialect's frames mean.

use serde_json::Value;
use turn::chat::{Prompt, Reply, Usage};

use crate::anthropic::Anthropic;
use crate::chat_completions::ChatCompletions;
use crate::completion::{Heard, Stop};
use crate::draft::Draft;
use crate::endpoint::{Caps, Dialect};
use crate::fault::Fault;
use crate::names::Names;
use crate::responses::Responses;
use crate::sse::{Frame, LineTooLong, Sse};

/// Why a response cannot become an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It is larger than a cap.
    TooMuch(String),
    /// It is not in the dialect.
    Garbled(String),
    /// The service complains in the middle of it.
    Refused(Fault),
}

/// How far a response has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// More has to come.
    Speaking,
    /// The answer is whole; the tokens it cost may still come.
    Whole,
    /// Nothing more is to come.
    Over,
}

/// A whole answer, before anybody knows the request it belongs to.
#[derive(Clone, Debug, PartialEq)]
pub struct Whole {
    /// What was said, thought and called.
    pub reply: Reply,
    /// The tokens, where the service counted.
    pub usage: Option<Usage>,
    /// Why it ended.
    pub stop: Stop,
    /// The model, as the service named it.
    pub model: Option<String>,
    /// The service's name for the response.
    pub id: Option<String>,
}

/// A response while it comes in.
#[derive(Debug)]
pub struct Decoder {
    sse: Sse,
    draft: Draft,
    speech: Speech,
    /// The bytes that may still come.
    room: usize,
    trouble: Option<Trouble>,
}

#[derive(Debug)]
enum Speech {
    ChatCompletions(ChatCompletions),
    Responses(Responses),
    Anthropic(Anthropic),
}

impl Decoder {
    /// Begins the response to a prompt. `model` is the one that is asked.
    pub fn new(dialect: Dialect, model: &str, prompt: &Prompt, caps: Caps) -> Decoder {
        Decoder {
            sse: Sse::new(caps.line),
            draft: Draft::new(caps, Names::of(&prompt.tools)),
            speech: match dialect {
                Dialect::ChatCompletions => Speech::ChatCompletions(ChatCompletions::new(model)),
                Dialect::Responses => Speech::Responses(Responses::new(model)),
                Dialect::Anthropic => Speech::Anthropic(Anthropic::new(model)),
            },
            room: caps.stream,
            trouble: None,
        }
    }

    /// Takes the next bytes and appends what is heard in them.
    ///
    /// After a trouble every further call returns the same trouble; what was heard before it stays heard.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<Heard>) -> Result<(), Trouble> {
        self.untroubled()?;
        if self.arrival() == Arrival::Over {
            return Ok(());
        }
        let taken = bytes.len().min(self.room);
        self.room -= taken;
        let mut frames = Vec::new();
        let read = self.sse.push(&bytes[..taken], &mut frames);
        self.read(&frames, read, out)?;
        if taken < bytes.len() && self.arrival() != Arrival::Over {
            return self.fail(Trouble::TooMuch("the stream has no end".into()));
        }
        Ok(())
    }

    /// Ends the response, for a connection that was closed in order.
    pub fn end(&mut self, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        self.untroubled()?;
        let mut frames = Vec::new();
        let read = self.sse.end(&mut frames);
        match self.read(&frames, read, out) {
            // The last frame of a stream that was torn off is half a frame: that is a cut, no rubbish.
            Err(Trouble::Garbled(_)) => {
                self.trouble = None;
                Ok(())
            }
            other => other,
        }
    }

    /// Takes nothing more: what comes after a whole answer is no part of it.
    pub fn close(&mut self) {
        self.trouble = None;
        self.room = 0;
        match &mut self.speech {
            Speech::ChatCompletions(speech) => speech.close(),
            Speech::Anthropic(speech) => speech.close(),
            Speech::Responses(_) => {}
        }
    }

    /// Takes a body that is no stream but one JSON text, as some gateways answer, above all with a complaint.
    pub fn whole_body(&mut self, body: &[u8], out: &mut Vec<Heard>) -> Result<(), Trouble> {
        self.untroubled()?;
        let frame = Frame { event: String::new(), text: String::from_utf8_lossy(body).into_owned() };
        self.read(&[frame], Ok(()), out)
    }

    /// Returns how far the response has come.
    pub fn arrival(&self) -> Arrival {
        match &self.speech {
            Speech::ChatCompletions(speech) => speech.arrival(),
            Speech::Responses(speech) => speech.arrival(),
            Speech::Anthropic(speech) => speech.arrival(),
        }
    }

    /// Returns the tokens of the response if the service has counted them all.
    pub fn usage(&self) -> Option<Usage> {
        match &self.speech {
            Speech::ChatCompletions(speech) => speech.usage(),
            Speech::Responses(speech) => speech.usage(),
            Speech::Anthropic(speech) => speech.usage(),
        }
    }

    /// Ends the answer. It is for a response that is [`Arrival::Whole`] or [`Arrival::Over`].
    pub fn finish(self) -> Whole {
        match self.speech {
            Speech::ChatCompletions(speech) => speech.finish(self.draft),
            Speech::Responses(speech) => speech.finish(self.draft),
            Speech::Anthropic(speech) => speech.finish(self.draft),
        }
    }

    fn untroubled(&self) -> Result<(), Trouble> {
        self.trouble.clone().map_or(Ok(()), Err)
    }

    fn fail(&mut self, trouble: Trouble) -> Result<(), Trouble> {
        self.trouble = Some(trouble.clone());
        Err(trouble)
    }

    fn read(&mut self, frames: &[Frame], read: Result<(), LineTooLong>, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        for frame in frames {
            if self.arrival() == Arrival::Over {
                return Ok(());
            }
            if let Err(trouble) = self.frame(frame, out) {
                return self.fail(trouble);
            }
        }
        match read {
            Err(LineTooLong) if self.arrival() != Arrival::Over => {
                self.fail(Trouble::TooMuch("a line of the stream has no end".into()))
            }
            _ => Ok(()),
        }
    }

    fn frame(&mut self, frame: &Frame, out: &mut Vec<Heard>) -> Result<(), Trouble> {
        let text = frame.text.trim();
        if text.is_empty() {
            return Ok(());
        }
        let draft = &mut self.draft;
        if text == "[DONE]" {
            if let Speech::ChatCompletions(speech) = &mut self.speech {
                speech.done(draft);
            }
            return Ok(());
        }
        let value: Value = serde_json::from_str(text).map_err(|_| Trouble::Garbled(beginning(text)))?;
        match &mut self.speech {
            Speech::ChatCompletions(speech) => speech.chunk(&value, draft, out),
            Speech::Responses(speech) => speech.event(&frame.event, &value, draft, out),
            Speech::Anthropic(speech) => speech.event(&frame.event, &value, draft, out),
        }
    }
}

fn beginning(text: &str) -> String {
    format!("expected JSON, found {:?}", text.chars().take(80).collect::<String>())
}

/// Reads a text out of JSON; everything else is an empty text.
pub(crate) fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Reads a count out of JSON; everything else, a negative number included, is zero.
pub(crate) fn count(value: &Value, path: &str) -> u64 {
    let number = value.pointer(path);
    let whole = number.and_then(Value::as_u64);
    whole.or_else(|| number.and_then(Value::as_f64).map(|number| number as u64)).unwrap_or_default()
}

/// Makes counts agree that a careless service has made disagree: a part is never larger than its whole.
pub(crate) fn consistent(usage: Usage) -> Usage {
    Usage {
        input: usage.input.max(usage.cache_read.saturating_add(usage.cache_write)),
        output: usage.output.max(usage.reasoning),
        ..usage
    }
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of all dialects share: one way to play a transcript, cut in every way.

    use proptest::test_runner::{Config, TestCaseError, TestRunner};
    use turn::chat::{Message, ToolSpec};

    use super::*;

    pub const MODEL: &str = "test-model";

    pub fn prompt(messages: Vec<Message>) -> Prompt {
        let tool = |name: &str| ToolSpec {
            name: name.into(),
            description: format!("does {name}"),
            parameters: serde_json::json!({"type": "object", "properties": {"path": {"type": "string"}}}),
        };
        Prompt {
            system: "be brief".into(),
            tools: vec![tool("read"), tool("mcp:forge/create")],
            messages,
            max_output_tokens: None,
        }
    }

    /// What became of a transcript.
    #[derive(Debug, PartialEq)]
    pub struct Played {
        pub heard: Vec<Heard>,
        pub result: Result<Option<Whole>, Trouble>,
        pub usage: Option<Usage>,
    }

    impl Played {
        pub fn whole(self) -> Whole {
            self.result.unwrap().expect("the transcript is whole")
        }
    }

    pub fn play(dialect: Dialect, caps: Caps, pieces: &[&[u8]]) -> Played {
        let mut decoder = Decoder::new(dialect, MODEL, &prompt(vec![]), caps);
        let mut heard = Vec::new();
        let mut result = Ok(());
        for piece in pieces {
            result = decoder.push(piece, &mut heard);
            if result.is_err() {
                break;
            }
        }
        let result = result.and_then(|()| decoder.end(&mut heard));
        let usage = decoder.usage();
        let arrival = decoder.arrival();
        let result = result.map(|()| (arrival != Arrival::Speaking).then(|| decoder.finish()));
        Played { heard, result, usage }
    }

    /// Plays a transcript in one piece, byte by byte, and cut at random; all must come to the same.
    pub fn played(dialect: Dialect, caps: Caps, transcript: &[u8]) -> Played {
        let at_once = play(dialect, caps, &[transcript]);
        let bytes: Vec<&[u8]> = transcript.chunks(1).collect();
        assert_eq!(play(dialect, caps, &bytes), at_once);
        let cuts = proptest::collection::vec(0..=transcript.len(), 0..12);
        let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
        let ran = TestRunner::new(config).run(&cuts, |mut cuts| {
            cuts.extend([0, transcript.len()]);
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &transcript[pair[0]..pair[1]]).collect();
            match play(dialect, caps, &pieces) == at_once {
                true => Ok(()),
                false => Err(TestCaseError::fail("the cuts changed what was heard")),
            }
        });
        ran.unwrap();
        at_once
    }

    pub fn said(heard: &[Heard]) -> String {
        heard
            .iter()
            .filter_map(|heard| if let Heard::Text(text) = heard { Some(text.as_str()) } else { None })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::{play, played};
    use super::*;

    #[test]
    fn a_stream_without_an_end_is_stopped() {
        for dialect in Dialect::ALL {
            let caps = Caps { stream: 100, ..Caps::default() };
            let played = played(dialect, caps, ": nothing\n\n".repeat(20).as_bytes());
            assert_eq!(played.result, Err(Trouble::TooMuch("the stream has no end".into())));
        }
    }

    #[test]
    fn a_line_without_an_end_is_stopped() {
        for dialect in Dialect::ALL {
            let caps = Caps { line: 100, ..Caps::default() };
            let played = played(dialect, caps, &[b'x'; 300]);
            assert_eq!(played.result, Err(Trouble::TooMuch("a line of the stream has no end".into())));
        }
    }

    #[test]
    fn rubbish_is_garbled_and_half_a_frame_at_the_end_is_a_cut() {
        for dialect in Dialect::ALL {
            let rubbish = played(dialect, Caps::default(), b"data: <html>\n\n");
            assert_eq!(rubbish.result, Err(Trouble::Garbled("expected JSON, found \"<html>\"".into())));
            assert_eq!(played(dialect, Caps::default(), b"data: {\"choices\"").result, Ok(None));
            assert_eq!(played(dialect, Caps::default(), b"").result, Ok(None));
        }
    }

    #[test]
    fn a_count_is_read_from_whatever_number_there_is() {
        let value = serde_json::json!({"a": 3, "b": 2.0, "c": -1, "d": "4", "e": null});
        let counts: Vec<u64> = ["/a", "/b", "/c", "/d", "/e", "/f"].iter().map(|path| count(&value, path)).collect();
        assert_eq!(counts, [3, 2, 0, 0, 0, 0]);
    }

    /// Words that a service might say, in an order in which none would.
    fn rubbish() -> impl Strategy<Value = Vec<u8>> {
        let token = prop::sample::select(vec![
            "data: ",
            "event: error",
            "\n",
            "\n\n",
            "\r\n",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\u12",
            "null",
            "1e999",
            "\"choices\":[{\"delta\":{",
            "\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"",
            "\"type\":",
            "\"message_start\"",
            "\"content_block_delta\",\"index\":",
            "\"response.output_item.done\"",
            "[DONE]",
            "\u{feff}",
            "data: {\"type\":\"content_block_delta\",\"index\":99,\"delta\":{\"type\":\"input_json_delta\"}}\n\n",
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"arguments\":\"{\"}}]}}]}\n\n",
            "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":7,\"delta\":\"x\"}\n\n",
        ]);
        let bytes = prop::collection::vec(any::<u8>(), 0..4);
        let piece = prop_oneof![8 => token.prop_map(|token| token.as_bytes().to_vec()), 1 => bytes];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn rubbish_never_panics_and_cuts_never_matter(bytes in rubbish(), cut in any::<prop::sample::Index>()) {
            let (left, right) = bytes.split_at(cut.index(bytes.len() + 1));
            for dialect in Dialect::ALL {
                prop_assert_eq!(play(dialect, Caps::default(), &[left, right]), play(dialect, Caps::default(), &[&bytes]));
            }
        }
    }
}
