//! The server's house: sessions as `remit run` and the terminal open them, and what the other commands know, as JSON.
//!
//! Not here: HTTP, or people.

use crate::commands::run::Options;
use crate::commands::{contract, explain, export, prices, spend};
use crate::config::Config;
use crate::control;
use crate::failure::{Failure, Kind};
use crate::opening::{self, Fork, Job, Opened};
use crate::paths::Paths;
use crate::rates::Models;
use crate::stored::Stored;
use crate::wiring;
use engine::Surface;
use engine::voice::Catalogue;
use ignore::WalkBuilder;
use journal::{Journal, JournalError, SessionId};
use serde_json::Value;
use server::house::{self, Asked, Explained, House, Unable, Ways, Which};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use turn::TurnEvent;

/// The house of the person's own configuration.
#[derive(Clone, Debug)]
pub struct Configured {
    pub config: Arc<Config>,
    pub paths: Arc<Paths>,
    pub journal: Journal,
    /// The folder of sessions that name none.
    pub folder: PathBuf,
    pub models: Arc<Models>,
}

impl Configured {
    async fn opened(&self, which: Which, ways: Ways) -> Result<house::Seated, Failure> {
        let surface = Surface { default_cap: wiring::default_cap(&self.config)?, events: ways.events.clone() };
        let configured = (&*self.config, &*self.paths);
        let mut title = None;
        let opened = match which {
            Which::New(new) => {
                let options = Options { mode: new.mode, model: new.model, ..Options::default() };
                title = new.title;
                let job = Job {
                    which: opening::Which::New,
                    first: None,
                    folder: new.workspace.unwrap_or_else(|| self.folder.clone()),
                    attendance: new.attendance,
                    owner: new.owner.name().map(str::to_owned),
                    options,
                };
                opening::open(&job, configured, &self.journal, surface).await?
            }
            Which::Stored(id) => {
                let job = Job {
                    which: opening::Which::Named(id.to_string()),
                    first: None::<TurnEvent>,
                    folder: self.folder.clone(),
                    attendance: policy::Attendance::Attended,
                    owner: None,
                    options: Options::default(),
                };
                opening::open(&job, configured, &self.journal, surface).await?
            }
            Which::Fork { of, said, owner } => {
                let fork = Fork { of: &of, said, model: None, owner: owner.name().map(str::to_owned) };
                opening::fork(&self.journal, fork, configured, surface).await?
            }
        };
        seated(opened, title, (ways, &self.paths, self.models.clone())).await
    }
}

/// A session as the server takes it: it can be told things by the control socket too.
pub async fn seated(
    opened: Opened,
    title: Option<String>,
    (ways, paths, models): (Ways, &Paths, Arc<dyn Catalogue>),
) -> Result<house::Seated, Failure> {
    let Opened { mut session, notes, server_events, .. } = opened;
    if let Some(title) = title {
        session.rename(title).await.map_err(opening::engine_failure)?;
    }
    tokio::spawn(engine::hear_servers(server_events, ways.commands.clone()));
    let listening = control::listen(&paths.socket(session.id().as_str()), ways.commands, models)?;
    Ok(house::Seated { session, notes, beside: Box::new(listening) })
}

/// What whoever asked is told of a failure.
pub fn trouble(failure: Failure) -> Unable {
    let text = failure.in_a_line();
    match failure.cause.downcast_ref::<JournalError>() {
        Some(JournalError::NoSuchSession { .. }) => return Unable::NotFound(text),
        Some(JournalError::Owned { .. }) => return Unable::InUse(text),
        Some(_) | None => {}
    }
    match failure.kind {
        Kind::User | Kind::Config => Unable::Refused(text),
        Kind::Host | Kind::Bug => Unable::Failed(text),
    }
}

impl House for Configured {
    fn open(&self, which: Which, ways: Ways) -> Asked<'_, house::Seated> {
        Box::pin(async move { self.opened(which, ways).await.map_err(trouble) })
    }

    fn catalogue(&self) -> Arc<dyn Catalogue> {
        self.models.clone()
    }

    fn forget(&self, session: &SessionId) {
        // What stays is in nobody's way.
        let _ = std::fs::remove_dir_all(self.paths.outputs(session.as_str()));
    }

    fn contract(&self) -> Result<Value, Unable> {
        contract::in_json(&self.config).map_err(trouble)
    }

    fn explain(&self, call: Explained) -> Asked<'_, wire::http::Explanation> {
        Box::pin(async move { explain::of_call(&self.config, &self.folder, call).await.map_err(trouble) })
    }

    fn models(&self) -> Asked<'_, Value> {
        Box::pin(async move { prices::in_json(&self.config, &self.paths).await.map_err(trouble) })
    }

    fn tools(&self) -> Result<Value, Unable> {
        super::tools::listed(&self.config, &self.folder).map_err(trouble)
    }

    fn files<'a>(&'a self, workspace: &'a Path) -> Asked<'a, Vec<String>> {
        let folder = workspace.to_owned();
        let found = tokio::task::spawn_blocking(move || files(&folder));
        Box::pin(async move { found.await.map_err(|why| Unable::Failed(why.to_string())) })
    }

    fn export<'a>(&'a self, session: &'a SessionId) -> Asked<'a, String> {
        Box::pin(async move {
            let stored = Stored::read(&self.journal, session).await.map_err(trouble)?;
            Ok(export::in_lines(&stored))
        })
    }

    fn spend<'a>(&'a self, session: &'a SessionId) -> Asked<'a, Value> {
        Box::pin(async move {
            let stored = Stored::read(&self.journal, session).await.map_err(trouble)?;
            spend::in_json(stored).map_err(trouble)
        })
    }
}

/// The most files that are looked at.
const MOST_FILES: usize = 50_000;

/// The files of a folder that are not ignored, as paths from it.
fn files(folder: &Path) -> Vec<String> {
    let walk = WalkBuilder::new(folder).hidden(false).filter_entry(|entry| entry.file_name() != ".git").build();
    let found = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()));
    let named = found.filter_map(|entry| Some(entry.path().strip_prefix(folder).ok()?.to_str()?.to_owned()));
    named.filter(|name| !name.chars().any(char::is_control)).take(MOST_FILES).collect()
}
