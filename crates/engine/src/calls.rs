//! The tool calls of one model message: brought to the gate in order, run, and waited for.
//!
//! Not here: whether a call may run (that is the gate), or what it does (that is `tools` and `mcp`).
//!
//! Calls start in order. Reads that follow each other overlap; any other call waits until those before it have ended or
//! been refused, so that each is judged against what those before it hold.

use crate::bill;
use crate::command::SessionCommand;
use crate::reconciling::seconds;
use crate::record;
use crate::session::{EngineError, ModeChanged, Session};
use crate::work::{self, Admitted, Ready, Understood, Work};
use gate::{Act, CallId, Ended, GateError, Report, State, supervise};
use host::scene::Progress;
use policy::{Action, Effect, Price, Reason};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use tools::hf_jobs;
use turn::chat::{Outcome, ToolCall};
use turn::{Ending, TurnEvent, Want};
use wire::{Event, Refused};

/// How long a tool has to end by itself when it is stopped: it kills its process group and waits for it.
const GRACE: Duration = Duration::from_secs(10);
/// How many reads run at once.
const MOST_AT_ONCE: usize = 8;
/// How many pieces of progress wait for a slow reader before more are dropped.
const PROGRESS_WAITING: usize = 256;
/// How much of what one call says while it runs is passed on, in bytes: whoever listens may be slow, and keeps it all. Its
/// result says where the whole is.
const MOST_PROGRESS: usize = 1 << 20;
/// What follows the last piece that is passed on.
const NO_MORE_PROGRESS: &str = "\n(it says more than is shown while it runs)\n";
/// What a model reads when it asks and nobody is there.
const NOBODY_HERE: &str = "nobody is here; decide yourself or stop";
/// What a model reads of a call that still waited for the person when they stopped the turn.
const STOPPED_WAITING: &str = "not run: the person stopped this turn";

/// A call that waits for a person.
#[allow(clippy::large_enum_variant, reason = "at most a few stand at a time")]
#[derive(Debug)]
pub(crate) enum Waiting {
    /// For permission.
    Permission(Asked),
    /// For an answer to a question of the model's own, which is this.
    Response(CallId, String),
}

/// A call that waits for permission, with what the person is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) question: gate::Question,
    pub(crate) work: Work,
}

/// The runs of one model message. When they are dropped, whatever still runs is told to end: nothing goes on unattended.
struct Runs {
    running: JoinSet<(CallId, Ended)>,
    /// Whether all that run are reads.
    only_reads: bool,
    /// Tells what runs to end; nothing starts after that.
    stop: CancellationToken,
    /// Ends the waiting for what was told to end.
    give_up: CancellationToken,
    _stops_when_dropped: DropGuard,
}

impl Runs {
    fn none() -> Runs {
        let stop = CancellationToken::new();
        Runs {
            running: JoinSet::new(),
            only_reads: true,
            give_up: CancellationToken::new(),
            _stops_when_dropped: stop.clone().drop_guard(),
            stop,
        }
    }

    fn are_stopping(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Stops what runs; said again, gives up waiting for it.
    fn stop(&self) {
        if self.are_stopping() {
            self.give_up.cancel();
        }
        self.stop.cancel();
    }
}

impl Session {
    /// Brings the calls of one message to the gate and waits until each has ended.
    pub(crate) async fn run_calls(
        &mut self,
        calls: Vec<ToolCall>,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        let mut runs = Runs::none();
        let wants = self.see_to(VecDeque::from(calls), &mut runs, commands).await;
        if wants.is_err() {
            // Nothing can be recorded any more, but nothing is left running either.
            runs.stop();
            while runs.running.join_next().await.is_some() {}
        }
        wants
    }

