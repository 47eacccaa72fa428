//! One open session: a task that runs it turn by turn, what it has said, and the way to it.
//!
//! Not here: who may speak to it.

use super::glance::{Glance, SessionState};
use super::marks::Marks;
use crate::house::{Seated, Unable};
use crate::people::Owner;
use crate::scroll::Scroll;
use engine::voice::Catalogue;
use engine::{Session, SessionCommand, Voice};
use gate::Person;
use journal::SessionId;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use wire::{ControlReply, ControlRequest, Event};

/// How much may be said to a session that works, to be heard when its turn is over.
const MOST_QUEUED: usize = 64;

/// How long is waited for what a session said last.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// When something that is said to a session that works is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// With the next request to the model.
    Steer,
    /// When the turn is over.
    Queue,
}

/// A session that is open here.
#[derive(Debug)]
pub struct Open {
    id: SessionId,
    owner: Owner,
    commands: mpsc::Sender<SessionCommand>,
    models: Arc<dyn Catalogue>,
    scroll: Scroll,
    glance: watch::Sender<Glance>,
    queue: Mutex<VecDeque<String>>,
    readers: AtomicUsize,
    quiet_since: Mutex<Instant>,
    left: CancellationToken,
    over: CancellationToken,
}

/// One reader of a session's events, for as long as it is kept.
#[derive(Debug)]
pub struct Reader(Arc<Open>);

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::Relaxed);
        *self.0.quiet_since() = Instant::now();
    }
}

impl Open {
    /// Tells the past, and has the session run from now on. `leave` is called when it is over.
    pub(super) async fn begin(
        opened: Seated,
        (told, heard): (mpsc::UnboundedReceiver<Event>, mpsc::Receiver<SessionCommand>),
        (owner, commands, models): (Owner, mpsc::Sender<SessionCommand>, Arc<dyn Catalogue>),
        marks: Marks,
        leave: impl FnOnce() + Send + 'static,
    ) -> Result<Arc<Open>, Unable> {
        let Seated { session, notes, beside } = opened;
        let scroll = Scroll::named(random()?);
        let (glance, _) = watch::channel(Glance::default());
        let open = Arc::new(Open {
            id: session.id().clone(),
            owner,
            commands,
            models,
            scroll,
            glance,
            queue: Mutex::default(),
            readers: AtomicUsize::new(0),
            quiet_since: Mutex::new(Instant::now()),
            left: CancellationToken::new(),
            over: CancellationToken::new(),
        });
        let past = session.past(notes).await.map_err(|why| Unable::Failed(why.to_string()))?;
        past.into_iter().for_each(|event| open.hear(event));
        let listening = tokio::spawn(Arc::clone(&open).listen(told, marks));
        let of_task = Arc::clone(&open);
        tokio::spawn(async move {
            of_task.run(session, heard).await;
            drop(beside);
            // Its last words are heard before it is over; whoever still holds a way to speak is not waited for.
            let _ = tokio::time::timeout(LAST_WORDS, listening).await;
            leave();
            of_task.over.cancel();
        });
        Ok(open)
    }

    /// Runs turn after turn until it is left or cannot go on.
    async fn run(&self, mut session: Session, mut heard: mpsc::Receiver<SessionCommand>) {
        while !self.left.is_cancelled() {
            if let Err(why) = session.next_turn(&mut heard, &self.left).await {
                session.say(Event::Notice { text: format!("the session cannot go on here: {why}; open it again") });
                break;
            }
        }
        session.close().await;
    }

    /// Writes down what the session says, and keeps what follows from it.
    async fn listen(self: Arc<Open>, mut told: mpsc::UnboundedReceiver<Event>, marks: Marks) {
        let mut marked = false;
        while let Some(event) = told.recv().await {
            let has_ended = matches!(event, Event::End { .. });
            self.hear(event);
            let works = self.glance.borrow().works;
            match (marked, works) {
                (false, true) => marks.set(&self.id),
                (true, false) => marks.clear(&self.id),
                (false, false) | (true, true) => {}
            }
            marked = works;
            if has_ended && let Some(text) = self.queue().pop_front() {
                // When it is ending, what was to be said is not.
                let _ = self.commands.try_send(SessionCommand::Say(text));
            }
        }
    }

