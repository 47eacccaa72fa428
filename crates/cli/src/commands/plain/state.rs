//! What is printed of what happens, and what a line means: one struct, changed by one function.
//!
//! Not here: reading lines or signals, the words of a question, or any decision.
//!
//! A line answers a question only when it came a while after that question was printed and was the oldest one: a line that was
//! on its way before is no answer to it. A terminal gives a line when its Enter is pressed, so that is the moment that counts.

use super::question::{self, Asked, AskedKind};
use crate::draw::{Human, clean};
use std::collections::BTreeMap;
use std::io::{self, Write};
use tui::card::SEEN_MS;
use tui::errand::{Errand, Input, Sheet};
use tui::orders;
use wire::{ControlReply, ControlRequest, Doing, Event, Permission, Status};

/// How long Ctrl-C counts as the first of two, in milliseconds.
const TWICE_MS: u64 = 2_000;
/// How many events of the past are told again.
const MOST_PAST: usize = 100;
/// The longest arguments that can be typed again: a terminal gives no longer line.
const LONGEST_EDIT: usize = 4_000;

/// Something that happened.
#[derive(Debug)]
pub enum Heard {
    /// Something of the session's, or what was asked for.
    Input(Box<Input>),
    /// A line was typed; at this moment it came.
    Line {
        /// The line.
        text: String,
        /// The moment, in milliseconds.
        at_ms: u64,
    },
    /// Ctrl-C.
    Interrupt,
    /// The person types no more.
    NoMore,
    /// This program or its terminal is ended from outside.
    Ended,
}

/// What the session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It tells of the past.
    Recalls,
    /// It waits for the person.
    Waits,
    /// It works.
    Works,
    /// It was told to stop.
    Stops,
    /// It was told to stop, and this program ends when it has.
    Leaves,
}

/// What the next line is, when it is an edit.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Edit {
    /// The arguments of this call, asked for at that moment.
    Of(String, Option<u64>),
    /// Of a call that is no longer asked about.
    Dropped,
}

/// What is printed, and what a line means.
#[derive(Debug)]
pub struct Plain<W> {
    human: Human<W>,
    phase: Phase,
    /// The past that is not printed yet.
    past: Vec<Event>,
    /// The mode with what is left, as it was printed last.
    chip: String,
    /// What is asked, the oldest first.
    questions: Vec<Asked>,
    /// How many questions there were.
    asked: usize,
    /// The number of the question that was last said to be the one that is answered.
    pointed: usize,
    /// The arguments of the calls that have not ended.
    arguments: BTreeMap<String, String>,
    edit: Option<Edit>,
    /// What an empty line says.
    offered: Option<String>,
    /// When Ctrl-C was pressed last.
    interrupted_ms: Option<u64>,
}

impl<W: Write> Plain<W> {
    /// Prints to this.
    pub fn new(human: Human<W>) -> Plain<W> {
        Plain {
            human,
            phase: Phase::Recalls,
            past: Vec::new(),
            chip: String::new(),
            questions: Vec::new(),
            asked: 0,
            pointed: 0,
            arguments: BTreeMap::new(),
            edit: None,
            offered: None,
            interrupted_ms: None,
        }
    }

    /// Takes in what happened, prints what there is to say of it, and says what is to be done. `now_ms` is a clock that
    /// never goes back.
    pub fn hear(&mut self, heard: Heard, now_ms: u64) -> io::Result<Vec<Errand>> {
        match heard {
            Heard::Input(input) => self.input(*input),
            Heard::Line { text, at_ms } => self.line(text.trim_end_matches(['\n', '\r']), at_ms),
            Heard::Interrupt => self.interrupt(now_ms),
            Heard::NoMore => Ok(self.leave()),
            Heard::Ended => Ok(vec![Errand::Quit]),
        }
    }

    /// Notes that everything up to now was printed at this moment.
    pub fn was_printed(&mut self, now_ms: u64) {
        if let Some(oldest) = self.questions.first_mut() {
            oldest.asked_ms.get_or_insert(now_ms);
        }
        if let Some(Edit::Of(_, asked_ms)) = &mut self.edit {
            asked_ms.get_or_insert(now_ms);
        }
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        self.human.say(text)
    }