    async fn see_to(
        &mut self,
        mut queue: VecDeque<ToolCall>,
        runs: &mut Runs,
        commands: &mut mpsc::Receiver<SessionCommand>,
    ) -> Result<Vec<Want>, EngineError> {
        let mut wants = Vec::new();
        loop {
            while !runs.are_stopping() && queue.front().is_some_and(|next| self.may_start(next, runs)) {
                let Some(next) = queue.pop_front() else { break };
                wants.extend(self.start_call(next, runs).await?);
            }
            if runs.running.is_empty() && (runs.are_stopping() || (queue.is_empty() && self.waiting.is_empty())) {
                break;
            }
            tokio::select! {
                Some(ended) = runs.running.join_next() => wants.extend(self.run_ended(ended).await?),
                Some(command) = commands.recv() => wants.extend(self.heed(command, runs).await?),
                // Whoever could have answered is gone.
                else => runs.stop(),
            }
        }
        if runs.are_stopping() { self.stopped().await } else { Ok(wants) }
    }

    /// Ends the turn whose calls were stopped.
    async fn stopped(&mut self) -> Result<Vec<Want>, EngineError> {
        for waiting in std::mem::take(&mut self.waiting) {
            let id = match waiting {
                Waiting::Permission(asked) => asked.question.call,
                Waiting::Response(id, _) => id,
            };
            self.end_call(&id, Report::Failed(STOPPED_WAITING.to_owned())).await?;
        }
        self.words.clear();
        let wants = self.feed(TurnEvent::Stopped).await?;
        // The end of the last call may have been the turn's: it was stopped all the same.
        Ok(if wants.is_empty() { vec![Want::End(Ending::Stopped)] } else { wants })
    }

    /// Whether the next call may start beside what runs and waits.
    fn may_start(&self, next: &ToolCall, runs: &Runs) -> bool {
        if !self.waiting.is_empty() {
            return false;
        }
        if runs.running.is_empty() {
            return true;
        }
        let is_read = matches!(
            work::understand(next, &self.setup.desk()),
            Ok(Understood::Work(work)) if reads(&work.action())
        );
        is_read && runs.only_reads && runs.running.len() < MOST_AT_ONCE
    }

    async fn start_call(&mut self, call: ToolCall, runs: &mut Runs) -> Result<Vec<Want>, EngineError> {
        let id = CallId::new(call.id.clone());
        if call.name == hf_jobs::NAME {
            // What is priced is what the Hub asks for now.
            let look_up = CallId::new(format!("{id}-prices"));
            let (site, net) = (&self.setup.site, &self.setup.scene.net);
            hf_jobs::look_up(&mut self.gate, &look_up, site, net, seconds((self.setup.now_ms)())).await?;
        }
        match work::understand(&call, &self.setup.desk()) {
            Ok(Understood::Work(work)) => {
                let action = work.action();
                self.say_call(&call, action.summary, Some((action.effect, action.price)));
                self.admit(id, work, runs).await
            }
            Ok(Understood::Question(question)) => {
                let text = question.to_string();
                self.say_call(&call, text.lines().next().unwrap_or_default().to_owned(), None);
                self.deliver(id, text).await
            }
            Err(why) => {
                self.say_call(&call, String::new(), None);
                self.say_decision(&id, "invalid", None, Some(why.clone()));
                self.end_call(&id, Report::Failed(why)).await
            }
        }
    }

    /// Brings one call to the gate and carries out its answer.
    async fn admit(&mut self, id: CallId, work: Work, runs: &mut Runs) -> Result<Vec<Want>, EngineError> {
        let is_read = reads(&work.action());
        match work.admit(&mut self.gate, id.clone()).await {
            Ok(Admitted::Run(ready)) => {
                let by = ready.decided_by().to_string();
                self.say_decision(&id, "run", Some(by), None);
                runs.only_reads = is_read && (runs.only_reads || runs.running.is_empty());
                self.spawn(id, ready, runs);
                Ok(Vec::new())
            }
            Ok(Admitted::Ask(question, work)) => {
                self.so_far.prompts += 1;
                let verdict = policy::Verdict::Ask(question.why);
                self.say_decision(&id, "ask", Some(verdict.decided_by().to_string()), verdict.reason());
                let asks = Asked { question, work };
                self.say(asked(&asks, self.gate.state()));
                self.waiting.push(Waiting::Permission(asks));
                Ok(Vec::new())
            }
            Ok(Admitted::Refused(refusal)) => self.refuse(refusal).await,
            Err(GateError::NotWhatWasShown(_)) => {
                let text = "not run: it is not what the person was shown".to_owned();
                self.end_call(&id, Report::Failed(text)).await
            }
            Err(broken) => Err(broken.into()),
        }
    }

