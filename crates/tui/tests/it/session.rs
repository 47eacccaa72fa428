//! A session in small: it owns a mode, open questions and whether it works, says what a real one would, and does what it is told.
//!
//! Not here: a contract. What its modes run is as in the table, and its model is chance.

use crate::hostile::Chance;
use std::collections::VecDeque;
use tui::app::{Errand, Opening, Page, ShellSaid};
use tui::app::{Input, ListRow, Listing};
use wire::{
    Aspect, ContextPart, ControlReply, ControlRequest, Doing, Event, GoingOn, Permission, ServerLine, ServerTool,
    Spend, Status, Tokens,
};

/// What servers ask for: forms, some of them no good, and a page to be visited.
const FORMS: &[&str] = &[
    r#"{"type":"object","properties":{"name":{"type":"string","description":"who"},"n":{"type":"integer"}},"required":["name"]}"#,
    r#"{"properties":{"a":{"enum":["x","y"]},"b":{"type":["boolean"]},"\u001b[2J":{"type":"null"}},"required":[1,"a"]}"#,
    r#"{"properties":{}}"#,
    r#"{"properties":[]}"#,
    "https://a.example/allow?x=1",
];

/// A question that is open.
#[derive(Clone, Debug)]
pub struct Open {
    /// The call.
    pub call: String,
    /// For permission, or of the model's own.
    pub asks: Asks,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Asks {
    /// Permission.
    Permission,
    /// Words.
    Words,
}

/// The session, with what it has said and nobody has heard.
#[derive(Debug)]
pub struct Session {
    id: u64,
    mode: String,
    spent: u64,
    doing: Doing,
    calls: u64,
    running: Vec<String>,
    open: Vec<Open>,
    said: String,
    /// What it says, in order.
    pub events: VecDeque<Input>,
    /// Its answers, which come by another way and may be late.
    pub replies: VecDeque<Input>,
}

impl Session {
    /// A session that says how it begins.
    pub fn new() -> Session {
        let mut session = Session {
            id: 0,
            mode: "agent".to_owned(),
            spent: 0,
            doing: Doing::Waits,
            calls: 0,
            running: Vec::new(),
            open: Vec::new(),
            said: String::new(),
            events: VecDeque::new(),
            replies: VecDeque::new(),
        };
        session.begin();
        session
    }

    /// The mode as a person reads it.
    pub fn chip(&self) -> String {
        let cents = |cents: u64| format!("${}.{:02}", cents / 100, cents % 100);
        match self.mode.as_str() {
            "plan" => "Plan".to_owned(),
            "agent" => "Agent".to_owned(),
            "yolo:uncapped" => "YOLO uncapped".to_owned(),
            capped => {
                let cap: u64 = capped.strip_prefix("yolo:").and_then(|cap| cap.parse().ok()).unwrap_or(5);
                format!("YOLO {} of {}", cents((cap * 100).saturating_sub(self.spent)), cents(cap * 100))
            }
        }
    }

    fn say(&mut self, event: Event) {
        self.events.push_back(Input::Event(Box::new(event)));
    }

    fn begin(&mut self) {
        let (chip, mode) = (self.chip(), self.mode.clone());
        self.say(Event::Session {
            id: format!("s{}", self.id),
            mode,
            chip,
            model: "script:chance".into(),
            workspace: "/w".into(),
            title: String::new(),
            attendance: "attended".into(),
            notes: Vec::new(),
        });
        self.say(Event::CaughtUp { doing: self.doing });
    }

