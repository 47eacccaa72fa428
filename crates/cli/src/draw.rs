//! How the events of a session are shown: for a person to read, or as JSON lines.
//!
//! Not here: what happens. What a model or a tool says is somebody else's text: control characters never reach the
//! terminal.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use wire::{Event, GoingOn, Money, Refused, Spend, Status, Tokens};

/// How many lines of a result are shown; the rest is in the record.
const RESULT_LINES: usize = 12;
/// How many characters of a line are shown.
const LINE_CHARACTERS: usize = 200;

/// Where the events of a session go.
#[derive(Debug)]
pub enum Printer<W> {
    /// Text for a person.
    Human(Human<W>),
    /// One JSON object a line.
    Json(W),
}

impl<W: Write> Printer<W> {
    /// Shows one event.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match self {
            Printer::Human(human) => human.show(event),
            Printer::Json(out) => {
                serde_json::to_writer(&mut *out, event)?;
                out.write_all(b"\n")?;
                out.flush()
            }
        }
    }
}

/// Whether colours are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colours {
    /// A terminal, and `NO_COLOR` is not set.
    On,
    /// A pipe or a file, or the person wants none.
    Off,
}

impl Colours {
    /// What standard output is.
    pub fn of_stdout() -> Colours {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        if wanted && io::stdout().is_terminal() { Colours::On } else { Colours::Off }
    }
}

/// The events of a session as text.
#[derive(Debug)]
pub struct Human<W> {
    out: W,
    colours: Colours,
    /// What is being streamed, so that another thing starts on a line of its own.
    stream: Stream,
    /// Whether what was streamed last has not ended its line.
    line_is_open: bool,
    /// The calls that have not ended, with their lines; results of calls that overlap come in any order.
    under_way: BTreeMap<String, String>,
    /// The call that was shown last.
    last: String,
    /// What a person might not expect, said at the beginning and again at the end.
    notes: Vec<String>,
    /// The session's name.
    session: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    None,
    Text,
    Reasoning,
    Progress,
}

impl<W: Write> Human<W> {
    /// Writes to `out`.
    pub fn new(out: W, colours: Colours) -> Human<W> {
        let (under_way, last, notes, session) = (BTreeMap::new(), String::new(), Vec::new(), String::new());
        Human { out, colours, stream: Stream::None, line_is_open: false, under_way, last, notes, session }
    }

    /// Shows one event.
    pub fn show(&mut self, event: &Event) -> io::Result<()> {
        match event {
            Event::Session { id, chip, model, workspace, notes, .. } => {
                self.line(&format!("{}  {}  {}", self.bold(chip), clean(model), clean(workspace)))?;
                self.line(&self.dim(&format!("session {id}")))?;
                self.notes.clone_from(notes);
                self.session.clone_from(id);
                self.say_notes()
            }
            Event::Prompt { text } => self.line(&format!("\n> {}", clean(text))),
            Event::Text { delta } => self.piece(Stream::Text, delta),
            Event::Reasoning { delta } => self.piece(Stream::Reasoning, delta),
            Event::Calling { .. } | Event::Message { .. } => self.end_stream(),
            Event::Retrying { attempt, wait_ms, why } => {
                let seconds = *wait_ms as f64 / 1000.0;
                self.line(&format!("the model's service: {}; try {attempt} in {seconds:.1} s", clean(why)))
            }
            Event::Restarted => self.line("(the answer was cut off; it is asked for again)"),
            Event::Call { call, tool, summary, .. } => {
                let what = if summary.is_empty() { tool } else { summary };
                self.last.clone_from(call);
                self.under_way.insert(call.clone(), short(what));
                self.line(&format!("\n{} {}", self.bold("•"), short(what)))
            }
            Event::Decision { call, outcome, decided_by, reason, .. } => {
                if matches!(outcome.as_str(), "refuse" | "invalid") {
                    // Its result says the same once more, to the model.
                    self.under_way.remove(call);
                }
                self.decision(outcome, decided_by, reason)
            }
            Event::Question { why, price, .. } => {
                let (why, price) = (why.as_deref().unwrap_or("the model asks"), price.as_deref().unwrap_or("free"));
                self.line(&format!("  asks: {why} (price: {price})"))
            }
            Event::Progress { text, .. } => self.piece(Stream::Progress, text),
            Event::Result { call, ok, text, .. } => match self.under_way.remove(call) {
                Some(what) if *call != self.last => {
                    self.last.clone_from(call);
                    self.line(&format!("\n{} {what}", self.dim("•")))?;
                    self.result(if *ok { " " } else { "✗" }, text)
                }
                Some(_) => self.result(if *ok { " " } else { "✗" }, text),
                None => Ok(()),
            },
            Event::Mode { chip, .. } => self.line(&format!("mode: {}", self.bold(chip))),
            Event::Notice { text } => self.line(&format!("note: {}", clean(text))),
            Event::Model { model, notes } => {
                self.line(&format!("model: {}", self.bold(&clean(model))))?;
                notes.iter().try_for_each(|note| self.line(&format!("note: {}", clean(note))))
            }
            Event::Titled { .. } | Event::CaughtUp { .. } | Event::Answered { .. } | Event::GoesOn => Ok(()),
            Event::End { status, reason, refused, going_on, spend, tokens, .. } => {
                self.end(*status, reason.as_deref(), (refused, going_on), (spend, tokens))
            }
        }
    }

