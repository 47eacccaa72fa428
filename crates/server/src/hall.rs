//! The sessions that are open in this server, each run by a task of its own.
//!
//! In reading order: [`Hall`] opens them and finds them again; `open` is one of them.
//!
//! Not here: HTTP, or who may do what. A session that belongs to somebody else is one that is not there.

mod glance;
mod marks;
mod open;

pub use glance::{Glance, SessionState};
pub use marks::Marks;
pub use open::{Delivery, Open};

use crate::house::{House, Unable, Ways, Which};
use crate::people::Owner;
use engine::About;
use journal::{Journal, JournalError, SessionId, SessionRow};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{OnceCell, mpsc};
use tokio_util::sync::CancellationToken;
use wire::{ControlReply, ControlRequest};

/// How long a session stays open that does nothing and that nobody looks at.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How many commands may wait for a session.
const COMMANDS: usize = 64;
/// How often it is looked for such sessions.
const SWEEP: Duration = Duration::from_secs(30);

/// All sessions of one server. Clones are the same hall.
#[derive(Clone, Debug)]
pub struct Hall {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    journal: Journal,
    house: Arc<dyn House>,
    marks: Marks,
    seats: Mutex<BTreeMap<SessionId, Arc<OnceCell<Arc<Open>>>>>,
    /// How many sessions of one owner may be open at once.
    most_of_one: usize,
    closing: CancellationToken,
}

/// A session as it is stored, with what its header says.
#[derive(Clone, Debug)]
pub struct Filed {
    /// Its row.
    pub row: SessionRow,
    /// Its header; the title is the one that it has now.
    pub about: About,
    /// Who it belongs to.
    pub owner: Owner,
}

impl Hall {
    /// A hall with no session open.
    pub fn new(journal: Journal, house: Arc<dyn House>, marks: Marks, most_of_one: usize) -> Hall {
        let (seats, closing) = (Mutex::default(), CancellationToken::new());
        let inner = Arc::new(Inner { journal, house, marks, seats, most_of_one, closing });
        tokio::spawn(sweep(Arc::downgrade(&inner)));
        Hall { inner }
    }

    /// The program that the server belongs to.
    pub fn house(&self) -> &Arc<dyn House> {
        &self.inner.house
    }

    /// The record of all sessions.
    pub fn journal(&self) -> &Journal {
        &self.inner.journal
    }

    /// All stored sessions of an owner, the one written to last first.
    pub async fn kept(&self, owner: &Owner) -> Result<Vec<Filed>, Unable> {
        let rows = self.inner.journal.sessions().await.map_err(failed)?;
        let kept = rows.into_iter().filter_map(|row| kept(row).ok()).filter(|kept| kept.owner == *owner);
        Ok(kept.collect())
    }

    /// One stored session, if it is this owner's.
    pub async fn find(&self, owner: &Owner, id: &SessionId) -> Result<Filed, Unable> {
        let missing = || Unable::NotFound(format!("there is no session `{id}`"));
        let row = match self.inner.journal.session(id).await {
            Err(JournalError::NoSuchSession { .. }) => return Err(missing()),
            row => row.map_err(failed)?,
        };
        let kept = kept(row)?;
        if kept.owner == *owner { Ok(kept) } else { Err(missing()) }
    }

    /// A session that is open, without opening it.
    pub fn seated(&self, id: &SessionId) -> Option<Arc<Open>> {
        self.seats().get(id)?.get().map(Arc::clone)
    }

    /// A session of this owner, opened if it is not.
    pub async fn open(&self, owner: &Owner, id: &SessionId) -> Result<Arc<Open>, Unable> {
        match self.seated(id) {
            Some(open) if open.owner() == owner => return Ok(open),
            Some(_) => return Err(Unable::NotFound(format!("there is no session `{id}`"))),
            None => {}
        }
        let kept = self.find(owner, id).await?;
        let seat = self.seat(&kept.row.id, owner)?;
        let opened = seat.get_or_try_init(|| self.begin(Which::Stored(id.clone()), owner, &seat));
        let opened = opened.await.map(Arc::clone);
        if opened.is_err() {
            self.seats().retain(|_, other| !Arc::ptr_eq(other, &seat));
        }
        opened
    }

    /// A new session, or a fork of one.
    pub async fn start(&self, which: Which, owner: &Owner) -> Result<Arc<Open>, Unable> {
        self.has_room_for(owner)?;
        let seat = Arc::default();
        let open = seat_of(&seat, self.begin(which, owner, &seat)).await?;
        self.seats().insert(open.id().clone(), seat);
        Ok(open)
    }

    /// Deletes a session of this owner for good; one that is open is closed first, and must not be working.
    pub async fn delete(&self, owner: &Owner, id: &SessionId) -> Result<(), Unable> {
        let kept = self.find(owner, id).await?;
        if let Some(open) = self.seated(id) {
            if open.glance().state() != SessionState::Idle {
                return Err(Unable::InUse(format!("session `{id}` works; interrupt it first")));
            }
            open.close().await;
        }
        match self.inner.journal.delete(&kept.row.id).await {
            Err(why @ JournalError::Owned { .. }) => return Err(Unable::InUse(why.to_string())),
            deleted => deleted.map_err(failed)?,
        }
        self.inner.marks.clear(id);
        self.inner.house.forget(id);
        Ok(())
    }