    /// The next thing that it does by itself, if it does anything.
    pub fn act(&mut self, chance: &mut Chance) {
        if self.doing == Doing::Waits {
            match chance.below(40) {
                0 => self.say(Event::Notice { text: chance.text() }),
                1 => self.say(Event::Titled { title: chance.text() }),
                _ => {}
            }
            return;
        }
        match chance.below(24) {
            0..7 => {
                let delta = chance.text();
                self.said.push_str(&delta);
                self.say(Event::Text { delta });
            }
            7..9 => self.say(Event::Reasoning { delta: chance.text() }),
            9 => self.say(Event::Calling { tool: chance.text() }),
            10..13 => self.message(chance),
            13..17 => self.call(chance),
            17..19 => self.progress(chance),
            19 => self.finish(chance),
            20 => {
                self.said.clear();
                self.say(Event::Retrying { attempt: 2, wait_ms: chance.below(9_000), why: chance.text() });
                self.say(Event::Restarted);
            }
            21 => self.say(Event::Notice { text: chance.text() }),
            22 => self.say(Event::Model { model: chance.text(), notes: vec![chance.text()] }),
            _ if chance.once_in(4) => self.end(chance),
            _ => {}
        }
    }

    fn message(&mut self, chance: &mut Chance) {
        self.spent += chance.below(3);
        let text = std::mem::take(&mut self.said);
        // Who comes late has not heard the beginning.
        let text = if chance.once_in(8) { chance.text() } else { text };
        let chip = self.chip();
        self.say(Event::Message { text, calls: 1, tokens: Some(Tokens::default()), chip });
    }

    fn call(&mut self, chance: &mut Chance) {
        self.calls += 1;
        let (number, call) = (self.calls, format!("call{}", self.calls));
        let price = chance.one(&["free", "$1.00", "unknown (why)", "unbounded (it goes on)"]).to_string();
        let is_words = chance.once_in(6);
        self.say(Event::Call {
            call: call.clone(),
            tool: chance.text(),
            summary: format!("call {number} {}", chance.text()),
            effect: (!is_words).then(|| "change".to_owned()),
            price: (!is_words).then(|| price.clone()),
            arguments: chance.text(),
        });
        let outcome = match self.mode.as_str() {
            _ if is_words => "deliver",
            _ if chance.once_in(10) => "invalid",
            "plan" => "refuse",
            "agent" => "ask",
            _ if chance.once_in(3) => "ask",
            _ => "run",
        };
        self.decide(&call, outcome, chance);
        match outcome {
            "ask" | "deliver" => self.ask(number, call, (is_words, price), chance),
            "run" => self.running.push(call),
            _ => self.say(Event::Result { call, ok: false, text: chance.text(), chip: self.chip() }),
        }
    }

    fn ask(&mut self, number: u64, call: String, (is_words, price): (bool, String), chance: &mut Chance) {
        let asks = if is_words { Asks::Words } else { Asks::Permission };
        self.open.push(Open { call: call.clone(), asks });
        let chip = self.chip();
        // By its number the question is found on the screen, so nothing in it takes back what was written.
        let words = chance.text().replace(['\r', '\u{8}'], "");
        let is_of_a_server = is_words && chance.once_in(2);
        let summary = if is_of_a_server { "MCP server " } else { "" }.to_owned() + &format!("Q{number} {words}");
        let rest = if is_of_a_server { (*chance.one(FORMS)).to_owned() } else { chance.text() };
        self.say(Event::Question {
            call,
            summary,
            shown: format!("Q{number} {words}\n{rest}"),
            effect: (!is_words).then(|| "change".to_owned()),
            price: (!is_words).then_some(price),
            why: (!is_words).then(|| chance.text()),
            offered: if chance.once_in(2) { vec![chance.text()] } else { Vec::new() },
            raise_to: chance.once_in(3).then(|| "10".to_owned()),
            chip,
        });
    }

    fn decide(&mut self, call: &str, outcome: &str, chance: &mut Chance) {
        let chip = self.chip();
        self.say(Event::Decision {
            call: call.to_owned(),
            outcome: outcome.to_owned(),
            decided_by: Some("mode".to_owned()),
            reason: (outcome != "run").then(|| chance.text()),
            chip,
        });
    }

    fn progress(&mut self, chance: &mut Chance) {
        if let Some(call) = self.running.last().cloned() {
            self.say(Event::Progress { call, text: chance.text() });
        }
    }

