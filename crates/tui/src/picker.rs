//! A list over the transcript to pick from: searched by typing.
//!
//! Not here: what picking something does (that is `app`).

use crate::composer::rank;
use crate::errand::{ListKind, ListRow};
use crate::text::{clean, truncate, width};
use crate::theme::{Role, Theme};
use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::text::{Line, Span};

/// How far a page goes.
const PAGE: usize = 10;
/// How many letters of what is searched for are kept.
const LONGEST_QUERY: usize = 200;

/// What there is to pick from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickKind {
    /// What was asked for outside: sessions or models.
    Listed(ListKind),
    /// The person's answers that last for the session.
    Answers,
    /// The MCP servers.
    Servers,
    /// What the person said in this session.
    Said,
}

/// What became of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// Nothing that concerns anybody else.
    Stays,
    /// The person wants none of them.
    Leaves,
    /// The person takes this one.
    Takes(ListRow),
    /// The person goes on from this one in a new one, and this one stays as it is.
    Forks(ListRow),
    /// The person gives this one another title.
    Names(ListRow, String),
    /// The person takes this one away, and has said so twice where it cannot be undone.
    Removes(ListRow),
}

/// What the keys go to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    /// What is searched for.
    Search,
    /// The new title of the row that is picked.
    Title(String),
    /// Whether the row that is picked may go.
    Sure,
}

/// The list, what of it is found, and which row is picked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picker {
    /// What there is to pick from.
    pub kind: PickKind,
    title: String,
    rows: Vec<ListRow>,
    query: String,
    found: Vec<usize>,
    at: usize,
    stage: Stage,
    says: String,
}

impl Picker {
    /// A list of that kind, of which nothing is searched for yet.
    pub fn new(kind: PickKind, title: String, rows: Vec<ListRow>) -> Picker {
        let found = (0..rows.len()).collect();
        let (query, says) = (String::new(), String::new());
        Picker { kind, title, rows, query, found, at: 0, stage: Stage::Search, says }
    }

    /// The same list, searched for these words.
    pub fn searched(mut self, words: &str) -> Picker {
        self.type_in(words);
        self
    }

    /// Takes other rows in, as they are now; what is searched for and about where the person is stay.
    pub fn refresh(&mut self, rows: Vec<ListRow>) {
        self.rows = rows;
        self.stage = Stage::Search;
        self.find(self.at);
    }