    fn hear(&self, event: Event) {
        let event = Arc::new(event);
        self.glance.send_modify(|glance| glance.hear(&event));
        *self.quiet_since() = Instant::now();
        self.scroll.add(event);
    }

    /// Its name.
    pub fn id(&self) -> &SessionId {
        &self.id
    }

    /// Who it belongs to.
    pub fn owner(&self) -> &Owner {
        &self.owner
    }

    /// What it has said.
    pub fn scroll(&self) -> &Scroll {
        &self.scroll
    }

    /// How it stands.
    pub fn glance(&self) -> Glance {
        self.glance.borrow().clone()
    }

    /// What was said to it and waits for the end of its turn.
    pub fn queued(&self) -> Vec<String> {
        self.queue().iter().cloned().collect()
    }

    /// Takes back what waits.
    pub fn unqueue(&self) -> Vec<String> {
        self.queue().drain(..).collect()
    }

    /// Has it carry out somebody's request; without a person, only what changes neither mode nor answers is.
    pub async fn carry(&self, person: Option<&Person>, request: ControlRequest) -> ControlReply {
        let (person, commands, models) = (person.cloned(), self.commands.clone(), Arc::clone(&self.models));
        Voice { person, commands, models }.carry(request).await
    }

    /// Says something to it. `Ok(true)` when it is on record, `Ok(false)` when it waits for the end of the turn.
    pub async fn tell(&self, text: String, when: Delivery) -> Result<bool, String> {
        if when == Delivery::Queue && self.glance.borrow().works {
            let mut queue = self.queue();
            if queue.len() >= MOST_QUEUED {
                return Err(format!("{MOST_QUEUED} messages wait already"));
            }
            queue.push_back(text);
            return Ok(false);
        }
        match self.carry(None, ControlRequest::Say { text }).await {
            ControlReply::Refused { why } => Err(why),
            _heard => Ok(true),
        }
    }

    /// Takes note of somebody who reads its events; as long as one is there it stays open.
    pub fn reader(self: &Arc<Open>) -> Reader {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reader(Arc::clone(self))
    }

    /// Whether it has done nothing for so long, and nobody looks at it.
    pub(super) fn has_been_idle_for(&self, time: Duration) -> bool {
        let is_idle = self.glance.borrow().state() == SessionState::Idle;
        is_idle && self.readers.load(Ordering::Relaxed) == 0 && self.quiet_since().elapsed() >= time
    }

    /// What it is at, when a turn is under way.
    pub(super) fn still_works(&self) -> Option<String> {
        let glance = self.glance.borrow();
        let doing = match glance.state() {
            SessionState::Working => "works",
            SessionState::Asks => "waits for an answer",
            SessionState::Idle => return None,
        };
        Some(format!("session {} {doing}: {}", self.id, glance.title))
    }

    /// Waits until no turn is under way, or only a person could go on with it.
    pub(super) async fn finished(&self) {
        let mut changes = self.glance.subscribe();
        let _ = changes.wait_for(|glance| glance.state() != SessionState::Working).await;
    }

    /// Closes it: what runs is stopped, and it is given up.
    pub async fn close(&self) {
        self.left.cancel();
        for command in [SessionCommand::Stop, SessionCommand::Leave] {
            // One that is over needs no telling.
            let _ = self.commands.send(command).await;
        }
        self.over.cancelled().await;
    }

    /// Cancelled when it is over.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn quiet_since(&self) -> MutexGuard<'_, Instant> {
        self.quiet_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A number that no other opening has.
fn random() -> Result<u32, Unable> {
    getrandom::u32().map_err(|why| Unable::Failed(format!("no randomness for a name: {why}")))
}
