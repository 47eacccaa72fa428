//! Finding out what became of the holds that were left open, and booking it.
//!
//! Not here: how the Hub is asked (that is `tools::hf_jobs`), or what a job costs (that is `pricing`).
//!
//! A job goes on when its call has ended, when the person stops the turn and when the program is gone. Its hold stays open
//! until the Hub says that it is over. A schedule's own hold has no amount; each run that it starts is a hold of its own,
//! under the name of the job, so that none is booked twice.

use crate::session::{EngineError, Session};
use crate::work::{self, Understood, Work};
use gate::{Act, Admission, CallId, Digest, GateError, supervise};
use journal::Record;
use ledger::{Entry, Stage};
use policy::Purse;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tools::hf_jobs::{self, Fate, Inquiry, Reconciled, ScheduledRun};
use turn::chat::{Message, ToolCall};
use wire::Event;

/// How long it is until the same holds are asked about again, in milliseconds.
const PAUSE_MS: i64 = 30_000;
/// How long one inquiry may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// What the Hub's references begin with; a hold that was left open otherwise cannot be asked about.
const HUB_REFERENCE: &str = "hf-";

impl Session {
    /// Asks about every open hold, unless that was done just now.
    pub(crate) async fn reconcile(&mut self) -> Result<(), EngineError> {
        let now_ms = (self.setup.now_ms)();
        if self.so_far.reconciled_ms.is_some_and(|at| now_ms.saturating_sub(at) < PAUSE_MS) {
            return Ok(());
        }
        self.so_far.reconciled_ms = Some(now_ms);
        for (hold, purse, reference) in self.open_holds() {
            let id = CallId::new(format!("{hold}-at-{now_ms}"));
            // A Hub that does not answer is not asked about every hold in turn.
            let Some(found) = self.inquire(&id, &reference, now_ms).await? else { break };
            for run in found.runs {
                self.book_run(&hold, purse, run).await?;
            }
            self.book(&hold, found.fate).await?;
        }
        Ok(())
    }

    /// The open holds that the Hub can be asked about: their names, whose money it is, and where to ask.
    fn open_holds(&self) -> Vec<(String, Purse, String)> {
        let lines = self.gate.state().book.unended();
        let open = lines.filter_map(|(name, line)| match &line.stage {
            Stage::Open(reference) if reference.starts_with(HUB_REFERENCE) => {
                Some((name.to_owned(), line.purse, reference.clone()))
            }
            Stage::Open(_) | Stage::Held | Stage::Settled(_) | Stage::Released => None,
        });
        open.collect()
    }

    async fn inquire(&mut self, id: &CallId, reference: &str, now_ms: i64) -> Result<Option<Reconciled>, EngineError> {
        let inquiry = Inquiry::about(reference, self.setup.site.hub.clone());
        match self.gate.admit(id.clone(), inquiry).await? {
            Admission::Run(permit) => {
                let net = self.setup.scene.net.clone();
                let (tell, told) = oneshot::channel();
                let asking = async move {
                    let (found, done) = hf_jobs::reconcile(permit, &net, seconds(now_ms)).await;
                    let _ = tell.send(found);
                    done
                };
                let stop = CancellationToken::new();
                let supervised = supervise(asking, stop.clone(), Duration::ZERO);
                tokio::pin!(supervised);
                let ended = tokio::select! {
                    ended = &mut supervised => ended,
                    () = tokio::time::sleep(PATIENCE) => {
                        stop.cancel();
                        supervised.await
                    }
                };
                self.gate.close(id, ended, |_| Ok(Vec::new())).await?;
                Ok(told.await.ok())
            }
            // Only a rule of the person's own is in the way of a free read; then the hold stays open.
            Admission::Ask(..) | Admission::Refused(_) => Ok(None),
        }
    }