    async fn refuse(&mut self, refusal: gate::Refusal) -> Result<Vec<Want>, EngineError> {
        let verdict = policy::Verdict::Refuse(refusal.reason.clone());
        let by = verdict.decided_by().to_string();
        self.say_decision(&refusal.call, "refuse", Some(by), verdict.reason());
        if let Reason::NobodyToAsk(why) = refusal.reason {
            self.so_far.refused.push(Refused {
                call: refusal.call.to_string(),
                summary: refusal.summary,
                price: refusal.price.to_string(),
                reason: why.to_string(),
            });
        }
        let mut text = format!("refused: {}", verdict.reason().unwrap_or_default());
        if let Some(words) = self.words.remove(&refusal.call) {
            text = format!("{text}; they say: {words}");
        }
        self.end_call(&refusal.call, Report::Failed(text)).await
    }

    /// Delivers a question of the model's own: it is never gated, and never left without an answer.
    async fn deliver(&mut self, id: CallId, shown: String) -> Result<Vec<Want>, EngineError> {
        self.say_decision(&id, "deliver", None, None);
        match self.gate.state().attendance {
            policy::Attendance::Unattended => self.end_call(&id, Report::Done(NOBODY_HERE.to_owned())).await,
            policy::Attendance::Attended => {
                self.say(delivered(&id, shown.clone(), self.chip()));
                self.waiting.push(Waiting::Response(id, shown));
                Ok(Vec::new())
            }
        }
    }

    fn spawn(&self, id: CallId, ready: Ready, runs: &mut Runs) {
        let (lines, mut progress) = mpsc::channel(PROGRESS_WAITING);
        let stop = runs.stop.child_token();
        let mut scene = self.setup.scene.clone();
        scene.stop = stop.clone();
        scene.progress = Progress::to(lines);
        let (events, call, servers) = (self.surface.events.clone(), id.to_string(), self.setup.servers.clone());
        let mut told = tokio::spawn(async move {
            let mut room = Some(MOST_PROGRESS);
            while let Some(text) = progress.recv().await {
                if let Some(text) = fitting(text, &mut room) {
                    events.say(Event::Progress { call: call.clone(), text });
                }
            }
        });
        let give_up = runs.give_up.clone();
        runs.running.spawn(async move {
            let to_its_end = async {
                let ended = supervise(ready.run(scene, servers), stop, GRACE).await;
                // What it said comes before how it ended.
                let _ = (&mut told).await;
                ended
            };
            let ended = tokio::select! {
                ended = to_its_end => ended,
                () = give_up.cancelled() => Ended::Stopped,
            };
            told.abort();
            (id, ended)
        });
    }

    async fn run_ended(
        &mut self,
        ended: Result<(CallId, Ended), tokio::task::JoinError>,
    ) -> Result<Vec<Want>, EngineError> {
        let (id, ended) = ended.expect("a supervisor neither panics nor is cut off");
        let words = self.words.remove(&id).map(|words| format!("\n\nThe person says: {words}")).unwrap_or_default();
        let event = |report: &Report| call_ended(&id, report, &words);
        // The result stands beside the ending: after a crash the model reads what became of it, or that nobody knows.
        let note = |report: &Report| Ok(vec![record::note(&event(report))?]);
        let report = self.gate.close(&id, ended, note).await?;
        Ok(self.ended_call(event(&report)))
    }