    /// Writes a line of somebody else's beside the events, on a line of its own.
    pub fn say(&mut self, text: &str) -> io::Result<()> {
        self.line(text)
    }

    fn decision(&mut self, outcome: &str, by: &Option<String>, reason: &Option<String>) -> io::Result<()> {
        let reason = reason.as_deref().map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
        match (outcome, by.as_deref()) {
            ("run" | "deliver", Some("mode") | None) => Ok(()),
            ("run", Some(by)) => self.line(&self.dim(&format!("  allowed by {by}"))),
            ("refuse", by) => self.line(&format!("  {}{reason} ({})", self.bold("refused"), by.unwrap_or("?"))),
            ("invalid", _) => self.line(&format!("  not a call{reason}")),
            (other, _) => self.line(&self.dim(&format!("  {other}{reason}"))),
        }
    }

    fn result(&mut self, sign: &str, text: &str) -> io::Result<()> {
        let was_streamed = self.stream == Stream::Progress;
        self.end_stream()?;
        if sign == " " && was_streamed {
            return Ok(());
        }
        let mut lines: Vec<&str> = text.lines().collect();
        if was_streamed {
            // All but how it ended was shown as it came.
            lines = lines.pop().into_iter().collect();
        }
        for line in lines.iter().take(RESULT_LINES) {
            self.line(&self.dim(&format!("  {sign} {}", short(line))))?;
        }
        match lines.len().saturating_sub(RESULT_LINES) {
            0 => Ok(()),
            more => self.line(&self.dim(&format!("    … {more} more lines"))),
        }
    }