    fn input(&mut self, input: Input) -> io::Result<Vec<Errand>> {
        match input {
            Input::Event(event) => return self.event(*event),
            Input::Reply(reply) => match *reply {
                ControlReply::Status { chip, .. } => self.chip_is(&chip)?,
                ControlReply::Refused { why } => self.say(&format!("not done: {}", clean(&why)))?,
                _not_asked_for => {}
            },
            Input::Page(page) => {
                let text = format!("\n{}\n\n{}\n", clean(&page.title), clean(page.text.trim_end()));
                self.say(&text)?;
            }
            Input::Notice(text) => self.say(&format!("note: {}", clean(&text)))?,
            Input::Trouble(why) => self.say(&format!("not done: {}", clean(&why)))?,
            Input::Paste(words) => {
                self.say(&format!("An empty line says: {}", clean(&words)))?;
                self.offered = Some(words);
            }
            _of_a_screen => {}
        }
        Ok(Vec::new())
    }

    /// Says the mode when it is another than was said last.
    fn chip_is(&mut self, chip: &str) -> io::Result<()> {
        if self.chip == chip || chip.is_empty() {
            return Ok(());
        }
        chip.clone_into(&mut self.chip);
        self.say_mode()
    }

    fn say_mode(&mut self) -> io::Result<()> {
        let line = format!("mode: {}", clean(&self.chip));
        self.say(&line)
    }

    fn event(&mut self, event: Event) -> io::Result<Vec<Errand>> {
        match (&event, self.phase) {
            (Event::Session { chip, .. }, _) => {
                self.chip.clone_from(chip);
                self.phase = Phase::Recalls;
                self.human.show(&event)?;
            }
            (Event::CaughtUp { doing }, _) => self.caught_up(*doing)?,
            (_, Phase::Recalls) => self.past.push(event),
            _now => return self.happens(event),
        }
        Ok(Vec::new())
    }

    /// Prints the end of the past, and whose turn it is.
    fn caught_up(&mut self, doing: Doing) -> io::Result<()> {
        self.phase = if doing == Doing::Works { Phase::Works } else { Phase::Waits };
        let past = std::mem::take(&mut self.past);
        let left_out = past.len().saturating_sub(MOST_PAST);
        if left_out > 0 {
            self.say("(what was said before this is left out; `remit show` has all of it)")?;
        }
        for (nth, event) in past.into_iter().enumerate() {
            match event {
                Event::Question { .. } => self.asks(&event)?,
                Event::Call { .. } | Event::Decision { .. } | Event::Result { .. } if nth < left_out => {
                    self.note(&event)
                }
                _ if nth < left_out => {}
                event => {
                    self.human.show(&event)?;
                    self.note(&event);
                }
            }
        }
        self.say_mode()?;
        if self.phase == Phase::Waits {
            self.say("Write what you want done; /help says what else there is.")?;
        }
        Ok(())
    }

    /// Prints what happens now.
    fn happens(&mut self, event: Event) -> io::Result<Vec<Errand>> {
        let leaves = self.phase == Phase::Leaves;
        if is_work(&event) && self.phase == Phase::Waits {
            self.phase = Phase::Works;
        }
        match &event {
            Event::Question { chip, .. } => {
                self.chip_is(chip)?;
                self.asks(&event)?;
            }
            // The question that follows says the same.
            Event::Decision { outcome, .. } if outcome == "ask" => {}
            Event::Mode { chip, .. } => {
                self.human.show(&event)?;
                self.chip.clone_from(chip);
                if !self.questions.is_empty() {
                    self.say("what is asked is judged again")?;
                }
            }
            event => self.human.show(event)?,
        }
        self.note(&event);
        self.point_to_the_oldest()?;
        if let Some(chip) = chip_of(&event) {
            self.chip_is(chip)?;
        }
        if let Event::End { status, chip, .. } = event {
            self.chip = chip;
            self.phase = Phase::Waits;
            self.interrupted_ms = None;
            if leaves {
                return Ok(vec![Errand::Quit]);
            }
            if status == Status::CapReached {
                self.say("or here: /mode yolo 10, then /continue")?;
            }
            self.say_mode()?;
        }
        Ok(Vec::new())
    }

    fn asks(&mut self, event: &Event) -> io::Result<()> {
        self.asked += 1;
        let Some((question, text)) = question::read(event, self.asked) else { return Ok(()) };
        // One that is asked once more is another: what was typed for the first is no answer to it.
        self.close(&question.call);
        if self.questions.is_empty() {
            self.pointed = question.number;
        }
        self.questions.push(question);
        self.say(&text)
    }

