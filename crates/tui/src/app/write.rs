//! What becomes of what is written: it is completed, sent, queued, or run in the person's own shell.
//!
//! Not here: the commands (that is `order`), or words that answer a card (that is `asked`).

use super::{App, Errand, Over, Phase, ShellSaid, Told};
use crate::composer::{Choice, Composed, ComposedKind, Keyed, Wish, WishKind, rank};
use crate::orders::ORDERS;
use crate::text::clean;
use crate::transcript::{Cell, ShellCell, ShellState};
use wire::ControlRequest;

/// How long a list of the workspace's files is good for, in milliseconds.
const FILES_MS: u64 = 30_000;
/// The most files that are completed.
const MOST_FILES: usize = 200_000;
/// The most choices of files in a menu.
const MOST_CHOICES: usize = 50;

/// The files of the workspace, as they were last listed.
#[derive(Clone, Debug, Default)]
pub struct FileList {
    names: Vec<String>,
    /// When they came, or when they were asked for and have not come yet.
    state: FilesAre,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FilesAre {
    #[default]
    Unknown,
    Awaited(u64),
    Listed(u64),
}

impl App {
    pub(super) fn paste(&mut self, text: String, now_ms: u64) -> Vec<Errand> {
        if let Some(Over::Picker(picker)) = &mut self.over {
            picker.type_in(&text);
            return Vec::new();
        }
        let heard = self.composer.paste(text);
        self.heard(heard, now_ms)
    }

    pub(super) fn heard(&mut self, heard: Keyed, now_ms: u64) -> Vec<Errand> {
        match heard {
            Keyed::Submit(draft) => self.submit(draft, now_ms),
            Keyed::Complete(wish) => self.complete(&wish, now_ms),
            Keyed::Editor => vec![Errand::Edit(self.composer.text())],
            Keyed::Edited | Keyed::Nothing | Keyed::Unused => Vec::new(),
        }
    }

    fn complete(&mut self, wish: &Wish, now_ms: u64) -> Vec<Errand> {
        match wish.kind {
            WishKind::Command => self.composer.offer(orders_like(&wish.query)),
            WishKind::File => {
                self.composer.offer(files_like(&wish.query, &self.aside.files.names));
                let asked = match self.aside.files.state {
                    FilesAre::Unknown => None,
                    FilesAre::Awaited(at) | FilesAre::Listed(at) => Some(at),
                };
                if asked.is_none_or(|at| now_ms.saturating_sub(at) >= FILES_MS) {
                    self.aside.files.state = FilesAre::Awaited(now_ms);
                    return vec![Errand::ListFiles];
                }
            }
        }
        Vec::new()
    }

    pub(super) fn files_came(&mut self, mut names: Vec<String>, now_ms: u64) {
        // A name that no terminal can show is none that a person writes.
        names.retain(|name| !name.chars().any(char::is_control));
        names.truncate(MOST_FILES);
        self.aside.files = FileList { names, state: FilesAre::Listed(now_ms) };
        if let Some(wish) = self.composer.wish().filter(|wish| wish.kind == WishKind::File) {
            self.composer.offer(files_like(&wish.query, &self.aside.files.names));
        }
    }

    fn submit(&mut self, draft: Composed, now_ms: u64) -> Vec<Errand> {
        self.transcript.to_the_end();
        if let Some(errands) = self.allow_edited(&draft.text) {
            return errands;
        }
        match draft.kind {
            ComposedKind::Command { name, rest } => remembered(draft.text, self.order(&name, &rest)),
            ComposedKind::Shell(line) => self.run(draft.text, line, now_ms),
            // What answers a question is nobody's to find in the history: it may be a password.
            ComposedKind::Words => match self.answer_in_words(&draft.text, now_ms) {
                Some(errands) => errands,
                None => {
                    let say = self.say(draft.text.clone());
                    remembered(draft.text, vec![say])
                }
            },
        }
    }

    fn say(&mut self, text: String) -> Errand {
        self.aside.told = Told::Now;
        Errand::Send(ControlRequest::Say { text })
    }

    /// Ctrl+Q: sends it when the model is done.
    pub(super) fn queue_up(&mut self, now_ms: u64) -> Vec<Errand> {
        if self.cards.edited_call().is_some() {
            return Vec::new();
        }
        let Keyed::Submit(draft) = self.composer.send() else { return Vec::new() };
        match draft.kind {
            ComposedKind::Words if self.phase == Phase::Idle && self.queue.is_empty() => {
                let say = self.say(draft.text.clone());
                remembered(draft.text, vec![say])
            }
            ComposedKind::Words => {
                self.queue.push(draft.text.clone());
                remembered(draft.text, Vec::new())
            }
            ComposedKind::Command { .. } | ComposedKind::Shell(_) => self.submit(draft, now_ms),
        }
    }

