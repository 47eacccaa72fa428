//! What picking something from a list does.
//!
//! Not here: the list itself (that is `picker`).

use super::{App, Errand, ListKind, ListRow, Opening, Over};
use crate::picker::{Chosen, PickKind};
use wire::{Aspect, ControlRequest};

/// How many letters of a message are shown in a list.
const LONGEST_LABEL: usize = 300;

/// What the person said, the last first, as rows that are named by their place.
pub(super) fn said_rows(said: &[String]) -> Vec<ListRow> {
    let row = |(at, text): (usize, &String)| {
        let label = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let label = label.chars().take(LONGEST_LABEL).collect();
        ListRow { id: at.to_string(), label, note: format!("message {}", at + 1) }
    };
    said.iter().enumerate().rev().map(row).collect()
}

impl App {
    pub(super) fn picked(&mut self, picked: Chosen) -> Vec<Errand> {
        let Some(Over::Picker(picker)) = &mut self.over else { return Vec::new() };
        let kind = picker.kind;
        match picked {
            Chosen::Stays => Vec::new(),
            Chosen::Leaves => {
                self.over = None;
                Vec::new()
            }
            Chosen::Takes(row) => self.take(kind, row),
            Chosen::Forks(row) => {
                self.over = None;
                self.open(Opening::Copy(row.id))
            }
            Chosen::Names(row, title) => {
                picker.rename(&row.id, &title);
                self.aside.list_changed = row.id != self.about.id;
                match row.id == self.about.id {
                    true => vec![Errand::Send(ControlRequest::Rename { title })],
                    false => vec![Errand::Rename { id: row.id, title }],
                }
            }
            Chosen::Removes(row) if kind == PickKind::Answers => self.take(kind, row),
            Chosen::Removes(row) if row.id == self.about.id => {
                picker.say("this session is the one on the screen; open another one first".to_owned());
                Vec::new()
            }
            Chosen::Removes(row) => {
                picker.remove(&row.id);
                self.aside.list_changed = true;
                if picker.is_empty() {
                    self.over = None;
                }
                vec![Errand::Delete { id: row.id }]
            }
        }
    }

    fn take(&mut self, kind: PickKind, row: ListRow) -> Vec<Errand> {
        match kind {
            // What these do is seen in the list itself, once it is done.
            PickKind::Answers => {
                self.aside.look_again = Some(Aspect::Answers);
                return vec![Errand::Send(ControlRequest::Revoke { grant: row.id })];
            }
            PickKind::Servers => {
                self.aside.look_again = Some(Aspect::Servers);
                if let Some(Over::Picker(picker)) = &mut self.over {
                    picker.say(format!("`{}` is started anew", row.id));
                }
                return vec![Errand::Send(ControlRequest::RestartServer { server: row.id })];
            }
            PickKind::Listed(_) | PickKind::Said => self.over = None,
        }
        match kind {
            PickKind::Listed(ListKind::Sessions) if row.id == self.about.id => Vec::new(),
            PickKind::Listed(ListKind::Sessions) => self.open(Opening::Session(row.id)),
            PickKind::Listed(ListKind::Models) => vec![Errand::Send(ControlRequest::UseModel { model: row.id })],
            PickKind::Said => {
                let Ok(said) = row.id.parse::<usize>() else { return Vec::new() };
                self.aside.carried = self.aside.said.get(said).cloned();
                self.open(Opening::Fork { said })
            }
            PickKind::Answers | PickKind::Servers => Vec::new(),
        }
    }
}