    /// Puts the result of a call that did not run into the conversation.
    async fn end_call(&mut self, id: &CallId, report: Report) -> Result<Vec<Want>, EngineError> {
        let event = call_ended(id, &report, "");
        self.write(&event).await?;
        Ok(self.ended_call(event))
    }

    /// Lets a call's end, which is on record, happen.
    fn ended_call(&mut self, event: TurnEvent) -> Vec<Want> {
        if let TurnEvent::CallEnded { call, text, outcome } = &event {
            self.say(Event::Result {
                call: call.clone(),
                ok: *outcome == Outcome::Done,
                text: text.clone(),
                chip: self.chip(),
            });
        }
        self.turn.step(event)
    }

    /// Heeds what a person says while calls run or wait.
    async fn heed(&mut self, command: SessionCommand, runs: &mut Runs) -> Result<Vec<Want>, EngineError> {
        match command {
            SessionCommand::Stop => {
                runs.stop();
                Ok(Vec::new())
            }
            SessionCommand::Answer { person, call, answer, edited, words } => {
                let Some(asked) = self.take_permission(&call) else { return Ok(Vec::new()) };
                let edit = match edited.map(|arguments| self.edit(&asked.work, arguments)).transpose() {
                    Ok(edit) => edit,
                    Err(why) => return self.ask_on(asked, format!("the edited arguments are not understood: {why}")),
                };
                let act = edit.as_ref().map_or(&asked.work, |edit| &edit.work);
                match self.gate.answer(&person, &call, act, answer).await {
                    Ok(()) => {
                        self.words.extend(words_for_the_model(edit.as_ref(), words).map(|words| (call.clone(), words)));
                        self.admit(call, edit.map_or(asked.work, |edit| edit.work), runs).await
                    }
                    // What was shown is still what is asked about, whatever it was edited to.
                    Err(why @ (GateError::OnceOnly(_) | GateError::NoSuchQuestion(_))) => {
                        self.ask_on(asked, why.to_string())
                    }
                    Err(broken) => Err(broken.into()),
                }
            }
            SessionCommand::Respond { call, text } => match self.take_response(&call) {
                Some(id) => self.end_call(&id, Report::Done(text)).await,
                None => {
                    self.answer_elicitation(&call, &text);
                    Ok(Vec::new())
                }
            },
            other => match self.heed_meanwhile(other).await? {
                ModeChanged::Yes => self.judge_again(runs).await,
                ModeChanged::No => Ok(Vec::new()),
            },
        }
    }

    /// A mode change judges every open permission question again: what the mode runs, runs; what it asks stays open.
    async fn judge_again(&mut self, runs: &mut Runs) -> Result<Vec<Want>, EngineError> {
        let mut wants = Vec::new();
        for waiting in std::mem::take(&mut self.waiting) {
            match waiting {
                Waiting::Permission(Asked { question, work }) => {
                    wants.extend(self.admit(question.call, work, runs).await?);
                }
                response @ Waiting::Response(..) => self.waiting.push(response),
            }
        }
        Ok(wants)
    }

    /// Leaves a question open, asks it once more, and says why the answer did not count.
    fn ask_on(&mut self, asks: Asked, why: String) -> Result<Vec<Want>, EngineError> {
        self.say(Event::Notice { text: why });
        self.say(asked(&asks, self.gate.state()));
        self.waiting.push(Waiting::Permission(asks));
        Ok(Vec::new())
    }

    fn take_permission(&mut self, call: &CallId) -> Option<Asked> {
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::Permission(asked) if asked.question.call == *call);
        let at = self.waiting.iter().position(is_it)?;
        match self.waiting.remove(at) {
            Waiting::Permission(asked) => Some(asked),
            Waiting::Response(..) => unreachable!("a question for permission was looked for"),
        }
    }