    /// Keeps what a later line needs: the arguments of calls, and what is still asked.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Call { call, arguments, .. } => {
                self.arguments.insert(call.clone(), arguments.clone());
            }
            Event::Decision { call, outcome, .. } if !matches!(outcome.as_str(), "ask" | "deliver") => self.close(call),
            Event::Result { call, .. } => {
                self.close(call);
                self.arguments.remove(call);
            }
            Event::End { .. } => {
                self.questions.clear();
                self.arguments.clear();
                self.drop_edit_of(|_| true);
            }
            _ => {}
        }
    }

    fn close(&mut self, call: &str) {
        self.questions.retain(|question| question.call != call);
        self.drop_edit_of(|edited| edited == call);
    }

    fn drop_edit_of(&mut self, is_closed: impl Fn(&str) -> bool) {
        if matches!(&self.edit, Some(Edit::Of(call, _)) if is_closed(call)) {
            self.edit = Some(Edit::Dropped);
        }
    }

    /// Says which question is answered next, when it is not the one that was printed last.
    fn point_to_the_oldest(&mut self) -> io::Result<()> {
        let Some(oldest) = self.questions.first() else { return Ok(()) };
        let (number, is_news) = (oldest.number, oldest.number != self.pointed);
        let line = format!("answers go to question {number} now: {}", oldest.summary);
        self.pointed = number;
        if is_news { self.say(&line) } else { Ok(()) }
    }

    fn interrupt(&mut self, now_ms: u64) -> io::Result<Vec<Errand>> {
        let is_second = self.interrupted_ms.is_some_and(|at| now_ms.saturating_sub(at) < TWICE_MS);
        if is_second || matches!(self.phase, Phase::Stops | Phase::Leaves | Phase::Recalls) {
            return Ok(vec![Errand::Quit]);
        }
        self.interrupted_ms = Some(now_ms);
        if self.phase == Phase::Works {
            self.phase = Phase::Stops;
            self.say("\nstopping; Ctrl-C once more ends")?;
            return Ok(vec![Errand::Send(ControlRequest::Stop)]);
        }
        self.say("\nCtrl-C once more ends")?;
        Ok(Vec::new())
    }

    /// Ends when what runs is stopped.
    fn leave(&mut self) -> Vec<Errand> {
        match self.phase {
            Phase::Recalls | Phase::Waits => vec![Errand::Quit],
            Phase::Works | Phase::Stops | Phase::Leaves => {
                self.phase = Phase::Leaves;
                vec![Errand::Send(ControlRequest::Stop)]
            }
        }
    }

    fn line(&mut self, text: &str, at_ms: u64) -> io::Result<Vec<Errand>> {
        match self.edit.take() {
            Some(Edit::Of(call, asked_ms)) => return self.edited((call, asked_ms), text, at_ms),
            Some(Edit::Dropped) => {
                self.say("that call is no longer asked about; what you wrote went nowhere")?;
                return Ok(Vec::new());
            }
            None => {}
        }
        if let Some(order) = text.strip_prefix('/') {
            let (name, rest) = order.split_once(char::is_whitespace).unwrap_or((order, ""));
            return self.order(name, rest);
        }
        if text.starts_with('!') {
            self.say("`!` is not in the plain mode; use a terminal of your own")?;
            return Ok(Vec::new());
        }
        if text.trim().is_empty() {
            if let Some(words) = self.offered.take() {
                return Ok(said(&words));
            }
            return self.how_it_stands().map(|()| Vec::new());
        }
        match self.questions.first().cloned() {
            Some(question) => self.line_to(question, text, at_ms),
            None => {
                self.offered = None;
                Ok(said(text))
            }
        }
    }

    /// A line while something is asked.
    fn line_to(&mut self, question: Asked, text: &str, at_ms: u64) -> io::Result<Vec<Errand>> {
        let number = question.number;
        let in_time = is_in_time(question.asked_ms, at_ms);
        let trimmed = text.trim();
        let (head, words) = trimmed.split_once(' ').unwrap_or((trimmed, ""));
        let answer = match (&question.kind, head, words) {
            (AskedKind::Words, _, _) => None,
            (AskedKind::Permission(_), "y", "") => Some(Permission::Once),
            (AskedKind::Permission(offered), "s", "") if !offered.is_empty() => Some(Permission::Session),
            (AskedKind::Permission(_), "n", _) => Some(Permission::No),
            (AskedKind::Permission(_), "e", "") => return self.edits(question, at_ms).map(|()| Vec::new()),
            (AskedKind::Permission(_), _, _) => {
                self.say(&format!("the model hears it with its next request; question {number} is still open"))?;
                return Ok(said(text));
            }
        };
        if !in_time {
            self.say(&format!("that was on its way before question {number} was asked; write it once more"))?;
            return Ok(Vec::new());
        }
        let call = question.call;
        self.close(&call);
        let request = match answer {
            Some(answer) => {
                let words = Some(words.trim().to_owned()).filter(|words| !words.is_empty());
                ControlRequest::Answer { call, answer, edited: None, words }
            }
            None => ControlRequest::Respond { call, text: text.to_owned() },
        };
        self.point_to_the_oldest()?;
        Ok(vec![Errand::Send(request)])
    }

    /// Asks for the arguments of a call anew.
    fn edits(&mut self, question: Asked, at_ms: u64) -> io::Result<()> {
        let arguments = self.arguments.get(&question.call).cloned().unwrap_or_default();
        if !is_in_time(question.asked_ms, at_ms) {
            let number = question.number;
            return self.say(&format!("that was on its way before question {number} was asked; write it once more"));
        }
        if arguments.len() > LONGEST_EDIT {
            return self
                .say("these arguments are too long for a line; answer `n WORDS`, or edit them on the full screen");
        }
        self.edit = Some(Edit::Of(question.call, None));
        let shown = tui::text::reveal(&arguments).into_owned();
        self.say(&format!(
            "the arguments:\n{shown}\nwrite them anew on one line, and that is allowed; an empty line leaves them"
        ))
    }

    fn edited(&mut self, (call, asked_ms): (String, Option<u64>), text: &str, at_ms: u64) -> io::Result<Vec<Errand>> {
        if !is_in_time(asked_ms, at_ms) {
            self.edit = Some(Edit::Of(call, asked_ms));
            self.say("that was on its way before the arguments were asked for; write them once more")?;
            return Ok(Vec::new());
        }
        if text.trim().is_empty() {
            self.say("they stay as they are, and the question is still open")?;
            return Ok(Vec::new());
        }
        self.close(&call);
        self.point_to_the_oldest()?;
        let edited = Some(text.to_owned());
        Ok(vec![Errand::Send(ControlRequest::Answer { call, answer: Permission::Once, edited, words: None })])
    }

    /// What an empty line is answered with.
    fn how_it_stands(&mut self) -> io::Result<()> {
        self.say_mode()?;
        let line = match (self.questions.first(), self.phase) {
            (Some(oldest), _) => {
                format!("question {} is open: {}", oldest.number, oldest.summary)
            }
            (None, Phase::Waits) => "it waits for you".to_owned(),
            (None, Phase::Works) => "it works".to_owned(),
            (None, Phase::Recalls | Phase::Stops | Phase::Leaves) => "it is stopping".to_owned(),
        };
        self.say(&line)
    }

    fn order(&mut self, name: &str, rest: &str) -> io::Result<Vec<Errand>> {
        let Some(entry) = orders::named(name) else {
            self.say(&format!("there is no command `/{}`; /help lists them", clean(name)))?;
            return Ok(Vec::new());
        };
        match (entry.name, rest.trim()) {
            ("mode", "") => self.say_mode()?,
            ("mode", rest) => {
                return Ok(vec![Errand::Send(ControlRequest::SetMode { mode: orders::mode_of(rest) })]);
            }
            ("contract", _) => return Ok(vec![Errand::Show(Sheet::Contract)]),
            ("spend", _) => return Ok(vec![Errand::Show(Sheet::Spend)]),
            ("continue", _) => return Ok(vec![Errand::Send(ControlRequest::GoOn)]),
            ("help", _) => self.say(HELP)?,
            ("quit", _) => return Ok(self.leave()),
            (other, _) => self.say(&format!("`/{other}` is not in the plain mode; the full screen has it"))?,
        }
        Ok(Vec::new())
    }
}

