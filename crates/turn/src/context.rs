//! What a model is shown, and how a full context is made smaller.
//!
//! Not here: when that happens (that is `turn`).

use crate::chat::{Message, ToolCall};

/// How many of the last messages stay as they are when the rest is summed up.
const KEPT: usize = 8;

/// What stands before a summary, so that the model knows what it reads.
const SUMMED_UP: &str = "Everything before this point was summed up to make room. The summary:\n\n";

/// What the model is asked when its context is to be summed up.
const REQUEST: &str = "Sum up this conversation so far for yourself, because the older part of it will be taken away: what \
the person wants, in their words; what was done and found, with file names and commands; what failed and why; what is \
left to do. Call no tool.";

/// The conversation with the request for a summary after it.
///
/// The beginning is unchanged, so that the service's prompt cache still serves it.
pub fn summary_request(messages: &[Message]) -> Vec<Message> {
    let mut asked = messages[..cut(messages)].to_vec();
    asked.push(Message::User { text: REQUEST.to_owned() });
    asked
}

/// Whether there is enough before the kept messages for a summary to make a difference.
pub fn can_compact(messages: &[Message]) -> bool {
    cut(messages) > 2
}

/// Puts a summary in the place of everything before the last messages.
pub fn compact(messages: &mut Vec<Message>, summary: &str) {
    let kept = messages.split_off(cut(messages));
    *messages = vec![Message::User { text: format!("{SUMMED_UP}{summary}") }];
    messages.extend(kept);
}

/// Where the kept messages begin: never between a call and its answer, and at what was said, not what was answered.
fn cut(messages: &[Message]) -> usize {
    let mut at = messages.len().saturating_sub(KEPT);
    while at > 0 && matches!(messages[at], Message::Tool { .. }) {
        at -= 1;
    }
    at
}

/// Puts the answers to the last calls in the order in which they were called, whatever order they ended in.
///
/// Services want them so, and a prompt that is the same every time is served from their caches.
pub fn put_in_order(messages: &mut [Message]) {
    let Some(at) = messages.iter().rposition(|message| matches!(message, Message::Assistant(_))) else { return };
    let (before, after) = messages.split_at_mut(at + 1);
    let Some(Message::Assistant(reply)) = before.last() else { return };
    let place = |calls: &[ToolCall], message: &Message| match message {
        Message::Tool { call, .. } => calls.iter().position(|made| made.id == *call).unwrap_or(usize::MAX),
        Message::User { .. } | Message::Assistant(_) => usize::MAX,
    };
    after.sort_by_key(|message| place(&reply.calls, message));
}
