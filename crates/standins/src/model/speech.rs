//! A turn on its way to the client: its pieces, its tokens, and what every dialect says about it.
//!
//! Not here: how a dialect spells it.

use super::request::{Asked, Count};
use ::model::{Dialect, ScriptTurn};
use ::turn::chat::{ToolCall, Usage};
use serde_json::Value;

/// A turn, ready to be said.
#[derive(Debug)]
pub(crate) struct Speech {
    /// The number that its names on the wire are made of.
    pub(crate) number: u64,
    pub(crate) model: String,
    /// Seconds since 1970.
    pub(crate) created: u64,
    pub(crate) turn: ScriptTurn,
    /// The tokens, where they are said.
    pub(crate) usage: Option<Usage>,
}

/// What is said at once.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Piece<'a> {
    Thought(&'a str),
    Said(&'a str),
    Called(usize, &'a ToolCall),
}

impl Speech {
    /// Makes a turn ready to be said. Where the turn counts no tokens, nobody does.
    pub(crate) fn new(number: u64, created: u64, asked: &Asked, mut turn: ScriptTurn) -> Speech {
        for call in &mut turn.reply.calls {
            call.name = asked.spelled(&call.name);
        }
        let usage = match asked.count {
            Count::Said => turn.usage,
            Count::Kept => None,
        };
        Speech { number, model: asked.model.clone(), created, turn, usage }
    }

    /// Gives what is thought.
    pub(crate) fn thought(&self) -> &str {
        self.turn.reply.reasoning.as_ref().map_or("", |thought| &thought.text)
    }

    /// Gives what is thought, said and called, piece by piece in the order of the dialects.
    pub(crate) fn pieces(&self) -> Vec<Piece<'_>> {
        let reply = &self.turn.reply;
        let mut pieces = Vec::new();
        if !self.thought().is_empty() {
            pieces.push(Piece::Thought(self.thought()));
        }
        let mut rest = reply.text.as_str();
        while !rest.is_empty() {
            let cut = self.turn.chunk.and_then(|chars| rest.char_indices().nth(chars));
            let (piece, after) = rest.split_at(cut.map_or(rest.len(), |(at, _)| at));
            pieces.push(Piece::Said(piece));
            rest = after;
        }
        pieces.extend(reply.calls.iter().enumerate().map(|(place, call)| Piece::Called(place, call)));
        pieces
    }

    /// Says the turn as a stream of events.
    pub(crate) fn events(&self, dialect: Dialect) -> Vec<String> {
        match dialect {
            Dialect::ChatCompletions => super::chat::events(self),
            Dialect::Anthropic => super::anthropic::events(self),
            Dialect::Responses => super::responses::events(self),
        }
    }

    /// Says the turn whole.
    pub(crate) fn whole(&self, dialect: Dialect) -> Value {
        match dialect {
            Dialect::ChatCompletions => super::chat::whole(self),
            Dialect::Anthropic => super::anthropic::whole(self),
            Dialect::Responses => super::responses::whole(self),
        }
    }
}

/// Splits arguments in the middle, as services do, so that nobody can take the first piece for the whole.
pub(crate) fn halves(arguments: &str) -> [&str; 2] {
    let middle = (arguments.len() / 2..=arguments.len()).find(|at| arguments.is_char_boundary(*at));
    let (first, second) = arguments.split_at(middle.unwrap_or(0));
    [first, second]
}

/// Writes a server-sent event; without a name it has its data alone.
pub(crate) fn event(name: Option<&str>, data: &Value) -> String {
    match name {
        Some(name) => format!("event: {name}\ndata: {data}\n\n"),
        None => format!("data: {data}\n\n"),
    }
}
