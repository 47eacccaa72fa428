//! The house of `remit serve --demo`: each session has a world of its own, with the stand-ins, and goes with it.
//!
//! Not here: the world, or the script.

use super::house::{Configured, seated, trouble};
use crate::commands::demo::Playground;
use crate::failure::Failure;
use crate::rates::Models;
use anyhow::anyhow;
use engine::Surface;
use engine::voice::Catalogue;
use journal::SessionId;
use serde_json::Value;
use server::house::{self, Asked, Beginning, Explained, House, Unable, Ways, Which};
use std::any::Any;
use std::path::Path;
use std::sync::Arc;
use wire::http::Explanation;

/// The demo's own sessions, and of everything else what a configuration without anything says.
#[derive(Clone, Debug)]
pub struct Demo {
    pub plain: Configured,
}

impl Demo {
    async fn opened(&self, new: Beginning, ways: Ways) -> Result<house::Seated, Failure> {
        if new.workspace.is_some() || new.model.is_some() {
            let cause = anyhow!("the demo has a folder and a model of its own; leave out `workspace` and `model`");
            return Err(Failure::user(cause));
        }
        let id = crate::opening::new_id()?;
        let surface = Surface { default_cap: engine::DEFAULT_CAP, events: ways.events.clone() };
        let mode = new.mode.unwrap_or(policy::ModeChoice::DEFAULT).resolve(None, engine::DEFAULT_CAP);
        let playground = Playground::make().await?;
        let authority = (mode, new.attendance);
        let opened = playground.open((&self.plain.journal, id), authority, surface).await?;
        let fixed: Arc<dyn Catalogue> = Arc::new(Models::Fixed);
        let seated = seated(opened, new.title, (ways, &self.plain.paths, fixed)).await?;
        let beside: Box<dyn Any + Send + Sync> = Box::new((seated.beside, playground));
        Ok(house::Seated { beside, ..seated })
    }
}

impl House for Demo {
    fn open(&self, which: Which, ways: Ways) -> Asked<'_, house::Seated> {
        Box::pin(async move {
            match which {
                Which::New(new) => self.opened(new, ways).await.map_err(trouble),
                Which::Stored(_) | Which::Fork { .. } => {
                    let why = "the demo's folder went with its session; begin another one";
                    Err(Unable::Refused(why.to_owned()))
                }
            }
        })
    }

    fn offered(&self) -> Option<String> {
        Some(crate::commands::demo::PROMPT.to_owned())
    }

    fn catalogue(&self) -> Arc<dyn Catalogue> {
        Arc::new(Models::Fixed)
    }

    fn forget(&self, session: &SessionId) {
        self.plain.forget(session);
    }

    fn contract(&self) -> Result<Value, Unable> {
        self.plain.contract()
    }

    fn explain(&self, call: Explained) -> Asked<'_, Explanation> {
        self.plain.explain(call)
    }

    fn models(&self) -> Asked<'_, Value> {
        self.plain.models()
    }

    fn tools(&self) -> Result<Value, Unable> {
        self.plain.tools()
    }

    fn files<'a>(&'a self, workspace: &'a Path) -> Asked<'a, Vec<String>> {
        self.plain.files(workspace)
    }

    fn export<'a>(&'a self, session: &'a SessionId) -> Asked<'a, String> {
        self.plain.export(session)
    }

    fn spend<'a>(&'a self, session: &'a SessionId) -> Asked<'a, Value> {
        self.plain.spend(session)
    }
}