    /// Says something in the place of the keys, until the next key.
    pub fn say(&mut self, words: String) {
        self.says = words;
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Gives a row another label.
    pub fn rename(&mut self, id: &str, label: &str) {
        self.rows.iter_mut().filter(|row| row.id == id).for_each(|row| label.clone_into(&mut row.label));
        self.find(self.at);
    }

    /// Takes a row out.
    pub fn remove(&mut self, id: &str) {
        self.rows.retain(|row| row.id != id);
        self.find(self.at);
    }

    /// Scrolls up.
    pub fn up(&mut self, rows: usize) {
        self.at = self.at.saturating_sub(rows);
    }

    /// Scrolls down.
    pub fn down(&mut self, rows: usize) {
        self.at = (self.at + rows).min(self.found.len().saturating_sub(1));
    }

    /// Writes what was typed or pasted to where the keys go.
    pub fn type_in(&mut self, text: &str) {
        let line = clean(text.lines().next().unwrap_or_default()).into_owned();
        match &mut self.stage {
            Stage::Search => {
                self.query.extend(line.chars().take(LONGEST_QUERY.saturating_sub(self.query.chars().count())));
                self.find(0);
            }
            Stage::Title(title) => {
                title.extend(line.chars().take(LONGEST_QUERY.saturating_sub(title.chars().count())));
            }
            Stage::Sure => {}
        }
    }

    /// Hears a key.
    pub fn key(&mut self, key: KeyEvent) -> Chosen {
        self.says.clear();
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        if ctrl && key.code == KeyCode::Char('c') {
            return Chosen::Leaves;
        }
        match &mut self.stage {
            Stage::Title(_) => self.key_on_title(key),
            Stage::Sure => {
                self.stage = Stage::Search;
                match (ctrl, key.code, self.picked()) {
                    (true, KeyCode::Char('d'), Some(row)) => Chosen::Removes(row.clone()),
                    _ => Chosen::Stays,
                }
            }
            Stage::Search if ctrl => self.key_with_ctrl(key.code),
            Stage::Search => self.key_on_list(key),
        }
    }

    fn key_on_list(&mut self, key: KeyEvent) -> Chosen {
        match key.code {
            KeyCode::Esc => return Chosen::Leaves,
            KeyCode::Enter => return self.picked().cloned().map_or(Chosen::Stays, Chosen::Takes),
            KeyCode::Up => self.up(1),
            KeyCode::Down => self.down(1),
            KeyCode::PageUp => self.up(PAGE),
            KeyCode::PageDown => self.down(PAGE),
            KeyCode::Home => self.at = 0,
            KeyCode::End => self.down(self.found.len()),
            KeyCode::Backspace => {
                self.query.pop();
                self.find(0);
            }
            KeyCode::Char(letter) if !key.modifiers.contains(KeyModifiers::ALT) => {
                self.type_in(letter.encode_utf8(&mut [0; 4]));
            }
            _ => {}
        }
        Chosen::Stays
    }

    fn key_with_ctrl(&mut self, code: KeyCode) -> Chosen {
        match code {
            KeyCode::Char('p') => self.up(1),
            KeyCode::Char('n') => self.down(1),
            KeyCode::Char('u') => {
                self.query.clear();
                self.find(0);
            }
            KeyCode::Char('f') if self.kind == PickKind::Listed(ListKind::Sessions) => {
                return self.picked().cloned().map_or(Chosen::Stays, Chosen::Forks);
            }
            KeyCode::Char('r') if self.kind == PickKind::Listed(ListKind::Sessions) => {
                if let Some(row) = self.picked() {
                    self.stage = Stage::Title(clean(&row.label).replace('\n', " "));
                }
            }
            KeyCode::Char('d') => match (self.kind, self.picked().cloned()) {
                (PickKind::Listed(ListKind::Sessions), Some(_)) => self.stage = Stage::Sure,
                (PickKind::Answers, Some(row)) => return Chosen::Removes(row),
                _ => {}
            },
            _ => {}
        }
        Chosen::Stays
    }

    fn key_on_title(&mut self, key: KeyEvent) -> Chosen {
        let Stage::Title(title) = &mut self.stage else { return Chosen::Stays };
        let ctrl = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Esc => self.stage = Stage::Search,
            KeyCode::Enter => {
                let title = title.trim().to_owned();
                self.stage = Stage::Search;
                if let (false, Some(row)) = (title.is_empty(), self.picked().cloned()) {
                    return Chosen::Names(row, title);
                }
            }
            KeyCode::Backspace => {
                title.pop();
            }
            KeyCode::Char('u') if ctrl => title.clear(),
            KeyCode::Char(letter) if !ctrl => self.type_in(letter.encode_utf8(&mut [0; 4])),
            _ => {}
        }
        Chosen::Stays
    }

    fn picked(&self) -> Option<&ListRow> {
        self.rows.get(*self.found.get(self.at)?)
    }

    /// Looks for the query, and stays at about that row. What has each of its words comes in its order; where nothing has,
    /// what has its letters in its name, the best first.
    fn find(&mut self, at: usize) {
        let query = self.query.to_lowercase();
        let has_words = |row: &ListRow| {
            let text = format!("{} {}", row.label, row.note).to_lowercase();
            query.split_whitespace().all(|word| text.contains(word))
        };
        self.found = (0..self.rows.len()).filter(|row| has_words(&self.rows[*row])).collect();
        if self.found.is_empty() {
            let names: Vec<&str> = self.rows.iter().map(|row| row.label.as_str()).collect();
            self.found = rank(&self.query, &names);
        }
        self.at = at.min(self.found.len().saturating_sub(1));
    }

