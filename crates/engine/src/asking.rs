//! Asking the model, listening while it speaks, and hearing the person meanwhile.
//!
//! Not here: retries (that is `model`), or what is said to it (that is `turn`).

use crate::bill;
use crate::command::SessionCommand;
use crate::session::{EngineError, Session};
use crate::work;
use model::{Completion, Heard, ModelError, Stop, Unanswered};
use std::sync::Arc;
use tokio::sync::mpsc;
use turn::chat::{Message, Prompt, Reply, Usage};
use turn::{Want, context};
use wire::Event;

/// What came of asking.
enum Heeded {
    Answered(Box<Completion>),
    Failed(Unanswered),
    Stopped,
}

impl Session {
    /// Asks the model for its next message.
    pub(crate) async fn ask_for_reply(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        match self.ask(self.turn.messages().to_vec(), commands).await? {
            Heeded::Answered(mut completion) => {
                let usage = used(&completion);
                if matches!(completion.stop, Stop::Length | Stop::Filtered) {
                    mark_torn(&mut completion.reply);
                }
                let said = Event::Message {
                    text: completion.reply.text.clone(),
                    calls: completion.reply.calls.len(),
                    tokens: usage.map(bill::tokens),
                };
                let wants = self.feed(turn::TurnEvent::Replied { reply: completion.reply, usage }).await?;
                self.say(said);
                Ok(wants)
            }
            Heeded::Failed(unanswered) => match unanswered.why.as_ref() {
                ModelError::ContextTooLong(_) => self.feed(turn::TurnEvent::ContextFull).await,
                error => {
                    self.unavailable = error.is_transient();
                    self.feed(turn::TurnEvent::ModelFailed { why: error.to_string() }).await
                }
            },
            Heeded::Stopped => self.feed(turn::TurnEvent::Stopped).await,
        }
    }

    /// Asks the model to sum up the older part of the conversation.
    pub(crate) async fn ask_for_summary(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        self.say(Event::Notice { text: "the context is nearly full; the model sums up the older part of it".into() });
        match self.ask(context::summary_request(self.turn.messages()), commands).await? {
            Heeded::Answered(completion) if !completion.reply.text.trim().is_empty() => {
                self.feed(turn::TurnEvent::Compacted { summary: completion.reply.text }).await
            }
            Heeded::Answered(_) => {
                let why = "the model gave no summary of the full context".to_owned();
                self.feed(turn::TurnEvent::ModelFailed { why }).await
            }
            Heeded::Failed(unanswered) => {
                self.unavailable = unanswered.why.is_transient();
                self.feed(turn::TurnEvent::ModelFailed { why: unanswered.why.to_string() }).await
            }
            Heeded::Stopped => self.feed(turn::TurnEvent::Stopped).await,
        }
    }

    async fn ask(
        &mut self,
        messages: Vec<Message>,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Heeded, EngineError> {
        let prompt = Prompt {
            system: self.setup.instructions.to_string(),
            tools: work::specs(&self.setup),
            messages,
            max_output_tokens: self.setup.max_output_tokens,
        };
        let model = Arc::clone(&self.setup.model);
        let events = self.events();
        let mut heard = move |heard| {
            let _ = events.send(told(heard));
        };
        let asking = model.ask(&prompt, &mut heard);
        tokio::pin!(asking);
        loop {
            tokio::select! {
                answer = &mut asking => {
                    return Ok(match answer {
                        Ok(completion) => Heeded::Answered(Box::new(completion)),
                        Err(unanswered) => Heeded::Failed(unanswered),
                    });
                }
                Some(command) = commands.recv() => match command {
                    SessionCommand::Stop => return Ok(Heeded::Stopped),
                    other => { self.heed_meanwhile(other).await?; }
                },
            }
        }
    }
}

/// What is heard, as it crosses the border.
fn told(heard: Heard) -> Event {
    match heard {
        Heard::Text(delta) => Event::Text { delta },
        Heard::Reasoning(delta) => Event::Reasoning { delta },
        Heard::Calling { name } => Event::Calling { tool: name },
        Heard::Retrying { attempt, wait, why, .. } => {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            Event::Retrying { attempt: attempt.saturating_add(1), wait_ms, why }
        }
        Heard::Restarted => Event::Restarted,
    }
}

/// All tokens of one answer, those of attempts that brought none included.
fn used(completion: &Completion) -> Option<Usage> {
    let wasted = completion.wasted.usage;
    match completion.usage {
        Some(usage) => Some(usage.plus(wasted)),
        None if wasted != Usage::default() => Some(wasted),
        None => None,
    }
}

/// A message that ran into its limit, or into a filter, may have lost its last call's arguments: what was torn before the
/// first of them looks like a call without any, and must not run as one.
fn mark_torn(reply: &mut Reply) {
    if let Some(last) = reply.calls.last_mut().filter(|call| call.arguments.trim() == "{}") {
        last.arguments = "(cut off before the arguments)".to_owned();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wasted;
    use turn::chat::ToolCall;

    fn completion(usage: Option<u64>, wasted: u64) -> Completion {
        let tokens = |input| Usage { input, ..Usage::default() };
        Completion {
            reply: Reply::default(),
            usage: usage.map(tokens),
            stop: Stop::End,
            model: "m".to_owned(),
            request_id: None,
            wasted: Wasted { usage: tokens(wasted), attempts_of_unknown_usage: 0 },
        }
    }

    #[test]
    fn what_attempts_without_an_answer_took_is_counted_too() {
        let input = |usage, wasted| used(&completion(usage, wasted)).map(|usage| usage.input);
        assert_eq!(input(Some(5), 3), Some(8));
        assert_eq!(input(None, 3), Some(3));
        assert_eq!(input(None, 0), None, "nobody counted");
        assert_eq!(input(Some(0), 0), Some(0));
    }

    #[test]
    fn only_a_last_call_without_arguments_was_torn() {
        let call = |arguments: &str| ToolCall { id: "c".into(), name: "t".into(), arguments: arguments.into() };
        let torn = |arguments: &[&str]| {
            let mut reply = Reply { calls: arguments.iter().map(|text| call(text)).collect(), ..Reply::default() };
            mark_torn(&mut reply);
            reply.calls.into_iter().map(|call| call.arguments).collect::<Vec<_>>()
        };
        assert_eq!(torn(&["{}", " {}\n"]), ["{}", "(cut off before the arguments)"]);
        assert_eq!(torn(&["{}", r#"{"path":"a"}"#]), ["{}", r#"{"path":"a"}"#]);
        assert!(torn(&[]).is_empty());
    }
}
