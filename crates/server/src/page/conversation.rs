//! A session as a page has it: what it is, what was said and done in it, and what is asked.
//!
//! Not here: HTML. Each event changes it, and it says what of it is to be drawn because of that; who draws all of it after the
//! last event and who draws each change sees the same page.
//!
//! Items keep the events themselves, which all readers of a session share, so that a reader costs no copy of what was said.

use crate::page::speaking::{Speaking, Spoken};
use crate::page::text::{key, line, plain, tail};
use std::collections::HashMap;
use std::sync::Arc;
use wire::{Doing, Event, Spend};

/// The most of a running tool's output that is kept for the page, in bytes; the session keeps it all.
pub const MOST_OUTPUT: usize = 64 * 1024;

/// What is known of a session.
#[derive(Clone, Debug, Default)]
pub struct Conversation {
    /// What it is.
    pub about: SessionHead,
    /// The mode, as text: `plan`, `agent`, `yolo:CAP` or `yolo:uncapped`.
    pub mode: String,
    /// The mode as a person reads it, with what is left; always the session's own words.
    pub chip: String,
    /// What was said and done, in order.
    pub items: Vec<Item>,
    /// What the model is saying.
    pub speaking: Option<Speaking>,
    /// What it does.
    pub doing: Activity,
    /// The money, as it stood when the session last told it.
    pub spend: Option<Spend>,
    /// Where each call is, by its name.
    calls: HashMap<String, usize>,
    said: usize,
}

/// What a session is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionHead {
    /// Its id.
    pub id: String,
    /// Its title; empty until something was said.
    pub title: String,
    /// The model.
    pub model: String,
    /// The folder it works in.
    pub workspace: String,
}

/// What a session does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Activity {
    /// It waits for a person to speak.
    #[default]
    Waits,
    /// It stopped before it was done, and can go on.
    Stopped,
    /// It works, at this.
    Works(String),
}

/// One thing in the conversation.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name on the page.
    pub key: String,
    /// What it is.
    pub kind: ItemKind,
}

/// What an item is. Events are as they came.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// The person's words, with how many came before.
    Prompt(Arc<Event>, usize),
    /// The model's message.
    Message(Arc<Event>),
    /// What the model thought; `true` while more may come.
    Thought(String, bool),
    /// A tool call, or a question that no call asked.
    Call(Box<CallItem>),
    /// Something by the way.
    Notice(String),
    /// The end of a run.
    End(Arc<Event>),
}

/// One tool call.
#[derive(Clone, Debug)]
pub struct CallItem {
    /// The call's name in the session.
    pub call: String,
    /// The call, as it was understood; absent for a question that no call asked.
    pub made: Option<Arc<Event>>,
    /// The open question.
    pub asked: Option<Arc<Event>>,
    /// Where it stands.
    pub state: CallStanding,
    /// What it says while it runs, its end kept.
    pub output: String,
    /// Its result.
    pub ended: Option<Arc<Event>>,
}

/// Where a call stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallStanding {
    /// It was understood.
    Made,
    /// The person is asked.
    Asks,
    /// It runs.
    Runs,
    /// It did what it was asked.
    Done,
    /// It did not.
    Failed,
    /// It did not run, for this reason.
    Refused(String),
    /// It made no sense, for this reason.
    Invalid(String),
}

/// What is to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// All of it.
    Anew,
    /// The item of this number, in its place or at the end.
    Item(usize),
    /// The item of this name, no more.
    Gone(String),
    /// More of the thought of this number.
    Thought(usize, String),
    /// More output of the call of this number.
    Output(usize, String),
    /// More of what the model is saying.
    Spoken(Spoken),
    /// The first of what the model is saying.
    Speaks,
    /// What the model was saying, no more.
    Silent,
    /// The mode, or what is left.
    Mode,
    /// The title or the model.
    About,
    /// What it does, and how many questions are open.
    Doing,
}