    fn end(
        &mut self,
        status: Status,
        reason: Option<&str>,
        (refused, going_on): (&[Refused], &[GoingOn]),
        (spend, tokens): (&Spend, &Tokens),
    ) -> io::Result<()> {
        let words = match status {
            Status::Done => "done",
            Status::Failed => "failed",
            Status::CapReached => "cap reached",
            Status::Unavailable => "the model's service is not available; try again later",
            Status::Interrupted => "interrupted",
        };
        let reason = reason.map(|reason| format!(": {}", clean(reason))).unwrap_or_default();
        self.line(&format!("\n{}{reason}", self.bold(words)))?;
        if status == Status::CapReached {
            self.line(&format!("to go on under a higher cap: remit resume {} --cap USD", self.session))?;
        }
        if !refused.is_empty() {
            self.line("refused, because nobody was there to ask:")?;
            for call in refused {
                self.line(&format!("  {} ({}): {}", short(&call.summary), short(&call.price), short(&call.reason)))?;
            }
        }
        if !going_on.is_empty() {
            self.line("goes on without this session, and is paid for until it is over:")?;
            for GoingOn { hold, held, reference, page } in going_on {
                let most = held.as_ref().map_or("no bound".to_owned(), |held| format!("at most ${held}"));
                let place = page.as_ref().unwrap_or(reference);
                self.line(&format!("  {} ({most}): {}", clean(hold), clean(place)))?;
            }
        }
        spend_lines(spend).iter().try_for_each(|line| self.line(line))?;
        self.say_notes()?;
        self.line(
            &self.dim(&format!(
                "tokens: {} in ({} from the cache), {} out",
                tokens.input, tokens.cache_read, tokens.output
            )),
        )
    }

    fn say_notes(&mut self) -> io::Result<()> {
        let notes: Vec<String> = self.notes.iter().map(|note| format!("note: {}", clean(note))).collect();
        notes.iter().try_for_each(|note| self.line(note))
    }

    /// A piece of something that comes in pieces.
    fn piece(&mut self, stream: Stream, text: &str) -> io::Result<()> {
        if self.stream != stream {
            self.end_stream()?;
            self.stream = stream;
            if stream == Stream::Text {
                writeln!(self.out)?;
            }
        }
        let text = clean(text);
        self.line_is_open = !text.ends_with('\n') && (self.line_is_open || !text.is_empty());
        match stream {
            Stream::Text | Stream::None => write!(self.out, "{text}")?,
            Stream::Reasoning | Stream::Progress => {
                let text = self.dim(&text);
                write!(self.out, "{text}")?;
            }
        }
        self.out.flush()
    }

    fn end_stream(&mut self) -> io::Result<()> {
        if self.stream != Stream::None {
            self.stream = Stream::None;
            if std::mem::take(&mut self.line_is_open) {
                writeln!(self.out)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, text: &str) -> io::Result<()> {
        self.end_stream()?;
        writeln!(self.out, "{text}")?;
        self.out.flush()
    }

    fn bold(&self, text: &str) -> String {
        self.styled("1", text)
    }

    fn dim(&self, text: &str) -> String {
        self.styled("2", text)
    }

    fn styled(&self, code: &str, text: &str) -> String {
        match self.colours {
            Colours::On => format!("\x1b[{code}m{text}\x1b[0m"),
            Colours::Off => text.to_owned(),
        }
    }
}

/// The money of a session in lines, each state apart; nothing for a sum in which nothing ever happened.
pub fn spend_lines(spend: &Spend) -> Vec<String> {
    let mut lines = Vec::new();
    if let (Some(cap), Some(left)) = (&spend.cap, &spend.left) {
        lines.push(format!("cap: ${cap}, left: ${left}"));
    }
    let sums =
        [("in YOLO", &spend.budget), ("in Plan and Agent", &spend.metered), ("allowed past the cap", &spend.past_cap)];
    let used = sums.into_iter().filter(|(_, money)| !is_nothing(money));
    lines.extend(used.map(|(name, money)| {
        let Money { quoted, held, open, settled, overrun, unbounded } = money;
        let mut line = format!("{name}: quoted ${quoted}, held ${held}, open ${open}, settled ${settled}");
        if overrun != "0.00" {
            line.push_str(&format!(", of which overrun ${overrun}"));
        }
        if *unbounded > 0 {
            line.push_str(&format!(", {unbounded} without a bound"));
        }
        line
    }));
    if spend.requests > 0 && spend.saved != "0.00" {
        lines.push(format!("saved by the model's cache: ${}", spend.saved));
    }
    if spend.unpriced > 0 {
        let (unpriced, requests) = (spend.unpriced, spend.requests);
        lines.push(format!("{unpriced} of {requests} requests to the model had no price and are in no sum"));
    }
    lines
}

fn is_nothing(money: &Money) -> bool {
    let Money { quoted, held, open, settled, overrun, unbounded } = money;
    [quoted, held, open, settled, overrun].iter().all(|sum| sum.as_str() == "0.00") && *unbounded == 0
}

/// Text without control characters, but for the end of a line and a tab, and without those that turn the direction of
/// writing around: what is read is what is there.
pub fn clean(text: &str) -> String {
    let is_shown = |letter: &char| matches!(letter, '\n' | '\t') || !(letter.is_control() || turns_around(*letter));
    text.chars().filter(is_shown).collect()
}

/// The embeddings, overrides and isolates of the Unicode bidirectional algorithm, and its marks.
fn turns_around(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// One line of somebody else's text, not too long.
pub fn short(text: &str) -> String {
    let line = clean(text.lines().next().unwrap_or_default());
    match line.char_indices().nth(LINE_CHARACTERS) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    }
}

/// A conversation as Markdown, for a person to keep.
pub fn as_markdown(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        match event {
            Event::Prompt { text: said } => text.push_str(&format!("## {}\n\n", said.replace('\n', "\n\n"))),
            Event::Message { text: said, .. } if !said.is_empty() => text.push_str(&format!("{said}\n\n")),
            Event::Call { tool, summary, arguments, .. } => {
                let what = if summary.is_empty() { tool } else { summary };
                text.push_str(&format!("**{}**\n\n{}\n", short(what), fenced("json", arguments)));
            }
            Event::Result { text: result, .. } => text.push_str(&format!("{}\n", fenced("text", result))),
            Event::Notice { text: notice } => text.push_str(&format!("*{}*\n\n", short(notice))),
            _other => {}
        }
    }
    text
}

/// A text in a fence that it does not contain.
fn fenced(language: &str, text: &str) -> String {
    let ticks = text.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1;
    let fence = "`".repeat(ticks);
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end())
}

