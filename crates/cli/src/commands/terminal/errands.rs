//! Sees to what the screen wants done outside its session.
//!
//! Not here: the session's own commands, which are passed on as they are, or the terminal itself (that is `tui`).
//!
//! Nothing here keeps the screen waiting: whatever takes time has a thread of its own, and what comes of it goes back to
//! the screen as one more input.

#![allow(clippy::disallowed_methods, reason = "the person's own commands are started here, and their files written")]

use super::{history, lists};
use crate::commands::{sessions, spend};
use crate::config::Config;
use crate::control;
use crate::failure::Failure;
use crate::far::Far;
use crate::paths::Paths;
use crate::stored::Stored;
use crate::{draw, runtime, wiring};
use anyhow::anyhow;
use engine::{Session, SessionCommand};
use rustix::process::{Pid, Signal, kill_process_group};
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc as std_mpsc;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use tokio::sync::mpsc;
use tui::errand::{Errand, Input, ListKind, Opening, Page, Sheet, ShellSaid};
use wire::{Aspect, ControlReply, ControlRequest, Event};

/// How much is read at once of what a command says, in bytes.
const PIECE: usize = 16 * 1024;

/// Which session is on the screen.
#[derive(Clone, Debug, Default)]
pub struct Current(Arc<Mutex<(String, PathBuf)>>);

impl Current {
    /// It is this one now.
    pub fn set(&self, session: &Session) {
        if let Event::Session { id, workspace, .. } = session.header(Vec::new()) {
            self.name(id, workspace.into());
        }
    }

    /// It is the one of this name, which works in this folder.
    pub fn name(&self, id: String, workspace: PathBuf) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = (id, workspace);
    }

    /// There is none any more.
    pub fn be_gone(&self) {
        self.name(String::new(), PathBuf::new());
    }

    /// Its name; empty when there is none any more.
    pub fn id(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// The folder that it works in.
    pub fn workspace(&self) -> PathBuf {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}

/// The way to the session.
pub enum Line {
    /// This program has it.
    Own {
        /// Where requests go.
        requests: mpsc::UnboundedSender<ControlRequest>,
        /// Where it is said which other session is wanted.
        openings: mpsc::UnboundedSender<Opening>,
        /// Where the session is told to look there.
        commands: mpsc::Sender<SessionCommand>,
    },
    /// Another program has it and listens here.
    Beside(PathBuf),
    /// A server has it.
    Far(Far),
}

/// Whoever runs errands for the screen.
pub struct Errands {
    pub current: Current,
    pub contract: String,
    pub session: Line,
    pub input: std_mpsc::Sender<Input>,
    pub config: Config,
    pub paths: Paths,
    pub shell: RunningShell,
}

impl Errands {
    /// Sees to one.
    pub fn carry_out(&mut self, errand: Errand) {
        if let (Line::Far(far), Some(what)) = (&self.session, is_kept_here(&errand)) {
            return self.tell(Input::Trouble(format!("the server has {what}; open {}", far.page())));
        }
        match errand {
            Errand::Send(request) => self.send(request),
            Errand::Open(opening) => self.open(opening),
            Errand::Show(Sheet::Contract) => self.tell(page("The contract", self.contract.clone())),
            Errand::Show(Sheet::Spend) => {
                let (paths, id) = (self.paths.clone(), self.current.id());
                self.bring(move || Ok(page("What this session has cost", spend::in_words(&paths, &id)?)));
            }
            Errand::Show(Sheet::Diff) => self.send(ControlRequest::Look { at: Aspect::Changes }),
            Errand::List(kind) => self.list(kind),
            Errand::ListFiles => {
                let folder = self.current.workspace();
                self.bring(move || Ok(Input::Files(lists::files(&folder))));
            }
            Errand::Rename { id, title } if id == self.current.id() => self.send(ControlRequest::Rename { title }),
            Errand::Rename { id, title } => {
                let paths = self.paths.clone();
                self.change(async move { sessions::rename(&paths, &id, title).await });
            }
            Errand::Delete { id } => {
                let paths = self.paths.clone();
                self.change(async move { sessions::delete(&paths, &id).await });
            }
            Errand::Export => {
                let (paths, id, folder) = (self.paths.clone(), self.current.id(), self.current.workspace());
                self.bring(move || {
                    Ok(Input::Notice(format!("written to {}", export(&paths, &id, &folder)?.display())))
                });
            }
            Errand::Shell(line) => {
                let place = (self.current.workspace(), wiring::withheld(&self.config));
                self.shell.start(&line, place, self.input.clone());
            }
            Errand::StopShell => self.shell.stop(),
            Errand::Remember(text) => {
                if let Err(why) = history::keep(&self.paths, &text) {
                    self.tell(Input::Trouble(format!("what you sent is not kept for another day: {why}")));
                }
            }
            // These are the screen's own.
            Errand::Edit(_) | Errand::Copy(_) | Errand::Ring(_) | Errand::Ground(_) | Errand::Quit => {}
        }
    }

    fn tell(&self, input: Input) {
        // A screen that is gone needs no answer.
        let _ = self.input.send(input);
    }

    /// Brings what takes time to be had.
    fn bring(&self, had: impl FnOnce() -> Result<Input, Failure> + Send + 'static) {
        let input = self.input.clone();
        thread::spawn(move || {
            let _ = input.send(had().unwrap_or_else(|failure| Input::Trouble(failure.in_a_line())));
        });
    }

    fn send(&self, request: ControlRequest) {
        match &self.session {
            Line::Own { requests, .. } => {
                // A session that is gone has said why.
                let _ = requests.send(request);
            }
            Line::Beside(socket) => {
                let socket = socket.clone();
                self.bring(move || {
                    let reply = runtime()?.block_on(control::ask(&socket, &request))?;
                    let gone =
                        || ControlReply::Refused { why: "the program that had the session has ended".to_owned() };
                    Ok(answered(reply.unwrap_or_else(gone)))
                });
            }
            Line::Far(far) => {
                let far = far.clone();
                self.bring(move || Ok(answered(runtime()?.block_on(far.ask(request)))));
            }
        }
    }

    fn open(&self, opening: Opening) {
        match &self.session {
            Line::Own { openings, commands, .. } => {
                let _ = openings.send(opening);
                let commands = commands.clone();
                thread::spawn(move || drop(commands.blocking_send(SessionCommand::Leave)));
            }
            Line::Beside(_) | Line::Far(_) => {
                let text = "another program has this session; open others from a `remit` of their own";
                self.tell(Input::Trouble(text.to_owned()));
            }
        }
    }

    fn list(&self, kind: ListKind) {
        let (paths, config, shown) = (self.paths.clone(), self.config.clone(), self.current.id());
        self.bring(move || {
            Ok(Input::Listed(match kind {
                ListKind::Sessions => runtime()?.block_on(lists::sessions(&paths, &shown))?,
                ListKind::Models => lists::models(&config)?,
            }))
        });
    }

    /// Changes something about a session that is not on the screen, then brings the list anew.
    fn change(&self, change: impl Future<Output = Result<(), Failure>> + Send + 'static) {
        let (paths, shown) = (self.paths.clone(), self.current.id());
        self.bring(move || {
            runtime()?.block_on(async {
                change.await?;
                Ok(Input::Listed(lists::sessions(&paths, &shown).await?))
            })
        });
    }
}

/// What an errand is about that is on the machine of the session.
fn is_kept_here(errand: &Errand) -> Option<&'static str> {
    match errand {
        Errand::Show(Sheet::Spend) => Some("what it has cost"),
        Errand::List(_) | Errand::Delete { .. } => Some("the list"),
        Errand::ListFiles | Errand::Shell(_) => Some("its folder"),
        Errand::Export => Some("the record"),
        Errand::Send(_) | Errand::Open(_) | Errand::Show(Sheet::Contract | Sheet::Diff) | Errand::Rename { .. } => None,
        Errand::StopShell | Errand::Remember(_) | Errand::Edit(_) | Errand::Copy(_) | Errand::Ring(_) => None,
        Errand::Ground(_) | Errand::Quit => None,
    }
}

