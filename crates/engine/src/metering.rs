//! What a request to the model may cost at most, held before it is sent, and what it has cost when it is over.
//!
//! Not here: what a token costs (that is `pricing`), or whether a price fits (that is `gate`).
//!
//! A request takes the tokens of its input, which can be bounded before it is sent, and those of its output, which the
//! request itself limits. No token is shorter than a byte, so what has not been counted yet is bounded by its bytes.

use crate::requests::{Purpose, RequestOutcome, RequestRecord};
use crate::session::{EngineError, Session};
use gate::{GateError, Metered, Note};
use journal::{Draft, Durability};
use ledger::Entry;
use model::Spent;
use money::Usd;
use policy::Price;
use pricing::models::{ModelPrice, TokenCounts};
use serde::Serialize;
use std::hash::{DefaultHasher, Hash, Hasher};
use turn::Measured;
use turn::chat::{Message, Prompt, Usage};

/// The smallest limit of an answer that is worth asking for, in tokens.
const LEAST_OUTPUT: u64 = 1_024;
/// The limit of an answer where nobody has set one, in tokens: what a model is held to is held from the cap.
const USUAL_OUTPUT: u64 = 32_000;
/// What a service may add to a request of its own, such as what it tells the model of tools, in tokens.
const PER_REQUEST: u64 = 1_024;
/// What a service may put around one message, in tokens.
const PER_MESSAGE: u64 = 16;

/// What the model costs, as the person and the tables say.
#[derive(Clone, Debug)]
pub enum Tariff {
    /// This much, or nothing.
    Known(ModelPrice),
    /// Nobody knows; the text says why.
    Unknown(String),
}

/// A request that may be sent.
#[derive(Debug)]
pub(crate) struct Request {
    hold: Option<String>,
    purpose: Purpose,
    /// The most it can cost; `None` when the model has no price.
    bound: Option<Usd>,
    /// What stands before its messages.
    preamble: u64,
}

/// Whether a request may be sent.
#[derive(Debug)]
pub(crate) enum Allowed {
    Yes(Request),
    /// It does not fit under the cap, for this reason.
    No(String),
}

impl Session {
    /// Lowers the request's limit to what still fits, and holds the most that it can cost.
    pub(crate) async fn meter(&mut self, prompt: &mut Prompt, purpose: Purpose) -> Result<Allowed, EngineError> {
        let preamble = fingerprint(prompt);
        let measured = self.measured(preamble);
        let (price, bound) = match &*self.setup.tariff {
            Tariff::Unknown(why) => (Price::Unknown(why.clone()), None),
            Tariff::Known(price) if price.is_free() => (Price::Free, Some(Usd::ZERO)),
            Tariff::Known(price) => {
                let input = input_at_most(prompt, measured);
                let asked = prompt.max_output_tokens.map(u64::from);
                let wanted = asked.or(price.max_output_tokens()).unwrap_or(USUAL_OUTPUT);
                let wanted = if asked.is_none() { wanted.min(USUAL_OUTPUT) } else { wanted };
                let limit = self.lowered(price, input, wanted);
                prompt.max_output_tokens = Some(u32::try_from(limit).unwrap_or(u32::MAX));
                (price.request_price(input, limit), price.bound(input, limit))
            }
        };
        Ok(match self.gate.meter(&price).await? {
            Metered::Unheld => Allowed::Yes(Request { hold: None, purpose, bound, preamble }),
            Metered::Held(name) => Allowed::Yes(Request { hold: Some(name), purpose, bound, preamble }),
            Metered::Misfit(policy::Fit::NoPrice) => Allowed::No(format!("{price}: it fits in no cap")),
            Metered::Misfit(_) => Allowed::No(self.too_little_left()),
        })
    }

    /// The wanted limit of an answer, lowered to what is left of the cap, but never to less than is worth asking for: whether
    /// that fits is the gate's to say.
    fn lowered(&self, price: &ModelPrice, input: u64, wanted: u64) -> u64 {
        let state = self.gate.state();
        let Some(cap) = state.mode.limit() else { return wanted };
        let most = price.most_output(state.book.funds().left(cap), input).unwrap_or_default();
        most.max(LEAST_OUTPUT).min(wanted)
    }