/// Takes the whole characters from the front of what was read so far; a torn one waits for its rest.
pub fn whole_characters(read: &mut Vec<u8>) -> String {
    let whole = match std::str::from_utf8(read) {
        Ok(_) => read.len(),
        // What is no text at all is not waited for.
        Err(why) if why.error_len().is_none() => why.valid_up_to(),
        Err(_) => read.len(),
    };
    let rest = read.split_off(whole);
    let taken = std::mem::replace(read, rest);
    String::from_utf8_lossy(&taken).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(events: &[Event]) -> String {
        let mut printer = Human::new(Vec::new(), Colours::Off);
        for event in events {
            printer.show(event).unwrap();
        }
        String::from_utf8(printer.out).unwrap()
    }

    #[test]
    fn what_a_model_or_a_tool_says_cannot_drive_the_terminal() {
        let text = shown(&[
            Event::Text { delta: "a\x1b[2Jb\rc\u{9b}\u{202e}d".into() },
            call("c1"),
            Event::Result { call: "c1".into(), ok: false, text: "x\x1b]0;title\x07y\nz".into(), chip: String::new() },
        ]);
        assert!(!text.contains(['\x1b', '\r', '\u{9b}', '\u{202e}', '\x07']), "{text:?}");
        assert!(text.contains("a[2Jbcd") && text.contains("z"), "{text:?}");
    }

    #[test]
    fn the_end_lists_what_was_refused_and_keeps_the_states_of_money_apart() {
        let zero = Money {
            quoted: "0.00".into(),
            held: "0.00".into(),
            open: "0.00".into(),
            settled: "0.00".into(),
            overrun: "0.00".into(),
            unbounded: 0,
        };
        let budget = Money { quoted: "2.00".into(), open: "1.50".into(), unbounded: 1, ..zero.clone() };
        let refused =
            Refused { call: "c1".into(), summary: "a job".into(), price: "$10.00".into(), reason: "too dear".into() };
        let spend = Spend {
            cap: Some("5.00".into()),
            left: Some("3.50".into()),
            budget,
            metered: zero.clone(),
            past_cap: zero,
            ..Spend::default()
        };
        let text = shown(&[Event::End {
            chip: String::new(),
            going_on: vec![GoingOn {
                hold: "c3".into(),
                held: Some("0.50".into()),
                reference: "hf-job ns=me".into(),
                page: Some("https://hub.example/jobs/me/1".into()),
            }],
            status: Status::Done,
            reason: None,
            text: String::new(),
            refused: vec![refused],
            prompts: 0,
            spend,
            tokens: Tokens::default(),
        }]);
        for line in [
            "  a job ($10.00): too dear",
            "  c3 (at most $0.50): https://hub.example/jobs/me/1",
            "cap: $5.00, left: $3.50",
            "open $1.50, settled $0.00, 1 without a bound",
        ] {
            assert!(text.contains(line), "{line} in {text}");
        }
        assert!(!text.contains("Plan and Agent"), "{text}");
    }

    #[test]
    fn a_long_result_is_cut_and_says_so() {
        let long = "l\n".repeat(20) + &"w".repeat(500);
        let text = shown(&[call("c"), Event::Result { call: "c".into(), ok: true, text: long, chip: String::new() }]);
        assert!(text.contains("… 9 more lines"), "{text}");
        assert!(short(&"w".repeat(500)).chars().count() == LINE_CHARACTERS + 1);
    }

    fn call(name: &str) -> Event {
        let (effect, price) = (Some("read".into()), Some("free".into()));
        let (tool, summary) = ("read".into(), format!("read {name}"));
        Event::Call { call: name.into(), tool, summary, effect, price, arguments: "{}".into() }
    }

    #[test]
    fn results_of_calls_that_overlap_say_whose_they_are() {
        let ended =
            |name: &str| Event::Result { call: name.into(), ok: true, text: format!("in {name}"), chip: String::new() };
        let text = shown(&[call("c1"), call("c2"), call("c3"), ended("c3"), ended("c1"), ended("c2")]);
        assert_eq!(
            text,
            "\n• read c1\n\n• read c2\n\n• read c3\n    in c3\n\n• read c1\n    in c1\n\n• read c2\n    in c2\n"
        );
    }

    #[test]
    fn what_was_streamed_is_not_shown_twice() {
        let piece = |text: &str| Event::Progress { call: "c1".into(), text: text.into() };
        let ended = |ok, text: &str| Event::Result { call: "c1".into(), ok, text: text.into(), chip: String::new() };
        let text = shown(&[call("c1"), piece("one\n"), piece("two\n"), ended(false, "one\ntwo\n[exit 1]"), call("c2")]);
        assert_eq!(text, "\n• read c1\none\ntwo\n  ✗ [exit 1]\n\n• read c2\n");
        let text = shown(&[call("c1"), piece("no end"), ended(true, "no end\n[exit 0]"), call("c2")]);
        assert_eq!(text, "\n• read c1\nno end\n\n• read c2\n");
    }

    #[test]
    fn a_refusal_is_said_once() {
        let decision = Event::Decision {
            call: "c1".into(),
            outcome: "refuse".into(),
            decided_by: Some("mode".into()),
            reason: Some("Plan is Plan".into()),
            chip: "Plan".into(),
        };
        let text = shown(&[
            call("c1"),
            decision,
            Event::Result { call: "c1".into(), ok: false, text: "refused: Plan is Plan".into(), chip: String::new() },
        ]);
        assert_eq!(text.matches("Plan is Plan").count(), 1, "{text}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let mut printer = Printer::Json(Vec::new());
        printer.show(&Event::Text { delta: "a\nb".into() }).unwrap();
        let Printer::Json(out) = printer else { unreachable!("it was made above") };
        assert_eq!(String::from_utf8(out).unwrap(), "{\"type\":\"text\",\"delta\":\"a\\nb\"}\n");
    }
}