    /// How many sessions are open, and how many of them work.
    pub fn count(&self) -> (usize, usize) {
        let seats = self.seats();
        let open: Vec<_> = seats.values().filter_map(|seat| seat.get()).collect();
        let working = open.iter().filter(|open| open.glance().state() != SessionState::Idle).count();
        (open.len(), working)
    }

    /// Why a session that is not open does not go on by itself, when its last turn was cut off.
    pub fn parked(&self, id: &SessionId) -> Option<String> {
        self.inner.marks.reason(id)
    }

    /// Takes up a session whose turn was cut off: the model goes on, under the mode that the session has.
    pub async fn take_up(&self, id: &SessionId) -> Result<(), Unable> {
        let row = self.inner.journal.session(id).await.map_err(failed)?;
        let kept = kept(row)?;
        let open = self.open(&kept.owner, id).await?;
        self.inner.marks.take_up(id);
        match open.carry(None, ControlRequest::GoOn).await {
            ControlReply::Refused { why } => Err(Unable::Refused(why)),
            _goes_on => Ok(()),
        }
    }

    /// The sessions whose turn was cut off when the last server ended.
    pub fn cut_off(&self) -> Vec<SessionId> {
        self.inner.marks.cut_off()
    }

    /// Closes every session: what works is stopped, and its turn ends in the record. `waits` is told what is waited for.
    pub async fn close(&self, patience: Duration, mut waits: impl FnMut(&[String])) {
        self.inner.closing.cancel();
        let open: Vec<Arc<Open>> = self.seats().values().filter_map(|seat| seat.get().map(Arc::clone)).collect();
        let working: Vec<String> = open.iter().filter_map(|open| open.still_works()).collect();
        if !working.is_empty() {
            waits(&working);
            let done = open.iter().map(|open| open.finished());
            let _ = tokio::time::timeout(patience, futures_util::future::join_all(done)).await;
        }
        futures_util::future::join_all(open.iter().map(|open| open.close())).await;
    }

    fn seats(&self) -> MutexGuard<'_, BTreeMap<SessionId, Arc<OnceCell<Arc<Open>>>>> {
        self.inner.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self, id: &SessionId, owner: &Owner) -> Result<Arc<OnceCell<Arc<Open>>>, Unable> {
        if let Some(seat) = self.seats().get(id) {
            return Ok(Arc::clone(seat));
        }
        self.has_room_for(owner)?;
        Ok(Arc::clone(self.seats().entry(id.clone()).or_default()))
    }

    fn has_room_for(&self, owner: &Owner) -> Result<(), Unable> {
        if self.inner.closing.is_cancelled() {
            return Err(Unable::Failed("the server is ending".to_owned()));
        }
        let seats = self.seats();
        let theirs = seats.values().filter_map(|seat| seat.get()).filter(|open| open.owner() == owner).count();
        match theirs < self.inner.most_of_one {
            true => Ok(()),
            false => Err(Unable::TooMany(format!(
                "{theirs} of your sessions are open, and no more can be at once; one that is idle closes by itself"
            ))),
        }
    }

    async fn begin(&self, which: Which, owner: &Owner, seat: &Arc<OnceCell<Arc<Open>>>) -> Result<Arc<Open>, Unable> {
        let (events, told) = mpsc::unbounded_channel();
        let (commands, heard) = mpsc::channel(COMMANDS);
        let ways = Ways { events: events.into(), commands: commands.clone() };
        let opened = self.inner.house.open(which, ways).await?;
        let id = opened.session.id().clone();
        let (hall, own) = (Arc::downgrade(&self.inner), Arc::downgrade(seat));
        // When it is over nobody finds it here any more; whoever wants it then opens it anew.
        let leave = move || {
            let (Some(hall), Some(own)) = (hall.upgrade(), own.upgrade()) else { return };
            let mut seats = hall.seats.lock().unwrap_or_else(PoisonError::into_inner);
            seats.retain(|other, seat| *other != id || !Arc::ptr_eq(seat, &own));
        };
        let theirs = (owner.clone(), commands, self.inner.house.catalogue());
        Open::begin(opened, (told, heard), theirs, self.inner.marks.clone(), leave).await
    }
}

/// Puts what is begun into its seat.
async fn seat_of(
    seat: &OnceCell<Arc<Open>>,
    begin: impl Future<Output = Result<Arc<Open>, Unable>>,
) -> Result<Arc<Open>, Unable> {
    seat.get_or_try_init(|| begin).await.map(Arc::clone)
}

fn kept(row: SessionRow) -> Result<Filed, Unable> {
    let mut about: About = serde_json::from_str(&row.about)
        .map_err(|why| Unable::Failed(format!("the header of session `{}` cannot be read: {why}", row.id)))?;
    if let Some(title) = &row.title {
        about.title.clone_from(title);
    }
    let owner = Owner::try_from(about.owner.clone())
        .map_err(|why| Unable::Failed(format!("the header of session `{}` cannot be read: {why}", row.id)))?;
    Ok(Filed { row, about, owner })
}

fn failed(why: JournalError) -> Unable {
    Unable::Failed(why.to_string())
}

/// Closes what does nothing and has nobody who looks at it.
async fn sweep(hall: std::sync::Weak<Inner>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(hall) = hall.upgrade() else { return };
        let open: Vec<Arc<Open>> = {
            let seats = hall.seats.lock().unwrap_or_else(PoisonError::into_inner);
            seats.values().filter_map(|seat| seat.get().map(Arc::clone)).collect()
        };
        for open in open.into_iter().filter(|open| open.has_been_idle_for(IDLE)) {
            open.close().await;
        }
    }
}