    async fn book(&mut self, hold: &str, fate: Fate) -> Result<(), EngineError> {
        let (entry, text) = match fate {
            Fate::Settled(cost) => (Entry::Settled(cost), format!("what `{hold}` started is over and cost ${cost}")),
            Fate::NeverStarted => (Entry::Released, format!("`{hold}` started nothing; what was held for it is free")),
            Fate::StillRunning | Fate::Unknown(_) => return Ok(()),
        };
        self.gate.post(hold, entry, Vec::new()).await?;
        self.say(Event::Notice { text });
        Ok(())
    }

    /// Books one run of a schedule, under the name of its job.
    async fn book_run(&mut self, schedule: &str, purse: Purse, run: ScheduledRun) -> Result<(), EngineError> {
        let hold = format!("{schedule}/{}", run.id);
        let stage = self.gate.state().book.line(&hold).map(|line| line.stage.clone());
        if stage.is_none() {
            self.gate.post(&hold, Entry::Held(purse, run.bound), Vec::new()).await?;
        }
        match stage {
            None | Some(Stage::Held) => self.gate.post(&hold, Entry::LeftOpen(run.reference), Vec::new()).await?,
            Some(Stage::Open(_)) => {}
            Some(Stage::Settled(_) | Stage::Released) => return Ok(()),
        }
        self.book(&hold, run.fate).await
    }

    /// Says where to ask about the calls whose runs were cut off with their holds open, by a crash or by a stop.
    pub(crate) async fn refer(&mut self, records: &[Record]) -> Result<(), EngineError> {
        let is_cut_off = |stage: &Stage| matches!(stage, Stage::Open(at) if !at.starts_with(HUB_REFERENCE));
        let cut_off = self.gate.state().book.unended().filter(|(_, line)| is_cut_off(&line.stage));
        let calls: Vec<CallId> = cut_off.map(|(name, _)| CallId::new(name)).collect();
        for call in &calls {
            let Some(decided) = decided(call, records)? else { continue };
            if let Some(reference) = self.reference(call, &decided) {
                self.gate.post(call.as_str(), Entry::LeftOpen(reference), Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// The reference of a call that was cut off; none when it is not the call that ran, as when a person edited it.
    fn reference(&self, call: &CallId, decided: &Decided) -> Option<String> {
        let made = made(self.turn.messages(), call)?;
        let Ok(Understood::Work(work)) = work::understand(made, &self.setup.desk()) else { return None };
        let is_it = Digest::of(&work.action()) == decided.digest;
        match work {
            Work::Tool(tools::Call::HfJobs(jobs)) if is_it => {
                jobs.reference_if_lost(&self.setup.scene.outputs, call, seconds(decided.at_ms))
            }
            Work::Tool(_) | Work::Mcp(_) => None,
        }
    }
}

/// When a call was let run, and what it was then.
struct Decided {
    at_ms: i64,
    digest: Digest,
}

fn decided(call: &CallId, records: &[Record]) -> Result<Option<Decided>, EngineError> {
    for record in records.iter().rev().filter(|record| record.kind == gate::RECORD_KIND) {
        let event = serde_json::from_str(&record.body).map_err(GateError::from)?;
        if let gate::GateEvent::Decided(decision) = event
            && decision.call == *call
        {
            return Ok(Some(Decided { at_ms: record.at_ms, digest: decision.digest }));
        }
    }
    Ok(None)
}

/// The call as the model made it, if the conversation still has it.
fn made<'a>(messages: &'a [Message], call: &CallId) -> Option<&'a ToolCall> {
    let replies = messages.iter().rev().filter_map(|message| match message {
        Message::Assistant(reply) => Some(reply),
        Message::User { .. } | Message::Tool { .. } => None,
    });
    replies.flat_map(|reply| &reply.calls).find(|made| made.id == call.as_str())
}

/// Milliseconds since 1970 as seconds.
pub(crate) fn seconds(ms: i64) -> u64 {
    u64::try_from(ms / 1_000).unwrap_or_default()
}