    fn take_response(&mut self, call: &CallId) -> Option<CallId> {
        let is_it = |waiting: &Waiting| matches!(waiting, Waiting::Response(id, _) if id == call);
        let at = self.waiting.iter().position(is_it)?;
        self.waiting.remove(at);
        Some(call.clone())
    }

    /// The same call with other arguments.
    fn edit(&self, shown: &Work, arguments: String) -> Result<Edit, String> {
        let call = ToolCall { id: String::new(), name: shown.action().tool, arguments };
        match work::understand(&call, &self.setup.desk())? {
            Understood::Work(work) => Ok(Edit { work, arguments: call.arguments }),
            Understood::Question(_) => Err("it is no call to be allowed".to_owned()),
        }
    }

    fn say_call(&self, call: &ToolCall, summary: String, judged: Option<(Effect, Price)>) {
        let (effect, price) = judged.unzip();
        self.say(Event::Call {
            call: call.id.clone(),
            tool: call.name.clone(),
            summary,
            effect: effect.map(|effect| effect.to_string()),
            price: price.map(|price| price.to_string()),
            arguments: call.arguments.clone(),
        });
    }

    fn say_decision(&self, id: &CallId, outcome: &str, decided_by: Option<String>, reason: Option<String>) {
        let (call, outcome) = (id.to_string(), outcome.to_owned());
        self.say(Event::Decision { call, outcome, decided_by, reason, chip: self.chip() });
    }
}

/// A question for permission, as the person reads it.
pub(crate) fn asked(asked: &Asked, state: &State) -> Event {
    let question = &asked.question;
    let action = &question.action;
    Event::Question {
        call: question.call.to_string(),
        summary: action.summary.clone(),
        shown: action.shown.clone(),
        effect: Some(action.effect.to_string()),
        price: Some(action.price.to_string()),
        why: Some(question.why.to_string()),
        offered: question.offered.iter().map(ToString::to_string).collect(),
        raise_to: bill::raise_to(question.why, &action.price, state).map(|cap| cap.to_string()),
        chip: bill::chip(state.mode, state),
    }
}

/// A question of the model's own, as the person reads it.
pub(crate) fn delivered(id: &CallId, shown: String, chip: String) -> Event {
    Event::Question {
        call: id.to_string(),
        summary: "the model asks".to_owned(),
        shown,
        effect: None,
        price: None,
        why: None,
        offered: Vec::new(),
        raise_to: None,
        chip,
    }
}

/// A call with the arguments that a person gave it.
struct Edit {
    work: Work,
    arguments: String,
}

/// What the model is told beside a call's result: that another call ran than it made, and what the person says.
fn words_for_the_model(edit: Option<&Edit>, words: Option<String>) -> Option<String> {
    let edited = edit.map(|edit| format!("I changed the arguments to {}", edit.arguments));
    let all: Vec<String> = edited.into_iter().chain(words).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}

/// The end of a call, as the conversation takes it.
fn call_ended(id: &CallId, report: &Report, words: &str) -> TurnEvent {
    let (text, outcome) = match report {
        Report::Done(text) => (text, Outcome::Done),
        Report::Failed(text) => (text, Outcome::Failed),
    };
    TurnEvent::CallEnded { call: id.to_string(), text: format!("{text}{words}"), outcome }
}

/// The part of a piece of progress that is passed on. There is room for so much, and none once it was said that there is
/// more.
fn fitting(mut text: String, room: &mut Option<usize>) -> Option<String> {
    let left = (*room)?;
    *room = left.checked_sub(text.len());
    if room.is_none() {
        text.truncate(text.floor_char_boundary(left));
        text.push_str(NO_MORE_PROGRESS);
    }
    Some(text)
}

/// Whether a call may overlap with others: it only looks, and costs nothing.
fn reads(action: &Action) -> bool {
    action.effect == Effect::Read && action.price == Price::Free
}
