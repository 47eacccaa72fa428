//! A session that another Remit of the same person has, shown from here.
//!
//! Not here: what that program does. It hears this one as it hears any other of the person's: over its socket, which tells
//! a person from a child of a run.

use super::errands::{Current, Errands, Line, RunningShell};
use super::{Face, contract_page, look};
use crate::commands::run::{last_here, session_id};
use crate::config::Config;
use crate::control;
use crate::failure::Failure;
use crate::opening::Which;
use crate::out::outln;
use crate::paths::Paths;
use anyhow::anyhow;
use journal::{IfMissing, Journal};
use std::path::Path;
use std::process::ExitCode;
use std::sync::mpsc as std_mpsc;
use std::thread;
use tui::errand::Input;
use wire::{ControlRequest, Event};

/// The name of the wanted session, when another program has it and answers.
pub fn owned_elsewhere(which: &Which, folder: &Path, paths: &Paths) -> Result<Option<String>, Failure> {
    crate::runtime()?.block_on(async {
        let id = match which {
            Which::New => return Ok(None),
            Which::Named(id) => session_id(id)?,
            Which::LastHere => match Journal::open(&paths.database(), IfMissing::Refuse).await {
                Ok(journal) => last_here(&journal, folder).await?.id,
                // What is wrong is said by whoever opens it.
                Err(_) => return Ok(None),
            },
        };
        let answer = control::ask(&paths.socket(id.as_str()), &ControlRequest::Status).await?;
        Ok(answer.map(|_status| id.to_string()))
    })
}

/// Shows it until the person leaves; the session goes on where it is.
pub fn show(id: &str, face: Face, (config, paths): (Config, Paths)) -> Result<ExitCode, Failure> {
    let (input, inputs) = std_mpsc::channel();
    let socket = paths.socket(id);
    let (begun, has_begun) = std_mpsc::channel();
    let (of_watcher, watched) = (input.clone(), socket.clone());
    thread::spawn(move || {
        let hear = |event: Event| {
            if let Event::Session { id, workspace, .. } = &event {
                let _ = begun.send((id.clone(), workspace.clone()));
            }
            of_watcher.send(Input::Event(Box::new(event))).is_ok()
        };
        let over = crate::runtime().and_then(|runtime| runtime.block_on(control::watch(&watched, hear)));
        let why = over.map_or_else(|why| why.in_a_line(), |()| "the program that had the session has ended".to_owned());
        let _ =
            of_watcher.send(Input::Trouble(format!("{why}; leave, and `remit --resume` takes the session up here")));
    });
    let Ok((id, workspace)) = has_begun.recv() else {
        return Err(Failure::host(anyhow!("the program that has session `{id}` does not tell what it says")));
    };
    let current = Current::default();
    current.name(id.clone(), workspace.into());
    let text = "another program has this session; what you do here goes there, and leaving ends nothing".to_owned();
    let _ = input.send(Input::Notice(text));
    let errands = Errands {
        current,
        contract: contract_page(&config)?,
        session: Line::Beside(socket),
        input: input.clone(),
        config,
        paths: paths.clone(),
        shell: RunningShell::default(),
    };
    look(errands, face, (input, inputs))?;
    outln!("it goes on; to look again: remit --resume {id}");
    Ok(ExitCode::SUCCESS)
}