    fn too_little_left(&self) -> String {
        let chip = self.chip();
        format!("{chip}: what is left of the cap does not pay for another request to the model")
    }

    /// What the service counted last, if that can be told of this request's beginning.
    fn measured(&self, preamble: u64) -> Option<(Measured, Preamble)> {
        let is_same_model = self.requests.model.as_deref() == Some(&*self.setup.model_name);
        let measured = self.turn.measured().filter(|_| is_same_model)?;
        let was = if self.preamble == Some(preamble) { Preamble::Counted } else { Preamble::Other };
        Some((measured, was))
    }

    /// Ends the request that brought an answer: what it cost and what was said stand in the record together.
    pub(crate) async fn answered(
        &mut self,
        request: &Request,
        usage: Option<Usage>,
        event: turn::TurnEvent,
    ) -> Result<Vec<turn::Want>, EngineError> {
        let note = crate::record::note(&event).map_err(GateError::from)?;
        self.preamble = Some(request.preamble);
        let spent = usage.map_or(Spent::Unknown, Spent::Known);
        self.end_request(request, (RequestOutcome::Answered, spent), Some(note)).await?;
        Ok(self.turn.step(event))
    }

    /// Ends a request that brought none.
    pub(crate) async fn unanswered(&mut self, request: &Request, spent: Spent) -> Result<(), EngineError> {
        let outcome = if spent == Spent::Nothing { RequestOutcome::Refused } else { RequestOutcome::Lost };
        self.end_request(request, (outcome, spent), None).await
    }

    async fn end_request(
        &mut self,
        request: &Request,
        (outcome, spent): (RequestOutcome, Spent),
        note: Option<Note>,
    ) -> Result<(), EngineError> {
        let counted = |usage: Usage| TokenCounts {
            input: usage.input,
            cache_read: usage.cache_read,
            cache_write: usage.cache_write,
            output: usage.output,
            reasoning: usage.reasoning,
        };
        let (usage, cost, saved) = match (&*self.setup.tariff, spent) {
            (Tariff::Known(price), Spent::Known(usage)) => {
                (Some(usage), Some(price.cost(counted(usage))), Some(price.saved_by_caching(counted(usage))))
            }
            (Tariff::Unknown(_), Spent::Known(usage)) => (Some(usage), None, None),
            (Tariff::Known(_) | Tariff::Unknown(_), Spent::Nothing) => (None, Some(Usd::ZERO), None),
            // Nobody knows what it cost: it counts at the most it can have.
            (Tariff::Known(_) | Tariff::Unknown(_), Spent::Unknown) => (None, request.bound, None),
        };
        let (hold, model) = (request.hold.clone(), self.setup.model_name.to_string());
        let record = RequestRecord { hold, model, purpose: request.purpose, outcome, usage, cost, saved };
        let own = record.note().map_err(GateError::from)?;
        let notes: Vec<Note> = std::iter::once(own).chain(note).collect();
        match (&request.hold, cost) {
            (Some(hold), Some(_)) if spent == Spent::Nothing => self.gate.post(hold, Entry::Released, notes).await?,
            (Some(hold), Some(cost)) => self.gate.post(hold, Entry::Settled(cost), notes).await?,
            (None, _) | (_, None) => self.append(&notes).await?,
        }
        self.requests.add(&record);
        Ok(())
    }

    /// Writes records of the engine's own, in one step.
    pub(crate) async fn append(&mut self, notes: &[Note]) -> Result<(), EngineError> {
        let at_ms = (self.setup.now_ms)();
        let drafts: Vec<Draft<'_>> =
            notes.iter().map(|note| Draft { at_ms, kind: note.kind, body: &note.body }).collect();
        self.gate.log().append(&drafts, Durability::Committed).await?;
        Ok(())
    }
}