impl Conversation {
    /// Takes in an event with its number, and says what is to be drawn because of it.
    pub fn hear(&mut self, number: u64, event: &Arc<Event>) -> Vec<Change> {
        let mut changes = Vec::new();
        let (doing, chip, asked) = (self.doing.clone(), self.chip.clone(), self.asked().count());
        self.note_chip(event);
        match &**event {
            Event::Session { .. } => {
                self.begin(number, event);
                return vec![Change::Anew];
            }
            Event::CaughtUp { doing } => self.caught_up(*doing),
            Event::Prompt { .. } => {
                self.close_thought(&mut changes);
                let said = self.said;
                self.said += 1;
                changes.push(self.push(format!("p{number}"), ItemKind::Prompt(event.clone(), said)));
                self.doing = Activity::Works("works".to_owned());
            }
            Event::GoesOn => self.doing = Activity::Works("works".to_owned()),
            Event::Mode { mode, chip } => {
                self.mode.clone_from(mode);
                let again = if self.questions().count() > 0 { "; what is asked is judged again" } else { "" };
                changes.push(Change::Mode);
                changes.push(self.notice(number, &format!("the mode is {chip} now{again}")));
            }
            Event::Model { model, notes } => {
                self.about.model.clone_from(model);
                changes.push(Change::About);
                let words = std::iter::once(format!("{model} is asked from the next request on")).chain(notes.clone());
                changes.push(self.notice(number, &words.collect::<Vec<_>>().join("\n")));
            }
            Event::Titled { title } => {
                self.about.title.clone_from(title);
                changes.push(Change::About);
            }
            Event::Notice { text } => changes.push(self.notice(number, text)),
            Event::End { .. } => self.end(number, event, &mut changes),
            Event::Call { .. }
            | Event::Decision { .. }
            | Event::Question { .. }
            | Event::Answered { .. }
            | Event::Progress { .. }
            | Event::Result { .. } => self.hear_of_call(event, &mut changes),
            _of_model => self.hear_model(number, event, &mut changes),
        }
        if chip != self.chip && !changes.contains(&Change::Mode) {
            changes.push(Change::Mode);
        }
        if doing != self.doing || asked != self.asked().count() {
            changes.push(Change::Doing);
        }
        changes
    }

    /// The calls whose question is open, the oldest first.
    pub fn asked(&self) -> impl Iterator<Item = &CallItem> {
        self.items.iter().filter_map(|item| match &item.kind {
            ItemKind::Call(call) if call.asked.is_some() => Some(&**call),
            _ => None,
        })
    }

    /// Those of them that ask for permission.
    pub fn questions(&self) -> impl Iterator<Item = &CallItem> {
        self.asked().filter(|call| matches!(call.asked.as_deref(), Some(Event::Question { why: Some(_), .. })))
    }

    /// The call of that name.
    pub fn call(&self, name: &str) -> Option<&CallItem> {
        match &self.items[*self.calls.get(name)?].kind {
            ItemKind::Call(call) => Some(call),
            _ => None,
        }
    }

    fn begin(&mut self, number: u64, event: &Event) {
        let Event::Session { id, mode, chip, model, workspace, title, notes, .. } = event else { return };
        let about =
            SessionHead { id: id.clone(), title: title.clone(), model: model.clone(), workspace: workspace.clone() };
        *self = Conversation { about, mode: mode.clone(), chip: chip.clone(), ..Conversation::default() };
        if !notes.is_empty() {
            self.notice(number, &notes.join("\n"));
        }
    }

    fn note_chip(&mut self, event: &Event) {
        if let Event::Message { chip, .. }
        | Event::Decision { chip, .. }
        | Event::Question { chip, .. }
        | Event::Result { chip, .. }
        | Event::Mode { chip, .. }
        | Event::End { chip, .. } = event
        {
            self.chip.clone_from(chip);
        }
    }