/// What `/help` says.
const HELP: &str = "
words             said to the model; while it works, it hears them with its next request
y, s, n           answer the oldest question: once, for this session, no
n WORDS           no, and why; the model reads it
e                 write the arguments of the oldest question anew
an empty line     how it stands
/mode [plan|agent|yolo|yolo CAP|yolo uncapped]
                  set the mode; without a word, say it
/contract         what each mode does
/spend            what this session has cost and holds
/continue         let the model go on where it stopped
/quit, Ctrl-D     stop what runs, and end; the session can be resumed
Ctrl-C            stop what runs; twice ends at once
";

/// Whether a line came so long after something was printed that it can be about it.
fn is_in_time(asked_ms: Option<u64>, at_ms: u64) -> bool {
    asked_ms.is_some_and(|asked| at_ms.saturating_sub(asked) >= SEEN_MS)
}

fn said(text: &str) -> Vec<Errand> {
    vec![Errand::Send(ControlRequest::Say { text: text.to_owned() })]
}

/// Whether the session does something for the person when it says this.
fn is_work(event: &Event) -> bool {
    matches!(
        event,
        Event::Prompt { .. }
            | Event::Text { .. }
            | Event::Reasoning { .. }
            | Event::Calling { .. }
            | Event::Retrying { .. }
            | Event::Message { .. }
            | Event::Call { .. }
    )
}