/// Whether what stands before the messages is what the service counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Preamble {
    Counted,
    /// It may be another, so it is counted by its bytes beside what was counted.
    Other,
}

/// The most tokens that a request's input can have.
///
/// What the service counted holds for the messages that it was told then, which have not changed since; what came after,
/// and all of it where nothing was counted, is bounded by its bytes, with what a service may put around each message.
fn input_at_most(prompt: &Prompt, measured: Option<(Measured, Preamble)>) -> u64 {
    let preamble = || PER_REQUEST + length(&prompt.system) + length(&prompt.tools);
    let (counted, told) = match measured {
        Some((measured, Preamble::Counted)) => (measured.input, measured.messages),
        Some((measured, Preamble::Other)) => (measured.input.saturating_add(preamble()), measured.messages),
        None => (preamble(), 0),
    };
    let since = prompt.messages.iter().skip(told);
    since.fold(counted, |sum, message| sum.saturating_add(PER_MESSAGE).saturating_add(length::<Message>(message)))
}

/// How many bytes something takes as JSON, which is never fewer than its text has.
fn length<T: Serialize + ?Sized>(value: &T) -> u64 {
    let written = serde_json::to_vec(value).map(|bytes| bytes.len());
    u64::try_from(written.expect("what a prompt is made of can be written")).unwrap_or(u64::MAX)
}

/// Tells one preamble from another.
fn fingerprint(prompt: &Prompt) -> u64 {
    let mut hash = DefaultHasher::new();
    prompt.system.hash(&mut hash);
    for tool in &prompt.tools {
        (&tool.name, &tool.description, tool.parameters.to_string()).hash(&mut hash);
    }
    hash.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use turn::chat::ToolSpec;

    fn prompt(texts: &[&str]) -> Prompt {
        let tool =
            ToolSpec { name: "read".into(), description: "Reads.".into(), parameters: json!({"type": "object"}) };
        let messages = texts.iter().map(|text| Message::User { text: (*text).to_owned() }).collect();
        Prompt { system: "Be brief.".into(), tools: vec![tool], messages, max_output_tokens: None }
    }

    #[test]
    fn without_a_count_every_byte_is_a_token() {
        let texts = ["añb", "\"quoted\"\n"];
        let bytes: usize = texts.iter().map(|text| text.len()).sum();
        let preamble = "Be brief.readReads.{\"type\":\"object\"}".len();
        let bound = input_at_most(&prompt(&texts), None);
        let least = u64::try_from(bytes + preamble).unwrap() + PER_REQUEST + 2 * PER_MESSAGE;
        assert!(bound >= least, "{bound} < {least}");
        assert!(bound <= least + 200, "{bound} is far from {least}");
    }

    #[test]
    fn what_was_counted_stands_for_what_was_told_and_the_rest_is_counted_by_its_bytes() {
        let counted = Measured { messages: 2, input: 5_000 };
        let long = "x".repeat(10_000);
        let told = [long.as_str(), "b", "new"];
        let same = input_at_most(&prompt(&told), Some((counted, Preamble::Counted)));
        assert!((5_000 + PER_MESSAGE + 3..5_100).contains(&same), "{same}");
        let other = input_at_most(&prompt(&told), Some((counted, Preamble::Other)));
        assert!((same + PER_REQUEST..same + PER_REQUEST + 200).contains(&other), "{other}");
        let summary = input_at_most(&prompt(&told[..1]), Some((counted, Preamble::Counted)));
        assert_eq!(summary, 5_000, "a part of what was told is no more than all of it");
    }

    #[test]
    fn another_tool_or_another_instruction_makes_another_preamble() {
        let (one, mut two, mut three) = (prompt(&["a"]), prompt(&["b"]), prompt(&["a"]));
        assert_eq!(fingerprint(&one), fingerprint(&two), "messages are no part of it");
        two.system.push('!');
        three.tools[0].parameters = json!({});
        assert!(fingerprint(&one) != fingerprint(&two) && fingerprint(&one) != fingerprint(&three));
    }
}