    fn caught_up(&mut self, doing: Doing) {
        self.doing = match (doing, &self.doing) {
            (Doing::Waits, Activity::Stopped) => Activity::Stopped,
            (Doing::Waits, _) => Activity::Waits,
            (Doing::Works, Activity::Works(at)) => Activity::Works(at.clone()),
            (Doing::Works, _) => Activity::Works("works".to_owned()),
        };
    }

    fn hear_model(&mut self, number: u64, event: &Arc<Event>, changes: &mut Vec<Change>) {
        let works = |at: String| Activity::Works(at);
        match &**event {
            Event::Text { delta } => {
                self.doing = works("speaks".to_owned());
                match &mut self.speaking {
                    Some(speaking) => changes.push(Change::Spoken(speaking.say(delta))),
                    None => {
                        let speaking = self.speaking.insert(Speaking::default());
                        speaking.say(delta);
                        changes.push(Change::Speaks);
                    }
                }
            }
            Event::Reasoning { delta } => {
                self.doing = works("thinks".to_owned());
                changes.push(self.think(number, delta));
            }
            Event::Calling { tool } => self.doing = works(format!("writes a call of {}", line(tool))),
            Event::Retrying { attempt, wait_ms, why } => {
                self.doing = works(format!("{}; try {attempt} in {} s", line(why), wait_ms / 1_000));
            }
            Event::Restarted => {
                self.fall_silent(changes);
                self.take_back_thoughts(changes);
            }
            Event::Message { text, .. } => {
                self.doing = works("works".to_owned());
                self.fall_silent(changes);
                self.close_thought(changes);
                if !text.is_empty() {
                    changes.push(self.push(format!("m{number}"), ItemKind::Message(event.clone())));
                }
            }
            _ => {}
        }
    }

    fn hear_of_call(&mut self, event: &Arc<Event>, changes: &mut Vec<Change>) {
        match &**event {
            Event::Call { call, .. } => {
                self.close_thought(changes);
                let made = CallItem { made: Some(event.clone()), ..CallItem::new(call) };
                changes.push(self.put_call(made));
            }
            Event::Decision { call, outcome, reason, .. } => {
                let Some((at, item)) = self.call_mut(call) else { return };
                let reason = reason.clone().unwrap_or_default();
                item.state = match outcome.as_str() {
                    "run" => CallStanding::Runs,
                    "ask" | "deliver" => CallStanding::Asks,
                    "refuse" => CallStanding::Refused(reason),
                    _invalid => CallStanding::Invalid(reason),
                };
                if item.state != CallStanding::Asks {
                    item.asked = None;
                }
                changes.push(Change::Item(at));
            }
            Event::Question { call, .. } => match self.call_mut(call) {
                Some((at, item)) => {
                    (item.asked, item.state) = (Some(event.clone()), CallStanding::Asks);
                    changes.push(Change::Item(at));
                }
                None => {
                    let asked =
                        CallItem { asked: Some(event.clone()), state: CallStanding::Asks, ..CallItem::new(call) };
                    changes.push(self.put_call(asked));
                }
            },
            Event::Answered { call } => changes.extend(self.answered(call)),
            Event::Progress { call, text } => {
                let Some((at, item)) = self.call_mut(call) else { return };
                let piece = plain(text).into_owned();
                let first = item.output.is_empty();
                item.output.push_str(&piece);
                if item.output.len() > 2 * MOST_OUTPUT {
                    item.output = tail(&item.output, MOST_OUTPUT).to_owned();
                }
                changes.push(if first { Change::Item(at) } else { Change::Output(at, piece) });
            }
            Event::Result { call, ok, .. } => {
                let Some((at, item)) = self.call_mut(call) else { return };
                if !matches!(item.state, CallStanding::Refused(_) | CallStanding::Invalid(_)) {
                    item.state = if *ok { CallStanding::Done } else { CallStanding::Failed };
                }
                (item.asked, item.ended, item.output) = (None, Some(event.clone()), String::new());
                changes.push(Change::Item(at));
            }
            _ => {}
        }
    }

