//! Asking the model, listening while it speaks, and hearing the person meanwhile.
//!
//! Not here: retries (that is `model`), or what is said to it (that is `turn`).

use crate::bill;
use crate::command::SessionCommand;
use crate::metering::{Allowed, Request};
use crate::requests::Purpose;
use crate::session::{EngineError, Session};
use crate::work;
use model::{Completion, Heard, Lost, ModelError, Spent, Stop};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use turn::chat::{Message, Prompt, Reply};
use turn::{TurnEvent, Want, context};
use wire::Event;

/// What came of asking.
enum Heeded {
    Answered(Box<Completion>, Request),
    Failed(Lost),
    /// The cap does not pay for it.
    CapReached(String),
    Stopped,
}

/// What came of one attempt, or of waiting for the next.
enum Attempted {
    Answered(Box<Completion>),
    Lost(Lost),
    Stopped,
}

impl Session {
    /// Asks the model for its next message.
    pub(crate) async fn ask_for_reply(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        match self.ask(Purpose::Reply, self.turn.messages().to_vec(), commands).await? {
            Heeded::Answered(mut completion, request) => {
                let usage = completion.usage;
                if matches!(completion.stop, Stop::Length | Stop::Filtered) {
                    mark_torn(&mut completion.reply);
                }
                let (text, calls) = (completion.reply.text.clone(), completion.reply.calls.len());
                let replied = TurnEvent::Replied { reply: completion.reply, usage };
                let wants = self.answered(&request, usage, replied).await?;
                self.say(Event::Message { text, calls, tokens: usage.map(bill::tokens), chip: self.chip() });
                Ok(wants)
            }
            Heeded::Failed(lost) if matches!(*lost.why, ModelError::ContextTooLong(_)) => {
                self.feed(TurnEvent::ContextFull).await
            }
            not_answered => self.not_answered(not_answered).await,
        }
    }

    /// Asks the model to sum up the older part of the conversation.
    pub(crate) async fn ask_for_summary(
        &mut self,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        self.say(Event::Notice { text: "the model sums up the older part of the conversation, to make room".into() });
        match self.ask(Purpose::Summary, context::summary_request(self.turn.messages()), commands).await? {
            Heeded::Answered(completion, request) => {
                let summary = completion.reply.text;
                let event = match summary.trim() {
                    "" => TurnEvent::ModelFailed { why: "the model gave no summary of the full context".to_owned() },
                    _said => TurnEvent::Compacted { summary },
                };
                self.answered(&request, completion.usage, event).await
            }
            not_answered => self.not_answered(not_answered).await,
        }
    }

    async fn not_answered(&mut self, heeded: Heeded) -> Result<Vec<Want>, EngineError> {
        let event = match heeded {
            Heeded::Failed(lost) => {
                self.so_far.unavailable = lost.why.is_transient();
                TurnEvent::ModelFailed { why: lost.why.to_string() }
            }
            Heeded::CapReached(why) => TurnEvent::CapReached { why },
            Heeded::Stopped => TurnEvent::Stopped,
            Heeded::Answered(..) => unreachable!("an answer is seen to by whoever asked"),
        };
        self.feed(event).await
    }

    /// Asks, and asks again as long as that is worth it. Each attempt is held before it is made, and settled after it.
    async fn ask(
        &mut self,
        purpose: Purpose,
        messages: Vec<Message>,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Heeded, EngineError> {
        if let Some(picked) = self.next.take() {
            self.setup.take(*picked);
            if self.turn.limits() != self.setup.limits {
                self.feed(TurnEvent::Limited { limits: self.setup.limits }).await?;
            }
        }
        let mut prompt = Prompt {
            system: self.setup.instructions.to_string(),
            tools: work::specs(&self.setup),
            messages,
            max_output_tokens: None,
        };
        // What ended meanwhile frees what was held for it.
        self.reconcile().await?;
        let mut number = 1;
        loop {
            // Less may be left than before the last attempt.
            prompt.max_output_tokens = self.setup.max_output_tokens;
            let request = match self.meter(&mut prompt, purpose).await? {
                Allowed::Yes(request) => request,
                Allowed::No(why) => return Ok(Heeded::CapReached(why)),
            };
            let lost = match self.attempt(&prompt, number, commands).await? {
                Attempted::Answered(completion) => return Ok(Heeded::Answered(completion, request)),
                Attempted::Stopped => {
                    self.unanswered(&request, Spent::Unknown).await?;
                    return Ok(Heeded::Stopped);
                }
                Attempted::Lost(lost) => lost,
            };
            self.unanswered(&request, lost.spent).await?;
            let Some(wait) = lost.wait else { return Ok(Heeded::Failed(lost)) };
            number += 1;
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            self.say(Event::Retrying { attempt: number, wait_ms, why: lost.why.to_string() });
            if let Waited::Stopped = self.wait(wait, commands).await? {
                return Ok(Heeded::Stopped);
            }
        }
    }

    async fn attempt(
        &mut self,
        prompt: &Prompt,
        number: u32,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Attempted, EngineError> {
        let model = Arc::clone(&self.setup.model);
        let events = self.surface.events.clone();
        let mut heard = move |heard| events.say(told(heard));
        let asking = model.attempt(prompt, number, &mut heard);
        tokio::pin!(asking);
        loop {
            tokio::select! {
                answer = &mut asking => {
                    return Ok(match answer {
                        Ok(completion) => Attempted::Answered(Box::new(completion)),
                        Err(lost) => Attempted::Lost(lost),
                    });
                }
                Some(command) = commands.recv() => match command {
                    SessionCommand::Stop => return Ok(Attempted::Stopped),
                    other => { self.heed_meanwhile(other).await?; }
                },
            }
        }
    }

    /// Waits before the next attempt.
    async fn wait(
        &mut self,
        time: Duration,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Waited, EngineError> {
        let over = tokio::time::sleep(time);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return Ok(Waited::ToTheEnd),
                Some(command) = commands.recv() => match command {
                    SessionCommand::Stop => return Ok(Waited::Stopped),
                    other => { self.heed_meanwhile(other).await?; }
                },
            }
        }
    }
}

/// How a wait ended.
enum Waited {
    ToTheEnd,
    Stopped,
}

/// What is heard, as it crosses the border.
fn told(heard: Heard) -> Event {
    match heard {
        Heard::Text(delta) => Event::Text { delta },
        Heard::Reasoning(delta) => Event::Reasoning { delta },
        Heard::Calling { name } => Event::Calling { tool: name },
        Heard::Restarted => Event::Restarted,
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
    use turn::chat::ToolCall;

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