fn page(title: &str, text: String) -> Input {
    Input::Page(Page { title: title.to_owned(), text, past: 0 })
}

/// What the session answered, as the screen takes it.
pub fn answered(reply: ControlReply) -> Input {
    match reply {
        ControlReply::Changes { text } => page("What differs from the last commit", text),
        other => Input::Reply(Box::new(other)),
    }
}

/// Writes a session's conversation to a file of the folder that is not there yet, and says which.
fn export(paths: &Paths, id: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let stored = Stored::kept_in(paths, id)?;
    let text = draw::as_markdown(&engine::past::told(&stored.records, String::new()).map_err(Failure::host)?);
    for number in 1..1_000 {
        let name = if number == 1 { format!("remit-{id}.md") } else { format!("remit-{id}-{number}.md") };
        let path = folder.join(name);
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text.as_bytes()).map_err(Failure::host)?;
                return Ok(path);
            }
            Err(why) if why.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(why) => {
                return Err(Failure::host(anyhow!(why).context(format!("`{}` cannot be written", path.display()))));
            }
        }
    }
    Err(Failure::user(anyhow!("there are a thousand exports of this session in `{}`", folder.display())))
}

/// The person's own command line, while it runs.
#[derive(Clone, Debug, Default)]
pub struct RunningShell(Arc<Mutex<Option<Pid>>>);

impl RunningShell {
    /// Starts it in the person's shell, in a folder and without some variables. What it says comes as input; a second one
    /// waits for nobody.
    fn start(&self, line: &str, place: (PathBuf, Vec<String>), input: std_mpsc::Sender<Input>) {
        let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty()).unwrap_or_else(|| "/bin/sh".into());
        let (line, running) = (line.to_owned(), self.clone());
        thread::spawn(move || {
            let say = |said: ShellSaid| input.send(Input::Shell(said)).is_ok();
            let over = running.run(&shell, &line, &place, |piece| {
                say(ShellSaid::Output(piece));
            });
            say(ShellSaid::Ended(over.unwrap_or_else(|why| format!("it cannot be run: {why}"))));
        });
    }

    fn run(
        &self,
        shell: &std::ffi::OsStr,
        line: &str,
        (folder, withheld): &(PathBuf, Vec<String>),
        mut say: impl FnMut(String),
    ) -> std::io::Result<String> {
        let (mut reader, writer) = std::io::pipe()?;
        let mut command = Command::new(shell);
        command.arg("-c").arg(line).current_dir(folder).process_group(0);
        for name in withheld {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let mut child = command.spawn()?;
        // The pipe's other ends are the child's alone from here on, so that its end is seen.
        drop(command);
        let group = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = group;
        let (mut bytes, mut torn) = (vec![0; PIECE], Vec::new());
        while let Ok(count @ 1..) = reader.read(&mut bytes) {
            torn.extend_from_slice(&bytes[..count]);
            say(draw::whole_characters(&mut torn));
        }
        let status = child.wait();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        Ok(status?.to_string())
    }

    /// Ends it, with all that it started in its group.
    fn stop(&self) {
        if let Some(group) = *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            // One that has ended by itself is no trouble.
            let _ = kill_process_group(group, Signal::TERM);
        }
    }
}
