//! Opening a session for whatever surface: a new one, one that is taken up, or one that begins with what was said in another.
//!
//! Not here: the surface, or the session's work (that is `engine`).

use crate::commands::run::{Options, about, last_here, session_id};
use crate::config::Config;
use crate::failure::Failure;
use crate::paths::Paths;
use crate::stored::Stored;
use crate::{rates, wiring};
use anyhow::anyhow;
use engine::{About, Authority, EngineError, Session, Setup, Surface};
use gate::Person;
use journal::{Journal, JournalError, SessionId};
use mcp::ServerEvent;
use policy::{Attendance, ModeChoice};
use std::path::PathBuf;
use tokio::sync::mpsc;
use turn::TurnEvent;

/// Which session a run is about.
pub enum Which {
    /// A new one.
    New,
    /// The last one of the folder.
    LastHere,
    /// This one.
    Named(String),
}

/// One run of a session, ready to start.
pub struct Job {
    /// Which session.
    pub which: Which,
    /// What is said first; `None` waits for a person to say it.
    pub first: Option<TurnEvent>,
    /// The folder to work in; a resumed session keeps its own.
    pub folder: PathBuf,
    /// Whether somebody can be asked in a new session.
    pub attendance: Attendance,
    /// Who a new session belongs to; nobody by name is the person of this account.
    pub owner: Option<String>,
    /// The rest.
    pub options: Options,
}

/// A session that is ready to run.
pub struct Opened {
    /// The session.
    pub session: Session,
    /// What a person might not expect of its model.
    pub notes: Vec<String>,
    /// What it works with.
    pub setup: Setup,
    /// What its servers do by themselves.
    pub server_events: mpsc::Receiver<ServerEvent>,
}

/// Starts a new session, or takes one up, in the mode that the person picked.
pub async fn open_for(
    job: &Job,
    person: &Person,
    configured: (&Config, &Paths),
    journal: &Journal,
    surface: Surface,
) -> Result<Opened, Failure> {
    let mut opened = open(job, configured, journal, surface).await?;
    if let (Some(mode), Which::LastHere | Which::Named(_)) = (job.options.mode()?, &job.which) {
        opened.session.set_mode(person, mode).await.map_err(engine_failure)?;
    }
    Ok(opened)
}

/// Starts a new session in the mode that was picked for it, or takes one up in the mode that it has.
pub async fn open(
    job: &Job,
    (config, paths): (&Config, &Paths),
    journal: &Journal,
    surface: Surface,
) -> Result<Opened, Failure> {
    let wish = job.options.mode()?;
    let row = match &job.which {
        Which::New => None,
        Which::LastHere => Some(last_here(journal, &job.folder).await?),
        Which::Named(id) => Some(journal.session(&session_id(id)?).await.map_err(Failure::user)?),
    };
    let about = row.as_ref().map(about).transpose()?;
    let named = match (&job.options.model, &row, &about) {
        (None, Some(row), Some(about)) => Some(model_of(journal, &row.id, about).await?),
        (named, _, _) => named.clone(),
    };
    let picked = rates::priced_live(config, paths, wiring::pick_model(config, named.as_deref())?).await?;
    let (name, notes) = (picked.name.clone(), picked.notes());
    let folder = about.as_ref().map_or(job.folder.clone(), |about| PathBuf::from(&about.workspace));
    let id = row.map_or_else(new_id, |row| Ok(row.id))?;
    let (setup, server_events) = wiring::setup(config, picked, &folder, paths.outputs(id.as_str()))?;
    let session = match about {
        None => {
            let title = match &job.first {
                Some(TurnEvent::Said { text }) => crate::draw::short(text),
                _nothing_yet => String::new(),
            };
            let workspace = setup.scene.workspace.root().display().to_string();
            let about = About { workspace, model: name, title, owner: job.owner.clone() };
            let authority = Authority {
                mode: wish.unwrap_or(ModeChoice::DEFAULT).resolve(None, surface.default_cap),
                attendance: job.attendance,
                prohibitions: wiring::prohibitions(config)?,
            };
            Session::start(journal, (id, about), authority, setup.clone(), surface).await.map_err(engine_failure)?
        }
        Some(_) => {
            let resumed = Session::resume(journal, id, setup.clone(), surface).await;
            resumed.map_err(engine_failure)?
        }
    };
    Ok(Opened { session, notes, setup, server_events })
}