    /// The lines of the list in a room of that size, and the column of the cursor in the first of them.
    pub fn lines(&self, (room, rows): (u16, u16), theme: &Theme) -> (Vec<Line<'static>>, u16) {
        let (head, cursor) = self.head(room, theme);
        let rows = usize::from(rows).saturating_sub(2).max(1);
        let top = self.at.saturating_sub(rows / 2).min(self.found.len().saturating_sub(rows));
        let seen = &self.found[top..(top + rows).min(self.found.len())];
        let mut lines = vec![head];
        if seen.is_empty() {
            lines.push(Line::styled("  nothing has these letters", theme.style(Role::Dim)));
        }
        lines.extend(seen.iter().enumerate().map(|(at, row)| {
            let row = &self.rows[*row];
            let look = if top + at == self.at { ("> ", Role::Selection) } else { ("  ", Role::Text) };
            row_line(row, look, room, theme)
        }));
        lines.push(truncate(Line::styled(self.foot(), theme.style(Role::Dim)), room));
        (lines, cursor)
    }

    fn head(&self, room: u16, theme: &Theme) -> (Line<'static>, u16) {
        let title = clean(&self.title).replace('\n', " ");
        let (asks, written) = match &self.stage {
            Stage::Search => (format!("{title} ({} of {})  find: ", self.found.len(), self.rows.len()), &self.query),
            Stage::Title(title) => ("new title: ".to_owned(), title),
            Stage::Sure => ("delete it for good? Ctrl+D once more does ".to_owned(), &self.says),
        };
        let cursor = (width(&asks) + width(written)).min(usize::from(room.saturating_sub(1)));
        let spans = vec![
            Span::styled(asks, theme.style(Role::Heading)),
            Span::styled(written.clone(), theme.style(Role::Strong)),
        ];
        (truncate(Line::from(spans), room), u16::try_from(cursor).unwrap_or(0))
    }

    fn foot(&self) -> String {
        if !self.says.is_empty() {
            return clean(&self.says).replace('\n', " ");
        }
        let keys = match (self.kind, &self.stage) {
            (_, Stage::Title(_)) => "Enter renames  Esc leaves it as it is",
            (_, Stage::Sure) => "Ctrl+D deletes  any other key keeps it",
            (PickKind::Listed(ListKind::Sessions), _) => {
                "Enter resumes  Ctrl+F forks  Ctrl+R renames  Ctrl+D deletes  Esc closes"
            }
            (PickKind::Listed(ListKind::Models), _) => "Enter takes it, from the next request on  Esc closes",
            (PickKind::Answers, _) => "Enter takes the answer back  Esc closes",
            (PickKind::Servers, _) => "Enter starts the server anew  Esc closes",
            (PickKind::Said, _) => "Enter goes back to before it, in a new session  Esc closes",
        };
        keys.to_owned()
    }
}