    /// A question is closed. One that no call asked leaves a line behind, since nothing else will tell of it.
    fn answered(&mut self, call: &str) -> Option<Change> {
        let (at, item) = self.call_mut(call)?;
        match (item.made.is_some(), item.asked.take().as_deref()) {
            (false, Some(Event::Question { summary, .. })) => {
                self.items[at].kind = ItemKind::Notice(format!("{}: answered", line(summary)));
                self.calls.remove(call);
            }
            _ => item.state = CallStanding::Made,
        }
        Some(Change::Item(at))
    }

    fn end(&mut self, number: u64, event: &Arc<Event>, changes: &mut Vec<Change>) {
        let Event::End { status, spend, .. } = &**event else { return };
        self.fall_silent(changes);
        self.close_thought(changes);
        self.spend = Some(spend.clone());
        // A server may ask at any time; what the model asked ends with its turn.
        let of_the_turn = |call: &CallItem| call.made.is_some();
        for (at, item) in self.items.iter_mut().enumerate() {
            if let ItemKind::Call(call) = &mut item.kind
                && call.asked.is_some()
                && of_the_turn(call)
            {
                (call.asked, call.state) = (None, CallStanding::Refused("the turn ended".to_owned()));
                changes.push(Change::Item(at));
            }
        }
        self.doing = if *status == wire::Status::Done { Activity::Waits } else { Activity::Stopped };
        changes.push(self.push(format!("e{number}"), ItemKind::End(event.clone())));
    }

    fn push(&mut self, key: String, kind: ItemKind) -> Change {
        self.items.push(Item { key, kind });
        Change::Item(self.items.len() - 1)
    }

    fn notice(&mut self, number: u64, text: &str) -> Change {
        self.push(format!("n{number}"), ItemKind::Notice(text.to_owned()))
    }

    fn put_call(&mut self, call: CallItem) -> Change {
        let name = call.call.clone();
        if let Some((at, item)) = self.call_mut(&name) {
            *item = call;
            return Change::Item(at);
        }
        self.calls.insert(name.clone(), self.items.len());
        self.push(key("c-", &name), ItemKind::Call(Box::new(call)))
    }

    fn call_mut(&mut self, name: &str) -> Option<(usize, &mut CallItem)> {
        let at = *self.calls.get(name)?;
        match &mut self.items[at].kind {
            ItemKind::Call(call) => Some((at, call)),
            _ => None,
        }
    }

    fn think(&mut self, number: u64, piece: &str) -> Change {
        let last = self.items.len().wrapping_sub(1);
        if let Some(Item { kind: ItemKind::Thought(text, true), .. }) = self.items.last_mut() {
            text.push_str(piece);
            return Change::Thought(last, piece.to_owned());
        }
        self.push(format!("t{number}"), ItemKind::Thought(piece.to_owned(), true))
    }

    /// What was thought is all of it: what is thought next is another thought.
    fn close_thought(&mut self, changes: &mut Vec<Change>) {
        for (at, item) in self.items.iter_mut().enumerate().rev() {
            match &mut item.kind {
                ItemKind::Thought(_, open @ true) => {
                    *open = false;
                    changes.push(Change::Item(at));
                }
                ItemKind::Notice(_) => {}
                _ => return,
            }
        }
    }

    fn take_back_thoughts(&mut self, changes: &mut Vec<Change>) {
        let open = |item: &Item| matches!(item.kind, ItemKind::Thought(_, true));
        changes.extend(self.items.iter().filter(|item| open(item)).map(|item| Change::Gone(item.key.clone())));
        // Calls come before: what is open follows the last of them.
        self.items.retain(|item| !open(item));
    }

    fn fall_silent(&mut self, changes: &mut Vec<Change>) {
        self.speaking = None;
        changes.push(Change::Silent);
    }
}

impl CallItem {
    fn new(call: &str) -> CallItem {
        CallItem {
            call: call.to_owned(),
            made: None,
            asked: None,
            state: CallStanding::Made,
            output: String::new(),
            ended: None,
        }
    }
}