/// What a fork is made of.
#[derive(Debug)]
pub struct Fork<'a> {
    /// The session that it comes from.
    pub of: &'a SessionId,
    /// Before which of the person's messages it begins, from 0; past the last, it has them all.
    pub said: usize,
    /// The model, when it is another than that of the session.
    pub model: Option<String>,
    /// Who it belongs to.
    pub owner: Option<String>,
}

/// Opens a session that begins with what was said in another one, before one of the person's messages.
pub async fn fork(
    journal: &Journal,
    fork: Fork<'_>,
    (config, paths): (&Config, &Paths),
    surface: Surface,
) -> Result<Opened, Failure> {
    let stored = Stored::read(journal, fork.of).await?;
    let about = about(&stored.row)?;
    let model = fork.model.or_else(|| engine::record::picked_model(&stored.records)).unwrap_or(about.model);
    // What it may spend the person says anew: a cap is for one session.
    let mode = Some(ModeChoice::Exactly(stored.replayed()?.state.mode.of_a_fork()));
    let job = Job {
        which: Which::New,
        first: None,
        folder: PathBuf::from(&about.workspace),
        attendance: Attendance::Attended,
        owner: fork.owner,
        options: Options { mode, model: Some(model), ..Options::default() },
    };
    let mut opened = open(&job, (config, paths), journal, surface).await?;
    opened.session.begin_from(&stored.records, fork.said).await.map_err(engine_failure)?;
    // One of a session that has no title is called by what is said first in it, like any other.
    if !about.title.is_empty() {
        opened.session.rename(format!("{} (fork)", about.title)).await.map_err(engine_failure)?;
    }
    Ok(opened)
}

/// The model that a stored session is to go on with: the one that was picked in it last, else the one that it began with.
async fn model_of(journal: &Journal, id: &SessionId, about: &About) -> Result<String, Failure> {
    let records = engine::record::all(journal, id).await.map_err(Failure::host)?;
    Ok(engine::record::picked_model(&records).unwrap_or_else(|| about.model.clone()))
}

/// Letters of a session's name: none that is easily taken for another.
const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// A name for a new session.
pub fn new_id() -> Result<SessionId, Failure> {
    let mut bytes = [0u8; 10];
    getrandom::fill(&mut bytes).map_err(|why| Failure::host(anyhow!("no randomness for a session's name: {why}")))?;
    let name: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect();
    name.parse().map_err(Failure::bug)
}

/// A damaged or full store is this machine's to mend; a session that another program has is the person's.
pub fn engine_failure(why: EngineError) -> Failure {
    match why {
        EngineError::Journal(why @ JournalError::Owned { .. }) => Failure::user(why),
        EngineError::NoPrice { ref model, .. } => {
            let (price, free) = ways_out(model);
            Failure::user(why)
                .hint(price)
                .hint(free)
                .hint("or take `--mode yolo:uncapped`, which has no cap to hold it against")
        }
        why => Failure::host(why),
    }
}

/// How a person gives a model a price, and how they say that it is free.
fn ways_out(model: &str) -> (String, String) {
    let provider = model.split_once('/').map_or(model, |(provider, _)| provider);
    let price = "{ input = \"USD\", output = \"USD\" }";
    (
        format!("give its price for a million tokens in the configuration: models.\"{model}\".price = {price}"),
        format!("or call it free: models.\"{model}\".price = \"free\", or `free = true` below [providers.{provider}]"),
    )
}