/// One row: a sign, so that colour is not the only one, the label, and the note in what room is left.
fn row_line(row: &ListRow, (sign, role): (&'static str, Role), room: u16, theme: &Theme) -> Line<'static> {
    let plain = |text: &str| clean(text).replace('\n', " ");
    let note = plain(&row.note);
    let left = usize::from(room).saturating_sub(width(&note) + 4).max(usize::from(room - room / 3));
    let label = Line::styled(plain(&row.label), theme.style(role));
    let mut line = truncate(label, u16::try_from(left).unwrap_or(room));
    line.spans.insert(0, Span::styled(sign, theme.style(role)));
    line.push_span(Span::styled(format!("  {note}"), theme.style(Role::Dim)));
    truncate(line, room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::theme::{Depth, Ground};

    fn picker(kind: PickKind) -> Picker {
        let row = |id: &str, label: &str| ListRow { id: id.into(), label: label.into(), note: format!("about {id}") };
        let rows = vec![row("a", "fix the tests"), row("b", "write the docs"), row("c", "fix the build")];
        Picker::new(kind, "Sessions".to_owned(), rows)
    }

    fn press(picker: &mut Picker, code: KeyCode) -> Chosen {
        picker.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn ctrl(picker: &mut Picker, letter: char) -> Chosen {
        picker.key(KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL))
    }

    fn taken(picker: &mut Picker) -> String {
        match press(picker, KeyCode::Enter) {
            Chosen::Takes(row) => row.id,
            other => panic!("nothing was taken: {other:?}"),
        }
    }

    fn drawn(picker: &Picker, size: (u16, u16)) -> Vec<String> {
        let theme = Theme::new(Depth::None, Ground::Dark);
        picker.lines(size, &theme).0.iter().map(ToString::to_string).collect()
    }

    const SESSIONS: PickKind = PickKind::Listed(ListKind::Sessions);

    #[test]
    fn typing_searches_and_the_arrows_pick() {
        let mut picker = picker(SESSIONS);
        press(&mut picker, KeyCode::Down);
        assert_eq!(taken(&mut picker), "b");
        "fix bu".chars().for_each(|letter| drop(press(&mut picker, KeyCode::Char(letter))));
        assert_eq!(taken(&mut picker), "c");
        "zzz".chars().for_each(|letter| drop(press(&mut picker, KeyCode::Char(letter))));
        assert_eq!(press(&mut picker, KeyCode::Enter), Chosen::Stays, "nothing was found");
        assert!(drawn(&picker, (60, 10)).join("\n").contains("nothing has these letters"));
        ctrl(&mut picker, 'u');
        press(&mut picker, KeyCode::End);
        press(&mut picker, KeyCode::Down);
        assert_eq!(taken(&mut picker), "c");
        assert_eq!(press(&mut picker, KeyCode::Esc), Chosen::Leaves);
    }

    #[test]
    fn deleting_is_said_twice() {
        let mut picker = picker(SESSIONS);
        assert_eq!(ctrl(&mut picker, 'd'), Chosen::Stays);
        assert!(drawn(&picker, (80, 10))[0].contains("for good?"));
        assert_eq!(press(&mut picker, KeyCode::Enter), Chosen::Stays, "any other key keeps it");
        assert_eq!(ctrl(&mut picker, 'd'), Chosen::Stays);
        let Chosen::Removes(row) = ctrl(&mut picker, 'd') else { panic!("it was said twice") };
        picker.remove(&row.id);
        assert_eq!((row.id.as_str(), taken(&mut picker).as_str()), ("a", "b"));
    }

    #[test]
    fn a_title_is_written_in_place_and_esc_leaves_it() {
        let mut picker = picker(SESSIONS);
        ctrl(&mut picker, 'r');
        assert_eq!(press(&mut picker, KeyCode::Esc), Chosen::Stays);
        ctrl(&mut picker, 'r');
        "!".chars().for_each(|letter| drop(press(&mut picker, KeyCode::Char(letter))));
        assert!(drawn(&picker, (80, 10))[0].contains("new title: fix the tests!"));
        let Chosen::Names(row, title) = press(&mut picker, KeyCode::Enter) else { panic!("a title was written") };
        assert_eq!((row.id.as_str(), title.as_str()), ("a", "fix the tests!"));
        let mut models = super::tests::picker(PickKind::Listed(ListKind::Models));
        ctrl(&mut models, 'r');
        assert_eq!(ctrl(&mut models, 'f'), Chosen::Stays, "a model is not gone on from");
        ctrl(&mut models, 'd');
        assert_eq!(ctrl(&mut models, 'd'), Chosen::Stays, "a model is not deleted");
    }

    #[test]
    fn the_picked_row_is_seen_whatever_the_room_and_no_line_is_wider() {
        let rows = (0..50).map(|at| ListRow { id: at.to_string(), label: format!("row {at}"), note: "n".repeat(90) });
        let mut picker = Picker::new(SESSIONS, "Many".to_owned(), rows.collect());
        picker.down(37);
        for size in [(60, 8), (20, 4), (160, 40), (10, 1)] {
            let lines = drawn(&picker, size);
            assert!(lines.iter().any(|line| line.starts_with("> row") && line.contains("37")), "{size:?} {lines:?}");
            assert!(lines.iter().all(|line| width(line) <= usize::from(size.0)), "{size:?} {lines:?}");
        }
    }

    #[test]
    fn other_rows_keep_the_search_and_the_place() {
        let mut picker = picker(PickKind::Answers).searched("fix");
        press(&mut picker, KeyCode::Down);
        let Chosen::Removes(row) = ctrl(&mut picker, 'd') else { panic!("an answer is taken back at once") };
        let rest = picker.rows.iter().filter(|other| other.id != row.id).cloned().collect();
        picker.refresh(rest);
        assert_eq!((picker.found.len(), picker.at, picker.query.as_str()), (1, 0, "fix"));
    }
}