    /// Takes the last that waits back to where the person writes, if that is empty.
    pub(super) fn take_back_queued(&mut self) -> bool {
        // With a card open, Enter would make the words an answer to it.
        if !self.composer.is_empty() || self.composer_has_keys() || !self.cards.is_empty() {
            return false;
        }
        let Some(text) = self.queue.pop() else { return false };
        self.composer.set(text);
        true
    }

    /// Whether Enter sends what waits: nothing is written, nothing is asked, and nothing works.
    pub(super) fn sends_queued(&self) -> bool {
        let nothing_else = self.composer.is_empty() && !self.composer_has_keys() && self.cards.is_empty();
        self.phase == Phase::Idle && nothing_else && !self.queue.is_empty()
    }

    /// Sends the first that waits.
    pub(super) fn send_queued(&mut self) -> Vec<Errand> {
        if self.queue.is_empty() {
            return Vec::new();
        }
        let text = self.queue.remove(0);
        self.transcript.to_the_end();
        vec![self.say(text)]
    }

    fn run(&mut self, text: String, command: String, now_ms: u64) -> Vec<Errand> {
        if self.aside.shell_ms.is_some() {
            self.trouble("a command of yours runs; Ctrl+C stops it");
            self.composer.set(text);
            return Vec::new();
        }
        self.aside.shell_ms = Some(now_ms);
        let (output, state) = (String::new(), ShellState::Runs(now_ms));
        self.transcript.push(Cell::Shell(Box::new(ShellCell { command: command.clone(), output, state })));
        remembered(text, vec![Errand::Shell(command)])
    }

    pub(super) fn shell_said(&mut self, said: ShellSaid) {
        if let ShellSaid::Ended(_) = said {
            self.aside.shell_ms = None;
        }
        let Some(cell) = self.transcript.running_shell_mut() else { return };
        match said {
            ShellSaid::Output(piece) => cell.say(&piece),
            ShellSaid::Ended(how) => cell.state = ShellState::Ended(how),
        }
    }

    /// Ctrl+S: puts what the last command of the person's own said where the person writes.
    pub(super) fn give_output(&mut self, now_ms: u64) -> Vec<Errand> {
        let last = self.transcript.cells().rev().find_map(|cell| match cell {
            Cell::Shell(shell) => Some(shell),
            _ => None,
        });
        let Some(shell) = last else {
            self.notice("no command of yours was run yet; `!` and a command line runs one");
            return Vec::new();
        };
        let how = match &shell.state {
            ShellState::Runs(_) => "it still runs",
            ShellState::Ended(how) => how,
        };
        let (output, line) = (clean(&shell.output), clean(&shell.command));
        let text = format!("$ {line}\n{}\n({how})\n", output.trim_end());
        self.paste(text, now_ms)
    }
}

/// The errands, and before them that the text is kept for another day.
fn remembered(text: String, errands: Vec<Errand>) -> Vec<Errand> {
    let kept = Errand::Remember(text.trim_end().to_owned());
    std::iter::once(kept).chain(errands).collect()
}

/// What a command's beginning could become.
fn orders_like(query: &str) -> Vec<Choice> {
    let names: Vec<&str> = ORDERS.iter().map(|entry| entry.name).collect();
    let ranked = rank(query, &names).into_iter().map(|at| &ORDERS[at]);
    let choice = |entry: &crate::orders::OrderEntry| Choice {
        insert: format!("/{} ", entry.name),
        label: format!("/{} {}", entry.name, entry.takes),
        note: entry.does.to_owned(),
    };
    ranked.map(choice).collect()
}

/// The files that a few letters could mean. A path with a space is put in quotes.
fn files_like(query: &str, names: &[String]) -> Vec<Choice> {
    let found = rank(query.trim_matches('"'), names).into_iter().take(MOST_CHOICES);
    let choice = |at: usize| {
        let name = &names[at];
        let quote = if name.contains(char::is_whitespace) { "\"" } else { "" };
        Choice { insert: format!("@{quote}{name}{quote} "), label: name.clone(), note: String::new() }
    };
    found.map(choice).collect()
}