/// The mode with what is left, where an event says it.
fn chip_of(event: &Event) -> Option<&str> {
    match event {
        Event::Message { chip, .. } | Event::Decision { chip, .. } | Event::Question { chip, .. } => Some(chip),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::Colours;
    use std::sync::{Arc, Mutex};

    /// What was printed.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A person at the plain mode, with a clock that stands still until it is moved.
    struct Desk {
        plain: Plain<Paper>,
        paper: Paper,
        now_ms: u64,
    }

    impl Desk {
        fn new() -> Desk {
            let paper = Paper::default();
            let mut desk = Desk { plain: Plain::new(Human::new(paper.clone(), Colours::Off)), paper, now_ms: 0 };
            desk.event(json(
                r#"{"type":"session","id":"s","mode":"agent","chip":"Agent","model":"m","workspace":"/w",
                "title":"","attendance":"attended","notes":[]}"#,
            ));
            desk.event(Event::CaughtUp { doing: Doing::Waits });
            desk
        }

        fn hear(&mut self, heard: Heard) -> Vec<Errand> {
            let errands = self.plain.hear(heard, self.now_ms).unwrap();
            self.plain.was_printed(self.now_ms);
            errands
        }

        fn event(&mut self, event: Event) -> Vec<Errand> {
            self.hear(Heard::Input(Box::new(Input::Event(Box::new(event)))))
        }

        /// Asks for permission of a call.
        fn asks(&mut self, call: &str) {
            let arguments = format!(r#"{{"path":"{call}"}}"#);
            self.event(Event::Call {
                call: call.to_owned(),
                tool: "write".to_owned(),
                summary: format!("write {call}"),
                effect: Some("change".to_owned()),
                price: Some("free".to_owned()),
                arguments,
            });
            self.event(question(call, "free"));
        }

        /// Types a line a second later.
        fn line(&mut self, text: &str) -> Vec<Errand> {
            self.now_ms += 1_000;
            self.line_now(text)
        }

        fn line_now(&mut self, text: &str) -> Vec<Errand> {
            let at_ms = self.now_ms;
            self.hear(Heard::Line { text: format!("{text}\n"), at_ms })
        }

        fn printed(&self) -> String {
            String::from_utf8(self.paper.0.lock().unwrap().clone()).unwrap()
        }
    }

    fn json(text: &str) -> Event {
        serde_json::from_str(text).unwrap()
    }

    fn question(call: &str, price: &str) -> Event {
        Event::Question {
            call: call.to_owned(),
            summary: format!("write {call}"),
            shown: format!("bytes of {call}\n\u{1b}[8mhidden"),
            effect: Some("change".to_owned()),
            price: Some(price.to_owned()),
            why: Some("it changes something".to_owned()),
            offered: vec![format!("write: {call}")],
            raise_to: None,
            chip: "Agent".to_owned(),
        }
    }

    fn answered(call: &str, answer: Permission, words: Option<&str>) -> Vec<Errand> {
        let words = words.map(str::to_owned);
        vec![Errand::Send(ControlRequest::Answer { call: call.to_owned(), answer, edited: None, words })]
    }

    #[test]
    fn a_question_is_printed_with_its_exact_bytes_and_the_price_first() {
        let mut desk = Desk::new();
        desk.event(question("a", "$1.00"));
        let printed = desk.printed();
        let at = |words: &str| printed.find(words).unwrap_or_else(|| panic!("{words}: {printed}"));
        let order = [
            "question 1",
            "costs $1.00  (Agent)",
            "Allow? write a",
            "because it changes",
            "    bytes of a\n",
            "hidden",
            "y: yes",
        ];
        assert!(order.map(at).is_sorted() && !printed.contains('\u{1b}'), "{printed}");
        assert!(printed.contains("s: yes, for this session (write: a)"), "{printed}");
    }

    #[test]
    fn lines_answer_the_oldest_question_one_after_the_other() {
        let mut desk = Desk::new();
        for call in ["a", "b", "c", "d"] {
            desk.asks(call);
        }
        assert_eq!(desk.line("y"), answered("a", Permission::Once, None));
        assert!(desk.printed().contains("answers go to question 2 now: write b"), "{}", desk.printed());
        assert_eq!(desk.line("s"), answered("b", Permission::Session, None));
        assert_eq!(desk.line("n"), answered("c", Permission::No, None));
        assert_eq!(desk.line("n  not that one "), answered("d", Permission::No, Some("not that one")));
        assert_eq!(desk.line("y"), said("y"), "nothing is asked any more");
    }

    #[test]
    fn a_line_that_was_on_its_way_answers_nothing() {
        let mut desk = Desk::new();
        desk.asks("a");
        assert!(desk.line_now("y").is_empty() && desk.printed().contains("on its way before question 1"));
        assert_eq!(desk.line("y"), answered("a", Permission::Once, None));
        desk.asks("b");
        desk.asks("c");
        assert_eq!(desk.line("y"), answered("b", Permission::Once, None));
        assert!(desk.line_now("y").is_empty(), "it was the second `y` for the same question");
        assert_eq!(desk.line("y"), answered("c", Permission::Once, None));
    }

    #[test]
    fn what_was_decided_otherwise_is_answered_no_more_and_the_next_is_pointed_to() {
        let mut desk = Desk::new();
        desk.asks("a");
        desk.asks("b");
        desk.event(json(
            r#"{"type":"decision","call":"a","outcome":"refuse","decided_by":"mode","reason":"x","chip":"Plan"}"#,
        ));
        assert!(desk.printed().contains("answers go to question 2 now") && desk.printed().contains("mode: Plan"));
        assert!(desk.line_now("y").is_empty());
        assert_eq!(desk.line("n"), answered("b", Permission::No, None));
    }

    #[test]
    fn words_are_said_to_the_model_and_leave_a_question_open() {
        let mut desk = Desk::new();
        assert_eq!(desk.line("do it"), said("do it"));
        desk.asks("a");
        assert_eq!(desk.line("yes please"), said("yes please"));
        assert!(desk.printed().contains("question 1 is still open"));
        assert_eq!(desk.line("y"), answered("a", Permission::Once, None));
        desk.event(json(
            r#"{"type":"question","call":"q","summary":"who?","shown":"who?","offered":[],"chip":"Agent"}"#,
        ));
        let respond = ControlRequest::Respond { call: "q".to_owned(), text: "y".to_owned() };
        assert_eq!(desk.line("y"), [Errand::Send(respond)]);
    }

    #[test]
    fn arguments_are_written_anew_and_a_call_that_is_gone_takes_none() {
        let mut desk = Desk::new();
        desk.asks("a");
        assert!(desk.line("e").is_empty() && desk.printed().contains("{\"path\":\"a\"}"));
        assert!(desk.line_now("{}").is_empty() && desk.printed().contains("before the arguments were asked for"));
        assert!(desk.line("").is_empty() && desk.printed().contains("they stay as they are"));
        desk.line("e");
        let edited = Some("{\"path\":\"mine\"}".to_owned());
        let allowed = ControlRequest::Answer { call: "a".into(), answer: Permission::Once, edited, words: None };
        assert_eq!(desk.line("{\"path\":\"mine\"}"), [Errand::Send(allowed)]);
        desk.asks("b");
        desk.line("e");
        desk.event(Event::Result { call: "b".into(), ok: false, text: "stopped".into(), chip: String::new() });
        assert!(desk.line("{}").is_empty() && desk.printed().contains("went nowhere"));
    }

    #[test]
    fn a_screens_commands_are_said_to_be_missing() {
        let mut desk = Desk::new();
        let mode = ControlRequest::SetMode { mode: "yolo:10".to_owned() };
        assert_eq!(desk.line("/mode yolo 10"), [Errand::Send(mode)]);
        assert_eq!(desk.line("/contract"), [Errand::Show(Sheet::Contract)]);
        assert_eq!(desk.line("/continue"), [Errand::Send(ControlRequest::GoOn)]);
        for (line, says) in
            [("/fly", "there is no command `/fly`"), ("!ls", "`!` is not in the plain mode"), ("/help", "n WORDS")]
        {
            assert!(desk.line(line).is_empty() && desk.printed().contains(says), "{}", desk.printed());
        }
    }

    #[test]
    fn ctrl_c_stops_what_runs_and_twice_ends_and_no_more_lines_end_after_the_turn() {
        let mut desk = Desk::new();
        assert!(desk.hear(Heard::Interrupt).is_empty());
        desk.now_ms += TWICE_MS;
        desk.event(Event::Prompt { text: "go".to_owned() });
        assert_eq!(desk.hear(Heard::Interrupt), [Errand::Send(ControlRequest::Stop)]);
        assert_eq!(desk.hear(Heard::Interrupt), [Errand::Quit]);
        let mut desk = Desk::new();
        assert_eq!(desk.hear(Heard::NoMore), [Errand::Quit]);
        desk.event(Event::Prompt { text: "go".to_owned() });
        assert_eq!(desk.hear(Heard::NoMore), [Errand::Send(ControlRequest::Stop)]);
        assert_eq!(desk.event(end()), [Errand::Quit]);
    }

    fn end() -> Event {
        json(
            r#"{"type":"end","status":"interrupted","reason":null,"text":"","refused":[],"prompts":0,"going_on":[],
            "spend":{"cap":null,"left":null,"budget":{"quoted":"0.00","held":"0.00","open":"0.00","settled":"0.00",
            "overrun":"0.00","unbounded":0},"metered":{"quoted":"0.00","held":"0.00","open":"0.00","settled":"0.00",
            "overrun":"0.00","unbounded":0},"past_cap":{"quoted":"0.00","held":"0.00","open":"0.00","settled":"0.00",
            "overrun":"0.00","unbounded":0},"requests":0,"unpriced":0,"saved":"0.00"},"tokens":{"input":0,"cache_read":0,
            "cache_write":0,"output":0,"reasoning":0},"chip":"Agent"}"#,
        )
    }

    #[test]
    fn the_mode_is_printed_when_it_changes_and_when_it_is_the_persons_turn() {
        let mut desk = Desk::new();
        let modes = |desk: &Desk| desk.printed().matches("mode: ").count();
        assert_eq!(modes(&desk), 1);
        let status = |chip: &str| {
            let text = format!(r#"{{"type":"mode","mode":"yolo:1","chip":"{chip}"}}"#);
            json(&text)
        };
        desk.event(status("YOLO $1.00 of $1.00"));
        desk.event(json(r#"{"type":"message","text":"x","calls":0,"tokens":null,"chip":"YOLO $0.90 of $1.00"}"#));
        desk.event(json(r#"{"type":"message","text":"x","calls":0,"tokens":null,"chip":"YOLO $0.90 of $1.00"}"#));
        assert_eq!(modes(&desk), 3, "{}", desk.printed());
        desk.event(end());
        assert!(modes(&desk) == 4 && desk.printed().ends_with("\nmode: Agent\n"), "{}", desk.printed());
    }

    #[test]
    fn of_a_long_past_the_end_is_told_again() {
        let mut desk = Desk::new();
        desk.event(json(
            r#"{"type":"session","id":"s","mode":"agent","chip":"Agent","model":"m","workspace":"/w",
            "title":"","attendance":"attended","notes":[]}"#,
        ));
        for nth in 0..MOST_PAST + 1 {
            desk.event(Event::Notice { text: format!("<{nth}>") });
        }
        assert!(!desk.printed().contains("<1>"));
        desk.event(Event::CaughtUp { doing: Doing::Works });
        assert!(!desk.printed().contains("<0>") && desk.printed().contains("note: <1>\n"), "{}", desk.printed());
        assert!(desk.printed().contains("is left out"));
    }
}