    fn finish(&mut self, chance: &mut Chance) {
        if let Some(call) = self.running.pop() {
            self.say(Event::Result { call, ok: !chance.once_in(3), text: chance.text(), chip: self.chip() });
        }
    }

    fn end(&mut self, chance: &mut Chance) {
        let statuses = [Status::Done, Status::Done, Status::Failed, Status::CapReached, Status::Unavailable];
        let status = *chance.one(&statuses);
        self.end_as(status, chance);
    }

    fn end_as(&mut self, status: Status, chance: &mut Chance) {
        (self.doing, self.said) = (Doing::Waits, String::new());
        let mut left: Vec<String> = self.open.drain(..).map(|open| open.call).collect();
        left.append(&mut self.running);
        left.into_iter().for_each(|call| {
            self.say(Event::Result { call, ok: false, text: "stopped".to_owned(), chip: self.chip() })
        });
        let chip = self.chip();
        let going_on = GoingOn { hold: "h".into(), held: None, reference: chance.text(), page: Some(chance.text()) };
        self.say(Event::End {
            status,
            reason: (status != Status::Done).then(|| chance.text()),
            text: chance.text(),
            refused: Vec::new(),
            prompts: 0,
            going_on: if chance.once_in(3) { vec![going_on] } else { Vec::new() },
            spend: Spend::default(),
            tokens: Tokens::default(),
            chip,
        });
    }

    /// Does what the screen wants done.
    pub fn carry_out(&mut self, errand: Errand, chance: &mut Chance) {
        match errand {
            Errand::Send(request) => {
                let reply = self.obey(request, chance);
                self.replies.push_back(Input::Reply(Box::new(reply)));
            }
            Errand::Show(_) => {
                self.replies.push_back(Input::Page(Page { title: chance.text(), text: chance.text(), past: 0 }));
            }
            Errand::List(kind) => {
                let row =
                    |chance: &mut Chance| ListRow { id: chance.text(), label: chance.text(), note: chance.text() };
                let rows = (0..chance.below(30)).map(|_| row(chance)).collect();
                self.replies.push_back(Input::Listed(Listing { kind, title: chance.text(), rows }));
            }
            Errand::ListFiles => {
                self.replies.push_back(Input::Files((0..chance.below(50)).map(|_| chance.text()).collect()));
            }
            Errand::Shell(_) => {
                self.replies.push_back(Input::Shell(ShellSaid::Output(chance.text())));
                self.replies.push_back(Input::Shell(ShellSaid::Ended("exit status 0".to_owned())));
            }
            Errand::StopShell => self.replies.push_back(Input::Shell(ShellSaid::Ended("stopped".to_owned()))),
            Errand::Edit(_) => {
                let written = if chance.once_in(3) { Err(chance.text()) } else { Ok(chance.text()) };
                self.replies.push_back(Input::Edited(written));
            }
            Errand::Open(opening) => self.open(&opening),
            Errand::Export | Errand::Rename { .. } | Errand::Delete { .. } => {
                self.replies.push_back(Input::Notice(chance.text()));
            }
            _ => {}
        }
    }

    /// Another session takes its place, with a mode of its own.
    fn open(&mut self, opening: &Opening) {
        if *opening != Opening::Session(format!("s{}", self.id)) {
            self.id += 1;
        }
        let mode = if self.id.is_multiple_of(2) { "agent" } else { "plan" };
        (self.mode, self.doing, self.spent) = (mode.to_owned(), Doing::Waits, 0);
        self.open.clear();
        self.running.clear();
        self.said.clear();
        self.begin();
    }

