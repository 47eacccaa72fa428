//! A session that another Remit has, shown from here: one of the same person, or a server.
//!
//! Not here: what that program does. One of the same person hears this one over its socket, which tells a person from a child
//! of a run; a server hears whoever has a token that lets them.

use super::errands::{Current, Errands, Line, RunningShell};
use super::{Face, contract_page, look};
use crate::commands::run::{last_here, session_id};
use crate::config::Config;
use crate::control;
use crate::failure::Failure;
use crate::far::Far;
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
pub fn show(id: &str, face: Face, configured: (Config, Paths)) -> Result<ExitCode, Failure> {
    let socket = configured.1.socket(id);
    let watched = socket.clone();
    let watch = move |input: std_mpsc::Sender<Input>, begun: Begun| {
        let hear = hearing(input, begun);
        let over = crate::runtime().and_then(|runtime| runtime.block_on(control::watch(&watched, hear)));
        let why = over.map_or_else(|why| why.in_a_line(), |()| "the program that had the session has ended".to_owned());
        format!("{why}; leave, and `remit --resume` takes the session up here")
    };
    let said = "another program has this session; what you do here goes there, and leaving ends nothing";
    let line = Line::Beside(socket);
    let Some(id) = watched_by(watch, (line, said), face, configured)? else {
        return Err(Failure::host(anyhow!("the program that has session `{id}` does not tell what it says")));
    };
    outln!("it goes on; to look again: remit --resume {id}");
    Ok(ExitCode::SUCCESS)
}

/// Shows a session of a server until the person leaves; it goes on there.
pub fn attach(address: &str, face: Face, configured: (Config, Paths)) -> Result<ExitCode, Failure> {
    // Before a token is read: nothing that this starts may look into it.
    host::authority::make_undumpable().map_err(Failure::host)?;
    let far = Far::at(address)?;
    crate::runtime()?.block_on(far.look())?;
    let watched = far.clone();
    let watch = move |input: std_mpsc::Sender<Input>, begun: Begun| {
        let lost = {
            let input = input.clone();
            move |why| drop(input.send(Input::Notice(why)))
        };
        let hear = hearing(input, begun);
        let over = crate::runtime().and_then(|runtime| runtime.block_on(watched.watch(hear, lost)));
        over.map_or_else(|why| why.in_a_line(), |()| "the session is not told any more".to_owned())
    };
    let page = far.page();
    let said = "a server has this session; what you do here goes there, and leaving ends nothing";
    if watched_by(watch, (Line::Far(far), said), face, configured)?.is_none() {
        return Err(Failure::host(anyhow!("the server does not tell what the session says")));
    }
    outln!("it goes on; to look again: remit --attach {page}");
    Ok(ExitCode::SUCCESS)
}

/// Where it is told which session it is, and its folder.
type Begun = std_mpsc::Sender<(String, String)>;

/// Passes on what is heard, and says which session it is.
fn hearing(input: std_mpsc::Sender<Input>, begun: Begun) -> impl FnMut(Event) -> bool {
    move |event: Event| {
        if let Event::Session { id, workspace, .. } = &event {
            let _ = begun.send((id.clone(), workspace.clone()));
        }
        input.send(Input::Event(Box::new(event))).is_ok()
    }
}

/// Has the screen show what somebody else tells; the session's name, or nothing when it is never told.
fn watched_by(
    watch: impl FnOnce(std_mpsc::Sender<Input>, Begun) -> String + Send + 'static,
    (line, said): (Line, &str),
    face: Face,
    (config, paths): (Config, Paths),
) -> Result<Option<String>, Failure> {
    let (input, inputs) = std_mpsc::channel();
    let (begun, has_begun) = std_mpsc::channel();
    let of_watcher = input.clone();
    thread::spawn(move || {
        let over = watch(of_watcher.clone(), begun);
        let _ = of_watcher.send(Input::Trouble(over));
    });
    let Ok((id, workspace)) = has_begun.recv() else { return Ok(None) };
    let current = Current::default();
    current.name(id.clone(), workspace.into());
    let _ = input.send(Input::Notice(said.to_owned()));
    let errands = Errands {
        current,
        contract: contract_page(&config)?,
        session: line,
        input: input.clone(),
        config,
        paths,
        shell: RunningShell::default(),
    };
    look(errands, face, (input, inputs))?;
    Ok(Some(id))
}