    fn obey(&mut self, request: ControlRequest, chance: &mut Chance) -> ControlReply {
        match request {
            ControlRequest::SetMode { mode } => return self.set_mode(&mode, chance),
            ControlRequest::Say { text } => {
                self.say(Event::Prompt { text });
                self.doing = Doing::Works;
            }
            ControlRequest::GoOn => self.doing = Doing::Works,
            ControlRequest::Answer { call, answer, .. } => {
                let Some(at) = self.open.iter().position(|open| open.call == call) else {
                    return ControlReply::Refused { why: "it is not asked any more".to_owned() };
                };
                assert_eq!(self.open.remove(at).asks, Asks::Permission, "a yes is no answer to words");
                self.answered(call, answer, chance);
            }
            ControlRequest::Respond { call, text } => {
                let Some(at) = self.open.iter().position(|open| open.call == call) else {
                    return ControlReply::Refused { why: "it is not asked any more".to_owned() };
                };
                assert_eq!(self.open.remove(at).asks, Asks::Words, "words are no permission");
                self.say(Event::Result { call, ok: true, text, chip: self.chip() });
            }
            ControlRequest::Stop if self.doing == Doing::Works => self.end_as(Status::Interrupted, chance),
            ControlRequest::Look { at } => return look(at, chance),
            ControlRequest::Revoke { .. } => return look(Aspect::Answers, chance),
            ControlRequest::UseModel { model } => self.say(Event::Model { model, notes: Vec::new() }),
            ControlRequest::Rename { title } => self.say(Event::Titled { title }),
            _ => {}
        }
        ControlReply::Status { mode: self.mode.clone(), chip: self.chip(), spend: Spend::default() }
    }

    fn answered(&mut self, call: String, answer: Permission, chance: &mut Chance) {
        match answer {
            Permission::No => {
                self.decide(&call, "refuse", chance);
                self.say(Event::Result { call, ok: false, text: "the person said no".to_owned(), chip: self.chip() });
            }
            Permission::Once | Permission::Session => {
                self.spent += 100;
                self.decide(&call, "run", chance);
                self.running.push(call);
            }
        }
    }

    fn set_mode(&mut self, mode: &str, chance: &mut Chance) -> ControlReply {
        let is_cap = mode.strip_prefix("yolo:").is_some_and(|cap| cap == "uncapped" || cap.parse::<u32>().is_ok());
        match mode {
            "yolo" => self.mode = "yolo:5".to_owned(),
            "plan" | "agent" => self.mode = mode.to_owned(),
            _ if is_cap => self.mode = mode.to_owned(),
            _ => return ControlReply::Refused { why: format!("`{mode}` is no mode") },
        }
        let (mode, chip) = (self.mode.clone(), self.chip());
        self.say(Event::Mode { mode: mode.clone(), chip: chip.clone() });
        let outcome = if mode == "plan" { "refuse" } else { "run" };
        let permissions = self.open.extract_if(.., |open| mode != "agent" && open.asks == Asks::Permission);
        for open in permissions.collect::<Vec<_>>() {
            self.decide(&open.call, outcome, chance);
            match outcome {
                "run" => self.running.push(open.call),
                _ => self.say(Event::Result {
                    call: open.call,
                    ok: false,
                    text: "Plan changes nothing".to_owned(),
                    chip: self.chip(),
                }),
            }
        }
        ControlReply::Status { mode, chip, spend: Spend::default() }
    }
}

fn look(at: Aspect, chance: &mut Chance) -> ControlReply {
    let texts = |chance: &mut Chance| (0..chance.below(20)).map(|_| chance.text()).collect::<Vec<_>>();
    match at {
        Aspect::Answers => ControlReply::Answers { grants: texts(chance) },
        Aspect::Prohibitions => ControlReply::Prohibitions { rules: texts(chance) },
        Aspect::Context => {
            let part = |name| ContextPart { name, count: 3, bytes: usize::MAX / 1_000 };
            let parts = texts(chance).into_iter().map(part).collect();
            ControlReply::Context { counted: Some(chance.next()), limit: Some(chance.below(3)), parts }
        }
        Aspect::Changes => ControlReply::Changes { text: chance.text() },
        Aspect::Servers => {
            let tool = |name| ServerTool { name, effect: "read".to_owned() };
            let tools: Vec<ServerTool> = texts(chance).into_iter().map(tool).collect();
            let server = |name| ServerLine { name, state: "runs".to_owned(), tools: tools.clone() };
            ControlReply::Servers { servers: texts(chance).into_iter().map(server).collect() }
        }
    }
}
